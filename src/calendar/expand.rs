//! From a rule and a first start to starts, in civil time.
//!
//! For each period of the rule: the days of the period that every BY part lets through, times the times of the day,
//! in order; then BYSETPOS picks; then what lies before the first start is dropped; then UNTIL and COUNT end it
//! (RFC 5545 section 3.3.10; the order is that of the table there).

use jiff::civil::{DateTime, Time};

use super::day::{self, Day};
use super::rule::{End, Frequency, RecurrenceRule};

/// Days looked at and starts found by one expansion, together, at most: 2,700 years of days on which nothing happens.
pub(super) const STEPS_MAX: u64 = 1_000_000;

/// More steps were taken than [`STEPS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfSteps;

/// Calls `take` with each start of the series that begins at `start`, ascending, from at most one period before `from`
/// on. Starts are not yet compared with UNTIL, which may need a zone: `take` answers false to end the expansion.
pub(super) fn expand(
    rule: &RecurrenceRule,
    start: DateTime,
    from: Day,
    to: Day,
    take: &mut dyn FnMut(DateTime) -> bool,
) -> Result<(), OutOfSteps> {
    let first_day = day::number(start.date());
    let pattern = Pattern::new(rule, start);
    let times = pattern.times(start);
    let mut left = match rule.end {
        End::Count(count) => u64::from(count),
        End::Never | End::Until(_) => u64::MAX,
    };
    let mut period = match rule.end {
        // Counting begins at the beginning.
        End::Count(_) => 0,
        End::Never | End::Until(_) => pattern.period_of(from.max(first_day)),
    };
    let (mut steps, mut picked) = (0, Vec::new());
    loop {
        let days = pattern.days(period);
        if days.start > to || days.start > LAST_DAY {
            return Ok(());
        }
        steps += u64::try_from(days.end - days.start).unwrap_or_default();
        let room = usize::try_from(STEPS_MAX.saturating_sub(steps)).unwrap_or(usize::MAX);
        if steps > STEPS_MAX || !pattern.pick(days, &times, room, &mut picked) {
            return Err(OutOfSteps);
        }
        steps += picked.len() as u64;
        for &(at_day, time) in &picked {
            let Some(at) = day::to_date(at_day).map(|date| date.to_datetime(time)).filter(|at| *at >= start) else {
                continue;
            };
            if left == 0 || !take(at) {
                return Ok(());
            }
            left -= 1;
        }
        period += i64::from(rule.interval);
    }
}

/// 9999-12-31.
const LAST_DAY: Day = 2_932_896;

/// The rule with what it takes from the first start.
struct Pattern<'a> {
    rule: &'a RecurrenceRule,
    start: (i64, i64, i64),
    start_day: Day,
    week_start: i64,
}

impl<'a> Pattern<'a> {
    fn new(rule: &'a RecurrenceRule, start: DateTime) -> Self {
        let start_day = day::number(start.date());
        let week_start = day::since_monday(rule.week_start);
        Self { rule, start: day::to_civil(start_day), start_day, week_start }
    }

    /// The last period that counts (a multiple of INTERVAL from the first one) and begins at or before `at`.
    fn period_of(&self, at: Day) -> i64 {
        let (year, month, _) = day::to_civil(at);
        let since = match self.rule.frequency {
            Frequency::Yearly => year - self.start.0,
            Frequency::Monthly => (year - self.start.0) * 12 + month - self.start.1,
            Frequency::Weekly => (at - self.first_week()).div_euclid(7),
            Frequency::Daily => at - self.start_day,
        };
        since.max(0) / i64::from(self.rule.interval) * i64::from(self.rule.interval)
    }

    fn first_week(&self) -> Day {
        self.start_day - (day::weekday(self.start_day) - self.week_start).rem_euclid(7)
    }

    /// The days of a period, counted from the one that the first start lies in.
    fn days(&self, period: i64) -> core::ops::Range<Day> {
        let (year, month, _) = self.start;
        match self.rule.frequency {
            Frequency::Yearly => day::from_civil(year + period, 1, 1)..day::from_civil(year + period + 1, 1, 1),
            Frequency::Monthly => {
                let first = |months: i64| day::from_civil(year + months.div_euclid(12), months.rem_euclid(12) + 1, 1);
                first(month - 1 + period)..first(month + period)
            }
            Frequency::Weekly => {
                let first = self.first_week() + period * 7;
                first..first + 7
            }
            Frequency::Daily => self.start_day + period..self.start_day + period + 1,
        }
    }

