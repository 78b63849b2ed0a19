//! What becomes of orders, one story each.

use super::world::*;
use crate::id::AttendeeId;
use crate::ticket::Money;
use crate::ticket::order::*;
use crate::ticket::payment::*;

pub(super) fn end(world: &World) -> OrderEnd {
    world.order.end().cloned().unwrap_or_else(|| panic!("{:?}", world.events))
}

pub(super) fn paid(lines: Vec<OrderLine>) -> World {
    let mut world = World::selling(lines);
    let total = world.order.total();
    for news in world.bank.pay("c1", total) {
        world.hear(&news);
    }
    world.run();
    assert_eq!(end(&world), OrderEnd::Fulfilled);
    world
}

#[test]
fn an_order_is_held_opened_paid_and_confirmed() {
    let mut world = World::selling(vec![line(0, 2, 2_000), line(1, 1, 1_500)]);
    let session = world.order.session().unwrap().clone();
    let until = session.until + world.order.placed().terms.grace;
    assert_eq!(world.has(0), Some(Has::Held { seats: 2, until }), "as long as the session, and the grace");
    assert_eq!(world.run(), Next::Wait { until: session.until });
    let news = world.bank.pay("c1", eur(3_500));
    assert_eq!(world.hear(&news[0]), [Came::Paid]);
    assert_eq!(world.run(), Next::Done(OrderEnd::Fulfilled));
    assert_eq!(world.hear(&news[1]), [Came::Known], "the gateway was asked before");
    world.assert_squared();
    assert_eq!((world.has(0), world.has(1)), (Some(Has::Confirmed { seats: 2 }), Some(Has::Confirmed { seats: 1 })));
}

#[test]
fn an_order_that_is_not_paid_lets_its_seats_go_once_the_session_is_over() {
    let mut world = World::selling(vec![line(0, 2, 2_000)]);
    assert!(matches!(world.pass(29 * MINUTE), Next::Wait { .. }));
    assert_eq!(world.pass(MINUTE), Next::Done(OrderEnd::Unpaid));
    assert_eq!(world.bank.session.as_ref().unwrap().1, SessionState::Expired);
    world.assert_squared();
}

#[test]
fn a_webhook_that_was_lost_is_asked_for_at_the_end() {
    let mut world = World::selling(vec![line(0, 2, 2_000)]);
    drop(world.bank.pay("c1", eur(2_000)));
    assert_eq!(world.pass(30 * MINUTE), Next::Done(OrderEnd::Fulfilled));
    world.assert_squared();
}

#[test]
fn seats_are_let_go_after_the_grace_though_the_gateway_cannot_be_asked_and_the_session_is_ended_later() {
    let mut world = World::selling(vec![line(0, 2, 2_000)]);
    world.is_down = true;
    assert!(matches!(world.pass(30 * MINUTE), Next::Do(Action::Expire(_))));
    assert!(matches!(world.pass(2 * MINUTE), Next::Do(Action::Expire(_))));
    assert_eq!(world.has(0), None);
    assert_eq!(world.order.lines()[0].state, LineState::Released);
    world.is_down = false;
    assert_eq!(world.run(), Next::Done(OrderEnd::Unpaid));
    world.assert_squared();
}

#[test]
fn a_late_payment_has_its_seats_again_or_goes_back() {
    for (is_full, came_to) in [(false, OrderEnd::Fulfilled), (true, OrderEnd::TooLate)] {
        let mut world = World::selling(vec![line(0, 2, 2_000)]);
        world.pass(32 * MINUTE);
        assert_eq!(end(&world), OrderEnd::Unpaid);
        world.sell_out(is_full);
        let news = world.bank.charge("c1", eur(2_000));
        assert_eq!(world.hear(&news[0]), [Came::PaidLate]);
        assert_eq!(world.run(), Next::Done(came_to));
        world.assert_squared();
        assert_eq!(world.bank.balance(), if is_full { 0 } else { 2_000 });
    }
}

#[test]
fn of_two_charges_the_second_goes_back() {
    let mut world = paid(vec![line(0, 2, 2_000)]);
    let news = world.bank.charge("c2", eur(2_000));
    assert_eq!(world.hear(&news[0]), [Came::PaidTooMuch { excess: eur(2_000) }]);
    assert_eq!(world.run(), Next::Done(OrderEnd::Fulfilled));
    assert_eq!(world.bank.refunds.len(), 1);
    world.assert_squared();
}

