//! Signatures against the vectors of RFC 9421, and whatever may be done to a signed message.

use base64ct::{Base64, Encoding as _};
use boxoffice_core::federation::{Grants, Peer, PeerKey, PeerName, PeerUrl, Trust};
use boxoffice_core::persist::Seq;
use boxoffice_core::time::Timestamp;
use hyper::Request;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;

use super::components::{Asked, Components};
use super::digest::content_digest;
use super::key::LinkKey;
use super::profile::{Came, Claimed, check_answer, sign_answer, sign_request};
use super::signature::{Claim, INPUT, SIGNATURE, Unproven};

const NOW: i64 = 1_767_639_600;
const TIMES: (i64, i64) = (NOW, 300);

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn request(method: &str, path: &str, fields: &[(&str, &str)]) -> Parts {
    let (mut parts, ()) = Request::builder().method(method).uri(path).body(()).unwrap().into_parts();
    parts.headers = headers(fields);
    parts
}

/// RFC 9421 appendix B.2.6, with the key of B.1.4 and the request of B.2.
const B26_INPUT: &str = "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
const B26_SIGNATURE: &str =
    "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:";
const B26_BASE: &str = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\
    \"@method\": POST\n\
    \"@path\": /foo\n\
    \"@authority\": example.com\n\
    \"content-type\": application/json\n\
    \"content-length\": 18\n\
    \"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
const B14_SECRET: [u8; 32] = [
    0x9f, 0x83, 0x62, 0xf8, 0x7a, 0x48, 0x4a, 0x95, 0x4e, 0x6e, 0x74, 0x0c, 0x5b, 0x4c, 0x0e, 0x84, 0x22, 0x91, 0x39,
    0xa2, 0x0a, 0xa8, 0xab, 0x56, 0xff, 0x66, 0x58, 0x6f, 0x6a, 0x7d, 0x29, 0xc5,
];
const B14_PUBLIC: &str = "ed25519:JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs";

fn b2_request(signature: &str, date: &str) -> Parts {
    let fields = [
        ("host", "example.com"),
        ("date", date),
        ("content-type", "application/json"),
        ("content-length", "18"),
        (INPUT, B26_INPUT),
        (SIGNATURE, signature),
    ];
    request("POST", "/foo?param=Value&Pet=dog", &fields)
}

#[test]
fn the_ed25519_vector_of_rfc_9421_is_read_verified_and_written_again() {
    let key: PeerKey = B14_PUBLIC.parse().unwrap();
    let date = "Tue, 20 Apr 2021 02:07:55 GMT";
    let request = b2_request(B26_SIGNATURE, date);
    let claim = Claim::read(&request.headers, "sig-b26").unwrap();
    assert_eq!((claim.created, claim.keyid.as_deref()), (Some(1_618_884_473), Some("test-key-ed25519")));
    let components = Components::of_request(&request);
    assert_eq!(claim.verify(&components, &["\"@method\"", "\"date\""], &key), Ok(()));
    assert_eq!(claim.verify(&components, &["\"content-digest\""], &key), Err(Unproven::Uncovered));
    assert_eq!(claim.verify(&components, &[], &LinkKey::new([7; 32]).public()), Err(Unproven::Forged));

    let other = b2_request(B26_SIGNATURE, "Tue, 20 Apr 2021 02:07:56 GMT");
    assert_eq!(claim.verify(&Components::of_request(&other), &[], &key), Err(Unproven::Forged));

    // ed25519 signatures are the same each time.
    let own = LinkKey::new(B14_SECRET);
    assert_eq!(own.public(), key);
    let ids = ["\"date\"", "\"@method\"", "\"@path\"", "\"@authority\"", "\"content-type\"", "\"content-length\""];
    let base = components.base(ids, B26_INPUT.trim_start_matches("sig-b26=")).unwrap();
    assert_eq!(base, B26_BASE);
    assert_eq!(format!("sig-b26=:{}:", Base64::encode_string(&own.sign(&base))), B26_SIGNATURE);
}

fn name(text: &str) -> PeerName {
    PeerName::new(text).unwrap()
}

fn club() -> LinkKey {
    LinkKey::new([1; 32])
}

fn library() -> LinkKey {
    LinkKey::new([2; 32])
}

