//! The rules: what a scan comes to.

use super::event::{GateEvent, Scanned};
use super::ledger::{GateLedger, Passage};
use super::outcome::{Revocation, ScanOutcome, ScanReply};
use super::scan::{Direction, GateCommand, GateReply, LateScan, Scan};
use super::ticket::Ticket;
use crate::booking::{SeatLedger, SeatState};
use crate::persist::Seq;
use crate::time::Timestamp;

/// What a command comes to, and the event that makes it so.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateDecision<R = GateReply> {
    /// To be appended to the check-in stream; none: nothing is to be written.
    pub event: Option<GateEvent>,
    /// The answer, once the event is recorded.
    pub reply: R,
    /// When: the later of now and the latest instant of the stream.
    pub at: Timestamp,
}

/// What a command comes to at `now`. Pure.
pub fn decide(gate: &GateLedger, seats: &SeatLedger, command: &GateCommand, now: Timestamp) -> GateDecision {
    let scanned = |decision: GateDecision<ScanReply>| {
        let GateDecision { event, reply, at } = decision;
        GateDecision { event, reply: GateReply::Scanned(reply), at }
    };
    match command {
        GateCommand::Scan(scan) => scanned(decide_scan(gate, seats, scan, now)),
        GateCommand::Record(late) => scanned(decide_late(gate, seats, late, now)),
        GateCommand::Set(settings) => {
            let at = now.max(gate.latest_at());
            if settings == gate.settings() {
                return GateDecision { event: None, reply: GateReply::Set(gate.seq()), at };
            }
            let event = Some(GateEvent::GateSet { settings: *settings });
            GateDecision { event, reply: GateReply::Set(gate.seq().next()), at }
        }
    }
}

/// What a scan at an open door comes to. Pure.
///
/// A scan that was recorded before, by its nonce, is answered as it was then and records nothing. So a device that got no
/// answer asks again.
///
/// ```
/// use boxoffice_core::booking::{BookingEvent, Party, SeatLedger, Seats};
/// use boxoffice_core::checkin::{Direction, GateLedger, Scan, ScanOutcome, Ticket, TicketKey, decide_scan};
/// use boxoffice_core::id::{AttendeeId, DeviceId, Nonce, OccurrenceId};
/// use boxoffice_core::persist::Seq;
/// use boxoffice_core::time::Timestamp;
///
/// let (evening, now): (OccurrenceId, _) = ("chess@20260105T190000".parse()?, Timestamp::EPOCH);
/// let ann = AttendeeId::new("ann")?;
/// let mut seats = SeatLedger::new();
/// seats.evolve(now, &BookingEvent::SaleOpened { capacity: Seats::new(1) });
/// seats.evolve(now, &BookingEvent::SeatBooked { attendee: ann.clone(), party: Party::default() });
///
/// let receipt = seats.seat_of(&ann).map(|seat| seat.granted).unwrap_or_default();
/// let ticket = TicketKey::new([7; 32]).sign(Ticket::new(evening.clone(), ann, 1.try_into()?, receipt, now));
/// let (device, nonce) = (DeviceId::new("gate-1")?, Nonce::new("1")?);
/// let scan = Scan { ticket, direction: Direction::Entry, device, device_at: now, nonce };
///
/// let mut gate = GateLedger::new(evening);
/// let decision = decide_scan(&gate, &seats, &scan, now);
/// assert_eq!(decision.reply.outcome, ScanOutcome::Admitted);
/// gate.evolve(decision.at, &decision.event.unwrap());
/// // The answer was lost, and the device asks again.
/// assert_eq!(decide_scan(&gate, &seats, &scan, now).reply, decision.reply);
/// let again = Scan { nonce: Nonce::new("2")?, ..scan };
/// assert_eq!(decide_scan(&gate, &seats, &again, now).reply.outcome.name(), "already_in");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decide_scan(gate: &GateLedger, seats: &SeatLedger, scan: &Scan, now: Timestamp) -> GateDecision<ScanReply> {
    let at = now.max(gate.latest_at());
    let outcome = || {
        // Nothing that happened is later than what happens now.
        let (before, _) = gate.around(&scan.ticket.id(), at);
        judge(gate, seats, scan, at, before)
    };
    recorded(gate, seats, scan, false, at, outcome)
}

