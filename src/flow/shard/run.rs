//! How flows are taken on: turns, requests, timers, and when they leave the memory.

use std::collections::BTreeMap;

use super::commands::child_end;
use super::place::next_timer;
use super::{At, Effect, FlowAnswer, Performance, Shard, orphan};
use crate::flow::ask::{Ask, AskName, What};
use crate::flow::event::{FlowEvent, Parent};
use crate::flow::id::FlowId;
use crate::flow::journal::{FlowStatus, Journal};
use crate::flow::live::Live;
use crate::flow::stuck::Stuck;
use crate::flow::wire;
use crate::persist::{NewEvent, Payload, Seq};
use crate::time::Timestamp;

/// Timers that run out within so many milliseconds keep their flow in memory.
const KEEP_MILLIS: i64 = 2_000;
/// Bytes of an outcome's event beside the outcome, its tag and the stream's name, and some to spare.
const ENVELOPE_BYTES: usize = 250;
/// Timers of one flow that run out in one go.
const FIRED_MAX: usize = 100;

/// A flow in memory.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) live: Live,
    /// Where it stands in the store, as of the batch that takes what is new.
    place: Option<At>,
    /// What is being carried out for it, by ordinal; of this run.
    pub(super) in_flight: BTreeMap<u32, InFlight>,
    /// The run that `in_flight` belongs to.
    run: u32,
    /// The last batch that it appends to.
    batch: u64,
}

/// A request that is being carried out, or a child that is waited for.
#[derive(Debug)]
pub(super) struct InFlight {
    name: AskName,
    child: Option<FlowId>,
}

impl<R> Shard<R> {
    /// Lets an effect out, as soon as all that `flow` has recorded is durable.
    pub(super) fn emit(&mut self, flow: &FlowId, effect: Effect<R>) {
        let rests_on = self.flows.get(flow).map_or(0, |slot| slot.batch);
        if rests_on <= self.durable {
            return self.effects.push(effect);
        }
        // Batches are numbered from the durable one on.
        let place = usize::try_from(rests_on - self.durable - 1).unwrap_or(usize::MAX);
        if let Some(batch) = self.batches().nth(place) {
            batch.effects.push(effect);
        }
    }

    /// Brings a journal that was read into memory, with the code that belongs to it.
    pub(super) fn rebuild(&mut self, now: Timestamp, journal: Journal) {
        self.rotate();
        let (flow, before, version) = (journal.id().clone(), journal.seq(), journal.version());
        let was_over = journal.is_over();
        let (live, events) = Live::rebuild(journal, &self.programs, now);
        // Where the code is the one that took the last turn, it is known where the flow stands in the store.
        let known = events.is_empty() && version.is_none_or(|version| version == live.version(&self.programs));
        let asks = live.asks();
        let place = At::of(&live.journal, &asks).filter(|_| known);
        let run = live.journal.run();
        let slot = Slot { live, place, in_flight: BTreeMap::new(), run, batch: 0 };
        let needs_place = !known;
        self.flows.insert(flow.clone(), slot);
        self.append(&flow, before, events);
        if needs_place {
            for other in [At::Waiting, At::Paused, At::Stuck] {
                let delete = other.delete(&flow);
                self.building.write(delete);
            }
        }
        self.follow_up(now, &flow, was_over);
    }

    fn append(&mut self, flow: &FlowId, before: Seq, events: Vec<NewEvent>) {
        if events.is_empty() {
            return;
        }
        self.building.append(flow, before, events);
        let batch = self.batch;
        if let Some(slot) = self.flows.get_mut(flow) {
            slot.batch = batch;
        }
    }

    /// Records an event of a flow in memory, takes its code on, and does what follows.
    pub(super) fn record(&mut self, now: Timestamp, flow: &FlowId, event: FlowEvent) {
        self.rotate();
        let Some(slot) = self.flows.get_mut(flow) else { return };
        let before = slot.live.journal.seq();
        let events = slot.live.record(event, &self.programs, now);
        self.append(flow, before, events);
        self.follow_up(now, flow, false);
    }

    pub(super) fn park(&mut self, now: Timestamp, flow: &FlowId, why: Stuck) {
        self.rotate();
        let Some(slot) = self.flows.get_mut(flow) else { return };
        if slot.live.journal.is_over() || slot.live.journal.stuck().is_some() {
            return;
        }
        let before = slot.live.journal.seq();
        let events = slot.live.park(why, &self.programs, now);
        self.append(flow, before, events);
        self.follow_up(now, flow, false);
    }

