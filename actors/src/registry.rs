//! Who starts owners, and who starts them again.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseFuture, WrapFuture};
use boxoffice_core::booking::{BookingCommand, BookingReply, Submission, load_ledger};
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::persist::{Fault, IdempotencyKey, Seq};
use boxoffice_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::availability::Desk;
use crate::directory::{Ended, Ending, How};
use crate::door::Door;
use crate::error::BoxOfficeError;
use crate::occurrence::{Drain, Loaded, OccurrenceActor, Surroundings, load_terms};
use crate::stats::Counters;

/// Run a command on an occurrence: the door for hosts that speak actix. [`BoxOffice`](crate::BoxOffice) has methods
/// for the same.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<BookingReply, BoxOfficeError>")]
pub struct RunBooking {
    /// On which occurrence.
    pub occurrence: OccurrenceId,
    /// What is asked.
    pub command: BookingCommand,
    /// Acquire a seat only if the stream stands here.
    pub observed: Option<Seq>,
    /// Repeat the first answer that was given under it.
    pub key: Option<IdempotencyKey>,
}

/// See to it that an occurrence has an owner.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Activate {
    pub(crate) occurrence: OccurrenceId,
    pub(crate) ready: oneshot::Sender<Result<(), BoxOfficeError>>,
}

/// End all owners, each once its callers are answered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct DrainAll {
    pub(crate) drained: oneshot::Sender<()>,
}

/// How often an owner may fail before it is left alone for a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RestartBudget {
    pub(crate) failures_max: usize,
    pub(crate) within: Duration,
}

/// Starts the owner of an occurrence when it is first needed, and again after it ended.
///
/// actix's own supervisor keeps the state of an actor that stopped and gives up one that panicked. Here an owner is
/// always built anew from its stream, after a fault and after a panic, unless it failed too often of late.
#[derive(Debug)]
pub struct RegistryActor {
    house: Surroundings,
    desk: Desk,
    budget: RestartBudget,
    waiting: HashMap<OccurrenceId, Vec<oneshot::Sender<Result<(), BoxOfficeError>>>>,
    failures: HashMap<OccurrenceId, VecDeque<Timestamp>>,
    /// Owners started so far; each has its number.
    started: u64,
    living: u64,
    ended: Option<mpsc::UnboundedReceiver<Ended>>,
    draining: Option<oneshot::Sender<()>>,
}

impl RegistryActor {
    pub(crate) fn new(house: Surroundings, desk: Desk, budget: RestartBudget) -> Self {
        let (announce, ended) = mpsc::unbounded_channel();
        house.directory.announce_to(announce);
        Self {
            house,
            desk,
            budget,
            waiting: HashMap::new(),
            failures: HashMap::new(),
            started: 0,
            living: 0,
            ended: Some(ended),
            draining: None,
        }
    }

    fn load(&mut self, occurrence: OccurrenceId, ctx: &mut Context<Self>) {
        let (backend, wanted) = (self.house.backend.clone(), occurrence.clone());
        let loaded = self.house.reader.run(async move {
            let (ledger, snapshot_seq) = load_ledger(&*backend, &wanted).await?;
            let terms = load_terms(&*backend, &wanted).await?;
            Ok(Loaded { ledger, snapshot_seq, terms })
        });
        ctx.spawn(loaded.into_actor(self).map(move |loaded, act, _ctx| act.loaded(&occurrence, loaded)));
    }

    fn loaded(&mut self, occurrence: &OccurrenceId, loaded: Result<Loaded, Fault>) {
        let result = match loaded {
            Ok(_) if self.draining.is_some() => Err(BoxOfficeError::ShutDown),
            Ok(loaded) => {
                self.start(occurrence, loaded);
                Ok(())
            }
            Err(fault) => {
                tracing::warn!(%occurrence, %fault, "owner cannot be started");
                Err(fault.into())
            }
        };
        for ready in self.waiting.remove(occurrence).unwrap_or_default() {
            tell(ready, result.clone());
        }
        self.check_drained();
    }

    fn start(&mut self, occurrence: &OccurrenceId, loaded: Loaded) {
        self.started += 1;
        self.living += 1;
        Counters::add(&self.house.counters.activations);
        let directory = Arc::clone(&self.house.directory);
        let ending = Ending::new(Arc::clone(&directory), occurrence.clone(), self.started);
        tracing::debug!(%occurrence, seq = %loaded.ledger.seq(), "owner started");
        let owner = OccurrenceActor::new(occurrence.clone(), loaded, self.house.clone(), ending).start();
        directory.enter(occurrence.clone(), self.started, owner);
    }

