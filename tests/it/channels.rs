//! Notices on their way through a channel, through the public door.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use boxoffice::BoxOffice;
use boxoffice::clock::{Clock, ManualClock, Sleep};
use boxoffice::flows::{
    FlowCx, FlowId, FlowKind, FlowOutcome, FlowStatus, Flows, Jitter, Program, RestartIntensity, RetryPolicy,
};
use boxoffice::id::{AttendeeId, NoticeId, OccurrenceId};
use boxoffice::notify::flows::{
    DEAD_LETTERS, DeliverInput, DeliverProgress, deliver, deliver_all, deliver_flow, deliver_program,
};
use boxoffice::notify::{
    Blame, BreakerSettings, BreakerState, Channel, ChannelHealth, ChannelOptions, DeadLetters, Delivery, Letter,
    LocalTime, Notice, NoticeKind, OnUncertain, Profile, QuietHours, RateLimit, RedriveFilter, SendOutcome, SentMark,
    SentState, SuppressedBy, Suppression, Thread, Transport, UnsubscribeSecret, Why, dead_letters, put_profile,
    redrive, redrive_in_store, sent_key, suppress,
};
use boxoffice::persist::{Backend, Expect, KvWrite, MemoryBackend, NewEvent, Payload, Seq, StreamName, Transaction};
use boxoffice::time::Timestamp;
use boxoffice::transport::{MemoryTransport, Play};

use crate::backends::{MoodyBackend, until, who};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
/// 5 January 2026, 12:00 in UTC.
const NOON: Timestamp = Timestamp::from_millis(1_767_614_400_000);

type Kept = Arc<dyn Backend>;

fn kept() -> Kept {
    Arc::new(MemoryBackend::new())
}

fn id(text: &str) -> NoticeId {
    NoticeId::new(text).unwrap()
}

fn notice(name: &str) -> Notice {
    let facts = r#"{"name":null,"summary":"Chess","starts":0,"ends":1,"zone":"UTC","all_day":false,"location":null,
        "url":null,"seats":0,"places":[]}"#;
    Notice {
        id: id(name),
        kind: NoticeKind::Reminder,
        to: who("ann"),
        channel: "email".to_owned(),
        critical: false,
        facts: Payload::from_json(facts).unwrap(),
        until: None,
        thread: None,
    }
}

/// So many attempts, a second apart.
fn policy(attempts: u32) -> RetryPolicy {
    let policy = RetryPolicy::growing(SECOND, SECOND).unwrap().jitter(Jitter::None);
    policy.attempts(NonZeroU32::new(attempts).unwrap())
}

fn busy() -> Play {
    Play::Answer(SendOutcome::Retry { reason: "busy".to_owned(), after: None, blame: Blame::Letter })
}

fn down() -> Play {
    Play::Answer(SendOutcome::Retry { reason: "down".to_owned(), after: None, blame: Blame::Channel })
}

fn lost() -> Play {
    Play::TakeAnd(SendOutcome::Uncertain { reason: "the answer was lost".to_owned() })
}

fn delivered(name: &str, n: u32) -> Delivery {
    Delivery::Delivered { id: id(name), n, uncertain: false }
}

fn failed(name: &str, reason: &str) -> Delivery {
    Delivery::Failed { id: id(name), reason: reason.to_owned() }
}

fn skipped(name: &str, why: Why) -> Delivery {
    Delivery::Skipped { id: id(name), why }
}

/// A channel over a transport, and flows that use it.
struct House {
    clock: ManualClock,
    store: Kept,
    office: BoxOffice,
    email: Channel,
    flows: Flows,
}

fn options(transport: &MemoryTransport) -> ChannelOptions {
    ChannelOptions::new("email", transport.clone()).unwrap()
}

impl House {
    fn open(store: &Kept, clock: &ManualClock, options: ChannelOptions) -> Self {
        Self::open_by(store, clock.clone(), clock, options)
    }

    fn open_by(store: &Kept, shown: impl Clock, clock: &ManualClock, options: ChannelOptions) -> Self {
        let office = BoxOffice::builder().shared_store(store.clone()).clock(shown).start().unwrap();
        let email = Channel::start(options, &office).unwrap();
        let list = Program::new("list", 1, async |cx: FlowCx, notices: Vec<Notice>| {
            deliver_all(&cx, &notices, &policy(3)).await
        });
        let due = Program::new("due", 1, async |cx: FlowCx, notice: Notice| {
            cx.sleep_until("due", NOON + 60 * MINUTE).await?;
            deliver(&cx, &notice, &policy(5)).await
        });
        let flows = Flows::builder()
            .program(deliver_program())
            .program(list.unwrap())
            .program(due.unwrap())
            .performer(&email.performer(), email.clone())
            .performer(DEAD_LETTERS, DeadLetters::new(&office))
            .start(&office)
            .unwrap();
        Self { clock: clock.clone(), store: store.clone(), office, email, flows }
    }

    async fn write(&self, write: KvWrite) {
        assert!(self.office.shared_writer().commit_one(Transaction::new().write(write)).await.unwrap().is_done());
    }

