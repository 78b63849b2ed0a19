//! What is said to a flow that nobody runs.

use boxoffice::clock::{Clock, SystemClock};
use boxoffice::flows::{FlowCommand, FlowId, FlowOutcome, change_flow};

use super::args::FlowsCommand;
use super::show::missing;
use crate::error::HostError;
use crate::output::{print, visible};
use crate::store::Place;

fn asked(command: &FlowsCommand) -> Option<(&FlowId, FlowCommand)> {
    match command {
        FlowsCommand::Pause(one) => Some((&one.flow, FlowCommand::Pause)),
        FlowsCommand::Resume(one) => Some((&one.flow, FlowCommand::Resume)),
        FlowsCommand::Cancel(one) => Some((&one.flow, FlowCommand::Cancel)),
        FlowsCommand::Terminate(one) => Some((&one.flow, FlowCommand::Terminate)),
        FlowsCommand::Retry(one) => Some((&one.flow, FlowCommand::Retry)),
        FlowsCommand::Ls(_) | FlowsCommand::Show(_) | FlowsCommand::Dead(_) | FlowsCommand::Redrive(_) => None,
    }
}

pub(super) async fn run(place: &Place, command: &FlowsCommand) -> Result<bool, HostError> {
    let Some((flow, command)) = asked(command) else { return Ok(true) };
    if let Place::Socket(_) = place {
        let what = "a flow can only be changed where nobody else has the store open, not over a socket";
        return Err(HostError::Usage(what.to_owned()));
    }
    let store = place.open(false).await?;
    let outcome = change_flow(&*store, flow, &command, SystemClock.now()).await?;
    let (said, well) = match outcome {
        FlowOutcome::Done => ("recorded".to_owned(), true),
        FlowOutcome::Unchanged => ("is so already".to_owned(), true),
        FlowOutcome::Over(status) => (format!("has ended: {}", status.name()), false),
        FlowOutcome::Unknown => return Err(missing(flow)),
        other @ (FlowOutcome::Started
        | FlowOutcome::Already(_)
        | FlowOutcome::InputDiffers
        | FlowOutcome::TooLarge(_)
        | FlowOutcome::Unreadable { .. }) => (other.name().to_owned(), false),
    };
    print(&(visible(&format!("{flow}: {}: {said}", command.name())) + "\n"))?;
    Ok(well)
}
