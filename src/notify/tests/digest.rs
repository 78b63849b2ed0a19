//! When digests are due.

use jiff::civil::Weekday;
use proptest::prelude::*;

use super::*;

fn daily(text: &str) -> DigestTimes {
    DigestTimes::Daily { at: clock(text) }
}

fn weekly(on: Weekday, text: &str) -> DigestTimes {
    DigestTimes::Weekly { on, at: clock(text) }
}

#[test]
fn a_digest_is_due_once_a_day_whatever_clocks_do() {
    // What clocks do: Berlin from 02:00 to 03:00 and from 03:00 to 02:00, Lord Howe half an hour, New York at 2 too.
    let table = [
        (
            "Europe/Berlin",
            "08:00",
            "2026-03-28T00:00:00Z",
            ["2026-03-28T07:00:00Z", "2026-03-29T06:00:00Z", "2026-03-30T06:00:00Z"],
        ),
        (
            "Europe/Berlin",
            "02:30",
            "2026-03-28T00:00:00Z",
            ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        ),
        (
            "Europe/Berlin",
            "02:30",
            "2026-10-24T00:00:00Z",
            ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
        (
            "America/New_York",
            "02:00",
            "2026-03-07T06:00:00Z",
            ["2026-03-07T07:00:00Z", "2026-03-08T07:00:00Z", "2026-03-09T06:00:00Z"],
        ),
        (
            "America/New_York",
            "01:30",
            "2026-11-01T00:00:00Z",
            ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z", "2026-11-03T06:30:00Z"],
        ),
        (
            "Australia/Lord_Howe",
            "02:15",
            "2026-10-03T00:00:00Z",
            ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z", "2026-10-05T15:15:00Z"],
        ),
        (
            "Australia/Lord_Howe",
            "01:45",
            "2026-04-04T00:00:00Z",
            ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z", "2026-04-06T15:15:00Z"],
        ),
    ];
    for (name, time, from, wanted) in table {
        let mut after = at(from);
        for wanted in wanted.map(at) {
            after = daily(time).next(after, &zone(name)).unwrap();
            assert_eq!(after, wanted, "{name} {time}: {after}");
        }
    }
}

#[test]
fn a_weekly_digest_is_due_on_its_day() {
    let monday = weekly(Weekday::Monday, "09:00");
    let berlin = zone("Europe/Berlin");
    assert_eq!(monday.next(at("2026-03-24T00:00:00Z"), &berlin), Some(at("2026-03-30T07:00:00Z")));
    assert_eq!(monday.next(at("2026-03-23T08:00:00Z"), &berlin), Some(at("2026-03-30T07:00:00Z")), "strictly after");
    let window = monday.window(at("2026-03-23T08:00:00Z"), &berlin).unwrap();
    assert_eq!((window.start, window.end), (at("2026-03-23T08:00:00Z"), at("2026-03-30T07:00:00Z")));
}

#[test]
fn a_day_that_a_country_leaves_out_has_one_digest_at_its_end() {
    // There was no 30 December 2011 on Samoa.
    let apia = zone("Pacific/Apia");
    let eight = daily("08:00");
    let first = eight.next(at("2011-12-29T00:00:00Z"), &apia).unwrap();
    let next = eight.next(first, &apia).unwrap();
    let third = eight.next(next, &apia).unwrap();
    assert_eq!([first, next, third], ["2011-12-29T18:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T18:00:00Z"].map(at));
}

#[test]
fn digest_times_are_read_as_they_are_written() {
    for (times, json) in [
        (daily("08:05"), r#"{"daily":{"at":"08:05"}}"#),
        (weekly(Weekday::Sunday, "23:59"), r#"{"weekly":{"on":"sun","at":"23:59"}}"#),
    ] {
        assert_eq!(serde_json::to_string(&times).unwrap(), json);
        assert_eq!(serde_json::from_str::<DigestTimes>(json).unwrap(), times);
    }
    for json in [r#"{"daily":{"at":"8:05"}}"#, r#"{"daily":{"at":"08:05","on":"mon"}}"#, r#"{"hourly":{}}"#] {
        assert!(serde_json::from_str::<DigestTimes>(json).is_err(), "{json}");
    }
}

#[test]
fn at_the_ends_of_time_there_is_no_digest_and_no_panic() {
    for edge in [Timestamp::MAX, Timestamp::from_millis(i64::MIN), at("9999-12-30T22:00:00Z")] {
        let found = daily("08:00").next(edge, &zone("Europe/Berlin"));
        assert!(found.is_none_or(|found| found > edge));
        let _window = daily("08:00").window(edge, &zone("Europe/Berlin"));
    }
}

proptest! {
    #[test]
    fn digests_follow_each_other_without_gap_or_overlap(
        name in prop::sample::select(&["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "UTC"][..]),
        (hour, minute) in (0..24_u8, 0..60_u8),
        // From 2020 to 2030.
        now in 1_577_836_800_000..1_893_456_000_000_i64,
        on in prop::option::of(1..=7_i8),
    ) {
        let time = LocalTime::new(hour, minute).unwrap();
        let on = on.map(|on| Weekday::from_monday_one_offset(on).unwrap());
        let times = on.map_or(DigestTimes::Daily { at: time }, |on| DigestTimes::Weekly { on, at: time });
        let (now, zone) = (Timestamp::from_millis(now), zone(name));
        let window = times.window(now, &zone).unwrap();
        prop_assert!(window.contains(now));
        prop_assert_eq!(times.window(window.start, &zone), Some(window));
        prop_assert_eq!(times.next(window.start, &zone), Some(window.end));
        let after = times.window(window.end, &zone).unwrap();
        prop_assert_eq!(after.start, window.end);
        let hours = window.end.saturating_since(window.start).as_secs() / 3_600;
        let usual = if on.is_some() { 168 } else { 24 };
        prop_assert!((usual - 2..=usual + 2).contains(&hours), "{} hours", hours);
    }
}
