//! One story each.

use boxoffice::booking::{BookingOutcome, Seats};
use boxoffice::clock::Clock;
use boxoffice::flows::Flows;
use boxoffice::orders::{
    Came, ChangeOutcome, Changing, Cut, DisputeState, OrderChange, OrderDesk, OrderEnd, PlaceOutcome, WebhookDelivery,
    WebhookOutcome,
};

use super::*;

fn cancel(cuts: Vec<Cut>) -> OrderChange {
    OrderChange::Cancel { cuts, kept: None, reason: "asked".to_owned() }
}

async fn deliver(house: &House, body: &[u8], secret: &str) -> WebhookOutcome {
    let headers = [("Bank-Secret".to_owned(), secret.to_owned())];
    let delivery = WebhookDelivery { headers: &headers, body, at: house.clock.now() };
    house.orders.webhook(delivery).await.unwrap()
}

#[tokio::test]
async fn seats_are_held_as_long_as_the_session_and_the_grace_and_confirmed_by_the_webhook() {
    let house = House::open().selling(1, 10).await;
    let id = house.place(order_of("o1", "ann", vec![line(1, "ann", 2, 2_000)])).await;
    let order = house.rests(&id).await;
    let session = order.session().unwrap();
    assert!(session.url.starts_with("https://"));
    let holds = house.office.roster(&evening(1)).await.unwrap();
    let until = session.until + order.placed().terms.grace;
    assert_eq!(holds[0].state, boxoffice::booking::SeatState::Held { until });

    let news = house.bank.pay(&id, eur(2_000));
    let body = serde_json::to_vec(&news[0]).unwrap();
    assert!(matches!(deliver(&house, &body, "guessed").await, WebhookOutcome::Unproven { .. }));
    assert!(matches!(deliver(&house, b"{", "tell nobody").await, WebhookOutcome::Unreadable { .. }));
    let told = deliver(&house, &body, "tell nobody").await;
    assert_eq!(told, WebhookOutcome::Told { order: id.clone(), came: vec![Came::Paid] });
    assert_eq!((told.status(), house.ended(&id).await), (200, OrderEnd::Fulfilled));
    assert_eq!(house.seats_of(1, "ann").await, Some((2, true)));
    assert_eq!(deliver(&house, &body, "tell nobody").await, WebhookOutcome::Again { order: id.clone() });
    house.end().await;
}

#[tokio::test]
async fn an_order_is_placed_once_and_its_id_is_nobody_elses() {
    let house = House::open().selling(1, 10).await;
    let order = order_of("o1", "ann", vec![line(1, "ann", 2, 2_000)]);
    house.place(order.clone()).await;
    assert_eq!(house.orders.place(order.clone()).await.unwrap(), PlaceOutcome::Already);
    let other = order_of("o1", "bob", vec![line(1, "bob", 2, 2_000)]);
    assert_eq!(house.orders.place(other).await.unwrap(), PlaceOutcome::IdTaken);
    let bad = order_of("o2", "ann", vec![]);
    assert!(matches!(house.orders.place(bad).await.unwrap(), PlaceOutcome::Bad(_)));
    assert_eq!(house.bank.books().opened, 1);
    house.end().await;
}

#[tokio::test]
async fn news_that_come_before_the_session_is_known_are_not_lost() {
    let mut house = House::open().selling(1, 10).await;
    house.bank.hold_sessions();
    let order = order_of("o1", "ann", vec![line(1, "ann", 2, 2_000)]);
    assert_eq!(house.orders.place(order).await.unwrap(), PlaceOutcome::Placed);
    until(async || house.bank.books().opened == 1).await;
    let id = order_id("o1");
    for news in house.bank.pay(&id, eur(2_000)) {
        assert_eq!(house.orders.tell(news).await.unwrap().status(), 200);
    }
    assert_eq!(house.orders.order(&id).await.unwrap().unwrap().session(), None);
    house.bank.let_sessions_go();
    assert_eq!(house.ended(&id).await, OrderEnd::Fulfilled);
    house.end().await;
}

#[tokio::test]
async fn while_the_gateway_is_asked_nobody_waits_for_it() {
    let mut house = House::open().selling(1, 10).await;
    house.bank.hold_sessions();
    for name in ["ann", "bob"] {
        let order = order_of(name, name, vec![line(1, name, 2, 2_000)]);
        assert_eq!(house.orders.place(order).await.unwrap(), PlaceOutcome::Placed);
    }
    until(async || house.bank.books().opened == 2).await;
    // Neither the owner of the occurrence, nor other flows, nor other orders.
    let booked = house.office.book(&evening(1), &who("eve")).await.unwrap();
    assert!(matches!(booked.outcome, BookingOutcome::Booked { .. }));
    assert_eq!(house.ended_free("free").await, OrderEnd::Fulfilled);
    house.bank.let_sessions_go();
    for name in ["ann", "bob"] {
        assert!(house.rests(&order_id(name)).await.session().is_some());
    }
    house.end().await;
}

