//! The way of a request to its owner: straight through the directory, or by way of the registry.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;

use actix::Addr;
use actix::dev::SendError;
use boxoffice_core::booking::{BookingCommand, BookingOutcome, BookingReply, Grounds, SeatLedger, Submission};
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::persist::{Fault, Seq};
use tokio::sync::oneshot;
use tracing::{Instrument, field};

use crate::availability::Desk;
use crate::directory::Directory;
use crate::error::BoxOfficeError;
use crate::occurrence::{Decide, Inspect, Surroundings};
use crate::registry::{Activate, RegistryActor};
use crate::reply::{Answer, ReplyTo};
use crate::stats::Counters;

/// An owner may go to rest between being found and being asked, and what policies said may be outdated when the seat is
/// taken; not this often in a row, though.
const TRIES_MAX: u32 = 100;

/// What comes of a reply once policies are asked, if they must be.
enum Checked {
    Answer(BookingReply),
    Allowed(Grounds),
}

#[derive(Clone, Debug)]
pub(crate) struct Door {
    registry: Addr<RegistryActor>,
    directory: Arc<Directory>,
    counters: Arc<Counters>,
    desk: Desk,
}

impl Door {
    pub(crate) fn new(registry: Addr<RegistryActor>, house: &Surroundings, desk: Desk) -> Self {
        Self { registry, directory: house.directory.clone(), counters: house.counters.clone(), desk }
    }

    pub(crate) fn registry(&self) -> &Addr<RegistryActor> {
        &self.registry
    }

    /// Asks the owner, in a span that ends up with the sequence number and the outcome. Attendees are not in it.
    pub(crate) async fn run(
        &self,
        occurrence: &OccurrenceId,
        command: BookingCommand,
        observed: Option<Seq>,
    ) -> Result<BookingReply, BoxOfficeError> {
        let span = tracing::debug_span!("booking", %occurrence, seq = field::Empty, outcome = field::Empty);
        let asked = Submission { command, observed, grounds: None };
        let result = self.ask(occurrence, asked).instrument(span.clone()).await;
        match &result {
            Ok(reply) => span.record("seq", reply.seq.get()).record("outcome", reply.outcome.name()),
            Err(error) => span.record("outcome", field::display(error)),
        };
        result
    }

    async fn ask(&self, occurrence: &OccurrenceId, mut asked: Submission) -> Result<BookingReply, BoxOfficeError> {
        for _ in 0..TRIES_MAX {
            let (reply, answer) = ReplyTo::channel();
            match self.directory.send(occurrence, Decide { asked: asked.clone(), reply }) {
                Ok(()) => {}
                Err(SendError::Full(_)) => {
                    Counters::add(&self.counters.busy);
                    return Err(BoxOfficeError::Busy);
                }
                Err(SendError::Closed(_)) => {
                    self.activate(occurrence).await?;
                    continue;
                }
            }
            match answer.await {
                Ok(Answer::Given(Ok(reply))) => match self.unchecked(occurrence, &asked.command, reply).await? {
                    Checked::Answer(reply) => return Ok(reply),
                    Checked::Allowed(grounds) => asked.grounds = Some(grounds),
                },
                Ok(Answer::Given(Err(error))) => return Err(error),
                // The owner went to rest with the message unread in its mailbox.
                Ok(Answer::Undelivered) => {}
                Err(_) => return Err(unknown()),
            }
        }
        Err(BoxOfficeError::Busy)
    }

    /// Asks the policies for an owner that could give a seat if they allow it. Every other reply is the answer.
    async fn unchecked(
        &self,
        occurrence: &OccurrenceId,
        command: &BookingCommand,
        reply: BookingReply,
    ) -> Result<Checked, BoxOfficeError> {
        match (&reply.outcome, command.attendee()) {
            (BookingOutcome::Unchecked, Some(attendee)) => {
                Counters::add(&self.counters.policies_asked);
                Ok(match self.desk.policies(occurrence, attendee).await? {
                    Ok(grounds) => Checked::Allowed(grounds),
                    Err(outcome) => {
                        Counters::add(&self.counters.answered);
                        Checked::Answer(BookingReply { outcome, seq: reply.seq })
                    }
                })
            }
            _ => Ok(Checked::Answer(reply)),
        }
    }

    pub(crate) async fn inspect<R: Send + 'static>(
        &self,
        occurrence: &OccurrenceId,
        look: impl FnOnce(&SeatLedger) -> R + Send + Clone + 'static,
    ) -> Result<R, BoxOfficeError> {
        for _ in 0..TRIES_MAX {
            let Some(owner) = self.directory.find(occurrence) else {
                self.activate(occurrence).await?;
                continue;
            };
            let (sender, seen) = oneshot::channel();
            let look = look.clone();
            let look = Box::new(move |ledger: &SeatLedger| {
                // Told apart from a message that is never looked at, which is sent again.
                let seen = catch_unwind(AssertUnwindSafe(|| look(ledger)));
                if sender.send(seen.map_err(|_| BoxOfficeError::InspectionPanicked)).is_err() {
                    tracing::debug!("caller no longer waits for its inspection");
                }
            });
            if let Err(SendError::Full(_)) = owner.try_send(Inspect { look }) {
                return Err(BoxOfficeError::Busy);
            }
            if let Ok(seen) = seen.await {
                return seen;
            }
        }
        Err(BoxOfficeError::Busy)
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
