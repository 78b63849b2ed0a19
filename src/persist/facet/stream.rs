//! One stream: appending with and without expectations, in batches, at most once; reading from a place on.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::store::{Store, unexpected};
use super::typed::TypedEvent;
use super::upcast::Upcasters;
use crate::persist::contents::{Fingerprint, PAGE};
use crate::persist::error::StoreError;
use crate::persist::record::{Cursor, NewEvent, RecordedEvent, Seq, StreamName};
use crate::persist::transaction::{CommitOutcome, Committed, Expect, Failed, IdempotencyKey, Transaction};
use crate::time::Timestamp;

/// What became of an append with an expectation.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The events, as they stand in the stream now.
    Done(Vec<RecordedEvent>),
    /// Somebody else appended since: nothing was written. Read what is new and try again from `actual`.
    Conflict {
        /// Where the caller believed the stream to stand.
        expected: Seq,
        /// Where it stands.
        actual: Seq,
    },
}

impl Appended {
    /// Whether nothing was written because the stream stood elsewhere.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    /// The events, if they were appended.
    pub fn done(self) -> Option<Vec<RecordedEvent>> {
        match self {
            Self::Done(events) => Some(events),
            Self::Conflict { .. } => None,
        }
    }
}

/// What became of an append that happens at most once.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once {
    /// It happened now.
    First(RecordedEvent),
    /// It happened before, as this event. When the event was truncated since, its instant is the one of the repeat.
    Repeat(RecordedEvent),
    /// Another event was appended with this key before. Nothing was written.
    KeyReused,
}

impl Once {
    /// The event, whether it was appended now or before.
    pub fn event(&self) -> Option<&RecordedEvent> {
        match self {
            Self::First(event) | Self::Repeat(event) => Some(event),
            Self::KeyReused => None,
        }
    }
}

/// A handle on one stream of a [`Store`]. Cheap to clone.
///
/// ```
/// use boxoffice_core::persist::{Appended, Seq, Store, StreamName};
/// use boxoffice_core::time::Timestamp;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let orders = Store::memory().stream(&StreamName::new("orders")?);
/// let seen = orders.last_seq().await?;
/// assert!(!orders.append_expect(seen, "placed", Timestamp::EPOCH, &"ann").await?.is_conflict());
///
/// // Bob saw the same, and is told where the stream stands now.
/// let bob = orders.append_expect(seen, "placed", Timestamp::EPOCH, &"bob").await?;
/// assert_eq!(bob, Appended::Conflict { expected: seen, actual: Seq::new(1) });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Stream {
    store: Store,
    name: StreamName,
    upcasters: Upcasters,
    #[cfg(feature = "shred")]
    seal: Option<crate::persist::Seal>,
}

impl Stream {
    pub(super) fn new(store: Store, name: StreamName) -> Self {
        Self {
            store,
            name,
            upcasters: Upcasters::new(),
            #[cfg(feature = "shred")]
            seal: None,
        }
    }

    /// The same stream, where personal fields are sealed before they are written and opened when they are read.
    #[cfg(feature = "shred")]
    #[must_use]
    pub fn sealed_by(mut self, vault: &crate::persist::Vault, personal: &crate::persist::Personal) -> Self {
        self.seal = Some(crate::persist::Seal::new(vault, personal));
        self
    }

    #[cfg(feature = "shred")]
    async fn sealed(&self, events: Vec<NewEvent>) -> Result<Vec<NewEvent>, StoreError> {
        let Some(seal) = &self.seal else { return Ok(events) };
        let mut sealed = Vec::with_capacity(events.len());
        for event in events {
            sealed.push(seal.seal(event).await?);
        }
        Ok(sealed)
    }

    #[cfg(feature = "shred")]
    async fn opened(&self, events: Vec<RecordedEvent>) -> Result<Vec<RecordedEvent>, StoreError> {
        match &self.seal {
            Some(seal) => seal.open_all(events).await,
            None => Ok(events),
        }
    }

    #[cfg(not(feature = "shred"))]
    #[expect(clippy::unused_async, reason = "sealing is a feature")]
    async fn sealed(&self, events: Vec<NewEvent>) -> Result<Vec<NewEvent>, StoreError> {
        Ok(events)
    }

    #[cfg(not(feature = "shred"))]
    #[expect(clippy::unused_async, reason = "sealing is a feature")]
    async fn opened(&self, events: Vec<RecordedEvent>) -> Result<Vec<RecordedEvent>, StoreError> {
        Ok(events)
    }

