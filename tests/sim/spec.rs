//! What one occurrence is, told a second time and as simply as can be: the measure of the histories.
//!
//! It knows the sale (open, close, resize, block), parties that are booked, held, confirmed, extended, released, cancelled,
//! transferred and changed, holds that lapse, and payments that come late and are paid back. It leaves out: pools, waiting, requests, policies,
//! settings, and holds whose length is given rather than their deadline.
//!
//! When a hold lapses depends on the clock of whoever decides. So a state is the set of all states that may be, of which each
//! answer leaves those that it fits.

use std::collections::{BTreeMap, BTreeSet};

use boxoffice_core::booking::{Below, BookingCommand, BookingOutcome, HoldTerm, SeatState, Seats, Shortage};
use boxoffice_core::id::AttendeeId;
use boxoffice_core::time::Timestamp;
use todc_utils::specifications::Specification;

/// A command with its answer, none if nobody knows it, and the clocks it was decided between.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) command: BookingCommand,
    pub(crate) outcome: Option<BookingOutcome>,
    pub(crate) clocks: (Timestamp, Timestamp),
}

pub(crate) struct Booking;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Party {
    who: AttendeeId,
    seats: u64,
    until: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct House {
    /// The latest event is at least so late.
    time: Timestamp,
    opened: bool,
    closed: bool,
    capacity: u64,
    blocked: u64,
    /// In the order of joining.
    parties: Vec<Party>,
    /// Seats of holds that lapsed.
    lapsed: BTreeMap<AttendeeId, u64>,
    /// How many refunds are due.
    owed: BTreeMap<AttendeeId, u64>,
}

impl Specification for Booking {
    type State = BTreeSet<House>;
    type Operation = Step;

    fn init() -> Self::State {
        BTreeSet::from([House {
            time: Timestamp::from_millis(i64::MIN),
            opened: false,
            closed: false,
            capacity: 0,
            blocked: 0,
            parties: Vec::new(),
            lapsed: BTreeMap::new(),
            owed: BTreeMap::new(),
        }])
    }

    fn apply(step: &Step, states: &Self::State) -> (bool, Self::State) {
        let next: BTreeSet<House> = states.iter().flat_map(|house| house.after(step)).collect();
        if next.is_empty() { (false, states.clone()) } else { (true, next) }
    }
}

fn number(seats: Seats) -> u64 {
    seats.get().into()
}

fn small(seats: u64) -> Seats {
    Seats::new(u32::try_from(seats).unwrap())
}

impl House {
    /// The states that a step may lead to.
    fn after(&self, step: &Step) -> Vec<Self> {
        let low = self.time.max(step.clocks.0);
        let mut instants: BTreeSet<Timestamp> = self.parties.iter().filter_map(|party| party.until).collect();
        instants.extend(step.command_deadline());
        instants.retain(|at| low < *at && *at <= step.clocks.1);
        // A clock that never showed as much has not decided then.
        instants.extend((low <= step.clocks.1 || step.outcome.is_none()).then_some(low));
        instants.into_iter().filter_map(|at| self.decided_at(at, step)).collect()
    }

    fn decided_at(&self, at: Timestamp, step: &Step) -> Option<Self> {
        let mut house = self.clone();
        let (gone, stay) = house.parties.into_iter().partition(|party| party.until.is_some_and(|until| until <= at));
        house.parties = stay;
        for Party { who, seats, until } in gone {
            // Its owner's timer may have seen to it at once.
            house.time = house.time.max(until.unwrap_or(at));
            house.lapsed.insert(who, seats);
        }
        let before = house.clone();
        house.time = at;
        let outcome = house.decide(&step.command, step.outcome.as_ref(), step.clocks.1);
        // Where nothing is recorded, the stream has not come to know how late it is.
        let recorded = Self { time: before.time, ..house.clone() } != before;
        step.outcome.as_ref().is_none_or(|seen| *seen == outcome).then_some(if recorded { house } else { before })
    }

    fn taken(&self) -> u64 {
        self.parties.iter().map(|party| party.seats).sum()
    }

    fn free(&self) -> u64 {
        self.capacity.saturating_sub(self.blocked).saturating_sub(self.taken())
    }

    fn place(&self, who: &AttendeeId) -> Option<usize> {
        self.parties.iter().position(|party| party.who == *who)
    }