    /// The times of a day, ascending.
    fn times(&self, start: DateTime) -> Vec<Time> {
        let or = |list: &[i64], value: i8| if list.is_empty() { vec![i64::from(value)] } else { list.to_vec() };
        let mut times = Vec::new();
        for hour in or(&self.rule.by_hour, start.hour()) {
            for minute in or(&self.rule.by_minute, start.minute()) {
                for second in or(&self.rule.by_second, start.second()) {
                    let number = |value: i64| i8::try_from(value).unwrap_or_default();
                    // Second 60 is a leap second, which civil time here does not have.
                    times.extend(Time::new(number(hour), number(minute), number(second), 0));
                }
            }
        }
        times
    }

    /// The starts of one period. False as soon as there are more candidates than `room`: nothing is kept beyond it.
    fn pick(&self, days: core::ops::Range<Day>, times: &[Time], room: usize, picked: &mut Vec<(Day, Time)>) -> bool {
        picked.clear();
        for at in days.filter(|at| self.lets_through(*at)) {
            if picked.len() + times.len() > room {
                return false;
            }
            picked.extend(times.iter().map(|time| (at, *time)));
        }
        if self.rule.by_set_pos.is_empty() {
            return true;
        }
        let count = i64::try_from(picked.len()).unwrap_or(i64::MAX);
        let places = self.rule.by_set_pos.iter().map(|place| if *place > 0 { place - 1 } else { count + place });
        let mut places: Vec<usize> = places.filter_map(|place| usize::try_from(place).ok()).collect();
        places.sort_unstable();
        places.dedup();
        *picked = places.into_iter().filter_map(|place| picked.get(place).copied()).collect();
        true
    }

    fn lets_through(&self, at: Day) -> bool {
        let rule = self.rule;
        let (year, month, day_of_month) = day::to_civil(at);
        let yearly_or_monthly = rule.frequency <= Frequency::Monthly;
        let (has_days, has_month_days) = (!rule.by_day.is_empty(), !rule.by_month_day.is_empty());
        let (has_year_days, has_weeks) = (!rule.by_year_day.is_empty(), !rule.by_week.is_empty());
        let no_days = !has_days && !has_month_days && !has_year_days;

        let in_month = if rule.by_month.is_empty() {
            // Nothing says which month: the one of the first start.
            rule.frequency != Frequency::Yearly || !no_days || has_weeks || month == self.start.1
        } else {
            rule.by_month.contains(&month)
        };
        if !in_month || (has_weeks && !self.in_week(at)) {
            return false;
        }
        if has_year_days {
            let length = day::from_civil(year + 1, 1, 1) - day::from_civil(year, 1, 1);
            let place = at - day::from_civil(year, 1, 1) + 1;
            if !rule.by_year_day.iter().any(|n| *n == place || *n == place - length - 1) {
                return false;
            }
        }
        if has_month_days {
            let length = day::from_civil(year + month / 12, month % 12 + 1, 1) - day::from_civil(year, month, 1);
            if !rule.by_month_day.iter().any(|n| *n == day_of_month || *n == day_of_month - length - 1) {
                return false;
            }
        }
        if has_days {
            return self.on_weekday(at, year, month);
        }
        // Nothing says which day: the one of the first start.
        match rule.frequency {
            Frequency::Weekly => day::weekday(at) == day::weekday(self.start_day),
            Frequency::Yearly if no_days && has_weeks => day::weekday(at) == day::weekday(self.start_day),
            Frequency::Yearly | Frequency::Monthly if no_days && yearly_or_monthly => day_of_month == self.start.2,
            Frequency::Yearly | Frequency::Monthly | Frequency::Daily => true,
        }
    }

    fn in_week(&self, at: Day) -> bool {
        let (week, weeks) = day::week(at, self.week_start);
        self.rule.by_week.iter().any(|n| *n == week || *n == week - weeks - 1)
    }

    fn on_weekday(&self, at: Day, year: i64, month: i64) -> bool {
        // Numbers count within the month, or within the year if nothing names a month.
        let by_year = self.rule.frequency == Frequency::Yearly && self.rule.by_month.is_empty();
        self.rule.by_day.iter().any(|wanted| {
            if day::since_monday(wanted.weekday) != day::weekday(at) {
                return false;
            }
            let Some(number) = wanted.number.map(i64::from) else {
                return true;
            };
            let (first, next) = if by_year {
                (day::from_civil(year, 1, 1), day::from_civil(year + 1, 1, 1))
            } else {
                (day::from_civil(year, month, 1), day::from_civil(year + month / 12, month % 12 + 1, 1))
            };
            let (from_start, from_end) = ((at - first) / 7 + 1, -((next - 1 - at) / 7 + 1));
            number == from_start || number == from_end
        })
    }
}
