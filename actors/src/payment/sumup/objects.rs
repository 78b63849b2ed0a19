//! What SumUp says of its objects; of each only what is read. Amounts are kept as the text that stood there.

use boxoffice_core::id::IdError;
use boxoffice_core::ticket::payment::{
    ChargeId, DisputeId, DisputeState, GatewayError, OrderId, PaymentFact, RefundId, RefundState, SessionState,
};
use boxoffice_core::ticket::{Currency, Money};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::unavailable;
use super::decimal;

#[derive(Deserialize)]
pub(super) struct Checkout {
    pub(super) id: String,
    #[serde(rename = "checkout_reference")]
    pub(super) reference: Option<String>,
    pub(super) amount: Box<RawValue>,
    pub(super) currency: String,
    pub(super) status: String,
    pub(super) valid_until: Option<String>,
    pub(super) hosted_checkout_url: Option<String>,
    #[serde(default)]
    pub(super) transactions: Option<Vec<Attempt>>,
}

/// A transaction as its checkout lists it.
#[derive(Deserialize)]
pub(super) struct Attempt {
    pub(super) id: String,
    pub(super) status: String,
}

/// A transaction as a whole.
#[derive(Deserialize)]
pub(super) struct Transaction {
    pub(super) id: String,
    pub(super) amount: Box<RawValue>,
    pub(super) currency: String,
    pub(super) status: String,
    #[serde(rename = "foreign_transaction_id")]
    pub(super) foreign_id: Option<String>,
    #[serde(default, rename = "transaction_events")]
    pub(super) own_events: Option<Vec<Event>>,
    #[serde(default)]
    pub(super) events: Option<Vec<Event>>,
}

/// What came of a transaction.
#[derive(Deserialize)]
pub(super) struct Event {
    /// A number, or a text.
    pub(super) id: Option<Box<RawValue>>,
    #[serde(rename = "event_type", alias = "type")]
    pub(super) kind: Option<String>,
    pub(super) status: Option<String>,
    pub(super) amount: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
pub(super) struct History {
    #[serde(default)]
    pub(super) items: Vec<HistoryItem>,
    #[serde(default)]
    pub(super) links: Vec<Link>,
}

#[derive(Deserialize)]
pub(super) struct HistoryItem {
    pub(super) transaction_id: Option<String>,
    pub(super) id: String,
}

#[derive(Deserialize)]
pub(super) struct Link {
    pub(super) rel: String,
    pub(super) href: String,
}

#[derive(Deserialize)]
pub(super) struct Notification {
    pub(super) event_type: String,
    pub(super) id: String,
}

/// Whose money it is: the reference without the attempt.
pub(super) fn order(reference: Option<&str>) -> Option<OrderId> {
    let (order, attempt) = reference?.rsplit_once('.')?;
    attempt.parse::<u32>().ok()?;
    OrderId::new(order).ok()
}

/// The code of a refusal: of one error, of the first of several, or the title of a problem (RFC 9457).
pub(super) fn code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error_code: Option<String>,
        title: Option<String>,
    }
    let one = || serde_json::from_slice::<Refusal>(body).ok();
    let several = || serde_json::from_slice::<Vec<Refusal>>(body).ok()?.into_iter().next();
    let Refusal { error_code, title } = several().or_else(one)?;
    error_code.or(title)
}

impl From<decimal::NoAmount> for GatewayError {
    fn from(no: decimal::NoAmount) -> Self {
        unavailable(no.to_string())
    }
}

fn no_id(_: IdError) -> GatewayError {
    unavailable("an id that cannot be kept")
}

pub(super) fn money(number: &RawValue, code: &str) -> Result<Money, GatewayError> {
    let currency = Currency::new(code).map_err(|error| unavailable(error.to_string()))?;
    Ok(decimal::read(number.get(), currency)?)
}

