//! The way to the gates.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use actix::dev::{SendError, ToEnvelope};
use actix::{Actor, Addr, ArbiterHandle, Handler, Message};
use boxoffice_core::checkin::GateCommand;
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::persist::Fault;
use tokio::sync::oneshot;

use super::CheckinOptions;
use super::actor::{Ask, Drain, GateActor, Told, View};
use crate::error::BoxOfficeError;
use crate::house::Surroundings;
use crate::reply::{Answer, ReplyTo};
use crate::stats::Counters;

/// An actor that failed is started again this often for one request.
const TRIES_MAX: u32 = 3;

/// The way to the actor that owns all gates. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Gatekeeper {
    house: Surroundings,
    thread: ArbiterHandle,
    pub(super) options: Arc<CheckinOptions>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    owner: RwLock<Addr<GateActor>>,
    closed: AtomicBool,
}

fn start(house: &Surroundings, thread: &ArbiterHandle) -> Addr<GateActor> {
    let house = house.clone();
    GateActor::start_in_arbiter(thread, move |_| GateActor::new(house))
}

impl Gatekeeper {
    /// Starts the actor on `thread`. It reads nothing before it is asked for the first time.
    pub(crate) fn start(house: Surroundings, options: CheckinOptions, thread: ArbiterHandle) -> Self {
        let shared = Shared { owner: RwLock::new(start(&house, &thread)), closed: AtomicBool::new(false) };
        Self { house, thread, options: Arc::new(options), shared: Arc::new(shared) }
    }

    fn send<M>(&self, message: M) -> Result<(), BoxOfficeError>
    where
        M: Message<Result = ()> + Send + 'static,
        GateActor: Handler<M>,
        <GateActor as Actor>::Context: ToEnvelope<GateActor, M>,
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
                tracing::error!("the owner of the gates ended and is started again");
                *owner = start(&self.house, &self.thread);
            }
            owner.clone()
        };
        again.try_send(message).map_err(|_| BoxOfficeError::ShutDown)
    }

    /// Asks the gate of an occurrence. Should its fate be unknown, ask again: a scan is recorded once for each nonce.
    pub(super) async fn ask(
        &self,
        occurrence: &OccurrenceId,
        commands: Vec<GateCommand>,
        view: View,
    ) -> Result<Told, BoxOfficeError> {
        for _ in 0..TRIES_MAX {
            let (reply, answer) = ReplyTo::channel();
            self.send(Ask { occurrence: occurrence.clone(), commands: commands.clone(), view, reply })?;
            match answer.await {
                Ok(Answer::Given(told)) => return told,
                // The owner ended with the message unread.
                Ok(Answer::Undelivered) => {}
                Err(_) => {
                    return Err(Fault::Unknown { reason: "the box office ended before it could answer".into() }.into());
                }
            }
        }
        Err(BoxOfficeError::ShutDown)
    }

    /// Counts a scan that no gate has looked at.
    pub(super) fn count_unread(&self) {
        Counters::add(&self.house.counters.scans_answered);
    }

    /// Takes no more requests and waits for the answers to those that were taken.
    pub(crate) async fn drain(&self) {
        let (drained, all_drained) = oneshot::channel();
        let sent = self.send(Drain(drained));
        self.shared.closed.store(true, Ordering::Release);
        if sent.is_ok() && all_drained.await.is_err() {
            tracing::debug!("another shutdown was quicker");
        }
    }
}
