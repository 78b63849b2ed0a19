//! Which zone a TZID means.
//!
//! In this order: a name that is known, an IANA name above all, wins over what the file's VTIMEZONE says of it, for
//! that is a copy, often an old or shortened one, and the meeting is meant in the city's time. Then the VTIMEZONE with
//! that TZID: the IANA name in its X-LIC-LOCATION, or else its own rules. Then an offset such as `UTC+2`. Then what
//! looks like an IANA name with another separator, with a note. Nothing else: an unknown zone is never read as UTC.

use std::collections::BTreeMap;

use jiff::tz::{Offset, TimeZone};

use super::{Component, describe, vtimezone, windows};
use crate::calendar::zone::Zone;

/// Longest name looked up, in bytes; the longest IANA name has 38.
const NAME_MAX: usize = 200;

/// VTIMEZONEs of one VCALENDAR that are looked at; large exports have some dozens.
const DEFINITIONS_MAX: usize = 500;

/// The first part of IANA names.
const REGIONS: [&str; 13] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Canada",
    "Etc",
    "Europe",
    "Indian",
    "Pacific",
    "US",
];

/// A zone, with what had to be guessed; or why there is none.
type Found = Result<(Zone, Option<String>), String>;

/// The zones of one VCALENDAR.
#[derive(Debug)]
pub(super) struct Zones<'a> {
    /// The first VTIMEZONE of each TZID, as [`key`] makes it.
    definitions: BTreeMap<String, &'a Component>,
    found: BTreeMap<String, Found>,
}

impl<'a> Zones<'a> {
    /// The zones that `calendar`, a VCALENDAR, can name: with its first 500 VTIMEZONEs.
    pub(super) fn new(calendar: &'a Component) -> Self {
        let mut definitions = BTreeMap::new();
        let all = calendar.components.iter().filter(|component| component.name == "VTIMEZONE");
        for component in all.take(DEFINITIONS_MAX) {
            if let Some(tzid) = value(component, "TZID") {
                definitions.entry(key(&tzid)).or_insert(component);
            }
        }
        Self { definitions, found: BTreeMap::new() }
    }

    /// The zone that a TZID parameter means, and what had to be guessed, for a diagnostic.
    pub(super) fn find(&mut self, tzid: &str) -> Option<(Zone, Option<String>)> {
        self.search(tzid).clone().ok()
    }

    /// Why [`Zones::find`] finds nothing, for a diagnostic.
    pub(super) fn why_not(&mut self, tzid: &str) -> Option<String> {
        self.search(tzid).clone().err()
    }

    fn search(&mut self, tzid: &str) -> &Found {
        let Self { definitions, found } = self;
        found.entry(tzid.to_owned()).or_insert_with(|| look_up(definitions, tzid))
    }
}

fn look_up(definitions: &BTreeMap<String, &Component>, tzid: &str) -> Found {
    let name = tidy(tzid);
    if let Some(zone) = known(name) {
        return Ok((zone, None));
    }
    let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    let among = if definitions.len() < DEFINITIONS_MAX { "the file" } else { "the first 500 definitions of the file" };
    let mut problem = format!("time zone {shown:?} is neither known nor defined in {among}");
    if let Some(definition) = definitions.get(&key(tzid)) {
        if let Some(zone) = value(definition, "X-LIC-LOCATION").and_then(|location| iana(tidy(&location))) {
            return Ok((zone, None));
        }
        match vtimezone::read(definition, name) {
            Ok(rules) => return Ok((Zone::defined(name, rules, (*definition).clone()), None)),
            Err(error) => problem = format!("time zone {shown:?}: its definition cannot be used: {error}"),
        }
    }
    if let Some(zone) = offset(name) {
        let note = definitions.contains_key(&key(tzid)).then_some(problem);
        return Ok((zone, note));
    }
    match similar(name) {
        Some(zone) => {
            let note = format!("{problem}; it is taken for {}", zone.name());
            Ok((zone, Some(note)))
        }
        None => Err(problem),
    }
}

/// The zone that a name means by itself, without a definition: an IANA name, one behind a vendor's prefix, a name or
/// text of Windows, or an offset such as `GMT+0200`.
#[cfg_attr(not(test), expect(dead_code, reason = "for names that come from no calendar"))]
pub(super) fn named(tzid: &str) -> Option<Zone> {
    let name = tidy(tzid);
    known(name).or_else(|| offset(name))
}

