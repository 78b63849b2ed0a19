//! An independent check of a check-in stream: shares no code with the ledger or the rules it checks.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{GateEvent, Scanned};
use super::outcome::{Revocation, ScanOutcome};
use super::scan::Direction;
use super::settings::GateSettings;
use super::ticket::TicketId;
use crate::booking::BookingEvent;
use crate::id::{AttendeeId, DeviceId, Nonce};
use crate::persist::Seq;
use crate::time::Timestamp;

/// A stream that the rules cannot have produced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at seq {seq}: {what}")]
pub struct GateBreach {
    /// Where.
    pub seq: Seq,
    /// What is wrong there.
    pub what: String,
}

/// Those who came and went, at one point of a stream. `entries - exits = inside`, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GateTally {
    /// Who is in.
    pub inside: u64,
    /// How often somebody came in who was out.
    pub entries: u64,
    /// How often somebody left who was in.
    pub exits: u64,
}

/// Reads a check-in stream event by event, beside the booking stream, and stops at the first that breaks a rule.
///
/// Checked at every sequence number: no gap; time never goes back; a device uses a nonce once; who is admitted had the
/// confirmed seat of his ticket at the booking event that the scan names, came through an open gate and was not in; who left
/// was in; who was refused had no such seat, or was in, as the refusal says; and the counts add up.
#[derive(Clone, Debug, Default)]
pub struct GateAuditor {
    seq: Seq,
    at: Option<Timestamp>,
    settings: GateSettings,
    booking: Seq,
    parties: BTreeMap<AttendeeId, Given>,
    waiting: BTreeMap<AttendeeId, u32>,
    nonces: BTreeSet<(DeviceId, Nonce)>,
    went: BTreeMap<TicketId, BTreeSet<(Timestamp, Seq, Direction)>>,
    tally: GateTally,
}

#[derive(Clone, Copy, Debug)]
struct Given {
    by: Seq,
    seats: u32,
    confirmed: bool,
}

type Checked = Result<(), String>;

fn demand(holds: bool, what: &str) -> Checked {
    holds.then_some(()).ok_or_else(|| what.to_owned())
}

impl GateAuditor {
    /// An auditor before the first event of both streams.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those who came and went, as of the last event checked.
    pub fn tally(&self) -> GateTally {
        self.tally
    }

    /// Where the booking stream stands, by what was booked so far.
    pub fn booking(&self) -> Seq {
        self.booking
    }

    /// Takes the next event of the booking stream in, which is not checked here.
    pub fn book(&mut self, event: &BookingEvent) {
        self.booking = self.booking.next();
        let by = self.booking;
        match event {
            BookingEvent::SeatBooked { attendee, party } | BookingEvent::SeatReacquired { attendee, party } => {
                self.give(attendee, Given { by, seats: party.seats.get(), confirmed: true });
            }
            BookingEvent::SeatHeld { attendee, party, .. } => {
                self.give(attendee, Given { by, seats: party.seats.get(), confirmed: false });
            }
            BookingEvent::SeatOffered { attendee, .. } => {
                if let Some(seats) = self.waiting.remove(attendee) {
                    self.give(attendee, Given { by, seats, confirmed: false });
                }
            }
            BookingEvent::WaitJoined { attendee, party } => {
                self.waiting.insert(attendee.clone(), party.seats.get());
            }
            BookingEvent::WaitLeft { attendee } => drop(self.waiting.remove(attendee)),
            BookingEvent::HoldConfirmed { attendee } => {
                self.parties.entry(attendee.clone()).and_modify(|given| given.confirmed = true);
            }
            BookingEvent::PartyChanged { attendee, seats, .. } => {
                self.parties.entry(attendee.clone()).and_modify(|given| given.seats = seats.get());
            }
            BookingEvent::SeatTransferred { from, to } => {
                if let Some(given) = self.parties.remove(from) {
                    self.give(to, Given { by, ..given });
                }
            }
            BookingEvent::HoldReleased { attendee }
            | BookingEvent::HoldLapsed { attendee }
            | BookingEvent::SeatCancelled { attendee } => drop(self.parties.remove(attendee)),
            BookingEvent::SaleOpened { .. }
            | BookingEvent::SaleClosed
            | BookingEvent::SaleReopened
            | BookingEvent::CapacityChanged { .. }
            | BookingEvent::SeatsBlocked { .. }
            | BookingEvent::PoolSet { .. }
            | BookingEvent::TicketSet { .. }
            | BookingEvent::SectionSet { .. }
            | BookingEvent::SectionRemoved { .. }
            | BookingEvent::PlacesBlocked { .. }
            | BookingEvent::PlacesUnblocked { .. }
            | BookingEvent::SettingsChanged { .. }
            | BookingEvent::HoldExtended { .. }
            | BookingEvent::RefundDue { .. }
            | BookingEvent::RefundSettled { .. }
            | BookingEvent::SeatRequested { .. }
            | BookingEvent::RequestDeclined { .. }
            | BookingEvent::WaiterPassedOver { .. } => {}
        }
    }

    fn give(&mut self, attendee: &AttendeeId, given: Given) {
        self.waiting.remove(attendee);
        self.parties.insert(attendee.clone(), given);
    }

    /// Checks the next event of the check-in stream. What was booked before it must have been taken in, and nothing else.
    ///
    /// # Errors
    /// [`GateBreach`] when the rules cannot have produced it.
    pub fn check(&mut self, seq: Seq, at: Timestamp, event: &GateEvent) -> Result<GateTally, GateBreach> {
        let checked = self.follow(seq, at).and_then(|()| match event {
            GateEvent::GateSet { settings } => {
                self.settings = *settings;
                Ok(())
            }
            GateEvent::Scanned(scanned) => self.scanned(at, scanned),
        });
        checked.map(|()| self.tally).map_err(|what| GateBreach { seq, what })
    }

