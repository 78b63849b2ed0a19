//! From a list of prices to an order.

use std::collections::BTreeSet;

use boxoffice::id::{PriceListName, TicketType, VoucherCode};
use boxoffice::orders::{BadOrder, Cut, OrderChange, OrderTerms};
use boxoffice::orders::{Checkout, CheckoutOutcome, PlaceOutcome};
use boxoffice::ticket::list::{
    Basket, BasketLine, PriceCommand, PriceRefusal, SaleWindow, TicketOffer, Voucher, voucher_occurrence,
};
use boxoffice::ticket::price::{Effect, Needs, Promotion};
use futures_util::future::join_all;

use super::*;

fn season() -> PriceListName {
    PriceListName::new("season").unwrap()
}

fn adult() -> TicketType {
    TicketType::new("adult").unwrap()
}

fn costs(minor: i64) -> TicketOffer {
    TicketOffer { per_person: Some(4), ..TicketOffer::new(adult(), eur(minor)) }
}

fn spring() -> VoucherCode {
    VoucherCode::new("SPRING").unwrap()
}

impl House {
    async fn prices(&self, commands: &[PriceCommand]) {
        let replies = self.office.change_prices(&season(), commands).await.unwrap();
        assert!(replies.iter().all(|reply| reply.outcome.is_accepted()), "{replies:?}");
    }

    /// Adults for 10 EUR in evening 1, four for each buyer, and one use of a voucher for 3 EUR.
    async fn with_a_list(self) -> Self {
        let needs = Needs { code: Some("lock".to_owned()), ..Needs::default() };
        let off = Promotion::new("spring", 1, Effect::Fixed { off: eur(300) }).needs(needs);
        let commands = [
            PriceCommand::Start { currency: "EUR".parse().unwrap() },
            PriceCommand::set_ticket(costs(1_000)),
            PriceCommand::set_promotion(off),
            PriceCommand::set_voucher(Voucher { uses: Some(1), ..Voucher::new(spring(), "spring") }),
        ];
        self.prices(&commands).await;
        let house = self.selling(1, 10).await;
        assert!(house.office.set_tickets(&evening(1), &season()).await.unwrap()[0].outcome.is_accepted());
        house
    }

    async fn uses_left(&self) -> u64 {
        let uses = voucher_occurrence(&season());
        1 - self.office.roster(&uses).await.unwrap().len() as u64
    }
}

fn seats(holder: &str, count: u32) -> BasketLine {
    BasketLine { occurrence: evening(1), holder: who(holder), party: Party::of(count).with_ticket(adult()) }
}

fn checkout(id: &str, buyer: &str, lines: Vec<BasketLine>, codes: &[&str]) -> Checkout {
    let codes: BTreeSet<String> = codes.iter().map(|code| (*code).to_owned()).collect();
    let basket = Basket { codes, lines, ..Basket::default() };
    Checkout::new(season(), order_id(id), who(buyer), "An evening", basket)
}

fn total_of(outcome: &CheckoutOutcome) -> Option<i64> {
    if let CheckoutOutcome::Placed { quote } = outcome { Some(quote.total.minor()) } else { None }
}

#[tokio::test]
async fn a_checkout_is_an_order_at_the_prices_of_that_moment_and_a_use_of_its_voucher() {
    let house = House::open().with_a_list().await;
    let asked = checkout("o1", "ann", vec![seats("ann", 2), seats("bob", 1)], &["SPRING"]);
    let terms = OrderTerms { session_for: 5 * MINUTE, ..OrderTerms::default() };
    let asked = Checkout { terms: terms.clone(), back_to: Some("https://theatre.example".to_owned()), ..asked };
    assert_eq!(total_of(&house.orders.checkout(asked).await.unwrap()), Some(2_700));
    let order = house.rests(&order_id("o1")).await;
    assert_eq!(order.placed().terms, terms);
    assert_eq!(order.placed().back_to.as_deref(), Some("https://theatre.example"));
    assert_eq!((order.owed(), order.lines().len(), house.uses_left().await), (eur(2_700), 3, 0));
    // Dearer by now; the order is not.
    house.prices(&[PriceCommand::set_ticket(costs(9_900))]).await;
    for news in house.bank.pay(&order_id("o1"), eur(2_700)) {
        assert_eq!(house.orders.tell(news).await.unwrap().status(), 200);
    }
    assert_eq!(house.ended(&order_id("o1")).await, OrderEnd::Fulfilled);
    assert_eq!((house.seats_of(1, "ann").await, house.seats_of(1, "bob").await), (Some((2, true)), Some((1, true))));
    // Seats and money go back, and with the last seat the use.
    let cancel = |cuts: Vec<Cut>| OrderChange::Cancel { cuts, kept: None, reason: "asked".to_owned() };
    let change = cancel(vec![Cut { line: 1, seats: Seats::new(1) }]);
    assert!(house.orders.change(&order_id("o1"), change).await.is_ok());
    house.until_end(&order_id("o1"), &OrderEnd::Fulfilled).await;
    assert_eq!(house.uses_left().await, 0);
    assert!(house.orders.change(&order_id("o1"), cancel(vec![])).await.is_ok());
    house.until_end(&order_id("o1"), &OrderEnd::Cancelled).await;
    assert_eq!((house.bank.balance(&order_id("o1")), house.uses_left().await), (0, 1));
    house.end().await;
}

