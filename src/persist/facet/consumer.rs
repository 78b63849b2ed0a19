//! Durable subscriptions: a named cursor over the commit order of the whole store.

use core::fmt;
use std::collections::BTreeSet;

use super::store::Store;
use crate::persist::error::{Fault, StoreError};
use crate::persist::record::{Cursor, EventType, Key, Payload, RecordedEvent};
use crate::persist::transaction::{Committed, Failed, KeyExpect, KvWrite, Transaction};

/// Which events a [`Consumer`] wants. The default: all that do not belong to the store itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    stream_prefix: String,
    types: BTreeSet<EventType>,
}

impl Selection {
    /// All events of the host.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only events of streams whose names start with `prefix`.
    #[must_use]
    pub fn streams(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.stream_prefix);
        self
    }

    /// Only events of these types; may be called again for more.
    #[must_use]
    pub fn event_type(mut self, event_type: EventType) -> Self {
        self.types.insert(event_type);
        self
    }

    /// Whether `event` is among them.
    pub fn includes(&self, event: &RecordedEvent) -> bool {
        !event.stream.is_reserved()
            && event.stream.as_str().starts_with(&self.stream_prefix)
            && (self.types.is_empty() || self.types.contains(&event.event_type))
    }
}

/// Events handed to a consumer, and the cursor that says that they were dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// In commit order. May be empty where many events were passed over that are not wanted: acknowledge it all the
    /// same.
    pub events: Vec<RecordedEvent>,
    /// Everything up to and including this cursor was looked at.
    pub through: Cursor,
}

/// What became of moving a consumer's cursor.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The cursor was moved, and what came with it was written.
    Done(Committed),
    /// Another consumer of the same name has moved the cursor, here to `actual`. Nothing was written. Ask again:
    /// deliveries go on from there.
    Overtaken {
        /// Where the cursor stands.
        actual: Cursor,
    },
    /// A precondition of the transaction did not hold. Nothing was written and the cursor stands where it did.
    Conflict(Vec<Failed>),
}

/// A named reader of everything that is committed, in commit order, that goes on where it left off.
///
/// Pulled, not pushed: a consumer that is slow or gone holds up no writer and fills no queue, and one that comes back
/// finds every event. The cursor is a key of the store, so that moving it can be part of a transaction:
///
/// * [`Consumer::commit`] writes what the consumer made of a delivery and moves the cursor, both or neither. Whatever
///   crashes when, the store shows the effect of each event exactly once.
/// * [`Consumer::acknowledge`] moves the cursor after the consumer did something outside of the store. A crash in
///   between hands the same events over again: at least once.
///
/// Of two consumers with one name each event counts once: who is too late learns it from [`Advance::Overtaken`].
///
/// ```
/// use boxoffice_core::persist::{Advance, Consumer, Key, KvWrite, Payload, Selection, Store, StreamName, Transaction};
/// use boxoffice_core::time::Timestamp;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let (store, total) = (Store::memory(), Key::new("total")?);
/// let sales = store.stream(&StreamName::new("sales")?);
/// sales.append("sale", Timestamp::EPOCH, &10).await?;
/// sales.append("sale", Timestamp::EPOCH, &25).await?;
///
/// let mut consumer = Consumer::open(&store, "totals", Selection::all().streams("sales")).await?;
/// while let Some(delivery) = consumer.next(100).await? {
///     let mut sum = store.get_or(&total, 0).await?;
///     for sale in &delivery.events {
///         sum += sale.data.read::<i64>()?;
///     }
///     let write = KvWrite::Put(total.clone(), Payload::new(&sum)?);
///     let advance = consumer.commit(&delivery, Transaction::new().write(write)).await?;
///     assert!(matches!(advance, Advance::Done(_)));
/// }
/// assert_eq!(store.get(&total).await?, Some(35));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
pub struct Consumer {
    store: Store,
    key: Key,
    selection: Selection,
    /// As the key was seen last.
    stored: Option<Cursor>,
    cursor: Cursor,
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, cursor, .. } = self;
        f.debug_struct("Consumer").field("key", key).field("cursor", cursor).finish_non_exhaustive()
    }
}

