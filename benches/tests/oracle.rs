//! Our expansion beside that of the crate `rrule` 0.14, on random rules, where that crate is known to be right.
//!
//! Left out is what it is known to do otherwise than RFC 5545 says: BYDAY with and without numbers in one list, fifth
//! weekdays from the end, weeks that reach into another year and weeks without a weekday, BYSETPOS in the first week,
//! steps within the day of more than one, starts in a gap, UNTIL before the start, the twentieth weekday of a month, and
//! minutes and seconds of few days: after 100,000 periods without a start it ends and does not say so.
//!
//! `PROPTEST_CASES=500 cargo test -p boxoffice-benches --test oracle`

use boxoffice::calendar::{CalendarEvent, Frame, Length, Select};
use boxoffice::id::SeriesId;
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use proptest::prelude::*;
use proptest::sample::select;
use rrule::RRuleSet;

/// Starts that are compared.
const STARTS: usize = 40;

const FREQUENCIES: [(&str, i64); 7] = [
    ("YEARLY", 20 * 365),
    ("MONTHLY", 8 * 365),
    ("WEEKLY", 5 * 365),
    ("DAILY", 3 * 365),
    ("HOURLY", 30),
    ("MINUTELY", 5),
    ("SECONDLY", 1),
];

#[derive(Debug)]
struct Case {
    rule: String,
    start: DateTime,
    zone: &'static str,
    from: DateTime,
    to: DateTime,
}

/// What both crates accept of the parts, in order.
fn rule(frequency: &str, parts: &[&str]) -> String {
    let mut rule = format!("FREQ={frequency}");
    for part in parts {
        let longer = format!("{rule};{part}");
        if longer.parse::<boxoffice::calendar::RecurrenceRule>().is_ok() {
            rule = longer;
        }
    }
    rule
}

fn any_parts() -> impl Strategy<Value = Vec<&'static str>> {
    let part = |values: &'static [&'static str]| prop::option::weighted(0.3, select(values));
    let parts = (
        part(&["INTERVAL=2", "INTERVAL=3", "INTERVAL=5", "INTERVAL=17"]),
        part(&["WKST=SU", "WKST=WE", "WKST=SA"]),
        part(&["BYMONTH=1,6", "BYMONTH=2", "BYMONTH=3,4,10,11,12", "BYMONTH=8"]),
        part(&["BYWEEKNO=20", "BYWEEKNO=5,-10,40", "BYYEARDAY=1,100,-1", "BYYEARDAY=366,-366,60", "BYYEARDAY=-100"]),
        part(&["BYMONTHDAY=1", "BYMONTHDAY=-1,31", "BYMONTHDAY=13,29,30", "BYMONTHDAY=-31,28,2"]),
        part(&["BYDAY=MO", "BYDAY=MO,WE,FR", "BYDAY=SU", "BYDAY=2TU,-1FR", "BYDAY=1SA,4SU,-3MO", "BYDAY=20MO,-2TH"]),
        part(&["BYHOUR=9,17", "BYHOUR=12", "BYHOUR=10,11,12,23"]),
        part(&["BYMINUTE=0,30", "BYMINUTE=15", "BYMINUTE=59,1"]),
        part(&["BYSECOND=0,40", "BYSECOND=59"]),
        part(&["BYSETPOS=1", "BYSETPOS=-1,2", "BYSETPOS=-2", "BYSETPOS=3,-3,1"]),
    );
    parts.prop_map(|(a, b, c, d, e, f, g, h, i, j)| [a, b, c, d, e, f, g, h, i, j].into_iter().flatten().collect())
}

fn is_known_right(frequency: &str, part: &str) -> bool {
    let of_the_day = ["BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS", "WKST"].iter().any(|name| part.starts_with(name));
    match frequency {
        "SECONDLY" | "MINUTELY" => of_the_day,
        "HOURLY" => !part.starts_with("INTERVAL"),
        "MONTHLY" => part != "BYDAY=20MO,-2TH",
        _ => true,
    }
}

fn any_case() -> impl Strategy<Value = Case> {
    let zone = select(&["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]);
    let start = (0..20_000_i32, 9..24_i8, select(&[0_i8, 15, 59]));
    let end = (0..4_u8, 1..60_u32, 0..100_i64);
    (select(&FREQUENCIES), any_parts(), zone, start, end).prop_map(|((frequency, days), parts, zone, at, end)| {
        let start = (date(1971, 1, 1) + at.0.days()).at(at.1, at.2, 0, 0);
        // Steps within the day come by every gap.
        let within = ["HOURLY", "MINUTELY", "SECONDLY"].contains(&frequency);
        let zone = if within { "UTC" } else { zone };
        let parts: Vec<&str> = parts.into_iter().filter(|part| is_known_right(frequency, part)).collect();
        let mut text = rule(frequency, &parts);
        let week_of_year = text.contains("BYWEEKNO");
        if week_of_year && (!text.contains("BYDAY") || text.contains("INTERVAL")) {
            text = rule(frequency, &parts.into_iter().filter(|part| !part.starts_with("BYWEEKNO")).collect::<Vec<_>>());
        }
        let first_week = frequency == "WEEKLY" && text.contains("BYSETPOS");
        let until = start + Span::new().days(end.2 * days / 100 + 1);
        match end.0 {
            0 if !first_week => text += &format!(";COUNT={}", end.1),
            1 => text += &until.strftime(";UNTIL=%Y%m%dT%H%M%SZ").to_string(),
            _ => {}
        }
        let from = if first_week { start + 8.days() } else { start };
        Case { rule: text, start, zone, from, to: start + days.days() }
    })
}

fn zone_of(case: &Case) -> TimeZone {
    TimeZone::get(case.zone).unwrap()
}

fn second(case: &Case, at: DateTime) -> i64 {
    zone_of(case).to_zoned(at).unwrap().timestamp().as_second()
}

fn ours(case: &Case) -> Vec<i64> {
    let frame = if case.zone == "UTC" { Frame::Utc } else { Frame::zoned(case.zone).unwrap() };
    let event = CalendarEvent::new(SeriesId::new("s").unwrap(), "", case.start, frame, Length::ZERO)
        .repeating(case.rule.parse().unwrap());
    let found = event.occurrences(case.from, case.to, Select::Starting).take(STARTS);
    found.map(|found| found.unwrap().window(&TimeZone::UTC).start.as_millis() / 1_000).collect()
}

/// None if it refuses the rule.
fn theirs(case: &Case) -> Option<Vec<i64>> {
    let start = case.start.strftime("%Y%m%dT%H%M%S");
    let start =
        if case.zone == "UTC" { format!("DTSTART:{start}Z") } else { format!("DTSTART;TZID={}:{start}", case.zone) };
    let set: RRuleSet = format!("{start}\nRRULE:{}", case.rule).parse().ok()?;
    let (from, to) = (second(case, case.from), second(case, case.to));
    let found = set.into_iter().map(|at| at.timestamp()).take_while(|at| *at < to).filter(|at| *at >= from);
    Some(found.take(STARTS).collect())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        max_global_rejects: 1_000_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn both_give_the_same_starts(case in any_case()) {
        let ours = ours(&case);
        // Where there is nothing to find it looks for days, at every second until the year 9999.
        let coarse = ["YEARLY", "MONTHLY", "WEEKLY"].iter().any(|frequency| case.rule.contains(frequency));
        prop_assume!(coarse || !ours.is_empty());
        let theirs = theirs(&case);
        prop_assert!(theirs.is_some(), "it refuses the rule");
        prop_assert_eq!(Some(ours), theirs);
    }
}
