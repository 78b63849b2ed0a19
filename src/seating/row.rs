//! A row: its seats in order, written in one line.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::place::{SEAT_LENGTH_MAX, check_name};
use crate::id::IdError;

/// Why a text is not the seats of a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// The row or a seat of it has no possible name.
    #[error("row {row:?}: {error}")]
    Name {
        /// Which row.
        row: String,
        /// What is wrong.
        error: IdError,
    },
    /// Two seats have the same name.
    #[error("row {row:?}: seat {seat:?} is there twice")]
    Twice {
        /// Which row.
        row: String,
        /// Which seat.
        seat: String,
    },
    /// There are no seats, or too many.
    #[error("row {row:?} has {seats} seats, it may have 1 to {limit}")]
    Seats {
        /// Which row.
        row: String,
        /// Seats found, at least.
        seats: usize,
        /// The most that are allowed.
        limit: usize,
    },
    /// A range of seats is not one, such as `5-x` or `1-9/0`.
    #[error("row {row:?}: {text:?} is no seat, as in 12, and no range of seats, as in 1-20 or 1-19/2")]
    Range {
        /// Which row.
        row: String,
        /// The text found.
        text: String,
    },
}

/// Something that takes up room in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Seat { name: String, accessible: bool },
    Gap,
}

/// A row of seats.
///
/// The seats are written in order, with spaces between them: names, as in `12`; ranges of numbers, up or down, as in `1-20`,
/// `20-1` or with a step `1-19/2`; `|` for a gap, such as an aisle, as wide as a seat. A gap before or after all seats moves
/// the middle of the row. A star after a name or range makes the seats accessible: for wheelchairs. So `1-4 | 5-9 10* 11*` is
/// four seats, an aisle and seven seats, of which the last two are accessible.
///
/// Names have 1 to 16 bytes and no control characters, slashes, quotes, backslashes, spaces, bars, stars or hyphens. A row
/// has 1 to 1,000 seats.
///
/// ```
/// use boxoffice_core::seating::Row;
/// let row = Row::new("A", "1-4 | 5-9 10* 11*")?;
/// assert_eq!(row.seats().count(), 11);
/// assert!(Row::new("A", "1-4 4").is_err());
/// # Ok::<(), boxoffice_core::seating::RowError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Row {
    name: String,
    text: String,
    slots: Vec<Slot>,
}

/// `{"row":"A","seats":"1-4 | 5-9 10* 11*"}`
#[derive(Serialize, Deserialize)]
struct Written {
    row: String,
    seats: String,
}

impl Row {
    /// Seats of one row at most.
    pub const SEATS_MAX: usize = 1_000;

    /// Reads the seats of the row `name`.
    ///
    /// # Errors
    /// [`RowError`] when the text is not the seats of a row, or the name of the row is not possible.
    pub fn new(name: impl Into<String>, seats: impl Into<String>) -> Result<Self, RowError> {
        let (name, text) = (name.into(), seats.into());
        let invalid = |error| RowError::Name { row: name.chars().take(40).collect(), error };
        check_name("row", &name, SEAT_LENGTH_MAX).map_err(invalid)?;
        let mut slots = Vec::new();
        for token in text.split_whitespace() {
            read(&name, token, &mut slots)?;
        }
        let row = Self { name, text, slots };
        let seats = row.seats().count();
        let mut names = BTreeSet::new();
        if let Some((seat, _)) = row.seats().find(|(seat, _)| !names.insert(*seat)) {
            return Err(RowError::Twice { row: row.name.clone(), seat: seat.to_owned() });
        }
        if seats == 0 || seats > Self::SEATS_MAX {
            return Err(too_many(&row.name, seats));
        }
        Ok(row)
    }

    /// Its name in the section.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its seats in order: name, whether it is accessible.
    pub fn seats(&self) -> impl Iterator<Item = (&str, bool)> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Seat { name, accessible } => Some((name.as_str(), *accessible)),
            Slot::Gap => None,
        })
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }
}

fn too_many(row: &str, seats: usize) -> RowError {
    RowError::Seats { row: row.to_owned(), seats, limit: Row::SEATS_MAX }
}

/// Reads a seat, a range or a gap.
fn read(row: &str, token: &str, slots: &mut Vec<Slot>) -> Result<(), RowError> {
    if token == "|" {
        slots.push(Slot::Gap);
        return if slots.len() > 2 * Row::SEATS_MAX { Err(too_many(row, slots.len())) } else { Ok(()) };
    }
    let (name, accessible) = token.strip_suffix('*').map_or((token, false), |name| (name, true));
    if name.contains('-') {
        let wrong = || RowError::Range { row: row.to_owned(), text: token.chars().take(40).collect() };
        let (first, last, step) = range(name).ok_or_else(wrong)?;
        let count = (first.abs_diff(last) / step + 1) as usize;
        if slots.len() + count > 2 * Row::SEATS_MAX {
            return Err(too_many(row, count));
        }
        let numbers = (0..=first.abs_diff(last) / step).map(|n| n * step);
        let names = numbers.map(|far| if first <= last { first + far } else { first - far });
        slots.extend(names.map(|name| Slot::Seat { name: name.to_string(), accessible }));
        return Ok(());
    }
    let checked = check_name("seat", name, SEAT_LENGTH_MAX);
    checked.map_err(|error| RowError::Name { row: row.to_owned(), error })?;
    if name.contains(['|', '*']) {
        return Err(RowError::Range { row: row.to_owned(), text: name.to_owned() });
    }
    slots.push(Slot::Seat { name: name.to_owned(), accessible });
    if slots.len() > 2 * Row::SEATS_MAX { Err(too_many(row, slots.len())) } else { Ok(()) }
}

/// First, last and step of `1-20` or `1-19/2`.
fn range(text: &str) -> Option<(u32, u32, u32)> {
    let (first, rest) = text.split_once('-')?;
    let (last, step) = rest.split_once('/').unwrap_or((rest, "1"));
    let number = |text: &str| text.parse().ok().filter(|_| text.len() < 10 && text.bytes().all(|b| b.is_ascii_digit()));
    Some((number(first)?, number(last)?, number(step).filter(|step| *step > 0)?))
}

impl TryFrom<Written> for Row {
    type Error = RowError;
    fn try_from(Written { row, seats }: Written) -> Result<Self, RowError> {
        Self::new(row, seats)
    }
}

impl From<Row> for Written {
    fn from(Row { name, text, .. }: Row) -> Self {
        Self { row: name, seats: text }
    }
}
