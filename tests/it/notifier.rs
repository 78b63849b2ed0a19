//! Who is told what and when, through the public door: bookings and changes on one side, a channel that notes what it is given on
//! the other.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use boxoffice::BoxOffice;
use boxoffice::booking::{BookingCommand, Party, Seats, Settings, Waitlist};
use boxoffice::calendar::{CalendarEvent, Component, Frame, Length, Property, Range};
use boxoffice::clock::ManualClock;
use boxoffice::flows::{FlowId, FlowStatus, OpenFilter, Performance, Performed, Performer, What};
use boxoffice::id::{AttendeeId, OccurrenceId, SeriesId};
use boxoffice::notify::flows::{LapseEnd, ReminderEnd, Told, digest_flow, reminder_flow};
use boxoffice::notify::{
    Attempt, Channel, ChannelOptions, DigestTimes, Lead, Notice, NoticeKind, Notifier, NotifierBuilder, Profile,
    QuietHours, SwitchedOff, Templates, UnsubscribeOutcome, UnsubscribeSecret, permit,
};
use boxoffice::persist::{Backend, Consumer, Cursor, MemoryBackend, Payload, Selection};
use boxoffice::time::Timestamp;
use boxoffice::transport::MemoryTransport;
use jiff::ToSpan;
use jiff::civil::{DateTime, date};

use crate::backends::{until, who};

