//! A subscription hub: callbacks that run after each event published through it.

use core::fmt;
use core::pin::Pin;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::Serialize;

use super::store::Store;
use crate::persist::error::StoreError;
use crate::persist::record::{RecordedEvent, StreamName};
use crate::time::Timestamp;

type Called = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;
type Callback = Arc<dyn Fn(Store, RecordedEvent) -> Called + Send + Sync>;

/// An event that was published, and which callbacks failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The event. It is committed, whatever the callbacks did.
    pub event: RecordedEvent,
    /// What went wrong in callbacks, in the order of their subscription.
    pub failed: Vec<StoreError>,
}

/// Publishes events: appends, and then calls those who subscribed to the stream, in the order in which they did.
///
/// Callbacks run in the publisher's own time, before [`Hub::publish`] answers: for read models of the same process that
/// must not be behind. An event that is appended directly passes them by, which is what bulk loads want; who must see
/// every event, also those of other processes, uses a [`Consumer`](super::Consumer).
///
/// ```
/// use boxoffice_core::persist::{Hub, Key, Store, StreamName};
/// use boxoffice_core::time::Timestamp;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let (store, orders, count) = (Store::memory(), StreamName::new("orders")?, Key::new("count")?);
/// let hub = Hub::new(&store);
/// let key = count.clone();
/// hub.subscribe(&orders, move |store, _event| {
///     let key = key.clone();
///     async move { store.update(&key, 0, |n: u32| n + 1).await.map(drop) }
/// });
/// hub.publish(&orders, "placed", Timestamp::EPOCH, &7).await?;
/// store.stream(&orders).append("placed", Timestamp::EPOCH, &8).await?;
/// assert_eq!(store.get(&count).await?, Some(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
#[derive(Clone)]
pub struct Hub {
    store: Store,
    callbacks: Arc<RwLock<BTreeMap<StreamName, Vec<Callback>>>>,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Hub {
    /// A hub over `store` without subscribers.
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone(), callbacks: Arc::default() }
    }

    /// The store that it publishes to.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Calls `callback` with the store and the event after each event published to `stream` from now on.
    pub fn subscribe<F, R>(&self, stream: &StreamName, callback: F)
    where
        F: Fn(Store, RecordedEvent) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let callback: Callback = Arc::new(move |store, event| Box::pin(callback(store, event)));
        let mut callbacks = self.callbacks.write().unwrap_or_else(PoisonError::into_inner);
        callbacks.entry(stream.clone()).or_default().push(callback);
    }

    /// How many callbacks subscribed to `stream`.
    pub fn subscriber_count(&self, stream: &StreamName) -> usize {
        self.of(stream).len()
    }

    fn of(&self, stream: &StreamName) -> Vec<Callback> {
        let callbacks = self.callbacks.read().unwrap_or_else(PoisonError::into_inner);
        callbacks.get(stream).cloned().unwrap_or_default()
    }

    /// Appends an event and calls those who subscribed to `stream`, one after the other. A callback that fails stops
    /// none of the others.
    ///
    /// # Errors
    /// As [`Stream::append`](super::Stream::append): the event was not appended.
    pub async fn publish<T: Serialize + ?Sized>(
        &self,
        stream: &StreamName,
        event_type: &str,
        at: Timestamp,
        data: &T,
    ) -> Result<Published, StoreError> {
        let event = self.store.stream(stream).append(event_type, at, data).await?;
        let mut failed = Vec::new();
        for callback in self.of(stream) {
            if let Err(error) = callback(self.store.clone(), event.clone()).await {
                tracing::warn!(%stream, seq = %event.seq, %error, "subscriber failed");
                failed.push(error);
            }
        }
        Ok(Published { event, failed })
    }
}
