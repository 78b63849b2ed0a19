//! One POST over HTTP/1.1, to an address that was looked at before it is connected to.

mod address;

use core::convert::Infallible;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;

use boxoffice_core::time::Timestamp;
use futures_util::future::{Either, select};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderName, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, Error as TlsError, RootCertStore};

use self::address::is_public;

/// Most bytes of the head of an answer that are read. Its body is not read at all.
const HEAD_MAX: usize = 16 * 1_024;

/// The longest wait that a receiver may ask for.
const AFTER_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Where to.
#[derive(Debug)]
pub(super) struct Target {
    uri: Uri,
    host: String,
    port: u16,
    is_tls: bool,
}

/// What a receiver said.
#[derive(Debug)]
pub(super) struct Reply {
    pub status: u16,
    pub retry_after: Option<String>,
}

impl Reply {
    /// How long the receiver asks to be left alone, at most a day.
    pub(super) fn wait(&self, now: Timestamp) -> Option<Duration> {
        self.retry_after.as_deref().and_then(|value| wait(value, now))
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110 section 10.2.3).
fn wait(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let date = || {
        let instant = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
        Some(Timestamp::from_millis(instant.as_millisecond()).saturating_since(now))
    };
    let seconds = value.parse().ok().map(Duration::from_secs);
    seconds.or_else(date).map(|wait| wait.min(AFTER_MAX))
}

/// Why a POST had no answer. Names no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("not an https: URL with a host, and without a user")]
    Url,
    #[error("the host has no public address")]
    Private,
    #[error("the host has no address")]
    Dns,
    #[error("the host cannot be reached")]
    Connect,
    #[error("the host cannot be reached in time")]
    ConnectTime,
    #[error("the host is not trusted, or speaks no TLS")]
    Tls,
    /// The request was begun, and may have been taken: of all these, only here.
    #[error("the host gave no answer")]
    Broken,
}

impl Target {
    /// Takes `https:`, and `http:` where that is allowed.
    pub(super) fn parse(url: &str, allow_plain: bool) -> Result<Self, Fault> {
        let uri: Uri = url.parse().map_err(|_| Fault::Url)?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if allow_plain => false,
            _ => return Err(Fault::Url),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or(Fault::Url)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        if host.is_empty() { Err(Fault::Url) } else { Ok(Self { uri, host, port, is_tls }) }
    }

    /// Scheme, host and port, in lower case and without the usual port (RFC 6454 section 6.2).
    #[cfg(feature = "web-push")]
    pub(super) fn origin(&self) -> String {
        let (scheme, usual) = if self.is_tls { ("https", 443) } else { ("http", 80) };
        let host = self.uri.host().unwrap_or_default().to_ascii_lowercase();
        if self.port == usual { format!("{scheme}://{host}") } else { format!("{scheme}://{host}:{}", self.port) }
    }

    /// The addresses that may be connected to. A name may have others at the next question, so these are the ones to use.
    async fn addresses(&self, allow_private: bool) -> Result<Vec<SocketAddr>, Fault> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await.map_err(|_| Fault::Dns)?;
        let found: Vec<SocketAddr> = found.collect();
        let public: Vec<SocketAddr> = found.iter().copied().filter(|at| allow_private || is_public(at.ip())).collect();
        match (found.is_empty(), public.is_empty()) {
            (true, _) => Err(Fault::Dns),
            (false, true) => Err(Fault::Private),
            (false, false) => Ok(public),
        }
    }

    /// Tries one address after the other, each for its share of the time: one that swallows everything is not the end.
    async fn connect(&self, allow_private: bool, limit: Duration) -> Result<TcpStream, Fault> {
        let addresses = self.addresses(allow_private).await?;
        let share = limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        for address in addresses {
            if let Ok(Ok(stream)) = tokio::time::timeout(share, TcpStream::connect(address)).await {
                return Ok(stream);
            }
        }
        Err(Fault::Connect)
    }
}

/// Makes requests. Follows no redirects, takes no proxy from the environment, keeps no connection.
pub(super) struct Client {
    tls: TlsConnector,
    pub allow_private: bool,
    pub connect_timeout: Duration,
}

