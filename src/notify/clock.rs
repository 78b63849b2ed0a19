//! Times of the day and days of the week as people say them, and civil times of a zone as instants.

use core::fmt;
use core::str::FromStr;

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A time of the day in whole minutes, from 00:00 to 23:59, whatever the zone. Written as `18:00`.
///
/// ```
/// use boxoffice_core::notify::LocalTime;
/// assert_eq!("08:30".parse(), Ok(LocalTime::new(8, 30)?));
/// assert!("8:30".parse::<LocalTime>().is_err() && "24:00".parse::<LocalTime>().is_err());
/// # Ok::<(), boxoffice_core::notify::LocalTimeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalTime(Time);

/// Why a text or two numbers are no time of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time of the day is written as 08:30, from 00:00 to 23:59")]
pub struct LocalTimeError;

impl LocalTime {
    /// The time `minute` minutes after `hour` o'clock.
    ///
    /// # Errors
    /// [`LocalTimeError`] beyond 23 hours and 59 minutes.
    pub fn new(hour: u8, minute: u8) -> Result<Self, LocalTimeError> {
        let (hour, minute) = (i8::try_from(hour), i8::try_from(minute));
        let (Ok(hour), Ok(minute)) = (hour, minute) else { return Err(LocalTimeError) };
        Time::new(hour, minute, 0, 0).map(Self).map_err(|_| LocalTimeError)
    }

    /// The same as the calendar speaks of it.
    pub fn time(self) -> Time {
        self.0
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl FromStr for LocalTime {
    type Err = LocalTimeError;

    fn from_str(text: &str) -> Result<Self, LocalTimeError> {
        let (hour, minute) = text.split_once(':').ok_or(LocalTimeError)?;
        let two = |part: &str| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|_| digits).ok_or(LocalTimeError)
        };
        Self::new(two(hour)?, two(minute)?)
    }
}

impl TryFrom<String> for LocalTime {
    type Error = LocalTimeError;

    fn try_from(text: String) -> Result<Self, LocalTimeError> {
        text.parse()
    }
}

impl From<LocalTime> for String {
    fn from(time: LocalTime) -> Self {
        time.to_string()
    }
}

/// A day of the week as it is written down: `mon`.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(remote = "Weekday")]
pub(super) enum WeekdayText {
    #[serde(rename = "mon")]
    Monday,
    #[serde(rename = "tue")]
    Tuesday,
    #[serde(rename = "wed")]
    Wednesday,
    #[serde(rename = "thu")]
    Thursday,
    #[serde(rename = "fri")]
    Friday,
    #[serde(rename = "sat")]
    Saturday,
    #[serde(rename = "sun")]
    Sunday,
}

/// The first instant at which clocks of the zone show `civil`. Where they skip it, the first instant after the gap.
///
/// None beyond the ends of the calendar.
pub(super) fn first_instant(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let resolved = zone.to_ambiguous_timestamp(civil);
    let at = match resolved.offset() {
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => resolved.compatible().ok()?,
        AmbiguousOffset::Gap { before, .. } => {
            // Read with the offset before the gap it lies behind the change, or at it.
            let behind = before.to_timestamp(civil).ok()?.checked_add(jiff::SignedDuration::from_nanos(1)).ok()?;
            zone.preceding(behind).next()?.timestamp()
        }
    };
    Some(Timestamp::from_millis(at.as_millisecond()))
}

/// The last instant at which clocks of the zone show `civil`; otherwise as [`first_instant`].
pub(super) fn last_instant(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let resolved = zone.to_ambiguous_timestamp(civil);
    match resolved.offset() {
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => first_instant(civil, zone),
        AmbiguousOffset::Fold { .. } => resolved.later().ok().map(|at| Timestamp::from_millis(at.as_millisecond())),
    }
}

/// What clocks of the zone show at an instant; none beyond the ends of the calendar.
pub(super) fn shown(at: Timestamp, zone: &TimeZone) -> Option<DateTime> {
    Some(zone.to_datetime(jiff::Timestamp::from_millisecond(at.as_millis()).ok()?))
}

/// The zone of the IANA database with this name.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    jiff::tz::db().get(name).ok()
}
