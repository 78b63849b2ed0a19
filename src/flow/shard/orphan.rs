//! Children whose parents were cancelled or terminated.
//!
//! Along with that event, in its batch, the parent's shard writes a key for each child that the parent waited for:
//! `flow/orphan/SHARD/RUN/ORDINAL/PARENT`, of the child's shard, with the child and the ask as the value. The child's shard deletes
//! it in the batch in which it records the cancellation. So the word that one shard says to the other may be lost: the key is read
//! by whoever takes the child's shard over, and again when the parent's shard was taken over.

use serde::{Deserialize, Serialize};

use super::At;
use crate::flow::event::Parent;
use crate::flow::id::FlowId;
use crate::persist::{Backend, Fault, Key, KvWrite, Payload};

#[derive(Serialize, Deserialize)]
struct Orphan {
    flow: FlowId,
    parent: Parent,
}

fn key(child: &FlowId, parent: &Parent) -> Key {
    // One for each ask: two parents may want the same child, and only one of them has it.
    let prefix = At::prefix("orphan", child.shard());
    Key::stored(&format!("{prefix}{:08x}/{:08x}/{}", parent.run, parent.ordinal, parent.flow))
}

/// `child` is to be cancelled.
pub(super) fn put(child: &FlowId, parent: &Parent) -> KvWrite {
    let orphan = Orphan { flow: child.clone(), parent: parent.clone() };
    KvWrite::Put(key(child, parent), Payload::new(&orphan).unwrap_or_else(|_| Payload::stored("null")))
}

/// It knows.
pub(super) fn delete(child: &FlowId, parent: &Parent) -> KvWrite {
    KvWrite::Delete(key(child, parent))
}

/// All children of a shard that are to be cancelled.
pub(super) async fn read(backend: &dyn Backend, shard: u8, page: usize) -> Result<Vec<(FlowId, Parent)>, Fault> {
    let prefix = At::prefix("orphan", shard);
    let (mut orphans, mut after) = (Vec::new(), None);
    loop {
        let found = backend.scan(&prefix, after.as_ref(), page).await?;
        let Some((last, _)) = found.last() else { return Ok(orphans) };
        after = Some(last.clone());
        for (key, value) in found {
            let Orphan { flow, parent } =
                value.read().map_err(|error| Fault::corrupt(format!("key {key}"), error.to_string()))?;
            orphans.push((flow, parent));
        }
    }
}
