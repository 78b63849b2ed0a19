//! What systems ask of each other about seats, and what is answered: values, and their JSON.
//!
//! | message | JSON |
//! | --- | --- |
//! | hold | `{"boxoffice_message":1,"from":"a.example","to":"b.example","hold":"order-7","body":{"hold":{"occurrence":"chess@20260105T190000","party":{"seats":2},"holder":"ann","term_ms":600000}}}` |
//! | confirm | `{...,"hold":"order-7","body":"confirm"}` |
//! | release | `{...,"hold":"order-7","body":"release"}` |
//! | reply | `{"boxoffice_reply":1,"hold":"order-7","verb":"hold","outcome":{"held":{"until_in_ms":600000}}}` |
//!
//! At most 16 KiB each. Members that are not known are passed over; another number in `boxoffice_message` is refused.

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::name::{HoldId, Holder, PeerName};
use crate::booking::{Party, Seats};
use crate::id::{AttendeeId, OccurrenceId};

/// The version of messages and replies that is written and read here.
const VERSION: u64 = 1;

/// What is asked about a hold. One hold is asked for once, confirmed once, released once: so a [`HoldId`] and a verb are what a
/// message is known by, on both sides, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Keep seats for a while.
    Hold,
    /// Make them seats for good.
    Confirm,
    /// Give them up.
    Release,
}

impl Verb {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Confirm => "confirm",
            Self::Release => "release",
        }
    }
}

/// The seats that a peer wants kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Where. One of the owner's.
    pub occurrence: OccurrenceId,
    /// How many, and of which kind.
    pub party: Party,
    /// For whom.
    pub holder: Holder,
    /// How long, by the owner's clock, from when the owner decides. Whole milliseconds; the owner may give less.
    #[serde(rename = "term_ms", with = "crate::time::millis")]
    pub term: Duration,
}

impl Wanted {
    /// Whose the seats are in the owner's ledger: `peer:NAME/HOLD/HOLDER`. Each hold is a party of its own, so that a late
    /// confirmation of one never takes the seats of another. A host must not give attendees such names itself.
    pub fn attendee(&self, from: &PeerName, hold: &HoldId) -> Option<AttendeeId> {
        // 5 + 64 + 1 + 64 + 1 + 96 bytes at most, and no control character: it always is one.
        AttendeeId::new(format!("peer:{from}/{hold}/{}", self.holder)).ok()
    }
}

impl Wanted {
    /// The same as it is sent and recorded: the term in whole milliseconds.
    #[must_use]
    pub fn in_millis(mut self) -> Self {
        self.term = Duration::from_millis(u64::try_from(self.term.as_millis()).unwrap_or(u64::MAX));
        self
    }
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageBody {
    /// Keep seats for a while.
    Hold(Wanted),
    /// Make held seats ones for good.
    Confirm,
    /// Give held seats up. What is confirmed stays.
    Release,
}

impl MessageBody {
    /// What is asked.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Hold(_) => Verb::Hold,
            Self::Confirm => Verb::Confirm,
            Self::Release => Verb::Release,
        }
    }
}

/// What one system asks of another.
///
/// ```
/// use boxoffice_core::booking::Party;
/// use boxoffice_core::federation::{HoldId, Holder, MessageBody, PeerMessage, PeerName, Wanted};
/// use core::time::Duration;
///
/// let message = PeerMessage {
///     from: PeerName::new("a.example")?,
///     to: PeerName::new("b.example")?,
///     hold: HoldId::new("order-7")?,
///     body: MessageBody::Hold(Wanted {
///         occurrence: "chess@20260105T190000".parse()?,
///         party: Party::of(2),
///         holder: Holder::new("ann")?,
///         term: Duration::from_secs(600),
///     }),
/// };
/// assert_eq!(message.id(), "order-7/hold");
/// assert_eq!(PeerMessage::read(message.to_json().as_bytes())?, message);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerMessage {
    /// Who asks. The link has proven that it is so.
    pub from: PeerName,
    /// Who is asked: what was meant for one system is not taken by another.
    pub to: PeerName,
    /// Which hold.
    pub hold: HoldId,
    /// What.
    pub body: MessageBody,
}

