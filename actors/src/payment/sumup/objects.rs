//! What SumUp says of its objects; of each only what is read. Amounts are kept as the text that stood there.

use std::collections::BTreeMap;

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
    /// What was taken, what was given back, and what is disputed.
    ///
    /// A transaction that was cancelled after it was paid has given back all of it, as one refund of our making: SumUp may show it as a
    /// refund of its own before, after or never. So its other refunds are told as failed, and the same money never counts twice.
    pub(super) fn facts(&self) -> Result<Vec<PaymentFact>, GatewayError> {
        if !matches!(self.status.as_str(), "SUCCESSFUL" | "REFUNDED" | "CHARGE_BACK" | "CANCELLED") {
            return Ok(Vec::new());
        }
        let is_cancelled = self.status == "CANCELLED";
        let charge = ChargeId::new(&self.id).map_err(no_id)?;
        let captured = money(&self.amount, &self.currency)?;
        let mut said = vec![PaymentFact::Charge { charge: charge.clone(), captured }];
        for (refund, (amount, stands)) in self.events("REFUND", captured)? {
            let state = match stands {
                _ if is_cancelled => RefundState::Failed,
                Stands::Open => RefundState::Pending,
                Stands::Done => RefundState::Succeeded,
                Stands::Failed => RefundState::Failed,
            };
            let refund = RefundId::new(refund).map_err(no_id)?;
            said.push(PaymentFact::Refund { charge: charge.clone(), refund, amount, state });
        }
        if is_cancelled {
            let refund = RefundId::new(format!("{}.cancelled", self.id)).map_err(no_id)?;
            let (charge, state) = (charge.clone(), RefundState::Succeeded);
            said.push(PaymentFact::Refund { charge, refund, amount: captured, state });
        }
        for (dispute, (amount, stands)) in self.events("CHARGE_BACK", captured)? {
            let state = match stands {
                Stands::Open => DisputeState::Open,
                Stands::Done => DisputeState::Lost,
                Stands::Failed => DisputeState::Won,
            };
            let dispute = DisputeId::new(dispute).map_err(no_id)?;
            said.push(PaymentFact::Dispute { charge: charge.clone(), dispute, amount, state });
        }
        Ok(said)
    }

    /// Events of a kind, by their ids. They stand in two lists, in either or in both: the later state counts. One without an id goes by
    /// its place, as they are listed in the order in which they happened; if all of a list have one, it is one of these.
    fn events(&self, kind: &str, captured: Money) -> Result<BTreeMap<String, (Money, Stands)>, GatewayError> {
        let lists = [&self.own_events, &self.events].map(|list| -> Vec<&Event> {
            list.iter().flatten().filter(|event| event.kind.as_deref() == Some(kind)).collect()
        });
        let is_named = |list: &Vec<&Event>| !list.is_empty() && list.iter().all(|event| event.id().is_some());
        let has_names = lists.iter().any(is_named);
        let mut found = BTreeMap::<String, (Money, Stands)>::new();
        for (event, number) in lists.iter().flat_map(|list| list.iter().zip(1_u32..)) {
            let id = match event.id() {
                Some(id) => id.to_owned(),
                None if has_names => continue,
                None => format!("{}.{number}", self.id),
            };
            let amount = event.amount.as_deref().map_or(Ok(captured), |amount| money(amount, &self.currency))?;
            let known = found.entry(id).or_insert((amount, event.stands()));
            known.1 = known.1.max(event.stands());
        }
        Ok(found)
    }
}

/// How far an event has come; later ones count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stands {
    Open,
    Done,
    Failed,
}

impl Event {
    fn id(&self) -> Option<&str> {
        self.id.as_ref().map(|id| id.get().trim_matches('"')).filter(|id| !id.is_empty())
    }

    fn stands(&self) -> Stands {
        match self.status.as_deref() {
            Some("PENDING" | "SCHEDULED") | None => Stands::Open,
            Some("FAILED") => Stands::Failed,
            Some(_) => Stands::Done,
        }
    }
}
