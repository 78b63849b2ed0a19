//! The engine: a checked program over facts.

mod ask;
mod change;
mod fill;
mod inside;
mod regroup;
mod upkeep;

use core::fmt;
use std::collections::BTreeSet;

use super::base::{Base, Heads, Slots};
use super::eval::{Calls, Exec, KeptValues, Memo, Meter, Texts};
use super::ir::{Expr, Literal, LiteralKind, PredId, Predicate, Program, Rule, Term, Var, VarInfo};
use super::limits::{EvalError, Limits};
use super::store::Relation;
use super::value::{Cell, Type, Value};

pub use ask::Prepared;
pub use change::{Change, Delta};

pub(super) use inside::every;

use upkeep::Upkeep;

/// A checked program and its facts.
///
/// Facts are kept with indexes. Predicates marked `maintain`, and those that they rest on, are kept too and are right again
/// after every change. All others are worked out when they are asked for, and then only what the question leads to.
///
/// Nothing here reads a clock or depends on the order of a hash: the same program and the same changes give the same
/// answers in the same order.
pub struct Engine {
    program: Program,
    limits: Limits,
    heads: Heads,
    base: Base,
    slots: Slots,
    calls: Calls,
    /// For each predicate the stratum that works it out.
    strata: Vec<usize>,
    /// For a derived predicate with facts of its own: where these are.
    facts_of: Vec<Option<PredId>>,
    kept: Vec<KeptValues>,
    upkeep: Vec<Upkeep>,
    /// All relations are there, not only those that are maintained.
    complete: bool,
    /// How often plans were made anew.
    generation: u64,
    /// See [`Engine::spent`].
    spent: Limits,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("predicates", &self.program.predicates.len())
            .field("rules", &self.program.rules.len())
            .field("facts", &self.len())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine with the facts that stand in the program.
    ///
    /// # Errors
    /// [`EvalError`] when what is to be maintained takes more than the limits allow or cannot be computed.
    pub fn new(program: Program, limits: Limits) -> Result<Self, EvalError> {
        let (program, facts_of) = with_places_for_facts(program);
        let mut strata = vec![usize::MAX; program.predicates.len()];
        for (at, stratum) in program.strata.iter().enumerate() {
            for pred in &stratum.preds {
                if let Some(place) = strata.get_mut(pred.index()) {
                    *place = at;
                }
            }
        }
        let table = |predicate: &Predicate| (!predicate.derived).then(|| Relation::new(predicate.columns.len()));
        let relations = program.predicates.iter().map(table).collect();
        let mut engine = Self {
            base: Base { relations, ..Base::default() },
            heads: Heads::new(&program),
            program,
            limits,
            slots: Slots::default(),
            calls: Calls::default(),
            strata,
            facts_of,
            kept: Vec::new(),
            upkeep: Vec::new(),
            complete: false,
            generation: 0,
            spent: Limits { steps: 0, rows: 0, rounds: 0, bytes: 0 },
        };
        let facts = core::mem::take(&mut engine.program.facts);
        for fact in &facts {
            engine.put(fact.pred, &fact.row);
        }
        engine.program.facts = facts;
        engine.counted(Self::rebuild)?;
        Ok(engine)
    }

    /// The program, with a predicate more for each derived one that has facts of its own.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The limits of each evaluation.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Other limits, for each evaluation from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Facts held, what is derived not counted.
    pub fn len(&self) -> usize {
        let facts =
            self.program.predicates.iter().zip(&self.base.relations).filter(|(predicate, _)| !predicate.derived);
        facts.filter_map(|(_, relation)| relation.as_ref()).map(Relation::len).sum()
    }

    /// Whether there is no fact at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held by facts, what is kept of derived predicates and their indexes, roughly.
    pub fn bytes(&self) -> u64 {
        self.base.relations.iter().flatten().map(Relation::bytes).sum()
    }

    fn name(&self, pred: PredId) -> &str {
        self.program.predicates.get(pred.index()).map_or("", |predicate| &*predicate.name)
    }

    /// Where facts of a predicate are put.
    fn facts_at(&self, pred: PredId) -> PredId {
        self.facts_of.get(pred.index()).copied().flatten().unwrap_or(pred)
    }

    /// The predicate that a table of facts belongs to.
    fn shown_as(&self, pred: PredId) -> PredId {
        let owner = self.facts_of.iter().position(|place| *place == Some(pred));
        owner.and_then(|at| u32::try_from(at).ok()).map_or(pred, PredId)
    }

    fn types(&self, pred: PredId) -> Vec<Type> {
        let predicate = self.program.predicates.get(pred.index());
        predicate.map_or_else(Vec::new, |predicate| predicate.columns.iter().map(|column| column.ty).collect())
    }

