//! What is free of a map.

use std::sync::Arc;

use super::map::SeatMap;
use super::place::Place;
use super::plan::{Plan, Seat};
use crate::id::TicketType;

/// A map, and which of its seats are free.
///
/// To take a seat or give it back takes time logarithmic in its section. A clone shares what neither has changed since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seating {
    map: SeatMap,
    /// INVARIANT: one for each section of the map, in order.
    parts: Vec<Arc<Part>>,
}

/// What is free of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Seat by seat.
    pub(super) free: Vec<bool>,
    /// How many, row by row.
    pub(super) in_row: Vec<usize>,
    pub(super) total: usize,
    pub(super) accessible: usize,
}

impl Part {
    fn new(plan: &Plan) -> Self {
        let in_row = plan.rows.iter().map(|row| row.seats.len()).collect();
        let accessible = plan.seats.iter().filter(|seat| seat.accessible).count();
        Self { free: vec![true; plan.seats.len()], in_row, total: plan.seats.len(), accessible }
    }

    pub(super) fn is_free(&self, at: usize) -> bool {
        self.free.get(at).copied().unwrap_or_default()
    }

    fn turn(&mut self, at: usize, seat: &Seat, free: bool) {
        let turn = |count: &mut usize| *count = if free { *count + 1 } else { count.saturating_sub(1) };
        if let Some(is) = self.free.get_mut(at) {
            *is = free;
        }
        self.in_row.get_mut(seat.row).into_iter().for_each(turn);
        turn(&mut self.total);
        if seat.accessible {
            turn(&mut self.accessible);
        }
    }
}

impl Seating {
    /// All seats of `map`, free.
    pub fn new(map: SeatMap) -> Self {
        let parts = map.plans.iter().map(|plan| Arc::new(Part::new(plan))).collect();
        Self { map, parts }
    }

    /// The map.
    pub fn map(&self) -> &SeatMap {
        &self.map
    }

    /// All seats are free.
    pub fn clear(&mut self) {
        *self = Self::new(core::mem::take(&mut self.map));
    }

    /// Whether there is such a place and it is free.
    pub fn is_free(&self, place: &Place) -> bool {
        self.map.find(place).is_some_and(|(part, at)| self.parts.get(part).is_some_and(|part| part.is_free(at)))
    }

    /// The place is free no longer. Says whether it was.
    pub fn take(&mut self, place: &Place) -> bool {
        self.turn(place, false)
    }

    /// The place is free. Says whether it was not, and there is such a place.
    pub fn give_back(&mut self, place: &Place) -> bool {
        self.turn(place, true)
    }

    fn turn(&mut self, place: &Place, free: bool) -> bool {
        let Some((number, at)) = self.map.find(place) else { return false };
        let (Some(plan), Some(part)) = (self.map.plans.get(number), self.parts.get_mut(number)) else { return false };
        let Some(seat) = plan.seats.get(at).filter(|_| part.is_free(at) != free) else { return false };
        Arc::make_mut(part).turn(at, seat, free);
        true
    }

    /// The free places: section by section, row by row, in order.
    pub fn free(&self) -> impl Iterator<Item = &Place> {
        self.sections().flat_map(|(_, plan, part)| {
            plan.seats.iter().zip(&part.free).filter(|(_, free)| **free).map(|(seat, _)| &seat.place)
        })
    }

    /// Free seats, whatever they are for.
    pub fn left(&self) -> usize {
        self.parts.iter().map(|part| part.total).sum()
    }

    /// Free seats that a ticket of this kind may give.
    pub fn free_for(&self, ticket: Option<&TicketType>) -> usize {
        self.admitting(ticket).map(|(_, _, part)| part.total).sum()
    }

    /// Seats that a ticket of this kind may give, free or not.
    pub fn seats_for(&self, ticket: Option<&TicketType>) -> usize {
        self.admitting(ticket).map(|(_, plan, _)| plan.seats.len()).sum()
    }

    /// Seats of the longest stretch that a ticket of this kind may give. Looks at every seat.
    pub fn longest_for(&self, ticket: Option<&TicketType>) -> usize {
        let mut longest = 0;
        for (_, plan, part) in self.admitting(ticket) {
            let mut length = 0;
            for at in 0..plan.seats.len() {
                let grows = length > 0 && plan.joins(at.wrapping_sub(1));
                length = if !part.is_free(at) {
                    0
                } else if grows {
                    length + 1
                } else {
                    1
                };
                longest = longest.max(length);
            }
        }
        longest
    }

    /// The sections: number, plan, what is free.
    pub(super) fn sections(&self) -> impl Iterator<Item = (usize, &Plan, &Part)> {
        (0..).zip(&self.map.plans).zip(&self.parts).map(|((number, plan), part)| (number, &**plan, &**part))
    }

    pub(super) fn section(&self, number: usize) -> Option<(&Plan, &Part)> {
        self.map.plans.get(number).map(|plan| &**plan).zip(self.parts.get(number).map(|part| &**part))
    }

    /// The sections in which a ticket of this kind gives a seat.
    pub(super) fn admitting(&self, ticket: Option<&TicketType>) -> impl Iterator<Item = (usize, &Plan, &Part)> {
        self.sections().filter(move |(_, plan, _)| plan.section.admits(ticket))
    }
}
