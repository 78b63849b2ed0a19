//! Rows that were derived and are not yet in their table.

use super::super::store::Relation;
use super::super::value::Cell;
use super::meter::{Meter, Stop};

/// Cells after which doubles are looked for.
const COMPACT_AT: usize = 1 << 20;

/// Rows of one arity, one behind the other.
#[derive(Debug)]
pub(crate) struct Buffer {
    arity: usize,
    rows: usize,
    cells: Vec<Cell>,
    compact_at: usize,
    /// Each way to a row counts, so doubles are kept.
    counting: bool,
}

impl Buffer {
    pub(crate) fn new(arity: usize, counting: bool) -> Self {
        Self { arity, rows: 0, cells: Vec::new(), compact_at: COMPACT_AT, counting }
    }

    pub(crate) fn push(&mut self, row: impl Iterator<Item = Cell>, meter: &Meter) -> Result<(), Stop> {
        if self.arity == 0 && !self.counting {
            self.rows = 1;
            return Ok(());
        }
        self.cells.extend(row);
        self.rows += 1;
        if self.cells.len() >= self.compact_at {
            meter.bytes(u64::try_from(self.cells.len()).unwrap_or(u64::MAX).saturating_mul(8))?;
            if !self.counting {
                self.compact();
            }
            self.compact_at = COMPACT_AT.max(self.cells.len() * 2);
        }
        Ok(())
    }

    fn compact(&mut self) {
        let mut distinct = Relation::new(self.arity);
        for row in self.cells.chunks_exact(self.arity.max(1)) {
            distinct.append(row);
        }
        self.cells.clear();
        for id in distinct.rows() {
            self.cells.extend_from_slice(distinct.row(id));
        }
        self.rows = distinct.len();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// All rows; then it is empty.
    pub(crate) fn drain(&mut self, mut f: impl FnMut(&[Cell]) -> Result<(), Stop>) -> Result<(), Stop> {
        let done = if self.arity == 0 {
            (0..self.rows).try_for_each(|_| f(&[]))
        } else {
            self.cells.chunks_exact(self.arity).try_for_each(&mut f)
        };
        self.cells.clear();
        self.rows = 0;
        done
    }
}
