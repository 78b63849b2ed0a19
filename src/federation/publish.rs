//! What we publish: our public series as a feed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::feed::{FeedEnvelope, ORIGIN, UID, in_public};
use super::link::ETag;
use super::name::PeerName;
use super::stream::not_taken;
use crate::calendar::{CalendarEvent, Feed, Frame, Property, Zone, write_icalendar};
use crate::id::SeriesId;
use crate::persist::{Backend, CommitOutcome, Fault, Key, KeyExpect, KvWrite, Payload, Transaction};
use crate::schedule::Series;
use crate::time::Timestamp;

const KEY: &str = "federation/published";
const PRODUCT: &str = "-//boxoffice//federation//EN";

/// A feed of ours, to be served as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedFeed {
    /// Its number.
    pub seq: u64,
    /// When its content changed last.
    pub at: Timestamp,
    /// The envelope, to be signed and sent.
    pub json: Arc<str>,
    /// The iCalendar file inside, for whoever wants that alone.
    pub calendar: Arc<str>,
    /// What it is told apart by: strong, made of the calendar and the number.
    pub etag: ETag,
}

/// What the store knows of the feed published last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    seq: u64,
    at: Timestamp,
    digest: String,
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// The entries of public series, with what they say in public: no attendees, no alarms, no policies, no parameters.
pub fn public_events<'s>(series: impl IntoIterator<Item = &'s Series>) -> Vec<CalendarEvent> {
    let mut events: Vec<_> = series.into_iter().flat_map(Series::events).map(in_public).collect();
    events.sort_by(|a, b| a.series.cmp(&b.series));
    events
}

/// Our calendar as it is published, without a number yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFeed {
    calendar: String,
    digest: String,
}

impl WrittenFeed {
    /// Writes these entries. `us` is our own name. Pure, and may take long.
    pub fn new(us: &PeerName, events: &[CalendarEvent]) -> Self {
        // Every entry of a series has a DTSTAMP of its own, so that this one is never written.
        let calendar = write_icalendar(&Feed::new(PRODUCT, Timestamp::EPOCH).named(us.as_str()), events);
        Self { digest: hex(&Sha256::digest(&calendar)), calendar }
    }
}

/// Publishes what was written: gives it a number, a new one if it is not what was published last.
///
/// ```
/// use boxoffice_core::federation::{PeerName, WrittenFeed, publish};
/// use boxoffice_core::persist::MemoryBackend;
/// use boxoffice_core::time::Timestamp;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let (store, us) = (MemoryBackend::new(), PeerName::new("club.example")?);
/// let written = WrittenFeed::new(&us, &[]);
/// let first = publish(&store, &us, written.clone(), Timestamp::from_millis(1)).await?;
/// // The same again, later: the same bytes.
/// assert_eq!(publish(&store, &us, written, Timestamp::from_millis(2)).await?, first);
/// assert_eq!(first.seq, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
///
/// # Errors
/// [`Fault`] when storage failed or what it knows of the last feed cannot be read.
pub async fn publish(
    backend: &dyn Backend,
    us: &PeerName,
    written: WrittenFeed,
    now: Timestamp,
) -> Result<PublishedFeed, Fault> {
    let WrittenFeed { calendar, digest } = written;
    let key = Key::stored(KEY);
    loop {
        let found = backend.get(&key).await?;
        let last: Option<Last> = found
            .as_ref()
            .map(Payload::read)
            .transpose()
            .map_err(|error| Fault::corrupt(key.as_str(), error.to_string()))?;
        if let Some(last) = last.as_ref().filter(|last| last.digest == digest) {
            return published(us, last, calendar);
        }
        let (seq, at) = last.map_or((1, now), |last| (last.seq.saturating_add(1), now.max(last.at)));
        let next = Last { seq, at, digest: digest.clone() };
        let value = Payload::new(&next).map_err(|error| Fault::corrupt(key.as_str(), error.to_string()))?;
        let expect = found.map_or(KeyExpect::Absent, KeyExpect::Equals);
        let write = Transaction::new().expect_key(key.clone(), expect).write(KvWrite::Put(key.clone(), value));
        match backend.commit_one(write).await? {
            CommitOutcome::Done(_) | CommitOutcome::Already(_) => return published(us, &next, calendar),
            CommitOutcome::Conflict(_) => {}
            refused @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused) => return Err(not_taken(&refused)),
        }
    }
}

fn published(us: &PeerName, last: &Last, calendar: String) -> Result<PublishedFeed, Fault> {
    let Last { seq, at, digest } = last;
    let etag = format!("\"{seq}-{}\"", digest.chars().take(32).collect::<String>());
    let etag = ETag::new(etag).map_err(|error| Fault::corrupt(KEY, error.to_string()))?;
    let envelope = FeedEnvelope { origin: us.clone(), seq: *seq, at: *at, calendar };
    let json = envelope.to_json().into();
    Ok(PublishedFeed { seq: *seq, at: *at, json, calendar: envelope.calendar.into(), etag })
}

/// The zones of a file by name: one of each.
#[derive(Debug, Default)]
pub(super) struct Zones(BTreeMap<String, Zone>);

impl Zones {
    /// Whether the names of the zones of `event` mean in it what they mean in those admitted before.
    pub(super) fn admit(&mut self, event: &CalendarEvent) -> bool {
        let frames = event.changes.iter().map(|change| &change.frame).chain([&event.frame]);
        let zones: Vec<&Zone> =
            frames.filter_map(|frame| if let Frame::Zoned(zone) = frame { Some(zone) } else { None }).collect();
        if zones.iter().any(|zone| self.0.get(zone.name()).is_some_and(|other| other != *zone)) {
            return false;
        }
        self.0.extend(zones.into_iter().map(|zone| (zone.name().to_owned(), zone.clone())));
        true
    }
}

/// An entry of `origin` as we pass it on.
pub(super) fn passed_on(event: &CalendarEvent, origin: &PeerName, uid: &SeriesId) -> CalendarEvent {
    let mut event = event.clone();
    let own = format!("{origin}:{uid}");
    // A UID may be as long as a name of ours: then its digest stands for it.
    let own = SeriesId::new(&own).or_else(|_| SeriesId::new(format!("{origin}:{}", hex(&Sha256::digest(&own)))));
    event.series = own.unwrap_or_else(|_| uid.clone());
    let said = [Property::of_text(ORIGIN, origin.as_str()), Property::of_text(UID, uid.as_str())];
    Arc::make_mut(&mut event.details).properties.extend(said.clone());
    for change in &mut event.changes {
        Arc::make_mut(&mut change.details).properties.extend(said.clone());
    }
    event
}
