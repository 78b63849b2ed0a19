//! What peers publish, fetched; and how that stands.

use std::collections::BTreeMap;

use boxoffice::BoxOfficeError;
use boxoffice::federation::{Peer, PeerName, PeerStanding, SyncOutcome};
use serde_json::json;

use super::args::{ListArgs, PeersArgs, SyncArgs};
use super::link::Open;
use super::{hinted, may_hold, trouble};
use crate::error::HostError;
use crate::output::{print, visible};

pub(super) async fn run(args: &PeersArgs, sync: &SyncArgs) -> Result<bool, HostError> {
    let open = Open::whole(args, &sync.way, |builder| builder).await?;
    let done = fetch(&open, sync).await;
    let found = open.close(done).await?;
    if let (Some(peer), [(_, SyncOutcome::NotFollowed)]) = (&sync.peer, found.as_slice()) {
        return Err(HostError::Usage(format!("{peer} is not followed: it is not known, not trusted, or suspended")));
    }
    for (peer, outcome) in &found {
        let line = if sync.json { line_json(peer, outcome) } else { line(peer, outcome) };
        if !print(&line)? {
            break;
        }
    }
    Ok(found.iter().all(|(_, outcome)| outcome.is_current()))
}

/// From all at the same time: none waits for another.
async fn fetch(open: &Open, sync: &SyncArgs) -> Result<Vec<(PeerName, SyncOutcome)>, BoxOfficeError> {
    let peers = open.federation.peers().await?;
    let followed = peers.into_iter().filter(Peer::is_followed).map(|peer| peer.name);
    let names: Vec<PeerName> = sync.peer.clone().map_or_else(|| followed.collect(), |peer| vec![peer]);
    let fetched = names.into_iter().map(|name| async {
        let outcome = open.federation.sync_now(&name).await?;
        Ok((name, outcome))
    });
    futures_util::future::try_join_all(fetched).await
}

/// Why a feed was not had.
fn detail(outcome: &SyncOutcome) -> Option<String> {
    match outcome {
        SyncOutcome::NotFollowed | SyncOutcome::Unchanged => None,
        SyncOutcome::Fetched { seq, events } => Some(format!("number {seq}, {events} entries")),
        SyncOutcome::Refused(refusal) => Some(refusal.to_string()),
        SyncOutcome::Failed(error) => Some(hinted(&error.reason)),
    }
}

fn line(peer: &PeerName, outcome: &SyncOutcome) -> String {
    let detail = detail(outcome).map(|detail| format!("  {detail}")).unwrap_or_default();
    visible(&format!("{peer}  {}{detail}", outcome.name())) + "\n"
}

fn line_json(peer: &PeerName, outcome: &SyncOutcome) -> String {
    format!("{}\n", json!({ "peer": peer, "outcome": outcome.name(), "detail": detail(outcome) }))
}

pub(super) async fn list(args: &PeersArgs, list: &ListArgs) -> Result<bool, HostError> {
    let open = Open::looking(args).await?;
    let done = look(&open).await;
    for (peer, standing) in open.close(done).await? {
        let standing = standing.as_ref();
        if !print(&if list.json { peer_json(&peer, standing) } else { peer_line(&peer, standing) })? {
            break;
        }
    }
    Ok(true)
}

async fn look(open: &Open) -> Result<Vec<(Peer, Option<PeerStanding>)>, BoxOfficeError> {
    let standing = open.federation.standing().await?.into_iter();
    let mut standing: BTreeMap<PeerName, PeerStanding> = standing.map(|one| (one.peer.clone(), one)).collect();
    let peers = open.federation.peers().await?.into_iter();
    Ok(peers.map(|peer| (standing.remove(&peer.name), peer)).map(|(standing, peer)| (peer, standing)).collect())
}

fn peer_line(peer: &Peer, standing: Option<&PeerStanding>) -> String {
    let hold = peer.grants.hold.map_or_else(String::new, |hold| format!(", {}", may_hold(&hold)));
    let feed = standing.map_or_else(String::new, |standing| {
        let had = standing.fetched_at.map_or_else(|| "never fetched".to_owned(), |at| format!("fetched {at}"));
        let stale = if standing.stale && standing.fetched_at.is_some() { ", stale" } else { "" };
        let trouble =
            standing.trouble.as_ref().map(|trouble| format!(", {}: {}", trouble.name, hinted(&trouble.reason)));
        format!("  {had}{stale}, {} entries{}", standing.events, trouble.unwrap_or_default())
    });
    visible(&format!("{:<9} {}  {}{hold}{feed}", peer.trust.name(), peer.name, peer.url)) + "\n"
}

fn peer_json(peer: &Peer, standing: Option<&PeerStanding>) -> String {
    let line = json!({
        "peer": peer.name,
        "url": peer.url,
        "key": peer.key,
        "trust": peer.trust.name(),
        "grants": peer.grants,
        "since": peer.since,
        "feed": standing.map(|standing| json!({
            "seq": standing.seq,
            "entries": standing.events,
            "fetched_at": standing.fetched_at,
            "stale": standing.stale,
            "failures": standing.failures,
            "trouble": standing.trouble.as_ref().map(trouble),
        })),
    });
    format!("{line}\n")
}
