//! What the writer writes, and what must be found of it afterwards.

use std::path::Path;
use std::sync::Arc;

use boxoffice_core::persist::{
    Backend, CommitOutcome, Cursor, Expect, Fault, IdempotencyKey, Key, KvWrite, Location, NewEvent, Payload,
    RecordedEvent, Seq, StreamName, Transaction,
};
use boxoffice_core::time::Timestamp;
use futures_util::FutureExt;

/// Numbers that look random and are the same in every run (xorshift64*, Vigna 2016).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 33) % end
    }
}

/// The embedded stores answer at once.
pub(crate) fn now<T>(ready: impl Future<Output = T>) -> T {
    ready.now_or_never().expect("an embedded store answers at once")
}

fn counter() -> Key {
    Key::new("counter").unwrap()
}

fn once(number: u64) -> IdempotencyKey {
    IdempotencyKey::new(format!("t{number}")).unwrap()
}

/// The stream that every transaction writes, and the one of eight that this one writes too.
fn streams(number: u64) -> (StreamName, StreamName) {
    (StreamName::new("all").unwrap(), StreamName::new(format!("s{}", number % 8)).unwrap())
}

fn event(number: u64, place: u64) -> NewEvent {
    let filler = "x".repeat(usize::try_from(number * 37 % 300).unwrap());
    NewEvent::new("written", Timestamp::EPOCH, &(number, place, filler)).unwrap()
}

/// Events of the transaction `number` in its stream of eight.
fn size(number: u64) -> u64 {
    number % 5
}

/// The transaction `number`: one event in `all`, up to four in another stream, a key, a name.
fn transaction(number: u64) -> Transaction {
    let (all, own) = streams(number);
    Transaction::append(&all, Expect::At(Seq::new(number - 1)), vec![event(number, 0)])
        .and_append(&own, Expect::Any, (1..=size(number)).map(|place| event(number, place)).collect())
        .write(KvWrite::Put(counter(), Payload::new(&number).unwrap()))
        .once(once(number))
}

fn count(store: &dyn Backend) -> u64 {
    now(store.get(&counter())).unwrap().map_or(0, |value| value.read().unwrap())
}

/// Appends and prints until it is killed. Several transactions a commit, now and then.
pub(crate) fn write_for_ever(place: &str, mut dice: Dice) {
    if let Some(path) = place.strip_prefix("flushed:") {
        flush_for_ever(Path::new(path));
    }
    let store = place.parse::<Location>().unwrap().open(true).unwrap();
    let mut next = count(&*store) + 1;
    loop {
        let group = 1 + dice.below(4);
        let outcomes = now(store.commit((next..next + group).map(transaction).collect())).unwrap();
        assert!(outcomes.iter().all(CommitOutcome::is_done));
        next += group;
        println!("ack {}", next - 1);
    }
}

/// Appends and prints until a commit fails, and then finds the store poisoned whatever it asks.
pub(crate) fn write_until_it_fails(place: &str) {
    // For whoever reads why a test failed; the engine's panics are among it.
    std::panic::set_hook(Box::new(|info| println!("panic {info}")));
    let Ok(store) = place.parse::<Location>().unwrap().open(true) else {
        println!("end not opened");
        return;
    };
    for number in count(&*store) + 1..=60 {
        match now(store.commit_one(transaction(number))) {
            Ok(outcome) => {
                assert!(outcome.is_done());
                println!("ack {number}");
            }
            Err(first) => {
                assert!(matches!(first, Fault::Poisoned { .. }), "{first}");
                let (all, _) = streams(1);
                assert_eq!(now(store.commit_one(transaction(number))), Err(first.clone()));
                assert_eq!(now(store.head(&all)), Err(first.clone()));
                assert_eq!(now(store.get(&counter())), Err(first.clone()));
                assert_eq!(now(store.read_all(Cursor::START, 10)), Err(first));
                // A host closes it like any other.
                drop(store);
                println!("end poisoned");
                return;
            }
        }
    }
    drop(store);
    println!("end unharmed");
}

