//! Every answer there is. "No" is one of them, not an error.

use core::fmt;

use jiff::civil::DateTime;

use crate::calendar::Truncated;
use crate::persist::Seq;

/// What is wrong with a command, whatever the series.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// The definition is of another series than the one it is meant for.
    OtherSeries,
    /// A time has parts of a second, or lies outside the years 1 to 9999.
    Time,
    /// A start or length of a series of whole days is not in whole days.
    NotWholeDays,
    /// There is too much of it.
    TooMany {
        /// What, such as `rules`.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// Two changes speak of one occurrence.
    TwoChanges {
        /// The original start of it.
        of: DateTime,
    },
    /// The new part starts before the occurrence that it takes over from.
    StartsBeforeSplit,
    /// An occurrence of the new part would have the recurrence id of an older one.
    SameRecurrence {
        /// The original start of both.
        of: DateTime,
    },
    /// Its recorded form does not read back as what it is, such as a name with a control character.
    NotRecordable,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherSeries => f.write_str("the definition is of another series"),
            Self::Time => f.write_str("a time is not in whole seconds of the years 1 to 9999"),
            Self::NotWholeDays => f.write_str("a series of whole days has a time of day"),
            Self::TooMany { what, limit } => write!(f, "more than {limit} {what}"),
            Self::TwoChanges { of } => write!(f, "two changes speak of the occurrence of {of}"),
            Self::StartsBeforeSplit => f.write_str("the new part starts before the occurrence it takes over from"),
            Self::SameRecurrence { of } => write!(f, "the new part would give the recurrence id of {of} a second time"),
            Self::NotRecordable => f.write_str("its recorded form does not read back as what it is"),
        }
    }
}

/// What a command came to.
///
/// For one command, the variants that may apply are checked in the order in which they stand here, and the first that
/// applies is the answer.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeriesOutcome {
    /// All but schedule: nothing was ever scheduled under this id.
    NoSuchSeries,
    /// Schedule, move, split, cancel of an occurrence, reinstate: the whole series is cancelled. A new definition lets it
    /// take place again.
    SeriesCancelled,
    /// The series says this already. Nothing was written.
    Unchanged,
    /// Schedule: there is a series of this id with another definition.
    AlreadyScheduled,
    /// The command makes no sense, whatever the series.
    Invalid(Flaw),
    /// The series has no such occurrence.
    NoSuchOccurrence,
    /// Move: the occurrence is cancelled. Reinstate it first.
    OccurrenceCancelled,
    /// A rule takes more steps than an expansion may.
    TooManySteps(Truncated),
    /// Schedule, redefine, split: the first start is not among those that the rules give (RFC 5545 section 3.8.5.3 leaves
    /// open what that means, so it is refused here). A calendar that comes from elsewhere may be aligned to `first`: the
    /// rules then give the same starts.
    StartNotInRule {
        /// The first start that the rules give at or after it, if there is one.
        first: Option<DateTime>,
    },
    /// Schedule: the series is in the calendar.
    Scheduled,
    /// Redefine: the series has its new definition.
    Redefined,
    /// Move: it is moved.
    Moved,
    /// Split: it follows the new definition from there on.
    Split,
    /// Cancel, cancel all: it is cancelled.
    Cancelled,
    /// Reinstate: it takes place after all.
    Reinstated,
}

impl SeriesOutcome {
    /// Whether the command was carried out by this very call.
    pub fn is_accepted(&self) -> bool {
        match self {
            Self::Scheduled | Self::Redefined | Self::Moved | Self::Split | Self::Cancelled | Self::Reinstated => true,
            Self::NoSuchSeries
            | Self::SeriesCancelled
            | Self::Unchanged
            | Self::AlreadyScheduled
            | Self::Invalid(_)
            | Self::NoSuchOccurrence
            | Self::OccurrenceCancelled
            | Self::TooManySteps(_)
            | Self::StartNotInRule { .. } => false,
        }
    }

    /// The outcome in one word, as logs and tables show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoSuchSeries => "no_such_series",
            Self::SeriesCancelled => "series_cancelled",
            Self::Unchanged => "unchanged",
            Self::AlreadyScheduled => "already_scheduled",
            Self::Invalid(_) => "invalid",
            Self::NoSuchOccurrence => "no_such_occurrence",
            Self::OccurrenceCancelled => "occurrence_cancelled",
            Self::TooManySteps(_) => "too_many_steps",
            Self::StartNotInRule { .. } => "start_not_in_rule",
            Self::Scheduled => "scheduled",
            Self::Redefined => "redefined",
            Self::Moved => "moved",
            Self::Split => "split",
            Self::Cancelled => "cancelled",
            Self::Reinstated => "reinstated",
        }
    }
}

impl fmt::Display for SeriesOutcome {
    /// The outcome as a person reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Invalid(flaw) = self {
            return flaw.fmt(f);
        }
        if let Self::TooManySteps(truncated) = self {
            return truncated.fmt(f);
        }
        if let Self::StartNotInRule { first } = self {
            let first = first.map_or("there is none".to_owned(), |first| format!("the first they give is {first}"));
            return write!(f, "the rules do not give the first start: {first}");
        }
        f.write_str(&self.name().replace('_', " "))
    }
}

/// An outcome with the sequence number that explains it.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesReply {
    /// What the command came to.
    pub outcome: SeriesOutcome,
    /// For an accepted command, that of its own last event. For [`SeriesOutcome::SeriesCancelled`] that of the
    /// cancellation, for [`SeriesOutcome::AlreadyScheduled`] that of the latest definition. Else the last one that the
    /// decision took into account.
    pub seq: Seq,
}
