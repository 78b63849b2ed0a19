//! Predicates that are worked out when they are asked for.

use core::cell::{Cell as Counter, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::base::{Catalog, Local};
use super::super::ir::{PredId, Predicate, Rule, Stratum};
use super::super::limits::EvalError;
use super::super::plan::{Builder, Call, Plan, Seeding, View, fill, is_given};
use super::super::store::{IndexId, Relation};
use super::super::value::Cell;
use super::demands::Demands;
use super::fixpoint::{Group, evaluate};
use super::magic::MagicPlan;
use super::meter::{Meter, Stop, wide};
use super::rows::{Gathering, RowSet};
use super::stratum::{equivalences, plan_stratum};
use super::{Exec, Sink, Way, Yield, with_key};

/// How a call is answered.
#[derive(Clone, Debug)]
pub(crate) enum CallPlan {
    /// Rule by rule.
    Rules(Vec<Plan>),
    /// In rounds, from what is asked.
    Rounds(Box<MagicPlan>),
    /// All of it, whatever is asked: an equivalence, of whose classes a part is as much work as the whole.
    Whole(Box<WholePlan>),
}

/// A stratum, ready to run, and which of its tables is asked for.
#[derive(Clone, Debug)]
pub(crate) struct WholePlan {
    tables: Vec<Local>,
    group: Group,
    answer: usize,
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

/// All rows of a predicate, with the index by the columns that are given.
type Whole = (Relation, Option<IndexId>);

/// What was answered in the course of one question, so that it is not worked out again.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    answers: RefCell<BTreeMap<Asked, Rc<RowSet>>>,
    found: RefCell<BTreeMap<Asked, bool>>,
    /// For a recursion what follows from all that was asked of it.
    demands: RefCell<BTreeMap<usize, Demands>>,
    /// What was worked out whole, by slot, with the index by what is given.
    wholes: RefCell<BTreeMap<usize, Rc<Whole>>>,
    bytes: Counter<u64>,
    /// Calls within calls.
    depth: Counter<u32>,
}

impl Memo {
    /// Lets go of what was answered.
    pub(crate) fn forget(self, meter: &Meter) {
        meter.release(self.bytes.get());
    }
}

/// Builds the plans that were asked for, and those that they ask for.
pub(crate) fn build_calls(catalog: &mut Catalog<'_>, calls: &mut Calls, strata: &[usize]) -> Result<(), EvalError> {
    loop {
        let slot = calls.plans.len();
        let Some((pred, given)) = catalog.slots.get(slot) else { return Ok(()) };
        let program = catalog.program;
        let arity = program.predicate(pred).map_or(0, |predicate| predicate.columns.len());
        let stratum = strata.get(pred.index()).and_then(|at| program.strata.get(*at));
        let plan = match stratum.filter(|stratum| stratum.recursive) {
            Some(stratum) if is_closed(catalog, stratum) => {
                let (tables, group) = plan_stratum(catalog, stratum, false)?;
                let answer = stratum.preds.iter().position(|own| *own == pred).unwrap_or(0);
                CallPlan::Whole(Box::new(WholePlan { tables, group, answer }))
            }
            Some(_) => CallPlan::Rounds(Box::new(MagicPlan::build(catalog, &[(pred, given)])?)),
            None => {
                let rules = catalog.rules_of(&[pred]);
                CallPlan::Rules(rules.map(|rule| rule_plan(catalog, rule, given)).collect::<Result<_, _>>()?)
            }
        };
        let given = (0..arity).filter(|column| is_given(given, *column)).collect();
        calls.plans.push(Answering { plan, arity, given });
    }
}

/// Whether a stratum has an equivalence in it, and can be worked out whatever is asked.
fn is_closed(catalog: &Catalog<'_>, stratum: &Stratum) -> bool {
    let parametric = |pred: &PredId| catalog.program.predicate(*pred).is_some_and(Predicate::is_parametric);
    !equivalences(catalog, stratum).is_empty() && !stratum.preds.iter().any(parametric)
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
            self.remember(wide(key.len()).saturating_mul(8))?;
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

    fn remember(&self, bytes: u64) -> Result<(), Stop> {
        let more = bytes.saturating_add(64);
        self.memo.bytes.set(self.memo.bytes.get().saturating_add(more));
        self.meter.keep(more)
    }

    /// All rows with these values in the given columns.
    pub(crate) fn answers(&self, slot: usize, key: &[Cell]) -> Result<Rc<RowSet>, Stop> {
        let Some(answering) = self.calls.plans.get(slot) else { return Ok(Rc::default()) };
        let remembered = self.memo.depth.get() > 0 || !matches!(answering.plan, CallPlan::Rules(_));
        let name = || (slot, key.to_vec());
        if remembered && let Some(known) = self.memo.answers.borrow().get(&name()) {
            return Ok(Rc::clone(known));
        }
        self.memo.depth.set(self.memo.depth.get() + 1);
        let answers = self.work_out(slot, answering, key);
        self.memo.depth.set(self.memo.depth.get() - 1);
        let answers = Rc::new(answers?);
        if remembered {
            // Those that were worked out in rounds were counted there.
            if matches!(answering.plan, CallPlan::Rules(_)) {
                self.meter.rows(answers.len())?;
            }
            self.remember(answers.bytes().saturating_add(wide(key.len()).saturating_mul(8)))?;
            self.memo.answers.borrow_mut().insert(name(), Rc::clone(&answers));
        }
        Ok(answers)
    }

    fn work_out(&self, slot: usize, answering: &Answering, key: &[Cell]) -> Result<RowSet, Stop> {
        let mut answers = Gathering::of_answers(answering.arity, self.meter);
        match &answering.plan {
            CallPlan::Rules(plans) => {
                for plan in plans {
                    let mut sink = |frame: &[Cell]| {
                        with_key(&plan.head, frame, |row| {
                            if !answering.fits(key, row) {
                                return Ok(Yield::Nothing);
                            }
                            answers.push(row)?;
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
                let before = demands.bytes();
                demands.add((magic, 0), self, key)?;
                demands.each_answer((magic, 0), key, |row| answers.push(row))?;
                self.remember(demands.bytes().saturating_sub(before))?;
                self.memo.demands.borrow_mut().insert(slot, demands);
            }
            CallPlan::Whole(plan) => {
                let whole = self.whole(slot, answering, plan)?;
                let (relation, index) = &*whole;
                match index {
                    Some(index) => {
                        relation.probe(*index, key).iter().try_for_each(|id| answers.push(relation.row(*id)))?;
                    }
                    None => relation.rows().try_for_each(|id| answers.push(relation.row(id)))?,
                }
            }
        }
        answers.done()
    }

    /// All rows of a predicate, worked out the first time that any are asked for.
    fn whole(&self, slot: usize, answering: &Answering, plan: &WholePlan) -> Result<Rc<Whole>, Stop> {
        if let Some(known) = self.memo.wholes.borrow().get(&slot) {
            return Ok(Rc::clone(known));
        }
        let mut tables = plan.tables.clone();
        evaluate(*self, &mut tables, &plan.group)?;
        let answer = tables.into_iter().nth(plan.answer).map(|local| local.relation);
        let mut relation = answer.unwrap_or_else(|| Relation::new(answering.arity));
        let index = (!answering.given.is_empty()).then(|| relation.index(&answering.given));
        self.meter.steps(wide(relation.len()))?;
        self.remember(relation.bytes())?;
        let whole = Rc::new((relation, index));
        self.memo.wholes.borrow_mut().insert(slot, Rc::clone(&whole));
        Ok(whole)
    }
}
