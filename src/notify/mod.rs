//! What people are told, when, and by which way: reminders, digests, confirmations.
//!
//! Pure: it says what is due and what a notice says. Flows (see [`flow`](crate::flow)) carry it out, and actors send it.

mod letter;
mod outcome;
mod transport;

pub use letter::{CalendarPart, Letter, Unsubscribe};
pub use outcome::{Blame, SendOutcome};
pub use transport::Transport;
