//! What a store holds, item by item: for moving it to another store, and for looking whether it is whole.

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::backend::{Backend, Head};
use super::error::Fault;
use super::record::{Cursor, Key, Payload, RecordedEvent, Seq, StreamName};
use super::transaction::{Committed, IdempotencyKey};

/// SHA-256 of what a transaction wrote, by which a retry is told from another transaction. Hexadecimal in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub(crate) [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return <[u8; 32]>::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        hex(&text).map(Self).ok_or_else(|| serde::de::Error::custom("a fingerprint is 64 hexadecimal digits"))
    }
}

/// The 32 bytes that 64 hexadecimal digits name.
pub(crate) fn hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// What is kept for an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Of the transaction that was committed.
    pub fingerprint: Fingerprint,
    /// What it wrote.
    pub committed: Committed,
}

/// Everything in a store but its events, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The last event committed before that moment.
    pub through: Cursor,
    /// The smallest cursor that was never given out.
    pub next: Cursor,
    /// Keys and values, by key.
    pub values: Vec<(Key, Payload)>,
    /// Idempotency keys, by key.
    pub remembered: Vec<(IdempotencyKey, Remembered)>,
}

/// One thing that a store holds. In JSON an object with one member, named after the variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// An event, in its place.
    Event(RecordedEvent),
    /// A key and its value.
    Value(Key, Payload),
    /// A key that holds nothing any more.
    Deleted(Key),
    /// An idempotency key.
    Remembered(IdempotencyKey, Remembered),
    /// A stream of which something was truncated.
    Truncated(StreamName, Head),
    /// No cursor below this one is free.
    Next(Cursor),
}

/// Findings listed one by one; more are only counted.
const FINDINGS_MAX: usize = 1_000;

/// What a look at a whole store found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Streams that are listed.
    pub streams: u64,
    /// Events read.
    pub events: u64,
    /// Keys with a value.
    pub values: u64,
    /// Idempotency keys, as far as the backend can list them.
    pub remembered: u64,
    /// What is wrong: at most 1,000 findings, each with its place.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub more_findings: u64,
}

/// Something wrong with a stored record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// Which record, as a readable key.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

impl Verification {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    pub(crate) fn find(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { place: place.into(), reason: reason.into() });
        } else {
            self.more_findings += 1;
        }
    }

    /// A damaged record is a finding; any other fault ends the look.
    pub(crate) fn note(&mut self, fault: Fault) -> Result<(), Fault> {
        match &fault {
            Fault::Corrupt { place, reason } => {
                self.find(&**place, &**reason);
                Ok(())
            }
            Fault::Unavailable { .. } | Fault::Unknown { .. } | Fault::Poisoned { .. } => Err(fault),
        }
    }
}

/// Events, streams or keys read at a time.
pub(crate) const PAGE: usize = 1_024;

/// Verifies a store through its reading methods alone: every event of the whole order stands in its place in its stream,
/// no stream has a gap, and both ways of reading show the same.
pub(crate) async fn verify_by_reading<B: Backend + ?Sized>(backend: &B) -> Result<Verification, Fault> {
    let mut found = Verification::default();
    let mut next = next_seqs(backend).await?;
    let mut page = backend.read_all(Cursor::START, PAGE).await?;
    while !page.events.is_empty() {
        for event in &page.events {
            found.events += 1;
            let expected = next.entry(event.stream.clone()).or_insert(Seq::FIRST);
            if event.seq != *expected {
                found.find(format!("stream {}", event.stream), format!("seq {expected} is missing"));
            }
            *expected = event.seq.next();
        }
        page = backend.read_all(page.next, PAGE).await?;
    }
    let read_through = page.next;
    for (stream, next) in &next {
        // Whatever follows in the stream must have been committed since.
        let tail = backend.read(stream, *next, 1).await?.pop();
        if tail.is_some_and(|event| event.cursor <= read_through) {
            found.find(format!("stream {stream}"), format!("seq {next} is not in the order of the whole store"));
        } else if backend.head(stream).await?.last.next() < *next {
            found.find(format!("stream {stream}"), format!("stands before its last event, {next}"));
        }
    }
    let mut after: Option<StreamName> = None;
    loop {
        let names = backend.streams(after.as_ref(), PAGE).await?;
        let Some(last) = names.last().cloned() else { break };
        after = Some(last);
        found.streams += names.len() as u64;
        for name in names.iter().filter(|name| !next.contains_key(name)) {
            if backend.head(name).await?.last == Seq::UNWRITTEN {
                found.find(format!("stream {name}"), "is listed, and was never written");
            }
        }
    }
    let mut key: Option<Key> = None;
    loop {
        let page = backend.scan("", key.as_ref(), PAGE).await?;
        found.values += page.len() as u64;
        let Some((last, _)) = page.into_iter().next_back() else { return Ok(found) };
        key = Some(last);
    }
}

/// The first sequence number that each truncated stream can still show.
async fn next_seqs<B: Backend + ?Sized>(backend: &B) -> Result<BTreeMap<StreamName, Seq>, Fault> {
    let truncated = backend.truncated().await?;
    Ok(truncated.into_iter().map(|(stream, head)| (stream, head.truncated_through.next())).collect())
}

/// The streams of which something was truncated, found by asking each where it stands.
pub(crate) async fn truncated_by_reading<B: Backend + ?Sized>(backend: &B) -> Result<Vec<(StreamName, Head)>, Fault> {
    let (mut truncated, mut after) = (Vec::new(), None);
    loop {
        let names = backend.streams(after.as_ref(), PAGE).await?;
        let Some(last) = names.last().cloned() else { return Ok(truncated) };
        for name in names {
            let head = backend.head(&name).await?;
            if head.truncated_through > Seq::UNWRITTEN {
                truncated.push((name, head));
            }
        }
        after = Some(last);
    }
}
