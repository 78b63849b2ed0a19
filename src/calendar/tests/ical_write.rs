//! Files written and read again: equal events, equal bytes, and lines that nothing in them can break.
#![expect(clippy::print_stderr, reason = "counts are printed for whoever runs the tests")]

use std::sync::Arc;

use jiff::civil::{DateTime, date};
use jiff::{SignedDuration, ToSpan};
use proptest::prelude::*;

use super::super::*;
use crate::id::SeriesId;
use crate::time::{Timestamp, Window};

fn feed() -> Feed {
    Feed::new("-//Test//EN", Timestamp::from_millis(1_767_225_600_000))
}

#[track_caller]
fn check_lines(text: &str) {
    assert!(text.ends_with("END:VCALENDAR\r\n"));
    for line in text.split("\r\n") {
        assert!(line.len() <= 75, "{line:?}");
        assert!(!line.contains(|c: char| c.is_control() && c != '\t'), "{line:?}");
    }
}

fn meeting(summary: &str) -> CalendarEvent {
    let start = date(2026, 1, 5).at(19, 0, 0, 0);
    CalendarEvent::new(SeriesId::new("a").unwrap(), summary, start, Frame::Utc, Length::exact(1.hour()).unwrap())
}

#[test]
fn a_feed_says_what_it_is_and_defines_each_zone_once() {
    let mut weekly = meeting("x").repeating("FREQ=WEEKLY;COUNT=3".parse().unwrap());
    weekly.frame = Frame::zoned("Europe/Berlin").unwrap();
    let feed =
        feed().named("Club; all").with_method(Method::Publish).refreshed_after(core::time::Duration::from_secs(5_400));
    let text = write_icalendar(&feed, &[weekly.clone(), weekly]);
    let head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nCALSCALE:GREGORIAN\r\nMETHOD:PUBLISH\r\n\
                NAME:Club\\; all\r\nX-WR-CALNAME:Club\\; all\r\nREFRESH-INTERVAL;VALUE=DURATION:PT1H30M\r\n\
                X-PUBLISHED-TTL:PT1H30M\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n";
    assert!(text.starts_with(head), "{text}");
    assert_eq!(text.matches("BEGIN:VTIMEZONE").count(), 1);
    assert!(
        text.contains("DTSTART;TZID=Europe/Berlin:20260105T190000\r\nDTEND;TZID=Europe/Berlin:20260105T200000\r\n")
    );
    check_lines(&text);
}

#[test]
fn each_kind_of_start_and_length_is_written_so_that_it_reads_back_the_same() {
    let berlin = Frame::zoned("Europe/Berlin").unwrap();
    let hours = |hours: i64| Length::exact(hours.hours()).unwrap();
    let nominal = |text: &str| {
        let file = format!(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART:20260105T190000Z\nDURATION:{text}\nEND:VEVENT\nEND:VCALENDAR"
        );
        read_series(&file).unwrap().length
    };
    let table = [
        (Frame::Date, "2026-01-05T00:00", Length::days(1), "DTSTART;VALUE=DATE:20260105\r\nDTEND;VALUE=DATE:20260106"),
        (Frame::Date, "2026-01-05T00:00", Length::ZERO, "DTSTART;VALUE=DATE:20260105\r\nDURATION:PT0S"),
        (Frame::Utc, "2026-01-05T19:00", hours(2), "DTSTART:20260105T190000Z\r\nDTEND:20260105T210000Z"),
        (Frame::Floating, "2026-01-05T19:00", Length::ZERO, "DTSTART:20260105T190000\r\nSUMMARY"),
        (Frame::Floating, "2026-01-05T19:00", Length::days(7), "DTSTART:20260105T190000\r\nDURATION:P7D"),
        (Frame::Utc, "2026-01-05T19:00", nominal("P1DT2H"), "DTSTART:20260105T190000Z\r\nDURATION:P1DT2H"),
        // The night in which clocks are put back: 02:30 comes twice, and an end at the second one cannot be written.
        (berlin, "2026-10-25T02:00", Length::exact(90.minutes()).unwrap(), "20261025T020000\r\nDURATION:PT1H30M"),
        (Frame::Utc, "9999-12-31T23:00", hours(2), "DTSTART:99991231T230000Z\r\nDURATION:PT2H"),
    ];
    for (frame, start, length, written) in table {
        let mut event = meeting("x");
        (event.frame, event.start, event.length) = (frame, start.parse().unwrap(), length);
        let text = event.to_icalendar();
        assert!(text.contains(written), "{text}");
        assert_eq!(read_series(&text).unwrap(), event, "{text}");
    }
}

