//! A store that takes its time and fails.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Mutex;

use async_trait::async_trait;
use boxoffice_core::persist::{
    Backend, CommitOutcome, Committed, Cursor, Durability, Fault, Head, IdempotencyKey, Key, MemoryBackend, Page,
    Payload, RecordedEvent, Seq, Stats, StreamName, Transaction,
};

use crate::dice::Dice;

/// How often, in a thousand times, a call fails.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trouble {
    pub(crate) reads: u64,
    /// Nothing is written, and that is said.
    pub(crate) refused: u64,
    /// Nothing is written, and nobody knows.
    pub(crate) lost: u64,
    /// It is written, and nobody knows.
    pub(crate) unsaid: u64,
}

/// The memory store, with a disk that fails as the seed says. What it holds is durable at once.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) inner: MemoryBackend,
    moods: Mutex<(Dice, Trouble)>,
}

/// Lets others go first, so many times.
struct Pause(u64);

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

fn unavailable() -> Fault {
    Fault::Unavailable { reason: "the disk is away".into() }
}

fn unknown() -> Fault {
    Fault::Unknown { reason: "the disk does not answer".into() }
}

impl Disk {
    pub(crate) fn new(seed: u64) -> Self {
        Self { inner: MemoryBackend::new(), moods: Mutex::new((Dice::new(seed), Trouble::default())) }
    }

    pub(crate) fn set_trouble(&self, trouble: Trouble) {
        self.moods.lock().unwrap().1 = trouble;
    }

    fn mood<R>(&self, throw: impl FnOnce(&mut Dice, Trouble) -> R) -> R {
        let (dice, trouble) = &mut *self.moods.lock().unwrap();
        throw(dice, *trouble)
    }

    /// Before each read: others go first, and it may fail.
    async fn seek(&self) -> Result<(), Fault> {
        let (pauses, fails) = self.mood(|dice, trouble| (dice.below(3), dice.permille(trouble.reads)));
        Pause(pauses).await;
        if fails { Err(unavailable()) } else { Ok(()) }
    }
}

#[async_trait]
impl Backend for Disk {
    fn durability(&self) -> Durability {
        Durability::Power
    }

    fn stats(&self) -> Stats {
        self.inner.stats()
    }

    async fn commit(&self, transactions: Vec<Transaction>) -> Result<Vec<CommitOutcome>, Fault> {
        let (refused, lost, unsaid) = self.mood(|dice, trouble| {
            (dice.permille(trouble.refused), dice.permille(trouble.lost), dice.permille(trouble.unsaid))
        });
        if refused {
            return Err(unavailable());
        }
        if lost {
            return Err(unknown());
        }
        let outcomes = self.inner.commit(transactions).await?;
        if unsaid { Err(unknown()) } else { Ok(outcomes) }
    }

    async fn head(&self, stream: &StreamName) -> Result<Head, Fault> {
        self.seek().await?;
        self.inner.head(stream).await
    }

    async fn read(&self, stream: &StreamName, from: Seq, limit: usize) -> Result<Vec<RecordedEvent>, Fault> {
        self.seek().await?;
        self.inner.read(stream, from, limit).await
    }

    async fn read_all(&self, after: Cursor, limit: usize) -> Result<Page, Fault> {
        self.seek().await?;
        self.inner.read_all(after, limit).await
    }

    async fn streams(&self, after: Option<&StreamName>, limit: usize) -> Result<Vec<StreamName>, Fault> {
        self.seek().await?;
        self.inner.streams(after, limit).await
    }

    async fn recall(&self, key: &IdempotencyKey) -> Result<Option<Committed>, Fault> {
        self.seek().await?;
        self.inner.recall(key).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Payload>, Fault> {
        self.seek().await?;
        self.inner.get(key).await
    }

    async fn scan(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Payload)>, Fault> {
        self.seek().await?;
        self.inner.scan(prefix, after, limit).await
    }

    async fn truncate(&self, stream: &StreamName, through: Seq) -> Result<(), Fault> {
        self.inner.truncate(stream, through).await
    }
}
