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

mod batch;
mod submission;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::alarm;
use super::answers;
use super::attempt::fold;
use super::count::SeatCount;
use super::decide::{Decision, decide_in, settle};
use super::grounds::Terms;
use super::ledger::{SeatLedger, Undo};
use super::outcome::BookingOutcome;
use super::reply::BookingReply;
use super::wire;
use crate::persist::{Expect, Failed, Fault, IdempotencyKey, RecordedEvent, Seq, StreamName, Transaction};
use crate::time::Timestamp;

use batch::{Batch, Request};
pub use submission::{Clash, Submission};

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
    /// Others write the same stream.
    beside_others: bool,
    /// As of what is durable.
    count: SeatCount,
    /// When the store has it that the next hold lapses.
    alarm: Option<Timestamp>,
    /// Of commands whose key somebody has used meanwhile.
    outdated: Vec<T>,
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

impl<T> Owner<T> {
    /// The owner of `stream`, whose durable events are folded in `ledger`. At most `waiting_max` commands wait for
    /// the batch under way.
    pub fn new(stream: StreamName, ledger: SeatLedger, waiting_max: usize) -> Self {
        let count = SeatCount::from(&ledger);
        Self {
            stream,
            ledger,
            in_flight: None,
            next: Batch::default(),
            waiting_max,
            terms: None,
            beside_others: false,
            count,
            alarm: count.returns,
            outdated: Vec::new(),
        }
    }

    /// The same owner, if others write the stream too: what it knows may be outdated at any time, so every answer waits until
    /// the store has said that the stream still stands where it rests on, refusals too.
    #[must_use]
    pub fn beside_others(mut self) -> Self {
        self.beside_others = true;
        self
    }

    /// The same owner, bound to what the definition of the occurrence says: whatever it writes is written only if the
    /// definition has not changed.
    #[must_use]
    pub fn under(mut self, terms: Terms) -> Self {
        self.terms = Some(terms);
        self
    }

