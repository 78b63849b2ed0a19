//! What a shard writes at once, and what may leave it then.

use std::collections::BTreeMap;

use super::Effect;
use crate::flow::id::FlowId;
use crate::persist::{Append, Expect, KvWrite, Limits, NewEvent, Seq, Transaction};
use crate::time::Timestamp;

/// Operations after which the next batch is begun, with room for what belongs to the last of them.
pub(super) fn operations_max(limits: &Limits) -> usize {
    (limits.operations_max / 4).min(8_000)
}

/// Events and keys that are written in one transaction, and the effects that rest on them.
#[derive(Debug)]
pub(super) struct Batch<R> {
    transaction: Transaction,
    operations: usize,
    /// Which of the appends is whose.
    appends: BTreeMap<FlowId, usize>,
    /// To leave once it is durable.
    pub(super) effects: Vec<Effect<R>>,
    /// Due entries of it that are beyond what is in memory.
    pub(super) beyond: Vec<(Timestamp, FlowId)>,
}

impl<R> Default for Batch<R> {
    fn default() -> Self {
        Self {
            transaction: Transaction::new(),
            operations: 0,
            appends: BTreeMap::new(),
            effects: Vec::new(),
            beyond: Vec::new(),
        }
    }
}

impl<R> Batch<R> {
    /// Appends to a flow's journal, which stands at `before` but for what this batch appends.
    pub(super) fn append(&mut self, flow: &FlowId, before: Seq, events: Vec<NewEvent>) {
        self.operations += events.len();
        let append = self.appends.get(flow).and_then(|at| self.transaction.appends.get_mut(*at));
        if let Some(append) = append {
            return append.events.extend(events);
        }
        self.operations += 1;
        self.appends.insert(flow.clone(), self.transaction.appends.len());
        let transaction = core::mem::take(&mut self.transaction);
        self.transaction = transaction.and_append(&flow.stream(), Expect::At(before), events);
    }

    pub(super) fn write(&mut self, write: KvWrite) {
        self.operations += 1;
        self.transaction.writes.push(write);
    }

    /// What a performer wants written along with its outcome.
    pub(super) fn also(&mut self, appends: Vec<Append>, writes: Vec<KvWrite>) {
        self.operations += appends.iter().map(|append| append.events.len() + 1).sum::<usize>() + writes.len();
        self.transaction.appends.extend(appends);
        self.transaction.writes.extend(writes);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.operations == 0
    }

    /// Appends, events and writes.
    pub(super) fn operations(&self) -> usize {
        self.operations
    }

    /// Whose journals it appends to.
    pub(super) fn flows(&self) -> impl Iterator<Item = &FlowId> {
        self.appends.keys()
    }

    /// The transaction, which leaves the rest behind.
    pub(super) fn take_transaction(&mut self) -> Transaction {
        core::mem::take(&mut self.transaction)
    }
}
