//! The rules as tables, and their laws as properties.

use std::sync::Arc;

use futures_util::FutureExt;
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use proptest::prelude::*;

use super::wire::Decoder;
use super::*;
use crate::calendar::{CalendarEvent, Change, Component, Details, Frame, Length, Parameter, Property, Range, Select};
use crate::id::{RecurrenceId, SeriesId};
use crate::persist::{Backend, Fault, MemoryBackend, NewEvent, Payload, RecordedEvent, Seq};
use crate::time::{Timestamp, Window};
use SeriesOutcome::{
    AlreadyScheduled, Cancelled, Invalid, Moved, NoSuchOccurrence, NoSuchSeries, Redefined, Reinstated, Scheduled,
    SeriesCancelled, Split, StartNotInRule, Unchanged,
};

fn now<T>(ready: impl Future<Output = T>) -> T {
    ready.now_or_never().expect("the memory store answers at once")
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn chess() -> SeriesId {
    SeriesId::new("chess@club.example").unwrap()
}

fn id(text: &str) -> RecurrenceId {
    text.parse().unwrap()
}

/// A day of January 2026; the 5th is a Monday.
fn january(day: i8, hour: i8) -> DateTime {
    date(2026, 1, day).at(hour, 0, 0, 0)
}

/// Monday evenings in Berlin.
fn weekly(rule: &str) -> CalendarEvent {
    let berlin = Frame::zoned("Europe/Berlin").unwrap();
    let event = CalendarEvent::new(chess(), "Chess", january(5, 19), berlin, Length::exact(2.hours()).unwrap());
    if rule.is_empty() { event } else { event.repeating(rule.parse().unwrap()) }
}

/// A series and how it came to be: every decision goes by way of the recorded form.
#[derive(Clone, Debug, Default)]
struct Told {
    series: Series,
    log: Vec<RecordedEvent>,
}

impl Told {
    fn after(commands: &[SeriesCommand]) -> Self {
        let mut told = Self::default();
        for command in commands {
            assert!(told.tell(command).is_accepted(), "{command:?}: {:?}", told.tell(command));
        }
        told
    }

    fn tell(&mut self, command: &SeriesCommand) -> SeriesOutcome {
        let instant = at(i64::try_from(self.log.len()).unwrap() * 1_000);
        let decision = decide(&self.series, command, instant);
        let refused = decision.reply.clone();
        let Some(prepared) = prepare(&chess(), &self.series, decision) else { return refused.outcome };
        let stream = series_stream(&chess());
        for event in &prepared.transaction.appends[0].events {
            let NewEvent { event_type, at, data } = event.clone();
            let seq = Seq::new(self.log.len() as u64 + 1);
            let cursor = crate::persist::Cursor::from_position(seq.get());
            self.log.push(RecordedEvent { stream: stream.clone(), seq, cursor, event_type, at, data });
        }
        let folded = Series::fold(&self.log, AsOf::Now).unwrap();
        assert_eq!(folded, prepared.series, "what is read back is what was decided");
        assert_eq!(prepared.reply.seq, folded.seq());
        self.series = folded;
        prepared.reply.outcome
    }

    /// Starts as clocks show them, with a star if cancelled and the id in brackets if it is another.
    fn list(&self, count: usize) -> Vec<String> {
        let found = self.series.occurrences(DateTime::MIN, DateTime::MAX, Select::Starting).take(count);
        let line = |occurrence: crate::calendar::Occurrence| {
            let star = if occurrence.cancelled { "*" } else { "" };
            let original = occurrence.recurrence().at();
            let of =
                if original == occurrence.start { String::new() } else { format!("[{}]", original.strftime("%d")) };
            format!("{}{of}{star}", occurrence.start.strftime("%m-%d %H"))
        };
        found.map(|occurrence| line(occurrence.unwrap())).collect()
    }
}

fn scheduled(rule: &str) -> Told {
    Told::after(&[SeriesCommand::schedule(weekly(rule))])
}

fn cancel(of: &str, range: Range) -> SeriesCommand {
    SeriesCommand::Cancel { recurrence: id(of), range }
}

#[test]
fn every_command_is_answered_as_the_table_says() {
    let mondays = || weekly("FREQ=WEEKLY;BYDAY=MO");
    let tuesdays = || weekly("FREQ=WEEKLY;BYDAY=TU");
    let other = || CalendarEvent { series: SeriesId::new("other").unwrap(), ..mondays() };
    let first = Some(january(6, 19));
    let (one, none) = ("20260112T190000", "20260113T190000");
    let move_to = |of: &str, day| SeriesCommand::move_one(id(of), january(day, 20));
    let tail = || CalendarEvent { start: january(20, 19), ..tuesdays() };
    let put = SeriesCommand::schedule;
    let before: &[(&str, Vec<SeriesCommand>)] = &[
        ("nothing", vec![]),
        ("mondays", vec![put(mondays())]),
        ("cancelled", vec![put(mondays()), SeriesCommand::CancelAll]),
    ];
    let table: Vec<(&str, SeriesCommand, SeriesOutcome)> = vec![
        ("nothing", put(mondays()), Scheduled),
        ("nothing", put(tuesdays()), StartNotInRule { first }),
        ("nothing", put(weekly("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")), StartNotInRule { first: None }),
        ("nothing", put(weekly("FREQ=DAILY;UNTIL=20250101")), Scheduled),
        ("nothing", put(mondays().except(january(5, 19))), Scheduled),
        ("nothing", SeriesCommand::redefine(mondays()), NoSuchSeries),
        ("nothing", SeriesCommand::CancelAll, NoSuchSeries),
        ("nothing", move_to(one, 13), NoSuchSeries),
        ("mondays", put(mondays()), Unchanged),
        ("mondays", put(tuesdays()), AlreadyScheduled),
        ("mondays", SeriesCommand::redefine(mondays()), Unchanged),
        ("mondays", SeriesCommand::redefine(tuesdays()), StartNotInRule { first }),
        ("mondays", SeriesCommand::redefine(other()), Invalid(Flaw::OtherSeries)),
        ("mondays", SeriesCommand::redefine(weekly("")), Redefined),
        ("mondays", move_to(none, 14), NoSuchOccurrence),
        ("mondays", move_to(one, 13), Moved),
        ("mondays", SeriesCommand::move_one(id(one), january(12, 19)), Unchanged),
        ("mondays", SeriesCommand::move_following(id(one), january(12, 20)), Moved),
        ("mondays", SeriesCommand::split(id(none), tail()), NoSuchOccurrence),
        ("mondays", SeriesCommand::split(id("20260126T190000"), tail()), Invalid(Flaw::StartsBeforeSplit)),
        ("mondays", SeriesCommand::split(id(one), tail()), Split),
        (
            "mondays",
            SeriesCommand::split(id(one), CalendarEvent { start: january(19, 19), ..tail() }),
            StartNotInRule { first: Some(january(20, 19)) },
        ),
        ("mondays", cancel(none, Range::This), NoSuchOccurrence),
        ("mondays", cancel(one, Range::This), Cancelled),
        ("mondays", cancel(one, Range::ThisAndFuture), Cancelled),
        ("mondays", SeriesCommand::CancelAll, Cancelled),
        ("mondays", SeriesCommand::Reinstate { recurrence: id(one) }, Unchanged),
        ("cancelled", put(mondays()), SeriesCancelled),
        ("cancelled", move_to(one, 13), SeriesCancelled),
        ("cancelled", cancel(one, Range::This), SeriesCancelled),
        ("cancelled", SeriesCommand::Reinstate { recurrence: id(one) }, SeriesCancelled),
        ("cancelled", SeriesCommand::CancelAll, Unchanged),
        ("cancelled", SeriesCommand::redefine(mondays()), Redefined),
    ];
    for (state, command, expected) in table {
        let (_, commands) = before.iter().find(|(name, _)| *name == state).unwrap();
        let mut told = Told::after(commands);
        let outcome = told.tell(&command);
        assert_eq!(outcome, expected, "{state}: {command:?}");
        let again = told.tell(&command);
        let idempotent = !expected.is_accepted() && again == expected || again == Unchanged;
        assert!(idempotent, "{state}: {command:?} a second time: {again:?}");
    }
}

#[test]
fn refusals_name_the_event_that_explains_them() {
    let mut told = scheduled("FREQ=WEEKLY");
    assert_eq!(told.tell(&SeriesCommand::move_one(id("20260112T190000"), january(13, 19))), Moved);
    let other = SeriesCommand::schedule(weekly("FREQ=DAILY"));
    assert_eq!(decide(&told.series, &other, at(0)).reply.seq, Seq::new(1));
    assert_eq!(told.tell(&SeriesCommand::CancelAll), Cancelled);
    let late = SeriesCommand::Reinstate { recurrence: id("20260112T190000") };
    let reply = decide(&told.series, &late, at(0)).reply;
    assert_eq!((reply.outcome, reply.seq), (SeriesCancelled, Seq::new(3)));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let whole = CalendarEvent::new(chess(), "Fair", january(5, 0), Frame::Date, Length::days(2));
    let change = Change {
        of: january(12, 19),
        range: Range::This,
        start: january(13, 19),
        frame: Frame::Utc,
        length: Length::ZERO,
        summary: "x".into(),
        cancelled: false,
        details: Arc::default(),
    };
    let table = [
        (CalendarEvent { start: january(5, 7), ..whole.clone() }, Flaw::NotWholeDays),
        (CalendarEvent { length: Length::exact(1.hours()).unwrap(), ..whole }, Flaw::NotWholeDays),
        (CalendarEvent { start: date(2026, 1, 5).at(1, 1, 1, 5), ..weekly("") }, Flaw::Time),
        (
            CalendarEvent { changes: vec![change.clone(), change], ..weekly("FREQ=WEEKLY") },
            Flaw::TwoChanges { of: january(12, 19) },
        ),
        (
            CalendarEvent { rules: vec!["FREQ=DAILY".parse().unwrap(); 51], ..weekly("") },
            Flaw::TooMany { what: "rules", limit: 50 },
        ),
    ];
    for (event, flaw) in table {
        assert_eq!(Told::default().tell(&SeriesCommand::schedule(event)), Invalid(flaw));
    }
}

#[test]
fn one_occurrence_moves_and_keeps_its_id() {
    let mut told = scheduled("FREQ=WEEKLY;COUNT=4");
    assert_eq!(told.tell(&SeriesCommand::move_one(id("20260112T190000"), january(20, 18))), Moved);
    assert_eq!(told.list(9), ["01-05 19", "01-19 19", "01-20 18[12]", "01-26 19"]);
    assert!(told.series.has_occurrence(&id("20260112T190000")).unwrap());
    assert_eq!(told.series.revision(), 1);
}

#[test]
fn this_and_following_move_together_and_those_moved_alone_stay() {
    let mut told = scheduled("FREQ=WEEKLY;COUNT=5");
    assert_eq!(told.tell(&SeriesCommand::move_one(id("20260126T190000"), january(27, 9))), Moved);
    assert_eq!(told.tell(&SeriesCommand::move_following(id("20260112T190000"), january(13, 20))), Moved);
    assert_eq!(told.list(9), ["01-05 19", "01-13 20[12]", "01-20 20[19]", "01-27 09[26]", "02-03 20[02]"]);
    // The anchor of the move moves alone: the others stay where they are.
    assert_eq!(told.tell(&SeriesCommand::move_one(id("20260112T190000"), january(12, 8))), Moved);
    assert_eq!(told.list(9), ["01-05 19", "01-12 08[12]", "01-20 20[19]", "01-27 09[26]", "02-03 20[02]"]);
    // An earlier "this and following" takes the later one along.
    assert_eq!(told.tell(&SeriesCommand::move_following(id("20260105T190000"), january(5, 10))), Moved);
    assert_eq!(told.list(9), ["01-05 10[05]", "01-12 08[12]", "01-19 10[19]", "01-27 09[26]", "02-02 10[02]"]);
}

#[test]
fn length_and_summary_change_without_the_time() {
    let mut told = scheduled("FREQ=WEEKLY;COUNT=3");
    let finals = SeriesCommand::Move {
        recurrence: id("20260119T190000"),
        range: Range::This,
        start: january(19, 19),
        length: None,
        summary: Some("Final".into()),
    };
    assert_eq!(told.tell(&finals), Moved);
    assert_eq!(told.series.revision(), 0, "a name is nothing that attendees must agree to");
    let last = told.series.occurrences(january(19, 0), DateTime::MAX, Select::Starting).next().unwrap().unwrap();
    assert_eq!((last.summary(), last.end), ("Final", january(19, 21)));
}

#[test]
fn cancelled_ones_stay_listed_in_all_ranges_and_come_back() {
    let mut told = scheduled("FREQ=WEEKLY;COUNT=5");
    assert_eq!(told.tell(&SeriesCommand::move_one(id("20260126T190000"), january(27, 9))), Moved);
    assert_eq!(told.tell(&cancel("20260112T190000", Range::This)), Cancelled);
    assert_eq!(told.list(9), ["01-05 19", "01-12 19*", "01-19 19", "01-27 09[26]", "02-02 19"]);
    assert_eq!(told.tell(&cancel("20260112T190000", Range::This)), Unchanged);
    assert_eq!(told.tell(&cancel("20260112T190000", Range::ThisAndFuture)), Cancelled);
    assert_eq!(told.list(9), ["01-05 19", "01-12 19*", "01-19 19*", "01-27 09[26]*", "02-02 19*"]);
    assert_eq!(told.tell(&cancel("20260112T190000", Range::ThisAndFuture)), Unchanged);
    assert_eq!(told.tell(&cancel("20260126T190000", Range::ThisAndFuture)), Unchanged);
    let refused = told.tell(&SeriesCommand::move_one(id("20260119T190000"), january(20, 9)));
    assert_eq!(refused, SeriesOutcome::OccurrenceCancelled);
    for of in ["20260119T190000", "20260126T190000"] {
        assert_eq!(told.tell(&SeriesCommand::Reinstate { recurrence: id(of) }), Reinstated);
    }
    assert_eq!(told.list(9), ["01-05 19", "01-12 19*", "01-19 19", "01-27 09[26]", "02-02 19*"]);
    assert_eq!(told.series.standing(&id("20260119T190000")), Standing::Stands);
    assert_eq!(told.series.standing(&id("20260202T190000")), Standing::Cancelled);
    assert_eq!(told.series.standing(&id("20260209T190000")), Standing::Gone);
    assert_eq!(told.tell(&SeriesCommand::CancelAll), Cancelled);
    assert!(told.list(9).iter().all(|line| line.ends_with('*')));
}

#[test]
fn a_split_ends_the_head_and_begins_the_tail() {
    let thursdays = || CalendarEvent { start: january(22, 18), ..weekly("FREQ=WEEKLY;BYDAY=TH;COUNT=2") };
    // Whatever the head's rule ends with, and also when it ended by itself before.
    for (rule, end) in [
        ("FREQ=WEEKLY", "FREQ=WEEKLY;UNTIL=20260119T175959Z"),
        ("FREQ=WEEKLY;COUNT=30", "FREQ=WEEKLY;UNTIL=20260119T175959Z"),
        ("FREQ=WEEKLY;UNTIL=20270101", "FREQ=WEEKLY;UNTIL=20260119T175959Z"),
    ] {
        let mut told = scheduled(rule);
        let split = SeriesCommand::split(id("20260119T190000"), thursdays());
        assert_eq!(told.tell(&split), Split);
        assert_eq!(told.list(9), ["01-05 19", "01-12 19", "01-22 18", "01-29 18"], "{rule}");
        assert_eq!(told.series.parts()[0].rules[0].to_string(), end);
        assert_eq!(told.tell(&split), Unchanged);
        assert!(!told.series.has_occurrence(&id("20260119T190000")).unwrap());
    }
    let mut counted = weekly("FREQ=WEEKLY;COUNT=2");
    counted.dates.push((january(25, 10), None));
    let mut told = Told::after(&[SeriesCommand::schedule(counted)]);
    let later = CalendarEvent { start: january(29, 18), ..thursdays() };
    assert_eq!(told.tell(&SeriesCommand::split(id("20260125T100000"), later)), Split);
    assert_eq!(told.series.parts()[0].rules[0].to_string(), "FREQ=WEEKLY;COUNT=2");
    assert_eq!(told.list(9), ["01-05 19", "01-12 19", "01-29 18", "02-05 18"]);
}

#[test]
fn a_feed_tells_the_parts_of_a_split_series_apart() {
    let thursdays = CalendarEvent { start: january(22, 18), ..weekly("FREQ=WEEKLY;BYDAY=TH;COUNT=2") };
    let mut told = scheduled("FREQ=WEEKLY");
    assert_eq!(told.tell(&SeriesCommand::split(id("20260119T190000"), thursdays)), Split);
    let events = told.series.events();
    let names: Vec<&str> = events.iter().map(|event| event.series.as_str()).collect();
    assert_eq!(names, ["chess@club.example", "chess@club.example_R20260119T190000"]);
    assert_eq!(events[1].details.properties.last().unwrap().to_string(), "RELATED-TO:chess@club.example\r\n");
}

#[test]
fn a_split_at_the_first_occurrence_leaves_no_head_and_one_before_another_takes_its_place() {
    let tail = |day, hour| CalendarEvent { start: january(day, hour), ..weekly("FREQ=WEEKLY;COUNT=2") };
    let mut told = scheduled("FREQ=WEEKLY");
    assert_eq!(told.tell(&SeriesCommand::split(id("20260105T190000"), tail(5, 20))), Split);
    assert_eq!((told.series.parts().len(), told.series.splits().len()), (1, 0));
    assert_eq!(told.tell(&SeriesCommand::split(id("20260112T200000"), tail(13, 9))), Split);
    assert_eq!(told.list(9), ["01-05 20", "01-13 09", "01-20 09"]);
    // Before the second part: that one is gone.
    assert_eq!(told.tell(&SeriesCommand::split(id("20260105T200000"), tail(7, 7))), Split);
    assert_eq!(told.list(9), ["01-07 07", "01-14 07"]);
    assert_eq!(told.series.splits().len() + 1, told.series.parts().len());
}

#[test]
fn changes_reach_into_later_parts() {
    let tail = CalendarEvent { start: january(20, 18), ..weekly("FREQ=WEEKLY;COUNT=2") };
    let mut told = scheduled("FREQ=WEEKLY");
    assert_eq!(told.tell(&SeriesCommand::split(id("20260119T190000"), tail)), Split);
    assert_eq!(told.tell(&SeriesCommand::move_following(id("20260112T190000"), january(12, 20))), Moved);
    assert_eq!(told.list(9), ["01-05 19", "01-12 20[12]", "01-20 19[20]", "01-27 19[27]"]);
    assert_eq!(told.tell(&cancel("20260112T190000", Range::ThisAndFuture)), Cancelled);
    assert_eq!(told.list(9), ["01-05 19", "01-12 20[12]*", "01-20 19[20]*", "01-27 19[27]*"]);
    assert_eq!(told.tell(&cancel("20260112T190000", Range::ThisAndFuture)), Unchanged);
}

#[test]
fn a_new_part_gives_no_recurrence_id_a_second_time() {
    // Hourly in Berlin; from noon on in New York, where the clocks are six hours behind.
    let hourly = |frame: &str, hour| {
        let frame = Frame::zoned(frame).unwrap();
        let event = CalendarEvent::new(chess(), "Bell", january(5, hour), frame, Length::ZERO);
        event.repeating("FREQ=HOURLY".parse().unwrap())
    };
    let mut told = Told::after(&[SeriesCommand::schedule(hourly("Europe/Berlin", 1))]);
    let split = |hour| SeriesCommand::split(id("20260105T120000"), hourly("America/New_York", hour));
    assert_eq!(told.tell(&split(6)), Invalid(Flaw::SameRecurrence { of: january(5, 6) }));
    assert_eq!(told.tell(&split(5)), Invalid(Flaw::StartsBeforeSplit));
    assert_eq!(told.tell(&split(12)), Split);
}

#[test]
fn the_revision_rises_with_what_matters_to_who_attends() {
    let mut told = scheduled("FREQ=WEEKLY");
    let renamed = CalendarEvent { summary: "Schach".into(), ..weekly("FREQ=WEEKLY") };
    assert_eq!(told.tell(&SeriesCommand::redefine(renamed)), Redefined);
    assert_eq!(told.series.revision(), 0);
    assert_eq!(told.tell(&SeriesCommand::redefine(weekly("FREQ=WEEKLY;INTERVAL=2"))), Redefined);
    assert_eq!(told.series.revision(), 1);
    let mut theirs = weekly("FREQ=WEEKLY;INTERVAL=3");
    theirs.details = Arc::new(Details { sequence: 7, ..Details::default() });
    assert_eq!(told.tell(&SeriesCommand::redefine(theirs.clone())), Redefined);
    assert_eq!((told.series.revision(), told.series.events()[0].details.sequence), (7, 7));
    // An export of ours that comes back, or theirs with a new stamp, says nothing new.
    let ours = told.series.events().remove(0);
    assert_eq!(told.tell(&SeriesCommand::redefine(ours)), Unchanged);
    theirs.details = Arc::new(Details { stamp: Some(at(5)), ..(*theirs.details).clone() });
    assert_eq!(told.tell(&SeriesCommand::redefine(theirs)), Unchanged);
}

#[test]
fn the_past_can_be_asked_by_seq_and_by_time() {
    let told = Told::after(&[
        SeriesCommand::schedule(weekly("FREQ=WEEKLY;COUNT=2")),
        SeriesCommand::move_one(id("20260112T190000"), january(13, 9)),
        SeriesCommand::redefine(weekly("")),
    ]);
    let parts = |as_of| Series::fold(&told.log, as_of).unwrap();
    assert!(!parts(AsOf::Seq(Seq::UNWRITTEN)).exists());
    assert_eq!(parts(AsOf::Seq(Seq::new(1))).parts(), [weekly("FREQ=WEEKLY;COUNT=2")]);
    assert_eq!(parts(AsOf::Time(at(1_999))).parts()[0].changes.len(), 1);
    assert_eq!(parts(AsOf::Time(at(2_000))).parts(), [weekly("")]);
    assert!(!parts(AsOf::Time(at(-1))).exists());
    assert_eq!(parts(AsOf::Now), told.series);
}

#[test]
fn a_long_definition_is_recorded_in_pieces_that_a_store_takes() {
    let mut event = weekly("FREQ=WEEKLY");
    let text = "Bring \"your\" board\\n\u{1f3b2}ß".repeat(900);
    let parameters = vec![Parameter { name: "LANGUAGE".to_owned(), values: vec!["de".to_owned()] }];
    let properties = vec![Property { name: "DESCRIPTION".to_owned(), parameters, value: text, line: 3 }];
    let alarm = Component { name: "VALARM".to_owned(), properties: properties.clone(), components: vec![], line: 9 };
    event.details = Arc::new(Details { properties, components: vec![alarm], ..Details::default() });
    event.capacity = Some(20);
    event.excluded_days.push(date(2026, 2, 2));
    event.dates.push((january(9, 9), Some(Length::days(2))));
    event.excluded_rules.push("FREQ=YEARLY;BYMONTH=8;BYMONTHDAY=3".parse().unwrap());
    let store = MemoryBackend::new();
    let reply = now(run(&store, &chess(), &SeriesCommand::schedule(event.clone()), at(0))).unwrap();
    assert_eq!(reply.outcome, Scheduled);
    assert!(reply.seq > Seq::new(10), "{reply:?}");
    assert_eq!(now(load_series(&store, &chess(), AsOf::Now)).unwrap().parts(), [event]);
    // In the middle of the pieces nothing has happened yet.
    assert!(!now(load_series(&store, &chess(), AsOf::Seq(Seq::new(5)))).unwrap().exists());
    let (changed, last) = now(changed_since(&store, Seq::UNWRITTEN)).unwrap();
    assert_eq!((changed, last), (vec![(chess(), reply.seq)], Seq::FIRST));
}

#[test]
fn an_event_that_cannot_be_read_is_named_and_never_a_panic() {
    let told = Told::after(&[
        SeriesCommand::schedule(weekly("FREQ=WEEKLY")),
        SeriesCommand::move_one(id("20260112T190000"), january(13, 9)),
    ]);
    for (kind, data) in [
        ("schedule.series_scheduled.v9", r#"{"revision":0}"#),
        ("schedule.series_scheduled.v1", r#"{"revision":0,"text":"BEGIN"}"#),
        ("schedule.occurrence_moved.v1", r#"{"revision":-1,"part":0,"text":""}"#),
        ("schedule.series_split.v1", "[]"),
        ("schedule.text.v1", "7"),
    ] {
        let mut log = told.log.clone();
        log[1].event_type = crate::persist::EventType::new(kind).unwrap();
        log[1].data = Payload::from_json(data).unwrap();
        let corrupt = Series::fold(&log, AsOf::Now).unwrap_err();
        assert_eq!(corrupt.seq, Seq::new(2), "{corrupt}");
        assert!(matches!(Fault::from(corrupt), Fault::Corrupt { .. }));
        assert!(Series::fold(&log, AsOf::Seq(Seq::FIRST)).is_ok());
    }
    let corrupt = Series::fold(&told.log[1..], AsOf::Now).unwrap_err();
    assert_eq!((corrupt.seq, &*corrupt.reason), (Seq::FIRST, "is missing"));
}

#[test]
fn evolve_takes_whatever_was_recorded() {
    // Changes to parts that are not there, splits of nothing.
    let told = Told::after(&[
        SeriesCommand::schedule(weekly("FREQ=WEEKLY")),
        SeriesCommand::move_one(id("20260112T190000"), january(13, 9)),
        SeriesCommand::split(id("20260119T190000"), CalendarEvent { start: january(20, 9), ..weekly("") }),
    ]);
    let events: Vec<SeriesEvent> =
        told.log.iter().filter_map(|recorded| Decoder::default().read(recorded).unwrap()).collect();
    let mut series = Series::new();
    for event in events.iter().rev() {
        series.evolve(series.seq().next(), at(0), event);
    }
    assert_eq!(series.parts().len(), 1);
    let mut series = Series::new();
    series.evolve(Seq::FIRST, at(0), &events[2]);
    series.evolve(Seq::new(2), at(0), &events[2]);
    assert_eq!(series.splits().len() + 1, series.parts().len());
}

#[test]
fn series_ids_are_found_whatever_they_look_like() {
    let store = MemoryBackend::new();
    let names = ["a", "a@b", "a/b", "series/a", "Größe 7", "zz"];
    for name in names {
        let id = SeriesId::new(name).unwrap();
        let event = CalendarEvent { series: id.clone(), ..weekly("") };
        assert_eq!(now(run(&store, &id, &SeriesCommand::schedule(event), at(0))).unwrap().outcome, Scheduled);
    }
    let mut expected: Vec<SeriesId> = names.iter().map(|name| SeriesId::new(name).unwrap()).collect();
    expected.sort();
    assert_eq!(now(series_ids(&store)).unwrap(), expected);
    assert!(now(store.head(&changes_stream())).unwrap().last == Seq::new(6));
}

#[test]
fn an_agenda_finds_what_reaches_into_the_window() {
    let told = scheduled("FREQ=WEEKLY");
    let fair_id = SeriesId::new("fair").unwrap();
    let fair = CalendarEvent::new(fair_id, "Fair", january(3, 0), Frame::Date, Length::days(3)).with_capacity(9);
    let mut other = Series::new();
    let decision = decide(&other, &SeriesCommand::schedule(fair), at(0));
    other.evolve(Seq::FIRST, decision.at, &decision.events[0]);
    let day = Window::new("2026-01-05T00:00Z".parse().unwrap(), "2026-01-06T00:00Z".parse().unwrap());
    let options = AgendaOptions::default();
    let found = agenda([&told.series, &other], day, &TimeZone::UTC, &options);
    let names: Vec<_> = found.entries.iter().map(|entry| (entry.occurrence.summary(), entry.capacity)).collect();
    assert_eq!(names, [("Fair", Some(9)), ("Chess", None)]);
    assert_eq!(found.truncated, []);
    let one = AgendaOptions { limit: 1, ..options };
    let cut = agenda([&told.series, &other], day, &TimeZone::UTC, &one);
    assert_eq!(cut.entries.len(), 1);
    assert_eq!(cut.truncated, [Incomplete::Limit { from: "2026-01-05T18:00Z".parse().unwrap() }]);
}

fn any_command() -> impl Strategy<Value = SeriesCommand> {
    let original = (0_i64..8).prop_map(|week| {
        let start = january(5, 19).saturating_add(SignedDuration::from_hours(24 * 7 * week));
        RecurrenceId::local(start)
    });
    let range = prop_oneof![Just(Range::This), Just(Range::ThisAndFuture)];
    let moved = (original.clone(), range.clone(), -30_i64..30).prop_map(|(recurrence, range, hours)| {
        let start = recurrence.at().saturating_add(SignedDuration::from_hours(hours));
        SeriesCommand::Move { recurrence, range, start, length: None, summary: None }
    });
    let split = (original.clone(), 0_i64..3, 1_u32..9).prop_map(|(recurrence, weeks, count)| {
        let start = recurrence.at().saturating_add(SignedDuration::from_hours(24 * 7 * weeks));
        let event = CalendarEvent { start, ..weekly(&format!("FREQ=WEEKLY;COUNT={count}")) };
        SeriesCommand::split(recurrence, event)
    });
    prop_oneof![
        4 => moved,
        3 => (original.clone(), range).prop_map(|(recurrence, range)| SeriesCommand::Cancel { recurrence, range }),
        3 => split,
        2 => original.prop_map(|recurrence| SeriesCommand::Reinstate { recurrence }),
        1 => (1_u32..9).prop_map(|count| SeriesCommand::redefine(weekly(&format!("FREQ=WEEKLY;COUNT={count}")))),
    ]
}

proptest! {
    /// Whatever is asked: recorded forms read back (checked in `tell`), a second time changes nothing, moving and
    /// cancelling keep the set of recurrence ids, no id is given twice, and a range of one touches no other.
    #[test]
    fn laws_of_a_series(commands in proptest::collection::vec(any_command(), 1..12)) {
        let mut told = scheduled("FREQ=WEEKLY;COUNT=8");
        let all = |series: &Series| {
            let found = series.occurrences(DateTime::MIN, DateTime::MAX, Select::Starting);
            let mut found: Vec<_> = found.map(|found| found.unwrap()).map(|found| (found.recurrence(), found)).collect();
            found.sort_by_key(|(id, _)| *id);
            found
        };
        for command in &commands {
            let before = all(&told.series);
            let outcome = told.tell(command);
            let after = all(&told.series);
            prop_assert!(after.windows(2).all(|pair| pair[0].0 < pair[1].0), "an id came twice: {after:?}");
            prop_assert_eq!(told.series.splits().len() + 1, told.series.parts().len());
            let ids = |list: &[(RecurrenceId, _)]| list.iter().map(|(id, _)| *id).collect::<Vec<_>>();
            if !matches!(command, SeriesCommand::Split { .. } | SeriesCommand::Redefine { .. }) {
                prop_assert_eq!(ids(&before), ids(&after));
            }
            if let SeriesCommand::Move { recurrence, range: Range::This, .. }
            | SeriesCommand::Cancel { recurrence, range: Range::This }
            | SeriesCommand::Reinstate { recurrence } = command
            {
                let others = |list: Vec<(RecurrenceId, crate::calendar::Occurrence)>| {
                    list.into_iter().filter(|(id, _)| id != recurrence).collect::<Vec<_>>()
                };
                prop_assert_eq!(others(before), others(after));
            } else if let SeriesCommand::Move { recurrence, .. } | SeriesCommand::Cancel { recurrence, .. } = command {
                let earlier = |list: Vec<(RecurrenceId, crate::calendar::Occurrence)>| {
                    list.into_iter().filter(|(id, _)| id < recurrence).collect::<Vec<_>>()
                };
                prop_assert_eq!(earlier(before), earlier(after));
            }
            if outcome.is_accepted() {
                prop_assert_eq!(told.tell(command), Unchanged, "{:?}", command);
            }
        }
    }
}
