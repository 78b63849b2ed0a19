//! Web Push, against a push service that is scripted and a browser that reads what it is sent.

use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use boxoffice::clock::ManualClock;
use boxoffice::notify::{Blame, Letter, SendOutcome, Transport};
use boxoffice::persist::Payload;
use boxoffice::time::Timestamp;
use boxoffice::transport::{PushHandling, PushUrgency, VapidKey, WebPushSetupError, WebPushTransport, send_within};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey as Verifier};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;

use crate::http_server::{Answer, HttpServer, Request};
use crate::{http, letter, told};

/// The sender's key of the example of RFC 8291.
pub(crate) const PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const PUBLIC: &str = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
const CONTACT: &str = "mailto:tickets@club.example";

pub(crate) fn transport() -> WebPushTransport {
    let key = VapidKey::from_base64url(PRIVATE, PUBLIC).unwrap();
    WebPushTransport::new(key, CONTACT).unwrap().with_http(http())
}

/// What subscribes and reads, written after the receiver's side of RFC 8291 and RFC 8188.
#[derive(Clone, Copy)]
pub(crate) struct Browser {
    auth: [u8; 16],
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self { auth: *b"sixteen bytes ok" }
    }

    pub(crate) fn auth(&self) -> String {
        Base64UrlUnpadded::encode_string(&self.auth)
    }

    /// The same key at every call: ring makes none that can be used twice.
    #[expect(deprecated, reason = "the only way to give ring a key that is known")]
    fn key() -> EphemeralPrivateKey {
        let random = ring::test::rand::FixedSliceRandom { bytes: &[7; 32] };
        EphemeralPrivateKey::generate(&ECDH_P256, &random).unwrap()
    }

    fn public() -> Vec<u8> {
        Self::key().compute_public_key().unwrap().as_ref().to_vec()
    }

    pub(crate) fn subscription(&self, endpoint: &str) -> String {
        let public = Base64UrlUnpadded::encode_string(&Self::public());
        json!({ "endpoint": endpoint, "expirationTime": null, "keys": { "p256dh": public, "auth": self.auth() } })
            .to_string()
    }

    pub(crate) fn read(&self, message: &[u8]) -> String {
        let (salt, record_size, theirs) = (&message[..16], &message[16..20], &message[21..86]);
        assert_eq!(message[20], 65);
        let mut record = message[86..].to_vec();
        assert!(record.len() < usize::try_from(u32::from_be_bytes(record_size.try_into().unwrap())).unwrap());
        let secret = agree_ephemeral(Self::key(), &UnparsedPublicKey::new(&ECDH_P256, theirs), <[u8]>::to_vec).unwrap();
        let info = [b"WebPush: info\0", Self::public().as_slice(), theirs, &[1]].concat();
        let input = mac(&mac(&self.auth, &secret), &info);
        let pseudo_random = mac(salt, &input);
        let key = &mac(&pseudo_random, b"Content-Encoding: aes128gcm\0\x01")[..16];
        let nonce = &mac(&pseudo_random, b"Content-Encoding: nonce\0\x01")[..12];
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key).unwrap());
        let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
        let opened = cipher.open_in_place(nonce, Aad::empty(), &mut record).unwrap();
        let end = opened.iter().rposition(|byte| *byte != 0).unwrap();
        assert_eq!(opened[end], 2);
        String::from_utf8(opened[..end].to_vec()).unwrap()
    }
}

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// What a push service does: the claims of a token that is signed with the key beside it.
pub(crate) fn claims(request: &Request) -> Value {
    let (token, key) = request.headers["authorization"].strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let bytes = |text: &str| Base64UrlUnpadded::decode_vec(text).unwrap();
    let value = |text: &str| serde_json::from_slice::<Value>(&bytes(text)).unwrap();
    assert_eq!(value(header), json!({ "typ": "JWT", "alg": "ES256" }));
    assert_eq!(key, PUBLIC);
    Verifier::new(&ECDSA_P256_SHA256_FIXED, bytes(key)).verify(signed.as_bytes(), &bytes(signature)).unwrap();
    value(claims)
}

fn to(endpoint: &str, id: &str) -> Letter {
    Letter { to: Browser::new().subscription(endpoint), ..letter(id) }
}

