//! Names of time zones, and which zone a file means by one.
#![expect(clippy::print_stderr, reason = "counts are printed for whoever runs the tests")]

use std::path::PathBuf;

use jiff::civil::date;

use super::Component;
use super::zone_tests::{KATHMANDU, again, assert_same, components, iana};
use super::zones::{Zones, named};
use crate::calendar::Zone;

#[test]
fn names_of_zones_are_known_in_all_their_forms() {
    let table = [
        ("Europe/Berlin", "Europe/Berlin"),
        (" \"europe/berlin\" ", "Europe/Berlin"),
        ("/mozilla.org/20050126_1/America/Boise", "America/Boise"),
        ("/freeassociation.sourceforge.net/Tzfile/America/Argentina/Salta", "America/Argentina/Salta"),
        ("/freeassociation.sourceforge.net/Tzfile/EST5EDT", "EST5EDT"),
        ("/softwarestudio.org/Olson_20011030_5/America/Chicago", "America/Chicago"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("w. europe standard time", "Europe/Berlin"),
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Berlin"),
        ("(GMT-05:00) Eastern Time (US & Canada)", "America/New_York"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("Etc/GMT+5", "Etc/GMT+5"),
        ("GMT", "GMT"),
        ("UTC", "UTC"),
        ("Z", "UTC"),
        ("GMT+0200", "Etc/GMT-2"),
        ("UTC+2", "Etc/GMT-2"),
        ("UTC-03:00", "Etc/GMT+3"),
        ("UTC+00:00", "UTC"),
        ("+05:30", "+05:30"),
        ("UTC-13", "UTC-13"),
    ];
    for (tzid, wanted) in table {
        let zone = named(tzid).unwrap_or_else(|| panic!("{tzid}"));
        assert_eq!(zone.name(), wanted, "{tzid}");
    }
    let india = named("+05:30").unwrap();
    assert_same(india.time_zone(), &iana("Asia/Kolkata"), date(2020, 1, 1), date(2021, 1, 1), "+05:30");
    assert_same(
        &again(&india, date(2020, 1, 1), date(2021, 1, 1)),
        india.time_zone(),
        date(2020, 1, 1),
        date(2021, 1, 1),
        "",
    );
}

#[test]
fn what_names_no_zone_is_not_taken_for_one() {
    let long = format!("/{}", "Europe/Berlin/".repeat(100_000));
    for tzid in [
        "",
        "Nowhere/Middle",
        "Nowhere/GMT",
        "Etc/Unknown",
        "tzone://Microsoft/Custom",
        "1",
        "UTC+15",
        "UTC+1:3",
        &long,
    ] {
        assert_eq!(named(tzid), None, "{}", &tzid[..tzid.len().min(60)]);
        assert_eq!(Zones::new(&components("")).find(tzid), None);
    }
}

fn calendar(tzid: &str, more: &str) -> Component {
    components(&format!("BEGIN:VTIMEZONE\nTZID:{tzid}\n{more}\nEND:VTIMEZONE"))
}

#[test]
fn a_known_name_wins_over_the_definition_and_the_definition_over_a_guess() {
    let file = calendar("Europe/Berlin", KATHMANDU);
    assert_eq!(Zones::new(&file).find("Europe/Berlin"), Some((Zone::named("Europe/Berlin").unwrap(), None)));

    for tzid in ["Europe_Berlin", "UTC+1", "tzone://Microsoft/Custom", "Customized Time Zone 1"] {
        let file = calendar(tzid, KATHMANDU);
        let (zone, note) = Zones::new(&file).find(&format!("\"{tzid}\"")).unwrap();
        assert_eq!((zone.name(), note), (tzid, None));
        assert_eq!(zone.definition(), file.components.first());
    }
    let file = calendar("Some\\, where", &format!("X-LIC-LOCATION:Asia/Tokyo\n{KATHMANDU}"));
    assert_eq!(Zones::new(&file).find("Some, where").unwrap().0.name(), "Asia/Tokyo");
}

#[test]
fn a_guess_comes_with_a_note_and_a_failure_with_a_reason() {
    let none = components("");
    let mut zones = Zones::new(&none);
    for (tzid, wanted) in [
        ("Europe_Berlin", "Europe/Berlin"),
        ("America_New_York", "America/New_York"),
        ("US-Eastern", "US/Eastern"),
        ("IndianReunion", "Indian/Reunion"),
        ("custom_America/New_York", "America/New_York"),
    ] {
        let (zone, note) = zones.find(tzid).unwrap();
        assert_eq!(zone.name(), wanted);
        assert!(note.unwrap().ends_with(&format!("it is taken for {wanted}")));
        assert_eq!(zones.why_not(tzid), None);
    }
    assert_eq!(zones.why_not("Nowhere").unwrap(), "time zone \"Nowhere\" is neither known nor defined in the file");
    let many: Vec<Component> = (0..600).map(|n| calendar(&n.to_string(), KATHMANDU).components.remove(0)).collect();
    let many = Component { components: many, ..components("") };
    assert!(Zones::new(&many).find("499").is_some() && Zones::new(&many).find("500").is_none());
    let broken = calendar("Nowhere", "");
    let reason = Zones::new(&broken).why_not("Nowhere").unwrap();
    assert!(reason.ends_with("cannot be used: line 1: VTIMEZONE: has neither STANDARD nor DAYLIGHT"), "{reason}");
}

/// The TZIDs of parameters in a file, and those of its zones.
fn tzids(text: &str) -> Vec<String> {
    let unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let mut found = Vec::new();
    for rest in unfolded.lines().filter_map(|line| line.split_once(";TZID=").map(|(_, rest)| rest)) {
        let tzid = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => rest.split([':', ';']).next(),
        };
        found.extend(tzid.map(str::to_owned));
    }
    found.sort();
    found.dedup();
    found
}

/// Names in the files beside the project that mean no zone, and have no definition.
const UNRESOLVED: [&str; 6] = [
    "America-SanJose",
    "LOLOLOL",
    r#""b""#,
    r#""c""#,
    "W. Europe Standard Time:20200609T090000",
    "(UTC-05:00) Eastern Time (US and Canada)",
];

#[test]
fn the_zones_that_real_files_use_are_found() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/ics");
    if !folder.is_dir() {
        eprintln!("skipped: there is no {}", folder.display());
        return;
    }
    let (mut found, mut missing) = (0, Vec::new());
    for part in ["files", "parse_only"] {
        for file in std::fs::read_dir(folder.join(part)).unwrap() {
            let path = file.unwrap().path();
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            let all = components(&text);
            let none = components("");
            let mut zones = Zones::new(all.components.first().unwrap_or(&none));
            for tzid in tzids(&text) {
                match zones.find(&tzid) {
                    Some((zone, note)) => {
                        found += 1;
                        let custom = if zone.definition().is_some() { " by its definition" } else { "" };
                        if zone.name() != tzid || note.is_some() || !custom.is_empty() {
                            eprintln!("{tzid:?} is {}{custom} {note:?}", zone.name());
                        }
                    }
                    None => missing.push(format!("{part}: {}", zones.why_not(&tzid).unwrap())),
                }
            }
        }
    }
    eprintln!("{found} found, missing: {missing:#?}");
    missing.retain(|reason| !UNRESOLVED.iter().any(|known| reason.contains(known)));
    assert!(missing.is_empty(), "{missing:#?}");
}
