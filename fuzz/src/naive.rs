//! The expansion against one written straight from the table of RFC 5545 section 3.3.10: day by day, in civil time.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use boxoffice_core::calendar::{CalendarEvent, Frame, Length, RecurrenceRule, STEPS_MAX, Select};
use boxoffice_core::id::SeriesId;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::{SignedDuration, ToSpan};

use crate::input::{self, Rule};

const MONTH: usize = 0;
const WEEK: usize = 1;
const YEAR_DAY: usize = 2;
const MONTH_DAY: usize = 3;
const HOUR: usize = 4;
const MINUTE: usize = 5;
const SECOND: usize = 6;
const POSITION: usize = 7;

/// Bytes as a rule, a start and a window.
pub fn check(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let Ok(start) = input::moment(&mut u) else { return };
    let Ok(mut rule) = input::rule(&mut u, start) else { return };
    rule.skip = None;
    // What a series of whole days does with hours is said nowhere.
    let whole_days = rule.frequency < 4 && u.ratio(1, 5).unwrap_or(false);
    let start = if whole_days { start.date().at(0, 0, 0, 0) } else { start };
    let list = |part: usize| !rule.lists[part].is_empty();
    // Which year a week at its turn belongs to is not said where years are left out or picked from.
    if list(WEEK) && (rule.interval > 1 || list(POSITION)) {
        return;
    }
    let Ok(read) = rule.to_string().parse::<RecurrenceRule>() else { return };
    let days = match rule.frequency {
        0..=3 => u.int_in_range(0..=900).unwrap_or(100),
        4 | 5 => u.int_in_range(0..=12).unwrap_or(10),
        _ => u.int_in_range(0..=1).unwrap_or(1),
    };
    let Ok(to) = start.checked_add(days.days()) else { return };
    let from = start.checked_add(u.int_in_range(0..=days).unwrap_or(0).days()).unwrap_or(start);
    if to.year() > 9_990 || start.year() < 3 {
        return;
    }
    let frame = if whole_days { Frame::Date } else { Frame::Floating };
    let event = CalendarEvent::new(SeriesId::new("s").expect("a name"), "", start, frame, Length::ZERO);
    let event = event.repeating(read);
    if ends_before(&rule, start) {
        return;
    }
    let expected: Vec<DateTime> =
        starts(&rule, start, to, whole_days).into_iter().filter(|at| (from..to).contains(at)).collect();
    let mut found = Vec::new();
    for occurrence in event.occurrences(from, to, Select::Starting).with_steps(STEPS_MAX * 4) {
        let Ok(occurrence) = occurrence else { return };
        found.push(occurrence.start);
    }
    if found != expected {
        let only = |one: &[DateTime], other: &[DateTime]| -> Vec<DateTime> {
            one.iter().filter(|at| !other.contains(at)).take(5).copied().collect()
        };
        panic!(
            "{rule} from {start} in {from}..{to} whole days {whole_days}: {} found, {} expected\nfound only {:?}\nexpected only {:?}",
            found.len(),
            expected.len(),
            only(&found, &expected),
            only(&expected, &found)
        );
    }
}

fn until(rule: &Rule) -> Option<DateTime> {
    let text = rule.until.as_ref()?.trim_end_matches('Z');
    let date = Date::strptime("%Y%m%d", &text[..8]).expect("a date");
    match text.split_once('T') {
        Some(_) => Some(DateTime::strptime("%Y%m%dT%H%M%S", text).expect("a time")),
        None => Some(date.at(23, 59, 59, 0)),
    }
}

/// A rule that ends before it begins says nothing, and the first start alone remains.
fn ends_before(rule: &Rule, start: DateTime) -> bool {
    until(rule).is_some_and(|until| until < start)
}

/// All starts before `to`.
fn starts(rule: &Rule, start: DateTime, to: DateTime, whole_days: bool) -> Vec<DateTime> {
    let mut periods: BTreeMap<i64, Vec<DateTime>> = BTreeMap::new();
    let mut day = period_begin(rule, start.date());
    // The period that the window ends in is needed as a whole.
    let end = to.date().checked_add(if rule.frequency == 0 { 370 } else { 32 }.days()).expect("a date");
    let end = if rule.frequency > 2 || rule.lists[POSITION].is_empty() { to.date().tomorrow().expect("a date") } else { end };
    while day < end {
        if day_counts(rule, start.date(), day) {
            for (at, period) in times(rule, start, day, whole_days) {
                if period.rem_euclid(i64::from(rule.interval)) == 0 {
                    periods.entry(period).or_default().push(at);
                }
            }
        }
        day = day.tomorrow().expect("a date");
    }
    let until = until(rule).map(|until| if whole_days { until.date().at(0, 0, 0, 0) } else { until });
    let picked = periods.into_values().flat_map(|candidates| pick(&rule.lists[POSITION], candidates));
    let ended = picked.filter(|at| *at >= start && until.is_none_or(|until| *at <= until));
    let counted = ended.take(rule.count.map_or(usize::MAX, |count| count as usize));
    counted.filter(|at| *at < to).collect()
}

fn pick(positions: &[i64], candidates: Vec<DateTime>) -> Vec<DateTime> {
    if positions.is_empty() {
        return candidates;
    }
    let count = i64::try_from(candidates.len()).expect("a small number");
    let at = |position: &i64| if *position > 0 { position - 1 } else { count + position };
    let mut places: Vec<i64> = positions.iter().map(at).filter(|place| (0..count).contains(place)).collect();
    places.sort_unstable();
    places.dedup();
    places.into_iter().filter_map(|place| candidates.get(usize::try_from(place).ok()?).copied()).collect()
}

