//! What a change of a series means to those who have booked: looked at occurrence by occurrence.

use serde::{Deserialize, Serialize};

use super::{flow_of, short_name};
use crate::flow::{FlowCx, FlowError, FlowId};
use crate::id::{IdError, OccurrenceId, SeriesId};

/// The kind of flow that follows up a change of a series.
pub const SERIES_CHANGE: &str = "series-change";

/// What a flow of the kind [`SERIES_CHANGE`] is started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesChangeInput {
    /// Which series.
    pub series: SeriesId,
    /// The event that changed it.
    pub seq: u64,
    /// Whether people are told of it, or it was too long ago.
    pub tell: bool,
    /// Occurrences behind this one.
    #[serde(default)]
    pub after: Option<OccurrenceId>,
    /// Occurrences whose rosters were told before.
    #[serde(default)]
    pub told: u64,
}

/// Asks the performer `series-change` to look at the next occurrences that somebody has booked.
pub type SeriesAsk = SeriesChangeInput;

/// What the performer `series-change` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesPage {
    /// The last that was looked at, if there may be more behind.
    pub next: Option<OccurrenceId>,
    /// Of how many the roster is told.
    pub told: u64,
}

/// The flow of a change.
///
/// # Errors
/// [`IdError`] never, as series ids are names.
pub fn series_change_flow(series: &SeriesId, seq: u64) -> Result<FlowId, IdError> {
    flow_of(SERIES_CHANGE, &[&short_name(series.as_str()), &seq.to_string()])
}

/// Gives the number of occurrences whose rosters are told.
pub(super) async fn series_change(cx: FlowCx, mut input: SeriesChangeInput) -> Result<u64, FlowError> {
    for page in 1_u64.. {
        let answer: SeriesPage = cx.request("series-change", format!("page {page}"), &input).await?;
        input.told += answer.told;
        if answer.next.is_none() {
            break;
        }
        input.after = answer.next;
        if cx.should_continue_as_new() {
            return cx.continue_as_new(&input);
        }
    }
    Ok(input.told)
}
