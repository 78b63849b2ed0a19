//! How much goes out in a time: a token bucket.

use core::num::NonZeroU32;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Nanoseconds of a millisecond.
const MILLI: i128 = 1_000_000;

/// How far ahead a lease reaches.
const STRETCH: i128 = 1_000 * MILLI;

/// So many in each stretch of time, and so many at once. A stretch below a millisecond is taken as one.
///
/// Recorded as JSON: `{"per":{"secs":1,"nanos":0},"count":14,"burst":14}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// The stretch of time that `count` is meant for.
    pub per: Duration,
    /// How many in each stretch.
    pub count: NonZeroU32,
    /// How many at once, after a time in which there were none.
    pub burst: NonZeroU32,
}

impl RateLimit {
    /// `count` in each `per`, and as many at once.
    pub fn new(count: NonZeroU32, per: Duration) -> Self {
        Self { per, count, burst: count }
    }

    /// The same with another burst.
    #[must_use]
    pub fn bursting(self, burst: NonZeroU32) -> Self {
        Self { burst, ..self }
    }

    /// Nanoseconds that one takes, rounded up.
    fn interval(&self) -> i128 {
        let per = i128::try_from(self.per.as_nanos()).unwrap_or(i128::MAX).max(MILLI);
        let count = i128::from(self.count.get());
        per / count + i128::from(per % count != 0)
    }
}

/// A token bucket by the generic cell rate algorithm: one number, the time at which the bucket will be full again.
///
/// In a window `[t, t + per)` never more than `count + burst` are taken.
///
/// *Clocks.* If the clock steps back nobody gains by it: what was taken stays taken, and the wait is longer by the step at most.
/// If it steps forward the bucket is full sooner.
///
/// *Restarts.* A bucket of [`Bucket::new`] forgets. One of [`Bucket::restore`] takes only up to a lease: a time that was made
/// durable before. After a restart it counts all of the lease as taken, so the rate is kept; what was not, about one second's worth
/// or one token, is lost.
///
/// ```
/// use boxoffice_core::notify::{Bucket, RateLimit};
/// use boxoffice_core::time::Timestamp;
/// use core::time::Duration;
///
/// let limit = RateLimit::new(2.try_into()?, Duration::from_secs(1));
/// let (mut bucket, now) = (Bucket::new(limit), Timestamp::EPOCH);
/// assert_eq!([bucket.take(now), bucket.take(now)], [Ok(()), Ok(())]);
/// assert_eq!(bucket.take(now), Err(Timestamp::from_millis(500)));
/// assert_eq!(bucket.take(Timestamp::from_millis(500)), Ok(()));
///
/// let mut bucket = Bucket::restore(limit, None);
/// // To be written to the store before anything goes out.
/// let lease = bucket.needs_lease(now).ok_or("it has none yet")?;
/// bucket.lease(lease);
/// assert_eq!(bucket.take(now), Ok(()));
/// // After a crash: both tokens of the lease count as taken.
/// assert_eq!(Bucket::restore(limit, Some(lease)).take(now), Err(now + Duration::from_secs(1)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    interval: i128,
    /// How far ahead of now `full_at` may lie for one more to be taken.
    tolerance: i128,
    /// When the bucket is full again (theoretical arrival time), in nanoseconds since 1970.
    full_at: i128,
    /// INVARIANT: `full_at` is never later; none for a bucket that forgets.
    leased: Option<i128>,
}

impl Bucket {
    /// A full bucket that is full again after a restart.
    pub fn new(limit: RateLimit) -> Self {
        let interval = limit.interval();
        let tolerance = interval.saturating_mul(i128::from(limit.burst.get()) - 1);
        Self { interval, tolerance, full_at: i128::MIN / 4, leased: None }
    }

    /// A bucket whose last lease was `leased`; none if there never was one. Takes nothing before it has another, except what is
    /// left of it by then.
    pub fn restore(limit: RateLimit, leased: Option<Timestamp>) -> Self {
        let bucket = Self::new(limit);
        let full_at = leased.map_or(bucket.full_at, nanos);
        Self { full_at, leased: Some(full_at), ..bucket }
    }

    /// The lease to make durable before more can be taken now, and to be told of by [`Bucket::lease`]; none if nothing is in the
    /// way but the rate, or nothing at all.
    ///
    /// It reaches a second further than is needed, or one token's time, if that is longer.
    pub fn needs_lease(&self, now: Timestamp) -> Option<Timestamp> {
        let next = self.next(now).ok()?;
        self.leased.filter(|leased| *leased < next)?;
        Some(round_up(next.saturating_add(STRETCH.max(self.interval))))
    }

    /// The lease is durable.
    pub fn lease(&mut self, leased: Timestamp) {
        self.leased = self.leased.map(|before| before.max(nanos(leased)));
    }

    /// Takes one.
    ///
    /// # Errors
    /// The instant at which to try again. `now` itself if a lease is needed first: ask [`Bucket::needs_lease`] before.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        let next = self.next(now)?;
        if self.leased.is_some_and(|leased| leased < next) {
            return Err(now);
        }
        self.full_at = next;
        Ok(())
    }

    /// When the bucket would be full again if one was taken now, or when to try again.
    fn next(&self, now: Timestamp) -> Result<i128, Timestamp> {
        let at = nanos(now);
        let free = self.full_at.saturating_sub(self.tolerance);
        if free > at { Err(round_up(free)) } else { Ok(self.full_at.max(at).saturating_add(self.interval)) }
    }
}

fn nanos(at: Timestamp) -> i128 {
    i128::from(at.as_millis()) * MILLI
}

/// The first whole millisecond at or after an instant.
fn round_up(nanos: i128) -> Timestamp {
    let millis = nanos.div_euclid(MILLI).saturating_add(i128::from(nanos.rem_euclid(MILLI) != 0));
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(if millis < 0 { i64::MIN } else { i64::MAX }))
}