fn week_start(rule: &Rule) -> i64 {
    i64::try_from(rule.week_start.unwrap_or(0)).expect("below 7")
}

fn weekday(day: Date) -> i64 {
    i64::from(day.weekday().to_monday_zero_offset())
}

fn days_between(from: Date, to: Date) -> i64 {
    i64::from(from.until(to).expect("days").get_days())
}

fn week_begin(rule: &Rule, day: Date) -> Date {
    day.checked_sub((weekday(day) - week_start(rule)).rem_euclid(7).days()).expect("a date")
}

fn period_begin(rule: &Rule, day: Date) -> Date {
    match rule.frequency {
        // Weeks of a year may begin in the year before.
        0 => Date::new(day.year(), 1, 1).expect("a date"),
        1 => day.first_of_month(),
        2 => week_begin(rule, day),
        _ => day,
    }
}

/// The times of a day, ascending, each with its period, counted from that of the first start.
fn times(rule: &Rule, start: DateTime, day: Date, whole_days: bool) -> Vec<(DateTime, i64)> {
    let days = days_between(start.date(), day);
    let first = start.date();
    let period_of = |hour: i64, minute: i64, second: i64| match rule.frequency {
        0 => i64::from(day.year() - first.year()),
        1 => i64::from(day.year() - first.year()) * 12 + i64::from(day.month() - first.month()),
        2 => days_between(week_begin(rule, first), week_begin(rule, day)).div_euclid(7),
        3 => days,
        4 => days * 24 + hour - i64::from(start.hour()),
        5 => days * 1_440 + hour * 60 + minute - i64::from(start.hour()) * 60 - i64::from(start.minute()),
        _ => {
            let begun = i64::from(start.hour()) * 3_600 + i64::from(start.minute()) * 60 + i64::from(start.second());
            days * 86_400 + hour * 3_600 + minute * 60 + second - begun
        }
    };
    if whole_days {
        return vec![(day.at(0, 0, 0, 0), period_of(0, 0, 0))];
    }
    let values = |part: usize, from: usize, own: i8, all: i64| -> Vec<i64> {
        let mut list = rule.lists[part].clone();
        list.retain(|value| *value < 60);
        list.sort_unstable();
        list.dedup();
        match rule.lists[part].is_empty() {
            false => list,
            true if rule.frequency < from => vec![i64::from(own)],
            true => (0..all).collect(),
        }
    };
    let mut found = Vec::new();
    for hour in values(HOUR, 4, start.hour(), 24) {
        for minute in values(MINUTE, 5, start.minute(), 60) {
            for second in values(SECOND, 6, start.second(), 60) {
                let at = day.at(0, 0, 0, 0) + SignedDuration::from_secs(hour * 3_600 + minute * 60 + second);
                found.push((at, period_of(hour, minute, second)));
            }
        }
    }
    found
}

fn contains(list: &[i64], value: i64, length: i64) -> bool {
    list.contains(&value) || list.contains(&(value - length - 1))
}

fn day_counts(rule: &Rule, start: Date, day: Date) -> bool {
    let given = |part: usize| !rule.lists[part].is_empty();
    let [month, year_day, month_day] = [i64::from(day.month()), i64::from(day.day_of_year()), i64::from(day.day())];
    let named = given(YEAR_DAY) || given(MONTH_DAY) || !rule.days.is_empty();
    if given(MONTH) && !rule.lists[MONTH].contains(&month) {
        return false;
    }
    if given(YEAR_DAY) && !contains(&rule.lists[YEAR_DAY], year_day, i64::from(day.days_in_year())) {
        return false;
    }
    if given(MONTH_DAY) && !contains(&rule.lists[MONTH_DAY], month_day, i64::from(day.days_in_month())) {
        return false;
    }
    if given(WEEK) && !in_weeks(rule, day) {
        return false;
    }
    if !rule.days.is_empty() && !rule.days.iter().any(|wanted| is_weekday(rule, *wanted, day)) {
        return false;
    }
    // What is not said is as in the first start.
    match rule.frequency {
        _ if named => true,
        0 if given(WEEK) => day.weekday() == start.weekday(),
        0 => day.day() == start.day() && (given(MONTH) || day.month() == start.month()),
        1 => day.day() == start.day(),
        2 => day.weekday() == start.weekday(),
        _ => true,
    }
}

/// Week 1 is the first with four days in the year.
fn in_weeks(rule: &Rule, day: Date) -> bool {
    let begin = week_begin(rule, day);
    let fourth = begin.checked_add(3.days()).expect("a date");
    let number = (i64::from(fourth.day_of_year()) - 1) / 7 + 1;
    let last = Date::new(fourth.year(), 12, 28).expect("a date");
    let last_begin = week_begin(rule, last);
    let last_fourth = last_begin.checked_add(3.days()).expect("a date");
    let weeks = (i64::from(last_fourth.day_of_year()) - 1) / 7 + 1;
    contains(&rule.lists[WEEK], number, weeks)
}

fn is_weekday(rule: &Rule, (number, weekday): (i64, usize), day: Date) -> bool {
    let wanted = Weekday::from_monday_zero_offset(i8::try_from(weekday).expect("below 7")).expect("a weekday");
    if day.weekday() != wanted {
        return false;
    }
    let by_year = rule.frequency == 0 && rule.lists[MONTH].is_empty();
    let (at, length) = if by_year {
        (i64::from(day.day_of_year()), i64::from(day.days_in_year()))
    } else {
        (i64::from(day.day()), i64::from(day.days_in_month()))
    };
    match number {
        0 => true,
        1.. => number == (at - 1) / 7 + 1,
        _ => -number == (length - at) / 7 + 1,
    }
}
