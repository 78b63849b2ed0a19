//! The state of one occurrence, folded from its events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::chain::ChainHash;
use super::event::BookingEvent;
use super::house::{Counted, House, Pool, Shortage};
use super::joined::{Join, Joined, Stands};
use super::line::{Line, Waiter};
use super::party::{Party, Seats};
use super::refunds::{Refund, Refunds};
use super::settings::Settings;
use crate::id::{AttendeeId, PoolName, TicketType};
use crate::persist::Seq;
use crate::time::Timestamp;

/// In which state seats are. Both count toward the capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatState {
    /// Provisional.
    Held {
        /// First instant at which the hold no longer counts.
        until: Timestamp,
    },
    /// For good, until they are cancelled.
    Confirmed,
}

/// Seats on the roster, those of one attendee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Who has them.
    pub attendee: AttendeeId,
    /// In which state.
    pub state: SeatState,
    /// How many, and of which kind.
    pub party: Party,
    /// When they were taken.
    pub since: Timestamp,
    /// The event that gave them to this attendee. Confirming them or changing their number leaves it as it is.
    pub granted: Seq,
    /// Whether they are held as an offer to somebody who waited.
    pub offered: bool,
}

impl Seat {
    /// Seats that are no offer. Which event gives them, the ledger knows.
    pub(super) fn new(since: Timestamp, attendee: &AttendeeId, party: &Party, state: SeatState) -> Self {
        let (attendee, party, granted) = (attendee.clone(), party.clone(), Seq::UNWRITTEN);
        Self { attendee, state, party, since, granted, offered: false }
    }

    fn until(&self) -> Option<Timestamp> {
        match self.state {
            SeatState::Held { until } => Some(until),
            SeatState::Confirmed => None,
        }
    }

    pub(super) fn counted(&self, join: Join) -> Counted<'_> {
        Counted { join, party: &self.party, until: self.until() }
    }
}

impl Stands for Seat {
    fn attendee(&self) -> &AttendeeId {
        &self.attendee
    }

    fn places(&self) -> u32 {
        self.party.seats.get()
    }
}

/// A hold that was not confirmed in time. What came of it is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lapsed {
    pub(super) attendee: AttendeeId,
    pub(super) party: Party,
}

impl Stands for Lapsed {
    fn attendee(&self) -> &AttendeeId {
        &self.attendee
    }

    fn places(&self) -> u32 {
        1
    }
}

/// Everybody who has seats, in join order, those who wait, and what seats there are. With a seat map each has as many named
/// places as seats, none of them another's or kept from sale.
///
/// Every operation takes time logarithmic in the roster, but for those that list it.
/// Equal ledgers are those that no reader can tell apart.
#[derive(Clone, Debug, Default)]
pub struct SeatLedger {
    pub(super) house: House,
    pub(super) seats: Joined<Seat>,
    pub(super) line: Line,
    pub(super) requests: BTreeMap<AttendeeId, Party>,
    /// In the order of their lapses.
    pub(super) lapsed: Joined<Lapsed>,
    pub(super) refunds: Refunds,
    seq: Seq,
    latest_at: Timestamp,
    hash: ChainHash,
}

/// Takes one [`SeatLedger::evolve`] back: see [`SeatLedger::revert`].
#[derive(Clone, Debug)]
pub struct Undo {
    changes: Vec<Change>,
    latest_at: Timestamp,
    hash: ChainHash,
}

impl Undo {
    /// The hash of the ledger before the event.
    pub(super) fn hash_before(&self) -> ChainHash {
        self.hash
    }
}

/// What takes a part of an event back.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Here is what it was.
    House(Box<House>),
    Joined,
    Left(Join, Seat),
    /// Here is what it was.
    Seat(Join, Seat),
    Waits,
    WaitLeft(Join, Waiter),
    Requested(AttendeeId, Option<Party>),
    Lapsed,
    Forgotten(Join, Lapsed),
    Owed(Seq),
    Settled(Refund),
}

