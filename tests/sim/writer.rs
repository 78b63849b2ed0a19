//! The one writer of an office, as in `actors/src/store.rs`: what gathers while a group is on its way is the next group.

use core::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use boxoffice_core::persist::{Backend, CommitOutcome, Fault, Transaction};
use tokio::sync::oneshot;

use crate::disk::Disk;
use crate::world::{OUTSIDE, Process, World};

type CommitResult = Result<CommitOutcome, Fault>;

pub(crate) struct Writer {
    world: World,
    process: Process,
    disk: Arc<Disk>,
    /// Whether the office still runs.
    alive: Rc<Cell<bool>>,
    waiting: RefCell<Vec<(Transaction, oneshot::Sender<CommitResult>)>>,
    scheduled: Cell<bool>,
}

impl Writer {
    pub(crate) fn new(world: &World, process: Process, disk: &Arc<Disk>, alive: &Rc<Cell<bool>>) -> Rc<Self> {
        let (world, disk, alive) = (world.clone(), Arc::clone(disk), Rc::clone(alive));
        Rc::new(Self { world, process, disk, alive, waiting: RefCell::default(), scheduled: Cell::new(false) })
    }

    pub(crate) fn send(self: &Rc<Self>, transaction: Transaction) -> oneshot::Receiver<CommitResult> {
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().push((transaction, sender));
        if !self.scheduled.replace(true) {
            let writer = Rc::clone(self);
            self.world.spawn(self.process, async move { writer.run().await });
        }
        receiver
    }

    async fn run(self: Rc<Self>) {
        self.world.hop().await;
        loop {
            let group: Vec<_> = self.waiting.borrow_mut().drain(..).collect();
            if group.is_empty() {
                return self.scheduled.set(false);
            }
            let (transactions, callers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
            let outcomes = self.commit(transactions).await;
            for (place, caller) in callers.into_iter().enumerate() {
                _ = caller.send(outcomes.clone().map(|outcomes| outcomes[place].clone())).is_ok();
            }
        }
    }

    /// What the office has sent goes its own way: if the office ends meanwhile, it is written all the same or not, and if
    /// so, maybe after the office has started again.
    async fn commit(&self, transactions: Vec<Transaction>) -> Result<Vec<CommitOutcome>, Fault> {
        let (world, disk, alive) = (self.world.clone(), Arc::clone(&self.disk), Rc::clone(&self.alive));
        let (sender, outcomes) = oneshot::channel();
        self.world.spawn(OUTSIDE, async move {
            world.hop().await;
            if !alive.get() {
                if world.dice(|dice| dice.permille(500)) {
                    return;
                }
                world.saw("a write of the dead");
            }
            let outcomes = disk.commit(transactions).await;
            world.hop().await;
            _ = sender.send(outcomes).is_ok();
        });
        outcomes.await.unwrap_or_else(|_| Err(Fault::Unknown { reason: "the writer ended".into() }))
    }
}
