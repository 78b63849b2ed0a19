//! What the ledger of sent notices says about one that is to be sent.

use boxoffice_core::notify::{Attempt, SentMark, SentState};
use boxoffice_core::persist::{KvWrite, Payload};
use boxoffice_core::time::Timestamp;

/// What to do about a notice that may have been sent or not: its answer was lost, or the process ended before there was one.
///
/// Only where the transport does not know a letter again; where it does, it is sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUncertain {
    /// Send it again: it may arrive twice.
    Resend,
    /// Give it up as a dead letter, for somebody to look at: it may not arrive. The default.
    #[default]
    Park,
    /// Take it for sent: it may not arrive, and nobody looks at it.
    AssumeSent,
}

/// What follows from a mark.
#[derive(Debug)]
pub(super) enum Known {
    /// Nothing stands in the way of an attempt.
    Nothing,
    /// No attempt is to be made: this is the answer, and what to write with it.
    Answer(Attempt, Option<KvWrite>),
}

/// The rules of a channel about what it does not know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt {
    /// Whether the transport knows a letter again.
    pub(super) dedupes: bool,
    pub(super) policy: OnUncertain,
}

impl Doubt {
    /// What follows from the mark that was found. `tried` is a mark of ours after which nothing was sent.
    pub(super) fn known(
        self,
        channel: &str,
        found: Option<&Payload>,
        tried: Option<&Payload>,
        now: Timestamp,
    ) -> Result<Known, String> {
        let Some(found) = found.filter(|found| Some(*found) != tried) else { return Ok(Known::Nothing) };
        let mark: SentMark = found.read().map_err(|error| error.to_string())?;
        Ok(match mark.state {
            SentState::Failed => Known::Nothing,
            SentState::Attempting if self.dedupes => Known::Nothing,
            SentState::Sent => Known::Answer(sent_before(mark.uncertain), None),
            SentState::Attempting => match self.policy {
                OnUncertain::Resend => Known::Nothing,
                OnUncertain::Park | OnUncertain::AssumeSent => {
                    let reason = "an attempt was begun before, and nothing is known of its end".to_owned();
                    let (attempt, write) = self.doubtful(channel, &mark, reason, now);
                    Known::Answer(attempt, write)
                }
            },
        })
    }

    /// What an attempt comes to whose answer was lost, and what to write of it.
    pub(super) fn doubtful(
        self,
        channel: &str,
        mark: &SentMark,
        reason: String,
        now: Timestamp,
    ) -> (Attempt, Option<KvWrite>) {
        if self.dedupes {
            return (Attempt::Retry { reason, after: None }, None);
        }
        match self.policy {
            OnUncertain::Resend => (Attempt::Retry { reason, after: None }, None),
            // The mark stays: whoever comes with the same notice is told the same, until it is redriven.
            OnUncertain::Park => (Attempt::Uncertain { reason }, None),
            OnUncertain::AssumeSent => {
                let sent = SentMark { state: SentState::Sent, at: now, uncertain: true, ..mark.clone() };
                (Attempt::Ok { info: reason, uncertain: true }, Some(sent.put(channel)))
            }
        }
    }
}

/// The answer for a notice that was sent already.
pub(super) fn sent_before(uncertain: bool) -> Attempt {
    Attempt::Ok { info: "sent before".to_owned(), uncertain }
}
