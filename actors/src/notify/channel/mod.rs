//! Channels: the ways by which notices go out, each with an actor of its own.

mod actor;
mod answers;
mod gate;
mod lease;
mod options;
mod prepare;
mod state;
mod threads;

use core::fmt;
use core::future::pending;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use actix::{Actor, Addr, Arbiter, ArbiterHandle};
use async_trait::async_trait;
use boxoffice_core::flow::shard::{Performance, Performed};
use boxoffice_core::notify::Notice;
use boxoffice_core::notify::flows::channel_performer;
use boxoffice_core::time::Timestamp;
use tokio::sync::{Semaphore, oneshot, watch};

use self::actor::{ChannelActor, Deliver, Drain};
use self::answers::Asker;
pub use self::options::ChannelOptions;
use self::prepare::House;
use self::state::Board;
pub use self::state::{ChannelHealth, ChannelState, Lateness};
use super::ledger::Doubt;
use crate::error::StartError;
use crate::flows::{Performer, RestartIntensity};
use crate::office::BoxOffice;
use crate::reply::{Answer, ReplyTo};
use crate::stats::Counters;
use crate::system::{self, Lifetime};

/// A running channel: cheap to clone, and the [`Performer`] that delivers what flows ask for.
///
/// It runs on a thread of its own, with an actor that is made anew should it fail; what waited is then asked for again. Each
/// notice is looked up in the ledger, waits for its turn, is allowed by what its recipient wants at that moment, written from its
/// facts, and sent. No answer is lost: a request that meets a dead actor, a failing store or an open circuit breaker waits.
///
/// *Ending.* Shut the channel down first, then the flows, then the box office: what is under way comes to its end and is recorded.
/// In the other order the channel itself records what its flows cannot any more. What waits in the queue is asked for again at the next start.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use boxoffice::flows::{FlowStatus, Flows, RetryPolicy};
/// use boxoffice::id::{AttendeeId, NoticeId};
/// use boxoffice::notify::flows::{DEAD_LETTERS, DeliverInput, deliver_flow, deliver_program};
/// use boxoffice::notify::{Channel, ChannelOptions, DeadLetters, Delivery, Notice, NoticeKind, Profile, put_profile};
/// use boxoffice::persist::{Backend, MemoryBackend, Payload, Transaction};
/// use boxoffice::transport::MemoryTransport;
/// use boxoffice::BoxOffice;
///
/// let office = BoxOffice::builder().store(MemoryBackend::new()).start()?;
/// let transport = MemoryTransport::new();
/// let email = Channel::start(ChannelOptions::new("email", transport.clone())?, &office)?;
/// let flows = Flows::builder()
///     .program(deliver_program())
///     .performer(&email.performer(), email.clone())
///     .performer(DEAD_LETTERS, DeadLetters::new(&office))
///     .start(&office)?;
///
/// let ann = AttendeeId::new("ann")?;
/// let profile = put_profile(&ann, &Profile::new("UTC").reached("email", "ann@club.example"))?;
/// assert!(office.shared_writer().commit_one(Transaction::new().write(profile)).await?.is_done());
/// let facts = r#"{"name":null,"summary":"Chess","starts":0,"ends":1,"zone":"UTC","all_day":false,"location":null,"url":null,
///     "seats":0,"places":[]}"#;
/// let notice = Notice {
///     id: NoticeId::new("reminder-1")?,
///     kind: NoticeKind::Reminder,
///     to: ann,
///     channel: "email".to_owned(),
///     critical: false,
///     facts: Payload::from_json(facts)?,
///     until: None,
///     thread: None,
/// };
/// let input = DeliverInput { notice: notice.clone(), policy: RetryPolicy::notices() };
/// let ended = flows.run(&deliver_flow(&notice)?, &input).await?;
/// let delivered = Delivery::Delivered { id: notice.id.clone(), n: 1, uncertain: false };
/// assert_eq!(ended, Ok(FlowStatus::Completed(Payload::new(&delivered)?)));
/// assert_eq!(transport.times_taken(&notice.id), 1);
/// email.shutdown().await;
/// flows.shutdown().await;
/// office.shutdown().await;
/// # Ok(()) }) }
/// ```
#[derive(Clone)]
pub struct Channel(Arc<Shared>);

struct Shared {
    house: Arc<House>,
    thread: ArbiterHandle,
    lifetime: Lifetime,
    intensity: RestartIntensity,
    seat: Mutex<Seat>,
    health: watch::Sender<ChannelHealth>,
    /// Room in the queue.
    room: Semaphore,
    asked: AtomicUsize,
}

struct Seat {
    actor: Addr<ChannelActor>,
    /// When it failed of late.
    failures: VecDeque<Timestamp>,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("name", &self.0.house.name).finish_non_exhaustive()
    }
}

fn house(options: ChannelOptions, office: &BoxOffice) -> House {
    let dedupes = options.transport.dedupes();
    House {
        store: office.shared_writer(),
        clock: office.clock(),
        counters: office.counters(),
        doubt: Doubt { dedupes, policy: options.on_uncertain },
        templates: options.templates.unwrap_or_default(),
        unsubscribe: options.unsubscribe,
        window: options.window,
        breaker: options.breaker,
        rate: options.rate,
        board: Board::new(&options.name),
        transport: options.transport,
        name: options.name,
    }
}

