//! The suite that a storage backend runs to prove that it keeps the contract of [`Backend`].
//!
//! ```
//! use boxoffice_core::persist::{MemoryBackend, conformance};
//! # futures_util::FutureExt::now_or_never(async {
//! let report = conformance::run(async || MemoryBackend::new()).await;
//! assert!(report.failures().is_empty(), "{report}");
//! println!("{}", report.scoreboard());
//! # }).unwrap();
//! ```
//!
//! | suites | what they hold |
//! | --- | --- |
//! | `contract` | the promises of [`Backend`] one by one |
//! | `hard` | histories: every short sequence of writes, races, lost answers, compaction and reopening, moving a store |
//! | twenty more, `log` to `example-acl` | the 201 checks of the reference, each under its own name |

mod contract;
mod hard;
mod helpers;
mod reference;
mod subject;

use core::cell::Cell;
use core::fmt;

use super::backend::Backend;
use subject::{Numbered, Suite, Trial};

/// How one check went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which part of the store it is about.
    pub suite: &'static str,
    /// What the backend must do.
    pub name: &'static str,
    /// What it did instead.
    pub failure: Option<String>,
}

/// How all checks went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Every check of the suite, in its order.
    pub checks: Vec<Check>,
}

/// How many checks of a suite passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// The suite.
    pub suite: &'static str,
    /// Checks that passed.
    pub passed: usize,
    /// Checks there are.
    pub total: usize,
}

/// One line for each suite, and the sum: `log 9/9`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scoreboard {
    /// In the order of the suites.
    pub scores: Vec<Score>,
}

impl Report {
    /// The checks that failed.
    pub fn failures(&self) -> Vec<&Check> {
        self.checks.iter().filter(|check| check.failure.is_some()).collect()
    }

    /// How many checks of each suite passed.
    pub fn scoreboard(&self) -> Scoreboard {
        let mut scores: Vec<Score> = Vec::new();
        for check in &self.checks {
            if scores.last().is_none_or(|score| score.suite != check.suite) {
                scores.push(Score { suite: check.suite, passed: 0, total: 0 });
            }
            if let Some(score) = scores.last_mut() {
                score.total += 1;
                score.passed += usize::from(check.failure.is_none());
            }
        }
        Scoreboard { scores }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Check { suite, name, failure } in &self.checks {
            match failure {
                None => writeln!(f, "ok    {suite}: {name}")?,
                Some(failure) => writeln!(f, "FAIL  {suite}: {name}: {failure}")?,
            }
        }
        write!(f, "{} checks, {} failed", self.checks.len(), self.failures().len())
    }
}

impl fmt::Display for Scoreboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut passed, mut total) = (0, 0);
        for score in &self.scores {
            writeln!(f, "{:<14} {:>3}/{}", score.suite, score.passed, score.total)?;
            (passed, total) = (passed + score.passed, total + score.total);
        }
        write!(f, "{:<14} {passed:>3}/{total}", "all")
    }
}

/// Runs every check, each on stores that `make` made empty for it. Where a check wants a restart, everything that is in
/// memory above the backend is dropped and the backend kept.
pub async fn run<B: Backend>(make: impl AsyncFn() -> B) -> Report {
    run_on(async |_, kept| match kept {
        Some(backend) => backend,
        None => make().await,
    })
    .await
}

/// Runs every check on stores that `open` opens by number: an empty one for a number that it sees for the first time,
/// and the same storage again for a number that it saw before. The backend is dropped before it is opened again.
pub async fn run_reopening<B: Backend>(open: impl AsyncFn(u32) -> B) -> Report {
    run_on(async |number, kept| {
        drop(kept);
        open(number).await
    })
    .await
}

async fn run_on<B: Backend>(open: impl AsyncFn(u32, Option<B>) -> B) -> Report {
    let (mut report, next) = (Report::default(), Cell::new(0));
    for Suite { name: suite, checks } in [contract::SUITE, hard::SUITE].into_iter().chain(reference::SUITES) {
        for (name, check) in checks {
            let stores = Numbered::new(&open, &next);
            let failure = check(&Trial::of(&stores)).await.err().map(|broken| broken.0);
            report.checks.push(Check { suite, name, failure });
        }
    }
    report
}
