//! Free and busy, overlaps, seats.

use super::*;
use crate::calendar::Range;

fn slots(found: &[Window]) -> Vec<(i64, i64)> {
    let minute = |at: Timestamp| (at.as_millis() - MONDAY) / 60_000;
    found.iter().map(|slot| (minute(slot.start), minute(slot.end))).collect()
}

#[test]
fn free_is_who_has_no_booking_that_overlaps_half_open() {
    let mut log = Records::default();
    let occurrence = log.event("chess", 540, 600, 9);
    log.booked("ann", &occurrence);
    let availability = log.availability();
    let cases = [
        (500, 540, true),
        (500, 541, false),
        (540, 600, false),
        (550, 560, false),
        (599, 700, false),
        (600, 700, true),
        (500, 700, false),
        // An empty span overlaps what reaches over it on both sides.
        (540, 540, true),
        (550, 550, false),
        (600, 600, true),
    ];
    for (from, to, free) in cases {
        assert_eq!(availability.is_free(&who("ann"), window(from, to)).unwrap(), free, "{from} to {to}");
        assert!(availability.is_free(&who("bob"), window(from, to)).unwrap());
    }
    let busy = availability.busy(&who("ann"), window(590, 700)).unwrap();
    assert_eq!(busy, [(occurrence, window(540, 600))]);
    assert_eq!(availability.busy(&who("ann"), window(600, 700)).unwrap(), []);
}

#[test]
fn bookings_that_touch_do_not_conflict() {
    let mut log = Records::default();
    let (one, two) = (log.event("one", 540, 600, 9), log.event("two", 600, 660, 9));
    log.booked("ann", &one);
    log.booked("ann", &two);
    assert_eq!(log.availability().overlaps(&who("ann")).unwrap(), []);
}

#[test]
fn a_conflict_is_told_once_with_the_lesser_id_first() {
    let mut log = Records::default();
    let (b, a, c) = (log.event("b", 540, 600, 9), log.event("a", 599, 660, 9), log.event("c", 550, 560, 9));
    for occurrence in [&b, &a, &c] {
        log.booked("ann", occurrence);
    }
    log.booked("bob", &a);
    let availability = log.availability();
    assert_eq!(availability.overlaps(&who("ann")).unwrap(), [(a, b.clone()), (b, c)]);
    assert_eq!(availability.overlaps(&who("bob")).unwrap(), []);
}

