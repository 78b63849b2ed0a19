//! Keys: who signs tickets, and whose signatures are accepted.

use core::fmt;
use std::collections::BTreeMap;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use super::outcome::ScanOutcome;
use super::ticket::{SignedTicket, Ticket, TicketError, message, read, write};
use crate::id::OccurrenceId;
use crate::time::Timestamp;

/// What the bytes of a public key are put behind to make its id.
const ID_DOMAIN: &[u8] = b"boxoffice ticket key v1\0";

/// Which key signed a ticket: the first 4 bytes of SHA-256 over `boxoffice ticket key v1`, a zero byte and the 32 bytes of the
/// public key (RFC 8032 section 5.1.5). Written as 8 hexadecimal digits.
///
/// It says where to look and proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId([u8; 4]);

impl KeyId {
    pub(super) const fn new(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    pub(super) const fn bytes(self) -> [u8; 4] {
        self.0
    }

    fn of(public: &[u8; 32]) -> Self {
        let digest: [u8; 32] = Sha256::new().chain_update(ID_DOMAIN).chain_update(public).finalize().into();
        let [a, b, c, d, ..] = digest;
        Self([a, b, c, d])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for KeyId {
    type Error = TicketKeyError;

    fn try_from(text: String) -> Result<Self, TicketKeyError> {
        let digits = text.len() == 8 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let number = u32::from_str_radix(&text, 16).ok().filter(|_| digits).ok_or(TicketKeyError::NoId)?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// Why bytes are no key, or a key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TicketKeyError {
    /// The bytes are no point of the curve.
    #[error("no public key of ed25519")]
    NoKey,
    /// A point of small order, under which anybody can sign.
    #[error("public key is weak: anybody can sign under it")]
    Weak,
    /// Another key with this id is accepted already. One in four thousand million pairs of keys has the same.
    #[error("another key has the id {0}")]
    Clash(KeyId),
    /// The text is no id of a key.
    #[error("a key id is 8 hexadecimal digits")]
    NoId,
}

/// Signs tickets (ed25519, RFC 8032). Never printed, wiped when dropped.
///
/// ```
/// use boxoffice_core::checkin::TicketKey;
/// // 32 random bytes, which the host keeps as it keeps other secrets.
/// let key = TicketKey::new([7; 32]);
/// assert_eq!(format!("{key:?}"), format!("TicketKey({})", key.public().id()));
/// ```
pub struct TicketKey {
    signing: SigningKey,
    id: KeyId,
}

impl TicketKey {
    /// The key made from 32 random bytes.
    pub fn new(mut secret: [u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(&secret);
        secret.zeroize();
        let id = KeyId::of(signing.verifying_key().as_bytes());
        Self { signing, id }
    }

    /// What others need to verify what this key signs.
    pub fn public(&self) -> TicketPublicKey {
        TicketPublicKey { key: self.signing.verifying_key(), id: self.id }
    }

    /// Signs a ticket. The same ticket always gets the same text.
    pub fn sign(&self, ticket: Ticket) -> SignedTicket {
        write(self.id, ticket, |body| self.signing.sign(&message(body)).to_bytes())
    }
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketKey({})", self.id)
    }
}

/// Verifies what one key has signed. No secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketPublicKey {
    key: VerifyingKey,
    id: KeyId,
}

impl TicketPublicKey {
    /// The key whose 32 bytes [`TicketPublicKey::to_bytes`] gave.
    ///
    /// # Errors
    /// [`TicketKeyError`] when they are no key, or one under which anybody can sign.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, TicketKeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| TicketKeyError::NoKey)?;
        if key.is_weak() {
            return Err(TicketKeyError::Weak);
        }
        Ok(Self { key, id: KeyId::of(bytes) })
    }

    /// Its 32 bytes (RFC 8032 section 5.1.5).
    pub fn to_bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// What tickets call it.
    pub fn id(&self) -> KeyId {
        self.id
    }
}

/// The keys whose tickets are accepted: the one that signs today, and those of before as long as their tickets are about.
///
/// Needs no store and no network: it is what a device at a door carries, with a [`TicketRoster`](super::TicketRoster) beside
/// it where there is one.
///
/// ```
/// use boxoffice_core::checkin::{ScanOutcome, Ticket, TicketKey, TicketVerifier};
/// use boxoffice_core::id::{AttendeeId, OccurrenceId};
/// use boxoffice_core::persist::Seq;
/// use boxoffice_core::time::Timestamp;
///
/// let (evening, now): (OccurrenceId, _) = ("chess@20260105T190000".parse()?, Timestamp::EPOCH);
/// let key = TicketKey::new([7; 32]);
/// let ticket = key.sign(Ticket::new(evening.clone(), AttendeeId::new("ann")?, 1.try_into()?, Seq::new(2), now));
///
/// let verifier = TicketVerifier::new().accepting(key.public())?;
/// assert_eq!(verifier.verify(ticket.text(), &evening, now).as_ref(), Ok(&ticket));
/// let other = "chess@20260112T190000".parse()?;
/// let refused = verifier.verify(ticket.text(), &other, now).unwrap_err();
/// assert_eq!(refused, ScanOutcome::OtherOccurrence { occurrence: evening });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TicketVerifier {
    keys: BTreeMap<KeyId, TicketPublicKey>,
}

impl TicketVerifier {
    /// Accepts nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also accepts what this key has signed.
    ///
    /// # Errors
    /// [`TicketKeyError::Clash`] when another key with its id is accepted already.
    pub fn accepting(mut self, key: TicketPublicKey) -> Result<Self, TicketKeyError> {
        match self.keys.insert(key.id, key) {
            Some(before) if before != key => Err(TicketKeyError::Clash(key.id)),
            Some(_) | None => Ok(self),
        }
    }

    /// The keys that are accepted, by id.
    pub fn keys(&self) -> impl Iterator<Item = &TicketPublicKey> {
        self.keys.values()
    }

    /// Reads a ticket and verifies who signed it: it is genuine, and nothing else is known of it.
    ///
    /// # Errors
    /// [`TicketError`] when it is not. What is wrong with the text comes first, then the key, then the signature.
    pub fn read(&self, text: &str) -> Result<SignedTicket, TicketError> {
        let (ticket, body, signature) = read(text)?;
        let key = self.keys.get(&ticket.key()).ok_or(TicketError::UnknownKey { key: ticket.key() })?;
        let signature = Signature::from_bytes(&signature);
        // Strict: neither keys nor signatures of small order, and one signature for one text.
        key.key.verify_strict(&message(&body), &signature).map_err(|_| TicketError::BadSignature)?;
        Ok(ticket)
    }

    /// What a device without a network can say of a ticket: genuine, for this occurrence, and not expired at `now`. Whether
    /// its seat was given up since, a [`TicketRoster`](super::TicketRoster) says.
    ///
    /// # Errors
    /// The first of the [`ScanOutcome`]s that applies.
    pub fn verify(&self, text: &str, occurrence: &OccurrenceId, now: Timestamp) -> Result<SignedTicket, ScanOutcome> {
        let ticket = self.read(text)?;
        if ticket.occurrence != *occurrence {
            return Err(ScanOutcome::OtherOccurrence { occurrence: ticket.occurrence.clone() });
        }
        match ticket.expires.filter(|expires| *expires <= now) {
            Some(expires) => Err(ScanOutcome::Expired { expires }),
            None => Ok(ticket),
        }
    }
}
