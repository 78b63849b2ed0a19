//! What is asked. Every program reads the same lines.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use serde_json::json;

use crate::Result;

/// A rule, its first start and a window, in the civil time of a zone.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) rule: String,
    pub(crate) zone: String,
    pub(crate) start: DateTime,
    pub(crate) from: DateTime,
    pub(crate) to: DateTime,
}

/// What makes up a recurrence set besides its first start.
pub(crate) struct Stated {
    pub(crate) rules: Vec<String>,
    pub(crate) dates: Vec<DateTime>,
    pub(crate) excluded: Vec<DateTime>,
}

/// A short name, and the rule.
pub(crate) const RULES: [(&str, &str); 5] = [
    ("DAILY", "FREQ=DAILY"),
    ("WEEKLY", "FREQ=WEEKLY;BYDAY=MO,WE,FR"),
    ("MONTHLY", "FREQ=MONTHLY;BYDAY=2TU"),
    ("YEARLY", "FREQ=YEARLY;BYMONTH=1,6,11;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
    ("MINUTELY", "FREQ=MINUTELY;INTERVAL=15;BYHOUR=9,10,11,12,13,14,15,16;BYDAY=MO,TU,WE,TH,FR"),
];
pub(crate) const ZONES: [&str; 2] = ["UTC", "America/New_York"];
/// Years from the first start to the window.
pub(crate) const DISTANCES: [i16; 6] = [1, 10, 50, 100, 200, 1000];
const MERGED: usize = 10_000;
const MERGED_ZONES: [&str; 5] =
    ["America/New_York", "Europe/Berlin", "Asia/Tokyo", "Australia/Sydney", "America/Los_Angeles"];

/// As iCalendar writes it.
pub(crate) fn compact(at: DateTime) -> String {
    at.strftime("%Y%m%dT%H%M%S").to_string()
}

fn start() -> DateTime {
    date(2000, 1, 3).at(9, 0, 0, 0)
}

impl Case {
    fn new(part: &str, rule: (&str, &str), zone: &str, from: DateTime, long: Span) -> Self {
        let id = format!("{part}/{}/{zone}", rule.0);
        Self { id, rule: rule.1.to_owned(), zone: zone.to_owned(), start: start(), from, to: from + long }
    }

    fn line(&self) -> String {
        let (start, from, to) = (compact(self.start), compact(self.from), compact(self.to));
        json!({"id": self.id, "rule": self.rule, "zone": self.zone, "start": start, "from": from, "to": to}).to_string()
    }
}

/// One object a line.
pub(crate) fn write(folder: &Path, name: &str, cases: &[Case]) -> Result<PathBuf> {
    let path = folder.join(format!("{name}.json"));
    let lines: String = cases.iter().map(|case| case.line() + "\n").collect();
    fs::write(&path, lines)?;
    Ok(path)
}

fn each_rule(case: impl Fn((&str, &str), &str) -> Case) -> Vec<Case> {
    RULES.iter().flat_map(|rule| ZONES.iter().map(|zone| case(*rule, zone)).collect::<Vec<_>>()).collect()
}

/// A month in 2050, and for YEARLY nine, so that each has an occurrence.
pub(crate) fn far() -> Vec<Case> {
    each_rule(|rule, zone| {
        let months = if rule.0 == "YEARLY" { 9 } else { 1 };
        Case::new("far", rule, zone, date(2050, 3, 1).at(0, 0, 0, 0), months.months())
    })
}

/// The first ten years.
pub(crate) fn ten_years() -> Vec<Case> {
    each_rule(|rule, zone| Case::new("ten", rule, zone, start(), 10.years()))
}

/// The end of a hundred years.
pub(crate) fn century(case: &Case) -> DateTime {
    case.start + 100.years()
}

/// A month of a daily rule, further and further away.
pub(crate) fn curve() -> Vec<Case> {
    let months = |zone: &str| {
        let at = |years: i16| date(2000 + years, 3, 1).at(0, 0, 0, 0);
        DISTANCES
            .iter()
            .map(|years| Case::new(&format!("curve{years}"), RULES[0], zone, at(*years), 1.month()))
            .collect()
    };
    ZONES.iter().flat_map(|zone| -> Vec<Case> { months(zone) }).collect()
}

/// The last month of 100,000 days, a minute a day after the start and a minute twenty years after it.
pub(crate) fn count() -> [Case; 3] {
    let seconds = ("SECONDLY", "FREQ=SECONDLY;COUNT=1000000000");
    let last = start() + 99_999.days();
    [
        Case::new("count", ("DAILY", "FREQ=DAILY;COUNT=100000"), "UTC", last - 30.days(), 31.days()),
        Case::new("count1d", seconds, "UTC", start() + 1.day(), 1.minute()),
        Case::new("count20y", seconds, "UTC", start() + 20.years(), 1.minute()),
    ]
}

/// Ten thousand series that began in the ten years before March 2026 and are asked for that month, as UTC has it. They
/// are mixed so that the first of them are a fair sample of all.
pub(crate) fn merged(understood: impl Fn(&str) -> bool) -> Result<Vec<Case>> {
    let rules: Vec<_> = RULES.iter().filter(|(_, rule)| understood(rule)).collect();
    let month = [date(2026, 3, 1), date(2026, 4, 1)].map(|day| day.at(0, 0, 0, 0).to_zoned(TimeZone::UTC));
    let [from, to] = month;
    let (from, to) = (from?, to?);
    (0..MERGED)
        .map(|number| {
            let rule = rules[number % rules.len()];
            let zone = MERGED_ZONES[number / rules.len() % MERGED_ZONES.len()];
            // 1597 has no factor in common with the 3652 days.
            let day = date(2016, 3, 1) + ((number * 1_597 % 3_652) as i64).days();
            let there = TimeZone::get(zone)?;
            Ok(Case {
                id: number.to_string(),
                rule: rule.1.to_owned(),
                zone: zone.to_owned(),
                start: day.at(9, (number * 7 % 60) as i8, 0, 0),
                from: from.with_time_zone(there.clone()).datetime(),
                to: to.with_time_zone(there).datetime(),
            })
        })
        .collect()
}