#[test]
fn a_held_seat_keeps_busy_and_counts() {
    let mut log = Records::default();
    let occurrence = log.event("chess", 540, 600, 2);
    log.held("ann", &occurrence);
    let mut availability = log.availability();
    assert!(!availability.is_free(&who("ann"), window(540, 541)).unwrap());
    assert_eq!(availability.seats_left(&occurrence).unwrap(), Some(1));
    let state = |availability: &mut Availability| availability.ask(r#"seat("ann", _, state)"#).unwrap().rows;
    assert_eq!(state(&mut availability), [["held".into()]]);

    log.book(&occurrence, &BookingEvent::HoldConfirmed { attendee: who("ann") });
    availability.apply(&log.events).unwrap();
    assert_eq!(state(&mut availability), [["confirmed".into()]]);
    assert_eq!(availability.seats_left(&occurrence).unwrap(), Some(1));
}

#[test]
fn whoever_lost_the_seat_is_free_again() {
    let gone: [fn(AttendeeId) -> BookingEvent; 3] = [
        |attendee| BookingEvent::HoldReleased { attendee },
        |attendee| BookingEvent::HoldLapsed { attendee },
        |attendee| BookingEvent::SeatCancelled { attendee },
    ];
    for gone in gone {
        let mut log = Records::default();
        let occurrence = log.event("chess", 540, 600, 1);
        log.held("ann", &occurrence);
        log.book(&occurrence, &gone(who("ann")));
        // A confirmation that comes too late gives no seat.
        log.book(&occurrence, &BookingEvent::HoldConfirmed { attendee: who("ann") });
        let availability = log.availability();
        assert!(availability.is_free(&who("ann"), window(540, 600)).unwrap());
        assert_eq!(availability.seats_left(&occurrence).unwrap(), Some(1));
    }
}

#[test]
fn the_next_free_time_is_the_earliest_that_fits() {
    let mut log = Records::default();
    for (name, from, to) in [("a", 540, 600), ("b", 630, 660), ("c", 650, 720)] {
        let occurrence = log.event(name, from, to, 9);
        log.booked("ann", &occurrence);
    }
    let availability = log.availability();
    let cases = [
        // At once, and exactly up to a booking.
        ((480, 900), 60, Some(480)),
        ((481, 900), 60, Some(720)),
        ((480, 540), 60, Some(480)),
        ((480, 539), 60, None),
        // The gap is too short, then it fits exactly.
        ((540, 900), 31, Some(720)),
        ((540, 900), 30, Some(600)),
        ((540, 630), 30, Some(600)),
        ((540, 629), 30, None),
        // From within a booking, and exactly at the end of the horizon.
        ((655, 750), 30, Some(720)),
        ((655, 749), 30, None),
        ((800, 700), 10, None),
        ((550, 900), 0, Some(600)),
    ];
    for ((from, to), length, expected) in cases {
        let found = availability.next_free(&who("ann"), window(from, to), minutes(length)).unwrap();
        assert_eq!(found, expected.map(at), "{length} from {from} to {to}");
    }
    let ever = Window::new(at(540), Timestamp::MAX);
    assert_eq!(availability.next_free(&who("ann"), ever, minutes(90)).unwrap(), Some(at(720)));
    assert_eq!(availability.next_free(&who("ann"), ever, Duration::MAX).unwrap(), None);
}

#[test]
fn free_slots_are_those_that_all_have_in_common() {
    let mut log = Records::default();
    let (a, b) = (log.event("a", 540, 600, 9), log.event("b", 590, 630, 9));
    log.booked("ann", &a);
    log.booked("bob", &b);
    let availability = log.availability();
    let both = [who("ann"), who("bob")];
    let ask = |length, at_most| availability.free_slots(&both, window(480, 700), minutes(length), at_most).unwrap();
    assert_eq!(slots(&ask(1, 9)), [(480, 540), (630, 700)]);
    assert_eq!(slots(&ask(61, 9)), [(630, 700)]);
    assert_eq!(slots(&ask(1, 1)), [(480, 540)]);
    assert_eq!(slots(&ask(1, 0)), []);
    assert_eq!(slots(&availability.free_slots(&both, window(550, 610), minutes(0), 9).unwrap()), []);
    assert_eq!(slots(&availability.free_slots(&[], window(550, 610), minutes(0), 9).unwrap()), [(550, 610)]);
}

#[test]
fn a_booking_follows_its_occurrence_when_that_is_moved() {
    let mut log = Records::default();
    let occurrence = log.event("chess", 540, 600, 9);
    log.booked("ann", &occurrence);
    let mut availability = log.availability();
    log.schedule(occurrence.series(), &SeriesCommand::move_one(*occurrence.recurrence(), civil(700)));
    let delta = availability.apply(&log.events).unwrap();
    assert!(availability.is_free(&who("ann"), window(540, 600)).unwrap());
    assert!(!availability.is_free(&who("ann"), window(759, 760)).unwrap());
    let told: Vec<&str> = delta.added.iter().map(|row| &*row.relation).collect();
    assert_eq!(told, ["busy", "occurrence"]);
    assert_eq!(delta.removed.len(), 2);
}

#[test]
fn a_cancelled_occurrence_keeps_nobody_busy_and_its_seats_stay() {
    let mut log = Records::default();
    let occurrence = log.event("chess", 540, 600, 9);
    log.booked("ann", &occurrence);
    let (recurrence, series) = (*occurrence.recurrence(), occurrence.series().clone());
    log.schedule(&series, &SeriesCommand::Cancel { recurrence, range: Range::This });
    let mut availability = log.availability();
    assert!(availability.is_free(&who("ann"), window(540, 600)).unwrap());
    assert_eq!(availability.ask("seat(a, o, _)").unwrap().rows.len(), 1);
    assert_eq!(availability.seats_left(&occurrence).unwrap(), Some(8));
    assert_eq!(availability.may_book(&who("bob"), &occurrence, at(0)).unwrap(), ["does not take place"]);

    log.schedule(&series, &SeriesCommand::Reinstate { recurrence });
    availability.apply(&log.events).unwrap();
    assert!(!availability.is_free(&who("ann"), window(540, 600)).unwrap());

    log.schedule(&series, &SeriesCommand::CancelAll);
    availability.apply(&log.events).unwrap();
    assert!(availability.is_free(&who("ann"), window(540, 600)).unwrap());
}

#[test]
fn seats_left_are_the_capacity_less_those_taken() {
    let mut log = Records::default();
    let occurrence = log.event("chess", 540, 600, 2);
    let mut availability = log.availability();
    for (name, left) in [("ann", 1), ("bob", 0)] {
        log.booked(name, &occurrence);
        availability.apply(&log.events).unwrap();
        assert_eq!(availability.seats_left(&occurrence).unwrap(), Some(left));
    }
    assert_eq!(availability.may_book(&who("cid"), &occurrence, at(0)).unwrap(), ["full"]);
    assert_eq!(availability.may_book(&who("bob"), &occurrence, at(0)).unwrap(), ["full", "has a seat"]);
    log.cancelled("bob", &occurrence);
    availability.apply(&log.events).unwrap();
    assert_eq!(availability.may_book(&who("cid"), &occurrence, at(0)).unwrap(), Vec::<String>::new());
    let unknown = "go@20260105T190000".parse().unwrap();
    assert_eq!(availability.seats_left(&unknown).unwrap(), None);
    let refused = availability.may_book(&who("cid"), &unknown, at(0)).unwrap();
    assert_eq!(refused, ["does not take place", "not on sale"]);
}

#[test]
fn an_occurrence_that_nobody_touched_is_looked_up_in_its_series() {
    let mut log = Records::default();
    let id = SeriesId::new("chess").unwrap();
    let event = CalendarEvent::new(id.clone(), "Chess", civil(540), Frame::Utc, Length::exact(1.hours()).unwrap())
        .repeating("FREQ=DAILY".parse().unwrap())
        .with_capacity(4);
    log.schedule(&id, &SeriesCommand::schedule(event));
    let mut availability = log.with(Options { occurrences_max: 3, ..Options::default() });
    let before = all(&mut availability);
    let occurrence = OccurrenceId::new(id.clone(), RecurrenceId::utc(civil(540 + 1_440)));
    assert_eq!(availability.may_book(&who("ann"), &occurrence, at(0)).unwrap(), Vec::<String>::new());
    let other = OccurrenceId::new(id, RecurrenceId::utc(civil(541)));
    assert_eq!(availability.may_book(&who("ann"), &other, at(0)).unwrap(), ["does not take place", "not on sale"]);

    let two_days = window(599, 540 + 1_441);
    let table = availability.ask_within(two_days, "occurrence(o, _, _), seats_left(o, n)").unwrap();
    assert_eq!(table.columns, ["o", "n"]);
    assert_eq!(table.rows.len(), 2);
    let week = availability.ask_within(window(0, 10_080), "occurrence(o, _, _)");
    assert_eq!(week, Err(AskError::TooManyOccurrences { limit: 3 }));
    assert_eq!(all(&mut availability), before);
}

#[test]
fn why_not_free_lists_the_bookings_in_the_way_with_a_proof() {
    let mut log = Records::default();
    let (a, b) = (log.event("a", 540, 600, 9), log.event("b", 590, 630, 9));
    log.booked("ann", &a);
    log.booked("ann", &b);
    let mut availability = log.availability();
    let why = availability.why_not_free(&who("ann"), window(595, 700)).unwrap().unwrap();
    assert_eq!(why.bookings, [(a, window(540, 600)), (b, window(590, 630))]);
    assert_eq!(why.others, []);
    assert!(why.proof.to_string().contains("seat(\"ann\""), "{}", why.proof);
    assert!(availability.why_not_free(&who("ann"), window(630, 700)).unwrap().is_none());
    // A proof leaves prepared questions as they are.
    assert!(!availability.is_free(&who("ann"), window(595, 700)).unwrap());
}

#[test]
fn a_question_that_cannot_be_read_is_told_from_one_that_costs_too_much() {
    let mut availability = Records::default().availability();
    assert!(matches!(availability.ask("busy("), Err(AskError::Text(_))));
    assert!(matches!(availability.ask("nobody(x)"), Err(AskError::Text(_))));
    let limits = crate::datalog::Limits { steps: 100, ..crate::datalog::Limits::default() };
    let mut availability = Records::default().with(Options { limits, ..Options::default() });
    assert!(matches!(availability.ask("x = range(0, 1000), y = range(0, 1000)"), Err(AskError::Cost(_))));
}

#[test]
fn a_booking_and_a_question_cost_the_same_however_many_others_there_are() {
    let mut log = Records::default();
    let (one, two) = (log.event("one", 540, 600, 9_999), log.event("two", 590, 630, 9_999));
    for number in 0..500 {
        log.booked(&format!("attendee {number}"), &one);
        log.booked(&format!("attendee {number}"), &two);
    }
    // No step is taken for any of the others: a thousand bookings and five hundred conflicts would not fit.
    let limits = crate::datalog::Limits { steps: 120, ..crate::datalog::Limits::default() };
    let mut availability = Availability::new(Options { limits, ..Options::default() }).unwrap();
    for event in &log.events {
        availability.apply(core::slice::from_ref(event)).unwrap();
    }
    let last = who("attendee 499");
    assert!(!availability.is_free(&last, window(0, 900)).unwrap());
    assert_eq!(availability.next_free(&last, window(545, 900), minutes(9)).unwrap(), Some(at(630)));
    assert_eq!(availability.overlaps(&last).unwrap(), [(one.clone(), two)]);
    assert_eq!(availability.seats_left(&one).unwrap(), Some(9_499));
    assert_eq!(availability.may_book(&last, &one, at(0)).unwrap(), ["has a seat"]);
}

#[test]
fn it_can_be_sent_to_whoever_owns_it() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&Records::default().availability());
}

