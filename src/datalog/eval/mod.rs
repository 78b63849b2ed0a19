//! Runs plans: a loop for each literal, one in the other.

mod aggregate;
mod call;
mod closure;
mod demands;
mod expr;
mod fixpoint;
mod loops;
mod magic;
mod meter;
mod rows;
mod stratum;
mod texts;

use super::base::{Base, Local};
use super::plan::{Absence, Access, Op, Plan, Reg, Rows, Table, View, fill};
use super::store::{Relation, RowId, State};
use super::value::Cell;

pub(crate) use aggregate::KeptValues;
pub(crate) use call::{Calls, Memo, build_calls};
pub(crate) use demands::Demands;
pub(crate) use fixpoint::{Group, bytes_of, evaluate};
pub(crate) use magic::MagicPlan;
pub(crate) use meter::{Meter, Stop};
pub(crate) use rows::{Gathering, RowSet};
pub(crate) use stratum::plan_stratum;
pub(crate) use texts::Texts;

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Yield {
    Nothing,
    /// At least one way led to the end.
    Some,
    /// Whoever asked needs no more.
    Enough,
}

/// Takes what is found: the registers at the end of a way.
pub(crate) type Sink<'s> = dyn FnMut(&[Cell]) -> Result<Yield, Stop> + 's;

/// Everything a running plan looks at.
#[derive(Clone, Copy)]
pub(crate) struct Exec<'e> {
    pub(crate) base: &'e Base,
    pub(crate) locals: &'e [Local],
    /// For each local table where the last round began and where this one did.
    pub(crate) marks: &'e [(u32, u32)],
    pub(crate) calls: &'e Calls,
    pub(crate) kept: &'e [KeptValues],
    pub(crate) meter: &'e Meter,
    pub(crate) texts: &'e Texts<'e>,
    pub(crate) memo: &'e Memo,
}

/// The steps of a plan, and from which of them on one way is enough.
#[derive(Clone, Copy)]
pub(crate) struct Way<'p> {
    pub(crate) ops: &'p [Op],
    pub(crate) once_from: usize,
}

impl Plan {
    pub(crate) fn way(&self) -> Way<'_> {
        Way { ops: &self.ops, once_from: self.once_from }
    }
}

/// Calls `f` with the values of these registers.
#[inline]
pub(crate) fn with_key<R>(regs: &[Reg], frame: &[Cell], f: impl FnOnce(&[Cell]) -> R) -> R {
    let cell = |reg: &Reg| frame.get(usize::from(*reg)).copied().unwrap_or(0);
    match regs {
        [one] => f(&[cell(one)]),
        [one, two] => f(&[cell(one), cell(two)]),
        [one, two, three] => f(&[cell(one), cell(two), cell(three)]),
        [one, two, three, four] => f(&[cell(one), cell(two), cell(three), cell(four)]),
        more => f(&more.iter().map(cell).collect::<Vec<_>>()),
    }
}

impl<'e> Exec<'e> {
    /// Runs a plan from a seed row. Nothing if the row does not fit.
    pub(crate) fn run(&self, plan: &Plan, seed: &[Cell], out: &mut Sink<'_>) -> Result<Yield, Stop> {
        let mut frame = plan.frame.clone();
        self.run_in(plan, seed, &mut frame, out)
    }

    /// The same in a frame of the caller's, which must be that of the plan.
    pub(crate) fn run_in(
        &self,
        plan: &Plan,
        seed: &[Cell],
        frame: &mut [Cell],
        out: &mut Sink<'_>,
    ) -> Result<Yield, Stop> {
        if !plan.seed.fill(seed, frame) {
            return Ok(Yield::Nothing);
        }
        self.step(plan.way(), 0, frame, out)
    }

