//! Gates in a store: their streams, and commands without an actor.

use super::audit::{GateAuditor, GateBreach, GateTally};
use super::decide::{GateDecision, decide};
use super::event::{GateEvent, Scanned};
use super::ledger::GateLedger;
use super::scan::{GateCommand, GateReply};
use super::wire;
use crate::booking::{self, SeatLedger, booking_stream, catch_up, load_ledger};
use crate::id::{AttendeeId, OccurrenceId};
use crate::persist::{Backend, CommitOutcome, Expect, Fault, RecordedEvent, Seq, StreamName, Transaction};
use crate::time::Timestamp;

const PREFIX: &str = "checkin:";
/// Events read at a time.
const PAGE: usize = 4_096;

/// The stream in which the scans of `occurrence` are recorded: `checkin:` and its id.
pub fn checkin_stream(occurrence: &OccurrenceId) -> StreamName {
    StreamName::stored(&format!("{PREFIX}{occurrence}"))
}

/// The occurrence whose scans `stream` records; none when it is another kind of stream.
pub fn gate_of(stream: &StreamName) -> Option<OccurrenceId> {
    stream.as_str().strip_prefix(PREFIX)?.parse().ok()
}

/// What the doors of one occurrence are decided on: who is in, and who has seats, each as of an event of its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Who is in.
    pub ledger: GateLedger,
    /// Who has seats.
    pub seats: SeatLedger,
}

impl Gate {
    /// Folds what was recorded since.
    ///
    /// # Errors
    /// [`Fault`] when storage failed or an event is not readable.
    pub async fn catch_up(&mut self, backend: &dyn Backend) -> Result<(), Fault> {
        let stream = checkin_stream(self.ledger.occurrence());
        each(backend, &stream, self.ledger.seq(), |recorded, event| {
            self.ledger.evolve(recorded.at, &event);
        })
        .await?;
        // The bookings second: what a scan rests on is never less than what one before it did.
        catch_up(backend, &booking_stream(self.ledger.occurrence()), &mut self.seats).await
    }
}

/// Reads the events of a check-in stream after `after`, which must follow without a gap.
async fn each(
    backend: &dyn Backend,
    stream: &StreamName,
    after: Seq,
    mut see: impl FnMut(&RecordedEvent, GateEvent) + Send,
) -> Result<(), Fault> {
    let mut last = after;
    loop {
        let page = backend.read(stream, last.next(), PAGE).await?;
        for recorded in &page {
            if recorded.seq != last.next() {
                return Err(Fault::corrupt(format!("{} of stream {stream}", last.next()), "is missing"));
            }
            last = recorded.seq;
            see(recorded, wire::decode(recorded)?);
        }
        if page.len() < PAGE {
            return Ok(());
        }
    }
}

/// Reads the gate of `occurrence`.
///
/// # Errors
/// [`Fault`] when storage failed or an event is not readable.
pub async fn load_gate(backend: &dyn Backend, occurrence: &OccurrenceId) -> Result<Gate, Fault> {
    let (seats, _) = load_ledger(backend, occurrence).await?;
    let mut gate = Gate { ledger: GateLedger::new(occurrence.clone()), seats };
    gate.catch_up(backend).await?;
    Ok(gate)
}

/// What became of an attempt.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateAttempt {
    /// Each command was answered, in its place, and what was decided is recorded.
    Answered(Vec<GateReply>),
    /// Somebody booked, cancelled or scanned since the gate was read. Nothing was recorded: catch up and try again.
    Conflict,
}

/// One attempt of some commands, in one transaction, against a gate that the caller read earlier.
///
/// What is decided is recorded only if the check-in stream *and* the booking stream still stand where the gate saw them: so
/// nobody comes in on a ticket that was cancelled at the same moment. Give it a thousand commands at most.
///
/// The gate is taken and given back, so that nobody goes on with one after a fault or a dropped future.
///
/// # Errors
/// [`Fault`] when storage failed. Whether anything was recorded may then be unknown; the same commands can be tried again,
/// since a scan is recorded once for each nonce.
pub async fn attempt(
    backend: &dyn Backend,
    mut gate: Gate,
    commands: &[GateCommand],
    now: Timestamp,
) -> Result<(Gate, GateAttempt), Fault> {
    let (scans, bookings) = (gate.ledger.seq(), gate.seats.seq());
    let (mut undos, mut new, mut replies) = (Vec::new(), Vec::new(), Vec::new());
    for command in commands {
        let GateDecision { event, reply, at } = decide(&gate.ledger, &gate.seats, command, now);
        if let Some(event) = event {
            new.push(wire::encode(at, &event));
            undos.push(gate.ledger.evolve(at, &event));
        }
        replies.push(reply);
    }
    if new.is_empty() {
        return Ok((gate, GateAttempt::Answered(replies)));
    }
    let occurrence = gate.ledger.occurrence();
    let transaction = Transaction::append(&checkin_stream(occurrence), Expect::At(scans), new)
        .expect_stream(booking_stream(occurrence), Expect::At(bookings));
    match backend.commit_one(transaction).await? {
        CommitOutcome::Done(_) | CommitOutcome::Already(_) => Ok((gate, GateAttempt::Answered(replies))),
        CommitOutcome::Conflict(_) => {
            undos.into_iter().rev().for_each(|undo| gate.ledger.revert(undo));
            Ok((gate, GateAttempt::Conflict))
        }
        refused @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused) => {
            Err(Fault::Unavailable { reason: format!("the store does not take check-in events: {refused:?}").into() })
        }
    }
}

