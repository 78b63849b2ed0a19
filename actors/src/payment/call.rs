//! One request to a gateway's API.

use boxoffice_core::ticket::payment::GatewayError;
use hyper::Method;
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderName};
use serde::de::DeserializeOwned;

use super::secret::GatewaySecret;
use super::{BODY_MAX, place, refused, unavailable};
use crate::http::{Answer, HttpClient, HttpSetupError, Target};

/// The longest code of a gateway that is repeated, in characters.
const CODE_MAX: usize = 64;

/// The API of a gateway.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) client: HttpClient,
    /// Without a slash at its end.
    pub(super) url: String,
    pub(super) key: GatewaySecret,
    /// The code in the body of a refusal.
    pub(super) code_of: fn(&[u8]) -> Option<String>,
}

/// A request.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: &'a str,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Vec<u8>,
}

/// What the gateway did: that, or nothing, with the status and code of its refusal.
pub(super) enum Heard {
    Done(Vec<u8>),
    No { status: u16, code: String },
}

impl Heard {
    /// A refusal as an error.
    pub(super) fn done(self) -> Result<Vec<u8>, GatewayError> {
        match self {
            Self::Done(body) => Ok(body),
            Self::No { status, code } => Err(refusal(status, &code)),
        }
    }
}

pub(super) fn refusal(status: u16, code: &str) -> GatewayError {
    match status {
        // A key that was revoked or is not allowed this, or a hurry: somebody mends it, and orders wait until then.
        401 | 403 | 425 | 429 => unavailable(format!("HTTP {status}")),
        _ if code.is_empty() => refused(format!("HTTP {status}")),
        _ => refused(format!("HTTP {status}: {code}")),
    }
}

impl Api {
    /// Reached at this URL instead.
    pub(super) fn at(self, url: &str) -> Result<Self, HttpSetupError> {
        let url = url.trim_end_matches('/');
        if Target::parse(url).is_ok_and(|target| target.is_origin()) {
            Ok(Self { url: url.to_owned(), ..self })
        } else {
            Err(HttpSetupError::Url)
        }
    }

    /// Makes a request. What leaves open whether it was carried out is an error; what says that it was not is none.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Heard, GatewayError> {
        let Call { method, path, mut headers, body } = call;
        let target = self.client.target(&format!("{}{path}", self.url));
        let target = target.map_err(|fault| unavailable(fault.to_string()))?;
        headers.push((ACCEPT, "application/json".to_owned()));
        headers.push((AUTHORIZATION, format!("Bearer {}", self.key.text())));
        let answer = self.client.exchange(&method, &target, &headers, body, BODY_MAX).await;
        let Answer { status, headers, body } = answer.map_err(|no| unavailable(no.to_string()))?;
        let heard = match status {
            200..300 => Ok(Heard::Done(body)),
            408 | 500.. => Err(unavailable(format!("HTTP {status}"))),
            400..500 => {
                Ok(Heard::No { status, code: (self.code_of)(&body).map(|code| bounded(&code)).unwrap_or_default() })
            }
            _ => Err(unavailable(format!("HTTP {status}: redirects are not followed"))),
        };
        // By this name the gateway's own log can be asked.
        let request = headers.get("request-id").and_then(|id| id.to_str().ok()).map(bounded);
        tracing::debug!(%method, status, request, "asked");
        heard
    }
}

/// Reads an answer.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, GatewayError> {
    serde_json::from_slice(body)
        .map_err(|error| unavailable(format!("an answer that cannot be read at {}", place(&error))))
}

/// A code that may be logged.
fn bounded(code: &str) -> String {
    code.chars().filter(|c| !c.is_control()).take(CODE_MAX).collect()
}

/// An id as a segment of a path. What is no plain name could lead elsewhere.
pub(super) fn segment(id: &str) -> Result<&str, GatewayError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if id.bytes().all(is_plain) && !id.is_empty() { Ok(id) } else { Err(refused("an id that is none of this gateway")) }
}

/// `application/x-www-form-urlencoded`: everything but letters, digits and `-_.` of a value is escaped; names are taken as they are.
pub(super) fn form(fields: &[(&str, String)]) -> String {
    let pairs = fields.iter().map(|(name, value)| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let escaped =
            value.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
        format!("{name}={}", escaped.collect::<String>())
    });
    pairs.collect::<Vec<_>>().join("&")
}
