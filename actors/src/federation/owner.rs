//! The owner's side: what peers ask about our seats.

use std::sync::Arc;

use boxoffice_core::booking::{BookingOutcome, SeatState};
use boxoffice_core::federation::{
    Asked, GuestHolds, GuestStep, HoldGrant, Looked, MessageBody, PeerKey, PeerMessage, PeerName, PeerOutcome,
    PeerReply, Refusal, forget_held, guest_holds, guest_key, guest_outcome, guest_step, load_asked, record_asked,
    settle_asked, whole_of,
};
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::schedule::{Series, Standing};
use tracing::{Instrument, field};

use super::house::House;
use crate::error::BoxOfficeError;
use crate::stats::Counters;

/// What is counted of a peer's holds.
struct Counted {
    holds: GuestHolds,
    seats: u64,
    /// Those that are held no longer.
    gone: Vec<String>,
}

impl House {
    pub(super) async fn receive(
        &self,
        from: &PeerName,
        proven: &PeerKey,
        message: PeerMessage,
    ) -> Result<PeerReply, BoxOfficeError> {
        let span = tracing::debug_span!("peer_message", peer = %from, id = %message.id(), outcome = field::Empty);
        let result = self.take(from, proven, &message).instrument(span.clone()).await;
        Counters::add(&self.counters.federation_messages);
        match &result {
            Ok(outcome) => {
                span.record("outcome", outcome.name());
                if matches!(outcome, PeerOutcome::Refused(_)) {
                    Counters::add(&self.counters.federation_messages_refused);
                }
            }
            Err(error) => drop(span.record("outcome", field::display(error))),
        }
        Ok(message.reply(result?))
    }

    async fn take(
        &self,
        from: &PeerName,
        proven: &PeerKey,
        message: &PeerMessage,
    ) -> Result<PeerOutcome, BoxOfficeError> {
        if message.from != *from || message.to != self.us {
            return Ok(PeerOutcome::Refused(Refusal::NotForUs));
        }
        // Whoever is nobody here takes no turn and leaves no trace.
        if self.grant(from, proven).await?.is_none() {
            return Ok(PeerOutcome::Refused(Refusal::NotAllowed));
        }
        let turns = self.turns(from);
        let Ok(_room) = turns.room.try_acquire() else { return Err(self.office.inner.house.busy()) };
        let mut turn = turns.turn.lock().await;
        // While it waited it may have been suspended.
        let Some(grant) = self.grant(from, proven).await? else {
            return Ok(PeerOutcome::Refused(Refusal::NotAllowed));
        };
        // What was asked before is answered as it was, whatever has become of the series.
        if let Some(asked) = load_asked(&**self.store.backend(), from, &message.hold).await? {
            return self.decide(&asked.in_its_words(message), &grant).await;
        }
        let Some(message) = self.wanted_here(message).await? else {
            return Ok(PeerOutcome::Refused(Refusal::NotOnSale));
        };
        match turn.take(self.now()) {
            Ok(()) => self.decide(&message, &grant).await,
            Err(retry_after) => Err(BoxOfficeError::Busy { retry_after }),
        }
    }

    /// What a peer may hold that has proven to have this key.
    async fn grant(&self, from: &PeerName, proven: &PeerKey) -> Result<Option<HoldGrant>, BoxOfficeError> {
        let peer = self.peer(from).await?.filter(|peer| peer.key == *proven);
        Ok(peer.and_then(|peer| peer.may_hold()))
    }

    /// The message, with the occurrence by the name that it has in the booking streams; none if it is of none that is public.
    async fn wanted_here(&self, message: &PeerMessage) -> Result<Option<PeerMessage>, BoxOfficeError> {
        let MessageBody::Hold(wanted) = &message.body else { return Ok(Some(message.clone())) };
        let (id, recurrence) = (wanted.occurrence.series(), wanted.occurrence.recurrence());
        let whole = whole_of(id);
        let mut found: Option<Arc<Series>> = None;
        for id in [Some(id), whole.as_ref()].into_iter().flatten() {
            if found.is_none() {
                found = self.office.series(id).await?;
            }
        }
        let public = found
            .filter(|series| (self.options.public)(series) && matches!(series.standing(recurrence), Standing::Stands));
        let Some(series) = public.as_deref().and_then(Series::id) else { return Ok(None) };
        let mut wanted = wanted.clone();
        wanted.occurrence = OccurrenceId::new(series.clone(), *recurrence);
        Ok(Some(PeerMessage { body: MessageBody::Hold(wanted), ..message.clone() }))
    }

