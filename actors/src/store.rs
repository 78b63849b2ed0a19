//! The one writer of a store: whatever many owners want written at the same time becomes one group commit.

use core::mem;
use core::panic::AssertUnwindSafe;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use actix::dev::{MessageResponse, OneshotSender};
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use boxoffice_core::persist::{Backend, CommitOutcome, Fault, Transaction};
use futures_util::FutureExt;
use tokio::sync::watch;

use crate::stats::{Counters, Pace, Stopwatch};

/// Transactions that one group commit takes at most.
const GROUP_MAX: usize = 4_096;

/// Commit a transaction. Answered when it is as durable as the backend promises.
#[derive(Debug, Message)]
#[rtype(result = "Result<CommitOutcome, Fault>")]
pub struct Commit(pub Transaction);

type CommitResult = Result<CommitOutcome, Fault>;
type Waiting = Vec<(Transaction, OneshotSender<CommitResult>)>;

/// Owns the write side of a backend, on a thread of its own that may block.
///
/// A message is put aside; once the mailbox is empty, everything put aside is committed together, with one sync.
/// Meanwhile the next group gathers. So groups grow by themselves under load, and a lone caller waits for nobody.
#[derive(Debug)]
pub struct StoreActor {
    backend: Arc<dyn Backend>,
    waiting: Rc<RefCell<Waiting>>,
    scheduled: bool,
    /// Counts group commits, for those who wait for news.
    committed: watch::Sender<u64>,
    gauges: (Arc<Counters>, Arc<Pace>),
}

impl StoreActor {
    /// The writer of `backend`.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self::telling(backend, watch::Sender::default(), Default::default())
    }

    /// The writer of `backend`, which tells `committed` of each group commit.
    pub(crate) fn telling(
        backend: Arc<dyn Backend>,
        committed: watch::Sender<u64>,
        gauges: (Arc<Counters>, Arc<Pace>),
    ) -> Self {
        Self { backend, waiting: Rc::default(), scheduled: false, committed, gauges }
    }

    /// Commits what is put aside once the messages that are already here have been put aside too.
    fn schedule(&mut self, ctx: &mut Context<Self>) {
        if !mem::replace(&mut self.scheduled, true) {
            ctx.spawn(core::future::ready(()).into_actor(self).map(|(), act, ctx| act.commit(ctx)));
        }
    }

    fn commit(&mut self, ctx: &mut Context<Self>) {
        self.scheduled = false;
        let mut waiting = self.waiting.borrow_mut();
        self.gauges.0.transactions_waiting.set(waiting.len());
        let count = waiting.len().min(GROUP_MAX);
        let (transactions, callers): (Vec<_>, Vec<_>) = waiting.drain(..count).unzip();
        drop(waiting);
        if transactions.is_empty() {
            return;
        }
        let (backend, began) = (self.backend.clone(), Stopwatch::start());
        let commit = async move { AssertUnwindSafe(backend.commit(transactions)).catch_unwind().await };
        // `wait` and not `spawn`: what arrives meanwhile belongs to the next group.
        ctx.wait(commit.into_actor(self).map(move |outcomes, act, ctx| {
            let outcomes = outcomes.unwrap_or_else(|_| Err(Fault::Poisoned { reason: "the backend panicked".into() }));
            act.measure(began, callers.len());
            if outcomes.is_ok() {
                act.committed.send_modify(|groups| *groups += 1);
            }
            answer(callers, outcomes);
            if !act.waiting.borrow().is_empty() {
                act.schedule(ctx);
            }
        }));
    }

    fn measure(&self, began: Stopwatch, transactions: usize) {
        let (counters, pace) = &self.gauges;
        let took = began.elapsed();
        pace.took(took);
        counters.commit_seconds.record(took);
        counters.group_transactions.record(f64::from(u32::try_from(transactions).unwrap_or(u32::MAX)));
    }
}

fn answer(callers: Vec<OneshotSender<CommitResult>>, outcomes: Result<Vec<CommitOutcome>, Fault>) {
    let fault = match outcomes {
        Ok(outcomes) if outcomes.len() == callers.len() => {
            for (caller, outcome) in callers.into_iter().zip(outcomes) {
                tell(caller, Ok(outcome));
            }
            return;
        }
        Ok(_) => Fault::Unknown { reason: "the backend answered another number of transactions".into() },
        Err(fault) => fault,
    };
    tracing::error!(%fault, transactions = callers.len(), "group commit failed");
    for caller in callers {
        tell(caller, Err(fault.clone()));
    }
}

fn tell(caller: OneshotSender<CommitResult>, result: CommitResult) {
    if caller.send(result).is_err() {
        tracing::debug!("owner no longer waits for its commit");
    }
}

impl Actor for StoreActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Each owner has at most one transaction on its way, so this bound is on owners, not on requests.
        ctx.set_mailbox_capacity(1 << 16);
    }
}

/// Puts a transaction aside, with the channel for its outcome, until the group is committed.
#[derive(Debug)]
pub struct Deferred {
    transaction: Transaction,
    waiting: Rc<RefCell<Waiting>>,
}

impl MessageResponse<StoreActor, Commit> for Deferred {
    fn handle(self, _ctx: &mut Context<StoreActor>, caller: Option<OneshotSender<CommitResult>>) {
        // Without a caller the transaction is committed all the same.
        let caller = caller.unwrap_or_else(|| tokio::sync::oneshot::channel().0);
        self.waiting.borrow_mut().push((self.transaction, caller));
    }
}

impl Handler<Commit> for StoreActor {
    type Result = Deferred;

    fn handle(&mut self, Commit(transaction): Commit, ctx: &mut Self::Context) -> Self::Result {
        self.schedule(ctx);
        Deferred { transaction, waiting: self.waiting.clone() }
    }
}
