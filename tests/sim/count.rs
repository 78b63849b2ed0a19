//! Seats counted by hand, event by event: shares nothing with the ledger, the rules or the auditor.

use std::collections::{BTreeMap, BTreeSet};

use boxoffice_core::booking::{BookingEvent, Party};
use boxoffice_core::id::{AttendeeId, PoolName, TicketType};
use boxoffice_core::time::Timestamp;

/// Seats of one attendee.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) party: Party,
    /// Until when, and since when until then; none: for good.
    pub(crate) until: Option<(Timestamp, Timestamp)>,
    pub(crate) offered: bool,
}

/// An occurrence at one place of its stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count {
    pub(crate) capacity: i64,
    pub(crate) blocked: i64,
    pub(crate) seats: BTreeMap<AttendeeId, Taken>,
    pools: BTreeMap<PoolName, i64>,
    tickets: BTreeMap<TicketType, BTreeSet<PoolName>>,
    waits: BTreeMap<AttendeeId, Party>,
    requests: BTreeSet<AttendeeId>,
    /// The events by which refunds became due that are not settled, and to whom.
    pub(crate) owed: BTreeMap<u64, AttendeeId>,
    events: u64,
}

fn seats(party: &Party) -> i64 {
    party.seats.get().into()
}

impl Count {
    /// Seats taken of the house.
    pub(crate) fn taken(&self) -> i64 {
        self.seats.values().map(|taken| seats(&taken.party)).sum()
    }

    /// Who has seats, or wants some; carts are left to whoever takes them.
    pub(crate) fn known(&self) -> impl Iterator<Item = &AttendeeId> {
        let all = self.seats.keys().chain(self.waits.keys()).chain(&self.requests);
        all.filter(|attendee| !attendee.as_str().starts_with("cart"))
    }

    fn pools_of(&self, party: &Party) -> impl Iterator<Item = &PoolName> {
        party.ticket.as_ref().and_then(|ticket| self.tickets.get(ticket)).into_iter().flatten()
    }

    /// Seats free in the house, or in a pool; below zero when more are taken than there are.
    pub(crate) fn free(&self, pool: Option<&PoolName>) -> i64 {
        let Some(pool) = pool else { return self.capacity - self.blocked - self.taken() };
        let drawn = self.seats.values().filter(|taken| self.pools_of(&taken.party).any(|name| name == pool));
        self.pools.get(pool).copied().unwrap_or_default() - drawn.map(|taken| seats(&taken.party)).sum::<i64>()
    }

    /// Follows the next event, and says of whom it gave seats.
    pub(crate) fn follow(&mut self, at: Timestamp, event: &BookingEvent) -> Option<AttendeeId> {
        self.events += 1;
        match event {
            BookingEvent::SaleOpened { capacity } | BookingEvent::CapacityChanged { capacity } => {
                self.capacity = capacity.get().into();
            }
            BookingEvent::SeatsBlocked { seats } => self.blocked = seats.get().into(),
            BookingEvent::PoolSet { pool, capacity } => _ = self.pools.insert(pool.clone(), capacity.get().into()),
            BookingEvent::TicketSet { ticket, pools } => drop(self.tickets.insert(ticket.clone(), pools.clone())),
            BookingEvent::SeatBooked { attendee, party } | BookingEvent::SeatReacquired { attendee, party } => {
                return Some(self.give(attendee, party.clone(), None, false));
            }
            BookingEvent::SeatHeld { attendee, party, hold_for } => {
                return Some(self.give(attendee, party.clone(), Some((at + *hold_for, at)), false));
            }
            BookingEvent::SeatOffered { attendee, hold_for, .. } => {
                let party = self.waits.get(attendee).cloned().expect("an offer to somebody who does not wait");
                return Some(self.give(attendee, party, Some((at + *hold_for, at)), true));
            }
            BookingEvent::PartyChanged { attendee, seats, .. } => {
                let party = &mut self.has(attendee).party;
                let more = *seats > party.seats;
                party.seats = *seats;
                return more.then(|| attendee.clone());
            }
            BookingEvent::HoldExtended { attendee, hold_for } => self.has(attendee).until = Some((at + *hold_for, at)),
            BookingEvent::HoldConfirmed { attendee } => {
                let taken = self.has(attendee);
                (taken.until, taken.offered) = (None, false);
            }
            BookingEvent::HoldReleased { attendee }
            | BookingEvent::HoldLapsed { attendee }
            | BookingEvent::SeatCancelled { attendee } => {
                assert!(self.seats.remove(attendee).is_some(), "{attendee} has no seats to lose");
            }
            BookingEvent::SeatTransferred { from, to } => {
                let taken = self.seats.remove(from).expect("seats of nobody were transferred");
                assert!(self.seats.insert(to.clone(), taken).is_none(), "{to} has seats twice");
                self.waits.remove(to);
                self.requests.remove(to);
            }
            BookingEvent::WaitJoined { attendee, party } => drop(self.waits.insert(attendee.clone(), party.clone())),
            BookingEvent::SeatRequested { attendee, .. } => _ = self.requests.insert(attendee.clone()),
            BookingEvent::RequestDeclined { attendee } => _ = self.requests.remove(attendee),
            BookingEvent::WaitLeft { attendee } => drop(self.waits.remove(attendee)),
            BookingEvent::RefundDue { attendee, .. } => drop(self.owed.insert(self.events, attendee.clone())),
            BookingEvent::RefundSettled { attendee, due } => {
                assert_eq!(
                    self.owed.remove(&due.get()).as_ref(),
                    Some(attendee),
                    "a refund was settled that was not due"
                );
            }
            // Named seats are not on the menu yet.
            BookingEvent::SectionSet { .. }
            | BookingEvent::SectionRemoved { .. }
            | BookingEvent::PlacesBlocked { .. }
            | BookingEvent::PlacesUnblocked { .. }
            | BookingEvent::SaleClosed
            | BookingEvent::SaleReopened
            | BookingEvent::SettingsChanged { .. }
            | BookingEvent::WaiterPassedOver { .. } => {}
        }
        None
    }

    fn give(
        &mut self,
        attendee: &AttendeeId,
        party: Party,
        until: Option<(Timestamp, Timestamp)>,
        offered: bool,
    ) -> AttendeeId {
        let taken = self.seats.insert(attendee.clone(), Taken { party, until, offered });
        assert!(taken.is_none(), "{attendee} has seats twice");
        self.waits.remove(attendee);
        self.requests.remove(attendee);
        attendee.clone()
    }

    fn has(&mut self, attendee: &AttendeeId) -> &mut Taken {
        self.seats.get_mut(attendee).expect("something happened to the seats of somebody who has none")
    }

    /// That the seats which an attendee was given were there.
    pub(crate) fn check_given(&self, attendee: &AttendeeId) {
        assert!(self.free(None) >= 0, "sold twice: {} of {}", self.taken() + self.blocked, self.capacity);
        let party = &self.seats[attendee].party;
        for pool in self.pools_of(party) {
            assert!(self.free(Some(pool)) >= 0, "sold twice in pool {pool}");
        }
    }

    /// That no hold still counts whose time was up before a decision at `at`.
    pub(crate) fn check_lapsed(&self, at: Timestamp) {
        for (attendee, taken) in &self.seats {
            let overdue = taken.until.filter(|(until, since)| *until < at || (*until == at && *since < at));
            assert!(overdue.is_none(), "the hold of {attendee} until {overdue:?} counts at {at:?}");
        }
    }
}
