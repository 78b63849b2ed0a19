//! Why a rule, a zone or a window is refused.

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

/// Why a calendar event cannot be made or expanded.
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
    #[error("length {length} is not a number of days, hours, minutes and seconds from zero up")]
    Length {
        /// The length given.
        length: String,
    },
    /// The expansion took more steps than it is allowed: a rule that hardly ever
    /// matches, or always does, in a very long window.
    #[error("series {series}: gave up after {steps} steps")]
    TooManySteps {
        /// Which series.
        series: String,
        /// Days looked at and starts found.
        steps: u64,
    },
}
