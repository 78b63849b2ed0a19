//! The suite that a transport runs to prove that it keeps the contract of [`Transport`].
//!
//! ```
//! use boxoffice::transport::MemoryTransport;
//! use boxoffice::transport::contract::{Arrival, FarEnd, TransportContract};
//! use boxoffice::id::NoticeId;
//!
//! /// How to look at what a transport carried.
//! struct Mailbox(MemoryTransport);
//!
//! #[async_trait::async_trait]
//! impl FarEnd for Mailbox {
//!     fn address(&self) -> String {
//!         "ann@club.example".to_owned()
//!     }
//!
//!     async fn arrivals(&self, id: &NoticeId) -> Vec<Arrival> {
//!         let letters = self.0.taken().into_iter().filter(|letter| letter.id == *id);
//!         letters.map(|letter| Arrival { text: Some(letter.text), ..Arrival::default() }).collect()
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let transport = MemoryTransport::new();
//! TransportContract::new(&transport, &Mailbox(transport.clone())).assert_all().await;
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;
use core::time::Duration;

use async_trait::async_trait;
use boxoffice_core::id::NoticeId;
use boxoffice_core::notify::{CalendarPart, Letter, SendOutcome, Transport};
use boxoffice_core::persist::Payload;
use futures_util::future::join_all;
use tokio::time::Instant;

use super::send_within;

/// How much longer than its timeout an attempt may take on a busy machine.
const GRACE: Duration = Duration::from_secs(5);
/// Letters that are sent at once.
const CROWD: usize = 16;
/// A header that nobody sends but who slips it into another one.
const SMUGGLED: &str = "X-Smuggled: yes";

/// A letter as it arrived. What a far end cannot tell is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// The subject, decoded.
    pub subject: Option<String>,
    /// The plain text, decoded.
    pub text: Option<String>,
    /// The method that its invitation was announced with.
    pub calendar_method: Option<String>,
    /// All of it as it went over the wire; empty if there is no wire.
    pub wire: String,
}

/// How a far end treats letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Takes every letter.
    Willing,
    /// Takes none, and says that it never will.
    Refusing,
    /// Takes none for now.
    Busy,
    /// Takes none for now, and says how long.
    Throttling(Duration),
    /// Never answers.
    Hanging,
}

/// What a host lends to the suite: the other end of its transport, or a stand-in for it.
#[async_trait]
pub trait FarEnd: Sync {
    /// An address that it takes letters for.
    fn address(&self) -> String;

    /// What must not appear in the `Debug` form of the transport besides the address, such as a password.
    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }

    /// What arrived of this letter.
    async fn arrivals(&self, id: &NoticeId) -> Vec<Arrival>;

    /// Changes how letters are treated from now on; false if it cannot. Default: it is always willing.
    async fn set_mood(&self, mood: Mood) -> bool {
        mood == Mood::Willing
    }
}

/// How one check went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it must be.
    Held,
    /// The far end cannot be made to do what the check needs.
    Skipped,
    /// Otherwise than it must be.
    Broken(String),
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What the transport must do.
    pub check: &'static str,
    /// Whether it does.
    pub verdict: Verdict,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Held => write!(f, "ok    {}", self.check),
            Verdict::Skipped => write!(f, "skip  {}", self.check),
            Verdict::Broken(why) => write!(f, "FAIL  {}: {why}", self.check),
        }
    }
}

/// The suite, for one transport and its far end.
#[derive(Clone, Copy)]
pub struct TransportContract<'a> {
    transport: &'a dyn Transport,
    far_end: &'a dyn FarEnd,
    ids: &'a str,
}

impl fmt::Debug for TransportContract<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportContract").field("ids", &self.ids).finish_non_exhaustive()
    }
}

/// Broken, and why.
type Check = Result<(), String>;

impl<'a> TransportContract<'a> {
    /// Tries this transport. Give it a short [timeout](Transport::timeout): one check waits for it.
    pub fn new(transport: &'a dyn Transport, far_end: &'a dyn FarEnd) -> Self {
        Self { transport, far_end, ids: "contract" }
    }

    /// Begins all ids with this, at most 100 bytes: for a far end that remembers the run before. Default: `contract`.
    #[must_use]
    pub fn with_ids(self, ids: &'a str) -> Self {
        Self { ids, ..self }
    }

    /// Makes every check and says how each went, in a fixed order. Leaves the far end willing.
    pub async fn run(&self) -> Vec<Finding> {
        let always = [
            ("a letter arrives once and whole", self.arrives().await),
            ("the same id again is taken, and arrives once where letters are known again", self.same_id().await),
            ("letters of every shape arrive as they were", self.shapes().await),
            ("line breaks in a subject or an address smuggle nothing in", self.smuggling().await),
            ("an invitation arrives with its method, and never with two", self.invitation().await),
            ("letters at the same time arrive once each", self.crowd().await),
            ("its Debug form names no address and no secret", self.debug()),
        ];
        let mut findings: Vec<Finding> = always.into_iter().map(|(check, went)| Finding::new(check, went)).collect();
        let after = Duration::from_secs(30);
        for (mood, check) in [
            (Mood::Refusing, "a refusal is permanent"),
            (Mood::Busy, "a far end that is busy is tried again, and then takes the letter"),
            (Mood::Throttling(after), "how long a far end asks to wait is passed on"),
            (Mood::Hanging, "a far end that hangs is left in time, and harms no letter after it"),
        ] {
            findings.push(self.in_mood(mood, check).await);
        }
        findings
    }

