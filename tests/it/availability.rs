//! Who is free, through the handle: what answers rest on, which rules are in effect, who is told what.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use boxoffice::availability::{
    Answered, AtLeast, Availability, AvailabilityError, AvailabilityOptions, News, Options, RelationWatch, Snapshot,
};
use boxoffice::booking::Seats;
use boxoffice::calendar::{CalendarEvent, Frame, Length, Range};
use boxoffice::clock::ManualClock;
use boxoffice::datalog::{Limits, Value};
use boxoffice::id::{OccurrenceId, PolicyName, SeriesId};
use boxoffice::persist::{Backend, Cursor, MemoryBackend, Projected, Seq, load_snapshot, save_snapshot};
use boxoffice::time::{Timestamp, Window};
use boxoffice::{BoxOffice, BoxOfficeError};
use futures_util::future::join;
use jiff::ToSpan;
use jiff::civil::{DateTime, date};
use proptest::prelude::*;

use crate::backends::{at, until, who};

fn january(day: i8, hour: i8) -> DateTime {
    date(2026, 1, day).at(hour, 0, 0, 0)
}

fn instant(day: i8, hour: i8) -> Timestamp {
    format!("2026-01-{day:02}T{hour:02}:00:00Z").parse().unwrap()
}

fn hours(day: i8, from: i8, to: i8) -> Window {
    Window::new(instant(day, from), instant(day, to))
}

fn month() -> Window {
    Window::new(instant(1, 0), instant(31, 0))
}

fn series(name: &str) -> SeriesId {
    SeriesId::new(name).unwrap()
}

fn evening(day: i8) -> OccurrenceId {
    format!("chess@202601{day:02}T190000Z").parse().unwrap()
}

/// Every Monday of January from the 5th on, 19 to 21 h.
fn chess() -> CalendarEvent {
    weekly("chess", 5, 19)
}

fn weekly(name: &str, day: i8, hour: i8) -> CalendarEvent {
    let length = Length::exact(2.hours()).unwrap();
    CalendarEvent::new(series(name), name, january(day, hour), Frame::Utc, length)
        .repeating("FREQ=WEEKLY;COUNT=4".parse().unwrap())
}

/// An office with the calendar above, on a clock that stands still.
struct Place {
    store: Arc<dyn Backend>,
    clock: ManualClock,
    options: AvailabilityOptions,
}

impl Place {
    fn new() -> Self {
        let options = AvailabilityOptions { snapshot_every: 1, ..AvailabilityOptions::default() };
        Self { store: Arc::new(MemoryBackend::new()), clock: ManualClock::new(at(0)), options }
    }

    fn with(options: AvailabilityOptions) -> Self {
        Self { options, ..Self::new() }
    }

    fn open(&self) -> BoxOffice {
        let builder = BoxOffice::builder().shared_store(Arc::clone(&self.store)).clock(self.clock.clone());
        builder.availability(self.options.clone()).start().unwrap()
    }

    async fn with_chess(&self) -> BoxOffice {
        let office = self.open();
        for event in [chess(), weekly("choir", 5, 20)] {
            assert!(office.schedule(event).await.unwrap().outcome.is_accepted());
        }
        office
    }
}

async fn book(office: &BoxOffice, occurrence: &OccurrenceId, name: &str) -> Cursor {
    let _opened = office.open(occurrence, Seats::new(20)).await.unwrap();
    let reply = office.book(occurrence, &who(name)).await.unwrap();
    assert!(reply.outcome.is_accepted(), "{reply:?}");
    office.booking_cursor(occurrence, reply.seq).await.unwrap().unwrap()
}

async fn is_free(office: &BoxOffice, name: &str, window: Window) -> bool {
    office.is_free(&who(name), window).await.unwrap().value
}