    /// What a flow's new state asks for: requests to be made, a new place, an end to be told if it was not over before.
    fn follow_up(&mut self, now: Timestamp, flow: &FlowId, was_over: bool) {
        let Some(slot) = self.flows.get_mut(flow) else { return };
        let asks = slot.live.asks();
        if slot.run != slot.live.journal.run() {
            self.begin_run(flow);
        }
        self.let_go(flow, &asks);
        self.dispatch(flow, &asks);
        self.move_to(flow, &asks);
        if !was_over && self.flows.get(flow).is_some_and(|slot| slot.live.journal.is_over()) {
            self.tell_end(flow);
        }
        tracing::trace!(%flow, asks = asks.len(), at = now.as_millis(), "flow taken on");
    }

    /// What was under way for the run before is nothing to this one.
    fn begin_run(&mut self, flow: &FlowId) {
        self.let_go(flow, &[]);
        let Some(slot) = self.flows.get_mut(flow) else { return };
        slot.run = slot.live.journal.run();
        slot.in_flight.clear();
        let needed = slot.live.journal.needed_from();
        if needed > Seq::FIRST {
            self.emit(flow, Effect::Truncate(flow.clone(), needed));
        }
    }

    /// Forgets what is carried out for a flow and not waited for any more. Children of a cancelled flow are cancelled.
    fn let_go(&mut self, flow: &FlowId, asks: &[Ask]) {
        let Some(slot) = self.flows.get_mut(flow) else { return };
        let journal = &slot.live.journal;
        if journal.stuck().is_some() && !journal.is_over() {
            // There is no code to say what is still wanted.
            return;
        }
        let cancelled = journal.cancel_requested() || slot.live.status() == FlowStatus::Cancelled;
        let run = slot.run;
        let open = |ordinal: &u32| asks.binary_search_by_key(ordinal, |ask| ask.ordinal).is_ok();
        let gone: Vec<u32> = slot.in_flight.keys().filter(|ordinal| !open(ordinal)).copied().collect();
        let gone: Vec<_> = gone.into_iter().filter_map(|at| Some((at, slot.in_flight.remove(&at)?))).collect();
        // Also those that are not under way: of a flow that was read while it was paused or stuck.
        let unwanted = slot.live.take_unwanted().into_iter().filter_map(|ask| match ask.what {
            What::Child { flow, .. } => Some((ask.ordinal, (ask.tag, flow))),
            What::Request { .. } | What::Timer { .. } | What::Signal { .. } => None,
        });
        let mut children: BTreeMap<u32, _> = unwanted.collect();
        let gone = gone.into_iter().filter_map(|(at, InFlight { name, child })| Some((at, (name.tag, child?))));
        children.extend(gone.filter(|_| cancelled));
        if !children.is_empty() {
            // Told once more of a flow that is read again while it cleans up: nobody may have run it when it was cancelled.
            slot.batch = self.batch;
        }
        for (ordinal, (tag, child)) in children {
            let parent = Parent { flow: flow.clone(), run, ordinal, tag };
            self.building.write(orphan::put(&child, &parent));
            self.emit(flow, Effect::CancelChild { flow: child, parent });
        }
    }

    /// Has carried out what the flow asks for and is not under way.
    fn dispatch(&mut self, flow: &FlowId, asks: &[Ask]) {
        let Some(slot) = self.flows.get_mut(flow) else { return };
        if slot.live.journal.is_paused() {
            return;
        }
        let run = slot.run;
        let (mut effects, mut lookups) = (Vec::new(), Vec::new());
        for ask in asks {
            if slot.in_flight.contains_key(&ask.ordinal) {
                continue;
            }
            let (ordinal, tag) = (ask.ordinal, ask.tag.clone());
            let (effect, child) = match &ask.what {
                What::Request { to, body } => {
                    let (to, body) = (to.clone(), body.clone());
                    (Effect::Perform(Performance { flow: flow.clone(), run, ordinal, tag, to, body }), None)
                }
                What::Child { flow: child, input } => {
                    let parent = Parent { flow: flow.clone(), run, ordinal, tag };
                    let (child, input) = (child.clone(), input.clone());
                    (Effect::StartChild { flow: child.clone(), input, parent }, Some(child))
                }
                What::Timer { .. } | What::Signal { .. } => continue,
            };
            slot.in_flight.insert(ordinal, InFlight { name: ask.name(), child });
            let ahead = matches!(&ask.what, What::Request { to, .. } if self.lookups.contains(to));
            if ahead { lookups.push(effect) } else { effects.push(effect) }
        }
        // What has no effect need not wait until what it rests on is durable: its outcome does, with all that follows from it.
        self.effects.append(&mut lookups);
        for effect in effects {
            self.emit(flow, effect);
        }
    }

