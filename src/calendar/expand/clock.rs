//! Times of a day: hours, minutes and seconds as sets, and the periods of rules that step within a day.

use super::days::nth_bit;
use super::{DAY, Steps};

/// Every combination of an hour, a minute and a second, a bit for each that may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) hours: u64,
    pub(super) minutes: u64,
    pub(super) seconds: u64,
}

impl Clock {
    /// All hours, minutes and seconds.
    pub(super) const ALL: Self = Self { hours: (1 << 24) - 1, minutes: (1 << 60) - 1, seconds: (1 << 60) - 1 };

    /// Times in it.
    pub(super) fn count(self) -> u64 {
        ones(self.hours) * ones(self.minutes) * ones(self.seconds)
    }

    /// The first time at or after `from`, in seconds of the day.
    pub(super) fn next(self, from: i64) -> Option<i64> {
        let (hour, minute, second) = (from / 3_600, from / 60 % 60, from % 60);
        let at_hour = self.hours >> hour & 1 == 1;
        if at_hour
            && self.minutes >> minute & 1 == 1
            && let Some(second) = from_bit(self.seconds, second)
        {
            return Some(hour * 3_600 + minute * 60 + second);
        }
        let first_second = from_bit(self.seconds, 0)?;
        if at_hour && let Some(minute) = from_bit(self.minutes, minute + 1) {
            return Some(hour * 3_600 + minute * 60 + first_second);
        }
        let hour = from_bit(self.hours, hour + 1)?;
        Some(hour * 3_600 + from_bit(self.minutes, 0)? * 60 + first_second)
    }

    /// Times before `to`, in seconds of the day.
    pub(super) fn count_below(self, to: i64) -> u64 {
        if to >= DAY {
            return self.count();
        }
        let (hour, minute, second) = (to / 3_600, to / 60 % 60, to % 60);
        let below = |set: u64, value: i64| ones(set & ((1 << value) - 1));
        let (minutes, seconds) = (ones(self.minutes), ones(self.seconds));
        let in_minute = if self.minutes >> minute & 1 == 1 { below(self.seconds, second) } else { 0 };
        let in_hour = if self.hours >> hour & 1 == 1 { below(self.minutes, minute) * seconds + in_minute } else { 0 };
        below(self.hours, hour) * minutes * seconds + in_hour
    }

    /// The time that `rank` others come before; `rank` is below [`Clock::count`].
    pub(super) fn nth(self, rank: u64) -> i64 {
        let (minutes, seconds) = (ones(self.minutes).max(1), ones(self.seconds).max(1));
        let place = |set: u64, rank: u64| i64::from(nth_bit(set, rank));
        place(self.hours, rank / (minutes * seconds)) * 3_600
            + place(self.minutes, rank / seconds % minutes) * 60
            + place(self.seconds, rank % seconds)
    }
}

/// The first of an ascending list at or after `from`.
pub(super) fn first_from(ascending: &[i64], from: i64) -> Option<i64> {
    ascending.get(ascending.partition_point(|value| *value < from)).copied()
}

fn ones(set: u64) -> u64 {
    u64::from(set.count_ones())
}

/// The lowest bit of `set` from `from` on.
fn from_bit(set: u64, from: i64) -> Option<i64> {
    let rest = u32::try_from(from).ok().and_then(|from| set.checked_shr(from))?;
    (rest != 0).then(|| from + i64::from(rest.trailing_zeros()))
}

/// The times of each day that a rule lets through.
#[derive(Clone, Debug)]
pub(super) enum Times {
    /// The same on every day; the first of them, and how many there are.
    Clock(Clock, Option<i64>, u64),
    /// The same on every day, ascending: those that BYSETPOS picks out of a day.
    Chosen(Vec<i64>),
    /// As the steps of an HOURLY, MINUTELY or SECONDLY rule come to lie.
    Stepped(Stepped),
}

impl Times {
    pub(super) fn of(clock: Clock) -> Self {
        Self::Clock(clock, clock.next(0), clock.count())
    }

    /// The first time of `day` at or after `from`, in seconds of the day.
    #[inline]
    pub(super) fn next(&self, day: i64, from: i64, steps: &mut Steps) -> Result<Option<i64>, i64> {
        match self {
            Self::Clock(_, first, _) if from == 0 => Ok(*first),
            Self::Clock(clock, ..) => Ok(clock.next(from)),
            Self::Chosen(chosen) => Ok(first_from(chosen, from)),
            Self::Stepped(stepped) => stepped.next(day, from, steps),
        }
    }

    /// How many times every day has, if all have the same.
    pub(super) fn each_day(&self) -> Option<u64> {
        match self {
            Self::Clock(_, _, count) => Some(*count),
            Self::Chosen(chosen) => Some(chosen.len() as u64),
            Self::Stepped(stepped) => stepped.each_day,
        }
    }

    /// Times of `day` in `[from, to)`.
    pub(super) fn count(&self, day: i64, from: i64, to: i64, steps: &mut Steps) -> Result<u64, i64> {
        match self {
            Self::Clock(clock, ..) => Ok(clock.count_below(to).saturating_sub(clock.count_below(from))),
            Self::Chosen(chosen) => Ok(chosen.iter().filter(|time| (from..to).contains(time)).count() as u64),
            Self::Stepped(stepped) => stepped.count(day, from, to, steps),
        }
    }
}

