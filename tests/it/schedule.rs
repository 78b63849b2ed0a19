//! Series and agendas through the handle: what is answered, what bookings do meanwhile, and what is left of it on disk.

use core::time::Duration;
use std::sync::Arc;

use boxoffice::BoxOffice;
use boxoffice::booking::{SeatState, Seats};
use boxoffice::calendar::{CalendarEvent, Frame, Length, Range};
use boxoffice::clock::ManualClock;
use boxoffice::id::{OccurrenceId, SeriesId};
use boxoffice::persist::{Backend, Fault, MemoryBackend, NewEvent, Seq, SledBackend};
use boxoffice::schedule::{
    AgendaOptions, AsOf, Flaw, Incomplete, SeriesCommand, SeriesOutcome, Standing, run, series_stream,
};
use boxoffice::time::Window;
use boxoffice::{BoxOfficeError, ScheduleReply};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use jiff::ToSpan;
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;

use crate::backends::{MoodyBackend, at, until, who};

fn id(name: &str) -> SeriesId {
    SeriesId::new(name).unwrap()
}

fn january(day: i8, hour: i8) -> DateTime {
    date(2026, 1, day).at(hour, 0, 0, 0)
}

fn evening(day: i8) -> OccurrenceId {
    format!("chess@202601{day:02}T190000").parse().unwrap()
}

/// From Monday, 5 January 2026 on, in Berlin.
fn chess(rule: &str) -> CalendarEvent {
    let berlin = Frame::zoned("Europe/Berlin").unwrap();
    let event = CalendarEvent::new(id("chess"), "Chess", january(5, 19), berlin, Length::exact(2.hours()).unwrap());
    event.repeating(rule.parse().unwrap()).with_capacity(20)
}

fn days(from: i8, to: i8) -> Window {
    let at = |day: i8| TimeZone::UTC.to_timestamp(january(day, 0)).unwrap().as_millisecond();
    Window::new(crate::backends::at(at(from)), crate::backends::at(at(to)))
}

async fn office_with(event: CalendarEvent) -> BoxOffice {
    let office = BoxOffice::builder().store(MemoryBackend::new()).start().unwrap();
    assert_eq!(office.schedule(event).await.unwrap().outcome, SeriesOutcome::Scheduled);
    office
}

async fn book(office: &BoxOffice, evening: &OccurrenceId, names: &[&str]) {
    let opened = office.open(evening, Seats::new(20)).await.unwrap();
    assert!(matches!(opened.outcome.name(), "opened" | "already_open"));
    for name in names {
        assert!(office.book(evening, &who(name)).await.unwrap().outcome.is_accepted());
    }
}

/// Ids and starts of what an agenda shows.
async fn shown(office: &BoxOffice, window: Window, options: AgendaOptions) -> Vec<String> {
    let found = office.agenda(window, &TimeZone::UTC, options).await.unwrap();
    assert_eq!(found.truncated, []);
    let line = |entry: &boxoffice::schedule::AgendaEntry| {
        let star = if entry.occurrence.cancelled { "*" } else { "" };
        format!("{} {}{star}", entry.occurrence.id(), entry.occurrence.start.strftime("%d %H"))
    };
    found.entries.iter().map(line).collect()
}

async fn listed(office: &BoxOffice) -> Vec<String> {
    shown(office, days(1, 31), AgendaOptions { cancelled: true, ..AgendaOptions::default() }).await
}

/// Who is left without an occurrence, as `20260105T190000: ann, bob`.
fn names(orphans: &[boxoffice::schedule::Orphan]) -> Vec<String> {
    let line = |orphan: &boxoffice::schedule::Orphan| {
        let names: Vec<_> = orphan.seats.iter().map(|seat| seat.attendee.as_str().to_owned()).collect();
        format!("{}: {}", orphan.occurrence.recurrence(), names.join(", "))
    };
    orphans.iter().map(line).collect()
}

fn accepted(reply: Result<ScheduleReply, BoxOfficeError>) -> ScheduleReply {
    let reply = reply.unwrap();
    assert!(reply.outcome.is_accepted(), "{reply:?}");
    reply
}

fn done(reply: Result<ScheduleReply, BoxOfficeError>) {
    drop(accepted(reply));
}

