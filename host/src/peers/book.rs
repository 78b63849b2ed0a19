//! Who takes part, and how far each is trusted.

use std::env;

use boxoffice::booking::Seats;
use boxoffice::clock::{Clock, SystemClock};
use boxoffice::federation::{
    Because, Grants, HoldGrant, PeerBook, PeerChange, PeerCommand, PeerCommandOutcome, PeerEvent, PeerName,
    peer_history, run_peer,
};
use boxoffice::persist::Seq;
use boxoffice::time::Timestamp;
use serde_json::{Value, json};

use super::args::{
    AddArgs, GrantArgs, HistoryArgs, Level, MoveArgs, PeersArgs, PinArgs, Reason, RemoveArgs, TrustArgs,
};
use super::may_hold;
use crate::error::HostError;
use crate::output::{print, visible};

pub(super) async fn add(args: &PeersArgs, add: &AddArgs) -> Result<bool, HostError> {
    let command = PeerCommand::Add { url: add.url.clone(), key: add.key };
    change(args, &add.peer, command, &add.reason, true).await
}

pub(super) async fn trust(args: &PeersArgs, trust: &TrustArgs) -> Result<bool, HostError> {
    let command = match trust.level {
        Level::Invite => PeerCommand::Invite,
        Level::Allow => PeerCommand::Allow,
        Level::Suspend => PeerCommand::Suspend,
    };
    change(args, &trust.peer, command, &trust.reason, false).await
}

pub(super) async fn pin(args: &PeersArgs, pin: &PinArgs) -> Result<bool, HostError> {
    change(args, &pin.peer, PeerCommand::Pin { key: pin.key }, &pin.reason, false).await
}

pub(super) async fn move_to(args: &PeersArgs, to: &MoveArgs) -> Result<bool, HostError> {
    change(args, &to.peer, PeerCommand::MoveTo { url: to.url.clone() }, &to.reason, false).await
}

pub(super) async fn grant(args: &PeersArgs, grant: &GrantArgs) -> Result<bool, HostError> {
    let hold = grant.hold.zip(grant.term);
    let hold = hold.map(|(seats, term)| HoldGrant { seats_max: Seats::new(seats), term_max: term.0 });
    let grants = Grants { feed: !grant.no_feed, relay: grant.relay, hold };
    change(args, &grant.peer, PeerCommand::Grant { grants }, &grant.reason, false).await
}

pub(super) async fn remove(args: &PeersArgs, remove: &RemoveArgs) -> Result<bool, HostError> {
    change(args, &remove.peer, PeerCommand::Remove, &remove.reason, false).await
}

fn because(reason: &Reason) -> Result<Because, HostError> {
    let user = || env::var("USER").ok().filter(|user| !user.is_empty());
    let by = reason.by.clone().or_else(user).unwrap_or_else(|| "somebody at a terminal".to_owned());
    Because::new(by, &reason.reason).map_err(|error| HostError::Usage(error.to_string()))
}

async fn change(
    args: &PeersArgs,
    peer: &PeerName,
    command: PeerCommand,
    reason: &Reason,
    create: bool,
) -> Result<bool, HostError> {
    let because = because(reason)?;
    let store = args.store.open(create).await?;
    let mut book = PeerBook::new();
    book.catch_up(&*store).await?;
    let outcome = run_peer(&*store, &mut book, &args.us, peer, &command, &because, SystemClock.now()).await?;
    let (said, well) = match &outcome {
        PeerCommandOutcome::Done => ("recorded".to_owned(), true),
        PeerCommandOutcome::AsBefore => ("is so already".to_owned(), true),
        PeerCommandOutcome::NotKnown => return Err(HostError::Usage(format!("there is no peer {peer}"))),
        PeerCommandOutcome::Ourselves => return Err(HostError::Usage(format!("{peer} is our own name"))),
        PeerCommandOutcome::AlreadyKnown => ("is known already".to_owned(), false),
        PeerCommandOutcome::AlreadyAllowed => ("is allowed already".to_owned(), false),
        PeerCommandOutcome::TooMany { max } => (format!("there are {max} peers already"), false),
        PeerCommandOutcome::KeyTaken { by } => (format!("the key is that of {by}"), false),
    };
    print(&(visible(&format!("{peer}: {said}")) + "\n"))?;
    Ok(well)
}

pub(super) async fn history(args: &PeersArgs, history: &HistoryArgs) -> Result<bool, HostError> {
    let store = args.store.open(false).await?;
    for (seq, at, event) in peer_history(&*store, history.peer.as_ref()).await? {
        let line = if history.json { line_json(seq, at, &event) } else { line(at, &event) };
        if !print(&line)? {
            break;
        }
    }
    Ok(true)
}

fn line(at: Timestamp, event: &PeerEvent) -> String {
    let (because, words) = (&event.because, words(&event.change));
    visible(&format!("{at}  {}  {words}  ({}: {})", event.peer, because.by(), because.reason())) + "\n"
}

fn words(change: &PeerChange) -> String {
    match change {
        PeerChange::Added { url, key } => format!("added at {url} with the key {key}"),
        PeerChange::Trusted { trust } => format!("trusted {}", trust.name()),
        PeerChange::Pinned { key } => format!("pinned {key}"),
        PeerChange::Moved { url } => format!("moved to {url}"),
        PeerChange::Granted { grants } => format!("granted: {}", may(grants)),
        PeerChange::Removed => "removed".to_owned(),
    }
}

fn may(grants: &Grants) -> String {
    let feed = grants.feed.then(|| "may read the feed".to_owned());
    let relay = grants.relay.then(|| "may pass on".to_owned());
    let all: Vec<String> = [feed, relay, grants.hold.as_ref().map(may_hold)].into_iter().flatten().collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

fn line_json(seq: Seq, at: Timestamp, event: &PeerEvent) -> String {
    let (name, detail) = told(&event.change);
    let (peer, by, reason) = (&event.peer, event.because.by(), event.because.reason());
    format!(
        "{}\n",
        json!({ "seq": seq, "at": at, "peer": peer, "change": name, "to": detail, "by": by, "reason": reason })
    )
}

/// What changed, and to what.
fn told(change: &PeerChange) -> (&'static str, Option<Value>) {
    match change {
        PeerChange::Added { url, key } => ("added", Some(json!({ "url": url, "key": key }))),
        PeerChange::Trusted { trust } => ("trusted", Some(json!(trust.name()))),
        PeerChange::Pinned { key } => ("pinned", Some(json!(key))),
        PeerChange::Moved { url } => ("moved", Some(json!(url))),
        PeerChange::Granted { grants } => ("granted", Some(json!(grants))),
        PeerChange::Removed => ("removed", None),
    }
}