    async fn knows(&self, profile: &Profile) {
        self.write(put_profile(&who("ann"), profile).unwrap()).await;
    }

    async fn knows_ann(&self) {
        self.knows(&ann()).await;
    }

    async fn start(&self, notice: &Notice, policy: RetryPolicy) {
        let input = DeliverInput { notice: notice.clone(), policy };
        let outcome = loop {
            match self.flows.start(&deliver_flow(notice).unwrap(), &input).await {
                Ok(outcome) => break outcome,
                Err(error) => assert!(error.is_transient(), "{error:?}"),
            }
            tokio::task::yield_now().await;
        };
        assert!(matches!(outcome, FlowOutcome::Started | FlowOutcome::Already(_)), "{outcome:?}");
    }

    async fn end(&self, notice: &Notice) -> Delivery {
        match self.end_of(deliver_flow(notice).unwrap()).await {
            FlowStatus::Completed(delivery) => delivery.read().unwrap(),
            other => unreachable!("{other:?}"),
        }
    }

    /// Moves the clock on by a second whenever nothing happens, until the flow has ended.
    async fn end_of(&self, flow: FlowId) -> FlowStatus {
        let flows = self.flows.clone();
        let ended = tokio::spawn(async move { flows.end(&flow).await.unwrap() });
        let mut turns = 0;
        until(async || {
            turns += 1;
            if turns % 200 == 0 {
                self.clock.advance(SECOND);
            }
            ended.is_finished()
        })
        .await;
        ended.await.unwrap()
    }

    async fn deliver(&self, notice: &Notice, attempts: u32) -> Delivery {
        self.start(notice, policy(attempts)).await;
        self.end(notice).await
    }

    async fn mark(&self, name: &str) -> Option<SentState> {
        let mark = self.store.get(&sent_key("email", &id(name))).await.unwrap();
        mark.map(|mark| mark.read::<SentMark>().unwrap().state)
    }

    async fn close(self) {
        self.email.shutdown().await;
        self.flows.shutdown().await;
        self.office.shutdown().await;
    }

    /// Ends without a word, as far as a process can that lives on.
    fn crash(self) {
        drop(self);
    }
}

fn ann() -> Profile {
    Profile::new("UTC").reached("email", "ann@club.example")
}

/// Ann, who wants to be left alone from 11 to 14.
fn quiet_at_noon() -> Profile {
    let hour = |hour| LocalTime::new(hour, 0).unwrap();
    Profile { quiet: vec![QuietHours::new(hour(11), hour(14))], ..ann() }
}

async fn open(transport: &MemoryTransport) -> House {
    let house = House::open(&kept(), &ManualClock::new(NOON), options(transport));
    house.knows_ann().await;
    house
}

#[tokio::test]
async fn a_notice_is_delivered_at_the_first_attempt_and_noted_as_sent() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    assert_eq!(house.deliver(&notice("a"), 3).await, delivered("a", 1));
    assert_eq!((transport.times_taken(&id("a")), house.mark("a").await), (1, Some(SentState::Sent)));
    let state = house.email.state();
    assert_eq!((state.sent, state.waiting, state.in_flight, state.lateness.count), (1, 0, 0, 1));
    assert_eq!(house.office.stats().notices_sent, 1);
    let letter = &transport.taken()[0];
    assert_eq!((letter.to.as_str(), letter.unsubscribe.is_none()), ("ann@club.example", true));
    house.close().await;
}

#[tokio::test]
async fn what_is_to_be_tried_again_is_tried_again_and_then_given_up() {
    for (failures, attempts, expected) in
        [(1, 3, delivered("a", 2)), (2, 3, delivered("a", 3)), (3, 3, failed("a", "busy"))]
    {
        let transport = MemoryTransport::new();
        let house = open(&transport).await;
        transport.play(&id("a"), vec![busy(); failures]);
        assert_eq!(house.deliver(&notice("a"), attempts).await, expected);
        assert_eq!(transport.sends(), 3.min(failures + 1), "{expected:?}");
        let dead = dead_letters(&*house.store, "email", None, 10).await.unwrap();
        assert_eq!(dead.len(), usize::from(matches!(expected, Delivery::Failed { .. })));
        assert!(dead.iter().all(|dead| dead.letter.attempts == 3 && dead.letter.notice == notice("a")));
        house.close().await;
    }
}

#[tokio::test]
async fn a_notice_that_was_sent_is_not_sent_again_by_another_flow() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    assert_eq!(house.deliver(&notice("a"), 3).await, delivered("a", 1));
    let list = "list/again".parse().unwrap();
    let again = house.flows.run(&list, &[notice("a"), notice("b")]).await.unwrap().unwrap();
    let expected = Payload::new(&[delivered("a", 1), delivered("b", 1)]).unwrap();
    assert_eq!(again, FlowStatus::Completed(expected));
    assert_eq!((transport.sends(), transport.effects()), (2, 2));
    house.close().await;
}

