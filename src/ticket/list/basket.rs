//! What somebody wants to buy, and what is said to it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::booking::Party;
use crate::id::{AttendeeId, OccurrenceId, TicketType, VoucherCode};
use crate::ticket::price::{Found, Quote};
use crate::time::Timestamp;

/// Seats that one holder shall have in one occurrence: all of one kind. Whoever buys two kinds names two holders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasketLine {
    /// Of which occurrence.
    pub occurrence: OccurrenceId,
    /// Who shall have the seats; in one occurrence nobody twice.
    pub holder: AttendeeId,
    /// How many seats, and of which kind; a kind must be named.
    pub party: Party,
}

/// What one buyer wants at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Basket {
    /// What the buyer is, such as `member`; the host answers for it.
    pub buyer: BTreeSet<String>,
    /// Codes that the buyer gave.
    pub codes: BTreeSet<String>,
    /// Seats of each kind that the buyer has already, by other orders: they count for how many one may have. What is not named is
    /// none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub has: BTreeMap<OccurrenceId, BTreeMap<TicketType, u32>>,
    /// The seats, at most 1,000 lines.
    pub lines: Vec<BasketLine>,
}

/// Why a basket is not sold.
///
/// The variants that may apply are checked in the order in which they stand here, and the first that applies is the answer; of
/// several lines or codes it is said of the first.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PriceRefusal {
    /// There is nothing in it.
    Empty,
    /// There are too many lines in it.
    TooLong {
        /// The most that are allowed.
        max: u32,
    },
    /// One holder stands there twice for one occurrence.
    HolderTwice {
        /// Which occurrence.
        occurrence: OccurrenceId,
        /// Who.
        holder: AttendeeId,
    },
    /// A line is of no seats.
    NoSeats {
        /// Which line, from 0.
        line: u32,
    },
    /// A line does not say which kind of ticket it is of.
    NoTicket {
        /// Which line, from 0.
        line: u32,
    },
    /// The list has no such kind of ticket.
    UnknownTicket {
        /// Which.
        ticket: TicketType,
    },
    /// Nothing goes by this code, or the voucher was withdrawn.
    UnknownCode {
        /// Which.
        code: String,
    },
    /// The voucher is not taken yet.
    CodeNotYet {
        /// Which.
        code: VoucherCode,
        /// From when on it is.
        from: Timestamp,
    },
    /// The voucher is not taken any more.
    CodeNoLonger {
        /// Which.
        code: VoucherCode,
        /// Since when.
        until: Timestamp,
    },
    /// This kind of ticket is sold only to who gives its code.
    NeedsCode {
        /// Which kind.
        ticket: TicketType,
    },
    /// This kind of ticket is not sold yet.
    NotYetOnSale {
        /// Which kind.
        ticket: TicketType,
        /// From when on it is.
        from: Timestamp,
    },
    /// This kind of ticket is not sold any more.
    NoLongerOnSale {
        /// Which kind.
        ticket: TicketType,
        /// Since when.
        until: Timestamp,
    },
    /// These are more seats of this kind than one buyer may have in one occurrence, those of all holders counted.
    TooMany {
        /// Which kind.
        ticket: TicketType,
        /// In which occurrence.
        occurrence: OccurrenceId,
        /// The most that are allowed.
        max: u32,
    },
}

impl PriceRefusal {
    /// The refusal in one word, as logs and tables show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong { .. } => "too_long",
            Self::HolderTwice { .. } => "holder_twice",
            Self::NoSeats { .. } => "no_seats",
            Self::NoTicket { .. } => "no_ticket",
            Self::UnknownTicket { .. } => "unknown_ticket",
            Self::UnknownCode { .. } => "unknown_code",
            Self::CodeNotYet { .. } => "code_not_yet",
            Self::CodeNoLonger { .. } => "code_no_longer",
            Self::NeedsCode { .. } => "needs_code",
            Self::NotYetOnSale { .. } => "not_yet_on_sale",
            Self::NoLongerOnSale { .. } => "no_longer_on_sale",
            Self::TooMany { .. } => "too_many",
        }
    }
}

/// What is said to a basket.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priced {
    /// This is what it costs.
    Quote {
        /// One line for each of the basket, in their order. To be kept as it is when it is sold.
        quote: Quote,
        /// Vouchers of which the sale is a use, because what they opened took something off; by their codes. Of several that
        /// open the same it is the first.
        vouchers: Vec<VoucherCode>,
    },
    /// It is not sold.
    Refused(PriceRefusal),
}

/// What a search backward came to.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    /// These sets of promotions.
    Found(Found),
    /// The basket is not sold.
    Refused(PriceRefusal),
}
