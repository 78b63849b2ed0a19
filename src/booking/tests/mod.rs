//! The rules as tables, and their laws as properties.

mod beside;
mod keys;
mod refunds;
mod sale;
mod seating;
mod waitlist;

use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::id::{AttendeeId, PoolName, TicketType};
use crate::persist::{
    Backend, CommitOutcome, Expect, MemoryBackend, NewEvent, RecordedEvent, Seq, StreamName, Transaction,
};
use crate::time::Timestamp;
use BookingOutcome::{Already, Booked, Held, NotHeld};

const HOLD: Duration = Duration::from_millis(100);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn who(name: &str) -> AttendeeId {
    AttendeeId::new(name).unwrap()
}

fn open(capacity: u32) -> BookingCommand {
    BookingCommand::Open { capacity: Seats::new(capacity) }
}
fn book(name: &str) -> BookingCommand {
    BookingCommand::book(who(name))
}
fn hold(name: &str) -> BookingCommand {
    BookingCommand::hold(who(name), HOLD)
}
fn confirm(name: &str) -> BookingCommand {
    BookingCommand::Confirm { attendee: who(name) }
}
fn release(name: &str) -> BookingCommand {
    BookingCommand::Release { attendee: who(name) }
}
fn cancel(name: &str) -> BookingCommand {
    BookingCommand::Cancel { attendee: who(name) }
}

fn apply(ledger: &mut SeatLedger, command: &BookingCommand, now: Timestamp) -> BookingOutcome {
    let decision = decide(ledger, command, now);
    for event in &decision.events {
        ledger.evolve(decision.at, event);
    }
    decision.outcome
}

/// Runs commands, each at its instant, and returns the last outcome with the ledger.
fn after(commands: &[(i64, BookingCommand)]) -> (BookingOutcome, SeatLedger) {
    let mut ledger = SeatLedger::new();
    let mut last = BookingOutcome::NotOnSale;
    for (now, command) in commands {
        last = apply(&mut ledger, command, at(*now));
    }
    (last, ledger)
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "callers write the outcome in its place")]
fn check(capacity: u32, commands: &[(i64, BookingCommand)], expected: BookingOutcome) {
    let mut all = vec![(i64::MIN, open(capacity))];
    all.extend_from_slice(commands);
    assert_eq!(after(&all).0, expected, "{commands:?}");
}

const CONFIRMED: SeatState = SeatState::Confirmed;

fn held_until(millis: i64) -> SeatState {
    SeatState::Held { until: at(millis) }
}

/// Full for good, unless somebody cancels.
fn full(capacity: u32) -> BookingOutcome {
    BookingOutcome::Full(Shortage { pool: None, capacity: Seats::new(capacity), free: 0, returns: None, places: false })
}

/// All seats are taken, and a held one may be free at that instant.
fn full_until(capacity: u32, millis: i64) -> BookingOutcome {
    BookingOutcome::Full(Shortage {
        pool: None,
        capacity: Seats::new(capacity),
        free: 0,
        returns: Some(at(millis)),
        places: false,
    })
}

#[test]
fn seats_are_acquired_by_descending_precedence() {
    assert_eq!(after(&[(0, book("ann"))]).0, BookingOutcome::NotOnSale);
    assert_eq!(after(&[(0, hold("ann"))]).0, BookingOutcome::NotOnSale);
    // Already comes before full.
    check(1, &[(0, book("ann")), (1, book("ann"))], Already { seat: 1, state: CONFIRMED });
    check(1, &[(0, hold("ann")), (1, book("ann"))], Already { seat: 1, state: held_until(100) });
    check(1, &[(0, hold("ann")), (1, hold("ann"))], Already { seat: 1, state: held_until(100) });
    check(1, &[(0, book("ann")), (1, hold("bob"))], full(1));
    check(1, &[(0, hold("ann")), (1, book("bob"))], full_until(1, 100));
    check(0, &[(0, book("ann"))], full(0));
    check(2, &[(0, book("ann")), (1, book("bob"))], Booked { seat: 2 });
    check(2, &[(0, book("ann")), (1, hold("bob"))], Held { seat: 2, until: at(101) });
}

#[test]
fn only_a_held_seat_is_confirmed_or_released() {
    check(1, &[(0, hold("ann")), (1, confirm("ann"))], BookingOutcome::Confirmed);
    check(1, &[(0, book("ann")), (1, confirm("ann"))], BookingOutcome::AlreadyConfirmed);
    check(1, &[(0, confirm("ann"))], NotHeld);
    check(1, &[(0, hold("ann")), (1, release("ann"))], BookingOutcome::Released);
    check(1, &[(0, book("ann")), (1, release("ann"))], NotHeld);
    check(1, &[(0, release("ann"))], NotHeld);
    check(1, &[(0, hold("ann")), (1, release("ann")), (2, release("ann"))], NotHeld);
}

