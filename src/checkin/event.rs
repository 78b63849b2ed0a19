//! What can have happened at a gate.

use super::outcome::{ScanOutcome, ScanReply};
use super::scan::Direction;
use super::settings::GateSettings;
use super::ticket::TicketId;
use crate::id::{DeviceId, Nonce, OccurrenceId};
use crate::persist::Seq;
use crate::time::Timestamp;

/// A recorded fact of a check-in stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateEvent {
    /// The gate goes by these settings from now on.
    GateSet {
        /// All of them.
        settings: GateSettings,
    },
    /// A genuine ticket was scanned.
    Scanned(Box<Scanned>),
}

/// A scan of a genuine ticket, and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Which ticket.
    pub ticket: TicketId,
    /// Which way.
    pub direction: Direction,
    /// By which device.
    pub device: DeviceId,
    /// When, by the device's own clock.
    pub device_at: Timestamp,
    /// The device's name for the scan.
    pub nonce: Nonce,
    /// It was made offline and uploaded later: whatever the outcome, it happened.
    pub late: bool,
    /// What it came to.
    pub outcome: ScanOutcome,
    /// Where the booking stream stood, when it was decided and when it was recorded.
    pub booking: Seq,
}

impl Scanned {
    /// When somebody went through, if it was recorded at `at`: a late scan by the device's clock, which is never believed to
    /// be ahead.
    pub fn happened_at(&self, at: Timestamp) -> Timestamp {
        if self.late { self.device_at.min(at) } else { at }
    }

    /// Whether somebody went through with a ticket for this occurrence.
    pub fn is_passage(&self) -> bool {
        self.outcome.is_accepted() || (self.late && self.other_occurrence().is_none())
    }

    /// The occurrence that the ticket is for, if it is another one.
    pub fn other_occurrence(&self) -> Option<&OccurrenceId> {
        match &self.outcome {
            ScanOutcome::OtherOccurrence { occurrence } => Some(occurrence),
            ScanOutcome::Malformed { .. }
            | ScanOutcome::UnknownKey { .. }
            | ScanOutcome::BadSignature
            | ScanOutcome::NonceReused
            | ScanOutcome::Expired { .. }
            | ScanOutcome::NotOpenYet { .. }
            | ScanOutcome::GateClosed { .. }
            | ScanOutcome::Revoked { .. }
            | ScanOutcome::NotConfirmed
            | ScanOutcome::AlreadyIn { .. }
            | ScanOutcome::NotIn
            | ScanOutcome::NoReentry
            | ScanOutcome::Admitted
            | ScanOutcome::Left => None,
        }
    }

    /// The answer that was given, if it was recorded as event `seq`.
    pub fn reply(&self, seq: Seq) -> ScanReply {
        ScanReply { outcome: self.outcome.clone(), late: self.late, seq, booking: self.booking }
    }
}
