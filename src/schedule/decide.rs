//! The rules: what a command comes to, given the series and the time.

use super::change::{cancel_following, cancel_one, move_following, move_one, reinstate};
use super::check::{check_event, check_start, differs, matters, same_definition};
use super::command::SeriesCommand;
use super::cut::{check_tail, ends_before};
use super::event::SeriesEvent;
use super::outcome::{SeriesOutcome, SeriesReply};
use super::series::Series;
use crate::calendar::{CalendarEvent, Range};
use crate::id::RecurrenceId;
use crate::time::Timestamp;

/// What a command comes to, and what must be recorded before anybody is told.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesDecision {
    /// What is to be recorded; nothing if the command is refused or changes nothing.
    pub events: Vec<SeriesEvent>,
    /// The answer, once the events are durable. Its `seq` is that of an answer without events.
    pub reply: SeriesReply,
    /// The instant of the events: never before the series' latest.
    pub at: Timestamp,
}

/// Events, or the outcome that says why there are none.
pub(super) type Decided = Result<(SeriesOutcome, Vec<SeriesEvent>), SeriesOutcome>;

/// Decides `command` against `series` at `now`. The same arguments always give the same decision.
///
/// A clock that steps back does not take the stream with it: the later of `now` and the series' latest instant counts.
///
/// ```
/// use boxoffice_core::calendar::{CalendarEvent, Frame, Length};
/// use boxoffice_core::id::SeriesId;
/// use boxoffice_core::persist::Seq;
/// use boxoffice_core::schedule::{Series, SeriesCommand, SeriesOutcome, decide};
/// use boxoffice_core::time::Timestamp;
/// use jiff::civil::date;
///
/// let chess = |rule: &str| {
///     let start = date(2026, 1, 5).at(19, 0, 0, 0); // a Monday
///     let event = CalendarEvent::new(SeriesId::new("chess")?, "Chess", start, Frame::Utc, Length::ZERO);
///     Ok::<_, Box<dyn std::error::Error>>(SeriesCommand::schedule(event.repeating(rule.parse()?)))
/// };
/// let mut series = Series::new();
/// let refused = decide(&series, &chess("FREQ=WEEKLY;BYDAY=TU")?, Timestamp::EPOCH);
/// let first = Some(date(2026, 1, 6).at(19, 0, 0, 0));
/// assert_eq!(refused.reply.outcome, SeriesOutcome::StartNotInRule { first });
///
/// let decision = decide(&series, &chess("FREQ=WEEKLY;BYDAY=MO")?, Timestamp::EPOCH);
/// assert_eq!(decision.reply.outcome, SeriesOutcome::Scheduled);
/// series.evolve(Seq::FIRST, decision.at, &decision.events[0]);
/// assert!(series.has_occurrence(&"20260112T190000Z".parse()?)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decide(series: &Series, command: &SeriesCommand, now: Timestamp) -> SeriesDecision {
    let at = now.max(series.latest_at());
    let (outcome, events) = match decided(series, command) {
        Ok(accepted) => accepted,
        Err(refused) => (refused, Vec::new()),
    };
    let seq = if outcome == SeriesOutcome::SeriesCancelled {
        series.cancelled_seq()
    } else if outcome == SeriesOutcome::AlreadyScheduled {
        series.defined_seq()
    } else {
        series.seq()
    };
    SeriesDecision { events, reply: SeriesReply { outcome, seq }, at }
}

