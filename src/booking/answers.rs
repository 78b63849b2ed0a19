//! Answers that are kept under the caller's key, so that a command that is asked again is not carried out again.
//!
//! An answer is written in the transaction that makes it true, refusals too, and is kept as long as the store. Its place is
//! the key `answer/` followed by SHA-256 (64 hexadecimal digits) of the booking stream's name, a line break and the
//! caller's key. Its value is `{"body":...,"reply":...}`: SHA-256 of the command as JSON, and the reply.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::attempt::booking_stream;
use super::chain::ChainHash;
use super::command::BookingCommand;
use super::outcome::BookingOutcome;
use super::reply::BookingReply;
use crate::id::OccurrenceId;
use crate::persist::{Backend, Fault, IdempotencyKey, Key, Payload, StreamName};
use crate::seating::Place;

/// Longest answer that is kept whole, in bytes. Of one that is longer, the reasons of a denial and warnings are left out, and
/// so are the attendee's places and those that could be had instead; of those that could not only a few are kept.
const ANSWER_MAX: usize = 3_500;
const PLACES_KEPT: usize = 20;

#[derive(Serialize, Deserialize)]
struct Kept {
    body: ChainHash,
    reply: BookingReply,
}

/// Whether an outcome is an answer, and not a word between the owner and whoever asks for the caller.
pub(super) fn is_final(outcome: &BookingOutcome) -> bool {
    !matches!(
        outcome,
        BookingOutcome::Unchecked
            | BookingOutcome::Recall
            | BookingOutcome::Conflict { .. }
            | BookingOutcome::KeyReused
    )
}

/// Where the answer to a command under `key` is kept.
pub(super) fn place(stream: &StreamName, key: &IdempotencyKey) -> Key {
    let digest = hash(&[stream.as_str(), "\n", key.as_str()]);
    Key::stored(&format!("answer/{digest}"))
}

fn hash(parts: &[&str]) -> ChainHash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    ChainHash::of(hash.finalize().into())
}

fn body(command: &BookingCommand) -> ChainHash {
    hash(&[&serde_json::to_value(command).unwrap_or_default().to_string()])
}

pub(super) fn to_payload(command: &BookingCommand, reply: &BookingReply) -> Payload {
    let write = |reply: BookingReply| {
        let kept = Kept { body: body(command), reply };
        serde_json::to_value(&kept).unwrap_or_default().to_string()
    };
    let whole = write(reply.clone());
    if whole.len() <= ANSWER_MAX {
        return Payload::stored(&whole);
    }
    let (warnings, places) = ([].into(), BTreeSet::new());
    Payload::stored(&write(BookingReply { outcome: shortened(&reply.outcome), warnings, places, ..reply.clone() }))
}

/// The outcome without what may make it long.
fn shortened(outcome: &BookingOutcome) -> BookingOutcome {
    let few = |places: &BTreeSet<Place>| places.iter().take(PLACES_KEPT).cloned().collect();
    let mut short = outcome.clone();
    if let BookingOutcome::Denied { reasons, .. } = &mut short {
        *reasons = [].into();
    }
    if let BookingOutcome::PlacesTaken { places, nearest } | BookingOutcome::LeavesSingle { places, nearest } =
        &mut short
    {
        (*places, *nearest) = (few(places), BTreeSet::new());
    }
    short
}

/// The answer that was given to `command` under `key`, if any was: [`BookingOutcome::KeyReused`] if it was another command.
///
/// # Errors
/// [`Fault`] when storage failed or the answer is not readable.
pub async fn recall(
    backend: &dyn Backend,
    occurrence: &OccurrenceId,
    key: &IdempotencyKey,
    command: &BookingCommand,
) -> Result<Option<BookingReply>, Fault> {
    let place = place(&booking_stream(occurrence), key);
    let Some(kept) = backend.get(&place).await? else { return Ok(None) };
    let kept: Kept = kept.read().map_err(|error| Fault::corrupt(format!("key {place}"), error.to_string()))?;
    if kept.body == body(command) {
        return Ok(Some(kept.reply));
    }
    Ok(Some(kept.reply.key_reused()))
}
