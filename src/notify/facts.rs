//! What notices tell of: the facts that templates are given.
//!
//! A template sees the fields of a kind's facts by their names, those of the event and the reader beside the others. Instants are
//! numbers of milliseconds since 1970, for the filters of [`Templates`](super::Templates).

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Who reads it. In its `Debug` form as it is: facts are not for logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reader {
    /// What they are called.
    pub name: Option<String>,
    /// Where they say no to notices of this kind, if they may. Names them: a secret.
    pub unsubscribe: Option<String>,
}

/// What takes place, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFacts {
    /// What it is.
    pub summary: String,
    /// When it starts.
    pub starts: Timestamp,
    /// When it ends, not included.
    pub ends: Timestamp,
    /// The IANA name of the zone whose clocks are shown.
    pub zone: String,
    /// Whether it takes whole days: no time of the day is shown.
    pub all_day: bool,
    /// Where it takes place.
    pub location: Option<String>,
    /// A page about it. HTML links to it only if it begins with `https://`.
    pub url: Option<String>,
}

/// Facts of [`NoticeKind::Reminder`](super::NoticeKind::Reminder).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReminderFacts {
    /// Who reads it.
    #[serde(flatten)]
    pub reader: Reader,
    /// What begins soon.
    #[serde(flatten)]
    pub event: EventFacts,
    /// How many seats the reader has; 0 where there are none to have.
    pub seats: u32,
    /// Their names, if seats have names.
    pub places: Vec<String>,
}

/// Facts of [`NoticeKind::Confirmation`](super::NoticeKind::Confirmation).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmationFacts {
    /// Who reads it.
    #[serde(flatten)]
    pub reader: Reader,
    /// What was booked.
    #[serde(flatten)]
    pub event: EventFacts,
    /// How many seats.
    pub seats: u32,
    /// Their names, if seats have names.
    pub places: Vec<String>,
}

/// Facts of [`NoticeKind::Offer`](super::NoticeKind::Offer).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferFacts {
    /// Who reads it.
    #[serde(flatten)]
    pub reader: Reader,
    /// What there is room at.
    #[serde(flatten)]
    pub event: EventFacts,
    /// How many seats are offered.
    pub seats: u32,
    /// Their names, if seats have names.
    pub places: Vec<String>,
    /// Until when the offer stands, not included.
    pub deadline: Timestamp,
    /// Which place in line the reader had, counted from 1.
    pub position: Option<u32>,
}

/// Facts of [`NoticeKind::HoldLapsing`](super::NoticeKind::HoldLapsing).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldLapsingFacts {
    /// Who reads it.
    #[serde(flatten)]
    pub reader: Reader,
    /// What the seats are held for.
    #[serde(flatten)]
    pub event: EventFacts,
    /// How many seats are held.
    pub seats: u32,
    /// Their names, if seats have names.
    pub places: Vec<String>,
    /// Until when they are held, not included.
    pub deadline: Timestamp,
}

/// Facts of [`NoticeKind::Rescheduled`](super::NoticeKind::Rescheduled).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescheduledFacts {
    /// Who reads it.
    #[serde(flatten)]
    pub reader: Reader,
    /// What takes place, at its new time.
    #[serde(flatten)]
    pub event: EventFacts,
    /// When it was to start.
    pub was_starts: Timestamp,
    /// The IANA name of the zone that it was in.
    pub was_zone: String,
    /// Whether it was to take whole days.
    pub was_all_day: bool,
    /// How many seats the reader keeps; 0 where there are none to have.
    pub seats: u32,
    /// Their names, if seats have names.
    pub places: Vec<String>,
}

/// Facts of [`NoticeKind::Cancelled`](super::NoticeKind::Cancelled).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelledFacts {
    /// Who reads it.
    #[serde(flatten)]
    pub reader: Reader,
    /// What does not take place.
    #[serde(flatten)]
    pub event: EventFacts,
    /// Why, for people.
    pub reason: Option<String>,
    /// Whether it takes place all the same, and only the reader's seat is gone.
    #[serde(default)]
    pub takes_place: bool,
}

/// One entry of a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestEntry {
    /// What takes place.
    #[serde(flatten)]
    pub event: EventFacts,
    /// A line about it, such as `2 seats`.
    pub note: Option<String>,
}

/// Facts of [`NoticeKind::Digest`](super::NoticeKind::Digest).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestFacts {
    /// Who reads it.
    #[serde(flatten)]
    pub reader: Reader,
    /// From when on, included.
    pub from: Timestamp,
    /// Until when, not included.
    pub to: Timestamp,
    /// The IANA name of the reader's zone.
    pub zone: String,
    /// What takes place, in order.
    pub entries: Vec<DigestEntry>,
    /// How many more there are, for which there was no room.
    pub left_out: u32,
}
