//! Rules that fall on one day of each year, which is what changes of clocks do: computed without expanding anything.

use jiff::civil::DateTime;

use crate::calendar::day::{self, Day};
use crate::calendar::rule::{Frequency, RecurrenceRule, WeekdayNumber};

const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// One day of each year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Yearly {
    /// From 1.
    pub(super) month: i64,
    /// Which day of the month.
    pub(super) day: MonthDay,
}

/// Which day of a month. Weekdays count from Monday, which is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MonthDay {
    /// The 1st to 31st; none in a year without it.
    Number(i64),
    /// The first such weekday at or after a day of the month.
    From { first: i64, weekday: i64 },
    /// The last such weekday.
    Last { weekday: i64 },
}

impl Yearly {
    /// What a rule with this start comes to, if it is as simple as that.
    pub(super) fn of(rule: &RecurrenceRule, start: DateTime) -> Option<Self> {
        let lists = [&rule.by_week, &rule.by_year_day, &rule.by_hour, &rule.by_minute, &rule.by_second];
        let other_parts = lists.iter().any(|list| !list.is_empty()) || !rule.by_set_pos.is_empty();
        let month = match (rule.by_month.as_slice(), rule.frequency) {
            ([month], Frequency::Yearly | Frequency::Monthly) => *month,
            // Without BYMONTH, BYDAY counts in the year and BYMONTHDAY means every month.
            ([], Frequency::Yearly) if rule.by_day.is_empty() && rule.by_month_day.is_empty() => {
                i64::from(start.month())
            }
            _ => return None,
        };
        if other_parts || rule.interval != 1 {
            return None;
        }
        let day = match (rule.by_day.as_slice(), rule.by_month_day.as_slice()) {
            ([], []) => MonthDay::Number(i64::from(start.day())),
            ([], [number]) if *number > 0 => MonthDay::Number(*number),
            ([WeekdayNumber { number: Some(-1), weekday }], []) => {
                MonthDay::Last { weekday: day::since_monday(*weekday) }
            }
            ([WeekdayNumber { number: Some(number @ 1..=4), weekday }], []) => {
                MonthDay::From { first: i64::from(*number) * 7 - 6, weekday: day::since_monday(*weekday) }
            }
            ([WeekdayNumber { number: None, weekday }], days) => {
                MonthDay::From { first: week_from(days, month)?, weekday: day::since_monday(*weekday) }
            }
            _ => return None,
        };
        Some(Self { month, day })
    }

    /// The day in a year.
    pub(super) fn day_in(self, year: i64) -> Option<Day> {
        let on = |number: i64| day::from_civil(year, self.month, number);
        match self.day {
            MonthDay::Number(number) => (number <= length(year, self.month)).then(|| on(number)),
            MonthDay::From { first, weekday } => Some(on(first) + (weekday - day::weekday(on(first))).rem_euclid(7)),
            MonthDay::Last { weekday } => {
                let last = on(length(year, self.month));
                Some(last - (day::weekday(last) - weekday).rem_euclid(7))
            }
        }
    }

    /// As the parts of an RRULE behind FREQ (RFC 5545 section 3.3.10).
    pub(super) fn rule_text(self) -> String {
        let name = |weekday: i64| usize::try_from(weekday).ok().and_then(|at| WEEKDAYS.get(at)).unwrap_or(&"MO");
        let rest = match self.day {
            MonthDay::Number(number) => format!("BYMONTHDAY={number}"),
            MonthDay::Last { weekday } => format!("BYDAY=-1{}", name(weekday)),
            MonthDay::From { first, weekday } if first % 7 == 1 && first <= 22 => {
                format!("BYDAY={}{}", (first + 6) / 7, name(weekday))
            }
            MonthDay::From { first, weekday } => {
                let days: Vec<String> = (first..first + 7).map(|number| number.to_string()).collect();
                format!("BYMONTHDAY={};BYDAY={}", days.join(","), name(weekday))
            }
        };
        format!("FREQ=YEARLY;BYMONTH={};{rest}", self.month)
    }

    /// As the date of a POSIX TZ rule, `M3.5.0`, if it can be said so.
    pub(super) fn posix_text(self) -> Option<String> {
        let (week, weekday) = match self.day {
            MonthDay::Last { weekday } => (5, weekday),
            MonthDay::From { first, weekday } if first % 7 == 1 && first <= 22 => ((first + 6) / 7, weekday),
            MonthDay::From { .. } | MonthDay::Number(_) => return None,
        };
        Some(format!("M{}.{week}.{}", self.month, (weekday + 1) % 7))
    }
}

/// The first of seven days in a row that every year has.
fn week_from(days: &[i64], month: i64) -> Option<i64> {
    let first = *days.first().filter(|first| **first > 0 && days.len() == 7)?;
    let in_a_row = days.iter().zip(first..).all(|(found, wanted)| *found == wanted);
    // 2001 has a short February.
    (in_a_row && first + 6 <= length(2_001, month)).then_some(first)
}

fn length(year: i64, month: i64) -> i64 {
    day::from_civil(year + month / 12, month % 12 + 1, 1) - day::from_civil(year, month, 1)
}
