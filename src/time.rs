//! Instants and half-open windows. `now` is always an argument: nothing here reads a clock.

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Lengths of time in JSON, for `#[serde(with = ...)]`: whole milliseconds.
pub(crate) mod millis {
    use core::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(length: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(length.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

/// An instant, in whole milliseconds since the Unix epoch (1970-01-01T00:00:00Z), leap seconds ignored.
///
/// Negative values are instants before the epoch. Arithmetic saturates at the ends of `i64`.
///
/// ```
/// use boxoffice_core::time::Timestamp;
/// use core::time::Duration;
///
/// let doors = Timestamp::from_millis(1_767_225_600_000);
/// assert_eq!(doors.to_string(), "2026-01-01T00:00:00Z");
/// assert!(doors + Duration::from_secs(60) > doors);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);
    /// The last representable instant.
    pub const MAX: Self = Self(i64::MAX);

    /// The instant `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The time from `earlier` to `self`; zero when `earlier` is the later one.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl core::ops::Add<Duration> for Timestamp {
    type Output = Self;

    /// The instant `span` later, in whole milliseconds (a started millisecond is dropped).
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC where a calendar date exists for it, else the number of milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => instant.fmt(f),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

/// Why a text is no instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no instant such as 2026-01-01T19:00:00Z")]
pub struct TimestampError {
    text: String,
}

impl core::str::FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads RFC 3339, with an offset or `Z`, and the number of milliseconds that is printed where no date exists. What is
    /// below a millisecond is dropped.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let instant = text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
        let millis = || text.strip_suffix("ms").and_then(|millis| millis.parse().ok());
        match instant.or_else(millis).or_else(|| at_the_edge(text)) {
            Some(millis) => Ok(Self(millis)),
            None => Err(TimestampError { text: text.chars().take(40).collect() }),
        }
    }
}

/// Milliseconds of a date in the first or last days of the calendar, whose instants jiff leaves out so that every offset has
/// room.
fn at_the_edge(text: &str) -> Option<i64> {
    let pieces = jiff::fmt::temporal::Pieces::parse(text).ok()?;
    let (offset, time) = (pieces.to_numeric_offset()?, pieces.time()?);
    let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
    let since = pieces.date().to_datetime(time).duration_since(epoch).as_millis();
    i64::try_from(since - i128::from(offset.seconds()) * 1_000).ok()
}

/// A half-open span of time, `[start, end)`: the start is inside, the end is not.
///
/// A window whose end is not after its start is empty.
///
/// ```
/// use boxoffice_core::time::{Timestamp, Window};
///
/// let evening = Window::new(Timestamp::from_millis(10), Timestamp::from_millis(20));
/// assert!(evening.contains(Timestamp::from_millis(10)));
/// assert!(!evening.contains(Timestamp::from_millis(20)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// First instant inside.
    pub start: Timestamp,
    /// First instant after the window.
    pub end: Timestamp,
}

impl Window {
    /// The window `[start, end)`.
    pub const fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end }
    }

    /// Whether `at` lies inside.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// Whether the two windows share an instant. Windows that only touch do not.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Whether no instant lies inside.
    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }
}
