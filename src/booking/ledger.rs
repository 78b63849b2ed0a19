//! The state of one occurrence, folded from its events.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::event::BookingEvent;
use super::outcome::Seats;
use super::ranks::Ranks;
use crate::id::AttendeeId;
use crate::persist::Seq;
use crate::time::Timestamp;

/// In which state a seat is. Both count toward the capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatState {
    /// Provisional.
    Held {
        /// First instant at which the hold no longer counts.
        until: Timestamp,
    },
    /// For good, until it is cancelled.
    Confirmed,
}

/// A seat on the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Who has it.
    pub attendee: AttendeeId,
    /// In which state.
    pub state: SeatState,
}

/// Number of a join in this ledger's life; its order is the roster's order.
type Join = usize;

/// Everybody who has a seat, in join order, and how many seats there are.
///
/// Every operation takes time logarithmic in the roster, but for [`SeatLedger::roster`], which lists it.
/// Equal ledgers are those that no reader can tell apart.
#[derive(Clone, Debug, Default)]
pub struct SeatLedger {
    capacity: Option<Seats>,
    /// INVARIANT: `joins` and `seats` hold the same attendees, and `ranks` is live exactly at the keys of `seats`.
    joins: BTreeMap<AttendeeId, Join>,
    seats: BTreeMap<Join, Seat>,
    ranks: Ranks,
    /// INVARIANT: one entry for each held seat.
    deadlines: BTreeSet<(Timestamp, Join)>,
    seq: Seq,
    latest_at: Timestamp,
}

/// Takes one [`SeatLedger::evolve`] back: see [`SeatLedger::revert`].
#[derive(Clone, Debug)]
pub struct Undo {
    change: Change,
    latest_at: Timestamp,
}

#[derive(Clone, Debug)]
enum Change {
    Nothing,
    Capacity(Option<Seats>),
    Joined(Join),
    Left(Join, Seat),
    State(Join, SeatState),
}

impl PartialEq for SeatLedger {
    fn eq(&self, other: &Self) -> bool {
        self.capacity == other.capacity
            && self.seq == other.seq
            && self.latest_at == other.latest_at
            && self.seats.values().eq(other.seats.values())
    }
}

impl Eq for SeatLedger {}

impl SeatLedger {
    /// An occurrence about which nothing was recorded.
    pub fn new() -> Self {
        Self { latest_at: Timestamp::from_millis(i64::MIN), ..Self::default() }
    }

    /// A ledger with these seats, in join order.
    pub(crate) fn restored(capacity: Option<Seats>, seats: Vec<Seat>, seq: Seq, latest_at: Timestamp) -> Self {
        let mut ledger = Self { capacity, seq, latest_at, ..Self::default() };
        for seat in seats {
            ledger.join(seat);
        }
        ledger
    }

    /// Seats for sale; none before the sale was opened.
    pub fn capacity(&self) -> Option<Seats> {
        self.capacity
    }

    /// Seats taken: held and confirmed. A hold counts until its lapse is recorded.
    pub fn taken(&self) -> u64 {
        self.seats.len() as u64
    }

    /// Seats held.
    pub fn held(&self) -> u64 {
        self.deadlines.len() as u64
    }

    /// Seats confirmed.
    pub fn confirmed(&self) -> u64 {
        self.taken() - self.held()
    }

    /// Seats left; zero before the sale was opened.
    pub fn free(&self) -> u64 {
        let capacity = u64::from(self.capacity.unwrap_or_default().get());
        capacity.saturating_sub(self.taken())
    }

    /// The state of the attendee's seat, if there is one.
    pub fn seat_state(&self, attendee: &AttendeeId) -> Option<SeatState> {
        let join = self.joins.get(attendee)?;
        self.seats.get(join).map(|seat| seat.state)
    }

    /// The attendee's 1-based place on the roster, if there is one.
    pub fn seat_number(&self, attendee: &AttendeeId) -> Option<u64> {
        self.joins.get(attendee).map(|join| self.ranks.rank(*join))
    }

    /// The roster in join order: the first has seat 1.
    pub fn roster(&self) -> impl Iterator<Item = &Seat> {
        self.seats.values()
    }

    /// Holds whose time is up at `now`, the earliest first.
    pub fn lapsed(&self, now: Timestamp) -> impl Iterator<Item = &AttendeeId> {
        let due = self.deadlines.iter().take_while(move |(until, _)| *until <= now);
        due.filter_map(|(_, join)| self.seats.get(join)).map(|seat| &seat.attendee)
    }

