//! Keeps derived relations right under change.
//!
//! A relation that does not rest on itself has a count of the ways to each row (Gupta, Mumick and Subrahmanian, 1993). For
//! each literal of each rule there is a plan that starts from a changed row of that literal: literals before it are looked
//! at as they are now, those behind it as they were, so that each way that came or went is met exactly once. Rows stay in
//! their tables with a mark until the change is settled; a look at "now" or "then" passes over one mark or the other.
//!
//! A relation that does rest on itself, or on something that is worked out when asked for, is made anew and compared.

use std::collections::{BTreeMap, BTreeSet};

use super::super::base::{Catalog, Local};
use super::super::eval::{Exec, Meter, Stop, Yield, build_calls, with_key};
use super::super::ir::{Literal, LiteralKind, PredId, Rule};
use super::super::limits::EvalError;
use super::super::plan::{Absence, Builder, Plan, Seeding, View};
use super::super::store::{RowId, State};
use super::super::value::Cell;
use super::change::Pending;
use super::fill::{Making, each_pred};
use super::regroup::{AggregateUpkeep, binds_its_group};
use super::{Engine, catalog};

/// How one stratum is kept.
#[derive(Clone, Debug)]
pub(super) struct Upkeep {
    stratum: usize,
    /// Everything that it is worked out from.
    reads: BTreeSet<PredId>,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Count { deltas: Vec<DeltaPlan>, aggregates: Vec<AggregateUpkeep> },
    Again(Making),
}

/// A plan that starts from what changed.
#[derive(Clone, Debug)]
pub(super) struct DeltaPlan {
    on: On,
    plan: Plan,
}

/// What changed.
#[derive(Clone, Debug)]
enum On {
    Rows(PredId),
    /// Rows of a negated atom: what counts is whether there is any.
    Absence(PredId, Box<Absence>),
    /// A kept aggregate.
    Groups(usize),
}

/// Rows of the head with the sign of the change, in the order in which they were found.
pub(super) type Signed = Vec<(Vec<Cell>, i32)>;

impl Engine {
    /// Works out a stratum and plans how it is kept.
    pub(super) fn keep(&mut self, stratum: usize, meter: &Meter) -> Result<(), EvalError> {
        let reads = self.reads(stratum);
        let countable = self.is_countable(stratum);
        let making = self.making(stratum, countable)?;
        self.make(stratum, &making, meter)?;
        let way = if countable {
            self.count_upkeep(stratum, meter)?
        } else {
            // Planned once more: now with the sizes that it has.
            Way::Again(self.making(stratum, false)?)
        };
        self.upkeep.push(Upkeep { stratum, reads, way });
        Ok(())
    }

    /// Everything kept or given that a stratum rests on, through whatever is called.
    fn reads(&self, stratum: usize) -> BTreeSet<PredId> {
        let mut reads = BTreeSet::new();
        let preds = self.program.strata.get(stratum).map_or(&[][..], |stratum| &stratum.preds);
        let mut open: Vec<PredId> = preds.to_vec();
        let mut seen: BTreeSet<PredId> = preds.iter().copied().collect();
        while let Some(pred) = open.pop() {
            for rule in self.heads.rules_of(&self.program, &[pred]) {
                each_pred(&rule.body, &mut |pred| {
                    if self.base.get(pred).is_some() {
                        reads.insert(pred);
                    } else if seen.insert(pred) {
                        open.push(pred);
                    }
                });
            }
        }
        reads
    }

    /// Whether the ways to a row can be counted: no recursion, nothing that is called, aggregates that can be kept.
    fn is_countable(&self, stratum: usize) -> bool {
        let Some(stratum) = self.program.strata.get(stratum) else { return false };
        if stratum.recursive {
            return false;
        }
        let kept = |pred: PredId| self.base.get(pred).is_some();
        let literal = |literal: &Literal| match &literal.kind {
            LiteralKind::Atom(atom) | LiteralKind::Not { atom, .. } => kept(atom.pred),
            LiteralKind::Aggregate(aggregate) => {
                let simple = |inner: &Literal| match &inner.kind {
                    LiteralKind::Atom(atom) | LiteralKind::Not { atom, .. } => kept(atom.pred),
                    LiteralKind::Compare { .. } | LiteralKind::Range { .. } => true,
                    LiteralKind::Aggregate(_) => false,
                };
                aggregate.body.iter().all(simple) && binds_its_group(aggregate)
            }
            LiteralKind::Compare { .. } | LiteralKind::Range { .. } => true,
        };
        self.heads.rules_of(&self.program, &stratum.preds).all(|rule| rule.body.iter().all(literal))
    }