fn ts(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A channel that takes everything, unless it is down or it is quiet for the recipient.
#[derive(Clone, Default)]
struct Post {
    taken: Arc<Mutex<Vec<(Timestamp, Notice)>>>,
    down: Arc<Mutex<bool>>,
}

struct Email(Post, BoxOffice, ManualClock);

#[async_trait]
impl Performer for Email {
    async fn perform(&self, request: Performance) -> Result<Performed, String> {
        let notice: Notice = request.body.read().map_err(|error| error.to_string())?;
        let now = boxoffice::clock::Clock::now(&self.2);
        let stored = self.1.store().get::<Profile>(&boxoffice::notify::recipient_key(&notice.to)).await;
        let profile = stored.map_err(|error| error.to_string())?.unwrap_or_else(|| Profile::new("UTC"));
        let attempt = match permit(&profile, &notice.kind, "email", notice.critical, now) {
            boxoffice::notify::Permit::Later { at } => Attempt::Later { at },
            boxoffice::notify::Permit::Never(why) => Attempt::Never { why },
            boxoffice::notify::Permit::Send { .. } if *self.0.down.lock().unwrap() => {
                std::future::pending::<()>().await;
                unreachable!()
            }
            boxoffice::notify::Permit::Send { .. } => {
                // As a channel does, with what a notice brings along and nothing else.
                let facts: serde_json::Value = notice.facts.read().unwrap();
                let _written = Templates::new().render(&notice.kind, &facts).unwrap();
                self.0.taken.lock().unwrap().push((now, notice));
                Attempt::Ok { info: String::new(), uncertain: false }
            }
        };
        Ok(Performed::new(Payload::new(&attempt).map_err(|error| error.to_string())?))
    }
}

struct World {
    store: Arc<dyn Backend>,
    clock: ManualClock,
    post: Post,
    leads: Vec<Lead>,
    set_up: fn(NotifierBuilder) -> NotifierBuilder,
}

struct Running {
    office: BoxOffice,
    notifier: Notifier,
    clock: ManualClock,
    post: Post,
}

impl World {
    fn new(now: &str, leads: &[&str]) -> Self {
        Self {
            store: Arc::new(MemoryBackend::new()),
            clock: ManualClock::new(ts(now)),
            post: Post::default(),
            leads: leads.iter().map(|lead| lead.parse().unwrap()).collect(),
            set_up: |builder| builder,
        }
    }

    fn start(&self) -> Running {
        let builder = BoxOffice::builder().shared_store(self.store.clone()).alone();
        let office = builder.clock(self.clock.clone()).start().unwrap();
        let email = Email(self.post.clone(), office.clone(), self.clock.clone());
        let builder = Notifier::builder().channel("email", email).leads(self.leads.clone());
        let builder = builder.organizer("club@example.org").unsubscribe_secret(UnsubscribeSecret::new([7; 32]));
        let notifier = (self.set_up)(builder).start(&office).unwrap();
        Running { office, notifier, clock: self.clock.clone(), post: self.post.clone() }
    }
}

impl Running {
    /// With an evening and people who can be reached.
    async fn with(self, event: CalendarEvent, people: &[&str]) -> Self {
        assert!(self.office.schedule(event).await.unwrap().outcome.is_accepted());
        for name in people {
            self.profile(name, &Profile::new("Europe/Berlin").reached("email", "a@example.org")).await;
        }
        self
    }

    async fn profile(&self, name: &str, profile: &Profile) {
        self.notifier.set_profile(&who(name), profile).await.unwrap().unwrap();
    }

    async fn book(&self, occurrence: &OccurrenceId, names: &[&str]) {
        let _opened = self.office.open(occurrence, Seats::new(20)).await.unwrap();
        for name in names {
            assert!(self.office.book(occurrence, &who(name)).await.unwrap().outcome.is_accepted());
        }
        self.settle().await;
    }

    /// Waits until nobody has anything to do before the clock moves on.
    async fn settle(&self) {
        until(async || self.is_settled().await).await;
    }

    async fn is_settled(&self) -> bool {
        // What is recorded meanwhile may have begun something that is not looked at here.
        let recorded = || (self.office.stats().flow_events, self.office.stats().store.transactions);
        let before = recorded();
        if self.notifier.lag().await.unwrap().events > 0 {
            return false;
        }
        let now = boxoffice::clock::Clock::now(&self.clock);
        let flows = self.notifier.flows();
        for open in flows.open(&OpenFilter::default()).await.unwrap() {
            assert_eq!(open.stuck, None, "{}", open.id);
            let Some(view) = flows.inspect(&open.id).await.unwrap() else { return false };
            let is_down = *self.post.down.lock().unwrap();
            for ask in &view.waiting {
                let rests = match &ask.what {
                    What::Request { to, .. } => is_down && &**to == "channel:email",
                    What::Timer { at } => *at > now,
                    What::Signal { .. } => true,
                    What::Child { flow, .. } => {
                        flows.inspect(flow).await.unwrap().is_some_and(|child| !child.status.is_over())
                    }
                };
                if !rests {
                    return false;
                }
            }
            if view.waiting.is_empty() && !view.status.is_over() {
                return false;
            }
        }
        recorded() == before
    }

    async fn set(&self, now: &str) {
        self.clock.set(ts(now));
        self.settle().await;
    }

    /// Kinds and recipients of what was sent since the last look.
    fn sent(&self) -> Vec<String> {
        let mut sent: Vec<String> = self
            .post
            .taken
            .lock()
            .unwrap()
            .drain(..)
            .map(|(_, notice)| format!("{} {}", notice.kind, notice.to))
            .collect();
        sent.sort();
        sent
    }

    fn notices(&self) -> Vec<Notice> {
        self.post.taken.lock().unwrap().drain(..).map(|(_, notice)| notice).collect()
    }

    async fn ended(&self, occurrence: &OccurrenceId, lead: &str) -> ReminderEnd {
        let flow = reminder_flow(occurrence, lead.parse().unwrap()).unwrap();
        self.result(&flow).await
    }

    async fn result<T: serde::de::DeserializeOwned>(&self, flow: &FlowId) -> T {
        match self.notifier.flows().end(flow).await.unwrap() {
            FlowStatus::Completed(output) => output.read().unwrap(),
            other => unreachable!("{flow} is {other:?}"),
        }
    }

    async fn stop(self) {
        self.notifier.shutdown().await;
        self.office.shutdown().await;
    }
}

fn at_seven(zone: &str, from: DateTime) -> CalendarEvent {
    let frame = Frame::zoned(zone).unwrap();
    let length = Length::exact(2.hours()).unwrap();
    CalendarEvent::new(SeriesId::new("chess").unwrap(), "Chess", from, frame, length)
        .repeating("FREQ=DAILY".parse().unwrap())
        .with_capacity(20)
}

fn chess() -> CalendarEvent {
    at_seven("Europe/Berlin", date(2026, 1, 5).at(19, 0, 0, 0))
}

fn evening(day: i8) -> OccurrenceId {
    format!("chess@202601{day:02}T190000").parse().unwrap()
}

const EVE: &str = "1 day before at 18:00";

#[tokio::test]
async fn a_booking_is_confirmed_once_also_when_it_is_heard_again() {
    let world = World::new("2026-01-05T00:00:00Z", &[EVE]);
    let run = world.start().with(chess(), &["ann"]).await;
    run.book(&evening(10), &["ann", "bob"]).await;
    let notices = run.notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!((&notices[0].kind, notices[0].to.as_str()), (&NoticeKind::Confirmation, "ann"));
    let facts = notices[0].facts.json().to_owned();
    assert!(facts.contains(r#""method":"REQUEST""#) && facts.contains("mailto:a@example.org"), "{facts}");
    assert!(facts.contains("UID:chess@20260110T190000"), "{facts}");
    // What is recorded of it has no address.
    let journals = run.office.shared_writer().read_all(Cursor::START, 10_000).await.unwrap().events;
    assert!(journals.iter().all(|event| !event.data.json().contains("a@example.org")));
    assert_eq!(run.office.stats().notices_unreached, 1);
    run.stop().await;

    // As after a crash before the place in the log was moved.
    let office = BoxOffice::builder().shared_store(world.store.clone()).start().unwrap();
    let mut consumer = Consumer::open(&office.store(), "notify", Selection::all()).await.unwrap();
    consumer.reset(Cursor::START).await.unwrap();
    office.shutdown().await;
    let run = world.start();
    run.settle().await;
    assert_eq!(run.sent(), [""; 0]);
    run.set("2026-01-09T17:00:00Z").await;
    assert_eq!(run.sent(), ["reminder ann"]);
    run.stop().await;
}

#[tokio::test]
async fn letters_go_out_by_a_channel_with_the_calendar_object_of_the_occurrence() {
    let clock = ManualClock::new(ts("2026-01-05T00:00:00Z"));
    let office = BoxOffice::builder().store(MemoryBackend::new()).clock(clock.clone()).start().unwrap();
    let transport = MemoryTransport::new();
    let email = Channel::start(ChannelOptions::new("email", transport.clone()).unwrap(), &office).unwrap();
    let notifier = Notifier::builder().channel("email", email.clone()).organizer("club@example.org");
    let notifier = notifier.leads([EVE.parse().unwrap()]).start(&office).unwrap();
    let run = Running { office, notifier, clock, post: Post::default() }.with(chess(), &["ann"]).await;
    run.book(&evening(10), &["ann"]).await;
    run.set("2026-01-09T17:00:00Z").await;
    assert!(run.office.cancel_occurrence(&evening(10), Range::This).await.unwrap().outcome.is_accepted());
    run.settle().await;
    let letters = transport.taken();
    let said: Vec<(&str, &str)> = letters
        .iter()
        .map(|letter| (letter.kind.as_str(), letter.calendar.as_ref().map_or("", |calendar| &calendar.method)))
        .collect();
    assert_eq!(said, [("confirmation", "REQUEST"), ("reminder", ""), ("cancelled", "CANCEL")]);
    for calendar in letters.iter().filter_map(|letter| letter.calendar.as_ref()) {
        assert!(calendar.text.contains(&format!("\r\nMETHOD:{}\r\n", calendar.method)));
        assert!(calendar.text.contains("\r\nUID:chess@20260110T190000\r\n"));
        assert!(calendar.text.contains("ORGANIZER:mailto:club@example.org"));
        let (_, event) = calendar.text.split_once("BEGIN:VEVENT").unwrap();
        assert!(!event.contains("RRULE"), "{event}");
    }
    run.notifier.shutdown().await;
    email.shutdown().await;
    run.office.shutdown().await;
}

#[tokio::test]
async fn reminders_are_due_by_the_clocks_of_the_zone() {
    // Where clocks skip the time it is the first instant after the gap; where they show it twice, the first of the two.
    let table = [
        ("Europe/Berlin", "1 day before at 18:00", date(2026, 3, 29), "2026-03-28T17:00:00Z"),
        ("Europe/Berlin", "0 days before at 02:30", date(2026, 3, 29), "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "1 day before at 18:00", date(2026, 3, 30), "2026-03-29T16:00:00Z"),
        ("Europe/Berlin", "0 days before at 02:30", date(2026, 10, 25), "2026-10-25T00:30:00Z"),
        ("America/New_York", "0 days before at 02:30", date(2026, 3, 8), "2026-03-08T07:00:00Z"),
        ("America/New_York", "0 days before at 01:30", date(2026, 11, 1), "2026-11-01T05:30:00Z"),
        ("America/New_York", "1 day before at 18:00", date(2026, 11, 2), "2026-11-01T23:00:00Z"),
        ("Australia/Lord_Howe", "0 days before at 02:15", date(2026, 10, 4), "2026-10-03T15:30:00Z"),
        ("Australia/Lord_Howe", "0 days before at 01:45", date(2026, 4, 5), "2026-04-04T14:45:00Z"),
    ];
    for (zone, lead, day, due) in table {
        let world = World::new("2026-01-01T00:00:00Z", &[lead]);
        let run = world.start().with(at_seven(zone, date(2026, 1, 1).at(19, 0, 0, 0)), &["ann"]).await;
        let occurrence: OccurrenceId = format!("chess@{}T190000", day.strftime("%Y%m%d")).parse().unwrap();
        run.book(&occurrence, &["ann"]).await;
        assert_eq!(run.sent(), ["confirmation ann"]);
        run.clock.set(Timestamp::from_millis(ts(due).as_millis() - 1));
        run.settle().await;
        assert_eq!(run.sent(), [""; 0], "{zone} {lead} {day}");
        run.set(due).await;
        assert_eq!(run.sent(), ["reminder ann"], "{zone} {lead} {day}");
        run.stop().await;
    }
}

#[tokio::test]
async fn a_reminder_follows_an_occurrence_that_is_moved() {
    let world = World::new("2026-01-05T00:00:00Z", &[EVE]);
    let run = world.start().with(chess(), &["ann", "bob"]).await;
    run.book(&evening(10), &["ann"]).await;
    run.book(&evening(20), &["bob"]).await;
    assert_eq!(run.sent(), ["confirmation ann", "confirmation bob"]);
    // Earlier, and later.
    let earlier = date(2026, 1, 8).at(20, 0, 0, 0);
    assert!(run.office.reschedule(&evening(10), Range::This, earlier).await.unwrap().outcome.is_accepted());
    let later = date(2026, 1, 25).at(20, 0, 0, 0);
    assert!(run.office.reschedule(&evening(20), Range::This, later).await.unwrap().outcome.is_accepted());
    run.settle().await;
    assert_eq!(run.sent(), ["rescheduled ann", "rescheduled bob"]);
    run.set("2026-01-07T17:00:00Z").await;
    assert_eq!(run.sent(), ["reminder ann"]);
    run.set("2026-01-19T17:00:00Z").await;
    assert_eq!(run.sent(), [""; 0]);
    run.set("2026-01-24T17:00:00Z").await;
    assert_eq!(run.sent(), ["reminder bob"]);
    // Moved once more, after it was sent: so there is another.
    let again = date(2026, 1, 28).at(20, 0, 0, 0);
    assert!(run.office.reschedule(&evening(20), Range::This, again).await.unwrap().outcome.is_accepted());
    run.settle().await;
    assert_eq!(run.sent(), ["rescheduled bob"]);
    run.set("2026-01-27T17:00:00Z").await;
    assert_eq!(run.sent(), ["reminder bob"]);
    run.stop().await;
}

#[tokio::test]
async fn what_does_not_take_place_is_not_reminded_of() {
    let world = World::new("2026-01-05T00:00:00Z", &[EVE]);
    let run = world.start().with(chess(), &["ann", "bob"]).await;
    run.book(&evening(10), &["ann", "bob"]).await;
    run.book(&evening(11), &["ann", "bob"]).await;
    assert_eq!(run.sent().len(), 4);
    // One gives the seat up, and hears of nothing after that.
    assert!(run.office.cancel(&evening(11), &who("bob")).await.unwrap().outcome.is_accepted());
    run.settle().await;
    let gone = run.notices();
    assert!(gone.len() == 1 && gone[0].facts.json().contains(r#""takes_place":true"#), "{gone:?}");
    assert!(gone[0].facts.json().contains("METHOD:CANCEL"));
    assert!(run.office.cancel_occurrence(&evening(10), Range::This).await.unwrap().outcome.is_accepted());
    run.settle().await;
    assert_eq!(run.sent(), ["cancelled ann", "cancelled bob"]);
    assert_eq!(run.ended(&evening(10), EVE).await, ReminderEnd::Cancelled);
    // Giving up a seat of it is no news.
    assert!(run.office.cancel(&evening(10), &who("ann")).await.unwrap().outcome.is_accepted());
    run.settle().await;
    assert_eq!(run.sent(), [""; 0]);
    // It takes place after all: those who still have a seat hear of it, and are reminded.
    assert!(run.office.reinstate(&evening(10)).await.unwrap().outcome.is_accepted());
    run.settle().await;
    assert_eq!(run.sent(), ["confirmation bob"]);
    run.set("2026-01-09T17:00:00Z").await;
    assert_eq!(run.sent(), ["reminder bob"]);
    run.set("2026-01-10T17:00:00Z").await;
    assert_eq!(run.sent(), ["reminder ann"]);
    // A series whose id begins like this one is another.
    let other = CalendarEvent { series: SeriesId::new("chess@club").unwrap(), ..chess() };
    assert!(run.office.schedule(other).await.unwrap().outcome.is_accepted());
    run.book(&"chess@club@20260112T190000".parse().unwrap(), &["ann"]).await;
    assert_eq!(run.sent(), ["confirmation ann"]);
    assert!(run.office.cancel_series(&SeriesId::new("chess").unwrap()).await.unwrap().outcome.is_accepted());
    run.settle().await;
    assert_eq!(run.sent(), ["cancelled ann", "cancelled bob"]);
    run.stop().await;
}

#[tokio::test]
async fn valarms_say_when_people_are_reminded() {
    let mut event = chess();
    let mut alarm = Component::new("VALARM");
    for (name, value) in [("ACTION", "DISPLAY"), ("TRIGGER", "-PT30M"), ("REPEAT", "1"), ("DURATION", "PT10M")] {
        alarm.push(Property::new(name, value));
    }
    Arc::make_mut(&mut event.details).components.push(alarm);
    let world = World::new("2026-01-05T00:00:00Z", &[EVE]);
    let run = world.start().with(event, &["ann"]).await;
    run.book(&evening(10), &["ann"]).await;
    assert_eq!(run.sent(), ["confirmation ann"]);
    for (now, sent) in [("2026-01-10T17:29:59Z", 0), ("2026-01-10T17:30:00Z", 1), ("2026-01-10T17:40:00Z", 1)] {
        run.set(now).await;
        assert_eq!(run.sent().len(), sent, "{now}");
    }
    // Who books after a reminder was due gets none of it.
    run.stop().await;
}

#[tokio::test]
async fn a_clock_that_steps_sends_nothing_early_and_loses_nothing() {
    let world = World::new("2026-01-05T00:00:00Z", &[EVE, "PT30M"]);
    let run = world.start().with(chess(), &["ann", "bob"]).await;
    run.book(&evening(7), &["ann"]).await;
    run.book(&evening(8), &["bob"]).await;
    assert_eq!(run.sent().len(), 2);
    run.set("2026-01-06T16:59:00Z").await;
    run.set("2026-01-06T15:59:00Z").await;
    assert_eq!(run.sent(), [""; 0]);
    run.set("2026-01-06T16:59:59Z").await;
    assert_eq!(run.sent(), [""; 0]);
    run.set("2026-01-06T17:00:00Z").await;
    assert_eq!(run.sent(), ["reminder ann"]);
    // A day forward, past the start of one and the reminder of the other.
    run.set("2026-01-07T18:30:00Z").await;
    assert_eq!(run.sent(), ["reminder bob"]);
    let due = ts("2026-01-07T17:30:00Z");
    assert_eq!(run.ended(&evening(7), "PT30M").await, ReminderEnd::Missed { due });
    let told = Told { notices: 1, digested: 0, unreached: 0 };
    assert_eq!(run.ended(&evening(8), EVE).await, ReminderEnd::Sent { due: ts("2026-01-07T17:00:00Z"), told });
    run.stop().await;
}

#[tokio::test]
async fn who_books_after_a_reminder_was_due_is_not_reminded() {
    let world = World::new("2026-01-09T18:00:00Z", &[EVE]);
    let run = world.start().with(chess(), &["ann"]).await;
    run.book(&evening(10), &["ann"]).await;
    assert_eq!(run.sent(), ["confirmation ann"]);
    assert_eq!(
        run.ended(&evening(10), EVE).await,
        ReminderEnd::Sent { due: ts("2026-01-09T17:00:00Z"), told: Told::default() }
    );
    run.stop().await;
}

fn digested(digest: DigestTimes) -> Profile {
    Profile { digest: Some(digest), ..Profile::new("Europe/Berlin").reached("email", "ann@example.org") }
}

/// How many entries each digest has that was sent since the last look.
fn entries(run: &Running) -> Vec<usize> {
    let digests = run.notices().into_iter().filter(|notice| notice.kind == NoticeKind::Digest);
    digests.map(|digest| digest.facts.json().matches(r#""summary""#).count()).collect()
}

#[tokio::test]
async fn digests_come_at_their_local_hour_with_what_was_recorded_before() {
    // Reminders of evenings at 19:00 are due at 18:00 the day before.
    let world = World::new("2026-03-26T00:00:00Z", &[EVE]);
    let run = world.start().with(at_seven("Europe/Berlin", date(2026, 1, 1).at(19, 0, 0, 0)), &[]).await;
    run.profile("ann", &digested(DigestTimes::Daily { at: "18:00".parse().unwrap() })).await;
    for day in ["20260328", "20260329", "20260330"] {
        run.book(&format!("chess@{day}T190000").parse().unwrap(), &["ann"]).await;
    }
    assert_eq!(run.sent().len(), 3);
    run.set("2026-03-27T17:00:00Z").await;
    // Recorded as the window closes: it is in the next.
    assert_eq!(entries(&run), [0; 0]);
    run.set("2026-03-28T16:59:59Z").await;
    assert_eq!(entries(&run), [0; 0]);
    run.set("2026-03-28T17:00:00Z").await;
    assert_eq!(entries(&run), [1]);
    // Clocks have been put forward: 18:00 is an hour earlier.
    run.set("2026-03-29T16:00:00Z").await;
    assert_eq!(entries(&run), [1]);
    // Weekly from now on, within a window.
    run.profile(
        "ann",
        &digested(DigestTimes::Weekly { on: jiff::civil::Weekday::Wednesday, at: "09:00".parse().unwrap() }),
    )
    .await;
    run.set("2026-03-30T16:00:00Z").await;
    assert_eq!(entries(&run), [0; 0]);
    run.set("2026-04-01T07:00:00Z").await;
    assert_eq!(entries(&run), [1]);
    // Nothing is left for the next.
    run.set("2026-04-08T07:00:00Z").await;
    assert_eq!(entries(&run), [0; 0]);
    run.stop().await;
}

#[tokio::test]
async fn a_digest_that_was_half_delivered_goes_on_after_a_crash() {
    let mut world = World::new("2026-01-05T00:00:00Z", &[EVE, "PT26H", "PT27H", "PT28H", "PT29H"]);
    world.set_up = |builder| builder.digest_entries_max(2);
    let run = world.start().with(chess(), &[]).await;
    run.profile("ann", &digested(DigestTimes::Daily { at: "20:00".parse().unwrap() })).await;
    run.book(&evening(10), &["ann"]).await;
    assert_eq!(run.sent(), ["confirmation ann"]);
    // All of them are recorded in the same millisecond.
    run.set("2026-01-09T18:00:00Z").await;
    assert_eq!(run.sent(), [""; 0]);
    *world.post.down.lock().unwrap() = true;
    run.set("2026-01-09T19:00:00Z").await;
    assert_eq!(run.sent(), [""; 0]);
    run.stop().await;
    *world.post.down.lock().unwrap() = false;
    let run = world.start();
    run.settle().await;
    let mut parts = entries(&run);
    parts.sort_unstable();
    assert_eq!(parts, [1, 2, 2]);
    run.stop().await;
    let run = world.start();
    run.settle().await;
    assert_eq!(entries(&run), [0; 0]);
    let flow = digest_flow(&who("ann")).unwrap();
    assert!(run.notifier.flows().inspect(&flow).await.unwrap().is_some_and(|view| view.status == FlowStatus::Running));
    run.stop().await;
}

#[tokio::test]
async fn switching_digests_off_hands_over_what_there_is() {
    let world = World::new("2026-01-05T00:00:00Z", &[EVE]);
    let run = world.start().with(chess(), &[]).await;
    let daily = digested(DigestTimes::Daily { at: "20:00".parse().unwrap() });
    run.profile("ann", &daily).await;
    run.book(&evening(10), &["ann"]).await;
    run.book(&evening(11), &["ann"]).await;
    assert_eq!(run.sent().len(), 2);
    run.set("2026-01-09T17:00:00Z").await;
    assert_eq!(run.sent(), [""; 0]);
    run.set("2026-01-09T17:30:00Z").await;
    run.profile("ann", &Profile { digest: None, ..daily }).await;
    run.settle().await;
    assert_eq!(entries(&run), [1]);
    run.set("2026-01-10T17:00:00Z").await;
    assert_eq!(run.sent(), ["reminder ann"]);
    run.stop().await;
}

#[tokio::test]
async fn quiet_nights_hold_reminders_back_also_when_clocks_change() {
    let world = World::new("2026-03-26T00:00:00Z", &["0 days before at 01:00"]);
    let run = world.start().with(at_seven("Europe/Berlin", date(2026, 1, 1).at(19, 0, 0, 0)), &[]).await;
    let mut ann = Profile::new("Europe/Berlin").reached("email", "ann@example.org");
    ann.quiet.push(QuietHours::new("22:00".parse().unwrap(), "08:00".parse().unwrap()));
    run.profile("ann", &ann).await;
    run.set("2026-03-26T12:00:00Z").await;
    run.book(&"chess@20260329T190000".parse().unwrap(), &["ann"]).await;
    assert_eq!(run.sent(), ["confirmation ann"]);
    // 01:00 is within the night, which ends an hour early.
    run.set("2026-03-29T00:00:00Z").await;
    run.set("2026-03-29T05:59:59Z").await;
    assert_eq!(run.sent(), [""; 0]);
    run.set("2026-03-29T06:00:00Z").await;
    assert_eq!(run.sent(), ["reminder ann"]);
    run.stop().await;
}

#[tokio::test]
async fn offers_and_holds_that_lapse_are_told_of() {
    let world = World::new("2026-01-05T00:00:00Z", &[]);
    let run = world.start().with(chess(), &["ann", "bob", "cyd"]).await;
    let (evening, office) = (evening(10), &run.office);
    let _opened = office.open(&evening, Seats::new(1)).await.unwrap();
    let waitlist = Some(Waitlist { offer_for: Duration::from_secs(3_600), pass_over: false });
    let settings = Settings { waitlist, ..Settings::default() };
    assert!(office.run(&evening, BookingCommand::Set { settings }).await.unwrap().outcome.is_accepted());
    assert!(office.hold(&evening, &who("ann"), Duration::from_secs(1_200)).await.unwrap().outcome.is_accepted());
    run.settle().await;
    assert_eq!(run.sent(), [""; 0]);
    let wait = BookingCommand::Wait { attendee: who("bob"), party: Party::of(1) };
    assert!(office.run(&evening, wait).await.unwrap().outcome.is_accepted());
    // 5 minutes before the end of the hold.
    run.set("2026-01-05T00:14:59Z").await;
    assert_eq!(run.sent(), [""; 0]);
    run.set("2026-01-05T00:15:00Z").await;
    assert_eq!(run.sent(), ["hold_lapsing ann"]);
    run.set("2026-01-05T00:20:00Z").await;
    until(async || run.post.taken.lock().unwrap().len() >= 2).await;
    run.settle().await;
    assert_eq!(run.sent(), ["cancelled ann", "offer bob"]);
    assert!(office.confirm(&evening, &who("bob")).await.unwrap().outcome.is_accepted());
    run.settle().await;
    assert_eq!(run.sent(), ["confirmation bob"]);
    // The flow of the offer has ended at once.
    let lapses = run.notifier.flows().search("lapse/", None, 10).await.unwrap();
    let ends: Vec<LapseEnd> = lapses
        .into_iter()
        .map(|(_, status)| match status {
            FlowStatus::Completed(output) => output.read().unwrap(),
            other => unreachable!("{other:?}"),
        })
        .collect();
    assert!(matches!(ends[..], [LapseEnd::Sent { .. }, LapseEnd::Settled]), "{ends:?}");
    run.stop().await;
}

#[tokio::test]
async fn an_old_log_is_not_told_of_but_what_is_to_come_is_reminded_of() {
    let world = World::new("2026-01-05T00:00:00Z", &[EVE]);
    let office = BoxOffice::builder().shared_store(world.store.clone()).clock(world.clock.clone()).start().unwrap();
    assert!(office.schedule(chess()).await.unwrap().outcome.is_accepted());
    for day in [6, 30] {
        let _opened = office.open(&evening(day), Seats::new(20)).await.unwrap();
        assert!(office.book(&evening(day), &who("ann")).await.unwrap().outcome.is_accepted());
    }
    office.shutdown().await;
    world.clock.set(ts("2026-01-20T00:00:00Z"));
    let run = world.start();
    run.profile("ann", &Profile::new("UTC").reached("email", "ann@example.org")).await;
    run.settle().await;
    assert_eq!(run.sent(), [""; 0]);
    assert_eq!(run.office.stats().notices_stale, 2);
    run.set("2026-01-29T17:00:00Z").await;
    assert_eq!(run.sent(), ["reminder ann"]);
    run.stop().await;
}

#[tokio::test]
async fn who_says_no_is_told_no_more() {
    let world = World::new("2026-01-05T00:00:00Z", &[EVE]);
    let run = world.start().with(chess(), &["ann", "bob"]).await;
    run.book(&evening(10), &["ann", "bob"]).await;
    assert_eq!(run.sent().len(), 2);
    let token = UnsubscribeSecret::new([7; 32]).token(&who("ann"), &NoticeKind::Reminder);
    let (recipient, kind) = (who("ann"), NoticeKind::Reminder);
    assert_eq!(run.notifier.unsubscribe(&token).await.unwrap(), UnsubscribeOutcome::Done { recipient, kind });
    assert_eq!(run.notifier.unsubscribe("nonsense").await.unwrap(), UnsubscribeOutcome::NotOurs);
    let mut bob = run.notifier.profile(&who("bob")).await.unwrap().unwrap();
    bob.off.insert(SwitchedOff { kind: NoticeKind::Reminder, channel: Some("email".to_owned()) });
    run.profile("bob", &bob).await;
    run.set("2026-01-09T17:00:00Z").await;
    assert_eq!(run.sent(), [""; 0]);
    let told = Told { notices: 0, digested: 0, unreached: 2 };
    assert_eq!(run.ended(&evening(10), EVE).await, ReminderEnd::Sent { due: ts("2026-01-09T17:00:00Z"), told });
    assert_eq!(AttendeeId::new("ann").unwrap(), who("ann"));
    run.stop().await;
}

#[tokio::test]
async fn what_is_transactional_cannot_be_unsubscribed_from() {
    let world = World::new("2026-01-05T00:00:00Z", &[EVE]);
    let run = world.start().with(chess(), &["ann"]).await;
    let before = run.notifier.profile(&who("ann")).await.unwrap();
    for kind in NoticeKind::BUILT_IN.into_iter().filter(NoticeKind::is_transactional) {
        for name in ["ann", "nobody"] {
            let token = UnsubscribeSecret::new([7; 32]).token(&who(name), &kind);
            let wanted = UnsubscribeOutcome::Transactional { recipient: who(name), kind: kind.clone() };
            assert_eq!(run.notifier.unsubscribe(&token).await.unwrap(), wanted);
        }
    }
    assert_eq!(run.notifier.profile(&who("ann")).await.unwrap(), before);
    run.book(&evening(10), &["ann"]).await;
    assert_eq!(run.sent(), ["confirmation ann"]);
    run.stop().await;
}
