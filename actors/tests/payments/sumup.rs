//! What is particular to SumUp.

use std::time::Duration;

use boxoffice::payment::{
    GatewayError, OrderId, PaymentFact, PaymentGateway as _, RefundAsk, SessionAsk, SessionId, SessionState,
};
use boxoffice::ticket::{Currency, Money};

use crate::bench::{Bench, OfSumUp};
use crate::{ask, eur, sums};

async fn paid(bench: &OfSumUp, order: &str) -> SessionId {
    let session = bench.gateway.open(&ask(order)).await.unwrap();
    assert!(bench.pay(&session.id, None).await);
    session.id
}

fn back(key: &str, amount: i64) -> RefundAsk {
    let (order, charge) = (OrderId::new("o-1").unwrap(), "tx-1".parse().unwrap());
    RefundAsk { order, key: key.to_owned(), charge, amount: eur(amount), before: eur(0) }
}

#[tokio::test]
async fn requests_are_worded_as_sumup_reads_them() {
    let bench = OfSumUp::start().await;
    paid(&bench, "o-1").await;
    bench.gateway.refund(&back("a", 1_050)).await.unwrap();
    let open = bench.gateway.open(&ask("o-2")).await.unwrap();
    bench.gateway.expire(&open.id).await.unwrap();
    let asked = bench.double.server.asked();
    let worded: Vec<_> =
        asked.iter().map(|asked| (asked.method.as_str(), asked.path.as_str(), asked.body.as_str())).collect();
    let checkout = r#"{"checkout_reference":"o-1.1","amount":25.00,"currency":"EUR","merchant_code":"MH4H92C7","description":"Chess & tea","return_url":"https://club.example/sumup","redirect_url":"https://club.example/back?o=1","valid_until":"2026-01-01T01:00:00Z","hosted_checkout":{"enabled":true}}"#;
    let transaction = ("GET", "/v2.1/merchants/MH4H92C7/transactions", "");
    let wanted = [
        ("POST", "/v0.1/checkouts", checkout),
        transaction,
        ("POST", "/v0.1/me/refund/tx-1", r#"{"amount":10.50}"#),
        transaction,
    ];
    assert_eq!(worded[..4], wanted);
    assert_eq!(worded[5], ("DELETE", "/v0.1/checkouts/co-2", ""));
    assert_eq!(asked[0].headers["content-type"], "application/json");
    assert_eq!(asked[1].query("id"), Some("tx-1"));
}

#[tokio::test]
async fn amounts_of_every_currency_come_back_as_they_went() {
    let bench = OfSumUp::start().await;
    let letters = || 'A'..='Z';
    let codes = letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| format!("{a}{b}{c}"))));
    let currencies: Vec<Currency> = codes.filter_map(|code| Currency::new(&code).ok()).collect();
    assert!(currencies.len() > 150);
    for (number, currency) in currencies.into_iter().enumerate() {
        for (at, minor) in [1, 29, 2_500, 810_100, i64::MAX].into_iter().enumerate() {
            let amount = Money::new(minor, currency);
            let ask = SessionAsk { amount, ..ask(&format!("o-{number}-{at}")) };
            let session = bench.gateway.open(&ask).await.unwrap();
            // Known again under its name, by its amount too.
            assert_eq!(bench.gateway.open(&ask).await.unwrap(), session);
            assert!(bench.pay(&session.id, None).await);
            let facts = bench.gateway.look(&session.id).await.unwrap();
            assert!(
                matches!(&facts[1], PaymentFact::Charge { captured, .. } if *captured == amount),
                "{amount} {facts:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_amount_is_read_however_it_is_written_and_not_at_all_if_it_is_none_of_its_currency() {
    let bench = OfSumUp::start().await;
    let id = paid(&bench, "o-1").await;
    let cases = [
        ("25", Some(2_500)),
        ("25.0", Some(2_500)),
        ("25.000", Some(2_500)),
        ("2.5e1", Some(2_500)),
        ("0.29", Some(29)),
        ("25.001", None),
        ("\"25\"", None),
        ("1e99", None),
    ];
    for (text, wanted) in cases {
        bench.double.change(id.as_str(), |checkout| checkout.taken.as_mut().unwrap().0 = text.to_owned());
        match (bench.gateway.look(&id).await, wanted) {
            (Ok(facts), Some(minor)) => assert_eq!(sums(&facts), (minor, 0), "{text}"),
            (Err(GatewayError::Unavailable { .. }), None) => {}
            (found, _) => panic!("{text} {found:?}"),
        }
    }
}

#[tokio::test]
async fn a_refund_that_does_not_show_yet_is_not_asked_for_again_for_a_while() {
    let bench = OfSumUp::start().await;
    paid(&bench, "o-1").await;
    let old = r#"{"id":"tx-1","amount":25,"currency":"EUR","status":"SUCCESSFUL"}"#;
    // It is taken on, and the transaction does not say so yet.
    for (status, body) in [(200, old), (204, ""), (200, old)] {
        bench.double.server.say(status, body);
    }
    for _ in 0..3 {
        let refund = bench.gateway.refund(&back("a", 1_000)).await;
        assert!(matches!(refund, Err(GatewayError::Unavailable { .. })), "{refund:?}");
    }
    assert_eq!(bench.double.server.asked_for("POST", "/refund").len(), 1);
    bench.clock().advance(Duration::from_secs(15 * 60));
    assert_eq!(sums(&bench.gateway.refund(&back("a", 1_000)).await.unwrap()), (2_500, 1_000));
    assert_eq!(bench.double.server.asked_for("POST", "/refund").len(), 2);
}

#[tokio::test]
async fn a_refund_that_was_refused_may_be_asked_for_again_at_once() {
    let bench = OfSumUp::start().await;
    paid(&bench, "o-1").await;
    let old = r#"{"id":"tx-1","amount":25,"currency":"EUR","status":"SUCCESSFUL"}"#;
    bench.double.server.say(200, old);
    bench.double.server.say(409, r#"{"title":"Conflict","detail":"ann@club.example"}"#);
    let refund = bench.gateway.refund(&back("a", 1_000)).await;
    assert_eq!(refund, Err(GatewayError::Refused { reason: "HTTP 409: Conflict".to_owned() }));
    assert_eq!(sums(&bench.gateway.refund(&back("a", 1_000)).await.unwrap()), (2_500, 1_000));
    let other = RefundAsk { amount: "5.00 USD".parse().unwrap(), before: "0.00 USD".parse().unwrap(), ..back("b", 1) };
    assert!(matches!(bench.gateway.refund(&other).await, Err(GatewayError::Refused { .. })));
}

#[tokio::test]
async fn a_checkout_and_its_transaction_are_told_as_they_stand() {
    let bench = OfSumUp::start().await;
    let id = paid(&bench, "o-1").await;
    let tx = r#""transactions":[{"id":"tx-1","status":"PENDING"}]"#;
    let cases = [
        ("PENDING", "", SessionState::Open),
        ("PENDING", tx, SessionState::Pending),
        ("FAILED", r#""transactions":[{"id":"tx-1","status":"FAILED"}]"#, SessionState::Failed),
        ("EXPIRED", r#""transactions":[{"id":"tx-1","status":"CANCELLED"}]"#, SessionState::Expired),
    ];
    for (status, more, wanted) in cases {
        let more = if more.is_empty() { String::new() } else { format!(",{more}") };
        let body = format!(r#"{{"id":"{id}","amount":25,"currency":"EUR","status":"{status}"{more}}}"#);
        bench.double.server.say(200, &body);
        let wanted = PaymentFact::Session { session: id.clone(), state: wanted };
        assert_eq!(bench.gateway.look(&id).await.unwrap(), [wanted], "{body}");
    }
    // Refunds that failed count for nothing; what was cancelled after it was paid is all back.
    bench.double.change(id.as_str(), |checkout| checkout.events.push(("REFUND", "FAILED", "25".to_owned())));
    assert_eq!(sums(&bench.gateway.look(&id).await.unwrap()), (2_500, 0));
    bench.double.change(id.as_str(), |checkout| checkout.events.push(("REFUND", "PENDING", "5.5".to_owned())));
    bench.double.change(id.as_str(), |checkout| checkout.events.push(("PAYOUT", "PAID_OUT", "19.5".to_owned())));
    assert_eq!(sums(&bench.gateway.look(&id).await.unwrap()), (2_500, 550));
    bench.double.change(id.as_str(), |checkout| checkout.transaction_status = "CANCELLED");
    assert_eq!(sums(&bench.gateway.look(&id).await.unwrap()), (2_500, 2_500));
}

#[tokio::test]
async fn only_a_page_that_was_given_is_asked_for() {
    let bench = OfSumUp::start().await;
    let now = boxoffice::clock::Clock::now(bench.clock());
    for page in ["", "a b", "a#b", "ü", &"a".repeat(1_001)] {
        let refused = bench.gateway.statement(now, now, Some(page)).await;
        assert!(matches!(refused, Err(GatewayError::Refused { .. })), "{page}");
    }
    assert_eq!(bench.double.server.asked().len(), 0);
    assert!(!format!("{:?}", bench.gateway).contains("4711"));
}