fn peer(peer: &str, key: &LinkKey) -> Peer {
    Peer {
        name: name(peer),
        url: PeerUrl::new("https://peer.example/").unwrap(),
        key: key.public(),
        pinned: Seq::new(1),
        trust: Trust::Allowed,
        grants: Grants::default(),
        since: Timestamp::EPOCH,
    }
}

const BODY: &[u8] = b"{\"x\":1}";

/// What the club posts to the library: the request, and what its answer is bound to.
fn posted(nonce: &str) -> (Parts, Asked) {
    let digest = content_digest(BODY);
    let fields = [
        ("host", "library.example"),
        ("boxoffice-to", "library.example"),
        ("content-type", "application/json"),
        ("content-digest", &digest),
    ];
    let mut parts = request("POST", "/messages", &fields);
    let (signed, asked) = sign_request(&parts, &name("club.example"), &club(), nonce, TIMES).unwrap();
    parts.headers.extend(headers(&[(INPUT, &signed.input), (SIGNATURE, &signed.header())]));
    (parts, asked)
}

const NONCE: &str = "0123456789abcdef";

fn proven(parts: &Parts, body: &[u8], now: i64, key: &LinkKey) -> Result<PeerName, Unproven> {
    let claimed = Claimed::read(parts, &name("library.example"), (now, 300))?;
    let from = claimed.from.clone();
    claimed.prove(parts, body, &key.public()).map(|_| from)
}

#[test]
fn a_request_is_proven_for_as_long_as_clocks_may_be_apart() {
    let (parts, _) = posted(NONCE);
    for (now, wanted) in [
        (NOW, Ok(())),
        (NOW + 300, Ok(())),
        (NOW - 300, Ok(())),
        (NOW + 301, Err(Unproven::Expired)),
        (NOW - 301, Err(Unproven::Expired)),
    ] {
        assert_eq!(proven(&parts, BODY, now, &club()).map(|_| ()), wanted, "{now}");
    }
    assert_eq!(proven(&parts, BODY, NOW, &club()), Ok(name("club.example")));
    assert_eq!(proven(&parts, BODY, NOW, &library()), Err(Unproven::Forged));
    assert_eq!(proven(&parts, b"{}", NOW, &club()), Err(Unproven::OtherBody));
    let claimed = Claimed::read(&parts, &name("other.example"), TIMES);
    assert_eq!(claimed.map(|_| ()), Err(Unproven::Foreign));
}

/// Changes a field; with no value, takes it away.
fn with(mut parts: Parts, field: &str, value: Option<&str>) -> Parts {
    let field: HeaderName = field.parse().unwrap();
    parts.headers.remove(&field);
    if let Some(value) = value {
        parts.headers.insert(field, HeaderValue::from_str(value).unwrap());
    }
    parts
}

#[test]
fn a_request_that_was_changed_anywhere_is_not_proven() {
    let digest = content_digest(b"{}");
    let changes = [
        ("boxoffice-to", Some("other.example"), Unproven::Foreign),
        ("boxoffice-to", None, Unproven::Foreign),
        ("host", Some("other.example"), Unproven::Forged),
        ("host", None, Unproven::Absent),
        ("content-type", Some("text/plain"), Unproven::Forged),
        ("content-type", None, Unproven::Absent),
        ("content-digest", Some(digest.as_str()), Unproven::Forged),
        ("content-digest", None, Unproven::Absent),
        // It was not there when the others were signed.
        ("if-none-match", Some("\"1\""), Unproven::Uncovered),
        (INPUT, None, Unproven::Unsigned),
        (SIGNATURE, None, Unproven::Unsigned),
        (SIGNATURE, Some("boxoffice=:AAAA:"), Unproven::Forged),
        (SIGNATURE, Some("boxoffice=AAAA"), Unproven::Unreadable),
        (SIGNATURE, Some("other=:AAAA:"), Unproven::Foreign),
        (INPUT, Some("boxoffice=1"), Unproven::Unreadable),
        (INPUT, Some("(("), Unproven::Unreadable),
    ];
    for (field, value, wanted) in changes {
        let parts = with(posted(NONCE).0, field, value);
        assert_eq!(proven(&parts, BODY, NOW, &club()), Err(wanted), "{field} {value:?}");
    }
    let (mut parts, _) = posted(NONCE);
    parts.uri = "/box/messages".parse().unwrap();
    assert_eq!(proven(&parts, BODY, NOW, &club()), Err(Unproven::Forged));
    let (mut parts, _) = posted(NONCE);
    parts.method = hyper::Method::PUT;
    assert_eq!(proven(&parts, BODY, NOW, &club()), Err(Unproven::Forged));
}

