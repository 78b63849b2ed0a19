//! What can be asked.

use core::time::Duration;

use super::error::AskError;
use super::kept::{Questions, id, number, policies, takes_place, text};
use super::{Availability, Place};
use crate::calendar::{Select, merge};
use crate::datalog::{Change, EvalError, Fact, Prepared, Proof, Value};
use crate::id::{AttendeeId, OccurrenceId};
use crate::time::{Timestamp, Window};

/// What keeps an attendee from being free.
#[derive(Clone, Debug)]
pub struct WhyBusy {
    /// The bookings in the way, ascending by start.
    pub bookings: Vec<(OccurrenceId, Window)>,
    /// What rules of the host put in the way besides, ascending by start.
    pub others: Vec<Window>,
    /// One derivation, down to recorded facts.
    pub proof: Proof,
}

/// The answer to a question in the language of the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The variables of the question, in the order of their first appearance.
    pub columns: Vec<String>,
    /// The answers, distinct and sorted.
    pub rows: Vec<Vec<Value>>,
}

fn occurrence(value: Option<&Value>) -> Result<OccurrenceId, AskError> {
    let shape = |value: &str| AskError::Shape { value: value.to_owned(), wanted: "occurrence id" };
    match value {
        Some(Value::Symbol(text)) => text.parse().map_err(|_| shape(text)),
        other => Err(shape(&other.map_or_else(String::new, ToString::to_string))),
    }
}

/// The window in the last two values of a row.
fn window(row: &[Value]) -> Result<Window, AskError> {
    match row {
        [.., Value::Time(start), Value::Time(end)] => Ok(Window::new(*start, *end)),
        _ => Err(AskError::Shape { value: format!("{row:?}"), wanted: "window" }),
    }
}

/// In whole milliseconds; none if it is longer than all of time.
fn millis(length: Duration) -> Option<i64> {
    i64::try_from(length.as_millis()).ok()
}

impl Availability {
    /// Whether nothing keeps the attendee from being free in all of `window`. Spans that only touch it do not.
    ///
    /// # Errors
    /// [`AskError`] when it takes more than the limits allow.
    pub fn is_free(&self, attendee: &AttendeeId, window: Window) -> Result<bool, AskError> {
        let given = [text(attendee), window.start.into(), window.end.into()];
        Ok(!self.kept.engine.has_answer(&self.kept.questions.busy_in, &given)?)
    }

    /// The earliest instant in `within` from which the attendee is free for `length`, which ends within it too.
    ///
    /// # Errors
    /// [`AskError`] when it takes more than the limits allow.
    pub fn next_free(
        &self,
        attendee: &AttendeeId,
        within: Window,
        length: Duration,
    ) -> Result<Option<Timestamp>, AskError> {
        let Some(length) = millis(length) else { return Ok(None) };
        // So that no sum leaves 64 bits.
        let last = Timestamp::from_millis(Timestamp::MAX.as_millis().saturating_sub(length));
        let to = within.end.min(last);
        if within.start > to {
            return Ok(None);
        }
        let given = [text(attendee), within.start.into(), to.into(), length.into()];
        let rows = self.kept.engine.answer(&self.kept.questions.next_free, &given)?;
        Ok(rows.first().and_then(|row| if let Some(Value::Time(at)) = row.last() { Some(*at) } else { None }))
    }

    /// The spans of `within` in which all of the attendees are free, each as long as can be and at least of `length`,
    /// ascending; `at_most` so many.
    ///
    /// # Errors
    /// [`AskError`] when it takes more than the limits allow.
    pub fn free_slots(
        &self,
        attendees: &[AttendeeId],
        within: Window,
        length: Duration,
        at_most: usize,
    ) -> Result<Vec<Window>, AskError> {
        let mut busy = Vec::new();
        for attendee in attendees {
            busy.extend(self.spans(attendee, within)?);
        }
        busy.sort_unstable_by_key(|span| (span.start, span.end));
        busy.push(Window::new(within.end, within.end));
        let mut free = Vec::new();
        let mut from = within.start;
        for span in busy {
            let gap = Window::new(from, span.start.min(within.end));
            if !gap.is_empty() && gap.end.saturating_since(gap.start) >= length {
                free.push(gap);
            }
            if free.len() >= at_most {
                free.truncate(at_most);
                break;
            }
            from = from.max(span.end);
        }
        Ok(free)
    }

    /// What keeps the attendee from being free in `window`, by whatever rule.
    fn spans(&self, attendee: &AttendeeId, within: Window) -> Result<Vec<Window>, AskError> {
        let given = [text(attendee), within.start.into(), within.end.into()];
        let rows = self.kept.engine.answer(&self.kept.questions.busy_span, &given)?;
        let spans = rows.iter().map(|row| window(row)).collect::<Result<Vec<_>, _>>()?;
        Ok(spans.into_iter().filter(|span| span.overlaps(&within)).collect())
    }

