//! What an event is, when it happens again, and which occurrences fall into a window.
//!
//! *What is an occurrence?* A [`CalendarEvent`] is one entry of a calendar: a first start, a length, and perhaps a
//! [`RecurrenceRule`] (RFC 5545 section 3.8.5.3). Each time it happens is an [`Occurrence`]. Its id is the series and
//! the start that the rule first gave it, so it stays the same when that one occurrence is moved, and when a country
//! changes its clocks.
//!
//! *How it is computed.* In civil (wall clock) time, on day numbers; a start is resolved to an instant last. A local
//! time that a zone skips is read with the offset before the gap, one that occurs twice is the first (section 3.3.5).
//! Without a COUNT the expansion begins at the window, wherever that lies.
//!
//! *What is absent.* No clock, and no calendar but the Gregorian: another RSCALE is refused by name, never passed over.
//!
//! ```
//! use boxoffice_core::calendar::{CalendarEvent, Frame, Length, Select};
//! use boxoffice_core::id::SeriesId;
//! use jiff::{civil::date, ToSpan};
//!
//! let chess = CalendarEvent::new(
//!     SeriesId::new("chess@club.example")?,
//!     "Chess evening",
//!     date(2026, 1, 5).at(19, 0, 0, 0),
//!     Frame::zoned("Europe/Berlin")?,
//!     Length::exact(2.hours())?,
//! )
//! .repeating("FREQ=WEEKLY;BYDAY=MO,TH".parse()?);
//!
//! let (from, to) = (date(2026, 3, 1).at(0, 0, 0, 0), date(2026, 3, 8).at(0, 0, 0, 0));
//! let week: Result<Vec<_>, _> = chess.occurrences(from, to, Select::Overlapping).collect();
//! let ids: Vec<String> = week?.iter().map(|occurrence| occurrence.id().to_string()).collect();
//! assert_eq!(ids, ["chess@club.example@20260302T190000", "chess@club.example@20260305T190000"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod day;
mod error;
mod event;
mod expand;
mod ical;
mod merge;
mod occurrence;
mod occurrences;
mod resolve;
mod rule;
mod rule_text;
mod source;
#[cfg(test)]
mod tests;
mod zone;

pub use error::{CalendarError, RuleError, Truncated};
pub use event::{CalendarEvent, Change, Details, Gap, Length, Range};
pub use ical::{
    Busy, Component, Diagnostic, Feed, FreeBusy, Import, ImportError, Invitation, Method, Parameter, Participation,
    Property, Reminder, Reply, ReplyError, SeriesError, Trigger, escape_text, read_change, read_icalendar,
    read_replies, read_series, write_free_busy, write_icalendar,
};
pub use merge::{Merge, merge};
pub use occurrence::{Occurrence, Select};
pub use occurrences::{Occurrences, STEPS_MAX};
pub use rule::{End, Frequency, RecurrenceRule, Skip, Until, WeekdayNumber};
pub use zone::{Frame, Zone};
