//! Fetches what peers publish: each when it is due, a few at a time, none waiting for another.

use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use boxoffice_core::federation::{CachedFeed, FeedRefusal, Peer, PeerBook, PeerName, Pulled, SyncOutcome};
use boxoffice_core::persist::{Fault, StoreError};
use boxoffice_core::time::Timestamp;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{Instrument, field};

use super::house::{House, apart};
use crate::error::BoxOfficeError;
use crate::stats::Counters;

/// Words that wait to be heard.
pub(super) const WORDS_MAX: usize = 256;
/// When to try again after the store failed.
const REST: Duration = Duration::from_secs(5);

/// How a pull is answered; the store may fail too.
pub(super) type Synced = Result<SyncOutcome, BoxOfficeError>;

/// What is said to whoever fetches.
#[derive(Debug)]
pub(super) enum Word {
    /// Fetch this peer's feed now.
    Sync(PeerName, oneshot::Sender<Synced>),
    /// Something about the peers has changed.
    Changed,
    /// Fetch no more.
    Stop(oneshot::Sender<()>),
}

type Pull = Pin<Box<dyn Future<Output = (PeerName, Synced)> + Send>>;

/// Who is fetched, and who waits for it.
struct Round {
    house: Arc<House>,
    under_way: FuturesUnordered<Pull>,
    fetching: BTreeSet<PeerName>,
    /// Who waits for a pull that has not begun.
    asked: BTreeMap<PeerName, Vec<oneshot::Sender<Synced>>>,
    /// Who waits for one that has.
    waiting: BTreeMap<PeerName, Vec<oneshot::Sender<Synced>>>,
    /// Not before then, since the store failed.
    resting: BTreeMap<PeerName, Timestamp>,
}

/// Fetches until it is told to stop, or nobody is left who could tell it.
pub(super) async fn keep_up(house: Arc<House>, mut heard: mpsc::Receiver<Word>, loaded: watch::Sender<bool>) {
    let mut round = Round {
        house: Arc::clone(&house),
        under_way: FuturesUnordered::new(),
        fetching: BTreeSet::new(),
        asked: BTreeMap::new(),
        waiting: BTreeMap::new(),
        resting: BTreeMap::new(),
    };
    loop {
        let book = match house.book().await {
            Ok(book) => house.load(&book).await.map(|()| book),
            Err(fault) => Err(fault.into()),
        };
        let next = match book {
            Ok(book) => {
                house.forget_others(&book);
                round.begin(&book)
            }
            Err(error) => {
                tracing::error!(%error, "peers cannot be read");
                round.fail_asked(&error);
                house.now() + REST
            }
        };
        loaded.send_replace(true);
        match round.wait(&mut heard, next).await {
            Some(Word::Sync(peer, reply)) => round.asked.entry(peer).or_default().push(reply),
            Some(Word::Changed) => {}
            Some(Word::Stop(done)) => {
                drop(round);
                if done.send(()).is_err() {
                    tracing::debug!("nobody waits for the end of the federation");
                }
                return;
            }
            None => return,
        }
    }
}

impl Round {
    /// Begins what is due and has room, those first who were asked for; when to look again.
    fn begin(&mut self, book: &PeerBook) -> Timestamp {
        let (house, now) = (Arc::clone(&self.house), self.house.now());
        let followed = |name: &PeerName| book.get(name).filter(|peer| peer.is_followed());
        let mut next = now + house.options.every;
        let asked: Vec<PeerName> = self.asked.keys().cloned().collect();
        for name in asked {
            match followed(&name) {
                Some(peer) if self.has_room(&name) => self.start(peer),
                Some(_) => {}
                None => answer(self.asked.remove(&name), &Ok(SyncOutcome::NotFollowed)),
            }
        }
        let idle = book.peers().filter(|peer| peer.is_followed() && !self.fetching.contains(&peer.name));
        let due = idle.map(|peer| {
            let kept = house.cached(peer);
            let due = kept.map(|kept| kept.due(&peer.name, house.options.every, &house.options.back_off));
            (due.max(self.resting.get(&peer.name).copied()).unwrap_or(now), peer)
        });
        let mut due: Vec<(Timestamp, &Peer)> = due.collect();
        // Who has waited longest is next, whatever its name.
        due.sort_by_key(|(due, _)| *due);
        for (due, peer) in due {
            if due > now {
                next = next.min(due);
            } else if self.has_room(&peer.name) {
                self.start(peer);
            }
        }
        next
    }

    fn has_room(&self, name: &PeerName) -> bool {
        !self.fetching.contains(name) && self.under_way.len() < self.house.options.at_once
    }

    fn start(&mut self, peer: &Peer) {
        self.fetching.insert(peer.name.clone());
        self.waiting.extend(self.asked.remove_entry(&peer.name));
        let (house, peer) = (Arc::clone(&self.house), peer.clone());
        self.under_way.push(Box::pin(async move {
            let synced = house.pull(&peer).await.map_err(store_failed);
            (peer.name, synced)
        }));
    }

