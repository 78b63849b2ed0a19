//! Writing: the bytes of one group commit.

use super::engine::Batch;
use crate::persist::error::Fault;
use crate::persist::layout::{self, StreamMeta};
use crate::persist::plan::Plan;
use crate::persist::record::Seq;

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
