//! What may be asked of an occurrence.

use core::time::Duration;
use std::collections::BTreeSet;

use serde::Serialize;

use super::party::{Party, Seats};
use super::settings::Settings;
use crate::id::{AttendeeId, PoolName, TicketType};
use crate::seating::{Place, Section};
use crate::time::Timestamp;

/// What to do when a new capacity is below what is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Below {
    /// Leave the capacity as it is and say so.
    #[default]
    Refuse,
    /// Take the new capacity. Nobody loses a seat, and none is given until enough are given up.
    GiveNoMore,
}

/// How long a hold lasts.
///
/// A stream never goes back in time. After a clock that was ahead and has been set right, a hold counts from the latest event
/// of the stream, and so lasts as much longer as the clock was ahead: keep the clocks of offices on one store together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldTerm {
    /// So long, from the instant of the decision. Milliseconds count; less than one lapses at once.
    For(Duration),
    /// Until this instant, the first at which the hold no longer counts: one deadline for several occurrences.
    Until(Timestamp),
}

/// A request that one occurrence's owner decides.
///
/// Nobody's rights are looked at here: that is the host's. Book, hold, confirm, release, cancel, change seats, move, request,
/// wait and stop waiting are what buyers ask; extend and transfer are, if the host lets them; all others change the sale.
///
/// Its form in JSON is part of what is stored for idempotency keys: a member that is renamed or added makes a command that
/// is asked again look like another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BookingCommand {
    /// Put the occurrence on sale with this many seats. Happens once.
    Open {
        /// Seats for sale.
        capacity: Seats,
    },
    /// Give no seats any more. Those who have some keep them and may confirm, cancel and transfer.
    Close,
    /// Go on with a sale that was closed.
    Reopen,
    /// Change how many seats there are.
    Resize {
        /// Seats there shall be.
        capacity: Seats,
        /// What if more are taken.
        below: Below,
    },
    /// Keep seats from sale: for the host's own use, or because they are broken.
    Block {
        /// How many, in all; none releases those that were blocked.
        seats: Seats,
    },
    /// Make a pool, or change its size. A pool limits the kinds of ticket that draw on it, beside the house.
    SetPool {
        /// Which.
        pool: PoolName,
        /// Seats in it.
        capacity: Seats,
        /// What if more are taken.
        below: Below,
    },
    /// Say which pools a kind of ticket draws on. All kinds draw on the house.
    SetTicket {
        /// Which kind.
        ticket: TicketType,
        /// The pools.
        pools: BTreeSet<PoolName>,
    },
    /// Change what the sale goes by.
    Set {
        /// All settings as they shall be.
        settings: Settings,
    },
    /// Give seats names: put a section at the end of the seat map, or in the place of the one of that name. With a map, every
    /// party has named places, as many as seats; of the map no more are sold than there is capacity. Nobody who has a seat
    /// loses it: who has none of the seats that are named keeps the map from being begun, and who has one from its being left
    /// out.
    SetSection {
        /// The section.
        section: Section,
    },
    /// Take a section out of the seat map, if nobody has a seat in it. Without any, seats have no names.
    RemoveSection {
        /// Its name.
        section: String,
    },
    /// Keep these places from sale, besides those that are.
    BlockPlaces {
        /// Which; at most as many as are recorded at once.
        places: BTreeSet<Place>,
    },
    /// Keep these places from sale no longer.
    UnblockPlaces {
        /// Which; at most as many as are recorded at once.
        places: BTreeSet<Place>,
    },
    /// Take confirmed seats now.
    Book {
        /// Who wants them.
        attendee: AttendeeId,
        /// How many, and of which kind.
        party: Party,
    },
    /// Take seats provisionally, while a payment is pending. They count like any other until they lapse.
    Hold {
        /// Who wants them.
        attendee: AttendeeId,
        /// How many, and of which kind.
        party: Party,
        /// How long they are kept.
        term: HoldTerm,
    },
    /// Keep the attendee's held seats longer, or shorter.
    Extend {
        /// Who holds them.
        attendee: AttendeeId,
        /// How long from now on.
        term: HoldTerm,
    },
    /// Turn the attendee's held seats into confirmed ones, or an offer into seats. A payment that comes after the hold has
    /// lapsed has seats again if there are as many (with names: the same places, or else others), and else is due back
    /// until it is settled. The latest 10,000 lapsed holds are remembered.
    Confirm {
        /// Who holds them.
        attendee: AttendeeId,
    },
    /// Note that what is due back to the attendee was paid back: the oldest, if several payments came too late. It is due until
    /// then, whatever else becomes of the attendee. For whoever pays; like all that changes the sale, no command for a buyer.
    SettleRefund {
        /// To whom it was paid.
        attendee: AttendeeId,
    },
    /// Give up the attendee's held seats. Confirmed ones are given up by [`BookingCommand::Cancel`].
    Release {
        /// Who holds them.
        attendee: AttendeeId,
    },
    /// Give up the attendee's seats, held or confirmed.
    Cancel {
        /// Who has them.
        attendee: AttendeeId,
    },
    /// Let somebody else have the attendee's seats, in the same state. No seat is free in between.
    Transfer {
        /// Who has them.
        from: AttendeeId,
        /// Who shall have them.
        to: AttendeeId,
    },
    /// Have more seats, or fewer. Of named ones, more are those next to what the attendee has, or near; given up are the last
    /// in the order of the map.
    ChangeSeats {
        /// Who has them.
        attendee: AttendeeId,
        /// How many, at least one.
        seats: Seats,
    },
    /// Have other places, as many. At no moment has the attendee none.
    MoveTo {
        /// Who has seats.
        attendee: AttendeeId,
        /// Which shall be the attendee's; some may be already.
        places: BTreeSet<Place>,
    },
    /// Ask for seats that somebody has to approve.
    Request {
        /// Who wants them.
        attendee: AttendeeId,
        /// How many, and of which kind.
        party: Party,
    },
    /// Give the seats that were asked for. For whoever may decide that; like all that changes the sale, no command for a buyer.
    Approve {
        /// Who asked.
        attendee: AttendeeId,
    },
    /// Turn a request down, or take it back.
    Decline {
        /// Who asked.
        attendee: AttendeeId,
    },
    /// Wait until seats become free. They are then held for a while: an offer, taken by [`BookingCommand::Confirm`] and
    /// turned down by [`BookingCommand::Release`].
    Wait {
        /// Who waits.
        attendee: AttendeeId,
        /// For how many seats, and of which kind.
        party: Party,
    },
    /// Wait no longer.
    StopWaiting {
        /// Who waits.
        attendee: AttendeeId,
    },
}

