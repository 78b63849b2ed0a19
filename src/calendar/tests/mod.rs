//! What events and their occurrences do; in modules of their own the examples of the standards, zones and laws.

mod bombs;
mod corners;
mod found;
mod ical;
mod ical_itip;
mod ical_write;
mod laws;
mod rfc5545;
mod rfc7529;
mod zones_between_years;

use jiff::ToSpan;
use jiff::civil::{DateTime, date};

use super::*;
use crate::id::{RecurrenceId, SeriesId};

fn event(start: &str, frame: Frame, rule: &str) -> CalendarEvent {
    let start = start.parse().unwrap();
    let event = CalendarEvent::new(SeriesId::new("s").unwrap(), "", start, frame, Length::ZERO);
    event.repeating(rule.parse().unwrap())
}

fn starts(event: &CalendarEvent, from: &str, to: &str) -> Vec<String> {
    let window = (from.parse().unwrap(), to.parse().unwrap());
    let found = event.occurrences(window.0, window.1, Select::Starting);
    found.map(|occurrence| occurrence.unwrap().start.to_string()).collect()
}

fn all(event: &CalendarEvent, from: DateTime, to: DateTime) -> Vec<Occurrence> {
    event.occurrences(from, to, Select::Starting).map(Result::unwrap).collect()
}

/// The event with these lines, read from a file.
fn from_file(lines: &[&str]) -> CalendarEvent {
    let file = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\n{}\nEND:VEVENT\nEND:VCALENDAR\n", lines.join("\n"));
    let mut import = read_icalendar(file.as_bytes()).unwrap();
    // It may say that a first start is none of the rule.
    assert!(import.diagnostics.iter().all(|note| note.message.contains("not given by the RRULE")), "{file}");
    import.events.remove(0)
}

/// The starts that a short list names, and whether it says that they go on: `1997-09` is a month, `2` a day of it and
/// `2..30/7` several, all at nine; `1997-09-02` is a day, `09:20` a time on it and `09:00..16:40/20` several; `...` at
/// the end is for more.
fn listed(list: &str) -> (Vec<DateTime>, bool) {
    let (mut found, mut day) = (Vec::new(), date(1, 1, 1));
    for word in list.split_whitespace().filter(|word| *word != "...") {
        let (span, step) = word.split_once('/').unwrap_or((word, "1"));
        let (first, last) = span.split_once("..").unwrap_or((span, span));
        let between = |read: &dyn Fn(&str) -> i64| (read(first)..=read(last)).step_by(step.parse().unwrap());
        let minutes = |time: &str| time[..2].parse::<i64>().unwrap() * 60 + time[3..].parse::<i64>().unwrap();
        match word.matches(['-', ':']).count() {
            0 => found.extend(between(&|day| day.parse().unwrap()).map(|n| day.at(9, 0, 0, 0) + (n - 1).days())),
            1 if first.len() == 7 => day = format!("{word}-01").parse().unwrap(),
            2 if first.len() == 10 => day = word.parse().unwrap(),
            _ => found.extend(between(&minutes).map(|n| day.at(0, 0, 0, 0) + n.minutes())),
        }
    }
    (found, list.ends_with("..."))
}

/// All starts of an event; if they go on, as many as are listed.
#[track_caller]
fn check(event: &CalendarEvent, list: &str, what: &str) {
    let (expected, goes_on) = listed(list);
    let found = event.occurrences(DateTime::MIN, DateTime::MAX, Select::Starting).map(|found| found.unwrap().start);
    let found: Vec<DateTime> = found.take(expected.len() + usize::from(!goes_on)).collect();
    assert_eq!(found, expected, "{what}");
}

#[test]
fn a_time_that_the_zone_skips_is_shown_after_the_gap_and_one_that_comes_twice_is_the_first() {
    let berlin = Frame::zoned("Europe/Berlin").unwrap();
    let spring = event("2026-03-28T02:30:00", berlin.clone(), "FREQ=DAILY;COUNT=3");
    let found = all(&spring, date(2026, 3, 28).into(), date(2026, 3, 31).into());
    let shown: Vec<_> = found.iter().map(|o| (o.start.to_string(), o.recurrence().to_string())).collect();
    assert_eq!(shown[1], ("2026-03-29T03:30:00".to_owned(), "20260329T023000".to_owned()));

    let autumn = event("2026-10-25T02:30:00", berlin, "FREQ=DAILY;COUNT=1");
    let found = all(&autumn, date(2026, 10, 25).into(), date(2026, 10, 26).into());
    let window = found[0].window(&jiff::tz::TimeZone::UTC);
    assert_eq!(window.start.to_string(), "2026-10-25T00:30:00Z");
}