#[test]
fn a_field_that_is_there_twice_is_not_read() {
    for field in [INPUT, SIGNATURE, "boxoffice-to", "host", "content-type", "content-digest", "if-none-match"] {
        let (mut parts, _) = posted(NONCE);
        let field: HeaderName = field.parse().unwrap();
        let value = parts.headers.get(&field).cloned().unwrap_or(HeaderValue::from_static("\"1\""));
        parts.headers.remove(&field);
        parts.headers.append(&field, value.clone());
        parts.headers.append(&field, value);
        assert!(proven(&parts, BODY, NOW, &club()).is_err(), "{field}");
    }
}

/// The signature input of a request, rewritten and signed by the same key: what a peer of another make may send.
fn signed_otherwise(rewrite: impl Fn(&str) -> String) -> Result<PeerName, Unproven> {
    let (parts, _) = posted(NONCE);
    let input = rewrite(parts.headers.get(INPUT).unwrap().to_str().unwrap());
    let components = Components::of_request(&parts);
    let params = input.split_once('=').map_or("", |(_, params)| params);
    let list = params.split(')').next().unwrap().trim_start_matches('(');
    let base = components.base(list.split(' ').filter(|id| !id.is_empty()), params);
    let signature = base.map_or([0; 64], |base| club().sign(&base));
    let signature = format!("boxoffice=:{}:", Base64::encode_string(&signature));
    let parts = with(with(parts, INPUT, Some(&input)), SIGNATURE, Some(&signature));
    proven(&parts, BODY, NOW, &club())
}

#[test]
fn a_signature_of_another_kind_is_not_taken_even_if_it_is_true() {
    let from = Ok(name("club.example"));
    assert_eq!(signed_otherwise(str::to_owned), from);
    // The order is free, and the algorithm need not be named.
    assert_eq!(
        signed_otherwise(|input| input.replace("\"@method\" \"@authority\"", "\"@authority\" \"@method\"")),
        from
    );
    assert_eq!(signed_otherwise(|input| input.replace(";alg=\"ed25519\"", "")), from);
    let cases = [
        (";alg=\"ed25519\"", ";alg=\"hmac-sha256\"", Unproven::Foreign),
        (";tag=\"boxoffice\"", "", Unproven::Foreign),
        (";tag=\"boxoffice\"", ";tag=\"other\"", Unproven::Foreign),
        (";tag=\"boxoffice\"", ";tag=boxoffice", Unproven::Unreadable),
        (";keyid=\"club.example\"", "", Unproven::Foreign),
        (";keyid=\"club.example\"", ";keyid=\"No Name\"", Unproven::Foreign),
        (";created=1767639600", "", Unproven::Expired),
        (";created=1767639600", ";created=\"1767639600\"", Unproven::Unreadable),
        (";expires=1767639900", "", Unproven::Expired),
        (";expires=1767639900", ";expires=1767639599", Unproven::Expired),
        (";nonce=\"0123456789abcdef\"", "", Unproven::Uncovered),
        (";nonce=\"0123456789abcdef\"", ";nonce=\"short\"", Unproven::Uncovered),
        (";created=1767639600", ";created=1767639600;created=1767639600", Unproven::Unreadable),
        (";tag=\"boxoffice\"", ";tag=\"boxoffice\";more=1", Unproven::Unreadable),
        ("\"@method\" ", "", Unproven::Uncovered),
        ("\"@path\" ", "", Unproven::Uncovered),
        ("\"@authority\" ", "", Unproven::Uncovered),
        (" \"boxoffice-to\"", "", Unproven::Uncovered),
        (" \"content-type\"", "", Unproven::Uncovered),
        (" \"content-digest\"", "", Unproven::Uncovered),
        ("\"@method\" ", "\"@method\" \"@method\" ", Unproven::Unreadable),
        ("\"@method\" ", "\"@method\" \"@query\" ", Unproven::Absent),
        ("\"@method\" ", "\"@method\" \"@method\";req ", Unproven::Absent),
        ("\"@method\" ", "\"@method\" \"date\";sf ", Unproven::Absent),
        ("\"@method\" ", "\"@method\"  ", Unproven::Unreadable),
        ("\"@method\" ", "method ", Unproven::Unreadable),
    ];
    for (old, new, wanted) in cases {
        let rewritten = |input: &str| {
            assert!(input.contains(old), "{old} in {input}");
            input.replacen(old, new, 1)
        };
        assert_eq!(signed_otherwise(rewritten), Err(wanted), "{old} -> {new}");
    }
    let more = |count: usize| {
        signed_otherwise(|input| {
            let more: Vec<String> = (0..count).map(|n| format!("\"x-{n}\" ")).collect();
            input.replacen('(', &format!("({}", more.concat()), 1)
        })
    };
    assert_eq!((more(26), more(27)), (Err(Unproven::Absent), Err(Unproven::Unreadable)), "32 components, and 33");
    let twice = signed_otherwise(|input| format!("{input}, {input}"));
    assert_eq!(twice, Err(Unproven::Unreadable));
    let other = signed_otherwise(|input| format!("{input}, other={}", input.trim_start_matches("boxoffice=")));
    assert_eq!(other, Err(Unproven::Unsigned));
}

