//! The reference backend: everything in memory, one lock, no surprises.

use core::fmt;
use core::ops::Bound;
use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;

use super::backend::{Backend, Durability, Head, Limits, Page, Stats};
use super::contents::{Cut, Item, Remembered};
use super::error::Fault;
use super::plan::{Plan, Stored, plan};
use super::record::{Cursor, Key, Payload, RecordedEvent, Seq, StreamName};
use super::sync::{Mutex, lock};
use super::transaction::{CommitOutcome, Committed, IdempotencyKey, Transaction};

/// A store that lives as long as the process: for tests, for simulations and as the measure of other backends.
///
/// Its futures are always ready: they never wait for anything but a short lock.
///
/// ```
/// use boxoffice_core::persist::{Backend, Durability, MemoryBackend};
/// assert_eq!(MemoryBackend::new().durability(), Durability::Process);
/// ```
pub struct MemoryBackend {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    streams: BTreeMap<StreamName, Stream>,
    /// Every surviving event, in commit order. An event is some pointers and numbers: its texts are shared.
    log: BTreeMap<Cursor, RecordedEvent>,
    values: BTreeMap<Key, Payload>,
    remembered: BTreeMap<IdempotencyKey, Remembered>,
    last_cursor: Cursor,
    stats: Stats,
}

#[derive(Default)]
struct Stream {
    head: Head,
    /// The surviving events: the first has the sequence number after `truncated_through`.
    events: VecDeque<RecordedEvent>,
}

impl Stream {
    /// The events from `from` on.
    fn from(&self, from: Seq) -> impl Iterator<Item = &RecordedEvent> {
        let skipped = from.get().saturating_sub(self.head.truncated_through.next().get());
        self.events.range(usize::try_from(skipped).unwrap_or(usize::MAX).min(self.events.len())..)
    }
}

impl Default for MemoryBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBackend {
    /// An empty store with the default limits.
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// An empty store with limits of your own.
    pub fn with_limits(limits: Limits) -> Self {
        let state = Mutex::new(State::default());
        Self { limits, state }
    }
}

impl fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBackend").finish_non_exhaustive()
    }
}

impl Stored for State {
    fn last(&mut self, stream: &StreamName) -> Result<Seq, Fault> {
        Ok(self.streams.get(stream).map(|stream| stream.head.last).unwrap_or_default())
    }

    fn value(&mut self, key: &Key) -> Result<Option<Payload>, Fault> {
        Ok(self.values.get(key).cloned())
    }

    fn remembered(&mut self, key: &IdempotencyKey) -> Result<Option<Remembered>, Fault> {
        Ok(self.remembered.get(key).cloned())
    }
}

impl State {
    fn apply(&mut self, plan: Plan) {
        self.stats.commits += u64::from(!plan.is_empty());
        self.stats.transactions += plan.done;
        self.stats.events += plan.events.len() as u64;
        plan.events.into_iter().for_each(|event| self.add(event));
        for (key, value) in plan.writes {
            match value {
                Some(value) => self.values.insert(key, value),
                None => self.values.remove(&key),
            };
        }
        self.remembered.extend(plan.remembered);
    }

    fn add(&mut self, event: RecordedEvent) {
        let stream = self.streams.entry(event.stream.clone()).or_default();
        stream.head.last = event.seq;
        stream.events.push_back(event.clone());
        self.last_cursor = self.last_cursor.max(event.cursor);
        self.log.insert(event.cursor, event);
    }

    fn put(&mut self, item: Item) {
        match item {
            Item::Event(event) => self.add(event),
            Item::Value(key, value) => drop(self.values.insert(key, value)),
            Item::Deleted(key) => drop(self.values.remove(&key)),
            Item::Remembered(key, remembered) => drop(self.remembered.insert(key, remembered)),
            Item::Truncated(stream, head) => self.streams.entry(stream).or_default().head = head,
            Item::Next(next) => {
                let last = Cursor::from_position(next.position().saturating_sub(1));
                self.last_cursor = self.last_cursor.max(last);
            }
        }
    }
}

