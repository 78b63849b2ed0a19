//! From a list of prices to an order.

use boxoffice_core::id::{AttendeeId, PriceListName};
use boxoffice_core::persist::Seq;
use boxoffice_core::ticket::list::{Basket, PriceRefusal, Priced};
use boxoffice_core::ticket::order::{BadOrder, NewOrder, OrderTerms, QuoteError, QuotedBasket};
use boxoffice_core::ticket::payment::OrderId;
use boxoffice_core::ticket::price::{PriceError, Quote};
use tracing::{Instrument, field};

use super::handle::Orders;
use super::outcome::PlaceOutcome;
use crate::error::BoxOfficeError;

/// A basket that somebody wants to pay for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// The list of prices that it is sold by.
    pub list: PriceListName,
    /// The order that is to be: asked again under the same id, it is placed once.
    pub id: OrderId,
    /// Who buys.
    pub buyer: AttendeeId,
    /// What the buyer reads at the gateway.
    pub title: String,
    /// What is bought, at most 40 lines, those of vouchers among them. What the buyer has already need not be filled in: orders count
    /// that themselves.
    pub basket: Basket,
    /// Where the buyer is sent once the gateway is done with. Default: nowhere.
    pub back_to: Option<String>,
    /// How the order is carried out.
    pub terms: OrderTerms,
}

impl Checkout {
    /// A checkout on the usual terms.
    pub fn new(list: PriceListName, id: OrderId, buyer: AttendeeId, title: impl Into<String>, basket: Basket) -> Self {
        Self { list, id, buyer, title: title.into(), basket, back_to: None, terms: OrderTerms::default() }
    }

    /// Whether this order is what such a checkout makes, at whatever prices.
    fn made(&self, order: &NewOrder) -> bool {
        (&order.buyer, &order.title, &order.back_to, &order.terms)
            == (&self.buyer, &self.title, &self.back_to, &self.terms)
            && order.is_of_basket(&self.list, &self.basket)
    }
}

/// What a checkout came to.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckoutOutcome {
    /// The order is placed.
    Placed {
        /// What it costs, and which promotion gave what: a host that wants to keep that records it beside the order.
        quote: Box<Quote>,
    },
    /// It was placed before, perhaps at other prices: those count.
    Already,
    /// There is no such list.
    UnknownList,
    /// The basket is not sold.
    Refused(PriceRefusal),
    /// Amounts are too much to be added.
    NoPrice(PriceError),
    /// The order is not placed: any [`PlaceOutcome`] but `Placed` and `Already`.
    NotPlaced(PlaceOutcome),
}

impl CheckoutOutcome {
    /// The name of the variant, for spans and counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Placed { .. } => "placed",
            Self::Already => "already",
            Self::UnknownList => "unknown_list",
            Self::Refused(refusal) => refusal.name(),
            Self::NoPrice(_) => "no_price",
            Self::NotPlaced(_) => "not_placed",
        }
    }
}

impl Orders {
    /// Says what a basket costs now by a list of prices, and places the order that this makes.
    ///
    /// Asked again, it is the order that was placed first, though prices, sale windows or vouchers have changed since. How many
    /// seats a person may have, and how often a voucher may be used, is kept by orders and holds: a checkout does not use anything
    /// up that its order does not get.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use boxoffice::booking::{Party, Seats};
    /// use boxoffice::id::{AttendeeId, PriceListName, TicketType};
    /// use boxoffice::orders::{Checkout, CheckoutOutcome, OrderId, Orders};
    /// use boxoffice::payment::SandboxGateway;
    /// use boxoffice::persist::{MemoryBackend, Store};
    /// use boxoffice::ticket::list::{Basket, BasketLine, PriceCommand, TicketOffer};
    /// use boxoffice::{BoxOffice, id::OccurrenceId};
    ///
    /// let office = BoxOffice::builder().store(MemoryBackend::new()).start()?;
    /// let (season, adult) = (PriceListName::new("season")?, TicketType::new("adult")?);
    /// let offer = TicketOffer::new(adult.clone(), "12.00 EUR".parse()?);
    /// let commands = [PriceCommand::Start { currency: "EUR".parse()? }, PriceCommand::set_ticket(offer)];
    /// let replies = office.change_prices(&season, &commands).await?;
    /// assert!(replies.iter().all(|reply| reply.outcome.is_accepted()));
    /// let (evening, ann): (OccurrenceId, _) = ("chess@20260105T190000".parse()?, AttendeeId::new("ann")?);
    /// office.open(&evening, Seats::new(100)).await?;
    /// office.set_tickets(&evening, &season).await?;
    ///
    /// let orders = Orders::start(&office, SandboxGateway::new(Store::memory(), "sandbox-secret".parse()?))?;
    /// let line = BasketLine { occurrence: evening, holder: ann.clone(), party: Party::of(2).with_ticket(adult) };
    /// let basket = Basket { lines: vec![line], ..Basket::default() };
    /// let checkout = Checkout::new(season, OrderId::new("o-1")?, ann, "Chess", basket);
    /// let placed = orders.checkout(checkout.clone()).await?;
    /// assert!(matches!(placed, CheckoutOutcome::Placed { quote } if quote.total.to_string() == "24.00 EUR"));
    /// assert_eq!(orders.checkout(checkout).await?, CheckoutOutcome::Already);
    /// # orders.shutdown().await;
    /// # office.shutdown().await;
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// As [`Orders::place`].
    pub async fn checkout(&self, asked: Checkout) -> Result<CheckoutOutcome, BoxOfficeError> {
        let span = tracing::debug_span!("checkout", order = %asked.id, list = %asked.list, outcome = field::Empty);
        let outcome = self.check_out(&asked).instrument(span.clone()).await;
        match &outcome {
            Ok(outcome) => span.record("outcome", outcome.name()),
            Err(error) => span.record("outcome", field::display(error)),
        };
        outcome
    }