    /// When the next hold lapses.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(until, _)| *until)
    }

    /// The last event folded in.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// The latest instant of any event folded in. The stream never moves back behind it.
    pub fn latest_at(&self) -> Timestamp {
        self.latest_at
    }

    /// Folds the next event of the stream in. Never refuses: an event without effect, such as the confirmation of a
    /// seat that nobody has, is passed over.
    pub fn evolve(&mut self, at: Timestamp, event: &BookingEvent) -> Undo {
        let latest_at = self.latest_at;
        self.seq = self.seq.next();
        self.latest_at = latest_at.max(at);
        let change = match event {
            BookingEvent::SaleOpened { capacity } => Change::Capacity(self.capacity.replace(*capacity)),
            BookingEvent::SeatBooked { attendee } => self.set(attendee, SeatState::Confirmed),
            BookingEvent::SeatHeld { attendee, hold_for } => {
                self.set(attendee, SeatState::Held { until: at + *hold_for })
            }
            BookingEvent::HoldConfirmed { attendee } => match self.joins.get(attendee) {
                Some(&join) => self.set_state(join, SeatState::Confirmed),
                None => Change::Nothing,
            },
            BookingEvent::HoldReleased { attendee }
            | BookingEvent::HoldLapsed { attendee }
            | BookingEvent::SeatCancelled { attendee } => self.leave(attendee),
        };
        Undo { change, latest_at }
    }

    /// Takes the latest event back that was folded in. Undos are used up in the reverse order of their making.
    pub fn revert(&mut self, undo: Undo) {
        self.seq = Seq::new(self.seq.get().saturating_sub(1));
        self.latest_at = undo.latest_at;
        match undo.change {
            Change::Nothing => {}
            Change::Capacity(before) => self.capacity = before,
            Change::Joined(join) => {
                if let Some(seat) = self.seats.remove(&join) {
                    self.joins.remove(&seat.attendee);
                    self.forget_deadline(join, seat.state);
                }
                self.ranks.pop();
            }
            Change::Left(join, seat) => {
                self.remember_deadline(join, seat.state);
                self.joins.insert(seat.attendee.clone(), join);
                self.seats.insert(join, seat);
                self.ranks.revive(join);
            }
            Change::State(join, before) => {
                self.set_state(join, before);
            }
        }
    }

    /// Drops the places of those who left, once they outnumber those who are here. Undos made before are void.
    pub(crate) fn settle(&mut self) {
        if self.ranks.slots() <= 2 * self.seats.len() + 1_024 {
            return;
        }
        let seats = core::mem::take(&mut self.seats).into_values().collect();
        *self = Self::restored(self.capacity, seats, self.seq, self.latest_at);
    }

    fn set(&mut self, attendee: &AttendeeId, state: SeatState) -> Change {
        match self.joins.get(attendee) {
            Some(&join) => self.set_state(join, state),
            None => Change::Joined(self.join(Seat { attendee: attendee.clone(), state })),
        }
    }

    fn join(&mut self, seat: Seat) -> Join {
        let join = self.ranks.slots();
        self.ranks.push();
        self.remember_deadline(join, seat.state);
        self.joins.insert(seat.attendee.clone(), join);
        self.seats.insert(join, seat);
        join
    }

    fn set_state(&mut self, join: Join, state: SeatState) -> Change {
        let Some(seat) = self.seats.get_mut(&join) else {
            return Change::Nothing;
        };
        let before = core::mem::replace(&mut seat.state, state);
        self.forget_deadline(join, before);
        self.remember_deadline(join, state);
        Change::State(join, before)
    }

    fn leave(&mut self, attendee: &AttendeeId) -> Change {
        let Some(join) = self.joins.remove(attendee) else {
            return Change::Nothing;
        };
        self.ranks.kill(join);
        match self.seats.remove(&join) {
            Some(seat) => {
                self.forget_deadline(join, seat.state);
                Change::Left(join, seat)
            }
            None => Change::Nothing,
        }
    }

    fn remember_deadline(&mut self, join: Join, state: SeatState) {
        if let SeatState::Held { until } = state {
            self.deadlines.insert((until, join));
        }
    }

    fn forget_deadline(&mut self, join: Join, state: SeatState) {
        if let SeatState::Held { until } = state {
            self.deadlines.remove(&(until, join));
        }
    }
}
