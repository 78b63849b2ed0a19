//! From a basket that was quoted to an order.

use super::line::{NewOrder, OrderLine};
use crate::id::{AttendeeId, IdError, PriceListName, VoucherCode};
use crate::ticket::list::{Basket, BasketLine, PriceList, redemption, voucher_occurrence};
use crate::ticket::money::Money;
use crate::ticket::payment::OrderId;
use crate::ticket::price::Quote;

/// A basket with what was said to it: [`Priced::Quote`](crate::ticket::list::Priced::Quote).
#[derive(Clone, Copy, Debug)]
pub struct QuotedBasket<'a> {
    /// The name of the list.
    pub name: &'a PriceListName,
    /// The list that it was quoted by.
    pub list: &'a PriceList,
    /// What is bought.
    pub basket: &'a Basket,
    /// What it costs.
    pub quote: &'a Quote,
    /// Vouchers that took something off.
    pub vouchers: &'a [VoucherCode],
}

/// Why there is no order for a quote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuoteError {
    /// The quote is of another basket, or by another list.
    #[error("line {line} of the basket is not what was quoted")]
    OtherBasket {
        /// The first line that differs, from 0.
        line: usize,
    },
    /// The use of a voucher has no name.
    #[error(transparent)]
    Name(#[from] IdError),
}

impl NewOrder {
    /// An order for a basket, on the usual terms: a line for each of the basket, in their order, at the net amount of the quote; and
    /// after them a line without cost for each voucher, so that its use is held, paid for and given back with the seats.
    ///
    /// The lines add up to the total of the quote. How many seats one person may have is as the list says it now.
    ///
    /// ```
    /// use boxoffice_core::booking::Party;
    /// use boxoffice_core::id::{AttendeeId, PriceListName, TicketType};
    /// use boxoffice_core::ticket::list::{Basket, BasketLine, PriceCommand, PriceList, Priced, TicketOffer, decide};
    /// use boxoffice_core::ticket::order::{NewOrder, QuotedBasket};
    /// use boxoffice_core::ticket::{Currency, payment::OrderId};
    /// use boxoffice_core::time::Timestamp;
    ///
    /// let (mut list, now) = (PriceList::new(), Timestamp::EPOCH);
    /// let adult = TicketType::new("adult")?;
    /// let offer = TicketOffer::new(adult.clone(), "12.00 EUR".parse()?);
    /// for command in [PriceCommand::Start { currency: Currency::new("EUR")? }, PriceCommand::set_ticket(offer)] {
    ///     let decision = decide(&list, &command, now);
    ///     list.evolve(list.seq().next(), decision.at, &decision.event.ok_or("refused")?);
    /// }
    /// let (ann, party) = (AttendeeId::new("ann")?, Party::of(2).with_ticket(adult));
    /// let line = BasketLine { occurrence: "chess@20260105T190000".parse()?, holder: ann.clone(), party };
    /// let basket = Basket { lines: vec![line], ..Basket::default() };
    /// let Priced::Quote { quote, vouchers } = list.quote(&basket, now)? else { return Err("refused".into()) };
    ///
    /// let name = PriceListName::new("season")?;
    /// let quoted = QuotedBasket { name: &name, list: &list, basket: &basket, quote: &quote, vouchers: &vouchers };
    /// let order = NewOrder::of_basket(OrderId::new("o-4711")?, ann, "Chess", &quoted)?;
    /// assert_eq!((order.total()?, order.check()), (Some(quote.total), None));
    /// assert!(order.is_of_basket(&name, &basket));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`QuoteError`] when quote, list and basket do not belong together.
    pub fn of_basket(
        id: OrderId,
        buyer: AttendeeId,
        title: impl Into<String>,
        quoted: &QuotedBasket<'_>,
    ) -> Result<Self, QuoteError> {
        let mut lines = quoted.seats()?;
        lines.extend(quoted.uses(&id)?);
        Ok(Self::new(id, buyer, title, lines))
    }

    /// Whether it was made for this basket, whatever it cost: for the same seats, and with no vouchers but those of its codes.
    pub fn is_of_basket(&self, name: &PriceListName, basket: &Basket) -> bool {
        let (uses, seats): (Vec<&OrderLine>, Vec<&OrderLine>) = self.lines.iter().partition(|line| line.voucher);
        let is_wanted = |(line, wanted): (&&OrderLine, &BasketLine)| {
            (&line.occurrence, &line.holder, &line.party) == (&wanted.occurrence, &wanted.holder, &wanted.party)
        };
        let codes = basket.codes.iter().filter_map(|code| VoucherCode::new(code).ok());
        let known: Vec<_> = codes.filter_map(|code| redemption(self.id.as_str(), &code).ok()).collect();
        let is_known = |line: &&OrderLine| {
            let is_use = |(holder, party): &(AttendeeId, _)| *holder == line.holder && *party == line.party;
            line.occurrence == voucher_occurrence(name) && known.iter().any(is_use)
        };
        seats.len() == basket.lines.len() && seats.iter().zip(&basket.lines).all(is_wanted) && uses.iter().all(is_known)
    }
}

impl QuotedBasket<'_> {
    fn seats(&self) -> Result<Vec<OrderLine>, QuoteError> {
        let (bought, quoted) = (&self.basket.lines, &self.quote.lines);
        if bought.len() != quoted.len() {
            return Err(QuoteError::OtherBasket { line: bought.len().min(quoted.len()) });
        }
        let mut lines = Vec::with_capacity(bought.len());
        for (number, (line, quoted)) in bought.iter().zip(quoted).enumerate() {
            let ticket = line.party.ticket.as_ref();
            let is_same =
                ticket.is_some_and(|ticket| ticket.as_str() == quoted.item) && line.party.seats.get() == quoted.count;
            let offer = self.list.tickets().find(|offer| Some(&offer.ticket) == ticket).filter(|_| is_same);
            let offer = offer.ok_or(QuoteError::OtherBasket { line: number })?;
            let seats = OrderLine::new(line.occurrence.clone(), line.holder.clone(), line.party.clone(), quoted.net);
            lines.push(OrderLine { per_person: offer.per_person, ..seats });
        }
        Ok(lines)
    }

    fn uses(&self, order: &OrderId) -> Result<Vec<OrderLine>, QuoteError> {
        let nothing = Money::new(0, self.quote.total.currency());
        let of = |code: &VoucherCode| {
            let (holder, party) = redemption(order.as_str(), code)?;
            let line = OrderLine::new(voucher_occurrence(self.name), holder, party, nothing);
            Ok(OrderLine { voucher: true, ..line })
        };
        self.vouchers.iter().map(of).collect()
    }
}
