//! A sale through the handle: what callers are told, and when.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use boxoffice::booking::{Auditor, BookingOutcome, SeatState, Seats, Shortage, booking_stream, decode};
use boxoffice::clock::ManualClock;
use boxoffice::persist::{MemoryBackend, Seq, SledBackend};
use boxoffice::time::Timestamp;
use boxoffice::{BoxOffice, BoxOfficeError, RunBooking};
use boxoffice_core::booking::BookingCommand;
use futures_util::{FutureExt, StreamExt, stream};

use crate::backends::{MoodyBackend, at, evening, on_sale, until, who};

/// All seats are taken, and the next held one may be free at `returns`.
fn full(capacity: u32, returns: Option<Timestamp>) -> BookingOutcome {
    BookingOutcome::Full(Shortage { pool: None, capacity: Seats::new(capacity), free: 0, returns, places: false })
}

/// Checks the evening's stream event by event, and gives the seats taken at its end.
async fn audit(office: &BoxOffice) -> u64 {
    let events = office.store().backend().read(&booking_stream(&evening()), Seq::FIRST, usize::MAX >> 1).await.unwrap();
    let mut auditor = Auditor::new();
    for event in &events {
        auditor.check(event.seq, event.at, &decode(event).unwrap()).unwrap();
    }
    auditor.tally().held + auditor.tally().confirmed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stampede_takes_exactly_the_seats_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let store = SledBackend::open(folder.path()).unwrap();
    let office = on_sale(BoxOffice::builder().store(store), 1_000).await;
    let mut told: BTreeMap<&str, u64> = BTreeMap::new();
    let buyers = stream::iter(0..100_000).map(|n| {
        let office = office.clone();
        tokio::spawn(async move { office.book(&evening(), &who(format!("buyer-{n}"))).await.unwrap().outcome })
    });
    let mut outcomes = buyers.buffer_unordered(512);
    while let Some(outcome) = outcomes.next().await {
        *told.entry(outcome.unwrap().name()).or_default() += 1;
    }
    drop(outcomes);
    assert_eq!(told, BTreeMap::from([("booked", 1_000), ("full", 99_000)]));
    assert_eq!(audit(&office).await, 1_000);
    // Refusals need no write: there are no more syncs than bookings.
    assert!(office.stats().store.syncs <= 1_001, "{:?}", office.stats());
    office.shutdown().await;
}