/// The periods of a rule that steps within the day: hours, minutes or seconds counted from the epoch, of which one in
/// `interval` counts.
#[derive(Clone, Debug)]
pub(super) struct Stepped {
    /// Seconds of a period.
    unit: i64,
    interval: i64,
    /// The period that the first start lies in.
    anchor: i64,
    /// The beginnings of periods that BYHOUR, BYMINUTE and BYSECOND let through.
    allowed: Clock,
    /// The seconds within a period, ascending.
    within: Vec<i64>,
    each_day: Option<u64>,
}

impl Stepped {
    pub(super) fn new(unit: i64, interval: u32, start: i64, allowed: Clock, within: Vec<i64>) -> Self {
        let (interval, anchor) = (i64::from(interval), start.div_euclid(unit));
        let mut stepped = Self { unit, interval, anchor, allowed, within, each_day: None };
        if !stepped.ever() {
            stepped.within.clear();
        }
        if stepped.within.is_empty() {
            stepped.each_day = Some(0);
        } else if (DAY / unit) % interval == 0 {
            // A step that divides the day falls the same way on every one, from the first whole one on.
            let day = anchor * unit / DAY + 1;
            stepped.each_day = stepped.count(day, 0, DAY, &mut Steps::new(u64::MAX)).ok();
        }
        stepped
    }

    /// Whether any period is both reached and let through. Steps and days have the greatest common divisor in common:
    /// what it does not reach is never reached.
    fn ever(&self) -> bool {
        let common = gcd(self.interval, DAY / self.unit);
        let reached = |time: i64| (time / self.unit - self.anchor).rem_euclid(common) == 0;
        let mut time = self.allowed.next(0);
        while let Some(at) = time.filter(|at| !reached(*at)) {
            time = if at + 1 < DAY { self.allowed.next(at + 1) } else { None };
        }
        time.is_some()
    }

    /// The first period at or after `period` that counts.
    fn align(&self, period: i64) -> i64 {
        let since = period - self.anchor;
        self.anchor + (since + (self.interval - since.rem_euclid(self.interval)) % self.interval)
    }

    /// The first period from `period` on that counts, is let through, and begins before `end`, in seconds of the epoch.
    fn period(&self, mut period: i64, end: i64, steps: &mut Steps) -> Result<Option<i64>, i64> {
        let midnight = end - DAY;
        loop {
            period = self.align(period);
            let time = period * self.unit - midnight;
            if time >= DAY {
                return Ok(None);
            }
            if !steps.take(1) {
                return Err(time);
            }
            match self.allowed.next(time) {
                Some(next) if next == time => return Ok(Some(period)),
                Some(next) => period = (midnight + next) / self.unit,
                None => return Ok(None),
            }
        }
    }

    /// Err is where the steps ran out.
    fn next(&self, day: i64, from: i64, steps: &mut Steps) -> Result<Option<i64>, i64> {
        let midnight = day * DAY;
        let Some(first) = self.within.first() else { return Ok(None) };
        let mut period = (midnight + from).div_euclid(self.unit);
        if let Some(found) = self.period(period, midnight + DAY, steps)? {
            let rest = midnight + from - found * self.unit;
            if let Some(second) = first_from(&self.within, rest) {
                return Ok(Some(found * self.unit + second - midnight));
            }
            period = found + 1;
        }
        let found = self.period(period, midnight + DAY, steps)?;
        Ok(found.map(|period| period * self.unit + first - midnight))
    }

    fn count(&self, day: i64, from: i64, to: i64, steps: &mut Steps) -> Result<u64, i64> {
        if let Some(each_day) = self.each_day.filter(|_| from == 0 && to == DAY) {
            return Ok(each_day);
        }
        if self.allowed == self.unlimited() {
            let below = |at: i64| self.count_until(day * DAY + at);
            return Ok(below(to).saturating_sub(below(from)));
        }
        let (mut count, mut at) = (0, from);
        while let Some(found) = self.next(day, at, steps)?.filter(|found| *found < to) {
            (count, at) = (count + 1, found + 1);
            if at >= DAY {
                break;
            }
        }
        Ok(count)
    }

    /// Every beginning of a period.
    pub(super) fn unlimited_for(unit: i64) -> Clock {
        let one = |wide: u64, unit_is_below: bool| if unit_is_below { wide } else { 1 };
        Clock {
            hours: Clock::ALL.hours,
            minutes: one(Clock::ALL.minutes, unit < 3_600),
            seconds: one(Clock::ALL.seconds, unit < 60),
        }
    }

    fn unlimited(&self) -> Clock {
        Self::unlimited_for(self.unit)
    }

    /// Starts from the anchor's period on and before `at`, where nothing limits the periods.
    fn count_until(&self, at: i64) -> u64 {
        let period = at.div_euclid(self.unit);
        let whole = (self.align(period) - self.anchor) / self.interval;
        let rest = at - period * self.unit;
        let begun = if self.align(period) == period {
            self.within.iter().filter(|second| **second < rest).count() as u64
        } else {
            0
        };
        u64::try_from(whole).unwrap_or_default() * self.within.len() as u64 + begun
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
