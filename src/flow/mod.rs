//! Functions that outlive the process, by deterministic replay.
mod ask;
mod combine;
mod cx;
mod event;
mod id;
mod journal;
mod live;
mod program;
mod retry;
mod rollback;
pub mod shard;
mod slots;
mod stuck;
mod task;
#[cfg(test)]
mod tests;
pub mod wire;

pub use ask::{Ask, AskName, ChildEnd, Fingerprint, TAG_LENGTH_MAX, Tag, What};
pub use combine::{Either, join, join_all, select, select_all};
pub use cx::{Asked, FlowCx, FlowError};
pub use event::{FlowEvent, Parent};
pub use id::{FlowId, FlowKind, SHARDS};
pub use journal::{FlowStatus, Journal};
pub use program::{Mode, Program, Programs};
pub use retry::{Jitter, RetryPolicy, RetryPolicyError};
pub use rollback::Rollback;
pub use stuck::Stuck;
pub use task::PAYLOAD_BYTES_MAX;