    /// How long to wait until the owner may be started again; none if it may be now.
    fn left_alone(&mut self, occurrence: &OccurrenceId) -> Option<Duration> {
        let (now, budget) = (self.house.clock.now(), self.budget);
        let failures = self.failures.get_mut(occurrence)?;
        failures.retain(|at| *at + budget.within > now);
        match failures.front() {
            None => {
                self.failures.remove(occurrence);
                None
            }
            Some(oldest) if failures.len() >= budget.failures_max => {
                Some((*oldest + budget.within).saturating_since(now))
            }
            Some(_) => None,
        }
    }

    fn ended(&mut self, ended: Ended, ctx: &mut Context<Self>) {
        self.living -= 1;
        if ended.how != How::Rested {
            Counters::add(&self.house.counters.failures);
            let now = self.house.clock.now();
            self.failures.entry(ended.occurrence.clone()).or_default().push_back(now);
        }
        if ended.how == How::Panicked {
            tracing::error!(occurrence = %ended.occurrence, "owner panicked");
            // Nobody may ask for a while, and its holds must lapse all the same.
            if self.draining.is_none() && self.left_alone(&ended.occurrence).is_none() {
                self.activate(ended.occurrence, None, ctx);
            }
        }
        self.check_drained();
    }

    fn activate(
        &mut self,
        occurrence: OccurrenceId,
        ready: Option<oneshot::Sender<Result<(), BoxOfficeError>>>,
        ctx: &mut Context<Self>,
    ) {
        if let Some(waiting) = self.waiting.get_mut(&occurrence) {
            waiting.extend(ready);
        } else if self.house.directory.find(&occurrence).is_some() {
            if let Some(ready) = ready {
                tell(ready, Ok(()));
            }
        } else {
            self.waiting.insert(occurrence.clone(), ready.into_iter().collect());
            self.load(occurrence, ctx);
        }
    }

    fn check_drained(&mut self) {
        if self.living > 0 || !self.waiting.is_empty() {
            return;
        }
        if let Some(drained) = self.draining.take() {
            // Kept so that nothing is started any more.
            self.draining = Some(oneshot::channel().0);
            if drained.send(()).is_err() {
                tracing::debug!("nobody waits for the end of the shutdown");
            }
        }
    }
}

fn tell(ready: oneshot::Sender<Result<(), BoxOfficeError>>, result: Result<(), BoxOfficeError>) {
    if ready.send(result).is_err() {
        tracing::debug!("caller no longer waits for an owner");
    }
}

impl Actor for RegistryActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1 << 16);
        if let Some(mut ended) = self.ended.take() {
            let ended = futures_util::stream::poll_fn(move |cx| ended.poll_recv(cx));
            ctx.add_message_stream(ended);
        }
    }
}

impl Message for Ended {
    type Result = ();
}

impl Handler<Ended> for RegistryActor {
    type Result = ();

    fn handle(&mut self, ended: Ended, ctx: &mut Self::Context) {
        self.ended(ended, ctx);
    }
}

impl Handler<Activate> for RegistryActor {
    type Result = ();

    fn handle(&mut self, Activate { occurrence, ready }: Activate, ctx: &mut Self::Context) {
        if self.draining.is_some() {
            tell(ready, Err(BoxOfficeError::ShutDown));
        } else if let Some(retry_after) = self.left_alone(&occurrence) {
            tell(ready, Err(BoxOfficeError::Failing { retry_after }));
        } else {
            self.activate(occurrence, Some(ready), ctx);
        }
    }
}

impl Handler<RunBooking> for RegistryActor {
    type Result = ResponseFuture<Result<BookingReply, BoxOfficeError>>;

    fn handle(&mut self, request: RunBooking, ctx: &mut Self::Context) -> Self::Result {
        let door = Door::new(ctx.address(), &self.house, self.desk.clone());
        let RunBooking { occurrence, command, observed, key } = request;
        Box::pin(async move { door.run(&occurrence, Submission { command, observed, verdict: None, key }).await })
    }
}

impl Handler<DrainAll> for RegistryActor {
    type Result = ();

    fn handle(&mut self, DrainAll { drained }: DrainAll, ctx: &mut Self::Context) {
        self.draining = Some(drained);
        for owner in self.house.directory.owners() {
            let drain = async move { owner.send(Drain).await };
            ctx.spawn(drain.into_actor(self).map(|sent, _act, _ctx| {
                if sent.is_err() {
                    tracing::debug!("owner ended before it was told to");
                }
            }));
        }
        self.check_drained();
    }
}
