//! Changes of facts: all or nothing, and everything that is kept is right again before anybody can ask.

use std::collections::BTreeMap;

use super::super::eval::Meter;
use super::super::ir::{Fact, PredId};
use super::super::limits::EvalError;
use super::super::store::{RowId, State};
use super::super::value::{Cell, Type, Value};
use super::Engine;

/// A fact that is put in or taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The fact.
    pub fact: Fact,
    /// Put in; else taken out.
    pub insert: bool,
}

impl Change {
    /// Puts a fact in. Of no effect when it is there.
    pub fn insert(fact: Fact) -> Self {
        Self { fact, insert: true }
    }

    /// Takes a fact out. Of no effect when it is not there.
    pub fn remove(fact: Fact) -> Self {
        Self { fact, insert: false }
    }
}

/// What became true and what ceased to be, of facts and of what is maintained. Both sorted by predicate and row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Holds now, did not before.
    pub added: Vec<Fact>,
    /// Held before, does not now.
    pub removed: Vec<Fact>,
}

impl Delta {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// The rows of one table that a change touches.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub(super) added: Vec<RowId>,
    pub(super) removed: Vec<RowId>,
    /// Derivation counts as they were.
    pub(super) counts: Vec<(RowId, i32)>,
}

/// A change under way: what is marked in the tables and not yet settled.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) tables: BTreeMap<PredId, Touched>,
    /// The same for kept aggregates, by their place.
    pub(super) kept: BTreeMap<usize, Touched>,
    /// For kept aggregates, groups whose value changed: the group, what it was, what it is.
    pub(super) groups: BTreeMap<usize, Vec<Regrouped>>,
}

/// A group, what its value was and what it is.
pub(super) type Regrouped = (Vec<Cell>, Option<Cell>, Option<Cell>);

impl Pending {
    pub(super) fn touches(&self, pred: PredId) -> bool {
        self.tables.get(&pred).is_some_and(|touched| !touched.added.is_empty() || !touched.removed.is_empty())
    }

    /// Rows of a predicate that change, with the sign of the change.
    pub(super) fn rows(&self, pred: PredId) -> impl Iterator<Item = (RowId, i32)> {
        let touched = self.tables.get(&pred);
        let added = touched.map_or(&[][..], |touched| &touched.added);
        let removed = touched.map_or(&[][..], |touched| &touched.removed);
        removed.iter().map(|id| (*id, -1)).chain(added.iter().map(|id| (*id, 1)))
    }
}

impl Engine {
    /// Makes all of these changes, in their order, or none of them.
    ///
    /// # Errors
    /// [`EvalError::Mismatch`] for a fact of a derived predicate; any other when what is maintained cannot be made right
    /// within the limits. Nothing was changed then.
    pub fn apply(&mut self, changes: &[Change]) -> Result<Delta, EvalError> {
        for change in changes {
            self.check_fact(&change.fact)?;
        }
        self.counted(|engine, meter| engine.apply_counted(changes, meter))
    }

    fn apply_counted(&mut self, changes: &[Change], meter: &Meter) -> Result<Delta, EvalError> {
        self.forget(meter)?;
        let mut pending = Pending::default();
        for change in changes {
            self.mark(change, &mut pending);
        }
        match self.maintain(&mut pending, meter) {
            Ok(()) => {
                let delta = self.delta(&pending);
                self.settle(pending, true);
                Ok(delta)
            }
            Err(error) => {
                self.settle(pending, false);
                Err(error)
            }
        }
    }

    /// Puts many facts in and works out anew what is maintained: for a start, or for as much as is there already.
    /// Says how many were new.
    ///
    /// # Errors
    /// As for [`Engine::apply`]; nothing was changed then.
    pub fn load(&mut self, facts: impl IntoIterator<Item = Fact>) -> Result<usize, EvalError> {
        let mut new: Vec<(PredId, RowId)> = Vec::new();
        for fact in facts {
            if let Err(error) = self.check_fact(&fact) {
                return self.unload(&new, error);
            }
            let at = self.facts_at(fact.pred);
            let cells = self.cells(&fact);
            if let Some(Ok(id)) = self.base.get_mut(at).map(|relation| relation.insert(&cells)) {
                new.push((at, id));
            }
        }
        match self.counted(Self::rebuild) {
            Ok(()) => Ok(new.len()),
            Err(error) => self.unload(&new, error),
        }
    }

    fn unload(&mut self, new: &[(PredId, RowId)], error: EvalError) -> Result<usize, EvalError> {
        for (at, id) in new {
            if let Some(relation) = self.base.get_mut(*at) {
                relation.remove(*id);
            }
        }
        // It was within the limits before.
        self.counted(Self::rebuild)?;
        Err(error)
    }

