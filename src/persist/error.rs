//! What can go wrong below the rules: bad names, bad payloads, failing storage.

use std::path::PathBuf;
use std::sync::Arc;

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
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
    pub(crate) fn corrupt(place: impl AsRef<str>, reason: impl AsRef<str>) -> Self {
        Self::Corrupt { place: place.as_ref().into(), reason: reason.as_ref().into() }
    }
}

/// Why a store directory could not be opened. The directory is as it was, or not created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no store at the path.
    #[error("no store at {}", path.display())]
    Missing {
        /// The path given.
        path: PathBuf,
    },
    /// The path is a file, or a directory with other things in it.
    #[error("{} is not a boxoffice store: {reason}", path.display())]
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