    /// The bookings of the attendee that overlap `window`, ascending by start and id.
    ///
    /// # Errors
    /// [`AskError`] when it takes more than the limits allow.
    pub fn busy(&self, attendee: &AttendeeId, within: Window) -> Result<Vec<(OccurrenceId, Window)>, AskError> {
        let given = [text(attendee), within.start.into(), within.end.into()];
        let rows = self.kept.engine.answer(&self.kept.questions.busy_with, &given)?;
        let read = |row: &Vec<Value>| Ok((occurrence(row.iter().rev().nth(2))?, window(row)?));
        let mut found = rows.iter().map(read).collect::<Result<Vec<_>, AskError>>()?;
        found.sort_by(|one, other| (one.1.start, &one.0).cmp(&(other.1.start, &other.0)));
        Ok(found)
    }

    /// The bookings of the attendee that overlap one another: each pair once, the one whose id is less as a text first.
    ///
    /// # Errors
    /// [`AskError`] when it takes more than the limits allow.
    pub fn overlaps(&self, attendee: &AttendeeId) -> Result<Vec<(OccurrenceId, OccurrenceId)>, AskError> {
        let rows = self.kept.engine.answer(&self.kept.questions.conflict, &[text(attendee)])?;
        rows.iter().map(|row| Ok((occurrence(row.get(1))?, occurrence(row.get(2))?))).collect()
    }

    /// Seats left of an occurrence; none if it was never on sale. Below zero if more are taken than there are.
    ///
    /// # Errors
    /// [`AskError`] when it takes more than the limits allow.
    pub fn seats_left(&self, occurrence: &OccurrenceId) -> Result<Option<i64>, AskError> {
        let rows = self.kept.engine.answer(&self.kept.questions.seats_left, &[id(occurrence)])?;
        Ok(rows.first().and_then(|row| number(row)))
    }

    /// The reasons against letting the attendee book, if asked at `now`, sorted. None is a yes, and advice only: the
    /// occurrence's own stream decides. An occurrence that nobody has touched is looked up in its series.
    ///
    /// # Errors
    /// [`AskError`] when it takes more than the limits allow.
    pub fn may_book(
        &mut self,
        attendee: &AttendeeId,
        occurrence: &OccurrenceId,
        now: Timestamp,
    ) -> Result<Vec<String>, AskError> {
        self.reasons(attendee, occurrence, now, |questions| &questions.deny)
    }

    /// Those of [`Availability::may_book`] that policies give which the definition of the occurrence names, sorted. A box
    /// office asks for them before it gives a seat.
    ///
    /// # Errors
    /// [`AskError`] when it takes more than the limits allow.
    pub fn forbidden(
        &mut self,
        attendee: &AttendeeId,
        occurrence: &OccurrenceId,
        now: Timestamp,
    ) -> Result<Vec<String>, AskError> {
        self.reasons(attendee, occurrence, now, |questions| &questions.forbidden)
    }

    /// What of the attendee's overlaps the occurrence: `clash with` and the other one, or `clash` if it is no booking.
    ///
    /// # Errors
    /// [`AskError`] when it takes more than the limits allow.
    pub fn clashes(
        &mut self,
        attendee: &AttendeeId,
        occurrence: &OccurrenceId,
        now: Timestamp,
    ) -> Result<Vec<String>, AskError> {
        self.reasons(attendee, occurrence, now, |questions| &questions.clash)
    }

    fn reasons(
        &mut self,
        attendee: &AttendeeId,
        occurrence: &OccurrenceId,
        now: Timestamp,
        question: impl FnOnce(&Questions) -> &Prepared,
    ) -> Result<Vec<String>, AskError> {
        let mut facts = self.untouched(occurrence)?;
        facts.push(self.kept.engine.program().fact_of("asked_at", vec![now.into()])?);
        let given = [text(attendee), id(occurrence)];
        let rows = self.assuming(facts, |own| own.kept.engine.answer(question(&own.kept.questions), &given))??;
        let reason = |row: Vec<Value>| match row.into_iter().next_back() {
            Some(Value::Symbol(reason)) => reason.as_ref().to_owned(),
            other => other.map_or_else(String::new, |value| value.to_string()),
        };
        Ok(rows.into_iter().map(reason).collect())
    }