impl PartialEq for SeatLedger {
    fn eq(&self, other: &Self) -> bool {
        let house = |ledger: &Self| {
            let House { opened, closed, all, blocked, .. } = &ledger.house;
            (*opened, *closed, all.capacity, *blocked)
        };
        self.seq == other.seq
            && self.latest_at == other.latest_at
            && self.hash == other.hash
            && house(self) == house(other)
            && self.house.tickets == other.house.tickets
            && self.house.settings == other.house.settings
            && self.house.hall.is_like(&other.house.hall)
            && self.pools().eq(other.pools())
            && self.seats == other.seats
            && self.line == other.line
            && self.requests == other.requests
            && self.lapsed == other.lapsed
            && self.refunds == other.refunds
    }
}

impl Eq for SeatLedger {}

impl SeatLedger {
    /// An occurrence about which nothing was recorded.
    pub fn new() -> Self {
        Self { latest_at: Timestamp::from_millis(i64::MIN), ..Self::default() }
    }

    /// A ledger of which only the house is known.
    pub(super) fn begun(house: House, (seq, latest_at, hash): (Seq, Timestamp, ChainHash)) -> Self {
        Self { house, seq, latest_at, hash, ..Self::default() }
    }

    /// Seats for sale, blocked ones included; none before the sale was opened.
    pub fn capacity(&self) -> Option<Seats> {
        self.house.opened.then_some(self.house.all.capacity)
    }

    /// Whether seats are given: the sale was opened and is not closed.
    pub fn is_on_sale(&self) -> bool {
        self.house.is_on_sale()
    }

    /// Seats kept from sale.
    pub fn blocked(&self) -> Seats {
        self.house.blocked
    }

    /// What the sale goes by.
    pub fn settings(&self) -> &Settings {
        &self.house.settings
    }

    /// The pools: name, seats in it, seats taken of it.
    pub fn pools(&self) -> impl Iterator<Item = (&PoolName, Seats, u64)> {
        self.house.pools.iter().map(|(name, Pool { capacity, taken, .. })| (name, *capacity, *taken))
    }

    /// Seats taken: held and confirmed. A hold counts until its lapse is recorded.
    pub fn taken(&self) -> u64 {
        self.house.all.taken
    }

    /// Seats held.
    pub fn held(&self) -> u64 {
        self.house.all.held
    }

    /// Seats confirmed.
    pub fn confirmed(&self) -> u64 {
        self.taken() - self.held()
    }

    /// Seats left of the capacity, blocked ones not counted; zero before the sale was opened, and when more are taken than
    /// there are. Of named ones there may be fewer: [`SeatLedger::places_free`].
    pub fn free(&self) -> u64 {
        if self.house.opened { self.house.free() } else { 0 }
    }

    /// Why a party of this kind cannot have `more` seats; none if it can.
    pub fn shortage(&self, ticket: Option<&TicketType>, more: u64) -> Option<Shortage> {
        self.house.shortage(ticket, more)
    }

    /// The attendee's seats, if there are any.
    pub fn seat_of(&self, attendee: &AttendeeId) -> Option<&Seat> {
        self.seats.of(attendee)
    }

    /// The state of the attendee's seats, if there are any.
    pub fn seat_state(&self, attendee: &AttendeeId) -> Option<SeatState> {
        self.seat_of(attendee).map(|seat| seat.state)
    }

    /// The attendee's 1-based place on the roster, the first of several; none without a seat.
    pub fn seat_number(&self, attendee: &AttendeeId) -> Option<u64> {
        self.seats.find(attendee).map(|join| self.seats.place(join))
    }

    /// The roster in join order: the first has seat 1.
    pub fn roster(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().map(|(_, seat)| seat)
    }

    /// How many attendees have seats.
    pub fn parties(&self) -> u64 {
        self.seats.len() as u64
    }

    /// Those who wait, the first first.
    pub fn waiters(&self) -> impl Iterator<Item = &Waiter> {
        self.line.waiters.iter().map(|(_, waiter)| waiter)
    }

    /// The attendee's 1-based place among those who wait; none if he does not.
    pub fn waiting_position(&self, attendee: &AttendeeId) -> Option<u64> {
        self.line.waiters.find(attendee).map(|join| self.line.waiters.place(join))
    }

    /// Requests that nobody has approved or declined, by attendee.
    pub fn requests(&self) -> impl Iterator<Item = (&AttendeeId, &Party)> {
        self.requests.iter()
    }

