//! From start to start of one rule, in civil time.
//!
//! A rule is walked year by year: the days of a year come as one set, so that a year is passed over in one step,
//! counted without being listed, and entered anywhere. Where BYSETPOS picks out of a month or a week, it is walked month
//! by month or week by week. Nothing is allocated on the way.

use super::clock::first_from;
use super::days::{DaySet, Year};
use super::plan::Plan;
use super::times::rank;
use super::{Civil, DAY, Steps};
use crate::calendar::day::{self, Day};
use crate::calendar::rule::{End, Frequency, RecurrenceRule, Skip};

/// What a walk comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::calendar) enum Walk {
    /// The next start.
    At(Civil),
    /// The steps ran out; nothing starts before this that was not given.
    OutOfSteps(Civil),
    /// There are no more.
    End,
}

/// The starts of a rule, ascending and each once.
#[derive(Clone, Debug)]
pub(in crate::calendar) struct Walker<'r> {
    plan: Plan<'r>,
    unit: Unit,
    /// Which year, month (12 to a year) or week (from that of the first start) is looked at.
    period: i64,
    /// The day of bit 0 of `days`.
    base: Day,
    days: DaySet,
    /// What BYSETPOS picks of the period, ascending.
    picks: Vec<Civil>,
    /// No start before this is given any more.
    floor: Civil,
    /// The last moment that may be a start.
    last: Civil,
    /// Starts still to come, if COUNT says how many.
    left: Option<u64>,
    loaded: bool,
}

/// What is looked at at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Year,
    /// A month that BYSETPOS picks from.
    Month,
    /// A week that BYSETPOS picks from.
    Week,
}

/// 9999-12-31T23:59:59.
const LAST: Civil = 2_932_897 * DAY - 1;

impl<'r> Walker<'r> {
    /// Starts at `start` and ends at `last`, which is included; UNTIL is no concern of the walker.
    pub(in crate::calendar) fn new(rule: &'r RecurrenceRule, start: Civil, last: Civil, whole_days: bool) -> Self {
        let plan = Plan::new(rule, start, whole_days);
        let unit = match rule.frequency {
            Frequency::Monthly if !rule.by_set_pos.is_empty() => Unit::Month,
            Frequency::Weekly if !rule.by_set_pos.is_empty() => Unit::Week,
            Frequency::Yearly
            | Frequency::Monthly
            | Frequency::Weekly
            | Frequency::Daily
            | Frequency::Hourly
            | Frequency::Minutely
            | Frequency::Secondly => Unit::Year,
        };
        let left = match rule.end {
            End::Count(count) => Some(u64::from(count)),
            End::Never | End::Until(_) => None,
        };
        let mut walker = Self {
            plan,
            unit,
            period: 0,
            base: 0,
            days: DaySet::EMPTY,
            picks: Vec::new(),
            floor: start,
            last: last.min(LAST),
            left,
            loaded: false,
        };
        walker.period = walker.period_of(start);
        if walker.plan.times.each_day() == Some(0) {
            walker.left = Some(0);
        }
        walker
    }

    /// Leaves the counting to the caller.
    pub(in crate::calendar) fn count_elsewhere(&mut self) {
        self.left = None;
    }

    /// The next start.
    pub(in crate::calendar) fn next(&mut self, steps: &mut Steps) -> Walk {
        if self.left == Some(0) {
            return Walk::End;
        }
        loop {
            if !self.load(steps) {
                return if self.floor > self.last { Walk::End } else { Walk::OutOfSteps(self.floor) };
            }
            match self.in_period(steps) {
                Ok(Some((day, time))) => {
                    let at = day * DAY + time;
                    if at > self.last {
                        return Walk::End;
                    }
                    if !steps.take(1) {
                        return Walk::OutOfSteps(at);
                    }
                    // Where a day has one time, the next is on another day.
                    self.floor = if self.plan.times.each_day() == Some(1) { (day + 1) * DAY } else { at + 1 };
                    self.left = self.left.map(|left| left - 1);
                    return Walk::At(at);
                }
                Ok(None) => self.advance(),
                Err(position) => return Walk::OutOfSteps(position.max(self.floor)),
            }
        }
    }

