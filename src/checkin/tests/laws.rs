//! Laws of the gate: whatever is scanned, uploaded and booked, in whatever order.

use core::time::Duration;

use proptest::prelude::*;

use super::*;

/// Something that happens at the box office or at a door.
#[derive(Clone, Debug)]
enum Step {
    Booking(BookingCommand),
    Scan { ticket: usize, direction: Direction, nonce: u8 },
    Upload(Vec<(usize, Direction, u8, i64)>),
    Set(GateSettings),
}

const NAMES: [&str; 3] = ["ann", "bob", "cyd"];

fn any_direction() -> impl Strategy<Value = Direction> {
    prop_oneof![3 => Just(Direction::Entry), 2 => Just(Direction::Exit)]
}

fn any_booking() -> impl Strategy<Value = BookingCommand> {
    let name = || prop::sample::select(&NAMES[..]).prop_map(who);
    prop_oneof![
        4 => (name(), 1..4_u32).prop_map(|(attendee, seats)| BookingCommand::Book { attendee, party: Party::of(seats) }),
        1 => (name(), 1..40_u64).prop_map(|(who, millis)| BookingCommand::hold(who, Duration::from_millis(millis))),
        1 => name().prop_map(|attendee| BookingCommand::Confirm { attendee }),
        1 => name().prop_map(|attendee| BookingCommand::Cancel { attendee }),
        1 => (name(), name()).prop_map(|(from, to)| BookingCommand::Transfer { from, to }),
        1 => (name(), 1..4_u32).prop_map(|(attendee, seats)| {
            BookingCommand::ChangeSeats { attendee, seats: Seats::new(seats) }
        }),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let upload = (0..12_usize, any_direction(), 0..200_u8, 0..200_i64);
    let instant = || prop::option::of((0..200_i64).prop_map(at));
    prop_oneof![
        3 => any_booking().prop_map(Step::Booking),
        6 => (0..12_usize, any_direction(), 0..200_u8)
            .prop_map(|(ticket, direction, nonce)| Step::Scan { ticket, direction, nonce }),
        2 => prop::collection::vec(upload, 1..6).prop_map(Step::Upload),
        1 => (instant(), instant(), any::<bool>())
            .prop_map(|(opens, closes, reentry)| Step::Set(GateSettings { opens, closes, reentry })),
    ]
}

/// Tickets that were ever made out, the latest last.
#[derive(Default)]
struct Tickets(Vec<SignedTicket>);

impl Tickets {
    fn issue(&mut self, house: &House) {
        for seat in house.seats.roster() {
            let number = seat.party.seats.get();
            let new = (1..=number).map(|number| house.ticket(seat.attendee.as_str(), number));
            let new: Vec<_> = new.filter(|new| self.0.iter().all(|old| **old != *new)).collect();
            self.0.extend(new.into_iter().map(|ticket| key().sign(ticket)));
        }
    }

    /// One of the latest, or one that was never any good.
    fn pick(&self, number: usize) -> SignedTicket {
        let elsewhere = || Ticket::new(other_evening(), who("ann"), place(1), Seq::new(2), at(0));
        self.0.iter().rev().nth(number).cloned().unwrap_or_else(|| key().sign(elsewhere()))
    }
}

fn play(steps: &[Step], mut after: impl FnMut(&House, &GateCommand, &GateReply)) -> House {
    let (mut house, mut tickets) = (House::new(), Tickets::default());
    for (now, step) in (1..).map(|step: i64| step * 5).zip(steps) {
        let commands = match step {
            Step::Booking(command) => {
                house.command(now, command);
                tickets.issue(&house);
                Vec::new()
            }
            Step::Scan { ticket, direction, nonce } => {
                let scan = scan_of(tickets.pick(*ticket), *direction, at(now), &nonce.to_string());
                vec![GateCommand::Scan(scan)]
            }
            Step::Upload(scans) => {
                let scans = scans.iter().map(|(ticket, direction, nonce, then)| {
                    scan_of(tickets.pick(*ticket), *direction, at(*then), &nonce.to_string())
                });
                in_order(scans.collect()).into_iter().map(GateCommand::Record).collect()
            }
            Step::Set(settings) => vec![GateCommand::Set(*settings)],
        };
        for command in commands {
            let reply = house.tell(now, &command);
            after(&house, &command, &reply);
        }
    }
    house
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn an_independent_auditor_agrees_at_every_event(steps in prop::collection::vec(any_step(), 1..80)) {
        let (mut auditor, mut seen, mut booked) = (GateAuditor::new(), 0, 0);
        let mut breach = None;
        play(&steps, |house, _, _| {
            for (recorded, event) in &house.log[seen..] {
                let upto = usize::try_from(house.seats.seq().get()).unwrap();
                if matches!(event, GateEvent::Scanned(_)) {
                    house.bookings[booked..upto].iter().for_each(|event| auditor.book(event));
                    booked = upto;
                }
                seen += 1;
                let tally = auditor.check(Seq::new(seen as u64), *recorded, event);
                let GateStatus { inside, entries, exits, .. } = *house.gate.status();
                if tally != Ok(GateTally { inside, entries, exits }) {
                    breach = breach.take().or(Some((tally, event.clone())));
                }
            }
            assert_eq!(house.gate.inside().count() as u64, house.gate.status().inside);
        });
        prop_assert!(breach.is_none(), "{:?}", breach);
    }

    #[test]
    fn a_command_that_is_asked_again_is_answered_as_before(steps in prop::collection::vec(any_step(), 1..60)) {
        let mut asked: Vec<(GateCommand, GateReply)> = Vec::new();
        let house = play(&steps, |_, command, reply| {
            if !matches!(command, GateCommand::Set(_)) {
                asked.push((command.clone(), reply.clone()));
            }
        });
        for (command, reply) in asked {
            let decision = decide(&house.gate, &house.seats, &command, at(1_000));
            prop_assert_eq!(decision.event, None);
            let same = decision.reply == reply;
            let reused = matches!(&reply, GateReply::Scanned(reply) if reply.outcome == ScanOutcome::NonceReused);
            prop_assert!(same || reused, "{:?} {:?}", reply, decision.reply);
        }
    }

    #[test]
    fn recorded_events_fold_to_the_same_gate_and_can_be_taken_back(steps in prop::collection::vec(any_step(), 1..60)) {
        let house = play(&steps, |_, _, _| {});
        let mut gate = GateLedger::new(evening());
        let (mut gates, mut undos) = (Vec::new(), Vec::new());
        for (recorded, event) in &house.log {
            let new = encode(*recorded, event);
            let (stream, seq) = (checkin_stream(&evening()), gate.seq().next());
            let stored = crate::persist::RecordedEvent {
                stream, seq, cursor: crate::persist::Cursor::START, event_type: new.event_type, at: new.at, data: new.data,
            };
            let read = decode(&stored).unwrap();
            prop_assert_eq!(&read, event);
            gates.push(gate.clone());
            undos.push(gate.evolve(*recorded, &read));
        }
        prop_assert_eq!(&gate, &house.gate);
        for (undo, before) in undos.into_iter().zip(gates).rev() {
            gate.revert(undo);
            prop_assert_eq!(&gate, &before);
        }
    }
}
