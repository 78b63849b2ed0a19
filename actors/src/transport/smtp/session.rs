//! One connection to a mail server, and how far an attempt came on it.

use core::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;

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
    /// The server refused, or the connection broke.
    Smtp { stage: Stage, error: Error },
    /// The server answered something that the protocol does not know here.
    Odd { stage: Stage, reply: String },
    /// An address is not in ASCII, and the server has no SMTPUTF8 (RFC 6531).
    AddressNotAscii,
}

/// A connection that is ready for mail.
pub(super) struct Session(AsyncSmtpConnection);

fn at(stage: Stage) -> impl Fn(Error) -> Failure {
    move |error| Failure::Smtp { stage, error }
}

impl Door {
    /// Connects, encrypts, and logs in.
    pub(super) async fn open(&self) -> Result<Session, Failure> {
        let address = (self.host.as_str(), self.port);
        let connected =
            AsyncSmtpConnection::connect_tokio1(address, Some(self.timeout), &self.hello, self.tls.clone(), None);
        let mut connection = connected.await.map_err(at(Stage::Opening))?;
        if let Some(tls) = &self.start_tls {
            connection.starttls(tls.clone(), &self.hello).await.map_err(at(Stage::Opening))?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(at(Stage::Opening))?;
        }
        Ok(Session(connection))
    }
}

impl Session {
    /// Whether the server is still there. What an attempt before left half said is forgotten by it.
    pub(super) async fn is_alive(&mut self) -> bool {
        self.0.command(Rset).await.is_ok()
    }

    /// Says who the mail is from and for, until the server asks for the letter.
    pub(super) async fn announce(&mut self, from: &Address, to: &Address, is_ascii: bool) -> Result<(), Failure> {
        let has_wide_address = !AsRef::<str>::as_ref(from).is_ascii() || !AsRef::<str>::as_ref(to).is_ascii();
        let mut options = Vec::new();
        if has_wide_address {
            if !self.0.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Failure::AddressNotAscii);
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        if !is_ascii {
            // A server with SMTPUTF8 has 8BITMIME too (RFC 6531 section 3.1).
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        self.0.command(Mail::new(Some(from.clone()), options)).await.map_err(at(Stage::Sender))?;
        self.0.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(at(Stage::Recipient))?;
        let reply = self.0.command(Data).await.map_err(at(Stage::Recipient))?;
        if reply.has_code(354) { Ok(()) } else { Err(odd(Stage::Recipient, &reply)) }
    }

    /// Hands the letter over. From here on, a connection that breaks leaves open what became of it.
    pub(super) async fn hand_over(&mut self, message: &[u8]) -> Result<Response, Failure> {
        let reply = self.0.message(message).await.map_err(at(Stage::Content))?;
        if reply.code().to_string().starts_with('2') { Ok(reply) } else { Err(odd(Stage::Content, &reply)) }
    }
}

fn odd(stage: Stage, reply: &Response) -> Failure {
    Failure::Odd { stage, reply: reply.code().to_string() }
}
