//! Those who wait: first come, first served.

use super::*;

fn waitlist(pass_over: bool) -> (i64, BookingCommand) {
    let waitlist = Some(Waitlist { offer_for: Duration::from_millis(50), pass_over });
    (0, BookingCommand::Set { settings: Settings { waitlist, ..Settings::default() } })
}

fn wait(name: &str, seats: u32) -> BookingCommand {
    BookingCommand::Wait { attendee: who(name), party: Party::of(seats) }
}

fn stop(name: &str) -> BookingCommand {
    BookingCommand::StopWaiting { attendee: who(name) }
}

fn party(name: &str, seats: u32) -> BookingCommand {
    BookingCommand::Book { attendee: who(name), party: Party::of(seats) }
}

/// A house of two, sold to ann and bob, with a waitlist.
fn sold_out(pass_over: bool, more: &[(i64, BookingCommand)]) -> Vec<(i64, BookingCommand)> {
    [&[waitlist(pass_over), (0, book("ann")), (0, book("bob"))], more].concat()
}

fn ledger(capacity: u32, commands: &[(i64, BookingCommand)]) -> SeatLedger {
    after(&[&[(i64::MIN, open(capacity))], commands].concat()).1
}

fn waiting(ledger: &SeatLedger) -> Vec<&str> {
    ledger.waiters().map(|waiter| waiter.attendee.as_str()).collect()
}

fn held(ledger: &SeatLedger) -> Vec<&str> {
    let held = ledger.roster().filter(|seat| matches!(seat.state, SeatState::Held { .. }));
    held.map(|seat| seat.attendee.as_str()).collect()
}

#[test]
fn nobody_waits_where_there_are_seats_or_there_is_no_waitlist() {
    check(2, &[(0, book("ann")), (0, book("bob")), (1, wait("cyd", 1))], BookingOutcome::NoWaitlist);
    check(2, &[waitlist(false), (1, wait("cyd", 1))], BookingOutcome::SeatsFree);
    check(2, &sold_out(false, &[(1, wait("cyd", 1))]), BookingOutcome::Waiting { position: 1 });
    check(2, &sold_out(false, &[(1, wait("cyd", 1)), (2, wait("dan", 1))]), BookingOutcome::Waiting { position: 2 });
    check(
        2,
        &sold_out(false, &[(1, wait("cyd", 1)), (2, wait("cyd", 1))]),
        BookingOutcome::AlreadyWaiting { position: 1 },
    );
    check(2, &sold_out(false, &[(1, wait("ann", 1))]), Already { seat: 1, state: CONFIRMED });
    check(2, &sold_out(false, &[(1, wait("cyd", 3))]), BookingOutcome::PartySize { max: Seats::new(2) });
    check(2, &sold_out(false, &[(1, stop("cyd"))]), BookingOutcome::NotWaiting);
    check(2, &sold_out(false, &[(1, wait("cyd", 1)), (2, stop("cyd"))]), BookingOutcome::LeftWaitlist);
}

#[test]
fn a_seat_that_is_freed_is_offered_to_the_first_and_to_nobody_else() {
    let queue = [(1, wait("cyd", 1)), (2, wait("dan", 1)), (3, cancel("ann"))];
    let seen = ledger(2, &sold_out(false, &queue));
    assert_eq!((held(&seen), waiting(&seen)), (vec!["cyd"], vec!["dan"]));
    let then = |more: &[(i64, BookingCommand)]| sold_out(false, &[&queue[..], more].concat());
    check(2, &then(&[(4, book("eve"))]), full_until(2, 53));
    check(2, &then(&[(4, confirm("cyd"))]), BookingOutcome::OfferTaken { seat: 2 });
    check(2, &then(&[(4, confirm("dan"))]), NotHeld);
    // Declined, or left to lapse: the next one's turn.
    for (after, how) in [(4, BookingCommand::Release { attendee: who("cyd") }), (53, stop("nobody"))] {
        let seen = ledger(2, &then(&[(after, how)]));
        assert_eq!((held(&seen), waiting(&seen).len()), (vec!["dan"], 0));
    }
    // A payment after the offer has lapsed finds it with the next.
    check(2, &then(&[(53, confirm("cyd"))]), BookingOutcome::RefundDue);
}

#[test]
fn newcomers_do_not_overtake_those_who_wait() {
    // Two wait for both seats; one is free.
    let queue = [(1, wait("cyd", 2)), (2, cancel("ann"))];
    let then = |more: &[(i64, BookingCommand)]| sold_out(false, &[&queue[..], more].concat());
    check(2, &then(&[(3, book("eve"))]), BookingOutcome::Queued { waiting: 1 });
    check(2, &then(&[(3, wait("eve", 1))]), BookingOutcome::Waiting { position: 2 });
    let seen = ledger(2, &then(&[(3, wait("eve", 1)), (4, cancel("bob"))]));
    assert_eq!((held(&seen), waiting(&seen)), (vec!["cyd"], vec!["eve"]));
    check(2, &then(&[(3, stop("cyd")), (4, book("eve"))]), Booked { seat: 2 });
}

