//! Calendar events out of iCalendar files (RFC 5545), as the world writes them.
//!
//! The bytes are taken apart by the `calcard` crate, whose types stay in this folder; what they mean is decided here.
//! A component that cannot be read is left out with a [`Diagnostic`]; the others are read all the same.

mod component;
mod content;
mod describe;
mod tzid;
mod tzif;
mod unfold;
mod vtimezone;
mod windows;
mod yearly;
#[cfg(test)]
#[path = "../tests/zone_names.rs"]
mod zone_name_tests;
#[cfg(test)]
#[path = "../tests/zones.rs"]
mod zone_tests;
mod zones;

pub use self::content::{Component, Parameter, Property};

use std::collections::BTreeMap;

use calcard::icalendar::{ICalendar, ICalendarComponentType};
use calcard::{Entry, Parser};

use self::component::{Read, read_event};
use self::tzid::Zones;
use self::unfold::unfold;
use super::event::{CalendarEvent, Change};

/// Largest file read, in bytes.
pub(super) const BYTES_MAX: usize = 10 << 20;

/// Something in a file that was left out, or read with a guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Line in the file, from 1, if it could be found again.
    pub line: Option<usize>,
    /// The UID of the component, or what else is known of it.
    pub component: String,
    /// The property, such as `RRULE`; empty when it is the component as a whole.
    pub property: &'static str,
    /// What is wrong with it.
    pub message: String,
}

impl core::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}", self.component)?;
        if !self.property.is_empty() {
            write!(f, ": {}", self.property)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// The events, in the order in which their series first appear.
    pub events: Vec<CalendarEvent>,
    /// What could not be read, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Why nothing at all can be read from a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It is larger than 10 MiB.
    #[error("{bytes} bytes are over the limit of {limit}")]
    TooLarge {
        /// Bytes found.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// There is no VCALENDAR in it.
    #[error("no BEGIN:VCALENDAR found: this is not an iCalendar file")]
    NotACalendar,
}

/// Reads the VEVENTs of all VCALENDARs in `bytes`. Bytes that are not UTF-8 are replaced by U+FFFD.
///
/// Components with the same UID are one series: the one without a RECURRENCE-ID with the highest SEQUENCE, then the
/// latest DTSTAMP, is the series, the others are changes to single occurrences. A component without a UID gets one
/// made from its start and summary.
///
/// ```
/// use boxoffice_core::calendar::read_icalendar;
/// let file = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;VALUE=DATE:20260101\r\nSUMMARY:New Year\r\n\
///             RRULE:FREQ=YEARLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
/// let import = read_icalendar(file.as_bytes())?;
/// assert_eq!(import.events[0].summary, "New Year");
/// assert!(import.diagnostics.is_empty());
/// # Ok::<(), boxoffice_core::calendar::ImportError>(())
/// ```
///
/// # Errors
/// [`ImportError`] when the file is too large or is no iCalendar file.
pub fn read_icalendar(bytes: &[u8]) -> Result<Import, ImportError> {
    if bytes.len() > BYTES_MAX {
        return Err(ImportError::TooLarge { bytes: bytes.len(), limit: BYTES_MAX });
    }
    let (text, rules) = unfold(bytes);
    let mut reader = Reader {
        import: Import::default(),
        places: places(&String::from_utf8_lossy(bytes)),
        rules,
        next_place: 0,
        groups: Vec::new(),
        group_of: BTreeMap::new(),
    };
    let mut parser = Parser::new(&text);
    let mut calendars = 0;
    // Each entry takes at least one line, so this is no limit but a guard against a parser that stands still.
    for _ in 0..=text.lines().count() {
        match parser.entry() {
            Entry::ICalendar(calendar) => {
                calendars += 1;
                reader.read(&calendar);
            }
            Entry::VCard(_) => reader.note("VCARD", "is no calendar component"),
            Entry::InvalidLine(line) if line.trim().is_empty() => {}
            Entry::InvalidLine(line) => reader.note(&shorten(&line), "is no line of a calendar"),
            Entry::UnexpectedComponentEnd { expected, found } => {
                reader.note(found.as_str(), &format!("ends where {} should", expected.as_str()));
            }
            Entry::UnterminatedComponent(name) => reader.note(&name, "has no end"),
            Entry::TooManyComponents => reader.note("VCALENDAR", "has too many components"),
            Entry::Eof => break,
            _ => reader.note("VCALENDAR", "holds something unknown"),
        }
    }
    if calendars == 0 {
        return Err(ImportError::NotACalendar);
    }
    Ok(reader.finish())
}

/// The first characters of a text, for a message.
fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// The lines at which VEVENTs begin, from 1.
fn places(text: &str) -> Vec<usize> {
    let begins = |line: &str| line.trim().eq_ignore_ascii_case("BEGIN:VEVENT");
    (1..).zip(text.lines()).filter(|(_, line)| begins(line)).map(|(number, _)| number).collect()
}

struct Reader {
    import: Import,
    places: Vec<usize>,
    next_place: usize,
    /// Every RRULE of the file, as it stands there.
    rules: Vec<String>,
    groups: Vec<Vec<Read>>,
    /// Where the components with a UID are gathered.
    group_of: BTreeMap<String, usize>,
}

impl Reader {
    fn note(&mut self, component: &str, message: &str) {
        let (component, message) = (component.to_owned(), message.to_owned());
        self.import.diagnostics.push(Diagnostic { line: None, component, property: "", message });
    }

    fn read(&mut self, calendar: &ICalendar) {
        let mut zones = Zones::new(calendar);
        for component in &calendar.components {
            if component.component_type != ICalendarComponentType::VEvent {
                continue;
            }
            let line = self.places.get(self.next_place).copied();
            self.next_place += 1;
            let mut diagnostics = Vec::new();
            if let Some(read) = read_event(component, &mut zones, &self.rules, &mut diagnostics) {
                let place = *self.group_of.entry(read.uid.clone()).or_insert(self.groups.len());
                match self.groups.get_mut(place) {
                    Some(group) => group.push(read),
                    None => self.groups.push(vec![read]),
                }
            }
            let located = diagnostics.into_iter().map(|diagnostic| Diagnostic { line, ..diagnostic });
            self.import.diagnostics.extend(located);
        }
    }

    fn finish(mut self) -> Import {
        for group in core::mem::take(&mut self.groups) {
            let (masters, changes): (Vec<Read>, Vec<Read>) = group.into_iter().partition(|read| read.of.is_none());
            let newest = masters.into_iter().max_by_key(Read::version);
            let mut event = match (newest, changes.first()) {
                (Some(master), _) => master.event,
                (None, Some(orphan)) => orphan.as_series(),
                (None, None) => continue,
            };
            event.changes = newest_changes(&event, changes);
            self.import.events.push(event);
        }
        self.import
    }
}

/// For each occurrence the change with the highest version.
fn newest_changes(event: &CalendarEvent, reads: Vec<Read>) -> Vec<Change> {
    let mut newest: BTreeMap<jiff::civil::DateTime, ((i64, String), Change)> = BTreeMap::new();
    for read in reads {
        let version = read.version();
        let Some(change) = read.into_change(event) else {
            continue;
        };
        match newest.get(&change.of) {
            Some((found, _)) if *found > version => {}
            Some(_) | None => {
                newest.insert(change.of, (version, change));
            }
        }
    }
    newest.into_values().map(|(_, change)| change).collect()
}
