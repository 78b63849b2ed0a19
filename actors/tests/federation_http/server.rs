//! What is asked of a system: by peers, by strangers, and by those who only hold connections.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use boxoffice::BoxOffice;
use boxoffice::clock::{Clock as _, ManualClock, SystemClock};
use boxoffice::federation::http::{HttpLink, LinkKey, PeerServer, ServeLimits, serve};
use boxoffice::federation::{
    Because, Federation, Grants, HoldId, PeerCommand, PeerCommandOutcome, RemoteStage, SyncOutcome,
};
use boxoffice::persist::{Backend, MemoryBackend};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::liar::{Liar, say};
use crate::system::{System, http, millis, name, wanted};

fn grants(seats: u32) -> Grants {
    Grants::holding(seats, millis(600_000))
}

fn hold(text: &str) -> HoldId {
    HoldId::new(text).unwrap()
}

/// Sends bytes, and reads whatever comes back.
async fn exchange(at: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is closed early has said what it had to say.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8(answer).unwrap()
}

/// The status of an answer, and whether it says anything more about anybody.
fn seen(answer: &str) -> (&str, bool) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let says = !body.is_empty() || head.to_ascii_lowercase().contains("signature") || head.contains("example");
    (head.split(' ').nth(1).unwrap(), says)
}

#[tokio::test]
async fn seats_are_held_confirmed_and_released_over_http() {
    let (club, library) = (System::start("club.example", 1).await, System::start("library.example", 2).await);
    let evening = club.evening("chess", 5).await;
    club.knows(&library, grants(4)).await;
    library.knows(&club, Grants::default()).await;
    let asked = &library.federation;
    let held = asked.hold(&club.name, &hold("order-1"), wanted(&evening, 2)).await.unwrap();
    assert!(matches!(held.stage(), Some(RemoteStage::Held { .. })), "{held:?}");
    assert_eq!(club.office.seats(&evening).await.unwrap().free, 3);
    let confirmed = asked.confirm(&club.name, &hold("order-1")).await.unwrap();
    assert_eq!(confirmed.stage(), Some(&RemoteStage::Confirmed));
    let held = asked.hold(&club.name, &hold("order-2"), wanted(&evening, 3)).await.unwrap();
    assert!(matches!(held.stage(), Some(RemoteStage::Held { .. })), "{held:?}");
    let full = asked.hold(&club.name, &hold("order-3"), wanted(&evening, 1)).await.unwrap();
    assert_eq!(full.stage(), Some(&RemoteStage::Full { free: 0 }));
    let released = asked.release(&club.name, &hold("order-2")).await.unwrap();
    assert_eq!(released.stage(), Some(&RemoteStage::Released));
    let seats = club.office.seats(&evening).await.unwrap();
    assert_eq!((seats.free, seats.held, seats.confirmed), (3, 0, 2));
}

#[tokio::test]
async fn the_last_seats_are_sold_once_however_many_peers_race_for_them() {
    let club = System::start("club.example", 1).await;
    let evening = club.evening("chess", 3).await;
    let rivals = [System::start("a.example", 3).await, System::start("b.example", 4).await];
    for rival in &rivals {
        club.knows(rival, grants(20)).await;
        rival.knows(&club, Grants::default()).await;
    }
    let orders = (0..8).flat_map(|order| rivals.iter().map(move |rival| (order, rival)));
    let races = orders.map(async |(order, rival)| {
        let order = hold(&format!("order-{order}"));
        let held = rival.federation.hold(&club.name, &order, wanted(&evening, 1)).await.unwrap();
        match held.stage() {
            Some(RemoteStage::Held { .. }) => {
                let confirmed = rival.federation.confirm(&club.name, &order).await.unwrap();
                confirmed.stage().is_some_and(RemoteStage::is_ours)
            }
            Some(RemoteStage::Full { .. }) => false,
            other => panic!("{other:?}"),
        }
    });
    let sold = futures_util::future::join_all(races).await;
    assert_eq!(sold.iter().filter(|sold| **sold).count(), 3);
    let seats = club.office.seats(&evening).await.unwrap();
    assert_eq!((seats.free, seats.held, seats.confirmed), (0, 0, 3));
}

