//! Many runs, each of its own seed.

use std::collections::BTreeMap;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use crate::sim::{Ran, run};

/// A number from the environment.
pub(crate) fn told(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// The seeds of a test: the one that is asked for, or so many.
pub(crate) fn seeds(count: &str, default: u64) -> core::ops::Range<u64> {
    told("BOXOFFICE_SIM_SEED").map_or_else(
        || {
            let first = told("BOXOFFICE_SIM_FIRST").unwrap_or(0);
            first..first + told(count).unwrap_or(default)
        },
        |seed| seed..seed + 1,
    )
}

/// Runs, and says which seed it was if that fails.
pub(crate) fn named<R>(seed: u64, test: &str, run: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        println!("seed {seed} failed; again: BOXOFFICE_SIM_SEED={seed} cargo test -p boxoffice-core --test sim {test}");
        resume_unwind(panic)
    })
}

/// What the runs are made to bring about, beside every outcome: a run that nothing happens in shows nothing.
const WANTED: [&str; 10] = [
    "a crash",
    "a write of the dead",
    "a clock back",
    "another owner was quicker",
    "grounds have moved",
    "a key was used meanwhile",
    "an owner failed",
    "an owner rested",
    "a snapshot",
    "an answer given up",
];

#[test]
fn no_seat_is_sold_twice_whatever_goes_wrong() {
    let (started, mut steps, seeds) = (Instant::now(), 0, seeds("BOXOFFICE_SIM_SEEDS", 300));
    let mut all: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in seeds.clone() {
        let ran = named(seed, "no_seat_is_sold_twice", || run(seed, false));
        steps += ran.steps;
        ran.seen.into_iter().for_each(|(what, often)| *all.entry(what).or_default() += often);
    }
    let runs = seeds.end - seeds.start;
    println!("{runs} runs, {steps} steps, {:?}: {all:?}", started.elapsed());
    let missing: Vec<_> = WANTED.iter().filter(|what| !all.contains_key(*what)).collect();
    assert!(runs < 300 || missing.is_empty(), "no run has seen {missing:?}");
}

#[test]
fn a_seed_is_a_run_to_the_last_step() {
    for seed in 0..10 {
        let ran = |Ran { trace, steps, .. }| (trace, steps);
        assert_eq!(ran(run(seed, false)), ran(run(seed, false)), "seed {seed}");
    }
    assert_ne!(run(1, false).trace, run(2, false).trace);
}