#[test]
fn days_and_weeks_are_those_of_the_zone() {
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let mut availability = Records::default().with(Options { zone, ..Options::default() });
    let mut ask = |text: &str| availability.ask(text).unwrap().rows;
    // Clocks are put forward on Sunday, 2026-03-29, at 01:00 UTC.
    for (instant, minute, weekday) in [
        ("2026-03-29T00:59:00Z", 119, 7),
        ("2026-03-29T01:00:00Z", 180, 7),
        ("2026-03-29T21:59:00Z", 1_439, 7),
        ("2026-03-29T22:00:00Z", 0, 1),
    ] {
        let text = format!("m = minute_of_day(@{instant}), w = weekday(@{instant})");
        assert_eq!(ask(&text), [[Value::from(minute), Value::from(weekday)]], "{instant}");
    }
    let text = "w = week(@2026-03-29T22:00:00Z) - week(@2026-03-29T21:59:00Z), \
                d = day(@2026-03-29T22:00:00Z) - day(@2026-03-28T23:00:00Z), z = day(@1970-01-01T00:00:00Z), \
                y = week(@2027-01-03T12:00:00Z) - week(@2026-12-28T12:00:00Z)";
    assert_eq!(ask(text), [[1.into(), 1.into(), 0.into(), 0.into()]]);
}

