//! What became of an attempt to send.

use core::time::Duration;

use serde::{Deserialize, Serialize};

/// What a failed attempt speaks against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// This letter or its recipient: others may well go through.
    #[default]
    Letter,
    /// The way itself: a server that is down, credentials that are refused. A circuit breaker counts these.
    Channel,
}

/// What became of one attempt to send a letter. "No" is a value here too.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendOutcome {
    /// It was taken, now or at an earlier attempt.
    Ok {
        /// What the receiver said, such as the reply of a mail server. Not personal.
        info: String,
    },
    /// It was not taken, and may be at another attempt.
    Retry {
        /// Why.
        reason: String,
        /// Not before so long from now (Retry-After).
        after: Option<Duration>,
        /// What the failure speaks against.
        blame: Blame,
    },
    /// It was not taken and never will be.
    Permanent {
        /// Why.
        reason: String,
    },
    /// It may have been taken or not: the answer was lost.
    Uncertain {
        /// What is known.
        reason: String,
    },
}

impl SendOutcome {
    /// The name of the variant, for spans and counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ok { .. } => "ok",
            Self::Retry { .. } => "retry",
            Self::Permanent { .. } => "permanent",
            Self::Uncertain { .. } => "uncertain",
        }
    }
}
