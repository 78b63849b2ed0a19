//! What a system publishes: an envelope in JSON around an iCalendar file, and how another one reads it.
//!
//! ```json
//! {"boxoffice_feed":1,"origin":"library.example","seq":7,"at":1767225600000,"calendar":"BEGIN:VCALENDAR\r\n..."}
//! ```
//!
//! `seq` rises whenever the calendar changes, and only then; `at` is when it did, in milliseconds since the Unix epoch. What is
//! signed is the whole of these bytes, by the link. A VEVENT that somebody else publishes and that is passed on has
//! `X-BOXOFFICE-ORIGIN` with that origin, and `X-BOXOFFICE-UID` with the UID it has there. Members that are not known are
//! passed over; another number in `boxoffice_feed` is refused.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::name::PeerName;
use crate::calendar::{CalendarEvent, Component, Details, Property, read_icalendar};
use crate::id::SeriesId;
use crate::time::Timestamp;

const VERSION: u64 = 1;
/// Whose entry it is, if it is passed on.
pub(super) const ORIGIN: &str = "X-BOXOFFICE-ORIGIN";
/// The UID that it has there.
pub(super) const UID: &str = "X-BOXOFFICE-UID";

/// What an entry says in public beyond when it happens: other properties, their parameters, alarms, attendees and policies are
/// left out on both sides.
const SAID: [&str; 11] = [
    "CATEGORIES",
    "COMMENT",
    "CREATED",
    "DESCRIPTION",
    "GEO",
    "LAST-MODIFIED",
    "LOCATION",
    "RELATED-TO",
    "STATUS",
    "TRANSP",
    "URL",
];

/// How much of a peer's feed is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedLimits {
    /// Bytes of the envelope. Default: 2 MiB.
    pub bytes_max: usize,
    /// Entries, changes to single occurrences included. Default: 5,000.
    pub events_max: usize,
    /// How far its clock may be ahead of ours. Default: 5 minutes.
    pub skew_max: Duration,
}

impl Default for FeedLimits {
    fn default() -> Self {
        Self { bytes_max: 2 << 20, events_max: 5_000, skew_max: Duration::from_secs(300) }
    }
}

/// Why a feed is not taken. It is taken whole or not at all; what was had before stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeedRefusal {
    /// It is too large.
    #[error("{bytes} bytes are over the limit of {limit}")]
    TooLarge {
        /// Bytes found.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// It is of a version that is not known here.
    #[error("version {found} is not known here")]
    Version {
        /// The version found.
        found: u64,
    },
    /// It says that it is somebody else's.
    #[error("it is from {found}, not from {wanted}")]
    WrongOrigin {
        /// Whose it says it is.
        found: PeerName,
        /// Whose it should be.
        wanted: PeerName,
    },
    /// It cannot be read.
    #[error("{place}: {reason}")]
    Malformed {
        /// Where: `envelope`, or `calendar` and a line.
        place: String,
        /// Why.
        reason: String,
    },
    /// It has too many entries.
    #[error("{events} entries are over the limit of {limit}")]
    TooManyEvents {
        /// Entries found.
        events: usize,
        /// Entries allowed.
        limit: usize,
    },
    /// It is older than the one that is had.
    #[error("it is number {found}, and number {had} is had")]
    Replayed {
        /// Its number.
        found: u64,
        /// The number of the one that is had.
        had: u64,
    },
    /// It has the number of the one that is had, and says something else.
    #[error("it has number {seq}, as the one that is had, and says something else")]
    Forked {
        /// The number of both.
        seq: u64,
    },
    /// It says that it was made later than now.
    #[error("it says it was made at {at}, which is to come")]
    FromTheFuture {
        /// When it says.
        at: Timestamp,
    },
}

impl FeedRefusal {
    /// In one word, as logs and tables show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Version { .. } => "version",
            Self::WrongOrigin { .. } => "wrong_origin",
            Self::Malformed { .. } => "malformed",
            Self::TooManyEvents { .. } => "too_many_events",
            Self::Replayed { .. } => "replayed",
            Self::Forked { .. } => "forked",
            Self::FromTheFuture { .. } => "from_the_future",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    boxoffice_feed: u64,
    origin: PeerName,
    seq: u64,
    at: Timestamp,
    calendar: String,
}