#[test]
fn rules_are_refused_by_the_part_that_is_wrong() {
    let table = [
        ("", "rule part =: is no part of a rule"),
        ("INTERVAL=2", "rule FREQ: is missing"),
        ("FREQ=FORTNIGHTLY", "rule part FREQ=FORTNIGHTLY: is no frequency"),
        ("FREQ=DAILY;COUNT=0", "rule part COUNT=0: must be a whole number from 1 to 4294967295"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20260101", "rule COUNT: does not go with UNTIL"),
        ("FREQ=DAILY;FREQ=DAILY", "rule part FREQ=DAILY: stands here twice"),
        ("FREQ=DAILY;BYMONTH=13", "rule part BYMONTH=13: has a number out of range"),
        ("FREQ=WEEKLY;BYDAY=1MO", "rule BYDAY: numbers are only for MONTHLY and YEARLY"),
        ("FREQ=MONTHLY;BYDAY=XX", "rule part BYDAY=XX: has no such weekday"),
        ("FREQ=MONTHLY;BYDAY=255SU", "rule part BYDAY=255SU: has a number out of range"),
        ("FREQ=MONTHLY;BYSETPOS=1", "rule BYSETPOS: needs another BY part"),
        ("FREQ=DAILY;UNTIL=20260230", "rule part UNTIL=20260230: is not YYYYMMDD, YYYYMMDDTHHMMSS or YYYYMMDDTHHMMSSZ"),
        ("FREQ=MONTHLY;RSCALE=HEBREW", "rule part RSCALE=HEBREW is not supported yet"),
    ];
    for (text, message) in table {
        assert_eq!(text.parse::<RecurrenceRule>().unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn an_occurrence_is_known_by_the_start_that_the_rule_gave_it() {
    let berlin = Frame::zoned("Europe/Berlin").unwrap();
    let mut chess = event("2026-01-05T19:00:00", berlin.clone(), "FREQ=WEEKLY");
    chess.changes.push(Change {
        of: date(2026, 1, 12).at(19, 0, 0, 0),
        range: Range::This,
        start: date(2026, 2, 1).at(10, 0, 0, 0),
        frame: berlin,
        length: Length::ZERO,
        summary: "moved".into(),
        cancelled: false,
        details: std::sync::Arc::default(),
    });
    let knows = |id: &str| chess.has_occurrence(&RecurrenceId::new(id).unwrap()).unwrap();
    assert!(knows("20260112T190000") && knows("20260119T190000"));
    let mut removed = chess.clone();
    removed.excluded.push(date(2026, 1, 12).at(19, 0, 0, 0));
    assert!(!removed.has_occurrence(&RecurrenceId::new("20260112T190000").unwrap()).unwrap());
    assert!(!knows("20260112T190001") && !knows("20260113T190000") && !knows("20260112") && !knows("20260112T190000Z"));
    assert_eq!(starts(&chess, "2026-01-06", "2026-01-20"), ["2026-01-19T19:00:00"]);
    assert_eq!(starts(&chess, "2026-01-31", "2026-02-02"), ["2026-02-01T10:00:00"]);
}

/// A change of one occurrence that leaves it where it is.
fn kept(event: &CalendarEvent, of: &str) -> Change {
    let of: DateTime = of.parse().unwrap();
    Change {
        of,
        range: Range::This,
        start: of,
        frame: event.frame.clone(),
        length: Length::ZERO,
        summary: "changed".into(),
        cancelled: false,
        details: std::sync::Arc::default(),
    }
}

#[test]
fn a_changed_occurrence_keeps_its_place_behind_a_date_that_says_what_the_rule_says() {
    let mut daily = event("2026-01-01T09:00", Frame::Floating, "FREQ=DAILY;COUNT=4");
    daily.dates.push((date(2026, 1, 2).at(9, 0, 0, 0), None));
    daily.changes.push(kept(&daily, "2026-01-03T09:00"));
    check(&daily, "2026-01 1..4", "in order");
}

#[test]
fn a_rule_that_hardly_ever_matches_ends_within_its_steps() {
    let never = event("0001-01-01T00:00:00", Frame::Floating, "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30");
    let mut found = never.occurrences(date(1, 1, 1).into(), date(9999, 12, 31).into(), Select::Starting);
    assert_eq!(found.next(), None);
    let mut found = found.with_steps(10);
    assert_eq!(found.next(), None);
}

#[test]
fn an_expansion_that_is_cut_short_says_where_to_go_on() {
    let ticks = event("2020-01-01T00:00:00", Frame::Floating, "FREQ=SECONDLY;COUNT=5000");
    let (mut from, to) = (date(2020, 1, 1).at(0, 0, 0, 0), date(2021, 1, 1).at(0, 0, 0, 0));
    let (mut given, mut cuts) = (Vec::new(), 0);
    loop {
        let mut cut = None;
        for found in ticks.occurrences(from, to, Select::Starting).with_steps(1_500) {
            match found {
                Ok(occurrence) => given.push(occurrence.start),
                Err(truncated) => cut = Some(truncated),
            }
        }
        let Some(truncated) = cut else { break };
        assert!(truncated.resume > from, "{truncated}");
        (from, cuts) = (truncated.resume, cuts + 1);
    }
    assert!((3..20).contains(&cuts), "{cuts}");
    let seconds: Vec<_> = (0..5_000)
        .map(|n| to.checked_sub(jiff::Span::new().days(366)).unwrap() + jiff::SignedDuration::from_secs(n))
        .collect();
    assert_eq!(given, seconds);
}
