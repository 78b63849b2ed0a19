//! What is due back: it stays so until it is settled.

use super::*;
use crate::persist::{Projected, save_snapshot};

/// Ann holds the only seat, bob has it once her hold has lapsed, and her payment comes too late.
fn too_late() -> Vec<(i64, BookingCommand)> {
    vec![(i64::MIN, open(1)), (0, hold("ann")), (100, book("bob")), (101, confirm("ann"))]
}

fn settle(name: &str) -> BookingCommand {
    BookingCommand::SettleRefund { attendee: who(name) }
}

fn transfer(from: &str, to: &str) -> BookingCommand {
    BookingCommand::Transfer { from: who(from), to: who(to) }
}

/// To whom something is due back, since which event and instant.
fn due(ledger: &SeatLedger) -> Vec<(&str, u64, i64)> {
    ledger.refunds_due().map(|due| (due.attendee.as_str(), due.seq.get(), due.at.as_millis())).collect()
}

#[track_caller]
fn told(then: &[(i64, BookingCommand)], expected: &BookingOutcome) {
    assert_eq!(after(&[&too_late()[..], then].concat()).0, *expected, "{then:?}");
}

#[test]
fn what_is_due_back_is_due_whatever_else_becomes_of_the_attendee() {
    let held_again = [(102, cancel("bob")), (103, hold("ann"))];
    for then in [
        vec![],
        vec![(102, cancel("bob")), (103, book("ann"))],
        held_again.to_vec(),
        [&held_again[..], &[(300, confirm("ann"))]].concat(),
        [&held_again[..], &[(104, release("ann"))]].concat(),
        vec![(102, transfer("bob", "ann")), (103, transfer("ann", "cyd"))],
        vec![(102, BookingCommand::Request { attendee: who("ann"), party: Party::default() })],
        vec![(102, BookingCommand::Close), (103, settle("bob"))],
    ] {
        let (_, ledger) = after(&[&too_late()[..], &then].concat());
        assert_eq!(due(&ledger), [("ann", 5, 101)], "{then:?}");
        assert_eq!(ledger.refunds_due_to(&who("ann")).count(), 1);
        assert_eq!(ledger.refunds_due_to(&who("bob")).count(), 0);
    }
    let (_, ledger) = after(&too_late());
    assert_eq!(ledger.refunds_due().next().map(|due| &due.party), Some(&Party::default()));
}

#[test]
fn what_is_due_back_is_settled_once() {
    use BookingOutcome::{NoRefundDue, RefundDue, RefundSettled};
    told(&[(102, settle("ann"))], &RefundSettled { left: 0 });
    told(&[(102, settle("ann")), (103, settle("ann"))], &NoRefundDue);
    told(&[(102, settle("bob"))], &NoRefundDue);
    told(&[(102, BookingCommand::Close), (103, settle("ann"))], &RefundSettled { left: 0 });
    // A payment that is told again is due until it is paid back, and has no seats after it.
    told(&[(102, cancel("bob")), (103, confirm("ann"))], &RefundDue);
    told(&[(102, cancel("bob")), (103, settle("ann")), (104, confirm("ann"))], &NotHeld);
    check(1, &[(0, hold("ann")), (100, settle("ann"))], NoRefundDue);
}

#[test]
fn several_refunds_of_one_attendee_count_up_and_are_settled_in_their_order() {
    let again = [(102, cancel("bob")), (103, hold("ann")), (203, book("cyd")), (204, confirm("ann"))];
    let twice = [&too_late()[..], &again].concat();
    let (outcome, ledger) = after(&twice);
    assert_eq!((outcome, due(&ledger)), (BookingOutcome::RefundDue, vec![("ann", 5, 101), ("ann", 10, 204)]));
    let (outcome, ledger) = after(&[&twice[..], &[(205, settle("ann"))]].concat());
    assert_eq!((outcome, due(&ledger)), (BookingOutcome::RefundSettled { left: 1 }, vec![("ann", 10, 204)]));
    let (outcome, ledger) = after(&[&twice[..], &[(205, settle("ann")), (206, settle("ann"))]].concat());
    assert_eq!((outcome, due(&ledger)), (BookingOutcome::RefundSettled { left: 0 }, vec![]));
}

