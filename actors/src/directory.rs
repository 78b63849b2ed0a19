//! Which occurrences have an owner right now, and how their owners ended.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use actix::Addr;
use actix::dev::SendError;
use boxoffice_core::booking::SeatCount;
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::time::Timestamp;

use crate::board::{Board, OwnerState};
use crate::occurrence::{Decide, OccurrenceActor};

type Table = HashMap<OccurrenceId, Entry>;

#[derive(Debug)]
struct Entry {
    /// With its number; none if it rests, and only its board is there.
    owner: Option<(u64, Addr<OccurrenceActor>)>,
    board: Arc<Board>,
}

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
    /// When the next hold lapses of one that rests.
    pub(crate) due: Option<Timestamp>,
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
        let Some((_, owner)) = table.get(occurrence).and_then(|entry| entry.owner.as_ref()) else {
            return Sent::NoOwner;
        };
        match owner.try_send(message) {
            Ok(()) => Sent::Delivered,
            Err(SendError::Full(_)) => Sent::Full,
            Err(SendError::Closed(_)) => Sent::NoOwner,
        }
    }

    /// The owner of `occurrence`, if it has one that lives.
    pub(crate) fn find(&self, occurrence: &OccurrenceId) -> Option<Addr<OccurrenceActor>> {
        let table = read(&self.table);
        let (_, owner) = table.get(occurrence)?.owner.as_ref()?;
        owner.connected().then(|| owner.clone())
    }

    /// What the board of `occurrence` shows, if there is one.
    pub(crate) fn read_board<R>(&self, occurrence: &OccurrenceId, look: impl FnOnce(&Board) -> R) -> Option<R> {
        read(&self.table).get(occurrence).map(|entry| look(&entry.board))
    }

    /// All living owners.
    pub(crate) fn owners(&self) -> Vec<Addr<OccurrenceActor>> {
        read(&self.table).values().filter_map(|entry| entry.owner.as_ref()).map(|(_, owner)| owner.clone()).collect()
    }

    /// What the board of the owner of `occurrence` shows, if it has one that lives.
    pub(crate) fn state(&self, occurrence: &OccurrenceId) -> Option<OwnerState> {
        let table = read(&self.table);
        table.get(occurrence).filter(|entry| entry.owner.is_some()).map(|entry| entry.board.state())
    }

    /// What the boards of all living owners show, by id.
    pub(crate) fn states(&self) -> Vec<(OccurrenceId, OwnerState)> {
        let table = read(&self.table);
        let living = table.iter().filter(|(_, entry)| entry.owner.is_some());
        let mut states: Vec<_> = living.map(|(occurrence, entry)| (occurrence.clone(), entry.board.state())).collect();
        drop(table);
        states.sort_by(|(one, _), (other, _)| one.cmp(other));
        states
    }

    /// Up to `count` owners that were not used for longest.
    pub(crate) fn least_used(&self, count: usize) -> Vec<Addr<OccurrenceActor>> {
        let table = read(&self.table);
        let living = table.values().filter_map(|entry| Some((entry.board.last_used(), &entry.owner.as_ref()?.1)));
        let mut living: Vec<_> = living.collect();
        if count < living.len() {
            living.select_nth_unstable_by_key(count, |(used, _)| *used);
        }
        living.into_iter().take(count).map(|(_, owner)| owner.clone()).collect()
    }

    /// The board for an owner that starts: the one that somebody still watches, or a new one.
    pub(crate) fn board(&self, occurrence: &OccurrenceId, count: SeatCount) -> Arc<Board> {
        match read(&self.table).get(occurrence) {
            Some(entry) => {
                entry.board.show(count, 0);
                Arc::clone(&entry.board)
            }
            None => Arc::new(Board::new(count)),
        }
    }

    /// Enters the owner with number `number`.
    pub(crate) fn enter(&self, occurrence: OccurrenceId, number: u64, owner: Addr<OccurrenceActor>, board: Arc<Board>) {
        write(&self.table).insert(occurrence, Entry { owner: Some((number, owner)), board });
    }

    /// Strikes the owner out, unless another one has taken its place.
    fn strike(&self, occurrence: &OccurrenceId, number: u64) {
        let mut table = write(&self.table);
        let Some(entry) = table.get_mut(occurrence) else { return };
        if entry.owner.as_ref().is_some_and(|(entered, _)| *entered == number) {
            entry.owner = None;
            if !entry.board.is_watched() {
                table.remove(occurrence);
            }
        }
    }

    /// Takes a board down that nobody watches and nobody writes.
    pub(crate) fn unwatched(&self, occurrence: &OccurrenceId) {
        let mut table = write(&self.table);
        if table.get(occurrence).is_some_and(|entry| entry.owner.is_none() && !entry.board.is_watched()) {
            table.remove(occurrence);
        }
    }

    /// Takes everything down: whoever watches is told that there is no more to come.
    pub(crate) fn close(&self) {
        write(&self.table).clear();
    }
}

/// Reported when it is dropped, and so in every case: at rest, after a fault, or unwinding from a panic.
#[derive(Debug)]
pub(crate) struct Ending {
    directory: Arc<Directory>,
    occurrence: OccurrenceId,
    number: u64,
    how: How,
    due: Option<Timestamp>,
}

impl Ending {
    /// For the owner of `occurrence` with number `number`.
    pub(crate) fn new(directory: Arc<Directory>, occurrence: OccurrenceId, number: u64) -> Self {
        Self { directory, occurrence, number, how: How::Panicked, due: None }
    }

    /// The owner ends because nobody needs it: no more messages are sent to it from now on. Its next hold lapses at `due`.
    pub(crate) fn rested(&mut self, due: Option<Timestamp>) {
        (self.how, self.due) = (How::Rested, due);
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
        let ended = Ended { occurrence: self.occurrence.clone(), how: self.how, due: self.due };
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
