//! What a basket costs, or why it is not sold.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{OccurrenceId, TicketType, VoucherCode};
use crate::ticket::list::basket::{Basket, BasketLine, PriceRefusal, Priced, Sought};
use crate::ticket::list::offer::TicketOffer;
use crate::ticket::list::state::PriceList;
use crate::ticket::money::Money;
use crate::ticket::price::{Cart, LINES_MAX, Line, PriceError, which_promotions};
use crate::time::Timestamp;

/// What the codes of a basket open, and the first voucher that opens it; none where no voucher is needed.
type Opened<'a> = BTreeMap<&'a str, Option<&'a VoucherCode>>;

/// A basket that is sold.
struct Sold<'a> {
    lines: Vec<Line>,
    opened: Opened<'a>,
}

impl Sold<'_> {
    fn cart(self, basket: &Basket) -> Result<Cart, PriceError> {
        let cart = basket.buyer.iter().fold(Cart::new(self.lines)?, Cart::buyer);
        Ok(self.opened.into_keys().fold(cart, Cart::code))
    }
}

impl PriceList {
    /// What a basket costs at `now`, with the promotions of the list and the codes that the buyer gave. Vouchers are not used up by
    /// it, and whether they have uses left is not looked at: see [`redemption`](super::redemption).
    ///
    /// # Errors
    /// [`PriceError`] when amounts are too much.
    pub fn quote(&self, basket: &Basket, now: Timestamp) -> Result<Priced, PriceError> {
        let sold = match self.sold(basket, now) {
            Ok(sold) => sold,
            Err(refusal) => return Ok(Priced::Refused(refusal)),
        };
        let opened = sold.opened.clone();
        let quote = sold.cart(basket)?.quote(self.promotions())?;
        let taken = quote.offs.iter().filter_map(|off| self.promotions.get(&off.promotion)?.needs.code.as_deref());
        let vouchers: BTreeSet<&VoucherCode> = taken.filter_map(|code| *opened.get(code)?).collect();
        Ok(Priced::Quote { quote, vouchers: vouchers.into_iter().cloned().collect() })
    }

    /// Which promotions of the list give exactly this total: all minimal sets, of at most `quotes_max` that are tried. Codes that
    /// they need count as given. See [`which_promotions`].
    ///
    /// # Errors
    /// As [`PriceList::quote`].
    pub fn which_promotions(
        &self,
        basket: &Basket,
        now: Timestamp,
        total: Money,
        quotes_max: u64,
    ) -> Result<Sought, PriceError> {
        let sold = match self.sold(basket, now) {
            Ok(sold) => sold,
            Err(refusal) => return Ok(Sought::Refused(refusal)),
        };
        let promotions: Vec<_> = self.promotions().collect();
        Ok(Sought::Found(which_promotions(&sold.cart(basket)?, &promotions, total, quotes_max)?))
    }

    /// The lines as a cart has them, and what the codes open.
    fn sold<'a>(&'a self, basket: &'a Basket, now: Timestamp) -> Result<Sold<'a>, PriceRefusal> {
        misshapen(basket)?;
        let offers = self.offers(basket)?;
        let opened = self.opened(basket, now)?;
        on_sale(&offers, basket, now)?;
        few_enough(&offers, basket)?;
        let lines = offers.iter().zip(&basket.lines).map(|(offer, line)| Line {
            tags: offer.tags.clone(),
            ..Line::new(offer.ticket.as_str(), line.party.seats.get(), offer.price)
        });
        Ok(Sold { lines: lines.collect(), opened })
    }

    fn offers(&self, basket: &Basket) -> Result<Vec<&TicketOffer>, PriceRefusal> {
        let named = basket
            .lines
            .iter()
            .zip(0..)
            .map(|(line, at)| line.party.ticket.as_ref().ok_or(PriceRefusal::NoTicket { line: at }));
        let known = |ticket: &TicketType| {
            self.tickets.get(ticket).ok_or_else(|| PriceRefusal::UnknownTicket { ticket: ticket.clone() })
        };
        named.collect::<Result<Vec<_>, _>>()?.into_iter().map(known).collect()
    }

