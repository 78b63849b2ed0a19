//! Blobs: images, PDFs, exports. Their bytes live in a content-addressed store of their own and never enter the log,
//! which holds a [`BlobRef`] and nothing else.
//!
//! A blob's name is the hash of its bytes, so that equal blobs are stored once, no name can lead out of the store, and
//! bytes that were damaged are found out when they are read. The names are CIDs of version 1
//! (<https://github.com/multiformats/cid>): codec `raw`, multihash SHA-256, in base32. SHA-256 and not BLAKE3 since it is
//! what other tools make by default (`ipfs add --cid-version 1 --raw-leaves` gives the same name to a small file), the
//! processor has instructions for it, and this crate needs it anyway.
//!
//! Put first, append then: [`BlobStore::put`] answers when the bytes are durable, and only then is there a `BlobRef` that
//! an event can name.

mod cid;
#[cfg(feature = "blobs")]
mod object;

use core::fmt;
use core::ops::Range;
use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::sync::{Mutex, lock};

pub use cid::Cid;
#[cfg(feature = "blobs")]
pub use object::ObjectBlobs;

/// The largest blob that is taken whole, in bytes: 256 MiB.
pub const BLOB_BYTES_MAX: usize = 256 << 20;

/// What the log and the kv store keep of a blob. In JSON `{"cid":"bafkrei...","size":7,"mime":"image/png"}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobRef {
    /// Its name, which is the hash of its bytes.
    pub cid: Cid,
    /// How many bytes it has.
    pub size: u64,
    /// What the bytes are, as the one who stored them said.
    pub mime: String,
}

/// A store of blobs by the hash of their bytes.
///
/// ```
/// use boxoffice_core::persist::{BlobStore, MemoryBlobs};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let blobs = MemoryBlobs::new();
/// let poster = blobs.put(b"PNG".to_vec(), "image/png").await?;
/// assert_eq!(poster, blobs.put(b"PNG".to_vec(), "image/png").await?);
/// assert_eq!(blobs.get(&poster).await?, b"PNG");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
#[async_trait]
pub trait BlobStore: fmt::Debug + Send + Sync + 'static {
    /// Stores `bytes`, unless they are stored already, and answers when they are durable.
    ///
    /// # Errors
    /// [`StoreError::Blob`] when there are more than [`BLOB_BYTES_MAX`] or storage failed.
    async fn put(&self, bytes: Vec<u8>, mime: &str) -> Result<BlobRef, StoreError>;

    /// The bytes of `blob`, whose hash and number were checked.
    ///
    /// # Errors
    /// [`StoreError::Blob`] when there is no such blob, its bytes are damaged or storage failed.
    async fn get(&self, blob: &BlobRef) -> Result<Vec<u8>, StoreError>;

    /// The bytes of `blob` in `[range.start, range.end)`, cut to its size. A part has no hash of its own and is not
    /// checked.
    ///
    /// # Errors
    /// As [`BlobStore::get`].
    async fn get_range(&self, blob: &BlobRef, range: Range<u64>) -> Result<Vec<u8>, StoreError>;

    /// Whether `blob` is stored.
    ///
    /// # Errors
    /// [`StoreError::Blob`] when storage failed.
    async fn has(&self, blob: &BlobRef) -> Result<bool, StoreError>;
}

fn blob_error(cid: &Cid, reason: impl Into<String>) -> StoreError {
    StoreError::Blob { cid: cid.to_string(), reason: reason.into() }
}

/// The reference to `bytes`, if they are not too many.
fn reference(bytes: &[u8], mime: &str) -> Result<BlobRef, StoreError> {
    let blob = BlobRef { cid: Cid::of(bytes), size: bytes.len() as u64, mime: mime.to_owned() };
    if bytes.len() > BLOB_BYTES_MAX {
        return Err(blob_error(&blob.cid, format!("{} bytes are over the limit of {BLOB_BYTES_MAX}", bytes.len())));
    }
    Ok(blob)
}

/// `bytes`, if they are those of `blob`.
fn checked(blob: &BlobRef, bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    if bytes.len() as u64 != blob.size {
        let reason = format!("has {} bytes where the reference says {}", bytes.len(), blob.size);
        return Err(blob_error(&blob.cid, reason));
    }
    if Cid::of(&bytes) != blob.cid {
        return Err(blob_error(&blob.cid, "its bytes are damaged: they have another hash"));
    }
    Ok(bytes)
}

/// Blobs that live as long as the process: for tests.
#[derive(Default)]
pub struct MemoryBlobs {
    bytes: Mutex<BTreeMap<Cid, Vec<u8>>>,
}

impl MemoryBlobs {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn find<T>(&self, blob: &BlobRef, take: impl FnOnce(&[u8]) -> T) -> Result<T, StoreError> {
        let bytes = lock(&self.bytes)?;
        bytes.get(&blob.cid).map(|bytes| take(bytes)).ok_or_else(|| blob_error(&blob.cid, "is not stored"))
    }
}

impl fmt::Debug for MemoryBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBlobs").finish_non_exhaustive()
    }
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn put(&self, bytes: Vec<u8>, mime: &str) -> Result<BlobRef, StoreError> {
        let blob = reference(&bytes, mime)?;
        lock(&self.bytes)?.insert(blob.cid.clone(), bytes);
        Ok(blob)
    }

    async fn get(&self, blob: &BlobRef) -> Result<Vec<u8>, StoreError> {
        checked(blob, self.find(blob, <[u8]>::to_vec)?)
    }

    async fn get_range(&self, blob: &BlobRef, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let place = |at: u64| usize::try_from(at.min(blob.size)).unwrap_or(usize::MAX);
        self.find(blob, |bytes| bytes.get(place(range.start)..place(range.end)).unwrap_or_default().to_vec())
    }

    async fn has(&self, blob: &BlobRef) -> Result<bool, StoreError> {
        Ok(lock(&self.bytes)?.contains_key(&blob.cid))
    }
}
