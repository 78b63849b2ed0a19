//! A flow as its stream tells it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::ask::AskName;
use super::event::{FlowEvent, Parent};
use super::id::FlowId;
use super::stuck::Stuck;
use super::wire;
use crate::persist::{Backend, Fault, Payload, RecordedEvent, Seq};
use crate::time::Timestamp;

/// Events that are read from the store at a time.
const PAGE: usize = 1_000;

/// How a flow stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowStatus {
    /// Nobody has started it.
    Unknown,
    /// It runs, or waits for something.
    Running,
    /// It waits to be resumed.
    Paused,
    /// Its code and its journal do not fit.
    Stuck(Stuck),
    /// It ended with a result.
    Completed(Payload),
    /// It gave up.
    Failed(String),
    /// It ended since it was cancelled, or by force.
    Cancelled,
}

impl FlowStatus {
    /// Whether it has ended for good.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Completed(_) | Self::Failed(_) | Self::Cancelled)
    }

    /// The name of the variant, for lists and counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stuck(_) => "stuck",
            Self::Completed(_) => "completed",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What makes a flow's code go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Impulse {
    /// The first turn of a run.
    Begin,
    Resolved {
        ask: AskName,
        outcome: Payload,
    },
    Signalled {
        name: Arc<str>,
        seq: Seq,
        body: Payload,
    },
    Cancel,
}

/// One turn of a flow, as its journal has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) at: Timestamp,
    pub(super) version: u32,
    pub(super) impulse: Impulse,
    /// Patches at which the code took the new way in this turn.
    pub(super) patches: Vec<Arc<str>>,
}

/// A signal that waits to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unread {
    pub(super) seq: Seq,
    pub(super) body: Payload,
}

pub(super) type Mailbox = BTreeMap<Arc<str>, VecDeque<Unread>>;

/// A flow as its stream tells it: how it stands, and the turns of its present run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    pub(super) id: FlowId,
    pub(super) seq: Seq,
    pub(super) latest_at: Timestamp,
    started_at: Timestamp,
    pub(super) run: u32,
    pub(super) input: Payload,
    pub(super) parent: Option<Parent>,
    pub(super) turns: Vec<Turn>,
    /// Signals of earlier runs that the present one has still to read.
    pub(super) carried: Mailbox,
    /// Names that senders gave to their signals.
    pub(super) signal_ids: BTreeSet<Arc<str>>,
    end: Option<FlowStatus>,
    paused: bool,
    stuck: Option<(u32, Stuck)>,
    cancel_requested: bool,
    /// Whether that was before the present run began.
    pub(super) cancelled_before: bool,
    /// The first event that is still needed: everything before it may be truncated.
    needed_from: Seq,
    /// Since when the flow has been at work: the deadline of its last timer, or the beginning of its run.
    pub(super) at_work_since: Timestamp,
}

impl Journal {
    /// The journal of a flow that was never started.
    pub fn new(id: FlowId) -> Self {
        Self {
            id,
            seq: Seq::UNWRITTEN,
            latest_at: Timestamp::from_millis(i64::MIN),
            started_at: Timestamp::EPOCH,
            run: 0,
            input: Payload::stored("null"),
            parent: None,
            turns: Vec::new(),
            carried: Mailbox::new(),
            signal_ids: BTreeSet::new(),
            end: None,
            paused: false,
            stuck: None,
            cancel_requested: false,
            cancelled_before: false,
            needed_from: Seq::FIRST,
            at_work_since: Timestamp::EPOCH,
        }
    }

    /// Reads the journal of `id`, as far as it is committed.
    ///
    /// # Errors
    /// [`Fault`] when storage failed; [`Fault::Corrupt`] when an event is not readable.
    pub async fn load(backend: &dyn Backend, id: &FlowId) -> Result<Self, Fault> {
        let stream = id.stream();
        let mut journal = Self::new(id.clone());
        let mut from = Seq::FIRST;
        loop {
            let mut events = backend.read(&stream, from, PAGE).await?;
            if events.is_empty() && from == Seq::FIRST {
                // A long flow that began anew: its first runs are truncated.
                from = backend.head(&stream).await?.truncated_through.next();
                events = if from == Seq::FIRST { events } else { backend.read(&stream, from, PAGE).await? };
            }
            let Some(last) = events.last() else { return Ok(journal) };
            from = last.seq.next();
            let full = events.len() == PAGE;
            for event in &events {
                journal.apply(event)?;
            }
            if !full {
                return Ok(journal);
            }
        }
    }

    /// Folds a recorded event in.
    ///
    /// # Errors
    /// [`Fault::Corrupt`] when it is not readable, belongs to another stream or does not come after the last one.
    pub fn apply(&mut self, event: &RecordedEvent) -> Result<(), Fault> {
        let read = wire::decode(event)?;
        if event.seq <= self.seq || event.stream != self.id.stream() {
            let place = format!("{} of stream {}", event.seq, event.stream);
            return Err(Fault::corrupt(place, format!("it follows {} of the journal of {}", self.seq, self.id)));
        }
        self.evolve(event.seq, event.at, &read);
        Ok(())
    }

