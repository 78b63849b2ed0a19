//! Invitations and their answers as messages between calendars (iTIP, RFC 5546 section 3.2): only the bodies, no mail.

use jiff::civil::{DateTime, Time};

use super::ImportError;
use super::content::{Component, Property};
use super::series::original;
use super::tree::read_components;
use super::value::{self, Moment};
use super::vevent::moment;
use super::write::{Feed, Method, zones};
use super::zones::Zones;
use crate::calendar::event::{CalendarEvent, Change, Range};
use crate::calendar::zone::Frame;
use crate::id::{RecurrenceId, SeriesId};
use crate::time::Timestamp;

/// What someone who is invited says (PARTSTAT, RFC 5545 section 3.2.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Participation {
    /// Nothing yet.
    NeedsAction,
    /// Yes.
    Accepted,
    /// No.
    Declined,
    /// Perhaps.
    Tentative,
    /// Someone else comes instead.
    Delegated,
}

const PARTICIPATIONS: [(&str, Participation); 5] = [
    ("NEEDS-ACTION", Participation::NeedsAction),
    ("ACCEPTED", Participation::Accepted),
    ("DECLINED", Participation::Declined),
    ("TENTATIVE", Participation::Tentative),
    ("DELEGATED", Participation::Delegated),
];

impl Participation {
    /// Its name in a file.
    pub fn name(self) -> &'static str {
        PARTICIPATIONS.iter().find(|(_, one)| *one == self).map_or("NEEDS-ACTION", |(name, _)| name)
    }
}

/// An event to which people are invited.
///
/// Addresses are calendar addresses such as `mailto:ann@club.example`; one without a scheme is taken to be of mail.
/// SEQUENCE is that of the event: raise it before a change that matters, and before a cancellation.
///
/// ```
/// use boxoffice_core::calendar::{CalendarEvent, Frame, Invitation, Length, Participation, read_replies};
/// use boxoffice_core::{id::SeriesId, time::Timestamp};
/// let start = jiff::civil::date(2026, 1, 5).at(19, 0, 0, 0);
/// let chess = CalendarEvent::new(SeriesId::new("chess")?, "Chess", start, Frame::Utc, Length::ZERO);
/// let invitation = Invitation {
///     event: &chess,
///     product_id: "-//Club//EN",
///     stamp: Timestamp::EPOCH,
///     organizer: "club@club.example",
///     attendees: &["ann@club.example"],
/// };
/// assert!(invitation.request().contains("\r\nMETHOD:REQUEST\r\n"));
/// let reply = invitation.reply(None, "ann@club.example", Participation::Accepted);
/// let replies = read_replies(reply.as_bytes())?;
/// assert_eq!((replies[0].attendee.as_str(), replies[0].participation), ("mailto:ann@club.example", Participation::Accepted));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Invitation<'a> {
    /// The event.
    pub event: &'a CalendarEvent,
    /// What made the message (PRODID).
    pub product_id: &'a str,
    /// When the message is made (DTSTAMP).
    pub stamp: Timestamp,
    /// Who invites.
    pub organizer: &'a str,
    /// Who is invited. Those that the event names already keep what it says of them, the others are asked to answer.
    pub attendees: &'a [&'a str],
}

