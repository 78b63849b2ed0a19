//! `boxoffice notify STORE send`: notices that whoever runs the flows next delivers.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use boxoffice::clock::{Clock, SystemClock};
use boxoffice::flows::{FlowOutcome, start_flow};
use boxoffice::notify::Notice;
use boxoffice::notify::flows::{DeliverInput, deliver_flow};
use boxoffice::persist::Payload;

use super::args::SendArgs;
use crate::error::HostError;
use crate::output::{print, visible};
use crate::store::Place;

pub(super) async fn run(place: &Place, args: &SendArgs) -> Result<bool, HostError> {
    if let Place::Socket(_) = place {
        let what = "a notice can only be put where nobody else has the store open, not over a socket";
        return Err(HostError::Usage(what.to_owned()));
    }
    let notices = notices(args)?;
    let policy = args.retry.policy()?;
    let store = place.open(args.create).await?;
    let mut well = true;
    for notice in notices {
        let flow = deliver_flow(&notice).map_err(|error| HostError::Usage(error.to_string()))?;
        let input = Payload::new(&DeliverInput { notice, policy: policy.clone() });
        let input = input.map_err(|error| HostError::Usage(error.to_string()))?;
        let outcome = start_flow(&*store, &flow, &input, SystemClock.now()).await?;
        let said = match &outcome {
            FlowOutcome::Started => "begun".to_owned(),
            FlowOutcome::Already(status) => format!("begun before: {}", status.name()),
            FlowOutcome::InputDiffers => "begun before with something else to say".to_owned(),
            FlowOutcome::TooLarge(limit) => limit.to_string(),
            other @ (FlowOutcome::Done
            | FlowOutcome::Unchanged
            | FlowOutcome::Over(_)
            | FlowOutcome::Unknown
            | FlowOutcome::Unreadable { .. }) => other.name().to_owned(),
        };
        well &= matches!(outcome, FlowOutcome::Started | FlowOutcome::Already(_));
        if !print(&(visible(&format!("{flow}: {said}")) + "\n"))? {
            break;
        }
    }
    Ok(well)
}

fn notices(args: &SendArgs) -> Result<Vec<Notice>, HostError> {
    if let Some(path) = &args.notices {
        return read_notices(path);
    }
    let (Some(id), Some(to), Some(kind), Some(facts)) = (&args.id, &args.to, &args.kind, &args.facts) else {
        return Err(HostError::Usage("--id, --to, --kind and --facts, or --notices".to_owned()));
    };
    let facts = Payload::from_json(facts).map_err(|error| HostError::Usage(format!("--facts: {error}")))?;
    let (id, to, kind) = (id.clone(), to.clone(), kind.clone());
    Ok(vec![Notice {
        id,
        kind,
        to,
        channel: args.channel.clone(),
        critical: args.critical,
        facts,
        until: None,
        thread: None,
    }])
}

fn read_notices(path: &Path) -> Result<Vec<Notice>, HostError> {
    let fail = |error| HostError::Read { path: path.to_owned(), error };
    let text = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(fail)?;
        text
    } else {
        fs::read_to_string(path).map_err(fail)?
    };
    let read = |(number, line): (usize, &str)| {
        let wrong = |error| HostError::Usage(format!("{}: line {number}: {error}", path.display()));
        serde_json::from_str(line).map_err(wrong)
    };
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()).map(read).collect()
}
