//! Seats in several occurrences at once: all of them or none, until one deadline.
//!
//! There is no lock over several owners. Holds are taken one after the other in the order of the occurrences' ids, so that
//! two carts that want the same never wait for each other, and each has the same deadline, so that whatever becomes of the
//! one who takes them, nothing is half held past it.

use core::time::Duration;

use boxoffice_core::booking::{BookingCommand, BookingOutcome, BookingReply, HoldTerm, Party};
use boxoffice_core::id::{AttendeeId, OccurrenceId};
use boxoffice_core::time::Timestamp;

use crate::error::BoxOfficeError;
use crate::office::BoxOffice;

/// What became of a cart.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CartOutcome {
    /// All seats are held.
    Held {
        /// First instant at which the first of the holds no longer counts: the deadline that was asked for, or earlier where
        /// a sale allows no hold as long.
        until: Timestamp,
        /// The hold of each occurrence, by id.
        holds: Vec<(OccurrenceId, BookingReply)>,
    },
    /// One occurrence gave no seats, and no other holds any for this cart.
    Refused {
        /// Which: the first by id.
        occurrence: OccurrenceId,
        /// What its owner said.
        reply: BookingReply,
    },
    /// An occurrence is named twice. Nothing was held.
    Twice {
        /// Which.
        occurrence: OccurrenceId,
    },
}

impl BoxOffice {
    /// Holds seats in several occurrences for `hold_for`, all of them or none.
    ///
    /// When one gives none, or cannot be asked, those taken before are given back. Where even that fails, and when the
    /// caller or the box office ends in the middle, they lapse at the deadline.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn hold_cart(
        &self,
        attendee: &AttendeeId,
        wanted: impl IntoIterator<Item = (OccurrenceId, Party)>,
        hold_for: Duration,
    ) -> Result<CartOutcome, BoxOfficeError> {
        let mut wanted: Vec<(OccurrenceId, Party)> = wanted.into_iter().collect();
        wanted.sort_by(|(one, _), (other, _)| one.cmp(other));
        if let Some(occurrence) = twice(&wanted) {
            return Ok(CartOutcome::Twice { occurrence });
        }
        let deadline = self.now() + hold_for;
        let (mut until, mut holds) = (deadline, Vec::with_capacity(wanted.len()));
        for (occurrence, party) in wanted {
            let term = HoldTerm::Until(deadline);
            let reply = self.run(&occurrence, BookingCommand::Hold { attendee: attendee.clone(), party, term }).await;
            match reply {
                Ok(reply) => {
                    let BookingOutcome::Held { until: held, .. } = reply.outcome else {
                        self.give_back(attendee, &holds).await;
                        return Ok(CartOutcome::Refused { occurrence, reply });
                    };
                    until = until.min(held);
                    holds.push((occurrence, reply));
                }
                Err(error) => {
                    self.give_back(attendee, &holds).await;
                    return Err(error);
                }
            }
        }
        Ok(CartOutcome::Held { until, holds })
    }

    /// Confirms the attendee's holds in these occurrences, each once and for itself: before the deadline all are confirmed,
    /// after it each has its seats again or is due back.
    ///
    /// # Errors
    /// As [`BoxOffice::run`]. Those before it are confirmed then; asked again, they are
    /// [`AlreadyConfirmed`](BookingOutcome::AlreadyConfirmed).
    pub async fn confirm_cart(
        &self,
        attendee: &AttendeeId,
        occurrences: &[OccurrenceId],
    ) -> Result<Vec<(OccurrenceId, BookingReply)>, BoxOfficeError> {
        let mut replies: Vec<(OccurrenceId, BookingReply)> = Vec::with_capacity(occurrences.len());
        for occurrence in occurrences {
            if replies.iter().any(|(asked, _)| asked == occurrence) {
                continue;
            }
            replies.push((occurrence.clone(), self.confirm(occurrence, attendee).await?));
        }
        Ok(replies)
    }

    async fn give_back(&self, attendee: &AttendeeId, holds: &[(OccurrenceId, BookingReply)]) {
        for (occurrence, _) in holds {
            if let Err(error) = self.release(occurrence, attendee).await {
                tracing::warn!(%occurrence, %error, "a hold of a cart is left to lapse");
            }
        }
    }
}

/// The first occurrence that stands there twice, in a sorted list.
fn twice(wanted: &[(OccurrenceId, Party)]) -> Option<OccurrenceId> {
    let pairs = wanted.iter().zip(wanted.iter().skip(1));
    pairs.filter(|((one, _), (other, _))| one == other).map(|((one, _), _)| one.clone()).next()
}
