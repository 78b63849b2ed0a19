//! The occurrences of one event, one after the other.

use core::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::day::{self, Dates};
use super::error::Truncated;
use super::event::{CalendarEvent, Change, Length, Range};
use super::expand::{Civil, DAY, Steps};
use super::occurrence::{Occurrence, Select, Shared};
use super::resolve::{CHANGE_MAX, Instant, Resolver};
use super::source::{Bounds, Left, Next, Segment, Source, Start, civil_range, ends_before_start, reach};
use super::zone::Frame;
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

/// The whole of time.
const ALWAYS: Segment<'static> = Segment { number: 0, from: Civil::MIN, to: Civil::MAX, following: None };

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

    /// Whether one of the original starts is `civil`: changes are not looked at, exclusions are.
    pub(super) fn has_original(mut self, civil: Civil) -> Result<bool, Truncated> {
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

    /// Works out what the window needs, once, when the first occurrence is asked for.
    fn start(&mut self) {
        self.started = true;
        let event = self.event;
        let (from, to) = match self.window {
            Asked::Civil(from, to) => (self.zone.bound(from), self.zone.bound(to)),
            Asked::Instants(from, to) => (from, to),
        };
        let longest =
            |lengths: &mut dyn Iterator<Item = Length>| lengths.map(|length| reach(&length)).max().unwrap_or(0);
        let dates = &mut event.dates.iter().filter_map(|(_, length)| *length);
        let before = match self.select {
            Select::Starting => 0,
            Select::Overlapping => reach(&event.length).max(longest(dates)),
        };
        let bounds = Bounds { from: from.saturating_sub(before), to };
        let lasting: Vec<&Change> = lasting(event);
        // Originals may lie anywhere if they were moved.
        let everywhere = Bounds { from: Instant::MIN / 2, to: Instant::MAX / 2 };
        self.exclude(if lasting.is_empty() { bounds } else { everywhere });
        self.list_dates();
        let mut first = Civil::MIN;
        let mut following = None;
        for change in lasting.iter().copied().map(Some).chain([None]) {
            let end = change.map_or(Civil::MAX, |change| day::civil(change.of));
            let segment = Segment { number: self.shared.len(), from: first, to: end, following };
            self.shared.push(event.shared(following));
            let before = match (self.select, following) {
                (Select::Overlapping, Some(change)) => reach(&change.length),
                (Select::Starting, _) | (_, None) => before,
            };
            self.open(segment, Bounds { from: from.saturating_sub(before), to });
            (first, following) = (end, change);
        }
        self.find_changed();
        self.line_up();
    }

    /// Opens the sources of a segment.
    fn open(&mut self, segment: Segment<'e>, bounds: Bounds) {
        let event = self.event;
        let (first, last) = civil_range(&bounds, &segment, &mut self.zone);
        if last < first {
            return;
        }
        let mut repeats = false;
        for rule in &event.rules {
            if ends_before_start(rule, event, &mut self.zone) {
                continue;
            }
            repeats = true;
            match Source::of_rule(rule, event, (segment, bounds), &mut self.zone, &mut self.steps) {
                Ok(source) => self.add(source),
                Err(at) => self.stop(at),
            }
        }
        let mut dates: Vec<(Civil, Option<Length>)> = Vec::new();
        let start = day::civil(event.start);
        if !repeats && (first..=last).contains(&start) {
            // Without a rule, or with one that ended before it began, the first start is one.
            dates.push((start, None));
        }
        // There may be as many segments as dates: each looks at its own alone.
        let begin = self.listed.partition_point(|(at, _)| *at < first);
        dates.extend(self.listed.iter().skip(begin).take_while(|(at, _)| *at <= last));
        if !dates.is_empty() {
            dates.sort_by_key(|(at, _)| *at);
            self.add(Source::of_dates(dates, event, (segment, bounds)));
        }
    }

    fn list_dates(&mut self) {
        self.listed = self.event.dates.iter().map(|(at, length)| (day::civil(*at), *length)).collect();
        self.listed.sort_by_key(|(at, _)| *at);
    }

    /// Gathers what is excluded, and what has a change of its own, near the bounds.
    fn exclude(&mut self, bounds: Bounds) {
        let event = self.event;
        let near = self.zone.civil(bounds.from).saturating_sub(CHANGE_MAX)
            ..=self.zone.civil(bounds.to).saturating_add(CHANGE_MAX);
        let zone = &mut self.zone;
        let mut sorted = |times: &mut dyn Iterator<Item = DateTime>| {
            let times = times.map(day::civil).filter(|civil| near.contains(civil));
            let mut instants: Vec<Instant> = times.map(|civil| zone.instant(civil).at).collect();
            instants.sort_unstable();
            instants
        };
        self.left.out = sorted(&mut event.excluded.iter().copied());
        self.left.changed = sorted(&mut event.changes.iter().map(|change| change.of));
        self.left.out_days = event.excluded_days.iter().map(|date| day::number(*date)).collect();
        self.left.out_days.sort_unstable();
    }

    /// Changed ones are found by the start they have now, and are shown even if the rule no longer gives them; an
    /// excluded one stays excluded, however it was changed.
    fn find_changed(&mut self) {
        let event = self.event;
        if event.changes.is_empty() {
            return;
        }
        let everywhere = Bounds { from: Instant::MIN / 2, to: Instant::MAX / 2 };
        self.exclude(everywhere);
        for change in &event.changes {
            let original = day::civil(change.of);
            let of = self.zone.instant(original).at;
            if self.left.is_excluded(of, original) {
                continue;
            }
            let occurrence = event.changed(change);
            let at = match (&event.frame, &change.frame) {
                (Frame::Zoned(_) | Frame::Utc, Frame::Zoned(_) | Frame::Utc) => {
                    seconds(occurrence.window(const { &TimeZone::UTC }).start)
                }
                _ => self.zone.instant(day::civil(occurrence.start)).at,
            };
            let belongs = match self.window {
                Asked::Civil(from, to) => {
                    self.belongs(day::civil(occurrence.start), day::civil(occurrence.end), from, to)
                }
                Asked::Instants(from, to) => {
                    let window = occurrence.window(self.zone.zone());
                    self.belongs(seconds(window.start), seconds(window.end), from, to)
                }
            };
            if belongs {
                self.changed.push(Changed { at, change });
            }
        }
        self.changed.sort_by_key(|changed| Reverse((changed.at, changed.change.of)));
    }

    fn belongs(&self, start: i64, end: i64, from: i64, to: i64) -> bool {
        match self.select {
            Select::Starting => from <= start && start < to,
            Select::Overlapping => (end > from || (end == start && start == from)) && start < to,
        }
    }

    fn add(&mut self, source: Source<'e>) {
        self.sources.push(source);
        self.starts.push(None);
    }

    /// The first of each source. One source that nothing is merged with is read as it comes.
    fn line_up(&mut self) {
        self.alone = self.sources.len() == 1 && self.changed.is_empty() && self.heads.is_empty();
        if !self.alone {
            (0..self.sources.len()).for_each(|source| self.refill(source));
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
        self.changed.clear();
        self.sources.clear();
        // A COUNT is counted from before the window; going on there would give what nobody asked for.
        let resume = match (self.select, self.window) {
            (Select::Overlapping, _) => self.zone.civil(at),
            (Select::Starting, Asked::Civil(from, _)) => self.zone.civil(at).max(from),
            (Select::Starting, Asked::Instants(from, _)) => self.zone.civil(at.max(from)),
        };
        let resume = day::datetime(resume).unwrap_or(self.event.start);
        Truncated { series: self.event.series.clone(), resume, steps: self.allowed }
    }

    /// The least of all sources; none where one instant comes again, under another of its civil times. What follows
    /// is then for the caller to ask for: a changed one may come before it.
    fn next_start(&mut self) -> Option<Result<Option<Start<'e>>, Truncated>> {
        let start = match self.least()? {
            Ok(start) => start,
            Err(at) => return Some(Err(self.truncated(at))),
        };
        // Two originals at one instant are one occurrence, unless a change has moved one of them there.
        let original_at = if start.following.is_some() { self.zone.instant(start.original).at } else { start.at };
        if self.last.is_some_and(|(at, original)| at == start.at && original == original_at) {
            return Some(Ok(None));
        }
        self.last = Some((start.at, original_at));
        Some(Ok(Some(start)))
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

/// The changes that apply to all later ones too, by the start they speak of.
fn lasting(event: &CalendarEvent) -> Vec<&Change> {
    let mut lasting: Vec<&Change> =
        event.changes.iter().filter(|change| change.range == Range::ThisAndFuture).collect();
    lasting.sort_by_key(|change| change.of);
    lasting
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
                Ok(Some(start)) => {
                    if let Some(occurrence) = self.occurrence(&start) {
                        return Some(Ok(occurrence));
                    }
                }
                Ok(None) => {}
                Err(truncated) => return Some(Err(truncated)),
            }
        }
    }
}

impl core::iter::FusedIterator for Occurrences<'_> {}
