//! One VEVENT.

use calcard::common::PartialDateTime;
use calcard::icalendar::{
    ICalendarComponent, ICalendarDuration, ICalendarEntry, ICalendarParameterName, ICalendarPeriod, ICalendarProperty,
    ICalendarStatus, ICalendarValue,
};
use jiff::civil::{Date, DateTime, Time};
use sha2::{Digest, Sha256};

use super::Diagnostic;
use super::notes::shorten;
use super::tzid::Zones;
use super::unfold::MARK;
use crate::calendar::event::{CalendarEvent, Change, Length, Range, nominal};
use crate::calendar::rule::RecurrenceRule;
use crate::calendar::zone::Frame;
use crate::id::SeriesId;

/// Most RDATEs and EXDATEs read of one component.
const DATES_MAX: usize = 10_000;

/// A VEVENT that could be read.
pub(super) struct Read {
    pub(super) uid: String,
    /// The event as if it were a series of its own.
    pub(super) event: CalendarEvent,
    /// Which occurrence it changes, if it does: RECURRENCE-ID.
    pub(super) of: Option<(DateTime, Frame)>,
    range: Range,
    sequence: i64,
    stamp: String,
}

impl Read {
    /// Later versions are greater.
    pub(super) fn version(&self) -> (i64, String) {
        (self.sequence, self.stamp.clone())
    }

    /// A change whose series is not in the file stands for itself.
    pub(super) fn as_series(&self) -> CalendarEvent {
        let mut event = self.event.clone();
        event.rules.clear();
        if let Some((of, frame)) = &self.of {
            event.start = *of;
            event.frame = frame.clone();
        }
        event.cancelled = false;
        event
    }

    pub(super) fn into_change(self, series: &CalendarEvent) -> Option<Change> {
        let (of, frame) = self.of?;
        let of = match (&frame, &series.frame) {
            // A date for a timed series names the occurrence of that day.
            (Frame::Date, Frame::Floating | Frame::Utc | Frame::Zoned(_)) => of.date().to_datetime(series.start.time()),
            _ => in_frame(of, &frame, &series.frame),
        };
        Some(Change {
            of,
            range: self.range,
            start: self.event.start,
            frame: self.event.frame,
            length: self.event.length,
            summary: self.event.summary,
            details: self.event.details,
            cancelled: self.event.cancelled,
        })
    }
}

/// A civil time of one frame as that of another.
fn in_frame(at: DateTime, from: &Frame, to: &Frame) -> DateTime {
    match (from, to) {
        (Frame::Utc, Frame::Zoned(_)) => to.civil_of_utc(at),
        (Frame::Zoned(zone), Frame::Zoned(_) | Frame::Utc) if from != to => {
            let utc = zone.time_zone().to_ambiguous_zoned(at).compatible().map(|zoned| zoned.timestamp());
            utc.map_or(at, |utc| to.civil_of_utc(jiff::tz::TimeZone::UTC.to_datetime(utc)))
        }
        (_, Frame::Date) => at.date().to_datetime(Time::midnight()),
        _ => at,
    }
}

