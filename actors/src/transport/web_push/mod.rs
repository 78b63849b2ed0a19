//! Letters to browsers, as Web Push carries them.

mod encrypt;
mod outcome;
mod payload;
mod subscription;
mod vapid;

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use async_trait::async_trait;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use boxoffice_core::id::NoticeId;
use boxoffice_core::notify::{Letter, SendOutcome, Transport};
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use sha2::{Digest as _, Sha256};

use self::outcome::Refusal;
use self::subscription::Subscription;
use crate::clock::{Clock, SystemClock};
use crate::http::{HttpClient, HttpSetupError, Reply, Target};

pub use vapid::{VapidKey, VapidKeyError};

/// Longest time that a push service is asked to keep a message: none of the big ones keeps any longer.
const TTL_MAX: Duration = Duration::from_secs(28 * 24 * 3_600);

/// Bytes of a hash that make a topic: 32 characters of base64url, the most that there may be (RFC 8030 section 5.4).
const TOPIC: usize = 24;

/// Longest contact, in bytes.
const CONTACT_MAX: usize = 254;

/// How soon a device that saves its battery should be woken (RFC 8030 section 5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PushUrgency {
    /// With power and Wi-Fi: advertisements.
    VeryLow,
    /// With power or Wi-Fi: a digest.
    Low,
    /// With neither: chat and calendars.
    #[default]
    Normal,
    /// With a low battery: what cannot wait.
    High,
}

impl PushUrgency {
    fn as_str(self) -> &'static str {
        match self {
            Self::VeryLow => "very-low",
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

/// What a push service is asked to do with a letter while the browser is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushHandling {
    /// How long to keep it: whole seconds, at most 28 days, zero for not at all. Default: 24 hours.
    pub ttl: Duration,
    /// How soon to wake the device. Default: normal.
    pub urgency: PushUrgency,
}

impl Default for PushHandling {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(24 * 3_600), urgency: PushUrgency::default() }
    }
}

/// Why there is no such transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebPushSetupError {
    /// The contact is neither a `mailto:` nor an `https:` URL of at most 254 bytes.
    #[error("the contact is neither a mailto: nor an https: URL of at most 254 bytes")]
    Contact,
    /// TLS cannot be set up.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
}

/// How a letter is handled, by the letter.
type HandlingOf = Arc<dyn Fn(&Letter) -> PushHandling + Send + Sync>;

/// Sends letters to browsers through their push services (RFC 8030), encrypted for the browser alone (RFC 8291), and
/// signed with the [`VapidKey`] that it subscribed with (RFC 8292).
///
/// *The address* of a letter is the browser's `PushSubscription` as JSON, of at most 4 KiB:
/// `{"endpoint": "https://…", "keys": {"p256dh": "…", "auth": "…"}}`. Other members are passed over.
///
/// *The message* is JSON for the service worker: `id`, `type` (the kind of the notice), `title` (the subject), `body`
/// (the text) and `data`, in at most 3,993 bytes, as more than that need not be taken. What is longer loses the end of
/// its text, and an ellipsis stands there; `data` is left out where it would leave less than 256 bytes to the text;
/// last of all the subject is cut. HTML, invitations and addresses to unsubscribe at are not carried. The length of a
/// message is not hidden.
///
/// *While the browser is away* the push service keeps the message as long as [`PushHandling`] says: a day, unless
/// [told otherwise](Self::with_handling_by). `Topic` is a hash of the notice id, so that a letter which is sent again
/// replaces one that still waits. One that was shown already is shown twice (unless the service worker uses `id` as the
/// `tag` of what it shows), so this transport does not dedupe.
///
/// | what happened | outcome |
/// | --- | --- |
/// | 2xx | `Ok` |
/// | 404, 410: the subscription is gone | `Permanent` |
/// | 3xx, 400, 413 and all other 4xx | `Permanent` |
/// | a subscription that cannot be read; a host without a public address | `Permanent` |
/// | 401, 403: the VAPID key is refused | `Retry`, the channel is to blame |
/// | 408, 429, 5xx | `Retry`, not before `Retry-After` (at most a day) |
/// | no address, no connection, no TLS | `Retry` |
/// | no answer after the request was begun | `Uncertain` |
///
/// A browser that subscribed with another key is answered 403 too: five such letters in a row, with none between that
/// goes through, stop the channel for a few seconds. The host is the subscriber's choice, so all else is blamed on the
/// letter.
///
/// ```no_run
/// use boxoffice::transport::{PushHandling, PushUrgency, VapidKey, WebPushTransport};
/// use std::time::Duration;
///
/// let key = VapidKey::from_pem("-----BEGIN PRIVATE KEY-----\n…")?;
/// let transport = WebPushTransport::new(key, "mailto:tickets@club.example")?.with_handling_by(|letter| {
///     match letter.kind.as_str() {
///         // Of no use after its five minutes.
///         "hold_lapsing" => PushHandling { ttl: Duration::from_secs(300), urgency: PushUrgency::High },
///         _ => PushHandling::default(),
///     }
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WebPushTransport {
    client: HttpClient,
    key: VapidKey,
    contact: String,
    handling: HandlingOf,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for WebPushTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebPushTransport").field("client", &self.client).finish_non_exhaustive()
    }
}