impl House {
    /// An order that costs nothing, to its end.
    async fn ended_free(&self, id: &str) -> OrderEnd {
        let order = order_of(id, id, vec![line(1, id, 1, 0)]);
        assert_eq!(self.orders.place(order).await.unwrap(), PlaceOutcome::Placed);
        self.ended(&order_id(id)).await
    }
}

#[tokio::test]
async fn unpaid_seats_are_free_when_the_session_is_over_and_a_late_payment_has_them_again_or_goes_back() {
    let house = House::open().selling(1, 2).await;
    let lines = || vec![line(1, "ann", 2, 2_000)];
    let id = house.place(order_of("o1", "ann", lines())).await;
    house.pass(30 * MINUTE);
    assert_eq!(house.ended(&id).await, OrderEnd::Unpaid);
    assert_eq!(house.seats_of(1, "ann").await, None);

    let news = house.bank.charge(&id, "late", eur(2_000));
    let told = house.orders.tell(news).await.unwrap();
    assert_eq!(told, WebhookOutcome::Told { order: id.clone(), came: vec![Came::PaidLate] });
    house.until_end(&id, &OrderEnd::Fulfilled).await;
    assert_eq!(house.seats_of(1, "ann").await, Some((2, true)));

    // The next one has no such luck.
    assert!(house.orders.change(&id, cancel(vec![])).await.is_ok());
    house.until_end(&id, &OrderEnd::Cancelled).await;
    let next = house.place(order_of("o2", "ann", lines())).await;
    house.pass(33 * MINUTE);
    assert_eq!(house.ended(&next).await, OrderEnd::Unpaid);
    assert!(house.office.book(&evening(1), &who("bob")).await.unwrap().outcome.is_accepted());
    let news = house.bank.charge(&next, "later", eur(2_000));
    assert_eq!(house.orders.tell(news).await.unwrap().status(), 200);
    house.until_end(&next, &OrderEnd::TooLate).await;
    assert_eq!((house.bank.balance(&next), house.bank.refunds(&next)), (0, vec![2_000]));
    house.end().await;
}

#[tokio::test]
async fn a_late_payment_for_one_order_does_not_confirm_the_seats_of_the_next() {
    let house = House::open().selling(1, 10).await;
    let first = house.place(order_of("o1", "ann", vec![line(1, "ann", 2, 2_000)])).await;
    let while_it_stands = order_of("o2", "ann", vec![line(1, "ann", 1, 1_000)]);
    let taken = PlaceOutcome::HolderTaken { line: 0, by: first.clone() };
    assert_eq!(house.orders.place(while_it_stands.clone()).await.unwrap(), taken);
    house.pass(30 * MINUTE);
    assert_eq!(house.ended(&first).await, OrderEnd::Unpaid);
    let second = house.place(while_it_stands).await;

    let news = house.bank.charge(&first, "late", eur(2_000));
    assert_eq!(house.orders.tell(news).await.unwrap().status(), 200);
    house.until_end(&first, &OrderEnd::TooLate).await;
    assert_eq!(house.bank.balance(&first), 0);
    assert_eq!(house.seats_of(1, "ann").await, Some((1, false)), "held, and not paid for");
    for news in house.bank.pay(&second, eur(1_000)) {
        assert_eq!(house.orders.tell(news).await.unwrap().status(), 200);
    }
    house.until_end(&second, &OrderEnd::Fulfilled).await;
    assert_eq!(house.seats_of(1, "ann").await, Some((1, true)));
    house.end().await;
}

#[tokio::test]
async fn one_person_has_no_more_seats_than_are_sold_to_one_person_over_all_orders() {
    let house = House::open().selling(1, 10).await;
    let of = |holder: &str, seats| line(1, holder, seats, 1_000).per_person(3);
    let first = house.place(order_of("o1", "ann", vec![of("ann", 2)])).await;
    let more = order_of("o2", "ann", vec![of("ann's mother", 2)]);
    assert_eq!(house.orders.place(more.clone()).await.unwrap(), PlaceOutcome::TooMany { line: 0, max: 3 });
    house.place(order_of("o3", "ann", vec![of("ann's mother", 1)])).await;
    house.place(order_of("o4", "bob", vec![of("bob", 3)])).await;
    // What was let go does not count.
    assert_eq!(house.orders.change(&first, cancel(vec![])).await.unwrap(), ChangeOutcome::Asked);
    house.until_end(&first, &OrderEnd::Cancelled).await;
    let again = order_of("o5", "ann", vec![of("ann", 2)]);
    assert_eq!(house.orders.place(again).await.unwrap(), PlaceOutcome::Placed);
    house.end().await;
}

