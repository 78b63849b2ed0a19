//! An independent check of a booking stream: shares no code with the ledger or the rules it checks.

use std::collections::{BTreeMap, BTreeSet};

use super::audit_lapses::LapsesAudit;
use super::audit_places::PlacesAudit;
use super::event::BookingEvent;
use super::party::{Party, Seats};
use crate::id::{AttendeeId, PoolName, TicketType};
use crate::persist::Seq;
use crate::time::Timestamp;

/// A stream that the rules cannot have produced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at seq {seq}: {what}")]
pub struct Breach {
    /// Where.
    pub seq: Seq,
    /// What is wrong there.
    pub what: String,
}

/// Seats at one point of a stream. `free + held + confirmed + blocked = capacity + over`, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Seats for sale, blocked ones included.
    pub capacity: u64,
    /// Seats that nobody has.
    pub free: u64,
    /// Seats held.
    pub held: u64,
    /// Seats confirmed.
    pub confirmed: u64,
    /// Seats kept from sale.
    pub blocked: u64,
    /// Seats taken beyond the capacity, because it was lowered.
    pub over: u64,
}

/// Reads a booking stream event by event and stops at the first that breaks a rule.
///
/// Checked at every sequence number: no gap; time never goes back; seats are only given while the sale is open, as many as
/// are free in the house and in each pool; nobody has two parties; only held seats are confirmed, extended, released or
/// lapse, and they lapse no earlier than their deadline; offers go to whoever waited longest for that kind of ticket, or
/// longest after those who were passed over; what was lost by a lapse is given back or owed once; what is owed is settled
/// once, each attendee's oldest first; with a seat map, everybody has as many places of it as seats, and nobody one that is
/// another's, kept from sale or not for that kind of ticket; and the counts add up.
///
/// ```
/// use boxoffice_core::booking::{Auditor, BookingEvent, Party, Seats};
/// use boxoffice_core::id::AttendeeId;
/// use boxoffice_core::persist::Seq;
/// use boxoffice_core::time::Timestamp;
///
/// let mut auditor = Auditor::new();
/// let seat = |name| AttendeeId::new(name).map(|attendee| BookingEvent::SeatBooked { attendee, party: Party::default() });
/// auditor.check(Seq::new(1), Timestamp::EPOCH, &BookingEvent::SaleOpened { capacity: Seats::new(1) })?;
/// auditor.check(Seq::new(2), Timestamp::EPOCH, &seat("ann")?)?;
/// let breach = auditor.check(Seq::new(3), Timestamp::EPOCH, &seat("bob")?).unwrap_err();
/// assert_eq!(breach.to_string(), "at seq 3: seats were given though too few were free");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Auditor {
    opened: bool,
    closed: bool,
    capacity: u64,
    blocked: u64,
    /// Of each its size, and what is taken of it.
    pools: BTreeMap<PoolName, (u64, u64)>,
    tickets: BTreeMap<TicketType, BTreeSet<PoolName>>,
    seq: Seq,
    at: Option<Timestamp>,
    seats: BTreeMap<AttendeeId, Given>,
    /// What all of them come to: counted apart from the tally, which it must agree with.
    taken: u64,
    /// In order of arrival.
    waiters: Vec<(AttendeeId, Party)>,
    /// Since the last offer.
    passed_over: BTreeSet<AttendeeId>,
    requests: BTreeSet<AttendeeId>,
    lapses: LapsesAudit,
    places: PlacesAudit,
    tally: Tally,
}

#[derive(Clone, Debug)]
struct Given {
    party: Party,
    /// The deadline of held seats, none for confirmed ones.
    until: Option<Timestamp>,
}

fn count(party: &Party) -> u64 {
    party.seats.get().into()
}

/// The pools that a party draws on: of each its size, and what is taken of it.
fn drawn_on<'p>(
    pools: &'p mut BTreeMap<PoolName, (u64, u64)>,
    tickets: &BTreeMap<TicketType, BTreeSet<PoolName>>,
    party: &Party,
) -> impl Iterator<Item = (u64, &'p mut u64)> {
    let drawn = party.ticket.as_ref().and_then(|ticket| tickets.get(ticket));
    let pools = pools.iter_mut().filter(move |(name, _)| drawn.is_some_and(|drawn| drawn.contains(*name)));
    pools.map(|(_, (capacity, taken))| (*capacity, taken))
}

