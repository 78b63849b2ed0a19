//! Parties, pools, and what is done to a sale.

use super::*;

fn party(name: &str, seats: u32) -> BookingCommand {
    BookingCommand::Book { attendee: who(name), party: Party::of(seats) }
}

fn with_ticket(name: &str, seats: u32, ticket: &str) -> BookingCommand {
    BookingCommand::Book { attendee: who(name), party: Party::of(seats).with_ticket(ticket_type(ticket)) }
}

fn transfer(from: &str, to: &str) -> BookingCommand {
    BookingCommand::Transfer { from: who(from), to: who(to) }
}

fn change(name: &str, seats: u32) -> BookingCommand {
    BookingCommand::ChangeSeats { attendee: who(name), seats: Seats::new(seats) }
}

fn resize(capacity: u32, below: Below) -> BookingCommand {
    BookingCommand::Resize { capacity: Seats::new(capacity), below }
}

fn block(seats: u32) -> BookingCommand {
    BookingCommand::Block { seats: Seats::new(seats) }
}

fn set(settings: Settings) -> BookingCommand {
    BookingCommand::Set { settings }
}

fn short(capacity: u32, free: u64) -> BookingOutcome {
    BookingOutcome::Full(Shortage { pool: None, capacity: Seats::new(capacity), free, returns: None, places: false })
}

fn size(max: u32) -> BookingOutcome {
    BookingOutcome::PartySize { max: Seats::new(max) }
}

#[test]
fn a_party_has_all_its_seats_or_none() {
    check(5, &[(0, party("ann", 3)), (0, party("bob", 3))], short(5, 2));
    check(5, &[(0, party("ann", 3)), (0, party("bob", 2))], Booked { seat: 4 });
    check(
        5,
        &[(0, party("ann", 2)), (0, book("bob")), (1, cancel("ann")), (2, book("bob"))],
        Already { seat: 1, state: CONFIRMED },
    );
    check(5, &[(0, party("ann", 0))], size(5));
    check(5, &[(0, party("ann", 6))], size(5));
    let three = set(Settings { party_max: Some(Seats::new(3)), ..Settings::default() });
    check(5, &[(0, three.clone()), (0, party("ann", 4))], size(3));
    check(5, &[(0, three.clone()), (0, party("ann", 3)), (1, change("ann", 4))], size(3));
    check(5, &[(0, three.clone()), (1, three)], BookingOutcome::AsBefore);
}

#[test]
fn seats_change_hands_without_being_free_in_between() {
    check(1, &[(0, book("ann")), (1, transfer("ann", "bob"))], BookingOutcome::Transferred { seat: 1 });
    check(1, &[(0, transfer("ann", "bob"))], BookingOutcome::NotBooked);
    check(2, &[(0, book("ann")), (0, book("bob")), (1, transfer("ann", "bob"))], Already { seat: 2, state: CONFIRMED });
    check(1, &[(0, book("ann")), (1, transfer("ann", "ann"))], Already { seat: 1, state: CONFIRMED });
    // The deadline goes with a held seat, and the number with both.
    let given = [(0, open(2)), (0, hold("ann")), (1, book("cyd")), (50, transfer("ann", "bob"))];
    let (_, ledger) = after(&given);
    assert_eq!(ledger.seat_state(&who("bob")), Some(held_until(100)));
    assert_eq!((ledger.seat_number(&who("bob")), ledger.seat_number(&who("ann"))), (Some(1), None));
    assert_eq!(ledger.lapsed(at(100)).collect::<Vec<_>>(), [&who("bob")]);
}

#[test]
fn an_attendee_can_have_more_seats_or_fewer() {
    check(4, &[(0, party("ann", 2)), (1, change("ann", 4))], BookingOutcome::Changed { seats: Seats::new(4) });
    check(4, &[(0, party("ann", 2)), (1, change("ann", 2))], BookingOutcome::Unchanged);
    check(4, &[(0, party("ann", 2)), (0, book("bob")), (1, change("ann", 4))], short(4, 1));
    check(4, &[(0, party("ann", 2)), (1, change("ann", 0))], size(4));
    check(4, &[(0, change("ann", 2))], BookingOutcome::NotBooked);
    check(4, &[(0, party("ann", 4)), (1, change("ann", 1)), (2, party("bob", 3))], Booked { seat: 2 });
    // Fewer is possible even when there are more taken than there are seats, or the sale is closed.
    let closed = [(0, party("ann", 4)), (1, BookingCommand::Close)];
    check(4, &[&closed[..], &[(2, change("ann", 3))]].concat(), BookingOutcome::Changed { seats: Seats::new(3) });
    check(5, &[&closed[..], &[(2, change("ann", 5))]].concat(), BookingOutcome::SaleClosed);
}