#[async_trait]
impl Backend for MemoryBackend {
    fn limits(&self) -> Limits {
        self.limits
    }

    fn durability(&self) -> Durability {
        Durability::Process
    }

    fn stats(&self) -> Stats {
        lock(&self.state).map(|state| state.stats).unwrap_or_default()
    }

    async fn commit(&self, transactions: Vec<Transaction>) -> Result<Vec<CommitOutcome>, Fault> {
        let mut state = lock(&self.state)?;
        let next = Cursor::from_position(state.last_cursor.position() + 1);
        let mut plan = plan(&mut *state, &self.limits, next, transactions)?;
        let outcomes = core::mem::take(&mut plan.outcomes);
        state.apply(plan);
        Ok(outcomes)
    }

    async fn head(&self, stream: &StreamName) -> Result<Head, Fault> {
        let state = lock(&self.state)?;
        Ok(state.streams.get(stream).map(|stream| stream.head).unwrap_or_default())
    }

    async fn read(&self, stream: &StreamName, from: Seq, limit: usize) -> Result<Vec<RecordedEvent>, Fault> {
        let state = lock(&self.state)?;
        let Some(stream) = state.streams.get(stream) else {
            return Ok(Vec::new());
        };
        Ok(stream.from(from).take(limit).cloned().collect())
    }

    async fn read_all(&self, after: Cursor, limit: usize) -> Result<Page, Fault> {
        let state = lock(&self.state)?;
        let range = (Bound::Excluded(after), Bound::Unbounded);
        let events: Vec<_> = state.log.range(range).take(limit).map(|(_, event)| event.clone()).collect();
        let next = events.last().map_or(after, |event| event.cursor);
        Ok(Page { events, next })
    }

    async fn streams(&self, after: Option<&StreamName>, limit: usize) -> Result<Vec<StreamName>, Fault> {
        let state = lock(&self.state)?;
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let names = state.streams.range::<StreamName, _>((start, Bound::Unbounded));
        Ok(names.take(limit).map(|(name, _)| name.clone()).collect())
    }

    async fn recall(&self, key: &IdempotencyKey) -> Result<Option<Committed>, Fault> {
        Ok(lock(&self.state)?.remembered.get(key).map(|kept| kept.committed.clone()))
    }

    async fn get(&self, key: &Key) -> Result<Option<Payload>, Fault> {
        Ok(lock(&self.state)?.values.get(key).cloned())
    }

    async fn scan(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Payload)>, Fault> {
        let state = lock(&self.state)?;
        let first = Key::stored(prefix);
        let start = match after {
            Some(after) if *after >= first => Bound::Excluded(after),
            Some(_) | None => Bound::Included(&first),
        };
        let found = state.values.range::<Key, _>((start, Bound::Unbounded));
        let found = found.take_while(|(key, _)| key.as_str().starts_with(prefix)).take(limit);
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    async fn truncate(&self, stream: &StreamName, through: Seq) -> Result<(), Fault> {
        let mut state = lock(&self.state)?;
        let Some(found) = state.streams.get_mut(stream) else {
            return Ok(());
        };
        let through = through.min(found.head.last);
        found.head.truncated_through = found.head.truncated_through.max(through);
        let kept = found.events.partition_point(|event| event.seq <= through);
        let dropped: Vec<Cursor> = found.events.drain(..kept).map(|event| event.cursor).collect();
        for cursor in dropped {
            state.log.remove(&cursor);
        }
        Ok(())
    }

    async fn cut(&self) -> Result<Cut, Fault> {
        let state = lock(&self.state)?;
        Ok(Cut {
            through: state.last_cursor,
            next: Cursor::from_position(state.last_cursor.position() + 1),
            values: state.values.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            remembered: state.remembered.iter().map(|(key, kept)| (key.clone(), kept.clone())).collect(),
        })
    }

    async fn import(&self, items: Vec<Item>) -> Result<(), Fault> {
        let mut state = lock(&self.state)?;
        for item in items {
            state.put(item);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_stored_data() {
        let shown = format!("{:?}", MemoryBackend::new());
        assert_eq!(shown, "MemoryBackend { .. }");
    }
}
