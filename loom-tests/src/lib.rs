//! What the models share: loom runs each with every interleaving of its threads at the locks of the store.
//!
//! The code under test is the core's own: `MemoryBackend` (with loom's mutex in place of the standard one),
//! `decide`, `evolve`, `attempt`, `run` and `Owner`. Nothing of it is written again here, but for the twins that are
//! broken on purpose and must be caught.

mod failing;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use boxoffice_core::booking::{
    Auditor, BookingCommand, BookingOutcome, BookingReply, Owner, Party, SeatLedger, Seats, Settings, Waitlist,
    booking_stream, decide, decode, encode, observe, run,
};
use boxoffice_core::id::{AttendeeId, OccurrenceId};
use boxoffice_core::persist::{Backend, CommitOutcome, Expect, MemoryBackend, RecordedEvent, Seq, Transaction};
use boxoffice_core::time::Timestamp;

pub use failing::Failing;

/// Runs `model` under loom with at most `preemptions` preemptions (none: all interleavings), and prints how many
/// interleavings there were and how long they took, also when one of them panics.
///
/// # Panics
/// When `model` panics in any interleaving.
pub fn explore(name: &'static str, preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let report = Report { name, count: Arc::default(), started: Instant::now() };
    let counted = Arc::clone(&report.count);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
}

struct Report {
    name: &'static str,
    count: Arc<AtomicUsize>,
    started: Instant,
}

impl Drop for Report {
    fn drop(&mut self) {
        let caught = if std::thread::panicking() { "caught after " } else { "" };
        let Self { name, count, started } = self;
        println!("{name}: {caught}{} interleavings in {:?}", count.load(Ordering::Relaxed), started.elapsed());
    }
}

/// The result of a future that never waits: those of the memory store do not.
///
/// # Panics
/// When it waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store made its caller wait"),
    }
}

/// The occurrence that everybody wants.
///
/// # Panics
/// Never: the id is well formed.
#[must_use]
pub fn evening() -> OccurrenceId {
    "chess@20260105T190000".parse().expect("a well-formed id")
}

/// An instant.
#[must_use]
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn who(name: &str) -> AttendeeId {
    AttendeeId::new(name).expect("a well-formed id")
}

/// A command to book.
#[must_use]
pub fn book(name: &str) -> BookingCommand {
    BookingCommand::book(who(name))
}

/// A command to hold for 100 ms.
#[must_use]
pub fn hold(name: &str) -> BookingCommand {
    BookingCommand::hold(who(name), std::time::Duration::from_millis(100))
}

/// A command to confirm.
#[must_use]
pub fn confirm(name: &str) -> BookingCommand {
    BookingCommand::Confirm { attendee: who(name) }
}

/// A command to cancel.
#[must_use]
pub fn cancel(name: &str) -> BookingCommand {
    BookingCommand::Cancel { attendee: who(name) }
}

/// A command to transfer.
#[must_use]
pub fn transfer(from: &str, to: &str) -> BookingCommand {
    BookingCommand::Transfer { from: who(from), to: who(to) }
}

/// A command to wait for one seat.
#[must_use]
pub fn wait(name: &str) -> BookingCommand {
    BookingCommand::Wait { attendee: who(name), party: Party::default() }
}

/// A command that lets people wait; offers last for 100 ms.
#[must_use]
pub fn waitlist() -> BookingCommand {
    let waitlist = Some(Waitlist { offer_for: std::time::Duration::from_millis(100), pass_over: false });
    BookingCommand::Set { settings: Settings { waitlist, ..Settings::default() } }
}

/// A store with the evening on sale and `given` already done.
///
/// # Panics
/// When one of `given` is not accepted.
#[must_use]
pub fn store(capacity: u32, given: &[BookingCommand]) -> Arc<MemoryBackend> {
    let store = MemoryBackend::new();
    let open = BookingCommand::Open { capacity: Seats::new(capacity) };
    for command in [open].iter().chain(given) {
        let reply = now(run(&store, &evening(), command, at(0))).expect("memory does not fail");
        assert!(reply.outcome.is_accepted(), "{command:?}: {reply:?}");
    }
    Arc::new(store)
}

/// How a command comes to its outcome.
pub type Shell = fn(&dyn Backend, &BookingCommand, i64) -> BookingOutcome;

/// With the core's own retry loop.
///
/// # Panics
/// When the store fails.
pub fn ask(store: &dyn Backend, command: &BookingCommand, millis: i64) -> BookingOutcome {
    now(run(store, &evening(), command, at(millis))).expect("memory does not fail").outcome
}

