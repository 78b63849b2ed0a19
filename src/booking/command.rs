//! What may be asked of an occurrence.

use core::time::Duration;

use super::outcome::Seats;
use crate::id::AttendeeId;

/// A request that one occurrence's owner decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookingCommand {
    /// Put the occurrence on sale with this many seats. Happens once.
    Open {
        /// Seats for sale.
        capacity: Seats,
    },
    /// Take a confirmed seat now.
    Book {
        /// Who wants it.
        attendee: AttendeeId,
    },
    /// Take a seat provisionally, while a payment is pending. It counts like any other until it lapses.
    Hold {
        /// Who wants it.
        attendee: AttendeeId,
        /// How long the seat is kept, from the instant of the decision. Milliseconds count; less than one lapses
        /// at once.
        hold_for: Duration,
    },
    /// Turn the attendee's held seat into a confirmed one.
    Confirm {
        /// Who holds it.
        attendee: AttendeeId,
    },
    /// Give up the attendee's held seat. A confirmed one is given up by [`BookingCommand::Cancel`].
    Release {
        /// Who holds it.
        attendee: AttendeeId,
    },
    /// Give up the attendee's seat, held or confirmed.
    Cancel {
        /// Who has it.
        attendee: AttendeeId,
    },
}

impl BookingCommand {
    /// Whose seat it is about; none if it is about all of them.
    pub fn attendee(&self) -> Option<&AttendeeId> {
        match self {
            Self::Open { .. } => None,
            Self::Book { attendee }
            | Self::Hold { attendee, .. }
            | Self::Confirm { attendee }
            | Self::Release { attendee }
            | Self::Cancel { attendee } => Some(attendee),
        }
    }
}
