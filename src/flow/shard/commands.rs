//! What is told to flows.

use std::sync::Arc;

use super::{
    Effect, Performed, Shard,
    change::{begun_before, event_of, not_open},
    orphan,
    view::FlowView,
};
use crate::flow::ask::{ChildEnd, Tag};
use crate::flow::event::{FlowEvent, Parent};
use crate::flow::id::FlowId;
use crate::flow::journal::FlowStatus;
use crate::flow::stuck::Stuck;
use crate::flow::wire;
use crate::persist::{Limit, Payload};
use crate::time::Timestamp;

/// What may be said to a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowCommand {
    /// Begin.
    Start {
        /// With this.
        input: Payload,
    },
    /// Something happened.
    Signal {
        /// What kind of thing.
        name: Arc<str>,
        /// The sender's name for it: what comes twice under one name counts once, within one run.
        id: Option<Arc<str>>,
        /// What it was.
        body: Payload,
    },
    /// End, and clean up before.
    Cancel,
    /// End at once, without asking the code.
    Terminate,
    /// Let nothing out and no timer run out until further notice.
    Pause,
    /// Go on.
    Resume,
    /// Try again, if stuck.
    Retry,
    /// Say how it stands.
    Inspect,
    /// Say how it ended, when it has.
    Await,
}

impl FlowCommand {
    /// The name of the variant, for spans and counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Signal { .. } => "signal",
            Self::Cancel => "cancel",
            Self::Terminate => "terminate",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Retry => "retry",
            Self::Inspect => "inspect",
            Self::Await => "await",
        }
    }
}

/// What became of a command. "No" is a value.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowOutcome {
    /// It began.
    Started,
    /// It was begun before, with the same input or in an earlier run, and stands so.
    Already(FlowStatus),
    /// It was begun before, with another input.
    InputDiffers,
    /// It is recorded.
    Done,
    /// It was so before.
    Unchanged,
    /// The flow has ended.
    Over(FlowStatus),
    /// There is no such flow.
    Unknown,
    /// What was said is larger than the store takes.
    TooLarge(Limit),
    /// Its journal is damaged, or of a later release.
    Unreadable {
        /// What the reader says.
        reason: String,
    },
}

impl FlowOutcome {
    /// The name of the variant, for spans and counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Already(_) => "already",
            Self::InputDiffers => "input_differs",
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Over(_) => "over",
            Self::Unknown => "unknown",
            Self::TooLarge(_) => "too_large",
            Self::Unreadable { .. } => "unreadable",
        }
    }
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowAnswer {
    /// To everything but the following two.
    Outcome(FlowOutcome),
    /// To [`FlowCommand::Inspect`].
    View(Box<FlowView>),
    /// To [`FlowCommand::Await`].
    Ended(FlowStatus),
}

/// What a flow is told once its journal is in memory.
#[derive(Debug)]
pub(super) enum Word<R> {
    Command(FlowCommand, R),
    Child {
        input: Payload,
        parent: Parent,
    },
    CancelChild(Parent),
    /// The same, as the store has it.
    CancelKept(Parent),
    ChildEnded {
        parent: Parent,
        end: ChildEnd,
    },
    /// Its time has come, as the store has it.
    Due(Timestamp),
    /// So has a timer that only the memory has.
    TimeOut,
    /// The shard of its children has a new owner.
    ChildrenAgain(u8),
}

impl<R> Word<R> {
    pub(super) fn into_reply(self) -> Option<R> {
        match self {
            Self::Command(_, reply) => Some(reply),
            Self::Child { .. }
            | Self::CancelChild(_)
            | Self::CancelKept(_)
            | Self::ChildEnded { .. }
            | Self::Due(_)
            | Self::TimeOut
            | Self::ChildrenAgain(_) => None,
        }
    }
}

impl<R> Shard<R> {
    /// Says something to a flow of this shard; the answer is an effect.
    pub fn command(&mut self, now: Timestamp, flow: FlowId, command: FlowCommand, reply: R) {
        self.tell(now, flow, Word::Command(command, reply));
    }

    /// Starts a flow for another one, unless there is one of that name.
    pub fn start_child(&mut self, now: Timestamp, flow: FlowId, input: Payload, parent: Parent) {
        self.tell(now, flow, Word::Child { input, parent });
    }

