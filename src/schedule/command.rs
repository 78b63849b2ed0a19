//! What may be asked of a series.

use std::sync::Arc;

use jiff::civil::DateTime;

use crate::calendar::{CalendarEvent, Length, Range};
use crate::id::RecurrenceId;

/// A request that is decided on one series.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeriesCommand {
    /// Put a new series into the calendar.
    Schedule {
        /// What it is and when it happens.
        event: Box<CalendarEvent>,
    },
    /// Give the whole series another definition. Changes and parts it had are gone; one that was cancelled takes place
    /// again, unless the definition says that it is cancelled.
    Redefine {
        /// What it is and when it happens from now on.
        event: Box<CalendarEvent>,
    },
    /// Let an occurrence happen at another time. It keeps its recurrence id, so its bookings follow.
    Move {
        /// Which one.
        recurrence: RecurrenceId,
        /// That one alone, or all later ones too, by as much. Later ones that were changed one by one stay as they are.
        range: Range,
        /// The new start, in the series' own frame.
        start: DateTime,
        /// The new length; none leaves it.
        length: Option<Length>,
        /// The new summary; none leaves it.
        summary: Option<Arc<str>>,
    },
    /// Let an occurrence and all later ones follow another definition, such as another rule.
    Split {
        /// The first one that the old definition no longer gives.
        recurrence: RecurrenceId,
        /// The new definition, of the same series. Its start must not lie before `recurrence`.
        event: Box<CalendarEvent>,
    },
    /// Cancel an occurrence. It stays listed, marked.
    Cancel {
        /// Which one.
        recurrence: RecurrenceId,
        /// That one alone, or all later ones too.
        range: Range,
    },
    /// Cancel the whole series.
    CancelAll,
    /// Let a cancelled occurrence take place after all.
    Reinstate {
        /// Which one.
        recurrence: RecurrenceId,
    },
}

impl SeriesCommand {
    /// [`SeriesCommand::Schedule`].
    pub fn schedule(event: CalendarEvent) -> Self {
        Self::Schedule { event: Box::new(event) }
    }

    /// [`SeriesCommand::Redefine`].
    pub fn redefine(event: CalendarEvent) -> Self {
        Self::Redefine { event: Box::new(event) }
    }

    /// [`SeriesCommand::Split`].
    pub fn split(recurrence: RecurrenceId, event: CalendarEvent) -> Self {
        Self::Split { recurrence, event: Box::new(event) }
    }

    /// [`SeriesCommand::Move`] of one occurrence, length and summary left as they are.
    pub fn move_one(recurrence: RecurrenceId, start: DateTime) -> Self {
        Self::Move { recurrence, range: Range::This, start, length: None, summary: None }
    }

    /// [`SeriesCommand::Move`] of an occurrence and all later ones, length and summary left as they are.
    pub fn move_following(recurrence: RecurrenceId, start: DateTime) -> Self {
        Self::Move { recurrence, range: Range::ThisAndFuture, start, length: None, summary: None }
    }

    /// The command in one word, as logs show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Schedule { .. } => "schedule",
            Self::Redefine { .. } => "redefine",
            Self::Move { .. } => "move",
            Self::Split { .. } => "split",
            Self::Cancel { .. } => "cancel",
            Self::CancelAll => "cancel_all",
            Self::Reinstate { .. } => "reinstate",
        }
    }
}
