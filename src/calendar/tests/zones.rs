//! Definitions of time zones, read and written, against the zones of the IANA database.
#![expect(clippy::print_stderr, reason = "counts are printed for whoever runs the tests")]

use jiff::civil::{Date, date};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;

use super::describe::describe;
use super::vtimezone::{self, ZoneError};
use super::{Component, Property};
use crate::calendar::Zone;

/// The first component in a text, read just well enough for these tests.
fn component(lines: &mut dyn Iterator<Item = (usize, String)>, name: &str, line: usize) -> Component {
    let mut found = Component { name: name.to_owned(), properties: Vec::new(), components: Vec::new(), line };
    while let Some((line, text)) = lines.next() {
        let Some((name, value)) = text.split_once(':') else { continue };
        let name = name.split(';').next().unwrap_or_default().to_uppercase();
        match name.as_str() {
            "BEGIN" => found.components.push(component(lines, &value.trim().to_uppercase(), line)),
            "END" => return found,
            _ => found.properties.push(Property { name, parameters: Vec::new(), value: value.to_owned(), line }),
        }
    }
    found
}

/// All of a text, in a component of its own.
pub(super) fn components(text: &str) -> Component {
    let unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let mut lines = (1..).zip(unfolded.lines().map(str::to_owned));
    component(&mut lines, "", 0)
}

fn definition(body: &str) -> Component {
    components(&format!("BEGIN:VTIMEZONE\nTZID:x\n{body}\nEND:VTIMEZONE")).components.remove(0)
}

fn read(body: &str) -> Result<TimeZone, ZoneError> {
    vtimezone::read(&definition(body), "x")
}

pub(super) fn iana(name: &str) -> TimeZone {
    Zone::named(name).unwrap().time_zone().clone()
}

fn instant(day: Date) -> Timestamp {
    Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap()
}

/// The first hour in UTC from `from` to `to` at which two zones differ.
fn first_difference(one: &TimeZone, other: &TimeZone, from: Timestamp, to: Timestamp) -> Option<Timestamp> {
    let times = from.series(1.hour()).take_while(|at| *at < to);
    times.into_iter().find(|at| one.to_offset(*at) != other.to_offset(*at))
}

/// And one second on both sides of each change.
#[track_caller]
pub(super) fn assert_same(one: &TimeZone, other: &TimeZone, from: Date, to: Date, what: &str) {
    let (from, to) = (instant(from), instant(to));
    let difference = first_difference(one, other, from, to);
    assert_eq!(difference, None, "{what}: {:?} {:?}", difference.map(|at| one.to_offset(at)), one);
    for change in other.following(from).take_while(|change| change.timestamp() < to) {
        for seconds in [-1, 0] {
            let at = change.timestamp() + SignedDuration::from_secs(seconds);
            assert_eq!(one.to_offset(at), other.to_offset(at), "{what} {at}");
        }
    }
}

const BERLIN: &str = "BEGIN:DAYLIGHT\nDTSTART:19810329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nTZNAME:CEST\n\
    RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\n\
    BEGIN:STANDARD\nDTSTART:19961027T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nTZNAME:CET\n\
    RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD";

/// As Outlook writes it: from 1601 on, and no names.
const BERLIN_1601: &str = "BEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
    RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\n\
    BEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n\
    RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT";

const NEW_YORK: &str = "BEGIN:DAYLIGHT\nDTSTART:19870405T020000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nTZNAME:EDT\n\
    RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z\nEND:DAYLIGHT\n\
    BEGIN:STANDARD\nDTSTART:19671029T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nTZNAME:EST\n\
    RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z\nEND:STANDARD\n\
    BEGIN:DAYLIGHT\nDTSTART:20070311T020000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nTZNAME:EDT\n\
    RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=SU;BYMONTHDAY=8,9,10,11,12,13,14\nEND:DAYLIGHT\n\
    BEGIN:STANDARD\nDTSTART:20071104T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nTZNAME:EST\n\
    RRULE:FREQ=MONTHLY;BYMONTH=11;BYDAY=1SU\nEND:STANDARD";

