//! The best of as many runs as a tenth of a second has room for.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::Result;

/// How long one case is run again and again.
const SPEND: Duration = Duration::from_millis(100);
/// A run that takes longer is not repeated.
const LONG: Duration = Duration::from_secs(1);
/// Shorter runs are timed several at once, or the clock would be what is measured.
const SHORT: Duration = Duration::from_micros(20);

/// What came out of a case: how many starts, a hash of them, and the nanoseconds of the best run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) count: usize,
    pub(crate) hash: u32,
    pub(crate) ns: f64,
}

impl Answer {
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        (self.count, self.hash) == (other.count, other.hash)
    }
}

/// The same in every program, and cheap in each: `hash * 31 + start`, in 32 bits.
pub(crate) fn hash(starts: impl Iterator<Item = i64>) -> u32 {
    starts.fold(0_u32, |hash, start| hash.wrapping_mul(31).wrapping_add(start.rem_euclid(1 << 32) as u32))
}

/// Runs it at least three times, unless it is slow.
pub(crate) fn best<T>(mut run: impl FnMut() -> Result<T>) -> Result<(f64, T)> {
    let began = Instant::now();
    let result = run()?;
    let first = began.elapsed();
    let mut best = first.as_nanos() as f64;
    let at_once = (SHORT.as_nanos() / first.as_nanos().max(1)).clamp(1, 1_000) as u32;
    let (mut spent, mut runs) = (Duration::ZERO, 0);
    while first < LONG && (runs < 3 || spent < SPEND) {
        let began = Instant::now();
        for _ in 0..at_once {
            black_box(run()?);
        }
        let took = began.elapsed();
        best = best.min(took.as_nanos() as f64 / f64::from(at_once));
        spent += took;
        runs += 1;
    }
    Ok((best, result))
}

/// Measures what gives a list of starts.
pub(crate) fn measure(run: impl FnMut() -> Result<Vec<i64>>) -> Result<Answer> {
    let (ns, starts) = best(run)?;
    Ok(Answer { count: starts.len(), hash: hash(starts.iter().copied()), ns })
}
