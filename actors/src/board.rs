//! What an owner shows to all without being asked: the counts of its occurrence, as they are durable.

use core::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::Arc;

use boxoffice_core::booking::SeatCount;
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::time::Timestamp;
use tokio::sync::watch;

use crate::directory::Directory;

/// The board of one occurrence. It outlives the owner as long as somebody watches it.
#[derive(Debug)]
pub(crate) struct Board {
    count: watch::Sender<SeatCount>,
    /// Requests that wait for the disk.
    waiting: AtomicUsize,
    /// In milliseconds since 1970.
    last_used: AtomicI64,
}

/// An owner as it is seen from outside, without a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerState {
    /// Seats in numbers, as they are durable.
    pub count: SeatCount,
    /// Requests that wait for the disk; those in the mailbox are not counted.
    pub waiting: usize,
    /// When somebody last asked for anything.
    pub last_used: Timestamp,
    /// How many [`SeatWatch`]es there are.
    pub watchers: usize,
}

impl Board {
    pub(crate) fn new(count: SeatCount) -> Self {
        Self { count: watch::Sender::new(count), waiting: AtomicUsize::new(0), last_used: AtomicI64::new(0) }
    }

    /// Shows what is durable now. Whoever watches is woken if it differs from what was shown.
    pub(crate) fn show(&self, count: SeatCount, waiting: usize) {
        self.waiting.store(waiting, Ordering::Relaxed);
        self.count.send_if_modified(|shown| core::mem::replace(shown, count) != count);
    }

    pub(crate) fn used(&self, at: Timestamp) {
        self.last_used.store(at.as_millis(), Ordering::Relaxed);
    }

    pub(crate) fn last_used(&self) -> i64 {
        self.last_used.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self) -> SeatCount {
        *self.count.borrow()
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.count.receiver_count() > 0
    }

    pub(crate) fn state(&self) -> OwnerState {
        OwnerState {
            count: self.count(),
            waiting: self.waiting.load(Ordering::Relaxed),
            last_used: Timestamp::from_millis(self.last_used()),
            watchers: self.count.receiver_count(),
        }
    }
}

/// Follows the seats of one occurrence: [`BoxOffice::watch_seats`](crate::BoxOffice::watch_seats).
///
/// Coalesced: whoever is slow sees the latest counts and not each on the way, so that ten thousand watchers hold up nobody.
/// What is shown is durable. It lives on while the owner rests.
#[derive(Debug)]
pub struct SeatWatch {
    seen: watch::Receiver<SeatCount>,
    /// Dropped after it, and so not counted any more when it looks.
    _leaving: Leaving,
}

#[derive(Debug)]
struct Leaving {
    occurrence: OccurrenceId,
    directory: Arc<Directory>,
}

impl SeatWatch {
    pub(crate) fn new(board: &Board, occurrence: OccurrenceId, directory: Arc<Directory>) -> Self {
        Self { seen: board.count.subscribe(), _leaving: Leaving { occurrence, directory } }
    }

    /// The counts as of now.
    pub fn now(&self) -> SeatCount {
        *self.seen.borrow()
    }

    /// Waits until the counts are others than those seen last, and gives them; none once the box office is shut down.
    pub async fn changed(&mut self) -> Option<SeatCount> {
        self.seen.changed().await.ok()?;
        Some(*self.seen.borrow_and_update())
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.directory.unwatched(&self.occurrence);
    }
}
