//! What can have happened to a series.

use crate::calendar::{CalendarEvent, Change, Until};
use crate::id::RecurrenceId;

/// A recorded fact of a series stream. `revision` is the series' revision from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeriesEvent {
    /// The series came into the calendar.
    SeriesScheduled {
        /// Revision from then on.
        revision: u32,
        /// What it is and when it happens.
        definition: Box<CalendarEvent>,
    },
    /// The whole series was defined anew.
    SeriesRedefined {
        /// Revision from then on.
        revision: u32,
        /// What it is and when it happens.
        definition: Box<CalendarEvent>,
    },
    /// An occurrence, or it and all later ones, was moved.
    OccurrenceMoved {
        /// Revision from then on.
        revision: u32,
        /// The part of the series that it is in, from 0.
        part: usize,
        /// What holds for it.
        change: Box<Change>,
    },
    /// An occurrence and all later ones follow another definition. Parts after `part` are gone.
    SeriesSplit {
        /// Revision from then on.
        revision: u32,
        /// The part that was cut, from 0.
        part: usize,
        /// The first occurrence that it no longer gives.
        recurrence: RecurrenceId,
        /// How each of its rules ends now; none for one that ends as before.
        ends: Vec<Option<Until>>,
        /// What holds from there on.
        definition: Box<CalendarEvent>,
    },
    /// An occurrence, or it and all later ones, was cancelled.
    OccurrenceCancelled {
        /// Revision from then on.
        revision: u32,
        /// The part of the series that it is in, from 0.
        part: usize,
        /// What holds for it.
        change: Box<Change>,
    },
    /// A cancelled occurrence takes place after all.
    OccurrenceReinstated {
        /// Revision from then on.
        revision: u32,
        /// The part of the series that it is in, from 0.
        part: usize,
        /// What holds for it.
        change: Box<Change>,
    },
    /// The whole series was cancelled.
    SeriesCancelled {
        /// Revision from then on.
        revision: u32,
    },
}

impl SeriesEvent {
    /// The series' revision from this event on.
    pub fn revision(&self) -> u32 {
        match self {
            Self::SeriesScheduled { revision, .. }
            | Self::SeriesRedefined { revision, .. }
            | Self::OccurrenceMoved { revision, .. }
            | Self::SeriesSplit { revision, .. }
            | Self::OccurrenceCancelled { revision, .. }
            | Self::OccurrenceReinstated { revision, .. }
            | Self::SeriesCancelled { revision } => *revision,
        }
    }

    /// The event in words, as a history shows it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SeriesScheduled { .. } => "scheduled",
            Self::SeriesRedefined { .. } => "redefined",
            Self::OccurrenceMoved { .. } => "moved",
            Self::SeriesSplit { .. } => "split",
            Self::OccurrenceCancelled { .. } => "occurrence_cancelled",
            Self::OccurrenceReinstated { .. } => "reinstated",
            Self::SeriesCancelled { .. } => "series_cancelled",
        }
    }
}
