//! Loops over what is no single row: numbers of a range, pairs of rows.

use super::super::plan::{Reg, Sweep};
use super::super::store::RowId;
use super::super::value::Cell;
use super::meter::Stop;
use super::{Exec, Sink, Way, Yield};

impl Exec<'_> {
    pub(super) fn range(
        &self,
        way: Way<'_>,
        at: usize,
        result: (Reg, bool),
        (from, to, step): (i64, i64, Option<i64>),
        frame: &mut [Cell],
        out: &mut Sink<'_>,
    ) -> Result<Yield, Stop> {
        let step = step.unwrap_or(if from <= to { 1 } else { -1 });
        let (mut found, mut next) = (Yield::Nothing, Some(from));
        while let Some(number) = next {
            let inside = if step > 0 { number < to } else { step < 0 && number > to };
            if !inside {
                break;
            }
            self.meter.step()?;
            match self.give(way, at, result, number.cast_unsigned(), frame, out)? {
                Yield::Nothing => {}
                Yield::Some => {
                    found = Yield::Some;
                    if at >= way.once_from {
                        break;
                    }
                }
                Yield::Enough => return Ok(Yield::Enough),
            }
            next = number.checked_add(step);
        }
        Ok(found)
    }

    pub(super) fn sweep(
        &self,
        way: Way<'_>,
        at: usize,
        sweep: &Sweep,
        frame: &mut [Cell],
        out: &mut Sink<'_>,
    ) -> Result<Yield, Stop> {
        let Some(relation) = self.relation(sweep.table) else { return Ok(Yield::Nothing) };
        let mut found = Yield::Nothing;
        let mut pair = |one: RowId, two: RowId| -> Result<bool, Stop> {
            self.meter.step()?;
            if !sweep.first.fill(relation.row(one), frame) || !sweep.second.fill(relation.row(two), frame) {
                return Ok(false);
            }
            let given = self.step(way, at + 1, frame, out)?;
            if given != Yield::Nothing {
                found = given;
            }
            Ok(given == Yield::Enough || (given == Yield::Some && at >= way.once_from))
        };
        if sweep.with_itself {
            let (start, end) = sweep.span;
            for id in relation.rows() {
                let row = relation.row(id);
                let cell = |column: u16| row.get(usize::from(column)).map(|cell| cell.cast_signed());
                if cell(start) < cell(end) && pair(id, id)? {
                    return Ok(found);
                }
            }
        }
        let mut stopped = Ok(());
        let _flow = relation.sweep(sweep.index, &mut |one, two| match pair(one, two)
            .and_then(|last| if last { Ok(true) } else { pair(two, one) })
        {
            Ok(false) => core::ops::ControlFlow::Continue(()),
            Ok(true) => core::ops::ControlFlow::Break(()),
            Err(stop) => {
                stopped = Err(stop);
                core::ops::ControlFlow::Break(())
            }
        });
        stopped.map(|()| found)
    }
}
