//! Day numbers: days since 1970-01-01 in the proleptic Gregorian calendar, and the arithmetic of rules on them.

use jiff::civil::{Date, DateTime, Time, Weekday};

/// A day, as days since 1970-01-01.
pub(super) type Day = i64;

/// First and last year that dates exist for (RFC 5545 section 3.3.4 has four digits).
pub(super) const YEARS: core::ops::RangeInclusive<i64> = 1..=9_999;

/// The number of a date.
pub(super) fn number(date: Date) -> Day {
    from_civil(i64::from(date.year()), i64::from(date.month()), i64::from(date.day()))
}

/// The number of a year, month and day. H. Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`:
/// years begin in March, so that the leap day comes last; 146,097 days are 400 years.
pub(super) fn from_civil(year: i64, month: i64, day: i64) -> Day {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The year, month and day of a number: the way back, `civil_from_days` of the same paper.
pub(super) fn to_civil(day: Day) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    // Within an era 32 bits are enough, and faster.
    let day_of_era = u32::try_from(shifted - era * 146_097).unwrap_or_default();
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (i64::from(year_of_era) + era * 400 + i64::from(month <= 2), i64::from(month), i64::from(day))
}

/// The date of a number; none outside the years 1 to 9999.
pub(super) fn to_date(day: Day) -> Option<Date> {
    let (year, month, day) = to_civil(day);
    if !YEARS.contains(&year) {
        return None;
    }
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Days since the last Monday.
pub(super) fn weekday(day: Day) -> i64 {
    // 1970-01-01 was a Thursday.
    (day + 3).rem_euclid(7)
}

/// Days from Monday to `weekday`.
pub(super) fn since_monday(weekday: Weekday) -> i64 {
    i64::from(weekday.to_monday_zero_offset())
}

/// The day that week 1 of a year begins on. Weeks begin on `start` (days since Monday); week 1 is the first with at
/// least four days in the year (RFC 5545 section 3.3.10, BYWEEKNO).
pub(super) fn first_week(year: i64, start: i64) -> Day {
    let fourth = from_civil(year, 1, 4);
    fourth - (weekday(fourth) - start).rem_euclid(7)
}

/// Turns days into dates, faster when they come close to each other: the month of the last one is remembered.
#[derive(Clone, Debug, Default)]
pub(super) struct Dates {
    /// The days of the month.
    days: core::ops::Range<Day>,
    year: i16,
    month: i8,
}

impl Dates {
    /// The civil time of a number of seconds since 1970; none outside the years 1 to 9999.
    #[inline]
    pub(super) fn datetime(&mut self, civil: i64) -> Option<DateTime> {
        let day = civil.div_euclid(86_400);
        Some(self.date(day)?.to_datetime(time_of(civil - day * 86_400)?))
    }

    fn date(&mut self, day: Day) -> Option<Date> {
        if !self.days.contains(&day) {
            let date = to_date(day)?;
            let first = day - i64::from(date.day()) + 1;
            self.days = first..first + i64::from(date.days_in_month());
            (self.year, self.month) = (date.year(), date.month());
        }
        Date::new(self.year, self.month, i8::try_from(day - self.days.start + 1).ok()?).ok()
    }
}

/// The civil time of a number of seconds since 1970; none outside the years 1 to 9999.
pub(super) fn datetime(civil: i64) -> Option<DateTime> {
    let day = civil.div_euclid(86_400);
    Some(to_date(day)?.to_datetime(time_of(civil - day * 86_400)?))
}

/// The time of a day that so many seconds of it have passed.
pub(super) fn time_of(seconds: i64) -> Option<Time> {
    let seconds = u32::try_from(seconds).ok()?;
    let part = |value: u32| i8::try_from(value).ok();
    Time::new(part(seconds / 3_600)?, part(seconds / 60 % 60)?, part(seconds % 60)?, 0).ok()
}

/// Seconds since 1970 of a civil time, parts of a second dropped.
pub(super) fn civil(at: DateTime) -> i64 {
    let time = i64::from(at.hour()) * 3_600 + i64::from(at.minute()) * 60 + i64::from(at.second());
    number(at.date()) * 86_400 + time
}
