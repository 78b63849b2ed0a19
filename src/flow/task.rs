//! A flow's code under way: rebuilt from its journal, and taken on turn by turn.

use core::any::Any;
use core::fmt;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use std::cell::{Cell, Ref, RefCell};
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

thread_local! {
    /// The alarm of the flow that this thread is taking on; 0 if none. What other threads wake meanwhile is foreign.
    static TAKEN_ON: Cell<usize> = const { Cell::new(0) };
}

/// Notices who wakes a flow: its asks and its own code, while it is taken on, or something that it should not wait for.
#[derive(Debug, Default)]
struct Alarm {
    woken: AtomicBool,
    foreign: AtomicBool,
}

impl Alarm {
    fn address(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        // A thread that ends has no such value any more, and takes no flow on.
        let inside = TAKEN_ON.try_with(|flow| flow.get() == self.address()).unwrap_or(false);
        let flag = if inside { &self.woken } else { &self.foreign };
        flag.store(true, Ordering::Release);
    }
}

/// Lets go of something that belongs to the flow's code. That may panic as well, and nobody is left whom it would
/// concern.
fn discard<T>(thing: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(thing))) {
        // Even what a panic carries may panic when it is dropped.
        core::mem::forget(catch_unwind(AssertUnwindSafe(|| drop(panic))));
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

impl Drop for Task {
    fn drop(&mut self) {
        discard(self.running.take());
    }
}

/// What a poll came to.
enum Polled {
    Waits,
    Ended(Ended),
    Stuck(Stuck),
}

impl Task {
    /// Rebuilds a flow: its code is taken through all turns of the present run. Wherever it does not fit, the task is
    /// stuck.
    pub(super) fn replay(program: &Program, journal: &Journal) -> Self {
        let (id, mailbox) = (journal.id.clone(), journal.carried.clone());
        let mut slots = Slots::new(id, journal.run, mailbox, program.turns_advised());
        slots.cancelled = journal.cancelled_before;
        let slots = Rc::new(RefCell::new(slots));
        let cx = FlowCx { slots: Rc::clone(&slots), shielded: false };
        let mut task = Self { program: program.clone(), slots, running: None, alarm: Arc::default(), end: None };
        let began = catch_unwind(AssertUnwindSafe(|| program.start(cx, journal.input.clone())));
        match began {
            Ok(running) => task.running = Some(running),
            Err(panic) => task.get_stuck(panicked(panic)),
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
        let around = TAKEN_ON.replace(self.alarm.address());
        match self.deliver(&turn.impulse) {
            Ok(()) => self.poll(),
            Err(why) => self.get_stuck(why),
        }
        TAKEN_ON.set(around);
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

    /// Outcomes and patches that the ended code did not ask for. Signals and cancellations may come too late for any
    /// code.
    fn left_over(&mut self, turn: &Turn) {
        if let Some(patch) = turn.patches.first() {
            self.get_stuck(Stuck::LeftoverPatch { patch: patch.as_ref().into() });
        }
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
        let wakers = core::mem::take(&mut slots.wakers);
        drop(slots);
        // Whose wakers these are is up to the code: they may do anything.
        catch_unwind(AssertUnwindSafe(|| wakers.into_iter().for_each(Waker::wake))).map_err(panicked)
    }

    fn poll(&mut self) {
        if self.stuck().is_some() {
            return;
        }
        let Some(mut running) = self.running.take() else { return };
        match self.until_it_waits(&mut running) {
            Polled::Waits => self.running = Some(running),
            Polled::Ended(ended) => {
                discard(running);
                self.ended(ended);
            }
            Polled::Stuck(why) => {
                self.get_stuck(why);
                discard(running);
            }
        }
    }

    fn until_it_waits(&self, running: &mut Running) -> Polled {
        let waker = Waker::from(Arc::clone(&self.alarm));
        let mut cx = Context::from_waker(&waker);
        for _ in 0..POLLS_MAX {
            self.alarm.woken.store(false, Ordering::Release);
            match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(&mut cx))) {
                Err(panic) => return Polled::Stuck(panicked(panic)),
                Ok(Poll::Ready(ended)) => return Polled::Ended(ended),
                Ok(Poll::Pending) => {}
            }
            if let Some(why) = self.stuck() {
                return Polled::Stuck(why);
            }
            if !self.alarm.woken.load(Ordering::Acquire) {
                let waits = self.slots.borrow().is_awaited();
                return if waits { Polled::Waits } else { Polled::Stuck(Stuck::ForeignAwait) };
            }
        }
        Polled::Stuck(Stuck::Restless)
    }

    fn ended(&mut self, ended: Ended) {
        if self.stuck().is_some() {
            return;
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
        discard(self.running.take());
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

    /// Children that were waited for when the flow was cancelled. Once.
    pub(super) fn take_unwanted(&mut self) -> Vec<Ask> {
        core::mem::take(&mut self.slots.borrow_mut().unwanted)
    }

    /// An ask that is still open.
    pub(super) fn open(&self, ordinal: u32) -> Option<Ask> {
        self.running.as_ref()?;
        self.slots.borrow().open(ordinal)
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

fn panicked(panic: Box<dyn Any + Send>) -> Stuck {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    discard(panic);
    Stuck::panicked(text.as_deref().unwrap_or("it did not say why"))
}
