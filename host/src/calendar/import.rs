//! `boxoffice calendar import`: each series of a file, scheduled or defined anew.

use std::collections::BTreeMap;

use boxoffice::calendar::{CalendarEvent, Component, Import, Property};
use boxoffice::schedule::SeriesOutcome;
use boxoffice::{BoxOffice, BoxOfficeError, ScheduleReply};
use futures_util::{StreamExt, stream};

use super::args::ImportArgs;
use crate::calendar_file::import;
use crate::error::HostError;
use crate::output::{complain, print, visible};

/// Series on their way to the store at the same time: they share its syncs.
const AT_ONCE: usize = 64;
/// Kinds of components named in a warning.
const KINDS_MAX: usize = 10;

pub(super) async fn run(args: &ImportArgs) -> Result<bool, HostError> {
    // The file first: a bad one must leave the store untouched.
    let Import { events, calendar, others, left_out, .. } = import(&args.file)?;
    if let Some(method) = message(&calendar) {
        let what = "is a message about events (RFC 5546), not a calendar";
        return Err(HostError::Usage(format!("{}: METHOD:{method} {what}: nothing imported", args.file.display())));
    }
    if !others.is_empty() {
        complain(&format!("warning: {}: not kept: {}", args.file.display(), counted(&others)));
    }
    let office = super::office(args.store.open(true).await?)?;
    let mut all_taken = left_out == 0;
    let mut replies = stream::iter(events).map(|event| put(&office, event)).buffered(AT_ONCE);
    while let Some(put) = replies.next().await {
        let (event, reply) = put?;
        let taken = reply.outcome.is_accepted() || reply.outcome == SeriesOutcome::Unchanged;
        all_taken &= taken;
        let line = if taken {
            format!("{:<10} {}  {}", reply.outcome.name(), event.series, event.summary)
        } else {
            format!("{:<10} {}  {}: {}", "refused", event.series, event.summary, reply.outcome)
        };
        let orphans: Vec<String> =
            reply.orphaned.iter().map(|one| format!("  orphaned {}", super::orphan(one))).collect();
        if !print(&(visible(&line) + "\n" + &orphans.concat()))? {
            break;
        }
    }
    drop(replies);
    office.shutdown().await;
    Ok(all_taken)
}

/// The METHOD of a file that does not say what takes place, such as CANCEL or REPLY (RFC 5546 section 1.4).
fn message(calendar: &[Property]) -> Option<&str> {
    let methods = calendar.iter().filter(|property| property.name == "METHOD").map(|property| property.value.trim());
    let tells = |method: &str| ["PUBLISH", "REQUEST", "ADD"].iter().any(|known| method.eq_ignore_ascii_case(known));
    methods.into_iter().find(|method| !tells(method))
}

/// How many there are of each kind, such as `2 VTODO, 1 VJOURNAL`.
fn counted(components: &[Component]) -> String {
    let mut kinds = BTreeMap::new();
    for component in components {
        *kinds.entry(component.name.as_str()).or_insert(0_usize) += 1;
    }
    let (shown, more) = (kinds.iter().take(KINDS_MAX), kinds.len().saturating_sub(KINDS_MAX));
    let mut parts: Vec<String> = shown.map(|(name, count)| format!("{count} {name}")).collect();
    if more > 0 {
        parts.push(format!("{more} other kinds"));
    }
    parts.join(", ")
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
