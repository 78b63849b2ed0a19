//! The one write primitive: all of a transaction happens or none of it.

use core::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::backend::Limits;
use super::contents::Fingerprint;
use super::error::NameError;
use super::record::{Cursor, EventType, Key, NewEvent, Payload, Seq, StreamName, name};
use crate::id::check_text;

name!(
    /// A caller's name for a transaction, so that a retry happens once. 1 to 200 bytes, kept as long as the store.
    IdempotencyKey, "idempotency key", 200
);

impl IdempotencyKey {
    /// Checks `text` and wraps it.
    ///
    /// # Errors
    /// [`NameError`] when `text` is empty, too long or holds a control character.
    pub fn new(text: impl AsRef<str>) -> Result<Self, NameError> {
        Self::checked(text.as_ref())
    }
}

/// Where a stream must stand for a transaction to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Anywhere.
    Any,
    /// No event was ever appended. A stream whose events were all truncated is *not* unwritten.
    Unwritten,
    /// The last appended event has this sequence number. `At(Seq::UNWRITTEN)` is the same as `Unwritten`.
    At(Seq),
}

impl Expect {
    /// Whether a stream whose last sequence number is `last` meets the expectation.
    pub fn met_by(self, last: Seq) -> bool {
        match self {
            Self::Any => true,
            Self::Unwritten => last == Seq::UNWRITTEN,
            Self::At(seq) => last == seq,
        }
    }
}

/// What a key must hold for a transaction to happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyExpect {
    /// Nothing.
    Absent,
    /// A value equal to this one.
    Equals(Payload),
}

/// A condition that is checked at the moment of the commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precondition {
    /// A stream stands where the writer saw it. The stream need not be written by the transaction.
    Stream(StreamName, Expect),
    /// A key holds what the writer saw.
    Key(Key, KeyExpect),
}

/// Events for one stream, appended in order with contiguous sequence numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Append {
    /// The stream.
    pub stream: StreamName,
    /// The events, oldest first.
    pub events: Vec<NewEvent>,
}

/// A change to one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KvWrite {
    /// The key holds the value afterwards.
    Put(Key, Payload),
    /// The key holds nothing afterwards. Deleting an absent key is no error.
    Delete(Key),
}

/// Preconditions, appends and kv writes that happen together or not at all.
///
/// Checked in this order, and the first that applies is the outcome: limits, idempotency key, preconditions.
///
/// ```
/// use boxoffice_core::persist::{Expect, Key, KeyExpect, KvWrite, NewEvent, Payload, StreamName, Transaction};
/// use boxoffice_core::time::Timestamp;
///
/// let stream = StreamName::new("orders")?;
/// let placed = NewEvent::new("placed", Timestamp::EPOCH, &7)?;
/// let transaction = Transaction::append(&stream, Expect::Unwritten, vec![placed])
///     .expect_key(Key::new("stock")?, KeyExpect::Equals(Payload::new(&1)?))
///     .write(KvWrite::Put(Key::new("stock")?, Payload::new(&0)?));
/// assert_eq!(transaction.preconditions.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// All must hold.
    pub preconditions: Vec<Precondition>,
    /// Events to append, in this order.
    pub appends: Vec<Append>,
    /// Keys to change, in this order.
    pub writes: Vec<KvWrite>,
    /// Makes a retry answer [`CommitOutcome::Already`].
    pub idempotency_key: Option<IdempotencyKey>,
}

impl Transaction {
    /// A transaction that does nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `events` to `stream` if it meets `expect`.
    pub fn append(stream: &StreamName, expect: Expect, events: Vec<NewEvent>) -> Self {
        Self::new().and_append(stream, expect, events)
    }

    /// Also appends `events` to `stream`, and demands that it meets `expect`.
    #[must_use]
    pub fn and_append(mut self, stream: &StreamName, expect: Expect, events: Vec<NewEvent>) -> Self {
        if expect != Expect::Any {
            self.preconditions.push(Precondition::Stream(stream.clone(), expect));
        }
        let stream = stream.clone();
        self.appends.push(Append { stream, events });
        self
    }

    /// Also demands that `stream`, which the transaction need not write, meets `expect`.
    #[must_use]
    pub fn expect_stream(mut self, stream: StreamName, expect: Expect) -> Self {
        self.preconditions.push(Precondition::Stream(stream, expect));
        self
    }

    /// Also demands that `key` meets `expect`.
    #[must_use]
    pub fn expect_key(mut self, key: Key, expect: KeyExpect) -> Self {
        self.preconditions.push(Precondition::Key(key, expect));
        self
    }

