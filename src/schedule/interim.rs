//! INTERIM: definitions and changes as JSON, until there is an iCalendar writer. See `wire.rs`; nothing else uses it.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::calendar::{
    CalendarEvent, Change, Component, Details, Frame, Gap, Length, Parameter, Property, Range, RecurrenceRule,
};
use crate::id::SeriesId;
use crate::time::Timestamp;

/// A civil time as text.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct At(DateTime);

impl From<At> for String {
    fn from(at: At) -> Self {
        at.0.to_string()
    }
}

impl TryFrom<String> for At {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, jiff::Error> {
        text.parse().map(Self)
    }
}

#[derive(Serialize, Deserialize)]
struct Entry {
    series: SeriesId,
    summary: String,
    start: At,
    frame: String,
    length: (i32, i64),
    rules: Vec<String>,
    dates: Vec<(At, Option<(i32, i64)>)>,
    excluded_rules: Vec<String>,
    excluded: Vec<At>,
    excluded_days: Vec<At>,
    changes: Vec<Override>,
    cancelled: bool,
    capacity: Option<u32>,
    skip_gaps: bool,
    details: Beyond,
}

#[derive(Serialize, Deserialize)]
struct Override {
    of: At,
    following: bool,
    start: At,
    frame: String,
    length: (i32, i64),
    summary: String,
    cancelled: bool,
    details: Beyond,
}

#[derive(Serialize, Deserialize)]
struct Beyond {
    sequence: u32,
    stamp: Option<Timestamp>,
    properties: Vec<Line>,
    components: Vec<Block>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    name: String,
    parameters: Vec<(String, Vec<String>)>,
    value: String,
}

#[derive(Serialize, Deserialize)]
struct Block {
    name: String,
    properties: Vec<Line>,
    components: Vec<Block>,
}

fn length_out(length: Length) -> (i32, i64) {
    let (days, exact) = length.parts();
    (days, exact.as_secs())
}

fn length_in((days, seconds): (i32, i64)) -> Result<Length, String> {
    Length::of_parts(days, SignedDuration::from_secs(seconds)).ok_or_else(|| "a length is below zero".to_owned())
}

fn frame_in(name: &str) -> Result<Frame, String> {
    match name {
        "date" => Ok(Frame::Date),
        "floating" => Ok(Frame::Floating),
        "UTC" => Ok(Frame::Utc),
        zone => Frame::zoned(zone).map_err(|error| error.to_string()),
    }
}

fn line_out(property: &Property) -> Line {
    let parameters = property.parameters.iter().map(|one| (one.name.clone(), one.values.clone())).collect();
    Line { name: property.name.clone(), parameters, value: property.value.clone() }
}

fn line_in(line: Line) -> Property {
    let parameters = line.parameters.into_iter().map(|(name, values)| Parameter { name, values }).collect();
    Property { name: line.name, parameters, value: line.value, line: 0 }
}

fn block_out(component: &Component) -> Block {
    let properties = component.properties.iter().map(line_out).collect();
    let components = component.components.iter().map(block_out).collect();
    Block { name: component.name.clone(), properties, components }
}

fn block_in(block: Block) -> Component {
    let properties = block.properties.into_iter().map(line_in).collect();
    let components = block.components.into_iter().map(block_in).collect();
    Component { name: block.name, properties, components, line: 0 }
}

fn details_out(details: &Details) -> Beyond {
    Beyond {
        sequence: details.sequence,
        stamp: details.stamp,
        properties: details.properties.iter().map(line_out).collect(),
        components: details.components.iter().map(block_out).collect(),
    }
}

fn details_in(beyond: Beyond) -> Details {
    Details {
        sequence: beyond.sequence,
        stamp: beyond.stamp,
        properties: beyond.properties.into_iter().map(line_in).collect(),
        components: beyond.components.into_iter().map(block_in).collect(),
    }
}

fn change_out(change: &Change) -> Override {
    Override {
        of: At(change.of),
        following: change.range == Range::ThisAndFuture,
        start: At(change.start),
        frame: change.frame.name().to_owned(),
        length: length_out(change.length),
        summary: change.summary.to_string(),
        cancelled: change.cancelled,
        details: details_out(&change.details),
    }
}

fn change_in(change: Override) -> Result<Change, String> {
    Ok(Change {
        of: change.of.0,
        range: if change.following { Range::ThisAndFuture } else { Range::This },
        start: change.start.0,
        frame: frame_in(&change.frame)?,
        length: length_in(change.length)?,
        summary: change.summary.into(),
        cancelled: change.cancelled,
        details: details_in(change.details).into(),
    })
}

pub(super) fn event_to_json(event: &CalendarEvent) -> String {
    let entry = Entry {
        series: event.series.clone(),
        summary: event.summary.to_string(),
        start: At(event.start),
        frame: event.frame.name().to_owned(),
        length: length_out(event.length),
        rules: event.rules.iter().map(ToString::to_string).collect(),
        dates: event.dates.iter().map(|(at, length)| (At(*at), length.map(length_out))).collect(),
        excluded_rules: event.excluded_rules.iter().map(ToString::to_string).collect(),
        excluded: event.excluded.iter().copied().map(At).collect(),
        excluded_days: event.excluded_days.iter().map(|day| At((*day).into())).collect(),
        changes: event.changes.iter().map(change_out).collect(),
        cancelled: event.cancelled,
        capacity: event.capacity,
        skip_gaps: event.gap == Gap::Skip,
        details: details_out(&event.details),
    };
    serde_json::to_string(&entry).unwrap_or_default()
}

pub(super) fn event_from_json(text: &str) -> Result<CalendarEvent, String> {
    let entry: Entry = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let rule = |rule: &String| rule.parse::<RecurrenceRule>().map_err(|error| error.to_string());
    let rules = |rules: Vec<String>| rules.iter().map(rule).collect::<Result<_, _>>();
    let dates = entry.dates.into_iter().map(|(at, length)| Ok((at.0, length.map(length_in).transpose()?)));
    Ok(CalendarEvent {
        series: entry.series,
        summary: entry.summary.into(),
        start: entry.start.0,
        frame: frame_in(&entry.frame)?,
        length: length_in(entry.length)?,
        rules: rules(entry.rules)?,
        dates: dates.collect::<Result<_, String>>()?,
        excluded_rules: rules(entry.excluded_rules)?,
        excluded: entry.excluded.into_iter().map(|at| at.0).collect(),
        excluded_days: entry.excluded_days.into_iter().map(|at| at.0.date()).collect(),
        changes: entry.changes.into_iter().map(change_in).collect::<Result<_, _>>()?,
        cancelled: entry.cancelled,
        capacity: entry.capacity,
        gap: if entry.skip_gaps { Gap::Skip } else { Gap::Shift },
        details: details_in(entry.details).into(),
    })
}

pub(super) fn change_to_json(_part: Option<&CalendarEvent>, change: &Change) -> String {
    serde_json::to_string(&change_out(change)).unwrap_or_default()
}

pub(super) fn change_from_json(text: &str) -> Result<Change, String> {
    change_in(serde_json::from_str(text).map_err(|error| error.to_string())?)
}