#[test]
fn a_hold_is_extended_up_to_the_longest_that_is_allowed() {
    let extend =
        |millis| BookingCommand::Extend { attendee: who("ann"), term: HoldTerm::For(Duration::from_millis(millis)) };
    check(1, &[(0, hold("ann")), (50, extend(100))], BookingOutcome::Extended { until: at(150) });
    check(1, &[(0, hold("ann")), (50, extend(100)), (120, confirm("ann"))], BookingOutcome::Confirmed);
    check(1, &[(0, hold("ann")), (100, extend(100))], NotHeld);
    check(1, &[(0, book("ann")), (50, extend(100))], NotHeld);
    let limit = set(Settings { hold_max: Some(Duration::from_millis(150)), ..Settings::default() });
    check(1, &[(0, limit.clone()), (0, hold("ann")), (50, extend(100))], BookingOutcome::Extended { until: at(150) });
    check(
        1,
        &[(0, limit.clone()), (0, hold("ann")), (51, extend(100))],
        BookingOutcome::HoldTooLong { until_max: at(150) },
    );
    let long = BookingCommand::hold(who("ann"), Duration::from_secs(60));
    check(1, &[(0, limit), (10, long)], Held { seat: 1, until: at(160) });
    let one_deadline = |name: &str| BookingCommand::Hold {
        attendee: who(name),
        party: Party::default(),
        term: HoldTerm::Until(at(80)),
    };
    check(2, &[(0, one_deadline("ann")), (30, one_deadline("bob"))], Held { seat: 2, until: at(80) });
}

#[test]
fn a_request_takes_no_seat_until_it_is_approved() {
    let ask = |name: &str| BookingCommand::Request { attendee: who(name), party: Party::of(1) };
    let approve = |name: &str| BookingCommand::Approve { attendee: who(name) };
    let decline = |name: &str| BookingCommand::Decline { attendee: who(name) };
    let careful = (0, set(Settings { approval: true, ..Settings::default() }));
    check(1, &[careful.clone(), (0, book("ann"))], BookingOutcome::NeedsApproval);
    check(1, &[careful.clone(), (0, hold("ann"))], BookingOutcome::NeedsApproval);
    check(1, &[careful.clone(), (0, ask("ann"))], BookingOutcome::Requested);
    check(1, &[careful.clone(), (0, ask("ann")), (1, ask("ann"))], BookingOutcome::AlreadyRequested);
    check(
        1,
        &[careful.clone(), (0, ask("ann")), (0, ask("bob")), (1, approve("bob"))],
        BookingOutcome::Approved { seat: 1 },
    );
    check(1, &[careful.clone(), (0, ask("ann")), (0, ask("bob")), (1, approve("bob")), (2, approve("ann"))], full(1));
    check(1, &[careful.clone(), (0, approve("ann"))], BookingOutcome::NotRequested);
    check(1, &[careful.clone(), (0, ask("ann")), (1, decline("ann"))], BookingOutcome::Declined);
    check(
        1,
        &[careful.clone(), (0, ask("ann")), (1, decline("ann")), (2, approve("ann"))],
        BookingOutcome::NotRequested,
    );
    check(1, &[careful, (0, ask("ann")), (1, approve("ann")), (2, ask("ann"))], Already { seat: 1, state: CONFIRMED });
}

#[test]
fn where_somebody_has_to_approve_no_other_way_gives_a_seat() {
    let waitlist = Some(Waitlist { offer_for: Duration::from_millis(50), pass_over: true });
    let careful = || set(Settings { approval: true, waitlist, ..Settings::default() });
    let open_handed = || set(Settings { waitlist, ..Settings::default() });
    let wait = |name: &str| BookingCommand::Wait { attendee: who(name), party: Party::of(1) };
    let more = |seats| BookingCommand::ChangeSeats { attendee: who("ann"), seats: Seats::new(seats) };
    let ask = |name: &str| BookingCommand::Request { attendee: who(name), party: Party::of(1) };
    let approve = |name: &str| BookingCommand::Approve { attendee: who(name) };
    check(1, &[(0, careful()), (0, wait("ann"))], BookingOutcome::NeedsApproval);
    check(3, &[(0, book("ann")), (1, careful()), (2, more(2))], BookingOutcome::NeedsApproval);
    // Whoever waited before is offered nothing now.
    let queue = [(0, open_handed()), (0, book("ann")), (1, wait("bob")), (2, careful()), (3, cancel("ann"))];
    let (_, ledger) = after(&[&[(0, open(1))], &queue[..]].concat());
    assert_eq!((ledger.held(), ledger.free()), (0, 1));
    // And whoever is approved does not pass those who wait.
    let queue = [(0, open_handed()), (0, book("ann")), (1, wait("bob")), (2, ask("cyd")), (3, approve("cyd"))];
    check(1, &queue, full(1));
    let big = BookingCommand::Wait { attendee: who("bob"), party: Party::of(2) };
    let strict = Some(Waitlist { offer_for: Duration::from_millis(50), pass_over: false });
    let strict = set(Settings { waitlist: strict, ..Settings::default() });
    let queue = [(0, strict), (0, book("ann")), (0, book("dan")), (1, big), (2, cancel("ann")), (3, ask("cyd"))];
    check(2, &[&queue[..], &[(4, approve("cyd"))]].concat(), BookingOutcome::Queued { waiting: 1 });
    let (_, ledger) = after(&[&[(0, open(2))], &queue[..]].concat());
    assert_eq!(SeatCount::from(&ledger).left(), SeatsLeft::Awaited { free: 1, waiting: 1 });
}

