//! Both backends keep the contract of the store.

use boxoffice_core::persist::{MemoryBackend, SledBackend, conformance};
use futures_util::FutureExt;

#[test]
fn memory_keeps_the_contract() {
    let report = conformance::run(async || MemoryBackend::new()).now_or_never().unwrap();
    assert!(report.failures().is_empty(), "{report}");
}

#[test]
fn sled_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let next = core::cell::Cell::new(0);
    let make = async || {
        next.set(next.get() + 1);
        SledBackend::open(folder.path().join(next.get().to_string())).unwrap()
    };
    let report = conformance::run(make).now_or_never().unwrap();
    assert!(report.failures().is_empty(), "{report}");
}
