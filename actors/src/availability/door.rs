//! The way to the desks. They are started by the first question, so that a host that never asks pays nothing.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use actix::dev::{SendError, ToEnvelope};
use actix::{Actor, Addr, Arbiter, ArbiterHandle, Handler, Message};
use boxoffice_core::availability::{AskError, Availability};
use tokio::sync::oneshot;
use tracing::{Instrument, field};

use super::actor::{AvailabilityActor, Drain, Look, Question, Seen};
use super::{Answered, AtLeast, AvailabilityError, AvailabilityOptions};
use crate::error::BoxOfficeError;
use crate::house::Surroundings;
use crate::registry::RestartBudget;
use crate::stats::Counters;

/// A question that an actor left unread is asked again this often.
const TRIES_MAX: u32 = 3;

/// When to try again if there is no thread to be had.
const THREAD_RETRY: Duration = Duration::from_millis(100);

/// Which desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Light,
    Heavy,
}

/// Threads that are started when they are needed, and ended with the others.
#[derive(Clone, Debug)]
pub(crate) struct Threads {
    /// The thread that starts them: it belongs to the actor system.
    from: ArbiterHandle,
    started: Arc<Mutex<Vec<Arbiter>>>,
}

impl Threads {
    pub(crate) fn new(from: ArbiterHandle) -> Self {
        Self { from, started: Arc::default() }
    }

    async fn start(&self) -> Result<ArbiterHandle, BoxOfficeError> {
        let (tell, told) = oneshot::channel();
        let started = Arc::clone(&self.started);
        let asked = self.from.spawn_fn(move || match Arbiter::try_new() {
            Ok(thread) => {
                if tell.send(thread.handle()).is_err() {
                    tracing::debug!("nobody waits for a thread");
                }
                started.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
            }
            Err(error) => tracing::error!(%error, "no thread for availability"),
        });
        if !asked {
            return Err(BoxOfficeError::ShutDown);
        }
        told.await.map_err(|_| BoxOfficeError::Busy { retry_after: THREAD_RETRY })
    }

    /// Those that were started. Called once the thread that starts them has ended.
    pub(crate) fn take(&self) -> Vec<Arbiter> {
        core::mem::take(&mut *self.started.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Debug, Default)]
struct Lane {
    actor: RwLock<Option<Addr<AvailabilityActor>>>,
    /// Held while the actor is started.
    thread: tokio::sync::Mutex<Option<ArbiterHandle>>,
}

impl Lane {
    fn running(&self) -> Option<Addr<AvailabilityActor>> {
        let actor = self.actor.read().unwrap_or_else(PoisonError::into_inner);
        actor.as_ref().filter(|actor| actor.connected()).cloned()
    }
}

#[derive(Debug, Default)]
struct Shared {
    light: Lane,
    heavy: Lane,
    closed: AtomicBool,
}

/// The way to the actors that know who is free. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(super) house: Surroundings,
    options: Arc<AvailabilityOptions>,
    budget: RestartBudget,
    threads: Threads,
    shared: Arc<Shared>,
}

impl Desk {
    pub(crate) fn new(
        house: Surroundings,
        options: AvailabilityOptions,
        budget: RestartBudget,
        threads: Threads,
    ) -> Self {
        Self { house, options: Arc::new(options), budget, threads, shared: Arc::default() }
    }

    fn lane(&self, weight: Weight) -> &Lane {
        match weight {
            Weight::Light => &self.shared.light,
            Weight::Heavy => &self.shared.heavy,
        }
    }

    /// The light desk is started before anybody asks.
    pub(crate) fn begin(&self) {
        let desk = self.clone();
        let started = self.threads.from.spawn(async move {
            if let Err(error) = desk.actor(Weight::Light).await {
                tracing::warn!(%error, "availability is not started yet");
            }
        });
        if !started {
            tracing::debug!("the box office has ended");
        }
    }

