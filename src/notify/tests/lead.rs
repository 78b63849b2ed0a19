//! When reminders are due.

use jiff::civil::{DateTime, date};
use jiff::{SignedDuration, ToSpan};
use proptest::prelude::*;

use super::*;
use crate::calendar::{CalendarEvent, Change, Frame, Length, Range, Reminder, Select, Trigger, read_icalendar};
use crate::id::SeriesId;
use crate::time::Window;

fn lead(text: &str) -> Lead {
    text.parse().unwrap()
}

/// An occurrence of two hours.
fn occurrence(start: &str) -> Window {
    let start = at(start);
    Window::new(start, start + core::time::Duration::from_secs(7_200))
}

#[test]
fn a_lead_is_due_by_the_calendar_of_the_events_zone() {
    let (berlin, york, howe) = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe");
    let table = [
        (berlin, "PT30M", "2026-01-05T18:00:00Z", "2026-01-05T17:30:00Z"),
        (berlin, "-PT30M", "2026-01-05T18:00:00Z", "2026-01-05T18:30:00Z"),
        (berlin, "PT30M before end", "2026-01-05T18:00:00Z", "2026-01-05T19:30:00Z"),
        (berlin, "2020-01-01T00:00:00Z", "2026-01-05T18:00:00Z", "2020-01-01T00:00:00Z"),
        (berlin, "0 days before at 08:00", "2026-01-05T18:00:00Z", "2026-01-05T07:00:00Z"),
        // Half past midnight in Berlin is the day before in UTC.
        (berlin, "1 day before at 18:00", "2026-01-05T23:30:00Z", "2026-01-05T17:00:00Z"),
        // Over the change of clocks: a day is 24 hours, the day before is one of the calendar.
        (berlin, "P1D", "2026-03-29T17:00:00Z", "2026-03-28T17:00:00Z"),
        (berlin, "1 day before at 19:00", "2026-03-29T17:00:00Z", "2026-03-28T18:00:00Z"),
        (berlin, "1 day before at 19:00", "2026-10-25T18:00:00Z", "2026-10-24T17:00:00Z"),
        (york, "1 day before at 19:00", "2026-03-08T23:00:00Z", "2026-03-08T00:00:00Z"),
        (howe, "1 day before at 19:00", "2026-10-04T08:00:00Z", "2026-10-03T08:30:00Z"),
        // In a gap: the first instant after it. Lord Howe leaves out half an hour, from 02:00.
        (berlin, "0 days before at 02:30", "2026-03-29T17:00:00Z", "2026-03-29T01:00:00Z"),
        (york, "0 days before at 02:00", "2026-03-08T23:00:00Z", "2026-03-08T07:00:00Z"),
        (howe, "0 days before at 02:10", "2026-10-04T08:00:00Z", "2026-10-03T15:30:00Z"),
        (howe, "0 days before at 02:30", "2026-10-04T08:00:00Z", "2026-10-03T15:30:00Z"),
        // In a fold: the first.
        (berlin, "0 days before at 02:30", "2026-10-25T18:00:00Z", "2026-10-25T00:30:00Z"),
        (york, "0 days before at 01:00", "2026-11-01T23:00:00Z", "2026-11-01T05:00:00Z"),
        (howe, "0 days before at 01:45", "2026-04-05T08:00:00Z", "2026-04-04T14:45:00Z"),
    ];
    for (name, text, start, wanted) in table {
        assert_eq!(lead(text).due(occurrence(start), &zone(name)), Some(at(wanted)), "{name}: {text} {start}");
    }
}

#[test]
fn a_moved_occurrence_is_reminded_of_at_its_new_time_under_the_same_name() {
    let start = date(2026, 1, 5).at(19, 0, 0, 0);
    let berlin = Frame::zoned("Europe/Berlin").unwrap();
    let length = Length::exact(2.hours()).unwrap();
    let mut chess = CalendarEvent::new(SeriesId::new("chess").unwrap(), "Chess", start, berlin, length);
    let before = |event: &CalendarEvent| {
        let found = event.occurrences(start, date(2026, 2, 1).into(), Select::Starting);
        let windows: Vec<Window> = found.map(|found| found.unwrap().window(&TimeZone::UTC)).collect();
        ["1 day before at 18:00", "PT1H"].map(|text| lead(text).due(windows[0], &zone("Europe/Berlin")).unwrap())
    };
    assert_eq!(before(&chess), ["2026-01-04T17:00:00Z", "2026-01-05T17:00:00Z"].map(at));
    let moved = start.date().tomorrow().unwrap().at(20, 30, 0, 0);
    chess.changes.push(moved_to(&chess, start, moved));
    assert_eq!(before(&chess), ["2026-01-05T17:00:00Z", "2026-01-06T18:30:00Z"].map(at));
}

fn moved_to(event: &CalendarEvent, of: DateTime, start: DateTime) -> Change {
    Change {
        of,
        range: Range::This,
        start,
        frame: event.frame.clone(),
        length: event.length,
        summary: event.summary.clone(),
        cancelled: false,
        details: std::sync::Arc::default(),
    }
}