    /// Writes where the flow stands now, if that is elsewhere than before, and notes its next timer.
    fn move_to(&mut self, flow: &FlowId, asks: &[Ask]) {
        let Some(slot) = self.flows.get_mut(flow) else { return };
        let place = At::of(&slot.live.journal, asks);
        let before = core::mem::replace(&mut slot.place, place);
        // What is noted of a stuck flow may have changed.
        let moved = before != place || place == Some(At::Stuck) && slot.batch == self.batch;
        let put = place.filter(|_| moved).map(|place| place.put(&slot.live.journal));
        if let Some(before) = before.filter(|_| before != place) {
            self.building.write(before.delete(flow));
            if let At::Due(at) = before {
                self.due.remove(at, flow);
            }
        }
        if let Some(put) = put {
            self.building.write(put);
        }
        self.note_timer(flow, asks);
    }

    /// Notes the next timer of a flow: among the due ones if it waits for nothing else, as the store has it; else in memory only.
    fn note_timer(&mut self, flow: &FlowId, asks: &[Ask]) {
        let Some(At::Due(at)) = self.flows.get(flow).and_then(|slot| slot.place) else {
            return self.watch.set(flow, None);
        };
        if !at_rest(asks) {
            return self.watch.set(flow, next_timer(asks).map(|at| at.max(Timestamp::EPOCH)));
        }
        self.watch.set(flow, None);
        if !self.due.put(at, flow) {
            self.building.beyond.push((at, flow.clone()));
        }
    }

    fn tell_end(&mut self, flow: &FlowId) {
        let Some(slot) = self.flows.get_mut(flow) else { return };
        let status = slot.live.status();
        // Told once: a flow that is over is not taken on again.
        if let Some(parent) = slot.live.journal.parent.clone()
            && let Some(end) = child_end(status.clone())
        {
            self.emit(flow, Effect::ChildEnded { parent, end });
        }
        for reply in self.waiters.remove(flow).unwrap_or_default() {
            self.emit(flow, Effect::Answer(reply, FlowAnswer::Ended(status.clone())));
        }
    }

    /// The time of a flow has come, as the store had it: its timers run out, and a key that is out of date is replaced.
    pub(super) fn wake(&mut self, now: Timestamp, flow: &FlowId, at: Timestamp) {
        let Some(slot) = self.flows.get_mut(flow) else { return };
        if slot.place != Some(At::Due(at)) {
            // The key may be the only one: who changes a flow without its code cannot know where the code would have it stand.
            slot.place = None;
            let asks = slot.live.asks();
            let delete = At::Due(at).delete(flow);
            self.building.write(delete);
            self.move_to(flow, &asks);
        }
        self.time_out(now, flow);
    }

    /// Timers of a flow have run out, as the memory has it.
    pub(super) fn time_out(&mut self, now: Timestamp, flow: &FlowId) {
        self.fire(now, flow);
        // It still waits if the clock was put back meanwhile.
        if let Some(asks) = self.flows.get(flow).map(|slot| slot.live.asks()) {
            self.note_timer(flow, &asks);
        }
    }

    /// Timers that have run out resolve, one turn each, in the order of their instants. At most some; what is left stays due.
    fn fire(&mut self, now: Timestamp, flow: &FlowId) {
        for _ in 0..FIRED_MAX {
            let Some(slot) = self.flows.get(flow) else { return };
            if slot.live.journal.is_paused() {
                return;
            }
            let over = |ask: Ask| match ask.what {
                What::Timer { at } if at <= now => Some((at, ask)),
                What::Timer { .. } | What::Request { .. } | What::Signal { .. } | What::Child { .. } => None,
            };
            let next = slot.live.asks().into_iter().filter_map(over).min_by_key(|(at, ask)| (*at, ask.ordinal));
            let Some((at, ask)) = next else { return };
            let version = slot.live.version(&self.programs);
            let outcome = Payload::stored(&at.max(Timestamp::EPOCH).as_millis().to_string());
            self.record(now, flow, FlowEvent::Resolved { ask: ask.name(), version, outcome });
        }
    }

