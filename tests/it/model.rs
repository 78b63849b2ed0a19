//! The whole store against a model of a hundred lines, on every backend: random histories, compared after each step.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use boxoffice_core::persist::{
    Advance, Appended, Backend, Consumer, Cursor, IdempotencyKey, Key, KvWrite, Location, MemoryBackend, NewEvent,
    Once, Payload, Projected, RecordedEvent, Remote, Selection, Seq, Store, StreamName, Swap, Transaction, copy,
};
use boxoffice_core::time::Timestamp;
use futures_util::FutureExt;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

#[derive(Clone, Debug)]
enum Op {
    Append { stream: u8, events: Vec<u8> },
    AppendExpect { stream: u8, off: i8, events: Vec<u8> },
    AppendOnce { stream: u8, key: u8, data: u8 },
    AppendGlobal { stream: u8, data: u8 },
    Both { streams: [u8; 2], key: u8, data: u8 },
    Put { key: u8, value: u8 },
    Delete { key: u8 },
    Swap { key: u8, expected: Option<u8>, new: u8 },
    PutNew { key: u8, value: u8 },
    Truncate { stream: u8, through: u8 },
    Checkpoint { stream: u8 },
    Compact { stream: u8 },
    Consume { limit: u8 },
    Between { stream: u8, from: u8, to: u8 },
    Since { stream: u8, at: u8 },
    Reopen,
    Move,
}

fn op() -> impl Strategy<Value = Op> {
    let (s, d, k) = (0_u8..4, 0_u8..5, 0_u8..4);
    prop_oneof![
        6 => (s.clone(), prop::collection::vec(d.clone(), 0..40)).prop_map(|(stream, events)| Op::Append { stream, events }),
        6 => (s.clone(), -1_i8..2, prop::collection::vec(d.clone(), 1..4))
            .prop_map(|(stream, off, events)| Op::AppendExpect { stream, off, events }),
        4 => (s.clone(), k.clone(), 0_u8..2).prop_map(|(stream, key, data)| Op::AppendOnce { stream, key, data }),
        2 => (s.clone(), d.clone()).prop_map(|(stream, data)| Op::AppendGlobal { stream, data }),
        3 => ([s.clone(), s.clone()], k.clone(), d.clone())
            .prop_map(|(streams, key, data)| Op::Both { streams, key, data }),
        3 => (k.clone(), d.clone()).prop_map(|(key, value)| Op::Put { key, value }),
        2 => k.clone().prop_map(|key| Op::Delete { key }),
        3 => (k.clone(), prop::option::of(d.clone()), d.clone())
            .prop_map(|(key, expected, new)| Op::Swap { key, expected, new }),
        2 => (k, d.clone()).prop_map(|(key, value)| Op::PutNew { key, value }),
        3 => (s.clone(), 0_u8..60).prop_map(|(stream, through)| Op::Truncate { stream, through }),
        2 => s.clone().prop_map(|stream| Op::Checkpoint { stream }),
        1 => s.clone().prop_map(|stream| Op::Compact { stream }),
        3 => (1_u8..60).prop_map(|limit| Op::Consume { limit }),
        2 => (s.clone(), 0_u8..60, 0_u8..60).prop_map(|(stream, from, to)| Op::Between { stream, from, to }),
        1 => (s, 0_u8..60).prop_map(|(stream, at)| Op::Since { stream, at }),
        1 => Just(Op::Reopen),
        1 => Just(Op::Move),
    ]
}

/// What a store must hold.
#[derive(Debug, Default)]
struct Model {
    /// Every event ever, by stream: instant and payload.
    streams: BTreeMap<String, Vec<(i64, u8)>>,
    truncated: BTreeMap<String, u64>,
    /// Every event ever in commit order: stream and sequence number.
    order: Vec<(String, u64)>,
    values: BTreeMap<u8, u8>,
    once: BTreeMap<(u8, u8), (u8, u64)>,
    global: Vec<(String, u64)>,
    snapshots: BTreeMap<String, (u64, u64)>,
    /// How many events of the order the consumer has seen, and their sum.
    consumed: (usize, u64),
    clock: i64,
}

impl Model {
    fn append(&mut self, stream: &str, data: u8) -> u64 {
        self.clock += 1;
        let events = self.streams.entry(stream.to_owned()).or_default();
        events.push((self.clock, data));
        let seq = events.len() as u64;
        self.order.push((stream.to_owned(), seq));
        seq
    }

    fn last(&self, stream: &str) -> u64 {
        self.streams.get(stream).map_or(0, Vec::len) as u64
    }