    /// The same owner, of whose stream the store has it that its next hold lapses at `due`. If that is not so, the next batch
    /// puts it right.
    #[must_use]
    pub fn woken_at(mut self, due: Option<Timestamp>) -> Self {
        self.alarm = due;
        self.next.check |= self.alarm != self.count.returns;
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

    /// The counts as they are durable. Costs nothing.
    pub fn count(&self) -> SeatCount {
        self.count
    }

    /// Has the next batch find out whether anybody else has written, even if there is nothing to write. Once it is
    /// [`Owner::committed`], what [`Owner::look`] shows was true after this call.
    pub fn check(&mut self) {
        self.next.check = true;
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

    /// Commands that wait for the disk.
    pub fn waiting(&self) -> usize {
        self.in_flight.iter().chain([&self.next]).map(|batch| batch.requests.len()).sum()
    }

    /// Whether everything decided is durable and answered.
    pub fn is_settled(&self) -> bool {
        self.in_flight.is_none() && self.next.requests.is_empty() && self.next.events.is_empty() && !self.next.check
    }

    /// Decides a command at `now`.
    pub fn submit(&mut self, asked: impl Into<Submission>, token: T, now: Timestamp) -> Submitted<T> {
        let asked = asked.into();
        if self.next.requests.len() >= self.waiting_max {
            return Submitted::Busy(token);
        }
        match self.take(asked, token, now) {
            Some((token, reply)) => Submitted::Answered(token, reply),
            None => Submitted::Waits,
        }
    }

    /// Decides a command; gives the answer if it need not wait.
    fn take(&mut self, asked: Submission, token: T, now: Timestamp) -> Option<(T, BookingReply)> {
        let on_its_way = asked.key.as_ref().and_then(|key| self.under_key(key));
        let first = on_its_way.map(|first| (first.asked.command == asked.command, first.reply.clone()));
        let (reply, repeats) = match first {
            Some((true, reply)) => (reply, true),
            Some((false, reply)) => (reply.key_reused(), true),
            None => (self.decide(&asked, now), false),
        };
        let request = Request { asked, token, reply, repeats };
        if self.is_settled() && !request.is_kept() && !self.beside_others {
            return Some(request.answered());
        }
        self.next.check |= self.beside_others;
        self.next.requests.push(request);
        None
    }

    fn under_key(&self, key: &IdempotencyKey) -> Option<&Request<T>> {
        let mut batches = self.in_flight.iter().chain([&self.next]);
        batches.find_map(|batch| batch.under_key(key))
    }

    fn decide(&mut self, asked: &Submission, now: Timestamp) -> BookingReply {
        let policies = self.terms.as_ref().is_some_and(|terms| terms.policies);
        let before = self.ledger.seq();
        let bind = |decided| asked.bind(before, policies, decided);
        let (Decision { events, own, outcome, at }, undo) = decide_in(&mut self.ledger, &asked.command, now, bind);
        let place = own.map_or(events.len(), |own| own + 1);
        let hash = undo.get(place).map_or(self.ledger.hash(), Undo::hash_before);
        self.next.events.extend(events.into_iter().map(|event| (at, event)));
        self.next.undo.extend(undo);
        let warnings = asked.warnings(&outcome);
        let places = self.ledger.places_told(&asked.command);
        BookingReply { outcome, seq: before.plus(place as u64), hash, warnings, places }
    }

    /// Records what is due at `now`: the lapse of every hold whose time is up, and offers to those who wait.
    pub fn lapse(&mut self, now: Timestamp) {
        let at = now.max(self.ledger.latest_at());
        let mut due = (Vec::new(), Vec::new());
        settle(&mut self.ledger, at, &mut due, SeatLedger::due);
        self.next.events.extend(due.0.into_iter().map(|event| (at, event)));
        self.next.undo.extend(due.1);
    }

    /// The next batch to commit; none while one is in flight, or when there is nothing to write.
    pub fn next_transaction(&mut self) -> Option<Transaction> {
        if self.in_flight.is_some() || !self.next.writes() {
            return None;
        }
        let total = self.next.events.len();
        let expected = Seq::new(self.ledger.seq().get() - total as u64);
        let count = total.min(EVENTS_MAX);
        let last = expected.plus(count as u64);
        // Not in the order of what they rest on: a command that is repeated rests on what it rested on at first.
        let requests = self.next.take_out(|request| request.reply.seq > last);
        let later = Batch {
            requests,
            events: self.next.events.split_off(count),
            undo: self.next.undo.split_off(count),
            ..Batch::default()
        };
        let mut batch = core::mem::replace(&mut self.next, later);
        // What rests on later events is checked with them.
        self.next.check = self.beside_others && total > count;
        batch.after = (total == count).then(|| SeatCount::from(&self.ledger));
        let events = batch.events.iter().map(|(at, event)| wire::encode(*at, event)).collect();
        let mut transaction = Transaction::append(&self.stream, Expect::At(expected), events);
        if let Some(terms) = &self.terms {
            transaction = transaction.expect_stream(terms.stream.clone(), Expect::At(terms.seq));
        }
        let transaction = batch.entered(transaction, &self.stream, expected);
        let mut transaction = batch.answered_under_keys(transaction, &self.stream);
        if let Some(after) = batch.after.filter(|after| after.returns != self.alarm) {
            transaction.writes.push(alarm::set(&self.stream, after.returns));
        }
        self.in_flight = Some(batch);
        Some(transaction)
    }

    /// The batch in flight is durable: the replies that rest on it, in order of arrival.
    pub fn committed(&mut self) -> Vec<(T, BookingReply)> {
        let Some(batch) = self.in_flight.take() else {
            return Vec::new();
        };
        if let Some(after) = batch.after {
            (self.count, self.alarm) = (after, after.returns);
        }
        let mut replies: Vec<_> = batch.replies().collect();
        // Refusals that came while it was in flight may rest on it and on nothing later. Beside others they would be those of
        // the instant at which it was written, which may be before they came.
        if !self.beside_others {
            let durable = Seq::new(self.ledger.seq().get() - self.next.events.len() as u64);
            replies.extend(self.next.take_out_ready(durable).into_iter().map(Request::answered));
        }
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
        self.next.check = lost.check || waiting.check;
        let (mut moved, mut used) = (BTreeSet::new(), BTreeSet::new());
        for failed in failed {
            match failed {
                Failed::Stream { stream, .. } if *stream != self.stream => _ = moved.insert(stream.clone()),
                Failed::Stream { .. } => {}
                Failed::Key { key, .. } => _ = used.insert(key.clone()),
            }
        }
        lost.forget_grounds(&moved, self.terms.as_ref());
        let stream = &self.stream;
        let is_used = |key: &IdempotencyKey| used.contains(&answers::place(stream, key));
        let outdated = lost.take_out(|request| request.asked.key.as_ref().is_some_and(is_used));
        self.outdated = outdated.into_iter().map(|request| request.token).collect();
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
        self.count = SeatCount::from(&self.ledger);
        self.alarm = self.count.returns;
        let waiting = core::mem::take(&mut self.next.requests);
        let (seq, hash) = (self.ledger.seq(), self.ledger.hash());
        let (warnings, places) = (Arc::default(), BTreeSet::new());
        let reply = BookingReply { outcome: BookingOutcome::Recall, seq, hash, warnings, places };
        let recall = |token| (token, reply.clone());
        let mut replies: Vec<_> = self.outdated.drain(..).map(recall).collect();
        for Request { asked, token, .. } in waiting {
            replies.extend(self.take(asked, token, now));
        }
        Ok(replies)
    }

    /// Gives every waiting token back, undecided, because the store failed. The owner is of no further use: what
    /// became of the batch in flight is unknown.
    pub fn abandon(&mut self) -> Vec<T> {
        let in_flight = self.in_flight.take().unwrap_or_default();
        let next = core::mem::take(&mut self.next);
        let requests = in_flight.requests.into_iter().chain(next.requests);
        self.outdated.drain(..).chain(requests.map(|request| request.token)).collect()
    }
}