    /// Also changes a key.
    #[must_use]
    pub fn write(mut self, write: KvWrite) -> Self {
        self.writes.push(write);
        self
    }

    /// Names the transaction, so that a retry happens once. Such a transaction has at most 128 appends (each of as many
    /// events as the store's limits allow).
    #[must_use]
    pub fn once(mut self, key: IdempotencyKey) -> Self {
        self.idempotency_key = Some(key);
        self
    }

    /// SHA-256 of what the transaction would write: streams, types, payloads and kv writes.
    ///
    /// Instants and preconditions are left out, since an honest retry may carry newer ones.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        let mut feed = |tag: u8, parts: &[&str]| {
            hash.update([tag]);
            for part in parts {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part.as_bytes());
            }
        };
        for append in &self.appends {
            feed(0, &[append.stream.as_str()]);
            for event in &append.events {
                feed(1, &[event.event_type.as_str(), event.data.json()]);
            }
        }
        for write in &self.writes {
            match write {
                KvWrite::Put(key, value) => feed(2, &[key.as_str(), value.json()]),
                KvWrite::Delete(key) => feed(3, &[key.as_str()]),
            }
        }
        Fingerprint(hash.finalize().into())
    }
}

/// The sequence numbers that one append of a transaction was given, both ends included.
///
/// An append of no events is given `first = last + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Of its first event.
    pub first: Seq,
    /// Of its last event.
    pub last: Seq,
}

/// What a committed transaction wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// One entry for each append, in the transaction's order.
    pub written: Vec<Written>,
    /// The cursor of the last event appended; none when no event was.
    pub cursor: Option<Cursor>,
}

/// A precondition that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failed {
    /// The stream stands elsewhere.
    Stream {
        /// The stream.
        stream: StreamName,
        /// Where the writer believed it to stand.
        expected: Expect,
        /// Where it stands.
        actual: Seq,
    },
    /// The key holds something else.
    Key {
        /// The key.
        key: Key,
        /// What the writer believed it to hold.
        expected: KeyExpect,
        /// What it holds.
        #[serde(with = "super::record::maybe")]
        actual: Option<Payload>,
    },
}

/// A limit of the store that a transaction breaks. Nothing was written, and no retry will change that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// An event's stream name, type and payload together are too large.
    #[error("an event of {bytes} bytes is over the limit of {limit}")]
    EventBytes {
        /// Bytes found.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A key and its value together are too large.
    #[error("a key and value of {bytes} bytes are over the limit of {limit}")]
    ValueBytes {
        /// Bytes found.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The transaction holds too many appends, events and kv writes together.
    #[error("a transaction of {operations} operations is over the limit of {limit}")]
    Operations {
        /// Operations found.
        operations: usize,
        /// Operations allowed.
        limit: usize,
    },
}

impl Limits {
    /// The limit that an event breaks.
    pub(crate) fn broken_by_event(&self, stream: &StreamName, event_type: &EventType, data: &Payload) -> Option<Limit> {
        let bytes = stream.as_str().len() + event_type.as_str().len() + data.json().len();
        let limit = self.event_bytes_max;
        (bytes > limit).then_some(Limit::EventBytes { bytes, limit })
    }

    /// The limit that a key and its value break.
    pub(crate) fn broken_by_value(&self, key: &Key, value: &Payload) -> Option<Limit> {
        let bytes = key.as_str().len() + value.json().len();
        let limit = self.value_bytes_max;
        (bytes > limit).then_some(Limit::ValueBytes { bytes, limit })
    }
}

/// What became of a transaction. Only `Done` wrote anything, now; only `Already` wrote it before.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitOutcome {
    /// It breaks a limit of the store.
    Refused(Limit),
    /// A transaction with this idempotency key wrote something else.
    KeyReused,
    /// This transaction, by its idempotency key, was committed before. Here is what it wrote then.
    Already(Committed),
    /// Preconditions did not hold: all of those, in the transaction's order.
    Conflict(Vec<Failed>),
    /// It is committed and durable.
    Done(Committed),
}

impl CommitOutcome {
    /// Whether the transaction was committed by this call.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    /// What it wrote, whether now or before.
    pub fn committed(&self) -> Option<&Committed> {
        match self {
            Self::Done(committed) | Self::Already(committed) => Some(committed),
            Self::Refused(_) | Self::KeyReused | Self::Conflict(_) => None,
        }
    }
}