impl Consumer {
    /// The consumer `name`, where it left off; a new name begins before the first event. The cursor is kept under the
    /// key `consumer/NAME`.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed, or the name is no part of a key.
    pub async fn open(store: &Store, name: &str, selection: Selection) -> Result<Self, StoreError> {
        let key = Key::new(format!("consumer/{name}"))?;
        let mut consumer = Self { store: store.clone(), key, selection, stored: None, cursor: Cursor::START };
        consumer.look().await?;
        Ok(consumer)
    }

    /// Everything up to and including this cursor is dealt with.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The next wanted events after the cursor: reads at most `limit` events of the store, so that a call takes bounded
    /// time and memory. None when there is nothing new; asking again answers the same events until they are acknowledged.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn next(&self, limit: usize) -> Result<Option<Delivery>, StoreError> {
        let page = self.store.backend().read_all(self.cursor, limit.max(1)).await?;
        if page.next == self.cursor {
            return Ok(None);
        }
        let events = page.events.into_iter().filter(|event| self.selection.includes(event)).collect();
        Ok(Some(Delivery { events, through: page.next }))
    }

    /// Commits `transaction` and moves the cursor past `delivery`, both or neither.
    ///
    /// The transaction needs no idempotency key, since the cursor moves once.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed or the transaction breaks a limit. After [`Fault::Unknown`] open the
    /// consumer again: its cursor says what happened.
    pub async fn commit(&mut self, delivery: &Delivery, transaction: Transaction) -> Result<Advance, StoreError> {
        if let Some(actual) = self.stored.filter(|stored| delivery.through <= *stored) {
            // This delivery was dealt with before: once is enough.
            return Ok(Advance::Overtaken { actual });
        }
        let stored = self.stored.as_ref().map(Payload::new).transpose()?;
        let expect = stored.map_or(KeyExpect::Absent, KeyExpect::Equals);
        let moved = Payload::new(&delivery.through)?;
        let transaction = transaction.expect_key(self.key.clone(), expect).write(KvWrite::Put(self.key.clone(), moved));
        match self.store.commit(transaction).await? {
            Ok(committed) => {
                (self.stored, self.cursor) = (Some(delivery.through), delivery.through);
                Ok(Advance::Done(committed))
            }
            Err(failed) => {
                let overtaken = failed.iter().any(|one| matches!(one, Failed::Key { key, .. } if *key == self.key));
                if !overtaken {
                    return Ok(Advance::Conflict(failed));
                }
                self.look().await?;
                Ok(Advance::Overtaken { actual: self.cursor })
            }
        }
    }

    /// Moves the cursor past `delivery`.
    ///
    /// # Errors
    /// As [`Consumer::commit`].
    pub async fn acknowledge(&mut self, delivery: &Delivery) -> Result<Advance, StoreError> {
        self.commit(delivery, Transaction::new()).await
    }

    /// Goes on past `delivery` without keeping that in the store: for one that holds no events. After a restart the same
    /// events are looked at again.
    pub fn pass_over(&mut self, delivery: &Delivery) {
        self.cursor = delivery.through;
    }

    /// Sets the cursor, whatever it was: [`Cursor::START`] makes the consumer see everything again.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn reset(&mut self, cursor: Cursor) -> Result<(), StoreError> {
        self.store.put(&self.key, cursor).await?;
        self.look().await
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        let stored = self.store.backend().get(&self.key).await?.map(|stored| stored.read()).transpose();
        self.stored = stored.map_err(|error| Fault::corrupt(self.key.as_str(), error.to_string()))?;
        self.cursor = self.stored.unwrap_or_default();
        Ok(())
    }
}
