//! Parties, waiting, late payments and keys, through the handle.

use core::time::Duration;
use std::sync::Arc;

use boxoffice::booking::{
    BookingCommand, BookingEvent, BookingOutcome, ChainHash, Party, Refund, Seats, Settings, Waitlist, booking_stream,
    decode,
};
use boxoffice::clock::ManualClock;
use boxoffice::id::OccurrenceId;
use boxoffice::persist::{AsOf, Backend, IdempotencyKey, MemoryBackend, Seq};
use boxoffice::{BoxOffice, CartOutcome};
use futures_util::future::join_all;

use crate::backends::{MoodyBackend, at, evening, on_sale, until, who};

fn wait(name: &str, seats: u32) -> BookingCommand {
    BookingCommand::Wait { attendee: who(name), party: Party::of(seats) }
}

fn waitlist(offer_for: Duration) -> BookingCommand {
    let waitlist = Some(Waitlist { offer_for, pass_over: false });
    BookingCommand::Set { settings: Settings { waitlist, ..Settings::default() } }
}

fn key(name: &str) -> IdempotencyKey {
    IdempotencyKey::new(name).unwrap()
}

#[tokio::test]
async fn a_freed_seat_goes_down_the_line_without_anybody_asking() {
    let clock = ManualClock::new(at(0));
    let office = on_sale(BoxOffice::builder().store(MemoryBackend::new()).clock(clock.clone()), 1).await;
    let run = async |command| office.run(&evening(), command).await.unwrap().outcome;
    assert_eq!(run(waitlist(Duration::from_millis(100))).await, BookingOutcome::Set);
    assert!(run(BookingCommand::book(who("ann"))).await.is_accepted());
    for (place, name) in (1..).zip(["bob", "cyd"]) {
        assert_eq!(run(wait(name, 1)).await, BookingOutcome::Waiting { position: place });
    }
    assert!(run(BookingCommand::Cancel { attendee: who("ann") }).await.is_accepted());
    assert_eq!(office.seat_of(&evening(), &who("bob")).await.unwrap().map(|(seat, _)| seat), Some(1));
    // Bob does not take it: his time is up, and it is cyd's turn.
    clock.advance(Duration::from_millis(100));
    until(async || office.seat_of(&evening(), &who("cyd")).await.unwrap().is_some()).await;
    assert_eq!(office.confirm(&evening(), &who("cyd")).await.unwrap().outcome, BookingOutcome::OfferTaken { seat: 1 });
    assert_eq!(office.confirm(&evening(), &who("bob")).await.unwrap().outcome, BookingOutcome::RefundDue);
    let left = office.seats_left(&evening()).await.unwrap().value;
    assert_eq!(left, Some(0));
}

#[tokio::test]
async fn what_is_due_back_outlasts_new_seats_and_restarts_until_it_is_settled() {
    let (clock, store): (_, Arc<dyn Backend>) = (ManualClock::new(at(0)), Arc::new(MemoryBackend::new()));
    let office = || BoxOffice::builder().shared_store(Arc::clone(&store)).clock(clock.clone()).snapshot_every(1);
    let (evening, ann, bob) = (evening(), who("ann"), who("bob"));
    let one = on_sale(office(), 1).await;
    assert!(one.hold(&evening, &ann, Duration::from_millis(100)).await.unwrap().outcome.is_accepted());
    clock.advance(Duration::from_millis(100));
    assert!(one.book(&evening, &bob).await.unwrap().outcome.is_accepted());
    let late = one.confirm(&evening, &ann).await.unwrap();
    assert_eq!(late.outcome, BookingOutcome::RefundDue);
    assert!(one.cancel(&evening, &bob).await.unwrap().outcome.is_accepted());
    assert!(one.book(&evening, &ann).await.unwrap().outcome.is_accepted());
    let refund = Refund { attendee: ann.clone(), party: Party::default(), seq: late.seq, at: at(100) };
    assert_eq!(one.refunds_due(&evening).await.unwrap(), core::slice::from_ref(&refund));
    one.shutdown().await;

    let two = office().start().unwrap();
    assert_eq!(two.refunds_due(&evening).await.unwrap(), [refund]);
    let settle = || BookingCommand::SettleRefund { attendee: ann.clone() };
    let settled = two.run_once(&evening, settle(), key("refund 5")).await.unwrap();
    assert_eq!(settled.outcome, BookingOutcome::RefundSettled { left: 0 });
    assert_eq!(two.run_once(&evening, settle(), key("refund 5")).await.unwrap(), settled);
    assert_eq!(two.settle_refund(&evening, &ann).await.unwrap().outcome, BookingOutcome::NoRefundDue);
    assert_eq!(two.refunds_due(&evening).await.unwrap(), []);
    let last = two.history(&evening, &ann).await.unwrap().pop().unwrap();
    assert_eq!(last.event, BookingEvent::RefundSettled { attendee: ann.clone(), due: late.seq });
    assert_eq!((last.seq, last.hash), (settled.seq, settled.hash));
}

