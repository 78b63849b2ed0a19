//! What the parts of a federation share.

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use boxoffice_core::federation::{
    CachedFeed, FeedLimits, LinkError, LinkFault, MergeOptions, Peer, PeerBook, PeerFeed, PeerLink, PeerName,
    PublishedFeed,
};
use boxoffice_core::flow::RetryPolicy;
use boxoffice_core::id::SeriesId;
use boxoffice_core::persist::{Fault, Seq, Store};
use boxoffice_core::schedule::Series;
use boxoffice_core::time::Timestamp;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::office::BoxOffice;
use crate::stats::Counters;

/// Messages of one peer that wait for their turn.
pub(super) const TURNS_MAX: usize = 64;
/// Agendas that are merged at the same time.
const MERGES_MAX: usize = 2;
/// Feeds that are read at the same time.
const READS_MAX: usize = 1;

/// What a builder sets.
pub(super) struct Options {
    pub(super) public: Box<dyn Fn(&Series) -> bool + Send + Sync>,
    pub(super) every: Duration,
    pub(super) time_limit: Duration,
    pub(super) at_once: usize,
    pub(super) limits: FeedLimits,
    pub(super) back_off: RetryPolicy,
    pub(super) retries: RetryPolicy,
    pub(super) merge: MergeOptions,
}

/// Messages of one peer are taken one after the other; so many may wait.
#[derive(Debug)]
pub(super) struct Turns {
    pub(super) room: Semaphore,
    pub(super) turn: tokio::sync::Mutex<Turn>,
}

/// How many holds a peer may ask for in an hour, each under a name of its own: what was asked stays in the store for ever.
pub const HOLDS_NEW_MAX: u32 = 3_600;
/// That hour.
const HOUR: Duration = Duration::from_secs(3_600);

/// What a peer has asked anew since that hour began. Counted in memory.
#[derive(Debug, Default)]
pub(super) struct Turn {
    since: Timestamp,
    new: u32,
}

impl Turn {
    /// Counts one more; or when there is room for it again.
    pub(super) fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        if now < self.since || now >= self.since + HOUR {
            *self = Self { since: now, new: 0 };
        }
        if self.new >= HOLDS_NEW_MAX {
            return Err((self.since + HOUR).saturating_since(now));
        }
        self.new += 1;
        Ok(())
    }
}

/// The feed that was published last, and the series that it was made of.
type Published = Option<(Vec<(SeriesId, Seq)>, Arc<PublishedFeed>)>;

pub(super) struct House {
    pub(super) us: PeerName,
    pub(super) office: BoxOffice,
    pub(super) store: Store,
    pub(super) link: Arc<dyn PeerLink>,
    pub(super) options: Options,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) counters: Arc<Counters>,
    /// Places for what may take long, of each kind its own: see [`apart`].
    pub(super) merging: Arc<Semaphore>,
    pub(super) reading: Arc<Semaphore>,
    /// Of its own: while feeds are loaded nobody drives a pull, which may be the next to have its turn at reading.
    pub(super) loading: Arc<Semaphore>,
    /// Of whoever looks our feed up, and builds it if it has changed: one at a time, so that it is built once.
    pub(super) publisher: tokio::sync::Mutex<()>,
    book: RwLock<Arc<PeerBook>>,
    caches: RwLock<BTreeMap<PeerName, Arc<CachedFeed>>>,
    turns: Mutex<BTreeMap<PeerName, Arc<Turns>>>,
    published: Mutex<Published>,
}

/// Runs what may take long on a thread where it holds up nobody but others of its kind, `room` at a time. None when it panicked.
/// Once begun it goes on, and keeps its place, though nobody waits for it.
pub(super) async fn apart<R: Send + 'static>(
    room: Arc<Semaphore>,
    work: impl FnOnce() -> R + Send + 'static,
) -> Option<R> {
    let place = room.acquire_owned().await.ok()?;
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(place);
        done
    });
    done.await.ok()
}

impl core::fmt::Debug for House {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("House").field("us", &self.us).finish_non_exhaustive()
    }
}

