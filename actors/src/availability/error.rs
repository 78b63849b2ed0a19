//! What can keep a question from being answered.

use boxoffice_core::availability::{ApplyError, AskError, RulesError};
use boxoffice_core::datalog::EvalError;
use boxoffice_core::persist::{Cursor, Fault};

use super::AtLeast;
use crate::error::BoxOfficeError;

/// The question was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AvailabilityError {
    /// The box office is busy or shut down, or the store failed.
    #[error(transparent)]
    Office(#[from] BoxOfficeError),
    /// The events that the answer was to rest on were not there in time.
    #[error("only events up to {cursor} are there, and the answer was to rest on more")]
    Behind {
        /// What was demanded.
        wanted: AtLeast,
        /// What is there.
        cursor: Cursor,
    },
    /// It takes more than [`AvailabilityOptions::heavy`](super::AvailabilityOptions::heavy) allows.
    #[error("the question is too heavy: {0}")]
    TooHeavy(AskError),
    /// The question itself is wrong.
    #[error(transparent)]
    Ask(AskError),
    /// The rules that come with the box office do not fit the options.
    #[error(transparent)]
    Rules(RulesError),
    /// What is recorded cannot be taken in; answers from before it are there all the same, see
    /// [`AtLeast::Now`].
    #[error("after cursor {cursor} the log cannot be followed: {reason}")]
    Log {
        /// What was taken in before it.
        cursor: Cursor,
        /// Why not.
        reason: ApplyError,
    },
    /// The question panicked, and all is built anew. Asked again it may well do the same.
    #[error("the question panicked")]
    Panicked,
    /// No relation of this name is kept up to date: only those that rules mark `maintain` and the facts can be watched.
    #[error("there is no relation {relation:?} that is kept up to date")]
    NotKept {
        /// The name.
        relation: String,
    },
}

impl From<Fault> for AvailabilityError {
    fn from(fault: Fault) -> Self {
        Self::Office(fault.into())
    }
}

impl AvailabilityError {
    /// Whether the same question may be answered later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Office(error) => error.is_transient(),
            Self::Behind { .. } => true,
            Self::TooHeavy(_)
            | Self::Ask(_)
            | Self::Rules(_)
            | Self::Log { .. }
            | Self::Panicked
            | Self::NotKept { .. } => false,
        }
    }

    /// What an error of a question means for whoever asked.
    pub(super) fn of(error: AskError) -> Self {
        if matches!(error, AskError::Cost(EvalError::Limit { .. })) { Self::TooHeavy(error) } else { Self::Ask(error) }
    }

    /// What goes into a span: one word, no content.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Office(_) => "failed",
            Self::Behind { .. } => "behind",
            Self::TooHeavy(_) => "too_heavy",
            Self::Ask(_) | Self::NotKept { .. } => "refused",
            Self::Rules(_) => "no_rules",
            Self::Log { .. } => "unreadable",
            Self::Panicked => "panicked",
        }
    }
}
