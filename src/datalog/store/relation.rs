//! A set of rows.

use core::ops::ControlFlow;

use hashbrown::HashTable;

use super::super::value::Cell;
use super::hash;
use super::index::{Cells, Index};
use super::spans::SpanIndex;

/// Place of a row. Another row may take it once this one is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowId(pub(crate) u32);

/// An index of one relation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexId(usize);

/// An index of spans of one relation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanIndexId(usize);

/// Where a row stands in a change that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It was there and stays.
    Stable,
    /// It comes.
    Added,
    /// It goes.
    Removed,
}

/// Distinct rows of one arity.
///
/// Rows lie one behind the other; a table of their hashes finds them. Places of removed rows are given out again by
/// [`Relation::insert`], never by [`Relation::append`].
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    arity: usize,
    cells: Vec<Cell>,
    /// For each place its state; none for a place that is free.
    states: Vec<Option<State>>,
    counts: Option<Vec<i32>>,
    free: Vec<u32>,
    places: HashTable<u32>,
    indexes: Vec<Index>,
    spans: Vec<SpanIndex>,
    pending: usize,
}

impl Relation {
    pub(crate) fn new(arity: usize) -> Self {
        Self {
            arity,
            cells: Vec::new(),
            states: Vec::new(),
            counts: None,
            free: Vec::new(),
            places: HashTable::new(),
            indexes: Vec::new(),
            spans: Vec::new(),
            pending: 0,
        }
    }

    /// Counts derivations from now on; call it while there are no rows.
    pub(crate) fn with_counts(&mut self) {
        self.counts = Some(vec![0; self.states.len()]);
    }

    pub(crate) fn arity(&self) -> usize {
        self.arity
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// One past the last place that was ever taken.
    pub(crate) fn end(&self) -> u32 {
        u32::try_from(self.states.len()).unwrap_or(u32::MAX)
    }

    /// Bytes held, roughly.
    pub(crate) fn bytes(&self) -> u64 {
        let counts = self.counts.as_ref().map_or(0, |counts| counts.capacity() * size_of::<i32>());
        let own = self.cells.capacity() * size_of::<Cell>() + self.states.capacity() + self.places.capacity() * 5;
        let indexes: usize = self.indexes.iter().map(Index::bytes).sum();
        let spans: usize = self.spans.iter().map(SpanIndex::bytes).sum();
        u64::try_from(own + counts + indexes + spans).unwrap_or(u64::MAX)
    }

    fn all(&self) -> Cells<'_> {
        Cells { cells: &self.cells, arity: self.arity }
    }

    /// The cells of a row; those of a place that is free mean nothing.
    #[inline]
    pub(crate) fn row(&self, id: RowId) -> &[Cell] {
        self.all().row(id)
    }

    #[inline]
    pub(crate) fn find(&self, row: &[Cell]) -> Option<RowId> {
        let all = self.all();
        self.places.find(hash(row.iter().copied()), |place| all.row(RowId(*place)) == row).map(|place| RowId(*place))
    }

    /// Puts a row in; `Err` with its place if it is there.
    pub(crate) fn insert(&mut self, row: &[Cell]) -> Result<RowId, RowId> {
        let free = self.free.last().copied();
        self.put(row, free).inspect(|_| {
            self.free.pop();
        })
    }

    /// Puts a row in behind all others; none if it is there.
    pub(crate) fn append(&mut self, row: &[Cell]) -> Option<RowId> {
        self.put(row, None).ok()
    }

    /// Makes room for more places, if there is none: row by row, since the table of places has them in no order and would
    /// look for each of them somewhere else in memory.
    fn grow(&mut self) {
        if self.places.len() < self.places.capacity() || !self.free.is_empty() {
            return;
        }
        let all = self.all();
        let mut places = HashTable::with_capacity(self.places.len().max(2) * 2);
        for id in self.rows() {
            places.insert_unique(hash(all.row(id).iter().copied()), id.0, |_| 0);
        }
        self.places = places;
    }

    fn put(&mut self, row: &[Cell], free: Option<u32>) -> Result<RowId, RowId> {
        self.grow();
        let (arity, cells) = (self.arity, &self.cells);
        let all = Cells { cells, arity };
        let same = |place: &u32| all.row(RowId(*place)) == row;
        let rehash = |place: &u32| hash(all.row(RowId(*place)).iter().copied());
        let place = free.unwrap_or_else(|| u32::try_from(self.states.len()).unwrap_or(u32::MAX));
        match self.places.entry(hash(row.iter().copied()), same, rehash) {
            hashbrown::hash_table::Entry::Occupied(there) => return Err(RowId(*there.get())),
            hashbrown::hash_table::Entry::Vacant(entry) => {
                entry.insert(place);
            }
        }
        let (id, at) = (RowId(place), place as usize);
        match self.states.get_mut(at) {
            Some(state) => {
                *state = Some(State::Stable);
                if let Some(cells) = self.cells.get_mut(at * arity..(at + 1) * arity) {
                    cells.copy_from_slice(row);
                }
                if let Some(count) = self.counts.as_mut().and_then(|counts| counts.get_mut(at)) {
                    *count = 0;
                }
            }
            None => {
                self.states.push(Some(State::Stable));
                self.cells.extend_from_slice(row);
                if let Some(counts) = &mut self.counts {
                    counts.push(0);
                }
            }
        }
        let all = Cells { cells: &self.cells, arity };
        self.indexes.iter_mut().for_each(|index| index.insert(all, id));
        self.spans.iter_mut().for_each(|spans| spans.insert(all, id));
        Ok(id)
    }

