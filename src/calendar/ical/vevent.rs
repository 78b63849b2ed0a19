//! An event as VEVENTs: one for the series, one for each change (RFC 5545 section 3.6.1).

use jiff::civil::DateTime;

use super::content::{Component, Property};
use super::read::{CAPACITY, GAP, POLICIES, is_detail};
use super::text::escape_text;
use super::value::{write_date, write_duration, write_instant, write_local, write_utc};
use crate::calendar::event::{CalendarEvent, Change, Details, Gap, Length, Range};
use crate::calendar::zone::Frame;
use crate::time::Timestamp;

impl CalendarEvent {
    /// The VEVENTs of the series: itself, then its changes. DTSTAMP is written where [`Details::stamp`] says one, else
    /// `stamp` if there is one.
    ///
    /// The RDATE of an entry in whole days with a length of its own is written as a period from midnight.
    pub fn to_components(&self, stamp: Option<Timestamp>) -> Vec<Component> {
        let changes = self.changes.iter().map(|change| of_change(self, change, stamp));
        core::iter::once(of_series(self, stamp)).chain(changes).collect()
    }
}

fn of_series(event: &CalendarEvent, stamp: Option<Timestamp>) -> Component {
    let mut vevent = Component::new("VEVENT");
    head(&mut vevent, event, &event.details, event.details.sequence, stamp);
    when(&mut vevent, &event.frame, event.start, event.length);
    for (name, rules) in [("RRULE", &event.rules), ("EXRULE", &event.excluded_rules)] {
        vevent.properties.extend(rules.iter().map(|rule| Property::new(name, rule.to_string())));
    }
    further_dates(&mut vevent, event);
    exceptions(&mut vevent, event);
    vevent.properties.extend(event.capacity.map(|seats| Property::new(CAPACITY, seats.to_string())));
    let policies: Vec<String> = event.policies.iter().map(|policy| escape_text(policy.as_str())).collect();
    vevent.properties.extend((!policies.is_empty()).then(|| Property::new(POLICIES, policies.join(","))));
    vevent.properties.extend((event.gap == Gap::Skip).then(|| Property::new(GAP, "SKIP")));
    tail(&mut vevent, &event.summary, event.cancelled, &event.details);
    vevent
}

fn of_change(event: &CalendarEvent, change: &Change, stamp: Option<Timestamp>) -> Component {
    let mut vevent = Component::new("VEVENT");
    // A change older than the series would be passed over by who reads it.
    head(&mut vevent, event, &change.details, change.details.sequence.max(event.details.sequence), stamp);
    let mut id = moment("RECURRENCE-ID", &event.frame, change.of);
    if change.range == Range::ThisAndFuture {
        id = id.with_parameter("RANGE", "THISANDFUTURE");
    }
    vevent.push(id);
    when(&mut vevent, &change.frame, change.start, change.length);
    tail(&mut vevent, &change.summary, change.cancelled, &change.details);
    vevent
}

fn head(vevent: &mut Component, event: &CalendarEvent, details: &Details, sequence: u32, stamp: Option<Timestamp>) {
    vevent.push(Property::of_text("UID", event.series.as_str()));
    let stamp = details.stamp.or(stamp).and_then(write_instant);
    vevent.properties.extend(stamp.map(|stamp| Property::new("DTSTAMP", stamp)));
    vevent.properties.extend((sequence > 0).then(|| Property::new("SEQUENCE", sequence.to_string())));
}

fn tail(vevent: &mut Component, summary: &str, cancelled: bool, details: &Details) {
    if !summary.is_empty() {
        vevent.push(Property::of_text("SUMMARY", summary));
    }
    vevent.properties.extend(cancelled.then(|| Property::new("STATUS", "CANCELLED")));
    let said = details.properties.iter().filter(|property| is_detail(property, cancelled));
    vevent.properties.extend(said.cloned());
    // Nothing that would end the event before its END.
    let inner = |component: &&Component| !super::tree::is_whole(&component.name);
    vevent.components.extend(details.components.iter().filter(inner).cloned());
}

/// A property that says a civil time of `frame`.
pub(super) fn moment(name: &str, frame: &Frame, at: DateTime) -> Property {
    let property = Property::new(name, value(frame, at));
    match frame {
        Frame::Date => property.with_parameter("VALUE", "DATE"),
        Frame::Zoned(zone) => property.with_parameter("TZID", zone.name()),
        Frame::Floating | Frame::Utc => property,
    }
}

fn value(frame: &Frame, at: DateTime) -> String {
    match frame {
        Frame::Date => write_date(at.date()),
        Frame::Utc => write_utc(at),
        Frame::Floating | Frame::Zoned(_) => write_local(at),
    }
}

/// DTSTART, with DTEND or DURATION: an end where it says the same as the length, else the length.
fn when(vevent: &mut Component, frame: &Frame, start: DateTime, length: Length) {
    vevent.push(moment("DTSTART", frame, start));
    let dates = *frame == Frame::Date;
    if length == Length::ZERO && !dates {
        return;
    }
    let (end, _) = length.end(frame, start);
    if Length::between(frame, start, end) == length && (!dates || length != Length::ZERO) {
        vevent.push(moment("DTEND", frame, end));
    } else {
        vevent.push(Property::new("DURATION", write_length(length)));
    }
}

fn write_length(length: Length) -> String {
    write_duration(i64::from(length.days), length.exact)
}

/// RDATE, in order: a line for each run of dates without a length, and for each run of periods.
fn further_dates(vevent: &mut Component, event: &CalendarEvent) {
    for run in event.dates.chunk_by(|(_, one), (_, other)| one.is_some() == other.is_some()) {
        let values = run.iter().map(|(at, length)| match length {
            None => value(&event.frame, *at),
            Some(length) if event.frame == Frame::Date => format!("{}/{}", write_local(*at), write_length(*length)),
            Some(length) => format!("{}/{}", value(&event.frame, *at), write_length(*length)),
        });
        let values: Vec<String> = values.collect();
        let mut property = Property::new("RDATE", values.join(","));
        if run.first().is_some_and(|(_, length)| length.is_some()) {
            property = property.with_parameter("VALUE", "PERIOD");
            if let Frame::Zoned(zone) = &event.frame {
                property = property.with_parameter("TZID", zone.name());
            }
        } else {
            property.parameters = moment("RDATE", &event.frame, event.start).parameters;
        }
        vevent.push(property);
    }
}

fn exceptions(vevent: &mut Component, event: &CalendarEvent) {
    if let Some(first) = event.excluded.first() {
        let values: Vec<String> = event.excluded.iter().map(|at| value(&event.frame, *at)).collect();
        vevent.push(Property { value: values.join(","), ..moment("EXDATE", &event.frame, *first) });
    }
    if !event.excluded_days.is_empty() {
        let days: Vec<String> = event.excluded_days.iter().map(|day| write_date(*day)).collect();
        vevent.push(Property::new("EXDATE", days.join(",")).with_parameter("VALUE", "DATE"));
    }
}