    fn gone(&self, stream: &str) -> u64 {
        self.truncated.get(stream).copied().unwrap_or(0)
    }

    /// Sequence number, instant and payload of what is left.
    fn left(&self, stream: &str) -> Vec<(u64, i64, u8)> {
        let events = self.streams.get(stream).cloned().unwrap_or_default();
        let numbered = (1..).zip(events).map(|(seq, (at, data))| (seq, at, data));
        numbered.filter(|(seq, ..)| *seq > self.gone(stream)).collect()
    }

    fn truncate(&mut self, stream: &str, through: u64) {
        let through = through.min(self.last(stream)).max(self.gone(stream));
        if through > 0 {
            self.truncated.insert(stream.to_owned(), through);
        }
    }
}

fn name(stream: u8) -> String {
    // Names that are prefixes of one another.
    ["s", "s/", "s/1", "t"][usize::from(stream)].to_owned()
}

fn stream(text: &str) -> StreamName {
    StreamName::new(text).unwrap()
}

fn key(key: u8) -> Key {
    Key::new(format!("k{key}")).unwrap()
}

fn now<T>(ready: impl Future<Output = T>) -> T {
    ready.now_or_never().expect("these backends answer at once")
}

fn shown(events: &[RecordedEvent]) -> Vec<(u64, i64, u8)> {
    events.iter().map(|event| (event.seq.get(), event.at.as_millis(), event.data.read().unwrap())).collect()
}

fn sum(total: &mut u64, event: &RecordedEvent) {
    *total += event.data.read::<u64>().unwrap();
}

/// A store under test and what it must hold.
struct Pair<F> {
    open: F,
    place: u32,
    store: Store,
    model: Model,
}

impl<F: Fn(u32, Option<Store>) -> Store> Pair<F> {
    fn new(open: F) -> Self {
        let store = open(0, None);
        Self { open, place: 0, store, model: Model::default() }
    }

