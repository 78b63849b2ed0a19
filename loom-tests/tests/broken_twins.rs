//! The same code with its guard taken out. Loom must find the interleaving in which a seat is sold twice: a model that
//! cannot fail shows nothing.

use std::sync::Arc;

use boxoffice_core::booking::{Submitted, booking_stream, decide, encode, observe};
use boxoffice_core::persist::{Backend, Expect, MemoryBackend, Transaction};
use boxoffice_loom_tests::{at, audit, book, evening, explore, now, owner, settle, store};
use loom::thread;

/// Checks, then appends wherever the stream stands.
fn check_then_append(store: &MemoryBackend, name: &str) {
    let ledger = now(observe(store, &evening())).expect("memory does not fail");
    let decision = decide(&ledger, &book(name), at(1));
    let events = decision.events.iter().map(|event| encode(decision.at, event)).collect();
    let transaction = Transaction::append(&booking_stream(&evening()), Expect::Any, events);
    assert!(now(store.commit_one(transaction)).expect("memory does not fail").is_done());
}

#[test]
#[should_panic(expected = "oversold")]
fn check_then_append_without_expectation_is_caught() {
    explore("broken: check, then append", None, || {
        let store = store(1, &[]);
        let other = {
            let store = Arc::clone(&store);
            thread::spawn(move || check_then_append(&store, "bob"))
        };
        check_then_append(&store, "ann");
        other.join().expect("no panic");
        assert!(audit(&*store) <= 1);
    });
}

/// An owner whose batches go out without their expectation.
fn sell_regardless(store: &MemoryBackend, name: &'static str) {
    let mut owner = owner(store);
    if let Submitted::Waits = owner.submit(book(name), name, at(1)) {
        let answered = settle(store, &mut owner, 1, |mut transaction| {
            transaction.preconditions.clear();
            transaction
        });
        assert_eq!(answered.len(), 1);
    }
}

#[test]
#[should_panic(expected = "oversold")]
fn two_owners_without_expectation_are_caught() {
    explore("broken: two owners", None, || {
        let store = store(1, &[]);
        let other = {
            let store = Arc::clone(&store);
            thread::spawn(move || sell_regardless(&store, "bob"))
        };
        sell_regardless(&store, "ann");
        other.join().expect("no panic");
        assert!(audit(&*store) <= 1);
    });
}
