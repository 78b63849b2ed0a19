//! What is asked of SumUp.

use core::time::Duration;

use boxoffice_core::persist::{Created, Key, StoreError};
use boxoffice_core::ticket::payment::{
    GatewayError, PaymentFact, RefundAsk, Session, SessionAsk, SessionId, SessionState, StatementPage,
};
use boxoffice_core::time::Timestamp;
use hyper::Method;
use hyper::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::call::{Call, Heard, form, read, refusal, segment};
use super::super::news::told;
use super::super::{refused, unavailable};
use super::objects::{self, Checkout, History, Transaction};
use super::{SumUpGateway, decimal};

/// How long a refund that was asked for may take to show. Somebody must look then.
const SETTLING: Duration = Duration::from_secs(15 * 60);
/// What the keys of marks begin with.
const PREFIX: &str = "sumup-refund/";
/// Transactions on a page of a statement.
const PAGE: usize = 20;

#[derive(Serialize)]
struct NewCheckout<'a> {
    checkout_reference: String,
    amount: Box<RawValue>,
    currency: &'a str,
    merchant_code: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_url: Option<&'a str>,
    valid_until: String,
    hosted_checkout: Hosted,
}

#[derive(Serialize)]
struct Hosted {
    enabled: bool,
}

#[derive(Serialize)]
struct NewRefund {
    amount: Box<RawValue>,
}

/// That a refund was asked for, so that it is not asked for twice.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Mark {
    at: Timestamp,
}

fn mark_key(ask: &RefundAsk) -> Result<Key, GatewayError> {
    Key::new(format!("{PREFIX}{}", ask.key)).map_err(|_| refused("a refund with a key that cannot be kept"))
}

fn failed(_: StoreError) -> GatewayError {
    unavailable("the store failed")
}

