//! A command on its way to its owner.

use std::sync::Arc;

use super::super::command::BookingCommand;
use super::super::decide::Decided;
use super::super::event::BookingEvent;
use super::super::grounds::Verdict;
use super::super::outcome::BookingOutcome;
use crate::persist::{IdempotencyKey, Seq};

/// A command, and what it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// What is asked.
    pub command: BookingCommand,
    /// Acquire a seat only if the stream stands here; else the outcome is [`BookingOutcome::Conflict`].
    pub observed: Option<Seq>,
    /// What the policies of the occurrence said.
    pub verdict: Option<Verdict>,
    /// The caller's name for the command: asked again under it, the command is not carried out again, and the first answer
    /// is repeated.
    pub key: Option<IdempotencyKey>,
}

impl Submission {
    /// What becomes of what the rules say, where the stream stands at `actual`.
    pub(super) fn bind(&self, actual: Seq, policies: bool, (outcome, event): Decided) -> Decided {
        if !outcome.takes_a_seat() {
            return (outcome, event);
        }
        if let Some(expected) = self.observed.filter(|seq| *seq != actual) {
            return (BookingOutcome::Conflict { expected, actual }, None);
        }
        match (&self.verdict, event) {
            (Some(Verdict::Allowed(_)), event) => (outcome, event),
            (_, event) if !policies => (outcome, event),
            (None, _) => (BookingOutcome::Unchecked, None),
            // The seats are paid for, and cannot be had.
            (Some(Verdict::Denied { .. }), Some(BookingEvent::SeatReacquired { attendee, party })) => {
                (BookingOutcome::RefundDue, Some(BookingEvent::RefundDue { attendee, party }))
            }
            (Some(Verdict::Denied { reasons, cursor }), _) => {
                (BookingOutcome::Denied { reasons: Arc::clone(reasons), cursor: *cursor }, None)
            }
        }
    }
}

/// A command that is bound to nothing.
impl From<BookingCommand> for Submission {
    fn from(command: BookingCommand) -> Self {
        Self { command, observed: None, verdict: None, key: None }
    }
}
