//! One thread, one queue, one clock: whoever can go on does so when the seed says, and time passes when nobody can.

use core::cell::{Cell, RefCell};
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use crate::dice::{Dice, mix};

/// Whatever ends together: an office from its start to its end, or the network.
pub(crate) type Process = u64;

/// What no crash ends.
pub(crate) const OUTSIDE: Process = 0;

type Task = (Process, Pin<Box<dyn Future<Output = ()>>>);

/// A handle on the simulated world; all clones are the same world.
#[derive(Clone)]
pub(crate) struct World(Rc<Inner>);

struct Inner {
    now: Cell<i64>,
    dice: RefCell<Dice>,
    tasks: RefCell<BTreeMap<u64, Task>>,
    ready: Arc<Ready>,
    timers: RefCell<BTreeMap<(i64, u64), Waker>>,
    numbers: Cell<u64>,
    trace: Cell<u64>,
    seen: RefCell<BTreeMap<&'static str, u64>>,
    steps: Cell<u64>,
    /// In milliseconds: the longest that a message usually takes, and one in a thousand.
    delays: Cell<(u64, u64)>,
}

#[derive(Default)]
struct Ready(Mutex<BTreeSet<u64>>);

struct Wakes(u64, Arc<Ready>);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.1.0.lock().unwrap().insert(self.0);
    }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rc::new(Inner {
            now: Cell::new(0),
            dice: RefCell::new(Dice::new(seed)),
            tasks: RefCell::default(),
            ready: Arc::default(),
            timers: RefCell::default(),
            numbers: Cell::new(0),
            trace: Cell::new(seed),
            seen: RefCell::default(),
            steps: Cell::new(0),
            delays: Cell::new((2, 20)),
        }))
    }

    /// Milliseconds since the beginning, as nobody in the world can see them.
    pub(crate) fn now(&self) -> i64 {
        self.0.now.get()
    }

    pub(crate) fn steps(&self) -> u64 {
        self.0.steps.get()
    }

    pub(crate) fn set_delays(&self, usual: u64, rare: u64) {
        self.0.delays.set((usual, rare));
    }

    /// Throws the dice of the world.
    pub(crate) fn dice<R>(&self, throw: impl FnOnce(&mut Dice) -> R) -> R {
        throw(&mut self.0.dice.borrow_mut())
    }

    /// A number that nobody else has.
    pub(crate) fn number(&self) -> u64 {
        self.0.numbers.set(self.0.numbers.get() + 1);
        self.0.numbers.get()
    }

    /// All that happened so far in one number.
    pub(crate) fn trace(&self) -> u64 {
        self.0.trace.get()
    }

    /// Counts that something happened which runs are made to bring about.
    pub(crate) fn saw(&self, what: &'static str) {
        *self.0.seen.borrow_mut().entry(what).or_default() += 1;
    }

    /// How often what happened.
    pub(crate) fn seen(&self) -> BTreeMap<&'static str, u64> {
        self.0.seen.borrow().clone()
    }

    /// Makes something a part of [`World::trace`].
    pub(crate) fn note(&self, what: u64) {
        self.0.trace.set(mix(self.0.trace.get() ^ what));
    }

    pub(crate) fn spawn(&self, process: Process, task: impl Future<Output = ()> + 'static) {
        let id = self.number();
        self.0.tasks.borrow_mut().insert(id, (process, Box::pin(task)));
        self.0.ready.0.lock().unwrap().insert(id);
    }

    /// Ends a process in the middle of whatever its tasks are doing.
    pub(crate) fn kill(&self, process: Process) {
        let mut tasks = self.0.tasks.borrow_mut();
        let ids: Vec<u64> = tasks.iter().filter(|(_, (of, _))| *of == process).map(|(id, _)| *id).collect();
        let ended: Vec<Task> = ids.into_iter().filter_map(|id| tasks.remove(&id)).collect();
        drop(tasks);
        // What they drop may wake others.
        drop(ended);
    }

    /// Waits so many milliseconds.
    pub(crate) fn pass(&self, millis: u64) -> Pass {
        Pass { world: self.clone(), at: self.now().saturating_add_unsigned(millis) }
    }

    /// As long as a message takes.
    pub(crate) fn hop(&self) -> Pass {
        let (usual, rare) = self.0.delays.get();
        let millis = self.dice(|dice| match dice.below(1_000) {
            0 => dice.within(0, rare),
            1..=500 => 0,
            _ => dice.within(0, usual),
        });
        self.pass(millis)
    }

    /// Lets one task go on, or time pass until one can. False: nothing will ever happen again.
    pub(crate) fn step(&self) -> bool {
        let mut ready = self.0.ready.0.lock().unwrap();
        if ready.is_empty() {
            drop(ready);
            return self.wait();
        }
        let place = self.dice(|dice| dice.index(ready.len()));
        let id = *ready.iter().nth(place).unwrap();
        ready.remove(&id);
        drop(ready);
        self.poll(id);
        true
    }

    fn poll(&self, id: u64) {
        let Some((process, mut task)) = self.0.tasks.borrow_mut().remove(&id) else { return };
        self.0.steps.set(self.steps() + 1);
        self.note(mix(id) ^ self.now().unsigned_abs());
        let waker = Waker::from(Arc::new(Wakes(id, Arc::clone(&self.0.ready))));
        if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            self.0.tasks.borrow_mut().insert(id, (process, task));
        }
    }

    fn wait(&self) -> bool {
        let mut timers = self.0.timers.borrow_mut();
        let Some((&(at, _), _)) = timers.first_key_value() else { return false };
        self.0.now.set(at.max(self.now()));
        while let Some(first) = timers.first_entry().filter(|first| first.key().0 <= at) {
            first.remove().wake();
        }
        true
    }
}

/// Is ready when its time has come.
pub(crate) struct Pass {
    world: World,
    at: i64,
}

impl Future for Pass {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.world.now() >= self.at {
            return Poll::Ready(());
        }
        let number = self.world.number();
        self.world.0.timers.borrow_mut().insert((self.at, number), context.waker().clone());
        Poll::Pending
    }
}
