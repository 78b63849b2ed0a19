//! Each gateway with whoever pays at the other side.

use std::sync::Arc;

use async_trait::async_trait;
use boxoffice::clock::{Clock as _, ManualClock};
use boxoffice::payment::{
    PaymentGateway, SandboxDelivery, SandboxGateway, SandboxOutcome, SessionId, StripeGateway, SumUpGateway,
};
use boxoffice::persist::Store;
use boxoffice::ticket::Money;
use serde_json::json;

use crate::stripe_double::{self, Stripe};
use crate::sumup_double::SumUp;
use crate::{NOW, http};

#[async_trait]
pub(crate) trait Bench: Send + Sync {
    fn gateway(&self) -> &dyn PaymentGateway;
    fn clock(&self) -> &ManualClock;
    /// More sessions than a page of a statement takes.
    fn many(&self) -> usize;
    /// Whether it could be paid.
    async fn pay(&self, session: &SessionId, amount: Option<Money>) -> bool;
    /// All of the charge is disputed, and perhaps it is decided for us or against us.
    async fn dispute(&self, session: &SessionId, won: Option<bool>);
    /// The next refund is made, and its answer is lost.
    fn lose_refund(&self) {}
    /// What is posted about a session.
    async fn delivery(&self, session: &SessionId) -> SandboxDelivery;
}

pub(crate) struct OfSandbox {
    pub(crate) gateway: SandboxGateway,
    clock: ManualClock,
}

pub(crate) struct OfStripe {
    pub(crate) gateway: StripeGateway,
    pub(crate) double: Stripe,
    clock: ManualClock,
}

pub(crate) struct OfSumUp {
    pub(crate) gateway: SumUpGateway,
    pub(crate) double: SumUp,
    store: Store,
    clock: ManualClock,
}

impl OfSandbox {
    pub(crate) fn start() -> Self {
        let clock = ManualClock::new(NOW);
        let gateway = SandboxGateway::new(Store::memory(), "sandbox-secret".parse().unwrap());
        Self { gateway: gateway.with_clock(Arc::new(clock.clone())), clock }
    }
}

impl OfStripe {
    pub(crate) async fn start() -> Self {
        let clock = ManualClock::new(NOW);
        let double = Stripe::start(clock.clone()).await;
        let secrets = stripe_double::SECRETS.map(|secret| secret.parse().unwrap()).to_vec();
        let gateway = StripeGateway::new("sk_test_4711".parse().unwrap(), secrets).unwrap();
        let gateway = gateway
            .with_url(&format!("http://127.0.0.1:{}", double.server.port))
            .unwrap()
            .with_http(http())
            .with_clock(Arc::new(clock.clone()));
        Self { gateway, double, clock }
    }
}

impl OfSumUp {
    pub(crate) async fn start() -> Self {
        let clock = ManualClock::new(NOW);
        let double = SumUp::start(clock.clone()).await;
        let store = Store::memory();
        let gateway = of_sumup(&double, &store, &clock);
        Self { gateway, double, store, clock }
    }

    /// Another gateway of the same account, on the same store.
    pub(crate) fn another(&self) -> SumUpGateway {
        of_sumup(&self.double, &self.store, &self.clock)
    }

    pub(crate) fn restart(&mut self) {
        self.gateway = self.another();
    }
}

fn of_sumup(double: &SumUp, store: &Store, clock: &ManualClock) -> SumUpGateway {
    let gateway = SumUpGateway::new("sup_sk_4711".parse().unwrap(), "MH4H92C7", store.clone()).unwrap();
    gateway
        .with_url(&format!("http://127.0.0.1:{}", double.server.port))
        .unwrap()
        .with_http(http())
        .with_clock(Arc::new(clock.clone()))
        .with_webhook_url("https://club.example/sumup")
}

pub(crate) async fn benches() -> Vec<Box<dyn Bench>> {
    vec![Box::new(OfSandbox::start()), Box::new(OfStripe::start().await), Box::new(OfSumUp::start().await)]
}

