//! What an engine holds: facts, what is kept of derived predicates, and the plans that were made for them.

use std::collections::BTreeMap;

use super::ir::{PredId, Program, Rule};
use super::plan::Table;
use super::store::{IndexId, Relation, SpanIndexId};
use super::value::{Cell, Symbols, Type, Value};

/// Rows by predicate. Those of a predicate that is worked out when asked for are not here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Base {
    pub(crate) relations: Vec<Option<Relation>>,
    pub(crate) symbols: Symbols,
}

impl Base {
    pub(crate) fn get(&self, pred: PredId) -> Option<&Relation> {
        self.relations.get(pred.index()).and_then(Option::as_ref)
    }

    pub(crate) fn get_mut(&mut self, pred: PredId) -> Option<&mut Relation> {
        self.relations.get_mut(pred.index()).and_then(Option::as_mut)
    }
}

/// A table of one evaluation.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    pub(crate) pred: PredId,
    pub(crate) relation: Relation,
}

/// Which columns of which predicate are given: one plan for each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    places: BTreeMap<(PredId, u64), usize>,
    list: Vec<(PredId, u64)>,
}

impl Slots {
    pub(crate) fn get(&self, slot: usize) -> Option<(PredId, u64)> {
        self.list.get(slot).copied()
    }
}

/// For each predicate the places of its rules in the program, ascending.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heads(Vec<Vec<usize>>);

impl Heads {
    pub(crate) fn new(program: &Program) -> Self {
        let mut places = vec![Vec::new(); program.predicates.len()];
        for (at, rule) in program.rules.iter().enumerate() {
            if let Some(own) = places.get_mut(rule.head.index()) {
                own.push(at);
            }
        }
        Self(places)
    }

    /// The rules of these predicates, in the order of the program.
    pub(crate) fn rules_of<'p>(
        &self,
        program: &'p Program,
        preds: &[PredId],
    ) -> impl Iterator<Item = &'p Rule> + use<'p> {
        let own = preds.iter().filter_map(|pred| self.0.get(pred.index())).flatten();
        let mut places: Vec<usize> = own.copied().collect();
        places.sort_unstable();
        places.into_iter().filter_map(|at| program.rules.get(at))
    }
}

/// What a plan is built against. It makes the indexes that the plan asks for.
pub(crate) struct Catalog<'b> {
    pub(crate) program: &'b Program,
    pub(crate) heads: &'b Heads,
    pub(crate) base: &'b mut Base,
    pub(crate) locals: &'b mut Vec<Local>,
    pub(crate) slots: &'b mut Slots,
    /// Types of the columns of predicates that the program does not have, from its last predicate on.
    pub(crate) more: &'b [Vec<Type>],
}

impl<'b> Catalog<'b> {
    /// The same for a while.
    pub(crate) fn again(&mut self) -> Catalog<'_> {
        Catalog {
            program: self.program,
            heads: self.heads,
            base: &mut *self.base,
            locals: &mut *self.locals,
            slots: &mut *self.slots,
            more: self.more,
        }
    }

    /// The rules of these predicates, in the order of the program.
    pub(crate) fn rules_of(&self, preds: &[PredId]) -> impl Iterator<Item = &'b Rule> + use<'b> {
        self.heads.rules_of(self.program, preds)
    }

    /// Where the rows of a predicate are; none if it is called.
    pub(crate) fn table(&self, pred: PredId) -> Option<Table> {
        if let Some(at) = self.locals.iter().position(|local| local.pred == pred) {
            return u16::try_from(at).ok().map(Table::Local);
        }
        self.base.get(pred).map(|_| Table::Kept(pred))
    }

    fn relation(&mut self, table: Table) -> Option<&mut Relation> {
        match table {
            Table::Kept(pred) => self.base.get_mut(pred),
            Table::Local(at) => self.locals.get_mut(usize::from(at)).map(|local| &mut local.relation),
        }
    }

    pub(crate) fn len(&self, table: Table) -> u64 {
        let relation = match table {
            Table::Kept(pred) => self.base.get(pred),
            Table::Local(at) => self.locals.get(usize::from(at)).map(|local| &local.relation),
        };
        relation.map_or(0, |relation| u64::try_from(relation.len()).unwrap_or(u64::MAX))
    }

    pub(crate) fn must_be_given(&self, pred: PredId, column: usize) -> bool {
        let predicate = self.program.predicates.get(pred.index());
        predicate.and_then(|predicate| predicate.columns.get(column)).is_some_and(|column| column.bound)
    }

    pub(crate) fn column_type(&self, pred: PredId, column: usize) -> Type {
        match self.program.predicates.get(pred.index()) {
            Some(predicate) => predicate.columns.get(column).map_or(Type::Number, |column| column.ty),
            None => {
                let more = self.more.get(pred.index() - self.program.predicates.len());
                more.and_then(|types| types.get(column)).copied().unwrap_or(Type::Number)
            }
        }
    }

    pub(crate) fn encode(&mut self, value: &Value, ty: Type) -> Cell {
        self.base.symbols.encode(value, ty)
    }

    /// An index over these columns, ascending; none over no column.
    pub(crate) fn index(&mut self, table: Table, columns: &[usize]) -> Option<IndexId> {
        if columns.is_empty() {
            return None;
        }
        self.relation(table).map(|relation| relation.index(columns))
    }

    pub(crate) fn span_index(&mut self, table: Table, key: &[usize], start: usize, end: usize) -> Option<SpanIndexId> {
        self.relation(table).map(|relation| relation.span_index(key, start, end))
    }

    /// The plan for a call with these columns given; made later if it is new.
    pub(crate) fn slot(&mut self, pred: PredId, given: u64) -> usize {
        let Slots { places, list } = &mut *self.slots;
        *places.entry((pred, given)).or_insert_with(|| {
            list.push((pred, given));
            list.len() - 1
        })
    }
}
