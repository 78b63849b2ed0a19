//! One ascending stream of starts: those of a rule, or listed dates, less what is excluded, put into a zone.

use std::collections::VecDeque;

use super::day;
use super::event::{CalendarEvent, Change, Gap, Length};
use super::expand::{Civil, DAY, Steps, Walk, Walker};
use super::resolve::{CHANGE_MAX, Instant, Resolver};
use super::rule::{End, RecurrenceRule, Until};
use super::zone::Frame;

/// One start of a series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start<'e> {
    /// The instant; for series without a zone, seen from the viewer's.
    pub(super) at: Instant,
    /// The start that rule or date first gave it.
    pub(super) original: Civil,
    /// The start on the wall clock, not yet moved out of a gap.
    pub(super) civil: Civil,
    pub(super) gap: bool,
    pub(super) length: Length,
    /// The change that applies to this one and all later ones, if there is one.
    pub(super) following: Option<&'e Change>,
    /// The number of its segment.
    pub(super) segment: usize,
}

/// What a source comes to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next<'e> {
    At(Start<'e>),
    /// The steps ran out; nothing that was not given comes before this.
    OutOfSteps(Instant),
    End,
}

/// The instants that a source is asked for, `[from, to)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) from: Instant,
    pub(super) to: Instant,
}

/// Originals from `from` to `to`, not included, and how far they were moved together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'e> {
    /// Which one it is, from 0.
    pub(super) number: usize,
    pub(super) from: Civil,
    pub(super) to: Civil,
    pub(super) following: Option<&'e Change>,
    pub(super) shift: i64,
}

impl<'e> Segment<'e> {
    /// The segment that begins with a change that lasts.
    pub(super) fn after(change: &'e Change, event: &CalendarEvent, number: usize) -> Self {
        let shift = change.start_in(&event.frame).duration_since(change.of).as_secs();
        Self { number, from: day::civil(change.of), to: Civil::MAX, following: Some(change), shift }
    }
}

/// Starts that do not happen, or that a change of their own speaks for. All ascending.
#[derive(Clone, Debug, Default)]
pub(super) struct Left {
    pub(super) out: Vec<Instant>,
    pub(super) out_days: Vec<i64>,
    pub(super) changed: Vec<Instant>,
}

impl Left {
    pub(super) fn is_excluded(&self, at: Instant, original: Civil) -> bool {
        self.out.binary_search(&at).is_ok() || self.out_days.binary_search(&original.div_euclid(DAY)).is_ok()
    }
}

#[derive(Clone, Debug)]
enum Origin<'e> {
    Rule(Box<Walker<'e>>),
    /// Descending, so that the next is the last.
    Dates(Vec<(Civil, Option<Length>)>),
}

/// One stream of starts.
#[derive(Clone, Debug)]
pub(super) struct Source<'e> {
    origin: Origin<'e>,
    segment: Segment<'e>,
    length: Length,
    bounds: Bounds,
    /// UNTIL, where it takes a zone to say.
    until: Instant,
    /// Starts still to come, where COUNT does not count what a gap swallows.
    left: u64,
    gap: Gap,
    excluded_rules: Vec<Excluded<'e>>,
    /// Starts moved out of a gap, that others may come before. Ascending.
    moved: VecDeque<Start<'e>>,
    /// No start to come is before this.
    passed: Instant,
}

/// How a rule ends: the last civil time that may be a start, and the last instant.
fn end_of(rule: &RecurrenceRule, frame: &Frame, zone: &mut Resolver<'_>) -> (Civil, Instant) {
    let End::Until(until) = rule.end() else {
        return (Civil::MAX, Instant::MAX);
    };
    match (until, frame) {
        // In UTC a day is nobody's own, and a date is the moment it begins, as other programs have it.
        (Until::Date(date), Frame::Utc) => (day::number(date) * DAY, Instant::MAX),
        (Until::Date(date), _) => ((day::number(date) + 1) * DAY - 1, Instant::MAX),
        (Until::Utc(at), Frame::Zoned(_)) => {
            let instant = day::civil(at);
            // A start in a gap is later than clocks say, so that an earlier one may be past the end.
            (zone.civil(instant).saturating_add(CHANGE_MAX), instant)
        }
        (Until::Utc(at), Frame::Date) => ((day::number(at.date()) + 1) * DAY - 1, Instant::MAX),
        (Until::Utc(at) | Until::Local(at), _) => (day::civil(at), Instant::MAX),
    }
}