impl Client {
    /// Trusts the authorities that Mozilla does, and these, in PEM.
    pub(super) fn new(connect_timeout: Duration, more: &[u8]) -> Result<Self, TlsError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for certificate in CertificateDer::pem_slice_iter(more) {
            roots.add(certificate.map_err(|_| TlsError::General("not in PEM".to_owned()))?)?;
        }
        // The provider is named: with another one in the build as well there would be no default.
        if !more.is_empty() && roots.len() == webpki_roots::TLS_SERVER_ROOTS.len() {
            return Err(TlsError::General("no certificate".to_owned()));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), allow_private: false, connect_timeout })
    }

    /// The same, but trusting these authorities besides those that Mozilla does.
    pub(super) fn trusting(self, more: &[u8]) -> Result<Self, TlsError> {
        Ok(Self { tls: Self::new(self.connect_timeout, more)?.tls, ..self })
    }

    /// Posts, and reads the head of the answer.
    pub(super) async fn post(
        &self,
        target: &Target,
        headers: &[(HeaderName, String)],
        body: impl Into<Bytes>,
    ) -> Result<Reply, Fault> {
        let request = request(target, headers, body.into())?;
        let opened = tokio::time::timeout(self.connect_timeout, async {
            let stream = target.connect(self.allow_private, self.connect_timeout).await?;
            if !target.is_tls {
                return Ok(Either::Left(stream));
            }
            let name = ServerName::try_from(target.host.clone()).map_err(|_| Fault::Url)?;
            self.tls.connect(name, stream).await.map(Either::Right).map_err(|_| Fault::Tls)
        });
        match opened.await.map_err(|_| Fault::ConnectTime)?? {
            Either::Left(stream) => exchange(stream, request).await,
            Either::Right(stream) => exchange(stream, request).await,
        }
    }
}

/// A body that is there as a whole.
struct Whole(Bytes);

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = core::mem::take(&mut self.get_mut().0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.0.len()).unwrap_or(u64::MAX))
    }
}

fn request(target: &Target, headers: &[(HeaderName, String)], body: Bytes) -> Result<Request<Whole>, Fault> {
    let path = target.uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = target.uri.authority().map_or("", |authority| authority.as_str());
    let agent = concat!("boxoffice/", env!("CARGO_PKG_VERSION"));
    let mut request = Request::post(path).header(HOST, authority).header(USER_AGENT, agent);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.header(CONNECTION, "close").body(Whole(body)).map_err(|_| Fault::Url)
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Whole>,
) -> Result<Reply, Fault> {
    let mut builder = http1::Builder::new();
    let handshake = builder.max_buf_size(HEAD_MAX).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|_| Fault::Broken)?;
    // The connection does the work and the answer comes out of it; dropped together, as an attempt is that ran out of time.
    let answer = match select(pin!(sender.send_request(request)), pin!(connection)).await {
        Either::Left((answer, _connection)) => answer,
        Either::Right((_ended, answer)) => answer.await,
    };
    let answer = answer.map_err(|_| Fault::Broken)?;
    let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Ok(Reply { status: answer.status().as_u16(), retry_after: retry_after.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_with_a_host_is_a_target_unless_plain_http_is_allowed() {
        let cases = [
            ("https://hooks.club.example/in?x=1", true, true),
            ("https://hooks.club.example:8443", true, true),
            ("https://[2606:4700::1111]/", true, true),
            ("http://hooks.club.example/", false, true),
            ("https://ann:secret@hooks.club.example/", false, false),
            ("ftp://hooks.club.example/", false, false),
            ("/in", false, false),
            ("hooks.club.example", false, false),
            ("https://", false, false),
            ("https://hooks.club.example/\r\nx: y", false, false),
        ];
        for (url, by_default, plain) in cases {
            let taken = [false, true].map(|allow_plain| Target::parse(url, allow_plain).is_ok());
            assert_eq!(taken, [by_default, plain], "{url}");
        }
    }

    #[cfg(feature = "web-push")]
    #[test]
    fn an_origin_has_no_path_no_capitals_and_no_usual_port() {
        let cases = [
            ("https://Push.Club.example/send/1?x=1", "https://push.club.example"),
            ("https://push.club.example:443", "https://push.club.example"),
            ("https://push.club.example:8443/", "https://push.club.example:8443"),
            ("http://push.club.example:80/", "http://push.club.example"),
            ("http://[::1]:443/", "http://[::1]:443"),
        ];
        for (url, origin) in cases {
            assert_eq!(Target::parse(url, true).unwrap().origin(), origin, "{url}");
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date_and_is_at_most_a_day() {
        let now: Timestamp = "2026-01-05T19:00:00Z".parse().unwrap();
        let cases = [
            ("120", Some(120)),
            ("0", Some(0)),
            ("999999999", Some(86_400)),
            ("Mon, 05 Jan 2026 19:00:30 GMT", Some(30)),
            ("Mon, 05 Jan 2026 18:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ];
        for (value, seconds) in cases {
            assert_eq!(wait(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }

    #[tokio::test]
    async fn private_addresses_are_refused_however_they_are_written() {
        for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254", "0.0.0.0"]
        {
            let target = Target::parse(&format!("https://{host}/"), false).unwrap();
            assert_eq!(target.addresses(false).await.unwrap_err(), Fault::Private, "{host}");
        }
        let target = Target::parse("https://127.0.0.1/", false).unwrap();
        assert_eq!(target.addresses(true).await.unwrap().len(), 1);
    }
}