#[tokio::test]
async fn the_same_checkout_is_one_order_though_prices_change() {
    let house = House::open().with_a_list().await;
    let asked = checkout("o1", "ann", vec![seats("ann", 2)], &["SPRING"]);
    assert_eq!(total_of(&house.orders.checkout(asked.clone()).await.unwrap()), Some(1_700));
    let sale = SaleWindow { until: Some(Timestamp::EPOCH), ..SaleWindow::default() };
    house.prices(&[PriceCommand::set_ticket(TicketOffer { sale, ..costs(9_900) })]).await;
    house.prices(&[PriceCommand::WithdrawVoucher { code: spring() }]).await;
    assert_eq!(house.orders.checkout(asked.clone()).await.unwrap(), CheckoutOutcome::Already);
    let house = house.restart().await;
    assert_eq!(house.orders.checkout(asked.clone()).await.unwrap(), CheckoutOutcome::Already);
    assert_eq!(house.rests(&order_id("o1")).await.total(), eur(1_700));
    // Whatever else goes by this id is another order.
    let lines = |count| vec![seats("ann", count)];
    for other in [
        checkout("o1", "bob", lines(2), &["SPRING"]),
        checkout("o1", "ann", lines(1), &["SPRING"]),
        checkout("o1", "ann", lines(2), &[]),
        Checkout { title: "Another".to_owned(), ..asked.clone() },
        Checkout { list: PriceListName::new("other").unwrap(), ..asked },
    ] {
        let taken = CheckoutOutcome::NotPlaced(PlaceOutcome::IdTaken);
        assert_eq!(house.orders.checkout(other).await.unwrap(), taken);
    }
    assert_eq!(house.bank.books().opened, 1);
    house.end().await;
}

#[tokio::test]
async fn of_the_same_checkout_many_times_at_once_one_is_placed() {
    let house = House::open().with_a_list().await;
    let asked = checkout("o1", "ann", vec![seats("ann", 2)], &["SPRING"]);
    let changes = (1..=20).map(async |price| house.prices(&[PriceCommand::set_ticket(costs(2_000 + price))]).await);
    let asks = (0..20).map(|_| house.orders.checkout(asked.clone()));
    let (answers, changed) = futures_util::future::join(join_all(asks), join_all(changes)).await;
    assert_eq!(changed.len(), 20);
    let answers: Vec<CheckoutOutcome> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| matches!(answer, CheckoutOutcome::Placed { .. })).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == CheckoutOutcome::Already).count(), 19);
    house.end().await;
}

#[tokio::test]
async fn an_order_that_is_placed_many_times_at_once_does_not_stand_in_its_own_way() {
    let house = House::open().selling(1, 10).await;
    // The claims of the holder, and how many a buyer may have: either would refuse the order a second time.
    for (id, per_person) in [("o1", None), ("o2", Some(2))] {
        let order = order_of(id, id, vec![OrderLine { per_person, ..line(1, id, 2, 2_000) }]);
        let answers = join_all((0..20).map(|_| house.orders.place(order.clone()))).await;
        let count = |of: PlaceOutcome| answers.iter().filter(|answer| **answer == Ok(of.clone())).count();
        assert_eq!((count(PlaceOutcome::Placed), count(PlaceOutcome::Already)), (1, 19), "{answers:?}");
    }
    house.end().await;
}

#[tokio::test]
async fn what_is_not_sold_is_answered_and_nothing_is_recorded() {
    let house = House::open().with_a_list().await;
    let place = async |asked: Checkout| house.orders.checkout(asked).await.unwrap();
    let other_list = Checkout { list: PriceListName::new("none").unwrap(), ..checkout("o2", "ann", vec![], &[]) };
    let unknown = PriceRefusal::UnknownCode { code: "NO".to_owned() };
    let too_many = PriceRefusal::TooMany { ticket: adult(), occurrence: evening(1), max: 4 };
    let many: Vec<BasketLine> = (0..41).map(|n| BasketLine { occurrence: evening(n), ..seats("ann", 1) }).collect();
    let table = [
        (other_list, CheckoutOutcome::UnknownList),
        (checkout("o2", "ann", vec![], &[]), CheckoutOutcome::Refused(PriceRefusal::Empty)),
        (checkout("o2", "ann", vec![seats("ann", 1)], &["NO"]), CheckoutOutcome::Refused(unknown)),
        (checkout("o2", "ann", vec![seats("ann", 5)], &[]), CheckoutOutcome::Refused(too_many)),
        (
            checkout("o2", "ann", many, &[]),
            CheckoutOutcome::NotPlaced(PlaceOutcome::Bad(BadOrder::LineCount { lines: 41 })),
        ),
    ];
    for (asked, expected) in table {
        assert_eq!(place(asked).await, expected);
    }
    // Of four that one buyer may have, three are ordered; the basket alone has few enough.
    assert_eq!(total_of(&place(checkout("o1", "ann", vec![seats("ann", 3)], &[])).await), Some(3_000));
    let too_many = CheckoutOutcome::NotPlaced(PlaceOutcome::TooMany { line: 0, max: 4 });
    assert_eq!(place(checkout("o2", "ann", vec![seats("bob", 2)], &[])).await, too_many);
    assert_eq!(house.orders.order(&order_id("o2")).await.unwrap(), None);
    assert_eq!(total_of(&place(checkout("o2", "ann", vec![seats("bob", 1)], &[])).await), Some(1_000));
    house.end().await;
}