    fn count_upkeep(&mut self, stratum: usize, meter: &Meter) -> Result<Way, EvalError> {
        let (mut deltas, mut aggregates) = (Vec::new(), Vec::new());
        let preds = self.program.strata.get(stratum).map_or_else(Vec::new, |stratum| stratum.preds.clone());
        let rules: Vec<Rule> = self.heads.rules_of(&self.program, &preds).cloned().collect();
        for rule in &rules {
            let mut slots = BTreeMap::new();
            for (at, literal) in rule.body.iter().enumerate() {
                if let LiteralKind::Aggregate(aggregate) = &literal.kind {
                    let upkeep = self.keep_aggregate(rule, aggregate, meter)?;
                    slots.insert(at, upkeep.slot);
                    aggregates.push(upkeep);
                }
            }
            self.delta_plans(rule, &slots, &mut deltas)?;
        }
        Ok(Way::Count { deltas, aggregates })
    }

    /// A plan for each literal that may change.
    pub(super) fn delta_plans(
        &mut self,
        rule: &Rule,
        slots: &BTreeMap<usize, usize>,
        deltas: &mut Vec<DeltaPlan>,
    ) -> Result<(), EvalError> {
        let mut none = Vec::new();
        let mut inner = catalog!(self, &mut none);
        for (at, literal) in rule.body.iter().enumerate() {
            let views = |other: usize| if other < at || other == usize::MAX { View::New } else { View::Old };
            let kept = |other: usize| slots.get(&other).copied();
            let builder = Builder::new(&mut inner, rule, &views, &kept);
            let (on, plan) = match &literal.kind {
                LiteralKind::Atom(atom) => (On::Rows(atom.pred), builder.build(Seeding::Literal(at), true)?),
                LiteralKind::Not { atom, .. } => {
                    let (absence, plan) = builder.build_absence(at)?;
                    (On::Absence(atom.pred, Box::new(absence)), plan)
                }
                LiteralKind::Aggregate(_) => {
                    let slot = slots.get(&at).copied().unwrap_or(usize::MAX);
                    (On::Groups(slot), builder.build(Seeding::Literal(at), true)?)
                }
                LiteralKind::Compare { .. } | LiteralKind::Range { .. } => continue,
            };
            deltas.push(DeltaPlan { on, plan });
        }
        build_calls(&mut inner, &mut self.calls, &self.strata)
    }

    /// Carries a change of facts on to everything that is kept.
    pub(super) fn maintain(&mut self, pending: &mut Pending, meter: &Meter) -> Result<(), EvalError> {
        let upkeep = core::mem::take(&mut self.upkeep);
        let done = upkeep.iter().try_for_each(|one| {
            if !one.reads.iter().any(|pred| pending.touches(*pred)) {
                return Ok(());
            }
            match &one.way {
                Way::Count { deltas, aggregates } => {
                    self.count_again(one.stratum, (deltas, aggregates), pending, meter)
                }
                Way::Again(making) => self.again(one.stratum, making, pending, meter),
            }
        });
        self.upkeep = upkeep;
        done
    }

    fn count_again(
        &mut self,
        stratum: usize,
        (deltas, aggregates): (&[DeltaPlan], &[AggregateUpkeep]),
        pending: &mut Pending,
        meter: &Meter,
    ) -> Result<(), EvalError> {
        let head = self.program.strata.get(stratum).and_then(|stratum| stratum.preds.first().copied());
        let stopped = |engine: &Self, stop: Stop| stop.of(head.map_or("", |pred| engine.name(pred)));
        for aggregate in aggregates {
            let mut found: Signed = Vec::new();
            let (run, made) = self.with_exec(meter, |exec| run_deltas(&exec, &aggregate.deltas, pending, &mut found));
            self.base.symbols.absorb(made);
            run.map_err(|stop| stopped(self, stop))?;
            self.regroup(aggregate, found, pending, meter).map_err(|stop| stopped(self, stop))?;
        }
        let mut found: Signed = Vec::new();
        let (run, made) = self.with_exec(meter, |exec| run_deltas(&exec, deltas, pending, &mut found));
        self.base.symbols.absorb(made);
        run.map_err(|stop| stopped(self, stop))?;
        if let Some(pred) = head
            && !found.is_empty()
        {
            self.recount(pred, &found, pending);
        }
        Ok(())
    }