#[test]
fn a_capture_in_part_gives_no_seats_and_goes_back_in_the_end() {
    let mut world = World::selling(vec![line(0, 2, 2_000)]);
    let news = world.bank.pay("c1", eur(1_500));
    assert_eq!(world.hear(&news[0]), [Came::PaidInPart { missing: eur(500) }]);
    assert!(matches!(world.run(), Next::Wait { .. }));
    // The rest may still be captured.
    let rest = world.bank.charge("c1", eur(2_000));
    let mut all = world.clone();
    assert_eq!(all.hear(&rest[0]), [Came::Paid]);
    assert_eq!(all.run(), Next::Done(OrderEnd::Fulfilled));
    all.assert_squared();
    world.bank.charges.insert(ChargeId::new("c1").unwrap(), eur(1_500));
    assert_eq!(world.pass(30 * MINUTE), Next::Done(OrderEnd::Unpaid));
    assert_eq!(world.bank.balance(), 0);
    world.assert_squared();
}

#[test]
fn money_of_another_currency_goes_back() {
    let mut world = World::selling(vec![line(0, 2, 2_000)]);
    let news = world.bank.charge("c1", Money::new(2_000, "USD".parse().unwrap()));
    assert_eq!(world.hear(&news[0]), [Came::OtherCurrency]);
    assert_eq!(world.pass(30 * MINUTE), Next::Done(OrderEnd::Unpaid));
    assert_eq!(world.bank.balance(), 0);
}

#[test]
fn a_seat_that_is_given_up_is_worth_its_share_frozen_at_the_sale() {
    let mut world = paid(vec![line(0, 3, 1_000)]);
    let shares = [(333, 667), (333, 334), (334, 0)];
    for (back, left) in shares {
        let before = world.bank.balance();
        let asked = OrderChange::Cancel { cuts: vec![cut(0, 1)], kept: None, reason: "ill".to_owned() };
        let Changing::Do(event) = world.order.change_asked(asked) else { panic!("refused") };
        world.record(event);
        world.run();
        assert_eq!((before - world.bank.balance(), world.bank.balance()), (back, left));
        world.assert_squared();
    }
    assert_eq!(end(&world), OrderEnd::Cancelled);
}

#[test]
fn a_fee_is_kept_and_no_more_than_the_seats_cost() {
    let mut world = paid(vec![line(0, 2, 2_000), line(1, 1, 500)]);
    let asked = |kept| OrderChange::Cancel { cuts: vec![cut(0, 2)], kept: Some(eur(kept)), reason: String::new() };
    assert_eq!(world.order.change_asked(asked(2_001)), Changing::Amount { max: eur(2_000) });
    assert_eq!(world.order.change_asked(asked(-1)), Changing::Amount { max: eur(2_000) });
    let Changing::Do(event) = world.order.change_asked(asked(300)) else { panic!("refused") };
    world.record(event);
    assert_eq!(world.run(), Next::Done(OrderEnd::Fulfilled), "the other line stands");
    assert_eq!(world.bank.balance(), 800);
    world.assert_squared();
}

#[test]
fn what_cannot_be_cancelled_is_refused_by_name() {
    let world = paid(vec![line(0, 2, 2_000)]);
    let asked = |cuts| OrderChange::Cancel { cuts, kept: None, reason: String::new() };
    for (cuts, line) in
        [(vec![cut(0, 3)], 0), (vec![cut(7, 1)], 7), (vec![cut(0, 0)], 0), (vec![cut(0, 1), cut(0, 2)], 0)]
    {
        assert_eq!(world.order.change_asked(asked(cuts)), Changing::NoSeats { line: Some(line) });
    }
    let reason = "x".repeat(301);
    let asked = OrderChange::Allow { amount: eur(1), reason };
    assert_eq!(world.order.change_asked(asked), Changing::Reason { max: 300 });
    let asked = OrderChange::Allow { amount: eur(2_001), reason: String::new() };
    assert_eq!(world.order.change_asked(asked), Changing::Amount { max: eur(2_000) });
}

#[test]
fn an_allowance_goes_back_and_the_seats_stay() {
    let mut world = paid(vec![line(0, 2, 2_000)]);
    for amount in [500, 1_500] {
        let asked = OrderChange::Allow { amount: eur(amount), reason: "it rained".to_owned() };
        let Changing::Do(event) = world.order.change_asked(asked) else { panic!("refused") };
        world.record(event);
        assert_eq!(world.run(), Next::Done(OrderEnd::Fulfilled));
        world.assert_squared();
    }
    assert_eq!(world.bank.balance(), 0);
    assert_eq!(world.has(0), Some(Has::Confirmed { seats: 2 }));
}

