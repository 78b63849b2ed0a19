//! Every call of our own calendar, in one place: when its interface changes, only this file does.

use boxoffice::calendar::{self, CalendarEvent, Frame, Length, Select};
use boxoffice::id::SeriesId;
use boxoffice::time::Window;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::cases::{Case, Stated};
use crate::Result;

/// Which engine the figures are of.
pub(crate) const ENGINE: &str = "boxoffice-core of this checkout";

/// A series and its window.
pub(crate) struct Series {
    event: CalendarEvent,
    from: DateTime,
    to: DateTime,
}

impl Series {
    pub(crate) fn new(case: &Case) -> Result<Self> {
        let stated = Stated { rules: vec![case.rule.clone()], dates: Vec::new(), excluded: Vec::new() };
        Self::stated(case.start, &case.zone, &stated, case.from, case.to)
    }

    /// A whole recurrence set. `frame` is `UTC`, `floating`, `date` or a zone.
    pub(crate) fn stated(start: DateTime, frame: &str, set: &Stated, from: DateTime, to: DateTime) -> Result<Self> {
        let frame = match frame {
            "UTC" => Frame::Utc,
            "floating" => Frame::Floating,
            "date" => Frame::Date,
            zone => Frame::zoned(zone)?,
        };
        let mut event = CalendarEvent::new(SeriesId::new("s")?, "x", start, frame, Length::ZERO);
        for rule in &set.rules {
            event = event.repeating(rule.parse()?);
        }
        event.dates = set.dates.iter().map(|at| (*at, None)).collect();
        event.excluded.clone_from(&set.excluded);
        Ok(Self { event, from, to })
    }

    /// Gives the instant of every start in the window, in seconds.
    pub(crate) fn each(&self, mut found: impl FnMut(i64)) -> Result<()> {
        for occurrence in self.event.occurrences(self.from, self.to, Select::Starting).with_steps(u64::MAX) {
            found(occurrence?.window(&TimeZone::UTC).start.as_millis().div_euclid(1_000));
        }
        Ok(())
    }

    /// The same as a list.
    pub(crate) fn expand(&self) -> Result<Vec<i64>> {
        let mut starts = Vec::new();
        self.each(|start| starts.push(start))?;
        Ok(starts)
    }
}

/// All of them in the window of the first, by instant. What is merged are occurrences with their ids, summaries and ends.
pub(crate) fn merge(every: &[Series]) -> Result<Vec<i64>> {
    let Some(first) = every.first() else { return Ok(Vec::new()) };
    let instant = |civil| first.event.frame.instant(civil, &TimeZone::UTC);
    let window = Window::new(instant(first.from), instant(first.to));
    let here = TimeZone::UTC;
    let events = every.iter().map(|series| &series.event);
    let merged = calendar::merge(events, window, &here, Select::Starting);
    merged.map(|found| Ok(found?.window(&here).start.as_millis().div_euclid(1_000))).collect()
}
