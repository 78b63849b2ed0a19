//! Every answer there is. "No" is one of them, not an error.

use core::fmt;

use crate::id::{PoolName, VoucherCode};
use crate::persist::Seq;
use crate::ticket::currency::Currency;

/// What is wrong with a command, whatever the list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PriceFlaw {
    /// A promotion has no name, or an open code is empty.
    NoName,
    /// An amount is of another currency than the list.
    OtherCurrency {
        /// That of the list.
        currency: Currency,
    },
    /// An amount is below zero.
    Negative,
    /// A promotion takes a share of more than the whole.
    MoreThanAll {
        /// Ten-thousandths that are the whole.
        max: u32,
    },
    /// A promotion sells a set in which nothing is.
    EmptyBundle,
    /// The end of a window is not after its start.
    NeverOnSale,
    /// It draws on too many pools.
    TooManyPools {
        /// The most that are allowed.
        max: usize,
    },
    /// The name of a pool begins with `code:`, as those do that stand for the limit of one voucher.
    ReservedPool,
    /// Its recorded form is too large.
    TooLarge {
        /// Bytes that are allowed.
        bytes_max: usize,
    },
}

impl fmt::Display for PriceFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName => f.write_str("a name or a code is empty"),
            Self::OtherCurrency { currency } => write!(f, "the list is in {currency}"),
            Self::Negative => f.write_str("an amount is below zero"),
            Self::MoreThanAll { max } => write!(f, "its share is more than all there is, {max} ten-thousandths"),
            Self::EmptyBundle => f.write_str("its bundle has no items"),
            Self::NeverOnSale => f.write_str("the end of the window is not after its start"),
            Self::TooManyPools { max } => write!(f, "it draws on more than {max} pools"),
            Self::ReservedPool => f.write_str("names that begin with code: are kept for the limits of vouchers"),
            Self::TooLarge { bytes_max } => write!(f, "its record has more than {bytes_max} bytes"),
        }
    }
}

/// What a command came to.
///
/// For one command, the variants that may apply are checked in the order in which they stand here, and the first that applies
/// is the answer.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PriceOutcome {
    /// All but start: there is no such list.
    NotStarted,
    /// Start: the list is there, in another currency.
    AlreadyStarted {
        /// Which.
        currency: Currency,
    },
    /// Remove, withdraw: there is no such thing on the list.
    NotThere,
    /// All: it is so already. Nothing was written.
    Unchanged,
    /// Set: it makes no sense.
    Invalid(PriceFlaw),
    /// Set: there are as many of its kind as a list may have.
    TooMany {
        /// How many.
        max: usize,
    },
    /// Set voucher: the list has no such promotion.
    UnknownPromotion {
        /// Its name.
        promotion: String,
    },
    /// Set voucher: the promotion needs no code, so there is nothing to unlock.
    NeedsNoCode {
        /// Its name.
        promotion: String,
    },
    /// Set voucher: the list has no such pool of uses.
    UnknownPool {
        /// Which.
        pool: PoolName,
    },
    /// Remove promotion, and set promotion to one that needs no code: a voucher unlocks it.
    Unlocked {
        /// The first.
        by: VoucherCode,
    },
    /// Start: the list is begun.
    Started,
    /// Set: done.
    Set,
    /// Remove, withdraw: done.
    Removed,
}

impl PriceOutcome {
    /// Whether the command was carried out by this very call.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Started | Self::Set | Self::Removed)
    }

    /// The outcome in one word, as logs and tables show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::AlreadyStarted { .. } => "already_started",
            Self::NotThere => "not_there",
            Self::Unchanged => "unchanged",
            Self::Invalid(_) => "invalid",
            Self::TooMany { .. } => "too_many",
            Self::UnknownPromotion { .. } => "unknown_promotion",
            Self::NeedsNoCode { .. } => "needs_no_code",
            Self::UnknownPool { .. } => "unknown_pool",
            Self::Unlocked { .. } => "unlocked",
            Self::Started => "started",
            Self::Set => "set",
            Self::Removed => "removed",
        }
    }
}

/// The answer to one command.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceReply {
    /// What became of it.
    pub outcome: PriceOutcome,
    /// The last event of the list that the answer rests on, its own included.
    pub seq: Seq,
}
