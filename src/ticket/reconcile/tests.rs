//! Books that agree, and books that do not.

use super::*;
use crate::booking::Party;
use crate::persist::Seq;
use crate::ticket::Money;
use crate::ticket::order::{Came, Cut, NewOrder, OrderEnd, OrderEvent, OrderLine, Seated};
use crate::ticket::payment::{ChargeId, DisputeId, RefundId};
use crate::time::Timestamp;

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

fn charge(name: &str, captured: Money) -> PaymentFact {
    PaymentFact::Charge { charge: ChargeId::new(name).unwrap(), captured }
}

fn refund(name: &str, of: &str, minor: i64, state: RefundState) -> PaymentFact {
    let (charge, refund) = (ChargeId::new(of).unwrap(), RefundId::new(name).unwrap());
    PaymentFact::Refund { charge, refund, amount: eur(minor), state }
}

fn dispute(of: &str, minor: i64, state: DisputeState) -> PaymentFact {
    let (charge, dispute) = (ChargeId::new(of).unwrap(), DisputeId::new("d").unwrap());
    PaymentFact::Dispute { charge, dispute, amount: eur(minor), state }
}

fn evening() -> OccurrenceId {
    "evening@20260105T190000".parse().unwrap()
}

fn ann() -> AttendeeId {
    AttendeeId::new("ann").unwrap()
}

/// An order of two seats for 20 EUR, and what happened to it.
fn order(events: &[OrderEvent]) -> Order {
    let line = OrderLine::new(evening(), ann(), Party::of(2), eur(2_000));
    let placed = NewOrder::new(OrderId::new("o").unwrap(), ann(), "Evening", vec![line]);
    let at = Timestamp::from_millis(1);
    let placed = OrderEvent::Placed { order: Box::new(placed), gateway: "bank".to_owned() };
    let mut order = Order::begin(Seq::FIRST, at, &placed).unwrap();
    for event in events {
        order.evolve(order.seq().next(), at, event);
    }
    order
}

fn told(facts: Vec<PaymentFact>) -> OrderEvent {
    let came = facts.iter().map(|_| Came::Paid).collect();
    OrderEvent::Told { news: None, facts, came }
}

fn closed() -> OrderEvent {
    OrderEvent::Closed { end: OrderEnd::Fulfilled }
}

fn confirmed() -> OrderEvent {
    OrderEvent::LineConfirmed { line: 0, how: Seated::Held }
}

/// The books of one order, with so many confirmed seats at the owner, and what the gateway has.
fn differences(order: &Order, seats: Option<u32>, gateway: &[PaymentFact]) -> Vec<Difference> {
    let mut books = Books::new();
    books.order(order);
    if let Some(seats) = seats {
        books.party(&evening(), &ann(), "confirmed", seats);
    }
    books.gateway(&order.placed().id, gateway);
    books.asked(&order.placed().id);
    books.differences().unwrap()
}

#[test]
fn the_rules_compile_without_a_warning_and_name_every_difference() {
    let source = Source { name: "reconcile.dl".into(), text: RULES.into() };
    let (program, warnings) = compile(&[source], &Functions::new()).unwrap();
    assert_eq!(warnings, []);
    assert!(RELATIONS.iter().all(|relation| program.find(relation).is_some()));
    let derived = program.predicates().iter().filter(|predicate| predicate.derived).count();
    assert_eq!(derived, RELATIONS.len() + 5, "live, owed, balance, left_of, ours and sold, of which live are facts");
}

#[test]
fn books_that_agree_differ_in_nothing() {
    let paid = charge("c", eur(2_000));
    let back = refund("r", "c", 2_000, RefundState::Succeeded);
    let cut = Cut { line: 0, seats: crate::booking::Seats::new(2) };
    let cases = [
        (vec![confirmed(), told(vec![paid.clone()]), closed()], Some(2), vec![paid.clone()]),
        (
            vec![confirmed(), told(vec![paid.clone(), back.clone()]), OrderEvent::SeatsGivenUp { cut }, closed()],
            None,
            vec![paid.clone(), back.clone()],
        ),
        (vec![OrderEvent::LineReleased { line: 0 }, closed()], None, vec![]),
        // Under way: nothing is to be compared yet but with the gateway.
        (vec![confirmed()], None, vec![]),
    ];
    for (events, seats, gateway) in cases {
        assert_eq!(differences(&order(&events), seats, &gateway), [], "{events:?}");
    }
}

#[test]
fn each_difference_is_found() {
    let (paid, half) = (charge("c", eur(2_000)), charge("c", eur(1_000)));
    let dollars = charge("x", Money::new(500, "USD".parse().unwrap()));
    let order_name = || "o".to_owned();
    let (occurrence, holder) = (evening().to_string(), "ann".to_owned());
    let over = Difference::PaidNotOrdered { order: order_name(), minor: 2_000 };
    let under = |minor| Difference::OrderedNotPaid { order: order_name(), minor };
    let missing = Difference::SeatsMissing {
        order: order_name(),
        line: 0,
        occurrence: occurrence.clone(),
        holder: holder.clone(),
    };
    let unpaid = Difference::SeatsUnpaid { order: order_name(), line: 0, occurrence, holder };
    let differs = |charge: &str, ours, theirs| Difference::GatewayDiffers {
        order: order_name(),
        charge: charge.to_owned(),
        currency: "EUR".to_owned(),
        ours,
        theirs,
    };
    let released = || OrderEvent::LineReleased { line: 0 };
    let cases = [
        // A charge that the gateway does not have, and one of which nothing was told, though together they are as much.
        (
            vec![confirmed(), told(vec![paid.clone()]), closed()],
            Some(2),
            vec![charge("d", eur(2_000))],
            vec![differs("c", 2_000, 0), differs("d", 0, 2_000)],
        ),
        (vec![released(), told(vec![paid.clone()]), closed()], None, vec![paid.clone()], vec![over]),
        (vec![confirmed(), told(vec![half.clone()]), closed()], Some(2), vec![half.clone()], vec![under(1_000)]),
        (
            vec![confirmed(), told(vec![paid.clone(), dispute("c", 2_000, DisputeState::Open)]), closed()],
            Some(2),
            vec![paid.clone(), dispute("c", 2_000, DisputeState::Open)],
            vec![under(2_000)],
        ),
        (
            vec![confirmed(), told(vec![paid.clone(), dollars.clone()]), closed()],
            Some(2),
            vec![paid.clone(), dollars],
            vec![Difference::OtherMoney {
                order: order_name(),
                charge: "x".into(),
                currency: "USD".into(),
                minor: 500,
            }],
        ),
        (
            vec![confirmed(), told(vec![paid.clone()]), closed()],
            Some(2),
            vec![paid.clone(), refund("r", "c", 300, RefundState::Pending), refund("s", "c", 5, RefundState::Failed)],
            vec![differs("c", 2_000, 1_700)],
        ),
        (vec![confirmed(), told(vec![paid.clone()]), closed()], Some(1), vec![paid.clone()], vec![missing]),
        (vec![released(), closed()], Some(2), vec![], vec![unpaid]),
    ];
    for (events, seats, gateway, expected) in cases {
        assert_eq!(differences(&order(&events), seats, &gateway), expected, "{events:?}");
    }
    let mut books = Books::new();
    books.gateway(&OrderId::new("nobody").unwrap(), &[charge("c", eur(7))]);
    let stray = Difference::NoSuchOrder { order: "nobody".into(), charge: "c".into(), minor: 7 };
    assert_eq!(books.differences().unwrap(), [stray]);
}
