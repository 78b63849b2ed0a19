//! Systems that talk over HTTP on loopback, and what liars on it can do.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic too")]

mod liar;
mod server;
mod system;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use boxoffice::federation::http::{LinkKey, ServeLimits};
use boxoffice::federation::{FeedLimits, Grants, LinkFault, PeerCommand, SyncOutcome};
use tokio::net::TcpListener;

use liar::{Liar, Play, Signed, envelope, say};
use system::{System, http, millis, name};

const LIAR: &str = "liar.example";
const SECRET: u8 = 9;

/// A system that follows an honest one and the liar, and has had both feeds.
async fn following() -> (System, System, Liar) {
    let limits = FeedLimits { bytes_max: 20_000, ..FeedLimits::default() };
    let club = System::tuned("club.example", 1, ServeLimits::default(), http(), |one| {
        one.feed_limits(limits).time_limit(millis(2_000))
    });
    let (club, library) = (club.await, System::start("library.example", 2).await);
    library.evening("reading", 5).await;
    library.knows(&club, Grants::default()).await;
    let truth = Signed::new(SECRET, LIAR, &envelope(LIAR, 5));
    let liar = Liar::start(say(move |request| truth.answer(request))).await;
    club.knows(&library, Grants::default()).await;
    club.allow(&name(LIAR), LinkKey::new([SECRET; 32]).public(), liar.at, Grants::default()).await;
    for peer in [&library.name, &name(LIAR)] {
        let outcome = club.federation.sync_now(peer).await.unwrap();
        assert!(outcome.is_current(), "{peer}: {outcome:?}");
    }
    (club, library, liar)
}

fn both() -> Vec<(String, Option<boxoffice::federation::PeerName>)> {
    vec![("reading".to_owned(), Some(name("library.example"))), ("Lecture 5".to_owned(), Some(name(LIAR)))]
}

#[tokio::test]
async fn feeds_of_systems_that_allow_each_other_make_one_agenda_and_are_fetched_once() {
    let (club, library, _liar) = following().await;
    club.evening("chess", 10).await;
    let mut all = both();
    all.insert(0, ("chess".to_owned(), None));
    assert_eq!(club.agenda().await, all);
    assert_eq!(club.federation.sync_now(&library.name).await.unwrap(), SyncOutcome::Unchanged);
    library.evening("writing", 5).await;
    let outcome = club.federation.sync_now(&library.name).await.unwrap();
    assert_eq!(outcome, SyncOutcome::Fetched { seq: 2, events: 2 });
    assert_eq!(club.agenda().await.len(), 4);
}

