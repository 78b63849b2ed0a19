//! Every answer there is. "No" is one of them, not an error.

use core::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ledger::SeatState;
use crate::persist::{Cursor, Seq};
use crate::time::Timestamp;

/// A number of seats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seats(u32);

impl Seats {
    /// `n` seats.
    pub const fn new(n: u32) -> Self {
        Self(n)
    }

    /// The number itself.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Seats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a command came to.
///
/// For one command, the variants that may apply are checked in the order in which they stand here, and the first
/// that applies is the answer. Seat numbers are 1-based places on the roster in join order, at the moment of the
/// answer: when somebody ahead leaves, everybody behind moves up.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookingOutcome {
    /// Book, hold: the occurrence was never put on sale.
    NotOnSale,
    /// Book, hold: the attendee has a seat already. Nothing was written.
    Already {
        /// Which seat.
        seat: u64,
        /// In which state.
        state: SeatState,
    },
    /// Book, hold: all seats are taken, held ones included.
    Full {
        /// Seats there are.
        capacity: Seats,
    },
    /// Book, hold: the seat could be had, but the stream has moved on since the caller looked.
    /// Only callers who bring an observation of their own ever see this.
    Conflict {
        /// Where the caller saw the stream.
        expected: Seq,
        /// Where it stands.
        actual: Seq,
    },
    /// Book, hold: the seat could be had, but policies that the definition of the occurrence names forbid it.
    Denied {
        /// Why, as their rules put it; sorted.
        reasons: Arc<[Arc<str>]>,
        /// All recorded events up to this one were taken into account.
        cursor: Cursor,
    },
    /// Book, hold: the seat could be had, but the definition of the occurrence names policies, and the command came
    /// without [`Grounds`](super::Grounds), or they no longer hold. Only callers who have no box office between them and
    /// an [`Owner`](super::Owner) ever see this.
    Unchecked,
    /// Book: the attendee has this seat, confirmed.
    Booked {
        /// Which seat.
        seat: u64,
    },
    /// Hold: the attendee has this seat until then.
    Held {
        /// Which seat.
        seat: u64,
        /// First instant at which the hold no longer counts.
        until: Timestamp,
    },
    /// Confirm: the seat was confirmed before. Nothing was written.
    AlreadyConfirmed,
    /// Confirm, release: the attendee holds no seat, or no longer. Nothing was written.
    NotHeld,
    /// Confirm: the held seat is confirmed.
    Confirmed,
    /// Release: the held seat is free.
    Released,
    /// Cancel: the attendee has no seat. Nothing was written.
    NotBooked,
    /// Cancel: the seat is free.
    Cancelled,
    /// Open: the occurrence is on sale already, with this capacity, which need not be the one asked for.
    AlreadyOpen {
        /// Seats there are.
        capacity: Seats,
    },
    /// Open: the occurrence is on sale.
    Opened,
}

impl BookingOutcome {
    /// Whether the command was carried out by this very call.
    pub fn is_accepted(&self) -> bool {
        match self {
            Self::Booked { .. }
            | Self::Held { .. }
            | Self::Confirmed
            | Self::Released
            | Self::Cancelled
            | Self::Opened => true,
            Self::NotOnSale
            | Self::Already { .. }
            | Self::Full { .. }
            | Self::Conflict { .. }
            | Self::Denied { .. }
            | Self::Unchecked
            | Self::AlreadyConfirmed
            | Self::NotHeld
            | Self::NotBooked
            | Self::AlreadyOpen { .. } => false,
        }
    }

    /// Whether it is the answer to a command that took a seat.
    pub fn takes_a_seat(&self) -> bool {
        matches!(self, Self::Booked { .. } | Self::Held { .. })
    }

    /// Whether the same command may be answered otherwise later, without the caller doing anything about it.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::NotOnSale | Self::Full { .. } | Self::Conflict { .. } | Self::Denied { .. } | Self::Unchecked
        )
    }

    /// The outcome in one word, as logs and tables show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotOnSale => "not_on_sale",
            Self::Already { .. } => "already",
            Self::Full { .. } => "full",
            Self::Conflict { .. } => "conflict",
            Self::Denied { .. } => "denied",
            Self::Unchecked => "unchecked",
            Self::Booked { .. } => "booked",
            Self::Held { .. } => "held",
            Self::AlreadyConfirmed => "already_confirmed",
            Self::NotHeld => "not_held",
            Self::Confirmed => "confirmed",
            Self::Released => "released",
            Self::NotBooked => "not_booked",
            Self::Cancelled => "cancelled",
            Self::AlreadyOpen { .. } => "already_open",
            Self::Opened => "opened",
        }
    }
}

/// An outcome with the sequence number that explains it.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookingReply {
    /// What the command came to.
    pub outcome: BookingOutcome,
    /// For an accepted command, the sequence number of its own event; else the last one the decision took into
    /// account.
    pub seq: Seq,
}