/// Broken: checks, then appends wherever the stream stands.
///
/// # Panics
/// When the store fails.
pub fn check_then_append(store: &dyn Backend, command: &BookingCommand, millis: i64) -> BookingOutcome {
    let ledger = now(observe(store, &evening())).expect("memory does not fail");
    let decision = decide(&ledger, command, at(millis));
    let events = decision.events.iter().map(|event| encode(decision.at, event)).collect();
    let transaction = Transaction::append(&booking_stream(&evening()), Expect::Any, events);
    assert!(now(store.commit_one(transaction)).expect("memory does not fail").is_done());
    decision.outcome
}

/// Broken: what follows from one command is written one by one, each event as if it were safe once the first is.
///
/// # Panics
/// When the store fails.
pub fn one_by_one(store: &dyn Backend, command: &BookingCommand, millis: i64) -> BookingOutcome {
    'again: loop {
        let ledger = now(observe(store, &evening())).expect("memory does not fail");
        let decision = decide(&ledger, command, at(millis));
        let mut expect = Expect::At(ledger.seq());
        for event in &decision.events {
            let events = vec![encode(decision.at, event)];
            let transaction = Transaction::append(&booking_stream(&evening()), expect, events);
            if !now(store.commit_one(transaction)).expect("memory does not fail").is_done() {
                continue 'again;
            }
            expect = Expect::Any;
        }
        return decision.outcome;
    }
}

/// The whole log of the evening.
///
/// # Panics
/// When the store fails.
#[must_use]
pub fn log(store: &dyn Backend) -> Vec<RecordedEvent> {
    now(store.read(&booking_stream(&evening()), Seq::FIRST, 1_000)).expect("memory does not fail")
}

/// Follows the log with the core's auditor, which shares no code with the rules, and gives the seats taken.
///
/// # Panics
/// With "oversold" when the log breaks a rule.
#[must_use]
pub fn audit(store: &dyn Backend) -> u64 {
    audit_through(&log(store), Seq::new(u64::MAX))
}

/// The same as of event `last` of a log.
///
/// # Panics
/// With "oversold" when the log breaks a rule.
#[must_use]
pub fn audit_through(log: &[RecordedEvent], last: Seq) -> u64 {
    let mut auditor = Auditor::new();
    for event in log.iter().take_while(|event| event.seq <= last) {
        let decoded = decode(event).expect("a booking event");
        if let Err(breach) = auditor.check(event.seq, event.at, &decoded) {
            panic!("oversold or worse: {breach}");
        }
    }
    auditor.tally().held + auditor.tally().confirmed
}

/// An owner of the evening that has read what is stored.
///
/// # Panics
/// When the store fails.
#[must_use]
pub fn owner<T>(store: &dyn Backend) -> Owner<T> {
    let ledger: SeatLedger = now(observe(store, &evening())).expect("memory does not fail");
    Owner::new(booking_stream(&evening()), ledger, 100)
}

/// Commits what `owner` has to write, catching up after conflicts, until nothing is left. `alter` may break the
/// transaction first.
///
/// # Panics
/// When the store fails or refuses.
pub fn settle<T>(
    store: &dyn Backend,
    owner: &mut Owner<T>,
    millis: i64,
    alter: impl Fn(Transaction) -> Transaction,
) -> Vec<(T, BookingReply)> {
    let mut replies = Vec::new();
    while let Some(transaction) = owner.next_transaction() {
        let outcome = now(store.commit_one(alter(transaction))).expect("memory does not fail");
        replies.extend(resolve(store, owner, millis, outcome));
    }
    replies
}

/// Hands what became of a batch to its owner, and what others wrote after a conflict.
///
/// # Panics
/// When the store fails or refuses.
pub fn resolve<T>(
    store: &dyn Backend,
    owner: &mut Owner<T>,
    millis: i64,
    outcome: CommitOutcome,
) -> Vec<(T, BookingReply)> {
    match outcome {
        CommitOutcome::Done(_) => owner.committed(),
        CommitOutcome::Conflict(failed) => {
            owner.conflicted(&failed);
            let tail = now(store.read(owner.stream(), owner.seq().next(), 1_000)).expect("memory does not fail");
            owner.caught_up(&tail, None, at(millis)).expect("the log is readable")
        }
        other => panic!("{other:?}"),
    }
}
