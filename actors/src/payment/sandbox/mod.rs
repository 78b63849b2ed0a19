//! A gateway that takes no money.

mod sale;

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_core::id::IdError;
use boxoffice_core::persist::{Created, Key, Store, StoreError, Swap};
use boxoffice_core::ticket::Money;
use boxoffice_core::ticket::payment::{
    GatewayError, News, PaymentFact, PaymentGateway, RefundAsk, Session, SessionAsk, SessionId, SessionState,
    StatementPage, WebhookDelivery, WebhookError,
};
use boxoffice_core::time::Timestamp;

use self::sale::{Change, NoRefund, Sale, session_of};
use super::secret::{GatewaySecret, Proof};
use super::{check_length, place, refused, unavailable, unreadable};
use crate::clock::{Clock, SystemClock};

/// The header with the signature of a delivery.
const SIGNATURE: &str = "sandbox-signature";
/// What the keys of its sessions begin with.
const PREFIX: &str = "sandbox/";
/// Sessions on a page of a statement.
const PAGE: usize = 100;

/// A gateway for demos and tests: nobody pays, but somebody says that somebody did.
///
/// Its sessions are kept in a store under `sandbox/`, and changed by compare-and-set, so that one process can sell and another
/// can [pay](Self::pay). It has idempotency keys, at most 13 refunds of a charge, and every change comes with a signed
/// [delivery](SandboxDelivery) that [`PaymentGateway::hear`] believes, as a real gateway's webhook would.
///
/// ```
/// use boxoffice::payment::{PaymentGateway, SandboxGateway, SandboxOutcome, SessionAsk};
/// # use boxoffice::{clock::ManualClock, payment::OrderId, persist::Store, time::Timestamp};
/// # use std::sync::Arc;
///
/// # futures_util::FutureExt::now_or_never(async {
/// # let clock = Arc::new(ManualClock::new(Timestamp::EPOCH));
/// # let until = Timestamp::from_millis(60_000);
/// let gateway = SandboxGateway::new(Store::memory(), "sandbox-secret".parse()?).with_clock(clock);
/// let (order, amount) = (OrderId::new("o-4711")?, "25.00 EUR".parse()?);
/// let ask = SessionAsk { order, attempt: 1, amount, title: "Chess".into(), until, back_to: None };
/// let session = gateway.open(&ask).await?;
///
/// let SandboxOutcome::Done(delivery) = gateway.pay(&session.id, None).await? else { panic!("it is open") };
/// let news = gateway.hear(delivery.at(Timestamp::EPOCH)).await?;
/// assert_eq!(news.facts, gateway.look(&session.id).await?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
pub struct SandboxGateway {
    store: Store,
    secret: GatewaySecret,
    page: String,
    window: Duration,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for SandboxGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxGateway").field("page", &self.page).finish_non_exhaustive()
    }
}

/// What the sandbox posts when something became of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxDelivery {
    /// Names and values of its header.
    pub headers: Vec<(String, String)>,
    /// The body: news as JSON.
    pub body: Vec<u8>,
}

impl SandboxDelivery {
    /// The delivery as it came in at some time.
    pub fn at(&self, at: Timestamp) -> WebhookDelivery<'_> {
        WebhookDelivery { headers: &self.headers, body: &self.body, at }
    }
}

/// What became of a session of the sandbox.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SandboxOutcome {
    /// It did, and this is to be posted.
    Done(SandboxDelivery),
    /// It cannot, as it stands: paid already, over, not disputed.
    Cannot {
        /// How it stands.
        state: SessionState,
    },
    /// There is no such session.
    Unknown,
}

fn no_id(_: IdError) -> GatewayError {
    unavailable("an id that cannot be kept")
}

fn failed(_: StoreError) -> GatewayError {
    unavailable("the store failed")
}

fn key(session: &str) -> Result<Key, GatewayError> {
    Key::new(format!("{PREFIX}{session}")).map_err(|_| refused("no session has this id"))
}

