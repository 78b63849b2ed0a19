//! Who makes the requests.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use futures_util::future::Either;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, Error as TlsError, RootCertStore};

use super::{Fault, Stream, Target};

/// Why nobody can be reached as it was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpSetupError {
    /// TLS cannot be set up: the certificate of an authority cannot be read.
    #[error("TLS cannot be set up: the certificate of an authority cannot be read")]
    Certificate,
    /// The URL of a server is none.
    #[error("not an http: or https: URL with a host, and without a user, a path or a query")]
    Url,
}

/// How other machines are reached: over TLS, at public addresses, and no longer than this.
///
/// Redirects are not followed, proxies of the environment not asked, and connections not kept. A host's name is looked up once for each
/// request, and the addresses that were looked at are the ones that are connected to.
///
/// ```
/// use boxoffice::http::HttpClient;
/// use std::time::Duration;
///
/// // For a double of a server, on this machine.
/// let client = HttpClient::new()?.allow_private(true).allow_plain(true);
/// let client = client.with_timeouts(Duration::from_secs(5), Duration::from_secs(1));
/// # Ok::<(), boxoffice::http::HttpSetupError>(())
/// ```
#[derive(Clone)]
pub struct HttpClient {
    tls: TlsConnector,
    exchange_timeout: Duration,
    connect_timeout: Duration,
    allow_private: bool,
    allow_plain: bool,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tls: _, exchange_timeout, connect_timeout, allow_private, allow_plain } = self;
        f.debug_struct("HttpClient")
            .field("exchange_timeout", exchange_timeout)
            .field("connect_timeout", connect_timeout)
            .field("allow_private", allow_private)
            .field("allow_plain", allow_plain)
            .finish_non_exhaustive()
    }
}

impl HttpClient {
    /// A client with the defaults below.
    ///
    /// # Errors
    /// [`HttpSetupError::Certificate`] when TLS cannot be set up.
    pub fn new() -> Result<Self, HttpSetupError> {
        Ok(Self {
            tls: connector(&[]).map_err(|_| HttpSetupError::Certificate)?,
            exchange_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(10),
            allow_private: false,
            allow_plain: false,
        })
    }

    /// Trusts these authorities too, in PEM: for servers inside. Default: those of Mozilla.
    ///
    /// # Errors
    /// [`HttpSetupError::Certificate`] when there is no certificate, or one that cannot be read.
    pub fn with_root_certificates(self, pem: &[u8]) -> Result<Self, HttpSetupError> {
        Ok(Self { tls: connector(pem).map_err(|_| HttpSetupError::Certificate)?, ..self })
    }

    /// How long a request may take, to the last byte of its answer, and how long of it until TLS is up. Default: 20 and 10 seconds.
    #[must_use]
    pub fn with_timeouts(self, exchange: Duration, connect: Duration) -> Self {
        Self { exchange_timeout: exchange, connect_timeout: connect.min(exchange), ..self }
    }

    /// Whether to connect to addresses that are not of the public internet. Default: no, as URLs mostly come from strangers, and
    /// machines inside trust each other.
    #[must_use]
    pub fn allow_private(self, allow_private: bool) -> Self {
        Self { allow_private, ..self }
    }

    /// Whether to take `http:` URLs. Default: no, as everyone on the way can read, and change, what is sent there.
    #[must_use]
    pub fn allow_plain(self, allow_plain: bool) -> Self {
        Self { allow_plain, ..self }
    }

    /// How long a request may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.exchange_timeout
    }

    /// Where this URL leads, if it may be asked.
    pub(crate) fn target(&self, url: &str) -> Result<Target, Fault> {
        let target = Target::parse(url)?;
        if target.is_tls || self.allow_plain { Ok(target) } else { Err(Fault::Plain) }
    }

    /// Connects.
    pub(super) async fn open(&self, target: &Target) -> Result<Stream, Fault> {
        let limit = self.connect_timeout;
        let opened = tokio::time::timeout(limit, async {
            let stream = target.connect(self.allow_private, limit).await?;
            if !target.is_tls {
                return Ok(Either::Left(stream));
            }
            let name = ServerName::try_from(target.host.clone()).map_err(|_| Fault::Url)?;
            self.tls.connect(name, stream).await.map(Either::Right).map_err(|_| Fault::Tls)
        });
        opened.await.map_err(|_| Fault::ConnectTime)?
    }
}

/// Trusts the authorities that Mozilla does, and these, in PEM.
fn connector(more: &[u8]) -> Result<TlsConnector, TlsError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in CertificateDer::pem_slice_iter(more) {
        roots.add(certificate.map_err(|_| TlsError::General("not in PEM".to_owned()))?)?;
    }
    if !more.is_empty() && roots.len() == webpki_roots::TLS_SERVER_ROOTS.len() {
        return Err(TlsError::General("no certificate".to_owned()));
    }
    // The provider is named: with another one in the build as well there would be no default.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
