//! Lists of prices: which tickets there are, from when to when, for whom, and what vouchers unlock.
//!
//! *What it is.* Every list has one append-only stream of [`PriceEvent`]s, `prices:` and its name. Folded in order they are a
//! [`PriceList`], now or as of any earlier moment. [`decide`] says what a [`PriceCommand`] comes to; [`PriceList::quote`] what
//! a [`Basket`] costs, or why it is not sold. A quote is kept as it is when it is sold: the list goes on without it.
//!
//! *Codes.* A code that a buyer gives is one of three. It is a *voucher*'s: that opens what the promotion needs which the
//! voucher names, and each order that it made cheaper is one of its uses. It is what a promotion needs to which no voucher was
//! ever given out: that opens it, any number of times. Or it is the code that a kind of ticket is sold under. One that opens
//! what two promotions need opens both.
//!
//! *Limits of vouchers.* They are kept by the rules of [`booking`](crate::booking), so that there is no second ledger and no
//! second way to give one use too many. A list has one occurrence of its own, [`voucher_occurrence`]: there a voucher's code is
//! a kind of ticket, its own limit is a pool, the pools that it shares with others are pools, and a redemption is a seat. It is
//! held with the order, confirmed with the payment, and given up with the refund: see [`redemption`].
//!
//! *What is absent.* Who the buyer is and may claim to be, such as a member: that the host knows.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`decide`], [`PriceList`] | the rules and the state, pure |
//! | [`PriceList::quote`], [`PriceList::which_promotions`] | forward and backward |
//! | [`voucher_occurrence`], [`vouchers_of`], [`voucher_commands`], [`redemption`] | redemptions as seats |
//! | [`ticket_commands`] | which pools of an occurrence each kind of ticket draws on |
//! | [`load_prices`], [`run`] | lists in a store, without an actor |
//!
//! ```
//! use boxoffice_core::booking::Party;
//! use boxoffice_core::id::{AttendeeId, TicketType};
//! use boxoffice_core::persist::Seq;
//! use boxoffice_core::ticket::list::{Basket, BasketLine, PriceCommand, PriceList, PriceRefusal, Priced, TicketOffer, decide};
//! use boxoffice_core::ticket::Currency;
//! use boxoffice_core::time::Timestamp;
//!
//! let (mut list, now) = (PriceList::new(), Timestamp::EPOCH);
//! let adult = TicketType::new("adult")?;
//! let offer = TicketOffer::new(adult.clone(), "12.00 EUR".parse()?);
//! for command in [PriceCommand::Start { currency: Currency::new("EUR")? }, PriceCommand::set_ticket(offer)] {
//!     let decision = decide(&list, &command, now);
//!     let event = decision.event.ok_or("refused")?;
//!     list.evolve(list.seq().next(), decision.at, &event);
//! }
//! let mut basket = Basket::default();
//! let party = Party::of(2).with_ticket(adult);
//! basket.lines.push(BasketLine { occurrence: "chess@20260105T190000".parse()?, holder: AttendeeId::new("ann")?, party });
//! let Priced::Quote { quote, .. } = list.quote(&basket, now)? else { return Err("refused".into()) };
//! assert_eq!(quote.total.to_string(), "24.00 EUR");
//!
//! basket.codes.insert("SPRING".to_owned());
//! let refused = Priced::Refused(PriceRefusal::UnknownCode { code: "SPRING".to_owned() });
//! assert_eq!(list.quote(&basket, now)?, refused);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod basket;
mod command;
mod decide;
mod event;
mod offer;
mod outcome;
mod quote;
mod redeem;
mod state;
mod stream;
mod wire;

#[cfg(test)]
mod tests;

pub use basket::{Basket, BasketLine, PriceRefusal, Priced, Sought};
pub use command::PriceCommand;
pub use decide::{PriceDecision, decide};
pub use event::PriceEvent;
pub use offer::{SaleWindow, TicketOffer, Voucher};
pub use outcome::{PriceFlaw, PriceOutcome, PriceReply};
pub use redeem::{redemption, ticket_commands, voucher_commands, voucher_occurrence, vouchers_of};
pub use state::PriceList;
pub use stream::{load_prices, price_stream, run};
pub use wire::{PriceWireError, decode, encode};
