//! What holds of a recursion, as far as the facts that are explained rest on it.
//!
//! Asked whether a fact holds, a recursion works out all facts of its own that any derivation of it is made of. They are
//! kept, so that looking for rule instances is looking into tables, and nothing is looked into that does not hold.

use super::super::base::Local;
use super::super::eval::{Demands, MagicPlan, Stop};
use super::super::ir::PredId;
use super::super::limits::EvalError;
use super::super::store::Relation;
use super::super::value::Cell;
use super::session::Session;

/// The facts of one recursion that were needed so far.
pub(super) struct Closure {
    plan: MagicPlan,
    demands: Demands,
    /// How many answers of each kind are in the tables.
    taken: Vec<u32>,
    /// A table for each predicate of the recursion.
    pub(super) tables: Vec<Local>,
}

impl Closure {
    fn table(&self, pred: PredId) -> Option<(usize, &Relation)> {
        let at = self.tables.iter().position(|local| local.pred == pred)?;
        self.tables.get(at).map(|local| (at, &local.relation))
    }
}

impl Session<'_> {
    /// Makes sure that all facts of a recursion that may be part of a derivation of this row are in its tables.
    fn close(&mut self, stratum: usize, pred: PredId, row: &[Cell]) -> Result<(), EvalError> {
        if !self.closures.contains_key(&stratum) {
            let made = self.engine.recursion(stratum)?.map(|(preds, plan)| {
                let arity = |pred: PredId| self.engine.program().predicate(pred).map_or(0, |known| known.columns.len());
                let table = |pred: &PredId| Local { pred: *pred, relation: Relation::new(arity(*pred)) };
                let (tables, demands) = (preds.iter().map(table).collect(), Demands::new(&plan));
                Closure { plan, demands, taken: Vec::new(), tables }
            });
            self.closures.insert(stratum, made);
        }
        let Some(Some(closure)) = self.closures.get_mut(&stratum) else { return Ok(()) };
        let Some((at, _)) = closure.table(pred).filter(|(_, table)| table.find(row).is_none()) else { return Ok(()) };
        let Closure { plan, demands, taken, tables } = closure;
        let shared = (&self.meter, &self.memo);
        if let Err(stop) = self.engine.within(&[], shared, |exec| demands.add((plan, at), exec, row)) {
            return Err(self.stopped(stop, pred));
        }
        let mut cells = Vec::new();
        demands.new_answers(plan, taken, |pred, row| {
            if let Some(table) = tables.iter_mut().find(|local| local.pred == pred)
                && table.relation.append(row).is_some()
            {
                cells.push(row.len());
            }
        });
        let held = cells.into_iter().try_for_each(|cells| self.hold(cells));
        held.map_err(|stop: Stop| self.stopped(stop, pred))
    }

    /// Whether a row holds, where that is known or is to be known before it is explained.
    pub(super) fn is_known_to_hold(&mut self, pred: PredId, row: &[Cell]) -> Result<Option<bool>, EvalError> {
        if let Some(relation) = self.engine.base().get(pred) {
            return Ok(Some(relation.find(row).is_some()));
        }
        let stratum = self.engine.stratum_of(pred);
        self.close(stratum, pred, row)?;
        let closure = self.closures.get(&stratum).and_then(Option::as_ref);
        Ok(closure.and_then(|closure| closure.table(pred)).map(|(_, table)| table.find(row).is_some()))
    }
}
