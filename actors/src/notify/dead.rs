//! Dead letters: notices that were given up, and how they are delivered after all.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_core::flow::shard::{FlowOutcome, Performance, Performed, start_flow};
use boxoffice_core::flow::{FlowId, FlowKind, Journal, RetryPolicy};
use boxoffice_core::id::NoticeId;
use boxoffice_core::notify::flows::{DELIVER, DeadLetter, DeliverInput};
use boxoffice_core::notify::{SentMark, SentState, sent_key};
use boxoffice_core::persist::{
    Append, Backend, CommitOutcome, Expect, Fault, Key, KeyExpect, KvWrite, Limits, NewEvent, Payload, RecordedEvent,
    Seq, StreamName, Transaction,
};
use boxoffice_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::BoxOfficeError;
use crate::flows::{Flows, Performer};
use crate::office::BoxOffice;
use crate::stats::Counters;

const DEAD_LETTER: &str = "notify.dead_letter.v1";
const REDRIVEN: &str = "notify.redriven.v1";

/// Events that are read at a time.
const PAGE: usize = 256;

/// The performer [`DEAD_LETTERS`](super::flows::DEAD_LETTERS): appends what flows give up to the stream `dead:CHANNEL`, in the
/// transaction that lets the flow go on.
#[derive(Clone)]
pub struct DeadLetters {
    limits: Limits,
    counters: Arc<Counters>,
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").finish_non_exhaustive()
    }
}

impl DeadLetters {
    /// Records in the store of `office`.
    pub fn new(office: &BoxOffice) -> Self {
        Self { limits: office.shared_writer().limits(), counters: office.counters() }
    }
}

#[async_trait]
impl Performer for DeadLetters {
    async fn perform(&self, request: Performance) -> Result<Performed, String> {
        let letter: DeadLetter = request.body.read().map_err(|error| format!("not a dead letter: {error}"))?;
        let stream = dead_stream(&letter.notice.channel).map_err(|fault| fault.to_string())?;
        let event = NewEvent::new(DEAD_LETTER, letter.at, &letter).map_err(|error| error.to_string())?;
        let bytes = stream.as_str().len() + DEAD_LETTER.len() + event.data.json().len();
        if bytes > self.limits.event_bytes_max {
            return Err(format!("a dead letter of {bytes} bytes is over the limit of the store"));
        }
        Counters::add(&self.counters.notices_dead);
        let done = Payload::new(&()).map_err(|error| error.to_string())?;
        Ok(Performed::new(done).append(Append { stream, events: vec![event] }))
    }
}

/// A dead letter as it stands in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterEntry {
    /// Its place in the stream `dead:CHANNEL`.
    pub seq: Seq,
    /// What was given up, and why.
    pub letter: DeadLetter,
    /// How it was redriven, if it was.
    pub redriven: Option<Redrive>,
}

/// That a dead letter was redriven. Recorded under the key `dead/CHANNEL/SEQ`, where `SEQ` has 20 digits, and in the channel's
/// stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redrive {
    /// Which dead letter, by its place.
    pub seq: Seq,
    /// Which notice.
    pub notice: NoticeId,
    /// The flow that delivers it: `deliver/ID/CHANNEL#rSEQ`, with `.TIMES` behind it from the second time on. It always fits: an
    /// id has at most 200 bytes, the name of a channel 64, and the key of a flow 400.
    pub flow: FlowId,
    /// How often it was redriven, from 1.
    pub times: u32,
    /// When it was redriven last.
    pub at: Timestamp,
    /// How often it is tried.
    pub policy: RetryPolicy,
}

/// Which dead letters to redrive, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedriveFilter {
    /// Of which channel.
    pub channel: String,
    /// Those after this place; from the start if none.
    pub after: Option<Seq>,
    /// Only those of these notices; of all if it is empty.
    pub notices: Vec<NoticeId>,
    /// At most so many notices.
    pub limit: usize,
    /// Also notices that were redriven before, once that has come to its end. Without it they are only started if a crash kept them
    /// from it.
    pub again: bool,
    /// How often they are tried.
    pub policy: RetryPolicy,
}

impl RedriveFilter {
    /// All dead letters of a channel that were not redriven, each tried as notices are.
    pub fn new(channel: impl Into<String>) -> Self {
        let (after, notices, limit) = (None, Vec::new(), usize::MAX);
        Self { channel: channel.into(), after, notices, limit, again: false, policy: RetryPolicy::notices() }
    }
}

