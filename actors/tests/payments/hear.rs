//! Deliveries that are believed, and those that are not.

use boxoffice::payment::{SandboxDelivery, WebhookError};
use boxoffice::time::Timestamp;
use serde_json::json;

use crate::bench::{Bench, OfSandbox, OfStripe, OfSumUp};
use crate::stripe_double::{SECRETS, signature};
use crate::{NOW, ask};

/// Name of the header, and secret, of each gateway that signs.
async fn signing() -> Vec<(Box<dyn Bench>, &'static str, &'static str)> {
    vec![
        (Box::new(OfSandbox::start()), "sandbox-signature", "sandbox-secret"),
        (Box::new(OfStripe::start().await), "STRIPE-Signature", SECRETS[0]),
    ]
}

fn seconds(at: Timestamp) -> i64 {
    at.as_millis() / 1_000
}

fn signed(header: &str, value: &str, body: &[u8]) -> SandboxDelivery {
    SandboxDelivery { headers: vec![(header.to_owned(), value.to_owned())], body: body.to_vec() }
}

async fn heard(bench: &dyn Bench, delivery: &SandboxDelivery) -> &'static str {
    match bench.gateway().hear(delivery.at(NOW)).await {
        Ok(_) => "news",
        Err(WebhookError::Unproven { .. }) => "unproven",
        Err(WebhookError::Unreadable { .. }) => "unreadable",
        Err(_) => "gateway",
    }
}

#[tokio::test]
async fn only_what_was_signed_by_a_secret_of_ours_a_moment_ago_is_believed() {
    for (bench, header, secret) in signing().await {
        let session = bench.gateway().open(&ask("o-1")).await.unwrap();
        assert!(bench.pay(&session.id, None).await);
        let body = bench.delivery(&session.id).await.body;
        let good = signature(secret, seconds(NOW), &body);
        let at = |offset: i64| signature(secret, seconds(NOW) + offset, &body);
        let digits = good.split_once("v1=").unwrap().1.to_owned();
        let cases = [
            (good.clone(), "news"),
            (at(-300), "news"),
            (at(300), "news"),
            (at(-301), "unproven"),
            (at(301), "unproven"),
            (signature("whsec_of_somebody_else", seconds(NOW), &body), "unproven"),
            (signature(secret, seconds(NOW), &body[1..]), "unproven"),
            // While secrets are changed there are several signatures; others are passed over.
            (good.replace("v1=", "v0=00,v1=00,v1=zz,v1="), "news"),
            (good.replace("v1=", &format!("v1={},v1=", "0".repeat(64))), "news"),
            (good.replace("t=", " t="), "news"),
            (good.replace("v1=", "v0="), "unproven"),
            (format!("t={},{good}", seconds(NOW)), "unproven"),
            (format!("v1={digits}"), "unproven"),
            (format!("t={},v1=", seconds(NOW)), "unproven"),
            (format!("t=now,v1={digits}"), "unproven"),
            (format!("t=9223372036854775807,v1={digits}"), "unproven"),
            (format!("t=-9223372036854775808,v1={digits}"), "unproven"),
            (format!("t={},v1={}ü", seconds(NOW), &digits[..62]), "unproven"),
            (String::new(), "unproven"),
            (format!("{}{good}", "v1=00,".repeat(1_000)), "unproven"),
        ];
        for (value, wanted) in cases {
            let name = bench.gateway().name();
            assert_eq!(heard(&*bench, &signed(header, &value, &body)).await, wanted, "{name} {value:.90}");
        }
    }
}

#[tokio::test]
async fn what_costs_nothing_to_see_is_looked_at_before_the_body_is() {
    for (bench, header, secret) in signing().await {
        let body = vec![b' '; 1_024 * 1_024];
        let others = format!("v1={},", "0".repeat(64)).repeat(30);
        let cases = [
            (format!("t={},{others}", seconds(NOW) - 301), "signed too long ago, or in the future"),
            (format!("t={},{others}", seconds(NOW) + 301), "signed too long ago, or in the future"),
            (signature(secret, seconds(NOW) - 301, &body), "signed too long ago, or in the future"),
            (format!("t={},{others}", seconds(NOW)), "no signature of ours"),
            (format!("t={},v1=00", seconds(NOW)), "no signature of ours"),
        ];
        for (value, wanted) in cases {
            let heard = bench.gateway().hear(signed(header, &value, &body).at(NOW)).await;
            assert_eq!(heard, Err(WebhookError::Unproven { reason: wanted.to_owned() }), "{value:.90}");
        }
        // Of as many signatures as are looked at the last may be ours.
        let (time, ours) =
            signature(secret, seconds(NOW), &body).split_once(',').map(|(t, v)| (t.to_owned(), v.to_owned())).unwrap();
        assert_eq!(heard(&*bench, &signed(header, &format!("{time},{others}{ours}"), &body)).await, "unreadable");
    }
}

