//! Questions, rules and what is recorded as tables, and their laws as properties.

mod laws;
mod packs;
mod questions;
mod rules;

use core::time::Duration;
use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{DateTime, date};

use super::*;
use crate::booking::{self, BookingEvent, Party, Seats, booking_stream};
use crate::calendar::{CalendarEvent, Frame, Length};
use crate::datalog::Value;
use crate::id::{AttendeeId, OccurrenceId, PolicyName, RecurrenceId, SeriesId};
use crate::persist::{Cursor, NewEvent, RecordedEvent, Seq, StreamName};
use crate::schedule::{self, Series, SeriesCommand};
use crate::time::{Timestamp, Window};

/// Monday, 2026-01-05T00:00:00Z.
const MONDAY: i64 = 1_767_571_200_000;

/// So many minutes after Monday began.
fn at(minute: i64) -> Timestamp {
    Timestamp::from_millis(MONDAY + minute * 60_000)
}

fn window(from: i64, to: i64) -> Window {
    Window::new(at(from), at(to))
}

fn civil(minute: i64) -> DateTime {
    date(2026, 1, 5).at(0, 0, 0, 0) + minute.minutes()
}

fn who(name: &str) -> AttendeeId {
    AttendeeId::new(name).unwrap()
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// A log that events are put into, as a store would.
#[derive(Clone, Debug, Default)]
struct Records {
    events: Vec<RecordedEvent>,
    heads: BTreeMap<StreamName, Seq>,
    series: BTreeMap<SeriesId, Series>,
}

impl Records {
    fn put(&mut self, stream: &StreamName, new: Vec<NewEvent>) {
        for NewEvent { event_type, at, data } in new {
            let head = self.heads.entry(stream.clone()).or_default();
            *head = head.next();
            let (stream, seq) = (stream.clone(), *head);
            let cursor = Cursor::from_position(self.events.len() as u64 + 1);
            self.events.push(RecordedEvent { stream, seq, cursor, event_type, at, data });
        }
    }

    fn schedule(&mut self, id: &SeriesId, command: &SeriesCommand) {
        assert!(self.try_schedule(id, command), "the command changes something");
    }

    fn try_schedule(&mut self, id: &SeriesId, command: &SeriesCommand) -> bool {
        let series = self.series.get(id).cloned().unwrap_or_default();
        let decision = schedule::decide(&series, command, Timestamp::EPOCH);
        let Some(prepared) = schedule::prepare(id, &series, decision) else { return false };
        for append in prepared.transaction.appends {
            self.put(&append.stream, append.events);
        }
        self.series.insert(id.clone(), prepared.series);
        true
    }

    /// A series that takes place once, from minute to minute, on sale with as many seats.
    fn event(&mut self, name: &str, from: i64, to: i64, seats: u32) -> OccurrenceId {
        self.event_under(&[], name, from, to, seats)
    }

    /// The same, under policies.
    fn event_under(&mut self, policies: &[&str], name: &str, from: i64, to: i64, seats: u32) -> OccurrenceId {
        let id = SeriesId::new(name).unwrap();
        let length = Length::exact((to - from).minutes()).unwrap();
        let mut event = CalendarEvent::new(id.clone(), name, civil(from), Frame::Utc, length).with_capacity(seats);
        event.policies = policies.iter().map(|name| PolicyName::new(name).unwrap()).collect();
        self.schedule(&id, &SeriesCommand::schedule(event));
        let occurrence = OccurrenceId::new(id, RecurrenceId::utc(civil(from)));
        self.book(&occurrence, &BookingEvent::SaleOpened { capacity: Seats::new(seats) });
        occurrence
    }

    fn book(&mut self, occurrence: &OccurrenceId, event: &BookingEvent) {
        self.put(&booking_stream(occurrence), vec![booking::encode(Timestamp::EPOCH, event)]);
    }

    fn booked(&mut self, attendee: &str, occurrence: &OccurrenceId) {
        self.book(occurrence, &BookingEvent::SeatBooked { attendee: who(attendee), party: Party::default() });
    }

    fn held(&mut self, attendee: &str, occurrence: &OccurrenceId) {
        self.book(
            occurrence,
            &BookingEvent::SeatHeld { attendee: who(attendee), party: Party::default(), hold_for: minutes(15) },
        );
    }

    fn cancelled(&mut self, attendee: &str, occurrence: &OccurrenceId) {
        self.book(occurrence, &BookingEvent::SeatCancelled { attendee: who(attendee) });
    }

    fn rules(&mut self, event: &RulesEvent) {
        self.put(&rules_stream(), encode(Timestamp::EPOCH, event));
    }

    fn ruleset(&mut self, name: &str, text: &str) {
        self.rules(&RulesEvent::RulesetPut { name: name.to_owned(), text: text.to_owned() });
    }

    fn facts(&mut self, added: Vec<HostFact>) {
        self.rules(&RulesEvent::FactsChanged { added, removed: Vec::new() });
    }

    fn with(&self, options: Options) -> Availability {
        let mut availability = Availability::new(options).unwrap();
        availability.apply(&self.events).unwrap();
        availability
    }

    fn availability(&self) -> Availability {
        self.with(Options::default())
    }
}

fn fact(relation: &str, values: impl IntoIterator<Item = Value>) -> HostFact {
    HostFact::new(relation, values)
}

/// Everything that can be told of an availability: all facts and what is kept, and the log.
fn all(availability: &mut Availability) -> (Vec<String>, String) {
    let relations = ["occurrence(o, s, e)", "of_series(o, x)", "policy(o, x)", "seat(a, o, x)", "capacity(o, n)"];
    let kept = ["busy(a, o, s, e)", "conflict(a, x, y)", "seats_left(o, n)"];
    let asked = relations.iter().chain(&kept);
    let tables = asked.map(|text| format!("{:?}", availability.ask(text).unwrap().rows)).collect();
    (tables, serde_json::to_string(&availability.snapshot().unwrap()).unwrap())
}
