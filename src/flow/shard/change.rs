//! What is said to a flow while nobody runs it, and by whoever does not have its code.

use super::{At, Claim, FlowCommand, FlowOutcome};
use crate::flow::event::FlowEvent;
use crate::flow::id::FlowId;
use crate::flow::journal::{FlowStatus, Journal};
use crate::flow::shard::place::read_due_page;
use crate::flow::wire;
use crate::persist::{Backend, CommitOutcome, Expect, Fault, Payload, Transaction};
use crate::time::Timestamp;

/// Keys that are read at a time.
const PAGE: usize = 1_000;
/// How often a change is tried that others are in the way of.
const TRIES_MAX: u32 = 16;

/// What a flow that was begun before is answered when it is begun with `input`; none if it was not begun.
pub(super) fn begun_before(journal: &Journal, input: &Payload) -> Option<FlowOutcome> {
    let status = journal.status();
    let differs = journal.run() == 1 && journal.input() != input;
    let answer = if differs { FlowOutcome::InputDiffers } else { FlowOutcome::Already(status.clone()) };
    Some(answer).filter(|_| status != FlowStatus::Unknown)
}

/// Why nothing can be said to a flow; none if it is there and has not ended.
pub(super) fn not_open(journal: &Journal) -> Option<FlowOutcome> {
    match journal.status() {
        FlowStatus::Unknown => Some(FlowOutcome::Unknown),
        over @ (FlowStatus::Completed(_) | FlowStatus::Failed(_) | FlowStatus::Cancelled) => {
            Some(FlowOutcome::Over(over))
        }
        FlowStatus::Running | FlowStatus::Paused | FlowStatus::Stuck(_) => None,
    }
}

/// What `command` records of a flow; none if the flow is so already. `version` is that of the code at hand.
pub(super) fn event_of(journal: &Journal, command: &FlowCommand, version: u32) -> Option<FlowEvent> {
    match command {
        FlowCommand::Cancel => Some(FlowEvent::CancelRequested { version }).filter(|_| !journal.cancel_requested()),
        FlowCommand::Terminate => Some(FlowEvent::Terminated),
        FlowCommand::Pause => Some(FlowEvent::Paused).filter(|_| !journal.is_paused()),
        FlowCommand::Resume => Some(FlowEvent::Resumed).filter(|_| journal.is_paused()),
        FlowCommand::Retry => Some(FlowEvent::Retried { version }).filter(|_| journal.stuck().is_some()),
        FlowCommand::Start { .. } | FlowCommand::Signal { .. } | FlowCommand::Inspect | FlowCommand::Await => None,
    }
}

/// Where a flow stands after an event that its code has not seen: what the code makes of it is not known.
fn place_after(journal: &Journal, event: &FlowEvent, now: Timestamp) -> Option<At> {
    let place = At::of(journal, &[])?;
    // A pause is over, or there is a turn to take: whoever runs the flow next begins with it, and finds its place.
    let looked_at = place == At::Waiting || (place == At::Paused && matches!(event, FlowEvent::CancelRequested { .. }));
    Some(if looked_at { At::due(now) } else { place })
}

/// All places that the store has for a flow: one while it is open, none after its end. Reads the keys of all due flows of its shard.
///
/// # Errors
/// [`Fault`] when storage failed or a key is not readable.
pub async fn read_places_of(backend: &dyn Backend, flow: &FlowId) -> Result<Vec<At>, Fault> {
    let mut found = Vec::new();
    for place in [At::Waiting, At::Paused, At::Stuck] {
        if backend.get(&place.key(flow)).await?.is_some() {
            found.push(place);
        }
    }
    let mut after = None;
    loop {
        let page = read_due_page(backend, flow.shard(), after.as_ref(), PAGE).await?;
        found.extend(page.entries.iter().filter(|(_, id)| id == flow).map(|(at, _)| At::Due(*at)));
        after = page.entries.last().cloned();
        if !page.more {
            return Ok(found);
        }
    }
}

/// Pauses, resumes, cancels, terminates or retries a flow in a store where nobody runs it. Needs no code of it: the code hears of it
/// when the flow is run again. Other commands change nothing.
///
/// Claims the flow's shard for this one change: whoever runs its flows all the same is fenced off. Children that a terminated flow
/// waits for go on, since only its code knows them; with the flows running they would be cancelled. A cancelled flow takes the old
/// way at patches that it had not come to.
///
/// # Errors
/// [`Fault`] when storage failed or the journal is damaged; [`Fault::Unavailable`] when others were in the way again and again.
pub async fn change_flow(
    backend: &dyn Backend,
    flow: &FlowId,
    command: &FlowCommand,
    now: Timestamp,
) -> Result<FlowOutcome, Fault> {
    let event = |journal: &Journal| {
        let event = || event_of(journal, command, journal.version().unwrap_or(0)).ok_or(FlowOutcome::Unchanged);
        not_open(journal).map_or_else(event, Err)
    };
    record(backend, flow, event, now).await
}

/// Begins a flow in a store where nobody runs it, as [`change_flow`] changes one. It takes the old way at patches of its first turn.
///
/// # Errors
/// As [`change_flow`].
pub async fn start_flow(
    backend: &dyn Backend,
    flow: &FlowId,
    input: &Payload,
    now: Timestamp,
) -> Result<FlowOutcome, Fault> {
    let event = |journal: &Journal| {
        let started = || Ok(FlowEvent::Started { version: 0, input: input.clone(), parent: None });
        begun_before(journal, input).map_or_else(started, Err)
    };
    let outcome = record(backend, flow, event, now).await?;
    Ok(if outcome == FlowOutcome::Done { FlowOutcome::Started } else { outcome })
}

/// Records what `event` makes of the journal, as the owner of the flow's shard.
async fn record(
    backend: &dyn Backend,
    flow: &FlowId,
    event: impl Fn(&Journal) -> Result<FlowEvent, FlowOutcome>,
    now: Timestamp,
) -> Result<FlowOutcome, Fault> {
    for _ in 0..TRIES_MAX {
        let claim = Claim::new(flow.shard(), backend.get(&Claim::key(flow.shard())).await?);
        let journal = Journal::load(backend, flow).await?;
        let event = match event(&journal) {
            Ok(event) => event,
            Err(outcome) => return Ok(outcome),
        };
        let places = read_places_of(backend, flow).await?;
        match backend.commit_one(recording(&claim, journal, &places, event, now)).await? {
            CommitOutcome::Done(_) | CommitOutcome::Already(_) => return Ok(FlowOutcome::Done),
            CommitOutcome::Refused(limit) => return Ok(FlowOutcome::TooLarge(limit)),
            CommitOutcome::Conflict(_) | CommitOutcome::KeyReused => {}
        }
    }
    Err(Fault::Unavailable { reason: format!("somebody else changes flow {flow} all the time").into() })
}

/// The claim, the event and the new place, all at once.
fn recording(claim: &Claim, mut journal: Journal, places: &[At], event: FlowEvent, now: Timestamp) -> Transaction {
    let (flow, before, at) = (journal.id().clone(), journal.seq(), now.max(journal.latest_at()));
    journal.evolve(before.next(), at, &event);
    let mut transaction = claim.transaction();
    transaction.writes.extend(places.iter().map(|place| place.delete(&flow)));
    transaction.writes.extend(place_after(&journal, &event, now).map(|place| place.put(&journal)));
    transaction.and_append(&flow.stream(), Expect::At(before), vec![wire::encode(at, event)])
}
