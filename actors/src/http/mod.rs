//! How other machines are reached over HTTP/1.1: webhooks, push services, gateways, peers.
//!
//! Each of them is reached with an [`HttpClient`], which says whom to trust, how long to wait and where not to go.

mod address;
mod client;
#[cfg(any(test, feature = "stripe", feature = "sumup", feature = "federation-http"))]
mod exchange;
#[cfg(any(feature = "webhook", feature = "web-push"))]
mod post;
#[cfg(any(feature = "webhook", feature = "web-push", feature = "federation-http"))]
mod retry_after;
mod target;
#[cfg(test)]
mod tests;
mod wire;

use futures_util::future::Either;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

pub use self::client::{HttpClient, HttpSetupError};
#[cfg(feature = "federation-http")]
pub(crate) use self::exchange::whole;
#[cfg(any(test, feature = "stripe", feature = "sumup", feature = "federation-http"))]
pub(crate) use self::exchange::{Answer, NoAnswer};
#[cfg(any(feature = "webhook", feature = "web-push"))]
pub(crate) use self::post::Reply;
#[cfg(any(feature = "webhook", feature = "web-push", feature = "federation-http"))]
pub(crate) use self::retry_after::retry_after;
pub(crate) use self::target::Target;
#[cfg(feature = "federation-http")]
pub(crate) use self::wire::Whole;

/// A connection, without TLS or with it.
type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// Why a request had no answer. Names no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("not an https: URL with a host, and without a user")]
    Url,
    #[error("http: URLs are not allowed here")]
    Plain,
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
