//! What takes place in a window, of many series.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::series::Series;
use crate::calendar::{Occurrence, Select, Truncated, merge};
use crate::id::SeriesId;
use crate::time::{Timestamp, Window};

/// What an agenda shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgendaOptions {
    /// Whether cancelled occurrences are listed too, marked. Default: no.
    pub cancelled: bool,
    /// How many entries at most. Default: 10,000.
    pub limit: usize,
}

impl Default for AgendaOptions {
    fn default() -> Self {
        Self { cancelled: false, limit: 10_000 }
    }
}

/// One line of an agenda.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgendaEntry {
    /// What takes place, with its id, its times on the clock and its summary.
    pub occurrence: Occurrence,
    /// When, as instants. Dates and floating times are those of the viewer.
    pub window: Window,
    /// Seats for sale, if its series says so.
    pub capacity: Option<u32>,
}

/// Where an agenda is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Incomplete {
    /// The limit was reached. Nothing that starts before `from` is missing.
    Limit {
        /// The start of the first entry left out.
        from: Timestamp,
    },
    /// A series takes too many steps: what starts later than it says is missing.
    TooManySteps(Truncated),
    /// What is recorded of a series cannot be read.
    Unreadable {
        /// Which series.
        series: SeriesId,
        /// Why, and where.
        reason: String,
    },
}

/// What takes place in a window, ascending by start and id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agenda {
    /// What takes place.
    pub entries: Vec<AgendaEntry>,
    /// Where it is not complete; empty when it is.
    pub truncated: Vec<Incomplete>,
}

/// The occurrences of all `series` that take place in `window` at least in part: one that began before it and reaches
/// into it is found, however long it is. Dates and floating times are those of `viewer`.
///
/// ```
/// use boxoffice_core::calendar::{CalendarEvent, Frame, Length};
/// use boxoffice_core::id::SeriesId;
/// use boxoffice_core::persist::Seq;
/// use boxoffice_core::schedule::{AgendaOptions, Series, SeriesCommand, agenda, decide};
/// use boxoffice_core::time::{Timestamp, Window};
/// use jiff::{civil::date, tz::TimeZone};
///
/// let start = date(2026, 10, 14).at(0, 0, 0, 0);
/// let fair = CalendarEvent::new(SeriesId::new("fair")?, "Book fair", start, Frame::Date, Length::days(5));
/// let mut series = Series::new();
/// let decision = decide(&series, &SeriesCommand::schedule(fair), Timestamp::EPOCH);
/// series.evolve(Seq::FIRST, decision.at, &decision.events[0]);
///
/// let last_day = Window::new("2026-10-18T00:00Z".parse()?, "2026-10-19T00:00Z".parse()?);
/// let found = agenda([&series], last_day, &TimeZone::UTC, &AgendaOptions::default());
/// assert_eq!(found.entries[0].occurrence.summary(), "Book fair");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn agenda<'s>(
    series: impl IntoIterator<Item = &'s Series>,
    window: Window,
    viewer: &TimeZone,
    options: &AgendaOptions,
) -> Agenda {
    let by_id: BTreeMap<&SeriesId, &Series> =
        series.into_iter().filter_map(|series| Some((series.id()?, series))).collect();
    let mut agenda = Agenda::default();
    let parts = by_id.values().flat_map(|series| series.parts());
    for occurrence in merge(parts, window, viewer, Select::Overlapping) {
        let occurrence = match occurrence {
            Ok(occurrence) if occurrence.cancelled && !options.cancelled => continue,
            Ok(occurrence) => occurrence,
            Err(truncated) => {
                agenda.truncated.push(Incomplete::TooManySteps(truncated));
                continue;
            }
        };
        let instants = occurrence.window(viewer);
        if agenda.entries.len() >= options.limit {
            agenda.truncated.push(Incomplete::Limit { from: instants.start });
            break;
        }
        let series = by_id.get(occurrence.series());
        let capacity = series.and_then(|series| series.capacity(&occurrence.recurrence()));
        agenda.entries.push(AgendaEntry { occurrence, window: instants, capacity });
    }
    agenda
}
