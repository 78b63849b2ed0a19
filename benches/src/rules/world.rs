//! Who booked what, and what is asked.

use std::collections::BTreeSet;

pub(super) const ATTENDEES: u32 = 10_000;
const OCCURRENCES: u64 = 20_000;
const HALF_HOUR: i64 = 1_800_000;
/// Attendees whose free slots are asked for, from 0 on.
pub(super) const HOSTS: u32 = 50;
/// How long a slot is, in milliseconds.
pub(super) const SLOT: i64 = HALF_HOUR;
const SPAN: u64 = 90 * 48;
/// The first of January 2026, in milliseconds.
const START: i64 = 1_767_225_600_000;

/// Numbers that look random, the same in each run (xorshift64).
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn half_hours(&mut self, end: u64) -> i64 {
        i64::try_from(self.below(end)).unwrap_or(0) * HALF_HOUR
    }
}

pub(super) struct World {
    /// Start and end of each occurrence.
    pub(super) occurrences: Vec<(i64, i64)>,
    /// Attendee and occurrence.
    pub(super) bookings: Vec<(u32, u32)>,
    /// Attendee and window: is anything booked in it?
    pub(super) questions: Vec<(u32, i64, i64)>,
    /// Bookings that are not there yet.
    pub(super) further: Vec<(u32, u32)>,
}

impl World {
    pub(super) fn new(bookings: usize) -> Self {
        let mut numbers = Numbers(42);
        let occurrences = (0..OCCURRENCES)
            .map(|_| {
                let start = START + numbers.half_hours(SPAN);
                (start, start + HALF_HOUR + numbers.half_hours(6))
            })
            .collect();
        let mut seen = BTreeSet::new();
        let mut next = |numbers: &mut Numbers| loop {
            let pair = (narrow(numbers.below(ATTENDEES.into())), narrow(numbers.below(OCCURRENCES)));
            if seen.insert(pair) {
                return pair;
            }
        };
        let made = (0..bookings).map(|_| next(&mut numbers)).collect();
        let further = (0..20_000).map(|_| next(&mut numbers)).collect();
        let questions = (0..100_000)
            .map(|_| {
                let start = START + numbers.half_hours(SPAN);
                (narrow(numbers.below(ATTENDEES.into())), start, start + 2 * HALF_HOUR)
            })
            .collect();
        Self { occurrences, bookings: made, questions, further }
    }

    pub(super) fn occurrence(&self, at: u32) -> (i64, i64) {
        self.occurrences.get(at as usize).copied().unwrap_or((0, 0))
    }

    /// The longest occurrence, in milliseconds.
    pub(super) fn longest(&self) -> i64 {
        self.occurrences.iter().map(|(start, end)| end - start).max().unwrap_or(0)
    }

    /// The first thirty days.
    pub(super) fn month(&self) -> (i64, i64) {
        let from = self.occurrences.iter().map(|(start, _)| *start).min().unwrap_or(0);
        (from, from + 30 * 86_400_000)
    }

    /// Edges of a graph whose closure has some 2.4 million pairs.
    pub(super) fn edges() -> Vec<(i64, i64)> {
        let mut numbers = Numbers(3);
        let mut node = || i64::try_from(numbers.below(1_640)).unwrap_or(0);
        (0..4_920).map(|_| (node(), node())).collect()
    }
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}
