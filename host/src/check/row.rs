//! One occurrence as two programs would say it.

use boxoffice::calendar::{Frame, Occurrence};
use boxoffice::time::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::Deserialize;

/// An occurrence that is expected.
#[derive(Debug, Deserialize)]
pub(super) struct Expected {
    #[serde(default)]
    uid: String,
    start: String,
    end: String,
    start_utc: Option<String>,
    end_utc: Option<String>,
    #[serde(default)]
    cancelled: bool,
}

/// What is compared: uid, start and end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    uid: String,
    clock: (DateTime, DateTime),
    instants: Option<(Timestamp, Timestamp)>,
}

impl Row {
    /// Instants are compared where both have them: zones that are in no database have no names in common. Where one has
    /// none, as days and unknown zones do, the times on the clock are.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        self.uid == other.uid
            && match (self.instants, other.instants) {
                (Some(one), Some(other)) => one == other,
                (None, _) | (_, None) => self.clock == other.clock,
            }
    }
}

impl core::fmt::Display for Row {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (start, end) = self.clock;
        write!(f, "[{} {start} to {end}", self.uid)?;
        match self.instants {
            Some((start, end)) => write!(f, ", {start} to {end}]"),
            None => f.write_str("]"),
        }
    }
}

impl Expected {
    pub(super) fn row(&self) -> Result<Row, String> {
        let civil = |text: &str| {
            let text = text.trim_end_matches('Z');
            let date = |_| text.parse::<Date>().map(DateTime::from);
            text.parse().or_else(date).map_err(|_| format!("{text:?} is no time"))
        };
        let instant = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
        Ok(Row {
            uid: self.uid.clone(),
            clock: (civil(&self.start)?, civil(&self.end)?),
            instants: instant(&self.start_utc).zip(instant(&self.end_utc)),
        })
    }

    pub(super) fn cancelled(&self) -> bool {
        self.cancelled
    }
}

impl From<&Occurrence> for Row {
    fn from(found: &Occurrence) -> Self {
        let uid = found.id.series().as_str();
        // Where the file has no UID, one is made here and none there.
        let uid = if uid.starts_with("no-uid-") { "" } else { uid };
        let window = found.window(&TimeZone::UTC);
        let instants = match found.frame {
            Frame::Utc | Frame::Zoned(_) => Some((window.start, window.end)),
            Frame::Date | Frame::Floating => None,
        };
        Self { uid: uid.to_owned(), clock: (found.start, found.end), instants }
    }
}
