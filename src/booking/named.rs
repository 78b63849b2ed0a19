//! What a ledger says of seats that have names.

use std::collections::BTreeSet;

use super::command::BookingCommand;
use super::ledger::{Seat, SeatLedger};
use super::party::Party;
use crate::id::AttendeeId;
use crate::seating::{Place, SeatMap};

impl SeatLedger {
    /// The seat map; empty where seats have no names.
    pub fn seat_map(&self) -> &SeatMap {
        self.house.hall.map()
    }

    /// Places that nobody has and that are not kept from sale, in the order of the map. There may be more than
    /// [`SeatLedger::free`]: both limits hold.
    pub fn places_free(&self) -> impl Iterator<Item = &Place> {
        self.house.hall.seating().free()
    }

    /// Places kept from sale.
    pub fn places_blocked(&self) -> &BTreeSet<Place> {
        self.house.hall.blocked()
    }

    /// Who has this place.
    pub fn whose(&self, place: &Place) -> Option<&AttendeeId> {
        let seat: &Seat = self.seats.get(self.house.hall.holder(place)?)?;
        Some(&seat.attendee)
    }

    /// The places that an attendee has, held or confirmed; none without a seat, and where seats have no names.
    pub fn places_of(&self, attendee: &AttendeeId) -> Option<&BTreeSet<Place>> {
        self.seat_of(attendee).map(|seat| &seat.party.places).filter(|places| !places.is_empty())
    }

    /// The places of whom a command is about.
    pub(super) fn places_told(&self, command: &BookingCommand) -> BTreeSet<Place> {
        command.attendee().and_then(|who| self.places_of(who)).cloned().unwrap_or_default()
    }

    /// The best free places for a party, to be shown to somebody who may then ask for them by name; none where there are
    /// too few, and where seats have no names. What the party names does not count. Another `seed` tells equal choices apart
    /// otherwise, so that those who choose at the same time are shown different ones where there are any.
    pub fn suggest(&self, party: &Party, seed: u64) -> Option<BTreeSet<Place>> {
        let best = self.house.hall.best_for(party, self.settings().together, seed);
        best.filter(|places| !places.is_empty())
    }
}
