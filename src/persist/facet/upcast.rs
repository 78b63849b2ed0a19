//! Upcasters: old events lifted to the current shape when they are read, since history is never rewritten.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::persist::error::{PayloadError, StoreError};
use crate::persist::record::{EventType, Payload, RecordedEvent};

type Lift = dyn Fn(&RecordedEvent) -> Result<RecordedEvent, PayloadError> + Send + Sync;

/// A registry of upcasters by event type. Immutable: registering answers another registry.
///
/// An event that was lifted to another type is lifted again by that type's upcaster, so that a chain from `v1` to `v2`
/// to `v3` is three small functions. Upcasters must be pure.
///
/// ```
/// use boxoffice_core::persist::{Store, StreamName, Upcasters};
/// use boxoffice_core::time::Timestamp;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let upcasters = Upcasters::new().register("placed", |event| {
///     let total: serde_json::Value = event.data.read()?;
///     event.with_data(&serde_json::json!({ "amount": total["total"], "currency": "GBP" }))
/// })?;
/// let orders = Store::memory().stream(&StreamName::new("orders")?).upcast_with(&upcasters);
/// orders.append("placed", Timestamp::EPOCH, &serde_json::json!({ "total": 50 })).await?;
/// assert_eq!(orders.read().await?[0].data.read::<serde_json::Value>()?["amount"], 50);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
#[derive(Clone, Default)]
pub struct Upcasters {
    by_type: BTreeMap<EventType, Arc<Lift>>,
}

impl fmt::Debug for Upcasters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_type.keys()).finish()
    }
}

impl Upcasters {
    /// An empty registry: everything is read as it was written.
    pub fn new() -> Self {
        Self::default()
    }

    /// This registry, with `lift` for events of `event_type`.
    ///
    /// # Errors
    /// [`StoreError::Name`] when `event_type` is no event type.
    pub fn register(
        &self,
        event_type: &str,
        lift: impl Fn(&RecordedEvent) -> Result<RecordedEvent, PayloadError> + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let mut by_type = self.by_type.clone();
        by_type.insert(EventType::new(event_type)?, Arc::new(lift));
        Ok(Self { by_type })
    }

    /// Whether there is an upcaster for `event_type`.
    pub fn has(&self, event_type: &EventType) -> bool {
        self.by_type.contains_key(event_type)
    }

    /// The event in its current shape. Stream, sequence number, cursor and instant stay what they are.
    ///
    /// # Errors
    /// [`StoreError::Event`] when an upcaster could not read it.
    pub fn lift(&self, event: RecordedEvent) -> Result<RecordedEvent, StoreError> {
        let mut lifted = event;
        // Each type is lifted at most once, so that a circle ends.
        for _ in 0..self.by_type.len() {
            let Some(lift) = self.by_type.get(&lifted.event_type) else { break };
            let wrong = |reason| StoreError::Event { stream: lifted.stream.clone(), seq: lifted.seq, reason };
            let RecordedEvent { event_type, data, .. } = lift(&lifted).map_err(wrong)?;
            let done = event_type == lifted.event_type;
            lifted = RecordedEvent { event_type, data, ..lifted };
            if done {
                break;
            }
        }
        Ok(lifted)
    }

    pub(super) fn lift_all(&self, events: Vec<RecordedEvent>) -> Result<Vec<RecordedEvent>, StoreError> {
        if self.by_type.is_empty() {
            return Ok(events);
        }
        events.into_iter().map(|event| self.lift(event)).collect()
    }
}

impl RecordedEvent {
    /// The same event with another payload: what most upcasters end with.
    ///
    /// # Errors
    /// [`PayloadError`] when `data` has no JSON form.
    pub fn with_data<T: Serialize + ?Sized>(&self, data: &T) -> Result<Self, PayloadError> {
        Ok(Self { data: Payload::new(data)?, ..self.clone() })
    }

    /// The same event with the members of `fields` put into its payload, over those of the same name.
    ///
    /// # Errors
    /// [`PayloadError`] when either is no JSON object.
    pub fn with_fields<T: Serialize + ?Sized>(&self, fields: &T) -> Result<Self, PayloadError> {
        let object = |payload: &Payload| payload.read::<Map<String, Value>>();
        let mut members = object(&self.data)?;
        members.extend(object(&Payload::new(fields)?)?);
        self.with_data(&members)
    }
}
