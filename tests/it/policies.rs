//! Policies that an event definition names: what the picker says is what the owner does.

use core::time::Duration;
use std::sync::Arc;

use boxoffice::BoxOffice;
use boxoffice::availability::{AvailabilityOptions, HostFact, Pack};
use boxoffice::booking::{self, BookingCommand, BookingOutcome, Clash, SeatState, Seats, Submission};
use boxoffice::calendar::{CalendarEvent, Frame, Length};
use boxoffice::clock::ManualClock;
use boxoffice::id::{OccurrenceId, PolicyName, SeriesId};
use boxoffice::persist::{Backend, MemoryBackend, Seq};
use futures_util::future::join;
use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;

use crate::backends::{at, who};

/// Events of one day, from one hour to another: chess and choir overlap, dance only touches choir.
const DAY: [(&str, i8, i8); 4] = [("chess", 18, 20), ("choir", 19, 21), ("dance", 21, 22), ("early", 8, 9)];

fn definition(name: &str, from: i8, to: i8, policies: &[&str]) -> CalendarEvent {
    let length = Length::exact(i64::from(to - from).hours()).unwrap();
    let start = date(2026, 1, 12).at(from, 0, 0, 0);
    let event = CalendarEvent::new(SeriesId::new(name).unwrap(), name, start, Frame::Utc, length);
    policies.iter().fold(event, |event, policy| event.with_policy(PolicyName::new(policy).unwrap()))
}

fn occurrence(name: &str) -> OccurrenceId {
    let hour = DAY.iter().find(|(known, ..)| *known == name).unwrap().1;
    format!("{name}@20260112T{hour:02}0000Z").parse().unwrap()
}

fn office_on(store: &Arc<dyn Backend>) -> BoxOffice {
    let options = AvailabilityOptions { packs: vec![Pack::AtMost], ..AvailabilityOptions::default() };
    let builder = BoxOffice::builder().shared_store(Arc::clone(store)).clock(ManualClock::new(at(0)));
    builder.availability(options).start().unwrap()
}

fn memory() -> Arc<dyn Backend> {
    Arc::new(MemoryBackend::new())
}

/// The day on sale, each of its events under these policies.
async fn day(store: &Arc<dyn Backend>, policies: &[&str]) -> BoxOffice {
    let office = office_on(store);
    for (name, from, to) in DAY {
        assert!(office.schedule(definition(name, from, to, policies)).await.unwrap().outcome.is_accepted());
        assert!(office.open(&occurrence(name), Seats::new(3)).await.unwrap().outcome.is_accepted());
    }
    office
}

async fn book(office: &BoxOffice, name: &str, attendee: &str) -> BookingOutcome {
    office.book(&occurrence(name), &who(attendee)).await.unwrap().outcome
}

