//! Gates in a store: conflicts, streams, the audit of what is recorded.

use futures_util::FutureExt;

use super::*;
use crate::booking::booking_stream;
use crate::persist::{Backend, EventType, Expect, MemoryBackend, NewEvent, Payload, Transaction};

fn ready<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

async fn on_sale(commands: &[BookingCommand]) -> MemoryBackend {
    let store = MemoryBackend::new();
    let open = BookingCommand::Open { capacity: Seats::new(10) };
    for command in [&open].into_iter().chain(commands) {
        assert!(booking::run(&store, &evening(), command, at(1)).await.unwrap().outcome.is_accepted());
    }
    store
}

fn ticket(gate: &Gate, name: &str) -> SignedTicket {
    let receipt = gate.seats.seat_of(&who(name)).unwrap().granted;
    key().sign(Ticket::new(evening(), who(name), place(1), receipt, at(0)))
}

fn entry(gate: &Gate, name: &str, nonce: &str) -> GateCommand {
    GateCommand::Scan(scan_of(ticket(gate, name), Direction::Entry, at(5), nonce))
}

fn outcome(replies: &[GateReply]) -> &'static str {
    match replies {
        [GateReply::Scanned(reply)] => reply.outcome.name(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ticket_that_is_cancelled_meanwhile_admits_nobody() {
    ready(async {
        let store = on_sale(&[book("ann", 1)]).await;
        let gate = load_gate(&store, &evening()).await.unwrap();
        let scan = entry(&gate, "ann", "1");
        let cancelled = booking::run(&store, &evening(), &cancel("ann"), at(2)).await.unwrap();
        assert!(cancelled.outcome.is_accepted());

        let before = gate.clone();
        let (gate, attempted) = attempt(&store, gate, core::slice::from_ref(&scan), at(5)).await.unwrap();
        assert_eq!((attempted, &gate), (GateAttempt::Conflict, &before));
        assert_eq!(store.head(&checkin_stream(&evening())).await.unwrap().last, Seq::UNWRITTEN);
        let (_, replies) = run(&store, gate, &[scan], at(5)).await.unwrap();
        assert_eq!(outcome(&replies), "revoked");
    });
}

#[test]
fn two_gates_admit_one() {
    ready(async {
        let store = on_sale(&[book("ann", 1)]).await;
        let (left, right) =
            (load_gate(&store, &evening()).await.unwrap(), load_gate(&store, &evening()).await.unwrap());
        let scans = [entry(&left, "ann", "1"), entry(&left, "ann", "2")];
        let (_, first) = attempt(&store, left, &scans[..1], at(5)).await.unwrap();
        assert!(matches!(first, GateAttempt::Answered(replies) if outcome(&replies) == "admitted"));
        let (right, second) = attempt(&store, right, &scans[1..], at(5)).await.unwrap();
        assert_eq!(second, GateAttempt::Conflict);
        let (right, replies) = run(&store, right, &scans[1..], at(5)).await.unwrap();
        assert_eq!(outcome(&replies), "already_in");
        assert_eq!(load_gate(&store, &evening()).await.unwrap(), right);
        // Both asked again, at another gate: what was said before.
        let (_, again) = run(&store, right, &scans[..1], at(9)).await.unwrap();
        assert_eq!(outcome(&again), "admitted");
    });
}

#[test]
fn the_history_of_a_ticket_is_what_was_scanned() {
    ready(async {
        let store = on_sale(&[book("ann", 1), book("bob", 1)]).await;
        let gate = load_gate(&store, &evening()).await.unwrap();
        let commands = ["ann", "bob", "ann"].iter().enumerate();
        let commands: Vec<_> = commands.map(|(n, name)| entry(&gate, name, &n.to_string())).collect();
        let (gate, replies) = run(&store, gate, &commands, at(5)).await.unwrap();
        assert_eq!(replies.len(), 3);
        assert_eq!(store.stats().commits, 4, "three scans, one commit");
        let of_ann = history(&store, &evening(), &who("ann")).await.unwrap();
        let seen: Vec<_> =
            of_ann.iter().map(|(seq, at, one)| (seq.get(), at.as_millis(), one.outcome.name())).collect();
        assert_eq!(seen, [(1, 5, "admitted"), (3, 5, "already_in")]);
        assert_eq!(gate_of(&checkin_stream(&evening())), Some(evening()));
        let tally = audit(&store, &evening()).await.unwrap().unwrap();
        assert_eq!((tally.inside, gate.ledger.status().inside), (2, 2));
    });
}

#[test]
fn what_the_rules_cannot_have_written_is_found() {
    let scanned = |name: &str, direction, late, outcome, booking| Scanned {
        ticket: TicketId { attendee: who(name), seat: place(1), receipt: Seq::new(2) },
        direction,
        device: DeviceId::new("gate-1").unwrap(),
        device_at: at(5),
        nonce: Nonce::new("1").unwrap(),
        late,
        outcome,
        booking: Seq::new(booking),
    };
    let (entry, exit) = (Direction::Entry, Direction::Exit);
    let good = || scanned("ann", entry, false, ScanOutcome::Admitted, 2);
    let with = |nonce: &str, scanned: Scanned| Scanned { nonce: Nonce::new(nonce).unwrap(), ..scanned };
    let revoked = ScanOutcome::Revoked { why: Revocation::NoSeats };
    for (events, expected) in [
        (vec![good()], None),
        (vec![good(), good()], Some("a nonce was recorded twice")),
        (vec![good(), with("2", good())], Some("somebody was admitted twice")),
        (vec![scanned("bob", entry, false, ScanOutcome::Admitted, 2)], Some("somebody was admitted without a seat")),
        (vec![scanned("ann", entry, false, ScanOutcome::Admitted, 1)], Some("somebody was admitted without a seat")),
        (vec![scanned("ann", entry, true, ScanOutcome::Admitted, 1)], Some("somebody was admitted without a seat")),
        (
            vec![scanned("ann", entry, false, ScanOutcome::Admitted, 9)],
            Some("it rests on bookings that were not there, or on less than was known"),
        ),
        (vec![scanned("ann", exit, false, ScanOutcome::Left, 2)], Some("somebody left who was not in")),
        (vec![scanned("ann", entry, false, revoked.clone(), 2)], Some("a ticket was called revoked and was not")),
        (vec![scanned("bob", entry, true, revoked, 2)], None),
        (vec![scanned("ann", entry, false, ScanOutcome::NotConfirmed, 2)], Some("a seat was called held and was not")),
        (vec![scanned("ann", entry, false, ScanOutcome::NonceReused, 2)], None),
    ] {
        ready(async {
            let store = on_sale(&[book("ann", 1)]).await;
            let new = events.iter().map(|event| encode(at(5), &GateEvent::Scanned(Box::new(event.clone()))));
            let forged = Transaction::append(&checkin_stream(&evening()), Expect::Any, new.collect());
            assert!(store.commit_one(forged).await.unwrap().is_done());
            let audited = audit(&store, &evening()).await;
            if events[0].outcome == ScanOutcome::NonceReused {
                assert!(audited.is_err(), "is no event at all");
                return;
            }
            assert_eq!(audited.unwrap().map_err(|breach| breach.what).err().as_deref(), expected, "{events:?}");
        });
    }
}

#[test]
fn the_recorded_form_is_what_the_table_says() {
    let scanned = Scanned {
        ticket: TicketId { attendee: who("ann"), seat: place(1), receipt: Seq::new(2) },
        direction: Direction::Entry,
        device: DeviceId::new("gate-1").unwrap(),
        device_at: at(0),
        nonce: Nonce::new("n-1").unwrap(),
        late: false,
        outcome: ScanOutcome::Admitted,
        booking: Seq::new(2),
    };
    let head =
        r#"{"attendee":"ann","seat":1,"receipt":2,"direction":"entry","device":"gate-1","device_at":0,"nonce":"n-1","#;
    for (scanned, tail) in [
        (scanned.clone(), r#""outcome":"admitted","booking":2}"#),
        (
            Scanned {
                late: true,
                outcome: ScanOutcome::AlreadyIn { since: at(0), seq: Seq::new(3) },
                ..scanned.clone()
            },
            r#""late":true,"outcome":"already_in","since":0,"by":3,"booking":2}"#,
        ),
        (
            Scanned { outcome: ScanOutcome::Expired { expires: at(0) }, ..scanned.clone() },
            r#""outcome":"expired","edge":0,"booking":2}"#,
        ),
        (
            Scanned { outcome: ScanOutcome::Revoked { why: Revocation::NoSeats }, ..scanned },
            r#""outcome":"revoked","why":"no_seats","booking":2}"#,
        ),
    ] {
        let new = encode(at(7), &GateEvent::Scanned(Box::new(scanned)));
        assert_eq!((new.event_type.as_str(), new.data.json()), ("checkin.scanned.v1", [head, tail].concat().as_str()));
    }
    let settings = GateSettings { opens: Some(at(1)), closes: None, reentry: false };
    let new = encode(at(7), &GateEvent::GateSet { settings });
    let expected = r#"{"settings":{"opens":1,"reentry":false}}"#;
    assert_eq!((new.event_type.as_str(), new.data.json()), ("checkin.gate_set.v1", expected));
}

#[test]
fn an_event_that_cannot_be_read_is_a_fault_and_is_not_passed_over() {
    for (kind, data) in [
        ("checkin.scanned.v2", "{}"),
        ("checkin.scanned.v1", "{}"),
        ("checkin.gate_set.v1", r#"{"settings":{"opens":"soon"}}"#),
    ] {
        ready(async {
            let store = on_sale(&[]).await;
            let data = Payload::from_json(data).unwrap();
            let event = NewEvent { event_type: EventType::new(kind).unwrap(), at: at(0), data };
            let strange = Transaction::append(&checkin_stream(&evening()), Expect::Any, vec![event]);
            assert!(store.commit_one(strange).await.unwrap().is_done());
            assert!(load_gate(&store, &evening()).await.is_err(), "{kind}");
        });
    }
}

#[test]
fn the_longest_event_fits_into_the_store() {
    ready(async {
        let series = "\"".repeat(512);
        let long: OccurrenceId = format!("{series}@20260105T190000Z").parse().unwrap();
        let elsewhere: OccurrenceId = format!("{}\\@20260105T190000Z", &series[1..]).parse().unwrap();
        let ticket = Ticket::new(elsewhere, who(&"\\".repeat(256)), place(u32::MAX), Seq::new(u64::MAX), at(i64::MIN));
        let (device, nonce) = (DeviceId::new("\"".repeat(64)).unwrap(), Nonce::new("\"".repeat(64)).unwrap());
        let scan =
            Scan { ticket: key().sign(ticket), direction: Direction::Entry, device, device_at: at(i64::MIN), nonce };
        let store = MemoryBackend::new();
        let gate = load_gate(&store, &long).await.unwrap();
        let (_, replies) =
            run(&store, gate, &[GateCommand::Record(LateScan { scan, next: None })], at(0)).await.unwrap();
        assert_eq!(outcome(&replies), "other_occurrence");
        assert_eq!(store.head(&booking_stream(&long)).await.unwrap().last, Seq::UNWRITTEN);
    });
}
