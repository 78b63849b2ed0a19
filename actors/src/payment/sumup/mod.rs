//! SumUp: hosted checkouts and their transactions.

mod ask;
mod decimal;
mod objects;

use core::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_core::persist::Store;
use boxoffice_core::ticket::payment::{
    GatewayError, News, PaymentFact, PaymentGateway, RefundAsk, Session, SessionAsk, SessionId, StatementPage,
    WebhookDelivery, WebhookError,
};
use boxoffice_core::time::Timestamp;
use hyper::Method;

use self::objects::{Checkout, Notification};
use super::call::{Api, Heard, read, segment};
use super::news::piece;
use super::secret::{GatewaySecret, unproven};
use super::{check_length, place, unreadable};
use crate::clock::{Clock, SystemClock};
use crate::http::{HttpClient, HttpSetupError};

/// Takes money through SumUp's [hosted checkouts](https://developer.sumup.com/online-payments/tools/hosted-checkout).
///
/// The reference of a checkout is the request's name, `ORDER.ATTEMPT`, and a checkout that has it already is the one that is meant.
/// Amounts are exact decimals both ways. `expire` deactivates a checkout.
///
/// *Refunds* have no idempotency keys here. First, what has been given back is compared with [`RefundAsk::before`]: where it covers
/// the request already, the request was carried out. If not, the request is marked in a store, under `sumup-refund/` and its key,
/// and then made. What is marked is not asked for again by anybody who shares the store: as long as it does not show it is
/// [unavailable](GatewayError::Unavailable) for 15 minutes, and [refused](GatewayError::Refused) from then on, so that a person
/// looks at SumUp's own books and, if it is not there, has it asked for under another key. A refusal of SumUp takes the mark away.
/// One caller at a time for one charge; a refund made by hand at the same time counts as this one.
///
/// *Deliveries* are not signed and name only a checkout: it is asked for, so a stranger can make us ask, but not believe. A host
/// should bound how many come in. The name of the news is a hash of what was found. A checkout that SumUp does not know is unproven.
///
/// *A statement* lists transactions by when they were made, not by when their checkout was opened, and tells of their orders where
/// SumUp hands back the reference of the checkout (as `foreign_transaction_id`).
///
/// ```no_run
/// use boxoffice::payment::SumUpGateway;
///
/// # use boxoffice::persist::Store;
/// # let store = Store::memory();
/// // A store that lasts: the same as that of the orders will do.
/// let gateway = SumUpGateway::new("sup_sk_4711".parse()?, "MH4H92C7", store)?;
/// let gateway = gateway.with_webhook_url("https://club.example/sumup");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SumUpGateway {
    api: Api,
    merchant: String,
    webhook_url: Option<String>,
    /// Marks of refunds that were asked for.
    store: Store,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for SumUpGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SumUpGateway")
            .field("url", &self.api.url)
            .field("client", &self.api.client)
            .finish_non_exhaustive()
    }
}

impl SumUpGateway {
    /// With the key of the API, the code of the merchant whose account it is, and the store that keeps which refunds were asked for.
    ///
    /// # Errors
    /// [`HttpSetupError`] when TLS cannot be set up.
    pub fn new(key: GatewaySecret, merchant: impl Into<String>, store: Store) -> Result<Self, HttpSetupError> {
        Ok(Self {
            api: Api {
                client: HttpClient::new()?,
                url: "https://api.sumup.com".to_owned(),
                key,
                code_of: objects::code,
            },
            merchant: merchant.into(),
            webhook_url: None,
            store,
            clock: Arc::new(SystemClock),
        })
    }

    /// Where the API is: scheme, host and port. Default: `https://api.sumup.com`.
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

    /// Where SumUp posts its deliveries (`return_url`). Default: nowhere, and all is told by statements.
    #[must_use]
    pub fn with_webhook_url(self, url: impl Into<String>) -> Self {
        Self { webhook_url: Some(url.into()), ..self }
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    async fn found(&self, delivery: WebhookDelivery<'_>) -> Result<News, WebhookError> {
        check_length(&delivery)?;
        let notification = serde_json::from_slice(delivery.body);
        let Notification { event_type, id } =
            notification.map_err(|error| unreadable(format!("notification: {}", place(&error))))?;
        if event_type != "CHECKOUT_STATUS_CHANGED" {
            return Ok(piece(None, &[])?);
        }
        let id = segment(&id).map_err(|_| unreadable("notification: an id that is none of SumUp's"))?;
        let checkout: Checkout = match self.ask(Method::GET, &format!("/v0.1/checkouts/{id}")).await? {
            Heard::No { status: 404, .. } => return Err(unproven("SumUp knows no such checkout")),
            heard @ (Heard::Done(_) | Heard::No { .. }) => read(&heard.done()?)?,
        };
        let order = objects::order(checkout.reference.as_deref());
        Ok(piece(order.as_ref(), &self.facts(&checkout).await?)?)
    }
}

#[async_trait]
impl PaymentGateway for SumUpGateway {
    fn name(&self) -> &'static str {
        "sumup"
    }

    async fn open(&self, ask: &SessionAsk) -> Result<Session, GatewayError> {
        self.open_checkout(ask).await
    }

    async fn look(&self, session: &SessionId) -> Result<Vec<PaymentFact>, GatewayError> {
        self.facts(&self.checkout(session.as_str()).await?).await
    }

    async fn expire(&self, session: &SessionId) -> Result<Vec<PaymentFact>, GatewayError> {
        self.end_checkout(session.as_str()).await
    }

    async fn refund(&self, ask: &RefundAsk) -> Result<Vec<PaymentFact>, GatewayError> {
        self.give_back(ask).await
    }

    async fn hear(&self, delivery: WebhookDelivery<'_>) -> Result<News, WebhookError> {
        self.found(delivery).await
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
