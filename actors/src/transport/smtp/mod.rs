//! Mail over SMTP.

mod outcome;
mod session;
mod stream;

use core::fmt;
use core::time::Duration;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use boxoffice_core::notify::{Blame, Letter, SendOutcome, Transport};
use lettre::Address;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use self::session::{Door, Failure, Session};
use super::mail::{self, MailComposer};

/// A connection that was not used for so long is not used again: servers close idle ones, mostly after a few minutes.
const IDLE_MAX: Duration = Duration::from_secs(60);

const PEM_HEAD: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// How the connection to a mail server is protected. A server that does not offer what is asked for gets no mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte (port 465, RFC 8314).
    #[default]
    Tls,
    /// TLS after STARTTLS (port 587).
    StartTls,
    /// None (port 25): for a relay on the same machine.
    Plain,
}

/// Why there is no such transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SmtpError {
    /// The host name is empty or holds what no name may hold.
    #[error("the name of the mail server is no host name")]
    Host,
    /// The name for EHLO is neither a domain nor an IP address.
    #[error("the name for EHLO is no domain and no address")]
    HelloName,
    /// The sender's address cannot stand in an envelope.
    #[error("the sender's address cannot stand in an envelope")]
    Sender,
    /// Credentials go over an unprotected connection only to the same machine.
    #[error("credentials must not go over an unprotected connection")]
    PlainCredentials,
    /// A root certificate cannot be read.
    #[error("a root certificate cannot be read")]
    Certificate,
    /// There must be at least one connection.
    #[error("there must be at least one connection")]
    Connections,
    /// The time to open must be shorter than that of a whole attempt.
    #[error("the time to open must be shorter than that of a whole attempt")]
    Timeouts,
}

/// What a [`SmtpTransport`] is made from.
#[derive(Clone)]
pub struct SmtpBuilder {
    host: String,
    port: Option<u16>,
    security: SmtpSecurity,
    composer: MailComposer,
    credentials: Option<(String, String)>,
    hello: Option<String>,
    roots: Vec<Vec<u8>>,
    connections: usize,
    open_timeout: Duration,
    timeout: Duration,
}

impl fmt::Debug for SmtpBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpBuilder").field("host", &self.host).finish_non_exhaustive()
    }
}

impl SmtpBuilder {
    /// How the connection is protected. Default: [`SmtpSecurity::Tls`].
    #[must_use]
    pub fn security(self, security: SmtpSecurity) -> Self {
        Self { security, ..self }
    }

    /// The port. Default: 465, 587 or 25, as the security asks for.
    #[must_use]
    pub fn port(self, port: u16) -> Self {
        Self { port: Some(port), ..self }
    }

    /// Logs in, by AUTH PLAIN or LOGIN. Default: no login.
    #[must_use]
    pub fn credentials(self, user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { credentials: Some((user.into(), password.into())), ..self }
    }

    /// Who we are, for EHLO: the domain of this machine, or its address. Default: the domain of the message ids.
    #[must_use]
    pub fn hello_name(self, name: impl Into<String>) -> Self {
        Self { hello: Some(name.into()), ..self }
    }

    /// Trusts this authority too, in PEM. Default: those of Mozilla.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// The most connections at once. Default: 4. Attempts beyond wait for one within the time to open.
    #[must_use]
    pub fn connections(self, connections: usize) -> Self {
        Self { connections, ..self }
    }

    /// How long it may take until the server asks for the letter; after that it is [`SendOutcome::Retry`]. Default: 30 seconds.
    #[must_use]
    pub fn open_timeout(self, open_timeout: Duration) -> Self {
        Self { open_timeout, ..self }
    }

    /// How long a whole attempt may take. Default: 2 minutes: servers look through a letter before they answer.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Makes the transport. Nothing is connected yet.
    ///
    /// # Errors
    /// [`SmtpError`] when what was said makes no sense, or is not safe.
    pub fn build(self) -> Result<SmtpTransport, SmtpError> {
        let is_host = self.host.is_ascii() && mail::is_domain(&self.host) || self.host.parse::<IpAddr>().is_ok();
        if !is_host {
            return Err(SmtpError::Host);
        }
        if self.credentials.is_some() && self.security == SmtpSecurity::Plain && !is_this_machine(&self.host) {
            return Err(SmtpError::PlainCredentials);
        }
        if self.connections == 0 {
            return Err(SmtpError::Connections);
        }
        if self.open_timeout >= self.timeout {
            return Err(SmtpError::Timeouts);
        }
        let (tls, start_tls) = match self.security {
            SmtpSecurity::Tls => (Some(self.tls()?), None),
            SmtpSecurity::StartTls => (None, Some(self.tls()?)),
            SmtpSecurity::Plain => (None, None),
        };
        let door = Door {
            port: self.port.unwrap_or(match self.security {
                SmtpSecurity::Tls => 465,
                SmtpSecurity::StartTls => 587,
                SmtpSecurity::Plain => 25,
            }),
            hello: client_id(self.hello.as_deref().unwrap_or(self.composer.id_domain()))?,
            tls,
            start_tls,
            credentials: self.credentials.map(|(user, password)| Credentials::new(user, password)),
            timeout: self.open_timeout,
            host: self.host,
        };
        Ok(SmtpTransport {
            door,
            sender: self.composer.sender().parse().map_err(|_| SmtpError::Sender)?,
            composer: self.composer,
            slots: Semaphore::new(self.connections.min(Semaphore::MAX_PERMITS)),
            idle: Mutex::default(),
            timeout: self.timeout,
        })
    }

