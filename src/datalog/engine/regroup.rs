//! Aggregates that are kept by group, brought up to date with the members that came and went.

use std::collections::BTreeMap;

use super::super::base::Catalog;
use super::super::eval::{KeptValues, Meter, Stop, Yield, build_calls};
use super::super::ir::{Aggregate, AggregateKind, Expr, Rule, Term};
use super::super::limits::EvalError;
use super::super::plan::{Builder, Plan, Seeding, View};
use super::super::store::{RowId, State};
use super::super::value::{Cell, Type};
use super::change::{Pending, Touched};
use super::upkeep::{DeltaPlan, Signed, gather};
use super::{Engine, catalog};

/// An aggregate whose values are kept by group.
#[derive(Clone, Debug)]
pub(super) struct AggregateUpkeep {
    pub(super) slot: usize,
    kind: AggregateKind,
    ty: Type,
    groups: usize,
    pub(super) deltas: Vec<DeltaPlan>,
    /// All members of a group that is given.
    members: Plan,
}

impl Engine {
    pub(super) fn keep_aggregate(
        &mut self,
        rule: &Rule,
        aggregate: &Aggregate,
        meter: &Meter,
    ) -> Result<AggregateUpkeep, EvalError> {
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
        let (run, made) = self.with_exec(meter, |exec| gather(&exec, &all, &[], 1, &mut found));
        self.base.symbols.absorb(made);
        run.map_err(|stop| stop.of(self.name(rule.head)))?;
        let mut pending = Pending::default();
        self.regroup(&upkeep, found, &mut pending, meter).map_err(|stop| stop.of(self.name(rule.head)))?;
        for touched in pending.kept.into_values() {
            for id in touched.added {
                if let Some(kept) = self.kept.get_mut(slot) {
                    kept.rows.set_state(id, State::Stable);
                }
            }
        }
        Ok(upkeep)
    }

    /// Brings the values of an aggregate up to date with members that came and went.
    pub(super) fn regroup(
        &mut self,
        upkeep: &AggregateUpkeep,
        found: Signed,
        pending: &mut Pending,
        meter: &Meter,
    ) -> Result<(), Stop> {
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
            let value =
                if count == 0 { None } else { self.new_value(upkeep, &group, (old_value, count), &members, meter)? };
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

    pub(super) fn new_value(
        &self,
        upkeep: &AggregateUpkeep,
        group: &[Cell],
        (old, count): (Option<Cell>, i32),
        members: &Signed,
        meter: &Meter,
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
                // A member may come by one literal of the body and go by another in the same change.
                let mut net: BTreeMap<Cell, i32> = BTreeMap::new();
                for (cell, sign) in targets() {
                    *net.entry(cell).or_default() += sign;
                }
                let lost = net.iter().any(|(cell, sign)| *sign < 0 && Some(*cell) == old);
                let (best, _) = self.with_exec(meter, |exec| {
                    let mut best = if lost { None } else { old };
                    if lost {
                        exec.run(&upkeep.members, group, &mut |frame| {
                            let target = upkeep.members.head.last().and_then(|reg| frame.get(usize::from(*reg)));
                            best = target.map(|cell| exec.better(upkeep.kind, upkeep.ty, best, *cell));
                            Ok(Yield::Some)
                        })?;
                        return Ok(best);
                    }
                    for cell in net.iter().filter(|(_, sign)| **sign > 0).map(|(cell, _)| *cell) {
                        best = Some(exec.better(upkeep.kind, upkeep.ty, best, cell));
                    }
                    Ok(best)
                });
                best
            }
        }
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
pub(super) fn binds_its_group(aggregate: &Aggregate) -> bool {
    aggregate.group.iter().all(|var| {
        aggregate
            .body
            .iter()
            .filter_map(|literal| literal.kind.as_atom())
            .any(|atom| atom.args.contains(&Term::Var(*var)))
    })
}
