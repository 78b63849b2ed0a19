//! Copying a store that may be in use into an empty one, catching up, and comparing the two.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Export, TransferError, empty, import, key_place, unchanged};
use crate::persist::backend::{Backend, Head};
use crate::persist::contents::{Cut, Item, PAGE};
use crate::persist::record::{Cursor, StreamName};

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Events.
    pub events: u64,
    /// Keys with a value.
    pub values: u64,
    /// Idempotency keys.
    pub remembered: u64,
    /// The copy is the source as of this cursor.
    pub through: Cursor,
    /// Whether the source was still being written at the end: what came after `through` is not in the copy. Stop the
    /// writers and copy again, or accept the copy as of `through`.
    pub behind: bool,
}

/// Times that a copy catches up with writers before it gives in to them.
const ROUNDS_MAX: usize = 8;

/// Copies everything that `from` holds into `to`, which must be empty, and then compares the two event by event and key
/// by key. `from` may be in use: the copy catches up with what is written meanwhile, a few times.
///
/// ```
/// use boxoffice_core::persist::{Backend, MemoryBackend, Store, StreamName, copy};
/// use boxoffice_core::time::Timestamp;
/// use std::sync::Arc;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let from: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
/// let orders = StreamName::new("orders")?;
/// Store::shared(from.clone()).stream(&orders).append("placed", Timestamp::EPOCH, &7).await?;
///
/// let to: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
/// assert_eq!(copy(&from, &*to).await?.events, 1);
/// assert_eq!(Store::shared(to).stream(&orders).read().await?, Store::shared(from).stream(&orders).read().await?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
///
/// # Errors
/// [`TransferError`]. `to` may hold a part then: throw it away.
pub async fn copy(from: &Arc<dyn Backend>, to: &dyn Backend) -> Result<Copied, TransferError> {
    empty(to).await?;
    let mut export = Export::begin(from).await?;
    while let Some(items) = export.next().await? {
        import(to, items).await?;
    }
    let Export { truncated, mut cut, .. } = export;
    let mut behind = true;
    for _ in 0..ROUNDS_MAX {
        let now = from.cut().await?;
        if now == cut {
            behind = false;
            break;
        }
        catch_up(&**from, to, &cut, &now).await?;
        cut = now;
    }
    unchanged(&truncated, &from.truncated().await?)?;
    let events = compare(&**from, to, &truncated, &cut).await?;
    let (values, remembered) = (cut.values.len() as u64, cut.remembered.len() as u64);
    tracing::info!(events, values, remembered, through = %cut.through, behind, "store copied");
    Ok(Copied { events, values, remembered, through: cut.through, behind })
}

/// Copies what was written between two moments.
async fn catch_up(from: &dyn Backend, to: &dyn Backend, before: &Cut, now: &Cut) -> Result<(), TransferError> {
    let mut after = before.through;
    while after < now.through {
        let page = from.read_all(after, PAGE).await?;
        let events = page.events.into_iter().filter(|event| event.cursor <= now.through);
        import(to, events.map(Item::Event).collect()).await?;
        if page.next == after {
            break;
        }
        after = page.next;
    }
    let old: BTreeMap<_, _> = before.values.iter().map(|(key, value)| (key, value)).collect();
    let new: BTreeMap<_, _> = now.values.iter().map(|(key, value)| (key, value)).collect();
    let deleted = old.keys().filter(|key| !new.contains_key(*key)).map(|key| Item::Deleted((*key).clone()));
    let changed = new.iter().filter(|(key, value)| old.get(*key).is_none_or(|old| old.json() != value.json()));
    let changed = changed.map(|(key, value)| Item::Value((*key).clone(), (*value).clone()));
    let known: BTreeMap<_, _> = before.remembered.iter().map(|(key, kept)| (key, kept)).collect();
    let kept = now.remembered.iter().filter(|(key, _)| !known.contains_key(key));
    let kept = kept.map(|(key, kept)| Item::Remembered(key.clone(), kept.clone()));
    import(to, deleted.chain(changed).chain(kept).chain([Item::Next(now.next)]).collect()).await
}

/// Compares two stores as of a moment of the first; answers how many events both hold.
async fn compare(
    from: &dyn Backend,
    to: &dyn Backend,
    truncated: &[(StreamName, Head)],
    cut: &Cut,
) -> Result<u64, TransferError> {
    let differs = |place: String| Err(TransferError::Differs { place });
    let (mut after, mut count) = (Cursor::START, 0);
    loop {
        let (ours, theirs) = (from.read_all(after, PAGE).await?, to.read_all(after, PAGE).await?);
        let ours: Vec<_> = ours.events.into_iter().filter(|event| event.cursor <= cut.through).collect();
        if let Some((one, _)) = ours.iter().zip(&theirs.events).find(|(one, other)| one != other) {
            return differs(format!("event {} of stream {}", one.seq, one.stream));
        }
        if ours.len() != theirs.events.len() {
            return differs(format!("the number of events after cursor {after}"));
        }
        count += ours.len() as u64;
        match theirs.events.last() {
            Some(last) => after = last.cursor,
            None => break,
        }
    }
    let copied = to.cut().await?;
    if let Some(((key, _), _)) = cut.values.iter().zip(&copied.values).find(|(one, other)| one != other) {
        return differs(key_place(key));
    }
    if let Some(((key, _), _)) = cut.remembered.iter().zip(&copied.remembered).find(|(one, other)| one != other) {
        return differs(format!("idempotency key {key}"));
    }
    if (cut.values.len(), cut.remembered.len()) != (copied.values.len(), copied.remembered.len()) {
        return differs("the number of keys".to_owned());
    }
    if copied.next < cut.next {
        return differs("the next cursor".to_owned());
    }
    let heads = |heads: &[(StreamName, Head)]| -> Vec<_> {
        heads.iter().map(|(stream, head)| (stream.clone(), head.truncated_through)).collect()
    };
    if heads(truncated) != heads(&to.truncated().await?) {
        return differs("what was truncated".to_owned());
    }
    Ok(count)
}
