//! What may be wrong with a step of a rehearsal.

use super::wire;
use crate::id::IdError;
use crate::persist::{Fault, PayloadError};

/// Why a step was not taken, or what was found after it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RehearsalError {
    /// Rebuilt from its journal, the flow is another: its code depends on more than what it is given.
    #[error("rebuilt from its journal the flow has another {what}: {cold} instead of {live}")]
    Diverged {
        /// What differs.
        what: &'static str,
        /// What the flow has that was taken on turn by turn.
        live: String,
        /// What the rebuilt one has.
        cold: String,
    },
    /// The flow does not wait for this now.
    #[error("the flow is {status} and does not wait for {tag:?}; it waits for {open:?}")]
    NotOpen {
        /// The tag that was named.
        tag: String,
        /// How it stands.
        status: &'static str,
        /// The tags for which it waits.
        open: Vec<String>,
    },
    /// Only requests and children are resolved by hand.
    #[error("{tag:?} is a {kind}: let time pass, or send a signal")]
    NotByHand {
        /// The tag that was named.
        tag: String,
        /// What it is.
        kind: &'static str,
    },
    /// The flow stands otherwise than the step needs.
    #[error("the flow is {status}: {reason}")]
    NotNow {
        /// How it stands.
        status: &'static str,
        /// Why that does not do.
        reason: String,
    },
    /// The event would be too large for a store.
    #[error("the event has {bytes} bytes, and {} are allowed", wire::EVENT_BYTES_MAX)]
    TooLarge {
        /// How large it would be.
        bytes: usize,
    },
    /// The journal's name is none.
    #[error(transparent)]
    Id(#[from] IdError),
    /// A value has no JSON form, or another than was asked for.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// A journal is not readable.
    #[error(transparent)]
    Journal(#[from] Fault),
}