    /// Cancels a flow that was started for another one.
    pub fn cancel_child(&mut self, now: Timestamp, flow: FlowId, parent: Parent) {
        self.tell(now, flow, Word::CancelChild(parent));
    }

    /// A flow that one of this shard waits for has ended.
    pub fn child_ended(&mut self, now: Timestamp, parent: Parent, end: ChildEnd) {
        self.tell(now, parent.flow.clone(), Word::ChildEnded { parent, end });
    }

    /// A request was carried out. What comes too late, or a second time, changes nothing.
    pub fn performed(&mut self, now: Timestamp, flow: &FlowId, run: u32, ordinal: u32, performed: Performed) {
        if let Some(reason) = performed.forbidden(&self.limits.store) {
            return self.unperformed(now, flow, run, ordinal, |tag| Stuck::Performer { tag, reason });
        }
        let Performed { outcome, appends, writes } = performed;
        if self.resolve(now, flow, run, ordinal, outcome) {
            self.building.also(appends, writes);
        }
        self.rest(now, flow);
    }

    /// A request cannot be carried out: the flow is stuck on it.
    pub fn unperformed(
        &mut self,
        now: Timestamp,
        flow: &FlowId,
        run: u32,
        ordinal: u32,
        why: impl FnOnce(Tag) -> Stuck,
    ) {
        if let Some(name) = self.take_in_flight(flow, run, ordinal) {
            self.park(now, flow, why(name.tag));
        }
        self.rest(now, flow);
    }

    pub(super) fn tell(&mut self, now: Timestamp, flow: FlowId, word: Word<R>) {
        if !self.flows.contains_key(&flow) {
            let words = self.loading.entry(flow.clone()).or_default();
            if words.is_empty() {
                self.to_load.push(flow);
            }
            words.push(word);
            return;
        }
        match word {
            Word::Command(command, reply) => self.obey(now, &flow, command, reply),
            Word::Child { input, parent } => self.begin_child(now, &flow, input, parent),
            Word::CancelChild(parent) => self.cancel_for(now, &flow, &parent),
            Word::CancelKept(parent) => {
                // Its start may be on its way; then so is this, or it is read again.
                if self.status(&flow) != FlowStatus::Unknown {
                    self.cancel_for(now, &flow, &parent);
                }
            }
            Word::ChildEnded { parent, end } => self.end_child(now, &parent, &end),
            Word::Due(at) => self.wake(now, &flow, at),
            Word::TimeOut => self.time_out(now, &flow),
            Word::ChildrenAgain(shard) => self.start_children_again(now, &flow, shard),
        }
        self.rest(now, &flow);
    }

    fn obey(&mut self, now: Timestamp, flow: &FlowId, command: FlowCommand, reply: R) {
        let answer = match command {
            FlowCommand::Inspect => match self.view(flow) {
                Some(view) => FlowAnswer::View(Box::new(view)),
                None => FlowAnswer::Outcome(FlowOutcome::Unknown),
            },
            FlowCommand::Await => {
                let status = self.status(flow);
                if status == FlowStatus::Unknown {
                    FlowAnswer::Outcome(FlowOutcome::Unknown)
                } else if status.is_over() {
                    FlowAnswer::Ended(status)
                } else {
                    return self.waiters.entry(flow.clone()).or_default().push(reply);
                }
            }
            FlowCommand::Start { input } => FlowAnswer::Outcome(self.begin(now, flow, input, None)),
            command @ (FlowCommand::Signal { .. }
            | FlowCommand::Cancel
            | FlowCommand::Terminate
            | FlowCommand::Pause
            | FlowCommand::Resume
            | FlowCommand::Retry) => FlowAnswer::Outcome(self.change(now, flow, command)),
        };
        self.emit(flow, Effect::Answer(reply, answer));
    }

    /// Starts a flow, for another one or not.
    fn begin(&mut self, now: Timestamp, flow: &FlowId, input: Payload, parent: Option<Parent>) -> FlowOutcome {
        let Some(slot) = self.flows.get(flow) else { return FlowOutcome::Unknown };
        if let Some(answer) = begun_before(&slot.live.journal, &input) {
            return answer;
        }
        let version = slot.live.version(&self.programs);
        self.record_checked(now, flow, FlowEvent::Started { version, input, parent }, FlowOutcome::Started)
    }

