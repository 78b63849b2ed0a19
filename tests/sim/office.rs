//! One box office: its door, its directory and its registry, as in `actors/src/door.rs` and `actors/src/registry.rs`.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use boxoffice_core::booking::{BookingOutcome, BookingReply, SeatLedger, Submission, alarms, load_ledger, recall};
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::persist::Fault;
use boxoffice_core::time::Timestamp;
use tokio::sync::oneshot;

use crate::desk::{Plan, load_terms, policies};
use crate::disk::Disk;
use crate::owner::{Actor, How, Loaded, Message};
use crate::reply::{Answer, Delivered, Failure, ReplyTo};
use crate::watch::Watch;
use crate::world::{Process, World};
use crate::writer::Writer;

const TRIES_MAX: u32 = 100;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) beside_others: bool,
    pub(crate) idle_after: Duration,
    pub(crate) waiting_max: usize,
    pub(crate) snapshot_every: u64,
    pub(crate) failures_max: usize,
    pub(crate) failures_within: Duration,
}

type Waiting = Vec<oneshot::Sender<Result<(), Failure>>>;

pub(crate) struct Office {
    pub(crate) world: World,
    pub(crate) process: Process,
    pub(crate) disk: Arc<Disk>,
    pub(crate) plan: Rc<Plan>,
    pub(crate) settings: Settings,
    pub(crate) writer: Rc<Writer>,
    pub(crate) watch: Rc<Watch>,
    /// How far its clock is ahead of the world's.
    ahead: Rc<Cell<i64>>,
    alive: Rc<Cell<bool>>,
    directory: RefCell<BTreeMap<OccurrenceId, Rc<Actor>>>,
    activating: RefCell<BTreeMap<OccurrenceId, Waiting>>,
    failures: RefCell<BTreeMap<OccurrenceId, VecDeque<Timestamp>>>,
    /// When owners that rest have to be started again, though nobody asks.
    alarms: RefCell<BTreeMap<OccurrenceId, Timestamp>>,
}

impl Office {
    pub(crate) fn start(
        world: &World,
        disk: &Arc<Disk>,
        plan: &Rc<Plan>,
        settings: Settings,
        ahead: &Rc<Cell<i64>>,
        watch: Rc<Watch>,
    ) -> Rc<Self> {
        let (process, alive) = (world.number(), Rc::new(Cell::new(true)));
        let writer = Writer::new(world, process, disk, &alive);
        let office = Rc::new(Self {
            world: world.clone(),
            process,
            disk: Arc::clone(disk),
            plan: Rc::clone(plan),
            settings,
            writer,
            watch,
            ahead: Rc::clone(ahead),
            alive,
            directory: RefCell::default(),
            activating: RefCell::default(),
            failures: RefCell::default(),
            alarms: RefCell::default(),
        });
        world.spawn(process, Rc::clone(&office).read_alarms());
        office
    }