    /// Leaves out what starts before `at`. Without a COUNT this takes the same time however far it is; with one, a step
    /// for each year in between.
    pub(in crate::calendar) fn seek(&mut self, at: Civil, steps: &mut Steps) -> Result<(), Civil> {
        if at <= self.floor {
            return Ok(());
        }
        let target = self.period_of(at);
        if self.left.is_none() {
            if target > self.period {
                (self.period, self.loaded) = (target, false);
            }
            self.floor = at;
            return Ok(());
        }
        // SKIP may move a day into another period: what counts may lie after the first that has starts to give.
        let last = if self.plan.rule.skip == Skip::Omit { target } else { target + 2 * self.step() };
        while self.left != Some(0) && self.period <= last && self.begin_of(self.period) < at {
            if !self.load(steps) {
                return if self.floor > self.last { Ok(()) } else { Err(self.floor) };
            }
            let passed = self.count_until(at, steps).map_err(|_| self.floor)?;
            self.left = self.left.map(|left| left.saturating_sub(passed));
            if self.period == last {
                break;
            }
            self.floor = self.floor.max(self.end_of_picked()).min(at);
            self.advance();
        }
        if self.period > target {
            (self.period, self.loaded) = (target, false);
        }
        self.floor = at;
        Ok(())
    }

    /// Looks at the period, if that is still to be done. False when the steps ran out or there are no more periods.
    fn load(&mut self, steps: &mut Steps) -> bool {
        if self.loaded {
            return true;
        }
        if self.begin_of(self.period) > self.last {
            self.floor = self.last + 1;
            return false;
        }
        // A month or a week takes the days of a whole year to find its own.
        if !steps.take(if self.unit == Unit::Year { 1 } else { 8 }) {
            self.floor = self.floor.max(self.begin_of(self.period));
            return false;
        }
        match self.unit {
            Unit::Year => {
                let year = Year::new(self.period);
                (self.base, self.days) = (year.base, self.plan.days(&year, None));
            }
            Unit::Month => {
                let year = Year::new(self.period.div_euclid(12));
                let month = self.period.rem_euclid(12) + 1;
                (self.base, self.days) = (year.base, self.plan.days(&year, Some(month)));
            }
            Unit::Week => self.load_week(),
        }
        self.pick();
        self.loaded = true;
        true
    }

    fn load_week(&mut self) {
        self.base = self.plan.first_week() + self.period * 7;
        self.days = DaySet::EMPTY;
        let mut year = Year::new(day::to_civil(self.base).0);
        let mut days = self.plan.days(&year, None);
        for bit in 0..7 {
            let day = self.base + bit;
            if day > year.base + year.length {
                year = Year::new(year.number + 1);
                days = self.plan.days(&year, None);
            }
            if days.contains(day - year.base) {
                self.days.insert(bit);
            }
        }
    }

    /// Does what BYSETPOS says, of all candidates of the period, also those before the first start.
    fn pick(&mut self) {
        self.picks.clear();
        if !self.picks_out_of_periods() {
            return;
        }
        let super::clock::Times::Clock(clock, ..) = self.plan.times else { return };
        let each = clock.count();
        let count = self.days.count() * each;
        for position in &self.plan.rule.by_set_pos {
            let Some(rank) = rank(*position, count) else { continue };
            if let Some(bit) = self.days.nth(rank / each) {
                self.picks.push((self.base + bit) * DAY + clock.nth(rank % each));
            }
        }
        self.picks.sort_unstable();
        self.picks.dedup();
    }

    fn picks_out_of_periods(&self) -> bool {
        !self.plan.rule.by_set_pos.is_empty() && self.plan.rule.frequency < Frequency::Daily
    }

