//! How series events are recorded: the only place that knows both.
//!
//! Names and shapes are constants of the format. Renaming a Rust type changes nothing here, and a new shape gets a
//! new version, never a changed one.
//!
//! | type | data (JSON) |
//! | --- | --- |
//! | `schedule.series_scheduled.v1` | `{"revision":0,"text":DEFINITION}` |
//! | `schedule.series_redefined.v1` | `{"revision":1,"text":DEFINITION}` |
//! | `schedule.occurrence_moved.v1` | `{"revision":2,"part":0,"text":CHANGE}` |
//! | `schedule.series_split.v1` | `{"revision":3,"part":0,"recurrence":"20260105T190000","ends":["20260105T175959Z",null],"text":DEFINITION}` |
//! | `schedule.occurrence_cancelled.v1` | `{"revision":4,"part":0,"text":CHANGE}` |
//! | `schedule.occurrence_reinstated.v1` | `{"revision":5,"part":0,"text":CHANGE}` |
//! | `schedule.series_cancelled.v1` | `{"revision":6}` |
//! | `schedule.text.v1` | `{"text":"..."}`: the beginning of the text of the event that follows in the same transaction |
//!
//! A store takes a few kilobytes an event, and a definition may be longer: its text then begins in as many
//! `schedule.text.v1` as it takes.

use serde::{Deserialize, Serialize};

use super::event::SeriesEvent;
use super::series::Series;
use crate::calendar::{CalendarEvent, Change, End, Frequency, RecurrenceRule, Until, read_change, read_series};
use crate::id::RecurrenceId;
use crate::persist::{EventType, Fault, NewEvent, Payload, RecordedEvent, Seq, StreamName};
use crate::time::Timestamp;

const SCHEDULED: &str = "schedule.series_scheduled.v1";
const REDEFINED: &str = "schedule.series_redefined.v1";
const MOVED: &str = "schedule.occurrence_moved.v1";
const SPLIT: &str = "schedule.series_split.v1";
const OCCURRENCE_CANCELLED: &str = "schedule.occurrence_cancelled.v1";
const REINSTATED: &str = "schedule.occurrence_reinstated.v1";
const SERIES_CANCELLED: &str = "schedule.series_cancelled.v1";
const TEXT: &str = "schedule.text.v1";

/// Most bytes of text in one event, as JSON writes them. With the longest stream name and the other members that is
/// less than the 4,000 bytes that the embedded store takes; a split of fifty rules has 2,000 bytes of members.
const TEXT_ROOM: usize = 1_200;
/// The same, in an event that has nothing else.
const PIECE_ROOM: usize = 3_300;

/// A recorded event that is no series event of a version known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} of stream {stream}: {reason}")]
pub struct Corrupt {
    /// The stream it stands in.
    pub stream: StreamName,
    /// Its place there.
    pub seq: Seq,
    /// What is wrong with it.
    pub reason: String,
}

impl From<Corrupt> for Fault {
    fn from(error: Corrupt) -> Self {
        Self::corrupt(format!("{} of stream {}", error.seq, error.stream), error.reason)
    }
}

/// A definition as the text that is recorded: an iCalendar object with one series (RFC 5545), so that nothing that came
/// with it is lost and other programs can read it.
pub(super) fn definition_to_text(event: &CalendarEvent) -> String {
    event.to_icalendar()
}

/// The way back.
pub(super) fn definition_from_text(text: &str) -> Result<CalendarEvent, String> {
    read_series(text).map_err(|error| error.to_string())
}

/// A change to `part` as the text that is recorded: a VEVENT with a RECURRENCE-ID.
fn change_to_text(part: Option<&CalendarEvent>, change: &Change) -> String {
    part.map_or(String::new(), |part| part.change_to_icalendar(change))
}

/// The way back.
fn change_from_text(text: &str) -> Result<Change, String> {
    read_change(text).map_err(|error| error.to_string())
}