#[tokio::test]
async fn quiet_hours_are_waited_for_and_use_up_no_attempt() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    house.knows(&quiet_at_noon()).await;
    house.start(&notice("a"), policy(1)).await;
    until(async || house.email.state().postponed == 1).await;
    assert_eq!(transport.sends(), 0);
    house.clock.advance(120 * MINUTE);
    assert_eq!(house.end(&notice("a")).await, delivered("a", 1));
    // The next day, and this time whatever the hour.
    house.clock.advance(1_440 * MINUTE);
    let critical = Notice { critical: true, ..notice("b") };
    house.clock.set(NOON + 1_440 * MINUTE);
    assert_eq!(house.deliver(&critical, 1).await, delivered("b", 1));
    house.close().await;
}

#[tokio::test]
async fn what_a_recipient_does_not_want_any_more_is_not_sent_at_the_next_attempt() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    transport.play(&id("a"), [busy()]);
    house.start(&notice("a"), policy(3)).await;
    until(async || house.email.state().retried == 1).await;
    let mut unsubscribed = ann();
    unsubscribed.unsubscribed.insert(NoticeKind::Reminder);
    house.knows(&unsubscribed).await;
    assert_eq!(house.end(&notice("a")).await, skipped("a", Why::Unsubscribed));
    assert_eq!(transport.sends(), 1);
    house.close().await;
}

/// A word about ann's seat, as it was so many milliseconds after the epoch.
fn word(name: &str, at: i64) -> Notice {
    let evening: OccurrenceId = "chess@20260105T190000".parse().unwrap();
    Notice { thread: Some(Thread::of(&evening, Timestamp::from_millis(at))), ..notice(name) }
}

fn passing(name: &str, at: i64) -> Notice {
    let word = word(name, at);
    Notice { thread: word.thread.clone().map(Thread::passing), ..word }
}

#[tokio::test]
async fn a_confirmation_that_waits_is_not_sent_after_the_cancellation_not_even_after_a_restart() {
    let (transport, store) = (MemoryTransport::new(), kept());
    let house = House::open(&store, &ManualClock::new(NOON), options(&transport));
    house.knows_ann().await;
    transport.play(&id("booked"), [busy(), busy()]);
    house.start(&word("booked", 1), policy(3)).await;
    until(async || house.email.state().retried == 1).await;
    assert_eq!(house.deliver(&word("cancelled", 2), 1).await, delivered("cancelled", 1));
    assert_eq!(house.end(&word("booked", 1)).await, skipped("booked", Why::Outdated));
    house.close().await;

    let house = House::open(&store, &ManualClock::new(NOON), options(&transport));
    assert_eq!(house.deliver(&word("held", 1), 1).await, skipped("held", Why::Outdated));
    // What is later is said, and so is the same to somebody else.
    assert_eq!(house.deliver(&word("booked again", 3), 1).await, delivered("booked again", 1));
    house.close().await;
}

#[tokio::test]
async fn a_reminder_takes_the_place_of_no_other_word_and_is_not_sent_after_a_later_one() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    assert_eq!(house.deliver(&passing("reminder", 5), 1).await, delivered("reminder", 1));
    assert_eq!(house.deliver(&word("booked", 4), 1).await, delivered("booked", 1));
    assert_eq!(house.deliver(&word("cancelled", 6), 1).await, delivered("cancelled", 1));
    assert_eq!(house.deliver(&passing("second reminder", 5), 1).await, skipped("second reminder", Why::Outdated));
    house.close().await;
}

#[tokio::test]
async fn words_about_one_thing_that_come_at_once_end_with_the_one_that_is_so() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    house.knows(&quiet_at_noon()).await;
    let words: Vec<Notice> = (1..=9).map(|at| word(&format!("word {at}"), at)).collect();
    for word in &words {
        house.start(word, policy(1)).await;
    }
    until(async || house.email.state().postponed == 9).await;
    house.clock.advance(120 * MINUTE);
    let mut ends = Vec::new();
    for word in &words {
        ends.push(house.end(word).await);
    }
    assert_eq!(ends[8], delivered("word 9", 1));
    let said: Vec<String> = transport.taken().iter().map(|letter| letter.id.to_string()).collect();
    assert!(said.is_sorted(), "{said:?}");
    house.close().await;
}

#[tokio::test]
async fn what_is_over_is_not_sent() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    transport.play(&id("a"), [busy(), busy()]);
    let warning = Notice { until: Some(NOON + 2 * SECOND), ..notice("a") };
    assert_eq!(house.deliver(&warning, 5).await, skipped("a", Why::TooLate));
    assert!(transport.sends() <= 2);
    house.close().await;
}

#[tokio::test]
async fn nothing_goes_to_an_address_that_is_suppressed_or_missing_not_even_what_is_critical() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    let suppression = Suppression { by: SuppressedBy::Complaint, at: NOON };
    house.write(suppress("email", "Ann@club.example", suppression)).await;
    for critical in [false, true] {
        let notice = Notice { critical, ..notice(if critical { "b" } else { "a" }) };
        assert_eq!(house.deliver(&notice, 1).await, skipped(notice.id.as_str(), Why::Suppressed));
    }
    let stranger = Notice { to: AttendeeId::new("bob").unwrap(), ..notice("c") };
    assert_eq!(house.deliver(&stranger, 1).await, skipped("c", Why::NoAddress));
    assert_eq!((transport.sends(), house.email.state().skipped), (0, 3));
    house.close().await;
}

