//! Reading one stream: from index keys to records, only as far as asked and only what is durable.

use super::{Embedded, Engine, Order};
use crate::persist::backend::Head;
use crate::persist::error::Fault;
use crate::persist::layout::{self, Names, Run};
use crate::persist::record::{Cursor, RecordedEvent, Seq, StreamName};

/// Index entries read at a time.
const INDEX_PAGE: usize = 512;

impl<E: Engine> Embedded<E> {
    /// Where `stream` stands, counting events up to the cursor `durable`.
    pub(super) fn head_at(&self, stream: &StreamName, durable: Cursor) -> Result<Head, Fault> {
        let name = stream.as_str();
        let mut end = layout::index_key(name, Seq::new(u64::MAX));
        let start = layout::index_key(name, Seq::UNWRITTEN);
        let truncated_through = self.stream_meta(stream)?.map(|meta| meta.truncated_through).unwrap_or_default();
        loop {
            let Some((key, value)) = self.entries(&start, &end, Order::Descending, 1)?.pop() else {
                let last = truncated_through;
                return Ok(Head { last, truncated_through });
            };
            let record = Cursor::from_position(layout::open(&key, &value)?);
            if record <= durable {
                let first = Seq::new(layout::trailing_number(&key).unwrap_or_default());
                let record_key = layout::record_key(record);
                let last = self.raw(&record_key)?.map(|bytes| {
                    let runs: Vec<Run<'_>> = layout::open(&record_key, &bytes)?;
                    let run = runs.iter().find(|run| run.stream == name && run.first_seq == first);
                    run.map(|run| Seq::new(run.end_seq().get() - 1)).ok_or_else(|| missing_run(&key))
                });
                match last {
                    Some(last) => {
                        return Ok(Head { last: last?, truncated_through });
                    }
                    // Truncated between the two reads: look again.
                    None if self.is_truncated(stream, first)? => return self.head_at(stream, durable),
                    None => return Err(missing_run(&key)),
                }
            }
            end = key;
        }
    }

    /// The index key with which to begin, in order to read `stream` from `from` on.
    pub(super) fn index_start(&self, stream: &StreamName, from: Seq) -> Result<Vec<u8>, Fault> {
        let first = layout::index_key(stream.as_str(), Seq::UNWRITTEN);
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
        let (mut events, mut names) = (Vec::new(), Names::default());
        let mut start = self.index_start(stream, from)?;
        while events.len() < limit {
            let wanted = INDEX_PAGE.min(limit - events.len());
            let found = self.runs_from(stream, &start, wanted)?;
            for (index, record) in &found {
                if *record > durable || events.len() == limit {
                    return Ok(events);
                }
                let first = Seq::new(layout::trailing_number(index).unwrap_or_default());
                let next = events.last().map_or(from, |event: &RecordedEvent| event.seq.next());
                if first > next && !self.is_truncated(stream, Seq::new(first.get() - 1))? {
                    return Err(Fault::corrupt(format!("stream {stream} at seq {next}"), "is missing"));
                }
                let key = layout::record_key(*record);
                let Some(bytes) = self.raw(&key)? else {
                    // Either truncated since the index was read, or the index is wrong.
                    if self.is_truncated(stream, first)? {
                        continue;
                    }
                    return Err(missing_run(index));
                };
                let runs: Vec<Run<'_>> = layout::open(&key, &bytes)?;
                for run in runs.iter().filter(|run| run.stream == stream.as_str() && run.end_seq() > first) {
                    let next = events.last().map_or(from, |event| event.seq.next());
                    let left = limit - events.len();
                    events.extend(layout::unpack(*record, run, next, &mut names).take(left));
                }
            }
            match found.last() {
                Some((last, _)) if found.len() == wanted => {
                    start.clone_from(last);
                    start.push(0);
                }
                Some(_) | None => break,
            }
        }
        Ok(events)
    }

    /// Whether the event `seq` of `stream` was truncated.
    fn is_truncated(&self, stream: &StreamName, seq: Seq) -> Result<bool, Fault> {
        Ok(self.stream_meta(stream)?.is_some_and(|meta| meta.truncated_through >= seq))
    }
}

pub(super) fn missing_run(index_key: &[u8]) -> Fault {
    Fault::corrupt(layout::place(index_key), "names a record that does not hold it")
}
