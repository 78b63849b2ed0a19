//! The vectors and calendars beside the project, in `../shared`, where they are there. Each test says so if not.
#![expect(clippy::print_stderr, reason = "counts are printed for whoever runs the tests")]

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use jiff::civil::{DateTime, date};

use super::super::*;
use crate::id::SeriesId;

fn folder(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    if !path.is_dir() {
        eprintln!("skipped: there is no {}", path.display());
    }
    path.is_dir().then_some(path)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn civil(text: &str) -> DateTime {
    let text = text.trim_end_matches('Z');
    text.parse().or_else(|_| text.parse::<jiff::civil::Date>().map(DateTime::from)).unwrap()
}

fn frame_of(tzid: &str) -> Frame {
    match tzid {
        "UTC" => Frame::Utc,
        "floating" => Frame::Floating,
        "date" => Frame::Date,
        tzid => Frame::zoned(tzid).unwrap(),
    }
}

/// None when a rule is not supported yet.
fn outcome(vector: &Value) -> Option<Result<(), String>> {
    let rules: Vec<&str> = match vector["rrules"].as_array() {
        Some(rules) => rules.iter().filter_map(Value::as_str).collect(),
        None => vec![text(vector, "rrule")],
    };
    if vector["exrules"].as_array().is_some_and(|rules| !rules.is_empty()) {
        return None;
    }
    let series = SeriesId::new("s").unwrap();
    let frame = frame_of(text(vector, "tzid"));
    let mut event = CalendarEvent::new(series, "", civil(text(vector, "dtstart")), frame, Length::ZERO);
    for rule in rules.into_iter().filter(|rule| !rule.is_empty()) {
        match rule.parse() {
            Ok(rule) => event.rules.push(rule),
            Err(RuleError::Unsupported { .. }) => return None,
            Err(error) => return Some(Err(error.to_string())),
        }
    }
    let list = |name: &str| vector[name].as_array().cloned().unwrap_or_default();
    event.dates = list("rdate").iter().filter_map(Value::as_str).map(|at| (civil(at), None)).collect();
    event.excluded = list("exdate").iter().filter_map(Value::as_str).map(civil).collect();
    let (from, to) = (civil(text(vector, "window_start")), civil(text(vector, "window_end")));
    let found: Result<Vec<DateTime>, Truncated> =
        event.occurrences(from, to, Select::Starting).map(|found| Ok(found?.start)).collect();
    let found = match found {
        Ok(found) => found,
        Err(error) => return Some(Err(error.to_string())),
    };
    let expected: Vec<DateTime> = list("expected").iter().filter_map(Value::as_str).map(civil).collect();
    if found == expected {
        return Some(Ok(()));
    }
    let (found, expected) = (found.iter().take(6), expected.iter().take(6));
    Some(Err(format!("found {:?} wanted {:?}", found.collect::<Vec<_>>(), expected.collect::<Vec<_>>())))
}

#[test]
fn every_vector_whose_rule_is_supported_is_met() {
    let Some(folder) = folder("vectors") else { return };
    let mut failures = Vec::new();
    for name in ["rfc5545", "facts", "dst", "far", "empty", "issues", "random", "adjudicated"] {
        let vectors = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let vectors: Vec<Value> = serde_json::from_str(&vectors).unwrap();
        let (mut passed, mut unsupported, mut failed) = (0, 0, 0);
        for vector in &vectors {
            match outcome(vector) {
                None => unsupported += 1,
                Some(Ok(())) => passed += 1,
                Some(Err(error)) => {
                    failed += 1;
                    failures.push(format!("{} {}: {error}", text(vector, "name"), text(vector, "rrule")));
                }
            }
        }
        eprintln!("{name}: {passed} passed, {failed} failed, {unsupported} not supported yet");
        assert!(passed > 0, "{name}");
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures[..failures.len().min(40)].join("\n"));
}

/// UID, start, end, frame. Where the other program has no UID or no name for a zone, neither is compared.
type Row = (String, DateTime, DateTime, String);

fn row(uid: &str, start: DateTime, end: DateTime, kind: &str) -> Row {
    let uid = if uid.starts_with("no-uid-") { "" } else { uid };
    let custom = kind.starts_with('<') || !(["UTC", "floating", "date"].contains(&kind) || Zone::named(kind).is_ok());
    let kind = if custom { "custom" } else { kind };
    (uid.to_owned(), start, end, kind.to_owned())
}

fn expected_rows(window: &Value) -> Vec<Row> {
    let rows = window["occurrences"].as_array().unwrap().iter();
    let mut rows: Vec<Row> =
        rows.map(|o| row(text(o, "uid"), civil(text(o, "start")), civil(text(o, "end")), text(o, "kind"))).collect();
    rows.sort();
    rows
}

fn found_rows(import: &Import, from: DateTime, to: DateTime) -> Vec<Row> {
    let events = import.events.iter().flat_map(|event| {
        let found = event.occurrences(from, to, Select::Overlapping).map(Result::unwrap);
        found.map(move |o| row(event.series.as_str(), o.start, o.end, o.frame.name()))
    });
    let mut rows: Vec<Row> = events.collect();
    rows.sort();
    rows
}

/// Files in which the two programs do something else on purpose, and why.
const KNOWN: [(&str, &str); 9] = [
    ("ical-expander__recur.ics", "X-WR-TIMEZONE is applied to UTC times there"),
    ("ical.net__timezone3.ics", "a whole day is given a zone there"),
    ("node-ical__yearly-recurring-unicode.ics", "a whole day is given a zone there"),
    ("node-ical__vtimezone-year-0001-dtstart.ics", "a Windows zone is left unnamed there"),
    ("node-ical__windows-quoted-tz-rrule.ics", "the zone of DTSTART is ignored there"),
    ("khal__event_dtr_no_tz_exdatez.ics", "an unknown zone is read as UTC there"),
    ("node-ical__test_with_int_tzid.ics", "an unknown zone is read as floating there"),
    ("recurring-ical-eve__issue_75_range_parameter.ics", "a date as UNTIL ends at its midnight there"),
    ("libical__2446.ics", "one UID for several series, which mixes them there and keeps the newest here"),
];

#[test]
fn real_calendars_give_the_occurrences_that_two_other_programs_agree_on() {
    let Some(folder) = folder("ics") else { return };
    let expected = fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: Vec<Value> = serde_json::from_str(&expected).unwrap();
    let (mut passed, mut confirmed, mut failures) = (0, 0, Vec::new());
    for file in &expected {
        let name = text(file, "file");
        let import = read_icalendar(&fs::read(folder.join("files").join(name)).unwrap()).unwrap();
        for window in file["windows"].as_array().unwrap() {
            let (from, to) = (civil(text(window, "window_start")), civil(text(window, "window_end")));
            let (found, wanted) = (found_rows(&import, from, to), expected_rows(window));
            if window["confirmed"] != Value::Bool(true) {
                continue;
            }
            confirmed += 1;
            if found == wanted {
                passed += 1;
            } else if !KNOWN.iter().any(|(known, _)| *known == name) {
                let extra: Vec<_> = found.iter().filter(|row| !wanted.contains(row)).take(2).collect();
                let missing: Vec<_> = wanted.iter().filter(|row| !found.contains(row)).take(2).collect();
                let notes: Vec<_> = import.diagnostics.iter().take(2).map(ToString::to_string).collect();
                failures.push(format!("{name} {from}: extra {extra:?} missing {missing:?} notes {notes:?}"));
            }
        }
    }
    eprintln!("{passed} of {confirmed} confirmed windows");
    assert!(failures.is_empty(), "{} windows differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn broken_files_never_panic_and_say_what_is_wrong() {
    let Some(folder) = folder("ics") else { return };
    for file in fs::read_dir(folder.join("parse_only")).unwrap() {
        let path = file.unwrap().path();
        match read_icalendar(&fs::read(&path).unwrap()) {
            Ok(import) => {
                for event in &import.events {
                    let window = (date(1990, 1, 1).into(), date(2040, 1, 1).into());
                    assert!(
                        event.occurrences(window.0, window.1, Select::Overlapping).all(|found| found.is_ok()),
                        "{path:?}"
                    );
                }
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
