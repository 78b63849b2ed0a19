//! A backend over any ordered engine that can apply a batch atomically and sync it to the disk.

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock, RwLock};

mod engine;
mod read;
mod salvage;
mod stream;
mod truncate;
mod verify;
mod write;

use super::backend::{Limits, Stats};
use super::contents::Remembered;
use super::error::Fault;
use super::layout::{self, Run, StoreMeta, StreamMeta};
use super::plan::{Plan, Stored, plan};
use super::record::{Cursor, Key, Payload, Seq, StreamName};
use super::sync::{Mutex, lock};
use super::transaction::{CommitOutcome, IdempotencyKey, Transaction};

pub use engine::{Batch, Engine, EngineError, Mark, Order, Visit};
pub use salvage::{Salvage, salvage};

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
    in_flight: RwLock<InFlight>,
    /// Held by whoever truncates, and by whoever must not see that happen.
    truncation: Mutex<()>,
    poison: OnceLock<Arc<str>>,
    /// Whether there was no mark to compare with when the store was opened, and there should have been one.
    unmarked: bool,
}

/// What readers must not see yet of the commit under way.
#[derive(Debug, Default)]
struct InFlight {
    /// What its keys held before it.
    before: BTreeMap<Key, Option<Payload>>,
    /// Its idempotency keys.
    keys: BTreeSet<IdempotencyKey>,
}

/// More heads than this and the cache starts afresh; it costs about 100 bytes each.
const HEADS_MAX: usize = 1 << 16;

#[derive(Debug)]
struct Writer {
    next_cursor: Cursor,
    /// Commits that appended no event.
    silent: u64,
    heads: BTreeMap<StreamName, Seq>,
    stats: Stats,
}

