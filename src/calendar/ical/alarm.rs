//! Reminders: VALARM (RFC 5545 section 3.6.6).

use jiff::SignedDuration;

use super::content::{Component, Property};
use super::value::{self, Moment};
use crate::calendar::event::{CalendarEvent, Details};
use crate::time::Timestamp;

/// Most repetitions of a reminder.
const REPEAT_MAX: u32 = 1_000;

/// When a reminder is due (TRIGGER, RFC 5545 section 3.8.6.3). Days are taken as 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// So long after the start of each occurrence; below zero it is before it.
    Start(SignedDuration),
    /// So long after the end of each occurrence; below zero it is before it.
    End(SignedDuration),
    /// Once, at this instant.
    At(Timestamp),
}

/// A reminder of an entry: what the notification room makes its notices from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// When it is due.
    pub trigger: Trigger,
    /// What is done then, in upper case: `DISPLAY`, `AUDIO`, `EMAIL` or a name that is none of the standard's.
    pub action: String,
    /// How often it comes again, at most 1,000 times, and after how long each time.
    pub repeat: Option<(u32, SignedDuration)>,
    /// What it says.
    pub description: Option<String>,
}

impl CalendarEvent {
    /// The reminders of the series. Changes have their own, in [`Change::details`](super::super::Change::details).
    pub fn reminders(&self) -> Vec<Reminder> {
        self.details.reminders()
    }
}

impl Details {
    /// The reminders among the components. One that has no sensible TRIGGER or no ACTION is passed over.
    ///
    /// ```
    /// use boxoffice_core::calendar::{Trigger, read_icalendar};
    /// let file = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART:20260105T190000Z\nBEGIN:VALARM\nTRIGGER:-PT15M\n\
    ///             ACTION:DISPLAY\nDESCRIPTION:Tea\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n";
    /// let reminders = read_icalendar(file.as_bytes())?.events[0].reminders();
    /// assert_eq!(reminders[0].trigger, Trigger::Start(jiff::SignedDuration::from_mins(-15)));
    /// assert_eq!(reminders[0].description.as_deref(), Some("Tea"));
    /// # Ok::<(), boxoffice_core::calendar::ImportError>(())
    /// ```
    pub fn reminders(&self) -> Vec<Reminder> {
        self.components.iter().filter(|component| component.name == "VALARM").filter_map(read).collect()
    }
}

fn read(alarm: &Component) -> Option<Reminder> {
    let action = alarm.property("ACTION")?.value.trim().to_ascii_uppercase();
    Some(Reminder {
        trigger: trigger(alarm.property("TRIGGER")?)?,
        action: Some(action).filter(|action| !action.is_empty())?,
        repeat: repeat(alarm).ok()?,
        description: alarm.property("DESCRIPTION").map(Property::text),
    })
}

fn trigger(property: &Property) -> Option<Trigger> {
    let Some(duration) = value::duration(&property.value) else {
        return match value::moment(&property.value)? {
            Moment::Utc(at) => Some(Trigger::At(value::instant(at))),
            Moment::Date(_) | Moment::Local(_) => None,
        };
    };
    match property.parameter("RELATED").map(str::to_ascii_uppercase).as_deref() {
        None | Some("START") => Some(Trigger::Start(duration.exact())),
        Some("END") => Some(Trigger::End(duration.exact())),
        Some(_) => None,
    }
}

/// How often it comes again. REPEAT without DURATION says nothing; `Err` if what they say makes no sense.
fn repeat(alarm: &Component) -> Result<Option<(u32, SignedDuration)>, ()> {
    let (Some(count), Some(interval)) = (alarm.property("REPEAT"), alarm.property("DURATION")) else {
        return Ok(None);
    };
    let count: u32 = count.value.trim().parse().map_err(|_| ())?;
    let interval = value::duration(&interval.value).ok_or(())?.exact();
    if count > 0 && !interval.is_positive() {
        return Err(());
    }
    Ok((count > 0).then_some((count.min(REPEAT_MAX), interval)))
}
