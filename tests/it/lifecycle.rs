//! Owners that rest, fail, panic and come back; offices that shut down and reopen.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use boxoffice::booking::{BookingOutcome, SavedLedger, Seats, booking_stream};
use boxoffice::clock::{Clock, ManualClock, Sleep};
use boxoffice::persist::{Backend, Fault, MemoryBackend, Seq, SledBackend, load_snapshot};
use boxoffice::time::Timestamp;
use boxoffice::{BoxOffice, BoxOfficeError, StartError};

use crate::backends::{MoodyBackend, at, evening, on_sale, until, who};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn acknowledged_bookings_are_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let open = || BoxOffice::builder().store(SledBackend::open(folder.path()).unwrap());
    let office = on_sale(open(), 2).await;
    assert!(office.book(&evening(), &who("ann")).await.unwrap().outcome.is_accepted());
    assert!(office.hold(&evening(), &who("bob"), MINUTE).await.unwrap().outcome.is_accepted());
    office.shutdown().await;

    let office = on_sale(open(), 2).await;
    let count = office.seats(&evening()).await.unwrap();
    assert_eq!((count.free, count.held, count.confirmed), (0, 1, 1));
    office.shutdown().await;
}

#[tokio::test]
async fn an_idle_owner_goes_to_rest_and_comes_back_from_snapshot_and_tail() {
    let clock = ManualClock::new(at(0));
    let store: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    let builder = BoxOffice::builder().shared_store(store.clone()).clock(clock.clone());
    let office = on_sale(builder.idle_after(MINUTE).snapshot_every(4), 10).await;
    for name in ["ann", "bob", "cyd", "dan"] {
        assert!(office.book(&evening(), &who(name)).await.unwrap().outcome.is_accepted());
    }
    assert_eq!(office.stats().activations, 1);
    clock.advance(MINUTE);
    until(async || office.stats().passivations == 1).await;
    let stream = booking_stream(&evening());
    until(async || load_snapshot::<SavedLedger>(&*store, stream.as_str()).await.unwrap().is_some()).await;

    // The snapshot alone carries the state now.
    store.truncate(&stream, store.head(&stream).await.unwrap().last).await.unwrap();
    let again = office.book(&evening(), &who("bob")).await.unwrap();
    assert!(matches!(again.outcome, BookingOutcome::Already { seat: 2, .. }), "{again:?}");
    assert_eq!(office.book(&evening(), &who("eve")).await.unwrap().outcome, BookingOutcome::Booked { seat: 5 });
    assert_eq!(office.stats().activations, 2);
}

#[tokio::test]
async fn an_owner_with_a_hold_stays_to_let_it_lapse() {
    let clock = ManualClock::new(at(0));
    let builder = BoxOffice::builder().store(MemoryBackend::new()).clock(clock.clone());
    let office = on_sale(builder.idle_after(MINUTE), 1).await;
    assert!(office.hold(&evening(), &who("ann"), 3 * MINUTE).await.unwrap().outcome.is_accepted());
    clock.advance(2 * MINUTE);
    clock.advance(MINUTE);
    let stream = booking_stream(&evening());
    until(async || office.store().backend().head(&stream).await.unwrap().last.get() == 3).await;
    until(async || office.stats().passivations == 1).await;
}

/// Counts the waits that are asked for.
#[derive(Clone, Debug)]
struct CountingClock(ManualClock, Arc<AtomicUsize>);

impl Clock for CountingClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
    fn sleep_until(&self, at: Timestamp) -> Sleep {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.sleep_until(at)
    }
}

#[tokio::test]
async fn an_idle_owner_that_has_to_stay_does_not_spin() {
    let (clock, waits) = (ManualClock::new(at(0)), Arc::new(AtomicUsize::new(0)));
    let counting = CountingClock(clock.clone(), waits.clone());
    let builder = BoxOffice::builder().store(MemoryBackend::new()).clock(counting);
    let office = on_sale(builder.idle_after(MINUTE), 1).await;
    assert!(office.hold(&evening(), &who("ann"), 3 * MINUTE).await.unwrap().outcome.is_accepted());
    clock.advance(2 * MINUTE);
    // Another owner, on the same thread, so that this one gets its turns without being asked anything.
    let other = "other@20260105".parse().unwrap();
    for _ in 0..100 {
        assert_eq!(office.seats(&other).await.unwrap().capacity, None);
    }
    assert!(waits.load(Ordering::SeqCst) < 10, "{waits:?}");
}

#[tokio::test]
async fn a_fault_is_told_to_every_caller_and_the_next_request_finds_a_new_owner() {
    let store = MoodyBackend::new();
    let office = on_sale(BoxOffice::builder().store(store.clone()), 5).await;
    store.refuse(1);
    let refused = office.book(&evening(), &who("ann")).await;
    assert!(matches!(refused, Err(BoxOfficeError::Store(Fault::Unavailable { .. }))), "{refused:?}");
    assert_eq!(office.book(&evening(), &who("ann")).await.unwrap().outcome, BookingOutcome::Booked { seat: 1 });
    until(async || office.stats().failures == 1).await;
}

#[tokio::test]
async fn a_hold_whose_answer_was_lost_lapses_though_nobody_asks() {
    let (store, clock) = (MoodyBackend::new(), ManualClock::new(at(0)));
    let office = on_sale(BoxOffice::builder().store(store.clone()).clock(clock.clone()), 1).await;
    store.lose_answers(1);
    let lost = office.hold(&evening(), &who("ann"), Duration::from_secs(1)).await;
    assert!(matches!(lost, Err(BoxOfficeError::Store(Fault::Unknown { .. }))), "{lost:?}");
    let stream = booking_stream(&evening());
    until(async || office.stats().failures == 1).await;
    clock.advance(MINUTE);
    until(async || store.head(&stream).await.unwrap().last == Seq::new(3)).await;
}