#[tokio::test]
async fn a_letter_arrives_as_json_that_only_the_browser_can_read() {
    let server = HttpServer::saying("201 Created\r\nLocation: /message/1").await;
    let letter = to(&server.url(), "reminder-1");
    assert_eq!(transport().send(&letter).await, SendOutcome::Ok { info: "HTTP 201".to_owned() });
    let request = server.requests().pop().unwrap();
    assert_eq!(request.line, "POST /in?x=1 HTTP/1.1");
    let wanted = [
        ("host", format!("127.0.0.1:{}", server.port)),
        ("content-encoding", "aes128gcm".to_owned()),
        ("content-type", "application/octet-stream".to_owned()),
        ("content-length", request.body.len().to_string()),
        ("ttl", "86400".to_owned()),
        ("urgency", "normal".to_owned()),
    ];
    for (name, value) in wanted {
        assert_eq!(request.headers[name], value, "{name}");
    }
    assert_eq!(
        Browser::new().read(&request.body),
        r#"{"id":"reminder-1","type":"reminder","title":"Chess","body":"At eight.","data":["seat",7]}"#
    );
}

#[tokio::test]
async fn the_token_is_signed_for_this_push_service_and_for_half_a_day() {
    let server = HttpServer::saying("201 Created").await;
    let clock = ManualClock::new(Timestamp::from_millis(1_767_225_600_999));
    let transport = transport().with_clock(Arc::new(clock.clone()));
    for exp in [1_767_268_800, 1_767_268_860] {
        assert_eq!(transport.send(&to(&server.url(), "a")).await.name(), "ok");
        let aud = format!("http://127.0.0.1:{}", server.port);
        assert_eq!(claims(&server.requests().pop().unwrap()), json!({ "aud": aud, "exp": exp, "sub": CONTACT }));
        clock.advance(Duration::from_secs(60));
    }
}

#[tokio::test]
async fn a_topic_is_that_of_the_notice() {
    let server = HttpServer::saying("201 Created").await;
    for id in ["a", "a", "grüße an alle"] {
        assert_eq!(transport().send(&to(&server.url(), id)).await.name(), "ok");
    }
    let topics: Vec<String> = server.requests().iter().map(|request| request.headers["topic"].clone()).collect();
    assert!(topics.iter().all(|topic| topic.len() == 32), "{topics:?}");
    assert!(topics[0] == topics[1] && topics[1] != topics[2], "{topics:?}");
    assert!(!transport().dedupes());
}

#[tokio::test]
async fn a_host_says_how_each_letter_is_handled() {
    let server = HttpServer::saying("201 Created").await;
    let handling = |seconds, urgency| PushHandling { ttl: Duration::from_secs(seconds), urgency };
    let transport = transport().with_handling_by(move |letter| match letter.id.as_str() {
        "offer" => handling(300, PushUrgency::High),
        "digest" => handling(u64::MAX, PushUrgency::Low),
        "advertisement" => handling(0, PushUrgency::VeryLow),
        _ => PushHandling::default(),
    });
    let cases = [
        ("offer", "300", "high"),
        ("digest", "2419200", "low"),
        ("advertisement", "0", "very-low"),
        ("reminder", "86400", "normal"),
    ];
    for (id, ttl, urgency) in cases {
        assert_eq!(transport.send(&to(&server.url(), id)).await.name(), "ok");
        let headers = server.requests().pop().unwrap().headers;
        assert_eq!((headers["ttl"].as_str(), headers["urgency"].as_str()), (ttl, urgency), "{id}");
    }
}

#[tokio::test]
async fn each_answer_has_its_outcome() {
    let server = HttpServer::saying("201 Created").await;
    let (letter, channel) = (Some(Blame::Letter), Some(Blame::Channel));
    let cases = [
        ("200 OK", "ok", None, None),
        ("201 Created", "ok", None, None),
        ("202 Accepted", "ok", None, None),
        ("204 No Content", "ok", None, None),
        ("307 Elsewhere\r\nLocation: http://127.0.0.1:1/", "permanent", None, None),
        ("400 Bad Request", "permanent", None, None),
        ("401 Unauthorized\r\nRetry-After: 86400", "retry", channel, None),
        ("403 Forbidden", "retry", channel, None),
        ("404 Not Found", "permanent", None, None),
        ("410 Gone", "permanent", None, None),
        ("413 Too Large", "permanent", None, None),
        ("429 Too Many Requests\r\nRetry-After: 7", "retry", letter, Some(7)),
        ("500 Internal Server Error", "retry", letter, None),
        ("503 Unavailable\r\nRetry-After: Mon, 05 Jan 2026 19:00:30 GMT", "retry", letter, Some(30)),
    ];
    let transport = transport().with_clock(Arc::new(ManualClock::new("2026-01-05T19:00:00Z".parse().unwrap())));
    for (answer, name, blame, seconds) in cases {
        server.set(Answer::Say(answer.to_owned()));
        let outcome = transport.send(&to(&server.url(), "a")).await;
        assert_eq!(told(&outcome), (name, blame), "{answer}");
        let after = if let SendOutcome::Retry { after, .. } = outcome { after } else { None };
        assert_eq!(after, seconds.map(Duration::from_secs), "{answer}");
    }
    assert_eq!(server.requests().len(), cases.len());
}

