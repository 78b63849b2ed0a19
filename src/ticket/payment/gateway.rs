//! What a payment gateway must do.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::fact::{News, PaymentFact, RefundState};
use super::id::{ChargeId, OrderId, SessionId};
use crate::ticket::money::{Money, MoneyError};
use crate::time::Timestamp;

/// What a session is opened for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionAsk {
    /// Whose money it is to be. The gateway hands it back with all that it says of the session.
    pub order: OrderId,
    /// Which session of the order, from 1. Order and attempt together name the request: asked again, it gives the same session.
    pub attempt: u32,
    /// How much; more than nothing.
    pub amount: Money,
    /// What the buyer reads about it.
    pub title: String,
    /// When it is to end. A gateway may allow less, or demand more: [`Session::until`] says what came of it.
    pub until: Timestamp,
    /// Where the buyer is sent when it is done with; the gateway's own page if there is none.
    pub back_to: Option<String>,
}

impl SessionAsk {
    /// The request's name, `ORDER.ATTEMPT`, for the idempotency key of the gateway.
    pub fn key(&self) -> String {
        format!("{}.{}", self.order, self.attempt)
    }

    /// Whether there is something to pay, and time to: what every gateway asks first.
    ///
    /// # Errors
    /// [`GatewayError::Refused`] if not.
    pub fn check(&self, now: Timestamp) -> Result<(), GatewayError> {
        if self.amount.minor() <= 0 || self.until <= now {
            return Err(refused("nothing to pay, or no time to"));
        }
        Ok(())
    }

    /// Whether the session that has this name already was asked for with the same amount.
    ///
    /// # Errors
    /// [`GatewayError::Refused`] if not.
    pub fn check_again(&self, asked: Money) -> Result<(), GatewayError> {
        if asked == self.amount { Ok(()) } else { Err(refused("this session was asked for with another amount")) }
    }
}

fn refused(reason: impl Into<String>) -> GatewayError {
    GatewayError::Refused { reason: reason.into() }
}

/// A session that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The gateway's name for it.
    pub id: SessionId,
    /// Where the buyer pays.
    pub url: String,
    /// First instant at which it can no longer be paid, by the gateway's clock.
    pub until: Timestamp,
}

/// A refund that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundAsk {
    /// Whose money it was.
    pub order: OrderId,
    /// The request's name: asked again under it, there is one refund.
    pub key: String,
    /// Of which charge.
    pub charge: ChargeId,
    /// How much; more than nothing.
    pub amount: Money,
    /// What had been given back of this charge before, in all. A gateway without idempotency keys tells by it whether the request was
    /// carried out already: more has been given back then.
    pub before: Money,
}

impl RefundAsk {
    /// Whether as much has been given back of the charge, or is about to be, as there would be after this: refunds that failed do not
    /// count.
    ///
    /// # Errors
    /// [`GatewayError::Refused`] when the amounts do not add up: they are of two currencies, or too much.
    pub fn is_covered(&self, said: &[PaymentFact]) -> Result<bool, GatewayError> {
        let refunds = said.iter().filter_map(|fact| match fact {
            PaymentFact::Refund { charge, amount, state, .. } => {
                (*charge == self.charge && *state != RefundState::Failed).then_some(*amount)
            }
            PaymentFact::Session { .. } | PaymentFact::Charge { .. } | PaymentFact::Dispute { .. } => None,
        });
        let zero = Money::new(0, self.amount.currency());
        let back = refunds.into_iter().try_fold(zero, Money::plus);
        let no_sum = |error: MoneyError| refused(error.to_string());
        let wanted = self.before.plus(self.amount).map_err(no_sum)?;
        Ok(back.map_err(no_sum)?.minor() >= wanted.minor())
    }
}

/// What a gateway posted to us, as it came.
#[derive(Clone, Copy, Debug)]
pub struct WebhookDelivery<'a> {
    /// Names and values of its header; names in any case.
    pub headers: &'a [(String, String)],
    /// The body, byte for byte: signatures are of it.
    pub body: &'a [u8],
    /// When it came in.
    pub at: Timestamp,
}

