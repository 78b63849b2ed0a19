//! A server that says what it is told to say, signed by hand or not at all: it has nothing of the code that is tested.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64ct::{Base64, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    head: String,
    pub(crate) raw: Vec<u8>,
}

impl Request {
    pub(crate) fn field(&self, name: &str) -> &str {
        let named = |line: &&str| line.split_once(": ").is_some_and(|(field, _)| field.eq_ignore_ascii_case(name));
        self.head.lines().find(named).and_then(|line| line.split_once(": ")).map_or("", |(_, value)| value)
    }
}

/// What is said to a request.
type Answer = Arc<dyn Fn(&Request) -> Vec<u8> + Send + Sync>;

/// What the liar does.
#[derive(Clone)]
pub(crate) enum Play {
    /// Says it and closes.
    Say(Answer),
    /// Says the one, then the other again and again.
    Flood(&'static str, &'static str),
    /// The same, with a pause after each.
    Drip(&'static str, &'static str),
}

pub(crate) fn say(answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Play {
    Play::Say(Arc::new(answer))
}

pub(crate) struct Liar {
    pub(crate) at: SocketAddr,
    play: Arc<Mutex<Play>>,
    pub(crate) requests: Arc<Mutex<Vec<Request>>>,
}

impl Liar {
    pub(crate) async fn start(play: Play) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let liar = Self { at, play: Arc::new(Mutex::new(play)), requests: Arc::default() };
        let (play, requests) = (Arc::clone(&liar.play), Arc::clone(&liar.requests));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (play, requests) = (Arc::clone(&play), Arc::clone(&requests));
                tokio::spawn(async move {
                    let request = read(&mut stream).await?;
                    requests.lock().unwrap().push(request.clone());
                    let play = play.lock().unwrap().clone();
                    perform(&mut stream, &request, play).await
                });
            }
        });
        liar
    }

    pub(crate) fn plays(&self, play: Play) {
        *self.play.lock().unwrap() = play;
    }
}

async fn read(stream: &mut TcpStream) -> std::io::Result<Request> {
    let (mut raw, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        raw.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&raw).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let request = Request { method, path, head: head.to_owned(), raw: raw.clone() };
        if body.len() >= request.field("content-length").parse().unwrap_or(0) {
            return Ok(request);
        }
    }
}

async fn perform(stream: &mut TcpStream, request: &Request, play: Play) -> std::io::Result<()> {
    match play {
        Play::Say(answer) => stream.write_all(&answer(request)).await,
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
    }
}

/// An answer, signed as RFC 9421 says, with whatever is wrong about it.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is another lie")]
pub(crate) struct Signed {
    pub(crate) secret: u8,
    pub(crate) keyid: &'static str,
    pub(crate) body: String,
    /// What is sent instead of the body that was signed.
    pub(crate) sent: Option<String>,
    /// How many seconds ago it was signed.
    pub(crate) age: u64,
    pub(crate) has_digest: bool,
    pub(crate) covers_digest: bool,
    pub(crate) covers_request: bool,
    pub(crate) twice: bool,
    pub(crate) tag: &'static str,
}

impl Signed {
    pub(crate) fn new(secret: u8, keyid: &'static str, body: &str) -> Self {
        let body = body.to_owned();
        Self {
            secret,
            keyid,
            body,
            sent: None,
            age: 0,
            has_digest: true,
            covers_digest: true,
            covers_request: true,
            twice: false,
            tag: "boxoffice",
        }
    }

    pub(crate) fn answer(&self, request: &Request) -> Vec<u8> {
        let digest = format!("sha-256=:{}:", Base64::encode_string(&Sha256::digest(self.body.as_bytes())));
        let asked = request.field("signature").trim_start_matches("boxoffice=");
        let mut lines = vec![
            ("\"@status\"", "200"),
            ("\"content-type\"", "application/json"),
            ("\"@method\";req", &request.method),
            ("\"@authority\";req", request.field("host")),
            ("\"@path\";req", &request.path),
        ];
        if self.has_digest && self.covers_digest {
            lines.push(("\"content-digest\"", &digest));
        }
        if self.covers_request {
            lines.push(("\"signature\";req;key=\"boxoffice\"", asked));
        }
        let created = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() - self.age;
        let ids: Vec<&str> = lines.iter().map(|(id, _)| *id).collect();
        let (keyid, tag) = (self.keyid, self.tag);
        let params = format!("({});created={created};keyid=\"{keyid}\";tag=\"{tag}\"", ids.join(" "));
        lines.push(("\"@signature-params\"", &params));
        let lines: Vec<String> = lines.iter().map(|(id, value)| format!("{id}: {value}")).collect();
        let base = lines.join("\n");
        let signature = SigningKey::from_bytes(&[self.secret; 32]).sign(base.as_bytes());
        let signature = format!("Signature: boxoffice=:{}:\r\n", Base64::encode_string(&signature.to_bytes()));
        let sent = self.sent.as_ref().unwrap_or(&self.body);
        let digest = if self.has_digest { format!("Content-Digest: {digest}\r\n") } else { String::new() };
        let again = if self.twice { signature.as_str() } else { "" };
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{digest}Signature-Input: boxoffice={params}\r\n{signature}{again}\r\n{sent}",
            sent.len()
        )
        .into_bytes()
    }
}

/// What the liar publishes, when it says the truth.
pub(crate) fn envelope(origin: &str, seq: u64) -> String {
    let calendar = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//liar//EN\r\nBEGIN:VEVENT\r\nUID:lecture\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260106T190000Z\r\nSUMMARY:Lecture {seq}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let calendar = calendar.replace("\r\n", "\\r\\n");
    format!(
        "{{\"boxoffice_feed\":1,\"origin\":\"{origin}\",\"seq\":{seq},\"at\":1767225600000,\"calendar\":\"{calendar}\"}}"
    )
}
