//! Moving, cancelling and reinstating occurrences: which changes are recorded for it.
//!
//! A change to later ones too (RANGE=THISANDFUTURE) stands at one occurrence, its anchor, and holds for all that follow
//! and have no change of their own.

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use super::check::{change_flaw, lasts};
use super::command::SeriesCommand;
use super::event::SeriesEvent;
use super::outcome::{Flaw, SeriesOutcome};
use super::series::{Series, current, inherited, shifted};
use crate::calendar::{CalendarEvent, Change, Range, Select, Truncated};
use crate::id::RecurrenceId;

type Changes = Result<Vec<SeriesEvent>, SeriesOutcome>;

/// A series while changes to it are gathered.
struct Draft {
    revision: u32,
    events: Vec<SeriesEvent>,
}

impl Draft {
    /// `matters` says whether it is for those who attend to know.
    fn new(series: &Series, matters: bool) -> Self {
        Self { revision: series.revision().saturating_add(u32::from(matters)), events: Vec::new() }
    }

    fn record(&mut self, part: usize, mut change: Change, as_what: What) {
        Arc::make_mut(&mut change.details).sequence = self.revision;
        let (revision, change) = (self.revision, Box::new(change));
        self.events.push(match as_what {
            What::Moved => SeriesEvent::OccurrenceMoved { revision, part, change },
            What::Cancelled => SeriesEvent::OccurrenceCancelled { revision, part, change },
            What::Reinstated => SeriesEvent::OccurrenceReinstated { revision, part, change },
        });
    }

    /// Records a change to one occurrence. If that one is the anchor of a lasting change, the next one becomes it,
    /// unless that one has another anchor before it.
    fn record_one(
        &mut self,
        place: usize,
        part: &CalendarEvent,
        change: Change,
        as_what: What,
    ) -> Result<(), Truncated> {
        let anchored = part.changes.iter().find(|other| lasts(other) && other.of == change.of);
        if let Some(lasting) = anchored
            && let Some(next) = next_unchanged(part, change.of)?
            && !part.changes.iter().any(|other| lasts(other) && change.of < other.of && other.of < next)
        {
            let as_before = if lasting.cancelled { What::Cancelled } else { What::Moved };
            let moved =
                Change { of: next, start: shifted(next, lasting), frame: part.frame.clone(), ..lasting.clone() };
            self.record(place, moved, as_before);
        }
        self.record(place, change, as_what);
        Ok(())
    }

