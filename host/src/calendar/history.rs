//! `boxoffice calendar history`: what happened to a series.

use boxoffice::calendar::{CalendarEvent, Change, Range, Select};
use boxoffice::persist::{Fault, Seq};
use boxoffice::schedule::{SeriesEvent, history, read_from, series_stream};
use boxoffice::time::Timestamp;
use jiff::civil::DateTime;
use serde::Serialize;

use super::args::HistoryArgs;
use crate::error::HostError;
use crate::output::{print, visible};

/// One line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    at: String,
    event: &'a str,
    revision: u32,
    /// Of a split: the first occurrence that follows the new definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    recurrence: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<String>,
    #[serde(flatten)]
    change: Option<Changed<'a>>,
}

#[derive(Serialize)]
struct Changed<'a> {
    summary: &'a str,
    of: String,
    start: String,
    tzid: &'a str,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    following: bool,
}

pub(super) async fn run(args: &HistoryArgs) -> Result<bool, HostError> {
    let backend = args.store.open(false).await?;
    let events = read_from(&*backend, &series_stream(&args.series), Seq::FIRST).await?;
    if events.is_empty() {
        return Err(HostError::Usage(format!("the store has no series {}", args.series)));
    }
    for (seq, at, event) in history(&events).map_err(Fault::from)? {
        let line = if args.json { json(seq, at, &event) } else { human(seq, at, &event) };
        if !print(&line)? {
            break;
        }
    }
    Ok(true)
}

fn human(seq: Seq, at: Timestamp, event: &SeriesEvent) -> String {
    let (name, revision) = (event.name(), event.revision());
    visible(&format!("{seq:>6}  {at}  {name:<20}  revision {revision}  {}", what(event))) + "\n"
}

fn json(seq: Seq, at: Timestamp, event: &SeriesEvent) -> String {
    let (recurrence, definition, change) = match event {
        SeriesEvent::SeriesScheduled { definition, .. } | SeriesEvent::SeriesRedefined { definition, .. } => {
            (None, Some(definition), None)
        }
        SeriesEvent::SeriesSplit { recurrence, definition, .. } => (Some(recurrence), Some(definition), None),
        SeriesEvent::OccurrenceMoved { change, .. }
        | SeriesEvent::OccurrenceCancelled { change, .. }
        | SeriesEvent::OccurrenceReinstated { change, .. } => (None, None, Some(change)),
        SeriesEvent::SeriesCancelled { .. } => (None, None, None),
    };
    let line = Line {
        seq: seq.get(),
        at: at.to_string(),
        event: event.name(),
        revision: event.revision(),
        recurrence: recurrence.map(ToString::to_string),
        definition: definition.map(|definition| definition.to_icalendar()),
        change: change.map(|change| Changed {
            summary: &change.summary,
            of: change.of.to_string(),
            start: change.start.to_string(),
            tzid: change.frame.name(),
            following: change.range == Range::ThisAndFuture,
        }),
    };
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

/// What an event says, in a line.
fn what(event: &SeriesEvent) -> String {
    match event {
        SeriesEvent::SeriesScheduled { definition, .. } | SeriesEvent::SeriesRedefined { definition, .. } => {
            defined(definition)
        }
        SeriesEvent::SeriesSplit { recurrence, definition, .. } => format!("at {recurrence}: {}", defined(definition)),
        SeriesEvent::OccurrenceMoved { change, .. }
        | SeriesEvent::OccurrenceCancelled { change, .. }
        | SeriesEvent::OccurrenceReinstated { change, .. } => changed(change),
        SeriesEvent::SeriesCancelled { .. } => String::new(),
    }
}

fn defined(event: &CalendarEvent) -> String {
    let end = first_end(event).map_or(String::new(), |end| format!(" to {end}"));
    let mut parts = vec![event.summary.to_string(), format!("from {}{end} {}", event.start, event.frame.name())];
    if event.cancelled {
        parts.push("cancelled".to_owned());
    }
    let exceptions = event.excluded.len() + event.excluded_days.len();
    for (count, what) in [(event.dates.len(), "date"), (exceptions, "exception"), (event.changes.len(), "change")] {
        if count > 0 {
            parts.push(format!("{count} {what}{}", if count == 1 { "" } else { "s" }));
        }
    }
    parts.extend(event.capacity.map(|seats| format!("capacity {seats}")));
    parts.extend(event.rules.iter().map(ToString::to_string));
    parts.extend(event.excluded_rules.iter().map(|rule| format!("except {rule}")));
    parts.join("  ")
}

/// The end of an occurrence at the first start, whether or not the rules give that one.
fn first_end(event: &CalendarEvent) -> Option<DateTime> {
    let CalendarEvent { series, summary, start, frame, length, .. } = event;
    let once = CalendarEvent::new(series.clone(), summary.clone(), *start, frame.clone(), *length);
    let next_day = start.checked_add(jiff::Span::new().days(1)).ok()?;
    let first = once.occurrences(*start, next_day, Select::Starting).next()?.ok()?;
    Some(first.end)
}

fn changed(change: &Change) -> String {
    let following = if change.range == Range::ThisAndFuture { " and following" } else { "" };
    format!("{}{following}: {} {}  {}", change.of, change.start, change.frame.name(), change.summary)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use boxoffice::calendar::{Frame, Length};
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_change_says_what_is_moved_and_where_to() {
        let change = Change {
            of: date(2026, 1, 5).at(19, 0, 0, 0),
            range: Range::ThisAndFuture,
            start: date(2026, 1, 6).at(20, 0, 0, 0),
            frame: Frame::Utc,
            length: Length::days(1),
            summary: "Chess".into(),
            cancelled: false,
            details: Arc::default(),
        };
        let moved = SeriesEvent::OccurrenceMoved { revision: 2, part: 0, change: Box::new(change) };
        let expected = r#"{"seq":7,"at":"1970-01-01T00:00:00Z","event":"moved","revision":2,"summary":"Chess","of":"2026-01-05T19:00:00","start":"2026-01-06T20:00:00","tzid":"UTC","following":true}"#;
        assert_eq!(json(Seq::new(7), Timestamp::EPOCH, &moved), format!("{expected}\n"));
    }
}
