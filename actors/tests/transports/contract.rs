//! Every transport keeps the contract, and transports that break it are found.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use boxoffice::id::NoticeId;
use boxoffice::notify::{Blame, Letter, SendOutcome, Transport};
use boxoffice::transport::contract::{Arrival, FarEnd, Mood, TransportContract, Verdict};
use boxoffice::transport::{FileTransport, MailComposer, MemoryTransport, Play};
use mail_parser::{MessageParser, MimeHeaders};

use crate::http_server::{Answer, HttpServer};
use crate::smtp_server::{Script, SmtpServer, Step};
use crate::web_push::Browser;
use crate::{http, smtp, web_push, webhook};

const SHORT: Duration = Duration::from_secs(3);

/// Reads a message as a mail program does.
fn read(message: &str) -> Arrival {
    let parsed = MessageParser::default().parse(message).unwrap();
    let method = parsed.parts.iter().find_map(|part| part.content_type().and_then(|found| found.attribute("method")));
    Arrival {
        subject: Some(parsed.subject().unwrap_or_default().to_owned()),
        text: parsed.body_text(0).map(std::borrow::Cow::into_owned),
        calendar_method: method.map(str::to_owned),
        wire: message.to_owned(),
    }
}

struct Memory(MemoryTransport);

#[async_trait]
impl FarEnd for Memory {
    fn address(&self) -> String {
        "ann@club.example".to_owned()
    }

    async fn arrivals(&self, id: &NoticeId) -> Vec<Arrival> {
        let letters = self.0.taken().into_iter().filter(|letter| letter.id == *id);
        letters
            .map(|Letter { subject, text, .. }| Arrival {
                subject: Some(subject),
                text: Some(text),
                ..Arrival::default()
            })
            .collect()
    }

    async fn set_mood(&self, mood: Mood) -> bool {
        let retry = |after| SendOutcome::Retry { reason: "busy".to_owned(), after, blame: Blame::Channel };
        self.0.play_next(match mood {
            Mood::Willing => None,
            Mood::Refusing => Some(Play::Answer(SendOutcome::Permanent { reason: "never".to_owned() })),
            Mood::Busy => Some(Play::Answer(retry(None))),
            Mood::Throttling(after) => Some(Play::Answer(retry(Some(after)))),
            Mood::Hanging => Some(Play::TakeAndHang),
        });
        true
    }
}

struct Directory(FileTransport);

#[async_trait]
impl FarEnd for Directory {
    fn address(&self) -> String {
        "ann@club.example".to_owned()
    }

    async fn arrivals(&self, id: &NoticeId) -> Vec<Arrival> {
        fs::read_to_string(self.0.path_of(id)).ok().iter().map(|message| read(message)).collect()
    }
}

struct MailServer(SmtpServer);

#[async_trait]
impl FarEnd for MailServer {
    fn address(&self) -> String {
        "ann@club.example".to_owned()
    }

    fn secrets(&self) -> Vec<String> {
        vec!["clerk".to_owned(), "hunter2".to_owned()]
    }

    async fn arrivals(&self, id: &NoticeId) -> Vec<Arrival> {
        // The transport's own name for the id: what a file of the same letter says.
        let directory = tempfile::tempdir().unwrap();
        let files = FileTransport::new(directory.path(), MailComposer::new("tickets@club.example").unwrap());
        assert_eq!(files.send(&crate::letter(id.as_str())).await.name(), "ok");
        let message = fs::read_to_string(files.path_of(id)).unwrap();
        let name = message.lines().find(|line| line.starts_with("Message-ID: ")).unwrap().to_owned();
        let messages = self.0.messages().into_iter().filter(|message| message.lines().any(|line| line == name));
        messages.map(|message| read(&message)).collect()
    }

    async fn set_mood(&self, mood: Mood) -> bool {
        let usual = Script::default();
        self.0.set(match mood {
            Mood::Willing => usual,
            Mood::Refusing => Script { rcpt: Step::Say("550 unknown"), ..usual },
            Mood::Busy => Script { rcpt: Step::Say("450 later"), ..usual },
            // SMTP has no word for it.
            Mood::Throttling(_) => return false,
            Mood::Hanging => Script { end: Step::Hang, ..usual },
        });
        true
    }
}

struct Receiver(HttpServer);

#[async_trait]
impl FarEnd for Receiver {
    fn address(&self) -> String {
        self.0.url()
    }

    fn secrets(&self) -> Vec<String> {
        webhook::SECRETS.map(|secret| secret.trim_start_matches("whsec_").to_owned()).to_vec()
    }

    /// Knows messages again by their id, and forgets those that it refused.
    async fn arrivals(&self, id: &NoticeId) -> Vec<Arrival> {
        let mut kept: BTreeMap<String, Arrival> = BTreeMap::new();
        for request in self.0.requests().into_iter().filter(|request| request.is_taken) {
            let body: serde_json::Value = serde_json::from_str(request.text()).unwrap();
            if body["id"] == id.as_str() {
                let text = |name: &str| body[name].as_str().map(str::to_owned);
                let headers: Vec<String> =
                    request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                let arrival = Arrival {
                    subject: text("subject"),
                    text: text("text"),
                    calendar_method: body["calendar"]["method"].as_str().map(str::to_owned),
                    wire: format!("{}\n{}", headers.join("\n"), request.text()),
                };
                kept.entry(request.headers["webhook-id"].clone()).or_insert(arrival);
            }
        }
        kept.into_values().collect()
    }

