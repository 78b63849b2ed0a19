//! One order across streams, for those events that ask for it.
//!
//! The reserved stream `$global` holds a pointer for each event appended with [`Store::append_global`], written in the
//! same transaction as the event. The sequence number of the pointer is the event's global position. (The commit order
//! of *all* events needs no opt-in: see [`Consumer`](super::Consumer).)

use serde::{Deserialize, Serialize};

use super::store::{Store, unexpected};
use crate::persist::error::StoreError;
use crate::persist::record::{NewEvent, RecordedEvent, Seq, StreamName};
use crate::persist::transaction::{Expect, Transaction};
use crate::time::Timestamp;

const GLOBAL: &str = "$global";
const POINTER_TYPE: &str = "ref";

/// What a pointer holds.
#[derive(Serialize, Deserialize)]
struct Pointer {
    stream: StreamName,
    seq: Seq,
}

/// The `$global` order.
///
/// ```
/// use boxoffice_core::persist::{Seq, Store, StreamName};
/// use boxoffice_core::time::Timestamp;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let store = Store::memory();
/// let (orders, users) = (StreamName::new("orders")?, StreamName::new("users")?);
/// store.append_global(&orders, "placed", Timestamp::EPOCH, &1).await?;
/// store.append_global(&users, "joined", Timestamp::EPOCH, &2).await?;
/// let timeline = store.read_global(Seq::FIRST).await?;
/// assert_eq!(timeline[1].stream, users);
/// assert_eq!(store.global_position().await?, Seq::new(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
impl Store {
    /// Appends an event and gives it a global position, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed, or the event has no JSON form or is over a limit.
    pub async fn append_global<T: Serialize + ?Sized>(
        &self,
        stream: &StreamName,
        event_type: &str,
        at: Timestamp,
        data: &T,
    ) -> Result<RecordedEvent, StoreError> {
        let (handle, event) = (self.stream(stream), NewEvent::new(event_type, at, data)?);
        loop {
            // The pointer names the sequence number, so the transaction must expect it. Whoever loses tries again; each
            // round has a winner.
            let last = handle.last_seq().await?;
            let pointer = Pointer { stream: stream.clone(), seq: last.next() };
            let pointer = NewEvent::new(POINTER_TYPE, at, &pointer)?;
            let transaction = Transaction::append(stream, Expect::At(last), vec![event.clone()]).and_append(
                &StreamName::stored(GLOBAL),
                Expect::Any,
                vec![pointer],
            );
            if let Ok(committed) = self.commit(transaction).await? {
                let placed = handle.recorded(&committed, vec![event]).pop();
                return placed.ok_or_else(|| unexpected(&committed));
            }
        }
    }

    /// How many events have a global position: the last position given out.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn global_position(&self) -> Result<Seq, StoreError> {
        self.stream(&StreamName::stored(GLOBAL)).last_seq().await
    }

    /// The pointers from position `from` on (included), in order: the sequence number of each is the position.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn global_from(&self, from: Seq) -> Result<Vec<RecordedEvent>, StoreError> {
        self.stream(&StreamName::stored(GLOBAL)).read_from(from).await
    }

    /// The event that a pointer names; none when it was truncated since.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed or the event is no pointer.
    pub async fn resolve(&self, pointer: &RecordedEvent) -> Result<Option<RecordedEvent>, StoreError> {
        let Pointer { stream, seq } = pointer.data.read().map_err(|reason| pointer.unreadable(reason))?;
        let found = self.backend().read(&stream, seq, 1).await?.pop();
        Ok(found.filter(|event| event.seq == seq))
    }

    /// The events from global position `from` on (included), in order. Events truncated since are left out.
    ///
    /// # Errors
    /// As [`Store::resolve`].
    pub async fn read_global(&self, from: Seq) -> Result<Vec<RecordedEvent>, StoreError> {
        let mut events = Vec::new();
        self.each_global(from, |event| events.push(event)).await?;
        Ok(events)
    }

    /// Folds all events that have a global position, in order, in bounded memory.
    ///
    /// # Errors
    /// As [`Store::resolve`].
    pub async fn project_global<T>(
        &self,
        seed: T,
        mut step: impl FnMut(&mut T, &RecordedEvent),
    ) -> Result<T, StoreError> {
        let mut value = seed;
        self.each_global(Seq::FIRST, |event| step(&mut value, &event)).await?;
        Ok(value)
    }

    async fn each_global(&self, from: Seq, mut take: impl FnMut(RecordedEvent)) -> Result<(), StoreError> {
        let index = self.stream(&StreamName::stored(GLOBAL));
        let mut pages = index.pages(from);
        while let Some(pointers) = pages.next().await? {
            for pointer in &pointers {
                if let Some(event) = self.resolve(pointer).await? {
                    take(event);
                }
            }
        }
        Ok(())
    }
}