    fn seat(&self, place: usize) -> u64 {
        1 + self.parties.iter().take(place).map(|party| party.seats).sum::<u64>()
    }

    fn full(&self, wanted: u64) -> Option<BookingOutcome> {
        let returns = self.parties.iter().filter_map(|party| party.until).min();
        let shortage =
            Shortage { pool: None, capacity: small(self.capacity), free: self.free(), returns, places: false };
        (self.free() < wanted).then_some(BookingOutcome::Full(shortage))
    }

    fn already(&self, who: &AttendeeId) -> Option<BookingOutcome> {
        let place = self.place(who)?;
        let state = self.parties[place].until.map_or(SeatState::Confirmed, |until| SeatState::Held { until });
        Some(BookingOutcome::Already { seat: self.seat(place), state })
    }

    fn wrong_size(&self, seats: u64) -> Option<BookingOutcome> {
        let wrong = seats == 0 || (seats > self.capacity && seats > 1);
        wrong.then(|| BookingOutcome::PartySize { max: small(self.capacity) })
    }

    /// Why somebody cannot have seats.
    fn refused(&self, who: &AttendeeId, seats: u64) -> Option<BookingOutcome> {
        let sale = match (self.opened, self.closed) {
            (false, _) => Some(BookingOutcome::NotOnSale),
            (true, true) => Some(BookingOutcome::SaleClosed),
            (true, false) => None,
        };
        sale.or_else(|| self.already(who)).or_else(|| self.wrong_size(seats)).or_else(|| self.full(seats))
    }

    fn give(&mut self, who: &AttendeeId, seats: u64, until: Option<Timestamp>) -> u64 {
        self.lapsed.remove(who);
        self.parties.push(Party { who: who.clone(), seats, until });
        self.seat(self.parties.len() - 1)
    }

    /// The deadline of a hold that is decided now or a little later, where the answer says which.
    fn deadline(&self, term: HoldTerm, seen: Option<&BookingOutcome>, high: Timestamp) -> Timestamp {
        let HoldTerm::Until(wanted) = term else { panic!("a length is not in the model") };
        let said = match seen {
            Some(BookingOutcome::Held { until, .. } | BookingOutcome::Extended { until }) => Some(*until),
            _ => None,
        };
        // One that is over when it is made lasts no time at all.
        let over = |until: &Timestamp| wanted <= self.time && self.time <= *until && *until <= high;
        said.filter(over).unwrap_or(wanted.max(self.time))
    }

    fn decide(&mut self, command: &BookingCommand, seen: Option<&BookingOutcome>, high: Timestamp) -> BookingOutcome {
        match command {
            BookingCommand::Book { attendee, party } => self
                .refused(attendee, number(party.seats))
                .unwrap_or_else(|| BookingOutcome::Booked { seat: self.give(attendee, number(party.seats), None) }),
            BookingCommand::Hold { attendee, party, term } => {
                let until = self.deadline(*term, seen, high);
                self.refused(attendee, number(party.seats)).unwrap_or_else(|| BookingOutcome::Held {
                    seat: self.give(attendee, number(party.seats), Some(until)),
                    until,
                })
            }
            BookingCommand::Confirm { attendee } => self.confirm(attendee),
            BookingCommand::SettleRefund { attendee } => self.settle_refund(attendee),
            BookingCommand::Extend { attendee, term } => {
                let until = self.deadline(*term, seen, high);
                let held = self.place(attendee).filter(|place| self.parties[*place].until.is_some());
                let Some(place) = held else { return BookingOutcome::NotHeld };
                self.parties[place].until = Some(until);
                BookingOutcome::Extended { until }
            }
            BookingCommand::Release { attendee } => {
                let held = self.place(attendee).filter(|place| self.parties[*place].until.is_some());
                held.map_or(BookingOutcome::NotHeld, |place| {
                    self.parties.remove(place);
                    BookingOutcome::Released
                })
            }
            BookingCommand::Cancel { attendee } => self.place(attendee).map_or(BookingOutcome::NotBooked, |place| {
                self.parties.remove(place);
                BookingOutcome::Cancelled
            }),
            BookingCommand::Transfer { from, to } => self.transfer(from, to),
            BookingCommand::ChangeSeats { attendee, seats } => self.change(attendee, number(*seats)),
            other => self.manage(other),
        }
    }

