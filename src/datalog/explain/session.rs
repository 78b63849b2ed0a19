//! One explanation under way: plans for its rules, and limits that all its parts share.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::super::engine::{Engine, every};
use super::super::eval::{Memo, Meter, Sink, Stop, Yield};
use super::super::ir::{
    Atom, CompareOp, Expr, Fact, Literal, LiteralKind, PredId, Program, Rule, Span, Term, Var, VarInfo,
};
use super::super::limits::{EvalError, Limits};
use super::super::plan::{Plan, Seeding};
use super::super::value::{Cell, Type, Value};
use super::closure::Closure;
use super::order;

/// What a column of a premise is filled with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Filling {
    Var(Var),
    Cell(Cell),
}

/// A rule, ready to give all its instances for a given head.
#[derive(Debug)]
pub(super) struct Expansion {
    /// The rule, with a variable for each `_` of its positive atoms.
    pub(super) rule: Rule,
    /// Without the atoms that are looked into later, as goals of their own.
    pub(super) plan: Plan,
    /// The positive atoms, in the order of the body.
    pub(super) premises: Vec<(PredId, Vec<Filling>)>,
}

/// One explanation under way.
pub(super) struct Session<'e> {
    pub(super) engine: &'e mut Engine,
    pub(super) meter: Meter,
    pub(super) memo: Memo,
    /// What is known of recursions, by stratum; none for what is none.
    pub(super) closures: BTreeMap<usize, Option<Closure>>,
    /// The rules of each predicate; those that only take given facts over are left out.
    heads: BTreeMap<PredId, Vec<usize>>,
    expansions: BTreeMap<usize, Rc<Expansion>>,
    held: u64,
}

impl<'e> Session<'e> {
    pub(super) fn new(engine: &'e mut Engine) -> Self {
        let limits = engine.limits();
        Self::within(engine, limits)
    }

    pub(super) fn within(engine: &'e mut Engine, limits: Limits) -> Self {
        let mut heads: BTreeMap<PredId, Vec<usize>> = BTreeMap::new();
        for (at, rule) in engine.program().rules.iter().enumerate() {
            if !takes_over(engine, rule) {
                heads.entry(rule.head).or_default().push(at);
            }
        }
        let meter = Meter::new(limits);
        let (closures, expansions) = (BTreeMap::new(), BTreeMap::new());
        Self { engine, meter, memo: Memo::default(), closures, heads, expansions, held: 0 }
    }

    pub(super) fn rules_of(&self, pred: PredId) -> &[usize] {
        self.heads.get(&pred).map_or(&[], Vec::as_slice)
    }

    pub(super) fn rule(&self, at: usize) -> Result<Rule, EvalError> {
        let rule = self.engine.program().rules.get(at).cloned();
        rule.ok_or_else(|| EvalError::Mismatch { reason: "no such rule".into() })
    }

    pub(super) fn name(&self, pred: PredId) -> Arc<str> {
        self.engine.program().predicate(pred).map_or_else(|| "".into(), |predicate| Arc::clone(&predicate.name))
    }

    pub(super) fn is_derived(&self, pred: PredId) -> bool {
        self.engine.program().predicate(pred).is_some_and(|predicate| predicate.derived)
    }

    pub(super) fn column_type(&self, pred: PredId, column: usize) -> Type {
        let predicate = self.engine.program().predicate(pred);
        predicate.and_then(|predicate| predicate.columns.get(column)).map_or(Type::Number, |column| column.ty)
    }

    pub(super) fn stopped(&self, stop: Stop, pred: PredId) -> EvalError {
        stop.of(&format!("the explanation of {}", self.name(pred)))
    }

    /// Counts what is kept until the explanation is done.
    pub(super) fn hold(&mut self, cells: usize) -> Result<(), Stop> {
        count(&self.meter, &mut self.held, cells)
    }

    pub(super) fn step(&self) -> Result<(), Stop> {
        self.meter.step()
    }

    pub(super) fn steps_left(&self) -> u64 {
        self.meter.steps_left()
    }

    /// Whether a fact holds.
    pub(super) fn holds(&mut self, fact: &Fact) -> Result<bool, EvalError> {
        let args = fact.row.iter().cloned().map(Term::Const).collect();
        let kind = LiteralKind::Atom(Atom { pred: fact.pred, args });
        self.has_solution(&[], &[], &[&Literal { kind, span: Span::default() }])
    }