impl Channel {
    /// Starts a channel over the store of `office`, on a thread of its own.
    ///
    /// # Errors
    /// [`StartError`] when there is no thread to be had.
    pub fn start(options: ChannelOptions, office: &BoxOffice) -> Result<Self, StartError> {
        let (intensity, room) = (options.intensity, options.waiting_max.min(Semaphore::MAX_PERMITS));
        let house = Arc::new(house(options, office));
        let first = Arc::clone(&house);
        let name = format!("boxoffice-channel-{}", house.name);
        let ((actor, thread), lifetime) = system::run(name, move |runner| {
            let built = runner.block_on(async { (ChannelActor::new(first).start(), Arbiter::current()) });
            (built, || ())
        })?;
        Ok(Self(Arc::new(Shared {
            house,
            thread,
            lifetime,
            intensity,
            seat: Mutex::new(Seat { actor, failures: VecDeque::new() }),
            health: watch::Sender::new(ChannelHealth::Up),
            room: Semaphore::new(room),
            asked: AtomicUsize::new(0),
        })))
    }

    /// The name under which flows ask for it: `channel:NAME`.
    pub fn performer(&self) -> String {
        channel_performer(&self.0.house.name)
    }

    /// How it stands now.
    pub fn state(&self) -> ChannelState {
        let mut state = self.0.house.board.lock().clone();
        state.health = *self.0.health.borrow();
        state.waiting = self.0.asked.load(Ordering::Relaxed);
        state
    }

    /// Whether it takes letters, now and whenever that changes.
    pub fn health(&self) -> watch::Receiver<ChannelHealth> {
        self.0.health.subscribe()
    }

    /// Takes letters again after the actor had failed too often. What waits is sent.
    pub fn restart(&self) {
        self.0.seat.lock().unwrap_or_else(PoisonError::into_inner).failures.clear();
        self.0.tell(|health| *health == ChannelHealth::Failed, ChannelHealth::Up);
    }

    /// Lets nothing more through, waits for what is under way (each letter no longer than its transport's timeout), notes what
    /// came of it, and ends the thread.
    pub async fn shutdown(self) {
        self.0.tell(|health| *health != ChannelHealth::Ended, ChannelHealth::Ended);
        let (drained, all_drained) = oneshot::channel();
        let actor = self.0.seat.lock().unwrap_or_else(PoisonError::into_inner).actor.clone();
        if actor.send(Drain(drained)).await.is_ok() && all_drained.await.is_err() {
            tracing::debug!("the channel ended by itself");
        }
        self.0.lifetime.end().await;
    }
}

impl Shared {
    fn tell(&self, if_so: impl Fn(&ChannelHealth) -> bool, health: ChannelHealth) {
        self.health.send_if_modified(|now| {
            let change = if_so(now);
            if change {
                *now = health;
            }
            change
        });
    }

    /// The actor, made anew if it has ended. None while the channel takes no letters.
    fn actor(&self) -> Option<Addr<ChannelActor>> {
        let mut seat = self.seat.lock().unwrap_or_else(PoisonError::into_inner);
        if *self.health.borrow() != ChannelHealth::Up {
            return None;
        }
        if !seat.actor.connected() && !self.revive(&mut seat) {
            return None;
        }
        Some(seat.actor.clone())
    }

    /// Makes the actor anew, unless it failed too often.
    fn revive(&self, seat: &mut Seat) -> bool {
        Counters::add(&self.house.counters.channel_failures);
        let channel = &self.house.name;
        if self.intensity.failed(&mut seat.failures, self.house.clock.now()).is_none() {
            tracing::error!(%channel, "channel failed too often and is left alone");
            self.tell(|health| *health == ChannelHealth::Up, ChannelHealth::Failed);
            return false;
        }
        tracing::warn!(%channel, failures = seat.failures.len(), "channel failed and is started again");
        self.house.board.lock().restarts += 1;
        let house = Arc::clone(&self.house);
        seat.actor = ChannelActor::start_in_arbiter(&self.thread, move |_| ChannelActor::new(house));
        true
    }

    /// The actor, as soon as the channel takes letters. Waits for ever once it is shut down.
    async fn wait_for_actor(&self) -> Addr<ChannelActor> {
        let mut health = self.health.subscribe();
        loop {
            if let Some(actor) = self.actor() {
                return actor;
            }
            if health.wait_for(|health| *health == ChannelHealth::Up).await.is_err() {
                return pending().await;
            }
        }
    }

    async fn deliver(&self, notice: Notice, key: String) -> Performed {
        // Cannot fail: it is never closed.
        let _room = self.room.acquire().await;
        loop {
            let actor = self.wait_for_actor().await;
            let (reply, answer) = ReplyTo::channel();
            let asked = actor.send(Deliver { notice: notice.clone(), asker: Asker { key: key.clone(), reply } }).await;
            if asked.is_ok()
                && let Ok(Answer::Given(Ok(performed))) = answer.await
            {
                return performed;
            }
            // The actor ended with the request; the ledger knows whether the letter is out.
            tokio::task::yield_now().await;
        }
    }
}

/// Counts a request for as long as it waits.
struct Asked<'a>(&'a AtomicUsize);

impl<'a> Asked<'a> {
    fn new(asked: &'a AtomicUsize) -> Self {
        asked.fetch_add(1, Ordering::Relaxed);
        Self(asked)
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Performer for Channel {
    async fn perform(&self, request: Performance) -> Result<Performed, String> {
        let notice: Notice = request.body.read().map_err(|error| format!("not a notice: {error}"))?;
        if *notice.channel != *self.0.house.name {
            return Err(format!("the notice is for another channel than {}", self.0.house.name));
        }
        let _asked = Asked::new(&self.0.asked);
        Ok(self.0.deliver(notice, request.idempotency_key()).await)
    }
}