    /// Waits for a word, for a pull to end, or for somebody to be due. A pull that ends is a change.
    async fn wait(&mut self, heard: &mut mpsc::Receiver<Word>, next: Timestamp) -> Option<Word> {
        let ended = if self.under_way.is_empty() {
            Either::Left(core::future::pending())
        } else {
            Either::Right(self.under_way.next())
        };
        let due = self.house.clock.sleep_until(next);
        let word = match select(Box::pin(heard.recv()), select(ended, due)).await {
            Either::Left((word, _)) => return word,
            Either::Right((Either::Left((ended, _)), _)) => ended,
            Either::Right((Either::Right(_), _)) => None,
        };
        if let Some((name, synced)) = word {
            self.fetching.remove(&name);
            match &synced {
                Ok(_) => drop(self.resting.remove(&name)),
                Err(_) => drop(self.resting.insert(name.clone(), self.house.now() + REST)),
            }
            answer(self.waiting.remove(&name), &synced);
        }
        Some(Word::Changed)
    }

    fn fail_asked(&mut self, error: &StoreError) {
        for (_, waiting) in core::mem::take(&mut self.asked) {
            answer(Some(waiting), &Err(store_failed(error.clone())));
        }
    }
}

/// Tells all who wait.
fn answer(waiting: Option<Vec<oneshot::Sender<Synced>>>, synced: &Synced) {
    for waits in waiting.into_iter().flatten() {
        if waits.send(synced.clone()).is_err() {
            tracing::debug!("caller no longer waits for a feed");
        }
    }
}

/// That the store failed, in the words of the handle.
pub(super) fn store_failed(error: StoreError) -> BoxOfficeError {
    match error {
        StoreError::Fault(fault) => fault.into(),
        StoreError::Payload(error) => BoxOfficeError::Payload(error),
        error @ (StoreError::Refused(_)
        | StoreError::Name(_)
        | StoreError::Truncated { .. }
        | StoreError::Event { .. }
        | StoreError::Vault { .. }
        | StoreError::Blob { .. }
        | _) => Fault::Unavailable { reason: error.to_string().into() }.into(),
    }
}

impl House {
    /// Reads what is kept of peers that were not in memory.
    async fn load(&self, book: &PeerBook) -> Result<(), StoreError> {
        for peer in book.peers().filter(|peer| peer.is_followed()) {
            if self.cached(peer).is_none() {
                let kept = Arc::new(CachedFeed::load(&self.store, peer).await?);
                let (from, limits, to_read) = (peer.name.clone(), self.options.limits, Arc::clone(&kept));
                let read = apart(Arc::clone(&self.loading), move || to_read.read(&from, &limits)).await;
                self.keep(&peer.name, Arc::new(read.unwrap_or_else(|| kept.unread())));
            }
        }
        Ok(())
    }

    /// Fetches one feed, and takes it if it is in order.
    async fn pull(&self, peer: &Peer) -> Result<SyncOutcome, StoreError> {
        let span = tracing::debug_span!("pull", peer = %peer.name, outcome = field::Empty);
        let pulled = self.pull_one(peer).instrument(span.clone()).await;
        Counters::add(&self.counters.federation_pulls);
        match &pulled {
            Ok(outcome) => {
                span.record("outcome", outcome.name());
                match outcome {
                    SyncOutcome::Refused(refusal) => {
                        Counters::add(&self.counters.federation_feeds_refused);
                        tracing::warn!(peer = %peer.name, refusal = refusal.name(), "a peer's feed is not taken");
                    }
                    SyncOutcome::Failed(_) => Counters::add(&self.counters.federation_pulls_failed),
                    SyncOutcome::NotFollowed | SyncOutcome::Unchanged | SyncOutcome::Fetched { .. } => {}
                }
            }
            Err(error) => drop(span.record("outcome", field::display(error))),
        }
        pulled
    }

    async fn pull_one(&self, peer: &Peer) -> Result<SyncOutcome, StoreError> {
        let had = self.cached(peer).map_or_else(|| CachedFeed::new(peer.pinned), |kept| CachedFeed::clone(&kept));
        let limits = self.options.limits;
        let have = had.state.etag.clone();
        let pulled = self.within(self.link.pull(peer, have.as_ref(), limits.bytes_max)).await;
        // Meanwhile it may have been suspended, or another key pinned.
        let now = self.book().await?;
        if now.get(&peer.name).is_none_or(|now| !now.is_followed() || now.pinned != peer.pinned) {
            return Ok(SyncOutcome::NotFollowed);
        }
        let bytes = match &pulled {
            Ok(Pulled::Feed { bytes, .. }) => Some(bytes.clone()),
            Ok(Pulled::NotModified) | Err(_) => None,
        };
        let (mut cached, from, now) = (had.clone(), peer.name.clone(), self.now());
        let accepted = apart(Arc::clone(&self.reading), move || {
            let outcome = cached.accept(&from, pulled, now, &limits);
            (cached, outcome)
        });
        let (cached, outcome) = accepted.await.unwrap_or_else(|| {
            let (mut cached, place) = (had, "calendar".to_owned());
            let outcome =
                cached.refuse(FeedRefusal::Malformed { place, reason: "the reader panicked".to_owned() }, now);
            (cached, outcome)
        });
        let bytes = bytes.filter(|_| matches!(outcome, SyncOutcome::Fetched { .. }));
        cached.save(&self.store, peer, bytes.as_deref()).await?;
        self.keep(&peer.name, Arc::new(cached));
        Ok(outcome)
    }
}
