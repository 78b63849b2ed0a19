//! Materialised views: a projection with a name, kept current, that is read without folding anything.

use core::fmt;
use std::sync::{Arc, RwLock};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::project::Projected;
use super::store::Store;
use crate::persist::contents::PAGE;
use crate::persist::error::{Fault, StoreError};
use crate::persist::record::{RecordedEvent, Seq, StreamName};

type Step<T> = dyn Fn(&mut T, &RecordedEvent) + Send + Sync;

/// A stream folded into a value that is held in memory and saved as a snapshot. Cheap to clone; clones are one view.
///
/// [`View::peek`] answers the value as of the last refresh, in nanoseconds. Attached to a [`Hub`](super::Hub) the view is
/// refreshed with every event that is published, so that it is never behind. [`View::value`] folds the tail first and is
/// never behind, attached or not.
///
/// ```
/// use boxoffice_core::persist::{Hub, RecordedEvent, Store, StreamName, View};
/// use boxoffice_core::time::Timestamp;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let (store, orders) = (Store::memory(), StreamName::new("orders")?);
/// let count = View::open(&store, "order-count", &orders, 0_u64, |count, _: &RecordedEvent| *count += 1).await?;
/// let hub = Hub::new(&store);
/// count.attach(&hub).await?;
/// hub.publish(&orders, "placed", Timestamp::EPOCH, &7).await?;
/// assert_eq!(*count.peek(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
pub struct View<T> {
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    store: Store,
    name: String,
    stream: StreamName,
    step: Box<Step<T>>,
    save_every: u64,
    state: RwLock<State<T>>,
}

struct State<T> {
    value: Arc<T>,
    seq: Seq,
    saved: Seq,
}

impl<T> Clone for View<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T> fmt::Debug for View<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, stream) = (&self.inner.name, &self.inner.stream);
        f.debug_struct("View").field("name", name).field("stream", stream).finish_non_exhaustive()
    }
}

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> View<T> {
    /// The view `name` over `stream`, as its snapshot was saved last; `seed` when it never was. Folds nothing yet.
    ///
    /// `step` must be pure.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed or the name is too long.
    pub async fn open(
        store: &Store,
        name: &str,
        stream: &StreamName,
        seed: T,
        step: impl Fn(&mut T, &RecordedEvent) + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        super::snapshot::snapshot_key(name)?;
        let Projected { value, seq } = store.load_snapshot(name, seed).await?;
        let state = RwLock::new(State { value: Arc::new(value), seq, saved: seq });
        let (name, stream, step) = (name.to_owned(), stream.clone(), Box::new(step));
        let inner = Inner { store: store.clone(), name, stream, step, save_every: 1, state };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Saves the snapshot only after so many events, which spares the disk for a large value: what was not saved is
    /// folded again after a restart. At least 1. Default: 1.
    #[must_use]
    pub fn save_every(mut self, events: u64) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.save_every = events.max(1);
        }
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The stream that it folds.
    pub fn stream(&self) -> &StreamName {
        &self.inner.stream
    }

    /// The value as of the last refresh. Touches neither storage nor the events.
    pub fn peek(&self) -> Arc<T> {
        // A step that panicked left the value as it was before some event, with the sequence number of that.
        let state = self.inner.state.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(&state.value)
    }

    /// The last event in the value that [`View::peek`] answers.
    pub fn seq(&self) -> Seq {
        self.inner.state.read().unwrap_or_else(std::sync::PoisonError::into_inner).seq
    }

    /// The value as of now: folds the tail first.
    ///
    /// # Errors
    /// As [`View::refresh`].
    pub async fn value(&self) -> Result<Arc<T>, StoreError> {
        self.refresh().await?;
        Ok(self.peek())
    }

    /// Folds the events since the last refresh, and saves the snapshot if it is time.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed, those events were truncated, or the value is over a limit.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let Inner { store, name, stream, save_every, .. } = &*self.inner;
        let stream = store.stream(stream);
        loop {
            let next = self.seq().next();
            let page = stream.read_page(next, PAGE).await?;
            let Some(first) = page.first() else {
                stream.not_truncated(next).await?;
                break;
            };
            if first.seq > next {
                stream.not_truncated(next).await?;
                let place = format!("stream {} at seq {next}", stream.name());
                return Err(Fault::corrupt(place, "is missing").into());
            }
            self.fold(&page)?;
            // After a gap inside of the page, before which the fold has stopped, the next look meets it first.
            if page.len() < PAGE && page.last().is_some_and(|last| self.seq() >= last.seq) {
                break;
            }
        }
        let due = {
            let state = self.lock()?;
            let due = state.seq.get().saturating_sub(state.saved.get()) >= *save_every;
            due.then(|| Projected { value: Arc::clone(&state.value), seq: state.seq })
        };
        if let Some(Projected { value, seq }) = due {
            store.save_snapshot(name, &Projected { value: &*value, seq }).await?;
            let mut state = self.lock()?;
            state.saved = state.saved.max(seq);
        }
        Ok(())
    }

    /// Folds what follows the value; what another refresh has folded meanwhile is passed over.
    fn fold(&self, page: &[RecordedEvent]) -> Result<(), StoreError> {
        let mut state = self.lock()?;
        let State { value, seq, .. } = &mut *state;
        // Copies the value only if somebody still holds what a peek answered.
        let current = Arc::make_mut(value);
        for event in page {
            if event.seq == seq.next() {
                (self.inner.step)(current, event);
                *seq = event.seq;
            }
        }
        Ok(())
    }

    fn lock(&self) -> Result<std::sync::RwLockWriteGuard<'_, State<T>>, StoreError> {
        let poisoned = || Fault::Poisoned { reason: format!("a step of view {} panicked", self.inner.name).into() };
        self.inner.state.write().map_err(|_| poisoned().into())
    }

    /// Refreshes now and with every event that `hub` publishes to the stream.
    ///
    /// # Errors
    /// As [`View::refresh`].
    pub async fn attach(&self, hub: &super::Hub) -> Result<(), StoreError> {
        let view = self.clone();
        hub.subscribe(&self.inner.stream, move |_, _| {
            let view = view.clone();
            async move { view.refresh().await }
        });
        self.refresh().await
    }
}
