//! What one owner writes at once.

use std::collections::BTreeSet;

use super::super::answers;
use super::super::count::SeatCount;
use super::super::event::BookingEvent;
use super::super::grounds::{self, Grounds, Terms, Verdict, agenda_stream};
use super::super::ledger::Undo;
use super::super::reply::BookingReply;
use super::Submission;
use crate::persist::{Expect, IdempotencyKey, KeyExpect, KvWrite, Precondition, Seq, StreamName, Transaction};
use crate::time::Timestamp;

#[derive(Debug)]
pub(super) struct Batch<T> {
    pub(super) requests: Vec<Request<T>>,
    /// Folded into the ledger already.
    pub(super) events: Vec<(Timestamp, BookingEvent)>,
    /// One for each event.
    pub(super) undo: Vec<Undo>,
    /// Somebody wants to know that nobody else has written, whether there is anything to write or not.
    pub(super) check: bool,
    /// The counts after all of its events; none if more were decided then.
    pub(super) after: Option<SeatCount>,
}

#[derive(Debug)]
pub(super) struct Request<T> {
    pub(super) asked: Submission,
    pub(super) token: T,
    pub(super) reply: BookingReply,
    /// The same command under the same key is on its way: its answer is this one's.
    pub(super) repeats: bool,
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Self { requests: Vec::new(), events: Vec::new(), undo: Vec::new(), check: false, after: None }
    }
}

impl<T> Request<T> {
    /// Whether its answer is stored under its key before it is told.
    pub(super) fn is_kept(&self) -> bool {
        self.asked.key.is_some() && !self.repeats && answers::is_final(&self.reply.outcome)
    }

    pub(super) fn answered(self) -> (T, BookingReply) {
        (self.token, self.reply)
    }
}

impl<T> Batch<T> {
    pub(super) fn replies(self) -> impl Iterator<Item = (T, BookingReply)> {
        self.requests.into_iter().map(Request::answered)
    }

    /// Has each seat that policies allowed entered in the agenda of whoever took it, if nothing that they said so on has
    /// moved. `expected` is where the stream stands before the batch.
    pub(super) fn entered(&self, mut transaction: Transaction, stream: &StreamName, expected: Seq) -> Transaction {
        let mut demanded = BTreeSet::new();
        let mut demand = |transaction: &mut Transaction, stream: &StreamName, seq: Seq| {
            if demanded.insert((stream.clone(), seq)) {
                transaction.preconditions.push(Precondition::Stream(stream.clone(), Expect::At(seq)));
            }
        };
        for request in &self.requests {
            let Submission { command, verdict: Some(Verdict::Allowed(grounds)), .. } = &request.asked else { continue };
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
    pub(super) fn forget_grounds(&mut self, moved: &BTreeSet<StreamName>, terms: Option<&Terms>) {
        let all = terms.is_some_and(|terms| moved.contains(&terms.stream));
        for Request { asked: Submission { command, verdict, .. }, .. } in &mut self.requests {
            let attendee = command.attendee();
            let stale = |grounds: &Grounds| all || attendee.is_some_and(|attendee| grounds.rest_on(attendee, moved));
            if matches!(verdict, Some(Verdict::Allowed(grounds)) if stale(grounds)) {
                *verdict = None;
            }
        }
    }

    /// Has the answers to commands with a key kept, if nobody has used the key meanwhile.
    pub(super) fn answered_under_keys(&self, mut transaction: Transaction, stream: &StreamName) -> Transaction {
        for request in self.requests.iter().filter(|request| request.is_kept()) {
            let Submission { command, key: Some(key), .. } = &request.asked else { continue };
            let place = answers::place(stream, key);
            transaction = transaction.expect_key(place.clone(), KeyExpect::Absent);
            transaction.writes.push(KvWrite::Put(place, answers::to_payload(command, &request.reply)));
        }
        transaction
    }

    /// Takes requests out, in order.
    pub(super) fn take_out(&mut self, wanted: impl Fn(&Request<T>) -> bool) -> Vec<Request<T>> {
        let (out, left) = core::mem::take(&mut self.requests).into_iter().partition(wanted);
        self.requests = left;
        out
    }

    /// Takes requests out that need no write of this batch: what they rest on is durable up to `durable`, and so is the
    /// answer that they repeat.
    pub(super) fn take_out_ready(&mut self, durable: Seq) -> Vec<Request<T>> {
        let written: BTreeSet<_> =
            self.requests.iter().filter(|request| request.is_kept()).map(|request| request.asked.key.clone()).collect();
        self.take_out(|request| {
            request.reply.seq <= durable
                && !request.is_kept()
                && !(request.repeats && written.contains(&request.asked.key))
        })
    }

    /// The request on its way under this key.
    pub(super) fn under_key(&self, key: &IdempotencyKey) -> Option<&Request<T>> {
        self.requests.iter().find(|request| request.asked.key.as_ref() == Some(key) && !request.repeats)
    }

    /// Whether there is anything to write.
    pub(super) fn writes(&self) -> bool {
        self.check || !self.events.is_empty() || self.requests.iter().any(Request::is_kept)
    }
}
