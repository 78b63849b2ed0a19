//! Requests over HTTP/1.1, to addresses that are looked at before they are connected to.

mod address;
#[cfg(any(test, feature = "stripe", feature = "sumup"))]
mod exchange;
#[cfg(any(feature = "webhook", feature = "web-push"))]
mod post;
mod target;
#[cfg(test)]
mod tests;
mod wire;

use core::time::Duration;
use std::sync::Arc;

use futures_util::future::Either;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, Error as TlsError, RootCertStore};

#[cfg(any(test, feature = "stripe", feature = "sumup"))]
pub(crate) use self::exchange::{Answer, Limits};
#[cfg(any(feature = "webhook", feature = "web-push"))]
pub(crate) use self::post::Reply;
pub(crate) use self::target::Target;

/// A connection, without TLS or with it.
type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// Why a request had no answer. Names no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
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

/// Makes requests. Follows no redirects, takes no proxy from the environment, keeps no connection.
pub(crate) struct Client {
    tls: TlsConnector,
    pub allow_private: bool,
    pub connect_timeout: Duration,
}

impl Client {
    /// Trusts the authorities that Mozilla does, and these, in PEM.
    pub(crate) fn new(connect_timeout: Duration, more: &[u8]) -> Result<Self, TlsError> {
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
    pub(crate) fn trusting(self, more: &[u8]) -> Result<Self, TlsError> {
        Ok(Self { tls: Self::new(self.connect_timeout, more)?.tls, ..self })
    }

    /// Connects, within this time.
    async fn open(&self, target: &Target, limit: Duration) -> Result<Stream, Fault> {
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
