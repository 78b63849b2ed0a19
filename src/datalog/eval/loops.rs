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
        if let (reg, true) = result {
            let number = frame.get(usize::from(reg)).map_or(0, |cell| cell.cast_signed());
            self.meter.step()?;
            let inside = is_among(number, (from, to, step));
            return if inside { self.step(way, at + 1, frame, out) } else { Ok(Yield::Nothing) };
        }
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

/// Whether a number is one of a range.
fn is_among(number: i64, (from, to, step): (i64, i64, i64)) -> bool {
    let inside = if step > 0 { from <= number && number < to } else { from >= number && number > to };
    let (number, from, step) = (i128::from(number), i128::from(from), i128::from(step));
    inside && step != 0 && (number - from) % step == 0
}

#[cfg(test)]
mod tests {
    use super::is_among;

    #[test]
    fn what_a_range_counts_through_is_among_it_and_nothing_else() {
        for (from, to) in [(-3, 4), (4, -3), (2, 2)] {
            for step in [-3, -1, 0, 1, 2, 7] {
                let (mut next, mut counted) = (from, Vec::new());
                while step != 0 && if step > 0 { next < to } else { next > to } {
                    counted.push(next);
                    next += step;
                }
                for number in -10..10 {
                    assert_eq!(
                        is_among(number, (from, to, step)),
                        counted.contains(&number),
                        "{number} {from} {to} {step}"
                    );
                }
            }
        }
        assert!(is_among(i64::MAX - 1, (i64::MIN, i64::MAX, 1)) && !is_among(i64::MAX, (i64::MIN, i64::MAX, 1)));
    }
}
