//! The store of a running box office, for the host's own streams and keys.

use std::sync::Arc;

use actix::Addr;
use async_trait::async_trait;
use boxoffice_core::persist::{
    Backend, CommitOutcome, Committed, Cursor, Cut, Durability, Fault, Head, IdempotencyKey, Item, Key, Limits, Page,
    Payload, RecordedEvent, Seq, Stats, Store, StreamName, Transaction, Verification,
};
use futures_util::future::join_all;

use crate::house::Surroundings;
use crate::office::BoxOffice;
use crate::store::{Commit, StoreActor};
use crate::system::Reader;

/// A backend whose writes go through the box office's one writer, where they share its syncs, and whose reads run on its
/// reading thread. So it may be used from any thread and any runtime, and blocks none of them.
///
/// Ends with the box office: later calls are answered [`Fault::Unavailable`].
#[derive(Clone, Debug)]
pub struct SharedWriter {
    backend: Arc<dyn Backend>,
    store: Addr<StoreActor>,
    reader: Reader,
}

impl SharedWriter {
    pub(crate) fn new(backend: Arc<dyn Backend>, store: Addr<StoreActor>, reader: Reader) -> Self {
        Self { backend, store, reader }
    }

    /// The backend itself, for short reads on a thread that may block.
    pub(crate) fn reading_here(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    /// Runs `read` with the backend on the reading thread.
    pub(crate) async fn on_reader<T, F>(&self, read: impl FnOnce(Arc<dyn Backend>) -> F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        self.reader.run(read(Arc::clone(&self.backend))).await
    }
}

#[async_trait]
impl Backend for SharedWriter {
    fn limits(&self) -> Limits {
        self.backend.limits()
    }

    fn durability(&self) -> Durability {
        self.backend.durability()
    }

    fn stats(&self) -> Stats {
        self.backend.stats()
    }

    async fn commit(&self, transactions: Vec<Transaction>) -> Result<Vec<CommitOutcome>, Fault> {
        if !self.store.connected() {
            return Err(Fault::Unavailable { reason: "the box office is shut down".into() });
        }
        // All are in the mailbox, in their order, before the first is waited for.
        let asked: Vec<_> = transactions.into_iter().map(|one| self.store.send(Commit(one))).collect();
        // What was taken before the end may have been written.
        let ended = |_| Fault::Unknown { reason: "the box office was shut down meanwhile".into() };
        join_all(asked).await.into_iter().map(|answer| answer.map_err(ended)?).collect()
    }

    async fn head(&self, stream: &StreamName) -> Result<Head, Fault> {
        let stream = stream.clone();
        self.on_reader(|backend| async move { backend.head(&stream).await }).await
    }

    async fn read(&self, stream: &StreamName, from: Seq, limit: usize) -> Result<Vec<RecordedEvent>, Fault> {
        let stream = stream.clone();
        self.on_reader(|backend| async move { backend.read(&stream, from, limit).await }).await
    }

    async fn read_all(&self, after: Cursor, limit: usize) -> Result<Page, Fault> {
        self.on_reader(|backend| async move { backend.read_all(after, limit).await }).await
    }

    async fn streams(&self, after: Option<&StreamName>, limit: usize) -> Result<Vec<StreamName>, Fault> {
        let after = after.cloned();
        self.on_reader(|backend| async move { backend.streams(after.as_ref(), limit).await }).await
    }

    async fn recall(&self, key: &IdempotencyKey) -> Result<Option<Committed>, Fault> {
        let key = key.clone();
        self.on_reader(|backend| async move { backend.recall(&key).await }).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Payload>, Fault> {
        let key = key.clone();
        self.on_reader(|backend| async move { backend.get(&key).await }).await
    }

    async fn scan(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Payload)>, Fault> {
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.on_reader(|backend| async move { backend.scan(&prefix, after.as_ref(), limit).await }).await
    }

    async fn truncate(&self, stream: &StreamName, through: Seq) -> Result<(), Fault> {
        let stream = stream.clone();
        self.on_reader(|backend| async move { backend.truncate(&stream, through).await }).await
    }

    async fn verify(&self) -> Result<Verification, Fault> {
        self.on_reader(|backend| async move { backend.verify().await }).await
    }

    async fn truncated(&self) -> Result<Vec<(StreamName, Head)>, Fault> {
        self.on_reader(|backend| async move { backend.truncated().await }).await
    }

    async fn cut(&self) -> Result<Cut, Fault> {
        self.on_reader(|backend| async move { backend.cut().await }).await
    }

    async fn import(&self, items: Vec<Item>) -> Result<(), Fault> {
        self.on_reader(|backend| async move { backend.import(items).await }).await
    }
}

impl BoxOffice {
    /// The store, for the host's own streams and keys and for looking at those of the box office. Writes share the syncs
    /// of the bookings; see [`SharedWriter`].
    pub fn store(&self) -> Store {
        Store::new(self.shared_writer())
    }

    /// The backend behind [`BoxOffice::store`].
    pub fn shared_writer(&self) -> SharedWriter {
        let Surroundings { backend, store, reader, .. } = &self.inner.house;
        SharedWriter::new(Arc::clone(backend), store.clone(), reader.clone())
    }
}
