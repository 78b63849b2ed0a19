//! The occurrences of an event that fall into a window.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::{DateTime, time};
use jiff::tz::TimeZone;

use super::day::{self, Day};
use super::error::CalendarError;
use super::event::{CalendarEvent, Change, Length, Range};
use super::expand::{STEPS_MAX, expand};
use super::rule::{End, RecurrenceRule, Until};
use super::rule_text::compact;
use super::zone::Frame;
use crate::id::{OccurrenceId, RecurrenceId};
use crate::time::{Timestamp, Window};

/// Which occurrences belong to a window `[from, to)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    /// Those that start in it.
    Starting,
    /// Those that take place in it at least in part: end after `from`, start before `to`. One that takes no time
    /// belongs to it if it starts at `from` or after.
    Overlapping,
}

/// One time that an event happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The series, and the start that the rule first gave it.
    pub id: OccurrenceId,
    /// The start it has, as clocks show it in `frame`.
    pub start: DateTime,
    /// The end it has, as clocks show it in `frame`; not included.
    pub end: DateTime,
    /// How `start` and `end` are meant.
    pub frame: Frame,
    /// What it is, for people.
    pub summary: Arc<str>,
    /// Whether it, or its whole series, is cancelled. It is listed all the same.
    pub cancelled: bool,
}

impl Occurrence {
    /// The instants `[start, end)`. Dates and floating times are resolved in `viewer`, the zone of whoever looks.
    pub fn window(&self, viewer: &TimeZone) -> Window {
        Window::new(self.frame.instant(self.start, viewer), self.frame.instant(self.end, viewer))
    }
}

impl CalendarEvent {
    /// The occurrences that belong to the window `[from, to)`, which is meant in the event's own civil time, by start
    /// and then by id. Cancelled ones are among them, marked.
    ///
    /// # Errors
    /// [`CalendarError::TooManySteps`] when a rule hardly ever matches in a very long window.
    pub fn occurrences(&self, from: DateTime, to: DateTime, select: Select) -> Result<Vec<Occurrence>, CalendarError> {
        let belongs = |start: DateTime, end: DateTime| match select {
            Select::Starting => from <= start && start < to,
            Select::Overlapping => (end > from || (end == start && start == from)) && start < to,
        };
        let originals = self.originals(from, to)?;
        let mut found: BTreeMap<(DateTime, String), Occurrence> = BTreeMap::new();
        let mut add = |occurrence: Occurrence| {
            if belongs(occurrence.start, occurrence.end) {
                found.insert((occurrence.start, occurrence.id.to_string()), occurrence);
            }
        };
        let changes: BTreeMap<Timestamp, &Change> = self.changes.iter().map(|c| (self.instant(c.of), c)).collect();
        for (original, length) in originals {
            if !changes.contains_key(&self.instant(original)) {
                self.unchanged(original, length, &changes).into_iter().for_each(&mut add);
            }
        }
        // Changed ones are found by the start they have now, and are shown even if the rule no longer gives them; an
        // excluded one stays excluded, however it was changed.
        let (excluded, days) = (self.excluded(), &self.excluded_days);
        let stays = |(at, change): &(&Timestamp, &&Change)| !excluded.contains(at) && !days.contains(&change.of.date());
        changes
            .iter()
            .filter(stays)
            .map(|(_, change)| *change)
            .filter_map(|change| self.changed(change))
            .for_each(&mut add);
        Ok(found.into_values().collect())
    }

    /// Whether the series has this occurrence, cancelled or not.
    ///
    /// # Errors
    /// As [`CalendarEvent::occurrences`].
    pub fn has_occurrence(&self, recurrence: &RecurrenceId) -> Result<bool, CalendarError> {
        let text = recurrence.as_str().trim_end_matches('Z');
        let (date, clock) = text.split_once('T').unwrap_or((text, "000000"));
        let read = super::rule_text::read_date(date).zip(super::rule_text::read_time(clock));
        let Some(at) = read.map(|(date, clock)| date.to_datetime(clock)) else {
            return Ok(false);
        };
        let same = |start: DateTime| self.recurrence_id(start).as_ref() == Some(recurrence);
        Ok(self.originals(at, at)?.into_iter().any(|(original, _)| same(original))
            || self.changes.iter().any(|change| same(change.of) && !self.is_excluded(change.of)))
    }

    fn instant(&self, civil: DateTime) -> Timestamp {
        self.frame.instant(civil, &TimeZone::UTC)
    }

    fn recurrence_id(&self, original: DateTime) -> Option<RecurrenceId> {
        let text = match self.frame {
            Frame::Date => original.strftime("%Y%m%d").to_string(),
            Frame::Utc => format!("{}Z", compact(original)),
            Frame::Floating | Frame::Zoned(_) => compact(original).to_string(),
        };
        RecurrenceId::new(text).ok()
    }