#[tokio::test]
async fn a_server_that_says_when_to_come_again_is_not_asked_before() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    let after = Some(5 * MINUTE);
    let slow = SendOutcome::Retry { reason: "later".to_owned(), after, blame: Blame::Letter };
    transport.play(&id("a"), [Play::Answer(slow)]);
    house.start(&notice("a"), policy(2)).await;
    until(async || house.email.state().retried == 1).await;
    assert_eq!(house.end(&notice("a")).await, delivered("a", 2));
    assert!(house.clock.now() >= NOON + 5 * MINUTE);
    house.close().await;
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    transport.play(&id("a"), [Play::Answer(SendOutcome::Permanent { reason: "no such mailbox".to_owned() })]);
    assert_eq!(house.deliver(&notice("a"), 5).await, failed("a", "no such mailbox"));
    let wordless = Notice { kind: NoticeKind::custom("news").unwrap(), ..notice("b") };
    assert!(matches!(house.deliver(&wordless, 5).await, Delivery::Failed { .. }));
    assert_eq!((transport.sends(), house.mark("a").await), (1, Some(SentState::Failed)));
    house.close().await;
}

#[tokio::test]
async fn an_answer_that_was_lost_comes_to_what_the_policy_says() {
    let sure = |uncertain| Delivery::Delivered { id: id("a"), n: 1, uncertain };
    let table = [
        (OnUncertain::Park, false, failed("a", "the answer was lost"), 1, Some(SentState::Attempting)),
        (OnUncertain::Resend, false, delivered("a", 2), 2, Some(SentState::Sent)),
        (OnUncertain::AssumeSent, false, sure(true), 1, Some(SentState::Sent)),
        (OnUncertain::Park, true, delivered("a", 2), 1, Some(SentState::Sent)),
        (OnUncertain::Resend, true, delivered("a", 2), 1, Some(SentState::Sent)),
        (OnUncertain::AssumeSent, true, delivered("a", 2), 1, Some(SentState::Sent)),
    ];
    for (policy, dedupes, expected, effects, mark) in table {
        let transport = MemoryTransport::new().deduping(dedupes);
        let house = House::open(&kept(), &ManualClock::new(NOON), options(&transport).on_uncertain(policy));
        house.knows_ann().await;
        transport.play(&id("a"), [lost()]);
        let what = format!("{policy:?}, dedupes: {dedupes}");
        assert_eq!(house.deliver(&notice("a"), 3).await, expected, "{what}");
        assert_eq!((transport.effects(), house.mark("a").await), (effects, mark), "{what}");
        house.close().await;
    }
}

#[tokio::test]
async fn a_crash_between_an_attempt_and_its_outcome_comes_to_what_the_policy_says() {
    let doubt = "an attempt was begun before, and nothing is known of its end";
    let unsure = Delivery::Delivered { id: id("a"), n: 1, uncertain: true };
    let table = [
        (OnUncertain::Park, false, failed("a", doubt), 1),
        (OnUncertain::Resend, false, delivered("a", 1), 2),
        (OnUncertain::AssumeSent, false, unsure, 1),
        (OnUncertain::Park, true, delivered("a", 1), 1),
    ];
    for (policy, dedupes, expected, effects) in table {
        let (store, clock) = (kept(), ManualClock::new(NOON));
        let transport = MemoryTransport::new().deduping(dedupes);
        let house = House::open(&store, &clock, options(&transport).on_uncertain(policy));
        house.knows_ann().await;
        transport.play(&id("a"), [Play::TakeAndHang]);
        house.start(&notice("a"), self::policy(3)).await;
        transport.in_flight_reached(1).await;
        house.crash();
        until(async || transport.in_flight() == 0).await;
        let house = House::open(&store, &clock, options(&transport).on_uncertain(policy));
        assert_eq!(house.end(&notice("a")).await, expected, "{policy:?}, dedupes: {dedupes}");
        assert_eq!(transport.times_taken(&id("a")), effects, "{policy:?}, dedupes: {dedupes}");
        house.close().await;
    }
}

#[tokio::test]
async fn a_shutdown_in_good_order_leaves_nothing_uncertain() {
    for flows_first in [false, true] {
        let (store, clock) = (kept(), ManualClock::new(NOON));
        let transport = MemoryTransport::new();
        let House { office, email, flows, .. } = {
            let house = House::open(&store, &clock, options(&transport));
            house.knows_ann().await;
            transport.play(&id("a"), [Play::TakeAndHang]);
            house.start(&notice("a"), policy(3)).await;
            house
        };
        transport.in_flight_reached(1).await;
        if flows_first {
            flows.shutdown().await;
            transport.release(1);
            email.shutdown().await;
        } else {
            let ending = tokio::spawn(email.shutdown());
            transport.release(1);
            ending.await.unwrap();
            flows.shutdown().await;
        }
        office.shutdown().await;
        let house = House::open(&store, &clock, options(&transport));
        assert_eq!(house.end(&notice("a")).await, delivered("a", 1), "flows first: {flows_first}");
        assert_eq!(transport.sends(), 1);
        house.close().await;
    }
}

