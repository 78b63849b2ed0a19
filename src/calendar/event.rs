//! A calendar event: one entry of a calendar, with everything that says when it happens.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span};

use super::error::CalendarError;
use super::ical::{Component, Property};
use super::rule::RecurrenceRule;
use super::zone::Frame;
use crate::id::{PolicyName, SeriesId};
use crate::time::{Timestamp, Window};

/// How long an occurrence takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Civil days: from a wall clock time to the same one days later, however long the days are.
    pub(super) days: i32,
    /// Exact time after that.
    pub(super) exact: SignedDuration,
}

impl Length {
    /// No time at all.
    pub const ZERO: Self = Self { days: 0, exact: SignedDuration::ZERO };

    /// An exact time in whole seconds, in units of hours and below.
    ///
    /// # Errors
    /// [`CalendarError::Length`] when it is below zero, not in whole seconds, or holds days and above.
    pub fn exact(span: Span) -> Result<Self, CalendarError> {
        let exact =
            SignedDuration::try_from(span).ok().filter(|exact| !exact.is_negative() && exact.subsec_nanos() == 0);
        let exact = exact.ok_or_else(|| CalendarError::Length { length: span.to_string() })?;
        Ok(Self { days: 0, exact })
    }

    /// Civil days.
    pub fn days(days: u16) -> Self {
        Self { days: i32::from(days), exact: SignedDuration::ZERO }
    }

    /// The civil days, and the exact time after them.
    pub(crate) fn parts(&self) -> (i32, SignedDuration) {
        (self.days, self.exact)
    }

    /// From `start` to `end`, both as civil times of one frame.
    pub(super) fn between(frame: &Frame, start: DateTime, end: DateTime) -> Self {
        let viewer = TimeZone::UTC;
        if *frame == Frame::Date {
            let days = end.date().since(start.date()).map(|span| span.get_days()).unwrap_or_default();
            return Self { days: days.max(0), exact: SignedDuration::ZERO };
        }
        let millis = frame.instant(end, &viewer).as_millis() - frame.instant(start, &viewer).as_millis();
        Self { days: 0, exact: SignedDuration::from_millis(millis.max(0)) }
    }

    /// The civil end, in `frame`, of an occurrence that starts at `start`, and the instants where the frame has them.
    pub(super) fn end(&self, frame: &Frame, start: DateTime) -> (DateTime, Option<Window>) {
        let later = start.checked_add(Span::new().days(self.days)).unwrap_or(DateTime::MAX);
        let exact = |from: DateTime| from.checked_add(self.exact).unwrap_or(DateTime::MAX);
        let viewer = TimeZone::UTC;
        match frame {
            Frame::Date | Frame::Floating => (exact(later), None),
            Frame::Utc => {
                let end = exact(later);
                (end, Some(Window::new(frame.instant(start, &viewer), frame.instant(end, &viewer))))
            }
            Frame::Zoned(zone) => {
                let end = Timestamp::from_millis(
                    frame
                        .instant(later, &viewer)
                        .as_millis()
                        .saturating_add(self.exact.as_secs().saturating_mul(1_000)),
                );
                let shown = jiff::Timestamp::from_millisecond(end.as_millis()).ok();
                let shown = shown.map_or(exact(later), |end| zone.time_zone().to_datetime(end));
                (shown, Some(Window::new(frame.instant(start, &viewer), end)))
            }
        }
    }
}

/// Which occurrences a change applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// One.
    This,
    /// One and all later ones (RANGE=THISANDFUTURE, RFC 5545 section 3.2.13).
    ThisAndFuture,
}

/// What becomes of a start that the zone skips when clocks are put forward. RFC 5545 section 3.3.10 says both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gap {
    /// It happens all the same, read with the offset before the gap: 02:30 is shown as 03:30 (section 3.3.5). One that
    /// has bookings must not vanish, so this is the default.
    #[default]
    Shift,
    /// It does not happen, and COUNT does not count it.
    Skip,
}

/// What an entry says beyond when it happens, as it stands in its iCalendar component: DESCRIPTION, LOCATION, ATTENDEE,
/// X- properties, alarms. Kept in order, so that what is not understood here is written as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// SEQUENCE: how often the entry was changed in a way that matters to who attends (RFC 5545 section 3.8.7.4).
    pub sequence: u32,
    /// DTSTAMP: when the entry was last written, as the record says (section 3.8.7.2).
    pub stamp: Option<Timestamp>,
    /// All properties that [`CalendarEvent`] and [`Change`] have no field for.
    pub properties: Vec<Property>,
    /// Components inside it, such as VALARM.
    pub components: Vec<Component>,
}

/// What became of one occurrence (RECURRENCE-ID, RFC 5545 section 3.8.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The original start of the occurrence, in the series' own time.
    pub of: DateTime,
    /// Which occurrences it applies to.
    pub range: Range,
    /// The start it has now, in `frame`.
    pub start: DateTime,
    /// The frame it is in now.
    pub frame: Frame,
    /// The length it has now.
    pub length: Length,
    /// The summary it has now.
    pub summary: Arc<str>,
    /// Whether it is cancelled.
    pub cancelled: bool,
    /// What else it says.
    pub details: Arc<Details>,
}

