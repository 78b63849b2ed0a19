//! Questions.

use std::sync::Arc;

use super::super::base::Catalog;
use super::super::eval::{Exec, RowSet, Stop, Texts, Yield, build_calls};
use super::super::ir::{Atom, Column, Expr, Fact, Literal, LiteralKind, PredId, Query, Rule, Span, Term, Var, VarInfo};
use super::super::limits::EvalError;
use super::super::plan::{Builder, Plan, Seeding, View, is_given};
use super::super::value::{Cell, Type, Value};
use super::{Engine, catalog};

/// A question that is asked often: one predicate, some columns of which are given each time.
///
/// Good until the rules change or facts are loaded; [`Engine::answer`] says so when it is not any more.
#[derive(Clone, Debug)]
pub struct Prepared {
    plan: Plan,
    pred: PredId,
    types: Vec<Type>,
    given: Vec<usize>,
    generation: u64,
}

impl Prepared {
    /// The values with the types of the columns that they are given for.
    fn keyed<'v>(&self, given: &'v [Value]) -> Vec<(&'v Value, Type)> {
        let ty = |column: &usize| self.types.get(*column).copied().unwrap_or(Type::Number);
        given.iter().zip(self.given.iter().map(ty)).collect()
    }
}

fn encode(key: &[(&Value, Type)], texts: &Texts<'_>) -> Vec<Cell> {
    key.iter().map(|(value, ty)| texts.encode(value, *ty)).collect()
}

impl Engine {
    /// All answers to a question, distinct and sorted: a value for each of [`Query::columns`].
    ///
    /// # Errors
    /// [`EvalError`] when it takes more than the limits allow, or something cannot be computed.
    pub fn ask(&mut self, query: &Query) -> Result<Vec<Vec<Value>>, EvalError> {
        let plan = self.plan(&query.rule, Seeding::Nothing)?;
        let types: Vec<Type> = query.columns.iter().map(|column| column.ty).collect();
        self.collect(&plan, &[], &types).map_err(|stop| stop.of("the question"))
    }

    /// All rows of a predicate, sorted.
    ///
    /// # Errors
    /// As for [`Engine::ask`]; [`EvalError::Mismatch`] for a predicate with columns marked `+`.
    pub fn rows(&mut self, pred: PredId) -> Result<Vec<Vec<Value>>, EvalError> {
        let prepared = self.prepare_at(pred, 0)?;
        self.answer(&prepared, &[])
    }

    /// Whether a fact holds, given or derived.
    ///
    /// # Errors
    /// As for [`Engine::ask`].
    pub fn holds(&mut self, fact: &Fact) -> Result<bool, EvalError> {
        let every = (0..fact.row.len()).fold(0, |bits, column| bits | (1_u64 << column));
        let prepared = self.prepare_at(fact.pred, every)?;
        self.has_answer(&prepared, &fact.row)
    }

    /// Makes the plan for asking after a predicate with the named columns given each time.
    ///
    /// # Errors
    /// [`EvalError::Mismatch`] when there is no such predicate or column, or a column marked `+` is not among them.
    pub fn prepare(&mut self, predicate: &str, given: &[&str]) -> Result<Prepared, EvalError> {
        let mismatch = |reason: String| EvalError::Mismatch { reason };
        let pred = self.program.find(predicate).ok_or_else(|| mismatch(format!("no relation {predicate:?}")))?;
        let columns: &[Column] = self.program.predicate(pred).map_or(&[], |predicate| &predicate.columns);
        let mut bits = 0_u64;
        for name in given {
            let at = columns.iter().position(|column| &*column.name == *name);
            let at = at.ok_or_else(|| mismatch(format!("{predicate} has no column {name:?}")))?;
            bits |= 1_u64 << at;
        }
        self.prepare_at(pred, bits)
    }

    pub(super) fn prepare_at(&mut self, pred: PredId, given: u64) -> Result<Prepared, EvalError> {
        let columns: Vec<Column> = match self.program.predicate(pred) {
            Some(predicate) => predicate.columns.clone(),
            None => return Err(EvalError::Mismatch { reason: "a relation of another program".into() }),
        };
        if let Some(missing) = columns.iter().enumerate().find(|(at, column)| column.bound && !is_given(given, *at)) {
            let reason = format!("{}: column {:?} is marked + and must be given", self.name(pred), missing.1.name);
            return Err(EvalError::Mismatch { reason });
        }
        let plan = self.plan(&asking(pred, &columns), Seeding::Head(given))?;
        let types = columns.iter().map(|column| column.ty).collect();
        let given = (0..columns.len()).filter(|column| is_given(given, *column)).collect();
        Ok(Prepared { plan, pred, types, given, generation: self.generation })
    }