/// What became of a dead letter that was to be redriven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redriven {
    /// How it is redriven.
    pub redrive: Redrive,
    /// What its flow was started with: [`Already`](FlowOutcome::Already) if it was started before.
    pub outcome: FlowOutcome,
}

fn unknown(reason: impl fmt::Display) -> Fault {
    Fault::Unknown { reason: reason.to_string().into() }
}

fn dead_stream(channel: &str) -> Result<StreamName, Fault> {
    StreamName::new(format!("dead:{channel}")).map_err(unknown)
}

fn redrive_key(channel: &str, seq: Seq) -> Result<Key, Fault> {
    Key::new(format!("dead/{channel}/{:020}", seq.get())).map_err(unknown)
}

fn read<T: serde::de::DeserializeOwned>(value: &Payload, place: &dyn fmt::Display) -> Result<T, Fault> {
    let corrupt = |error: boxoffice_core::persist::PayloadError| Fault::Corrupt {
        place: place.to_string().into(),
        reason: error.to_string().into(),
    };
    value.read().map_err(corrupt)
}

async fn entry(store: &dyn Backend, channel: &str, event: &RecordedEvent) -> Result<DeadLetterEntry, Fault> {
    let key = redrive_key(channel, event.seq)?;
    let redriven = store.get(&key).await?;
    Ok(DeadLetterEntry {
        seq: event.seq,
        letter: read(&event.data, &format_args!("event {} of {}", event.seq, event.stream))?,
        redriven: redriven.map(|redrive| read(&redrive, &key)).transpose()?,
    })
}

/// The dead letters of a channel, oldest first, after a place (not included; from the start if none), at most `limit`.
///
/// # Errors
/// [`Fault`] when storage failed, an entry is damaged, or nothing can be named after the channel.
pub async fn dead_letters(
    store: &dyn Backend,
    channel: &str,
    after: Option<Seq>,
    limit: usize,
) -> Result<Vec<DeadLetterEntry>, Fault> {
    let stream = dead_stream(channel)?;
    let (mut found, mut from) = (Vec::new(), after.unwrap_or(Seq::UNWRITTEN).next());
    while found.len() < limit {
        let page = store.read(&stream, from, PAGE).await?;
        let Some(last) = page.last() else { break };
        from = last.seq.next();
        for event in page.iter().filter(|event| event.event_type.as_str() == DEAD_LETTER) {
            found.push(entry(store, channel, event).await?);
            if found.len() == limit {
                break;
            }
        }
    }
    Ok(found)
}

/// Delivers dead letters again: the same notices under the same ids, by new flows. Each notice once, however many dead letters of it
/// there are.
///
/// What the ledger holds against another attempt is cleared, and that it was redriven is recorded, in one transaction; then the
/// flow is started. What was sent stays sent: such a flow ends as delivered, and nothing goes out. Asked twice, or again after a
/// crash, it does what is left to do.
///
/// # Errors
/// [`BoxOfficeError`] when storage failed or a flow could not be started. Those before it are redriven.
pub async fn redrive(
    flows: &Flows,
    store: &dyn Backend,
    filter: &RedriveFilter,
    now: Timestamp,
) -> Result<Vec<Redriven>, BoxOfficeError> {
    redriving(store, filter, now, async |flow: &FlowId, input: &DeliverInput| flows.start(flow, input).await).await
}

/// The same in a store where nobody runs flows: whoever runs them next delivers. See [`start_flow`].
///
/// # Errors
/// As [`redrive`].
pub async fn redrive_in_store(
    store: &dyn Backend,
    filter: &RedriveFilter,
    now: Timestamp,
) -> Result<Vec<Redriven>, BoxOfficeError> {
    let start = async |flow: &FlowId, input: &DeliverInput| {
        let input = Payload::new(input).map_err(BoxOfficeError::Payload)?;
        Ok(start_flow(store, flow, &input, now).await?)
    };
    redriving(store, filter, now, start).await
}

async fn redriving(
    store: &dyn Backend,
    filter: &RedriveFilter,
    now: Timestamp,
    start: impl AsyncFn(&FlowId, &DeliverInput) -> Result<FlowOutcome, BoxOfficeError>,
) -> Result<Vec<Redriven>, BoxOfficeError> {
    let mut done = Vec::new();
    for Chosen { entry, open } in choose(store, filter).await? {
        let redrive = match &entry.redriven {
            Some(before) if open || !filter.again => before.clone(),
            Some(_) | None => record(store, &entry, filter, now).await?,
        };
        let input = DeliverInput { notice: entry.letter.notice, policy: redrive.policy.clone() };
        let outcome = start(&redrive.flow, &input).await?;
        done.push(Redriven { redrive, outcome });
    }
    Ok(done)
}

