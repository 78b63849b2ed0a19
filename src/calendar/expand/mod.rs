//! From a rule and a first start to starts, in civil time: what RFC 5545 section 3.3.10 says, and nothing of zones.
//!
//! For each period of the rule: the days that every BY part lets through, times the times of the day, in order; then
//! BYSETPOS picks; then what lies before the first start is dropped; then COUNT ends it. UNTIL may need a zone and is
//! left to the caller.

mod clock;
mod days;
mod plan;
mod times;
mod walk;

pub(super) use self::walk::{Walk, Walker};

/// A civil time: seconds since 1970-01-01T00:00:00 on the wall clock.
pub(super) type Civil = i64;

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// What an expansion may still do: periods looked at, candidates tried, starts found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    left: u64,
}

impl Steps {
    pub(super) const fn new(left: u64) -> Self {
        Self { left }
    }

    pub(super) const fn left(self) -> u64 {
        self.left
    }

    /// Takes `count` steps; false, and none taken, if there are not so many.
    #[inline]
    pub(super) fn take(&mut self, count: u64) -> bool {
        match self.left.checked_sub(count) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}