    async fn set_mood(&self, mood: Mood) -> bool {
        self.0.set(match mood {
            Mood::Willing => Answer::Say("200 OK".to_owned()),
            Mood::Refusing => Answer::Say("410 Gone".to_owned()),
            Mood::Busy => Answer::Say("503 Unavailable".to_owned()),
            Mood::Throttling(after) => Answer::Say(format!("429 Slow\r\nRetry-After: {}", after.as_secs())),
            Mood::Hanging => Answer::Hang,
        });
        true
    }
}

#[tokio::test(start_paused = true)]
async fn memory_keeps_the_contract() {
    for dedupes in [false, true] {
        let transport = MemoryTransport::new().deduping(dedupes);
        TransportContract::new(&transport, &Memory(transport.clone())).assert_all().await;
    }
}

#[tokio::test]
async fn files_keep_the_contract_over_two_runs() {
    let directory = tempfile::tempdir().unwrap();
    let composer = MailComposer::new("tickets@club.example").unwrap();
    let transport = FileTransport::new(directory.path(), composer.clone());
    let far_end = Directory(FileTransport::new(directory.path(), composer));
    for ids in ["first", "second"] {
        TransportContract::new(&transport, &far_end).with_ids(ids).assert_all().await;
    }
}

#[tokio::test]
async fn mail_keeps_the_contract() {
    let server = SmtpServer::start(Script::default());
    let builder = smtp::builder(server.port).credentials("clerk", "hunter2");
    let transport = builder.open_timeout(SHORT.mul_f32(0.9)).timeout(SHORT).build().unwrap();
    let contract = TransportContract::new(&transport, &MailServer(server)).run().await;
    let skipped = contract.iter().filter(|finding| finding.verdict == Verdict::Skipped).count();
    let broken: Vec<String> = contract
        .iter()
        .filter(|finding| matches!(finding.verdict, Verdict::Broken(_)))
        .map(ToString::to_string)
        .collect();
    assert_eq!((skipped, broken), (1, Vec::new()));
}

#[tokio::test]
async fn webhooks_keep_the_contract() {
    let server = HttpServer::saying("200 OK").await;
    let transport = webhook::transport().with_http(http().with_timeouts(SHORT, SHORT));
    TransportContract::new(&transport, &Receiver(server)).assert_all().await;
}

struct PushService {
    server: HttpServer,
    browser: Browser,
}

#[async_trait]
impl FarEnd for PushService {
    fn address(&self) -> String {
        self.browser.subscription(&self.server.url())
    }

    fn secrets(&self) -> Vec<String> {
        vec![web_push::PRIVATE.to_owned(), self.server.url(), self.browser.auth()]
    }

    /// A browser that was there all the time: it was shown every message.
    async fn arrivals(&self, id: &NoticeId) -> Vec<Arrival> {
        let taken = self.server.requests().into_iter().filter(|request| request.is_taken);
        let read = taken.map(|request| {
            let shown = self.browser.read(&request.body);
            (serde_json::from_str::<serde_json::Value>(&shown).unwrap(), format!("{:?}\n{shown}", request.headers))
        });
        read.filter(|(body, _)| body["id"] == id.as_str())
            .map(|(body, wire)| Arrival {
                subject: body["title"].as_str().map(str::to_owned),
                // Of a text that was cut nobody can tell what it was.
                text: body["body"].as_str().filter(|text| !text.ends_with('…')).map(str::to_owned),
                calendar_method: None,
                wire,
            })
            .collect()
    }

    async fn set_mood(&self, mood: Mood) -> bool {
        self.server.set(match mood {
            Mood::Willing => Answer::Say("201 Created".to_owned()),
            Mood::Refusing => Answer::Say("410 Gone".to_owned()),
            Mood::Busy => Answer::Say("503 Unavailable".to_owned()),
            Mood::Throttling(after) => Answer::Say(format!("429 Slow\r\nRetry-After: {}", after.as_secs())),
            Mood::Hanging => Answer::Hang,
        });
        true
    }
}

#[tokio::test]
async fn web_push_keeps_the_contract() {
    let far_end = PushService { server: HttpServer::saying("201 Created").await, browser: Browser::new() };
    let transport = web_push::transport().with_http(http().with_timeouts(SHORT, SHORT));
    TransportContract::new(&transport, &far_end).assert_all().await;
}

/// Says that it took letters, and did something else.
#[derive(Debug)]
struct Liar {
    inner: MemoryTransport,
    address: &'static str,
    seen: Mutex<usize>,
}

#[async_trait]
impl Transport for Liar {
    fn dedupes(&self) -> bool {
        true
    }

    async fn send(&self, letter: &Letter) -> SendOutcome {
        *self.seen.lock().unwrap() += 1;
        let _outcome = self.inner.send(&Letter { text: letter.text.replace(['ü', '将'], "?"), ..letter.clone() }).await;
        SendOutcome::Ok { info: "sure".to_owned() }
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_lies_is_found_out() {
    let inner = MemoryTransport::new();
    let liar = Liar { inner: inner.clone(), address: "ann@club.example", seen: Mutex::default() };
    let findings = TransportContract::new(&liar, &Memory(inner)).run().await;
    let broken: Vec<&str> = findings
        .iter()
        .filter(|finding| matches!(finding.verdict, Verdict::Broken(_)))
        .map(|finding| finding.check)
        .collect();
    assert_eq!(
        broken,
        [
            "the same id again is taken, and arrives once where letters are known again",
            "letters of every shape arrive as they were",
            "its Debug form names no address and no secret",
            "a refusal is permanent",
            "a far end that is busy is tried again, and then takes the letter",
            "how long a far end asks to wait is passed on",
        ]
    );
    assert!(liar.address.contains('@') && *liar.seen.lock().unwrap() > 0);
}