    /// The cells of a fact.
    ///
    /// # Errors
    /// [`EvalError::Mismatch`] if it does not fit the program.
    pub(super) fn cells(&mut self, fact: &Fact) -> Result<Vec<Cell>, EvalError> {
        let mismatch = |reason: String| Err(EvalError::Mismatch { reason });
        let Some(predicate) = self.engine.program().predicate(fact.pred) else {
            return mismatch("a fact of another program".into());
        };
        if predicate.columns.len() != fact.row.len() {
            let (name, wanted) = (&predicate.name, predicate.columns.len());
            return mismatch(format!("{name} has {wanted} columns, the fact has {}", fact.row.len()));
        }
        let types: Vec<Type> = predicate.columns.iter().map(|column| column.ty).collect();
        if let Some((value, ty)) =
            fact.row.iter().zip(&types).find(|(value, ty)| **ty != Type::Any && **ty != value.kind())
        {
            return mismatch(format!("{}: {value} is no {ty}", predicate.name));
        }
        Ok(fact.row.iter().zip(types).map(|(value, ty)| self.engine.encode(value, ty)).collect())
    }

    pub(super) fn value(&self, cell: Cell, ty: Type) -> Value {
        self.engine.base().symbols.decode(cell, ty)
    }

    pub(super) fn fact(&self, pred: PredId, row: &[Cell]) -> Fact {
        let values = row.iter().enumerate().map(|(column, cell)| self.value(*cell, self.column_type(pred, column)));
        Fact { pred, row: values.collect() }
    }

    /// Whether the row is among the facts that were given.
    pub(super) fn is_given(&self, pred: PredId, row: &[Cell]) -> bool {
        let at = if self.is_derived(pred) { self.engine.hidden(pred) } else { Some(pred) };
        at.and_then(|at| self.engine.base().get(at)).is_some_and(|relation| relation.find(row).is_some())
    }

    /// The plan of a rule, made once.
    pub(super) fn expansion(&mut self, at: usize) -> Result<Rc<Expansion>, EvalError> {
        if let Some(known) = self.expansions.get(&at) {
            return Ok(Rc::clone(known));
        }
        let mut rule = self.rule(at)?;
        name_blanks(self.engine.program(), &mut rule.body, &mut rule.vars)?;
        let types: Vec<Type> = (0..rule.args.len()).map(|column| self.column_type(rule.head, column)).collect();
        let plain = order::with_plain_head(&rule, &types)?;
        let mut none = Vec::new();
        let closure = self.closures.get_mut(&self.engine.stratum_of(rule.head)).and_then(Option::as_mut);
        let tables = closure.map_or(&mut none, |closure| &mut closure.tables);
        let later = order::looked_into_later(self.engine, &plain, tables)?;
        let kept = plain.body.iter().enumerate().filter(|(place, _)| !later.contains(place));
        let reduced = Rule { body: kept.map(|(_, literal)| literal.clone()).collect(), ..plain.clone() };
        let plan = self.engine.plan_each_way(&reduced, Seeding::Head(every(rule.args.len())), tables)?;
        let premises = self.premises(&rule.body);
        let made = Rc::new(Expansion { rule, plan, premises });
        self.expansions.insert(at, Rc::clone(&made));
        Ok(made)
    }

    /// The positive atoms of a body, as they are filled from its variables.
    pub(super) fn premises(&mut self, body: &[Literal]) -> Vec<(PredId, Vec<Filling>)> {
        let mut premises = Vec::new();
        for literal in body {
            let LiteralKind::Atom(atom) = &literal.kind else { continue };
            let mut fillings = Vec::with_capacity(atom.args.len());
            for (column, term) in atom.args.iter().enumerate() {
                fillings.push(match term {
                    Term::Var(var) => Filling::Var(*var),
                    Term::Const(value) => {
                        let ty = self.column_type(atom.pred, column);
                        Filling::Cell(self.engine.encode(value, ty))
                    }
                    // Was given a name before.
                    Term::Any => Filling::Cell(0),
                });
            }
            premises.push((atom.pred, fillings));
        }
        premises
    }

