//! What is said to shards, what they say when they end, and what they share.

use core::fmt;
use std::sync::Arc;

use actix::{ArbiterHandle, Message};
use boxoffice_core::flow::shard::{FlowAnswer, FlowCommand, Performed, ShardLimits, ShardLost};
use boxoffice_core::flow::{ChildEnd, FlowId, Parent, Programs, Stuck};
use boxoffice_core::persist::Payload;
use tokio::sync::{mpsc, oneshot};

use super::performer::Performers;
use super::shards::Shards;
use crate::clock::Clock;
use crate::reply::ReplyTo;
use crate::shared_writer::SharedWriter;
use crate::stats::Counters;

/// What all shards share.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) backend: SharedWriter,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) programs: Arc<Programs>,
    pub(super) performers: Performers,
    /// Where requests are carried out.
    pub(super) performing: ArbiterHandle,
    pub(super) limits: ShardLimits,
    pub(super) waiting_max: usize,
    pub(super) shards: Arc<Shards>,
    pub(super) counters: Arc<Counters>,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("performers", &self.performers).finish_non_exhaustive()
    }
}

/// Tells the supervisor that a shard has ended, however it did: by its `Drop`, which a panic runs too.
#[derive(Debug)]
pub(super) struct Lifeline {
    pub(super) shard: u8,
    pub(super) tell: mpsc::UnboundedSender<ShardEnded>,
    /// None if it panicked.
    pub(super) why: Option<Ending>,
}

/// How a shard came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Lost(ShardLost),
    Drained,
}

/// A shard has ended.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct ShardEnded {
    pub(super) shard: u8,
    pub(super) why: Option<Ending>,
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        if self.tell.send(ShardEnded { shard: self.shard, why: self.why.take() }).is_err() {
            tracing::debug!(shard = self.shard, "nobody watches over this shard any more");
        }
    }
}

/// Say something to a flow.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Ask {
    pub(super) flow: FlowId,
    pub(super) command: FlowCommand,
    pub(super) reply: ReplyTo<FlowAnswer>,
}

/// What another shard has to say.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub(super) enum FromShard {
    StartChild {
        flow: FlowId,
        input: Payload,
        parent: Parent,
    },
    CancelChild {
        flow: FlowId,
        parent: Parent,
    },
    ChildEnded {
        parent: Parent,
        end: ChildEnd,
    },
    /// It was made anew, and may have lost what was said to it.
    Reborn(u8),
}

/// A request was carried out.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Done {
    pub(super) flow: FlowId,
    pub(super) run: u32,
    pub(super) ordinal: u32,
    pub(super) result: Result<Performed, Stuck>,
}

/// Take no more, write what is to be written, and end.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Drain(pub(super) oneshot::Sender<()>);
