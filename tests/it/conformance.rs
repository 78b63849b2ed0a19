//! Every backend keeps the contract of the store, and passes the 201 checks of the reference.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use boxoffice_core::persist::conformance::{self, Report};
use boxoffice_core::persist::{Backend, FjallBackend, MemoryBackend, OpenError, Remote, SledBackend};
use futures_util::FutureExt;

/// Checks of the reference: `conformance.sh` there says 201/201.
const REFERENCE: usize = 201;

fn passes_all(name: &str, report: Option<Report>) {
    let report = report.expect("these backends answer at once");
    let board = report.scoreboard();
    println!("\n{name}\n{board}");
    assert!(report.failures().is_empty(), "{report}");
    let ours = ["contract", "hard"];
    let reference = board.scores.iter().filter(|score| !ours.contains(&score.suite));
    assert_eq!(reference.map(|score| score.total).sum::<usize>(), REFERENCE);
}

/// A store in a directory of its own, opened again in the same place. A check restarts the store that it opened last.
fn reopened<B: Backend>(name: &str, open: fn(&Path) -> Result<B, OpenError>) {
    let (root, next) = (tempfile::tempdir().unwrap(), Cell::new(0));
    let path = || root.path().join(next.get().to_string());
    let make = async || {
        next.set(next.get() + 1);
        open(&path()).unwrap()
    };
    let reopen = async |store: B| {
        drop(store);
        open(&path()).unwrap()
    };
    passes_all(name, conformance::run_reopening(make, reopen).now_or_never());
}

#[test]
fn memory_keeps_the_contract() {
    passes_all("memory", conformance::run(async || MemoryBackend::new()).now_or_never());
}

#[test]
fn sled_keeps_the_contract() {
    reopened("sled", |path| SledBackend::open(path));
}

#[test]
fn fjall_keeps_the_contract() {
    reopened("fjall", |path| FjallBackend::open(path));
}

#[test]
fn a_transport_over_memory_keeps_the_contract() {
    let make = async || Remote::in_process(Arc::new(MemoryBackend::new())).await.unwrap();
    passes_all("transport(memory)", conformance::run(make).now_or_never());
}

#[test]
fn a_transport_over_sled_keeps_the_contract() {
    reopened("transport(sled)", |path| {
        let disk = Arc::new(SledBackend::open(path)?);
        Ok(Remote::in_process(disk).now_or_never().unwrap().unwrap())
    });
}
