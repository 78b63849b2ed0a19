//! How a channel stands, for whoever looks.

use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use boxoffice_core::notify::{Attempt, BreakerState};

use crate::stats::Counters;

/// Whether a channel takes letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelHealth {
    /// It does.
    #[default]
    Up,
    /// Its actor failed too often of late, and is left alone until [`Channel::restart`](super::Channel::restart). Flows wait.
    Failed,
    /// It is shut down. Flows wait for whoever starts them and the channel again.
    Ended,
}

/// How long notices waited in a channel before they were let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lateness {
    /// How many were counted.
    pub count: u64,
    /// The longest.
    pub max: Duration,
    /// 33 counts: the first of those that waited less than a millisecond, the one at `i` of those that waited from `2^(i-1)` ms
    /// (included) to `2^i` ms (not included), the last of all that waited longer.
    pub buckets: [u64; 33],
}

impl Default for Lateness {
    /// Nothing counted.
    fn default() -> Self {
        Self { count: 0, max: Duration::ZERO, buckets: [0; 33] }
    }
}

impl Lateness {
    /// How long so many of a thousand waited at most; an upper bound, at most twice the truth. Zero if none was counted.
    pub fn within(&self, permille: u32) -> Duration {
        let wanted = (u128::from(self.count) * u128::from(permille)).div_ceil(1_000);
        let mut seen = 0;
        for (power, count) in (0_u32..).zip(self.buckets) {
            seen += u128::from(count);
            if seen >= wanted && seen > 0 {
                return Duration::from_millis(1 << power).min(self.max);
            }
        }
        self.max
    }

    fn add(&mut self, waited: Duration) {
        let millis = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        let bucket = usize::try_from(u64::BITS - millis.leading_zeros()).unwrap_or(usize::MAX);
        if let Some(count) = self.buckets.get_mut(bucket.min(32)) {
            *count += 1;
        }
        self.count += 1;
        self.max = self.max.max(waited);
    }
}

/// How a channel stands. Counts are since its start, restarts of its actor included.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelState {
    /// Its name.
    pub name: String,
    /// Whether it takes letters.
    pub health: ChannelHealth,
    /// How often its actor was made anew after a failure.
    pub restarts: u64,
    /// Requests that wait for their answer, those whose letter is under way included.
    pub waiting: usize,
    /// Letters that are made ready or under way.
    pub in_flight: usize,
    /// What its circuit breaker is at.
    pub breaker: BreakerState,
    /// Notices that were sent, or taken for sent.
    pub sent: u64,
    /// Attempts that failed and are to be made again.
    pub retried: u64,
    /// Notices that were refused for good.
    pub failed: u64,
    /// Notices that their recipients do not want.
    pub skipped: u64,
    /// Notices that were put off, since it was quiet.
    pub postponed: u64,
    /// Attempts whose answer was lost and that were not made again.
    pub uncertain: u64,
    /// How long they waited before they were let through.
    pub lateness: Lateness,
}

/// What the actor shows, and what outlives it.
#[derive(Debug)]
pub(super) struct Board(Mutex<ChannelState>);

impl Board {
    pub(super) fn new(name: &str) -> Self {
        Self(Mutex::new(ChannelState {
            name: name.to_owned(),
            health: ChannelHealth::Up,
            restarts: 0,
            waiting: 0,
            in_flight: 0,
            breaker: BreakerState::Closed { failures: 0 },
            sent: 0,
            retried: 0,
            failed: 0,
            skipped: 0,
            postponed: 0,
            uncertain: 0,
            lateness: Lateness::default(),
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, ChannelState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn let_through(&self, waited: Duration) {
        self.lock().lateness.add(waited);
    }

    pub(super) fn answered(&self, attempt: &Attempt, counters: &Counters) {
        let state = &mut *self.lock();
        let (own, count) = match attempt {
            Attempt::Ok { .. } => (&mut state.sent, &counters.notices_sent),
            Attempt::Retry { .. } => (&mut state.retried, &counters.notices_retried),
            Attempt::Permanent { .. } => (&mut state.failed, &counters.notices_failed),
            Attempt::Never { .. } => (&mut state.skipped, &counters.notices_skipped),
            Attempt::Later { .. } => (&mut state.postponed, &counters.notices_postponed),
            Attempt::Uncertain { .. } => (&mut state.uncertain, &counters.notices_uncertain),
        };
        *own += 1;
        Counters::add(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_all_waits_is_bounded_from_above() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.within(990), Duration::ZERO);
        (1..=1_000).for_each(|millis| lateness.add(Duration::from_millis(millis)));
        assert_eq!(lateness.within(500), Duration::from_millis(512));
        assert_eq!(lateness.within(990), Duration::from_secs(1));
        assert_eq!((lateness.count, lateness.max), (1_000, Duration::from_secs(1)));
        lateness.add(Duration::MAX);
        assert_eq!(lateness.buckets[32], 1);
    }
}