#[async_trait]
impl Bench for OfSandbox {
    fn gateway(&self) -> &dyn PaymentGateway {
        &self.gateway
    }

    fn clock(&self) -> &ManualClock {
        &self.clock
    }

    fn many(&self) -> usize {
        205
    }

    async fn pay(&self, session: &SessionId, amount: Option<Money>) -> bool {
        matches!(self.gateway.pay(session, amount).await.unwrap(), SandboxOutcome::Done(_))
    }

    async fn dispute(&self, session: &SessionId, won: Option<bool>) {
        if let Some(won) = won {
            assert!(matches!(self.gateway.decide(session, won).await.unwrap(), SandboxOutcome::Done(_)));
        } else {
            assert!(matches!(self.gateway.dispute(session, None).await.unwrap(), SandboxOutcome::Done(_)));
        }
    }

    async fn delivery(&self, session: &SessionId) -> SandboxDelivery {
        let SandboxOutcome::Done(delivery) = self.gateway.deliver(session).await.unwrap() else { panic!("unknown") };
        delivery
    }
}

#[async_trait]
impl Bench for OfStripe {
    fn gateway(&self) -> &dyn PaymentGateway {
        &self.gateway
    }

    fn clock(&self) -> &ManualClock {
        &self.clock
    }

    fn many(&self) -> usize {
        55
    }

    async fn pay(&self, session: &SessionId, amount: Option<Money>) -> bool {
        let now = self.clock.now().as_millis() / 1_000;
        self.double.change(session.as_str(), |sale| {
            let asked: i64 = sale.form["line_items[0][price_data][unit_amount]"].parse().unwrap();
            let is_open = sale.status == "open" && sale.form["expires_at"].parse::<i64>().unwrap() > now;
            if is_open {
                (sale.status, sale.payment_status) = ("complete", "paid");
                sale.captured = Some(amount.map_or(asked, |amount| amount.minor()));
            }
            is_open
        })
    }

    async fn dispute(&self, session: &SessionId, won: Option<bool>) {
        let status = match won {
            None => "needs_response",
            Some(true) => "won",
            Some(false) => "lost",
        };
        self.double.change(session.as_str(), |sale| sale.dispute = Some(status));
    }

    fn lose_refund(&self) {
        self.double.server.lose("POST", "/refunds");
    }

    async fn delivery(&self, session: &SessionId) -> SandboxDelivery {
        let object = self.double.change(session.as_str(), |sale| sale.session(false));
        let (headers, body) = self.double.event("checkout.session.completed", &object);
        SandboxDelivery { headers, body }
    }
}

#[async_trait]
impl Bench for OfSumUp {
    fn gateway(&self) -> &dyn PaymentGateway {
        &self.gateway
    }

    fn clock(&self) -> &ManualClock {
        &self.clock
    }

    fn many(&self) -> usize {
        45
    }

    async fn pay(&self, session: &SessionId, amount: Option<Money>) -> bool {
        let amount = amount.map(|amount| amount.to_string());
        self.double.pay(session.as_str(), amount.as_deref().map(|amount| amount.split(' ').next().unwrap()))
    }

    async fn dispute(&self, session: &SessionId, won: Option<bool>) {
        let status = match won {
            None => "PENDING",
            Some(true) => "FAILED",
            Some(false) => "SUCCESSFUL",
        };
        self.double.change(session.as_str(), |checkout| {
            let amount = checkout.taken.as_ref().unwrap().0.clone();
            checkout.events.retain(|(kind, ..)| *kind != "CHARGE_BACK");
            checkout.events.push(("CHARGE_BACK", status, amount));
        });
    }

    fn lose_refund(&self) {
        self.double.server.lose("POST", "/refund");
    }

    async fn delivery(&self, session: &SessionId) -> SandboxDelivery {
        let body = json!({ "event_type": "CHECKOUT_STATUS_CHANGED", "id": session.as_str() });
        SandboxDelivery { headers: Vec::new(), body: body.to_string().into_bytes() }
    }
}
