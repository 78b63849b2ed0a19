//! The state of one series, folded from its events.

use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::event::SeriesEvent;
use super::merged::Merged;
use crate::calendar::{CalendarEvent, Change, End, Merge, Property, Range, Select, Truncated, Until, merge};
use crate::id::{PolicyName, RecurrenceId, SeriesId};
use crate::persist::Seq;
use crate::time::{Timestamp, Window};

/// A series as its events made it.
///
/// Most series have one part. One that was split has several, each taking over from an occurrence of the one before. An
/// occurrence belongs to one part, and no two have the same recurrence id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    parts: Vec<CalendarEvent>,
    /// INVARIANT: from which occurrence each part but the first took over; one less than parts.
    splits: Vec<RecurrenceId>,
    /// Where it was split last, also if no head was left.
    last_split: Option<RecurrenceId>,
    seq: Seq,
    defined_seq: Seq,
    cancelled_seq: Seq,
    revision: u32,
    latest_at: Timestamp,
}

/// Where an occurrence stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It takes place.
    Stands,
    /// It is cancelled, or its whole series is.
    Cancelled,
    /// The series has no such occurrence.
    Gone,
    /// A rule takes too many steps to say.
    Unsure(Truncated),
}

impl Default for Series {
    fn default() -> Self {
        Self::new()
    }
}

impl Series {
    /// A series about which nothing was recorded.
    pub fn new() -> Self {
        Self {
            parts: Vec::new(),
            splits: Vec::new(),
            last_split: None,
            seq: Seq::UNWRITTEN,
            defined_seq: Seq::UNWRITTEN,
            cancelled_seq: Seq::UNWRITTEN,
            revision: 0,
            latest_at: Timestamp::from_millis(i64::MIN),
        }
    }

    /// Whether it was ever scheduled.
    pub fn exists(&self) -> bool {
        !self.parts.is_empty()
    }

    /// Its id; none if it was never scheduled.
    pub fn id(&self) -> Option<&SeriesId> {
        self.parts.first().map(|part| &part.series)
    }

    /// What it is and when it happens, part after part, as it was given.
    pub fn parts(&self) -> &[CalendarEvent] {
        &self.parts
    }

    /// From which occurrence each part but the first took over.
    pub fn splits(&self) -> &[RecurrenceId] {
        &self.splits
    }

    /// Its parts as a feed shows them: with the series' revision as their SEQUENCE, and the instant of its last event as
    /// their DTSTAMP (RFC 5545 sections 3.8.7.4 and 3.8.7.2).
    ///
    /// A feed has one rule for each UID. So a part that took over at an occurrence is named after both, as in
    /// `chess_R20260105T190000`, and says by RELATED-TO whose it is. Other programs split series in this way too.
    pub fn events(&self) -> Vec<CalendarEvent> {
        let mut events = self.parts.clone();
        let splits = core::iter::once(None).chain(self.splits.iter().map(Some));
        for (event, split) in events.iter_mut().zip(splits) {
            let details = Arc::make_mut(&mut event.details);
            details.sequence = self.revision;
            details.stamp = Some(self.latest_at);
            for change in &mut event.changes {
                Arc::make_mut(&mut change.details).stamp.get_or_insert(self.latest_at);
            }
            let name = split.and_then(|split| SeriesId::new(format!("{}_R{split}", event.series)).ok());
            if let Some(name) = name {
                details.properties.push(Property::of_text("RELATED-TO", event.series.as_str()));
                event.series = name;
            }
        }
        events
    }

    /// Its name for people: that of its latest part.
    pub fn summary(&self) -> Option<&Arc<str>> {
        self.parts.last().map(|part| &part.summary)
    }

    /// The last sequence number folded.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// That of its latest whole definition.
    pub fn defined_seq(&self) -> Seq {
        self.defined_seq
    }

    /// That of the latest cancellation of the whole series, or of the definition that came cancelled.
    pub fn cancelled_seq(&self) -> Seq {
        self.cancelled_seq.max(self.defined_seq)
    }

    /// How often it was changed in a way that matters to who attends: SEQUENCE (RFC 5545 section 3.8.7.4).
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// The instant of its last event; no later event has an earlier one.
    pub fn latest_at(&self) -> Timestamp {
        self.latest_at
    }

