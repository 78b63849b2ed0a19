//! Who starts owners, and who starts them again.

mod alarms;

use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseFuture, SpawnHandle, WrapFuture};
use boxoffice_core::booking::{BookingReply, SeatCount, Submission};
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::persist::Fault;
use boxoffice_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::availability::Desk;
use crate::directory::{Ended, Ending, How};
use crate::door::Door;
use crate::error::BoxOfficeError;
use crate::house::Surroundings;
use crate::load::Loaded;
use crate::occurrence::{Drain, OccurrenceActor, Rest};
use crate::stats::{Counters, Stopwatch};
use crate::under_way::UnderWay;
use alarms::Alarms;

/// Run a command on an occurrence: the door for hosts that speak actix. [`BoxOffice`](crate::BoxOffice) has methods
/// for the same.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<BookingReply, BoxOfficeError>")]
pub struct RunBooking {
    /// On which occurrence.
    pub occurrence: OccurrenceId,
    /// What is asked, and what it is bound to.
    pub asked: Submission,
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
///
/// Owners in memory are bounded, and so are those that are started at the same time. An owner that rests although it has
/// holds leaves an alarm here; those of the time before a restart are read from the store.
#[derive(Debug)]
pub struct RegistryActor {
    house: Surroundings,
    desk: Desk,
    budget: RestartBudget,
    starting: HashMap<OccurrenceId, Starting>,
    /// Of these, those that wait for their turn.
    turns: VecDeque<OccurrenceId>,
    failures: HashMap<OccurrenceId, VecDeque<Timestamp>>,
    alarms: Alarms,
    timer: Option<(Timestamp, SpawnHandle)>,
    /// Owners started so far; each has its number.
    started: u64,
    /// As many when owners were last told to rest because there were too many.
    swept_at: u64,
    living: usize,
    ended: Option<mpsc::UnboundedReceiver<Ended>>,
    draining: Option<oneshot::Sender<()>>,
    /// Words to owners that are on their way.
    under_way: UnderWay<Self>,
}

/// An owner on its way into memory.
#[derive(Debug)]
struct Starting {
    ready: Vec<Ready>,
    /// The alarm that it is started for.
    woken: Option<Timestamp>,
    since: Stopwatch,
}

type Ready = oneshot::Sender<Result<(), BoxOfficeError>>;

impl RegistryActor {
    pub(crate) fn new(house: Surroundings, desk: Desk, budget: RestartBudget) -> Self {
        let (announce, ended) = mpsc::unbounded_channel();
        house.directory.announce_to(announce);
        Self {
            house,
            desk,
            budget,
            starting: HashMap::new(),
            turns: VecDeque::new(),
            failures: HashMap::new(),
            alarms: Alarms::default(),
            timer: None,
            started: 0,
            swept_at: 0,
            living: 0,
            ended: Some(ended),
            draining: None,
            under_way: UnderWay::new(),
        }
    }

    /// Has the owner of an occurrence started when it is its turn.
    fn begin(
        &mut self,
        occurrence: OccurrenceId,
        ready: Option<Ready>,
        woken: Option<Timestamp>,
        ctx: &mut Context<Self>,
    ) {
        let woken = woken.or_else(|| self.alarms.take(&occurrence));
        let starting = Starting { ready: ready.into_iter().collect(), woken, since: Stopwatch::start() };
        self.starting.insert(occurrence.clone(), starting);
        self.turns.push_back(occurrence);
        self.next_turns(ctx);
    }

    /// Starts as many owners as may be started at the same time: for callers first, then for alarms.
    fn next_turns(&mut self, ctx: &mut Context<Self>) {
        while self.starting.len() - self.turns.len() < self.house.settings.activations_max {
            if let Some(occurrence) = self.turns.pop_front() {
                self.load(occurrence, ctx);
            } else if let Some((occurrence, woken)) = self.alarms.pop_due() {
                if self.starting.contains_key(&occurrence) || self.house.directory.find(&occurrence).is_some() {
                    continue;
                }
                Counters::add(&self.house.counters.alarms);
                self.begin(occurrence, None, Some(woken), ctx);
                return;
            } else {
                break;
            }
        }
        self.house.counters.activations_waiting.set(self.starting.len());
    }

    fn load(&mut self, occurrence: OccurrenceId, ctx: &mut Context<Self>) {
        let (backend, wanted) = (self.house.backend.clone(), occurrence.clone());
        let woken = self.starting.get(&occurrence).and_then(|starting| starting.woken);
        let loaded = self.house.reader.run(async move { Loaded::load(&*backend, &wanted, woken).await });
        ctx.spawn(loaded.into_actor(self).map(move |loaded, act, ctx| act.loaded(&occurrence, loaded, ctx)));
    }