#[tokio::test]
async fn a_body_that_was_changed_a_header_that_is_missing_or_there_twice_and_a_body_too_long_prove_nothing() {
    for (bench, header, secret) in signing().await {
        let session = bench.gateway().open(&ask("o-1")).await.unwrap();
        assert!(bench.pay(&session.id, None).await);
        let body = bench.delivery(&session.id).await.body;
        let good = signed(header, &signature(secret, seconds(NOW), &body), &body);
        assert_eq!(heard(&*bench, &good).await, "news");
        for at in [0, body.len() / 2, body.len() - 1] {
            let mut changed = good.clone();
            changed.body[at] ^= 1;
            assert_eq!(heard(&*bench, &changed).await, "unproven");
        }
        assert_eq!(heard(&*bench, &SandboxDelivery { headers: Vec::new(), ..good.clone() }).await, "unproven");
        let mut twice = good.clone();
        twice.headers.push((header.to_ascii_uppercase(), good.headers[0].1.clone()));
        assert_eq!(heard(&*bench, &twice).await, "unproven");
        let long = vec![b' '; 1_024 * 1_024 + 1];
        let long = signed(header, &signature(secret, seconds(NOW), &long), &long);
        assert_eq!(heard(&*bench, &long).await, "unproven");
    }
}

#[tokio::test]
async fn what_is_the_gateways_and_no_news_is_unreadable() {
    for (bench, header, secret) in signing().await {
        let bodies: [&[u8]; 7] =
            [b"", b"no JSON", b"[]", b"{}", b"\xff", br#"{"id":7}"#, br#"{"id":"","type":"a","data":{"object":{}}}"#];
        for body in bodies {
            let delivery = signed(header, &signature(secret, seconds(NOW), body), body);
            assert_eq!(heard(&*bench, &delivery).await, "unreadable", "{body:?}");
        }
        let deep = "[".repeat(100_000).into_bytes();
        let delivery = signed(header, &signature(secret, seconds(NOW), &deep), &deep);
        assert_eq!(heard(&*bench, &delivery).await, "unreadable");
    }
}

#[tokio::test]
async fn what_sumup_posts_is_asked_for_and_never_believed() {
    let bench = OfSumUp::start().await;
    let session = bench.gateway().open(&ask("o-1")).await.unwrap();
    let post = |id: &str| json!({ "event_type": "CHECKOUT_STATUS_CHANGED", "id": id, "status": "PAID" }).to_string();
    let unsigned = |body: &str| SandboxDelivery { headers: Vec::new(), body: body.as_bytes().to_vec() };
    let cases = [
        (post(session.id.as_str()), "news"),
        (json!({ "event_type": "SOMETHING_NEW", "id": "x" }).to_string(), "news"),
        (post("co-99"), "unproven"),
        (post("../me"), "unreadable"),
        (post(".."), "unreadable"),
        (post(""), "unreadable"),
        (post("co-1?x=1"), "unreadable"),
        ("no JSON".to_owned(), "unreadable"),
        ("{}".to_owned(), "unreadable"),
        (" ".repeat(1_024 * 1_024 + 1), "unproven"),
    ];
    for (body, wanted) in cases {
        assert_eq!(heard(&bench, &unsigned(&body)).await, wanted, "{body:.90}");
    }
    // It says paid; SumUp says open.
    let news = bench.gateway().hear(unsigned(&post(session.id.as_str())).at(NOW)).await.unwrap();
    assert_eq!(news.facts, bench.gateway().look(&session.id).await.unwrap());
    // The news has another name once something else is found.
    assert!(bench.pay(&session.id, None).await);
    let paid = bench.gateway().hear(unsigned(&post(session.id.as_str())).at(NOW)).await.unwrap();
    assert_ne!(paid.id, news.id);
    // What cannot be asked for comes again.
    bench.double.server.say(503, "");
    assert_eq!(heard(&bench, &unsigned(&post(session.id.as_str()))).await, "gateway");
    bench.double.server.say(401, "");
    assert_eq!(heard(&bench, &unsigned(&post(session.id.as_str()))).await, "gateway");
}
