//! What is had of a peer's feed, and what became of fetching it. Kept in the store.

use core::time::Duration;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::feed::{FeedLimits, FeedRefusal, FetchedFeed};
use super::link::{ETag, LinkError, LinkFault, Pulled};
use super::name::PeerName;
use super::peer::Peer;
use crate::flow::RetryPolicy;
use crate::persist::{Fault, Key, Projected, Seq, Store, StoreError, load_snapshot, save_snapshot};
use crate::time::Timestamp;

/// Characters of a peer's words that are kept of a failure.
const REASON_MAX: usize = 300;

/// Why a feed was not had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// In one word: the name of a [`LinkFault`] or a [`FeedRefusal`].
    pub name: String,
    /// More of it, for people; at most 300 characters. May hold what the peer said.
    pub reason: String,
}

/// What became of fetching a feed.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncOutcome {
    /// The peer is not followed: unknown, suspended, or not known at all.
    NotFollowed,
    /// It is the one that is had.
    Unchanged,
    /// It is a new one, and was taken.
    Fetched {
        /// Its number.
        seq: u64,
        /// Entries in it.
        events: usize,
    },
    /// It is not taken. What was had stays.
    Refused(FeedRefusal),
    /// No proven answer came. What was had stays.
    Failed(LinkError),
}

impl SyncOutcome {
    /// In one word, as logs and tables show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotFollowed => "not_followed",
            Self::Unchanged => "unchanged",
            Self::Fetched { .. } => "fetched",
            Self::Refused(refusal) => refusal.name(),
            Self::Failed(error) => error.fault.name(),
        }
    }

    /// Whether what is had is as the peer says now.
    pub fn is_current(&self) -> bool {
        matches!(self, Self::Unchanged | Self::Fetched { .. })
    }
}

/// How fetching stands. A value under `federation/pull/NAME`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullState {
    /// Under which key it was fetched: the event that pinned it.
    pub pinned: Seq,
    /// What to ask with next time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<ETag>,
    /// When the peer last said that this is its feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<Timestamp>,
    /// When it was asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_at: Option<Timestamp>,
    /// Failures in a row since `fetched_at`.
    #[serde(default)]
    pub failures: u32,
    /// When the peer asked us to come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Why not, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// What is had of a peer's feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CachedFeed {
    /// How fetching stands.
    pub state: PullState,
    /// The feed; none if it was never had.
    pub feed: Option<Arc<FetchedFeed>>,
}

impl CachedFeed {
    /// Nothing yet, under the key that `pinned` pinned.
    pub fn new(pinned: Seq) -> Self {
        Self { state: PullState { pinned, ..PullState::default() }, feed: None }
    }

    /// Takes what the link brought from `from`, or leaves everything as it is but for the count of failures. Pure.
    pub fn accept(
        &mut self,
        from: &PeerName,
        pulled: Result<Pulled, LinkError>,
        now: Timestamp,
        limits: &FeedLimits,
    ) -> SyncOutcome {
        let outcome = self.look(from, pulled, now, limits);
        self.note(&outcome, now);
        outcome
    }

    /// Takes nothing, and counts a failure: for a feed that could not even be looked at. Pure.
    pub fn refuse(&mut self, refusal: FeedRefusal, now: Timestamp) -> SyncOutcome {
        let outcome = SyncOutcome::Refused(refusal);
        self.note(&outcome, now);
        outcome
    }

    fn note(&mut self, outcome: &SyncOutcome, now: Timestamp) {
        let state = &mut self.state;
        state.tried_at = Some(now);
        (state.failures, state.trouble, state.retry_after_ms) = match outcome {
            SyncOutcome::NotFollowed | SyncOutcome::Unchanged | SyncOutcome::Fetched { .. } => (0, None, None),
            SyncOutcome::Refused(refusal) => {
                (state.failures.saturating_add(1), Some(Trouble::of(refusal.name(), &refusal.to_string())), None)
            }
            SyncOutcome::Failed(error) => {
                let after = error.retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
                (state.failures.saturating_add(1), Some(Trouble::of(error.fault.name(), &error.reason)), after)
            }
        };
        if outcome.is_current() {
            state.fetched_at = Some(now);
        }
    }