#[test]
fn days_without_hours_are_those_of_the_zone_they_are_seen_in() {
    let day = date(2026, 3, 29).at(0, 0, 0, 0);
    let holiday = CalendarEvent::new(SeriesId::new("a").unwrap(), "A", day, Frame::Date, Length::days(1));
    for (name, wanted) in [("Europe/Berlin", "2026-03-28T17:00:00Z"), ("America/New_York", "2026-03-28T22:00:00Z")] {
        let viewer = zone(name);
        let found = holiday.occurrences(day, day.date().tomorrow().unwrap().into(), Select::Starting);
        let window = found.map(|found| found.unwrap().window(&viewer)).next().unwrap();
        assert_eq!(lead("1 day before at 18:00").due(window, &viewer), Some(at(wanted)), "{name}");
    }
}

#[test]
fn a_valarm_becomes_leads() {
    let file = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART:20260105T190000Z\n\
                BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT1H\nREPEAT:2\nDURATION:PT20M\nEND:VALARM\n\
                BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER;RELATED=END:PT5M\nEND:VALARM\n\
                BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER;VALUE=DATE-TIME:20260101T000000Z\nREPEAT:1\nDURATION:P1D\nEND:VALARM\n\
                END:VEVENT\nEND:VCALENDAR\n";
    let reminders = read_icalendar(file.as_bytes()).unwrap().events[0].reminders();
    let texts: Vec<String> = reminders.iter().flat_map(Lead::from_reminder).map(String::from).collect();
    let instants = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"];
    assert_eq!(texts, ["PT1H", "PT40M", "PT20M", "-PT5M before end", instants[0], instants[1]]);
}

#[test]
fn an_alarm_that_repeats_for_ever_makes_ten_leads() {
    let mut reminder = Reminder {
        trigger: Trigger::Start(SignedDuration::ZERO),
        action: "DISPLAY".to_owned(),
        repeat: Some((1_000, SignedDuration::from_mins(1))),
        description: None,
    };
    assert_eq!(Lead::from_reminder(&reminder).len(), 10);
    reminder.repeat = Some((3, SignedDuration::MAX));
    assert_eq!(Lead::from_reminder(&reminder).len(), 2, "what is beyond all time is left out");
    reminder.trigger = Trigger::Start(SignedDuration::MIN);
    reminder.repeat = None;
    assert_eq!(Lead::from_reminder(&reminder), []);
}

#[test]
fn texts_and_names_of_leads_never_change() {
    for (text, written, name) in [
        ("P1D", "P1D", "b86400"),
        ("P1W", "P7D", "b604800"),
        ("PT24H", "P1D", "b86400"),
        ("PT90M", "PT1H30M", "b5400"),
        ("P1DT1S", "P1DT1S", "b86401"),
        ("PT0S", "PT0S", "b0"),
        ("-PT30M", "-PT30M", "a1800"),
        ("PT10M before end", "PT10M before end", "e600"),
        ("-PT10M before end", "-PT10M before end", "f600"),
        ("1 day before at 18:00", "1 day before at 18:00", "d1-1800"),
        ("1 days before at 18:00", "1 day before at 18:00", "d1-1800"),
        ("0 days before at 07:05", "0 days before at 07:05", "d0-0705"),
        ("1970-01-01T00:00:01Z", "1970-01-01T00:00:01Z", "i1000"),
    ] {
        let lead = lead(text);
        assert_eq!((lead.to_string().as_str(), lead.name().as_str()), (written, name), "{text}");
        assert_eq!(serde_json::to_string(&lead).unwrap(), format!("{written:?}"));
    }
    for text in [
        "",
        "P",
        "PT",
        "P1",
        "1D",
        "P1H",
        "PT1D",
        "P1DT",
        "PT1M1H",
        "PT1M1M",
        "PT-1M",
        "-PT0S",
        "P1.5D",
        "PT9223372036854775807M",
        "+P1D",
        "1 day before",
        "1 day before at 8:00",
        "-1 days before at 08:00",
        "70000 days before at 08:00",
        "1 week before at 08:00",
        "before end",
        "tomorrow",
        "P١D",
    ] {
        assert!(text.parse::<Lead>().is_err(), "{text}");
    }
}

fn any_lead() -> impl Strategy<Value = Lead> {
    let span = || prop_oneof![-1_000_000..1_000_000_i64, any::<i64>().prop_map(|secs| secs.max(-i64::MAX))];
    prop_oneof![
        span().prop_map(|span| Lead::Before(SignedDuration::from_secs(span))),
        span().prop_map(|span| Lead::BeforeEnd(SignedDuration::from_secs(span))),
        (any::<u16>(), 0..24_u8, 0..60_u8)
            .prop_map(|(days_before, h, m)| Lead::Local { days_before, at: LocalTime::new(h, m).unwrap() }),
        any::<i64>().prop_map(|millis| Lead::At(Timestamp::from_millis(millis))),
    ]
}

proptest! {
    #[test]
    fn a_lead_is_read_as_it_was_written(lead in any_lead()) {
        prop_assert_eq!(lead.to_string().parse::<Lead>(), Ok(lead));
    }

    #[test]
    fn no_lead_and_no_text_is_too_much(lead in any_lead(), start in any::<i64>(), text in "[-+PTDWHMS0-9 a-z:]{0,24}") {
        let window = Window::new(Timestamp::from_millis(start), Timestamp::from_millis(start));
        let _due = lead.due(window, &TimeZone::UTC);
        let _read = text.parse::<Lead>();
    }
}
