//! The embedded store over an engine that fails, lies and is watched: what it promises whatever engine is below.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use boxoffice_core::persist::{
    Backend, Batch, CommitOutcome, Cursor, Embedded, Engine, EngineError, Expect, Fault, IdempotencyKey, Item, Key,
    KvWrite, Mark, NewEvent, Order, Payload, Salvage, Seq, StreamName, Transaction, TransferError, Visit, backup,
    conformance, salvage,
};
use boxoffice_core::time::Timestamp;
use futures_util::FutureExt;

/// An ordered map, with hooks.
#[derive(Clone, Debug, Default)]
struct Watched(Arc<Inside>);

#[derive(Debug, Default)]
struct Inside {
    map: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
    fail_sync: AtomicBool,
    fail_apply: AtomicBool,
    syncs: AtomicUsize,
    /// Looked at in the middle of each sync, when everything is applied and nothing is durable.
    store: OnceLock<Weak<Embedded<Watched>>>,
    looks: AtomicUsize,
}

impl Engine for Watched {
    fn get(&self, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<(), EngineError> {
        self.0.map.lock().unwrap().get(key).into_iter().for_each(|value| visit(value));
        Ok(())
    }

    fn scan(&self, from: &[u8], to: &[u8], order: Order, visit: &mut Visit<'_>) -> Result<(), EngineError> {
        let map = self.0.map.lock().unwrap();
        let mut range = map.range(from.to_vec()..to.to_vec());
        while let Some((key, value)) = if order == Order::Ascending { range.next() } else { range.next_back() } {
            if visit(key, value) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn apply(&self, batch: Batch) -> Result<(), EngineError> {
        if self.0.fail_apply.load(Ordering::SeqCst) {
            return Err(EngineError("no space left".to_owned()));
        }
        let mut map = self.0.map.lock().unwrap();
        for (key, value) in batch {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), EngineError> {
        self.0.syncs.fetch_add(1, Ordering::SeqCst);
        if let Some(store) = self.0.store.get().and_then(Weak::upgrade) {
            nothing_of_it_is_visible(&store);
            self.0.looks.fetch_add(1, Ordering::SeqCst);
        }
        if self.0.fail_sync.load(Ordering::SeqCst) {
            return Err(EngineError("the disk is gone".to_owned()));
        }
        Ok(())
    }
}

fn now<T>(ready: impl Future<Output = T>) -> T {
    ready.now_or_never().expect("the embedded store answers at once")
}

fn stream(name: &str) -> StreamName {
    StreamName::new(name).unwrap()
}

fn key() -> Key {
    Key::new("k").unwrap()
}

/// Appends to `old` and `new`, and changes the key.
fn second_commit() -> Transaction {
    let event = NewEvent::new("counted", Timestamp::EPOCH, &2).unwrap();
    Transaction::append(&stream("old"), Expect::At(Seq::new(1)), vec![event.clone()])
        .and_append(&stream("new"), Expect::Unwritten, vec![event])
        .write(KvWrite::Put(key(), Payload::new(&2).unwrap()))
}

fn with_first_commit(engine: &Watched) -> Embedded<Watched> {
    let store = Embedded::new(engine.clone()).unwrap();
    let event = NewEvent::new("counted", Timestamp::EPOCH, &1).unwrap();
    let first = Transaction::append(&stream("old"), Expect::Unwritten, vec![event])
        .write(KvWrite::Put(key(), Payload::new(&1).unwrap()));
    assert!(now(store.commit_one(first)).unwrap().is_done());
    store
}

fn nothing_of_it_is_visible(store: &Embedded<Watched>) {
    assert_eq!(now(store.head(&stream("old"))).unwrap().last, Seq::new(1));
    assert_eq!(now(store.head(&stream("new"))).unwrap().last, Seq::UNWRITTEN);
    assert_eq!(now(store.read(&stream("old"), Seq::FIRST, 10)).unwrap().len(), 1);
    assert_eq!(now(store.read(&stream("new"), Seq::FIRST, 10)).unwrap().len(), 0);
    assert_eq!(now(store.read_all(Cursor::START, 10)).unwrap().events.len(), 1);
    assert_eq!(now(store.streams(None, 10)).unwrap(), [stream("old")]);
    // `new` comes first by name, and must not use up the page.
    assert_eq!(now(store.streams(None, 1)).unwrap(), [stream("old")]);
    let one = Payload::new(&1).unwrap();
    assert_eq!(now(store.get(&key())).unwrap(), Some(one.clone()));
    assert_eq!(now(store.scan("", None, 10)).unwrap(), [(key(), one)]);
}

#[test]
fn no_reader_sees_anything_of_a_commit_before_its_sync() {
    let engine = Watched::default();
    let store = Arc::new(with_first_commit(&engine));
    engine.0.store.set(Arc::downgrade(&store)).unwrap();
    assert!(now(store.commit_one(second_commit())).unwrap().is_done());
    assert_eq!(engine.0.looks.load(Ordering::SeqCst), 1);
    assert_eq!(now(store.head(&stream("old"))).unwrap().last, Seq::new(2));
    assert_eq!(now(store.get(&key())).unwrap(), Some(Payload::new(&2).unwrap()));
}

#[test]
fn each_commit_is_synced_before_it_is_acknowledged_and_a_refused_one_is_not() {
    let engine = Watched::default();
    let store = with_first_commit(&engine);
    let before = engine.0.syncs.load(Ordering::SeqCst);
    assert!(now(store.commit_one(second_commit())).unwrap().is_done());
    assert_eq!(engine.0.syncs.load(Ordering::SeqCst), before + 1);
    assert!(matches!(now(store.commit_one(second_commit())).unwrap(), CommitOutcome::Conflict(_)));
    assert_eq!(engine.0.syncs.load(Ordering::SeqCst), before + 1);
}

#[test]
fn a_failed_write_or_sync_poisons_the_store_until_it_is_reopened() {
    for failing in
        [|engine: &Watched| &engine.0.fail_sync, |engine: &Watched| &engine.0.fail_apply] as [fn(&_) -> &_; 2]
    {
        let engine = Watched::default();
        let store = with_first_commit(&engine);
        let flag: &AtomicBool = failing(&engine);
        flag.store(true, Ordering::SeqCst);
        let fault = now(store.commit_one(second_commit())).unwrap_err();
        assert!(matches!(fault, Fault::Poisoned { .. }), "{fault}");
        // The disk is back, but what it kept is not known: nobody is told anything more.
        flag.store(false, Ordering::SeqCst);
        assert_eq!(now(store.commit_one(second_commit())).unwrap_err(), fault);
        assert_eq!(now(store.head(&stream("old"))).unwrap_err(), fault);
        assert_eq!(now(store.get(&key())).unwrap_err(), fault);

        let reopened = Embedded::new(engine).unwrap();
        assert!(now(reopened.head(&stream("old"))).unwrap().last >= Seq::new(1));
    }
}

#[test]
fn a_flipped_bit_is_named_and_never_read_as_a_wrong_event() {
    let engine = Watched::default();
    let intact = with_first_commit(&engine);
    let good = now(intact.read(&stream("old"), Seq::FIRST, 10)).unwrap();
    let entries: Vec<(Vec<u8>, usize)> =
        engine.0.map.lock().unwrap().iter().map(|(key, value)| (key.clone(), value.len() * 8)).collect();
    let (mut detected, mut tried) = (0, 0);
    for (key, bits) in entries {
        for bit in 0..bits {
            let flip = || engine.0.map.lock().unwrap().get_mut(&key).unwrap()[bit / 8] ^= 1 << (bit % 8);
            flip();
            tried += 1;
            let read = Embedded::new(engine.clone()).and_then(|store| {
                now(store.get(&self::key()))?;
                now(store.streams(None, 10))?;
                now(store.read(&stream("old"), Seq::FIRST, 10))
            });
            match read {
                Ok(events) => assert_eq!(events, good),
                Err(Fault::Corrupt { place, .. }) => {
                    assert!(!place.is_empty());
                    detected += 1;
                }
                Err(other) => panic!("{other}"),
            }
            flip();
        }
    }
    assert_eq!(detected, tried);
}

#[test]
fn any_engine_that_keeps_its_promises_makes_a_backend_that_keeps_the_contract() {
    let report = now(conformance::run(async || Embedded::new(Watched::default()).unwrap()));
    assert!(report.failures().is_empty(), "{report}");
}

/// Four streams in three records, one of them truncated in front, a key and an idempotency key.
fn furnished() -> Watched {
    let engine = Watched::default();
    let store = Embedded::new(engine.clone()).unwrap();
    let fact = |n: u64| NewEvent::new("counted", Timestamp::EPOCH, &n).unwrap();
    let many = |from: u64, count: u64| (from..from + count).map(fact).collect::<Vec<_>>();
    let first = Transaction::append(&stream("a"), Expect::Unwritten, many(1, 40))
        .and_append(&stream("b"), Expect::Unwritten, many(1, 3))
        .write(KvWrite::Put(key(), Payload::new(&1).unwrap()))
        .once(IdempotencyKey::new("cmd").unwrap());
    let second = Transaction::append(&stream("a"), Expect::At(Seq::new(40)), many(41, 2)).and_append(
        &stream("c"),
        Expect::Unwritten,
        many(1, 2),
    );
    for transaction in [first, second] {
        assert!(now(store.commit_one(transaction)).unwrap().is_done());
    }
    now(store.truncate(&stream("b"), Seq::new(2))).unwrap();
    engine
}

#[test]
fn verify_names_the_record_whose_bit_was_flipped() {
    let engine = furnished();
    let store = Embedded::new(engine.clone()).unwrap();
    assert!(now(store.verify()).unwrap().is_whole());
    let entries: Vec<(Vec<u8>, usize)> =
        engine.0.map.lock().unwrap().iter().map(|(key, value)| (key.clone(), value.len() * 8)).collect();
    for (entry, bits) in entries.into_iter().filter(|(key, _)| key != b"v") {
        // Damaged alike, a record is named alike, whichever bit it is.
        let mut named = None;
        for bit in (0..bits).step_by(7) {
            let flip = || engine.0.map.lock().unwrap().get_mut(&entry).unwrap()[bit / 8] ^= 1 << (bit % 8);
            flip();
            let found = now(store.verify()).unwrap();
            flip();
            let damaged = found.findings.iter().find(|finding| finding.reason == "checksum differs").unwrap();
            assert_eq!(named.get_or_insert(damaged.place.clone()), &damaged.place);
        }
    }
}

#[test]
fn verify_misses_no_record_that_is_gone() {
    let engine = furnished();
    let store = Embedded::new(engine.clone()).unwrap();
    let keys: Vec<Vec<u8>> = engine.0.map.lock().unwrap().keys().cloned().collect();
    // Values and idempotency keys have no neighbours to be missed by.
    for key in keys.into_iter().filter(|key| matches!(key[0], b'g' | b'i' | b's')) {
        let value = engine.0.map.lock().unwrap().remove(&key).unwrap();
        let found = now(store.verify()).unwrap();
        assert!(!found.is_whole(), "nobody misses {}", String::from_utf8_lossy(&key));
        engine.0.map.lock().unwrap().insert(key, value);
    }
    engine.0.map.lock().unwrap().insert(b"zebra".to_vec(), vec![1]);
    assert_eq!(now(store.verify()).unwrap().findings[0].reason, "is no key of this layout");
}

#[test]
fn a_gap_in_a_stream_is_a_fault_to_its_readers_and_to_nobody_else() {
    let engine = furnished();
    // The second record holds the last events of `a` from its first commit.
    let second = engine.0.map.lock().unwrap().keys().filter(|key| key[0] == b'g').nth(1).unwrap().clone();
    engine.0.map.lock().unwrap().retain(|key, _| *key != second);
    let store = Embedded::new(engine).unwrap();
    let read = now(store.read(&stream("a"), Seq::FIRST, 100));
    assert!(matches!(&read, Err(Fault::Corrupt { place, .. }) if place.contains("stream a")), "{read:?}");
    assert_eq!(now(store.read(&stream("a"), Seq::FIRST, 32)).unwrap().len(), 32);
    assert_eq!(now(store.read(&stream("c"), Seq::FIRST, 100)).unwrap().len(), 2);
}

/// Salvages into a new store, and answers it with what was left behind.
fn salvaged(engine: &Watched) -> (Embedded<Watched>, Salvage) {
    let mut items = Vec::new();
    let mut take = |item: Item| {
        items.push(item);
        Ok(())
    };
    let found = salvage(engine, &mut take).unwrap();
    let store = Embedded::new(Watched::default()).unwrap();
    now(store.import(items)).unwrap();
    (store, found)
}

#[test]
fn salvage_of_an_intact_store_is_that_store() {
    let engine = furnished();
    let (store, found) = salvaged(&engine);
    assert!(found.verification.is_whole() && found.behind_gaps.is_empty());
    let before = Embedded::new(engine).unwrap();
    let everything = |store: &Embedded<Watched>| {
        let events = now(store.read_all(Cursor::START, 1_000)).unwrap();
        (events, now(store.cut()).unwrap(), now(store.truncated()).unwrap())
    };
    assert_eq!(everything(&store), everything(&before));
    assert!(now(store.verify()).unwrap().is_whole());
}

#[test]
fn salvage_of_a_damaged_store_is_whole_and_loses_only_what_is_named() {
    let engine = furnished();
    let before = now(Embedded::new(engine.clone()).unwrap().read_all(Cursor::START, 1_000)).unwrap().events;
    let keys: Vec<Vec<u8>> = engine.0.map.lock().unwrap().keys().cloned().collect();
    for key in keys {
        let flip = || engine.0.map.lock().unwrap().get_mut(&key).unwrap()[0] ^= 1;
        flip();
        let (store, found) = salvaged(&engine);
        flip();
        assert!(now(store.verify()).unwrap().is_whole(), "{:?}", now(store.verify()).unwrap().findings);
        let after = now(store.read_all(Cursor::START, 1_000)).unwrap().events;
        let mut there = after.iter().chain(&found.behind_gaps).cloned().collect::<Vec<_>>();
        there.sort_by_key(|event| event.cursor);
        match key[0] {
            // What a damaged record held is gone, and the record is named.
            b'g' => {
                assert!(there.iter().all(|event| before.contains(event)) && there.len() < before.len());
                assert!(found.verification.findings.iter().any(|finding| finding.place.starts_with("record")));
            }
            // Index, catalog and keys hold no events.
            _ => assert_eq!(there, before),
        }
    }
}

#[test]
fn a_damaged_record_ends_a_backup_with_a_fault_and_not_early() {
    let engine = furnished();
    let second = engine.0.map.lock().unwrap().keys().filter(|key| key[0] == b'g').nth(1).unwrap().clone();
    engine.0.map.lock().unwrap().get_mut(&second).unwrap()[0] ^= 1;
    let store: Arc<dyn Backend> = Arc::new(Embedded::new(engine).unwrap());
    let written = now(backup(&store, &mut Vec::new()));
    assert!(matches!(written, Err(TransferError::Store(_))), "{written:?}");
}

#[test]
fn a_transfer_that_is_overtaken_by_a_truncation_says_so() {
    let engine = furnished();
    let store = Arc::new(Embedded::new(engine).unwrap());
    let shared: Arc<dyn Backend> = store.clone();
    let mut writer = TruncatingWriter { store, written: Vec::new() };
    let copied = now(backup(&shared, &mut writer));
    assert!(matches!(copied, Err(TransferError::Truncated { .. })), "{copied:?}");
}

/// Truncates the store that is being backed up, in the middle of it.
struct TruncatingWriter {
    store: Arc<Embedded<Watched>>,
    written: Vec<u8>,
}

impl std::io::Write for TruncatingWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.written.len() > 100 && now(self.store.head(&stream("a"))).unwrap().truncated_through == Seq::UNWRITTEN {
            now(self.store.truncate(&stream("a"), Seq::new(3))).unwrap();
        }
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An engine that keeps the mark, and drops what it is told to.
#[derive(Clone, Debug, Default)]
struct Marked {
    engine: Watched,
    mark: Arc<Mutex<Option<Mark>>>,
}

impl Engine for Marked {
    fn get(&self, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<(), EngineError> {
        self.engine.get(key, visit)
    }
    fn scan(&self, from: &[u8], to: &[u8], order: Order, visit: &mut Visit<'_>) -> Result<(), EngineError> {
        self.engine.scan(from, to, order, visit)
    }
    fn apply(&self, batch: Batch) -> Result<(), EngineError> {
        self.engine.apply(batch)
    }
    fn sync(&self) -> Result<(), EngineError> {
        self.engine.sync()
    }
    fn keep_mark(&self, mark: Mark) -> Result<(), EngineError> {
        *self.mark.lock().unwrap() = Some(mark);
        Ok(())
    }
    fn mark(&self) -> Result<Option<Mark>, EngineError> {
        Ok(*self.mark.lock().unwrap())
    }
}

#[test]
fn a_store_whose_engine_has_dropped_its_end_is_not_opened_and_salvage_says_so() {
    let event = NewEvent::new("counted", Timestamp::EPOCH, &1).unwrap();
    let with_event = Transaction::append(&stream("a"), Expect::Any, vec![event]);
    let without = Transaction::new().write(KvWrite::Put(key(), Payload::new(&1).unwrap()));
    for last in [with_event.clone(), without] {
        let engine = Marked::default();
        let store = Embedded::new(engine.clone()).unwrap();
        assert!(now(store.commit_one(with_event.clone())).unwrap().is_done());
        let before = engine.engine.0.map.lock().unwrap().clone();
        assert!(now(store.commit_one(last)).unwrap().is_done());
        drop(store);
        assert!(Embedded::new(engine.clone()).is_ok());
        *engine.engine.0.map.lock().unwrap() = before;
        let lost = Embedded::new(engine).map(drop);
        assert!(matches!(&lost, Err(Fault::Corrupt { place, .. }) if &**place == "end of the store"), "{lost:?}");
    }
}

#[test]
fn a_commit_that_fails_before_it_is_written_leaves_no_mark() {
    let engine = Marked::default();
    let store = Embedded::new(engine.clone()).unwrap();
    let put = |n: u32| Transaction::new().write(KvWrite::Put(key(), Payload::new(&n).unwrap()));
    assert!(now(store.commit_one(put(1))).unwrap().is_done());
    // What the key held cannot be read, and so not be shown to readers meanwhile.
    let flip = || engine.engine.0.map.lock().unwrap().get_mut(b"kk".as_slice()).unwrap()[0] ^= 1;
    flip();
    assert!(matches!(now(store.commit_one(put(2))), Err(Fault::Corrupt { .. })));
    flip();
    let event = NewEvent::new("counted", Timestamp::EPOCH, &1).unwrap();
    let appended = Transaction::append(&stream("a"), Expect::Any, vec![event]);
    assert!(now(store.commit_one(appended)).unwrap().is_done());
    drop(store);
    assert!(Embedded::new(engine).is_ok());
}
