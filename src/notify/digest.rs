//! When digests are due, and which stretch of time each is about.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::clock::{LocalTime, WeekdayText, first_instant, shown};
use crate::time::{Timestamp, Window};

/// When somebody gets digests, by the clocks of their zone.
///
/// Once for each day or week, whatever clocks do: a time that they skip is the first instant after the gap, one that they show
/// twice is the first. Recorded as JSON: `{"daily":{"at":"08:00"}}`, `{"weekly":{"on":"mon","at":"08:00"}}`.
///
/// ```
/// use boxoffice_core::notify::DigestTimes;
/// use boxoffice_core::time::Timestamp;
/// use boxoffice_core::jiff::tz::TimeZone;
///
/// let berlin = TimeZone::get("Europe/Berlin")?;
/// let daily = DigestTimes::Daily { at: "02:30".parse()? };
/// // On that night clocks go from 02:00 to 03:00.
/// let next = daily.next("2026-03-28T12:00:00Z".parse()?, &berlin);
/// assert_eq!(next, Some("2026-03-29T01:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DigestTimes {
    /// Every day.
    Daily {
        /// At this time.
        at: LocalTime,
    },
    /// Every week.
    Weekly {
        /// On this day.
        #[serde(with = "WeekdayText")]
        on: Weekday,
        /// At this time.
        at: LocalTime,
    },
}

impl DigestTimes {
    /// The first digest strictly after `after`; none at the ends of the calendar.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = shown(after, zone)?.date();
        self.around(today, zone, -2..=9).find(|due| *due > after)
    }

    /// The last digest at `at` or before; none at the ends of the calendar.
    pub fn latest(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = shown(at, zone)?.date();
        self.around(today, zone, -9..=2).filter(|due| *due <= at).last()
    }

    /// The stretch between two digests that `at` lies in: from one, which is included, to the next, which is not.
    pub fn window(&self, at: Timestamp, zone: &TimeZone) -> Option<Window> {
        Some(Window::new(self.latest(at, zone)?, self.next(at, zone)?))
    }

    /// The digests of some days around a day, in order.
    fn around(
        &self,
        today: Date,
        zone: &TimeZone,
        days: core::ops::RangeInclusive<i64>,
    ) -> impl Iterator<Item = Timestamp> {
        let (on, at) = match *self {
            Self::Daily { at } => (None, at),
            Self::Weekly { on, at } => (Some(on), at),
        };
        let days = days.filter_map(move |days| today.checked_add(days.days()).ok());
        let days = days.filter(move |day| on.is_none_or(|on| day.weekday() == on));
        days.filter_map(move |day| first_instant(day.to_datetime(at.time()), zone))
    }
}
