//! A recurrence rule: its parts, checked against each other.

use jiff::civil::{Date, DateTime, Weekday};

use super::error::RuleError;

/// How long a period of the rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Frequency {
    /// One year.
    Yearly,
    /// One month.
    Monthly,
    /// One week, from the day that WKST names.
    Weekly,
    /// One day.
    Daily,
    /// One hour of the wall clock.
    Hourly,
    /// One minute of the wall clock.
    Minutely,
    /// One second of the wall clock.
    Secondly,
}

/// What becomes of a day that a month or year does not have, such as 31 April (RFC 7529 section 4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Skip {
    /// It is left out.
    #[default]
    Omit,
    /// It is the day before: 30 April.
    Backward,
    /// It is the day after: 1 May.
    Forward,
}

/// When the rule ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Never.
    Never,
    /// After this many occurrences, counted from the start of the series, wherever the window lies.
    Count(u32),
    /// After the last occurrence at or before this.
    Until(Until),
}

/// The last moment at which an occurrence may start, included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The end of a day, in the series' own time; of a series in UTC the midnight that the day begins with.
    Date(Date),
    /// A moment in the series' own time.
    Local(DateTime),
    /// A moment in UTC.
    Utc(DateTime),
}

/// A weekday, and which one of its month or year if it has a number: 2 is the second, -1 the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekdayNumber {
    /// The number; never zero.
    pub number: Option<i16>,
    /// The weekday.
    pub weekday: Weekday,
}

/// A recurrence rule (RFC 5545 section 3.3.10; SKIP is of RFC 7529, for the Gregorian calendar).
///
/// Lists are sorted and without doubles. An empty list means that the part is absent.
///
/// ```
/// use boxoffice_core::calendar::RecurrenceRule;
/// let rule: RecurrenceRule = "freq=monthly;byday=2TU,-1FR;count=10".parse()?;
/// assert_eq!(rule.to_string(), "FREQ=MONTHLY;COUNT=10;BYDAY=2TU,-1FR");
/// let error = "FREQ=DAILY;INTERVAL=0".parse::<RecurrenceRule>().unwrap_err();
/// assert_eq!(error.to_string(), "rule part INTERVAL=0: must be a whole number from 1 to 4294967295");
/// # Ok::<(), boxoffice_core::calendar::RuleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecurrenceRule {
    pub(super) frequency: Frequency,
    pub(super) interval: u32,
    pub(super) end: End,
    pub(super) week_start: Weekday,
    pub(super) by_month: Vec<i64>,
    pub(super) by_week: Vec<i64>,
    pub(super) by_year_day: Vec<i64>,
    pub(super) by_month_day: Vec<i64>,
    pub(super) by_day: Vec<WeekdayNumber>,
    pub(super) by_hour: Vec<i64>,
    pub(super) by_minute: Vec<i64>,
    pub(super) by_second: Vec<i64>,
    pub(super) by_set_pos: Vec<i64>,
    pub(super) skip: Skip,
}

impl RecurrenceRule {
    /// Every period of `frequency`, for ever.
    pub fn every(frequency: Frequency) -> Self {
        Self {
            frequency,
            interval: 1,
            end: End::Never,
            week_start: Weekday::Monday,
            by_month: Vec::new(),
            by_week: Vec::new(),
            by_year_day: Vec::new(),
            by_month_day: Vec::new(),
            by_day: Vec::new(),
            by_hour: Vec::new(),
            by_minute: Vec::new(),
            by_second: Vec::new(),
            by_set_pos: Vec::new(),
            skip: Skip::Omit,
        }
    }

    /// How long its period is.
    pub fn frequency(&self) -> Frequency {
        self.frequency
    }

    /// Every how many periods it applies.
    pub fn interval(&self) -> u32 {
        self.interval
    }

    /// When it ends.
    pub fn end(&self) -> End {
        self.end
    }

    /// The same rule with another end.
    #[must_use]
    pub fn ending(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    /// What becomes of days that do not exist.
    pub fn skip(&self) -> Skip {
        self.skip
    }

    /// Checks the parts against each other (the table of section 3.3.10 and the notes below it).
    pub(super) fn check(&self) -> Result<(), RuleError> {
        let reject = |part, reason| Err(RuleError::Combination { part, reason });
        let numbered = self.by_day.iter().any(|day| day.number.is_some());
        if numbered && self.frequency > Frequency::Monthly {
            return reject("BYDAY", "numbers are only for MONTHLY and YEARLY");
        }
        if numbered && !self.by_week.is_empty() {
            return reject("BYDAY", "numbers do not go with BYWEEKNO");
        }
        if !self.by_week.is_empty() && self.frequency != Frequency::Yearly {
            return reject("BYWEEKNO", "is only for YEARLY");
        }
        let yearly_or_below_daily = self.frequency == Frequency::Yearly || self.frequency > Frequency::Daily;
        if !self.by_year_day.is_empty() && !yearly_or_below_daily {
            return reject("BYYEARDAY", "is not for DAILY, WEEKLY and MONTHLY");
        }
        if !self.by_month_day.is_empty() && self.frequency == Frequency::Weekly {
            return reject("BYMONTHDAY", "is not for WEEKLY");
        }
        Ok(())
    }

    /// Whether BYSETPOS has nothing to pick from.
    pub(super) fn picks_without_parts(&self) -> bool {
        let others = [&self.by_month, &self.by_week, &self.by_year_day, &self.by_month_day];
        let times = [&self.by_hour, &self.by_minute, &self.by_second];
        let narrowed = others.iter().chain(&times).any(|list| !list.is_empty()) || !self.by_day.is_empty();
        !self.by_set_pos.is_empty() && !narrowed
    }
}