impl Change {
    /// Where it puts the occurrence, in the civil time of the series' own frame.
    pub(super) fn start_in(&self, frame: &Frame) -> DateTime {
        match (&self.frame, frame) {
            (Frame::Utc | Frame::Zoned(_), Frame::Utc | Frame::Zoned(_)) if self.frame != *frame => {
                frame.civil_of(self.frame.instant(self.start, &TimeZone::UTC))
            }
            (_, Frame::Date) => self.start.date().at(0, 0, 0, 0),
            _ => self.start,
        }
    }
}

/// One entry of a calendar.
///
/// ```
/// use boxoffice_core::calendar::{CalendarEvent, Frame, Length};
/// use boxoffice_core::id::SeriesId;
/// use jiff::civil::date;
///
/// let fair = CalendarEvent::new(
///     SeriesId::new("fair")?,
///     "Book fair",
///     date(2026, 10, 14).at(0, 0, 0, 0),
///     Frame::Date,
///     Length::days(5),
/// )
/// .with_capacity(300);
/// assert_eq!(fair.capacity, Some(300));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarEvent {
    /// The series that its occurrences belong to.
    pub series: SeriesId,
    /// What it is, for people.
    pub summary: Arc<str>,
    /// The first start, as civil time in `frame`.
    pub start: DateTime,
    /// How `start` and every other civil time of the event is meant.
    pub frame: Frame,
    /// How long an occurrence takes.
    pub length: Length,
    /// When it happens again. If there is a rule, the rule alone says when: the first start is an occurrence only if
    /// the rule gives it.
    pub rules: Vec<RecurrenceRule>,
    /// Further starts, with a length of their own if they have one (RDATE, RFC 5545 section 3.8.5.2).
    pub dates: Vec<(DateTime, Option<Length>)>,
    /// Rules whose starts do not happen (EXRULE, RFC 2445 section 4.8.5.2; gone from RFC 5545, still in old files).
    pub excluded_rules: Vec<RecurrenceRule>,
    /// Starts that do not happen (EXDATE, RFC 5545 section 3.8.5.1).
    pub excluded: Vec<DateTime>,
    /// Days on which nothing happens.
    pub excluded_days: Vec<jiff::civil::Date>,
    /// Occurrences that were moved, changed or cancelled.
    pub changes: Vec<Change>,
    /// Whether the whole entry is cancelled.
    pub cancelled: bool,
    /// Seats of each occurrence, if they are for sale.
    pub capacity: Option<u32>,
    /// Policies that whoever takes a seat must satisfy. The rules of availability say what each of them forbids.
    pub policies: BTreeSet<PolicyName>,
    /// What becomes of starts that the zone skips.
    pub gap: Gap,
    /// What else it says.
    pub details: Arc<Details>,
}

impl CalendarEvent {
    /// An entry that happens once. A start in whole days ([`Frame::Date`]) is taken back to midnight.
    pub fn new(series: SeriesId, summary: impl Into<Arc<str>>, start: DateTime, frame: Frame, length: Length) -> Self {
        let start = if frame == Frame::Date { start.date().at(0, 0, 0, 0) } else { start };
        Self {
            series,
            summary: summary.into(),
            start,
            frame,
            length,
            rules: Vec::new(),
            dates: Vec::new(),
            excluded_rules: Vec::new(),
            excluded: Vec::new(),
            excluded_days: Vec::new(),
            changes: Vec::new(),
            cancelled: false,
            capacity: None,
            policies: BTreeSet::new(),
            gap: Gap::Shift,
            details: Arc::default(),
        }
    }

    /// The same entry, happening again as `rule` says.
    #[must_use]
    pub fn repeating(mut self, rule: RecurrenceRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// The same entry, without the occurrence that starts at `start`.
    #[must_use]
    pub fn except(mut self, start: DateTime) -> Self {
        self.excluded.push(start);
        self
    }

    /// The same entry with seats for sale.
    #[must_use]
    pub fn with_capacity(mut self, seats: u32) -> Self {
        self.capacity = Some(seats);
        self
    }

    /// The same entry, with a policy for whoever takes a seat.
    #[must_use]
    pub fn with_policy(mut self, policy: PolicyName) -> Self {
        self.policies.insert(policy);
        self
    }
}

/// The days and the exact rest of a nominal duration such as `P1DT2H` (RFC 5545 section 3.3.6).
pub(super) fn nominal(weeks: i64, days: i64, seconds: i64) -> Length {
    let days = i32::try_from(weeks * 7 + days).unwrap_or(i32::MAX).min(3_660_000);
    Length { days: days.max(0), exact: SignedDuration::from_secs(seconds.max(0)) }
}