fn decided(series: &Series, command: &SeriesCommand) -> Decided {
    if let SeriesCommand::Schedule { event } = command {
        return schedule(series, event);
    }
    if !series.exists() {
        return Err(SeriesOutcome::NoSuchSeries);
    }
    match command {
        SeriesCommand::Schedule { event } => return schedule(series, event),
        SeriesCommand::Redefine { event } => return redefine(series, event),
        SeriesCommand::CancelAll if series.is_cancelled() => return Err(SeriesOutcome::Unchanged),
        SeriesCommand::CancelAll => {
            let cancelled = SeriesEvent::SeriesCancelled { revision: series.revision() + 1 };
            return Ok((SeriesOutcome::Cancelled, vec![cancelled]));
        }
        SeriesCommand::Move { .. }
        | SeriesCommand::Split { .. }
        | SeriesCommand::Cancel { .. }
        | SeriesCommand::Reinstate { .. } => {}
    }
    if series.is_cancelled() {
        return Err(SeriesOutcome::SeriesCancelled);
    }
    let (outcome, events) = match command {
        SeriesCommand::Split { recurrence, event } => split(series, recurrence, event)?,
        SeriesCommand::Move { range: Range::This, .. } => (SeriesOutcome::Moved, move_one(series, command)?),
        SeriesCommand::Move { .. } => (SeriesOutcome::Moved, move_following(series, command)?),
        SeriesCommand::Cancel { recurrence, range: Range::This } => {
            (SeriesOutcome::Cancelled, cancel_one(series, recurrence)?)
        }
        SeriesCommand::Cancel { recurrence, range: Range::ThisAndFuture } => {
            (SeriesOutcome::Cancelled, cancel_following(series, recurrence)?)
        }
        SeriesCommand::Reinstate { recurrence } => (SeriesOutcome::Reinstated, reinstate(series, recurrence)?),
        SeriesCommand::Schedule { .. } | SeriesCommand::Redefine { .. } | SeriesCommand::CancelAll => {
            return Err(SeriesOutcome::Unchanged);
        }
    };
    if differs(series, &events) { Ok((outcome, events)) } else { Err(SeriesOutcome::Unchanged) }
}

fn schedule(series: &Series, event: &CalendarEvent) -> Decided {
    if series.is_cancelled() && !event.cancelled {
        return Err(SeriesOutcome::SeriesCancelled);
    }
    match series.parts() {
        [] => {}
        [only] if same_definition(only, event, series.revision()) => return Err(SeriesOutcome::Unchanged),
        _ => return Err(SeriesOutcome::AlreadyScheduled),
    }
    check_event(event)?;
    check_start(event)?;
    let revision = event.details.sequence;
    let scheduled = SeriesEvent::SeriesScheduled { revision, definition: Box::new(event.clone()) };
    Ok((SeriesOutcome::Scheduled, vec![scheduled]))
}

fn redefine(series: &Series, event: &CalendarEvent) -> Decided {
    if let [only] = series.parts()
        && same_definition(only, event, series.revision())
    {
        return Err(SeriesOutcome::Unchanged);
    }
    if series.id() != Some(&event.series) {
        return Err(SeriesOutcome::Invalid(super::outcome::Flaw::OtherSeries));
    }
    check_event(event)?;
    check_start(event)?;
    let rises = u32::from(matters(series.parts(), event));
    let revision = series.revision().saturating_add(rises).max(event.details.sequence);
    let redefined = SeriesEvent::SeriesRedefined { revision, definition: Box::new(event.clone()) };
    Ok((SeriesOutcome::Redefined, vec![redefined]))
}

fn split(series: &Series, recurrence: &RecurrenceId, event: &CalendarEvent) -> Decided {
    // Asked for again, when the new part does not have the occurrence any more.
    if let [.., last] = series.parts()
        && series.last_split() == Some(recurrence)
        && same_definition(last, event, series.revision())
    {
        return Err(SeriesOutcome::Unchanged);
    }
    if series.id() != Some(&event.series) {
        return Err(SeriesOutcome::Invalid(super::outcome::Flaw::OtherSeries));
    }
    check_event(event)?;
    let place = series.part_of(recurrence).map_err(SeriesOutcome::TooManySteps)?;
    let place = place.ok_or(SeriesOutcome::NoSuchOccurrence)?;
    let part = series.parts().get(place).ok_or(SeriesOutcome::NoSuchOccurrence)?;
    check_tail(series, place, recurrence, event)?;
    check_start(event)?;
    let ends = ends_before(part, recurrence.at()).map_err(SeriesOutcome::TooManySteps)?;
    let revision = series.revision().saturating_add(1).max(event.details.sequence);
    let definition = Box::new(event.clone());
    let split = SeriesEvent::SeriesSplit { revision, part: place, recurrence: *recurrence, ends, definition };
    Ok((SeriesOutcome::Split, vec![split]))
}
