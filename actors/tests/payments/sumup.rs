//! What is particular to SumUp.

use std::time::Duration;

use boxoffice::payment::{
    GatewayError, OrderId, PaymentFact, PaymentGateway as _, RefundAsk, RefundState, SessionAsk, SessionId,
    SessionState,
};
use boxoffice::ticket::order::Purse;
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

/// The transaction of the first checkout, as if nothing had come of it.
const OLD: &str = r#"{"id":"tx-1","amount":25,"currency":"EUR","status":"SUCCESSFUL"}"#;

#[tokio::test]
async fn a_refund_that_does_not_show_is_asked_for_once_also_after_a_restart_and_then_somebody_must_look() {
    let mut bench = OfSumUp::start().await;
    paid(&bench, "o-1").await;
    // It is taken on, and the transaction does not say so yet.
    for (status, body) in [(200, OLD), (204, ""), (200, OLD)] {
        bench.double.server.say(status, body);
    }
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    for (later, is_over) in [(0, false), (0, false), (14, false), (1, true), (3 * 1_440, true)] {
        bench.clock().advance(minutes(later));
        let refund = bench.gateway.refund(&back("a", 1_000)).await;
        match &refund {
            Err(GatewayError::Unavailable { .. }) => assert!(!is_over, "{refund:?}"),
            Err(GatewayError::Refused { reason }) => {
                assert!(is_over && reason.contains("SumUp's own books"), "{refund:?}");
            }
            Err(_) | Ok(_) => panic!("{refund:?}"),
        }
        bench.restart();
        bench.double.server.say(200, OLD);
    }
    assert_eq!(bench.double.server.asked_for("POST", "/refund").len(), 1);
    // Somebody looked, and wants it to be asked for anew.
    assert_eq!(sums(&bench.gateway.refund(&back("b", 1_000)).await.unwrap()), (2_500, 1_000));
    assert_eq!(bench.double.server.asked_for("POST", "/refund").len(), 2);
    // Or it shows after all.
    assert_eq!(sums(&bench.gateway.refund(&back("a", 1_000)).await.unwrap()), (2_500, 1_000));
}

#[tokio::test]
async fn of_many_that_ask_for_a_refund_under_one_name_at_once_one_is_heard() {
    let bench = OfSumUp::start().await;
    paid(&bench, "o-1").await;
    let asks: Vec<_> = (0..8).map(|_| bench.another()).collect();
    let refunds = asks.iter().map(|gateway| async { gateway.refund(&back("a", 1_000)).await });
    let refunds = futures_util::future::join_all(refunds).await;
    assert!(refunds.iter().any(Result::is_ok), "{refunds:?}");
    assert_eq!(bench.double.server.asked_for("POST", "/refund").len(), 1);
}

