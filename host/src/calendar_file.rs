//! Reading a calendar file and expanding it in a window of days.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use boxoffice::calendar::{CalendarEvent, ImportError, Occurrence, Select, read_icalendar};
use jiff::civil::{Date, Time};

use crate::error::HostError;
use crate::output::complain;

/// Files above this are refused without being read whole.
const BYTES_MAX: u64 = 10 << 20;
/// Warnings printed about one file.
const WARNINGS_MAX: usize = 20;

/// The occurrences of the file that take place in `[from, to)`, by start and id. Complains about what cannot be read.
pub(crate) fn occurrences(path: &Path, from: Date, to: Date) -> Result<Vec<Occurrence>, HostError> {
    if to <= from {
        return Err(HostError::Usage(format!("--to {to} is not after --from {from}")));
    }
    let events = events(path)?;
    let (start, end) = (from.to_datetime(Time::midnight()), to.to_datetime(Time::midnight()));
    let mut found = Vec::new();
    for event in &events {
        for occurrence in event.occurrences(start, end, Select::Overlapping) {
            found.push(occurrence.map_err(|error| HostError::Expand { path: path.to_owned(), error })?);
        }
    }
    found.sort_by_key(|found| (found.start, found.id()));
    Ok(found)
}

/// The events of the file. Complains about what cannot be read.
pub(crate) fn events(path: &Path) -> Result<Vec<CalendarEvent>, HostError> {
    let import = read_icalendar(&read(path)?);
    let import = import.map_err(|error| HostError::Import { path: path.to_owned(), error })?;
    for diagnostic in import.diagnostics.iter().take(WARNINGS_MAX) {
        complain(&format!("warning: {}: {diagnostic}", path.display()));
    }
    if let Some(more @ 1..) = import.diagnostics.len().checked_sub(WARNINGS_MAX) {
        complain(&format!("warning: {}: and {more} more", path.display()));
    }
    Ok(import.events)
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
