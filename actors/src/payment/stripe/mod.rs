//! Stripe: Checkout Sessions, charges, refunds, disputes.

mod amount;
mod ask;
mod event;
mod facts;
mod objects;

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_core::ticket::payment::{
    GatewayError, News, PaymentFact, PaymentGateway, RefundAsk, Session, SessionAsk, SessionId, StatementPage,
    WebhookDelivery, WebhookError,
};
use boxoffice_core::time::Timestamp;

use self::objects::{CheckoutSession, List};
use super::call::{Api, form, segment};
use super::check_length;
use super::news::told;
use super::secret::{GatewaySecret, Proof};
use crate::clock::{Clock, SystemClock};
use crate::http::{HttpClient, HttpSetupError};

/// The version of the API that is asked for: what its objects look like.
const API_VERSION: &str = "2024-06-20";

/// Sessions on a page of a statement.
const PAGE: usize = 25;

/// Takes money through Stripe's hosted pages ([Checkout Sessions](https://docs.stripe.com/api/checkout/sessions)).
///
/// A session lasts half an hour to a day: an end outside of that is moved to the edge. It needs a page that the buyer is sent back
/// to. A session that is complete and not yet paid is pending: it cannot be ended any more, and [`PaymentGateway::expire`] says so.
///
/// *Amounts* are counted as Stripe does, which is not always as ISO 4217 does, and are exact or refused: `MGA` only in whole
/// units; `BHD`, `JOD`, `KWD`, `OMR` and `TND` only in tens of the smallest; of those that have neither none nor two decimal places no
/// other at all. Prices are not converted (no adaptive pricing).
///
/// *Requests* have idempotency keys that Stripe knows for a day. A refund is looked for before it is asked for, by the key in its
/// metadata and by what has been given back, so it is made once however late it is asked for again. Asked again under the same key,
/// Stripe repeats its first answer, a refusal as well. An opening that is repeated more than a day later opens another session: ask
/// for ends within a day. One that is repeated with another end is looked for among the sessions of that day, the newest first.
///
/// *Events* are heard of sessions, charges, refunds and disputes; of all others they are news without facts. What of them does not
/// name an order or a charge is asked for. Of a charge with more than a dozen refunds an event tells the latest only. A dispute
/// that has moved no money (an inquiry) is no fact.
///
/// ```no_run
/// use boxoffice::payment::StripeGateway;
///
/// // While the secret of the deliveries is changed there are two.
/// let signing = vec!["whsec_4711471147114711".parse()?, "whsec_4712471247124712".parse()?];
/// let gateway = StripeGateway::new("sk_live_4711".parse()?, signing)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StripeGateway {
    api: Api,
    signing: Vec<GatewaySecret>,
    window: Duration,
    return_page: Option<String>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for StripeGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeGateway")
            .field("url", &self.api.url)
            .field("client", &self.api.client)
            .finish_non_exhaustive()
    }
}

impl StripeGateway {
    /// With the key of the API, and the secrets of which one signs the deliveries.
    ///
    /// # Errors
    /// [`HttpSetupError`] when TLS cannot be set up.
    pub fn new(key: GatewaySecret, signing: Vec<GatewaySecret>) -> Result<Self, HttpSetupError> {
        Ok(Self {
            api: Api {
                client: HttpClient::new()?,
                url: "https://api.stripe.com".to_owned(),
                key,
                code_of: objects::code,
            },
            signing,
            window: Duration::from_secs(300),
            return_page: None,
            clock: Arc::new(SystemClock),
        })
    }

    /// Where the API is: scheme, host and port. Default: `https://api.stripe.com`.
    ///
    /// # Errors
    /// [`HttpSetupError::Url`] when it is no such URL.
    pub fn with_url(self, url: &str) -> Result<Self, HttpSetupError> {
        Ok(Self { api: self.api.at(url)?, ..self })
    }

    /// Reaches the API with this client. Default: [`HttpClient::new`].
    #[must_use]
    pub fn with_http(mut self, client: HttpClient) -> Self {
        self.api.client = client;
        self
    }

    /// Where buyers are sent back to if their order names no page. Default: none, and such an order is refused.
    #[must_use]
    pub fn with_return_page(self, url: impl Into<String>) -> Self {
        Self { return_page: Some(url.into()), ..self }
    }

    /// How long before or after its coming in a delivery may have been signed. Default: 5 minutes.
    #[must_use]
    pub fn with_window(self, window: Duration) -> Self {
        Self { window, ..self }
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    async fn believed(&self, delivery: WebhookDelivery<'_>) -> Result<News, WebhookError> {
        check_length(&delivery)?;
        let proof = Proof { header: "stripe-signature", secrets: &self.signing, window: self.window };
        proof.check(&delivery)?;
        self.event(delivery.body).await
    }

    async fn page(&self, from: Timestamp, until: Timestamp, page: Option<&str>) -> Result<StatementPage, GatewayError> {
        // Stripe dates to whole seconds: those of the edges are told whole.
        let before = until.as_millis().div_euclid(1_000) + i64::from(until.as_millis().rem_euclid(1_000) > 0);
        let mut query = vec![
            ("created[gte]", ask::seconds(from).to_string()),
            ("created[lt]", before.to_string()),
            ("limit", PAGE.to_string()),
            ("expand[]", "data.payment_intent.latest_charge.refunds".to_owned()),
        ];
        if let Some(after) = page {
            query.push(("starting_after", segment(after)?.to_owned()));
        }
        let list: List<CheckoutSession> = self.get(&format!("/v1/checkout/sessions?{}", form(&query))).await?;
        let last = list.data.last().map(|session| session.id.clone());
        let mut news = Vec::new();
        for session in list.data {
            let order = objects::order(&session.metadata);
            news.extend(told(order.as_ref(), &self.facts(session).await?)?);
        }
        Ok(StatementPage { news, next: last.filter(|_| list.has_more) })
    }
}

#[async_trait]
impl PaymentGateway for StripeGateway {
    fn name(&self) -> &'static str {
        "stripe"
    }

    async fn open(&self, ask: &SessionAsk) -> Result<Session, GatewayError> {
        self.open_session(ask).await
    }

    async fn look(&self, session: &SessionId) -> Result<Vec<PaymentFact>, GatewayError> {
        self.facts(self.session(session.as_str()).await?).await
    }

    async fn expire(&self, session: &SessionId) -> Result<Vec<PaymentFact>, GatewayError> {
        self.end_session(session.as_str()).await
    }

    async fn refund(&self, ask: &RefundAsk) -> Result<Vec<PaymentFact>, GatewayError> {
        self.give_back(ask).await
    }

    async fn hear(&self, delivery: WebhookDelivery<'_>) -> Result<News, WebhookError> {
        self.believed(delivery).await
    }

    async fn statement(
        &self,
        from: Timestamp,
        until: Timestamp,
        page: Option<&str>,
    ) -> Result<StatementPage, GatewayError> {
        self.page(from, until, page).await
    }
}