const LORD_HOWE: &str = "BEGIN:STANDARD\nDTSTART:20080406T020000\nTZOFFSETFROM:+1100\nTZOFFSETTO:+1030\n\
    RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU\nEND:STANDARD\n\
    BEGIN:DAYLIGHT\nDTSTART:20081005T020000\nTZOFFSETFROM:+1030\nTZOFFSETTO:+1100\n\
    RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=1SU\nEND:DAYLIGHT";

pub(super) const KATHMANDU: &str =
    "BEGIN:STANDARD\nDTSTART:19860101T000000\nTZOFFSETFROM:+0530\nTZOFFSETTO:+0545\nEND:STANDARD";

/// Friday before the last Sunday in March: no rule that a POSIX text can state, so all changes are listed.
const JERUSALEM: &str = "BEGIN:DAYLIGHT\nDTSTART:20130329T020000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0300\n\
    RRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=23,24,25,26,27,28,29;BYDAY=FR\nEND:DAYLIGHT\n\
    BEGIN:STANDARD\nDTSTART:20131027T020000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0200\n\
    RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD";

#[test]
fn a_definition_gives_the_offsets_of_the_zone_that_it_was_copied_from() {
    let table = [
        ("Europe/Berlin", BERLIN, 1997, 2060),
        ("Europe/Berlin", BERLIN_1601, 1997, 2060),
        ("America/New_York", NEW_YORK, 1988, 2060),
        ("Australia/Lord_Howe", LORD_HOWE, 2009, 2060),
        ("Asia/Kathmandu", KATHMANDU, 1980, 2060),
        ("Asia/Jerusalem", JERUSALEM, 2014, 2060),
        ("Asia/Jerusalem", JERUSALEM, 2190, 2199),
    ];
    for (name, body, from, to) in table {
        let zone = read(body).unwrap();
        assert_same(&zone, &iana(name), date(from, 1, 1), date(to, 1, 1), name);
    }
    // For ever.
    assert_same(&read(BERLIN_1601).unwrap(), &iana("Europe/Berlin"), date(2500, 1, 1), date(2501, 1, 1), "far");
}

#[test]
fn names_and_summer_time_come_from_the_definition() {
    let zone = read(BERLIN).unwrap();
    let info = zone.to_offset_info(instant(date(2026, 7, 1)));
    assert_eq!((info.abbreviation(), info.dst().is_dst()), ("CEST", true));
    let zone = read(LORD_HOWE).unwrap();
    assert_eq!(zone.to_offset_info(instant(date(2026, 7, 1))).abbreviation(), "+1030");
}

fn offsets(zone: &TimeZone, days: &[&str]) -> Vec<i32> {
    let hours = |day: &&str| zone.to_offset(day.parse().unwrap()).seconds() / 60;
    days.iter().map(hours).collect()
}

#[test]
fn a_rule_ends_with_its_until_and_what_it_left_stays() {
    let zone = read(
        "BEGIN:DAYLIGHT\nDTSTART:20000326T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n\
         RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;UNTIL=20020331T010000Z\nEND:DAYLIGHT\n\
         BEGIN:STANDARD\nDTSTART:20001029T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
         RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20011028T010000Z\nEND:STANDARD",
    )
    .unwrap();
    let days = ["1999-07-01T00Z", "2001-07-01T00Z", "2002-01-01T00Z", "2002-03-31T00:59:59Z", "2002-03-31T01Z"];
    assert_eq!(offsets(&zone, &days), [60, 120, 60, 60, 120]);
    assert_eq!(offsets(&zone, &["2003-01-01T00Z", "2300-01-01T00Z"]), [120, 120]);
}

