//! Content lines, components and values: read and written, also where they are broken.

use jiff::civil::{Date, DateTime};
use proptest::prelude::*;

use super::content::{Component, Parameter, Property};
use super::fold::{LINE_MAX, Lines};
use super::notes::Diagnostic;
use super::text::{escape_text, unescape};
use super::tree::read_components;
use super::value::{self, Moment, PeriodEnd};
use super::{ImportError, line};

fn calendar(lines: &str) -> String {
    format!("BEGIN:VCALENDAR\r\n{}\r\nEND:VCALENDAR\r\n", lines.trim().replace('\n', "\r\n"))
}

/// The components of the only VCALENDAR, and what is noted.
fn read(text: &[u8]) -> (Vec<Component>, Vec<String>) {
    let (calendars, notes) = read_components(text).unwrap();
    let components = calendars.into_iter().flat_map(|calendar| calendar.components).collect();
    (components, notes.finish().iter().map(Diagnostic::to_string).collect())
}

fn property(text: &str) -> Property {
    line::read(1, text).unwrap()
}

#[test]
fn lines_end_with_crlf_lf_or_cr_and_are_unfolded_also_in_the_middle_of_a_character() {
    let lines =
        |bytes: &[u8]| -> Vec<(usize, String)> { Lines::new(bytes).map(|line| (line.number, line.text)).collect() };
    let expected = [(1, "A:1".to_owned()), (2, "B:2 3".to_owned()), (4, "C:4".to_owned())];
    assert_eq!(lines(b"A:1\r\nB:2\r\n  3\r\nC:4\r\n"), expected);
    assert_eq!(lines(b"A:1\nB:2\n\t 3\nC:4"), expected);
    assert_eq!(lines(b"A:1\rB:2\r  3\rC:4"), expected);
    assert_eq!(lines(b"\xef\xbb\xbfA:\xc3\r\n \xa4\r\n"), [(1, "A:ä".to_owned())]);
    assert_eq!(lines(b"\r\n\r\nA:1\r\n\r\n 2\r\n"), [(3, "A:12".to_owned())]);
}