impl Auditor {
    /// An auditor before the first event.
    pub fn new() -> Self {
        Self::default()
    }

    /// The counts as of the last event checked.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Who has seats as of the last event checked, by name, with the deadline if they are held.
    pub fn seats(&self) -> impl Iterator<Item = (&AttendeeId, Option<Timestamp>)> {
        self.seats.iter().map(|(attendee, given)| (attendee, given.until))
    }

    /// Refunds that are due as of the last event checked.
    pub fn refunds_due(&self) -> u64 {
        self.lapses.due()
    }

    /// Checks the next event.
    ///
    /// # Errors
    /// [`Breach`] when the rules cannot have produced it.
    pub fn check(&mut self, seq: Seq, at: Timestamp, event: &BookingEvent) -> Result<Tally, Breach> {
        let checked = self.follow(seq, at).and_then(|()| self.apply(at, event)).and_then(|()| self.balance());
        let checked = checked.and_then(|()| {
            let party = |who: &AttendeeId| self.seats.get(who).map(|given| &given.party);
            self.places.check(event, party, self.taken)
        });
        checked.map(|()| self.tally).map_err(|what| Breach { seq, what })
    }

    fn follow(&mut self, seq: Seq, at: Timestamp) -> Result<(), String> {
        if seq != self.seq.next() {
            return Err(format!("follows seq {}", self.seq));
        }
        if let Some(before) = self.at.filter(|before| at < *before) {
            return Err(format!("its time {at} is before {before}"));
        }
        self.seq = seq;
        self.at = Some(at);
        Ok(())
    }

    fn apply(&mut self, at: Timestamp, event: &BookingEvent) -> Result<(), String> {
        match event {
            BookingEvent::SaleOpened { capacity } => self.open(*capacity),
            BookingEvent::SaleClosed => self.turn(true),
            BookingEvent::SaleReopened => self.turn(false),
            BookingEvent::CapacityChanged { capacity } => {
                self.capacity = capacity.get().into();
                Ok(())
            }
            BookingEvent::SeatsBlocked { seats } => self.block(*seats),
            BookingEvent::PoolSet { pool, capacity } => {
                self.pools.entry(pool.clone()).or_default().0 = capacity.get().into();
                Ok(())
            }
            BookingEvent::TicketSet { ticket, pools } => self.draw(ticket, pools),
            BookingEvent::SettingsChanged { .. }
            | BookingEvent::SectionSet { .. }
            | BookingEvent::SectionRemoved { .. }
            | BookingEvent::PlacesBlocked { .. }
            | BookingEvent::PlacesUnblocked { .. } => Ok(()),
            BookingEvent::SeatBooked { attendee, party } => self.give(attendee, party, None),
            BookingEvent::SeatHeld { attendee, party, hold_for } => self.give(attendee, party, Some(at + *hold_for)),
            BookingEvent::HoldExtended { attendee, hold_for } => {
                self.held(attendee)?.until = Some(at + *hold_for);
                Ok(())
            }
            BookingEvent::HoldConfirmed { attendee } => self.confirm(at, attendee),
            BookingEvent::HoldReleased { attendee } => self.held(attendee).map(drop).and_then(|()| self.free(attendee)),
            BookingEvent::HoldLapsed { attendee } => self.lapse(at, attendee),
            BookingEvent::SeatReacquired { attendee, party } => {
                self.lapses.made_good(attendee, party)?;
                self.give(attendee, party, None)
            }
            BookingEvent::RefundDue { attendee, party } => self.lapses.owe(attendee, party, self.seq),
            BookingEvent::RefundSettled { attendee, due } => self.lapses.settle(attendee, *due),
            BookingEvent::SeatCancelled { attendee } => self.free(attendee),
            BookingEvent::SeatTransferred { from, to } => self.transfer(from, to),
            BookingEvent::PartyChanged { attendee, seats, .. } => self.change(attendee, *seats),
            BookingEvent::SeatRequested { attendee, .. } => {
                let asks = !self.seats.contains_key(attendee) && self.requests.insert(attendee.clone());
                asks.then_some(()).ok_or_else(|| "seats were asked for twice".to_owned())
            }
            BookingEvent::RequestDeclined { attendee } => {
                self.requests.remove(attendee).then_some(()).ok_or_else(|| "a request ended that was none".to_owned())
            }
            BookingEvent::WaitJoined { attendee, party } => self.wait(attendee, party),
            BookingEvent::WaitLeft { attendee } => {
                let place = self.waits(attendee)?;
                self.waiters.remove(place);
                Ok(())
            }
            BookingEvent::SeatOffered { attendee, hold_for, .. } => self.offer(attendee, at + *hold_for),
            BookingEvent::WaiterPassedOver { attendee, position, .. } => {
                let place = self.waits(attendee)? as u64 + 1;
                if place != *position {
                    return Err(format!("whoever stands at {place} was passed over at {position}"));
                }
                self.passed_over.insert(attendee.clone());
                Ok(())
            }
        }
    }

