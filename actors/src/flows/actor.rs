//! The actor of a shard: it has no mind of its own, and carries out what [`Shard`] wants done.

use core::mem;
use std::sync::Arc;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle, WrapFuture};
use boxoffice_core::flow::FlowId;
use boxoffice_core::flow::shard::{DuePage, Effect, FlowCommand, Performance, Shard, ShardLost, read_due_page};
use boxoffice_core::persist::{Backend, CommitOutcome, Fault, Seq, Transaction};
use boxoffice_core::time::Timestamp;
use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::claim::{Loaded, Reply, claim, load};
use super::messages::{Ask, Done, Drain, Ending, FromShard, Lifeline, Surroundings};
use crate::stats::Counters;
use crate::under_way::UnderWay;

/// Journals that are read on the shards' own thread: the way to the reading thread and back takes longer than to read them.
const READ_HERE_MAX: usize = 4;

/// Runs the flows of one shard. See [`Shard`].
#[derive(Debug)]
pub(super) struct FlowShardActor {
    number: u8,
    house: Surroundings,
    /// None until it is claimed, and once it is lost.
    shard: Option<Shard<Reply>>,
    pumping: bool,
    committing: bool,
    timer: Option<(Timestamp, SpawnHandle)>,
    draining: Vec<oneshot::Sender<()>>,
    under_way: UnderWay<Self>,
    lifeline: Lifeline,
}

impl FlowShardActor {
    pub(super) fn new(house: Surroundings, lifeline: Lifeline) -> Self {
        Self {
            number: lifeline.shard,
            house,
            shard: None,
            pumping: false,
            committing: false,
            timer: None,
            draining: Vec::new(),
            under_way: UnderWay::new(),
            lifeline,
        }
    }

    /// Carries out what is to be done once the messages that are here already have been heard.
    fn pump_soon(&mut self, ctx: &mut Context<Self>) {
        if !mem::replace(&mut self.pumping, true) {
            ctx.spawn(core::future::ready(()).into_actor(self).map(|(), act, ctx| act.pump(ctx)));
        }
    }

    fn pump(&mut self, ctx: &mut Context<Self>) {
        self.pumping = false;
        let now = self.house.clock.now();
        let Some(shard) = &mut self.shard else { return };
        shard.tick(now);
        for effect in shard.take_effects() {
            self.carry_out(effect, ctx);
        }
        self.set_timer(ctx);
        self.check_drained(ctx);
    }

    fn carry_out(&mut self, effect: Effect<Reply>, ctx: &mut Context<Self>) {
        match effect {
            Effect::Load(flows) => self.load(flows, ctx),
            Effect::ReadDue(after, limit) => {
                let (backend, number) = (self.house.backend.clone(), self.number);
                let read = async move { read_due_page(&backend, number, after.as_ref(), limit).await };
                self.under_way.begin(ctx, read, |page, act: &mut Self, ctx| act.due_read(page, ctx));
            }
            Effect::Commit(transaction) => self.commit(transaction, ctx),
            Effect::Perform(request) => self.perform(request, ctx),
            Effect::Answer(reply, answer) => reply.send(Ok(answer)),
            Effect::StartChild { flow, input, parent } => {
                self.tell(flow.shard(), FromShard::StartChild { flow, input, parent }, ctx);
            }
            Effect::CancelChild { flow, parent } => {
                self.tell(flow.shard(), FromShard::CancelChild { flow, parent }, ctx);
            }
            Effect::ChildEnded { parent, end } => {
                self.tell(parent.flow.shard(), FromShard::ChildEnded { parent, end }, ctx);
            }
            Effect::Truncate(flow, needed) => self.truncate(flow, needed, ctx),
        }
    }

    fn load(&mut self, flows: Vec<FlowId>, ctx: &mut Context<Self>) {
        let store = self.house.backend.clone();
        let read = async move {
            if flows.len() <= READ_HERE_MAX {
                return load(store.reading_here(), flows).await;
            }
            store.on_reader(|backend| load(backend, flows)).await
        };
        self.under_way.begin(ctx, read, |read, act: &mut Self, ctx| act.loaded(read, ctx));
    }

