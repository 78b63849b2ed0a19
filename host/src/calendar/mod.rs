//! `boxoffice calendar`: series in a store.

mod agenda;
mod args;
mod import;

use std::sync::Arc;

use boxoffice::BoxOffice;
use boxoffice::booking::{Seat, SeatState};
use boxoffice::calendar::{CalendarEvent, Change, Feed, Range, write_icalendar};
use boxoffice::persist::{Backend, Seq};
use boxoffice::schedule::{Orphan, SeriesEvent, Standing, history, read_from, series_stream};
use boxoffice::time::Timestamp;

pub(crate) use args::CalendarCommand;
use args::{ExportArgs, HistoryArgs, OrphansArgs};

use crate::error::HostError;
use crate::output::print;

pub(crate) fn run(command: &CalendarCommand) -> Result<bool, HostError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| HostError::System { doing: "start the runtime", error })?;
    match command {
        CalendarCommand::Import(args) => runtime.block_on(import::run(args)),
        CalendarCommand::Export(args) => runtime.block_on(export(args)),
        CalendarCommand::Agenda(args) => runtime.block_on(agenda::run(args)),
        CalendarCommand::History(args) => runtime.block_on(print_history(args)),
        CalendarCommand::Orphans(args) => runtime.block_on(print_orphans(args)),
    }
}

fn office(backend: Arc<dyn Backend>) -> Result<BoxOffice, HostError> {
    Ok(BoxOffice::builder().shared_store(backend).start()?)
}

async fn export(args: &ExportArgs) -> Result<bool, HostError> {
    let office = office(args.store.open(false).await?)?;
    let events: Vec<CalendarEvent> = office.all_series().await?.iter().flat_map(|series| series.events()).collect();
    let mut feed = Feed::new("-//boxoffice//EN", Timestamp::EPOCH);
    if let Some(name) = &args.name {
        feed = feed.named(name);
    }
    print(&write_icalendar(&feed, &events))?;
    office.shutdown().await;
    Ok(true)
}

async fn print_history(args: &HistoryArgs) -> Result<bool, HostError> {
    let backend = args.store.open(false).await?;
    let events = read_from(&*backend, &series_stream(&args.series), Seq::FIRST).await?;
    if events.is_empty() {
        return Err(HostError::Usage(format!("the store has no series {}", args.series)));
    }
    for (seq, at, event) in history(&events).map_err(boxoffice::persist::Fault::from)? {
        let (name, revision) = (event.name(), event.revision());
        if !print(&format!("{seq:>6}  {at}  {name:<20}  revision {revision}  {}\n", what(&event)))? {
            break;
        }
    }
    Ok(true)
}

/// What an event says, in a line.
fn what(event: &SeriesEvent) -> String {
    match event {
        SeriesEvent::SeriesScheduled { definition, .. } | SeriesEvent::SeriesRedefined { definition, .. } => {
            defined(definition)
        }
        SeriesEvent::SeriesSplit { recurrence, definition, .. } => format!("at {recurrence}: {}", defined(definition)),
        SeriesEvent::OccurrenceMoved { change, .. }
        | SeriesEvent::OccurrenceCancelled { change, .. }
        | SeriesEvent::OccurrenceReinstated { change, .. } => changed(change),
        SeriesEvent::SeriesCancelled { .. } => String::new(),
    }
}

fn defined(event: &CalendarEvent) -> String {
    let rules: Vec<String> = event.rules.iter().map(|rule| format!("  {rule}")).collect();
    format!("{}  from {} {}{}", event.summary, event.start, event.frame.name(), rules.concat())
}

fn changed(change: &Change) -> String {
    let following = if change.range == Range::ThisAndFuture { " and following" } else { "" };
    format!("{}{following}: {} {}  {}", change.of, change.start, change.frame.name(), change.summary)
}

async fn print_orphans(args: &OrphansArgs) -> Result<bool, HostError> {
    let office = office(args.store.open(false).await?)?;
    for series in office.all_series().await? {
        let Some(id) = series.id() else { continue };
        for found in office.orphans(id).await? {
            if !print(&orphan(&found))? {
                return Ok(true);
            }
        }
    }
    office.shutdown().await;
    Ok(true)
}

/// An orphan in a line.
fn orphan(orphan: &Orphan) -> String {
    let why = match &orphan.standing {
        Standing::Gone => "gone",
        Standing::Cancelled => "cancelled",
        Standing::Stands => "takes place",
        Standing::Unsure(_) => "too many steps to say",
    };
    let seats: Vec<String> =
        orphan.seats.iter().map(|Seat { attendee, state }| format!("{attendee} {}", seat(*state))).collect();
    format!("{}  {why}: {}\n", orphan.occurrence, seats.join(", "))
}

fn seat(state: SeatState) -> &'static str {
    match state {
        SeatState::Held { .. } => "held",
        SeatState::Confirmed => "confirmed",
    }
}
