//! The occurrences of one event, one after the other.

mod prepare;

use core::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use self::prepare::ALWAYS;
use crate::calendar::day::{self, Dates};
use crate::calendar::error::Truncated;
use crate::calendar::event::{CalendarEvent, Change, Length};
use crate::calendar::expand::{Civil, DAY, Steps};
use crate::calendar::occurrence::{Occurrence, Select, Shared};
use crate::calendar::resolve::{Instant, Resolver};
use crate::calendar::source::{Bounds, Left, Next, Source, Start};
use crate::calendar::zone::Frame;
use crate::time::{Timestamp, Window};

/// Steps that an expansion may take if nothing else is said: periods looked at, candidates tried and starts found.
pub const STEPS_MAX: u64 = 500_000;

/// The occurrences of an event in a window, strictly ascending by start and id, worked out as they are asked for.
///
/// Made by [`CalendarEvent::occurrences`] and [`CalendarEvent::occurrences_within`]. After [`Truncated`] it ends.
#[derive(Clone, Debug)]
pub struct Occurrences<'e> {
    event: &'e CalendarEvent,
    zone: Resolver<'e>,
    window: Asked,
    select: Select,
    sources: Vec<Source<'e>>,
    left: Left,
    /// The next of each source, least first.
    heads: BinaryHeap<Reverse<Head>>,
    starts: Vec<Option<Start<'e>>>,
    /// Changed occurrences that belong to the window, the next last.
    changed: Vec<Changed<'e>>,
    last: Option<(Instant, Civil)>,
    steps: Steps,
    allowed: u64,
    started: bool,
    alone: bool,
    dates: Dates,
    /// The listed dates of the event, ascending.
    listed: Vec<(Civil, Option<Length>)>,
    /// What the occurrences of each segment have in common.
    shared: Vec<Arc<Shared>>,
}

/// How the window is meant, `[from, to)`.
#[derive(Clone, Copy, Debug)]
enum Asked {
    /// In the civil time of each occurrence.
    Civil(Civil, Civil),
    /// As instants.
    Instants(Instant, Instant),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    at: Instant,
    original: Civil,
    source: usize,
}

#[derive(Clone, Copy, Debug)]
struct Changed<'e> {
    at: Instant,
    change: &'e Change,
}

/// Milliseconds to seconds, rounded up: the first whole second at or after an instant.
fn seconds(at: Timestamp) -> Instant {
    at.as_millis().div_euclid(1_000) + i64::from(at.as_millis().rem_euclid(1_000) != 0)
}

impl<'e> Occurrences<'e> {
    pub(super) fn in_civil_time(event: &'e CalendarEvent, from: DateTime, to: DateTime, select: Select) -> Self {
        let zone = match &event.frame {
            Frame::Date | Frame::Floating | Frame::Utc => const { &TimeZone::UTC },
            Frame::Zoned(zone) => zone.time_zone(),
        };
        Self::new(event, zone, Asked::Civil(day::civil(from), day::civil(to)), select)
    }

    pub(super) fn at_instants(event: &'e CalendarEvent, window: Window, viewer: &'e TimeZone, select: Select) -> Self {
        let zone = event.frame.zone(viewer);
        Self::new(event, zone, Asked::Instants(seconds(window.start), seconds(window.end)), select)
    }

    fn new(event: &'e CalendarEvent, zone: &'e TimeZone, window: Asked, select: Select) -> Self {
        Self {
            event,
            zone: Resolver::new(zone),
            window,
            select,
            sources: Vec::new(),
            left: Left::default(),
            heads: BinaryHeap::new(),
            starts: Vec::new(),
            changed: Vec::new(),
            last: None,
            steps: Steps::new(STEPS_MAX),
            allowed: STEPS_MAX,
            started: false,
            alone: false,
            dates: Dates::default(),
            listed: Vec::new(),
            shared: Vec::new(),
        }
    }

