//! Reading: ranges of records, never the whole store, and nothing that is not durable.

use core::ops::ControlFlow;
use core::sync::atomic::Ordering;
use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Embedded, Engine, Order, panicked};
use crate::persist::backend::{Backend, Durability, Head, Limits, Page, Stats};
use crate::persist::error::Fault;
use crate::persist::layout::{self, Run, StreamMeta};
use crate::persist::record::{Cursor, Key, Payload, RecordedEvent, Seq, StreamName};
use crate::persist::sync::lock;
use crate::persist::transaction::{CommitOutcome, Transaction};

/// A key and its value.
type Stored = (Vec<u8>, Vec<u8>);

impl<E: Engine> Embedded<E> {
    /// The first `limit` entries of a range.
    pub(super) fn entries(&self, from: &[u8], to: &[u8], order: Order, limit: usize) -> Result<Vec<Stored>, Fault> {
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        let mut visit = |key: &[u8], value: &[u8]| {
            found.push((key.to_vec(), value.to_vec()));
            if found.len() == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let scanned = self.engine.scan(from, to, order, &mut visit);
        scanned.map_err(|error| self.poisoned(&error))?;
        Ok(found)
    }

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
                    None if self.stream_meta(stream)?.is_some_and(|meta| meta.truncated_through >= first) => {
                        return self.head_at(stream, durable);
                    }
                    None => return Err(missing_run(&key)),
                }
            }
            end = key;
        }
    }

    /// The durable runs of `stream` from the one that holds `from` on: index key, record cursor. At most `limit`.
    pub(super) fn runs_from(
        &self,
        stream: &StreamName,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Cursor)>, Fault> {
        let name = stream.as_str();
        let start = layout::index_key(name, Seq::UNWRITTEN);
        let holding = self.entries(&start, &layout::index_key(name, from.next()), Order::Descending, 1)?;
        let start = holding.into_iter().next().map_or(start, |(key, _)| key);
        let end = layout::index_key(name, Seq::new(u64::MAX));
        let found = self.entries(&start, &end, Order::Ascending, limit)?;
        let cursors = found.into_iter().map(|(key, value)| {
            let cursor = layout::open::<u64>(&key, &value)?;
            Ok((key, Cursor::from_position(cursor)))
        });
        cursors.collect()
    }

    fn durable(&self) -> Cursor {
        Cursor::from_position(self.durable.load(Ordering::Acquire))
    }
}

fn missing_run(index_key: &[u8]) -> Fault {
    Fault::corrupt(layout::place(index_key), "names a record that does not hold it")
}

#[async_trait]
impl<E: Engine> Backend for Embedded<E> {
    fn limits(&self) -> Limits {
        self.limits
    }

    fn durability(&self) -> Durability {
        Durability::Power
    }

    fn stats(&self) -> Stats {
        lock(&self.writer).map(|writer| writer.stats).unwrap_or_default()
    }

    async fn commit(&self, transactions: Vec<Transaction>) -> Result<Vec<CommitOutcome>, Fault> {
        let mut writer = lock(&self.writer)?;
        self.commit_group(&mut writer, transactions)
    }

    async fn head(&self, stream: &StreamName) -> Result<Head, Fault> {
        self.healthy()?;
        self.head_at(stream, self.durable())
    }

    async fn read(&self, stream: &StreamName, from: Seq, limit: usize) -> Result<Vec<RecordedEvent>, Fault> {
        self.healthy()?;
        let durable = self.durable();
        let mut events: Vec<RecordedEvent> = Vec::new();
        for (index, record) in self.runs_from(stream, from, limit)? {
            if record > durable || events.len() == limit {
                break;
            }
            let first = Seq::new(layout::trailing_number(&index).unwrap_or_default());
            let key = layout::record_key(record);
            let Some(bytes) = self.raw(&key)? else {
                // Either truncated since the index was read, or the index is wrong.
                match self.stream_meta(stream)? {
                    Some(meta) if meta.truncated_through >= first => continue,
                    Some(_) | None => return Err(missing_run(&index)),
                }
            };
            let runs: Vec<Run<'_>> = layout::open(&key, &bytes)?;
            let wanted = runs.iter().filter(|run| run.stream == stream.as_str() && run.end_seq() > first);
            for run in wanted {
                let next = events.last().map_or(from, |event| event.seq.next());
                let left = limit - events.len();
                events.extend(layout::unpack(record, run, next).take(left));
            }
        }
        Ok(events)
    }