    /// As [`run`](Self::run).
    ///
    /// # Panics
    /// When a check is broken; the message names all of them.
    #[expect(clippy::panic, reason = "called by tests")]
    pub async fn assert_all(&self) {
        let findings = self.run().await;
        if findings.iter().any(|finding| matches!(finding.verdict, Verdict::Broken(_))) {
            let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
            panic!("the transport breaks its contract\n{}", lines.join("\n"));
        }
    }

    fn letter(&self, name: &str) -> Result<Letter, String> {
        Ok(Letter {
            id: NoticeId::new(format!("{}-{name}", self.ids)).map_err(|error| error.to_string())?,
            kind: "contract".to_owned(),
            to: self.far_end.address(),
            subject: format!("A letter: {name}"),
            text: "Doors open at seven.\n\nBring your ticket.".to_owned(),
            html: None,
            calendar: None,
            unsubscribe: None,
            data: Payload::new(&[name]).map_err(|error| error.to_string())?,
        })
    }

    /// Sends what must be taken, and be there as often as `times` says.
    async fn delivers(&self, letter: &Letter, times: usize) -> Check {
        let outcome = send_within(self.transport, letter).await;
        if outcome.name() != "ok" {
            return Err(format!("{} instead of ok: {outcome:?}", letter.id));
        }
        let arrived = self.far_end.arrivals(&letter.id).await;
        if arrived.len() != times {
            return Err(format!("{} arrived {} times instead of {times}", letter.id, arrived.len()));
        }
        arrived.iter().try_for_each(|arrival| is_whole(letter, arrival))
    }

    async fn arrives(&self) -> Check {
        self.delivers(&self.letter("once")?, 1).await
    }

    async fn same_id(&self) -> Check {
        let letter = self.letter("twice")?;
        self.delivers(&letter, 1).await?;
        self.delivers(&letter, if self.transport.dedupes() { 1 } else { 2 }).await
    }

    async fn shapes(&self) -> Check {
        let plain = self.letter("shape")?;
        let with = |name: &str, subject: &str, text: &str, html: Option<&str>| -> Result<Letter, String> {
            let (subject, text, html) = (subject.to_owned(), text.to_owned(), html.map(str::to_owned));
            Ok(Letter { id: self.letter(name)?.id, subject, text, html, ..plain.clone() })
        };
        let letters = [
            with(
                "wide",
                "Grüße aus Kōbe \u{1f39f}",
                "Schach um acht. 将棋\n\u{1f39f}",
                Some("<p>将棋 & <b>Schach</b></p>"),
            )?,
            with("long", &"very ".repeat(100), &"x".repeat(5_000), None)?,
            with("empty", "", "", Some(""))?,
            with("dots", ".", ".\n..\n.\n--=_alternative--\nFrom here\n", None)?,
            with("spaces", "a  b", "tail   \n\ttab\n = equals =3D", Some("<p>.</p>\n."))?,
            with("id with spaces, ä and \"@\"", "An id", "An id that no header takes", None)?,
        ];
        for letter in letters {
            self.delivers(&letter, 1).await?;
        }
        Ok(())
    }

    async fn smuggling(&self) -> Check {
        for (number, line_break) in ["\r\n", "\n", "\r"].into_iter().enumerate() {
            let plain = self.letter(&format!("smuggled-subject-{number}"))?;
            let subject = format!("Chess{line_break}{SMUGGLED}");
            self.nothing_smuggled(&Letter { subject, ..plain }).await?;
            let plain = self.letter(&format!("smuggled-address-{number}"))?;
            let to = format!("{}{line_break}{SMUGGLED}", plain.to);
            self.nothing_smuggled(&Letter { to, ..plain }).await?;
        }
        Ok(())
    }

    /// Either refuses the letter for ever, or knows how to carry what is in it.
    async fn nothing_smuggled(&self, letter: &Letter) -> Check {
        let outcome = send_within(self.transport, letter).await;
        let arrived = self.far_end.arrivals(&letter.id).await;
        let smuggled = |arrival: &Arrival| arrival.wire.split(['\r', '\n']).any(|line| line.starts_with(SMUGGLED));
        match outcome.name() {
            _ if arrived.iter().any(smuggled) => Err(format!("{} carried a line of its own", letter.id)),
            "ok" => Ok(()),
            "permanent" if arrived.is_empty() => Ok(()),
            _ => Err(format!("{} was {outcome:?}, and arrived {} times", letter.id, arrived.len())),
        }
    }

