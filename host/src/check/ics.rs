//! Real calendars: windows in which two other programs agree, and files that must only not do harm.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use boxoffice::calendar::{Import, Occurrence, Select, read_icalendar};
use jiff::civil::{Date, DateTime};
use serde::Deserialize;

use super::row::{Expected, Row};
use super::{Tally, read_json, some};
use crate::args::IcsArgs;
use crate::calendar_file::read_all;
use crate::error::HostError;
use crate::output::{print, visible};

/// A file and what is expected of it.
#[derive(Debug, Deserialize)]
struct Expectation {
    file: String,
    windows: Vec<Window>,
}

#[derive(Debug, Deserialize)]
struct Window {
    #[serde(rename = "window_start")]
    from: Date,
    #[serde(rename = "window_end")]
    to: Date,
    #[serde(default)]
    confirmed: bool,
    occurrences: Vec<Expected>,
}

/// Longest that a file of `parse_only` may take.
const PARSE_MAX: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &IcsArgs) -> Result<bool, HostError> {
    let expectations: Vec<Expectation> = read_json(&args.dir.join("expected.json"))?;
    let (mut confirmed, mut advisory) = (Tally::default(), Tally::default());
    for expectation in &expectations {
        let path = args.dir.join("files").join(&expectation.file);
        let bytes = read_all(&path)?;
        let import = read_icalendar(first_object(&bytes));
        for window in &expectation.windows {
            let difference = match &import {
                Ok(import) => window.differs(import),
                Err(error) => Some(error.to_string()),
            };
            let tally = if window.confirmed { &mut confirmed } else { &mut advisory };
            tally.add(difference.is_none());
            if let Some(difference) = difference {
                let mark = if window.confirmed { "" } else { "advisory: " };
                let (file, from, to) = (&expectation.file, window.from, window.to);
                print(&(visible(&format!("{mark}{file} {from} to {to}: {difference}")) + "\n"))?;
            }
        }
    }
    let broken = broken(&args.dir.join("parse_only"))?;
    print(&format!("unconfirmed windows: {} of {}\n", advisory.passed, advisory.passed + advisory.failed))?;
    print(&format!("broken files: {} of {}\n", broken.passed, broken.passed + broken.failed))?;
    confirmed.passed += broken.passed;
    confirmed.failed += broken.failed;
    print(&format!("{confirmed}\n"))?;
    Ok(confirmed.failed == 0)
}

/// The other programs read the first VCALENDAR of a stream and leave out the rest.
fn first_object(bytes: &[u8]) -> &[u8] {
    let mut end = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if line.trim_ascii().eq_ignore_ascii_case(b"END:VCALENDAR") {
            break;
        }
    }
    bytes.get(..end).unwrap_or(bytes)
}

impl Window {
    fn differs(&self, import: &Import) -> Option<String> {
        let (from, to) = (DateTime::from(self.from), DateTime::from(self.to));
        let mut found: Vec<Occurrence> = Vec::new();
        for event in &import.events {
            for occurrence in event.occurrences(from, to, Select::Overlapping) {
                match occurrence {
                    Ok(occurrence) => found.push(occurrence),
                    Err(truncated) => return Some(truncated.to_string()),
                }
            }
        }
        let mut wanted = match self.occurrences.iter().map(Expected::row).collect::<Result<Vec<Row>, _>>() {
            Ok(wanted) => wanted,
            Err(error) => return Some(error),
        };
        let mut rows: Vec<Row> = found.iter().map(Row::from).collect();
        rows.retain(|row| match wanted.iter().position(|wanted| wanted.agrees(row)) {
            Some(place) => {
                wanted.swap_remove(place);
                false
            }
            None => true,
        });
        if !(rows.is_empty() && wanted.is_empty()) {
            let list = |rows: &[Row]| some(&rows.iter().map(ToString::to_string).collect::<Vec<_>>());
            return Some(format!("found {}, missing {}", list(&rows), list(&wanted)));
        }
        let (cancelled, marked) = (
            found.iter().filter(|occurrence| occurrence.cancelled).count(),
            self.occurrences.iter().filter(|expected| expected.cancelled()).count(),
        );
        (marked > cancelled).then(|| format!("{cancelled} are cancelled, should be {marked}"))
    }
}

/// Files that are broken or hold no events: each is read within bounded time, and what gives no event says why.
fn broken(folder: &Path) -> Result<Tally, HostError> {
    let fail = |error| HostError::Read { path: folder.to_owned(), error };
    let mut tally = Tally::default();
    if !folder.is_dir() {
        return Ok(tally);
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        paths.push(entry.map_err(fail)?.path());
    }
    paths.sort();
    for path in paths {
        let begun = Instant::now();
        let said = match read_icalendar(&read_all(&path)?) {
            Ok(import) => !import.events.is_empty() || !import.diagnostics.is_empty(),
            Err(_) => true,
        };
        let took = begun.elapsed();
        tally.add(said && took <= PARSE_MAX);
        let name = path.file_name().unwrap_or_default().display();
        if !said {
            print(&(visible(&format!("{name}: nothing is said about it")) + "\n"))?;
        }
        if took > PARSE_MAX {
            print(&(visible(&format!("{name}: took {took:?}")) + "\n"))?;
        }
    }
    Ok(tally)
}