#[tokio::test]
async fn a_late_payment_has_no_more_seats_than_are_sold_to_one_person() {
    // Of two late lines, each of its own holder, as many come through as the limit of two leaves.
    for (elsewhere, seats, kept, end) in
        [(1, [Some((1, true)), None], 1_000, OrderEnd::Fulfilled), (2, [None, None], 0, OrderEnd::TooLate)]
    {
        let house = House::open().selling(1, 10).await;
        let of = |holder: &str, seats| line(1, holder, seats, 1_000).per_person(2);
        let late = house.place(order_of("o1", "ann", vec![of("ann", 1), of("bob", 1)])).await;
        house.pass(33 * MINUTE);
        house.until_end(&late, &OrderEnd::Unpaid).await;
        house.place(order_of("o2", "ann", vec![of("cleo", elsewhere)])).await;
        let news = house.bank.charge(&late, "late", eur(2_000));
        assert_eq!(house.orders.tell(news).await.unwrap().status(), 200);
        house.until_end(&late, &end).await;
        assert_eq!([house.seats_of(1, "ann").await, house.seats_of(1, "bob").await], seats);
        assert_eq!(house.bank.balance(&late), kept);
        assert_eq!(house.compared().await.1, []);
        house.end().await;
    }
}

#[tokio::test]
async fn seats_of_several_evenings_are_had_all_or_none() {
    let house = House::open().selling(1, 10).await.selling(2, 1).await;
    let id = house.place(order_of("o1", "ann", vec![line(1, "ann", 2, 2_000), line(2, "ann", 2, 2_000)])).await;
    assert_eq!(house.ended(&id).await, OrderEnd::Refused);
    assert_eq!(house.office.seats(&evening(1)).await.unwrap().free, 10);
    assert_eq!(house.bank.books().opened, 0);
    house.end().await;
}

#[tokio::test]
async fn a_gateway_that_is_down_is_asked_again_and_one_that_refuses_is_not() {
    let house = House::open().selling(1, 10).await;
    house.bank.books().is_down = true;
    let order = order_of("o1", "ann", vec![line(1, "ann", 2, 2_000)]);
    assert_eq!(house.orders.place(order).await.unwrap(), PlaceOutcome::Placed);
    let id = order_id("o1");
    until(async || house.seats_of(1, "ann").await.is_some()).await;
    house.bank.books().is_down = false;
    let opened = async || {
        house.try_again(&id).await;
        house.orders.order(&id).await.unwrap().unwrap().session().is_some()
    };
    until(opened).await;

    house.bank.books().refuses_sessions = true;
    let order = order_of("o2", "bob", vec![line(1, "bob", 2, 2_000)]);
    assert_eq!(house.orders.place(order).await.unwrap(), PlaceOutcome::Placed);
    assert_eq!(house.ended(&order_id("o2")).await, OrderEnd::NoSession);
    assert_eq!(house.seats_of(1, "bob").await, None);
    house.end().await;
}

