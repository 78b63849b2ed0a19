//! Whether money, seats and orders agree, as the running office is asked.

use boxoffice::orders::{Difference, OrderChange, PaymentGateway, Reconciled, SessionAsk, WebhookOutcome};

use super::*;

impl House {
    pub(super) async fn compared(&self) -> (u64, Vec<Difference>) {
        let found = self.orders.reconcile(Timestamp::EPOCH, Timestamp::MAX).await.unwrap();
        let Reconciled::Done { orders, differences, .. } = found else { unreachable!("{found:?}") };
        (orders, differences)
    }

    async fn bought(&self, id: &str, holder: &str, seats: u32, minor: i64) -> OrderId {
        let id = self.place(order_of(id, holder, vec![line(1, holder, seats, minor)])).await;
        for news in self.bank.pay(&id, eur(minor)) {
            assert_eq!(self.orders.tell(news).await.unwrap().status(), 200);
        }
        assert_eq!(self.ended(&id).await, OrderEnd::Fulfilled);
        id
    }

    async fn cancel(&self, id: &OrderId) {
        let change = OrderChange::Cancel { cuts: vec![], kept: None, reason: "asked".to_owned() };
        assert!(self.orders.change(id, change).await.is_ok());
        assert!(self.orders.until(id, |order| order.end() == Some(&OrderEnd::Cancelled)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn what_was_sold_given_back_or_never_paid_agrees() {
    let house = House::open().selling(1, 20).await;
    assert_eq!(house.compared().await, (0, vec![]));
    house.bought("o1", "ann", 2, 2_000).await;
    let given_back = house.bought("o2", "bob", 2, 2_000).await;
    house.cancel(&given_back).await;
    // The next order of the same holder has the seats that the one before has not any more.
    house.bought("o3", "bob", 1, 1_000).await;
    house.place(order_of("o4", "cyd", vec![line(1, "cyd", 1, 1_000)])).await;
    assert_eq!(house.compared().await, (4, vec![]));
    house.pass(33 * MINUTE);
    house.until_end(&order_id("o4"), &OrderEnd::Unpaid).await;
    assert_eq!(house.compared().await, (4, vec![]));
    house.end().await;
}

#[tokio::test]
async fn money_of_which_nothing_was_told_is_a_difference_until_the_statement_is_read() {
    let house = House::open().selling(1, 20).await;
    let id = house.place(order_of("o1", "ann", vec![line(1, "ann", 2, 2_000)])).await;
    assert_eq!(house.bank.pay(&id, eur(2_000)).len(), 2);
    let differs = Difference::GatewayDiffers {
        order: "o1".to_owned(),
        charge: "ch-o1".to_owned(),
        currency: "EUR".to_owned(),
        ours: 0,
        theirs: 2_000,
    };
    assert_eq!(house.compared().await, (1, vec![differs]));
    // Outside of the window nothing is asked.
    let before = house.orders.reconcile(Timestamp::EPOCH, house.clock.now()).await.unwrap();
    assert_eq!(before, Reconciled::Done { orders: 1, unnamed: 0, differences: vec![] });
    let read = house.orders.statement(Timestamp::EPOCH, Timestamp::MAX).await.unwrap().unwrap();
    assert_eq!((read.read, read.new), (1, 1));
    house.until_end(&id, &OrderEnd::Fulfilled).await;
    assert_eq!(house.compared().await, (1, vec![]));
    house.end().await;
}

#[tokio::test]
async fn money_of_no_order_is_found_and_a_gateway_that_is_down_is_said() {
    let house = House::open().selling(1, 20).await;
    let ask = SessionAsk {
        order: order_id("nobody"),
        attempt: 1,
        amount: eur(700),
        title: String::new(),
        until: house.clock.now() + MINUTE,
        back_to: None,
    };
    assert!(house.bank.open(&ask).await.is_ok());
    for news in house.bank.pay(&order_id("nobody"), eur(700)) {
        // Of a session alone nothing is kept.
        let is_money = news.facts.iter().any(|fact| fact.charge().is_some());
        let wanted = if is_money { WebhookOutcome::Stray } else { WebhookOutcome::Nothing };
        assert_eq!(house.orders.tell(news).await.unwrap(), wanted);
    }
    let stray = Difference::NoSuchOrder { order: "nobody".to_owned(), charge: "ch-nobody".to_owned(), minor: 700 };
    assert_eq!(house.compared().await, (0, vec![stray]));
    house.bank.books().is_down = true;
    let down = house.orders.reconcile(Timestamp::EPOCH, Timestamp::MAX).await.unwrap();
    assert!(matches!(down, Reconciled::NoStatement(_)), "{down:?}");
    house.end().await;
}

#[tokio::test]
async fn seats_that_somebody_gave_or_took_beside_the_orders_are_found() {
    let house = House::open().selling(1, 20).await;
    house.bought("o1", "ann", 2, 2_000).await;
    let given_up = house.bought("o2", "bob", 2, 2_000).await;
    house.cancel(&given_up).await;
    assert!(house.office.cancel(&evening(1), &who("ann")).await.unwrap().outcome.is_accepted());
    assert!(house.office.book(&evening(1), &who("bob")).await.unwrap().outcome.is_accepted());
    // Whoever never ordered is nobody's difference.
    assert!(house.office.book(&evening(1), &who("eve")).await.unwrap().outcome.is_accepted());
    let (order, occurrence) = (|id: &str| id.to_owned(), evening(1).to_string());
    let missing =
        Difference::SeatsMissing { order: order("o1"), line: 0, occurrence: occurrence.clone(), holder: order("ann") };
    let unpaid = Difference::SeatsUnpaid { order: order("o2"), line: 0, occurrence, holder: order("bob") };
    assert_eq!(house.compared().await, (2, vec![missing, unpaid]));
    house.end().await;
}

#[tokio::test]
async fn orders_are_compared_however_many_there_are_and_while_they_change() {
    let house = House::open().selling(1, 2_000).await;
    let names: Vec<String> = (0..300).map(|n| format!("o{n}")).collect();
    for name in &names {
        let order = order_of(name, name, vec![line(1, name, 1, 0)]);
        assert_eq!(house.orders.place(order).await.unwrap(), PlaceOutcome::Placed);
    }
    // Some have their seats by now and some have not: none is a difference.
    let (orders, differences) = house.compared().await;
    assert_eq!((orders, differences), (300, vec![]));
    for name in &names {
        assert_eq!(house.ended(&order_id(name)).await, OrderEnd::Fulfilled);
    }
    let changes = futures_util::future::join_all(names.iter().map(async |name| house.cancel(&order_id(name)).await));
    let (found, _) = futures_util::future::join(house.compared(), changes).await;
    assert_eq!(found, (300, vec![]));
    assert_eq!(house.compared().await, (300, vec![]));
    house.end().await;
}
