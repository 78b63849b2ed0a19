//! fjall 3: a log-structured engine with a journal, the second embedded one.
//!
//! * A batch goes to the journal, which [`Engine::sync`] syncs with `fdatasync`; journals are synced when they are
//!   rotated. So one commit is one write and one sync.
//! * What an earlier process wrote and did not sync is found again after a kill. It is synced at open, before anybody can
//!   see it.
//! * After a failed write or sync fjall refuses every later one; so does [`Embedded`].

use core::fmt;
use core::ops::ControlFlow;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;

use super::directory::{MarkFile, check_directory, engine_error, guarded, open_error};
use super::embedded::{Batch, Embedded, Engine, EngineError, Mark, Order, Visit};
use super::error::OpenError;
use super::location::is_fjall;

/// A store in a directory of its own, on fjall 3, durable across power cuts.
///
/// One process at a time. Blocking: give it a writer thread of its own, as the actor system does.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use boxoffice_core::persist::{Backend, Durability, FjallBackend};
/// let folder = tempfile::tempdir()?;
/// let store = FjallBackend::open(folder.path().join("store"))?;
/// assert_eq!(store.durability(), Durability::Power);
/// # Ok(())
/// # }
/// ```
pub type FjallBackend = Embedded<FjallEngine>;

/// How to open a fjall store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FjallOptions {
    /// Memory for cached blocks, in bytes. Default: 64 MiB. Writes that are not yet in tables take up to 64 MiB more.
    pub cache_bytes: u64,
    /// Make the directory when there is none. Default: true.
    pub create: bool,
}

impl Default for FjallOptions {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20, create: true }
    }
}

/// The engine below [`FjallBackend`].
pub struct FjallEngine {
    items: fjall::Keyspace,
    db: fjall::Database,
    mark: MarkFile,
}

impl fmt::Debug for FjallEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FjallEngine").field("path", &self.items.path()).finish_non_exhaustive()
    }
}

impl FjallBackend {
    /// Opens the store in the directory `path`, or makes one there.
    ///
    /// # Errors
    /// [`OpenError`] when the directory holds something else, is open elsewhere or cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, FjallOptions::default())
    }

    /// Opens the store in the directory `path` as `options` say.
    ///
    /// # Errors
    /// As [`FjallBackend::open`]; also [`OpenError::Missing`] when there is none and `options.create` is false.
    pub fn open_with(path: impl AsRef<Path>, options: FjallOptions) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let engine = FjallEngine::open(path, options)?;
        Self::new(engine).map_err(|fault| open_error(path, &fault))
    }
}

impl FjallEngine {
    /// Opens the engine alone, for [`salvage`](super::salvage) of a store that cannot be opened.
    ///
    /// # Errors
    /// As [`FjallBackend::open_with`].
    pub fn open(path: &Path, options: FjallOptions) -> Result<Self, OpenError> {
        check_directory(path, options.create, is_fjall)?;
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let db = fjall::Database::builder(path).cache_size(options.cache_bytes).open()?;
            let items = db.keyspace("boxoffice", fjall::KeyspaceCreateOptions::default)?;
            db.persist(fjall::PersistMode::SyncAll)?;
            let mark = MarkFile::open(path)?;
            Ok::<_, fjall::Error>(Self { items, db, mark })
        }));
        match opened {
            Ok(Ok(engine)) => Ok(engine),
            Ok(Err(fjall::Error::Locked)) => Err(OpenError::Locked { path: path.to_owned() }),
            Ok(Err(error)) => Err(engine_error(path, &error)),
            Err(_) => Err(engine_error(path, &"the storage engine panicked while it read the directory")),
        }
    }
}

impl Engine for FjallEngine {
    fn get(&self, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<(), EngineError> {
        guarded(|| {
            let value = self.items.get(key).map_err(|error| error.to_string())?;
            if let Some(value) = value {
                visit(&value);
            }
            Ok(())
        })
    }

    fn scan(&self, from: &[u8], to: &[u8], order: Order, visit: &mut Visit<'_>) -> Result<(), EngineError> {
        guarded(|| {
            if from >= to {
                return Ok(());
            }
            let mut range = self.items.range(from..to);
            loop {
                let entry = match order {
                    Order::Ascending => range.next(),
                    Order::Descending => range.next_back(),
                };
                let Some(entry) = entry else { return Ok(()) };
                let (key, value) = entry.into_inner().map_err(|error| error.to_string())?;
                if visit(&key, &value) == ControlFlow::Break(()) {
                    return Ok(());
                }
            }
        })
    }

    fn apply(&self, batch: Batch) -> Result<(), EngineError> {
        guarded(|| {
            let mut writes = self.db.batch();
            for (key, value) in batch {
                match value {
                    Some(value) => writes.insert(&self.items, key, value),
                    None => writes.remove(&self.items, key),
                }
            }
            writes.commit().map_err(|error| error.to_string())
        })
    }

    fn sync(&self) -> Result<(), EngineError> {
        guarded(|| self.db.persist(fjall::PersistMode::SyncData).map_err(|error| error.to_string()))
    }

    fn keeps_marks(&self) -> bool {
        true
    }

    fn keep_mark(&self, mark: Mark) -> Result<(), EngineError> {
        self.mark.keep(mark).map_err(|error| EngineError(error.to_string()))
    }

    fn mark(&self) -> Result<Option<Mark>, EngineError> {
        self.mark.read().map_err(|error| EngineError(error.to_string()))
    }
}