#[test]
fn a_kind_of_ticket_draws_on_no_more_pools_than_are_recorded_at_once() {
    let pool = |n: usize| PoolName::new(format!("{n:060}")).unwrap();
    let make = |n| (0, BookingCommand::SetPool { pool: pool(n), capacity: Seats::ONE, below: Below::Refuse });
    let draw = |count| BookingCommand::SetTicket {
        ticket: TicketType::new("student").unwrap(),
        pools: (0..count).map(pool).collect(),
    };
    let pools: Vec<_> = (0..40).map(make).collect();
    check(1, &[&pools[..], &[(0, draw(28))]].concat(), BookingOutcome::Set);
    check(1, &[&pools[..], &[(0, draw(29))]].concat(), BookingOutcome::TooManyPools { bytes_max: 1_800 });
}

#[test]
fn a_capacity_below_what_is_taken_is_refused_or_gives_no_more() {
    let two = [(0, book("ann")), (0, book("bob"))];
    let then = |more: &[(i64, BookingCommand)]| [&two[..], more].concat();
    check(3, &then(&[(1, resize(1, Below::Refuse))]), BookingOutcome::Taken { taken: 2 });
    check(3, &then(&[(1, resize(2, Below::Refuse))]), BookingOutcome::Resized { over: 0 });
    check(3, &then(&[(1, resize(3, Below::Refuse))]), BookingOutcome::AsBefore);
    check(3, &then(&[(1, resize(1, Below::GiveNoMore))]), BookingOutcome::Resized { over: 1 });
    check(3, &then(&[(1, resize(1, Below::GiveNoMore)), (2, book("cyd"))]), full(1));
    check(3, &then(&[(1, resize(1, Below::GiveNoMore)), (2, cancel("ann")), (3, book("cyd"))]), full(1));
    let both_gone = [(1, resize(1, Below::GiveNoMore)), (2, cancel("ann")), (2, cancel("bob")), (3, book("cyd"))];
    check(3, &then(&both_gone), Booked { seat: 1 });
    check(2, &then(&[(1, resize(3, Below::Refuse)), (2, book("cyd"))]), Booked { seat: 3 });
}

#[test]
fn blocked_seats_are_there_for_nobody() {
    check(3, &[(0, block(2)), (1, book("ann"))], Booked { seat: 1 });
    check(3, &[(0, block(2)), (1, book("ann")), (2, book("bob"))], full(3));
    check(3, &[(0, book("ann")), (1, block(3))], BookingOutcome::Taken { taken: 1 });
    check(3, &[(0, block(2)), (1, block(2))], BookingOutcome::AsBefore);
    check(3, &[(0, block(3)), (1, block(0)), (2, party("ann", 3))], Booked { seat: 1 });
    check(3, &[(0, block(2)), (1, book("ann")), (2, resize(2, Below::Refuse))], BookingOutcome::Taken { taken: 3 });
}

#[test]
fn a_closed_sale_gives_nothing_and_takes_nothing_away() {
    let closed = [(0, hold("ann")), (1, BookingCommand::Close)];
    let then = |command| [&closed[..], &[(2, command)]].concat();
    check(2, &then(book("bob")), BookingOutcome::SaleClosed);
    check(2, &then(book("ann")), BookingOutcome::SaleClosed);
    check(2, &then(confirm("ann")), BookingOutcome::Confirmed);
    check(2, &then(cancel("ann")), BookingOutcome::Cancelled);
    check(2, &then(BookingCommand::Close), BookingOutcome::AsBefore);
    check(2, &then(BookingCommand::Reopen), BookingOutcome::Reopened);
    check(2, &[(0, BookingCommand::Reopen)], BookingOutcome::AsBefore);
    check(2, &[&then(BookingCommand::Reopen)[..], &[(3, book("bob"))]].concat(), Booked { seat: 2 });
    check(2, &[&closed[..], &[(200, confirm("ann"))]].concat(), BookingOutcome::RefundDue);
}