#[tokio::test]
async fn a_booking_is_in_the_answer_at_its_cursor_and_a_cancelled_one_is_not() {
    let office = Place::new().with_chess().await;
    let ann = who("ann");
    assert!(is_free(&office, "ann", month()).await);
    let cursor = book(&office, &evening(12), "ann").await;
    let questions = office.availability().at_least(AtLeast::Cursor(cursor));
    let answered = questions.is_free(&ann, hours(12, 20, 22)).await.unwrap();
    assert!(!answered.value && answered.cursor >= cursor);
    // Half-open: what only touches is free.
    assert!(is_free(&office, "ann", hours(12, 21, 22)).await && is_free(&office, "ann", hours(12, 18, 19)).await);
    assert!(is_free(&office, "bob", month()).await);
    assert_eq!(office.busy(&ann, month()).await.unwrap().value, [(evening(12), hours(12, 19, 21))]);
    assert_eq!(office.seats_left(&evening(12)).await.unwrap().value, Some(19));
    assert_eq!(office.seats_left(&evening(19)).await.unwrap().value, None);

    assert!(office.cancel(&evening(12), &ann).await.unwrap().outcome.is_accepted());
    let later = office.is_free(&ann, month()).await.unwrap();
    assert!(later.value && later.cursor > answered.cursor);
    assert_eq!(office.seats_left(&evening(12)).await.unwrap().value, Some(20));
}

#[tokio::test]
async fn a_held_seat_counts_until_it_lapses() {
    let place = Place::new();
    let office = place.with_chess().await;
    let _opened = office.open(&evening(12), Seats::new(1)).await.unwrap();
    let held = office.hold(&evening(12), &who("ann"), Duration::from_secs(60)).await.unwrap();
    assert!(held.outcome.is_accepted());
    assert!(!is_free(&office, "ann", month()).await);
    assert_eq!(office.seats_left(&evening(12)).await.unwrap().value, Some(0));
    place.clock.advance(Duration::from_secs(60));
    // The owner's timer records the lapse.
    until(async || is_free(&office, "ann", month()).await).await;
}

#[tokio::test]
async fn bookings_follow_what_is_moved_and_end_with_what_is_cancelled() {
    let office = Place::new().with_chess().await;
    for day in [12, 19] {
        book(&office, &evening(day), "ann").await;
    }
    let moved = office.reschedule(&evening(12), Range::This, january(14, 8)).await.unwrap();
    assert!(moved.outcome.is_accepted());
    assert!(is_free(&office, "ann", hours(12, 0, 23)).await);
    assert_eq!(
        office.busy(&who("ann"), month()).await.unwrap().value,
        [(evening(12), hours(14, 8, 10)), (evening(19), hours(19, 19, 21))]
    );
    assert!(office.cancel_occurrence(&evening(12), Range::This).await.unwrap().outcome.is_accepted());
    assert!(is_free(&office, "ann", hours(14, 0, 23)).await);
    assert!(office.reinstate(&evening(12)).await.unwrap().outcome.is_accepted());
    assert!(!is_free(&office, "ann", hours(14, 0, 23)).await);
    assert!(office.cancel_series(&series("chess")).await.unwrap().outcome.is_accepted());
    assert!(is_free(&office, "ann", month()).await);
}

#[tokio::test]
async fn free_time_is_found_for_one_and_for_many() {
    let office = Place::new().with_chess().await;
    book(&office, &evening(12), "ann").await;
    book(&office, &"choir@20260112T200000Z".parse().unwrap(), "bob").await;
    let (ann, bob, hour) = (who("ann"), who("bob"), Duration::from_secs(3_600));
    let next = office.next_free(&ann, hours(12, 19, 23), hour).await.unwrap().value;
    assert_eq!(next, Some(instant(12, 21)));
    assert_eq!(office.next_free(&ann, hours(12, 19, 21), hour).await.unwrap().value, None);
    let both = [ann.clone(), bob];
    let slots = office.free_slots(&both, hours(12, 18, 23), hour, 10).await.unwrap().value;
    assert_eq!(slots, [hours(12, 18, 19), hours(12, 22, 23)]);
    book(&office, &"choir@20260112T200000Z".parse().unwrap(), "ann").await;
    let overlaps = office.overlaps(&ann).await.unwrap().value;
    assert_eq!(overlaps, [(evening(12), "choir@20260112T200000Z".parse().unwrap())]);
    let why = office.why_not_free(&ann, hours(12, 19, 20)).await.unwrap().value;
    assert!(why.is_some());
    assert!(office.why_not_free(&ann, hours(13, 0, 23)).await.unwrap().value.is_none());
}