impl Checkout {
    /// How the session stands.
    pub(super) fn state(&self) -> Result<SessionState, GatewayError> {
        let attempts = self.transactions.as_deref().unwrap_or_default();
        match self.status.as_str() {
            "PENDING" if attempts.iter().any(|attempt| attempt.status == "PENDING") => Ok(SessionState::Pending),
            "PENDING" => Ok(SessionState::Open),
            "FAILED" => Ok(SessionState::Failed),
            "PAID" => Ok(SessionState::Paid),
            "EXPIRED" => Ok(SessionState::Expired),
            _ => Err(unavailable("a checkout of an unknown status")),
        }
    }
}

impl Transaction {
    /// Refunds and chargebacks. They stand in two lists; the fuller one counts.
    fn events(&self) -> &[Event] {
        let listed = self.own_events.as_deref().unwrap_or_default();
        if listed.is_empty() { self.events.as_deref().unwrap_or_default() } else { listed }
    }

    /// What was taken, what was given back, and what is disputed. A transaction that was cancelled after it was paid has given back
    /// all that its refunds have not.
    pub(super) fn facts(&self) -> Result<Vec<PaymentFact>, GatewayError> {
        if !matches!(self.status.as_str(), "SUCCESSFUL" | "REFUNDED" | "CHARGE_BACK" | "CANCELLED") {
            return Ok(Vec::new());
        }
        let charge = ChargeId::new(&self.id).map_err(no_id)?;
        let captured = money(&self.amount, &self.currency)?;
        let mut said = vec![PaymentFact::Charge { charge: charge.clone(), captured }];
        for (event, number) in self.events().iter().zip(1_u32..) {
            said.extend(self.event(&charge, captured, event, number)?);
        }
        let rest = captured.minus(refunded(&said, captured)?).map_err(|error| unavailable(error.to_string()))?;
        if self.status == "CANCELLED" && rest.minor() > 0 {
            let refund = RefundId::new(format!("{}.cancelled", self.id)).map_err(no_id)?;
            said.push(PaymentFact::Refund { charge, refund, amount: rest, state: RefundState::Succeeded });
        }
        Ok(said)
    }

    fn event(
        &self,
        charge: &ChargeId,
        captured: Money,
        event: &Event,
        number: u32,
    ) -> Result<Option<PaymentFact>, GatewayError> {
        let charge = charge.clone();
        let amount = || event.amount.as_deref().map_or(Ok(captured), |amount| money(amount, &self.currency));
        // An event without an id goes by its place: they are listed in the order in which they happened.
        let id = event.id.as_ref().map(|id| id.get().trim_matches('"').to_owned());
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("{}.{number}", self.id));
        let (is_pending, has_failed) = match event.status.as_deref() {
            Some("PENDING" | "SCHEDULED") | None => (true, false),
            Some(status) => (false, status == "FAILED"),
        };
        Ok(match event.kind.as_deref() {
            Some("REFUND") => {
                let state = match (is_pending, has_failed) {
                    (true, _) => RefundState::Pending,
                    (false, true) => RefundState::Failed,
                    (false, false) => RefundState::Succeeded,
                };
                let refund = RefundId::new(id).map_err(no_id)?;
                Some(PaymentFact::Refund { charge, refund, amount: amount()?, state })
            }
            Some("CHARGE_BACK") => {
                let state = match (is_pending, has_failed) {
                    (true, _) => DisputeState::Open,
                    (false, true) => DisputeState::Won,
                    (false, false) => DisputeState::Lost,
                };
                let dispute = DisputeId::new(id).map_err(no_id)?;
                Some(PaymentFact::Dispute { charge, dispute, amount: amount()?, state })
            }
            _ => None,
        })
    }
}

/// What has been given back, or is about to be.
pub(super) fn refunded(facts: &[PaymentFact], like: Money) -> Result<Money, GatewayError> {
    let alive = facts.iter().filter_map(|fact| match fact {
        PaymentFact::Refund { amount, state: RefundState::Pending | RefundState::Succeeded, .. } => Some(*amount),
        PaymentFact::Refund { .. }
        | PaymentFact::Session { .. }
        | PaymentFact::Charge { .. }
        | PaymentFact::Dispute { .. } => None,
    });
    let zero = Money::new(0, like.currency());
    alive.into_iter().try_fold(zero, Money::plus).map_err(|error| unavailable(error.to_string()))
}
