//! Seats by name: who has which, and which are kept from sale.

use std::collections::{BTreeMap, BTreeSet};

use super::joined::Join;
use super::party::{Party, Seats};
use crate::id::TicketType;
use crate::seating::{Place, SeatMap, Seating, Section, Wanted};

/// Room for the names of places in an event, in bytes. The rest of the 4,000 that any store takes is for the names of its
/// stream and attendee.
const PLACES_BYTES_MAX: usize = 2_700;

/// The seat map of a house with what is taken of it; empty where seats have no names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hall {
    /// INVARIANT: what is free of it is what nobody has and what is not kept from sale.
    seating: Seating,
    had: BTreeMap<Place, Join>,
    /// Kept from sale.
    blocked: BTreeSet<Place>,
}

fn seats(count: usize) -> Seats {
    Seats::new(u32::try_from(count).unwrap_or(u32::MAX))
}

impl Hall {
    pub(super) fn new(map: SeatMap, blocked: &BTreeSet<Place>) -> Self {
        let mut hall = Self { seating: Seating::new(map), had: BTreeMap::new(), blocked: BTreeSet::new() };
        hall.block(blocked);
        hall
    }

    /// Whether seats have names.
    pub(super) fn is_named(&self) -> bool {
        !self.map().is_empty()
    }

    pub(super) fn map(&self) -> &SeatMap {
        self.seating.map()
    }

    pub(super) fn seating(&self) -> &Seating {
        &self.seating
    }

    pub(super) fn blocked(&self) -> &BTreeSet<Place> {
        &self.blocked
    }

    /// Whether no reader can tell them apart, if they have the same parties.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.map() == other.map() && self.blocked == other.blocked
    }

    pub(super) fn holder(&self, place: &Place) -> Option<Join> {
        self.had.get(place).copied()
    }

    /// The places of a section that somebody has.
    pub(super) fn had_in(&self, section: &str) -> impl Iterator<Item = &Place> {
        self.had.keys().filter(move |place| place.section() == section)
    }

    /// Most places that are recorded at once.
    pub(super) fn named_at_once(&self) -> Seats {
        if self.is_named() { seats(PLACES_BYTES_MAX / (self.map().longest_name() + 3)) } else { Seats::new(u32::MAX) }
    }

    /// Free places; none where seats have no names.
    pub(super) fn left(&self) -> Option<u64> {
        self.is_named().then(|| self.seating.left() as u64)
    }

    /// Seats that a ticket of this kind may give, whoever has them.
    pub(super) fn seats_for(&self, ticket: Option<&TicketType>) -> Seats {
        seats(self.seating.seats_for(ticket))
    }

    /// Free seats that a ticket of this kind may give; none where seats have no names.
    pub(super) fn free_for(&self, ticket: Option<&TicketType>) -> Option<u64> {
        self.is_named().then(|| self.seating.free_for(ticket) as u64)
    }

    /// Most free seats next to one another that a ticket of this kind may give; none where seats have no names.
    pub(super) fn longest_for(&self, ticket: Option<&TicketType>) -> Option<u64> {
        self.is_named().then(|| self.seating.longest_for(ticket) as u64)
    }

    /// Whether tickets of these kinds give seats in the same section.
    pub(super) fn share(&self, one: Option<&TicketType>, other: Option<&TicketType>) -> bool {
        self.map().sections().any(|section| section.admits(one) && section.admits(other))
    }

    /// The best places for a party; no places where seats have no names.
    pub(super) fn best_for(&self, party: &Party, together: bool, seed: u64) -> Option<BTreeSet<Place>> {
        if !self.is_named() {
            return Some(BTreeSet::new());
        }
        self.seating.best_available(&wanted(party, together), seed)
    }

    pub(super) fn set(&mut self, section: &Section) {
        if let Ok(map) = self.map().clone().with(section.clone()) {
            self.remap(map);
        }
    }

    pub(super) fn remove(&mut self, section: &str) {
        let map = self.map().clone().without(section);
        self.remap(map);
    }

    /// Has another map, of which nobody has anything yet. Places that are kept from sale and are in it no more are forgotten.
    fn remap(&mut self, map: SeatMap) {
        let mut blocked = core::mem::take(&mut self.blocked);
        blocked.retain(|place| map.has(place));
        *self = Self::new(map, &blocked);
    }

    pub(super) fn block(&mut self, places: &BTreeSet<Place>) {
        for place in places {
            self.seating.take(place);
            self.blocked.insert(place.clone());
        }
    }

    pub(super) fn unblock(&mut self, places: &BTreeSet<Place>) {
        for place in places {
            if self.blocked.remove(place) && !self.had.contains_key(place) {
                self.seating.give_back(place);
            }
        }
    }

    /// Nobody has anything.
    pub(super) fn empty(&mut self) {
        self.had.clear();
        self.seating.clear();
        for place in &self.blocked {
            self.seating.take(place);
        }
    }

    pub(super) fn take(&mut self, join: Join, places: &BTreeSet<Place>) {
        for place in places {
            self.seating.take(place);
            self.had.insert(place.clone(), join);
        }
    }

    pub(super) fn give_back(&mut self, join: Join, places: &BTreeSet<Place>) {
        for place in places {
            if self.had.get(place) == Some(&join) {
                self.had.remove(place);
                if !self.blocked.contains(place) {
                    self.seating.give_back(place);
                }
            }
        }
    }
}

/// What a party wants of a hall.
pub(super) fn wanted(party: &Party, together: bool) -> Wanted<'_> {
    Wanted::seats(party.seats.get()).for_ticket(party.ticket.as_ref()).together(together)
}
