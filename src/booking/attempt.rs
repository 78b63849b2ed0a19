//! One command against a store, without an actor: observe, decide, append if nobody was quicker.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::chain::ChainHash;
use super::command::BookingCommand;
use super::decide::{Decision, decide};
use super::event::BookingEvent;
use super::ledger::SeatLedger;
use super::outcome::BookingOutcome;
use super::owner::EVENTS_MAX;
use super::reply::BookingReply;
use super::wire;
use crate::id::{AttendeeId, OccurrenceId};
use crate::persist::{
    AsOf, Backend, CommitOutcome, Expect, Failed, Fault, RecordedEvent, Seq, StoreError, StreamName, Transaction,
    load_snapshot, save_snapshot,
};
use crate::seating::Place;
use crate::time::Timestamp;

const PREFIX: &str = "booking:";
/// Events read at a time.
pub(super) const PAGE: usize = 4_096;

/// The stream in which the bookings of `occurrence` are recorded: `booking:` and its id.
pub fn booking_stream(occurrence: &OccurrenceId) -> StreamName {
    StreamName::stored(&format!("{PREFIX}{occurrence}"))
}

/// The occurrence whose bookings `stream` records; none when it is another kind of stream.
pub fn occurrence_of(stream: &StreamName) -> Option<OccurrenceId> {
    stream.as_str().strip_prefix(PREFIX)?.parse().ok()
}

/// The id of the occurrence whose bookings `stream` records, as a text.
pub(super) fn occurrence_text(stream: &StreamName) -> &str {
    stream.as_str().strip_prefix(PREFIX).unwrap_or(stream.as_str())
}

/// Reads the ledger of `occurrence`: snapshot, if there is one, and the events after it.
///
/// # Errors
/// [`Fault`] when storage failed or an event is not readable.
pub async fn observe(backend: &dyn Backend, occurrence: &OccurrenceId) -> Result<SeatLedger, Fault> {
    Ok(load_ledger(backend, occurrence).await?.0)
}

/// Reads the ledger of `occurrence`, and says as of which event its snapshot was taken.
///
/// # Errors
/// As [`observe`].
pub async fn load_ledger(backend: &dyn Backend, occurrence: &OccurrenceId) -> Result<(SeatLedger, Seq), Fault> {
    let stream = booking_stream(occurrence);
    let restored = load_snapshot(backend, stream.as_str()).await?.and_then(SeatLedger::from_saved);
    let mut ledger = restored.unwrap_or_else(SeatLedger::new);
    let snapshot_seq = ledger.seq();
    catch_up(backend, &stream, &mut ledger).await?;
    Ok((ledger, snapshot_seq))
}

/// The ledger as it was: folded up to `as_of`, from the first event on.
///
/// # Errors
/// As [`observe`].
pub async fn observe_as_of(backend: &dyn Backend, occurrence: &OccurrenceId, as_of: AsOf) -> Result<SeatLedger, Fault> {
    let stream = booking_stream(occurrence);
    let mut ledger = SeatLedger::new();
    loop {
        let mut page = backend.read(&stream, ledger.seq().next(), PAGE).await?;
        let last = page.len() < PAGE || page.last().is_some_and(|event| !as_of.includes(event));
        page.retain(|event| as_of.includes(event));
        fold(&mut ledger, &page)?;
        if last {
            return Ok(ledger);
        }
    }
}

/// Something that happened to an attendee's seats, requests or waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// What.
    pub event: BookingEvent,
    /// When.
    pub at: Timestamp,
    /// As which event of the stream.
    pub seq: Seq,
    /// The receipt: the stream up to it in one number.
    pub hash: ChainHash,
}

