//! The asking side: holds at peers, written down before they are asked for.

use std::sync::Arc;

use boxoffice_core::federation::{
    HoldId, LinkError, LinkFault, Peer, PeerMessage, PeerName, PeerReply, RemoteAnswer, RemoteEvent, RemoteHold, Trust,
    Verb, Wanted, load_remote, record_remote,
};
use boxoffice_core::time::Timestamp;
use tracing::{Instrument, field};

use super::house::House;
use crate::error::BoxOfficeError;
use crate::stats::Counters;

/// What is asked of a peer.
#[derive(Debug)]
pub(super) enum Ask {
    Hold(Wanted),
    Confirm,
    Release,
    /// Whatever is out.
    Settle,
}

impl Ask {
    fn name(&self) -> &'static str {
        match self {
            Self::Hold(_) => "hold",
            Self::Confirm => "confirm",
            Self::Release => "release",
            Self::Settle => "settle",
        }
    }
}

impl House {
    pub(super) async fn ask(
        self: Arc<Self>,
        peer: PeerName,
        hold: HoldId,
        ask: Ask,
    ) -> Result<RemoteAnswer, BoxOfficeError> {
        let span = tracing::debug_span!("ask_peer", %peer, %hold, ask = ask.name(), outcome = field::Empty);
        let result = self.ask_one(&peer, &hold, ask).instrument(span.clone()).await;
        match &result {
            Ok(answer) => drop(span.record("outcome", answer.name())),
            Err(error) => drop(span.record("outcome", field::display(error))),
        }
        result
    }

    async fn ask_one(&self, name: &PeerName, hold: &HoldId, ask: Ask) -> Result<RemoteAnswer, BoxOfficeError> {
        let peer = self.peer(name).await?.filter(|peer| peer.trust == Trust::Allowed);
        let Some(peer) = peer else { return Ok(RemoteAnswer::NotAllowed) };
        loop {
            let backend = self.store.backend();
            let (found, event) = match (load_remote(&**backend, name, hold).await?, &ask) {
                (None, Ask::Hold(wanted)) => {
                    let new = RemoteHold::new(name.clone(), hold.clone(), wanted.clone());
                    (new, Some(RemoteEvent::Asked { wanted: wanted.clone() }))
                }
                (None, Ask::Confirm | Ask::Release | Ask::Settle) => return Ok(RemoteAnswer::NoSuchHold),
                (Some(found), Ask::Hold(wanted)) if found.wanted != *wanted => {
                    return Ok(RemoteAnswer::IdReused(found));
                }
                (Some(found), Ask::Hold(_) | Ask::Settle) => (found, None),
                (Some(found), Ask::Confirm) => {
                    let event = found.ask(Verb::Confirm);
                    (found, event)
                }
                (Some(found), Ask::Release) => {
                    let event = found.ask(Verb::Release);
                    (found, event)
                }
            };
            let found = match event {
                Some(event) => match record_remote(&**backend, &found, &event, self.now()).await? {
                    Some(after) => after,
                    // Somebody else was quicker with the same hold.
                    None => continue,
                },
                None => found,
            };
            return self.finish(&peer, found).await;
        }
    }

    /// Sends what is out, and records the answer.
    async fn finish(&self, peer: &Peer, mut hold: RemoteHold) -> Result<RemoteAnswer, BoxOfficeError> {
        let Some(message) = hold.pending(&self.us) else { return Ok(RemoteAnswer::Known(hold)) };
        let (reply, sent_at) = match self.deliver(peer, &message).await {
            Ok(answered) => answered,
            Err(error) => {
                Counters::add(&self.counters.federation_unanswered);
                return Ok(RemoteAnswer::Unknown { hold, error });
            }
        };
        let (backend, event) = (self.store.backend(), reply.to_event(sent_at));
        loop {
            if let Some(after) = record_remote(&**backend, &hold, &event, self.now()).await? {
                return Ok(RemoteAnswer::Known(after));
            }
            match load_remote(&**backend, &hold.peer, &hold.hold).await? {
                // The answer to the same message was recorded by somebody else, or more was asked meanwhile.
                Some(again) if again.pending(&self.us).as_ref() != Some(&message) => {
                    return Ok(RemoteAnswer::Known(again));
                }
                Some(again) => hold = again,
                None => return Ok(RemoteAnswer::NoSuchHold),
            }
        }
    }

    /// Sends a message until it is answered or the retries are over. Also says when that was sent which was answered.
    async fn deliver(&self, peer: &Peer, message: &PeerMessage) -> Result<(PeerReply, Timestamp), LinkError> {
        let (began, id) = (self.now(), message.id());
        for attempt in 1.. {
            let sent_at = self.now();
            Counters::add(&self.counters.federation_sent);
            let error = match self.within(self.link.send(peer, message)).await {
                Ok(reply) if reply.answers(message) => return Ok((reply, sent_at)),
                Ok(_) => LinkError::new(LinkFault::Malformed, "the reply is to another message"),
                Err(error) => error,
            };
            let elapsed = self.now().saturating_since(began);
            match self.options.retries.next(attempt, &id, error.retry_after, elapsed) {
                Some(delay) => self.clock.sleep_until(self.now() + delay).await,
                None => return Err(error),
            }
        }
        Err(LinkError::new(LinkFault::Unreachable, "no attempt was made"))
    }
}