    /// Whether the whole series is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.exists() && self.parts.iter().all(|part| part.cancelled)
    }

    /// The occurrences that belong to a window in the series' own civil time, ascending by start and id. Cancelled ones
    /// are among them, marked.
    pub fn occurrences(&self, from: DateTime, to: DateTime, select: Select) -> Merged<'_> {
        Merged::new(self.parts.iter().map(|part| part.occurrences(from, to, select)))
    }

    /// The occurrences that belong to a window of instants. Dates and floating times are those of `viewer`, the zone of
    /// whoever looks.
    pub fn occurrences_within<'s>(&'s self, window: Window, viewer: &'s TimeZone, select: Select) -> Merge<'s> {
        merge(&self.parts, window, viewer, select)
    }

    /// Whether it has this occurrence, cancelled or not.
    ///
    /// # Errors
    /// [`Truncated`] when a rule takes too many steps.
    pub fn has_occurrence(&self, recurrence: &RecurrenceId) -> Result<bool, Truncated> {
        Ok(self.part_of(recurrence)?.is_some())
    }

    /// Where an occurrence stands.
    pub fn standing(&self, recurrence: &RecurrenceId) -> Standing {
        let part = match self.part_of(recurrence) {
            Ok(Some(part)) => part,
            Ok(None) => return Standing::Gone,
            Err(truncated) => return Standing::Unsure(truncated),
        };
        let Some(part) = self.parts.get(part) else { return Standing::Gone };
        if part.cancelled || current(part, recurrence.at()).cancelled { Standing::Cancelled } else { Standing::Stands }
    }

    /// The part that has an occurrence, and what holds for it now, cancelled or not; none if the series has no such occurrence.
    ///
    /// # Errors
    /// [`Truncated`] when a rule takes too many steps.
    pub fn current(&self, recurrence: &RecurrenceId) -> Result<Option<(&CalendarEvent, Change)>, Truncated> {
        let part = self.part_of(recurrence)?.and_then(|place| self.parts.get(place));
        Ok(part.map(|part| (part, current(part, recurrence.at()))))
    }

    /// When an occurrence takes place; none if it is cancelled, or the series has no such occurrence. Dates and floating
    /// times are those of `viewer`, the zone of whoever looks.
    ///
    /// # Errors
    /// [`Truncated`] when a rule takes too many steps.
    pub fn window_of(&self, recurrence: &RecurrenceId, viewer: &TimeZone) -> Result<Option<Window>, Truncated> {
        let part = self.part_of(recurrence)?.and_then(|place| self.parts.get(place));
        let found = part.map(|part| part.changed(&current(part, recurrence.at())));
        Ok(found.filter(|occurrence| !occurrence.cancelled).map(|occurrence| occurrence.window(viewer)))
    }

    /// Seats for sale of an occurrence, as the part says that it belongs to by its recurrence id.
    pub fn capacity(&self, recurrence: &RecurrenceId) -> Option<u32> {
        self.part_by_id(recurrence).and_then(|part| part.capacity)
    }

    /// Policies for whoever takes a seat of an occurrence, as the part says that it belongs to by its recurrence id.
    pub fn policies(&self, recurrence: &RecurrenceId) -> impl Iterator<Item = &PolicyName> {
        self.part_by_id(recurrence).into_iter().flat_map(|part| &part.policies)
    }

    fn part_by_id(&self, recurrence: &RecurrenceId) -> Option<&CalendarEvent> {
        self.parts.get(self.splits.partition_point(|split| split.at() <= recurrence.at()))
    }

    /// Where it was split last since its latest whole definition.
    pub(super) fn last_split(&self) -> Option<&RecurrenceId> {
        self.last_split.as_ref()
    }

    /// The part that has an occurrence.
    pub(super) fn part_of(&self, recurrence: &RecurrenceId) -> Result<Option<usize>, Truncated> {
        for (place, part) in self.parts.iter().enumerate() {
            if part.has_occurrence(recurrence)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Folds what was recorded as `seq`, at the instant `at`. Takes whatever was recorded: it may not refuse.
    pub fn evolve(&mut self, seq: Seq, at: Timestamp, event: &SeriesEvent) {
        self.seq = seq;
        self.latest_at = self.latest_at.max(at);
        self.revision = event.revision();
        match event {
            SeriesEvent::SeriesScheduled { definition, .. } | SeriesEvent::SeriesRedefined { definition, .. } => {
                self.defined_seq = seq;
                self.parts = vec![(**definition).clone()];
                self.splits.clear();
                self.last_split = None;
            }
            SeriesEvent::OccurrenceMoved { part, change, .. }
            | SeriesEvent::OccurrenceCancelled { part, change, .. }
            | SeriesEvent::OccurrenceReinstated { part, change, .. } => {
                if let Some(part) = self.parts.get_mut(*part) {
                    part.changes.retain(|other| other.of != change.of);
                    let place = part.changes.partition_point(|other| other.of < change.of);
                    part.changes.insert(place, (**change).clone());
                }
            }
            SeriesEvent::SeriesSplit { part, recurrence, ends, definition, .. } => {
                self.split(*part, recurrence, ends, definition);
            }
            SeriesEvent::SeriesCancelled { .. } => {
                self.cancelled_seq = seq;
                self.parts.iter_mut().for_each(|part| part.cancelled = true);
            }
        }
    }

    fn split(&mut self, part: usize, recurrence: &RecurrenceId, ends: &[Option<Until>], definition: &CalendarEvent) {
        self.parts.truncate(part.saturating_add(1));
        let head = self.parts.pop().and_then(|head| cut(head, recurrence.at(), ends));
        self.splits.truncate(self.parts.len().saturating_sub(usize::from(head.is_none())));
        self.parts.extend(head);
        self.last_split = Some(*recurrence);
        if !self.parts.is_empty() {
            self.splits.push(*recurrence);
        }
        self.parts.push(definition.clone());
    }
}

/// What is left of a part before `at`; none if nothing is.
fn cut(mut part: CalendarEvent, at: DateTime, ends: &[Option<Until>]) -> Option<CalendarEvent> {
    part.dates.retain(|(date, _)| *date < at);
    part.changes.retain(|change| change.of < at);
    part.excluded.retain(|excluded| *excluded < at);
    part.excluded_days.retain(|day| *day <= at.date());
    for (rule, until) in part.rules.iter_mut().zip(ends) {
        if let Some(until) = until {
            *rule = rule.clone().ending(End::Until(*until));
        }
    }
    if part.start < at {
        return Some(part);
    }
    // Dates may stand before the first start; rules may not.
    part.rules.clear();
    let first = part.dates.iter().enumerate().min_by_key(|(_, (date, _))| *date).map(|(place, _)| place)?;
    let (start, length) = part.dates.remove(first);
    part.start = start;
    part.length = length.unwrap_or(part.length);
    Some(part)
}

/// What holds for an occurrence of `part` now: its own change, or what it has from an earlier one or from the part.
pub(super) fn current(part: &CalendarEvent, of: DateTime) -> Change {
    let own = part.changes.iter().find(|change| change.of == of);
    own.cloned().unwrap_or_else(|| inherited(part, of))
}

/// What holds for an occurrence that has no change of its own.
pub(super) fn inherited(part: &CalendarEvent, of: DateTime) -> Change {
    let lasting = part.changes.iter().filter(|change| change.range == Range::ThisAndFuture && change.of <= of);
    if let Some(lasting) = lasting.max_by_key(|change| change.of) {
        return Change {
            of,
            range: Range::This,
            start: shifted(of, lasting),
            frame: part.frame.clone(),
            ..lasting.clone()
        };
    }
    let dated = part.dates.iter().find(|(date, _)| *date == of).and_then(|(_, length)| *length);
    Change {
        of,
        range: Range::This,
        start: of,
        frame: part.frame.clone(),
        length: dated.unwrap_or(part.length),
        summary: Arc::clone(&part.summary),
        cancelled: false,
        details: Arc::clone(&part.details),
    }
}

/// Where a lasting change puts the occurrence that first started at `of`.
pub(super) fn shifted(of: DateTime, lasting: &Change) -> DateTime {
    of.saturating_add(lasting.start.duration_since(lasting.of))
}