#[tokio::test]
async fn no_answer_is_uncertain_once_the_request_was_begun_and_a_retry_before() {
    let server = HttpServer::start(Answer::Close).await;
    let transport = transport().with_http(http().with_timeouts(Duration::from_secs(1), Duration::from_millis(800)));
    for answer in [Answer::Close, Answer::Hang, Answer::Say(format!("201 Created\r\nX: {}", "x".repeat(100_000)))] {
        server.set(answer);
        assert_eq!(told(&send_within(&transport, &to(&server.url(), "a")).await), ("uncertain", None));
    }
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for endpoint in [
        format!("http://127.0.0.1:{port}/"),
        "https://push.invalid/".to_owned(),
        // No TLS there.
        server.url().replace("http:", "https:"),
    ] {
        let outcome = send_within(&transport, &to(&endpoint, "a")).await;
        assert_eq!(told(&outcome), ("retry", Some(Blame::Letter)), "{endpoint}");
    }
}

#[tokio::test]
async fn a_letter_that_is_too_long_arrives_cut() {
    let server = HttpServer::saying("201 Created").await;
    let long = "将棋\n".repeat(5_000);
    let data = Payload::new(&"x".repeat(5_000)).unwrap();
    for (letter, has_data) in [
        (Letter { text: long.clone(), ..to(&server.url(), "a") }, true),
        (Letter { text: long, data, ..to(&server.url(), "a") }, false),
    ] {
        assert_eq!(transport().send(&letter).await.name(), "ok");
        let request = server.requests().pop().unwrap();
        assert!((4_080..=4_096).contains(&request.body.len()), "{}", request.body.len());
        let shown: Value = serde_json::from_str(&Browser::new().read(&request.body)).unwrap();
        let text = shown["body"].as_str().unwrap();
        assert!(letter.text.starts_with(text.strip_suffix('…').unwrap()), "{text}");
        assert_eq!((shown["title"].as_str(), shown["data"].is_array()), (Some("Chess"), has_data));
    }
}

#[tokio::test]
async fn hostile_subscriptions_are_refused_without_a_word_of_what_they_are() {
    let server = HttpServer::saying("201 Created").await;
    let (strict, url) = (|| transport().with_http(http().allow_private(false)), server.url());
    let whole = Browser::new().subscription(&url);
    let public = Base64UrlUnpadded::encode_string(&Browser::public());
    let mut beside = Browser::public();
    beside[64] ^= 1;
    let beside = Base64UrlUnpadded::encode_string(&beside);
    let cases = [
        (strict(), whole.clone(), "endpoint"),
        (strict(), whole.replace("127.0.0.1", "localhost"), "endpoint"),
        (strict(), whole.replace("127.0.0.1", "[::ffff:127.0.0.1]"), "endpoint"),
        (strict(), whole.replace("127.0.0.1", "169.254.169.254"), "endpoint"),
        (transport().with_http(http().allow_plain(false)), whole.clone(), "endpoint"),
        (transport(), whole.replace("http://", "http://ann:secret@"), "endpoint"),
        (transport(), whole.replace("/in", "/in\\r\\nX-Smuggled: yes"), "endpoint"),
        (transport(), whole.replace("endpoint", "end"), "endpoint"),
        (transport(), whole.replace(&public, &beside), "keys.p256dh"),
        (transport(), whole.replace(&public, &public[..80]), "keys.p256dh"),
        (transport(), whole.replace("auth", "other"), "keys.auth"),
        (transport(), "ann@club.example".to_owned(), "subscription"),
        (transport(), format!("{whole}{}", " ".repeat(10_000_000)), "subscription"),
        (transport(), "[".repeat(4_000), "subscription"),
    ];
    for (transport, to, field) in cases {
        let outcome = transport.send(&Letter { to: to.clone(), ..letter("a") }).await;
        let SendOutcome::Permanent { reason } = outcome else { panic!("{outcome:?} {field}") };
        assert!(reason.contains(field), "{reason} instead of {field}");
        assert!(!["127.0.0.1", "localhost", "ann", &public[..20]].iter().any(|part| reason.contains(part)), "{reason}");
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_contact_that_push_services_refuse_is_refused_at_once() {
    let key = VapidKey::from_pem(&VapidKey::generate_pem().unwrap()).unwrap();
    for contact in ["", "tickets@club.example", "http://club.example", "mailto:<a@club.example >"] {
        let refused = WebPushTransport::new(key.clone(), contact).unwrap_err();
        assert_eq!(refused, WebPushSetupError::Contact, "{contact}");
    }
}
