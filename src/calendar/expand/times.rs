//! Which times of a day a rule lets through.

use super::clock::{Clock, Stepped, Times};
use super::{Civil, DAY};
use crate::calendar::rule::{Frequency, RecurrenceRule};

/// How many periods a day has, if it is not part of one.
pub(super) fn periods_of_a_day(frequency: Frequency) -> Option<i64> {
    match frequency {
        Frequency::Yearly | Frequency::Monthly | Frequency::Weekly => None,
        Frequency::Daily => Some(1),
        Frequency::Hourly => Some(24),
        Frequency::Minutely => Some(1_440),
        Frequency::Secondly => Some(DAY),
    }
}

fn bits(list: &[i64], or: u64) -> u64 {
    if list.is_empty() {
        return or;
    }
    // Second 60 is a leap second, which civil time here does not have.
    list.iter().filter(|value| **value < 60).fold(0, |set, value| set | 1 << value)
}

pub(super) fn times(rule: &RecurrenceRule, start: Civil, whole_days: bool) -> Times {
    let time = start.rem_euclid(DAY);
    if whole_days {
        let once = Clock { hours: 1, minutes: 1, seconds: 1 };
        if let Some(periods) = periods_of_a_day(rule.frequency).filter(|periods| *periods > 1) {
            // Of the steps of hours and below, those count that come to midnight.
            let within = if rule.by_set_pos.is_empty() { vec![0] } else { chosen(&rule.by_set_pos, once) };
            return Times::Stepped(Stepped::new(DAY / periods, rule.interval, start, once, within));
        }
        // Of a day that is one start, BYSETPOS can pick only the first, which is the last too.
        let picks = rule.frequency >= Frequency::Daily && !rule.by_set_pos.is_empty();
        return if picks { Times::Chosen(chosen(&rule.by_set_pos, once)) } else { Times::of(once) };
    }
    let unit = match rule.frequency {
        Frequency::Yearly | Frequency::Monthly | Frequency::Weekly | Frequency::Daily => DAY,
        Frequency::Hourly => 3_600,
        Frequency::Minutely => 60,
        Frequency::Secondly => 1,
    };
    let all = Clock::ALL;
    // What is smaller than the period is taken from the first start; the period itself and what is larger are all let
    // through, unless the rule says otherwise.
    let or = |length: i64, all: u64, value: i64| if unit > length { 1 << value } else { all };
    let clock = Clock {
        hours: bits(&rule.by_hour, or(3_600, all.hours, time / 3_600)),
        minutes: bits(&rule.by_minute, or(60, all.minutes, time / 60 % 60)),
        seconds: bits(&rule.by_second, or(1, all.seconds, time % 60)),
    };
    if unit == DAY {
        return match rule.frequency {
            Frequency::Daily if !rule.by_set_pos.is_empty() => Times::Chosen(chosen(&rule.by_set_pos, clock)),
            Frequency::Daily
            | Frequency::Yearly
            | Frequency::Monthly
            | Frequency::Weekly
            | Frequency::Hourly
            | Frequency::Minutely
            | Frequency::Secondly => Times::of(clock),
        };
    }
    // Below the period: hour 0, and minute 0 of it, stand for whichever period it is.
    let inner = Clock {
        hours: 1,
        minutes: if unit > 60 { clock.minutes } else { 1 },
        seconds: if unit > 1 { clock.seconds } else { 1 },
    };
    let within = if rule.by_set_pos.is_empty() {
        (0..inner.count()).map(|rank| inner.nth(rank)).collect()
    } else {
        chosen(&rule.by_set_pos, inner)
    };
    let begins = Stepped::unlimited_for(unit);
    let allowed = Clock {
        hours: clock.hours,
        minutes: if unit > 60 { begins.minutes } else { clock.minutes },
        seconds: if unit > 1 { begins.seconds } else { clock.seconds },
    };
    Times::Stepped(Stepped::new(unit, rule.interval, start, allowed, within))
}

/// The times that BYSETPOS picks, ascending.
fn chosen(positions: &[i64], clock: Clock) -> Vec<i64> {
    let mut ranks: Vec<u64> = positions.iter().filter_map(|position| rank(*position, clock.count())).collect();
    ranks.sort_unstable();
    ranks.dedup();
    ranks.into_iter().map(|rank| clock.nth(rank)).collect()
}

/// How many of `count` stand before position `position`, which counts from 1, or from -1 back.
pub(super) fn rank(position: i64, count: u64) -> Option<u64> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let rank = if position > 0 { position - 1 } else { count + position };
    u64::try_from(rank).ok().filter(|_| rank < count)
}