    fn open(&mut self, capacity: Seats) -> Result<(), String> {
        if core::mem::replace(&mut self.opened, true) {
            return Err("the sale was opened twice".to_owned());
        }
        self.capacity = capacity.get().into();
        Ok(())
    }

    fn turn(&mut self, closed: bool) -> Result<(), String> {
        let before = core::mem::replace(&mut self.closed, closed);
        (before != closed).then_some(()).ok_or_else(|| "the sale was closed or open before".to_owned())
    }

    fn block(&mut self, seats: Seats) -> Result<(), String> {
        let seats = u64::from(seats.get());
        if seats > self.blocked && seats + self.taken > self.capacity {
            return Err("seats were blocked that somebody has".to_owned());
        }
        self.blocked = seats;
        Ok(())
    }

    fn draw(&mut self, ticket: &TicketType, pools: &BTreeSet<PoolName>) -> Result<(), String> {
        if !pools.iter().all(|pool| self.pools.contains_key(pool)) {
            return Err("a kind of ticket draws on a pool that there is not".to_owned());
        }
        self.tickets.insert(ticket.clone(), pools.clone());
        // Whoever has such tickets draws on other pools from now on.
        self.taken = 0;
        self.pools.values_mut().for_each(|(_, taken)| *taken = 0);
        let parties: Vec<Party> = self.seats.values().map(|given| given.party.clone()).collect();
        for party in &parties {
            self.count_in(party);
        }
        Ok(())
    }

    /// Counts a party's seats, in the house and in each pool that it draws on.
    fn count_in(&mut self, party: &Party) {
        self.taken += count(party);
        for (_, taken) in drawn_on(&mut self.pools, &self.tickets, party) {
            *taken += count(party);
        }
    }

    fn count_out(&mut self, party: &Party) {
        self.taken -= count(party);
        for (_, taken) in drawn_on(&mut self.pools, &self.tickets, party) {
            *taken -= count(party);
        }
    }

    /// That a party's seats, which are counted already, were free.
    fn were_free(&mut self, party: &Party) -> Result<(), String> {
        let house = self.taken + self.blocked <= self.capacity;
        let pools = drawn_on(&mut self.pools, &self.tickets, party).all(|(capacity, taken)| *taken <= capacity);
        (house && pools).then_some(()).ok_or_else(|| "seats were given though too few were free".to_owned())
    }

    fn give(&mut self, attendee: &AttendeeId, party: &Party, until: Option<Timestamp>) -> Result<(), String> {
        if !self.opened || self.closed {
            return Err("seats were given while the sale was not open".to_owned());
        }
        if party.seats == Seats::default() {
            return Err("no seats at all were given".to_owned());
        }
        let given = Given { party: party.clone(), until };
        if self.seats.insert(attendee.clone(), given).is_some() {
            return Err("an attendee was given seats twice".to_owned());
        }
        self.count_in(party);
        self.were_free(party)?;
        *self.count(until) += count(party);
        self.requests.remove(attendee);
        self.waiters.retain(|(waiter, _)| waiter != attendee);
        self.lapses.forget(attendee);
        Ok(())
    }

