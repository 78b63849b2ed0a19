//! Which seats there are.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::place::{Place, SECTION_LENGTH_MAX, check_name};
use super::plan::Plan;
use super::row::Row;
use crate::id::{IdError, TicketType};

/// Why rows are no section, or sections no map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeatMapError {
    /// A section has no possible name.
    #[error(transparent)]
    Name(#[from] IdError),
    /// Two rows of a section have the same name.
    #[error("section {section:?}: row {row:?} is there twice")]
    RowTwice {
        /// Which section.
        section: String,
        /// Which row.
        row: String,
    },
    /// Two sections have the same name.
    #[error("section {section:?} is there twice")]
    SectionTwice {
        /// Which section.
        section: String,
    },
    /// A section has no rows.
    #[error("section {section:?} has no rows")]
    NoRows {
        /// Which section.
        section: String,
    },
    /// A section is too long to be recorded at once: write ranges of seats, or make two sections of it.
    #[error("section {section:?} has {bytes} bytes as JSON, the limit is {limit}")]
    SectionBytes {
        /// Which section.
        section: String,
        /// Bytes found.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The map has too many seats.
    #[error("with section {section:?} there are {seats} seats, the limit is {limit}")]
    Seats {
        /// The section that is too much.
        section: String,
        /// Seats found.
        seats: usize,
        /// Seats allowed.
        limit: usize,
    },
}

/// A part of the house: rows from the front to the back, and the kinds of ticket that give a seat in it.
///
/// As JSON: `{"section":"stalls","tickets":["adult"],"rows":[{"row":"A","seats":"1-20"}]}`, at most 3,000 bytes, so that any
/// store takes it as one event. See [`Row`] for how seats are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Section {
    name: Arc<str>,
    tickets: BTreeSet<TicketType>,
    rows: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    section: String,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    tickets: BTreeSet<TicketType>,
    rows: Vec<Row>,
}

impl Section {
    /// Longest form as JSON, in bytes.
    pub const BYTES_MAX: usize = 3_000;

    /// The section `name` for every kind of ticket, its rows from the front to the back.
    ///
    /// # Errors
    /// [`SeatMapError`] when the name is not possible, there are no rows, two rows have one name or it is too long.
    pub fn new(name: impl AsRef<str>, rows: Vec<Row>) -> Result<Self, SeatMapError> {
        Self::with_tickets(name, rows, BTreeSet::new())
    }

    /// The same, for these kinds of ticket only; every kind if there is none.
    ///
    /// # Errors
    /// As [`Section::new`].
    pub fn with_tickets(
        name: impl AsRef<str>,
        rows: Vec<Row>,
        tickets: BTreeSet<TicketType>,
    ) -> Result<Self, SeatMapError> {
        let name = name.as_ref();
        check_name("section", name, SECTION_LENGTH_MAX)?;
        let section = || name.to_owned();
        if rows.is_empty() {
            return Err(SeatMapError::NoRows { section: section() });
        }
        let mut names = BTreeSet::new();
        if let Some(row) = rows.iter().find(|row| !names.insert(row.name())) {
            return Err(SeatMapError::RowTwice { section: section(), row: row.name().to_owned() });
        }
        let whole = Self { name: name.into(), tickets, rows };
        let (bytes, limit) = (serde_json::to_string(&whole).unwrap_or_default().len(), Self::BYTES_MAX);
        if bytes > limit {
            return Err(SeatMapError::SectionBytes { section: section(), bytes, limit });
        }
        Ok(whole)
    }

    /// Its name in the map.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its rows, from the front to the back.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The kinds of ticket that give a seat in it; every kind if there is none.
    pub fn tickets(&self) -> &BTreeSet<TicketType> {
        &self.tickets
    }

    /// Whether a ticket of this kind gives a seat in it.
    pub fn admits(&self, ticket: Option<&TicketType>) -> bool {
        self.tickets.is_empty() || ticket.is_some_and(|ticket| self.tickets.contains(ticket))
    }

    /// Seats in it.
    pub fn size(&self) -> usize {
        self.rows.iter().map(|row| row.seats().count()).sum()
    }

    /// Its places: row by row, each in order.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        let of_row =
            |row: &Row| row.seats().map(|(seat, _)| Place::of(&self.name, row.name(), seat)).collect::<Vec<_>>();
        self.rows.iter().flat_map(of_row)
    }
}

impl TryFrom<Written> for Section {
    type Error = SeatMapError;
    fn try_from(Written { section, tickets, rows }: Written) -> Result<Self, SeatMapError> {
        Self::with_tickets(section, rows, tickets)
    }
}

impl From<Section> for Written {
    fn from(Section { name, tickets, rows }: Section) -> Self {
        Self { section: name.as_ref().to_owned(), tickets, rows }
    }
}