#[tokio::test]
async fn a_command_under_a_key_is_carried_out_once_whatever_office_is_asked() {
    let store: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    let office = || BoxOffice::builder().shared_store(Arc::clone(&store));
    let (one, two) = (on_sale(office(), 9).await, office().start().unwrap());
    let book = || BookingCommand::Book { attendee: who("ann"), party: Party::of(2) };
    let replies = join_all((0..20).map(|n| {
        let office = if n % 2 == 0 { one.clone() } else { two.clone() };
        async move { office.run_once(&evening(), book(), key("order-7")).await.unwrap() }
    }))
    .await;
    assert_eq!(replies[0].outcome, BookingOutcome::Booked { seat: 1 });
    assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
    // A restart later, and after she has cancelled, it is still what was said.
    assert!(one.cancel(&evening(), &who("ann")).await.unwrap().outcome.is_accepted());
    one.shutdown().await;
    assert_eq!(two.run_once(&evening(), book(), key("order-7")).await.unwrap(), replies[0]);
    let other = two.run_once(&evening(), BookingCommand::book(who("bob")), key("order-7")).await.unwrap();
    assert_eq!(other.outcome, BookingOutcome::KeyReused);
    assert_eq!(two.ledger_as_of(&evening(), AsOf::Now).await.unwrap().taken(), 0);
}

#[tokio::test]
async fn receipts_history_and_the_past_are_what_the_stream_says() {
    let clock = ManualClock::new(at(0));
    let office = on_sale(BoxOffice::builder().store(MemoryBackend::new()).clock(clock.clone()), 3).await;
    let (evening, ann, bob) = (evening(), who("ann"), who("bob"));
    let mut receipts = Vec::new();
    for (millis, command) in [
        (10, BookingCommand::Book { attendee: ann.clone(), party: Party::of(2) }),
        (10, BookingCommand::hold(bob.clone(), Duration::from_secs(60))),
        (10, BookingCommand::Transfer { from: ann.clone(), to: who("cyd") }),
    ] {
        clock.advance(Duration::from_millis(millis));
        let reply = office.run(&evening, command).await.unwrap();
        assert!(reply.outcome.is_accepted(), "{reply:?}");
        receipts.push((reply.seq, reply.hash));
    }
    // Whoever has the stream can work out the same.
    let events = office.store().backend().read(&booking_stream(&evening), Seq::FIRST, 100).await.unwrap();
    let mut hash = ChainHash::default();
    let mut worked_out = Vec::new();
    for event in &events {
        hash = hash.then(event.at, &decode(event).unwrap());
        worked_out.push((event.seq, hash));
    }
    assert_eq!(receipts, worked_out[1..]);
    let of_ann = office.history(&evening, &ann).await.unwrap();
    let booked = BookingEvent::SeatBooked { attendee: ann.clone(), party: Party::of(2) };
    let transferred = BookingEvent::SeatTransferred { from: ann.clone(), to: who("cyd") };
    let seen: Vec<_> = of_ann.into_iter().map(|one| (one.event, one.at, (one.seq, one.hash))).collect();
    assert_eq!(seen, [(booked, at(10), receipts[0]), (transferred, at(30), receipts[2])]);

    let before = office.ledger_as_of(&evening, AsOf::Time(at(29))).await.unwrap();
    assert_eq!((before.seat_number(&ann), before.hash()), (Some(1), receipts[1].1));
    let at_first = office.ledger_as_of(&evening, AsOf::Seq(Seq::new(1))).await.unwrap();
    assert_eq!((at_first.taken(), at_first.capacity()), (0, Some(Seats::new(3))));
    assert_eq!(office.ledger_as_of(&evening, AsOf::Now).await.unwrap().taken(), 3);
}

#[tokio::test]
async fn groups_and_blocked_seats_count_for_whoever_asks_what_is_left() {
    let office = on_sale(BoxOffice::builder().store(MemoryBackend::new()), 10).await;
    let run = async |command| office.run(&evening(), command).await.unwrap().outcome;
    let left = async || office.seats_left(&evening()).await.unwrap().value;
    assert!(run(BookingCommand::Book { attendee: who("ann"), party: Party::of(4) }).await.is_accepted());
    assert_eq!(left().await, Some(6));
    assert!(run(BookingCommand::Block { seats: Seats::new(3) }).await.is_accepted());
    assert_eq!(left().await, Some(3));
    assert!(run(BookingCommand::ChangeSeats { attendee: who("ann"), seats: Seats::new(1) }).await.is_accepted());
    assert!(run(BookingCommand::Transfer { from: who("ann"), to: who("bob") }).await.is_accepted());
    assert_eq!(left().await, Some(6));
    assert!(run(BookingCommand::Close).await.is_accepted());
    let reasons = office.may_book(&who("cyd"), &evening()).await.unwrap().value;
    assert!(reasons.contains(&"sale closed".to_owned()), "{reasons:?}");
    assert_eq!(run(BookingCommand::book(who("cyd"))).await, BookingOutcome::SaleClosed);
    assert!(run(BookingCommand::Cancel { attendee: who("bob") }).await.is_accepted());
    assert_eq!(left().await, Some(7));
    let count = office.seats(&evening()).await.unwrap();
    assert_eq!((count.free, count.confirmed), (7, 0));
}

