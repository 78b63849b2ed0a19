//! The threads of a box office: one for the owners, one for the writer, one for readers, one for the schedule, and, once
//! somebody asks who is free, one or two for that.

use core::future::Future;
use core::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use actix::{Actor, Addr, Arbiter, ArbiterHandle, System, SystemRunner};
use boxoffice_core::persist::{Backend, Fault};
use futures_util::FutureExt;
use tokio::sync::{oneshot, watch};

use crate::availability::{AvailabilityOptions, Desk, Threads};
#[cfg(feature = "checkin")]
use crate::checkin::{CheckinOptions, Gatekeeper};
use crate::clock::Clock;
use crate::directory::Directory;
use crate::error::StartError;
use crate::house::{Settings, Surroundings};
use crate::planner::Planner;
use crate::registry::{RegistryActor, RestartBudget};
use crate::stats::{Counters, Pace};
use crate::store::StoreActor;

const ENDED: &str = "the box office is shut down";

/// Runs what reads the store on a thread that may block, so that the owners' thread never does.
#[derive(Clone, Debug)]
pub(crate) struct Reader(ArbiterHandle);

impl Reader {
    /// Runs `read` and gives its result.
    pub(crate) fn run<T, F>(&self, read: F) -> impl Future<Output = Result<T, Fault>> + use<T, F>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.spawn(async move {
            let done = AssertUnwindSafe(read).catch_unwind().await;
            let panicked = || Fault::Poisoned { reason: "a read panicked".into() };
            if sender.send(done.unwrap_or_else(|_| Err(panicked()))).is_err() {
                tracing::debug!("nobody waits for a read any more");
            }
        });
        // The task is dropped unfinished when the thread ends, and only then.
        async move { receiver.await.unwrap_or_else(|_| Err(Fault::Unavailable { reason: ENDED.into() })) }
    }

    /// Whether `fault` says that the reading thread has ended.
    pub(crate) fn has_ended(fault: &Fault) -> bool {
        matches!(fault, Fault::Unavailable { reason } if &**reason == ENDED)
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if !self.0.spawn(task) {
            tracing::debug!("the reading thread has ended");
        }
    }
}

/// An actor system on a thread of its own. It ends with the last handle to it, or when it is told to.
#[derive(Debug)]
pub(crate) struct Lifetime {
    system: System,
    /// Resolves when the thread has ended.
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Lifetime {
    /// Ends the system, and waits until its thread has ended; whoever comes second does not wait.
    pub(crate) async fn end(&self) {
        self.system.stop();
        let ended = self.waiting().take();
        if let Some(ended) = ended
            && ended.await.is_err()
        {
            tracing::error!("the thread of an actor system panicked");
        }
    }

    /// Whether it was told to end.
    pub(crate) fn is_over(&self) -> bool {
        self.waiting().is_none()
    }

    fn waiting(&self) -> MutexGuard<'_, Option<oneshot::Receiver<()>>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lifetime {
    fn drop(&mut self) {
        self.system.stop();
    }
}

/// Runs an actor system on a thread of its own, so that it works the same under `tokio::main`, `actix::main` or none.
///
/// `build` is called on that thread. It gives what is wanted from outside, and what is to be done once the system has ended.
pub(crate) fn run<T, A>(
    name: impl Into<String>,
    build: impl FnOnce(&SystemRunner) -> (T, A) + Send + 'static,
) -> Result<(T, Lifetime), StartError>
where
    T: Send + 'static,
    A: FnOnce(),
{
    let (up, started) = mpsc::channel();
    let (finished, ended) = oneshot::channel();
    thread::Builder::new().name(name.into()).spawn(move || {
        let runner = System::new();
        let (built, after) = build(&runner);
        let started = up.send((built, System::current()));
        let ran = started.map_or(Ok(()), |()| runner.run());
        if let Err(error) = ran {
            tracing::error!(%error, "actor system failed");
        }
        after();
        if finished.send(()).is_err() {
            tracing::debug!("nobody waits for the end of an actor system");
        }
    })?;
    let (built, system) = started.recv().map_err(|_| StartError::System)?;
    Ok((built, Lifetime { system, ended: Mutex::new(Some(ended)) }))
}

/// The actors, and what they live in.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) registry: Addr<RegistryActor>,
    pub(crate) house: Surroundings,
    pub(crate) planner: Planner,
    pub(crate) desk: Desk,
    #[cfg(feature = "checkin")]
    pub(crate) gatekeeper: Gatekeeper,
}

/// What the system is built from.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    pub(crate) budget: RestartBudget,
    pub(crate) availability: AvailabilityOptions,
    #[cfg(feature = "checkin")]
    pub(crate) checkin: CheckinOptions,
}

pub(crate) fn start(plan: Plan) -> Result<(Built, Lifetime), StartError> {
    run("boxoffice", move |runner| {
        let threads = runner.block_on(async { (Arbiter::new(), Arbiter::new(), Arbiter::new()) });
        let (writer, reader, planner) = threads;
        let handles = (writer.handle(), reader.handle(), planner.handle());
        let more = Threads::new(planner.handle());
        let later = more.clone();
        let built = runner.block_on(async move { build(plan, &handles.0, handles.1, handles.2, later) });
        let directory = Arc::clone(&built.house.directory);
        let after = move || {
            // Whoever watches is told that there is no more to come.
            directory.close();
            // They hold the store, which is not closed before they have ended.
            end(planner);
            // It has started these, and starts no more.
            more.take().into_iter().chain([writer, reader]).for_each(end);
        };
        (built, after)
    })
}

pub(crate) fn end(thread: Arbiter) {
    thread.stop();
    if thread.join().is_err() {
        tracing::error!("a thread of the actor system panicked");
    }
}

fn build(plan: Plan, writer: &ArbiterHandle, reader: ArbiterHandle, planner: ArbiterHandle, more: Threads) -> Built {
    let Plan { backend, clock, settings, budget, availability, .. } = plan;
    let writes_to = backend.clone();
    let (tell, committed) = watch::channel(0);
    let counters = Arc::new(Counters::default());
    let pace = Arc::new(Pace::default());
    let gauges = (Arc::clone(&counters), Arc::clone(&pace));
    let store = StoreActor::start_in_arbiter(writer, move |_| StoreActor::telling(writes_to, tell, gauges));
    let house = Surroundings {
        backend,
        store,
        reader: Reader(reader),
        clock,
        counters,
        pace,
        directory: Arc::new(Directory::default()),
        settings,
        committed,
    };
    #[cfg(feature = "checkin")]
    let gatekeeper = Gatekeeper::start(house.clone(), plan.checkin, planner.clone());
    let planner = Planner::start(house.clone(), planner);
    let desk = Desk::new(house.clone(), availability, budget, more);
    let registry = RegistryActor::new(house.clone(), desk.clone(), budget).start();
    Built {
        registry,
        house,
        planner,
        desk,
        #[cfg(feature = "checkin")]
        gatekeeper,
    }
}
