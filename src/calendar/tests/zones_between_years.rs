//! Series in zones that change their clocks, by half an hour or by a day, and their minds, from one year to the next.
//!
//! An occurrence is written as its id, what clocks show where it is, and its instant.

use jiff::tz::TimeZone;

use super::*;

fn zoned(zone: &str, start: &str, rule: &str) -> CalendarEvent {
    event(start, Frame::zoned(zone).unwrap(), rule)
}

fn skipping(mut event: CalendarEvent) -> CalendarEvent {
    event.gap = Gap::Skip;
    event
}

fn instant(at: crate::time::Timestamp) -> String {
    at.to_string().replace(":00Z", "Z")
}

fn lines(event: &CalendarEvent) -> Vec<String> {
    let found = event.occurrences(DateTime::MIN, DateTime::MAX, Select::Starting).take(100);
    let line = |o: Occurrence| {
        let start = o.window(&TimeZone::UTC).start;
        format!("{} {} {}", o.recurrence(), o.start.strftime("%dT%H:%M"), instant(start))
    };
    found.map(|found| line(found.unwrap())).collect()
}

fn ids(event: &CalendarEvent) -> Vec<String> {
    let found = event.occurrences(DateTime::MIN, DateTime::MAX, Select::Starting).take(100);
    found.map(|found| found.unwrap().recurrence().to_string()).collect()
}

fn has(event: &CalendarEvent, id: &str) -> bool {
    event.has_occurrence(&RecurrenceId::new(id).unwrap()).unwrap()
}

#[test]
fn lord_howe_moves_its_clocks_by_half_an_hour() {
    let spring = zoned("Australia/Lord_Howe", "2025-10-04T02:15", "FREQ=DAILY;COUNT=3");
    let expected = [
        "20251004T021500 04T02:15 2025-10-03T15:45Z",
        "20251005T021500 05T02:45 2025-10-04T15:45Z",
        "20251006T021500 06T02:15 2025-10-05T15:15Z",
    ];
    assert_eq!(lines(&spring), expected, "02:00 to 02:30 is left out");
    let autumn = zoned("Australia/Lord_Howe", "2025-04-05T01:45", "FREQ=DAILY;COUNT=3");
    let expected = [
        "20250405T014500 05T01:45 2025-04-04T14:45Z",
        "20250406T014500 06T01:45 2025-04-05T14:45Z",
        "20250407T014500 07T01:45 2025-04-06T15:15Z",
    ];
    assert_eq!(lines(&autumn), expected, "01:30 to 02:00 comes twice, and the first is meant");
}

#[test]
fn samoa_had_no_30_december_2011_and_what_was_on_it_is_one_with_what_is_on_the_next() {
    let daily = |count| zoned("Pacific/Apia", "2011-12-29T09:00", &format!("FREQ=DAILY;COUNT={count}"));
    let expected = [
        "20111229T090000 29T09:00 2011-12-29T19:00Z",
        "20111230T090000 31T09:00 2011-12-30T19:00Z",
        "20120101T090000 01T09:00 2011-12-31T19:00Z",
    ];
    assert_eq!(lines(&daily(4)), expected);
    assert_eq!(lines(&daily(3)), expected[..2], "COUNT counts the days as the rule gives them");
    let endless = zoned("Pacific/Apia", "2011-12-29T09:00", "FREQ=DAILY");
    assert!(has(&endless, "20111230T090000") && !has(&endless, "20111231T090000") && has(&endless, "20120101T090000"));
    assert_eq!(starts(&endless, "2011-12-30", "2012-01-01"), ["2011-12-31T09:00:00"]);
    assert_eq!(starts(&endless, "2011-12-31", "2012-01-01"), ["2011-12-31T09:00:00"]);

    let expected = ["20111229T090000", "20111231T090000", "20120101T090000"];
    assert_eq!(ids(&skipping(daily(3))), expected, "left out and not counted");
    let dates = event("2011-12-29T00:00", Frame::Date, "FREQ=DAILY;COUNT=3");
    assert_eq!(ids(&dates), ["20111229", "20111230", "20111231"], "dates have no zone");
}