/// A feed as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEnvelope {
    /// Whose it is.
    pub origin: PeerName,
    /// Which: a later one has a greater number.
    pub seq: u64,
    /// When its content changed last, by the clock of its publisher.
    pub at: Timestamp,
    /// An iCalendar file.
    pub calendar: String,
}

impl FeedEnvelope {
    /// As JSON. The same envelope always has the same bytes.
    pub fn to_json(&self) -> String {
        let Self { origin, seq, at, calendar } = self.clone();
        // Numbers and texts always have a JSON form.
        serde_json::to_string(&Wire { boxoffice_feed: VERSION, origin, seq, at, calendar }).unwrap_or_default()
    }

    /// Reads the envelope, and looks at nothing inside of the calendar.
    ///
    /// # Errors
    /// [`FeedRefusal`] when it is too large, of another version, or no envelope.
    pub fn read(bytes: &[u8], bytes_max: usize) -> Result<Self, FeedRefusal> {
        if bytes.len() > bytes_max {
            return Err(FeedRefusal::TooLarge { bytes: bytes.len(), limit: bytes_max });
        }
        let malformed = |error: serde_json::Error| FeedRefusal::Malformed {
            place: "envelope".to_owned(),
            reason: error.to_string().chars().take(200).collect(),
        };
        let Wire { boxoffice_feed, origin, seq, at, calendar } = serde_json::from_slice(bytes).map_err(malformed)?;
        match boxoffice_feed {
            VERSION => Ok(Self { origin, seq, at, calendar }),
            found => Err(FeedRefusal::Version { found }),
        }
    }
}

/// An entry of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEvent {
    /// Who publishes it first.
    pub origin: PeerName,
    /// The entry, by the UID that it has there, with what it says in public.
    pub event: CalendarEvent,
}

/// A feed that was read and found in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedFeed {
    /// Whose it is.
    pub origin: PeerName,
    /// Its number.
    pub seq: u64,
    /// When its content changed last, by the clock of its publisher.
    pub at: Timestamp,
    /// Its entries, by origin and UID.
    pub events: Vec<FeedEvent>,
    /// Of its calendar.
    digest: [u8; 32],
}

impl FetchedFeed {
    /// Reads the feed that came from `from`, all of it or nothing.
    ///
    /// ```
    /// use boxoffice_core::federation::{FeedEnvelope, FeedLimits, FeedRefusal, FetchedFeed, PeerName};
    /// use boxoffice_core::time::Timestamp;
    ///
    /// let (library, now) = (PeerName::new("library.example")?, Timestamp::EPOCH);
    /// let calendar = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:tea\r\nDTSTART:20260105T190000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    /// let envelope = FeedEnvelope { origin: library.clone(), seq: 1, at: now, calendar: calendar.to_owned() };
    /// let feed = FetchedFeed::read(envelope.to_json().as_bytes(), &library, now, &FeedLimits::default())?;
    /// assert_eq!(feed.events[0].event.series.as_str(), "tea");
    ///
    /// let broken = FeedEnvelope { calendar: calendar.replace("2026", "soon"), ..envelope };
    /// let refused = FetchedFeed::read(broken.to_json().as_bytes(), &library, now, &FeedLimits::default());
    /// assert!(matches!(refused, Err(FeedRefusal::Malformed { place, .. }) if place == "calendar, line 4"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FeedRefusal`], never [`FeedRefusal::Replayed`] or [`FeedRefusal::Forked`]: see [`FetchedFeed::follows`].
    pub fn read(bytes: &[u8], from: &PeerName, now: Timestamp, limits: &FeedLimits) -> Result<Self, FeedRefusal> {
        let FeedEnvelope { origin, seq, at, calendar } = FeedEnvelope::read(bytes, limits.bytes_max)?;
        if origin != *from {
            return Err(FeedRefusal::WrongOrigin { found: origin, wanted: from.clone() });
        }
        if at > now + limits.skew_max {
            return Err(FeedRefusal::FromTheFuture { at });
        }
        let events = read_events(&calendar, &origin, limits.events_max)?;
        Ok(Self { origin, seq, at, events, digest: Sha256::digest(&calendar).into() })
    }