/// All that happened to one attendee in an occurrence, oldest first.
///
/// # Errors
/// As [`observe`].
pub async fn history(
    backend: &dyn Backend,
    occurrence: &OccurrenceId,
    attendee: &AttendeeId,
) -> Result<Vec<Happened>, Fault> {
    let stream = booking_stream(occurrence);
    let (mut seq, mut hash, mut found) = (Seq::UNWRITTEN, ChainHash::default(), Vec::new());
    loop {
        let page = backend.read(&stream, seq.next(), PAGE).await?;
        for recorded in &page {
            let event = wire::decode(recorded)?;
            (seq, hash) = (recorded.seq, hash.then(recorded.at, &event));
            if event.is_about(attendee) {
                found.push(Happened { event, at: recorded.at, seq, hash });
            }
        }
        if page.len() < PAGE {
            return Ok(found);
        }
    }
}

/// Saves `ledger`, so that [`load_ledger`] need not fold the events before it. Says whether the store took it.
///
/// # Errors
/// [`Fault`] when storage failed.
pub async fn save_ledger(backend: &dyn Backend, occurrence: &OccurrenceId, ledger: &SeatLedger) -> Result<bool, Fault> {
    match save_snapshot(backend, booking_stream(occurrence).as_str(), &ledger.to_saved()).await {
        Ok(()) => Ok(true),
        Err(StoreError::Fault(fault)) => Err(fault),
        Err(_) => Ok(false),
    }
}

/// Folds the events of `stream` that `ledger` does not know yet.
pub(crate) async fn catch_up(backend: &dyn Backend, stream: &StreamName, ledger: &mut SeatLedger) -> Result<(), Fault> {
    loop {
        let page = backend.read(stream, ledger.seq().next(), PAGE).await?;
        fold(ledger, &page)?;
        if page.len() < PAGE {
            return Ok(());
        }
    }
}

/// Folds recorded events, which must follow the ledger without a gap.
pub(super) fn fold(ledger: &mut SeatLedger, events: &[RecordedEvent]) -> Result<(), Fault> {
    for recorded in events {
        if recorded.seq != ledger.seq().next() {
            let place = format!("{} of stream {}", ledger.seq().next(), recorded.stream);
            return Err(Fault::corrupt(place, "is missing"));
        }
        let event = wire::decode(recorded)?;
        ledger.evolve(recorded.at, &event);
    }
    ledger.settle();
    Ok(())
}

