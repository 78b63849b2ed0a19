//! Holds at peers in a store.
//!
//! | type, in stream `remote:PEER/HOLD` | data (JSON) |
//! | --- | --- |
//! | `federation.remote_asked.v1` | `{"wanted":{...}}`, as in a message |
//! | `federation.remote_confirm_asked.v1`, `federation.remote_release_asked.v1` | `null` |
//! | `federation.remote_answered.v1` | `{"verb":"hold","outcome":{"held":{"until_in_ms":600000}},"sent_at":0}` |
//!
//! `federation/open/PEER/HOLD` is a key as long as something about the hold is open.

use serde::{Deserialize, Serialize};

use super::message::{PeerOutcome, Verb, Wanted};
use super::name::{HoldId, PeerName};
use super::remote::{RemoteEvent, RemoteHold};
use super::stream::{each, not_taken};
use super::wire::{corrupt, recorded};
use crate::persist::{
    Backend, CommitOutcome, Expect, Fault, Key, KvWrite, NewEvent, Payload, RecordedEvent, Seq, StreamName, Transaction,
};
use crate::time::Timestamp;

const ASKED: &str = "federation.remote_asked.v1";
const CONFIRM_ASKED: &str = "federation.remote_confirm_asked.v1";
const RELEASE_ASKED: &str = "federation.remote_release_asked.v1";
const ANSWERED: &str = "federation.remote_answered.v1";
const OPEN: &str = "federation/open/";
/// Keys read at a time.
const PAGE: usize = 1_024;

#[derive(Serialize, Deserialize)]
struct AskedData {
    wanted: Wanted,
}

#[derive(Serialize, Deserialize)]
struct AnsweredData {
    verb: Verb,
    outcome: PeerOutcome,
    sent_at: Timestamp,
}

fn encode(at: Timestamp, event: &RemoteEvent) -> NewEvent {
    match event.clone() {
        RemoteEvent::Asked { wanted } => recorded(ASKED, at, &AskedData { wanted }),
        RemoteEvent::ConfirmAsked => recorded(CONFIRM_ASKED, at, &()),
        RemoteEvent::ReleaseAsked => recorded(RELEASE_ASKED, at, &()),
        RemoteEvent::Answered { verb, outcome, sent_at } => {
            recorded(ANSWERED, at, &AnsweredData { verb, outcome, sent_at })
        }
    }
}

fn decode(event: &RecordedEvent) -> Result<RemoteEvent, Fault> {
    let read = match event.event_type.as_str() {
        ASKED => event.data.read().map(|AskedData { wanted }| RemoteEvent::Asked { wanted }),
        CONFIRM_ASKED => Ok(RemoteEvent::ConfirmAsked),
        RELEASE_ASKED => Ok(RemoteEvent::ReleaseAsked),
        ANSWERED => event.data.read().map(|AnsweredData { verb, outcome, sent_at }| RemoteEvent::Answered {
            verb,
            outcome,
            sent_at,
        }),
        name => return Err(corrupt(event, format!("unknown type {name:?}"))),
    };
    read.map_err(|error| corrupt(event, error.to_string()))
}

/// The stream in which a hold at a peer is recorded: `remote:PEER/HOLD`.
pub fn remote_stream(peer: &PeerName, hold: &HoldId) -> StreamName {
    StreamName::stored(&format!("remote:{peer}/{hold}"))
}

fn open_key(peer: &PeerName, hold: &HoldId) -> Key {
    Key::stored(&format!("{OPEN}{peer}/{hold}"))
}

/// A hold at a peer as it is recorded; none if it was never asked for.
///
/// # Errors
/// [`Fault`] when storage failed or an event cannot be read.
pub async fn load_remote(backend: &dyn Backend, peer: &PeerName, hold: &HoldId) -> Result<Option<RemoteHold>, Fault> {
    let mut found: Option<RemoteHold> = None;
    each(backend, &remote_stream(peer, hold), Seq::UNWRITTEN, |event| {
        let decoded = decode(event)?;
        match (&mut found, decoded) {
            (None, RemoteEvent::Asked { wanted }) => {
                found = Some(RemoteHold::new(peer.clone(), hold.clone(), wanted));
            }
            (None, _) => return Err(corrupt(event, "is about a hold that was never asked for")),
            (Some(found), decoded) => found.evolve(&decoded),
        }
        if let Some(found) = &mut found {
            (found.seq, found.latest_at) = (event.seq, event.at);
        }
        Ok(())
    })
    .await?;
    Ok(found)
}

/// Records what happened to a hold, if its stream stands where `hold` saw it. None when somebody was quicker: load it again.
///
/// # Errors
/// [`Fault`] when storage failed, or takes no events of this size.
pub async fn record_remote(
    backend: &dyn Backend,
    hold: &RemoteHold,
    event: &RemoteEvent,
    now: Timestamp,
) -> Result<Option<RemoteHold>, Fault> {
    let mut after = hold.clone();
    after.evolve(event);
    (after.seq, after.latest_at) = (hold.seq.next(), now.max(hold.latest_at));
    let (stream, key) = (remote_stream(&hold.peer, &hold.hold), open_key(&hold.peer, &hold.hold));
    let write = if after.stage.is_open() { KvWrite::Put(key, Payload::stored("true")) } else { KvWrite::Delete(key) };
    let append = Transaction::append(&stream, Expect::At(hold.seq), vec![encode(after.latest_at, event)]).write(write);
    match backend.commit_one(append).await? {
        CommitOutcome::Done(_) | CommitOutcome::Already(_) => Ok(Some(after)),
        CommitOutcome::Conflict(_) => Ok(None),
        refused @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused) => Err(not_taken(&refused)),
    }
}

/// The holds at peers of which something is still open, by peer and name.
///
/// # Errors
/// As [`load_remote`].
pub async fn open_remote(backend: &dyn Backend) -> Result<Vec<RemoteHold>, Fault> {
    let (mut found, mut after): (Vec<RemoteHold>, Option<Key>) = (Vec::new(), None);
    loop {
        let page = backend.scan(OPEN, after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after = Some(last.clone());
        for (key, _) in &page {
            let named = key.as_str().strip_prefix(OPEN).and_then(|name| name.split_once('/'));
            let named = named.and_then(|(peer, hold)| Some((peer.parse().ok()?, hold.parse().ok()?)));
            let Some((peer, hold)) = named else { return Err(Fault::corrupt(key.as_str(), "names no hold")) };
            found.extend(load_remote(backend, &peer, &hold).await?);
        }
    }
}
