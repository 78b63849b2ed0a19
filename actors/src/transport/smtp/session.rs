//! One connection to a mail server, and how far an attempt came on it.

use core::fmt::Display;
use core::time::Duration;
use std::io;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use tokio::net::TcpStream;

use super::stream::{Allowance, Bounded, Encrypted};

/// Where a server is, and how to be let in.
#[derive(Clone)]
pub(super) struct Door {
    pub host: String,
    pub port: u16,
    pub hello: ClientId,
    /// TLS from the first byte.
    pub tls: Option<TlsParameters>,
    /// TLS after STARTTLS; without it the server is left again.
    pub start_tls: Option<TlsParameters>,
    pub credentials: Option<Credentials>,
    pub timeout: Duration,
}

/// How far an attempt had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No server was ready to take mail: not reached, not trusted, or we were not let in.
    Opening,
    /// It was told who the mail is from. It knows nothing yet of the recipient.
    Sender,
    /// It was told the recipient, and that a letter is coming. It has nothing of the letter yet.
    Recipient,
    /// It asked for the letter and got at least a part of it.
    Content,
}

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no connection.
    Unreachable(io::Error),
    /// The server refused, or the connection broke.
    Smtp { stage: Stage, error: Error },
    /// The server answered something that the protocol does not know here.
    Odd { stage: Stage, reply: String },
    /// An address is not in ASCII, and the server has no SMTPUTF8 (RFC 6531).
    AddressNotAscii,
}

/// A connection that is ready for mail.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    allowance: Allowance,
}

fn at(stage: Stage) -> impl Fn(Error) -> Failure {
    move |error| Failure::Smtp { stage, error }
}

impl Door {
    /// Connects, encrypts, and logs in.
    pub(super) async fn open(&self) -> Result<Session, Failure> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(Failure::Unreachable)?;
        // lettre writes the end of a letter by itself; it would wait until what is before it is acknowledged.
        tcp.set_nodelay(true).map_err(Failure::Unreachable)?;
        let allowance = Allowance::default();
        let stream = Bounded::new(tcp, allowance.clone());
        let stream: Box<dyn AsyncTokioStream> = match &self.tls {
            None => Box::new(stream),
            Some(tls) => Box::new(Encrypted::over(stream, tls.clone()).await.map_err(at(Stage::Opening))?),
        };
        let connected = AsyncSmtpConnection::connect_with_transport(stream, &self.hello);
        let mut connection = connected.await.map_err(at(Stage::Opening))?;
        if let Some(tls) = &self.start_tls {
            allowance.renew();
            connection.starttls(tls.clone(), &self.hello).await.map_err(at(Stage::Opening))?;
        }
        if let Some(credentials) = &self.credentials {
            allowance.renew();
            connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(at(Stage::Opening))?;
        }
        Ok(Session { connection, allowance })
    }
}

impl Session {
    async fn command(&mut self, command: impl Display) -> Result<Response, Error> {
        self.allowance.renew();
        self.connection.command(command).await
    }

    /// Whether the server is still there. What an attempt before left half said is forgotten by it.
    pub(super) async fn is_alive(&mut self) -> bool {
        self.command(Rset).await.is_ok()
    }

    /// Says who the mail is from and for, until the server asks for the letter.
    pub(super) async fn announce(&mut self, from: &Address, to: &Address, is_ascii: bool) -> Result<(), Failure> {
        let has_wide_address = !AsRef::<str>::as_ref(from).is_ascii() || !AsRef::<str>::as_ref(to).is_ascii();
        let mut options = Vec::new();
        if has_wide_address {
            if !self.connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Failure::AddressNotAscii);
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        if !is_ascii {
            // A server with SMTPUTF8 has 8BITMIME too (RFC 6531 section 3.1).
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        self.command(Mail::new(Some(from.clone()), options)).await.map_err(at(Stage::Sender))?;
        self.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(at(Stage::Recipient))?;
        let reply = self.command(Data).await.map_err(at(Stage::Recipient))?;
        if reply.has_code(354) { Ok(()) } else { Err(odd(Stage::Recipient, &reply)) }
    }

    /// Hands the letter over. From here on, a connection that breaks leaves open what became of it.
    pub(super) async fn hand_over(&mut self, message: &[u8]) -> Result<Response, Failure> {
        self.allowance.renew();
        let reply = self.connection.message(message).await.map_err(at(Stage::Content))?;
        if reply.code().to_string().starts_with('2') { Ok(reply) } else { Err(odd(Stage::Content, &reply)) }
    }
}

fn odd(stage: Stage, reply: &Response) -> Failure {
    Failure::Odd { stage, reply: reply.code().to_string() }
}
