//! Seats in numbers.

use serde::{Deserialize, Serialize};

use super::ledger::SeatLedger;
use super::party::Seats;
use crate::persist::Seq;
use crate::time::Timestamp;

/// How many seats there are and where they are, as of a sequence number.
///
/// A hold counts until its lapse is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatCount {
    /// Seats for sale, blocked ones included; none before the sale was opened.
    pub capacity: Option<Seats>,
    /// Whether seats are given: the sale was opened and is not closed.
    pub on_sale: bool,
    /// Seats kept from sale.
    pub blocked: Seats,
    /// Seats that nobody has; where they have names, no more than there are free places.
    pub free: u64,
    /// Seats held.
    pub held: u64,
    /// Seats confirmed.
    pub confirmed: u64,
    /// Attendees who wait and are served before others; none without a waitlist.
    pub waiting: u64,
    /// When the next hold lapses.
    pub returns: Option<Timestamp>,
    /// The last event taken into account.
    pub seq: Seq,
}

/// What to tell somebody who wants a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatsLeft {
    /// Nothing is for sale, yet or any more.
    NotOnSale,
    /// So many can be had.
    Free(u64),
    /// Seats are free, and others wait for some of them: whoever comes now may have to wait too.
    Awaited {
        /// Free seats.
        free: u64,
        /// Attendees who wait.
        waiting: u64,
    },
    /// None can be had now. Some are only held, and may return.
    AllHeld {
        /// When the first of them lapses, unless it is confirmed before.
        returns: Timestamp,
    },
    /// None can be had unless somebody gives seats up.
    SoldOut,
}

impl SeatCount {
    /// The same in one word.
    ///
    /// ```
    /// use boxoffice_core::booking::{SeatCount, SeatLedger, SeatsLeft};
    /// assert_eq!(SeatCount::from(&SeatLedger::new()).left(), SeatsLeft::NotOnSale);
    /// ```
    pub fn left(&self) -> SeatsLeft {
        match self.returns {
            _ if !self.on_sale => SeatsLeft::NotOnSale,
            _ if self.free > 0 && self.waiting > 0 => SeatsLeft::Awaited { free: self.free, waiting: self.waiting },
            _ if self.free > 0 => SeatsLeft::Free(self.free),
            Some(returns) => SeatsLeft::AllHeld { returns },
            None => SeatsLeft::SoldOut,
        }
    }
}

impl From<&SeatLedger> for SeatCount {
    fn from(ledger: &SeatLedger) -> Self {
        Self {
            capacity: ledger.capacity(),
            on_sale: ledger.is_on_sale(),
            blocked: ledger.blocked(),
            free: ledger.house.hall.left().map_or(ledger.free(), |places| places.min(ledger.free())),
            held: ledger.held(),
            confirmed: ledger.confirmed(),
            waiting: ledger.settings().waitlist.map_or(0, |_| ledger.line.waiters.len() as u64),
            returns: ledger.next_deadline(),
            seq: ledger.seq(),
        }
    }
}
