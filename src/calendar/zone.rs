//! In which frame a civil time is meant, and which instant it is there.

use core::fmt;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Disambiguation, TimeZone};

use super::day;
use super::error::CalendarError;
use super::ical::Component;
use crate::time::Timestamp;

/// A time zone with its name.
///
/// ```
/// use boxoffice_core::calendar::Zone;
/// assert_eq!(Zone::named("Europe/Berlin")?.name(), "Europe/Berlin");
/// assert!(Zone::named("Mars/Olympus").is_err());
/// # Ok::<(), boxoffice_core::calendar::CalendarError>(())
/// ```
#[derive(Clone)]
pub struct Zone(Arc<Inner>);

struct Inner {
    name: Box<str>,
    time_zone: TimeZone,
    /// The VTIMEZONE that says what it is, if it is no zone of the IANA database.
    definition: Option<Component>,
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self(Arc::new(Inner { name: "UTC".into(), time_zone: TimeZone::UTC, definition: None }))
    }

    /// The zone of the IANA database with this name, such as `Europe/Berlin`: as the system knows it, or else as the
    /// database that comes with the crate does.
    ///
    /// # Errors
    /// [`CalendarError::UnknownZone`] when there is none.
    pub fn named(tzid: &str) -> Result<Self, CalendarError> {
        let found = jiff::tz::db().get(tzid).map_err(|_| CalendarError::UnknownZone { tzid: tzid.to_owned() })?;
        let name = found.iana_name().unwrap_or(tzid).into();
        Ok(Self(Arc::new(Inner { name, time_zone: found, definition: None })))
    }

    /// A zone given as a `TZif` file (RFC 9636), such as one of another version of the database.
    ///
    /// # Errors
    /// [`CalendarError::UnknownZone`] when the bytes are no such file.
    pub fn tzif(name: &str, bytes: &[u8]) -> Result<Self, CalendarError> {
        let read = TimeZone::tzif(name, bytes);
        let time_zone = read.map_err(|_| CalendarError::UnknownZone { tzid: name.to_owned() })?;
        Ok(Self(Arc::new(Inner { name: name.into(), time_zone, definition: None })))
    }

    /// A zone that a file defines itself.
    pub(super) fn defined(name: &str, time_zone: TimeZone, definition: Component) -> Self {
        Self(Arc::new(Inner { name: name.into(), time_zone, definition: Some(definition) }))
    }

    /// Its name: an IANA name, or what the file that defines it calls it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its rules.
    pub fn time_zone(&self) -> &TimeZone {
        &self.0.time_zone
    }

    /// The VTIMEZONE that says what it is, if it is no zone of the IANA database.
    pub fn definition(&self) -> Option<&Component> {
        self.0.definition.as_ref()
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.name() == other.name() && self.0.time_zone == other.0.time_zone)
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone").field(&self.name()).finish()
    }
}

/// How the civil times of a series are meant (RFC 5545 sections 3.3.4 and 3.3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Whole days, without a zone. Civil times stand at midnight.
    Date,
    /// Wall clock time wherever the reader is.
    Floating,
    /// UTC.
    Utc,
    /// Wall clock time of a zone.
    Zoned(Zone),
}

impl Frame {
    /// The zone that `tzid` names in the IANA database, such as `Europe/Berlin`.
    ///
    /// # Errors
    /// [`CalendarError::UnknownZone`] when there is none.
    pub fn zoned(tzid: &str) -> Result<Self, CalendarError> {
        Zone::named(tzid).map(Self::Zoned)
    }

    /// Its name: that of the zone, `UTC`, `floating` or `date`.
    pub fn name(&self) -> &str {
        match self {
            Self::Date => "date",
            Self::Floating => "floating",
            Self::Utc => "UTC",
            Self::Zoned(zone) => zone.name(),
        }
    }

    /// The zone it is resolved in; dates and floating times are resolved in `viewer`, the zone of whoever looks.
    pub(super) fn zone<'a>(&'a self, viewer: &'a TimeZone) -> &'a TimeZone {
        match self {
            Self::Date | Self::Floating => viewer,
            Self::Utc => const { &TimeZone::UTC },
            Self::Zoned(zone) => zone.time_zone(),
        }
    }

    /// The instant of `civil`, seen from `viewer` if the frame has no zone of its own.
    ///
    /// A time that the zone skips is read with the offset before the gap; one that occurs twice is the first
    /// (RFC 5545 section 3.3.5).
    pub fn instant(&self, civil: DateTime, viewer: &TimeZone) -> Timestamp {
        let resolved = self.zone(viewer).to_ambiguous_timestamp(civil);
        let offset = match resolved.offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
        };
        match resolved.compatible() {
            Ok(instant) => Timestamp::from_millis(instant.as_millisecond()),
            // Hours beyond the ends of time, in their order all the same.
            Err(_) => Timestamp::from_millis((day::civil(civil) - i64::from(offset.seconds())) * 1_000),
        }
    }

    /// The civil time that clocks show in this frame at the instant of `civil`. Differs from `civil` only where the
    /// zone skips it.
    pub(super) fn shown(&self, civil: DateTime) -> DateTime {
        match self {
            Self::Date | Self::Floating | Self::Utc => civil,
            Self::Zoned(zone) => {
                let resolved = zone.time_zone().to_ambiguous_zoned(civil).disambiguate(Disambiguation::Compatible);
                resolved.map_or(civil, |zoned| zoned.datetime())
            }
        }
    }

    /// What clocks show in this frame at an instant; in UTC if it has no zone.
    pub(super) fn civil_of(&self, at: Timestamp) -> DateTime {
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::MAX);
        self.zone(const { &TimeZone::UTC }).to_datetime(at)
    }

    /// The civil time in this frame of an instant given in UTC.
    pub(super) fn civil_of_utc(&self, utc: DateTime) -> DateTime {
        match self {
            Self::Date | Self::Floating | Self::Utc => utc,
            Self::Zoned(zone) => match TimeZone::UTC.to_timestamp(utc) {
                Ok(instant) => zone.time_zone().to_datetime(instant),
                Err(_) => utc,
            },
        }
    }
}
