//! A backend over any ordered engine that can apply a batch atomically and sync it to the disk.

use core::ops::ControlFlow;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, RwLock};

use async_trait::async_trait;

use super::backend::{Backend, Durability, Head, Limits, Page, Stats};
use super::error::Fault;
use super::layout::{self, Run, StoreMeta, StreamMeta};
use super::plan::{Plan, Remembered, Stored, plan};
use super::record::{Cursor, Key, Payload, RecordedEvent, Seq, StreamName};
use super::sync::{Mutex, lock};
use super::transaction::{CommitOutcome, IdempotencyKey, Transaction};

/// What the engine said when it failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(pub String);

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Greatest key first.
    Descending,
}

/// Called for each key and value of a scan until it breaks.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// An ordered map of bytes to bytes on a disk: what [`Embedded`] needs of a storage engine.
pub trait Engine: core::fmt::Debug + Send + Sync + 'static {
    /// The value of `key`.
    ///
    /// # Errors
    /// [`EngineError`] when reading failed.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError>;

    /// Visits the entries with keys in `[from, to)` in `order`.
    ///
    /// # Errors
    /// [`EngineError`] when reading failed.
    fn scan(&self, from: &[u8], to: &[u8], order: Order, visit: &mut Visit<'_>) -> Result<(), EngineError>;

    /// Puts (`Some`) and deletes (`None`) all keys of `batch`, or none of them, also across a crash.
    ///
    /// # Errors
    /// [`EngineError`] when writing failed; the store is poisoned then.
    fn apply(&self, batch: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), EngineError>;

    /// Returns once everything applied before survives a power cut.
    ///
    /// # Errors
    /// [`EngineError`] when syncing failed; the store is poisoned then.
    fn sync(&self) -> Result<(), EngineError>;
}

/// Streams and keys in an ordered storage engine.
///
/// One commit at a time: decide, apply one atomic batch, sync, and only then show it. Readers never wait for a sync:
/// they look past what is not durable yet.
#[derive(Debug)]
pub struct Embedded<E> {
    engine: E,
    limits: Limits,
    writer: Mutex<Writer>,
    /// The last cursor that survives a power cut; readers see nothing beyond it.
    durable: AtomicU64,
    /// What the keys of the commit under way held before it; readers see this until the sync is done.
    in_flight: RwLock<BTreeMap<Key, Option<Payload>>>,
    poison: OnceLock<Arc<str>>,
}

/// More heads than this and the cache starts afresh; it costs about 100 bytes each.
const HEADS_MAX: usize = 1 << 16;
/// Index entries that one batch of a truncation removes.
const TRUNCATION_STEP: usize = 256;

#[derive(Debug)]
struct Writer {
    next_cursor: Cursor,
    heads: BTreeMap<StreamName, Seq>,
    stats: Stats,
}

/// The writer's view of what is stored: also what is not durable yet, which only the writer may build upon.
struct Current<'a, E> {
    store: &'a Embedded<E>,
    heads: &'a mut BTreeMap<StreamName, Seq>,
}

impl<E: Engine> Stored for Current<'_, E> {
    fn last(&mut self, stream: &StreamName) -> Result<Seq, Fault> {
        if let Some(last) = self.heads.get(stream) {
            return Ok(*last);
        }
        let last = self.store.head_at(stream, Cursor::from_position(u64::MAX))?.last;
        if self.heads.len() >= HEADS_MAX {
            self.heads.clear();
        }
        self.heads.insert(stream.clone(), last);
        Ok(last)
    }

    fn value(&mut self, key: &Key) -> Result<Option<Payload>, Fault> {
        self.store.stored_value(key)
    }

    fn remembered(&mut self, key: &IdempotencyKey) -> Result<Option<Remembered>, Fault> {
        self.store.sealed(&layout::text_key(layout::ONCE, key.as_str()))
    }
}

impl<E: Engine> Embedded<E> {
    /// Opens the store that `engine` holds, or starts one in an empty engine.
    ///
    /// # Errors
    /// [`Fault::Corrupt`] when its own records are damaged or of another layout, [`Fault::Poisoned`] when the engine
    /// failed.
    pub fn new(engine: E) -> Result<Self, Fault> {
        let store = Self {
            engine,
            limits: Limits::default(),
            writer: Mutex::new(Writer {
                next_cursor: Cursor::from_position(1),
                heads: BTreeMap::new(),
                stats: Stats::default(),
            }),
            durable: AtomicU64::new(0),
            in_flight: RwLock::new(BTreeMap::new()),
            poison: OnceLock::new(),
        };
        let next_cursor = store.recover()?;
        lock(&store.writer)?.next_cursor = next_cursor;
        store.durable.store(next_cursor.position() - 1, Ordering::Release);
        Ok(store)
    }

