//! Looking at every byte of the store: seals, density, and whether index and catalog agree with the records.

use std::collections::BTreeMap;

use super::{Embedded, Engine};
use crate::persist::contents::{Remembered, Verification};
use crate::persist::error::Fault;
use crate::persist::layout::{self, Run, StoreMeta, StreamMeta};
use crate::persist::record::{Cursor, Seq};
use crate::persist::sync::lock;

/// What was learnt about a stream on the way.
struct Seen {
    /// The next event must have this sequence number.
    next: Seq,
    meta: StreamMeta,
}

struct Look<'a, E> {
    store: &'a Embedded<E>,
    /// What is committed after the look began is not looked at.
    durable: Cursor,
    streams: BTreeMap<String, Seen>,
    found: Verification,
}

impl<E: Engine> Embedded<E> {
    /// Reads every record. Commits go on meanwhile, truncations wait.
    pub(super) fn verify_records(&self) -> Result<Verification, Fault> {
        let _truncation = lock(&self.truncation)?;
        let durable = self.durable();
        let mut look = Look { store: self, durable, streams: BTreeMap::new(), found: Verification::default() };
        look.at_store()?;
        look.at_catalog()?;
        look.at_records()?;
        look.at_index()?;
        look.at_heads();
        look.at_values()?;
        look.at_strangers()?;
        Ok(look.found)
    }
}

impl<E: Engine> Look<'_, E> {
    /// Calls `judge` with each entry of a kind; a damaged one is a finding.
    fn each(
        &mut self,
        kind: u8,
        mut judge: impl FnMut(&mut Self, &[u8], &[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let store = self.store;
        store.each_entry(&[kind], &[kind + 1], &mut |key, value| match judge(self, key, value) {
            Ok(()) => Ok(()),
            Err(fault) => self.found.note(fault),
        })
    }

    fn at_store(&mut self) -> Result<(), Fault> {
        match self.store.sealed::<StoreMeta>(layout::STORE_KEY) {
            Ok(Some(_)) => {}
            Ok(None) => self.found.find("store", "its own record is missing"),
            Err(fault) => self.found.note(fault)?,
        }
        if self.store.unmarked {
            let reason = "is missing or damaged: had the engine dropped the end of the store, nobody would know";
            self.found.find("mark", reason);
        }
        Ok(())
    }

    fn at_catalog(&mut self) -> Result<(), Fault> {
        self.each(layout::STREAM, |look, key, value| {
            let meta: StreamMeta = layout::open(key, value)?;
            if meta.first_cursor <= look.durable.position() {
                look.found.streams += 1;
                let next = meta.truncated_through.next();
                look.streams.insert(layout::text_in(key), Seen { next, meta });
            }
            Ok(())
        })
    }

    fn at_records(&mut self) -> Result<(), Fault> {
        let mut free = 1;
        self.each(layout::RECORD, |look, key, value| {
            let first = layout::trailing_number(key).unwrap_or_default();
            if first > look.durable.position() {
                return Ok(());
            }
            let runs: Vec<Run<'_>> = layout::open(key, value)?;
            if runs.is_empty() {
                look.found.find(layout::place(key), "holds no event");
            }
            for run in &runs {
                if first + run.offset < free {
                    look.found.find(layout::place(key), "overlaps the record before it");
                }
                free = first + run.end_offset();
                look.at_run(key, Cursor::from_position(first), run)?;
            }
            Ok(())
        })
    }

    fn at_run(&mut self, key: &[u8], record: Cursor, run: &Run<'_>) -> Result<(), Fault> {
        self.found.events += run.events.len() as u64;
        let Some(seen) = self.streams.get_mut(run.stream) else {
            self.found.find(layout::place(key), format!("holds events of stream {}, which is not listed", run.stream));
            return Ok(());
        };
        if run.first_seq != seen.next {
            let what = if run.first_seq > seen.next { "is missing" } else { "stands here twice" };
            let reason = format!("seq {} {what}: {} has {}", seen.next, layout::place(key), run.first_seq);
            self.found.find(format!("stream {}", run.stream), reason);
        }
        seen.next = run.end_seq();
        let index = layout::index_key(run.stream, run.first_seq);
        match self.store.sealed::<u64>(&index)? {
            Some(cursor) if cursor == record.position() => {}
            Some(cursor) => {
                let reason = format!("names cursor {cursor}, the run stands at {record}");
                self.found.find(layout::place(&index), reason);
            }
            None => self.found.find(layout::place(&index), "is missing"),
        }
        Ok(())
    }

    fn at_index(&mut self) -> Result<(), Fault> {
        self.each(layout::INDEX, |look, key, value| {
            let cursor: u64 = layout::open(key, value)?;
            if cursor > look.durable.position() {
                return Ok(());
            }
            let stream = layout::stream_in_index(key);
            let record = layout::record_key(Cursor::from_position(cursor));
            let first = layout::trailing_number(key).map(Seq::new);
            let holds = |bytes: &[u8]| {
                let runs: Vec<Run<'_>> = layout::open(&record, bytes)?;
                Ok::<_, Fault>(runs.iter().any(|run| run.stream == stream && Some(run.first_seq) == first))
            };
            match look.store.raw(&record)? {
                // A damaged record is a finding of its own.
                Some(bytes) if holds(&bytes).unwrap_or(true) => {}
                Some(_) => look.found.find(layout::place(key), "names a record that does not hold it"),
                None => look.found.find(layout::place(key), format!("names cursor {cursor}, where no record is")),
            }
            Ok(())
        })
    }

    fn at_heads(&mut self) {
        for (name, seen) in &self.streams {
            let never = seen.next == Seq::FIRST;
            if never || seen.next <= seen.meta.last {
                let last = if never { Seq::FIRST } else { seen.meta.last };
                let reason = format!("its events end before seq {}, and seq {last} was given out", seen.next);
                self.found.find(format!("stream {name}"), reason);
            }
        }
    }

    fn at_values(&mut self) -> Result<(), Fault> {
        self.each(layout::VALUE, |look, key, value| {
            look.found.values += 1;
            let json: &str = layout::open(key, value)?;
            if serde_json::from_str::<&serde_json::value::RawValue>(json).is_err() {
                look.found.find(layout::place(key), "is no JSON");
            }
            Ok(())
        })?;
        self.each(layout::ONCE, |look, key, value| {
            look.found.remembered += 1;
            layout::open::<Remembered>(key, value).map(drop)
        })
    }

    /// Keys that no version of this layout writes.
    fn at_strangers(&mut self) -> Result<(), Fault> {
        let mut kinds = [
            layout::RECORD,
            layout::INDEX,
            layout::STREAM,
            layout::VALUE,
            layout::ONCE,
            *layout::STORE_KEY.first().unwrap_or(&0),
        ];
        kinds.sort_unstable();
        let mut from = Vec::new();
        let store = self.store;
        for kind in kinds {
            self.strangers_between(store, &from, &[kind])?;
            from = vec![kind + 1];
        }
        let longer = [layout::STORE_KEY, &[0]].concat();
        self.strangers_between(store, &longer, &[layout::STORE_KEY.first().unwrap_or(&0) + 1])?;
        self.strangers_between(store, &from, &[u8::MAX; 16])
    }

    fn strangers_between(&mut self, store: &Embedded<E>, from: &[u8], to: &[u8]) -> Result<(), Fault> {
        store.each_entry(from, to, &mut |key, _| {
            self.found.find(layout::place(key), "is no key of this layout");
            Ok(())
        })
    }
}