    fn opened<'a>(&'a self, basket: &'a Basket, now: Timestamp) -> Result<Opened<'a>, PriceRefusal> {
        let (mut opened, mut vouchers) = (Opened::new(), Vec::new());
        for code in &basket.codes {
            let issued = VoucherCode::new(code).ok().and_then(|code| self.issued.get(&code));
            if let Some(issued) = issued.filter(|issued| !issued.withdrawn) {
                vouchers.push(&issued.voucher);
            } else if issued.is_none() && self.is_open(code) {
                opened.insert(code.as_str(), None);
            } else if !self.tickets().any(|offer| offer.code.as_ref() == Some(code)) {
                return Err(PriceRefusal::UnknownCode { code: code.clone() });
            }
        }
        let early = vouchers.iter().find_map(|voucher| Some((voucher, voucher.window.not_before(now)?)));
        if let Some((voucher, from)) = early {
            return Err(PriceRefusal::CodeNotYet { code: voucher.code.clone(), from });
        }
        let late = vouchers.iter().find_map(|voucher| Some((voucher, voucher.window.ended(now)?)));
        if let Some((voucher, until)) = late {
            return Err(PriceRefusal::CodeNoLonger { code: voucher.code.clone(), until });
        }
        for voucher in vouchers {
            if let Some(lock) = self.opened_by(voucher) {
                opened.entry(lock).or_insert(Some(&voucher.code));
            }
        }
        Ok(opened)
    }

    /// Whether a promotion needs this code and no voucher was ever given out for it.
    fn is_open(&self, code: &str) -> bool {
        let is_needed = self.promotions().any(|promotion| promotion.needs.code.as_deref() == Some(code));
        is_needed && !self.issued.values().any(|issued| self.opened_by(&issued.voucher) == Some(code))
    }
}

fn misshapen(basket: &Basket) -> Result<(), PriceRefusal> {
    if basket.lines.is_empty() {
        return Err(PriceRefusal::Empty);
    }
    if basket.lines.len() > LINES_MAX {
        return Err(PriceRefusal::TooLong { max: u32::try_from(LINES_MAX).unwrap_or(u32::MAX) });
    }
    let mut holders = BTreeSet::new();
    for BasketLine { occurrence, holder, .. } in &basket.lines {
        if !holders.insert((occurrence, holder)) {
            return Err(PriceRefusal::HolderTwice { occurrence: occurrence.clone(), holder: holder.clone() });
        }
    }
    let none = basket.lines.iter().zip(0..).find(|(line, _)| line.party.seats.get() == 0);
    none.map_or(Ok(()), |(_, line)| Err(PriceRefusal::NoSeats { line }))
}

fn on_sale(offers: &[&TicketOffer], basket: &Basket, now: Timestamp) -> Result<(), PriceRefusal> {
    let ticket = |offer: &TicketOffer| offer.ticket.clone();
    let locked = offers.iter().find(|offer| offer.code.as_ref().is_some_and(|code| !basket.codes.contains(code)));
    if let Some(offer) = locked {
        return Err(PriceRefusal::NeedsCode { ticket: ticket(offer) });
    }
    let early = offers.iter().find_map(|offer| Some((offer, offer.sale.not_before(now)?)));
    if let Some((offer, from)) = early {
        return Err(PriceRefusal::NotYetOnSale { ticket: ticket(offer), from });
    }
    let late = offers.iter().find_map(|offer| Some((offer, offer.sale.ended(now)?)));
    late.map_or(Ok(()), |(offer, until)| Err(PriceRefusal::NoLongerOnSale { ticket: ticket(offer), until }))
}

fn few_enough(offers: &[&TicketOffer], basket: &Basket) -> Result<(), PriceRefusal> {
    let mut wanted: BTreeMap<(&OccurrenceId, &TicketType), u64> = BTreeMap::new();
    for (offer, line) in offers.iter().zip(&basket.lines) {
        let Some(max) = offer.per_person else { continue };
        let has = || basket.has.get(&line.occurrence).and_then(|has| has.get(&offer.ticket)).copied().unwrap_or(0);
        let seats = wanted.entry((&line.occurrence, &offer.ticket)).or_insert_with(|| u64::from(has()));
        *seats += u64::from(line.party.seats.get());
        if *seats > u64::from(max) {
            let (ticket, occurrence) = (offer.ticket.clone(), line.occurrence.clone());
            return Err(PriceRefusal::TooMany { ticket, occurrence, max });
        }
    }
    Ok(())
}