impl WebPushTransport {
    /// Signs with this key. `contact` tells push services whom to turn to: a `mailto:` or `https:` URL.
    ///
    /// # Errors
    /// [`WebPushSetupError`] when the contact is something else, or TLS cannot be set up.
    pub fn new(key: VapidKey, contact: impl Into<String>) -> Result<Self, WebPushSetupError> {
        let contact = contact.into();
        if !is_contact(&contact) {
            return Err(WebPushSetupError::Contact);
        }
        Ok(Self {
            client: HttpClient::new()?,
            key,
            contact,
            handling: Arc::new(|_| PushHandling::default()),
            clock: Arc::new(SystemClock),
        })
    }

    /// Asks how each letter is to be handled. Default: [`PushHandling::default`] for all.
    #[must_use]
    pub fn with_handling_by(self, handling: impl Fn(&Letter) -> PushHandling + Send + Sync + 'static) -> Self {
        Self { handling: Arc::new(handling), ..self }
    }

    /// Reaches push services with this client. Default: [`HttpClient::new`].
    #[must_use]
    pub fn with_http(self, client: HttpClient) -> Self {
        Self { client, ..self }
    }

    /// Takes the time of each attempt from this clock. Tokens are good for 12 hours from it.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    async fn post(&self, letter: &Letter) -> Result<Reply, Refusal> {
        let Subscription { target, keys } =
            Subscription::parse(&letter.to, &self.client).map_err(Refusal::Subscription)?;
        let plaintext = payload::payload(letter).ok_or(Refusal::Letter)?;
        let message = encrypt::encrypt(&keys, &plaintext).map_err(Refusal::Encryption)?;
        let headers = self.headers(letter, &target)?;
        self.client.post(&target, &headers, message).await.map_err(Refusal::Fault)
    }

    fn headers(&self, letter: &Letter, target: &Target) -> Result<[(HeaderName, String); 6], Refusal> {
        let PushHandling { ttl, urgency } = (self.handling)(letter);
        let authorization = self.key.authorization(target, &self.contact, self.clock.now());
        Ok([
            (CONTENT_TYPE, "application/octet-stream".to_owned()),
            (CONTENT_ENCODING, "aes128gcm".to_owned()),
            (HeaderName::from_static("ttl"), ttl.min(TTL_MAX).as_secs().to_string()),
            (HeaderName::from_static("urgency"), urgency.as_str().to_owned()),
            (HeaderName::from_static("topic"), topic(&letter.id)),
            (AUTHORIZATION, authorization.ok_or(Refusal::Signature)?),
        ])
    }
}

#[async_trait]
impl Transport for WebPushTransport {
    fn timeout(&self) -> Duration {
        self.client.timeout()
    }

    async fn send(&self, letter: &Letter) -> SendOutcome {
        match self.post(letter).await {
            Ok(reply) => outcome::answered(&reply, self.clock.now()),
            Err(refusal) => outcome::refused(refusal),
        }
    }
}

/// What messages of the same notice have in common, and tells nothing of it.
fn topic(id: &NoticeId) -> String {
    let hash: Vec<u8> = Sha256::digest(id.as_str().as_bytes()).iter().take(TOPIC).copied().collect();
    Base64UrlUnpadded::encode_string(&hash)
}

/// Push services refuse tokens whose `sub` is not one of these, some of them with a blank in it.
fn is_contact(contact: &str) -> bool {
    let is_mail = || {
        let address = contact.strip_prefix("mailto:").and_then(|address| address.split_once('@'));
        address.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
    };
    let is_plain = contact.len() <= CONTACT_MAX && contact.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain && (is_mail() || Target::parse(contact).is_ok_and(|target| target.is_tls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_short_the_same_at_every_call_and_differs_between_ids() {
        let [one, other] = ["reminder-1", "reminder-2"].map(|id| NoticeId::new(id).unwrap());
        assert_eq!(topic(&one), "bmVhfJVzwoC6v3f2cH81jX1JWZbFi1hq");
        assert_eq!(topic(&one).len(), 32);
        assert_ne!(topic(&one), topic(&other));
    }

    #[test]
    fn a_contact_is_a_mail_address_or_a_page() {
        for contact in ["mailto:tickets@club.example", "https://club.example/contact", "https://club.example"] {
            assert!(is_contact(contact), "{contact}");
        }
        let long = format!("mailto:ann@{}", "x".repeat(CONTACT_MAX));
        let bad = ["", "tickets@club.example", "mailto:", "mailto:@", "mailto:ann", "mailto: ann@club.example", &long];
        for contact in bad.into_iter().chain(["http://club.example", "https://", "https://club.example/ü"]) {
            assert!(!is_contact(contact), "{contact}");
        }
    }
}