#[tokio::test]
async fn an_agenda_shows_all_that_reaches_into_its_window() {
    let office = office_with(chess("FREQ=WEEKLY")).await;
    let fair = CalendarEvent::new(id("fair"), "Fair", january(3, 0), Frame::Date, Length::days(3));
    let camp = CalendarEvent::new(id("camp"), "Camp", january(3, 22), Frame::Utc, Length::exact(72.hours()).unwrap());
    let bells =
        CalendarEvent::new(id("bells"), "Bells", january(5, 0), Frame::Floating, Length::exact(1.hours()).unwrap());
    let over = CalendarEvent::new(id("over"), "Over", january(4, 22), Frame::Utc, Length::exact(2.hours()).unwrap());
    for event in [fair, camp, bells, over] {
        done(office.schedule(event).await);
    }
    // What ended as the day began is not in it.
    let expected = [
        "fair@20260103 03 00",
        "camp@20260103T220000Z 03 22",
        "bells@20260105T000000 05 00",
        "chess@20260105T190000 05 19",
    ];
    assert_eq!(shown(&office, days(5, 6), AgendaOptions::default()).await, expected);

    // For a viewer in New York the day of the fair and the floating bells begin five hours later.
    let new_york = TimeZone::get("America/New_York").unwrap();
    let late = Window::new("2026-01-06T00:00Z".parse().unwrap(), "2026-01-06T05:00Z".parse().unwrap());
    let found = office.agenda(late, &new_york, AgendaOptions::default()).await.unwrap();
    let ids: Vec<String> = found.entries.iter().map(|entry| entry.occurrence.id().to_string()).collect();
    assert_eq!(ids, ["fair@20260103", "camp@20260103T220000Z"]);
    assert_eq!(found.entries[0].window.end.to_string(), "2026-01-06T05:00:00Z");

    let two = office
        .agenda(days(5, 6), &TimeZone::UTC, AgendaOptions { limit: 2, ..AgendaOptions::default() })
        .await
        .unwrap();
    assert_eq!(two.entries.len(), 2);
    assert_eq!(two.truncated, [Incomplete::Limit { from: "2026-01-05T00:00Z".parse().unwrap() }]);
    assert_eq!(office.stats().agendas, 3);
}

#[tokio::test]
async fn bookings_follow_an_occurrence_that_is_moved() {
    let office = office_with(chess("FREQ=WEEKLY;COUNT=4")).await;
    book(&office, &evening(12), &["ann", "bob"]).await;
    book(&office, &evening(19), &["ann"]).await;
    let one = accepted(office.reschedule(&evening(12), Range::This, january(14, 20)).await);
    assert_eq!((one.outcome, one.seq, one.orphaned), (SeriesOutcome::Moved, Seq::new(2), vec![]));
    let following = accepted(office.reschedule(&evening(19), Range::ThisAndFuture, january(20, 18)).await);
    assert_eq!(following.orphaned, []);
    assert_eq!(
        listed(&office).await,
        [
            "chess@20260105T190000 05 19",
            "chess@20260112T190000 14 20",
            "chess@20260119T190000 20 18",
            "chess@20260126T190000 27 18"
        ]
    );
    assert_eq!(office.seats(&evening(12)).await.unwrap().confirmed, 2);
    assert_eq!(office.seat_of(&evening(19), &who("ann")).await.unwrap(), Some((1, SeatState::Confirmed)));
    assert_eq!(office.orphans(&id("chess")).await.unwrap(), []);
    let mine = office.agenda_for(&who("ann"), days(1, 31), &TimeZone::UTC, AgendaOptions::default()).await.unwrap();
    let starts: Vec<_> = mine.entries.iter().map(|(entry, _)| entry.occurrence.start).collect();
    assert_eq!(starts, [january(14, 20), january(20, 18)]);
}

