//! Each pack, as a table of who is refused what.

use super::*;

/// A log with ann in `there` from 10:00 to 11:00, and occurrences `before`, `touching` and `later`; all under `policies`.
fn day(policies: &[&str]) -> (Records, [OccurrenceId; 4]) {
    let mut log = Records::default();
    let spans = [("there", 600, 660), ("before", 560, 590), ("touching", 660, 700), ("later", 720, 780)];
    let occurrences = spans.map(|(name, from, to)| log.event_under(policies, name, from, to, 9));
    log.booked("ann", &occurrences[0]);
    (log, occurrences)
}

fn with(log: &Records, pack: Pack) -> Availability {
    log.with(Options { packs: vec![pack], ..Options::default() })
}

fn id(occurrence: &OccurrenceId) -> Value {
    occurrence.to_string().as_str().into()
}

fn reasons(availability: &mut Availability, attendee: &str, occurrence: &OccurrenceId) -> Vec<String> {
    availability.may_book(&who(attendee), occurrence, at(0)).unwrap()
}

#[test]
fn packs_have_names_and_fit_beside_one_another() {
    for pack in Pack::ALL {
        assert_eq!(Pack::named(pack.name()), Some(pack));
        assert!(pack.text().starts_with("//"));
        Availability::new(Options { packs: vec![pack, pack], ..Options::default() }).unwrap();
    }
    let all = Options { packs: Pack::ALL.to_vec(), ..Options::default() };
    let availability = Availability::new(all.clone()).unwrap();
    let (_, warnings) = kept::program(&all, &availability.functions, &BTreeMap::new()).unwrap();
    assert_eq!(warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn a_pack_forbids_only_under_its_policy_and_a_policy_only_with_its_pack() {
    let (mut log, [_, before, _, later]) = day(&[]);
    let named = log.event_under(&["members"], "named", 800, 860, 9);
    let only = |series: &str| fact("members_only", [series.into(), "club".into()]);
    log.facts(vec![only("later"), only("named")]);
    let mut switched_on = with(&log, Pack::Members);
    for (occurrence, expected) in [(&before, [].as_slice()), (&later, &[]), (&named, &["members only"])] {
        assert_eq!(reasons(&mut switched_on, "bob", occurrence), expected);
        assert_eq!(switched_on.forbidden(&who("bob"), occurrence, at(0)).unwrap(), expected);
    }
    let mut switched_off = log.availability();
    assert_eq!(reasons(&mut switched_off, "bob", &later), Vec::<String>::new());
    assert_eq!(reasons(&mut switched_off, "bob", &named), ["unknown policy"]);
}

#[test]
fn travel_refuses_what_cannot_be_reached_in_time() {
    let (mut log, [there, before, touching, later]) = day(&["travel"]);
    let venues = [(&there, "hall"), (&before, "club"), (&touching, "hall"), (&later, "club")];
    log.facts(venues.map(|(occurrence, venue)| fact("at_venue", [id(occurrence), venue.into()])).to_vec());
    let away = |minutes: i64| -> Vec<HostFact> {
        let way = |from: &str, to: &str, takes: i64| fact("travel", [from.into(), to.into(), (takes * 60_000).into()]);
        vec![way("club", "hall", 10), way("hall", "club", minutes)]
    };
    for (minutes, late) in [(60, false), (61, true)] {
        let mut log = log.clone();
        log.facts(away(minutes));
        let mut availability = with(&log, Pack::Travel);
        let expected: &[&str] = if late { &["no time to travel"] } else { &[] };
        assert_eq!(reasons(&mut availability, "ann", &later), expected, "{minutes}");
        // Ten minutes from the club are just enough, and who is in the hall already needs none.
        assert_eq!(reasons(&mut availability, "ann", &before), Vec::<String>::new());
        assert_eq!(reasons(&mut availability, "ann", &touching), Vec::<String>::new());
        assert_eq!(reasons(&mut availability, "bob", &later), Vec::<String>::new());
    }
}

#[test]
fn rooms_tell_which_are_taken_and_what_clashes() {
    let (mut log, [there, before, touching, later]) = day(&[]);
    let over = log.event("over", 650, 730, 9);
    let rooms = [(&there, "1"), (&before, "1"), (&touching, "1"), (&later, "2"), (&over, "1")];
    log.facts(rooms.map(|(occurrence, room)| fact("room", [id(occurrence), room.into()])).to_vec());
    let mut availability = with(&log, Pack::Rooms);
    let clashes = availability.ask("room_clash(r, x, y)").unwrap().rows;
    assert_eq!(
        clashes,
        [["1".into(), id(&over), id(&there)], ["1".into(), id(&over), id(&touching)]],
        "each pair once, those that touch not"
    );
    for (room, from, to, free) in [("1", 590, 600, true), ("1", 590, 601, false), ("2", 600, 720, true)] {
        let text = format!("room_free({room:?}, @{}, @{})", at(from), at(to));
        assert_eq!(!availability.ask(&text).unwrap().rows.is_empty(), free, "{text}");
    }
}

#[test]
fn opening_hours_refuse_what_lies_outside() {
    let (mut log, [there, before, touching, later]) = day(&["opening_hours"]);
    let venues = [(&before, "club"), (&touching, "club"), (&later, "shut")];
    log.facts(venues.map(|(occurrence, venue)| fact("at_venue", [id(occurrence), venue.into()])).to_vec());
    log.facts(vec![fact("open", ["club".into(), at(560).into(), at(699).into()])]);
    let mut availability = with(&log, Pack::OpeningHours);
    assert_eq!(reasons(&mut availability, "bob", &before), Vec::<String>::new());
    assert_eq!(reasons(&mut availability, "bob", &touching), ["closed"]);
    assert_eq!(reasons(&mut availability, "bob", &later), ["closed"]);
    assert_eq!(reasons(&mut availability, "bob", &there), Vec::<String>::new());
}

#[test]
fn notice_refuses_what_begins_too_soon() {
    let (mut log, [there, _, touching, _]) = day(&["notice"]);
    log.facts(vec![fact("notice", ["there".into(), (60 * 60_000).into()])]);
    let mut availability = with(&log, Pack::Notice);
    for (now, occurrence, refused) in [(540, &there, false), (541, &there, true), (659, &touching, false)] {
        let found = availability.may_book(&who("bob"), occurrence, at(now)).unwrap();
        assert_eq!(found == ["too late"], refused, "{now}: {found:?}");
    }
    assert_eq!(availability.ask("asked_at(t)").unwrap().rows, Vec::<Vec<Value>>::new());
}

#[test]
fn at_most_counts_the_day_and_the_week() {
    let (mut log, [_, _, touching, _]) = day(&["at_most"]);
    // Sunday of the same week, and Monday of the next.
    let mut event = |name, from| log.event_under(&["at_most"], name, from, from + 60, 9);
    let (sunday, monday) = (event("sunday", 6 * 1_440), event("monday", 10_080));
    let cases: [(&str, i64, [&[&str]; 3]); 3] = [
        ("most_in_day", 1, [&["as many as a day allows"], &[], &[]]),
        ("most_in_day", 2, [&[], &[], &[]]),
        ("most_in_week", 1, [&["as many as a week allows"], &["as many as a week allows"], &[]]),
    ];
    for (relation, most, expected) in cases {
        let mut log = log.clone();
        log.facts(vec![fact(relation, [most.into()])]);
        let mut availability = with(&log, Pack::AtMost);
        for (occurrence, expected) in [&touching, &sunday, &monday].into_iter().zip(expected) {
            assert_eq!(reasons(&mut availability, "ann", occurrence), expected, "{relation} {most}");
            assert_eq!(reasons(&mut availability, "bob", occurrence), Vec::<String>::new());
        }
    }
}

#[test]
fn members_refuses_whoever_is_none() {
    let (mut log, [_, before, _, later]) = day(&["members"]);
    log.facts(vec![
        fact("members_only", ["later".into(), "club".into()]),
        fact("member", ["bob".into(), "club".into()]),
    ]);
    let mut availability = with(&log, Pack::Members);
    assert_eq!(reasons(&mut availability, "ann", &later), ["members only"]);
    assert_eq!(reasons(&mut availability, "bob", &later), Vec::<String>::new());
    assert_eq!(reasons(&mut availability, "ann", &before), Vec::<String>::new());
}

#[test]
fn together_finds_when_a_whole_group_is_free() {
    let (mut log, [_, _, touching, _]) = day(&[]);
    log.booked("bob", &touching);
    log.facts(["ann", "bob"].map(|name| fact("in_group", ["team".into(), name.into()])).to_vec());
    let mut availability = with(&log, Pack::Together);
    let mut ask = |from: i64, to: i64, length: i64| {
        let text = format!("group_next_free(\"team\", @{}, @{}, {length}m, t)", at(from), at(to));
        availability.ask(&text).unwrap().rows.first().map(|row| row[0].clone())
    };
    assert_eq!(ask(500, 900, 100), Some(at(500).into()));
    assert_eq!(ask(501, 900, 100), Some(at(700).into()));
    assert_eq!(ask(501, 799, 100), None);
    assert_eq!(
        availability.ask("all_free(\"nobody\", @2026-01-05T00:00:00Z, @2026-01-05T00:00:00Z)").unwrap().rows.len(),
        0
    );
}

#[test]
fn round_robin_takes_the_free_host_with_the_fewest_bookings() {
    let (mut log, [_, before, _, later]) = day(&[]);
    log.facts(["ann", "bob", "cid"].map(|name| fact("host", ["team".into(), name.into()])).to_vec());
    let next = |log: &Records, from: i64| {
        let mut availability = with(log, Pack::RoundRobin);
        let text = format!("next_host(\"team\", @{}, @{}, a)", at(from), at(from + 10));
        availability.ask(&text).unwrap().rows
    };
    assert_eq!(next(&log, 800), [["bob".into()]]);
    log.booked("bob", &before);
    assert_eq!(next(&log, 800), [["cid".into()]]);
    log.booked("cid", &later);
    log.booked("cid", &before);
    assert_eq!(next(&log, 800), [["ann".into()]]);
    assert_eq!(next(&log, 600), [["bob".into()]]);
    assert_eq!(next(&log, 570), [["ann".into()]]);
}
