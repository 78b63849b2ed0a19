//! The handle that a host holds.

use core::time::Duration;
use std::sync::{Arc, Mutex, Weak};

use actix::Addr;
use boxoffice_core::booking::{
    self, BookingCommand, BookingReply, Happened, Seat, SeatCount, SeatLedger, SeatState, Seats, Submission,
};
use boxoffice_core::id::{AttendeeId, OccurrenceId};
use boxoffice_core::persist::{AsOf, Consumer, IdempotencyKey, Selection, Seq, StoreError};
use boxoffice_core::time::Timestamp;
use tokio::sync::oneshot;

use crate::availability::Desk;
use crate::board::{Board, OwnerState, SeatWatch};
use crate::builder::Builder;
#[cfg(feature = "checkin")]
use crate::checkin::Gatekeeper;
use crate::clock::Clock;
use crate::door::Door;
use crate::error::BoxOfficeError;
use crate::house::Surroundings;
use crate::planner::Planner;
use crate::registry::{DrainAll, RegistryActor};
use crate::stats::{Counters, Stats};
use crate::subscription::Subscription;
use crate::system::{Built, Lifetime};

/// A running box office: cheap to clone, and to be used from any thread and any runtime.
///
/// Each method sends one message to the actor that owns the occurrence, and answers when the facts behind the answer
/// are as durable as the store promises. A dropped future does not take the command back. When the last clone is
/// dropped the threads end; [`BoxOffice::shutdown`] ends them in good order.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use boxoffice::booking::{BookingOutcome, Seats};
/// use boxoffice::id::{AttendeeId, OccurrenceId};
/// use boxoffice::{BoxOffice, persist::MemoryBackend};
///
/// let office = BoxOffice::builder().store(MemoryBackend::new()).start()?;
/// let evening: OccurrenceId = "chess@20260105T190000".parse()?;
/// let (ann, bob) = (AttendeeId::new("ann")?, AttendeeId::new("bob")?);
///
/// office.open(&evening, Seats::new(1)).await?;
/// assert_eq!(office.book(&evening, &ann).await?.outcome, BookingOutcome::Booked { seat: 1 });
/// assert!(matches!(office.book(&evening, &bob).await?.outcome, BookingOutcome::Full(_)));
/// office.shutdown().await;
/// # Ok(()) }) }
/// ```
#[derive(Clone, Debug)]
pub struct BoxOffice {
    /// One count to a clone: hosts clone a handle for each request.
    pub(crate) inner: Arc<Inner>,
}

/// What all clones of a handle share.
#[derive(Debug)]
pub(crate) struct Inner {
    door: Door,
    pub(crate) house: Surroundings,
    pub(crate) planner: Planner,
    pub(crate) desk: Desk,
    #[cfg(feature = "checkin")]
    pub(crate) gatekeeper: Gatekeeper,
    lifetime: Lifetime,
    /// Of the flows that run over it.
    pub(crate) flows: Mutex<Weak<Lifetime>>,
}

