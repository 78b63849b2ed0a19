//! Which zone a TZID means: an IANA name, plain or behind a vendor's prefix.

use super::Component;
use crate::calendar::zone::Zone;

/// The zones of one VCALENDAR.
#[derive(Debug)]
pub(super) struct Zones<'a> {
    _calendar: &'a Component,
}

impl<'a> Zones<'a> {
    pub(super) fn new(calendar: &'a Component) -> Self {
        Self { _calendar: calendar }
    }

    /// The zone that a TZID parameter means, and what had to be guessed.
    #[expect(clippy::unused_self, reason = "definitions are read by the module that replaces this one")]
    pub(super) fn find(&mut self, tzid: &str) -> Option<(Zone, Option<String>)> {
        named(tzid).map(|zone| (zone, None))
    }
}

/// A zone by its IANA name, plain or behind a prefix such as `/mozilla.org/20050126_1/`.
pub(super) fn named(tzid: &str) -> Option<Zone> {
    let tzid = tzid.trim().trim_matches('"');
    if let Ok(zone) = Zone::named(tzid) {
        return Some(zone);
    }
    let mut rest = tzid;
    while let Some((_, behind)) = rest.split_once('/') {
        let zone = Some(behind).filter(|name| name.contains('/') || *name == "UTC").map(Zone::named);
        if let Some(Ok(zone)) = zone {
            return Some(zone);
        }
        rest = behind;
    }
    None
}