impl Invitation<'_> {
    /// REQUEST: the series with its changes, cancelled occurrences as exceptions (RFC 5546 section 3.2.2).
    pub fn request(&self) -> String {
        let mut components = self.without_cancelled().to_components(Some(self.stamp));
        for component in &mut components {
            self.set_stamp(component);
            if component.property("SUMMARY").is_none() {
                component.push(Property::new("SUMMARY", ""));
            }
            let known = component.properties_named("ATTENDEE").map(|known| known.value.to_ascii_lowercase());
            let known: Vec<String> = known.collect();
            let invited: Vec<String> = self.attendees.iter().map(|attendee| address(attendee)).collect();
            component.properties.retain(|property| match property.name.as_str() {
                "ORGANIZER" | "REQUEST-STATUS" => false,
                "ATTENDEE" => invited.iter().any(|one| one.eq_ignore_ascii_case(&property.value)),
                _ => true,
            });
            component.push(Property::new("ORGANIZER", address(self.organizer)));
            let new = invited.into_iter().filter(|one| !known.contains(&one.to_ascii_lowercase()));
            component.properties.extend(new.map(|one| {
                let asked = Participation::NeedsAction.name();
                Property::new("ATTENDEE", one).with_parameter("PARTSTAT", asked).with_parameter("RSVP", "TRUE")
            }));
        }
        self.write(Method::Request, components)
    }

    /// The event, in which cancelled occurrences are exceptions: a REQUEST may not say STATUS:CANCELLED.
    fn without_cancelled(&self) -> CalendarEvent {
        let mut event = self.event.clone();
        let (cancelled, changes) =
            event.changes.into_iter().partition(|change| change.cancelled && change.range == Range::This);
        event.changes = changes;
        let cancelled: Vec<Change> = cancelled;
        event.excluded.extend(cancelled.iter().map(|change| change.of));
        event
    }

    /// CANCEL: of the whole series, or of the occurrence that the rule gave this start (RFC 5546 section 3.2.5).
    pub fn cancel(&self, of: Option<DateTime>) -> String {
        let mut component = self.body(of);
        component.push(Property::of_text("SUMMARY", &self.event.summary));
        component.push(Property::new("STATUS", "CANCELLED"));
        component.properties.extend(self.attendees.iter().map(|one| Property::new("ATTENDEE", address(one))));
        self.write(Method::Cancel, vec![component])
    }

    /// REPLY of one attendee: for the whole series, or for one occurrence (RFC 5546 section 3.2.3).
    pub fn reply(&self, of: Option<DateTime>, attendee: &str, participation: Participation) -> String {
        let mut component = self.body(of);
        let attendee = Property::new("ATTENDEE", address(attendee));
        component.push(attendee.with_parameter("PARTSTAT", participation.name()));
        self.write(Method::Reply, vec![component])
    }

    /// What every message about an event says.
    fn body(&self, of: Option<DateTime>) -> Component {
        let mut component = Component::new("VEVENT");
        component.push(Property::of_text("UID", self.event.series.as_str()));
        self.set_stamp(&mut component);
        component.push(Property::new("SEQUENCE", self.event.details.sequence.to_string()));
        component.push(match of {
            Some(of) => moment("RECURRENCE-ID", &self.event.frame, of),
            None => moment("DTSTART", &self.event.frame, self.event.start),
        });
        component.push(Property::new("ORGANIZER", address(self.organizer)));
        component
    }

    fn set_stamp(&self, component: &mut Component) {
        component.properties.retain(|property| property.name != "DTSTAMP");
        let place = component.properties.len().min(1);
        if let Some(stamp) = value::write_instant(self.stamp) {
            component.properties.insert(place, Property::new("DTSTAMP", stamp));
        }
    }

    fn write(&self, method: Method, components: Vec<Component>) -> String {
        let mut calendar = Feed::new(self.product_id, self.stamp).with_method(method).calendar();
        calendar.components.extend(zones(core::slice::from_ref(self.event), |_| true));
        calendar.components.extend(components);
        calendar.to_string()
    }
}

/// A calendar address: what has no scheme is of mail.
fn address(text: &str) -> String {
    let text = text.trim();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let has_scheme = text.split_once(':').is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.bytes().all(fits));
    if has_scheme { text.to_owned() } else { format!("mailto:{text}") }
}

/// What one attendee answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The series.
    pub series: SeriesId,
    /// The start of the occurrence that it is for, and how that is meant; for the whole series if there is none.
    pub of: Option<(DateTime, Frame)>,
    /// Who answers: a calendar address as it stands in the message, such as `mailto:ann@club.example`.
    pub attendee: String,
    /// What the answer is.
    pub participation: Participation,
    /// SEQUENCE of the invitation that it answers: if it is below that of the event, the answer is of an older one.
    pub sequence: u32,
    /// When it was given: of two answers the later counts.
    pub stamp: Option<Timestamp>,
}

