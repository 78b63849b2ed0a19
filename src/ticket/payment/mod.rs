//! The contract with whoever takes the money.
//!
//! A [`PaymentGateway`] opens a session for an order, gives money back, and tells [`News`]: facts about sessions, charges, refunds and
//! disputes. News come late, twice, in any order or not at all, so facts say how something stands and not how it changed, and
//! everything that was told can be asked for.

mod fact;
mod gateway;
mod id;

pub use fact::{DisputeState, News, PaymentFact, RefundState, SessionState};
pub use gateway::{
    GatewayError, PaymentGateway, RefundAsk, Session, SessionAsk, StatementPage, WebhookDelivery, WebhookError,
};
pub use id::{ChargeId, DisputeId, NewsId, OrderId, RefundId, SessionId};
