//! `boxoffice check-vectors` and `boxoffice check-ics`: the calendar against data that others wrote.

mod ics;
mod row;
mod vectors;

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::calendar_file::read_all;
use crate::error::HostError;

pub(crate) use self::ics::run as run_ics;
pub(crate) use self::vectors::run as run_vectors;

/// How many agreed, and how many did not.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn add(&mut self, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }
}

impl core::fmt::Display for Tally {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, HostError> {
    let bytes = read_all(path)?;
    let bad = |error: serde_json::Error| HostError::Usage(format!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).map_err(bad)
}

/// The first few of a list that differs from another, and how many more there are.
fn some(list: &[String]) -> String {
    const SHOWN: usize = 6;
    let more = list.len().saturating_sub(SHOWN);
    let shown = list.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(" ");
    match (shown.is_empty(), more) {
        (true, _) => "nothing".to_owned(),
        (false, 0) => shown,
        (false, more) => format!("{shown} and {more} more"),
    }
}
