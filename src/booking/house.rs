//! Seats to be had: those of the house, and of the pools that kinds of ticket draw on besides.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::hall::Hall;
use super::joined::Join;
use super::party::{Party, Seats};
use super::settings::Settings;
use crate::id::{PoolName, TicketType};
use crate::time::Timestamp;

/// Why there are not enough seats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// The pool with the fewest free seats of those that the party draws on; none is the house itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolName>,
    /// Seats in it.
    pub capacity: Seats,
    /// Seats free in it: fewer than the party wants.
    pub free: u64,
    /// When the next of its held seats may be free again; none: all are gone for good, unless somebody cancels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<Timestamp>,
    /// It is named seats that are too few: those of the sections for that kind of ticket, or those next to one another where
    /// a party must have such. Then `returns` is of the house as a whole.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub places: bool,
}

/// Seats that are given from one stock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pool {
    pub(super) capacity: Seats,
    /// Held ones included. May be above the capacity, once that was lowered.
    pub(super) taken: u64,
    pub(super) held: u64,
    /// INVARIANT: one entry for each held party that draws on it.
    pub(super) deadlines: BTreeSet<(Timestamp, Join)>,
}

impl Pool {
    fn free(&self, blocked: Seats) -> u64 {
        let sold = u64::from(self.capacity.get()).saturating_sub(u64::from(blocked.get()));
        sold.saturating_sub(self.taken)
    }

    fn returns(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(until, _)| *until)
    }
}

/// The house with its pools, and what its sale goes by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct House {
    pub(super) opened: bool,
    pub(super) closed: bool,
    pub(super) all: Pool,
    /// Kept from sale.
    pub(super) blocked: Seats,
    pub(super) pools: BTreeMap<PoolName, Pool>,
    pub(super) tickets: BTreeMap<TicketType, BTreeSet<PoolName>>,
    pub(super) settings: Settings,
    /// Seats by name, where they have names.
    pub(super) hall: Hall,
}

/// Seats of one party, as the stocks count them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted<'p> {
    pub(super) join: Join,
    pub(super) party: &'p Party,
    /// Until when they are held; none if they are confirmed.
    pub(super) until: Option<Timestamp>,
}

impl House {
    pub(super) fn free(&self) -> u64 {
        self.all.free(self.blocked)
    }

    /// Whether seats may be given at all.
    pub(super) fn is_on_sale(&self) -> bool {
        self.opened && !self.closed
    }

    /// The pools that a kind of ticket draws on, beside the house.
    pub(super) fn drawn_on(&self, ticket: Option<&TicketType>) -> impl Iterator<Item = (&PoolName, &Pool)> {
        let names = ticket.and_then(|ticket| self.tickets.get(ticket)).into_iter().flatten();
        names.filter_map(|name| self.pools.get_key_value(name))
    }

    /// The tightest stock that a party of `ticket` draws on, if it has not `more` seats free: the house rather than a pool,
    /// the first pool by name rather than a later one.
    pub(super) fn shortage(&self, ticket: Option<&TicketType>, more: u64) -> Option<Shortage> {
        let mut tightest = (self.free(), None, &self.all);
        for (name, pool) in self.drawn_on(ticket) {
            let free = pool.free(Seats::default());
            if free < tightest.0 {
                tightest = (free, Some(name), pool);
            }
        }
        let (free, name, pool) = tightest;
        if let Some(free) = self.hall.free_for(ticket).filter(|places| *places < free) {
            return (free < more).then(|| self.few_places(ticket, free));
        }
        let (pool, capacity, returns) = (name.cloned(), pool.capacity, pool.returns());
        (free < more).then_some(Shortage { pool, capacity, free, returns, places: false })
    }

    fn few_places(&self, ticket: Option<&TicketType>, free: u64) -> Shortage {
        let (capacity, returns) = (self.hall.seats_for(ticket), self.all.returns());
        Shortage { pool: None, capacity, free, returns, places: true }
    }

    /// Why a party cannot have seats that are free, also where it must sit together. `longest` is what
    /// [`House::longest`] says.
    pub(super) fn lack(&self, party: &Party, longest: Option<u64>) -> Option<Shortage> {
        let (ticket, wants) = (party.ticket.as_ref(), u64::from(party.seats.get()));
        let apart = || longest.filter(|longest| *longest < wants).map(|longest| self.few_places(ticket, longest));
        self.shortage(ticket, wants).or_else(apart)
    }

    /// Most free seats next to one another, where a party must have such.
    pub(super) fn longest(&self, ticket: Option<&TicketType>) -> Option<u64> {
        if self.settings.together { self.hall.longest_for(ticket) } else { None }
    }

    /// Counts a party's seats as taken.
    pub(super) fn take(&mut self, counted: Counted<'_>) {
        self.each(counted.party, |pool, seats| {
            pool.taken += seats;
            if let Some(until) = counted.until {
                pool.held += seats;
                pool.deadlines.insert((until, counted.join));
            }
        });
        self.hall.take(counted.join, &counted.party.places);
    }

    /// Counts a party's seats as free again.
    pub(super) fn give_back(&mut self, counted: Counted<'_>) {
        self.each(counted.party, |pool, seats| {
            pool.taken = pool.taken.saturating_sub(seats);
            if let Some(until) = counted.until {
                pool.held = pool.held.saturating_sub(seats);
                pool.deadlines.remove(&(until, counted.join));
            }
        });
        self.hall.give_back(counted.join, &counted.party.places);
    }

    fn each(&mut self, party: &Party, mut f: impl FnMut(&mut Pool, u64)) {
        let seats = u64::from(party.seats.get());
        f(&mut self.all, seats);
        let Some(ticket) = &party.ticket else { return };
        for name in self.tickets.get(ticket).into_iter().flatten() {
            if let Some(pool) = self.pools.get_mut(name) {
                f(pool, seats);
            }
        }
    }

    /// Nobody has seats.
    pub(super) fn empty(&mut self) {
        for pool in self.pools.values_mut().chain([&mut self.all]) {
            *pool = Pool { capacity: pool.capacity, ..Pool::default() };
        }
        self.hall.empty();
    }

    /// Counts anew, after kinds of ticket came to draw on other pools, or seats came to have names.
    pub(super) fn recount<'p>(&mut self, parties: impl Iterator<Item = Counted<'p>>) {
        self.empty();
        for counted in parties {
            self.take(counted);
        }
    }
}
