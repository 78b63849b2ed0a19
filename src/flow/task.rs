//! A flow's code under way: rebuilt from its journal, and taken on turn by turn.

use core::any::Any;
use core::fmt;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use std::cell::{Ref, RefCell};
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Wake;

use super::ask::{Ask, AskName};
use super::cx::{FlowCx, FlowError};
use super::journal::{Impulse, Journal, Turn, Unread};
use super::program::{Ended, Program, Running};
use super::slots::{Answer, Slots};
use super::stuck::Stuck;
use crate::persist::Payload;

/// Polls in a row that code may ask for by waking itself, as some combinators do.
const POLLS_MAX: usize = 1_000;
/// Longest result, and longest input of a next run, in bytes of JSON.
pub const PAYLOAD_BYTES_MAX: usize = 3_000;

/// Notices who wakes a flow: its asks, its own code, or something that it should not wait for.
#[derive(Debug, Default)]
struct Alarm {
    /// The flow is being taken on: its asks and its own code may wake it.
    inside: AtomicBool,
    woken: AtomicBool,
    foreign: AtomicBool,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        let flag = if self.inside.load(Ordering::Acquire) { &self.woken } else { &self.foreign };
        flag.store(true, Ordering::Release);
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RunEnd {
    Completed(Payload),
    Failed(String),
    Cancelled,
    Continues(Payload),
}

/// A flow's code under way.
pub(super) struct Task {
    program: Program,
    slots: Rc<RefCell<Slots>>,
    /// None once it has ended or is stuck.
    running: Option<Running>,
    alarm: Arc<Alarm>,
    end: Option<RunEnd>,
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("program", &self.program).field("end", &self.end).finish_non_exhaustive()
    }
}

impl Task {
    /// Rebuilds a flow: its code is taken through all turns of the present run. Wherever it does not fit, the task is stuck.
    pub(super) fn replay(program: &Program, journal: &Journal) -> Self {
        let (id, mailbox) = (journal.id.clone(), journal.carried.clone());
        let slots = Slots::new(id, journal.run, mailbox, program.turns_advised());
        let slots = Rc::new(RefCell::new(slots));
        let cx = FlowCx { slots: Rc::clone(&slots), shielded: false };
        let mut task = Self { program: program.clone(), slots, running: None, alarm: Arc::default(), end: None };
        let began = catch_unwind(AssertUnwindSafe(|| program.start(cx, journal.input.clone())));
        match began {
            Ok(running) => task.running = Some(running),
            Err(panic) => task.get_stuck(panicked(&*panic)),
        }
        for (at, turn) in journal.turns.iter().enumerate() {
            let last = at + 1 == journal.turns.len();
            task.turn(turn, last && turn.version == program.version());
        }
        task
    }

    /// Takes the code one turn on. `first_time` says that no other code has taken this turn before.
    pub(super) fn turn(&mut self, turn: &Turn, first_time: bool) {
        if self.stuck().is_some() {
            return;
        }
        if self.alarm.foreign.load(Ordering::Acquire) {
            return self.get_stuck(Stuck::ForeignWake);
        }
        if self.end.is_some() {
            return self.left_over(turn);
        }
        self.prepare(turn, first_time);
        // Whatever the answer wakes is code that waits for it.
        self.alarm.inside.store(true, Ordering::Release);
        let delivered = self.deliver(&turn.impulse);
        let wakers = core::mem::take(&mut self.slots.borrow_mut().wakers);
        wakers.into_iter().for_each(Waker::wake);
        match delivered {
            Ok(()) => self.poll(),
            Err(why) => self.get_stuck(why),
        }
        self.alarm.inside.store(false, Ordering::Release);
        self.check_patches();
    }

    fn prepare(&mut self, turn: &Turn, first_time: bool) {
        let (advised, max) = (self.program.turns_advised(), self.program.turns_max());
        let mut slots = self.slots.borrow_mut();
        slots.now = turn.at;
        slots.turns += 1;
        slots.turns_advised = advised;
        slots.patches.first_time = first_time;
        slots.patches.recorded = turn.patches.iter().cloned().collect();
        slots.patches.new.clear();
        if slots.turns > max {
            let turns = slots.turns;
            slots.get_stuck(Stuck::TooLong { turns, limit: max });
        }
    }

    /// Outcomes that the ended code did not wait for. Signals and cancellations may come too late for any code.
    fn left_over(&mut self, turn: &Turn) {
        if let Impulse::Resolved { ask, .. } = &turn.impulse {
            self.get_stuck(Stuck::Leftover { logged: ask.clone() });
        }
    }