#[test]
fn a_seat_is_cancelled_once_and_can_be_had_again() {
    check(1, &[(0, cancel("ann"))], BookingOutcome::NotBooked);
    check(1, &[(0, book("ann")), (1, cancel("ann"))], BookingOutcome::Cancelled);
    check(1, &[(0, hold("ann")), (1, cancel("ann"))], BookingOutcome::Cancelled);
    check(1, &[(0, book("ann")), (1, cancel("ann")), (2, cancel("ann"))], BookingOutcome::NotBooked);
    check(1, &[(0, book("ann")), (1, cancel("ann")), (2, book("ann"))], Booked { seat: 1 });
}

#[test]
fn the_sale_opens_once_and_says_the_capacity_it_has() {
    assert_eq!(after(&[(0, open(3))]).0, BookingOutcome::Opened);
    assert_eq!(after(&[(0, open(3)), (1, open(9))]).0, BookingOutcome::AlreadyOpen { capacity: Seats::new(3) });
}

#[test]
fn seat_numbers_close_up_when_somebody_ahead_leaves() {
    let given = [(0, book("ann")), (0, book("bob")), (0, book("cyd"))];
    let mut all = given.to_vec();
    all.extend([(1, cancel("ann")), (2, book("cyd"))]);
    check(9, &all, Already { seat: 2, state: CONFIRMED });
    all.extend([(3, book("ann"))]);
    check(9, &all, Booked { seat: 3 });
}

#[test]
fn lapsed_hold_frees_its_seat_at_the_expiry_instant() {
    check(1, &[(0, hold("ann")), (99, book("bob"))], full_until(1, 100));
    check(1, &[(0, hold("ann")), (100, book("bob"))], Booked { seat: 1 });
    check(1, &[(0, hold("ann")), (99, confirm("ann"))], BookingOutcome::Confirmed);
    check(1, &[(0, hold("ann")), (100, release("ann"))], NotHeld);
    check(1, &[(0, hold("ann")), (100, cancel("ann"))], BookingOutcome::NotBooked);
    check(1, &[(0, hold("ann")), (100, hold("ann"))], Held { seat: 1, until: at(200) });
}

#[test]
fn a_confirmed_hold_never_lapses() {
    check(1, &[(0, hold("ann")), (50, confirm("ann")), (500, book("bob"))], full(1));
}

#[test]
fn a_payment_after_the_lapse_has_its_seat_again_or_is_due_back_even_when_the_clock_steps_back() {
    let late = |then: &[(i64, BookingCommand)]| [&[(0, hold("ann"))], then].concat();
    check(1, &late(&[(100, confirm("ann"))]), BookingOutcome::Reacquired { seat: 1 });
    check(1, &late(&[(100, confirm("ann")), (101, confirm("ann"))]), BookingOutcome::AlreadyConfirmed);
    check(1, &late(&[(100, hold("bob")), (50, confirm("ann"))]), BookingOutcome::RefundDue);
    check(1, &late(&[(100, book("bob")), (101, confirm("ann")), (102, confirm("ann"))]), BookingOutcome::RefundDue);
    check(1, &late(&[(100, hold("bob")), (150, confirm("ann")), (200, book("ann"))]), Booked { seat: 1 });
    // Once it is good or due, it is not made good twice.
    let given =
        [&[(-1, open(1))], &late(&[(100, book("bob")), (101, confirm("ann")), (102, cancel("bob"))])[..]].concat();
    let (_, ledger) = after(&given);
    assert_eq!(ledger.refunds_due().map(|refund| refund.attendee.as_str()).collect::<Vec<_>>(), ["ann"]);
    let (outcome, ledger) = after(&[&given[..], &[(103, confirm("ann"))]].concat());
    assert_eq!((outcome, ledger.taken()), (BookingOutcome::RefundDue, 0));
}

#[test]
fn a_clock_that_steps_back_does_not_take_the_stream_with_it() {
    let (_, ledger) = after(&[(0, open(9)), (500, book("ann")), (100, hold("bob"))]);
    assert_eq!(ledger.latest_at(), at(500));
    assert_eq!(ledger.seat_state(&who("bob")), Some(held_until(600)));
}

#[test]
fn a_lapse_is_recorded_before_what_it_makes_room_for() {
    let (_, ledger) = after(&[(0, open(1)), (0, hold("ann"))]);
    let decision = decide(&ledger, &book("bob"), at(100));
    let expected = [
        BookingEvent::HoldLapsed { attendee: who("ann") },
        BookingEvent::SeatBooked { attendee: who("bob"), party: Party::default() },
    ];
    assert_eq!(decision.events, expected);
}

