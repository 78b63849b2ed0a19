//! How long before an occurrence somebody is reminded of it.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use serde::{Deserialize, Serialize};

use super::clock::{LocalTime, first_instant, shown};
use crate::calendar::{Reminder, Trigger};
use crate::time::{Timestamp, Window};

/// Most reminders that are made from one VALARM, its repetitions included.
const REPEATS_MAX: u32 = 10;

/// When a reminder of an occurrence is due. Whole seconds: what is below is dropped.
///
/// As text: `PT30M` before the start (`-PT30M` after it), `PT10M before end`, `1 day before at 18:00`, or an instant. Days and
/// weeks of a duration are 24 and 168 hours; the day before by the clock is `1 day before at ...`.
///
/// ```
/// use boxoffice_core::notify::Lead;
/// use boxoffice_core::time::Window;
/// use boxoffice_core::jiff::tz::TimeZone;
///
/// let berlin = TimeZone::get("Europe/Berlin")?;
/// let evening = Window::new("2026-01-05T18:00:00Z".parse()?, "2026-01-05T20:00:00Z".parse()?);
/// let lead: Lead = "1 day before at 18:00".parse()?;
/// assert_eq!(lead.due(evening, &berlin), Some("2026-01-04T17:00:00Z".parse()?));
/// let lead: Lead = "PT90M".parse()?;
/// assert_eq!((lead.to_string(), lead.name()), ("PT1H30M".to_owned(), "b5400".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Lead {
    /// So long before the start; below zero it is after it.
    Before(SignedDuration),
    /// So long before the end; below zero it is after it.
    BeforeEnd(SignedDuration),
    /// At a time of the day in the occurrence's own zone.
    Local {
        /// So many days before the one on which it starts; 0 is that day.
        days_before: u16,
        /// When on that day. May be later than the start.
        at: LocalTime,
    },
    /// Once, at this instant.
    At(Timestamp),
}

/// Why a text is no lead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no lead such as PT30M, `PT10M before end`, `1 day before at 18:00` or 2026-01-01T19:00:00Z")]
pub struct LeadError {
    text: String,
}

impl Lead {
    /// What a VALARM asks for: its first reminder, then its repetitions, 10 in all at most.
    pub fn from_reminder(reminder: &Reminder) -> Vec<Self> {
        let (count, interval) = reminder.repeat.unwrap_or((0, SignedDuration::ZERO));
        let times = (0..=count).take(usize::try_from(REPEATS_MAX).unwrap_or(usize::MAX));
        let later = times.map(|times| interval.checked_mul(i32::try_from(times).ok()?));
        later.map_while(|later| Self::triggered(reminder.trigger, later?)).collect()
    }

    /// The lead of a trigger, put off by so much.
    fn triggered(trigger: Trigger, later: SignedDuration) -> Option<Self> {
        let before = |after: SignedDuration| after.checked_add(later)?.checked_neg();
        match trigger {
            Trigger::Start(after) => before(after).map(Self::Before),
            Trigger::End(after) => before(after).map(Self::BeforeEnd),
            Trigger::At(at) => Some(Self::At(at + Duration::try_from(later).ok()?)),
        }
    }

    /// When it is due for an occurrence whose instants are `occurrence`, in the zone of its event.
    ///
    /// A local time that clocks skip is the first instant after the gap; one that they show twice is the first. None at the ends
    /// of the calendar.
    pub fn due(&self, occurrence: Window, zone: &TimeZone) -> Option<Timestamp> {
        match *self {
            Self::Before(span) => earlier(occurrence.start, span),
            Self::BeforeEnd(span) => earlier(occurrence.end, span),
            Self::Local { days_before, at } => {
                let day = shown(occurrence.start, zone)?.date().checked_sub(i64::from(days_before).days()).ok()?;
                first_instant(day.to_datetime(at.time()), zone)
            }
            Self::At(at) => Some(at),
        }
    }