impl BoxOffice {
    pub(crate) fn of(built: Built, lifetime: Lifetime) -> Self {
        let inner = Inner {
            door: Door::new(built.registry, &built.house, built.desk.clone()),
            house: built.house,
            planner: built.planner,
            desk: built.desk,
            #[cfg(feature = "checkin")]
            gatekeeper: built.gatekeeper,
            lifetime,
            flows: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Sets up a box office.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Runs any command. The methods below are shorthands for it.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when the rules could not be asked: busy, shut down, or the store failed.
    pub async fn run(
        &self,
        occurrence: &OccurrenceId,
        command: BookingCommand,
    ) -> Result<BookingReply, BoxOfficeError> {
        self.inner.door.run(occurrence, command.into()).await
    }

    /// Runs a command that is bound to more: a key, an observation, what else the attendee has at that time.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// # use boxoffice::{BoxOffice, booking::{BookingCommand, Clash, Seats, Submission}, persist::{IdempotencyKey, MemoryBackend}};
    /// # let office = BoxOffice::builder().store(MemoryBackend::new()).start()?;
    /// # let (evening, ann) = ("chess@20260105T190000".parse()?, boxoffice::id::AttendeeId::new("ann")?);
    /// # office.open(&evening, Seats::new(1)).await?;
    /// let asked = Submission {
    ///     key: Some(IdempotencyKey::new("form 4711")?),
    ///     clash: Clash::Refuse,
    ///     ..BookingCommand::book(ann).into()
    /// };
    /// assert!(office.submit(&evening, asked).await?.outcome.is_accepted());
    /// # Ok(()) }) }
    /// ```
    pub async fn submit(&self, occurrence: &OccurrenceId, asked: Submission) -> Result<BookingReply, BoxOfficeError> {
        self.inner.door.run(occurrence, asked).await
    }

    /// Runs a command that takes a seat only if the stream still stands at `observed`; else the outcome is
    /// [`Conflict`](boxoffice_core::booking::BookingOutcome::Conflict). For callers who showed somebody a roster and
    /// act on what was seen.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn run_observed(
        &self,
        occurrence: &OccurrenceId,
        command: BookingCommand,
        observed: Seq,
    ) -> Result<BookingReply, BoxOfficeError> {
        self.inner.door.run(occurrence, Submission { observed: Some(observed), ..command.into() }).await
    }

    /// Runs a command once: asked again under the same key, it is answered as the first time and nothing else happens, for
    /// as long as the store lasts, refusals included. The key is for this occurrence; another command under it is answered
    /// [`KeyReused`](boxoffice_core::booking::BookingOutcome::KeyReused).
    ///
    /// # Errors
    /// As [`BoxOffice::run`]. When the fate of a command is unknown, run it again under its key.
    pub async fn run_once(
        &self,
        occurrence: &OccurrenceId,
        command: BookingCommand,
        key: IdempotencyKey,
    ) -> Result<BookingReply, BoxOfficeError> {
        self.inner.door.run(occurrence, Submission { key: Some(key), ..command.into() }).await
    }

    /// Everything that happened to one attendee in an occurrence, oldest first, each with its receipt.
    ///
    /// # Errors
    /// [`BoxOfficeError::Store`] when the store failed.
    pub async fn history(
        &self,
        occurrence: &OccurrenceId,
        attendee: &AttendeeId,
    ) -> Result<Vec<Happened>, BoxOfficeError> {
        let (backend, occurrence, attendee) = (self.inner.house.backend.clone(), occurrence.clone(), attendee.clone());
        let happened = async move { booking::history(&*backend, &occurrence, &attendee).await };
        Ok(self.inner.house.reader.run(happened).await?)
    }

    /// The ledger as it was at an event or an instant.
    ///
    /// # Errors
    /// As [`BoxOffice::history`].
    pub async fn ledger_as_of(&self, occurrence: &OccurrenceId, as_of: AsOf) -> Result<SeatLedger, BoxOfficeError> {
        let (backend, occurrence) = (self.inner.house.backend.clone(), occurrence.clone());
        let observed = async move { booking::observe_as_of(&*backend, &occurrence, as_of).await };
        Ok(self.inner.house.reader.run(observed).await?)
    }

    /// Puts an occurrence on sale. Happens once; later capacities are answered with the one it has.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn open(&self, occurrence: &OccurrenceId, capacity: Seats) -> Result<BookingReply, BoxOfficeError> {
        self.run(occurrence, BookingCommand::Open { capacity }).await
    }

