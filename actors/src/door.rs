//! The way of a request to its owner: straight through the directory, or by way of the registry.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;

use actix::Addr;
use actix::dev::SendError;
use boxoffice_core::booking::{BookingCommand, BookingOutcome, BookingReply, SeatLedger, Submission, recall};
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::persist::{Fault, IdempotencyKey};
use tokio::sync::oneshot;
use tracing::{Instrument, field};

use crate::availability::Desk;
use crate::board::{Board, SeatWatch};
use crate::directory::Sent;
use crate::error::BoxOfficeError;
use crate::house::Surroundings;
use crate::occurrence::{Decide, Inspect, Look};
use crate::registry::{Activate, RegistryActor};
use crate::reply::{Answer, ReplyTo};
use crate::stats::Counters;

/// An owner may go to rest between being found and being asked, and what policies said may be outdated when the seat is
/// taken; not this often in a row, though.
const TRIES_MAX: u32 = 100;

#[derive(Clone, Debug)]
pub(crate) struct Door {
    registry: Addr<RegistryActor>,
    house: Surroundings,
    desk: Desk,
}

impl Door {
    pub(crate) fn new(registry: Addr<RegistryActor>, house: &Surroundings, desk: Desk) -> Self {
        Self { registry, house: house.clone(), desk }
    }

    pub(crate) fn registry(&self) -> &Addr<RegistryActor> {
        &self.registry
    }

    /// Asks the owner, in a span that ends up with the sequence number and the outcome. Attendees are not in it.
    pub(crate) async fn run(
        &self,
        occurrence: &OccurrenceId,
        asked: Submission,
    ) -> Result<BookingReply, BoxOfficeError> {
        let span = tracing::debug_span!("booking", %occurrence, seq = field::Empty, outcome = field::Empty);
        let result = self.ask(occurrence, asked).instrument(span.clone()).await;
        match &result {
            Ok(reply) => span.record("seq", reply.seq.get()).record("outcome", reply.outcome.name()),
            Err(error) => span.record("outcome", field::display(error)),
        };
        result
    }

    async fn ask(&self, occurrence: &OccurrenceId, mut asked: Submission) -> Result<BookingReply, BoxOfficeError> {
        // Policies are asked here, and nobody else's word is taken for theirs.
        asked.verdict = None;
        let mut recall = asked.key.clone();
        for _ in 0..TRIES_MAX {
            if let Some(key) = recall.take()
                && let Some(reply) = self.recall(occurrence, key, &asked.command).await?
            {
                return Ok(reply);
            }
            let (reply, answer) = ReplyTo::channel();
            match self.house.directory.send(occurrence, Decide { asked: asked.clone(), reply }) {
                Sent::Delivered => {}
                Sent::Full => return Err(self.house.busy()),
                Sent::NoOwner => {
                    self.activate(occurrence).await?;
                    continue;
                }
            }
            match answer.await {
                Ok(Answer::Given(Ok(reply))) => match (&reply.outcome, asked.command.attendee()) {
                    // There is a seat. Once more, with what policies say of it.
                    (BookingOutcome::Unchecked, Some(attendee)) => {
                        Counters::add(&self.house.counters.policies_asked);
                        asked.verdict = Some(self.desk.policies(occurrence, attendee, asked.clash).await?);
                    }
                    // Somebody asked the same under the same key, and was answered.
                    (BookingOutcome::Recall, _) => recall.clone_from(&asked.key),
                    _ => return Ok(reply),
                },
                Ok(Answer::Given(Err(error))) => return Err(error),
                // The owner went to rest with the message unread in its mailbox.
                Ok(Answer::Undelivered) => {}
                Err(_) => return Err(unknown()),
            }
        }
        Err(self.house.busy())
    }

    /// The answer that was given under `key` before.
    async fn recall(
        &self,
        occurrence: &OccurrenceId,
        key: IdempotencyKey,
        command: &BookingCommand,
    ) -> Result<Option<BookingReply>, BoxOfficeError> {
        let (backend, occurrence, command) = (Arc::clone(&self.house.backend), occurrence.clone(), command.clone());
        let kept = self.house.reader.run(async move { recall(&*backend, &occurrence, &key, &command).await });
        Ok(kept.await?)
    }

    pub(crate) async fn inspect<R: Send + 'static>(
        &self,
        occurrence: &OccurrenceId,
        look: impl FnOnce(&SeatLedger) -> R + Send + Clone + 'static,
    ) -> Result<R, BoxOfficeError> {
        for _ in 0..TRIES_MAX {
            let Some(owner) = self.house.directory.find(occurrence) else {
                self.activate(occurrence).await?;
                continue;
            };
            let (sender, seen) = oneshot::channel();
            let look = look.clone();
            let look: Look = Box::new(move |ledger| {
                // Told apart from a message that is never looked at, which is sent again.
                let seen = catch_unwind(AssertUnwindSafe(|| ledger.map(look)));
                if sender.send(seen.unwrap_or(Err(BoxOfficeError::InspectionPanicked))).is_err() {
                    tracing::debug!("caller no longer waits for its inspection");
                }
            });
            if let Err(SendError::Full(_)) = owner.try_send(Inspect { look }) {
                return Err(self.house.busy());
            }
            if let Ok(seen) = seen.await {
                return seen;
            }
        }
        Err(self.house.busy())
    }

    /// A watch of the board, once there is one.
    pub(crate) async fn watch(&self, occurrence: &OccurrenceId) -> Result<SeatWatch, BoxOfficeError> {
        let directory = &self.house.directory;
        for _ in 0..TRIES_MAX {
            let watch = |board: &Board| SeatWatch::new(board, occurrence.clone(), Arc::clone(directory));
            if let Some(watch) = directory.read_board(occurrence, watch) {
                if self.house.settings.beside_others {
                    // The owner looks at what others wrote, and does so again and again from now on.
                    self.inspect(occurrence, |_| ()).await?;
                }
                return Ok(watch);
            }
            self.activate(occurrence).await?;
        }
        Err(self.house.busy())
    }

    async fn activate(&self, occurrence: &OccurrenceId) -> Result<(), BoxOfficeError> {
        let (ready, owner_ready) = oneshot::channel();
        let activate = Activate { occurrence: occurrence.clone(), ready };
        self.registry.send(activate).await.map_err(|_| BoxOfficeError::ShutDown)?;
        owner_ready.await.unwrap_or(Err(BoxOfficeError::ShutDown))
    }
}

fn unknown() -> BoxOfficeError {
    Fault::Unknown { reason: "the box office ended before it could answer".into() }.into()
}