    fn check_fact(&self, fact: &Fact) -> Result<(), EvalError> {
        let mismatch = |reason: String| Err(EvalError::Mismatch { reason });
        let Some(predicate) = self.program.predicate(fact.pred) else {
            return mismatch("a fact of another program".into());
        };
        if predicate.columns.len() != fact.row.len() {
            let (name, wanted) = (&predicate.name, predicate.columns.len());
            return mismatch(format!("{name} has {wanted} columns, the fact has {}", fact.row.len()));
        }
        for (value, column) in fact.row.iter().zip(&predicate.columns) {
            if column.ty != Type::Any && column.ty != value.kind() {
                return mismatch(format!("{}: {value} is no {} for {}", predicate.name, column.ty, column.name));
            }
        }
        if self.base.get(self.facts_at(fact.pred)).is_none() || (predicate.derived && !self.has_facts(fact.pred)) {
            return mismatch(format!("{} is derived by rules: it takes no facts", predicate.name));
        }
        Ok(())
    }

    fn has_facts(&self, pred: PredId) -> bool {
        self.facts_of.get(pred.index()).is_some_and(Option::is_some)
    }

    fn cells(&mut self, fact: &Fact) -> Vec<Cell> {
        let types = self.types(fact.pred);
        fact.row.iter().zip(types).map(|(value, ty)| self.base.symbols.encode(value, ty)).collect()
    }

    /// Marks the row of a fact as added or removed. A change that an earlier one undoes leaves no mark.
    fn mark(&mut self, change: &Change, pending: &mut Pending) {
        let at = self.facts_at(change.fact.pred);
        let cells = self.cells(&change.fact);
        let Some(relation) = self.base.get_mut(at) else { return };
        let touched = pending.tables.entry(at).or_default();
        let found = relation.find(&cells);
        match (change.insert, found, found.map(|id| relation.state(id))) {
            (true, Some(id), Some(State::Removed)) => {
                relation.set_state(id, State::Stable);
                touched.removed.retain(|other| *other != id);
            }
            (true, None, _) => {
                if let Ok(id) = relation.insert(&cells) {
                    relation.set_state(id, State::Added);
                    touched.added.push(id);
                }
            }
            (false, Some(id), Some(State::Stable)) => {
                relation.set_state(id, State::Removed);
                touched.removed.push(id);
            }
            (false, Some(id), Some(State::Added)) => {
                relation.set_state(id, State::Stable);
                relation.remove(id);
                touched.added.retain(|other| *other != id);
            }
            _ => {}
        }
    }

    fn delta(&self, pending: &Pending) -> Delta {
        let mut delta = Delta::default();
        for (at, touched) in &pending.tables {
            let pred = self.shown_as(*at);
            let shown = self.program.predicate(pred).is_some_and(|predicate| predicate.maintain || !predicate.derived);
            // Facts of a derived predicate show as rows of it, which is kept if it is maintained.
            if !shown || pred != *at {
                continue;
            }
            let types = self.types(pred);
            let Some(relation) = self.base.get(*at) else { continue };
            let decode = |id: &RowId| {
                let cells = relation.row(*id).iter().zip(&types);
                let row: Vec<Value> = cells.map(|(cell, ty)| self.base.symbols.decode(*cell, *ty)).collect();
                Fact { pred, row }
            };
            delta.added.extend(touched.added.iter().map(decode));
            delta.removed.extend(touched.removed.iter().map(decode));
        }
        delta.added.sort_unstable();
        delta.removed.sort_unstable();
        delta
    }

    /// Makes what is marked final, or takes it back.
    fn settle(&mut self, pending: Pending, done: bool) {
        for (pred, touched) in pending.tables {
            if let Some(relation) = self.base.get_mut(pred) {
                settle(relation, &touched, done);
            }
        }
        for (slot, touched) in pending.kept {
            if let Some(kept) = self.kept.get_mut(slot) {
                settle(&mut kept.rows, &touched, done);
            }
        }
    }
}

fn settle(relation: &mut super::Relation, touched: &Touched, done: bool) {
    let (stay, go) = if done { (&touched.added, &touched.removed) } else { (&touched.removed, &touched.added) };
    for id in stay {
        relation.set_state(*id, State::Stable);
    }
    if !done {
        for (id, count) in touched.counts.iter().rev() {
            let now = relation.add_count(*id, 0);
            relation.add_count(*id, count - now);
        }
    }
    for id in go {
        relation.set_state(*id, State::Stable);
        relation.remove(*id);
    }
}
