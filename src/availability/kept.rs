//! The engine with its facts, and the questions that are prepared for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::RulesError;
use super::log::{HostFact, Log, Place, Sale, Taken, Told};
use super::options::{BUILT_IN, Options};
use crate::datalog::{
    self, Diagnostic, Engine, EvalError, Fact, Functions, PredId, Prepared, Program, Source, Value, compile,
};
use crate::id::{AttendeeId, OccurrenceId};
use crate::time::Window;

/// Relations that follow the log, beside those of [`IN_ENGINE`]: nobody else puts facts there.
const OF_THE_LOG: [&str; 4] = ["occurrence", "of_series", "policy", "asked_at"];
/// Relations that follow the log and are remembered nowhere else.
const IN_ENGINE: [&str; 6] = ["seat", "further_seats", "waits", "capacity", "withheld", "sale_closed"];

/// A fact with the name of its relation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The relation.
    pub relation: Arc<str>,
    /// A value for each of its columns.
    pub values: Vec<Value>,
}

/// What became true and what ceased to be. Both sorted by relation and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Holds now, did not before.
    pub added: Vec<Row>,
    /// Held before, does not now.
    pub removed: Vec<Row>,
}

impl Delta {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    pub(super) fn between(before: &BTreeSet<Row>, after: &BTreeSet<Row>) -> Self {
        let beyond = |one: &BTreeSet<Row>, other: &BTreeSet<Row>| one.difference(other).cloned().collect();
        Self { added: beyond(after, before), removed: beyond(before, after) }
    }

    /// Puts what new rules changed in the place of what was told of the relations that they keep.
    pub(super) fn follow(&mut self, rules: &Self, program: &Program) {
        let derived = |row: &Row| program.find(&row.relation).and_then(|pred| program.predicate(pred));
        let given = |row: &Row| derived(row).is_some_and(|predicate| !predicate.derived);
        self.added.retain(given);
        self.removed.retain(given);
        self.added.extend(rules.added.iter().cloned());
        self.removed.extend(rules.removed.iter().cloned());
        self.added.sort_unstable();
        self.removed.sort_unstable();
    }

    pub(super) fn named(delta: datalog::Delta, program: &Program) -> Self {
        let named = |facts: Vec<Fact>| {
            let mut rows: Vec<Row> = facts.iter().map(|fact| named(fact, program)).collect();
            rows.sort_unstable();
            rows
        };
        Self { added: named(delta.added), removed: named(delta.removed) }
    }
}

fn named(fact: &Fact, program: &Program) -> Row {
    let predicate = program.predicate(fact.predicate());
    let relation = predicate.map_or_else(|| Arc::from(""), |predicate| Arc::clone(&predicate.name));
    Row { relation, values: fact.row().to_vec() }
}

/// What is asked often, with the columns that are given each time.
#[derive(Debug)]
pub(super) struct Questions {
    /// All rows of each of [`IN_ENGINE`].
    in_engine: Vec<(&'static str, Prepared)>,
    seat: Prepared,
    further_seats: Prepared,
    waits: Prepared,
    capacity: Prepared,
    withheld: Prepared,
    sale_closed: Prepared,
    pub(super) busy_in: Prepared,
    pub(super) busy_span: Prepared,
    pub(super) busy_with: Prepared,
    pub(super) next_free: Prepared,
    pub(super) conflict: Prepared,
    pub(super) seats_left: Prepared,
    pub(super) deny: Prepared,
    pub(super) forbidden: Prepared,
    pub(super) clash: Prepared,
}

impl Questions {
    fn new(engine: &mut Engine) -> Result<Self, EvalError> {
        let window = ["a", "qs", "qe"];
        let all = IN_ENGINE.iter().map(|name| Ok((*name, engine.prepare(name, &[])?)));
        let in_engine = all.collect::<Result<_, EvalError>>()?;
        Ok(Self {
            in_engine,
            seat: engine.prepare("seat", &["a", "o"])?,
            further_seats: engine.prepare("further_seats", &["a", "o"])?,
            waits: engine.prepare("waits", &["a", "o"])?,
            capacity: engine.prepare("capacity", &["o"])?,
            withheld: engine.prepare("withheld", &["o"])?,
            sale_closed: engine.prepare("sale_closed", &["o"])?,
            busy_in: engine.prepare("busy_in", &window)?,
            busy_span: engine.prepare("busy_span", &window)?,
            busy_with: engine.prepare("busy_with", &window)?,
            next_free: engine.prepare("next_free", &["a", "from", "to", "d"])?,
            conflict: engine.prepare("conflict", &["a"])?,
            seats_left: engine.prepare("seats_left", &["o"])?,
            deny: engine.prepare("deny", &["a", "o"])?,
            forbidden: engine.prepare("forbidden", &["a", "o"])?,
            clash: engine.prepare("clash", &["a", "o"])?,
        })
    }
}

/// An engine over the facts of a log, with its questions.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) engine: Engine,
    pub(super) questions: Questions,
}

