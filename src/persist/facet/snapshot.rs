//! A projection saved as of a sequence number, so that a stream need not be folded from its first event.
//!
//! Kept in the kv store. A small value stands in one key; a larger one in parts, since one value is limited to a few
//! kilobytes and the ledger of a full house is not. All of it is written in one transaction.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::project::Projected;
use super::store::unexpected;
use crate::persist::backend::Backend;
use crate::persist::error::{Fault, StoreError};
use crate::persist::record::{Key, Payload, Seq};
use crate::persist::transaction::{CommitOutcome, KeyExpect, KvWrite, Transaction};

/// What `snapshot/NAME` holds: the value itself, or how many parts of its JSON text
/// `snapshot-part/NAME/0`, ... hold.
#[derive(Serialize, Deserialize)]
struct Manifest {
    seq: Seq,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Box<RawValue>>,
    #[serde(default)]
    parts: usize,
}

/// The key of the snapshot `name`.
pub(super) fn snapshot_key(name: &str) -> Result<Key, StoreError> {
    // Room for the number of a part.
    Key::new(format!("snapshot-part/{name}/999999"))?;
    Ok(Key::new(format!("snapshot/{name}"))?)
}

fn part_key(name: &str, part: usize) -> Key {
    Key::stored(&format!("snapshot-part/{name}/{part}"))
}

/// Saves `state` as the snapshot `name`, in place of an earlier one. One that has folded further is left as it is.
///
/// # Errors
/// [`StoreError`] when storage failed, or the value has no JSON form or more parts than a transaction takes.
pub async fn save_snapshot<T: Serialize>(
    backend: &dyn Backend,
    name: &str,
    state: &Projected<T>,
) -> Result<(), StoreError> {
    let key = snapshot_key(name)?;
    let value = Payload::new(&state.value)?;
    let room = backend.limits().value_bytes_max.saturating_sub(key.as_str().len() + 64);
    let parts = if value.json().len() <= room { Vec::new() } else { split(state.seq, value.json(), room) };
    let inline = parts.is_empty().then(|| RawValue::from_string(value.json().to_owned())).transpose();
    let inline = inline.map_err(|error| Fault::corrupt(key.as_str(), error.to_string()))?;
    let manifest = Payload::new(&Manifest { seq: state.seq, value: inline, parts: parts.len() })?;

    loop {
        let found = backend.get(&key).await?;
        let earlier: Option<Manifest> = found.as_ref().and_then(|payload| payload.read().ok());
        if earlier.as_ref().is_some_and(|earlier| earlier.seq > state.seq) {
            // Somebody has folded further meanwhile, and may have truncated what this state lacks.
            return Ok(());
        }
        let expect = found.map_or(KeyExpect::Absent, KeyExpect::Equals);
        let put = KvWrite::Put(key.clone(), manifest.clone());
        let mut transaction = Transaction::new().expect_key(key.clone(), expect).write(put);
        for stale in parts.len()..earlier.map_or(0, |earlier| earlier.parts) {
            transaction = transaction.write(KvWrite::Delete(part_key(name, stale)));
        }
        for (place, part) in parts.iter().enumerate() {
            transaction = transaction.write(KvWrite::Put(part_key(name, place), part.clone()));
        }
        match backend.commit_one(transaction).await? {
            CommitOutcome::Done(_) => return Ok(()),
            CommitOutcome::Conflict(_) => {}
            CommitOutcome::Refused(limit) => return Err(limit.into()),
            outcome @ (CommitOutcome::Already(_) | CommitOutcome::KeyReused) => return Err(unexpected(&outcome)),
        }
    }
}

/// The snapshot `name`. None when there is none, or when it cannot be read as a `T`: the events are the truth, and
/// folding them all gives the same state.
///
/// # Errors
/// [`Fault`] when storage failed.
pub async fn load_snapshot<T: DeserializeOwned>(
    backend: &dyn Backend,
    name: &str,
) -> Result<Option<Projected<T>>, Fault> {
    let Ok(key) = snapshot_key(name) else { return Ok(None) };
    let mut found = manifest_of(backend, &key).await?;
    while let Some(manifest) = found {
        let json = match &manifest.value {
            Some(value) => Some(value.get().to_owned()),
            None => joined(backend, name, &manifest).await?,
        };
        if let Some(value) = json.and_then(|json| serde_json::from_str(&json).ok()) {
            return Ok(Some(Projected { value, seq: manifest.seq }));
        }
        // Somebody may have replaced it between two of these reads.
        found = manifest_of(backend, &key).await?.filter(|again| again.seq != manifest.seq);
        if found.is_none() {
            tracing::warn!(name, "snapshot is unreadable: folding all events");
        }
    }
    Ok(None)
}

/// The last event in the snapshot `name`; [`Seq::UNWRITTEN`] when there is none.
pub(super) async fn snapshot_seq(backend: &dyn Backend, name: &str) -> Result<Seq, StoreError> {
    Ok(manifest_of(backend, &snapshot_key(name)?).await?.map(|manifest| manifest.seq).unwrap_or_default())
}

async fn manifest_of(backend: &dyn Backend, key: &Key) -> Result<Option<Manifest>, Fault> {
    Ok(backend.get(key).await?.and_then(|payload| payload.read().ok()))
}

/// The JSON text in the parts; none when one is missing or of another sequence number, because the snapshot was
/// replaced between two of these reads.
async fn joined(backend: &dyn Backend, name: &str, manifest: &Manifest) -> Result<Option<String>, Fault> {
    let mut json = String::new();
    for place in 0..manifest.parts {
        let part = backend.get(&part_key(name, place)).await?;
        match part.and_then(|part| part.read::<(Seq, String)>().ok()) {
            Some((seq, text)) if seq == manifest.seq => json.push_str(&text),
            Some(_) | None => return Ok(None),
        }
    }
    Ok(Some(json))
}

/// Parts `[seq,"text"]` of at most `room` bytes each.
fn split(seq: Seq, json: &str, room: usize) -> Vec<Payload> {
    let (mut parts, mut part, mut size) = (Vec::new(), String::new(), 0);
    let mut close = |part: &mut String| {
        parts.extend(Payload::new(&(seq, &*part)));
        part.clear();
    };
    for character in json.chars() {
        // Within JSON text that is put into a string again, only these two grow, and to two bytes.
        let bytes = if matches!(character, '"' | '\\') { 2 } else { character.len_utf8() };
        if size + bytes > room {
            close(&mut part);
            size = 0;
        }
        part.push(character);
        size += bytes;
    }
    close(&mut part);
    parts
}
