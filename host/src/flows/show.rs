//! `boxoffice flows STORE show`: one flow, and its journal.

use boxoffice::flows::{FlowEvent, FlowId, Journal, Place, read_places_of, wire};
use boxoffice::persist::{Backend, RecordedEvent, Seq};
use serde_json::json;

use super::args::ShowArgs;
use super::{flush, more, place_words, result, why, write};
use crate::error::HostError;
use crate::output::{Output, visible};

/// Events read at a time.
const PAGE: usize = 1_024;

pub(super) async fn run(store: &dyn Backend, args: &ShowArgs) -> Result<bool, HostError> {
    let journal = Journal::load(store, &args.flow).await?;
    if journal.seq() == Seq::UNWRITTEN {
        return Err(missing(&args.flow));
    }
    let places = read_places_of(store, &args.flow).await?;
    let mut out = Output::new();
    write(&mut out, &if args.json { head_json(&journal, &places) } else { head(&journal, &places) })?;
    let mut next = store.head(&args.flow.stream()).await?.truncated_through.next();
    loop {
        let page = store.read(&args.flow.stream(), next, PAGE).await?;
        let Some(last) = page.last() else { break };
        next = last.seq.next();
        for recorded in &page {
            let event = wire::decode(recorded)?;
            let line = if args.json { event_json(recorded, &event) } else { event_line(recorded, &event) };
            write(&mut out, &line)?;
        }
    }
    flush(&mut out)?;
    Ok(true)
}

pub(super) fn missing(flow: &FlowId) -> HostError {
    HostError::Usage(format!("the store has no flow {flow}"))
}

/// What it waits for, as far as the store tells.
fn waits_for(place: Place) -> String {
    match place {
        Place::Due(at) => format!("at work, or waiting until {at}"),
        Place::Waiting => "waiting for signals".to_owned(),
        Place::Paused => "waiting to be resumed".to_owned(),
        Place::Stuck => "waiting for code that fits".to_owned(),
    }
}

fn head(journal: &Journal, places: &[Place]) -> String {
    let status = journal.status();
    let mut lines = vec![
        format!("flow      {}", journal.id()),
        format!(
            "status    {}{}",
            status.name(),
            more(journal.id(), &status).map(|more| format!(": {more}")).unwrap_or_default()
        ),
        format!("run       {}, {} turns", journal.run(), journal.turn_count()),
        format!("version   {}", journal.version().map_or("-".to_owned(), |version| version.to_string())),
        format!("started   {}", journal.started_at()),
        format!("latest    {}", journal.latest_at()),
    ];
    lines.extend(places.iter().map(|place| format!("place     {}", waits_for(*place))));
    if journal.cancel_requested() {
        lines.push("cancel    requested".to_owned());
    }
    let lines: Vec<String> = lines.iter().map(|line| visible(line)).collect();
    lines.join("\n") + "\n\n"
}

fn head_json(journal: &Journal, places: &[Place]) -> String {
    let status = journal.status();
    let place = places.first().map(|place| place_words(*place).0);
    let due = places.iter().find_map(|place| if let Place::Due(at) = place { Some(*at) } else { None });
    let head = json!({
        "flow": journal.id(), "status": status.name(), "why": why(&status), "run": journal.run(),
        "turns": journal.turn_count(), "version": journal.version(), "started_at": journal.started_at(),
        "latest_at": journal.latest_at(), "cancel_requested": journal.cancel_requested(), "place": place, "due": due,
        "result": result(journal.id(), &status),
    });
    format!("{head}\n")
}

/// What names an event among others of its type: a tag, the name of a signal, a reason. No payloads: they may be personal.
fn detail(event: &FlowEvent) -> String {
    match event {
        FlowEvent::Resolved { ask, .. } => format!("{} {:?}", ask.kind, ask.tag),
        FlowEvent::Signalled { name, id: Some(id), .. } => format!("{name:?} ({id})"),
        FlowEvent::Signalled { name, .. } => format!("{name:?}"),
        FlowEvent::Patched { patch } => format!("{patch:?}"),
        FlowEvent::Stuck { why, .. } => why.to_string(),
        FlowEvent::Failed { reason } => reason.clone(),
        FlowEvent::Continued { run, .. } => format!("run {run}"),
        FlowEvent::Started { parent: Some(parent), .. } => format!("for {}", parent.flow),
        FlowEvent::Started { .. }
        | FlowEvent::CancelRequested { .. }
        | FlowEvent::Paused
        | FlowEvent::Resumed
        | FlowEvent::Retried { .. }
        | FlowEvent::Completed { .. }
        | FlowEvent::Cancelled
        | FlowEvent::Terminated => String::new(),
    }
}

/// `flow.resolved.v1` as `resolved`.
fn short(recorded: &RecordedEvent) -> &str {
    let name = recorded.event_type.as_str();
    let name = name.strip_prefix("flow.").unwrap_or(name);
    name.rsplit_once('.').map_or(name, |(name, _)| name)
}

fn event_line(recorded: &RecordedEvent, event: &FlowEvent) -> String {
    let (seq, at, name) = (recorded.seq, recorded.at.to_string(), short(recorded));
    let line = format!("{seq:>6}  {at:<24}  {name:<16}  {}", detail(event));
    visible(line.trim_end()) + "\n"
}

fn event_json(recorded: &RecordedEvent, event: &FlowEvent) -> String {
    let tag = if let FlowEvent::Resolved { ask, .. } = event { Some(&ask.tag) } else { None };
    let detail = Some(detail(event)).filter(|detail| !detail.is_empty());
    let (seq, at, name) = (recorded.seq, recorded.at, short(recorded));
    format!("{}\n", json!({ "seq": seq, "at": at, "type": name, "tag": tag, "detail": detail }))
}
