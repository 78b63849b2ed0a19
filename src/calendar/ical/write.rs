//! Whole files: a feed of events, and one series as a record.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Date;

use super::content::{Component, Property};
use super::describe::describe;
use super::notes::Diagnostic;
use super::read::{EXRULE_IS_OLD, START_NOT_IN_RULE};
use super::value::write_duration;
use super::{ImportError, read_icalendar};
use crate::calendar::event::{CalendarEvent, Change, Length};
use crate::calendar::rule::{End, RecurrenceRule, Until};
use crate::calendar::zone::{Frame, Zone};
use crate::time::Timestamp;

/// What the entries of a file are for (METHOD, RFC 5545 section 3.7.2; the values are those of RFC 5546).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// To be read by anyone.
    Publish,
    /// An invitation, or a change of one.
    Request,
    /// The answer to an invitation.
    Reply,
    /// What was arranged does not take place.
    Cancel,
}

impl Method {
    /// Its name in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Publish => "PUBLISH",
            Self::Request => "REQUEST",
            Self::Reply => "REPLY",
            Self::Cancel => "CANCEL",
        }
    }
}

/// What a file says of itself.
///
/// ```
/// use boxoffice_core::calendar::{CalendarEvent, Feed, Frame, Length, write_icalendar};
/// use boxoffice_core::{id::SeriesId, time::Timestamp};
/// use jiff::civil::date;
///
/// let fair = CalendarEvent::new(
///     SeriesId::new("fair")?,
///     "Fair; bring cake",
///     date(2026, 10, 14).at(0, 0, 0, 0),
///     Frame::Date,
///     Length::days(5),
/// );
/// let feed = Feed::new("-//Club//EN", Timestamp::from_millis(1_767_225_600_000));
/// let file = write_icalendar(&feed, &[fair]);
/// assert_eq!(
///     file,
///     "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Club//EN\r\nCALSCALE:GREGORIAN\r\nBEGIN:VEVENT\r\nUID:fair\r\n\
///      DTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20261014\r\nDTEND;VALUE=DATE:20261019\r\n\
///      SUMMARY:Fair\\; bring cake\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
/// );
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// What made it (PRODID), such as `-//Club//Calendar//EN`.
    pub product_id: String,
    /// What it is called: X-WR-CALNAME, and NAME of RFC 7986.
    pub name: Option<String>,
    /// What its entries are for.
    pub method: Option<Method>,
    /// How often to look for a new one, in whole seconds: REFRESH-INTERVAL of RFC 7986, and X-PUBLISHED-TTL.
    pub refresh: Option<Duration>,
    /// DTSTAMP of entries that have none.
    pub stamp: Timestamp,
}

impl Feed {
    /// A feed without a name. `stamp` is now: there is no clock here.
    pub fn new(product_id: impl Into<String>, stamp: Timestamp) -> Self {
        Self { product_id: product_id.into(), name: None, method: None, refresh: None, stamp }
    }

    /// The same feed with a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same feed with a method.
    #[must_use]
    pub fn with_method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// The same feed, to be fetched again after `refresh`.
    #[must_use]
    pub fn refreshed_after(mut self, refresh: Duration) -> Self {
        self.refresh = Some(refresh);
        self
    }

    /// The VCALENDAR with nothing in it yet.
    pub(super) fn calendar(&self) -> Component {
        let mut calendar = Component::new("VCALENDAR");
        calendar.push(Property::new("VERSION", "2.0"));
        calendar.push(Property::of_text("PRODID", &self.product_id));
        calendar.push(Property::new("CALSCALE", "GREGORIAN"));
        calendar.properties.extend(self.method.map(|method| Property::new("METHOD", method.name())));
        if let Some(name) = &self.name {
            calendar.push(Property::of_text("NAME", name));
            calendar.push(Property::of_text("X-WR-CALNAME", name));
        }
        if let Some(refresh) = self.refresh {
            let text = write_duration(0, SignedDuration::try_from(refresh).unwrap_or(SignedDuration::MAX));
            calendar.push(Property::new("REFRESH-INTERVAL", text.clone()).with_parameter("VALUE", "DURATION"));
            calendar.push(Property::new("X-PUBLISHED-TTL", text));
        }
        calendar
    }
}

/// A file with these events and the zones they are in. The same input gives the same bytes.
///
/// Reading it gives equal events, if they are as [`read_icalendar`] gives them: changes in order, none with a lower
/// SEQUENCE than its series, a DTSTAMP in whole seconds, texts without control characters but line breaks. Zones are
/// told apart by their name.
pub fn write_icalendar(feed: &Feed, events: &[CalendarEvent]) -> String {
    let mut calendar = feed.calendar();
    calendar.components.extend(zones(events, |_| true));
    calendar.components.extend(events.iter().flat_map(|event| event.to_components(Some(feed.stamp))));
    calendar.to_string()
}

