//! Series in a store: their streams, the list of changes, and one command without an actor.

use super::command::SeriesCommand;
use super::decide::{SeriesDecision, decide};
use super::event::SeriesEvent;
use super::outcome::SeriesReply;
use super::series::Series;
use super::wire::{self, Corrupt, Decoder};
use crate::id::SeriesId;
use crate::persist::{
    AsOf, Backend, CommitOutcome, EventType, Expect, Fault, NewEvent, Payload, RecordedEvent, Seq, StreamName,
    Transaction,
};
use crate::time::Timestamp;

const PREFIX: &str = "series/";
/// Names which series were changed, in the order of their changes: one event for each transaction.
const CHANGES: &str = "series-changes";
const CHANGED: &str = "schedule.series_changed.v1";
/// Events and names read at a time.
const PAGE: usize = 1_024;

/// The stream in which a series is recorded: `series/` and its id.
pub fn series_stream(series: &SeriesId) -> StreamName {
    StreamName::stored(&format!("{PREFIX}{series}"))
}

/// The series that `stream` records; none when it is another kind of stream.
pub fn series_of(stream: &StreamName) -> Option<SeriesId> {
    stream.as_str().strip_prefix(PREFIX)?.parse().ok()
}

/// The stream that names each series that is changed, in the transaction that changes it. Whoever keeps series in memory
/// reads it to learn what others have changed.
pub fn changes_stream() -> StreamName {
    StreamName::stored(CHANGES)
}

impl Series {
    /// Folds the events of a series stream, from its first on, up to `as_of`: what the series said then.
    ///
    /// # Errors
    /// [`Corrupt`] when an event is missing or cannot be read.
    pub fn fold(events: &[RecordedEvent], as_of: AsOf) -> Result<Self, Corrupt> {
        let mut series = Self::new();
        let events = events.iter().take_while(|recorded| as_of.includes(recorded));
        fold_into(&mut series, events)?;
        Ok(series)
    }

    /// Folds events that follow those that are folded already.
    ///
    /// # Errors
    /// [`Corrupt`] when an event is missing or cannot be read; what was folded before it is.
    pub fn catch_up(&mut self, events: &[RecordedEvent]) -> Result<(), Corrupt> {
        fold_into(self, events.iter())
    }
}

/// What happened to a series, from the events of its stream: the place and instant of each, and what it was.
///
/// # Errors
/// [`Corrupt`] when an event cannot be read.
pub fn history(events: &[RecordedEvent]) -> Result<Vec<(Seq, Timestamp, SeriesEvent)>, Corrupt> {
    let mut decoder = Decoder::default();
    let mut found = Vec::new();
    for recorded in events {
        found.extend(decoder.read(recorded)?.map(|event| (recorded.seq, recorded.at, event)));
    }
    Ok(found)
}

fn fold_into<'e>(series: &mut Series, events: impl Iterator<Item = &'e RecordedEvent>) -> Result<(), Corrupt> {
    let mut decoder = Decoder::default();
    let mut next = series.seq().next();
    for recorded in events {
        if recorded.seq != next {
            let reason = "is missing".to_owned();
            return Err(Corrupt { stream: recorded.stream.clone(), seq: next, reason });
        }
        next = next.next();
        if let Some(event) = decoder.read(recorded)? {
            series.evolve(recorded.seq, recorded.at, &event);
        }
    }
    Ok(())
}

/// Reads what is recorded of a series, as of any moment.
///
/// # Errors
/// [`Fault`] when storage failed or an event cannot be read.
pub async fn load_series(backend: &dyn Backend, id: &SeriesId, as_of: AsOf) -> Result<Series, Fault> {
    let stream = series_stream(id);
    Ok(Series::fold(&read_from(backend, &stream, Seq::FIRST).await?, as_of)?)
}

/// All events of a stream from `from` on.
///
/// # Errors
/// [`Fault`] when storage failed.
pub async fn read_from(backend: &dyn Backend, stream: &StreamName, from: Seq) -> Result<Vec<RecordedEvent>, Fault> {
    let mut events: Vec<RecordedEvent> = Vec::new();
    loop {
        let page = backend.read(stream, from.plus(events.len() as u64), PAGE).await?;
        let last = page.len() < PAGE;
        events.extend(page);
        if last {
            return Ok(events);
        }
    }
}

/// The series of a store, by their ids.
///
/// # Errors
/// [`Fault`] when storage failed.
pub async fn series_ids(backend: &dyn Backend) -> Result<Vec<SeriesId>, Fault> {
    Ok(streams_with(backend, PREFIX).await?.iter().filter_map(series_of).collect())
}