/// What `v` holds once everything before `next_cursor` and so many silent commits are written.
fn store_meta(next_cursor: Cursor, silent: u64) -> Result<(Vec<u8>, Option<Vec<u8>>), Fault> {
    let meta = StoreMeta { layout: layout::LAYOUT, next_cursor: next_cursor.position(), silent };
    Ok((layout::STORE_KEY.to_vec(), Some(layout::seal(layout::STORE_KEY, &meta)?)))
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
        let mut store = Self {
            engine,
            limits: Limits::default(),
            writer: Mutex::new(Writer {
                next_cursor: Cursor::from_position(1),
                silent: 0,
                heads: BTreeMap::new(),
                stats: Stats::default(),
            }),
            durable: AtomicU64::new(0),
            in_flight: RwLock::default(),
            truncation: Mutex::new(()),
            poison: OnceLock::new(),
            unmarked: false,
        };
        let (next_cursor, silent) = store.recover()?;
        let found = Mark { cursor: next_cursor.position() - 1, silent };
        let kept = store.engine.mark().map_err(|error| store.poisoned(&error))?;
        has_lost_nothing(found, kept.unwrap_or_default())?;
        store.unmarked = store.engine.keeps_marks() && found != Mark::default() && kept.is_none();
        if store.unmarked {
            tracing::warn!("the store's mark is missing or damaged: a lost end would not be noticed");
        }
        let mut writer = lock(&store.writer)?;
        (writer.next_cursor, writer.silent) = (next_cursor, silent);
        store.keep_mark(&writer);
        drop(writer);
        store.durable.store(next_cursor.position() - 1, Ordering::Release);
        Ok(store)
    }

    /// The engine underneath.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// The next cursor and the number of silent commits.
    fn recover(&self) -> Result<(Cursor, u64), Fault> {
        self.knows_layout()?;
        let meta = match self.sealed::<StoreMeta>(layout::STORE_KEY)? {
            Some(meta) => meta,
            None => {
                let meta = StoreMeta { layout: layout::LAYOUT, next_cursor: 1, silent: 0 };
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
        Ok((Cursor::from_position(next), meta.silent))
    }

    /// That the store is of this layout: the number that every layout begins with.
    fn knows_layout(&self) -> Result<(), Fault> {
        let Some(value) = self.raw(layout::STORE_KEY)? else { return Ok(()) };
        let body = layout::unseal(layout::STORE_KEY, &value)?;
        match postcard::take_from_bytes::<u32>(body) {
            Ok((layout::LAYOUT, _)) => Ok(()),
            Ok((found, _)) => Err(Fault::corrupt("store", format!("{found}"))),
            Err(error) => Err(Fault::corrupt("store", error.to_string())),
        }
    }

    fn healthy(&self) -> Result<(), Fault> {
        match self.poison.get() {
            Some(reason) => Err(Fault::Poisoned { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    /// Applies and syncs. After a failure the store answers nothing but `Poisoned`.
    fn write(&self, batch: Batch) -> Result<(), Fault> {
        let written = self.engine.apply(batch).and_then(|()| self.engine.sync());
        written.map_err(|error| self.poisoned(&error))
    }

    /// Notes how far the store is durable.
    fn keep_mark(&self, writer: &Writer) {
        let mark = Mark { cursor: writer.next_cursor.position() - 1, silent: writer.silent };
        if let Err(error) = self.engine.keep_mark(mark) {
            tracing::warn!(%error, "could not note how far the store is durable");
        }
    }

    fn poisoned(&self, error: &EngineError) -> Fault {
        let reason = self.poison.get_or_init(|| error.0.as_str().into()).clone();
        tracing::error!(%reason, "store poisoned");
        Fault::Poisoned { reason }
    }

    /// What `look` makes of the value of `key`; none if there is no value.
    fn look_at<T>(&self, key: &[u8], look: impl FnOnce(&[u8]) -> T) -> Result<Option<T>, Fault> {
        let (mut look, mut seen) = (Some(look), None);
        let got = self.engine.get(key, &mut |value| seen = look.take().map(|look| look(value)));
        got.map_err(|error| self.poisoned(&error))?;
        Ok(seen)
    }

    fn raw(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.look_at(key, <[u8]>::to_vec)
    }

    fn sealed<T: serde::de::DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, Fault> {
        self.look_at(key, |value| layout::open(key, value))?.transpose()
    }

    fn stored_value(&self, key: &Key) -> Result<Option<Payload>, Fault> {
        let key = layout::text_key(layout::VALUE, key.as_str());
        Ok(self.sealed::<String>(&key)?.map(|json| Payload::stored(&json)))
    }

    fn stream_meta(&self, stream: &StreamName) -> Result<Option<StreamMeta>, Fault> {
        self.sealed(&layout::text_key(layout::STREAM, stream.as_str()))
    }

    fn show_as_before(&self, plan: &Plan) -> Result<(), Fault> {
        let mut before = BTreeMap::new();
        for key in plan.writes.keys() {
            before.insert(key.clone(), self.stored_value(key)?);
        }
        let keys = plan.remembered.keys().cloned().collect();
        *self.in_flight.write().map_err(|_| panicked())? = InFlight { before, keys };
        Ok(())
    }

    /// Shows everything before `next_cursor`, keys and events in one moment.
    fn show_as_written(&self, next_cursor: Cursor) -> Result<(), Fault> {
        let mut in_flight = self.in_flight.write().map_err(|_| panicked())?;
        self.durable.store(next_cursor.position() - 1, Ordering::Release);
        *in_flight = InFlight::default();
        Ok(())
    }

    fn commit_group(&self, writer: &mut Writer, transactions: Vec<Transaction>) -> Result<Vec<CommitOutcome>, Fault> {
        self.healthy()?;
        let _span = tracing::debug_span!("commit", transactions = transactions.len()).entered();
        let mut current = Current { store: self, heads: &mut writer.heads };
        let mut plan = plan(&mut current, &self.limits, writer.next_cursor, transactions)?;
        let outcomes = core::mem::take(&mut plan.outcomes);
        if plan.is_empty() {
            writer.stats.transactions += plan.done;
            return Ok(outcomes);
        }
        let mut batch = write::batch_of(&plan)?;
        let silent = writer.silent + u64::from(plan.events.is_empty());
        if silent > writer.silent {
            batch.push(store_meta(plan.next_cursor, silent)?);
        }
        self.show_as_before(&plan)?;
        self.write(batch)?;
        self.show_as_written(plan.next_cursor)?;
        (writer.next_cursor, writer.silent) = (plan.next_cursor, silent);
        self.keep_mark(writer);
        // One by one: `append` builds the whole map anew, which each commit would pay for all streams.
        writer.heads.extend(core::mem::take(&mut plan.heads));
        writer.stats.commits += 1;
        writer.stats.syncs += 1;
        writer.stats.transactions += plan.done;
        writer.stats.events += plan.events.len() as u64;
        tracing::debug!(transactions = plan.done, events = plan.events.len(), "committed");
        Ok(outcomes)
    }
}

/// That the engine shows everything that was durable.
fn has_lost_nothing(found: Mark, kept: Mark) -> Result<(), Fault> {
    if found.cursor >= kept.cursor && found.silent >= kept.silent {
        return Ok(());
    }
    let reason = format!(
        "cursor {} and {} commits without events were durable, and the storage engine shows {} and {}: it has dropped \
         the end of its log as damaged. Restore a backup, or copy what is left with `store repair`",
        kept.cursor, kept.silent, found.cursor, found.silent
    );
    Err(Fault::corrupt("end of the store", reason))
}

fn panicked() -> Fault {
    Fault::Poisoned { reason: "a writer panicked".into() }
}
