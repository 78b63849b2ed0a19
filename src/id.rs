//! Names shared by the rooms: who books, which series, which occurrence of it.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use jiff::civil::{Date, DateTime, Time};
use serde::{Deserialize, Serialize};

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The text is empty.
    #[error("{kind} is empty")]
    Empty {
        /// Which kind of id was read.
        kind: &'static str,
    },
    /// The text is longer than the kind of id allows.
    #[error("{kind} has {length} bytes, the limit is {limit}")]
    TooLong {
        /// Which kind of id was read.
        kind: &'static str,
        /// Bytes found.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The text holds a control character, such as a line break or NUL.
    #[error("{kind} holds the control character {character:?} at byte {at}")]
    ControlCharacter {
        /// Which kind of id was read.
        kind: &'static str,
        /// The offending character.
        character: char,
        /// Its byte offset.
        at: usize,
    },
    /// The text does not have the shape that the kind of id demands.
    #[error("{kind} {text:?} is not {wanted}")]
    Shape {
        /// Which kind of id was read.
        kind: &'static str,
        /// The text found.
        text: String,
        /// The shape demanded.
        wanted: &'static str,
    },
}

/// That a text has not the shape of its kind; the error shows the beginning of it.
pub(crate) fn shape(kind: &'static str, text: &str, wanted: &'static str) -> IdError {
    IdError::Shape { kind, text: text.chars().take(80).collect(), wanted }
}

/// Checks what every id has in common: 1 to `limit` bytes of UTF-8 without control characters.
pub(crate) fn check_text(kind: &'static str, text: &str, limit: usize) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty { kind });
    }
    if text.len() > limit {
        let length = text.len();
        return Err(IdError::TooLong { kind, length, limit });
    }
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, character)) => Err(IdError::ControlCharacter { kind, character, at }),
        None => Ok(()),
    }
}

/// Makes a checked text of `$name`. Where it must have a shape beyond what every id has, `$fits` says whether a text has it, and
/// `$wanted` which it is.
macro_rules! text_id {
    ($(#[$meta:meta])* $name:ident, $kind:literal, $limit:literal $(, $fits:path, $wanted:literal)?) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Longest text allowed, in bytes.
            pub const LENGTH_MAX: usize = $limit;

            /// Checks `text` and wraps it.
            ///
            /// # Errors
            /// [`IdError`] when `text` is empty, too long, holds a control character or has another shape.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                check_text($kind, text, Self::LENGTH_MAX)?;
                $(
                    if !$fits(text) {
                        return Err(crate::id::shape($kind, text, $wanted));
                    }
                )?
                Ok(Self(text.into()))
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }
    };
}

pub(crate) use text_id;

text_id!(
    /// The name of one notice to one recipient, the same for every attempt: transports and receivers tell by it that they have
    /// had it already. 1 to 200 bytes, no control characters. Not personal: it is written into logs and headers.
    NoticeId, "notice id", 200
);

text_id!(
    /// The person who books. 1 to 256 bytes, no control characters.
    ///
    /// It is written into the log, so prefer an opaque id of the host's own over a name or an address.
    ///
    /// ```
    /// use boxoffice_core::id::AttendeeId;
    /// assert_eq!(AttendeeId::new("ann")?.as_str(), "ann");
    /// assert!(AttendeeId::new("").is_err());
    /// # Ok::<(), boxoffice_core::id::IdError>(())
    /// ```
    AttendeeId, "attendee id", 256
);

text_id!(
    /// A calendar entry and all its occurrences: the iCalendar UID (RFC 5545 section 3.8.4.7).
    /// 1 to 512 bytes, no control characters.
    SeriesId, "series id", 512
);

text_id!(
    /// A policy that an event definition names, such as `clash`: rules of availability say what it forbids. 1 to 64 bytes,
    /// no control characters.
    PolicyName, "policy name", 64
);

text_id!(
    /// A kind of ticket, such as `balcony`: which pools a seat is taken from beside the house. 1 to 64 bytes, no control
    /// characters.
    TicketType, "ticket type", 64
);

text_id!(
    /// Seats that several kinds of ticket may share, such as those of one floor or of one quota. 1 to 64 bytes, no control
    /// characters.
    PoolName, "pool name", 64
);

text_id!(
    /// What reads tickets at a door, such as `gate-2`. 1 to 64 bytes, no control characters.
    DeviceId, "device id", 64
);

text_id!(
    /// A device's name for one scan, so that a retry is recognised as one; random, or a counter that never starts anew. 1 to
    /// 64 bytes, no control characters.
    Nonce, "nonce", 64
);

text_id!(
    /// A list of prices, such as `season 2026`. 1 to 64 bytes, no control characters.
    PriceListName, "name of a price list", 64
);

text_id!(
    /// The code of a voucher, as buyers give it. 1 to 59 bytes, no control characters: few enough for the names that its
    /// redemptions are counted by.
    VoucherCode, "voucher code", 59
);

/// Names that are put together of parts which were checked.
macro_rules! of_checked_parts {
    ($($name:ident),*) => { $(
        impl $name {
            pub(crate) fn of_checked(text: &str) -> Self {
                Self(text.into())
            }
        }
    )* };
}

of_checked_parts!(SeriesId, TicketType, PoolName);