#[test]
fn a_clash_is_forbidden_under_its_policy_and_only_touching_is_none() {
    let mut log = Records::default();
    let plain = log.event("plain", 600, 660, 9);
    let spans = [("over", 659, 700), ("touching", 660, 700), ("inside", 610, 620), ("before", 500, 600)];
    let clash = |name| name == "over" || name == "inside";
    let under = spans.map(|(name, from, to)| (clash(name), log.event_under(&["clash"], name, from, to, 9)));
    log.booked("ann", &plain);
    let mut availability = log.availability();
    for (clashes, occurrence) in &under {
        let expected: &[&str] = if *clashes { &["clash"] } else { &[] };
        assert_eq!(availability.may_book(&who("ann"), occurrence, at(0)).unwrap(), expected);
        assert_eq!(availability.may_book(&who("bob"), occurrence, at(0)).unwrap(), Vec::<String>::new());
    }
    // What rules of the host put in the way counts too.
    log.ruleset("lunch", "blocked(\"bob\", qs, qe, @2026-01-05T11:30:00Z, @2026-01-05T12:00:00Z) :- qs < qe.");
    availability.apply(&log.events).unwrap();
    assert_eq!(availability.may_book(&who("bob"), &under[0].1, at(0)).unwrap(), ["clash"]);
    assert_eq!(availability.may_book(&who("bob"), &plain, at(0)).unwrap(), Vec::<String>::new());
}

