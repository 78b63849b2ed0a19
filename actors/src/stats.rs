//! Counters of a running box office.

use core::sync::atomic::{AtomicU64, Ordering};

use boxoffice_core::persist;

/// Counters since the start. Each only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Commands answered by the rules, refusals included.
    pub answered: u64,
    /// Of these, commands that were carried out.
    pub accepted: u64,
    /// Requests turned away because too many waited.
    pub busy: u64,
    /// Commits that lost to another owner of the same stream and were decided again.
    pub conflicts: u64,
    /// How often policies were asked before a seat was given.
    pub policies_asked: u64,
    /// Owners started.
    pub activations: u64,
    /// Owners put to rest because nobody asked for them.
    pub passivations: u64,
    /// Owners that ended by a failure.
    pub failures: u64,
    /// Commands on series answered by the rules, refusals included.
    pub series_answered: u64,
    /// Of these, commands that were carried out.
    pub series_changed: u64,
    /// Agendas worked out.
    pub agendas: u64,
    /// Questions about availability that a desk looked at.
    pub availability_answered: u64,
    /// Questions that were beyond the light limits and went to the heavy desk.
    pub availability_heavy: u64,
    /// Committed events that a desk took in, those that say nothing about availability included.
    pub availability_events: u64,
    /// How often facts and rules were built, at the start of a desk and after a failure.
    pub availability_built: u64,
    /// Watchers of relations that left too much unread and had to begin anew.
    pub availability_lagged: u64,
    /// The store's own counters.
    pub store: persist::Stats,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) answered: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) busy: AtomicU64,
    pub(crate) conflicts: AtomicU64,
    pub(crate) policies_asked: AtomicU64,
    pub(crate) activations: AtomicU64,
    pub(crate) passivations: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) series_answered: AtomicU64,
    pub(crate) series_changed: AtomicU64,
    pub(crate) agendas: AtomicU64,
    pub(crate) availability_answered: AtomicU64,
    pub(crate) availability_heavy: AtomicU64,
    pub(crate) availability_events: AtomicU64,
    pub(crate) availability_built: AtomicU64,
    pub(crate) availability_lagged: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_many(counter: &AtomicU64, many: usize) {
        counter.fetch_add(many as u64, Ordering::Relaxed);
    }

    pub(crate) fn read(&self, store: persist::Stats) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            answered: read(&self.answered),
            accepted: read(&self.accepted),
            busy: read(&self.busy),
            conflicts: read(&self.conflicts),
            policies_asked: read(&self.policies_asked),
            activations: read(&self.activations),
            passivations: read(&self.passivations),
            failures: read(&self.failures),
            series_answered: read(&self.series_answered),
            series_changed: read(&self.series_changed),
            agendas: read(&self.agendas),
            availability_answered: read(&self.availability_answered),
            availability_heavy: read(&self.availability_heavy),
            availability_events: read(&self.availability_events),
            availability_built: read(&self.availability_built),
            availability_lagged: read(&self.availability_lagged),
            store,
        }
    }
}