    fn confirm(&mut self, who: &AttendeeId) -> BookingOutcome {
        if let Some(place) = self.place(who) {
            let before = self.parties[place].until.take();
            return if before.is_some() { BookingOutcome::Confirmed } else { BookingOutcome::AlreadyConfirmed };
        }
        match self.lapsed.get(who).copied() {
            None if self.owed.contains_key(who) => BookingOutcome::RefundDue,
            None => BookingOutcome::NotHeld,
            Some(seats) if self.free() < seats || self.closed => {
                self.lapsed.remove(who);
                *self.owed.entry(who.clone()).or_default() += 1;
                BookingOutcome::RefundDue
            }
            Some(seats) => BookingOutcome::Reacquired { seat: self.give(who, seats, None) },
        }
    }

    fn settle_refund(&mut self, who: &AttendeeId) -> BookingOutcome {
        let Some(owed) = self.owed.remove(who) else { return BookingOutcome::NoRefundDue };
        let left = owed - 1;
        self.owed.extend((left > 0).then(|| (who.clone(), left)));
        BookingOutcome::RefundSettled { left }
    }

    fn transfer(&mut self, from: &AttendeeId, to: &AttendeeId) -> BookingOutcome {
        let Some(place) = self.place(from) else { return BookingOutcome::NotBooked };
        if let Some(already) = self.already(to) {
            return already;
        }
        self.parties[place].who = to.clone();
        self.lapsed.remove(to);
        BookingOutcome::Transferred { seat: self.seat(place) }
    }

    fn change(&mut self, who: &AttendeeId, seats: u64) -> BookingOutcome {
        let Some(place) = self.place(who) else { return BookingOutcome::NotBooked };
        let has = self.parties[place].seats;
        if seats == has {
            return BookingOutcome::Unchanged;
        }
        if let Some(size) = self.wrong_size(seats).filter(|_| seats > has || seats == 0) {
            return size;
        }
        if seats > has && self.closed {
            return BookingOutcome::SaleClosed;
        }
        if let Some(full) = self.full(seats.saturating_sub(has)) {
            return full;
        }
        self.parties[place].seats = seats;
        BookingOutcome::Changed { seats: small(seats) }
    }

    fn manage(&mut self, command: &BookingCommand) -> BookingOutcome {
        match command {
            BookingCommand::Open { .. } if self.opened => {
                BookingOutcome::AlreadyOpen { capacity: small(self.capacity) }
            }
            BookingCommand::Open { capacity } => {
                (self.opened, self.capacity) = (true, number(*capacity));
                BookingOutcome::Opened
            }
            BookingCommand::Close | BookingCommand::Reopen => {
                let closes = matches!(command, BookingCommand::Close);
                let before = core::mem::replace(&mut self.closed, closes);
                match (before == closes, closes) {
                    (true, _) => BookingOutcome::AsBefore,
                    (false, true) => BookingOutcome::Closed,
                    (false, false) => BookingOutcome::Reopened,
                }
            }
            BookingCommand::Resize { capacity, below } => {
                let taken = self.taken() + self.blocked;
                let over = taken.saturating_sub(number(*capacity));
                if number(*capacity) == self.capacity {
                    return BookingOutcome::AsBefore;
                }
                if over > 0 && *below == Below::Refuse {
                    return BookingOutcome::Taken { taken };
                }
                self.capacity = number(*capacity);
                BookingOutcome::Resized { over }
            }
            BookingCommand::Block { seats } if self.free() + self.blocked < number(*seats) => {
                BookingOutcome::Taken { taken: self.taken() }
            }
            BookingCommand::Block { seats } => {
                let before = core::mem::replace(&mut self.blocked, number(*seats));
                if before == number(*seats) { BookingOutcome::AsBefore } else { BookingOutcome::Set }
            }
            other => panic!("{other:?} is not in the model"),
        }
    }
}

impl Step {
    fn command_deadline(&self) -> Option<Timestamp> {
        match &self.command {
            BookingCommand::Hold { term: HoldTerm::Until(until), .. }
            | BookingCommand::Extend { term: HoldTerm::Until(until), .. } => Some(*until),
            _ => None,
        }
    }
}
