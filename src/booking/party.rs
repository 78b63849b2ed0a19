//! How many seats, and of which kind.

use core::fmt;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::TicketType;
use crate::seating::Place;

/// A number of seats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seats(u32);

impl Seats {
    /// One.
    pub const ONE: Self = Self(1);

    /// `n` seats.
    pub const fn new(n: u32) -> Self {
        Self(n)
    }

    /// The number itself.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Seats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What one attendee wants or has: all of it or nothing.
///
/// ```
/// use boxoffice_core::booking::{Party, Seats};
/// assert_eq!(Party::default(), Party::of(1));
/// assert_eq!(Party::of(4).seats, Seats::new(4));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// How many seats, at least one.
    pub seats: Seats,
    /// Which kind; none is any seat of the house.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketType>,
    /// Which seats, as many as `seats`, where they have names. Asked for without any, the best are chosen. A party that has
    /// seats has places exactly where there is a seat map.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub places: BTreeSet<Place>,
}

/// One seat of no particular kind.
impl Default for Party {
    fn default() -> Self {
        Self::of(1)
    }
}

impl Party {
    /// So many seats of no particular kind.
    pub fn of(seats: u32) -> Self {
        Self { seats: Seats::new(seats), ticket: None, places: BTreeSet::new() }
    }

    /// These seats and no others, of no particular kind.
    pub fn at(places: impl IntoIterator<Item = Place>) -> Self {
        let places: BTreeSet<Place> = places.into_iter().collect();
        Self { seats: Seats::new(u32::try_from(places.len()).unwrap_or(u32::MAX)), ticket: None, places }
    }

    /// The same number of seats, of this kind.
    #[must_use]
    pub fn with_ticket(mut self, ticket: TicketType) -> Self {
        self.ticket = Some(ticket);
        self
    }
}
