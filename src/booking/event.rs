//! What can have happened to an occurrence.

use core::time::Duration;

use super::outcome::Seats;
use crate::id::AttendeeId;

/// A recorded fact of a booking stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookingEvent {
    /// The occurrence went on sale.
    SaleOpened {
        /// Seats for sale.
        capacity: Seats,
    },
    /// A seat was taken and confirmed at once.
    SeatBooked {
        /// Who took it.
        attendee: AttendeeId,
    },
    /// A seat was taken provisionally.
    SeatHeld {
        /// Who took it.
        attendee: AttendeeId,
        /// How long it is kept, from the event's own instant.
        hold_for: Duration,
    },
    /// A held seat became a confirmed one.
    HoldConfirmed {
        /// Whose seat.
        attendee: AttendeeId,
    },
    /// A held seat was given up by its holder.
    HoldReleased {
        /// Whose seat.
        attendee: AttendeeId,
    },
    /// A held seat was not confirmed in time and is free again.
    HoldLapsed {
        /// Whose seat.
        attendee: AttendeeId,
    },
    /// A seat, held or confirmed, was given up.
    SeatCancelled {
        /// Whose seat.
        attendee: AttendeeId,
    },
}
