//! What takes place, here and at peers.

use boxoffice::federation::{MergeGap, MergedEntry, Provenance};
use boxoffice::schedule::{AgendaOptions, Incomplete};
use boxoffice::time::Window;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::args::{AgendaArgs, PeersArgs};
use super::link::Open;
use crate::calendar::agenda::{Line, human, midnight, missing};
use crate::error::HostError;
use crate::output::{complain, print, visible};

/// One line of JSON.
#[derive(Serialize)]
struct Merged<'a> {
    #[serde(flatten)]
    line: Line<'a>,
    #[serde(flatten)]
    from: Option<From<'a>>,
}

#[derive(Serialize)]
struct From<'a> {
    origin: &'a str,
    via: &'a str,
    fetched_at: String,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    stale: bool,
}

pub(super) async fn run(args: &PeersArgs, agenda: &AgendaArgs) -> Result<bool, HostError> {
    let AgendaArgs { from, to, cancelled, json, .. } = *agenda;
    if to <= from {
        return Err(HostError::Usage(format!("--to {to} is not after --from {from}")));
    }
    let zone = TimeZone::get(&agenda.zone).map_err(|_| HostError::Usage(format!("no time zone {}", agenda.zone)))?;
    let window = Window::new(midnight(from, &zone)?, midnight(to, &zone)?);
    let open = Open::looking(args).await?;
    let options = AgendaOptions { cancelled, ..AgendaOptions::default() };
    let found = open.federation.agenda(window, &zone, options).await;
    let found = open.close(found).await?;
    for entry in &found.entries {
        if !print(&if json { line_json(entry) } else { line(entry, &zone) })? {
            break;
        }
    }
    for gap in &found.gaps {
        complain(&format!("warning: the agenda is not complete: {}", gap_said(gap)));
    }
    Ok(found.gaps.iter().all(|gap| matches!(gap, MergeGap::Local(Incomplete::Limit { .. }))))
}

fn line(entry: &MergedEntry, zone: &TimeZone) -> String {
    let line = human(&entry.entry, None, zone);
    let Provenance::Peer { origin, via, stale, fetched_at } = &entry.provenance else { return line };
    let via = if via == origin { String::new() } else { format!(" via {via}") };
    let stale = if *stale { format!(", stale: fetched {fetched_at}") } else { String::new() };
    format!("{}{}\n", line.trim_end_matches('\n'), visible(&format!("  from {origin}{via}{stale}")))
}

fn line_json(entry: &MergedEntry) -> String {
    let from = match &entry.provenance {
        Provenance::Local => None,
        Provenance::Peer { origin, via, fetched_at, stale } => {
            let fetched_at = fetched_at.to_string();
            Some(From { origin: origin.as_str(), via: via.as_str(), fetched_at, stale: *stale })
        }
    };
    let line = Merged { line: Line::of(&entry.entry, None), from };
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

fn gap_said(gap: &MergeGap) -> String {
    match gap {
        MergeGap::Local(gap) => missing(gap),
        MergeGap::TooManySteps { via, truncated } => format!("the feed of {via}: {truncated}"),
        MergeGap::TooManyEntries { via, from } => format!("there is more of {via} from {from} on"),
        other => format!("{other:?}"),
    }
}
