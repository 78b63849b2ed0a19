//! What people are told, when, and by which way: reminders, digests, confirmations.
//!
//! Pure: it says what is due and what a notice says. Flows (see [`flow`](crate::flow)) carry it out, and actors send it.

mod clock;
mod digest;
mod kind;
mod lead;
mod letter;
mod outcome;
mod preferences;
mod quiet;
mod recipients;
mod transport;
mod unsubscribe;

#[cfg(test)]
mod tests;

pub use clock::{LocalTime, LocalTimeError};
pub use digest::DigestTimes;
pub use kind::{CustomKind, NoticeKind};
pub use lead::{Lead, LeadError};
pub use letter::{CalendarPart, Letter, Unsubscribe};
pub use outcome::{Blame, SendOutcome};
pub use preferences::{Permit, Profile, ProfileError, SwitchedOff, Why, permit};
pub use quiet::QuietHours;
pub use recipients::{
    SuppressedBy, Suppression, forget_profile, put_profile, recipient_key, suppress, suppression_key, unsuppress,
};
pub use transport::Transport;
pub use unsubscribe::{UnsubscribeSecret, UnsubscribeTokenError};
