//! Many series as one list.

use core::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use jiff::tz::TimeZone;

use super::error::Truncated;
use super::event::CalendarEvent;
use super::occurrence::{Occurrence, Select};
use super::occurrences::Occurrences;
use crate::id::RecurrenceId;
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
    heads: BinaryHeap<Reverse<Head>>,
    /// The place of each series among all of them, by id.
    ranks: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    at: Timestamp,
    rank: usize,
    recurrence: Option<RecurrenceId>,
    series: usize,
}

/// Merges the occurrences of `events` that belong to `window`. Dates and floating times are those of `viewer`, the zone
/// of whoever looks. Each series may take [`STEPS_MAX`](super::STEPS_MAX) steps.
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
/// let names: Vec<String> = found?.iter().map(|found| found.summary().to_owned()).collect();
/// assert_eq!(names, ["berlin", "new york"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn merge<'e>(
    events: impl IntoIterator<Item = &'e CalendarEvent>,
    window: Window,
    viewer: &'e TimeZone,
    select: Select,
) -> Merge<'e> {
    let events: Vec<&CalendarEvent> = events.into_iter().collect();
    let mut order: Vec<usize> = (0..events.len()).collect();
    order.sort_by_key(|place| events.get(*place).map(|event| &event.series));
    let mut ranks = vec![0; events.len()];
    for (rank, place) in order.into_iter().enumerate() {
        if let Some(found) = ranks.get_mut(place) {
            *found = rank;
        }
    }
    let series: Vec<_> = events.iter().map(|event| event.occurrences_within(window, viewer, select)).collect();
    let mut merge = Merge { viewer, next: Vec::new(), heads: BinaryHeap::new(), ranks, series };
    merge.next.resize_with(merge.series.len(), || None);
    let heads: Vec<_> = (0..merge.series.len()).filter_map(|series| merge.read_on(series).map(Reverse)).collect();
    merge.heads = heads.into();
    merge
}

impl Merge<'_> {
    /// Reads on in a series, and says where its next occurrence belongs.
    fn read_on(&mut self, series: usize) -> Option<Head> {
        let next = self.next.get_mut(series)?;
        *next = self.series.get_mut(series)?.next();
        let (at, recurrence) = match next.as_ref()? {
            Ok(occurrence) => (occurrence.window(self.viewer).start, Some(occurrence.recurrence())),
            // As soon as possible, so that nobody takes what comes after for all there is.
            Err(_) => (Timestamp::from_millis(i64::MIN), None),
        };
        Some(Head { at, rank: self.ranks.get(series).copied()?, recurrence, series })
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<Occurrence, Truncated>;

    fn next(&mut self) -> Option<Self::Item> {
        let series = self.heads.peek()?.0.series;
        let next = self.next.get_mut(series).and_then(Option::take)?;
        let head = self.read_on(series);
        // Exchanged in its place, which takes half the comparisons of taking one out and putting one in.
        let mut first = self.heads.peek_mut()?;
        match head {
            Some(head) => *first = Reverse(head),
            None => drop(PeekMut::pop(first)),
        }
        Some(next)
    }
}

impl core::iter::FusedIterator for Merge<'_> {}