#[derive(Serialize, Deserialize)]
struct Defined {
    revision: u32,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct Changed {
    revision: u32,
    part: usize,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct Split {
    revision: u32,
    part: usize,
    recurrence: RecurrenceId,
    ends: Vec<Option<String>>,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct Cancelled {
    revision: u32,
}

#[derive(Serialize, Deserialize)]
struct Text {
    text: String,
}

/// What an UNTIL is written as, by way of a rule that has it.
fn until_to_text(until: Until) -> String {
    let rule = RecurrenceRule::every(Frequency::Daily).ending(End::Until(until)).to_string();
    rule.rsplit_once("UNTIL=").map_or(String::new(), |(_, until)| until.to_owned())
}

fn until_from_text(text: &str) -> Result<Until, String> {
    let rule: RecurrenceRule = format!("FREQ=DAILY;UNTIL={text}").parse().map_err(|error| format!("{error}"))?;
    match rule.end() {
        End::Until(until) => Ok(until),
        End::Never | End::Count(_) => Err(format!("{text:?} is no UNTIL")),
    }
}

fn recorded(name: &str, at: Timestamp, data: &impl Serialize) -> NewEvent {
    // Numbers and texts always have a JSON form.
    let data = Payload::new(data).unwrap_or_else(|_| Payload::stored("null"));
    NewEvent { event_type: EventType::stored(name), at, data }
}

/// The recorded form of `event`, which happens to `series` at `at`: as many events as its text takes, itself the last.
pub fn encode(series: &Series, at: Timestamp, event: &SeriesEvent) -> Vec<NewEvent> {
    let change_text = |part: usize, change: &Change| change_to_text(series.parts().get(part), change);
    let whole = match event {
        SeriesEvent::SeriesScheduled { definition, .. }
        | SeriesEvent::SeriesRedefined { definition, .. }
        | SeriesEvent::SeriesSplit { definition, .. } => definition_to_text(definition),
        SeriesEvent::OccurrenceMoved { part, change, .. }
        | SeriesEvent::OccurrenceCancelled { part, change, .. }
        | SeriesEvent::OccurrenceReinstated { part, change, .. } => change_text(*part, change),
        SeriesEvent::SeriesCancelled { .. } => String::new(),
    };
    let (pieces, text) = split_text(&whole);
    let text = text.to_owned();
    let last = match event {
        SeriesEvent::SeriesScheduled { revision, .. } => {
            recorded(SCHEDULED, at, &Defined { revision: *revision, text })
        }
        SeriesEvent::SeriesRedefined { revision, .. } => {
            recorded(REDEFINED, at, &Defined { revision: *revision, text })
        }
        SeriesEvent::OccurrenceMoved { revision, part, .. } => {
            recorded(MOVED, at, &Changed { revision: *revision, part: *part, text })
        }
        SeriesEvent::OccurrenceCancelled { revision, part, .. } => {
            recorded(OCCURRENCE_CANCELLED, at, &Changed { revision: *revision, part: *part, text })
        }
        SeriesEvent::OccurrenceReinstated { revision, part, .. } => {
            recorded(REINSTATED, at, &Changed { revision: *revision, part: *part, text })
        }
        SeriesEvent::SeriesSplit { revision, part, recurrence, ends, .. } => {
            let ends = ends.iter().map(|end| end.map(until_to_text)).collect();
            recorded(SPLIT, at, &Split { revision: *revision, part: *part, recurrence: *recurrence, ends, text })
        }
        SeriesEvent::SeriesCancelled { revision } => recorded(SERIES_CANCELLED, at, &Cancelled { revision: *revision }),
    };
    let pieces = pieces.into_iter().map(|piece| recorded(TEXT, at, &Text { text: piece.to_owned() }));
    pieces.chain([last]).collect()
}

/// Pieces that each fit into an event, and a rest that fits into one with other members.
pub(crate) fn split_text(mut text: &str) -> (Vec<&str>, &str) {
    let mut pieces = Vec::new();
    while json_size(text) > TEXT_ROOM {
        let (mut size, mut end) = (0, 0);
        for (at, character) in text.char_indices() {
            size += json_bytes(character);
            if size > PIECE_ROOM {
                break;
            }
            end = at + character.len_utf8();
        }
        let (piece, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        pieces.push(piece);
        text = rest;
    }
    (pieces, text)
}

fn json_size(text: &str) -> usize {
    text.chars().map(json_bytes).sum()
}

/// Bytes that a character takes at most within a JSON string (RFC 8259 section 7).
fn json_bytes(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        character if character.is_ascii_control() => 6,
        character => character.len_utf8(),
    }
}

/// Reads recorded events one after the other, and puts texts together that were recorded in pieces.
#[derive(Clone, Debug, Default)]
pub(super) struct Decoder {
    text: String,
}

impl Decoder {
    /// The event that `recorded` holds; none if it is the beginning of one.
    pub(super) fn read(&mut self, recorded: &RecordedEvent) -> Result<Option<SeriesEvent>, Corrupt> {
        self.decode(recorded).map_err(|reason| Corrupt { stream: recorded.stream.clone(), seq: recorded.seq, reason })
    }

    fn decode(&mut self, recorded: &RecordedEvent) -> Result<Option<SeriesEvent>, String> {
        let name = recorded.event_type.as_str();
        let data = &recorded.data;
        if name == TEXT {
            self.text.push_str(&data.read::<Text>().map_err(|error| error.to_string())?.text);
            return Ok(None);
        }
        let begun = core::mem::take(&mut self.text);
        let read = |error: crate::persist::PayloadError| error.to_string();
        let definition = |text: &str| definition_from_text(&[&begun, text].concat()).map(Box::new);
        let change = || {
            let Changed { revision, part, text } = data.read().map_err(read)?;
            Ok::<_, String>((revision, part, Box::new(change_from_text(&[&*begun, &*text].concat())?)))
        };
        Ok(Some(match name {
            SCHEDULED => {
                let Defined { revision, text } = data.read().map_err(read)?;
                SeriesEvent::SeriesScheduled { revision, definition: definition(&text)? }
            }
            REDEFINED => {
                let Defined { revision, text } = data.read().map_err(read)?;
                SeriesEvent::SeriesRedefined { revision, definition: definition(&text)? }
            }
            MOVED => {
                let (revision, part, change) = change()?;
                SeriesEvent::OccurrenceMoved { revision, part, change }
            }
            OCCURRENCE_CANCELLED => {
                let (revision, part, change) = change()?;
                SeriesEvent::OccurrenceCancelled { revision, part, change }
            }
            REINSTATED => {
                let (revision, part, change) = change()?;
                SeriesEvent::OccurrenceReinstated { revision, part, change }
            }
            SPLIT => {
                let Split { revision, part, recurrence, ends, text } = data.read().map_err(read)?;
                let ends = ends.iter().map(|end| end.as_deref().map(until_from_text).transpose());
                let (ends, definition) = (ends.collect::<Result<_, _>>()?, definition(&text)?);
                SeriesEvent::SeriesSplit { revision, part, recurrence, ends, definition }
            }
            SERIES_CANCELLED => {
                let Cancelled { revision } = data.read().map_err(read)?;
                SeriesEvent::SeriesCancelled { revision }
            }
            _ => return Err(format!("unknown type {name:?}")),
        }))
    }
}
