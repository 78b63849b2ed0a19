//! What keeps a box office within its bounds, and what it shows of itself.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use boxoffice::booking::{BookingOutcome, SeatsLeft, alarms, booking_stream};
use boxoffice::clock::ManualClock;
use boxoffice::id::OccurrenceId;
use boxoffice::persist::{Backend, MemoryBackend, Seq};
use boxoffice::{BoxOffice, BoxOfficeError, Builder};
use futures_util::future::join_all;

use crate::backends::{MoodyBackend, at, evening, on_sale, until, who};

const MINUTE: Duration = Duration::from_secs(60);

fn nth(n: usize) -> OccurrenceId {
    format!("club{n}@20260105T190000").parse().unwrap()
}

fn kept(clock: &ManualClock) -> (Arc<dyn Backend>, Builder) {
    let store: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    let builder = BoxOffice::builder().shared_store(store.clone()).clock(clock.clone()).idle_after(MINUTE);
    (store, builder)
}

async fn events(store: &dyn Backend, occurrence: &OccurrenceId) -> Vec<String> {
    let log = store.read(&booking_stream(occurrence), Seq::FIRST, 100).await.unwrap();
    log.iter().map(|event| event.event_type.to_string()).collect()
}

#[tokio::test]
async fn what_is_shown_is_durable_and_costs_no_message() {
    let store = MoodyBackend::new();
    let office = on_sale(BoxOffice::builder().store(store.clone()), 2).await;
    assert_eq!(office.seats_shown(&nth(0)), None);
    let before = office.seats_shown(&evening()).unwrap();
    assert_eq!((before.left(), before.seq), (SeatsLeft::Free(2), Seq::new(1)));
    store.close_gate();
    let booking = tokio::spawn({
        let office = office.clone();
        async move { office.book(&evening(), &who("ann")).await }
    });
    until(async || store.commits() == 2).await;
    assert_eq!(office.seats_shown(&evening()), Some(before));
    store.let_pass(100);
    let reply = booking.await.unwrap().unwrap();
    let shown = office.seats_shown(&evening()).unwrap();
    assert_eq!((shown.left(), shown.seq), (SeatsLeft::Free(1), reply.seq));
}

#[tokio::test]
async fn the_three_states_are_told_apart_by_what_is_shown() {
    let clock = ManualClock::new(at(0));
    let office = on_sale(BoxOffice::builder().store(MemoryBackend::new()).clock(clock.clone()), 1).await;
    let left = || office.seats_shown(&evening()).unwrap().left();
    assert_eq!(left(), SeatsLeft::Free(1));
    assert!(office.hold(&evening(), &who("ann"), MINUTE).await.unwrap().outcome.is_accepted());
    assert_eq!(left(), SeatsLeft::AllHeld { returns: at(60_000) });
    assert!(office.confirm(&evening(), &who("ann")).await.unwrap().outcome.is_accepted());
    assert_eq!(left(), SeatsLeft::SoldOut);
}

#[tokio::test]
async fn a_watch_sees_the_latest_and_outlives_the_owner() {
    let clock = ManualClock::new(at(0));
    let builder = BoxOffice::builder().store(MemoryBackend::new()).clock(clock.clone()).idle_after(MINUTE);
    let office = on_sale(builder, 9).await;
    let mut seats = office.watch_seats(&evening()).await.unwrap();
    for name in ["ann", "bob", "cyd"] {
        assert!(office.book(&evening(), &who(name)).await.unwrap().outcome.is_accepted());
    }
    assert_eq!(seats.changed().await.unwrap().confirmed, 3);
    assert_eq!(office.owner(&evening()).unwrap().watchers, 1);
    clock.advance(MINUTE);
    until(async || office.owner(&evening()).is_none()).await;
    assert_eq!(office.seats_shown(&evening()).unwrap().confirmed, 3);
    assert!(office.book(&evening(), &who("dan")).await.unwrap().outcome.is_accepted());
    assert_eq!(seats.changed().await.unwrap().confirmed, 4);
    office.shutdown().await;
    assert_eq!(seats.changed().await, None);
}

