//! `boxoffice notify`: who is told, how they are reached, and the process that sends.

mod args;
mod dispatch;
mod profile;
mod send;

pub(crate) use args::NotifyArgs;
use args::NotifyCommand;

use crate::error::HostError;

pub(crate) fn run(args: &NotifyArgs) -> Result<bool, HostError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| HostError::System { doing: "start the runtime", error })?;
    runtime.block_on(async {
        match &args.command {
            None => dispatch::run(&args.store, &args.dispatch).await,
            Some(NotifyCommand::Profile(command)) => profile::run(&args.store, command).await,
            Some(NotifyCommand::Send(send)) => send::run(&args.store, send).await,
        }
    })
}