/// Each lie, and what it comes to.
#[expect(clippy::too_many_lines, reason = "a table")]
fn lies() -> Vec<(&'static str, Play, &'static str)> {
    let truth = Signed::new(SECRET, LIAR, &envelope(LIAR, 6));
    let signed = |what, change: &dyn Fn(&mut Signed), comes_to| {
        let mut answer = truth.clone();
        change(&mut answer);
        (what, say(move |request| answer.answer(request)), comes_to)
    };
    let status = |status: &'static str, more: &'static str| {
        say(move |_| format!("HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\n\r\n").into_bytes())
    };
    let first: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
    let replayed = truth.clone();
    let replay = say(move |request| {
        let mut first = first.lock().unwrap();
        // The first answer is lost, and said again in answer to all others.
        match &*first {
            Some(first) => first.clone(),
            None => {
                *first = Some(replayed.answer(request));
                b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n".to_vec()
            }
        }
    });
    let flipped = truth.clone();
    let flip = say(move |request| {
        let answer = String::from_utf8(flipped.answer(request)).unwrap();
        let at = answer.find("Signature: boxoffice=:").unwrap() + 22;
        let other = if &answer[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &answer[..at], &answer[at + 1..]).into_bytes()
    });
    vec![
        signed("another key", &|answer| answer.secret = 8, "bad_signature"),
        signed("another name", &|answer| answer.keyid = "other.example", "bad_signature"),
        signed("another purpose", &|answer| answer.tag = "other", "bad_signature"),
        signed("another body", &|answer| answer.sent = Some(envelope(LIAR, 7)), "bad_signature"),
        signed("no digest", &|answer| answer.has_digest = false, "bad_signature"),
        signed("a digest that is not signed", &|answer| answer.covers_digest = false, "bad_signature"),
        signed("an answer to anybody", &|answer| answer.covers_request = false, "bad_signature"),
        signed("two signatures", &|answer| answer.twice = true, "bad_signature"),
        signed("signed long ago", &|answer| answer.age = 400, "bad_signature"),
        ("a changed signature", flip, "bad_signature"),
        ("an answer to another request", replay, "bad_signature"),
        ("no signature", say(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec()), "bad_signature"),
        ("not modified, unsigned", status("304 Not Modified", "ETag: \"5\"\r\n"), "bad_signature"),
        signed("an older feed", &|answer| answer.body = envelope(LIAR, 4), "replayed"),
        signed(
            "another feed of the same number",
            &|answer| answer.body = envelope(LIAR, 5).replace("lecture", "x"),
            "forked",
        ),
        signed("somebody else's feed", &|answer| answer.body = envelope("library.example", 6), "wrong_origin"),
        signed("no envelope", &|answer| answer.body = "{\"boxoffice_feed\":1".into(), "malformed"),
        signed("no JSON", &|answer| answer.body = "\u{1b}[2J".into(), "malformed"),
        signed("too much, signed", &|answer| answer.body = "x".repeat(20_001), "too_large"),
        (
            "a length that is too much",
            Play::Drip("HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", "x"),
            "too_large",
        ),
        (
            "no end",
            Play::Flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "8\r\nxxxxxxxx\r\n"),
            "too_large",
        ),
        ("a head without end", Play::Flood("HTTP/1.1 200 OK\r\n", "X: xxxxxxxxxxxxxxxxxxxx\r\n"), "unreachable"),
        (
            "byte by byte",
            Play::Drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
            "timed_out",
        ),
        ("a head byte by byte", Play::Drip("HTTP/1.1 200 OK\r\nX: ", "x"), "timed_out"),
        ("nothing", say(|_| Vec::new()), "unreachable"),
        ("not HTTP", say(|_| b"220 mail.example ESMTP\r\n".to_vec()), "unreachable"),
        ("no", status("401 Unauthorized", ""), "refused"),
        ("gone", status("404 Not Found", ""), "refused"),
        ("not now", status("503 Later", "Retry-After: 60\r\n"), "unavailable"),
        ("another status, signed by nobody", status("206 Partial Content", ""), "malformed"),
    ]
}

#[tokio::test]
async fn whatever_a_liar_says_what_is_had_stays_and_nobody_else_is_held_up() {
    let (club, library, liar) = following().await;
    for (lie, play, comes_to) in lies() {
        liar.plays(play);
        let is_replay = comes_to == "bad_signature" && lie == "an answer to another request";
        if is_replay {
            assert_eq!(club.federation.sync_now(&name(LIAR)).await.unwrap().name(), "unavailable");
        }
        let (lied, honest) = (name(LIAR), library.name.clone());
        let (lied, honest) = tokio::join!(club.federation.sync_now(&lied), club.federation.sync_now(&honest));
        assert_eq!(lied.unwrap().name(), comes_to, "{lie}");
        assert_eq!(honest.unwrap(), SyncOutcome::Unchanged, "beside {lie}");
        assert_eq!(club.agenda().await, both(), "{lie}");
    }
    let standing = club.federation.standing().await.unwrap();
    let of_liar = standing.iter().find(|standing| standing.peer == name(LIAR)).unwrap();
    assert_eq!((of_liar.seq, of_liar.events), (Some(5), 1));
    // And the truth is taken again.
    let truth = Signed::new(SECRET, LIAR, &envelope(LIAR, 6));
    liar.plays(say(move |request| truth.answer(request)));
    let outcome = club.federation.sync_now(&name(LIAR)).await.unwrap();
    assert_eq!(outcome, SyncOutcome::Fetched { seq: 6, events: 1 });
}