    /// All instances of a rule for a row of its head: hands over the values of its variables, and more.
    pub(super) fn instances(
        &mut self,
        expansion: &Expansion,
        row: &[Cell],
        take: &mut dyn FnMut(&[Cell]),
    ) -> Result<(), EvalError> {
        let head = expansion.rule.head;
        let closure = self.closures.get(&self.engine.stratum_of(head)).and_then(Option::as_ref);
        let tables = closure.map_or(&[][..], |closure| &closure.tables);
        let mut sink = |frame: &[Cell]| {
            take(frame);
            Ok(Yield::Some)
        };
        let shared = (&self.meter, &self.memo);
        let found = self.engine.run_within((&expansion.plan, row, tables), shared, &mut sink);
        found.map(|_| ()).map_err(|stop| self.stopped(stop, head))
    }

    /// All ways through a body whose variables are `vars`, some of which are known. What is handed over are the registers:
    /// those of the variables come first.
    pub(super) fn solutions(
        &mut self,
        vars: &[VarInfo],
        known: &[(Var, Value)],
        body: &[&Literal],
        out: &mut Sink<'_>,
    ) -> Result<Yield, EvalError> {
        let span = body.first().map_or_else(Span::default, |literal| literal.span);
        let rule =
            Rule { head: NO_HEAD, args: Vec::new(), body: with_known(vars, known, body), vars: vars.to_vec(), span };
        let plan = self.engine.plan_each_way(&rule, Seeding::Head(0), &mut Vec::new())?;
        let (meter, mut held) = (&self.meter, self.held);
        let mut counted = |frame: &[Cell]| {
            count(meter, &mut held, vars.len())?;
            out(frame)
        };
        let found = self.engine.run_within((&plan, &[], &[]), (meter, &self.memo), &mut counted);
        found.map_err(|stop| stop.of("an explanation"))
    }

    /// Whether there is any way through a body.
    pub(super) fn has_solution(
        &mut self,
        vars: &[VarInfo],
        known: &[(Var, Value)],
        body: &[&Literal],
    ) -> Result<bool, EvalError> {
        Ok(self.solutions(vars, known, body, &mut |_| Ok(Yield::Enough))? != Yield::Nothing)
    }
}

/// Counts what is held: one more row of so many cells.
fn count(meter: &Meter, held: &mut u64, cells: usize) -> Result<(), Stop> {
    *held = held.saturating_add(u64::try_from(cells).unwrap_or(u64::MAX).saturating_mul(8)).saturating_add(64);
    meter.row()?;
    meter.bytes(*held)
}

/// For rules that have no head, only a body.
pub(super) const NO_HEAD: PredId = PredId(0);

/// The body with an equation in front for each variable that is known.
pub(super) fn with_known(vars: &[VarInfo], known: &[(Var, Value)], body: &[&Literal]) -> Vec<Literal> {
    let equation = |(var, value): &(Var, Value)| {
        let ty = vars.get(var.index()).map_or(Type::Number, |info| info.ty);
        let (left, right) = (Expr::Var(*var), Expr::Const(value.clone()));
        Literal { kind: LiteralKind::Compare { op: CompareOp::Eq, ty, left, right }, span: Span::default() }
    };
    known.iter().map(equation).chain(body.iter().map(|literal| (*literal).clone())).collect()
}

/// Whether a rule only takes over the facts given for a derived predicate.
fn takes_over(engine: &Engine, rule: &Rule) -> bool {
    match rule.body.as_slice() {
        [Literal { kind: LiteralKind::Atom(atom), .. }] => engine.hidden(rule.head) == Some(atom.pred),
        _ => false,
    }
}

/// Gives each `_` of a positive atom a variable, so that the row is known.
pub(super) fn name_blanks(program: &Program, body: &mut [Literal], vars: &mut Vec<VarInfo>) -> Result<(), EvalError> {
    for literal in body {
        let LiteralKind::Atom(atom) = &mut literal.kind else { continue };
        let columns = program.predicate(atom.pred).map_or(&[][..], |predicate| &predicate.columns);
        for (term, column) in atom.args.iter_mut().zip(columns) {
            if *term != Term::Any {
                continue;
            }
            let var = u16::try_from(vars.len()).map_err(|_| order::too_many_variables())?;
            vars.push(VarInfo { name: "_".into(), ty: column.ty });
            *term = Term::Var(Var(var));
        }
    }
    Ok(())
}

/// Puts the row of a premise into `row`.
pub(super) fn filled(fillings: &[Filling], frame: &[Cell], row: &mut Vec<Cell>) {
    let cell = |filling: &Filling| match filling {
        Filling::Var(var) => frame.get(var.index()).copied().unwrap_or(0),
        Filling::Cell(cell) => *cell,
    };
    row.clear();
    row.extend(fillings.iter().map(cell));
}
