//! The rules: what a command comes to, given the ledger and the time.

use super::command::{BookingCommand, HoldTerm};
use super::event::BookingEvent;
use super::ledger::{SeatLedger, Undo};
use super::outcome::BookingOutcome;
use super::rules::View;
use crate::time::Timestamp;

/// What a command comes to, and what must be recorded before anybody is told.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is due anyway first (lapses, then offers to those who wait), then the command's own event if there is one, then
    /// what is due after it.
    pub events: Vec<BookingEvent>,
    /// Which of them is the command's own.
    pub own: Option<usize>,
    /// The answer, once the events are durable.
    pub outcome: BookingOutcome,
    /// The instant of the events: never before the ledger's latest.
    pub at: Timestamp,
}

/// What the rules say of a command: the answer, and the event that makes it so.
pub(super) type Decided = (BookingOutcome, Option<BookingEvent>);

/// Decides `command` against `ledger` at `now`. The same arguments always give the same decision.
///
/// A hold whose deadline is at or before `now` no longer counts: its lapse is part of the decision.
/// A clock that steps back does not take the stream with it: the later of `now` and the ledger's latest instant counts.
///
/// Takes time in proportion to the ledger where something is due or somebody waits, else hardly any.
pub fn decide(ledger: &SeatLedger, command: &BookingCommand, now: Timestamp) -> Decision {
    let at = now.max(ledger.latest_at());
    if ledger.due(at).is_empty() && ledger.line.waiters.is_empty() && !may_join(command) {
        let (outcome, event) = View::new(ledger, at).decide(command);
        let own = event.as_ref().map(|_| 0);
        return Decision { events: event.into_iter().collect(), own, outcome, at };
    }
    decide_in(&mut ledger.clone(), command, now, |decided| decided).0
}

/// Whether somebody may wait after it who did not before.
fn may_join(command: &BookingCommand) -> bool {
    matches!(command, BookingCommand::Wait { .. })
}

/// The same on a ledger that is left with all events folded in; here is what takes them back, the last one last. `bind` may
/// change what the rules say of the command.
pub(super) fn decide_in(
    ledger: &mut SeatLedger,
    command: &BookingCommand,
    now: Timestamp,
    bind: impl FnOnce(Decided) -> Decided,
) -> (Decision, Vec<Undo>) {
    let at = now.max(ledger.latest_at());
    let mut done = (Vec::new(), Vec::new());
    settle(ledger, at, &mut done, SeatLedger::due);
    let decided = View::new(ledger, at).decide(command);
    let (outcome, event) = bind(decided);
    let own = event.map(|event| {
        record(ledger, at, event, &mut done);
        done.0.len() - 1
    });
    if own.is_some() {
        settle(ledger, at, &mut done, |ledger, _| ledger.offers_due());
    }
    let (events, undos) = done;
    (Decision { events, own, outcome, at }, undos)
}

type Done = (Vec<BookingEvent>, Vec<Undo>);

fn record(ledger: &mut SeatLedger, at: Timestamp, event: BookingEvent, done: &mut Done) {
    done.1.push(ledger.evolve(at, &event));
    done.0.push(event);
}

/// Records what is due at `at`, until nothing is.
pub(super) fn settle(
    ledger: &mut SeatLedger,
    at: Timestamp,
    done: &mut Done,
    due: impl Fn(&SeatLedger, Timestamp) -> Vec<BookingEvent>,
) {
    loop {
        let due = due(ledger, at);
        if due.is_empty() {
            return;
        }
        for event in due {
            record(ledger, at, event, done);
        }
    }
}

impl SeatLedger {
    /// What is to be recorded next, whatever is asked: a lapse, or else an offer with those passed over for it.
    pub(super) fn due(&self, at: Timestamp) -> Vec<BookingEvent> {
        match self.lapsed(at).next() {
            Some(attendee) => vec![BookingEvent::HoldLapsed { attendee: attendee.clone() }],
            None => self.offers_due(),
        }
    }

    fn offers_due(&self) -> Vec<BookingEvent> {
        if self.line.waiters.is_empty() { Vec::new() } else { self.line.due(&self.house, self.hash().seed()) }
    }
}

impl HoldTerm {
    /// How long from `at` on.
    pub(super) fn from(self, at: Timestamp) -> core::time::Duration {
        match self {
            Self::For(length) => length,
            Self::Until(until) => until.saturating_since(at),
        }
    }
}
