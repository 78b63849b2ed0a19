//! iCalendar files read for what they mean, written, and read again.

use jiff::ToSpan;

use super::*;

#[test]
fn a_rule_of_a_file_is_read_as_it_stands_there_or_not_at_all() {
    let file = |rule: &str| {
        format!(
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260105T190000Z\r\nRRULE:{rule}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    };
    let bad = [
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=4294967298",
        "FREQ=DAILY;INTERVAL=-2",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;BYHOUR=265",
        "FREQ=MONTHLY;BYMONTHDAY=257",
        "FREQ=DAILY;COUNT=3;COUNT=5",
        "FREQ=DAILY;X-FOO=1",
        " FREQ=DAILY",
    ];
    for rule in bad {
        let import = read_icalendar(file(rule).as_bytes()).unwrap();
        assert!(import.events.is_empty(), "{rule}");
        assert_eq!(import.diagnostics.len(), 1, "{rule}");
        assert_eq!((import.diagnostics[0].line, &*import.diagnostics[0].property), (Some(5), "RRULE"), "{rule}");
    }
    let good = [
        ("FREQ=DAILY;INTERVAL=65537", "FREQ=DAILY;INTERVAL=65537"),
        ("FREQ=WEE\r\n KLY;BYDAY=\r\n\tMO", "FREQ=WEEKLY;BYDAY=MO"),
    ];
    for (rule, read) in good {
        let import = read_icalendar(file(rule).as_bytes()).unwrap();
        assert_eq!(import.diagnostics, [], "{rule}");
        assert_eq!(import.events[0].rules[0].to_string(), read);
    }
}

/// The file with these lines in one VCALENDAR, and each VEVENT between bars: `UID:a|DTSTART:...`.
fn import(events: &[&str]) -> Import {
    let events = events.iter().map(|event| format!("BEGIN:VEVENT\n{}\nEND:VEVENT\n", event.replace('|', "\n")));
    let file = format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", events.collect::<String>());
    read_icalendar(file.as_bytes()).unwrap()
}

fn notes(import: &Import) -> Vec<String> {
    import.diagnostics.iter().map(ToString::to_string).collect()
}

#[test]
fn an_offset_is_honoured_and_a_date_needs_no_value_parameter() {
    let found = import(&[
        "UID:a|DTSTART:20260220T100000+0200|DTEND:20260220T110000+0200",
        "UID:b|DTSTART;TZID=Europe/Berlin:20260105",
        "UID:c|DTSTART;TZID= Europe/Berlin :20260105T190000|DTEND;TZID=Europe/London:20260105T190000",
        "UID:d|DTSTART:20260105T190060",
    ]);
    let starts: Vec<_> = found.events.iter().map(|e| (e.start.to_string(), e.frame.name().to_owned())).collect();
    let expected =
        [("2026-02-20T08:00:00", "UTC"), ("2026-01-05T00:00:00", "date"), ("2026-01-05T19:00:00", "Europe/Berlin")];
    assert_eq!(starts[..3], expected.map(|(start, frame)| (start.to_owned(), frame.to_owned())));
    assert_eq!((starts[3].0.as_str(), starts[3].1.as_str()), ("2026-01-05T19:00:59", "floating"));
    assert_eq!((found.events[1].length, found.events[2].length), (Length::days(1), Length::exact(1.hours()).unwrap()));
    assert_eq!(notes(&found), [""; 0]);
}

#[test]
fn what_cannot_be_read_is_noted_with_line_and_property_and_costs_only_its_component() {
    let good = "UID:good|DTSTART:20260105T190000Z";
    let table = [
        ("UID:a", "line 2: a: DTSTART: is missing"),
        ("UID:a|DTSTART:20260230", "line 4: a: DTSTART: \"20260230\" is no date or time that exists"),
        (
            "UID:a|DTSTART:20260105T190000Z;X",
            "line 4: a: DTSTART: \"20260105T190000Z;X\" is no date or time that exists",
        ),
        ("UID:a|DTSTART:20260105|DTEND:x", "line 5: a: DTEND: \"x\" is no date or time that exists"),
        ("UID:a|DTSTART:20260105|DURATION:-P1D", "line 5: a: DURATION: is no duration from zero up"),
        ("UID:a|DTSTART:20260105|EXRULE:FREQ=NO", "line 5: a: EXRULE: rule part FREQ=NO: is no frequency"),
        ("UID:a|DTSTART:20260105|RECURRENCE-ID:x", "line 5: a: RECURRENCE-ID: \"x\" is no date or time that exists"),
    ];
    for (bad, note) in table {
        let found = import(&[bad, good]);
        assert_eq!((found.events.len(), found.left_out), (1, 1), "{bad}");
        assert_eq!(notes(&found), [format!("{note}: left out")]);
    }
}

#[test]
fn what_is_doubtful_is_noted_and_the_event_is_kept() {
    let start = "UID:a|DTSTART:20260105T190000Z";
    let table = [
        ("RDATE:20260106T190000Z,x,20260107T190000Z", "line 5: a: RDATE: \"x\" is no date or time that exists"),
        ("EXDATE:20260106T190000Z,20260107T19Z", "line 5: a: EXDATE: \"20260107T19Z\" is no date or time that exists"),
        ("EXRULE:FREQ=DAILY", "line 5: a: EXRULE: is of RFC 2445 and no longer allowed: it is applied"),
        ("SEQUENCE:-1", "line 5: a: SEQUENCE: is no whole number from zero up: read as 0"),
        ("DTSTAMP:now", "line 5: a: DTSTAMP: is no date or time that exists"),
        ("UID:b", "line 5: a: UID: stands here twice: the first is read"),
        ("X-BOXOFFICE-CAPACITY:many", "line 5: a: X-BOXOFFICE-CAPACITY: is no number of seats"),
        ("X-BOXOFFICE-GAP:mind", "line 5: a: X-BOXOFFICE-GAP: is neither SKIP nor SHIFT: read as SHIFT"),
        ("DTEND:20260104T190000Z", "line 5: a: DTEND: is before DTSTART: taken as no time at all"),
        ("garbage", "line 5: a: garbage: is no line of a calendar"),
    ];
    for (doubtful, note) in table {
        let found = import(&[&format!("{start}|{doubtful}")]);
        assert_eq!(found.events.len(), 1, "{doubtful}");
        assert_eq!(notes(&found), [note]);
    }
    let mars = import(&["UID:a|DTSTART;TZID=Mars:20260105T190000"]);
    let note = "line 4: a: DTSTART: time zone \"Mars\" is neither known nor defined in the file: read as floating";
    assert_eq!((notes(&mars), &mars.events[0].frame), (vec![note.to_owned()], &Frame::Floating));
    let unnamed = import(&["DTSTART:20260105|SUMMARY:Fair"]);
    assert_eq!(notes(&unnamed), ["line 2: Fair: UID: is missing: one was made from start and summary"]);
}

#[test]
fn dates_and_rules_over_their_limits_cost_the_component() {
    let dates = vec!["20260106T190000Z"; 10_001].join(",");
    let found = import(&[
        &format!("UID:a|DTSTART:20260105T190000Z|RDATE:{dates}"),
        &format!("UID:b|DTSTART:20260105T190000Z|EXDATE:{dates}"),
    ]);
    assert_eq!((found.events.len(), found.diagnostics.len()), (0, 2));
    assert_eq!(notes(&found)[0], "line 5: a: RDATE: has too many dates: more than 10,000 in this component: left out");
    let found = import(&[&format!("UID:a|DTSTART:20260105{}", "|RRULE:FREQ=DAILY".repeat(101))]);
    assert_eq!(notes(&found), ["line 105: a: RRULE: stands here more than 100 times: left out"]);
}

#[test]
fn what_is_not_interpreted_is_kept_in_order() {
    let found = import(&[
        "UID:a|STATUS:TENTATIVE|DTSTAMP:20260101T000000Z|SEQUENCE:3|DTSTART:20260105|DESCRIPTION:x\\, y|X-A;B=c:d\
         |BEGIN:VALARM|TRIGGER:-PT5M|END:VALARM|TRANSP:OPAQUE|X-BOXOFFICE-CAPACITY:40|X-BOXOFFICE-GAP:skip|EXRULE:FREQ=DAILY",
    ]);
    let event = &found.events[0];
    let names: Vec<&str> = event.details.properties.iter().map(|property| property.name.as_str()).collect();
    assert_eq!(names, ["STATUS", "DESCRIPTION", "X-A", "TRANSP"]);
    assert_eq!(event.details.components[0].property("TRIGGER").unwrap().value, "-PT5M");
    assert_eq!((event.details.sequence, event.capacity, event.gap), (3, Some(40), Gap::Skip));
    assert_eq!(event.details.stamp.unwrap().to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(event.excluded_rules.len(), 1);
}

#[test]
fn what_the_calendar_says_and_other_components_are_kept() {
    let file = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:PUBLISH\nX-WR-CALNAME:Club\nCALSCALE:JULIAN\n\
                BEGIN:VTODO\nUID:t\nEND:VTODO\nBEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE\nBEGIN:X-A\nEND:X-A\nEND:VCALENDAR\n";
    let found = read_icalendar(file.as_bytes()).unwrap();
    assert_eq!(found.calendar, [Property::new("METHOD", "PUBLISH"), Property::new("X-WR-CALNAME", "Club")]);
    assert_eq!(found.others.iter().map(|other| other.name.as_str()).collect::<Vec<_>>(), ["VTODO", "X-A"]);
    assert_eq!(notes(&found), ["line 6: VCALENDAR: CALSCALE: is none that is known here: read as GREGORIAN"]);
}

#[test]
fn changes_find_their_occurrence_and_the_newest_is_kept() {
    let master =
        "UID:a|SEQUENCE:2|DTSTART;TZID=Europe/Berlin:20260105T190000|DURATION:PT1H|RRULE:FREQ=WEEKLY|SUMMARY:Chess";
    let found = import(&[
        "UID:a|SEQUENCE:1|DTSTART:20200101T000000Z|SUMMARY:old",
        "UID:a|SEQUENCE:5|RECURRENCE-ID:20260112T180000Z|DTSTART:20260112T190000Z|SUMMARY:newer",
        "UID:a|SEQUENCE:4|RECURRENCE-ID:20260112T180000Z|DTSTART:20260112T200000Z|SUMMARY:older",
        master,
        "UID:a|RECURRENCE-ID;VALUE=DATE;RANGE=THISANDFUTURE:20260119|DTSTART;TZID=Europe/Berlin:20260119T200000|DURATION:PT2H",
        "UID:a|RECURRENCE-ID;TZID=Europe/Berlin:20260126T190000|STATUS:CANCELLED",
        "UID:b|RECURRENCE-ID:20260112T180000Z|DTSTART:20260112T190000Z|SUMMARY:orphan",
    ]);
    let said = [
        "line 2: a: UID: stands here again, in a later version or further down: left out",
        "line 15: a: UID: has another change of this occurrence, in a later version or further down: left out",
    ];
    assert_eq!((notes(&found), found.left_out), (said.map(str::to_owned).to_vec(), 2));
    let chess = &found.events[0];
    let told = |change: &Change| (change.of.to_string(), change.summary.to_string(), change.details.sequence);
    assert_eq!((&*chess.summary, chess.changes.len()), ("Chess", 3));
    assert_eq!(told(&chess.changes[0]), ("2026-01-12T19:00:00".to_owned(), "newer".to_owned(), 5));
    assert_eq!(told(&chess.changes[1]), ("2026-01-19T19:00:00".to_owned(), String::new(), 2));
    assert_eq!(chess.changes[1].range, Range::ThisAndFuture);
    let cancelled = &chess.changes[2];
    assert_eq!((cancelled.start, &cancelled.frame, cancelled.length), (cancelled.of, &chess.frame, chess.length));
    assert!(cancelled.cancelled && &*cancelled.summary == "Chess" && !chess.cancelled);
    let orphan = &found.events[1];
    assert_eq!((orphan.start.to_string(), orphan.changes.len()), ("2026-01-12T18:00:00".to_owned(), 1));
}
