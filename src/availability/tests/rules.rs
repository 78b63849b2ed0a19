//! Rulesets and facts of the host: decided, recorded, replayed.

use super::*;

fn put(name: &str, text: &str) -> RulesCommand {
    RulesCommand::PutRuleset { name: name.to_owned(), text: text.to_owned() }
}

/// Decides, records and applies.
fn run(log: &mut Records, availability: &mut Availability, command: &RulesCommand) -> Result<Delta, RulesRefusal> {
    for event in decide(availability, command)? {
        log.rules(&event);
    }
    Ok(availability.apply(&log.events).unwrap())
}

const SLEEP: &str = "
.decl sleeps(a: symbol, s: time, e: time) input
blocked(a, qs, qe, s, e) :- sleeps(a, s, e), overlaps(s, e, qs, qe).
";

fn resting(from: i64, to: i64) -> HostFact {
    fact("sleeps", ["ann".into(), at(from).into(), at(to).into()])
}

#[test]
fn a_ruleset_changes_free_and_next_free_and_goes_without_a_trace() {
    let mut log = Records::default();
    let occurrence = log.event("chess", 540, 600, 9);
    log.booked("ann", &occurrence);
    let mut availability = log.availability();
    let (tables, _) = all(&mut availability);
    run(&mut log, &mut availability, &put("rest", SLEEP)).unwrap();
    let add = RulesCommand::ChangeFacts { added: vec![resting(600, 700)], removed: Vec::new() };
    let delta = run(&mut log, &mut availability, &add).unwrap();
    assert_eq!(delta.added.len(), 1);
    assert!(!availability.is_free(&who("ann"), window(600, 601)).unwrap());
    let next = |availability: &Availability| {
        availability.next_free(&who("ann"), window(540, 900), minutes(1)).unwrap().unwrap()
    };
    assert_eq!(next(&availability), at(700));
    let slots = availability.free_slots(&[who("ann")], window(500, 900), minutes(1), 9).unwrap();
    assert_eq!(slots, [window(500, 540), window(700, 900)]);
    let why = availability.why_not_free(&who("ann"), window(590, 650)).unwrap().unwrap();
    assert_eq!((why.bookings.len(), why.others), (1, vec![window(600, 700)]));

    // The same from the log, and without the ruleset as before. The facts wait for it.
    assert_eq!(all(&mut log.availability()), all(&mut availability));
    run(&mut log, &mut availability, &RulesCommand::RemoveRuleset { name: "rest".to_owned() }).unwrap();
    assert_eq!(next(&availability), at(600));
    assert_eq!(all(&mut availability).0, tables);
    assert_eq!(all(&mut log.availability()), all(&mut availability));
    run(&mut log, &mut availability, &put("rest", SLEEP)).unwrap();
    assert_eq!(next(&availability), at(700));
}

#[test]
fn refusals_are_typed_and_change_nothing() {
    let mut log = Records::default();
    let mut availability = log.availability();
    run(&mut log, &mut availability, &put("rest", SLEEP)).unwrap();
    run(&mut log, &mut availability, &put("naps", "naps(a) :- sleeps(a, _, _).")).unwrap();
    let before = all(&mut availability);
    let change = |added| RulesCommand::ChangeFacts { added, removed: Vec::new() };
    let cases = [
        (put("", "a(1)."), "is no name for a ruleset"),
        (put("boxoffice/x", "a(1)."), "begins with boxoffice"),
        (put("x", &"a(1). ".repeat(50_000)), "the limit is 262144"),
        (put("x", "a(x) :- b(y)."), "E-"),
        (put("x", "busy(a, o, s, e) :- occurrence(o, s, e), a = \"ann\"."), "E-extend"),
        (put("x", ".decl sleeps(a: symbol) input"), "E-redeclared"),
        (RulesCommand::RemoveRuleset { name: "y".to_owned() }, "there is no ruleset \"y\""),
        (change(vec![fact("seat", ["ann".into(), "x".into(), "held".into()])]), "follows the log"),
        (change(vec![fact("naps", ["ann".into()])]), "marked input"),
        (change(vec![fact("nothing", [])]), "marked input"),
        (change(vec![fact("sleeps", ["ann".into()])]), "3 columns"),
        (change(vec![fact("sleeps", ["ann".into(), "x".into(), 1.into()])]), "time"),
        (change(vec![fact("sleeps", ["a".repeat(3_000).as_str().into(), 1.into(), 1.into()])]), "the limit is 3000"),
    ];
    for (command, reason) in cases {
        let refused = decide(&availability, &command).map_err(|refusal| refusal.to_string());
        assert!(refused.clone().is_err_and(|found| found.contains(reason)), "{refused:?}: {reason}");
    }
    assert_eq!(all(&mut availability), before);
}

