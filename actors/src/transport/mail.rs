//! Letters as messages of RFC 5322.

use core::fmt;
use std::sync::Arc;

use boxoffice_core::notify::{CalendarPart, Letter, SendOutcome, Unsubscribe};
use boxoffice_core::time::Timestamp;
use jiff::tz::TimeZone;

use super::mime::{self, Part};
use super::name::message_name;
use crate::clock::{Clock, SystemClock};

/// Longest header line that mail servers must take is 998 octets (RFC 5322 section 2.1.1); some room for what is around it.
const UNFOLDABLE_MAX: usize = 900;

/// Why a letter cannot be written as mail, or a sender cannot be one. Names no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// Not one bare address such as `ann@club.example`, of at most 254 bytes. Quoted local parts are not taken.
    #[error("{what} is not one mail address")]
    Address {
        /// Which one.
        what: &'static str,
    },
    /// A line break, or NUL, where one line is asked for.
    #[error("{what} is not one line")]
    Line {
        /// Which one.
        what: &'static str,
    },
    /// The right side of a Message-ID must be a domain.
    #[error("the domain of message ids is no domain")]
    Domain,
    /// RFC 8058 asks for `https:`. Also when it is longer than 900 bytes or holds what no URL may hold.
    #[error("the address to unsubscribe at is no https: URL")]
    UnsubscribeUrl,
    /// METHOD of the calendar part is not that of its text, or is there more than once: Outlook refuses such mail.
    #[error("METHOD of the calendar part and of its text differ")]
    CalendarMethod,
}

impl From<MailError> for SendOutcome {
    /// No attempt will ever be better.
    fn from(error: MailError) -> Self {
        Self::Permanent { reason: error.to_string() }
    }
}

/// Writes letters as messages: who they are from, and what goes into their headers.
///
/// The same letter gives the same text at every attempt, but for its Date. Message-ID is `<id@domain>`, where an id that
/// cannot stand there is replaced by its hash. Texts are sent as quoted-printable, so nothing but an address needs 8 bits.
///
/// ```
/// use boxoffice::transport::MailComposer;
/// # use boxoffice::{id::NoticeId, notify::Letter, persist::Payload};
/// # let letter = Letter {
/// #     id: NoticeId::new("reminder-1")?, kind: "reminder".into(), to: "ann@club.example".into(), subject: "Chess".into(),
/// #     text: "At eight.".into(), html: None, calendar: None, unsubscribe: None, data: Payload::new(&())?,
/// # };
/// let composer = MailComposer::new("tickets@club.example")?.with_name("The Club")?;
/// let message = composer.compose(&letter)?;
/// assert!(message.contains("\r\nFrom: \"The Club\"\r\n <tickets@club.example>\r\n"));
/// assert!(message.contains("\r\nMessage-ID: <reminder-1@club.example>\r\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MailComposer {
    from: String,
    name: Option<String>,
    reply_to: Option<String>,
    domain: String,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for MailComposer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailComposer").field("domain", &self.domain).finish_non_exhaustive()
    }
}

impl MailComposer {
    /// Mail from this address; message ids end in its domain, and Date is that of the machine.
    ///
    /// # Errors
    /// [`MailError::Address`] when it is not one bare address.
    pub fn new(from: &str) -> Result<Self, MailError> {
        let domain = address_domain(from).ok_or(MailError::Address { what: "the sender" })?.to_owned();
        let domain = if domain.is_ascii() { domain } else { "localhost".to_owned() };
        Ok(Self { from: from.to_owned(), name: None, reply_to: None, domain, clock: Arc::new(SystemClock) })
    }

    /// Adds a name to the sender.
    ///
    /// # Errors
    /// [`MailError::Line`] when it is not one line.
    pub fn with_name(self, name: &str) -> Result<Self, MailError> {
        one_line("the sender's name", name)?;
        Ok(Self { name: Some(name.to_owned()), ..self })
    }

    /// Answers go to this address instead.
    ///
    /// # Errors
    /// [`MailError::Address`] when it is not one bare address.
    pub fn with_reply_to(self, address: &str) -> Result<Self, MailError> {
        address_domain(address).ok_or(MailError::Address { what: "the address for answers" })?;
        Ok(Self { reply_to: Some(address.to_owned()), ..self })
    }

    /// Message ids end in this domain. Keep it: mailboxes tell by the whole id that they have had a letter already.
    ///
    /// # Errors
    /// [`MailError::Domain`] when it is none, or not in ASCII.
    pub fn with_id_domain(self, domain: &str) -> Result<Self, MailError> {
        if domain.is_ascii() && is_domain(domain) {
            Ok(Self { domain: domain.to_owned(), ..self })
        } else {
            Err(MailError::Domain)
        }
    }

    /// Takes Date from this clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The address that mail is from.
    #[cfg(feature = "smtp")]
    pub(super) fn sender(&self) -> &str {
        &self.from
    }

    /// The domain that message ids end in.
    #[cfg(feature = "smtp")]
    pub(super) fn id_domain(&self) -> &str {
        &self.domain
    }