    /// Adds to the counts of rows; a row whose count comes from or goes to zero is added or removed.
    fn recount(&mut self, pred: PredId, found: &Signed, pending: &mut Pending) {
        let Some(relation) = self.base.get_mut(pred) else { return };
        let touched = pending.tables.entry(pred).or_default();
        let mut before: BTreeMap<RowId, i32> = BTreeMap::new();
        for (row, sign) in found {
            let (id, count) = match relation.insert(row) {
                Ok(id) => (id, 0),
                Err(id) => (id, relation.add_count(id, 0)),
            };
            before.entry(id).or_insert(count);
            relation.add_count(id, *sign);
        }
        for (id, count) in before {
            touched.counts.push((id, count));
            match (count > 0, relation.add_count(id, 0) > 0) {
                (false, true) => {
                    relation.set_state(id, State::Added);
                    touched.added.push(id);
                }
                (true, false) => {
                    relation.set_state(id, State::Removed);
                    touched.removed.push(id);
                }
                (false, false) => {
                    touched.counts.pop();
                    relation.remove(id);
                }
                (true, true) => {}
            }
        }
    }

    /// Makes a stratum anew and compares.
    fn again(
        &mut self,
        stratum: usize,
        making: &Making,
        pending: &mut Pending,
        meter: &Meter,
    ) -> Result<(), EvalError> {
        let tables = self.run_making(stratum, making, meter)?;
        for Local { pred, relation: made } in tables {
            let Some(relation) = self.base.get_mut(pred) else { continue };
            let touched = pending.tables.entry(pred).or_default();
            let gone: Vec<RowId> = relation.rows().filter(|id| made.find(relation.row(*id)).is_none()).collect();
            for id in gone {
                relation.set_state(id, State::Removed);
                touched.removed.push(id);
            }
            for id in made.rows() {
                if let Ok(new) = relation.insert(made.row(id)) {
                    relation.set_state(new, State::Added);
                    touched.added.push(new);
                }
            }
        }
        Ok(())
    }
}

/// Notes what a plan gives, with a sign.
pub(super) fn gather(exec: &Exec<'_>, plan: &Plan, seed: &[Cell], sign: i32, found: &mut Signed) -> Result<(), Stop> {
    let mut sink = |frame: &[Cell]| {
        exec.meter.row()?;
        found.push((with_key(&plan.head, frame, <[Cell]>::to_vec), sign));
        Ok(Yield::Some)
    };
    exec.run(plan, seed, &mut sink).map(|_| ())
}

fn run_deltas(exec: &Exec<'_>, deltas: &[DeltaPlan], pending: &Pending, found: &mut Signed) -> Result<(), Stop> {
    for delta in deltas {
        match &delta.on {
            On::Rows(pred) => {
                let Some(relation) = exec.base.get(*pred) else { continue };
                for (id, sign) in pending.rows(*pred) {
                    gather(exec, &delta.plan, relation.row(id), sign, found)?;
                }
            }
            On::Absence(pred, absence) => {
                let Some(relation) = exec.base.get(*pred) else { continue };
                // Rows that differ only in what does not matter are one change.
                let mut seen = BTreeSet::new();
                for (id, _) in pending.rows(*pred) {
                    let Some((key, was, is)) = exec.absence(absence, &delta.plan, relation.row(id))? else { continue };
                    if was != is && seen.insert(key) {
                        gather(exec, &delta.plan, relation.row(id), if was { 1 } else { -1 }, found)?;
                    }
                }
            }
            On::Groups(slot) => {
                for (group, was, is) in pending.groups.get(slot).map_or(&[][..], Vec::as_slice) {
                    for (value, sign) in [(was, -1), (is, 1)] {
                        if let Some(value) = value {
                            let row: Vec<Cell> = group.iter().copied().chain([*value]).collect();
                            gather(exec, &delta.plan, &row, sign, found)?;
                        }
                    }
                }
            }
        }
    }
    Ok(())
}