#[tokio::test]
async fn a_refund_that_was_refused_may_be_asked_for_again_at_once() {
    let bench = OfSumUp::start().await;
    paid(&bench, "o-1").await;
    // In a hurry, or the key is not allowed this: it was not carried out either.
    for (status, wanted) in [
        (409, GatewayError::Refused { reason: "HTTP 409: Conflict".to_owned() }),
        (403, GatewayError::Unavailable { reason: "HTTP 403".to_owned() }),
        (429, GatewayError::Unavailable { reason: "HTTP 429".to_owned() }),
    ] {
        bench.double.server.say(200, OLD);
        bench.double.server.say(status, r#"{"title":"Conflict","detail":"ann@club.example"}"#);
        assert_eq!(bench.gateway.refund(&back("a", 1_000)).await, Err(wanted));
    }
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
    // Refunds that failed count for nothing.
    bench.double.change(id.as_str(), |checkout| checkout.events.push(("REFUND", "FAILED", "25".to_owned())));
    assert_eq!(sums(&bench.gateway.look(&id).await.unwrap()), (2_500, 0));
    bench.double.change(id.as_str(), |checkout| checkout.events.push(("REFUND", "PENDING", "5.5".to_owned())));
    bench.double.change(id.as_str(), |checkout| checkout.events.push(("PAYOUT", "PAID_OUT", "19.5".to_owned())));
    assert_eq!(sums(&bench.gateway.look(&id).await.unwrap()), (2_500, 550));
}

/// A checkout that was paid by it.
const CHECKOUT: &str = r#"{"id":"co-1","amount":25,"currency":"EUR","status":"PAID","transactions":[{"id":"tx-1","status":"SUCCESSFUL"}]}"#;

/// A transaction of 25.00 EUR with what stands in its two lists.
fn transaction(status: &str, own: &str, events: &str) -> String {
    format!(
        r#"{{"id":"tx-1","amount":25,"currency":"EUR","status":"{status}","transaction_events":[{own}],"events":[{events}]}}"#
    )
}

#[tokio::test]
async fn refunds_count_in_whichever_list_they_stand_and_in_both_once() {
    let bench = OfSumUp::start().await;
    let id = paid(&bench, "o-1").await;
    let payout = r#"{"id":1,"event_type":"PAYOUT","status":"PAID_OUT","amount":25}"#;
    let own = r#"{"id":2,"event_type":"REFUND","status":"REFUNDED","amount":5}"#;
    let other = r#"{"id":"2","type":"REFUND","status":"PENDING","amount":5}"#;
    let second = r#"{"id":3,"type":"REFUND","status":"REFUNDED","amount":7}"#;
    let failed = r#"{"id":2,"type":"REFUND","status":"FAILED","amount":5}"#;
    let nameless = r#"{"type":"REFUND","status":"REFUNDED","amount":5}"#;
    let dispute = r#"{"id":9,"type":"CHARGE_BACK","status":"PENDING","amount":25}"#;
    let cases = [
        (own.to_owned(), String::new(), 500),
        (String::new(), other.to_owned(), 500),
        (payout.to_owned(), other.to_owned(), 500),
        (own.to_owned(), other.to_owned(), 500),
        (format!("{payout},{own}"), format!("{other},{second}"), 1_200),
        (own.to_owned(), failed.to_owned(), 0),
        (failed.to_owned(), own.to_owned(), 0),
        (nameless.to_owned(), String::new(), 500),
        (payout.to_owned(), nameless.to_owned(), 500),
        (own.to_owned(), nameless.to_owned(), 500),
        (nameless.to_owned(), own.to_owned(), 500),
        (format!("{nameless},{nameless}"), nameless.to_owned(), 1_000),
        (dispute.to_owned(), format!("{dispute},{nameless}"), 500),
    ];
    for (own, events, wanted) in cases {
        bench.double.server.say(200, CHECKOUT);
        bench.double.server.say(200, &transaction("SUCCESSFUL", &own, &events));
        let facts = bench.gateway.look(&id).await.unwrap();
        assert_eq!(sums(&facts), (2_500, wanted), "{own} {events}");
        let disputes = facts.iter().filter(|fact| matches!(fact, PaymentFact::Dispute { .. })).count();
        assert_eq!(disputes, usize::from(own.contains("CHARGE_BACK")));
    }
}

#[tokio::test]
async fn what_was_cancelled_after_it_was_paid_is_back_once_however_and_in_which_order_it_is_told() {
    let bench = OfSumUp::start().await;
    let id = paid(&bench, "o-1").await;
    let part = r#"{"id":2,"type":"REFUND","status":"REFUNDED","amount":10}"#;
    let rest = r#"{"id":3,"type":"REFUND","status":"REFUNDED","amount":15}"#;
    let whole = r#"{"id":4,"type":"REFUND","status":"REFUNDED","amount":25}"#;
    let both = format!("{part},{rest}");
    let stories = [
        vec![("CANCELLED", "")],
        vec![("CANCELLED", ""), ("CANCELLED", whole)],
        vec![("SUCCESSFUL", whole), ("CANCELLED", whole)],
        vec![("SUCCESSFUL", part), ("CANCELLED", part), ("CANCELLED", &both)],
        vec![("SUCCESSFUL", &both), ("CANCELLED", &both)],
        vec![("CANCELLED", ""), ("CANCELLED", part), ("CANCELLED", &both)],
    ];
    for story in stories {
        let mut told = Vec::new();
        for (status, events) in &story {
            bench.double.server.say(200, CHECKOUT);
            bench.double.server.say(200, &transaction(status, "", events));
            told.push(bench.gateway.look(&id).await.unwrap());
        }
        assert_eq!(sums(told.last().unwrap()), (2_500, 2_500), "{story:?}");
        for is_reversed in [false, true] {
            let mut purse = Purse::default();
            let mut told: Vec<&PaymentFact> = told.iter().flatten().collect();
            if is_reversed {
                told.reverse();
            }
            for fact in told {
                purse.put(fact);
            }
            let charge = &purse.charges()[&"tx-1".parse().unwrap()];
            let alive = charge.refunds.values().filter(|(_, state)| *state != RefundState::Failed);
            assert_eq!(alive.map(|(amount, _)| amount.minor()).sum::<i64>(), 2_500, "{story:?} {purse:?}");
        }
    }
}

#[tokio::test]
async fn a_next_page_that_cannot_be_asked_for_is_no_end() {
    let bench = OfSumUp::start().await;
    paid(&bench, "o-1").await;
    let now = boxoffice::clock::Clock::now(bench.clock());
    let long = "a".repeat(1_001);
    for (href, is_next) in
        [("a=1", true), ("https://x/y?a=1", true), ("", false), ("a b", false), ("a#b", false), (&long, false)]
    {
        let links =
            format!(r#"{{"items":[{{"id":"1","transaction_id":"tx-1"}}],"links":[{{"rel":"next","href":"{href}"}}]}}"#);
        bench.double.server.say(200, &links);
        match bench.gateway.statement(now, now, None).await {
            Ok(page) => assert!(is_next && page.next.as_deref() == Some("a=1"), "{href:.20}"),
            Err(GatewayError::Unavailable { .. }) => assert!(!is_next, "{href:.20}"),
            Err(error) => panic!("{error}"),
        }
    }
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
