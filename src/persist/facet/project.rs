//! Projections: a stream folded into a value, whole or from where the last fold ended; saved, and compacted.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::snapshot::{load_snapshot, save_snapshot, snapshot_key, snapshot_seq};
use super::store::Store;
use super::stream::Stream;
use crate::persist::error::{Fault, StoreError};
use crate::persist::record::{RecordedEvent, Seq};

/// A value folded from a stream, and the last event folded into it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projected<T> {
    /// The value.
    pub value: T,
    /// The last event folded; [`Seq::UNWRITTEN`] when none was.
    pub seq: Seq,
}

impl<T> Projected<T> {
    /// The value before the first event.
    pub fn seed(value: T) -> Self {
        Self { value, seq: Seq::UNWRITTEN }
    }
}

/// Folding. A step must be pure: the instant is on the event, and there is no clock.
///
/// ```
/// use boxoffice_core::persist::{Store, StreamName};
/// use boxoffice_core::time::Timestamp;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let sales = Store::memory().stream(&StreamName::new("sales")?);
/// sales.append("sale", Timestamp::EPOCH, &10).await?;
/// let sum = |sum: &mut i64, sale: &boxoffice_core::persist::RecordedEvent| *sum += sale.data.read::<i64>().unwrap_or(0);
/// let earlier = sales.project(0, sum).await?;
///
/// sales.append("sale", Timestamp::EPOCH, &25).await?;
/// // Reads the new event and nothing else.
/// assert_eq!(sales.resume(earlier, sum).await?.value, 35);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
impl Stream {
    /// Folds the whole stream.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed, an event could not be lifted or the front of the stream was truncated.
    pub async fn project<T>(
        &self,
        seed: T,
        step: impl FnMut(&mut T, &RecordedEvent),
    ) -> Result<Projected<T>, StoreError> {
        self.resume(Projected::seed(seed), step).await
    }

    /// Folds the events after those that `prior` knows. Reads only those.
    ///
    /// # Errors
    /// As [`Stream::project`].
    pub async fn resume<T>(
        &self,
        prior: Projected<T>,
        mut step: impl FnMut(&mut T, &RecordedEvent),
    ) -> Result<Projected<T>, StoreError> {
        let Projected { mut value, mut seq } = prior;
        self.not_truncated(seq.next()).await?;
        let mut pages = self.pages(seq.next());
        while let Some(page) = pages.next().await? {
            for event in &page {
                if event.seq != seq.next() {
                    // Truncated between two pages, or a gap.
                    self.not_truncated(seq.next()).await?;
                    let place = format!("stream {} at seq {}", self.name(), seq.next());
                    return Err(Fault::corrupt(place, "is missing").into());
                }
                step(&mut value, event);
                seq = event.seq;
            }
        }
        Ok(Projected { value, seq })
    }

    /// Folds the events after the snapshot `name`, or all of them when there is none. Saves nothing.
    ///
    /// # Errors
    /// As [`Stream::project`].
    pub async fn replay<T: DeserializeOwned>(
        &self,
        name: &str,
        seed: T,
        step: impl FnMut(&mut T, &RecordedEvent),
    ) -> Result<Projected<T>, StoreError> {
        let prior = self.store().load_snapshot(name, seed).await?;
        self.resume(prior, step).await
    }

    /// [`Stream::replay`], and saves what comes of it as the snapshot `name`.
    ///
    /// # Errors
    /// As [`Stream::project`], and when the value has no JSON form or is over a limit.
    pub async fn checkpoint<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        seed: T,
        step: impl FnMut(&mut T, &RecordedEvent),
    ) -> Result<Projected<T>, StoreError> {
        let saved = load_snapshot(&**self.store().backend(), name).await?;
        let before = saved.as_ref().map(|saved| saved.seq);
        let state = self.resume(saved.unwrap_or_else(|| Projected::seed(seed)), step).await?;
        if before.is_none_or(|before| state.seq > before) {
            self.store().save_snapshot(name, &state).await?;
        }
        Ok(state)
    }

    /// How many events were appended since the snapshot `name`.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn uncompacted(&self, name: &str) -> Result<u64, StoreError> {
        let saved = snapshot_seq(&**self.store().backend(), name).await?;
        Ok(self.last_seq().await?.get().saturating_sub(saved.get()))
    }

    /// Whether `every` events or more were appended since the snapshot `name`.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn should_compact(&self, name: &str, every: u64) -> Result<bool, StoreError> {
        Ok(self.uncompacted(name).await? >= every)
    }

    /// Saves a snapshot and then drops the events in it. Sequence numbers go on climbing. Other projections of the
    /// stream that have not folded those events will say so.
    ///
    /// # Errors
    /// As [`Stream::checkpoint`]. Nothing is dropped unless the snapshot was saved.
    pub async fn compact<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        seed: T,
        step: impl FnMut(&mut T, &RecordedEvent),
    ) -> Result<Projected<T>, StoreError> {
        let state = self.checkpoint(name, seed, step).await?;
        self.truncate(state.seq).await?;
        Ok(state)
    }

    /// [`Stream::compact`] if [`Stream::should_compact`]; else the snapshot as it is.
    ///
    /// # Errors
    /// As [`Stream::compact`].
    pub async fn maybe_compact<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        seed: T,
        step: impl FnMut(&mut T, &RecordedEvent),
        every: u64,
    ) -> Result<Projected<T>, StoreError> {
        if self.should_compact(name, every).await? {
            return self.compact(name, seed, step).await;
        }
        self.store().load_snapshot(name, seed).await
    }
}

impl Store {
    /// The snapshot `name`, or `seed` before the first event when there is none that can be read as a `T`: the events
    /// are the truth.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed.
    pub async fn load_snapshot<T: DeserializeOwned>(&self, name: &str, seed: T) -> Result<Projected<T>, StoreError> {
        Ok(load_snapshot(&**self.backend(), name).await?.unwrap_or_else(|| Projected::seed(seed)))
    }

    /// Saves `state` as the snapshot `name`, in place of an earlier one.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed, or the value has no JSON form or is over a limit.
    pub async fn save_snapshot<T: Serialize>(&self, name: &str, state: &Projected<T>) -> Result<(), StoreError> {
        save_snapshot(&**self.backend(), name, state).await
    }

    /// Whether there is a snapshot `name`.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed or the name is too long.
    pub async fn snapshot_exists(&self, name: &str) -> Result<bool, StoreError> {
        self.has(&snapshot_key(name)?).await
    }
}