    /// The same stream, where everything that is read was lifted by `upcasters` first.
    #[must_use]
    pub fn upcast_with(mut self, upcasters: &Upcasters) -> Self {
        self.upcasters = upcasters.clone();
        self
    }

    /// Its name.
    pub fn name(&self) -> &StreamName {
        &self.name
    }

    /// The store that it is in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The last sequence number given out; [`Seq::UNWRITTEN`] when there is none. Survives truncation.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn last_seq(&self) -> Result<Seq, StoreError> {
        Ok(self.store.backend().head(&self.name).await?.last)
    }

    /// How many events are stored: fewer after a truncation.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn count(&self) -> Result<u64, StoreError> {
        let head = self.store.backend().head(&self.name).await?;
        Ok(head.last.get() - head.truncated_through.get())
    }

    /// Appends an event, wherever the stream stands.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed, or the event has no JSON form or is over a limit.
    pub async fn append<T: Serialize + ?Sized>(
        &self,
        event_type: &str,
        at: Timestamp,
        data: &T,
    ) -> Result<RecordedEvent, StoreError> {
        let event = NewEvent::new(event_type, at, data)?;
        let mut events = self.append_batch(vec![event]).await?;
        events.pop().ok_or_else(|| unexpected(&"no event"))
    }

    /// Appends an event of the host's own type, wherever the stream stands.
    ///
    /// # Errors
    /// As [`Stream::append`].
    pub async fn append_typed<E: TypedEvent>(&self, at: Timestamp, event: &E) -> Result<RecordedEvent, StoreError> {
        let mut events = self.append_batch(vec![event.to_new_event(at)?]).await?;
        events.pop().ok_or_else(|| unexpected(&"no event"))
    }

    /// Appends an event if the stream stands at `expected`.
    ///
    /// # Errors
    /// As [`Stream::append`].
    pub async fn append_expect<T: Serialize + ?Sized>(
        &self,
        expected: Seq,
        event_type: &str,
        at: Timestamp,
        data: &T,
    ) -> Result<Appended, StoreError> {
        self.append_batch_expect(expected, vec![NewEvent::new(event_type, at, data)?]).await
    }

    /// Appends events as one block, wherever the stream stands: all of them or none.
    ///
    /// # Errors
    /// As [`Stream::append`].
    pub async fn append_batch(&self, events: Vec<NewEvent>) -> Result<Vec<RecordedEvent>, StoreError> {
        let sealed = self.sealed(events.clone()).await?;
        let committed = self.store.write(Transaction::append(&self.name, Expect::Any, sealed)).await?;
        Ok(self.recorded(&committed, events))
    }

    /// Appends events as one block if the stream stands at `expected`: all of them or none.
    ///
    /// # Errors
    /// As [`Stream::append`].
    pub async fn append_batch_expect(&self, expected: Seq, events: Vec<NewEvent>) -> Result<Appended, StoreError> {
        let sealed = self.sealed(events.clone()).await?;
        match self.store.commit(Transaction::append(&self.name, Expect::At(expected), sealed)).await? {
            Ok(committed) => Ok(Appended::Done(self.recorded(&committed, events))),
            Err(failed) => match failed.first() {
                Some(Failed::Stream { actual, .. }) => Ok(Appended::Conflict { expected, actual: *actual }),
                other => Err(unexpected(&other)),
            },
        }
    }

    /// `events` in the places that the first append of a transaction was given.
    pub(super) fn recorded(&self, committed: &Committed, events: Vec<NewEvent>) -> Vec<RecordedEvent> {
        let first = committed.written.first().map(|written| written.first).unwrap_or_default();
        let last_cursor = committed.cursor.unwrap_or_default().position();
        let appended: u64 = committed.written.iter().map(|written| written.last.get() + 1 - written.first.get()).sum();
        let first_cursor = (last_cursor + 1).saturating_sub(appended);
        let placed = (0_u64..).zip(events).map(|(place, event)| RecordedEvent {
            stream: self.name.clone(),
            seq: first.plus(place),
            cursor: Cursor::from_position(first_cursor + place),
            event_type: event.event_type,
            at: event.at,
            data: event.data,
        });
        placed.collect()
    }

    /// Appends an event at most once for each `key`, which is this stream's own: also across restarts, and also when an
    /// answer was lost.
    ///
    /// # Errors
    /// As [`Stream::append`].
    pub async fn append_once<T: Serialize + ?Sized>(
        &self,
        key: &IdempotencyKey,
        event_type: &str,
        at: Timestamp,
        data: &T,
    ) -> Result<Once, StoreError> {
        let event = NewEvent::new(event_type, at, data)?;
        let sealed = self.sealed(vec![event.clone()]).await?;
        let transaction = Transaction::append(&self.name, Expect::Any, sealed).once(self.own(key));
        match self.store.backend().commit_one(transaction).await? {
            CommitOutcome::Done(committed) => {
                Ok(self.recorded(&committed, vec![event]).pop().map_or(Once::KeyReused, Once::First))
            }
            CommitOutcome::Already(committed) => {
                let first = self.recorded(&committed, vec![event]).pop();
                let seq = first.as_ref().map(|event| event.seq).unwrap_or_default();
                let stored = self.read_page(seq, 1).await?.pop().filter(|event| event.seq == seq);
                Ok(stored.or(first).map_or(Once::KeyReused, Once::Repeat))
            }
            CommitOutcome::KeyReused => Ok(Once::KeyReused),
            CommitOutcome::Refused(limit) => Err(limit.into()),
            CommitOutcome::Conflict(failed) => Err(unexpected(&failed)),
        }
    }

    /// Whether [`Stream::append_once`] has appended with `key`.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn seen(&self, key: &IdempotencyKey) -> Result<bool, StoreError> {
        Ok(self.store.backend().recall(&self.own(key)).await?.is_some())
    }

    /// `key` as this stream's own: the length keeps `a` with `b/c` apart from `a/b` with `c`.
    fn own(&self, key: &IdempotencyKey) -> IdempotencyKey {
        let text = format!("{}:{}:{key}", self.name.as_str().len(), self.name);
        if text.len() <= IdempotencyKey::LENGTH_MAX {
            return IdempotencyKey::stored(&text);
        }
        IdempotencyKey::stored(&format!("sha256:{}", Fingerprint(Sha256::digest(text.as_bytes()).into())))
    }

    /// All stored events, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed or an event could not be lifted.
    pub async fn read(&self) -> Result<Vec<RecordedEvent>, StoreError> {
        self.read_from(Seq::FIRST).await
    }

    /// The stored events from `from` on (included), oldest first.
    ///
    /// # Errors
    /// As [`Stream::read`].
    pub async fn read_from(&self, from: Seq) -> Result<Vec<RecordedEvent>, StoreError> {
        let (mut pages, mut events) = (self.pages(from), Vec::new());
        while let Some(page) = pages.next().await? {
            events.extend(page);
        }
        Ok(events)
    }

    /// Reads from `from` on (included), a page at a time, in bounded memory.
    pub fn pages(&self, from: Seq) -> Pages<'_> {
        Pages { stream: self, next: Some(from) }
    }

    pub(super) async fn read_page(&self, from: Seq, limit: usize) -> Result<Vec<RecordedEvent>, StoreError> {
        let events = self.store.backend().read(&self.name, from, limit).await?;
        self.upcasters.lift_all(self.opened(events).await?)
    }

    /// Drops the events up to and including `through`. Sequence numbers go on climbing.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn truncate(&self, through: Seq) -> Result<(), StoreError> {
        Ok(self.store.backend().truncate(&self.name, through).await?)
    }

    /// That events from `next` on are still there.
    pub(super) async fn not_truncated(&self, next: Seq) -> Result<(), StoreError> {
        let truncated_through = self.store.backend().head(&self.name).await?.truncated_through;
        if truncated_through >= next {
            return Err(StoreError::Truncated { stream: self.name.clone(), next, truncated_through });
        }
        Ok(())
    }
}

/// Pages of a stream, from [`Stream::pages`].
#[derive(Debug)]
pub struct Pages<'a> {
    stream: &'a Stream,
    next: Option<Seq>,
}

impl Pages<'_> {
    /// The next events, 1 to 1,024 of them; none at the end.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed or an event could not be lifted.
    pub async fn next(&mut self) -> Result<Option<Vec<RecordedEvent>>, StoreError> {
        let Some(from) = self.next else { return Ok(None) };
        let page = self.stream.read_page(from, PAGE).await?;
        self.next = page.last().filter(|_| page.len() == PAGE).map(|event| event.seq.next());
        Ok(Some(page).filter(|page| !page.is_empty()))
    }
}