#[test]
fn an_allowance_ends_with_its_seats_and_does_not_eat_what_is_kept_of_others() {
    let mut world = paid(vec![line(0, 2, 4_800)]);
    let cancel = |kept| OrderChange::Cancel { cuts: vec![cut(0, 1)], kept: Some(eur(kept)), reason: String::new() };
    let allow = OrderChange::Allow { amount: eur(600), reason: String::new() };
    for (asked, left) in [(cancel(200), 2_600), (allow, 2_000), (cancel(0), 200)] {
        let Changing::Do(event) = world.order.change_asked(asked) else { panic!("refused") };
        world.record(event);
        world.run();
        assert_eq!(world.bank.balance(), left);
        world.assert_squared();
    }
}

#[test]
fn an_order_that_is_cancelled_before_it_is_paid_cannot_be_paid_any_more() {
    let mut world = World::selling(vec![line(0, 2, 2_000)]);
    let asked = OrderChange::Cancel { cuts: vec![], kept: None, reason: String::new() };
    let Changing::Do(event) = world.order.change_asked(asked) else { panic!("refused") };
    world.record(event);
    assert_eq!(world.run(), Next::Done(OrderEnd::Cancelled));
    assert!(world.bank.pay("c1", eur(2_000)).is_empty(), "the session is over");
    let is_confirmed = world.events.iter().any(|event| matches!(event, OrderEvent::LineConfirmed { .. }));
    assert!(!is_confirmed, "{:?}", world.events);
    world.assert_squared();
}

#[test]
fn a_refund_made_at_the_gateway_takes_the_seats_once_nothing_is_left() {
    let mut world = paid(vec![line(0, 2, 2_000)]);
    let charge = ChargeId::new("c1").unwrap();
    for (amount, came_to) in [(500, OrderEnd::Short { missing: eur(500) }), (1_500, OrderEnd::Cancelled)] {
        let fact = world.bank.refund(&charge, eur(amount), None, RefundState::Succeeded);
        let news = world.bank.news(fact);
        assert_eq!(world.hear(&news), [Came::RefundedElsewhere]);
        assert_eq!(world.run(), Next::Done(came_to));
        world.assert_squared();
    }
}

#[test]
fn a_chargeback_takes_the_seats_and_a_dispute_that_is_won_does_not() {
    for (state, came, came_to) in [
        (DisputeState::Lost, Came::ChargedBack, OrderEnd::Cancelled),
        (DisputeState::Won, Came::DisputeWon, OrderEnd::Fulfilled),
    ] {
        let mut world = paid(vec![line(0, 2, 2_000)]);
        let news = world.bank.dispute("c1", eur(2_000), DisputeState::Open);
        assert_eq!(world.hear(&news), [Came::Disputed]);
        assert_eq!(world.run(), Next::Done(OrderEnd::Short { missing: eur(2_000) }));
        assert_eq!(world.has(0), Some(Has::Confirmed { seats: 2 }), "nothing is decided");
        let news = world.bank.dispute("c1", eur(2_000), state);
        assert_eq!(world.hear(&news), [came]);
        assert_eq!(world.run(), Next::Done(came_to));
        world.assert_squared();
        assert_eq!(world.bank.refunds.len(), 0, "money that was charged back is not given back too");
    }
}

#[test]
fn a_refund_that_comes_to_nothing_is_asked_for_twice_more_then_of_another_charge_and_one_that_is_refused_waits() {
    let mut world = paid(vec![line(0, 2, 2_000)]);
    let news = world.bank.charge("c2", eur(2_000));
    world.hear(&news[0]);
    world.run();
    for failed in 1..=6 {
        assert_eq!(world.bank.refunds.len(), failed);
        let id = RefundId::new(format!("re{failed}")).unwrap();
        let (charge, amount, state, _) = world.bank.refunds.get_mut(&id).unwrap();
        *state = RefundState::Failed;
        let fact =
            PaymentFact::Refund { charge: charge.clone(), refund: id, amount: *amount, state: RefundState::Failed };
        let news = world.bank.news(fact);
        assert_eq!(world.hear(&news), [Came::RefundFailed]);
        world.run();
    }
    assert_eq!(world.bank.refunds.len(), 6);
    assert_eq!(end(&world), OrderEnd::RefundStuck { left: eur(2_000) });

    let mut world = paid(vec![line(0, 2, 2_000)]);
    let news = world.bank.charge("c2", eur(2_000));
    world.hear(&news[0]);
    world.bank.refuses_refunds = true;
    assert_eq!(world.run(), Next::Done(OrderEnd::RefundStuck { left: eur(2_000) }));
    world.bank.refuses_refunds = false;
    let Changing::Do(event) = world.order.change_asked(OrderChange::Reopen) else { panic!("refused") };
    world.record(event);
    assert_eq!(world.run(), Next::Done(OrderEnd::Fulfilled));
    world.assert_squared();
}

