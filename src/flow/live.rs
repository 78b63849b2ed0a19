//! A flow in memory: its journal and its code, taken on together.

use super::ask::Ask;
use super::event::FlowEvent;
use super::journal::{FlowStatus, Journal};
use super::program::{Program, Programs};
use super::stuck::{Stuck, shortened};
use super::task::{RunEnd, Task};
use super::wire::{self, EVENT_BYTES_MAX};
use crate::persist::{NewEvent, Payload};
use crate::time::Timestamp;

/// Runs in a row that may begin anew without waiting for anything or reading a signal.
const RUNS_MAX: usize = 100;

/// A flow in memory.
///
/// What it is told comes back as events to be appended, in their order. It counts on that: should they not be appended,
/// it is to be dropped and loaded again.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) journal: Journal,
    /// None if it has ended, is stuck or was never started.
    task: Option<Task>,
    /// Children that were waited for when the flow was cancelled or terminated.
    unwanted: Vec<Ask>,
}

impl Live {
    /// Rebuilds a flow from its journal. What comes of that, such as being stuck, comes back as events.
    pub(super) fn rebuild(journal: Journal, programs: &Programs, now: Timestamp) -> (Self, Vec<NewEvent>) {
        let mut live = Self { journal, task: None, unwanted: Vec::new() };
        let mut events = Vec::new();
        if live.journal.run > 0 && !live.journal.is_over() && live.journal.stuck().is_none() {
            live.start(programs, now, &mut events);
        } else if live.journal.run == 0 && live.journal.status() == FlowStatus::Running {
            let reason = "its beginning is missing".to_owned();
            live.get_stuck(0, Stuck::Journal { reason }, now, &mut events);
        }
        (live, events)
    }

    fn program<'p>(&self, programs: &'p Programs) -> Option<&'p Program> {
        programs.get(self.journal.id().kind())
    }

    /// The version of the code that is there.
    pub(super) fn version(&self, programs: &Programs) -> u32 {
        self.program(programs).map_or(0, Program::version)
    }

    /// Records `event`, takes the code on if it is a turn, and gives what is to be appended.
    pub(super) fn record(&mut self, event: FlowEvent, programs: &Programs, now: Timestamp) -> Vec<NewEvent> {
        let mut events = Vec::new();
        let begins = matches!(event, FlowEvent::Started { .. } | FlowEvent::Retried { .. });
        let (turn, over) = (event.is_turn(), matches!(event, FlowEvent::Terminated));
        self.append(event, now, &mut events);
        if begins {
            self.start(programs, now, &mut events);
        } else if over {
            self.unwanted.extend(self.asks().into_iter().filter(Ask::is_child));
            self.task = None;
        } else if turn && let (Some(task), Some(turn)) = (&mut self.task, self.journal.turns.last()) {
            task.turn(turn, true);
            self.unwanted.append(&mut task.take_unwanted());
            self.settle(programs, now, &mut events);
        }
        events
    }

    fn append(&mut self, event: FlowEvent, now: Timestamp, events: &mut Vec<NewEvent>) {
        let at = now.max(self.journal.latest_at);
        self.journal.evolve(self.journal.seq.next(), at, &event);
        events.push(wire::encode(at, event));
    }

    fn start(&mut self, programs: &Programs, now: Timestamp, events: &mut Vec<NewEvent>) {
        let Some(program) = self.program(programs) else {
            return self.get_stuck(0, Stuck::NoProgram, now, events);
        };
        let mut task = Task::replay(program, &self.journal);
        self.unwanted.append(&mut task.take_unwanted());
        self.task = Some(task);
        self.settle(programs, now, events);
    }

    /// Records what the last turn came to.
    fn settle(&mut self, programs: &Programs, now: Timestamp, events: &mut Vec<NewEvent>) {
        let mut idle_runs = 0;
        while idle_runs < RUNS_MAX {
            let Some(task) = &self.task else { return };
            let version = self.version(programs);
            for patch in task.new_patches() {
                let event = FlowEvent::Patched { patch };
                if let Some(why) = self.too_large("patch", &event, now) {
                    return self.get_stuck(version, why, now, events);
                }
                self.append(event, now, events);
            }
            let Some(task) = &self.task else { return };
            if let Some(why) = task.stuck() {
                return self.get_stuck(version, why, now, events);
            }
            let Some(end) = task.end() else { return };
            let event = match end.clone() {
                RunEnd::Completed(output) => FlowEvent::Completed { output },
                RunEnd::Failed(reason) => FlowEvent::Failed { reason: shortened(&reason) },
                RunEnd::Cancelled => FlowEvent::Cancelled,
                RunEnd::Continues(input) => {
                    let (run, parent) = (self.journal.run + 1, self.journal.parent.clone());
                    let (read, cancelled) = (task.slots().read.clone(), self.journal.cancel_requested());
                    // A run that read a signal was not idle: it may have found many when it began.
                    idle_runs = if read.is_empty() { idle_runs + 1 } else { 0 };
                    FlowEvent::Continued {
                        run,
                        version,
                        input,
                        parent,
                        read,
                        cancelled,
                        since: self.journal.started_at(),
                    }
                }
            };
            let what = if matches!(event, FlowEvent::Continued { .. }) { "input" } else { "result" };
            if let Some(why) = self.too_large(what, &event, now) {
                return self.get_stuck(version, why, now, events);
            }
            self.task = None;
            self.append(event, now, events);
            if self.journal.is_over() {
                return;
            }
            let Some(program) = self.program(programs) else { return };
            self.task = Some(Task::replay(program, &self.journal));
        }
        self.get_stuck(self.version(programs), Stuck::Restless, now, events);
    }

    /// A result that no store takes would keep all that comes after it from being recorded.
    fn too_large(&self, what: &str, event: &FlowEvent, now: Timestamp) -> Option<Stuck> {
        let bytes = wire::size(&self.journal.id, &wire::encode(now, event.clone()));
        let reason = format!("its event has {bytes} bytes, and {EVENT_BYTES_MAX} are allowed");
        (bytes > EVENT_BYTES_MAX).then(|| Stuck::unrecordable(what, reason))
    }

    fn get_stuck(&mut self, version: u32, why: Stuck, now: Timestamp, events: &mut Vec<NewEvent>) {
        self.task = None;
        self.append(FlowEvent::Stuck { version, why: why.in_short() }, now, events);
    }

    /// Something outside of the code does not fit.
    pub(super) fn park(&mut self, why: Stuck, programs: &Programs, now: Timestamp) -> Vec<NewEvent> {
        let mut events = Vec::new();
        self.get_stuck(self.version(programs), why, now, &mut events);
        events
    }

    /// What the flow waits for, in the order in which it asked; nothing while it is stuck.
    pub(super) fn asks(&self) -> Vec<Ask> {
        self.task.as_ref().map(Task::asks).unwrap_or_default()
    }

    /// Children that were waited for when the flow was cancelled or terminated. Once.
    pub(super) fn take_unwanted(&mut self) -> Vec<Ask> {
        core::mem::take(&mut self.unwanted)
    }

    /// An ask that is still open.
    pub(super) fn open(&self, ordinal: u32) -> Option<Ask> {
        self.task.as_ref()?.open(ordinal)
    }

    /// How far the code says it is.
    pub(super) fn shown(&self) -> Option<Payload> {
        self.task.as_ref()?.slots().shown.clone()
    }

    pub(super) fn status(&self) -> FlowStatus {
        self.journal.status()
    }
}
