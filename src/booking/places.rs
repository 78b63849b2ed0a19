//! The rules of seats that have names.

use std::collections::BTreeSet;

use super::decide::Decided;
use super::event::BookingEvent;
use super::hall::wanted;
use super::outcome::BookingOutcome;
use super::party::{Party, Seats};
use super::rules::{View, Wish, change, no, yes};
use crate::id::{AttendeeId, TicketType};
use crate::seating::{Place, SeatMap, Section};

impl View<'_> {
    fn together(&self) -> bool {
        self.ledger.settings().together
    }

    /// What stands against the places that a party names, whoever has them now.
    pub(super) fn misnamed(&self, party: &Party, wish: Wish) -> Option<BookingOutcome> {
        if party.places.is_empty() {
            return None;
        }
        let wanted = if wish == Wish::Wait { Seats::default() } else { party.seats };
        self.no_places(&party.places, party.ticket.as_ref(), wanted)
    }

    /// They are another number, are not there, or not for that kind of ticket.
    fn no_places(
        &self,
        places: &BTreeSet<Place>,
        ticket: Option<&TicketType>,
        wanted: Seats,
    ) -> Option<BookingOutcome> {
        let map = self.ledger.house.hall.map();
        if places.len() as u64 != u64::from(wanted.get()) {
            return Some(BookingOutcome::PlaceCount { wanted });
        }
        let forbidden = places.iter().find(|place| !map.admits(ticket, place)).cloned();
        unknown(map, places).or_else(|| forbidden.map(|place| BookingOutcome::NotForTicket { place }))
    }

    /// The party with its places: those that it names, or else the best there are.
    pub(super) fn placed(&self, party: &Party) -> Result<Party, BookingOutcome> {
        let hall = &self.ledger.house.hall;
        let places = if party.places.is_empty() {
            let best = hall.best_for(party, self.together(), self.ledger.hash().seed());
            best.ok_or(BookingOutcome::NotTogether)?
        } else {
            self.not_free(party, &BTreeSet::new()).map_or_else(|| Ok(party.places.clone()), Err)?
        };
        Ok(Party { places, ..party.clone() })
    }

    /// The party with the places that it had, if it can have them all; else with the best there are, if there are any.
    pub(super) fn placed_again(&self, party: &Party) -> Option<Party> {
        let seating = self.ledger.house.hall.seating();
        let same = |place| seating.is_free(place) && seating.map().admits(party.ticket.as_ref(), place);
        if !party.places.is_empty() && party.places.iter().all(same) {
            return Some(party.clone());
        }
        self.placed(&Party { places: BTreeSet::new(), ..party.clone() }).ok()
    }

    /// What stands against places now, for a party that has `own` and gives them up.
    fn not_free(&self, party: &Party, own: &BTreeSet<Place>) -> Option<BookingOutcome> {
        let mut seating = self.ledger.house.hall.seating().clone();
        for place in own {
            seating.give_back(place);
        }
        let (places, settings) = (&party.places, self.ledger.settings());
        let near = || {
            let nearest = seating.nearest_to(places, &wanted(party, settings.together), self.ledger.hash().seed());
            nearest.unwrap_or_default()
        };
        let taken: BTreeSet<_> = places.iter().filter(|place| !seating.is_free(place)).cloned().collect();
        if !taken.is_empty() {
            return Some(BookingOutcome::PlacesTaken { places: taken, nearest: near() });
        }
        if settings.no_single_seats {
            let single = seating.singles_left(places);
            let nearest = if single.is_empty() { BTreeSet::new() } else { near() };
            if !nearest.is_empty() && seating.singles_left(&nearest).is_empty() {
                return Some(BookingOutcome::LeavesSingle { places: single, nearest });
            }
        }
        let apart = settings.together && !seating.map().are_together(places);
        apart.then_some(BookingOutcome::NotTogether)
    }

    /// The places of a party once it has so many seats.
    pub(super) fn resized(&self, party: &Party, seats: Seats) -> Result<BTreeSet<Place>, BookingOutcome> {
        let hall = &self.ledger.house.hall;
        if !hall.is_named() {
            return Ok(BTreeSet::new());
        }
        let Some(more) = seats.get().checked_sub(party.seats.get()) else {
            let kept = usize::try_from(seats.get()).unwrap_or(usize::MAX);
            return Ok(hall.map().in_order(&party.places).into_iter().take(kept).collect());
        };
        let more = Party { seats: Seats::new(more), ..party.clone() };
        let beside = hall.seating().beside(&party.places, &wanted(&more, self.together()), self.ledger.hash().seed());
        let beside = beside.ok_or(BookingOutcome::NotTogether)?;
        Ok(beside.union(&party.places).cloned().collect())
    }

    pub(super) fn move_to(&self, attendee: &AttendeeId, places: &BTreeSet<Place>) -> Decided {
        let Some(seat) = self.ledger.seat_of(attendee) else { return no(BookingOutcome::NotBooked) };
        let (seats, own) = (seat.party.seats, &seat.party.places);
        if places == own && !own.is_empty() {
            return no(BookingOutcome::Unchanged);
        }
        let party = Party { places: places.clone(), ..seat.party.clone() };
        let against = self.no_places(places, party.ticket.as_ref(), seats);
        if let Some(against) = against.or_else(|| self.not_free(&party, own)) {
            return no(against);
        }
        let (attendee, places) = (attendee.clone(), party.places);
        yes(BookingOutcome::Moved, BookingEvent::PartyChanged { attendee, seats, places })
    }

    pub(super) fn set_section(&self, section: &Section) -> Decided {
        let hall = &self.ledger.house.hall;
        let Ok(map) = hall.map().clone().with(section.clone()) else {
            return no(BookingOutcome::SeatMapFull { max: SeatMap::SEATS_MAX as u64 });
        };
        if !hall.is_named() && self.ledger.taken() > 0 {
            return no(BookingOutcome::Taken { taken: self.ledger.taken() });
        }
        let gone = hall.had_in(section.name()).filter(|place| !map.has(place)).cloned().collect();
        if let Some(taken) = taken(gone) {
            return no(taken);
        }
        let event = BookingEvent::SectionSet { section: section.clone() };
        change(hall.map().section(section.name()) != Some(section), BookingOutcome::Set, event)
    }

    pub(super) fn remove_section(&self, section: &str) -> Decided {
        let hall = &self.ledger.house.hall;
        if let Some(taken) = taken(hall.had_in(section).cloned().collect()) {
            return no(taken);
        }
        let event = BookingEvent::SectionRemoved { section: section.to_owned() };
        change(hall.map().section(section).is_some(), BookingOutcome::Set, event)
    }

    pub(super) fn block_places(&self, places: &BTreeSet<Place>) -> Decided {
        let hall = &self.ledger.house.hall;
        if let Some(against) = self.too_many(places).or_else(|| unknown(hall.map(), places)) {
            return no(against);
        }
        let had = places.iter().filter(|place| hall.holder(place).is_some()).cloned().collect();
        if let Some(taken) = taken(had) {
            return no(taken);
        }
        let places: BTreeSet<_> = places.difference(hall.blocked()).cloned().collect();
        change(!places.is_empty(), BookingOutcome::Set, BookingEvent::PlacesBlocked { places })
    }

    pub(super) fn unblock_places(&self, places: &BTreeSet<Place>) -> Decided {
        if let Some(against) = self.too_many(places) {
            return no(against);
        }
        let places: BTreeSet<_> = places.intersection(self.ledger.house.hall.blocked()).cloned().collect();
        change(!places.is_empty(), BookingOutcome::Set, BookingEvent::PlacesUnblocked { places })
    }

    fn too_many(&self, places: &BTreeSet<Place>) -> Option<BookingOutcome> {
        let wanted = self.ledger.house.hall.named_at_once();
        (places.len() as u64 > u64::from(wanted.get())).then_some(BookingOutcome::PlaceCount { wanted })
    }
}

fn unknown(map: &SeatMap, places: &BTreeSet<Place>) -> Option<BookingOutcome> {
    let place = places.iter().find(|place| !map.has(place)).cloned()?;
    Some(BookingOutcome::UnknownPlace { place })
}

fn taken(places: BTreeSet<Place>) -> Option<BookingOutcome> {
    (!places.is_empty()).then(|| BookingOutcome::PlacesTaken { places, nearest: BTreeSet::new() })
}
