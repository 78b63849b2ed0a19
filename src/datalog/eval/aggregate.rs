//! Aggregates, worked out over their body or kept by group.

use super::super::ir::{AggregateKind, CompareOp};
use super::super::plan::{Aggregation, View};
use super::super::store::{IndexId, Relation, RowId, State};
use super::super::value::{Cell, Type};
use super::expr::holds;
use super::meter::Stop;
use super::{Exec, Way, Yield};

impl Exec<'_> {
    /// The value over all ways through the body; none for the least and the greatest of nothing.
    pub(super) fn aggregate(&self, aggregation: &Aggregation, frame: &mut [Cell]) -> Result<Option<Cell>, Stop> {
        let Aggregation { kind, ty, target, body, span, .. } = aggregation;
        let (mut sum, mut best): (i128, Option<Cell>) = (0, None);
        let way = Way { ops: body, once_from: body.len() };
        self.step(way, 0, frame, &mut |frame| {
            let Some(code) = target else {
                sum += 1;
                return Ok(Yield::Some);
            };
            let Some(cell) = self.value(code, frame)? else { return Ok(Yield::Some) };
            sum += i128::from(cell.cast_signed());
            best = Some(self.better(*kind, *ty, best, cell));
            Ok(Yield::Some)
        })?;
        match kind {
            AggregateKind::Count | AggregateKind::Sum => match i64::try_from(sum) {
                Ok(sum) => Ok(Some(sum.cast_unsigned())),
                Err(_) => Err(Stop::Arithmetic(format!("the sum {sum} does not fit into 64 bits"), *span)),
            },
            AggregateKind::Min | AggregateKind::Max => Ok(best),
        }
    }

    /// The lesser or the greater of two.
    pub(crate) fn better(&self, kind: AggregateKind, ty: Type, best: Option<Cell>, cell: Cell) -> Cell {
        let wanted = if kind == AggregateKind::Min { CompareOp::Lt } else { CompareOp::Gt };
        match best {
            Some(best) if !holds(wanted, self.texts.compare(cell, best, ty)) => best,
            Some(_) | None => cell,
        }
    }
}

/// The values of one aggregate by group, kept right under every change: rows of the group and the value.
#[derive(Clone, Debug)]
pub(crate) struct KeptValues {
    pub(crate) kind: AggregateKind,
    pub(crate) rows: Relation,
    pub(crate) index: Option<IndexId>,
}

impl KeptValues {
    pub(crate) fn new(kind: AggregateKind, groups: usize) -> Self {
        let mut rows = Relation::new(groups + 1);
        rows.with_counts();
        let columns: Vec<usize> = (0..groups).collect();
        let index = (groups > 0).then(|| rows.index(&columns));
        Self { kind, rows, index }
    }

    /// The value of a group that has no member.
    pub(crate) fn default_value(&self) -> Option<Cell> {
        match self.kind {
            AggregateKind::Count | AggregateKind::Sum => Some(0),
            AggregateKind::Min | AggregateKind::Max => None,
        }
    }

    /// The row of a group, of those that a view shows.
    pub(crate) fn row(&self, key: &[Cell], view: View) -> Option<RowId> {
        let hidden = if view == View::Old { State::Added } else { State::Removed };
        let shown = |id: &RowId| !self.rows.has_pending() || self.rows.state(*id) != hidden;
        match self.index {
            Some(index) => self.rows.probe(index, key).iter().copied().find(shown),
            None => self.rows.rows().find(shown),
        }
    }

    pub(crate) fn get(&self, key: &[Cell], view: View) -> Option<Cell> {
        match self.row(key, view) {
            Some(id) => self.rows.row(id).last().copied(),
            None => self.default_value(),
        }
    }
}
