//! Events of the host's own types, over the untyped log.

use crate::persist::error::{PayloadError, StoreError};
use crate::persist::record::{NewEvent, Payload, RecordedEvent};
use crate::time::Timestamp;

/// A type of the host's whose values are recorded as events.
///
/// The names are constants that outlive a rename in the code, so they are spelled out. A new shape of an event is a new
/// name and an upcaster, see [`Upcasters`](super::Upcasters).
///
/// ```
/// use boxoffice_core::persist::{Payload, PayloadError, Store, StreamName, TypedEvent};
/// use boxoffice_core::time::Timestamp;
///
/// #[derive(Debug, PartialEq)]
/// enum Door { Opened { by: String }, Closed }
///
/// impl TypedEvent for Door {
///     fn event_type(&self) -> &'static str {
///         match self { Door::Opened { .. } => "door.opened.v1", Door::Closed => "door.closed.v1" }
///     }
///     fn payload(&self) -> Result<Payload, PayloadError> {
///         match self { Door::Opened { by } => Payload::new(by), Door::Closed => Payload::new(&()) }
///     }
///     fn from_payload(event_type: &str, data: &Payload) -> Result<Option<Self>, PayloadError> {
///         Ok(match event_type {
///             "door.opened.v1" => Some(Door::Opened { by: data.read()? }),
///             "door.closed.v1" => Some(Door::Closed),
///             _ => None,
///         })
///     }
/// }
///
/// # futures_util::FutureExt::now_or_never(async {
/// let door = Store::memory().stream(&StreamName::new("door")?);
/// door.append_typed(Timestamp::EPOCH, &Door::Opened { by: "ann".into() }).await?;
/// let events = door.read().await?;
/// assert_eq!(events[0].typed::<Door>()?, Some(Door::Opened { by: "ann".into() }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
pub trait TypedEvent: Sized {
    /// The name under which it is recorded.
    fn event_type(&self) -> &'static str;

    /// What is recorded.
    ///
    /// # Errors
    /// [`PayloadError`] when it has no JSON form.
    fn payload(&self) -> Result<Payload, PayloadError>;

    /// The value that was recorded; none when events of that name are not of this type.
    ///
    /// # Errors
    /// [`PayloadError`] when the payload is not what the name promises.
    fn from_payload(event_type: &str, data: &Payload) -> Result<Option<Self>, PayloadError>;

    /// The event to append.
    ///
    /// # Errors
    /// [`PayloadError`] when the name is no event type or the value has no JSON form.
    fn to_new_event(&self, at: Timestamp) -> Result<NewEvent, PayloadError> {
        let event = NewEvent::new::<()>(self.event_type(), at, &())?;
        Ok(NewEvent { data: self.payload()?, ..event })
    }
}

impl RecordedEvent {
    /// The event as the host's own type; none when it is of another.
    ///
    /// # Errors
    /// [`StoreError::Event`], with its place, when the payload is not what its name promises.
    pub fn typed<E: TypedEvent>(&self) -> Result<Option<E>, StoreError> {
        E::from_payload(self.event_type.as_str(), &self.data).map_err(|reason| self.unreadable(reason))
    }

    /// That this event cannot be read, and why.
    pub fn unreadable(&self, reason: PayloadError) -> StoreError {
        StoreError::Event { stream: self.stream.clone(), seq: self.seq, reason }
    }
}
