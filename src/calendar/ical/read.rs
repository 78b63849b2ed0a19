//! One VEVENT: what it means (RFC 5545 section 3.6.1).

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::{DateTime, Time};
use sha2::{Digest, Sha256};

use super::content::{Component, Property};
use super::notes::Notes;
use super::series::Read;
use super::text::{split_list, unescape};
use super::tree::label;
use super::value::{self, Moment};
use super::when::Vevent;
use super::zones::Zones;
use crate::calendar::event::{CalendarEvent, Details, Gap, Range};
use crate::calendar::zone::Frame;
use crate::id::{PolicyName, SeriesId};
use crate::time::Timestamp;

/// Seats of each occurrence.
pub(super) const CAPACITY: &str = "X-BOXOFFICE-CAPACITY";

/// Policies for whoever takes a seat: texts, separated by commas.
pub(super) const POLICIES: &str = "X-BOXOFFICE-POLICIES";

/// What becomes of starts that the zone skips: `SKIP`.
pub(super) const GAP: &str = "X-BOXOFFICE-GAP";

/// What is said of every EXRULE.
pub(super) const EXRULE_IS_OLD: &str = "is of RFC 2445 and no longer allowed: it is applied";

/// What is said of a DTSTART that no RRULE gives (RFC 5545 section 3.8.5.3 leaves open what that means).
pub(super) const START_NOT_IN_RULE: &str = "is not given by the RRULE: nothing happens then";

/// Properties with a field of their own that stand in a VEVENT at most once.
const ONCE: [&str; 11] =
    ["UID", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "SUMMARY", "SEQUENCE", "DTSTAMP", "STATUS", CAPACITY, GAP];

/// Whether a property of a VEVENT has a field of its own, so that it is not one of the details.
fn is_interpreted(property: &Property) -> bool {
    match property.name.as_str() {
        "STATUS" => is_cancelled(property),
        "RRULE" | "EXRULE" | "RDATE" | "EXDATE" | POLICIES => true,
        name => ONCE.contains(&name),
    }
}

/// Whether a property is one of the details of a VEVENT. Beside CANCELLED no other STATUS is said.
pub(super) fn is_detail(property: &Property, cancelled: bool) -> bool {
    !(is_interpreted(property) || cancelled && property.name == "STATUS")
}

fn is_cancelled(status: &Property) -> bool {
    status.value.trim().eq_ignore_ascii_case("CANCELLED")
}

/// Whether the first start is an occurrence, or is said to be none. A rule that cannot be expanded, and whatever comes when the
/// file has used up its steps, is given the benefit of the doubt.
fn starts_as_it_says(event: &CalendarEvent, steps: &mut u64) -> bool {
    let excluded = event.excluded.contains(&event.start) || event.excluded_days.contains(&event.start.date());
    excluded
        || event.rules.is_empty()
        || !event.excluded_rules.is_empty()
        || event.gives_its_start(steps).unwrap_or(true)
}

/// Reads a component; notes what is wrong with it, and gives none when nothing sensible is left.
pub(super) fn read_event(component: &Component, zones: &mut Zones<'_>, notes: &mut Notes) -> Option<Read> {
    let mut vevent = Vevent { component, zones, notes, name: label(component) };
    vevent.note_repeated();
    let of = match component.property("RECURRENCE-ID") {
        Some(property) => Some(vevent.time(property)?),
        None => None,
    };
    let has_start = component.property("DTSTART").is_some();
    let (start, frame) = match (component.property("DTSTART"), &of) {
        (Some(property), _) => vevent.time(property)?,
        // A change without a start, as cancellations have it, does not move the occurrence.
        (None, Some(of)) => of.clone(),
        (None, None) => {
            vevent.note_missing("DTSTART", "is missing");
            return None;
        }
    };
    let summary = component.property("SUMMARY").map(Property::text);
    let series = vevent.series(start, &frame, summary.as_deref().unwrap_or_default())?;
    let length = vevent.length(start, &frame)?;
    let has_summary = summary.is_some();
    let mut event = CalendarEvent::new(series, summary.unwrap_or_default(), start, frame, length);
    event.rules = vevent.rules("RRULE")?;
    event.excluded_rules = vevent.rules("EXRULE")?;
    if let Some(property) = component.property("EXRULE") {
        vevent.note(property, EXRULE_IS_OLD);
    }
    vevent.dates(&mut event)?;
    if of.is_none()
        && !starts_as_it_says(&event, &mut vevent.notes.steps)
        && let Some(property) = component.property("DTSTART")
    {
        vevent.note(property, START_NOT_IN_RULE);
    }
    event.cancelled = component.property("STATUS").is_some_and(is_cancelled);
    event.capacity = vevent.capacity();
    event.policies = vevent.policies();
    event.gap = vevent.gap();
    event.details = Arc::new(vevent.details(event.cancelled));
    let range = vevent.range();
    let has_length = ["DTEND", "DURATION"].iter().any(|name| component.property(name).is_some());
    Some(Read { event, of, range, has_start, has_length, has_summary, line: component.line })
}