#[test]
fn hostile_texts_stay_inside_of_their_line() {
    let hostile = "tea\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil\nATTENDEE:mailto:x\u{0}\u{8}\u{85}\u{2028};\\,\"^n";
    let mut event = meeting(hostile);
    event.details = Arc::new(Details {
        properties: vec![
            Property::new("DESCRIPTION", hostile).with_parameter("ALTREP", hostile),
            Property::new("X-A\r\nBEGIN:VEVENT", "y"),
            Property::new("UID", "evil"),
            Property::new("STATUS", "CANCELLED"),
            Property::new("END", "VEVENT"),
        ],
        components: vec![Component::new("VEVENT"), Component::new("VALARM\r\nX"), Component::new("VALARM")],
        ..Details::default()
    });
    let text = write_icalendar(&feed().named(hostile), core::slice::from_ref(&event));
    check_lines(&text);
    let found = read_icalendar(text.as_bytes()).unwrap();
    assert_eq!((found.events.len(), found.diagnostics.as_slice()), (1, [].as_slice()));
    let found = &found.events[0];
    assert_eq!(found.series, event.series);
    assert_eq!(&*found.summary, "tea\nEND:VEVENT\nBEGIN:VEVENT\nUID:evil\nATTENDEE:mailto:x\u{2028};\\,\"^n");
    assert_eq!((found.details.properties.len(), found.details.components.len(), found.cancelled), (1, 1, false));
}

#[test]
fn a_description_of_ten_thousand_lines_and_an_emoji_at_every_fold_survive() {
    let long = (0..10_000).map(|n| format!("line {n}, 👩‍🚀\n")).collect::<Vec<_>>().concat();
    for shift in 0..75 {
        let mut event = meeting(&format!("{}{}", "x".repeat(shift), "🎟️é".repeat(40)));
        if shift == 0 {
            let properties = vec![Property::of_text("DESCRIPTION", &long)];
            event.details = Arc::new(Details { properties, ..Details::default() });
        }
        let text = event.to_icalendar();
        check_lines(&text);
        let found = read_series(&text).unwrap();
        assert_eq!(found, event);
        if shift == 0 {
            assert_eq!(found.details.properties[0].text(), long);
        }
    }
}

#[test]
fn a_change_is_written_with_the_sequence_of_its_series_at_least() {
    let mut event = meeting("x").repeating("FREQ=DAILY".parse().unwrap());
    event.details = Arc::new(Details { sequence: 7, ..Details::default() });
    event.changes.push(change(&event, event.start, true));
    let text = event.to_icalendar();
    assert_eq!(text.matches("SEQUENCE:7").count(), 2, "{text}");
    assert!(text.contains("RECURRENCE-ID;RANGE=THISANDFUTURE:20260105T190000Z\r\n"), "{text}");
}

#[test]
fn a_record_is_one_series_and_nothing_in_it_is_left_out() {
    let text = meeting("x").to_icalendar();
    assert!(matches!(read_series(""), Err(SeriesError::File(ImportError::NotACalendar))));
    let none = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n";
    assert!(matches!(read_series(none), Err(SeriesError::Broken(_))));
    let two = format!("{text}{}", text.replace("UID:a", "UID:b"));
    assert_eq!(read_series(&two), Err(SeriesError::Count { found: 2 }));
    let broken = read_series(&text.replace("SUMMARY:x", "EXDATE:x")).unwrap_err();
    assert_eq!(broken.to_string(), "line 7: a: EXDATE: \"x\" is no date or time that exists");
}

