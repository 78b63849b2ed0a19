//! What is asked of Stripe.

use core::time::Duration;

use boxoffice_core::ticket::payment::{
    GatewayError, PaymentFact, RefundAsk, Session, SessionAsk, SessionId, SessionState,
};
use boxoffice_core::time::Timestamp;
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderName};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::super::call::{Call, Heard, form, read, refusal, segment};
use super::super::{hex, refused, unavailable};
use super::amount::{from_stripe, to_stripe};
use super::facts::{self, NoFact};
use super::objects::{Charge, CheckoutSession, Dispute, List, Ref, Refund};
use super::{API_VERSION, StripeGateway};

/// Stripe allows half an hour to a day; a minute less, as the request takes its time and clocks differ.
const LEAST: Duration = Duration::from_secs(31 * 60);
const MOST: Duration = Duration::from_secs((24 * 60 - 1) * 60);
/// How far back a session is looked for whose name is taken.
const LOOK_BACK: Duration = Duration::from_secs(25 * 3_600);
/// The longest name of a product, in characters.
const TITLE_MAX: usize = 250;
/// Most pages of a list that are read, of 100 each.
const PAGES_MAX: usize = 20;

pub(super) fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1_000)
}

fn from_seconds(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds.saturating_mul(1_000))
}

impl From<NoFact> for GatewayError {
    fn from(no: NoFact) -> Self {
        unavailable(no.to_string())
    }
}

/// The name of a refund, for the header and the metadata. No session has one with a colon.
fn refund_name(key: &str) -> String {
    let fits = key.len() <= 200 && key.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { format!("refund:{key}") } else { format!("refund:sha256-{}", hex(&Sha256::digest(key.as_bytes()))) }
}

impl StripeGateway {
    fn headers(idempotency: Option<&str>) -> Vec<(HeaderName, String)> {
        let mut headers = vec![(HeaderName::from_static("stripe-version"), API_VERSION.to_owned())];
        if let Some(name) = idempotency {
            headers.push((CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned()));
            headers.push((HeaderName::from_static("idempotency-key"), name.to_owned()));
        }
        headers
    }

