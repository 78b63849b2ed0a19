//! Many flows under one owner, purely: what is told to it comes in, what is to be done comes out.
//!
//! A [`Shard`] runs ahead of the disk: it takes a flow's code on as soon as an outcome arrives. But nothing that rests on an event
//! leaves it (no request, no answer, no word to another flow) before the event is durable. So an outcome is durable before
//! anything the flow does on it; and should a batch not be committed, the shard is dropped and made anew from the store, and nobody
//! outside has seen what it knew.
//!
//! One owner: every batch demands that the shard's epoch, a key of the store, is still its own. Whoever takes a shard over
//! raises the epoch ([`Claim`]), and everything that the former owner still tries to write conflicts.
//!
//! What is known in memory are the flows at work and the next of those that are due. All others are in the store, and are
//! rebuilt when something happens to them.

mod batch;
mod change;
mod check;
mod claim;
mod commands;
mod due;
mod orphan;
mod perform;
mod place;
mod run;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use self::batch::Batch;
pub use self::change::{change_flow, read_places_of, start_flow};
pub use self::check::{PlaceFinding, check_places};
pub use self::claim::{Claim, Epoch};
pub use self::commands::{FlowAnswer, FlowCommand, FlowOutcome};
use self::due::{Due, Watch};
pub use self::perform::{Performance, Performed};
use self::place::Place as At;
pub use self::place::{DuePage, Place, StuckNote, read_due_page, read_places};
use self::run::Slot;
pub use self::view::{AskView, FlowView};
use super::ask::ChildEnd;
use super::event::Parent;
use super::id::FlowId;
use super::journal::Journal;
use super::program::Programs;
use crate::persist::{CommitOutcome, Fault, Limits, Payload, Transaction};
use crate::time::Timestamp;

/// What bounds a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardLimits {
    /// Flows in memory for which due flows wait to be rebuilt.
    pub live_max: usize,
    /// Due flows that are known in memory before their time.
    pub due_max: usize,
    /// What the store takes.
    pub store: Limits,
}

impl Default for ShardLimits {
    /// 2,000 flows, 4,000 due flows, the limits of the embedded store.
    fn default() -> Self {
        Self { live_max: 2_000, due_max: 4_000, store: Limits::default() }
    }
}

/// What a shard wants done. `R` is where an answer goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<R> {
    /// Read these journals, and tell [`Shard::loaded`].
    Load(Vec<FlowId>),
    /// Read due flows after this one (from the start if none), at most so many, and tell [`Shard::due_read`].
    ReadDue(Option<(Timestamp, FlowId)>, usize),
    /// Commit, and tell [`Shard::committed`]. There is never more than one on its way.
    Commit(Transaction),
    /// Carry a request out, and tell [`Shard::performed`].
    Perform(Performance),
    /// Answer somebody.
    Answer(R, FlowAnswer),
    /// Start a flow for another: tell the shard of `flow` so ([`Shard::start_child`]).
    StartChild {
        /// The child.
        flow: FlowId,
        /// What it is started with.
        input: Payload,
        /// Who waits for it.
        parent: Parent,
    },
    /// A child ended: tell the shard of the parent so ([`Shard::child_ended`]).
    ChildEnded {
        /// Who waits.
        parent: Parent,
        /// How it ended.
        end: ChildEnd,
    },
    /// A flow does not want its child any more: tell the shard of `flow` so ([`Shard::cancel_child`]).
    CancelChild {
        /// The child.
        flow: FlowId,
        /// Who waited for it.
        parent: Parent,
    },
    /// The events before this place are not needed any more: truncate them, when there is time.
    Truncate(FlowId, crate::persist::Seq),
}

/// What became of a shard's batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardLost {
    /// Somebody else owns the shard now.
    #[error("somebody else owns shard {0} now")]
    Fenced(u8),
    /// The store failed, or a journal stands where nobody but the owner could have put it.
    #[error("shard {shard}: {fault}")]
    Failed {
        /// Which one.
        shard: u8,
        /// What happened.
        fault: Fault,
    },
}