#[test]
fn a_ruleset_that_never_ends_is_refused_within_the_limits() {
    let log = Records::default();
    let limits = crate::datalog::Limits { rounds: 1_000, ..crate::datalog::Limits::default() };
    let availability = log.with(Options { limits, ..Options::default() });
    let endless = ".decl n(x: number) maintain\nn(0).\nn(x + 1) :- n(x).";
    let refused = decide(&availability, &put("endless", endless));
    assert!(matches!(refused, Err(RulesRefusal::Rules(RulesError::Cost(_)))), "{refused:?}");
    assert!(availability.check_rules("endless", endless).unwrap().iter().any(|found| found.code == "W-endless"));
}

#[test]
fn what_is_there_already_is_not_recorded_again() {
    let mut log = Records::default();
    let mut availability = log.availability();
    run(&mut log, &mut availability, &put("rest", SLEEP)).unwrap();
    let add = RulesCommand::ChangeFacts { added: vec![resting(0, 1)], removed: vec![resting(5, 6)] };
    run(&mut log, &mut availability, &add).unwrap();
    assert_eq!(decide(&availability, &put("rest", SLEEP)), Ok(Vec::new()));
    assert_eq!(decide(&availability, &add), Ok(Vec::new()));
    assert_eq!(availability.rules_seq(), Seq::new(2));
    assert_eq!(availability.host_facts().count(), 1);
    // What is put and removed at once stays.
    let both = RulesCommand::ChangeFacts { added: vec![resting(0, 1)], removed: vec![resting(0, 1)] };
    assert_eq!(decide(&availability, &both), Ok(Vec::new()));
}

#[test]
fn long_texts_and_many_facts_are_recorded_in_pieces() {
    let mut log = Records::default();
    let mut availability = log.availability();
    let text = format!("{SLEEP}// \"{}\"\n", "ä\n// ".repeat(5_000));
    run(&mut log, &mut availability, &put("rest", &text)).unwrap();
    let added: Vec<HostFact> = (0..200).map(|minute| resting(minute * 10, minute * 10 + 5)).collect();
    run(&mut log, &mut availability, &RulesCommand::ChangeFacts { added, removed: Vec::new() }).unwrap();
    assert!(log.events.len() > 10);
    assert!(log.events.iter().all(|event| event.data.json().len() < 3_600));
    assert_eq!(availability.rulesets(), [("rest".to_owned(), text)]);
    // Event by event, with a snapshot in the midst of a ruleset.
    let mut other = Availability::new(Options::default()).unwrap();
    for event in &log.events {
        other.apply(core::slice::from_ref(event)).unwrap();
        other = Availability::restore(Options::default(), other.snapshot().unwrap()).unwrap().unwrap();
    }
    assert_eq!(all(&mut other), all(&mut availability));
    assert_eq!(availability.ask("sleeps(a, s, e)").unwrap().rows.len(), 200);
}