#[test]
fn policies_follow_the_definition() {
    let mut log = Records::default();
    let (chess, choir) = (log.event("chess", 540, 600, 9), log.event("choir", 540, 600, 9));
    log.booked("ann", &chess);
    let mut availability = log.availability();
    assert_eq!(availability.forbidden(&who("ann"), &choir, at(0)).unwrap(), Vec::<String>::new());
    let length = Length::exact(1.hours()).unwrap();
    let event = |policies: &[&str]| {
        let mut event =
            CalendarEvent::new(choir.series().clone(), "choir", civil(540), Frame::Utc, length).with_capacity(9);
        event.policies = policies.iter().map(|name| PolicyName::new(name).unwrap()).collect();
        SeriesCommand::redefine(event)
    };
    for (policies, expected) in [
        ([].as_slice(), [].as_slice()),
        (&["clash"], &["clash"]),
        (&["clash", "quiet"], &["clash", "unknown policy"]),
        (&["quiet"], &["unknown policy"]),
    ] {
        log.try_schedule(choir.series(), &event(policies));
        availability.apply(&log.events).unwrap();
        assert_eq!(availability.forbidden(&who("ann"), &choir, at(0)).unwrap(), expected, "{policies:?}");
        let (kept, anew) = (all(&mut availability), all(&mut log.availability()));
        assert_eq!(kept, anew);
    }
    log.ruleset("house", "known_policy(\"quiet\").");
    availability.apply(&log.events).unwrap();
    assert_eq!(availability.forbidden(&who("ann"), &choir, at(0)).unwrap(), Vec::<String>::new());
    log.schedule(choir.series(), &SeriesCommand::CancelAll);
    availability.apply(&log.events).unwrap();
    assert_eq!(availability.forbidden(&who("ann"), &choir, at(0)).unwrap(), ["does not take place"]);
}

#[test]
fn whoever_has_seats_by_any_way_waits_no_more() {
    let party = Party::default();
    let attendee = who("ann");
    let ways = [
        BookingEvent::SeatBooked { attendee: attendee.clone(), party: party.clone() },
        BookingEvent::SeatHeld { attendee: attendee.clone(), party: party.clone(), hold_for: minutes(1) },
        BookingEvent::SeatReacquired { attendee: attendee.clone(), party: party.clone() },
        BookingEvent::SeatOffered { attendee: attendee.clone(), places: [].into(), hold_for: minutes(1) },
        BookingEvent::SeatTransferred { from: who("bob"), to: attendee.clone() },
    ];
    for way in ways {
        let mut log = Records::default();
        let occurrence = log.event("chess", 540, 600, 9);
        log.booked("bob", &occurrence);
        log.book(&occurrence, &BookingEvent::WaitJoined { attendee: attendee.clone(), party: party.clone() });
        let mut availability = log.availability();
        assert_eq!(availability.ask("waits(a, o, n)").unwrap().rows.len(), 1);
        log.book(&occurrence, &way);
        availability.apply(&log.events).unwrap();
        assert_eq!(availability.ask("waits(a, o, n)").unwrap().rows.len(), 0, "{way:?}");
        assert_eq!(availability.ask("seat(\"ann\", o, _)").unwrap().rows.len(), 1, "{way:?}");
        assert_eq!(all(&mut availability), all(&mut log.availability()), "{way:?}");
    }
}