#[tokio::test]
async fn a_new_definition_names_those_it_leaves_without_an_occurrence() {
    let office = office_with(chess("FREQ=WEEKLY;COUNT=4")).await;
    for (day, who) in [(5, &["ann"][..]), (12, &["ann", "bob"]), (19, &["cyd"]), (26, &[])] {
        book(&office, &evening(day), who).await;
    }
    // Every other week: the 12th and the 26th are gone, and nobody had booked the 26th.
    let reply = accepted(office.redefine(chess("FREQ=WEEKLY;INTERVAL=2;COUNT=2")).await);
    assert_eq!(names(&reply.orphaned), ["20260112T190000: ann, bob"]);
    assert_eq!(reply.orphaned[0].standing, Standing::Gone);
    // The seats are there until somebody gives them up.
    assert_eq!(office.seats(&evening(12)).await.unwrap().confirmed, 2);
    assert_eq!(names(&office.orphans(&id("chess")).await.unwrap()), ["20260112T190000: ann, bob"]);
    assert!(office.cancel(&evening(12), &who("ann")).await.unwrap().outcome.is_accepted());
    assert_eq!(names(&office.orphans(&id("chess")).await.unwrap()), ["20260112T190000: bob"]);

    // The next change names only those that it is to blame for.
    let tail = CalendarEvent { start: january(20, 19), ..chess("FREQ=WEEKLY;BYDAY=TU;COUNT=2") };
    let reply = accepted(office.split_series(&evening(19), tail.clone()).await);
    assert_eq!(
        (reply.outcome, names(&reply.orphaned)),
        (SeriesOutcome::Split, vec!["20260119T190000: cyd".to_owned()])
    );
    assert_eq!(
        listed(&office).await,
        ["chess@20260105T190000 05 19", "chess@20260120T190000 20 19", "chess@20260127T190000 27 19"]
    );
    assert_eq!(office.split_series(&evening(19), tail).await.unwrap().outcome, SeriesOutcome::Unchanged);
    assert_eq!(names(&office.orphans(&id("chess")).await.unwrap()), ["20260112T190000: bob", "20260119T190000: cyd"]);
}

#[tokio::test]
async fn a_split_that_gives_the_same_days_keeps_their_bookings() {
    let office = office_with(chess("FREQ=WEEKLY")).await;
    book(&office, &evening(19), &["ann"]).await;
    let longer =
        CalendarEvent { start: january(19, 19), length: Length::exact(3.hours()).unwrap(), ..chess("FREQ=WEEKLY") };
    assert_eq!(accepted(office.split_series(&evening(19), longer).await).orphaned, []);
    let mine = office.agenda_for(&who("ann"), days(1, 31), &TimeZone::UTC, AgendaOptions::default()).await.unwrap();
    assert_eq!(mine.entries[0].0.occurrence.end, january(19, 22));
}

#[tokio::test]
async fn cancelling_lists_the_attendees_in_all_three_ranges() {
    let office = office_with(chess("FREQ=WEEKLY;COUNT=4")).await;
    for day in [5, 12, 19, 26] {
        book(&office, &evening(day), &["ann"]).await;
    }
    let one = accepted(office.cancel_occurrence(&evening(12), Range::This).await);
    assert_eq!((names(&one.orphaned).len(), &one.orphaned[0].standing), (1, &Standing::Cancelled));
    let following = accepted(office.cancel_occurrence(&evening(19), Range::ThisAndFuture).await);
    assert_eq!(names(&following.orphaned), ["20260119T190000: ann", "20260126T190000: ann"]);
    assert_eq!(shown(&office, days(1, 31), AgendaOptions::default()).await, ["chess@20260105T190000 05 19"]);
    assert_eq!(listed(&office).await.len(), 4);
    done(office.reinstate(&evening(26)).await);
    let all = accepted(office.cancel_series(&id("chess")).await);
    assert_eq!(names(&all.orphaned), ["20260105T190000: ann", "20260126T190000: ann"]);
    assert_eq!(office.orphans(&id("chess")).await.unwrap().len(), 4);
    assert_eq!(shown(&office, days(1, 31), AgendaOptions::default()).await, [""; 0]);
    let again = office.cancel_series(&id("chess")).await.unwrap();
    assert_eq!((again.outcome, again.orphaned), (SeriesOutcome::Unchanged, vec![]));
}

