//! The owner of one occurrence: the actor around the pure [`Owner`].

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::panic::catch_unwind;
use std::sync::Arc;

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, SpawnHandle, WrapFuture,
};
use boxoffice_core::booking::{
    BookingOutcome, BookingReply, Owner, SeatLedger, Submission, Submitted, Terms, booking_stream, save_ledger,
};
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::persist::{Backend, CommitOutcome, Failed, Fault, RecordedEvent, Seq};
use boxoffice_core::schedule::{AsOf, load_series, series_stream};
use boxoffice_core::time::Timestamp;

use crate::directory::{Directory, Ending};
use crate::error::BoxOfficeError;
use crate::reply::ReplyTo;
use crate::stats::Counters;
use crate::store::{Commit, StoreActor};
use crate::system::Reader;

/// Lost commits in a row after which the requests are given back: somebody writes this stream without pause.
const CONFLICTS_MAX: u32 = 64;
/// Events read at a time when catching up.
const PAGE: usize = 4_096;

/// Decide a command for this occurrence.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Decide {
    /// What is asked, and what it is bound to.
    pub asked: Submission,
    /// Where the answer goes.
    pub reply: ReplyTo<BookingReply>,
}

/// Look at the ledger as it is durable.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Inspect {
    /// Looks, and sends what it saw to whoever asked. A panic in it ends with the look.
    pub look: Box<dyn FnOnce(&SeatLedger) + Send>,
}

impl core::fmt::Debug for Inspect {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Inspect").finish_non_exhaustive()
    }
}

/// Take no more requests, answer those that wait, and end.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Drain;

/// What an owner needs of the house it lives in.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) store: Addr<StoreActor>,
    pub(crate) reader: Reader,
    pub(crate) clock: Arc<dyn crate::clock::Clock>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) settings: Settings,
    /// Counts group commits.
    pub(crate) committed: tokio::sync::watch::Receiver<u64>,
}

/// What the builder sets for every owner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) idle_after: Duration,
    pub(crate) waiting_max: usize,
    pub(crate) snapshot_every: u64,
}

/// Owns one booking stream: decides its commands one after the other, in order of arrival.
///
/// Every handler is synchronous, so nothing interleaves. Decisions are folded at once and written in batches; while
/// one batch is on its way to the disk the next one gathers. Replies leave when the facts they rest on are durable.
#[derive(Debug)]
pub struct OccurrenceActor {
    occurrence: OccurrenceId,
    owner: Owner<ReplyTo<BookingReply>>,
    house: Surroundings,
    flush_scheduled: bool,
    conflicts: u32,
    snapshot_seq: Seq,
    last_used: Timestamp,
    timer: Option<(Timestamp, SpawnHandle)>,
    draining: bool,
    /// Tells the directory when the actor is gone, however it went.
    ending: Ending,
}

impl OccurrenceActor {
    pub(crate) fn new(occurrence: OccurrenceId, loaded: Loaded, house: Surroundings, ending: Ending) -> Self {
        let stream = booking_stream(&occurrence);
        let last_used = house.clock.now();
        let owner = Owner::new(stream, loaded.ledger, house.settings.waiting_max).under(loaded.terms);
        Self {
            occurrence,
            owner,
            house,
            flush_scheduled: false,
            conflicts: 0,
            snapshot_seq: loaded.snapshot_seq,
            last_used,
            timer: None,
            draining: false,
            ending,
        }
    }

    /// Writes what is decided, once the messages that are already here are decided too.
    fn schedule_flush(&mut self, ctx: &mut Context<Self>) {
        if !core::mem::replace(&mut self.flush_scheduled, true) {
            ctx.spawn(core::future::ready(()).into_actor(self).map(|(), act, ctx| act.flush(ctx)));
        }
    }

    fn flush(&mut self, ctx: &mut Context<Self>) {
        self.flush_scheduled = false;
        if let Some(transaction) = self.owner.next_transaction() {
            let commit = self.house.store.send(Commit(transaction));
            ctx.spawn(commit.into_actor(self).map(|outcome, act, ctx| {
                let lost = |_| Err(Fault::Unknown { reason: "the store's writer ended".into() });
                act.resolve(outcome.unwrap_or_else(lost), ctx);
            }));
        } else {
            self.rest(ctx);
        }
        self.arm(ctx);
    }