#[test]
fn morocco_puts_its_clocks_back_for_ramadan() {
    let back = zoned("Africa/Casablanca", "2024-03-09T02:30", "FREQ=DAILY;COUNT=3");
    let expected = [
        "20240309T023000 09T02:30 2024-03-09T01:30Z",
        "20240310T023000 10T02:30 2024-03-10T01:30Z",
        "20240311T023000 11T02:30 2024-03-11T02:30Z",
    ];
    assert_eq!(lines(&back), expected);
    let forward = zoned("Africa/Casablanca", "2024-04-13T02:30", "FREQ=DAILY;COUNT=3");
    let expected = [
        "20240413T023000 13T02:30 2024-04-13T02:30Z",
        "20240414T023000 14T03:30 2024-04-14T02:30Z",
        "20240415T023000 15T02:30 2024-04-15T01:30Z",
    ];
    assert_eq!(lines(&forward), expected);
}

#[test]
fn a_yearly_noon_follows_the_rules_that_its_country_had_in_each_year() {
    let table: [(&str, &str, &[&str]); 5] = [
        ("America/New_York", "2005-03-20", &["2005-03-20T17:00Z", "2006-03-20T17:00Z", "2007-03-20T16:00Z"]),
        (
            "Europe/Moscow",
            "2011-01-15",
            &["2011-01-15T09:00Z", "2012-01-15T08:00Z", "2013-01-15T08:00Z", "2014-01-15T08:00Z", "2015-01-15T09:00Z"],
        ),
        ("America/Sao_Paulo", "2018-01-15", &["2018-01-15T14:00Z", "2019-01-15T14:00Z", "2020-01-15T15:00Z"]),
        ("Asia/Kolkata", "2010-06-15", &["2010-06-15T06:30Z", "2011-06-15T06:30Z", "2012-06-15T06:30Z"]),
        ("Pacific/Apia", "2010-06-15", &["2010-06-15T23:00Z", "2011-06-15T23:00Z", "2012-06-14T23:00Z"]),
    ];
    for (zone, day, expected) in table {
        let rule = format!("FREQ=YEARLY;COUNT={}", expected.len());
        let yearly = zoned(zone, &format!("{day}T12:00"), &rule);
        let found = all(&yearly, DateTime::MIN, DateTime::MAX);
        let instants: Vec<_> = found.iter().map(|o| instant(o.window(&TimeZone::UTC).start)).collect();
        assert_eq!(instants, expected, "{zone}");
        assert!(found.iter().all(|o| o.start.hour() == 12 && o.start == o.recurrence().at()), "{zone}");
    }
}