    /// The engine underneath.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    fn recover(&self) -> Result<Cursor, Fault> {
        let meta = match self.sealed::<StoreMeta>(layout::STORE_KEY)? {
            Some(meta) if meta.layout == layout::LAYOUT => meta,
            Some(meta) => {
                let reason = format!("layout {} where {} is known", meta.layout, layout::LAYOUT);
                return Err(Fault::corrupt("store", reason));
            }
            None => {
                let meta = StoreMeta { layout: layout::LAYOUT, next_cursor: 1 };
                let value = layout::seal(layout::STORE_KEY, &meta)?;
                self.write(vec![(layout::STORE_KEY.to_vec(), Some(value))])?;
                meta
            }
        };
        let mut next = meta.next_cursor;
        let (from, to) = ([layout::RECORD], [layout::RECORD + 1]);
        for (key, value) in self.entries(&from, &to, Order::Descending, 1)? {
            let first = layout::trailing_number(&key).unwrap_or_default();
            let runs: Vec<Run<'_>> = layout::open(&key, &value)?;
            let ends = runs.iter().map(|run| first + run.offset + run.events.len() as u64);
            next = ends.fold(next, u64::max);
        }
        Ok(Cursor::from_position(next))
    }

    fn healthy(&self) -> Result<(), Fault> {
        match self.poison.get() {
            Some(reason) => Err(Fault::Poisoned { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    /// Applies and syncs. After a failure the store answers nothing but `Poisoned`.
    fn write(&self, batch: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), Fault> {
        let written = self.engine.apply(batch).and_then(|()| self.engine.sync());
        written.map_err(|error| self.poisoned(&error))
    }

    fn poisoned(&self, error: &EngineError) -> Fault {
        let reason = self.poison.get_or_init(|| error.0.as_str().into()).clone();
        tracing::error!(%reason, "store poisoned");
        Fault::Poisoned { reason }
    }

    fn raw(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.engine.get(key).map_err(|error| self.poisoned(&error))
    }

    fn sealed<T: serde::de::DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Fault> {
        self.raw(key)?.map(|value| layout::open(key, &value)).transpose()
    }

    /// The first `limit` entries of a range.
    fn entries(&self, from: &[u8], to: &[u8], order: Order, limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Fault> {
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        let mut visit = |key: &[u8], value: &[u8]| {
            found.push((key.to_vec(), value.to_vec()));
            if found.len() == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let scanned = self.engine.scan(from, to, order, &mut visit);
        scanned.map_err(|error| self.poisoned(&error))?;
        Ok(found)
    }

    fn stored_value(&self, key: &Key) -> Result<Option<Payload>, Fault> {
        let key = layout::text_key(layout::VALUE, key.as_str());
        Ok(self.sealed::<String>(&key)?.map(|json| Payload::stored(&json)))
    }

    fn stream_meta(&self, stream: &StreamName) -> Result<Option<StreamMeta>, Fault> {
        self.sealed(&layout::text_key(layout::STREAM, stream.as_str()))
    }

    /// Where `stream` stands, counting events up to the cursor `durable`.
    fn head_at(&self, stream: &StreamName, durable: Cursor) -> Result<Head, Fault> {
        let name = stream.as_str();
        let mut end = layout::index_key(name, Seq::new(u64::MAX));
        let start = layout::index_key(name, Seq::UNWRITTEN);
        let truncated_through = self.stream_meta(stream)?.map(|meta| meta.truncated_through).unwrap_or_default();
        loop {
            let Some((key, value)) = self.entries(&start, &end, Order::Descending, 1)?.pop() else {
                let last = truncated_through;
                return Ok(Head { last, truncated_through });
            };
            let record = Cursor::from_position(layout::open(&key, &value)?);
            if record <= durable {
                let first = Seq::new(layout::trailing_number(&key).unwrap_or_default());
                let record_key = layout::record_key(record);
                let last = self.raw(&record_key)?.map(|bytes| {
                    let runs: Vec<Run<'_>> = layout::open(&record_key, &bytes)?;
                    let run = runs.iter().find(|run| run.stream == name && run.first_seq == first);
                    run.map(|run| Seq::new(run.end_seq().get() - 1)).ok_or_else(|| missing_run(&key))
                });
                match last {
                    Some(last) => {
                        return Ok(Head { last: last?, truncated_through });
                    }
                    // Truncated between the two reads: look again.
                    None if self.stream_meta(stream)?.is_some_and(|meta| meta.truncated_through >= first) => {
                        return self.head_at(stream, durable);
                    }
                    None => return Err(missing_run(&key)),
                }
            }
            end = key;
        }
    }

    fn batch(&self, plan: &Plan) -> Result<Vec<(Vec<u8>, Option<Vec<u8>>)>, Fault> {
        let mut batch = Vec::new();
        let mut put = |key: Vec<u8>, value: Vec<u8>| batch.push((key, Some(value)));
        for (cursor, runs) in layout::pack(&plan.events) {
            for run in &runs {
                let key = layout::index_key(run.stream, run.first_seq);
                let value = layout::seal(&key, &cursor.position())?;
                put(key, value);
                if run.first_seq == Seq::FIRST {
                    let key = layout::text_key(layout::STREAM, run.stream);
                    let first_cursor = cursor.position() + run.offset;
                    let (last, truncated_through) = (Seq::UNWRITTEN, Seq::UNWRITTEN);
                    let meta = StreamMeta { first_cursor, last, truncated_through };
                    let value = layout::seal(&key, &meta)?;
                    put(key, value);
                }
            }
            let key = layout::record_key(cursor);
            let value = layout::seal(&key, &runs)?;
            put(key, value);
        }
        for (once, remembered) in &plan.remembered {
            let key = layout::text_key(layout::ONCE, once.as_str());
            let value = layout::seal(&key, remembered)?;
            put(key, value);
        }
        for (key, value) in &plan.writes {
            let key = layout::text_key(layout::VALUE, key.as_str());
            let value = value.as_ref().map(|value| layout::seal(&key, &value.json())).transpose()?;
            batch.push((key, value));
        }
        Ok(batch)
    }

    fn show_as_before(&self, keys: impl Iterator<Item = Key>) -> Result<(), Fault> {
        let mut before = BTreeMap::new();
        for key in keys {
            let value = self.stored_value(&key)?;
            before.insert(key, value);
        }
        *self.in_flight.write().map_err(|_| panicked())? = before;
        Ok(())
    }

    fn commit_group(&self, writer: &mut Writer, transactions: Vec<Transaction>) -> Result<Vec<CommitOutcome>, Fault> {
        self.healthy()?;
        let mut current = Current { store: self, heads: &mut writer.heads };
        let mut plan = plan(&mut current, &self.limits, writer.next_cursor, transactions)?;
        let outcomes = core::mem::take(&mut plan.outcomes);
        if plan.is_empty() {
            writer.stats.transactions += plan.done;
            return Ok(outcomes);
        }
        let batch = self.batch(&plan)?;
        if !plan.writes.is_empty() {
            self.show_as_before(plan.writes.keys().cloned())?;
        }
        self.write(batch)?;
        self.durable.store(plan.next_cursor.position() - 1, Ordering::Release);
        if !plan.writes.is_empty() {
            self.in_flight.write().map_err(|_| panicked())?.clear();
        }
        writer.next_cursor = plan.next_cursor;
        writer.heads.append(&mut plan.heads);
        writer.stats.commits += 1;
        writer.stats.syncs += 1;
        writer.stats.transactions += plan.done;
        writer.stats.events += plan.events.len() as u64;
        tracing::debug!(transactions = plan.done, events = plan.events.len(), "committed");
        Ok(outcomes)
    }

    /// The durable runs of `stream` from the one that holds `from` on: index key, record cursor. At most `limit`.
    fn runs_from(&self, stream: &StreamName, from: Seq, limit: usize) -> Result<Vec<(Vec<u8>, Cursor)>, Fault> {
        let name = stream.as_str();
        let start = layout::index_key(name, Seq::UNWRITTEN);
        let holding = self.entries(&start, &layout::index_key(name, from.next()), Order::Descending, 1)?;
        let start = holding.into_iter().next().map_or(start, |(key, _)| key);
        let end = layout::index_key(name, Seq::new(u64::MAX));
        let found = self.entries(&start, &end, Order::Ascending, limit)?;
        let cursors = found.into_iter().map(|(key, value)| {
            let cursor = layout::open::<u64>(&key, &value)?;
            Ok((key, Cursor::from_position(cursor)))
        });
        cursors.collect()
    }

    fn durable(&self) -> Cursor {
        Cursor::from_position(self.durable.load(Ordering::Acquire))
    }

    /// Removes up to [`TRUNCATION_STEP`] runs, or the front of one. Says whether more are left.
    fn truncate_step(&self, writer: &Writer, stream: &StreamName, through: Seq) -> Result<bool, Fault> {
        let head = self.head_at(stream, Cursor::from_position(u64::MAX))?;
        let through = through.min(head.last);
        let runs = self.runs_from(stream, Seq::FIRST, TRUNCATION_STEP)?;
        let mut records: BTreeMap<Cursor, Vec<u8>> = BTreeMap::new();
        let mut batch = Vec::new();
        let mut truncated_through = head.truncated_through;
        for (index, record) in runs {
            let first = Seq::new(layout::trailing_number(&index).unwrap_or_default());
            if first > through {
                break;
            }
            batch.push((index, None));
            if let std::collections::btree_map::Entry::Vacant(entry) = records.entry(record) {
                let key = layout::record_key(record);
                entry.insert(self.raw(&key)?.ok_or_else(|| Fault::corrupt(layout::place(&key), "missing"))?);
            }
        }
        for (cursor, bytes) in &records {
            let key = layout::record_key(*cursor);
            let mut runs: Vec<Run<'_>> = layout::open(&key, bytes)?;
            for run in runs.iter_mut().filter(|run| run.stream == stream.as_str()) {
                let count = through.next().get().saturating_sub(run.first_seq.get());
                let count = usize::try_from(count).unwrap_or(usize::MAX).min(run.events.len());
                run.events.drain(..count);
                run.first_seq = run.first_seq.plus(count as u64);
                run.offset += count as u64;
                truncated_through = truncated_through.max(Seq::new(run.first_seq.get() - 1).min(through));
                if count > 0 && !run.events.is_empty() {
                    let index = layout::index_key(run.stream, run.first_seq);
                    let value = layout::seal(&index, &cursor.position())?;
                    batch.push((index, Some(value)));
                }
            }
            runs.retain(|run| !run.events.is_empty());
            let value = if runs.is_empty() { None } else { Some(layout::seal(&key, &runs)?) };
            batch.push((key, value));
        }
        if batch.is_empty() {
            return Ok(false);
        }
        let first_cursor = self.stream_meta(stream)?.map_or(0, |meta| meta.first_cursor);
        let key = layout::text_key(layout::STREAM, stream.as_str());
        let meta = StreamMeta { first_cursor, last: head.last, truncated_through };
        let value = layout::seal(&key, &meta)?;
        batch.push((key, Some(value)));
        let meta = StoreMeta { layout: layout::LAYOUT, next_cursor: writer.next_cursor.position() };
        let value = layout::seal(layout::STORE_KEY, &meta)?;
        batch.push((layout::STORE_KEY.to_vec(), Some(value)));
        self.write(batch)?;
        Ok(truncated_through < through)
    }
}

fn missing_run(index_key: &[u8]) -> Fault {
    Fault::corrupt(layout::place(index_key), "names a record that does not hold it")
}

fn panicked() -> Fault {
    Fault::Poisoned { reason: "a writer panicked".into() }
}

#[async_trait]
impl<E: Engine> Backend for Embedded<E> {
    fn limits(&self) -> Limits {
        self.limits
    }

    fn durability(&self) -> Durability {
        Durability::Power
    }

    fn stats(&self) -> Stats {
        lock(&self.writer).map(|writer| writer.stats).unwrap_or_default()
    }

    async fn commit(&self, transactions: Vec<Transaction>) -> Result<Vec<CommitOutcome>, Fault> {
        let mut writer = lock(&self.writer)?;
        self.commit_group(&mut writer, transactions)
    }

    async fn head(&self, stream: &StreamName) -> Result<Head, Fault> {
        self.healthy()?;
        self.head_at(stream, self.durable())
    }

    async fn read(&self, stream: &StreamName, from: Seq, limit: usize) -> Result<Vec<RecordedEvent>, Fault> {
        self.healthy()?;
        let durable = self.durable();
        let mut events: Vec<RecordedEvent> = Vec::new();
        for (index, record) in self.runs_from(stream, from, limit)? {
            if record > durable || events.len() == limit {
                break;
            }
            let first = Seq::new(layout::trailing_number(&index).unwrap_or_default());
            let key = layout::record_key(record);
            let Some(bytes) = self.raw(&key)? else {
                // Either truncated since the index was read, or the index is wrong.
                match self.stream_meta(stream)? {
                    Some(meta) if meta.truncated_through >= first => continue,
                    Some(_) | None => return Err(missing_run(&index)),
                }
            };
            let runs: Vec<Run<'_>> = layout::open(&key, &bytes)?;
            let wanted = runs.iter().filter(|run| run.stream == stream.as_str() && run.end_seq() > first);
            for run in wanted {
                let next = events.last().map_or(from, |event| event.seq.next());
                let left = limit - events.len();
                events.extend(layout::unpack(record, run, next).take(left));
            }
        }
        Ok(events)
    }

    async fn read_all(&self, after: Cursor, limit: usize) -> Result<Page, Fault> {
        self.healthy()?;
        let durable = self.durable();
        let first_wanted = Cursor::from_position(after.position().saturating_add(1));
        let (low, high) = ([layout::RECORD], [layout::RECORD + 1]);
        let past = layout::record_key(Cursor::from_position(first_wanted.position().saturating_add(1)));
        let holding = self.entries(&low, &past, Order::Descending, 1)?;
        let start = holding.into_iter().next().map_or(low.to_vec(), |(key, _)| key);
        let mut page = Page { events: Vec::new(), next: after };
        // A record may lie wholly before `after`, hence one more than could be needed.
        for (key, value) in self.entries(&start, &high, Order::Ascending, limit.saturating_add(1))? {
            let record = Cursor::from_position(layout::trailing_number(&key).unwrap_or_default());
            if record > durable {
                break;
            }
            let runs: Vec<Run<'_>> = layout::open(&key, &value)?;
            let events = runs.iter().flat_map(|run| layout::unpack(record, run, Seq::UNWRITTEN));
            let left = limit - page.events.len();
            page.events.extend(events.filter(|event| event.cursor > after).take(left));
        }
        page.next = page.events.last().map_or(after, |event| event.cursor);
        Ok(page)
    }

    async fn streams(&self, after: Option<&StreamName>, limit: usize) -> Result<Vec<StreamName>, Fault> {
        self.healthy()?;
        let durable = self.durable().position();
        let mut start = layout::text_key(layout::STREAM, after.map_or("", |name| name.as_str()));
        let mut names = Vec::new();
        if after.is_some() {
            start.push(0);
        }
        for (key, value) in self.entries(&start, &[layout::STREAM + 1], Order::Ascending, limit)? {
            let meta: StreamMeta = layout::open(&key, &value)?;
            if meta.first_cursor <= durable {
                names.push(StreamName::stored(&text_of(&key)));
            }
        }
        Ok(names)
    }

    async fn get(&self, key: &Key) -> Result<Option<Payload>, Fault> {
        self.healthy()?;
        // Held while the engine is read: a writer must not slip in between the two looks.
        let in_flight = self.in_flight.read().map_err(|_| panicked())?;
        match in_flight.get(key) {
            Some(before) => Ok(before.clone()),
            None => self.stored_value(key),
        }
    }

    async fn scan(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Payload)>, Fault> {
        self.healthy()?;
        let in_flight = self.in_flight.read().map_err(|_| panicked())?;
        let mut start = layout::text_key(layout::VALUE, prefix);
        if let Some(after) = after.filter(|after| after.as_str() >= prefix) {
            start = layout::text_key(layout::VALUE, after.as_str());
            start.push(0);
        }
        let belongs = |key: &[u8]| key.get(1..).is_some_and(|text| text.starts_with(prefix.as_bytes()));
        let room = limit.saturating_add(in_flight.len());
        let found = self.entries(&start, &[layout::VALUE + 1], Order::Ascending, room)?;
        let mut values = BTreeMap::new();
        for (key, value) in found.into_iter().take_while(|(key, _)| belongs(key)) {
            let json: String = layout::open(&key, &value)?;
            values.insert(Key::stored(&text_of(&key)), Payload::stored(&json));
        }
        for (key, before) in in_flight.iter().filter(|(key, _)| key.as_str().starts_with(prefix)) {
            match before {
                Some(value) if after.is_none_or(|after| key > after) => values.insert(key.clone(), value.clone()),
                Some(_) | None => values.remove(key),
            };
        }
        Ok(values.into_iter().take(limit).collect())
    }

    async fn truncate(&self, stream: &StreamName, through: Seq) -> Result<(), Fault> {
        let writer = lock(&self.writer)?;
        self.healthy()?;
        while self.truncate_step(&writer, stream, through)? {}
        Ok(())
    }
}

/// The text after the tag of a key that was made from a checked name.
fn text_of(key: &[u8]) -> String {
    String::from_utf8_lossy(key.get(1..).unwrap_or_default()).into_owned()
}
