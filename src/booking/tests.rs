//! The rules as tables, and their laws as properties.

use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::id::AttendeeId;
use crate::persist::{
    Backend, CommitOutcome, Expect, MemoryBackend, NewEvent, RecordedEvent, Seq, StreamName, Transaction,
};
use crate::time::Timestamp;
use BookingOutcome::{Already, Booked, Full, Held, NotHeld};

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
    BookingCommand::Book { attendee: who(name) }
}
fn hold(name: &str) -> BookingCommand {
    BookingCommand::Hold { attendee: who(name), hold_for: HOLD }
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

fn full(capacity: u32) -> BookingOutcome {
    Full { capacity: Seats::new(capacity) }
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
    check(1, &[(0, hold("ann")), (1, book("bob"))], full(1));
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
    check(1, &[(0, hold("ann")), (99, book("bob"))], full(1));
    check(1, &[(0, hold("ann")), (100, book("bob"))], Booked { seat: 1 });
    check(1, &[(0, hold("ann")), (99, confirm("ann"))], BookingOutcome::Confirmed);
    check(1, &[(0, hold("ann")), (100, confirm("ann"))], NotHeld);
    check(1, &[(0, hold("ann")), (100, release("ann"))], NotHeld);
    check(1, &[(0, hold("ann")), (100, cancel("ann"))], BookingOutcome::NotBooked);
    check(1, &[(0, hold("ann")), (100, hold("ann"))], Held { seat: 1, until: at(200) });
}

#[test]
fn a_confirmed_hold_never_lapses() {
    check(1, &[(0, hold("ann")), (50, confirm("ann")), (500, book("bob"))], full(1));
}

#[test]
fn confirm_after_another_took_the_lapsed_seat_is_not_held_even_when_the_clock_steps_back() {
    check(1, &[(0, hold("ann")), (100, hold("bob")), (50, confirm("ann"))], NotHeld);
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
    let expected =
        [BookingEvent::HoldLapsed { attendee: who("ann") }, BookingEvent::SeatBooked { attendee: who("bob") }];
    assert_eq!(decision.events, expected);
}

#[test]
fn every_event_is_recorded_under_its_fixed_name_and_shape() {
    let attendee = who("a \"quoted\" näme");
    let of = |attendee: &AttendeeId| attendee.clone();
    let table = [
        (BookingEvent::SaleOpened { capacity: Seats::new(20) }, "booking.sale_opened.v1", r#"{"capacity":20}"#),
        (
            BookingEvent::SeatBooked { attendee: of(&attendee) },
            "booking.seat_booked.v1",
            r#"{"attendee":"a \"quoted\" näme"}"#,
        ),
        (
            BookingEvent::SeatHeld { attendee: who("ann"), hold_for: HOLD },
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

fn any_command() -> impl Strategy<Value = BookingCommand> {
    let attendee = (0..8_u8).prop_map(|n| who(&format!("p{n}")));
    (0..6_u8, attendee, 0..300_u64).prop_map(|(kind, attendee, millis)| match kind {
        0 => BookingCommand::Book { attendee },
        1 | 2 => BookingCommand::Hold { attendee, hold_for: Duration::from_millis(millis) },
        3 => BookingCommand::Confirm { attendee },
        4 => BookingCommand::Release { attendee },
        _ => BookingCommand::Cancel { attendee },
    })
}

/// Commands with the time that passes before each; sometimes the clock steps back.
fn any_history() -> impl Strategy<Value = Vec<(i64, BookingCommand)>> {
    prop::collection::vec((-20..120_i64, any_command()), 0..60)
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
                let counts = (tally.free, tally.held, tally.confirmed);
                prop_assert_eq!(counts, (ledger.free(), ledger.held(), ledger.confirmed()));
            }
            if let Booked { seat } | Held { seat, .. } | Already { seat, .. } = decision.outcome {
                let mut after = ledger.clone();
                for event in &decide(&ledger, &open(0), now).events {
                    after.evolve(now, event);
                }
                let (BookingCommand::Book { attendee } | BookingCommand::Hold { attendee, .. }) = command else {
                    panic!("{command:?} acquired a seat");
                };
                let place = after.roster().position(|seat| seat.attendee == *attendee);
                // A hold of no length is gone as soon as it is looked at.
                if let Some(place) = place {
                    prop_assert_eq!(place as u64 + 1, seat);
                }
            }
        }
    }

    #[test]
    fn seat_numbers_are_places_on_the_roster(history in any_history()) {
        let (_, ledger) = after(&[&[(0, open(6))], &history[..]].concat());
        for (place, seat) in (1..).zip(ledger.roster()) {
            prop_assert_eq!(ledger.seat_number(&seat.attendee), Some(place));
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
        for (place, seat) in (1..).zip(ledger.roster()) {
            prop_assert_eq!(ledger.seat_number(&seat.attendee), Some(place));
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

    /// Owners in any interleaving of submit, commit and conflict with a rival answer as one after the other would.
    #[test]
    fn owners_answer_what_the_log_says(history in prop::collection::vec((0..4_u8, any_command()), 1..80)) {
        ready(owners_race(history))?;
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
    for (_, reply) in answers.iter().filter(|(_, reply)| reply.outcome.is_accepted()) {
        let event = &log[usize::try_from(reply.seq.get()).unwrap() - 1];
        let name = reply.outcome.name();
        prop_assert!(event.event_type.as_str().contains(name), "{} is no {name}", event.event_type);
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
    let mut owner = Owner::new(StreamName::new("s").unwrap(), ledger, 10);
    let observed = |name, seq| Submission { observed: Some(Seq::new(seq)), ..book(name).into() };
    let conflict = BookingOutcome::Conflict { expected: Seq::new(1), actual: Seq::new(2) };
    let reply = BookingReply { outcome: conflict, seq: Seq::new(2) };
    assert_eq!(owner.submit(observed("bob", 1), 1, at(1)), Submitted::Answered(1, reply));
    // What the roster alone decides needs no observation.
    let already = BookingReply { outcome: Already { seat: 1, state: CONFIRMED }, seq: Seq::new(2) };
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
    assert_eq!(told, [(7, BookingReply { outcome: Booked { seat: 1 }, seq: Seq::new(10_002) })]);

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
    let grounds = Some(Grounds { agenda: Seq::new(agenda), others: vec![rules] });
    Submission { grounds, ..book(name).into() }
}

fn guarded() -> Owner<usize> {
    let (_, ledger) = after(&[(0, open(9))]);
    Owner::new(StreamName::new("booking:chess@20260105").unwrap(), ledger, 100).under(terms(0, true))
}

fn unchecked(seq: u64) -> BookingReply {
    BookingReply { outcome: BookingOutcome::Unchecked, seq: Seq::new(seq) }
}

#[test]
fn under_policies_a_seat_is_given_on_grounds_only_and_everything_else_as_ever() {
    let mut owner = guarded();
    assert_eq!(owner.submit(book("ann"), 1, at(1)), Submitted::Answered(1, unchecked(1)));
    assert_eq!(owner.submit(hold("ann"), 2, at(1)), Submitted::Answered(2, unchecked(1)));
    let none = BookingReply { outcome: BookingOutcome::NotBooked, seq: Seq::new(1) };
    assert_eq!(owner.submit(cancel("ann"), 3, at(1)), Submitted::Answered(3, none));
    let old = Submission { observed: Some(Seq::new(7)), ..book("ann").into() };
    let conflict = BookingOutcome::Conflict { expected: Seq::new(7), actual: Seq::new(1) };
    let conflict = BookingReply { outcome: conflict, seq: Seq::new(1) };
    assert_eq!(owner.submit(old, 4, at(1)), Submitted::Answered(4, conflict));
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
