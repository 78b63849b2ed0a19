//! State saved as of a sequence number, so that a stream need not be folded from its first event.
//!
//! Kept in the kv store as a manifest and parts, since one value is limited to a few kilobytes and the state of a
//! full house is not. All of it is written in one transaction.

use serde::{Deserialize, Serialize};

use super::backend::Backend;
use super::error::Fault;
use super::record::{Key, Payload, Seq, StreamName};
use super::transaction::{CommitOutcome, KvWrite, Transaction};

/// A saved state: a header and a list of items, as of a sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last event folded into it.
    pub seq: Seq,
    /// What there is once.
    pub header: Payload,
    /// What there is many times, in order.
    pub items: Vec<Payload>,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    seq: Seq,
    parts: usize,
    header: Box<serde_json::value::RawValue>,
}

fn manifest_key(stream: &StreamName) -> Key {
    Key::stored(&format!("snapshot/{stream}"))
}

fn part_key(stream: &StreamName, part: usize) -> Key {
    Key::stored(&format!("snapshot/{stream}/{part}"))
}

/// Saves `snapshot` of `stream` in place of an earlier one. Says whether the store took it: a single item over the
/// store's limits is refused, and the stream is then folded from its events, as before.
///
/// # Errors
/// [`Fault`] when storage failed.
pub async fn save_snapshot(backend: &dyn Backend, stream: &StreamName, snapshot: &Snapshot) -> Result<bool, Fault> {
    let room = backend.limits().value_bytes_max.saturating_sub(stream.as_str().len() + 64);
    let parts = pack(snapshot.seq, &snapshot.items, room);
    let header = Payload::stored(&format!(
        r#"{{"seq":{},"parts":{},"header":{}}}"#,
        snapshot.seq,
        parts.len(),
        snapshot.header.json()
    ));
    let earlier = manifest(backend, stream).await?.map_or(0, |manifest| manifest.parts);
    let mut transaction = Transaction::new().write(KvWrite::Put(manifest_key(stream), header));
    for stale in parts.len()..earlier {
        transaction = transaction.write(KvWrite::Delete(part_key(stream, stale)));
    }
    for (place, part) in parts.into_iter().enumerate() {
        transaction = transaction.write(KvWrite::Put(part_key(stream, place), part));
    }
    match backend.commit_one(transaction).await? {
        CommitOutcome::Done(_) | CommitOutcome::Already(_) => Ok(true),
        CommitOutcome::Refused(_) | CommitOutcome::KeyReused | CommitOutcome::Conflict(_) => Ok(false),
    }
}

/// The saved state of `stream`. None when there is none, or when it cannot be read: the events are the truth, and
/// folding them all gives the same state.
///
/// # Errors
/// [`Fault`] when storage failed.
pub async fn load_snapshot(backend: &dyn Backend, stream: &StreamName) -> Result<Option<Snapshot>, Fault> {
    let Some(manifest) = manifest(backend, stream).await? else {
        return Ok(None);
    };
    let mut items = Vec::new();
    for place in 0..manifest.parts {
        let part = backend.get(&part_key(stream, place)).await?;
        let read = part.and_then(|part| part.read::<(Seq, Vec<Box<serde_json::value::RawValue>>)>().ok());
        match read {
            // A part of another sequence number: the snapshot was replaced between two of these reads.
            Some((seq, part)) if seq == manifest.seq => {
                items.extend(part.iter().map(|item| Payload::stored(item.get())));
            }
            Some(_) | None => {
                tracing::warn!(%stream, place, "snapshot part is missing, stale or unreadable: folding all events");
                return Ok(None);
            }
        }
    }
    let header = Payload::stored(manifest.header.get());
    Ok(Some(Snapshot { seq: manifest.seq, header, items }))
}

async fn manifest(backend: &dyn Backend, stream: &StreamName) -> Result<Option<Manifest>, Fault> {
    let found = backend.get(&manifest_key(stream)).await?;
    Ok(found.and_then(|payload| payload.read().ok()))
}

/// Parts `[seq,[item,...]]` of at most `room` bytes each, as long as every item fits alone.
fn pack(seq: Seq, items: &[Payload], room: usize) -> Vec<Payload> {
    let mut parts = Vec::new();
    let mut part = String::new();
    for item in items {
        if !part.is_empty() && part.len() + item.json().len() + 3 > room {
            parts.push(Payload::stored(&format!("{part}]]")));
            part.clear();
        }
        if part.is_empty() {
            part = format!("[{seq},[");
        } else {
            part.push(',');
        }
        part.push_str(item.json());
    }
    if !part.is_empty() {
        parts.push(Payload::stored(&format!("{part}]]")));
    }
    parts
}