/// What is known of the store.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Checked {
    /// Transactions found.
    pub(crate) stored: u64,
    /// The last that was acknowledged.
    pub(crate) told: u64,
}

/// Opens the store after a crash: everything acknowledged is there, every transaction is there whole or not at all, and
/// everything that was found before still is. `whole` looks at every record.
pub(crate) fn check(place: &str, known: Checked, acknowledged: Option<u64>, whole: bool) -> Checked {
    let store: Arc<dyn Backend> = place.parse::<Location>().unwrap().open(true).unwrap();
    let told = acknowledged.unwrap_or(known.told).max(known.told);
    let stored = count(&*store);
    assert!(stored >= told, "transaction {told} was acknowledged, and the store ends at {stored}");
    assert!(stored >= known.stored, "transaction {} was seen, and the store ends at {stored}", known.stored);
    let from = if whole { 1 } else { (known.stored + 1).min(stored.max(1)) };
    for number in from..=stored {
        is_there(&*store, number);
    }
    let (all, _) = streams(stored + 1);
    assert_eq!(now(store.head(&all)).unwrap().last, Seq::new(stored), "a part of a transaction is there");
    assert_eq!(now(store.recall(&once(stored + 1))).unwrap(), None);
    if whole {
        let found = now(store.verify()).unwrap();
        assert!(found.is_whole(), "{:?}", found.findings);
        assert_eq!(found.events, (1..=stored).map(|number| 1 + size(number)).sum::<u64>());
        assert_eq!(found.remembered, stored);
    }
    Checked { stored, told }
}

fn is_there(store: &dyn Backend, number: u64) {
    let (all, own) = streams(number);
    let committed = now(store.recall(&once(number))).unwrap().expect("the transaction is remembered");
    let same = |found: &RecordedEvent, place: u64| {
        let wanted = event(number, place);
        (&found.event_type, &found.data) == (&wanted.event_type, &wanted.data)
    };
    let found = now(store.read(&all, Seq::new(number), 1)).unwrap();
    assert!(found.iter().all(|event| event.seq == Seq::new(number) && same(event, 0)) && found.len() == 1);
    let written = committed.written.last().unwrap();
    let count = usize::try_from(size(number)).unwrap();
    let found = now(store.read(&own, written.first, count)).unwrap();
    assert_eq!(found.len(), count, "transaction {number} is not whole");
    assert!(found.iter().zip(1..).all(|(event, place)| same(event, place)));
    if let (Some(last), Some(cursor)) = (found.last(), committed.cursor) {
        assert_eq!(last.cursor, cursor);
        let after = Cursor::from_position(cursor.position() - 1);
        assert_eq!(now(store.read_all(after, 1)).unwrap().events.first(), Some(last));
    }
}

/// sled as many use it: an acknowledgement after `flush`, which on Linux is no sync.
fn flush_for_ever(path: &Path) -> ! {
    let db = sled::open(path).unwrap();
    let mut next = db.last().unwrap().map_or(1, |(key, _)| number_in(&key) + 1);
    loop {
        db.insert(next.to_be_bytes(), vec![7; 100]).unwrap();
        db.flush().unwrap();
        println!("ack {next}");
        next += 1;
    }
}

fn number_in(key: &[u8]) -> u64 {
    u64::from_be_bytes(key.try_into().unwrap())
}

/// Whether the store that was only flushed opens and holds everything up to `last`.
pub(crate) fn flushed_holds(path: &Path, last: u64) -> bool {
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let held = std::panic::catch_unwind(|| {
        let db = sled::open(path).ok()?;
        Some((1..=last).all(|number| db.get(number.to_be_bytes()).is_ok_and(|value| value.is_some())))
    });
    std::panic::set_hook(quiet);
    held.ok().flatten().unwrap_or(false)
}
