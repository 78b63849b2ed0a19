//! What a storage engine must offer.

use core::ops::ControlFlow;

/// What the engine said when it failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(pub String);

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Greatest key first.
    Descending,
}

/// Called for each key and value of a scan until it breaks.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Keys to put (`Some`) and to delete (`None`).
pub type Batch = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// An ordered map of bytes to bytes on a disk: what [`Embedded`](super::Embedded) needs of a storage engine.
pub trait Engine: core::fmt::Debug + Send + Sync + 'static {
    /// Visits the value of `key`, if there is one. A record can be large: it is looked at where it lies.
    ///
    /// # Errors
    /// [`EngineError`] when reading failed.
    fn get(&self, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<(), EngineError>;

    /// Visits the entries with keys in `[from, to)` in `order`.
    ///
    /// # Errors
    /// [`EngineError`] when reading failed.
    fn scan(&self, from: &[u8], to: &[u8], order: Order, visit: &mut Visit<'_>) -> Result<(), EngineError>;

    /// Puts (`Some`) and deletes (`None`) all keys of `batch`, or none of them, also across a crash.
    ///
    /// # Errors
    /// [`EngineError`] when writing failed; the store is poisoned then.
    fn apply(&self, batch: Batch) -> Result<(), EngineError>;

    /// Returns once everything applied before survives a power cut.
    ///
    /// # Errors
    /// [`EngineError`] when syncing failed; the store is poisoned then.
    fn sync(&self) -> Result<(), EngineError>;

    /// Whether it keeps marks. The default does not.
    fn keeps_marks(&self) -> bool {
        false
    }

    /// Keeps `mark` beside the data, in place of an earlier one. Called after each sync, and need not be synced itself: an
    /// older mark says less and nothing wrong. The default keeps none.
    ///
    /// # Errors
    /// [`EngineError`] when it could not be kept. The store goes on.
    fn keep_mark(&self, mark: Mark) -> Result<(), EngineError> {
        let _ = mark;
        Ok(())
    }

    /// The mark that was kept last, by an earlier process too; none when there is none that can be read.
    ///
    /// # Errors
    /// [`EngineError`] when reading failed.
    fn mark(&self) -> Result<Option<Mark>, EngineError> {
        Ok(None)
    }
}

/// How far a store was durable. An engine takes a damaged end of its log for one that was never written, and drops it
/// without a word; the mark tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The last cursor.
    pub cursor: u64,
    /// How many commits there were without events.
    pub silent: u64,
}