    /// Everything in memory is gone, in the middle of whatever it was doing.
    pub(crate) fn crash(&self) {
        self.alive.set(false);
        self.world.kill(self.process);
        let gone = (self.directory.take(), self.activating.take());
        drop(gone);
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.world.now() + self.ahead.get())
    }

    /// A request from outside; the answer is lost if the office ends before it gives one.
    pub(crate) fn run(self: &Rc<Self>, occurrence: &OccurrenceId, asked: Submission) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        let (office, occurrence) = (Rc::clone(self), occurrence.clone());
        self.world.spawn(self.process, async move {
            let answer = office.ask(&occurrence, asked).await;
            office.world.hop().await;
            _ = sender.send(answer).is_ok();
        });
        receiver
    }

    async fn ask(self: &Rc<Self>, occurrence: &OccurrenceId, mut asked: Submission) -> Answer {
        let mut again = asked.key.clone();
        for _ in 0..TRIES_MAX {
            if let Some(key) = again.take() {
                self.world.hop().await;
                if let Some(reply) = recall(&*self.disk, occurrence, &key, &asked.command).await? {
                    return Ok(reply);
                }
            }
            let Some(owner) = self.find(occurrence) else {
                self.activate(occurrence).await?;
                continue;
            };
            let (reply, answer) = ReplyTo::channel();
            self.world.hop().await;
            owner.enter(Message::Decide(asked.clone(), reply));
            match answer.await {
                Ok(Delivered::Given(Ok(reply))) => match (&reply.outcome, asked.command.attendee()) {
                    (BookingOutcome::Unchecked, Some(attendee)) => {
                        asked.verdict = Some(policies(&self.disk, &self.plan, occurrence, attendee).await?);
                    }
                    (BookingOutcome::Recall, _) => again.clone_from(&asked.key),
                    _ => return Ok(reply),
                },
                Ok(Delivered::Given(Err(failure))) => return Err(failure),
                Ok(Delivered::Undelivered) => {}
                Err(_) => return Err(Failure::Gone),
            }
        }
        Err(Failure::Busy)
    }

    /// Looks at the ledger as its owner shows it.
    pub(crate) fn inspect(self: &Rc<Self>, occurrence: &OccurrenceId) -> oneshot::Receiver<SeatLedger> {
        let (sender, receiver) = oneshot::channel();
        let (office, occurrence) = (Rc::clone(self), occurrence.clone());
        self.world.spawn(self.process, async move {
            for _ in 0..TRIES_MAX {
                let Some(owner) = office.find(&occurrence) else {
                    if office.activate(&occurrence).await.is_err() {
                        return;
                    }
                    continue;
                };
                let (look, seen) = oneshot::channel();
                office.world.hop().await;
                owner.enter(Message::Look(look));
                if let Ok(seen) = seen.await {
                    _ = sender.send(seen).is_ok();
                    return;
                }
            }
        });
        receiver
    }

    /// What an owner says, before anybody hears it.
    pub(crate) fn witness(&self, occurrence: &OccurrenceId, reply: &BookingReply) {
        self.watch.check_receipt(occurrence, reply, self.world.now());
    }

    fn find(&self, occurrence: &OccurrenceId) -> Option<Rc<Actor>> {
        self.directory.borrow().get(occurrence).cloned()
    }

    async fn activate(self: &Rc<Self>, occurrence: &OccurrenceId) -> Result<(), Failure> {
        self.world.hop().await;
        if self.is_left_alone(occurrence) {
            return Err(Failure::Failing);
        }
        if self.find(occurrence).is_some() {
            return Ok(());
        }
        let (ready, owner_ready) = oneshot::channel();
        if self.waits_for(occurrence, ready) {
            let woken = self.alarms.borrow_mut().remove(occurrence);
            self.begin(occurrence, woken);
        }
        owner_ready.await.unwrap_or(Err(Failure::Gone))
    }

    fn begin(self: &Rc<Self>, occurrence: &OccurrenceId, woken: Option<Timestamp>) {
        let (office, occurrence) = (Rc::clone(self), occurrence.clone());
        self.world.spawn(self.process, async move {
            office.world.hop().await;
            let loaded = office.load(&occurrence, woken).await;
            office.world.hop().await;
            office.loaded(&occurrence, loaded, woken);
        });
    }

    /// Those of the time before the start.
    async fn read_alarms(self: Rc<Self>) {
        self.world.hop().await;
        match alarms(&*self.disk, None, usize::MAX).await {
            Ok(found) => found.into_iter().for_each(|(occurrence, at)| self.set_alarm(occurrence, at)),
            // Holds still lapse when somebody asks.
            Err(_) => self.world.saw("alarms not read"),
        }
    }

    fn set_alarm(self: &Rc<Self>, occurrence: OccurrenceId, at: Timestamp) {
        let starts = self.activating.borrow().contains_key(&occurrence) || self.find(&occurrence).is_some();
        if starts || self.alarms.borrow().get(&occurrence).is_some_and(|before| *before <= at) {
            return;
        }
        self.alarms.borrow_mut().insert(occurrence.clone(), at);
        let office = Rc::clone(self);
        self.world.spawn(self.process, async move {
            while office.alarms.borrow().get(&occurrence) == Some(&at) {
                if office.now() >= at {
                    office.alarms.borrow_mut().remove(&occurrence);
                    office.ring(&occurrence, at);
                    return;
                }
                let millis = at.saturating_since(office.now()).as_millis();
                office.world.pass(u64::try_from(millis).unwrap()).await;
            }
        });
    }

    fn ring(self: &Rc<Self>, occurrence: &OccurrenceId, at: Timestamp) {
        if self.find(occurrence).is_none() && !self.activating.borrow().contains_key(occurrence) {
            self.world.saw("an alarm");
            self.activating.borrow_mut().insert(occurrence.clone(), Vec::new());
            self.begin(occurrence, Some(at));
        }
    }

    /// Whether it is the first who does.
    fn waits_for(&self, occurrence: &OccurrenceId, ready: oneshot::Sender<Result<(), Failure>>) -> bool {
        let mut activating = self.activating.borrow_mut();
        let first = !activating.contains_key(occurrence);
        activating.entry(occurrence.clone()).or_default().push(ready);
        first
    }

    async fn load(&self, occurrence: &OccurrenceId, woken: Option<Timestamp>) -> Result<Loaded, Fault> {
        let (ledger, snapshot_seq) = load_ledger(&*self.disk, occurrence).await?;
        let terms = load_terms(&self.disk, &self.plan, occurrence).await?;
        Ok(Loaded { ledger, snapshot_seq, terms, woken })
    }

    fn loaded(self: &Rc<Self>, occurrence: &OccurrenceId, loaded: Result<Loaded, Fault>, woken: Option<Timestamp>) {
        let waiting = self.activating.borrow_mut().remove(occurrence).unwrap_or_default();
        let result = loaded.map_err(Failure::from).map(|loaded| {
            let owner = Actor::start(occurrence, self.world.number(), loaded, self);
            self.directory.borrow_mut().insert(occurrence.clone(), owner);
        });
        if let (Err(_), Some(woken)) = (&result, woken) {
            self.set_alarm(occurrence.clone(), woken.max(self.now() + self.settings.failures_within));
        }
        for ready in waiting {
            _ = ready.send(result.clone()).is_ok();
        }
    }

    fn is_left_alone(&self, occurrence: &OccurrenceId) -> bool {
        let (now, mut failures) = (self.now(), self.failures.borrow_mut());
        let Some(failures) = failures.get_mut(occurrence) else { return false };
        failures.retain(|at| *at + self.settings.failures_within > now);
        failures.len() >= self.settings.failures_max
    }

    /// An owner has ended: no more messages are sent to it. Its next hold lapses at `due`.
    pub(crate) fn ended(self: &Rc<Self>, occurrence: &OccurrenceId, number: u64, how: How, due: Option<Timestamp>) {
        let owner = self.find(occurrence).filter(|owner| owner.number() == number);
        if owner.is_some() {
            self.directory.borrow_mut().remove(occurrence);
        }
        let (now, within) = (self.now(), self.settings.failures_within);
        if how == How::Failed {
            self.failures.borrow_mut().entry(occurrence.clone()).or_default().push_back(now);
        }
        // Nobody knows what of its last batch is in the store: somebody looks, after a while.
        let due = if how == How::Failed { Some(now + within) } else { due };
        if let Some(due) = due {
            self.set_alarm(occurrence.clone(), due);
        }
    }
}