impl WebhookDelivery<'_> {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Why a gateway did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// It may work later. Whether it was done is not known.
    #[error("the gateway cannot be asked: {reason}")]
    Unavailable {
        /// Why; names no person.
        reason: String,
    },
    /// It will not work later either.
    #[error("the gateway refuses: {reason}")]
    Refused {
        /// Why; names no person.
        reason: String,
    },
}

/// Why a delivery is not news.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// It is not proven to be the gateway's: no signature, a wrong one, or an old one. To be answered 400.
    #[error("not from the gateway: {reason}")]
    Unproven {
        /// Why.
        reason: String,
    },
    /// It is the gateway's, and cannot be read. To be answered 400.
    #[error("cannot be read: {reason}")]
    Unreadable {
        /// Where and why.
        reason: String,
    },
    /// What it means had to be asked for, and could not be. To be answered 503, so that it comes again.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
}

/// One page of what a gateway has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatementPage {
    /// What it says of each session or charge, under names made of what it says: a page that says the same is the same news.
    pub news: Vec<News>,
    /// How to ask for the next page; none after the last.
    pub next: Option<String>,
}

/// Takes money, and gives it back. Injected by the host; see the adapters of the crate `boxoffice`.
///
/// A future may be dropped, and a call made again: whatever has an effect has a name by which a repetition is told.
#[async_trait]
pub trait PaymentGateway: Send + Sync + 'static {
    /// Its name, as orders record it: 1 to 32 bytes of lower-case letters, digits and `-`.
    fn name(&self) -> &str;

    /// Opens a session.
    ///
    /// # Errors
    /// [`GatewayError`] when there is none, or it is not known whether there is.
    async fn open(&self, ask: &SessionAsk) -> Result<Session, GatewayError>;

    /// How a session stands, with all its charges, their refunds and disputes.
    ///
    /// # Errors
    /// [`GatewayError`] when it could not be asked.
    async fn look(&self, session: &SessionId) -> Result<Vec<PaymentFact>, GatewayError>;

    /// Sees to it that a session cannot be paid any more, and says how it stands then: perhaps it was paid a moment before.
    ///
    /// # Errors
    /// [`GatewayError`] when it may still be paid.
    async fn expire(&self, session: &SessionId) -> Result<Vec<PaymentFact>, GatewayError>;

    /// Gives money back, and says how the charge stands then.
    ///
    /// # Errors
    /// [`GatewayError`] when nothing was given back, or it is not known whether it was.
    async fn refund(&self, ask: &RefundAsk) -> Result<Vec<PaymentFact>, GatewayError>;

    /// Reads what was posted to us, once it is proven to be the gateway's.
    ///
    /// # Errors
    /// [`WebhookError`] when it is not, or cannot be read, or what it means could not be asked for.
    async fn hear(&self, delivery: WebhookDelivery<'_>) -> Result<News, WebhookError>;

    /// All that was opened from `from` on and before `until`, page by page: what webhooks that were lost would have told.
    ///
    /// # Errors
    /// [`GatewayError`] when it could not be asked, or there is no such page.
    async fn statement(
        &self,
        from: Timestamp,
        until: Timestamp,
        page: Option<&str>,
    ) -> Result<StatementPage, GatewayError>;
}

#[async_trait]
impl<G: PaymentGateway + ?Sized> PaymentGateway for Arc<G> {
    fn name(&self) -> &str {
        (**self).name()
    }

    async fn open(&self, ask: &SessionAsk) -> Result<Session, GatewayError> {
        (**self).open(ask).await
    }

    async fn look(&self, session: &SessionId) -> Result<Vec<PaymentFact>, GatewayError> {
        (**self).look(session).await
    }

    async fn expire(&self, session: &SessionId) -> Result<Vec<PaymentFact>, GatewayError> {
        (**self).expire(session).await
    }

    async fn refund(&self, ask: &RefundAsk) -> Result<Vec<PaymentFact>, GatewayError> {
        (**self).refund(ask).await
    }

    async fn hear(&self, delivery: WebhookDelivery<'_>) -> Result<News, WebhookError> {
        (**self).hear(delivery).await
    }

    async fn statement(
        &self,
        from: Timestamp,
        until: Timestamp,
        page: Option<&str>,
    ) -> Result<StatementPage, GatewayError> {
        (**self).statement(from, until, page).await
    }
}