#[tokio::test]
async fn a_board_that_nobody_watches_or_writes_is_taken_down() {
    let clock = ManualClock::new(at(0));
    let builder = BoxOffice::builder().store(MemoryBackend::new()).clock(clock.clone()).idle_after(MINUTE);
    let office = on_sale(builder, 9).await;
    let watches = [office.watch_seats(&evening()).await.unwrap(), office.watch_seats(&evening()).await.unwrap()];
    clock.advance(MINUTE);
    until(async || office.owner(&evening()).is_none()).await;
    for watch in watches {
        assert!(office.seats_shown(&evening()).is_some());
        drop(watch);
    }
    assert_eq!(office.seats_shown(&evening()), None);
}

#[tokio::test]
async fn a_watch_sees_what_another_office_books() {
    let clock = ManualClock::new(at(0));
    let (store, builder) = kept(&clock);
    let (here, there) = (on_sale(builder, 9).await, BoxOffice::builder().shared_store(store).start().unwrap());
    let mut seats = here.watch_seats(&evening()).await.unwrap();
    assert!(there.book(&evening(), &who("ann")).await.unwrap().outcome.is_accepted());
    clock.advance(Duration::from_secs(1));
    assert_eq!(seats.changed().await.unwrap().confirmed, 1);
}

#[tokio::test]
async fn beside_another_office_neither_a_refusal_nor_a_look_is_outdated() {
    let clock = ManualClock::new(at(0));
    let (store, builder) = kept(&clock);
    let (here, there) = (on_sale(builder, 1).await, BoxOffice::builder().shared_store(store).start().unwrap());
    for n in 0..20 {
        let (ann, bob) = (who(format!("ann{n}")), who(format!("bob{n}")));
        assert!(here.book(&evening(), &ann).await.unwrap().outcome.is_accepted());
        assert_eq!(there.book(&evening(), &bob).await.unwrap().outcome.name(), "full");
        assert!(here.cancel(&evening(), &ann).await.unwrap().outcome.is_accepted());
        assert_eq!(there.seats(&evening()).await.unwrap().free, 1);
        assert!(there.book(&evening(), &bob).await.unwrap().outcome.is_accepted());
        assert_eq!(here.roster(&evening()).await.unwrap()[0].attendee, bob);
        assert!(here.cancel(&evening(), &bob).await.unwrap().outcome.is_accepted());
    }
}

