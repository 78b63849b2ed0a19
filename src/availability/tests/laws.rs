//! Laws.

use proptest::prelude::*;

use super::*;
use crate::booking::SeatLedger;
use crate::calendar::{Range, Select};
use crate::persist::Seq;
use jiff::tz::TimeZone;

const NAMES: [&str; 3] = ["ann", "bob", "cid"];

#[derive(Clone, Debug)]
enum Step {
    Booking(usize, usize, u8),
    Move(usize, i64),
    Cancel(usize),
    Reinstate(usize),
    Capacity(usize, u32),
    Fact(i64, bool),
    Ruleset(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..5_usize, 0..3_usize, 0..6_u8).prop_map(|(o, a, what)| Step::Booking(o, a, what)),
        2 => (0..5_usize, 0..120_i64).prop_map(|(o, to)| Step::Move(o, to)),
        1 => (0..5_usize).prop_map(Step::Cancel),
        1 => (0..5_usize).prop_map(Step::Reinstate),
        1 => (0..5_usize, 0..3_u32).prop_map(|(o, seats)| Step::Capacity(o, seats)),
        1 => (0..3_i64, any::<bool>()).prop_map(|(value, put)| Step::Fact(value, put)),
        1 => any::<bool>().prop_map(Step::Ruleset),
    ]
}

/// Five occurrences within two hours, and what happens to them.
fn records() -> impl Strategy<Value = Records> {
    let spans = proptest::collection::vec((0..100_i64, 0..30_i64), 5);
    (spans, proptest::collection::vec(step(), 0..40)).prop_map(|(spans, steps)| {
        let mut log = Records::default();
        let mut occurrences = Vec::new();
        for (place, (from, length)) in spans.into_iter().enumerate() {
            occurrences.push(log.event(&format!("o{place}"), from, from + length, 2));
        }
        for step in &steps {
            take(&mut log, &occurrences, step);
        }
        log
    })
}

fn take(log: &mut Records, occurrences: &[OccurrenceId], step: &Step) {
    let series = |log: &mut Records, place: usize, command: &dyn Fn(RecurrenceId) -> SeriesCommand| {
        let occurrence = &occurrences[place];
        log.try_schedule(occurrence.series(), &command(*occurrence.recurrence()));
    };
    match step {
        Step::Booking(occurrence, attendee, what) => {
            let attendee = who(NAMES[*attendee]);
            let event = match what {
                0 => BookingEvent::SeatHeld { attendee, party: Party::default(), hold_for: minutes(1) },
                1 => BookingEvent::HoldConfirmed { attendee },
                2 => BookingEvent::HoldLapsed { attendee },
                3 => BookingEvent::SeatCancelled { attendee },
                _ => BookingEvent::SeatBooked { attendee, party: Party::default() },
            };
            log.book(&occurrences[*occurrence], &event);
        }
        Step::Move(place, to) => series(log, *place, &|recurrence| SeriesCommand::move_one(recurrence, civil(*to))),
        Step::Cancel(place) => {
            series(log, *place, &|recurrence| SeriesCommand::Cancel { recurrence, range: Range::This });
        }
        Step::Reinstate(place) => series(log, *place, &|recurrence| SeriesCommand::Reinstate { recurrence }),
        Step::Capacity(place, seats) => {
            log.book(&occurrences[*place], &BookingEvent::SaleOpened { capacity: Seats::new(*seats) });
        }
        Step::Fact(value, put) => {
            let facts = vec![fact("extra", [(*value).into()])];
            let (added, removed) = if *put { (facts, Vec::new()) } else { (Vec::new(), facts) };
            log.rules(&RulesEvent::FactsChanged { added, removed });
        }
        Step::Ruleset(true) => log.ruleset("extra", ".decl extra(n: number) input\n.decl more(n: number) maintain\nmore(n) :- extra(m), seats_left(_, k), n = m + k."),
        Step::Ruleset(false) => log.rules(&RulesEvent::RulesetRemoved { name: "extra".to_owned() }),
    }
}

/// When an attendee is busy, by folding and expanding without any rule.
fn model(log: &Records, attendee: &str) -> Vec<Window> {
    let mut ledgers: BTreeMap<OccurrenceId, SeatLedger> = BTreeMap::new();
    for event in &log.events {
        if let Some(occurrence) = booking::occurrence_of(&event.stream) {
            let ledger = ledgers.entry(occurrence).or_default();
            ledger.evolve(event.at, &booking::decode(event).unwrap());
        }
    }
    let mut spans = Vec::new();
    for series in log.series.values() {
        for found in series.occurrences_within(window(-9_999, 9_999), &TimeZone::UTC, Select::Starting) {
            let found = found.unwrap();
            let seat = ledgers.get(&found.id()).and_then(|ledger| ledger.seat_state(&who(attendee)));
            if seat.is_some() && !found.cancelled {
                spans.push(found.window(&TimeZone::UTC));
            }
        }
    }
    spans
}

