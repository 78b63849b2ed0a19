//! Works out predicates from nothing, stratum by stratum, and keeps them.

use std::collections::BTreeSet;

use super::super::base::{Catalog, Local, Slots};
use super::super::eval::{Calls, Group, Meter, Stop, build_calls, bytes_of, evaluate, plan_stratum};
use super::super::ir::{Literal, LiteralKind, PredId};
use super::super::limits::EvalError;
use super::{Engine, catalog};

/// Calls `f` for each predicate that a body looks at, those in aggregates included.
pub(super) fn each_pred(body: &[Literal], f: &mut impl FnMut(PredId)) {
    for literal in body {
        match &literal.kind {
            LiteralKind::Atom(atom) | LiteralKind::Not { atom, .. } => f(atom.pred),
            LiteralKind::Aggregate(aggregate) => each_pred(&aggregate.body, f),
            LiteralKind::Compare { .. } | LiteralKind::Range { .. } => {}
        }
    }
}

/// The plans of a stratum, and empty tables with the indexes that they use.
#[derive(Clone, Debug)]
pub(super) struct Making {
    pub(super) tables: Vec<Local>,
    pub(super) group: Group,
}

impl Engine {
    /// Makes all plans anew, and whatever is kept.
    pub(super) fn rebuild(&mut self, meter: &Meter) -> Result<(), EvalError> {
        self.generation += 1;
        self.complete = false;
        self.slots = Slots::default();
        self.calls = Calls::default();
        self.kept.clear();
        self.upkeep.clear();
        for (predicate, relation) in self.program.predicates.iter().zip(&mut self.base.relations) {
            if predicate.derived {
                *relation = None;
            }
        }
        let wanted = self.maintained()?;
        for stratum in wanted {
            self.keep(stratum, meter)?;
        }
        self.note_bytes();
        Ok(())
    }

    /// The strata that are to be kept right, in their order.
    fn maintained(&self) -> Result<BTreeSet<usize>, EvalError> {
        let marked = |(at, predicate): (usize, &super::Predicate)| {
            (predicate.maintain && predicate.derived).then(|| u32::try_from(at).ok().map(PredId)).flatten()
        };
        let mut open: Vec<PredId> = self.program.predicates.iter().enumerate().filter_map(marked).collect();
        let mut wanted = BTreeSet::new();
        while let Some(pred) = open.pop() {
            let stratum = self.strata.get(pred.index()).copied().unwrap_or(usize::MAX);
            let derived = self.program.predicate(pred).is_some_and(|predicate| predicate.derived);
            if !derived || self.program.strata.get(stratum).is_none() || wanted.contains(&stratum) {
                continue;
            }
            if self.is_parametric(stratum) {
                // Called, whoever looks at it.
                if self.program.predicate(pred).is_some_and(|predicate| predicate.maintain) {
                    let reason =
                        format!("{} rests on itself through columns marked +: it cannot be kept", self.name(pred));
                    return Err(EvalError::Mismatch { reason });
                }
                continue;
            }
            wanted.insert(stratum);
            let preds = self.program.strata.get(stratum).map_or(&[][..], |stratum| &stratum.preds);
            for rule in self.heads.rules_of(&self.program, preds) {
                each_pred(&rule.body, &mut |pred| open.push(pred));
            }
        }
        Ok(wanted)
    }

    /// Works out every relation that has no column marked `+`, until the next change.
    ///
    /// # Errors
    /// [`EvalError`] when that takes more than the limits allow, or something cannot be computed.
    pub fn evaluate(&mut self) -> Result<(), EvalError> {
        if self.complete {
            return Ok(());
        }
        self.counted(Self::complete)
    }

    fn complete(&mut self, meter: &Meter) -> Result<(), EvalError> {
        for stratum in 0..self.program.strata.len() {
            let first = self.program.strata.get(stratum).and_then(|stratum| stratum.preds.first().copied());
            let there = first.is_none_or(|pred| self.base.get(pred).is_some());
            if !there && !self.is_parametric(stratum) {
                let making = self.making(stratum, false)?;
                self.make(stratum, &making, meter)?;
            }
        }
        self.complete = true;
        self.note_bytes();
        Ok(())
    }

    /// Forgets what is there only until the next change.
    pub(super) fn forget(&mut self, meter: &Meter) -> Result<(), EvalError> {
        if self.complete { self.rebuild(meter) } else { Ok(()) }
    }

    /// Plans the making of a stratum. `counting`: each way to a row counts.
    pub(super) fn making(&mut self, stratum: usize, counting: bool) -> Result<Making, EvalError> {
        let Some(stratum) = self.program.strata.get(stratum) else {
            return Ok(Making { tables: Vec::new(), group: Group::default() });
        };
        let mut none = Vec::new();
        let mut inner = catalog!(self, &mut none);
        let (tables, group) = plan_stratum(&mut inner, stratum, counting)?;
        build_calls(&mut inner, &mut self.calls, &self.strata)?;
        Ok(Making { tables, group })
    }

    /// Runs the plans of a stratum. What they give is in the tables.
    pub(super) fn run_making(
        &mut self,
        stratum: usize,
        making: &Making,
        meter: &Meter,
    ) -> Result<Vec<Local>, EvalError> {
        let mut tables = making.tables.clone();
        let (done, made) = self.with_exec(meter, |exec| evaluate(exec, &mut tables, &making.group));
        let first = self.program.strata.get(stratum).and_then(|stratum| stratum.preds.first().copied());
        let stopped = |stop: Stop| stop.of(first.map_or("", |pred| self.name(pred)));
        done.and_then(|()| meter.keep(bytes_of(&tables))).map_err(stopped)?;
        self.base.symbols.absorb(made);
        Ok(tables)
    }

    /// Works out a stratum and keeps what comes of it.
    pub(super) fn make(&mut self, stratum: usize, making: &Making, meter: &Meter) -> Result<(), EvalError> {
        let tables = self.run_making(stratum, making, meter)?;
        for Local { pred, relation } in tables {
            if let Some(place) = self.base.relations.get_mut(pred.index()) {
                *place = Some(relation);
            }
        }
        Ok(())
    }
}