    async fn call(&self, method: Method, path: &str, name: Option<&str>, body: String) -> Result<Heard, GatewayError> {
        let call = Call { method, path, headers: Self::headers(name), body: body.into_bytes() };
        match self.api.call(call).await? {
            // The same request is under way elsewhere.
            Heard::No { status: 409, code } => Err(unavailable(format!("HTTP 409: {code}"))),
            heard @ (Heard::Done(_) | Heard::No { .. }) => Ok(heard),
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, GatewayError> {
        read(&self.call(Method::GET, path, None, String::new()).await?.done()?)
    }

    fn fields(&self, ask: &SessionAsk, now: Timestamp) -> Result<Vec<(&'static str, String)>, GatewayError> {
        let amount = to_stripe(ask.amount).map_err(|error| refused(error.to_string()))?;
        let until = ask.until.clamp(now + LEAST, now + MOST);
        let back = ask.back_to.as_ref().or(self.return_page.as_ref());
        let back = back.ok_or_else(|| refused("there is no page that the buyer is sent back to"))?;
        let title: String = ask.title.chars().filter(|c| !c.is_control()).take(TITLE_MAX).collect();
        let order = ask.order.to_string();
        Ok(vec![
            ("mode", "payment".to_owned()),
            ("client_reference_id", order.clone()),
            ("metadata[order]", order.clone()),
            ("metadata[attempt]", ask.attempt.to_string()),
            ("payment_intent_data[metadata][order]", order.clone()),
            ("expires_at", seconds(until).to_string()),
            ("line_items[0][quantity]", "1".to_owned()),
            ("line_items[0][price_data][currency]", ask.amount.currency().code().to_ascii_lowercase()),
            ("line_items[0][price_data][unit_amount]", amount.to_string()),
            ("line_items[0][price_data][product_data][name]", if title.trim().is_empty() { order } else { title }),
            // What is taken is what was asked for, in the currency in which it was.
            ("adaptive_pricing[enabled]", "false".to_owned()),
            ("success_url", back.clone()),
            ("cancel_url", back.clone()),
        ])
    }

    pub(super) async fn open_session(&self, ask: &SessionAsk) -> Result<Session, GatewayError> {
        let now = self.clock.now();
        ask.check(now)?;
        let body = form(&self.fields(ask, now)?);
        let session = match self.call(Method::POST, "/v1/checkout/sessions", Some(&ask.key()), body).await? {
            Heard::Done(body) => read(&body)?,
            // The name is taken by a request that was not quite this one: its end may have been clamped at another time.
            Heard::No { code, .. } if code == "idempotency_error" => self.find(ask, now).await?,
            Heard::No { status, code } => return Err(refusal(status, &code)),
        };
        let CheckoutSession { id, url, expires_at, .. } = session;
        // One that is over has no page any more: it leads where it would have led from there.
        let url = url.or_else(|| ask.back_to.clone()).or_else(|| self.return_page.clone()).unwrap_or_default();
        let id = SessionId::new(id).map_err(|_| unavailable("a session with an id that cannot be kept"))?;
        Ok(Session { id, url, until: from_seconds(expires_at) })
    }

    /// The session that has the name of this request.
    async fn find(&self, ask: &SessionAsk, now: Timestamp) -> Result<CheckoutSession, GatewayError> {
        let since = seconds(now).saturating_sub(i64::try_from(LOOK_BACK.as_secs()).unwrap_or(i64::MAX));
        let query = form(&[("created[gte]", since.to_string())]);
        let (order, attempt) = (ask.order.as_str(), ask.attempt.to_string());
        let is_it = |session: &CheckoutSession| {
            let metadata = session.metadata.as_ref();
            let says = |name: &str| metadata.and_then(|metadata| metadata.get(name)).map(String::as_str);
            says("order") == Some(order) && says("attempt") == Some(&attempt)
        };
        let mut after = None;
        // The newest come first, and this one is rarely old: nothing beyond it is read.
        for _ in 0..PAGES_MAX {
            let List { data, has_more } = self.listed("/v1/checkout/sessions", &query, after.as_deref()).await?;
            after = data.last().map(|session: &CheckoutSession| session.id.clone()).filter(|_| has_more);
            if let Some(session) = data.into_iter().find(is_it) {
                let (amount, currency) = (session.amount_total.unwrap_or(0), session.currency.as_deref());
                let asked = from_stripe(amount, currency.unwrap_or_default()).map_err(NoFact::from)?;
                return ask.check_again(asked).map(|()| session);
            }
            if after.is_none() {
                return Err(unavailable("a session that is not to be found"));
            }
        }
        Err(unavailable("a list that is too long"))
    }

    /// A page of a list: what comes after that id.
    async fn listed<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
        after: Option<&str>,
    ) -> Result<List<T>, GatewayError> {
        let after = after.map(|after| form(&[("&starting_after", after.to_owned())])).unwrap_or_default();
        self.get(&format!("{path}?{query}&limit=100{after}")).await
    }

    /// All of a list, page by page.
    async fn all<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
        id: impl Fn(&T) -> &str,
    ) -> Result<Vec<T>, GatewayError> {
        let mut found: Vec<T> = Vec::new();
        for _ in 0..PAGES_MAX {
            let page: List<T> = self.listed(path, query, found.last().map(&id)).await?;
            let is_last = !page.has_more || page.data.is_empty();
            found.extend(page.data);
            if is_last {
                return Ok(found);
            }
        }
        Err(unavailable("a list that is too long"))
    }

    pub(super) async fn session(&self, id: &str) -> Result<CheckoutSession, GatewayError> {
        let expand = "expand[]=payment_intent.latest_charge.refunds";
        self.get(&format!("/v1/checkout/sessions/{}?{expand}", segment(id)?)).await
    }

    pub(super) async fn charge(&self, id: &str) -> Result<Charge, GatewayError> {
        self.get(&format!("/v1/charges/{}?expand[]=refunds", segment(id)?)).await
    }

