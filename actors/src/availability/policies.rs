//! What policies say before a seat is given.

use std::sync::Arc;

use boxoffice_core::availability::rules_stream;
use boxoffice_core::booking::{Grounds, Verdict, agenda_stream};
use boxoffice_core::id::{AttendeeId, OccurrenceId};

use super::door::Desk;
use super::{Answered, AtLeast, AvailabilityError};
use crate::error::BoxOfficeError;

impl Desk {
    /// Asks the policies of `occurrence` whether they allow the attendee a seat, with all facts that are committed when
    /// they are asked.
    pub(crate) async fn policies(
        &self,
        occurrence: &OccurrenceId,
        attendee: &AttendeeId,
    ) -> Result<Verdict, BoxOfficeError> {
        // Read before the question is asked: what the answer rests on is at least as new.
        let (backend, agenda) = (Arc::clone(&self.house.backend), agenda_stream(attendee));
        let agenda = self.house.reader.run(async move { backend.head(&agenda).await }).await?.last;
        let (who, what, now) = (attendee.clone(), occurrence.clone(), self.house.clock.now());
        let question = move |base: &mut super::Availability| Ok((base.forbidden(&who, &what, now)?, base.rules_seq()));
        let answered = self.ask("policies", AtLeast::Committed, question).await;
        let Answered { value: (reasons, rules), cursor } = answered.map_err(|error| {
            if let AvailabilityError::Office(error) = error { error } else { BoxOfficeError::Policies(Box::new(error)) }
        })?;
        if reasons.is_empty() {
            return Ok(Verdict::Allowed(Grounds { agenda, others: vec![(rules_stream(), rules)] }));
        }
        Ok(Verdict::Denied { reasons: reasons.into_iter().map(Arc::from).collect(), cursor })
    }
}
