//! Rules against the examples of RFC 5545, against the vectors beside the project if they are there, and their laws.

mod bombs;
mod found;
mod ical;
mod ical_itip;
mod ical_write;

use jiff::civil::{DateTime, date};
use proptest::prelude::*;

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

/// The days of the first occurrences, as `1997-09-02`.
#[track_caller]
fn check_days(start: &str, rule: &str, expected: &str) {
    let event = event(start, Frame::zoned("America/New_York").unwrap(), rule);
    let found: Vec<String> = event
        .occurrences(start.parse().unwrap(), date(2100, 1, 1).into(), Select::Starting)
        .take(20)
        .map(|found| found.unwrap().start.to_string())
        .collect();
    let days: Vec<&str> = found.iter().filter_map(|start| start.split('T').next()).collect();
    let expected: Vec<&str> = expected.split_whitespace().collect();
    assert_eq!(days.get(..expected.len()).unwrap_or(&days), expected, "{rule}");
}

/// RFC 5545 section 3.8.5.3, the examples of DAILY to YEARLY that fit on a line.
#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn the_examples_of_the_standard_come_out_as_it_says() {
    const SEP_2: &str = "1997-09-02T09:00:00";
    let table = [
        (SEP_2, "FREQ=DAILY;COUNT=3", "1997-09-02 1997-09-03 1997-09-04"),
        (SEP_2, "FREQ=DAILY;INTERVAL=2", "1997-09-02 1997-09-04 1997-09-06"),
        (SEP_2, "FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02 1997-09-12 1997-09-22 1997-10-02 1997-10-12"),
        ("1998-01-01T09:00:00", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", "1998-01-01 1998-01-02 1998-01-03"),
        (SEP_2, "FREQ=WEEKLY;INTERVAL=2;WKST=SU", "1997-09-02 1997-09-16 1997-09-30 1997-10-14"),
        (SEP_2, "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "1997-09-02 1997-09-04 1997-09-09 1997-09-11"),
        (
            "1997-09-01T09:00:00",
            "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,WE,FR",
            "1997-09-01 1997-09-03 1997-09-05 1997-09-15",
        ),
        ("1997-09-05T09:00:00", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997-09-05 1997-10-03 1997-11-07 1997-12-05"),
        (
            "1997-09-07T09:00:00",
            "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
            "1997-09-07 1997-09-28 1997-11-02 1997-11-30",
        ),
        ("1997-09-22T09:00:00", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "1997-09-22 1997-10-20 1997-11-17 1997-12-22"),
        (
            "1997-09-28T09:00:00",
            "FREQ=MONTHLY;BYMONTHDAY=-3",
            "1997-09-28 1997-10-29 1997-11-28 1997-12-29 1998-01-29 1998-02-26",
        ),
        (SEP_2, "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", "1997-09-02 1997-09-15 1997-10-02 1997-10-15"),
        ("1997-09-30T09:00:00", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", "1997-09-30 1997-10-01 1997-10-31 1997-11-01"),
        (
            "1997-09-10T09:00:00",
            "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
            "1997-09-10 1997-09-11 1997-09-12 1997-09-13 1997-09-14 1997-09-15 1999-03-10",
        ),
        ("1997-06-10T09:00:00", "FREQ=YEARLY;COUNT=10;BYMONTH=6,7", "1997-06-10 1997-07-10 1998-06-10 1998-07-10"),
        (
            "1997-01-01T09:00:00",
            "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
            "1997-01-01 1997-04-10 1997-07-19 2000-01-01 2000-04-09",
        ),
        ("1997-05-19T09:00:00", "FREQ=YEARLY;BYDAY=20MO", "1997-05-19 1998-05-18 1999-05-17"),
        ("1997-05-12T09:00:00", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997-05-12 1998-05-11 1999-05-17"),
        ("1997-03-13T09:00:00", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "1997-03-13 1997-03-20 1997-03-27 1998-03-05"),
        (
            "1998-02-13T09:00:00",
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
            "1998-02-13 1998-03-13 1998-11-13 1999-08-13 2000-10-13",
        ),
        (
            "1996-11-05T09:00:00",
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
            "1996-11-05 2000-11-07 2004-11-02",
        ),
        ("1997-09-04T09:00:00", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04 1997-10-07 1997-11-06"),
        (
            "1997-09-29T09:00:00",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
            "1997-09-29 1997-10-30 1997-11-27 1997-12-30",
        ),
        (
            "1997-08-05T09:00:00",
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            "1997-08-05 1997-08-10 1997-08-19 1997-08-24",
        ),
        (
            "1997-08-05T09:00:00",
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            "1997-08-05 1997-08-17 1997-08-19 1997-08-31",
        ),
        (
            "2007-01-15T09:00:00",
            "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
            "2007-01-15 2007-01-30 2007-02-15 2007-03-15 2007-03-30",
        ),
    ];
    for (start, rule, expected) in table {
        check_days(start, rule, expected);
    }
}

#[test]
fn a_month_without_the_day_is_skipped_and_does_not_count() {
    check_days("2026-01-31T09:00:00", "FREQ=MONTHLY;COUNT=4", "2026-01-31 2026-03-31 2026-05-31 2026-07-31");
    check_days("2024-02-29T09:00:00", "FREQ=YEARLY;COUNT=2", "2024-02-29 2028-02-29");
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

// ---- laws ----

fn any_rule() -> impl Strategy<Value = String> {
    let part = |name: &'static str, values: &'static [&'static str]| {
        prop::option::weighted(0.4, prop::sample::select(values))
            .prop_map(move |value| value.map_or(String::new(), |value| format!(";{name}={value}")))
    };
    let frequency = prop::sample::select(&["DAILY", "WEEKLY", "MONTHLY", "YEARLY"][..]);
    let end = prop::sample::select(&["", ";COUNT=7", ";COUNT=100", ";UNTIL=20270301T000000"][..]);
    let parts = (
        part("BYMONTH", &["1,6", "2", "3,4,5"]),
        part("BYDAY", &["MO", "MO,WE,FR", "SU"]),
        part("BYMONTHDAY", &["1", "-1", "13,31", "29"]),
        part("INTERVAL", &["1", "2", "3", "5"]),
        part("WKST", &["SU", "WE"]),
        part("BYHOUR", &["9,17", "0"]),
    );
    (frequency, end, parts).prop_map(|(frequency, end, (month, day, monthday, interval, wkst, hour))| {
        let monthday = if frequency == "WEEKLY" { String::new() } else { monthday };
        format!("FREQ={frequency}{end}{month}{day}{monthday}{interval}{wkst}{hour}")
    })
}

fn any_instant() -> impl Strategy<Value = DateTime> {
    (0..2_000_i32, 0..24_i8)
        .prop_map(|(days, hour)| date(2025, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap().at(hour, 0, 0, 0))
}

proptest! {
    #[test]
    fn windows_that_meet_give_together_what_one_window_gives(
        rule in any_rule(), start in any_instant(), mut cuts in prop::array::uniform3(any_instant()),
    ) {
        cuts.sort();
        let event = event(&start.to_string(), Frame::zoned("Europe/London").unwrap(), &rule);
        let between = |from: DateTime, to: DateTime| all(&event, from, to);
        let halves = [between(cuts[0], cuts[1]), between(cuts[1], cuts[2])].concat();
        let whole = between(cuts[0], cuts[2]);
        prop_assert!(whole.is_sorted_by(|a, b| a.start < b.start), "{:?}", rule);
        prop_assert_eq!(halves, whole);
    }

    #[test]
    fn a_count_does_not_depend_on_the_window(rule in any_rule(), start in any_instant(), from in any_instant()) {
        let event = event(&start.to_string(), Frame::Floating, &rule);
        let to = date(2032, 1, 1).at(0, 0, 0, 0);
        let whole = all(&event, start, to);
        let later = all(&event, from, to);
        let expected: Vec<_> = whole.into_iter().filter(|occurrence| occurrence.start >= from).collect();
        prop_assert_eq!(later, expected);
    }

    #[test]
    fn a_rule_reads_back_as_it_was_written(rule in any_rule()) {
        let rule: RecurrenceRule = rule.parse().unwrap();
        prop_assert_eq!(rule.to_string().parse::<RecurrenceRule>().unwrap(), rule);
    }
}
