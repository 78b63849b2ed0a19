//! The command line of `boxoffice flows`.

use boxoffice::flows::{FlowId, FlowKind};
use boxoffice::time::Timestamp;
use clap::{Args, Subcommand, ValueEnum};

use crate::store::Place;

#[derive(Debug, Args)]
pub(crate) struct FlowsArgs {
    /// The store
    #[arg(value_name = "STORE")]
    pub(crate) store: Place,
    #[command(subcommand)]
    pub(crate) command: FlowsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FlowsCommand {
    /// List the flows that have not ended, those that are due first
    Ls(LsArgs),
    /// Show one flow: how it stands, and its journal line by line
    ///
    /// A journal says what came of what was asked; what is still asked only the flow's code knows. Of results only
    /// those of deliveries are shown.
    Show(ShowArgs),
    /// Let nothing out of a flow and no timer of it run out, until it is resumed
    ///
    /// Changes take effect when the flows are run again, and are refused over a socket: whoever runs the flows of this store just
    /// now would have to stop. They are recorded all the same when the flow's code is not at hand. A flow that is as wanted
    /// already is left alone.
    Pause(OneFlow),
    /// Let a paused flow go on
    Resume(OneFlow),
    /// Ask a flow to end: its code may clean up
    Cancel(OneFlow),
    /// End a flow without asking its code; flows that it waits for go on
    ///
    /// They would be cancelled if the flows of this store were running: only the flow's code knows which they are.
    Terminate(OneFlow),
    /// Try a stuck flow again
    Retry(OneFlow),
    /// List the notices that were given up, oldest first
    ///
    /// One that was perhaps sent lost its answer: its recipient may have it.
    Dead(DeadArgs),
    /// Deliver notices after all that were given up, under their old names; the dispatcher that runs next does
    ///
    /// Each is tried again as often as a new one. Those that were redriven before are left alone.
    Redrive(RedriveArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PlaceName {
    /// At work, or waiting for an instant
    Due,
    /// Waiting for signals only
    Waiting,
    /// Waiting to be resumed
    Paused,
    /// Unable to go on
    Stuck,
}

#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    /// Only flows of this kind
    #[arg(long, value_name = "KIND", value_parser = |text: &str| FlowKind::new(text))]
    pub(crate) kind: Option<FlowKind>,
    /// Only flows that stand there
    #[arg(long, value_enum, value_name = "PLACE")]
    pub(crate) place: Option<PlaceName>,
    /// List flows whose id begins so, by id, ended ones too, and what deliveries came to; reads each journal
    #[arg(long, value_name = "PREFIX", conflicts_with_all = ["kind", "place"])]
    pub(crate) all: Option<String>,
    /// Flows at most [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// Print JSON lines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The flow, as in reminder/chess@20260105T190000
    #[arg(value_name = "FLOW")]
    pub(crate) flow: FlowId,
    /// Print JSON lines: first the flow, then an event each
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OneFlow {
    /// The flow
    #[arg(value_name = "FLOW")]
    pub(crate) flow: FlowId,
}

#[derive(Debug, Args)]
pub(crate) struct DeadArgs {
    /// Of this channel
    #[arg(long, value_name = "NAME", default_value = "email")]
    pub(crate) channel: String,
    /// Given up at this instant or later, as 2026-01-05T19:00:00Z
    #[arg(long, value_name = "INSTANT")]
    pub(crate) since: Option<Timestamp>,
    /// Print JSON lines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RedriveArgs {
    /// Of this channel
    #[arg(long, value_name = "NAME", default_value = "email")]
    pub(crate) channel: String,
    /// Given up at this instant or later, as 2026-01-05T19:00:00Z
    #[arg(long, value_name = "INSTANT")]
    pub(crate) since: Option<Timestamp>,
    /// Also those that were redriven before; each notice once, however often it was given up
    #[arg(long)]
    pub(crate) again: bool,
}