/// The same events with other streams before and after one another.
fn interleaved(log: &Records, choices: &[usize]) -> Vec<RecordedEvent> {
    let mut streams: BTreeMap<&StreamName, std::collections::VecDeque<&RecordedEvent>> = BTreeMap::new();
    for event in &log.events {
        streams.entry(&event.stream).or_default().push_back(event);
    }
    let mut streams: Vec<_> = streams.into_values().collect();
    let mut events = Vec::new();
    let mut choices = choices.iter().cycle();
    while !streams.is_empty() {
        let place = choices.next().unwrap() % streams.len();
        let mut event = streams[place].pop_front().unwrap().clone();
        event.cursor = Cursor::from_position(events.len() as u64 + 1);
        events.push(event);
        streams.retain(|stream| !stream.is_empty());
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn questions_agree_with_a_walk_over_the_minutes(
        log in records(), from in -10..130_i64, to in -10..130_i64, length in 0..40_i64,
    ) {
        let availability = log.availability();
        for name in NAMES {
            let (attendee, within) = (who(name), window(from, to));
            let busy = model(&log, name);
            let free = |span: Window| !busy.iter().any(|one| one.overlaps(&span));
            prop_assert_eq!(availability.is_free(&attendee, within).unwrap(), free(within));
            prop_assert_eq!(availability.busy(&attendee, within).unwrap().is_empty(), free(within));

            let next = availability.next_free(&attendee, within, minutes(length.unsigned_abs())).unwrap();
            let first = (from..=to - length).map(|minute| window(minute, minute + length)).find(|span| free(*span));
            prop_assert_eq!(next, first.map(|span| span.start));

            let slots = availability.free_slots(core::slice::from_ref(&attendee), within, minutes(0), 999).unwrap();
            for minute in from..to {
                let span = window(minute, minute + 1);
                let in_slot = slots.iter().any(|slot| slot.start <= span.start && span.end <= slot.end);
                prop_assert_eq!(in_slot, free(span));
            }
            // They do not overlap, all of each is free, and none can be made longer.
            prop_assert!(slots.windows(2).all(|pair| pair[0].end <= pair[1].start));
            prop_assert!(slots.iter().all(|slot| free(*slot) && !slot.is_empty()));
            for slot in &slots {
                let longer = Window::new(slot.start, slot.end + minutes(1));
                prop_assert!(slot.end == within.end || !free(longer));
            }
        }
    }

    #[test]
    fn event_by_event_is_all_at_once_is_a_snapshot_and_the_tail(log in records(), cut in any::<prop::sample::Index>()) {
        let expected = all(&mut log.availability());
        let mut single = Availability::new(Options::default()).unwrap();
        for event in &log.events {
            single.apply(core::slice::from_ref(event)).unwrap();
        }
        prop_assert_eq!(&all(&mut single), &expected);

        let mut half = Availability::new(Options::default()).unwrap();
        half.apply(&log.events[..cut.index(log.events.len() + 1)]).unwrap();
        let saved = serde_json::to_string(&half.snapshot().unwrap()).unwrap();
        let saved: Snapshot = serde_json::from_str(&saved).unwrap();
        prop_assert_eq!(saved.cursor(), half.cursor());
        let mut restored = Availability::restore(Options::default(), saved).unwrap().unwrap();
        prop_assert_eq!(all(&mut restored), all(&mut half));
        // What was taken in before is passed over.
        restored.apply(&log.events).unwrap();
        prop_assert_eq!(&all(&mut restored), &expected);
    }

    #[test]
    fn any_interleaving_of_streams_gives_the_same_facts(
        log in records(), choices in proptest::collection::vec(0..16_usize, 1..30),
    ) {
        let mut other = Availability::new(Options::default()).unwrap();
        other.apply(&interleaved(&log, &choices)).unwrap();
        prop_assert_eq!(all(&mut other).0, all(&mut log.availability()).0);
        prop_assert_eq!(other.host_facts().count(), log.availability().host_facts().count());
    }

    #[test]
    fn an_occurrence_is_where_its_series_says(
        moves in proptest::collection::vec((0..9_i8, 0..3_i64, any::<bool>(), any::<bool>()), 0..6),
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin"]),
    ) {
        // Every second day over the end of summer time.
        let start = date(2026, 10, 20).at(2, 30, 0, 0);
        let frame = Frame::zoned(zone).unwrap();
        let id = SeriesId::new("walk").unwrap();
        let event = CalendarEvent::new(id.clone(), "Walk", start, frame, Length::exact(90.minutes()).unwrap())
            .repeating("FREQ=DAILY;INTERVAL=2;COUNT=9".parse().unwrap());
        let mut log = Records::default();
        log.schedule(&id, &SeriesCommand::schedule(event));
        for (day, hours, following, cancel) in moves {
            let original = start + i64::from(2 * day).days();
            let recurrence = RecurrenceId::local(original);
            let range = if following { Range::ThisAndFuture } else { Range::This };
            let (length, summary) = (None, None);
            let start = original + hours.hours();
            let command = if cancel {
                SeriesCommand::Cancel { recurrence, range }
            } else {
                SeriesCommand::Move { recurrence, range, start, length, summary }
            };
            log.try_schedule(&id, &command);
        }
        let series = &log.series[&id];
        let year = Window::new("2026-01-01T00:00:00Z".parse().unwrap(), "2027-01-01T00:00:00Z".parse().unwrap());
        let zone = TimeZone::UTC;
        let mut count = 0;
        for found in series.occurrences_within(year, &zone, Select::Starting) {
            let found = found.unwrap();
            let expected = (!found.cancelled).then(|| found.window(&zone));
            prop_assert_eq!(series.window_of(&found.recurrence(), &zone).unwrap(), expected);
            count += 1;
        }
        prop_assert_eq!(count, 9);
        prop_assert_eq!(series.seq() > Seq::UNWRITTEN, true);
    }
}
