//! What a store holds in memory does not grow with what it holds on the disk. A process of its own, so that nothing else
//! is counted.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;

use boxoffice_core::persist::{Backend, Cursor, Expect, Location, NewEvent, StreamName, Transaction};
use boxoffice_core::time::Timestamp;
use futures_util::FutureExt;

fn now<T>(ready: impl Future<Output = T>) -> T {
    ready.now_or_never().unwrap()
}

/// Resident memory of this process, in MiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

/// 100,000 events of 300 bytes to a thousand streams, with a key that every commit rewrites.
fn fill(store: &dyn Backend) {
    let data = "x".repeat(280);
    for commit in 0..500_u64 {
        let group = (0..10).map(|n| {
            let stream = StreamName::new(format!("s{}", (commit * 10 + n) % 1_000)).unwrap();
            let event = NewEvent::new("counted", Timestamp::EPOCH, &data).unwrap();
            Transaction::append(&stream, Expect::Any, vec![event; 20])
        });
        now(store.commit(group.collect())).unwrap();
    }
}

/// The cache is 64 MiB; an engine may hold as much again in buffers, and indexes beside that.
const GROWTH_MAX: u64 = 300;

#[test]
fn a_store_takes_bounded_memory_however_much_it_holds_and_however_it_is_read() {
    for engine in ["sled", "fjall"] {
        let folder = tempfile::tempdir().unwrap();
        let place: Location = format!("{engine}:{}", folder.path().join("store").display()).parse().unwrap();
        let before = resident();
        let store = place.open(true).unwrap();
        fill(&*store);
        let (mut after, mut count) = (Cursor::START, 0);
        loop {
            let page = now(store.read_all(after, 1_024)).unwrap();
            if page.events.is_empty() {
                break;
            }
            (after, count) = (page.next, count + page.events.len());
        }
        assert_eq!(count, 100_000);
        assert!(now(store.verify()).unwrap().is_whole());
        let grown = resident().saturating_sub(before);
        assert!(grown < GROWTH_MAX, "{engine} grew by {grown} MiB");
    }
}