    fn resolve(&mut self, outcome: Result<CommitOutcome, Fault>, ctx: &mut Context<Self>) {
        match outcome {
            Ok(CommitOutcome::Done(_) | CommitOutcome::Already(_)) => {
                self.conflicts = 0;
                let replies = self.owner.committed();
                self.answer(replies);
                self.flush(ctx);
            }
            Ok(CommitOutcome::Conflict(failed)) => self.catch_up(&failed, ctx),
            Ok(refused @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused)) => {
                let reason = format!("the store does not take booking events: {refused:?}").into();
                self.fail(&Fault::Unavailable { reason }, ctx);
            }
            Err(fault) => self.fail(&fault, ctx),
        }
    }

    /// Somebody was quicker: another owner, another booking of the same attendee, a change of the definition. Reads what is
    /// new and decides again. Nothing else happens meanwhile.
    fn catch_up(&mut self, failed: &[Failed], ctx: &mut Context<Self>) {
        self.conflicts += 1;
        Counters::add(&self.house.counters.conflicts);
        self.owner.conflicted(failed);
        tracing::debug!(stream = %self.owner.stream(), seq = %self.owner.seq(), "somebody was quicker");
        if self.conflicts > CONFLICTS_MAX {
            let reason = "others that write of the occurrence are always quicker".into();
            return self.fail(&Fault::Unavailable { reason }, ctx);
        }
        let (backend, stream, after) = (self.house.backend.clone(), self.owner.stream().clone(), self.owner.seq());
        let occurrence = self.occurrence.clone();
        let news = self.house.reader.run(async move {
            Ok((read_tail(&*backend, &stream, after).await?, load_terms(&*backend, &occurrence).await?))
        });
        ctx.wait(news.into_actor(self).map(|news, act, ctx| {
            let now = act.house.clock.now();
            match news.and_then(|(tail, terms)| act.owner.caught_up(&tail, Some(terms), now)) {
                Ok(replies) => {
                    act.answer(replies);
                    act.flush(ctx);
                }
                Err(fault) => act.fail(&fault, ctx),
            }
        }));
    }

    fn answer(&self, replies: Vec<(ReplyTo<BookingReply>, BookingReply)>) {
        for (to, reply) in replies {
            self.answer_one(to, reply);
        }
    }

    fn answer_one(&self, to: ReplyTo<BookingReply>, reply: BookingReply) {
        if !matches!(reply.outcome, BookingOutcome::Unchecked | BookingOutcome::Recall) {
            Counters::add(&self.house.counters.answered);
        }
        if reply.outcome.is_accepted() {
            Counters::add(&self.house.counters.accepted);
        }
        tracing::debug!(stream = %self.owner.stream(), seq = %reply.seq, outcome = reply.outcome.name(), "answered");
        to.send(Ok(reply));
    }

    /// The store failed: what is in memory can no longer be trusted. Everybody is told, and the actor ends. The next
    /// request starts a new one from the stream.
    fn fail(&mut self, fault: &Fault, ctx: &mut Context<Self>) {
        tracing::warn!(stream = %self.owner.stream(), %fault, "owner ends");
        for to in self.owner.abandon() {
            to.send(Err(fault.clone().into()));
        }
        self.ending.failed();
        ctx.stop();
    }

    /// Sets the one timer to the nearest instant at which there is something to do.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        let due = match self.owner.next_deadline() {
            // It stays until its holds are gone, however idle it is.
            Some(deadline) => deadline,
            None if self.owner.is_settled() => self.last_used + self.house.settings.idle_after,
            // What is on its way comes back, and arms the timer then.
            None => return,
        };
        // A timer that is early is let run: it looks and arms itself again.
        if self.timer.as_ref().is_some_and(|(at, _)| *at <= due) {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        let wait = self.house.clock.sleep_until(due);
        let timer = ctx.spawn(wait.into_actor(self).map(|(), act, ctx| act.tick(ctx)));
        self.timer = Some((due, timer));
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        self.timer = None;
        let now = self.house.clock.now();
        self.owner.lapse(now);
        self.flush(ctx);
    }

    /// Ends the actor if nobody needs it: it is drained, or idle with nothing held.
    fn rest(&mut self, ctx: &mut Context<Self>) {
        if !self.owner.is_settled() {
            return;
        }
        let idle = self.house.clock.now() >= self.last_used + self.house.settings.idle_after;
        if self.draining || (idle && self.owner.next_deadline().is_none()) {
            if !self.draining {
                Counters::add(&self.house.counters.passivations);
            }
            self.save_snapshot();
            tracing::debug!(stream = %self.owner.stream(), seq = %self.owner.seq(), "owner at rest");
            self.ending.rested();
            ctx.stop();
        }
    }

    /// Saves the ledger when enough was written since the last time. A snapshot only saves time later on, so nobody
    /// waits for it and its failure is only noted.
    fn save_snapshot(&mut self) {
        let written = self.owner.seq().get() - self.snapshot_seq.get();
        // A full house is as long as its snapshot: writing one for each few bookings would cost more than it saves.
        if written < self.house.settings.snapshot_every.max(self.owner.look(SeatLedger::taken)) {
            return;
        }
        let ledger = self.owner.look(SeatLedger::clone);
        let (backend, occurrence) = (self.house.backend.clone(), self.occurrence.clone());
        self.house.reader.spawn(async move {
            if let Err(fault) = save_ledger(&*backend, &occurrence, &ledger).await {
                tracing::warn!(%fault, "snapshot was not saved");
            }
        });
    }
}

