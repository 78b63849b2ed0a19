//! Seats that are given up, in time, too late, and by hand.

use super::stories::{end, paid};
use super::world::*;
use crate::booking::BookingCommand;
use crate::id::AttendeeId;
use crate::ticket::order::*;
use crate::ticket::payment::*;

/// Asks for seats to be given up; nothing is done about it yet.
fn cancel(world: &mut World, cuts: Vec<Cut>) {
    let asked = OrderChange::Cancel { cuts, kept: None, reason: String::new() };
    let Changing::Do(event) = world.order.change_asked(asked) else { panic!("refused") };
    world.record(event);
}

#[test]
fn a_late_payment_brings_no_seats_back_that_were_given_up_before() {
    for has_lapsed in [false, true] {
        let mut world = World::selling(vec![line(0, 3, 3_000)]);
        // The owner lets a hold lapse, and remembers all of it; or it is released.
        world.now = if has_lapsed { world.now + 40 * MINUTE } else { world.now };
        cancel(&mut world, vec![cut(0, 1)]);
        world.run();
        world.pass(40 * MINUTE);
        assert_eq!(end(&world), OrderEnd::Unpaid);
        let news = world.bank.charge("c1", eur(2_000));
        assert_eq!(world.hear(&news[0]), [Came::PaidLate]);
        assert_eq!(world.run(), Next::Done(OrderEnd::Fulfilled));
        assert_eq!(world.has(0), Some(Has::Confirmed { seats: 2 }), "{has_lapsed}: {:?}", world.events);
        world.assert_squared();
    }
}

#[test]
fn seats_that_are_paid_for_while_they_are_given_up_are_given_up() {
    let mut world = World::selling(vec![line(0, 2, 2_000), line(1, 1, 500)]);
    cancel(&mut world, vec![cut(0, 2)]);
    let Next::Do(action) = world.order.next(world.now) else { panic!("nothing to do") };
    // The owner has done it, and the process ends before it is recorded.
    assert_eq!(world.act(&action), Some(OrderEvent::SeatsGivenUp { cut: cut(0, 2) }));
    for news in world.bank.pay("c1", eur(2_500)) {
        world.hear(&news);
    }
    assert_eq!(world.run(), Next::Done(OrderEnd::Fulfilled));
    assert_eq!((world.has(0), world.has(1)), (None, Some(Has::Confirmed { seats: 1 })));
    assert_eq!(world.bank.balance(), 500);
    world.assert_squared();
}

#[test]
fn what_seats_cost_that_somebody_else_has_by_now_stays_until_somebody_looks_at_it() {
    let (ann, bob) = (AttendeeId::new("ann").unwrap(), AttendeeId::new("bob").unwrap());
    let mut world = paid(vec![line(0, 2, 2_000)]);
    let given = world.by_hand(0, &BookingCommand::Transfer { from: ann.clone(), to: bob.clone() });
    assert!(given.is_accepted(), "{given:?}");
    cancel(&mut world, vec![]);
    assert_eq!(world.run(), Next::Done(OrderEnd::Fulfilled));
    assert!(matches!(world.events.iter().nth_back(1), Some(OrderEvent::GiveUpRefused { line: 0, .. })));
    assert_eq!(world.bank.balance(), 2_000);
    world.assert_squared();
    let again = OrderChange::Cancel { cuts: vec![], kept: None, reason: String::new() };
    assert_eq!(world.order.change_asked(again), Changing::NoSeats { line: None });

    // They are the buyer's again, and somebody says so.
    assert!(world.by_hand(0, &BookingCommand::Transfer { from: bob, to: ann }).is_accepted());
    world.record(OrderEvent::Reopened);
    cancel(&mut world, vec![]);
    assert_eq!(world.run(), Next::Done(OrderEnd::Cancelled));
    assert_eq!(world.bank.balance(), 0);
    world.assert_squared();
}

#[test]
fn a_chargeback_for_seats_that_somebody_else_has_is_short_of_its_money() {
    let mut world = paid(vec![line(0, 2, 2_000)]);
    assert!(world.by_hand(0, &BookingCommand::Cancel { attendee: AttendeeId::new("ann").unwrap() }).is_accepted());
    let news = world.bank.dispute("c1", eur(2_000), DisputeState::Lost);
    world.hear(&news);
    assert_eq!(world.run(), Next::Done(OrderEnd::Short { missing: eur(2_000) }));
    world.assert_squared();
}

#[test]
fn the_occurrence_does_not_hear_of_a_refund_that_the_gateway_refuses() {
    let mut world = World::selling(vec![line(0, 2, 2_000)]);
    world.pass(40 * MINUTE);
    world.sell_out(true);
    world.bank.refuses_refunds = true;
    let news = world.bank.charge("c1", eur(2_000));
    world.hear(&news[0]);
    assert_eq!(world.run(), Next::Done(OrderEnd::RefundStuck { left: eur(2_000) }));
    let settled = |world: &World| world.events.iter().any(|event| matches!(event, OrderEvent::NoteSettled { .. }));
    assert!(!settled(&world), "{:?}", world.events);
    world.bank.refuses_refunds = false;
    world.record(OrderEvent::Reopened);
    assert_eq!(world.run(), Next::Done(OrderEnd::TooLate));
    assert!(settled(&world), "{:?}", world.events);
    world.assert_squared();
}

#[test]
fn an_order_that_was_not_paid_in_time_can_be_given_up_and_what_comes_late_goes_back() {
    let mut world = World::selling(vec![line(0, 2, 2_000)]);
    world.pass(40 * MINUTE);
    assert_eq!(end(&world), OrderEnd::Unpaid);
    cancel(&mut world, vec![]);
    assert_eq!(world.run(), Next::Done(OrderEnd::Cancelled));
    let news = world.bank.charge("c1", eur(2_000));
    world.hear(&news[0]);
    assert_eq!(world.run(), Next::Done(OrderEnd::Cancelled));
    assert_eq!((world.bank.balance(), world.has(0)), (0, None));
    world.assert_squared();
}

#[test]
fn what_was_not_paid_cannot_go_back_and_what_was_kept_can() {
    let allow = |minor| OrderChange::Allow { amount: eur(minor), reason: String::new() };
    let world = World::selling(vec![line(0, 2, 2_000)]);
    assert_eq!(world.order.change_asked(allow(1)), Changing::Amount { max: eur(0) });

    let mut world = paid(vec![line(0, 2, 2_000)]);
    let kept = OrderChange::Cancel { cuts: vec![], kept: Some(eur(500)), reason: String::new() };
    for (asked, left) in [(kept, 500), (allow(300), 200), (allow(200), 0)] {
        let Changing::Do(event) = world.order.change_asked(asked) else { panic!("refused") };
        world.record(event);
        assert_eq!(world.run(), Next::Done(OrderEnd::Cancelled));
        assert_eq!(world.bank.balance(), left);
        world.assert_squared();
    }
    assert_eq!(world.order.change_asked(allow(1)), Changing::Amount { max: eur(0) });
}