    fn put(&mut self, pred: PredId, row: &[Value]) -> bool {
        let at = self.facts_at(pred);
        let types = self.types(pred);
        let cells: Vec<Cell> = row.iter().zip(types).map(|(value, ty)| self.base.symbols.encode(value, ty)).collect();
        self.base.get_mut(at).is_some_and(|relation| relation.insert(&cells).is_ok())
    }

    /// What keeping things right took since the engine was made: putting facts in, changing them, and
    /// [`Engine::evaluate`]; of bytes what derived relations held when facts were last put in or all was evaluated.
    /// Questions are not counted.
    pub fn spent(&self) -> Limits {
        self.spent
    }

    fn note_bytes(&mut self) {
        let all = self.program.predicates.iter().zip(&self.base.relations);
        let derived = all.filter(|(predicate, _)| predicate.derived).filter_map(|(_, relation)| relation.as_ref());
        self.spent.bytes = derived.map(Relation::bytes).sum();
    }

    /// Does what is counted together.
    fn counted<R>(&mut self, f: impl FnOnce(&mut Self, &Meter) -> Result<R, EvalError>) -> Result<R, EvalError> {
        let meter = Meter::new(self.limits);
        let done = f(self, &meter);
        let (spent, more) = (&mut self.spent, meter.spent());
        spent.steps = spent.steps.saturating_add(more.steps);
        spent.rows = spent.rows.saturating_add(more.rows);
        spent.rounds = spent.rounds.saturating_add(more.rounds);
        done
    }

    /// Answers a question of its own: what texts it makes are forgotten.
    fn asking<R>(&self, f: impl FnOnce(Exec<'_>) -> R) -> R {
        self.with_exec(&Meter::new(self.limits), f).0
    }

    /// Runs `f` with everything that a plan looks at, and gives the texts that were made.
    fn with_exec<R>(&self, meter: &Meter, f: impl FnOnce(Exec<'_>) -> R) -> (R, Vec<Value>) {
        let memo = Memo::default();
        let texts = Texts::new(&self.base.symbols);
        let result = f(Exec {
            base: &self.base,
            locals: &[],
            marks: &[],
            calls: &self.calls,
            kept: &self.kept,
            meter,
            texts: &texts,
            memo: &memo,
        });
        memo.forget(meter);
        (result, texts.into_made())
    }

    fn is_parametric(&self, stratum: usize) -> bool {
        let preds = self.program.strata.get(stratum).map_or(&[][..], |stratum| &stratum.preds);
        preds.iter().filter_map(|pred| self.program.predicate(*pred)).any(Predicate::is_parametric)
    }
}

/// Gives each derived predicate that may have facts a predicate for them, and a rule that takes them over.
fn with_places_for_facts(mut program: Program) -> (Program, Vec<Option<PredId>>) {
    let with_facts: BTreeSet<PredId> = program.facts.iter().map(|fact| fact.pred).collect();
    let mut places = vec![None; program.predicates.len()];
    for at in 0..program.predicates.len() {
        let Some(predicate) = program.predicates.get(at) else { continue };
        let Ok(pred) = u32::try_from(at).map(PredId) else { continue };
        if !predicate.derived || !(predicate.input || with_facts.contains(&pred)) {
            continue;
        }
        let place = PredId(u32::try_from(program.predicates.len()).unwrap_or(u32::MAX));
        let arity = u16::try_from(predicate.columns.len()).unwrap_or(u16::MAX);
        let vars = (predicate.columns.iter())
            .map(|column| VarInfo { name: std::sync::Arc::clone(&column.name), ty: column.ty })
            .collect();
        let args = (0..arity).map(|var| Term::Var(Var(var))).collect();
        let atom = super::ir::Atom { pred: place, args };
        let rule = Rule {
            head: pred,
            args: (0..arity).map(|var| Expr::Var(Var(var))).collect(),
            body: vec![Literal { kind: LiteralKind::Atom(atom), span: predicate.span }],
            vars,
            span: predicate.span,
        };
        let facts = Predicate {
            input: false,
            output: false,
            printsize: false,
            maintain: false,
            derived: false,
            ..predicate.clone()
        };
        program.predicates.push(facts);
        program.rules.push(rule);
        if let Some(slot) = places.get_mut(at) {
            *slot = Some(place);
        }
    }
    (program, places)
}

/// The catalog for plans over what an engine holds, with these tables of its own.
macro_rules! catalog {
    ($engine:expr, $locals:expr) => {
        Catalog {
            program: &$engine.program,
            heads: &$engine.heads,
            base: &mut $engine.base,
            locals: $locals,
            slots: &mut $engine.slots,
            more: &[],
        }
    };
}
use catalog;
