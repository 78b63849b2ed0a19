//! The actor of a channel: a queue, and what is under way.

use core::mem;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, SpawnHandle, WrapFuture};
use boxoffice_core::flow::shard::Performed;
use boxoffice_core::id::NoticeId;
use boxoffice_core::notify::{Attempt, Letter, Notice, SendOutcome, SentMark, SentState, sent_key, thread_key};
use boxoffice_core::persist::{Backend, Fault, Key, KvWrite, Payload, Transaction};
use boxoffice_core::time::Timestamp;
use tokio::sync::oneshot;

use super::answers::{Asker, Askers, Lately};
use super::gate::{Gate, Way};
use super::lease::{read_lease, write_lease};
use super::prepare::{House, Prepared, Sent, prepare, send, short};
use super::threads::Threads;
use crate::under_way::UnderWay;

/// How long nothing is tried after the store failed.
const STORE_REST: Duration = Duration::from_secs(1);

/// Deliver a notice.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Deliver {
    pub(super) notice: Notice,
    pub(super) asker: Asker,
}

/// Let nothing more through, and say when all that is under way has come to something.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Drain(pub(super) oneshot::Sender<()>);

/// A notice that waits.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) notice: Notice,
    /// The key of its thread: worked out once.
    pub(super) thread: Option<Key>,
    arrived: Timestamp,
    /// A mark after which nothing was sent.
    tried: Option<Payload>,
}

/// Sends the notices of one channel.
///
/// Who comes first is let through first, as far as the window, the circuit breaker and the rate allow; flows wait for it here.
#[derive(Debug)]
pub(super) struct ChannelActor {
    house: Arc<House>,
    gate: Gate,
    queue: VecDeque<Job>,
    /// Who waits for notices in the queue or under way.
    askers: Askers,
    lately: Lately,
    threads: Threads,
    preparing: usize,
    sending: usize,
    recording: usize,
    leasing: bool,
    /// The store failed: nothing before then.
    rest: Option<Timestamp>,
    timer: Option<(Timestamp, SpawnHandle)>,
    draining: Vec<oneshot::Sender<()>>,
    under_way: UnderWay<Self>,
}

impl ChannelActor {
    pub(super) fn new(house: Arc<House>) -> Self {
        let gate = Gate::new(&house.name, house.breaker.clone(), None, None);
        Self {
            house,
            gate,
            queue: VecDeque::new(),
            askers: Askers::default(),
            lately: Lately::default(),
            threads: Threads::default(),
            preparing: 0,
            sending: 0,
            recording: 0,
            leasing: false,
            rest: None,
            timer: None,
            draining: Vec::new(),
            under_way: UnderWay::new(),
        }
    }

    /// Lets through what may be.
    fn pump(&mut self, ctx: &mut Context<Self>) {
        let now = self.house.clock.now();
        while self.draining.is_empty() && !self.leasing && self.preparing + self.sending < self.house.window {
            if self.queue.is_empty() {
                break;
            }
            match self.way(now) {
                Way::Open => {
                    let Some(job) = self.queue.pop_front() else { break };
                    if let Some(job) = self.threads.enter(job) {
                        self.prepare(job, ctx);
                    }
                }
                Way::Until(at) => {
                    self.set_timer(at, ctx);
                    break;
                }
                Way::Lease(lease) => self.lease(lease, ctx),
                Way::Shut => break,
            }
        }
        self.show();
        self.check_drained(ctx);
    }

    fn way(&mut self, now: Timestamp) -> Way {
        match self.rest {
            Some(rest) if now < rest => Way::Until(rest),
            Some(_) | None => {
                self.rest = None;
                self.gate.way(now, self.preparing)
            }
        }
    }

    fn show(&self) {
        let mut board = self.house.board.lock();
        board.in_flight = self.preparing + self.sending;
        board.breaker = self.gate.breaker();
    }

    /// One timer for the whole channel.
    fn set_timer(&mut self, at: Timestamp, ctx: &mut Context<Self>) {
        match self.timer.take() {
            Some(timer) if timer.0 == at => return self.timer = Some(timer),
            Some((_, handle)) => drop(ctx.cancel_future(handle)),
            None => {}
        }
        let over = self.house.clock.sleep_until(at);
        let handle = ctx.spawn(over.into_actor(self).map(|(), act, ctx| {
            act.timer = None;
            act.pump(ctx);
        }));
        self.timer = Some((at, handle));
    }