impl House {
    pub(super) fn new(us: PeerName, office: BoxOffice, link: Arc<dyn PeerLink>, options: Options) -> Self {
        let (store, clock, counters) = (office.store(), office.clock(), office.counters());
        Self {
            us,
            office,
            store,
            link,
            options,
            clock,
            counters,
            merging: Arc::new(Semaphore::new(MERGES_MAX)),
            reading: Arc::new(Semaphore::new(READS_MAX)),
            loading: Arc::new(Semaphore::new(1)),
            publisher: tokio::sync::Mutex::default(),
            book: RwLock::default(),
            caches: RwLock::default(),
            turns: Mutex::default(),
            published: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// All peers as they are recorded now: others may write the same store.
    pub(super) async fn book(&self) -> Result<Arc<PeerBook>, Fault> {
        let seen = Arc::clone(&self.book.read().unwrap_or_else(PoisonError::into_inner));
        let mut newer = PeerBook::clone(&seen);
        newer.catch_up(&**self.store.backend()).await?;
        if newer.seq() == seen.seq() {
            return Ok(seen);
        }
        let newer = Arc::new(newer);
        self.keep_book(Arc::clone(&newer));
        Ok(newer)
    }

    pub(super) fn keep_book(&self, newer: Arc<PeerBook>) {
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        if newer.seq() > book.seq() {
            *book = newer;
        }
    }

    /// One peer as it is known in memory: others may have written the store since.
    #[cfg(feature = "federation-http")]
    pub(super) fn known_peer(&self, name: &PeerName) -> Option<Peer> {
        self.book.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(super) async fn peer(&self, name: &PeerName) -> Result<Option<Peer>, Fault> {
        Ok(self.book().await?.get(name).cloned())
    }

    /// What is had of a peer, under the key that is pinned now.
    pub(super) fn cached(&self, peer: &Peer) -> Option<Arc<CachedFeed>> {
        let caches = self.caches.read().unwrap_or_else(PoisonError::into_inner);
        caches.get(&peer.name).filter(|cached| cached.state.pinned == peer.pinned).cloned()
    }

    pub(super) fn keep(&self, peer: &PeerName, cached: Arc<CachedFeed>) {
        self.caches.write().unwrap_or_else(PoisonError::into_inner).insert(peer.clone(), cached);
    }

    /// Forgets what is had of peers that are not followed any more; it stays in the store.
    pub(super) fn forget_others(&self, book: &PeerBook) {
        let mut caches = self.caches.write().unwrap_or_else(PoisonError::into_inner);
        caches.retain(|name, _| book.get(name).is_some_and(Peer::is_followed));
        drop(caches);
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|name, turns| book.get(name).is_some() || Arc::strong_count(turns) > 1);
    }

    /// What is had of those whose entries are shown.
    pub(super) fn feeds(&self, book: &PeerBook) -> Vec<PeerFeed> {
        let merged = book.peers().filter(|peer| peer.is_merged());
        let had = merged.filter_map(|peer| {
            let cached = self.cached(peer)?;
            Some(PeerFeed { feed: Arc::clone(cached.feed.as_ref()?), fetched_at: cached.state.fetched_at? })
        });
        had.collect()
    }

    pub(super) fn turns(&self, peer: &PeerName) -> Arc<Turns> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Turns { room: Semaphore::new(TURNS_MAX), turn: tokio::sync::Mutex::default() });
        Arc::clone(turns.entry(peer.clone()).or_insert_with(new))
    }

    pub(super) fn published(&self, of: &[(SeriesId, Seq)]) -> Option<Arc<PublishedFeed>> {
        let published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.as_ref().filter(|(made_of, _)| made_of == of).map(|(_, feed)| Arc::clone(feed))
    }

    pub(super) fn keep_published(&self, of: Vec<(SeriesId, Seq)>, feed: Arc<PublishedFeed>) {
        *self.published.lock().unwrap_or_else(PoisonError::into_inner) = Some((of, feed));
    }

    /// Asks the link, which has its time and no more, and must not take the thread with it.
    pub(super) async fn within<T>(&self, asked: impl Future<Output = Result<T, LinkError>>) -> Result<T, LinkError> {
        let limit = self.options.time_limit;
        let asked = Box::pin(AssertUnwindSafe(asked).catch_unwind());
        match select(asked, self.clock.sleep_until(self.now() + limit)).await {
            Either::Left((Ok(answer), _)) => answer,
            Either::Left((Err(_), _)) => Err(LinkError::new(LinkFault::Unavailable, "the link panicked")),
            Either::Right(_) => {
                let reason = format!("no answer within {} ms", limit.as_millis());
                Err(LinkError::new(LinkFault::TimedOut, reason))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_asks_for_so_many_new_holds_in_an_hour_and_then_for_as_many_again() {
        let (mut turn, at) =
            (Turn::default(), |seconds: i64| Timestamp::from_millis(1_767_225_600_000 + seconds * 1_000));
        assert!((0..HOLDS_NEW_MAX).all(|_| turn.take(at(0)).is_ok()));
        assert_eq!(turn.take(at(1)), Err(Duration::from_secs(3_599)));
        assert_eq!(turn.take(at(3_600)), Ok(()));
        assert_eq!(turn.take(at(3_601)), Ok(()));
    }

    #[tokio::test]
    async fn what_panics_apart_ends_nobody_and_gives_its_place_back() {
        let room = Arc::new(Semaphore::new(1));
        assert_eq!(apart(Arc::clone(&room), || panic!("on purpose")).await, None::<u8>);
        assert_eq!(apart(room, || 7).await, Some(7));
    }
}
