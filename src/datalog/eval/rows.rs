//! Rows that were derived: held together until they are all there, and never many more than may be.

use super::super::value::Cell;
use super::meter::{Held, Meter, Stop, wide};

/// Rows and cells from which on doubles are looked for.
const ROWS_MIN: usize = 4_096;
const CELLS_MIN: usize = 1 << 20;

/// Distinct rows, ascending by their cells.
#[derive(Debug, Default)]
pub(crate) struct RowSet {
    arity: usize,
    rows: usize,
    cells: Vec<Cell>,
}

impl RowSet {
    pub(crate) fn new(arity: usize) -> Self {
        Self { arity, rows: 0, cells: Vec::new() }
    }

    fn push(&mut self, row: &[Cell]) {
        self.cells.extend_from_slice(row);
        self.rows += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[Cell]> {
        let (some, none) = if self.arity == 0 { (&[][..], self.rows) } else { (self.cells.as_slice(), 0) };
        some.chunks_exact(self.arity.max(1)).chain(core::iter::repeat_n(&[][..], none))
    }

    fn clear(&mut self) {
        self.cells.clear();
        self.rows = 0;
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        wide(self.cells.len()).saturating_mul(8)
    }

    /// Drops rows that are not wanted.
    fn retain(&mut self, wanted: impl Fn(&[Cell]) -> bool) {
        let (arity, mut kept) = (self.arity, 0);
        if arity == 0 {
            self.rows = if wanted(&[]) { self.rows } else { 0 };
            return;
        }
        for at in 0..self.rows {
            if self.cells.get(at * arity..(at + 1) * arity).is_some_and(&wanted) {
                self.cells.copy_within(at * arity..(at + 1) * arity, kept * arity);
                kept += 1;
            }
        }
        self.cells.truncate(kept * arity);
        self.rows = kept;
    }

    fn sort(&mut self) {
        match self.arity {
            0 => self.rows = self.rows.min(1),
            1 => self.sort_by_chunks::<1>(),
            2 => self.sort_by_chunks::<2>(),
            3 => self.sort_by_chunks::<3>(),
            4 => self.sort_by_chunks::<4>(),
            arity => {
                let mut rows: Vec<&[Cell]> = self.cells.chunks_exact(arity).collect();
                rows.sort_unstable();
                rows.dedup();
                self.rows = rows.len();
                self.cells = rows.concat();
            }
        }
    }

    /// Rows of a size that is known are moved themselves; it takes a fifth of the time.
    fn sort_by_chunks<const N: usize>(&mut self) {
        let (rows, _) = self.cells.as_chunks_mut::<N>();
        rows.sort_unstable();
        let mut kept = 0;
        for at in 0..rows.len() {
            if at == 0 || rows.get(at) != rows.get(kept - 1) {
                rows.swap(kept, at);
                kept += 1;
            }
        }
        self.cells.truncate(kept * N);
        self.rows = kept;
    }
}

/// A [`RowSet`] that is being gathered: doubles are looked for now and then, and what is left is held against the limits.
#[derive(Debug)]
pub(crate) struct Gathering<'m> {
    set: RowSet,
    meter: &'m Meter,
    held: Held<'m>,
    /// The rows count against what is left of the limits.
    kept: bool,
    /// Rows at which doubles are looked for next.
    due: usize,
}

impl<'m> Gathering<'m> {
    /// Rows that are handed out: as many as an evaluation may keep at all.
    pub(crate) fn of_answers(arity: usize, meter: &'m Meter) -> Self {
        Self::new(arity, meter, false)
    }

    /// Rows that are going to be kept besides those that are.
    pub(crate) fn to_be_kept(arity: usize, meter: &'m Meter) -> Self {
        Self::new(arity, meter, true)
    }

    fn new(arity: usize, meter: &'m Meter, kept: bool) -> Self {
        let mut new = Self { set: RowSet::new(arity), meter, held: Held::new(meter), kept, due: 0 };
        new.due = new.next_due();
        new
    }

    pub(crate) fn push(&mut self, row: &[Cell]) -> Result<(), Stop> {
        self.push_new(row, |_| false)
    }

    /// Takes a row in. Those that are known elsewhere already do not count.
    #[inline]
    pub(crate) fn push_new(&mut self, row: &[Cell], known: impl Fn(&[Cell]) -> bool) -> Result<(), Stop> {
        self.set.push(row);
        if self.set.rows >= self.due { self.tidy(known) } else { Ok(()) }
    }

    fn tidy(&mut self, known: impl Fn(&[Cell]) -> bool) -> Result<(), Stop> {
        self.set.retain(|row| !known(row));
        self.set.sort();
        self.count()?;
        self.due = self.next_due();
        Ok(())
    }

    fn most(&self) -> usize {
        if self.kept { self.meter.rows_left() } else { self.meter.rows_limit() }
    }

    /// When there are twice as many, or as soon as there are more than may be, but not after each few.
    fn next_due(&self) -> usize {
        let (rows, arity) = (self.set.rows, self.set.arity.max(1));
        let fit = rows.saturating_add(self.meter.bytes_left() / (arity * size_of::<Cell>()));
        let twice = (rows * 2).max(CELLS_MIN / arity);
        twice.min(self.most().min(fit).saturating_add(1)).max(rows + rows / 4).max(ROWS_MIN)
    }

    fn count(&mut self) -> Result<(), Stop> {
        if self.set.rows > self.most() {
            return Err(self.meter.too_many_rows());
        }
        self.held.set(self.set.bytes())
    }

    /// The rows, sorted and each of them once.
    pub(crate) fn done(mut self) -> Result<RowSet, Stop> {
        self.set.sort();
        self.count()?;
        Ok(self.set)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// All rows, some of them perhaps more than once; then it is empty.
    pub(crate) fn drain(&mut self, f: impl FnMut(&[Cell]) -> Result<(), Stop>) -> Result<(), Stop> {
        let done = self.set.iter().try_for_each(f);
        self.set.clear();
        self.held.set(0)?;
        done
    }
}
