//! Webhooks, against a server that is scripted.

use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use boxoffice::clock::ManualClock;
use boxoffice::notify::{Blame, CalendarPart, Letter, SendOutcome, Transport};
use boxoffice::time::Timestamp;
use boxoffice::transport::{WebhookKey, WebhookTransport, send_within};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::net::TcpListener;

use crate::http_server::{Answer, HttpServer, Request};
use crate::{http, letter, told};

pub(crate) const SECRETS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];

pub(crate) fn transport() -> WebhookTransport {
    let keys: Vec<WebhookKey> = SECRETS.iter().map(|secret| secret.parse().unwrap()).collect();
    WebhookTransport::new(keys).unwrap().with_http(http())
}

fn to(url: String, id: &str) -> Letter {
    Letter { to: url, ..letter(id) }
}

/// What a receiver does: whether the message was signed with this secret.
fn is_signed(request: &Request, secret: &str) -> bool {
    let key = Base64::decode_vec(secret.trim_start_matches("whsec_")).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let (id, timestamp) = (&request.headers["webhook-id"], &request.headers["webhook-timestamp"]);
    mac.update(format!("{id}.{timestamp}.{}", request.text()).as_bytes());
    let wanted = format!("v1,{}", Base64::encode_string(&mac.finalize().into_bytes()));
    request.headers["webhook-signature"].split(' ').any(|signature| signature == wanted)
}

#[tokio::test]
async fn a_letter_is_posted_as_the_standard_says_and_signed_with_every_key() {
    let server = HttpServer::saying("204 No Content").await;
    let clock = ManualClock::new(Timestamp::from_millis(1_767_225_600_999));
    let transport = transport().with_clock(Arc::new(clock.clone()));
    let calendar = CalendarPart { method: "REQUEST".to_owned(), text: "BEGIN".to_owned() };
    let letter = Letter { calendar: Some(calendar), ..to(server.url(), "reminder-1") };
    assert_eq!(transport.send(&letter).await, SendOutcome::Ok { info: "HTTP 204".to_owned() });
    clock.advance(Duration::from_secs(60));
    assert_eq!(transport.send(&letter).await.name(), "ok");

    let requests = server.requests();
    for (request, timestamp) in requests.iter().zip(["1767225600", "1767225660"]) {
        assert_eq!(request.line, "POST /in?x=1 HTTP/1.1");
        assert_eq!(request.headers["host"], format!("127.0.0.1:{}", server.port));
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.headers["webhook-id"], "reminder-1");
        assert_eq!(request.headers["webhook-timestamp"], timestamp);
        assert!(SECRETS.iter().all(|secret| is_signed(request, secret)));
    }
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(
        requests[0].text(),
        r#"{"type":"reminder","id":"reminder-1","subject":"Chess","text":"At eight.","data":["seat",7],"calendar":{"method":"REQUEST","text":"BEGIN"}}"#
    );
}

#[tokio::test]
async fn an_id_that_no_header_takes_is_hashed_in_it_and_whole_in_the_body() {
    let server = HttpServer::saying("200 OK").await;
    for id in ["a.b", "grüße", "a b"] {
        assert_eq!(transport().send(&to(server.url(), id)).await.name(), "ok");
        let request = server.requests().pop().unwrap();
        assert!(request.headers["webhook-id"].starts_with("sha256-") && request.text().contains(id), "{request:?}");
        assert!(is_signed(&request, SECRETS[0]));
    }
}

#[tokio::test]
async fn each_answer_has_its_outcome() {
    let server = HttpServer::saying("200 OK").await;
    let cases = [
        ("202 Accepted", "ok", None),
        ("302 Found\r\nLocation: http://127.0.0.1:1/", "permanent", None),
        ("400 Bad Request", "permanent", None),
        ("408 Request Timeout", "retry", None),
        ("410 Gone", "permanent", None),
        ("429 Too Many Requests\r\nRetry-After: 7", "retry", Some(7)),
        ("500 Internal Server Error", "retry", None),
        ("503 Unavailable\r\nRetry-After: Mon, 05 Jan 2026 19:00:30 GMT", "retry", Some(30)),
    ];
    let clock = ManualClock::new("2026-01-05T19:00:00Z".parse().unwrap());
    let transport = transport().with_clock(Arc::new(clock));
    for (answer, name, seconds) in cases {
        server.set(Answer::Say(answer.to_owned()));
        let outcome = transport.send(&to(server.url(), "a")).await;
        assert_eq!(outcome.name(), name, "{answer}");
        if let SendOutcome::Retry { after, blame, .. } = outcome {
            assert_eq!((after, blame), (seconds.map(Duration::from_secs), Blame::Letter), "{answer}");
        }
    }
    assert_eq!(server.requests().len(), cases.len());
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_or_does_not_answer_is_tried_again() {
    let retry = ("retry", Some(Blame::Letter));
    let server = HttpServer::start(Answer::Close).await;
    let transport = transport().with_http(http().with_timeouts(Duration::from_secs(1), Duration::from_millis(800)));
    assert_eq!(told(&send_within(&transport, &to(server.url(), "a")).await), retry);
    server.set(Answer::Hang);
    assert_eq!(told(&send_within(&transport, &to(server.url(), "a")).await), retry);
    let endless = format!("200 OK\r\nX: {}", "x".repeat(100_000));
    server.set(Answer::Say(endless));
    assert_eq!(told(&send_within(&transport, &to(server.url(), "a")).await), retry);

    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for url in [
        format!("http://127.0.0.1:{port}/"),
        "https://hooks.invalid/".to_owned(),
        // No TLS there.
        server.url().replace("http:", "https:"),
    ] {
        assert_eq!(told(&send_within(&transport, &to(url.clone(), "a")).await), retry, "{url}");
    }
}

#[tokio::test]
async fn private_addresses_plain_http_and_strangers_are_refused_by_default() {
    let server = HttpServer::saying("200 OK").await;
    let cases = [
        (transport().with_http(http().allow_private(false)), server.url()),
        (transport().with_http(http().allow_private(false)), server.url().replace("127.0.0.1", "localhost")),
        (transport().with_http(http().allow_private(false)), server.url().replace("127.0.0.1", "[::ffff:127.0.0.1]")),
        (transport().with_http(http().allow_plain(false)), server.url()),
        (transport().with_keys_by(|_| Vec::new()), server.url()),
        (transport(), server.url().replace("http://", "http://ann:secret@")),
        (transport(), "no url".to_owned()),
    ];
    for (transport, url) in cases {
        let outcome = transport.send(&to(url.clone(), "a")).await;
        assert_eq!(outcome.name(), "permanent", "{url}");
        assert!(!format!("{outcome:?} {transport:?}").contains("127.0.0.1"), "{outcome:?}");
    }
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn each_receiver_can_have_keys_of_its_own() {
    let server = HttpServer::saying("200 OK").await;
    let transport = transport().with_keys_by(|url| {
        let secret = if url.contains("x=1") { SECRETS[1] } else { SECRETS[0] };
        vec![secret.parse().unwrap()]
    });
    assert_eq!(transport.send(&to(server.url(), "a")).await.name(), "ok");
    let signed = SECRETS.map(|secret| is_signed(&server.requests()[0], secret));
    assert_eq!(signed, [false, true]);
}
