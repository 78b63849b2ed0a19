//! What a seat is given on beside the ledger: the terms of its series, and what its policies said.
//!
//! Policies look beyond one occurrence: at the attendee's other bookings, at rules, at facts of the host. They are answered
//! elsewhere, before the command reaches its owner. So that the answer still holds when the seat is taken, the
//! transaction demands that what it rests on has not moved. The attendee's agenda is the lock between two bookings of one
//! attendee: each that policies allow is entered there, in the transaction that takes the seat.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::attempt::{PAGE, occurrence_text};
use crate::id::{AttendeeId, OccurrenceId};
use crate::persist::{Backend, Cursor, EventType, Fault, NewEvent, Payload, RecordedEvent, Seq, StreamName};
use crate::time::Timestamp;

const PREFIX: &str = "agenda:";
const ENTERED: &str = "agenda.seat_taken.v1";

/// What the definition of an occurrence says of its bookings, and where it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Where the definition is recorded.
    pub stream: StreamName,
    /// As of which of its events.
    pub seq: Seq,
    /// Whether it names policies, so that nobody gets a seat without a [`Verdict`].
    pub policies: bool,
}

/// Why policies let an attendee have a seat: where the streams stood that the answer rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grounds {
    /// Of the attendee's own agenda, [`agenda_stream`].
    pub agenda: Seq,
    /// Of others, such as that of the rules.
    pub others: Vec<(StreamName, Seq)>,
    /// What they allow it in spite of.
    pub warnings: Arc<[Arc<str>]>,
}

/// What policies said of a seat for an attendee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They allow it.
    Allowed(Grounds),
    /// They forbid it.
    Denied {
        /// Why, sorted.
        reasons: Arc<[Arc<str>]>,
        /// All recorded events up to this one were taken into account.
        cursor: Cursor,
    },
}

/// The stream of the seats that an attendee took under policies: `agenda:` and the attendee's id.
pub fn agenda_stream(attendee: &AttendeeId) -> StreamName {
    StreamName::stored(&format!("{PREFIX}{attendee}"))
}

/// The occurrences whose seats the attendee took under policies, in the order of the bookings, each with its instant. What
/// became of them since is in their own streams.
///
/// # Errors
/// [`Fault`] when storage failed or an event is not readable.
pub async fn agenda(backend: &dyn Backend, attendee: &AttendeeId) -> Result<Vec<(OccurrenceId, Timestamp)>, Fault> {
    let stream = agenda_stream(attendee);
    let mut taken = Vec::new();
    loop {
        let from = Seq::FIRST.plus(taken.len() as u64);
        let page = backend.read(&stream, from, PAGE).await?;
        for event in &page {
            taken.push((decode(event)?, event.at));
        }
        if page.len() < PAGE {
            return Ok(taken);
        }
    }
}

#[derive(Deserialize)]
struct SeatTaken {
    occurrence: OccurrenceId,
}

/// `{"occurrence":"chess@20260105T190000"}`
pub(super) fn encode(at: Timestamp, booking: &StreamName) -> NewEvent {
    let occurrence = occurrence_text(booking);
    let data = format!(r#"{{"occurrence":{}}}"#, serde_json::Value::from(occurrence));
    NewEvent { event_type: EventType::stored(ENTERED), at, data: Payload::stored(&data) }
}

fn decode(recorded: &RecordedEvent) -> Result<OccurrenceId, Fault> {
    let corrupt = |reason: String| Fault::corrupt(format!("{} of stream {}", recorded.seq, recorded.stream), reason);
    if recorded.event_type.as_str() != ENTERED {
        return Err(corrupt(format!("unknown type {:?}", recorded.event_type.as_str())));
    }
    let taken: SeatTaken = recorded.data.read().map_err(|error| corrupt(error.to_string()))?;
    Ok(taken.occurrence)
}

impl Grounds {
    /// Whether the answer rests on one of these streams.
    pub(super) fn rest_on(&self, attendee: &AttendeeId, moved: &BTreeSet<StreamName>) -> bool {
        moved.contains(&agenda_stream(attendee)) || self.others.iter().any(|(stream, _)| moved.contains(stream))
    }
}
