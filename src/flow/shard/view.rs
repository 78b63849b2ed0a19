//! How a flow looks from outside.

use super::Shard;
use crate::flow::ask::{Tag, What};
use crate::flow::id::FlowId;
use crate::flow::journal::FlowStatus;
use crate::persist::{Payload, Seq};
use crate::time::Timestamp;

/// How a flow stands, what it waits for, how far it says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowView {
    /// Which one.
    pub id: FlowId,
    /// How it stands.
    pub status: FlowStatus,
    /// Which run it is in, from 1.
    pub run: u32,
    /// Turns of this run so far.
    pub turns: u64,
    /// The version of the code that took the last turn.
    pub version: Option<u32>,
    /// The last event of its journal.
    pub seq: Seq,
    /// When it was first started; the epoch if that is not known.
    pub started_at: Timestamp,
    /// When something was last recorded of it.
    pub latest_at: Timestamp,
    /// What it was started with.
    pub input: Payload,
    /// Whether somebody has asked for its end.
    pub cancel_requested: bool,
    /// What it waits for, in the order in which it asked.
    pub waiting: Vec<AskView>,
    /// How far it says it is.
    pub progress: Option<Payload>,
}

/// Something that a flow waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskView {
    /// Its tag.
    pub tag: Tag,
    /// What it is.
    pub what: What,
    /// Whether it is being carried out now.
    pub in_flight: bool,
}

impl<R> Shard<R> {
    pub(super) fn status(&self, flow: &FlowId) -> FlowStatus {
        self.flows.get(flow).map_or(FlowStatus::Unknown, |slot| slot.live.status())
    }

    pub(super) fn view(&self, flow: &FlowId) -> Option<FlowView> {
        let slot = self.flows.get(flow)?;
        let journal = &slot.live.journal;
        if journal.run() == 0 {
            return None;
        }
        let waiting = slot.live.asks().into_iter().map(|ask| AskView {
            in_flight: slot.in_flight.contains_key(&ask.ordinal),
            tag: ask.tag,
            what: ask.what,
        });
        Some(FlowView {
            id: flow.clone(),
            status: journal.status(),
            run: journal.run(),
            turns: journal.turn_count(),
            version: journal.version(),
            seq: journal.seq(),
            started_at: journal.started_at(),
            latest_at: journal.latest_at(),
            input: journal.input().clone(),
            cancel_requested: journal.cancel_requested(),
            waiting: waiting.collect(),
            progress: slot.live.shown(),
        })
    }
}