    /// Whether it says something else than `had`, and is no step back.
    ///
    /// # Errors
    /// [`FeedRefusal::Replayed`] or [`FeedRefusal::Forked`].
    pub fn follows(&self, had: &Self) -> Result<bool, FeedRefusal> {
        if self.seq < had.seq {
            return Err(FeedRefusal::Replayed { found: self.seq, had: had.seq });
        }
        match (self.seq == had.seq, self.digest == had.digest) {
            (true, true) => Ok(false),
            (true, false) => Err(FeedRefusal::Forked { seq: self.seq }),
            (false, _) => Ok(true),
        }
    }
}

fn malformed(line: usize, reason: impl Into<String>) -> FeedRefusal {
    FeedRefusal::Malformed {
        place: format!("calendar, line {line}"),
        reason: reason.into().chars().take(200).collect(),
    }
}

fn read_events(calendar: &str, from: &PeerName, events_max: usize) -> Result<Vec<FeedEvent>, FeedRefusal> {
    // Before anything is made of them: an entry takes more memory than its text.
    let named = calendar.lines().filter(|line| line.trim_end().eq_ignore_ascii_case("BEGIN:VEVENT")).count();
    if named > events_max {
        return Err(FeedRefusal::TooManyEvents { events: named, limit: events_max });
    }
    let import = read_icalendar(calendar.as_bytes()).map_err(|error| malformed(1, error.to_string()))?;
    if import.left_out > 0 {
        let note = import.diagnostics.iter().find(|note| note.message.contains("left out"));
        let note = note.or(import.diagnostics.first());
        let (line, why) = note.map_or((1, String::new()), |note| (note.line.unwrap_or(1), note.to_string()));
        return Err(malformed(line, format!("{} entries are left out, first: {why}", import.left_out)));
    }
    let events = import.events.len() + import.events.iter().map(|event| event.changes.len()).sum::<usize>();
    if events > events_max {
        return Err(FeedRefusal::TooManyEvents { events, limit: events_max });
    }
    let mut read = import.events.into_iter().map(|event| feed_event(event, from)).collect::<Result<Vec<_>, _>>()?;
    read.sort_by(|a, b| (&a.origin, &a.event.series).cmp(&(&b.origin, &b.event.series)));
    let keys: BTreeSet<_> = read.iter().map(|read| (&read.origin, &read.event.series)).collect();
    if keys.len() < read.len() {
        return Err(malformed(1, "two entries are the same one of another origin"));
    }
    Ok(read)
}

fn feed_event(mut event: CalendarEvent, from: &PeerName) -> Result<FeedEvent, FeedRefusal> {
    let said = |name: &str| event.details.properties.iter().find(|property| property.name == name).cloned();
    let mut origin = from.clone();
    if let Some(property) = said(ORIGIN) {
        let read = PeerName::new(property.text().trim());
        origin = read.map_err(|error| malformed(property.line, error.to_string()))?;
        if let Some(uid) = said(UID).filter(|_| origin != *from) {
            event.series = SeriesId::new(uid.text().trim()).map_err(|error| malformed(uid.line, error.to_string()))?;
        }
    }
    Ok(FeedEvent { origin, event: in_public(event) })
}

/// An entry with what it says in public, and nothing else.
pub(super) fn in_public(mut event: CalendarEvent) -> CalendarEvent {
    event.policies.clear();
    event.details = Arc::new(said_in_public(&event.details));
    for change in &mut event.changes {
        change.details = Arc::new(said_in_public(&change.details));
    }
    event
}

fn said_in_public(details: &Details) -> Details {
    let is_web = |value: &str| value.starts_with("https://") || value.starts_with("http://");
    let fits = |property: &&Property| {
        SAID.contains(&property.name.as_str()) && (property.name != "URL" || is_web(&property.value))
    };
    let properties = details.properties.iter().filter(fits);
    let properties = properties.map(|property| Property::new(&property.name, property.value.clone())).collect();
    Details { sequence: details.sequence, stamp: details.stamp, properties, components: Vec::<Component>::new() }
}
