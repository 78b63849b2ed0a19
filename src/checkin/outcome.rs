//! Every answer to a scan. "No" is one of them, not an error.

use serde::{Deserialize, Serialize};

use super::keys::KeyId;
use super::ticket::{TicketError, TicketFlaw};
use crate::id::OccurrenceId;
use crate::persist::Seq;
use crate::time::Timestamp;

/// Why an attendee no longer has the seat of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// There are no seats of his: they were cancelled, transferred or not confirmed in time.
    NoSeats,
    /// The seats that he has were given to him by another event, after those of the ticket were gone. Other tickets go with
    /// them.
    GrantedAnew,
    /// His party has become smaller than the place that the ticket names.
    FewerSeats,
}

impl Revocation {
    /// In one word, as logs and the recorded form show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoSeats => "no_seats",
            Self::GrantedAnew => "granted_anew",
            Self::FewerSeats => "fewer_seats",
        }
    }
}

/// What a scan comes to.
///
/// The variants that may apply are checked in the order in which they stand here, and the first that applies is the answer:
/// whether the ticket is genuine, whether it admits, and only then whether it was used. Who is in may always leave: of a
/// genuine ticket for the occurrence, an exit asks only whether whoever has it is in.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanOutcome {
    /// The text is no ticket. Not recorded: nobody could keep such texts from filling the log.
    Malformed {
        /// What is wrong with it.
        flaw: TicketFlaw,
    },
    /// The ticket says that it was signed by a key that is not accepted. Not recorded either.
    UnknownKey {
        /// The key's id.
        key: KeyId,
    },
    /// The ticket was not signed by the key that it names, or was changed since. Not recorded either.
    BadSignature,
    /// The device has used the nonce for another scan. Nothing was decided, and nothing recorded.
    NonceReused,
    /// The ticket is for another occurrence.
    OtherOccurrence {
        /// For which.
        occurrence: OccurrenceId,
    },
    /// Entry: the ticket has expired.
    Expired {
        /// First instant at which it no longer admits.
        expires: Timestamp,
    },
    /// Entry: the gate is not open yet.
    NotOpenYet {
        /// First instant at which it is.
        opens: Timestamp,
    },
    /// Entry: the gate admits nobody any more.
    GateClosed {
        /// First instant at which it did not.
        closes: Timestamp,
    },
    /// Entry: the attendee has no such seat any more.
    Revoked {
        /// Why not.
        why: Revocation,
    },
    /// Entry: the seat is held, and not confirmed yet.
    NotConfirmed,
    /// Entry: whoever has the ticket is in.
    AlreadyIn {
        /// Since when.
        since: Timestamp,
        /// By which scan.
        seq: Seq,
    },
    /// Exit: nobody came in with the ticket, or he has left.
    NotIn,
    /// Entry: somebody came in with the ticket and left, and the gate admits nobody twice.
    NoReentry,
    /// Entry: come in.
    Admitted,
    /// Exit: whoever has the ticket is out.
    Left,
}

impl ScanOutcome {
    /// Whether the rules let through.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Admitted | Self::Left)
    }

    /// Whether such an outcome is recorded: those of genuine tickets are.
    pub fn is_recorded(&self) -> bool {
        !matches!(self, Self::Malformed { .. } | Self::UnknownKey { .. } | Self::BadSignature | Self::NonceReused)
    }

    /// The outcome in one word, as logs, tables and the recorded form show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::UnknownKey { .. } => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::NonceReused => "nonce_reused",
            Self::OtherOccurrence { .. } => "other_occurrence",
            Self::Expired { .. } => "expired",
            Self::NotOpenYet { .. } => "not_open_yet",
            Self::GateClosed { .. } => "gate_closed",
            Self::Revoked { .. } => "revoked",
            Self::NotConfirmed => "not_confirmed",
            Self::AlreadyIn { .. } => "already_in",
            Self::NotIn => "not_in",
            Self::NoReentry => "no_reentry",
            Self::Admitted => "admitted",
            Self::Left => "left",
        }
    }
}

impl From<TicketError> for ScanOutcome {
    fn from(error: TicketError) -> Self {
        match error {
            TicketError::Malformed(flaw) => Self::Malformed { flaw },
            TicketError::UnknownKey { key } => Self::UnknownKey { key },
            TicketError::BadSignature => Self::BadSignature,
        }
    }
}

/// An outcome with the sequence numbers that explain it.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanReply {
    /// What the scan came to. Of one that is recorded late: what a gate would have said.
    pub outcome: ScanOutcome,
    /// The scan was made offline and recorded as what happened, whatever the outcome.
    pub late: bool,
    /// The fact, in the check-in stream; of a scan that is not recorded, the last one that was looked at.
    pub seq: Seq,
    /// Where the booking stream stood.
    pub booking: Seq,
}

impl ScanReply {
    /// The answer to a scan whose ticket is not genuine, and which no gate has looked at.
    pub fn unread(outcome: ScanOutcome) -> Self {
        Self { outcome, late: false, seq: Seq::UNWRITTEN, booking: Seq::UNWRITTEN }
    }

    /// Why a scan that happened should not have: for staff to look at. None for scans that were in order, and for those that
    /// a gate refused.
    pub fn conflict(&self) -> Option<&ScanOutcome> {
        (self.late && !self.outcome.is_accepted()).then_some(&self.outcome)
    }
}
