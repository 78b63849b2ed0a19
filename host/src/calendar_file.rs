//! Reading a calendar file and expanding it in a window of days.

use core::fmt::Display;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use boxoffice::calendar::{
    CalendarEvent, Import, ImportError, Occurrence, STEPS_MAX, Select, Truncated, read_icalendar,
};
use jiff::civil::{Date, DateTime, Time};

use crate::error::HostError;
use crate::output::complain;

/// Files above this are refused without being read whole.
const BYTES_MAX: u64 = 10 << 20;
/// Warnings printed about one file.
const WARNINGS_MAX: usize = 20;
/// Occurrences taken from one file.
const OCCURRENCES_MAX: usize = 100_000;
/// Steps that all events of a file take together, as far as they are counted.
const FILE_STEPS_MAX: u64 = 5_000_000;
/// Steps that an event gets at first. They are counted only when they are not enough.
const STEPS_FIRST: u64 = 1_000;

/// What a file gives in a window.
#[derive(Debug)]
pub(crate) struct Expanded {
    /// By start and id.
    pub(crate) occurrences: Vec<Occurrence>,
    /// Whether no event had to be passed over.
    pub(crate) whole: bool,
}

/// The occurrences of the file that take place in `[from, to)`. Complains about what cannot be read, and about events that
/// take more than [`STEPS_MAX`] steps: those are passed over.
pub(crate) fn occurrences(path: &Path, from: Date, to: Date) -> Result<Expanded, HostError> {
    if to <= from {
        return Err(HostError::Usage(format!("--to {to} is not after --from {from}")));
    }
    let window = (from.to_datetime(Time::midnight()), to.to_datetime(Time::midnight()));
    let (mut found, mut steps_left, mut whole) = (Vec::new(), FILE_STEPS_MAX, true);
    for event in &import(path)?.events {
        let room = OCCURRENCES_MAX.saturating_sub(found.len());
        match expand(event, window, room, &mut steps_left) {
            Ok(more) if more.len() > room => {
                return Err(too_much(path, &format!("more than {OCCURRENCES_MAX} occurrences")));
            }
            Ok(more) => found.extend(more),
            Err(truncated) if truncated.steps < STEPS_MAX => {
                return Err(too_much(path, &format!("more than {FILE_STEPS_MAX} steps to expand")));
            }
            Err(truncated) => {
                let Truncated { series, steps, .. } = truncated;
                let what = format!("series {series}: more than {steps} steps to expand");
                complain(&format!("warning: {}: {what}: passed over", path.display()));
                whole = false;
            }
        }
    }
    found.sort_by_key(|found| (found.start, found.id()));
    Ok(Expanded { occurrences: found, whole })
}

/// The occurrences of an event, one more than `room` at most. Takes what it costs off `steps_left`.
fn expand(
    event: &CalendarEvent,
    (start, end): (DateTime, DateTime),
    room: usize,
    steps_left: &mut u64,
) -> Result<Vec<Occurrence>, Truncated> {
    // How many steps an expansion took is known only of one that stopped. So most events get few, and one that needs more
    // starts again: what it costs is then known well enough.
    let mut allowed = STEPS_FIRST;
    loop {
        let steps = allowed.min(*steps_left);
        let found = event.occurrences(start, end, Select::Overlapping).with_steps(steps).take(room + 1);
        match found.collect::<Result<Vec<_>, _>>() {
            Ok(found) => {
                *steps_left = steps_left.saturating_sub(found.len() as u64);
                return Ok(found);
            }
            Err(truncated) => {
                *steps_left = steps_left.saturating_sub(steps);
                if steps < allowed || allowed == STEPS_MAX {
                    return Err(truncated);
                }
                allowed = (allowed * 8).min(STEPS_MAX);
            }
        }
    }
}

fn too_much(path: &Path, what: &str) -> HostError {
    HostError::Usage(format!("{}: {what}: move --from and --to closer together", path.display()))
}

/// What the file holds. Complains about what cannot be read.
pub(crate) fn import(path: &Path) -> Result<Import, HostError> {
    let import = read_icalendar(&read(path)?);
    let import = import.map_err(|error| HostError::Import { path: path.to_owned(), error })?;
    let warn = |text: &dyn Display| complain(&format!("warning: {}: {text}", path.display()));
    let (shown, rest) = import.diagnostics.split_at_checked(WARNINGS_MAX).unwrap_or((&import.diagnostics, &[]));
    for diagnostic in shown {
        warn(diagnostic);
    }
    // Where there are very many, the last one stands for those that are not kept, and says how many.
    let (rest, last) = match rest {
        [rest @ .., last] if last.line.is_none() => (rest, Some(last)),
        rest => (rest, None),
    };
    if !rest.is_empty() {
        warn(&format!("and {} more", rest.len()));
    }
    if let Some(last) = last {
        warn(last);
    }
    Ok(import)
}

/// A whole file.
pub(crate) fn read_all(path: &Path) -> Result<Vec<u8>, HostError> {
    read_at_most(path, u64::MAX)
}

fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, HostError> {
    let fail = |error| HostError::Read { path: path.to_owned(), error };
    if fs::metadata(path).map_err(fail)?.is_dir() {
        return Err(fail(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(fail)?.take(limit).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

fn read(path: &Path) -> Result<Vec<u8>, HostError> {
    // One byte more than is allowed shows that there is too much, also of a pipe that never ends.
    let bytes = read_at_most(path, BYTES_MAX + 1)?;
    if bytes.len() as u64 > BYTES_MAX {
        let limit = usize::try_from(BYTES_MAX).unwrap_or(usize::MAX);
        let error = ImportError::TooLarge { bytes: bytes.len(), limit };
        return Err(HostError::Import { path: path.to_owned(), error });
    }
    Ok(bytes)
}
