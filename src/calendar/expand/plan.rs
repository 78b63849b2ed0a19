//! A rule with what it takes from the first start: which days of a year, which times of a day.
//!
//! BY parts that the table of RFC 5545 section 3.3.10 calls "expand" and those it calls "limit" come to the same on a
//! whole year: the days that every part lets through. What a rule does not say, its first start does.

use super::clock::Times;
use super::days::{DaySet, Year};
use super::times::{periods_of_a_day, times};
use super::{Civil, DAY};
use crate::calendar::day::{self, Day};
use crate::calendar::rule::{Frequency, RecurrenceRule, Skip};

/// A rule ready to be expanded.
#[derive(Clone, Debug)]
pub(super) struct Plan<'r> {
    pub(super) rule: &'r RecurrenceRule,
    pub(super) start_day: Day,
    /// Year and month (from 1) of the first start.
    start_year: i64,
    start_month: i64,
    /// A bit for each month, bit 1 is January.
    months: u16,
    month_days: Days<'r>,
    /// A bit for each weekday that has no number, bit 0 is Monday.
    weekdays: u8,
    numbered: bool,
    week_start: i64,
    pub(super) times: Times,
}

/// Days of a month: as the rule has them, or that of the first start.
#[derive(Clone, Copy, Debug)]
enum Days<'r> {
    Rule(&'r [i64]),
    Start([i64; 1]),
}

impl Days<'_> {
    fn list(&self) -> &[i64] {
        match self {
            Self::Rule(list) => list,
            Self::Start(day) => day,
        }
    }
}

const ALL_MONTHS: u16 = 0x1ffe;

impl<'r> Plan<'r> {
    /// `whole_days` is for series of dates: what a rule says of hours, minutes and seconds does not apply to them.
    pub(super) fn new(rule: &'r RecurrenceRule, start: Civil, whole_days: bool) -> Self {
        let start_day = start.div_euclid(DAY);
        let (start_year, start_month, start_month_day) = day::to_civil(start_day);
        let week_start = day::since_monday(rule.week_start);
        let mut plan = Self {
            rule,
            start_day,
            start_year,
            start_month,
            months: rule.by_month.iter().fold(0, |months, month| months | 1 << month),
            month_days: Days::Rule(&rule.by_month_day),
            weekdays: 0,
            numbered: false,
            week_start,
            times: times(rule, start, whole_days),
        };
        for day in &rule.by_day {
            match day.number {
                None => plan.weekdays |= 1 << day::since_monday(day.weekday),
                Some(_) => plan.numbered = true,
            }
        }
        plan.fill_in(start_month_day);
        if plan.months == 0 {
            plan.months = ALL_MONTHS;
        }
        plan
    }

    /// What the rule leaves open is as in the first start.
    fn fill_in(&mut self, start_month_day: i64) {
        let rule = self.rule;
        let other_days = !rule.by_day.is_empty() || !rule.by_month_day.is_empty() || !rule.by_year_day.is_empty();
        let weekday = 1 << day::weekday(self.start_day);
        match rule.frequency {
            _ if other_days => {}
            Frequency::Yearly if !rule.by_week.is_empty() => self.weekdays = weekday,
            Frequency::Yearly => {
                self.month_days = Days::Start([start_month_day]);
                if self.months == 0 {
                    self.months = 1 << self.start_month;
                }
            }
            Frequency::Monthly if rule.by_week.is_empty() => self.month_days = Days::Start([start_month_day]),
            Frequency::Weekly if rule.by_week.is_empty() => self.weekdays = weekday,
            Frequency::Monthly
            | Frequency::Weekly
            | Frequency::Daily
            | Frequency::Hourly
            | Frequency::Minutely
            | Frequency::Secondly => {}
        }
    }

    /// The day that the period of the first start, counted in weeks, begins on.
    pub(super) fn first_week(&self) -> Day {
        self.start_day - (day::weekday(self.start_day) - self.week_start).rem_euclid(7)
    }

