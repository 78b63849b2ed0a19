//! `boxoffice flows STORE dead` and `redrive`: notices that were given up, and how they are delivered after all.

use boxoffice::clock::{Clock, SystemClock};
use boxoffice::notify::{
    DeadLetterEntry, RedriveFilter, SentMark, SentState, dead_letters, redrive_in_store, sent_key,
};
use boxoffice::persist::{Backend, Seq};
use serde_json::json;

use super::args::{DeadArgs, RedriveArgs};
use crate::error::{HostError, damaged};
use crate::output::{print, visible};
use crate::store::Place;

/// Dead letters read at a time.
const PAGE: usize = 256;

pub(super) async fn list(store: &dyn Backend, args: &DeadArgs) -> Result<bool, HostError> {
    let mut after = None;
    loop {
        let page = dead_letters(store, &args.channel, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(true) };
        after = Some(last.seq);
        for entry in page.iter().filter(|entry| args.since.is_none_or(|since| entry.letter.at >= since)) {
            let uncertain = is_uncertain(store, &args.channel, entry).await?;
            if !print(&if args.json { line_json(entry, uncertain) } else { line(entry, uncertain) })? {
                return Ok(true);
            }
        }
    }
}

/// Whether it may have been sent all the same: the ledger has an attempt without an end.
async fn is_uncertain(store: &dyn Backend, channel: &str, entry: &DeadLetterEntry) -> Result<bool, HostError> {
    let key = sent_key(channel, &entry.letter.notice.id);
    let Some(mark) = store.get(&key).await? else { return Ok(false) };
    let mark: SentMark = mark.read().map_err(|error| damaged(&key, &error))?;
    Ok(mark.state == SentState::Attempting)
}

fn line(entry: &DeadLetterEntry, uncertain: bool) -> String {
    let letter = &entry.letter;
    let sent = if uncertain { "perhaps sent" } else { "not sent" };
    let redriven = entry.redriven.as_ref().map(|redrive| format!("  redriven by {}", redrive.flow)).unwrap_or_default();
    let (seq, at, id) = (entry.seq, letter.at.to_string(), &letter.notice.id);
    let line =
        format!("{seq:>6}  {at:<24}  {sent:<12}  {id}  attempts {}: {}{redriven}", letter.attempts, letter.reason);
    visible(&line) + "\n"
}

fn line_json(entry: &DeadLetterEntry, uncertain: bool) -> String {
    let letter = &entry.letter;
    let line = json!({
        "seq": entry.seq, "at": letter.at, "notice": letter.notice.id, "kind": letter.notice.kind, "to": letter.notice.to,
        "attempts": letter.attempts, "reason": letter.reason, "uncertain": uncertain,
        "redriven": entry.redriven.as_ref().map(|redrive| &redrive.flow),
    });
    format!("{line}\n")
}

pub(super) async fn redrive(place: &Place, args: &RedriveArgs) -> Result<bool, HostError> {
    if let Place::Socket(_) = place {
        let what = "dead letters can only be redriven where nobody else has the store open, not over a socket";
        return Err(HostError::Usage(what.to_owned()));
    }
    let store = place.open(false).await?;
    let mut filter = RedriveFilter::new(&args.channel);
    filter.after = before_since(&*store, args).await?;
    filter.again = args.again;
    let done = redrive_in_store(&*store, &filter, SystemClock.now()).await?;
    for one in &done {
        if !print(&(visible(&format!("{}: {}", one.redrive.flow, one.outcome.name())) + "\n"))? {
            break;
        }
    }
    Ok(true)
}

/// The last dead letter before `--since`.
async fn before_since(store: &dyn Backend, args: &RedriveArgs) -> Result<Option<Seq>, HostError> {
    let Some(since) = args.since else { return Ok(None) };
    let mut after = None;
    loop {
        let page = dead_letters(store, &args.channel, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(after) };
        let end = last.seq;
        let older = page.iter().take_while(|entry| entry.letter.at < since).last().map(|entry| entry.seq);
        after = older.or(after);
        if older != Some(end) {
            return Ok(after);
        }
    }
}
