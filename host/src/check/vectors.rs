//! Recurrence vectors: a rule, a window, and what should be found in it.

use std::path::Path;
use std::time::{Duration, Instant};

use boxoffice::calendar::{CalendarEvent, Frame, Gap, Length, RecurrenceRule, Select};
use boxoffice::id::SeriesId;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{Tally, read_json, some};
use crate::args::VectorArgs;
use crate::error::HostError;
use crate::output::{print, visible};

/// One vector, as `vectors/README.md` says. Fields that say where it comes from are not read.
#[derive(Debug, Deserialize)]
struct Vector {
    #[serde(default)]
    name: String,
    #[serde(default)]
    dtstart: String,
    #[serde(default)]
    tzid: String,
    rrule: Option<String>,
    rrules: Option<Vec<String>>,
    exrules: Option<Vec<String>>,
    #[serde(default)]
    exdate: Vec<String>,
    #[serde(default)]
    rdate: Vec<String>,
    #[serde(default)]
    window_start: String,
    #[serde(default)]
    window_end: String,
    #[serde(default, alias = "policy_expected")]
    expected: Vec<String>,
    expected_utc: Option<Vec<String>>,
    expected_skip: Option<Vec<String>>,
    expected_skip_utc: Option<Vec<String>>,
    /// Of a parser's verdict: `accept` or `reject`.
    policy: Option<String>,
}

pub(crate) fn run(args: &VectorArgs) -> Result<bool, HostError> {
    let mut tally = Tally::default();
    for path in &args.files {
        let vectors: Vec<Vector> = read_json(path)?;
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let (lenient, no_gate) = (args.lenient || stem.contains("lenient"), stem.contains("disagreements"));
        let (mut of_file, mut slowest) = (Tally::default(), (Duration::ZERO, ""));
        for vector in &vectors {
            let begun = Instant::now();
            let difference = vector.check(lenient);
            let took = begun.elapsed();
            if took > slowest.0 {
                slowest = (took, &vector.name);
            }
            of_file.add(difference.is_none());
            if let Some(difference) = difference {
                let rule = vector.rrule.as_deref().unwrap_or_default();
                let advisory = if no_gate { "advisory: " } else { "" };
                let line = format!("{advisory}{}: {}: {rule}: {difference}", show(path), vector.name);
                print(&(visible(&line) + "\n"))?;
            }
        }
        let Tally { passed, failed } = of_file;
        let slow = format!("slowest {:?} ({})", slowest.0, slowest.1);
        let gate = if no_gate { ", no gate" } else { "" };
        let line = format!("{}: {passed} of {}{gate}; {slow}", show(path), passed + failed);
        print(&(visible(&line) + "\n"))?;
        if !no_gate {
            (tally.passed, tally.failed) = (tally.passed + passed, tally.failed + failed);
        }
    }
    print(&format!("{tally}\n"))?;
    Ok(tally.failed == 0)
}

fn show(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

impl Vector {
    /// What differs from what should be.
    fn check(&self, lenient: bool) -> Option<String> {
        if let Some(policy) = &self.policy {
            let read = self.rrule.as_deref().unwrap_or_default().parse::<RecurrenceRule>();
            return match (read, policy.as_str()) {
                (Ok(_), "accept") | (Err(_), "reject") => None,
                (Ok(rule), _) => Some(format!("read as {rule}, should be refused")),
                (Err(error), _) => Some(format!("refused: {error}")),
            };
        }
        let mut event = match self.event(lenient) {
            Ok(event) => event,
            Err(error) => return Some(error),
        };
        let shift = differs(&event, self, &self.expected, self.expected_utc.as_deref());
        let Some(skip) = &self.expected_skip else { return shift };
        event.gap = Gap::Skip;
        let skip = differs(&event, self, skip, self.expected_skip_utc.as_deref());
        shift.or_else(|| skip.map(|difference| format!("with gaps skipped: {difference}")))
    }

    fn event(&self, lenient: bool) -> Result<CalendarEvent, String> {
        let frame = match self.tzid.as_str() {
            "UTC" => Frame::Utc,
            "floating" => Frame::Floating,
            "date" => Frame::Date,
            tzid => Frame::zoned(tzid).map_err(|error| error.to_string())?,
        };
        let series = SeriesId::new("vector").map_err(|error| error.to_string())?;
        let mut event = CalendarEvent::new(series, "", civil(&self.dtstart)?, frame, Length::ZERO);
        let read = |rule: &String| {
            let read = if lenient { RecurrenceRule::read_lenient(rule) } else { rule.parse() };
            read.map_err(|error| error.to_string())
        };
        let rules = self.rrules.iter().flatten().chain(&self.rrule).filter(|rule| !rule.is_empty());
        event.rules = rules.map(read).collect::<Result<_, _>>()?;
        event.excluded_rules = self.exrules.iter().flatten().map(read).collect::<Result<_, _>>()?;
        event.dates = self.rdate.iter().map(|at| Ok((civil(at)?, None))).collect::<Result<_, String>>()?;
        event.excluded = self.exdate.iter().map(|at| civil(at)).collect::<Result<_, _>>()?;
        Ok(event)
    }
}

fn civil(text: &str) -> Result<DateTime, String> {
    let text = text.trim_end_matches('Z');
    let date = |_| text.parse::<Date>().map(DateTime::from);
    text.parse().or_else(date).map_err(|_| format!("{text:?} is no time"))
}

fn differs(event: &CalendarEvent, vector: &Vector, expected: &[String], utc: Option<&[String]>) -> Option<String> {
    let found = || {
        let (from, to) = (civil(&vector.window_start)?, civil(&vector.window_end)?);
        let found: Result<Vec<_>, _> = event.occurrences(from, to, Select::Starting).collect();
        found.map_err(|truncated| truncated.to_string())
    };
    let found = match found() {
        Ok(found) => found,
        Err(error) => return Some(error),
    };
    let suffix = if event.frame == Frame::Utc { "Z" } else { "" };
    let starts: Vec<String> = if event.frame == Frame::Date {
        found.iter().map(|occurrence| occurrence.start.date().to_string()).collect()
    } else {
        found.iter().map(|occurrence| format!("{}{suffix}", occurrence.start)).collect()
    };
    let instants = || found.iter().map(|occurrence| occurrence.window(&TimeZone::UTC).start.to_string()).collect();
    if starts != expected {
        return Some(format!("found {}, should be {}", some(&starts), some(expected)));
    }
    let (utc, instants): (_, Vec<String>) = (utc?, instants());
    (instants != utc).then(|| format!("in UTC found {}, should be {}", some(&instants), some(utc)))
}
