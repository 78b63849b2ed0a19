//! Laws of the expansion: order, windows, truncation, single occurrences, time taken.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use arbitrary::Unstructured;
use boxoffice_core::calendar::{CalendarEvent, Frame, Occurrence, Select, Truncated};
use boxoffice_core::id::RecurrenceId;
use boxoffice_core::time::Timestamp;
use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::input;

/// Steps for answers that others are held against: fewer than by default, for speed.
const ENOUGH: u64 = 30_000;

/// Results and perhaps where they stopped.
type Found = (Vec<Occurrence>, Option<Truncated>);

fn expand(event: &CalendarEvent, (from, to): (DateTime, DateTime), select: Select, steps: u64) -> Found {
    let (mut given, mut truncated) = (Vec::new(), None);
    for found in event.occurrences(from, to, select).with_steps(steps) {
        assert!(truncated.is_none(), "something after the end");
        match found {
            Ok(found) => given.push(found),
            Err(error) => truncated = Some(error),
        }
    }
    (given, truncated)
}

/// What is ordered by: the instant in the event's own zone, and the id.
fn key(event: &CalendarEvent, found: &Occurrence) -> (Timestamp, RecurrenceId) {
    let zoned = |frame: &Frame| matches!(frame, Frame::Zoned(_) | Frame::Utc);
    let at = if zoned(&event.frame) && zoned(found.frame()) {
        found.window(&TimeZone::UTC).start
    } else {
        event.frame.instant(found.start, &TimeZone::UTC)
    };
    (at, found.recurrence())
}

fn ids(found: &[Occurrence]) -> BTreeSet<RecurrenceId> {
    found.iter().map(Occurrence::recurrence).collect()
}

/// An event with three moments that make windows.
#[derive(Clone, Debug)]
pub struct Case {
    /// The event.
    pub event: CalendarEvent,
    /// Ascending.
    pub moments: [DateTime; 3],
    /// A small budget.
    pub small: u64,
}

/// Reads a case; none if the bytes make no rule.
pub fn case(data: &[u8]) -> Option<Case> {
    let mut u = Unstructured::new(data);
    let event = input::event(&mut u).ok()??;
    let moments = input::windows(&mut u, &event).ok()?;
    let small = u.int_in_range(0..=600).ok()?;
    Some(Case { event, moments, small })
}

/// How long one expansion with all its steps takes, what it gave, and whether it was cut short.
pub fn timed(case: &Case) -> (Duration, usize, bool) {
    let [from, _, to] = case.moments;
    let begun = Instant::now();
    let mut given = 0;
    let mut cut = false;
    for found in case.event.occurrences(from, to, Select::Overlapping) {
        given += 1;
        cut |= found.is_err();
    }
    (begun.elapsed(), given, cut)
}

/// Bytes as an event and windows.
pub fn check(data: &[u8]) {
    let Some(case) = case(data) else { return };
    let Case { event, moments: [from, middle, to], small } = &case;
    let rules: Vec<String> = event.rules.iter().map(ToString::to_string).collect();
    let full = expand(event, (*from, *to), Select::Starting, ENOUGH);
    ordered(event, &full.0, &rules);
    for found in &full.0 {
        assert!((*from..*to).contains(&found.start), "{} outside of its window\n{event:?}\n{rules:?}", found.start);
    }
    if full.1.is_some() || full.0.len() > 4_000 {
        return;
    }
    union(&case, &full.0);
    small_budget(event, (*from, *to), *small, &full.0);
    single(event, (*from, *to), &full.0);
    let overlapping = expand(event, (*from, *middle), Select::Overlapping, ENOUGH);
    ordered(event, &overlapping.0, &rules);
    let (starting, cut) = expand(event, (*from, *middle), Select::Starting, ENOUGH);
    if cut.is_none() && overlapping.1.is_none() {
        let missing: Vec<_> = ids(&starting).difference(&ids(&overlapping.0)).copied().collect();
        assert!(missing.is_empty(), "starting but not overlapping: {missing:?}\n{case:?}\n{rules:?}");
    }
}

fn ordered(event: &CalendarEvent, found: &[Occurrence], rules: &[String]) {
    for pair in found.windows(2) {
        let (one, other) = (key(event, &pair[0]), key(event, &pair[1]));
        assert!(one < other, "{one:?} before {other:?}\n{event:?}\n{rules:?}");
    }
}

