//! What a ticket says, and how it is written: see [`SignedTicket`].

use core::fmt;
use core::num::NonZeroU32;
use core::ops::Deref;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};

use super::keys::KeyId;
use crate::id::{AttendeeId, OccurrenceId};
use crate::persist::Seq;
use crate::time::Timestamp;

const PREFIX: &str = "BOX1.";
/// What is signed begins with this, so that a signature is never one over something else.
const DOMAIN: &[u8] = b"boxoffice ticket v1\0";
const SIGNATURE_BYTES: usize = 64;

/// Admits one person once to one occurrence: one seat of an attendee's party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// To what.
    pub occurrence: OccurrenceId,
    /// Whose seats.
    pub attendee: AttendeeId,
    /// Which of them, from 1 to their number.
    pub seat: NonZeroU32,
    /// The event that gave them: [`Seat::granted`](crate::booking::Seat::granted).
    pub receipt: Seq,
    /// When the ticket was made out.
    pub issued_at: Timestamp,
    /// First instant at which it no longer admits; none: it never expires.
    pub expires: Option<Timestamp>,
}

impl Ticket {
    /// A ticket that does not expire.
    pub fn new(
        occurrence: OccurrenceId,
        attendee: AttendeeId,
        seat: NonZeroU32,
        receipt: Seq,
        issued_at: Timestamp,
    ) -> Self {
        Self { occurrence, attendee, seat, receipt, issued_at, expires: None }
    }

    /// The same, expiring: `expires` is the first instant at which it no longer admits.
    #[must_use]
    pub fn expiring(mut self, expires: Timestamp) -> Self {
        self.expires = Some(expires);
        self
    }

    /// What it is known by at its occurrence. A ticket that is made out again has the same.
    pub fn id(&self) -> TicketId {
        TicketId { attendee: self.attendee.clone(), seat: self.seat, receipt: self.receipt }
    }
}

/// What a ticket is known by at its occurrence, however often it was made out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TicketId {
    /// Whose.
    pub attendee: AttendeeId,
    /// Which of the attendee's seats, from 1.
    pub seat: NonZeroU32,
    /// The event that gave them.
    pub receipt: Seq,
}

/// What is wrong with a text that is no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TicketFlaw {
    /// It does not begin as a ticket of a known version.
    #[error("does not begin with {PREFIX}")]
    Prefix,
    /// It has more bytes than any ticket.
    #[error("has more than {} bytes", SignedTicket::TEXT_BYTES_MAX)]
    TooLong,
    /// What follows the beginning is no base64url.
    #[error("is not in base64url without padding")]
    Base64,
    /// It ends within what it says.
    #[error("is cut off")]
    Cut,
    /// Something follows the attendee's id.
    #[error("goes on after its end")]
    Trailing,
    /// The places in a party are counted from 1.
    #[error("names no seat of the party")]
    Seat,
    /// Neither expires nor does not.
    #[error("says neither that it expires nor that it does not")]
    Expiry,
    /// The occurrence's id is none.
    #[error("names no occurrence")]
    Occurrence,
    /// The attendee's id is none.
    #[error("names no attendee")]
    Attendee,
    /// It is another spelling of a ticket.
    #[error("is not written as tickets are")]
    Spelling,
}

/// Why a text is no ticket that one can trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TicketError {
    /// It is no ticket.
    #[error("ticket {0}")]
    Malformed(#[from] TicketFlaw),
    /// It says that it was signed by a key that is not accepted.
    #[error("ticket is signed by {key}, which is not accepted")]
    UnknownKey {
        /// The key's id.
        key: KeyId,
    },
    /// It was not signed by the key that it names, or it was changed since.
    #[error("signature of the ticket is wrong")]
    BadSignature,
}

/// A ticket whose signature was made or verified here.
///
/// It can only be had from [`TicketKey::sign`](super::TicketKey::sign) and [`TicketVerifier`](super::TicketVerifier), so
/// whoever has one need not ask whether it is genuine.
///
/// The text is `BOX1.` and, in base64url without padding (RFC 4648 section 5), a body and its signature. Numbers are
/// unsigned and big-endian; instants are signed (two's complement) milliseconds since the Unix epoch.
///
/// | bytes of the body | what |
/// | --- | --- |
/// | 4 | [`KeyId`] of the key that signed |
/// | 4 | place in the party, from 1 |
/// | 8 | receipt: sequence number of the event that gave the seats |
/// | 8 | issued at |
/// | 1 | 1 if it expires, else 0 |
/// | 8, if it expires | first instant at which it no longer admits |
/// | 2 | length of the occurrence's id |
/// | so many | occurrence's id, UTF-8 |
/// | 2 | length of the attendee's id |
/// | so many | attendee's id, UTF-8 |
///
/// The last 64 bytes are an ed25519 signature (RFC 8032 section 5.1.6) over `boxoffice ticket v1`, a zero byte and the body.
/// One ticket has one text: whatever is written otherwise, such as with padding or bits set that do not count, is refused. A
/// text has at most [`Self::TEXT_BYTES_MAX`] bytes; with ids of twenty bytes each it has 183, which is a QR code of
/// version 8 at error correction L.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedTicket {
    ticket: Ticket,
    key: KeyId,
    text: Arc<str>,
}

