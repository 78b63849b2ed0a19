//! Events and values as the store keeps them, and the names they go by.

use core::fmt;
use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::error::{NameError, PayloadError};
use crate::id::check_text;
use crate::time::Timestamp;

macro_rules! name {
    ($(#[$meta:meta])* $name:ident, $kind:literal, $limit:literal) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Longest name allowed, in bytes.
            pub const LENGTH_MAX: usize = $limit;

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            fn checked(text: &str) -> Result<Self, NameError> {
                check_text($kind, text, Self::LENGTH_MAX)?;
                Ok(Self(text.into()))
            }

            /// A name that was checked before: read back from storage, or made of checked parts.
            pub(crate) fn stored(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::checked(&text).map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use name;

name!(
    /// The name of a stream. 1 to 900 bytes, no control characters, not starting with `$`.
    ///
    /// ```
    /// use boxoffice_core::persist::StreamName;
    /// assert!(StreamName::new("booking:chess@20260105T190000").is_ok());
    /// assert!(StreamName::new("$global").is_err());
    /// ```
    ///
    /// Names with `$` belong to the store itself, such as the `$global` order. They can be read like any other stream, by
    /// whoever got the name from [`Store::all_streams`](super::Store::all_streams), and no caller can make one.
    StreamName, "stream name", 900
);

impl StreamName {
    /// Whether the name belongs to the store itself.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with('$')
    }

    /// Checks `text` and wraps it.
    ///
    /// # Errors
    /// [`NameError`] when `text` is empty, too long, holds a control character or starts with `$`.
    pub fn new(text: impl AsRef<str>) -> Result<Self, NameError> {
        let text = text.as_ref();
        if text.starts_with('$') {
            let name = text.chars().take(40).collect();
            return Err(NameError::Reserved { name });
        }
        Self::checked(text)
    }
}

name!(
    /// What kind of fact an event records, such as `booking.seat_held.v1`. 1 to 64 bytes.
    EventType, "event type", 64
);

impl EventType {
    /// Checks `text` and wraps it.
    ///
    /// # Errors
    /// [`NameError`] when `text` is empty, too long or holds a control character.
    pub fn new(text: impl AsRef<str>) -> Result<Self, NameError> {
        Self::checked(text.as_ref())
    }
}

name!(
    /// The name of a value in the kv store. 1 to 1,000 bytes, no control characters.
    Key, "key", 1000
);

impl Key {
    /// Checks `text` and wraps it.
    ///
    /// # Errors
    /// [`NameError`] when `text` is empty, too long or holds a control character.
    pub fn new(text: impl AsRef<str>) -> Result<Self, NameError> {
        Self::checked(text.as_ref())
    }
}

/// The place of an event in its stream: the first event has 1. [`Seq::UNWRITTEN`] (0) stands before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// The head of a stream that was never written.
    pub const UNWRITTEN: Self = Self(0);
    /// The first event of a stream.
    pub const FIRST: Self = Self(1);

    /// The sequence number `n`.
    pub const fn new(n: u64) -> Self {
        Self(n)
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The sequence number `n` places further on.
    #[must_use]
    pub const fn plus(self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    /// The next sequence number.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The place of an event in the commit order of the whole store. Only its order has a meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Cursor(u64);

impl Cursor {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// The cursor at `position`. For authors of backends: a backend hands them out in commit order.
    pub const fn from_position(position: u64) -> Self {
        Self(position)
    }

    /// The position it was made from.
    pub const fn position(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an event or a key holds: one JSON value (RFC 8259), kept as compact text.
///
/// Two payloads are equal when their JSON values are: spaces and the order of members do not count.
///
/// ```
/// use boxoffice_core::persist::Payload;
/// let payload = Payload::new(&("ann", 2))?;
/// assert_eq!(payload.json(), r#"["ann",2]"#);
/// assert_eq!(payload.read::<(String, u32)>()?, ("ann".to_owned(), 2));
/// # Ok::<(), boxoffice_core::persist::PayloadError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Payload(Arc<str>);

impl Payload {
    /// Serialises `value`.
    ///
    /// # Errors
    /// [`PayloadError`] when `value` has no JSON form, such as a map with keys that are no strings.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, PayloadError> {
        let json = serde_json::to_string(value)
            .map_err(|error| PayloadError { wanted: "a JSON value", reason: error.to_string() })?;
        Ok(Self(json.into()))
    }

    /// Checks that `text` is one JSON value, and keeps it without its spaces. Numbers keep every digit.
    ///
    /// # Errors
    /// [`PayloadError`] when it is not; the reason names line and column.
    pub fn from_json(text: &str) -> Result<Self, PayloadError> {
        let value: &RawValue = serde_json::from_str(text)
            .map_err(|error| PayloadError { wanted: "a JSON value", reason: error.to_string() })?;
        Ok(Self::stored(&without_spaces(value.get())))
    }

    /// JSON text that needs no check: read back from storage, or put together from checked parts.
    pub(crate) fn stored(json: &str) -> Self {
        Self(json.into())
    }

    /// The JSON text.
    pub fn json(&self) -> &str {
        &self.0
    }

    /// Reads the value as a `T`.
    ///
    /// # Errors
    /// [`PayloadError`] when the value is not a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        serde_json::from_str(&self.0)
            .map_err(|error| PayloadError { wanted: core::any::type_name::<T>(), reason: error.to_string() })
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        let value = |payload: &Self| serde_json::from_str::<serde_json::Value>(&payload.0).ok();
        self.0 == other.0 || value(self).is_some_and(|own| value(other) == Some(own))
    }
}

impl Eq for Payload {}

impl Serialize for Payload {
    /// The JSON value itself, for JSON formats.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        value.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Payload {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self::stored(&without_spaces(value.get())))
    }
}

/// A payload or none, as a list of one or none in JSON: `null` is a payload like any other.
pub(crate) mod maybe {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Payload;

    #[expect(clippy::ref_option, reason = "serde asks for this shape")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<Payload>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_slice().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Payload>, D::Error> {
        Ok(Vec::deserialize(deserializer)?.pop())
    }
}

/// JSON text without the spaces between its tokens.
fn without_spaces(json: &str) -> Cow<'_, str> {
    let (mut in_string, mut escaped) = (false, false);
    let mut is_space = |byte: u8| {
        let space = !in_string && matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        in_string ^= byte == b'"' && !escaped;
        escaped = in_string && byte == b'\\' && !escaped;
        space
    };
    let (mut kept, mut from) = (String::new(), 0);
    for (at, byte) in json.bytes().enumerate() {
        // A space is one byte, so both sides are text.
        if is_space(byte) {
            kept.push_str(json.get(from..at).unwrap_or_default());
            from = at + 1;
        }
    }
    if from == 0 {
        // As we write it ourselves.
        return Cow::Borrowed(json);
    }
    kept.push_str(json.get(from..).unwrap_or_default());
    Cow::Owned(kept)
}

/// An event that is still to be appended: it has no sequence number yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// What kind of fact it is.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When its writer says it happened. The store keeps it and never looks at a clock.
    pub at: Timestamp,
    /// The fact itself.
    pub data: Payload,
}

impl NewEvent {
    /// An event of type `event_type` that happened `at`, with `data` as its payload.
    ///
    /// # Errors
    /// [`PayloadError`] when `event_type` is no event type or `data` has no JSON form.
    pub fn new<T: Serialize + ?Sized>(event_type: &str, at: Timestamp, data: &T) -> Result<Self, PayloadError> {
        let event_type = EventType::new(event_type)
            .map_err(|error| PayloadError { wanted: "an event with a valid type", reason: error.to_string() })?;
        let data = Payload::new(data)?;
        Ok(Self { event_type, at, data })
    }
}

/// An event as it stands in the store.
///
/// In JSON: `{"stream":"orders","seq":1,"cursor":1,"type":"placed","at":0,"data":{"id":7}}`, where `at` is in
/// milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedEvent {
    /// The stream it belongs to.
    pub stream: StreamName,
    /// Its place in the stream, from 1.
    pub seq: Seq,
    /// Its place in the commit order of the whole store.
    pub cursor: Cursor,
    /// What kind of fact it is.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When its writer says it happened.
    pub at: Timestamp,
    /// The fact itself.
    pub data: Payload,
}
