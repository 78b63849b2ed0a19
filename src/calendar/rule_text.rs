//! A recurrence rule as text: reading it with errors that name the part, and writing it in one order.

use core::fmt;
use core::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};

use super::error::RuleError;
use super::rule::{End, Frequency, RecurrenceRule, Skip, Until, WeekdayNumber};

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
            let number = read_number(text).filter(|_| negative || !text.starts_with(['+', '-']));
            number.filter(|number| range.contains(&number.abs()))
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
        let digits = self.value.bytes().all(|byte| byte.is_ascii_digit());
        let number = self.value.parse().ok().filter(|number| digits && *number > 0);
        number.ok_or_else(|| self.invalid("must be a whole number from 1 to 4294967295"))
    }

    fn weekday(&self, text: &str) -> Result<Weekday, RuleError> {
        let found = WEEKDAYS.iter().find(|(name, _)| *name == text);
        found.map(|(_, weekday)| *weekday).ok_or_else(|| self.invalid("has no such weekday"))
    }

    fn weekdays(&self) -> Result<Vec<WeekdayNumber>, RuleError> {
        let mut days: Vec<WeekdayNumber> = Vec::new();
        for text in self.value.split(',') {
            let (number, name) = match text.len().checked_sub(2).and_then(|at| text.split_at_checked(at)) {
                Some(("", name)) => (None, name),
                Some((number, name)) => {
                    let number = read_number(number).and_then(|number| i16::try_from(number).ok());
                    let number = number.filter(|number| (1..=53).contains(&number.abs()));
                    (Some(number.ok_or_else(|| self.invalid("has a number out of range"))?), name)
                }
                None => return Err(self.invalid("has no such weekday")),
            };
            let day = WeekdayNumber { number, weekday: self.weekday(name)? };
            days.push(day);
            if days.len() > LIST_MAX {
                return Err(self.invalid("has too many days"));
            }
        }
        days.sort_unstable_by_key(|day| (day.weekday.to_monday_zero_offset(), day.number));
        days.dedup();
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
            "HOURLY" => Ok(Frequency::Hourly),
            "MINUTELY" => Ok(Frequency::Minutely),
            "SECONDLY" => Ok(Frequency::Secondly),
            _ => Err(self.invalid("is no frequency")),
        }
    }

    fn skip(&self) -> Result<Skip, RuleError> {
        match self.value {
            "OMIT" => Ok(Skip::Omit),
            "BACKWARD" => Ok(Skip::Backward),
            "FORWARD" => Ok(Skip::Forward),
            _ => Err(self.invalid("is not OMIT, BACKWARD or FORWARD")),
        }
    }
}

/// A number with or without a sign, and nothing else.
fn read_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    text.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The date in `20260105`.
pub(super) fn read_date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |at: core::ops::Range<usize>| text.get(at)?.parse::<i16>().ok();
    let (month, day) = (i8::try_from(number(4..6)?).ok()?, i8::try_from(number(6..8)?).ok()?);
    Date::new(number(0..4).filter(|year| *year > 0)?, month, day).ok()
}

/// The time in `190000`; a leap second is read as the second before it.
pub(super) fn read_time(text: &str) -> Option<Time> {
    if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |at: core::ops::Range<usize>| text.get(at)?.parse::<i8>().ok();
    let second = number(4..6)?;
    Time::new(number(0..2)?, number(2..4)?, if second == 60 { 59 } else { second }, 0).ok()
}

impl FromStr for RecurrenceRule {
    type Err = RuleError;

    /// Reads a rule strictly: what RFC 5545 forbids is refused, but for two habits of real programs: a semicolon at the
    /// end, and lower case.
    fn from_str(text: &str) -> Result<Self, RuleError> {
        let rule = read(text)?;
        rule.check()?;
        if rule.picks_without_parts() {
            return Err(RuleError::Combination { part: "BYSETPOS", reason: "needs another BY part" });
        }
        Ok(rule)
    }
}

fn read(text: &str) -> Result<RecurrenceRule, RuleError> {
    let upper = text.trim_end().to_ascii_uppercase();
    let upper = upper.strip_suffix(';').unwrap_or(&upper);
    let mut rule = RecurrenceRule::every(Frequency::Daily);
    let mut seen: Vec<&str> = Vec::new();
    for text in upper.split(';') {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let part = Part { name, value };
        if seen.contains(&name) {
            return Err(part.invalid("stands here twice"));
        }
        rule.set(part)?;
        seen.push(name);
    }
    if !seen.contains(&"FREQ") {
        return Err(RuleError::Combination { part: "FREQ", reason: "is missing" });
    }
    if seen.contains(&"COUNT") && seen.contains(&"UNTIL") {
        return Err(RuleError::Combination { part: "COUNT", reason: "does not go with UNTIL" });
    }
    if seen.contains(&"SKIP") && !seen.contains(&"RSCALE") {
        return Err(RuleError::Combination { part: "SKIP", reason: "needs RSCALE" });
    }
    Ok(rule)
}

impl RecurrenceRule {
    /// Reads a rule with parts where RFC 5545 forbids them, such as BYWEEKNO in a DAILY rule: each is then a filter of the
    /// days that the rule would otherwise have, and numbers of weekdays that mean nothing are dropped. This is how
    /// python-dateutil reads them.
    ///
    /// ```
    /// use boxoffice_core::calendar::RecurrenceRule;
    /// let text = "FREQ=DAILY;BYWEEKNO=20";
    /// assert!(text.parse::<RecurrenceRule>().is_err());
    /// assert_eq!(RecurrenceRule::read_lenient(text)?.to_string(), text);
    /// # Ok::<(), boxoffice_core::calendar::RuleError>(())
    /// ```
    ///
    /// # Errors
    /// [`RuleError`] when a part cannot be read, stands there twice, or FREQ is missing.
    pub fn read_lenient(text: &str) -> Result<Self, RuleError> {
        let mut rule = read(text)?;
        if rule.frequency > Frequency::Monthly {
            rule.by_day.iter_mut().for_each(|day| day.number = None);
            rule.by_day.dedup();
        }
        Ok(rule)
    }

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
            "RSCALE" if part.value == "GREGORIAN" => {}
            "SKIP" => self.skip = part.skip()?,
            "RSCALE" | "BYEASTER" => return Err(part.unsupported()),
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
            Frequency::Hourly => "HOURLY",
            Frequency::Minutely => "MINUTELY",
            Frequency::Secondly => "SECONDLY",
        };
        if self.skip != Skip::Omit {
            f.write_str("RSCALE=GREGORIAN;")?;
        }
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
        match self.skip {
            Skip::Omit => Ok(()),
            Skip::Backward => f.write_str(";SKIP=BACKWARD"),
            Skip::Forward => f.write_str(";SKIP=FORWARD"),
        }
    }
}

/// A moment as `20260105T190000`.
pub(super) fn compact(at: DateTime) -> impl fmt::Display {
    at.strftime("%Y%m%dT%H%M%S")
}

fn weekday_name(weekday: Weekday) -> &'static str {
    WEEKDAYS.iter().find(|(_, day)| *day == weekday).map_or("MO", |(name, _)| name)
}
