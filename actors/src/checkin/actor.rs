//! The one owner of all gates of a box office.
//!
//! Scans that arrive while those of the same occurrence are on their way to the disk wait, and are then decided together and
//! recorded in one transaction. Before each round the gate reads what was booked and scanned since, and the transaction
//! demands that nothing was in between. Answers leave after the sync.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use boxoffice_core::checkin::{
    Gate, GateAttempt, GateCommand, GateReply, GateStatus, TicketRoster, attempt, load_gate,
};
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::persist::Fault;
use tokio::sync::oneshot;

use crate::error::BoxOfficeError;
use crate::house::Surroundings;
use crate::reply::ReplyTo;
use crate::shared_writer::SharedWriter;
use crate::stats::Counters;

/// Lost commits in a row after which the scans are given back: somebody writes these streams without pause.
/// While seats are sold as fast as the disk goes, each try is about as likely to lose as to win.
const CONFLICTS_MAX: u32 = 256;
/// Commands that are recorded in one transaction, but for those of one request, which are not parted.
pub(super) const COMMANDS_MAX: usize = 1_000;
/// Gates that are kept in memory while nobody asks for them.
const KEPT_MAX: usize = 16;

/// What is asked about a gate beside its commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Nothing,
    Status,
    Roster,
}

/// Decide commands at the gate of an occurrence, and say how it stands.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Ask {
    pub(super) occurrence: OccurrenceId,
    pub(super) commands: Vec<GateCommand>,
    pub(super) view: View,
    pub(super) reply: ReplyTo<Told>,
}

/// The answers to the commands, in their order, and what was asked beside.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) replies: Vec<GateReply>,
    pub(super) status: GateStatus,
    pub(super) roster: Option<TicketRoster>,
}

/// Take no more requests, and say when those that were taken are answered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Drain(pub(super) oneshot::Sender<()>);

/// The gate of one occurrence, and who waits for it.
#[derive(Debug, Default)]
struct Post {
    /// None before it was read, while a round is under way, and after a fault.
    gate: Option<Gate>,
    waiting: VecDeque<Ask>,
    busy: bool,
    used: u64,
}

/// Decides at all doors, one round at a time for each occurrence.
#[derive(Debug)]
pub(super) struct GateActor {
    house: Surroundings,
    posts: BTreeMap<OccurrenceId, Post>,
    /// Requests that were taken and not answered.
    open: usize,
    /// Counts rounds, to find the gate that was not used for longest.
    rounds: u64,
    drained: Option<oneshot::Sender<()>>,
}

impl GateActor {
    pub(super) fn new(house: Surroundings) -> Self {
        Self { house, posts: BTreeMap::new(), open: 0, rounds: 0, drained: None }
    }

    /// Decides what waits for an occurrence, unless a round of it is under way.
    fn begin(&mut self, occurrence: &OccurrenceId, ctx: &mut Context<Self>) {
        self.rounds += 1;
        let Some(post) = self.posts.get_mut(occurrence) else { return };
        if post.busy || post.waiting.is_empty() {
            return;
        }
        post.busy = true;
        post.used = self.rounds;
        let (mut asked, mut commands) = (Vec::new(), Vec::new());
        while let Some(mut ask) = post.waiting.pop_front() {
            ask.reply.accept();
            commands.append(&mut ask.commands.clone());
            asked.push(ask);
            if commands.len() >= COMMANDS_MAX {
                break;
            }
        }
        let decided = decide(self.house.clone(), occurrence.clone(), post.gate.take(), commands);
        let occurrence = occurrence.clone();
        ctx.spawn(decided.into_actor(self).map(move |decided, act, ctx| act.decided(&occurrence, asked, decided, ctx)));
    }

    fn decided(
        &mut self,
        occurrence: &OccurrenceId,
        asked: Vec<Ask>,
        decided: Result<(Gate, Vec<GateReply>), Fault>,
        ctx: &mut Context<Self>,
    ) {
        let gate = match decided {
            Ok((gate, replies)) => {
                self.answer(asked, &gate, replies);
                Some(gate)
            }
            Err(fault) => {
                tracing::warn!(%occurrence, %fault, "gate is given up");
                self.give_up(asked, &fault);
                None
            }
        };
        if let Some(post) = self.posts.get_mut(occurrence) {
            (post.gate, post.busy) = (gate, false);
        }
        self.begin(occurrence, ctx);
        self.forget();
        self.check_drained();
    }

