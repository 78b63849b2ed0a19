//! What a peer is known by: a name, a key, an address.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};

use crate::id::{IdError, check_text, shape, text_id};

fn is_name(text: &str) -> bool {
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'.');
    let edge = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.bytes().all(fits) && edge(text.bytes().next()) && edge(text.bytes().last()) && !text.contains("..")
}

fn is_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let plain =
        |c: u8| c.is_ascii_graphic() && !matches!(c, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}');
    text.bytes().all(plain) && !authority.is_empty() && !authority.contains('@') && !text.contains('#')
}

fn is_hold(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
}

text_id!(
    /// The name of a system that takes part, and the origin of what it publishes, such as `library.example`: 1 to 64 bytes of
    /// lower-case letters, digits, `-` and `.`, as in a host name. It need not be the host that it is found at.
    ///
    /// ```
    /// use boxoffice_core::federation::PeerName;
    /// assert_eq!(PeerName::new("library.example")?.as_str(), "library.example");
    /// assert!(PeerName::new("Library").is_err());
    /// assert!(PeerName::new("a/b").is_err());
    /// # Ok::<(), boxoffice_core::id::IdError>(())
    /// ```
    PeerName, "peer name", 64, is_name, "a name such as library.example: lower-case letters, digits, - and ."
);

text_id!(
    /// Where a peer is found: an `http` or `https` URL of at most 1,024 printable ASCII bytes, without a user, a password or a
    /// fragment. Only its shape is looked at here; whether it leads somewhere it must not is for the
    /// [link](super::PeerLink) to see, each time it connects.
    PeerUrl, "peer URL", 1024, is_url, "an http or https URL without user and fragment"
);

text_id!(
    /// A hold that one system asks of another, as the asking one names it: 1 to 64 letters, digits, `-` and `_`. A name is
    /// used once, for ever: asked again under it, the owner answers as the first time. An order number will do.
    HoldId, "hold id", 64, is_hold, "letters, digits, - and _"
);

text_id!(
    /// For whom a peer asks for seats, as the peer names them: 1 to 96 bytes, no control characters. It is written into the
    /// owner's log, so prefer an opaque id over a name or an address.
    Holder, "holder", 96
);

const KEY_PREFIX: &str = "ed25519:";

/// The public key of a peer (ed25519, RFC 8032 section 5.1.5), pinned when the peer was made known. Written as `ed25519:` and
/// its 32 bytes in base64url without padding (RFC 4648 section 5).
///
/// Only its shape is looked at here. Whoever verifies signatures must refuse bytes that are no point of the curve, and points
/// of small order.
///
/// ```
/// use boxoffice_core::federation::PeerKey;
/// let key = PeerKey::new([7; 32]);
/// assert_eq!(key.to_string(), "ed25519:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc");
/// assert_eq!(key.to_string().parse::<PeerKey>()?, key);
/// assert!("ed25519:Bwc".parse::<PeerKey>().is_err());
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PeerKey([u8; 32]);

impl PeerKey {
    /// The key of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{KEY_PREFIX}{}", Base64UrlUnpadded::encode_string(&self.0))
    }
}

impl fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PeerKey {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut bytes = [0; 32];
        let read = text.strip_prefix(KEY_PREFIX).filter(|digits| digits.len() == 43);
        let read = read.and_then(|digits| Base64UrlUnpadded::decode(digits, &mut bytes).ok()).map(<[u8]>::len);
        match read {
            Some(32) => Ok(Self(bytes)),
            Some(_) | None => Err(shape("peer key", text, "ed25519: and 43 characters of base64url without padding")),
        }
    }
}

impl TryFrom<String> for PeerKey {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<PeerKey> for String {
    fn from(key: PeerKey) -> String {
        key.to_string()
    }
}
