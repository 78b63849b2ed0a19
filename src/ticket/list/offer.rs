//! What is on a list.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::{PoolName, TicketType, VoucherCode};
use crate::ticket::money::Money;
use crate::time::Timestamp;

/// From when to when something is sold: the start is inside, the end is not. The default is always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SaleWindow {
    /// First instant inside; none is no lower bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// First instant after it; none is no upper bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl SaleWindow {
    /// When it begins, if that is after `now`.
    pub fn not_before(&self, now: Timestamp) -> Option<Timestamp> {
        self.from.filter(|from| now < *from)
    }

    /// When it ended, if that is not after `now`.
    pub fn ended(&self, now: Timestamp) -> Option<Timestamp> {
        self.until.filter(|until| *until <= now)
    }

    /// Whether no instant lies inside.
    pub fn is_empty(&self) -> bool {
        self.from.zip(self.until).is_some_and(|(from, until)| until <= from)
    }

    fn is_always(&self) -> bool {
        *self == Self::default()
    }
}

/// A kind of ticket that is sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketOffer {
    /// Which kind; also the item by which bundles know it.
    pub ticket: TicketType,
    /// What one seat costs; not below zero.
    pub price: Money,
    /// Kinds of things that it is one of, for promotions that ask.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// When it is sold.
    #[serde(default, skip_serializing_if = "SaleWindow::is_always")]
    pub sale: SaleWindow,
    /// Seats of this kind that one buyer may have in one occurrence; none is any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_person: Option<u32>,
    /// It is sold only to who gives this code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Pools of the house that its seats are taken from besides; at most 25.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pools: BTreeSet<PoolName>,
}

impl TicketOffer {
    /// One that is sold always, to everybody, in any number.
    pub fn new(ticket: TicketType, price: Money) -> Self {
        let (tags, sale, pools) = (BTreeSet::new(), SaleWindow::default(), BTreeSet::new());
        Self { ticket, price, tags, sale, per_person: None, code: None, pools }
    }
}

/// A code that unlocks a promotion a limited number of times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voucher {
    /// What the buyer gives.
    pub code: VoucherCode,
    /// The promotion that it is for. What that needs as a code is opened, for other promotions that need the same too.
    pub promotion: String,
    /// Orders that it may make cheaper; none is any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// Pools of uses that it draws on besides, each shared with other vouchers; at most 25. Moved to other pools, its uses count
    /// there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub pools: BTreeSet<PoolName>,
    /// When it is taken.
    #[serde(default, skip_serializing_if = "SaleWindow::is_always")]
    pub window: SaleWindow,
}

impl Voucher {
    /// One that is taken always and any number of times.
    pub fn new(code: VoucherCode, promotion: impl Into<String>) -> Self {
        let (pools, window) = (BTreeSet::new(), SaleWindow::default());
        Self { code, promotion: promotion.into(), uses: None, pools, window }
    }
}
