//! What a scan at an open door comes to, case by case.

use core::time::Duration;

use super::*;
use ScanOutcome::{Admitted, AlreadyIn, Left, NoReentry, NotConfirmed, NotIn, Revoked};

#[test]
fn a_ticket_lets_in_once_until_its_holder_has_left() {
    let mut house = House::new();
    house.command(1, &book("ann", 2));
    let (first, second) = (house.ticket("ann", 1), house.ticket("ann", 2));
    assert_eq!(house.leave(2, &first), NotIn);
    assert_eq!(house.enter(3, &first), Admitted);
    assert_eq!(house.enter(4, &first), AlreadyIn { since: at(3), seq: Seq::new(2) });
    assert_eq!(house.enter(5, &second), Admitted);
    assert_eq!(house.counts(), (2, 2, 0, 2));
    assert_eq!(house.leave(6, &first), Left);
    assert_eq!(house.leave(7, &first), NotIn);
    assert_eq!(house.enter(8, &first), Admitted);
    assert_eq!(house.counts(), (2, 3, 1, 2));
    assert_eq!(house.gate.inside().cloned().collect::<Vec<_>>(), [first.id(), second.id()]);
    let refused: Vec<_> = house.gate.status().refused.clone().into_iter().collect();
    assert_eq!(refused, [("already_in".to_owned(), 1), ("not_in".to_owned(), 2)]);
    house.set(GateSettings { reentry: false, ..GateSettings::default() });
    assert_eq!(house.leave(9, &first), Left);
    assert_eq!(house.enter(10, &first), NoReentry);
}

/// One by one, each reason is taken away, and the next one is told.
#[test]
fn of_several_reasons_the_first_is_told() {
    let mut house = House::new();
    house.command(1, &BookingCommand::hold(who("ann"), Duration::from_secs(1)));
    house.set(GateSettings { opens: Some(at(100)), closes: Some(at(200)), reentry: true });
    let good = house.ticket("ann", 1);
    let elsewhere = Ticket { occurrence: other_evening(), ..good.clone().expiring(at(5)) };
    assert_eq!(house.enter(6, &elsewhere), ScanOutcome::OtherOccurrence { occurrence: other_evening() });
    let anew = Ticket { receipt: Seq::new(1), ..good.clone() };
    assert_eq!(house.enter(6, &anew.clone().expiring(at(6))), ScanOutcome::Expired { expires: at(6) });
    assert_eq!(house.enter(7, &anew), ScanOutcome::NotOpenYet { opens: at(100) });
    assert_eq!(house.enter(100, &anew), Revoked { why: Revocation::GrantedAnew });
    let ninth = Ticket { seat: place(9), ..good.clone() };
    assert_eq!(house.enter(101, &ninth), Revoked { why: Revocation::FewerSeats });
    assert_eq!(house.enter(102, &good), NotConfirmed);
    house.command(102, &BookingCommand::Confirm { attendee: who("ann") });
    assert_eq!(house.enter(103, &good), Admitted);
    assert_eq!(house.enter(199, &good), AlreadyIn { since: at(103), seq: Seq::new(8) });
    // Validity first, duplicate second.
    assert_eq!(house.enter(200, &good), ScanOutcome::GateClosed { closes: at(200) });
    house.command(201, &cancel("ann"));
    assert_eq!(house.leave(202, &good), Left, "who is in may leave, whatever became of the ticket");
}

#[test]
fn a_ticket_is_revoked_by_whatever_takes_its_seat() {
    let transfer = |from, to| BookingCommand::Transfer { from: who(from), to: who(to) };
    let shrink = |seats| BookingCommand::ChangeSeats { attendee: who("ann"), seats: Seats::new(seats) };
    let hold = || BookingCommand::hold(who("ann"), Duration::from_millis(10));
    let revoked = |why| Revoked { why };
    for (commands, expected) in [
        (vec![], Admitted),
        (vec![shrink(3)], Admitted),
        (vec![shrink(1)], revoked(Revocation::FewerSeats)),
        (vec![cancel("ann")], revoked(Revocation::NoSeats)),
        (vec![transfer("ann", "bob")], revoked(Revocation::NoSeats)),
        (vec![transfer("ann", "bob"), transfer("bob", "ann")], revoked(Revocation::GrantedAnew)),
        (vec![cancel("ann"), book("ann", 2)], revoked(Revocation::GrantedAnew)),
        (vec![cancel("ann"), hold()], revoked(Revocation::GrantedAnew)),
    ] {
        let mut house = House::new();
        house.command(1, &book("ann", 2));
        let ticket = house.ticket("ann", 2);
        // All within one millisecond: instants do not tell seats apart.
        for command in &commands {
            house.command(1, command);
        }
        assert_eq!(house.enter(2, &ticket), expected, "{commands:?}");
    }
}

