//! Rows by the spans that they cover: which of them overlap a given one.
//!
//! The rows of a key are sorted by the start of their span, in chunks of at most 128, each of which knows the latest end in
//! it. So one long span among many short ones makes only its own chunk be looked at.

use core::ops::ControlFlow;

use hashbrown::HashTable;

use super::super::value::Cell;
use super::hash;
use super::index::{Cells, has_key, key_hash, same_key};
use super::relation::RowId;

/// Spans in a chunk at most.
const CHUNK: usize = 128;

/// A span with its row, ordered by start, end and row.
type Entry = (i64, i64, RowId);

#[derive(Clone, Debug)]
struct Chunk {
    entries: Vec<Entry>,
    latest_end: i64,
}

impl Chunk {
    fn new(entries: Vec<Entry>) -> Self {
        let mut chunk = Self { entries, latest_end: i64::MIN };
        chunk.look_again();
        chunk
    }

    fn look_again(&mut self) {
        self.latest_end = self.entries.iter().map(|(_, end, _)| *end).max().unwrap_or(i64::MIN);
    }

    fn first(&self) -> Option<&Entry> {
        self.entries.first()
    }
}

/// The spans of one key, never none.
#[derive(Clone, Debug)]
struct Spans {
    chunks: Vec<Chunk>,
}

impl Spans {
    fn any(&self) -> RowId {
        self.chunks.first().and_then(Chunk::first).map_or(RowId(0), |(_, _, id)| *id)
    }

    /// The chunk in which an entry is, or belongs.
    fn place(&self, entry: Entry) -> usize {
        self.chunks.partition_point(|chunk| chunk.first().is_some_and(|first| *first <= entry)).saturating_sub(1)
    }

    fn insert(&mut self, entry: Entry) {
        let at = self.place(entry);
        let Some(chunk) = self.chunks.get_mut(at) else {
            self.chunks.push(Chunk::new(vec![entry]));
            return;
        };
        let place = chunk.entries.partition_point(|other| *other < entry);
        chunk.entries.insert(place, entry);
        chunk.latest_end = chunk.latest_end.max(entry.1);
        if chunk.entries.len() > CHUNK {
            // At the end of the list only a little moves on, so that what comes in order fills its chunks.
            let middle = if place + 1 == chunk.entries.len() { CHUNK - 8 } else { CHUNK / 2 };
            let rest = Chunk::new(chunk.entries.split_off(middle));
            chunk.look_again();
            self.chunks.insert(at + 1, rest);
        }
    }

    /// Says whether nothing is left.
    fn remove(&mut self, entry: Entry) -> bool {
        let at = self.place(entry);
        let Some(chunk) = self.chunks.get_mut(at) else { return self.chunks.is_empty() };
        if let Ok(place) = chunk.entries.binary_search(&entry) {
            chunk.entries.remove(place);
            if chunk.entries.is_empty() {
                self.chunks.remove(at);
            } else if chunk.latest_end == entry.1 {
                chunk.look_again();
            }
        }
        self.merge(at);
        self.chunks.is_empty()
    }

    /// Joins a chunk with the next when both are small.
    fn merge(&mut self, at: usize) {
        let length = |at: usize| self.chunks.get(at).map(|chunk| chunk.entries.len());
        if let (Some(one), Some(two)) = (length(at), length(at + 1))
            && one + two <= CHUNK / 4
        {
            let next = self.chunks.remove(at + 1);
            if let Some(chunk) = self.chunks.get_mut(at) {
                chunk.latest_end = chunk.latest_end.max(next.latest_end);
                chunk.entries.extend(next.entries);
            }
        }
    }

