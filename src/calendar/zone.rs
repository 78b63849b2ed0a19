//! In which frame a civil time is meant, and which instant it is there.

use jiff::civil::DateTime;
use jiff::tz::{Disambiguation, TimeZone};

use super::error::CalendarError;
use crate::time::Timestamp;

/// How the civil times of a series are meant (RFC 5545 sections 3.3.4 and 3.3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Whole days, without a zone. Civil times stand at midnight.
    Date,
    /// Wall clock time wherever the reader is.
    Floating,
    /// UTC.
    Utc,
    /// Wall clock time of a zone, whose rules come with the crate: results do not depend on the machine.
    Zoned(TimeZone),
}

impl Frame {
    /// The zone that `tzid` names in the IANA database, such as `Europe/Berlin`.
    ///
    /// # Errors
    /// [`CalendarError::UnknownZone`] when there is none.
    pub fn zoned(tzid: &str) -> Result<Self, CalendarError> {
        match jiff::tz::db().get(tzid) {
            Ok(zone) => Ok(Self::Zoned(zone)),
            Err(_) => Err(CalendarError::UnknownZone { tzid: tzid.to_owned() }),
        }
    }

    /// Its name: an IANA name, `UTC`, `floating` or `date`.
    pub fn name(&self) -> &str {
        match self {
            Self::Date => "date",
            Self::Floating => "floating",
            Self::Utc => "UTC",
            Self::Zoned(zone) => zone.iana_name().unwrap_or("custom"),
        }
    }

    /// The zone it is resolved in; dates and floating times are resolved in `viewer`, the zone of whoever looks.
    fn zone<'a>(&'a self, viewer: &'a TimeZone) -> &'a TimeZone {
        match self {
            Self::Date | Self::Floating => viewer,
            Self::Utc => const { &TimeZone::UTC },
            Self::Zoned(zone) => zone,
        }
    }

    /// The instant of `civil`, seen from `viewer` if the frame has no zone of its own.
    ///
    /// A time that the zone skips is read with the offset before the gap; one that occurs twice is the first
    /// (RFC 5545 section 3.3.5).
    pub fn instant(&self, civil: DateTime, viewer: &TimeZone) -> Timestamp {
        let resolved = self.zone(viewer).to_ambiguous_zoned(civil).disambiguate(Disambiguation::Compatible);
        match resolved {
            Ok(zoned) => Timestamp::from_millis(zoned.timestamp().as_millisecond()),
            // Only at the ends of time, some hours from the year -9999 or 9999.
            Err(_) if civil.year() > 0 => Timestamp::MAX,
            Err(_) => Timestamp::from_millis(i64::MIN),
        }
    }

    /// The civil time that clocks show in this frame at the instant of `civil`. Differs from `civil` only where the
    /// zone skips it.
    pub(super) fn shown(&self, civil: DateTime) -> DateTime {
        match self {
            Self::Date | Self::Floating | Self::Utc => civil,
            Self::Zoned(zone) => {
                let resolved = zone.to_ambiguous_zoned(civil).disambiguate(Disambiguation::Compatible);
                resolved.map_or(civil, |zoned| zoned.datetime())
            }
        }
    }

    /// The civil time in this frame of an instant given in UTC.
    #[cfg(feature = "ical")]
    pub(super) fn civil_of_utc(&self, utc: DateTime) -> DateTime {
        match self {
            Self::Date | Self::Floating | Self::Utc => utc,
            Self::Zoned(zone) => match TimeZone::UTC.to_timestamp(utc) {
                Ok(instant) => zone.to_datetime(instant),
                Err(_) => utc,
            },
        }
    }
}
