//! Which zone a TZID means.

use std::collections::BTreeMap;
use std::str::FromStr;

use calcard::common::timezone::Tz;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarDay, ICalendarFrequency, ICalendarProperty,
    ICalendarValue, ICalendarWeekday,
};
use jiff::tz::{Offset, TimeZone};

use crate::calendar::zone::Frame;

/// The zones of one VCALENDAR.
///
/// Looked up in this order: an IANA name; one behind a vendor's prefix, or a Windows name; what the file's VTIMEZONE
/// calls itself in X-LIC-LOCATION; the rules of the VTIMEZONE now in force, with a note, since earlier ones are not
/// read.
pub(super) struct Zones<'a> {
    calendar: &'a ICalendar,
    found: BTreeMap<String, Option<(Frame, Option<String>)>>,
}

impl<'a> Zones<'a> {
    pub(super) fn new(calendar: &'a ICalendar) -> Self {
        Self { calendar, found: BTreeMap::new() }
    }

    /// The zone, with what had to be guessed.
    pub(super) fn find(&mut self, tzid: &str) -> Option<(Frame, Option<String>)> {
        if let Some(found) = self.found.get(tzid) {
            return found.clone();
        }
        let found = self.look_up(tzid);
        self.found.insert(tzid.to_owned(), found.clone());
        found
    }

    fn look_up(&self, tzid: &str) -> Option<(Frame, Option<String>)> {
        if let Some(zone) = named(tzid) {
            return Some((zone, None));
        }
        let definition = self.calendar.components.iter().find(|component| {
            component.component_type == ICalendarComponentType::VTimezone
                && text(component, &ICalendarProperty::Tzid).is_some_and(|found| found == tzid)
        })?;
        let location = definition.entries.iter().find(|entry| entry.name.as_str() == "X-LIC-LOCATION");
        let location = location.and_then(|entry| entry.values.first()).and_then(ICalendarValue::as_text);
        if let Some(zone) = location.and_then(named) {
            return Some((zone, None));
        }
        let zone = self.rules_in_force(definition)?;
        let note = format!("time zone {tzid:?} is not a known one: the rules of its definition now in force are used");
        let empty = super::Component { name: "VTIMEZONE".to_owned(), properties: Vec::new(), components: Vec::new(), line: 0 };
        Some((Frame::Zoned(crate::calendar::zone::Zone::defined(tzid, zone, empty)), Some(note)))
    }

    /// A zone with the last rules of a VTIMEZONE, as a POSIX TZ string would state them.
    fn rules_in_force(&self, definition: &ICalendarComponent) -> Option<TimeZone> {
        let observances = definition.component_ids.iter().filter_map(|id| self.calendar.component_by_id(*id));
        let observances: Vec<&ICalendarComponent> = observances.collect();
        let last = |kind: ICalendarComponentType| {
            let of_kind = observances.iter().filter(|component| component.component_type == kind);
            of_kind.copied().max_by_key(|component| start(component))
        };
        let standard = last(ICalendarComponentType::Standard)?;
        let offset = offset_to(standard)?;
        let Some(daylight) = last(ICalendarComponentType::Daylight).filter(|daylight| rule(daylight).is_some()) else {
            return Some(TimeZone::fixed(Offset::from_seconds(offset).ok()?));
        };
        let text = format!(
            "<S>{}<D>{},{},{}",
            posix_offset(offset),
            posix_offset(offset_to(daylight)?),
            posix_rule(daylight)?,
            posix_rule(standard)?
        );
        TimeZone::posix(&text.replace("<S>", "STD").replace("<D>", "DST")).ok()
    }
}

/// A zone by its IANA name, plain or behind a prefix such as `/mozilla.org/20050126_1/`, or by its Windows name.
fn named(tzid: &str) -> Option<Frame> {
    let tzid = tzid.trim().trim_matches('"');
    if let Ok(zone) = Frame::zoned(tzid) {
        return Some(zone);
    }
    let mut rest = tzid;
    while let Some((_, behind)) = rest.split_once('/') {
        let zone = Some(behind).filter(|name| name.contains('/') || *name == "UTC").map(Frame::zoned);
        if let Some(Ok(zone)) = zone {
            return Some(zone);
        }
        rest = behind;
    }
    let known = Tz::from_str(tzid).ok()?;
    known.name().and_then(|name| Frame::zoned(&name).ok())
}

fn text<'a>(component: &'a ICalendarComponent, property: &ICalendarProperty) -> Option<&'a str> {
    component.property(property)?.values.first()?.as_text()
}

fn start(component: &ICalendarComponent) -> Option<(u16, u8, u8)> {
    let at = component.property(&ICalendarProperty::Dtstart)?.values.first()?.as_partial_date_time()?;
    Some((at.year?, at.month?, at.day?))
}

fn offset_to(component: &ICalendarComponent) -> Option<i32> {
    let offset = component.property(&ICalendarProperty::Tzoffsetto)?.values.first()?.as_partial_date_time()?;
    let seconds = i32::from(offset.tz_hour?) * 3_600 + i32::from(offset.tz_minute.unwrap_or(0)) * 60;
    Some(if offset.tz_minus { -seconds } else { seconds })
}

/// POSIX counts offsets westward.
fn posix_offset(seconds: i32) -> String {
    let sign = if seconds > 0 { "-" } else { "" };
    format!("{sign}{}:{:02}", seconds.abs() / 3_600, seconds.abs() / 60 % 60)
}

fn rule(component: &ICalendarComponent) -> Option<(u8, ICalendarDay)> {
    let value = component.property(&ICalendarProperty::Rrule)?.values.first()?;
    let ICalendarValue::RecurrenceRule(rule) = value else { return None };
    if rule.freq != ICalendarFrequency::Yearly || rule.until.is_some() {
        return None;
    }
    Some((rule.bymonth.first()?.month(), *rule.byday.first()?))
}

/// `M3.5.0/2`: the last Sunday of March at two.
fn posix_rule(component: &ICalendarComponent) -> Option<String> {
    let (month, day) = rule(component)?;
    let week = match day.ordwk? {
        week @ 1..=4 => week,
        5 | -1 => 5,
        _ => return None,
    };
    let weekday = match day.weekday {
        ICalendarWeekday::Sunday => 0,
        ICalendarWeekday::Monday => 1,
        ICalendarWeekday::Tuesday => 2,
        ICalendarWeekday::Wednesday => 3,
        ICalendarWeekday::Thursday => 4,
        ICalendarWeekday::Friday => 5,
        ICalendarWeekday::Saturday => 6,
    };
    let at = component.property(&ICalendarProperty::Dtstart)?.values.first()?.as_partial_date_time()?;
    Some(format!("M{month}.{week}.{weekday}/{}:{:02}", at.hour.unwrap_or(2), at.minute.unwrap_or(0)))
}