    fn loaded(&mut self, read: Result<Vec<Loaded>, Fault>, ctx: &mut Context<Self>) {
        let read = match read {
            Ok(read) => read,
            Err(fault) => return self.fail(fault, ctx),
        };
        let now = self.house.clock.now();
        let Some(shard) = &mut self.shard else { return };
        let mut journals = Vec::with_capacity(read.len());
        for journal in read {
            match journal {
                Ok(journal) => journals.push(journal),
                Err((flow, reason)) => {
                    tracing::error!(%flow, reason, "journal cannot be read");
                    shard.unreadable(&flow, &reason);
                }
            }
        }
        shard.loaded(now, journals);
        self.pump(ctx);
    }

    fn due_read(&mut self, page: Result<DuePage, Fault>, ctx: &mut Context<Self>) {
        let now = self.house.clock.now();
        match (page, &mut self.shard) {
            (Ok(page), Some(shard)) => shard.due_read(now, page),
            (Err(fault), _) => return self.fail(fault, ctx),
            (Ok(_), None) => return,
        }
        self.pump(ctx);
    }

    fn commit(&mut self, transaction: Transaction, ctx: &mut Context<Self>) {
        self.committing = true;
        let counters = &self.house.counters;
        Counters::add(&counters.flow_batches);
        let events = transaction.appends.iter().map(|append| append.events.len()).sum();
        Counters::add_many(&counters.flow_events, events);
        let backend = self.house.backend.clone();
        let commit = async move { backend.commit_one(transaction).await };
        self.under_way.begin(ctx, commit, |result, act: &mut Self, ctx| act.committed(result, ctx));
    }

    fn committed(&mut self, result: Result<CommitOutcome, Fault>, ctx: &mut Context<Self>) {
        self.committing = false;
        let now = self.house.clock.now();
        let Some(shard) = &mut self.shard else { return };
        match shard.committed(now, result) {
            Ok(()) => self.pump(ctx),
            Err(lost) => self.lose(lost, ctx),
        }
    }

    fn perform(&mut self, request: Performance, ctx: &mut Context<Self>) {
        Counters::add(&self.house.counters.flow_requests);
        let (performers, own) = (self.house.performers.clone(), ctx.address());
        let (flow, run, ordinal) = (request.flow.clone(), request.run, request.ordinal);
        let mut performing = Box::pin(async move { performers.perform(request).await });
        // What is done at once is spared the way to another thread and back.
        if let Some(result) = (&mut performing).now_or_never() {
            return self.done(Done { flow, run, ordinal, result }, ctx);
        }
        let rest = async move {
            let result = performing.await;
            if own.send(Done { flow, run, ordinal, result }).await.is_err() {
                tracing::debug!("the shard that asked for this has ended");
            }
        };
        if !self.house.performing.spawn(rest) {
            tracing::debug!("requests are not carried out any more");
        }
    }

    fn done(&mut self, done: Done, ctx: &mut Context<Self>) {
        let now = self.house.clock.now();
        let Some(shard) = &mut self.shard else { return };
        let Done { flow, run, ordinal, result } = done;
        match result {
            Ok(performed) => shard.performed(now, &flow, run, ordinal, performed),
            Err(why) => shard.unperformed(now, &flow, run, ordinal, |_| why),
        }
        self.pump_soon(ctx);
    }

    /// Tells a shard, once it is up. Should it end meanwhile, its successor asks for what it needs.
    fn tell(&mut self, shard: u8, word: FromShard, ctx: &mut Context<Self>) {
        if shard == self.number {
            return self.hear(word, ctx);
        }
        let shards = Arc::clone(&self.house.shards);
        let tell = async move {
            if let (_, Some(actor)) = shards.seat(shard)
                && actor.send(word).await.is_err()
            {
                tracing::debug!(shard, "a shard ended before it could be told");
            }
        };
        self.under_way.begin(ctx, tell, |(), _, _| ());
    }

    fn hear(&mut self, word: FromShard, ctx: &mut Context<Self>) {
        let now = self.house.clock.now();
        let Some(shard) = &mut self.shard else { return };
        match word {
            FromShard::StartChild { flow, input, parent } => shard.start_child(now, flow, input, parent),
            FromShard::CancelChild { flow, parent } => shard.cancel_child(now, flow, parent),
            FromShard::ChildEnded { parent, end } => shard.child_ended(now, parent, end),
            FromShard::Reborn(other) => shard.neighbour_restarted(now, other),
        }
        self.pump_soon(ctx);
    }

