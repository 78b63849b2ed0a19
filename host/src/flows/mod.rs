//! `boxoffice flows`: what runs in a store, and what is said to it while nobody runs it.

mod args;
mod change;
mod dead;
mod show;

use boxoffice::flows::{FlowId, FlowStatus, OpenFilter, OpenFlow, Place, open_flows, search_flows};
use boxoffice::notify::flows::DELIVER;
use boxoffice::persist::Backend;
use serde_json::{Value, json};

pub(crate) use args::FlowsArgs;
use args::{FlowsCommand, LsArgs, PlaceName};

use crate::error::HostError;
use crate::output::{Output, print, visible};

/// Flows whose journals are read before they are listed.
const PAGE: usize = 256;
/// Characters of a result that are shown in a line.
const RESULT_MAX: usize = 120;

pub(crate) fn run(args: &FlowsArgs) -> Result<bool, HostError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| HostError::System { doing: "start the runtime", error })?;
    runtime.block_on(async {
        match &args.command {
            FlowsCommand::Ls(ls) => list(&*args.store.open(false).await?, ls).await,
            FlowsCommand::Show(show) => show::run(&*args.store.open(false).await?, show).await,
            FlowsCommand::Dead(dead) => dead::list(&*args.store.open(false).await?, dead).await,
            FlowsCommand::Redrive(redrive) => dead::redrive(&args.store, redrive).await,
            command @ (FlowsCommand::Pause(_)
            | FlowsCommand::Resume(_)
            | FlowsCommand::Cancel(_)
            | FlowsCommand::Terminate(_)
            | FlowsCommand::Retry(_)) => change::run(&args.store, command).await,
        }
    })
}

async fn list(store: &dyn Backend, args: &LsArgs) -> Result<bool, HostError> {
    if let Some(prefix) = &args.all {
        return list_all(store, prefix, args).await;
    }
    let place = args.place.map(|place| match place {
        PlaceName::Due => "due".to_owned(),
        PlaceName::Waiting => "waiting".to_owned(),
        PlaceName::Paused => "paused".to_owned(),
        PlaceName::Stuck => "stuck".to_owned(),
    });
    let limit = args.limit.map_or(0, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let found = open_flows(store, &OpenFilter { kind: args.kind.clone(), place, limit }).await?;
    let mut out = Output::new();
    for flow in &found {
        let line = if args.json { open_json(flow) } else { open_line(flow) };
        write(&mut out, &line)?;
    }
    flush(&mut out)?;
    Ok(true)
}

/// Where it stands, in two columns.
fn place_words(place: Place) -> (&'static str, String) {
    match place {
        Place::Due(at) => ("due", at.to_string()),
        Place::Waiting => ("waiting", "-".to_owned()),
        Place::Paused => ("paused", "-".to_owned()),
        Place::Stuck => ("stuck", "-".to_owned()),
    }
}

fn open_line(flow: &OpenFlow) -> String {
    let (name, at) = place_words(flow.place);
    let why = flow.stuck.as_ref().map(|note| format!("  version {}: {}", note.version, note.stuck)).unwrap_or_default();
    visible(&format!("{name:<8} {at:<24} {}{why}", flow.id)) + "\n"
}

fn open_json(flow: &OpenFlow) -> String {
    let (name, _) = place_words(flow.place);
    let at = if let Place::Due(at) = flow.place { Some(at) } else { None };
    let stuck = flow.stuck.as_ref().map(|note| json!({ "version": note.version, "why": note.stuck.to_string() }));
    format!("{}\n", json!({ "flow": flow.id, "place": name, "due": at, "stuck": stuck }))
}

async fn list_all(store: &dyn Backend, prefix: &str, args: &LsArgs) -> Result<bool, HostError> {
    let mut left = args.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let mut after: Option<FlowId> = None;
    while left > 0 {
        let page = search_flows(store, prefix, after.as_ref(), left.min(PAGE)).await?;
        for (flow, status) in &page {
            let line = if args.json {
                format!(
                    "{}\n",
                    json!({ "flow": flow, "status": status.name(), "why": why(status), "result": result(flow, status) })
                )
            } else {
                let more = more(flow, status).map(|more| format!("  {more}")).unwrap_or_default();
                visible(&format!("{:<9} {flow}{more}", status.name())) + "\n"
            };
            if !print(&line)? {
                return Ok(true);
            }
        }
        left -= page.len();
        after = page.last().map(|(flow, _)| flow.clone());
        if page.len() < PAGE {
            break;
        }
    }
    Ok(true)
}

/// Why it gave up or cannot go on.
fn why(status: &FlowStatus) -> Option<String> {
    match status {
        FlowStatus::Stuck(stuck) => Some(stuck.to_string()),
        FlowStatus::Failed(reason) => Some(reason.clone()),
        FlowStatus::Unknown
        | FlowStatus::Running
        | FlowStatus::Paused
        | FlowStatus::Completed(_)
        | FlowStatus::Cancelled => None,
    }
}

/// What a delivery came to. The results of other flows are not shown: they may be personal.
fn result(flow: &FlowId, status: &FlowStatus) -> Option<Value> {
    match status {
        FlowStatus::Completed(result) if flow.kind().as_str() == DELIVER => result.read().ok(),
        FlowStatus::Completed(_)
        | FlowStatus::Unknown
        | FlowStatus::Running
        | FlowStatus::Paused
        | FlowStatus::Stuck(_)
        | FlowStatus::Failed(_)
        | FlowStatus::Cancelled => None,
    }
}

/// What stands beside a status: why, or the result, shortened.
fn more(flow: &FlowId, status: &FlowStatus) -> Option<String> {
    let shortened = |result: Value| {
        let text = result.to_string();
        if text.chars().count() <= RESULT_MAX {
            return text;
        }
        text.chars().take(RESULT_MAX - 3).collect::<String>() + "..."
    };
    why(status).or_else(|| result(flow, status).map(shortened))
}

/// A line into the output.
fn write(out: &mut Output, line: &str) -> Result<(), HostError> {
    std::io::Write::write_all(out, line.as_bytes())
        .map_err(|error| HostError::System { doing: "write the output", error })
}

fn flush(out: &mut Output) -> Result<(), HostError> {
    std::io::Write::flush(out).map_err(|error| HostError::System { doing: "write the output", error })
}