impl Reply {
    /// The occurrence of `event` that it is for, in the event's own time; none if it is for the whole series.
    pub fn recurrence_in(&self, event: &CalendarEvent) -> Option<RecurrenceId> {
        let (of, frame) = self.of.as_ref()?;
        Some(event.recurrence_id(original(*of, frame, event)))
    }
}

/// Why a file is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// It is no iCalendar file.
    #[error(transparent)]
    File(#[from] ImportError),
    /// Its METHOD is not REPLY.
    #[error("METHOD is {found:?}, not REPLY")]
    Method {
        /// The method found; empty if there is none.
        found: String,
    },
    /// There is no VEVENT in it.
    #[error("there is no VEVENT in it")]
    Empty,
    /// A property is missing or says nothing sensible.
    #[error("line {line}: {property} is missing, or says nothing sensible")]
    Property {
        /// Where the property begins, or else its component.
        line: usize,
        /// Which one.
        property: &'static str,
    },
}

/// The answers in a REPLY: one for each VEVENT (RFC 5546 section 3.2.3).
///
/// # Errors
/// [`ReplyError`] when it is anything else, or when one of the answers cannot be read.
pub fn read_replies(bytes: &[u8]) -> Result<Vec<Reply>, ReplyError> {
    let (calendars, _) = read_components(bytes)?;
    let mut replies = Vec::new();
    for calendar in &calendars {
        let method = calendar.property("METHOD").map_or("", |method| method.value.trim());
        if !method.eq_ignore_ascii_case(Method::Reply.name()) {
            return Err(ReplyError::Method { found: super::notes::shorten(method) });
        }
        let mut zones = Zones::new(calendar);
        for component in calendar.components_named("VEVENT") {
            replies.push(read_reply(component, &mut zones)?);
        }
    }
    if replies.is_empty() { Err(ReplyError::Empty) } else { Ok(replies) }
}

fn read_reply(component: &Component, zones: &mut Zones<'_>) -> Result<Reply, ReplyError> {
    let wrong = |property: &'static str| ReplyError::Property {
        line: component.property(property).map_or(component.line, |found| found.line),
        property,
    };
    let uid = component.property("UID").map(Property::text).unwrap_or_default();
    let mut attendees = component.properties_named("ATTENDEE");
    let attendee = attendees.next().filter(|found| !found.value.trim().is_empty());
    let attendee = attendee.filter(|_| attendees.next().is_none()).ok_or_else(|| wrong("ATTENDEE"))?;
    let said = attendee.parameter("PARTSTAT").unwrap_or("NEEDS-ACTION").trim();
    let said = PARTICIPATIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(said));
    let sequence = component.property("SEQUENCE").map_or(Ok(0), |found| found.value.trim().parse());
    let stamp = component.property("DTSTAMP").map(|found| value::moment(&found.value));
    Ok(Reply {
        series: SeriesId::new(uid.trim()).map_err(|_| wrong("UID"))?,
        of: match component.property("RECURRENCE-ID") {
            Some(property) => Some(civil(property, zones).ok_or_else(|| wrong("RECURRENCE-ID"))?),
            None => None,
        },
        attendee: attendee.value.trim().to_owned(),
        participation: said.map(|(_, participation)| *participation).ok_or_else(|| wrong("ATTENDEE"))?,
        sequence: sequence.map_err(|_| wrong("SEQUENCE"))?,
        stamp: match stamp {
            Some(Some(Moment::Utc(at))) => Some(value::instant(at)),
            Some(_) => return Err(wrong("DTSTAMP")),
            None => None,
        },
    })
}

fn civil(property: &Property, zones: &mut Zones<'_>) -> Option<(DateTime, Frame)> {
    match (value::moment(&property.value)?, property.parameter("TZID")) {
        (Moment::Date(date), _) => Some((date.to_datetime(Time::midnight()), Frame::Date)),
        (Moment::Utc(at), _) => Some((at, Frame::Utc)),
        (Moment::Local(at), None) => Some((at, Frame::Floating)),
        (Moment::Local(at), Some(tzid)) => Some((at, Frame::Zoned(zones.find(tzid.trim())?.0))),
    }
}