#[tokio::test]
async fn a_dead_letter_is_redriven_with_the_same_id_and_once() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    transport.play(&id("a"), [lost()]);
    transport.play(&id("b"), vec![busy(); 2]);
    for name in ["a", "b"] {
        assert!(matches!(house.deliver(&notice(name), 2).await, Delivery::Failed { .. }));
    }
    let filter = RedriveFilter { notices: vec![id("b")], policy: policy(2), ..RedriveFilter::new("email") };
    for outcome in ["started", "already"] {
        let redriven = redrive(&house.flows, &*house.store, &filter, house.clock.now()).await.unwrap();
        assert_eq!(redriven.len(), 1);
        assert_eq!(redriven[0].outcome.name(), outcome);
        assert_eq!(redriven[0].redrive.flow.as_str(), "deliver/b/email#r2");
        let ended = house.flows.end(&redriven[0].redrive.flow).await.unwrap();
        assert_eq!(ended, FlowStatus::Completed(Payload::new(&delivered("b", 1)).unwrap()));
    }
    assert_eq!(transport.sent(), ["a", "b", "b", "b"].map(id));
    // Once more after it was sent: another flow, and nothing goes out.
    let again = RedriveFilter { again: true, ..filter };
    let redriven = redrive(&house.flows, &*house.store, &again, house.clock.now()).await.unwrap();
    assert_eq!(redriven[0].redrive.flow.as_str(), "deliver/b/email#r2.2");
    let ended = house.flows.end(&redriven[0].redrive.flow).await.unwrap();
    assert_eq!(ended, FlowStatus::Completed(Payload::new(&delivered("b", 1)).unwrap()));
    assert_eq!(transport.sends(), 4);
    // All others: what was uncertain is cleared.
    let redriven = redrive(&house.flows, &*house.store, &RedriveFilter::new("email"), NOON).await.unwrap();
    assert_eq!(redriven.iter().map(|one| one.outcome.name()).collect::<Vec<_>>(), ["started", "already"]);
    assert_eq!(house.flows.end(&redriven[0].redrive.flow).await.unwrap().name(), "completed");
    assert_eq!((transport.sends(), transport.times_taken(&id("a"))), (5, 2));
    let dead = dead_letters(&*house.store, "email", None, 10).await.unwrap();
    assert_eq!(dead.iter().map(|dead| dead.redriven.as_ref().unwrap().times).collect::<Vec<_>>(), [1, 2]);
    house.close().await;
}

#[tokio::test]
async fn a_notice_that_is_given_up_again_and_again_is_redriven_once_each_time() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    transport.play(&id("b"), vec![busy(); 9]);
    assert!(matches!(house.deliver(&notice("b"), 1).await, Delivery::Failed { .. }));
    let once = RedriveFilter { policy: policy(1), ..RedriveFilter::new("email") };
    let again = RedriveFilter { again: true, ..once.clone() };
    let table = [
        (&again, "started", "#r1"),
        (&again, "started", "#r3"),
        (&again, "started", "#r5"),
        (&once, "started", "#r7"),
        (&RedriveFilter { after: Some(Seq::new(4)), ..again.clone() }, "started", "#r9"),
        (&again, "started", "#r11"),
    ];
    for (filter, outcome, flow) in table {
        let redriven = redrive(&house.flows, &*house.store, filter, house.clock.now()).await.unwrap();
        let said = redriven.iter().map(|one| (one.outcome.name(), one.redrive.flow.as_str()));
        assert_eq!(said.collect::<Vec<_>>(), [(outcome, &*format!("deliver/b/email{flow}"))]);
        assert_eq!(house.flows.end(&redriven[0].redrive.flow).await.unwrap().name(), "completed");
    }
    house.close().await;
}

#[tokio::test]
async fn a_redrive_under_way_keeps_other_dead_letters_of_its_notice_back() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    transport.play(&id("b"), [busy()]);
    assert!(matches!(house.deliver(&notice("b"), 1).await, Delivery::Failed { .. }));
    let (store, clock) = (house.store.clone(), house.clock.clone());
    house.close().await;
    let again = RedriveFilter { again: true, policy: policy(1), ..RedriveFilter::new("email") };
    let redrive_all = async || {
        let redriven = redrive_in_store(&*store, &again, clock.now()).await.unwrap();
        redriven.iter().map(|one| format!("{} {}", one.redrive.flow, one.outcome.name())).collect::<Vec<_>>()
    };
    assert_eq!(redrive_all().await, ["deliver/b/email#r1 started"]);
    // Another flow gave the same notice up.
    let letter = dead_letters(&*store, "email", None, 1).await.unwrap().remove(0).letter;
    let event = NewEvent::new("notify.dead_letter.v1", letter.at, &letter).unwrap();
    let append = Transaction::append(&StreamName::new("dead:email").unwrap(), Expect::Any, vec![event]);
    assert!(store.commit_one(append).await.unwrap().is_done());
    assert_eq!(redrive_all().await, ["deliver/b/email#r1 already"]);
    let house = House::open(&store, &clock, options(&transport));
    assert_eq!(house.flows.end(&"deliver/b/email#r1".parse().unwrap()).await.unwrap().name(), "completed");
    house.close().await;
    assert_eq!(redrive_all().await, ["deliver/b/email#r3 started"]);
    assert_eq!(transport.sends(), 2);
}