    fn loaded(&mut self, occurrence: &OccurrenceId, loaded: Result<Loaded, Fault>, ctx: &mut Context<Self>) {
        let starting = self.starting.remove(occurrence);
        let result = match loaded {
            Ok(_) if self.draining.is_some() => Err(BoxOfficeError::ShutDown),
            Ok(loaded) => {
                self.start(occurrence, loaded, ctx);
                Ok(())
            }
            Err(fault) => {
                tracing::warn!(%occurrence, %fault, "owner cannot be started");
                // Its holds must lapse all the same, once the store is well again.
                if let Some(woken) = starting.as_ref().and_then(|starting| starting.woken) {
                    self.set_alarm(occurrence.clone(), woken.max(self.house.clock.now() + self.budget.within), ctx);
                }
                Err(fault.into())
            }
        };
        if let Some(Starting { ready, since, .. }) = starting {
            self.house.counters.activation_seconds.record(since.elapsed());
            for ready in ready {
                tell(ready, result.clone());
            }
        }
        self.next_turns(ctx);
        self.check_drained();
    }

    fn start(&mut self, occurrence: &OccurrenceId, loaded: Loaded, ctx: &mut Context<Self>) {
        self.make_room(ctx);
        self.started += 1;
        self.count_living(self.living + 1);
        Counters::add(&self.house.counters.activations);
        let directory = Arc::clone(&self.house.directory);
        let ending = Ending::new(Arc::clone(&directory), occurrence.clone(), self.started);
        tracing::debug!(%occurrence, seq = %loaded.ledger.seq(), "owner started");
        let board = directory.board(occurrence, SeatCount::from(&loaded.ledger));
        let house = self.house.clone();
        let owner = OccurrenceActor::new(occurrence.clone(), loaded, house, Arc::clone(&board), ending).start();
        directory.enter(occurrence.clone(), self.started, owner, board);
    }

    fn count_living(&mut self, living: usize) {
        self.living = living;
        self.house.counters.owners.set(living);
    }

    /// Tells those to rest that were not used for longest, a sixteenth at a time, if there are too many.
    fn make_room(&mut self, ctx: &mut Context<Self>) {
        let owners_max = self.house.settings.owners_max;
        let some = owners_max.div_ceil(16);
        if self.living < owners_max || self.started < self.swept_at + some as u64 {
            return;
        }
        self.swept_at = self.started;
        for owner in self.house.directory.least_used(self.living + some - owners_max) {
            let rest = async move { owner.send(Rest).await };
            // Whoever has ended meanwhile need not be told.
            self.under_way.begin(ctx, rest, |_told, _act, _ctx| ());
        }
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
        self.count_living(self.living.saturating_sub(1));
        let now = self.house.clock.now();
        if ended.how != How::Rested {
            Counters::add(&self.house.counters.failures);
            self.failures.entry(ended.occurrence.clone()).or_default().push_back(now);
        }
        // After a failure the store may need a while, and nobody knows what of the last batch it has: somebody looks then.
        let due = if ended.how == How::Failed { Some(now + self.budget.within) } else { ended.due };
        if let Some(due) = due {
            self.set_alarm(ended.occurrence.clone(), due, ctx);
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

    fn activate(&mut self, occurrence: OccurrenceId, ready: Option<Ready>, ctx: &mut Context<Self>) {
        if let Some(starting) = self.starting.get_mut(&occurrence) {
            starting.ready.extend(ready);
        } else if self.house.directory.find(&occurrence).is_some() {
            if let Some(ready) = ready {
                tell(ready, Ok(()));
            }
        } else if let Some(ready) = ready {
            if self.turns.len() < self.house.settings.waiting_max {
                self.begin(occurrence, Some(ready), None, ctx);
            } else {
                tell(ready, Err(self.house.busy()));
            }
        } else {
            self.begin(occurrence, None, None, ctx);
        }
    }

    fn check_drained(&mut self) {
        if self.living > 0 || !self.starting.is_empty() {
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

fn tell(ready: Ready, result: Result<(), BoxOfficeError>) {
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
        self.read_alarms(None, ctx);
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
        let RunBooking { occurrence, asked } = request;
        Box::pin(async move { door.run(&occurrence, asked).await })
    }
}

impl Handler<DrainAll> for RegistryActor {
    type Result = ();

    fn handle(&mut self, DrainAll { drained }: DrainAll, ctx: &mut Self::Context) {
        self.draining = Some(drained);
        for owner in self.house.directory.owners() {
            let drain = async move { owner.send(Drain).await };
            self.under_way.begin(ctx, drain, |sent, _act, _ctx| {
                if sent.is_err() {
                    tracing::debug!("owner ended before it was told to");
                }
            });
        }
        self.check_drained();
    }
}
