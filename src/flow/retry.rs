//! When to try again: a pure function of the attempt, so that a replay comes to the same delays.

use core::num::NonZeroU32;
use core::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What keys and attempts are put behind before they are hashed.
const JITTER_DOMAIN: &[u8] = b"boxoffice retry jitter v1\0";

/// Most delays of a schedule.
const SCHEDULE_MAX: usize = 100;

/// How much of a computed delay is left to chance, so that those who failed together do not come back together.
///
/// Chance is a hash of the key and the attempt: the same on every machine and in every release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// Nothing: the delay as computed.
    None,
    /// Half: between half of the delay and all of it, both included.
    #[default]
    Equal,
    /// All: between nothing and the delay, both included.
    Full,
}

/// Why a policy makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RetryPolicyError {
    /// Delays would shrink.
    #[error("a factor of {permille} permille makes delays shorter: it is at least 1000")]
    Shrinks {
        /// The factor.
        permille: u32,
    },
    /// The first delay is beyond the longest.
    #[error("the first delay of {first:?} is longer than the longest, {cap:?}")]
    BeyondCap {
        /// The first delay.
        first: Duration,
        /// The longest delay.
        cap: Duration,
    },
    /// A schedule without delays. One attempt and no more is [`RetryPolicy::once`].
    #[error("a schedule needs at least one delay")]
    NoDelays,
    /// A schedule with too many delays.
    #[error("a schedule of {found} delays is too long: at most {SCHEDULE_MAX}")]
    TooMany {
        /// Delays found.
        found: usize,
    },
}

/// How often something is tried, and how long to wait in between. Whole milliseconds: what is below is dropped.
///
/// Delays grow by a factor up to a longest one, or stand in a schedule. Attempts and the time they take may be bounded.
/// Recorded as JSON, times in milliseconds:
/// `{"first":1000,"factor":2000,"cap":60000,"jitter":"full","attempts_max":10}`; read back it is checked again.
///
/// ```
/// use boxoffice_core::flow::{Jitter, RetryPolicy};
/// use core::time::Duration;
///
/// let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
/// let policy = RetryPolicy::growing(second, minute)?.jitter(Jitter::None).attempts(4.try_into()?);
/// let delays: Vec<_> = (1..=4).map(|attempt| policy.next(attempt, "letter-7", None, second * 0)).collect();
/// assert_eq!(delays, [Some(second), Some(second * 2), Some(second * 4), None]);
/// // What a server asks for is kept, longer or not than any delay of ours.
/// assert_eq!(policy.next(1, "letter-7", Some(minute * 5), second), Some(minute * 5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct RetryPolicy(Fields);

/// A policy as it is written down. Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    first: u64,
    /// In permille: 2000 doubles.
    factor: u32,
    cap: u64,
    #[serde(default)]
    jitter: Jitter,
    attempts_max: NonZeroU32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    elapsed_max: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schedule: Option<Vec<u64>>,
}

impl Default for RetryPolicy {
    /// 10 attempts; 1 second, doubling up to 1 minute, with full jitter; no bound of time.
    fn default() -> Self {
        let attempts_max = const { NonZeroU32::new(10).unwrap() };
        Self(Fields { jitter: Jitter::Full, attempts_max, ..Fields::doubling(1_000, 60_000) })
    }
}

impl RetryPolicy {
    /// Delays that double from `first` up to `cap`, with equal jitter, for 10 attempts.
    ///
    /// # Errors
    /// [`RetryPolicyError::BeyondCap`] when `first` is longer than `cap`.
    pub fn growing(first: Duration, cap: Duration) -> Result<Self, RetryPolicyError> {
        Fields::doubling(millis(first), millis(cap)).try_into()
    }

    /// The delays themselves, kept to the letter: jitter does not touch them. After as many failures and one more it is over.
    ///
    /// # Errors
    /// [`RetryPolicyError`] when there are no delays or more than 100.
    pub fn scheduled(delays: impl IntoIterator<Item = Duration>) -> Result<Self, RetryPolicyError> {
        Fields::listed(delays.into_iter().take(SCHEDULE_MAX + 1).map(millis).collect()).try_into()
    }

    /// One attempt and no other.
    pub fn once() -> Self {
        Self(Fields { attempts_max: NonZeroU32::MIN, ..Fields::doubling(0, 0) })
    }

    /// What senders of webhooks use who follow Standard Webhooks: 8 attempts, the first at once, the others 5 s, 5 min,
    /// 30 min, 2 h, 5 h, 10 h and 10 h after the one before failed; 27.6 hours in all.
    pub fn webhooks() -> Self {
        Self(Fields::listed([5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].map(|seconds| seconds * 1_000).to_vec()))
    }

    /// For notices to people: 8 attempts, from 20 seconds doubling, with equal jitter; 32 minutes in the mean, from 21 to 43.
    pub fn notices() -> Self {
        let attempts_max = const { NonZeroU32::new(8).unwrap() };
        Self(Fields { attempts_max, ..Fields::doubling(20_000, 1_280_000) })
    }

    /// The same, each delay so many thousandths of the one before. Default: 2000.
    ///
    /// # Errors
    /// [`RetryPolicyError::Shrinks`] when `permille` is below 1000.
    pub fn factor_permille(self, permille: u32) -> Result<Self, RetryPolicyError> {
        Fields { factor: permille, ..self.0 }.try_into()
    }