    fn id(&self, original: DateTime) -> Option<OccurrenceId> {
        Some(OccurrenceId::new(self.series.clone(), self.recurrence_id(original)?))
    }

    /// An occurrence that no change of its own applies to; an earlier one of "this and future" may.
    fn unchanged(
        &self,
        original: DateTime,
        length: Option<Length>,
        changes: &BTreeMap<Timestamp, &Change>,
    ) -> Option<Occurrence> {
        let earlier = changes.range(..self.instant(original)).rev().map(|(_, change)| *change);
        let following = earlier.into_iter().find(|change| change.range == Range::ThisAndFuture);
        let (start, length, summary, cancelled) = match following {
            Some(change) => {
                let shift = change.start.duration_since(change.of);
                let start = original.checked_add(shift).unwrap_or(original);
                (start, change.length, &change.summary, change.cancelled)
            }
            None => (original, length.unwrap_or(self.length), &self.summary, false),
        };
        let shown = self.frame.shown(start);
        Some(Occurrence {
            id: self.id(original)?,
            start: shown,
            end: length.end(&self.frame, shown),
            frame: self.frame.clone(),
            summary: summary.clone(),
            cancelled: cancelled || self.cancelled,
        })
    }

    fn changed(&self, change: &Change) -> Option<Occurrence> {
        let start = change.frame.shown(change.start);
        Some(Occurrence {
            id: self.id(change.of)?,
            start,
            end: change.length.end(&change.frame, start),
            frame: change.frame.clone(),
            summary: change.summary.clone(),
            cancelled: change.cancelled || self.cancelled,
        })
    }

    /// The starts as rules and dates give them, less the excluded ones, that may belong to the window or be shifted
    /// into it. One instant comes once, under its first civil time.
    fn originals(&self, from: DateTime, to: DateTime) -> Result<Vec<(DateTime, Option<Length>)>, CalendarError> {
        let longest = self.dates.iter().filter_map(|(_, length)| *length).map(|length| length.days_at_most());
        let lengths = self.changes.iter().map(|change| change.length.days_at_most());
        let slack = longest.chain(lengths).fold(self.length.days_at_most(), i64::max);
        let shift = self.changes.iter().filter(|change| change.range == Range::ThisAndFuture);
        let shift = shift.map(|change| change.start.duration_since(change.of).abs()).max().unwrap_or_default();
        let shift = shift.as_hours() / 24 + 1;
        let first = day::number(from.date()) - slack - shift;
        let last = day::number(to.date()) + shift + 1;

        let mut starts: BTreeMap<Timestamp, (DateTime, Option<Length>)> = BTreeMap::new();
        let mut add = |start: DateTime, length: Option<Length>| {
            starts.entry(self.instant(start)).or_insert((start, length));
        };
        for rule in &self.rules {
            self.expand_rule(rule, first, last, &mut |start| add(start, None))?;
        }
        if self.rules.is_empty() {
            add(self.start, None);
        }
        for (start, length) in &self.dates {
            add(*start, *length);
        }
        let excluded = self.excluded();
        starts.retain(|instant, (start, _)| !excluded.contains(instant) && !self.excluded_days.contains(&start.date()));
        let near = |(start, _): &(DateTime, Option<Length>)| (first..=last).contains(&day::number(start.date()));
        Ok(starts.into_values().filter(near).collect())
    }

    fn is_excluded(&self, original: DateTime) -> bool {
        self.excluded().contains(&self.instant(original)) || self.excluded_days.contains(&original.date())
    }

    fn excluded(&self) -> BTreeSet<Timestamp> {
        self.excluded.iter().map(|start| self.instant(*start)).collect()
    }

    fn expand_rule(
        &self,
        rule: &RecurrenceRule,
        first: Day,
        last: Day,
        add: &mut dyn FnMut(DateTime),
    ) -> Result<(), CalendarError> {
        let until = match rule.end() {
            End::Until(until) => Some(until),
            End::Never | End::Count(_) => None,
        };
        let mut take = |start: DateTime| {
            let ended = until.is_some_and(|until| !self.is_within(start, until));
            let number = day::number(start.date());
            if !ended && number >= first {
                add(start);
            }
            !ended && number <= last
        };
        expand(rule, self.start, first, last, &mut take)
            .map_err(|_| CalendarError::TooManySteps { series: self.series.to_string(), steps: STEPS_MAX })
    }

    fn is_within(&self, start: DateTime, until: Until) -> bool {
        match until {
            Until::Date(date) => start <= date.to_datetime(time(23, 59, 59, 0)),
            Until::Utc(until) if matches!(self.frame, Frame::Zoned(_)) => {
                let until = Frame::Utc.instant(until, &TimeZone::UTC);
                self.instant(start) <= until
            }
            Until::Utc(until) if self.frame == Frame::Date => start.date() <= until.date(),
            Until::Local(until) | Until::Utc(until) => start <= until,
        }
    }
}