    pub(crate) fn remove(&mut self, id: RowId) {
        let at = id.0 as usize;
        let Some(state) = self.states.get_mut(at).and_then(Option::take) else { return };
        if state != State::Stable {
            self.pending = self.pending.saturating_sub(1);
        }
        let all = Cells { cells: &self.cells, arity: self.arity };
        let row = all.row(id);
        if let Ok(place) = self.places.find_entry(hash(row.iter().copied()), |place| *place == id.0) {
            place.remove();
        }
        self.indexes.iter_mut().for_each(|index| index.remove(all, id));
        self.spans.iter_mut().for_each(|spans| spans.remove(all, id));
        self.free.push(id.0);
    }

    #[inline]
    pub(crate) fn state(&self, id: RowId) -> State {
        self.states.get(id.0 as usize).copied().flatten().unwrap_or(State::Removed)
    }

    pub(crate) fn set_state(&mut self, id: RowId, state: State) {
        if let Some(Some(place)) = self.states.get_mut(id.0 as usize) {
            self.pending -= usize::from(*place != State::Stable);
            self.pending += usize::from(state != State::Stable);
            *place = state;
        }
    }

    /// Whether any row is coming or going.
    #[inline]
    pub(crate) fn has_pending(&self) -> bool {
        self.pending > 0
    }

    /// Ways in which a row is derived.
    pub(crate) fn count(&self, id: RowId) -> i32 {
        self.counts.as_ref().and_then(|counts| counts.get(id.0 as usize)).copied().unwrap_or(0)
    }

    /// Adds to the count of a row, and gives the sum.
    pub(crate) fn add_count(&mut self, id: RowId, more: i32) -> i32 {
        let Some(count) = self.counts.as_mut().and_then(|counts| counts.get_mut(id.0 as usize)) else { return 0 };
        *count = count.saturating_add(more);
        *count
    }

    /// All rows, by their places.
    pub(crate) fn rows(&self) -> impl Iterator<Item = RowId> {
        let places = self.states.iter().enumerate().filter(|(_, state)| state.is_some());
        places.map(|(at, _)| RowId(u32::try_from(at).unwrap_or(u32::MAX)))
    }

    /// The index by these columns, made if there is none.
    pub(crate) fn index(&mut self, columns: &[usize]) -> IndexId {
        if let Some(at) = self.indexes.iter().position(|index| index.columns == columns) {
            return IndexId(at);
        }
        let mut index = Index::new(columns);
        self.rows().for_each(|id| index.insert(self.all(), id));
        self.indexes.push(index);
        IndexId(self.indexes.len() - 1)
    }

    /// Rows with these values in the columns of the index, by their places.
    #[inline]
    pub(crate) fn probe(&self, index: IndexId, key: &[Cell]) -> &[RowId] {
        self.indexes.get(index.0).map_or(&[], |index| index.probe(self.all(), key))
    }

    /// The index of the spans `[start, end)` by these columns, made if there is none. `key` may be empty.
    pub(crate) fn span_index(&mut self, key: &[usize], start: usize, end: usize) -> SpanIndexId {
        let is_it = |index: &SpanIndex| index.key == key && index.start == start && index.end == end;
        if let Some(at) = self.spans.iter().position(is_it) {
            return SpanIndexId(at);
        }
        let mut index = SpanIndex::new(key, start, end);
        self.rows().for_each(|id| index.insert(self.all(), id));
        self.spans.push(index);
        SpanIndexId(self.spans.len() - 1)
    }

    /// Rows of a key with `start < before` and `after < end`, in the order of their spans.
    #[inline]
    pub(crate) fn overlapping<'s>(
        &'s self,
        index: SpanIndexId,
        key: &[Cell],
        after: i64,
        before: i64,
    ) -> impl Iterator<Item = RowId> + use<'s> {
        let index = self.spans.get(index.0);
        let found = index.map(|index| index.overlapping(self.all(), key, after, before));
        found.into_iter().flatten()
    }

    /// All pairs of rows of one key that overlap, each pair once.
    pub(crate) fn sweep<B>(
        &self,
        index: SpanIndexId,
        f: &mut impl FnMut(RowId, RowId) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.spans.get(index.0).map_or(ControlFlow::Continue(()), |index| index.sweep(f))
    }
}
