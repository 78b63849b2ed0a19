//! The way to a peer, injected.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::message::{PeerMessage, PeerReply};
use super::peer::Peer;
use crate::id::{IdError, check_text, text_id};

text_id!(
    /// What a feed is told apart by, in the words of its publisher: the opaque tag of an entity tag, quotes included (RFC 9110
    /// section 8.8.3). 1 to 200 visible ASCII characters.
    ETag, "entity tag", 200, is_visible, "visible ASCII characters"
);

fn is_visible(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_graphic())
}

/// What a peer's feed came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pulled {
    /// It is the one that we have.
    NotModified,
    /// It is another.
    Feed {
        /// The envelope, as JSON: see [`FeedEnvelope`](super::FeedEnvelope).
        bytes: Vec<u8>,
        /// What to ask with next time.
        etag: Option<ETag>,
    },
}

/// How a link failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkFault {
    /// The peer cannot be reached, or not at an address that we connect to.
    Unreachable,
    /// It did not answer in time.
    TimedOut,
    /// What it answered is over the limit.
    TooLarge,
    /// What it answered is not signed by the key that is pinned.
    BadSignature,
    /// What it answered cannot be read.
    Malformed,
    /// It takes no requests of ours: not known there, not allowed.
    Refused,
    /// It has too much to do, or trouble of its own.
    Unavailable,
}

impl LinkFault {
    /// In one word, as logs and tables show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::TooLarge => "too_large",
            Self::BadSignature => "bad_signature",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }
}

/// No proven answer came. What was asked may have happened all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", fault.name())]
pub struct LinkError {
    /// How it failed.
    pub fault: LinkFault,
    /// More of it, for people. May hold what the peer said: it is shown, and never followed.
    pub reason: String,
    /// When the peer asks us to come again.
    pub retry_after: Option<Duration>,
}

impl LinkError {
    /// A failure.
    pub fn new(fault: LinkFault, reason: impl Into<String>) -> Self {
        Self { fault, reason: reason.into(), retry_after: None }
    }
}

/// The way to peers.
///
/// What it answers was proven to come from the holder of [`Peer::key`], in answer to this very request, and what it sends is
/// signed with our own key: over HTTP that is RFC 9421. Whatever is not proven is [`LinkFault::BadSignature`].
///
/// It must not block its thread, and should stop when its future is dropped. It need not watch the time: its caller drops what
/// takes too long. It connects to no address that a stranger must not reach through us, and follows no redirect to one.
#[async_trait]
pub trait PeerLink: Send + Sync + 'static {
    /// Fetches what `peer` publishes, unless it is what we `have`. Stops reading after `bytes_max` with
    /// [`LinkFault::TooLarge`].
    ///
    /// # Errors
    /// [`LinkError`] when no proven answer came.
    async fn pull(&self, peer: &Peer, have: Option<&ETag>, bytes_max: usize) -> Result<Pulled, LinkError>;

    /// Asks `peer` something. Asked again, the peer answers as the first time.
    ///
    /// # Errors
    /// [`LinkError`] when no proven answer came: whether the peer has acted is unknown.
    async fn send(&self, peer: &Peer, message: &PeerMessage) -> Result<PeerReply, LinkError>;
}
