//! What peers ask of us.

use core::fmt;
use core::sync::atomic::{AtomicI64, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use boxoffice_core::federation::{ETag, Peer, PeerKey, PeerMessage, PeerName};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};

use super::components::{Asked, single};
use super::digest::{CONTENT_DIGEST, content_digest};
use super::key::LinkKey;
use super::nonces::{Nonces, Taken};
use super::profile::{Claimed, JSON, sign_answer};
use super::signature::{INPUT, SIGNATURE, Unproven};
use super::{FEED, MESSAGES, SKEW, seconds};
use crate::clock::{Clock, SystemClock};
use crate::error::BoxOfficeError;
use crate::federation::{Federation, FeedAnswer};

/// Requests of one peer that are remembered.
const REQUESTS_MAX: usize = 16_384;

/// Answers what peers ask over HTTP: proves who asks, has the [`Federation`] decide, and signs the answer.
///
/// | answer | when | signed |
/// | --- | --- | --- |
/// | 200 | the feed; the reply to a message, whatever it came to | yes |
/// | 304 | the feed is the one that the peer has | yes |
/// | 400 | the message cannot be read | yes |
/// | 401 | who asks is not proven, or not known, or this very request was taken before | no |
/// | 403 | the peer may not read the feed | yes |
/// | 404, 405 | there is nothing else here | no |
/// | 413 | the body is over [`PeerMessage::BYTES_MAX`] | no |
/// | 429 | the peer asks too often: more than 16,384 of its requests are remembered, which is 27 a second | yes |
/// | 503 | it could not be decided: the peer asks again | yes |
///
/// What was taken is remembered in memory for as long as its signature is fresh, which is 5 minutes. After a start it may be taken
/// once more. That gives the same answer, unless it was refused for lack of trust or as not public: nothing was decided then, and
/// it is looked at anew. See [`Federation::receive`].
///
/// Who asks is looked up in memory. Only when that does not prove it the store is asked, and once a second at most: for so long a
/// peer that another process has just added to it may be answered 401.
///
/// ```no_run
/// use boxoffice::federation::Federation;
/// use boxoffice::federation::http::{LinkKey, PeerServer};
/// use std::{path::Path, sync::Arc};
///
/// # fn example(federation: Federation) -> Result<(), Box<dyn std::error::Error>> {
/// let key = Arc::new(LinkKey::read(Path::new("peer.key"))?);
/// let server = PeerServer::new(federation, key);
/// # Ok(()) }
/// ```
pub struct PeerServer {
    federation: Federation,
    key: Arc<LinkKey>,
    clock: Arc<dyn Clock>,
    nonces: Mutex<Nonces>,
    /// When the store was last asked for peers that are not known in memory, in seconds.
    asked_at: AtomicI64,
}

impl fmt::Debug for PeerServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerServer").field("us", self.federation.name()).finish_non_exhaustive()
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
enum Door {
    Feed,
    Messages,
}

impl Door {
    fn method(self) -> Method {
        match self {
            Self::Feed => Method::GET,
            Self::Messages => Method::POST,
        }
    }
}

/// What is answered, before it is signed.
#[derive(Debug)]
struct Said {
    status: StatusCode,
    /// JSON, if anything.
    body: Bytes,
    etag: Option<ETag>,
    after: Option<Duration>,
}

impl Said {
    fn only(status: StatusCode) -> Self {
        Self { status, body: Bytes::new(), etag: None, after: None }
    }
}

/// A request of a known peer.
#[derive(Debug)]
struct Proven {
    from: PeerName,
    key: PeerKey,
    asked: Asked,
    /// Too many before it are remembered.
    is_too_much: bool,
}

impl PeerServer {
    /// Answers for this federation, signing with this key.
    pub fn new(federation: Federation, key: Arc<LinkKey>) -> Self {
        let (clock, nonces, asked_at) = (Arc::new(SystemClock), Mutex::default(), AtomicI64::new(i64::MIN));
        Self { federation, key, clock, nonces, asked_at }
    }

