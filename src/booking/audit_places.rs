//! The part of the audit that is about seats with names. It keeps who has which place by itself, from the events alone.

use std::collections::{BTreeMap, BTreeSet};

use super::event::BookingEvent;
use super::party::Party;
use crate::id::{AttendeeId, TicketType};
use crate::seating::{Place, Section};

type Checked = Result<(), String>;

#[derive(Clone, Debug, Default)]
pub(super) struct PlacesAudit {
    /// By section: the kinds of ticket that it is for, its places.
    sections: BTreeMap<String, (BTreeSet<TicketType>, BTreeSet<Place>)>,
    blocked: BTreeSet<Place>,
    had: BTreeMap<Place, AttendeeId>,
    /// The same by attendee.
    of: BTreeMap<AttendeeId, BTreeSet<Place>>,
}

fn ensure(good: bool, what: &str) -> Checked {
    if good { Ok(()) } else { Err(what.to_owned()) }
}

impl PlacesAudit {
    /// Checks an event. `party` is what an attendee has after it, and `taken` how many seats all have.
    pub(super) fn check<'p>(
        &mut self,
        event: &BookingEvent,
        party: impl Fn(&AttendeeId) -> Option<&'p Party>,
        taken: u64,
    ) -> Checked {
        let ticket = |who: &AttendeeId| party(who).and_then(|party| party.ticket.as_ref());
        match event {
            BookingEvent::SectionSet { section } => self.set(section, taken)?,
            BookingEvent::SectionRemoved { section } => self.remove(section)?,
            BookingEvent::PlacesBlocked { places } => self.block(places)?,
            BookingEvent::PlacesUnblocked { places } => self.blocked.retain(|place| !places.contains(place)),
            BookingEvent::SeatBooked { attendee, party }
            | BookingEvent::SeatHeld { attendee, party, .. }
            | BookingEvent::SeatReacquired { attendee, party } => {
                self.give(attendee, party.ticket.as_ref(), &party.places)?;
            }
            BookingEvent::SeatOffered { attendee, places, .. } => self.give(attendee, ticket(attendee), places)?,
            BookingEvent::PartyChanged { attendee, places, .. } => {
                let before = self.free(attendee);
                let (kept, new) = places.iter().cloned().partition(|place| before.contains(place));
                self.note(attendee, &kept)?;
                self.give(attendee, ticket(attendee), &new)?;
            }
            BookingEvent::HoldReleased { attendee }
            | BookingEvent::HoldLapsed { attendee }
            | BookingEvent::SeatCancelled { attendee } => drop(self.free(attendee)),
            BookingEvent::SeatTransferred { from, to } => {
                let places = self.free(from);
                self.note(to, &places)?;
            }
            BookingEvent::SaleOpened { .. }
            | BookingEvent::SaleClosed
            | BookingEvent::SaleReopened
            | BookingEvent::CapacityChanged { .. }
            | BookingEvent::SeatsBlocked { .. }
            | BookingEvent::PoolSet { .. }
            | BookingEvent::TicketSet { .. }
            | BookingEvent::SettingsChanged { .. }
            | BookingEvent::HoldExtended { .. }
            | BookingEvent::HoldConfirmed { .. }
            | BookingEvent::RefundDue { .. }
            | BookingEvent::RefundSettled { .. }
            | BookingEvent::SeatRequested { .. }
            | BookingEvent::RequestDeclined { .. }
            | BookingEvent::WaitJoined { .. }
            | BookingEvent::WaitLeft { .. }
            | BookingEvent::WaiterPassedOver { .. } => return Ok(()),
        }
        self.adds_up(event, party, taken)
    }

    /// That everybody has as many places as seats.
    fn adds_up<'p>(
        &self,
        event: &BookingEvent,
        party: impl Fn(&AttendeeId) -> Option<&'p Party>,
        taken: u64,
    ) -> Checked {
        if self.sections.is_empty() {
            return Ok(());
        }
        ensure(self.had.len() as u64 == taken, "there are more seats taken than places, or fewer")?;
        let (BookingEvent::SeatBooked { attendee, .. }
        | BookingEvent::SeatHeld { attendee, .. }
        | BookingEvent::SeatReacquired { attendee, .. }
        | BookingEvent::SeatOffered { attendee, .. }
        | BookingEvent::PartyChanged { attendee, .. }
        | BookingEvent::SeatTransferred { to: attendee, .. }) = event
        else {
            return Ok(());
        };
        let places = self.of.get(attendee).map_or(0, |places| places.len() as u64);
        let seats = party(attendee).map_or(0, |party| u64::from(party.seats.get()));
        ensure(places == seats, "an attendee has more seats than places, or fewer")
    }

    fn set(&mut self, section: &Section, taken: u64) -> Checked {
        let unnamed = self.sections.is_empty() && taken > 0;
        ensure(!unnamed, "seats were given names though somebody had one without")?;
        let places: BTreeSet<Place> = section.places().collect();
        let gone = |place: &Place| place.section() == section.name() && !places.contains(place);
        ensure(!self.had.keys().any(gone), "a place that somebody has is in the seat map no more")?;
        self.blocked.retain(|place| !gone(place));
        self.sections.insert(section.name().to_owned(), (section.tickets().clone(), places));
        Ok(())
    }

    fn remove(&mut self, section: &str) -> Checked {
        ensure(self.sections.remove(section).is_some(), "a section was removed that there was not")?;
        let in_it = |place: &Place| place.section() == section;
        self.blocked.retain(|place| !in_it(place));
        ensure(!self.had.keys().any(in_it), "a place that somebody has is in the seat map no more")
    }

    fn block(&mut self, places: &BTreeSet<Place>) -> Checked {
        for place in places {
            let known = self.sections.get(place.section()).is_some_and(|(_, places)| places.contains(place));
            ensure(known && !self.had.contains_key(place), "a place was blocked that somebody has or there is not")?;
            self.blocked.insert(place.clone());
        }
        Ok(())
    }

    fn give(&mut self, attendee: &AttendeeId, ticket: Option<&TicketType>, places: &BTreeSet<Place>) -> Checked {
        for place in places {
            let known = self.sections.get(place.section()).filter(|(_, places)| places.contains(place));
            let (tickets, _) = known.ok_or("a place was given that there is not")?;
            let admits = tickets.is_empty() || ticket.is_some_and(|ticket| tickets.contains(ticket));
            ensure(admits, "a place was given on a ticket that is not for its section")?;
            ensure(!self.blocked.contains(place), "a place was given that is kept from sale")?;
        }
        self.note(attendee, places)
    }

    /// Notes that an attendee has these places besides.
    fn note(&mut self, attendee: &AttendeeId, places: &BTreeSet<Place>) -> Checked {
        for place in places {
            let before = self.had.insert(place.clone(), attendee.clone());
            ensure(before.is_none(), "a place was given twice")?;
            self.of.entry(attendee.clone()).or_default().insert(place.clone());
        }
        Ok(())
    }

    /// Notes that an attendee has no places, and gives those that it had.
    fn free(&mut self, attendee: &AttendeeId) -> BTreeSet<Place> {
        let places = self.of.remove(attendee).unwrap_or_default();
        for place in &places {
            self.had.remove(place);
        }
        places
    }
}