fn number(money: boxoffice_core::ticket::Money) -> Result<Box<RawValue>, GatewayError> {
    RawValue::from_string(decimal::write(money)).map_err(|_| refused("an amount without a JSON form"))
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, GatewayError> {
    serde_json::to_vec(value).map_err(|_| refused("a request without a JSON form"))
}

impl SumUpGateway {
    /// Asks without a body.
    pub(super) async fn ask(&self, method: Method, path: &str) -> Result<Heard, GatewayError> {
        self.api.call(Call { method, path, headers: Vec::new(), body: Vec::new() }).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, GatewayError> {
        read(&self.ask(Method::GET, path).await?.done()?)
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> Result<Heard, GatewayError> {
        let headers = vec![(CONTENT_TYPE, "application/json".to_owned())];
        self.api.call(Call { method: Method::POST, path, headers, body }).await
    }

    pub(super) async fn open_checkout(&self, ask: &SessionAsk) -> Result<Session, GatewayError> {
        ask.check(self.clock.now())?;
        let body = json(&NewCheckout {
            checkout_reference: ask.key(),
            amount: number(ask.amount)?,
            currency: ask.amount.currency().code(),
            merchant_code: &self.merchant,
            description: &ask.title,
            return_url: self.webhook_url.as_deref(),
            redirect_url: ask.back_to.as_deref(),
            valid_until: ask.until.to_string(),
            hosted_checkout: Hosted { enabled: true },
        })?;
        let checkout = match self.post("/v0.1/checkouts", body).await? {
            Heard::Done(body) => read(&body)?,
            Heard::No { status: 409, code } if code == "DUPLICATED_CHECKOUT" => self.find(ask).await?,
            Heard::No { status, code } => return Err(refusal(status, &code)),
        };
        let Checkout { id, hosted_checkout_url, valid_until, .. } = checkout;
        let until = valid_until.and_then(|until| until.parse().ok()).unwrap_or(ask.until);
        let url = hosted_checkout_url.ok_or_else(|| refused("a checkout without a page"))?;
        let id = SessionId::new(id).map_err(|_| unavailable("a checkout with an id that cannot be kept"))?;
        Ok(Session { id, url, until })
    }

    /// The checkout that has the reference of this request.
    async fn find(&self, ask: &SessionAsk) -> Result<Checkout, GatewayError> {
        let key = ask.key();
        let query = form(&[("checkout_reference", key.clone())]);
        let found: Vec<Checkout> = self.get(&format!("/v0.1/checkouts?{query}")).await?;
        let is_it = |checkout: &Checkout| checkout.reference.as_deref() == Some(&key);
        let checkout =
            found.into_iter().find(is_it).ok_or_else(|| unavailable("a checkout that is not to be found"))?;
        let asked = objects::money(&checkout.amount, &checkout.currency)?;
        ask.check_again(asked).map(|()| checkout)
    }

    pub(super) async fn checkout(&self, id: &str) -> Result<Checkout, GatewayError> {
        self.get(&format!("/v0.1/checkouts/{}", segment(id)?)).await
    }

    async fn transaction(&self, id: &str) -> Result<Transaction, GatewayError> {
        let merchant = segment(&self.merchant)?;
        self.get(&format!("/v2.1/merchants/{merchant}/transactions?id={}", segment(id)?)).await
    }

    /// A checkout, and its transactions that took money. It stays `PAID` whatever is given back, so each of them is asked for.
    pub(super) async fn facts(&self, checkout: &Checkout) -> Result<Vec<PaymentFact>, GatewayError> {
        let session =
            SessionId::new(&checkout.id).map_err(|_| unavailable("a checkout with an id that cannot be kept"))?;
        let state = checkout.state()?;
        let mut said = vec![PaymentFact::Session { session, state }];
        for attempt in checkout.transactions.as_deref().unwrap_or_default() {
            let has_taken = match attempt.status.as_str() {
                "PENDING" | "FAILED" => false,
                // Of an attempt that came to nothing, unless it was paid before.
                "CANCELLED" => state == SessionState::Paid,
                _ => true,
            };
            if has_taken {
                said.extend(self.transaction(&attempt.id).await?.facts()?);
            }
        }
        Ok(said)
    }

    pub(super) async fn end_checkout(&self, id: &str) -> Result<Vec<PaymentFact>, GatewayError> {
        let path = format!("/v0.1/checkouts/{}", segment(id)?);
        let checkout: Checkout = match self.ask(Method::DELETE, &path).await? {
            Heard::Done(body) => read(&body)?,
            // It is over already, or is being paid; how it stands then says which.
            Heard::No { .. } => self.checkout(id).await?,
        };
        let said = self.facts(&checkout).await?;
        if checkout.state()? == SessionState::Open { Err(unavailable("the checkout is still open")) } else { Ok(said) }
    }

    pub(super) async fn give_back(&self, ask: &RefundAsk) -> Result<Vec<PaymentFact>, GatewayError> {
        if ask.amount.minor() <= 0 {
            return Err(refused("nothing to give back"));
        }
        let said = self.transaction(ask.charge.as_str()).await?.facts()?;
        let captured = said.iter().find_map(|fact| match fact {
            PaymentFact::Charge { captured, .. } => Some(*captured),
            PaymentFact::Session { .. } | PaymentFact::Refund { .. } | PaymentFact::Dispute { .. } => None,
        });
        let captured = captured.ok_or_else(|| refused("a transaction that has taken nothing"))?;
        if captured.currency() != ask.amount.currency() {
            return Err(refused("the transaction is of another currency"));
        }
        if ask.is_covered(&said)? {
            return Ok(said);
        }
        let path = format!("/v0.1/me/refund/{}", segment(ask.charge.as_str())?);
        let body = json(&NewRefund { amount: number(ask.amount)? })?;
        let mark = self.mark(ask).await?;
        if let Heard::No { status, code } = self.post(&path, body).await? {
            // It was not carried out, so it may be asked for again. After any other end nobody knows.
            self.store.delete(&mark).await.map_err(failed)?;
            return Err(refusal(status, &code));
        }
        let said = self.transaction(ask.charge.as_str()).await?.facts()?;
        if ask.is_covered(&said)? { Ok(said) } else { Err(unavailable("a refund that does not show yet")) }
    }

    /// Marks that a refund is asked for, durably, unless it is marked: then it was asked for, and does not show.
    async fn mark(&self, ask: &RefundAsk) -> Result<Key, GatewayError> {
        let (key, now) = (mark_key(ask)?, self.clock.now());
        match self.store.put_new(&key, Mark { at: now }).await.map_err(failed)? {
            Created::Done(_) => Ok(key),
            Created::Exists { actual: Mark { at } } if now.saturating_since(at) < SETTLING => {
                Err(unavailable("a refund that was asked for and does not show yet"))
            }
            Created::Exists { actual: Mark { at } } => Err(refused(format!(
                "a refund that was asked for at {at} and does not show: look at SumUp's own books"
            ))),
        }
    }

    pub(super) async fn page(
        &self,
        from: Timestamp,
        until: Timestamp,
        page: Option<&str>,
    ) -> Result<StatementPage, GatewayError> {
        let first = || {
            form(&[
                ("oldest_time", from.to_string()),
                ("newest_time", until.to_string()),
                ("order", "ascending".to_owned()),
                ("types[]", "PAYMENT".to_owned()),
                ("limit", PAGE.to_string()),
            ])
        };
        let query =
            page.map_or_else(|| Ok(first()), |page| if is_query(page) { Ok(page.to_owned()) } else { Err(page) });
        let query = query.map_err(|_| refused("there is no such page"))?;
        let merchant = segment(&self.merchant)?;
        let history: History = self.get(&format!("/v2.1/merchants/{merchant}/transactions/history?{query}")).await?;
        let mut news = Vec::new();
        for item in &history.items {
            let transaction = self.transaction(item.transaction_id.as_ref().unwrap_or(&item.id)).await?;
            let order = objects::order(transaction.foreign_id.as_deref());
            news.extend(told(order.as_ref(), &transaction.facts()?)?);
        }
        let next = history.links.into_iter().find(|link| link.rel == "next").map(|link| link.href);
        let next = next.map(|href| href.rsplit_once('?').map_or(href.clone(), |(_, query)| query.to_owned()));
        // Without it the rest would be missing, and nobody would know.
        if next.as_ref().is_some_and(|next| !is_query(next)) {
            return Err(unavailable("a next page that cannot be asked for"));
        }
        Ok(StatementPage { news, next: next.filter(|_| !history.items.is_empty()) })
    }
}

/// Whether a text is the query of a URL and nothing more (RFC 3986 section 3.4, without `#`).
fn is_query(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/?[]".contains(&byte);
    !text.is_empty() && text.len() <= 1_000 && text.bytes().all(plain)
}
