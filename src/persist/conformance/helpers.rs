//! What checks are written with.

use core::fmt;

use serde_json::Value;

use crate::persist::error::{Fault, NameError, PayloadError, StoreError};
use crate::persist::facet::{Store, Stream};
use crate::persist::{
    Backend, CommitOutcome, Expect, IdempotencyKey, Key, NewEvent, Payload, RecordedEvent, Seq, StreamName,
    Transaction, Written,
};
use crate::time::Timestamp;

/// Why a check failed: a broken promise or a fault.
#[derive(Debug)]
pub(super) struct Broken(pub(super) String);

pub(super) type Checked = Result<(), Broken>;

macro_rules! broken_from {
    ($($error:ty),*) => {$(
        impl From<$error> for Broken {
            fn from(error: $error) -> Self {
                Self(format!("error: {error}"))
            }
        }
    )*};
}
broken_from!(Fault, StoreError, NameError, PayloadError, String);

// What the checks of the reference are written with: they name streams by texts and hardly care for times.

/// The found and the wanted thing are the same.
#[expect(clippy::needless_pass_by_value, reason = "checks read better so")]
pub(super) fn same<T: PartialEq + fmt::Debug>(found: T, wanted: T) -> Checked {
    ensure("value", &found, &wanted)
}

/// The stream `name` of a store.
pub(super) fn at(store: &Store, name: &str) -> Stream {
    store.stream(&stream(name))
}

/// Appends an event of type `x` at instant 0 with `{}`.
pub(super) async fn x(store: &Store, name: &str) -> Result<RecordedEvent, Broken> {
    typed(store, name, "x", 0, serde_json::json!({})).await
}

/// Appends so many of them.
pub(super) async fn xs(store: &Store, name: &str, count: usize) -> Checked {
    for _ in 0..count {
        x(store, name).await?;
    }
    Ok(())
}

/// Appends an event.
pub(super) async fn typed(
    store: &Store,
    name: &str,
    event_type: &str,
    millis: i64,
    data: Value,
) -> Result<RecordedEvent, Broken> {
    Ok(at(store, name).append(event_type, instant(millis), &data).await?)
}

pub(super) fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// An event of type `event_type` at instant 0.
#[expect(clippy::needless_pass_by_value, reason = "checks read better so")]
pub(super) fn new(event_type: &str, data: Value) -> Result<NewEvent, Broken> {
    Ok(NewEvent::new(event_type, instant(0), &data)?)
}

/// A member of an event's payload.
pub(super) fn member(event: &RecordedEvent, name: &str) -> Result<Value, Broken> {
    let data: Value = event.data.read()?;
    Ok(data.get(name).cloned().unwrap_or(Value::Null))
}

/// The `place`th of some events.
pub(super) fn nth(events: &[RecordedEvent], place: usize) -> Result<&RecordedEvent, Broken> {
    events.get(place).ok_or_else(|| Broken(format!("there are {} events, the one at {place} is missing", events.len())))
}

/// Counts events.
pub(super) fn count(value: &mut u64, _: &RecordedEvent) {
    *value += 1;
}

/// Adds up a member of the payloads.
pub(super) fn sum_of(name: &'static str) -> impl Fn(&mut i64, &RecordedEvent) + Send + Sync + Clone + 'static {
    move |sum, event| *sum += member(event, name).ok().and_then(|value| value.as_i64()).unwrap_or(0)
}

// What the checks of the contract are written with.

pub(super) fn ensure<T: PartialEq + fmt::Debug>(what: &str, found: &T, wanted: &T) -> Checked {
    if found == wanted { Ok(()) } else { Err(Broken(format!("{what}: found {found:?}, wanted {wanted:?}"))) }
}

pub(super) fn stream(name: &str) -> StreamName {
    StreamName::stored(name)
}

pub(super) fn key(name: &str) -> Key {
    Key::stored(name)
}

pub(super) fn json(text: &str) -> Payload {
    Payload::stored(text)
}

pub(super) fn once(name: &str) -> Result<IdempotencyKey, Broken> {
    IdempotencyKey::new(name).map_err(Broken::from)
}

pub(super) fn event(n: i64) -> NewEvent {
    NewEvent {
        event_type: crate::persist::EventType::stored("counted"),
        at: Timestamp::from_millis(n * 1_000),
        data: json(&format!("{{\"n\":{n}}}")),
    }
}

pub(super) fn events(count: i64) -> Vec<NewEvent> {
    (1..=count).map(event).collect()
}

pub(super) async fn append(store: &dyn Backend, name: &str, count: i64) -> Result<CommitOutcome, Fault> {
    store.commit_one(Transaction::append(&stream(name), Expect::Any, events(count))).await
}

pub(super) fn done(outcome: &CommitOutcome) -> Checked {
    if outcome.is_done() { Ok(()) } else { Err(Broken(format!("found {outcome:?}, wanted Done"))) }
}

pub(super) fn seqs(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.seq.get()).collect()
}

pub(super) fn wrote(first: u64, last: u64) -> Written {
    Written { first: Seq::new(first), last: Seq::new(last) }
}