#[tokio::test]
async fn refusals_are_answers_with_the_event_that_explains_them() {
    let office = office_with(chess("FREQ=WEEKLY;COUNT=4")).await;
    done(office.reschedule(&evening(12), Range::This, january(13, 9)).await);
    let first = Some(january(6, 19));
    let move_to = |day, to| SeriesCommand::move_one(*evening(day).recurrence(), to);
    let table = [
        ("chess", SeriesCommand::schedule(chess("FREQ=DAILY")), SeriesOutcome::AlreadyScheduled, 1),
        ("chess", move_to(6, january(7, 9)), SeriesOutcome::NoSuchOccurrence, 2),
        ("chess", move_to(12, january(13, 9)), SeriesOutcome::Unchanged, 2),
        ("chess", SeriesCommand::redefine(chess("FREQ=WEEKLY;BYDAY=TU")), SeriesOutcome::StartNotInRule { first }, 2),
        ("other", SeriesCommand::CancelAll, SeriesOutcome::NoSuchSeries, 0),
        (
            "chess",
            SeriesCommand::redefine(CalendarEvent { series: id("x"), ..chess("FREQ=DAILY") }),
            SeriesOutcome::Invalid(Flaw::OtherSeries),
            2,
        ),
        ("chess", SeriesCommand::CancelAll, SeriesOutcome::Cancelled, 3),
        ("chess", move_to(19, january(20, 9)), SeriesOutcome::SeriesCancelled, 3),
    ];
    for (series, command, outcome, seq) in table {
        let reply = office.change_series(&id(series), command).await.unwrap();
        assert_eq!((reply.outcome, reply.seq), (outcome, Seq::new(seq)));
    }
    let stats = office.stats();
    assert_eq!((stats.series_answered, stats.series_changed), (10, 3));
}

#[tokio::test]
async fn the_past_of_a_series_is_asked_by_event_and_by_time() {
    let clock = ManualClock::new(at(1_000));
    let office = BoxOffice::builder().store(MemoryBackend::new()).clock(clock.clone()).start().unwrap();
    done(office.schedule(chess("FREQ=WEEKLY")).await);
    clock.advance(Duration::from_secs(1));
    done(office.reschedule(&evening(12), Range::This, january(13, 9)).await);
    clock.advance(Duration::from_secs(1));
    done(office.redefine(chess("FREQ=DAILY")).await);
    let chess_id = id("chess");
    let as_of = async |as_of| office.series_as_of(&chess_id, as_of).await.unwrap();
    let rule =
        |series: Option<boxoffice::schedule::Series>| series.map(|series| series.parts()[0].rules[0].to_string());
    assert_eq!(as_of(AsOf::Time(at(999))).await, None);
    assert_eq!(as_of(AsOf::Time(at(1_000))).await.unwrap().parts(), [chess("FREQ=WEEKLY")]);
    assert_eq!(as_of(AsOf::Seq(Seq::new(2))).await.unwrap().parts()[0].changes.len(), 1);
    assert_eq!(rule(as_of(AsOf::Time(at(2_999))).await).as_deref(), Some("FREQ=WEEKLY"));
    assert_eq!(rule(as_of(AsOf::Now).await).as_deref(), Some("FREQ=DAILY"));
    assert_eq!(office.series(&id("other")).await.unwrap(), None);
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let open = || BoxOffice::builder().store(SledBackend::open(folder.path()).unwrap()).start().unwrap();
    let office = open();
    done(office.schedule(chess("FREQ=WEEKLY")).await);
    done(office.reschedule(&evening(12), Range::This, january(13, 9)).await);
    done(office.split_series(&evening(26), CalendarEvent { start: january(27, 19), ..chess("FREQ=WEEKLY") }).await);
    done(office.cancel_occurrence(&evening(19), Range::This).await);
    let (before, list) = (office.series(&id("chess")).await.unwrap(), listed(&office).await);
    office.shutdown().await;

    let office = open();
    assert_eq!(office.series(&id("chess")).await.unwrap(), before);
    assert_eq!(listed(&office).await, list);
    assert_eq!(office.schedule(chess("FREQ=DAILY")).await.unwrap().outcome, SeriesOutcome::AlreadyScheduled);
    office.shutdown().await;
}

fn on(store: &Arc<dyn Backend>) -> BoxOffice {
    BoxOffice::builder().shared_store(store.clone()).start().unwrap()
}

