//! What the properties of a VEVENT say about when it happens.

use jiff::civil::{DateTime, Time};

use super::content::{Component, Property};
use super::notes::{Notes, shorten};
use super::series::in_frame;
use super::value::{self, Duration, Moment, PeriodEnd};
use super::zones::Zones;
use crate::calendar::event::{CalendarEvent, Length, nominal};
use crate::calendar::rule::RecurrenceRule;
use crate::calendar::zone::Frame;

/// Most RDATEs and EXDATEs of one component.
const DATES_MAX: usize = 10_000;

/// Most rules of one component.
const RULES_MAX: usize = 100;

/// A VEVENT while it is read.
pub(super) struct Vevent<'a, 'b> {
    pub(super) component: &'a Component,
    pub(super) zones: &'a mut Zones<'b>,
    pub(super) notes: &'a mut Notes,
    /// What it is called in diagnostics.
    pub(super) name: String,
}

impl Vevent<'_, '_> {
    pub(super) fn note(&mut self, property: &Property, message: &str) {
        self.notes.add(property.line, &self.name, property.name.clone(), message);
    }

    /// Says something of a property that is not there.
    pub(super) fn note_missing(&mut self, property: &'static str, message: &str) {
        self.notes.add(self.component.line, &self.name, property, message);
    }

    /// The time that a property says, in the frame it says; none, with a note, if it says none that exists.
    pub(super) fn time(&mut self, property: &Property) -> Option<(DateTime, Frame)> {
        self.time_of(property, &property.value)
    }

    /// As [`Vevent::time`], for one value of a property that has several.
    fn time_of(&mut self, property: &Property, text: &str) -> Option<(DateTime, Frame)> {
        let Some(moment) = value::moment(text) else {
            self.note(property, &format!("{:?} is no date or time that exists", shorten(text)));
            return None;
        };
        Some(self.frame_of(property, moment))
    }

    fn frame_of(&mut self, property: &Property, moment: Moment) -> (DateTime, Frame) {
        let at = match moment {
            Moment::Date(date) => return (date.to_datetime(Time::midnight()), Frame::Date),
            Moment::Utc(at) => return (at, Frame::Utc),
            Moment::Local(at) => at,
        };
        let Some(tzid) = property.parameter("TZID").map(str::trim).filter(|tzid| !tzid.is_empty()) else {
            return (at, Frame::Floating);
        };
        let Some((zone, guess)) = self.zones.find(tzid) else {
            // What was written is the time on the clock, and that much is kept; to take it for UTC would move it.
            let why = self.zones.why_not(tzid).unwrap_or_default();
            self.note(property, &format!("{why}: read as floating"));
            return (at, Frame::Floating);
        };
        if let Some(guess) = guess {
            self.note(property, &guess);
        }
        (at, Frame::Zoned(zone))
    }

    /// How long an occurrence takes: by DTEND, by DURATION, or what is meant when there is neither (section 3.6.1).
    pub(super) fn length(&mut self, start: DateTime, frame: &Frame) -> Option<Length> {
        let component = self.component;
        if let Some(property) = component.property("DTEND") {
            let (end, end_frame) = self.time(property)?;
            let end = in_frame(end, &end_frame, frame);
            let length = Length::between(frame, start, end);
            if end < start && length == Length::ZERO {
                self.note(property, "is before DTSTART: taken as no time at all");
            }
            // Whole days that end on the day they start are meant as one day.
            return Some(if *frame == Frame::Date && length == Length::ZERO { Length::days(1) } else { length });
        }
        if let Some(property) = component.property("DURATION") {
            return match value::duration(&property.value) {
                Some(duration) if !duration.negative => Some(length_of(duration)),
                Some(_) | None => {
                    self.note(property, "is no duration from zero up");
                    None
                }
            };
        }
        Some(if *frame == Frame::Date { Length::days(1) } else { Length::ZERO })
    }

    /// The rules of RRULE or EXRULE. A rule is read as it was written or not at all, and then there is no event: it
    /// would happen when it should not.
    pub(super) fn rules(&mut self, name: &'static str) -> Option<Vec<RecurrenceRule>> {
        let (component, mut rules) = (self.component, Vec::new());
        for (count, property) in component.properties_named(name).enumerate() {
            if count == RULES_MAX {
                self.note(property, "stands here more than 100 times");
                return None;
            }
            match property.value.parse() {
                Ok(rule) => rules.push(rule),
                Err(error) => {
                    let error: crate::calendar::RuleError = error;
                    self.note(property, &error.to_string());
                    return None;
                }
            }
        }
        Some(rules)
    }

    /// RDATE and EXDATE. Single values that cannot be read are noted, the others are kept.
    pub(super) fn dates(&mut self, event: &mut CalendarEvent) -> Option<()> {
        let (component, mut count) = (self.component, 0);
        for property in &component.properties {
            if !matches!(property.name.as_str(), "RDATE" | "EXDATE") {
                continue;
            }
            for text in property.value.split(',').filter(|text| !text.trim().is_empty()) {
                count += 1;
                if count > DATES_MAX {
                    self.note(property, "has too many dates: more than 10,000 in this component");
                    return None;
                }
                if property.name == "RDATE" {
                    self.further(property, text, event);
                } else {
                    self.exception(property, text, event);
                }
            }
        }
        if !event.dates.is_empty() && event.rules.is_empty() && event.dates.iter().all(|(at, _)| *at != event.start) {
            // Without a rule the first start is one of the dates (RFC 5545 section 3.8.5.2).
            event.dates.push((event.start, None));
        }
        Some(())
    }

    fn further(&mut self, property: &Property, text: &str, event: &mut CalendarEvent) -> Option<()> {
        let Some((start, end)) = value::period(text) else {
            let (at, frame) = self.time_of(property, text)?;
            event.dates.push((in_frame(at, &frame, &event.frame), None));
            return Some(());
        };
        let (at, frame) = self.frame_of(property, start);
        let at = in_frame(at, &frame, &event.frame);
        let length = match end {
            PeriodEnd::After(duration) if duration.negative => {
                self.note(property, "has a period that ends before it begins");
                return None;
            }
            PeriodEnd::After(duration) => length_of(duration),
            PeriodEnd::At(end) => {
                let (end, end_frame) = self.frame_of(property, end);
                Length::between(&event.frame, at, in_frame(end, &end_frame, &event.frame))
            }
        };
        event.dates.push((at, Some(length)));
        Some(())
    }

    fn exception(&mut self, property: &Property, text: &str, event: &mut CalendarEvent) -> Option<()> {
        let (at, frame) = self.time_of(property, text)?;
        if frame == Frame::Date && event.frame != Frame::Date {
            event.excluded_days.push(at.date());
        } else {
            event.excluded.push(in_frame(at, &frame, &event.frame));
        }
        Some(())
    }
}

fn length_of(duration: Duration) -> Length {
    nominal(0, duration.days, duration.seconds)
}