#[test]
fn bytes_that_are_no_utf_8_are_replaced_and_noted() {
    let (found, notes) = read(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nSUMMARY:\xff!\nEND:VEVENT\nEND:VCALENDAR\n");
    assert_eq!(found[0].property("SUMMARY").unwrap().text(), "\u{fffd}!");
    assert_eq!(notes, ["line 4: a: SUMMARY: is not UTF-8: what could not be read became U+FFFD"]);
}

#[test]
fn a_line_is_taken_apart_with_quotes_lists_and_encoded_parameters() {
    let found = property("attendee;CN=\"Doe: \"; member=\"mailto:a\",b;X=^'a^n^^^x;Y;;Z=:mailto:c;d\"");
    let parameter = |name: &str| found.parameters.iter().find(|parameter| parameter.name == name).unwrap();
    assert_eq!((found.name.as_str(), found.value.as_str()), ("ATTENDEE", "mailto:c;d\""));
    assert_eq!(found.parameter("CN"), Some("Doe: "));
    assert_eq!(parameter("MEMBER").values, ["mailto:a", "b"]);
    assert_eq!(parameter("X").values, ["\"a\n^^x"]);
    assert_eq!((found.parameter("Y"), found.parameter("Z"), found.parameter("W")), (Some(""), Some(""), None));
    assert_eq!(property("A;B=\"c:d").value, "d");
    for text in ["", "A", "A;B=c", ":x", "A B:x", "Ä:x", "A;=b:c", "A;b c=d:e"] {
        assert!(line::read(1, text).is_err(), "{text:?}");
    }
}

#[test]
fn broken_nesting_costs_the_broken_component_and_no_other() {
    let whole = "BEGIN:VEVENT\nUID:whole\nEND:VEVENT\n";
    let table = [
        ("BEGIN:VEVENT\nUID:open\n", "line 2: open: has no end: left out"),
        ("BEGIN:VEVENT\nUID:open\nBEGIN:VALARM\n", "line 4: VALARM: has no end"),
        ("BEGIN:VEVENT\nUID:a\nBEGIN:VALARM\nEND:VEVENT\n", "line 4: VALARM: has no end"),
        ("END:VEVENT\n", "line 2: VCALENDAR: END: ends something that has not begun"),
        ("garbage\n", "line 2: VCALENDAR: garbage: is no line of a calendar"),
        ("BEGIN:\n", "line 2: VCALENDAR: BEGIN: has no proper name"),
    ];
    for (broken, note) in table {
        let (found, notes) = read(calendar(&format!("{broken}{whole}")).as_bytes());
        assert_eq!(found.last().unwrap().property("UID").unwrap().value, "whole", "{broken}");
        assert!(notes.iter().any(|found| found == note), "{broken}: {notes:?}");
    }
}

#[test]
fn a_file_that_ends_early_keeps_the_whole_components() {
    let text = calendar("BEGIN:VEVENT\nUID:a\nEND:VEVENT\nBEGIN:VEVENT\nUID:b");
    let (found, notes) = read(text.trim_end_matches("END:VCALENDAR\r\n").as_bytes());
    assert_eq!(found.len(), 1);
    assert_eq!(notes, ["line 1: VCALENDAR: has no end", "line 5: b: has no end: left out"]);
    let (found, notes) = read(format!("begin:vcalendar\n{text}").as_bytes());
    assert_eq!((found.len(), notes.len()), (1, 2), "{notes:?}");
}

#[test]
fn several_calendars_are_read_and_what_stands_between_them_is_noted() {
    let one = calendar("BEGIN:VEVENT\nUID:a\nEND:VEVENT");
    let (found, notes) = read(format!("{one}X:1\r\nBEGIN:VCARD\r\nEND:VCARD\r\n\u{feff}{one}").as_bytes());
    assert_eq!(found.len(), 2);
    let expected = ["line 6: file: X: stands outside of a calendar", "line 7: VCARD: stands outside of a calendar"];
    assert_eq!(notes, expected);
    assert_eq!(read_components(b"BEGIN:VCARD\r\nEND:VCARD\r\n").unwrap_err(), ImportError::NotACalendar);
}

#[test]
fn limits_hold_and_deep_or_endless_files_take_no_long_time() {
    let big = vec![b'A'; (10 << 20) + 1];
    assert!(matches!(read_components(&big), Err(ImportError::TooLarge { .. })));
    let many = "BEGIN:A\n".repeat(100_001);
    assert_eq!(
        read_components(many.as_bytes()).unwrap_err(),
        ImportError::TooManyComponents { line: 100_001, limit: 100_000 }
    );
    let deep = format!("BEGIN:VCALENDAR\n{}{}END:VCALENDAR\n", "BEGIN:A\n".repeat(99_999), "END:A\n".repeat(99_999));
    let (found, notes) = read(deep.as_bytes());
    assert_eq!(notes, ["line 17: A: A: stands too deep in other components"]);
    assert_eq!(found[0].to_string().matches("BEGIN").count(), 15);
    let ends = format!("{}{}", "BEGIN:A\n".repeat(99_999), "END:B\n".repeat(1_000_000));
    assert_eq!(read_components(ends.as_bytes()).unwrap_err(), ImportError::NotACalendar);
}

#[test]
fn a_line_that_is_too_long_is_read_as_empty_so_that_a_rule_in_it_is_not_missed() {
    let long = calendar(&format!("BEGIN:VEVENT\nUID:a\nRRULE:{}\nEND:VEVENT", "x".repeat(LINE_MAX)));
    let (found, notes) = read(long.as_bytes());
    assert_eq!(found[0].property("RRULE").unwrap().value, "");
    assert_eq!(notes, ["line 4: a: RRULE: is longer than 1048576 bytes: read as empty"]);
}

#[test]
fn the_last_of_a_thousand_notes_says_how_many_more_there_are() {
    let (_, notes) = read(calendar(&"garbage\n".repeat(5_000)).as_bytes());
    assert_eq!(notes.len(), 1_000);
    assert_eq!(notes[999], "VCALENDAR: 4001 more things are wrong in this file");
}

#[test]
fn what_is_written_has_lines_of_75_octets_and_cannot_be_broken_by_what_it_holds() {
    let hostile = "a\r\nEND:VEVENT\nb\rc\u{0}\u{85}d\u{7f}\t;";
    let property = Property::new("X-\r\nEVIL:y", hostile);
    assert_eq!(property.to_string(), "");
    let property = Property::new("x-note", hostile).with_parameter("CN", hostile).with_parameter("B\n", "1");
    assert_eq!(property.to_string(), "X-NOTE;CN=\"a^nEND:VEVENT^nb^ncd\t;\";B=1:a\\nEND:VEVENT\\nb\\ncd\t;\r\n");
    assert_eq!(Property::new("END", "VEVENT").to_string(), "");
    let smiles = Property::of_text("SUMMARY", &"😀".repeat(100)).to_string();
    assert!(smiles.split("\r\n").all(|line| line.len() <= 75), "{smiles}");
    assert_eq!(smiles.split("\r\n").count(), 7);
    assert_eq!(Component::new("BAD NAME").to_string(), "");
}

#[test]
fn texts_and_lists_lose_their_escapes() {
    let property = Property::new("CATEGORIES", r"a\,b,c\\,\n\;\N\x,");
    assert_eq!(property.list(), ["a,b", "c\\", "\n;\n\\x", ""]);
    assert_eq!(property.text(), "a,b,c\\,\n;\n\\x,");
    assert_eq!(unescape("ends\\"), "ends\\");
}

#[test]
fn dates_and_times_are_read_whole_or_not_at_all() {
    let local = |text: &str| Some(Moment::Local(text.parse::<DateTime>().unwrap()));
    let utc = |text: &str| Some(Moment::Utc(text.parse::<DateTime>().unwrap()));
    let table = [
        ("20260105", Some(Moment::Date("2026-01-05".parse::<Date>().unwrap()))),
        (" 20260105T190000 ", local("2026-01-05T19:00:00")),
        ("20260105t190000z", utc("2026-01-05T19:00:00")),
        ("20260220T100000+0200", utc("2026-02-20T08:00:00")),
        ("20260220T233000-0100", utc("2026-02-21T00:30:00")),
        ("20161231T235960Z", utc("2016-12-31T23:59:59")),
    ];
    for (text, expected) in table {
        assert_eq!(value::moment(text), expected, "{text}");
    }
    let bad = [
        "",
        "T",
        "2026010",
        "202601050",
        "20260230",
        "00000101",
        "20260105T",
        "20260105T19",
        "20260105T1900",
        "+2260105",
        "20260105T190000ZZ",
        "20260105T190000 Z",
        "20260105T240000",
        "20260105T196000",
        "20260105T190061",
        "２０２６0105",
        "20260105T190000+2",
        "20260105T190000+2500",
        "00010101T000000+0100",
        "2026-01-05",
        "20260105T190000;X",
    ];
    for text in bad {
        assert_eq!(value::moment(text), None, "{text}");
    }
}

#[test]
fn durations_periods_and_offsets_are_read_whole_or_not_at_all() {
    let table = [
        ("P1W", Some((7, 0))),
        ("P1DT2H3M4S", Some((1, 7_384))),
        ("+PT90M", Some((0, 5_400))),
        ("-P2D", Some((2, 0))),
        ("PT0S", Some((0, 0))),
        ("P1W2D", Some((9, 0))),
    ];
    for (text, expected) in table {
        assert_eq!(value::duration(text).map(|found| (found.days, found.seconds)), expected, "{text}");
    }
    assert!(value::duration("-P2D").unwrap().negative);
    for text in ["", "P", "PT", "P1", "1D", "P1DT", "PT1H1H", "PT1M1H", "P-1D", "P1.5D", "PT1Hx", "P99999999999D"] {
        assert_eq!(value::duration(text), None, "{text}");
    }
    let (start, end) = value::period("20260105T190000Z/PT1H").unwrap();
    assert!(matches!((start, end), (Moment::Utc(_), PeriodEnd::After(_))));
    assert!(matches!(value::period("20260105/20260106").unwrap().1, PeriodEnd::At(Moment::Date(_))));
    assert_eq!(value::period("20260105T190000Z/"), None);
    assert_eq!(value::utc_offset("+0130"), Some(5_400));
    assert_eq!(value::utc_offset("-001730"), Some(-1_050));
    for text in ["0100", "+1", "+01000", "+2400", "+0160", "++100"] {
        assert_eq!(value::utc_offset(text), None, "{text}");
    }
}

// ---- laws ----

fn any_name() -> impl Strategy<Value = String> {
    "X-[A-Z0-9-]{0,8}"
}

/// Any text without control characters, which cannot be written; TAB can.
fn any_value() -> impl Strategy<Value = String> {
    ".{0,120}".prop_map(|text| text.chars().filter(|c| *c == '\t' || !c.is_control()).collect())
}

fn any_property() -> impl Strategy<Value = Property> {
    let parameter = (any_name(), prop::collection::vec(any_value(), 1..4));
    let parameter = parameter.prop_map(|(name, values)| Parameter { name, values });
    let parameters = prop::collection::vec(parameter, 0..3);
    (any_name(), parameters, any_value()).prop_map(|(name, parameters, value)| Property {
        name,
        parameters,
        value,
        line: 0,
    })
}

fn any_component() -> impl Strategy<Value = Component> {
    let leaf = (any_name(), prop::collection::vec(any_property(), 0..5));
    let leaf = leaf.prop_map(|(name, properties)| Component { properties, ..Component::new(&name) });
    leaf.prop_recursive(4, 16, 3, |inner| {
        (any_name(), prop::collection::vec(any_property(), 0..3), prop::collection::vec(inner, 0..3))
            .prop_map(|(name, properties, components)| Component { properties, components, ..Component::new(&name) })
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(components in prop::collection::vec(any_component(), 0..3)) {
        let calendar = Component { components, ..Component::new("VCALENDAR") };
        let text = calendar.to_string();
        let lines: Vec<&str> = text.split("\r\n").collect();
        prop_assert!(lines.iter().all(|line| line.len() <= 75 && !line.contains(['\r', '\n'])));
        let (found, notes) = read_components(text.as_bytes()).unwrap();
        prop_assert_eq!(notes.finish(), []);
        prop_assert_eq!(found, [calendar]);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic_and_what_is_kept_can_be_written(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        lines in prop::collection::vec("(BEGIN|END|A|SUMMARY;X=\"|\u{feff}| )?[:;,=\"^\\\\\r\n\u{0}-\u{ff}]{0,9}(VEVENT|VCALENDAR|A)?", 0..20),
    ) {
        let mut file = b"BEGIN:VCALENDAR\n".to_vec();
        file.extend_from_slice(lines.join("\n").as_bytes());
        file.extend_from_slice(&bytes);
        if let Ok((calendars, _)) = read_components(&file) {
            let text: String = calendars.iter().map(Component::to_string).collect();
            let (again, _) = read_components(text.as_bytes()).unwrap();
            prop_assert_eq!(again, calendars);
        }
    }

    #[test]
    fn a_text_survives_its_escapes(text in any_value()) {
        prop_assert_eq!(unescape(&escape_text(&text)), text);
    }

    #[test]
    fn a_duration_reads_back_as_it_was_written(days in 0_i64..1_000, seconds in 0_i64..1_000_000) {
        let text = value::write_duration(days, jiff::SignedDuration::from_secs(seconds));
        let read = value::duration(&text).unwrap();
        prop_assert_eq!((read.days, read.seconds, read.negative), (days, seconds, false));
    }
}

#[test]
fn real_files_are_stable_once_they_are_written() {
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/ics");
    for part in ["files", "parse_only"] {
        let Ok(files) = std::fs::read_dir(folder.join(part)) else { continue };
        for file in files {
            let path = file.unwrap().path();
            let Ok((calendars, _)) = read_components(&std::fs::read(&path).unwrap()) else { continue };
            let text: String = calendars.iter().map(Component::to_string).collect();
            let (again, notes) = read_components(text.as_bytes()).unwrap();
            assert_eq!(again, calendars, "{path:?}");
            assert_eq!(notes.finish(), [], "{path:?}");
        }
    }
}