    fn tls(&self) -> Result<TlsParameters, SmtpError> {
        let mut builder = TlsParameters::builder(self.host.clone());
        for pem in &self.roots {
            // The reader takes a text without any for a list of none.
            if !pem.windows(PEM_HEAD.len()).any(|window| window == PEM_HEAD) {
                return Err(SmtpError::Certificate);
            }
            builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(|_| SmtpError::Certificate)?);
        }
        builder.build_rustls().map_err(|_| SmtpError::Certificate)
    }
}

/// Sends letters as mail, over a few connections that are kept open.
///
/// No mail server knows a letter again, so it does not dedupe: a reply that is lost after the letter was begun is
/// [`SendOutcome::Uncertain`]. Message-ID is the same at every attempt, and some mailboxes drop the second by it.
///
/// No more than 128 KiB are read of what a server says to one command, TLS included; then the connection is closed.
///
/// | what happened | outcome |
/// | --- | --- |
/// | 2xx for the letter | `Ok`, with the reply |
/// | no connection, no TLS, no login, 421, any refusal before the recipient was named | `Retry`, the channel is to blame |
/// | no answer until the server asked for the letter, or one without end | `Retry`, the channel is to blame |
/// | 4xx for the recipient or the letter | `Retry` |
/// | 5xx for the recipient or the letter; a letter that cannot be written as mail | `Permanent` |
/// | the connection broke after the letter was begun, or its answer has no end | `Uncertain` |
///
/// ```no_run
/// use boxoffice::transport::{MailComposer, SmtpSecurity, SmtpTransport};
///
/// let composer = MailComposer::new("tickets@club.example")?.with_name("The Club")?;
/// let transport = SmtpTransport::builder("mail.club.example", composer)
///     .security(SmtpSecurity::StartTls)
///     .credentials("tickets", "correct horse")
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SmtpTransport {
    door: Door,
    sender: Address,
    composer: MailComposer,
    slots: Semaphore,
    idle: Mutex<Vec<(Session, Instant)>>,
    timeout: Duration,
}

impl fmt::Debug for SmtpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Door { host, port, .. } = &self.door;
        f.debug_struct("SmtpTransport").field("host", host).field("port", port).finish_non_exhaustive()
    }
}

impl SmtpTransport {
    /// Mail through this server, written by `composer`.
    pub fn builder(host: impl Into<String>, composer: MailComposer) -> SmtpBuilder {
        SmtpBuilder {
            host: host.into(),
            port: None,
            security: SmtpSecurity::default(),
            composer,
            credentials: None,
            hello: None,
            roots: Vec::new(),
            connections: 4,
            open_timeout: Duration::from_secs(30),
            timeout: Duration::from_secs(120),
        }
    }

    /// A connection on which the server has asked for the letter. It belongs to this attempt alone: should the attempt be
    /// dropped half way, the connection is closed and not kept, or the next letter would end up inside this one.
    async fn announced(&self, to: &Address, message: &str) -> Result<(Option<SemaphorePermit<'_>>, Session), Failure> {
        // Cannot fail, as the semaphore is never closed; without a permit there would merely be no limit.
        let slot = self.slots.acquire().await.ok();
        let mut session = match self.kept().await {
            Some(session) => session,
            None => self.door.open().await?,
        };
        match session.announce(&self.sender, to, message.is_ascii()).await {
            Ok(()) => Ok((slot, session)),
            Err(failure) => {
                self.keep(session, outcome::can_go_on(&failure));
                Err(failure)
            }
        }
    }

    /// A connection that was kept and is still good.
    async fn kept(&self) -> Option<Session> {
        loop {
            let (mut session, since) = self.idle().pop()?;
            if since.elapsed() < IDLE_MAX && session.is_alive().await {
                return Some(session);
            }
        }
    }

    fn keep(&self, session: Session, is_good: bool) {
        if is_good {
            self.idle().push((session, Instant::now()));
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Session, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for SmtpTransport {
    fn timeout(&self) -> Duration {
        self.timeout
    }

    async fn send(&self, letter: &Letter) -> SendOutcome {
        let message = match self.composer.compose(letter) {
            Ok(message) => message,
            Err(error) => return error.into(),
        };
        let Ok(to) = letter.to.parse::<Address>() else {
            return mail::MailError::Address { what: "the recipient" }.into();
        };
        let announced = tokio::time::timeout(self.door.timeout, self.announced(&to, &message)).await;
        let (_slot, mut session) = match announced {
            Ok(Ok(ready)) => ready,
            Ok(Err(failure)) => return outcome::failed(&failure),
            Err(_elapsed) => {
                return outcome::retry("no answer before the letter was begun".to_owned(), Blame::Channel);
            }
        };
        // The end of the last line is a part of the mark after it.
        let content = message.strip_suffix("\r\n").unwrap_or(&message);
        match session.hand_over(content.as_bytes()).await {
            Ok(reply) => {
                self.keep(session, true);
                outcome::accepted(&reply)
            }
            Err(failure) => {
                self.keep(session, outcome::can_go_on(&failure));
                outcome::failed(&failure)
            }
        }
    }
}

fn client_id(name: &str) -> Result<ClientId, SmtpError> {
    match name.parse() {
        Ok(IpAddr::V4(address)) => Ok(ClientId::Ipv4(address)),
        Ok(IpAddr::V6(address)) => Ok(ClientId::Ipv6(address)),
        Err(_) if name.is_ascii() && mail::is_domain(name) => Ok(ClientId::Domain(name.to_owned())),
        Err(_) => Err(SmtpError::HelloName),
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