#[test]
fn gaps_and_folds_lie_where_the_year_has_them() {
    let table = [
        // The first Sunday of April until 2006, the second of March since.
        ("America/New_York", "2006-04-02T02:30", "20060402T023000 02T03:30 2006-04-02T07:30Z"),
        ("America/New_York", "2006-03-12T02:30", "20060312T023000 12T02:30 2006-03-12T07:30Z"),
        ("America/New_York", "2007-03-11T02:30", "20070311T023000 11T03:30 2007-03-11T07:30Z"),
        ("America/New_York", "2007-04-01T02:30", "20070401T023000 01T02:30 2007-04-01T06:30Z"),
        // The last spring for good, until the clocks went back for good.
        ("Europe/Moscow", "2011-03-27T02:30", "20110327T023000 27T03:30 2011-03-26T23:30Z"),
        ("Europe/Moscow", "2012-03-25T02:30", "20120325T023000 25T02:30 2012-03-24T22:30Z"),
        ("Europe/Moscow", "2014-10-26T01:30", "20141026T013000 26T01:30 2014-10-25T21:30Z"),
        // At midnight: a day that begins at one, and one whose last hour comes twice.
        ("America/Sao_Paulo", "2018-11-04T00:00", "20181104T000000 04T01:00 2018-11-04T03:00Z"),
        ("America/Sao_Paulo", "2019-02-16T23:30", "20190216T233000 16T23:30 2019-02-17T01:30Z"),
        ("America/Sao_Paulo", "2019-11-03T00:00", "20191103T000000 03T00:00 2019-11-03T03:00Z"),
    ];
    for (zone, start, expected) in table {
        assert_eq!(lines(&zoned(zone, start, "FREQ=YEARLY;COUNT=1")), [expected], "{zone}");
        let from_far = zoned(zone, &format!("1970-01-01T{}", &start[11..]), "FREQ=DAILY");
        let day: jiff::civil::Date = start[..10].parse().unwrap();
        let found = from_far.occurrences(day.into(), day.tomorrow().unwrap().into(), Select::Starting);
        let found: Vec<_> = found.map(|o| o.unwrap().recurrence().to_string()).collect();
        assert_eq!(found, [expected[..15].to_owned()], "{zone}");
    }
}

#[test]
fn a_start_in_a_gap_is_shifted_and_counted_or_skipped_and_not_counted() {
    let daily = zoned("Europe/Berlin", "2026-03-28T02:30", "FREQ=DAILY;COUNT=3");
    let shifted = [
        "20260328T023000 28T02:30 2026-03-28T01:30Z",
        "20260329T023000 29T03:30 2026-03-29T01:30Z",
        "20260330T023000 30T02:30 2026-03-30T00:30Z",
    ];
    assert_eq!(lines(&daily), shifted);
    assert!(has(&daily, "20260329T023000") && !has(&daily, "20260331T023000"));
    let daily = skipping(daily);
    assert_eq!(ids(&daily), ["20260328T023000", "20260330T023000", "20260331T023000"]);
    assert!(!has(&daily, "20260329T023000") && has(&daily, "20260331T023000"));
    // Asked for from the middle, it counts the same.
    assert_eq!(starts(&daily, "2026-03-29", "2027-01-01"), ["2026-03-30T02:30:00", "2026-03-31T02:30:00"]);

    let hourly = zoned("Europe/Berlin", "2026-03-29T01:00", "FREQ=HOURLY;COUNT=4");
    let merged = [
        "20260329T010000 29T01:00 2026-03-29T00:00Z",
        "20260329T020000 29T03:00 2026-03-29T01:00Z",
        "20260329T040000 29T04:00 2026-03-29T02:00Z",
    ];
    assert_eq!(lines(&hourly), merged, "02:00 and 03:00 are one instant");
    let left = ["20260329T010000", "20260329T030000", "20260329T040000", "20260329T050000"];
    assert_eq!(ids(&skipping(hourly)), left);
}

#[test]
fn an_hour_that_comes_twice_has_its_starts_once() {
    let half_hours = zoned("Europe/Berlin", "2026-10-25T01:30", "FREQ=MINUTELY;INTERVAL=30;COUNT=4");
    let expected = [
        "20261025T013000 25T01:30 2026-10-24T23:30Z",
        "20261025T020000 25T02:00 2026-10-25T00:00Z",
        "20261025T023000 25T02:30 2026-10-25T00:30Z",
        "20261025T030000 25T03:00 2026-10-25T02:00Z",
    ];
    assert_eq!(lines(&half_hours), expected);
}

