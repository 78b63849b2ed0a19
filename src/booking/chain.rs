//! Receipts: a stream up to an event in one number.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::event::BookingEvent;
use super::wire;
use crate::time::Timestamp;

/// SHA-256 over all events of a booking stream up to one, each chained to those before it.
///
/// The hash after an event is that of the hash before it (32 zero bytes at first), the instant of the event in milliseconds
/// (8 bytes, the most significant first), the length of its type (8 bytes likewise), its type and its data, as
/// [`wire`](super::encode) writes them. Whoever has the stream can work it out anew; whoever has only a receipt can show that
/// the stream was changed since. Written as 64 hexadecimal digits.
///
/// ```
/// use boxoffice_core::booking::ChainHash;
/// let start = ChainHash::default();
/// assert_eq!(start.to_string().parse(), Ok(start));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainHash([u8; 32]);

/// The text is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 hexadecimal digits")]
pub struct HashError;

impl ChainHash {
    pub(super) fn of(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A number that is another after each event, to tell equal choices apart by.
    pub(super) fn seed(&self) -> u64 {
        self.0.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
    }

    /// The hash after one more event, which happened `at`.
    #[must_use]
    pub fn then(&self, at: Timestamp, event: &BookingEvent) -> Self {
        let recorded = wire::encode(at, event);
        let kind = recorded.event_type.as_str();
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(at.as_millis().to_be_bytes());
        hash.update((kind.len() as u64).to_be_bytes());
        hash.update(kind.as_bytes());
        hash.update(recorded.data.json().as_bytes());
        Self(hash.finalize().into())
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ChainHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(HashError);
        }
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            let digits = text.get(at..at + 2).ok_or(HashError)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| HashError)?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for ChainHash {
    type Error = HashError;

    fn try_from(text: String) -> Result<Self, HashError> {
        text.parse()
    }
}

impl From<ChainHash> for String {
    fn from(hash: ChainHash) -> Self {
        hash.to_string()
    }
}