    pub(crate) fn relation(&self, table: Table) -> Option<&'e Relation> {
        match table {
            Table::Kept(pred) => self.base.get(pred),
            Table::Local(at) => self.locals.get(usize::from(at)).map(|local| &local.relation),
        }
    }

    pub(super) fn step(&self, way: Way<'_>, at: usize, frame: &mut [Cell], out: &mut Sink<'_>) -> Result<Yield, Stop> {
        let Some(op) = way.ops.get(at) else { return out(frame) };
        match op {
            Op::Rows(rows) => {
                self.meter.enter()?;
                let found = self.rows(way, at, rows, frame, out);
                self.meter.leave();
                found
            }
            Op::Compare { op, ty, left, right } => {
                let (Some(left), Some(right)) = (self.value(left, frame)?, self.value(right, frame)?) else {
                    return Ok(Yield::Nothing);
                };
                if !expr::holds(*op, self.texts.compare(left, right, *ty)) {
                    return Ok(Yield::Nothing);
                }
                self.step(way, at + 1, frame, out)
            }
            Op::Bind { reg, code } => match self.value(code, frame)? {
                Some(cell) => self.bind(way, at, *reg, cell, frame, out),
                None => Ok(Yield::Nothing),
            },
            Op::Absent(rows) => {
                if self.any_row(rows, frame)? {
                    return Ok(Yield::Nothing);
                }
                self.step(way, at + 1, frame, out)
            }
            Op::Call(call) => {
                self.meter.enter()?;
                let found = self.call(way, at, call, frame, out);
                self.meter.leave();
                found
            }
            Op::AbsentCall(call) => {
                self.meter.enter()?;
                let found = self.any_answer(call, frame);
                self.meter.leave();
                if found? { Ok(Yield::Nothing) } else { self.step(way, at + 1, frame, out) }
            }
            Op::Range { reg, compares, from, to, step } => {
                let (Some(from), Some(to)) = (self.value(from, frame)?, self.value(to, frame)?) else {
                    return Ok(Yield::Nothing);
                };
                let step = step.as_ref().map(|step| self.value(step, frame)).transpose()?.flatten();
                let bounds = (from.cast_signed(), to.cast_signed(), step.map(Cell::cast_signed));
                self.range(way, at, (*reg, *compares), bounds, frame, out)
            }
            Op::Aggregate(aggregation) => {
                self.meter.enter()?;
                let value = self.aggregate(aggregation, frame);
                self.meter.leave();
                match value? {
                    Some(cell) => self.give(way, at, (aggregation.result, aggregation.compares), cell, frame, out),
                    None => Ok(Yield::Nothing),
                }
            }
            Op::Kept(kept) => {
                let values = self.kept.get(kept.slot);
                let value = values.and_then(|values| with_key(&kept.group, frame, |key| values.get(key, kept.view)));
                match value {
                    Some(cell) => self.give(way, at, (kept.result, kept.compares), cell, frame, out),
                    None => Ok(Yield::Nothing),
                }
            }
            Op::Sweep(sweep) => self.sweep(way, at, sweep, frame, out),
        }
    }

    #[inline]
    pub(super) fn bind(
        &self,
        way: Way<'_>,
        at: usize,
        reg: Reg,
        cell: Cell,
        frame: &mut [Cell],
        out: &mut Sink<'_>,
    ) -> Result<Yield, Stop> {
        if let Some(place) = frame.get_mut(usize::from(reg)) {
            *place = cell;
        }
        self.step(way, at + 1, frame, out)
    }

    /// Binds a result, or compares it with what is known.
    pub(super) fn give(
        &self,
        way: Way<'_>,
        at: usize,
        (reg, compares): (Reg, bool),
        cell: Cell,
        frame: &mut [Cell],
        out: &mut Sink<'_>,
    ) -> Result<Yield, Stop> {
        if compares && frame.get(usize::from(reg)) != Some(&cell) {
            return Ok(Yield::Nothing);
        }
        self.bind(way, at, reg, cell, frame, out)
    }

    /// Goes on with one row. Says whether it is the last to look at.
    #[inline]
    fn visit(
        &self,
        way: Way<'_>,
        at: usize,
        (rows, row): (&Rows, &[Cell]),
        frame: &mut [Cell],
        out: &mut Sink<'_>,
        found: &mut Yield,
    ) -> Result<bool, Stop> {
        self.meter.step()?;
        if !fill(&rows.binds, &rows.same, row, frame) {
            return Ok(false);
        }
        match self.step(way, at + 1, frame, out)? {
            Yield::Nothing => Ok(false),
            Yield::Some => {
                *found = Yield::Some;
                Ok(at >= way.once_from)
            }
            Yield::Enough => {
                *found = Yield::Enough;
                Ok(true)
            }
        }
    }

    fn rows(
        &self,
        way: Way<'_>,
        at: usize,
        rows: &Rows,
        frame: &mut [Cell],
        out: &mut Sink<'_>,
    ) -> Result<Yield, Stop> {
        let Some(relation) = self.relation(rows.table) else { return Ok(Yield::Nothing) };
        let mut found = Yield::Nothing;
        let visible = self.visibility(relation, rows);
        match &rows.access {
            Access::Scan => {
                for id in relation.rows().take_while(|id| visible.reaches(*id)) {
                    if visible.sees(relation, id)
                        && self.visit(way, at, (rows, relation.row(id)), frame, out, &mut found)?
                    {
                        break;
                    }
                }
            }
            Access::Find(key) => {
                if let Some(id) = with_key(key, frame, |key| relation.find(key))
                    && visible.sees(relation, id)
                {
                    self.visit(way, at, (rows, relation.row(id)), frame, out, &mut found)?;
                }
            }
            Access::Probe(index, key) => {
                let ids = with_key(key, frame, |key| relation.probe(*index, key));
                for id in ids.iter().take_while(|id| visible.reaches(**id)) {
                    if visible.sees(relation, *id)
                        && self.visit(way, at, (rows, relation.row(*id)), frame, out, &mut found)?
                    {
                        break;
                    }
                }
            }
            Access::Overlapping { index, key, after, before } => {
                let (Some(after), Some(before)) = (self.value(after, frame)?, self.value(before, frame)?) else {
                    return Ok(Yield::Nothing);
                };
                let (after, before) = (after.cast_signed(), before.cast_signed());
                for id in with_key(key, frame, |key| relation.overlapping(*index, key, after, before)) {
                    if visible.sees(relation, id)
                        && self.visit(way, at, (rows, relation.row(id)), frame, out, &mut found)?
                    {
                        break;
                    }
                }
            }
        }
        Ok(found)
    }

    fn visibility(&self, relation: &Relation, rows: &Rows) -> Visibility {
        let marks = match rows.table {
            Table::Local(at) => self.marks.get(usize::from(at)).copied().unwrap_or((u32::MAX, u32::MAX)),
            Table::Kept(_) => (u32::MAX, u32::MAX),
        };
        match rows.view {
            View::New if relation.has_pending() => Visibility::Not(State::Removed),
            View::Old if relation.has_pending() => Visibility::Not(State::Added),
            View::New | View::Old => Visibility::All,
            View::BeforeLast => Visibility::Below(marks.0),
            View::BeforeThis => Visibility::Below(marks.1),
        }
    }

    fn any_row(&self, rows: &Rows, frame: &mut [Cell]) -> Result<bool, Stop> {
        let mut stop = |_: &[Cell]| Ok(Yield::Enough);
        let way = Way { ops: &[], once_from: 0 };
        Ok(self.rows(way, 0, rows, frame, &mut stop)? != Yield::Nothing)
    }

    /// Whether any row of a negated atom was there and is there, with what the row at hand says of the rest of the rule.
    /// None if that row is none of the atom's.
    pub(crate) fn absence(
        &self,
        absence: &Absence,
        plan: &Plan,
        row: &[Cell],
    ) -> Result<Option<(Vec<Cell>, bool, bool)>, Stop> {
        let mut frame = plan.frame.clone();
        if !plan.seed.fill(row, &mut frame) {
            return Ok(None);
        }
        let key = with_key(&absence.key, &frame, <[Cell]>::to_vec);
        let was = self.any_row(&absence.was, &mut frame)?;
        let is = self.any_row(&absence.is, &mut frame)?;
        Ok(Some((key, was, is)))
    }
}

/// Which rows of a table are looked at.
#[derive(Clone, Copy)]
enum Visibility {
    All,
    Not(State),
    Below(u32),
}

impl Visibility {
    /// Whether this row or a later one may be seen. The rows of a table that has been worked out in rounds stand in the
    /// order in which they were found.
    #[inline]
    fn reaches(self, id: RowId) -> bool {
        if let Self::Below(end) = self { id.0 < end } else { true }
    }

    #[inline]
    fn sees(self, relation: &Relation, id: RowId) -> bool {
        match self {
            Self::All => true,
            Self::Not(state) => relation.state(id) != state,
            Self::Below(end) => id.0 < end,
        }
    }
}