#[test]
fn more_lapses_than_are_remembered_do_not_push_it_out() {
    let (_, mut ledger) = after(&[&too_late()[..], &[(102, cancel("bob")), (103, hold("first"))]].concat());
    let lapsed = |name: &str| BookingEvent::HoldLapsed { attendee: who(name) };
    ledger.evolve(at(203), &lapsed("first"));
    for n in 0..10_000 {
        let name = format!("p{n}");
        ledger
            .evolve(at(203), &BookingEvent::SeatHeld { attendee: who(&name), party: Party::default(), hold_for: HOLD });
        ledger.evolve(at(303), &lapsed(&name));
    }
    assert_eq!(decide(&ledger, &confirm("first"), at(304)).outcome, NotHeld);
    assert_eq!(decide(&ledger, &confirm("p0"), at(304)).outcome, BookingOutcome::Reacquired { seat: 1 });
    assert_eq!(due(&ledger), [("ann", 5, 101)]);
    assert_eq!(decide(&ledger, &settle("ann"), at(304)).outcome, BookingOutcome::RefundSettled { left: 0 });
}

#[test]
fn a_settlement_is_recorded_under_its_fixed_name_and_shape() {
    let event = BookingEvent::RefundSettled { attendee: who("ann"), due: Seq::new(7) };
    let recorded = encode(at(5), &event);
    let json = r#"{"attendee":"ann","due":7}"#;
    assert_eq!((recorded.event_type.as_str(), recorded.data.json()), ("booking.refund_settled.v1", json));
    assert_eq!(decode(&stored(1, recorded)).unwrap(), event);
    assert!(event.is_about(&who("ann")) && !event.is_about(&who("bob")));
    let command = serde_json::to_value(settle("ann")).unwrap();
    assert_eq!(command, serde_json::json!({"settle_refund": {"attendee": "ann"}}));
}

