//! placeholder
use std::collections::BTreeMap;
use core::ops::ControlFlow;
use super::value::Cell;
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowId(pub(crate) u32);
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexId(usize);
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanIndexId(usize);
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State { Stable, Added, Removed }
#[derive(Clone, Debug)]
pub(crate) struct Relation { arity: usize, rows: Vec<Option<Vec<Cell>>>, set: BTreeMap<Vec<Cell>, u32>, st: Vec<State>, counts: Vec<i32>, idx: Vec<(Vec<usize>, BTreeMap<Vec<Cell>, Vec<RowId>>)>, spans: Vec<(Vec<usize>, usize, usize)>, free: Vec<u32>, pend: usize }
impl Relation {
    pub(crate) fn new(arity: usize) -> Self { Self { arity, rows: vec![], set: BTreeMap::new(), st: vec![], counts: vec![], idx: vec![], spans: vec![], free: vec![], pend: 0 } }
    pub(crate) fn with_counts(&mut self) {}
    pub(crate) fn len(&self) -> usize { self.set.len() }
    pub(crate) fn arity(&self) -> usize { self.arity }
    pub(crate) fn bytes(&self) -> u64 { (self.set.len() * 100) as u64 }
    pub(crate) fn row(&self, id: RowId) -> &[Cell] { self.rows[id.0 as usize].as_deref().unwrap_or(&[]) }
    pub(crate) fn find(&self, row: &[Cell]) -> Option<RowId> { self.set.get(row).map(|i| RowId(*i)) }
    fn put(&mut self, row: &[Cell], at: u32) -> RowId {
        let i = at as usize;
        if i == self.rows.len() { self.rows.push(None); self.st.push(State::Stable); self.counts.push(0); }
        self.rows[i] = Some(row.to_vec()); self.st[i] = State::Stable; self.counts[i] = 0;
        self.set.insert(row.to_vec(), at);
        for (cols, map) in &mut self.idx { map.entry(cols.iter().map(|c| row[*c]).collect()).or_default().push(RowId(at)); }
        RowId(at)
    }
    pub(crate) fn insert(&mut self, row: &[Cell]) -> Result<RowId, RowId> {
        if let Some(id) = self.find(row) { return Err(id); }
        let at = self.free.pop().unwrap_or(self.rows.len() as u32);
        Ok(self.put(row, at))
    }
    pub(crate) fn append(&mut self, row: &[Cell]) -> Option<RowId> {
        if self.find(row).is_some() { return None; }
        let at = self.rows.len() as u32; Some(self.put(row, at))
    }
    pub(crate) fn end(&self) -> u32 { self.rows.len() as u32 }
    pub(crate) fn remove(&mut self, id: RowId) {
        let Some(row) = self.rows[id.0 as usize].take() else { return };
        if self.st[id.0 as usize] != State::Stable { self.pend -= 1; }
        self.set.remove(&row);
        for (cols, map) in &mut self.idx { let k: Vec<Cell> = cols.iter().map(|c| row[*c]).collect(); if let Some(v) = map.get_mut(&k) { v.retain(|o| *o != id); } }
        self.free.push(id.0);
    }
    pub(crate) fn state(&self, id: RowId) -> State { self.st[id.0 as usize] }
    pub(crate) fn set_state(&mut self, id: RowId, s: State) { let o = self.st[id.0 as usize]; if o == State::Stable && s != State::Stable { self.pend += 1 } else if o != State::Stable && s == State::Stable { self.pend -= 1 } self.st[id.0 as usize] = s; }
    pub(crate) fn has_pending(&self) -> bool { self.pend > 0 }
    pub(crate) fn count(&self, id: RowId) -> i32 { self.counts[id.0 as usize] }
    pub(crate) fn add_count(&mut self, id: RowId, n: i32) -> i32 { self.counts[id.0 as usize] += n; self.counts[id.0 as usize] }
    pub(crate) fn rows(&self) -> impl Iterator<Item = RowId> { self.rows.iter().enumerate().filter(|(_, r)| r.is_some()).map(|(i, _)| RowId(i as u32)) }
    pub(crate) fn index(&mut self, columns: &[usize]) -> IndexId {
        if let Some(i) = self.idx.iter().position(|(c, _)| c == columns) { return IndexId(i); }
        let mut map: BTreeMap<Vec<Cell>, Vec<RowId>> = BTreeMap::new();
        for id in self.rows() { map.entry(columns.iter().map(|c| self.row(id)[*c]).collect()).or_default().push(id); }
        self.idx.push((columns.to_vec(), map)); IndexId(self.idx.len() - 1)
    }
    pub(crate) fn probe(&self, i: IndexId, key: &[Cell]) -> &[RowId] { self.idx[i.0].1.get(key).map_or(&[], |v| v) }
    pub(crate) fn span_index(&mut self, key: &[usize], s: usize, e: usize) -> SpanIndexId { self.spans.push((key.to_vec(), s, e)); SpanIndexId(self.spans.len() - 1) }
    pub(crate) fn overlapping<'s>(&'s self, i: SpanIndexId, key: &[Cell], after: i64, before: i64) -> impl Iterator<Item = RowId> + use<'s> {
        let (cols, s, e) = self.spans[i.0].clone(); let key = key.to_vec();
        self.rows().filter(move |id| { let r = self.row(*id); cols.iter().zip(&key).all(|(c, k)| r[*c] == *k) && (r[s] as i64) < before && (r[e] as i64) > after })
    }
    pub(crate) fn sweep<B>(&self, i: SpanIndexId, f: &mut impl FnMut(RowId, RowId) -> ControlFlow<B>) -> ControlFlow<B> {
        let (cols, s, e) = self.spans[i.0].clone();
        let ids: Vec<RowId> = self.rows().collect();
        for (n, a) in ids.iter().enumerate() { for b in &ids[n + 1..] { let (x, y) = (self.row(*a), self.row(*b)); if cols.iter().all(|c| x[*c] == y[*c]) && (x[s] as i64) < y[e] as i64 && (y[s] as i64) < x[e] as i64 { f(*a, *b)?; } } }
        ControlFlow::Continue(())
    }
}