    async fn read_all(&self, after: Cursor, limit: usize) -> Result<Page, Fault> {
        self.healthy()?;
        let durable = self.durable();
        let first_wanted = Cursor::from_position(after.position().saturating_add(1));
        let (low, high) = ([layout::RECORD], [layout::RECORD + 1]);
        let past = layout::record_key(Cursor::from_position(first_wanted.position().saturating_add(1)));
        let holding = self.entries(&low, &past, Order::Descending, 1)?;
        let start = holding.into_iter().next().map_or(low.to_vec(), |(key, _)| key);
        let mut page = Page { events: Vec::new(), next: after };
        // A record may lie wholly before `after`, hence one more than could be needed.
        for (key, value) in self.entries(&start, &high, Order::Ascending, limit.saturating_add(1))? {
            let record = Cursor::from_position(layout::trailing_number(&key).unwrap_or_default());
            if record > durable {
                break;
            }
            let runs: Vec<Run<'_>> = layout::open(&key, &value)?;
            let events = runs.iter().flat_map(|run| layout::unpack(record, run, Seq::UNWRITTEN));
            let left = limit - page.events.len();
            page.events.extend(events.filter(|event| event.cursor > after).take(left));
        }
        page.next = page.events.last().map_or(after, |event| event.cursor);
        Ok(page)
    }

    async fn streams(&self, after: Option<&StreamName>, limit: usize) -> Result<Vec<StreamName>, Fault> {
        self.healthy()?;
        let durable = self.durable().position();
        let mut start = layout::text_key(layout::STREAM, after.map_or("", |name| name.as_str()));
        let mut names = Vec::new();
        if after.is_some() {
            start.push(0);
        }
        while names.len() < limit {
            // Names that are not durable yet are passed over and must not use up the page.
            let found = self.entries(&start, &[layout::STREAM + 1], Order::Ascending, limit - names.len())?;
            let Some((last, _)) = found.last() else { break };
            start.clone_from(last);
            start.push(0);
            for (key, value) in &found {
                let meta: StreamMeta = layout::open(key, value)?;
                if meta.first_cursor <= durable {
                    names.push(StreamName::stored(&text_of(key)));
                }
            }
        }
        Ok(names)
    }

    async fn get(&self, key: &Key) -> Result<Option<Payload>, Fault> {
        self.healthy()?;
        // Held while the engine is read: a writer must not slip in between the two looks.
        let in_flight = self.in_flight.read().map_err(|_| panicked())?;
        match in_flight.get(key) {
            Some(before) => Ok(before.clone()),
            None => self.stored_value(key),
        }
    }

    async fn scan(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Payload)>, Fault> {
        self.healthy()?;
        let in_flight = self.in_flight.read().map_err(|_| panicked())?;
        let mut start = layout::text_key(layout::VALUE, prefix);
        if let Some(after) = after.filter(|after| after.as_str() >= prefix) {
            start = layout::text_key(layout::VALUE, after.as_str());
            start.push(0);
        }
        let belongs = |key: &[u8]| key.get(1..).is_some_and(|text| text.starts_with(prefix.as_bytes()));
        let room = limit.saturating_add(in_flight.len());
        let found = self.entries(&start, &[layout::VALUE + 1], Order::Ascending, room)?;
        let mut values = BTreeMap::new();
        for (key, value) in found.into_iter().take_while(|(key, _)| belongs(key)) {
            let json: String = layout::open(&key, &value)?;
            values.insert(Key::stored(&text_of(&key)), Payload::stored(&json));
        }
        for (key, before) in in_flight.iter().filter(|(key, _)| key.as_str().starts_with(prefix)) {
            match before {
                Some(value) if after.is_none_or(|after| key > after) => values.insert(key.clone(), value.clone()),
                Some(_) | None => values.remove(key),
            };
        }
        Ok(values.into_iter().take(limit).collect())
    }

    async fn truncate(&self, stream: &StreamName, through: Seq) -> Result<(), Fault> {
        let writer = lock(&self.writer)?;
        self.healthy()?;
        while self.truncate_step(&writer, stream, through)? {}
        Ok(())
    }
}

/// The text after the tag of a key that was made from a checked name.
fn text_of(key: &[u8]) -> String {
    String::from_utf8_lossy(key.get(1..).unwrap_or_default()).into_owned()
}
