//! Peers as their stream tells it, what may be asked about them, and what it comes to. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::name::{PeerKey, PeerName, PeerUrl};
use super::peer::{Because, Grants, Peer, Trust};
use crate::persist::Seq;
use crate::time::Timestamp;

/// Peers that are known at the same time, at most.
pub const PEERS_MAX: usize = 1_000;

/// What may be asked about a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerCommand {
    /// Make it known. It is [`Trust::Unknown`] then.
    Add {
        /// Where it is found.
        url: PeerUrl,
        /// Whose signatures count as its own. Learn it from its people, not from the network.
        key: PeerKey,
    },
    /// Ask it to take part.
    Invite,
    /// Let it take part.
    Allow,
    /// Let it take part no longer, for now.
    Suspend,
    /// Pin another key. What was fetched under the old one no longer counts; trust stays as it is.
    Pin {
        /// The key.
        key: PeerKey,
    },
    /// Look for it elsewhere.
    MoveTo {
        /// Where it is found.
        url: PeerUrl,
    },
    /// Say what it may do, once it is trusted.
    Grant {
        /// All of it.
        grants: Grants,
    },
    /// Forget it. What happened stays recorded, and it can be made known again.
    Remove,
}

/// What happened to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerChange {
    /// It was made known.
    Added {
        /// Where it is found.
        url: PeerUrl,
        /// Its key.
        key: PeerKey,
    },
    /// How far it is trusted has changed.
    Trusted {
        /// How far now. Never [`Trust::Unknown`].
        trust: Trust,
    },
    /// Another key was pinned.
    Pinned {
        /// The key.
        key: PeerKey,
    },
    /// It is found elsewhere.
    Moved {
        /// Where.
        url: PeerUrl,
    },
    /// What it may do has changed.
    Granted {
        /// All of it.
        grants: Grants,
    },
    /// It was forgotten.
    Removed,
}

/// A recorded change: of which peer, what, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerEvent {
    /// Which peer.
    pub peer: PeerName,
    /// Who decided it, and why.
    pub because: Because,
    /// What happened.
    pub change: PeerChange,
}

/// What a [`PeerCommand`] came to, checked in this order.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerCommandOutcome {
    /// Add: that is our own name.
    Ourselves,
    /// Add: it is known already, as it was.
    AlreadyKnown,
    /// All but add: it is not known.
    NotKnown,
    /// Add: too many are known.
    TooMany {
        /// The most.
        max: u64,
    },
    /// Add, pin: another peer has that key, and would be one with two names.
    KeyTaken {
        /// Which.
        by: PeerName,
    },
    /// Invite: it takes part already.
    AlreadyAllowed,
    /// It was so before. Nothing was written.
    AsBefore,
    /// Done.
    Done,
}

impl PeerCommandOutcome {
    /// In one word, as logs and tables show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ourselves => "ourselves",
            Self::AlreadyKnown => "already_known",
            Self::NotKnown => "not_known",
            Self::TooMany { .. } => "too_many",
            Self::KeyTaken { .. } => "key_taken",
            Self::AlreadyAllowed => "already_allowed",
            Self::AsBefore => "as_before",
            Self::Done => "done",
        }
    }
}

/// All peers, by name.
///
/// ```
/// use boxoffice_core::federation::{Because, PeerBook, PeerCommand, PeerCommandOutcome, PeerKey, PeerName, Trust, decide_peer};
/// use boxoffice_core::persist::Seq;
/// use boxoffice_core::time::Timestamp;
///
/// let (us, library) = (PeerName::new("club.example")?, PeerName::new("library.example")?);
/// let because = Because::new("ann", "they asked")?;
/// let mut book = PeerBook::new();
/// let add = PeerCommand::Add { url: "https://library.example/".parse()?, key: PeerKey::new([7; 32]) };
/// for (seq, command) in (1..).zip([add, PeerCommand::Allow]) {
///     let change = decide_peer(&book, &us, &library, &command).expect("may be done");
///     let event = boxoffice_core::federation::PeerEvent { peer: library.clone(), because: because.clone(), change };
///     book.evolve(Seq::new(seq), Timestamp::EPOCH, &event);
/// }
/// assert_eq!(book.get(&library).map(|peer| peer.trust), Some(Trust::Allowed));
/// assert_eq!(decide_peer(&book, &us, &library, &PeerCommand::Invite), Err(PeerCommandOutcome::AlreadyAllowed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerBook {
    peers: BTreeMap<PeerName, Peer>,
    seq: Seq,
    latest_at: Timestamp,
}

