//! The next of the due flows in memory; the rest of them stay in the store.

use std::collections::{BTreeMap, BTreeSet};

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
    /// To be read from the start once more, after what is read now.
    again: bool,
}

impl Due {
    /// Everything is still to be read.
    pub(super) fn unread() -> Self {
        Self { reading: true, ..Self::default() }
    }

    fn is_near(&self, entry: &Entry) -> bool {
        self.horizon.as_ref().is_none_or(|last| entry <= last)
    }

    /// Notes a flow. Says whether it is in memory; else it is found in the store when its time comes.
    pub(super) fn put(&mut self, at: Timestamp, flow: &FlowId) -> bool {
        let entry = (at, flow.clone());
        // What is read just now may have been read before this was written.
        let keep = self.reading || self.is_near(&entry);
        if keep {
            self.entries.insert(entry);
        }
        keep
    }

    pub(super) fn remove(&mut self, at: Timestamp, flow: &FlowId) {
        self.entries.remove(&(at, flow.clone()));
    }

    /// The first, if it is due and nothing in the store may come before it.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<Entry> {
        let first = self.entries.first()?;
        if first.0 > now || !self.is_near(first) { None } else { self.entries.pop_first() }
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.entries.first().filter(|first| self.is_near(first)).map(|(at, _)| *at)
    }

    /// After which entry to read on, if it is time to.
    pub(super) fn read_on(&mut self, low: usize) -> Option<Entry> {
        if self.reading || self.entries.len() > low && self.next().is_some() {
            return None;
        }
        let after = self.horizon.clone()?;
        self.reading = true;
        Some(after)
    }

    /// Everything is to be read again. Says whether that is to be done now.
    pub(super) fn start_over(&mut self) -> bool {
        self.again = self.reading;
        self.reading = true;
        !self.again
    }

    /// Says whether to read from the start once more.
    pub(super) fn read(&mut self, page: DuePage) -> bool {
        self.horizon = page.entries.last().filter(|_| page.more).cloned();
        self.entries.extend(page.entries);
        self.reading = core::mem::take(&mut self.again);
        self.reading
    }

    #[cfg(test)]
    pub(super) fn knows(&self, at: Timestamp, flow: &FlowId) -> bool {
        let entry = (at, flow.clone());
        self.entries.contains(&entry) || self.reading || !self.is_near(&entry)
    }
}

/// The next timers of flows that have something else under way. The store does not know them: it has those flows as at work.
#[derive(Debug, Default)]
pub(super) struct Watch {
    entries: BTreeSet<Entry>,
    instants: BTreeMap<FlowId, Timestamp>,
}

impl Watch {
    /// The next timer of a flow, in the place of the one before.
    pub(super) fn set(&mut self, flow: &FlowId, next: Option<Timestamp>) {
        if self.instants.get(flow).copied() == next {
            return;
        }
        if let Some(before) = self.instants.remove(flow) {
            self.entries.remove(&(before, flow.clone()));
        }
        if let Some(next) = next {
            self.instants.insert(flow.clone(), next);
            self.entries.insert((next, flow.clone()));
        }
    }

    /// The first, if its time has come. It stays until the flow has another one.
    pub(super) fn due(&self, now: Timestamp) -> Vec<FlowId> {
        self.entries.iter().take_while(|(at, _)| *at <= now).map(|(_, flow)| flow.clone()).collect()
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.entries.first().map(|(at, _)| *at)
    }

    #[cfg(test)]
    pub(super) fn knows(&self, at: Timestamp, flow: &FlowId) -> bool {
        self.entries.contains(&(at, flow.clone()))
    }
}
