//! The command lines of `boxoffice free`, `next-free` and `why-not`.

use core::str::FromStr;
use core::time::Duration;

use boxoffice::id::AttendeeId;
use boxoffice::jiff::SignedDuration;
use boxoffice::time::Timestamp;
use clap::Args;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::error::HostError;
use crate::store::Place;

/// What all of them are asked with.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// The store
    #[arg(value_name = "STORE")]
    pub(crate) store: Place,
    /// Who; behind -- where the name begins with -
    #[arg(value_name = "ATTENDEE")]
    pub(crate) attendee: AttendeeId,
    /// From when on: 2026-12-01, 2026-12-01T19:00, or an instant such as 2026-12-01T19:00:00Z
    #[arg(value_name = "FROM")]
    pub(crate) from: When,
    /// Up to when
    #[arg(value_name = "TO")]
    pub(crate) to: When,
    /// The zone that days and times are meant and shown in
    #[arg(long, value_name = "TZ", default_value = "UTC")]
    pub(crate) zone: String,
    /// Print JSON lines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FreeArgs {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// And this attendee, at the same time; may be given again for more
    #[arg(long = "with", value_name = "ID")]
    pub(crate) others: Vec<AttendeeId>,
    /// Only spans of at least this length, as 90m or 1h30m [default: any]
    #[arg(long, value_name = "LENGTH")]
    pub(crate) length: Option<Span>,
    /// Spans at most; when there are more it is said on standard error
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct NextFreeArgs {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// For how long, as 90m or 1h30m
    #[arg(long, value_name = "LENGTH", default_value = "1h")]
    pub(crate) length: Span,
}

#[derive(Debug, Args)]
pub(crate) struct WhyNotArgs {
    #[command(flatten)]
    pub(crate) asked: Asked,
}

/// An instant, or what clocks show in a zone that is named elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    Instant(Timestamp),
    Civil(DateTime),
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(instant) = text.parse() {
            return Ok(Self::Instant(instant));
        }
        let wrong = || format!("{text:?} is no day, time or instant such as 2026-12-01T19:00:00Z");
        text.parse().map(Self::Civil).map_err(|_| wrong())
    }
}

impl When {
    pub(crate) fn instant(self, zone: &TimeZone) -> Result<Timestamp, HostError> {
        let civil = match self {
            Self::Instant(instant) => return Ok(instant),
            Self::Civil(civil) => civil,
        };
        let instant = zone.to_ambiguous_zoned(civil).compatible();
        let outside = |_| HostError::Usage(format!("{civil} lies outside the years that can be asked for"));
        Ok(Timestamp::from_millis(instant.map_err(outside)?.timestamp().as_millisecond()))
    }
}

/// A length of time, more than none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let length: Option<Duration> = text.parse::<SignedDuration>().ok().and_then(|length| length.try_into().ok());
        let length = length.filter(|length| length.as_millis() > 0);
        length.map(Self).ok_or_else(|| format!("{text:?} is no length of time such as 90m or 1h30m"))
    }
}
