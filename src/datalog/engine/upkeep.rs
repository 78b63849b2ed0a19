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
use super::super::eval::{Exec, KeptValues, Stop, Yield, build_calls, with_key};
use super::super::ir::{Aggregate, AggregateKind, Expr, Literal, LiteralKind, PredId, Rule, Term};
use super::super::limits::EvalError;
use super::super::plan::{Absence, Builder, Plan, Seeding, View};
use super::super::store::{RowId, State};
use super::super::value::{Cell, Type};
use super::change::{Pending, Touched};
use super::fill::{Making, each_pred, rules_of};
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
struct DeltaPlan {
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

/// An aggregate whose values are kept by group.
#[derive(Clone, Debug)]
struct AggregateUpkeep {
    slot: usize,
    kind: AggregateKind,
    ty: Type,
    groups: usize,
    deltas: Vec<DeltaPlan>,
    /// All members of a group that is given.
    members: Plan,
}

/// Rows of the head with the sign of the change, in the order in which they were found.
type Signed = Vec<(Vec<Cell>, i32)>;

impl Engine {
    /// Works out a stratum and plans how it is kept.
    pub(super) fn keep(&mut self, stratum: usize) -> Result<(), EvalError> {
        let reads = self.reads(stratum);
        let countable = self.is_countable(stratum);
        let making = self.making(stratum, countable)?;
        self.make(stratum, &making)?;
        let way = if countable {
            self.count_upkeep(stratum)?
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
            for rule in rules_of(&self.program, &[pred]) {
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
        rules_of(&self.program, &stratum.preds).all(|rule| rule.body.iter().all(literal))
    }

    fn count_upkeep(&mut self, stratum: usize) -> Result<Way, EvalError> {
        let (mut deltas, mut aggregates) = (Vec::new(), Vec::new());
        let preds = self.program.strata.get(stratum).map_or_else(Vec::new, |stratum| stratum.preds.clone());
        let rules: Vec<Rule> = rules_of(&self.program, &preds).cloned().collect();
        for rule in &rules {
            let mut slots = BTreeMap::new();
            for (at, literal) in rule.body.iter().enumerate() {
                if let LiteralKind::Aggregate(aggregate) = &literal.kind {
                    let upkeep = self.keep_aggregate(rule, aggregate)?;
                    slots.insert(at, upkeep.slot);
                    aggregates.push(upkeep);
                }
            }
            self.delta_plans(rule, &slots, &mut deltas)?;
        }
        Ok(Way::Count { deltas, aggregates })
    }

    /// A plan for each literal that may change.
    fn delta_plans(
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

    fn keep_aggregate(&mut self, rule: &Rule, aggregate: &Aggregate) -> Result<AggregateUpkeep, EvalError> {
        let (slot, groups) = (self.kept.len(), aggregate.group.len());
        let ty = rule.vars.get(aggregate.result.index()).map_or(Type::Number, |info| info.ty);
        let mut args: Vec<Expr> = aggregate.group.iter().map(|var| Expr::Var(*var)).collect();
        args.extend(aggregate.target.clone());
        // The group and the target as the head of a rule of their own, so that a changed row of the body gives them.
        let inside = Rule { args, body: aggregate.body.clone(), ..rule.clone() };
        let mut deltas = Vec::new();
        self.delta_plans(&inside, &BTreeMap::new(), &mut deltas)?;
        let mut none = Vec::new();
        let mut inner = catalog!(self, &mut none);
        let members = Builder::new(&mut inner, rule, &|_| View::New, &|_| None).build_aggregate(aggregate)?;
        let all = Builder::new(&mut inner, &inside, &|_| View::New, &|_| None).build(Seeding::Nothing, true)?;
        build_calls(&mut inner, &mut self.calls, &self.strata)?;
        self.kept.push(KeptValues::new(aggregate.kind, groups));
        let upkeep = AggregateUpkeep { slot, kind: aggregate.kind, ty, groups, deltas, members };
        let mut found: Signed = Vec::new();
        let (run, made) = self.with_exec(|exec| gather(&exec, &all, &[], 1, &mut found));
        self.base.symbols.absorb(made);
        run.map_err(|stop| stop.of(self.name(rule.head)))?;
        let mut pending = Pending::default();
        self.regroup(&upkeep, found, &mut pending).map_err(|stop| stop.of(self.name(rule.head)))?;
        for touched in pending.kept.into_values() {
            for id in touched.added {
                if let Some(kept) = self.kept.get_mut(slot) {
                    kept.rows.set_state(id, State::Stable);
                }
            }
        }
        Ok(upkeep)
    }

    /// Carries a change of facts on to everything that is kept.
    pub(super) fn maintain(&mut self, pending: &mut Pending) -> Result<(), EvalError> {
        let upkeep = core::mem::take(&mut self.upkeep);
        let done = upkeep.iter().try_for_each(|one| {
            if !one.reads.iter().any(|pred| pending.touches(*pred)) {
                return Ok(());
            }
            match &one.way {
                Way::Count { deltas, aggregates } => self.count_again(one.stratum, deltas, aggregates, pending),
                Way::Again(making) => self.again(one.stratum, making, pending),
            }
        });
        self.upkeep = upkeep;
        done
    }

    fn count_again(
        &mut self,
        stratum: usize,
        deltas: &[DeltaPlan],
        aggregates: &[AggregateUpkeep],
        pending: &mut Pending,
    ) -> Result<(), EvalError> {
        let head = self.program.strata.get(stratum).and_then(|stratum| stratum.preds.first().copied());
        let stopped = |engine: &Self, stop: Stop| stop.of(head.map_or("", |pred| engine.name(pred)));
        for aggregate in aggregates {
            let mut found: Signed = Vec::new();
            let (run, made) = self.with_exec(|exec| run_deltas(&exec, &aggregate.deltas, pending, &mut found));
            self.base.symbols.absorb(made);
            run.map_err(|stop| stopped(self, stop))?;
            self.regroup(aggregate, found, pending).map_err(|stop| stopped(self, stop))?;
        }
        let mut found: Signed = Vec::new();
        let (run, made) = self.with_exec(|exec| run_deltas(&exec, deltas, pending, &mut found));
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

    /// Brings the values of an aggregate up to date with members that came and went.
    fn regroup(&mut self, upkeep: &AggregateUpkeep, found: Signed, pending: &mut Pending) -> Result<(), Stop> {
        let mut groups: BTreeMap<Vec<Cell>, Signed> = BTreeMap::new();
        for (mut row, sign) in found {
            let target = row.split_off(upkeep.groups);
            groups.entry(row).or_default().push((target, sign));
        }
        for (group, members) in groups {
            let Some(kept) = self.kept.get(upkeep.slot) else { return Ok(()) };
            let old = kept.row(&group, View::New);
            let old_value = old.and_then(|id| kept.rows.row(id).last().copied());
            let old_count = old.map_or(0, |id| kept.rows.count(id));
            let count = members.iter().fold(old_count, |sum, (_, sign)| sum + sign);
            let value = if count == 0 { None } else { self.new_value(upkeep, &group, old_value, count, &members)? };
            let Some(kept) = self.kept.get_mut(upkeep.slot) else { return Ok(()) };
            let default = kept.default_value();
            let touched = pending.kept.entry(upkeep.slot).or_default();
            replace(kept, touched, &group, old, (value, count));
            let (was, is) = (old_value.or(default), value.or(default));
            if was != is {
                pending.groups.entry(upkeep.slot).or_default().push((group, was, is));
            }
        }
        Ok(())
    }

    fn new_value(
        &self,
        upkeep: &AggregateUpkeep,
        group: &[Cell],
        old: Option<Cell>,
        count: i32,
        members: &Signed,
    ) -> Result<Option<Cell>, Stop> {
        let targets = || members.iter().map(|(target, sign)| (target.first().copied().unwrap_or(0), *sign));
        match upkeep.kind {
            AggregateKind::Count => Ok(Some(i64::from(count).cast_unsigned())),
            AggregateKind::Sum => {
                let start = i128::from(old.unwrap_or(0).cast_signed());
                let sum =
                    targets().fold(start, |sum, (cell, sign)| sum + i128::from(cell.cast_signed()) * i128::from(sign));
                let fits = i64::try_from(sum).map(i64::cast_unsigned);
                let overflow =
                    |_| Stop::Arithmetic(format!("the sum {sum} does not fit into 64 bits"), upkeep.members.span);
                fits.map(Some).map_err(overflow)
            }
            AggregateKind::Min | AggregateKind::Max => {
                let lost = targets().any(|(cell, sign)| sign < 0 && Some(cell) == old);
                let (best, _) = self.with_exec(|exec| {
                    let mut best = if lost { None } else { old };
                    if lost {
                        exec.run(&upkeep.members, group, &mut |frame| {
                            let target = upkeep.members.head.last().and_then(|reg| frame.get(usize::from(*reg)));
                            best = target.map(|cell| exec.better(upkeep.kind, upkeep.ty, best, *cell));
                            Ok(Yield::Some)
                        })?;
                        return Ok(best);
                    }
                    for (cell, _) in targets().filter(|(_, sign)| *sign > 0) {
                        best = Some(exec.better(upkeep.kind, upkeep.ty, best, cell));
                    }
                    Ok(best)
                });
                best
            }
        }
    }

    /// Makes a stratum anew and compares.
    fn again(&mut self, stratum: usize, making: &Making, pending: &mut Pending) -> Result<(), EvalError> {
        let tables = self.run_making(stratum, making)?;
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

/// Puts a new value of a group beside the old one, which is marked as removed.
fn replace(
    kept: &mut KeptValues,
    touched: &mut Touched,
    group: &[Cell],
    old: Option<RowId>,
    (value, count): (Option<Cell>, i32),
) {
    if let Some(id) = old {
        if kept.rows.row(id).last().copied() == value {
            let before = kept.rows.count(id);
            touched.counts.push((id, before));
            kept.rows.add_count(id, count - before);
            return;
        }
        kept.rows.set_state(id, State::Removed);
        touched.removed.push(id);
    }
    if let Some(value) = value {
        let row: Vec<Cell> = group.iter().copied().chain([value]).collect();
        if let Ok(id) = kept.rows.insert(&row) {
            kept.rows.add_count(id, count);
            kept.rows.set_state(id, State::Added);
            touched.added.push(id);
        }
    }
}

/// Whether the atoms of an aggregate's body give all variables of its group, so that a changed row tells its groups.
fn binds_its_group(aggregate: &Aggregate) -> bool {
    aggregate.group.iter().all(|var| {
        aggregate
            .body
            .iter()
            .filter_map(|literal| literal.kind.as_atom())
            .any(|atom| atom.args.contains(&Term::Var(*var)))
    })
}

/// Notes what a plan gives, with a sign.
fn gather(exec: &Exec<'_>, plan: &Plan, seed: &[Cell], sign: i32, found: &mut Signed) -> Result<(), Stop> {
    let mut sink = |frame: &[Cell]| {
        found.push((with_key(&plan.head, frame, <[Cell]>::to_vec), sign));
        exec.meter.row()?;
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