    /// The same with another number of steps allowed. The default is [`STEPS_MAX`].
    #[must_use]
    pub fn with_steps(mut self, steps: u64) -> Self {
        (self.steps, self.allowed) = (Steps::new(steps), steps);
        self
    }

    /// Steps that are left of those allowed: for a budget that many series share.
    pub fn steps_left(&self) -> u64 {
        self.steps.left()
    }

    /// Whether one of the original starts is `civil`: changes are not looked at, exclusions are.
    pub(super) fn has_original(&mut self, civil: Civil) -> Result<bool, Truncated> {
        let at = self.zone.instant(civil).at;
        self.started = true;
        self.exclude(Bounds { from: at, to: at + 1 });
        self.left.changed.clear();
        self.list_dates();
        self.open(ALWAYS, Bounds { from: at, to: at + 1 });
        self.line_up();
        loop {
            match self.next_start() {
                None => return Ok(false),
                Some(Ok(Some(start))) if start.original == civil => return Ok(true),
                Some(Ok(_)) => {}
                Some(Err(truncated)) => return Err(truncated),
            }
        }
    }

    /// Whether an original start is excluded by a date.
    pub(super) fn excludes(mut self, civil: Civil) -> bool {
        let at = self.zone.instant(civil).at;
        self.exclude(Bounds { from: at, to: at + 1 });
        self.left.is_excluded(at, civil)
    }

    fn belongs(&self, start: i64, end: i64, from: i64, to: i64) -> bool {
        match self.select {
            Select::Starting => from <= start && start < to,
            // One that starts inside is in it, even if the clock says that it ends before: clocks are put back.
            Select::Overlapping => (end > from || start >= from) && start < to,
        }
    }

    /// Nothing at or after `at` is given any more.
    fn stop(&mut self, at: Instant) {
        self.heads.push(Reverse(Head { at, original: Civil::MIN, source: usize::MAX }));
    }

    fn refill(&mut self, source: usize) {
        let (Some(from), Some(start)) = (self.sources.get_mut(source), self.starts.get_mut(source)) else { return };
        match from.next(&self.left, &mut self.zone, &mut self.steps) {
            Next::At(next) => {
                *start = Some(next);
                self.heads.push(Reverse(Head { at: next.at, original: next.original, source }));
            }
            Next::OutOfSteps(at) => self.stop(at),
            Next::End => {}
        }
    }

