//! A recurrence rule as text: reading it with errors that name the part, and writing it in one order.

use core::fmt;
use core::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};

use super::error::RuleError;
use super::rule::{End, Frequency, RecurrenceRule, Until, WeekdayNumber};

/// Longest list in a BY part; the longest sensible one has 366 values.
const LIST_MAX: usize = 1_000;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

/// One `NAME=VALUE` of a rule.
#[derive(Clone, Copy)]
struct Part<'a> {
    name: &'a str,
    value: &'a str,
}

impl Part<'_> {
    fn invalid(&self, reason: &'static str) -> RuleError {
        RuleError::Invalid { part: self.name.to_owned(), value: self.value.chars().take(80).collect(), reason }
    }

    fn unsupported(&self) -> RuleError {
        RuleError::Unsupported { part: self.name.to_owned(), value: self.value.chars().take(80).collect() }
    }

    /// A list of numbers whose distance from zero is in `range`; below zero only if `negative`.
    fn numbers(&self, range: core::ops::RangeInclusive<i64>, negative: bool) -> Result<Vec<i64>, RuleError> {
        let number = |text: &str| {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            let number = text.parse::<i64>().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
            number.filter(|number| range.contains(&number.abs()) && (negative || *number >= 0))
        };
        let numbers: Option<Vec<i64>> = self.value.split(',').map(number).collect();
        let mut numbers = numbers.ok_or_else(|| self.invalid("has a number out of range"))?;
        if numbers.len() > LIST_MAX {
            return Err(self.invalid("has too many numbers"));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    fn positive(&self) -> Result<u32, RuleError> {
        let number = self.value.parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| self.invalid("must be a whole number from 1 up"))
    }

    fn weekday(&self, text: &str) -> Result<Weekday, RuleError> {
        let found = WEEKDAYS.iter().find(|(name, _)| *name == text);
        found.map(|(_, weekday)| *weekday).ok_or_else(|| self.invalid("has no such weekday"))
    }

    fn weekdays(&self) -> Result<Vec<WeekdayNumber>, RuleError> {
        let mut days: Vec<WeekdayNumber> = Vec::new();
        for text in self.value.split(',').take(LIST_MAX) {
            let (number, name) = match text.len().checked_sub(2).and_then(|at| text.split_at_checked(at)) {
                Some(("", name)) => (None, name),
                Some((number, name)) => {
                    let number = number.parse::<i16>().ok().filter(|number| (1..=53).contains(&number.abs()));
                    (Some(number.ok_or_else(|| self.invalid("has a number out of range"))?), name)
                }
                None => return Err(self.invalid("has no such weekday")),
            };
            let day = WeekdayNumber { number, weekday: self.weekday(name)? };
            if !days.contains(&day) {
                days.push(day);
            }
        }
        Ok(days)
    }

    fn until(&self) -> Result<Until, RuleError> {
        let read = || {
            let Some((date, time)) = self.value.split_once('T') else {
                return Some(Until::Date(read_date(self.value)?));
            };
            let date = read_date(date)?;
            match time.strip_suffix('Z') {
                Some(time) => Some(Until::Utc(date.to_datetime(read_time(time)?))),
                None => Some(Until::Local(date.to_datetime(read_time(time)?))),
            }
        };
        read().ok_or_else(|| self.invalid("is not YYYYMMDD, YYYYMMDDTHHMMSS or YYYYMMDDTHHMMSSZ"))
    }

    fn frequency(&self) -> Result<Frequency, RuleError> {
        match self.value {
            "YEARLY" => Ok(Frequency::Yearly),
            "MONTHLY" => Ok(Frequency::Monthly),
            "WEEKLY" => Ok(Frequency::Weekly),
            "DAILY" => Ok(Frequency::Daily),
            "HOURLY" | "MINUTELY" | "SECONDLY" => Err(self.unsupported()),
            _ => Err(self.invalid("is no frequency")),
        }
    }
}

/// The date in `20260105`.
pub(super) fn read_date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.is_ascii() {
        return None;
    }
    let number = |at: core::ops::Range<usize>| text.get(at)?.parse::<i16>().ok();
    let (month, day) = (i8::try_from(number(4..6)?).ok()?, i8::try_from(number(6..8)?).ok()?);
    Date::new(number(0..4).filter(|year| *year > 0)?, month, day).ok()
}

/// The time in `190000`; a leap second is read as the second before it.
pub(super) fn read_time(text: &str) -> Option<Time> {
    if text.len() != 6 || !text.is_ascii() {
        return None;
    }
    let number = |at: core::ops::Range<usize>| text.get(at)?.parse::<i8>().ok();
    Time::new(number(0..2)?, number(2..4)?, number(4..6)?.min(59), 0).ok()
}

