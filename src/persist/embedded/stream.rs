//! Reading one stream: from index keys to records, only as far as asked and only what is durable.

use core::ops::ControlFlow;

use super::{Embedded, Engine, Order};
use crate::persist::backend::Head;
use crate::persist::error::Fault;
use crate::persist::layout::{self, Run};
use crate::persist::record::{Cursor, RecordedEvent, Seq, StreamName};
use crate::persist::unpack::{Names, Wanted, unpack};

/// Index entries read at a time.
const INDEX_PAGE: usize = 512;

impl<E: Engine> Embedded<E> {
    /// Where `stream` stands, counting events up to the cursor `durable`.
    pub(super) fn head_at(&self, stream: &StreamName, durable: Cursor) -> Result<Head, Fault> {
        loop {
            let before = self.truncated_through(stream)?;
            let found = self.last_run(stream, durable);
            // A truncation between these reads may have moved or removed what was looked for: look again.
            if self.truncated_through(stream)? == before {
                let last = found?.unwrap_or_default().max(before);
                return Ok(Head { last, truncated_through: before });
            }
        }
    }

    fn truncated_through(&self, stream: &StreamName) -> Result<Seq, Fault> {
        Ok(self.stream_meta(stream)?.map(|meta| meta.truncated_through).unwrap_or_default())
    }

    /// The last sequence number of the last durable run; none when there is no such run.
    fn last_run(&self, stream: &StreamName, durable: Cursor) -> Result<Option<Seq>, Fault> {
        let name = stream.as_str();
        let (start, mut end) = (layout::index_key(name, Seq::UNWRITTEN), layout::index_key(name, Seq::new(u64::MAX)));
        loop {
            let Some((key, value)) = self.entries(&start, &end, Order::Descending, 1)?.pop() else { return Ok(None) };
            let record = Cursor::from_position(layout::open(&key, &value)?);
            if record > durable {
                end = key;
                continue;
            }
            let first = Seq::new(layout::trailing_number(&key).unwrap_or_default());
            let record_key = layout::record_key(record);
            let end = |record: &[u8]| {
                let runs: Vec<Run<'_>> = layout::open(&record_key, record)?;
                let run = runs.iter().find(|run| run.stream == name && run.first_seq == first);
                run.map(|run| Seq::new(run.end_seq().get() - 1)).ok_or_else(|| missing_run(&key))
            };
            return self.look_at(&record_key, end)?.ok_or_else(|| missing_run(&key))?.map(Some);
        }
    }

    /// The index key with which to begin, in order to read `stream` from `from` on.
    pub(super) fn index_start(&self, stream: &StreamName, from: Seq) -> Result<Vec<u8>, Fault> {
        let first = layout::index_key(stream.as_str(), Seq::UNWRITTEN);
        if from <= Seq::FIRST {
            // No run begins before: there is nothing to look for.
            return Ok(first);
        }
        let past = layout::index_key(stream.as_str(), from.next());
        let holding = self.entries(&first, &past, Order::Descending, 1)?;
        Ok(holding.into_iter().next().map_or(first, |(key, _)| key))
    }

    /// The runs of `stream` from the index key `start` on: index key, record cursor. At most `limit`.
    pub(super) fn runs_from(
        &self,
        stream: &StreamName,
        start: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Cursor)>, Fault> {
        let end = layout::index_key(stream.as_str(), Seq::new(u64::MAX));
        let found = self.entries(start, &end, Order::Ascending, limit)?;
        let cursors = found.into_iter().map(|(key, value)| {
            let cursor = layout::open::<u64>(&key, &value)?;
            Ok((key, Cursor::from_position(cursor)))
        });
        cursors.collect()
    }