/// All flows of one shard. See the [module](self).
#[derive(Debug)]
pub struct Shard<R> {
    number: u8,
    epoch: Epoch,
    programs: Arc<Programs>,
    limits: ShardLimits,
    /// Performers whose work has no effect.
    lookups: BTreeSet<Arc<str>>,
    flows: BTreeMap<FlowId, Slot>,
    /// Whose journals are being read, and what they are to be told then.
    loading: BTreeMap<FlowId, Vec<commands::Word<R>>>,
    waiters: BTreeMap<FlowId, Vec<R>>,
    due: Due,
    watch: Watch,
    /// Flows that are in memory only since their timers run out shortly; some of them may be at work again.
    kept: BTreeSet<FlowId>,
    in_flight: Option<Batch<R>>,
    /// Full batches that are to follow.
    queue: VecDeque<Batch<R>>,
    /// The batch that takes what is new.
    building: Batch<R>,
    /// Its number.
    batch: u64,
    /// The number of the last batch that is durable.
    durable: u64,
    to_load: Vec<FlowId>,
    effects: Vec<Effect<R>>,
}

impl<R> Shard<R> {
    /// The shard that `epoch` was claimed for. It begins with reading what is due.
    pub fn new(epoch: Epoch, programs: Arc<Programs>, limits: ShardLimits) -> Self {
        Self {
            number: epoch.shard(),
            epoch,
            programs,
            limits,
            lookups: BTreeSet::new(),
            flows: BTreeMap::new(),
            loading: BTreeMap::new(),
            waiters: BTreeMap::new(),
            due: Due::unread(),
            watch: Watch::default(),
            kept: BTreeSet::new(),
            in_flight: None,
            queue: VecDeque::new(),
            building: Batch::default(),
            batch: 1,
            durable: 0,
            to_load: Vec::new(),
            effects: vec![Effect::ReadDue(None, limits.due_max)],
        }
    }

    /// Names the performers whose work has no effect outside: they look something up or work something out. Requests to them
    /// leave before what they rest on is durable, so that a flow of such steps runs ahead of the disk.
    #[must_use]
    pub fn with_lookups(mut self, lookups: BTreeSet<Arc<str>>) -> Self {
        self.lookups = lookups;
        self
    }

    /// Which shard it is.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// Flows in memory, and those that are being read.
    pub fn live(&self) -> usize {
        self.flows.len() + self.loading.len()
    }

    /// When to call [`Shard::tick`]; none if there is nothing to wait for.
    pub fn next_tick(&self) -> Option<Timestamp> {
        let due = self.due.next().filter(|_| self.has_room() || !self.kept.is_empty());
        due.into_iter().chain(self.watch.next()).min()
    }

    fn has_room(&self) -> bool {
        self.live() < self.limits.live_max
    }

    /// Time has passed: what is due is taken on, as far as there is room.
    pub fn tick(&mut self, now: Timestamp) {
        // Those are at work, and end sooner if they are told: room or not.
        for flow in self.watch.due(now) {
            self.watch.set(&flow, None);
            self.tell(now, flow, commands::Word::TimeOut);
        }
        if !self.has_room() && self.due.next().is_some_and(|next| next <= now) {
            self.make_room();
        }
        let room = self.limits.live_max.saturating_sub(self.live());
        let due: Vec<_> = core::iter::from_fn(|| self.due.pop(now)).take(room).collect();
        for (at, flow) in due {
            self.tell(now, flow, commands::Word::Due(at));
        }
        if let Some(after) = self.due.read_on(self.limits.due_max / 4) {
            self.read_due(Some(after));
        }
    }

    fn read_due(&mut self, after: Option<(Timestamp, FlowId)>) {
        let beyond: Vec<_> = self.batches().flat_map(|batch| core::mem::take(&mut batch.beyond)).collect();
        for (at, flow) in beyond {
            self.due.put(at, &flow);
        }
        self.effects.push(Effect::ReadDue(after, self.limits.due_max));
    }

    /// Due flows were read.
    pub fn due_read(&mut self, now: Timestamp, mut page: DuePage) {
        for (flow, parent) in page.orphans.drain(..) {
            self.tell(now, flow, commands::Word::CancelKept(parent));
        }
        if self.due.read(page) {
            self.read_due(None);
        }
        self.tick(now);
    }

    /// Another shard has a new owner, which does not know whom the former one had still to tell of the end of a child: children
    /// there that flows here wait for are started once more.
    pub fn neighbour_restarted(&mut self, now: Timestamp, shard: u8) {
        let flows: Vec<FlowId> = self.flows.keys().cloned().collect();
        for flow in flows {
            self.tell(now, flow, commands::Word::ChildrenAgain(shard));
        }
        // The rest of those that wait for children are in the store, as being at work.
        if self.due.start_over() {
            self.read_due(None);
        }
    }

