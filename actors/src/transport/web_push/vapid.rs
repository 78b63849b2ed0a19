//! Who sends: VAPID (RFC 8292), a token signed with ES256 (RFC 7518 section 3.4).

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use boxoffice_core::time::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde::Serialize;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::http::Target;

/// How long a token is good. At most a day is allowed; half of it leaves room for clocks that differ.
const TOKEN_LIFE: Duration = Duration::from_secs(12 * 3_600);

/// `{"typ":"JWT","alg":"ES256"}`.
const JOSE_HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9";

/// Characters in a line of PEM (RFC 7468 section 2).
const PEM_LINE: usize = 64;

/// The key pair of P-256 that push services know a sender by: the application server key.
///
/// Browsers bind a subscription to it, so it is made once and kept: with another key all subscriptions are void. It
/// does not appear in its `Debug` form. Clones share one key.
///
/// ```
/// use boxoffice::transport::VapidKey;
///
/// let secret = VapidKey::generate_pem()?;
/// let key = VapidKey::from_pem(&secret)?;
/// // For the browser: `pushManager.subscribe({ userVisibleOnly: true, applicationServerKey })`.
/// assert_eq!(key.public().len(), 87);
/// assert_eq!(format!("{key:?}"), "VapidKey(..)");
/// # Ok::<(), boxoffice::transport::VapidKeyError>(())
/// ```
#[derive(Clone)]
pub struct VapidKey(Arc<EcdsaKeyPair>);

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VapidKeyError {
    /// It is not written as it should be, is not of P-256, or its two halves do not belong together.
    #[error("not a private key of P-256 together with its public key")]
    Key,
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Random,
}

impl VapidKey {
    /// Reads PKCS#8 (RFC 5958) in DER, with the public key inside, as `openssl genpkey` writes it.
    ///
    /// # Errors
    /// [`VapidKeyError::Key`] when it is something else.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, VapidKeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new());
        pair.map(|pair| Self(Arc::new(pair))).map_err(|_| VapidKeyError::Key)
    }

    /// Reads PKCS#8 in PEM: `-----BEGIN PRIVATE KEY-----`.
    ///
    /// # Errors
    /// As [`Self::from_pkcs8`].
    pub fn from_pem(pem: &str) -> Result<Self, VapidKeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| VapidKeyError::Key)?;
        Self::from_pkcs8(der.secret_pkcs8_der())
    }

    /// Reads both halves in base64url, as most tools for Web Push write them: 32 and 65 bytes.
    ///
    /// # Errors
    /// As [`Self::from_pkcs8`].
    pub fn from_base64url(private: &str, public: &str) -> Result<Self, VapidKeyError> {
        let bytes = |text: &str| Base64UrlUnpadded::decode_vec(text.trim_end_matches('='));
        let (private, public) =
            bytes(private).and_then(|private| Ok((private, bytes(public)?))).map_err(|_| VapidKeyError::Key)?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &private,
            &public,
            &SystemRandom::new(),
        );
        pair.map(|pair| Self(Arc::new(pair))).map_err(|_| VapidKeyError::Key)
    }

    /// Makes a new key, as PKCS#8 in PEM. It is a secret, to be kept and read by [`Self::from_pem`].
    ///
    /// # Errors
    /// [`VapidKeyError::Random`] without randomness.
    pub fn generate_pem() -> Result<String, VapidKeyError> {
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| VapidKeyError::Random)?;
        let base64 = Base64::encode_string(der.as_ref());
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        for (column, character) in base64.chars().enumerate() {
            if column > 0 && column.is_multiple_of(PEM_LINE) {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem.push_str("\n-----END PRIVATE KEY-----\n");
        Ok(pem)
    }

    /// The public half, 65 bytes in base64url: what a browser takes as `applicationServerKey`.
    pub fn public(&self) -> String {
        Base64UrlUnpadded::encode_string(self.0.public_key().as_ref())
    }

    /// The value of `Authorization` for this push service. None without randomness.
    pub(super) fn authorization(&self, target: &Target, contact: &str, now: Timestamp) -> Option<String> {
        let exp = (now + TOKEN_LIFE).as_millis().div_euclid(1_000);
        let claims = serde_json::to_vec(&Claims { aud: &target.origin(), exp, sub: contact }).ok()?;
        let signed = format!("{JOSE_HEADER}.{}", Base64UrlUnpadded::encode_string(&claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
        let signature = Base64UrlUnpadded::encode_string(signature.as_ref());
        Some(format!("vapid t={signed}.{signature}, k={}", self.public()))
    }
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VapidKey(..)")
    }
}

/// For whom, until when (in seconds of Unix), and from whom.
#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: i64,
    sub: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of the example of RFC 8291, which is as good as any.
    const PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    const PUBLIC: &str = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";

    /// Written by `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` for this test, with its public half
    /// as `openssl pkey` gives it.
    const OPENSSL: (&str, &str) = (
        "-----BEGIN PRIVATE KEY-----\n\
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg6SNmcmEk/UlsTwEf\n\
        w0VHsnVA8JECKDYAuhBQLZy+1nmhRANCAASO+Tu6A5OGpS7uKIaIG1VH8V7kc88q\n\
        g5USuIeaBf8xV+dqq/s/nkMybtSRA2A0DO5NJa0zU4/0xhtFwFrY2kx7\n\
        -----END PRIVATE KEY-----\n",
        "BI75O7oDk4alLu4ohogbVUfxXuRzzyqDlRK4h5oF_zFX52qr-z-eQzJu1JEDYDQM7k0lrTNTj_TGG0XAWtjaTHs",
    );

    #[test]
    fn a_key_is_read_however_it_is_written() {
        let pem = VapidKey::generate_pem().unwrap();
        let key = VapidKey::from_pem(&pem).unwrap();
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
        assert_eq!(VapidKey::from_pkcs8(der.secret_pkcs8_der()).unwrap().public(), key.public());
        assert!(pem.lines().all(|line| line.len() <= PEM_LINE), "{pem}");
        assert_eq!(VapidKey::from_base64url(PRIVATE, PUBLIC).unwrap().public(), PUBLIC);
        assert_eq!(VapidKey::from_pem(OPENSSL.0).unwrap().public(), OPENSSL.1);
        assert_ne!(VapidKey::generate_pem().unwrap(), pem);
    }

    #[test]
    fn what_is_no_key_of_p256_is_refused() {
        let other = VapidKey::from_pem(&VapidKey::generate_pem().unwrap()).unwrap().public();
        let halves = [("", ""), (PRIVATE, ""), ("", PUBLIC), (PRIVATE, &other), (PUBLIC, PRIVATE), ("%", PUBLIC)];
        for (private, public) in halves {
            assert_eq!(
                VapidKey::from_base64url(private, public).unwrap_err(),
                VapidKeyError::Key,
                "{private} {public}"
            );
        }
        for pem in ["", "ann", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            assert_eq!(VapidKey::from_pem(pem).unwrap_err(), VapidKeyError::Key, "{pem}");
        }
        assert_eq!(VapidKey::from_pkcs8(&[0; 138]).unwrap_err(), VapidKeyError::Key);
    }

    #[test]
    fn the_header_of_a_token_is_what_its_comment_says() {
        assert_eq!(Base64UrlUnpadded::encode_string(br#"{"typ":"JWT","alg":"ES256"}"#), JOSE_HEADER);
    }
}
