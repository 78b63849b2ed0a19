//! Who is free, as whoever keeps a store asks it.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic too")]

use std::process::{Command, Output};

use boxoffice::BoxOffice;
use boxoffice::booking::Seats;
use boxoffice::calendar::{CalendarEvent, Frame, Length, Range};
use boxoffice::id::{AttendeeId, OccurrenceId, SeriesId};
use boxoffice::persist::SledBackend;
use jiff::ToSpan;
use jiff::civil::date;

struct Home(tempfile::TempDir);

impl Home {
    /// A store `s` with chess on Mondays from 19 to 21 h UTC; ann has a seat on the 5th and the 12th, bob on the 12th.
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = SledBackend::open(home.0.path().join("s")).unwrap();
            let office = BoxOffice::builder().store(store).start().unwrap();
            let (series, start) = (SeriesId::new("chess").unwrap(), date(2026, 1, 5).at(19, 0, 0, 0));
            let length = Length::exact(2.hours()).unwrap();
            let chess = CalendarEvent::new(series, "Chess", start, Frame::Utc, length)
                .repeating("FREQ=WEEKLY;COUNT=3".parse().unwrap());
            assert!(office.schedule(chess).await.unwrap().outcome.is_accepted());
            for (day, names) in [("05", &["ann"][..]), ("12", &["ann", "bob"])] {
                let evening: OccurrenceId = format!("chess@202601{day}T190000Z").parse().unwrap();
                assert!(office.open(&evening, Seats::new(9)).await.unwrap().outcome.is_accepted());
                for name in names {
                    let booked = office.book(&evening, &AttendeeId::new(name).unwrap()).await.unwrap();
                    assert!(booked.outcome.is_accepted());
                }
            }
            office.shutdown().await;
        });
        home
    }

    fn run(&self, line: &str) -> Output {
        let words = line.split(' ');
        Command::new(env!("CARGO_BIN_EXE_boxoffice")).args(words).current_dir(&self.0).output().unwrap()
    }

    #[track_caller]
    fn well(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn free_time_is_listed_found_and_explained() {
    let home = Home::new();
    for (line, expected) in [
        ("free s ann 2026-01-12T18:00 2026-01-12T22:00", "2026-01-12  18:00-19:00\n2026-01-12  21:00-22:00\n"),
        ("free s ann 2026-01-12 2026-01-13 --length 4h", "2026-01-12  00:00-19:00\n"),
        ("free s ann 2026-01-05 2026-01-06 --with bob --length 20h", ""),
        ("free s bob 2026-01-05 2026-01-06", "2026-01-05  00:00-2026-01-06 00:00\n"),
        ("free s ann 2026-01-12T20:00+01:00 2026-01-12T23:00 --zone Europe/Berlin", "2026-01-12  22:00-23:00\n"),
        ("free s ann 2026-01-12T18:00 2026-01-12T22:00 --limit 1", "2026-01-12  18:00-19:00\n"),
        ("next-free s ann 2026-01-12T18:30 2026-01-13", "2026-01-12  21:00-22:00\n"),
        ("next-free s ann 2026-01-12T18:30 2026-01-13 --length 30m", "2026-01-12  18:30-19:00\n"),
        ("next-free s ann 2026-01-12T19:00 2026-01-12T21:00", ""),
        ("why-not s ann 2026-01-12 2026-01-13", "2026-01-12  19:00-21:00  [chess@20260112T190000Z]\n"),
        ("why-not s ann 2026-01-12T21:00 2026-01-13", ""),
    ] {
        assert_eq!(home.well(line), expected, "{line}");
    }
}

/// What a run that goes well says on standard error.
#[track_caller]
fn noted(home: &Home, line: &str) -> String {
    let output = home.run(line);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{line}: {said}");
    said
}

#[test]
fn a_list_that_was_cut_says_so() {
    let home = Home::new();
    let line = "free s ann 2026-01-12T18:00 2026-01-12T22:00 --limit";
    assert_eq!(noted(&home, &format!("{line} 1")), "boxoffice: there are more than 1: see --limit\n");
    assert_eq!(noted(&home, &format!("{line} 2")), "");
}

#[test]
fn bookings_of_series_that_the_store_does_not_have_are_told() {
    let home = Home::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = SledBackend::open(home.0.path().join("s")).unwrap();
        let office = BoxOffice::builder().store(store).start().unwrap();
        for day in ["06", "07"] {
            let evening: OccurrenceId = format!("opera@202601{day}T190000Z").parse().unwrap();
            assert!(office.open(&evening, Seats::new(9)).await.unwrap().outcome.is_accepted());
            assert!(office.book(&evening, &AttendeeId::new("ann").unwrap()).await.unwrap().outcome.is_accepted());
        }
        let chess: OccurrenceId = "chess@20260105T190000Z".parse().unwrap();
        assert!(office.cancel_occurrence(&chess, Range::This).await.unwrap().outcome.is_accepted());
        office.shutdown().await;
    });
    let told = "boxoffice: 2 bookings of occurrences that no series in the store has";
    for line in [
        "free s ann 2026-01-06 2026-01-08",
        "free s bob 2026-01-06 2026-01-08 --with ann",
        "next-free s ann 2026-01-06 2026-01-08",
        "why-not s ann 2026-01-06 2026-01-08",
    ] {
        let said = noted(&home, line);
        assert!(said.starts_with(told) && said.contains("boxoffice calendar import"), "{line}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    assert_eq!(noted(&home, "free s bob 2026-01-06 2026-01-08"), "");
}

#[test]
fn a_name_that_is_too_long_is_not_repeated_and_one_with_a_dash_is_taken() {
    let home = Home::new();
    let output = home.run(&format!("free s {} 2026-01-12 2026-01-13", "n".repeat(100_000)));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.len() < 1_000 && said.contains("100000 bytes"), "{said}");
    assert_eq!(home.well("next-free s -- -x 2026-01-12 2026-01-13"), "2026-01-12  00:00-01:00\n");
}

#[test]
fn json_names_instants_and_the_event_that_was_seen_last() {
    let home = Home::new();
    let json = home.well("why-not s bob 2026-01-12T20:00 2026-01-13 --zone Europe/Berlin --json");
    let line: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(line["occurrence"], "chess@20260112T190000Z");
    assert_eq!((&line["start"], &line["end"]), (&"2026-01-12T19:00:00Z".into(), &"2026-01-12T21:00:00Z".into()));
    assert!(line["cursor"].as_u64().unwrap() >= 6, "{line}");
    let json = home.well("next-free s bob 2026-01-12T19:30:00Z 2026-01-13 --json");
    let next: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&next["start"], &next["cursor"]), (&"2026-01-12T21:00:00Z".into(), &line["cursor"]));
    assert!(next.get("occurrence").is_none());
}

#[test]
fn what_the_caller_can_mend_is_told_in_a_line() {
    let home = Home::new();
    for (line, what) in [
        ("free none ann 2026-01-01 2026-02-01", "none"),
        ("free s ann 2026-02-01 2026-01-01", "not after"),
        ("free s ann 2026-02-01 soon", "soon"),
        ("why-not s ann 2026-01-01 2026-02-01 --zone Mars", "Mars"),
        ("next-free s ann 2026-01-01 2026-02-01 --length 0s", "0s"),
    ] {
        let output = home.run(line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.contains(what)), (Some(2), true), "{line}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}