    /// Journals were read.
    pub fn loaded(&mut self, now: Timestamp, journals: Vec<Journal>) {
        for journal in journals {
            let words = self.loading.remove(journal.id()).unwrap_or_default();
            let flow = journal.id().clone();
            self.rebuild(now, journal);
            for word in words {
                self.tell(now, flow.clone(), word);
            }
            self.rest(now, &flow);
        }
        self.tick(now);
    }

    /// A journal cannot be read: whoever said something to the flow is told so, and the flow stays as it is.
    pub fn unreadable(&mut self, flow: &FlowId, reason: &str) {
        let words = self.loading.remove(flow).unwrap_or_default();
        for reply in words.into_iter().filter_map(commands::Word::into_reply) {
            let outcome = FlowOutcome::Unreadable { reason: reason.to_owned() };
            self.effects.push(Effect::Answer(reply, FlowAnswer::Outcome(outcome)));
        }
    }

    /// What is to be done now. Call it after everything that was told.
    pub fn take_effects(&mut self) -> Vec<Effect<R>> {
        if !self.to_load.is_empty() {
            self.effects.push(Effect::Load(core::mem::take(&mut self.to_load)));
        }
        if self.in_flight.is_none() {
            self.send();
        }
        core::mem::take(&mut self.effects)
    }

    /// What is not durable, oldest first.
    fn batches(&mut self) -> impl Iterator<Item = &mut Batch<R>> {
        self.in_flight.iter_mut().chain(&mut self.queue).chain(core::iter::once(&mut self.building))
    }

    /// Begins the next batch if this one is full. Between two events of flows only: an event, its flow's new place and what was
    /// written along with it are in one batch.
    fn rotate(&mut self) {
        if self.building.operations() >= batch::operations_max(&self.limits.store) {
            self.queue.push_back(core::mem::take(&mut self.building));
            self.batch += 1;
        }
    }

    fn send(&mut self) {
        let mut batch = match self.queue.pop_front() {
            Some(batch) => batch,
            None if self.building.is_empty() => return,
            None => {
                self.batch += 1;
                core::mem::take(&mut self.building)
            }
        };
        self.effects.push(Effect::Commit(self.epoch.guard(batch.take_transaction())));
        self.in_flight = Some(batch);
    }

    /// The batch on its way is committed, or not.
    ///
    /// # Errors
    /// [`ShardLost`] when it is not: the shard is to be dropped. Whoever waits for an answer of it is to ask again.
    pub fn committed(&mut self, now: Timestamp, result: Result<CommitOutcome, Fault>) -> Result<(), ShardLost> {
        let shard = self.number;
        let failed = |fault| ShardLost::Failed { shard, fault };
        match result.map_err(failed)? {
            CommitOutcome::Done(_) | CommitOutcome::Already(_) => {}
            CommitOutcome::Conflict(failures) if self.epoch.is_lost(&failures) => return Err(ShardLost::Fenced(shard)),
            other @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused | CommitOutcome::Conflict(_)) => {
                let reason = format!("a batch of flows was answered {other:?}").into();
                return Err(failed(Fault::Unknown { reason }));
            }
        }
        self.durable += 1;
        let Some(batch) = self.in_flight.take() else { return Ok(()) };
        let flows: Vec<FlowId> = batch.flows().cloned().collect();
        self.effects.extend(batch.effects);
        for flow in flows {
            self.rest(now, &flow);
        }
        self.tick(now);
        Ok(())
    }

    /// Everybody who waits for an answer, so that they can be told that there is none to come.
    pub fn into_waiting(self) -> Vec<R> {
        let words = self.loading.into_values().flatten().filter_map(commands::Word::into_reply);
        let batches = self.in_flight.into_iter().chain(self.queue).chain([self.building]);
        let effects = batches.flat_map(|batch| batch.effects).chain(self.effects);
        let answers =
            effects.filter_map(|effect| if let Effect::Answer(reply, _) = effect { Some(reply) } else { None });
        self.waiters.into_values().flatten().chain(words).chain(answers).collect()
    }

    /// Whether a flow is told when this timer runs out.
    #[cfg(test)]
    fn knows_timer(&self, flow: &FlowId, at: Timestamp, at_rest: bool) -> bool {
        let due = self.due.knows(at, flow) || self.loading.contains_key(flow);
        if at_rest { due } else { self.watch.knows(at, flow) }
    }
}