    /// Folds an event in that stands at `seq` and happened `at`.
    pub(super) fn evolve(&mut self, seq: Seq, at: Timestamp, event: &FlowEvent) {
        self.seq = seq;
        self.latest_at = self.latest_at.max(at);
        let turn = |version: &u32, impulse| Turn { at, version: *version, impulse, patches: Vec::new() };
        match event {
            FlowEvent::Started { version, input, parent } => {
                self.started_at = at;
                self.begin(1, input, parent.as_ref(), turn(version, Impulse::Begin));
            }
            FlowEvent::Continued { run, version, input, parent, read, cancelled, since } => {
                self.started_at = self.started_at.max(*since);
                self.carry_over(read);
                (self.cancel_requested, self.cancelled_before) = (*cancelled, *cancelled);
                self.begin(*run, input, parent.as_ref(), turn(version, Impulse::Begin));
                self.needed_from = self.carried.values().flatten().map(|signal| signal.seq).min().unwrap_or(seq);
            }
            FlowEvent::Resolved { ask, version, outcome } => {
                if let Some(deadline) = ask.is_timer().then(|| outcome.read().ok()).flatten() {
                    self.at_work_since = deadline;
                }
                let impulse = Impulse::Resolved { ask: ask.clone(), outcome: outcome.clone() };
                self.turns.push(turn(version, impulse));
            }
            FlowEvent::Signalled { name, version, id, body } => {
                self.signal_ids.extend(id.clone());
                let impulse = Impulse::Signalled { name: Arc::clone(name), seq, body: body.clone() };
                self.turns.push(turn(version, impulse));
            }
            FlowEvent::CancelRequested { version } => {
                self.cancel_requested = true;
                self.turns.push(turn(version, Impulse::Cancel));
            }
            FlowEvent::Patched { patch } => {
                if let Some(turn) = self.turns.last_mut() {
                    turn.patches.push(Arc::clone(patch));
                }
            }
            FlowEvent::Paused => self.paused = true,
            FlowEvent::Resumed => self.paused = false,
            FlowEvent::Stuck { version, why } => self.stuck = Some((*version, why.clone())),
            FlowEvent::Retried { .. } => self.stuck = None,
            FlowEvent::Completed { output } => self.end = Some(FlowStatus::Completed(output.clone())),
            FlowEvent::Failed { reason } => self.end = Some(FlowStatus::Failed(reason.clone())),
            FlowEvent::Cancelled | FlowEvent::Terminated => self.end = Some(FlowStatus::Cancelled),
        }
    }

    fn begin(&mut self, run: u32, input: &Payload, parent: Option<&Parent>, turn: Turn) {
        self.run = run;
        self.at_work_since = turn.at;
        self.input = input.clone();
        self.parent = parent.cloned();
        self.turns.clear();
        self.turns.push(turn);
    }

    /// What was signalled and not read goes over into the run that begins.
    fn carry_over(&mut self, read: &BTreeMap<Arc<str>, Seq>) {
        for turn in self.turns.drain(..) {
            if let Impulse::Signalled { name, seq, body } = turn.impulse {
                self.carried.entry(name).or_default().push_back(Unread { seq, body });
            }
        }
        self.carried.retain(|name, unread| {
            let read = read.get(name).copied().unwrap_or(Seq::UNWRITTEN);
            unread.retain(|signal| signal.seq > read);
            !unread.is_empty()
        });
    }

    /// Whose journal it is.
    pub fn id(&self) -> &FlowId {
        &self.id
    }

    /// How the flow stands.
    pub fn status(&self) -> FlowStatus {
        if let Some(end) = &self.end {
            return end.clone();
        }
        match &self.stuck {
            Some((_, why)) => FlowStatus::Stuck(why.clone()),
            None if self.paused => FlowStatus::Paused,
            None if self.seq == Seq::UNWRITTEN => FlowStatus::Unknown,
            None => FlowStatus::Running,
        }
    }

    /// Whether it has ended for good.
    pub fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// Whether nothing leaves it until it is resumed, also while it is stuck.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Why it cannot go on, and the version of the code that found so.
    pub fn stuck(&self) -> Option<&(u32, Stuck)> {
        self.stuck.as_ref()
    }

    /// Whether somebody has asked for its end.
    pub fn cancel_requested(&self) -> bool {
        self.cancel_requested
    }

    /// Whether a signal came under this name of its sender's, in the events that are there.
    pub fn has_signal(&self, id: &str) -> bool {
        self.signal_ids.contains(id)
    }

    /// The last event of the stream.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// When it was first started; the epoch if that is not known.
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// When something was last recorded of it.
    pub fn latest_at(&self) -> Timestamp {
        self.latest_at
    }

    /// Which run it is in, from 1; 0 before it was started.
    pub fn run(&self) -> u32 {
        self.run
    }

    /// What the present run was started with.
    pub fn input(&self) -> &Payload {
        &self.input
    }

    /// Turns of the present run so far.
    pub fn turn_count(&self) -> u64 {
        self.turns.len() as u64
    }

    /// The version of the code that took the last turn.
    pub fn version(&self) -> Option<u32> {
        self.turns.last().map(|turn| turn.version)
    }

    /// The first event that is still needed to go on: those before it may be truncated.
    pub fn needed_from(&self) -> Seq {
        self.needed_from
    }
}
