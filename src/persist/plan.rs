//! Deciding a group commit: what each transaction comes to, and what must be written for all of them together.
//!
//! Pure given [`Stored`]. Every backend of this crate decides here, so that they cannot come to differ.

use std::collections::BTreeMap;

use super::backend::Limits;
use super::contents::Remembered;
use super::error::Fault;
use super::record::{Cursor, Key, NewEvent, Payload, RecordedEvent, Seq, StreamName};
use super::transaction::{
    CommitOutcome, Committed, Failed, IdempotencyKey, KeyExpect, KvWrite, Limit, Precondition, Transaction, Written,
};

/// What a store must be able to say about itself while a commit is decided.
pub(crate) trait Stored {
    /// The last sequence number given out in `stream`.
    fn last(&mut self, stream: &StreamName) -> Result<Seq, Fault>;
    /// The value of `key`.
    fn value(&mut self, key: &Key) -> Result<Option<Payload>, Fault>;
    /// What a transaction with this key wrote.
    fn remembered(&mut self, key: &IdempotencyKey) -> Result<Option<Remembered>, Fault>;
}

/// The outcomes of a group, and the writes that make them true.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) outcomes: Vec<CommitOutcome>,
    /// How many of the outcomes are `Done`.
    pub(crate) done: u64,
    /// In commit order, with dense cursors.
    pub(crate) events: Vec<RecordedEvent>,
    pub(crate) writes: BTreeMap<Key, Option<Payload>>,
    pub(crate) remembered: BTreeMap<IdempotencyKey, Remembered>,
    /// Last sequence numbers of the streams appended to, after this group.
    pub(crate) heads: BTreeMap<StreamName, Seq>,
    pub(crate) next_cursor: Cursor,
}

impl Plan {
    /// Nothing yet; `next_cursor` is the first free one.
    pub(crate) fn starting_at(next_cursor: Cursor) -> Self {
        Self {
            outcomes: Vec::new(),
            done: 0,
            events: Vec::new(),
            writes: BTreeMap::new(),
            remembered: BTreeMap::new(),
            heads: BTreeMap::new(),
            next_cursor,
        }
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.writes.is_empty() && self.remembered.is_empty()
    }
}

/// Decides `transactions` in order, each seeing what the earlier ones write. `next_cursor` is the first free one.
pub(crate) fn plan(
    stored: &mut impl Stored,
    limits: &Limits,
    next_cursor: Cursor,
    transactions: Vec<Transaction>,
) -> Result<Plan, Fault> {
    let mut planner = Planner { stored, plan: Plan::starting_at(next_cursor) };
    planner.plan.outcomes.reserve(transactions.len());
    for transaction in transactions {
        let outcome = planner.decide(transaction, limits)?;
        planner.plan.done += u64::from(outcome.is_done());
        planner.plan.outcomes.push(outcome);
    }
    Ok(planner.plan)
}

struct Planner<'a, S> {
    stored: &'a mut S,
    plan: Plan,
}

