//! The handle to running flows.

use core::future::Future;
use core::time::Duration;
use std::sync::Arc;

use actix::dev::SendError;
use actix::{Addr, ArbiterHandle};
use boxoffice_core::flow::shard::{FlowAnswer, FlowCommand, FlowOutcome, FlowView};
use boxoffice_core::flow::{FlowId, FlowStatus, SHARDS};
use boxoffice_core::persist::{Fault, Payload};
use serde::Serialize;
use tokio::sync::{oneshot, watch};
use tracing::{Instrument, field};

use super::actor::FlowShardActor;
use super::builder::{FlowsBuilder, Running};
use super::list::{OpenFilter, OpenFlow, open_flows, search_flows};
use super::messages::{Ask, Drain};
use super::shards::{ShardHealth, ShardState, Shards};
use super::supervisor::{FlowSupervisor, Restart};
use crate::error::BoxOfficeError;
use crate::reply::{Answer, ReplyTo};
use crate::shared_writer::SharedWriter;
use crate::system::Lifetime;

/// A shard that ended with a message unread is asked again this often.
const TRIES_MAX: u32 = 5;
/// When to come again to a shard that has too much to do.
const BUSY: Duration = Duration::from_millis(10);

/// Running flows: cheap to clone, and to be used from any thread and any runtime.
///
/// What is answered is durable. When the last clone is dropped the threads end; [`Flows::shutdown`] ends them in good order. Shut
/// the flows down before the box office that they were started for.
#[derive(Clone, Debug)]
pub struct Flows {
    shards: Arc<Shards>,
    supervisor: Addr<FlowSupervisor>,
    performing: ArbiterHandle,
    pub(super) store: SharedWriter,
    pub(super) lifetime: Arc<Lifetime>,
}

fn payload(value: &(impl Serialize + ?Sized)) -> Result<Payload, BoxOfficeError> {
    Payload::new(value).map_err(BoxOfficeError::Payload)
}

impl Flows {
    pub(super) fn of(running: Running, store: SharedWriter) -> Self {
        let Running { shards, supervisor, performing, lifetime } = running;
        Self { shards, supervisor, performing, store, lifetime: Arc::new(lifetime) }
    }

