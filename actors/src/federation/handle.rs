//! The handle to a running federation.

use core::future::Future;
use std::sync::{Arc, Weak};

use actix::ArbiterHandle;
use boxoffice_core::calendar::CalendarEvent;
use boxoffice_core::federation::{
    Because, ETag, MergedAgenda, Peer, PeerBook, PeerCommand, PeerCommandOutcome, PeerEvent, PeerKey, PeerLink,
    PeerMessage, PeerName, PeerReply, PublishedFeed, SyncOutcome, Trouble, Trust, merge_feeds, merged_calendar,
    peer_history, public_events, run_peer,
};
use boxoffice_core::persist::Seq;
use boxoffice_core::schedule::AgendaOptions;
use boxoffice_core::time::{Timestamp, Window};
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot, watch};

#[cfg(doc)]
use super::HOLDS_NEW_MAX;
use super::builder::FederationBuilder;
use super::house::{House, apart};
use super::sync::Word;
use crate::error::BoxOfficeError;
use crate::office::BoxOffice;
use crate::system::Lifetime;

/// How fetching a peer's feed stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStanding {
    /// Whose.
    pub peer: PeerName,
    /// How far it is trusted.
    pub trust: Trust,
    /// The number of the feed that is had; none if there is none.
    pub seq: Option<u64>,
    /// Entries in it.
    pub events: usize,
    /// When the peer last said that this is its feed.
    pub fetched_at: Option<Timestamp>,
    /// Whether that is too long ago, or never was.
    pub stale: bool,
    /// How often in a row it was not had since.
    pub failures: u32,
    /// Why not, the last time. May hold what the peer said: data, to be escaped wherever it is shown.
    pub trouble: Option<Trouble>,
}

/// What a request for our feed is answered with.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedAnswer {
    /// Whoever asks may not read it.
    NotAllowed,
    /// It is the one that is had.
    NotModified(ETag),
    /// It is this.
    Feed(Arc<PublishedFeed>),
}

/// What all clones of a handle share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) house: Arc<House>,
    pub(super) words: mpsc::Sender<Word>,
    pub(super) is_loaded: watch::Receiver<bool>,
    pub(super) thread: ArbiterHandle,
    pub(super) lifetime: Lifetime,
}

/// A running federation: cheap to clone, and to be used from any thread and any runtime.
///
/// When the last clone is dropped its thread ends; [`Federation::shutdown`] ends it in good order. Shut it down before the box
/// office that it was started for.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use boxoffice::booking::{Party, Seats};
/// use boxoffice::calendar::{CalendarEvent, Frame, Length};
/// use boxoffice::federation::*;
/// use boxoffice::{BoxOffice, id::{OccurrenceId, SeriesId}, persist::MemoryBackend};
/// use std::time::Duration;
///
/// // Two systems in one process; over a network, each has a link that signs and verifies.
/// let net = MemoryNet::new();
/// let (club, library) = (PeerName::new("club.example")?, PeerName::new("library.example")?);
/// let start = |name: &PeerName, key| {
///     let office = BoxOffice::builder().store(MemoryBackend::new()).start()?;
///     let link = net.link(name, PeerKey::new([key; 32]));
///     let federation = Federation::builder(name.clone(), link).public(|_| true).start(&office)?;
///     net.join(&federation);
///     Ok::<_, boxoffice::StartError>((office, federation))
/// };
/// let ((office, at_club), (_, at_library)) = (start(&club, 1)?, start(&library, 2)?);
///
/// // The club has an evening on sale, and lets the library hold four seats for ten minutes.
/// let monday = boxoffice::jiff::civil::date(2026, 1, 5).at(19, 0, 0, 0);
/// office.schedule(CalendarEvent::new(SeriesId::new("chess")?, "Chess", monday, Frame::Utc, Length::ZERO)).await?;
/// let evening: OccurrenceId = "chess@20260105T190000Z".parse()?;
/// office.open(&evening, Seats::new(20)).await?;
/// let because = Because::new("ann", "asked for at the meeting")?;
/// let add = |key| PeerCommand::Add { url: "https://peer.example/".parse().unwrap(), key: PeerKey::new([key; 32]) };
/// let grant = PeerCommand::Grant { grants: Grants::holding(4, Duration::from_secs(600)) };
/// for command in [add(2), PeerCommand::Allow, grant] {
///     assert_eq!(at_club.change(&library, command, because.clone()).await?, PeerCommandOutcome::Done);
/// }
/// for command in [add(1), PeerCommand::Allow] {
///     assert_eq!(at_library.change(&club, command, because.clone()).await?, PeerCommandOutcome::Done);
/// }
///
/// assert!(at_library.sync_now(&club).await?.is_current());
/// let (holder, term) = (Holder::new("bob")?, Duration::from_secs(300));
/// let wanted = Wanted { occurrence: evening.clone(), party: Party::of(2), holder, term };
/// let order = HoldId::new("order-7")?;
/// let held = at_library.hold(&club, &order, wanted).await?;
/// assert!(matches!(held.stage(), Some(RemoteStage::Held { .. })));
/// let confirmed = at_library.confirm(&club, &order).await?;
/// assert_eq!(confirmed.stage(), Some(&RemoteStage::Confirmed));
/// assert_eq!(office.seats(&evening).await?.free, 18);
/// # Ok(()) }) }
/// ```
#[derive(Clone, Debug)]
pub struct Federation {
    pub(super) inner: Arc<Inner>,
}