    /// Writes the letter; lines end in CRLF.
    ///
    /// # Errors
    /// [`MailError`] when a part of the letter cannot be sent as mail. It will never be possible.
    pub fn compose(&self, letter: &Letter) -> Result<String, MailError> {
        address_domain(&letter.to).ok_or(MailError::Address { what: "the recipient" })?;
        one_line("the subject", &letter.subject)?;
        let body = body(letter)?;
        let mut out = String::new();
        let mut header = |name: &str, value: &str| out.extend([name, ": ", value, "\r\n"]);
        if let Some(date) = date(self.clock.now()) {
            header("Date", &date);
        }
        header("From", &self.sender_header());
        if let Some(reply_to) = &self.reply_to {
            header("Reply-To", reply_to);
        }
        header("To", &letter.to);
        header("Subject", &mime::header_text(&letter.subject));
        header("Message-ID", &format!("<{}@{}>", message_name(&letter.id), self.domain));
        // Asks holiday messages and the like not to answer (RFC 3834 section 5).
        header("Auto-Submitted", "auto-generated");
        if let Some(unsubscribe) = &letter.unsubscribe {
            header("List-Unsubscribe", &list_unsubscribe(unsubscribe)?);
            header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
        }
        header("MIME-Version", "1.0");
        body.write(&mut out);
        if !out.ends_with("\r\n") {
            out.push_str("\r\n");
        }
        Ok(out)
    }

    /// The address has a line to itself: names may be long.
    fn sender_header(&self) -> String {
        match &self.name {
            Some(name) => format!("{}\r\n <{}>", mime::phrase(name), self.from),
            None => self.from.clone(),
        }
    }
}

/// Text, HTML and invitation as alternatives: the best that a program can show comes last (RFC 2046 section 5.1.4). That the
/// invitation is an alternative, with its method in the type, is what makes Outlook and Gmail offer an answer. Programs that
/// skip it there, such as many webmails, offer the file that is attached besides; its type is another, so that those which
/// read both do not count two invitations.
fn body(letter: &Letter) -> Result<Part, MailError> {
    let text = Part::text("text/plain; charset=UTF-8", &letter.text);
    let html = letter.html.as_deref().filter(|html| !html.trim().is_empty());
    let mut parts = vec![text];
    parts.extend(html.map(|html| Part::text("text/html; charset=UTF-8", html)));
    let Some(calendar) = &letter.calendar else { return Ok(alternative(parts)) };
    let method = calendar_method(calendar)?;
    parts.push(Part::text(&format!("text/calendar; charset=UTF-8; method={method}"), &calendar.text));
    let name = if method == "CANCEL" { "cancel.ics" } else { "invite.ics" };
    let file = Part::attachment("application/ics", name, &calendar.text);
    Ok(Part::Multi { kind: "mixed", parts: vec![alternative(parts), file] })
}

fn alternative(mut parts: Vec<Part>) -> Part {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            Part::Multi { kind: "alternative", parts }
        }
    }
}

/// The method, if it stands in the text exactly once and as it is called beside it.
fn calendar_method(part: &CalendarPart) -> Result<&str, MailError> {
    let property = |line: &str| match line.split_at_checked("METHOD".len()) {
        Some((name, rest)) if name.eq_ignore_ascii_case("METHOD") && rest.starts_with([':', ';']) => {
            rest.split_once(':').map(|(_, value)| value.trim().to_owned())
        }
        _ => None,
    };
    let mut found = part.text.lines().filter_map(property);
    let is_token = !part.method.is_empty() && part.method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
    match (found.next(), found.next()) {
        (Some(method), None) if is_token && method == part.method => Ok(&part.method),
        _ => Err(MailError::CalendarMethod),
    }
}

fn list_unsubscribe(unsubscribe: &Unsubscribe) -> Result<String, MailError> {
    let url = unsubscribe.url.as_str();
    let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"');
    let is_https = url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) && url.len() > 8;
    if !is_https || url.len() > UNFOLDABLE_MAX || !url.bytes().all(fits) {
        return Err(MailError::UnsubscribeUrl);
    }
    let Some(mail) = &unsubscribe.mail else { return Ok(format!("<{url}>")) };
    if address_domain(mail).is_none() || !mail.is_ascii() {
        return Err(MailError::Address { what: "the address to unsubscribe at" });
    }
    // What means something in a URL is no longer the address (RFC 6068 section 2).
    let escape = |c: char| if "%?&#/^`{|}=".contains(c) { format!("%{:02X}", u32::from(c)) } else { c.to_string() };
    Ok(format!("<{url}>,\r\n <mailto:{}>", mail.chars().map(escape).collect::<String>()))
}

fn one_line(what: &'static str, text: &str) -> Result<(), MailError> {
    if text.contains(['\r', '\n', '\0']) { Err(MailError::Line { what }) } else { Ok(()) }
}

/// Such as `Mon, 05 Jan 2026 19:00:00 +0000`; none for instants that have no date.
fn date(at: Timestamp) -> Option<String> {
    let zoned = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?.to_zoned(TimeZone::UTC);
    jiff::fmt::rfc2822::to_string(&zoned).ok()
}

/// The domain of an address that is one and nothing else: nothing in it can end a header or an SMTP command.
pub(super) fn address_domain(text: &str) -> Option<&str> {
    let (local, domain) = text.rsplit_once('@')?;
    let atext = |c: char| {
        if c.is_ascii() { c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) } else { is_wide(c) }
    };
    let is_local = local.len() <= 64 && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(atext));
    (text.len() <= 254 && is_local && is_domain(domain)).then_some(domain)
}

pub(super) fn is_domain(text: &str) -> bool {
    let fits = |c: char| if c.is_ascii() { c.is_ascii_alphanumeric() || c == '-' } else { is_wide(c) };
    let is_label = |label: &str| !label.is_empty() && !label.starts_with('-') && label.chars().all(fits);
    text.len() <= 253 && text.split('.').all(is_label)
}

/// What RFC 6531 lets into addresses, without what looks like nothing.
fn is_wide(c: char) -> bool {
    !c.is_control()
        && !c.is_whitespace()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{feff}')
}