    pub(super) fn interval(&self) -> i64 {
        i64::from(self.rule.interval)
    }

    /// How many years there are from one that counts to the next.
    pub(super) fn year_step(&self) -> i64 {
        // Weeks belong to years of their own, which begin in the calendar year before: every year is looked at.
        if self.rule.frequency == Frequency::Yearly && self.rule.by_week.is_empty() { self.interval() } else { 1 }
    }

    /// The days of a year that the rule lets through; with `month`, of the period of that month alone.
    pub(super) fn days(&self, year: &Year, month: Option<i64>) -> DaySet {
        let mut months = self.months;
        match (month, self.rule.frequency) {
            (Some(month), _) => months &= 1 << month,
            (None, Frequency::Monthly) => months &= self.months_that_count(year.number),
            (None, _) => {}
        }
        let mut days = self.raw_days(year, months);
        self.without_doubles(year, &mut days);
        match self.rule.frequency {
            Frequency::Weekly if self.interval() > 1 && month.is_none() => {
                days.intersect(&self.weeks_that_count(year));
            }
            Frequency::Yearly | Frequency::Monthly | Frequency::Weekly => {}
            Frequency::Daily | Frequency::Hourly | Frequency::Minutely | Frequency::Secondly => {
                if let Some(step) = self.day_step().filter(|step| *step > 1) {
                    days.intersect(&self.days_that_count(year, step));
                }
            }
        }
        days
    }

    fn raw_days(&self, year: &Year, months: u16) -> DaySet {
        let rule = self.rule;
        let mut days = self.month_days(year, months);
        if !rule.by_year_day.is_empty() {
            days.intersect(&self.year_days(year));
        }
        if !rule.by_week.is_empty() {
            days.intersect(&self.weeks(year));
        }
        if self.weekdays != 0 || self.numbered {
            days.intersect(&self.weekdays(year, months));
        }
        days
    }

    /// A day that SKIP moves over the turn of the year may be one that the other year has of itself. It counts once.
    fn without_doubles(&self, year: &Year, days: &mut DaySet) {
        if self.rule.skip == Skip::Omit || self.rule.by_year_day.is_empty() || self.year_step() != 1 {
            return;
        }
        if days.contains(0) {
            let before = Year::new(year.number - 1);
            let own = self.raw_days(&before, self.months).contains(before.length);
            if own {
                days.remove(0);
            }
        }
        if days.contains(year.length + 1) && self.raw_days(&Year::new(year.number + 1), self.months).contains(1) {
            days.remove(year.length + 1);
        }
    }

    /// The months, or the days of them that BYMONTHDAY names.
    fn month_days(&self, year: &Year, months: u16) -> DaySet {
        let mut days = DaySet::EMPTY;
        let list = self.month_days.list();
        if list.is_empty() {
            if months == ALL_MONTHS {
                // A day of the year that SKIP moves may lie beyond the ends.
                let beyond = i64::from(self.rule.skip != Skip::Omit && !self.rule.by_year_day.is_empty());
                days.fill(1 - beyond, year.length + 1 + beyond);
                return days;
            }
            for (first, next) in months_of(year, months) {
                days.fill(first, next);
            }
            return days;
        }
        for (first, next) in months_of(year, months) {
            for number in list {
                let wanted = if *number > 0 { first + number - 1 } else { next + number };
                self.place(&mut days, wanted, first, next);
            }
        }
        days
    }

    fn year_days(&self, year: &Year) -> DaySet {
        let mut days = DaySet::EMPTY;
        let (first, next) = (1, year.length + 1);
        for number in &self.rule.by_year_day {
            let wanted = if *number > 0 { *number } else { next + number };
            self.place(&mut days, wanted, first, next);
        }
        days
    }

