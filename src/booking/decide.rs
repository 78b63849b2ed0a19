//! The rules: what a command comes to, given the ledger and the time.

use super::command::BookingCommand;
use super::event::BookingEvent;
use super::ledger::{SeatLedger, SeatState};
use super::outcome::BookingOutcome;
use crate::id::AttendeeId;
use crate::time::Timestamp;

/// What a command comes to, and what must be recorded before anybody is told.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Lapses that are due first, then the command's own event if it is accepted.
    pub events: Vec<BookingEvent>,
    /// The answer, once the events are durable.
    pub outcome: BookingOutcome,
    /// The instant of the events: never before the ledger's latest.
    pub at: Timestamp,
}

/// Decides `command` against `ledger` at `now`. The same arguments always give the same decision.
///
/// A hold whose deadline is at or before `now` no longer counts: its lapse is part of the decision.
/// A clock that steps back does not take the stream with it: the later of `now` and the ledger's latest instant counts.
pub fn decide(ledger: &SeatLedger, command: &BookingCommand, now: Timestamp) -> Decision {
    let at = now.max(ledger.latest_at());
    let lapsed: Vec<&AttendeeId> = ledger.lapsed(at).collect();
    let view = View { ledger, at, lapsed: lapsed.len() as u64 };
    let (outcome, event) = view.decide(command);
    let lapses = lapsed.into_iter().cloned().map(|attendee| BookingEvent::HoldLapsed { attendee });
    Decision { events: lapses.chain(event).collect(), outcome, at }
}

/// The ledger as it will be once the due lapses are recorded.
struct View<'a> {
    ledger: &'a SeatLedger,
    at: Timestamp,
    lapsed: u64,
}

type Decided = (BookingOutcome, Option<BookingEvent>);

impl View<'_> {
    fn decide(&self, command: &BookingCommand) -> Decided {
        match command {
            BookingCommand::Open { capacity } => match self.ledger.capacity() {
                Some(capacity) => (BookingOutcome::AlreadyOpen { capacity }, None),
                None => {
                    let capacity = *capacity;
                    (BookingOutcome::Opened, Some(BookingEvent::SaleOpened { capacity }))
                }
            },
            BookingCommand::Book { attendee } => self.acquire(attendee, |seat, attendee| {
                (BookingOutcome::Booked { seat }, Some(BookingEvent::SeatBooked { attendee }))
            }),
            BookingCommand::Hold { attendee, hold_for } => self.acquire(attendee, |seat, attendee| {
                let hold_for = *hold_for;
                let until = self.at + hold_for;
                (BookingOutcome::Held { seat, until }, Some(BookingEvent::SeatHeld { attendee, hold_for }))
            }),
            BookingCommand::Confirm { attendee } => match self.state(attendee) {
                Some(SeatState::Confirmed) => (BookingOutcome::AlreadyConfirmed, None),
                None => (BookingOutcome::NotHeld, None),
                Some(SeatState::Held { .. }) => {
                    let attendee = attendee.clone();
                    (BookingOutcome::Confirmed, Some(BookingEvent::HoldConfirmed { attendee }))
                }
            },
            BookingCommand::Release { attendee } => match self.state(attendee) {
                None | Some(SeatState::Confirmed) => (BookingOutcome::NotHeld, None),
                Some(SeatState::Held { .. }) => {
                    let attendee = attendee.clone();
                    (BookingOutcome::Released, Some(BookingEvent::HoldReleased { attendee }))
                }
            },
            BookingCommand::Cancel { attendee } if self.state(attendee).is_none() => (BookingOutcome::NotBooked, None),
            BookingCommand::Cancel { attendee } => {
                let attendee = attendee.clone();
                (BookingOutcome::Cancelled, Some(BookingEvent::SeatCancelled { attendee }))
            }
        }
    }

    fn acquire(&self, attendee: &AttendeeId, take: impl FnOnce(u64, AttendeeId) -> Decided) -> Decided {
        let Some(capacity) = self.ledger.capacity() else {
            return (BookingOutcome::NotOnSale, None);
        };
        if let Some(state) = self.state(attendee) {
            let seat = self.seat_number(attendee);
            return (BookingOutcome::Already { seat, state }, None);
        }
        let taken = self.ledger.taken() - self.lapsed;
        if taken >= u64::from(capacity.get()) {
            return (BookingOutcome::Full { capacity }, None);
        }
        take(taken + 1, attendee.clone())
    }

    fn state(&self, attendee: &AttendeeId) -> Option<SeatState> {
        let counts = |state: &SeatState| !matches!(state, SeatState::Held { until } if *until <= self.at);
        self.ledger.seat_state(attendee).filter(counts)
    }

    /// The attendee's place among those who stay.
    fn seat_number(&self, attendee: &AttendeeId) -> u64 {
        let place = self.ledger.seat_number(attendee).unwrap_or_default();
        let ahead = self.ledger.lapsed(self.at).filter_map(|lapsed| self.ledger.seat_number(lapsed));
        place - ahead.filter(|other| *other < place).count() as u64
    }
}
