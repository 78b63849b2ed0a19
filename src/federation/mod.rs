//! Other systems: what they publish as part of our agenda, and seats that one asks of another.
//!
//! *What it is.* Each system publishes its public calendar as a [`FeedEnvelope`], signed by its key. Peers are made known by
//! hand, with their key pinned, and are trusted step by step ([`Trust`]); every change is recorded with who and why. What they
//! publish is fetched, checked whole ([`FetchedFeed::read`], [`CachedFeed::accept`]) and merged into the agenda with where it
//! came from ([`merge_feeds`]). Seats are asked for in two steps: a hold with a term, then confirm or release.
//!
//! *Why no seat is sold twice.* The owner of an occurrence decides, by its own ledger and its own clock, as it does for
//! everybody else. A peer has no seats that the owner has not given; it learns of them by the owner's answer, and shows nothing
//! before. A hold is an interval that lapses by itself, so a partition costs time and never a seat.
//!
//! *Why messages may come twice.* A message is known by its hold and its verb, for ever. What was answered is answered again.
//!
//! *What a peer cannot do.* Replace an event of ours or of another peer; bring back an older feed; take steps of expansion from
//! the local calendar; be waited for.
//!
//! *What is absent.* No network, no signatures, no clock: a [`PeerLink`] brings proven answers, and `now` is an argument.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`PeerName`], [`PeerKey`], [`PeerUrl`], [`Peer`], [`Trust`], [`Grants`] | who takes part, and how far each is trusted |
//! | [`decide_peer`], [`PeerBook`], [`run_peer`], [`peer_history`] | the trust ledger |
//! | [`FeedEnvelope`], [`FetchedFeed`], [`FeedRefusal`], [`CachedFeed`] | what a peer publishes, and what is had of it |
//! | [`merge_feeds`], [`merged_calendar`], [`Provenance`] | our agenda and theirs as one |
//! | [`publish`], [`public_events`] | what we publish |
//! | [`PeerLink`], [`Pulled`], [`LinkError`] | the way to a peer, injected |
//! | [`PeerMessage`], [`PeerReply`] | what is asked about seats, and answered |
//! | [`guest_step`], [`Asked`] | the owner's side of it |
//! | [`RemoteHold`], [`RemoteAnswer`] | the asking side |

mod cache;
mod feed;
mod guest;
mod ledger;
mod link;
mod merge;
mod message;
mod name;
mod peer;
mod publish;
mod remote;
mod remote_store;
mod stream;
mod wire;

pub use cache::{CachedFeed, KeptFeed, PullState, SyncOutcome, Trouble};
pub use feed::{FeedEnvelope, FeedEvent, FeedLimits, FeedRefusal, FetchedFeed};
pub use guest::{
    Asked, AskedHold, GuestHolds, GuestStep, HeldHere, Looked, forget_held, guest_holds, guest_key, guest_outcome,
    guest_step, load_asked, record_asked, settle_asked, whole_of,
};
pub use ledger::{PEERS_MAX, PeerBook, PeerChange, PeerCommand, PeerCommandOutcome, PeerEvent, decide_peer};
pub use link::{ETag, LinkError, LinkFault, PeerLink, Pulled};
pub use merge::{
    MergeGap, MergeOptions, MergedAgenda, MergedEntry, PeerFeed, Provenance, merge_feeds, merged_calendar,
};
pub use message::{MessageBody, MessageError, PeerMessage, PeerOutcome, PeerReply, Refusal, Verb, Wanted};
pub use name::{HoldId, Holder, PeerKey, PeerName, PeerUrl};
pub use peer::{Because, Grants, HoldGrant, Peer, Trust};
pub use publish::{PublishedFeed, WrittenFeed, public_events, publish};
pub use remote::{RemoteAnswer, RemoteEvent, RemoteHold, RemoteStage};
pub use remote_store::{load_remote, open_remote, record_remote, remote_stream};
pub use stream::{peer_history, peers_stream, run_peer};
