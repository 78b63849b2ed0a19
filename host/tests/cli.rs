//! The command line as a user meets it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may panic too")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn calendar() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/calendars/city-library.ics")
}

fn boxoffice(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_boxoffice")).args(args).output().unwrap()
}

/// The command ends with exit code 2 and one line that says `what`.
#[track_caller]
fn refused(args: &[&str], what: &str) {
    let output = boxoffice(args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
    assert!(stderr.contains(what), "{args:?}: {stderr}");
    assert!(output.stdout.is_empty());
}

fn json(output: &Output) -> serde_json::Value {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_slice(&output.stdout).expect("one line of JSON")
}

#[test]
fn bad_flags_files_and_paths_end_with_one_line_and_an_untouched_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let ics = calendar().to_str().unwrap().to_owned();
    let store = path("store");
    fs::write(path("letter.txt"), "dear ann").unwrap();
    fs::create_dir(path("folder")).unwrap();
    fs::write(path("folder/letter.txt"), "dear ann").unwrap();

    refused(&[], "--help");
    refused(&["sell"], "sell");
    refused(&["onsale"], "--calendar");
    refused(&["onsale", "--calendar", &ics, "--capacity", "many"], "--capacity");
    refused(&["onsale", "--calendar", &ics, "--hold-percent", "101"], "101");
    refused(&["onsale", "--calendar", &ics, "--from", "yesterday"], "--from");
    refused(&["onsale", "--calendar", &ics, "--from", "2026-02-01", "--to", "2026-01-01", "--store", &store], "--to");
    refused(&["onsale", "--calendar", &path("nowhere.ics"), "--store", &store], "nowhere.ics");
    refused(&["onsale", "--calendar", &path("letter.txt"), "--store", &store], "not an iCalendar file");
    refused(&["onsale", "--calendar", &path("folder"), "--store", &store], "folder");
    assert!(!Path::new(&store).exists());

    refused(&["onsale", "--calendar", &ics, "--store", &path("folder")], "not the store asked for");
    assert_eq!(fs::read_dir(path("folder")).unwrap().count(), 1);
    refused(&["verify", "--store", &store], "no store at");
    assert!(!Path::new(&store).exists());
    refused(&["expand", "--ics", &ics, "--from", "2026-12-01", "--to", "2026-12-01"], "--to");
}

#[test]
fn a_sale_that_is_killed_in_the_middle_loses_nothing_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let (ics, store) = (calendar(), store.to_str().unwrap());
    let window = ["--from", "2026-12-01", "--to", "2026-12-15"];
    let mut args = vec!["onsale", "--json", "--calendar", ics.to_str().unwrap(), "--store", store];
    args.extend(window);
    args.extend(["--buyers", "3000", "--capacity", "60", "--crash-after", "500"]);
    let line = json(&boxoffice(&args));
    assert_eq!(line["crash"]["killed"], true);
    assert!(line["crash"]["acknowledged"].as_u64().unwrap() >= 500);
    for zero in [&line["crash"]["lost"], &line["lost"], &line["oversold"]] {
        assert_eq!(zero, 0, "{line}");
    }
    assert!(line["sold"].as_u64().unwrap() + line["held"].as_u64().unwrap() <= line["capacity"].as_u64().unwrap());

    let verified = json(&boxoffice(&["verify", "--json", "--store", store]));
    assert_eq!(verified["confirmed"], line["sold"]);
    assert!(verified["refunds_due"].is_u64(), "{verified}");
    assert_eq!(verified["breaches"].as_array().unwrap().len(), 0);
}

#[test]
fn expand_lists_each_occurrence_as_one_line_of_json() {
    let ics = calendar();
    let args = ["expand", "--json", "--from", "2026-12-14", "--to", "2026-12-16", "--ics", ics.to_str().unwrap()];
    let output = boxoffice(&args);
    let lines: Vec<serde_json::Value> =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    // The chess evening of the 14th was moved to the 15th and keeps its id.
    let chess = lines.iter().find(|line| line["uid"] == "chess@kiezbibliothek.example").unwrap();
    let expected = serde_json::json!({
        "uid": "chess@kiezbibliothek.example", "recurrence_id": "20261214T190000", "start": "2026-12-15T19:00:00",
        "end": "2026-12-15T22:00:00", "tzid": "Europe/Berlin", "all_day": false,
    });
    assert_eq!(*chess, expected);
    assert!(lines.is_sorted_by_key(|line| line["start"].as_str().unwrap().to_owned()));
}

