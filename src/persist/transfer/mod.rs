//! Moving stores: a copy into another backend, a backup into a file and back, events as JSON lines.
//!
//! All of it works on a store in use. A transfer shows one single moment: events up to a cursor, and every key and
//! idempotency key as of that same cursor. Sequence numbers and cursors stay what they are, so that consumers, snapshots
//! and retries go on in the new store as if nothing had happened.

mod copy;
mod dump;
mod lines;

use std::sync::Arc;

use super::backend::{Backend, Head};
use super::contents::{Cut, Item, PAGE};
use super::error::{Fault, StoreError};
use super::record::{Cursor, Key, Seq, StreamName};
use super::transaction::Limit;

pub use copy::{Copied, copy};
pub use dump::{Dumped, backup, restore};
pub use lines::{Imported, export_events, import_events};

/// Why a transfer did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target holds something. A transfer never mixes two stores.
    #[error("the target is not empty: it holds {found}")]
    NotEmpty {
        /// What was found there first.
        found: String,
    },
    /// Something was truncated in the source meanwhile, so that no single moment can be shown. Try again.
    #[error("stream {stream} was truncated during the transfer: try again")]
    Truncated {
        /// The stream.
        stream: StreamName,
    },
    /// The target does not take something that the source holds.
    #[error("{place}: {limit}")]
    Limit {
        /// What it is.
        place: String,
        /// Which limit it breaks.
        limit: Limit,
    },
    /// The two stores differ after the transfer.
    #[error("{place} differs between the two stores")]
    Differs {
        /// Where.
        place: String,
    },
    /// A file is not what it should be.
    #[error("line {line}: {reason}")]
    Line {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// Reading or writing a file failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl From<Fault> for TransferError {
    fn from(fault: Fault) -> Self {
        Self::Store(fault.into())
    }
}

/// Everything that a store holds, at one moment, in pages.
struct Export {
    backend: Arc<dyn Backend>,
    truncated: Vec<(StreamName, Head)>,
    cut: Cut,
    stage: Stage,
}

enum Stage {
    Truncated,
    Events(Cursor),
    Keys,
    End,
}

impl Export {
    async fn begin(backend: &Arc<dyn Backend>) -> Result<Self, Fault> {
        let truncated = backend.truncated().await?;
        let cut = backend.cut().await?;
        Ok(Self { backend: Arc::clone(backend), truncated, cut, stage: Stage::Truncated })
    }

    /// The next items, in an order in which they can be imported; none at the end.
    async fn next(&mut self) -> Result<Option<Vec<Item>>, TransferError> {
        match self.stage {
            Stage::Truncated => {
                self.stage = Stage::Events(Cursor::START);
                let items = self.truncated.iter().map(|(stream, head)| Item::Truncated(stream.clone(), *head));
                Ok(Some(items.collect()))
            }
            Stage::Events(after) => {
                let page = self.backend.read_all(after, PAGE).await?;
                let through = self.cut.through;
                // A short page is no end: a damaged record may follow, and must be met.
                let ends = page.events.last().is_none_or(|last| last.cursor >= through);
                let events = page.events.into_iter().filter(|event| event.cursor <= through).map(Item::Event);
                let items: Vec<Item> = events.collect();
                self.stage = if ends { Stage::Keys } else { Stage::Events(page.next) };
                Ok(Some(items))
            }
            Stage::Keys => {
                self.stage = Stage::End;
                let values = self.cut.values.iter().map(|(key, value)| Item::Value(key.clone(), value.clone()));
                let kept = self.cut.remembered.iter();
                let kept = kept.map(|(key, remembered)| Item::Remembered(key.clone(), remembered.clone()));
                Ok(Some(values.chain(kept).chain([Item::Next(self.cut.next)]).collect()))
            }
            Stage::End => {
                unchanged(&self.truncated, &self.backend.truncated().await?)?;
                Ok(None)
            }
        }
    }
}

/// That nothing was truncated between two looks.
fn unchanged(before: &[(StreamName, Head)], after: &[(StreamName, Head)]) -> Result<(), TransferError> {
    let known = |stream: &StreamName| before.iter().find(|(name, _)| name == stream).map(|(_, head)| *head);
    for (stream, head) in after {
        let through = known(stream).map_or(Seq::UNWRITTEN, |head| head.truncated_through);
        if head.truncated_through != through {
            return Err(TransferError::Truncated { stream: stream.clone() });
        }
    }
    Ok(())
}

/// That `backend` holds nothing.
async fn empty(backend: &dyn Backend) -> Result<(), TransferError> {
    if let Some(stream) = backend.streams(None, 1).await?.pop() {
        return Err(TransferError::NotEmpty { found: format!("stream {stream}") });
    }
    if let Some((key, _)) = backend.scan("", None, 1).await?.pop() {
        return Err(TransferError::NotEmpty { found: format!("key {key}") });
    }
    if let Some((key, _)) = backend.cut().await?.remembered.pop() {
        return Err(TransferError::NotEmpty { found: format!("idempotency key {key}") });
    }
    Ok(())
}

/// Writes items, unless one of them is more than `backend` takes.
async fn import(backend: &dyn Backend, items: Vec<Item>) -> Result<(), TransferError> {
    if items.is_empty() {
        return Ok(());
    }
    let limits = backend.limits();
    for item in &items {
        let (place, broken) = match item {
            Item::Event(event) => {
                let broken = limits.broken_by_event(&event.stream, &event.event_type, &event.data);
                (format!("event {} of stream {}", event.seq, event.stream), broken)
            }
            Item::Value(key, value) => (key_place(key), limits.broken_by_value(key, value)),
            Item::Deleted(_) | Item::Remembered(..) | Item::Truncated(..) | Item::Next(_) => continue,
        };
        if let Some(limit) = broken {
            return Err(TransferError::Limit { place, limit });
        }
    }
    let mut items = items.into_iter();
    loop {
        let page: Vec<Item> = items.by_ref().take(PAGE).collect();
        if page.is_empty() {
            return Ok(());
        }
        backend.import(page).await?;
    }
}

fn key_place(key: &Key) -> String {
    format!("key {key}")
}