impl SandboxGateway {
    /// Keeps its sessions in `store`, and signs its deliveries with `secret`.
    pub fn new(store: Store, secret: GatewaySecret) -> Self {
        let page = "https://sandbox.invalid".to_owned();
        Self { store, secret, page, window: Duration::from_secs(300), clock: Arc::new(SystemClock) }
    }

    /// Where buyers pay: the id of the session is added as a segment. Default: `https://sandbox.invalid`.
    #[must_use]
    pub fn with_page(self, url: &str) -> Self {
        Self { page: url.trim_end_matches('/').to_owned(), ..self }
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

    /// Pays an open session: all of it, or another amount.
    ///
    /// # Errors
    /// [`GatewayError`] when the store failed.
    pub async fn pay(&self, session: &SessionId, amount: Option<Money>) -> Result<SandboxOutcome, GatewayError> {
        self.change(session, Change::Pay(amount)).await
    }

    /// Lets the payment of an open session fail for good.
    ///
    /// # Errors
    /// [`GatewayError`] when the store failed.
    pub async fn fail(&self, session: &SessionId) -> Result<SandboxOutcome, GatewayError> {
        self.change(session, Change::Fail).await
    }

    /// Disputes the charge of a paid session, once: all of it, or another amount.
    ///
    /// # Errors
    /// [`GatewayError`] when the store failed.
    pub async fn dispute(&self, session: &SessionId, amount: Option<Money>) -> Result<SandboxOutcome, GatewayError> {
        self.change(session, Change::Dispute(amount)).await
    }

    /// Decides an open dispute: for us if `won`.
    ///
    /// # Errors
    /// [`GatewayError`] when the store failed.
    pub async fn decide(&self, session: &SessionId, won: bool) -> Result<SandboxOutcome, GatewayError> {
        self.change(session, Change::Decide { won }).await
    }

    /// Posts how a session stands once more.
    ///
    /// # Errors
    /// [`GatewayError`] when the store failed.
    pub async fn deliver(&self, session: &SessionId) -> Result<SandboxOutcome, GatewayError> {
        match self.load(session.as_str()).await? {
            Some(sale) => self.signed(&sale).map(SandboxOutcome::Done),
            None => Ok(SandboxOutcome::Unknown),
        }
    }

    async fn load(&self, session: &str) -> Result<Option<Sale>, GatewayError> {
        self.store.get(&key(session)?).await.map_err(failed)
    }

    async fn known(&self, session: &str) -> Result<Sale, GatewayError> {
        self.load(session).await?.ok_or_else(|| refused("no session has this id"))
    }

    async fn change(&self, session: &SessionId, change: Change) -> Result<SandboxOutcome, GatewayError> {
        let mut found = self.load(session.as_str()).await?;
        while let Some(sale) = found {
            let now = self.clock.now();
            let Some(next) = sale.after(&change, now) else {
                return Ok(SandboxOutcome::Cannot { state: sale.state(now) });
            };
            match self.swap(session.as_str(), &sale, &next).await? {
                Swap::Done(next) => return self.signed(&next).map(SandboxOutcome::Done),
                Swap::Conflict { actual, .. } => found = actual,
            }
        }
        Ok(SandboxOutcome::Unknown)
    }

    async fn swap(&self, session: &str, sale: &Sale, next: &Sale) -> Result<Swap<Sale>, GatewayError> {
        self.store.compare_and_swap(&key(session)?, Some(sale), next).await.map_err(failed)
    }

    fn signed(&self, sale: &Sale) -> Result<SandboxDelivery, GatewayError> {
        let now = self.clock.now();
        let news = sale.news(now).map_err(no_id)?;
        let body = serde_json::to_vec(&news).map_err(|_| unavailable("news without a JSON form"))?;
        let signature = self.secret.sign(now.as_millis().div_euclid(1_000), &body);
        let headers = vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Sandbox-Signature".to_owned(), signature),
        ];
        Ok(SandboxDelivery { headers, body })
    }

