//! The pure half of the owning actor: decides at once, writes in batches, answers when the facts are durable.
//!
//! ```text
//!            submit                next_transaction             committed
//!  command ----------> [ next ] ---------------------> [ in flight ] ----------> replies
//!     |                   ^                                  |
//!     | refused, and      |   conflicted: both are taken     |
//!     | nothing unsure    +---- back, then decided again <---+
//!     v                         by caught_up
//!  reply at once
//! ```
//!
//! A command is decided the moment it arrives, against the ledger with every earlier decision folded in, durable or
//! not. What it writes joins the next batch. What it answers waits for the facts that it was decided on: a refusal
//! that rests on durable facts alone is answered at once, without the disk.

use super::attempt::fold;
use super::command::BookingCommand;
use super::decide::{Decision, decide};
use super::event::BookingEvent;
use super::ledger::{SeatLedger, Undo};
use super::outcome::{BookingOutcome, BookingReply};
use super::wire;
use crate::persist::{Expect, Fault, RecordedEvent, Seq, StreamName, Transaction};
use crate::time::Timestamp;

/// Events that one transaction holds at most. Only a great many holds that lapse at once come near it.
pub(super) const EVENTS_MAX: usize = 1_024;

/// Decides the commands of one occurrence in order of arrival, and batches what they write.
///
/// `T` is whatever the caller needs to deliver a reply, such as a channel. Each token comes back exactly once.
///
/// ```
/// use boxoffice_core::booking::{BookingCommand, Owner, SeatLedger, Seats, Submitted};
/// use boxoffice_core::persist::StreamName;
/// use boxoffice_core::time::Timestamp;
///
/// let mut owner = Owner::new(StreamName::new("booking:chess@20260105")?, SeatLedger::new(), 100);
/// let open = BookingCommand::Open { capacity: Seats::new(20) };
/// let submitted = owner.submit(open, None, "ticket window 3", Timestamp::EPOCH);
/// assert!(matches!(submitted, Submitted::Waits));
///
/// let transaction = owner.next_transaction().expect("there is something to write");
/// assert_eq!(transaction.appends[0].events.len(), 1);
/// // ... commit it; and when it is durable:
/// let replies = owner.committed();
/// assert_eq!(replies[0].0, "ticket window 3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Owner<T> {
    stream: StreamName,
    /// With the events of both batches folded in.
    ledger: SeatLedger,
    in_flight: Option<Batch<T>>,
    next: Batch<T>,
    waiting_max: usize,
}

#[derive(Debug)]
struct Batch<T> {
    requests: Vec<Request<T>>,
    /// Folded into the ledger already.
    events: Vec<(Timestamp, BookingEvent)>,
    /// One for each event.
    undo: Vec<Undo>,
}

#[derive(Debug)]
struct Request<T> {
    command: BookingCommand,
    observed: Option<Seq>,
    token: T,
    reply: BookingReply,
}

/// What became of a submitted command.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub enum Submitted<T> {
    /// Here is the answer: it rests on durable facts alone.
    Answered(T, BookingReply),
    /// The answer comes out of [`Owner::committed`], [`Owner::caught_up`] or [`Owner::abandon`].
    Waits,
    /// Too many commands are waiting. It was not decided.
    Busy(T),
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Self { requests: Vec::new(), events: Vec::new(), undo: Vec::new() }
    }
}

impl<T> Request<T> {
    fn answered(self) -> (T, BookingReply) {
        (self.token, self.reply)
    }
}

impl<T> Batch<T> {
    fn replies(self) -> impl Iterator<Item = (T, BookingReply)> {
        self.requests.into_iter().map(Request::answered)
    }
}

impl<T> Owner<T> {
    /// The owner of `stream`, whose durable events are folded in `ledger`. At most `waiting_max` commands wait for
    /// the batch under way.
    pub fn new(stream: StreamName, ledger: SeatLedger, waiting_max: usize) -> Self {
        Self { stream, ledger, in_flight: None, next: Batch::default(), waiting_max }
    }

    /// The stream it owns.
    pub fn stream(&self) -> &StreamName {
        &self.stream
    }

    /// Looks at the ledger as it is durable: without the decisions that are still on their way to the disk.
    ///
    /// Takes time in proportion to those, which are taken back and then made again.
    pub fn look<R>(&mut self, look: impl FnOnce(&SeatLedger) -> R) -> R {
        self.take_back();
        let seen = look(&self.ledger);
        let batches = self.in_flight.iter_mut().chain([&mut self.next]);
        for Batch { events, undo, .. } in batches {
            undo.extend(events.iter().map(|(at, event)| self.ledger.evolve(*at, event)));
        }
        seen
    }

    /// Reverts the ledger to what is durable.
    fn take_back(&mut self) {
        let batches = [&mut self.next].into_iter().chain(&mut self.in_flight);
        for undo in batches.flat_map(|batch| batch.undo.drain(..).rev()) {
            self.ledger.revert(undo);
        }
    }

