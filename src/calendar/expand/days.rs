//! A set of days of one year: what a rule's day parts come to there.

use crate::calendar::day::{self, Day};

const WORDS: usize = 6;

/// Days of a year, a bit each: bit `n` is the day `n` of the year, from 1. Bit 0 is the last day of the year before and
/// the one after the last the first of the next: SKIP (RFC 7529) may move a day there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DaySet([u64; WORDS]);

/// Every seventh bit, from bit 0 on.
const SEVENTHS: u64 = 0x8102_0408_1020_4081;

impl DaySet {
    pub(super) const EMPTY: Self = Self([0; WORDS]);

    pub(super) fn insert(&mut self, bit: i64) {
        let Ok(bit) = usize::try_from(bit) else { return };
        if let Some(word) = self.0.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }

    pub(super) fn remove(&mut self, bit: i64) {
        let Ok(bit) = usize::try_from(bit) else { return };
        if let Some(word) = self.0.get_mut(bit / 64) {
            *word &= !(1 << (bit % 64));
        }
    }

    /// Inserts `[from, to)`.
    pub(super) fn fill(&mut self, from: i64, to: i64) {
        for (base, word) in (0..).step_by(64).zip(&mut self.0) {
            let (low, high) = ((from - base).clamp(0, 64), (to - base).clamp(0, 64));
            if low < high {
                *word |= (u64::MAX >> (64 - (high - low))) << low;
            }
        }
    }

    /// Every seventh day from bit `first` on, `first` below 7.
    pub(super) fn weekly(first: i64) -> Self {
        let mut first = first.rem_euclid(7);
        Self(core::array::from_fn(|_| {
            let word = SEVENTHS << first;
            // The next word begins one weekday later, since 64 is one more than nine weeks.
            first = (first + 6) % 7;
            word
        }))
    }

    pub(super) fn union(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    pub(super) fn intersect(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    pub(super) fn contains(&self, bit: i64) -> bool {
        self.next(bit) == Some(bit)
    }

    /// The first bit from `from` on.
    #[inline]
    pub(super) fn next(&self, from: i64) -> Option<i64> {
        let from = from.max(0);
        let mut base = from / 64 * 64;
        let mut mask = u64::MAX << (from % 64);
        for word in self.0.get(usize::try_from(from / 64).ok()?..)? {
            let found = word & mask;
            if found != 0 {
                return Some(base + i64::from(found.trailing_zeros()));
            }
            (base, mask) = (base + 64, u64::MAX);
        }
        None
    }

    /// The last bit.
    pub(super) fn last(&self) -> Option<i64> {
        let last = self.0.iter().rposition(|word| *word != 0)?;
        let bit = self.0.get(last).map_or(0, |word| i64::from(word.ilog2()));
        Some(i64::try_from(last).ok()? * 64 + bit)
    }

    /// How many bits are set.
    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// How many bits below `bit` are set.
    pub(super) fn count_below(&self, bit: i64) -> u64 {
        let mut below = Self::EMPTY;
        below.fill(0, bit);
        below.intersect(self);
        below.count()
    }

    /// The bit that `rank` others stand before.
    pub(super) fn nth(&self, mut rank: u64) -> Option<i64> {
        for (base, word) in (0..).step_by(64).zip(&self.0) {
            let ones = u64::from(word.count_ones());
            if rank < ones {
                return Some(base + i64::from(nth_bit(*word, rank)));
            }
            rank -= ones;
        }
        None
    }
}

/// The place of the bit that `rank` others stand before; 64 if there are not so many.
pub(super) fn nth_bit(mut word: u64, rank: u64) -> u32 {
    for _ in 0..rank {
        word &= word.wrapping_sub(1);
    }
    word.trailing_zeros()
}

/// A year, with what its days are counted from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Year {
    pub(super) number: i64,
    /// The day that bit 0 of a [`DaySet`] stands for: 31 December of the year before.
    pub(super) base: Day,
    /// Days in it.
    pub(super) length: i64,
}

/// Days before each month of a common year, and at the end all of them.
const BEFORE: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

impl Year {
    pub(super) fn new(number: i64) -> Self {
        let base = day::from_civil(number, 1, 1) - 1;
        let leap = number % 4 == 0 && (number % 100 != 0 || number % 400 == 0);
        Self { number, base, length: if leap { 366 } else { 365 } }
    }

    /// The bits of a month, from 1 to 12: `[first, first of the next)`.
    pub(super) fn month(&self, month: i64) -> (i64, i64) {
        let leap = self.length - 365;
        let before = |months: i64| {
            let days = usize::try_from(months).ok().and_then(|months| BEFORE.get(months)).copied().unwrap_or_default();
            days + if months > 1 { leap } else { 0 }
        };
        (before(month - 1) + 1, before(month) + 1)
    }

    /// The first bit from 1 on that is this weekday (days since Monday).
    pub(super) fn first_weekday(&self, weekday: i64) -> i64 {
        1 + (weekday - day::weekday(self.base + 1)).rem_euclid(7)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_days_counts_and_finds_its_bits() {
        let mut days = DaySet::EMPTY;
        days.fill(60, 70);
        days.insert(366);
        days.insert(0);
        assert_eq!((days.count(), days.last(), days.count_below(65)), (12, Some(366), 6));
        assert_eq!(
            [days.next(-5), days.next(1), days.next(64), days.next(70), days.next(367)],
            [Some(0), Some(60), Some(64), Some(366), None]
        );
        let ranks: Vec<_> = (0..13).map(|rank| days.nth(rank)).collect();
        assert_eq!(
            (ranks[0], ranks[1], ranks[10], ranks[11], ranks[12]),
            (Some(0), Some(60), Some(69), Some(366), None)
        );
        days.intersect(&DaySet::weekly(3));
        assert_eq!(
            (days.next(0), days.next(67), days.contains(66)),
            (Some(66), Some(366).filter(|day| day % 7 == 3), true)
        );
    }

    #[test]
    fn months_and_weekdays_of_a_year_stand_where_they_should() {
        let (common, leap) = (Year::new(2026), Year::new(2024));
        assert_eq!(
            (common.length, common.month(1), common.month(2), common.month(12)),
            (365, (1, 32), (32, 60), (335, 366))
        );
        assert_eq!((leap.length, leap.month(2), leap.month(3), leap.month(12)), (366, (32, 61), (61, 92), (336, 367)));
        // 2026-01-01 is a Thursday.
        assert_eq!([0, 3, 6].map(|weekday| common.first_weekday(weekday)), [5, 1, 4]);
    }
}