    /// A session, its charge, and what came of that.
    pub(super) async fn facts(&self, session: CheckoutSession) -> Result<Vec<PaymentFact>, GatewayError> {
        let mut said = vec![facts::session(&session)?];
        let charge = match session.payment_intent {
            Some(Ref::Whole(intent)) => intent.latest_charge,
            Some(Ref::Id(_)) | None => None,
        };
        match charge {
            Some(Ref::Whole(charge)) => said.extend(self.charge_facts(&charge).await?),
            Some(Ref::Id(id)) => said.extend(self.charge_facts(&self.charge(&id).await?).await?),
            None => {}
        }
        Ok(said)
    }

    /// A charge, its disputes and its refunds, the latest refund first.
    pub(super) async fn charge_facts(&self, charge: &Charge) -> Result<Vec<PaymentFact>, GatewayError> {
        let mut said: Vec<PaymentFact> = facts::charge(charge)?.into_iter().collect();
        if charge.disputed {
            let query = format!("charge={}", segment(&charge.id)?);
            for dispute in self.all::<Dispute>("/v1/disputes", &query, |dispute| &dispute.id).await? {
                said.extend(facts::dispute(&dispute)?);
            }
        }
        let listed;
        let refunds = match &charge.refunds {
            Some(refunds) if !refunds.has_more => &refunds.data,
            Some(_) | None => {
                listed = self.refunds(&charge.id).await?;
                &listed
            }
        };
        for refund in refunds {
            said.push(facts::refund(&charge.id, refund)?);
        }
        Ok(said)
    }

    async fn refunds(&self, charge: &str) -> Result<Vec<Refund>, GatewayError> {
        let query = format!("charge={}", segment(charge)?);
        self.all::<Refund>("/v1/refunds", &query, |refund| &refund.id).await
    }

    pub(super) async fn end_session(&self, id: &str) -> Result<Vec<PaymentFact>, GatewayError> {
        let path = format!("/v1/checkout/sessions/{}/expire", segment(id)?);
        // Without a name: under one it would be answered as it was the first time.
        let heard = self.call(Method::POST, &path, None, String::new()).await?;
        // Refused if it is over already, or being paid this moment; how it stands then says which.
        let why = heard.done().err();
        let said = self.facts(self.session(id).await?).await?;
        let is_open = said.iter().any(|fact| matches!(fact, PaymentFact::Session { state: SessionState::Open, .. }));
        if is_open { Err(why.unwrap_or_else(|| unavailable("the session is still open"))) } else { Ok(said) }
    }

    pub(super) async fn give_back(&self, ask: &RefundAsk) -> Result<Vec<PaymentFact>, GatewayError> {
        if ask.amount.minor() <= 0 {
            return Err(refused("nothing to give back"));
        }
        let mut charge = self.charge(ask.charge.as_str()).await?;
        let amount = to_stripe(ask.amount).map_err(|error| refused(error.to_string()))?;
        if !charge.currency.eq_ignore_ascii_case(ask.amount.currency().code()) {
            return Err(refused("the charge is of another currency"));
        }
        if charge.refunds.as_ref().is_none_or(|refunds| refunds.has_more) {
            charge.refunds = Some(List { data: self.refunds(&charge.id).await?, has_more: false });
        }
        let mut said = self.charge_facts(&charge).await?;
        let refunds = charge.refunds.map(|refunds| refunds.data).unwrap_or_default();
        let name = refund_name(&ask.key);
        let is_named = |refund: &Refund| {
            refund.metadata.as_ref().and_then(|metadata| metadata.get("key")).is_some_and(|key| *key == name)
        };
        if refunds.iter().any(is_named) || ask.is_covered(&said)? {
            return Ok(said);
        }
        // Names of requests are forgotten after a day, metadata is not: that is why it was looked for first.
        let body = form(&[
            ("charge", charge.id.clone()),
            ("amount", amount.to_string()),
            ("metadata[key]", name.clone()),
            ("metadata[order]", ask.order.to_string()),
        ]);
        let heard = self.call(Method::POST, "/v1/refunds", Some(&name), body).await?;
        let refund: Refund = read(&heard.done()?)?;
        said.push(facts::refund(&charge.id, &refund)?);
        Ok(said)
    }
}