#[test]
fn dates_alone_are_changes_too_and_before_the_first_it_is_the_offset_from() {
    let zone = read(
        "BEGIN:DAYLIGHT\nDTSTART:20200301T020000\nRDATE:20210301T020000,20220302T020000\nTZOFFSETFROM:-033000\n\
         TZOFFSETTO:-023000\nEND:DAYLIGHT\n\
         BEGIN:STANDARD\nDTSTART:20201001T020000\nRDATE;VALUE=DATE-TIME:20211001T020000\n\
         RDATE:20221001T043000Z\nTZOFFSETFROM:-0230\nTZOFFSETTO:-0330\nEND:STANDARD",
    )
    .unwrap();
    let summers = ["2020-07-01T00Z", "2021-07-01T00Z", "2022-07-01T00Z", "2022-03-02T05:30Z", "2022-10-01T04:29:59Z"];
    let winters = ["2000-07-01T00Z", "2021-01-01T00Z", "2022-03-02T05:29:59Z", "2022-10-01T04:30Z", "2050-07-01T00Z"];
    assert_eq!(offsets(&zone, &summers), [-150; 5]);
    assert_eq!(offsets(&zone, &winters), [-210; 5]);
}

#[test]
fn seconds_in_offsets_and_years_from_one_on_are_read() {
    let zone = read(
        "BEGIN:STANDARD\nDTSTART:00010101T000000\nTZOFFSETFROM:+00:53:28\nTZOFFSETTO:+005328\nEND:STANDARD\n\
         BEGIN:STANDARD\nDTSTART:18930401T000000\nTZOFFSETFROM:+005328\nTZOFFSETTO:+0100\nEND:STANDARD",
    )
    .unwrap();
    assert_same(&zone, &iana("Europe/Berlin"), date(1890, 1, 1), date(1910, 1, 1), "Berlin");
}

const OBSERVANCE: &str = "BEGIN:STANDARD\nDTSTART:20000101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:STANDARD";

#[expect(clippy::disallowed_methods, reason = "the time it takes is what is tested")]
#[test]
fn what_cannot_be_read_is_refused_by_name_and_line_and_soon() {
    let with = |from: &str, to: &str| OBSERVANCE.replace(from, to);
    let ruled = |rule: &str| with("END:", &format!("RRULE:{rule}\nEND:"));
    let rule = "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;BYDAY=MO\n";
    let old = with("20000101", "16010101");
    let table = [
        (String::new(), "line 1: VTIMEZONE: has neither STANDARD nor DAYLIGHT"),
        (with("DTSTART:20000101T000000\n", ""), "line 3: STANDARD: has no DTSTART"),
        (with("20000101", "2000010"), "line 4: DTSTART: \"2000010T000000\" is no date with a time"),
        (with("TZOFFSETTO:+0200\n", ""), "line 3: STANDARD: has no TZOFFSETTO"),
        (with("+0200", "+9900"), "line 6: TZOFFSETTO: \"+9900\" is no offset such as +0100, of 25:59:59 at most"),
        (with("+0100", "west"), "line 5: TZOFFSETFROM: \"west\" is no offset such as +0100, of 25:59:59 at most"),
        (with("+0100", "+0160"), "line 5: TZOFFSETFROM: \"+0160\" is no offset such as +0100, of 25:59:59 at most"),
        (with("2000", "9999"), "line 3: VTIMEZONE: begins after the year 2199"),
        (ruled("FREQ=SECONDLY"), "line 7: RRULE: \"FREQ=SECONDLY\""),
        (ruled("FREQ=DAILY"), "line 7: RRULE: \"FREQ=DAILY\" is neither yearly nor monthly"),
        (ruled("FREQ=MONTHLY;BYHOUR=1,2,3;BYMINUTE=1,2,3"), "line 7: RRULE: has too many starts"),
        (ruled("FREQ=YEARLY;UNTIL=never"), "line 7: RRULE: \"FREQ=YEARLY;UNTIL=never\" (rule part UNTIL=NEVER"),
        (with("END:", "RDATE:x\nEND:"), "line 7: RDATE: \"x\" has no such date"),
        (vec![OBSERVANCE; 10_000].join("\n"), "line 1: VTIMEZONE: has more than 2,000 observances"),
        (vec![ruled("FREQ=YEARLY"); 2_000].join("\n"), "VTIMEZONE: changes more than 2,000 times"),
        (old.replace("END:", &format!("{}END:", rule.repeat(9))), "RRULE: its rules go over too many years"),
    ];
    for (body, wanted) in table {
        let definition = definition(&body);
        let began = std::time::Instant::now();
        let error = vtimezone::read(&definition, "x").expect_err(wanted).to_string();
        let took = began.elapsed();
        assert!(error.contains(wanted), "{error}");
        eprintln!("{took:?} for {wanted}");
        assert!(took.as_millis() < if cfg!(debug_assertions) { 500 } else { 50 }, "{took:?} for {wanted}");
    }
}

