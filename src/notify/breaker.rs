//! A circuit breaker: a channel that is down is left alone for a while.

use core::num::NonZeroU32;
use core::time::Duration;

use super::outcome::{Blame, SendOutcome};
use crate::flow::RetryPolicy;
use crate::time::Timestamp;

/// How long a trial may take before another is made: one that was never answered must not keep the channel shut for ever.
const TRIAL_MAX: Duration = Duration::from_secs(120);

/// What a breaker goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many failures in a row that blame the channel, and it is left alone. Default: 5.
    pub failures: NonZeroU32,
    /// How long: as after so many failed attempts, and when they are used up the longest delay for ever. Default: 10 seconds,
    /// doubling up to 10 minutes, with equal jitter.
    pub rest: RetryPolicy,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        let rest = RetryPolicy::growing(Duration::from_secs(10), Duration::from_secs(600)).unwrap_or_default();
        Self { failures: const { NonZeroU32::new(5).unwrap() }, rest }
    }
}

/// Whether a channel may be used.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Send,
    /// It may, for one letter: whether that goes through decides about the others.
    Trial,
    /// It may not: ask again then. No attempt of a letter is used up.
    Wait {
        /// When to ask again.
        until: Timestamp,
    },
}

/// What a breaker is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// The channel is used. So many failures in a row blame it.
    Closed {
        /// Failures in a row.
        failures: u32,
    },
    /// The channel is left alone.
    Open {
        /// Until then.
        until: Timestamp,
    },
    /// One letter is under way as a trial.
    HalfOpen {
        /// When it is given up, and another is tried.
        until: Timestamp,
    },
}

/// A circuit breaker of one channel.
///
/// *What closes it.* Any answer that does not blame the channel, also a refusal of one letter. *What opens it.* So many failures
/// in a row that blame the channel, or one at a trial. *What does neither.* An answer that was lost; at a trial it opens again.
///
/// Outcomes that come in while it is open are of letters that were sent before, and are passed over. While a trial is under way
/// nobody can tell whose outcome comes in, and the first decides.
///
/// ```
/// use boxoffice_core::notify::{Blame, Breaker, BreakerSettings, SendOutcome, Verdict};
/// use boxoffice_core::time::Timestamp;
///
/// let (mut breaker, now) = (Breaker::new("mail", BreakerSettings::default()), Timestamp::EPOCH);
/// let down = SendOutcome::Retry { reason: "down".to_owned(), after: None, blame: Blame::Channel };
/// for _ in 0..5 {
///     assert_eq!(breaker.may_send(now), Verdict::Send);
///     breaker.sent(&down, now);
/// }
/// let Verdict::Wait { until } = breaker.may_send(now) else { panic!("it is open") };
/// assert_eq!(breaker.may_send(until), Verdict::Trial);
/// breaker.sent(&SendOutcome::Ok { info: String::new() }, until);
/// assert_eq!(breaker.may_send(until), Verdict::Send);
/// ```
#[derive(Clone, Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    /// Seeds the jitter.
    channel: Box<str>,
    state: BreakerState,
    /// How often it opened since it was closed last.
    opened: u32,
}

/// What an outcome says of the channel.
enum Sign {
    Good,
    Bad(Option<Duration>),
    None,
}

impl Breaker {
    /// A closed breaker for the channel of this name.
    pub fn new(channel: &str, settings: BreakerSettings) -> Self {
        Self { settings, channel: channel.into(), state: BreakerState::Closed { failures: 0 }, opened: 0 }
    }

    /// What it is at.
    pub fn state(&self) -> BreakerState {
        self.state
    }

    /// Whether a letter may be sent now. Whoever is told [`Verdict::Trial`] sends one and reports by [`Breaker::sent`].
    pub fn may_send(&mut self, now: Timestamp) -> Verdict {
        match self.state {
            BreakerState::Closed { .. } => Verdict::Send,
            BreakerState::Open { until } | BreakerState::HalfOpen { until } if now < until => Verdict::Wait { until },
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => {
                self.state = BreakerState::HalfOpen { until: now + TRIAL_MAX };
                Verdict::Trial
            }
        }
    }

    /// What became of a letter.
    pub fn sent(&mut self, outcome: &SendOutcome, now: Timestamp) {
        match (self.state, sign(outcome)) {
            (BreakerState::Closed { failures }, Sign::Bad(after)) => match failures.saturating_add(1) {
                failures if failures >= self.settings.failures.get() => self.open(after, now),
                failures => self.state = BreakerState::Closed { failures },
            },
            (BreakerState::Closed { .. } | BreakerState::HalfOpen { .. }, Sign::Good) => {
                (self.state, self.opened) = (BreakerState::Closed { failures: 0 }, 0);
            }
            (BreakerState::HalfOpen { .. }, Sign::Bad(after)) => self.open(after, now),
            (BreakerState::HalfOpen { .. }, Sign::None) => self.open(None, now),
            (BreakerState::Open { .. }, _) | (BreakerState::Closed { .. }, Sign::None) => {}
        }
    }

    fn open(&mut self, after: Option<Duration>, now: Timestamp) {
        self.opened = self.opened.saturating_add(1);
        let rest = &self.settings.rest;
        let longest = || rest.delay_max().max(after.unwrap_or_default());
        let wait = rest.next(self.opened, &self.channel, after, Duration::ZERO).unwrap_or_else(longest);
        self.state = BreakerState::Open { until: now + wait };
    }
}

fn sign(outcome: &SendOutcome) -> Sign {
    match outcome {
        SendOutcome::Retry { blame: Blame::Channel, after, .. } => Sign::Bad(*after),
        SendOutcome::Ok { .. } | SendOutcome::Permanent { .. } | SendOutcome::Retry { blame: Blame::Letter, .. } => {
            Sign::Good
        }
        SendOutcome::Uncertain { .. } => Sign::None,
    }
}