    fn overlapping(&self, after: i64, before: i64) -> impl Iterator<Item = RowId> {
        let reached = self.chunks.iter().take_while(move |chunk| chunk.first().is_some_and(|first| first.0 < before));
        let looked_at = reached.filter(move |chunk| chunk.latest_end > after);
        let entries = looked_at.flat_map(move |chunk| {
            let inside = chunk.entries.partition_point(|(start, ..)| *start < before);
            chunk.entries.get(..inside).unwrap_or(&[])
        });
        entries.filter(move |(_, end, _)| *end > after).map(|(_, _, id)| *id)
    }

    /// All pairs that overlap.
    fn sweep<B>(&self, f: &mut impl FnMut(RowId, RowId) -> ControlFlow<B>) -> ControlFlow<B> {
        for (at, chunk) in self.chunks.iter().enumerate() {
            for (place, (start, end, one)) in chunk.entries.iter().enumerate() {
                let here = chunk.entries.get(place + 1..).unwrap_or(&[]).iter();
                let next = self.chunks.get(at + 1..).unwrap_or(&[]).iter().flat_map(|chunk| &chunk.entries);
                for (start_two, end_two, two) in here.chain(next) {
                    if start_two >= end {
                        break;
                    }
                    if start < end_two {
                        f(*one, *two)?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// An index of spans by key.
#[derive(Clone, Debug)]
pub(super) struct SpanIndex {
    pub(super) key: Vec<usize>,
    pub(super) start: usize,
    pub(super) end: usize,
    by_key: HashTable<Spans>,
    entries: usize,
}

impl SpanIndex {
    pub(super) fn new(key: &[usize], start: usize, end: usize) -> Self {
        Self { key: key.to_vec(), start, end, by_key: HashTable::new(), entries: 0 }
    }

    fn entry(&self, row: &[Cell], id: RowId) -> Entry {
        let cell = |column: usize| row.get(column).copied().unwrap_or(0).cast_signed();
        (cell(self.start), cell(self.end), id)
    }

    pub(super) fn insert(&mut self, all: Cells<'_>, id: RowId) {
        let row = all.row(id);
        let entry = self.entry(row, id);
        let key = &self.key;
        let same = |spans: &Spans| same_key(key, all.row(spans.any()), row);
        let rehash = |spans: &Spans| key_hash(key, all.row(spans.any()));
        match self.by_key.entry(key_hash(key, row), same, rehash) {
            hashbrown::hash_table::Entry::Occupied(mut spans) => spans.get_mut().insert(entry),
            hashbrown::hash_table::Entry::Vacant(place) => {
                place.insert(Spans { chunks: vec![Chunk::new(vec![entry])] });
            }
        }
        self.entries += 1;
    }

    pub(super) fn remove(&mut self, all: Cells<'_>, id: RowId) {
        let row = all.row(id);
        let entry = self.entry(row, id);
        let key = &self.key;
        let same = |spans: &Spans| same_key(key, all.row(spans.any()), row);
        if let Ok(mut spans) = self.by_key.find_entry(key_hash(key, row), same) {
            self.entries = self.entries.saturating_sub(1);
            if spans.get_mut().remove(entry) {
                spans.remove();
            }
        }
    }

    #[inline]
    pub(super) fn overlapping<'s>(
        &'s self,
        all: Cells<'_>,
        key: &[Cell],
        after: i64,
        before: i64,
    ) -> impl Iterator<Item = RowId> + use<'s> {
        let same = |spans: &Spans| has_key(&self.key, all.row(spans.any()), key);
        let spans = self.by_key.find(hash(key.iter().copied()), same);
        spans.into_iter().flat_map(move |spans| spans.overlapping(after, before))
    }

    pub(super) fn sweep<B>(&self, f: &mut impl FnMut(RowId, RowId) -> ControlFlow<B>) -> ControlFlow<B> {
        self.by_key.iter().try_for_each(|spans| spans.sweep(f))
    }

    /// Bytes held, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.by_key.capacity() * (size_of::<Spans>() + size_of::<Chunk>() + 1)
            + self.entries * size_of::<Entry>() * 4 / 3
    }
}
