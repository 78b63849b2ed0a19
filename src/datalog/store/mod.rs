//! Rows in memory, with the indexes that plans ask for.

mod index;
mod relation;
mod spans;
#[cfg(test)]
mod tests;

pub(crate) use relation::{IndexId, Relation, RowId, SpanIndexId, State};

use super::value::Cell;

/// Mixes cells into a hash of 64 bits, the same in every process.
///
/// A multiplication for each cell, and at the end the high bits folded into the low ones: tables look at both.
#[derive(Clone, Copy)]
struct Mixer(u64);

impl Mixer {
    fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    #[inline]
    fn add(self, cell: Cell) -> Self {
        Self((self.0.rotate_left(23) ^ cell).wrapping_mul(0xF135_7AEA_2E62_A9C5))
    }

    #[inline]
    fn finish(self) -> u64 {
        let folded = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9FB2_1C65_1E98_DF25);
        folded ^ (folded >> 29)
    }
}

#[inline]
fn hash(cells: impl Iterator<Item = Cell>) -> u64 {
    cells.fold(Mixer::new(), Mixer::add).finish()
}
