//! Rows by the values of some of their columns.

use hashbrown::HashTable;

use super::super::value::Cell;
use super::hash;
use super::relation::RowId;

/// The rows of one key, ascending.
#[derive(Clone, Debug)]
enum Posting {
    One([RowId; 1]),
    Many(Vec<RowId>),
}

impl Posting {
    fn rows(&self) -> &[RowId] {
        match self {
            Self::One(row) => row,
            Self::Many(rows) => rows,
        }
    }

    /// Any of its rows: all have the same key.
    fn any(&self) -> RowId {
        self.rows().first().copied().unwrap_or(RowId(0))
    }

    fn insert(&mut self, id: RowId) {
        match self {
            Self::One([one]) => {
                let (low, high) = if *one < id { (*one, id) } else { (id, *one) };
                *self = Self::Many(vec![low, high]);
            }
            Self::Many(rows) if rows.last().is_none_or(|last| *last < id) => rows.push(id),
            Self::Many(rows) => {
                let at = rows.partition_point(|row| *row < id);
                rows.insert(at, id);
            }
        }
    }

    /// Says whether nothing is left.
    fn remove(&mut self, id: RowId) -> bool {
        match self {
            Self::One(_) => true,
            Self::Many(rows) => {
                if let Ok(at) = rows.binary_search(&id) {
                    rows.remove(at);
                }
                if let [only] = rows.as_slice() {
                    *self = Self::One([*only]);
                    return false;
                }
                rows.is_empty()
            }
        }
    }
}

/// An index by the values of some columns.
#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) columns: Vec<usize>,
    postings: HashTable<Posting>,
    entries: usize,
}

/// The flat cells of a relation.
#[derive(Clone, Copy)]
pub(super) struct Cells<'c> {
    pub(super) cells: &'c [Cell],
    pub(super) arity: usize,
}

impl<'c> Cells<'c> {
    #[inline]
    pub(super) fn row(self, id: RowId) -> &'c [Cell] {
        let start = id.0 as usize * self.arity;
        self.cells.get(start..start + self.arity).unwrap_or(&[])
    }
}

#[inline]
pub(super) fn key_hash(columns: &[usize], row: &[Cell]) -> u64 {
    hash(columns.iter().map(|column| row.get(*column).copied().unwrap_or(0)))
}

#[inline]
pub(super) fn has_key(columns: &[usize], row: &[Cell], key: &[Cell]) -> bool {
    columns.iter().zip(key).all(|(column, cell)| row.get(*column) == Some(cell))
}

#[inline]
pub(super) fn same_key(columns: &[usize], one: &[Cell], two: &[Cell]) -> bool {
    columns.iter().all(|column| one.get(*column) == two.get(*column))
}

impl Index {
    pub(super) fn new(columns: &[usize]) -> Self {
        Self { columns: columns.to_vec(), postings: HashTable::new(), entries: 0 }
    }

    /// Takes in a row whose cells are there already.
    pub(super) fn insert(&mut self, all: Cells<'_>, id: RowId) {
        let (row, columns) = (all.row(id), &self.columns);
        let same = |posting: &Posting| same_key(columns, all.row(posting.any()), row);
        let rehash = |posting: &Posting| key_hash(columns, all.row(posting.any()));
        match self.postings.entry(key_hash(columns, row), same, rehash) {
            hashbrown::hash_table::Entry::Occupied(mut posting) => posting.get_mut().insert(id),
            hashbrown::hash_table::Entry::Vacant(place) => {
                place.insert(Posting::One([id]));
            }
        }
        self.entries += 1;
    }

    /// Takes out a row whose cells are there still.
    pub(super) fn remove(&mut self, all: Cells<'_>, id: RowId) {
        let (row, columns) = (all.row(id), &self.columns);
        let same = |posting: &Posting| same_key(columns, all.row(posting.any()), row);
        if let Ok(mut posting) = self.postings.find_entry(key_hash(columns, row), same) {
            self.entries = self.entries.saturating_sub(1);
            if posting.get_mut().remove(id) {
                posting.remove();
            }
        }
    }

    #[inline]
    pub(super) fn probe(&self, all: Cells<'_>, key: &[Cell]) -> &[RowId] {
        let same = |posting: &Posting| has_key(&self.columns, all.row(posting.any()), key);
        self.postings.find(hash(key.iter().copied()), same).map_or(&[], Posting::rows)
    }

    /// Bytes held, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.postings.capacity() * (size_of::<Posting>() + 1) + self.entries * size_of::<RowId>()
    }
}
