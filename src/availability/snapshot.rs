//! An availability saved and restored, so that the log is not read again from its first event.

use serde::{Deserialize, Serialize};

use super::error::ApplyError;
use super::functions::functions;
use super::kept::{Kept, text};
use super::log::{HostFact, Log, Place, Told};
use super::{Availability, Options};
use crate::datalog::{EvalError, Value};
use crate::id::{AttendeeId, OccurrenceId, SeriesId};
use crate::persist::{Cursor, RecordedEvent, Seq};

/// Another version is not read: the log is read instead.
const VERSION: u32 = 1;

/// An availability as it is saved, in JSON: all facts, the rulesets, and up to where the log was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    version: u32,
    cursor: Cursor,
    rules_seq: Seq,
    series: Vec<(SeriesId, Vec<RecordedEvent>)>,
    touched: Vec<OccurrenceId>,
    seats: Vec<(AttendeeId, OccurrenceId, String)>,
    capacity: Vec<(OccurrenceId, i64)>,
    rulesets: Vec<(String, String)>,
    facts: Vec<HostFact>,
    text: String,
}

impl Snapshot {
    /// All events up to and including it are in.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }
}

fn texts<const N: usize>(row: &[Value]) -> [&str; N] {
    let mut values = row.iter().map(|value| if let Value::Symbol(text) = value { &**text } else { "" });
    core::array::from_fn(|_| values.next().unwrap_or_default())
}

impl Availability {
    /// All that is known, to be saved. [`Availability::restore`] and the events after [`Snapshot::cursor`] bring it back.
    ///
    /// # Errors
    /// [`EvalError`] when there are more facts than the limits of one question allow.
    pub fn snapshot(&self) -> Result<Snapshot, EvalError> {
        let (engine, questions, log) = (&self.kept.engine, &self.kept.questions, &self.log);
        let mut seats = Vec::new();
        for row in engine.answer(&questions.seats, &[])? {
            let [attendee, occurrence, state] = texts(&row);
            if let (Ok(attendee), Ok(occurrence)) = (attendee.parse(), occurrence.parse()) {
                seats.push((attendee, occurrence, state.to_owned()));
            }
        }
        let mut capacity = Vec::new();
        for row in engine.answer(&questions.capacities, &[])? {
            let [occurrence] = texts(&row);
            capacity.extend(occurrence.parse().ok().zip(super::kept::number(&row)));
        }
        let touched = log
            .touched
            .iter()
            .flat_map(|(series, known)| known.keys().map(|recurrence| OccurrenceId::new(series.clone(), *recurrence)));
        Ok(Snapshot {
            version: VERSION,
            cursor: log.cursor,
            rules_seq: log.rules_seq,
            series: log.series.iter().map(|(id, told)| (id.clone(), told.events.clone())).collect(),
            touched: touched.collect(),
            seats,
            capacity,
            rulesets: self.rulesets(),
            facts: log.host.iter().cloned().collect(),
            text: log.text.clone(),
        })
    }

    /// What was saved; none if another version saved it. Packs and zone are those of `options`.
    ///
    /// # Errors
    /// [`ApplyError`] when the rulesets are not right any more, or an event of a series cannot be read.
    pub fn restore(options: Options, saved: Snapshot) -> Result<Option<Self>, ApplyError> {
        if saved.version != VERSION {
            return Ok(None);
        }
        let functions = functions(&options.zone);
        let mut log = Log {
            cursor: saved.cursor,
            rules_seq: saved.rules_seq,
            host: saved.facts.into_iter().collect(),
            text: saved.text,
            ..Log::default()
        };
        log.rulesets = saved.rulesets.into_iter().map(|(name, text)| (name.into(), text.into())).collect();
        for (id, events) in saved.series {
            let mut told = Told::default();
            told.series.catch_up(&events)?;
            told.events = events;
            log.series.insert(id, told);
        }
        for occurrence in saved.touched {
            let known = log.touched.entry(occurrence.series().clone()).or_default();
            known.insert(*occurrence.recurrence(), Place::Nowhere);
        }
        log.place_all(&options.zone);
        let kept = Kept::new(&options, &functions, &log.rulesets, |program| {
            let mut facts = log.facts(program)?;
            for (attendee, occurrence, state) in &saved.seats {
                let row = vec![text(attendee), super::kept::id(occurrence), state.as_str().into()];
                facts.push(program.fact_of("seat", row)?);
            }
            for (occurrence, seats) in &saved.capacity {
                facts.push(program.fact_of("capacity", vec![super::kept::id(occurrence), (*seats).into()])?);
            }
            Ok(facts)
        })?;
        Ok(Some(Self { options, functions, kept, log }))
    }
}