/// A stream as it was recorded when nothing could be settled.
const BEFORE: [(i64, &str, &str); 7] = [
    (0, "booking.sale_opened.v1", r#"{"capacity":1}"#),
    (0, "booking.seat_held.v1", r#"{"attendee":"ann","hold_ms":100}"#),
    (100, "booking.hold_lapsed.v1", r#"{"attendee":"ann"}"#),
    (100, "booking.seat_booked.v1", r#"{"attendee":"bob"}"#),
    (101, "booking.refund_due.v1", r#"{"attendee":"ann","party":{"seats":1}}"#),
    (102, "booking.seat_cancelled.v1", r#"{"attendee":"bob"}"#),
    (103, "booking.seat_booked.v1", r#"{"attendee":"ann"}"#),
];

/// As it was saved then after the first five events.
const SAVED_BEFORE: &str = r#"{"version":3,"latest_at":101,
    "hash":"0000000000000000000000000000000000000000000000000000000000000000","opened":true,"capacity":1,
    "seats":[{"a":"bob","s":100,"g":4}],"lapsed":[{"attendee":"ann","party":{"seats":1},"refund_due":true}]}"#;

async fn recorded_before(store: &MemoryBackend, evening: &crate::id::OccurrenceId) {
    for (millis, event_type, data) in BEFORE {
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        append(store, &booking_stream(evening), NewEvent::new(event_type, at(millis), &data).unwrap()).await;
    }
}

#[test]
fn a_stream_of_before_says_what_is_due_whatever_was_saved_of_it() {
    ready(async {
        let (store, evening) = (MemoryBackend::new(), "chess@20260105".parse().unwrap());
        recorded_before(&store, &evening).await;
        let folded = observe(&store, &evening).await.unwrap();
        assert_eq!(due(&folded), [("ann", 5, 101)]);
        let hash = "f1f92d75662f007dd8b1e2af934c9ae796d4d3117c7807c6daa0d20cfb9e023c";
        assert_eq!(folded.hash().to_string(), hash);

        let value: SavedLedger = serde_json::from_str(SAVED_BEFORE).unwrap();
        let saved = Projected { value, seq: Seq::new(5) };
        save_snapshot(&store, booking_stream(&evening).as_str(), &saved).await.unwrap();
        assert_eq!(load_ledger(&store, &evening).await.unwrap(), (folded.clone(), Seq::UNWRITTEN));
        // And as it is saved now.
        assert!(save_ledger(&store, &evening, &folded).await.unwrap());
        assert_eq!(load_ledger(&store, &evening).await.unwrap(), (folded, Seq::new(7)));

        let reply = run(&store, &evening, &settle("ann"), at(104)).await.unwrap();
        assert_eq!(reply.outcome, BookingOutcome::RefundSettled { left: 0 });
        let settled = BookingEvent::RefundSettled { attendee: who("ann"), due: Seq::new(5) };
        let last = history(&store, &evening, &who("ann")).await.unwrap().pop().unwrap();
        assert_eq!((last.event, last.seq, last.hash), (settled, reply.seq, reply.hash));
    });
}

#[test]
fn the_audit_finds_settlements_of_what_is_not_due() {
    let settled = |name: &str, due| BookingEvent::RefundSettled { attendee: who(name), due: Seq::new(due) };
    let again = [(102, cancel("bob")), (103, hold("ann")), (203, book("cyd")), (204, confirm("ann"))];
    let twice = [&too_late()[..], &again].concat();
    let mut ledger = SeatLedger::new();
    let mut auditor = Auditor::new();
    for (now, command) in &twice {
        let decision = decide(&ledger, command, at(*now));
        for event in &decision.events {
            ledger.evolve(decision.at, event);
            let _tally = auditor.check(ledger.seq(), decision.at, event).unwrap();
        }
    }
    assert_eq!(auditor.refunds_due(), 2);
    let none = "a refund was settled that was not due";
    for (events, expected) in [
        (vec![settled("bob", 5)], none),
        (vec![settled("ann", 4)], none),
        (vec![settled("ann", 5), settled("ann", 5)], none),
        (vec![settled("ann", 10)], "a refund was settled before the one that is due since 5"),
    ] {
        let mut auditor = auditor.clone();
        let mut checked = events.iter().zip(11..).map(|(event, seq)| auditor.check(Seq::new(seq), at(205), event));
        assert_eq!(checked.find_map(Result::err).map(|breach| breach.what).as_deref(), Some(expected), "{events:?}");
    }
    for (event, left) in [(settled("ann", 5), 1), (settled("ann", 10), 0)] {
        let seq = ledger.seq().next();
        ledger.evolve(at(205), &event);
        let _tally = auditor.check(seq, at(205), &event).unwrap();
        assert_eq!(auditor.refunds_due(), left);
    }
}

/// What makes payments come too late, often.
fn late_payments() -> impl Strategy<Value = Vec<(i64, BookingCommand)>> {
    let name = || prop_oneof![Just("ann"), Just("bob"), Just("cyd")];
    let command = prop_oneof![
        3 => name().prop_map(hold),
        3 => name().prop_map(confirm),
        2 => name().prop_map(book),
        2 => name().prop_map(cancel),
        1 => (name(), name()).prop_map(|(from, to)| transfer(from, to)),
        1 => name().prop_map(settle),
    ];
    prop::collection::vec((0..80_i64, command), 0..60)
}

/// Notes what an event says of refunds, in a list of those that are due.
fn note(due: &mut Vec<Refund>, (seq, at): (Seq, Timestamp), event: &BookingEvent) {
    if let BookingEvent::RefundDue { attendee, party } = event {
        due.push(Refund { attendee: attendee.clone(), party: party.clone(), seq, at });
    }
    if let BookingEvent::RefundSettled { attendee, due: settled } = event {
        let oldest = due.iter().position(|refund| refund.attendee == *attendee).unwrap();
        assert_eq!(due.remove(oldest).seq, *settled);
    }
}

proptest! {
    /// Nothing that was recorded as due is lost, and nothing settled that is not.
    #[test]
    fn what_is_due_back_is_what_was_recorded_so_and_not_settled(history in late_payments()) {
        let (mut ledger, mut noted) = (SeatLedger::new(), Vec::new());
        for (now, command) in with_instants(&[&[(0, open(1))], &history[..]].concat()) {
            let (decision, before) = (decide(&ledger, command, now), ledger.clone());
            let mut undos = Vec::new();
            for event in &decision.events {
                undos.push(ledger.evolve(decision.at, event));
                note(&mut noted, (ledger.seq(), decision.at), event);
            }
            if let BookingOutcome::RefundSettled { left } = decision.outcome {
                let attendee = command.attendee().unwrap();
                prop_assert_eq!(left, noted.iter().filter(|refund| refund.attendee == *attendee).count() as u64);
            }
            prop_assert!(ledger.refunds_due().eq(&noted), "{:?} are not {:?}", ledger.refunds, noted);
            prop_assert_eq!(&SeatLedger::from_saved(ledger.to_saved()).unwrap(), &ledger);
            let mut reverted = ledger.clone();
            undos.into_iter().rev().for_each(|undo| reverted.revert(undo));
            prop_assert_eq!(reverted, before);
        }
    }
}
