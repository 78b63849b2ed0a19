//! `boxoffice peers`: other systems, from a store.

mod agenda;
mod args;
mod ask;
mod book;
mod link;
mod serve;
mod sync;

use boxoffice::federation::http::LinkKey;
use boxoffice::federation::{LinkFault, Trouble};
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

/// Why something was not had, for people.
fn why(fault: LinkFault, reason: &str) -> String {
    format!("{}: {reason}", fault.name())
}

fn trouble(trouble: &Trouble) -> Value {
    json!({ "name": trouble.name, "reason": trouble.reason })
}