    /// The actor, started now if there is none.
    async fn actor(&self, weight: Weight) -> Result<Addr<AvailabilityActor>, BoxOfficeError> {
        let lane = self.lane(weight);
        if let Some(running) = lane.running() {
            return Ok(running);
        }
        let mut thread = lane.thread.lock().await;
        if let Some(running) = lane.running() {
            return Ok(running);
        }
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(BoxOfficeError::ShutDown);
        }
        let on = match thread.take().filter(ArbiterHandle::alive) {
            Some(thread) => thread,
            None => self.threads.start().await?,
        };
        let (house, options, budget) = (self.house.clone(), (*self.options).clone(), self.budget);
        let actor =
            AvailabilityActor::start_in_arbiter(&on, move |_| AvailabilityActor::new(house, options, budget, weight));
        *thread = Some(on);
        *lane.actor.write().unwrap_or_else(PoisonError::into_inner) = Some(actor.clone());
        Ok(actor)
    }

    async fn send<M>(&self, weight: Weight, mut message: M) -> Result<(), BoxOfficeError>
    where
        M: Message<Result = ()> + Send + 'static,
        AvailabilityActor: Handler<M>,
        <AvailabilityActor as Actor>::Context: ToEnvelope<AvailabilityActor, M>,
    {
        for _ in 0..TRIES_MAX {
            if self.shared.closed.load(Ordering::Acquire) {
                return Err(BoxOfficeError::ShutDown);
            }
            message = match self.actor(weight).await?.try_send(message) {
                Ok(()) => return Ok(()),
                Err(SendError::Full(_)) => return Err(self.house.busy()),
                Err(SendError::Closed(message)) => message,
            };
        }
        Err(BoxOfficeError::ShutDown)
    }

    /// Asks one desk. A question that was left unread is asked again; one that panicked is not.
    pub(super) async fn look<R: Send + 'static>(
        &self,
        weight: Weight,
        at_least: AtLeast,
        question: impl FnOnce(Seen<'_>) -> Result<R, AvailabilityError> + Send + Clone + 'static,
    ) -> Result<Answered<R>, AvailabilityError> {
        for _ in 0..TRIES_MAX {
            let (sender, answer) = oneshot::channel();
            let begun = Arc::new(AtomicBool::new(false));
            let (question, begins) = (question.clone(), Arc::clone(&begun));
            let look: Look = Box::new(move |seen| {
                begins.store(true, Ordering::Release);
                let answer = seen.and_then(|seen| {
                    let cursor = seen.cursor;
                    Ok(Answered { value: question(seen)?, cursor })
                });
                if sender.send(answer).is_err() {
                    tracing::debug!("caller no longer waits for its answer");
                }
            });
            self.send(weight, Question { at_least, look }).await?;
            match answer.await {
                Ok(answer) => return answer,
                Err(_) if begun.load(Ordering::Acquire) => return Err(AvailabilityError::Panicked),
                // The actor ended with the question unread.
                Err(_) => {}
            }
        }
        Err(BoxOfficeError::ShutDown.into())
    }

    /// Asks the light desk, and the heavy one if that takes more than a light question may, in a span that ends up with the
    /// cursor and the outcome.
    pub(super) async fn ask<R: Send + 'static>(
        &self,
        name: &'static str,
        at_least: AtLeast,
        question: impl FnOnce(&mut Availability) -> Result<R, AskError> + Send + Clone + 'static,
    ) -> Result<Answered<R>, AvailabilityError> {
        let (light, full) = (self.options.light, self.options.heavy);
        let first = question.clone();
        let first = move |seen: Seen<'_>| {
            seen.base.set_limits(light);
            let answer = first(seen.base);
            seen.base.set_limits(full);
            answer.map_err(AvailabilityError::of)
        };
        let question = |seen: Seen<'_>| question(seen.base).map_err(AvailabilityError::of);
        let answer = async {
            match self.look(Weight::Light, at_least, first).await {
                Err(AvailabilityError::TooHeavy(_)) => {
                    Counters::add(&self.house.counters.availability_heavy);
                    self.look(Weight::Heavy, at_least, question).await
                }
                answer => answer,
            }
        };
        self.traced(name, answer).await
    }

    /// Asks the heavy desk.
    pub(super) async fn ask_heavy<R: Send + 'static>(
        &self,
        name: &'static str,
        at_least: AtLeast,
        question: impl FnOnce(&mut Availability) -> Result<R, AskError> + Send + Clone + 'static,
    ) -> Result<Answered<R>, AvailabilityError> {
        Counters::add(&self.house.counters.availability_heavy);
        let question = |seen: Seen<'_>| question(seen.base).map_err(AvailabilityError::of);
        self.traced(name, self.look(Weight::Heavy, at_least, question)).await
    }

    /// Runs `answer` in a span.
    pub(super) async fn traced<R>(
        &self,
        name: &'static str,
        answer: impl Future<Output = Result<Answered<R>, AvailabilityError>>,
    ) -> Result<Answered<R>, AvailabilityError> {
        let span = tracing::debug_span!("availability", name, cursor = field::Empty, outcome = field::Empty);
        let answer = answer.instrument(span.clone()).await;
        match &answer {
            Ok(answered) => span.record("cursor", answered.cursor.position()).record("outcome", "answered"),
            Err(error) => span.record("outcome", error.name()),
        };
        answer
    }

    /// Takes no more questions and waits for the answers to those that were taken.
    pub(crate) async fn drain(&self) {
        self.shared.closed.store(true, Ordering::Release);
        for weight in [Weight::Heavy, Weight::Light] {
            let Some(actor) = self.lane(weight).running() else { continue };
            let (drained, all_drained) = oneshot::channel();
            if actor.send(Drain(drained)).await.is_ok() && all_drained.await.is_err() {
                tracing::debug!("another shutdown was quicker");
            }
        }
    }
}
