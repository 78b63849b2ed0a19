//! What may be asked of a list.

use crate::id::{PoolName, TicketType, VoucherCode};
use crate::ticket::currency::Currency;
use crate::ticket::list::offer::{TicketOffer, Voucher};
use crate::ticket::price::Promotion;

/// A request that is decided on one list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PriceCommand {
    /// Begin the list. Its currency never changes.
    Start {
        /// Of all prices on it.
        currency: Currency,
    },
    /// Put a kind of ticket on the list, or change it.
    SetTicket {
        /// All of it, as it shall be.
        offer: Box<TicketOffer>,
    },
    /// Take a kind of ticket off the list. What was sold stays sold.
    RemoveTicket {
        /// Which.
        ticket: TicketType,
    },
    /// Put a promotion on the list, or change it.
    SetPromotion {
        /// All of it, as it shall be.
        promotion: Box<Promotion>,
    },
    /// Take a promotion off the list, if no voucher unlocks it.
    RemovePromotion {
        /// Its name.
        promotion: String,
    },
    /// Make a pool of uses that vouchers share, or change how many there are. It is never taken away: none are left of one of
    /// 0 uses.
    SetVoucherPool {
        /// Which; a name that does not begin with `code:`.
        pool: PoolName,
        /// Uses in it, those that are spent included.
        uses: u32,
    },
    /// Put a voucher on the list, or change it. One that was withdrawn is taken again, its uses counted on.
    SetVoucher {
        /// All of it, as it shall be.
        voucher: Box<Voucher>,
    },
    /// Take a voucher no longer. Its uses stay counted in its pools.
    WithdrawVoucher {
        /// Which.
        code: VoucherCode,
    },
}

impl PriceCommand {
    /// [`PriceCommand::SetTicket`].
    pub fn set_ticket(offer: TicketOffer) -> Self {
        Self::SetTicket { offer: Box::new(offer) }
    }

    /// [`PriceCommand::SetPromotion`].
    pub fn set_promotion(promotion: Promotion) -> Self {
        Self::SetPromotion { promotion: Box::new(promotion) }
    }

    /// [`PriceCommand::SetVoucher`].
    pub fn set_voucher(voucher: Voucher) -> Self {
        Self::SetVoucher { voucher: Box::new(voucher) }
    }

    /// The command in one word, as logs show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::SetTicket { .. } => "set_ticket",
            Self::RemoveTicket { .. } => "remove_ticket",
            Self::SetPromotion { .. } => "set_promotion",
            Self::RemovePromotion { .. } => "remove_promotion",
            Self::SetVoucherPool { .. } => "set_voucher_pool",
            Self::SetVoucher { .. } => "set_voucher",
            Self::WithdrawVoucher { .. } => "withdraw_voucher",
        }
    }
}