/// Ten seats: three in the balcony, of which students may have two.
fn theatre() -> Vec<(i64, BookingCommand)> {
    let pools = [("balcony", 3), ("cheap", 2)];
    let set_pool = |(name, capacity): (&str, u32)| BookingCommand::SetPool {
        pool: pool(name),
        capacity: Seats::new(capacity),
        below: Below::Refuse,
    };
    let tickets: [(&str, &[&str]); 3] =
        [("balcony", &["balcony"]), ("student", &["balcony", "cheap"]), ("stalls", &[])];
    let set_ticket = |(name, pools): (&str, &[&str])| BookingCommand::SetTicket {
        ticket: ticket_type(name),
        pools: pools.iter().map(|name| pool(name)).collect(),
    };
    pools.into_iter().map(set_pool).chain(tickets.into_iter().map(set_ticket)).map(|command| (0, command)).collect()
}

fn short_of(name: &str, capacity: u32, free: u64) -> BookingOutcome {
    BookingOutcome::Full(Shortage {
        pool: Some(pool(name)),
        capacity: Seats::new(capacity),
        free,
        returns: None,
        places: false,
    })
}

#[test]
fn the_tightest_pool_decides_and_is_named() {
    let then = |more: &[(i64, BookingCommand)]| [&theatre()[..], more].concat();
    check(
        10,
        &then(&[(1, with_ticket("ann", 2, "student")), (2, with_ticket("bob", 1, "student"))]),
        short_of("cheap", 2, 0),
    );
    check(
        10,
        &then(&[(1, with_ticket("ann", 2, "student")), (2, with_ticket("bob", 2, "balcony"))]),
        short_of("balcony", 3, 1),
    );
    check(
        10,
        &then(&[(1, with_ticket("ann", 2, "student")), (2, with_ticket("bob", 1, "balcony"))]),
        Booked { seat: 3 },
    );
    check(
        10,
        &then(&[(1, with_ticket("ann", 3, "balcony")), (2, with_ticket("bob", 7, "stalls"))]),
        Booked { seat: 4 },
    );
    check(10, &then(&[(1, party("ann", 9)), (2, with_ticket("bob", 2, "balcony"))]), short(10, 1));
    check(10, &then(&[(1, with_ticket("ann", 3, "student"))]), size(2));
    check(
        10,
        &then(&[(1, with_ticket("ann", 1, "royal"))]),
        BookingOutcome::UnknownTicket { ticket: ticket_type("royal") },
    );
    let none = BookingCommand::SetTicket { ticket: ticket_type("x"), pools: [pool("roof")].into() };
    check(10, &then(&[(1, none)]), BookingOutcome::UnknownPool { pool: pool("roof") });
}

#[test]
fn a_pool_counts_who_has_its_tickets_whenever_it_came_to_be() {
    let then = |more: &[(i64, BookingCommand)]| [&theatre()[..], more].concat();
    // Those in the stalls come to count as in the balcony.
    let draw = BookingCommand::SetTicket { ticket: ticket_type("stalls"), pools: [pool("balcony")].into() };
    let given = [(1, with_ticket("ann", 2, "stalls")), (2, draw)];
    check(10, &then(&[&given[..], &[(3, with_ticket("bob", 2, "balcony"))]].concat()), short_of("balcony", 3, 1));
    let free = [(3, cancel("ann")), (4, with_ticket("bob", 3, "balcony"))];
    check(10, &then(&[&given[..], &free].concat()), Booked { seat: 1 });
    let smaller = BookingCommand::SetPool { pool: pool("balcony"), capacity: Seats::new(1), below: Below::GiveNoMore };
    check(10, &then(&[&given[..], &[(3, smaller)]].concat()), BookingOutcome::Resized { over: 1 });
}

#[test]
fn full_says_whether_a_held_seat_may_return_and_when() {
    let short_hold = BookingCommand::hold(who("bob"), Duration::from_millis(50));
    check(2, &[(0, hold("ann")), (10, short_hold.clone()), (20, book("cyd"))], full_until(2, 60));
    check(2, &[(0, hold("ann")), (10, short_hold), (60, book("cyd")), (61, book("dan"))], full_until(2, 100));
    check(2, &[(0, book("ann")), (10, book("bob")), (20, book("cyd"))], full(2));
}
