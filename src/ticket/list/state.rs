//! The state of one list, folded from its events.

use std::collections::BTreeMap;

use crate::id::{PoolName, TicketType, VoucherCode};
use crate::persist::Seq;
use crate::ticket::currency::Currency;
use crate::ticket::list::event::PriceEvent;
use crate::ticket::list::offer::{TicketOffer, Voucher};
use crate::ticket::price::Promotion;
use crate::time::Timestamp;

/// A voucher that was ever on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Issued {
    pub(super) voucher: Voucher,
    pub(super) withdrawn: bool,
}

/// A list as its events made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceList {
    currency: Option<Currency>,
    pub(super) tickets: BTreeMap<TicketType, TicketOffer>,
    pub(super) promotions: BTreeMap<String, Promotion>,
    pub(super) pools: BTreeMap<PoolName, u32>,
    pub(super) issued: BTreeMap<VoucherCode, Issued>,
    seq: Seq,
    latest_at: Timestamp,
}

impl Default for PriceList {
    fn default() -> Self {
        Self::new()
    }
}

impl PriceList {
    /// A list about which nothing was recorded.
    pub fn new() -> Self {
        Self {
            currency: None,
            tickets: BTreeMap::new(),
            promotions: BTreeMap::new(),
            pools: BTreeMap::new(),
            issued: BTreeMap::new(),
            seq: Seq::UNWRITTEN,
            latest_at: Timestamp::from_millis(i64::MIN),
        }
    }

    /// Of all its prices; none if it was never begun.
    pub fn currency(&self) -> Option<Currency> {
        self.currency
    }

    /// Kinds of tickets, by name.
    pub fn tickets(&self) -> impl Iterator<Item = &TicketOffer> {
        self.tickets.values()
    }

    /// Promotions, by name.
    pub fn promotions(&self) -> impl Iterator<Item = &Promotion> {
        self.promotions.values()
    }

    /// Pools of uses that vouchers share, by name, and how many uses each has.
    pub fn voucher_pools(&self) -> impl Iterator<Item = (&PoolName, u32)> {
        self.pools.iter().map(|(pool, uses)| (pool, *uses))
    }

    /// Vouchers that are taken, by code.
    pub fn vouchers(&self) -> impl Iterator<Item = &Voucher> {
        self.issued.values().filter(|issued| !issued.withdrawn).map(|issued| &issued.voucher)
    }

    /// Its last event.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// The latest instant of its events.
    pub fn latest_at(&self) -> Timestamp {
        self.latest_at
    }

    /// What a voucher, withdrawn or not, opens: what its promotion needs as a code.
    pub(super) fn opened_by(&self, voucher: &Voucher) -> Option<&str> {
        self.promotions.get(&voucher.promotion)?.needs.code.as_deref()
    }

    /// Folds what was recorded as `seq`, at the instant `at`. Takes whatever was recorded: it may not refuse.
    pub fn evolve(&mut self, seq: Seq, at: Timestamp, event: &PriceEvent) {
        self.seq = seq;
        self.latest_at = self.latest_at.max(at);
        match event {
            PriceEvent::Started { currency } => self.currency = Some(*currency),
            PriceEvent::TicketSet { offer } => {
                self.tickets.insert(offer.ticket.clone(), (**offer).clone());
            }
            PriceEvent::TicketRemoved { ticket } => {
                self.tickets.remove(ticket);
            }
            PriceEvent::PromotionSet { promotion } => {
                self.promotions.insert(promotion.name.clone(), (**promotion).clone());
            }
            PriceEvent::PromotionRemoved { promotion } => {
                self.promotions.remove(promotion);
            }
            PriceEvent::VoucherPoolSet { pool, uses } => {
                self.pools.insert(pool.clone(), *uses);
            }
            PriceEvent::VoucherSet { voucher } => {
                let issued = Issued { voucher: (**voucher).clone(), withdrawn: false };
                self.issued.insert(voucher.code.clone(), issued);
            }
            PriceEvent::VoucherWithdrawn { code } => {
                if let Some(issued) = self.issued.get_mut(code) {
                    issued.withdrawn = true;
                }
            }
        }
    }
}