fn floor(name: &str) -> OccurrenceId {
    format!("{name}@20260105T190000").parse().unwrap()
}

/// Three stages with so many seats each.
async fn festival(builder: boxoffice::Builder, seats: u32) -> BoxOffice {
    let office = builder.start().unwrap();
    for name in ["a", "b", "c"] {
        assert!(office.open(&floor(name), Seats::new(seats)).await.unwrap().outcome.is_accepted());
    }
    office
}

fn cart(names: &[&str]) -> Vec<(OccurrenceId, Party)> {
    names.iter().map(|name| (floor(name), Party::of(1))).collect()
}

async fn held(office: &BoxOffice) -> Vec<u64> {
    let mut held = Vec::new();
    for name in ["a", "b", "c"] {
        held.push(office.seats(&floor(name)).await.unwrap().held);
    }
    held
}

#[tokio::test]
async fn a_cart_is_held_whole_until_one_deadline_or_not_at_all() {
    let clock = ManualClock::new(at(0));
    let office = festival(BoxOffice::builder().store(MemoryBackend::new()).clock(clock.clone()), 1).await;
    let minute = Duration::from_secs(60);
    let ann = office.hold_cart(&who("ann"), cart(&["c", "a"]), minute).await.unwrap();
    let CartOutcome::Held { until: deadline, holds } = ann else { panic!("{ann:?}") };
    assert_eq!((deadline, holds.len(), &holds[0].0), (at(60_000), 2, &floor("a")));
    // Bob gets b and not c: so he gets neither.
    let bob = office.hold_cart(&who("bob"), cart(&["b", "c"]), minute).await.unwrap();
    let CartOutcome::Refused { occurrence, reply } = bob else { panic!("{bob:?}") };
    assert_eq!((occurrence, reply.outcome.name()), (floor("c"), "full"));
    assert_eq!(held(&office).await, [1, 0, 1]);
    let twice = office.hold_cart(&who("bob"), cart(&["b", "b"]), minute).await.unwrap();
    assert_eq!(twice, CartOutcome::Twice { occurrence: floor("b") });
    assert_eq!(held(&office).await, [1, 0, 1]);
    let confirmed = office.confirm_cart(&who("ann"), &[floor("a"), floor("c")]).await.unwrap();
    assert!(confirmed.iter().all(|(_, reply)| reply.outcome == BookingOutcome::Confirmed), "{confirmed:?}");
}

#[tokio::test]
async fn a_cart_whose_taker_ends_in_the_middle_lapses_whole() {
    let clock = ManualClock::new(at(0));
    let store = MoodyBackend::new();
    let office = festival(BoxOffice::builder().store(store.clone()).clock(clock.clone()), 1).await;
    store.close_gate();
    let commits = store.commits();
    let (ann, wanted) = (who("ann"), cart(&["a", "b", "c"]));
    let mut taking = Box::pin(office.hold_cart(&ann, wanted, Duration::from_millis(100)));
    assert!(futures_util::FutureExt::now_or_never(&mut taking).is_none());
    until(async || store.commits() > commits).await;
    drop(taking);
    store.let_pass(10);
    until(async || held(&office).await == [1, 0, 0]).await;
    clock.advance(Duration::from_millis(100));
    until(async || held(&office).await == [0, 0, 0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn carts_in_any_order_neither_wait_for_each_other_nor_hold_halves() {
    let office = festival(BoxOffice::builder().store(MemoryBackend::new()), 3).await;
    let orders: [&[&str]; 4] = [&["a", "b", "c"], &["c", "b", "a"], &["b", "c"], &["c", "a"]];
    let carts = (0..40).map(|n| {
        let office = office.clone();
        tokio::spawn(async move {
            let attendee = who(format!("p{n}"));
            office.hold_cart(&attendee, cart(orders[n % 4]), Duration::from_secs(3_600)).await.unwrap()
        })
    });
    let outcomes: Vec<_> = join_all(carts).await.into_iter().map(Result::unwrap).collect();
    let mut taken = [0; 3];
    for outcome in &outcomes {
        let CartOutcome::Held { holds, .. } = outcome else { continue };
        for (occurrence, _) in holds {
            taken[["a", "b", "c"].iter().position(|name| floor(name) == *occurrence).unwrap()] += 1;
        }
    }
    assert_eq!(held(&office).await, taken, "only whole carts hold seats");
    assert!(taken.contains(&3), "a cart is refused only where there is none left: {taken:?}");
}
