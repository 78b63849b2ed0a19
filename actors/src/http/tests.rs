//! Exchanges with a server that means ill: it says byte by byte what it was told to say.

use core::time::Duration;

use hyper::Method;
use hyper::header::{ACCEPT, HeaderName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::exchange::NoAnswer;
use super::{Answer, Fault, HttpClient, Target};
use crate::clock::{Clock as _, SystemClock};

const BODY_MAX: usize = 1_000;

/// What the server does once it has read the head of a request.
#[derive(Clone, Debug)]
enum Play {
    /// Says it and closes.
    Say(String),
    /// Says the one, then the other again and again.
    Flood(&'static str, &'static str),
    /// The same, with a pause after each.
    Drip(&'static str, &'static str),
    /// Says it and waits.
    Hang(&'static str),
}

/// A server, and the heads and bodies of the requests that it read.
async fn server(play: Play) -> (Target, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (seen, requests) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (play, seen) = (play.clone(), seen.clone());
            tokio::spawn(async move {
                let mut stream = stream;
                seen.send(request(&mut stream).await).unwrap();
                // It ends when the client has gone.
                let _gone = perform(stream, play).await;
            });
        }
    });
    (Target::parse(&format!("http://127.0.0.1:{port}/a?b=c")).unwrap(), requests)
}

async fn request(stream: &mut TcpStream) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4_096]);
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        text.push_str(str::from_utf8(&buffer[..read]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return text;
        }
    }
}

async fn perform(mut stream: TcpStream, play: Play) -> std::io::Result<()> {
    match play {
        Play::Say(text) => stream.write_all(text.as_bytes()).await,
        Play::Flood(first, again) => {
            stream.write_all(first.as_bytes()).await?;
            loop {
                stream.write_all(again.as_bytes()).await?;
            }
        }
        Play::Drip(first, again) => {
            stream.write_all(first.as_bytes()).await?;
            let mut pause = tokio::time::interval(Duration::from_millis(20));
            loop {
                pause.tick().await;
                stream.write_all(again.as_bytes()).await?;
            }
        }
        Play::Hang(first) => {
            stream.write_all(first.as_bytes()).await?;
            stream.read_u8().await.map(|_| ())
        }
    }
}

fn client() -> HttpClient {
    HttpClient::new().unwrap().allow_private(true)
}

async fn get(play: Play) -> Result<Answer, NoAnswer> {
    get_with(client(), play).await
}

async fn get_with(client: HttpClient, play: Play) -> Result<Answer, NoAnswer> {
    let (target, _requests) = server(play).await;
    client.exchange(&Method::GET, &target, &[], "", BODY_MAX).await
}

fn say(text: &str) -> Play {
    Play::Say(text.to_owned())
}

#[tokio::test]
async fn a_request_of_each_method_goes_out_whole_and_the_answer_comes_back_whole() {
    let (target, mut requests) =
        server(say("HTTP/1.1 201 Created\r\nX-One: 1\r\nContent-Length: 5\r\n\r\nhello and more")).await;
    let agent = concat!("user-agent: boxoffice/", env!("CARGO_PKG_VERSION"));
    let host = target.uri.authority().unwrap().to_string();
    for (method, body) in [(Method::GET, ""), (Method::DELETE, ""), (Method::POST, "a=1"), (Method::PUT, "{}")] {
        let headers: [(HeaderName, String); 1] = [(ACCEPT, "text/plain".to_owned())];
        let answer = client().exchange(&method, &target, &headers, body, BODY_MAX).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (201, &b"hello"[..]));
        assert_eq!(answer.headers.get("x-one").unwrap(), "1");
        let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        let wanted = format!(
            "{method} /a?b=c HTTP/1.1\r\nhost: {host}\r\n{agent}\r\naccept: text/plain\r\nconnection: close\r\n{length}\r\n{body}"
        );
        assert_eq!(requests.recv().await.unwrap(), wanted);
    }
}

#[tokio::test]
async fn whatever_has_a_status_is_an_answer_and_no_redirect_is_followed() {
    for status in [204, 301, 302, 307, 308, 404, 429, 500, 599] {
        let text = format!("HTTP/1.1 {status} So\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
        let answer = get(Play::Say(text)).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (status, 0));
    }
}

