//! Events of Stripe as news.

use boxoffice_core::ticket::payment::{GatewayError, News, NewsId, OrderId, PaymentFact, SessionState, WebhookError};
use serde::de::DeserializeOwned;

use super::super::{place, unreadable};
use super::StripeGateway;
use super::facts::{self, NoFact};
use super::objects::{Charge, CheckoutSession, Dispute, Event, Refund, order};

/// Whose money it is, and what is said of it.
type Said = (Option<OrderId>, Vec<PaymentFact>);

/// Why an event is no news: it cannot be read, or what it means cannot be asked for.
enum NoNews {
    NoFact(NoFact),
    Webhook(WebhookError),
}

impl From<NoFact> for NoNews {
    fn from(no: NoFact) -> Self {
        Self::NoFact(no)
    }
}

impl From<GatewayError> for NoNews {
    fn from(error: GatewayError) -> Self {
        Self::Webhook(error.into())
    }
}

impl StripeGateway {
    /// Reads an event that is proven to be Stripe's.
    pub(super) async fn event(&self, body: &[u8]) -> Result<News, WebhookError> {
        let event: Event =
            serde_json::from_slice(body).map_err(|error| unreadable(format!("event: {}", place(&error))))?;
        let id = NewsId::new(&event.id).map_err(|_| unreadable("event: an id that cannot be kept"))?;
        let (order, mut facts) = match self.said(&event).await {
            Ok(said) => said,
            Err(NoNews::NoFact(no)) => return Err(unreadable(format!("{}: {no}", kind(&event.r#type)))),
            Err(NoNews::Webhook(error)) => return Err(error),
        };
        // The latest refunds come first; the older ones were told before.
        facts.truncate(News::FACTS_MAX);
        Ok(News { id, order, facts })
    }

    async fn said(&self, event: &Event) -> Result<Said, NoNews> {
        match event.r#type.as_str() {
            "checkout.session.completed"
            | "checkout.session.async_payment_succeeded"
            | "checkout.session.async_payment_failed"
            | "checkout.session.expired" => self.of_session(event, object(event)?).await,
            "charge.captured" | "charge.succeeded" | "charge.updated" | "charge.refunded" => {
                let charge: Charge = object(event)?;
                Ok((order(&charge.metadata), self.charge_facts(&charge).await?))
            }
            "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
                self.of_refund(&object(event)?).await
            }
            "charge.dispute.created"
            | "charge.dispute.updated"
            | "charge.dispute.closed"
            | "charge.dispute.funds_withdrawn"
            | "charge.dispute.funds_reinstated" => self.of_dispute(&object(event)?).await,
            _ => Ok((None, Vec::new())),
        }
    }

    async fn of_session(&self, event: &Event, session: CheckoutSession) -> Result<Said, NoNews> {
        let Some(order) = order(&session.metadata) else { return Ok((None, Vec::new())) };
        let mut fact = facts::session(&session)?;
        if let PaymentFact::Session { state, .. } = &mut fact {
            if event.r#type == "checkout.session.async_payment_failed" {
                *state = SessionState::Failed;
            }
            if *state == SessionState::Paid {
                // What has been taken is said by the charge, which is not in the event.
                let session = self.session(&session.id).await?;
                return Ok((Some(order), self.facts(session).await?));
            }
        }
        Ok((Some(order), vec![fact]))
    }

    async fn of_refund(&self, refund: &Refund) -> Result<Said, NoNews> {
        let Some(charge) = &refund.charge else { return Ok((order(&refund.metadata), Vec::new())) };
        let fact = facts::refund(charge.id(), refund)?;
        let order = match order(&refund.metadata) {
            Some(order) => Some(order),
            None => self.order_of(charge.id()).await?,
        };
        Ok((order, vec![fact]))
    }

    async fn of_dispute(&self, dispute: &Dispute) -> Result<Said, NoNews> {
        let Some(fact) = facts::dispute(dispute)? else { return Ok((None, Vec::new())) };
        Ok((self.order_of(dispute.charge.id()).await?, vec![fact]))
    }

    /// Whose money a charge is.
    async fn order_of(&self, charge: &str) -> Result<Option<OrderId>, GatewayError> {
        Ok(order(&self.charge(charge).await?.metadata))
    }
}

fn object<T: DeserializeOwned>(event: &Event) -> Result<T, NoNews> {
    let read = serde_json::from_str(event.data.object.get());
    read.map_err(|error| NoNews::Webhook(unreadable(format!("{}: {}", kind(&event.r#type), place(&error)))))
}

/// The type of an event, as it may be logged.
fn kind(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}
