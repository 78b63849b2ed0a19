//! Rules over facts: ours beside compiled ascent, SQLite, PostgreSQL and sorted lists written by hand, in one run.
//!
//! 10,000 attendees, 20,000 occurrences of half an hour to three hours in 90 days, 1,000,000 bookings or as many as are asked
//! for.

mod baseline;
mod compiled;
mod ours;
mod sqlite;
mod world;

use std::time::{Duration, Instant};

use crate::Result;
use world::World;

/// Times of one thing done again and again.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Does it for each of `inputs` and notes how long each took.
    pub(crate) fn of<T>(inputs: impl IntoIterator<Item = T>, mut f: impl FnMut(T)) -> Self {
        let mut times: Vec<Duration> = (inputs.into_iter())
            .map(|input| {
                let start = Instant::now();
                f(input);
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        Self(times)
    }

    fn share(&self, percent: usize) -> u128 {
        self.0.get(self.0.len() * percent / 100).map_or(0, Duration::as_nanos)
    }
}

impl core::fmt::Display for Times {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "p50 {} ns, p99 {} ns", self.share(50), self.share(99))
    }
}

/// One line: what was asked, of whom, what came.
pub(crate) fn line(what: &str, who: &str, came: impl core::fmt::Display) {
    println!("| {what} | {who} | {came} |");
}

/// All tables.
pub(crate) fn tables(bookings: usize) -> Result<()> {
    println!("\nrules over {bookings} bookings\n\n| what | by | came to |\n| --- | --- | --- |");
    let world = World::new(bookings);
    baseline::run(&world);
    for maintained in [false, true] {
        ours::run(&world, maintained)?;
    }
    sqlite::run(&world)?;
    compiled::run(&world);
    ours::closure()?;
    compiled::closure();
    Ok(())
}