    /// Puts in a day of the span `[first, next)`; one outside of it does not exist, and SKIP says what becomes of it.
    fn place(&self, days: &mut DaySet, wanted: i64, first: i64, next: i64) {
        let there = (first..next).contains(&wanted);
        match self.rule.skip {
            _ if there => days.insert(wanted),
            Skip::Omit => {}
            Skip::Backward => days.insert(if wanted < first { first - 1 } else { next - 1 }),
            Skip::Forward => days.insert(if wanted < first { first } else { next }),
        }
    }

    fn weeks(&self, year: &Year) -> DaySet {
        let mut days = DaySet::EMPTY;
        for week_year in year.number - 1..=year.number + 1 {
            let counts = (week_year - self.start_year).rem_euclid(self.interval()) == 0;
            if self.rule.frequency == Frequency::Yearly && !counts {
                continue;
            }
            let first = day::first_week(week_year, self.week_start);
            let weeks = (day::first_week(week_year + 1, self.week_start) - first) / 7;
            for number in &self.rule.by_week {
                let week = if *number > 0 { number - 1 } else { weeks + number };
                if (0..weeks).contains(&week) {
                    let bit = first + week * 7 - year.base;
                    days.fill(bit.max(1), (bit + 7).min(year.length + 1));
                }
            }
        }
        days
    }

    fn weekdays(&self, year: &Year, months: u16) -> DaySet {
        let mut days = DaySet::EMPTY;
        for weekday in (0..7).filter(|weekday| self.weekdays >> weekday & 1 == 1) {
            days.union(&DaySet::weekly(year.first_weekday(weekday)));
        }
        if !self.numbered {
            return days;
        }
        // Numbers count within the month, or within the year if the rule names no month.
        let by_year = self.rule.frequency == Frequency::Yearly && self.rule.by_month.is_empty();
        let whole = [(1, year.length + 1)];
        for wanted in &self.rule.by_day {
            let Some(number) = wanted.number.map(i64::from) else { continue };
            let weekday = day::since_monday(wanted.weekday);
            let spans = whole.into_iter().filter(|_| by_year);
            for (first, next) in spans.chain(months_of(year, if by_year { 0 } else { months })) {
                let first_one = first + (year.first_weekday(weekday) - first).rem_euclid(7);
                let last_one = next - 1 - (next - 1 - first_one).rem_euclid(7);
                let bit = if number > 0 { first_one + (number - 1) * 7 } else { last_one + (number + 1) * 7 };
                if (first..next).contains(&bit) {
                    days.insert(bit);
                }
            }
        }
        days
    }

    fn months_that_count(&self, year: i64) -> u16 {
        let since = |month: i64| (year - self.start_year) * 12 + month - self.start_month;
        let counts = |month: &i64| since(*month).rem_euclid(self.interval()) == 0;
        (1..=12).filter(counts).fold(0, |months, month| months | 1 << month)
    }

    fn weeks_that_count(&self, year: &Year) -> DaySet {
        let step = self.interval() * 7;
        let mut days = DaySet::EMPTY;
        let mut bit = (self.first_week() - year.base).rem_euclid(step);
        if bit > 0 {
            // A week that began before the year may reach into it.
            bit -= step;
        }
        while bit <= year.length + 1 {
            days.fill(bit, bit + 7);
            bit += step;
        }
        days
    }

    /// How many days there are from one that counts to the next, if that is a whole number of days.
    fn day_step(&self) -> Option<i64> {
        let (periods, interval) = (periods_of_a_day(self.rule.frequency)?, self.interval());
        (interval % periods == 0).then_some(interval / periods)
    }

    fn days_that_count(&self, year: &Year, step: i64) -> DaySet {
        let mut days = DaySet::EMPTY;
        let mut bit = (self.start_day - year.base).rem_euclid(step);
        while bit <= year.length + 1 {
            days.insert(bit);
            bit += step;
        }
        days
    }
}

fn months_of(year: &Year, months: u16) -> impl Iterator<Item = (i64, i64)> {
    (1..=12).filter(move |month| months >> month & 1 == 1).map(|month| year.month(month))
}
