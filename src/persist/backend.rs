//! The contract of storage: what a backend must offer, and what it may limit.

use core::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::contents::{Cut, Item, Verification, truncated_by_reading, verify_by_reading};
use super::error::Fault;
use super::record::{Cursor, Key, Payload, RecordedEvent, Seq, StreamName};
use super::transaction::{CommitOutcome, Committed, IdempotencyKey, Transaction};

/// What an acknowledged commit survives, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Nothing: it lives as long as the process does.
    Process,
    /// The end of the process, also by SIGKILL, but not of the machine.
    Os,
    /// A power cut: it was synced to the disk before the acknowledgement.
    Power,
}

/// What a backend accepts. Anything above is answered by
/// [`CommitOutcome::Refused`](super::CommitOutcome::Refused), never by a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of stream name, event type and payload of one event, together.
    pub event_bytes_max: usize,
    /// Bytes of a key and its value, together.
    pub value_bytes_max: usize,
    /// Appends, events and kv writes of one transaction, together.
    pub operations_max: usize,
}

impl Default for Limits {
    /// 4,000 bytes an event, 4,000 bytes a value, 65,536 operations: what the embedded store takes.
    fn default() -> Self {
        Self { event_bytes_max: 4_000, value_bytes_max: 4_000, operations_max: 65_536 }
    }
}

/// Where a stream stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The last sequence number given out; [`Seq::UNWRITTEN`] when none was. Truncation never lowers it.
    pub last: Seq,
    /// Events up to and including this one were truncated.
    pub truncated_through: Seq,
}

/// A stretch of the whole store in commit order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The events, oldest first.
    pub events: Vec<RecordedEvent>,
    /// Ask for what follows with this cursor. Unchanged when there was nothing more.
    pub next: Cursor,
}

/// Counters of a backend since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Group commits that wrote something.
    pub commits: u64,
    /// Transactions committed.
    pub transactions: u64,
    /// Events appended.
    pub events: u64,
    /// Syncs of the disk (0 for a store without one).
    pub syncs: u64,
}

/// Storage for streams and keys.
///
/// Implementations must be linearizable and make a fact visible to readers only once it is as durable as
/// [`Backend::durability`] says. Prove one with the `conformance` suite.
#[async_trait]
pub trait Backend: Debug + Send + Sync + 'static {
    /// What it accepts.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// What an acknowledged commit survives.
    fn durability(&self) -> Durability;

    /// Counters since it was opened.
    fn stats(&self) -> Stats;

    /// Commits independent transactions in one go, and answers each in its place. The events of one transaction stand
    /// side by side in the commit order: their cursors are consecutive.
    ///
    /// They are checked in order: a later one sees what an earlier one of the same call wrote. One that is refused
    /// does not touch the others.
    ///
    /// # Errors
    /// [`Fault`] when storage failed. Unless it is [`Fault::Unavailable`], any of them may have been written.
    async fn commit(&self, transactions: Vec<Transaction>) -> Result<Vec<CommitOutcome>, Fault>;

    /// Commits one transaction.
    ///
    /// # Errors
    /// As [`Backend::commit`].
    async fn commit_one(&self, transaction: Transaction) -> Result<CommitOutcome, Fault> {
        let outcome = self.commit(vec![transaction]).await?.pop();
        outcome.ok_or_else(|| Fault::Unknown { reason: "backend answered no outcome".into() })
    }

    /// Where `stream` stands. A stream that was never written stands at [`Seq::UNWRITTEN`].
    ///
    /// # Errors
    /// [`Fault`] when storage failed.
    async fn head(&self, stream: &StreamName) -> Result<Head, Fault>;

    /// The events of `stream` with sequence numbers from `from` on (included), oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`Fault`] when storage failed.
    async fn read(&self, stream: &StreamName, from: Seq, limit: usize) -> Result<Vec<RecordedEvent>, Fault>;

    /// The events of all streams after `after` (not included) in commit order, at most `limit`. Never skips one:
    /// an event that is committed later has a greater cursor than every event returned.
    ///
    /// # Errors
    /// [`Fault`] when storage failed.
    async fn read_all(&self, after: Cursor, limit: usize) -> Result<Page, Fault>;

    /// The names of streams ever written, sorted by name, after `after` (not included), at most `limit`.
    ///
    /// # Errors
    /// [`Fault`] when storage failed.
    async fn streams(&self, after: Option<&StreamName>, limit: usize) -> Result<Vec<StreamName>, Fault>;

    /// What the transaction with this idempotency key wrote; none when none was committed.
    ///
    /// # Errors
    /// [`Fault`] when storage failed.
    async fn recall(&self, key: &IdempotencyKey) -> Result<Option<Committed>, Fault>;

    /// The value of `key`.
    ///
    /// # Errors
    /// [`Fault`] when storage failed.
    async fn get(&self, key: &Key) -> Result<Option<Payload>, Fault>;

    /// Keys that start with `prefix`, with their values, sorted, after `after` (not included), at most `limit`.
    ///
    /// # Errors
    /// [`Fault`] when storage failed.
    async fn scan(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Payload)>, Fault>;

    /// Removes the events of `stream` up to and including `through`. Sequence numbers go on climbing, and the
    /// stream stays listed. What lies beyond the head is not reserved: `through` is cut to the head.
    ///
    /// # Errors
    /// [`Fault`] when storage failed.
    async fn truncate(&self, stream: &StreamName, through: Seq) -> Result<(), Fault>;

    /// Reads everything and says what is wrong with it. Writers go on meanwhile; truncations may wait.
    ///
    /// The default reads through the methods above, and so finds gaps and unreadable records; a backend that knows its
    /// own bytes looks at those. To the default a truncation meanwhile looks like a gap.
    ///
    /// # Errors
    /// [`Fault`] when storage failed. A damaged record is no fault here but a finding.
    async fn verify(&self) -> Result<Verification, Fault> {
        verify_by_reading(self).await
    }

    /// The streams of which something was truncated, sorted by name, with where they stand.
    ///
    /// # Errors
    /// [`Fault`] when storage failed.
    async fn truncated(&self) -> Result<Vec<(StreamName, Head)>, Fault> {
        truncated_by_reading(self).await
    }

    /// Everything that is no event, at one single moment between two commits. Held in memory: writers wait as long as
    /// it takes to read it. What backups and copies are made from.
    ///
    /// # Errors
    /// [`Fault`] when storage failed. The default offers none and is [`Fault::Unavailable`].
    async fn cut(&self) -> Result<Cut, Fault> {
        Err(Fault::Unavailable { reason: "this backend cannot be backed up or copied".into() })
    }

    /// Writes what another store held, as it stood there: sequence numbers, cursors and idempotency keys included.
    /// For a store that holds nothing else: nothing is checked. Durable when it returns.
    ///
    /// # Errors
    /// [`Fault`] when storage failed. The default takes nothing and is [`Fault::Unavailable`].
    async fn import(&self, items: Vec<Item>) -> Result<(), Fault> {
        drop(items);
        Err(Fault::Unavailable { reason: "this backend takes no backup and no copy".into() })
    }
}