/// Why seats were not kept, or a message not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// The peer is not allowed to hold seats here, or not any more. Not kept for ever: asked again after a change of mind, it
    /// is looked at anew.
    NotAllowed,
    /// The message is for somebody else, or comes from somebody else than it says.
    NotForUs,
    /// It would hold more seats at a time than it may.
    TooManyHeld {
        /// The most.
        max: Seats,
    },
    /// The hold was asked for before, with other words.
    IdReused,
    /// It was released or confirmed before it was asked for: messages overtook each other.
    Withdrawn,
    /// It was asked for so long ago that it would have lapsed by now.
    TooLate,
    /// There is no such occurrence to be had.
    NotOnSale,
    /// The sale is closed.
    SaleClosed,
    /// Somebody has to approve each party.
    NeedsApproval,
    /// No seats at all, or more than one party may have.
    PartySize {
        /// The most.
        max: Seats,
    },
    /// Policies of the occurrence forbid it.
    Denied,
    /// Anything else, by the name of the owner's outcome.
    Other {
        /// That name.
        outcome: String,
    },
}

impl Refusal {
    /// In one word, as logs and tables show it.
    pub fn name(&self) -> &str {
        match self {
            Self::NotAllowed => "not_allowed",
            Self::NotForUs => "not_for_us",
            Self::TooManyHeld { .. } => "too_many_held",
            Self::IdReused => "id_reused",
            Self::Withdrawn => "withdrawn",
            Self::TooLate => "too_late",
            Self::NotOnSale => "not_on_sale",
            Self::SaleClosed => "sale_closed",
            Self::NeedsApproval => "needs_approval",
            Self::PartySize { .. } => "party_size",
            Self::Denied => "denied",
            Self::Other { .. } => "other",
        }
    }
}

/// What a message came to, as the owner of the seats decided.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PeerOutcome {
    /// Hold: the seats are kept.
    Held {
        /// For so long from now, by the owner's clock: an interval, since clocks differ. Nothing once it has lapsed.
        #[serde(rename = "until_in_ms", with = "crate::time::millis")]
        until_in: Duration,
    },
    /// Hold: there are not enough seats.
    Full {
        /// Free ones.
        free: u64,
    },
    /// Hold, confirm, release: no.
    Refused(Refusal),
    /// Confirm: the seats are for good.
    Confirmed,
    /// Confirm: the hold had lapsed, and as many seats were still free: they are for good.
    Reacquired,
    /// Confirm: the hold had lapsed and the seats are gone. What was paid is due back.
    RefundDue,
    /// Release: the seats are free.
    Released,
    /// Confirm, release: nothing is held under that name. Release: or it was confirmed.
    NotHeld,
}

impl PeerOutcome {
    /// In one word, as logs and tables show it.
    pub fn name(&self) -> &str {
        match self {
            Self::Held { .. } => "held",
            Self::Full { .. } => "full",
            Self::Refused(refusal) => refusal.name(),
            Self::Confirmed => "confirmed",
            Self::Reacquired => "reacquired",
            Self::RefundDue => "refund_due",
            Self::Released => "released",
            Self::NotHeld => "not_held",
        }
    }

    /// Whether it can be the answer to `verb`.
    pub fn answers(&self, verb: Verb) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::Held { .. } | Self::Full { .. } => verb == Verb::Hold,
            Self::Confirmed | Self::Reacquired | Self::RefundDue => verb == Verb::Confirm,
            Self::Released => verb == Verb::Release,
            Self::NotHeld => verb != Verb::Hold,
        }
    }
}

