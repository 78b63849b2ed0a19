//! The asking side: a hold that we ask of a peer, as its stream tells it.
//!
//! Everything is written down before it is sent. So after a crash whoever asked finds what was asked, and asks again or gives it
//! up. Nothing is shown as held or confirmed before the owner said so.

use core::time::Duration;

use super::link::LinkError;
use super::message::{MessageBody, PeerMessage, PeerOutcome, PeerReply, Refusal, Verb, Wanted};
use super::name::{HoldId, PeerName};
use crate::persist::Seq;
use crate::time::Timestamp;

/// How a hold at a peer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteStage {
    /// It was asked for. Whether the owner knows is not known.
    Asked,
    /// The owner keeps the seats, by our clock until then at the latest: counted from before it was asked.
    Held {
        /// First instant at which the hold may have lapsed.
        until: Timestamp,
    },
    /// The owner has not enough seats.
    Full {
        /// Free ones.
        free: u64,
    },
    /// The owner said no.
    Refused(Refusal),
    /// It is to be confirmed. Whether the owner knows is not known.
    Confirming {
        /// What the owner said last, if it did not take the message: an earlier one may have been taken.
        refused: Option<Refusal>,
    },
    /// The seats are for good.
    Confirmed,
    /// The hold had lapsed, and the seats were had again: they are for good.
    Reacquired,
    /// The hold had lapsed, and the seats are gone. What was paid is due back.
    RefundDue,
    /// It is to be given up. Whether the owner knows is not known; it lapses by itself.
    Releasing {
        /// What the owner said last, if it did not take the message.
        refused: Option<Refusal>,
    },
    /// It was given up.
    Released,
    /// Nothing is held, or no longer.
    NotHeld,
}

impl RemoteStage {
    /// In one word, as logs and tables show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Held { .. } => "held",
            Self::Full { .. } => "full",
            Self::Refused(_) => "refused",
            Self::Confirming { .. } => "confirming",
            Self::Confirmed => "confirmed",
            Self::Reacquired => "reacquired",
            Self::RefundDue => "refund_due",
            Self::Releasing { .. } => "releasing",
            Self::Released => "released",
            Self::NotHeld => "not_held",
        }
    }

    /// Whether something about it is still to come: an answer, or what becomes of the hold.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Asked | Self::Held { .. } | Self::Confirming { .. } | Self::Releasing { .. })
    }

    /// Whether the owner has given the seats for good.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Confirmed | Self::Reacquired)
    }
}

/// What happened to a hold at a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteEvent {
    /// It is asked for.
    Asked {
        /// What.
        wanted: Wanted,
    },
    /// It is to be confirmed.
    ConfirmAsked,
    /// It is to be given up.
    ReleaseAsked,
    /// The owner answered.
    Answered {
        /// What.
        verb: Verb,
        /// What it came to.
        outcome: PeerOutcome,
        /// When the message was sent that it answers, by our clock.
        sent_at: Timestamp,
    },
}

/// A hold that we asked of a peer.
///
/// ```
/// use boxoffice_core::booking::Party;
/// use boxoffice_core::federation::{HoldId, Holder, PeerName, PeerOutcome, RemoteEvent, RemoteHold, RemoteStage, Verb, Wanted};
/// use boxoffice_core::time::Timestamp;
/// use core::time::Duration;
///
/// let wanted = Wanted {
///     occurrence: "chess@20260105T190000".parse()?,
///     party: Party::of(2),
///     holder: Holder::new("ann")?,
///     term: Duration::from_secs(600),
/// };
/// let mut hold = RemoteHold::new(PeerName::new("club.example")?, HoldId::new("order-7")?, wanted);
/// let until_in = Duration::from_secs(300);
/// let outcome = PeerOutcome::Held { until_in };
/// hold.evolve(&RemoteEvent::Answered { verb: Verb::Hold, outcome, sent_at: Timestamp::EPOCH });
/// assert_eq!(hold.stage, RemoteStage::Held { until: Timestamp::EPOCH + until_in });
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteHold {
    /// Of whom.
    pub peer: PeerName,
    /// Under which name.
    pub hold: HoldId,
    /// What.
    pub wanted: Wanted,
    /// How it stands.
    pub stage: RemoteStage,
    /// The last event folded.
    pub seq: Seq,
    pub(super) latest_at: Timestamp,
}

impl RemoteHold {
    /// One that is asked for.
    pub fn new(peer: PeerName, hold: HoldId, wanted: Wanted) -> Self {
        let (stage, seq, latest_at) = (RemoteStage::Asked, Seq::UNWRITTEN, Timestamp::from_millis(i64::MIN));
        Self { peer, hold, wanted, stage, seq, latest_at }
    }

    /// The message whose answer is not known; none if none is out.
    pub fn pending(&self, us: &PeerName) -> Option<PeerMessage> {
        let body = match &self.stage {
            RemoteStage::Asked => MessageBody::Hold(self.wanted.clone()),
            RemoteStage::Confirming { .. } => MessageBody::Confirm,
            RemoteStage::Releasing { .. } => MessageBody::Release,
            RemoteStage::Held { .. }
            | RemoteStage::Full { .. }
            | RemoteStage::Refused(_)
            | RemoteStage::Confirmed
            | RemoteStage::Reacquired
            | RemoteStage::RefundDue
            | RemoteStage::Released
            | RemoteStage::NotHeld => return None,
        };
        Some(PeerMessage { from: us.clone(), to: self.peer.clone(), hold: self.hold.clone(), body })
    }

