//! What can go wrong below the rules: bad names, bad payloads, failing storage.

use std::path::PathBuf;
use std::sync::Arc;

use super::record::{Seq, StreamName};
use super::transaction::Limit;
use crate::id::IdError;

/// Why a text is not the name of a stream, an event type, a key or an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text is empty, too long or holds a control character.
    #[error(transparent)]
    Text(#[from] IdError),
    /// Stream names that start with `$` belong to the store itself.
    #[error("stream name {name:?} starts with '$', which is reserved for the store")]
    Reserved {
        /// The name found.
        name: String,
    },
}

/// Why a value is not a payload, or a payload not the value that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("payload is not {wanted}: {reason}")]
pub struct PayloadError {
    pub(crate) wanted: &'static str,
    pub(crate) reason: String,
}

/// Infrastructure failed: the caller learnt nothing about the domain.
///
/// Cloned to every caller whose transaction shared the failing commit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// Nothing was written and a later try may succeed.
    #[error("store is unavailable: {reason}")]
    Unavailable {
        /// What the storage said.
        reason: Arc<str>,
    },
    /// The answer was lost: the transaction may or may not have been committed. Retry with the same
    /// [`IdempotencyKey`](super::IdempotencyKey), or read the stream.
    #[error("fate of the transaction is unknown: {reason}")]
    Unknown {
        /// What the storage said.
        reason: Arc<str>,
    },
    /// Storage failed during a write or a sync. Every later call says the same until the store is reopened, since
    /// what reached the disk is unknown: a failed sync must never be retried ("Can Applications Recover from fsync
    /// Failures?", Rebello et al., USENIX ATC 2020). What was acknowledged before is safe.
    #[error("store is poisoned until it is reopened: {reason}")]
    Poisoned {
        /// What the storage said first.
        reason: Arc<str>,
    },
    /// A stored record is damaged.
    #[error("stored record {place} is corrupt: {reason}")]
    Corrupt {
        /// Which record, as a readable key.
        place: Arc<str>,
        /// What is wrong with it.
        reason: Arc<str>,
    },
}

impl Fault {
    /// That what is stored at `place` cannot be read, and why.
    pub fn corrupt(place: impl AsRef<str>, reason: impl AsRef<str>) -> Self {
        Self::Corrupt { place: place.as_ref().into(), reason: reason.as_ref().into() }
    }
}

/// Why a facet of the store did not do what it was asked. A conflict is not among these: that is an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Storage failed.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// What was to be written breaks a limit of the store. Nothing was written.
    #[error("refused: {0}")]
    Refused(#[from] Limit),
    /// A value has no JSON form, or what is stored is not the value that was asked for.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// A name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Events that a projection has not folded yet were truncated: folding what is left would give a wrong value.
    #[error("stream {stream} was truncated through seq {truncated_through}, and seq {next} was not folded yet")]
    Truncated {
        /// The stream.
        stream: StreamName,
        /// The first event that was needed.
        next: Seq,
        /// The last event that is gone.
        truncated_through: Seq,
    },
    /// An event could not be lifted to its current shape, or be read as what it should be.
    #[error("event {seq} of stream {stream} is not readable: {reason}")]
    Event {
        /// The stream.
        stream: StreamName,
        /// Its place.
        seq: Seq,
        /// What is wrong.
        reason: PayloadError,
    },
    /// Personal fields could not be sealed or a key not be had.
    #[error("vault: {reason}")]
    Vault {
        /// What went wrong; names no subject.
        reason: String,
    },
    /// A blob could not be stored, found or verified.
    #[error("blob {cid}: {reason}")]
    Blob {
        /// Which one.
        cid: String,
        /// What went wrong.
        reason: String,
    },
}

/// Why a store directory could not be opened. The directory is as it was, or not created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The text names no kind of store.
    #[error("{location:?} is no store: write sled:DIR, fjall:DIR or memory:")]
    Location {
        /// The text found.
        location: String,
    },
    /// This build does not have the engine.
    #[error("this build has no {engine}: switch on the cargo feature of that name")]
    NotBuiltIn {
        /// The engine, by its feature.
        engine: String,
    },
    /// There is no store at the path.
    #[error("no store at {}", path.display())]
    Missing {
        /// The path given.
        path: PathBuf,
    },
    /// The path is a file, or a directory with other things in it.
    #[error("{} is not the store asked for: {reason}", path.display())]
    NotAStore {
        /// The path given.
        path: PathBuf,
        /// What was found there.
        reason: String,
    },
    /// Another process has the store open.
    #[error("store {} is open in another process", path.display())]
    Locked {
        /// The path given.
        path: PathBuf,
    },
    /// The store was written by a version with another layout.
    #[error("store {} has layout {found}, this version reads layout {wanted}", path.display())]
    Layout {
        /// The path given.
        path: PathBuf,
        /// The layout found.
        found: String,
        /// The layout this version reads and writes.
        wanted: u32,
    },
    /// The operating system or the storage engine refused.
    #[error("cannot open store {}: {reason}", path.display())]
    Engine {
        /// The path given.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
}
