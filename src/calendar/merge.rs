//! Many series as one list.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::tz::TimeZone;

use super::error::Truncated;
use super::event::CalendarEvent;
use super::occurrence::{Occurrence, Select};
use super::occurrences::{Occurrences, STEPS_MAX};
use crate::id::OccurrenceId;
use crate::time::{Timestamp, Window};

/// The occurrences of many events in a window, ascending by the instant they start at and then by id, worked out as
/// they are asked for. Made by [`merge`].
///
/// A series that runs out of steps gives its [`Truncated`] when its turn comes, and ends; the others go on.
#[derive(Clone, Debug)]
pub struct Merge<'e> {
    viewer: &'e TimeZone,
    series: Vec<Occurrences<'e>>,
    next: Vec<Option<Result<Occurrence, Truncated>>>,
    /// The next of each series, least first.
    heads: BinaryHeap<Reverse<(Timestamp, Option<OccurrenceId>, usize)>>,
}

/// Merges the occurrences of `events` that belong to `window`. Dates and floating times are those of `viewer`, the zone
/// of whoever looks. Each series may take [`STEPS_MAX`] steps.
///
/// ```
/// use boxoffice_core::calendar::{CalendarEvent, Frame, Length, Select, merge};
/// use boxoffice_core::id::SeriesId;
/// use boxoffice_core::time::{Timestamp, Window};
/// use jiff::{civil::date, tz::TimeZone};
///
/// let at_nine = |name: &str, zone: &str| {
///     let start = date(2026, 1, 5).at(9, 0, 0, 0);
///     let event = CalendarEvent::new(SeriesId::new(name)?, name, start, Frame::zoned(zone)?, Length::ZERO);
///     Ok::<_, Box<dyn std::error::Error>>(event.repeating("FREQ=DAILY".parse()?))
/// };
/// let events = [at_nine("new york", "America/New_York")?, at_nine("berlin", "Europe/Berlin")?];
/// let day = Window::new("2026-03-02T00:00Z".parse()?, "2026-03-03T00:00Z".parse()?);
/// let here = TimeZone::UTC;
/// let found: Result<Vec<_>, _> = merge(&events, day, &here, Select::Starting).collect();
/// let names: Vec<String> = found?.iter().map(|found| found.summary.to_string()).collect();
/// assert_eq!(names, ["berlin", "new york"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn merge<'e>(
    events: impl IntoIterator<Item = &'e CalendarEvent>,
    window: Window,
    viewer: &'e TimeZone,
    select: Select,
) -> Merge<'e> {
    let each = events.into_iter().map(|event| event.occurrences_within(window, viewer, select).with_steps(STEPS_MAX));
    let mut merge = Merge { viewer, series: each.collect(), next: Vec::new(), heads: BinaryHeap::new() };
    merge.next.resize_with(merge.series.len(), || None);
    for series in 0..merge.series.len() {
        merge.refill(series);
    }
    merge
}

impl Merge<'_> {
    fn refill(&mut self, series: usize) {
        let (Some(from), Some(next)) = (self.series.get_mut(series), self.next.get_mut(series)) else { return };
        *next = from.next();
        let head = match next {
            Some(Ok(occurrence)) => (occurrence.window(self.viewer).start, Some(occurrence.id.clone())),
            // As soon as possible, so that nobody takes what comes after for all there is.
            Some(Err(_)) => (Timestamp::from_millis(i64::MIN), None),
            None => return,
        };
        self.heads.push(Reverse((head.0, head.1, series)));
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<Occurrence, Truncated>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((_, _, series)) = self.heads.pop()?;
        let next = self.next.get_mut(series).and_then(Option::take)?;
        self.refill(series);
        Some(next)
    }
}

impl core::iter::FusedIterator for Merge<'_> {}