    fn look(
        &mut self,
        from: &PeerName,
        pulled: Result<Pulled, LinkError>,
        now: Timestamp,
        limits: &FeedLimits,
    ) -> SyncOutcome {
        let (bytes, etag) = match pulled {
            Ok(Pulled::Feed { bytes, etag }) => (bytes, etag),
            Ok(Pulled::NotModified) if self.feed.is_some() => return SyncOutcome::Unchanged,
            Ok(Pulled::NotModified) => {
                let reason = "says that its feed is as it was, which was never had";
                self.state.etag = None;
                return SyncOutcome::Failed(LinkError::new(LinkFault::Malformed, reason));
            }
            Err(error) => return SyncOutcome::Failed(error),
        };
        let read = FetchedFeed::read(&bytes, from, now, limits).and_then(|read| match &self.feed {
            Some(had) => Ok((read.follows(had)?, read)),
            None => Ok((true, read)),
        });
        match read {
            Ok((is_new, read)) => {
                self.state.etag = etag;
                let (seq, events) = (read.seq, read.events.len());
                if !is_new {
                    return SyncOutcome::Unchanged;
                }
                self.feed = Some(Arc::new(read));
                SyncOutcome::Fetched { seq, events }
            }
            Err(refusal) => SyncOutcome::Refused(refusal),
        }
    }

    /// When to fetch it again: `every` so long, or as `back_off` says after failures; never sooner than the peer asked for.
    pub fn due(&self, peer: &PeerName, every: Duration, back_off: &RetryPolicy) -> Timestamp {
        let Some(tried_at) = self.state.tried_at else { return Timestamp::from_millis(i64::MIN) };
        if self.state.failures == 0 {
            return tried_at + every;
        }
        // A peer must not keep itself from being looked at for ever.
        let asked = self.state.retry_after_ms.map(Duration::from_millis).map(|after| after.min(Self::REST_MAX));
        let delay = back_off.next(self.state.failures, peer.as_str(), asked, Duration::ZERO);
        tried_at + delay.unwrap_or_else(|| back_off.delay_max().max(every))
    }

    /// The longest that a peer may ask us to stay away: a day.
    pub const REST_MAX: Duration = Duration::from_secs(86_400);

    /// Loads what is kept of `peer`, to be read with [`KeptFeed::read`]; nothing, if that was fetched under another key.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed.
    pub async fn load(store: &Store, peer: &Peer) -> Result<KeptFeed, StoreError> {
        let nothing = KeptFeed { state: PullState { pinned: peer.pinned, ..PullState::default() }, bytes: None };
        // What cannot be read is fetched again.
        let state = store.get::<PullState>(&state_key(&peer.name)).await;
        let state = if matches!(state, Err(StoreError::Payload(_))) { None } else { state? };
        let Some(state) = state else { return Ok(nothing) };
        if state.pinned != peer.pinned {
            return Ok(nothing);
        }
        let name = snapshot_name(peer);
        let kept: Option<Projected<String>> = load_snapshot(&**store.backend(), &name).await?;
        Ok(KeptFeed { state, bytes: kept.map(|kept| kept.value) })
    }

    /// Keeps it; `bytes` is the envelope, if it is a new one.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed, or takes no feed of this size.
    pub async fn save(&self, store: &Store, peer: &Peer, bytes: Option<&[u8]>) -> Result<(), StoreError> {
        if let (Some(bytes), Some(feed)) = (bytes, &self.feed) {
            let value = core::str::from_utf8(bytes).map_err(|error| Fault::corrupt("feed", error.to_string()))?;
            let state = Projected { value, seq: Seq::new(feed.seq) };
            save_snapshot(&**store.backend(), &snapshot_name(peer), &state).await?;
        }
        store.put(&state_key(&peer.name), self.state.clone()).await.map(drop)
    }
}

/// What is kept of a peer's feed, as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFeed {
    state: PullState,
    /// The envelope.
    bytes: Option<String>,
}

impl KeptFeed {
    /// Reads it, which takes as long as when it came. Pure.
    pub fn read(&self, peer: &PeerName, limits: &FeedLimits) -> CachedFeed {
        let state = self.state.clone();
        // Kept under the limits of then; the skew was looked at when it came.
        let limits = FeedLimits { skew_max: Duration::MAX, ..*limits };
        let bytes = self.bytes.as_ref();
        match bytes.and_then(|bytes| FetchedFeed::read(bytes.as_bytes(), peer, Timestamp::MAX, &limits).ok()) {
            Some(feed) => CachedFeed { state, feed: Some(Arc::new(feed)) },
            None => self.unread(),
        }
    }

    /// What is had when it cannot be read: it is fetched again.
    pub fn unread(&self) -> CachedFeed {
        CachedFeed { state: PullState { etag: None, fetched_at: None, ..self.state.clone() }, feed: None }
    }
}

impl Trouble {
    fn of(name: &str, reason: &str) -> Self {
        Self { name: name.to_owned(), reason: reason.chars().take(REASON_MAX).collect() }
    }
}

fn state_key(peer: &PeerName) -> Key {
    Key::stored(&format!("federation/pull/{peer}"))
}

/// Another key is another feed: its numbers begin anew.
fn snapshot_name(peer: &Peer) -> String {
    format!("federation/{}/{}", peer.name, peer.pinned)
}
