//! `boxoffice calendar`: series in a store.

pub(crate) mod agenda;
mod args;
mod history;
mod import;

use std::sync::Arc;

use boxoffice::BoxOffice;
use boxoffice::booking::{Seat, SeatState};
use boxoffice::calendar::{CalendarEvent, Feed, write_icalendar};
use boxoffice::persist::Backend;
use boxoffice::schedule::{Orphan, Standing};
use boxoffice::time::Timestamp;

pub(crate) use args::CalendarCommand;
use args::{ExportArgs, OrphansArgs};

use crate::error::HostError;
use crate::output::{print, visible};

pub(crate) fn run(command: &CalendarCommand) -> Result<bool, HostError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| HostError::System { doing: "start the runtime", error })?;
    match command {
        CalendarCommand::Import(args) => runtime.block_on(import::run(args)),
        CalendarCommand::Export(args) => runtime.block_on(export(args)),
        CalendarCommand::Agenda(args) => runtime.block_on(agenda::run(args)),
        CalendarCommand::History(args) => runtime.block_on(history::run(args)),
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
    let line = |of: &Seat| match of.party.seats.get() {
        1 => format!("{} {}", of.attendee, seat(of.state)),
        many => format!("{} {many} {}", of.attendee, seat(of.state)),
    };
    let seats: Vec<String> = orphan.seats.iter().map(line).collect();
    visible(&format!("{}  {why}: {}", orphan.occurrence, seats.join(", "))) + "\n"
}

fn seat(state: SeatState) -> &'static str {
    match state {
        SeatState::Held { .. } => "held",
        SeatState::Confirmed => "confirmed",
    }
}
