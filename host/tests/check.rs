//! `check-vectors` and `check-ics`: on data made here, and on that beside the project, in `../shared`, where it is.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_boxoffice")).args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The vectors and calendars that others wrote; none, and said so, where they are not beside the project.
fn shared(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(name);
    if !path.is_dir() {
        eprintln!("skipped: there is no {}", path.display());
    }
    path.is_dir().then_some(path)
}

#[test]
fn every_vector_beside_the_project_passes() {
    let Some(folder) = shared("vectors") else { return };
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    let args: Vec<&str> = ["check-vectors"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let output = run(&args);
    let (text, last) = (stdout(&output), stdout(&output).lines().last().unwrap().to_owned());
    assert!(output.status.success() && last.ends_with(" passed, 0 failed"), "{text}");
    assert!(last.split(' ').next().unwrap().parse::<usize>().unwrap() > 4_000, "{last}");
}

#[test]
fn every_confirmed_window_of_the_calendars_beside_the_project_passes() {
    let Some(folder) = shared("ics") else { return };
    let output = run(&["check-ics", folder.to_str().unwrap()]);
    let (text, last) = (stdout(&output), stdout(&output).lines().last().unwrap().to_owned());
    assert!(output.status.success() && last.ends_with(" passed, 0 failed"), "{text}");
    assert!(text.contains("\nbroken files: 20 of 20\n"), "{text}");
}

#[test]
fn a_vector_that_differs_is_shown_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let vector = |name: &str, expected: &str| {
        format!(
            r#"{{"name":"{name}","dtstart":"2026-01-05T09:00:00","tzid":"Europe/Berlin","rrule":"FREQ=DAILY;COUNT=2",
            "window_start":"2026-01-01T00:00:00","window_end":"2027-01-01T00:00:00","expected":[{expected}]}}"#
        )
    };
    let (first, second) = (r#""2026-01-05T09:00:00""#, r#""2026-01-06T09:00:00""#);
    let vectors = [vector("right", &format!("{first},{second}")), vector("wrong", first)].join(",");
    let verdict = r#"{"rrule":"FREQ=DAILY;COUNT=0","policy":"accept"}"#;
    let path = folder.path().join("mine.json");
    fs::write(&path, format!("[{vectors},{verdict}]")).unwrap();
    let output = run(&["check-vectors", path.to_str().unwrap()]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1));
    let found = format!("found {} {}", first.replace('"', ""), second.replace('"', ""));
    assert!(text.contains(&format!("mine.json: wrong: FREQ=DAILY;COUNT=2: {found}, should be")), "{text}");
    assert!(text.contains("refused: rule part COUNT=0"), "{text}");
    assert!(text.ends_with("\n1 passed, 2 failed\n"), "{text}");
    fs::write(&path, "{").unwrap();
    assert_eq!(run(&["check-vectors", path.to_str().unwrap()]).status.code(), Some(2));
}

#[test]
fn a_window_that_differs_is_shown_and_one_that_is_not_confirmed_is_advisory() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("files")).unwrap();
    let event = "BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260105T190000Z\r\nDURATION:PT1H\r\nEND:VEVENT\r\n";
    let calendar = format!("BEGIN:VCALENDAR\r\n{event}END:VCALENDAR\r\n");
    fs::write(folder.path().join("files/a.ics"), calendar).unwrap();
    let window = |confirmed: bool, end: &str| {
        format!(
            r#"{{"window_start":"2026-01-01","window_end":"2026-02-01","confirmed":{confirmed},"occurrences":[
            {{"uid":"a","start":"2026-01-05T19:00:00","end":"2026-01-05T{end}:00:00","kind":"UTC"}}]}}"#
        )
    };
    let windows = [window(true, "20"), window(true, "21"), window(false, "22")].join(",");
    let expected = format!(r#"[{{"file":"a.ics","windows":[{windows}]}}]"#);
    fs::write(folder.path().join("expected.json"), expected).unwrap();
    let output = run(&["check-ics", folder.path().to_str().unwrap()]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("advisory: a.ics 2026-01-01 to 2026-02-01: found [a 2026-01-05T19:00:00 to"), "{text}");
    assert!(text.ends_with("unconfirmed windows: 0 of 1\nbroken files: 0 of 0\n1 passed, 1 failed\n"), "{text}");
}
