//! The traps of the embedded store, each with the test that shows it closed.

use std::fs;
use std::path::Path;

use boxoffice_core::persist::{
    Backend, CommitOutcome, Cursor, Expect, IdempotencyKey, Key, KvWrite, Location, NewEvent, OpenError, Payload, Seq,
    SledBackend, SledOptions, StreamName, Transaction,
};
use boxoffice_core::time::Timestamp;
use futures_util::FutureExt;

fn now<T>(ready: impl Future<Output = T>) -> T {
    ready.now_or_never().expect("the embedded store answers at once")
}

fn events(count: u64) -> Vec<NewEvent> {
    (1..=count).map(|n| NewEvent::new("counted", Timestamp::EPOCH, &n).unwrap()).collect()
}

fn stream() -> StreamName {
    StreamName::new("s").unwrap()
}

fn append(store: &SledBackend, count: u64) -> CommitOutcome {
    now(store.commit_one(Transaction::append(&stream(), Expect::Any, events(count)))).unwrap()
}

fn open(path: &Path) -> SledBackend {
    SledBackend::open(path).unwrap()
}

#[test]
fn everything_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let key = Key::new("k").unwrap();
    let once = IdempotencyKey::new("once").unwrap();
    let transaction = Transaction::append(&stream(), Expect::Unwritten, events(3))
        .write(KvWrite::Put(key.clone(), Payload::new(&7).unwrap()))
        .once(once);
    let first = now(open(folder.path()).commit_one(transaction.clone())).unwrap();
    assert!(first.is_done());

    let store = open(folder.path());
    assert_eq!(now(store.head(&stream())).unwrap().last, Seq::new(3));
    assert_eq!(now(store.get(&key)).unwrap(), Some(Payload::new(&7).unwrap()));
    let again = now(store.commit_one(transaction)).unwrap();
    assert!(matches!(&again, CommitOutcome::Already(committed) if Some(committed) == first.committed()));
}

#[test]
fn cursors_and_sequence_numbers_climb_past_truncation_and_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let seen = {
        let store = open(folder.path());
        assert!(append(&store, 5).is_done());
        let seen = now(store.read_all(Cursor::START, 10)).unwrap().next;
        now(store.truncate(&stream(), Seq::new(5))).unwrap();
        seen
    };
    let store = open(folder.path());
    assert!(append(&store, 1).is_done());
    let news = now(store.read_all(seen, 10)).unwrap().events;
    assert_eq!(news.iter().map(|event| event.seq.get()).collect::<Vec<_>>(), [6]);
}

#[test]
fn a_snapshot_left_half_written_by_a_crash_does_not_stop_the_next_open() {
    let folder = tempfile::tempdir().unwrap();
    assert!(append(&open(folder.path()), 2).is_done());
    let leftover = folder.path().join("snap.0000000000000099.generating");
    fs::write(&leftover, b"half").unwrap();
    assert_eq!(now(open(folder.path()).head(&stream())).unwrap().last, Seq::new(2));
    assert!(!leftover.exists());
}

#[test]
fn a_second_open_is_told_that_the_store_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path());
    assert!(matches!(SledBackend::open(folder.path()), Err(OpenError::Locked { .. })));
}

#[test]
fn a_folder_with_other_files_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let letter = folder.path().join("letter.txt");
    fs::write(&letter, b"dear ann").unwrap();
    assert!(matches!(SledBackend::open(folder.path()), Err(OpenError::NotAStore { .. })));
    assert!(matches!(SledBackend::open(&letter), Err(OpenError::NotAStore { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_missing_store_is_not_made_when_it_must_exist() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nowhere");
    let options = SledOptions { create: false, ..SledOptions::default() };
    assert!(matches!(SledBackend::open_with(&path, options), Err(OpenError::Missing { .. })));
    assert!(!path.exists());
}

#[test]
fn a_commit_syncs_once_however_many_transactions_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let streams = (0..100).map(|n| StreamName::new(format!("s{n}")).unwrap());
    let group = streams.map(|name| Transaction::append(&name, Expect::Unwritten, events(1)));
    let before = store.stats().syncs;
    let outcomes = now(store.commit(group.collect())).unwrap();
    assert!(outcomes.iter().all(CommitOutcome::is_done));
    assert_eq!(store.stats().syncs - before, 1);
}

#[test]
fn large_events_never_spill_into_unsynced_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let large = NewEvent::new("large", Timestamp::EPOCH, &"x".repeat(3_900)).unwrap();
    for _ in 0..50 {
        let batch = vec![large.clone(); 20];
        assert!(now(store.commit_one(Transaction::append(&stream(), Expect::Any, batch))).unwrap().is_done());
    }
    let spilled = fs::read_dir(folder.path().join("blobs")).map_or(0, Iterator::count);
    assert_eq!(spilled, 0);
}

/// Eight threads read the head and append with it, again and again: each expectation has one winner, and what was won is
/// what is stored. (The conformance suite does the same with tasks that take turns.)
#[test]
fn of_eight_threads_each_expectation_has_one_winner_on_either_engine() {
    for engine in ["sled", "fjall"] {
        let folder = tempfile::tempdir().unwrap();
        let place: Location = format!("{engine}:{}", folder.path().join("store").display()).parse().unwrap();
        let store = place.open(true).unwrap();
        let hot = StreamName::new("hot").unwrap();
        let race = |_: usize| {
            let mut won = Vec::new();
            for _ in 0..40 {
                let seen = store.head(&hot).now_or_never().unwrap().unwrap().last;
                let event = NewEvent::new("x", Timestamp::EPOCH, &seen).unwrap();
                let append = Transaction::append(&hot, Expect::At(seen), vec![event]);
                if store.commit_one(append).now_or_never().unwrap().unwrap().is_done() {
                    won.push(seen);
                }
            }
            won
        };
        let mut won: Vec<Seq> = std::thread::scope(|scope| {
            let race = &race;
            let threads: Vec<_> = (0..8).map(|writer| scope.spawn(move || race(writer))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        won.sort_unstable();
        let stored = store.read(&hot, Seq::FIRST, usize::MAX).now_or_never().unwrap().unwrap();
        // Dense from the first on: no expectation was met twice, and none that was met is missing.
        assert_eq!(won, (0..stored.len() as u64).map(Seq::new).collect::<Vec<_>>(), "{engine}");
        assert!(stored.iter().zip(&won).all(|(event, seen)| event.seq == seen.next()));
        assert!(!won.is_empty());
    }
}