    async fn check_out(&self, asked: &Checkout) -> Result<CheckoutOutcome, BoxOfficeError> {
        if let Some(stands) = self.looked_up(asked).await? {
            return Ok(stands);
        }
        // Before anything is read and counted: a stranger chooses how much it is.
        let lines = asked.basket.lines.len();
        if lines > NewOrder::LINES_MAX {
            return Ok(CheckoutOutcome::NotPlaced(PlaceOutcome::Bad(BadOrder::LineCount { lines })));
        }
        let list = self.house.lists.read(&self.house.store, &asked.list).await?;
        if list.seq() == Seq::UNWRITTEN {
            return Ok(CheckoutOutcome::UnknownList);
        }
        let (quote, vouchers) = match list.quote(&asked.basket, self.house.clock.now()) {
            Ok(Priced::Quote { quote, vouchers }) => (quote, vouchers),
            Ok(Priced::Refused(refusal)) => return Ok(CheckoutOutcome::Refused(refusal)),
            Err(error) => return Ok(CheckoutOutcome::NoPrice(error)),
        };
        let quoted =
            QuotedBasket { name: &asked.list, list: &list, basket: &asked.basket, quote: &quote, vouchers: &vouchers };
        let order = NewOrder::of_basket(asked.id.clone(), asked.buyer.clone(), &asked.title, &quoted);
        let order = NewOrder {
            back_to: asked.back_to.clone(),
            terms: asked.terms.clone(),
            ..order.map_err(|error| unquoted(&error))?
        };
        let placed = self.place(order).await?;
        if placed == PlaceOutcome::IdTaken {
            // Perhaps the same was asked at the same time, and other prices were read.
            let stands = self.looked_up(asked).await?;
            return Ok(stands.unwrap_or(CheckoutOutcome::NotPlaced(placed)));
        }
        if placed == PlaceOutcome::Placed {
            return Ok(CheckoutOutcome::Placed { quote: Box::new(quote) });
        }
        Ok(answered(placed))
    }

    /// What stands under the id already, if anything does.
    async fn looked_up(&self, asked: &Checkout) -> Result<Option<CheckoutOutcome>, BoxOfficeError> {
        let Some(order) = self.order(&asked.id).await? else { return Ok(None) };
        if !asked.made(order.placed()) {
            return Ok(Some(CheckoutOutcome::NotPlaced(PlaceOutcome::IdTaken)));
        }
        // Whoever placed it may have ended before its flow was started.
        Ok(Some(answered(self.place(order.placed().clone()).await?)))
    }
}

/// What placing an order that stands already came to.
fn answered(placed: PlaceOutcome) -> CheckoutOutcome {
    if placed == PlaceOutcome::Already { CheckoutOutcome::Already } else { CheckoutOutcome::NotPlaced(placed) }
}

/// A quote that was just made is of the basket it was made for, and ids of orders are short enough.
fn unquoted(error: &QuoteError) -> BoxOfficeError {
    boxoffice_core::persist::Fault::Unavailable { reason: error.to_string().into() }.into()
}