    async fn open_sale(&self, ask: &SessionAsk) -> Result<Session, GatewayError> {
        let now = self.clock.now();
        ask.check(now)?;
        let name = ask.key();
        let (Created::Done(sale) | Created::Exists { actual: sale }) =
            self.store.put_new(&key(&name)?, Sale::new(ask, now)).await.map_err(failed)?;
        ask.check_again(sale.amount)?;
        let (url, id) = (format!("{}/{name}", self.page), SessionId::new(name).map_err(no_id)?);
        Ok(Session { id, url, until: sale.until })
    }

    async fn end_sale(&self, session: &SessionId) -> Result<Vec<PaymentFact>, GatewayError> {
        match self.change(session, Change::Expire).await? {
            SandboxOutcome::Done(_) | SandboxOutcome::Cannot { .. } => self.facts(session.as_str()).await,
            SandboxOutcome::Unknown => Err(refused("no session has this id")),
        }
    }

    async fn facts(&self, session: &str) -> Result<Vec<PaymentFact>, GatewayError> {
        self.known(session).await?.facts(self.clock.now()).map_err(no_id)
    }

    async fn give_back(&self, ask: &RefundAsk) -> Result<Vec<PaymentFact>, GatewayError> {
        let session = session_of(&ask.charge).ok_or_else(|| refused("no charge has this id"))?;
        let mut sale = self.known(session).await?;
        loop {
            let next = match sale.after_refund(ask) {
                Ok(next) => next,
                Err(NoRefund::Made) => return sale.facts(self.clock.now()).map_err(no_id),
                Err(NoRefund::Refused(why)) => return Err(refused(why)),
            };
            match self.swap(session, &sale, &next).await? {
                Swap::Done(next) => return next.facts(self.clock.now()).map_err(no_id),
                Swap::Conflict { actual, .. } => sale = actual.ok_or_else(|| refused("no session has this id"))?,
            }
        }
    }

    fn believed(&self, delivery: &WebhookDelivery<'_>) -> Result<News, WebhookError> {
        check_length(delivery)?;
        let secrets = core::slice::from_ref(&self.secret);
        Proof { header: SIGNATURE, secrets, window: self.window }.check(delivery)?;
        let news: News = serde_json::from_slice(delivery.body).map_err(|error| unreadable(place(&error)))?;
        if news.facts.len() > News::FACTS_MAX { Err(unreadable("more than 16 facts")) } else { Ok(news) }
    }

    async fn sales(
        &self,
        from: Timestamp,
        until: Timestamp,
        page: Option<&str>,
    ) -> Result<StatementPage, GatewayError> {
        let after = page.map(key).transpose()?;
        let found = self.store.backend().scan(PREFIX, after.as_ref(), PAGE).await;
        let found = found.map_err(|_| unavailable("the store failed"))?;
        let last = found.last().and_then(|(key, _)| key.as_str().strip_prefix(PREFIX)).map(str::to_owned);
        let next = last.filter(|_| found.len() == PAGE);
        let mut news = Vec::new();
        for (_, record) in found {
            let sale: Sale = record.read().map_err(|_| unavailable("a session that cannot be read"))?;
            if (from..until).contains(&sale.opened) {
                news.push(sale.news(self.clock.now()).map_err(no_id)?);
            }
        }
        Ok(StatementPage { news, next })
    }
}

#[async_trait]
impl PaymentGateway for SandboxGateway {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    async fn open(&self, ask: &SessionAsk) -> Result<Session, GatewayError> {
        self.open_sale(ask).await
    }

    async fn look(&self, session: &SessionId) -> Result<Vec<PaymentFact>, GatewayError> {
        self.facts(session.as_str()).await
    }

    async fn expire(&self, session: &SessionId) -> Result<Vec<PaymentFact>, GatewayError> {
        self.end_sale(session).await
    }

    async fn refund(&self, ask: &RefundAsk) -> Result<Vec<PaymentFact>, GatewayError> {
        self.give_back(ask).await
    }

    async fn hear(&self, delivery: WebhookDelivery<'_>) -> Result<News, WebhookError> {
        self.believed(&delivery)
    }

    async fn statement(
        &self,
        from: Timestamp,
        until: Timestamp,
        page: Option<&str>,
    ) -> Result<StatementPage, GatewayError> {
        self.sales(from, until, page).await
    }
}
