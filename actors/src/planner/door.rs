//! The way to the schedule, and where heavy agendas are worked out.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use actix::dev::{SendError, ToEnvelope};
use actix::{Actor, Addr, ArbiterHandle, Handler, Message};
use boxoffice_core::id::SeriesId;
use boxoffice_core::persist::Fault;
use boxoffice_core::schedule::SeriesCommand;
use tokio::sync::{Semaphore, oneshot};
use tracing::{Instrument, field};

use super::actor::{Ask, Drain, Look, ScheduleActor};
use super::{ScheduleReply, Shelf};
use crate::error::BoxOfficeError;
use crate::house::Surroundings;
use crate::reply::{Answer, ReplyTo};
use crate::stats::Counters;

/// An actor that failed is started again this often for one request.
const TRIES_MAX: u32 = 3;
/// Agendas that are worked out at the same time.
const AGENDAS_MAX: usize = 2;

/// The way to the actor that owns all series. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Planner {
    pub(super) house: Surroundings,
    thread: ArbiterHandle,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    owner: RwLock<Addr<ScheduleActor>>,
    closed: AtomicBool,
    /// Agendas under way or waiting.
    agendas: AtomicUsize,
    turn: Arc<Semaphore>,
}

/// Gives back a place among the agendas, however the work on it ends.
struct Place(Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.agendas.fetch_sub(1, Ordering::Relaxed);
    }
}

fn start(house: &Surroundings, thread: &ArbiterHandle) -> Addr<ScheduleActor> {
    let house = house.clone();
    ScheduleActor::start_in_arbiter(thread, move |_| ScheduleActor::new(house))
}

impl Planner {
    /// Starts the actor on `thread`. It reads nothing before it is asked for the first time.
    pub(crate) fn start(house: Surroundings, thread: ArbiterHandle) -> Self {
        let shared = Shared {
            owner: RwLock::new(start(&house, &thread)),
            closed: AtomicBool::new(false),
            agendas: AtomicUsize::new(0),
            turn: Arc::new(Semaphore::new(AGENDAS_MAX)),
        };
        Self { house, thread, shared: Arc::new(shared) }
    }

    fn send<M>(&self, message: M) -> Result<(), BoxOfficeError>
    where
        M: Message<Result = ()> + Send + 'static,
        ScheduleActor: Handler<M>,
        <ScheduleActor as Actor>::Context: ToEnvelope<ScheduleActor, M>,
    {
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(BoxOfficeError::ShutDown);
        }
        let owner = self.shared.owner.read().unwrap_or_else(PoisonError::into_inner).clone();
        let message = match owner.try_send(message) {
            Ok(()) => return Ok(()),
            Err(SendError::Full(_)) => return Err(self.house.busy()),
            Err(SendError::Closed(message)) => message,
        };
        let again = {
            let mut owner = self.shared.owner.write().unwrap_or_else(PoisonError::into_inner);
            if !owner.connected() {
                tracing::error!("the owner of the schedule ended and is started again");
                *owner = start(&self.house, &self.thread);
            }
            owner.clone()
        };
        again.try_send(message).map_err(|_| BoxOfficeError::ShutDown)
    }

    /// Runs a command, in a span that ends up with the sequence number and the outcome.
    pub(super) async fn run(&self, series: &SeriesId, command: SeriesCommand) -> Result<ScheduleReply, BoxOfficeError> {
        let name = command.name();
        let span = tracing::debug_span!("series", %series, name, seq = field::Empty, outcome = field::Empty);
        let result = self.ask(series, command).instrument(span.clone()).await;
        match &result {
            Ok(reply) => span.record("seq", reply.seq.get()).record("outcome", reply.outcome.name()),
            Err(error) => span.record("outcome", field::display(error)),
        };
        result
    }

    async fn ask(&self, series: &SeriesId, command: SeriesCommand) -> Result<ScheduleReply, BoxOfficeError> {
        for _ in 0..TRIES_MAX {
            let (reply, answer) = ReplyTo::channel();
            self.send(Ask { series: series.clone(), command: command.clone(), reply })?;
            match answer.await {
                Ok(Answer::Given(result)) => return result,
                // The owner ended with the message unread.
                Ok(Answer::Undelivered) => {}
                Err(_) => {
                    return Err(Fault::Unknown { reason: "the box office ended before it could answer".into() }.into());
                }
            }
        }
        Err(BoxOfficeError::ShutDown)
    }

    /// Looks at all series as they are recorded now, in the owner's thread: be quick.
    pub(super) async fn look<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Shelf) -> R + Send + Clone + 'static,
    ) -> Result<R, BoxOfficeError> {
        for _ in 0..TRIES_MAX {
            let (sender, seen) = oneshot::channel();
            let look = look.clone();
            self.send(Look(Box::new(move |shelf| {
                if sender.send(shelf.map(look)).is_err() {
                    tracing::debug!("caller no longer waits for its look at the schedule");
                }
            })))?;
            if let Ok(seen) = seen.await {
                return seen;
            }
        }
        Err(BoxOfficeError::ShutDown)
    }

    /// Runs `work`, which may take long, on a thread where it holds up nobody but other agendas.
    pub(super) async fn work<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, BoxOfficeError> {
        let shared = Arc::clone(&self.shared);
        let waiting = shared.agendas.fetch_add(1, Ordering::Relaxed);
        let place = Place(shared);
        if waiting >= self.house.settings.waiting_max {
            return Err(self.house.busy());
        }
        let (sender, done) = oneshot::channel();
        let turn = Arc::clone(&self.shared.turn);
        let spawned = self.thread.spawn(async move {
            let Ok(turn) = turn.acquire_owned().await else { return };
            let done = tokio::task::spawn_blocking(move || {
                let done = work();
                drop((turn, place));
                done
            });
            if sender.send(done.await).is_err() {
                tracing::debug!("caller no longer waits for its agenda");
            }
        });
        if !spawned {
            return Err(BoxOfficeError::ShutDown);
        }
        Counters::add(&self.house.counters.agendas);
        let panicked = || Fault::Poisoned { reason: "an agenda panicked".into() };
        done.await.map_err(|_| BoxOfficeError::ShutDown)?.map_err(|_| panicked().into())
    }

    /// Takes no more commands and waits for the answers to those that were taken.
    pub(crate) async fn drain(&self) {
        let (drained, all_drained) = oneshot::channel();
        let sent = self.send(Drain(drained));
        self.shared.closed.store(true, Ordering::Release);
        if sent.is_ok() && all_drained.await.is_err() {
            tracing::debug!("another shutdown was quicker");
        }
    }
}
