//! Content identifiers: `CIDv1`, raw, SHA-256, base32.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::IdError;

/// Version 1, codec `raw` (0x55), multihash `sha2-256` (0x12) of 32 bytes.
const PREFIX: [u8; 4] = [0x01, 0x55, 0x12, 0x20];
/// RFC 4648 section 6 in lower case, which multibase calls `b`.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// `b` and 36 bytes in base32 without padding.
const LENGTH: usize = 59;

/// The name of a blob: `b` and 58 letters and digits, which stand for the SHA-256 of its bytes.
///
/// ```
/// use boxoffice_core::persist::Cid;
/// let cid = Cid::of(b"hello");
/// assert_eq!(cid.as_str(), "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
/// assert!("../../etc/passwd".parse::<Cid>().is_err());
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cid(Arc<str>);

impl Cid {
    /// The name of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let mut text = String::with_capacity(LENGTH);
        text.push('b');
        let (mut bits, mut count) = (0_u32, 0);
        for byte in PREFIX.iter().chain(digest.iter()) {
            bits = (bits << 8) | u32::from(*byte);
            count += 8;
            while count >= 5 {
                count -= 5;
                text.push(letter(bits >> count));
            }
            bits &= (1 << count) - 1;
        }
        text.push(letter(bits << (5 - count)));
        Self(text.into())
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Two letters by which blobs are spread over folders: the last but one, since all begin alike.
    #[cfg(feature = "blobs")]
    pub(super) fn shard(&self) -> &str {
        self.0.get(LENGTH - 3..LENGTH - 1).unwrap_or_default()
    }
}

fn letter(bits: u32) -> char {
    ALPHABET.get((bits & 31) as usize).copied().unwrap_or(b'a').into()
}

impl FromStr for Cid {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let rest = text.strip_prefix("bafkrei").unwrap_or_default();
        // The last letter carries two bits that stand for nothing and are zero: one blob has one name.
        // The first one ends the length of the hash: 32.
        let length = rest.starts_with(|letter| ('a'..='h').contains(&letter));
        let zeros = rest.ends_with(['a', 'e', 'i', 'm', 'q', 'u', 'y', '4']);
        if text.len() == LENGTH && length && zeros && rest.bytes().all(|byte| ALPHABET.contains(&byte)) {
            return Ok(Self(text.into()));
        }
        let wanted = "a CIDv1 of SHA-256 in base32, bafkrei and 52 letters and digits";
        Err(IdError::Shape { kind: "blob name", text: text.chars().take(80).collect(), wanted })
    }
}

impl TryFrom<String> for Cid {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Cid> for String {
    fn from(cid: Cid) -> Self {
        cid.0.to_string()
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_other_tools_give() {
        // The empty block and "hello" as `ipfs add --cid-version 1 --raw-leaves` names them.
        assert_eq!(Cid::of(b"").as_str(), "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
        assert_eq!(Cid::of(b"hello").as_str(), "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
    }

    #[test]
    fn a_text_is_a_name_or_refused() {
        let good = Cid::of(b"hello").to_string();
        assert_eq!(good.parse(), Ok(Cid::of(b"hello")));
        let upper = good.to_uppercase();
        let (shorter, longer) = (&good[..58], format!("{good}a"));
        let (other_tail, other_codec) = (format!("{}r", &good[..58]), good.replace("bafkrei", "bafybei"));
        let other_length = good.replace("bafkreib", "bafkreiz");
        for bad in
            ["", "..", "../x", "bafkrei", &upper, shorter, &longer, &other_tail, &other_codec, &other_length, "é"]
        {
            assert!(bad.parse::<Cid>().is_err(), "{bad}");
        }
    }
}
