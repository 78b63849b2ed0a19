//! One reminder of one occurrence, for all who attend: waits until it is due, whatever becomes of the occurrence meanwhile.

use serde::{Deserialize, Serialize};

use super::roster::{FanOut, Progress, Tell, Told, tell_all};
use super::{CHANGED, flow_of, occurrence_name};
use crate::flow::{FlowCx, FlowError, FlowId, select};
use crate::id::{AttendeeId, IdError, OccurrenceId};
use crate::notify::happening::Happening;
use crate::notify::lead::Lead;
use crate::time::Timestamp;

/// The kind of flow that reminds of an occurrence.
pub const REMINDER: &str = "reminder";

/// A reminder that is due after the start is sent for so many milliseconds.
const AFTERWARDS_MILLIS: i64 = 86_400_000;

/// What a flow of the kind [`REMINDER`] is started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReminderInput {
    /// Of what.
    pub occurrence: OccurrenceId,
    /// How long before.
    pub lead: Lead,
    /// The event of the series since which people are to be reminded once more; 0 for the first reminder.
    #[serde(default)]
    pub again: u64,
    /// How far it is, once it is due.
    #[serde(default)]
    pub telling: Option<Telling>,
}

/// How far the telling is when a run ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telling {
    due: Timestamp,
    after: Option<AttendeeId>,
    told: Told,
}

/// Asks the performer `occurrence` when a reminder is due, as of now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookAsk {
    /// Of which occurrence.
    pub occurrence: OccurrenceId,
    /// Which reminder.
    pub lead: Lead,
}

/// Where an occurrence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// It takes place.
    Stands,
    /// It is cancelled.
    Cancelled,
    /// Its series has no such occurrence, or nobody can say.
    Gone,
}

/// What the performer `occurrence` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// Where it stands.
    pub standing: Stands,
    /// When it starts; the epoch if it is gone.
    pub start: Timestamp,
    /// When it ends, not included.
    pub end: Timestamp,
    /// When the reminder is due; none if there is none any more.
    pub due: Option<Timestamp>,
}

impl Look {
    /// What there is to say of an occurrence, or of none.
    pub fn of(found: Option<&Happening>, lead: Lead, default: &[Lead]) -> Self {
        let Some(found) = found else {
            return Self { standing: Stands::Gone, start: Timestamp::EPOCH, end: Timestamp::EPOCH, due: None };
        };
        let standing = if found.is_cancelled() { Stands::Cancelled } else { Stands::Stands };
        let window = found.window();
        Self { standing, start: window.start, end: window.end, due: found.due(lead, default) }
    }

    /// When it is too late for a reminder that is due at `due`: at the start; for one that is due after it, at the end; for one
    /// that is due after that, a day later.
    pub fn too_late(&self, due: Timestamp) -> Timestamp {
        let next_day = Timestamp::from_millis(due.as_millis().saturating_add(AFTERWARDS_MILLIS));
        [self.start, self.end].into_iter().find(|at| *at > due).unwrap_or(next_day)
    }
}

/// How a reminder ended.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reminder", rename_all = "snake_case")]
pub enum ReminderEnd {
    /// Everybody who attends was told.
    Sent {
        /// When it was due.
        due: Timestamp,
        /// Who was told.
        told: Told,
    },
    /// It was too late: the occurrence had begun.
    Missed {
        /// When it was due.
        due: Timestamp,
    },
    /// The time to send it another time was over when the occurrence was moved.
    Past {
        /// When it was due.
        due: Timestamp,
    },
    /// The occurrence does not take place.
    Cancelled,
    /// There is no such occurrence any more.
    Gone,
    /// The series asks for no such reminder any more.
    NotWanted,
}

/// The flow of a reminder.
///
/// # Errors
/// [`IdError`] when the occurrence cannot be part of a key.
pub fn reminder_flow(occurrence: &OccurrenceId, lead: Lead) -> Result<FlowId, IdError> {
    flow_of(REMINDER, &[&occurrence_name(occurrence), &lead.name()])
}

/// The flow of a reminder that is sent once more since event `again` of the series.
///
/// # Errors
/// As [`reminder_flow`].
pub fn reminder_second_flow(occurrence: &OccurrenceId, lead: Lead, again: u64) -> Result<FlowId, IdError> {
    flow_of(REMINDER, &[&occurrence_name(occurrence), &format!("{}~{again}", lead.name())])
}

/// What the ids of all reminders of an occurrence begin with.
pub fn reminder_prefix(occurrence: &OccurrenceId) -> String {
    format!("{REMINDER}/{}/", occurrence_name(occurrence))
}

pub(super) async fn reminder(cx: FlowCx, input: ReminderInput) -> Result<ReminderEnd, FlowError> {
    if let Some(telling) = input.telling.clone() {
        return tell(&cx, input, telling).await;
    }
    let ask = LookAsk { occurrence: input.occurrence.clone(), lead: input.lead };
    for n in 1_u64.. {
        let look: Look = cx.request("occurrence", format!("look {n}"), &ask).await?;
        cx.show(&look);
        let due = match (look.standing, look.due) {
            (Stands::Cancelled, _) => return Ok(ReminderEnd::Cancelled),
            (Stands::Gone, _) => return Ok(ReminderEnd::Gone),
            (Stands::Stands, None) => return Ok(ReminderEnd::NotWanted),
            (Stands::Stands, Some(due)) => due,
        };
        if cx.now() >= look.too_late(due) {
            return Ok(ReminderEnd::Missed { due });
        }
        if cx.now() >= due {
            if n == 1 && input.again > 0 {
                return Ok(ReminderEnd::Past { due });
            }
            return tell(&cx, input, Telling { due, after: None, told: Told::default() }).await;
        }
        if n > 1 && cx.should_continue_as_new() {
            return cx.continue_as_new(&input);
        }
        let changed = cx.signal::<()>(format!("changed {n}"), CHANGED);
        match select(cx.sleep_until(format!("due {n}"), due), changed).await {
            crate::flow::Either::First(over) => over?,
            crate::flow::Either::Second(changed) => changed?,
        }
    }
    Ok(ReminderEnd::Gone)
}

async fn tell(cx: &FlowCx, input: ReminderInput, telling: Telling) -> Result<ReminderEnd, FlowError> {
    let Telling { due, after, told } = telling;
    let tell = Tell::Reminder { lead: input.lead, again: input.again, due };
    let fan_out = FanOut { occurrence: input.occurrence.clone(), tell, after };
    match tell_all(cx, fan_out, told).await? {
        Progress::Done(told) => Ok(ReminderEnd::Sent { due, told }),
        Progress::Far { fan_out, told } => {
            let telling = Some(Telling { due, after: fan_out.after, told });
            cx.continue_as_new(&ReminderInput { telling, ..input })
        }
    }
}