/// A way to the club that keeps what goes by, and passes it on.
async fn overheard(club: &System) -> (Liar, Arc<Mutex<Vec<Vec<u8>>>>) {
    let (at, heard) = (club.at, Arc::new(Mutex::new(Vec::new())));
    let kept = Arc::clone(&heard);
    let liar = Liar::start(say(move |request| {
        kept.lock().unwrap().push(request.raw.clone());
        // Waited for where it holds up nobody.
        tokio::task::block_in_place(|| {
            let mut stream = std::net::TcpStream::connect(at).unwrap();
            stream.write_all(&request.raw).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            answer
        })
    }));
    (liar.await, heard)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_that_is_said_again_is_not_taken_and_a_stranger_learns_nothing() {
    let (club, library) = (System::start("club.example", 1).await, System::start("library.example", 2).await);
    let evening = club.evening("chess", 5).await;
    club.knows(&library, grants(4)).await;
    let (way, heard) = overheard(&club).await;
    library.allow(&club.name, club.key.public(), way.at, Grants::default()).await;
    let outcome = library.federation.sync_now(&club.name).await.unwrap();
    assert!(outcome.is_current(), "{outcome:?}");
    let held = library.federation.hold(&club.name, &hold("order-1"), wanted(&evening, 2)).await.unwrap();
    assert!(matches!(held.stage(), Some(RemoteStage::Held { .. })), "{held:?}");
    let heard = heard.lock().unwrap().clone();
    assert!(heard.len() >= 2, "{}", heard.len());
    for request in &heard {
        assert_eq!(seen(&exchange(club.at, request).await), ("401", false));
    }
    // Unsigned; signed by nobody who is known; signed for another; with something changed.
    let host = format!("Host: {}\r\n", club.at);
    let text = String::from_utf8(heard.last().unwrap().clone()).unwrap();
    let strangers = [
        format!("GET /feed HTTP/1.1\r\n{host}\r\n"),
        text.replace("library.example", "strange.example"),
        text.replace("boxoffice-to: club.example", "boxoffice-to: other.example"),
        text.replace("order-1", "order-2"),
        text.replace("POST /messages", "POST /box/messages"),
        text.replacen("signature: ", "signature: boxoffice=:AAAA:\r\nsignature: ", 1),
    ];
    for request in strangers {
        assert_ne!(request, text);
        assert_eq!(seen(&exchange(club.at, request.as_bytes()).await), ("401", false), "{request}");
    }
    let elsewhere = [
        ("GET / HTTP/1.1", "404"),
        ("GET /feed?x=1 HTTP/1.1", "404"),
        ("POST /feed HTTP/1.1", "405"),
        ("GET /messages HTTP/1.1", "405"),
    ];
    for (line, status) in elsewhere {
        let answer = exchange(club.at, format!("{line}\r\n{host}\r\n").as_bytes()).await;
        assert_eq!(seen(&answer), (status, false), "{line}");
    }
    assert_eq!(club.office.seats(&evening).await.unwrap().held, 2);
}

#[tokio::test]
async fn a_peer_reads_and_holds_only_as_it_is_trusted_and_granted() {
    let (club, library) = (System::start("club.example", 1).await, System::start("library.example", 2).await);
    let evening = club.evening("chess", 5).await;
    library.knows(&club, Grants::default()).await;
    let fails = async |reason: &str| {
        let SyncOutcome::Failed(error) = library.federation.sync_now(&club.name).await.unwrap() else {
            panic!("{reason}")
        };
        assert_eq!(error.to_string(), format!("refused: {reason}"));
    };
    fails("status 401: the peer does not know us or not this key, or the clocks are apart").await;
    club.knows(&library, Grants { feed: false, ..Grants::default() }).await;
    fails("status 403: the peer knows us, and does not trust us yet or grants us no feed").await;
    let refused = library.federation.hold(&club.name, &hold("order-1"), wanted(&evening, 1)).await.unwrap();
    assert_eq!(refused.name(), "refused");
    club.change(&library.name, PeerCommand::Grant { grants: grants(1) }).await;
    assert!(library.federation.sync_now(&club.name).await.unwrap().is_current());
    let held = library.federation.hold(&club.name, &hold("order-2"), wanted(&evening, 1)).await.unwrap();
    assert!(matches!(held.stage(), Some(RemoteStage::Held { .. })), "{held:?}");
    club.change(&library.name, PeerCommand::Suspend).await;
    fails("status 403: the peer knows us, and does not trust us yet or grants us no feed").await;
    club.change(&library.name, PeerCommand::Remove).await;
    fails("status 401: the peer does not know us or not this key, or the clocks are apart").await;
}

#[tokio::test]
async fn too_much_is_not_read_and_silence_is_not_waited_for() {
    let limits = ServeLimits { connections: 4, per_address: 3, head: millis(200), whole: millis(400) };
    let club = System::tuned("club.example", 1, limits, http().allow_plain(false), |one| one).await;
    let library = System::start("library.example", 2).await;
    club.knows(&library, Grants::default()).await;
    library.knows(&club, Grants::default()).await;
    let host = format!("Host: {}\r\n", club.at);
    let long = format!("POST /messages HTTP/1.1\r\n{host}Content-Length: 16385\r\n\r\n");
    assert_eq!(seen(&exchange(club.at, long.as_bytes()).await), ("413", false));
    for head in [format!("X: {}\r\n", "x".repeat(20_000)), "X: 1\r\n".repeat(100)] {
        // What is still on its way when the connection is closed may take the answer with it.
        let answer = exchange(club.at, format!("GET /feed HTTP/1.1\r\n{host}{head}\r\n").as_bytes()).await;
        assert!(answer.trim().is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    // As many as one address may have, which say nothing, or less than they announce: each is closed, and then there is room.
    let half = format!("POST /messages HTTP/1.1\r\n{host}Content-Length: 100\r\n\r\nhalf");
    let silent = ["", "GET /fe", &half].map(|text| exchange(club.at, text.as_bytes()));
    let silent = futures_util::future::join_all(silent).await;
    assert!(silent.iter().all(|answer| !answer.contains(" 200 ")), "{silent:?}");
    while !library.federation.sync_now(&club.name).await.unwrap().is_current() {}
}

#[tokio::test]
async fn whoever_is_not_known_makes_us_ask_the_store_once_a_second_at_most() {
    let store: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    let (name, key) = (name("club.example"), Arc::new(LinkKey::new([1; 32])));
    let start = || {
        let office = BoxOffice::builder().shared_store(Arc::clone(&store)).start().unwrap();
        let link = HttpLink::new(name.clone(), Arc::clone(&key)).unwrap().with_http(http());
        let federation = Federation::builder(name.clone(), link).public(|_| true).start(&office).unwrap();
        (office, federation)
    };
    // Two processes on one store: one answers, the other makes peers known.
    let ((_office, answers), (_other_office, decides)) = (start(), start());
    assert!(answers.standing().await.unwrap().is_empty());
    let clock = ManualClock::new(SystemClock.now());
    let server = PeerServer::new(answers, Arc::clone(&key)).with_clock(Arc::new(clock.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let server = tokio::spawn(serve(listener, server, ServeLimits::default(), std::future::pending()));
    let library = System::start("library.example", 2).await;
    library.allow(&name, key.public(), at, Grants::default()).await;
    let is_answered = async || library.federation.sync_now(&name).await.unwrap().is_current();
    assert!(!is_answered().await, "nobody knows it");
    let because = || Because::new("ann", "decided at the meeting").unwrap();
    let add = PeerCommand::Add { url: "https://library.example/".parse().unwrap(), key: library.key.public() };
    for command in [add, PeerCommand::Allow] {
        let outcome = decides.change(&library.name, command, because()).await.unwrap();
        assert_eq!(outcome, PeerCommandOutcome::Done);
    }
    assert!(!is_answered().await, "the store was asked within this second");
    clock.advance(millis(1_000));
    assert!(is_answered().await);
    server.abort();
}