    async fn decide(&self, message: &PeerMessage, grant: &HoldGrant) -> Result<PeerOutcome, BoxOfficeError> {
        let backend = self.store.backend();
        let (mut counted, mut confirmed): (Option<Counted>, _) = (None, None);
        loop {
            let asked = load_asked(&**backend, &message.from, &message.hold).await?;
            let looked = Looked { held: counted.as_ref().map(|counted| counted.seats), confirmed: confirmed.take() };
            match guest_step(asked.as_ref(), message, grant, looked, self.now()) {
                GuestStep::Answer(outcome) => return Ok(outcome),
                GuestStep::Count => counted = Some(self.count(&message.from).await?),
                GuestStep::Look => confirmed = Some(self.is_confirmed(asked.as_ref()).await?),
                GuestStep::Record(after) => {
                    let count = counted.take();
                    let count = count.as_ref().map(|counted| (&counted.holds, &*counted.gone));
                    if !record_asked(&**backend, message, asked.as_ref(), &after, count).await? {
                        tracing::debug!("another office on this store was quicker");
                    }
                }
                GuestStep::Run(occurrence, command) => {
                    let reply = self.office.run_once(&occurrence, command, guest_key(message)?).await?;
                    let outcome = guest_outcome(message.body.verb(), &reply.outcome, self.now());
                    if self.settle(message, asked, &reply.outcome).await? {
                        return Ok(outcome);
                    }
                }
            }
        }
    }

    /// Notes what the ledger said. False when something else was noted meanwhile: look again.
    async fn settle(
        &self,
        message: &PeerMessage,
        asked: Option<Asked>,
        outcome: &BookingOutcome,
    ) -> Result<bool, BoxOfficeError> {
        let (backend, Some(Asked::Hold(hold))) = (self.store.backend(), asked) else { return Ok(true) };
        match &message.body {
            MessageBody::Hold(_) if hold.settled => Ok(true),
            MessageBody::Hold(_) => {
                let is_held = matches!(outcome, BookingOutcome::Held { until, .. } if *until > self.now());
                let mut settled = hold.clone();
                settled.settled = true;
                if settle_asked(&**backend, message, &hold, &settled, is_held).await? {
                    return Ok(true);
                }
                // Another office has given it up while we took the seats. They are nobody's.
                let again = load_asked(&**backend, &message.from, &message.hold).await?;
                if matches!(again, Some(Asked::Hold(again)) if again.withdrawn) {
                    let released = self.office.release(&hold.occurrence, &hold.attendee).await?;
                    tracing::debug!(outcome = released.outcome.name(), "a hold was given up while it was taken");
                }
                Ok(false)
            }
            MessageBody::Confirm if !hold.settled && *outcome == BookingOutcome::NotHeld => {
                // The office ended before it took the seats. Nobody is to take them after this answer.
                let mut void = hold.clone();
                void.withdrawn = true;
                let before = Asked::Hold(hold);
                Ok(record_asked(&**backend, message, Some(&before), &Asked::Hold(void), None).await?)
            }
            MessageBody::Confirm if !hold.confirmed && is_confirmation(outcome) => {
                let mut theirs = hold.clone();
                theirs.confirmed = true;
                Ok(settle_asked(&**backend, message, &hold, &theirs, false).await?)
            }
            MessageBody::Confirm | MessageBody::Release => {
                forget_held(&**backend, message).await?;
                Ok(true)
            }
        }
    }

    /// Whether the seats of a hold are the peer's for good.
    async fn is_confirmed(&self, asked: Option<&Asked>) -> Result<bool, BoxOfficeError> {
        let Some(Asked::Hold(hold)) = asked else { return Ok(false) };
        let seat = self.office.seat_of(&hold.occurrence, &hold.attendee).await?;
        Ok(matches!(seat, Some((_, SeatState::Confirmed))))
    }

    /// Counts what a peer holds now, by the ledgers themselves.
    async fn count(&self, peer: &PeerName) -> Result<Counted, BoxOfficeError> {
        let holds = guest_holds(&**self.store.backend(), peer).await?;
        let (mut seats, mut gone) = (0_u64, Vec::new());
        for (name, here) in &holds.held {
            // One that is not settled may be held all the same, and for longer: the ledger was asked, and nothing noted since.
            let seat = self.office.seat_of(&here.occurrence, &here.attendee).await?;
            let is_held = matches!(seat, Some((_, SeatState::Held { until })) if until > self.now());
            if is_held || !here.settled && here.until > self.now() {
                seats = seats.saturating_add(u64::from(here.seats.get()));
            } else {
                gone.push(name.clone());
            }
        }
        Ok(Counted { holds, seats, gone })
    }
}

/// Whether the seats are the peer's for good now.
fn is_confirmation(outcome: &BookingOutcome) -> bool {
    matches!(outcome, BookingOutcome::Confirmed | BookingOutcome::AlreadyConfirmed | BookingOutcome::Reacquired { .. })
}