#[tokio::test]
async fn an_office_sees_what_another_one_wrote_to_the_store() {
    // The clock runs faster than anybody can look.
    let patience = Duration::from_secs(1 << 32);
    let place = Place::with(AvailabilityOptions { patience, ..AvailabilityOptions::default() });
    let left = place.with_chess().await;
    let right = place.open();
    assert!(is_free(&right, "ann", month()).await);
    let cursor = book(&left, &evening(12), "ann").await;
    let at_cursor = right.availability().at_least(AtLeast::Cursor(cursor));
    assert!(!at_cursor.is_free(&who("ann"), month()).await.unwrap().value);
    // Also without a cursor: everything that was committed when the question was asked.
    book(&left, &evening(12), "bob").await;
    assert!(!is_free(&right, "bob", month()).await);

    // One that is not there yet is waited for; the store is looked at every second.
    let next = Cursor::from_position(book(&left, &evening(12), "cyd").await.position() + 1);
    let waiting = tokio::spawn({
        let questions = right.availability().at_least(AtLeast::Cursor(next));
        async move { questions.is_free(&who("dan"), month()).await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    let cursor = book(&left, &evening(12), "dan").await;
    assert_eq!(cursor, next);
    until(async || {
        place.clock.advance(Duration::from_secs(1));
        waiting.is_finished()
    })
    .await;
    assert!(!waiting.await.unwrap().unwrap().value);
}

#[tokio::test]
async fn a_cursor_that_never_comes_is_waited_for_only_so_long() {
    let place = Place::new();
    let office = place.with_chess().await;
    let there = office.is_free(&who("ann"), month()).await.unwrap().cursor;
    let wanted = AtLeast::Cursor(Cursor::from_position(there.position() + 1));
    let waiting = tokio::spawn({
        let questions = office.availability().at_least(wanted);
        async move { questions.is_free(&who("ann"), month()).await }
    });
    until(async || {
        place.clock.advance(Duration::from_secs(1));
        waiting.is_finished()
    })
    .await;
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error, AvailabilityError::Behind { wanted, cursor: there });
    assert!(place.clock_seconds() >= 10 && error.is_transient());
    // It kept nobody else from being answered.
    assert!(is_free(&office, "ann", month()).await);
}

impl Place {
    fn clock_seconds(&self) -> i64 {
        use boxoffice::clock::Clock as _;
        self.clock.now().as_millis() / 1_000
    }
}

const CLOSED: &str = r#"known_policy("house"). forbid(_a, o, "closed") :- of_series(o, "chess")."#;
const PRIVATE: &str = r#"known_policy("house"). forbid(_a, o, "private") :- of_series(o, "chess")."#;

/// Chess under a policy that only rules of the host know.
async fn under_house_rules(office: &BoxOffice) {
    let event = chess().with_policy(PolicyName::new("house").unwrap());
    assert!(office.redefine(event).await.unwrap().outcome.is_accepted());
    let _opened = office.open(&evening(12), Seats::new(5)).await.unwrap();
}

async fn reasons(office: &BoxOffice) -> Vec<String> {
    office.may_book(&who("ann"), &evening(12)).await.unwrap().value
}

#[tokio::test]
async fn rules_take_effect_when_they_are_put_replaced_and_removed() {
    let place = Place::new();
    let office = place.with_chess().await;
    under_house_rules(&office).await;
    assert_eq!(reasons(&office).await, ["unknown policy"]);
    let before = office.rules().await.unwrap();
    assert_eq!(before.value, []);

    let put = office.put_rules("house", CLOSED).await.unwrap();
    assert!(put.value.is_accepted() && put.cursor > before.cursor, "{put:?}");
    assert_eq!(reasons(&office).await, ["closed"]);
    let again = office.put_rules("house", CLOSED).await.unwrap();
    assert_eq!((again.value.is_accepted(), again.cursor), (false, put.cursor));
    assert!(office.put_rules("house", PRIVATE).await.unwrap().value.is_accepted());
    assert_eq!(reasons(&office).await, ["private"]);
    let other = place.open();
    assert_eq!(reasons(&other).await, ["private"]);

    // They survive a restart, with a snapshot and without.
    office.shutdown().await;
    let office = place.open();
    assert_eq!(reasons(&office).await, ["private"]);
    assert_eq!(office.rules().await.unwrap().value, [("house".to_owned(), PRIVATE.to_owned())]);
    assert!(office.remove_rules("house").await.unwrap().value.is_accepted());
    assert_eq!(reasons(&office).await, ["unknown policy"]);
    assert!(!office.remove_rules("house").await.unwrap().value.is_accepted());
    assert_eq!(reasons(&other).await, ["unknown policy"]);
}

#[tokio::test]
async fn a_bad_rule_is_refused_with_its_place_and_changes_nothing() {
    let office = Place::new().with_chess().await;
    under_house_rules(&office).await;
    let put = office.put_rules("house", CLOSED).await.unwrap();
    let bad = format!("{PRIVATE}\nforbid(_a, o, why) :- of_series(o, \"chess\").");
    let refused = office.put_rules("house", &bad).await.unwrap();
    let found = refused.value.diagnostics();
    assert_eq!(found.first().map(|one| (one.span.line, one.code)), Some((2, "E-unbound")), "{refused:?}");
    assert!(found[0].span.column > 1 && !refused.value.is_accepted());
    assert_eq!(refused.cursor, put.cursor);
    assert_eq!(
        office.rules().await.unwrap(),
        Answered { value: vec![("house".into(), CLOSED.into())], cursor: put.cursor }
    );
    assert_eq!(reasons(&office).await, ["closed"]);
    assert!(office.check_rules("house", &bad).await.unwrap().value.is_err());
    assert!(office.check_rules("house", PRIVATE).await.unwrap().value.is_ok());
    // A question that is wrong says where, too.
    let wrong = office.ask_rules("busy(a, o").await;
    assert!(matches!(wrong, Err(AvailabilityError::Ask(_))), "{wrong:?}");
}

#[tokio::test]
async fn rules_that_fail_over_new_facts_can_be_taken_away() {
    let office = Place::new().with_chess().await;
    let rule = ".decl share(o: symbol, n: number) maintain\nshare(o, n) :- capacity(o, c), n = 60 / (c - 3).";
    assert!(office.put_rules("house", rule).await.unwrap().value.is_accepted());
    let _opened = office.open(&evening(12), Seats::new(3)).await.unwrap();
    let failed = office.seats_left(&evening(12)).await;
    assert!(matches!(&failed, Err(AvailabilityError::Log { .. })), "{failed:?}");
    assert!(office.remove_rules("house").await.unwrap().value.is_accepted());
    assert_eq!(office.seats_left(&evening(12)).await.unwrap().value, Some(3));
}

#[tokio::test]
async fn two_offices_that_put_rules_at_once_lose_none() {
    let place = Place::new();
    let (left, right) = (place.with_chess().await, place.open());
    for n in 0..10 {
        let (l, r) = (format!("l{n}"), format!("r{n}"));
        let (one, other) = join(left.put_rules(&l, CLOSED), right.put_rules(&r, PRIVATE)).await;
        assert!(one.unwrap().value.is_accepted() && other.unwrap().value.is_accepted());
    }
    let rules = left.rules().await.unwrap();
    assert_eq!(rules.value.len(), 20);
    assert_eq!(right.rules().await.unwrap(), rules);
}

fn symbols(values: &[Value]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

async fn next(watch: &mut RelationWatch) -> Answered<News> {
    watch.next().await.unwrap().unwrap()
}

#[tokio::test]
async fn a_watcher_is_told_each_insertion_and_removal_once_and_in_order() {
    let office = Place::new().with_chess().await;
    book(&office, &evening(5), "ann").await;
    let mut watch = office.watch_relation("busy").await.unwrap();
    let first = next(&mut watch).await;
    let News::Rows { rows, lagged: false } = first.value else { panic!("{first:?}") };
    assert_eq!(rows.len(), 1);

    // Looked at after each step, since what comes and goes between two looks is not told.
    book(&office, &evening(12), "ann").await;
    assert!(!is_free(&office, "ann", month()).await);
    assert!(office.cancel(&evening(5), &who("ann")).await.unwrap().outcome.is_accepted());
    assert!(!is_free(&office, "ann", month()).await);
    assert!(office.reschedule(&evening(12), Range::This, january(14, 8)).await.unwrap().outcome.is_accepted());
    let mut rows: BTreeSet<Vec<Value>> = rows.into_iter().collect();
    let (mut cursor, mut told) = (first.cursor, Vec::new());
    while told.len() < 4 {
        let news = next(&mut watch).await;
        assert!(news.cursor > cursor);
        cursor = news.cursor;
        let News::Changed { added, removed } = news.value else { panic!("{news:?}") };
        for row in removed {
            told.push(format!("-{}", symbols(&row)[2]));
            assert!(rows.remove(&row), "{row:?} was not there");
        }
        for row in added {
            told.push(format!("+{}", symbols(&row)[2]));
            assert!(rows.insert(row.clone()), "{row:?} was there");
        }
    }
    let day = |sign: &str, day: i8, hour: i8| format!("{sign}@{}", instant(day, hour));
    assert_eq!(told, [day("+", 12, 19), day("-", 5, 19), day("-", 12, 19), day("+", 14, 8)]);
    assert_eq!(rows.len(), 1);

    let nothing = office.watch_relation("nothing").await;
    assert!(matches!(nothing, Err(AvailabilityError::NotKept { .. })), "{nothing:?}");
    let shut = tokio::spawn(async move { watch.next().await });
    office.shutdown().await;
    assert_eq!(shut.await.unwrap().unwrap(), None);
}

#[tokio::test]
async fn a_watcher_that_does_not_listen_holds_up_nobody_and_begins_anew() {
    let office =
        Place::with(AvailabilityOptions { unread_max: 2, ..AvailabilityOptions::default() }).with_chess().await;
    let mut watch = office.watch_relation("busy").await.unwrap();
    let _all = next(&mut watch).await;
    for n in 0..5 {
        let name = format!("a{n}");
        book(&office, &evening(12), &name).await;
        assert!(!is_free(&office, &name, month()).await);
    }
    assert_eq!(office.stats().availability_lagged, 1);
    for _ in 0..2 {
        let news = next(&mut watch).await;
        assert!(matches!(&news.value, News::Changed { added, .. } if added.len() == 1), "{news:?}");
    }
    let anew = next(&mut watch).await;
    assert!(matches!(&anew.value, News::Rows { rows, lagged: true } if rows.len() == 5), "{anew:?}");
    book(&office, &evening(12), "late").await;
    assert!(matches!(next(&mut watch).await.value, News::Changed { added, .. } if added.len() == 1));
}

#[tokio::test]
async fn after_a_panic_all_is_built_anew() {
    let office = Place::new().with_chess().await;
    book(&office, &evening(12), "ann").await;
    let mut watch = office.watch_relation("busy").await.unwrap();
    let before = next(&mut watch).await;
    let panicked = office.availability().inspect(|_| panic!("on purpose")).await;
    assert_eq!(panicked.map(drop), Err(AvailabilityError::Panicked));
    assert!(!is_free(&office, "ann", month()).await);
    assert_eq!(office.stats().availability_built, 2);
    assert_eq!(next(&mut watch).await, before);
}

#[tokio::test]
async fn an_actor_that_panics_too_often_is_left_alone_for_a_while() {
    let place = Place::new();
    let office = place.with_chess().await;
    for _ in 0..5 {
        let panicked = office.availability().inspect(|_| panic!("on purpose")).await;
        assert_eq!(panicked.map(drop), Err(AvailabilityError::Panicked));
    }
    let left_alone = office.is_free(&who("ann"), month()).await;
    let retry_after = Duration::from_secs(10);
    assert_eq!(left_alone, Err(BoxOfficeError::Failing { retry_after }.into()));
    place.clock.advance(retry_after);
    assert!(is_free(&office, "ann", month()).await);
}

/// Rules that count up to `n`.
fn counting(n: u32) -> String {
    format!(".decl up(n: number)\nup(0).\nup(n + 1) :- up(n), n < {n}.")
}

#[tokio::test]
async fn a_heavy_question_holds_up_no_light_one() {
    let light = Limits { steps: 2_000, ..Limits::default() };
    let office = Place::with(AvailabilityOptions { light, ..AvailabilityOptions::default() }).with_chess().await;
    book(&office, &evening(12), "ann").await;
    assert!(office.put_rules("count", &counting(20_000)).await.unwrap().value.is_accepted());
    let answered = office.stats().availability_answered;
    let heavy = tokio::spawn({
        let office = office.clone();
        async move { office.ask_rules("up(n), n > 19998").await }
    });
    // It has cost the light desk one question, and is somewhere else by now.
    until(async || office.stats().availability_heavy == 1).await;
    for _ in 0..50 {
        assert!(!is_free(&office, "ann", month()).await);
    }
    // Neither answered nor begun anew: each of these took one turn.
    assert!(office.stats().availability_answered <= answered + 52);
    let found = heavy.await.unwrap().unwrap().value;
    assert_eq!(found.rows, [[Value::Number(19_999)], [Value::Number(20_000)]]);
    assert_eq!(office.stats().availability_built, 2);
}

#[tokio::test]
async fn a_question_beyond_all_limits_is_refused_and_changes_nothing() {
    let small = Limits { steps: 2_000, ..Limits::default() };
    let options = AvailabilityOptions { light: small, heavy: Limits { steps: 5_000, ..small }, ..Default::default() };
    let office = Place::with(options).with_chess().await;
    book(&office, &evening(12), "ann").await;
    assert!(office.put_rules("count", &counting(100_000)).await.unwrap().value.is_accepted());
    let refused = office.ask_rules("up(n), n > 99999").await;
    assert!(matches!(refused, Err(AvailabilityError::TooHeavy(_))), "{refused:?}");
    assert!(!is_free(&office, "ann", month()).await);
}

#[tokio::test]
async fn a_diff_shows_what_rules_would_change() {
    let office = Place::new().with_chess().await;
    book(&office, &evening(12), "ann").await;
    let rule = ".decl guest(a: symbol) maintain\nguest(a) :- seat(a, _, _).";
    let diff = office.diff_rules("guests", Some(rule)).await.unwrap().value;
    assert_eq!(diff.added.len(), 1, "{diff:?}");
    assert!(diff.removed.is_empty());
    assert!(office.put_rules("guests", rule).await.unwrap().value.is_accepted());
    let diff = office.diff_rules("guests", None).await.unwrap().value;
    assert_eq!((diff.added.len(), diff.removed.len()), (0, 1), "{diff:?}");
}

#[tokio::test]
async fn a_closed_office_answers_no_questions() {
    let office = Place::new().with_chess().await;
    let clone = office.clone();
    office.shutdown().await;
    let answers = [
        clone.is_free(&who("ann"), month()).await.map(drop),
        clone.put_rules("house", CLOSED).await.map(drop),
        clone.watch_relation("busy").await.map(drop),
    ];
    for answer in answers {
        assert_eq!(answer, Err(BoxOfficeError::ShutDown.into()));
    }
}

#[tokio::test]
async fn an_office_that_is_never_asked_keeps_nothing() {
    let office = BoxOffice::builder().store(MemoryBackend::new()).start().unwrap();
    assert!(office.schedule(chess()).await.unwrap().outcome.is_accepted());
    book(&office, &evening(12), "ann").await;
    assert_eq!((office.stats().availability_built, office.stats().availability_events), (0, 0));
    assert!(!is_free(&office, "ann", month()).await);
    assert_eq!(office.stats().availability_built, 1);
}

/// Everything that is worth comparing.
#[derive(Debug, PartialEq)]
struct Picture {
    busy: Vec<Vec<(OccurrenceId, Window)>>,
    overlaps: Vec<Vec<(OccurrenceId, OccurrenceId)>>,
    left: Vec<Option<i64>>,
    rules: Vec<(String, String)>,
    cursor: Cursor,
}

const NAMES: [&str; 3] = ["ann", "bob", "cyd"];

fn occurrences() -> Vec<OccurrenceId> {
    let days = [5, 12, 19, 26];
    let choir = days.iter().map(|day| format!("choir@202601{day:02}T200000Z").parse().unwrap());
    days.iter().map(|day| evening(*day)).chain(choir).collect()
}

fn picture(base: &Availability) -> Picture {
    Picture {
        busy: NAMES.iter().map(|name| base.busy(&who(name), month()).unwrap()).collect(),
        overlaps: NAMES.iter().map(|name| base.overlaps(&who(name)).unwrap()).collect(),
        left: occurrences().iter().map(|one| base.seats_left(one).unwrap()).collect(),
        rules: base.rulesets(),
        cursor: base.cursor(),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Book(usize, usize),
    Hold(usize, usize),
    Leave(usize, usize),
    Move(usize, i8, i8),
    Drop(usize),
    Back(usize),
    Rules(bool),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (name, place) = (0..NAMES.len(), 0..8_usize);
    let step = prop_oneof![
        6 => (name.clone(), place.clone()).prop_map(|(n, o)| Step::Book(n, o)),
        2 => (name.clone(), place.clone()).prop_map(|(n, o)| Step::Hold(n, o)),
        3 => (name, place.clone()).prop_map(|(n, o)| Step::Leave(n, o)),
        2 => (place.clone(), 1..28_i8, 0..22_i8).prop_map(|(o, d, h)| Step::Move(o, d, h)),
        1 => place.clone().prop_map(Step::Drop),
        1 => place.prop_map(Step::Back),
        1 => any::<bool>().prop_map(Step::Rules),
        2 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..40)
}

async fn take(office: &BoxOffice, step: &Step) {
    let all = occurrences();
    let hour = Duration::from_secs(3_600);
    match step {
        Step::Book(name, place) => drop(office.book(&all[*place], &who(NAMES[*name])).await.unwrap()),
        Step::Hold(name, place) => drop(office.hold(&all[*place], &who(NAMES[*name]), hour).await.unwrap()),
        Step::Leave(name, place) => drop(office.cancel(&all[*place], &who(NAMES[*name])).await.unwrap()),
        Step::Move(place, day, hour) => {
            drop(office.reschedule(&all[*place], Range::This, january(*day, *hour)).await.unwrap());
        }
        Step::Drop(place) => drop(office.cancel_occurrence(&all[*place], Range::This).await.unwrap()),
        Step::Back(place) => drop(office.reinstate(&all[*place]).await.unwrap()),
        Step::Rules(true) => drop(office.put_rules("house", CLOSED).await.unwrap()),
        Step::Rules(false) => drop(office.remove_rules("house").await.unwrap()),
        Step::Restart => {}
    }
}

async fn folded(store: &dyn Backend) -> Picture {
    let mut base = Availability::new(Options::default()).unwrap();
    let all = store.read_all(Cursor::START, 100_000).await.unwrap();
    let _delta = base.apply(&all.events).unwrap();
    picture(&base)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn snapshot_and_tail_are_what_the_whole_log_says(steps in steps()) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let place = Place::new();
            let mut office = place.with_chess().await;
            for one in occurrences() {
                let _opened = office.open(&one, Seats::new(2)).await.unwrap();
            }
            for step in &steps {
                if matches!(step, Step::Restart) {
                    let _asked = office.rules().await.unwrap();
                    office.shutdown().await;
                    office = place.open();
                }
                take(&office, step).await;
            }
            let seen = office.availability().inspect(picture).await.unwrap();
            assert_eq!(seen.value, folded(&*place.store).await);
            office.shutdown().await;
            assert!(load_snapshot::<Snapshot>(&*place.store, "availability").await.unwrap().is_some());
            let office = place.open();
            assert_eq!(office.availability().inspect(picture).await.unwrap(), seen);
            assert_eq!(office.stats().availability_events, 0);
        });
    }
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_is_passed_over() {
    let place = Place::new();
    let office = place.with_chess().await;
    book(&office, &evening(12), "ann").await;
    assert!(!is_free(&office, "ann", month()).await);
    office.shutdown().await;
    let state = Projected { value: "nonsense", seq: Seq::new(u64::MAX) };
    save_snapshot(&*place.store, "availability", &state).await.unwrap();
    let office = place.open();
    assert!(!is_free(&office, "ann", month()).await);
    assert!(office.stats().availability_events > 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_answers_of_before_are_still_there() {
    let place = Place::new();
    let office = place.with_chess().await;
    book(&office, &evening(12), "ann").await;
    assert!(!is_free(&office, "ann", month()).await);
    let stream = boxoffice::booking::booking_stream(&evening(19));
    office.store().stream(&stream).append("booking.seat_sat_on.v9", at(0), &7).await.unwrap();
    let told = office.is_free(&who("ann"), month()).await;
    assert!(matches!(&told, Err(AvailabilityError::Log { .. })), "{told:?}");
    let questions = office.availability().at_least(AtLeast::Now);
    assert!(!questions.is_free(&who("ann"), month()).await.unwrap().value);
}