/// Which occurrence of a series: the start that the rule first gave it, in the series' own frame.
///
/// Written as RFC 5545 section 3.8.4.4 writes a RECURRENCE-ID value: `20260105` for an all-day entry,
/// `20260105T190000` for a wall-clock start (the zone is the series'), `20260105T190000Z` for UTC. Whole seconds, years 1
/// to 9999. A moved occurrence keeps its id, and an update of the zone database never changes one.
///
/// ```
/// use boxoffice_core::id::RecurrenceId;
/// assert_eq!(RecurrenceId::new("20260105T190000")?.to_string(), "20260105T190000");
/// assert!(RecurrenceId::new("next monday").is_err());
/// assert!(RecurrenceId::new("20260230").is_err());
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecurrenceId {
    at: DateTime,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Form {
    Date,
    Local,
    Utc,
}

impl RecurrenceId {
    /// Reads `text`.
    ///
    /// # Errors
    /// [`IdError::Shape`] when `text` is not `YYYYMMDD`, `YYYYMMDDTHHMMSS` or `YYYYMMDDTHHMMSSZ`, or there is no such
    /// day or time.
    pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
        let text = text.as_ref();
        Self::read(text).ok_or_else(|| IdError::Shape {
            kind: "recurrence id",
            text: text.chars().take(40).collect(),
            wanted: "YYYYMMDD or YYYYMMDDTHHMMSS, with Z for UTC",
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
        let date = Date::new(digits(date, 0..4)?, digits(date, 4..6)?, digits(date, 6..8)?).ok();
        let date = date.filter(|date| date.year() > 0 && text.len() >= 8)?;
        let Some(time) = time else {
            return (text.len() == 8).then(|| Self::date(date));
        };
        let (time, form) = time.strip_suffix('Z').map_or((time, Form::Local), |time| (time, Form::Utc));
        let clock = Time::new(digits(time, 0..2)?, digits(time, 2..4)?, digits(time, 4..6)?, 0).ok()?;
        (time.len() == 6 && text.find('T') == Some(8)).then(|| Self { at: date.to_datetime(clock), form })
    }

    /// The occurrence of a series of whole days that begins on `date`.
    pub fn date(date: Date) -> Self {
        Self { at: date.to_datetime(Time::midnight()), form: Form::Date }
    }

    /// The occurrence that begins at `at` on the wall clock. Parts of a second are dropped.
    #[inline]
    pub fn local(at: DateTime) -> Self {
        Self { at: whole_seconds(at), form: Form::Local }
    }

    /// The occurrence of a series in UTC that begins at `at`. Parts of a second are dropped.
    #[inline]
    pub fn utc(at: DateTime) -> Self {
        Self { at: whole_seconds(at), form: Form::Utc }
    }

    /// The start it names, in the series' own frame; midnight for a series of whole days.
    pub fn at(&self) -> DateTime {
        self.at
    }
}

fn digits<T: FromStr>(text: &str, range: core::ops::Range<usize>) -> Option<T> {
    let part = text.get(range)?;
    part.parse().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[inline]
fn whole_seconds(at: DateTime) -> DateTime {
    if at.subsec_nanosecond() == 0 { at } else { at.with().subsec_nanosecond(0).build().unwrap_or(at) }
}

impl fmt::Display for RecurrenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        write!(f, "{:04}{:02}{:02}", at.year(), at.month(), at.day())?;
        if self.form == Form::Date {
            return Ok(());
        }
        write!(f, "T{:02}{:02}{:02}", at.hour(), at.minute(), at.second())?;
        if self.form == Form::Utc { f.write_str("Z") } else { Ok(()) }
    }
}

impl FromStr for RecurrenceId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl TryFrom<String> for RecurrenceId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl From<RecurrenceId> for String {
    fn from(id: RecurrenceId) -> String {
        id.to_string()
    }
}

/// One bookable occurrence: a series and the recurrence id inside it.
///
/// The text form is `series@recurrence`; the last `@` separates, so a series id may hold one.
///
/// ```
/// use boxoffice_core::id::OccurrenceId;
/// let id: OccurrenceId = "chess@club.example@20260105T190000".parse()?;
/// assert_eq!(id.series().as_str(), "chess@club.example");
/// assert_eq!(id.to_string(), "chess@club.example@20260105T190000");
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OccurrenceId {
    series: SeriesId,
    recurrence: RecurrenceId,
}

impl OccurrenceId {
    /// The occurrence `recurrence` of `series`.
    pub fn new(series: SeriesId, recurrence: RecurrenceId) -> Self {
        Self { series, recurrence }
    }

    /// The calendar entry it belongs to.
    pub fn series(&self) -> &SeriesId {
        &self.series
    }

    /// Its original start inside the series.
    pub fn recurrence(&self) -> &RecurrenceId {
        &self.recurrence
    }
}

impl fmt::Display for OccurrenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.series, self.recurrence)
    }
}

impl FromStr for OccurrenceId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let Some((series, recurrence)) = text.rsplit_once('@') else {
            return Err(IdError::Shape {
                kind: "occurrence id",
                text: text.chars().take(80).collect(),
                wanted: "SERIES@RECURRENCE, as in chess@20260105T190000",
            });
        };
        Ok(Self::new(SeriesId::new(series)?, RecurrenceId::new(recurrence)?))
    }
}

impl TryFrom<String> for OccurrenceId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<OccurrenceId> for String {
    fn from(id: OccurrenceId) -> String {
        id.to_string()
    }
}
