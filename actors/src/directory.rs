//! Which occurrences have an owner right now, and how their owners ended.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use actix::Addr;
use actix::dev::SendError;
use boxoffice_core::id::OccurrenceId;

use crate::occurrence::{Decide, OccurrenceActor};

type Table = HashMap<OccurrenceId, (u64, Addr<OccurrenceActor>)>;

/// Addresses of the living owners, shared by all callers: a request finds its owner without a detour.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    table: RwLock<Table>,
    ended: RwLock<Option<tokio::sync::mpsc::UnboundedSender<Ended>>>,
}

/// An owner that is gone.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) occurrence: OccurrenceId,
    pub(crate) how: How,
}

/// How an owner ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Nobody needed it.
    Rested,
    /// The store failed it.
    Failed,
    /// It panicked.
    Panicked,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Delivered,
    Full,
    NoOwner,
}

impl Directory {
    /// Where ended owners are announced.
    pub(crate) fn announce_to(&self, ended: tokio::sync::mpsc::UnboundedSender<Ended>) {
        *write(&self.ended) = Some(ended);
    }

    /// Hands `message` to the owner of `occurrence`, if it has one that lives and whose mailbox is not full.
    pub(crate) fn send(&self, occurrence: &OccurrenceId, message: Decide) -> Sent {
        let table = read(&self.table);
        let Some((_, owner)) = table.get(occurrence) else { return Sent::NoOwner };
        match owner.try_send(message) {
            Ok(()) => Sent::Delivered,
            Err(SendError::Full(_)) => Sent::Full,
            Err(SendError::Closed(_)) => Sent::NoOwner,
        }
    }

    /// The owner of `occurrence`, if it has one that lives.
    pub(crate) fn find(&self, occurrence: &OccurrenceId) -> Option<Addr<OccurrenceActor>> {
        let table = read(&self.table);
        table.get(occurrence).map(|(_, owner)| owner).filter(|owner| owner.connected()).cloned()
    }

    /// All living owners.
    pub(crate) fn owners(&self) -> Vec<Addr<OccurrenceActor>> {
        read(&self.table).values().map(|(_, owner)| owner.clone()).collect()
    }

    /// Enters the owner with number `number`.
    pub(crate) fn enter(&self, occurrence: OccurrenceId, number: u64, owner: Addr<OccurrenceActor>) {
        write(&self.table).insert(occurrence, (number, owner));
    }

    /// Strikes the owner out, unless another one has taken its place.
    fn strike(&self, occurrence: &OccurrenceId, number: u64) {
        let mut table = write(&self.table);
        if table.get(occurrence).is_some_and(|(entered, _)| *entered == number) {
            table.remove(occurrence);
        }
    }
}

/// Reported when it is dropped, and so in every case: at rest, after a fault, or unwinding from a panic.
#[derive(Debug)]
pub(crate) struct Ending {
    directory: Arc<Directory>,
    occurrence: OccurrenceId,
    number: u64,
    how: How,
}

impl Ending {
    /// For the owner of `occurrence` with number `number`.
    pub(crate) fn new(directory: Arc<Directory>, occurrence: OccurrenceId, number: u64) -> Self {
        Self { directory, occurrence, number, how: How::Panicked }
    }

    /// The owner ends because nobody needs it: no more messages are sent to it from now on.
    pub(crate) fn rested(&mut self) {
        self.how = How::Rested;
        self.directory.strike(&self.occurrence, self.number);
    }

    /// The owner ends because the store failed.
    pub(crate) fn failed(&mut self) {
        self.how = How::Failed;
        self.directory.strike(&self.occurrence, self.number);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.directory.strike(&self.occurrence, self.number);
        let ended = Ended { occurrence: self.occurrence.clone(), how: self.how };
        if let Some(Err(_)) = read(&self.directory.ended).as_ref().map(|announce| announce.send(ended)) {
            tracing::debug!("nobody is left to hear of an owner's end");
        }
    }
}

/// A panic while the lock is held leaves the table whole: each change is one call.
fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}