#[tokio::test]
async fn seats_are_given_up_one_by_one_and_each_gives_back_its_share_of_what_was_paid() {
    let house = House::open().selling(1, 10).await;
    let id = house.place(order_of("o1", "ann", vec![line(1, "ann", 3, 1_000)])).await;
    for news in house.bank.pay(&id, eur(1_000)) {
        assert_eq!(house.orders.tell(news).await.unwrap().status(), 200);
    }
    assert_eq!(house.ended(&id).await, OrderEnd::Fulfilled);
    for (left, refunds) in [(2, vec![333]), (1, vec![333, 333]), (0, vec![333, 333, 334])] {
        let cuts = vec![Cut { line: 0, seats: Seats::new(1) }];
        assert_eq!(house.orders.change(&id, cancel(cuts)).await.unwrap(), ChangeOutcome::Asked);
        house.ended(&id).await;
        assert_eq!(house.bank.refunds(&id), refunds);
        assert_eq!(house.seats_of(1, "ann").await.map_or(0, |(seats, _)| seats), left);
    }
    let none = ChangeOutcome::No(Changing::NoSeats { line: None });
    assert_eq!(house.orders.change(&id, cancel(vec![])).await.unwrap(), none);
    assert_eq!(house.orders.change(&order_id("o9"), cancel(vec![])).await.unwrap(), ChangeOutcome::Unknown);
    house.end().await;
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_not_made_twice() {
    let house = House::open().selling(1, 10).await;
    let id = house.place(order_of("o1", "ann", vec![line(1, "ann", 1, 1_000)])).await;
    for news in house.bank.pay(&id, eur(1_000)) {
        assert_eq!(house.orders.tell(news).await.unwrap().status(), 200);
    }
    house.ended(&id).await;
    house.bank.books().loses_answers = true;
    assert_eq!(house.orders.change(&id, cancel(vec![])).await.unwrap(), ChangeOutcome::Asked);
    until(async || house.bank.refunds(&id) == [1_000]).await;
    house.bank.books().loses_answers = false;
    let ended = async || {
        house.try_again(&id).await;
        house.orders.order(&id).await.unwrap().unwrap().end() == Some(&OrderEnd::Cancelled)
    };
    until(ended).await;
    assert_eq!(house.bank.refunds(&id), [1_000]);
    house.end().await;
}

#[tokio::test]
async fn a_chargeback_takes_the_seats_and_money_that_is_gone_is_not_given_back() {
    let house = House::open().selling(1, 10).await;
    let id = house.place(order_of("o1", "ann", vec![line(1, "ann", 1, 1_000)])).await;
    for news in house.bank.pay(&id, eur(1_000)) {
        assert_eq!(house.orders.tell(news).await.unwrap().status(), 200);
    }
    house.ended(&id).await;
    for (state, end) in
        [(DisputeState::Open, OrderEnd::Short { missing: eur(1_000) }), (DisputeState::Lost, OrderEnd::Cancelled)]
    {
        let news = house.bank.dispute(&id, &format!("ch-{id}"), eur(1_000), state);
        assert_eq!(house.orders.tell(news).await.unwrap().status(), 200);
        house.until_end(&id, &end).await;
    }
    assert_eq!(house.seats_of(1, "ann").await, None);
    assert_eq!(house.bank.refunds(&id), Vec::<i64>::new());
    house.end().await;
}

#[tokio::test]
async fn money_of_no_order_is_kept_among_the_strays() {
    let house = House::open();
    let news = house.bank.charge(&order_id("nobody"), "c", eur(1));
    for _ in 0..2 {
        assert_eq!(house.orders.tell(news.clone()).await.unwrap(), WebhookOutcome::Stray);
    }
    let strays = house.office.store().stream(&boxoffice::persist::StreamName::new("order-strays").unwrap());
    assert_eq!(strays.read().await.unwrap().len(), 1);
    house.end().await;
}

#[tokio::test]
async fn what_lost_webhooks_would_have_told_comes_with_a_statement() {
    let house = House::open().selling(1, 10).await;
    let id = house.place(order_of("o1", "ann", vec![line(1, "ann", 1, 1_000)])).await;
    drop(house.bank.pay(&id, eur(1_000)));
    drop(house.bank.charge(&id, "twice", eur(1_000)));
    let (from, until) = (house.clock.now(), house.clock.now() + MINUTE);
    let read = house.orders.statement(from, until).await.unwrap().unwrap();
    assert_eq!((read.read, read.new, read.strays), (1, 1, 0));
    house.until_end(&id, &OrderEnd::Fulfilled).await;
    assert_eq!((house.bank.balance(&id), house.bank.refunds(&id)), (1_000, vec![1_000]));
    // Nothing new since.
    let read = house.orders.statement(from, until).await.unwrap().unwrap();
    assert_eq!(read.new, 0);
    house.bank.books().is_down = true;
    assert!(house.orders.statement(from, until).await.unwrap().is_err());
    house.end().await;
}

#[tokio::test]
async fn orders_share_the_flows_of_a_host() {
    let house = House::open().selling(1, 10).await;
    let House { store, clock, bank, office, orders } = house;
    orders.shutdown().await;
    let desk = OrderDesk::new(&office, bank.clone());
    let flows = desk.set_up(Flows::builder()).start(&office).unwrap();
    let house = House { store, clock, bank, orders: desk.serve(flows.clone()), office };
    assert_eq!(house.ended_free("free").await, OrderEnd::Fulfilled);
    assert_eq!(flows.search("order/", None, 10).await.unwrap().len(), 1);
    house.end().await;
}
