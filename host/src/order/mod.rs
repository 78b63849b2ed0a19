//! `boxoffice order`: seats for money, with a gateway that is a sandbox.

mod args;
mod change;
mod pay;
mod place;
mod reconcile;
mod sell;
mod show;
mod till;
mod watch;
mod words;

pub(crate) use args::OrderArgs;
use args::OrderCommand;

use crate::error::HostError;

pub(crate) fn run(args: &OrderArgs) -> Result<bool, HostError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| HostError::System { doing: "start the runtime", error })?;
    runtime.block_on(async {
        match &args.command {
            OrderCommand::Sell(sell) => sell::run(sell).await,
            OrderCommand::Place(place) => place::run(place).await,
            OrderCommand::Show(show) => show::run(show).await,
            OrderCommand::List(list) => show::list(list).await,
            OrderCommand::Pay(pay) => pay::run(pay).await,
            OrderCommand::Cancel(cancel) => change::cancel(cancel).await,
            OrderCommand::Refund(refund) => change::refund(refund).await,
            OrderCommand::Reopen(one) => change::reopen(one).await,
            OrderCommand::Run(run) => watch::run(run).await,
            OrderCommand::Reconcile(reconcile) => reconcile::run(reconcile).await,
        }
    })
}