/// [a, b) and [b, c) are [a, c).
fn union(case: &Case, full: &[Occurrence]) {
    let [from, middle, to] = case.moments;
    let (first, cut_first) = expand(&case.event, (from, middle), Select::Starting, ENOUGH);
    let (second, cut_second) = expand(&case.event, (middle, to), Select::Starting, ENOUGH);
    if cut_first.is_some() || cut_second.is_some() {
        return;
    }
    let mut both: Vec<&Occurrence> = first.iter().chain(&second).collect();
    both.sort_by_key(|found| key(&case.event, found));
    let (both, full): (Vec<_>, Vec<_>) = (shown(both), shown(full));
    assert!(both == full, "two windows {}\none {}\n{case:#?}", differ(&both, &full), differ(&full, &both));
}

fn shown<'a>(found: impl IntoIterator<Item = &'a Occurrence>) -> Vec<(RecurrenceId, DateTime, DateTime)> {
    found.into_iter().map(|found| (found.recurrence(), found.start, found.end)).collect()
}

fn differ<T: PartialEq + core::fmt::Debug>(one: &[T], other: &[T]) -> String {
    let own: Vec<&T> = one.iter().filter(|found| !other.contains(found)).take(5).collect();
    format!("{} of which only here: {own:?}", one.len())
}

/// Cut short, what was given is the beginning, and the rest can be had.
fn small_budget(event: &CalendarEvent, (from, to): (DateTime, DateTime), small: u64, full: &[Occurrence]) {
    let (given, cut) = expand(event, (from, to), Select::Starting, small);
    assert!(full.starts_with(&given), "not the beginning with {small} steps\n{event:#?}");
    let Some(mut cut) = cut else {
        assert_eq!(given.len(), full.len(), "less, and it is not said, with {small} steps\n{event:#?}");
        return;
    };
    let mut have = ids(&given);
    let counts = event.rules.iter().chain(&event.excluded_rules);
    let counts = counts.into_iter().any(|rule| matches!(rule.end(), boxoffice_core::calendar::End::Count(_)));
    let mut steps = small.max(1);
    for round in 0..400 {
        let missed = full.iter().find(|found| found.start < cut.resume && !have.contains(&found.recurrence()));
        assert!(missed.is_none(), "{missed:?} before {} was not given, {steps} steps\n{event:#?}", cut.resume);
        let (given, again) = expand(event, (cut.resume, to), Select::Starting, steps);
        have.extend(ids(&given));
        let Some(again) = again else {
            let all = ids(full);
            let (missed, more): (Vec<_>, Vec<_>) =
                (all.difference(&have).take(4).collect(), have.difference(&all).take(4).collect());
            assert!(have == all, "missed {missed:?}, more {more:?} when resumed at {}\n{event:#?}", cut.resume);
            return;
        };
        if again.resume <= cut.resume || round > 10 {
            assert!(counts || steps < ENOUGH, "no progress at {} with {steps} steps\n{event:#?}", cut.resume);
            if steps >= ENOUGH {
                return;
            }
            steps = (steps * 2).min(ENOUGH);
        }
        cut = again;
    }
    panic!("400 rounds and no end, at {}\n{event:#?}", cut.resume);
}

/// Each one exists by its id; what lies a second later does not, unless it is another.
fn single(event: &CalendarEvent, (from, to): (DateTime, DateTime), full: &[Occurrence]) {
    let all = ids(full);
    for found in full.iter().take(12) {
        let id = found.recurrence();
        if let Ok(has) = event.has_occurrence(&id) {
            assert!(has, "{id} is given, but said to be none\n{event:#?}");
        }
        let later = id.at().saturating_add(SignedDuration::from_secs(1));
        if !event.changes.is_empty() || !(from..to).contains(&later) || later.year() > 9_999 {
            continue;
        }
        let other = match event.frame {
            Frame::Utc => RecurrenceId::utc(later),
            Frame::Date | Frame::Floating | Frame::Zoned(_) => RecurrenceId::local(later),
        };
        if let Ok(has) = event.has_occurrence(&other) {
            // A start in a gap is shown later than its id, and may be so in no window asked for.
            let shown_elsewhere = event.frame.instant(later, &TimeZone::UTC) >= event.frame.instant(to, &TimeZone::UTC);
            assert!(has == all.contains(&other) || shown_elsewhere, "{other} is said to be {has}\n{event:#?}");
        }
    }
}
