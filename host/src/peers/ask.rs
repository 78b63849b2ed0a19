//! Seats at peers.

use boxoffice::BoxOfficeError;
use boxoffice::booking::Party;
use boxoffice::clock::{Clock, SystemClock};
use boxoffice::federation::{RemoteAnswer, RemoteHold, RemoteStage, Verb, Wanted};
use serde_json::json;

use super::args::{AskArgs, HoldArgs, ListArgs, PeersArgs};
use super::link::Open;
use super::why;
use crate::error::HostError;
use crate::output::{print, visible};

pub(super) async fn hold(args: &PeersArgs, hold: &HoldArgs) -> Result<bool, HostError> {
    let wanted = Wanted {
        occurrence: hold.occurrence.clone(),
        party: Party::of(hold.seats),
        holder: hold.holder.clone(),
        term: hold.term.0,
    };
    let open = Open::asking(args, &hold.ask.way).await?;
    let answer = open.federation.hold(&hold.ask.peer, &hold.ask.hold, wanted).await;
    said(open, &hold.ask, answer, Some(Verb::Hold)).await
}

pub(super) async fn confirm(args: &PeersArgs, ask: &AskArgs) -> Result<bool, HostError> {
    let open = Open::asking(args, &ask.way).await?;
    let answer = open.federation.confirm(&ask.peer, &ask.hold).await;
    said(open, ask, answer, Some(Verb::Confirm)).await
}

pub(super) async fn release(args: &PeersArgs, ask: &AskArgs) -> Result<bool, HostError> {
    let open = Open::asking(args, &ask.way).await?;
    let answer = open.federation.release(&ask.peer, &ask.hold).await;
    said(open, ask, answer, Some(Verb::Release)).await
}

pub(super) async fn settle(args: &PeersArgs, ask: &AskArgs) -> Result<bool, HostError> {
    let open = Open::asking(args, &ask.way).await?;
    let answer = open.federation.settle(&ask.peer, &ask.hold).await;
    said(open, ask, answer, None).await
}

/// Prints an answer, and says whether it is the one that was hoped for.
async fn said(
    open: Open,
    ask: &AskArgs,
    answer: Result<RemoteAnswer, BoxOfficeError>,
    verb: Option<Verb>,
) -> Result<bool, HostError> {
    let answer = open.close(answer).await?;
    let (peer, hold) = (&ask.peer, &ask.hold);
    let usage = |what: String| Err(HostError::Usage(what));
    if let RemoteAnswer::NotAllowed = answer {
        return usage(format!("{peer} is no peer that is allowed"));
    }
    if let RemoteAnswer::NoSuchHold = answer {
        return usage(format!("there is no hold {hold} at {peer}"));
    }
    if let RemoteAnswer::IdReused(_) = answer {
        return usage(format!("{hold} was asked of {peer} before, with other words"));
    }
    let failure =
        if let RemoteAnswer::Unknown { error, .. } = &answer { Some(why(error.fault, &error.reason)) } else { None };
    let stage = answer.stage().map(stage).unwrap_or_default();
    let line = if ask.json {
        json!({ "peer": peer, "hold": hold, "stage": stage.0, "detail": stage.1, "failure": failure }).to_string()
    } else {
        let detail = stage.1.map(|detail| format!(" {detail}")).unwrap_or_default();
        let failure = failure.map(|failure| format!("  (no answer: {failure})")).unwrap_or_default();
        visible(&format!("{hold} at {peer}: {}{detail}{failure}", stage.0))
    };
    print(&(line + "\n"))?;
    Ok(matches!(answer, RemoteAnswer::Known(_)) && answer.stage().is_some_and(|stage| is_well(stage, verb)))
}

/// Whether it was held for a while that is over.
fn is_over(stage: &RemoteStage) -> bool {
    matches!(stage, RemoteStage::Held { until } if *until <= SystemClock.now())
}

fn is_well(stage: &RemoteStage, verb: Option<Verb>) -> bool {
    match verb {
        Some(Verb::Hold) => matches!(stage, RemoteStage::Held { .. }) && !is_over(stage) || stage.is_ours(),
        Some(Verb::Confirm) => stage.is_ours(),
        Some(Verb::Release) => matches!(stage, RemoteStage::Released | RemoteStage::NotHeld),
        None => !matches!(stage, RemoteStage::Refused(_) | RemoteStage::Full { .. }) && !is_over(stage),
    }
}

/// A stage, and more of it.
fn stage(stage: &RemoteStage) -> (&'static str, Option<String>) {
    let mut detail = None;
    if let RemoteStage::Held { until } = stage {
        let over = if is_over(stage) { ", which is over" } else { "" };
        detail = Some(format!("until {until}{over}"));
    }
    if let RemoteStage::Full { free } = stage {
        detail = Some(format!("{free} free"));
    }
    if let RemoteStage::Refused(refusal)
    | RemoteStage::Confirming { refused: Some(refusal) }
    | RemoteStage::Releasing { refused: Some(refusal) } = stage
    {
        detail = Some(refusal.name().to_owned());
    }
    (stage.name(), detail)
}

pub(super) async fn list(args: &PeersArgs, list: &ListArgs) -> Result<bool, HostError> {
    let open = Open::looking(args).await?;
    let found = open.federation.open_holds().await;
    for hold in open.close(found).await? {
        let line = if list.json { line_json(&hold) } else { line(&hold) };
        if !print(&line)? {
            break;
        }
    }
    Ok(true)
}

fn line(hold: &RemoteHold) -> String {
    let (name, detail) = stage(&hold.stage);
    let (seats, wanted) = (hold.wanted.party.seats, &hold.wanted);
    let detail = detail.map(|detail| format!(" {detail}")).unwrap_or_default();
    visible(&format!("{} at {}: {name}{detail}  {seats} in {}", hold.hold, hold.peer, wanted.occurrence)) + "\n"
}

fn line_json(hold: &RemoteHold) -> String {
    let (name, detail) = stage(&hold.stage);
    let wanted = &hold.wanted;
    let line = json!({ "peer": hold.peer, "hold": hold.hold, "stage": name, "detail": detail, "wanted": wanted });
    format!("{line}\n")
}