impl SignedTicket {
    /// Longest text there is: ids of 529 and 256 bytes.
    pub const TEXT_BYTES_MAX: usize = 1_187;

    /// The text, as it is printed and scanned. Whoever has it is let in, so it belongs in no log.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Which key signed it.
    pub fn key(&self) -> KeyId {
        self.key
    }
}

impl Deref for SignedTicket {
    type Target = Ticket;

    fn deref(&self) -> &Ticket {
        &self.ticket
    }
}

/// Without the text, which admits whoever has it.
impl fmt::Debug for SignedTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedTicket").field("ticket", &self.ticket).field("key", &self.key).finish_non_exhaustive()
    }
}

/// What is signed.
pub(super) fn message(body: &[u8]) -> Vec<u8> {
    [DOMAIN, body].concat()
}

fn body_of(key: KeyId, ticket: &Ticket) -> Vec<u8> {
    let mut body = Vec::with_capacity(128);
    body.extend(key.bytes());
    body.extend(ticket.seat.get().to_be_bytes());
    body.extend(ticket.receipt.get().to_be_bytes());
    body.extend(ticket.issued_at.as_millis().to_be_bytes());
    body.push(u8::from(ticket.expires.is_some()));
    if let Some(expires) = ticket.expires {
        body.extend(expires.as_millis().to_be_bytes());
    }
    for text in [ticket.occurrence.to_string().as_str(), ticket.attendee.as_str()] {
        // Ids are shorter than that.
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        body.extend(length.to_be_bytes());
        body.extend(text.as_bytes());
    }
    body
}

fn text_of(bytes: &[u8]) -> String {
    [PREFIX, &Base64UrlUnpadded::encode_string(bytes)].concat()
}

/// Writes a ticket, with what `sign` makes of its body.
pub(super) fn write(key: KeyId, ticket: Ticket, sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE_BYTES]) -> SignedTicket {
    let mut bytes = body_of(key, &ticket);
    let signature = sign(&bytes);
    bytes.extend(signature);
    SignedTicket { ticket, key, text: text_of(&bytes).into() }
}

/// Reads a text as a ticket, its body and its signature, which is *not* verified yet: nobody but the verifier may call it.
pub(super) fn read(text: &str) -> Result<(SignedTicket, Vec<u8>, [u8; SIGNATURE_BYTES]), TicketFlaw> {
    let encoded = text.strip_prefix(PREFIX).ok_or(TicketFlaw::Prefix)?;
    if text.len() > SignedTicket::TEXT_BYTES_MAX {
        return Err(TicketFlaw::TooLong);
    }
    let bytes = Base64UrlUnpadded::decode_vec(encoded).map_err(|_| TicketFlaw::Base64)?;
    let (body, signature) = bytes.split_last_chunk::<SIGNATURE_BYTES>().ok_or(TicketFlaw::Cut)?;
    let (key, ticket) = Reader(body).ticket()?;
    // Whatever leniency a reader above may have, there is one text for one ticket.
    if body_of(key, &ticket) != body || text_of(&bytes) != text {
        return Err(TicketFlaw::Spelling);
    }
    Ok((SignedTicket { ticket, key, text: text.into() }, body.to_vec(), *signature))
}

/// What is left of a body.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], TicketFlaw> {
        let (array, rest) = self.0.split_first_chunk().ok_or(TicketFlaw::Cut)?;
        self.0 = rest;
        Ok(*array)
    }

    fn text(&mut self, flaw: TicketFlaw) -> Result<&'b str, TicketFlaw> {
        let length = usize::from(u16::from_be_bytes(self.array()?));
        let (text, rest) = self.0.split_at_checked(length).ok_or(TicketFlaw::Cut)?;
        self.0 = rest;
        core::str::from_utf8(text).map_err(|_| flaw)
    }

    fn instant(&mut self) -> Result<Timestamp, TicketFlaw> {
        Ok(Timestamp::from_millis(i64::from_be_bytes(self.array()?)))
    }

    fn ticket(mut self) -> Result<(KeyId, Ticket), TicketFlaw> {
        let key = KeyId::new(self.array()?);
        let seat = NonZeroU32::new(u32::from_be_bytes(self.array()?)).ok_or(TicketFlaw::Seat)?;
        let receipt = Seq::new(u64::from_be_bytes(self.array()?));
        let issued_at = self.instant()?;
        let expires = match self.array()? {
            [0] => None,
            [1] => Some(self.instant()?),
            [_] => return Err(TicketFlaw::Expiry),
        };
        let occurrence = self.text(TicketFlaw::Occurrence)?.parse().map_err(|_| TicketFlaw::Occurrence)?;
        let attendee = self.text(TicketFlaw::Attendee)?.parse().map_err(|_| TicketFlaw::Attendee)?;
        if !self.0.is_empty() {
            return Err(TicketFlaw::Trailing);
        }
        Ok((key, Ticket { occurrence, attendee, seat, receipt, issued_at, expires }))
    }
}