#[test]
fn reminders_are_read_and_bad_ones_are_passed_over() {
    let alarms = [
        ("TRIGGER:-PT15M\nACTION:display\nDESCRIPTION:Tea\\, now", true),
        ("TRIGGER;RELATED=END:P1DT1S\nACTION:AUDIO\nREPEAT:2\nDURATION:PT5M", true),
        ("TRIGGER;VALUE=DATE-TIME:20260101T000000Z\nACTION:EMAIL\nREPEAT:4000000000\nDURATION:PT5M", true),
        ("TRIGGER:-PT15M\nACTION:X-A\nREPEAT:2", true),
        ("TRIGGER:-PT15M", false),
        ("ACTION:DISPLAY", false),
        ("TRIGGER:20260101T000000\nACTION:DISPLAY", false),
        ("TRIGGER;RELATED=MIDDLE:PT1M\nACTION:DISPLAY", false),
        ("TRIGGER:soon\nACTION:DISPLAY", false),
        ("TRIGGER:PT1M\nACTION:DISPLAY\nREPEAT:1\nDURATION:PT0S", false),
    ];
    let body = alarms.map(|(alarm, _)| format!("BEGIN:VALARM\n{alarm}\nEND:VALARM\n")).concat();
    let file =
        format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART:20260105T190000Z\n{body}END:VEVENT\nEND:VCALENDAR");
    let found = read_series(&file).unwrap().reminders();
    assert_eq!(found.len(), alarms.iter().filter(|(_, good)| *good).count());
    let tea = Reminder {
        trigger: Trigger::Start(SignedDuration::from_mins(-15)),
        action: "DISPLAY".to_owned(),
        repeat: None,
        description: Some("Tea, now".to_owned()),
    };
    assert_eq!(found[0], tea);
    assert_eq!(found[1].trigger, Trigger::End(SignedDuration::from_secs(86_401)));
    assert_eq!(found[1].repeat, Some((2, SignedDuration::from_mins(5))));
    assert_eq!(found[2].trigger, Trigger::At(Timestamp::from_millis(1_767_225_600_000)));
    assert_eq!((found[2].repeat.unwrap().0, found[3].repeat), (1_000, None));
}

#[test]
fn busy_times_are_cut_merged_and_busy_wins_over_tentative() {
    let minutes =
        |from: i64, to: i64| Window::new(Timestamp::from_millis(from * 60_000), Timestamp::from_millis(to * 60_000));
    let said = FreeBusy {
        uid: "hall\r\nX:1".to_owned(),
        organizer: Some("mailto:hall@club.example".to_owned()),
        window: minutes(0, 60),
        busy: vec![
            (minutes(50, 70), Busy::Busy),
            (minutes(10, 20), Busy::Busy),
            (minutes(5, 40), Busy::Tentative),
            (minutes(15, 25), Busy::Busy),
            (minutes(25, 30), Busy::Busy),
            (minutes(90, 95), Busy::Busy),
            (minutes(45, 45), Busy::Busy),
            (Window::new(Timestamp::from_millis(2_400_001), Timestamp::from_millis(2_400_002)), Busy::Tentative),
        ],
    };
    let text = write_free_busy(&feed(), &said);
    check_lines(&text);
    let (calendars, periods): (usize, Vec<&str>) = (
        text.matches("BEGIN:").count(),
        text.lines().filter_map(|line| line.strip_prefix("FREEBUSY;FBTYPE=")).collect(),
    );
    assert_eq!(calendars, 2);
    let expected = [
        "BUSY:19700101T001000Z/19700101T003000Z",
        "BUSY:19700101T005000Z/19700101T010000Z",
        "BUSY-TENTATIVE:19700101T000500Z/19700101T001000Z",
        "BUSY-TENTATIVE:19700101T003000Z/19700101T004001Z",
    ];
    assert_eq!(periods, expected);
    assert!(text.contains(
        "UID:hall\\nX:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:19700101T000000Z\r\nDTEND:19700101T010000Z\r\n"
    ));
}

