//! The way to peers.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_core::federation::{
    ETag, LinkError, LinkFault, Peer, PeerLink, PeerMessage, PeerName, PeerReply, PeerUrl, Pulled,
};
use hyper::header::{ACCEPT, CONTENT_TYPE, ETAG, HOST, HeaderName, IF_NONE_MATCH, RETRY_AFTER};
use hyper::{Method, Request, Uri};

use super::components::{Asked, single};
use super::digest::{CONTENT_DIGEST, content_digest};
use super::key::{LinkKey, nonce};
use super::profile::{Came, JSON, TO, check_answer, sign_request};
use super::signature::{INPUT, SIGNATURE, Unproven};
use super::{FEED, MESSAGES, SKEW, seconds};
use crate::clock::{Clock, SystemClock};
use crate::http::{Answer, Fault, HttpClient, HttpSetupError, NoAnswer, Target, retry_after};

/// The longest wait that an answer can ask for. Nobody has signed that.
const AFTER_MAX: Duration = Duration::from_secs(3_600);

/// What a peer most likely means by them; nobody has signed that either.
const STRANGER: &str = "status 401: the peer does not know us or not this key, or the clocks are apart";
const NOT_TRUSTED: &str = "status 403: the peer knows us, and does not trust us yet or grants us no feed";

/// The way to peers over HTTP, each request and each answer signed as [RFC 9421](https://www.rfc-editor.org/rfc/rfc9421) says.
///
/// | what happened | fault |
/// | --- | --- |
/// | a URL that is not taken; no address, or none of the public internet; no connection; no TLS | unreachable |
/// | no answer in time | timed out |
/// | an answer over the limit | too large |
/// | an answer that is not signed by the pinned key, or not in answer to this request | bad signature |
/// | a signed answer that is none | malformed |
/// | 3xx, 4xx | refused |
/// | 408, 429, 5xx | unavailable, until `Retry-After` (at most an hour) |
///
/// See [the room](super) for what is signed.
///
/// ```no_run
/// use boxoffice::federation::PeerName;
/// use boxoffice::federation::http::{HttpLink, LinkKey};
/// use std::{path::Path, sync::Arc};
///
/// let key = Arc::new(LinkKey::read(Path::new("peer.key"))?);
/// let link = HttpLink::new(PeerName::new("club.example")?, key)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct HttpLink {
    us: PeerName,
    key: Arc<LinkKey>,
    client: HttpClient,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for HttpLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { us, client, .. } = self;
        let mut shown = f.debug_struct("HttpLink");
        shown.field("us", us).field("client", client).finish_non_exhaustive()
    }
}

impl HttpLink {
    /// Signs with this key, under this name.
    ///
    /// # Errors
    /// [`HttpSetupError`] when TLS cannot be set up.
    pub fn new(us: PeerName, key: Arc<LinkKey>) -> Result<Self, HttpSetupError> {
        Ok(Self { us, key, client: HttpClient::new()?, clock: Arc::new(SystemClock) })
    }

    /// Reaches peers with this client. Default: [`HttpClient::new`].
    #[must_use]
    pub fn with_http(self, client: HttpClient) -> Self {
        Self { client, ..self }
    }