    /// Runs something on the performers' thread; not if the flows have ended.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> bool {
        self.performing.spawn(work)
    }

    /// Sets flows up.
    pub fn builder() -> FlowsBuilder {
        FlowsBuilder::default()
    }

    /// Begins a flow. The same flow with the same input may be started again: it is answered
    /// [`Already`](FlowOutcome::Already).
    ///
    /// # Errors
    /// [`BoxOfficeError`] when the flow's shard could not be asked, or `input` has no JSON form.
    pub async fn start(
        &self,
        flow: &FlowId,
        input: &(impl Serialize + ?Sized + Sync),
    ) -> Result<FlowOutcome, BoxOfficeError> {
        self.say(flow, FlowCommand::Start { input: payload(input)? }).await
    }

    /// Begins a flow, and waits for its end; `Err` inside of it says why it was not begun.
    ///
    /// A flow that is stuck has not ended: see [`Flows::end`].
    ///
    /// # Errors
    /// As [`Flows::start`].
    pub async fn run(
        &self,
        flow: &FlowId,
        input: &(impl Serialize + ?Sized + Sync),
    ) -> Result<Result<FlowStatus, FlowOutcome>, BoxOfficeError> {
        let outcome = self.start(flow, input).await?;
        if matches!(outcome, FlowOutcome::Started | FlowOutcome::Already(_)) {
            return self.end(flow).await.map(Ok);
        }
        Ok(Err(outcome))
    }

    /// Tells a flow that something happened. Say it under an `id` if it may be said twice: within one run it counts once.
    ///
    /// # Errors
    /// As [`Flows::start`]. When the fate of a signal without an id is unknown, it may have been taken.
    pub async fn signal(
        &self,
        flow: &FlowId,
        name: &str,
        id: Option<&str>,
        body: &(impl Serialize + ?Sized + Sync),
    ) -> Result<FlowOutcome, BoxOfficeError> {
        let (name, id, body) = (name.into(), id.map(Into::into), payload(body)?);
        self.say(flow, FlowCommand::Signal { name, id, body }).await
    }

    /// Asks a flow to end. Everything that it waits for is answered so, and its code may clean up. A stuck flow hears of it when it is
    /// retried.
    ///
    /// # Errors
    /// As [`Flows::start`].
    pub async fn cancel(&self, flow: &FlowId) -> Result<FlowOutcome, BoxOfficeError> {
        self.say(flow, FlowCommand::Cancel).await
    }

    /// Ends a flow without asking its code. Children that it waits for are cancelled; in a store where nobody runs flows, where
    /// [`change_flow`](super::change_flow) ends it, they go on.
    ///
    /// # Errors
    /// As [`Flows::start`].
    pub async fn terminate(&self, flow: &FlowId) -> Result<FlowOutcome, BoxOfficeError> {
        self.say(flow, FlowCommand::Terminate).await
    }

    /// Lets nothing out of a flow and no timer of it run out, until it is resumed.
    ///
    /// # Errors
    /// As [`Flows::start`].
    pub async fn pause(&self, flow: &FlowId) -> Result<FlowOutcome, BoxOfficeError> {
        self.say(flow, FlowCommand::Pause).await
    }

    /// Lets a paused flow go on.
    ///
    /// # Errors
    /// As [`Flows::start`].
    pub async fn resume(&self, flow: &FlowId) -> Result<FlowOutcome, BoxOfficeError> {
        self.say(flow, FlowCommand::Resume).await
    }

    /// Tries a stuck flow again.
    ///
    /// # Errors
    /// As [`Flows::start`].
    pub async fn retry(&self, flow: &FlowId) -> Result<FlowOutcome, BoxOfficeError> {
        self.say(flow, FlowCommand::Retry).await
    }

    /// How a flow stands and what it waits for; none if there is no such flow.
    ///
    /// # Errors
    /// As [`Flows::start`].
    pub async fn inspect(&self, flow: &FlowId) -> Result<Option<FlowView>, BoxOfficeError> {
        match self.ask(flow, FlowCommand::Inspect).await? {
            FlowAnswer::View(view) => Ok(Some(*view)),
            FlowAnswer::Outcome(FlowOutcome::Unreadable { reason }) => {
                Err(Fault::Corrupt { place: format!("flow {flow}").into(), reason: reason.into() }.into())
            }
            FlowAnswer::Outcome(_) | FlowAnswer::Ended(_) => Ok(None),
        }
    }

    /// Waits until a flow has ended, and says how. [`FlowStatus::Unknown`] if there is no such flow.
    ///
    /// A flow that is stuck (no program of its kind, a panic, a performer that gave no outcome) or paused has not ended, and this waits
    /// on until somebody mends it. Whoever cannot wait puts a limit around it and looks at [`Flows::inspect`].
    ///
    /// # Errors
    /// As [`Flows::start`].
    pub async fn end(&self, flow: &FlowId) -> Result<FlowStatus, BoxOfficeError> {
        match self.ask(flow, FlowCommand::Await).await? {
            FlowAnswer::Ended(status) => Ok(status),
            FlowAnswer::Outcome(_) | FlowAnswer::View(_) => Ok(FlowStatus::Unknown),
        }
    }

    async fn say(&self, flow: &FlowId, command: FlowCommand) -> Result<FlowOutcome, BoxOfficeError> {
        match self.ask(flow, command).await? {
            FlowAnswer::Outcome(outcome) => Ok(outcome),
            FlowAnswer::View(_) | FlowAnswer::Ended(_) => Ok(FlowOutcome::Unchanged),
        }
    }

    /// Says something to a flow, in a span that ends up with the outcome.
    async fn ask(&self, flow: &FlowId, command: FlowCommand) -> Result<FlowAnswer, BoxOfficeError> {
        let span = tracing::debug_span!("flow", %flow, command = command.name(), outcome = field::Empty);
        let result = self.ask_shard(flow, command).instrument(span.clone()).await;
        match &result {
            Ok(FlowAnswer::Outcome(outcome)) => span.record("outcome", outcome.name()),
            Ok(FlowAnswer::View(view)) => span.record("outcome", view.status.name()),
            Ok(FlowAnswer::Ended(status)) => span.record("outcome", status.name()),
            Err(error) => span.record("outcome", field::display(error)),
        };
        result
    }

    async fn ask_shard(&self, flow: &FlowId, command: FlowCommand) -> Result<FlowAnswer, BoxOfficeError> {
        let mut changed = self.shards.watch();
        for _ in 0..TRIES_MAX {
            let actor = self.seated(flow, &mut changed).await?;
            let (reply, answer) = ReplyTo::channel();
            match actor.try_send(Ask { flow: flow.clone(), command: command.clone(), reply }) {
                Ok(()) => {}
                Err(SendError::Full(_)) => return Err(BoxOfficeError::Busy { retry_after: BUSY }),
                // It ends just now; the supervisor says what comes next.
                Err(SendError::Closed(_)) => {
                    wait(&mut changed).await?;
                    continue;
                }
            }
            match answer.await {
                Ok(Answer::Given(answer)) => return answer,
                Ok(Answer::Undelivered) => wait(&mut changed).await?,
                Err(_) => {
                    return Err(Fault::Unknown { reason: "the flows ended before they could answer".into() }.into());
                }
            }
        }
        Err(BoxOfficeError::Busy { retry_after: BUSY })
    }

    /// The actor of a flow's shard, once it is up.
    async fn seated(
        &self,
        flow: &FlowId,
        changed: &mut watch::Receiver<Vec<ShardHealth>>,
    ) -> Result<Addr<FlowShardActor>, BoxOfficeError> {
        loop {
            changed.mark_unchanged();
            let (state, actor) = self.shards.seat(flow.shard());
            if let Some(actor) = actor {
                return Ok(actor);
            }
            refuse(flow, state)?;
            // What changes may be another shard: it counts as no attempt.
            wait(changed).await?;
        }
    }

    /// Flows that have not ended; see [`open_flows`].
    ///
    /// # Errors
    /// [`BoxOfficeError::Store`] when storage failed.
    pub async fn open(&self, filter: &OpenFilter) -> Result<Vec<OpenFlow>, BoxOfficeError> {
        Ok(open_flows(&self.store, filter).await?)
    }

    /// Flows whose id begins with `prefix`, ended ones too; see [`search_flows`].
    ///
    /// # Errors
    /// [`BoxOfficeError::Store`] when storage failed.
    pub async fn search(
        &self,
        prefix: &str,
        after: Option<&FlowId>,
        limit: usize,
    ) -> Result<Vec<(FlowId, FlowStatus)>, BoxOfficeError> {
        Ok(search_flows(&self.store, prefix, after, limit).await?)
    }

    /// How the shards are, now and whenever that changes. Each is there once, in the order of their numbers.
    pub fn health(&self) -> watch::Receiver<Vec<ShardHealth>> {
        self.shards.watch()
    }

    /// Starts a shard that was left alone since it failed too often, or takes back one that was fenced off.
    ///
    /// # Errors
    /// [`BoxOfficeError::ShutDown`] when the flows are shut down.
    pub async fn restart(&self, shard: u8) -> Result<(), BoxOfficeError> {
        self.supervisor.send(Restart(shard)).await.map_err(|_| BoxOfficeError::ShutDown)
    }

    /// Takes no more commands, records what is to be recorded, and ends the threads. Requests that are being carried out are left
    /// to themselves: whoever starts the flows again has them carried out again.
    pub async fn shutdown(self) {
        // Outcomes that are there already are on their way to the shards when it is this task's turn.
        let (hand_over, handed_over) = oneshot::channel();
        let asked = self.performing.spawn_fn(move || {
            if hand_over.send(()).is_err() {
                tracing::debug!("nobody waits for the end of the flows");
            }
        });
        if asked && handed_over.await.is_err() {
            tracing::debug!("the performers have ended before");
        }
        for shard in 0..SHARDS {
            let (drained, all_drained) = oneshot::channel();
            if let (_, Some(actor)) = self.shards.seat(shard)
                && actor.send(Drain(drained)).await.is_ok()
                && all_drained.await.is_err()
            {
                tracing::debug!(shard, "the shard ended by itself");
            }
        }
        self.lifetime.end().await;
    }
}

/// Waits until something has changed about the shards.
async fn wait(changed: &mut watch::Receiver<Vec<ShardHealth>>) -> Result<(), BoxOfficeError> {
    changed.changed().await.map_err(|_| BoxOfficeError::ShutDown)
}

/// Why a shard without an actor does not answer; nothing if it will soon.
fn refuse(flow: &FlowId, state: ShardState) -> Result<(), BoxOfficeError> {
    let shard = flow.shard();
    match state {
        ShardState::Starting | ShardState::Up => Ok(()),
        ShardState::Ended => Err(BoxOfficeError::ShutDown),
        ShardState::Fenced => Err(BoxOfficeError::FlowsElsewhere { shard }),
        ShardState::Failed { reason } => Err(BoxOfficeError::FlowsFailed { shard, reason }),
    }
}
