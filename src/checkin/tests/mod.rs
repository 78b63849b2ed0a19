//! Tickets, the rules as tables, and their laws as properties.

mod late;
mod laws;
mod rules;
mod store;
mod tickets;

use core::num::NonZeroU32;

use super::*;
use crate::booking::{self, BookingCommand, Party, SeatLedger, Seats};
use crate::id::{AttendeeId, DeviceId, Nonce, OccurrenceId};
use crate::persist::Seq;
use crate::time::Timestamp;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn who(name: &str) -> AttendeeId {
    AttendeeId::new(name).unwrap()
}

fn evening() -> OccurrenceId {
    "chess@20260105T190000".parse().unwrap()
}

fn other_evening() -> OccurrenceId {
    "go@20260105T190000".parse().unwrap()
}

fn key() -> TicketKey {
    TicketKey::new([7; 32])
}

fn verifier() -> TicketVerifier {
    TicketVerifier::new().accepting(key().public()).unwrap()
}

fn place(seat: u32) -> NonZeroU32 {
    NonZeroU32::new(seat).unwrap()
}

fn book(name: &str, seats: u32) -> BookingCommand {
    BookingCommand::Book { attendee: who(name), party: Party::of(seats) }
}

fn cancel(name: &str) -> BookingCommand {
    BookingCommand::Cancel { attendee: who(name) }
}

fn scan_of(ticket: SignedTicket, direction: Direction, device_at: Timestamp, nonce: &str) -> Scan {
    let (device, nonce) = (DeviceId::new("gate-1").unwrap(), Nonce::new(nonce).unwrap());
    Scan { ticket, direction, device, device_at, nonce }
}

/// A house with ten seats and its gate, without a store.
#[derive(Clone, Debug)]
struct House {
    seats: SeatLedger,
    gate: GateLedger,
    /// Every event of the gate, and how far the bookings had come.
    log: Vec<(Timestamp, GateEvent)>,
    bookings: Vec<booking::BookingEvent>,
    nonces: u32,
}

impl House {
    fn new() -> Self {
        let gate = GateLedger::new(evening());
        let mut house = Self { seats: SeatLedger::new(), gate, log: Vec::new(), bookings: Vec::new(), nonces: 0 };
        house.command(0, &BookingCommand::Open { capacity: Seats::new(10) });
        house
    }

    fn command(&mut self, now: i64, command: &BookingCommand) {
        let decision = booking::decide(&self.seats, command, at(now));
        for event in decision.events {
            self.seats.evolve(decision.at, &event);
            self.bookings.push(event);
        }
    }

    /// The ticket for a seat as it is now.
    fn ticket(&self, name: &str, seat: u32) -> Ticket {
        let receipt = self.seats.seat_of(&who(name)).unwrap().granted;
        Ticket::new(evening(), who(name), place(seat), receipt, at(0))
    }

    fn tell(&mut self, now: i64, command: &GateCommand) -> GateReply {
        let decision = decide(&self.gate, &self.seats, command, at(now));
        if let Some(event) = decision.event {
            self.gate.evolve(decision.at, &event);
            self.log.push((decision.at, event));
        }
        decision.reply
    }

    fn reply(&mut self, now: i64, command: &GateCommand) -> ScanReply {
        match self.tell(now, command) {
            GateReply::Scanned(reply) => reply,
            GateReply::Set(seq) => panic!("set at {seq}"),
        }
    }

    fn nonce(&mut self) -> String {
        self.nonces += 1;
        format!("n-{}", self.nonces)
    }

    fn scan(&mut self, now: i64, ticket: &Ticket, direction: Direction) -> ScanOutcome {
        let nonce = self.nonce();
        let scan = scan_of(key().sign(ticket.clone()), direction, at(now), &nonce);
        self.reply(now, &GateCommand::Scan(scan)).outcome
    }

    fn enter(&mut self, now: i64, ticket: &Ticket) -> ScanOutcome {
        self.scan(now, ticket, Direction::Entry)
    }

    fn leave(&mut self, now: i64, ticket: &Ticket) -> ScanOutcome {
        self.scan(now, ticket, Direction::Exit)
    }

    /// Uploads scans, each with the instant at which it happened.
    fn upload(&mut self, now: i64, scans: &[(i64, &Ticket, Direction)]) -> Vec<&'static str> {
        let scans: Vec<_> = scans
            .iter()
            .map(|(then, ticket, direction)| {
                let nonce = self.nonce();
                scan_of(key().sign((*ticket).clone()), *direction, at(*then), &nonce)
            })
            .collect();
        let late = in_order(scans).into_iter();
        late.map(|late| self.reply(now, &GateCommand::Record(late)).outcome.name()).collect()
    }

    fn set(&mut self, settings: GateSettings) {
        let _set = self.tell(0, &GateCommand::Set(settings));
    }

    fn counts(&self) -> (u64, u64, u64, u64) {
        let GateStatus { entered, entries, exits, inside, .. } = self.gate.status();
        (*entered, *entries, *exits, *inside)
    }
}