/// A ledger, as of which event its snapshot was taken, and under which terms it is.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) ledger: SeatLedger,
    pub(crate) snapshot_seq: Seq,
    pub(crate) terms: Terms,
}

/// What the definition of an occurrence says of its bookings now.
pub(crate) async fn load_terms(backend: &dyn Backend, occurrence: &OccurrenceId) -> Result<Terms, Fault> {
    let series = load_series(backend, occurrence.series(), AsOf::Now).await?;
    let policies = series.policies(occurrence.recurrence()).next().is_some();
    Ok(Terms { stream: series_stream(occurrence.series()), seq: series.seq(), policies })
}

async fn read_tail(
    backend: &dyn Backend,
    stream: &boxoffice_core::persist::StreamName,
    after: Seq,
) -> Result<Vec<RecordedEvent>, Fault> {
    let mut tail: Vec<RecordedEvent> = Vec::new();
    loop {
        let from = after.plus(tail.len() as u64).next();
        let page = backend.read(stream, from, PAGE).await?;
        let last = page.len() < PAGE;
        tail.extend(page);
        if last {
            return Ok(tail);
        }
    }
}

impl Actor for OccurrenceActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.house.settings.waiting_max);
        self.arm(ctx);
    }
}

impl Handler<Decide> for OccurrenceActor {
    type Result = ();

    fn handle(&mut self, Decide { asked, mut reply }: Decide, ctx: &mut Self::Context) {
        if self.draining {
            return reply.send(Err(BoxOfficeError::ShutDown));
        }
        reply.accept();
        let now = self.house.clock.now();
        self.last_used = now;
        match self.owner.submit(asked, reply, now) {
            Submitted::Answered(reply, answer) => self.answer_one(reply, answer),
            Submitted::Waits => self.schedule_flush(ctx),
            Submitted::Busy(reply) => {
                Counters::add(&self.house.counters.busy);
                reply.send(Err(BoxOfficeError::Busy));
            }
        }
    }
}

impl Handler<Inspect> for OccurrenceActor {
    type Result = ();

    fn handle(&mut self, Inspect { look }: Inspect, _ctx: &mut Self::Context) {
        self.last_used = self.house.clock.now();
        let looked = self.owner.look(|ledger| catch_unwind(AssertUnwindSafe(|| look(ledger))));
        if looked.is_err() {
            tracing::error!(stream = %self.owner.stream(), "an inspection panicked");
        }
    }
}

impl Handler<Drain> for OccurrenceActor {
    type Result = ();

    fn handle(&mut self, Drain: Drain, ctx: &mut Self::Context) {
        self.draining = true;
        self.schedule_flush(ctx);
    }
}