    fn deliver(&mut self, impulse: &Impulse) -> Result<(), Stuck> {
        let mut slots = self.slots.borrow_mut();
        match impulse {
            Impulse::Begin => {}
            Impulse::Resolved { ask, outcome } => {
                let ordinal = self.program.find(&slots, ask)?;
                // That of a timer is its deadline, which is nothing to the code.
                let answer = if ask.is_timer() { Payload::stored("null") } else { outcome.clone() };
                slots.answer(ordinal, Answer::Given(answer));
            }
            Impulse::Signalled { name, seq, body } => {
                slots.signal(name, Unread { seq: *seq, body: body.clone() });
            }
            Impulse::Cancel => slots.cancel(),
        }
        Ok(())
    }

    fn poll(&mut self) {
        if self.stuck().is_some() {
            return;
        }
        let Some(mut running) = self.running.take() else { return };
        let waker = Waker::from(Arc::clone(&self.alarm));
        let mut cx = Context::from_waker(&waker);
        for _ in 0..POLLS_MAX {
            self.alarm.woken.store(false, Ordering::Release);
            match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(&mut cx))) {
                Err(panic) => return self.get_stuck(panicked(&*panic)),
                Ok(Poll::Ready(ended)) => return self.ended(ended),
                Ok(Poll::Pending) if self.stuck().is_some() => return,
                Ok(Poll::Pending) if self.alarm.woken.load(Ordering::Acquire) => {}
                Ok(Poll::Pending) if self.slots.borrow().is_awaited() => {
                    self.running = Some(running);
                    return;
                }
                Ok(Poll::Pending) => return self.get_stuck(Stuck::ForeignAwait),
            }
        }
        self.get_stuck(Stuck::Restless);
    }

    fn ended(&mut self, ended: Ended) {
        if self.stuck().is_some() {
            return;
        }
        if let Ok(Ok(payload) | Err(FlowError::ContinueAsNew(payload))) = &ended
            && payload.json().len() > PAYLOAD_BYTES_MAX
        {
            let reason = format!("{} bytes are over the limit of {PAYLOAD_BYTES_MAX}", payload.json().len());
            return self.get_stuck(Stuck::Unrecordable { what: "result".to_owned(), reason });
        }
        self.end = Some(match ended {
            Ok(Ok(output)) => RunEnd::Completed(output),
            Ok(Err(FlowError::Failed(reason))) => RunEnd::Failed(reason),
            Ok(Err(FlowError::Cancelled)) => RunEnd::Cancelled,
            Ok(Err(FlowError::ContinueAsNew(input))) => RunEnd::Continues(input),
            Err(why) => return self.get_stuck(why),
        });
    }

    fn check_patches(&mut self) {
        let left = self.slots.borrow().patches.recorded.first().cloned();
        if let Some(patch) = left {
            self.get_stuck(Stuck::LeftoverPatch { patch: patch.as_ref().into() });
        }
    }

    /// The code waits for nothing any more: something does not fit.
    pub(super) fn get_stuck(&mut self, why: Stuck) {
        self.slots.borrow_mut().get_stuck(why);
        self.running = None;
    }

    pub(super) fn stuck(&self) -> Option<Stuck> {
        self.slots.borrow().stuck.clone()
    }

    /// How the run ended, if it has and nothing is wrong.
    pub(super) fn end(&self) -> Option<&RunEnd> {
        self.end.as_ref().filter(|_| self.slots.borrow().stuck.is_none())
    }

    /// What the flow waits for, in the order in which it asked.
    pub(super) fn asks(&self) -> Vec<Ask> {
        if self.running.is_some() { self.slots.borrow().asks().collect() } else { Vec::new() }
    }

    /// Patches that the last turn took, to be recorded with it.
    pub(super) fn new_patches(&self) -> Vec<Arc<str>> {
        self.slots.borrow().patches.new.clone()
    }

    /// Up to which event signals were read, by name.
    pub(super) fn slots(&self) -> Ref<'_, Slots> {
        self.slots.borrow()
    }
}

impl Program {
    /// Which open ask an outcome belongs to.
    fn find(&self, slots: &Slots, logged: &AskName) -> Result<u32, Stuck> {
        let place = if self.strict() { Some(logged.ordinal) } else { slots.by_tag(&logged.tag) };
        let now = place.and_then(|place| slots.open(place)).map(|ask| ask.name());
        let fits =
            |now: &AskName| now.tag == logged.tag && now.kind == logged.kind && now.fingerprint == logged.fingerprint;
        match now {
            Some(now) if fits(&now) => Ok(now.ordinal),
            now => Err(Stuck::Mismatch { logged: logged.clone(), now }),
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Stuck {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let message = text.unwrap_or_else(|| "it did not say why".to_owned());
    Stuck::Panicked { message: message.chars().take(500).collect() }
}
