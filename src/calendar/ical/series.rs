//! VEVENTs with one UID put together to a series with its changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use super::notes::Notes;
use crate::calendar::event::{CalendarEvent, Change, Range};
use crate::calendar::zone::Frame;
use crate::time::Timestamp;

/// A VEVENT that could be read.
pub(super) struct Read {
    /// The event as if it were a series of its own.
    pub(super) event: CalendarEvent,
    /// Which occurrence it changes, if it does: RECURRENCE-ID.
    pub(super) of: Option<(DateTime, Frame)>,
    pub(super) range: Range,
    /// Whether it says a start of its own; if not, that of the occurrence is meant.
    pub(super) has_start: bool,
    /// Whether it says an end or a duration.
    pub(super) has_length: bool,
    /// Whether it has a summary.
    pub(super) has_summary: bool,
    /// Where it begins in the file.
    pub(super) line: usize,
}

impl Read {
    /// Later versions are greater.
    fn version(&self) -> (u32, Option<Timestamp>) {
        (self.event.details.sequence, self.event.details.stamp)
    }

    /// A change whose series is not in the file stands for itself.
    fn as_series(&self) -> CalendarEvent {
        let mut event = self.event.clone();
        event.rules.clear();
        event.excluded_rules.clear();
        event.dates.clear();
        // These too are of its own frame, which is not always that of the series.
        event.excluded.clear();
        event.excluded_days.clear();
        if let Some((of, frame)) = &self.of {
            event.start = *of;
            event.frame = frame.clone();
        }
        event.cancelled = false;
        event
    }

    fn into_change(self, series: &CalendarEvent) -> Option<Change> {
        let (of, frame) = self.of?;
        let of = original(of, &frame, series);
        let Self { event, .. } = self;
        let mut details = event.details;
        if details.sequence < series.details.sequence {
            // A change belongs to the series as it is now, however old its own number.
            Arc::make_mut(&mut details).sequence = series.details.sequence;
        }
        let (start, frame) = if self.has_start { (event.start, event.frame) } else { (of, series.frame.clone()) };
        Some(Change {
            of,
            range: self.range,
            start,
            frame,
            length: if self.has_start || self.has_length { event.length } else { series.length },
            summary: if self.has_start || self.has_summary { event.summary } else { series.summary.clone() },
            cancelled: event.cancelled,
            details,
        })
    }
}

/// The start, in the series' own time, that a RECURRENCE-ID means.
pub(super) fn original(of: DateTime, frame: &Frame, series: &CalendarEvent) -> DateTime {
    match (frame, &series.frame) {
        // A date for a timed series names the occurrence of that day.
        (Frame::Date, Frame::Floating | Frame::Utc | Frame::Zoned(_)) => of.date().to_datetime(series.start.time()),
        (Frame::Utc, Frame::Zoned(_)) => {
            // The instant is that of the time before a gap as well as of the one after it. The rule gave the first,
            // and the id is made of what the rule gave.
            let shown = in_frame(of, frame, &series.frame);
            let given = shown.date().to_datetime(series.start.time());
            if series.frame.shown(given) == shown { given } else { shown }
        }
        _ => in_frame(of, frame, &series.frame),
    }
}

/// A civil time of one frame as that of another.
pub(super) fn in_frame(at: DateTime, from: &Frame, to: &Frame) -> DateTime {
    match (from, to) {
        (Frame::Utc, Frame::Zoned(_)) => to.civil_of_utc(at),
        (Frame::Zoned(zone), Frame::Zoned(_) | Frame::Utc) if from != to => {
            let utc = zone.time_zone().to_ambiguous_zoned(at).compatible().map(|zoned| zoned.timestamp());
            utc.map_or(at, |utc| to.civil_of_utc(TimeZone::UTC.to_datetime(utc)))
        }
        (_, Frame::Date) => at.date().to_datetime(Time::midnight()),
        _ => at,
    }
}

/// The VEVENTs of a file, by UID.
#[derive(Default)]
pub(super) struct Gathered {
    /// In the order in which each UID first appears.
    groups: Vec<Vec<Read>>,
    /// Where the components with a UID are.
    group_of: BTreeMap<String, usize>,
}

impl Gathered {
    pub(super) fn add(&mut self, read: Read) {
        let uid = read.event.series.as_str().to_owned();
        let place = *self.group_of.entry(uid).or_insert(self.groups.len());
        match self.groups.get_mut(place) {
            Some(group) => group.push(read),
            None => self.groups.push(vec![read]),
        }
    }

    /// The series, each with its changes.
    pub(super) fn finish(self, notes: &mut Notes) -> Vec<CalendarEvent> {
        self.groups.into_iter().filter_map(|group| into_series(group, notes)).collect()
    }
}

/// Of two that say the same thing the one with the lower version is left out, and of equals the earlier.
fn outdated(read: &Read, what: &str, notes: &mut Notes) {
    notes.add(read.line, read.event.series.as_str(), "UID", what);
    notes.leave_out();
}

fn into_series(group: Vec<Read>, notes: &mut Notes) -> Option<CalendarEvent> {
    let (mut masters, changes): (Vec<Read>, Vec<Read>) = group.into_iter().partition(|read| read.of.is_none());
    masters.sort_by_key(Read::version);
    let newest = masters.pop();
    for read in &masters {
        outdated(read, "stands here again, in a later version or further down", notes);
    }
    let mut event = match newest {
        Some(master) => master.event,
        None => changes.first()?.as_series(),
    };
    event.changes = newest_changes(&event, changes, notes);
    Some(event)
}

/// For each occurrence the change with the highest version, by occurrence.
fn newest_changes(event: &CalendarEvent, reads: Vec<Read>, notes: &mut Notes) -> Vec<Change> {
    const AGAIN: &str = "has another change of this occurrence, in a later version or further down";
    let mut newest: BTreeMap<DateTime, Read> = BTreeMap::new();
    for read in reads {
        let Some((of, frame)) = &read.of else { continue };
        let of = original(*of, frame, event);
        let older = match newest.remove(&of) {
            Some(found) if found.version() > read.version() => {
                newest.insert(of, found);
                Some(read)
            }
            found => {
                newest.insert(of, read);
                found
            }
        };
        if let Some(read) = older {
            outdated(&read, AGAIN, notes);
        }
    }
    newest.into_values().filter_map(|read| read.into_change(event)).collect()
}
