//! Telling everybody on a roster, page by page.

use serde::{Deserialize, Serialize};

use super::{flow_of, occurrence_name};
use crate::flow::{FlowCx, FlowError, FlowId};
use crate::id::{AttendeeId, IdError, OccurrenceId};
use crate::notify::lead::Lead;
use crate::time::Timestamp;

/// The kind of flow that tells a roster of a change.
pub const ROSTER: &str = "roster";

/// What a roster is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tell", rename_all = "snake_case", deny_unknown_fields)]
pub enum Tell {
    /// It begins soon. Those who came after the reminder was due are not told.
    Reminder {
        /// How long before.
        lead: Lead,
        /// The change of the series for which it is sent another time; 0 for the first.
        again: u64,
        /// When it was due.
        due: Timestamp,
    },
    /// It takes place at another time since this event of its series.
    Rescheduled {
        /// The event.
        seq: u64,
        /// When that was. Those who came later are not told.
        at: Timestamp,
    },
    /// It does not take place since this event of its series.
    Cancelled {
        /// The event.
        seq: u64,
        /// When that was. Those who came later are not told.
        at: Timestamp,
    },
    /// It takes place after all since this event of its series.
    Reinstated {
        /// The event.
        seq: u64,
        /// When that was. Those who came later are not told.
        at: Timestamp,
    },
}

impl Tell {
    /// Who has a seat since then or before is told.
    pub fn since_max(&self) -> Timestamp {
        match self {
            Self::Reminder { due, .. } => *due,
            Self::Rescheduled { at, .. } | Self::Cancelled { at, .. } | Self::Reinstated { at, .. } => *at,
        }
    }
}

/// Asks the performer `fan-out` to tell the next of a roster, as it is then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FanOut {
    /// Of what.
    pub occurrence: OccurrenceId,
    /// What.
    pub tell: Tell,
    /// Those behind this one, by their ids; from the first on if there is none.
    pub after: Option<AttendeeId>,
}

/// Who was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Notices that were started, one for each channel.
    pub notices: u64,
    /// People who read it in their next digest.
    pub digested: u64,
    /// People whom no channel reaches, or who do not want it.
    pub unreached: u64,
}

impl Told {
    /// Counts another page.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            notices: self.notices + other.notices,
            digested: self.digested + other.digested,
            unreached: self.unreached + other.unreached,
        }
    }
}

/// What the performer `fan-out` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FanOutPage {
    /// The last who was looked at, if there may be more behind.
    pub next: Option<AttendeeId>,
    /// Who was told.
    pub told: Told,
}

/// What a flow of the kind [`ROSTER`] is started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterInput {
    /// Of what.
    pub occurrence: OccurrenceId,
    /// What.
    pub tell: Tell,
    /// Those behind this one.
    #[serde(default)]
    pub after: Option<AttendeeId>,
    /// Who was told before.
    #[serde(default)]
    pub told: Told,
}

/// The flow that tells the roster of an occurrence of a change: one for each event of the series.
///
/// # Errors
/// [`IdError`] when the occurrence cannot be part of a key.
pub fn roster_flow(occurrence: &OccurrenceId, seq: u64) -> Result<FlowId, IdError> {
    flow_of(ROSTER, &[&occurrence_name(occurrence), &seq.to_string()])
}

pub(super) async fn roster(cx: FlowCx, input: RosterInput) -> Result<Told, FlowError> {
    let RosterInput { occurrence, tell, after, told } = input;
    let fan_out = FanOut { occurrence, tell, after };
    match tell_all(&cx, fan_out, told).await? {
        Progress::Done(told) => Ok(told),
        Progress::Far { fan_out: FanOut { occurrence, tell, after }, told } => {
            cx.continue_as_new(&RosterInput { occurrence, tell, after, told })
        }
    }
}

/// How far the telling is.
pub(super) enum Progress {
    /// All have been told.
    Done(Told),
    /// The run is long enough: the next goes on here.
    Far { fan_out: FanOut, told: Told },
}

/// Tells everybody, page by page.
pub(super) async fn tell_all(cx: &FlowCx, mut fan_out: FanOut, mut told: Told) -> Result<Progress, FlowError> {
    for page in 1_u64.. {
        cx.show(&told);
        let answer: FanOutPage = cx.request("fan-out", format!("fan-out {page}"), &fan_out).await?;
        told = told.and(answer.told);
        if answer.next.is_none() {
            break;
        }
        fan_out.after = answer.next;
        if cx.should_continue_as_new() {
            return Ok(Progress::Far { fan_out, told });
        }
    }
    Ok(Progress::Done(told))
}
