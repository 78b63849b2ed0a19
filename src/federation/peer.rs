//! Who takes part, and how far each is trusted.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::name::{PeerKey, PeerName, PeerUrl};
use crate::booking::Seats;
use crate::id::{IdError, check_text};
use crate::persist::Seq;
use crate::time::Timestamp;

/// How far a peer is trusted.
///
/// | | we fetch its feed | merged into the agenda | it may read our feed | it may hold seats |
/// | --- | --- | --- | --- | --- |
/// | unknown | no | no | no | no |
/// | invited | yes, to be looked at | no | as granted | no |
/// | allowed | yes | yes | as granted | as granted |
/// | suspended | no | no | no | no |
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// It was made known, and nothing was decided.
    Unknown,
    /// It was asked to take part: what it publishes can be looked at beforehand.
    Invited,
    /// It takes part.
    Allowed,
    /// It takes no part any more, for now. Seats that it holds stay until they lapse; it can neither confirm nor release them.
    Suspended,
}

impl Trust {
    /// In one word, as logs and tables show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Invited => "invited",
            Self::Allowed => "allowed",
            Self::Suspended => "suspended",
        }
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Seats that a peer may hold here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldGrant {
    /// Most seats held at the same time, in all occurrences together. Confirmed seats do not count.
    pub seats_max: Seats,
    /// Longest hold: who asks for more gets this. Whole milliseconds.
    #[serde(with = "crate::time::millis")]
    pub term_max: Duration,
}

/// What a peer may do once it is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// Read the feed that we publish for peers. Default: yes.
    pub feed: bool,
    /// Pass on to us what others publish. Default: no, and what it passes on is left out of the agenda.
    pub relay: bool,
    /// Hold seats of public series. What is asked is kept for ever, so that it is answered alike: a peer with this grant makes the
    /// store grow, however little it holds. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldGrant>,
}

impl Default for Grants {
    fn default() -> Self {
        Self { feed: true, relay: false, hold: None }
    }
}

impl Grants {
    /// The default, and to hold so many seats at a time for so long.
    pub fn holding(seats_max: u32, term_max: Duration) -> Self {
        Self { hold: Some(HoldGrant { seats_max: Seats::new(seats_max), term_max }), ..Self::default() }
    }
}

/// Who changes something about a peer, and why: recorded with the change.
///
/// ```
/// use boxoffice_core::federation::Because;
/// let because = Because::new("ann", "asked for at the meeting")?;
/// assert_eq!(because.by(), "ann");
/// assert!(Because::new("", "nobody").is_err());
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Said", into = "Said")]
pub struct Because {
    by: Arc<str>,
    reason: Arc<str>,
}

#[derive(Serialize, Deserialize)]
struct Said {
    by: String,
    reason: String,
}

impl Because {
    /// `by`: 1 to 200 bytes; `reason`: 1 to 1,000 bytes; neither with control characters.
    ///
    /// # Errors
    /// [`IdError`] when one of them is empty, too long or holds a control character.
    pub fn new(by: impl AsRef<str>, reason: impl AsRef<str>) -> Result<Self, IdError> {
        let (by, reason) = (by.as_ref(), reason.as_ref());
        check_text("name of who decides", by, 200)?;
        check_text("reason", reason, 1_000)?;
        Ok(Self { by: by.into(), reason: reason.into() })
    }

    /// Who.
    pub fn by(&self) -> &str {
        &self.by
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl TryFrom<Said> for Because {
    type Error = IdError;
    fn try_from(said: Said) -> Result<Self, IdError> {
        Self::new(said.by, said.reason)
    }
}

impl From<Because> for Said {
    fn from(because: Because) -> Self {
        Self { by: because.by.as_ref().to_owned(), reason: because.reason.as_ref().to_owned() }
    }
}

/// A system that takes part, as it is known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its name, and the origin of what it publishes.
    pub name: PeerName,
    /// Where it is found.
    pub url: PeerUrl,
    /// Whose signatures count as its own.
    pub key: PeerKey,
    /// The event that pinned the key. What was fetched under another key no longer counts.
    pub pinned: Seq,
    /// How far it is trusted.
    pub trust: Trust,
    /// What it may do, once it is trusted.
    pub grants: Grants,
    /// When its trust changed last.
    pub since: Timestamp,
}

impl Peer {
    /// Whether we fetch what it publishes.
    pub fn is_followed(&self) -> bool {
        matches!(self.trust, Trust::Invited | Trust::Allowed)
    }

    /// Whether what it publishes is part of the agenda.
    pub fn is_merged(&self) -> bool {
        self.trust == Trust::Allowed
    }

    /// Whether it may pass on what others publish.
    pub fn may_relay(&self) -> bool {
        self.is_merged() && self.grants.relay
    }

    /// Whether it may read what we publish for peers.
    pub fn may_read(&self) -> bool {
        self.is_followed() && self.grants.feed
    }

    /// What it may hold here; none if it may not.
    pub fn may_hold(&self) -> Option<HoldGrant> {
        self.grants.hold.filter(|_| self.trust == Trust::Allowed)
    }
}