/// The answer to a message.
///
/// ```
/// use boxoffice_core::federation::{HoldId, PeerOutcome, PeerReply, Verb};
/// let reply = PeerReply { hold: HoldId::new("order-7")?, verb: Verb::Confirm, outcome: PeerOutcome::Confirmed };
/// assert_eq!(reply.to_json(), r#"{"boxoffice_reply":1,"hold":"order-7","verb":"confirm","outcome":"confirmed"}"#);
/// assert_eq!(PeerReply::read(reply.to_json().as_bytes())?, reply);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerReply {
    /// Which hold it is about.
    pub hold: HoldId,
    /// What was asked.
    pub verb: Verb,
    /// What it came to.
    pub outcome: PeerOutcome,
}

/// Why bytes are no message or no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// There are too many.
    #[error("{bytes} bytes are over the limit of {limit}")]
    TooLarge {
        /// Bytes found.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// It is of a version that is not known here.
    #[error("version {found} is not known here")]
    Version {
        /// The version found.
        found: u64,
    },
    /// It is no JSON, or a member is missing or of another kind.
    #[error("{reason}")]
    Malformed {
        /// Where, and why.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
struct MessageWire {
    boxoffice_message: u64,
    from: PeerName,
    to: PeerName,
    hold: HoldId,
    body: MessageBody,
}

#[derive(Serialize, Deserialize)]
struct ReplyWire {
    boxoffice_reply: u64,
    hold: HoldId,
    verb: Verb,
    outcome: PeerOutcome,
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8], version: fn(&T) -> u64) -> Result<T, MessageError> {
    let (bytes_len, limit) = (bytes.len(), PeerMessage::BYTES_MAX);
    if bytes_len > limit {
        return Err(MessageError::TooLarge { bytes: bytes_len, limit });
    }
    let malformed = |error: serde_json::Error| MessageError::Malformed { reason: error.to_string() };
    let wire: T = serde_json::from_slice(bytes).map_err(malformed)?;
    match version(&wire) {
        VERSION => Ok(wire),
        found => Err(MessageError::Version { found }),
    }
}

fn written(wire: &impl Serialize) -> String {
    // Numbers and texts always have a JSON form.
    serde_json::to_string(wire).unwrap_or_default()
}

impl PeerMessage {
    /// Bytes that a message or a reply has at most: 16 KiB.
    pub const BYTES_MAX: usize = 16 << 10;

    /// What it is known by, on both sides and for ever: `HOLD/VERB`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.hold, self.body.verb().name())
    }

    /// As JSON. The same message always has the same bytes.
    pub fn to_json(&self) -> String {
        let Self { from, to, hold, body } = self.clone();
        written(&MessageWire { boxoffice_message: VERSION, from, to, hold, body })
    }

    /// Reads what [`PeerMessage::to_json`] writes.
    ///
    /// # Errors
    /// [`MessageError`] when it is too large, of another version, or anything else.
    pub fn read(bytes: &[u8]) -> Result<Self, MessageError> {
        let MessageWire { from, to, hold, body, .. } = read(bytes, |wire: &MessageWire| wire.boxoffice_message)?;
        Ok(Self { from, to, hold, body })
    }

    /// The answer to it.
    pub fn reply(&self, outcome: PeerOutcome) -> PeerReply {
        PeerReply { hold: self.hold.clone(), verb: self.body.verb(), outcome }
    }
}

impl fmt::Display for PeerMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {} to {}", self.id(), self.from, self.to)
    }
}

impl PeerReply {
    /// As JSON.
    pub fn to_json(&self) -> String {
        let Self { hold, verb, outcome } = self.clone();
        written(&ReplyWire { boxoffice_reply: VERSION, hold, verb, outcome })
    }

    /// Reads what [`PeerReply::to_json`] writes.
    ///
    /// # Errors
    /// [`MessageError`] when it is too large, of another version, or anything else.
    pub fn read(bytes: &[u8]) -> Result<Self, MessageError> {
        let ReplyWire { hold, verb, outcome, .. } = read(bytes, |wire: &ReplyWire| wire.boxoffice_reply)?;
        Ok(Self { hold, verb, outcome })
    }

    /// Whether it is an answer to `message` at all.
    pub fn answers(&self, message: &PeerMessage) -> bool {
        self.hold == message.hold && self.verb == message.body.verb() && self.outcome.answers(self.verb)
    }
}
