//! A bank for tests: it keeps books, and what it would tell is in the test's hands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use boxoffice::clock::{Clock, ManualClock};
use boxoffice::orders::{
    ChargeId, DisputeId, DisputeState, GatewayError, News, NewsId, OrderId, PaymentFact, PaymentGateway, RefundAsk,
    RefundId, RefundState, Session, SessionAsk, SessionId, SessionState, StatementPage, WebhookDelivery, WebhookError,
};
use boxoffice::ticket::Money;
use boxoffice::time::Timestamp;
use tokio::sync::Semaphore;

#[derive(Debug, Default)]
struct Account {
    session: Option<(Session, SessionState)>,
    opened_at: Option<Timestamp>,
    charges: BTreeMap<ChargeId, Money>,
    refunds: BTreeMap<RefundId, (ChargeId, Money, RefundState)>,
    disputes: BTreeMap<DisputeId, (ChargeId, Money, DisputeState)>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a way to misbehave")]
#[derive(Debug, Default)]
pub(super) struct Books {
    accounts: BTreeMap<OrderId, Account>,
    keys: BTreeSet<String>,
    told: u64,
    pub opened: u64,
    pub is_down: bool,
    pub refuses_sessions: bool,
    pub refuses_refunds: bool,
    /// Refunds are carried out, and the answer is lost.
    pub loses_answers: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Bank {
    books: Arc<Mutex<Books>>,
    clock: ManualClock,
    /// Sessions are opened while it has permits; closed by [`Bank::hold_sessions`].
    gate: Arc<Semaphore>,
}

impl Bank {
    pub(super) fn new(clock: ManualClock) -> Self {
        Self { books: Arc::default(), clock, gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)) }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// Sessions are opened, and the answer waits.
    pub(super) fn hold_sessions(&mut self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(super) fn let_sessions_go(&self) {
        self.gate.add_permits(1_000);
    }

    /// The buyer pays the session of an order; nothing if it is over.
    pub(super) fn pay(&self, order: &OrderId, amount: Money) -> Vec<News> {
        let mut books = self.books();
        let account = books.accounts.entry(order.clone()).or_default();
        let Some((session, state)) = account.session.as_mut().filter(|(_, state)| !state.is_over()) else {
            return vec![];
        };
        *state = SessionState::Paid;
        let session = PaymentFact::Session { session: session.id.clone(), state: SessionState::Paid };
        let charge = ChargeId::new(format!("ch-{order}")).unwrap();
        account.charges.insert(charge.clone(), amount);
        vec![books.news(order, PaymentFact::Charge { charge, captured: amount }), books.news(order, session)]
    }

    /// A charge, whether there is a session or not.
    pub(super) fn charge(&self, order: &OrderId, charge: &str, captured: Money) -> News {
        let mut books = self.books();
        let charge = ChargeId::new(charge).unwrap();
        books.accounts.entry(order.clone()).or_default().charges.insert(charge.clone(), captured);
        books.news(order, PaymentFact::Charge { charge, captured })
    }

    /// Somebody gives money back at the bank.
    pub(super) fn refund(&self, order: &OrderId, charge: &str, amount: Money) -> News {
        let mut books = self.books();
        let charge = ChargeId::new(charge).unwrap();
        let fact = books.give_back(order, &charge, amount);
        books.news(order, fact)
    }

    pub(super) fn dispute(&self, order: &OrderId, charge: &str, amount: Money, state: DisputeState) -> News {
        let mut books = self.books();
        let (charge, dispute) = (ChargeId::new(charge).unwrap(), DisputeId::new(format!("d-{charge}")).unwrap());
        let account = books.accounts.entry(order.clone()).or_default();
        account.disputes.insert(dispute.clone(), (charge.clone(), amount, state));
        books.news(order, PaymentFact::Dispute { charge, dispute, amount, state })
    }

    /// Minor units of an order's money that are with us, by the bank's books.
    pub(super) fn balance(&self, order: &OrderId) -> i64 {
        let books = self.books();
        let Some(account) = books.accounts.get(order) else { return 0 };
        let charged: i64 = account.charges.values().map(Money::minor).sum();
        let back = account.refunds.values().filter(|(_, _, state)| *state != RefundState::Failed);
        let gone = account.disputes.values().filter(|(_, _, state)| *state != DisputeState::Won);
        let back: i64 = back.map(|(_, amount, _)| amount.minor()).sum();
        charged - back - gone.map(|(_, amount, _)| amount.minor()).sum::<i64>()
    }

    pub(super) fn refunds(&self, order: &OrderId) -> Vec<i64> {
        let books = self.books();
        let account = books.accounts.get(order);
        account.map_or_else(Vec::new, |account| account.refunds.values().map(|(_, amount, _)| amount.minor()).collect())
    }

    pub(super) fn facts(&self, order: &OrderId) -> Vec<PaymentFact> {
        self.books().facts(order)
    }
}

impl Books {
    /// An order has a session, whoever asks for it.
    pub(super) fn begin(&mut self, order: &OrderId) {
        let session = Session { id: SessionId::new("s").unwrap(), url: String::new(), until: Timestamp::EPOCH };
        self.accounts.entry(order.clone()).or_default().session = Some((session, SessionState::Open));
    }

    /// The session of an order can be paid again: two of the bank's machines did not agree.
    pub(super) fn reopen(&mut self, order: &OrderId) {
        if let Some((_, state)) = self.accounts.get_mut(order).and_then(|account| account.session.as_mut()) {
            *state = SessionState::Open;
        }
    }