    async fn invitation(&self) -> Check {
        let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n".to_owned();
        let part = |method: &str| Some(CalendarPart { method: method.to_owned(), text: text.clone() });
        let letter = Letter { calendar: part("REQUEST"), ..self.letter("invitation")? };
        self.delivers(&letter, 1).await?;
        for arrival in self.far_end.arrivals(&letter.id).await {
            if arrival.calendar_method.as_deref().is_some_and(|method| method != "REQUEST") {
                return Err(format!("the invitation arrived as {:?}", arrival.calendar_method));
            }
        }
        let letter = Letter { calendar: part("CANCEL"), ..self.letter("two-methods")? };
        let outcome = send_within(self.transport, &letter).await;
        let arrived = self.far_end.arrivals(&letter.id).await;
        // A transport that does not tell the type of an invitation cannot tell a wrong one.
        let told = |arrival: &Arrival| arrival.wire.to_ascii_lowercase().contains("text/calendar");
        if arrived.iter().any(told) { Err(format!("two methods in one letter were {outcome:?}")) } else { Ok(()) }
    }

    async fn crowd(&self) -> Check {
        let letters = (0..CROWD).map(|n| self.letter(&format!("crowd-{n}"))).collect::<Result<Vec<_>, _>>()?;
        let went = join_all(letters.iter().map(|letter| self.delivers(letter, 1))).await;
        went.into_iter().collect()
    }

    fn debug(&self) -> Check {
        let shown = format!("{:?} {:#?}", self.transport, self.transport);
        let mut hidden = self.far_end.secrets();
        hidden.push(self.far_end.address());
        if hidden.iter().any(|secret| shown.contains(secret)) { Err("it does".to_owned()) } else { Ok(()) }
    }

    async fn in_mood(&self, mood: Mood, check: &'static str) -> Finding {
        if !self.far_end.set_mood(mood).await {
            return Finding { check, verdict: Verdict::Skipped };
        }
        let went = match mood {
            Mood::Willing => Ok(()),
            Mood::Refusing => self.refused().await,
            Mood::Busy => self.busy().await,
            Mood::Throttling(after) => self.throttled(after).await,
            Mood::Hanging => self.hung().await,
        };
        if !self.far_end.set_mood(Mood::Willing).await {
            return Finding::new(check, Err("the far end cannot be made willing again".to_owned()));
        }
        let next = match self.letter(&format!("after-{mood:?}")) {
            Ok(letter) => self.delivers(&letter, 1).await,
            Err(error) => Err(error),
        };
        Finding::new(check, went.and(next))
    }

    async fn refused(&self) -> Check {
        let letter = self.letter("refused")?;
        let outcome = send_within(self.transport, &letter).await;
        let arrived = self.far_end.arrivals(&letter.id).await.len();
        let is_right = outcome.name() == "permanent" && arrived == 0;
        if is_right { Ok(()) } else { Err(format!("{outcome:?}, arrived {arrived} times")) }
    }

    async fn busy(&self) -> Check {
        let letter = self.letter("busy")?;
        let outcome = send_within(self.transport, &letter).await;
        if outcome.name() != "retry" || !self.far_end.arrivals(&letter.id).await.is_empty() {
            return Err(format!("{outcome:?}"));
        }
        self.far_end.set_mood(Mood::Willing).await;
        self.delivers(&letter, 1).await
    }

    async fn throttled(&self, asked: Duration) -> Check {
        let outcome = send_within(self.transport, &self.letter("throttled")?).await;
        let after = if let SendOutcome::Retry { after, .. } = &outcome { *after } else { None };
        let is_right = after.is_some_and(|after| after <= asked && asked.saturating_sub(after) <= GRACE);
        if is_right { Ok(()) } else { Err(format!("{outcome:?} instead of a retry after {asked:?}")) }
    }

    async fn hung(&self) -> Check {
        let (letter, began) = (self.letter("hung")?, Instant::now());
        let outcome = send_within(self.transport, &letter).await;
        let (took, arrived) = (began.elapsed(), self.far_end.arrivals(&letter.id).await.len());
        let is_right = match outcome.name() {
            "uncertain" => !self.transport.dedupes(),
            // Without knowing letters again, a retry says that this one was not taken.
            "retry" => self.transport.dedupes() || arrived == 0,
            _ => false,
        };
        let in_time = took <= self.transport.timeout().saturating_add(GRACE);
        if is_right && in_time { Ok(()) } else { Err(format!("{outcome:?} after {took:?}, arrived {arrived} times")) }
    }
}

impl Finding {
    fn new(check: &'static str, went: Check) -> Self {
        Self { check, verdict: went.map_or_else(Verdict::Broken, |()| Verdict::Held) }
    }
}

/// Line ends may change on the way, and there may be one more at the end.
fn is_whole(letter: &Letter, arrival: &Arrival) -> Check {
    let same = |text: &str| text.replace("\r\n", "\n").trim_end_matches('\n').to_owned();
    let subject = arrival.subject.as_deref().unwrap_or(&letter.subject);
    if subject.trim() != letter.subject.trim() {
        return Err(format!("{} arrived with the subject {subject:?}", letter.id));
    }
    let text = arrival.text.as_deref().unwrap_or(&letter.text);
    if same(text) == same(&letter.text) { Ok(()) } else { Err(format!("{} arrived as {text:?}", letter.id)) }
}
