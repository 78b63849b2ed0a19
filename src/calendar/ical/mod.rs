//! Calendar events out of iCalendar files (RFC 5545), as the world writes them, and back into such files.
//!
//! *Reading.* Lines are unfolded and taken apart, put together to components, and then read for what they mean. What
//! cannot be read is left out with a [`Diagnostic`] that names the line and the property; everything else is read all
//! the same. What has no meaning here is kept as it stands, in [`Details`](super::Details) or in [`Import::others`].
//!
//! *Writing.* The same input gives the same bytes: nothing is read from a clock. What was written reads back the same.

mod alarm;
mod content;
mod describe;
mod fold;
mod freebusy;
mod itip;
mod line;
mod notes;
mod read;
mod series;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod tzif;
mod value;
mod vevent;
mod vtimezone;
mod when;
mod windows;
mod write;
mod yearly;
#[cfg(test)]
#[path = "../tests/zone_names.rs"]
mod zone_name_tests;
#[cfg(test)]
#[path = "../tests/zones.rs"]
mod zone_tests;
mod zones;

pub use self::alarm::{Reminder, Trigger};
pub use self::content::{Component, Parameter, Property};
pub use self::freebusy::{Busy, FreeBusy, write_free_busy};
pub use self::itip::{Invitation, Participation, Reply, ReplyError, read_replies};
pub use self::notes::Diagnostic;
pub use self::text::escape_text;
pub use self::write::{Feed, Method, SeriesError, read_change, read_series, write_icalendar};

use self::notes::Notes;
use self::read::read_event;
use self::series::Gathered;
use self::tree::read_components;
use self::zones::Zones;
use super::event::CalendarEvent;

/// Largest file read, in bytes.
pub(super) const BYTES_MAX: usize = 10 << 20;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// The events, in the order in which their series first appear.
    pub events: Vec<CalendarEvent>,
    /// What the first VCALENDAR says of itself, such as METHOD or X-WR-CALNAME; not VERSION, PRODID and CALSCALE.
    pub calendar: Vec<Property>,
    /// Components that are no events and no time zones, such as VTODO and VFREEBUSY, as they stand in the file.
    pub others: Vec<Component>,
    /// How many VEVENTs are not among the events, because they could not be read or a newer one says the same.
    pub left_out: usize,
    /// What could not be read, in the order of the file. At most 1,000; the last then says how many more there are.
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
    /// It has more than 100,000 components.
    #[error("line {line}: more than {limit} components")]
    TooManyComponents {
        /// Where the first of them begins that is too much.
        line: usize,
        /// Components allowed.
        limit: usize,
    },
    /// There is no VCALENDAR in it.
    #[error("no BEGIN:VCALENDAR found: this is not an iCalendar file")]
    NotACalendar,
}

/// Reads the VEVENTs of all VCALENDARs in `bytes`. Bytes that are not UTF-8 are replaced by U+FFFD.
///
/// Components with the same UID are one series: the one without a RECURRENCE-ID with the highest SEQUENCE, then the
/// latest DTSTAMP, is the series, the others are changes to single occurrences, by occurrence. A component without a
/// UID gets one made from its start and summary.
///
/// Limits: 10 MiB, 100,000 components in 16 levels, lines of 1 MiB, 10,000 RDATEs and EXDATEs and 100 rules for each
/// component.
///
/// ```
/// use boxoffice_core::calendar::read_icalendar;
/// let file = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;VALUE=DATE:20260101\r\nSUMMARY:New Year\r\n\
///             RRULE:FREQ=YEARLY\r\nEXDATE:soon\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
/// let import = read_icalendar(file.as_bytes())?;
/// assert_eq!(&*import.events[0].summary, "New Year");
/// assert_eq!(import.diagnostics[0].to_string(), "line 7: a: EXDATE: \"soon\" is no date or time that exists");
/// # Ok::<(), boxoffice_core::calendar::ImportError>(())
/// ```
///
/// # Errors
/// [`ImportError`] when the file is too large or is no iCalendar file.
pub fn read_icalendar(bytes: &[u8]) -> Result<Import, ImportError> {
    let (calendars, mut notes) = read_components(bytes)?;
    let (mut gathered, mut import) = (Gathered::default(), Import::default());
    for (number, calendar) in calendars.into_iter().enumerate() {
        read_calendar(&calendar, &mut gathered, &mut notes);
        let is_event = |component: &Component| matches!(component.name.as_str(), "VEVENT" | "VTIMEZONE");
        import.others.extend(calendar.components.into_iter().filter(|component| !is_event(component)));
        if number == 0 {
            let known = |property: &Property| matches!(property.name.as_str(), "VERSION" | "PRODID" | "CALSCALE");
            import.calendar = calendar.properties.into_iter().filter(|property| !known(property)).collect();
        }
    }
    import.events = gathered.finish(&mut notes);
    import.left_out = notes.left_out();
    if import.events.is_empty() && notes.is_empty() {
        notes.add(0, "VCALENDAR", "", "holds no VEVENT");
    }
    import.diagnostics = notes.finish();
    Ok(import)
}

fn read_calendar(calendar: &Component, gathered: &mut Gathered, notes: &mut Notes) {
    if let Some(scale) = calendar.property("CALSCALE")
        && !scale.value.trim().eq_ignore_ascii_case("GREGORIAN")
    {
        notes.add(scale.line, "VCALENDAR", "CALSCALE", "is none that is known here: read as GREGORIAN");
    }
    let mut zones = Zones::new(calendar);
    for component in calendar.components_named("VEVENT") {
        match read_event(component, &mut zones, notes) {
            Some(read) => gathered.add(read),
            None => notes.leave_out(),
        }
    }
}
