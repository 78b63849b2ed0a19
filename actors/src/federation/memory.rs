//! Several systems in one process, without a network: for tests and for development.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use boxoffice_core::federation::{
    ETag, LinkError, LinkFault, Peer, PeerKey, PeerLink, PeerMessage, PeerName, PeerReply, Pulled,
};

use super::handle::{Federation, FeedAnswer, WeakFederation};

/// What becomes of requests from one system to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Way {
    #[default]
    Open,
    Cut,
    Stalled,
    Keeps,
}

/// What goes wrong on the way from one system to another.
#[derive(Debug, Default)]
struct Wire {
    way: Way,
    replies_to_lose: usize,
    twice: bool,
    kept: Vec<PeerMessage>,
}

#[derive(Debug, Default)]
struct Net {
    keys: BTreeMap<PeerName, PeerKey>,
    systems: BTreeMap<PeerName, WeakFederation>,
    wires: BTreeMap<(PeerName, PeerName), Wire>,
    /// What somebody answers instead of its feed.
    lies: BTreeMap<PeerName, Pulled>,
}

/// What connects systems in one process; clones are one net. Nothing is signed: it knows who sends, and compares the keys that
/// are pinned with those that the systems have.
///
/// Whatever is set here holds for requests from now on, in one direction: from who asks to who is asked.
#[derive(Clone, Debug, Default)]
pub struct MemoryNet(Arc<Mutex<Net>>);

/// The way of one system into a [`MemoryNet`].
#[derive(Clone, Debug)]
pub struct MemoryLink {
    net: MemoryNet,
    from: PeerName,
    key: PeerKey,
}

impl MemoryNet {
    /// A net without systems.
    pub fn new() -> Self {
        Self::default()
    }

    /// The link of the system `name`, which signs with `key`.
    pub fn link(&self, name: &PeerName, key: PeerKey) -> MemoryLink {
        self.net().keys.insert(name.clone(), key);
        MemoryLink { net: self.clone(), from: name.clone(), key }
    }

    /// Lets a system be found, under its own name. It is not kept alive.
    pub fn join(&self, federation: &Federation) {
        self.net().systems.insert(federation.name().clone(), federation.downgrade());
    }

    /// Lets nothing through between two systems, in either direction, or everything again. Cut, stall and keep exclude each
    /// other: what was set last holds.
    pub fn cut(&self, one: &PeerName, other: &PeerName, cut: bool) {
        let way = if cut { Way::Cut } else { Way::Open };
        self.wire(one, other, |wire| wire.way = way);
        self.wire(other, one, |wire| wire.way = way);
    }

    /// Loses the next replies: the request arrives, the answer does not.
    pub fn lose_replies(&self, from: &PeerName, to: &PeerName, replies: usize) {
        self.wire(from, to, |wire| wire.replies_to_lose = replies);
    }

    /// Delivers each message twice; the second reply is the one that comes back.
    pub fn twice(&self, from: &PeerName, to: &PeerName, twice: bool) {
        self.wire(from, to, |wire| wire.twice = twice);
    }

    /// Answers no request, until it is given up.
    pub fn stall(&self, from: &PeerName, to: &PeerName, stalled: bool) {
        self.wire(from, to, |wire| wire.way = if stalled { Way::Stalled } else { Way::Open });
    }

    /// Keeps messages instead of delivering them, and answers that time is up: see [`MemoryNet::kept`].
    pub fn keep(&self, from: &PeerName, to: &PeerName, keeps: bool) {
        self.wire(from, to, |wire| wire.way = if keeps { Way::Keeps } else { Way::Open });
    }

    /// Takes the messages that were kept, oldest first: to be handed to [`Federation::receive`], late and in any order.
    pub fn kept(&self, from: &PeerName, to: &PeerName) -> Vec<PeerMessage> {
        self.wire(from, to, |wire| core::mem::take(&mut wire.kept))
    }

    /// Lets a system answer this to whoever fetches its feed, signed as it should be; none: its feed.
    pub fn lie(&self, name: &PeerName, lie: Option<Pulled>) {
        let mut net = self.net();
        match lie {
            Some(lie) => drop(net.lies.insert(name.clone(), lie)),
            None => drop(net.lies.remove(name)),
        }
    }