/// Texts in the order in which they are compiled: what is built in, packs, rulesets by name.
fn sources(options: &Options, rulesets: &BTreeMap<Arc<str>, Arc<str>>) -> Vec<Source> {
    let built_in = Source { name: "boxoffice".into(), text: BUILT_IN.into() };
    let packs: BTreeSet<_> = options.packs.iter().copied().collect();
    let packs = packs.into_iter().map(super::options::Pack::source);
    let rulesets = rulesets.iter().map(|(name, text)| Source { name: Arc::clone(name), text: Arc::clone(text) });
    core::iter::once(built_in).chain(packs).chain(rulesets).collect()
}

/// Compiles what is built in, the packs and these rulesets.
pub(super) fn program(
    options: &Options,
    functions: &Functions,
    rulesets: &BTreeMap<Arc<str>, Arc<str>>,
) -> Result<(Program, Vec<Diagnostic>), Vec<Diagnostic>> {
    compile(&sources(options, rulesets), functions)
}

/// The fact of a host, if the program has a relation for it.
pub(super) fn host_fact(program: &Program, fact: &HostFact) -> Result<Fact, String> {
    let predicate = program.find(&fact.relation).and_then(|pred| program.predicate(pred));
    if OF_THE_LOG.contains(&&*fact.relation) || IN_ENGINE.contains(&&*fact.relation) {
        return Err("follows the log".to_owned());
    }
    if !predicate.is_some_and(|predicate| predicate.input) {
        return Err("is no relation marked input".to_owned());
    }
    program.fact_of(&fact.relation, fact.values.clone()).map_err(|error| error.to_string())
}

impl Kept {
    /// An engine with these rules and facts.
    pub(super) fn new(
        options: &Options,
        functions: &Functions,
        rulesets: &BTreeMap<Arc<str>, Arc<str>>,
        facts: impl FnOnce(&Program) -> Result<Vec<Fact>, EvalError>,
    ) -> Result<Self, RulesError> {
        let (program, _) = program(options, functions, rulesets).map_err(RulesError::Text)?;
        let mut engine = Engine::new(program, options.limits)?;
        let facts = facts(engine.program())?;
        engine.load(facts)?;
        let questions = Questions::new(&mut engine)?;
        Ok(Self { engine, questions })
    }

    /// All facts that `program` takes over from this one and from the log.
    pub(super) fn facts(&self, log: &Log, program: &Program) -> Result<Vec<Fact>, EvalError> {
        let mut facts = log.facts(program)?;
        for fact in self.in_engine()? {
            facts.push(program.fact_of(&fact.relation, fact.values)?);
        }
        Ok(facts)
    }

    /// The facts that follow the log and are remembered nowhere else, as the host's are written.
    pub(super) fn in_engine(&self) -> Result<Vec<HostFact>, EvalError> {
        let mut facts = Vec::new();
        for (name, question) in &self.questions.in_engine {
            let rows = self.engine.answer(question, &[])?;
            facts.extend(rows.into_iter().map(|row| HostFact::new(name, row)));
        }
        Ok(facts)
    }