#[tokio::test]
async fn what_another_office_writes_is_seen_before_anything_is_answered() {
    let store: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    let (left, right) = (on(&store), on(&store));
    assert_eq!(listed(&right).await, [""; 0]);
    done(left.schedule(chess("FREQ=WEEKLY;COUNT=1")).await);
    assert_eq!(listed(&right).await, ["chess@20260105T190000 05 19"]);
    let refused = right.schedule(chess("FREQ=DAILY")).await.unwrap();
    assert_eq!(refused.outcome, SeriesOutcome::AlreadyScheduled);
    done(right.reschedule(&evening(5), Range::This, january(6, 9)).await);
    assert_eq!(listed(&left).await, ["chess@20260105T190000 06 09"]);
    // And without an office.
    let behind = SeriesCommand::CancelAll;
    assert_eq!(run(&*store, &id("chess"), &behind, at(0)).await.unwrap().outcome, SeriesOutcome::Cancelled);
    assert!(left.series(&id("chess")).await.unwrap().unwrap().is_cancelled());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_offices_that_change_one_series_decide_on_what_is_there() {
    let store: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    let (left, right) = (on(&store), on(&store));
    let firsts = join_all([left.schedule(chess("FREQ=DAILY")), right.schedule(chess("FREQ=WEEKLY"))]).await;
    let firsts: Vec<_> = firsts.into_iter().map(|reply| reply.unwrap().outcome.name()).collect();
    assert!(firsts == ["scheduled", "already_scheduled"] || firsts == ["already_scheduled", "scheduled"], "{firsts:?}");
    assert!(left.redefine(chess("FREQ=DAILY")).await.is_ok());
    let moves = stream::iter(0..400_i32).map(|n| {
        let office = if n % 2 == 0 { left.clone() } else { right.clone() };
        let day = i8::try_from(5 + n % 20).unwrap();
        let start = january(day, i8::try_from(n % 19).unwrap());
        tokio::spawn(async move { office.reschedule(&evening(day), Range::This, start).await })
    });
    let replies: Vec<_> = moves.buffer_unordered(32).collect().await;
    let mut seqs: Vec<Seq> = Vec::new();
    for reply in replies {
        let reply = reply.unwrap().unwrap();
        assert!(matches!(reply.outcome, SeriesOutcome::Moved | SeriesOutcome::Unchanged), "{reply:?}");
        seqs.extend(reply.outcome.is_accepted().then_some(reply.seq));
    }
    // Each accepted one has an event of its own.
    seqs.sort_unstable();
    let count = seqs.len();
    seqs.dedup();
    assert_eq!(seqs.len(), count);
    assert_eq!(left.series(&id("chess")).await.unwrap(), right.series(&id("chess")).await.unwrap());
    assert!(left.stats().conflicts + right.stats().conflicts > 0);
    left.shutdown().await;
    right.shutdown().await;
}

#[tokio::test]
async fn a_thousand_series_are_scheduled_side_by_side_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let office = BoxOffice::builder().store(SledBackend::open(folder.path()).unwrap()).start().unwrap();
    let events = (0..1_000).map(|n| CalendarEvent { series: id(&format!("s{n}")), ..chess("FREQ=WEEKLY") });
    for reply in join_all(events.map(|event| office.schedule(event))).await {
        done(reply);
    }
    // Those of many series share their syncs.
    let syncs = office.stats().store.syncs;
    assert!(syncs < 500, "{syncs} syncs");
    let found = office.agenda(days(5, 12), &TimeZone::UTC, AgendaOptions::default()).await.unwrap();
    assert_eq!((found.entries.len(), found.truncated.len()), (1_000, 0));
    assert!(found.entries.windows(2).all(|pair| pair[0].occurrence.id() < pair[1].occurrence.id()));
    assert_eq!(office.all_series().await.unwrap().len(), 1_000);
    office.shutdown().await;
}

#[tokio::test]
async fn a_hold_counts_in_an_agenda_until_its_time_is_up() {
    let clock = ManualClock::new(at(0));
    let office = BoxOffice::builder().store(MemoryBackend::new()).clock(clock.clone()).start().unwrap();
    done(office.schedule(chess("FREQ=WEEKLY")).await);
    assert!(office.open(&evening(12), Seats::new(3)).await.unwrap().outcome.is_accepted());
    assert!(office.hold(&evening(12), &who("ann"), Duration::from_secs(60)).await.unwrap().outcome.is_accepted());
    let mine = async || {
        let found =
            office.agenda_for(&who("ann"), days(1, 31), &TimeZone::UTC, AgendaOptions::default()).await.unwrap();
        found.entries.into_iter().map(|(_, state)| state).collect::<Vec<_>>()
    };
    assert_eq!(mine().await, [SeatState::Held { until: at(60_000) }]);
    // Nothing was written for the other evenings.
    assert_eq!(office.store().streams().await.unwrap().len(), 3);
    clock.advance(Duration::from_secs(60));
    assert_eq!(mine().await, []);
}

