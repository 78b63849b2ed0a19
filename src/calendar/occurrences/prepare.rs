//! What an expansion works out before it gives its first occurrence.

use core::cmp::Reverse;

use jiff::civil::DateTime;

use super::{Asked, Changed, Occurrences, seconds};
use crate::calendar::CalendarEvent;
use crate::calendar::day;
use crate::calendar::event::{Change, Gap, Length, Range};
use crate::calendar::expand::Civil;
use crate::calendar::occurrence::Select;
use crate::calendar::resolve::{CHANGE_MAX, Instant};
use crate::calendar::source::{Bounds, Segment, Source, civil_range, ends_before_start, reach};
use crate::calendar::zone::Frame;

/// The whole of time.
pub(super) const ALWAYS: Segment<'static> =
    Segment { number: 0, from: Civil::MIN, to: Civil::MAX, following: None, shift: 0 };

/// Steps for each rule that is kept open beside the first, one that excludes included: what it takes of memory is not to be had
/// for nothing.
const OPEN_STEPS: u64 = 16;

/// All instants there are, and room to add to them.
const EVERYWHERE: Bounds = Bounds { from: Instant::MIN / 2, to: Instant::MAX / 2 };

impl<'e> Occurrences<'e> {
    /// Works out what the window needs, once, when the first occurrence is asked for.
    pub(super) fn start(&mut self) {
        self.started = true;
        let event = self.event;
        let (from, to) = match self.window {
            Asked::Civil(from, to) => (self.zone.bound(from), self.zone.bound(to)),
            Asked::Instants(from, to) => (from, to),
        };
        let before = |length: &Length| match self.select {
            Select::Starting => 0,
            Select::Overlapping => reach(length, &event.frame),
        };
        let dates = event.dates.iter().filter_map(|(_, length)| length.as_ref());
        let longest = dates.map(before).fold(before(&event.length), i64::max);
        let lasting: Vec<&Change> = lasting(event);
        let reaches: Vec<i64> = lasting.iter().map(|change| before(&change.length)).collect();
        // Originals may lie anywhere if they were moved.
        let bounds = Bounds { from: from.saturating_sub(longest), to };
        self.exclude(if lasting.is_empty() { bounds } else { EVERYWHERE });
        self.list_dates();
        let mut segment = ALWAYS;
        let mut reach = longest;
        for (change, next_reach) in lasting.into_iter().zip(reaches) {
            let next = Segment::after(change, event, segment.number + 1);
            self.open(Segment { to: next.from, ..segment }, Bounds { from: from.saturating_sub(reach), to });
            (segment, reach) = (next, next_reach);
        }
        self.open(segment, Bounds { from: from.saturating_sub(reach), to });
        self.find_changed();
        self.line_up();
    }

    /// Opens the sources of a segment.
    pub(super) fn open(&mut self, segment: Segment<'e>, bounds: Bounds) {
        let event = self.event;
        self.shared.push(event.shared(segment.following));
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
            if !self.take_room() {
                self.stop_at(first, &segment);
                break;
            }
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
            if !self.take_room() {
                return self.stop_at(first, &segment);
            }
            let source = Source::of_dates(dates, event, (segment, bounds), &mut self.zone);
            self.add(source);
        }
    }

    /// Takes the steps for one source more, and for the rules that exclude from it; false when there are not so many.
    fn take_room(&mut self) -> bool {
        let rules = self.event.excluded_rules.len() + usize::from(!self.sources.is_empty());
        self.steps.take(OPEN_STEPS.saturating_mul(rules as u64))
    }

    /// Nothing of a segment is given from an original on.
    fn stop_at(&mut self, original: Civil, segment: &Segment<'e>) {
        let at = self.zone.bound(original.saturating_add(segment.shift));
        self.stop(at);
    }

    /// The listed dates of the event, ascending.
    pub(super) fn list_dates(&mut self) {
        self.listed = self.event.dates.iter().map(|(at, length)| (day::civil(*at), *length)).collect();
        self.listed.sort_by_key(|(at, _)| *at);
    }

    /// Gathers what is excluded, and what has a change of its own, near the bounds.
    pub(super) fn exclude(&mut self, bounds: Bounds) {
        let event = self.event;
        let near = self.zone.civil(bounds.from).saturating_sub(CHANGE_MAX)
            ..=self.zone.civil(bounds.to).saturating_add(CHANGE_MAX);
        let zone = &mut self.zone;
        // What lies in a gap does not happen then, and must not speak for what does at the same instant.
        let skips = event.gap == Gap::Skip && matches!(event.frame, Frame::Zoned(_));
        let mut sorted = |times: &mut dyn Iterator<Item = DateTime>| {
            let times = times.map(day::civil).filter(|civil| near.contains(civil));
            let resolved = times.map(|civil| zone.instant(civil)).filter(|resolved| !(skips && resolved.gap));
            let mut instants: Vec<Instant> = resolved.map(|resolved| resolved.at).collect();
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
        self.exclude(EVERYWHERE);
        for change in &event.changes {
            let original = day::civil(change.of);
            let of = self.zone.instant(original).at;
            if self.left.is_excluded(of, original) {
                continue;
            }
            let occurrence = event.changed(change);
            let window = occurrence.window(self.zone.zone());
            let (at, end_at) = (seconds(window.start), seconds(window.end));
            let (start, end) = (day::civil(occurrence.start), day::civil(occurrence.end));
            let has_zone = |frame: &Frame| matches!(frame, Frame::Zoned(_) | Frame::Utc);
            let (at, belongs) = match self.window {
                // In its own civil time; the order is that of the series.
                Asked::Civil(from, to) if has_zone(&event.frame) && has_zone(&change.frame) => {
                    (at, self.belongs(start, end, from, to))
                }
                Asked::Civil(from, to) => (self.zone.instant(start).at, self.belongs(start, end, from, to)),
                Asked::Instants(from, to) => (at, self.belongs(at, end_at, from, to)),
            };
            if belongs {
                self.changed.push(Changed { at, change });
            }
        }
        // Of two changes of one occurrence the later in the list speaks.
        self.changed.sort_by_key(|changed| changed.change.of);
        self.changed.reverse();
        self.changed.dedup_by_key(|changed| changed.change.of);
        self.changed.sort_by_key(|changed| Reverse((changed.at, changed.change.of)));
    }

    fn add(&mut self, source: Source<'e>) {
        self.sources.push(source);
        self.starts.push(None);
    }

    /// The first of each source. One source that nothing is merged with is read as it comes.
    pub(super) fn line_up(&mut self) {
        self.alone = self.sources.len() == 1 && self.changed.is_empty() && self.heads.is_empty();
        if !self.alone {
            (0..self.sources.len()).for_each(|source| self.refill(source));
        }
    }
}

/// The changes that apply to all later ones too, by the start they speak of.
fn lasting(event: &CalendarEvent) -> Vec<&Change> {
    let mut lasting: Vec<&Change> =
        event.changes.iter().filter(|change| change.range == Range::ThisAndFuture).collect();
    lasting.sort_by_key(|change| change.of);
    lasting
}
