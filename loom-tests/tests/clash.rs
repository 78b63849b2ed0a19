//! One attendee, two evenings at one time, each with an owner of its own: whatever the interleaving, one of the two bookings
//! is told that the agenda has moved. The twin that does not demand it gives both seats.

use std::sync::Arc;

use boxoffice_core::booking::{
    BookingCommand, Grounds, Owner, SeatLedger, Seats, Submission, Submitted, Terms, Verdict, agenda, agenda_stream,
    booking_stream, run,
};
use boxoffice_core::id::AttendeeId;
use boxoffice_core::persist::{Backend, MemoryBackend, Precondition, Seq, StreamName, Transaction};
use boxoffice_loom_tests::{at, book, explore, now, settle};
use loom::thread;

const EVENINGS: [&str; 2] = ["chess@20260105T190000", "choir@20260105T190000"];

fn ann() -> AttendeeId {
    AttendeeId::new("ann").expect("a well-formed id")
}

fn both_on_sale() -> Arc<MemoryBackend> {
    let store = MemoryBackend::new();
    for evening in EVENINGS {
        let evening = evening.parse().expect("a well-formed id");
        let open = BookingCommand::Open { capacity: Seats::new(9) };
        let opened = now(run(&store, &evening, &open, at(0))).expect("memory does not fail");
        assert!(opened.outcome.is_accepted());
    }
    Arc::new(store)
}

/// Books for ann if nothing is in her agenda yet, as a policy against clashes would have it, until the owner has decided.
fn book_for_ann(store: &MemoryBackend, evening: &str, alter: impl Fn(Transaction) -> Transaction) -> bool {
    let evening = evening.parse().expect("a well-formed id");
    let ledger: SeatLedger = now(boxoffice_core::booking::observe(store, &evening)).expect("memory does not fail");
    let series = StreamName::new("series/any").expect("a well-formed name");
    let terms = Terms { stream: series, seq: Seq::UNWRITTEN, policies: true };
    let mut owner = Owner::new(booking_stream(&evening), ledger, 100).under(terms);
    loop {
        let seen = now(store.head(&agenda_stream(&ann()))).expect("memory does not fail").last;
        if seen != Seq::UNWRITTEN {
            return false;
        }
        let verdict = Some(Verdict::Allowed(Grounds { agenda: seen, others: Vec::new(), warnings: [].into() }));
        let asked = Submission { verdict, ..book("ann").into() };
        assert!(matches!(owner.submit(asked, (), at(1)), Submitted::Waits));
        let replies = settle(store, &mut owner, 1, &alter);
        if replies.iter().any(|((), reply)| reply.outcome.takes_a_seat()) {
            return true;
        }
    }
}

fn race(alter: impl Fn(Transaction) -> Transaction + Copy + Send + 'static) {
    let store = both_on_sale();
    let other = {
        let store = Arc::clone(&store);
        thread::spawn(move || book_for_ann(&store, EVENINGS[1], alter))
    };
    let mine = book_for_ann(&store, EVENINGS[0], alter);
    let other = other.join().expect("no panic");
    assert!(mine != other, "both seats were given, or none");
    let entered = now(agenda(&*store, &ann())).expect("memory does not fail");
    assert_eq!(entered.len(), 1);
}

#[test]
fn of_two_bookings_that_clash_exactly_one_succeeds() {
    explore("two evenings at one time", None, || race(|transaction| transaction));
}

#[test]
#[should_panic(expected = "both seats were given")]
fn owners_that_do_not_demand_the_agenda_are_caught() {
    explore("broken: agenda not demanded", None, || {
        race(|mut transaction| {
            let of_agenda = |stream: &StreamName| stream.as_str().starts_with("agenda:");
            let kept = |demand: &Precondition| !matches!(demand, Precondition::Stream(stream, _) if of_agenda(stream));
            transaction.preconditions.retain(kept);
            transaction
        });
    });
}
