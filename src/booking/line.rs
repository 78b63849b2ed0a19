//! Those who wait for seats to become free, and who of them is next.

use std::collections::{BTreeMap, BTreeSet};

use super::event::BookingEvent;
use super::house::House;
use super::joined::{Join, Joined, Stands};
use super::party::Party;
use super::settings::Waitlist;
use crate::id::{AttendeeId, PoolName, TicketType};

/// How many of one kind of ticket are looked at for whom free seats suffice.
const LOOKED_AT_MAX: usize = 1_000;

/// Somebody who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// Who.
    pub attendee: AttendeeId,
    /// For what.
    pub party: Party,
}

impl Stands for Waiter {
    fn attendee(&self) -> &AttendeeId {
        &self.attendee
    }

    fn places(&self) -> u32 {
        1
    }
}

/// The line, in order of arrival.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) waiters: Joined<Waiter>,
    /// INVARIANT: the waiters again, by kind of ticket; none of them is empty.
    by_ticket: BTreeMap<Option<TicketType>, BTreeSet<Join>>,
}

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        self.waiters == other.waiters
    }
}

impl Line {
    pub(super) fn push(&mut self, waiter: Waiter) {
        let ticket = waiter.party.ticket.clone();
        let join = self.waiters.push(waiter);
        self.by_ticket.entry(ticket).or_default().insert(join);
    }

    pub(super) fn pop(&mut self) {
        if let Some((join, waiter)) = self.waiters.pop() {
            self.unlist(join, &waiter);
        }
    }

    pub(super) fn remove(&mut self, join: Join) -> Option<Waiter> {
        let waiter = self.waiters.remove(join)?;
        self.unlist(join, &waiter);
        Some(waiter)
    }

    pub(super) fn put_back(&mut self, join: Join, waiter: Waiter) {
        self.by_ticket.entry(waiter.party.ticket.clone()).or_default().insert(join);
        self.waiters.put_back(join, waiter);
    }

    fn unlist(&mut self, join: Join, waiter: &Waiter) {
        if let Some(joins) = self.by_ticket.get_mut(&waiter.party.ticket) {
            joins.remove(&join);
            if joins.is_empty() {
                self.by_ticket.remove(&waiter.party.ticket);
            }
        }
    }

    /// The first of each kind of ticket, in order of arrival.
    fn heads(&self) -> Vec<(Join, &Waiter)> {
        let firsts = self.by_ticket.values().filter_map(|joins| joins.first());
        let mut heads: Vec<_> = firsts.filter_map(|join| Some((*join, self.waiters.get(*join)?))).collect();
        heads.sort_unstable_by_key(|(join, _)| *join);
        heads
    }

    /// Whether somebody waits for seats that `ticket` draws on: whoever comes now stands behind.
    pub(super) fn is_before(&self, house: &House, ticket: Option<&TicketType>) -> bool {
        self.heads().iter().any(|(_, waiter)| {
            let theirs = waiter.party.ticket.as_ref();
            match house.lack(&waiter.party, house.longest(theirs)) {
                Some(short) if short.places => house.hall.share(ticket, theirs),
                // They are about to be offered some, or nobody is offered any now.
                None | Some(super::house::Shortage { pool: None, .. }) => true,
                Some(short) => house.drawn_on(ticket).any(|(name, _)| Some(name) == short.pool.as_ref()),
            }
        })
    }

    /// What is due to those who wait: nothing, or an offer, after those who were passed over for it.
    pub(super) fn due(&self, house: &House, seed: u64) -> Vec<BookingEvent> {
        // Where somebody has to approve, nobody is given seats by waiting.
        let gives = house.is_on_sale() && !house.settings.approval;
        let Some(waitlist) = house.settings.waitlist.filter(|_| gives) else { return Vec::new() };
        let mut awaited: BTreeSet<PoolName> = BTreeSet::new();
        let mut seated: Vec<Option<&TicketType>> = Vec::new();
        for (_, waiter) in self.heads() {
            let ticket = waiter.party.ticket.as_ref();
            // Seats of a pool, or of sections, that somebody before them waits for.
            let pools = house.drawn_on(ticket).any(|(name, _)| awaited.contains(name));
            if pools || seated.iter().any(|theirs| house.hall.share(ticket, *theirs)) {
                continue;
            }
            let Some(short) = house.lack(&waiter.party, house.longest(ticket)) else {
                return vec![offer(waiter, waitlist, house, seed)];
            };
            if waitlist.pass_over
                && short.free > 0
                && let Some(due) = self.passing_over(house, ticket, (waitlist, seed))
            {
                return due;
            }
            match short.pool {
                None if short.places => seated.push(ticket),
                None => return Vec::new(),
                Some(pool) => _ = awaited.insert(pool),
            }
        }
        Vec::new()
    }

    /// An offer to the first of a kind for whom free seats suffice, after those who are passed over.
    fn passing_over(
        &self,
        house: &House,
        ticket: Option<&TicketType>,
        (waitlist, seed): (Waitlist, u64),
    ) -> Option<Vec<BookingEvent>> {
        let longest = house.longest(ticket);
        let mut due = Vec::new();
        let joins = self.by_ticket.get(&ticket.cloned()).into_iter().flatten();
        let waiters = joins.filter_map(|join| Some((*join, self.waiters.get(*join)?)));
        for (join, waiter) in waiters.take(LOOKED_AT_MAX) {
            match house.lack(&waiter.party, longest) {
                None => {
                    due.push(offer(waiter, waitlist, house, seed));
                    return Some(due);
                }
                Some(short) => due.push(BookingEvent::WaiterPassedOver {
                    attendee: waiter.attendee.clone(),
                    position: self.waiters.place(join),
                    free: short.free,
                }),
            }
        }
        None
    }

    /// The line without the places of those who left.
    pub(super) fn settle(&mut self) {
        if self.waiters.is_sparse() {
            let waiters = core::mem::take(self).waiters;
            waiters.into_entries().for_each(|waiter| self.push(waiter));
        }
    }
}

fn offer(waiter: &Waiter, waitlist: Waitlist, house: &House, seed: u64) -> BookingEvent {
    let places = house.hall.best_for(&waiter.party, house.settings.together, seed).unwrap_or_default();
    BookingEvent::SeatOffered { attendee: waiter.attendee.clone(), places, hold_for: waitlist.offer_for }
}
