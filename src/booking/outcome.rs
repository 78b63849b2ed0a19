//! Every answer there is. "No" is one of them, not an error.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::house::Shortage;
use super::ledger::SeatState;
use super::party::Seats;
use crate::id::{PoolName, TicketType};
use crate::persist::{Cursor, Seq};
use crate::seating::Place;
use crate::time::Timestamp;

/// What a command came to.
///
/// For one command, the variants that may apply are checked in the order in which they stand here, and the first
/// that applies is the answer. Seat numbers are 1-based places on the roster in join order, at the moment of the
/// answer, the first of a party's: when somebody ahead leaves, everybody behind moves up.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookingOutcome {
    /// All: the idempotency key came before with another command. Nothing was decided.
    KeyReused,
    /// Book, hold, request, wait: the occurrence was never put on sale.
    NotOnSale,
    /// Book, hold, request, approve, wait, more seats: the sale is closed.
    SaleClosed,
    /// Book, hold, request, wait: there is no such kind of ticket.
    UnknownTicket {
        /// The kind.
        ticket: TicketType,
    },
    /// Book, hold, request, wait, transfer: the attendee, or whoever is to have the seats, has some already. Nothing was
    /// written.
    Already {
        /// Which seat.
        seat: u64,
        /// In which state.
        state: SeatState,
    },
    /// Book, hold, request, wait, change: no seats at all, or more than one attendee may have. With a seat map also more than
    /// are recorded at once: 2,700 bytes of names of places, three more for each.
    PartySize {
        /// The most that is allowed.
        max: Seats,
    },
    /// Book, hold, request, move: so many places must be named, or none; wait: none must be. Block, unblock: at most so many
    /// are recorded at once.
    PlaceCount {
        /// How many.
        wanted: Seats,
    },
    /// Book, hold, request, approve, move, block: there is no such place.
    UnknownPlace {
        /// The first that there is not.
        place: Place,
    },
    /// Book, hold, request, approve, move: that kind of ticket gives no seat in the section of the place.
    NotForTicket {
        /// The first such place.
        place: Place,
    },
    /// Book, hold, wait, more seats: somebody has to approve. Use a request.
    NeedsApproval,
    /// Request: the attendee has asked already. Nothing was written.
    AlreadyRequested,
    /// Approve, decline: the attendee has not asked.
    NotRequested,
    /// Wait: nobody can wait for this occurrence.
    NoWaitlist,
    /// Wait: the attendee waits already. Nothing was written.
    AlreadyWaiting {
        /// At which place of the line.
        position: u64,
    },
    /// Stop waiting: the attendee does not wait.
    NotWaiting,
    /// Book, hold, approve, late confirm, more seats: there are not enough, held ones counted as taken.
    Full(Shortage),
    /// Book, hold, approve, late confirm, more seats: others wait for the same seats. Use a wait.
    Queued {
        /// How many wait.
        waiting: u64,
    },
    /// Book, hold, approve, move: somebody else has these places, or they are kept from sale. Block, set section, remove
    /// section: somebody has them. Nothing was written.
    PlacesTaken {
        /// Which of those that were named.
        places: BTreeSet<Place>,
        /// As many as were asked for that are free, near those; empty if there are none.
        nearest: BTreeSet<Place>,
    },
    /// Book, hold, approve, move: a seat would be left single, and need not be.
    LeavesSingle {
        /// Which.
        places: BTreeSet<Place>,
        /// As many as were asked for, near those, that leave none.
        nearest: BTreeSet<Place>,
    },
    /// Book, hold, approve, move, more seats: they are not next to one another, or no such are free.
    NotTogether,
    /// Wait: there are seats. Use a book or hold.
    SeatsFree,
    /// Book, hold: the seat could be had, but the stream has moved on since the caller looked.
    /// Only callers who bring an observation of their own ever see this.
    Conflict {
        /// Where the caller saw the stream.
        expected: Seq,
        /// Where it stands.
        actual: Seq,
    },
    /// Whatever takes a seat: it could be had, but policies that the definition of the occurrence names forbid it.
    Denied {
        /// Why, as their rules put it; sorted.
        reasons: Arc<[Arc<str>]>,
        /// All recorded events up to this one were taken into account.
        cursor: Cursor,
    },
    /// Whatever takes a seat: it could be had, but the definition of the occurrence names policies, and the command came
    /// without a [`Verdict`](super::Verdict) of theirs, or that no longer holds. Only callers who have no box office
    /// between them and an [`Owner`](super::Owner) ever see this.
    Unchecked,
    /// All: the idempotency key was used meanwhile; [`recall`](super::recall) has the answer. Only callers who have no box
    /// office between them and an [`Owner`](super::Owner) ever see this.
    Recall,
    /// Book: the attendee has these seats, confirmed.
    Booked {
        /// The first of them.
        seat: u64,
    },
    /// Hold: the attendee has these seats until then.
    Held {
        /// The first of them.
        seat: u64,
        /// First instant at which the hold no longer counts.
        until: Timestamp,
    },
    /// Request: it is noted.
    Requested,
    /// Approve: whoever asked has these seats, confirmed.
    Approved {
        /// The first of them.
        seat: u64,
    },
    /// Decline: the request is gone.
    Declined,
    /// Wait: the attendee waits.
    Waiting {
        /// At which place of the line, the first being 1.
        position: u64,
    },
    /// Stop waiting: done.
    LeftWaitlist,
    /// Confirm: the seats were confirmed before. Nothing was written.
    AlreadyConfirmed,
    /// Confirm, release, extend: the attendee holds no seats, or no longer. Nothing was written.
    NotHeld,
    /// Confirm: the held seats are confirmed.
    Confirmed,
    /// Confirm: an offer was taken, the seats are confirmed.
    OfferTaken {
        /// The first of them.
        seat: u64,
    },
    /// Confirm: the hold had lapsed, and as many seats were still free: the attendee has them, confirmed.
    Reacquired {
        /// The first of them.
        seat: u64,
    },
    /// Confirm: the hold had lapsed and there are not enough seats, or policies forbid them: what was paid is due back. Also if
    /// it was so before, and is not settled; nothing was written then.
    RefundDue,
    /// Settle refund: nothing is due back to the attendee, or no longer. Nothing was written.
    NoRefundDue,
    /// Settle refund: the oldest that was due back to the attendee is settled.
    RefundSettled {
        /// Refunds that are still due to the attendee.
        left: u64,
    },
    /// Extend: the hold would last longer than a hold may.
    HoldTooLong {
        /// The latest that is allowed.
        until_max: Timestamp,
    },
    /// Extend: the hold lasts until then.
    Extended {
        /// First instant at which it no longer counts.
        until: Timestamp,
    },
    /// Release: the held seats are free.
    Released,
    /// Cancel, transfer, change: the attendee has no seats. Nothing was written.
    NotBooked,
    /// Cancel: the seats are free.
    Cancelled,
    /// Transfer: they are the other's now.
    Transferred {
        /// The first of them.
        seat: u64,
    },
    /// Change: the attendee has as many seats already. Nothing was written.
    Unchanged,
    /// Change: the attendee has as many seats now.
    Changed {
        /// How many.
        seats: Seats,
    },
    /// Move: the attendee has these places now.
    Moved,
    /// Open: the occurrence is on sale already, with this capacity, which need not be the one asked for.
    AlreadyOpen {
        /// Seats there are.
        capacity: Seats,
    },
    /// Open: the occurrence is on sale.
    Opened,
    /// Close: it was closed before; reopen: it was open. Also every other setting that is as it was. Nothing was written.
    AsBefore,
    /// Close: done.
    Closed,
    /// Reopen: done.
    Reopened,
    /// Resize, set pool, block, set section: more seats are taken than would be left, and nothing was changed.
    Taken {
        /// Seats taken, held ones included.
        taken: u64,
    },
    /// Set ticket: there is no such pool.
    UnknownPool {
        /// The pool.
        pool: PoolName,
    },
    /// Set ticket: the names of its pools are more than are recorded at once.
    TooManyPools {
        /// Bytes that they may have in all, with three more for each.
        bytes_max: u64,
    },
    /// Set section: the seat map would have more seats than a map may.
    SeatMapFull {
        /// The most that are allowed.
        max: u64,
    },
    /// Resize, set pool: done.
    Resized {
        /// Seats taken beyond the new capacity: as many must be given up before any is given.
        over: u64,
    },
    /// Block, set ticket, set, set section, remove section, unblock: done.
    Set,
}

