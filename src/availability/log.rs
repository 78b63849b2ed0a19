//! What recorded events come to, beyond the facts that the engine holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::error::ApplyError;
use super::kept::{Kept, host_fact, id, policies, takes_place, text};
use super::wire::{self, RulesEvent, rules_stream};
use crate::booking::{self, BookingEvent, Seats, occurrence_of};
use crate::datalog::{Change, EvalError, Program, Value};
use crate::id::{AttendeeId, OccurrenceId, RecurrenceId, SeriesId};
use crate::persist::{Cursor, RecordedEvent, Seq};
use crate::schedule::{Corrupt, Series, series_of};
use crate::time::Window;

/// Where an occurrence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    At(Window),
    /// It is cancelled, or its series does not have it.
    Nowhere,
    /// The rule of its series takes too many steps to say.
    Unsure,
}

impl Place {
    fn of(series: Option<&Told>, recurrence: &RecurrenceId, zone: &TimeZone) -> Self {
        match series.map(|told| told.series.window_of(recurrence, zone)) {
            Some(Ok(Some(window))) => Self::At(window),
            Some(Ok(None)) | None => Self::Nowhere,
            Some(Err(_)) => Self::Unsure,
        }
    }
}

/// A series as its events told it. They are kept, for a snapshot.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) events: Vec<RecordedEvent>,
    pub(super) series: Series,
}

impl Told {
    /// Takes in the next event. One that is only the beginning of another waits for the rest.
    pub(super) fn hear(&mut self, recorded: &RecordedEvent) -> Result<(), Corrupt> {
        self.events.push(recorded.clone());
        let folded = usize::try_from(self.series.seq().get()).unwrap_or(usize::MAX);
        let waiting = self.events.get(folded..).unwrap_or_default();
        self.series.catch_up(waiting)
    }
}

/// A fact that the host recorded: a relation and its values, instants as numbers of milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostFact {
    /// The relation: one that a pack or a ruleset marks `input`.
    pub relation: Arc<str>,
    /// A value for each column.
    pub values: Vec<Value>,
}

impl HostFact {
    /// A fact. Instants become numbers of milliseconds, which fit columns of both types.
    pub fn new(relation: &str, values: impl IntoIterator<Item = Value>) -> Self {
        let plain = |value| if let Value::Time(at) = value { Value::Number(at.as_millis()) } else { value };
        Self { relation: relation.into(), values: values.into_iter().map(plain).collect() }
    }
}

/// What the events say that were taken in.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    pub(super) cursor: Cursor,
    pub(super) series: BTreeMap<SeriesId, Told>,
    /// Occurrences that have a booking stream.
    pub(super) touched: BTreeMap<SeriesId, BTreeMap<RecurrenceId, Place>>,
    pub(super) rulesets: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) host: BTreeSet<HostFact>,
    /// The beginning of a ruleset whose rest is still to come.
    pub(super) text: String,
    pub(super) rules_seq: Seq,
}

impl Log {
    /// The place of each touched occurrence, worked out anew.
    pub(super) fn place_all(&mut self, zone: &TimeZone) {
        for (series, occurrences) in &mut self.touched {
            for (recurrence, place) in occurrences {
                *place = Place::of(self.series.get(series), recurrence, zone);
            }
        }
    }
}

type Was<T> = (Option<T>, Option<T>);

/// What an attendee has of an occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) state: Arc<str>,
    pub(super) seats: i64,
}

impl Taken {
    fn new(state: &str, seats: Seats) -> Self {
        Self { state: state.into(), seats: seats.get().into() }
    }
}

/// What is said of a sale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sale {
    pub(super) capacity: Option<i64>,
    pub(super) withheld: i64,
    pub(super) closed: bool,
}

/// Events that are looked at and not yet taken in: what is to change, from what to what.
#[derive(Debug)]
pub(super) struct Staged<'a> {
    kept: &'a Kept,
    log: &'a Log,
    seats: BTreeMap<(OccurrenceId, AttendeeId), Was<Taken>>,
    waiting: BTreeMap<(OccurrenceId, AttendeeId), Was<i64>>,
    sales: BTreeMap<OccurrenceId, (Sale, Sale)>,
    fresh: BTreeSet<OccurrenceId>,
    pub(super) effects: Effects,
}

