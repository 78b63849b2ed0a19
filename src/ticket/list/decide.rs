//! The rules: what a command comes to, given the list and the time.

use std::collections::BTreeSet;

use crate::id::{PoolName, VoucherCode};
use crate::ticket::list::command::PriceCommand;
use crate::ticket::list::event::PriceEvent;
use crate::ticket::list::offer::{SaleWindow, TicketOffer, Voucher};
use crate::ticket::list::outcome::{PriceFlaw, PriceOutcome};
use crate::ticket::list::redeem::OWN_LIMIT;
use crate::ticket::list::state::PriceList;
use crate::ticket::list::wire::DATA_BYTES_MAX;
use crate::ticket::list::{PriceReply, wire};
use crate::ticket::money::Money;
use crate::ticket::price::{Effect, Promotion};
use crate::time::Timestamp;

/// Kinds of tickets of a list, its promotions, and its pools of uses: each at most so many.
const KINDS_MAX: usize = 1_000;
/// Vouchers that were ever on a list.
const VOUCHERS_MAX: usize = 10_000;
/// The whole, in ten-thousandths.
const ALL: u32 = 10_000;
/// Pools that one thing draws on: with a voucher's own they have room in an event of a booking stream.
const POOLS_MAX: usize = 25;

/// What a command comes to, and what must be recorded before anybody is told.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceDecision {
    /// What is to be recorded; none if the command is refused or changes nothing.
    pub event: Option<PriceEvent>,
    /// The answer, once the event is durable.
    pub reply: PriceReply,
    /// The instant of the event: never before the list's latest.
    pub at: Timestamp,
}

/// An event, or the outcome that says why there is none.
type Decided = Result<(PriceOutcome, PriceEvent), PriceOutcome>;

/// Decides `command` against `list` at `now`. The same arguments always give the same decision.
///
/// A list has at most 1,000 kinds of tickets, 1,000 promotions, 1,000 pools of uses, and 10,000 vouchers, those that were
/// withdrawn included.
pub fn decide(list: &PriceList, command: &PriceCommand, now: Timestamp) -> PriceDecision {
    let at = now.max(list.latest_at());
    let decided = decided(list, command).and_then(|(outcome, event)| {
        let fits = wire::data_bytes(&event) <= DATA_BYTES_MAX;
        let too_large = PriceOutcome::Invalid(PriceFlaw::TooLarge { bytes_max: DATA_BYTES_MAX });
        if fits { Ok((outcome, event)) } else { Err(too_large) }
    });
    match decided {
        Ok((outcome, event)) => {
            PriceDecision { event: Some(event), reply: PriceReply { outcome, seq: list.seq().next() }, at }
        }
        Err(outcome) => PriceDecision { event: None, reply: PriceReply { outcome, seq: list.seq() }, at },
    }
}

fn decided(list: &PriceList, command: &PriceCommand) -> Decided {
    let currency = list.currency();
    if let PriceCommand::Start { currency: wanted } = command {
        return match currency {
            Some(currency) if currency == *wanted => Err(PriceOutcome::Unchanged),
            Some(currency) => Err(PriceOutcome::AlreadyStarted { currency }),
            None => Ok((PriceOutcome::Started, PriceEvent::Started { currency: *wanted })),
        };
    }
    if currency.is_none() {
        return Err(PriceOutcome::NotStarted);
    }
    match command {
        PriceCommand::Start { .. } => Err(PriceOutcome::Unchanged),
        PriceCommand::SetTicket { offer } => set_ticket(list, offer),
        PriceCommand::RemoveTicket { ticket } => {
            there(list.tickets.contains_key(ticket))?;
            Ok((PriceOutcome::Removed, PriceEvent::TicketRemoved { ticket: ticket.clone() }))
        }
        PriceCommand::SetPromotion { promotion } => set_promotion(list, promotion),
        PriceCommand::RemovePromotion { promotion } => {
            there(list.promotions.contains_key(promotion))?;
            not_unlocked(list, promotion)?;
            Ok((PriceOutcome::Removed, PriceEvent::PromotionRemoved { promotion: promotion.clone() }))
        }
        PriceCommand::SetVoucherPool { pool, uses } => set_pool(list, pool, *uses),
        PriceCommand::SetVoucher { voucher } => set_voucher(list, voucher),
        PriceCommand::WithdrawVoucher { code } => withdraw(list, code),
    }
}

fn set_ticket(list: &PriceList, offer: &TicketOffer) -> Decided {
    let before = list.tickets.get(&offer.ticket);
    changes(before != Some(offer))?;
    amounts(list, [&offer.price])?;
    window(&offer.sale)?;
    if offer.code.as_deref() == Some("") {
        return Err(PriceOutcome::Invalid(PriceFlaw::NoName));
    }
    few_pools(&offer.pools)?;
    room(before.is_some(), list.tickets.len(), KINDS_MAX)?;
    Ok((PriceOutcome::Set, PriceEvent::TicketSet { offer: Box::new(offer.clone()) }))
}

