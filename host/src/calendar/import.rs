//! `boxoffice calendar import`: each series of a file, scheduled or defined anew.

use boxoffice::calendar::CalendarEvent;
use boxoffice::schedule::SeriesOutcome;
use boxoffice::{BoxOffice, BoxOfficeError, ScheduleReply};
use futures_util::{StreamExt, stream};

use super::args::ImportArgs;
use crate::calendar_file::import;
use crate::error::HostError;
use crate::output::print;

/// Series on their way to the store at the same time: they share its syncs.
const AT_ONCE: usize = 64;

pub(super) async fn run(args: &ImportArgs) -> Result<bool, HostError> {
    // The file first: a bad one must leave the store untouched.
    let events = import(&args.file)?.events;
    let office = super::office(args.store.open(true).await?)?;
    let mut all_taken = true;
    let mut replies = stream::iter(events).map(|event| put(&office, event)).buffered(AT_ONCE);
    while let Some(put) = replies.next().await {
        let (event, reply) = put?;
        let taken = reply.outcome.is_accepted() || reply.outcome == SeriesOutcome::Unchanged;
        all_taken &= taken;
        let line = if taken {
            format!("{:<10} {}  {}\n", reply.outcome.name(), event.series, event.summary)
        } else {
            format!("{:<10} {}  {}: {}\n", "refused", event.series, event.summary, reply.outcome)
        };
        let orphans: Vec<String> =
            reply.orphaned.iter().map(|one| format!("  orphaned {}", super::orphan(one))).collect();
        if !print(&(line + &orphans.concat()))? {
            break;
        }
    }
    drop(replies);
    office.shutdown().await;
    Ok(all_taken)
}

/// Schedules a series, or defines it anew if there is another one.
async fn put(office: &BoxOffice, mut event: CalendarEvent) -> Result<(CalendarEvent, ScheduleReply), BoxOfficeError> {
    let mut reply = offer(office, &event).await?;
    if let SeriesOutcome::StartNotInRule { first: Some(first) } = reply.outcome {
        // The rules give the same starts from there on.
        event.start = first;
        reply = offer(office, &event).await?;
    }
    Ok((event, reply))
}

async fn offer(office: &BoxOffice, event: &CalendarEvent) -> Result<ScheduleReply, BoxOfficeError> {
    let reply = office.schedule(event.clone()).await?;
    let other = matches!(reply.outcome, SeriesOutcome::AlreadyScheduled | SeriesOutcome::SeriesCancelled);
    if other { office.redefine(event.clone()).await } else { Ok(reply) }
}