#[test]
fn every_command_explains_itself() {
    for command in ["onsale", "verify", "expand", "flows", "notify"] {
        let output = boxoffice(&[command, "--help"]);
        assert!(output.status.success());
        assert!(output.stdout.len() > 500, "{command}");
    }
}

#[test]
fn the_log_shows_occurrence_seq_and_outcome_and_no_attendee() {
    let ics = calendar();
    let output = boxoffice(&[
        "onsale",
        "--log",
        "debug",
        "--calendar",
        ics.to_str().unwrap(),
        "--from",
        "2026-12-01",
        "--to",
        "2026-12-03",
        "--buyers",
        "20",
        "--json",
    ]);
    let log = String::from_utf8(output.stderr).unwrap();
    let spans: Vec<&str> = log.lines().filter(|line| line.contains("booking{occurrence=")).collect();
    assert!(spans.iter().any(|line| line.contains("seq=") && line.contains("outcome=\"booked\"")), "{log}");
    assert!(log.contains("commit{transactions="), "{log}");
    assert!(!log.contains("buyer-"), "{log}");
}

/// A file with these events, each given as its lines after UID and SUMMARY.
fn file_of(path: &Path, events: &[String]) {
    let events: Vec<String> = (1..)
        .zip(events)
        .map(|(n, lines)| format!("BEGIN:VEVENT\r\nUID:e{n}\r\nSUMMARY:E{n}\r\n{lines}\r\nEND:VEVENT\r\n"))
        .collect();
    fs::write(path, format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}END:VCALENDAR\r\n", events.concat())).unwrap();
}

const ONCE: &str = "DTSTART:20260105T190000Z";
const SECONDLY: &str = "DTSTART:20260101T000000Z\r\nRRULE:FREQ=SECONDLY";
/// Has to be counted from its start on.
const COUNTED: &str = "DTSTART:20000101T000000Z\r\nRRULE:FREQ=SECONDLY;INTERVAL=7;COUNT=4294967295;BYSECOND=1,9,17";

#[test]
fn more_occurrences_or_steps_than_the_limits_are_refused_before_they_are_collected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ics");
    let (ics, store) = (path.to_str().unwrap(), folder.path().join("store"));
    let window = ["--from", "2026-01-01", "--to", "2026-01-03"];
    file_of(&path, &vec![SECONDLY.to_owned(); 400]);
    refused(&[&["expand", "--ics", ics], &window[..]].concat(), "more than 100000 occurrences");
    let onsale = ["onsale", "--calendar", ics, "--store", store.to_str().unwrap()];
    refused(&[&onsale, &window[..]].concat(), "--from and --to closer");
    assert!(!store.exists());

    file_of(&path, &[SECONDLY.to_owned()]);
    let output = boxoffice(&["expand", "--ics", ics, "--from", "2026-01-01", "--to", "2026-01-02"]);
    assert_eq!((output.status.code(), output.stdout.split(|byte| *byte == b'\n').count()), (Some(0), 86_401));
}

#[test]
fn an_event_that_takes_too_many_steps_is_named_and_the_others_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ics");
    let args = ["expand", "--from", "2026-01-01", "--to", "2026-02-01", "--ics", path.to_str().unwrap()];
    file_of(&path, &[ONCE, COUNTED, ONCE].map(str::to_owned));
    let output = boxoffice(&args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("series e2") && stderr.contains("passed over"), "{stderr}");
    assert_eq!(stdout.lines().map(|line| line.ends_with("E1") || line.ends_with("E3")).collect::<Vec<_>>(), [true; 2]);

    file_of(&path, &vec![COUNTED.to_owned(); 400]);
    let output = boxoffice(&args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{stderr}");
    assert!(stderr.lines().last().unwrap().contains("more than 5000000 steps"), "{stderr}");
}

#[test]
fn however_many_warnings_there_are_their_number_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ics");
    let args = ["expand", "--from", "2026-01-01", "--to", "2026-02-01", "--ics", path.to_str().unwrap()];
    for (bad, last) in [
        (20, &[][..]),
        (23, &["and 3 more"]),
        (999, &["and 979 more"]),
        (1_500, &["and 979 more", "501 more things are wrong in this file"]),
    ] {
        file_of(&path, &[format!("{ONCE}{}", "\r\nEXDATE:soon".repeat(bad))]);
        let output = boxoffice(&args);
        let stderr = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<&str> = stderr.lines().collect();
        assert_eq!((output.status.code(), lines.len()), (Some(0), 20 + last.len()), "{bad}: {stderr}");
        assert!(lines.iter().skip(20).zip(last).all(|(line, end)| line.ends_with(end)), "{bad}: {stderr}");
    }
}