/// What a batch of events changes in the log.
#[derive(Debug, Default)]
pub(super) struct Effects {
    cursor: Cursor,
    series: BTreeMap<SeriesId, Told>,
    places: Vec<(OccurrenceId, Option<Place>, Place)>,
    host: BTreeMap<HostFact, bool>,
    pub(super) rulesets: Option<BTreeMap<Arc<str>, Arc<str>>>,
    text: Option<String>,
    rules_seq: Seq,
}

/// The change of a fact: relation, row, whether it is put in.
pub(super) type Changed = (&'static str, Vec<Value>, bool);

impl<'a> Staged<'a> {
    pub(super) fn new(kept: &'a Kept, log: &'a Log) -> Self {
        let effects = Effects { cursor: log.cursor, rules_seq: log.rules_seq, ..Effects::default() };
        let (seats, waiting, sales) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { kept, log, seats, waiting, sales, fresh: BTreeSet::new(), effects }
    }

    /// Looks at the next event.
    pub(super) fn hear(&mut self, recorded: &RecordedEvent) -> Result<(), ApplyError> {
        if recorded.cursor <= self.effects.cursor {
            return Ok(());
        }
        self.effects.cursor = recorded.cursor;
        if let Some(occurrence) = occurrence_of(&recorded.stream) {
            return self.hear_booking(&occurrence, &booking::decode(recorded)?);
        }
        if let Some(series) = series_of(&recorded.stream) {
            let known = self.log.series.get(&series);
            let told = self.effects.series.entry(series).or_insert_with(|| known.cloned().unwrap_or_default());
            return Ok(told.hear(recorded)?);
        }
        if recorded.stream == rules_stream() { self.hear_rules(recorded) } else { Ok(()) }
    }

    fn hear_booking(&mut self, occurrence: &OccurrenceId, event: &BookingEvent) -> Result<(), ApplyError> {
        let known = self.log.touched.get(occurrence.series());
        if !known.is_some_and(|known| known.contains_key(occurrence.recurrence())) {
            self.fresh.insert(occurrence.clone());
        }
        match event {
            BookingEvent::SaleOpened { capacity } | BookingEvent::CapacityChanged { capacity } => {
                self.sale(occurrence)?.capacity = Some(capacity.get().into());
            }
            BookingEvent::SaleClosed => self.sale(occurrence)?.closed = true,
            BookingEvent::SaleReopened => self.sale(occurrence)?.closed = false,
            BookingEvent::SeatsBlocked { seats } => self.sale(occurrence)?.withheld = seats.get().into(),
            BookingEvent::SeatBooked { attendee, party } | BookingEvent::SeatReacquired { attendee, party } => {
                *self.seat(occurrence, attendee)? = Some(Taken::new("confirmed", party.seats));
                *self.waiting(occurrence, attendee)? = None;
            }
            BookingEvent::SeatHeld { attendee, party, .. } => {
                *self.seat(occurrence, attendee)? = Some(Taken::new("held", party.seats));
                *self.waiting(occurrence, attendee)? = None;
            }
            BookingEvent::WaitJoined { attendee, party } => {
                *self.waiting(occurrence, attendee)? = Some(party.seats.get().into());
            }
            BookingEvent::WaitLeft { attendee } => *self.waiting(occurrence, attendee)? = None,
            BookingEvent::SeatOffered { attendee, .. } => {
                let seats = self.waiting(occurrence, attendee)?.take().unwrap_or(1);
                *self.seat(occurrence, attendee)? = Some(Taken { state: "held".into(), seats });
            }
            BookingEvent::HoldConfirmed { attendee } => {
                if let Some(taken) = self.seat(occurrence, attendee)? {
                    taken.state = "confirmed".into();
                }
            }
            BookingEvent::PartyChanged { attendee, seats, .. } => {
                if let Some(taken) = self.seat(occurrence, attendee)? {
                    taken.seats = seats.get().into();
                }
            }
            BookingEvent::SeatTransferred { from, to } => {
                let taken = self.seat(occurrence, from)?.take();
                *self.seat(occurrence, to)? = taken;
                *self.waiting(occurrence, to)? = None;
            }
            BookingEvent::HoldReleased { attendee }
            | BookingEvent::HoldLapsed { attendee }
            | BookingEvent::SeatCancelled { attendee } => *self.seat(occurrence, attendee)? = None,
            BookingEvent::SectionSet { .. }
            | BookingEvent::SectionRemoved { .. }
            | BookingEvent::PlacesBlocked { .. }
            | BookingEvent::PlacesUnblocked { .. }
            | BookingEvent::PoolSet { .. }
            | BookingEvent::TicketSet { .. }
            | BookingEvent::SettingsChanged { .. }
            | BookingEvent::HoldExtended { .. }
            | BookingEvent::RefundDue { .. }
            | BookingEvent::RefundSettled { .. }
            | BookingEvent::SeatRequested { .. }
            | BookingEvent::RequestDeclined { .. }
            | BookingEvent::WaiterPassedOver { .. } => {}
        }
        Ok(())
    }

    /// What is said of a sale, to be changed.
    fn sale(&mut self, occurrence: &OccurrenceId) -> Result<&mut Sale, ApplyError> {
        if !self.sales.contains_key(occurrence) {
            let was = self.kept.sale(occurrence)?;
            self.sales.insert(occurrence.clone(), (was, was));
        }
        Ok(&mut self.sales.entry(occurrence.clone()).or_default().1)
    }

    /// What an attendee has of an occurrence, to be changed.
    fn seat(&mut self, occurrence: &OccurrenceId, attendee: &AttendeeId) -> Result<&mut Option<Taken>, ApplyError> {
        let key = (occurrence.clone(), attendee.clone());
        if !self.seats.contains_key(&key) {
            let was = self.kept.seat(attendee, occurrence)?;
            self.seats.insert(key.clone(), (was.clone(), was));
        }
        Ok(&mut self.seats.entry(key).or_default().1)
    }

    /// For how many seats an attendee waits, to be changed.
    fn waiting(&mut self, occurrence: &OccurrenceId, attendee: &AttendeeId) -> Result<&mut Option<i64>, ApplyError> {
        let key = (occurrence.clone(), attendee.clone());
        if !self.waiting.contains_key(&key) {
            let was = self.kept.waits_for(attendee, occurrence)?;
            self.waiting.insert(key.clone(), (was, was));
        }
        Ok(&mut self.waiting.entry(key).or_default().1)
    }

    fn hear_rules(&mut self, recorded: &RecordedEvent) -> Result<(), ApplyError> {
        let (log, effects) = (self.log, &mut self.effects);
        let unreadable = |reason| ApplyError::Unreadable { seq: recorded.seq, reason };
        if recorded.seq != effects.rules_seq.next() {
            return Err(unreadable(format!("event {} is missing before it", effects.rules_seq.next())));
        }
        effects.rules_seq = recorded.seq;
        let text = effects.text.get_or_insert_with(|| log.text.clone());
        let Some(event) = wire::decode(recorded, text).map_err(unreadable)? else { return Ok(()) };
        let rulesets = &mut effects.rulesets;
        match event {
            RulesEvent::RulesetPut { name, text } => {
                rulesets.get_or_insert_with(|| log.rulesets.clone()).insert(name.into(), text.into());
            }
            RulesEvent::RulesetRemoved { name } => {
                rulesets.get_or_insert_with(|| log.rulesets.clone()).remove(&*name);
            }
            RulesEvent::FactsChanged { added, removed } => {
                effects.host.extend(removed.into_iter().map(|fact| (fact, false)));
                effects.host.extend(added.into_iter().map(|fact| (fact, true)));
            }
        }
        Ok(())
    }

    /// What all of it changes: the facts that follow the log, and the log itself.
    pub(super) fn finish(mut self, zone: &TimeZone) -> (Vec<Changed>, Effects) {
        let mut changes: Vec<Changed> = Vec::new();
        for occurrence in core::mem::take(&mut self.fresh) {
            changes.push(("of_series", vec![id(&occurrence), occurrence.series().as_str().into()], true));
            let place = self.place(&occurrence, zone);
            changes.extend(policies(self.told(&occurrence), &occurrence).into_iter().map(|row| ("policy", row, true)));
            self.effects.places.push((occurrence, None, place));
        }
        for series in self.effects.series.keys() {
            for (recurrence, was) in self.log.touched.get(series).into_iter().flatten() {
                let occurrence = OccurrenceId::new(series.clone(), *recurrence);
                let (before, now) = (self.log.series.get(series), self.told(&occurrence));
                let (before, now) = (policies(before, &occurrence), policies(now, &occurrence));
                changes.extend(before.difference(&now).map(|row| ("policy", row.clone(), false)));
                changes.extend(now.difference(&before).map(|row| ("policy", row.clone(), true)));
                let place = self.place(&occurrence, zone);
                if place != *was {
                    self.effects.places.push((occurrence, Some(*was), place));
                }
            }
        }
        for (occurrence, was, place) in &self.effects.places {
            if let Some(Place::At(window)) = was {
                changes.push(("occurrence", takes_place(occurrence, *window), false));
            }
            if let Place::At(window) = place {
                changes.push(("occurrence", takes_place(occurrence, *window), true));
            }
        }
        for ((occurrence, attendee), (was, is)) in self.seats {
            let row = |last: Value| vec![text(&attendee), id(&occurrence), last];
            let state = |taken: &Option<Taken>| taken.as_ref().map(|taken| Arc::clone(&taken.state));
            let further = |taken: &Option<Taken>| taken.as_ref().map(|taken| taken.seats - 1).filter(|more| *more > 0);
            changes.extend(replaced("seat", state(&was), state(&is), |state| row(Value::Symbol(state))));
            changes.extend(replaced("further_seats", further(&was), further(&is), |more| row(more.into())));
        }
        for ((occurrence, attendee), (was, is)) in self.waiting {
            let row = |seats: i64| vec![text(&attendee), id(&occurrence), seats.into()];
            changes.extend(replaced("waits", was, is, row));
        }
        for (occurrence, (was, is)) in self.sales {
            let row = |seats: i64| vec![id(&occurrence), seats.into()];
            let withheld = |sale: Sale| Some(sale.withheld).filter(|seats| *seats > 0);
            changes.extend(replaced("capacity", was.capacity, is.capacity, row));
            changes.extend(replaced("withheld", withheld(was), withheld(is), row));
            let closed = |sale: Sale| sale.closed.then_some(());
            changes.extend(replaced("sale_closed", closed(was), closed(is), |()| vec![id(&occurrence)]));
        }
        (changes, self.effects)
    }

    fn place(&self, occurrence: &OccurrenceId, zone: &TimeZone) -> Place {
        Place::of(self.told(occurrence), occurrence.recurrence(), zone)
    }

    /// The series of `occurrence` as it is in the end.
    fn told(&self, occurrence: &OccurrenceId) -> Option<&Told> {
        let series = occurrence.series();
        self.effects.series.get(series).or_else(|| self.log.series.get(series))
    }
}

fn replaced<T: PartialEq>(
    relation: &'static str,
    was: Option<T>,
    is: Option<T>,
    row: impl Fn(T) -> Vec<Value>,
) -> Vec<Changed> {
    if was == is {
        return Vec::new();
    }
    let was = was.map(|was| (relation, row(was), false));
    was.into_iter().chain(is.map(|is| (relation, row(is), true))).collect()
}

/// The changes as the engine takes them.
pub(super) fn fitted(program: &Program, changes: Vec<Changed>) -> Result<Vec<Change>, EvalError> {
    let fit = |(relation, row, insert)| Ok(Change { fact: program.fact_of(relation, row)?, insert });
    changes.into_iter().map(fit).collect()
}

impl Effects {
    /// Changes of the host's facts that `program` has a relation for.
    pub(super) fn host_changes(&self, log: &Log, program: &Program) -> Vec<Change> {
        let changed = self.host.iter().filter(|(fact, insert)| log.host.contains(*fact) != **insert);
        let fit =
            |(fact, insert): (&HostFact, &bool)| Some(Change { fact: host_fact(program, fact).ok()?, insert: *insert });
        changed.filter_map(fit).collect()
    }

    /// Writes the effects into the log.
    pub(super) fn settle(self, log: &mut Log) {
        log.cursor = self.cursor;
        log.rules_seq = self.rules_seq;
        log.series.extend(self.series);
        for (occurrence, _, place) in self.places {
            log.touched.entry(occurrence.series().clone()).or_default().insert(*occurrence.recurrence(), place);
        }
        for (fact, insert) in self.host {
            if insert {
                log.host.insert(fact);
            } else {
                log.host.remove(&fact);
            }
        }
        log.rulesets = self.rulesets.unwrap_or_else(|| core::mem::take(&mut log.rulesets));
        log.text = self.text.unwrap_or_else(|| core::mem::take(&mut log.text));
    }
}
