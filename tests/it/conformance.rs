//! Every backend keeps the contract of the store, and passes the 201 checks of the reference.

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

/// Stores in directories of their own, closed and opened again for a restart.
fn reopened<B: Backend>(name: &str, open: fn(&Path) -> Result<B, OpenError>) {
    let root = tempfile::tempdir().unwrap();
    let open = async |number: u32| open(&root.path().join(number.to_string())).unwrap();
    passes_all(name, conformance::run_reopening(open).now_or_never());
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