#[test]
fn an_end_in_an_hour_that_comes_twice_keeps_its_instant() {
    let ends = |minutes: i64| {
        let mut night = zoned("Europe/Berlin", "2026-10-24T01:00", "FREQ=DAILY;COUNT=2");
        night.length = Length::exact(minutes.minutes()).unwrap();
        let last = all(&night, DateTime::MIN, DateTime::MAX).pop().unwrap();
        (last.end.to_string(), instant(last.window(&TimeZone::UTC).end))
    };
    assert_eq!(ends(90), ("2026-10-25T02:30:00".to_owned(), "2026-10-25T00:30Z".to_owned()));
    assert_eq!(ends(150), ("2026-10-25T02:30:00".to_owned(), "2026-10-25T01:30Z".to_owned()));

    // A window between the two ends takes in the one and not the other.
    let window = crate::time::Window::new("2026-10-25T01:00Z".parse().unwrap(), "2026-10-25T01:15Z".parse().unwrap());
    for (minutes, taken) in [(90, 0), (150, 1)] {
        let mut night = zoned("Europe/Berlin", "2026-10-24T01:00", "FREQ=DAILY;COUNT=2");
        night.length = Length::exact(minutes.minutes()).unwrap();
        assert_eq!(night.occurrences_within(window, &TimeZone::UTC, Select::Overlapping).count(), taken, "{minutes}");
    }
}

/// RFC 5545 section 3.8.5.3: with DTEND every instance has the exact length of the first; with DURATION a day is a day
/// (section 3.3.6).
#[test]
fn a_day_is_as_long_as_the_day_and_a_length_between_two_times_is_exact() {
    let table: [(&str, &str, [&str; 3]); 6] = [
        ("20260327T120000", "DURATION:P1D", ["28T12:00", "29T12:00", "30T12:00"]),
        ("20260327T120000", "DURATION:PT24H", ["28T12:00", "29T13:00", "30T12:00"]),
        ("20260327T120000", "DURATION:P1DT2H", ["28T14:00", "29T14:00", "30T14:00"]),
        ("20260327T120000", "DTEND;TZID=Europe/Berlin:20260328T120000", ["28T12:00", "29T13:00", "30T12:00"]),
        // The first one has the short day, so every one has 23 hours.
        ("20260328T120000", "DTEND;TZID=Europe/Berlin:20260329T120000", ["29T12:00", "30T11:00", "31T11:00"]),
        ("20261024T120000", "DTEND;TZID=Europe/Berlin:20261025T120000", ["25T12:00", "26T13:00", "27T13:00"]),
    ];
    for (start, length, expected) in table {
        let start = format!("DTSTART;TZID=Europe/Berlin:{start}");
        let event = from_file(&[&start, length, "RRULE:FREQ=DAILY;COUNT=3"]);
        let found = all(&event, DateTime::MIN, DateTime::MAX);
        let ends: Vec<_> = found.iter().map(|o| o.end.strftime("%dT%H:%M").to_string()).collect();
        assert_eq!(ends, expected, "{start} {length}");
    }
}

/// What is left of a rule that starts beside the gap of Berlin, where 02:00 to 03:00 is left out, by its ids.
#[test]
fn an_end_beside_a_gap_is_an_instant_in_utc_and_a_clock_time_otherwise() {
    let table: [(&str, &[&str]); 8] = [
        ("UNTIL=20260329T004459Z", &["0130"]),
        ("UNTIL=20260329T004500Z", &["0130", "0145"]),
        // 02:00 is the instant 01:00 in UTC, and so is 03:00; it comes once.
        ("UNTIL=20260329T010000Z", &["0130", "0145", "0200"]),
        ("UNTIL=20260329T011500Z", &["0130", "0145", "0200", "0215"]),
        ("UNTIL=20260329T020000Z", &["0130", "0145", "0200", "0215", "0230", "0245", "0400"]),
        ("UNTIL=20260329T021500", &["0130", "0145", "0200", "0215"]),
        ("UNTIL=20260329T040000", &["0130", "0145", "0200", "0215", "0230", "0245", "0400"]),
        // It ended before it began, so there is the first start alone.
        ("UNTIL=20260328", &["0130"]),
    ];
    for (end, expected) in table {
        let quarters = zoned("Europe/Berlin", "2026-03-29T01:30", &format!("FREQ=MINUTELY;INTERVAL=15;{end}"));
        let times: Vec<_> = ids(&quarters).iter().map(|id| id[9..13].to_owned()).collect();
        assert_eq!(times, expected, "{end}");
    }
    let all_day = zoned("Europe/Berlin", "2026-03-29T01:30", "FREQ=MINUTELY;INTERVAL=15;UNTIL=20260329");
    let found = ids(&all_day);
    assert_eq!((found.len(), found.last().map(String::as_str)), (86, Some("20260329T234500")));
}