    /// What an attendee has of an occurrence.
    pub(super) fn seat(&self, attendee: &AttendeeId, occurrence: &OccurrenceId) -> Result<Option<Taken>, EvalError> {
        let given = [text(attendee), id(occurrence)];
        let rows = self.engine.answer(&self.questions.seat, &given)?;
        let Some(Value::Symbol(state)) = rows.first().and_then(|row| row.last()) else { return Ok(None) };
        let further = self.number_of(&self.questions.further_seats, &given)?.unwrap_or(0);
        Ok(Some(Taken { state: Arc::clone(state), seats: further + 1 }))
    }

    /// For how many seats an attendee waits.
    pub(super) fn waits_for(&self, who: &AttendeeId, occurrence: &OccurrenceId) -> Result<Option<i64>, EvalError> {
        self.number_of(&self.questions.waits, &[text(who), id(occurrence)])
    }

    pub(super) fn sale(&self, occurrence: &OccurrenceId) -> Result<Sale, EvalError> {
        let given = [id(occurrence)];
        Ok(Sale {
            capacity: self.number_of(&self.questions.capacity, &given)?,
            withheld: self.number_of(&self.questions.withheld, &given)?.unwrap_or(0),
            closed: self.engine.has_answer(&self.questions.sale_closed, &given)?,
        })
    }

    fn number_of(&self, question: &Prepared, given: &[Value]) -> Result<Option<i64>, EvalError> {
        Ok(self.engine.answer(question, given)?.first().and_then(|row| number(row)))
    }

    /// All rows of the relations that are kept by rules or, if `all`, of all that rules give and that have a list.
    pub(super) fn derived(&mut self, all: bool) -> Result<BTreeSet<Row>, EvalError> {
        let wanted: Vec<(PredId, Arc<str>)> = (self.engine.program().predicates().iter())
            .filter(|predicate| predicate.derived && !predicate.is_parametric() && (all || predicate.maintain))
            .filter_map(|predicate| Some((self.engine.program().find(&predicate.name)?, Arc::clone(&predicate.name))))
            .collect();
        let mut rows = BTreeSet::new();
        for (pred, relation) in wanted {
            let found = self.engine.rows(pred)?.into_iter();
            rows.extend(found.map(|values| Row { relation: Arc::clone(&relation), values }));
        }
        Ok(rows)
    }
}

/// A row's last value, if it is a number.
pub(super) fn number(row: &[Value]) -> Option<i64> {
    if let Some(Value::Number(number)) = row.last() { Some(*number) } else { None }
}

pub(super) fn text(attendee: &AttendeeId) -> Value {
    attendee.as_str().into()
}

pub(super) fn id(occurrence: &OccurrenceId) -> Value {
    occurrence.to_string().as_str().into()
}

/// The row of `occurrence`.
pub(super) fn takes_place(occurrence: &OccurrenceId, window: Window) -> Vec<Value> {
    vec![id(occurrence), window.start.into(), window.end.into()]
}

/// A row for each policy that the series names for `occurrence`.
pub(super) fn policies(told: Option<&Told>, occurrence: &OccurrenceId) -> BTreeSet<Vec<Value>> {
    let named = told.into_iter().flat_map(|told| told.series.policies(occurrence.recurrence()));
    named.map(|name| vec![id(occurrence), name.as_str().into()]).collect()
}

impl Log {
    /// The facts that the log itself remembers: where occurrences take place, and what the host said.
    pub(super) fn facts(&self, program: &Program) -> Result<Vec<Fact>, EvalError> {
        let mut facts = Vec::new();
        for (series, occurrences) in &self.touched {
            for (recurrence, place) in occurrences {
                let occurrence = OccurrenceId::new(series.clone(), *recurrence);
                facts.push(program.fact_of("of_series", vec![id(&occurrence), series.as_str().into()])?);
                if let Place::At(window) = place {
                    facts.push(program.fact_of("occurrence", takes_place(&occurrence, *window))?);
                }
                for row in policies(self.series.get(series), &occurrence) {
                    facts.push(program.fact_of("policy", row)?);
                }
            }
        }
        facts.extend(self.host.iter().filter_map(|fact| host_fact(program, fact).ok()));
        Ok(facts)
    }
}
