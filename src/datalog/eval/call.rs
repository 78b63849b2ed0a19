//! Predicates that are worked out when they are asked for.

use core::cell::{Cell as Counter, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::base::Catalog;
use super::super::ir::Rule;
use super::super::limits::EvalError;
use super::super::plan::{Builder, Call, Plan, Seeding, View, fill, is_given};
use super::super::value::Cell;
use super::demands::Demands;
use super::magic::MagicPlan;
use super::meter::Stop;
use super::{Exec, Sink, Way, Yield, with_key};

/// Distinct rows, ascending by their cells.
#[derive(Debug, Default)]
pub(crate) struct RowSet {
    arity: usize,
    rows: usize,
    cells: Vec<Cell>,
}

impl RowSet {
    pub(crate) fn new(arity: usize) -> Self {
        Self { arity, rows: 0, cells: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: impl Iterator<Item = Cell>) {
        self.cells.extend(row);
        self.rows += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[Cell]> {
        let (some, none) = if self.arity == 0 { (&[][..], self.rows) } else { (self.cells.as_slice(), 0) };
        some.chunks_exact(self.arity.max(1)).chain(core::iter::repeat_n(&[][..], none))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// Cells held.
    pub(crate) fn size(&self) -> usize {
        self.cells.len()
    }

    pub(crate) fn sort(&mut self) {
        match self.arity {
            0 => self.rows = self.rows.min(1),
            1 => self.sort_by_chunks::<1>(),
            2 => self.sort_by_chunks::<2>(),
            3 => self.sort_by_chunks::<3>(),
            4 => self.sort_by_chunks::<4>(),
            arity => {
                let mut rows: Vec<&[Cell]> = self.cells.chunks_exact(arity).collect();
                rows.sort_unstable();
                rows.dedup();
                self.rows = rows.len();
                self.cells = rows.concat();
            }
        }
    }

    /// Rows of a size that is known are moved themselves; it takes a fifth of the time.
    fn sort_by_chunks<const N: usize>(&mut self) {
        let (rows, _) = self.cells.as_chunks_mut::<N>();
        rows.sort_unstable();
        let mut kept = 0;
        for at in 0..rows.len() {
            if at == 0 || rows.get(at) != rows.get(kept - 1) {
                rows.swap(kept, at);
                kept += 1;
            }
        }
        self.cells.truncate(kept * N);
        self.rows = kept;
    }
}

/// How a call is answered.
#[derive(Clone, Debug)]
pub(crate) enum CallPlan {
    /// Rule by rule.
    Rules(Vec<Plan>),
    /// In rounds, from what is asked.
    Rounds(Box<MagicPlan>),
}

/// The plans for calls, by slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    plans: Vec<Answering>,
}

#[derive(Clone, Debug)]
struct Answering {
    plan: CallPlan,
    arity: usize,
    /// Columns that are given, ascending.
    given: Vec<usize>,
}

/// A slot and the values given.
type Asked = (usize, Vec<Cell>);

/// What was answered in the course of one question, so that it is not worked out again.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    answers: RefCell<BTreeMap<Asked, Rc<RowSet>>>,
    found: RefCell<BTreeMap<Asked, bool>>,
    /// For a recursion what follows from all that was asked of it.
    demands: RefCell<BTreeMap<usize, Demands>>,
    cells: Counter<usize>,
    /// Calls within calls.
    depth: Counter<u32>,
}

/// Builds the plans that were asked for, and those that they ask for.
pub(crate) fn build_calls(catalog: &mut Catalog<'_>, calls: &mut Calls, strata: &[usize]) -> Result<(), EvalError> {
    while calls.plans.len() < catalog.slots.len() {
        let slot = calls.plans.len();
        let wanted = catalog.slots.iter().find(|(_, at)| **at == slot).map(|(key, _)| *key);
        let Some((pred, given)) = wanted else { return Ok(()) };
        let program = catalog.program;
        let arity = program.predicate(pred).map_or(0, |predicate| predicate.columns.len());
        let recursive =
            (strata.get(pred.index())).and_then(|at| program.strata.get(*at)).is_some_and(|stratum| stratum.recursive);
        let plan = if recursive {
            CallPlan::Rounds(Box::new(MagicPlan::build(catalog, &[(pred, given)])?))
        } else {
            let rules = program.rules.iter().filter(|rule| rule.head == pred);
            CallPlan::Rules(rules.map(|rule| rule_plan(catalog, rule, given)).collect::<Result<_, _>>()?)
        };
        let given = (0..arity).filter(|column| is_given(given, *column)).collect();
        calls.plans.push(Answering { plan, arity, given });
    }
    Ok(())
}

fn rule_plan(catalog: &mut Catalog<'_>, rule: &Rule, given: u64) -> Result<Plan, EvalError> {
    Builder::new(catalog, rule, &|_| View::New, &|_| None).build(Seeding::Head(given), false)
}

impl Answering {
    /// Whether a row is one that was asked for.
    fn fits(&self, key: &[Cell], row: &[Cell]) -> bool {
        self.given.iter().zip(key).all(|(column, cell)| row.get(*column) == Some(cell))
    }
}

impl Exec<'_> {
    pub(super) fn call(
        &self,
        way: Way<'_>,
        at: usize,
        call: &Call,
        frame: &mut [Cell],
        out: &mut Sink<'_>,
    ) -> Result<Yield, Stop> {
        if call.binds.is_empty() && call.same.is_empty() && (call.every_column || at >= way.once_from) {
            // Nothing is wanted of the answers but that there are any: there is at most one, or one is as good as many.
            let any = with_key(&call.key, frame, |key| self.has_answer(call.slot, key))?;
            return if any { self.step(way, at + 1, frame, out) } else { Ok(Yield::Nothing) };
        }
        let answers = with_key(&call.key, frame, |key| self.answers(call.slot, key))?;
        let mut found = Yield::Nothing;
        for row in answers.iter() {
            self.meter.step()?;
            if !fill(&call.binds, &call.same, row, frame) {
                continue;
            }
            match self.step(way, at + 1, frame, out)? {
                Yield::Nothing => {}
                Yield::Some if at >= way.once_from => return Ok(Yield::Some),
                Yield::Some => found = Yield::Some,
                Yield::Enough => return Ok(Yield::Enough),
            }
        }
        Ok(found)
    }

    /// Whether there is any answer that fits.
    pub(super) fn any_answer(&self, call: &Call, frame: &mut [Cell]) -> Result<bool, Stop> {
        if !call.same.is_empty() {
            let answers = with_key(&call.key, frame, |key| self.answers(call.slot, key))?;
            return Ok(answers.iter().any(|row| fill(&call.binds, &call.same, row, frame)));
        }
        with_key(&call.key, frame, |key| self.has_answer(call.slot, key))
    }

    fn has_answer(&self, slot: usize, key: &[Cell]) -> Result<bool, Stop> {
        let Some(answering) = self.calls.plans.get(slot) else { return Ok(false) };
        let CallPlan::Rules(plans) = &answering.plan else {
            return self.answers(slot, key).map(|answers| !answers.is_empty());
        };
        let nested = self.memo.depth.get() > 0;
        let name = || (slot, key.to_vec());
        if nested && let Some(known) = self.memo.found.borrow().get(&name()) {
            return Ok(*known);
        }
        self.memo.depth.set(self.memo.depth.get() + 1);
        let found = self.has_answer_by(answering, plans, key);
        self.memo.depth.set(self.memo.depth.get() - 1);
        let found = found?;
        if nested {
            self.remember(key.len())?;
            self.memo.found.borrow_mut().insert(name(), found);
        }
        Ok(found)
    }

    fn has_answer_by(&self, answering: &Answering, plans: &[Plan], key: &[Cell]) -> Result<bool, Stop> {
        for plan in plans {
            let mut sink = |frame: &[Cell]| {
                let fits = with_key(&plan.head, frame, |row| answering.fits(key, row));
                Ok(if fits { Yield::Enough } else { Yield::Nothing })
            };
            if self.run(plan, key, &mut sink)? == Yield::Enough {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn remember(&self, cells: usize) -> Result<(), Stop> {
        self.memo.cells.set(self.memo.cells.get() + cells + 8);
        self.meter.bytes(u64::try_from(self.memo.cells.get()).unwrap_or(u64::MAX).saturating_mul(8))
    }

    /// All rows with these values in the given columns.
    pub(crate) fn answers(&self, slot: usize, key: &[Cell]) -> Result<Rc<RowSet>, Stop> {
        let Some(answering) = self.calls.plans.get(slot) else { return Ok(Rc::default()) };
        let remembered = self.memo.depth.get() > 0 || matches!(answering.plan, CallPlan::Rounds(_));
        let name = || (slot, key.to_vec());
        if remembered && let Some(known) = self.memo.answers.borrow().get(&name()) {
            return Ok(Rc::clone(known));
        }
        self.memo.depth.set(self.memo.depth.get() + 1);
        let answers = self.work_out(slot, answering, key);
        self.memo.depth.set(self.memo.depth.get() - 1);
        let answers = Rc::new(answers?);
        if remembered {
            self.remember(answers.size() + key.len())?;
            self.memo.answers.borrow_mut().insert(name(), Rc::clone(&answers));
        }
        Ok(answers)
    }

    fn work_out(&self, slot: usize, answering: &Answering, key: &[Cell]) -> Result<RowSet, Stop> {
        let mut answers = RowSet::new(answering.arity);
        match &answering.plan {
            CallPlan::Rules(plans) => {
                for plan in plans {
                    let mut sink = |frame: &[Cell]| {
                        with_key(&plan.head, frame, |row| {
                            if !answering.fits(key, row) {
                                return Ok(Yield::Nothing);
                            }
                            answers.push(row.iter().copied());
                            self.meter.bytes(u64::try_from(answers.size()).unwrap_or(u64::MAX).saturating_mul(8))?;
                            Ok(Yield::Some)
                        })
                    };
                    self.run(plan, key, &mut sink)?;
                }
            }
            CallPlan::Rounds(magic) => {
                // Taken out meanwhile: what it looks at are strata below it.
                let known = self.memo.demands.borrow_mut().remove(&slot);
                let mut demands = known.unwrap_or_else(|| Demands::new(magic));
                demands.add((magic, 0), self, key)?;
                demands.each_answer((magic, 0), key, |row| answers.push(row.iter().copied()));
                self.memo.demands.borrow_mut().insert(slot, demands);
            }
        }
        answers.sort();
        Ok(answers)
    }
}