fn known(name: &str) -> Option<Zone> {
    if name.is_empty() || name.len() > NAME_MAX {
        return None;
    }
    let other = |name: &str| {
        if name.eq_ignore_ascii_case("Z") || name.eq_ignore_ascii_case("tzone://Microsoft/Utc") {
            return Some("UTC");
        }
        windows::iana_name(name).or_else(|| windows::of_text(name))
    };
    iana(name).or_else(|| behind_prefix(name)).or_else(|| other(name).and_then(iana))
}

fn iana(name: &str) -> Option<Zone> {
    // Jiff reads `Etc/Unknown` as UTC that says it is unknown.
    Zone::named(name).ok().filter(|zone| !zone.time_zone().is_unknown())
}

/// The longest IANA name that a name such as `/mozilla.org/20050126_1/America/Boise` ends in. One without a slash,
/// such as `EST`, counts only behind a prefix that begins with one, as names for the whole world do (RFC 5545 section
/// 3.8.3.1).
fn behind_prefix(name: &str) -> Option<Zone> {
    let rests = name.match_indices('/').filter_map(|(at, _)| name.get(at + 1..));
    rests.filter(|rest| rest.contains('/') || name.starts_with('/')).find_map(iana)
}

/// `UTC+2`, `GMT+0200`, `+02:00`: hours and minutes east of UTC, 14 hours at most.
fn offset(name: &str) -> Option<Zone> {
    let upper = name.to_ascii_uppercase();
    let rest = ["UTC", "GMT"].iter().find_map(|prefix| upper.strip_prefix(prefix)).unwrap_or(&upper).trim_start();
    let (sign, text) = match rest.strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, rest.strip_prefix('+')?),
    };
    let (hours, minutes) = match text.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
        None if text.len() == 4 => text.split_at_checked(2)?,
        None => (text, "0"),
        Some(_) => return None,
    };
    let number = |text: &str| text.parse::<i32>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    // The signs of these names are the other way round.
    match (hours, minutes, sign) {
        (0, 0, _) => return iana("UTC"),
        (_, 0, 1) => return iana(&format!("Etc/GMT-{hours}")),
        (..=12, 0, _) => return iana(&format!("Etc/GMT+{hours}")),
        _ => {}
    }
    let seconds = sign * (hours * 3_600 + minutes * 60);
    let rules = TimeZone::fixed(Offset::from_seconds(seconds).ok()?);
    Some(Zone::defined(name, rules, describe::fixed(name, seconds)))
}

/// The IANA name that `Europe_Berlin`, `US-Eastern`, `IndianReunion` and `custom_America/New_York` look like.
fn similar(name: &str) -> Option<Zone> {
    if name.len() > NAME_MAX {
        return None;
    }
    let separators = ['_', '-', ' ', '.', '/'];
    let in_region = |region: &str| {
        let start = name.get(..region.len()).filter(|start| start.eq_ignore_ascii_case(region))?;
        let city = name.get(start.len()..)?.trim_start_matches(separators);
        iana(&format!("{region}/{}", city.replace(' ', "_")))
    };
    let behind = |(at, _): (usize, &str)| name.get(at + 1..).filter(|rest| rest.contains('/')).and_then(iana);
    REGIONS.iter().find_map(|region| in_region(region)).or_else(|| name.match_indices(['_', '-', ' ']).find_map(behind))
}

/// Without blanks and quotes around it.
fn tidy(tzid: &str) -> &str {
    tzid.trim().trim_matches('"').trim()
}

/// What TZIDs are compared by: a parameter has no escapes, a value may; and some files differ in case.
fn key(tzid: &str) -> String {
    tidy(tzid).to_ascii_lowercase()
}

/// A TEXT value without its escapes (RFC 5545 section 3.3.11).
fn value(component: &Component, name: &str) -> Option<String> {
    let property = component.properties.iter().find(|property| property.name == name)?;
    let mut plain = String::with_capacity(property.value.len());
    let mut escaped = false;
    for c in property.value.chars() {
        escaped = c == '\\' && !escaped;
        if !escaped {
            plain.push(c);
        }
    }
    Some(plain)
}