    /// The same with another jitter. Default: equal.
    #[must_use]
    pub fn jitter(self, jitter: Jitter) -> Self {
        Self(Fields { jitter, ..self.0 })
    }

    /// The same with so many attempts at most, the first included. A schedule ends no later than with its last delay.
    #[must_use]
    pub fn attempts(self, attempts_max: NonZeroU32) -> Self {
        Self(Fields { attempts_max, ..self.0 })
    }

    /// The same, and no attempt begins later than `elapsed_max` after the first.
    #[must_use]
    pub fn within(self, elapsed_max: Duration) -> Self {
        Self(Fields { elapsed_max: Some(millis(elapsed_max)), ..self.0 })
    }

    /// Most attempts, the first included.
    pub fn attempts_max(&self) -> u32 {
        let listed = self.0.schedule.as_ref().and_then(|delays| u32::try_from(delays.len()).ok());
        listed.map_or(u32::MAX, |delays| delays.saturating_add(1)).min(self.0.attempts_max.get())
    }

    /// The longest that is waited unless a server asks for more.
    pub fn delay_max(&self) -> Duration {
        let longest = self.0.schedule.as_ref().and_then(|delays| delays.iter().copied().max());
        Duration::from_millis(longest.unwrap_or(self.0.cap))
    }

    /// How long to wait after the `attempt`th attempt failed, counted from 1; none when it was the last.
    ///
    /// * `key` names what is tried: jitter is a hash of it and the attempt.
    /// * `retry_after` is what a server asked for: never less than that, a started millisecond counted as one, also where that
    ///   is beyond the longest delay.
    /// * `elapsed` is the time since the first attempt began. A delay that does not fit into what is left ends it.
    #[must_use]
    pub fn next(&self, attempt: u32, key: &str, retry_after: Option<Duration>, elapsed: Duration) -> Option<Duration> {
        if attempt >= self.attempts_max() {
            return None;
        }
        let own = match &self.0.schedule {
            Some(delays) => *delays.get(usize::try_from(attempt.saturating_sub(1)).ok()?)?,
            None => self.0.jitter.apply(self.grown(attempt), key, attempt),
        };
        let asked = retry_after.map_or(0, |asked| millis(asked.saturating_add(Duration::from_nanos(999_999))));
        let delay = own.max(asked);
        let fits = self.0.elapsed_max.is_none_or(|most| millis(elapsed).saturating_add(delay) <= most);
        fits.then(|| Duration::from_millis(delay))
    }

    /// The delay after the `attempt`th attempt, before jitter.
    fn grown(&self, attempt: u32) -> u64 {
        let (mut delay, cap) = (self.0.first, self.0.cap);
        for _ in 1..attempt {
            let longer = u128::from(delay) * u128::from(self.0.factor) / 1_000;
            let longer = u64::try_from(longer).map_or(cap, |longer| longer.min(cap));
            // At the longest, or so short that the factor is lost in a millisecond: it stays so.
            if longer == delay {
                break;
            }
            delay = longer;
        }
        delay
    }
}

impl Fields {
    fn doubling(first: u64, cap: u64) -> Self {
        let attempts_max = const { NonZeroU32::new(10).unwrap() };
        Self { first, factor: 2_000, cap, jitter: Jitter::Equal, attempts_max, elapsed_max: None, schedule: None }
    }

    fn listed(delays: Vec<u64>) -> Self {
        Self { attempts_max: NonZeroU32::MAX, jitter: Jitter::None, schedule: Some(delays), ..Self::doubling(0, 0) }
    }
}

impl TryFrom<Fields> for RetryPolicy {
    type Error = RetryPolicyError;

    fn try_from(fields: Fields) -> Result<Self, RetryPolicyError> {
        let (first, cap) = (Duration::from_millis(fields.first), Duration::from_millis(fields.cap));
        if fields.factor < 1_000 {
            return Err(RetryPolicyError::Shrinks { permille: fields.factor });
        }
        if first > cap {
            return Err(RetryPolicyError::BeyondCap { first, cap });
        }
        match fields.schedule.as_ref().map(Vec::len) {
            Some(0) => Err(RetryPolicyError::NoDelays),
            Some(found) if found > SCHEDULE_MAX => Err(RetryPolicyError::TooMany { found }),
            Some(_) | None => Ok(Self(fields)),
        }
    }
}

impl From<RetryPolicy> for Fields {
    fn from(policy: RetryPolicy) -> Self {
        policy.0
    }
}

impl Jitter {
    fn apply(self, delay: u64, key: &str, attempt: u32) -> u64 {
        match self {
            Self::None => delay,
            Self::Equal => delay / 2 + share(delay - delay / 2, key, attempt),
            Self::Full => share(delay, key, attempt),
        }
    }
}

/// A part of `delay`, from 0 to all of it: each as likely as any other.
fn share(delay: u64, key: &str, attempt: u32) -> u64 {
    let hash =
        Sha256::new().chain_update(JITTER_DOMAIN).chain_update(attempt.to_be_bytes()).chain_update(key).finalize();
    let chance = hash.iter().take(8).fold(0, |chance, byte| (chance << 8) | u128::from(*byte));
    let part = ((u128::from(delay) + 1) * chance) >> 64;
    u64::try_from(part).unwrap_or(delay).min(delay)
}

/// Whole milliseconds.
fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