    /// What keeps the attendee from being free in `window`; none if nothing does.
    ///
    /// # Errors
    /// [`AskError`] when it takes more than the limits allow.
    pub fn why_not_free(&mut self, attendee: &AttendeeId, window: Window) -> Result<Option<WhyBusy>, AskError> {
        let bookings = self.busy(attendee, window)?;
        let mut others = self.spans(attendee, window)?;
        others.retain(|span| !bookings.iter().any(|(_, booked)| booked == span));
        others.sort_unstable_by_key(|span| (span.start, span.end));
        let row = vec![text(attendee), window.start.into(), window.end.into()];
        let fact = self.kept.engine.program().fact_of("busy_in", row)?;
        let proof = self.kept.engine.why(&fact)?;
        Ok(proof.map(|proof| WhyBusy { bookings, others, proof }))
    }

    /// The answers to a question in the language of the rules, such as `busy("ann", o, s, e), seats_left(o, n)`.
    ///
    /// # Errors
    /// [`AskError::Text`] when it cannot be read; others when it takes more than the limits allow.
    pub fn ask(&mut self, text: &str) -> Result<Table, AskError> {
        let query = self.kept.engine.program().query(text, &self.functions).map_err(AskError::Text)?;
        let rows = self.kept.engine.ask(&query)?;
        Ok(Table { columns: query.columns().iter().map(|column| column.name.as_ref().to_owned()).collect(), rows })
    }

    /// The same, with the occurrences of all series that overlap `window`, also of those that nobody has touched.
    ///
    /// # Errors
    /// [`AskError::TooManyOccurrences`] and [`AskError::TooManySteps`] when there are too many to look at; others as for
    /// [`Availability::ask`].
    pub fn ask_within(&mut self, window: Window, text: &str) -> Result<Table, AskError> {
        let facts = self.untouched_within(window)?;
        self.assuming(facts, |own| own.ask(text))?
    }

    /// The facts of an occurrence that has no booking stream.
    fn untouched(&self, occurrence: &OccurrenceId) -> Result<Vec<Fact>, AskError> {
        let (series, recurrence) = (occurrence.series(), occurrence.recurrence());
        let touched = self.log.touched.get(series).and_then(|known| known.get(recurrence));
        let told = self.log.series.get(series);
        if let Some(Place::Unsure) = touched {
            // To say that it does not take place would be a guess.
            told.map(|told| told.series.window_of(recurrence, &self.options.zone)).transpose()?;
        }
        let (None, Some(told)) = (touched, told) else { return Ok(Vec::new()) };
        match told.series.window_of(recurrence, &self.options.zone)? {
            Some(window) => Ok(self.facts_of(occurrence, window, told.series.capacity(recurrence))?),
            None => Ok(Vec::new()),
        }
    }

    fn untouched_within(&self, window: Window) -> Result<Vec<Fact>, AskError> {
        let parts = self.log.series.values().flat_map(|told| told.series.parts());
        let mut facts = Vec::new();
        let limit = self.options.occurrences_max;
        for (count, found) in merge(parts, window, &self.options.zone, Select::Overlapping).enumerate() {
            let found = found?;
            if count >= limit {
                return Err(AskError::TooManyOccurrences { limit });
            }
            let touched = self.log.touched.get(found.series());
            if found.cancelled || touched.is_some_and(|known| known.contains_key(&found.recurrence())) {
                continue;
            }
            let capacity = self.log.series.get(found.series());
            let capacity = capacity.and_then(|told| told.series.capacity(&found.recurrence()));
            facts.extend(self.facts_of(&found.id(), found.window(&self.options.zone), capacity)?);
        }
        Ok(facts)
    }

    fn facts_of(
        &self,
        occurrence: &OccurrenceId,
        window: Window,
        capacity: Option<u32>,
    ) -> Result<Vec<Fact>, EvalError> {
        let program = self.kept.engine.program();
        let mut facts = vec![
            program.fact_of("occurrence", takes_place(occurrence, window))?,
            program.fact_of("of_series", vec![id(occurrence), occurrence.series().as_str().into()])?,
        ];
        for row in policies(self.log.series.get(occurrence.series()), occurrence) {
            facts.push(program.fact_of("policy", row)?);
        }
        if let Some(seats) = capacity {
            facts.push(program.fact_of("capacity", vec![id(occurrence), i64::from(seats).into()])?);
        }
        Ok(facts)
    }

    /// Asks while `facts`, which are not there, hold.
    fn assuming<R>(&mut self, facts: Vec<Fact>, ask: impl FnOnce(&mut Self) -> R) -> Result<R, AskError> {
        let there: Vec<Change> = facts.iter().cloned().map(Change::insert).collect();
        let gone: Vec<Change> = facts.into_iter().map(Change::remove).collect();
        self.kept.engine.apply(&there)?;
        let answer = ask(self);
        if self.kept.engine.apply(&gone).is_err() {
            // As it was before, which was within the limits.
            self.kept = self.with_rulesets_as_recorded()?;
        }
        Ok(answer)
    }
}
