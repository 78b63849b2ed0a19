//! What explanations need of the inside of an engine.

use super::super::base::{Base, Catalog, Local};
use super::super::eval::{Exec, MagicPlan, Memo, Meter, Sink, Stop, Texts, Yield, build_calls};
use super::super::ir::{PredId, Rule};
use super::super::limits::EvalError;
use super::super::plan::{Builder, Plan, Seeding, View};
use super::super::value::{Cell, Type, Value};
use super::{Engine, catalog};

impl Engine {
    /// Facts, and what is kept of derived predicates.
    pub(crate) fn base(&self) -> &Base {
        &self.base
    }

    /// For a derived predicate with facts of its own: where these are.
    pub(crate) fn hidden(&self, pred: PredId) -> Option<PredId> {
        self.facts_of.get(pred.index()).copied().flatten()
    }

    /// The stratum that works a predicate out.
    pub(crate) fn stratum_of(&self, pred: PredId) -> usize {
        self.strata.get(pred.index()).copied().unwrap_or(usize::MAX)
    }

    /// Whether all relations were worked out until the next change.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    /// The cell of a value; a text that is new is taken in.
    pub(crate) fn encode(&mut self, value: &Value, ty: Type) -> Cell {
        self.base.symbols.encode(value, ty)
    }

    /// A plan that meets every way through a rule. `locals`: tables that are there besides those of the base.
    pub(crate) fn plan_each_way(
        &mut self,
        rule: &Rule,
        seeding: Seeding,
        locals: &mut Vec<Local>,
    ) -> Result<Plan, EvalError> {
        let mut inner = catalog!(self, locals);
        let plan = Builder::new(&mut inner, rule, &|_| View::New, &|_| None).solving().build(seeding, true)?;
        build_calls(&mut inner, &mut self.calls, &self.strata)?;
        Ok(plan)
    }

    /// In which order the literals of a rule would be looked at when these columns of the head are given.
    pub(crate) fn sequence_of(
        &mut self,
        rule: &Rule,
        given: u64,
        locals: &mut Vec<Local>,
    ) -> Result<Vec<usize>, EvalError> {
        // Calls that this order would make are not made.
        let mut slots = self.slots.clone();
        let mut inner = Catalog {
            program: &self.program,
            heads: &self.heads,
            base: &mut self.base,
            locals,
            slots: &mut slots,
            more: &[],
        };
        Builder::new(&mut inner, rule, &|_| View::New, &|_| None).solving().sequence(given)
    }

    /// For a recursion that is worked out on demand: its predicates, and the plan for asking after single rows of them.
    pub(crate) fn recursion(&mut self, stratum: usize) -> Result<Option<(Vec<PredId>, MagicPlan)>, EvalError> {
        let Some(preds) = self.program.strata.get(stratum).filter(|stratum| stratum.recursive) else { return Ok(None) };
        let preds = preds.preds.clone();
        if preds.iter().all(|pred| self.base.get(*pred).is_some()) {
            return Ok(None);
        }
        let asked: Vec<(PredId, u64)> = preds.iter().map(|pred| (*pred, every(self.types(*pred).len()))).collect();
        let mut none = Vec::new();
        let mut inner = catalog!(self, &mut none);
        let plan = MagicPlan::build(&mut inner, &asked)?;
        build_calls(&mut inner, &mut self.calls, &self.strata)?;
        Ok(Some((preds, plan)))
    }

    /// Runs a plan within limits that others share. Texts that it makes are taken in.
    pub(crate) fn run_within(
        &mut self,
        (plan, seed, locals): (&Plan, &[Cell], &[Local]),
        shared: (&Meter, &Memo),
        out: &mut Sink<'_>,
    ) -> Result<Yield, Stop> {
        self.within(locals, shared, |exec| exec.run(plan, seed, out))
    }

    /// Runs `f` within limits that others share. Texts that it makes are taken in.
    pub(crate) fn within<R>(
        &mut self,
        locals: &[Local],
        (meter, memo): (&Meter, &Memo),
        f: impl FnOnce(&Exec<'_>) -> R,
    ) -> R {
        let texts = Texts::new(&self.base.symbols);
        let exec = Exec {
            base: &self.base,
            locals,
            marks: &[],
            calls: &self.calls,
            kept: &self.kept,
            meter,
            texts: &texts,
            memo,
        };
        let found = f(&exec);
        let made = texts.into_made();
        self.base.symbols.absorb(made);
        found
    }
}

/// All columns of so many, as bits.
pub(crate) fn every(columns: usize) -> u64 {
    (0..columns).fold(0, |bits, column| bits | 1_u64.checked_shl(u32::try_from(column).unwrap_or(64)).unwrap_or(0))
}
