//! What can have happened to a list.

use crate::id::{PoolName, TicketType, VoucherCode};
use crate::ticket::currency::Currency;
use crate::ticket::list::offer::{TicketOffer, Voucher};
use crate::ticket::price::Promotion;

/// A recorded fact of the stream of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriceEvent {
    /// The list was begun.
    Started {
        /// Of all prices on it.
        currency: Currency,
    },
    /// A kind of ticket came onto the list, or was changed.
    TicketSet {
        /// All of it.
        offer: Box<TicketOffer>,
    },
    /// A kind of ticket was taken off it.
    TicketRemoved {
        /// Which.
        ticket: TicketType,
    },
    /// A promotion came onto the list, or was changed.
    PromotionSet {
        /// All of it.
        promotion: Box<Promotion>,
    },
    /// A promotion was taken off it.
    PromotionRemoved {
        /// Its name.
        promotion: String,
    },
    /// There is a pool of uses, or another number of uses in it.
    VoucherPoolSet {
        /// Which.
        pool: PoolName,
        /// Uses in it.
        uses: u32,
    },
    /// A voucher came onto the list, or was changed.
    VoucherSet {
        /// All of it.
        voucher: Box<Voucher>,
    },
    /// A voucher is taken no longer.
    VoucherWithdrawn {
        /// Which.
        code: VoucherCode,
    },
}