/// What a scan that happened offline comes to: it is recorded with what a gate would have said at the time. Pure.
///
/// The settings are asked as of the device's time, what was done with the ticket before and after that time is looked at,
/// and the seats are those of now. Of two entries side by side, or two exits, the one that is recorded later is a conflict.
pub fn decide_late(gate: &GateLedger, seats: &SeatLedger, late: &LateScan, now: Timestamp) -> GateDecision<ScanReply> {
    let LateScan { scan, next } = late;
    let at = now.max(gate.latest_at());
    let outcome = || {
        let then = scan.device_at.min(at);
        let (before, after) = gate.around(&scan.ticket.id(), then);
        let judged = judge(gate, seats, scan, then, before);
        // What comes next in the same upload stands between this scan and those that are recorded.
        let after = after.filter(|after| next.is_none_or(|next| after.at < next));
        match after.filter(|after| judged.is_accepted() && after.direction == scan.direction) {
            Some(after) => twice(after),
            None => judged,
        }
    };
    recorded(gate, seats, scan, true, at, outcome)
}

/// The decision for a scan, unless its nonce came before.
fn recorded(
    gate: &GateLedger,
    seats: &SeatLedger,
    scan: &Scan,
    late: bool,
    at: Timestamp,
    outcome: impl FnOnce() -> ScanOutcome,
) -> GateDecision<ScanReply> {
    if let Some((seq, before)) = gate.scanned(&scan.device, &scan.nonce) {
        let reply = before.reply(seq);
        let same = gate.is_same(scan, before);
        let reply = if same { reply } else { ScanReply { outcome: ScanOutcome::NonceReused, ..reply } };
        return GateDecision { event: None, reply, at };
    }
    let scanned = Scanned {
        ticket: scan.ticket.id(),
        direction: scan.direction,
        device: scan.device.clone(),
        device_at: scan.device_at,
        nonce: scan.nonce.clone(),
        late,
        outcome: outcome(),
        booking: seats.seq(),
    };
    let reply = scanned.reply(gate.seq().next());
    GateDecision { event: Some(GateEvent::Scanned(Box::new(scanned))), reply, at }
}

/// What a scan comes to at an instant, after what went through with its ticket `before`.
fn judge(gate: &GateLedger, seats: &SeatLedger, scan: &Scan, at: Timestamp, before: Option<&Passage>) -> ScanOutcome {
    let Scan { ticket, direction, .. } = scan;
    if ticket.occurrence != *gate.occurrence() {
        return ScanOutcome::OtherOccurrence { occurrence: ticket.occurrence.clone() };
    }
    let last = before.map(|before| before.direction);
    match (direction, last) {
        (Direction::Exit, Some(Direction::Entry)) => ScanOutcome::Left,
        (Direction::Exit, Some(Direction::Exit) | None) => ScanOutcome::NotIn,
        (Direction::Entry, _) => {
            if let Some(refused) = not_admissible(gate, seats, ticket, at) {
                return refused;
            }
            match before {
                Some(before) if before.direction == Direction::Entry => twice(before),
                Some(_) if !gate.settings().reentry => ScanOutcome::NoReentry,
                Some(_) | None => ScanOutcome::Admitted,
            }
        }
    }
}

/// The outcome of a scan beside one in the same direction.
fn twice(other: &Passage) -> ScanOutcome {
    match other.direction {
        Direction::Entry => ScanOutcome::AlreadyIn { since: other.at, seq: other.seq },
        Direction::Exit => ScanOutcome::NotIn,
    }
}

/// Why a ticket admits nobody at an instant, used or not.
fn not_admissible(gate: &GateLedger, seats: &SeatLedger, ticket: &Ticket, at: Timestamp) -> Option<ScanOutcome> {
    if let Some(expires) = ticket.expires.filter(|expires| *expires <= at) {
        return Some(ScanOutcome::Expired { expires });
    }
    gate.settings().shut(at).or_else(|| without_seat(seats, ticket))
}

/// Why the seat of a ticket cannot be sat on.
fn without_seat(seats: &SeatLedger, ticket: &Ticket) -> Option<ScanOutcome> {
    let revoked = |why| Some(ScanOutcome::Revoked { why });
    let Some(seat) = seats.seat_of(&ticket.attendee) else { return revoked(Revocation::NoSeats) };
    if let Some(why) = revocation(seat.granted, seat.party.seats.get(), ticket) {
        return revoked(why);
    }
    match seat.state {
        SeatState::Held { .. } => Some(ScanOutcome::NotConfirmed),
        SeatState::Confirmed => None,
    }
}

/// Why a ticket is none for seats that were given by an event.
pub(super) fn revocation(granted: Seq, seats: u32, ticket: &Ticket) -> Option<Revocation> {
    if granted != ticket.receipt {
        return Some(Revocation::GrantedAnew);
    }
    (seats < ticket.seat.get()).then_some(Revocation::FewerSeats)
}