/// Runs commands to their answers: catches up, attempts, and does so again while others are quicker.
///
/// ```
/// use boxoffice_core::booking::{self, BookingCommand, Seats};
/// use boxoffice_core::checkin::{Direction, GateCommand, GateReply, Scan, ScanOutcome, Ticket, TicketKey, load_gate, run};
/// use boxoffice_core::id::{AttendeeId, DeviceId, Nonce, OccurrenceId};
/// use boxoffice_core::persist::MemoryBackend;
/// use boxoffice_core::time::Timestamp;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let (store, now, ann) = (MemoryBackend::new(), Timestamp::EPOCH, AttendeeId::new("ann")?);
/// let evening: OccurrenceId = "chess@20260105T190000".parse()?;
/// let _opened = booking::run(&store, &evening, &BookingCommand::Open { capacity: Seats::new(1) }, now).await?;
/// let booked = booking::run(&store, &evening, &BookingCommand::book(ann.clone()), now).await?;
///
/// let ticket = TicketKey::new([7; 32]).sign(Ticket::new(evening.clone(), ann, 1.try_into()?, booked.seq, now));
/// let (device, nonce) = (DeviceId::new("gate-1")?, Nonce::new("1")?);
/// let scan = Scan { ticket, direction: Direction::Entry, device, device_at: now, nonce };
/// let gate = load_gate(&store, &evening).await?;
/// let (gate, replies) = run(&store, gate, &[GateCommand::Scan(scan)], now).await?;
/// assert!(matches!(&replies[..], [GateReply::Scanned(reply)] if reply.outcome == ScanOutcome::Admitted));
/// assert_eq!(gate.ledger.status().inside, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
///
/// # Errors
/// As [`attempt`].
pub async fn run(
    backend: &dyn Backend,
    mut gate: Gate,
    commands: &[GateCommand],
    now: Timestamp,
) -> Result<(Gate, Vec<GateReply>), Fault> {
    loop {
        gate.catch_up(backend).await?;
        match attempt(backend, gate, commands, now).await? {
            (gate, GateAttempt::Answered(replies)) => return Ok((gate, replies)),
            (back, GateAttempt::Conflict) => gate = back,
        }
    }
}

/// All scans of an attendee's tickets, oldest first: the fact, when it was recorded, and as which event.
///
/// # Errors
/// As [`load_gate`].
pub async fn history(
    backend: &dyn Backend,
    occurrence: &OccurrenceId,
    attendee: &AttendeeId,
) -> Result<Vec<(Seq, Timestamp, Scanned)>, Fault> {
    let mut found = Vec::new();
    each(backend, &checkin_stream(occurrence), Seq::UNWRITTEN, |recorded, event| {
        if let GateEvent::Scanned(scanned) = event
            && scanned.ticket.attendee == *attendee
        {
            found.push((recorded.seq, recorded.at, *scanned));
        }
    })
    .await?;
    Ok(found)
}

/// Checks the whole check-in stream of an occurrence beside its booking stream, with a [`GateAuditor`].
///
/// # Errors
/// [`Fault`] when storage failed, an event is not readable, or events were truncated.
pub async fn audit(backend: &dyn Backend, occurrence: &OccurrenceId) -> Result<Result<GateTally, GateBreach>, Fault> {
    let (mut scans, mut bookings) = (Vec::new(), Vec::new());
    each(backend, &checkin_stream(occurrence), Seq::UNWRITTEN, |recorded, event| {
        scans.push((recorded.seq, recorded.at, event));
    })
    .await?;
    let stream = booking_stream(occurrence);
    loop {
        let page = backend.read(&stream, Seq::FIRST.plus(bookings.len() as u64), PAGE).await?;
        for recorded in &page {
            bookings.push(booking::decode(recorded)?);
        }
        if page.len() < PAGE {
            break;
        }
    }
    let mut auditor = GateAuditor::new();
    let mut bookings = bookings.iter();
    for (seq, at, event) in &scans {
        if let GateEvent::Scanned(scanned) = event {
            while auditor.booking() < scanned.booking
                && let Some(booked) = bookings.next()
            {
                auditor.book(booked);
            }
        }
        if let Err(breach) = auditor.check(*seq, *at, event) {
            return Ok(Err(breach));
        }
    }
    Ok(Ok(auditor.tally()))
}
