//! An availability saved and restored, so that the log is not read again from its first event.

use serde::{Deserialize, Serialize};

use super::error::ApplyError;
use super::functions::functions;
use super::kept::Kept;
use super::log::{HostFact, Log, Place, Told};
use super::{Availability, Options};
use crate::datalog::EvalError;
use crate::id::{OccurrenceId, SeriesId};
use crate::persist::{Cursor, RecordedEvent, Seq};

/// Another version is not read: the log is read instead.
const VERSION: u32 = 2;

/// An availability as it is saved, in JSON: all facts, the rulesets, and up to where the log was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    version: u32,
    cursor: Cursor,
    rules_seq: Seq,
    series: Vec<(SeriesId, Vec<RecordedEvent>)>,
    touched: Vec<OccurrenceId>,
    kept: Vec<HostFact>,
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

impl Availability {
    /// All that is known, to be saved. [`Availability::restore`] and the events after [`Snapshot::cursor`] bring it back.
    ///
    /// # Errors
    /// [`EvalError`] when there are more facts than the limits of one question allow.
    pub fn snapshot(&self) -> Result<Snapshot, EvalError> {
        let log = &self.log;
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
            kept: self.kept.in_engine()?,
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
            for fact in saved.kept {
                facts.push(program.fact_of(&fact.relation, fact.values)?);
            }
            Ok(facts)
        })?;
        Ok(Some(Self { options, functions, kept, log }))
    }
}