    /// Takes a confirmed seat.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn book(&self, occurrence: &OccurrenceId, attendee: &AttendeeId) -> Result<BookingReply, BoxOfficeError> {
        self.run(occurrence, BookingCommand::book(attendee.clone())).await
    }

    /// Takes a seat for `hold_for`, while a payment is pending.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn hold(
        &self,
        occurrence: &OccurrenceId,
        attendee: &AttendeeId,
        hold_for: Duration,
    ) -> Result<BookingReply, BoxOfficeError> {
        self.run(occurrence, BookingCommand::hold(attendee.clone(), hold_for)).await
    }

    /// Turns a held seat into a confirmed one.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn confirm(
        &self,
        occurrence: &OccurrenceId,
        attendee: &AttendeeId,
    ) -> Result<BookingReply, BoxOfficeError> {
        self.run(occurrence, BookingCommand::Confirm { attendee: attendee.clone() }).await
    }

    /// Gives up a held seat.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn release(
        &self,
        occurrence: &OccurrenceId,
        attendee: &AttendeeId,
    ) -> Result<BookingReply, BoxOfficeError> {
        self.run(occurrence, BookingCommand::Release { attendee: attendee.clone() }).await
    }

    /// Gives up a seat, held or confirmed.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn cancel(
        &self,
        occurrence: &OccurrenceId,
        attendee: &AttendeeId,
    ) -> Result<BookingReply, BoxOfficeError> {
        self.run(occurrence, BookingCommand::Cancel { attendee: attendee.clone() }).await
    }

    /// Looks at the ledger of an occurrence, in the owner's own thread: be quick. It shows what is durable and
    /// nothing else. `look` may be called again if the owner went to rest in between.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn inspect<R: Send + 'static>(
        &self,
        occurrence: &OccurrenceId,
        look: impl FnOnce(&SeatLedger) -> R + Send + Clone + 'static,
    ) -> Result<R, BoxOfficeError> {
        self.inner.door.inspect(occurrence, look).await
    }

    /// How many seats there are and where they are, as of now: the owner is asked.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn seats(&self, occurrence: &OccurrenceId) -> Result<SeatCount, BoxOfficeError> {
        self.inspect(occurrence, |ledger| SeatCount::from(ledger)).await
    }

    /// The same as the owner showed it last, at once and without a message to it; none if it rests. For counters on pages:
    /// what is shown was durable, and `seq` says as of when. Takes about as long as a look into a map.
    pub fn seats_shown(&self, occurrence: &OccurrenceId) -> Option<SeatCount> {
        self.inner.house.directory.read_board(occurrence, Board::count)
    }

    /// Follows the seats of an occurrence.
    ///
    /// In a store with [others](Builder::shared_store) what they book is seen within a second or so.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// # use boxoffice::{BoxOffice, booking::{Seats, SeatsLeft}, id::{AttendeeId, OccurrenceId}, persist::MemoryBackend};
    /// # let office = BoxOffice::builder().store(MemoryBackend::new()).start()?;
    /// let evening: OccurrenceId = "chess@20260105T190000".parse()?;
    /// let mut seats = office.watch_seats(&evening).await?;
    /// assert_eq!(seats.now().left(), SeatsLeft::NotOnSale);
    /// office.open(&evening, Seats::new(1)).await?;
    /// office.book(&evening, &AttendeeId::new("ann")?).await?;
    /// // Coalesced: the latest, and not what was in between.
    /// assert_eq!(seats.changed().await.map(|seats| seats.left()), Some(SeatsLeft::SoldOut));
    /// # Ok(()) }) }
    /// ```
    pub async fn watch_seats(&self, occurrence: &OccurrenceId) -> Result<SeatWatch, BoxOfficeError> {
        self.inner.door.watch(occurrence).await
    }

    /// The owner of an occurrence as it is seen from outside; none if it rests.
    pub fn owner(&self, occurrence: &OccurrenceId) -> Option<OwnerState> {
        self.inner.house.directory.state(occurrence)
    }

    /// All owners in memory, by id. Takes time in proportion to their number.
    pub fn owners(&self) -> Vec<(OccurrenceId, OwnerState)> {
        self.inner.house.directory.states()
    }

    /// The attendee's seat number and its state, if there is one.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn seat_of(
        &self,
        occurrence: &OccurrenceId,
        attendee: &AttendeeId,
    ) -> Result<Option<(u64, SeatState)>, BoxOfficeError> {
        let attendee = attendee.clone();
        let look = move |ledger: &SeatLedger| ledger.seat_number(&attendee).zip(ledger.seat_state(&attendee));
        self.inspect(occurrence, look).await
    }

    /// Everybody who has a seat, in join order.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn roster(&self, occurrence: &OccurrenceId) -> Result<Vec<Seat>, BoxOfficeError> {
        self.inspect(occurrence, |ledger| ledger.roster().cloned().collect()).await
    }

    /// The instant by the box office's own clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.inner.house.clock.now()
    }

    /// The clock of the box office.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.inner.house.clock)
    }

    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.inner.house.counters)
    }

    /// Counters since the start.
    pub fn stats(&self) -> Stats {
        self.inner.house.counters.read(self.inner.house.backend.stats())
    }

    /// Everything that is committed from where the subscription `name` left off, or from the first event for a new name.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed or the name is no part of a key.
    pub async fn subscribe(&self, name: &str, selection: Selection) -> Result<Subscription, StoreError> {
        let consumer = Consumer::open(&self.store(), name, selection).await?;
        let Surroundings { committed, clock, reader, .. } = &self.inner.house;
        Ok(Subscription::new(consumer, committed.clone(), Arc::clone(clock), reader.clone()))
    }

    /// The actor that takes [`RunBooking`](crate::RunBooking), for hosts that speak actix.
    pub fn address(&self) -> &Addr<RegistryActor> {
        self.inner.door.registry()
    }

    /// Takes no more requests, answers those that were taken, and ends the threads. Later requests on any clone are
    /// answered [`ShutDown`](BoxOfficeError::ShutDown). The store is closed once the last clone is dropped.
    pub async fn shutdown(self) {
        self.inner.planner.drain().await;
        self.inner.desk.drain().await;
        #[cfg(feature = "checkin")]
        self.inner.gatekeeper.drain().await;
        let (drained, all_drained) = oneshot::channel();
        if self.inner.door.registry().send(DrainAll { drained }).await.is_ok() && all_drained.await.is_err() {
            tracing::warn!("another shutdown was quicker");
        }
        self.inner.lifetime.end().await;
    }
}