fn denied(outcome: &BookingOutcome) -> Vec<String> {
    match outcome {
        BookingOutcome::Denied { reasons, .. } => reasons.iter().map(|reason| reason.as_ref().to_owned()).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn a_clash_is_denied_with_its_reason_until_the_other_seat_is_given_up() {
    let store = memory();
    let office = day(&store, &["clash"]).await;
    assert!(book(&office, "chess", "ann").await.is_accepted());
    let seq = office.seats(&occurrence("choir")).await.unwrap().seq;
    let reply = office.book(&occurrence("choir"), &who("ann")).await.unwrap();
    assert_eq!((denied(&reply.outcome), reply.seq), (vec!["clash".to_owned()], seq));
    assert!(!reply.outcome.is_accepted() && reply.outcome.is_transient());
    let hold = office.hold(&occurrence("choir"), &who("ann"), Duration::from_secs(60)).await.unwrap();
    assert_eq!(denied(&hold.outcome), ["clash"]);
    assert_eq!(office.may_book(&who("ann"), &occurrence("choir")).await.unwrap().value, ["clash"]);
    // What only touches is none, and others have no clash.
    assert!(book(&office, "dance", "ann").await.is_accepted());
    assert!(book(&office, "choir", "bob").await.is_accepted());
    let _cancelled = office.cancel(&occurrence("chess"), &who("ann")).await.unwrap();
    assert!(book(&office, "choir", "ann").await.is_accepted());
    let agenda = booking::agenda(&*store, &who("ann")).await.unwrap();
    let agenda: Vec<_> = agenda.into_iter().map(|(occurrence, _)| occurrence).collect();
    assert_eq!(agenda, ["chess", "dance", "choir"].map(occurrence));
}

fn asked(attendee: &str, clash: Clash) -> Submission {
    Submission { clash, ..BookingCommand::book(who(attendee)).into() }
}

#[tokio::test]
async fn whoever_books_says_what_to_do_about_a_clash_where_no_policy_does() {
    let store = memory();
    let office = day(&store, &[]).await;
    assert!(book(&office, "chess", "ann").await.is_accepted());
    let refused = office.submit(&occurrence("choir"), asked("ann", Clash::Refuse)).await.unwrap();
    assert_eq!(denied(&refused.outcome), ["clash"]);
    let warned = office.submit(&occurrence("choir"), asked("ann", Clash::Warn)).await.unwrap();
    assert!(warned.outcome.is_accepted());
    let warnings: Vec<&str> = warned.warnings.iter().map(AsRef::as_ref).collect();
    assert_eq!(warnings, [format!("clash with {}", occurrence("chess"))]);
    for clash in [Clash::Warn, Clash::Refuse] {
        let attendee = format!("{clash:?}").to_lowercase();
        let free = office.submit(&occurrence("choir"), asked(&attendee, clash)).await.unwrap();
        assert!(free.outcome.is_accepted() && free.warnings.is_empty());
    }
    // What is under no policy and asks nothing is not looked at, and not in the agenda.
    assert_eq!(office.stats().policies_asked, 4);
    let agenda = booking::agenda(&*store, &who("ann")).await.unwrap();
    assert_eq!(agenda.into_iter().map(|(occurrence, _)| occurrence).collect::<Vec<_>>(), [occurrence("choir")]);
}

#[tokio::test]
async fn nobody_speaks_for_the_policies() {
    let office = day(&memory(), &["clash"]).await;
    assert!(book(&office, "chess", "ann").await.is_accepted());
    let grounds = booking::Grounds { agenda: Seq::new(1), others: Vec::new(), warnings: [].into() };
    let forged = Submission { verdict: Some(booking::Verdict::Allowed(grounds)), ..asked("ann", Clash::Allow) };
    let reply = office.submit(&occurrence("choir"), forged).await.unwrap();
    assert_eq!(denied(&reply.outcome), ["clash"]);
}

#[tokio::test]
async fn of_two_bookings_that_refuse_a_clash_and_race_one_succeeds() {
    let store = memory();
    let (here, there) = (day(&store, &[]).await, office_on(&store));
    for n in 0..30 {
        let attendee = format!("p{n}");
        let chess = async { here.submit(&occurrence("chess"), asked(&attendee, Clash::Refuse)).await.unwrap() };
        let choir = async { there.submit(&occurrence("choir"), asked(&attendee, Clash::Refuse)).await.unwrap() };
        let (chess, choir) = join(chess, choir).await;
        assert_eq!(u8::from(chess.outcome.is_accepted()) + u8::from(choir.outcome.is_accepted()), 1);
        let (won, office) = if chess.outcome.is_accepted() { ("chess", &here) } else { ("choir", &there) };
        let _cancelled = office.cancel(&occurrence(won), &who(&attendee)).await.unwrap();
    }
}

#[tokio::test]
async fn the_ledger_answers_before_the_policies_are_asked() {
    let office = day(&memory(), &["clash", "nobody knows it"]).await;
    assert_eq!(denied(&book(&office, "chess", "ann").await), ["unknown policy"]);
    let asked = office.stats().policies_asked;
    let missing: OccurrenceId = "chess@20270112T180000Z".parse().unwrap();
    assert_eq!(office.book(&missing, &who("ann")).await.unwrap().outcome, BookingOutcome::NotOnSale);
    assert_eq!(office.cancel(&occurrence("chess"), &who("ann")).await.unwrap().outcome, BookingOutcome::NotBooked);
    let stale = office.run_observed(&occurrence("chess"), BookingCommand::book(who("ann")), Seq::new(9)).await.unwrap();
    assert!(matches!(stale.outcome, BookingOutcome::Conflict { .. }));
    assert_eq!(office.stats().policies_asked, asked);
}

#[tokio::test]
async fn without_policies_nothing_is_asked_and_no_agenda_is_kept() {
    let store = memory();
    let office = day(&store, &[]).await;
    for name in ["chess", "choir"] {
        assert!(book(&office, name, "ann").await.is_accepted());
    }
    assert_eq!(office.stats().policies_asked, 0);
    assert_eq!(booking::agenda(&*store, &who("ann")).await.unwrap(), []);
}

#[tokio::test]
async fn a_policy_counts_from_the_next_booking_on_whoever_defines_it() {
    let store = memory();
    let (office, other) = (day(&store, &[]).await, office_on(&store));
    assert!(book(&office, "chess", "ann").await.is_accepted());
    // The owner of choir is awake in one office while another gives the definition its policy.
    assert!(book(&office, "choir", "bob").await.is_accepted());
    assert!(other.redefine(definition("choir", 19, 21, &["clash"])).await.unwrap().outcome.is_accepted());
    assert_eq!(denied(&book(&office, "choir", "ann").await), ["clash"]);
    assert!(book(&office, "choir", "cyd").await.is_accepted());
    assert!(other.redefine(definition("choir", 19, 21, &[])).await.unwrap().outcome.is_accepted());
    let _cancelled = office.cancel(&occurrence("choir"), &who("bob")).await.unwrap();
    assert!(book(&office, "choir", "ann").await.is_accepted());
}

#[tokio::test]
async fn limits_are_facts_of_the_host() {
    let office = day(&memory(), &["at_most"]).await;
    let put = office.put_facts(vec![HostFact::new("most_in_day", [2.into()])]).await.unwrap();
    assert!(put.value.is_accepted());
    for name in ["chess", "choir"] {
        assert!(book(&office, name, "ann").await.is_accepted());
    }
    assert_eq!(denied(&book(&office, "dance", "ann").await), ["as many as a day allows"]);
    let _released = office.cancel(&occurrence("choir"), &who("ann")).await.unwrap();
    assert!(book(&office, "dance", "ann").await.is_accepted());
    assert_eq!(denied(&book(&office, "early", "ann").await), ["as many as a day allows"]);
    // A limit that is taken away limits nobody from then on.
    let gone = office.remove_facts(vec![HostFact::new("most_in_day", [2.into()])]).await.unwrap();
    assert!(gone.value.is_accepted());
    assert!(book(&office, "early", "ann").await.is_accepted());
}

#[tokio::test]
async fn of_two_bookings_that_clash_one_succeeds_whatever_office_takes_them() {
    let store = memory();
    let offices = [day(&store, &["clash"]).await, office_on(&store)];
    for round in 0..50_usize {
        let attendee = who(format!("racer-{round}"));
        let (chess, choir) = (occurrence("chess"), occurrence("choir"));
        let one = offices[0].book(&chess, &attendee);
        let two = offices[round % 2].book(&choir, &attendee);
        let (one, two) = join(one, two).await;
        let outcomes = [one.unwrap().outcome, two.unwrap().outcome];
        let won = outcomes.iter().filter(|outcome| outcome.is_accepted()).count();
        assert_eq!(won, 1, "{round}: {outcomes:?}");
        assert!(outcomes.iter().any(|outcome| denied(outcome) == ["clash"]), "{round}: {outcomes:?}");
        // An office whose owner has not heard of a seat yet does not find it.
        let _cancelled = offices[0].cancel(&occurrence("chess"), &attendee).await.unwrap();
        let _cancelled = offices[round % 2].cancel(&occurrence("choir"), &attendee).await.unwrap();
    }
}

#[derive(Clone, Debug)]
enum Step {
    Book(usize, usize),
    Hold(usize, usize),
    Cancel(usize, usize),
    Limit(i64),
    Define(usize, bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    let seat = || (0..DAY.len(), 0..2_usize);
    prop_oneof![
        5 => seat().prop_map(|(event, attendee)| Step::Book(event, attendee)),
        2 => seat().prop_map(|(event, attendee)| Step::Hold(event, attendee)),
        3 => seat().prop_map(|(event, attendee)| Step::Cancel(event, attendee)),
        1 => (1..3_i64).prop_map(Step::Limit),
        1 => (0..DAY.len(), any::<bool>()).prop_map(|(event, named)| Step::Define(event, named)),
    ]
}

/// Takes each step, and has the picker say beforehand what the owner does.
async fn agree(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let office = day(&memory(), &["clash", "at_most"]).await;
    let attendees = [who("ann"), who("bob")];
    for step in steps {
        match step {
            Step::Book(event, attendee) | Step::Hold(event, attendee) => {
                let (event, attendee) = (occurrence(DAY[event].0), &attendees[attendee]);
                let picked = office.may_book(attendee, &event).await.unwrap().value;
                let reply = match step {
                    Step::Hold(..) => office.hold(&event, attendee, Duration::from_secs(60)).await,
                    _ => office.book(&event, attendee).await,
                };
                let outcome = reply.unwrap().outcome;
                prop_assert_eq!(outcome.is_accepted(), picked.is_empty(), "{:?} and {:?}", outcome, picked);
                match outcome {
                    BookingOutcome::Denied { .. } => prop_assert_eq!(denied(&outcome), picked),
                    BookingOutcome::Already { state: SeatState::Confirmed | SeatState::Held { .. }, .. } => {
                        prop_assert!(picked.contains(&"has a seat".to_owned()));
                    }
                    BookingOutcome::Full(_) => prop_assert!(picked.contains(&"full".to_owned())),
                    other => prop_assert!(other.takes_a_seat(), "{:?}", other),
                }
            }
            Step::Cancel(event, attendee) => {
                let _done = office.cancel(&occurrence(DAY[event].0), &attendees[attendee]).await.unwrap();
            }
            Step::Limit(most) => {
                let limit = |most: i64| vec![HostFact::new("most_in_day", [most.into()])];
                let _gone = office.remove_facts(limit(3 - most)).await.unwrap();
                let _put = office.put_facts(limit(most)).await.unwrap();
            }
            Step::Define(event, named) => {
                let (name, from, to) = DAY[event];
                let policies: &[&str] = if named { &["clash", "at_most"] } else { &[] };
                let _defined = office.redefine(definition(name, from, to, policies)).await.unwrap();
            }
        }
    }
    office.shutdown().await;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_picker_and_the_owner_never_disagree(steps in prop::collection::vec(any_step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(agree(steps))?;
    }
}