    fn truncate(&mut self, flow: FlowId, needed: Seq, ctx: &mut Context<Self>) {
        let backend = self.house.backend.clone();
        let truncate = async move {
            let through = Seq::new(needed.get().saturating_sub(1));
            if let Err(fault) = backend.truncate(&flow.stream(), through).await {
                tracing::warn!(%flow, %fault, "the first runs of a flow are kept for now");
            }
        };
        self.under_way.begin(ctx, truncate, |(), _, _| ());
    }

    /// One timer for all flows of the shard.
    fn set_timer(&mut self, ctx: &mut Context<Self>) {
        let next = self.shard.as_ref().and_then(Shard::next_tick);
        if next == self.timer.as_ref().map(|(at, _)| *at) {
            return;
        }
        if let Some((_, handle)) = self.timer.take() {
            ctx.cancel_future(handle);
        }
        let Some(at) = next else { return };
        let over = self.house.clock.sleep_until(at);
        let handle = ctx.spawn(over.into_actor(self).map(|(), act, ctx| {
            act.timer = None;
            act.pump(ctx);
        }));
        self.timer = Some((at, handle));
    }

    fn fail(&mut self, fault: Fault, ctx: &mut Context<Self>) {
        self.lose(ShardLost::Failed { shard: self.number, fault }, ctx);
    }

    /// Gives the shard up. Whoever waits is told, by the end of the place for its answer.
    fn lose(&mut self, lost: ShardLost, ctx: &mut Context<Self>) {
        self.shard = None;
        self.lifeline.why = Some(Ending::Lost(lost));
        ctx.stop();
    }

    fn check_drained(&mut self, ctx: &mut Context<Self>) {
        if self.draining.is_empty() || self.committing {
            return;
        }
        self.shard = None;
        self.lifeline.why = Some(Ending::Drained);
        for drained in mem::take(&mut self.draining) {
            if drained.send(()).is_err() {
                tracing::debug!("nobody waits for the end of a shard");
            }
        }
        ctx.stop();
    }

    fn claimed(&mut self, claimed: Result<Option<Shard<Reply>>, Fault>, ctx: &mut Context<Self>) {
        match claimed {
            Ok(Some(shard)) => {
                self.shard = Some(shard);
                self.pump(ctx);
            }
            Ok(None) => self.lose(ShardLost::Fenced(self.number), ctx),
            Err(fault) => self.fail(fault, ctx),
        }
    }
}

impl Actor for FlowShardActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.house.waiting_max);
        let claim = claim(self.house.clone(), self.number);
        // `wait`: what arrives meanwhile is heard by the owner.
        ctx.wait(claim.into_actor(self).map(|claimed, act, ctx| act.claimed(claimed, ctx)));
    }
}

impl Handler<Ask> for FlowShardActor {
    type Result = ();

    fn handle(&mut self, ask: Ask, ctx: &mut Self::Context) {
        let Some(shard) = self.shard.as_mut().filter(|_| self.draining.is_empty()) else { return };
        let Ask { flow, command, mut reply } = ask;
        // All others may be said twice.
        if matches!(command, FlowCommand::Signal { id: None, .. }) {
            reply.accept();
        }
        shard.command(self.house.clock.now(), flow, command, reply);
        self.pump_soon(ctx);
    }
}

impl Handler<FromShard> for FlowShardActor {
    type Result = ();

    fn handle(&mut self, word: FromShard, ctx: &mut Self::Context) {
        self.hear(word, ctx);
    }
}

impl Handler<Done> for FlowShardActor {
    type Result = ();

    fn handle(&mut self, done: Done, ctx: &mut Self::Context) {
        self.done(done, ctx);
    }
}

impl Handler<Drain> for FlowShardActor {
    type Result = ();

    fn handle(&mut self, Drain(drained): Drain, ctx: &mut Self::Context) {
        self.draining.push(drained);
        self.pump_soon(ctx);
    }
}