    fn net(&self) -> MutexGuard<'_, Net> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wire<R>(&self, from: &PeerName, to: &PeerName, change: impl FnOnce(&mut Wire) -> R) -> R {
        change(self.net().wires.entry((from.clone(), to.clone())).or_default())
    }
}

impl MemoryLink {
    /// Who is found under the name of `peer`, if it has the key that is pinned and something gets through.
    async fn find(&self, peer: &Peer) -> Result<Federation, LinkError> {
        let way = self.net.wire(&self.from, &peer.name, |wire| wire.way);
        if way == Way::Stalled {
            core::future::pending::<()>().await;
        }
        let (found, key) = {
            let net = self.net.net();
            (net.systems.get(&peer.name).and_then(WeakFederation::upgrade), net.keys.get(&peer.name).copied())
        };
        let Some(found) = found.filter(|_| way != Way::Cut) else {
            return Err(LinkError::new(LinkFault::Unreachable, "nothing gets through"));
        };
        if key != Some(peer.key) {
            return Err(LinkError::new(LinkFault::BadSignature, "it signs with another key"));
        }
        Ok(found)
    }
}

fn unavailable(error: &crate::error::BoxOfficeError) -> LinkError {
    LinkError::new(LinkFault::Unavailable, error.to_string())
}

#[async_trait]
impl PeerLink for MemoryLink {
    async fn pull(&self, peer: &Peer, have: Option<&ETag>, bytes_max: usize) -> Result<Pulled, LinkError> {
        let found = self.find(peer).await?;
        let lie = self.net.net().lies.get(&peer.name).cloned();
        let pulled = match lie {
            Some(lie) => lie,
            None => match found.feed_for(&self.from, &self.key, have).await.map_err(|error| unavailable(&error))? {
                FeedAnswer::NotAllowed => return Err(LinkError::new(LinkFault::Refused, "not allowed there")),
                FeedAnswer::NotModified(_) => Pulled::NotModified,
                FeedAnswer::Feed(feed) => {
                    Pulled::Feed { bytes: feed.json.as_bytes().to_vec(), etag: Some(feed.etag.clone()) }
                }
            },
        };
        match &pulled {
            Pulled::Feed { bytes, .. } if bytes.len() > bytes_max => {
                Err(LinkError::new(LinkFault::TooLarge, format!("more than {bytes_max} bytes")))
            }
            Pulled::Feed { .. } | Pulled::NotModified => Ok(pulled),
        }
    }

    async fn send(&self, peer: &Peer, message: &PeerMessage) -> Result<PeerReply, LinkError> {
        let found = self.find(peer).await?;
        // As bytes, so that what is sent is what a network would carry.
        let malformed =
            |error: boxoffice_core::federation::MessageError| LinkError::new(LinkFault::Malformed, error.to_string());
        let sent = PeerMessage::read(message.to_json().as_bytes()).map_err(malformed)?;
        let (keeps, twice) = self.net.wire(&self.from, &peer.name, |wire| {
            let keeps = wire.way == Way::Keeps;
            if keeps {
                wire.kept.push(sent.clone());
            }
            (keeps, wire.twice)
        });
        if keeps {
            return Err(LinkError::new(LinkFault::TimedOut, "it is on its way"));
        }
        if twice {
            let first = found.receive(&self.from, &self.key, sent.clone()).await;
            tracing::debug!(?first, "delivered twice");
        }
        let reply = found.receive(&self.from, &self.key, sent).await.map_err(|error| unavailable(&error))?;
        let lost = self.net.wire(&self.from, &peer.name, |wire| {
            let lost = wire.replies_to_lose > 0 || wire.way == Way::Cut;
            wire.replies_to_lose = wire.replies_to_lose.saturating_sub(1);
            lost
        });
        if lost {
            return Err(LinkError::new(LinkFault::TimedOut, "the reply was lost"));
        }
        PeerReply::read(reply.to_json().as_bytes()).map_err(malformed)
    }
}