#[tokio::test]
async fn nothing_is_told_or_shown_before_it_is_stored() {
    let store = MoodyBackend::new();
    let office = BoxOffice::builder().store(store.clone()).waiting_max(4).start().unwrap();
    assert_eq!(listed(&office).await, [""; 0]);
    store.close_gate();
    let commits = store.commits();
    let asked = tokio::spawn({
        let office = office.clone();
        async move { office.schedule(chess("FREQ=WEEKLY;COUNT=1")).await }
    });
    until(async || store.commits() > commits).await;
    assert_eq!(listed(&office).await, [""; 0]);
    assert!(!asked.is_finished());
    // The same series waits; too many are turned away.
    let more: Vec<_> = (0..8)
        .map(|_| {
            let office = office.clone();
            tokio::spawn(async move { office.schedule(chess("FREQ=WEEKLY;COUNT=1")).await })
        })
        .collect();
    until(async || office.stats().busy > 0).await;
    store.let_pass(100);
    done(asked.await.unwrap());
    for reply in more {
        match reply.await.unwrap() {
            Ok(reply) => assert_eq!((reply.outcome, reply.seq), (SeriesOutcome::Unchanged, Seq::new(1))),
            Err(error) => assert!(matches!(error, BoxOfficeError::Busy { .. })),
        }
    }
    assert_eq!(listed(&office).await.len(), 1);
}

#[tokio::test]
async fn after_a_fault_all_is_read_again() {
    let store = MoodyBackend::new();
    let office = BoxOffice::builder().store(store.clone()).start().unwrap();
    done(office.schedule(chess("FREQ=WEEKLY;COUNT=1")).await);
    store.refuse(1);
    let failed = office.reschedule(&evening(5), Range::This, january(6, 9)).await;
    assert!(matches!(failed, Err(BoxOfficeError::Store(Fault::Unavailable { .. }))), "{failed:?}");
    assert_eq!(listed(&office).await, ["chess@20260105T190000 05 19"]);
    // Written, and the answer lost: the same command again says so.
    store.lose_answers(1);
    let lost = office.reschedule(&evening(5), Range::This, january(6, 9)).await;
    assert!(matches!(lost, Err(BoxOfficeError::Store(Fault::Unknown { .. }))), "{lost:?}");
    assert_eq!(listed(&office).await, ["chess@20260105T190000 06 09"]);
    let again = office.reschedule(&evening(5), Range::This, january(6, 9)).await.unwrap();
    assert_eq!((again.outcome, again.seq), (SeriesOutcome::Unchanged, Seq::new(2)));
}

#[tokio::test]
async fn a_series_that_cannot_be_read_is_named_and_hides_no_other() {
    let store: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    let office = on(&store);
    done(office.schedule(chess("FREQ=WEEKLY")).await);
    let broken = id("broken");
    let odd = NewEvent::new("schedule.series_scheduled.v9", at(0), &7).unwrap();
    let stream = office.store().stream(&series_stream(&broken));
    stream.append(odd.event_type.as_str(), at(0), &7).await.unwrap();

    let office = on(&store);
    let found = office.agenda(days(5, 6), &TimeZone::UTC, AgendaOptions::default()).await.unwrap();
    assert_eq!(found.entries.len(), 1);
    assert!(
        matches!(&found.truncated[..], [Incomplete::Unreadable { series, reason }] if *series == broken && reason.contains("1 of stream")),
        "{found:?}"
    );
    for answer in [office.cancel_series(&broken).await.map(drop), office.series(&broken).await.map(drop)] {
        assert!(matches!(answer, Err(BoxOfficeError::Store(Fault::Corrupt { .. }))), "{answer:?}");
    }
}

#[tokio::test]
async fn a_closed_office_takes_no_changes() {
    let office = office_with(chess("FREQ=WEEKLY")).await;
    let clone = office.clone();
    office.shutdown().await;
    let answers = [
        clone.cancel_series(&id("chess")).await.map(drop),
        clone.agenda(days(5, 6), &TimeZone::UTC, AgendaOptions::default()).await.map(drop),
    ];
    assert_eq!(answers, [Err(BoxOfficeError::ShutDown), Err(BoxOfficeError::ShutDown)]);
}
