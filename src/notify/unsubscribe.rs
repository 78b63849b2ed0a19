//! Tokens by which recipients say no to a kind of notice, without signing in (RFC 8058).

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

use super::kind::NoticeKind;
use crate::id::AttendeeId;

/// What the recipient and the kind are put behind before they are authenticated.
const DOMAIN: &[u8] = b"boxoffice unsubscribe token v1\0";

const MAC_BYTES: usize = 32;

/// Longest token that is read, in characters: the longest that is made has 472.
const TOKEN_MAX: usize = 512;

/// The text is no token of this secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no unsubscribe token of ours")]
pub struct UnsubscribeTokenError;

/// Makes tokens and reads them. Never printed, wiped when dropped.
///
/// A token is base64url, without padding, of 32 bytes of HMAC-SHA256, the length of the kind's name in one byte, that name, and
/// the recipient's id. It names them to whoever sees it, proves that the host wrote it, and does not expire. The same recipient
/// and kind always get the same text.
///
/// ```
/// use boxoffice_core::id::AttendeeId;
/// use boxoffice_core::notify::{NoticeKind, UnsubscribeSecret};
///
/// // 32 random bytes, which the host keeps as it keeps other secrets.
/// let secret = UnsubscribeSecret::new([7; 32]);
/// let ann = AttendeeId::new("ann")?;
/// let token = secret.token(&ann, &NoticeKind::Digest);
/// assert_eq!(secret.read(&token), Ok((ann, NoticeKind::Digest)));
/// assert!(UnsubscribeSecret::new([8; 32]).read(&token).is_err());
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
pub struct UnsubscribeSecret([u8; 32]);

impl UnsubscribeSecret {
    /// The secret made of 32 random bytes.
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let secret = Self(bytes);
        bytes.zeroize();
        secret
    }

    /// The token of a recipient for a kind. One for a transactional kind can be made, but has no effect.
    pub fn token(&self, recipient: &AttendeeId, kind: &NoticeKind) -> String {
        let name = kind.name();
        // A name has at most 64 bytes.
        let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
        let body = [&[length], name.as_bytes(), recipient.as_str().as_bytes()].concat();
        let mac: [u8; MAC_BYTES] = self.mac(&body).finalize().into_bytes().into();
        Base64UrlUnpadded::encode_string(&[&mac, body.as_slice()].concat())
    }

    /// Whose token it is and for which kind. Takes the same time whatever is wrong with the authentication.
    ///
    /// # Errors
    /// [`UnsubscribeTokenError`] when this secret did not make it.
    pub fn read(&self, token: &str) -> Result<(AttendeeId, NoticeKind), UnsubscribeTokenError> {
        let token = Some(token).filter(|token| token.len() <= TOKEN_MAX).ok_or(UnsubscribeTokenError)?;
        let bytes = Base64UrlUnpadded::decode_vec(token).map_err(|_| UnsubscribeTokenError)?;
        let (mac, body) = bytes.split_at_checked(MAC_BYTES).ok_or(UnsubscribeTokenError)?;
        self.mac(body).verify_slice(mac).map_err(|_| UnsubscribeTokenError)?;
        named(body).ok_or(UnsubscribeTokenError)
    }

    fn mac(&self, body: &[u8]) -> Hmac<Sha256> {
        // A key shorter than a block is filled up with zeros (RFC 2104 section 2).
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(self.0) {
            *to = from;
        }
        let mac = Hmac::<Sha256>::new(&block.into()).chain_update(DOMAIN).chain_update(body);
        block.zeroize();
        mac
    }
}

fn named(body: &[u8]) -> Option<(AttendeeId, NoticeKind)> {
    let (length, rest) = body.split_first()?;
    let (name, recipient) = rest.split_at_checked(usize::from(*length))?;
    let kind = core::str::from_utf8(name).ok()?.parse().ok()?;
    Some((AttendeeId::new(core::str::from_utf8(recipient).ok()?).ok()?, kind))
}

impl Drop for UnsubscribeSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for UnsubscribeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnsubscribeSecret")
    }
}