#[test]
fn a_transferred_seat_lets_in_with_a_ticket_of_its_new_holder() {
    let mut house = House::new();
    house.command(1, &BookingCommand::hold(who("ann"), Duration::from_secs(1)));
    house.command(1, &BookingCommand::Confirm { attendee: who("ann") });
    assert_eq!(house.ticket("ann", 1).receipt, Seq::new(2), "the hold gave the seat");
    house.command(1, &BookingCommand::Transfer { from: who("ann"), to: who("bob") });
    let ticket = house.ticket("bob", 1);
    assert_eq!(ticket.receipt, Seq::new(4));
    assert_eq!(house.enter(2, &ticket), Admitted);
}

#[test]
fn a_scan_that_is_repeated_is_answered_as_before_and_recorded_once() {
    let mut house = House::new();
    house.command(1, &book("ann", 1));
    let ticket = house.ticket("ann", 1);
    let scan = |direction, device_at, nonce| scan_of(key().sign(ticket.clone()), direction, at(device_at), nonce);
    let first = scan(Direction::Entry, 1, "a");
    let admitted = house.reply(1, &GateCommand::Scan(first.clone()));
    assert_eq!((&admitted.outcome, admitted.seq, admitted.booking), (&Admitted, Seq::new(1), Seq::new(2)));
    // Whatever happens meanwhile.
    house.command(2, &cancel("ann"));
    house.set(GateSettings { closes: Some(at(2)), ..GateSettings::default() });
    assert_eq!(house.reply(3, &GateCommand::Scan(first.clone())), admitted);
    // The device decided by itself and uploads it: it was recorded.
    let late = LateScan { scan: first.clone(), next: None };
    assert_eq!(house.reply(3, &GateCommand::Record(late)), admitted);
    let before = house.log.len();
    for other in [scan(Direction::Exit, 1, "a"), scan(Direction::Entry, 2, "a")] {
        assert_eq!(house.reply(4, &GateCommand::Scan(other)).outcome, ScanOutcome::NonceReused);
    }
    let elsewhere = key().sign(Ticket { occurrence: other_evening(), ..ticket.clone() });
    let elsewhere = scan_of(elsewhere, Direction::Entry, at(1), "a");
    assert_eq!(house.reply(4, &GateCommand::Scan(elsewhere)).outcome, ScanOutcome::NonceReused);
    assert_eq!(house.log.len(), before, "nothing of it is recorded");
    // Another device may use the same nonce.
    let device = DeviceId::new("gate-2").unwrap();
    let outcome = house.reply(5, &GateCommand::Scan(Scan { device, ..first })).outcome;
    assert_eq!(outcome.name(), "gate_closed");
}

#[test]
fn a_ticket_that_is_made_out_again_is_the_same_ticket() {
    let mut house = House::new();
    house.command(1, &book("ann", 1));
    let ticket = house.ticket("ann", 1);
    let again = Ticket { issued_at: at(9), ..ticket.clone() };
    assert_eq!(house.enter(10, &ticket), Admitted);
    assert_eq!(house.enter(11, &again).name(), "already_in");
}

#[test]
fn a_stream_never_goes_back_in_time() {
    let mut house = House::new();
    house.command(1, &book("ann", 1));
    let ticket = house.ticket("ann", 1);
    assert_eq!(house.enter(100, &ticket), Admitted);
    assert_eq!(house.leave(50, &ticket), Left);
    assert_eq!(house.log.iter().map(|(at, _)| at.as_millis()).collect::<Vec<_>>(), [100, 100]);
}

#[test]
fn settings_that_are_as_before_are_not_recorded_again() {
    let mut house = House::new();
    let settings = GateSettings { opens: Some(at(1)), ..GateSettings::default() };
    assert_eq!(house.tell(0, &GateCommand::Set(GateSettings::default())), GateReply::Set(Seq::UNWRITTEN));
    for _ in 0..2 {
        assert_eq!(house.tell(0, &GateCommand::Set(settings)), GateReply::Set(Seq::new(1)));
    }
}

#[test]
fn outcomes_have_a_name_and_survive_json() {
    let outcomes = [
        ScanOutcome::Malformed { flaw: TicketFlaw::Base64 },
        ScanOutcome::UnknownKey { key: key().public().id() },
        ScanOutcome::BadSignature,
        ScanOutcome::NonceReused,
        ScanOutcome::OtherOccurrence { occurrence: other_evening() },
        ScanOutcome::Expired { expires: at(1) },
        ScanOutcome::NotOpenYet { opens: at(1) },
        ScanOutcome::GateClosed { closes: at(1) },
        Revoked { why: Revocation::FewerSeats },
        NotConfirmed,
        AlreadyIn { since: at(1), seq: Seq::new(2) },
        NotIn,
        NoReentry,
        Admitted,
        Left,
    ];
    for outcome in outcomes {
        let json = serde_json::to_string(&outcome).unwrap();
        assert!(json.contains(outcome.name()), "{json}");
        assert_eq!(serde_json::from_str::<ScanOutcome>(&json).unwrap(), outcome);
    }
}