    fn lease(&mut self, lease: Timestamp, ctx: &mut Context<Self>) {
        self.leasing = true;
        let house = Arc::clone(&self.house);
        let commit = async move { write_lease(&house, lease).await };
        ctx.spawn(commit.into_actor(self).map(move |result, act, ctx| {
            act.leasing = false;
            match result {
                Ok(()) => act.gate.lease(lease),
                Err(fault) => act.rest_of(&fault),
            }
            act.pump(ctx);
        }));
    }

    fn rest_of(&mut self, fault: &Fault) {
        tracing::warn!(channel = %self.house.name, %fault, "the store failed; letters wait");
        self.rest = Some(self.house.clock.now() + STORE_REST);
    }

    fn prepare(&mut self, job: Job, ctx: &mut Context<Self>) {
        self.preparing += 1;
        let preparing = prepare(Arc::clone(&self.house), job.notice.clone(), job.thread.clone(), job.tried.clone());
        self.under_way.begin(ctx, preparing, move |prepared, act: &mut Self, ctx| {
            act.preparing -= 1;
            act.prepared(job, prepared, ctx);
            act.pump(ctx);
        });
    }

    fn prepared(&mut self, job: Job, prepared: Result<Prepared, Fault>, ctx: &mut Context<Self>) {
        let now = self.house.clock.now();
        let over = job.notice.over(self.threads.said(&job), now);
        match (prepared, over) {
            (Ok(Prepared::Answer(attempt, write)), _) => self.answer(&job, &attempt, Vec::from_iter(write), ctx),
            (Ok(Prepared::Letter(..)), Some(why)) => {
                self.answer(&job, &Attempt::Never { why }, Vec::new(), ctx);
            }
            // It looks again when its turn comes: what its recipient wants may have changed.
            (Ok(Prepared::Letter(..)), None) if !self.draining.is_empty() || !self.gate.take(now) => self.put_back(job),
            (Ok(Prepared::Letter(letter, found)), None) => {
                self.house.board.let_through(now.saturating_since(job.arrived));
                self.send(job, *letter, found, ctx);
            }
            (Err(fault), _) => {
                self.rest_of(&fault);
                self.put_back(job);
            }
        }
    }

    /// It was not its turn yet.
    fn put_back(&mut self, job: Job) {
        self.release(&job);
        self.queue.push_front(job);
    }

    /// Lets other words of the notice's thread through.
    fn release(&mut self, job: &Job) {
        let waited = self.threads.leave(job);
        waited.into_iter().rev().for_each(|job| self.queue.push_front(job));
    }

    fn send(&mut self, job: Job, letter: Letter, found: Option<Payload>, ctx: &mut Context<Self>) {
        self.sending += 1;
        let sending = send(Arc::clone(&self.house), letter, found);
        self.under_way.begin(ctx, sending, move |sent, act: &mut Self, ctx| {
            act.sending -= 1;
            act.sent(job, sent, ctx);
            act.pump(ctx);
        });
    }

    fn sent(&mut self, mut job: Job, sent: Sent, ctx: &mut Context<Self>) {
        let now = self.house.clock.now();
        match sent {
            Sent::Outcome(outcome, mark) => {
                self.gate.sent(&outcome, now);
                let (attempt, write) = self.concluded(&job.notice.id, outcome, mark, now);
                // What may have been said counts as said.
                let said = match &attempt {
                    Attempt::Ok { .. } | Attempt::Uncertain { .. } => self.threads.sent(&job),
                    Attempt::Retry { .. }
                    | Attempt::Permanent { .. }
                    | Attempt::Later { .. }
                    | Attempt::Never { .. } => None,
                };
                self.answer(&job, &attempt, write.into_iter().chain(said).collect(), ctx);
            }
            Sent::Changed => {
                self.gate.unsent(now);
                self.put_back(job);
            }
            Sent::Fault(fault, tried) => {
                self.gate.unsent(now);
                self.rest_of(&fault);
                job.tried = Some(tried);
                self.put_back(job);
            }
        }
    }

