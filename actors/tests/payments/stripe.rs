//! What is particular to Stripe.

use std::time::Duration;

use boxoffice::clock::Clock as _;
use boxoffice::payment::{
    GatewayError, OrderId, PaymentFact, PaymentGateway as _, RefundAsk, SessionAsk, SessionId, SessionState,
    StripeGateway, WebhookError,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::bench::{Bench, OfStripe};
use crate::stripe_double::Sale;
use crate::{NOW, ask, eur, http, sums};

async fn paid(bench: &OfStripe, order: &str) -> SessionId {
    let session = bench.gateway.open(&ask(order)).await.unwrap();
    assert!(bench.pay(&session.id, None).await);
    session.id
}

fn back(charge: &str, key: &str, amount: i64) -> RefundAsk {
    let (order, charge) = (OrderId::new("o-1").unwrap(), charge.parse().unwrap());
    RefundAsk { order, key: key.to_owned(), charge, amount: eur(amount), before: eur(0) }
}

#[tokio::test]
async fn requests_are_worded_as_stripe_reads_them() {
    let bench = OfStripe::start().await;
    let session = paid(&bench, "o-1").await;
    bench.gateway.refund(&back("ch_1", "cancel.o-1", 1_000)).await.unwrap();
    bench.gateway.expire(&session).await.unwrap();
    let posts = bench.double.server.asked_for("POST", "/v1/");
    let worded: Vec<_> = posts
        .iter()
        .map(|asked| {
            (asked.path.as_str(), asked.headers.get("idempotency-key").map(String::as_str), asked.body.as_str())
        })
        .collect();
    let open = "mode=payment&client_reference_id=o-1&metadata[order]=o-1&metadata[attempt]=1\
        &payment_intent_data[metadata][order]=o-1&expires_at=1767229200&line_items[0][quantity]=1\
        &line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=2500\
        &line_items[0][price_data][product_data][name]=Chess%20%26%20tea&adaptive_pricing[enabled]=false\
        &success_url=https%3A%2F%2Fclub.example%2Fback%3Fo%3D1&cancel_url=https%3A%2F%2Fclub.example%2Fback%3Fo%3D1";
    let refund = "charge=ch_1&amount=1000&metadata[key]=refund%3Acancel.o-1&metadata[order]=o-1";
    let wanted = [
        ("/v1/checkout/sessions", Some("o-1.1"), open),
        ("/v1/refunds", Some("refund:cancel.o-1"), refund),
        ("/v1/checkout/sessions/cs_1/expire", None, ""),
    ];
    assert_eq!(worded, wanted);
    assert_eq!(posts[0].headers["content-type"], "application/x-www-form-urlencoded");
    assert!(posts.iter().all(|asked| !asked.headers.contains_key("accept-encoding")));
}

#[tokio::test]
async fn an_end_too_soon_or_too_late_is_moved_and_said_and_the_session_is_found_again_all_the_same() {
    let cases = [("o-1", 60, 31 * 60), ("o-2", 3_600, 3_600), ("o-3", 3 * 86_400, 86_400 - 60)];
    for (order, asked, wanted) in cases {
        let bench = OfStripe::start().await;
        let ask = SessionAsk { until: NOW + Duration::from_secs(asked), ..ask(order) };
        let first = bench.gateway.open(&ask).await.unwrap();
        assert_eq!(first.until, NOW + Duration::from_secs(wanted), "{order}");
        // A moment later the end would be moved elsewhere, and the request is another one under the same name.
        bench.clock().advance(Duration::from_secs(30));
        assert_eq!(bench.gateway.open(&ask).await.unwrap(), first, "{order}");
        assert_eq!(bench.double.state.lock().unwrap().sales.len(), 1);
    }
}

#[tokio::test]
async fn a_session_is_found_again_however_many_were_opened_before_it() {
    let bench = OfStripe::start().await;
    bench.gateway.open(&ask("o-0")).await.unwrap();
    let more = |prefix: &str, count: usize| {
        let mut state = bench.double.state.lock().unwrap();
        let first = state.sales[0].clone();
        state.sales.extend((0..count).map(|number| Sale { id: format!("cs_{prefix}_{number}"), ..first.clone() }));
    };
    more("before", 2_100);
    let ask = SessionAsk { until: NOW + Duration::from_secs(60), ..ask("o-1") };
    let first = bench.gateway.open(&ask).await.unwrap();
    for (after, pages) in [(0, 1), (150, 2)] {
        more(&format!("after{after}"), after);
        bench.clock().advance(Duration::from_secs(1));
        let before = bench.double.server.asked_for("GET", "/sessions").len();
        assert_eq!(bench.gateway.open(&ask).await.unwrap(), first);
        assert_eq!(bench.double.server.asked_for("GET", "/sessions").len() - before, pages);
    }
}

#[tokio::test]
async fn a_session_needs_a_page_to_come_back_to() {
    let bench = OfStripe::start().await;
    let without = SessionAsk { back_to: None, ..ask("o-1") };
    assert!(matches!(bench.gateway.open(&without).await, Err(GatewayError::Refused { .. })));
    let OfStripe { gateway, double, .. } = bench;
    let gateway = gateway.with_return_page("https://club.example/");
    gateway.open(&without).await.unwrap();
    assert!(double.server.asked()[0].body.contains("&success_url=https%3A%2F%2Fclub.example%2F&"));
}

#[tokio::test]
async fn amounts_are_counted_as_stripe_does() {
    let bench = OfStripe::start().await;
    let cases = [
        ("1000 JPY", Some("1000")),
        ("5 ISK", Some("500")),
        ("5.120 KWD", Some("5120")),
        ("5.124 KWD", None),
        ("5.0000 CLF", None),
    ];
    for (number, (text, wanted)) in cases.into_iter().enumerate() {
        let ask = SessionAsk { amount: text.parse().unwrap(), ..ask(&format!("o-{number}")) };
        let opened = bench.gateway.open(&ask).await;
        let Some(wanted) = wanted else {
            assert!(matches!(opened, Err(GatewayError::Refused { .. })), "{text}");
            continue;
        };
        let session = opened.unwrap();
        let form = bench.double.change(session.id.as_str(), |sale| sale.form.clone());
        assert_eq!(form["line_items[0][price_data][unit_amount]"], wanted, "{text}");
        assert!(bench.pay(&session.id, Some(eur(wanted.parse().unwrap()))).await);
        let facts = bench.gateway.look(&session.id).await.unwrap();
        let taken = facts
            .iter()
            .find_map(|fact| if let PaymentFact::Charge { captured, .. } = fact { Some(*captured) } else { None });
        assert_eq!(taken, Some(ask.amount), "{text}");
    }
}

#[tokio::test]
async fn each_kind_of_event_tells_what_it_says_and_whose_money_it_is() {
    let bench = OfStripe::start().await;
    let id = paid(&bench, "o-1").await;
    let open = bench.gateway.open(&ask("o-2")).await.unwrap();
    bench.gateway.refund(&back("ch_1", "a", 1_000)).await.unwrap();
    bench.dispute(&id, None).await;
    let sale = bench.double.change(id.as_str(), |sale| sale.clone());
    let with = |object: &Value, name: &str, value: Value| {
        let mut object = object.clone();
        object[name] = value;
        object
    };
    let unpaid = with(&sale.session(false), "payment_status", json!("unpaid"));
    let (charge, dispute) = (sale.charge(false), sale.dispute());
    let foreign_refund = with(&sale.refund(0), "metadata", json!({}));
    let expired = with(&bench.double.change(open.id.as_str(), |sale| sale.session(false)), "status", json!("expired"));
    // All of a paid session: the session, its charge, the dispute, the refund.
    let cases = [
        ("checkout.session.completed", sale.session(false), Some("o-1"), "SCDR"),
        ("checkout.session.completed", unpaid.clone(), Some("o-1"), "S"),
        ("checkout.session.async_payment_succeeded", sale.session(false), Some("o-1"), "SCDR"),
        ("checkout.session.async_payment_failed", unpaid, Some("o-1"), "S"),
        ("checkout.session.expired", expired, Some("o-2"), "S"),
        ("charge.succeeded", charge.clone(), Some("o-1"), "CDR"),
        ("charge.captured", charge.clone(), Some("o-1"), "CDR"),
        ("charge.updated", with(&charge, "status", json!("pending")), Some("o-1"), "DR"),
        ("charge.refunded", sale.charge(true), Some("o-1"), "CDR"),
        ("refund.created", sale.refund(0), Some("o-1"), "R"),
        ("refund.updated", foreign_refund, Some("o-1"), "R"),
        ("refund.failed", with(&sale.refund(0), "status", json!("failed")), Some("o-1"), "R"),
        ("charge.dispute.created", dispute.clone(), Some("o-1"), "D"),
        ("charge.dispute.funds_withdrawn", dispute.clone(), Some("o-1"), "D"),
        ("charge.dispute.closed", with(&dispute, "status", json!("lost")), Some("o-1"), "D"),
        ("charge.dispute.created", with(&dispute, "status", json!("warning_needs_response")), None, ""),
        ("checkout.session.completed", with(&sale.session(false), "metadata", json!({})), None, ""),
        ("invoice.paid", json!({ "id": "in_1" }), None, ""),
    ];
    for (kind, object, order, wanted) in cases {
        let (headers, body) = bench.double.event(kind, &object);
        let delivery = boxoffice::payment::SandboxDelivery { headers, body };
        let news = bench.gateway.hear(delivery.at(NOW)).await.unwrap();
        let told: String = news
            .facts
            .iter()
            .map(|fact| match fact {
                PaymentFact::Session { .. } => 'S',
                PaymentFact::Charge { .. } => 'C',
                PaymentFact::Refund { .. } => 'R',
                PaymentFact::Dispute { .. } => 'D',
            })
            .collect();
        assert_eq!((news.order.as_ref().map(OrderId::as_str), told.as_str()), (order, wanted), "{kind}");
        assert!(news.id.as_str().starts_with("evt_"));
        if kind == "checkout.session.async_payment_failed" {
            let failed = PaymentFact::Session { session: id.clone(), state: SessionState::Failed };
            assert_eq!(news.facts, [failed]);
        }
    }
}

#[tokio::test]
async fn an_amount_without_a_currency_that_is_known_is_unreadable_and_what_cannot_be_asked_for_comes_again() {
    let bench = OfStripe::start().await;
    let id = paid(&bench, "o-1").await;
    bench.gateway.refund(&back("ch_1", "a", 1_000)).await.unwrap();
    bench.dispute(&id, None).await;
    let (mut refund, dispute) = bench.double.change(id.as_str(), |sale| (sale.refund(0), sale.dispute()));
    for currency in [json!("xyz"), json!(null), json!("")] {
        refund["currency"] = currency;
        let (headers, body) = bench.double.event("refund.created", &refund);
        let delivery = boxoffice::payment::SandboxDelivery { headers, body };
        let heard = bench.gateway.hear(delivery.at(NOW)).await;
        assert!(matches!(heard, Err(WebhookError::Unreadable { .. })), "{heard:?}");
    }
    let (headers, body) = bench.double.event("charge.dispute.created", &dispute);
    let delivery = boxoffice::payment::SandboxDelivery { headers, body };
    bench.double.server.say(500, "");
    let heard = bench.gateway.hear(delivery.at(NOW)).await;
    assert!(matches!(heard, Err(WebhookError::Gateway(GatewayError::Unavailable { .. }))), "{heard:?}");
    assert!(bench.gateway.hear(delivery.at(NOW)).await.is_ok());
}

#[tokio::test]
async fn answers_are_refusals_with_their_code_or_leave_it_open() {
    let bench = OfStripe::start().await;
    let body = |code: &str| {
        json!({ "error": { "type": "card_error", "code": code, "message": "ann@club.example" } }).to_string()
    };
    let long = format!("{}\u{7}\n", "c".repeat(100));
    let cases = [
        (400, body("parameter_missing"), "the gateway refuses: HTTP 400: parameter_missing"),
        (401, "{}".to_owned(), "the gateway cannot be asked: HTTP 401"),
        (402, json!({ "error": { "type": "card_error" } }).to_string(), "the gateway refuses: HTTP 402: card_error"),
        (404, "no JSON ann@club.example".to_owned(), "the gateway refuses: HTTP 404"),
        (400, body(&long), &format!("the gateway refuses: HTTP 400: {}", "c".repeat(64))),
        (408, body("x"), "the gateway cannot be asked: HTTP 408"),
        (409, body("lock_timeout"), "the gateway cannot be asked: HTTP 409: lock_timeout"),
        (429, body("rate_limit"), "the gateway cannot be asked: HTTP 429"),
        (500, body("x"), "the gateway cannot be asked: HTTP 500"),
        (503, String::new(), "the gateway cannot be asked: HTTP 503"),
        (302, String::new(), "the gateway cannot be asked: HTTP 302: redirects are not followed"),
        (
            200,
            "{\"id\":\"ann@club.example\"}".to_owned(),
            "the gateway cannot be asked: an answer that cannot be read at line 1, column 25",
        ),
        (200, " ".repeat(2_000_000), "the gateway cannot be asked: the answer of the host is too long"),
    ];
    for (status, body, wanted) in cases {
        bench.double.server.say(status, &body);
        assert_eq!(bench.gateway.look(&"cs_1".parse().unwrap()).await.unwrap_err().to_string(), wanted);
    }
    // What would lead elsewhere is not asked for at all.
    let before = bench.double.server.asked().len();
    for id in ["..", "a/b", "a?b", "a b", "ü"] {
        assert!(matches!(bench.gateway.look(&id.parse().unwrap()).await, Err(GatewayError::Refused { .. })), "{id}");
    }
    assert_eq!(bench.double.server.asked().len(), before);
}

#[tokio::test]
async fn many_refunds_are_all_told_and_an_event_tells_the_latest() {
    let bench = OfStripe::start().await;
    let id = paid(&bench, "o-1").await;
    for number in 0..120 {
        let before = eur(number);
        let ask = RefundAsk { before, ..back("ch_1", &format!("r-{number}"), 1) };
        bench.gateway.refund(&ask).await.unwrap();
    }
    let facts = bench.gateway.look(&id).await.unwrap();
    assert_eq!((facts.len(), sums(&facts)), (122, (2_500, 120)));
    let (headers, body) =
        bench.double.event("charge.refunded", &bench.double.change(id.as_str(), |sale| sale.charge(true)));
    let delivery = boxoffice::payment::SandboxDelivery { headers, body };
    let news = bench.gateway.hear(delivery.at(bench.clock().now())).await.unwrap();
    assert_eq!((news.facts.len(), sums(&news.facts)), (16, (2_500, 15)));
    assert!(facts.contains(news.facts.last().unwrap()));
}

#[tokio::test]
async fn what_was_given_back_by_hand_is_not_given_back_again_and_what_failed_is() {
    let bench = OfStripe::start().await;
    let id = paid(&bench, "o-1").await;
    let by_hand = |amount: &str| [("amount".to_owned(), amount.to_owned())].into();
    bench.double.change(id.as_str(), |sale| sale.refunds.push((by_hand("1000"), "failed")));
    assert_eq!(sums(&bench.gateway.refund(&back("ch_1", "a", 1_000)).await.unwrap()), (2_500, 1_000));
    bench.double.change(id.as_str(), |sale| sale.refunds.push((by_hand("500"), "pending")));
    let covered = RefundAsk { before: eur(1_000), ..back("ch_1", "b", 500) };
    assert_eq!(sums(&bench.gateway.refund(&covered).await.unwrap()), (2_500, 1_500));
    assert_eq!(bench.double.server.asked_for("POST", "/refunds").len(), 1);
    let other =
        RefundAsk { amount: "5.00 USD".parse().unwrap(), before: "0.00 USD".parse().unwrap(), ..back("ch_1", "c", 1) };
    assert!(matches!(bench.gateway.refund(&other).await, Err(GatewayError::Refused { .. })));
}

#[tokio::test]
async fn a_gateway_that_is_silent_or_not_where_it_may_be_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let cases = [
        (
            http().with_timeouts(Duration::from_millis(200), Duration::from_millis(200)),
            "the host gave no whole answer in time",
        ),
        (http().allow_private(false), "the host has no public address"),
        (http().allow_plain(false), "http: URLs are not allowed here"),
    ];
    let gateway = || StripeGateway::new("sk_test_4711".parse().unwrap(), Vec::new()).unwrap();
    for (client, reason) in cases {
        let gateway = gateway().with_url(&format!("http://127.0.0.1:{port}/")).unwrap().with_http(client);
        let looked = gateway.look(&"cs_1".parse().unwrap()).await;
        assert_eq!(looked, Err(GatewayError::Unavailable { reason: reason.to_owned() }));
    }
    for url in ["", "ftp://club.example", "https://", "https://ann:secret@club.example", "https://club.example/v1"] {
        assert!(gateway().with_url(url).is_err(), "{url}");
    }
}

#[tokio::test]
async fn nothing_shows_a_secret() {
    let bench = OfStripe::start().await;
    let shown = format!("{:?}", bench.gateway);
    assert!(!shown.contains("4711") && !shown.contains("whsec"), "{shown}");
}