// ---- laws ----

fn change(event: &CalendarEvent, of: DateTime, lasting: bool) -> Change {
    Change {
        of,
        range: if lasting { Range::ThisAndFuture } else { Range::This },
        start: of,
        frame: event.frame.clone(),
        length: event.length,
        summary: event.summary.clone(),
        cancelled: lasting,
        details: Arc::default(),
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let hostile = prop::sample::select(&["", "\nEND:VEVENT\n", ";:,\\n\"^n^", " ", "🎟", "\t\u{2028}"][..]);
    ("\\PC{0,40}", hostile).prop_map(|(text, hostile)| format!("{text}{hostile}{text}"))
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let zones = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu"].map(|name| Frame::zoned(name).unwrap());
    let [berlin, new_york, kathmandu] = zones;
    prop::sample::select(vec![Frame::Date, Frame::Floating, Frame::Utc, berlin, new_york, kathmandu])
}

fn any_start() -> impl Strategy<Value = DateTime> {
    (0..4_000_i32, 0..86_400_i64).prop_map(|(days, seconds)| {
        let day = date(2020, 1, 1).checked_add(days.days()).unwrap().at(0, 0, 0, 0);
        day.checked_add(SignedDuration::from_secs(seconds)).unwrap()
    })
}

fn any_length() -> impl Strategy<Value = Length> {
    (0..4_u16, prop::sample::select(&[0_i64, 1, 3_600, 90_000][..])).prop_map(|(days, seconds)| {
        let exact = SignedDuration::from_secs(seconds);
        Length { days: i32::from(days), exact }
    })
}

fn any_details() -> impl Strategy<Value = Arc<Details>> {
    let property = ("X-[A-Z]{1,6}", any_text(), any_text());
    let property =
        property.prop_map(|(name, parameter, text)| Property::of_text(&name, &text).with_parameter("X-P", parameter));
    let stamp = prop::option::of((0..4_000_000_000_i64).prop_map(|seconds| Timestamp::from_millis(seconds * 1_000)));
    (0..5_u32, stamp, prop::collection::vec(property, 0..4), any::<bool>()).prop_map(
        |(sequence, stamp, properties, alarm)| {
            let mut inner = Component::new("VALARM");
            inner.push(Property::new("TRIGGER", "-PT5M"));
            let components = if alarm { vec![inner] } else { Vec::new() };
            Arc::new(Details { sequence, stamp, properties, components })
        },
    )
}

fn any_series() -> impl Strategy<Value = CalendarEvent> {
    let rules = prop::sample::subsequence(
        vec!["FREQ=DAILY", "FREQ=MONTHLY;COUNT=3;BYDAY=-1FR", "FREQ=YEARLY;UNTIL=20300101T000000Z"],
        0..3,
    );
    let moments = || prop::collection::vec(any_start(), 0..4);
    let what = (any_text(), any_start(), any_frame(), any_length(), any_details(), any::<bool>());
    let lists =
        (rules, moments(), prop::collection::vec((any_start(), prop::option::of(any_length())), 0..5), moments());
    let changes = prop::collection::btree_map(
        any_start(),
        (any_start(), any_frame(), any_length(), any_text(), any_details(), any::<[bool; 2]>()),
        0..4,
    );
    (what, lists, changes, prop::option::of(0..1_000_u32), any::<bool>()).prop_map(
        |(what, lists, changes, capacity, skip)| {
            let (summary, start, frame, length, details, cancelled) = what;
            let (rules, excluded, dates, days) = lists;
            let midnight = |frame: &Frame, at: DateTime| if *frame == Frame::Date { at.date().into() } else { at };
            let mut event = CalendarEvent::new(SeriesId::new("a;b,c\\d").unwrap(), summary, start, frame, length);
            let frame = event.frame.clone();
            event.excluded_rules = rules.iter().skip(1).map(|rule| rule.parse().unwrap()).collect();
            event.rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
            event.dates = dates.into_iter().map(|(at, length)| (midnight(&frame, at), length)).collect();
            if event.rules.is_empty() && !event.dates.is_empty() && event.dates.iter().all(|(at, _)| *at != event.start)
            {
                event.dates.push((event.start, None));
            }
            event.excluded = excluded.into_iter().map(|at| midnight(&frame, at)).collect();
            if frame != Frame::Date {
                event.excluded_days = days.into_iter().map(DateTime::date).collect();
            }
            let sequence = details.sequence;
            (event.details, event.cancelled, event.capacity) = (details, cancelled, capacity);
            event.gap = if skip { Gap::Skip } else { Gap::Shift };
            let changes =
                changes.into_iter().map(|(of, (start, frame, length, summary, mut details, [cancelled, lasting]))| {
                    let details_ = Arc::make_mut(&mut details);
                    details_.sequence = details_.sequence.max(sequence);
                    let (of, start) = (midnight(&event.frame, of), midnight(&frame, start));
                    let range = if lasting { Range::ThisAndFuture } else { Range::This };
                    Change { of, range, start, frame, length, summary: summary.into(), cancelled, details }
                });
            let mut changes: Vec<Change> = changes.collect();
            changes.dedup_by_key(|change| change.of);
            event.changes = changes;
            event
        },
    )
}

fn stamped(mut event: CalendarEvent, stamp: Timestamp) -> CalendarEvent {
    Arc::make_mut(&mut event.details).stamp.get_or_insert(stamp);
    for change in &mut event.changes {
        Arc::make_mut(&mut change.details).stamp.get_or_insert(stamp);
    }
    event
}

proptest! {
    #[test]
    fn a_series_reads_back_as_it_was_written(event in any_series()) {
        let text = event.to_icalendar();
        check_lines(&text);
        let found = read_series(&text).unwrap();
        prop_assert_eq!(found.to_icalendar(), text);
        prop_assert_eq!(found, event);
    }

    #[test]
    fn a_feed_reads_back_as_it_was_written(event in any_series()) {
        let text = write_icalendar(&feed(), core::slice::from_ref(&event));
        check_lines(&text);
        let found = read_icalendar(text.as_bytes()).unwrap();
        prop_assert_eq!(write_icalendar(&feed(), &found.events), text);
        prop_assert_eq!(found.events, [stamped(event, feed().stamp)]);
    }
}

#[test]
fn real_files_read_back_as_they_were_written() {
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/ics");
    let (mut files, mut events, mut failures) = (0, 0, Vec::new());
    for part in ["files", "parse_only"] {
        let Ok(found) = std::fs::read_dir(folder.join(part)) else { continue };
        for file in found {
            let path = file.unwrap().path();
            let Ok(import) = read_icalendar(&std::fs::read(&path).unwrap()) else { continue };
            let text = write_icalendar(&feed(), &import.events);
            check_lines(&text);
            let again = read_icalendar(text.as_bytes()).unwrap();
            (files, events) = (files + 1, events + import.events.len());
            let wanted: Vec<CalendarEvent> =
                import.events.into_iter().map(|event| stamped(event, feed().stamp)).collect();
            let second = write_icalendar(&feed(), &again.events);
            if again.events != wanted || second != text {
                let pair = wanted.iter().zip(&again.events).find(|(one, other)| one != other);
                failures.push(format!("{path:?} bytes {} {pair:#?}", second == text));
            }
            for event in &wanted {
                if read_series(&event.to_icalendar()).as_ref() != Ok(event) {
                    failures.push(format!(
                        "{path:?} {} as a record: {:?}",
                        event.series,
                        read_series(&event.to_icalendar()).err()
                    ));
                }
            }
        }
    }
    eprintln!("{events} events of {files} files written and read again");
    assert!(failures.is_empty(), "{}: {}", failures.len(), failures[..failures.len().min(4)].join("\n"));
}
