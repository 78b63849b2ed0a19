//! What can have happened to an occurrence.

use core::time::Duration;
use std::collections::BTreeSet;

use super::party::{Party, Seats};
use super::settings::Settings;
use crate::id::{AttendeeId, PoolName, TicketType};
use crate::persist::Seq;
use crate::seating::{Place, Section};

/// A recorded fact of a booking stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookingEvent {
    /// The occurrence went on sale.
    SaleOpened {
        /// Seats for sale.
        capacity: Seats,
    },
    /// Nothing is given any more. What was given stays.
    SaleClosed,
    /// The sale goes on.
    SaleReopened,
    /// There are more seats or fewer.
    CapacityChanged {
        /// Seats there are now; there may be more taken than that.
        capacity: Seats,
    },
    /// Seats are kept from sale.
    SeatsBlocked {
        /// How many, in all.
        seats: Seats,
    },
    /// A pool has a size.
    PoolSet {
        /// Which.
        pool: PoolName,
        /// Seats in it; there may be more taken than that.
        capacity: Seats,
    },
    /// A kind of ticket draws on pools.
    TicketSet {
        /// Which.
        ticket: TicketType,
        /// The pools, beside the house.
        pools: BTreeSet<PoolName>,
    },
    /// The sale goes by these settings from now on.
    SettingsChanged {
        /// All of them.
        settings: Settings,
    },
    /// The seat map has a section more, or another in the place of the one of that name.
    SectionSet {
        /// All of it.
        section: Section,
    },
    /// The seat map has that section no longer.
    SectionRemoved {
        /// Its name.
        section: String,
    },
    /// Places are kept from sale.
    PlacesBlocked {
        /// Those that were not before.
        places: BTreeSet<Place>,
    },
    /// Places are kept from sale no longer.
    PlacesUnblocked {
        /// Which.
        places: BTreeSet<Place>,
    },
    /// Seats were taken and confirmed at once.
    SeatBooked {
        /// Who took them.
        attendee: AttendeeId,
        /// How many, and of which kind.
        party: Party,
    },
    /// Seats were taken provisionally.
    SeatHeld {
        /// Who took them.
        attendee: AttendeeId,
        /// How many, and of which kind.
        party: Party,
        /// How long they are kept, from the event's own instant.
        hold_for: Duration,
    },
    /// A hold is kept longer.
    HoldExtended {
        /// Whose.
        attendee: AttendeeId,
        /// How long, from the event's own instant.
        hold_for: Duration,
    },
    /// Held seats became confirmed ones.
    HoldConfirmed {
        /// Whose.
        attendee: AttendeeId,
    },
    /// Held seats were given up by their holder.
    HoldReleased {
        /// Whose.
        attendee: AttendeeId,
    },
    /// Held seats were not confirmed in time and are free again.
    HoldLapsed {
        /// Whose.
        attendee: AttendeeId,
    },
    /// A hold was confirmed after it had lapsed, and as many seats were still free.
    SeatReacquired {
        /// Who has them again.
        attendee: AttendeeId,
        /// How many, and of which kind.
        party: Party,
    },
    /// A hold was confirmed after it had lapsed, and the seats were gone: what was paid is owed.
    RefundDue {
        /// To whom.
        attendee: AttendeeId,
        /// For what.
        party: Party,
    },
    /// What was owed to an attendee is owed no more.
    RefundSettled {
        /// To whom.
        attendee: AttendeeId,
        /// The event by which it became due: the oldest of the attendee's that was not settled.
        due: Seq,
    },
    /// Seats, held or confirmed, were given up.
    SeatCancelled {
        /// Whose.
        attendee: AttendeeId,
    },
    /// Seats went to somebody else, in the same state and place.
    SeatTransferred {
        /// Who had them.
        from: AttendeeId,
        /// Who has them.
        to: AttendeeId,
    },
    /// An attendee has more seats or fewer, or others.
    PartyChanged {
        /// Who.
        attendee: AttendeeId,
        /// Seats now.
        seats: Seats,
        /// Which, where they have names.
        places: BTreeSet<Place>,
    },
    /// Seats were asked for that somebody has to approve. None is taken yet.
    SeatRequested {
        /// By whom.
        attendee: AttendeeId,
        /// How many, and of which kind.
        party: Party,
    },
    /// A request was turned down, or taken back.
    RequestDeclined {
        /// Whose.
        attendee: AttendeeId,
    },
    /// Somebody waits for seats to become free.
    WaitJoined {
        /// Who.
        attendee: AttendeeId,
        /// How many, and of which kind.
        party: Party,
    },
    /// Somebody waits no longer.
    WaitLeft {
        /// Who.
        attendee: AttendeeId,
    },
    /// Free seats are held for the next who waits.
    SeatOffered {
        /// For whom.
        attendee: AttendeeId,
        /// Which, where they have names.
        places: BTreeSet<Place>,
        /// How long, from the event's own instant.
        hold_for: Duration,
    },
    /// Seats that were too few for somebody who waits were offered to the next.
    WaiterPassedOver {
        /// Who goes on waiting.
        attendee: AttendeeId,
        /// At which place of the line, the first being 1.
        position: u64,
        /// Seats that were free.
        free: u64,
    },
}

impl BookingEvent {
    /// Whether it happened to this attendee.
    pub fn is_about(&self, who: &AttendeeId) -> bool {
        match self {
            Self::SaleOpened { .. }
            | Self::SaleClosed
            | Self::SaleReopened
            | Self::CapacityChanged { .. }
            | Self::SeatsBlocked { .. }
            | Self::PoolSet { .. }
            | Self::TicketSet { .. }
            | Self::SettingsChanged { .. }
            | Self::SectionSet { .. }
            | Self::SectionRemoved { .. }
            | Self::PlacesBlocked { .. }
            | Self::PlacesUnblocked { .. } => false,
            Self::SeatTransferred { from, to } => from == who || to == who,
            Self::SeatBooked { attendee, .. }
            | Self::SeatHeld { attendee, .. }
            | Self::HoldExtended { attendee, .. }
            | Self::HoldConfirmed { attendee }
            | Self::HoldReleased { attendee }
            | Self::HoldLapsed { attendee }
            | Self::SeatReacquired { attendee, .. }
            | Self::RefundDue { attendee, .. }
            | Self::RefundSettled { attendee, .. }
            | Self::SeatCancelled { attendee }
            | Self::PartyChanged { attendee, .. }
            | Self::SeatRequested { attendee, .. }
            | Self::RequestDeclined { attendee }
            | Self::WaitJoined { attendee, .. }
            | Self::WaitLeft { attendee }
            | Self::SeatOffered { attendee, .. }
            | Self::WaiterPassedOver { attendee, .. } => attendee == who,
        }
    }
}
