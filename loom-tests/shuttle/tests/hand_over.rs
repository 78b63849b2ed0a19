//! Two offices on one store, each with an owner and a writer in tasks of their own; commits that fail; callers who ask again.
//! Shuttle runs each model with thousands of schedules, by chance and by priorities that change (PCT). Unlike loom it does
//! not try them all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use boxoffice_core::booking::{BookingCommand, BookingOutcome, BookingReply, observe};
use boxoffice_core::persist::{MemoryBackend, Seq};
use boxoffice_shuttle_tests::{Answer, Mail, Mailbox, Shell, audit, evening, log, office, store, who, writer};
use shuttle::future::{block_on, spawn};

const SCHEDULES: usize = 2_000;
/// Changes of priority in one schedule under PCT.
const DEPTH: usize = 3;
const CALLERS: [[&str; 3]; 2] = [["ann", "bob", "cyd"], ["dan", "eve", "fay"]];

async fn last(store: &MemoryBackend) -> Seq {
    log(store).await.last().map_or(Seq::UNWRITTEN, |event| event.seq)
}

/// Asks until there is an answer, and looks into the store as soon as it is there.
async fn ask(
    store: Arc<MemoryBackend>,
    mail: Mailbox<Mail>,
    name: &'static str,
    command: BookingCommand,
) -> BookingReply {
    loop {
        let asked_at = last(&store).await;
        let answer = Answer::default();
        mail.send(Mail::Ask(command.clone(), answer.clone()));
        let Ok(reply) = answer.next().await else { continue };
        let log = log(&store).await;
        let is_stored =
            |reply: &BookingReply| log.iter().any(|event| event.seq == reply.seq && event.data.json().contains(name));
        assert!(!reply.outcome.is_accepted() || is_stored(&reply), "{name} was told what is not stored: {reply:?}");
        assert!(reply.seq >= asked_at, "{name} was told what was true before the question: {reply:?}");
        assert!(answer.try_next().is_none(), "{name} was answered twice");
        return reply;
    }
}

fn has_seat(outcome: &BookingOutcome) -> bool {
    matches!(outcome, BookingOutcome::Booked { .. } | BookingOutcome::Already { .. })
}

/// Three seats, one of them gus's, who cancels; six want one.
async fn two_offices(shell: Shell) {
    let store = Arc::new(store(3, &[BookingCommand::book(who("gus"))]).await);
    let mut offices = Vec::new();
    let mut callers = Vec::new();
    for names in CALLERS {
        let (mail, disk) = (Mailbox::default(), Mailbox::default());
        let owner = spawn(office(Arc::clone(&store), mail.clone(), disk.clone(), shell));
        let writes = spawn(writer(Arc::clone(&store), disk, mail.clone(), 2));
        for name in names {
            let asks = ask(Arc::clone(&store), mail.clone(), name, BookingCommand::book(who(name)));
            callers.push((name, spawn(asks)));
        }
        offices.push((mail, owner, writes));
    }
    let cancel = BookingCommand::Cancel { attendee: who("gus") };
    let gone = spawn(ask(Arc::clone(&store), offices[0].0.clone(), "gus", cancel));

    let mut told = Vec::new();
    for (name, caller) in callers {
        told.push((name, caller.await.expect("no panic").outcome));
    }
    // "Not booked" is the answer to a cancellation that is repeated because the first answer was lost.
    let gone = gone.await.expect("no panic").outcome;
    assert!(matches!(gone, BookingOutcome::Cancelled | BookingOutcome::NotBooked), "{gone:?}");
    for (mail, owner, writes) in offices {
        mail.send(Mail::Drain);
        owner.await.expect("no panic");
        writes.await.expect("no panic");
    }
    let ledger = observe(&*store, &evening()).await.expect("memory does not fail");
    for (name, outcome) in &told {
        assert_eq!(ledger.seat_of(&who(name)).is_some(), has_seat(outcome), "{name} was told {outcome:?}");
    }
    let sold = told.iter().filter(|(_, outcome)| has_seat(outcome)).count();
    assert_eq!(u64::try_from(sold), Ok(audit(&log(&store).await)));
    assert!((2..=3).contains(&sold), "{told:?}");
}

fn by_chance(name: &'static str, shell: Shell) {
    let report = Report::new(name, "by chance");
    shuttle::check_random(report.counts(shell), SCHEDULES);
}

fn by_priority(name: &'static str, shell: Shell) {
    let report = Report::new(name, "by priority");
    shuttle::check_pct(report.counts(shell), SCHEDULES, DEPTH);
}

/// Prints how many schedules there were and how long they took, also when one of them panics.
struct Report {
    name: &'static str,
    scheduler: &'static str,
    count: Arc<AtomicUsize>,
    started: Instant,
}

impl Report {
    fn new(name: &'static str, scheduler: &'static str) -> Self {
        Self { name, scheduler, count: Arc::default(), started: Instant::now() }
    }

    fn counts(&self, shell: Shell) -> impl Fn() + Send + Sync + 'static {
        let count = Arc::clone(&self.count);
        move || {
            count.fetch_add(1, Ordering::Relaxed);
            block_on(two_offices(shell));
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let caught = if std::thread::panicking() { "caught after " } else { "" };
        let Self { name, scheduler, count, started } = self;
        println!("{name}, {scheduler}: {caught}{} schedules in {:?}", count.load(Ordering::Relaxed), started.elapsed());
    }
}

#[test]
fn each_is_answered_once_with_what_is_stored_and_not_older_than_the_question() {
    by_chance("two offices", Shell::Sound);
    by_priority("two offices", Shell::Sound);
}

#[test]
#[should_panic(expected = "was told what is not stored")]
fn an_answer_at_the_hand_over_is_caught_by_chance() {
    by_chance("broken: answers early", Shell::AnswersEarly);
}

#[test]
#[should_panic(expected = "was told what is not stored")]
fn an_answer_at_the_hand_over_is_caught_by_priority() {
    by_priority("broken: answers early", Shell::AnswersEarly);
}

#[test]
#[should_panic(expected = "was told")]
fn an_owner_that_outlives_its_failed_commit_is_caught_by_chance() {
    by_chance("broken: the owner is kept", Shell::KeepsTheOwner);
}

#[test]
#[should_panic(expected = "was told")]
fn an_owner_that_outlives_its_failed_commit_is_caught_by_priority() {
    by_priority("broken: the owner is kept", Shell::KeepsTheOwner);
}

#[test]
#[should_panic(expected = "was told what was true before the question")]
fn an_owner_that_believes_to_be_alone_is_caught_by_chance() {
    by_chance("broken: believes to be alone", Shell::BelievesToBeAlone);
}

#[test]
#[should_panic(expected = "was told what was true before the question")]
fn an_owner_that_believes_to_be_alone_is_caught_by_priority() {
    by_priority("broken: believes to be alone", Shell::BelievesToBeAlone);
}
