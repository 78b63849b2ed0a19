//! Stores that misbehave on request, and small helpers of the other files.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use boxoffice::booking::Seats;
use boxoffice::id::{AttendeeId, OccurrenceId};
use boxoffice::persist::{
    Backend, CommitOutcome, Committed, Cursor, Durability, Fault, Head, IdempotencyKey, Key, MemoryBackend, Page,
    Payload, RecordedEvent, Seq, Stats, StreamName, Transaction,
};
use boxoffice::time::Timestamp;
use boxoffice::{BoxOffice, Builder};
use tokio::sync::Semaphore;

pub(crate) fn evening() -> OccurrenceId {
    "chess@club.example@20260105T190000".parse().unwrap()
}

pub(crate) fn who(name: impl AsRef<str>) -> AttendeeId {
    AttendeeId::new(name).unwrap()
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A box office with one evening on sale.
pub(crate) async fn on_sale(builder: Builder, capacity: u32) -> BoxOffice {
    let office = builder.start().unwrap();
    let reply = office.open(&evening(), Seats::new(capacity)).await.unwrap();
    assert!(matches!(reply.outcome.name(), "opened" | "already_open"));
    office
}

/// Waits until `done` says so, giving other tasks their turn.
pub(crate) async fn until(mut done: impl AsyncFnMut() -> bool) {
    while !done().await {
        tokio::task::yield_now().await;
    }
}

/// A memory store whose commits can be held up, or made to fail.
#[derive(Clone, Debug)]
pub(crate) struct MoodyBackend {
    inner: Arc<MemoryBackend>,
    mood: Arc<Mood>,
}

#[derive(Debug)]
struct Mood {
    gate: Semaphore,
    gated: AtomicBool,
    /// Open as long as it has a permit.
    read_gate: Semaphore,
    /// Commits that fail from now on: before writing, and after.
    fail_before: AtomicUsize,
    fail_after: AtomicUsize,
    commits: AtomicUsize,
}

impl MoodyBackend {
    pub(crate) fn new() -> Self {
        let mood = Mood {
            gate: Semaphore::new(0),
            gated: AtomicBool::new(false),
            read_gate: Semaphore::new(1),
            fail_before: AtomicUsize::new(0),
            fail_after: AtomicUsize::new(0),
            commits: AtomicUsize::new(0),
        };
        Self { inner: Arc::new(MemoryBackend::new()), mood: Arc::new(mood) }
    }

    /// From now on each commit waits for [`MoodyBackend::let_pass`].
    pub(crate) fn close_gate(&self) {
        self.mood.gated.store(true, Ordering::SeqCst);
    }

    pub(crate) fn let_pass(&self, commits: usize) {
        self.mood.gate.add_permits(commits);
    }

    /// From now on each read of a stream waits for [`MoodyBackend::open_read_gate`].
    pub(crate) fn close_read_gate(&self) {
        assert_eq!(self.mood.read_gate.forget_permits(1), 1);
    }

    pub(crate) fn open_read_gate(&self) {
        self.mood.read_gate.add_permits(1);
    }

    /// Commits asked for so far.
    pub(crate) fn commits(&self) -> usize {
        self.mood.commits.load(Ordering::SeqCst)
    }

    /// The next commits fail and write nothing.
    pub(crate) fn refuse(&self, commits: usize) {
        self.mood.fail_before.store(commits, Ordering::SeqCst);
    }

    /// The next commits write, and their answer is lost.
    pub(crate) fn lose_answers(&self, commits: usize) {
        self.mood.fail_after.store(commits, Ordering::SeqCst);
    }
}

fn take_one(counter: &AtomicUsize) -> bool {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

#[async_trait]
impl Backend for MoodyBackend {
    fn durability(&self) -> Durability {
        self.inner.durability()
    }
    fn stats(&self) -> Stats {
        self.inner.stats()
    }
    async fn commit(&self, transactions: Vec<Transaction>) -> Result<Vec<CommitOutcome>, Fault> {
        self.mood.commits.fetch_add(1, Ordering::SeqCst);
        if self.mood.gated.load(Ordering::SeqCst) {
            self.mood.gate.acquire().await.unwrap().forget();
        }
        if take_one(&self.mood.fail_before) {
            return Err(Fault::Unavailable { reason: "not in the mood".into() });
        }
        let outcomes = self.inner.commit(transactions).await?;
        if take_one(&self.mood.fail_after) {
            return Err(Fault::Unknown { reason: "the answer was lost".into() });
        }
        Ok(outcomes)
    }
    async fn head(&self, stream: &StreamName) -> Result<Head, Fault> {
        self.inner.head(stream).await
    }
    async fn read(&self, stream: &StreamName, from: Seq, limit: usize) -> Result<Vec<RecordedEvent>, Fault> {
        drop(self.mood.read_gate.acquire().await.unwrap());
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
