//! `boxoffice peers`: other systems, from a store.

mod agenda;
mod args;
mod ask;
mod book;
mod link;
mod serve;
mod sync;

use boxoffice::federation::http::LinkKey;
use boxoffice::federation::{HoldGrant, LinkFault, Trouble};
use serde_json::{Value, json};

pub(crate) use args::PeersArgs;
use args::{KeyArgs, PeersCommand};

use crate::error::HostError;
use crate::output::print;

pub(crate) fn run(args: &PeersArgs) -> Result<bool, HostError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| HostError::System { doing: "start the runtime", error })?;
    runtime.block_on(async {
        match &args.command {
            PeersCommand::Key(key) => show_key(key),
            PeersCommand::Add(add) => book::add(args, add).await,
            PeersCommand::Trust(trust) => book::trust(args, trust).await,
            PeersCommand::Pin(pin) => book::pin(args, pin).await,
            PeersCommand::Move(to) => book::move_to(args, to).await,
            PeersCommand::Grant(grant) => book::grant(args, grant).await,
            PeersCommand::Remove(remove) => book::remove(args, remove).await,
            PeersCommand::List(list) => sync::list(args, list).await,
            PeersCommand::History(history) => book::history(args, history).await,
            PeersCommand::Sync(sync) => sync::run(args, sync).await,
            PeersCommand::Agenda(agenda) => agenda::run(args, agenda).await,
            PeersCommand::Serve(serve) => serve::run(args, serve).await,
            PeersCommand::Hold(hold) => ask::hold(args, hold).await,
            PeersCommand::Confirm(ask) => ask::confirm(args, ask).await,
            PeersCommand::Release(ask) => ask::release(args, ask).await,
            PeersCommand::Settle(ask) => ask::settle(args, ask).await,
            PeersCommand::Holds(list) => ask::list(args, list).await,
        }
    })
}

fn show_key(args: &KeyArgs) -> Result<bool, HostError> {
    // Made where there is none; a file that cannot be read is one.
    let is_there = args.key.try_exists().map_err(|error| HostError::Read { path: args.key.clone(), error })?;
    let key = if is_there { LinkKey::read(&args.key)? } else { LinkKey::create(&args.key)? };
    print(&format!("{}\n", key.public()))?;
    Ok(true)
}

/// What a link does not do unless it is told to, and the flag that tells it.
const FLAGS: [(&str, &str); 2] =
    [("http: URLs are not allowed here", "--allow-plain"), ("the host has no public address", "--allow-private")];

/// A reason, with the flag that takes it away.
fn hinted(reason: &str) -> String {
    let flag = FLAGS.iter().find(|(said, _)| *said == reason).map(|(_, flag)| format!(": see {flag}"));
    format!("{reason}{}", flag.unwrap_or_default())
}

/// Why something was not had, for people.
fn why(fault: LinkFault, reason: &str) -> String {
    format!("{}: {}", fault.name(), hinted(reason))
}

/// What a peer may hold.
fn may_hold(hold: &HoldGrant) -> String {
    format!("may hold {} for {} s", hold.seats_max, hold.term_max.as_secs())
}

fn trouble(trouble: &Trouble) -> Value {
    json!({ "name": trouble.name, "reason": trouble.reason })
}