#[tokio::test]
async fn a_channel_that_is_down_rests_and_costs_letters_no_attempt_meanwhile() {
    let transport = MemoryTransport::new();
    let rest = RetryPolicy::growing(MINUTE, MINUTE).unwrap().jitter(Jitter::None);
    let breaker = BreakerSettings { failures: NonZeroU32::new(2).unwrap(), rest };
    let house = House::open(&kept(), &ManualClock::new(NOON), options(&transport).breaker(breaker).window(1));
    house.knows_ann().await;
    transport.play_next(vec![down(); 3]);
    for name in ["a", "b", "c", "d"] {
        house.start(&notice(name), policy(9)).await;
    }
    until(async || matches!(house.email.state().breaker, BreakerState::Open { .. })).await;
    assert_eq!(transport.sends(), 2);
    // The trial fails: it opens again.
    house.clock.advance(MINUTE);
    until(async || transport.sends() == 3 && matches!(house.email.state().breaker, BreakerState::Open { .. })).await;
    house.clock.advance(MINUTE);
    let mut attempts = 0;
    for name in ["a", "b", "c", "d"] {
        let Delivery::Delivered { n, .. } = house.end(&notice(name)).await else { panic!("{name}") };
        attempts += n;
    }
    // Four letters and the three attempts that failed.
    assert_eq!((attempts, transport.sends()), (7, 7));
    assert_eq!(house.email.state().breaker, BreakerState::Closed { failures: 0 });
    house.close().await;
}

#[tokio::test]
async fn a_transport_that_panics_or_hangs_costs_an_attempt_and_not_the_channel() {
    let transport = MemoryTransport::new().deduping(true).with_timeout(Duration::from_millis(20));
    let house = open(&transport).await;
    transport.play(&id("a"), [Play::Panic, Play::Hang, Play::TakeAndPanic]);
    assert_eq!(house.deliver(&notice("a"), 4).await, delivered("a", 4));
    assert_eq!((transport.times_taken(&id("a")), house.email.state().restarts), (1, 0));
    house.close().await;
}

/// A clock that panics in the channel's thread, as often as it is told.
#[derive(Clone, Debug)]
struct DeadlyClock {
    inner: ManualClock,
    deaths: Arc<AtomicUsize>,
}

impl Clock for DeadlyClock {
    fn now(&self) -> Timestamp {
        let channel = std::thread::current().name().is_some_and(|name| name.starts_with("boxoffice-channel"));
        let die = |left: usize| left.checked_sub(1);
        assert!(!channel || self.deaths.fetch_update(Ordering::SeqCst, Ordering::SeqCst, die).is_err(), "told to");
        self.inner.now()
    }
    fn sleep_until(&self, at: Timestamp) -> Sleep {
        self.inner.sleep_until(at)
    }
}

#[tokio::test]
async fn a_channel_that_dies_is_made_anew_and_what_waited_is_sent() {
    let (store, clock) = (kept(), ManualClock::new(NOON));
    let deadly = DeadlyClock { inner: clock.clone(), deaths: Arc::default() };
    let transport = MemoryTransport::new().deduping(true);
    let intensity = RestartIntensity { restarts_max: 3, within: MINUTE };
    let options = options(&transport).restart_intensity(intensity).window(2);
    let house = House::open_by(&store, deadly.clone(), &clock, options);
    house.knows_ann().await;
    let names: Vec<String> = (0..20).map(|n| format!("n{n}")).collect();
    deadly.deaths.store(2, Ordering::SeqCst);
    for name in &names {
        house.start(&notice(name), policy(2)).await;
    }
    for name in &names {
        assert_eq!(house.end(&notice(name)).await, delivered(name, 1));
        assert_eq!(transport.times_taken(&id(name)), 1);
    }
    assert_eq!((house.email.state().restarts, house.email.state().health), (2, ChannelHealth::Up));
    // Too often: it is left alone, and what is asked of it waits.
    house.clock.advance(5 * MINUTE);
    deadly.deaths.store(4, Ordering::SeqCst);
    house.start(&notice("last"), policy(2)).await;
    until(async || house.email.state().health == ChannelHealth::Failed).await;
    assert_eq!((house.email.state().waiting, transport.effects()), (1, 20));
    house.email.restart();
    assert_eq!(house.end(&notice("last")).await, delivered("last", 1));
    house.close().await;
}