#[test]
fn starts_that_a_gap_puts_behind_later_ones_come_in_the_order_of_time() {
    let rule = "FREQ=MINUTELY;INTERVAL=25;UNTIL=20260329T020000Z";
    let expected = [
        "20260329T013000 29T01:30 2026-03-29T00:30Z",
        "20260329T015500 29T01:55 2026-03-29T00:55Z",
        "20260329T031000 29T03:10 2026-03-29T01:10Z",
        "20260329T022000 29T03:20 2026-03-29T01:20Z",
        "20260329T033500 29T03:35 2026-03-29T01:35Z",
        "20260329T024500 29T03:45 2026-03-29T01:45Z",
        "20260329T040000 29T04:00 2026-03-29T02:00Z",
    ];
    assert_eq!(lines(&zoned("Europe/Berlin", "2026-03-29T01:30", rule)), expected);
}

#[test]
fn an_end_beside_a_missing_midnight_or_a_missing_day_is_of_the_day_that_the_rule_names() {
    let table: [(&str, &str, &str, &[&str]); 7] = [
        ("America/Sao_Paulo", "2018-11-03T00:30", "UNTIL=20181103", &["20181103T003000"]),
        ("America/Sao_Paulo", "2018-11-03T00:30", "UNTIL=20181104", &["20181103T003000", "20181104T003000"]),
        ("America/Sao_Paulo", "2018-11-03T00:30", "UNTIL=20181104T032959Z", &["20181103T003000"]),
        ("America/Sao_Paulo", "2018-11-03T00:30", "UNTIL=20181104T033000Z", &["20181103T003000", "20181104T003000"]),
        ("Pacific/Apia", "2011-12-29T09:00", "UNTIL=20111229", &["20111229T090000"]),
        ("Pacific/Apia", "2011-12-29T09:00", "UNTIL=20111230", &["20111229T090000", "20111230T090000"]),
        ("Pacific/Apia", "2011-12-29T09:00", "UNTIL=20111230T185959Z", &["20111229T090000"]),
    ];
    for (zone, start, end, expected) in table {
        assert_eq!(ids(&zoned(zone, start, &format!("FREQ=DAILY;{end}"))), expected, "{zone} {end}");
    }
}

/// A `TZif` file (RFC 9636): one hour ahead of UTC, and from an instant on, if one is given, two.
fn tzif(two_hours_from: Option<&str>) -> Vec<u8> {
    let changes: Vec<i64> =
        two_hours_from.iter().map(|at| at.parse::<jiff::Timestamp>().unwrap().as_second()).collect();
    let block = |changes: &[i64], wide: bool| {
        let counts = [0, 0, 0, u32::try_from(changes.len()).unwrap(), 2, 8];
        let mut bytes = [b"TZif2".as_slice(), &[0; 15], &counts.map(u32::to_be_bytes).concat()].concat();
        if wide {
            bytes.extend(changes.iter().flat_map(|at| at.to_be_bytes()));
        }
        bytes.extend(changes.iter().map(|_| 1));
        for (offset, name) in [(3_600_i32, 0), (7_200, 4)] {
            bytes.extend(offset.to_be_bytes());
            bytes.extend([0, name]);
        }
        [&bytes[..], b"ONE\0TWO\0"].concat()
    };
    let footer: &[u8] = if changes.is_empty() { b"\nONE-1\n" } else { b"\nTWO-2\n" };
    [&block(&[], false), &block(&changes, true), footer].concat()
}

