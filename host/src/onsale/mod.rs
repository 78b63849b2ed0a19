//! `boxoffice onsale`: from a calendar file to sold seats, audited.

mod buyers;
mod crash;
mod report;
mod sale;

use boxoffice::id::OccurrenceId;
use boxoffice::persist::Location;
use jiff::civil::Date;
use tempfile::TempDir;

use crate::args::OnsaleArgs;
use crate::audit::{audit, lost};
use crate::calendar_file::occurrences;
use crate::error::HostError;
use crate::output::{complain, print};
use report::Report;

/// What is for sale, and to whom.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) occurrences: Vec<OccurrenceId>,
    pub(crate) capacity: u32,
    pub(crate) buyers: u64,
    pub(crate) concurrency: u32,
    pub(crate) hold_percent: u8,
}

pub(crate) fn run(args: &OnsaleArgs) -> Result<bool, HostError> {
    // The file first: a bad one must leave the store untouched.
    let (from, to) = window(args)?;
    let found = occurrences(&args.calendar, from, to)?.occurrences;
    let plan = Plan {
        occurrences: found.into_iter().filter(|o| !o.cancelled).map(|o| o.id()).collect(),
        capacity: args.capacity,
        buyers: args.buyers,
        concurrency: args.concurrency,
        hold_percent: args.hold_percent,
    };
    if plan.occurrences.is_empty() {
        complain(&format!("warning: nothing takes place from {from} until {to}"));
    }
    let (place, _removed_later) = store_place(args.store.as_ref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build();
    let runtime = runtime.map_err(|error| HostError::System { doing: "start the runtime", error })?;
    if args.acknowledge {
        return runtime.block_on(crash::sell_and_acknowledge(&plan, &place)).map(|()| true);
    }
    let crashed = match args.crash_after {
        None => None,
        Some(after) => Some(crash::sell_and_kill(args, (from, to), &place, after)?),
    };
    let report = runtime.block_on(async {
        let crash = match crashed {
            None => None,
            Some(crashed) => Some(crash::compare(&place, crashed).await?),
        };
        sell(&plan, &place, args.json, crash).await
    })?;
    print(&if args.json { report.json() } else { report.table() })?;
    Ok(report.is_clean())
}

/// Sells, reopens the store and checks it.
async fn sell(plan: &Plan, place: &Location, quiet: bool, crash: Option<crash::Compared>) -> Result<Report, HostError> {
    let sold = sale::run(plan, place, !quiet, None).await?;
    let store = place.open(false)?;
    let found = audit(&*store).await?;
    let mut missing = lost(&*store, &sold.acknowledged).await?;
    if let Some(crash) = &crash {
        // What was told before the crash must still stand now.
        missing.extend(lost(&*store, &crash.told).await?);
    }
    Ok(Report { occurrences: plan.occurrences.len(), sold, found, lost: missing, crash })
}

fn window(args: &OnsaleArgs) -> Result<(Date, Date), HostError> {
    let from = args.from.unwrap_or_else(|| jiff::Zoned::now().date());
    let later = from.checked_add(jiff::Span::new().days(60));
    let to = match args.to {
        Some(to) => to,
        None => later.map_err(|error| HostError::Usage(format!("--from {from}: {error}")))?,
    };
    Ok((from, to))
}

fn store_place(given: Option<&Location>) -> Result<(Location, Option<TempDir>), HostError> {
    match given {
        Some(place) => Ok((place.clone(), None)),
        None => {
            let error = |error| HostError::System { doing: "make a temporary directory", error };
            let folder = TempDir::with_prefix("boxoffice-").map_err(error)?;
            Ok((Location::Sled(folder.path().join("store")), Some(folder)))
        }
    }
}