#[tokio::test]
async fn a_store_that_fails_right_before_a_letter_goes_out_makes_it_wait_and_nothing_else() {
    for lose in [false, true] {
        let (moody, clock) = (MoodyBackend::new(), ManualClock::new(NOON));
        let store: Kept = Arc::new(moody.clone());
        let transport = MemoryTransport::new();
        // The lease of the first letter is enough for the second, whose mark is the next that is written.
        let rate = RateLimit::new(NonZeroU32::MIN, MINUTE);
        let house = House::open(&store, &clock, options(&transport).rate(rate));
        house.knows_ann().await;
        assert_eq!(house.deliver(&notice("a"), 1).await, delivered("a", 1));
        clock.set(NOON + SECOND);
        house.start(&notice("b"), policy(1)).await;
        until(async || house.email.state().waiting == 1).await;
        at_rest(&house, &|| transport.sends()).await;
        if lose {
            moody.lose_answers(1);
        } else {
            moody.refuse(1);
        }
        assert_eq!(house.end(&notice("b")).await, delivered("b", 1), "lose: {lose}");
        assert_eq!((transport.sends(), house.office.stats().flow_shard_failures), (2, 0), "lose: {lose}");
        house.close().await;
    }
}

/// Notes when each letter was sent.
#[derive(Clone, Debug)]
struct Noting {
    clock: ManualClock,
    inner: MemoryTransport,
    at: Arc<Mutex<Vec<i64>>>,
}

#[async_trait::async_trait]
impl Transport for Noting {
    fn dedupes(&self) -> bool {
        self.inner.dedupes()
    }
    async fn send(&self, letter: &Letter) -> SendOutcome {
        self.at.lock().unwrap().push(self.clock.now().as_millis());
        self.inner.send(letter).await
    }
}