    /// Its short name for ids, the same in every release: `b1800` (seconds before the start), `a1800` (after it), `e600` and
    /// `f600` (before and after the end), `d1-1800` (one day before at 18:00), `i1767636000000` (an instant).
    pub fn name(&self) -> String {
        let spanned = |before, after, span: SignedDuration| {
            let seconds = span.as_secs();
            format!("{}{}", if seconds < 0 { after } else { before }, seconds.unsigned_abs())
        };
        match *self {
            Self::Before(span) => spanned('b', 'a', span),
            Self::BeforeEnd(span) => spanned('e', 'f', span),
            Self::Local { days_before, at } => {
                format!("d{days_before}-{:02}{:02}", at.time().hour(), at.time().minute())
            }
            Self::At(at) => format!("i{}", at.as_millis()),
        }
    }

    fn read(text: &str) -> Option<Self> {
        if let Some(span) = text.strip_suffix(" before end") {
            return read_span(span).map(Self::BeforeEnd);
        }
        if let Some((days, at)) = text.split_once(" before at ") {
            let (days, unit) = days.split_once(' ')?;
            let days_before = days.parse().ok().filter(|_| days.bytes().all(|byte| byte.is_ascii_digit()))?;
            return matches!(unit, "day" | "days").then_some(Self::Local { days_before, at: at.parse().ok()? });
        }
        read_span(text).map(Self::Before).or_else(|| text.parse().ok().map(Self::At))
    }
}

fn earlier(at: Timestamp, span: SignedDuration) -> Option<Timestamp> {
    let millis = span.as_secs().checked_mul(1_000)?;
    at.as_millis().checked_sub(millis).map(Timestamp::from_millis)
}

/// Units of a duration (RFC 5545 section 3.3.6) in seconds, in their order; those behind `T` are of the clock.
const UNITS: [(char, bool, i64); 5] =
    [('W', false, 604_800), ('D', false, 86_400), ('H', true, 3_600), ('M', true, 60), ('S', true, 1)];

/// Reads a duration such as `P1DT2H`, each unit at most once and in order.
fn read_span(text: &str) -> Option<SignedDuration> {
    let (minus, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mut rest, mut clock, mut seconds, mut found) = (rest.strip_prefix('P')?, false, 0_i64, false);
    for (letter, of_clock, unit) in UNITS {
        if of_clock && !clock {
            let Some(behind) = rest.strip_prefix('T').filter(|behind| !behind.is_empty()) else { break };
            (rest, clock) = (behind, true);
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at_checked(digits)?;
        if let Some(behind) = behind.strip_prefix(letter) {
            seconds = number.parse::<i64>().ok()?.checked_mul(unit)?.checked_add(seconds)?;
            (rest, found) = (behind, true);
        }
    }
    let whole = found && rest.is_empty() && !(minus && seconds == 0);
    whole.then(|| SignedDuration::from_secs(if minus { -seconds } else { seconds }))
}

/// Writes a duration so that [`read_span`] reads it.
fn write_span(span: SignedDuration, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let seconds = span.as_secs().unsigned_abs();
    f.write_str(if span.as_secs() < 0 { "-P" } else { "P" })?;
    let (days, clock) = (seconds / 86_400, seconds % 86_400);
    if days > 0 {
        write!(f, "{days}D")?;
    }
    if clock == 0 {
        return if days > 0 { Ok(()) } else { f.write_str("T0S") };
    }
    f.write_str("T")?;
    let parts = [(clock / 3_600, 'H'), (clock / 60 % 60, 'M'), (clock % 60, 'S')];
    parts.into_iter().filter(|(number, _)| *number > 0).try_for_each(|(number, unit)| write!(f, "{number}{unit}"))
}

impl fmt::Display for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(span) => write_span(*span, f),
            Self::BeforeEnd(span) => {
                write_span(*span, f)?;
                f.write_str(" before end")
            }
            Self::Local { days_before: 1, at } => write!(f, "1 day before at {at}"),
            Self::Local { days_before, at } => write!(f, "{days_before} days before at {at}"),
            Self::At(at) => at.fmt(f),
        }
    }
}

impl FromStr for Lead {
    type Err = LeadError;

    fn from_str(text: &str) -> Result<Self, LeadError> {
        Self::read(text).ok_or_else(|| LeadError { text: text.chars().take(80).collect() })
    }
}

impl TryFrom<String> for Lead {
    type Error = LeadError;

    fn try_from(text: String) -> Result<Self, LeadError> {
        text.parse()
    }
}

impl From<Lead> for String {
    fn from(lead: Lead) -> Self {
        lead.to_string()
    }
}