    /// The least of all sources, or where the steps ran out.
    fn least(&mut self) -> Option<Result<Start<'e>, Instant>> {
        if self.alone {
            let source = self.sources.first_mut()?;
            return match source.next(&self.left, &mut self.zone, &mut self.steps) {
                Next::At(start) => Some(Ok(start)),
                Next::OutOfSteps(at) => Some(Err(at)),
                Next::End => None,
            };
        }
        let Reverse(head) = self.heads.pop()?;
        if head.source == usize::MAX {
            return Some(Err(head.at));
        }
        let start = self.starts.get_mut(head.source).and_then(Option::take)?;
        self.refill(head.source);
        Some(Ok(start))
    }

    fn truncated(&mut self, at: Instant) -> Truncated {
        self.heads.clear();
        self.sources.clear();
        // A COUNT is counted from before the window; going on there would give what nobody asked for.
        let resume = match (self.select, self.window) {
            (Select::Overlapping, _) => self.zone.civil(at),
            (Select::Starting, Asked::Civil(from, _)) => self.zone.civil(at).max(from),
            (Select::Starting, Asked::Instants(from, _)) => self.zone.civil(at.max(from)),
        };
        // Starts are looked for a little beyond the years that dates have.
        let beyond = if resume < 0 { DateTime::MIN } else { DateTime::MAX };
        let resume = day::datetime(resume).unwrap_or(beyond);
        let resume = self.shown_from().map_or(resume, |shown| shown.min(resume));
        self.changed.clear();
        Truncated { series: self.event.series.clone(), resume, steps: self.allowed }
    }

    /// The first start shown by what was changed and is not given yet, where windows are looked up by what is shown:
    /// clocks of another zone may show a time long past in the series' own.
    fn shown_from(&self) -> Option<DateTime> {
        match self.window {
            Asked::Civil(..) => {
                self.changed.iter().map(|changed| changed.change.frame.shown(changed.change.start)).min()
            }
            Asked::Instants(..) => None,
        }
    }

    /// The least of all sources; one instant comes once, under the first of its civil times, and is `Ok(None)` when it
    /// comes again: what is next then is for the caller to see.
    fn next_start(&mut self) -> Option<Result<Option<Start<'e>>, Truncated>> {
        let start = match self.least()? {
            Ok(start) => start,
            Err(at) => return Some(Err(self.truncated(at))),
        };
        // Two originals at one instant are one occurrence, unless a change has moved one of them there.
        let original_at = if start.following.is_some() { self.zone.instant(start.original).at } else { start.at };
        let given = self.last.is_some_and(|(at, original)| at == start.at && original == original_at);
        self.last = Some((start.at, original_at));
        Some(Ok((!given).then_some(start)))
    }

    fn occurrence(&mut self, start: &Start<'e>) -> Option<Occurrence> {
        let event = self.event;
        let on_clock = match event.frame {
            Frame::Zoned(_) if start.gap => self.zone.civil(start.at),
            Frame::Date | Frame::Floating | Frame::Utc | Frame::Zoned(_) => start.civil,
        };
        let exact = start.length.exact.as_secs();
        let later = on_clock.saturating_add(i64::from(start.length.days) * DAY);
        let (end, end_at) = match event.frame {
            Frame::Date | Frame::Floating => (later.saturating_add(exact), None),
            Frame::Utc => (later.saturating_add(exact), Some(later.saturating_add(exact))),
            Frame::Zoned(_) => {
                let at = if start.length.days == 0 { start.at } else { self.zone.instant(later).at };
                let at = at.saturating_add(exact);
                (self.zone.civil(at), Some(at))
            }
        };
        let belongs = match (self.window, end_at) {
            (Asked::Civil(from, to), _) => self.belongs(on_clock, end, from, to),
            (Asked::Instants(from, to), Some(end_at)) => self.belongs(start.at, end_at, from, to),
            (Asked::Instants(from, to), None) => {
                let end_at = self.zone.instant(end).at;
                self.belongs(start.at, end_at, from, to)
            }
        };
        if !belongs {
            return None;
        }
        let millis = |at: Instant| Timestamp::from_millis(at.saturating_mul(1_000));
        let following = start.following;
        let shown = self.dates.datetime(on_clock)?;
        Some(Occurrence {
            start: shown,
            end: if end == on_clock { shown } else { self.dates.datetime(end).unwrap_or(DateTime::MAX) },
            cancelled: event.cancelled || following.is_some_and(|change| change.cancelled),
            recurrence: event.recurrence_id(if start.original == on_clock {
                shown
            } else {
                self.dates.datetime(start.original)?
            }),
            at: end_at.map(|end| Window::new(millis(start.at), millis(end))),
            shared: Arc::clone(self.shared.get(start.segment)?),
        })
    }
}

impl Iterator for Occurrences<'_> {
    type Item = Result<Occurrence, Truncated>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.started {
            self.start();
        }
        loop {
            let next = self.heads.peek().map(|Reverse(head)| (head.at, head.original));
            let changed = self.changed.last().map(|changed| (changed.at, day::civil(changed.change.of)));
            if changed.is_some_and(|first| next.is_none_or(|next| first <= next)) {
                return self.changed.pop().map(|changed| Ok(self.event.changed(changed.change)));
            }
            match self.next_start()? {
                Ok(start) => {
                    if let Some(occurrence) = start.and_then(|start| self.occurrence(&start)) {
                        return Some(Ok(occurrence));
                    }
                }
                Err(truncated) => return Some(Err(truncated)),
            }
        }
    }
}

impl core::iter::FusedIterator for Occurrences<'_> {}
