//! What a definition must be before it is recorded, and what makes two of them different.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::DateTime;

use super::event::SeriesEvent;
use super::outcome::{Flaw, SeriesOutcome};
use super::series::Series;
use super::wire;
use crate::calendar::{CalendarEvent, Change, Details, Frame, Length, Range, Select, Truncated};

/// Most rules of one definition, excluded ones included.
const RULES_MAX: usize = 50;
/// Most dates, exclusions and changes of one definition, each.
const DATES_MAX: usize = 10_000;
/// Most parts of one series.
pub(super) const PARTS_MAX: usize = 1_000;
/// Longest recorded text of one definition, in bytes.
const TEXT_MAX: usize = 1 << 20;

/// Refuses what cannot be recorded, or makes no sense whatever the series.
pub(super) fn check_event(event: &CalendarEvent) -> Result<(), SeriesOutcome> {
    flaw_of(event).map_or(Ok(()), |flaw| Err(SeriesOutcome::Invalid(flaw)))
}

fn flaw_of(event: &CalendarEvent) -> Option<Flaw> {
    let many = [
        ("rules", event.rules.len() + event.excluded_rules.len(), RULES_MAX),
        ("dates", event.dates.len(), DATES_MAX),
        ("exclusions", event.excluded.len() + event.excluded_days.len(), DATES_MAX),
        ("changes", event.changes.len(), DATES_MAX),
    ];
    if let Some((what, _, limit)) = many.into_iter().find(|(_, count, limit)| count > limit) {
        return Some(Flaw::TooMany { what, limit });
    }
    let starts = event.dates.iter().map(|(date, _)| *date).chain([event.start]).chain(event.excluded.iter().copied());
    let originals = starts.chain(event.changes.iter().map(|change| change.of));
    let lengths = event.dates.iter().filter_map(|(_, length)| *length).chain([event.length]);
    let time = originals.map(|at| time_flaw(&event.frame, at)).find_map(core::convert::identity);
    let length = lengths.map(|length| length_flaw(&event.frame, length)).find_map(core::convert::identity);
    let change = event.changes.iter().find_map(change_flaw);
    time.or(length).or(change).or_else(|| two_changes(event)).or_else(|| unrecordable(event))
}

pub(super) fn change_flaw(change: &Change) -> Option<Flaw> {
    time_flaw(&change.frame, change.start).or_else(|| length_flaw(&change.frame, change.length))
}

fn time_flaw(frame: &Frame, at: DateTime) -> Option<Flaw> {
    if at.subsec_nanosecond() != 0 || at.year() < 1 {
        return Some(Flaw::Time);
    }
    (*frame == Frame::Date && at != at.date().to_datetime(jiff::civil::Time::midnight())).then_some(Flaw::NotWholeDays)
}

fn length_flaw(frame: &Frame, length: Length) -> Option<Flaw> {
    (*frame == Frame::Date && !length.parts().1.is_zero()).then_some(Flaw::NotWholeDays)
}

fn two_changes(event: &CalendarEvent) -> Option<Flaw> {
    let mut originals: Vec<DateTime> = event.changes.iter().map(|change| change.of).collect();
    originals.sort_unstable();
    let twice = originals.iter().zip(originals.iter().skip(1)).find(|(one, next)| one == next);
    twice.map(|(of, _)| Flaw::TwoChanges { of: *of })
}

/// What is recorded must read back as what it is: a bug of writer or reader is a refusal, never another calendar.
fn unrecordable(event: &CalendarEvent) -> Option<Flaw> {
    let text = wire::definition_to_text(event);
    if text.len() > TEXT_MAX {
        return Some(Flaw::TooMany { what: "bytes", limit: TEXT_MAX });
    }
    let back = wire::definition_from_text(&text);
    (back.as_ref() != Ok(event)).then_some(Flaw::NotRecordable)
}

/// The definition with nothing but its rules: no dates, exclusions and changes.
pub(super) fn rules_only(event: &CalendarEvent) -> CalendarEvent {
    CalendarEvent {
        dates: Vec::new(),
        excluded_rules: Vec::new(),
        excluded: Vec::new(),
        excluded_days: Vec::new(),
        changes: Vec::new(),
        ..event.clone()
    }
}

/// The first original start from `from` on; changes are not looked at.
pub(super) fn first_original(event: &CalendarEvent, from: DateTime) -> Result<Option<DateTime>, Truncated> {
    let unchanged = CalendarEvent { changes: Vec::new(), ..event.clone() };
    let first = unchanged.occurrences(from, DateTime::MAX, Select::Starting).next().transpose()?;
    Ok(first.map(|first| first.recurrence().at()))
}

/// Refuses a first start that the rules do not give. One that is excluded is given all the same.
pub(super) fn check_start(event: &CalendarEvent) -> Result<(), SeriesOutcome> {
    if event.rules.is_empty() {
        return Ok(());
    }
    let plain = rules_only(event);
    let given = plain.has_occurrence(&plain.recurrence_id(event.start)).map_err(SeriesOutcome::TooManySteps)?;
    if given {
        return Ok(());
    }
    let first = first_original(&plain, event.start).map_err(SeriesOutcome::TooManySteps)?;
    Err(SeriesOutcome::StartNotInRule { first })
}

/// Whether `event` says what `part` says. When it was written does not count, nor does a SEQUENCE that is not above
/// `revision`: many exporters stamp an entry each time they are asked.
pub(super) fn same_definition(part: &CalendarEvent, event: &CalendarEvent, revision: u32) -> bool {
    event.details.sequence <= revision.max(part.details.sequence) && unstamped(part) == unstamped(event)
}

fn unstamped(event: &CalendarEvent) -> CalendarEvent {
    let plain = |details: &Arc<Details>| Arc::new(Details { sequence: 0, stamp: None, ..(**details).clone() });
    let changes = event.changes.iter().map(|change| Change { details: plain(&change.details), ..change.clone() });
    let mut changes: Vec<Change> = changes.collect();
    changes.sort_by_key(|change| change.of);
    CalendarEvent { details: plain(&event.details), changes, ..event.clone() }
}

/// Whether a new definition matters to who attends: when it happens, not what it says (RFC 5546 section 2.1.4).
pub(super) fn matters(parts: &[CalendarEvent], event: &CalendarEvent) -> bool {
    let when = |event: &CalendarEvent| {
        let nothing = Arc::<Details>::default();
        let changes = event.changes.iter().map(|change| Change {
            details: Arc::clone(&nothing),
            summary: "".into(),
            ..change.clone()
        });
        let mut changes: Vec<Change> = changes.collect();
        changes.sort_by_key(|change| change.of);
        let (details, policies) = (Arc::clone(&nothing), BTreeSet::new());
        CalendarEvent { details, summary: "".into(), changes, capacity: None, policies, ..event.clone() }
    };
    match parts {
        [only] => when(only) != when(event),
        _ => true,
    }
}

/// Whether `events` change what the series says.
pub(super) fn differs(series: &Series, events: &[SeriesEvent]) -> bool {
    let mut after = series.clone();
    for event in events {
        after.evolve(series.seq(), series.latest_at(), event);
    }
    let unstamped = |series: &Series| series.parts().iter().map(unstamped).collect::<Vec<_>>();
    unstamped(&after) != unstamped(series)
}

/// Whether a change holds for later occurrences too.
pub(super) fn lasts(change: &Change) -> bool {
    change.range == Range::ThisAndFuture
}
