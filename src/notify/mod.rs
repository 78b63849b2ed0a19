//! What people are told, when, and by which way: reminders, digests, confirmations.
//!
//! Pure: it says what is due and what a notice says. Flows (see [`flow`](crate::flow)) carry it out, and actors send it.

mod breaker;
mod clock;
mod digest;
mod facts;
pub mod flows;
mod happening;
mod kind;
mod lead;
mod letter;
mod limit;
mod names;
mod notice;
mod outcome;
mod preferences;
mod quiet;
mod recipients;
mod sent;
mod template;
mod transport;
mod unsubscribe;
mod wording;

#[cfg(test)]
mod tests;

pub use breaker::{Breaker, BreakerSettings, BreakerState, Verdict};
pub use clock::{LocalTime, LocalTimeError};
pub use digest::DigestTimes;
pub use facts::{
    CancelledFacts, ConfirmationFacts, DigestEntry, DigestFacts, EventFacts, HoldLapsingFacts, OfferFacts, Reader,
    ReminderFacts, RescheduledFacts,
};
pub use happening::{Happening, Invite, clipped_places};
pub use kind::{CustomKind, NoticeKind};
pub use lead::{Lead, LeadError};
pub use letter::{CalendarPart, Letter, Unsubscribe};
pub use limit::{Bucket, RateLimit};
pub use names::{check_channel, name_of, notice_id};
pub use notice::{Attempt, Delivery, Notice, Thread};
pub use outcome::{Blame, SendOutcome};
pub use preferences::{Permit, Profile, ProfileError, SwitchedOff, Why, permit};
pub use quiet::QuietHours;
pub use recipients::{
    SuppressedBy, Suppression, forget_profile, put_profile, recipient_key, suppress, suppression_key, unsuppress,
};
pub use sent::{SentMark, SentState, put_thread, sent_key, thread_key};
pub use template::{Rendered, TemplateError, TemplatePart, Templates};
pub use transport::Transport;
pub use unsubscribe::{UnsubscribeSecret, UnsubscribeTokenError};
