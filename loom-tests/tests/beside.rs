//! Two offices on one store, the evening sold out. One cancels while the other is asked for a seat: whoever asks once the
//! cancellation is acknowledged is not told "full".

use std::sync::Arc;

use boxoffice_core::booking::{BookingOutcome, Owner, Submitted};
use boxoffice_core::persist::{Backend, MemoryBackend};
use boxoffice_loom_tests::{at, audit, book, cancel, explore, now, owner, resolve, settle, store};
use loom::sync::Mutex;
use loom::thread;

type Opened = fn(&MemoryBackend) -> Owner<&'static str>;

fn beside(store: &MemoryBackend) -> Owner<&'static str> {
    owner(store).beside_others()
}

/// Broken: believes to be alone.
fn alone(store: &MemoryBackend) -> Owner<&'static str> {
    owner(store)
}

/// Has ann's seat cancelled in a thread of its own. Holds true once that is acknowledged.
fn cancels(store: &Arc<MemoryBackend>, mut owner: Owner<&'static str>) -> (thread::JoinHandle<()>, Arc<Mutex<bool>>) {
    let acknowledged = Arc::new(Mutex::new(false));
    let (store, told) = (Arc::clone(store), Arc::clone(&acknowledged));
    let canceller = thread::spawn(move || {
        assert!(matches!(owner.submit(cancel("ann"), "ann", at(1)), Submitted::Waits));
        let replies = settle(&*store, &mut owner, 1, |transaction| transaction);
        assert!(matches!(replies[..], [("ann", ref reply)] if reply.outcome == BookingOutcome::Cancelled));
        *told.lock().expect("no panic") = true;
    });
    (canceller, acknowledged)
}

/// Asks for a seat for bob, with `first` asked and on its way to the store already.
fn ask_beside_a_cancellation(open: Opened, first: Option<&'static str>) {
    let store = store(1, &[book("ann")]);
    let mut asked = open(&store);
    let (canceller, acknowledged) = cancels(&store, open(&store));
    let mut replies = Vec::new();
    let submit = |owner: &mut Owner<_>, name| match owner.submit(book(name), name, at(1)) {
        Submitted::Answered(name, reply) => Some((name, reply)),
        Submitted::Waits => None,
        Submitted::Busy(_) => panic!("busy below its bound"),
    };
    replies.extend(first.and_then(|first| submit(&mut asked, first)));
    let on_its_way = asked.next_transaction().map(|one| now(store.commit_one(one)).expect("memory does not fail"));
    // What the store says of the first is on its way back while bob asks.
    let is_cancelled = *acknowledged.lock().expect("no panic");
    replies.extend(submit(&mut asked, "bob"));
    replies.extend(on_its_way.into_iter().flat_map(|outcome| resolve(&*store, &mut asked, 1, outcome)));
    replies.extend(settle(&*store, &mut asked, 1, |transaction| transaction));
    canceller.join().expect("no panic");

    assert_eq!(replies.len(), 1 + first.iter().len());
    let sold = replies.iter().filter(|(_, reply)| reply.outcome.is_accepted()).count();
    assert_eq!(u64::try_from(sold), Ok(audit(&*store)));
    assert!(sold == 1 || !is_cancelled, "an answer is older than its question: {replies:?}");
}

#[test]
fn whoever_asks_after_a_cancellation_elsewhere_is_not_told_full() {
    explore("two offices, a refusal", None, || ask_beside_a_cancellation(beside, None));
}

#[test]
fn whoever_asks_while_a_batch_is_on_its_way_is_not_told_what_was_true_before() {
    explore("two offices, a refusal behind a batch", None, || ask_beside_a_cancellation(beside, Some("cyd")));
}

#[test]
#[should_panic(expected = "an answer is older than its question")]
fn an_owner_that_believes_to_be_alone_is_caught() {
    explore("broken: two offices, a refusal", None, || ask_beside_a_cancellation(alone, None));
}

#[test]
#[should_panic(expected = "an answer is older than its question")]
fn an_owner_that_believes_to_be_alone_is_caught_behind_a_batch() {
    explore("broken: two offices, a refusal behind a batch", None, || ask_beside_a_cancellation(alone, Some("cyd")));
}