#[test]
fn seats_that_cannot_all_be_had_are_not_kept() {
    let mut world = World::new(vec![line(0, 2, 2_000), line(1, 1, 500)]);
    let Next::Do(first) = world.order.next(world.now) else { panic!("nothing to do") };
    let event = world.act(&first).unwrap();
    world.record(event);
    world.sell_out(true);
    assert_eq!(world.run(), Next::Done(OrderEnd::Refused));
    world.assert_squared();
}

#[test]
fn a_gateway_without_a_session_costs_nobody_a_seat() {
    let mut world = World::new(vec![line(0, 2, 2_000)]);
    world.bank.refuses_sessions = true;
    assert_eq!(world.run(), Next::Done(OrderEnd::NoSession));
    world.assert_squared();
    let mut world = World::new(vec![line(0, 2, 2_000)]);
    world.is_down = true;
    assert!(matches!(world.run(), Next::Do(Action::Open(_))));
    assert_eq!(world.pass(33 * MINUTE), Next::Done(OrderEnd::Unpaid), "the hold has lapsed");
    world.assert_squared();
}

#[test]
fn what_costs_nothing_needs_no_gateway() {
    let mut world = World::new(vec![line(0, 2, 0)]);
    world.is_down = true;
    assert_eq!(world.run(), Next::Done(OrderEnd::Fulfilled));
    world.assert_squared();
}

#[test]
fn a_voucher_that_cannot_be_had_again_takes_a_late_order_with_it_and_is_given_back_with_the_last_seat() {
    let voucher = OrderLine { voucher: true, ..line(1, 1, 0) };
    let mut world = World::selling(vec![line(0, 2, 2_000), voucher.clone()]);
    world.pass(32 * MINUTE);
    // Somebody else has had the last use meanwhile, and there are seats.
    let uses = world.order.lines()[1].line.occurrence.clone();
    world.hall.block(&uses, true, world.now);
    let news = world.bank.charge("c1", eur(2_000));
    world.hear(&news[0]);
    assert_eq!(world.run(), Next::Done(OrderEnd::TooLate));
    assert_eq!(world.bank.balance(), 0);

    let mut world = paid(vec![line(0, 2, 2_000), voucher]);
    assert_eq!(world.has(1), Some(Has::Confirmed { seats: 1 }));
    let asked = OrderChange::Cancel { cuts: vec![], kept: None, reason: String::new() };
    let Changing::Do(event) = world.order.change_asked(asked) else { panic!("refused") };
    world.record(event);
    world.run();
    assert_eq!(end(&world), OrderEnd::Cancelled);
    world.assert_squared();
}

#[test]
fn orders_that_cannot_be_placed_are_refused_by_name() {
    let new = |lines| NewOrder::new(order_id(), AttendeeId::new("ann").unwrap(), "Evening", lines);
    let dollars = OrderLine { net: Money::new(1, "USD".parse().unwrap()), ..line(1, 1, 1) };
    let cases = [
        (new(vec![]), BadOrder::LineCount { lines: 0 }),
        (new((0..41).map(|number| line(number, 1, 1)).collect()), BadOrder::LineCount { lines: 41 }),
        (new(vec![OrderLine { voucher: true, ..line(0, 1, 0) }]), BadOrder::LineCount { lines: 1 }),
        (new(vec![line(0, 1, 1), line(1, 0, 1)]), BadOrder::Line { line: 1 }),
        (new(vec![line(0, 1, -1)]), BadOrder::Line { line: 0 }),
        (new(vec![line(0, 1, 1), line(0, 1, 1)]), BadOrder::HolderTwice { line: 1 }),
        (new(vec![line(0, 1, 1), dollars]), BadOrder::Money),
        (new(vec![line(0, 1, i64::MAX), line(1, 1, 1)]), BadOrder::Money),
    ];
    for (order, bad) in cases {
        assert_eq!(order.check(), Some(bad));
    }
    let long = NewOrder { title: "x".repeat(4_000), ..new(vec![line(0, 1, 1)]) };
    assert!(matches!(long.check(), Some(BadOrder::TooLarge { bytes }) if bytes > 4_000));
}
