//! Secrets, and what is signed with them.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use boxoffice_core::ticket::payment::{WebhookDelivery, WebhookError};
use boxoffice_core::time::Timestamp;
use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit as _, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::hex;

/// Compares in constant time.
type Signature = CtOutput<Hmac<Sha256>>;

/// Most parts of a signature header that are looked at.
const PARTS_MAX: usize = 32;

/// A secret shared with a gateway: the key of its API, or what it signs its deliveries with. 8 to 512 visible ASCII characters.
///
/// It does not appear in its `Debug` form, and is wiped from memory when it is dropped.
///
/// ```
/// use boxoffice::payment::GatewaySecret;
///
/// let secret: GatewaySecret = "whsec_4711471147114711".parse()?;
/// assert_eq!(format!("{secret:?}"), "GatewaySecret(..)");
/// assert!("two words".parse::<GatewaySecret>().is_err());
/// # Ok::<(), boxoffice::payment::GatewaySecretError>(())
/// ```
#[derive(Clone)]
pub struct GatewaySecret(Zeroizing<String>);

/// Why a text is no secret of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret of a gateway is 8 to 512 visible ASCII characters")]
pub struct GatewaySecretError;

impl GatewaySecret {
    #[cfg(any(feature = "stripe", feature = "sumup"))]
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// The HMAC of a time in seconds, a full stop and the body.
    fn mac(&self, seconds: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
        // A key of any length will do for an HMAC, so there always is one.
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).ok()?;
        for part in [seconds.as_bytes(), b".", body] {
            mac.update(part);
        }
        Some(mac)
    }

    /// A header's value, such as `t=1767225600,v1=` and 64 hexadecimal digits.
    pub(super) fn sign(&self, seconds: i64, body: &[u8]) -> String {
        let signed = self.mac(&seconds.to_string(), body).map(|mac| hex(&mac.finalize().into_bytes()));
        format!("t={seconds},v1={}", signed.unwrap_or_default())
    }
}

impl FromStr for GatewaySecret {
    type Err = GatewaySecretError;

    fn from_str(text: &str) -> Result<Self, GatewaySecretError> {
        let fits = (8..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(GatewaySecretError) }
    }
}

impl fmt::Debug for GatewaySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GatewaySecret(..)")
    }
}

/// What a delivery must carry to be believed.
pub(super) struct Proof<'a> {
    /// The header with the signature: `t=` once, and `v1=` once or more.
    pub(super) header: &'a str,
    /// Any of them may have signed: two while they are changed.
    pub(super) secrets: &'a [GatewaySecret],
    /// How far the time of signing may be from that of coming in, either way.
    pub(super) window: Duration,
}

impl Proof<'_> {
    /// Compares in constant time, over the body as it came.
    pub(super) fn check(&self, delivery: &WebhookDelivery<'_>) -> Result<(), WebhookError> {
        let value = self.only_header(delivery)?;
        let parts: Vec<(&str, &str)> =
            value.split(',').take(PARTS_MAX).filter_map(|part| part.split_once('=')).collect();
        let named = |wanted: &'static str| {
            parts.iter().filter(move |(name, _)| name.trim() == wanted).map(|(_, value)| value.trim())
        };
        let mut times = named("t");
        let (Some(time), None) = (times.next(), times.next()) else { return Err(unproven("no time, or two")) };
        let seconds: i64 = time.parse().map_err(|_| unproven("a time that is no number"))?;
        // The time is signed as well; to look at it first costs nothing, and spares the body.
        let signed = Timestamp::from_millis(seconds.saturating_mul(1_000));
        let apart = signed.saturating_since(delivery.at).max(delivery.at.saturating_since(signed));
        if apart > self.window {
            return Err(unproven("signed too long ago, or in the future"));
        }
        let signatures: Vec<Signature> =
            named("v1").filter_map(digest).map(|bytes| Signature::new(bytes.into())).collect();
        let secrets = if signatures.is_empty() { &[] } else { self.secrets };
        // The body is gone through once for each secret. All are tried with all, so that how long it takes tells
        // nothing of which it was.
        let macs = secrets.iter().filter_map(|secret| secret.mac(time, delivery.body)).map(Mac::finalize);
        let is_signed = macs
            .fold(false, |found, mac| signatures.iter().fold(found, |found, signature| (*signature == mac) | found));
        if is_signed { Ok(()) } else { Err(unproven("no signature of ours")) }
    }

    /// A header that is there twice proves nothing: who reads the one may not be who wrote the other.
    fn only_header<'d>(&self, delivery: &WebhookDelivery<'d>) -> Result<&'d str, WebhookError> {
        let mut values = delivery.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(self.header));
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(value),
            (None, _) => Err(unproven("no signature")),
            (Some(_), Some(_)) => Err(unproven("two headers with signatures")),
        }
    }
}

/// 32 bytes from 64 hexadecimal digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

pub(super) fn unproven(reason: &str) -> WebhookError {
    WebhookError::Unproven { reason: reason.to_owned() }
}