impl<S: Stored> Planner<'_, S> {
    fn decide(&mut self, transaction: Transaction, limits: &Limits) -> Result<CommitOutcome, Fault> {
        if let Some(limit) = broken_limit(&transaction, limits) {
            return Ok(CommitOutcome::Refused(limit));
        }
        let fingerprint = match &transaction.idempotency_key {
            None => None,
            Some(key) => {
                let fingerprint = transaction.fingerprint();
                if let Some(found) = self.remembered(key)? {
                    return Ok(if found.fingerprint == fingerprint {
                        CommitOutcome::Already(found.committed)
                    } else {
                        CommitOutcome::KeyReused
                    });
                }
                Some(fingerprint)
            }
        };
        let failed = self.failed(&transaction.preconditions)?;
        if !failed.is_empty() {
            return Ok(CommitOutcome::Conflict(failed));
        }
        let committed = self.write(transaction.appends, transaction.writes)?;
        if let (Some(key), Some(fingerprint)) = (transaction.idempotency_key, fingerprint) {
            let committed = committed.clone();
            let remembered = Remembered { fingerprint, committed };
            self.plan.remembered.insert(key, remembered);
        }
        Ok(CommitOutcome::Done(committed))
    }

    fn write(&mut self, appends: Vec<super::Append>, writes: Vec<KvWrite>) -> Result<Committed, Fault> {
        let mut committed = Committed::default();
        for append in appends {
            let written = self.append(&append.stream, append.events)?;
            if written.first <= written.last {
                committed.cursor = self.plan.events.last().map(|event| event.cursor);
            }
            committed.written.push(written);
        }
        for write in writes {
            match write {
                KvWrite::Put(key, value) => self.plan.writes.insert(key, Some(value)),
                KvWrite::Delete(key) => self.plan.writes.insert(key, None),
            };
        }
        Ok(committed)
    }

    fn append(&mut self, stream: &StreamName, events: Vec<NewEvent>) -> Result<Written, Fault> {
        let before = self.last(stream)?;
        let after = before.plus(events.len() as u64);
        let first = before.next();
        if events.is_empty() {
            return Ok(Written { first, last: after });
        }
        let mut seq = first;
        for NewEvent { event_type, at, data } in events {
            let cursor = self.plan.next_cursor;
            let stream = stream.clone();
            let event = RecordedEvent { stream, seq, cursor, event_type, at, data };
            self.plan.events.push(event);
            self.plan.next_cursor = Cursor::from_position(cursor.position() + 1);
            seq = seq.next();
        }
        self.plan.heads.insert(stream.clone(), after);
        Ok(Written { first, last: after })
    }

    fn failed(&mut self, preconditions: &[Precondition]) -> Result<Vec<Failed>, Fault> {
        let mut failed = Vec::new();
        for precondition in preconditions {
            match precondition {
                Precondition::Stream(stream, expected) => {
                    let actual = self.last(stream)?;
                    if !expected.met_by(actual) {
                        let (stream, expected) = (stream.clone(), *expected);
                        failed.push(Failed::Stream { stream, expected, actual });
                    }
                }
                Precondition::Key(key, expected) => {
                    let actual = self.value(key)?;
                    let met = match expected {
                        KeyExpect::Absent => actual.is_none(),
                        KeyExpect::Equals(value) => actual.as_ref() == Some(value),
                    };
                    if !met {
                        let (key, expected) = (key.clone(), expected.clone());
                        failed.push(Failed::Key { key, expected, actual });
                    }
                }
            }
        }
        Ok(failed)
    }

    fn last(&mut self, stream: &StreamName) -> Result<Seq, Fault> {
        match self.plan.heads.get(stream) {
            Some(last) => Ok(*last),
            None => self.stored.last(stream),
        }
    }

    fn value(&mut self, key: &Key) -> Result<Option<Payload>, Fault> {
        match self.plan.writes.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.stored.value(key),
        }
    }

    fn remembered(&mut self, key: &IdempotencyKey) -> Result<Option<Remembered>, Fault> {
        match self.plan.remembered.get(key) {
            Some(found) => Ok(Some(found.clone())),
            None => self.stored.remembered(key),
        }
    }
}

/// What was written is kept for an idempotency key, place by place, and must fit into one small value.
const KEYED_APPENDS_MAX: usize = 128;

fn broken_limit(transaction: &Transaction, limits: &Limits) -> Option<Limit> {
    let events = transaction.appends.iter().map(|append| append.events.len() + 1);
    let operations = events.sum::<usize>() + transaction.writes.len();
    if operations > limits.operations_max {
        let limit = limits.operations_max;
        return Some(Limit::Operations { operations, limit });
    }
    let streams = transaction.appends.len();
    if transaction.idempotency_key.is_some() && streams > KEYED_APPENDS_MAX {
        return Some(Limit::Operations { operations: streams, limit: KEYED_APPENDS_MAX });
    }
    let events =
        transaction.appends.iter().flat_map(|append| append.events.iter().map(|event| (&append.stream, event)));
    let mut broken =
        events.filter_map(|(stream, event)| limits.broken_by_event(stream, &event.event_type, &event.data));
    broken.next().or_else(|| {
        transaction.writes.iter().find_map(|write| match write {
            KvWrite::Put(key, value) => limits.broken_by_value(key, value),
            KvWrite::Delete(_) => None,
        })
    })
}
