//! What policies say before a seat is given.

use std::sync::Arc;

use boxoffice_core::availability::rules_stream;
use boxoffice_core::booking::{Clash, Grounds, Verdict, agenda_stream};
use boxoffice_core::id::{AttendeeId, OccurrenceId};

use super::door::Desk;
use super::{Answered, AtLeast, AvailabilityError};
use crate::error::BoxOfficeError;

/// The reason, as the built-in policy of that name gives it.
const CLASH: &str = "clash";

fn shared(texts: Vec<String>) -> Arc<[Arc<str>]> {
    texts.into_iter().map(Arc::from).collect()
}

impl Desk {
    /// Asks the policies of `occurrence` whether they allow the attendee a seat, and what clashes if whoever books wants to
    /// know, with all facts that are committed when they are asked.
    pub(crate) async fn policies(
        &self,
        occurrence: &OccurrenceId,
        attendee: &AttendeeId,
        clash: Clash,
    ) -> Result<Verdict, BoxOfficeError> {
        // Read before the question is asked: what the answer rests on is at least as new.
        let (backend, agenda) = (Arc::clone(&self.house.backend), agenda_stream(attendee));
        let agenda = self.house.reader.run(async move { backend.head(&agenda).await }).await?.last;
        let (who, what, now) = (attendee.clone(), occurrence.clone(), self.house.clock.now());
        let question = move |base: &mut super::Availability| {
            let mut reasons = base.forbidden(&who, &what, now)?;
            let clashes = if clash == Clash::Allow { Vec::new() } else { base.clashes(&who, &what, now)? };
            if clash == Clash::Refuse && !clashes.is_empty() && !reasons.iter().any(|reason| reason == CLASH) {
                reasons.push(CLASH.to_owned());
                reasons.sort();
            }
            Ok((reasons, clashes, base.rules_seq()))
        };
        let answered = self.ask("policies", AtLeast::Committed, question).await;
        let Answered { value: (reasons, clashes, rules), cursor } = answered.map_err(|error| {
            if let AvailabilityError::Office(error) = error { error } else { BoxOfficeError::Policies(Box::new(error)) }
        })?;
        if reasons.is_empty() {
            let others = vec![(rules_stream(), rules)];
            return Ok(Verdict::Allowed(Grounds { agenda, others, warnings: shared(clashes) }));
        }
        Ok(Verdict::Denied { reasons: shared(reasons), cursor })
    }
}
