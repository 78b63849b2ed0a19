//! The same code with its guard taken out. Loom must find the interleaving in which a seat is sold twice: a model that
//! cannot fail shows nothing.

use std::sync::Arc;

use boxoffice_core::booking::{BookingOutcome, Submitted};
use boxoffice_core::persist::MemoryBackend;
use boxoffice_loom_tests::{at, audit, book, check_then_append, explore, owner, settle, store};
use loom::thread;

#[test]
#[should_panic(expected = "oversold")]
fn check_then_append_without_expectation_is_caught() {
    explore("broken: check, then append", None, || {
        let store = store(1, &[]);
        let other = {
            let store = Arc::clone(&store);
            thread::spawn(move || check_then_append(&*store, &book("bob"), 1))
        };
        let both = [check_then_append(&*store, &book("ann"), 1), other.join().expect("no panic")];
        assert!(both.iter().any(BookingOutcome::is_accepted));
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