#[tokio::test]
async fn a_lost_answer_is_told_as_unknown_and_the_booking_counts() {
    let store = MoodyBackend::new();
    let office = on_sale(BoxOffice::builder().store(store.clone()), 1).await;
    store.lose_answers(1);
    let lost = office.book(&evening(), &who("ann")).await;
    assert!(matches!(lost, Err(BoxOfficeError::Store(Fault::Unknown { .. }))), "{lost:?}");
    let again = office.book(&evening(), &who("ann")).await.unwrap();
    assert!(matches!(again.outcome, BookingOutcome::Already { seat: 1, .. }), "{again:?}");
    assert_eq!(office.book(&evening(), &who("bob")).await.unwrap().outcome.name(), "full");
}

#[tokio::test]
async fn an_owner_that_fails_too_often_is_left_alone_for_a_while() {
    let clock = ManualClock::new(at(0));
    let store = MoodyBackend::new();
    let builder = BoxOffice::builder().store(store.clone()).clock(clock.clone());
    let office = on_sale(builder.restart_budget(3, MINUTE), 5).await;
    store.refuse(3);
    for _ in 0..3 {
        assert!(matches!(office.book(&evening(), &who("ann")).await, Err(BoxOfficeError::Store(_))));
    }
    until(async || office.stats().failures == 3).await;
    let left_alone = office.book(&evening(), &who("ann")).await;
    assert_eq!(left_alone, Err(BoxOfficeError::Failing { retry_after: MINUTE }));
    clock.advance(MINUTE);
    assert!(office.book(&evening(), &who("ann")).await.unwrap().outcome.is_accepted());
}

/// Panics once when it is asked for the time.
#[derive(Debug, Default)]
struct TreacherousClock(Arc<AtomicBool>);

impl Clock for TreacherousClock {
    fn now(&self) -> Timestamp {
        assert!(!self.0.swap(false, Ordering::SeqCst), "the clock fell off the wall");
        at(0)
    }
    fn sleep_until(&self, _at: Timestamp) -> Sleep {
        Box::pin(core::future::pending())
    }
}

#[tokio::test]
async fn an_owner_that_panics_is_replaced_and_no_caller_is_left_without_an_answer() {
    let treachery = Arc::new(AtomicBool::new(false));
    let builder = BoxOffice::builder().store(MemoryBackend::new()).clock(TreacherousClock(treachery.clone()));
    let office = on_sale(builder, 5).await;
    assert!(office.book(&evening(), &who("ann")).await.unwrap().outcome.is_accepted());
    // Once this is answered the owner has nothing left to do, and so no reason to look at the clock.
    assert_eq!(office.seats(&evening()).await.unwrap().confirmed, 1);
    treachery.store(true, Ordering::SeqCst);
    let hit = office.book(&evening(), &who("bob")).await;
    assert!(matches!(hit, Err(BoxOfficeError::Store(Fault::Unknown { .. }))), "{hit:?}");
    assert_eq!(office.book(&evening(), &who("bob")).await.unwrap().outcome, BookingOutcome::Booked { seat: 2 });
    until(async || office.stats().failures == 1).await;
}

#[tokio::test]
async fn an_inspection_that_panics_harms_nobody() {
    let office = on_sale(BoxOffice::builder().store(MemoryBackend::new()), 5).await;
    let seen: Result<(), _> = office.inspect(&evening(), |_| panic!("curiosity")).await;
    assert_eq!(seen, Err(BoxOfficeError::InspectionPanicked));
    assert!(office.book(&evening(), &who("ann")).await.unwrap().outcome.is_accepted());
    assert_eq!(office.stats().failures, 0);
}

#[tokio::test]
async fn shutdown_answers_what_was_taken_and_refuses_what_comes_later() {
    let store = MoodyBackend::new();
    let office = on_sale(BoxOffice::builder().store(store.clone()), 5).await;
    store.close_gate();
    let commits = store.commits();
    let booking = tokio::spawn({
        let office = office.clone();
        async move { office.book(&evening(), &who("ann")).await }
    });
    until(async || store.commits() > commits).await;
    let shutdown = tokio::spawn(office.clone().shutdown());
    // Those that still get in wait for the commit; the first that finishes does so because it is too late.
    let mut in_time = Vec::new();
    let too_late = loop {
        let office = office.clone();
        in_time.push(tokio::spawn(async move { office.confirm(&evening(), &who("bob")).await }));
        tokio::task::yield_now().await;
        if let Some(finished) = in_time.iter().position(tokio::task::JoinHandle::is_finished) {
            break in_time.remove(finished).await.unwrap();
        }
    };
    assert_eq!(too_late, Err(BoxOfficeError::ShutDown));
    assert!(!booking.is_finished());
    store.let_pass(1);
    assert_eq!(booking.await.unwrap().unwrap().outcome, BookingOutcome::Booked { seat: 1 });
    shutdown.await.unwrap();
    assert_eq!(office.open(&evening(), Seats::new(1)).await, Err(BoxOfficeError::ShutDown));
}

#[test]
fn an_office_without_a_store_does_not_start() {
    assert!(matches!(BoxOffice::builder().start(), Err(StartError::NoStore)));
}
