//! A section as it is searched: seats numbered in order, with where they stand.

use core::ops::Range;

use super::map::Section;
use super::place::Place;
use super::row::Slot;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) section: Section,
    /// Row by row, each in order.
    pub(super) seats: Vec<Seat>,
    pub(super) rows: Vec<Stands>,
    /// Numbers of seats in the order of their places.
    by_name: Vec<usize>,
    pub(super) longest_name: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) place: Place,
    pub(super) row: usize,
    /// Seats and gaps before it in the row.
    pub(super) slot: i64,
    pub(super) accessible: bool,
}

/// Where a row stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stands {
    pub(super) seats: Range<usize>,
    /// Seats and gaps.
    pub(super) slots: i64,
}

impl Plan {
    pub(super) fn new(section: Section) -> Self {
        let (mut seats, mut rows) = (Vec::new(), Vec::new());
        for (number, row) in section.rows().iter().enumerate() {
            let first = seats.len();
            for (slot, what) in (0..).zip(row.slots()) {
                if let Slot::Seat { name, accessible } = what {
                    let place = Place::of(section.name(), row.name(), name);
                    seats.push(Seat { place, row: number, slot, accessible: *accessible });
                }
            }
            let slots = i64::try_from(row.slots().len()).unwrap_or(i64::MAX);
            rows.push(Stands { seats: first..seats.len(), slots });
        }
        let mut by_name: Vec<usize> = (0..seats.len()).collect();
        by_name.sort_unstable_by_key(|at| seats.get(*at).map(|seat| &seat.place));
        let longest_name = seats.iter().map(|seat| seat.place.as_str().len()).max().unwrap_or_default();
        Self { section, seats, rows, by_name, longest_name }
    }

    /// The number of a seat.
    pub(super) fn find(&self, place: &Place) -> Option<usize> {
        let at =
            self.by_name.binary_search_by_key(&Some(place), |at| self.seats.get(*at).map(|seat| &seat.place)).ok()?;
        self.by_name.get(at).copied()
    }

    /// Whether a seat and the next are neighbours.
    pub(super) fn joins(&self, at: usize) -> bool {
        let pair = self.seats.get(at).zip(self.seats.get(at + 1));
        pair.is_some_and(|(one, next)| one.row == next.row && one.slot + 1 == next.slot)
    }
}
