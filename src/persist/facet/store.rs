//! The handle that everything else hangs on, and the catalog of streams.

use std::sync::Arc;

use super::stream::Stream;
use crate::persist::backend::Backend;
use crate::persist::contents::PAGE;
use crate::persist::error::{Fault, StoreError};
use crate::persist::memory::MemoryBackend;
use crate::persist::record::{Seq, StreamName};
use crate::persist::transaction::{CommitOutcome, Committed, Failed, Transaction};

/// A store: streams of events and keys with values, over any [`Backend`]. Cheap to clone.
///
/// ```
/// use boxoffice_core::persist::{Seq, Store, StreamName};
/// use boxoffice_core::time::Timestamp;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let store = Store::memory();
/// let orders = store.stream(&StreamName::new("orders")?);
/// let placed = orders.append("placed", Timestamp::EPOCH, &7).await?;
/// assert_eq!(placed.seq, Seq::FIRST);
/// assert_eq!(store.streams().await?, [StreamName::new("orders")?]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    backend: Arc<dyn Backend>,
}

impl Store {
    /// A store over `backend`. Which one it is is this line, and no other.
    pub fn new(backend: impl Backend) -> Self {
        Self::shared(Arc::new(backend))
    }

    /// A store over a backend that others hold too.
    pub fn shared(backend: Arc<dyn Backend>) -> Self {
        Self { backend }
    }

    /// A new store that lives as long as the process.
    pub fn memory() -> Self {
        Self::new(MemoryBackend::new())
    }

    /// The backend underneath, for whole transactions.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// A handle on one stream, whether it was written yet or not.
    pub fn stream(&self, name: &StreamName) -> Stream {
        Stream::new(self.clone(), name.clone())
    }

    /// Commits a transaction without an idempotency key. A limit is the caller's mistake; a conflict is an answer.
    pub(in crate::persist) async fn commit(
        &self,
        transaction: Transaction,
    ) -> Result<Result<Committed, Vec<Failed>>, StoreError> {
        match self.backend.commit_one(transaction).await? {
            CommitOutcome::Done(committed) => Ok(Ok(committed)),
            CommitOutcome::Conflict(failed) => Ok(Err(failed)),
            CommitOutcome::Refused(limit) => Err(limit.into()),
            outcome @ (CommitOutcome::Already(_) | CommitOutcome::KeyReused) => Err(unexpected(&outcome)),
        }
    }

    /// Commits a transaction without preconditions, which cannot conflict.
    pub(super) async fn write(&self, transaction: Transaction) -> Result<Committed, StoreError> {
        self.commit(transaction).await?.map_err(|failed| unexpected(&failed))
    }

    /// The names of all streams ever written, sorted; those of which everything was truncated too, those that belong
    /// to the store itself not.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn streams(&self) -> Result<Vec<StreamName>, StoreError> {
        let mut names = self.all_streams().await?;
        names.retain(|name| !name.is_reserved());
        Ok(names)
    }

    /// The same, with the streams that belong to the store itself.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn all_streams(&self) -> Result<Vec<StreamName>, StoreError> {
        let mut names: Vec<StreamName> = Vec::new();
        loop {
            let page = self.backend.streams(names.last(), PAGE).await?;
            if page.is_empty() {
                return Ok(names);
            }
            names.extend(page);
        }
    }

    /// How many streams [`Store::streams`] lists.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn stream_count(&self) -> Result<usize, StoreError> {
        Ok(self.streams().await?.len())
    }

    /// Whether [`Store::streams`] lists `name`.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn stream_exists(&self, name: &StreamName) -> Result<bool, StoreError> {
        Ok(!name.is_reserved() && self.backend.head(name).await?.last > Seq::UNWRITTEN)
    }

    /// How many events were ever appended to the streams that [`Store::streams`] lists, truncated ones included.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn total_events(&self) -> Result<u64, StoreError> {
        let mut total = 0;
        for name in self.streams().await? {
            total += self.backend.head(&name).await?.last.get();
        }
        Ok(total)
    }
}

/// An answer that the transaction rules out.
pub(super) fn unexpected(answer: &dyn core::fmt::Debug) -> StoreError {
    let reason = format!("the backend answered {answer:?} against its contract");
    StoreError::Fault(Fault::Unknown { reason: reason.into() })
}
