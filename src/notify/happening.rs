//! What notices say of an occurrence, from the definition of its series.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::facts::EventFacts;
use super::lead::Lead;
use super::letter::CalendarPart;
use crate::calendar::{CalendarEvent, Change, Details, Frame, Invitation, Truncated, Zone};
use crate::id::{OccurrenceId, RecurrenceId, SeriesId};
use crate::schedule::Series;
use crate::time::{Timestamp, Window};

/// Most bytes of what people have written, so that facts fit into a record.
const SUMMARY_MAX: usize = 400;
const LOCATION_MAX: usize = 300;
const URL_MAX: usize = 400;
/// Most bytes of the names of places.
const PLACES_MAX: usize = 500;
/// Most reminders of one occurrence.
const LEADS_MAX: usize = 10;

/// An occurrence as notices speak of it: as its series says now, or said once.
#[derive(Clone, Debug)]
pub struct Happening {
    occurrence: OccurrenceId,
    change: Change,
    cancelled: bool,
    window: Window,
    zone: Zone,
    revision: u32,
}

impl Happening {
    /// The occurrence `recurrence` of a series, cancelled or not; none if there is no such occurrence. Whole days and floating
    /// times are those of `house`.
    ///
    /// # Errors
    /// [`Truncated`] when a rule takes too many steps.
    pub fn find(series: &Series, recurrence: &RecurrenceId, house: &Zone) -> Result<Option<Self>, Truncated> {
        let Some((part, change)) = series.current(recurrence)? else { return Ok(None) };
        let occurrence = OccurrenceId::new(part.series.clone(), *recurrence);
        let zone = match &change.frame {
            Frame::Date | Frame::Floating => house.clone(),
            Frame::Utc => Zone::utc(),
            Frame::Zoned(zone) => zone.clone(),
        };
        let window = part.changed(&change).window(zone.time_zone());
        let cancelled = change.cancelled || part.cancelled;
        Ok(Some(Self { occurrence, change, cancelled, window, zone, revision: series.revision() }))
    }

    /// Which occurrence it is.
    pub fn occurrence(&self) -> &OccurrenceId {
        &self.occurrence
    }

    /// When it takes place, or would if it were not cancelled.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Whether it is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// The rules of its zone.
    pub fn time_zone(&self) -> &TimeZone {
        self.zone.time_zone()
    }

    /// The revision of its series.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// When people are to be reminded of it: as its VALARMs say, or else as `default` does. Each once, 10 at most.
    pub fn leads(&self, default: &[Lead]) -> Vec<Lead> {
        let own: Vec<Lead> = self.change.details.reminders().iter().flat_map(Lead::from_reminder).collect();
        let wanted = if own.is_empty() { default.to_vec() } else { own };
        let mut names = BTreeSet::new();
        wanted.into_iter().filter(|lead| names.insert(lead.name())).take(LEADS_MAX).collect()
    }

    /// When a reminder is due; none if there is none with this lead any more.
    pub fn due(&self, lead: Lead, default: &[Lead]) -> Option<Timestamp> {
        let wanted = self.leads(default).iter().any(|other| other.name() == lead.name());
        lead.due(self.window, self.time_zone()).filter(|_| wanted)
    }

    /// What templates are told of it. Texts are cut where they are too long to be recorded.
    pub fn facts(&self) -> EventFacts {
        EventFacts {
            summary: clip(&self.change.summary, SUMMARY_MAX),
            starts: self.window.start,
            ends: self.window.end,
            zone: self.zone.name().to_owned(),
            all_day: self.change.frame == Frame::Date,
            location: text_of(&self.change.details, "LOCATION").map(|text| clip(&text, LOCATION_MAX)),
            url: text_of(&self.change.details, "URL").filter(|url| url.len() <= URL_MAX),
        }
    }

    /// The same as an invitation to one person, or its cancellation (iMIP, RFC 6047): an entry of its own, under the id of the
    /// occurrence and with the revision of the series. None where nobody is known who invites.
    pub fn calendar_part(
        &self,
        method: Invite,
        organizer: Option<&str>,
        address: &str,
        stamp: Timestamp,
    ) -> Option<CalendarPart> {
        let own = self.change.details.properties.iter().find(|property| property.name == "ORGANIZER");
        let organizer = own.map(|own| own.value.as_str()).or(organizer)?;
        let event = self.single()?;
        let attendees = [address];
        let invitation =
            Invitation { event: &event, product_id: "-//boxoffice//EN", stamp, organizer, attendees: &attendees };
        Some(match method {
            Invite::Request => CalendarPart { method: "REQUEST".to_owned(), text: invitation.request() },
            Invite::Cancel => CalendarPart { method: "CANCEL".to_owned(), text: invitation.cancel(None) },
        })
    }

    /// The occurrence as an entry that happens once. Says nothing of who else attends, and has no alarms.
    fn single(&self) -> Option<CalendarEvent> {
        let Change { start, frame, length, summary, .. } = &self.change;
        let uid = SeriesId::new(self.occurrence.to_string()).ok()?;
        let mut event = CalendarEvent::new(uid, summary.clone(), *start, frame.clone(), *length);
        let kept = ["LOCATION", "URL", "DESCRIPTION", "GEO"];
        let properties = self.change.details.properties.iter();
        let properties = properties.filter(|property| kept.contains(&property.name.as_str())).cloned().collect();
        let sequence = self.revision;
        event.details = Details { sequence, stamp: None, properties, components: Vec::new() }.into();
        Some(event)
    }
}

/// What a calendar object asks of whoever gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invite {
    /// To enter it, or to change what is there.
    Request,
    /// To take it out.
    Cancel,
}

/// Names of places, as many as fit into a record; an ellipsis stands for the others.
pub fn clipped_places<'p>(places: impl IntoIterator<Item = &'p str>) -> Vec<String> {
    let (mut names, mut bytes) = (Vec::new(), 0);
    for place in places {
        bytes += place.len() + 3;
        if bytes > PLACES_MAX {
            names.push('\u{2026}'.to_string());
            break;
        }
        names.push(place.to_owned());
    }
    names
}

fn text_of(details: &Details, name: &str) -> Option<String> {
    let property = details.properties.iter().find(|property| property.name == name)?;
    Some(property.text()).filter(|text| !text.trim().is_empty())
}

/// At most so many bytes, whole characters.
fn clip(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let ends = text.char_indices().map(|(at, character)| at + character.len_utf8());
    let end = ends.take_while(|end| end + 3 <= bytes_max).last().unwrap_or_default();
    format!("{}\u{2026}", text.get(..end).unwrap_or_default())
}
