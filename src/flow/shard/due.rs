//! The next of the due flows in memory; the rest of them stay in the store.

use std::collections::BTreeSet;

use super::place::DuePage;
use crate::flow::id::FlowId;
use crate::time::Timestamp;

type Entry = (Timestamp, FlowId);

/// The due flows of a shard up to a horizon, in the order of their instants.
#[derive(Debug, Default)]
pub(super) struct Due {
    entries: BTreeSet<Entry>,
    /// The last that is known; none if all are.
    horizon: Option<Entry>,
    reading: bool,
}

impl Due {
    /// Everything is still to be read.
    pub(super) fn unread() -> Self {
        Self { reading: true, ..Self::default() }
    }

    /// Everything is to be read again, beside what is known.
    pub(super) fn read_again(&mut self) {
        (self.reading, self.horizon) = (true, None);
    }

    /// Notes a flow. Says whether it is in memory; else it is found in the store when its time comes.
    pub(super) fn put(&mut self, at: Timestamp, flow: &FlowId) -> bool {
        let near = self.horizon.as_ref().is_none_or(|(last, id)| (at, flow) <= (*last, id));
        // What is read just now may have been read before this was written.
        let keep = near || self.reading;
        if keep {
            self.entries.insert((at, flow.clone()));
        }
        keep
    }

    pub(super) fn remove(&mut self, at: Timestamp, flow: &FlowId) {
        self.entries.remove(&(at, flow.clone()));
    }

    /// The first, if it is due.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<Entry> {
        if self.entries.first()?.0 > now { None } else { self.entries.pop_first() }
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.entries.first().map(|(at, _)| *at)
    }

    /// After which entry to read on, if it is time to.
    pub(super) fn read_on(&mut self, low: usize) -> Option<Entry> {
        if self.reading || self.entries.len() > low {
            return None;
        }
        let after = self.horizon.clone()?;
        self.reading = true;
        Some(after)
    }

    pub(super) fn read(&mut self, page: DuePage) {
        self.reading = false;
        self.horizon = page.entries.last().filter(|_| page.more).cloned();
        self.entries.extend(page.entries);
    }
}
