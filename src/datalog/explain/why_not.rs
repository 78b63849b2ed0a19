//! Why a fact does not hold.

use std::sync::Arc;

use super::super::engine::Engine;
use super::super::eval::Yield;
use super::super::ir::{Aggregate, Atom, Fact, Literal, LiteralKind, PredId, Term, Var, VarInfo};
use super::super::limits::EvalError;
use super::super::value::{Cell, Value};
use super::ground::{Grounded, known_of};
use super::lines::{Lines, fact_text, rule_ref};
use super::proof::{Counted, Proof, RuleRef};
use super::session::{Session, filled, name_blanks};

/// Rows in the way that are explained.
const ROWS_MAX: usize = 10;
/// Facts that are almost the one asked for.
const NEAR_MAX: usize = 5;
/// Facts that are looked through for them.
const NEAR_AMONG: usize = 100_000;

/// What comes of asking why a fact does not hold.
#[derive(Clone, Debug)]
pub enum WhyNot {
    /// It does hold.
    Holds(Proof),
    /// It does not.
    Fails(Failure),
}

/// Why a fact does not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The fact.
    pub fact: Fact,
    /// For a relation that takes facts: it was not given.
    pub missing: Option<Missing>,
    /// Each rule that could give it, in the order of the text.
    pub attempts: Vec<Attempt>,
    pub(super) text: String,
    pub(super) name: Arc<str>,
}

/// A fact was not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// No fact of that relation was given at all.
    pub is_empty: bool,
    /// Given facts that differ in one column only, at most 5.
    pub near: Vec<Fact>,
    pub(super) lines: Vec<String>,
}

/// How far a rule comes.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The rule.
    pub rule: RuleRef,
    /// The variables that have a value where it fails, by name.
    pub bound: Vec<(Arc<str>, Value)>,
    /// The condition that fails.
    pub obstacle: Obstacle,
    /// Further conditions that fail with these values.
    pub others: Vec<Obstacle>,
}

/// A condition that fails.
#[derive(Clone, Debug)]
pub struct Obstacle {
    /// The condition with its values, `_` where any would do.
    pub literal: String,
    /// Why it fails.
    pub reason: Reason,
}

/// Why a condition fails.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// The rule never gives such a fact.
    HeadDiffers,
    /// No row fits.
    NoRow,
    /// The relation has no row.
    NoRowsAtAll,
    /// Rows that a negated condition does not want.
    RowsThere {
        /// Why the first 10 of them hold, by their values.
        proofs: Vec<Proof>,
        /// How many there are.
        total: u64,
    },
    /// A comparison or a range does not come out.
    False,
    /// An aggregate has another value, or none.
    Aggregate(Option<Arc<Counted>>),
}

impl Engine {
    /// Why a fact does not hold: for each rule that could give it, how far the rule comes and what fails then.
    ///
    /// # Errors
    /// As for [`Engine::why`].
    pub fn why_not(&mut self, fact: &Fact) -> Result<WhyNot, EvalError> {
        let mut session = Session::new(self);
        let row = session.cells(fact)?;
        if let Some(proof) = session.proof(fact.pred, &row)? {
            return Ok(WhyNot::Holds(proof));
        }
        let missing = session.missing(fact, &row)?;
        let mut attempts = Vec::new();
        for rule in session.rules_of(fact.pred).to_vec() {
            attempts.extend(session.attempt(rule, fact)?);
        }
        let name = session.name(fact.pred);
        Ok(WhyNot::Fails(Failure { fact: fact.clone(), missing, attempts, text: fact_text(&name, fact), name }))
    }
}

/// Variables with their values.
type Values = Vec<(Var, Value)>;

/// What is known where a rule fails.
struct Scene<'a> {
    vars: &'a [VarInfo],
    known: Values,
}

