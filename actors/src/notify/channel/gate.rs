//! When letters may go out: the circuit breaker and the token bucket of a channel.

use boxoffice_core::notify::{Breaker, BreakerSettings, BreakerState, Bucket, RateLimit, SendOutcome, Verdict};
use boxoffice_core::time::Timestamp;

/// Whether one more letter may be made ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Open,
    /// Not before then.
    Until(Timestamp),
    /// Not before this lease is durable.
    Lease(Timestamp),
    /// Not before a letter that is under way has come to something.
    Shut,
}

#[derive(Debug)]
pub(super) struct Gate {
    breaker: Breaker,
    bucket: Option<Bucket>,
}

impl Gate {
    pub(super) fn new(
        channel: &str,
        breaker: BreakerSettings,
        rate: Option<RateLimit>,
        leased: Option<Timestamp>,
    ) -> Self {
        Self { breaker: Breaker::new(channel, breaker), bucket: rate.map(|rate| Bucket::restore(rate, leased)) }
    }

    /// Whether one more may be made ready, when `ahead` are being made ready.
    pub(super) fn way(&self, now: Timestamp, ahead: usize) -> Way {
        if let BreakerState::Open { until } | BreakerState::HalfOpen { until } = self.breaker.state() {
            if now < until {
                return Way::Until(until);
            }
            // The next is a trial: one at a time.
            if ahead > 0 {
                return Way::Shut;
            }
        }
        let Some(mut bucket) = self.bucket.clone() else { return Way::Open };
        for _ in 0..=ahead {
            if let Some(lease) = bucket.needs_lease(now) {
                return Way::Lease(lease);
            }
            if let Err(at) = bucket.take(now) {
                return Way::Until(at);
            }
        }
        Way::Open
    }

    pub(super) fn lease(&mut self, leased: Timestamp) {
        if let Some(bucket) = &mut self.bucket {
            bucket.lease(leased);
        }
    }

    /// Lets a letter through, or not. Whoever is let through reports by [`Gate::sent`] or [`Gate::unsent`].
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        let token = self.bucket.as_mut().is_none_or(|bucket| bucket.take(now).is_ok());
        token && matches!(self.breaker.may_send(now), Verdict::Send | Verdict::Trial)
    }

    pub(super) fn sent(&mut self, outcome: &SendOutcome, now: Timestamp) {
        self.breaker.sent(outcome, now);
    }

    /// What was let through was not sent after all. Says nothing of the channel; a trial is made again.
    pub(super) fn unsent(&mut self, now: Timestamp) {
        self.breaker.sent(&SendOutcome::Uncertain { reason: String::new() }, now);
    }

    pub(super) fn breaker(&self) -> BreakerState {
        self.breaker.state()
    }
}