/// Waits until the channel has let through all that it may at this instant.
async fn at_rest(house: &House, count: &impl Fn() -> usize) {
    let mut calm = (usize::MAX, 0);
    until(async || {
        let now = count() + 1_000_000 * house.email.state().in_flight;
        calm = if calm.0 == now { (now, calm.1 + 1) } else { (now, 0) };
        calm.1 > 300 && house.email.state().in_flight == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rate_is_kept_in_every_window_also_across_a_restart() {
    const LETTERS: usize = 2_000;
    let (store, clock) = (kept(), ManualClock::new(NOON));
    let inner = MemoryTransport::new().deduping(true);
    let transport = Noting { clock: clock.clone(), inner: inner.clone(), at: Arc::default() };
    let rate = RateLimit::new(NonZeroU32::new(100).unwrap(), SECOND);
    let open = || {
        let options = ChannelOptions::new("email", transport.clone()).unwrap().rate(rate);
        House::open(&store, &clock, options)
    };
    let mut house = open();
    house.knows_ann().await;
    for n in 0..LETTERS {
        house.start(&notice(&format!("n{n}")), policy(1)).await;
    }
    let sent = || transport.at.lock().unwrap().len();
    // Once it is restarted all of a lease counts as used: at most a second's worth beyond what was needed.
    let mut forfeited = 0;
    while sent() < LETTERS {
        let elapsed = usize::try_from(clock.now().as_millis() - NOON.as_millis()).unwrap();
        let due = (100 + elapsed / 10).saturating_sub(forfeited).min(LETTERS);
        until(async || sent() >= due).await;
        at_rest(&house, &sent).await;
        if forfeited == 0 && sent() > LETTERS / 2 {
            forfeited = 102;
            house.close().await;
            house = open();
        }
        clock.advance(Duration::from_millis(170));
    }
    let at = transport.at.lock().unwrap().clone();
    for (n, first) in at.iter().enumerate() {
        let within = at[n..].iter().take_while(|at| **at < first + 1_000).count();
        assert!(within <= 200, "{within} within a second");
    }
    until(async || inner.effects() == LETTERS).await;
    assert_eq!((inner.effects(), inner.sends()), (LETTERS, LETTERS));
    house.close().await;
}

/// Starts a herd of flows that are all due in an hour, a tenth of which is to be tried again, ends everything when a third is out,
/// goes on after that, and gives what was delivered and how often each was taken.
async fn drive_a_herd(transport: &MemoryTransport, crash: bool) -> (BTreeMap<String, usize>, BTreeMap<usize, usize>) {
    const HERD: usize = 5_000;
    let (store, clock) = (kept(), ManualClock::new(NOON));
    let mut house = House::open(&store, &clock, options(transport));
    house.knows_ann().await;
    let flow = |n: usize| FlowId::new(FlowKind::new("due").unwrap(), n.to_string()).unwrap();
    for n in 0..HERD {
        let notice = notice(&format!("n{n}"));
        if n % 10 == 0 {
            transport.play(&notice.id, [busy()]);
        }
        assert_eq!(house.flows.start(&flow(n), &notice).await.unwrap(), FlowOutcome::Started);
    }
    assert_eq!(transport.sends(), 0);
    clock.advance(60 * MINUTE);
    until(async || transport.effects() > HERD / 3).await;
    if crash {
        house.crash();
    } else {
        house.close().await;
    }
    assert!(transport.effects() < HERD, "nothing was left to do");
    house = House::open(&store, &clock, options(transport));
    let (mut ends, mut times) = (BTreeMap::new(), BTreeMap::new());
    for n in 0..HERD {
        let delivery: Delivery = match house.end_of(flow(n)).await {
            FlowStatus::Completed(delivery) => delivery.read().unwrap(),
            other => unreachable!("{other:?}"),
        };
        let name = match delivery {
            Delivery::Delivered { n: attempt, .. } => format!("attempt {attempt}"),
            other => format!("{other:?}"),
        };
        *ends.entry(name).or_default() += 1;
        *times.entry(transport.times_taken(&id(&format!("n{n}")))).or_default() += 1;
    }
    assert!(transport.most_in_flight() <= 32);
    house.close().await;
    (ends, times)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_herd_is_delivered_whole_and_once_across_a_restart() {
    let transport = MemoryTransport::new();
    let (ends, times) = drive_a_herd(&transport, false).await;
    let expected = [("attempt 1", 4_500), ("attempt 2", 500)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!((ends, times), (expected.into(), [(1, 5_000)].into()));
    assert_eq!(transport.sends(), 5_500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_herd_is_delivered_whole_and_once_across_a_crash_where_letters_are_known_again() {
    let (_, times) = drive_a_herd(&MemoryTransport::new().deduping(true), true).await;
    assert_eq!(times, [(1, 5_000)].into());
}

#[tokio::test]
async fn a_delivery_that_is_cancelled_while_it_backs_off_ends_and_leaves_no_dead_letter() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    transport.play(&id("a"), [busy()]);
    house.start(&notice("a"), policy(3)).await;
    let flow = deliver_flow(&notice("a")).unwrap();
    let progress = async || house.flows.inspect(&flow).await.unwrap().unwrap().progress;
    let backs_off = DeliverProgress::BackingOff { id: id("a"), n: 1, until: NOON + SECOND, reason: "busy".to_owned() };
    let backs_off = Payload::new(&backs_off).unwrap();
    until(async || progress().await == Some(backs_off.clone())).await;
    assert_eq!(house.flows.cancel(&flow).await.unwrap(), FlowOutcome::Done);
    assert_eq!(house.flows.end(&flow).await.unwrap(), FlowStatus::Cancelled);
    assert_eq!(dead_letters(&*house.store, "email", None, 10).await.unwrap(), []);
    house.close().await;
}

#[tokio::test]
async fn two_flows_that_deliver_the_same_notice_at_once_send_it_once() {
    let transport = MemoryTransport::new();
    let house = open(&transport).await;
    transport.play(&id("a"), [Play::Hang]);
    house.start(&notice("a"), policy(1)).await;
    transport.in_flight_reached(1).await;
    let list = "list/same".parse().unwrap();
    assert_eq!(house.flows.start(&list, &[notice("a")]).await.unwrap(), FlowOutcome::Started);
    until(async || house.email.state().waiting == 2).await;
    transport.release(1);
    assert_eq!(house.end(&notice("a")).await, delivered("a", 1));
    let expected = Payload::new(&[delivered("a", 1)]).unwrap();
    assert_eq!(house.flows.end(&list).await.unwrap(), FlowStatus::Completed(expected));
    assert_eq!(transport.sends(), 1);
    house.close().await;
}

#[tokio::test]
async fn an_outcome_that_could_not_be_recorded_is_given_again_without_another_attempt() {
    let (moody, clock) = (MoodyBackend::new(), ManualClock::new(NOON));
    let store: Kept = Arc::new(moody.clone());
    let transport = MemoryTransport::new();
    let house = House::open(&store, &clock, options(&transport));
    house.knows_ann().await;
    transport.play(&id("a"), [Play::Hang]);
    house.start(&notice("a"), policy(1)).await;
    transport.in_flight_reached(1).await;
    moody.refuse(1);
    transport.release(1);
    assert_eq!(house.end(&notice("a")).await, delivered("a", 1));
    assert_eq!((transport.sends(), house.office.stats().flow_shard_failures), (1, 1));
    house.close().await;
}

#[tokio::test]
async fn a_letter_says_where_to_say_no_unless_it_is_transactional_and_carries_its_calendar_part() {
    let transport = MemoryTransport::new();
    let secret = || UnsubscribeSecret::new([7; 32]);
    let options = options(&transport).unsubscribe(secret(), "https://club.example/no?t=");
    let house = House::open(&kept(), &ManualClock::new(NOON), options);
    house.knows_ann().await;
    let facts = notice("x").facts.json().replacen('{', r#"{"calendar":{"method":"REQUEST","text":"BEGIN"},"#, 1);
    let booked = Notice { kind: NoticeKind::Confirmation, facts: Payload::from_json(&facts).unwrap(), ..notice("b") };
    let booked = Notice {
        facts: Payload::from_json(&booked.facts.json().replacen('{', r#"{"unsubscribe":null,"#, 1)).unwrap(),
        ..booked
    };
    for notice in [&notice("a"), &booked] {
        assert_eq!(house.deliver(notice, 1).await, delivered(notice.id.as_str(), 1));
    }
    let url = format!("https://club.example/no?t={}", secret().token(&who("ann"), &NoticeKind::Reminder));
    let letters = transport.taken();
    assert_eq!(letters[0].unsubscribe.as_ref().unwrap().url, url);
    assert!(letters[0].text.contains(&url));
    assert_eq!(letters[1].unsubscribe, None);
    assert_eq!(letters[1].calendar.as_ref().unwrap().method, "REQUEST");
    house.close().await;
}
