//! What a gate goes by.

use serde::{Deserialize, Serialize};

use super::outcome::ScanOutcome;
use crate::time::Timestamp;

/// What a gate goes by. The default is always open, and lets those in again who have left.
///
/// Recorded as JSON, instants in milliseconds: `{"opens":1767636000000,"reentry":false}`; what is as by default is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GateSettings {
    /// First instant at which somebody is let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens: Option<Timestamp>,
    /// First instant at which nobody is any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes: Option<Timestamp>,
    /// Whether those who have left are let in again.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub reentry: bool,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self { opens: None, closes: None, reentry: true }
    }
}

impl GateSettings {
    /// Why nobody is let in at an instant.
    pub(super) fn shut(&self, at: Timestamp) -> Option<ScanOutcome> {
        let early = self.opens.filter(|opens| at < *opens).map(|opens| ScanOutcome::NotOpenYet { opens });
        let late = || self.closes.filter(|closes| *closes <= at).map(|closes| ScanOutcome::GateClosed { closes });
        early.or_else(late)
    }
}