impl Session<'_> {
    fn missing(&self, fact: &Fact, row: &[Cell]) -> Result<Option<Missing>, EvalError> {
        let at = if self.is_derived(fact.pred) { self.engine.hidden(fact.pred) } else { Some(fact.pred) };
        let Some(relation) = at.and_then(|at| self.engine.base().get(at)) else { return Ok(None) };
        let mut near = Vec::new();
        if relation.len() <= NEAR_AMONG {
            for id in relation.rows() {
                self.step().map_err(|stop| self.stopped(stop, fact.pred))?;
                let other = relation.row(id);
                if other.iter().zip(row).filter(|(one, two)| one != two).count() == 1 {
                    near.push(self.fact(fact.pred, other));
                }
            }
        }
        near.sort_unstable();
        near.truncate(NEAR_MAX);
        let lines = near.iter().map(|fact| fact_text(&self.name(fact.pred), fact)).collect();
        Ok(Some(Missing { is_empty: relation.len() == 0, near, lines }))
    }

    fn attempt(&mut self, at: usize, fact: &Fact) -> Result<Option<Attempt>, EvalError> {
        let whole = self.rule(at)?;
        let rule = rule_ref(self.engine.program(), &whole);
        let row: Vec<Option<Value>> = fact.row.iter().cloned().map(Some).collect();
        let Some(grounded) = self.ground(at, &row)? else {
            let head = Lines { program: self.engine.program(), vars: &whole.vars, value: &|_| None };
            let obstacle = Obstacle { literal: head.head(&whole), reason: Reason::HeadDiffers };
            return Ok(Some(Attempt { rule, bound: Vec::new(), obstacle, others: Vec::new() }));
        };
        let Some((place, known)) = self.furthest(&grounded)? else { return Ok(None) };
        let scene = Scene { vars: &grounded.vars, known };
        let Some(failing) = grounded.body.get(place) else { return Ok(None) };
        let obstacle = self.obstacle(&scene, failing)?;
        let mut others = Vec::new();
        let values = known_of(&scene.known);
        for literal in grounded.body.iter().skip(place + 1).filter(|literal| values.decides(literal)) {
            match self.has_solution(scene.vars, &scene.known, &[literal]) {
                // What fails before it keeps it from being looked at.
                Ok(true) | Err(EvalError::Arithmetic { .. }) => {}
                Ok(false) => others.push(self.obstacle(&scene, literal)?),
                Err(error) => return Err(error),
            }
        }
        let named = |(var, value): (Var, Value)| {
            let name = Arc::clone(&scene.vars.get(var.index())?.name);
            (!name.starts_with('_')).then_some((name, value))
        };
        let bound = scene.known.into_iter().filter_map(named).collect();
        Ok(Some(Attempt { rule, bound, obstacle, others }))
    }

    /// The first literal that nothing satisfies together with those before it, and the first values for those.
    fn furthest(&mut self, grounded: &Grounded) -> Result<Option<(usize, Values)>, EvalError> {
        let Grounded { vars, known, body } = grounded;
        let mut values = known.clone();
        let mut bound = known_of(known);
        for (at, literal) in body.iter().enumerate() {
            let prefix: Vec<&Literal> = body.iter().take(at + 1).collect();
            let mut first: Option<Vec<Cell>> = None;
            self.solutions(vars, known, &prefix, &mut |frame| {
                first = Some(frame.to_vec());
                Ok(Yield::Enough)
            })?;
            let Some(frame) = first else { return Ok(Some((at, values))) };
            bound.bind(literal);
            values = self.values(vars, &frame, &bound);
        }
        Ok(None)
    }

    fn obstacle(&mut self, scene: &Scene<'_>, literal: &Literal) -> Result<Obstacle, EvalError> {
        let value = |var: Var| scene.known.iter().find(|(own, _)| *own == var).map(|(_, value)| value.clone());
        let text = Lines { program: self.engine.program(), vars: scene.vars, value: &value }.literal(literal);
        let reason = match &literal.kind {
            LiteralKind::Atom(atom) if self.has_no_row(atom.pred)? => Reason::NoRowsAtAll,
            LiteralKind::Atom(_) => Reason::NoRow,
            LiteralKind::Not { atom, .. } => {
                let mut rows = self.rows_of(scene.vars, &scene.known, atom)?;
                let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
                rows.truncate(ROWS_MAX);
                let mut proofs = Vec::with_capacity(rows.len());
                for fact in rows {
                    let row = self.cells(&fact)?;
                    proofs.extend(self.proof(fact.pred, &row)?);
                }
                Reason::RowsThere { proofs, total }
            }
            LiteralKind::Compare { .. } | LiteralKind::Range { .. } => Reason::False,
            LiteralKind::Aggregate(aggregate) => {
                let counted = self.other_value(scene, aggregate, literal)?;
                Reason::Aggregate(counted.map(Arc::new))
            }
        };
        Ok(Obstacle { literal: text, reason })
    }

    /// The value that an aggregate does have.
    fn other_value(
        &mut self,
        scene: &Scene<'_>,
        aggregate: &Aggregate,
        literal: &Literal,
    ) -> Result<Option<Counted>, EvalError> {
        let Ok(free) = u16::try_from(scene.vars.len()).map(Var) else { return Ok(None) };
        let mut vars = scene.vars.to_vec();
        vars.extend(scene.vars.get(aggregate.result.index()).cloned());
        let kind = LiteralKind::Aggregate(Aggregate { result: free, ..aggregate.clone() });
        let asked = Literal { kind, span: literal.span };
        let mut found = None;
        self.solutions(&vars, &scene.known, &[&asked], &mut |frame| {
            found = frame.get(free.index()).copied();
            Ok(Yield::Enough)
        })?;
        let Some(cell) = found else { return Ok(None) };
        let ty = vars.get(free.index()).map_or(super::super::value::Type::Number, |info| info.ty);
        let value = self.value(cell, ty);
        self.counted(aggregate, &vars, &scene.known, value).map(Some)
    }

    /// Whether nothing of a relation holds; not asked of one that has columns marked `+`.
    fn has_no_row(&mut self, pred: PredId) -> Result<bool, EvalError> {
        if let Some(relation) = self.engine.base().get(pred) {
            return Ok(relation.len() == 0);
        }
        let Some(predicate) = self.engine.program().predicate(pred).filter(|predicate| !predicate.is_parametric())
        else {
            return Ok(false);
        };
        let args = predicate.columns.iter().map(|_| Term::Any).collect();
        let any = Literal { kind: LiteralKind::Atom(Atom { pred, args }), span: predicate.span };
        Ok(!self.has_solution(&[], &[], &[&any])?)
    }

    /// All rows that fit an atom, sorted.
    pub(super) fn rows_of(
        &mut self,
        vars: &[VarInfo],
        known: &[(Var, Value)],
        atom: &Atom,
    ) -> Result<Vec<Fact>, EvalError> {
        let literal = Literal { kind: LiteralKind::Atom(atom.clone()), span: super::super::ir::Span::default() };
        let (mut body, mut vars) = ([literal], vars.to_vec());
        name_blanks(self.engine.program(), &mut body, &mut vars)?;
        let premises = self.premises(&body);
        let Some((pred, fillings)) = premises.first() else { return Ok(Vec::new()) };
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        let literals: Vec<&Literal> = body.iter().collect();
        self.solutions(&vars, known, &literals, &mut |frame| {
            let mut row = Vec::with_capacity(fillings.len());
            filled(fillings, frame, &mut row);
            rows.push(row);
            Ok(Yield::Some)
        })?;
        let mut facts: Vec<Fact> = Vec::with_capacity(rows.len());
        for row in rows {
            self.hold(row.len()).map_err(|stop| self.stopped(stop, *pred))?;
            facts.push(self.fact(*pred, &row));
        }
        facts.sort_unstable();
        facts.dedup();
        Ok(facts)
    }
}
