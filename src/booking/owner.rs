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

use std::collections::BTreeSet;

use super::attempt::fold;
use super::command::BookingCommand;
use super::decide::{Decision, decide};
use super::event::BookingEvent;
use super::grounds::{self, Grounds, Terms, agenda_stream};
use super::ledger::{SeatLedger, Undo};
use super::outcome::{BookingOutcome, BookingReply};
use super::wire;
use crate::persist::{Expect, Failed, Fault, Precondition, RecordedEvent, Seq, StreamName, Transaction};
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
/// let submitted = owner.submit(open, "ticket window 3", Timestamp::EPOCH);
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
    /// None: no series is looked at.
    terms: Option<Terms>,
}

/// A command, and what it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// What is asked.
    pub command: BookingCommand,
    /// Acquire a seat only if the stream stands here; else the outcome is [`BookingOutcome::Conflict`].
    pub observed: Option<Seq>,
    /// What the policies of the occurrence said.
    pub grounds: Option<Grounds>,
}

/// A command that is bound to nothing.
impl From<BookingCommand> for Submission {
    fn from(command: BookingCommand) -> Self {
        Self { command, observed: None, grounds: None }
    }
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
    asked: Submission,
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

    /// Has each seat that policies allowed entered in the agenda of whoever took it, if nothing that they said so on has
    /// moved. `expected` is where the stream stands before the batch.
    fn entered(&self, mut transaction: Transaction, stream: &StreamName, expected: Seq) -> Transaction {
        let mut demanded = BTreeSet::new();
        let mut demand = |transaction: &mut Transaction, stream: &StreamName, seq: Seq| {
            if demanded.insert((stream.clone(), seq)) {
                transaction.preconditions.push(Precondition::Stream(stream.clone(), Expect::At(seq)));
            }
        };
        for request in &self.requests {
            let Submission { command, grounds: Some(grounds), .. } = &request.asked else { continue };
            let place = request.reply.seq.get().checked_sub(expected.next().get()).and_then(|at| at.try_into().ok());
            let event = place.and_then(|place: usize| self.events.get(place));
            let (true, Some((at, _)), Some(attendee)) =
                (request.reply.outcome.takes_a_seat(), event, command.attendee())
            else {
                continue;
            };
            let agenda = agenda_stream(attendee);
            demand(&mut transaction, &agenda, grounds.agenda);
            for (stream, seq) in &grounds.others {
                demand(&mut transaction, stream, *seq);
            }
            transaction = transaction.and_append(&agenda, Expect::Any, vec![grounds::encode(*at, stream)]);
        }
        transaction
    }

    /// Forgets what policies said on the word of streams that have moved, the definition of the occurrence included.
    fn forget_grounds(&mut self, moved: &BTreeSet<StreamName>, terms: Option<&Terms>) {
        let all = terms.is_some_and(|terms| moved.contains(&terms.stream));
        for Request { asked: Submission { command, grounds, .. }, .. } in &mut self.requests {
            let attendee = command.attendee();
            let stale = |grounds: &Grounds| all || attendee.is_some_and(|attendee| grounds.rest_on(attendee, moved));
            *grounds = grounds.take().filter(|grounds| !stale(grounds));
        }
    }
}

impl<T> Owner<T> {
    /// The owner of `stream`, whose durable events are folded in `ledger`. At most `waiting_max` commands wait for
    /// the batch under way.
    pub fn new(stream: StreamName, ledger: SeatLedger, waiting_max: usize) -> Self {
        Self { stream, ledger, in_flight: None, next: Batch::default(), waiting_max, terms: None }
    }

    /// The same owner, bound to what the definition of the occurrence says: whatever it writes is written only if the
    /// definition has not changed.
    #[must_use]
    pub fn under(mut self, terms: Terms) -> Self {
        self.terms = Some(terms);
        self
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

    /// Decides a command at `now`.
    pub fn submit(&mut self, asked: impl Into<Submission>, token: T, now: Timestamp) -> Submitted<T> {
        let asked = asked.into();
        if self.next.requests.len() >= self.waiting_max {
            return Submitted::Busy(token);
        }
        let reply = self.decide(&asked, now);
        if self.is_settled() {
            return Submitted::Answered(token, reply);
        }
        self.next.requests.push(Request { asked, token, reply });
        Submitted::Waits
    }

    fn decide(&mut self, asked: &Submission, now: Timestamp) -> BookingReply {
        let Decision { events, outcome, at } = decide(&self.ledger, &asked.command, now);
        let actual = self.ledger.seq();
        if let Some(outcome) = self.bound(asked, &outcome, actual) {
            return BookingReply { outcome, seq: actual };
        }
        self.record(at, events);
        BookingReply { outcome, seq: self.ledger.seq() }
    }

    /// What keeps a command from having the seat that could be had.
    fn bound(&self, asked: &Submission, outcome: &BookingOutcome, actual: Seq) -> Option<BookingOutcome> {
        if !outcome.takes_a_seat() {
            return None;
        }
        if let Some(expected) = asked.observed.filter(|seq| *seq != actual) {
            return Some(BookingOutcome::Conflict { expected, actual });
        }
        let policies = self.terms.as_ref().is_some_and(|terms| terms.policies);
        (policies && asked.grounds.is_none()).then_some(BookingOutcome::Unchecked)
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
        let mut transaction = Transaction::append(&self.stream, Expect::At(expected), events);
        if let Some(terms) = &self.terms {
            transaction = transaction.expect_stream(terms.stream.clone(), Expect::At(terms.seq));
        }
        let transaction = batch.entered(transaction, &self.stream, expected);
        self.in_flight = Some(batch);
        Some(transaction)
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

    /// The batch in flight was refused, because streams have moved: takes back what is not durable. Read this owner's
    /// stream after [`Owner::seq`], and its terms, and hand both to [`Owner::caught_up`] before anything else.
    pub fn conflicted(&mut self, failed: &[Failed]) {
        self.take_back();
        let mut lost = self.in_flight.take().unwrap_or_default();
        let waiting = core::mem::take(&mut self.next);
        let moved = failed.iter().filter_map(|failed| match failed {
            Failed::Stream { stream, .. } if *stream != self.stream => Some(stream.clone()),
            Failed::Stream { .. } | Failed::Key { .. } => None,
        });
        lost.forget_grounds(&moved.collect(), self.terms.as_ref());
        self.next.requests = lost.requests.into_iter().chain(waiting.requests).collect();
    }

    /// Folds the events that other owners wrote, and takes the terms as they are now, if it has any; then decides the
    /// waiting commands again at `now`, in the order in which they came. Returns those that need no write any more.
    ///
    /// # Errors
    /// [`Fault::Corrupt`] when an event is unreadable or missing; [`Owner::abandon`] gives the tokens back.
    pub fn caught_up(
        &mut self,
        tail: &[RecordedEvent],
        terms: Option<Terms>,
        now: Timestamp,
    ) -> Result<Vec<(T, BookingReply)>, Fault> {
        fold(&mut self.ledger, tail)?;
        self.terms = terms.or(self.terms.take());
        let waiting = core::mem::take(&mut self.next.requests);
        let mut replies = Vec::new();
        for Request { asked, token, .. } in waiting {
            let reply = self.decide(&asked, now);
            if self.is_settled() {
                replies.push((token, reply));
            } else {
                self.next.requests.push(Request { asked, token, reply });
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
