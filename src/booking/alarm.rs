//! When an occurrence is to be looked at though nobody asks: its next hold lapses, and those who wait may be served.
//!
//! The next deadline is kept under the key `due/` followed by the occurrence, as a number of milliseconds since 1970, and is
//! written in the transaction that moves it. So an owner need not stay in memory to let a hold lapse, and after a restart
//! nobody has to read all streams to find out what is due.

use super::attempt::occurrence_text;
use crate::id::OccurrenceId;
use crate::persist::{Backend, Fault, Key, KvWrite, Payload, StreamName};
use crate::time::Timestamp;

const PREFIX: &str = "due/";

fn place(booking: &StreamName) -> Key {
    Key::stored(&format!("{PREFIX}{}", occurrence_text(booking)))
}

/// Sets the alarm of a booking stream, or takes it away.
pub(super) fn set(booking: &StreamName, due: Option<Timestamp>) -> KvWrite {
    match due {
        Some(due) => KvWrite::Put(place(booking), Payload::stored(&due.as_millis().to_string())),
        None => KvWrite::Delete(place(booking)),
    }
}

/// The next `limit` alarms in the order of the occurrences' ids as texts, those of owners: an occurrence that was booked past them,
/// by [`run`](super::run), has none.
///
/// # Errors
/// [`Fault`] when storage failed or an alarm is not readable.
pub async fn alarms(
    backend: &dyn Backend,
    after: Option<&OccurrenceId>,
    limit: usize,
) -> Result<Vec<(OccurrenceId, Timestamp)>, Fault> {
    let after = after.map(|occurrence| Key::stored(&format!("{PREFIX}{occurrence}")));
    let found = backend.scan(PREFIX, after.as_ref(), limit).await?;
    found.iter().map(|(key, due)| read(key, due)).collect()
}

fn read(key: &Key, due: &Payload) -> Result<(OccurrenceId, Timestamp), Fault> {
    let corrupt = |reason: String| Fault::corrupt(format!("key {key}"), reason);
    let occurrence = key.as_str().strip_prefix(PREFIX).unwrap_or_default();
    let occurrence = occurrence.parse().map_err(|error: crate::id::IdError| corrupt(error.to_string()))?;
    let millis: i64 = due.read().map_err(|error| corrupt(error.to_string()))?;
    Ok((occurrence, Timestamp::from_millis(millis)))
}