    /// When the next hold lapses, also one that is not durable yet.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.ledger.next_deadline()
    }

    /// The last sequence number given out, durable or not.
    pub fn seq(&self) -> Seq {
        self.ledger.seq()
    }

    /// Whether everything decided is durable and answered.
    pub fn is_settled(&self) -> bool {
        self.in_flight.is_none() && self.next.requests.is_empty() && self.next.events.is_empty()
    }

    /// Decides `command` at `now`.
    ///
    /// With `observed`, a seat is acquired only if the stream still stands there; else the outcome is
    /// [`BookingOutcome::Conflict`].
    pub fn submit(&mut self, command: BookingCommand, observed: Option<Seq>, token: T, now: Timestamp) -> Submitted<T> {
        if self.next.requests.len() >= self.waiting_max {
            return Submitted::Busy(token);
        }
        let reply = self.decide(&command, observed, now);
        if self.is_settled() {
            return Submitted::Answered(token, reply);
        }
        self.next.requests.push(Request { command, observed, token, reply });
        Submitted::Waits
    }

    fn decide(&mut self, command: &BookingCommand, observed: Option<Seq>, now: Timestamp) -> BookingReply {
        let Decision { events, outcome, at } = decide(&self.ledger, command, now);
        let actual = self.ledger.seq();
        let acquires = matches!(outcome, BookingOutcome::Booked { .. } | BookingOutcome::Held { .. });
        if let Some(expected) = observed.filter(|seq| acquires && *seq != actual) {
            let outcome = BookingOutcome::Conflict { expected, actual };
            return BookingReply { outcome, seq: actual };
        }
        self.record(at, events);
        BookingReply { outcome, seq: self.ledger.seq() }
    }

    fn record(&mut self, at: Timestamp, events: Vec<BookingEvent>) {
        self.next.undo.extend(events.iter().map(|event| self.ledger.evolve(at, event)));
        self.next.events.extend(events.into_iter().map(|event| (at, event)));
    }

    /// Records the lapse of every hold whose time is up at `now`.
    pub fn lapse(&mut self, now: Timestamp) {
        let at = now.max(self.ledger.latest_at());
        let lapsed = self.ledger.lapsed(at).cloned();
        let events: Vec<_> = lapsed.map(|attendee| BookingEvent::HoldLapsed { attendee }).collect();
        self.record(at, events);
    }

    /// The next batch to commit; none while one is in flight, or when there is nothing to write.
    pub fn next_transaction(&mut self) -> Option<Transaction> {
        if self.in_flight.is_some() || self.next.events.is_empty() {
            return None;
        }
        let total = self.next.events.len();
        let expected = Seq::new(self.ledger.seq().get() - total as u64);
        let count = total.min(EVENTS_MAX);
        let last = expected.plus(count as u64);
        // In order of arrival, and so of what they rest on.
        let ready = self.next.requests.partition_point(|request| request.reply.seq <= last);
        let later = Batch {
            requests: self.next.requests.split_off(ready),
            events: self.next.events.split_off(count),
            undo: self.next.undo.split_off(count),
        };
        let batch = core::mem::replace(&mut self.next, later);
        let events = batch.events.iter().map(|(at, event)| wire::encode(*at, event)).collect();
        self.in_flight = Some(batch);
        Some(Transaction::append(&self.stream, Expect::At(expected), events))
    }

    /// The batch in flight is durable: the replies that rest on it, in order of arrival.
    pub fn committed(&mut self) -> Vec<(T, BookingReply)> {
        let Some(batch) = self.in_flight.take() else {
            return Vec::new();
        };
        let mut replies: Vec<_> = batch.replies().collect();
        // Refusals that came while it was in flight may rest on it and on nothing later.
        let durable = self.ledger.seq().get() - self.next.events.len() as u64;
        let ready = self.next.requests.partition_point(|request| request.reply.seq.get() <= durable);
        replies.extend(self.next.requests.drain(..ready).map(Request::answered));
        if self.is_settled() {
            self.ledger.settle();
        }
        replies
    }

    /// Another owner was quicker: takes back what is not durable. Read the stream after [`Owner::seq`] and hand it to
    /// [`Owner::caught_up`] before anything else.
    pub fn conflicted(&mut self) {
        self.take_back();
        let lost = self.in_flight.take().unwrap_or_default();
        let waiting = core::mem::take(&mut self.next);
        self.next.requests = lost.requests.into_iter().chain(waiting.requests).collect();
    }

    /// Folds the events that other owners wrote, then decides the waiting commands again at `now`, in the order in
    /// which they came. Returns those that need no write any more.
    ///
    /// # Errors
    /// [`Fault::Corrupt`] when an event is unreadable or missing; [`Owner::abandon`] gives the tokens back.
    pub fn caught_up(&mut self, tail: &[RecordedEvent], now: Timestamp) -> Result<Vec<(T, BookingReply)>, Fault> {
        fold(&mut self.ledger, tail)?;
        let waiting = core::mem::take(&mut self.next.requests);
        let mut replies = Vec::new();
        for Request { command, observed, token, .. } in waiting {
            let reply = self.decide(&command, observed, now);
            if self.is_settled() {
                replies.push((token, reply));
            } else {
                self.next.requests.push(Request { command, observed, token, reply });
            }
        }
        Ok(replies)
    }

    /// Gives every waiting token back, undecided, because the store failed. The owner is of no further use: what
    /// became of the batch in flight is unknown.
    pub fn abandon(&mut self) -> Vec<T> {
        let in_flight = self.in_flight.take().unwrap_or_default();
        let next = core::mem::take(&mut self.next);
        let requests = in_flight.requests.into_iter().chain(next.requests);
        requests.map(|request| request.token).collect()
    }
}
