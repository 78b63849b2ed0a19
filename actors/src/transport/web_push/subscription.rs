//! The address of a browser: what its `PushSubscription` says of itself as JSON (W3C Push API).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;

use crate::http::{Fault, HttpClient, Target};

/// Longest address, in bytes. Those of the push services have a few hundred.
const SUBSCRIPTION_MAX: usize = 4_096;

/// Length of a point of P-256 that is not compressed.
pub(super) const POINT: usize = 65;

/// Length of the secret that a browser authenticates its messages with (RFC 8291 section 3.2).
pub(super) const AUTH: usize = 16;

/// Where messages for a browser go, and how they are encrypted.
pub(super) struct Subscription {
    pub(super) target: Target,
    pub(super) keys: BrowserKeys,
}

/// What a browser made for its messages.
#[derive(Clone, Copy)]
pub(super) struct BrowserKeys {
    pub(super) public: [u8; POINT],
    pub(super) auth: [u8; AUTH],
}

/// Why an address is none. Quotes nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadSubscription {
    #[error("the subscription is longer than {SUBSCRIPTION_MAX} bytes")]
    Long,
    #[error("the subscription is no JSON")]
    Json,
    #[error("endpoint: {0}")]
    Endpoint(Fault),
    #[error("keys.p256dh: not a point of P-256 in base64url")]
    Public,
    #[error("keys.auth: not 16 bytes in base64url")]
    Auth,
}

impl Subscription {
    pub(super) fn parse(text: &str, client: &HttpClient) -> Result<Self, BadSubscription> {
        if text.len() > SUBSCRIPTION_MAX {
            return Err(BadSubscription::Long);
        }
        let value: Value = serde_json::from_str(text).map_err(|_| BadSubscription::Json)?;
        let endpoint = value.get("endpoint").and_then(Value::as_str).ok_or(BadSubscription::Endpoint(Fault::Url))?;
        let target = client.target(endpoint).map_err(BadSubscription::Endpoint)?;
        let keys = value.get("keys");
        let key = |name: &str| keys.and_then(|keys| keys.get(name)).and_then(Value::as_str);
        let public: [u8; POINT] = key("p256dh").and_then(bytes).ok_or(BadSubscription::Public)?;
        // Whether the point is on the curve is found out where it is used.
        if public.first() != Some(&4) {
            return Err(BadSubscription::Public);
        }
        let auth = key("auth").and_then(bytes).ok_or(BadSubscription::Auth)?;
        Ok(Self { target, keys: BrowserKeys { public, auth } })
    }
}

/// Browsers write no padding; some programs between add it.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    Base64UrlUnpadded::decode_vec(text.trim_end_matches('=')).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const SECRET: &str = "BTBZMqHH6r4Tts7J_aSIgg";
    const ENDPOINT: &str = "https://push.club.example/send/ann";

    fn error(text: &str) -> Option<BadSubscription> {
        Subscription::parse(text, &HttpClient::new().unwrap()).err()
    }

    fn subscription(endpoint: &str, public: &str, auth: &str) -> String {
        serde_json::json!({ "endpoint": endpoint, "keys": { "p256dh": public, "auth": auth } }).to_string()
    }

    #[test]
    fn what_a_browser_writes_is_read_and_an_expiration_time_is_passed_over() {
        let text = subscription(ENDPOINT, PUBLIC, SECRET);
        let padded = subscription(ENDPOINT, &format!("{PUBLIC}="), &format!("{SECRET}=="));
        let expiring = text.replacen('{', r#"{"expirationTime":null,"#, 1);
        for text in [text, padded, expiring] {
            let found = Subscription::parse(&text, &HttpClient::new().unwrap()).unwrap();
            assert_eq!(Base64UrlUnpadded::encode_string(&found.keys.public), PUBLIC);
            assert_eq!(Base64UrlUnpadded::encode_string(&found.keys.auth), SECRET);
            assert_eq!(found.target.origin(), "https://push.club.example");
        }
    }

    #[test]
    fn each_bad_part_is_named_and_nothing_of_it_is_quoted() {
        use BadSubscription::{Auth, Endpoint, Json, Long, Public};
        let url = Endpoint(Fault::Url);
        let compressed = Base64UrlUnpadded::encode_string(&[2; 33]);
        let hybrid = Base64UrlUnpadded::encode_string(&[6; POINT]);
        let cases = [
            (String::new(), Json),
            ("ann".to_owned(), Json),
            (format!("{} {{}}", subscription(ENDPOINT, PUBLIC, SECRET)), Json),
            ("[".repeat(4_000), Json),
            (subscription(&format!("{ENDPOINT}{}", "n".repeat(SUBSCRIPTION_MAX)), PUBLIC, SECRET), Long),
            ("{}".to_owned(), url),
            ("[]".to_owned(), url),
            (r#"{"endpoint":7}"#.to_owned(), url),
            (subscription("http://push.club.example/send/ann", PUBLIC, SECRET), Endpoint(Fault::Plain)),
            (subscription("ann", PUBLIC, SECRET), url),
            (format!(r#"{{"endpoint":"{ENDPOINT}"}}"#), Public),
            (format!(r#"{{"endpoint":"{ENDPOINT}","keys":"ann"}}"#), Public),
            (subscription(ENDPOINT, "ann", SECRET), Public),
            (subscription(ENDPOINT, "%", SECRET), Public),
            (subscription(ENDPOINT, &compressed, SECRET), Public),
            (subscription(ENDPOINT, &hybrid, SECRET), Public),
            (subscription(ENDPOINT, PUBLIC, "ann"), Auth),
            (subscription(ENDPOINT, PUBLIC, PUBLIC), Auth),
        ];
        for (text, wanted) in cases {
            assert_eq!(error(&text), Some(wanted), "{text}");
            assert!(!wanted.to_string().contains("ann"), "{wanted}");
        }
    }
}
