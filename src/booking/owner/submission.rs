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
    /// What if the attendee has something else at the same time.
    pub clash: Clash,
    /// What policies said. A box office asks them itself and takes no heed of what a caller puts here.
    pub verdict: Option<Verdict>,
    /// The caller's name for the command: asked again under it, the command is not carried out again, and the first answer
    /// is repeated.
    pub key: Option<IdempotencyKey>,
}

/// What to do if the attendee has a seat in an occurrence that overlaps the one that is booked, or is kept from it by a rule of
/// the host. What the policies of the occurrence itself forbid is forbidden in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clash {
    /// Book, and do not look.
    #[default]
    Allow,
    /// Book, and say so in [`BookingReply::warnings`](crate::booking::BookingReply::warnings).
    Warn,
    /// Do not book: [`BookingOutcome::Denied`]. Of two such bookings of one attendee that race, one at most succeeds.
    Refuse,
}

impl Submission {
    /// What a command that came to `outcome` was carried out in spite of.
    pub(super) fn warnings(&self, outcome: &BookingOutcome) -> Arc<[Arc<str>]> {
        match &self.verdict {
            Some(Verdict::Allowed(grounds)) if outcome.takes_a_seat() => Arc::clone(&grounds.warnings),
            Some(Verdict::Allowed(_) | Verdict::Denied { .. }) | None => Arc::default(),
        }
    }

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
            (_, event) if !policies && self.clash == Clash::Allow => (outcome, event),
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
        Self { command, observed: None, clash: Clash::Allow, verdict: None, key: None }
    }
}