/// Reads a component; notes what is wrong with it, and gives none when nothing sensible is left.
pub(super) fn read_event(
    component: &ICalendarComponent,
    zones: &mut Zones<'_>,
    rules: &[String],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Read> {
    let summary = text(component, &ICalendarProperty::Summary).unwrap_or_default();
    let uid = text(component, &ICalendarProperty::Uid).filter(|uid| !uid.trim().is_empty());
    let name = uid.clone().unwrap_or_else(|| if summary.is_empty() { "VEVENT".to_owned() } else { summary.clone() });
    let mut vevent = Vevent { component, zones, rules, diagnostics, name };

    let (start, frame) = vevent.time(&ICalendarProperty::Dtstart, "DTSTART")?;
    let uid = uid.unwrap_or_else(|| {
        vevent.note("UID", "is missing: one was made from start and summary");
        let digest = Sha256::digest(format!("{start} {} {summary}", frame.name()));
        let hex: Vec<String> = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        format!("no-uid-{}", hex.concat())
    });
    let series = match SeriesId::new(uid.trim()) {
        Ok(series) => series,
        Err(error) => {
            vevent.note("UID", &error.to_string());
            return None;
        }
    };
    let length = vevent.length(start, &frame)?;
    let mut event = CalendarEvent::new(series, summary, start, frame, length);
    event.rules = vevent.rules()?;
    vevent.dates(&mut event)?;
    let status = component.property(&ICalendarProperty::Status).and_then(|entry| entry.values.first());
    event.cancelled = status == Some(&ICalendarValue::Status(ICalendarStatus::Cancelled));
    let of = match component.property(&ICalendarProperty::RecurrenceId) {
        Some(_) => Some(vevent.time(&ICalendarProperty::RecurrenceId, "RECURRENCE-ID")?),
        None => None,
    };
    let ranged = component.property(&ICalendarProperty::RecurrenceId);
    let future = ranged.and_then(|entry| entry.parameter(&ICalendarParameterName::Range)).is_some();
    let sequence = component.property(&ICalendarProperty::Sequence).and_then(|entry| entry.values.first());
    let stamp = component.property(&ICalendarProperty::Dtstamp).and_then(|entry| entry.values.first());
    Some(Read {
        uid: uid.trim().to_owned(),
        event,
        of,
        range: if future { Range::ThisAndFuture } else { Range::This },
        sequence: sequence.and_then(ICalendarValue::as_integer).unwrap_or_default(),
        stamp: stamp.and_then(ICalendarValue::as_partial_date_time).and_then(civil).map_or(String::new(), |at| {
            let (date, time) = at;
            date.to_datetime(time.unwrap_or(Time::midnight())).to_string()
        }),
    })
}

struct Vevent<'a, 'b> {
    component: &'a ICalendarComponent,
    zones: &'a mut Zones<'b>,
    rules: &'a [String],
    diagnostics: &'a mut Vec<Diagnostic>,
    name: String,
}

impl Vevent<'_, '_> {
    fn note(&mut self, property: &'static str, message: &str) {
        let (component, message) = (shorten(&self.name), message.to_owned());
        self.diagnostics.push(Diagnostic { line: None, component, property: property.into(), message });
    }

    fn time(&mut self, property: &ICalendarProperty, label: &'static str) -> Option<(DateTime, Frame)> {
        let Some(entry) = self.component.property(property) else {
            self.note(label, "is missing");
            return None;
        };
        let value = entry.values.first().and_then(ICalendarValue::as_partial_date_time);
        match value {
            Some(value) => self.civil_time(entry, value, label),
            None => {
                self.note(label, "is no date or time");
                None
            }
        }
    }

    fn civil_time(
        &mut self,
        entry: &ICalendarEntry,
        value: &PartialDateTime,
        label: &'static str,
    ) -> Option<(DateTime, Frame)> {
        let Some((date, time)) = civil(value) else {
            self.note(label, "is no date or time that exists");
            return None;
        };
        let Some(time) = time else {
            return Some((date.to_datetime(Time::midnight()), Frame::Date));
        };
        let at = date.to_datetime(time);
        if value.tz_hour.is_some() {
            return Some((at, Frame::Utc));
        }
        let Some(tzid) = entry.parameter(&ICalendarParameterName::Tzid).and_then(|tzid| tzid.as_text()) else {
            return Some((at, Frame::Floating));
        };
        match self.zones.find(tzid) {
            Some((zone, None)) => Some((at, zone)),
            Some((zone, Some(guess))) => {
                self.note(label, &guess);
                Some((at, zone))
            }
            None => {
                self.note(label, &format!("time zone {tzid:?} is neither known nor defined in the file"));
                None
            }
        }
    }

    fn length(&mut self, start: DateTime, frame: &Frame) -> Option<Length> {
        if self.component.property(&ICalendarProperty::Dtend).is_some() {
            let (end, end_frame) = self.time(&ICalendarProperty::Dtend, "DTEND")?;
            let end = in_frame(end, &end_frame, frame);
            if end < start {
                self.note("DTEND", "is before DTSTART: taken as no time at all");
            }
            let length = Length::between(frame, start, end);
            // Whole days that end on the day they start are meant as one day.
            return Some(if *frame == Frame::Date && length == Length::ZERO { Length::days(1) } else { length });
        }
        if let Some(entry) = self.component.property(&ICalendarProperty::Duration) {
            return match entry.values.first() {
                Some(ICalendarValue::Duration(duration)) if !duration.neg => Some(length_of(duration)),
                _ => {
                    self.note("DURATION", "is no duration from zero up");
                    None
                }
            };
        }
        Some(if *frame == Frame::Date { Length::days(1) } else { Length::ZERO })
    }

    fn rules(&mut self) -> Option<Vec<RecurrenceRule>> {
        let mut rules = Vec::new();
        if self.component.property(&ICalendarProperty::Exrule).is_some() {
            self.note("EXRULE", "is not supported");
            return None;
        }
        for entry in self.component.properties(&ICalendarProperty::Rrule) {
            // The library reads COUNT=0 as no COUNT and drops parts it does not know. A rule is read as it was written
            // or not at all.
            let mark = entry.params.iter().find(|param| param.name.as_str().eq_ignore_ascii_case(MARK));
            let number = mark.and_then(|mark| mark.value.as_text()).and_then(|text| text.get(1..)?.parse().ok());
            let Some(rule) = number.and_then(|number: usize| self.rules.get(number)) else {
                self.note("RRULE", "could not be found again in the file");
                return None;
            };
            match rule.parse::<RecurrenceRule>() {
                Ok(rule) => rules.push(rule),
                Err(error) => {
                    self.note("RRULE", &error.to_string());
                    return None;
                }
            }
        }
        Some(rules)
    }

    fn dates(&mut self, event: &mut CalendarEvent) -> Option<()> {
        for entry in self.component.properties(&ICalendarProperty::Rdate) {
            for value in &entry.values {
                let (value, length) = if let ICalendarValue::PartialDateTime(at) = value {
                    (&**at, None)
                } else if let ICalendarValue::Period(ICalendarPeriod::Range { start, end }) = value {
                    (start, Some(Err(end)))
                } else if let ICalendarValue::Period(ICalendarPeriod::Duration { start, duration }) = value {
                    (start, Some(Ok(length_of(duration))))
                } else {
                    self.note("RDATE", "is no date, time or period");
                    continue;
                };
                let (at, frame) = self.civil_time(entry, value, "RDATE")?;
                let at = in_frame(at, &frame, &event.frame);
                let length = match length {
                    None => None,
                    Some(Ok(length)) => Some(length),
                    Some(Err(end)) => {
                        let (end, end_frame) = self.civil_time(entry, end, "RDATE")?;
                        Some(Length::between(&event.frame, at, in_frame(end, &end_frame, &event.frame)))
                    }
                };
                event.dates.push((at, length));
            }
        }
        if !event.dates.is_empty() && event.rules.is_empty() {
            // Without a rule the first start is one of the dates (RFC 5545 section 3.8.5.2).
            event.dates.push((event.start, None));
        }
        for entry in self.component.properties(&ICalendarProperty::Exdate) {
            for value in entry.values.iter().filter_map(ICalendarValue::as_partial_date_time) {
                // An exception that cannot be read would let an occurrence happen that should not: noted, kept going.
                let Some((at, frame)) = self.civil_time(entry, value, "EXDATE") else { continue };
                if frame == Frame::Date && event.frame != Frame::Date {
                    event.excluded_days.push(at.date());
                } else {
                    event.excluded.push(in_frame(at, &frame, &event.frame));
                }
            }
        }
        if event.dates.len() + event.excluded.len() + event.excluded_days.len() > DATES_MAX {
            self.note("RDATE", "there are too many dates");
            return None;
        }
        Some(())
    }
}

fn length_of(duration: &ICalendarDuration) -> Length {
    let seconds = i64::from(duration.hours) * 3_600 + i64::from(duration.minutes) * 60 + i64::from(duration.seconds);
    nominal(i64::from(duration.weeks), i64::from(duration.days), seconds)
}

/// Date, and time if there is one.
fn civil(value: &PartialDateTime) -> Option<(Date, Option<Time>)> {
    let narrow = |part: Option<u8>| part.and_then(|part| i8::try_from(part).ok());
    let date = Date::new(i16::try_from(value.year?).ok()?, narrow(value.month)?, narrow(value.day)?).ok()?;
    let Some(hour) = value.hour else {
        return Some((date, None));
    };
    let (hour, minute) = (narrow(Some(hour))?, narrow(value.minute).unwrap_or(0));
    let second = narrow(value.second).unwrap_or(0).min(59);
    Some((date, Some(Time::new(hour, minute, second, 0).ok()?)))
}

fn text(component: &ICalendarComponent, property: &ICalendarProperty) -> Option<String> {
    let value = component.property(property)?.values.first()?;
    value.as_text().map(str::to_owned)
}