    fn free(&mut self, attendee: &AttendeeId) -> Result<(), String> {
        let given = self.seats.remove(attendee).ok_or("seats were freed that nobody had")?;
        self.count_out(&given.party);
        *self.count(given.until) -= count(&given.party);
        Ok(())
    }

    fn confirm(&mut self, at: Timestamp, attendee: &AttendeeId) -> Result<(), String> {
        let given = self.held(attendee)?;
        let seats = count(&given.party);
        if let Some(until) = given.until.take().filter(|until| *until <= at) {
            return Err(format!("a hold that lapsed at {until} was confirmed at {at}"));
        }
        self.tally.held -= seats;
        self.tally.confirmed += seats;
        Ok(())
    }

    fn lapse(&mut self, at: Timestamp, attendee: &AttendeeId) -> Result<(), String> {
        let given = self.held(attendee)?.clone();
        if let Some(until) = given.until.filter(|until| at < *until) {
            return Err(format!("a hold until {until} lapsed at {at}"));
        }
        self.lapses.lose(attendee, given.party);
        self.free(attendee)
    }

    fn transfer(&mut self, from: &AttendeeId, to: &AttendeeId) -> Result<(), String> {
        let given = self.seats.remove(from).ok_or("seats were transferred that nobody had")?;
        if self.seats.insert(to.clone(), given).is_some() {
            return Err("an attendee was given seats twice".to_owned());
        }
        self.requests.remove(to);
        self.waiters.retain(|(waiter, _)| waiter != to);
        self.lapses.forget(to);
        Ok(())
    }

    fn change(&mut self, attendee: &AttendeeId, seats: Seats) -> Result<(), String> {
        let given = self.seats.get_mut(attendee).ok_or("seats were changed that nobody had")?;
        let before = given.party.clone();
        given.party.seats = seats;
        let (party, until) = (given.party.clone(), given.until);
        self.count_out(&before);
        self.count_in(&party);
        if seats > before.seats {
            self.were_free(&party)?;
        }
        *self.count(until) -= count(&before);
        *self.count(until) += count(&party);
        Ok(())
    }

    fn wait(&mut self, attendee: &AttendeeId, party: &Party) -> Result<(), String> {
        if self.seats.contains_key(attendee) || self.waits(attendee).is_ok() {
            return Err("somebody waits who has seats, or waits twice".to_owned());
        }
        self.waiters.push((attendee.clone(), party.clone()));
        Ok(())
    }

    fn waits(&self, attendee: &AttendeeId) -> Result<usize, String> {
        let place = self.waiters.iter().position(|(waiter, _)| waiter == attendee);
        place.ok_or_else(|| "whoever is named does not wait".to_owned())
    }

    fn offer(&mut self, attendee: &AttendeeId, until: Timestamp) -> Result<(), String> {
        let place = self.waits(attendee)?;
        let (_, party) = self.waiters.get(place).cloned().ok_or("whoever is named does not wait")?;
        let mut before = self.waiters.iter().take(place).filter(|(_, other)| other.ticket == party.ticket);
        if before.any(|(waiter, _)| !self.passed_over.contains(waiter)) {
            return Err("seats were offered past somebody who waited longer".to_owned());
        }
        self.passed_over.clear();
        self.give(attendee, &party, Some(until))
    }

    fn held(&mut self, attendee: &AttendeeId) -> Result<&mut Given, String> {
        let given = self.seats.get_mut(attendee).filter(|given| given.until.is_some());
        given.ok_or_else(|| "a hold was named that is not there".to_owned())
    }

    fn count(&mut self, until: Option<Timestamp>) -> &mut u64 {
        if until.is_some() { &mut self.tally.held } else { &mut self.tally.confirmed }
    }

    fn balance(&mut self) -> Result<(), String> {
        let Tally { held, confirmed, .. } = self.tally;
        let taken = held + confirmed + self.blocked;
        let (free, over) = (self.capacity.saturating_sub(taken), taken.saturating_sub(self.capacity));
        self.tally = Tally { capacity: self.capacity, free, held, confirmed, blocked: self.blocked, over };
        if self.taken != held + confirmed {
            return Err(format!("{held} held and {confirmed} confirmed are not the {} taken", self.taken));
        }
        Ok(())
    }
}
