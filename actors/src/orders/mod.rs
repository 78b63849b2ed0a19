//! Orders: seats that are paid for at a gateway.
//!
//! What an order is, and what is done about it when, is said in [`boxoffice_core::ticket::order`]. Here it is done: each order has a
//! flow, whose steps ask the owners of occurrences and the [`PaymentGateway`]; none of them waits while the gateway is asked.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! use boxoffice::booking::{Party, Seats};
//! use boxoffice::orders::{NewOrder, OrderEnd, OrderId, OrderLine, Orders, PlaceOutcome};
//! use boxoffice::{BoxOffice, id::AttendeeId, persist::MemoryBackend};
//! # use boxoffice::ticket::payment::*;
//! # struct Free;
//! # #[async_trait::async_trait]
//! # impl PaymentGateway for Free {
//! #     fn name(&self) -> &str { "free" }
//! #     async fn open(&self, _: &SessionAsk) -> Result<Session, GatewayError> { Err(GatewayError::Refused { reason: "free".into() }) }
//! #     async fn look(&self, _: &SessionId) -> Result<Vec<PaymentFact>, GatewayError> { Ok(vec![]) }
//! #     async fn expire(&self, _: &SessionId) -> Result<Vec<PaymentFact>, GatewayError> { Ok(vec![]) }
//! #     async fn refund(&self, _: &RefundAsk) -> Result<Vec<PaymentFact>, GatewayError> { Ok(vec![]) }
//! #     async fn hear(&self, _: WebhookDelivery<'_>) -> Result<News, WebhookError> { Err(WebhookError::Unproven { reason: "free".into() }) }
//! #     async fn statement(&self, _: boxoffice::time::Timestamp, _: boxoffice::time::Timestamp, _: Option<&str>) -> Result<StatementPage, GatewayError> { Ok(StatementPage::default()) }
//! # }
//! # let gateway = Free;
//!
//! let office = BoxOffice::builder().store(MemoryBackend::new()).start()?;
//! let orders = Orders::start(&office, gateway)?;
//!
//! let (evening, ann) = ("chess@20260105T190000".parse()?, AttendeeId::new("ann")?);
//! office.open(&evening, Seats::new(100)).await?;
//! let id = OrderId::new("o-1")?;
//! let line = OrderLine::new(evening, ann.clone(), Party::of(2), "0.00 EUR".parse()?);
//! assert_eq!(orders.place(NewOrder::new(id.clone(), ann, "Chess", vec![line])).await?, PlaceOutcome::Placed);
//!
//! // What costs nothing needs no session; else `order.session()` says where the buyer pays.
//! let order = orders.until(&id, |order| order.session().is_some() || order.end().is_some()).await?;
//! assert_eq!(order.and_then(|order| order.end().cloned()), Some(OrderEnd::Fulfilled));
//! orders.shutdown().await;
//! office.shutdown().await;
//! # Ok(()) }) }
//! ```
//!
//! What is sold by a list of prices is bought by a [`Checkout`]: it quotes a basket, and places the order that the quote makes.
//!
//! The host hands what the gateway posts to [`Orders::webhook`], and from time to time asks for a [`Orders::statement`], which
//! brings what webhooks that were lost would have told. Whether money, seats and orders agree says [`Orders::reconcile`].

mod checkout;
mod desk;
mod handle;
mod lists;
mod money;
mod outcome;
mod reconcile;
mod record;
mod seats;
mod watching;

pub use boxoffice_core::ticket::order::*;
pub use boxoffice_core::ticket::payment::*;
pub use boxoffice_core::ticket::reconcile::Difference;
pub use checkout::{Checkout, CheckoutOutcome};
pub use desk::OrderDesk;
pub use handle::Orders;
pub use outcome::{ChangeOutcome, PlaceOutcome, StatementRead, WebhookOutcome};
pub use reconcile::Reconciled;
