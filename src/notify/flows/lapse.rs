//! A notice to somebody whose hold is about to lapse.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::roster::Told;
use super::{CHANGED, flow_of, occurrence_name};
use crate::flow::{Either, FlowCx, FlowError, FlowId, select};
use crate::id::{AttendeeId, IdError, OccurrenceId};
use crate::time::Timestamp;

/// The kind of flow that warns of a hold's end.
pub const LAPSE: &str = "lapse";

/// What a flow of the kind [`LAPSE`] is started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LapseInput {
    /// Whose hold of which seats.
    pub hold: HoldAsk,
    /// So long before the deadline the notice is due; half of the hold's length, if that is less. In milliseconds.
    pub lead: u64,
}

/// Asks the performer `hold` whether a hold still stands; and the performer `lapsing` to tell whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldAsk {
    /// Of which occurrence.
    pub occurrence: OccurrenceId,
    /// Whose.
    pub attendee: AttendeeId,
    /// The event that gave the seats.
    pub granted: u64,
}

/// What the performer `hold` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldLook {
    /// Since when it stands.
    pub since: Timestamp,
    /// Until when it stands, not included; none if it is settled.
    pub until: Option<Timestamp>,
}

/// How it ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "lapse", rename_all = "snake_case")]
pub enum LapseEnd {
    /// The hold was confirmed or given up before.
    Settled,
    /// It was too late.
    Missed {
        /// The deadline.
        until: Timestamp,
    },
    /// The notice was started.
    Sent {
        /// The deadline.
        until: Timestamp,
        /// Who was told.
        told: Told,
    },
}

/// The flow of a hold.
///
/// # Errors
/// [`IdError`] when the occurrence cannot be part of a key.
pub fn lapse_flow(hold: &HoldAsk) -> Result<FlowId, IdError> {
    let (occurrence, granted) = (occurrence_name(&hold.occurrence), hold.granted.to_string());
    flow_of(LAPSE, &[&occurrence, hold.attendee.as_str(), &granted])
}

pub(super) async fn lapse(cx: FlowCx, input: LapseInput) -> Result<LapseEnd, FlowError> {
    for n in 1_u64.. {
        let look: HoldLook = cx.request("hold", format!("look {n}"), &input.hold).await?;
        let Some(until) = look.until else { return Ok(LapseEnd::Settled) };
        let half = until.saturating_since(look.since) / 2;
        let lead = Duration::from_millis(input.lead).min(half);
        let lead = i64::try_from(lead.as_millis()).unwrap_or(i64::MAX);
        let due = Timestamp::from_millis(until.as_millis().saturating_sub(lead));
        if cx.now() >= until {
            return Ok(LapseEnd::Missed { until });
        }
        if cx.now() >= due {
            let told = cx.request("lapsing", "lapsing", &input.hold).await?;
            return Ok(LapseEnd::Sent { until, told });
        }
        if n > 1 && cx.should_continue_as_new() {
            return cx.continue_as_new(&input);
        }
        let changed = cx.signal::<()>(format!("changed {n}"), CHANGED);
        match select(cx.sleep_until(format!("due {n}"), due), changed).await {
            Either::First(over) => over?,
            Either::Second(changed) => changed?,
        }
    }
    Ok(LapseEnd::Settled)
}