    /// All rows with these values in the given columns, distinct and sorted.
    ///
    /// # Errors
    /// [`EvalError`] when it takes more than the limits allow, something cannot be computed, the values do not fit, or the
    /// question is to be prepared again.
    pub fn answer(&self, prepared: &Prepared, given: &[Value]) -> Result<Vec<Vec<Value>>, EvalError> {
        self.check(prepared, given)?;
        let rows = self.collect(&prepared.plan, &prepared.keyed(given), &prepared.types);
        rows.map_err(|stop| stop.of(self.name(prepared.pred)))
    }

    /// Whether there is any row with these values in the given columns.
    ///
    /// # Errors
    /// As for [`Engine::answer`].
    pub fn has_answer(&self, prepared: &Prepared, given: &[Value]) -> Result<bool, EvalError> {
        self.check(prepared, given)?;
        let (found, _) = self.with_exec(|exec| {
            let key = encode(&prepared.keyed(given), exec.texts);
            exec.run(&prepared.plan, &key, &mut |_| Ok(Yield::Enough))
        });
        let found = found.map_err(|stop| stop.of(self.name(prepared.pred)))?;
        Ok(found != Yield::Nothing)
    }

    /// How many rows [`Engine::answer`] would give.
    ///
    /// # Errors
    /// As for [`Engine::answer`].
    pub fn count(&self, prepared: &Prepared, given: &[Value]) -> Result<usize, EvalError> {
        self.check(prepared, given)?;
        let mut found = RowSet::new(prepared.types.len());
        let (done, _) = self.with_exec(|exec| {
            let key = encode(&prepared.keyed(given), exec.texts);
            gather(&exec, &prepared.plan, &key, &mut found)
        });
        done.map_err(|stop| stop.of(self.name(prepared.pred)))?;
        found.sort();
        Ok(found.len())
    }

    fn check(&self, prepared: &Prepared, given: &[Value]) -> Result<(), EvalError> {
        let mismatch = |reason: String| Err(EvalError::Mismatch { reason });
        if prepared.generation != self.generation {
            return mismatch("the rules changed since the question was prepared".into());
        }
        if given.len() != prepared.given.len() {
            return mismatch(format!("{} values given, {} wanted", given.len(), prepared.given.len()));
        }
        for (value, ty) in prepared.keyed(given) {
            if ty != Type::Any && value.kind() != ty {
                return mismatch(format!("{value} is no {ty}"));
            }
        }
        Ok(())
    }

    fn plan(&mut self, rule: &Rule, seeding: Seeding) -> Result<Plan, EvalError> {
        let mut none = Vec::new();
        let mut inner = catalog!(self, &mut none);
        let plan = Builder::new(&mut inner, rule, &|_| View::New, &|_| None).build(seeding, false)?;
        build_calls(&mut inner, &mut self.calls, &self.strata)?;
        Ok(plan)
    }

    fn collect(&self, plan: &Plan, key: &[(&Value, Type)], types: &[Type]) -> Result<Vec<Vec<Value>>, Stop> {
        let mut found = RowSet::new(types.len());
        let (rows, _) = self.with_exec(|exec| {
            let key = encode(key, exec.texts);
            gather(&exec, plan, &key, &mut found)?;
            found.sort();
            let decode = |row: &[Cell]| row.iter().zip(types).map(|(cell, ty)| exec.texts.decode(*cell, *ty)).collect();
            let mut rows: Vec<Vec<Value>> = found.iter().map(decode).collect();
            rows.sort_unstable();
            Ok(rows)
        });
        rows
    }
}

/// Runs a plan and notes its heads.
fn gather(exec: &Exec<'_>, plan: &Plan, key: &[Cell], found: &mut RowSet) -> Result<(), Stop> {
    let mut sink = |frame: &[Cell]| {
        found.push(plan.head.iter().map(|reg| frame.get(usize::from(*reg)).copied().unwrap_or(0)));
        exec.meter.bytes(u64::try_from(found.size()).unwrap_or(u64::MAX).saturating_mul(8))?;
        Ok(Yield::Some)
    };
    exec.run(plan, key, &mut sink).map(|_| ())
}

/// `p(c0, c1, ...) :- p(c0, c1, ...)`, as a question.
fn asking(pred: PredId, columns: &[Column]) -> Rule {
    let var = |at: usize| Var(u16::try_from(at).unwrap_or(u16::MAX));
    let vars = columns.iter().map(|column| VarInfo { name: Arc::clone(&column.name), ty: column.ty }).collect();
    let atom = Atom { pred, args: (0..columns.len()).map(|at| Term::Var(var(at))).collect() };
    Rule {
        head: pred,
        args: (0..columns.len()).map(|at| Expr::Var(var(at))).collect(),
        body: vec![Literal { kind: LiteralKind::Atom(atom), span: Span::default() }],
        vars,
        span: Span::default(),
    }
}
