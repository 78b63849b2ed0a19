//! The wording of boxoffice itself, in English: subject, text and HTML of each kind.

use super::kind::NoticeKind;

/// The sources of a kind's templates: subject, text, HTML.
type Sources = [&'static str; 3];

pub(super) const BUILT_IN: [(NoticeKind, Sources); 7] = [
    (
        NoticeKind::Reminder,
        [
            include_str!("templates/reminder.subject"),
            include_str!("templates/reminder.txt"),
            include_str!("templates/reminder.html"),
        ],
    ),
    (
        NoticeKind::Digest,
        [
            include_str!("templates/digest.subject"),
            include_str!("templates/digest.txt"),
            include_str!("templates/digest.html"),
        ],
    ),
    (
        NoticeKind::Confirmation,
        [
            include_str!("templates/confirmation.subject"),
            include_str!("templates/confirmation.txt"),
            include_str!("templates/confirmation.html"),
        ],
    ),
    (
        NoticeKind::Offer,
        [
            include_str!("templates/offer.subject"),
            include_str!("templates/offer.txt"),
            include_str!("templates/offer.html"),
        ],
    ),
    (
        NoticeKind::HoldLapsing,
        [
            include_str!("templates/hold_lapsing.subject"),
            include_str!("templates/hold_lapsing.txt"),
            include_str!("templates/hold_lapsing.html"),
        ],
    ),
    (
        NoticeKind::Rescheduled,
        [
            include_str!("templates/rescheduled.subject"),
            include_str!("templates/rescheduled.txt"),
            include_str!("templates/rescheduled.html"),
        ],
    ),
    (
        NoticeKind::Cancelled,
        [
            include_str!("templates/cancelled.subject"),
            include_str!("templates/cancelled.txt"),
            include_str!("templates/cancelled.html"),
        ],
    ),
];
