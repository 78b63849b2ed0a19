//! Values of properties (RFC 5545 section 3.3), read strictly: what is left over is an error. Also how they are written.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span};

use crate::calendar::zone::Frame;
use crate::time::Timestamp;

/// Most that a part of a duration may say.
const PART_MAX: i64 = 1_000_000_000;

/// A date, or a date with a time (sections 3.3.4 and 3.3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// `20260105`.
    Date(Date),
    /// `20260105T190000`: in the zone that TZID names, or wherever the reader is.
    Local(DateTime),
    /// `20260105T190000Z`; also `20260105T200000+0100`, which is no longer allowed, but written.
    Utc(DateTime),
}

/// `[+-]P1W`, `P1DT2H3M4S` (section 3.3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Duration {
    pub(super) negative: bool,
    pub(super) days: i64,
    pub(super) seconds: i64,
}

impl Duration {
    /// The exact time, days taken as 24 hours.
    pub(super) fn exact(self) -> SignedDuration {
        let seconds = self.days.saturating_mul(86_400).saturating_add(self.seconds);
        SignedDuration::from_secs(if self.negative { -seconds } else { seconds })
    }
}

/// The end of a period (section 3.3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PeriodEnd {
    At(Moment),
    After(Duration),
}

/// The number that `text` writes with digits only.
fn digits<T: core::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `20260105`, in the years 1 to 9999.
pub(super) fn date(text: &str) -> Option<Date> {
    if text.len() != 8 {
        return None;
    }
    let year: i16 = digits(text.get(..4)?)?;
    Date::new(Some(year).filter(|year| *year > 0)?, digits(text.get(4..6)?)?, digits(text.get(6..)?)?).ok()
}

/// `190000`; a leap second is read as the second before it.
fn time(text: &str) -> Option<Time> {
    if text.len() != 6 {
        return None;
    }
    let second: i8 = digits(text.get(4..)?)?;
    let second = if second == 60 { 59 } else { second };
    Time::new(digits(text.get(..2)?)?, digits(text.get(2..4)?)?, second, 0).ok()
}

/// A date, or a date with a time. Space around it is passed over.
pub(super) fn moment(text: &str) -> Option<Moment> {
    let text = text.trim();
    let Some((day, clock)) = text.split_once(['T', 't']) else {
        return date(text).map(Moment::Date);
    };
    let (clock, behind) = clock.split_at_checked(6)?;
    let at = date(day)?.to_datetime(time(clock)?);
    match behind {
        "" => Some(Moment::Local(at)),
        "Z" | "z" => Some(Moment::Utc(at)),
        offset => {
            let utc = at.checked_sub(Span::new().seconds(utc_offset(offset)?)).ok()?;
            Some(Moment::Utc(utc)).filter(|_| utc.year() > 0)
        }
    }
}

/// `+0100`, `-023000`: seconds east of UTC (section 3.3.14). `-0000` is read as UTC.
pub(super) fn utc_offset(text: &str) -> Option<i32> {
    let text = text.trim();
    let (negative, number) = match text.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, text.strip_prefix('+')?),
    };
    if !matches!(number.len(), 4 | 6) {
        return None;
    }
    let part = |at: usize, limit: i32| digits::<i32>(number.get(at..at + 2)?).filter(|part| *part < limit);
    let seconds = if number.len() == 6 { part(4, 60)? } else { 0 };
    let offset = part(0, 24)? * 3_600 + part(2, 60)? * 60 + seconds;
    Some(if negative { -offset } else { offset })
}

/// A duration; its parts must stand in their order, each at most once.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim().to_ascii_uppercase();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(&text);
    let (days, clock) = match unsigned.strip_prefix('P')?.split_once('T') {
        Some((days, clock)) => (days, Some(clock)),
        None => (unsigned.strip_prefix('P')?, None),
    };
    if clock.is_none_or(str::is_empty) && (days.is_empty() || clock.is_some()) {
        return None;
    }
    Some(Duration {
        negative: text.starts_with('-'),
        days: parts(days, &[('W', 7), ('D', 1)])?,
        seconds: parts(clock.unwrap_or_default(), &[('H', 3_600), ('M', 60), ('S', 1)])?,
    })
}

/// The sum of numbers, each behind its number the unit, in the order of `units`.
fn parts(text: &str, units: &[(char, i64)]) -> Option<i64> {
    let (mut rest, mut sum) = (text, 0);
    for (unit, size) in units {
        if let Some((number, behind)) = rest.split_once(*unit) {
            let number: i64 = digits(number)?;
            sum += Some(number).filter(|number| *number <= PART_MAX)? * size;
            rest = behind;
        }
    }
    rest.is_empty().then_some(sum)
}

/// `start/end` or `start/duration` (section 3.3.9).
pub(super) fn period(text: &str) -> Option<(Moment, PeriodEnd)> {
    let (start, end) = text.split_once('/')?;
    let end = match duration(end) {
        Some(duration) => PeriodEnd::After(duration),
        None => PeriodEnd::At(moment(end)?),
    };
    Some((moment(start)?, end))
}

/// `20260105`.
pub(super) fn write_date(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// `20260105T190000`.
pub(super) fn write_local(at: DateTime) -> String {
    format!("{}T{:02}{:02}{:02}", write_date(at.date()), at.hour(), at.minute(), at.second())
}

/// `20260105T190000Z`.
pub(super) fn write_utc(at: DateTime) -> String {
    format!("{}Z", write_local(at))
}

/// `-PT15M`, `P1DT2H`; zero is `PT0S`. Part seconds are left out.
pub(super) fn write_duration(days: i64, exact: SignedDuration) -> String {
    let sign = if days < 0 || exact.is_negative() { "-" } else { "" };
    let (days, seconds) = (days.unsigned_abs(), exact.as_secs().unsigned_abs());
    let part = |number: u64, unit: &str| if number > 0 { format!("{number}{unit}") } else { String::new() };
    let days = part(days, "D");
    let clock = [part(seconds / 3_600, "H"), part(seconds / 60 % 60, "M"), part(seconds % 60, "S")].concat();
    match (days.is_empty(), clock.is_empty()) {
        (true, true) => "PT0S".to_owned(),
        (false, true) => format!("{sign}P{days}"),
        (_, false) => format!("{sign}P{days}T{clock}"),
    }
}

/// An instant as `20260105T190000Z`, part seconds left out; none outside of the years 1 to 9999.
pub(super) fn write_instant(at: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
    let at = TimeZone::UTC.to_datetime(at);
    (at.year() > 0).then(|| write_utc(at))
}

/// The instant of a civil time in UTC.
pub(super) fn instant(utc: DateTime) -> Timestamp {
    Frame::Utc.instant(utc, &TimeZone::UTC)
}