/// The names of the streams that begin with `prefix`.
pub(super) async fn streams_with(backend: &dyn Backend, prefix: &str) -> Result<Vec<StreamName>, Fault> {
    let mut found: Vec<StreamName> = Vec::new();
    let mut after = StreamName::stored(prefix);
    loop {
        let page = backend.streams(Some(&after), PAGE).await?;
        let Some(last) = page.last().cloned() else { return Ok(found) };
        let count = page.len();
        let before = found.len();
        found.extend(page.into_iter().take_while(|name| name.as_str().starts_with(prefix)));
        if found.len() - before < count {
            return Ok(found);
        }
        after = last;
    }
}

/// The series that were changed after event `after` of the list of changes, and where that list stands.
///
/// # Errors
/// [`Fault`] when storage failed or an event cannot be read.
pub async fn changed_since(backend: &dyn Backend, after: Seq) -> Result<(Vec<(SeriesId, Seq)>, Seq), Fault> {
    let mut changed = Vec::new();
    let mut last = after;
    for recorded in read_from(backend, &changes_stream(), after.next()).await? {
        let read: Result<(SeriesId, Seq), _> = recorded.data.read();
        let reason = |error: crate::persist::PayloadError| Corrupt {
            stream: recorded.stream.clone(),
            seq: recorded.seq,
            reason: error.to_string(),
        };
        changed.push(read.map_err(reason)?);
        last = recorded.seq;
    }
    Ok((changed, last))
}

/// What to commit for a decision, and what holds once it is durable.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Appends the events if the stream stands where the decision saw it, and enters the series in the list of changes.
    pub transaction: Transaction,
    /// The series with the events folded in.
    pub series: Series,
    /// The answer, with the sequence number of the last event.
    pub reply: SeriesReply,
}

/// Makes the transaction for a decision on `series`, which was recorded under `id`. None when nothing is to be written.
pub fn prepare(id: &SeriesId, series: &Series, decision: SeriesDecision) -> Option<Prepared> {
    let SeriesDecision { events, mut reply, at } = decision;
    if events.is_empty() {
        return None;
    }
    let expected = series.seq();
    let mut series = series.clone();
    let mut recorded: Vec<NewEvent> = Vec::new();
    for event in &events {
        recorded.extend(wire::encode(&series, at, event));
        series.evolve(expected.plus(recorded.len() as u64), at, event);
    }
    reply.seq = series.seq();
    let changed = Payload::new(&(id, reply.seq)).unwrap_or_else(|_| Payload::stored("null"));
    let changed = NewEvent { event_type: EventType::stored(CHANGED), at, data: changed };
    let transaction = Transaction::append(&series_stream(id), Expect::At(expected), recorded).and_append(
        &changes_stream(),
        Expect::Any,
        vec![changed],
    );
    Some(Prepared { transaction, series, reply })
}

/// Runs a command on the series `id` to its outcome, without an actor: reads, decides, appends, and does so again while
/// others are quicker. Each round in which it loses is one in which another writer won.
///
/// ```
/// use boxoffice_core::calendar::{CalendarEvent, Frame, Length};
/// use boxoffice_core::id::SeriesId;
/// use boxoffice_core::persist::MemoryBackend;
/// use boxoffice_core::schedule::{AsOf, SeriesCommand, SeriesOutcome, load_series, run};
/// use boxoffice_core::time::Timestamp;
/// use jiff::civil::date;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let (store, now) = (MemoryBackend::new(), Timestamp::EPOCH);
/// let id = SeriesId::new("fair")?;
/// let start = date(2026, 10, 14).at(0, 0, 0, 0);
/// let fair = SeriesCommand::schedule(CalendarEvent::new(id.clone(), "Book fair", start, Frame::Date, Length::days(5)));
///
/// assert_eq!(run(&store, &id, &fair, now).await?.outcome, SeriesOutcome::Scheduled);
/// assert_eq!(run(&store, &id, &fair, now).await?.outcome, SeriesOutcome::Unchanged);
/// assert_eq!(load_series(&store, &id, AsOf::Now).await?.parts().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
///
/// # Errors
/// [`Fault`] when storage failed, an event cannot be read, or the store takes no events of this size.
pub async fn run(
    backend: &dyn Backend,
    id: &SeriesId,
    command: &SeriesCommand,
    now: Timestamp,
) -> Result<SeriesReply, Fault> {
    let mut series = load_series(backend, id, AsOf::Now).await?;
    loop {
        let decision = decide(&series, command, now);
        let refused = decision.reply.clone();
        let Some(prepared) = prepare(id, &series, decision) else { return Ok(refused) };
        match backend.commit_one(prepared.transaction).await? {
            CommitOutcome::Done(_) | CommitOutcome::Already(_) => return Ok(prepared.reply),
            CommitOutcome::Conflict(_) => {
                let tail = read_from(backend, &series_stream(id), series.seq().next()).await?;
                series.catch_up(&tail)?;
            }
            refused @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused) => {
                return Err(Fault::Unavailable {
                    reason: format!("the store does not take series events: {refused:?}").into(),
                });
            }
        }
    }
}