    fn events(&self, data: &[u8]) -> Vec<NewEvent> {
        let at = |place: i64| Timestamp::from_millis(self.model.clock + place);
        (1..).zip(data).map(|(place, data)| NewEvent::new("e", at(place), data).unwrap()).collect()
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.model.clock + 1)
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Append { .. }
            | Op::AppendExpect { .. }
            | Op::AppendOnce { .. }
            | Op::AppendGlobal { .. }
            | Op::Both { .. } => self.append(op),
            Op::Put { .. } | Op::Delete { .. } | Op::Swap { .. } | Op::PutNew { .. } => self.change_key(op),
            Op::Truncate { stream: s, through } => {
                let s = name(s);
                now(self.store.stream(&stream(&s)).truncate(Seq::new(through.into()))).unwrap();
                self.model.truncate(&s, through.into());
            }
            Op::Checkpoint { stream } => self.fold(&name(stream), false),
            Op::Compact { stream } => self.fold(&name(stream), true),
            Op::Consume { limit } => self.consume(limit.into()),
            Op::Between { stream: s, from, to } => {
                let (from, to) = (u64::from(from), u64::from(to));
                let found =
                    now(self.store.stream(&stream(&name(s))).read_between(Seq::new(from), Seq::new(to))).unwrap();
                let wanted = self.model.left(&name(s)).into_iter().filter(|(seq, ..)| (from..=to).contains(seq));
                assert_eq!(shown(&found), wanted.collect::<Vec<_>>());
            }
            Op::Since { stream: s, at } => {
                let found =
                    now(self.store.stream(&stream(&name(s))).read_since(Timestamp::from_millis(at.into()))).unwrap();
                let wanted = self.model.left(&name(s)).into_iter().filter(|(_, when, _)| *when >= i64::from(at));
                assert_eq!(shown(&found), wanted.collect::<Vec<_>>());
            }
            Op::Reopen => {
                let store = core::mem::replace(&mut self.store, Store::memory());
                self.store = (self.open)(self.place, Some(store));
            }
            Op::Move => {
                let target = (self.open)(self.place + 1, None);
                assert!(!now(copy(self.store.backend(), &**target.backend())).unwrap().behind);
                (self.place, self.store) = (self.place + 1, target);
            }
        }
    }

    fn append(&mut self, op: Op) {
        match op {
            Op::Append { stream: s, events: data } => {
                let found = now(self.store.stream(&stream(&name(s))).append_batch(self.events(&data))).unwrap();
                let seqs: Vec<u64> = data.iter().map(|data| self.model.append(&name(s), *data)).collect();
                assert_eq!(found.iter().map(|event| event.seq.get()).collect::<Vec<_>>(), seqs);
            }
            Op::AppendExpect { stream: s, off, events: data } => {
                let actual = self.model.last(&name(s));
                let expected = Seq::new(actual.saturating_add_signed(off.into()));
                let handle = self.store.stream(&stream(&name(s)));
                let found = now(handle.append_batch_expect(expected, self.events(&data))).unwrap();
                if expected == Seq::new(actual) {
                    assert!(!found.is_conflict());
                    for data in data {
                        self.model.append(&name(s), data);
                    }
                } else {
                    assert_eq!(found, Appended::Conflict { expected, actual: Seq::new(actual) });
                }
            }
            Op::AppendOnce { stream: s, key, data } => {
                let once = IdempotencyKey::new(format!("o{key}")).unwrap();
                let handle = self.store.stream(&stream(&name(s)));
                assert_eq!(now(handle.seen(&once)).unwrap(), self.model.once.contains_key(&(s, key)));
                let found = now(handle.append_once(&once, "e", self.at(), &data)).unwrap();
                match self.model.once.get(&(s, key)).copied() {
                    None => {
                        let seq = self.model.append(&name(s), data);
                        self.model.once.insert((s, key), (data, seq));
                        assert!(matches!(found, Once::First(event) if event.seq == Seq::new(seq)));
                    }
                    Some((kept, seq)) if kept == data => {
                        assert!(matches!(found, Once::Repeat(event) if event.seq == Seq::new(seq)));
                    }
                    Some(_) => assert_eq!(found, Once::KeyReused),
                }
            }
            Op::AppendGlobal { stream: s, data } => {
                let found = now(self.store.append_global(&stream(&name(s)), "e", self.at(), &data)).unwrap();
                let seq = self.model.append(&name(s), data);
                assert_eq!(found.seq, Seq::new(seq));
                self.model.global.push((name(s), seq));
                // The pointer takes a place in the order too, which consumers of the host do not see.
                self.model.order.push(("$global".to_owned(), self.model.global.len() as u64));
            }
            Op::Both { streams: [one, two], key: k, data } => {
                let [first, second] = [0, 1].map(|_| self.events(&[data]));
                let transaction = Transaction::append(&stream(&name(one)), boxoffice_core::persist::Expect::Any, first)
                    .and_append(&stream(&name(two)), boxoffice_core::persist::Expect::Any, second)
                    .write(KvWrite::Put(key(k), Payload::new(&data).unwrap()));
                assert!(now(self.store.backend().commit_one(transaction)).unwrap().is_done());
                let clock = self.model.clock;
                for s in [one, two] {
                    self.model.clock = clock;
                    self.model.append(&name(s), data);
                }
                self.model.values.insert(k, data);
            }
            _ => unreachable!("not an append"),
        }
    }

    fn change_key(&mut self, op: Op) {
        match op {
            Op::Put { key: k, value } => {
                now(self.store.put(&key(k), value)).unwrap();
                self.model.values.insert(k, value);
            }
            Op::Delete { key: k } => {
                now(self.store.delete(&key(k))).unwrap();
                self.model.values.remove(&k);
            }
            Op::Swap { key: k, expected, new } => {
                let actual = self.model.values.get(&k).copied();
                let found = now(self.store.compare_and_swap(&key(k), expected.as_ref(), &new)).unwrap();
                if actual == expected {
                    assert_eq!(found, Swap::Done(new));
                    self.model.values.insert(k, new);
                } else {
                    assert_eq!(found, Swap::Conflict { expected, actual });
                }
            }
            Op::PutNew { key: k, value } => {
                let found = now(self.store.put_new(&key(k), value)).unwrap();
                assert_eq!(found.is_conflict(), self.model.values.contains_key(&k));
                self.model.values.entry(k).or_insert(value);
            }
            _ => unreachable!("changes no key"),
        }
    }

    fn fold(&mut self, s: &str, compact: bool) {
        let handle = self.store.stream(&stream(s));
        let found = if compact { now(handle.compact(s, 0, sum)) } else { now(handle.checkpoint(s, 0, sum)) };
        let (known, total) = self.model.snapshots.get(s).copied().unwrap_or_default();
        if self.model.gone(s) > known {
            assert!(found.is_err(), "something was not folded, and is gone");
            return;
        }
        let tail = self.model.left(s).into_iter().filter(|(seq, ..)| *seq > known);
        let total = total + tail.map(|(.., data)| u64::from(data)).sum::<u64>();
        let last = self.model.last(s);
        assert_eq!(found.unwrap(), Projected { value: total, seq: Seq::new(last) });
        self.model.snapshots.insert(s.to_owned(), (last, total));
        if compact {
            self.model.truncate(s, last);
        }
    }

    fn consume(&mut self, limit: usize) {
        let mut consumer = now(Consumer::open(&self.store, "sum", Selection::all())).unwrap();
        let Some(delivery) = now(consumer.next(limit)).unwrap() else { return };
        let total = Key::new("total").unwrap();
        let mut found: u64 = now(self.store.get_or(&total, 0)).unwrap();
        delivery.events.iter().for_each(|event| sum(&mut found, event));
        let write = KvWrite::Put(total, Payload::new(&found).unwrap());
        let advance = now(consumer.commit(&delivery, Transaction::new().write(write))).unwrap();
        assert!(matches!(advance, Advance::Done(_)));
        let (mut seen, mut wanted) = self.model.consumed;
        let left = |(stream, seq): &(String, u64)| *seq > self.model.gone(stream);
        let (mut taken, order) = (0, self.model.order.clone());
        while taken < limit && seen < order.len() {
            if left(&order[seen]) {
                taken += 1;
                let (stream, seq) = &order[seen];
                let place = usize::try_from(*seq).unwrap() - 1;
                wanted += self.model.streams.get(stream).map_or(0, |events| u64::from(events[place].1));
            }
            seen += 1;
        }
        self.model.consumed = (seen, wanted);
        assert_eq!(found, wanted);
    }

    /// Everything that can be read is what the model holds.
    fn compare(&self) {
        let backend = self.store.backend();
        for s in (0..4).map(name) {
            let handle = self.store.stream(&stream(&s));
            assert_eq!(shown(&now(handle.read()).unwrap()), self.model.left(&s), "{s}");
            assert_eq!(now(handle.last_seq()).unwrap().get(), self.model.last(&s));
            assert_eq!(now(handle.count()).unwrap(), self.model.left(&s).len() as u64);
        }
        let names: Vec<String> = self.model.streams.keys().cloned().collect();
        assert_eq!(now(self.store.streams()).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>(), names);
        let order = now(backend.read_all(Cursor::START, usize::MAX)).unwrap().events;
        let found: Vec<(String, u64)> = order.iter().map(|event| (event.stream.to_string(), event.seq.get())).collect();
        let wanted = self.model.order.iter().filter(|(stream, seq)| *seq > self.model.gone(stream));
        assert_eq!(found, wanted.cloned().collect::<Vec<_>>());
        let values = now(backend.scan("k", None, 10)).unwrap();
        let values: Vec<(String, u8)> =
            values.iter().map(|(k, value)| (k.to_string(), value.read().unwrap())).collect();
        assert_eq!(values, self.model.values.iter().map(|(k, value)| (format!("k{k}"), *value)).collect::<Vec<_>>());
        let global = now(self.store.read_global(Seq::FIRST)).unwrap();
        let global: Vec<(String, u64)> =
            global.iter().map(|event| (event.stream.to_string(), event.seq.get())).collect();
        let wanted = self.model.global.iter().filter(|(stream, seq)| *seq > self.model.gone(stream));
        assert_eq!(global, wanted.cloned().collect::<Vec<_>>());
    }
}