/// Observances of any kind, mostly nonsense.
fn any_definition() -> impl Strategy<Value = String> {
    let offset = prop_oneof![(-26_i32..26).prop_map(|hour| format!("{hour:+03}00")), "[+-]?[0-9:]{0,7}"];
    let start = prop_oneof![
        (1_i16..2300, 1_i8..13, 1_i8..29, 0_i8..24).prop_map(|(y, m, d, h)| format!("{y:04}{m:02}{d:02}T{h:02}0000")),
        "[0-9]{7,8}T[0-9]{6}Z?"
    ];
    let rule = prop_oneof![
        3 => (1_i8..13, -5_i8..6).prop_map(|(m, n)| format!("RRULE:FREQ=YEARLY;BYMONTH={m};BYDAY={n}SU\n")),
        1 => (1_u8..40, 1_u8..4).prop_map(|(d, i)| format!("RRULE:FREQ=MONTHLY;BYMONTHDAY={d};INTERVAL={i};COUNT=9\n")),
        1 => Just(String::new()),
    ];
    let part = (start, offset.clone(), offset, rule, any::<bool>()).prop_map(|(start, from, to, rule, summer)| {
        let name = if summer { "DAYLIGHT" } else { "STANDARD" };
        format!("BEGIN:{name}\nDTSTART:{start}\nTZOFFSETFROM:{from}\nTZOFFSETTO:{to}\n{rule}END:{name}")
    });
    proptest::collection::vec(part, 1..5).prop_map(|parts| parts.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_definition_is_read_or_refused_and_any_zone_read_can_be_asked(body in any_definition(), at in 1_i16..2400) {
        if let Ok(zone) = read(&body) {
            let civil = date(at, 6, 1).at(2, 30, 0, 0);
            prop_assert!(zone.to_ambiguous_zoned(civil).compatible().is_ok());
            prop_assert!(zone.following(instant(date(at, 1, 1))).take(3).count() <= 3);
        }
    }
}

const ZONES: [&str; 34] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "America/Argentina/Buenos_Aires",
    "America/Asuncion",
    "America/Bogota",
    "America/Caracas",
    "America/Chicago",
    "America/Havana",
    "America/Los_Angeles",
    "America/New_York",
    "America/Nuuk",
    "America/Phoenix",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Gaza",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Etc/GMT+5",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Istanbul",
    "Europe/Moscow",
    "Pacific/Apia",
    "Pacific/Chatham",
    "UTC",
];

