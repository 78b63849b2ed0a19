//! Where one part of a series ends and the next begins.

use jiff::ToSpan;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use super::check::{PARTS_MAX, first_original, rules_only};
use super::outcome::{Flaw, SeriesOutcome};
use super::series::{Series, current};
use crate::calendar::{CalendarEvent, Frame, Select, Truncated, Until};
use crate::id::RecurrenceId;

/// How each rule of `part` must end so that no original start at or after `at` is left; none for one that has no such
/// start, and so ends as before. A COUNT becomes an UNTIL only where it reaches that far.
pub(super) fn ends_before(part: &CalendarEvent, at: DateTime) -> Result<Vec<Option<Until>>, Truncated> {
    let plain = rules_only(part);
    let reaches = |rule| {
        let alone = CalendarEvent { rules: vec![rule], ..plain.clone() };
        Ok(first_original(&alone, at)?.map(|_| until_before(&part.frame, at)))
    };
    part.rules.iter().cloned().map(reaches).collect()
}

/// The last moment before a start, as UNTIL names it in each frame (RFC 5545 section 3.3.10).
fn until_before(frame: &Frame, at: DateTime) -> Until {
    let before = at.saturating_sub(1.second());
    match frame {
        Frame::Date => Until::Date(at.date().yesterday().unwrap_or(at.date())),
        Frame::Floating => Until::Local(before),
        Frame::Utc => Until::Utc(before),
        Frame::Zoned(_) => {
            let instant = frame.instant(before, &TimeZone::UTC).as_millis();
            let utc = jiff::Timestamp::from_millisecond(instant).map(|instant| TimeZone::UTC.to_datetime(instant));
            utc.map_or(Until::Local(before), Until::Utc)
        }
    }
}

/// Refuses a new part that starts too early, or would give one recurrence id twice.
pub(super) fn check_tail(
    series: &Series,
    place: usize,
    recurrence: &RecurrenceId,
    tail: &CalendarEvent,
) -> Result<(), SeriesOutcome> {
    let invalid = |flaw| Err(SeriesOutcome::Invalid(flaw));
    if place + 2 > PARTS_MAX {
        return invalid(Flaw::TooMany { what: "parts", limit: PARTS_MAX });
    }
    let Some(part) = series.parts().get(place) else { return Err(SeriesOutcome::NoSuchOccurrence) };
    // Seen from where it was moved to, if it was moved to an earlier time.
    let now = current(part, recurrence.at());
    let moved = if now.frame == part.frame { now.start.min(recurrence.at()) } else { recurrence.at() };
    if before(tail, (&part.frame, moved)) {
        return invalid(Flaw::StartsBeforeSplit);
    }
    let kept = series.parts().get(..=place).unwrap_or_default();
    // Only where clocks differ or occurrences were moved can ids of the new part lie before the split.
    let overlap = CalendarEvent { changes: Vec::new(), ..tail.clone() };
    for occurrence in overlap.occurrences(tail.start, recurrence.at(), Select::Starting) {
        let id = occurrence.map_err(SeriesOutcome::TooManySteps)?.recurrence();
        for part in kept {
            if part.has_occurrence(&id).map_err(SeriesOutcome::TooManySteps)? {
                return invalid(Flaw::SameRecurrence { of: id.at() });
            }
        }
    }
    Ok(())
}

/// Whether `tail` starts before a civil time of another frame: by the instant where both have one.
fn before(tail: &CalendarEvent, (frame, at): (&Frame, DateTime)) -> bool {
    match (&tail.frame, frame) {
        (Frame::Utc | Frame::Zoned(_), Frame::Utc | Frame::Zoned(_)) => {
            tail.frame.instant(tail.start, &TimeZone::UTC) < frame.instant(at, &TimeZone::UTC)
        }
        (Frame::Date, _) => tail.start < at.date().to_datetime(Time::midnight()),
        (Frame::Floating | Frame::Utc | Frame::Zoned(_), _) => tail.start < at,
    }
}