impl BookingCommand {
    /// To book one seat.
    pub fn book(attendee: AttendeeId) -> Self {
        Self::Book { attendee, party: Party::default() }
    }

    /// To hold one seat.
    pub fn hold(attendee: AttendeeId, hold_for: Duration) -> Self {
        Self::Hold { attendee, party: Party::default(), term: HoldTerm::For(hold_for) }
    }

    /// Who would have seats by it that he did not have; for other commands, whose seats it is about. None if it is about
    /// all.
    pub fn attendee(&self) -> Option<&AttendeeId> {
        match self {
            Self::Open { .. }
            | Self::Close
            | Self::Reopen
            | Self::Resize { .. }
            | Self::Block { .. }
            | Self::SetPool { .. }
            | Self::SetTicket { .. }
            | Self::Set { .. }
            | Self::SetSection { .. }
            | Self::RemoveSection { .. }
            | Self::BlockPlaces { .. }
            | Self::UnblockPlaces { .. } => None,
            Self::Transfer { to: attendee, .. }
            | Self::Book { attendee, .. }
            | Self::Hold { attendee, .. }
            | Self::Extend { attendee, .. }
            | Self::Confirm { attendee }
            | Self::SettleRefund { attendee }
            | Self::Release { attendee }
            | Self::Cancel { attendee }
            | Self::ChangeSeats { attendee, .. }
            | Self::MoveTo { attendee, .. }
            | Self::Request { attendee, .. }
            | Self::Approve { attendee }
            | Self::Decline { attendee }
            | Self::Wait { attendee, .. }
            | Self::StopWaiting { attendee } => Some(attendee),
        }
    }
}