/// Runs random histories; `open` makes the store of that number, or opens it again when it is handed the old one.
fn histories(cases: u32, open: impl Fn(&Path, u32, Option<Store>) -> Store) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&prop::collection::vec(op(), 1..60), |ops| {
        let folder = tempfile::tempdir().unwrap();
        let mut pair = Pair::new(|number, old| open(folder.path(), number, old));
        for op in ops {
            pair.step(op);
            pair.compare();
        }
        let found = now(pair.store.backend().verify()).unwrap();
        assert!(found.is_whole(), "{:?}", found.findings);
        Ok(())
    });
    result.unwrap();
}

fn on_disk(engine: &'static str) -> impl Fn(&Path, u32, Option<Store>) -> Store {
    move |folder, number, old| {
        drop(old);
        let place = format!("{engine}:{}", folder.join(number.to_string()).display());
        Store::shared(place.parse::<Location>().unwrap().open(true).unwrap())
    }
}

#[test]
fn memory_is_the_model() {
    histories(256, |_, _, old| old.unwrap_or_else(Store::memory));
}

#[test]
fn a_transport_is_the_model() {
    histories(48, |_, _, old| {
        old.unwrap_or_else(|| {
            let disk: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
            Store::new(now(Remote::in_process(disk)).unwrap())
        })
    });
}

#[test]
fn sled_is_the_model() {
    histories(24, on_disk("sled"));
}

#[test]
fn fjall_is_the_model() {
    histories(24, on_disk("fjall"));
}