/// A handle that keeps nothing alive.
#[derive(Clone, Debug)]
pub(super) struct WeakFederation(Weak<Inner>);

impl WeakFederation {
    pub(super) fn upgrade(&self) -> Option<Federation> {
        self.0.upgrade().map(|inner| Federation { inner })
    }
}

impl Federation {
    pub(super) fn of(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn downgrade(&self) -> WeakFederation {
        WeakFederation(Arc::downgrade(&self.inner))
    }

    /// Sets a federation up: `us` is our own name, `link` the way to peers.
    pub fn builder(us: PeerName, link: impl PeerLink) -> FederationBuilder {
        FederationBuilder::new(us, Arc::new(link))
    }

    /// Our own name.
    pub fn name(&self) -> &PeerName {
        &self.inner.house.us
    }

    /// The box office that it runs beside.
    pub fn office(&self) -> &BoxOffice {
        &self.inner.house.office
    }

    /// Changes something about a peer, and records who wanted it and why.
    ///
    /// # Errors
    /// [`BoxOfficeError::Store`] when the store failed.
    pub async fn change(
        &self,
        peer: &PeerName,
        command: PeerCommand,
        because: Because,
    ) -> Result<PeerCommandOutcome, BoxOfficeError> {
        let house = &self.inner.house;
        let mut book = (*house.book().await?).clone();
        let (backend, now) = (house.store.backend(), house.now());
        let outcome = run_peer(&**backend, &mut book, &house.us, peer, &command, &because, now).await?;
        house.keep_book(Arc::new(book));
        tracing::info!(%peer, outcome = outcome.name(), "a peer was decided about");
        // Full of words, it will look anyway.
        if self.inner.words.try_send(Word::Changed).is_err() {
            tracing::debug!("peers are looked at later");
        }
        Ok(outcome)
    }

    /// All peers, by name.
    ///
    /// # Errors
    /// As [`Federation::change`].
    pub async fn peers(&self) -> Result<Vec<Peer>, BoxOfficeError> {
        Ok(self.inner.house.book().await?.peers().cloned().collect())
    }

    /// One peer; none if it is not known.
    ///
    /// # Errors
    /// As [`Federation::change`].
    pub async fn peer(&self, name: &PeerName) -> Result<Option<Peer>, BoxOfficeError> {
        Ok(self.inner.house.peer(name).await?)
    }

    /// The same, as far as it is known in memory: another process may have written the store since.
    #[cfg(feature = "federation-http")]
    pub(super) fn known_peer(&self, name: &PeerName) -> Option<Peer> {
        self.inner.house.known_peer(name)
    }

    /// Everything that was decided about peers, or about one of them, oldest first: as which event it is recorded, when, and
    /// what it was.
    ///
    /// # Errors
    /// As [`Federation::change`].
    pub async fn history(&self, peer: Option<&PeerName>) -> Result<Vec<(Seq, Timestamp, PeerEvent)>, BoxOfficeError> {
        Ok(peer_history(&**self.inner.house.store.backend(), peer).await?)
    }

    /// Fetches a peer's feed now, and says what became of it.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when the store failed, too many wait, or the federation is shut down.
    pub async fn sync_now(&self, peer: &PeerName) -> Result<SyncOutcome, BoxOfficeError> {
        let (reply, answer) = oneshot::channel();
        let word = Word::Sync(peer.clone(), reply);
        self.inner.words.send(word).await.map_err(|_| BoxOfficeError::ShutDown)?;
        answer.await.map_err(|_| BoxOfficeError::ShutDown)?
    }

    /// How fetching stands, of all peers that are followed, by name.
    ///
    /// # Errors
    /// As [`Federation::change`].
    pub async fn standing(&self) -> Result<Vec<PeerStanding>, BoxOfficeError> {
        let (house, book) = (&self.inner.house, self.loaded_book().await?);
        let stale_after = house.options.merge.stale_after;
        let standing = book.peers().filter(|peer| peer.is_followed()).map(|peer| {
            let cached = house.cached(peer);
            let state = cached.as_ref().map(|cached| cached.state.clone()).unwrap_or_default();
            let feed = cached.and_then(|cached| cached.feed.clone());
            let age = state.fetched_at.map(|at| house.now().saturating_since(at));
            PeerStanding {
                peer: peer.name.clone(),
                trust: peer.trust,
                seq: feed.as_ref().map(|feed| feed.seq),
                events: feed.map_or(0, |feed| feed.events.len()),
                fetched_at: state.fetched_at,
                stale: age.is_none_or(|age| age > stale_after),
                failures: state.failures,
                trouble: state.trouble,
            }
        });
        Ok(standing.collect())
    }

    async fn loaded_book(&self) -> Result<Arc<PeerBook>, BoxOfficeError> {
        let mut is_loaded = self.inner.is_loaded.clone();
        if is_loaded.wait_for(|loaded| *loaded).await.is_err() {
            return Err(BoxOfficeError::ShutDown);
        }
        Ok(self.inner.house.book().await?)
    }

    /// What takes place in `window` at least in part: our own series, and what is had of peers that are allowed. Asks no peer, and
    /// waits for none; after a start it waits once, until what the store keeps of their feeds was read. Dates and floating times are
    /// those of `viewer`.
    ///
    /// # Errors
    /// As [`BoxOffice::agenda`].
    pub async fn agenda(
        &self,
        window: Window,
        viewer: &TimeZone,
        options: AgendaOptions,
    ) -> Result<MergedAgenda, BoxOfficeError> {
        let (house, book) = (Arc::clone(&self.inner.house), self.loaded_book().await?);
        let local = house.office.agenda(window, viewer, options).await?;
        let (feeds, viewer, now) = (house.feeds(&book), viewer.clone(), house.now());
        let mut merge = house.options.merge;
        merge.cancelled |= options.cancelled;
        self.work(move || merge_feeds(local, &house.us, &book, &feeds, window, &viewer, now, &merge)).await
    }

    /// The entries of our public series and of peers that are allowed, to be written as one iCalendar file: see
    /// [`merged_calendar`](super::merged_calendar).
    ///
    /// # Errors
    /// As [`BoxOffice::change_series`].
    pub async fn calendar(&self) -> Result<Vec<CalendarEvent>, BoxOfficeError> {
        let (house, book) = (Arc::clone(&self.inner.house), self.loaded_book().await?);
        let (series, feeds) = (house.public_series().await?, house.feeds(&book));
        let own = move || public_events(series.iter().map(|series| &**series));
        self.work(move || merged_calendar(own(), &house.us, &book, &feeds)).await
    }

    /// Runs what may take long where it holds up nobody but others of its kind.
    async fn work<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> Result<R, BoxOfficeError> {
        self.on_thread(apart(Arc::clone(&self.inner.house.merging), work)).await?.ok_or(BoxOfficeError::ShutDown)
    }

    /// Runs `task` on the federation's thread. It goes on if the caller does not wait for it.
    pub(super) fn on_thread<R, F>(&self, task: F) -> impl Future<Output = Result<R, BoxOfficeError>> + use<R, F>
    where
        R: Send + 'static,
        F: Future<Output = R> + Send + 'static,
    {
        let (sender, done) = oneshot::channel();
        let spawned = self.inner.thread.spawn(async move {
            if sender.send(task.await).is_err() {
                tracing::debug!("caller no longer waits for the federation");
            }
        });
        async move { if spawned { done.await.map_err(|_| BoxOfficeError::ShutDown) } else { Err(BoxOfficeError::ShutDown) } }
    }

    /// Our feed, for whoever the host lets read it; nothing but its tag if it is the one that they `have`.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when the schedule could not be asked or the store failed.
    pub async fn feed(&self, have: Option<&ETag>) -> Result<FeedAnswer, BoxOfficeError> {
        let house = Arc::clone(&self.inner.house);
        let feed = self.on_thread(async move { house.our_feed().await }).await??;
        Ok(if have == Some(&feed.etag) { FeedAnswer::NotModified(feed.etag.clone()) } else { FeedAnswer::Feed(feed) })
    }

    /// The same for a peer, which has proven to hold the key `proven`.
    ///
    /// # Errors
    /// As [`Federation::feed`].
    pub async fn feed_for(
        &self,
        from: &PeerName,
        proven: &PeerKey,
        have: Option<&ETag>,
    ) -> Result<FeedAnswer, BoxOfficeError> {
        match self.inner.house.peer(from).await? {
            Some(peer) if peer.key == *proven && peer.may_read() => self.feed(have).await,
            Some(_) | None => Ok(FeedAnswer::NotAllowed),
        }
    }

    /// Decides what a peer asks, which has proven to hold the key `proven`. Once decided, the same message is answered alike for
    /// ever. Refused for lack of trust, and for what is not public, nothing is decided: asked again, it may be granted. A peer
    /// that asks for more than 64 things at the same time, or for more than [`HOLDS_NEW_MAX`] new ones in an hour, is answered
    /// [`Busy`](BoxOfficeError::Busy).
    ///
    /// What was begun is carried through, though nobody waits for it any more.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when it could not be decided: to be answered so that the peer asks again. If the fate of a message is
    /// unknown, the same message settles it.
    pub async fn receive(
        &self,
        from: &PeerName,
        proven: &PeerKey,
        message: PeerMessage,
    ) -> Result<PeerReply, BoxOfficeError> {
        let (house, from, proven) = (Arc::clone(&self.inner.house), from.clone(), *proven);
        self.on_thread(async move { house.receive(&from, &proven, message).await }).await?
    }

    /// Fetches no more and ends the thread. What is being asked of peers stays written down as open.
    pub async fn shutdown(self) {
        let (done, ended) = oneshot::channel();
        if self.inner.words.send(Word::Stop(done)).await.is_ok() && ended.await.is_err() {
            tracing::debug!("the federation ended by itself");
        }
        self.inner.lifetime.end().await;
    }
}