impl FromStr for RecurrenceRule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let upper = text.trim_end().to_ascii_uppercase();
        let mut rule = Self::every(Frequency::Daily);
        let mut seen: Vec<&str> = Vec::new();
        // Outlook ends rules with a semicolon.
        for text in upper.trim_end_matches(';').split(';') {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            let part = Part { name, value };
            if seen.contains(&name) {
                return Err(part.invalid("stands here twice"));
            }
            seen.push(name);
            rule.set(part)?;
        }
        if !seen.contains(&"FREQ") {
            return Err(RuleError::Combination { part: "FREQ", reason: "is missing" });
        }
        if seen.contains(&"COUNT") && seen.contains(&"UNTIL") {
            return Err(RuleError::Combination { part: "COUNT", reason: "does not go with UNTIL" });
        }
        rule.check()?;
        Ok(rule)
    }
}

impl RecurrenceRule {
    fn set(&mut self, part: Part<'_>) -> Result<(), RuleError> {
        match part.name {
            "FREQ" => self.frequency = part.frequency()?,
            "INTERVAL" => self.interval = part.positive()?,
            "COUNT" => self.end = End::Count(part.positive()?),
            "UNTIL" => self.end = End::Until(part.until()?),
            "WKST" => self.week_start = part.weekday(part.value)?,
            "BYMONTH" => self.by_month = part.numbers(1..=12, false)?,
            "BYWEEKNO" => self.by_week = part.numbers(1..=53, true)?,
            "BYYEARDAY" => self.by_year_day = part.numbers(1..=366, true)?,
            "BYMONTHDAY" => self.by_month_day = part.numbers(1..=31, true)?,
            "BYDAY" => self.by_day = part.weekdays()?,
            "BYHOUR" => self.by_hour = part.numbers(0..=23, false)?,
            "BYMINUTE" => self.by_minute = part.numbers(0..=59, false)?,
            "BYSECOND" => self.by_second = part.numbers(0..=60, false)?,
            "BYSETPOS" => self.by_set_pos = part.numbers(1..=366, true)?,
            "RSCALE" | "SKIP" | "BYEASTER" => return Err(part.unsupported()),
            _ => return Err(part.invalid("is no part of a rule")),
        }
        Ok(())
    }
}

impl fmt::Display for RecurrenceRule {
    /// The canonical form: parts in the order of RFC 5545 section 3.3.10, defaults left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frequency = match self.frequency {
            Frequency::Yearly => "YEARLY",
            Frequency::Monthly => "MONTHLY",
            Frequency::Weekly => "WEEKLY",
            Frequency::Daily => "DAILY",
        };
        write!(f, "FREQ={frequency}")?;
        match self.end {
            End::Never => {}
            End::Count(count) => write!(f, ";COUNT={count}")?,
            End::Until(Until::Date(date)) => write!(f, ";UNTIL={}", date.strftime("%Y%m%d"))?,
            End::Until(Until::Local(at)) => write!(f, ";UNTIL={}", compact(at))?,
            End::Until(Until::Utc(at)) => write!(f, ";UNTIL={}Z", compact(at))?,
        }
        if self.interval != 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        let lists = [
            ("BYSECOND", &self.by_second),
            ("BYMINUTE", &self.by_minute),
            ("BYHOUR", &self.by_hour),
            ("BYMONTHDAY", &self.by_month_day),
            ("BYYEARDAY", &self.by_year_day),
            ("BYWEEKNO", &self.by_week),
            ("BYMONTH", &self.by_month),
            ("BYSETPOS", &self.by_set_pos),
        ];
        let days = self.by_day.iter().map(|day| match day.number {
            Some(number) => format!("{number}{}", weekday_name(day.weekday)),
            None => weekday_name(day.weekday).to_owned(),
        });
        for (name, list) in lists {
            if name == "BYMONTHDAY" && !self.by_day.is_empty() {
                write!(f, ";BYDAY={}", days.clone().collect::<Vec<_>>().join(","))?;
            }
            if !list.is_empty() {
                let numbers: Vec<String> = list.iter().map(i64::to_string).collect();
                write!(f, ";{name}={}", numbers.join(","))?;
            }
        }
        if self.week_start != Weekday::Monday {
            write!(f, ";WKST={}", weekday_name(self.week_start))?;
        }
        Ok(())
    }
}

/// A moment as `20260105T190000`.
pub(super) fn compact(at: DateTime) -> impl fmt::Display {
    at.strftime("%Y%m%dT%H%M%S")
}

fn weekday_name(weekday: Weekday) -> &'static str {
    WEEKDAYS.iter().find(|(_, day)| *day == weekday).map_or("MO", |(name, _)| name)
}