    /// Cancels all of a part from `from` on.
    fn cancel_rest(&mut self, place: usize, part: &CalendarEvent, from: Option<DateTime>) -> Result<(), Truncated> {
        let from = from.unwrap_or(DateTime::MIN);
        if let Some(anchor) = first_unchanged(part, from)? {
            let change = Change { range: Range::ThisAndFuture, cancelled: true, ..inherited(part, anchor) };
            self.record(place, change, What::Cancelled);
        }
        for change in part.changes.iter().filter(|change| change.of >= from && !change.cancelled) {
            self.record(place, Change { cancelled: true, ..change.clone() }, What::Cancelled);
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum What {
    Moved,
    Cancelled,
    Reinstated,
}

/// The first original start from `from` on that has no change of its own.
fn first_unchanged(part: &CalendarEvent, from: DateTime) -> Result<Option<DateTime>, Truncated> {
    let unchanged = CalendarEvent { changes: Vec::new(), ..part.clone() };
    for occurrence in unchanged.occurrences(from, DateTime::MAX, Select::Starting) {
        let of = occurrence?.recurrence().at();
        if part.changes.iter().all(|change| change.of != of) {
            return Ok(Some(of));
        }
    }
    Ok(None)
}

/// The first original start after `of` that has no change of its own.
fn next_unchanged(part: &CalendarEvent, of: DateTime) -> Result<Option<DateTime>, Truncated> {
    first_unchanged(part, of.saturating_add(SignedDuration::from_secs(1)))
}

fn find<'s>(series: &'s Series, recurrence: &RecurrenceId) -> Result<(usize, &'s CalendarEvent), SeriesOutcome> {
    let place = series.part_of(recurrence).map_err(SeriesOutcome::TooManySteps)?;
    let found = place.and_then(|place| Some((place, series.parts().get(place)?)));
    found.ok_or(SeriesOutcome::NoSuchOccurrence)
}

/// The change that a move asks for, and what held before it.
fn moved<'s>(
    series: &'s Series,
    command: &SeriesCommand,
) -> Result<(usize, &'s CalendarEvent, Change, Change), SeriesOutcome> {
    let SeriesCommand::Move { recurrence, range, start, length, summary } = command else {
        return Err(SeriesOutcome::Unchanged);
    };
    let id = RecurrenceId::local(*start);
    if id.at() != *start {
        return Err(SeriesOutcome::Invalid(Flaw::Time));
    }
    let (place, part) = find(series, recurrence)?;
    let was = current(part, recurrence.at());
    let change = Change {
        range: *range,
        start: *start,
        frame: part.frame.clone(),
        length: length.unwrap_or(was.length),
        summary: summary.clone().unwrap_or_else(|| Arc::clone(&was.summary)),
        ..was.clone()
    };
    if let Some(flaw) = change_flaw(&change) {
        return Err(SeriesOutcome::Invalid(flaw));
    }
    if was.cancelled || part.cancelled {
        return Err(SeriesOutcome::OccurrenceCancelled);
    }
    Ok((place, part, change, was))
}

fn at_another_time(change: &Change, was: &Change) -> bool {
    (change.start, &change.frame, change.length) != (was.start, &was.frame, was.length)
}

pub(super) fn move_one(series: &Series, command: &SeriesCommand) -> Changes {
    let (place, part, change, was) = moved(series, command)?;
    // One that moves to where it is keeps what it has from others.
    if change == (Change { range: Range::This, ..was.clone() }) {
        return Ok(Vec::new());
    }
    let mut draft = Draft::new(series, at_another_time(&change, &was));
    draft.record_one(place, part, change, What::Moved).map_err(SeriesOutcome::TooManySteps)?;
    Ok(draft.events)
}

pub(super) fn move_following(series: &Series, command: &SeriesCommand) -> Changes {
    let (place, part, change, was) = moved(series, command)?;
    let further = change.start.duration_since(was.start);
    let SeriesCommand::Move { length, summary, .. } = command else { return Err(SeriesOutcome::Unchanged) };
    let mut draft = Draft::new(series, at_another_time(&change, &was));
    // Later anchors of this part are put where this one is put.
    for later in part.changes.iter().filter(|later| lasts(later) && later.of > change.of && !later.cancelled) {
        let of = later.of;
        draft.record(place, Change { of, start: shifted(of, &change), ..change.clone() }, What::Moved);
    }
    draft.record(place, change, What::Moved);
    // Later parts have times of their own: they move by as much as this one does.
    for (place, part) in series.parts().iter().enumerate().skip(place + 1) {
        let first = first_unchanged(part, DateTime::MIN).map_err(SeriesOutcome::TooManySteps)?;
        let anchors = part.changes.iter().filter(|later| lasts(later) && !later.cancelled);
        // One that follows an anchor moves along with it.
        let anchored = |of: &DateTime| part.changes.iter().any(|change| lasts(change) && change.of <= *of);
        let first = first.filter(|of| !anchored(of)).map(|of| inherited(part, of));
        for was in anchors.cloned().chain(first) {
            let change = Change {
                range: Range::ThisAndFuture,
                start: was.start.saturating_add(further),
                length: length.unwrap_or(was.length),
                summary: summary.clone().unwrap_or_else(|| Arc::clone(&was.summary)),
                ..was
            };
            if let Some(flaw) = change_flaw(&change) {
                return Err(SeriesOutcome::Invalid(flaw));
            }
            draft.record(place, change, What::Moved);
        }
    }
    Ok(draft.events)
}

pub(super) fn cancel_one(series: &Series, recurrence: &RecurrenceId) -> Changes {
    let (place, part) = find(series, recurrence)?;
    let was = current(part, recurrence.at());
    if was.cancelled || part.cancelled {
        return Err(SeriesOutcome::Unchanged);
    }
    let mut draft = Draft::new(series, true);
    let change = Change { range: Range::This, cancelled: true, ..was };
    draft.record_one(place, part, change, What::Cancelled).map_err(SeriesOutcome::TooManySteps)?;
    Ok(draft.events)
}

pub(super) fn cancel_following(series: &Series, recurrence: &RecurrenceId) -> Changes {
    let (place, part) = find(series, recurrence)?;
    let mut draft = Draft::new(series, true);
    draft.cancel_rest(place, part, Some(recurrence.at())).map_err(SeriesOutcome::TooManySteps)?;
    for (place, part) in series.parts().iter().enumerate().skip(place + 1).filter(|(_, part)| !part.cancelled) {
        draft.cancel_rest(place, part, None).map_err(SeriesOutcome::TooManySteps)?;
    }
    // Where all of them are cancelled already there is nothing to say. An anchor that has it from another speaks for all
    // that follow, since whatever else follows is among the events too.
    let news = |event: &SeriesEvent| {
        let SeriesEvent::OccurrenceCancelled { part, change, .. } = event else { return false };
        series.parts().get(*part).is_some_and(|part| !current(part, change.of).cancelled)
    };
    if draft.events.iter().any(news) { Ok(draft.events) } else { Err(SeriesOutcome::Unchanged) }
}

pub(super) fn reinstate(series: &Series, recurrence: &RecurrenceId) -> Changes {
    let (place, part) = find(series, recurrence)?;
    let was = current(part, recurrence.at());
    if part.cancelled {
        return Err(SeriesOutcome::SeriesCancelled);
    }
    if !was.cancelled {
        return Err(SeriesOutcome::Unchanged);
    }
    let mut draft = Draft::new(series, true);
    let change = Change { range: Range::This, cancelled: false, ..was };
    draft.record_one(place, part, change, What::Reinstated).map_err(SeriesOutcome::TooManySteps)?;
    Ok(draft.events)
}
