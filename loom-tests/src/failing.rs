//! A store that fails.

use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_core::persist::{
    Backend, CommitOutcome, Committed, Cursor, Durability, Fault, Head, IdempotencyKey, Key, MemoryBackend, Page,
    Payload, RecordedEvent, Seq, Stats, StreamName, Transaction,
};
use loom::sync::Mutex;

/// A store whose first commit by this handle goes wrong: after it writes if the fault is [`Fault::Unknown`], else before.
#[derive(Debug)]
pub struct Failing {
    inner: Arc<MemoryBackend>,
    failure: Mutex<Option<Fault>>,
}

impl Failing {
    /// `inner`, whose first commit by this handle ends with `fault`.
    #[must_use]
    pub fn new(inner: &Arc<MemoryBackend>, fault: &Fault) -> Self {
        Self { inner: Arc::clone(inner), failure: Mutex::new(Some(fault.clone())) }
    }
}

#[async_trait]
impl Backend for Failing {
    fn durability(&self) -> Durability {
        self.inner.durability()
    }
    fn stats(&self) -> Stats {
        self.inner.stats()
    }
    async fn commit(&self, transactions: Vec<Transaction>) -> Result<Vec<CommitOutcome>, Fault> {
        let failure = self.failure.lock().expect("no panic").take();
        match failure {
            None => self.inner.commit(transactions).await,
            Some(fault @ Fault::Unknown { .. }) => self.inner.commit(transactions).await.and(Err(fault)),
            Some(fault) => Err(fault),
        }
    }
    async fn head(&self, stream: &StreamName) -> Result<Head, Fault> {
        self.inner.head(stream).await
    }
    async fn read(&self, stream: &StreamName, from: Seq, limit: usize) -> Result<Vec<RecordedEvent>, Fault> {
        self.inner.read(stream, from, limit).await
    }
    async fn read_all(&self, after: Cursor, limit: usize) -> Result<Page, Fault> {
        self.inner.read_all(after, limit).await
    }
    async fn streams(&self, after: Option<&StreamName>, limit: usize) -> Result<Vec<StreamName>, Fault> {
        self.inner.streams(after, limit).await
    }
    async fn recall(&self, key: &IdempotencyKey) -> Result<Option<Committed>, Fault> {
        self.inner.recall(key).await
    }
    async fn get(&self, key: &Key) -> Result<Option<Payload>, Fault> {
        self.inner.get(key).await
    }
    async fn scan(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Payload)>, Fault> {
        self.inner.scan(prefix, after, limit).await
    }
    async fn truncate(&self, stream: &StreamName, through: Seq) -> Result<(), Fault> {
        self.inner.truncate(stream, through).await
    }
}