/// Which of the dead letters of a notice stands for all of them.
struct Chosen {
    entry: DeadLetterEntry,
    /// Its redrive has not come to its end.
    open: bool,
}

/// One dead letter of each notice, oldest first: each redrive that fails leaves another one. The one whose redrive is under way, or
/// else the last.
async fn choose(store: &dyn Backend, filter: &RedriveFilter) -> Result<Vec<Chosen>, Fault> {
    let (mut chosen, mut after) = (BTreeMap::<NoticeId, Chosen>::new(), filter.after);
    loop {
        let page = dead_letters(store, &filter.channel, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.seq);
        for entry in page {
            let id = &entry.letter.notice.id;
            let passed_over = !filter.notices.is_empty() && !filter.notices.contains(id);
            if passed_over || chosen.get(id).is_some_and(|chosen| chosen.open) {
                continue;
            }
            let open = match &entry.redriven {
                Some(before) => is_open(store, before).await?,
                None => false,
            };
            chosen.insert(id.clone(), Chosen { entry, open });
        }
    }
    let mut chosen: Vec<Chosen> = chosen.into_values().collect();
    chosen.sort_unstable_by_key(|chosen| chosen.entry.seq);
    chosen.truncate(filter.limit);
    Ok(chosen)
}

/// Whether an earlier redrive has not come to its end: what the ledger holds may be of an attempt under way.
async fn is_open(store: &dyn Backend, before: &Redrive) -> Result<bool, Fault> {
    Ok(!Journal::load(store, &before.flow).await?.is_over())
}

/// Clears the way for another flow, and records which.
async fn record(
    store: &dyn Backend,
    entry: &DeadLetterEntry,
    filter: &RedriveFilter,
    now: Timestamp,
) -> Result<Redrive, Fault> {
    let (notice, channel) = (&entry.letter.notice, &filter.channel);
    let times = entry.redriven.as_ref().map_or(1, |before| before.times.saturating_add(1));
    let behind = if times == 1 { String::new() } else { format!(".{times}") };
    let key = format!("{}/{channel}#r{}{behind}", notice.id, entry.seq);
    let flow = FlowId::new(FlowKind::new(DELIVER).map_err(unknown)?, key).map_err(unknown)?;
    let (seq, notice, policy) = (entry.seq, notice.id.clone(), filter.policy.clone());
    let redrive = Redrive { seq, notice, flow, times, at: now, policy };
    let transaction = transaction(store, channel, entry.redriven.as_ref(), &redrive).await?;
    match store.commit_one(transaction).await? {
        CommitOutcome::Done(_) | CommitOutcome::Already(_) => Ok(redrive),
        CommitOutcome::Conflict(_) => Err(unknown("somebody else redrives the same dead letter; try again")),
        other @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused) => {
            Err(unknown(format_args!("a redrive was answered {other:?}")))
        }
    }
}

async fn transaction(
    store: &dyn Backend,
    channel: &str,
    before: Option<&Redrive>,
    redrive: &Redrive,
) -> Result<Transaction, Fault> {
    let (key, mark_key) = (redrive_key(channel, redrive.seq)?, sent_key(channel, &redrive.notice));
    let expect = match before {
        Some(before) => KeyExpect::Equals(Payload::new(before).map_err(unknown)?),
        None => KeyExpect::Absent,
    };
    let event = NewEvent::new(REDRIVEN, redrive.at, redrive).map_err(unknown)?;
    let value = Payload::new(redrive).map_err(unknown)?;
    let transaction = Transaction::append(&dead_stream(channel)?, Expect::Any, vec![event])
        .expect_key(key.clone(), expect)
        .write(KvWrite::Put(key, value));
    let Some(found) = store.get(&mark_key).await? else { return Ok(transaction) };
    let mark: SentMark = read(&found, &mark_key)?;
    Ok(match mark.state {
        SentState::Sent => transaction,
        SentState::Attempting | SentState::Failed => {
            transaction.expect_key(mark_key.clone(), KeyExpect::Equals(found)).write(KvWrite::Delete(mark_key))
        }
    })
}