    /// What an attempt comes to for the flow, and for the ledger.
    fn concluded(
        &self,
        id: &NoticeId,
        outcome: SendOutcome,
        mark: Option<SentMark>,
        now: Timestamp,
    ) -> (Attempt, Option<KvWrite>) {
        let name = &self.house.name;
        match outcome {
            SendOutcome::Ok { info } => {
                let sent = SentMark::new(SentState::Sent, id, now);
                (Attempt::Ok { info: short(info), uncertain: false }, Some(sent.put(name)))
            }
            SendOutcome::Retry { reason, after, .. } => {
                let clear = mark.map(|_| KvWrite::Delete(sent_key(name, id)));
                (Attempt::Retry { reason: short(reason), after }, clear)
            }
            SendOutcome::Permanent { reason } => {
                let failed = SentMark::new(SentState::Failed, id, now);
                (Attempt::Permanent { reason: short(reason) }, Some(failed.put(name)))
            }
            SendOutcome::Uncertain { reason } => {
                let mark = mark.unwrap_or_else(|| SentMark::new(SentState::Attempting, id, now));
                self.house.doubt.doubtful(name, &mark, short(reason), now)
            }
        }
    }

    /// Answers whoever asked for the notice.
    fn answer(&mut self, job: &Job, attempt: &Attempt, writes: Vec<KvWrite>, ctx: &mut Context<Self>) {
        let notice = &job.notice;
        self.release(job);
        self.house.board.answered(attempt, &self.house.counters);
        let parting = !self.draining.is_empty() || self.askers.are_gone(&notice.id);
        if parting && !writes.is_empty() {
            // The flows are gone, or may be before they can write it.
            self.record(writes.clone(), ctx);
        }
        let performed = match Payload::new(attempt) {
            Ok(outcome) => Performed { writes, ..Performed::new(outcome) },
            Err(error) => return tracing::error!(%error, "an attempt cannot be recorded"),
        };
        let taken = matches!(attempt, Attempt::Ok { .. });
        let others = self.askers.answer(&notice.id, &performed, taken);
        if let Some(key) = others.first {
            self.lately.put(notice.id.clone(), key, performed, taken);
        }
        for asker in others.left {
            self.take_up(notice.clone(), asker);
        }
    }

    fn record(&mut self, writes: Vec<KvWrite>, ctx: &mut Context<Self>) {
        self.recording += 1;
        let store = self.house.store.clone();
        let transaction = writes.into_iter().fold(Transaction::new(), Transaction::write);
        let commit = async move { store.commit_one(transaction).await };
        self.under_way.begin(ctx, commit, |result, act: &mut Self, ctx| {
            act.recording -= 1;
            if let Err(fault) = result {
                tracing::warn!(%fault, "what was sent last could not be noted");
            }
            act.check_drained(ctx);
        });
    }

    /// Puts a request into the queue, unless its notice is there.
    fn take_up(&mut self, notice: Notice, asker: Asker) {
        if self.askers.join(&notice.id, asker) {
            let thread = notice.thread.as_ref().map(|it| thread_key(&self.house.name, &notice.to, &it.about));
            self.queue.push_back(Job { notice, thread, arrived: self.house.clock.now(), tried: None });
        }
    }

    fn check_drained(&mut self, ctx: &mut Context<Self>) {
        if self.draining.is_empty() || self.preparing + self.sending + self.recording > 0 {
            return;
        }
        for drained in mem::take(&mut self.draining) {
            if drained.send(()).is_err() {
                tracing::debug!("nobody waits for the end of a channel");
            }
        }
        ctx.stop();
    }

    fn opened(&mut self, leased: Result<Option<Timestamp>, Fault>, ctx: &mut Context<Self>) {
        match leased {
            Ok(leased) => {
                self.gate = Gate::new(&self.house.name, self.house.breaker.clone(), self.house.rate, leased);
                self.pump(ctx);
            }
            Err(fault) => {
                tracing::error!(channel = %self.house.name, %fault, "the channel could not be opened");
                ctx.stop();
            }
        }
    }
}

impl Actor for ChannelActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let leased = read_lease(Arc::clone(&self.house));
        // `wait`: what arrives meanwhile is heard once the lease is known.
        ctx.wait(leased.into_actor(self).map(|leased, act, ctx| act.opened(leased, ctx)));
    }
}

impl Handler<Deliver> for ChannelActor {
    type Result = ();

    fn handle(&mut self, Deliver { notice, asker }: Deliver, ctx: &mut Self::Context) {
        if !self.draining.is_empty() {
            return;
        }
        if let Some(asker) = self.lately.answer(&notice.id, asker) {
            self.take_up(notice, asker);
            self.pump(ctx);
        }
    }
}

impl Handler<Drain> for ChannelActor {
    type Result = ();

    fn handle(&mut self, Drain(drained): Drain, ctx: &mut Self::Context) {
        self.draining.push(drained);
        self.check_drained(ctx);
    }
}