    /// What was paid for holds that had lapsed and of which no seats were left, the oldest first: it is due back until it is
    /// settled.
    pub fn refunds_due(&self) -> impl Iterator<Item = &Refund> {
        self.refunds.iter()
    }

    /// The same of one attendee: several, if several payments came too late.
    pub fn refunds_due_to(&self, attendee: &AttendeeId) -> impl Iterator<Item = &Refund> {
        self.refunds.of(attendee)
    }

    /// Holds whose time is up at `now`, the earliest first.
    pub fn lapsed(&self, now: Timestamp) -> impl Iterator<Item = &AttendeeId> {
        let due = self.house.all.deadlines.iter().take_while(move |(until, _)| *until <= now);
        due.filter_map(|(_, join)| self.seats.get(*join)).map(|seat| &seat.attendee)
    }

    /// When the next hold lapses.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.house.all.deadlines.first().map(|(until, _)| *until)
    }

    /// The last event folded in.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// All events folded in, in one number.
    pub fn hash(&self) -> ChainHash {
        self.hash
    }

    /// The latest instant of any event folded in. The stream never moves back behind it.
    pub fn latest_at(&self) -> Timestamp {
        self.latest_at
    }

    /// Folds the next event of the stream in. Never refuses: an event without effect, such as the confirmation of a
    /// seat that nobody has, is passed over.
    pub fn evolve(&mut self, at: Timestamp, event: &BookingEvent) -> Undo {
        let undo = Undo { changes: Vec::new(), latest_at: self.latest_at, hash: self.hash };
        self.seq = self.seq.next();
        self.latest_at = self.latest_at.max(at);
        self.hash = self.hash.then(at, event);
        let changes = self.change(at, event);
        Undo { changes, ..undo }
    }

    /// Takes the latest event back that was folded in. Undos are used up in the reverse order of their making.
    pub fn revert(&mut self, undo: Undo) {
        self.seq = Seq::new(self.seq.get().saturating_sub(1));
        self.latest_at = undo.latest_at;
        self.hash = undo.hash;
        for change in undo.changes.into_iter().rev() {
            self.take_back(change);
        }
    }

    /// Drops the places of those who left, once they outnumber those who are here. Undos made before are void.
    pub(crate) fn settle(&mut self) {
        self.line.settle();
        self.lapsed.settle();
        if self.seats.is_sparse() {
            let seats = core::mem::take(&mut self.seats);
            self.house.empty();
            for seat in seats.into_entries() {
                self.restore(seat);
            }
        }
    }

    /// Puts seats behind all others.
    pub(super) fn restore(&mut self, seat: Seat) {
        self.house.take(seat.counted(self.seats.next()));
        self.seats.push(seat);
    }

    fn take_back(&mut self, change: Change) {
        match change {
            Change::House(before) => self.house = *before,
            Change::Joined => {
                if let Some((join, seat)) = self.seats.pop() {
                    self.house.give_back(seat.counted(join));
                }
            }
            Change::Left(join, seat) => {
                self.house.take(seat.counted(join));
                self.seats.put_back(join, seat);
            }
            Change::Seat(join, before) => drop(self.put(join, before)),
            Change::Waits => self.line.pop(),
            Change::WaitLeft(join, waiter) => self.line.put_back(join, waiter),
            Change::Requested(attendee, before) => drop(set(&mut self.requests, attendee, before)),
            Change::Lapsed => drop(self.lapsed.pop()),
            Change::Forgotten(join, lapsed) => self.lapsed.put_back(join, lapsed),
            Change::Owed(seq) => drop(self.refunds.remove(seq)),
            Change::Settled(refund) => self.refunds.add(refund),
        }
    }

    /// Puts other seats in the place of an attendee's, and gives what was there.
    pub(super) fn put(&mut self, join: Join, seat: Seat) -> Option<Seat> {
        self.house.give_back(self.seats.get(join)?.counted(join));
        self.house.take(seat.counted(join));
        self.seats.replace(join, seat)
    }
}

/// Sets a value or removes it, and gives what was there.
pub(super) fn set<V>(map: &mut BTreeMap<AttendeeId, V>, attendee: AttendeeId, value: Option<V>) -> Option<V> {
    match value {
        Some(value) => map.insert(attendee, value),
        None => map.remove(&attendee),
    }
}
