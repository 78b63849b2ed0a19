//! The owner of one occurrence: the actor around the pure [`Owner`].

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::panic::catch_unwind;
use std::sync::Arc;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, SpawnHandle, WrapFuture};
use boxoffice_core::booking::{
    BookingOutcome, BookingReply, Owner, SeatLedger, Submission, Submitted, booking_stream, save_ledger,
};
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::persist::{CommitOutcome, Failed, Fault, Seq};
use boxoffice_core::time::Timestamp;

use crate::board::Board;
use crate::directory::Ending;
use crate::error::BoxOfficeError;
use crate::house::Surroundings;
use crate::load::{Loaded, load_terms, read_tail};
use crate::reply::ReplyTo;
use crate::stats::Counters;
use crate::store::Commit;

/// Lost commits in a row after which the requests are given back: somebody writes this stream without pause.
const CONFLICTS_MAX: u32 = 64;
/// How often an owner that is watched looks for what others wrote, if there are others.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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
    pub look: Look,
}

/// Looks at a ledger, or is told why it cannot.
pub type Look = Box<dyn FnOnce(Result<&SeatLedger, BoxOfficeError>) + Send>;

impl core::fmt::Debug for OccurrenceActor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OccurrenceActor").field("owner", &self.owner).finish_non_exhaustive()
    }
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

/// Rest at once if nothing is on its way: there are too many owners.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Rest;

/// Owns one booking stream: decides its commands one after the other, in order of arrival.
///
/// Every handler is synchronous, so nothing interleaves. Decisions are folded at once and written in batches; while
/// one batch is on its way to the disk the next one gathers. Replies leave when the facts they rest on are durable.
pub struct OccurrenceActor {
    occurrence: OccurrenceId,
    owner: Owner<ReplyTo<BookingReply>>,
    house: Surroundings,
    board: Arc<Board>,
    /// Those who want to look, once the next batch has shown that nobody else has written; and those whose batch is under
    /// way. Only beside others.
    looks: Vec<Look>,
    looking: Vec<Look>,
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
    pub(crate) fn new(
        occurrence: OccurrenceId,
        loaded: Loaded,
        house: Surroundings,
        board: Arc<Board>,
        ending: Ending,
    ) -> Self {
        let stream = booking_stream(&occurrence);
        let last_used = house.clock.now();
        board.used(last_used);
        let mut owner = Owner::new(stream, loaded.ledger, house.settings.waiting_max).under(loaded.terms);
        if house.settings.beside_others {
            owner = owner.beside_others();
        }
        if loaded.woken.is_some() {
            owner = owner.woken_at(loaded.woken);
        }
        Self {
            occurrence,
            owner,
            house,
            board,
            looks: Vec::new(),
            looking: Vec::new(),
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
            self.looking.append(&mut self.looks);
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
                self.show();
                self.answer(replies);
                for look in core::mem::take(&mut self.looking) {
                    self.look(look);
                }
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
        self.looks.append(&mut self.looking);
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
                    act.show();
                    act.answer(replies);
                    act.flush(ctx);
                }
                Err(fault) => act.fail(&fault, ctx),
            }
        }));
    }

    /// Shows what is durable, before anybody is answered: whoever has an answer and looks sees no less than it says.
    fn show(&self) {
        self.board.show(self.owner.count(), self.owner.waiting());
    }

    fn look(&mut self, look: Look) {
        let looked = self.owner.look(|ledger| catch_unwind(AssertUnwindSafe(|| look(Ok(ledger)))));
        if looked.is_err() {
            tracing::error!(stream = %self.owner.stream(), "an inspection panicked");
        }
    }

    fn used(&mut self) -> Timestamp {
        self.last_used = self.house.clock.now();
        self.board.used(self.last_used);
        self.last_used
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
        for look in self.looks.drain(..).chain(self.looking.drain(..)) {
            look(Err(fault.clone().into()));
        }
        self.ending.failed();
        ctx.stop();
    }

    /// Sets the one timer to the nearest instant at which there is something to do.
    fn arm(&mut self, ctx: &mut Context<Self>) {
        let deadline = self.owner.next_deadline();
        // What is on its way comes back, and arms the timer then.
        let now = self.house.clock.now();
        let idle = self.owner.is_settled().then_some(self.last_used + self.house.settings.idle_after);
        // Once that is past something else keeps it here.
        let idle = idle.filter(|idle| *idle > now);
        let others = self.follows_others().then(|| now + LOOK_EVERY);
        let Some(due) = [deadline, idle, others].into_iter().flatten().min() else { return };
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

    /// Whether somebody watches what others may change.
    fn follows_others(&self) -> bool {
        self.house.settings.beside_others && self.board.is_watched()
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        self.timer = None;
        let now = self.house.clock.now();
        self.owner.lapse(now);
        if self.follows_others() {
            self.owner.check();
        }
        self.flush(ctx);
    }

    /// Ends the actor if nobody needs it: it is drained, or idle with nothing held that lapses soon.
    fn rest(&mut self, ctx: &mut Context<Self>) {
        let now = self.house.clock.now();
        let idle_after = self.house.settings.idle_after;
        let idle = now >= self.last_used + idle_after && !self.follows_others();
        let soon = self.owner.next_deadline().is_some_and(|deadline| deadline < now + idle_after);
        if self.draining || (idle && !soon) {
            self.end(ctx);
        }
    }

    /// Ends the actor, if nothing is on its way. It is started again when somebody asks, or when a hold is to lapse.
    fn end(&mut self, ctx: &mut Context<Self>) {
        if !self.owner.is_settled() {
            return;
        }
        if !self.draining {
            Counters::add(&self.house.counters.passivations);
        }
        self.save_snapshot();
        tracing::debug!(stream = %self.owner.stream(), seq = %self.owner.seq(), "owner at rest");
        self.ending.rested(self.owner.next_deadline());
        ctx.stop();
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

impl Actor for OccurrenceActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.house.settings.waiting_max);
        self.schedule_flush(ctx);
    }
}

impl Handler<Decide> for OccurrenceActor {
    type Result = ();

    fn handle(&mut self, Decide { asked, mut reply }: Decide, ctx: &mut Self::Context) {
        if self.draining {
            return reply.send(Err(BoxOfficeError::ShutDown));
        }
        reply.accept();
        let now = self.used();
        match self.owner.submit(asked, reply, now) {
            Submitted::Answered(reply, answer) => self.answer_one(reply, answer),
            Submitted::Waits => self.schedule_flush(ctx),
            Submitted::Busy(reply) => reply.send(Err(self.house.busy())),
        }
    }
}

impl Handler<Inspect> for OccurrenceActor {
    type Result = ();

    fn handle(&mut self, Inspect { look }: Inspect, ctx: &mut Self::Context) {
        self.used();
        if !self.house.settings.beside_others {
            self.look(look);
        } else if self.looks.len() >= self.house.settings.waiting_max {
            look(Err(self.house.busy()));
        } else {
            self.looks.push(look);
            self.owner.check();
            self.schedule_flush(ctx);
        }
    }
}

impl Handler<Rest> for OccurrenceActor {
    type Result = ();

    fn handle(&mut self, Rest: Rest, ctx: &mut Self::Context) {
        if !self.flush_scheduled {
            self.end(ctx);
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
