//! Writing: the bytes of one group commit, and of what another store held.

use core::sync::atomic::Ordering;

use super::engine::Batch;
use super::{Embedded, Engine, Writer, store_meta};
use crate::persist::contents::Item;
use crate::persist::error::Fault;
use crate::persist::layout::{self, StreamMeta};
use crate::persist::plan::Plan;
use crate::persist::record::{Cursor, Seq};

/// What must be written to make `plan` true.
pub(super) fn batch_of(plan: &Plan) -> Result<Batch, Fault> {
    let mut batch = Vec::new();
    let mut put = |key: Vec<u8>, value: Vec<u8>| batch.push((key, Some(value)));
    for (cursor, runs) in layout::pack(&plan.events) {
        for run in &runs {
            let key = layout::index_key(run.stream, run.first_seq);
            let value = layout::seal(&key, &cursor.position())?;
            put(key, value);
            if run.first_seq == Seq::FIRST {
                let key = layout::text_key(layout::STREAM, run.stream);
                let first_cursor = cursor.position() + run.offset;
                let (last, truncated_through) = (Seq::UNWRITTEN, Seq::UNWRITTEN);
                let meta = StreamMeta { first_cursor, last, truncated_through };
                let value = layout::seal(&key, &meta)?;
                put(key, value);
            }
        }
        let key = layout::record_key(cursor);
        let value = layout::seal(&key, &runs)?;
        put(key, value);
    }
    for (once, remembered) in &plan.remembered {
        let key = layout::text_key(layout::ONCE, once.as_str());
        let value = layout::seal(&key, remembered)?;
        put(key, value);
    }
    for (key, value) in &plan.writes {
        let key = layout::text_key(layout::VALUE, key.as_str());
        let value = value.as_ref().map(|value| layout::seal(&key, &value.json())).transpose()?;
        batch.push((key, value));
    }
    Ok(batch)
}

impl<E: Engine> Embedded<E> {
    /// Writes `items` as they are, with one sync.
    pub(super) fn write_items(&self, writer: &mut Writer, items: Vec<Item>) -> Result<(), Fault> {
        let mut plan = Plan::starting_at(writer.next_cursor);
        let mut metas = Batch::new();
        for item in items {
            match item {
                Item::Event(event) => {
                    let after = Cursor::from_position(event.cursor.position() + 1);
                    plan.next_cursor = plan.next_cursor.max(after);
                    plan.events.push(event);
                }
                Item::Value(key, value) => drop(plan.writes.insert(key, Some(value))),
                Item::Deleted(key) => drop(plan.writes.insert(key, None)),
                Item::Remembered(key, remembered) => drop(plan.remembered.insert(key, remembered)),
                Item::Truncated(stream, head) => {
                    let key = layout::text_key(layout::STREAM, stream.as_str());
                    let (last, truncated_through) = (head.last, head.truncated_through);
                    let value = layout::seal(&key, &StreamMeta { first_cursor: 0, last, truncated_through })?;
                    metas.push((key, Some(value)));
                }
                Item::Next(next) => plan.next_cursor = plan.next_cursor.max(next),
            }
        }
        let mut batch = batch_of(&plan)?;
        batch.append(&mut metas);
        batch.push(store_meta(plan.next_cursor, writer.silent + 1)?);
        self.write(batch)?;
        self.durable.store(plan.next_cursor.position() - 1, Ordering::Release);
        (writer.next_cursor, writer.silent) = (plan.next_cursor, writer.silent + 1);
        self.keep_mark(writer);
        writer.heads.clear();
        Ok(())
    }
}
