//! Questions.

use core::cmp::Ordering;
use core::ops::ControlFlow;
use std::sync::Arc;

use super::super::base::Catalog;
use super::super::eval::{Exec, Gathering, Meter, RowSet, Stop, Texts, Yield, build_calls, with_key};
use super::super::ir::{Atom, Column, Expr, Fact, Literal, LiteralKind, PredId, Query, Rule, Span, Term, Var, VarInfo};
use super::super::limits::EvalError;
use super::super::plan::{Builder, Plan, Seeding, View, is_given};
use super::super::store::RowId;
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
        self.collect(&Meter::new(self.limits), &plan, &[], &types).map_err(|stop| stop.of("the question"))
    }

    /// All rows of a predicate, sorted.
    ///
    /// # Errors
    /// As for [`Engine::ask`]; [`EvalError::Mismatch`] for a predicate with columns marked `+`.
    pub fn rows(&mut self, pred: PredId) -> Result<Vec<Vec<Value>>, EvalError> {
        let prepared = self.prepare_at(pred, 0)?;
        self.answer(&prepared, &[])
    }

    /// Hands over all rows of a predicate, sorted, until told to stop. What is kept is not held a second time and takes no
    /// steps; what is not kept is worked out, and [`Engine::spent`] counts it.
    ///
    /// # Errors
    /// As for [`Engine::rows`].
    pub fn each_row(
        &mut self,
        pred: PredId,
        mut take: impl FnMut(&[Value]) -> ControlFlow<()>,
    ) -> Result<(), EvalError> {
        let Some(relation) = self.base.get(pred) else {
            // What is told when somebody stopped is of no interest.
            let _stopped = self.worked_out(pred)?.iter().try_for_each(|row| take(row));
            return Ok(());
        };
        let (types, texts) = (self.types(pred), Texts::new(&self.base.symbols));
        let compare = |one: &RowId, two: &RowId| {
            let pairs = relation.row(*one).iter().zip(relation.row(*two)).zip(&types);
            pairs.map(|((one, two), ty)| texts.compare(*one, *two, *ty)).find(|order| order.is_ne())
        };
        let mut ids: Vec<RowId> = relation.rows().collect();
        ids.sort_unstable_by(|one, two| compare(one, two).unwrap_or(Ordering::Equal));
        let mut row = Vec::with_capacity(types.len());
        for id in ids {
            row.clear();
            row.extend(relation.row(id).iter().zip(&types).map(|(cell, ty)| texts.decode(*cell, *ty)));
            if take(&row).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// How many rows a predicate has. Counted as by [`Engine::each_row`].
    ///
    /// # Errors
    /// As for [`Engine::rows`].
    pub fn count_rows(&mut self, pred: PredId) -> Result<usize, EvalError> {
        if let Some(relation) = self.base.get(pred) {
            return Ok(relation.len());
        }
        self.worked_out(pred).map(|rows| rows.len())
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
        let meter = Meter::new(self.limits);
        let rows = self.collect(&meter, &prepared.plan, &prepared.keyed(given), &prepared.types);
        rows.map_err(|stop| stop.of(self.name(prepared.pred)))
    }

    /// Whether there is any row with these values in the given columns.
    ///
    /// # Errors
    /// As for [`Engine::answer`].
    pub fn has_answer(&self, prepared: &Prepared, given: &[Value]) -> Result<bool, EvalError> {
        self.check(prepared, given)?;
        let found = self.asking(|exec| {
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
        let found = self.asking(|exec| {
            let key = encode(&prepared.keyed(given), exec.texts);
            gather(&exec, &prepared.plan, &key)
        });
        let found = found.map_err(|stop| stop.of(self.name(prepared.pred)))?;
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

    fn collect(
        &self,
        meter: &Meter,
        plan: &Plan,
        key: &[(&Value, Type)],
        types: &[Type],
    ) -> Result<Vec<Vec<Value>>, Stop> {
        let (rows, _) = self.with_exec(meter, |exec| {
            let key = encode(key, exec.texts);
            let found = gather(&exec, plan, &key)?;
            exec.meter.bytes(found.bytes().saturating_add(bytes_of_values(found.len(), types.len())))?;
            let decode = |row: &[Cell]| row.iter().zip(types).map(|(cell, ty)| exec.texts.decode(*cell, *ty)).collect();
            let mut rows: Vec<Vec<Value>> = found.iter().map(decode).collect();
            rows.sort_unstable();
            Ok(rows)
        });
        rows
    }

    /// All rows of a predicate that is not kept, sorted: counted with what keeping things right takes.
    fn worked_out(&mut self, pred: PredId) -> Result<Vec<Vec<Value>>, EvalError> {
        let prepared = self.prepare_at(pred, 0)?;
        self.counted(|engine, meter| {
            let rows = engine.collect(meter, &prepared.plan, &[], &prepared.types);
            rows.map_err(|stop| stop.of(engine.name(pred)))
        })
    }
}

/// Bytes of so many rows once they are values, roughly.
fn bytes_of_values(rows: usize, columns: usize) -> u64 {
    let row = size_of::<Vec<Value>>() + columns * size_of::<Value>();
    u64::try_from(rows.saturating_mul(row)).unwrap_or(u64::MAX)
}

/// Runs a plan: its heads, each once.
fn gather(exec: &Exec<'_>, plan: &Plan, key: &[Cell]) -> Result<RowSet, Stop> {
    let mut found = Gathering::of_answers(plan.head.len(), exec.meter);
    let mut sink = |frame: &[Cell]| {
        with_key(&plan.head, frame, |row| found.push(row))?;
        Ok(Yield::Some)
    };
    exec.run(plan, key, &mut sink)?;
    found.done()
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