/// The country decides, after tickets were sold, to be two hours ahead of UTC from 28 March 2027 on.
#[test]
fn a_new_edition_of_the_zones_moves_instants_and_keeps_every_id() {
    let frame = |two_hours_from| Frame::Zoned(Zone::tzif("Nowhere/Land", &tzif(two_hours_from)).unwrap());
    let [booked, today] = [None, Some("2027-03-28T01:00:00Z")]
        .map(|change| event("2027-03-27T02:30", frame(change), "FREQ=DAILY;COUNT=4"));
    let before = [
        "20270327T023000 27T02:30 2027-03-27T01:30Z",
        "20270328T023000 28T02:30 2027-03-28T01:30Z",
        "20270329T023000 29T02:30 2027-03-29T01:30Z",
        "20270330T023000 30T02:30 2027-03-30T01:30Z",
    ];
    let after = [
        "20270327T023000 27T02:30 2027-03-27T01:30Z",
        // There is no such time any more; it happens all the same, under the id that was booked.
        "20270328T023000 28T03:30 2027-03-28T01:30Z",
        "20270329T023000 29T02:30 2027-03-29T00:30Z",
        "20270330T023000 30T02:30 2027-03-30T00:30Z",
    ];
    assert_eq!(lines(&booked), before);
    assert_eq!(lines(&today), after);
    for id in ids(&booked) {
        assert!(has(&booked, &id) && has(&today, &id), "{id}");
    }
    assert_ne!(booked, today, "two editions of a zone are not the same zone");
}

/// The set of a series is one of instants: a new edition may make one of two, and the first id is the one that is left.
#[test]
fn two_starts_that_a_new_edition_puts_on_one_instant_are_one_under_the_first_id() {
    let zone = Zone::tzif("Nowhere/Land", &tzif(Some("2027-03-28T01:00:00Z"))).unwrap();
    let hourly = event("2027-03-28T01:00", Frame::Zoned(zone), "FREQ=HOURLY;COUNT=4");
    assert_eq!(ids(&hourly), ["20270328T010000", "20270328T020000", "20270328T040000"]);
    assert!(has(&hourly, "20270328T020000") && !has(&hourly, "20270328T030000"));
    let without = hourly.except(date(2027, 3, 28).at(3, 0, 0, 0));
    assert_eq!(ids(&without), ["20270328T010000", "20270328T040000"], "either id takes it away");
}

#[test]
fn what_was_changed_or_excluded_before_a_new_edition_still_is() {
    let change = |frame: &Frame| Change {
        of: date(2027, 3, 28).at(2, 30, 0, 0),
        range: Range::This,
        start: date(2027, 3, 28).at(20, 0, 0, 0),
        frame: frame.clone(),
        length: Length::ZERO,
        summary: "in the evening".into(),
        cancelled: false,
        details: std::sync::Arc::default(),
    };
    for edition in [None, Some("2027-03-28T01:00:00Z")] {
        let frame = Frame::Zoned(Zone::tzif("Nowhere/Land", &tzif(edition)).unwrap());
        let mut daily = event("2027-03-27T02:30", frame.clone(), "FREQ=DAILY;COUNT=4");
        daily.changes.push(change(&frame));
        let daily = daily.except(date(2027, 3, 29).at(2, 30, 0, 0));
        let found = all(&daily, DateTime::MIN, DateTime::MAX);
        let found: Vec<_> = found.iter().map(|o| format!("{} {}", o.recurrence(), o.start.strftime("%dT%H"))).collect();
        assert_eq!(found, ["20270327T023000 27T02", "20270328T023000 28T20", "20270330T023000 30T02"], "{edition:?}");
        assert!(has(&daily, "20270328T023000") && !has(&daily, "20270329T023000"));
    }
}