    /// The events of `stream` from `from` on with cursors up to `durable`, at most `limit`.
    pub(super) fn read_stream(
        &self,
        stream: &StreamName,
        from: Seq,
        limit: usize,
        durable: Cursor,
    ) -> Result<Vec<RecordedEvent>, Fault> {
        let mut reading = Reading { stream, next: from, limit, events: Vec::new(), names: Names::default() };
        let mut start = self.index_start(stream, from)?;
        while reading.events.len() < limit {
            let wanted = INDEX_PAGE.min(limit - reading.events.len());
            let mut found = self.runs_from(stream, &start, wanted)?;
            let whole = found.len() == wanted;
            found.retain(|(_, record)| *record <= durable);
            let Some((last, _)) = found.last() else { break };
            start.clone_from(last);
            start.push(0);
            let checked = reading.events.len();
            if are_neighbours(&found) {
                self.read_range(&mut reading, &found)?;
            } else {
                self.read_each(&mut reading, &found)?;
            }
            self.check_density(&reading, checked, from, layout::trailing_number(last).unwrap_or_default())?;
            if !whole {
                break;
            }
        }
        Ok(reading.events)
    }

    /// Reads the records of runs that lie apart, one by one.
    fn read_each(&self, reading: &mut Reading<'_>, runs: &[(Vec<u8>, Cursor)]) -> Result<(), Fault> {
        for (_, record) in runs {
            if reading.events.len() == reading.limit {
                break;
            }
            let key = layout::record_key(*record);
            self.look_at(&key, |value| reading.take(&key, value))?.transpose()?;
        }
        Ok(())
    }

    /// Reads the records of runs that lie side by side in one go, with what lies between them.
    fn read_range(&self, reading: &mut Reading<'_>, runs: &[(Vec<u8>, Cursor)]) -> Result<(), Fault> {
        let (Some((_, first)), Some((_, last))) = (runs.first(), runs.last()) else { return Ok(()) };
        let past = layout::record_key(Cursor::from_position(last.position() + 1));
        let mut result = Ok(());
        let scanned = self.engine.scan(&layout::record_key(*first), &past, Order::Ascending, &mut |key, value| {
            result = reading.take(key, value);
            let more = result.is_ok() && reading.events.len() < reading.limit;
            if more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        scanned.map_err(|error| self.poisoned(&error))?;
        result
    }

    /// That the events read since `checked` follow one another without a gap, and lead up to the run that starts at
    /// `last_run`. Where they do not, the stream was truncated meanwhile, or a record is gone.
    fn check_density(&self, reading: &Reading<'_>, checked: usize, from: Seq, last_run: u64) -> Result<(), Fault> {
        let mut next =
            checked.checked_sub(1).and_then(|last| reading.events.get(last)).map_or(from, |last| last.seq.next());
        for event in reading.events.iter().skip(checked) {
            if event.seq > next {
                self.is_gone(reading.stream, next, event.seq)?;
            }
            next = event.seq.next();
        }
        if reading.events.len() < reading.limit && next.get() <= last_run {
            self.is_gone(reading.stream, next, Seq::new(last_run).next())?;
        }
        Ok(())
    }

    /// That the events from `next` to `found` (not included) are missing because they were truncated.
    fn is_gone(&self, stream: &StreamName, next: Seq, found: Seq) -> Result<(), Fault> {
        let meta = self.stream_meta(stream)?;
        if meta.is_some_and(|meta| meta.truncated_through.next() >= found) {
            return Ok(());
        }
        Err(Fault::corrupt(format!("stream {stream} at seq {next}"), "is missing"))
    }
}

/// A stream being read.
struct Reading<'a> {
    stream: &'a StreamName,
    /// The next event has this sequence number or, after a truncation, a greater one.
    next: Seq,
    limit: usize,
    events: Vec<RecordedEvent>,
    names: Names,
}

impl Reading<'_> {
    /// Takes the events of the stream out of a record.
    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        let wanted = Wanted { stream: Some(self.stream), from: self.next, ..Wanted::default() };
        unpack(key, value, wanted, &mut self.names, &mut self.events, self.limit)?;
        if let Some(last) = self.events.last() {
            self.next = last.seq.next();
        }
        Ok(())
    }
}

/// Whether it takes less time to read everything between these runs than to look up each: a look-up costs as much as
/// some sixteen records in a row.
fn are_neighbours(runs: &[(Vec<u8>, Cursor)]) -> bool {
    let (Some((_, first)), Some((_, last))) = (runs.first(), runs.last()) else { return false };
    runs.len() > 1 && last.position() - first.position() <= 16 * runs.len() as u64
}

pub(super) fn missing_run(index_key: &[u8]) -> Fault {
    Fault::corrupt(layout::place(index_key), "names a record that does not hold it")
}
