//! Series and agendas: the actor that keeps them, and the way to it.

mod actor;
mod api;
mod door;

pub use api::AttendeeAgenda;
pub(crate) use door::Planner;

use std::collections::BTreeMap;
use std::sync::Arc;

use boxoffice_core::id::SeriesId;
use boxoffice_core::persist::{Fault, Seq};
use boxoffice_core::schedule::{Orphan, Series, SeriesOutcome};

/// What became of a command on a series.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleReply {
    /// What it came to.
    pub outcome: SeriesOutcome,
    /// The event that explains it: see [`SeriesReply`](boxoffice_core::schedule::SeriesReply).
    pub seq: Seq,
    /// Seats taken of occurrences that took place before the command and do not after it. The seats are still there:
    /// it is for the host to tell those who have them, and to cancel or to move them.
    pub orphaned: Vec<Orphan>,
}

/// All series, by id; one whose stream cannot be read is there with the reason.
pub(crate) type Shelf = BTreeMap<SeriesId, Result<Arc<Series>, Fault>>;