#[test]
fn check_and_diff_say_what_a_ruleset_would_do() {
    let mut log = Records::default();
    let occurrence = log.event("chess", 540, 600, 9);
    log.booked("ann", &occurrence);
    let mut availability = log.availability();
    let text = "who(a) :- seat(a, _, _).";
    assert_eq!(availability.check_rules("who", text), Ok(Vec::new()));
    assert_eq!(availability.check_rules("who", "who(a) :- seat(b, _, _).").unwrap_err()[0].code, "E-unbound");
    let warned = availability.check_rules("who", "who(a) :- seat(a, o, _).").unwrap();
    assert_eq!(warned.iter().map(|found| found.code).collect::<Vec<_>>(), ["W-singleton"]);
    let who_ann = Row { relation: "who".into(), values: vec!["ann".into()] };
    let diff = availability.diff("who", Some(text)).unwrap();
    assert_eq!(diff, Delta { added: vec![who_ann.clone()], removed: Vec::new() });
    run(&mut log, &mut availability, &put("who", text)).unwrap();
    assert_eq!(availability.diff("who", None).unwrap(), Delta { added: Vec::new(), removed: vec![who_ann] });
    assert!(matches!(availability.diff("who", Some("who(")), Err(AskError::Text(_))));
}

#[test]
fn a_batch_that_cannot_be_read_changes_nothing() {
    let mut log = Records::default();
    let occurrence = log.event("chess", 540, 600, 9);
    log.booked("ann", &occurrence);
    let mut availability = log.availability();
    let before = all(&mut availability);
    let mut bad = log.clone();
    bad.booked("bob", &occurrence);
    let stream = rules_stream();
    bad.put(&stream, vec![NewEvent::new("availability.unheard_of.v1", at(0), &1).unwrap()]);
    assert!(matches!(availability.apply(&bad.events), Err(ApplyError::Unreadable { .. })));
    let mut bad = log.clone();
    bad.ruleset("x", "a(x) :- b(y).");
    assert!(matches!(availability.apply(&bad.events), Err(ApplyError::Rules(_))));
    let mut bad = log.clone();
    bad.put(&booking_stream(&occurrence), vec![NewEvent::new("booking.x.v1", at(0), &1).unwrap()]);
    assert!(matches!(availability.apply(&bad.events), Err(ApplyError::Booking(_))));
    assert_eq!(all(&mut availability), before);
    // One that is no business of this room is passed over.
    log.put(&StreamName::new("notes").unwrap(), vec![NewEvent::new("x", at(0), &1).unwrap()]);
    assert!(availability.apply(&log.events).unwrap().is_empty());
    assert_eq!(availability.cursor(), log.events.last().unwrap().cursor);
}

#[test]
fn an_answer_of_new_rules_is_part_of_what_changed() {
    let mut log = Records::default();
    let occurrence = log.event("chess", 540, 600, 9);
    log.booked("ann", &occurrence);
    let mut availability = log.availability();
    let delta =
        run(&mut log, &mut availability, &put("who", ".decl who(a: symbol) maintain\nwho(a) :- seat(a, _, _)."));
    let who_ann = Row { relation: "who".into(), values: vec!["ann".into()] };
    assert_eq!(delta.unwrap(), Delta { added: vec![who_ann], removed: Vec::new() });
}

#[test]
fn rules_that_fail_over_new_facts_stop_the_log_until_they_are_removed_in_it() {
    let mut log = Records::default();
    let occurrence = log.event("chess", 540, 600, 1);
    let mut availability = log.availability();
    let share = ".decl share(o: symbol, n: number) maintain\nshare(o, 100 / n) :- seats_left(o, n).";
    run(&mut log, &mut availability, &put("share", share)).unwrap();
    let before = all(&mut availability);
    log.booked("ann", &occurrence);
    assert!(matches!(availability.apply(&log.events), Err(ApplyError::Cost(_))));
    assert_eq!(all(&mut availability), before);
    // What comes later can be decided still, and goes in together with what it mends.
    run(&mut log, &mut availability, &RulesCommand::RemoveRuleset { name: "share".to_owned() }).unwrap();
    assert_eq!(availability.seats_left(&occurrence).unwrap(), Some(0));
}