/// A VTIMEZONE for each zone that these events name and that is `wanted`, by name.
pub(super) fn zones(events: &[CalendarEvent], wanted: impl Fn(&Zone) -> bool) -> Vec<Component> {
    let mut found: BTreeMap<&str, (&Zone, Date, Date)> = BTreeMap::new();
    for event in events {
        let (from, to) = days(event);
        let frames = event.changes.iter().map(|change| &change.frame);
        for frame in frames.chain([&event.frame]) {
            let Frame::Zoned(zone) = frame else { continue };
            let entry = found.entry(zone.name()).or_insert((zone, from, to));
            *entry = (entry.0, entry.1.min(from), entry.2.max(to));
        }
    }
    let found = found.into_values().filter(|(zone, ..)| wanted(zone));
    found.map(|(zone, from, to)| describe(zone, from, to)).collect()
}

/// The days in which an event needs its zones, the last one not included.
fn days(event: &CalendarEvent) -> (Date, Date) {
    let dates = event.dates.iter().map(|(at, _)| at.date());
    let changes = event.changes.iter().flat_map(|change| [change.of.date(), change.start.date()]);
    let days = dates.chain(changes).chain([event.start.date()]);
    let (from, last) = days.fold((Date::MAX, Date::MIN), |(from, last), day| (from.min(day), last.max(day)));
    let last = event.rules.iter().map(last_day).fold(last, Date::max);
    (from, last.checked_add(jiff::Span::new().days(event.length.days.saturating_add(2))).unwrap_or(Date::MAX))
}

fn last_day(rule: &RecurrenceRule) -> Date {
    match rule.end() {
        End::Never | End::Count(_) => Date::MAX,
        End::Until(Until::Date(date)) => date,
        End::Until(Until::Local(at) | Until::Utc(at)) => at.date(),
    }
}

/// Why a text is not one series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesError {
    /// It is no iCalendar file.
    #[error(transparent)]
    File(#[from] ImportError),
    /// It holds several series, or none.
    #[error("{found} series where there should be one")]
    Count {
        /// Series found.
        found: usize,
    },
    /// Something in it would be left out.
    #[error("{0}")]
    Broken(Diagnostic),
}

impl CalendarEvent {
    /// The series as a record of its own, which [`read_series`] reads back: an iCalendar file without anything that it
    /// does not need. Zones are defined in it only if they are not in the IANA database under their name.
    pub fn to_icalendar(&self) -> String {
        let mut calendar = Component::new("VCALENDAR");
        calendar.push(Property::new("VERSION", "2.0"));
        let own = |zone: &Zone| Zone::named(zone.name()).as_ref() != Ok(zone);
        calendar.components.extend(zones(core::slice::from_ref(self), own));
        calendar.components.extend(self.to_components(None));
        calendar.to_string()
    }

    /// One change of the series as a record of its own, which [`read_change`] reads back: a VEVENT with a RECURRENCE-ID.
    pub fn change_to_icalendar(&self, change: &Change) -> String {
        // Only what the change stands in is needed: the series' name and its frame.
        let mut series = CalendarEvent::new(self.series.clone(), "", self.start, self.frame.clone(), Length::ZERO);
        series.changes.push(change.clone());
        let mut calendar = Component::new("VCALENDAR");
        calendar.push(Property::new("VERSION", "2.0"));
        let own = |zone: &Zone| Zone::named(zone.name()).as_ref() != Ok(zone);
        calendar.components.extend(zones(core::slice::from_ref(&series), own));
        calendar.components.extend(series.to_components(None).into_iter().skip(1));
        calendar.to_string()
    }
}

/// Reads one change, as [`CalendarEvent::change_to_icalendar`] writes it.
///
/// # Errors
/// [`SeriesError`] when it is anything else, or when anything in it cannot be read.
pub fn read_change(text: &str) -> Result<Change, SeriesError> {
    let found = read_series(text)?.changes;
    let count = found.len();
    let mut found = found.into_iter();
    match (found.next(), count) {
        (Some(change), 1) => Ok(change),
        _ => Err(SeriesError::Count { found: count }),
    }
}

/// Reads one series, as [`CalendarEvent::to_icalendar`] writes it.
///
/// ```
/// use boxoffice_core::calendar::{CalendarEvent, Frame, Length, read_series};
/// use boxoffice_core::id::SeriesId;
/// let start = jiff::civil::date(2026, 1, 5).at(19, 0, 0, 0);
/// let chess = CalendarEvent::new(SeriesId::new("chess")?, "Chess", start, Frame::Utc, Length::ZERO).with_capacity(40);
/// assert_eq!(read_series(&chess.to_icalendar())?, chess);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`SeriesError`] when it is anything else, or when anything in it cannot be read.
pub fn read_series(text: &str) -> Result<CalendarEvent, SeriesError> {
    let import = read_icalendar(text.as_bytes())?;
    // That a rule is old, or passes over the first start, is no fault of a record.
    let harmless = [EXRULE_IS_OLD, START_NOT_IN_RULE];
    if let Some(broken) = import.diagnostics.into_iter().find(|note| !harmless.contains(&&*note.message)) {
        return Err(SeriesError::Broken(broken));
    }
    let found = import.events.len();
    let mut events = import.events.into_iter();
    match (events.next(), found) {
        (Some(event), 1) => Ok(event),
        _ => Err(SeriesError::Count { found }),
    }
}
