//! Where a flow stands in the store, beside its journal: one key for each flow that has not ended, by which it is found again.
//!
//! | key | the flow |
//! | --- | --- |
//! | `flow/due/SHARD/INSTANT/FLOW` | is at work, or waits for this instant (milliseconds since 1970, sixteen hexadecimal digits) |
//! | `flow/waiting/SHARD/FLOW` | waits for signals only |
//! | `flow/paused/SHARD/FLOW` | waits to be resumed |
//! | `flow/stuck/SHARD/FLOW` | cannot go on; the value is the version of the code and the reason |
//!
//! `flow/orphan/SHARD/...` has the children of this shard that are still to be cancelled: see `orphan`.
//! `flow/epoch/SHARD` counts the owners that the shard has had. A flow at work keeps the key under which it was due, so that
//! whoever takes the shard over begins with it.

use serde::{Deserialize, Serialize};

use super::orphan;
use crate::flow::ask::{Ask, What};
use crate::flow::event::Parent;
use crate::flow::id::FlowId;
use crate::flow::journal::Journal;
use crate::flow::stuck::Stuck;
use crate::persist::{Backend, Fault, Key, KvWrite, Payload};
use crate::time::Timestamp;

/// Where a flow stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// At work, or waiting for an instant; not before 1970.
    Due(Timestamp),
    /// Waiting for signals only.
    Waiting,
    /// Waiting to be resumed.
    Paused,
    /// Unable to go on.
    Stuck,
}

/// What is kept beside a flow that is stuck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StuckNote {
    /// The version of the code that could not go on; 0 if there was none.
    pub version: u32,
    /// Why.
    pub stuck: Stuck,
}

impl Place {
    /// The place of an instant.
    pub(super) fn due(at: Timestamp) -> Self {
        Self::Due(at.max(Timestamp::EPOCH))
    }

    /// The place of a flow with this journal that waits for `asks`; none before its start and after its end.
    pub(super) fn of(journal: &Journal, asks: &[Ask]) -> Option<Self> {
        if journal.run() == 0 || journal.is_over() {
            return None;
        }
        if journal.stuck().is_some() {
            return Some(Self::Stuck);
        }
        if journal.is_paused() {
            return Some(Self::Paused);
        }
        if asks.iter().any(|ask| matches!(ask.what, What::Request { .. } | What::Child { .. })) {
            return Some(Self::due(journal.at_work_since));
        }
        Some(next_timer(asks).map_or(Self::Waiting, Self::due))
    }

    /// What the keys of this kind of place begin with.
    pub(super) fn prefix(name: &str, shard: u8) -> String {
        format!("flow/{name}/{shard}/")
    }

    /// The kinds of places, as keys name them.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Due(_) => "due",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Stuck => "stuck",
        }
    }

    pub(super) fn key(self, flow: &FlowId) -> Key {
        let prefix = Self::prefix(self.name(), flow.shard());
        Key::stored(&match self {
            Self::Due(at) => format!("{prefix}{:016x}/{flow}", at.as_millis()),
            Self::Waiting | Self::Paused | Self::Stuck => format!("{prefix}{flow}"),
        })
    }

    pub(super) fn put(self, journal: &Journal) -> KvWrite {
        let note = journal.stuck().filter(|_| self == Self::Stuck);
        let note =
            note.and_then(|(version, stuck)| Payload::new(&StuckNote { version: *version, stuck: stuck.clone() }).ok());
        KvWrite::Put(self.key(journal.id()), note.unwrap_or_else(|| Payload::stored("0")))
    }

    pub(super) fn delete(self, flow: &FlowId) -> KvWrite {
        KvWrite::Delete(self.key(flow))
    }
}

/// The first instant that a flow waits for.
pub(super) fn next_timer(asks: &[Ask]) -> Option<Timestamp> {
    let instant = |ask: &Ask| match ask.what {
        What::Timer { at } => Some(at),
        What::Request { .. } | What::Signal { .. } | What::Child { .. } => None,
    };
    asks.iter().filter_map(instant).min()
}

fn corrupt(key: &Key) -> Fault {
    Fault::corrupt(format!("key {key}"), "is no place of a flow")
}

/// The flow and the instant of a key of a due flow.
pub(super) fn read_due(key: &Key) -> Result<(Timestamp, FlowId), Fault> {
    let read = || {
        let rest = key.as_str().strip_prefix("flow/due/")?.split_once('/')?.1;
        let (at, flow) = rest.split_once('/')?;
        Some((Timestamp::from_millis(i64::from_str_radix(at, 16).ok()?), flow.parse().ok()?))
    };
    read().ok_or_else(|| corrupt(key))
}

/// A stretch of the due flows of a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DuePage {
    /// When which flow is to be looked at, in this order.
    pub entries: Vec<(Timestamp, FlowId)>,
    /// Whether there may be more after the last.
    pub more: bool,
    /// With the first page: all children whose parents were cancelled, and who did not know of it yet.
    pub orphans: Vec<(FlowId, Parent)>,
}

/// Reads the due flows of a shard after one of them, in the order of their instants, at most `limit`.
///
/// # Errors
/// [`Fault`] when storage failed or a key is not readable.
pub async fn read_due_page(
    backend: &dyn Backend,
    shard: u8,
    after: Option<&(Timestamp, FlowId)>,
    limit: usize,
) -> Result<DuePage, Fault> {
    // Before the due flows, since that is what they are told first.
    let orphans = if after.is_none() { orphan::read(backend, shard, limit).await? } else { Vec::new() };
    let after = after.map(|(at, flow)| Place::due(*at).key(flow));
    let found = backend.scan(&Place::prefix("due", shard), after.as_ref(), limit).await?;
    let more = found.len() >= limit;
    let entries = found.iter().map(|(key, _)| read_due(key)).collect::<Result<_, _>>()?;
    Ok(DuePage { entries, more, orphans })
}

/// Reads flows that wait for signals, are paused or are stuck, in the order of their ids, at most `limit`; of those that are stuck
/// with the note beside them. For due flows see [`read_due_page`].
///
/// # Errors
/// [`Fault`] when storage failed or a key is not readable.
pub async fn read_places(
    backend: &dyn Backend,
    place: Place,
    shard: u8,
    after: Option<&FlowId>,
    limit: usize,
) -> Result<Vec<(FlowId, Option<StuckNote>)>, Fault> {
    let prefix = Place::prefix(place.name(), shard);
    let after = after.map(|flow| place.key(flow));
    let found = backend.scan(&prefix, after.as_ref(), limit).await?;
    let read = |(key, value): &(Key, Payload)| {
        let flow = key.as_str().strip_prefix(&prefix).and_then(|flow| flow.parse().ok());
        Ok((flow.ok_or_else(|| corrupt(key))?, value.read().ok()))
    };
    found.iter().map(read).collect()
}
