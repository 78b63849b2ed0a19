//! Why a rule or a zone is refused, and why an expansion stopped.

use jiff::civil::DateTime;

use crate::id::SeriesId;

/// Why a text is no recurrence rule that can be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A part is not written as RFC 5545 section 3.3.10 demands.
    #[error("rule part {part}={value}: {reason}")]
    Invalid {
        /// Which part, such as `BYDAY`.
        part: String,
        /// What it says.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Parts that may not stand together, or one that is missing.
    #[error("rule {part}: {reason}")]
    Combination {
        /// Which part.
        part: &'static str,
        /// What is wrong with it here.
        reason: &'static str,
    },
    /// A part that is understood but cannot be expanded yet.
    #[error("rule part {part}={value} is not supported yet")]
    Unsupported {
        /// Which part.
        part: String,
        /// What it says.
        value: String,
    },
}

/// Why a calendar event cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CalendarError {
    /// The zone is in no database known here.
    #[error("time zone {tzid:?} is unknown")]
    UnknownZone {
        /// The name given.
        tzid: String,
    },
    /// A length below zero, or one that has months or years in it.
    #[error("length {length} is not a number of days, hours, minutes and whole seconds from zero up")]
    Length {
        /// The length given.
        length: String,
    },
}

/// An expansion stopped because it took all the steps it was allowed: a rule that hardly ever matches, or nearly always.
///
/// Every occurrence that starts before `resume` was given. Go on with a window from `resume` on, of those that start in it
/// ([`Select::Starting`](super::Select::Starting)), or with more steps, which alone help where `resume` is not after the
/// beginning of the window. Where one was moved to another zone, some that were given may come again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("series {series}: stopped after {steps} steps; all that starts before {resume} was given")]
pub struct Truncated {
    /// Which series.
    pub series: SeriesId,
    /// The moment before which nothing is missing, in the series' own civil time.
    pub resume: DateTime,
    /// The steps allowed: periods looked at, candidates tried and starts found.
    pub steps: u64,
}