    /// The first start of the period at or after the floor, as a day and a time of it. Err is where the steps ran out.
    fn in_period(&mut self, steps: &mut Steps) -> Result<Option<(Day, i64)>, Civil> {
        if self.picks_out_of_periods() {
            let pick = first_from(&self.picks, self.floor);
            return Ok(pick.map(|pick| (pick.div_euclid(DAY), pick.rem_euclid(DAY))));
        }
        let floor_day = self.floor.div_euclid(DAY);
        let mut bit = self.days.next(floor_day - self.base);
        while let Some(found) = bit {
            let day = self.base + found;
            let from = if day == floor_day { self.floor - day * DAY } else { 0 };
            let time = self.plan.times.next(day, from, steps).map_err(|time| day * DAY + time)?;
            if let Some(time) = time {
                return Ok(Some((day, time)));
            }
            if day * DAY > self.last {
                return Ok(None);
            }
            if !steps.take(1) {
                return Err((day + 1) * DAY);
            }
            bit = self.days.next(found + 1);
        }
        Ok(None)
    }

    fn advance(&mut self) {
        self.period += self.step();
        self.loaded = false;
    }

    fn step(&self) -> i64 {
        match self.unit {
            Unit::Year => self.plan.year_step(),
            Unit::Month | Unit::Week => self.plan.interval(),
        }
    }

    /// The last period that counts and does not begin after `at`.
    fn period_of(&self, at: Civil) -> i64 {
        let day = at.div_euclid(DAY);
        let number = |day: Day| {
            let (year, month, _) = day::to_civil(day);
            match self.unit {
                Unit::Year => year,
                Unit::Month => year * 12 + month - 1,
                Unit::Week => (day - self.plan.first_week()).div_euclid(7),
            }
        };
        let first = number(self.plan.start_day);
        let mut since = (number(day) - first).max(0) / self.step();
        // What is moved forward may come from the period before.
        if self.plan.rule.skip == Skip::Forward {
            since = (since - 1).max(0);
        }
        first + since * self.step()
    }

    fn begin_of(&self, period: i64) -> Civil {
        let day = match self.unit {
            // A day may have been moved back over the beginning.
            Unit::Year => day::from_civil(period, 1, 1) - 1,
            Unit::Month => day::from_civil(period.div_euclid(12), period.rem_euclid(12) + 1, 1) - 1,
            Unit::Week => self.plan.first_week() + period * 7,
        };
        day * DAY
    }

    /// After the last day of the period that has starts.
    fn end_of_picked(&self) -> Civil {
        let last = self.days.last().map_or(self.base, |bit| self.base + bit);
        (last + 1) * DAY
    }

    /// Starts of the period from the floor on and before `at`.
    fn count_until(&self, at: Civil, steps: &mut Steps) -> Result<u64, Civil> {
        if self.picks_out_of_periods() {
            return Ok(self.picks.iter().filter(|pick| (self.floor..at).contains(pick)).count() as u64);
        }
        let (floor_day, at_day) = (self.floor.div_euclid(DAY), at.div_euclid(DAY));
        let times = &self.plan.times;
        let on = |day: Day, from: i64, to: i64, steps: &mut Steps| {
            if self.days.contains(day - self.base) { times.count(day, from, to, steps) } else { Ok(0) }
        };
        if floor_day == at_day {
            return on(at_day, self.floor - floor_day * DAY, at - at_day * DAY, steps);
        }
        let mut count = on(floor_day, self.floor - floor_day * DAY, DAY, steps)?;
        count += on(at_day, 0, at - at_day * DAY, steps)?;
        let (first, end) = (floor_day + 1 - self.base, at_day - self.base);
        if let Some(each) = times.each_day() {
            let days = self.days.count_below(end).saturating_sub(self.days.count_below(first));
            return Ok(count + days * each);
        }
        let mut bit = self.days.next(first);
        while let Some(found) = bit.filter(|bit| *bit < end) {
            count += times.count(self.base + found, 0, DAY, steps)?;
            bit = self.days.next(found + 1);
        }
        Ok(count)
    }
}