#[tokio::test]
async fn no_redirect_is_followed_wherever_it_leads() {
    let (club, _library, liar) = following().await;
    let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    for status in [301, 302, 303, 307, 308] {
        for to in [format!("http://127.0.0.1:{port}/"), "http://169.254.169.254/latest/meta-data/".to_owned()] {
            liar.plays(say(move |_| {
                format!("HTTP/1.1 {status} So\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes()
            }));
            let SyncOutcome::Failed(error) = club.federation.sync_now(&name(LIAR)).await.unwrap() else {
                panic!("{status}");
            };
            assert_eq!(error.fault, LinkFault::Refused, "{status}: {error}");
        }
    }
    let called = tokio::time::timeout(millis(50), inside.accept()).await;
    assert!(called.is_err(), "somebody followed");
    assert_eq!(club.agenda().await, both());
}

#[tokio::test]
async fn machines_inside_are_not_asked_unless_that_is_allowed() {
    let library = System::start("library.example", 2).await;
    let strict = System::tuned("club.example", 1, ServeLimits::default(), http().allow_private(false), |one| one);
    let club = strict.await;
    club.knows(&library, Grants::default()).await;
    let urls = ["http://169.254.169.254/", "http://10.0.0.1/", "http://[::1]/", "http://localhost/"].map(str::to_owned);
    for url in [vec![format!("http://{}", library.at)], urls.to_vec()].concat() {
        club.change(&library.name, PeerCommand::MoveTo { url: url.parse().unwrap() }).await;
        let SyncOutcome::Failed(error) = club.federation.sync_now(&library.name).await.unwrap() else {
            panic!("{url}")
        };
        assert_eq!((error.fault, error.reason.as_str()), (LinkFault::Unreachable, "the host has no public address"));
    }
    let encrypted = System::tuned("club.example", 1, ServeLimits::default(), http().allow_plain(false), |one| one);
    let club = encrypted.await;
    club.knows(&library, Grants::default()).await;
    let outcome = club.federation.sync_now(&library.name).await.unwrap();
    assert_eq!(outcome.name(), "unreachable", "{outcome:?}");
}

#[tokio::test]
async fn a_peer_that_asks_to_be_left_alone_says_when_to_come_again_within_an_hour() {
    let (club, _library, liar) = following().await;
    for (said, taken) in [("60", Some(60)), ("0", Some(0)), ("999999999", Some(3_600)), ("soon", None)] {
        liar.plays(say(move |_| {
            format!("HTTP/1.1 429 Slow down\r\nRetry-After: {said}\r\nContent-Length: 0\r\n\r\n").into_bytes()
        }));
        let SyncOutcome::Failed(error) = club.federation.sync_now(&name(LIAR)).await.unwrap() else { panic!("{said}") };
        assert_eq!((error.fault, error.retry_after), (LinkFault::Unavailable, taken.map(Duration::from_secs)));
    }
}

#[tokio::test]
async fn a_key_that_is_pinned_anew_is_the_only_one_that_counts() {
    let (club, _library, liar) = following().await;
    club.change(&name(LIAR), PeerCommand::Pin { key: LinkKey::new([8; 32]).public() }).await;
    let outcome = club.federation.sync_now(&name(LIAR)).await.unwrap();
    assert_eq!(outcome.name(), "bad_signature");
    // What was fetched under the old key no longer counts.
    assert_eq!(club.agenda().await, both()[..1]);
    let truth = Signed::new(8, LIAR, &envelope(LIAR, 1));
    liar.plays(say(move |request| truth.answer(request)));
    assert!(club.federation.sync_now(&name(LIAR)).await.unwrap().is_current());
}
