//! Truncating: removing the front of one stream from records that it shares with others.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{Embedded, Engine, Writer, store_meta};
use crate::persist::error::Fault;
use crate::persist::layout::{self, Run, StreamMeta};
use crate::persist::record::{Cursor, Seq, StreamName};

/// Index entries that one batch of a truncation removes.
const TRUNCATION_STEP: usize = 256;

impl<E: Engine> Embedded<E> {
    /// Removes up to [`TRUNCATION_STEP`] runs, or the front of one. Says whether more are left.
    pub(super) fn truncate_step(&self, writer: &mut Writer, stream: &StreamName, through: Seq) -> Result<bool, Fault> {
        let head = self.head_at(stream, Cursor::from_position(u64::MAX))?;
        let through = through.min(head.last);
        let start = self.index_start(stream, Seq::FIRST)?;
        let runs = self.runs_from(stream, &start, TRUNCATION_STEP)?;
        let mut records: BTreeMap<Cursor, Vec<u8>> = BTreeMap::new();
        let mut batch = Vec::new();
        let mut truncated_through = head.truncated_through;
        for (index, record) in runs {
            let first = Seq::new(layout::trailing_number(&index).unwrap_or_default());
            if first > through {
                break;
            }
            if let Entry::Vacant(entry) = records.entry(record) {
                let key = layout::record_key(record);
                entry.insert(self.raw(&key)?.ok_or_else(|| Fault::corrupt(layout::place(&key), "missing"))?);
            }
        }
        for (cursor, bytes) in &records {
            let key = layout::record_key(*cursor);
            let mut runs: Vec<Run<'_>> = layout::open(&key, bytes)?;
            for run in runs.iter_mut().filter(|run| run.stream == stream.as_str()) {
                let count = through.next().get().saturating_sub(run.first_seq.get());
                let count = usize::try_from(count).unwrap_or(usize::MAX).min(run.events.len());
                if count > 0 {
                    // By the run and not by what was listed: a record may hold more runs than a step lists.
                    batch.push((layout::index_key(run.stream, run.first_seq), None));
                }
                run.events.drain(..count);
                run.first_seq = run.first_seq.plus(count as u64);
                run.offset += count as u64;
                truncated_through = truncated_through.max(Seq::new(run.first_seq.get() - 1).min(through));
                if count > 0 && !run.events.is_empty() {
                    let index = layout::index_key(run.stream, run.first_seq);
                    let value = layout::seal(&index, &cursor.position())?;
                    batch.push((index, Some(value)));
                }
            }
            runs.retain(|run| !run.events.is_empty());
            let value = if runs.is_empty() { None } else { Some(layout::seal(&key, &runs)?) };
            batch.push((key, value));
        }
        if batch.is_empty() {
            return Ok(false);
        }
        let first_cursor = self.stream_meta(stream)?.map_or(0, |meta| meta.first_cursor);
        let key = layout::text_key(layout::STREAM, stream.as_str());
        let meta = StreamMeta { first_cursor, last: head.last, truncated_through };
        let value = layout::seal(&key, &meta)?;
        batch.push((key, Some(value)));
        batch.push(store_meta(writer.next_cursor, writer.silent + 1)?);
        self.write(batch)?;
        writer.silent += 1;
        self.keep_mark(writer);
        Ok(truncated_through < through)
    }
}