impl Vevent<'_, '_> {
    fn note_repeated(&mut self) {
        let component = self.component;
        for name in ONCE {
            if let Some(second) = component.properties_named(name).nth(1) {
                self.note(second, "stands here twice: the first is read");
            }
        }
    }

    /// The id of the series; one is made when there is no UID.
    fn series(&mut self, start: DateTime, frame: &Frame, summary: &str) -> Option<SeriesId> {
        let property = self.component.property("UID");
        let uid = property.map(Property::text).unwrap_or_default();
        if uid.trim().is_empty() {
            self.note_missing("UID", "is missing: one was made from start and summary");
            let digest = Sha256::digest(format!("{start} {} {summary}", frame.name()));
            let hex: Vec<String> = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
            return SeriesId::new(format!("no-uid-{}", hex.concat())).ok();
        }
        match SeriesId::new(uid.trim()) {
            Ok(series) => Some(series),
            Err(error) => {
                if let Some(property) = property {
                    self.note(property, &error.to_string());
                }
                None
            }
        }
    }

    /// RANGE=THISANDFUTURE (section 3.2.13).
    fn range(&mut self) -> Range {
        let Some(property) = self.component.property("RECURRENCE-ID") else { return Range::This };
        match property.parameter("RANGE").map(|range| range.trim().to_ascii_uppercase()).as_deref() {
            Some("THISANDFUTURE") => Range::ThisAndFuture,
            Some(_) => {
                self.note(property, "has a RANGE that is not supported: taken to be for one occurrence");
                Range::This
            }
            None => Range::This,
        }
    }

    fn capacity(&mut self) -> Option<u32> {
        let property = self.component.property(CAPACITY)?;
        let capacity = property.value.trim().parse().ok();
        if capacity.is_none() {
            self.note(property, "is no number of seats");
        }
        capacity
    }

    fn policies(&mut self) -> BTreeSet<PolicyName> {
        let mut policies = BTreeSet::new();
        for property in self.component.properties_named(POLICIES) {
            for name in split_list(&property.value).map(unescape) {
                match PolicyName::new(name.trim()) {
                    Ok(policy) => _ = policies.insert(policy),
                    Err(error) => self.note(property, &error.to_string()),
                }
            }
        }
        policies
    }

    fn gap(&mut self) -> Gap {
        let Some(property) = self.component.property(GAP) else { return Gap::Shift };
        match property.value.trim().to_ascii_uppercase().as_str() {
            "SKIP" => Gap::Skip,
            "SHIFT" => Gap::Shift,
            _ => {
                self.note(property, "is neither SKIP nor SHIFT: read as SHIFT");
                Gap::Shift
            }
        }
    }

    fn details(&mut self, cancelled: bool) -> Details {
        let said = self.component.properties.iter().filter(|property| is_detail(property, cancelled));
        Details {
            sequence: self.sequence(),
            stamp: self.stamp(),
            properties: said.cloned().collect(),
            components: self.component.components.clone(),
        }
    }

    fn sequence(&mut self) -> u32 {
        let Some(property) = self.component.property("SEQUENCE") else { return 0 };
        property.value.trim().parse().unwrap_or_else(|_| {
            self.note(property, "is no whole number from zero up: read as 0");
            0
        })
    }

    fn stamp(&mut self) -> Option<Timestamp> {
        let property = self.component.property("DTSTAMP")?;
        let at = match value::moment(&property.value) {
            Some(Moment::Utc(at) | Moment::Local(at)) => at,
            Some(Moment::Date(date)) => date.to_datetime(Time::midnight()),
            None => {
                self.note(property, "is no date or time that exists");
                return None;
            }
        };
        Some(value::instant(at))
    }
}
