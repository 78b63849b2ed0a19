//! What can go wrong.

use crate::booking::WireError;
use crate::datalog::{Diagnostic, EvalError};
use crate::persist::Seq;
use crate::schedule::Corrupt;

/// Diagnostics one after the other, for people.
fn lines(found: &[Diagnostic]) -> String {
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Rules that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// A text is wrong.
    #[error("{}", lines(.0))]
    Text(Vec<Diagnostic>),
    /// They are right, and keeping what they say takes too much or cannot be computed.
    #[error(transparent)]
    Cost(#[from] EvalError),
}

/// Why events were not taken in. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// A booking event cannot be read.
    #[error(transparent)]
    Booking(#[from] WireError),
    /// A series event cannot be read, or one before it is missing.
    #[error(transparent)]
    Series(#[from] Corrupt),
    /// An event of the stream `availability` cannot be read.
    #[error("event {seq} of stream availability: {reason}")]
    Unreadable {
        /// Its place.
        seq: Seq,
        /// What is wrong with it.
        reason: String,
    },
    /// Recorded rules are not those of this version any more.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// What is kept cannot be made right within the limits.
    #[error(transparent)]
    Cost(#[from] EvalError),
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The question cannot be read.
    #[error("{}", lines(.0))]
    Text(Vec<Diagnostic>),
    /// It takes too much, or something cannot be computed.
    #[error(transparent)]
    Cost(#[from] EvalError),
    /// More occurrences belong to the window than one question may expand.
    #[error("more than {limit} occurrences take place in the window")]
    TooManyOccurrences {
        /// How many may be.
        limit: usize,
    },
    /// The rule of a series takes too many steps.
    #[error(transparent)]
    TooManySteps(#[from] crate::calendar::Truncated),
    /// An answer that is none: a rule calls something an occurrence that is no occurrence id.
    #[error("{value:?} is no {wanted}")]
    Shape {
        /// What was found.
        value: String,
        /// What was expected.
        wanted: &'static str,
    },
}

impl From<RulesError> for AskError {
    fn from(error: RulesError) -> Self {
        match error {
            RulesError::Text(found) => Self::Text(found),
            RulesError::Cost(error) => Self::Cost(error),
        }
    }
}
