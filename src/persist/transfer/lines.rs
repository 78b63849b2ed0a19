//! Events as JSON lines, for other programs: one [`RecordedEvent`] a line.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use serde::Deserialize;

use super::TransferError;
use super::dump::next_line;
use crate::persist::backend::Backend;
use crate::persist::contents::PAGE;
use crate::persist::error::StoreError;
use crate::persist::record::{Cursor, EventType, NewEvent, Payload, RecordedEvent, Seq, StreamName};
use crate::persist::transaction::{CommitOutcome, Expect, Transaction};
use crate::time::Timestamp;

/// Writes the events of `stream`, or of all streams in commit order, one JSON object a line; those that belong to the
/// store itself are left out. Answers how many.
///
/// # Errors
/// [`TransferError`] when storage or the writer failed.
pub async fn export_events(
    from: &dyn Backend,
    stream: Option<&StreamName>,
    to: &mut (dyn Write + Send),
) -> Result<u64, TransferError> {
    let (mut count, mut after, mut next) = (0, Cursor::START, Seq::FIRST);
    loop {
        let page = match stream {
            Some(stream) => from.read(stream, next, PAGE).await?,
            None => from.read_all(after, PAGE).await?.events,
        };
        let Some(last) = page.last() else { break };
        (after, next) = (last.cursor, last.seq.next());
        for event in page.iter().filter(|event| stream.is_some() || !event.stream.is_reserved()) {
            serde_json::to_writer(&mut *to, event).map_err(std::io::Error::from)?;
            to.write_all(b"\n")?;
            count += 1;
        }
    }
    to.flush()?;
    Ok(count)
}

/// What became of the lines that were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Events appended.
    pub appended: u64,
    /// Events that stood in their places already.
    pub present: u64,
}

/// A line to import. Where `seq` is given the event must come to stand there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    stream: String,
    #[serde(default)]
    seq: Option<Seq>,
    #[serde(default, rename = "cursor")]
    _cursor: Option<Cursor>,
    #[serde(rename = "type")]
    event_type: EventType,
    at: Timestamp,
    data: Payload,
}

/// Appends events from JSON lines as [`export_events`] writes them. A line with a sequence number is appended only in
/// that place: importing twice appends once, and a line that contradicts the store is refused. A line without one is
/// appended wherever the stream stands. Empty lines are passed over.
///
/// # Errors
/// [`TransferError::Line`] with the line that is wrong. The lines before it were imported.
pub async fn import_events(from: &mut (dyn BufRead + Send), to: &dyn Backend) -> Result<Imported, TransferError> {
    let mut import = Importer { to, heads: BTreeMap::new(), waiting: Vec::new(), imported: Imported::default() };
    let mut number = 0;
    loop {
        number += 1;
        let text = match next_line(from, number) {
            Ok(text) => text,
            Err(error) => return Err(import.stopped(error).await),
        };
        if text.is_empty() {
            break;
        }
        if let Err(error) = import.take(text.trim(), number).await {
            return Err(import.stopped(error).await);
        }
    }
    import.flush().await?;
    Ok(import.imported)
}

struct Importer<'a> {
    to: &'a dyn Backend,
    /// Where each stream will stand once everything that waits is appended.
    heads: BTreeMap<StreamName, Seq>,
    waiting: Vec<(u64, Transaction)>,
    imported: Imported,
}

impl Importer<'_> {
    async fn take(&mut self, text: &str, number: u64) -> Result<(), TransferError> {
        if text.is_empty() {
            return Ok(());
        }
        let wrong = |reason: String| TransferError::Line { line: number, reason };
        let line: Line = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let stream = StreamName::new(&line.stream).map_err(|error| wrong(error.to_string()))?;
        if line.seq == Some(Seq::UNWRITTEN) {
            return Err(wrong("seq is 0, and the first event of a stream has 1".to_owned()));
        }
        let event = NewEvent { event_type: line.event_type, at: line.at, data: line.data };
        let head = match self.heads.get(&stream) {
            Some(head) => *head,
            None => self.to.head(&stream).await?.last,
        };
        if let Some(seq) = line.seq.filter(|seq| *seq <= head) {
            self.flush().await?;
            return self.compare(&stream, seq, &event, number).await;
        }
        if let Some(seq) = line.seq.filter(|seq| *seq != head.next()) {
            return Err(wrong(format!("seq {seq} of stream {stream} cannot follow seq {head}")));
        }
        self.heads.insert(stream.clone(), head.next());
        // A line that names no place takes whatever place there is.
        let expect = if line.seq.is_some() { Expect::At(head) } else { Expect::Any };
        self.waiting.push((number, Transaction::append(&stream, expect, vec![event])));
        if self.waiting.len() == PAGE {
            self.flush().await?;
        }
        Ok(())
    }

    /// Keeps what stands before the line that is wrong, and says so.
    async fn stopped(&mut self, error: TransferError) -> TransferError {
        if let Err(failed) = self.flush().await {
            return failed;
        }
        let TransferError::Line { line, reason } = error else { return error };
        let Imported { appended, present } = self.imported;
        let reason = format!("{reason} (before it {appended} events were appended, {present} were there already)");
        TransferError::Line { line, reason }
    }

    async fn compare(
        &mut self,
        stream: &StreamName,
        seq: Seq,
        event: &NewEvent,
        number: u64,
    ) -> Result<(), TransferError> {
        let found = self.to.read(stream, seq, 1).await?.pop().filter(|found| found.seq == seq);
        let same = |found: &RecordedEvent| {
            (&found.event_type, found.at, &found.data) == (&event.event_type, event.at, &event.data)
        };
        match found {
            Some(found) if !same(&found) => {
                let reason = format!("seq {seq} of stream {stream} holds another event");
                Err(TransferError::Line { line: number, reason })
            }
            // A truncated event was there.
            Some(_) | None => {
                self.imported.present += 1;
                Ok(())
            }
        }
    }

    async fn flush(&mut self) -> Result<(), TransferError> {
        let (numbers, transactions): (Vec<u64>, Vec<Transaction>) = self.waiting.drain(..).unzip();
        if transactions.is_empty() {
            return Ok(());
        }
        let outcomes = self.to.commit(transactions).await?;
        for (line, outcome) in numbers.into_iter().zip(outcomes) {
            match outcome {
                CommitOutcome::Done(_) | CommitOutcome::Already(_) => self.imported.appended += 1,
                CommitOutcome::Refused(limit) => {
                    return Err(TransferError::Line { line, reason: StoreError::from(limit).to_string() });
                }
                CommitOutcome::Conflict(_) | CommitOutcome::KeyReused => {
                    let reason = "somebody else appends to the stream".to_owned();
                    return Err(TransferError::Line { line, reason });
                }
            }
        }
        Ok(())
    }
}
