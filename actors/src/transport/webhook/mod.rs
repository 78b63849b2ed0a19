//! Letters as JSON to other people's programs, as Standard Webhooks describes it.

mod sign;

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_core::notify::{Blame, CalendarPart, Letter, SendOutcome, Transport};
use boxoffice_core::persist::Payload;
use boxoffice_core::time::Timestamp;
use hyper::header::{CONTENT_TYPE, HeaderName};
use serde::Serialize;

use super::name::stable_name;
use crate::clock::{Clock, SystemClock};
use crate::http::{Fault, HttpClient, HttpSetupError, Reply};

pub use sign::{WebhookKey, WebhookKeyError};

/// Which keys to sign with, by the address of the letter.
type KeysOf = Arc<dyn Fn(&str) -> Vec<WebhookKey> + Send + Sync>;

/// Posts letters as JSON to the URLs that they are addressed to, as [Standard Webhooks](https://www.standardwebhooks.com) says.
///
/// The body has `type` (the kind of the notice), `id`, `subject`, `text`, `data` and, with an invitation, `calendar`; it is the
/// same at every attempt. `webhook-id` is the notice id (its hash if it holds a full stop, a space, or what is not ASCII),
/// and receivers know a message again by it, so this transport counts as one that dedupes. `webhook-timestamp` is new at every
/// attempt. Redirects are not followed, and the body of an answer is not read.
///
/// | what happened | outcome |
/// | --- | --- |
/// | 2xx | `Ok` |
/// | 408, 429, 5xx | `Retry`, not before `Retry-After` (at most a day) |
/// | 3xx, 410 and all other 4xx; a URL that is not taken; a host without a public address | `Permanent` |
/// | no address, no connection, no TLS, no answer | `Retry` |
///
/// In all of it the letter is to blame and not the channel: the server is the recipient's own.
///
/// ```no_run
/// use boxoffice::transport::{WebhookKey, WebhookTransport};
///
/// let new: WebhookKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?;
/// let old: WebhookKey = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse()?;
/// // While keys are changed there is a signature of both.
/// let transport = WebhookTransport::new(vec![new, old])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WebhookTransport {
    client: HttpClient,
    keys: KeysOf,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for WebhookTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookTransport").field("client", &self.client).finish_non_exhaustive()
    }
}

impl WebhookTransport {
    /// Signs with all of these keys. See [`Self::with_keys_by`] where each receiver has its own.
    ///
    /// # Errors
    /// [`HttpSetupError`] when TLS cannot be set up.
    pub fn new(keys: Vec<WebhookKey>) -> Result<Self, HttpSetupError> {
        Ok(Self { client: HttpClient::new()?, keys: Arc::new(move |_| keys.clone()), clock: Arc::new(SystemClock) })
    }

    /// Asks for the keys by the URL of each letter: the newest first, and none if there is no such receiver.
    #[must_use]
    pub fn with_keys_by(self, keys: impl Fn(&str) -> Vec<WebhookKey> + Send + Sync + 'static) -> Self {
        Self { keys: Arc::new(keys), ..self }
    }

    /// Reaches receivers with this client. Default: [`HttpClient::new`].
    #[must_use]
    pub fn with_http(self, client: HttpClient) -> Self {
        Self { client, ..self }
    }

    /// Takes the time of each attempt from this clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    async fn post(&self, letter: &Letter) -> Result<Reply, Refusal> {
        let target = self.client.target(&letter.to).map_err(Refusal::Fault)?;
        let keys = (self.keys)(&letter.to);
        if keys.is_empty() {
            return Err(Refusal::NoKey);
        }
        let body = serde_json::to_string(&Body::of(letter)).map_err(|_| Refusal::Body)?;
        let id = stable_name(&letter.id, |id| id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.'));
        let seconds = self.clock.now().as_millis().div_euclid(1_000);
        let headers = [
            (CONTENT_TYPE, "application/json".to_owned()),
            (HeaderName::from_static("webhook-timestamp"), seconds.to_string()),
            (HeaderName::from_static("webhook-signature"), sign::signatures(&keys, &id, seconds, &body)),
            (HeaderName::from_static("webhook-id"), id),
        ];
        self.client.post(&target, &headers, body).await.map_err(Refusal::Fault)
    }
}

/// Why nobody answered.
enum Refusal {
    Fault(Fault),
    NoKey,
    Body,
}

/// What is posted.
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    id: &'a str,
    subject: &'a str,
    text: &'a str,
    data: &'a Payload,
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar: Option<&'a CalendarPart>,
}

impl<'a> Body<'a> {
    fn of(letter: &'a Letter) -> Self {
        let Letter { id, kind, subject, text, data, calendar, .. } = letter;
        Self { r#type: kind, id: id.as_str(), subject, text, data, calendar: calendar.as_ref() }
    }
}

#[async_trait]
impl Transport for WebhookTransport {
    fn dedupes(&self) -> bool {
        true
    }

    fn timeout(&self) -> Duration {
        self.client.timeout()
    }

    async fn send(&self, letter: &Letter) -> SendOutcome {
        let permanent = |reason: String| SendOutcome::Permanent { reason };
        match self.post(letter).await {
            Ok(reply) => outcome(&reply, self.clock.now()),
            Err(Refusal::Fault(fault @ (Fault::Url | Fault::Plain | Fault::Private))) => permanent(fault.to_string()),
            Err(Refusal::Fault(
                fault @ (Fault::Dns | Fault::Connect | Fault::ConnectTime | Fault::Tls | Fault::Broken),
            )) => retry(fault.to_string(), None),
            Err(Refusal::NoKey) => permanent("there is no key for this receiver".to_owned()),
            Err(Refusal::Body) => permanent("the letter has no JSON form".to_owned()),
        }
    }
}

fn retry(reason: String, after: Option<Duration>) -> SendOutcome {
    SendOutcome::Retry { reason, after, blame: Blame::Letter }
}

fn outcome(reply: &Reply, now: Timestamp) -> SendOutcome {
    let reason = format!("HTTP {}", reply.status);
    match reply.status {
        200..300 => SendOutcome::Ok { info: reason },
        300..400 => SendOutcome::Permanent { reason: format!("{reason}: redirects are not followed") },
        410 => SendOutcome::Permanent { reason: format!("{reason}: the receiver is gone") },
        408 | 429 | 500.. => retry(reason, reply.wait(now)),
        _ => SendOutcome::Permanent { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_outcome() {
        let cases = [
            (200, "ok"),
            (204, "ok"),
            (301, "permanent"),
            (304, "permanent"),
            (400, "permanent"),
            (401, "permanent"),
            (404, "permanent"),
            (408, "retry"),
            (410, "permanent"),
            (413, "permanent"),
            (429, "retry"),
            (500, "retry"),
            (503, "retry"),
            (599, "retry"),
        ];
        for (status, name) in cases {
            let reply = Reply { status, retry_after: Some("7".to_owned()) };
            let outcome = outcome(&reply, Timestamp::EPOCH);
            assert_eq!(outcome.name(), name, "{status}");
            if let SendOutcome::Retry { after, blame, .. } = outcome {
                assert_eq!((after, blame), (Some(Duration::from_secs(7)), Blame::Letter));
            }
        }
    }
}
