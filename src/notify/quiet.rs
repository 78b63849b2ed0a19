//! Hours in which somebody is left in peace.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::clock::{LocalTime, WeekdayText, first_instant, last_instant, shown};
use crate::time::{Timestamp, Window};

/// Most quiet hours of a profile: four a day, each on a day of its own.
pub(super) const HOURS_MAX: usize = 28;

/// Hours that are always quiet have no end: none is looked for beyond so many days.
const DAYS_MAX: i64 = 15;

/// Most stretches that are followed one after the other: each of the quiet hours on each of these days and around them.
const STRETCHES_MAX: usize = HOURS_MAX * 17;

/// Minutes of a day and of a week.
const DAY: i32 = 24 * 60;
const WEEK: i32 = 7 * DAY;

/// A stretch of quiet, `[from, to)` as clocks of the recipient show it.
///
/// One that does not end after it begins ends on the next day, so `22:00` to `07:00` is a night and `00:00` to `00:00` a whole
/// day. Where clocks skip `from` or `to` it begins or ends after the gap; where they show one twice it begins at the first and
/// ends at the second. A profile holds at most 28, which must leave a minute of the week
/// free. Recorded as JSON: `{"from":"22:00","to":"07:00","days":["fri","sat"]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// When it begins.
    pub from: LocalTime,
    /// When it ends, not included.
    pub to: LocalTime,
    /// On which days it begins; on all where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "weekdays")]
    pub days: Vec<Weekday>,
}

impl QuietHours {
    /// Quiet from `from` to `to` on all days.
    pub fn new(from: LocalTime, to: LocalTime) -> Self {
        Self { from, to, days: Vec::new() }
    }

    /// The same, begun on these days only.
    #[must_use]
    pub fn on(self, days: impl IntoIterator<Item = Weekday>) -> Self {
        Self { days: days.into_iter().collect(), ..self }
    }

    /// Whether these together leave no minute of the week free, so that they never end.
    ///
    /// ```
    /// use boxoffice_core::notify::QuietHours;
    /// let night = QuietHours::new("20:00".parse()?, "09:00".parse()?);
    /// let day = QuietHours::new("09:00".parse()?, "20:00".parse()?);
    /// assert!(!QuietHours::never_end(&[night.clone()]));
    /// assert!(QuietHours::never_end(&[night, day]));
    /// # Ok::<(), boxoffice_core::notify::LocalTimeError>(())
    /// ```
    pub fn never_end(hours: &[Self]) -> bool {
        let week = hours.iter().flat_map(Self::stretches_of_week);
        // Those of the week before reach into this one.
        let mut stretches: Vec<(i32, i32)> =
            week.flat_map(|(from, to)| [(from - WEEK, to - WEEK), (from, to)]).collect();
        stretches.sort_unstable();
        let mut quiet_until = 0;
        for (from, to) in stretches {
            if from > quiet_until {
                return false;
            }
            quiet_until = quiet_until.max(to);
        }
        quiet_until >= WEEK
    }

    /// The stretches that begin in a week, `[from, to)` in minutes since its Monday began.
    fn stretches_of_week(&self) -> impl Iterator<Item = (i32, i32)> {
        let minute = |at: LocalTime| i32::from(at.time().hour()) * 60 + i32::from(at.time().minute());
        let (from, to) = (minute(self.from), minute(self.to));
        let to = if to > from { to } else { to + DAY };
        let days =
            Weekday::Monday.cycle_forward().take(7).filter(|day| self.days.is_empty() || self.days.contains(day));
        days.map(move |day| {
            let start = i32::from(day.to_monday_zero_offset()) * DAY;
            (start + from, start + to)
        })
    }

    /// The stretch that begins on a day.
    fn beginning(&self, day: Date, zone: &TimeZone) -> Option<Window> {
        if !self.days.is_empty() && !self.days.contains(&day.weekday()) {
            return None;
        }
        let last = if self.to > self.from { day } else { day.checked_add(1.day()).ok()? };
        let start = first_instant(day.to_datetime(self.from.time()), zone)?;
        Some(Window::new(start, last_instant(last.to_datetime(self.to.time()), zone)?))
    }

    /// The end of the stretch that `at` lies in.
    fn end(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = shown(at, zone)?.date();
        // A day before and one after: a zone may leave out a day or have its clocks set back over midnight.
        let days = (-2..=1).filter_map(|days: i64| today.checked_add(days.days()).ok());
        let stretches = days.filter_map(|day| self.beginning(day, zone)).filter(|stretch| stretch.contains(at));
        stretches.map(|stretch| stretch.end).max()
    }
}

/// When it is quiet no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peace {
    /// It is not quiet now.
    Over,
    /// It is quiet until then.
    Until(Timestamp),
    /// It is quiet for ever, or for weeks on end.
    Always,
}

/// When all of the quiet hours are over that `now` lies in, one after the other.
pub(super) fn peace(hours: &[QuietHours], zone: &TimeZone, now: Timestamp) -> Peace {
    let horizon = now.as_millis().saturating_add(DAYS_MAX * 86_400_000);
    let mut at = now;
    for _ in 0..STRETCHES_MAX {
        match hours.iter().filter_map(|quiet| quiet.end(at, zone)).max() {
            Some(end) if end.as_millis() > horizon => return Peace::Always,
            Some(end) => at = end,
            None if at == now => return Peace::Over,
            None => return Peace::Until(at),
        }
    }
    Peace::Always
}

/// Days of the week as texts.
mod weekdays {
    use jiff::civil::Weekday;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::WeekdayText;

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Text(#[serde(with = "WeekdayText")] Weekday);

    pub(super) fn serialize<S: Serializer>(days: &[Weekday], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(days.iter().copied().map(Text))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Weekday>, D::Error> {
        let days = Vec::<Text>::deserialize(deserializer)?;
        Ok(days.into_iter().map(|Text(day)| day).collect())
    }
}