/// The library's answer.
fn answered(status: u16, fields: &[(&str, &str)], asked: &Asked, key: &LinkKey) -> HeaderMap {
    let mut fields = headers(fields);
    let signed = sign_answer(status, &fields, asked, &name("library.example"), (key, NOW)).unwrap();
    fields.extend(headers(&[(INPUT, &signed.input), (SIGNATURE, &signed.header())]));
    fields
}

fn check(status: u16, headers: &HeaderMap, body: &[u8], asked: &Asked, now: i64) -> Result<(), Unproven> {
    check_answer(Came { status, headers, body }, asked, &peer("library.example", &library()), (now, 300))
}

#[test]
fn an_answer_is_proven_by_the_pinned_key_for_this_request_and_this_body() {
    let ((_, asked), (_, other)) = (posted(NONCE), posted("fedcba9876543210"));
    let digest = content_digest(BODY);
    let fields = [("content-type", "application/json"), ("content-digest", &digest), ("etag", "\"7\"")];
    let good = answered(200, &fields, &asked, &library());
    assert_eq!(check(200, &good, BODY, &asked, NOW), Ok(()));
    assert_eq!(check(200, &good, BODY, &other, NOW), Err(Unproven::Forged));
    assert_eq!(check(200, &good, BODY, &asked, NOW + 301), Err(Unproven::Expired));
    assert_eq!(check(200, &good, b"{}", &asked, NOW), Err(Unproven::OtherBody));
    assert_eq!(check(200, &good, b"", &asked, NOW), Err(Unproven::OtherBody));
    assert_eq!(check(203, &good, BODY, &asked, NOW), Err(Unproven::Forged));
    assert_eq!(check(200, &answered(200, &fields, &asked, &club()), BODY, &asked, NOW), Err(Unproven::Forged));
    assert_eq!(check(200, &headers(&fields), BODY, &asked, NOW), Err(Unproven::Unsigned));
    for (field, value) in [("etag", "\"8\""), ("content-type", "text/html"), ("content-digest", "sha-256=:AAAA:")] {
        let mut changed = good.clone();
        changed.insert(field, HeaderValue::from_static(value));
        assert_eq!(check(200, &changed, BODY, &asked, NOW), Err(Unproven::Forged), "{field}");
    }
    let mut twice = good.clone();
    twice.append("etag", HeaderValue::from_static("\"7\""));
    assert_eq!(check(200, &twice, BODY, &asked, NOW), Err(Unproven::Absent));
}

#[test]
fn a_body_without_a_digest_is_not_read_and_an_answer_without_a_body_needs_none() {
    let (_, asked) = posted(NONCE);
    let undigested = answered(200, &[("content-type", "application/json")], &asked, &library());
    assert_eq!(check(200, &undigested, BODY, &asked, NOW), Err(Unproven::NoDigest));
    let unmodified = answered(304, &[("etag", "\"7\"")], &asked, &library());
    assert_eq!(check(304, &unmodified, b"", &asked, NOW), Ok(()));
    assert_eq!(check(304, &unmodified, BODY, &asked, NOW), Err(Unproven::Absent));
    assert_eq!(check(200, &unmodified, b"", &asked, NOW), Err(Unproven::Forged));
}