    /// Takes the time of signatures from this clock. Default: that of the machine.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Answers a request whose body was read as a whole. Only the last part of its path counts here.
    ///
    /// Read no body longer than [`PeerMessage::BYTES_MAX`].
    pub async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        let door = match door(&parts) {
            Ok(door) => door,
            Err(status) => return bare(status),
        };
        if body.len() > PeerMessage::BYTES_MAX {
            return bare(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let proven = match self.prove(&parts, &body).await {
            Ok(proven) => proven,
            Err(status) => return bare(status),
        };
        let said = match door {
            _ if proven.is_too_much => Said { after: Some(SKEW), ..Said::only(StatusCode::TOO_MANY_REQUESTS) },
            Door::Feed => self.feed(&parts, &proven).await,
            Door::Messages => self.message(&body, &proven).await,
        };
        tracing::debug!(peer = %proven.from, ?door, status = said.status.as_u16(), "a peer was answered");
        self.signed(said, &proven.asked)
    }

    fn now(&self) -> (i64, i64) {
        (seconds(self.clock.now()), i64::try_from(SKEW.as_secs()).unwrap_or(i64::MAX))
    }

    /// Who asks, if it is a peer that is known, and asks this for the first time.
    async fn prove(&self, parts: &Parts, body: &[u8]) -> Result<Proven, StatusCode> {
        let denied = |error: Unproven| {
            tracing::debug!(%error, "a request was not proven");
            StatusCode::UNAUTHORIZED
        };
        let (now, skew) = self.now();
        let claimed = Claimed::read(parts, self.federation.name(), (now, skew)).map_err(denied)?;
        let Claimed { from, created, nonce, .. } = &claimed;
        // What is in memory will do for most; a stranger is not to make us ask the store each time.
        let mut peer = self.federation.known_peer(from);
        let mut proven = self.prove_by(peer.as_ref(), &claimed, parts, body);
        if proven.is_err() && self.asked_at.fetch_max(now, Ordering::Relaxed) < now {
            peer = self.federation.peer(from).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
            proven = self.prove_by(peer.as_ref(), &claimed, parts, body);
        }
        let (key, asked) = proven.map_err(denied)?;
        let from = from.clone();
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        let is_too_much = match nonces.take(&from, *created, nonce, now.saturating_sub(skew), REQUESTS_MAX) {
            Taken::Fresh => false,
            Taken::Full => true,
            Taken::Again => {
                tracing::info!(peer = %from, "a request was repeated by somebody");
                return Err(StatusCode::UNAUTHORIZED);
            }
        };
        Ok(Proven { from, key, asked, is_too_much })
    }

    /// Whether a peer has signed this, and with which key. For a name that is not known it takes as long: which ones are is
    /// nobody's business.
    fn prove_by(
        &self,
        peer: Option<&Peer>,
        claimed: &Claimed,
        parts: &Parts,
        body: &[u8],
    ) -> Result<(PeerKey, Asked), Unproven> {
        let key = peer.map_or_else(|| self.key.public(), |peer| peer.key);
        let asked = claimed.prove(parts, body, &key)?;
        if peer.is_some() { Ok((key, asked)) } else { Err(Unproven::Unknown) }
    }

    async fn feed(&self, parts: &Parts, proven: &Proven) -> Said {
        let have = single(&parts.headers, IF_NONE_MATCH.as_str()).and_then(|etag| ETag::new(etag).ok());
        match self.federation.feed_for(&proven.from, &proven.key, have.as_ref()).await {
            Ok(FeedAnswer::NotAllowed) => Said::only(StatusCode::FORBIDDEN),
            Ok(FeedAnswer::NotModified(etag)) => Said { etag: Some(etag), ..Said::only(StatusCode::NOT_MODIFIED) },
            Ok(FeedAnswer::Feed(feed)) => {
                let (body, etag) = (Bytes::copy_from_slice(feed.json.as_bytes()), Some(feed.etag.clone()));
                Said { body, etag, ..Said::only(StatusCode::OK) }
            }
            Err(error) => undecided(&error),
        }
    }

    async fn message(&self, body: &[u8], proven: &Proven) -> Said {
        let Ok(message) = PeerMessage::read(body) else { return Said::only(StatusCode::BAD_REQUEST) };
        match self.federation.receive(&proven.from, &proven.key, message).await {
            Ok(reply) => Said { body: reply.to_json().into(), ..Said::only(StatusCode::OK) },
            Err(error) => undecided(&error),
        }
    }

    /// What is said, signed as the answer to what was asked.
    fn signed(&self, said: Said, asked: &Asked) -> Response<Bytes> {
        let Said { status, body, etag, after } = said;
        let mut headers = HeaderMap::new();
        if status != StatusCode::NOT_MODIFIED {
            put(&mut headers, CONTENT_TYPE, JSON);
            put(&mut headers, HeaderName::from_static(CONTENT_DIGEST), &content_digest(&body));
        }
        if let Some(etag) = etag {
            put(&mut headers, ETAG, etag.as_str());
        }
        if let Some(after) = after {
            put(&mut headers, RETRY_AFTER, &after.as_millis().div_ceil(1_000).to_string());
        }
        let key = (&*self.key, self.now().0);
        let Some(signed) = sign_answer(status.as_u16(), &headers, asked, self.federation.name(), key) else {
            return bare(StatusCode::INTERNAL_SERVER_ERROR);
        };
        put(&mut headers, HeaderName::from_static(INPUT), &signed.input);
        put(&mut headers, HeaderName::from_static(SIGNATURE), &signed.header());
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// What is asked for, by the last part of the path.
fn door(parts: &Parts) -> Result<Door, StatusCode> {
    let last = parts.uri.path().rsplit('/').next().unwrap_or_default();
    let door = match last {
        FEED => Door::Feed,
        MESSAGES => Door::Messages,
        _ => return Err(StatusCode::NOT_FOUND),
    };
    match parts.uri.query() {
        Some(_) => Err(StatusCode::NOT_FOUND),
        None if parts.method != door.method() => Err(StatusCode::METHOD_NOT_ALLOWED),
        None => Ok(door),
    }
}

/// An answer that says nothing more, and is not signed.
pub(super) fn bare(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// An answer to be asked for again.
fn undecided(error: &BoxOfficeError) -> Said {
    tracing::warn!(%error, "a peer could not be answered");
    let after = if let BoxOfficeError::Busy { retry_after } | BoxOfficeError::Failing { retry_after } = error {
        Some(*retry_after)
    } else {
        None
    };
    Said { after, ..Said::only(StatusCode::SERVICE_UNAVAILABLE) }
}

/// Everything that is put here is visible ASCII.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
