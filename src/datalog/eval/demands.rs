//! What was asked of a recursion in the course of one question, and what came of it.
//!
//! A question often leads to many demands. What follows from one is kept, so that the next one only adds to it.

use super::super::base::Local;
use super::super::ir::PredId;
use super::super::value::Cell;
use super::fixpoint::{bytes_of, evaluate_more};
use super::magic::MagicPlan;
use super::meter::Stop;
use super::{Exec, RowId};

/// The tables of one [`MagicPlan`].
#[derive(Debug)]
pub(crate) struct Demands {
    tables: Vec<Local>,
    /// How many rows of each table were looked at by all rules.
    done: Vec<u32>,
}

impl Demands {
    pub(crate) fn new(plan: &MagicPlan) -> Self {
        Self { tables: plan.tables.clone(), done: vec![0; plan.tables.len()] }
    }

    /// Works out what follows from one more demand, of the way of asking at place `entry` of those that the plan was made
    /// for. After an error the tables are good for nothing.
    pub(crate) fn add(
        &mut self,
        (plan, entry): (&MagicPlan, usize),
        exec: &Exec<'_>,
        key: &[Cell],
    ) -> Result<(), Stop> {
        let demand = plan.entries.get(entry).and_then(|entry| self.tables.get_mut(entry.demand));
        if demand.is_none_or(|demand| demand.relation.append(key).is_none()) {
            return Ok(());
        }
        evaluate_more(*exec, &mut self.tables, &plan.group, &self.done)?;
        self.done.clear();
        self.done.extend(self.tables.iter().map(|local| local.relation.end()));
        Ok(())
    }

    /// Hands over the answers to one demand.
    pub(super) fn each_answer(
        &self,
        (plan, entry): (&MagicPlan, usize),
        key: &[Cell],
        mut take: impl FnMut(&[Cell]) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let Some(entry) = plan.entries.get(entry) else { return Ok(()) };
        let Some(Local { relation, .. }) = self.tables.get(entry.answer) else { return Ok(()) };
        match entry.index {
            Some(index) => relation.probe(index, key).iter().try_for_each(|id| take(relation.row(*id))),
            None => relation.rows().try_for_each(|id| take(relation.row(id))),
        }
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> u64 {
        bytes_of(&self.tables)
    }

    /// All answers from these places in their tables on, whatever was asked; sets the places to the ends. Where the same
    /// predicate is asked for in several ways an answer may be there several times.
    pub(crate) fn new_answers(&self, plan: &MagicPlan, from: &mut Vec<u32>, mut take: impl FnMut(PredId, &[Cell])) {
        from.resize(plan.answers.len(), 0);
        for ((pred, at), from) in plan.answers.iter().zip(from) {
            let Some(relation) = self.tables.get(*at).map(|local| &local.relation) else { continue };
            (*from..relation.end()).for_each(|id| take(*pred, relation.row(RowId(id))));
            *from = relation.end();
        }
    }
}