#[tokio::test]
async fn every_command_is_answered_as_the_rules_say() {
    let clock = ManualClock::new(at(1_000));
    let office = on_sale(BoxOffice::builder().store(MemoryBackend::new()).clock(clock), 2).await;
    let (evening, ann, bob) = (evening(), who("ann"), who("bob"));
    let minute = Duration::from_secs(60);

    let held = office.hold(&evening, &ann, minute).await.unwrap();
    assert_eq!(held.outcome, BookingOutcome::Held { seat: 1, until: at(61_000) });
    assert_eq!(held.seq, Seq::new(2));
    assert_eq!(office.confirm(&evening, &bob).await.unwrap().outcome, BookingOutcome::NotHeld);
    assert_eq!(office.confirm(&evening, &ann).await.unwrap().outcome, BookingOutcome::Confirmed);
    assert_eq!(office.confirm(&evening, &ann).await.unwrap().outcome, BookingOutcome::AlreadyConfirmed);
    assert_eq!(office.release(&evening, &ann).await.unwrap().outcome, BookingOutcome::NotHeld);
    assert_eq!(office.book(&evening, &bob).await.unwrap().outcome, BookingOutcome::Booked { seat: 2 });
    let full = full(2, None);
    assert_eq!(office.book(&evening, &who("cyd")).await.unwrap().outcome, full);
    assert_eq!(office.cancel(&evening, &ann).await.unwrap().outcome, BookingOutcome::Cancelled);
    assert_eq!(office.cancel(&evening, &ann).await.unwrap().outcome, BookingOutcome::NotBooked);

    assert_eq!(office.seat_of(&evening, &bob).await.unwrap(), Some((1, SeatState::Confirmed)));
    let count = office.seats(&evening).await.unwrap();
    assert_eq!((count.free, count.held, count.confirmed, count.seq), (1, 0, 1, Seq::new(5)));
    assert_eq!(office.roster(&evening).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_hold_lapses_at_its_instant_without_anybody_asking() {
    let clock = ManualClock::new(at(0));
    let office = on_sale(BoxOffice::builder().store(MemoryBackend::new()).clock(clock.clone()), 1).await;
    let held = office.hold(&evening(), &who("ann"), Duration::from_millis(100)).await.unwrap();
    assert_eq!(held.outcome, BookingOutcome::Held { seat: 1, until: at(100) });

    clock.advance(Duration::from_millis(99));
    let full = full(1, Some(at(100)));
    assert_eq!(office.book(&evening(), &who("bob")).await.unwrap().outcome, full);

    clock.advance(Duration::from_millis(1));
    until(async || office.seats(&evening()).await.unwrap().held == 0).await;
    let count = office.seats(&evening()).await.unwrap();
    assert_eq!((count.free, count.seq), (1, Seq::new(3)));
    assert_eq!(office.book(&evening(), &who("bob")).await.unwrap().outcome, BookingOutcome::Booked { seat: 1 });
}

#[tokio::test]
async fn no_reply_and_no_reader_sees_a_booking_before_it_is_stored() {
    let store = MoodyBackend::new();
    let office = on_sale(BoxOffice::builder().store(store.clone()), 1).await;
    store.close_gate();
    let commits = store.commits();

    let (evening, ann, bob) = (evening(), who("ann"), who("bob"));
    let mut ann_books = Box::pin(office.book(&evening, &ann));
    assert!((&mut ann_books).now_or_never().is_none());
    until(async || store.commits() > commits).await;
    // The refusal rests on a booking that is still on its way: it waits too.
    let mut bob_books = Box::pin(office.book(&evening, &bob));
    assert!((&mut bob_books).now_or_never().is_none());
    assert_eq!(office.seats(&evening).await.unwrap().confirmed, 0);
    assert!((&mut ann_books).now_or_never().is_none());
    assert!((&mut bob_books).now_or_never().is_none());

    store.let_pass(1);
    assert_eq!(ann_books.await.unwrap().outcome, BookingOutcome::Booked { seat: 1 });
    assert_eq!(bob_books.await.unwrap().outcome, full(1, None));
    assert_eq!(office.seats(&evening).await.unwrap().confirmed, 1);
}

#[tokio::test]
async fn what_arrives_during_a_commit_goes_out_as_one_batch() {
    let store = MoodyBackend::new();
    let office = on_sale(BoxOffice::builder().store(store.clone()), 1_000).await;
    store.close_gate();
    let commits = store.commits();
    let sent = Arc::new(AtomicUsize::new(0));
    let book = |n: usize| {
        let (office, sent) = (office.clone(), sent.clone());
        tokio::spawn(async move {
            sent.fetch_add(1, Ordering::SeqCst);
            office.book(&evening(), &who(format!("p{n}"))).await
        })
    };
    let first = book(0);
    until(async || store.commits() == commits + 1).await;
    let rest: Vec<_> = (1..=100).map(book).collect();
    until(async || sent.load(Ordering::SeqCst) == 101).await;
    // A look stands behind the bookings sent before it in the owner's mailbox.
    assert_eq!(office.seats(&evening()).await.unwrap().confirmed, 0);
    store.let_pass(2);
    assert!(first.await.unwrap().unwrap().outcome.is_accepted());
    for booked in rest {
        assert!(booked.await.unwrap().unwrap().outcome.is_accepted());
    }
    assert_eq!(store.commits(), commits + 2);
}

#[tokio::test]
async fn too_many_waiting_requests_are_told_busy_and_none_is_lost() {
    let store = MoodyBackend::new();
    let office = on_sale(BoxOffice::builder().store(store.clone()).waiting_max(8), 1_000).await;
    store.close_gate();
    let requests = stream::iter(0..200).map(|n| {
        let office = office.clone();
        tokio::spawn(async move { office.book(&evening(), &who(format!("p{n}"))).await })
    });
    let requests: Vec<_> = requests.collect().await;
    until(async || office.stats().busy > 0).await;
    store.let_pass(1_000);
    let (mut booked, mut busy) = (0, 0);
    for request in requests {
        match request.await.unwrap() {
            Ok(reply) if reply.outcome.is_accepted() => booked += 1,
            Err(BoxOfficeError::Busy { .. }) => busy += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(busy > 0 && booked > 0);
    assert_eq!(audit(&office).await, booked);
}

#[tokio::test]
async fn a_seat_is_taken_on_an_observation_only_if_it_is_current() {
    let office = on_sale(BoxOffice::builder().store(MemoryBackend::new()), 5).await;
    let seen = office.seats(&evening()).await.unwrap().seq;
    let book = |name: &str| BookingCommand::book(who(name));
    let first = office.run_observed(&evening(), book("ann"), seen).await.unwrap();
    assert_eq!(first.outcome, BookingOutcome::Booked { seat: 1 });
    let second = office.run_observed(&evening(), book("bob"), seen).await.unwrap();
    assert_eq!(second.outcome, BookingOutcome::Conflict { expected: seen, actual: seen.next() });
}

#[tokio::test]
async fn an_occurrence_never_put_on_sale_sells_nothing() {
    let office = BoxOffice::builder().store(MemoryBackend::new()).start().unwrap();
    assert_eq!(office.book(&evening(), &who("ann")).await.unwrap().outcome, BookingOutcome::NotOnSale);
    assert_eq!(office.seats(&evening()).await.unwrap().capacity, None);
    assert_eq!(office.store().all_streams().await.unwrap().len(), 0);
}

#[test]
fn the_same_office_works_from_an_actix_system_and_by_actix_messages() {
    actix_system(async {
        let office = on_sale(BoxOffice::builder().store(MemoryBackend::new()), 1).await;
        let command = BookingCommand::book(who("ann"));
        let message = RunBooking { occurrence: evening(), asked: command.into() };
        let reply = office.address().send(message).await.unwrap().unwrap();
        assert_eq!(reply.outcome, BookingOutcome::Booked { seat: 1 });
        office.shutdown().await;
    });
}

fn actix_system(test: impl Future<Output = ()>) {
    actix::System::new().block_on(test);
}