    fn news(&mut self, order: &OrderId, fact: PaymentFact) -> News {
        self.told += 1;
        News { id: NewsId::new(format!("n{}", self.told)).unwrap(), order: Some(order.clone()), facts: vec![fact] }
    }

    fn give_back(&mut self, order: &OrderId, charge: &ChargeId, amount: Money) -> PaymentFact {
        let account = self.accounts.entry(order.clone()).or_default();
        let refund = RefundId::new(format!("re-{order}-{}", account.refunds.len() + 1)).unwrap();
        account.refunds.insert(refund.clone(), (charge.clone(), amount, RefundState::Succeeded));
        PaymentFact::Refund { charge: charge.clone(), refund, amount, state: RefundState::Succeeded }
    }

    fn facts(&self, order: &OrderId) -> Vec<PaymentFact> {
        let Some(account) = self.accounts.get(order) else { return vec![] };
        let mut facts = vec![];
        if let Some((session, state)) = &account.session {
            facts.push(PaymentFact::Session { session: session.id.clone(), state: *state });
        }
        for (charge, captured) in &account.charges {
            facts.push(PaymentFact::Charge { charge: charge.clone(), captured: *captured });
        }
        for (refund, (charge, amount, state)) in &account.refunds {
            let (charge, refund) = (charge.clone(), refund.clone());
            facts.push(PaymentFact::Refund { charge, refund, amount: *amount, state: *state });
        }
        for (dispute, (charge, amount, state)) in &account.disputes {
            let (charge, dispute) = (charge.clone(), dispute.clone());
            facts.push(PaymentFact::Dispute { charge, dispute, amount: *amount, state: *state });
        }
        facts
    }

    fn check(&self) -> Result<(), GatewayError> {
        if self.is_down { Err(GatewayError::Unavailable { reason: "down".to_owned() }) } else { Ok(()) }
    }

    fn order_of(&self, session: &SessionId) -> Option<OrderId> {
        let has = |account: &Account| account.session.as_ref().is_some_and(|(found, _)| found.id == *session);
        self.accounts.iter().find(|(_, account)| has(account)).map(|(order, _)| order.clone())
    }
}

#[async_trait]
impl PaymentGateway for Bank {
    fn name(&self) -> &'static str {
        "bank"
    }

    async fn open(&self, ask: &SessionAsk) -> Result<Session, GatewayError> {
        let session = {
            let mut books = self.books();
            books.check()?;
            if books.refuses_sessions {
                return Err(GatewayError::Refused { reason: "no".to_owned() });
            }
            let id = SessionId::new(format!("s-{}", ask.key())).unwrap();
            let session = Session { url: format!("https://pay.example/{id}"), id, until: ask.until };
            if books.keys.insert(ask.key()) {
                books.opened += 1;
            }
            let account = books.accounts.entry(ask.order.clone()).or_default();
            account.opened_at.get_or_insert(self.clock.now());
            account.session.get_or_insert((session, SessionState::Open)).0.clone()
        };
        self.gate.acquire().await.unwrap().forget();
        Ok(session)
    }

    async fn look(&self, session: &SessionId) -> Result<Vec<PaymentFact>, GatewayError> {
        let books = self.books();
        books.check()?;
        Ok(books.order_of(session).map_or_else(Vec::new, |order| books.facts(&order)))
    }

    async fn expire(&self, session: &SessionId) -> Result<Vec<PaymentFact>, GatewayError> {
        let mut books = self.books();
        books.check()?;
        let order = books.order_of(session).unwrap();
        if let Some((_, state @ SessionState::Open)) = &mut books.accounts.get_mut(&order).unwrap().session {
            *state = SessionState::Expired;
        }
        Ok(books.facts(&order))
    }

    async fn refund(&self, ask: &RefundAsk) -> Result<Vec<PaymentFact>, GatewayError> {
        let mut books = self.books();
        books.check()?;
        if books.refuses_refunds {
            return Err(GatewayError::Refused { reason: "no".to_owned() });
        }
        if books.keys.insert(ask.key.clone()) {
            books.give_back(&ask.order, &ask.charge, ask.amount);
        }
        if books.loses_answers {
            return Err(GatewayError::Unavailable { reason: "the answer was lost".to_owned() });
        }
        Ok(books.facts(&ask.order))
    }

    async fn hear(&self, delivery: WebhookDelivery<'_>) -> Result<News, WebhookError> {
        if delivery.header("bank-secret") != Some("tell nobody") {
            return Err(WebhookError::Unproven { reason: "no secret".to_owned() });
        }
        serde_json::from_slice(delivery.body).map_err(|error| WebhookError::Unreadable { reason: error.to_string() })
    }

    async fn statement(
        &self,
        from: Timestamp,
        until: Timestamp,
        page: Option<&str>,
    ) -> Result<StatementPage, GatewayError> {
        let books = self.books();
        books.check()?;
        let after = page.map(|page| OrderId::new(page).unwrap());
        let accounts = books.accounts.iter().filter(|(order, _)| after.as_ref().is_none_or(|after| *order > after));
        let opened = accounts.filter(|(_, account)| account.opened_at.is_some_and(|at| at >= from && at < until));
        let orders: Vec<OrderId> = opened.map(|(order, _)| order.clone()).take(100).collect();
        let news = orders.iter().map(|order| {
            let facts = books.facts(order);
            // A name made of what it says, as an adapter makes it of a hash.
            let says =
                format!("{facts:?}").bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
            News { id: NewsId::new(format!("st-{order}-{says:x}")).unwrap(), order: Some(order.clone()), facts }
        });
        let next = (orders.len() == 100).then(|| orders.last().unwrap().to_string());
        Ok(StatementPage { news: news.collect(), next })
    }
}