    fn follow(&mut self, seq: Seq, at: Timestamp) -> Checked {
        demand(seq == self.seq.next(), "events are missing before it")?;
        demand(self.at.is_none_or(|before| before <= at), "its time is before that of the event before it")?;
        (self.seq, self.at) = (seq, Some(at));
        Ok(())
    }

    fn scanned(&mut self, at: Timestamp, scanned: &Scanned) -> Checked {
        let first = self.nonces.insert((scanned.device.clone(), scanned.nonce.clone()));
        demand(first, "a nonce was recorded twice")?;
        demand(scanned.booking == self.booking, "it rests on bookings that were not there, or on less than was known")?;
        let then = if scanned.late && scanned.device_at < at { scanned.device_at } else { at };
        self.justified(then, scanned)?;
        let foreign = matches!(scanned.outcome, ScanOutcome::OtherOccurrence { .. });
        if matches!(scanned.outcome, ScanOutcome::Admitted | ScanOutcome::Left) || (scanned.late && !foreign) {
            self.went.entry(scanned.ticket.clone()).or_default().insert((then, self.seq, scanned.direction));
            self.recount(&scanned.ticket, then, scanned.direction);
        }
        let GateTally { inside, entries, exits } = self.tally;
        demand(entries.checked_sub(exits) == Some(inside), "entries less exits are not those who are in")
    }

    /// The direction in which the ticket last went before and at an instant.
    fn last(&self, ticket: &TicketId, then: Timestamp) -> Option<Direction> {
        let end = (then, Seq::new(u64::MAX), Direction::Exit);
        self.went.get(ticket)?.range(..=end).next_back().map(|(_, _, direction)| *direction)
    }

    fn justified(&self, then: Timestamp, scanned: &Scanned) -> Checked {
        let ticket = &scanned.ticket;
        let given = self.parties.get(&ticket.attendee);
        let last = self.last(ticket, then);
        let (entry, exit) = (scanned.direction == Direction::Entry, scanned.direction == Direction::Exit);
        match scanned.outcome {
            ScanOutcome::Admitted => {
                let seated = given.is_some_and(|given| {
                    given.confirmed && given.by == ticket.receipt && given.seats >= ticket.seat.get()
                });
                demand(entry && seated, "somebody was admitted without a seat")?;
                demand(last != Some(Direction::Entry), "somebody was admitted twice")?;
                demand(self.settings.reentry || last.is_none(), "somebody was admitted again")?;
                let open = self.settings.opens.is_none_or(|opens| opens <= then);
                demand(open && self.settings.closes.is_none_or(|closes| then < closes), "the gate was not open")
            }
            ScanOutcome::Left => demand(exit && last == Some(Direction::Entry), "somebody left who was not in"),
            ScanOutcome::Revoked { why } => {
                let found = match given {
                    None => Some(Revocation::NoSeats),
                    Some(given) if given.by != ticket.receipt => Some(Revocation::GrantedAnew),
                    Some(given) => (given.seats < ticket.seat.get()).then_some(Revocation::FewerSeats),
                };
                demand(entry && found == Some(why), "a ticket was called revoked and was not")
            }
            ScanOutcome::NotConfirmed => {
                demand(entry && given.is_some_and(|given| !given.confirmed), "a seat was called held and was not")
            }
            ScanOutcome::AlreadyIn { .. } if !scanned.late => {
                demand(entry && last == Some(Direction::Entry), "somebody was called in who was out")
            }
            ScanOutcome::NotIn if !scanned.late => {
                demand(exit && last != Some(Direction::Entry), "somebody was called out who was in")
            }
            ScanOutcome::NoReentry => {
                demand(entry && !self.settings.reentry, "somebody was kept out who could come again")
            }
            ScanOutcome::AlreadyIn { .. }
            | ScanOutcome::NotIn
            | ScanOutcome::OtherOccurrence { .. }
            | ScanOutcome::Expired { .. }
            | ScanOutcome::NotOpenYet { .. }
            | ScanOutcome::GateClosed { .. } => Ok(()),
            ScanOutcome::Malformed { .. }
            | ScanOutcome::UnknownKey { .. }
            | ScanOutcome::BadSignature
            | ScanOutcome::NonceReused => Err("a scan was recorded that is none".to_owned()),
        }
    }

    /// Counts anew for one ticket, of which one passage is new: what there was without it goes, and what there is comes.
    fn recount(&mut self, ticket: &TicketId, then: Timestamp, direction: Direction) {
        let Some(went) = self.went.get(ticket) else { return };
        let new = (then, self.seq, direction);
        let sums = |skip: Option<(Timestamp, Seq, Direction)>| {
            let ways: Vec<_> = went.iter().filter(|one| Some(**one) != skip).map(|(_, _, way)| *way).collect();
            let turns = |to: Direction| {
                ways.windows(2).filter(|pair| pair.first() != pair.last() && pair.last() == Some(&to)).count()
            };
            let first = u64::from(ways.first() == Some(&Direction::Entry));
            let inside = u64::from(ways.last() == Some(&Direction::Entry));
            (first + turns(Direction::Entry) as u64, turns(Direction::Exit) as u64, inside)
        };
        let (before, after) = (sums(Some(new)), sums(None));
        self.tally.entries = self.tally.entries + after.0 - before.0;
        self.tally.exits = self.tally.exits + after.1 - before.1;
        self.tally.inside = self.tally.inside + after.2 - before.2;
    }
}
