//! What is particular to the sandbox.

use std::sync::Arc;
use std::time::Duration;

use boxoffice::clock::ManualClock;
use boxoffice::payment::{
    GatewayError, OrderId, PaymentFact, PaymentGateway as _, RefundAsk, SandboxGateway, SandboxOutcome, SessionState,
};
use boxoffice::persist::Store;

use crate::{NOW, ask, eur, sums};

fn gateway(store: &Store, clock: &ManualClock) -> SandboxGateway {
    let gateway = SandboxGateway::new(store.clone(), "sandbox-secret".parse().unwrap());
    gateway.with_clock(Arc::new(clock.clone())).with_page("https://club.example/pay/")
}

fn cannot(state: SessionState) -> SandboxOutcome {
    SandboxOutcome::Cannot { state }
}

#[tokio::test]
async fn one_process_sells_and_another_pays() {
    let (store, clock) = (Store::memory(), ManualClock::new(NOW));
    let (seller, payer) = (gateway(&store, &clock), gateway(&store, &clock));
    let session = seller.open(&ask("o-1")).await.unwrap();
    assert_eq!(session.url, "https://club.example/pay/o-1.1");
    let SandboxOutcome::Done(delivery) = payer.pay(&session.id, None).await.unwrap() else { panic!("it is open") };
    let news = seller.hear(delivery.at(NOW)).await.unwrap();
    assert_eq!((news.order, sums(&news.facts)), (Some(OrderId::new("o-1").unwrap()), (2_500, 0)));
}

#[tokio::test]
async fn of_many_that_pay_at_once_one_does() {
    let (store, clock) = (Store::memory(), ManualClock::new(NOW));
    let session = gateway(&store, &clock).open(&ask("o-1")).await.unwrap();
    let payers = (0..16).map(|_| {
        let (payer, id) = (gateway(&store, &clock), session.id.clone());
        tokio::spawn(async move { payer.pay(&id, None).await.unwrap() })
    });
    let mut done = 0;
    for payer in payers.collect::<Vec<_>>() {
        match payer.await.unwrap() {
            SandboxOutcome::Done(_) => done += 1,
            other @ (SandboxOutcome::Cannot { .. } | SandboxOutcome::Unknown) => {
                assert_eq!(other, cannot(SessionState::Paid));
            }
        }
    }
    assert_eq!(done, 1);
}

#[tokio::test]
async fn what_cannot_be_is_said() {
    let (store, clock) = (Store::memory(), ManualClock::new(NOW));
    let gateway = gateway(&store, &clock);
    let failed = gateway.open(&ask("o-1")).await.unwrap().id;
    assert_eq!(gateway.dispute(&failed, None).await.unwrap(), cannot(SessionState::Open));
    assert_eq!(gateway.decide(&failed, true).await.unwrap(), cannot(SessionState::Open));
    assert_eq!(gateway.pay(&failed, Some(eur(0))).await.unwrap(), cannot(SessionState::Open));
    assert!(matches!(gateway.fail(&failed).await.unwrap(), SandboxOutcome::Done(_)));
    assert_eq!(gateway.pay(&failed, None).await.unwrap(), cannot(SessionState::Failed));
    assert_eq!(gateway.pay(&"o-9.1".parse().unwrap(), None).await.unwrap(), SandboxOutcome::Unknown);

    let late = gateway.open(&ask("o-2")).await.unwrap().id;
    clock.advance(Duration::from_secs(3_600));
    assert_eq!(gateway.pay(&late, None).await.unwrap(), cannot(SessionState::Expired));
    let expired = PaymentFact::Session { session: late.clone(), state: SessionState::Expired };
    assert_eq!(gateway.look(&late).await.unwrap(), [expired]);
}

#[tokio::test]
async fn no_more_is_given_back_than_was_taken_and_not_in_another_currency() {
    let (store, clock) = (Store::memory(), ManualClock::new(NOW));
    let gateway = gateway(&store, &clock);
    let session = gateway.open(&ask("o-1")).await.unwrap().id;
    let back = |key: &str, amount: &str| RefundAsk {
        order: OrderId::new("o-1").unwrap(),
        key: key.to_owned(),
        charge: "charge.o-1.1".parse().unwrap(),
        amount: amount.parse().unwrap(),
        before: eur(0),
    };
    let is_refused = |refund| matches!(refund, Err(GatewayError::Refused { .. }));
    assert!(is_refused(gateway.refund(&back("a", "1.00 EUR")).await));
    assert!(matches!(gateway.pay(&session, Some(eur(2_000))).await.unwrap(), SandboxOutcome::Done(_)));
    for amount in ["20.01 EUR", "1.00 USD", "0.00 EUR", "-1.00 EUR"] {
        assert!(is_refused(gateway.refund(&back("a", amount)).await), "{amount}");
    }
    assert!(is_refused(gateway.refund(&RefundAsk { charge: "x".parse().unwrap(), ..back("a", "1.00 EUR") }).await));
    for number in 0..13 {
        let facts = gateway.refund(&back(&format!("r-{number}"), "1.00 EUR")).await.unwrap();
        assert_eq!(sums(&facts), (2_000, (number + 1) * 100));
    }
    assert!(is_refused(gateway.refund(&back("r-13", "1.00 EUR")).await));
    assert!(!format!("{gateway:?}").contains("secret"));
}