impl PeerBook {
    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// One peer.
    pub fn get(&self, name: &PeerName) -> Option<&Peer> {
        self.peers.get(name)
    }

    /// All of them, by name.
    pub fn peers(&self) -> impl Iterator<Item = &Peer> {
        self.peers.values()
    }

    /// The last event folded.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// The instant of the last event; no later event has an earlier one.
    pub fn latest_at(&self) -> Timestamp {
        self.latest_at
    }

    /// Folds what was recorded as `seq`, at the instant `at`. Takes whatever was recorded: it may not refuse.
    pub fn evolve(&mut self, seq: Seq, at: Timestamp, event: &PeerEvent) {
        (self.seq, self.latest_at) = (seq, self.latest_at.max(at));
        let PeerEvent { peer: name, change, .. } = event;
        if let PeerChange::Added { url, key } = change {
            let grants = Grants::default();
            let (url, trust) = (url.clone(), Trust::Unknown);
            let peer = Peer { name: name.clone(), url, key: *key, pinned: seq, trust, grants, since: at };
            self.peers.insert(name.clone(), peer);
            return;
        }
        if *change == PeerChange::Removed {
            self.peers.remove(name);
            return;
        }
        let Some(peer) = self.peers.get_mut(name) else { return };
        match change {
            PeerChange::Added { .. } | PeerChange::Removed => {}
            PeerChange::Trusted { trust } => (peer.trust, peer.since) = (*trust, at),
            PeerChange::Pinned { key } => (peer.key, peer.pinned) = (*key, seq),
            PeerChange::Moved { url } => peer.url = url.clone(),
            PeerChange::Granted { grants } => peer.grants = *grants,
        }
    }

    /// Whoever else has this key.
    fn holder_of(&self, key: &PeerKey, but: &PeerName) -> Option<&PeerName> {
        self.peers().find(|peer| peer.key == *key && peer.name != *but).map(|peer| &peer.name)
    }
}

/// What a command comes to: a change to be recorded, or why there is none.
///
/// # Errors
/// The outcome, when nothing is to be recorded.
pub fn decide_peer(
    book: &PeerBook,
    us: &PeerName,
    name: &PeerName,
    command: &PeerCommand,
) -> Result<PeerChange, PeerCommandOutcome> {
    let free = |key: &PeerKey| match book.holder_of(key, name) {
        Some(by) => Err(PeerCommandOutcome::KeyTaken { by: by.clone() }),
        None => Ok(*key),
    };
    if let PeerCommand::Add { url, key } = command {
        if name == us {
            return Err(PeerCommandOutcome::Ourselves);
        }
        if book.get(name).is_some() {
            return Err(PeerCommandOutcome::AlreadyKnown);
        }
        if book.peers.len() >= PEERS_MAX {
            return Err(PeerCommandOutcome::TooMany { max: PEERS_MAX as u64 });
        }
        return Ok(PeerChange::Added { url: url.clone(), key: free(key)? });
    }
    let Some(peer) = book.get(name) else { return Err(PeerCommandOutcome::NotKnown) };
    let change = match command {
        PeerCommand::Invite if peer.trust == Trust::Allowed => return Err(PeerCommandOutcome::AlreadyAllowed),
        PeerCommand::Invite => PeerChange::Trusted { trust: Trust::Invited },
        PeerCommand::Allow => PeerChange::Trusted { trust: Trust::Allowed },
        PeerCommand::Suspend => PeerChange::Trusted { trust: Trust::Suspended },
        PeerCommand::Pin { key } => PeerChange::Pinned { key: free(key)? },
        PeerCommand::MoveTo { url } => PeerChange::Moved { url: url.clone() },
        PeerCommand::Grant { grants } => PeerChange::Granted { grants: *grants },
        PeerCommand::Add { .. } | PeerCommand::Remove => PeerChange::Removed,
    };
    let as_before = match &change {
        PeerChange::Added { .. } | PeerChange::Removed => false,
        PeerChange::Trusted { trust } => *trust == peer.trust,
        PeerChange::Pinned { key } => *key == peer.key,
        PeerChange::Moved { url } => *url == peer.url,
        PeerChange::Granted { grants } => *grants == peer.grants,
    };
    if as_before { Err(PeerCommandOutcome::AsBefore) } else { Ok(change) }
}