fn set_promotion(list: &PriceList, promotion: &Promotion) -> Decided {
    let before = list.promotions.get(&promotion.name);
    changes(before != Some(promotion))?;
    if promotion.name.is_empty() || promotion.needs.code.as_deref() == Some("") {
        return Err(PriceOutcome::Invalid(PriceFlaw::NoName));
    }
    let amount = match &promotion.effect {
        Effect::Share { per_10_000, .. } if *per_10_000 > ALL => {
            return Err(PriceOutcome::Invalid(PriceFlaw::MoreThanAll { max: ALL }));
        }
        Effect::Bundle { items, .. } if items.values().all(|count| *count == 0) => {
            return Err(PriceOutcome::Invalid(PriceFlaw::EmptyBundle));
        }
        Effect::Share { .. } => None,
        Effect::Fixed { off: amount } | Effect::Bundle { price: amount, .. } | Effect::Rate { unit: amount } => {
            Some(amount)
        }
    };
    amounts(list, amount.into_iter().chain(&promotion.needs.at_least))?;
    room(before.is_some(), list.promotions.len(), KINDS_MAX)?;
    if promotion.needs.code.is_none() {
        not_unlocked(list, &promotion.name)?;
    }
    Ok((PriceOutcome::Set, PriceEvent::PromotionSet { promotion: Box::new(promotion.clone()) }))
}

fn set_pool(list: &PriceList, pool: &PoolName, uses: u32) -> Decided {
    let before = list.pools.get(pool);
    changes(before != Some(&uses))?;
    if pool.as_str().starts_with(OWN_LIMIT) {
        return Err(PriceOutcome::Invalid(PriceFlaw::ReservedPool));
    }
    room(before.is_some(), list.pools.len(), KINDS_MAX)?;
    Ok((PriceOutcome::Set, PriceEvent::VoucherPoolSet { pool: pool.clone(), uses }))
}

fn set_voucher(list: &PriceList, voucher: &Voucher) -> Decided {
    let before = list.issued.get(&voucher.code);
    changes(before.is_none_or(|before| before.withdrawn || before.voucher != *voucher))?;
    window(&voucher.window)?;
    few_pools(&voucher.pools)?;
    room(before.is_some(), list.issued.len(), VOUCHERS_MAX)?;
    let named = || voucher.promotion.clone();
    let promotion = list.promotions.get(&voucher.promotion);
    let promotion = promotion.ok_or_else(|| PriceOutcome::UnknownPromotion { promotion: named() })?;
    if promotion.needs.code.is_none() {
        return Err(PriceOutcome::NeedsNoCode { promotion: named() });
    }
    if let Some(pool) = voucher.pools.iter().find(|pool| !list.pools.contains_key(*pool)) {
        return Err(PriceOutcome::UnknownPool { pool: pool.clone() });
    }
    Ok((PriceOutcome::Set, PriceEvent::VoucherSet { voucher: Box::new(voucher.clone()) }))
}

fn withdraw(list: &PriceList, code: &VoucherCode) -> Decided {
    let before = list.issued.get(code).ok_or(PriceOutcome::NotThere)?;
    changes(!before.withdrawn)?;
    Ok((PriceOutcome::Removed, PriceEvent::VoucherWithdrawn { code: code.clone() }))
}

fn there(there: bool) -> Result<(), PriceOutcome> {
    if there { Ok(()) } else { Err(PriceOutcome::NotThere) }
}

fn changes(changes: bool) -> Result<(), PriceOutcome> {
    if changes { Ok(()) } else { Err(PriceOutcome::Unchanged) }
}

fn room(replaced: bool, count: usize, max: usize) -> Result<(), PriceOutcome> {
    if replaced || count < max { Ok(()) } else { Err(PriceOutcome::TooMany { max }) }
}

fn not_unlocked(list: &PriceList, promotion: &str) -> Result<(), PriceOutcome> {
    let by = list.vouchers().find(|voucher| voucher.promotion == promotion);
    by.map_or(Ok(()), |by| Err(PriceOutcome::Unlocked { by: by.code.clone() }))
}

fn amounts<'a>(list: &PriceList, amounts: impl IntoIterator<Item = &'a Money>) -> Result<(), PriceOutcome> {
    for amount in amounts {
        if let Some(currency) = list.currency().filter(|currency| *currency != amount.currency()) {
            return Err(PriceOutcome::Invalid(PriceFlaw::OtherCurrency { currency }));
        }
        if amount.minor() < 0 {
            return Err(PriceOutcome::Invalid(PriceFlaw::Negative));
        }
    }
    Ok(())
}

fn window(window: &SaleWindow) -> Result<(), PriceOutcome> {
    if window.is_empty() { Err(PriceOutcome::Invalid(PriceFlaw::NeverOnSale)) } else { Ok(()) }
}

fn few_pools(pools: &BTreeSet<PoolName>) -> Result<(), PriceOutcome> {
    let too_many = PriceOutcome::Invalid(PriceFlaw::TooManyPools { max: POOLS_MAX });
    if pools.len() > POOLS_MAX { Err(too_many) } else { Ok(()) }
}