/// Whether a rule has an end before the first start: it then says nothing at all.
pub(super) fn ends_before_start(rule: &RecurrenceRule, event: &CalendarEvent, zone: &mut Resolver<'_>) -> bool {
    let start = day::civil(event.start);
    let (last, until) = end_of(rule, &event.frame, zone);
    last < start || zone.instant(start).at > until
}

impl<'e> Source<'e> {
    pub(super) fn of_rule(
        rule: &'e RecurrenceRule,
        event: &'e CalendarEvent,
        (segment, bounds): (Segment<'e>, Bounds),
        zone: &mut Resolver<'_>,
        steps: &mut Steps,
    ) -> Result<Self, Instant> {
        let (first, end) = civil_range(&bounds, &segment, zone);
        let (last, until) = end_of(rule, &event.frame, zone);
        let whole_days = event.frame == Frame::Date;
        let start = day::civil(event.start);
        let mut walker = Walker::new(rule, start, last.min(end), whole_days);
        let mut left = u64::MAX;
        match (&event.frame, event.gap, rule.end()) {
            (Frame::Zoned(_), Gap::Skip, End::Count(count)) => {
                left = u64::from(count);
                walker.count_elsewhere();
            }
            _ => walker.seek(first, steps).map_err(|at| zone.bound(at.saturating_add(segment.shift)))?,
        }
        let mut source = Self::new(Origin::Rule(Box::new(walker)), event, segment, bounds);
        (source.until, source.left) = (until, left);
        source.exclude_rules(event, zone);
        Ok(source)
    }

    /// `dates` ascending.
    pub(super) fn of_dates(
        mut dates: Vec<(Civil, Option<Length>)>,
        event: &'e CalendarEvent,
        (segment, bounds): (Segment<'e>, Bounds),
        zone: &mut Resolver<'_>,
    ) -> Self {
        dates.reverse();
        let mut source = Self::new(Origin::Dates(dates), event, segment, bounds);
        source.exclude_rules(event, zone);
        source
    }

    /// EXRULE takes away what rules and dates give (RFC 2445 section 4.8.5.2).
    fn exclude_rules(&mut self, event: &'e CalendarEvent, zone: &mut Resolver<'_>) {
        for rule in &event.excluded_rules {
            let (last, until) = end_of(rule, &event.frame, zone);
            let walker = Walker::new(rule, day::civil(event.start), last, event.frame == Frame::Date);
            self.excluded_rules.push(Excluded { walker, next: Walk::At(Civil::MIN), until });
        }
    }

    fn new(origin: Origin<'e>, event: &'e CalendarEvent, segment: Segment<'e>, bounds: Bounds) -> Self {
        Self {
            origin,
            segment,
            length: segment.following.map_or(event.length, |change| change.length),
            bounds,
            until: Instant::MAX,
            left: u64::MAX,
            // Only a series' own zone can take a time away from it, not that of whoever looks.
            gap: if matches!(event.frame, Frame::Zoned(_)) { event.gap } else { Gap::Shift },
            excluded_rules: Vec::new(),
            moved: VecDeque::new(),
            passed: Instant::MIN,
        }
    }

    /// The next start.
    pub(super) fn next(&mut self, left: &Left, zone: &mut Resolver<'_>, steps: &mut Steps) -> Next<'e> {
        loop {
            if self.moved.front().is_some_and(|start| start.at <= self.passed) {
                return self.moved.pop_front().map_or(Next::End, Next::At);
            }
            if self.passed == Instant::MAX {
                return Next::End;
            }
            let (original, length) = match self.pull(steps) {
                Pulled::At(original, length) => (original, length),
                Pulled::OutOfSteps(at) => return self.out_of_steps(at, zone),
                Pulled::End => {
                    self.passed = Instant::MAX;
                    continue;
                }
            };
            match self.place(original, length, left, zone, steps) {
                Ok(None) => {}
                Ok(Some(start)) if start.gap => {
                    let place = self.moved.partition_point(|other| other.at <= start.at);
                    self.moved.insert(place, start);
                }
                Ok(Some(start)) if start.at >= self.bounds.to => self.passed = Instant::MAX,
                Ok(Some(start)) if self.moved.is_empty() => return Next::At(start),
                Ok(Some(start)) => {
                    self.passed = start.at;
                    let place = self.moved.partition_point(|other| other.at <= start.at);
                    self.moved.insert(place, start);
                }
                Err(at) => return self.out_of_steps(at, zone),
            }
        }
    }

    fn out_of_steps(&mut self, at: Civil, zone: &mut Resolver<'_>) -> Next<'e> {
        let at = zone.bound(at.saturating_add(self.segment.shift));
        Next::OutOfSteps(self.moved.front().map_or(at, |start| start.at.min(at)))
    }

    fn pull(&mut self, steps: &mut Steps) -> Pulled {
        let pulled = match &mut self.origin {
            Origin::Rule(walker) => match walker.next(steps) {
                Walk::At(at) => Pulled::At(at, None),
                Walk::OutOfSteps(at) => Pulled::OutOfSteps(at),
                Walk::End => Pulled::End,
            },
            Origin::Dates(dates) => dates.pop().map_or(Pulled::End, |(at, length)| Pulled::At(at, length)),
        };
        match pulled {
            Pulled::At(at, _) if at >= self.segment.to => Pulled::End,
            Pulled::At(..) | Pulled::OutOfSteps(_) | Pulled::End => pulled,
        }
    }

    /// Where a start comes to lie; none if it does not happen, or is not asked for. Err is where the steps ran out.
    fn place(
        &mut self,
        original: Civil,
        length: Option<Length>,
        left: &Left,
        zone: &mut Resolver<'_>,
        steps: &mut Steps,
    ) -> Result<Option<Start<'e>>, Civil> {
        let resolved = zone.instant(original);
        if resolved.gap && self.gap == Gap::Skip {
            return Ok(None);
        }
        if self.left == 0 {
            self.passed = Instant::MAX;
            return Ok(None);
        }
        self.left -= 1;
        let out = original < self.segment.from
            || resolved.at > self.until
            || left.is_excluded(resolved.at, original)
            || left.changed.binary_search(&resolved.at).is_ok();
        if out || self.is_excluded_by_rule(original, resolved.at, steps)? {
            return Ok(None);
        }
        let (civil, mut moved) = (original + self.segment.shift, resolved);
        if civil != original {
            moved = zone.instant(civil);
        }
        let (from, to) = (self.bounds.from, self.bounds.to);
        if moved.at < from || (moved.gap && moved.at >= to) {
            return Ok(None);
        }
        let length = self.segment.following.map_or(length.unwrap_or(self.length), |change| change.length);
        let (following, segment) = (self.segment.following, self.segment.number);
        Ok(Some(Start { at: moved.at, original, civil, gap: moved.gap, length, following, segment }))
    }

    fn is_excluded_by_rule(&mut self, original: Civil, at: Instant, steps: &mut Steps) -> Result<bool, Civil> {
        for excluded in &mut self.excluded_rules {
            if at <= excluded.until && excluded.has(original, steps)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A rule whose starts do not happen.
#[derive(Clone, Debug)]
struct Excluded<'e> {
    walker: Walker<'e>,
    /// The first of its starts not yet passed.
    next: Walk,
    until: Instant,
}

impl Excluded<'_> {
    /// Whether `original` is one of its starts. Asked in ascending order.
    fn has(&mut self, original: Civil, steps: &mut Steps) -> Result<bool, Civil> {
        loop {
            match self.next {
                Walk::At(at) if at < original => {
                    self.walker.seek(original, steps).map_err(|_| original)?;
                    self.next = self.walker.next(steps);
                }
                Walk::At(at) => return Ok(at == original),
                Walk::End => return Ok(false),
                Walk::OutOfSteps(_) => return Err(original),
            }
        }
    }
}

enum Pulled {
    At(Civil, Option<Length>),
    OutOfSteps(Civil),
    End,
}

/// The originals that may come to lie within the bounds, `[first, last]`.
pub(super) fn civil_range(bounds: &Bounds, segment: &Segment<'_>, zone: &mut Resolver<'_>) -> (Civil, Civil) {
    let slack = |civil: Civil, zone: &mut Resolver<'_>| if zone.is_near_change(civil) { CHANGE_MAX } else { 0 };
    let (first, last) = (zone.civil(bounds.from), zone.civil(bounds.to));
    let first = first.saturating_sub(slack(first, zone)).saturating_sub(segment.shift).max(segment.from);
    let last = last.saturating_add(slack(last, zone)).saturating_sub(segment.shift).min(segment.to);
    (first, last)
}

/// How much earlier than a window an occurrence of this length may begin and still be in it.
pub(super) fn reach(length: &Length, frame: &Frame) -> i64 {
    let time = i64::from(length.days) * DAY + length.exact.as_secs();
    // Days on the clock may be longer than they look, and so may hours where the clock is that of whoever looks.
    let on_clock = length.days > 0 || matches!(frame, Frame::Date | Frame::Floating);
    if on_clock { time + CHANGE_MAX } else { time }
}
