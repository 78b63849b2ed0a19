//! The programs of notices: what waits until something is due, and asks for it to be done.

mod deliver;
mod digest;
mod lapse;
mod reminder;
mod roster;
mod series_change;

pub use deliver::*;
pub use digest::{Collect, DIGEST, DigestAsk, DigestInput, DigestNext, DigestPart, digest_flow, digest_stream};
pub use lapse::{HoldAsk, HoldLook, LAPSE, LapseEnd, LapseInput, lapse_flow};
pub use reminder::{
    Look, LookAsk, REMINDER, ReminderEnd, ReminderInput, Stands, Telling, reminder_flow, reminder_prefix,
    reminder_second_flow,
};
pub use roster::{FanOut, FanOutPage, ROSTER, RosterInput, Tell, Told, roster_flow};
pub use series_change::{SERIES_CHANGE, SeriesAsk, SeriesChangeInput, SeriesPage, series_change_flow};

use super::names::name_of;
use crate::flow::{FlowId, FlowKind, Program};
use crate::id::{IdError, OccurrenceId};

/// The signal by which a flow is told to look again.
pub const CHANGED: &str = "changed";

/// Longest name of an occurrence or a series within the key of a flow.
const NAME_MAX: usize = 300;

/// The programs of this room, but for that which delivers.
///
/// # Errors
/// [`IdError`] never: their names are right.
pub fn programs() -> Result<Vec<Program>, IdError> {
    Ok(vec![
        Program::new(REMINDER, 1, reminder::reminder)?,
        Program::new(ROSTER, 1, roster::roster)?,
        Program::new(LAPSE, 1, lapse::lapse)?,
        Program::new(DIGEST, 1, digest::digest)?,
        Program::new(SERIES_CHANGE, 1, series_change::series_change)?,
    ])
}

/// The flow of a kind whose key is made of parts.
fn flow_of(kind: &str, parts: &[&str]) -> Result<FlowId, IdError> {
    FlowId::new(FlowKind::new(kind)?, name_of(parts, FlowId::KEY_LENGTH_MAX))
}

/// An occurrence within the key of a flow.
fn occurrence_name(occurrence: &OccurrenceId) -> String {
    short_name(&occurrence.to_string())
}

/// A name within the key of a flow: itself, or a hash where it is long or has a `/`.
fn short_name(text: &str) -> String {
    let is_plain = text.len() <= NAME_MAX && !text.contains('/');
    if is_plain { text.to_owned() } else { name_of(&["", text], 0).replace('/', "#") }
}