    /// Records an event whose size a caller has chosen, unless it is too large.
    fn record_checked(&mut self, now: Timestamp, flow: &FlowId, event: FlowEvent, done: FlowOutcome) -> FlowOutcome {
        let recorded = wire::encode(now, event.clone());
        let limits = self.limits.store;
        if let Some(limit) = limits.broken_by_event(&flow.stream(), &recorded.event_type, &recorded.data) {
            return FlowOutcome::TooLarge(limit);
        }
        self.record(now, flow, event);
        done
    }

    fn change(&mut self, now: Timestamp, flow: &FlowId, command: FlowCommand) -> FlowOutcome {
        let Some(slot) = self.flows.get(flow) else { return FlowOutcome::Unknown };
        let journal = &slot.live.journal;
        if let Some(refusal) = not_open(journal) {
            return refusal;
        }
        let version = slot.live.version(&self.programs);
        let event = match command {
            FlowCommand::Signal { id: Some(id), .. } if journal.has_signal(&id) => None,
            FlowCommand::Signal { name, id, body } => {
                let event = FlowEvent::Signalled { name, version, id, body };
                return self.record_checked(now, flow, event, FlowOutcome::Done);
            }
            command @ (FlowCommand::Start { .. }
            | FlowCommand::Cancel
            | FlowCommand::Terminate
            | FlowCommand::Pause
            | FlowCommand::Resume
            | FlowCommand::Retry
            | FlowCommand::Inspect
            | FlowCommand::Await) => event_of(journal, &command, version),
        };
        let Some(event) = event else { return FlowOutcome::Unchanged };
        self.record(now, flow, event);
        FlowOutcome::Done
    }

    fn begin_child(&mut self, now: Timestamp, flow: &FlowId, input: Payload, parent: Parent) {
        let outcome = self.begin(now, flow, input, Some(parent.clone()));
        let Some(slot) = self.flows.get(flow) else { return };
        let ours = slot.live.journal.parent.as_ref().is_some_and(|own| own.is_same_ask(&parent));
        let end = match (outcome, ours) {
            (FlowOutcome::TooLarge(limit), _) => ChildEnd::Failed(limit.to_string()),
            (FlowOutcome::Already(status), true) => match child_end(status) {
                Some(end) => end,
                None => return,
            },
            // Its end, which may be there already, tells the parent.
            (FlowOutcome::Started, _) => return,
            _ => ChildEnd::Taken,
        };
        self.emit(flow, Effect::ChildEnded { parent, end });
    }

    fn cancel_for(&mut self, now: Timestamp, flow: &FlowId, parent: &Parent) {
        let own = self.flows.get(flow).and_then(|slot| slot.live.journal.parent.as_ref());
        let ours = own.is_some_and(|own| own.is_same_ask(parent));
        if ours && let FlowOutcome::TooLarge(_) = self.change(now, flow, FlowCommand::Cancel) {
            tracing::error!(%flow, "a cancellation is too large for the store");
        }
        // In the batch of the event: it is not asked for again.
        self.building.write(orphan::delete(flow, parent));
    }

    fn end_child(&mut self, now: Timestamp, parent: &Parent, end: &ChildEnd) {
        // A result that is too large for the parent's journal is one that the parent cannot have.
        let outcome = Payload::new(end).unwrap_or_else(|_| Payload::stored("\"cancelled\""));
        if let Some(ordinal) = self.child_under_way(parent) {
            self.resolve(now, &parent.flow, parent.run, ordinal, outcome);
        }
    }
}

/// How a parent hears of its child's status; none while it has not ended.
pub(super) fn child_end(status: FlowStatus) -> Option<ChildEnd> {
    match status {
        FlowStatus::Completed(output) => Some(ChildEnd::Completed(output)),
        FlowStatus::Failed(reason) => Some(ChildEnd::Failed(reason)),
        FlowStatus::Cancelled => Some(ChildEnd::Cancelled),
        FlowStatus::Unknown | FlowStatus::Running | FlowStatus::Paused | FlowStatus::Stuck(_) => None,
    }
}
