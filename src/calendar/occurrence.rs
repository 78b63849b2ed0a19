//! One time that an event happens, and the windows it is looked for in.

use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::day;
use super::error::Truncated;
use super::event::{CalendarEvent, Change};
use super::occurrences::Occurrences;
use super::zone::Frame;
use crate::id::{OccurrenceId, RecurrenceId, SeriesId};
use crate::time::Window;

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
    /// The start it has, as clocks show it in [`Occurrence::frame`].
    pub start: DateTime,
    /// The end it has, as clocks show it in [`Occurrence::frame`]; not included.
    pub end: DateTime,
    /// Whether it, or its whole series, is cancelled. It is listed all the same.
    pub cancelled: bool,
    pub(super) recurrence: RecurrenceId,
    /// The instants, where the frame has them: an end that clocks show twice is one of the two.
    pub(super) at: Option<Window>,
    pub(super) shared: Arc<Shared>,
}

/// What the occurrences of a series have in common.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shared {
    pub(super) series: SeriesId,
    pub(super) frame: Frame,
    pub(super) summary: Arc<str>,
}

impl Occurrence {
    /// The series, and the start that the rule first gave it.
    pub fn id(&self) -> OccurrenceId {
        OccurrenceId::new(self.shared.series.clone(), self.recurrence)
    }

    /// The series it belongs to.
    pub fn series(&self) -> &SeriesId {
        &self.shared.series
    }

    /// The start that the rule first gave it.
    pub fn recurrence(&self) -> RecurrenceId {
        self.recurrence
    }

    /// How `start` and `end` are meant.
    pub fn frame(&self) -> &Frame {
        &self.shared.frame
    }

    /// What it is, for people.
    pub fn summary(&self) -> &str {
        &self.shared.summary
    }

    /// The instants `[start, end)`. Dates and floating times are resolved in `viewer`, the zone of whoever looks.
    pub fn window(&self, viewer: &TimeZone) -> Window {
        let resolve = |civil| self.frame().instant(civil, viewer);
        self.at.unwrap_or_else(|| Window::new(resolve(self.start), resolve(self.end)))
    }
}

impl CalendarEvent {
    /// The occurrences that belong to the window `[from, to)`, which is meant in the event's own civil time. Cancelled
    /// ones are among them, marked. One that was moved to another zone belongs to a window by what clocks show there.
    ///
    /// The window may lie anywhere: without a COUNT it costs the same however far from the first start.
    ///
    /// ```
    /// use boxoffice_core::calendar::{CalendarEvent, Frame, Length, Select, Truncated};
    /// use boxoffice_core::id::SeriesId;
    /// use jiff::civil::date;
    ///
    /// let bell = CalendarEvent::new(SeriesId::new("bell")?, "Bell", date(2000, 1, 1).at(0, 0, 0, 0), Frame::Utc, Length::ZERO)
    ///     .repeating("FREQ=HOURLY;INTERVAL=6".parse()?);
    /// let day = bell.occurrences(date(2950, 3, 1).into(), date(2950, 3, 2).into(), Select::Starting);
    /// let hours: Result<Vec<i8>, Truncated> = day.map(|found| Ok(found?.start.hour())).collect();
    /// assert_eq!(hours?, [0, 6, 12, 18]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn occurrences(&self, from: DateTime, to: DateTime, select: Select) -> Occurrences<'_> {
        Occurrences::in_civil_time(self, from, to, select)
    }

    /// The occurrences that belong to a window of instants. Dates and floating times are those of `viewer`, the zone of
    /// whoever looks.
    pub fn occurrences_within<'e>(&'e self, window: Window, viewer: &'e TimeZone, select: Select) -> Occurrences<'e> {
        Occurrences::at_instants(self, window, viewer, select)
    }

    /// Whether the series has this occurrence, cancelled or not.
    ///
    /// # Errors
    /// [`Truncated`] when a rule takes too many steps.
    pub fn has_occurrence(&self, recurrence: &RecurrenceId) -> Result<bool, Truncated> {
        let original = recurrence.at();
        if self.recurrence_id(original) != *recurrence {
            return Ok(false);
        }
        let mut occurrences = self.occurrences(original, original, Select::Starting);
        let changed = self.changes.iter().any(|change| change.of == original);
        if changed && !occurrences.clone().excludes(day::civil(original)) {
            return Ok(true);
        }
        occurrences.has_original(day::civil(original))
    }

    /// Whether its rules and dates give its own start, of `steps` so many as that takes; none if there are not so many.
    pub(super) fn gives_its_start(&self, steps: &mut u64) -> Option<bool> {
        let mut occurrences = self.occurrences(self.start, self.start, Select::Starting).with_steps(*steps);
        let gives = occurrences.has_original(day::civil(self.start)).ok();
        *steps = if gives.is_some() { occurrences.steps_left() } else { 0 };
        gives
    }

    /// The recurrence id of the occurrence that rule or date first let start at `original`, whether there is one or not.
    pub fn recurrence_id(&self, original: DateTime) -> RecurrenceId {
        match self.frame {
            Frame::Date => RecurrenceId::date(original.date()),
            Frame::Utc => RecurrenceId::utc(original),
            Frame::Floating | Frame::Zoned(_) => RecurrenceId::local(original),
        }
    }

    /// What its occurrences have in common; after a change to this and all later ones, those.
    pub(super) fn shared(&self, change: Option<&Change>) -> Arc<Shared> {
        let (frame, summary) = match change {
            // A lasting change moves the series' own times, in the series' own frame.
            Some(change) => (&self.frame, &change.summary),
            None => (&self.frame, &self.summary),
        };
        Arc::new(Shared { series: self.series.clone(), frame: frame.clone(), summary: Arc::clone(summary) })
    }

    /// The occurrence that `change` speaks of, as it is then.
    pub(crate) fn changed(&self, change: &Change) -> Occurrence {
        let start = change.frame.shown(change.start);
        let (end, at) = change.length.end(&change.frame, start);
        Occurrence {
            start,
            end,
            cancelled: change.cancelled || self.cancelled,
            recurrence: self.recurrence_id(change.of),
            at,
            shared: Arc::new(Shared {
                series: self.series.clone(),
                frame: change.frame.clone(),
                summary: Arc::clone(&change.summary),
            }),
        }
    }
}
