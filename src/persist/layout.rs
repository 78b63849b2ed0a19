//! The bytes of the embedded store, version 2: keys, records, checksums.
//!
//! One ordered map of bytes to bytes. The first byte of a key says what it is; numbers are big-endian so that the
//! order of bytes is the order of numbers. Every value ends in a CRC-32 (IEEE) of its key and itself, little-endian.
//!
//! | key | value |
//! | --- | --- |
//! | `g` cursor | a record: up to [`RECORD_EVENTS_MAX`] events in runs, at most [`RECORD_BYTES_MAX`] bytes; its key is its first cursor |
//! | `i` stream `00` seq | cursor of the record that holds the run starting at that seq |
//! | `s` stream | catalog: first cursor, last and truncated sequence number as of the last truncation |
//! | `k` key | a kv value |
//! | `o` idempotency key | fingerprint and what was committed |
//! | `v` | layout, next cursor and number of commits without events, as of the last of those or of a truncation |
//!
//! A run is a stretch of one stream inside a record, so that sixteen bookings of one occurrence share one index key
//! and one copy of the stream's name. There is no head key that every append rewrites: sled would grow by 6 KB of
//! memory for each (measured). The body of a value is postcard (<https://postcard.jamesmunns.com/wire-format>).

use serde::{Deserialize, Serialize};

use super::error::Fault;
use super::record::{Cursor, RecordedEvent, Seq};
use crate::time::Timestamp;

/// Written at creation, checked at open.
pub(crate) const LAYOUT: u32 = 2;
/// Sled spills values near its segment size to files it never syncs; 4 KiB is far below.
pub(crate) const RECORD_BYTES_MAX: usize = 4_096;
/// Reading one event decodes at most this many.
pub(crate) const RECORD_EVENTS_MAX: usize = 32;

pub(crate) const RECORD: u8 = b'g';
pub(crate) const INDEX: u8 = b'i';
pub(crate) const STREAM: u8 = b's';
pub(crate) const VALUE: u8 = b'k';
pub(crate) const ONCE: u8 = b'o';
pub(crate) const STORE_KEY: &[u8] = b"v";

/// What `v` holds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct StoreMeta {
    pub(crate) layout: u32,
    /// No cursor below this one is free, although no record may be left to show it.
    pub(crate) next_cursor: u64,
    /// Commits that appended no event: they leave no cursor by which to miss them.
    pub(crate) silent: u64,
}

/// What `s` holds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct StreamMeta {
    /// Of the first event ever: the stream is listed once that one is durable.
    pub(crate) first_cursor: u64,
    pub(crate) last: Seq,
    pub(crate) truncated_through: Seq,
}

/// A stretch of one stream inside a record.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run<'a> {
    #[serde(borrow)]
    pub(crate) stream: &'a str,
    pub(crate) first_seq: Seq,
    /// Cursor of its first event, less the record's.
    pub(crate) offset: u64,
    #[serde(borrow)]
    pub(crate) events: Vec<Event<'a>>,
}

/// An event inside a run; its place follows from the run's.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Event<'a> {
    pub(crate) name: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) data: &'a str,
}

impl Event<'_> {
    /// An upper bound of its encoded size: three numbers of at most 10 bytes beside the texts.
    fn size_max(&self) -> usize {
        self.name.len() + self.data.len() + 30
    }
}

impl Run<'_> {
    fn size_max(stream: &str) -> usize {
        stream.len() + 40
    }

    /// The sequence number after its last.
    pub(crate) fn end_seq(&self) -> Seq {
        self.first_seq.plus(self.events.len() as u64)
    }

    /// The offset after that of its last event.
    pub(crate) fn end_offset(&self) -> u64 {
        self.offset + self.events.len() as u64
    }
}

/// A key made of a tag and a text.
pub(crate) fn text_key(tag: u8, text: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + text.len());
    key.push(tag);
    key.extend_from_slice(text.as_bytes());
    key
}

/// The key of the record whose first event stands at `cursor`.
pub(crate) fn record_key(cursor: Cursor) -> Vec<u8> {
    let mut key = Vec::with_capacity(9);
    key.push(RECORD);
    key.extend_from_slice(&cursor.position().to_be_bytes());
    key
}

/// The key under which a run of `stream` that starts at `seq` is found.
pub(crate) fn index_key(stream: &str, seq: Seq) -> Vec<u8> {
    let mut key = Vec::with_capacity(10 + stream.len());
    key.push(INDEX);
    key.extend_from_slice(stream.as_bytes());
    key.push(0);
    key.extend_from_slice(&seq.get().to_be_bytes());
    key
}

