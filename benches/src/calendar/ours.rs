//! Every call of our own calendar, in one place: when its interface changes, only this file does.

use boxoffice::calendar::{CalendarEvent, Frame, Length, Select};
use boxoffice::id::SeriesId;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::cases::{Case, Stated};
use crate::Result;

/// Which engine the figures are of.
pub(crate) const ENGINE: &str = "the old engine (a Vec of a window, no FREQ below DAILY)";

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
        for occurrence in self.event.occurrences(self.from, self.to, Select::Starting)? {
            found(occurrence.frame.instant(occurrence.start, &TimeZone::UTC).as_millis().div_euclid(1_000));
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

/// All of them, each in its window, by instant and then by place in the list.
pub(crate) fn merge(every: &[Series]) -> Result<Vec<(i64, usize)>> {
    let mut found = Vec::new();
    for (number, series) in every.iter().enumerate() {
        series.each(|start| found.push((start, number)))?;
    }
    found.sort_unstable();
    Ok(found)
}
