//! How changes of peers are recorded: the only place that knows both.
//!
//! Names and shapes are constants of the format. Renaming a Rust type changes nothing here, and a new shape gets a new version,
//! never a changed one.
//!
//! | type | data (JSON), beside `"peer":"library.example","because":{"by":"ann","reason":"they asked"}` |
//! | --- | --- |
//! | `federation.peer_added.v1` | `"url":"https://library.example/","key":"ed25519:..."` |
//! | `federation.peer_trusted.v1` | `"trust":"invited"`, `"allowed"` or `"suspended"` |
//! | `federation.key_pinned.v1` | `"key":"ed25519:..."` |
//! | `federation.peer_moved.v1` | `"url":"https://library.example/"` |
//! | `federation.peer_granted.v1` | `"grants":{"feed":true,"relay":false,"hold":{"seats_max":8,"term_max":600000}}` |
//! | `federation.peer_removed.v1` | nothing |
//! | `federation.remote_asked.v1` and others | see `remote_store.rs` |

use serde::{Deserialize, Serialize};

use super::ledger::{PeerChange, PeerEvent};
use super::name::{PeerKey, PeerName, PeerUrl};
use super::peer::{Because, Grants, Trust};
use crate::persist::{EventType, Fault, NewEvent, Payload, PayloadError, RecordedEvent};
use crate::time::Timestamp;

const ADDED: &str = "federation.peer_added.v1";
const TRUSTED: &str = "federation.peer_trusted.v1";
const PINNED: &str = "federation.key_pinned.v1";
const MOVED: &str = "federation.peer_moved.v1";
const GRANTED: &str = "federation.peer_granted.v1";
const REMOVED: &str = "federation.peer_removed.v1";

#[derive(Serialize, Deserialize)]
struct Data {
    peer: PeerName,
    because: Because,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<PeerUrl>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<PeerKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trust: Option<Trust>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grants: Option<Grants>,
}

/// An event to be recorded. Numbers and texts always have a JSON form.
pub(super) fn recorded(name: &str, at: Timestamp, data: &impl Serialize) -> NewEvent {
    let data = Payload::new(data).unwrap_or_else(|_| Payload::stored("null"));
    NewEvent { event_type: EventType::stored(name), at, data }
}

/// That an event cannot be read.
pub(super) fn corrupt(event: &RecordedEvent, reason: impl AsRef<str>) -> Fault {
    Fault::corrupt(format!("{} of stream {}", event.seq, event.stream), reason)
}

pub(super) fn encode(at: Timestamp, event: &PeerEvent) -> NewEvent {
    let PeerEvent { peer, because, change } = event.clone();
    let mut data = Data { peer, because, url: None, key: None, trust: None, grants: None };
    let name = match change {
        PeerChange::Added { url, key } => {
            (data.url, data.key) = (Some(url), Some(key));
            ADDED
        }
        PeerChange::Trusted { trust } => {
            data.trust = Some(trust);
            TRUSTED
        }
        PeerChange::Pinned { key } => {
            data.key = Some(key);
            PINNED
        }
        PeerChange::Moved { url } => {
            data.url = Some(url);
            MOVED
        }
        PeerChange::Granted { grants } => {
            data.grants = Some(grants);
            GRANTED
        }
        PeerChange::Removed => REMOVED,
    };
    recorded(name, at, &data)
}

pub(super) fn decode(event: &RecordedEvent) -> Result<PeerEvent, Fault> {
    let read = || event.data.read::<Data>().map_err(|error: PayloadError| error.to_string());
    let lacks = |name: &str| format!("has no member {name:?}");
    let decoded = || {
        let Data { peer, because, url, key, trust, grants } = read()?;
        let change = match event.event_type.as_str() {
            ADDED => PeerChange::Added { url: url.ok_or_else(|| lacks("url"))?, key: key.ok_or_else(|| lacks("key"))? },
            TRUSTED => PeerChange::Trusted { trust: trust.ok_or_else(|| lacks("trust"))? },
            PINNED => PeerChange::Pinned { key: key.ok_or_else(|| lacks("key"))? },
            MOVED => PeerChange::Moved { url: url.ok_or_else(|| lacks("url"))? },
            GRANTED => PeerChange::Granted { grants: grants.ok_or_else(|| lacks("grants"))? },
            REMOVED => PeerChange::Removed,
            name => return Err(format!("unknown type {name:?}")),
        };
        Ok(PeerEvent { peer, because, change })
    };
    decoded().map_err(|reason: String| corrupt(event, reason))
}
