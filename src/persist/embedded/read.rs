//! Reading: ranges of records, never the whole store, and nothing that is not durable.

use core::ops::ControlFlow;
use core::sync::atomic::Ordering;
use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Embedded, Engine, Order, panicked};
use crate::persist::backend::{Backend, Durability, Head, Limits, Page, Stats};
use crate::persist::contents::{Cut, Item, PAGE, Remembered, Verification};
use crate::persist::error::Fault;
use crate::persist::layout::{self, StreamMeta};
use crate::persist::record::{Cursor, Key, Payload, RecordedEvent, Seq, StreamName};
use crate::persist::sync::lock;
use crate::persist::transaction::{CommitOutcome, Committed, IdempotencyKey, Transaction};
use crate::persist::unpack::{Names, Wanted, unpack};

/// A key and its value.
type Stored = (Vec<u8>, Vec<u8>);

/// Takes a key and its value, or says what is wrong with them.
pub(super) type Take<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), Fault> + 'a;

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

    /// Calls `visit` with each entry of a range, a page at a time.
    pub(super) fn each_entry(&self, from: &[u8], to: &[u8], visit: &mut Take<'_>) -> Result<(), Fault> {
        let mut start = from.to_vec();
        loop {
            let found = self.entries(&start, to, Order::Ascending, PAGE)?;
            for (key, value) in &found {
                visit(key, value)?;
            }
            match found.last() {
                Some((last, _)) if found.len() == PAGE => {
                    start.clone_from(last);
                    start.push(0);
                }
                Some(_) | None => return Ok(()),
            }
        }
    }

    pub(super) fn durable(&self) -> Cursor {
        Cursor::from_position(self.durable.load(Ordering::Acquire))
    }
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
        self.read_stream(stream, from, limit, self.durable())
    }

    async fn read_all(&self, after: Cursor, limit: usize) -> Result<Page, Fault> {
        self.healthy()?;
        let (durable, low) = (self.durable(), [layout::RECORD]);
        let past = layout::record_key(Cursor::from_position(after.position().saturating_add(2)));
        let holding = self.entries(&low, &past, Order::Descending, 1)?;
        let start = holding.into_iter().next().map_or(low.to_vec(), |(key, _)| key);
        let wanted = Wanted { after, ..Wanted::default() };
        let (mut events, mut names, mut failed) = (Vec::new(), Names::default(), None);
        let mut visit = |key: &[u8], value: &[u8]| {
            let record = Cursor::from_position(layout::trailing_number(key).unwrap_or_default());
            if record > durable || events.len() == limit {
                return ControlFlow::Break(());
            }
            if let Err(fault) = unpack(key, value, wanted, &mut names, &mut events, limit) {
                failed = Some(fault);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        let scanned = self.engine.scan(&start, &[layout::RECORD + 1], Order::Ascending, &mut visit);
        scanned.map_err(|error| self.poisoned(&error))?;
        match failed {
            // What stands before a damaged record can be read.
            Some(fault) if events.is_empty() => Err(fault),
            Some(_) | None => Ok(Page { next: events.last().map_or(after, |event| event.cursor), events }),
        }
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
                    names.push(StreamName::stored(&layout::text_in(key)));
                }
            }
        }
        Ok(names)
    }

    async fn recall(&self, key: &IdempotencyKey) -> Result<Option<Committed>, Fault> {
        self.healthy()?;
        let in_flight = self.in_flight.read().map_err(|_| panicked())?;
        if in_flight.keys.contains(key) {
            return Ok(None);
        }
        let kept: Option<Remembered> = self.sealed(&layout::text_key(layout::ONCE, key.as_str()))?;
        Ok(kept.map(|kept| kept.committed))
    }

    async fn get(&self, key: &Key) -> Result<Option<Payload>, Fault> {
        self.healthy()?;
        // Held while the engine is read: a writer must not slip in between the two looks.
        let in_flight = self.in_flight.read().map_err(|_| panicked())?;
        match in_flight.before.get(key) {
            Some(before) => Ok(before.clone()),
            None => self.stored_value(key),
        }
    }

    async fn scan(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Payload)>, Fault> {
        self.healthy()?;
        // Held throughout: the answer is the state of all keys between two commits.
        let in_flight = self.in_flight.read().map_err(|_| panicked())?;
        let before = &in_flight.before;
        let mut start = layout::text_key(layout::VALUE, prefix);
        if let Some(after) = after.filter(|after| after.as_str() >= prefix) {
            start = layout::text_key(layout::VALUE, after.as_str());
            start.push(0);
        }
        let belongs = |key: &[u8]| key.get(1..).is_some_and(|text| text.starts_with(prefix.as_bytes()));
        let room = limit.saturating_add(before.len());
        let found = self.entries(&start, &[layout::VALUE + 1], Order::Ascending, room)?;
        let mut values = BTreeMap::new();
        for (key, value) in found.into_iter().take_while(|(key, _)| belongs(key)) {
            let json: String = layout::open(&key, &value)?;
            values.insert(Key::stored(&layout::text_in(&key)), Payload::stored(&json));
        }
        for (key, before) in before.iter().filter(|(key, _)| key.as_str().starts_with(prefix)) {
            match before {
                Some(value) if after.is_none_or(|after| key > after) => values.insert(key.clone(), value.clone()),
                Some(_) | None => values.remove(key),
            };
        }
        Ok(values.into_iter().take(limit).collect())
    }

    async fn truncate(&self, stream: &StreamName, through: Seq) -> Result<(), Fault> {
        let _truncation = lock(&self.truncation)?;
        let mut writer = lock(&self.writer)?;
        self.healthy()?;
        while self.truncate_step(&mut writer, stream, through)? {}
        Ok(())
    }

    async fn verify(&self) -> Result<Verification, Fault> {
        self.healthy()?;
        self.verify_records()
    }

    async fn truncated(&self) -> Result<Vec<(StreamName, Head)>, Fault> {
        self.healthy()?;
        let durable = self.durable();
        let mut truncated = Vec::new();
        self.each_entry(&[layout::STREAM], &[layout::STREAM + 1], &mut |key, value| {
            let meta: StreamMeta = layout::open(key, value)?;
            if meta.truncated_through > Seq::UNWRITTEN {
                let name = StreamName::stored(&layout::text_in(key));
                let head = self.head_at(&name, durable)?;
                truncated.push((name, head));
            }
            Ok(())
        })?;
        Ok(truncated)
    }

    async fn cut(&self) -> Result<Cut, Fault> {
        // With the writer held nothing is in flight.
        let writer = lock(&self.writer)?;
        self.healthy()?;
        let mut cut = Cut { through: self.durable(), next: writer.next_cursor, ..Cut::default() };
        self.each_entry(&[layout::VALUE], &[layout::VALUE + 1], &mut |key, value| {
            let json: &str = layout::open(key, value)?;
            cut.values.push((Key::stored(&layout::text_in(key)), Payload::stored(json)));
            Ok(())
        })?;
        self.each_entry(&[layout::ONCE], &[layout::ONCE + 1], &mut |key, value| {
            cut.remembered.push((IdempotencyKey::stored(&layout::text_in(key)), layout::open(key, value)?));
            Ok(())
        })?;
        Ok(cut)
    }

    async fn import(&self, items: Vec<Item>) -> Result<(), Fault> {
        let mut writer = lock(&self.writer)?;
        self.healthy()?;
        self.write_items(&mut writer, items)
    }
}