#[test]
fn a_group_is_passed_over_only_where_that_is_the_policy_and_it_is_recorded() {
    let queue = [(1, wait("cyd", 2)), (2, wait("dan", 1)), (3, wait("eve", 1))];
    let strict = ledger(2, &sold_out(false, &[&queue[..], &[(4, cancel("ann"))]].concat()));
    assert_eq!((held(&strict), waiting(&strict)), (vec![], vec!["cyd", "dan", "eve"]));
    let before = ledger(2, &sold_out(true, &queue));
    let decision = decide(&before, &cancel("ann"), at(4));
    let passed = BookingEvent::WaiterPassedOver { attendee: who("cyd"), position: 1, free: 1 };
    let offered =
        BookingEvent::SeatOffered { attendee: who("dan"), places: [].into(), hold_for: Duration::from_millis(50) };
    assert_eq!(decision.events, [BookingEvent::SeatCancelled { attendee: who("ann") }, passed, offered]);
    assert_eq!((decision.own, decision.outcome), (Some(0), BookingOutcome::Cancelled));
    let seen = ledger(2, &sold_out(true, &[&queue[..], &[(4, cancel("ann"))]].concat()));
    assert_eq!((held(&seen), waiting(&seen)), (vec!["dan"], vec!["cyd", "eve"]));
}

#[test]
fn one_offer_after_the_other_as_long_as_there_are_seats() {
    let queue = [(1, wait("cyd", 1)), (2, wait("dan", 1)), (3, wait("eve", 1))];
    let more = BookingCommand::Resize { capacity: Seats::new(4), below: Below::Refuse };
    let seen = ledger(2, &sold_out(false, &[&queue[..], &[(4, more)]].concat()));
    assert_eq!((held(&seen), waiting(&seen)), (vec!["cyd", "dan"], vec!["eve"]));
    let closed = [(4, BookingCommand::Close), (5, cancel("ann"))];
    let seen = ledger(2, &sold_out(false, &[&queue[..], &closed].concat()));
    assert_eq!((held(&seen).len(), waiting(&seen).len()), (0, 3), "a closed sale offers nothing");
    let seen = ledger(2, &sold_out(false, &[&queue[..], &closed, &[(6, BookingCommand::Reopen)]].concat()));
    assert_eq!((held(&seen), waiting(&seen)), (vec!["cyd"], vec!["dan", "eve"]));
}

#[test]
fn who_waits_for_one_pool_holds_up_nobody_of_another() {
    let balcony = ticket_type("balcony");
    let house = [
        waitlist(false),
        (0, BookingCommand::SetPool { pool: pool("balcony"), capacity: Seats::new(1), below: Below::Refuse }),
        (0, BookingCommand::SetTicket { ticket: balcony.clone(), pools: [pool("balcony")].into() }),
        (1, BookingCommand::Book { attendee: who("ann"), party: Party::of(1).with_ticket(balcony.clone()) }),
        (2, BookingCommand::Wait { attendee: who("bob"), party: Party::of(1).with_ticket(balcony) }),
    ];
    check(3, &[&house[..], &[(3, book("cyd"))]].concat(), Booked { seat: 2 });
    let sold_out = [&house[..], &[(3, party("cyd", 2)), (4, wait("dan", 1)), (5, cancel("cyd"))]].concat();
    let seen = ledger(3, &sold_out);
    assert_eq!((held(&seen), waiting(&seen)), (vec!["dan"], vec!["bob"]));
    let seen = ledger(3, &[&sold_out[..], &[(6, cancel("ann"))]].concat());
    assert_eq!((held(&seen), waiting(&seen).len()), (vec!["dan", "bob"], 0));
}

#[test]
fn whoever_has_seats_by_another_way_waits_no_more() {
    let queue = [(1, wait("cyd", 1)), (2, BookingCommand::Transfer { from: who("ann"), to: who("cyd") })];
    let seen = ledger(2, &sold_out(false, &queue));
    assert_eq!((waiting(&seen).len(), seen.seat_number(&who("cyd"))), (0, Some(1)));
}

#[test]
fn without_a_waitlist_whoever_waited_holds_up_nobody() {
    let off = BookingCommand::Set { settings: Settings::default() };
    let queue = [(1, wait("cyd", 2)), (2, off), (3, cancel("ann"))];
    check(2, &sold_out(false, &[&queue[..], &[(4, book("eve"))]].concat()), Booked { seat: 2 });
    // They stand where they stood when there is one again.
    let on = (4, waitlist(false).1);
    let seen = ledger(2, &sold_out(false, &[&queue[..], &[on, (5, cancel("bob"))]].concat()));
    assert_eq!((held(&seen), waiting(&seen).len()), (vec!["cyd"], 0));
}