    /// What `verb` comes to before the owner is asked: an event to be recorded, or none when it is out already or too late for
    /// it. While a confirmation is out, nothing can be given up: it may have been taken.
    pub fn ask(&self, verb: Verb) -> Option<RemoteEvent> {
        match (verb, &self.stage) {
            (Verb::Confirm, RemoteStage::Asked | RemoteStage::Held { .. }) => Some(RemoteEvent::ConfirmAsked),
            (Verb::Release, RemoteStage::Asked | RemoteStage::Held { .. }) => Some(RemoteEvent::ReleaseAsked),
            _ => None,
        }
    }

    /// Folds what was recorded. Takes whatever was recorded: it may not refuse. An answer to what is not out any more changes
    /// nothing.
    pub fn evolve(&mut self, event: &RemoteEvent) {
        let next = match (event, &self.stage) {
            (RemoteEvent::ConfirmAsked, _) => Some(RemoteStage::Confirming { refused: None }),
            (RemoteEvent::ReleaseAsked, _) => Some(RemoteStage::Releasing { refused: None }),
            (RemoteEvent::Answered { verb: Verb::Hold, outcome, sent_at }, RemoteStage::Asked) => {
                after_hold(outcome, *sent_at, self.wanted.term)
            }
            (RemoteEvent::Answered { verb: Verb::Confirm, outcome, .. }, RemoteStage::Confirming { .. }) => {
                after_confirm(outcome)
            }
            (RemoteEvent::Answered { verb: Verb::Release, outcome, .. }, RemoteStage::Releasing { .. }) => {
                after_release(outcome)
            }
            (RemoteEvent::Asked { .. } | RemoteEvent::Answered { .. }, _) => None,
        };
        if let Some(next) = next {
            self.stage = next;
        }
    }
}

fn after_hold(outcome: &PeerOutcome, sent_at: Timestamp, term: Duration) -> Option<RemoteStage> {
    match outcome {
        // Nobody holds seats for longer than was asked, whatever it says.
        PeerOutcome::Held { until_in } => Some(RemoteStage::Held { until: sent_at + (*until_in).min(term) }),
        PeerOutcome::Full { free } => Some(RemoteStage::Full { free: *free }),
        PeerOutcome::Refused(refusal) => Some(RemoteStage::Refused(refusal.clone())),
        PeerOutcome::Confirmed
        | PeerOutcome::Reacquired
        | PeerOutcome::RefundDue
        | PeerOutcome::Released
        | PeerOutcome::NotHeld => None,
    }
}

fn after_confirm(outcome: &PeerOutcome) -> Option<RemoteStage> {
    match outcome {
        PeerOutcome::Confirmed => Some(RemoteStage::Confirmed),
        PeerOutcome::Reacquired => Some(RemoteStage::Reacquired),
        PeerOutcome::RefundDue => Some(RemoteStage::RefundDue),
        PeerOutcome::NotHeld => Some(RemoteStage::NotHeld),
        PeerOutcome::Refused(refusal) => Some(RemoteStage::Confirming { refused: Some(refusal.clone()) }),
        PeerOutcome::Held { .. } | PeerOutcome::Full { .. } | PeerOutcome::Released => None,
    }
}

fn after_release(outcome: &PeerOutcome) -> Option<RemoteStage> {
    match outcome {
        PeerOutcome::Released => Some(RemoteStage::Released),
        PeerOutcome::NotHeld => Some(RemoteStage::NotHeld),
        PeerOutcome::Refused(refusal) => Some(RemoteStage::Releasing { refused: Some(refusal.clone()) }),
        PeerOutcome::Held { .. }
        | PeerOutcome::Full { .. }
        | PeerOutcome::Confirmed
        | PeerOutcome::Reacquired
        | PeerOutcome::RefundDue => None,
    }
}

/// What asking a peer came to.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteAnswer {
    /// The peer is not allowed to take part. Nothing was asked.
    NotAllowed,
    /// Confirm, release, settle: there is no such hold.
    NoSuchHold,
    /// Hold: another was asked for under that name. Nothing was asked.
    IdReused(RemoteHold),
    /// How it stands, as the owner said.
    Known(RemoteHold),
    /// No proven answer came: how it stands is not known. Ask again, with `settle` or the same call.
    Unknown {
        /// What is known of it.
        hold: RemoteHold,
        /// Why no answer came.
        error: LinkError,
    },
}

impl RemoteAnswer {
    /// How the hold stands, if there is one.
    pub fn stage(&self) -> Option<&RemoteStage> {
        match self {
            Self::NotAllowed | Self::NoSuchHold => None,
            Self::IdReused(hold) | Self::Known(hold) | Self::Unknown { hold, .. } => Some(&hold.stage),
        }
    }

    /// In one word, as logs and tables show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotAllowed => "not_allowed",
            Self::NoSuchHold => "no_such_hold",
            Self::IdReused(_) => "id_reused",
            Self::Known(hold) => hold.stage.name(),
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl PeerReply {
    /// The event that records it as the answer to what was sent at `sent_at`.
    pub fn to_event(&self, sent_at: Timestamp) -> RemoteEvent {
        RemoteEvent::Answered { verb: self.verb, outcome: self.outcome.clone(), sent_at }
    }
}