#[tokio::test]
async fn an_owner_that_rests_is_started_again_to_let_a_hold_lapse() {
    let clock = ManualClock::new(at(0));
    let (store, builder) = kept(&clock);
    let office = on_sale(builder, 1).await;
    assert!(office.hold(&evening(), &who("ann"), 30 * MINUTE).await.unwrap().outcome.is_accepted());
    clock.advance(MINUTE);
    until(async || office.owner(&evening()).is_none()).await;
    clock.advance(28 * MINUTE);
    assert_eq!(office.owner(&evening()), None);
    clock.advance(MINUTE);
    until(async || events(&*store, &evening()).await.last().is_some_and(|last| last == "booking.hold_lapsed.v1")).await;
    assert_eq!(office.stats().alarms, 1);
    assert_eq!(alarms(&*store, None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn holds_of_the_time_before_a_restart_lapse_though_nobody_asks() {
    let clock = ManualClock::new(at(0));
    let (store, builder) = kept(&clock);
    let office = on_sale(builder, 1).await;
    for n in 0..20 {
        assert!(office.open(&nth(n), boxoffice::booking::Seats::new(1)).await.unwrap().outcome.is_accepted());
        assert!(office.hold(&nth(n), &who("ann"), MINUTE).await.unwrap().outcome.is_accepted());
    }
    office.shutdown().await;
    assert_eq!(alarms(&*store, Some(&nth(18)), 1).await.unwrap(), [(nth(19), at(60_000))]);
    clock.advance(2 * MINUTE);
    let office = BoxOffice::builder().shared_store(store.clone()).clock(clock).activations_max(3).start().unwrap();
    until(async || office.stats().alarms == 20).await;
    until(async || alarms(&*store, None, 1).await.unwrap().is_empty()).await;
    for n in 0..20 {
        assert_eq!(
            events(&*store, &nth(n)).await,
            ["booking.sale_opened.v1", "booking.seat_held.v1", "booking.hold_lapsed.v1"]
        );
    }
}

#[tokio::test]
async fn holds_of_an_office_that_is_gone_lapse_in_the_other() {
    let clock = ManualClock::new(at(0));
    let (store, builder) = kept(&clock);
    let here = on_sale(builder, 1).await;
    let there = BoxOffice::builder().shared_store(store.clone()).clock(clock.clone()).start().unwrap();
    clock.advance(MINUTE);
    until(async || here.owner(&evening()).is_none()).await;
    assert!(there.hold(&evening(), &who("ann"), 30 * MINUTE).await.unwrap().outcome.is_accepted());
    there.shutdown().await;
    // Once the other has looked what was left behind, and it is due.
    until(async || {
        clock.advance(MINUTE);
        events(&*store, &evening()).await.last().is_some_and(|last| last == "booking.hold_lapsed.v1")
    })
    .await;
}

#[tokio::test]
async fn no_more_owners_are_in_memory_than_may_be_and_none_loses_anything() {
    let clock = ManualClock::new(at(0));
    let builder = BoxOffice::builder().store(MemoryBackend::new()).clock(clock.clone()).owners_max(8);
    let office = builder.start().unwrap();
    for n in 0..64 {
        assert!(office.open(&nth(n), boxoffice::booking::Seats::new(5)).await.unwrap().outcome.is_accepted());
        assert!(office.hold(&nth(n), &who("ann"), MINUTE).await.unwrap().outcome.is_accepted());
        // Each is used later than the one before.
        clock.advance(Duration::from_millis(1));
        until(async || office.stats().owners <= 9).await;
    }
    assert!(office.owner(&nth(63)).is_some() && office.owner(&nth(0)).is_none());
    assert_eq!(office.owners().len(), usize::try_from(office.stats().owners).unwrap());
    for n in 0..64 {
        assert_eq!(office.seats(&nth(n)).await.unwrap().held, 1);
    }
}

#[tokio::test]
async fn a_storm_of_activations_is_turned_away_beyond_its_bound() {
    let store = MoodyBackend::new();
    let builder = BoxOffice::builder().store(store.clone()).activations_max(2).waiting_max(4);
    let office = builder.start().unwrap();
    store.close_read_gate();
    let asked: Vec<_> = (0..40)
        .map(|n| {
            let office = office.clone();
            tokio::spawn(async move { office.seats(&nth(n)).await })
        })
        .collect();
    until(async || office.stats().busy == 34).await;
    assert_eq!(office.stats().activations_waiting, 6);
    store.open_read_gate();
    let replies = join_all(asked).await;
    let told: Vec<_> = replies.into_iter().map(Result::unwrap).collect();
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 6);
    for error in told.into_iter().filter_map(Result::err) {
        let BoxOfficeError::Busy { retry_after } = error else { panic!("{error:?}") };
        assert!((Duration::from_millis(1)..=Duration::from_secs(10)).contains(&retry_after));
    }
}

/// Adds up what the box offices of all tests tell.
#[derive(Default)]
struct Sum(AtomicU64);

impl metrics::CounterFn for Sum {
    fn increment(&self, by: u64) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }
    fn absolute(&self, _value: u64) {}
}

#[derive(Clone, Default)]
struct Recorder(Arc<Sum>);

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}
    fn describe_gauge(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}
    fn describe_histogram(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}
    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        let wanted = key.name() == "boxoffice_accepted_total";
        if wanted { metrics::Counter::from_arc(self.0.clone()) } else { metrics::Counter::noop() }
    }
    fn register_gauge(&self, _: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        metrics::Gauge::noop()
    }
    fn register_histogram(&self, _: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Histogram {
        metrics::Histogram::noop()
    }
}

#[tokio::test]
async fn counters_are_told_to_the_recorder_of_the_host() {
    let recorder = Recorder::default();
    metrics::set_global_recorder(recorder.clone()).unwrap();
    let office = on_sale(BoxOffice::builder().store(MemoryBackend::new()), 1).await;
    assert_eq!(office.book(&evening(), &who("ann")).await.unwrap().outcome, BookingOutcome::Booked { seat: 1 });
    assert!(office.stats().accepted == 2 && recorder.0.0.load(Ordering::SeqCst) >= 2);
}