    /// The ordinal of the child that a flow waits for under a tag.
    pub(super) fn child_under_way(&self, parent: &Parent) -> Option<u32> {
        let slot = self.flows.get(&parent.flow)?;
        let is = |under_way: &InFlight| under_way.child.is_some() && under_way.name.tag == parent.tag;
        slot.in_flight.iter().find(|(_, under_way)| is(under_way)).map(|(ordinal, _)| *ordinal)
    }

    /// Has the children of a flow started once more.
    pub(super) fn start_children_again(&mut self, now: Timestamp, flow: &FlowId, shard: u8) {
        let Some(slot) = self.flows.get_mut(flow) else { return };
        slot.in_flight.retain(|_, under_way| under_way.child.as_ref().is_none_or(|child| child.shard() != shard));
        let asks = slot.live.asks();
        self.dispatch(flow, &asks);
        self.rest(now, flow);
    }

    /// What is being carried out for a flow, which is then not under way any more.
    pub(super) fn take_in_flight(&mut self, flow: &FlowId, run: u32, ordinal: u32) -> Option<AskName> {
        let slot = self.flows.get_mut(flow).filter(|slot| slot.run == run)?;
        slot.in_flight.remove(&ordinal).map(|under_way| under_way.name)
    }

    /// Records the outcome of an ask that is under way, or of a child that is waited for. Says whether it was.
    pub(super) fn resolve(&mut self, now: Timestamp, flow: &FlowId, run: u32, ordinal: u32, outcome: Payload) -> bool {
        let Some(name) = self.take_in_flight(flow, run, ordinal) else { return false };
        let Some(slot) = self.flows.get(flow) else { return false };
        // Without its code nobody knows whether a stuck flow would still wait for it: it is asked for again.
        if slot.live.journal.is_over() || slot.live.journal.stuck().is_some() {
            return false;
        }
        let limit = self.limits.store.event_bytes_max;
        // A byte of a tag takes at most six in JSON.
        let bytes = outcome.json().len() + 6 * name.tag.len() + flow.as_str().len() + ENVELOPE_BYTES;
        if bytes > limit && self.is_too_large(now, flow, &name, &outcome) {
            let reason = format!("an outcome of {} bytes is over the limit of the store", outcome.json().len());
            self.park(now, flow, Stuck::Unrecordable { what: name.tag.as_ref().into(), reason });
            return false;
        }
        let version = slot.live.version(&self.programs);
        self.record(now, flow, FlowEvent::Resolved { ask: name, version, outcome });
        true
    }

    fn is_too_large(&self, now: Timestamp, flow: &FlowId, name: &AskName, outcome: &Payload) -> bool {
        let event = FlowEvent::Resolved { ask: name.clone(), version: u32::MAX, outcome: outcome.clone() };
        let event = wire::encode(now, event);
        self.limits.store.broken_by_event(&flow.stream(), &event.event_type, &event.data).is_some()
    }

    /// Lets a flow out of memory, if everything of it is durable and nothing is under way. One whose timer is about to run out is
    /// kept, as long as there is room.
    pub(super) fn rest(&mut self, now: Timestamp, flow: &FlowId) {
        let Some(slot) = self.flows.get(flow).filter(|slot| self.is_idle(slot)) else { return };
        let soon = Timestamp::from_millis(now.as_millis().saturating_add(KEEP_MILLIS));
        let waits_shortly = match slot.place {
            Some(At::Due(_)) => next_timer(&slot.live.asks()).is_some_and(|at| at <= soon),
            Some(At::Waiting | At::Paused | At::Stuck) | None => false,
        };
        if waits_shortly && self.live() <= self.limits.live_max {
            self.kept.insert(flow.clone());
        } else {
            self.flows.remove(flow);
        }
    }

    fn is_idle(&self, slot: &Slot) -> bool {
        slot.batch <= self.durable && slot.in_flight.values().all(|under_way| under_way.child.is_some())
    }

    /// Lets go of the flows that are kept for their timers.
    pub(super) fn make_room(&mut self) {
        for flow in core::mem::take(&mut self.kept) {
            if self.flows.get(&flow).is_some_and(|slot| self.is_idle(slot)) {
                self.flows.remove(&flow);
            }
        }
    }
}

/// Whether a flow only waits: for instants and signals.
pub(super) fn at_rest(asks: &[Ask]) -> bool {
    !asks.iter().any(|ask| matches!(ask.what, What::Request { .. } | What::Child { .. }))
}
