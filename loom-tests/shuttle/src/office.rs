//! One office: a task that owns, and a task that writes for it.

use std::sync::Arc;

use boxoffice_core::booking::{BookingCommand, BookingReply, Owner, Submitted, booking_stream, observe};
use boxoffice_core::persist::{Backend, CommitOutcome, Fault, MemoryBackend, Transaction};
use shuttle::rand::{Rng, thread_rng};

use crate::{Mailbox, NOW, evening};

/// Lost commits in a row after which something is wrong: nobody writes so much here.
const CONFLICTS_MAX: u32 = 64;

/// Where an answer goes: the reply, or why there is none.
pub type Answer = Mailbox<Result<BookingReply, Fault>>;

/// What comes to an owner.
#[derive(Debug)]
pub enum Mail {
    /// Somebody asks.
    Ask(BookingCommand, Answer),
    /// What became of the batch that is on its way.
    Stored(Result<CommitOutcome, Fault>),
    /// Nobody will ask any more.
    Drain,
}

/// What the shell does, and its twins do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// Answers what is stored, and throws an owner away whose commit failed.
    Sound,
    /// Answers a batch when it is handed to the writer.
    AnswersEarly,
    /// Tells callers of a failed commit, and goes on with the owner and what it believes.
    KeepsTheOwner,
    /// Takes its refusals for true though others write too.
    BelievesToBeAlone,
}

async fn start(store: &MemoryBackend, shell: Shell) -> Owner<Answer> {
    let ledger = observe(store, &evening()).await.expect("memory does not fail");
    let owner = Owner::new(booking_stream(&evening()), ledger, 100);
    if shell == Shell::BelievesToBeAlone { owner } else { owner.beside_others() }
}

fn answer(replies: Vec<(Answer, BookingReply)>) {
    for (to, reply) in replies {
        to.send(Ok(reply));
    }
}

/// Takes mail until it is drained: decides what is asked, hands batches to `disk`, and answers what is stored.
///
/// # Panics
/// When the memory store fails by itself, or others are always quicker.
pub async fn office(store: Arc<MemoryBackend>, mail: Mailbox<Mail>, disk: Mailbox<Option<Transaction>>, shell: Shell) {
    let mut owner = start(&store, shell).await;
    let mut conflicts = 0;
    loop {
        match mail.next().await {
            Mail::Drain => return disk.send(None),
            Mail::Ask(command, to) => match owner.submit(command, to, NOW) {
                Submitted::Answered(to, reply) => to.send(Ok(reply)),
                Submitted::Waits => {}
                Submitted::Busy(_) => panic!("busy below its bound"),
            },
            Mail::Stored(Ok(CommitOutcome::Done(_))) => {
                conflicts = 0;
                answer(owner.committed());
            }
            Mail::Stored(Ok(CommitOutcome::Conflict(failed))) => {
                conflicts += 1;
                assert!(conflicts <= CONFLICTS_MAX, "whoever waits was told nothing: others are always quicker");
                owner.conflicted(&failed);
                shuttle::future::yield_now().await;
                let tail = store.read(owner.stream(), owner.seq().next(), 1_000).await.expect("memory does not fail");
                answer(owner.caught_up(&tail, None, NOW).expect("the log is readable"));
            }
            Mail::Stored(Ok(refused)) => panic!("{refused:?}"),
            Mail::Stored(Err(fault)) => {
                let failed = if shell == Shell::KeepsTheOwner {
                    owner.committed().into_iter().map(|(to, _)| to).collect()
                } else {
                    let failed = owner.abandon();
                    owner = start(&store, shell).await;
                    failed
                };
                for to in failed {
                    to.send(Err(fault.clone()));
                }
            }
        }
        if let Some(transaction) = owner.next_transaction() {
            if shell == Shell::AnswersEarly {
                answer(owner.committed());
            }
            disk.send(Some(transaction));
        }
    }
}

/// Writes what `disk` is handed, one batch after the other. Every fourth or so goes wrong, `failures` times at most: before it
/// is written, or after.
pub async fn writer(store: Arc<MemoryBackend>, disk: Mailbox<Option<Transaction>>, mail: Mailbox<Mail>, failures: u32) {
    let mut failures = failures;
    while let Some(transaction) = disk.next().await {
        let fails = failures > 0 && thread_rng().gen_ratio(1, 4);
        failures -= u32::from(fails);
        let is_written = !fails || thread_rng().gen_bool(0.5);
        let mut outcome = Err(Fault::Unavailable { reason: "disk is full".into() });
        if is_written {
            outcome = store.commit_one(transaction).await;
            // The way back takes time too.
            shuttle::future::yield_now().await;
        }
        if fails && is_written {
            outcome = Err(Fault::Unknown { reason: "connection reset".into() });
        }
        mail.send(Mail::Stored(outcome));
    }
}