impl BookingOutcome {
    /// Whether the command was carried out by this very call.
    pub fn is_accepted(&self) -> bool {
        matches!(
            self,
            Self::Booked { .. }
                | Self::Held { .. }
                | Self::Requested
                | Self::Approved { .. }
                | Self::Declined
                | Self::Waiting { .. }
                | Self::LeftWaitlist
                | Self::Confirmed
                | Self::OfferTaken { .. }
                | Self::Reacquired { .. }
                | Self::RefundSettled { .. }
                | Self::Extended { .. }
                | Self::Released
                | Self::Cancelled
                | Self::Transferred { .. }
                | Self::Changed { .. }
                | Self::Moved
                | Self::Opened
                | Self::Closed
                | Self::Reopened
                | Self::Resized { .. }
                | Self::Set
        )
    }

    /// Whether it gives an attendee seats that he did not have.
    pub fn takes_a_seat(&self) -> bool {
        matches!(
            self,
            Self::Booked { .. }
                | Self::Held { .. }
                | Self::Approved { .. }
                | Self::OfferTaken { .. }
                | Self::Reacquired { .. }
                | Self::Transferred { .. }
        )
    }

    /// Whether the same command may be answered otherwise later, without the caller doing anything about it.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::NotOnSale
                | Self::SaleClosed
                | Self::Full(_)
                | Self::Queued { .. }
                | Self::PlacesTaken { .. }
                | Self::LeavesSingle { .. }
                | Self::NotTogether
                | Self::Conflict { .. }
                | Self::Denied { .. }
                | Self::Unchecked
        )
    }

    /// The outcome in one word, as logs and tables show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::KeyReused => "key_reused",
            Self::NotOnSale => "not_on_sale",
            Self::SaleClosed => "sale_closed",
            Self::UnknownTicket { .. } => "unknown_ticket",
            Self::Already { .. } => "already",
            Self::PartySize { .. } => "party_size",
            Self::PlaceCount { .. } => "place_count",
            Self::UnknownPlace { .. } => "unknown_place",
            Self::NotForTicket { .. } => "not_for_ticket",
            Self::NeedsApproval => "needs_approval",
            Self::AlreadyRequested => "already_requested",
            Self::NotRequested => "not_requested",
            Self::NoWaitlist => "no_waitlist",
            Self::AlreadyWaiting { .. } => "already_waiting",
            Self::NotWaiting => "not_waiting",
            Self::Full(_) => "full",
            Self::Queued { .. } => "queued",
            Self::PlacesTaken { .. } => "places_taken",
            Self::LeavesSingle { .. } => "leaves_single",
            Self::NotTogether => "not_together",
            Self::SeatsFree => "seats_free",
            Self::Conflict { .. } => "conflict",
            Self::Denied { .. } => "denied",
            Self::Unchecked => "unchecked",
            Self::Recall => "recall",
            Self::Booked { .. } => "booked",
            Self::Held { .. } => "held",
            Self::Requested => "requested",
            Self::Approved { .. } => "approved",
            Self::Declined => "declined",
            Self::Waiting { .. } => "waiting",
            Self::LeftWaitlist => "left_waitlist",
            Self::AlreadyConfirmed => "already_confirmed",
            Self::NotHeld => "not_held",
            Self::Confirmed => "confirmed",
            Self::OfferTaken { .. } => "offer_taken",
            Self::Reacquired { .. } => "reacquired",
            Self::RefundDue => "refund_due",
            Self::NoRefundDue => "no_refund_due",
            Self::RefundSettled { .. } => "refund_settled",
            Self::HoldTooLong { .. } => "hold_too_long",
            Self::Extended { .. } => "extended",
            Self::Released => "released",
            Self::NotBooked => "not_booked",
            Self::Cancelled => "cancelled",
            Self::Transferred { .. } => "transferred",
            Self::Unchanged => "unchanged",
            Self::Changed { .. } => "changed",
            Self::Moved => "moved",
            Self::AlreadyOpen { .. } => "already_open",
            Self::Opened => "opened",
            Self::AsBefore => "as_before",
            Self::Closed => "closed",
            Self::Reopened => "reopened",
            Self::Taken { .. } => "taken",
            Self::UnknownPool { .. } => "unknown_pool",
            Self::TooManyPools { .. } => "too_many_pools",
            Self::SeatMapFull { .. } => "seat_map_full",
            Self::Resized { .. } => "resized",
            Self::Set => "set",
        }
    }
}