    /// Takes the time of signatures from this clock. Default: that of the machine.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    fn now(&self) -> (i64, i64) {
        (seconds(self.clock.now()), i64::try_from(SKEW.as_secs()).unwrap_or(i64::MAX))
    }

    /// Asks, and gives the answer with what it must be bound to.
    async fn ask(&self, peer: &Peer, call: Call<'_>, body_max: usize) -> Result<(Answer, Asked), LinkError> {
        let (target, authority, path) = self.place(&peer.url, call.path)?;
        let mut headers = vec![(HeaderName::from_static(TO), peer.name.to_string()), (ACCEPT, JSON.to_owned())];
        if let Some(etag) = call.have {
            headers.push((IF_NONE_MATCH, etag.to_string()));
        }
        if !call.body.is_empty() {
            headers.push((CONTENT_TYPE, JSON.to_owned()));
            headers.push((HeaderName::from_static(CONTENT_DIGEST), content_digest(call.body.as_bytes())));
        }
        let asked = self.sign(&call.method, &path, &authority, &mut headers);
        let asked = asked.ok_or_else(|| LinkError::new(LinkFault::Unreachable, "the request cannot be signed"))?;
        let answer = self.client.exchange(&call.method, &target, &headers, call.body, body_max).await;
        Ok((answer.map_err(no_answer)?, asked))
    }

    /// Where to, the authority as it is signed, and the path.
    fn place(&self, url: &PeerUrl, last: &str) -> Result<(Target, String, String), LinkError> {
        let fail = |fault| no_answer(NoAnswer::Fault(fault));
        let target = self.client.target(url.as_str()).map_err(fail)?;
        let uri: Uri = url.as_str().parse().map_err(|_| fail(Fault::Url))?;
        if uri.query().is_some() {
            return Err(LinkError::new(LinkFault::Unreachable, "a URL with a question mark"));
        }
        let (origin, path) = (target.origin(), format!("{}/{last}", uri.path().trim_end_matches('/')));
        let authority = origin.split_once("://").map_or("", |(_, authority)| authority).to_owned();
        let target = self.client.target(&format!("{origin}{path}")).map_err(fail)?;
        Ok((target, authority, path))
    }

    /// Puts a signature behind the headers.
    fn sign(
        &self,
        method: &Method,
        path: &str,
        authority: &str,
        headers: &mut Vec<(HeaderName, String)>,
    ) -> Option<Asked> {
        let request = Request::builder().method(method).uri(path).header(HOST, authority);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let (parts, ()) = request.body(()).ok()?.into_parts();
        let (signed, asked) = sign_request(&parts, &self.us, &self.key, &nonce().ok()?, self.now())?;
        headers.push((HeaderName::from_static(SIGNATURE), signed.header()));
        headers.push((HeaderName::from_static(INPUT), signed.input));
        Some(asked)
    }

    /// Whether this answer is to be read, and proven to be the peer's.
    fn prove(&self, answer: &Answer, asked: &Asked, peer: &Peer) -> Result<(), LinkError> {
        let Answer { status, ref headers, ref body } = *answer;
        match status {
            200 | 304 => {
                let came = Came { status, headers, body };
                check_answer(came, asked, peer, self.now()).map_err(unproven)
            }
            408 | 429 | 500.. => {
                let after = single(headers, RETRY_AFTER.as_str());
                let after = after.and_then(|after| retry_after(after, self.clock.now()));
                let retry_after = after.map(|after| after.min(AFTER_MAX));
                Err(LinkError { retry_after, ..LinkError::new(LinkFault::Unavailable, format!("status {status}")) })
            }
            300..400 => Err(LinkError::new(LinkFault::Refused, format!("status {status}: no redirect is followed"))),
            401 => Err(LinkError::new(LinkFault::Refused, STRANGER)),
            403 => Err(LinkError::new(LinkFault::Refused, NOT_TRUSTED)),
            400..500 => Err(LinkError::new(LinkFault::Refused, format!("status {status}"))),
            _ => Err(LinkError::new(LinkFault::Malformed, format!("status {status}"))),
        }
    }
}

/// What is asked.
#[derive(Debug)]
struct Call<'a> {
    method: Method,
    path: &'static str,
    have: Option<&'a ETag>,
    body: String,
}

#[async_trait]
impl PeerLink for HttpLink {
    async fn pull(&self, peer: &Peer, have: Option<&ETag>, bytes_max: usize) -> Result<Pulled, LinkError> {
        let call = Call { method: Method::GET, path: FEED, have, body: String::new() };
        let (answer, asked) = self.ask(peer, call, bytes_max).await?;
        self.prove(&answer, &asked, peer)?;
        let etag = single(&answer.headers, ETAG.as_str()).and_then(|etag| ETag::new(etag).ok());
        match (answer.status, have) {
            (200, _) => Ok(Pulled::Feed { bytes: answer.body, etag }),
            (304, Some(_)) if etag.as_ref() == have => Ok(Pulled::NotModified),
            _ => Err(LinkError::new(LinkFault::Malformed, "not modified, but not the feed that we have")),
        }
    }

    async fn send(&self, peer: &Peer, message: &PeerMessage) -> Result<PeerReply, LinkError> {
        let call = Call { method: Method::POST, path: MESSAGES, have: None, body: message.to_json() };
        let (answer, asked) = self.ask(peer, call, PeerMessage::BYTES_MAX).await?;
        self.prove(&answer, &asked, peer)?;
        let malformed = |reason: String| LinkError::new(LinkFault::Malformed, reason);
        let reply = PeerReply::read(&answer.body).map_err(|error| malformed(error.to_string()))?;
        if reply.answers(message) { Ok(reply) } else { Err(malformed("an answer to something else".to_owned())) }
    }
}

fn unproven(error: Unproven) -> LinkError {
    LinkError::new(LinkFault::BadSignature, error.to_string())
}

fn no_answer(error: NoAnswer) -> LinkError {
    let fault = match error {
        NoAnswer::Slow | NoAnswer::Fault(Fault::ConnectTime) => LinkFault::TimedOut,
        NoAnswer::Long => LinkFault::TooLarge,
        NoAnswer::Fault(_) => LinkFault::Unreachable,
    };
    LinkError::new(fault, error.to_string())
}