    fn answer(&mut self, asked: Vec<Ask>, gate: &Gate, replies: Vec<GateReply>) {
        let mut replies = replies.into_iter();
        for ask in asked {
            let told = Told {
                replies: replies.by_ref().take(ask.commands.len()).collect(),
                status: if ask.view == View::Status { gate.ledger.status().clone() } else { GateStatus::default() },
                roster: (ask.view == View::Roster).then(|| TicketRoster::of(&gate.ledger, &gate.seats)),
            };
            told.replies.iter().for_each(|reply| self.count(reply));
            self.open -= 1;
            ask.reply.send(Ok(told));
        }
    }

    fn count(&self, reply: &GateReply) {
        let GateReply::Scanned(reply) = reply else { return };
        Counters::add(&self.house.counters.scans_answered);
        if reply.outcome.is_accepted() {
            Counters::add(&self.house.counters.scans_accepted);
        }
        if reply.conflict().is_some() {
            Counters::add(&self.house.counters.scan_conflicts);
        }
    }

    fn give_up(&mut self, asked: Vec<Ask>, fault: &Fault) {
        for ask in asked {
            self.open -= 1;
            ask.reply.send(Err(fault.clone().into()));
        }
    }

    /// Drops the gates that were not used for longest, when there are too many at rest.
    fn forget(&mut self) {
        let at_rest = |post: &Post| !post.busy && post.waiting.is_empty();
        while self.posts.values().filter(|post| at_rest(post)).count() > KEPT_MAX {
            let oldest = self.posts.iter().filter(|(_, post)| at_rest(post)).min_by_key(|(_, post)| post.used);
            let Some(oldest) = oldest.map(|(occurrence, _)| occurrence.clone()) else { return };
            self.posts.remove(&oldest);
        }
    }

    fn check_drained(&mut self) {
        if self.open > 0 {
            return;
        }
        if let Some(drained) = self.drained.take() {
            // Kept so that nothing is taken any more.
            self.drained = Some(oneshot::channel().0);
            if drained.send(()).is_err() {
                tracing::debug!("nobody waits for the end of the gates");
            }
        }
    }
}

/// Decides commands on all that is recorded, and again while others are quicker.
async fn decide(
    house: Surroundings,
    occurrence: OccurrenceId,
    mut gate: Option<Gate>,
    commands: Vec<GateCommand>,
) -> Result<(Gate, Vec<GateReply>), Fault> {
    let writer = SharedWriter::new(Arc::clone(&house.backend), house.store.clone(), house.reader.clone());
    for _ in 0..CONFLICTS_MAX {
        let (backend, of) = (Arc::clone(&house.backend), occurrence.clone());
        let read = house.reader.run(async move {
            let Some(mut gate) = gate else { return load_gate(&*backend, &of).await };
            gate.catch_up(&*backend).await?;
            Ok(gate)
        });
        match attempt(&writer, read.await?, &commands, house.clock.now()).await? {
            (gate, GateAttempt::Answered(replies)) => return Ok((gate, replies)),
            (back, GateAttempt::Conflict) => gate = Some(back),
        }
        Counters::add(&house.counters.conflicts);
        tracing::debug!(%occurrence, "somebody was quicker than the gate");
    }
    Err(Fault::Unavailable { reason: "others that write of the occurrence are always quicker".into() })
}

impl Actor for GateActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.house.settings.waiting_max);
    }
}

impl Handler<Ask> for GateActor {
    type Result = ();

    fn handle(&mut self, ask: Ask, ctx: &mut Self::Context) {
        if self.drained.is_some() {
            return ask.reply.send(Err(BoxOfficeError::ShutDown));
        }
        let occurrence = ask.occurrence.clone();
        let post = self.posts.entry(occurrence.clone()).or_default();
        if post.waiting.len() >= self.house.settings.waiting_max {
            return ask.reply.send(Err(self.house.busy()));
        }
        self.open += 1;
        post.waiting.push_back(ask);
        self.begin(&occurrence, ctx);
    }
}

impl Handler<Drain> for GateActor {
    type Result = ();

    fn handle(&mut self, Drain(drained): Drain, _ctx: &mut Self::Context) {
        self.drained = Some(drained);
        self.check_drained();
    }
}
