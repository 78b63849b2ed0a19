//! Signatures of Standard Webhooks: HMAC-SHA256 over id, time and body.

use core::fmt;

use base64ct::{Base64, Base64Unpadded, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A secret that a receiver shares with the sender: `whsec_` and 24 to 64 bytes in base64.
///
/// It does not appear in its `Debug` form, and is wiped from memory when it is dropped.
///
/// ```
/// use boxoffice::transport::WebhookKey;
///
/// let key: WebhookKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?;
/// assert_eq!(format!("{key:?}"), "WebhookKey(..)");
/// # Ok::<(), boxoffice::transport::WebhookKeyError>(())
/// ```
#[derive(Clone)]
pub struct WebhookKey(Zeroizing<Vec<u8>>);

/// Why a text is no key of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret of a webhook is 24 to 64 bytes in base64, mostly after whsec_")]
pub struct WebhookKeyError;

impl WebhookKey {
    /// Takes 24 to 64 random bytes.
    ///
    /// # Errors
    /// [`WebhookKeyError`] when there are fewer or more.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WebhookKeyError> {
        if (24..=64).contains(&bytes.len()) { Ok(Self(Zeroizing::new(bytes.to_vec()))) } else { Err(WebhookKeyError) }
    }

    /// Such as `v1,` and 44 characters.
    fn sign(&self, id: &str, seconds: i64, body: &str) -> Option<String> {
        // A key of any length will do for an HMAC, so there always is one.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in [id, ".", &seconds.to_string(), ".", body] {
            mac.update(part.as_bytes());
        }
        Some(format!("v1,{}", Base64::encode_string(&mac.finalize().into_bytes())))
    }
}

impl core::str::FromStr for WebhookKey {
    type Err = WebhookKeyError;

    fn from_str(text: &str) -> Result<Self, WebhookKeyError> {
        let secret = text.strip_prefix("whsec_").unwrap_or(text).trim_end_matches('=');
        let bytes = Base64Unpadded::decode_vec(secret).map_err(|_| WebhookKeyError)?;
        Self::from_bytes(&Zeroizing::new(bytes))
    }
}

impl fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookKey(..)")
    }
}

/// One signature for each key, with spaces between: receivers take the message if one of them is good.
pub(super) fn signatures(keys: &[WebhookKey], id: &str, seconds: i64, body: &str) -> String {
    keys.iter().filter_map(|key| key.sign(id, seconds, body)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors that the libraries of Standard Webhooks are tested with.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let cases = [
            (
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                body,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
        ];
        for (secret, id, seconds, body, signature) in cases {
            assert_eq!(signatures(&[secret.parse().unwrap()], id, seconds, body), signature);
        }
    }

    #[test]
    fn each_key_signs_and_a_key_of_another_length_is_none() {
        let keys = [WebhookKey::from_bytes(&[1; 24]).unwrap(), WebhookKey::from_bytes(&[2; 64]).unwrap()];
        let both = signatures(&keys, "a", 1, "{}");
        assert_eq!(both, [&keys[..1], &keys[1..]].map(|key| signatures(key, "a", 1, "{}")).join(" "));
        assert!(WebhookKey::from_bytes(&[1; 23]).is_err() && WebhookKey::from_bytes(&[1; 65]).is_err());
        assert!(["", "whsec_", "whsec_%%", "short"].iter().all(|text| text.parse::<WebhookKey>().is_err()));
        assert!(!format!("{keys:?}").contains('1'));
    }
}