#[test]
fn every_event_is_recorded_under_its_fixed_name_and_shape() {
    let attendee = who("a \"quoted\" näme");
    let of = |attendee: &AttendeeId| attendee.clone();
    let table = [
        (BookingEvent::SaleOpened { capacity: Seats::new(20) }, "booking.sale_opened.v1", r#"{"capacity":20}"#),
        (
            BookingEvent::SeatBooked { attendee: of(&attendee), party: Party::default() },
            "booking.seat_booked.v1",
            r#"{"attendee":"a \"quoted\" näme"}"#,
        ),
        (
            BookingEvent::SeatHeld { attendee: who("ann"), party: Party::default(), hold_for: HOLD },
            "booking.seat_held.v1",
            r#"{"attendee":"ann","hold_ms":100}"#,
        ),
        (BookingEvent::HoldConfirmed { attendee: who("ann") }, "booking.hold_confirmed.v1", r#"{"attendee":"ann"}"#),
        (BookingEvent::HoldReleased { attendee: who("ann") }, "booking.hold_released.v1", r#"{"attendee":"ann"}"#),
        (BookingEvent::HoldLapsed { attendee: who("ann") }, "booking.hold_lapsed.v1", r#"{"attendee":"ann"}"#),
        (BookingEvent::SeatCancelled { attendee: who("ann") }, "booking.seat_cancelled.v1", r#"{"attendee":"ann"}"#),
    ];
    for (event, event_type, json) in table {
        let recorded = encode(at(5), &event);
        assert_eq!((recorded.event_type.as_str(), recorded.data.json()), (event_type, json));
        assert_eq!(decode(&stored(1, recorded)).unwrap(), event);
    }
}

#[test]
fn an_unknown_event_is_an_error_that_names_the_place() {
    let event = NewEvent::new("booking.seat_painted.v1", at(0), &1).unwrap();
    let error = decode(&stored(7, event)).unwrap_err();
    assert_eq!(error.to_string(), "event 7 of stream s: unknown type \"booking.seat_painted.v1\"");
}

fn stored(seq: u64, event: NewEvent) -> RecordedEvent {
    RecordedEvent {
        stream: StreamName::new("s").unwrap(),
        seq: Seq::new(seq),
        cursor: crate::persist::Cursor::START,
        event_type: event.event_type,
        at: event.at,
        data: event.data,
    }
}

// ---- properties ----

fn any_attendee() -> impl Strategy<Value = AttendeeId> {
    (0..8_u8).prop_map(|n| who(&format!("p{n}")))
}

fn any_party() -> impl Strategy<Value = Party> {
    let party = prop_oneof![4 => (0..4_u32).prop_map(Party::of), 1 => seating::any_places().prop_map(Party::at)];
    (party, 0..4_u8).prop_map(|(party, ticket)| match ticket {
        0 => party.with_ticket(ticket_type("balcony")),
        1 => party.with_ticket(ticket_type("student")),
        _ => party,
    })
}

fn ticket_type(name: &str) -> TicketType {
    TicketType::new(name).unwrap()
}

fn pool(name: &str) -> PoolName {
    PoolName::new(name).unwrap()
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let waitlist = (0..100_u64, any::<bool>())
        .prop_map(|(millis, pass_over)| Waitlist { offer_for: Duration::from_millis(millis), pass_over });
    let waitlist = prop::option::weighted(0.9, waitlist);
    let hold_max = prop::option::weighted(0.2, (50..200_u64).prop_map(Duration::from_millis));
    let party_max = prop::option::weighted(0.2, (1..4_u32).prop_map(Seats::new));
    let places = (prop::bool::weighted(0.3), prop::bool::weighted(0.3));
    (prop::bool::weighted(0.1), party_max, hold_max, waitlist, places).prop_map(
        |(approval, party_max, hold_max, waitlist, places)| {
            let (together, no_single_seats) = places;
            Settings { approval, party_max, hold_max, waitlist, together, no_single_seats }
        },
    )
}

fn any_house_command() -> impl Strategy<Value = BookingCommand> {
    let seats = || (0..7_u32).prop_map(Seats::new);
    let below = || prop_oneof![Just(Below::Refuse), Just(Below::GiveNoMore)];
    prop_oneof![
        1 => Just(BookingCommand::Close),
        3 => Just(BookingCommand::Reopen),
        1 => (seats(), below()).prop_map(|(capacity, below)| BookingCommand::Resize { capacity, below }),
        1 => seats().prop_map(|seats| BookingCommand::Block { seats }),
        2 => (seats(), below()).prop_map(|(capacity, below)| {
            BookingCommand::SetPool { pool: pool("balcony"), capacity, below }
        }),
        1 => (seats(), below()).prop_map(|(capacity, below)| {
            BookingCommand::SetPool { pool: pool("cheap"), capacity, below }
        }),
        2 => prop::collection::btree_set(prop_oneof![Just(pool("balcony")), Just(pool("cheap"))], 0..3)
            .prop_map(|pools| BookingCommand::SetTicket { ticket: ticket_type("student"), pools }),
        1 => Just(BookingCommand::SetTicket { ticket: ticket_type("balcony"), pools: [pool("balcony")].into() }),
        4 => any_settings().prop_map(|settings| BookingCommand::Set { settings }),
        6 => seating::any_hall_command(),
    ]
}

fn any_seat_command() -> impl Strategy<Value = BookingCommand> {
    let seats = || (0..4_u32).prop_map(Seats::new);
    let term = || (0..300_u64).prop_map(|millis| HoldTerm::For(Duration::from_millis(millis)));
    let wish = || (any_attendee(), any_party());
    prop_oneof![
        3 => any_attendee().prop_map(BookingCommand::book),
        2 => wish().prop_map(|(attendee, party)| BookingCommand::Book { attendee, party }),
        4 => (wish(), term()).prop_map(|((attendee, party), term)| BookingCommand::Hold { attendee, party, term }),
        1 => (any_attendee(), term()).prop_map(|(attendee, term)| BookingCommand::Extend { attendee, term }),
        4 => any_attendee().prop_map(|attendee| BookingCommand::Confirm { attendee }),
        2 => any_attendee().prop_map(|attendee| BookingCommand::SettleRefund { attendee }),
        2 => any_attendee().prop_map(|attendee| BookingCommand::Release { attendee }),
        3 => any_attendee().prop_map(|attendee| BookingCommand::Cancel { attendee }),
        2 => (any_attendee(), any_attendee()).prop_map(|(from, to)| BookingCommand::Transfer { from, to }),
        2 => (any_attendee(), seats()).prop_map(|(attendee, seats)| BookingCommand::ChangeSeats { attendee, seats }),
        5 => (any_attendee(), seating::any_places()).prop_map(|(attendee, places)| BookingCommand::MoveTo { attendee, places }),
        1 => wish().prop_map(|(attendee, party)| BookingCommand::Request { attendee, party }),
        1 => any_attendee().prop_map(|attendee| BookingCommand::Approve { attendee }),
        1 => any_attendee().prop_map(|attendee| BookingCommand::Decline { attendee }),
        4 => wish().prop_map(|(attendee, party)| BookingCommand::Wait { attendee, party }),
        1 => any_attendee().prop_map(|attendee| BookingCommand::StopWaiting { attendee }),
    ]
}

fn any_command() -> impl Strategy<Value = BookingCommand> {
    prop_oneof![5 => any_seat_command(), 1 => any_house_command()]
}

/// Commands with the time that passes before each; sometimes the clock steps back, and sometimes seats have names at first.
fn any_history() -> impl Strategy<Value = Vec<(i64, BookingCommand)>> {
    let commands = prop::collection::vec((-20..120_i64, any_command()), 0..60);
    (any::<bool>(), commands).prop_map(|(named, commands)| {
        let named = if named { seating::halls() } else { Vec::new() };
        named.into_iter().map(|command| (0, command)).chain(commands).collect()
    })
}

fn with_instants(history: &[(i64, BookingCommand)]) -> impl Iterator<Item = (Timestamp, &BookingCommand)> {
    history.iter().scan(0, |clock, (step, command)| {
        *clock += step;
        Some((at(*clock), command))
    })
}

proptest! {
    #[test]
    fn every_stream_that_the_rules_produce_passes_the_audit(capacity in 0..5_u32, history in any_history()) {
        let mut ledger = SeatLedger::new();
        let mut auditor = Auditor::new();
        let opening = (0, open(capacity));
        for (now, command) in with_instants(&[&[opening], &history[..]].concat()) {
            let decision = decide(&ledger, command, now);
            for event in &decision.events {
                ledger.evolve(decision.at, event);
                let tally = auditor.check(ledger.seq(), decision.at, event).unwrap();
                let counts = (tally.free, tally.held, tally.confirmed, tally.blocked);
                let blocked = u64::from(ledger.blocked().get());
                prop_assert_eq!(counts, (ledger.free(), ledger.held(), ledger.confirmed(), blocked));
                prop_assert_eq!(auditor.refunds_due(), ledger.refunds_due().count() as u64);
            }
            if let Booked { seat } | Held { seat, .. } | BookingOutcome::Approved { seat } = decision.outcome {
                let attendee = command.attendee().unwrap();
                prop_assert_eq!(ledger.seat_number(attendee), Some(seat));
            }
        }
    }

    /// What is due is decided with the command, and nothing is due after it but what time brings.
    #[test]
    fn a_decision_leaves_nothing_undone(history in any_history()) {
        let mut ledger = SeatLedger::new();
        for (now, command) in with_instants(&[&[(0, open(4))], &history[..]].concat()) {
            let decision = decide(&ledger, command, now);
            for event in &decision.events {
                ledger.evolve(decision.at, event);
            }
            let again = decide(&ledger, &BookingCommand::StopWaiting { attendee: who("nobody") }, decision.at);
            let lapses = again.events.iter().filter(|event| matches!(event, BookingEvent::HoldLapsed { .. })).count();
            // Holds of no length lapse when they are looked at next, and their seats are offered then.
            prop_assert!(lapses > 0 || again.events.is_empty(), "{:?} leaves {:?}", command, again.events);
        }
    }

    #[test]
    fn every_event_is_read_as_it_was_written_and_written_as_it_was_read(history in any_history()) {
        let mut ledger = SeatLedger::new();
        for (now, command) in with_instants(&[&[(0, open(4))], &history[..]].concat()) {
            let decision = decide(&ledger, command, now);
            for event in &decision.events {
                let recorded = encode(decision.at, event);
                let read = decode(&stored(1, recorded.clone())).unwrap();
                prop_assert_eq!(&read, event);
                prop_assert_eq!(encode(decision.at, &read).data, recorded.data);
                ledger.evolve(decision.at, event);
            }
        }
    }

    #[test]
    fn seat_numbers_are_places_on_the_roster(history in any_history()) {
        let (_, ledger) = after(&[&[(0, open(6))], &history[..]].concat());
        let mut place = 1;
        for seat in ledger.roster() {
            prop_assert_eq!(ledger.seat_number(&seat.attendee), Some(place));
            place += u64::from(seat.party.seats.get());
        }
        for (place, waiter) in (1..).zip(ledger.waiters()) {
            prop_assert_eq!(ledger.waiting_position(&waiter.attendee), Some(place));
        }
    }

    #[test]
    fn reverting_events_restores_the_ledger(before in any_history(), then in any_history()) {
        let (_, mut ledger) = after(&[&[(0, open(4))], &before[..]].concat());
        let original = ledger.clone();
        let mut undos = Vec::new();
        for (now, command) in with_instants(&then) {
            let decision = decide(&ledger, command, now);
            undos.extend(decision.events.iter().map(|event| ledger.evolve(decision.at, event)));
        }
        for undo in undos.into_iter().rev() {
            ledger.revert(undo);
        }
        prop_assert_eq!(&ledger, &original);
        prop_assert_eq!(ledger.next_deadline(), original.next_deadline());
        for seat in ledger.roster() {
            prop_assert_eq!(ledger.seat_number(&seat.attendee), original.seat_number(&seat.attendee));
        }
        for waiter in ledger.waiters() {
            let (now, then) = (ledger.waiting_position(&waiter.attendee), original.waiting_position(&waiter.attendee));
            prop_assert_eq!(now, then);
        }
    }

    #[test]
    fn a_snapshot_restores_the_ledger(history in any_history(), then in any_history()) {
        let (_, mut ledger) = after(&[&[(0, open(4))], &history[..]].concat());
        let mut restored = SeatLedger::from_saved(ledger.to_saved()).unwrap();
        prop_assert_eq!(&restored, &ledger);
        for (now, command) in with_instants(&then) {
            prop_assert_eq!(apply(&mut restored, command, now), apply(&mut ledger, command, now));
        }
        prop_assert_eq!(&restored, &ledger);
    }

    #[test]
    fn a_snapshot_of_before_the_sale_restores_what_was_prepared(history in any_history(), capacity in 0..9_u32) {
        let (_, mut ledger) = after(&history);
        let mut restored = SeatLedger::from_saved(ledger.to_saved()).unwrap();
        prop_assert_eq!(&restored, &ledger);
        let resize = BookingCommand::Resize { capacity: Seats::new(capacity), below: Below::GiveNoMore };
        let now = at(1_000_000);
        prop_assert_eq!(apply(&mut restored, &resize, now), apply(&mut ledger, &resize, now));
    }

    /// Owners in any interleaving of submit, commit and conflict with a rival answer as one after the other would.
    #[test]
    fn owners_answer_what_the_log_says(named: bool, history in prop::collection::vec((0..4_u8, any_command()), 1..80)) {
        let named = if named { seating::halls() } else { Vec::new() };
        ready(owners_race(named.into_iter().map(|command| (3, command)).chain(history).collect()))?;
    }
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).unwrap()
}

type Answers = Vec<(usize, BookingReply)>;

/// Commits what `owner` has to write; on a conflict it catches up and goes on.
async fn commit(store: &MemoryBackend, owner: &mut Owner<usize>, now: Timestamp, answers: &mut Answers) {
    while let Some(transaction) = owner.next_transaction() {
        match store.commit_one(transaction).await.unwrap() {
            CommitOutcome::Done(_) => answers.extend(owner.committed()),
            CommitOutcome::Conflict(failed) => {
                owner.conflicted(&failed);
                let tail = store.read(owner.stream(), owner.seq().next(), 1_000).await.unwrap();
                answers.extend(owner.caught_up(&tail, None, now).unwrap());
            }
            other @ (CommitOutcome::Already(_) | CommitOutcome::KeyReused | CommitOutcome::Refused(_)) => {
                panic!("{other:?}")
            }
        }
    }
}

/// A part of the name of the event by which an outcome came about.
fn recorded_as(outcome: &BookingOutcome) -> &'static str {
    match outcome.name() {
        "offer_taken" => "hold_confirmed",
        "approved" => "seat_booked",
        "waiting" => "wait_joined",
        "left_waitlist" => "wait_left",
        "resized" | "set" | "extended" | "changed" | "moved" | "closed" | "reopened" => "booking.",
        name => name,
    }
}

async fn owners_race(history: Vec<(u8, BookingCommand)>) -> Result<(), TestCaseError> {
    let store = MemoryBackend::new();
    let evening = "chess@20260105".parse().unwrap();
    let reply = run(&store, &evening, &open(3), at(0)).await.unwrap();
    prop_assert_eq!(reply.outcome, BookingOutcome::Opened);
    let owner = async || Owner::new(booking_stream(&evening), observe(&store, &evening).await.unwrap(), 10_000);
    let mut owners = [owner().await, owner().await];
    let mut answers = Answers::new();
    let asked = history.len();
    for ((token, millis), (action, command)) in (0..).zip((0..).step_by(10)).zip(history) {
        let now = at(millis);
        let owner = &mut owners[usize::from(action % 2)];
        match owner.submit(command, token, now) {
            Submitted::Answered(token, reply) => answers.push((token, reply)),
            Submitted::Waits => {}
            Submitted::Busy(_) => panic!("busy below its bound"),
        }
        let durable = observe(&store, &evening).await.unwrap();
        owner.look(|ledger| assert!(ledger.seq() <= durable.seq(), "an owner shows what is not stored"));
        if action > 1 {
            commit(&store, owner, now, &mut answers).await;
        }
    }
    for owner in &mut owners {
        commit(&store, owner, at(1_000_000), &mut answers).await;
        prop_assert!(owner.is_settled());
    }
    // Everybody was answered once, and every accepted command stands in the log at the place it was told.
    answers.sort_by_key(|(token, _)| *token);
    let tokens: Vec<usize> = answers.iter().map(|(token, _)| *token).collect();
    prop_assert_eq!(tokens, (0..asked).collect::<Vec<_>>());
    let log = store.read(&booking_stream(&evening), Seq::FIRST, 10_000).await.unwrap();
    let mut auditor = Auditor::new();
    for event in &log {
        auditor.check(event.seq, event.at, &decode(event).unwrap()).unwrap();
    }
    let mut hashes = vec![ChainHash::default()];
    for event in &log {
        hashes.push(hashes[hashes.len() - 1].then(event.at, &decode(event).unwrap()));
    }
    for (_, reply) in &answers {
        let seq = usize::try_from(reply.seq.get()).unwrap();
        prop_assert_eq!(reply.hash, hashes[seq], "the receipt of {:?}", reply);
        if reply.outcome.is_accepted() {
            let event = log[seq - 1].event_type.as_str();
            prop_assert!(event.contains(recorded_as(&reply.outcome)), "{event} is no {:?}", reply.outcome);
        }
    }
    Ok(())
}

#[test]
fn a_refusal_on_durable_facts_is_answered_at_once_and_one_on_facts_in_flight_waits() {
    let mut ledger = SeatLedger::new();
    assert!(apply(&mut ledger, &open(1), at(0)).is_accepted());
    let mut owner = Owner::new(StreamName::new("s").unwrap(), ledger, 10);
    assert!(matches!(owner.submit(cancel("bob"), 0, at(1)), Submitted::Answered(0, _)));
    assert_eq!(owner.submit(book("ann"), 1, at(1)), Submitted::Waits);
    assert!(owner.next_transaction().is_some());
    assert_eq!(owner.submit(book("bob"), 2, at(1)), Submitted::Waits);
    assert!(owner.next_transaction().is_none());
    assert_eq!(owner.look(SeatLedger::taken), 0);
    let outcomes: Vec<_> = owner.committed().into_iter().map(|(token, reply)| (token, reply.outcome)).collect();
    assert_eq!(outcomes, [(1, Booked { seat: 1 }), (2, full(1))]);
    assert!(matches!(owner.submit(book("cyd"), 3, at(1)), Submitted::Answered(3, _)));
    assert_eq!(owner.look(SeatLedger::taken), 1);
}

#[test]
fn a_refusal_waits_for_the_facts_it_rests_on_and_not_for_later_ones() {
    let mut ledger = SeatLedger::new();
    assert!(apply(&mut ledger, &open(2), at(0)).is_accepted());
    let mut owner = Owner::new(StreamName::new("s").unwrap(), ledger, 10);
    assert_eq!(owner.submit(book("ann"), 1, at(1)), Submitted::Waits);
    assert!(owner.next_transaction().is_some());
    assert_eq!(owner.submit(book("ann"), 2, at(1)), Submitted::Waits);
    assert_eq!(owner.submit(book("bob"), 3, at(1)), Submitted::Waits);
    let tokens = |replies: Vec<(i32, BookingReply)>| replies.into_iter().map(|(token, _)| token).collect::<Vec<_>>();
    assert_eq!(tokens(owner.committed()), [1, 2]);
    assert!(owner.next_transaction().is_some());
    assert_eq!(tokens(owner.committed()), [3]);
}

#[test]
fn an_owner_with_too_many_waiting_says_busy_and_keeps_the_rest() {
    let mut ledger = SeatLedger::new();
    assert!(apply(&mut ledger, &open(9), at(0)).is_accepted());
    let mut owner = Owner::new(StreamName::new("s").unwrap(), ledger, 2);
    assert_eq!(owner.submit(book("a"), 1, at(1)), Submitted::Waits);
    assert_eq!(owner.submit(book("b"), 2, at(1)), Submitted::Waits);
    assert_eq!(owner.submit(book("c"), 3, at(1)), Submitted::Busy(3));
    assert!(owner.next_transaction().is_some());
    assert_eq!(owner.submit(book("c"), 3, at(1)), Submitted::Waits);
    assert_eq!(owner.abandon(), [1, 2, 3]);
}

#[test]
fn a_seat_is_acquired_on_an_observation_only_if_it_is_current() {
    let mut ledger = SeatLedger::new();
    assert!(apply(&mut ledger, &open(2), at(0)).is_accepted());
    assert!(apply(&mut ledger, &book("ann"), at(0)).is_accepted());
    let hash = ledger.hash();
    let mut owner = Owner::new(StreamName::new("s").unwrap(), ledger, 10);
    let observed = |name, seq| Submission { observed: Some(Seq::new(seq)), ..book(name).into() };
    let conflict = BookingOutcome::Conflict { expected: Seq::new(1), actual: Seq::new(2) };
    let reply = BookingReply { outcome: conflict, seq: Seq::new(2), hash, warnings: [].into(), places: [].into() };
    assert_eq!(owner.submit(observed("bob", 1), 1, at(1)), Submitted::Answered(1, reply));
    // What the roster alone decides needs no observation.
    let already = BookingReply {
        outcome: Already { seat: 1, state: CONFIRMED },
        seq: Seq::new(2),
        hash,
        warnings: [].into(),
        places: [].into(),
    };
    assert_eq!(owner.submit(observed("ann", 1), 2, at(1)), Submitted::Answered(2, already));
    assert_eq!(owner.submit(observed("bob", 2), 3, at(1)), Submitted::Waits);
}

#[test]
fn churn_does_not_make_the_ledger_grow_without_end() {
    let (store, evening) = (MemoryBackend::new(), "chess@20260105".parse().unwrap());
    let _opened = ready(run(&store, &evening, &open(10), at(0))).unwrap();
    let mut owner = Owner::new(booking_stream(&evening), ready(observe(&store, &evening)).unwrap(), 10);
    let mut answers = Answers::new();
    for token in 0..5_000 {
        let name = format!("p{token}");
        for command in [book(&name), cancel(&name)] {
            assert_eq!(owner.submit(command, token, at(1)), Submitted::Waits);
            ready(commit(&store, &mut owner, at(1), &mut answers));
        }
    }
    assert_eq!(owner.look(SeatLedger::taken), 0);
    assert!(format!("{owner:?}").len() < 20_000);
}

/// A hundred times more holds than fit into one transaction lapse at the same instant.
#[test]
fn more_lapses_than_fit_into_a_transaction_are_recorded_in_several() {
    let (store, evening) = (MemoryBackend::new(), "chess@20260105".parse().unwrap());
    let _opened = ready(run(&store, &evening, &open(5_000), at(0))).unwrap();
    let mut owner = Owner::new(booking_stream(&evening), ready(observe(&store, &evening)).unwrap(), 10_000);
    let mut answers = Answers::new();
    for token in 0..5_000 {
        assert_eq!(owner.submit(hold(&format!("p{token}")), token, at(0)), Submitted::Waits);
    }
    ready(commit(&store, &mut owner, at(0), &mut answers));
    assert_eq!(answers.len(), 5_000);

    // By the owner: the booking waits for all of them.
    assert_eq!(owner.submit(book("last"), 7, at(100)), Submitted::Waits);
    let mut sizes = Vec::new();
    let mut told = Answers::new();
    while let Some(transaction) = owner.next_transaction() {
        sizes.push(transaction.appends[0].events.len());
        assert!(told.is_empty());
        assert!(ready(store.commit_one(transaction)).unwrap().is_done());
        told = owner.committed();
    }
    assert!(sizes.len() > 1 && sizes.iter().all(|size| *size <= 1_024), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 5_001);
    let told: Vec<_> = told.into_iter().map(|(token, reply)| (token, reply.outcome, reply.seq)).collect();
    assert_eq!(told, [(7, Booked { seat: 1 }, Seq::new(10_002))]);

    // And without one.
    for token in 0..3_000 {
        assert_eq!(owner.submit(hold(&format!("q{token}")), token, at(100)), Submitted::Waits);
    }
    ready(commit(&store, &mut owner, at(100), &mut answers));
    let reply = ready(run(&store, &evening, &book("very last"), at(200))).unwrap();
    assert_eq!(reply.outcome, Booked { seat: 2 });
    let head = ready(store.head(&booking_stream(&evening))).unwrap();
    assert_eq!((head.last, reply.seq), (Seq::new(16_003), Seq::new(16_003)));
}

async fn append(store: &MemoryBackend, stream: &StreamName, event: NewEvent) {
    let appended = store.commit_one(Transaction::append(stream, Expect::Any, vec![event])).await.unwrap();
    assert!(appended.is_done());
}

/// Streams that a booking under policies rests on, beside its own.
fn terms(seq: u64, policies: bool) -> Terms {
    Terms { stream: StreamName::new("series/chess").unwrap(), seq: Seq::new(seq), policies }
}

fn on_grounds(name: &str, agenda: u64) -> Submission {
    let rules = (StreamName::new("availability").unwrap(), Seq::UNWRITTEN);
    let verdict =
        Some(Verdict::Allowed(Grounds { agenda: Seq::new(agenda), others: vec![rules], warnings: [].into() }));
    Submission { verdict, ..book(name).into() }
}

fn guarded() -> Owner<usize> {
    let (_, ledger) = after(&[(0, open(9))]);
    Owner::new(StreamName::new("booking:chess@20260105").unwrap(), ledger, 100).under(terms(0, true))
}

#[test]
fn under_policies_a_seat_is_given_on_grounds_only_and_everything_else_as_ever() {
    let mut owner = guarded();
    let mut answer = |asked: Submission| {
        let submitted = owner.submit(asked, 1, at(1));
        let Submitted::Answered(1, reply) = submitted else { panic!("{submitted:?}") };
        (reply.outcome, reply.seq.get())
    };
    assert_eq!(answer(book("ann").into()), (BookingOutcome::Unchecked, 1));
    assert_eq!(answer(hold("ann").into()), (BookingOutcome::Unchecked, 1));
    assert_eq!(answer(cancel("ann").into()), (BookingOutcome::NotBooked, 1));
    let old = Submission { observed: Some(Seq::new(7)), ..book("ann").into() };
    assert_eq!(answer(old), (BookingOutcome::Conflict { expected: Seq::new(7), actual: Seq::new(1) }, 1));
    let reasons: std::sync::Arc<[std::sync::Arc<str>]> = ["clash".into()].into();
    let cursor = crate::persist::Cursor::START;
    let denied =
        Submission { verdict: Some(Verdict::Denied { reasons: reasons.clone(), cursor }), ..book("ann").into() };
    assert_eq!(answer(denied), (BookingOutcome::Denied { reasons, cursor }, 1));
    assert_eq!(owner.submit(on_grounds("ann", 0), 5, at(1)), Submitted::Waits);
}

#[test]
fn a_seat_on_grounds_is_entered_in_the_agenda_in_the_same_transaction() {
    ready(async {
        let store = MemoryBackend::new();
        let stream = StreamName::new("booking:chess@20260105").unwrap();
        let opened = encode(at(0), &BookingEvent::SaleOpened { capacity: Seats::new(9) });
        append(&store, &stream, opened).await;
        let mut owner = guarded();
        for (token, name) in ["ann", "bob"].into_iter().enumerate() {
            assert_eq!(owner.submit(on_grounds(name, 0), token, at(5)), Submitted::Waits);
        }
        let mut answers = Answers::new();
        commit(&store, &mut owner, at(5), &mut answers).await;
        assert_eq!(answers.len(), 2);
        for name in ["ann", "bob"] {
            let entered = agenda(&store, &who(name)).await.unwrap();
            assert_eq!(entered, [("chess@20260105".parse().unwrap(), at(5))]);
        }
        assert_eq!(agenda(&store, &who("cyd")).await.unwrap(), []);
    });
}

#[test]
fn grounds_that_have_moved_give_no_seat_and_others_of_the_batch_theirs() {
    let moves: [(&str, &[&str]); 3] =
        [("agenda:bob", &["bob"]), ("availability", &["ann", "bob"]), ("series/chess", &["ann", "bob"])];
    for (moved, left_out) in moves {
        ready(async {
            let store = MemoryBackend::new();
            let stream = StreamName::new("booking:chess@20260105").unwrap();
            let opened = encode(at(0), &BookingEvent::SaleOpened { capacity: Seats::new(9) });
            append(&store, &stream, opened).await;
            let moved = StreamName::new(moved).unwrap();
            append(&store, &moved, NewEvent::new("x", at(0), &0).unwrap()).await;
            let mut owner = guarded();
            for (token, name) in ["ann", "bob"].into_iter().enumerate() {
                assert_eq!(owner.submit(on_grounds(name, 0), token, at(5)), Submitted::Waits);
            }
            let transaction = owner.next_transaction().unwrap();
            let CommitOutcome::Conflict(failed) = store.commit_one(transaction).await.unwrap() else {
                panic!("{moved} was not looked at")
            };
            owner.conflicted(&failed);
            let now = terms(u64::from(moved.as_str() == "series/chess"), true);
            let mut answers = owner.caught_up(&[], Some(now), at(6)).unwrap();
            commit(&store, &mut owner, at(6), &mut answers).await;
            answers.sort_unstable_by_key(|(token, _)| *token);
            for ((_, reply), name) in answers.iter().zip(["ann", "bob"]) {
                let left_out = left_out.contains(&name);
                assert_eq!(reply.outcome == BookingOutcome::Unchecked, left_out, "{moved}: {name}: {reply:?}");
                assert_eq!(reply.outcome.takes_a_seat(), !left_out);
            }
            assert_eq!(answers.len(), 2);
        });
    }
}

#[test]
fn an_owner_writes_only_under_the_definition_that_it_knows() {
    ready(async {
        let store = MemoryBackend::new();
        let (_, ledger) = after(&[]);
        let stream = StreamName::new("booking:chess@20260105").unwrap();
        let mut owner = Owner::new(stream, ledger, 100).under(terms(0, false));
        append(&store, &terms(0, false).stream, NewEvent::new("x", at(0), &0).unwrap()).await;
        assert_eq!(owner.submit(open(1), 1, at(1)), Submitted::Waits);
        assert_eq!(owner.submit(book("ann"), 2, at(1)), Submitted::Waits);
        let outcome = store.commit_one(owner.next_transaction().unwrap()).await.unwrap();
        let CommitOutcome::Conflict(failed) = outcome else { panic!("{outcome:?}") };
        owner.conflicted(&failed);
        let mut answers = owner.caught_up(&[], Some(terms(1, true)), at(1)).unwrap();
        commit(&store, &mut owner, at(1), &mut answers).await;
        let outcomes: Vec<_> = answers.into_iter().map(|(_, reply)| reply.outcome).collect();
        assert_eq!(outcomes, [BookingOutcome::Opened, BookingOutcome::Unchecked]);
    });
}
