//! Peers over HTTP: feeds that are fetched, and messages about seats.
//!
//! | request | what it is | answer |
//! | --- | --- | --- |
//! | `GET URL/feed`, with `If-None-Match` | what the peer publishes | 200 with the envelope as JSON and an `ETag`, or 304 |
//! | `POST URL/messages` | a [`PeerMessage`] as JSON | 200 with a [`PeerReply`] as JSON |
//!
//! *Who is who.* Every request, and every answer to what a peer has proven to ask, is signed (RFC 9421) with ed25519 under the
//! key that the other side has pinned. Not signed are 401, also when a peer's own request is said again, and what is answered
//! before anybody looks at who asks: 404, 405 and 413. `keyid` is the name of the signer, the label and the tag are `boxoffice`.
//! A request covers `@method`, `@authority`, `@path`, `boxoffice-to` (the name of the one who is asked), and `if-none-match`,
//! `content-type` and `content-digest` (RFC 9530, SHA-256) where they are there; it has `created`, `expires` and a `nonce`, and is
//! taken once. A signature covers 32 components at most. An answer covers `@status`, `content-type`, `content-digest` and `etag`, and of the request its method, authority, path and
//! signature: an answer to another request proves nothing. Clocks may be 5 minutes apart. A field or a member of one that is
//! there twice, or is not written as RFC 9651 section 4.1 writes it, is not read.
//!
//! *What strangers see.* 401, whatever they sign with and whomever they say they are.
//!
//! *A server of your own.* [`PeerServer::answer`] takes the types of the crate `http`, as most servers have them. [`serve`] is
//! one for hosts that have none: plain HTTP/1.1, one request for each connection, within [`ServeLimits`]. Put what speaks TLS
//! before it; it must pass `Host` and the path on as they are.

mod components;
mod digest;
mod key;
mod link;
mod nonces;
mod profile;
mod serve;
mod server;
mod signature;
#[cfg(test)]
mod tests;

use core::time::Duration;

#[cfg(doc)]
use boxoffice_core::federation::{PeerMessage, PeerReply};
use boxoffice_core::time::Timestamp;

pub use key::{LinkKey, LinkKeyError};
pub use link::HttpLink;
pub use serve::{ServeLimits, serve};
pub use server::PeerServer;

/// The last part of the path of a feed.
const FEED: &str = "feed";
/// The same of messages.
const MESSAGES: &str = "messages";
/// How far clocks may be apart.
const SKEW: Duration = Duration::from_secs(300);

/// Whole seconds, as signatures have them.
fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1_000)
}