/// The name of the stream in an index key.
pub(crate) fn stream_in_index(key: &[u8]) -> String {
    let name = key.get(1..key.len().saturating_sub(9)).unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// The text after the tag of a key that was made from a checked name.
pub(crate) fn text_in(key: &[u8]) -> String {
    String::from_utf8_lossy(key.get(1..).unwrap_or_default()).into_owned()
}

/// The number in the last eight bytes of a record or index key.
pub(crate) fn trailing_number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*key.last_chunk()?))
}

/// Serialises `body` and seals it with a checksum over `key` and itself.
pub(crate) fn seal<T: Serialize>(key: &[u8], body: &T) -> Result<Vec<u8>, Fault> {
    let mut bytes = postcard::to_allocvec(body)
        .map_err(|error| Fault::Unavailable { reason: format!("cannot encode {}: {error}", place(key)).into() })?;
    let sum = checksum(key, &bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    Ok(bytes)
}

/// Checks the seal of `value`, stored under `key`, and reads its body.
pub(crate) fn open<'a, T: Deserialize<'a>>(key: &[u8], value: &'a [u8]) -> Result<T, Fault> {
    postcard::from_bytes(unseal(key, value)?).map_err(|error| Fault::corrupt(place(key), error.to_string()))
}

/// Checks the seal of `value`, stored under `key`, and gives its body.
pub(crate) fn unseal<'a>(key: &[u8], value: &'a [u8]) -> Result<&'a [u8], Fault> {
    let Some((body, sum)) = value.split_last_chunk::<4>() else {
        return Err(Fault::corrupt(place(key), "shorter than its checksum"));
    };
    if checksum(key, body) != u32::from_le_bytes(*sum) {
        return Err(Fault::corrupt(place(key), "checksum differs"));
    }
    Ok(body)
}

fn checksum(key: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(body);
    hasher.finalize()
}

/// A key as a person can read it.
pub(crate) fn place(key: &[u8]) -> String {
    match key.split_first() {
        Some((&RECORD, _)) => format!("record at cursor {}", trailing_number(key).unwrap_or_default()),
        Some((&INDEX, _)) => {
            format!("index of stream {} at seq {}", stream_in_index(key), trailing_number(key).unwrap_or_default())
        }
        Some((&STREAM, rest)) => {
            format!("catalog entry of stream {}", String::from_utf8_lossy(rest))
        }
        Some((&VALUE, rest)) => format!("value of key {}", String::from_utf8_lossy(rest)),
        Some((&ONCE, rest)) => format!("idempotency key {}", String::from_utf8_lossy(rest)),
        Some(_) | None => format!("{:?}", String::from_utf8_lossy(key)),
    }
}

/// Packs events, which must stand in commit order, into records.
pub(crate) fn pack(events: &[RecordedEvent]) -> Vec<(Cursor, Vec<Run<'_>>)> {
    let mut records: Vec<(Cursor, Vec<Run<'_>>)> = Vec::new();
    let (mut room, mut count) = (0, RECORD_EVENTS_MAX);
    for event in events {
        let body = Event { name: event.event_type.as_str(), at: event.at, data: event.data.json() };
        let stream = event.stream.as_str();
        let alone = body.size_max() + Run::size_max(stream);
        if count == RECORD_EVENTS_MAX || room < alone {
            records.push((event.cursor, Vec::new()));
            // 16 bytes for the number of runs and the checksum. An event of the largest size allowed overdraws the
            // room it is alone in; the true size still fits, since `size_max` is generous.
            (room, count) = (RECORD_BYTES_MAX - 16, 0);
        }
        let Some((first, runs)) = records.last_mut() else {
            break;
        };
        let offset = event.cursor.position() - first.position();
        // Cursors have gaps where something was truncated before a store was copied.
        let follows = |run: &Run<'_>| run.end_seq() == event.seq && run.end_offset() == offset;
        let same_run = runs.last_mut().filter(|run| run.stream == stream && follows(run));
        match same_run {
            Some(run) => {
                room = room.saturating_sub(body.size_max());
                run.events.push(body);
            }
            None => {
                room = room.saturating_sub(alone);
                runs.push(Run { stream, first_seq: event.seq, offset, events: vec![body] });
            }
        }
        count += 1;
    }
    records
}