/// What is written for a window, read again.
pub(super) fn again(zone: &Zone, from: Date, to: Date) -> TimeZone {
    let described = describe(zone, from, to);
    vtimezone::read(&described, zone.name()).unwrap_or_else(|error| panic!("{} {error} {described:?}", zone.name()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_zone_described_and_read_again_is_the_same_in_its_window(
        zone in 0..ZONES.len(), year in 1880_i16..2090, day in 1_i16..366, days in 0_i16..4_000
    ) {
        let zone = Zone::named(ZONES[zone]).unwrap();
        let from = date(year, 1, 1) + SignedDuration::from_hours(24 * i64::from(day));
        let to = from + SignedDuration::from_hours(24 * i64::from(days));
        let local = |day: Date| zone.time_zone().to_timestamp(day.at(0, 0, 0, 0)).unwrap();
        let read = again(&zone, from, to);
        prop_assert_eq!(first_difference(&read, zone.time_zone(), local(from), local(to)), None, "{}", zone.name());
    }
}

#[test]
fn every_zone_of_the_list_is_the_same_for_the_forty_years_of_a_series_without_end() {
    for name in ZONES {
        let zone = Zone::named(name).unwrap();
        let read = again(&zone, date(2026, 3, 1), date(9999, 1, 1));
        assert_same(&read, zone.time_zone(), date(2026, 3, 1), date(2066, 3, 1), name);
    }
}

fn lines(component: &Component) -> Vec<String> {
    let own = component.properties.iter().map(|property| format!("{}:{}", property.name, property.value));
    let inner = component.components.iter().flat_map(|inner| {
        let mut all = vec![inner.name.clone()];
        all.extend(lines(inner));
        all
    });
    own.chain(inner).collect()
}

#[test]
fn what_is_written_is_what_other_programs_expect() {
    let berlin = describe(&Zone::named("Europe/Berlin").unwrap(), date(2026, 3, 1), date(2026, 4, 1));
    let wanted = "TZID:Europe/Berlin \
        DAYLIGHT DTSTART:20260329T020000 TZOFFSETFROM:+0100 TZOFFSETTO:+0200 \
        RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU TZNAME:CEST \
        STANDARD DTSTART:20251026T030000 TZOFFSETFROM:+0200 TZOFFSETTO:+0100 \
        RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU TZNAME:CET";
    assert_eq!(lines(&berlin).join(" "), wanted);
    for (name, day) in [
        ("Australia/Lord_Howe", "BYMONTH=10;BYDAY=1SU"),
        ("America/Santiago", "BYMONTH=4;BYMONTHDAY=2,3,4,5,6,7,8;BYDAY=SU"),
        ("Asia/Jerusalem", "BYMONTH=3;BYMONTHDAY=23,24,25,26,27,28,29;BYDAY=FR"),
        ("Antarctica/Troll", "BYMONTH=3;BYDAY=-1SU"),
    ] {
        let written = lines(&describe(&Zone::named(name).unwrap(), date(2026, 3, 1), date(2026, 4, 1))).join(" ");
        assert!(written.contains(&format!(" RRULE:FREQ=YEARLY;{day} ")), "{written}");
    }
    // Winter is the exception in the database, summer in every other program.
    let dublin = lines(&describe(&Zone::named("Europe/Dublin").unwrap(), date(2026, 3, 1), date(2026, 4, 1)));
    assert!(dublin.join(" ").contains("STANDARD DTSTART:20251026T020000 TZOFFSETFROM:+0100 TZOFFSETTO:+0000"));
    let utc = lines(&describe(&Zone::named("UTC").unwrap(), date(2026, 3, 1), date(2026, 4, 1)));
    assert_eq!(utc[1..5], ["STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0000", "TZOFFSETTO:+0000"]);
    let casablanca = lines(&describe(&Zone::named("Africa/Casablanca").unwrap(), date(2026, 3, 1), date(2028, 4, 1)));
    assert!(casablanca.iter().any(|line| line.starts_with("RDATE:")) && !casablanca.join(" ").contains("RRULE"));
}

#[test]
fn a_zone_with_a_definition_is_described_by_it_under_its_own_name() {
    let definition = definition(KATHMANDU);
    let rules = vtimezone::read(&definition, "x").unwrap();
    let zone = Zone::defined("Hill; village,\r\nX:1", rules, definition);
    let described = describe(&zone, date(2026, 1, 1), date(2027, 1, 1));
    assert_eq!(described.properties[0].value, "Hill\\; village\\,X:1");
    assert_eq!(described.components, zone.definition().unwrap().components);
}