#[tokio::test]
async fn a_body_comes_in_every_framing_up_to_the_limit_and_no_further() {
    let body = |length: usize| "x".repeat(length);
    for (length, is_taken) in [(0, true), (999, true), (1_000, true), (1_001, false), (100_000, false)] {
        let (text, hex) = (body(length), format!("{length:x}"));
        let chunk = if length == 0 { String::new() } else { format!("{hex}\r\n{text}\r\n") };
        for framed in [
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{text}"),
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"),
            format!("HTTP/1.1 200 OK\r\n\r\n{text}"),
        ] {
            let found = get(Play::Say(framed)).await.map(|answer| answer.body.len());
            assert_eq!(found, if is_taken { Ok(length) } else { Err(NoAnswer::Long) }, "{length}");
        }
    }
}

#[tokio::test]
async fn what_has_no_end_is_given_up() {
    let broken = NoAnswer::Fault(Fault::Broken);
    let cases = [
        (Play::Flood("HTTP/1.1 200 OK\r\nX: ", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), broken),
        (Play::Flood("HTTP/1.1 200 OK\r\n", "X: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"), broken),
        (Play::Flood("", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), broken),
        (Play::Flood("HTTP/1.1 200 OK\r\n\r\n", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), NoAnswer::Long),
        (Play::Flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"), NoAnswer::Long),
        (Play::Flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=", "xxxxxxxxxxxxxxx"), broken),
        (Play::Flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: x\r\n"), broken),
        (Play::Hang("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"), NoAnswer::Long),
    ];
    for (play, wanted) in cases {
        assert_eq!(get(play.clone()).await.unwrap_err(), wanted, "{play:?}");
    }
}

#[tokio::test]
async fn a_length_that_is_wrong_is_no_answer() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n",
        "HTTP/1.1 200",
        "SSH-2.0-x\r\n\r\n",
        "",
    ] {
        assert_eq!(get(say(text)).await.unwrap_err(), NoAnswer::Fault(Fault::Broken), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_drips_or_says_nothing_more_has_its_time_and_no_more() {
    let brief = client().with_timeouts(Duration::from_millis(300), Duration::from_millis(300));
    let cases = [
        Play::Hang(""),
        Play::Hang("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"),
        Play::Hang("HTTP/1.1 200 OK\r\n\r\n"),
        Play::Drip("HTTP/1.1 200 OK\r\nX: ", "x"),
        Play::Drip("HTTP/1.1 200 OK\r\n\r\n", "x"),
        Play::Drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
        Play::Drip("", "HTTP/1.1 100 Continue\r\n\r\n"),
        Play::Flood("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
    ];
    for play in cases {
        let begun = SystemClock.now();
        assert_eq!(get_with(brief.clone(), play.clone()).await.unwrap_err(), NoAnswer::Slow, "{play:?}");
        let took: Duration = SystemClock.now().saturating_since(begun);
        assert!(took < Duration::from_secs(5), "{play:?} {took:?}");
    }
}

#[tokio::test]
async fn a_host_that_is_private_or_cannot_be_reached_is_told_from_one_that_may_have_begun() {
    let (target, mut requests) = server(Play::Hang("")).await;
    let guarded = client().allow_private(false);
    let refused = guarded.exchange(&Method::GET, &target, &[], "", BODY_MAX).await.unwrap_err();
    assert_eq!(refused, NoAnswer::Fault(Fault::Private));
    assert!(requests.try_recv().is_err());

    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let nobody = Target::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
    let refused = client().exchange(&Method::GET, &nobody, &[], "", BODY_MAX).await.unwrap_err();
    assert_eq!(refused, NoAnswer::Fault(Fault::Connect));

    // It takes the connection, and speaks no TLS.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}/", silent.local_addr().unwrap().port());
    let brief = client().with_timeouts(Duration::from_secs(5), Duration::from_millis(200));
    let refused = brief.exchange(&Method::GET, &Target::parse(&url).unwrap(), &[], "", BODY_MAX).await;
    assert_eq!(refused.unwrap_err(), NoAnswer::Fault(Fault::ConnectTime));
}

#[test]
fn plain_http_is_a_target_only_where_that_is_allowed() {
    for (url, by_default, plain) in
        [("https://a.example/", Ok(()), Ok(())), ("http://a.example/", Err(Fault::Plain), Ok(()))]
    {
        for (client, wanted) in [(client(), by_default), (client().allow_plain(true), plain)] {
            assert_eq!(client.target(url).map(|_| ()), wanted, "{url}");
        }
    }
}