/// Sections, the best first. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Section>", into = "Vec<Section>")]
pub struct SeatMap {
    pub(super) plans: Vec<Arc<Plan>>,
}

impl SeatMap {
    /// Seats of a map at most.
    pub const SEATS_MAX: usize = 100_000;

    /// A map of these sections, the best first.
    ///
    /// # Errors
    /// [`SeatMapError`] when two sections have one name or there are too many seats.
    pub fn new(sections: Vec<Section>) -> Result<Self, SeatMapError> {
        let mut map = Self::default();
        for section in sections {
            if map.section(section.name()).is_some() {
                return Err(SeatMapError::SectionTwice { section: section.name().to_owned() });
            }
            map = map.with(section)?;
        }
        Ok(map)
    }

    /// The map with a section more, the last, or with another in the place of one of that name.
    ///
    /// # Errors
    /// [`SeatMapError::Seats`] when there are too many seats.
    pub fn with(mut self, section: Section) -> Result<Self, SeatMapError> {
        let place = self.find_section(section.name());
        let before = place.and_then(|at| self.plans.get(at)).map_or(0, |plan| plan.seats.len());
        let seats = self.size() - before + section.size();
        if seats > Self::SEATS_MAX {
            let section = section.name().to_owned();
            return Err(SeatMapError::Seats { section, seats, limit: Self::SEATS_MAX });
        }
        let plan = Arc::new(Plan::new(section));
        match place.and_then(|at| self.plans.get_mut(at)) {
            Some(known) => *known = plan,
            None => self.plans.push(plan),
        }
        Ok(self)
    }

    /// The map without the section of that name.
    #[must_use]
    pub fn without(mut self, section: &str) -> Self {
        self.plans.retain(|plan| plan.section.name() != section);
        self
    }

    /// The sections, the best first.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        self.plans.iter().map(|plan| &plan.section)
    }

    /// The section of that name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections().find(|section| section.name() == name)
    }

    /// Whether there are no sections at all.
    pub fn is_empty(&self) -> bool {
        self.plans.is_empty()
    }

    /// Seats there are.
    pub fn size(&self) -> usize {
        self.plans.iter().map(|plan| plan.seats.len()).sum()
    }

    /// The places: section by section, row by row, in order.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.plans.iter().flat_map(|plan| &plan.seats).map(|seat| &seat.place)
    }

    /// Whether there is such a place.
    pub fn has(&self, place: &Place) -> bool {
        self.find(place).is_some()
    }

    /// Whether a ticket of this kind gives this place; not if there is no such place.
    pub fn admits(&self, ticket: Option<&TicketType>, place: &Place) -> bool {
        self.has(place) && self.section(place.section()).is_some_and(|section| section.admits(ticket))
    }

    /// These places in the order of the map; what is not in it is left out.
    pub fn in_order<'p>(&self, places: impl IntoIterator<Item = &'p Place>) -> Vec<Place> {
        let mut found: Vec<_> = places.into_iter().filter_map(|place| Some((self.find(place)?, place))).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, place)| place.clone()).collect()
    }

    /// Whether these places are neighbours, one after the other.
    pub fn are_together(&self, places: &BTreeSet<Place>) -> bool {
        self.pieces(places) == 1
    }

    /// In how many blocks of neighbours these places stand. Those that are not in the map count one each.
    pub fn pieces(&self, places: &BTreeSet<Place>) -> usize {
        let mut found: Vec<_> = places.iter().map(|place| self.find(place)).collect();
        found.sort_unstable();
        let follow = |pair: &&[Option<(usize, usize)>]| match pair {
            [Some((section, one)), Some((other, next))] => {
                section == other && one + 1 == *next && self.plans.get(*section).is_some_and(|plan| plan.joins(*one))
            }
            _ => false,
        };
        found.len() - found.windows(2).filter(follow).count()
    }

    /// The longest name of a place in bytes; 0 if there is none.
    pub fn longest_name(&self) -> usize {
        self.plans.iter().map(|plan| plan.longest_name).max().unwrap_or_default()
    }

    fn find_section(&self, name: &str) -> Option<usize> {
        self.plans.iter().position(|plan| plan.section.name() == name)
    }

    /// Number of the section, number of the seat in it.
    pub(super) fn find(&self, place: &Place) -> Option<(usize, usize)> {
        let at = self.find_section(place.section())?;
        Some((at, self.plans.get(at)?.find(place)?))
    }
}

impl TryFrom<Vec<Section>> for SeatMap {
    type Error = SeatMapError;
    fn try_from(sections: Vec<Section>) -> Result<Self, SeatMapError> {
        Self::new(sections)
    }
}

impl From<SeatMap> for Vec<Section> {
    fn from(map: SeatMap) -> Self {
        map.sections().cloned().collect()
    }
}
