//! What whoever asks is told.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::chain::ChainHash;
use super::outcome::BookingOutcome;
use crate::persist::Seq;
use crate::seating::Place;

/// An outcome with the sequence number that explains it.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingReply {
    /// What the command came to.
    pub outcome: BookingOutcome,
    /// For an accepted command, the sequence number of its own event; else the last one the decision took into
    /// account.
    pub seq: Seq,
    /// The stream up to that event in one number: a receipt, see [`ChainHash`].
    pub hash: ChainHash,
    /// What the seat was given in spite of: clashes, if that was asked for by [`Clash::Warn`](super::Clash::Warn).
    #[serde(default = "none", skip_serializing_if = "is_empty")]
    pub warnings: Arc<[Arc<str>]>,
    /// The places that the attendee has after it, where seats have names.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub places: BTreeSet<Place>,
}

impl BookingReply {
    /// The reply to another command under the same key.
    pub(super) fn key_reused(self) -> Self {
        Self { outcome: BookingOutcome::KeyReused, warnings: Arc::default(), places: BTreeSet::new(), ..self }
    }
}

fn none() -> Arc<[Arc<str>]> {
    Arc::default()
}

fn is_empty(warnings: &Arc<[Arc<str>]>) -> bool {
    warnings.is_empty()
}