/// One attempt of `command` against a ledger that the caller observed earlier.
///
/// It knows the ledger and nothing else: policies that the definition of the occurrence names are not asked. A box office
/// asks them; whoever books past it is past them too.
///
/// If the stream has moved on since, nothing is written and the outcome is [`BookingOutcome::Conflict`]: observe again
/// and retry. This is the contract that [`run`] and the owning actor are built on, and the door for tests of it.
///
/// ```
/// use boxoffice_core::booking::{BookingCommand, BookingOutcome, Seats, attempt, observe, run};
/// use boxoffice_core::id::{AttendeeId, OccurrenceId};
/// use boxoffice_core::persist::MemoryBackend;
/// use boxoffice_core::time::Timestamp;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let (store, now) = (MemoryBackend::new(), Timestamp::EPOCH);
/// let evening: OccurrenceId = "chess@20260105T190000".parse()?;
/// run(&store, &evening, &BookingCommand::Open { capacity: Seats::new(1) }, now).await?;
///
/// // Both look before either books.
/// let observed = observe(&store, &evening).await?;
/// let book = |name| AttendeeId::new(name).map(BookingCommand::book);
/// let ann = attempt(&store, &evening, &observed, &book("ann")?, now).await?;
/// let bob = attempt(&store, &evening, &observed, &book("bob")?, now).await?;
/// assert_eq!(ann.outcome, BookingOutcome::Booked { seat: 1 });
/// assert!(matches!(bob.outcome, BookingOutcome::Conflict { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
///
/// # Errors
/// [`Fault`] when storage failed.
pub async fn attempt(
    backend: &dyn Backend,
    occurrence: &OccurrenceId,
    observed: &SeatLedger,
    command: &BookingCommand,
    now: Timestamp,
) -> Result<BookingReply, Fault> {
    let expected = observed.seq();
    let Decision { events, own, outcome, at } = decide(observed, command, now);
    let places = places_after(observed, command, (at, &events));
    let mut after = Follow { seq: expected, hash: observed.hash(), places };
    if events.is_empty() {
        return Ok(after.reply(outcome));
    }
    // More than one transaction takes are lapses and offers: those that fit are recorded, and the caller is told that the
    // stream has moved on, which is true.
    let whole = events.len() <= EVENTS_MAX;
    let new: Vec<_> = events.iter().take(EVENTS_MAX).map(|event| wire::encode(at, event)).collect();
    let last = expected.plus(new.len() as u64);
    let stream = booking_stream(occurrence);
    let transaction = Transaction::append(&stream, Expect::At(expected), new);
    let place = own.map_or(events.len(), |own| own + 1);
    events.iter().take(place).for_each(|event| after.follow(at, event));
    match backend.commit_one(transaction).await? {
        CommitOutcome::Done(_) | CommitOutcome::Already(_) if whole => Ok(after.reply(outcome)),
        CommitOutcome::Done(_) | CommitOutcome::Already(_) => {
            let outcome = BookingOutcome::Conflict { expected, actual: last };
            Ok(after.reply(outcome))
        }
        CommitOutcome::Conflict(failed) => {
            let actual = actual_of(&failed).unwrap_or(expected);
            let outcome = BookingOutcome::Conflict { expected, actual };
            Ok(BookingReply {
                outcome,
                seq: actual,
                hash: observed.hash(),
                warnings: Arc::default(),
                places: observed.places_told(command),
            })
        }
        refused @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused) => {
            Err(Fault::Unavailable { reason: format!("the store does not take booking events: {refused:?}").into() })
        }
    }
}

/// Where a stream stands after some events.
struct Follow {
    seq: Seq,
    hash: ChainHash,
    places: BTreeSet<Place>,
}

/// The places of whom a command is about, once these events are recorded.
fn places_after(
    observed: &SeatLedger,
    command: &BookingCommand,
    (at, events): (Timestamp, &[BookingEvent]),
) -> BTreeSet<Place> {
    if observed.seat_map().is_empty() || events.is_empty() {
        return observed.places_told(command);
    }
    let mut after = observed.clone();
    for event in events {
        after.evolve(at, event);
    }
    after.places_told(command)
}

impl Follow {
    fn follow(&mut self, at: Timestamp, event: &BookingEvent) {
        self.seq = self.seq.next();
        self.hash = self.hash.then(at, event);
    }

    fn reply(self, outcome: BookingOutcome) -> BookingReply {
        BookingReply { outcome, seq: self.seq, hash: self.hash, warnings: Arc::default(), places: self.places }
    }
}

/// Runs `command` to its outcome: observes, attempts, and does so again while others are quicker.
///
/// Never answers [`BookingOutcome::Conflict`]. Each round in which it loses is one in which another writer won, so
/// writers as a whole always make progress.
///
/// # Errors
/// [`Fault`] when storage failed.
pub async fn run(
    backend: &dyn Backend,
    occurrence: &OccurrenceId,
    command: &BookingCommand,
    now: Timestamp,
) -> Result<BookingReply, Fault> {
    let mut ledger = observe(backend, occurrence).await?;
    loop {
        let reply = attempt(backend, occurrence, &ledger, command, now).await?;
        if !matches!(reply.outcome, BookingOutcome::Conflict { .. }) {
            return Ok(reply);
        }
        catch_up(backend, &booking_stream(occurrence), &mut ledger).await?;
    }
}

/// Where a conflicting commit found the stream.
fn actual_of(failed: &[Failed]) -> Option<Seq> {
    failed.iter().find_map(|failed| match failed {
        Failed::Stream { actual, .. } => Some(*actual),
        Failed::Key { .. } => None,
    })
}
