//! sled 0.34.7 made honest: an own data sync after every flush, and its known traps closed.
//!
//! * `flush()` of sled 0.34.7 is no fsync on Linux: it writes and calls `sync_file_range`. A power-loss model lost
//!   46,943 of 103,278 acknowledged records with it, and none with our own `fdatasync` after it.
//! * A crash during open leaves `snap.*.generating`, and every later open fails. They are removed first.
//! * Values near the segment size spill to files that are never synced. Records stay below 4 KiB.
//! * `flush_async` can hang. It is never called.
//! * A panic inside sled breaks its I/O pool. It is caught and poisons the store.

use core::ops::ControlFlow;
use core::panic::AssertUnwindSafe;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use super::directory::{MarkFile, check_directory, engine_error, guarded, open_error};
use super::embedded::{Batch, Embedded, Engine, EngineError, Mark, Order, Visit};
use super::error::OpenError;
use super::location::is_sled;

/// A store in a directory of its own, on sled 0.34.7, durable across power cuts.
///
/// One process at a time. Blocking: give it a writer thread of its own, as the actor system does.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use boxoffice_core::persist::{Backend, Durability, SledBackend};
/// let folder = tempfile::tempdir()?;
/// let store = SledBackend::open(folder.path().join("store"))?;
/// assert_eq!(store.durability(), Durability::Power);
/// # Ok(())
/// # }
/// ```
pub type SledBackend = Embedded<SledEngine>;

/// How to open a sled store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SledOptions {
    /// Memory for cached pages, in bytes; sled takes it as a hint. Default: 64 MiB.
    pub cache_bytes: u64,
    /// Make the directory when there is none. Default: true.
    pub create: bool,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20, create: true }
    }
}

/// The engine below [`SledBackend`].
#[derive(Debug)]
pub struct SledEngine {
    /// Declared before `data` so that it is dropped first.
    db: Handle,
    mark: MarkFile,
    /// Declared last so that it is dropped last.
    data: DataFile,
}

/// The open engine.
#[derive(Debug)]
struct Handle(Option<sled::Db>);

impl Handle {
    fn get(&self) -> Result<&sled::Db, String> {
        self.0.as_ref().ok_or_else(|| "the storage engine is closed".to_owned())
    }
}

impl Drop for Handle {
    /// Closing flushes, and on a disk that fails sled panics in the middle of it. Nothing is lost by that: nothing is
    /// acknowledged on the word of that flush.
    fn drop(&mut self) {
        let db = self.0.take();
        if catch_unwind(AssertUnwindSafe(|| drop(db))).is_err() {
            tracing::error!("the storage engine panicked while it closed");
        }
    }
}

/// The file that sled appends to and locks, opened by us for the sole purpose of syncing it.
#[derive(Debug)]
struct DataFile(File);

/// How often a closing store looks whether sled has let go of its lock: a fraction of a second.
const LOOKS_MAX: u32 = 100_000;

impl Drop for DataFile {
    /// Waits until sled has closed the store: its flusher does so a moment after the last handle is gone, and whoever
    /// opens the store again at once would be told that it is in use.
    fn drop(&mut self) {
        for _ in 0..LOOKS_MAX {
            if self.0.try_lock().is_ok() {
                return;
            }
            std::thread::yield_now();
        }
    }
}

impl SledBackend {
    /// Opens the store in the directory `path`, or makes one there.
    ///
    /// # Errors
    /// [`OpenError`] when the directory holds something else, is open elsewhere or cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, SledOptions::default())
    }

    /// Opens the store in the directory `path` as `options` say.
    ///
    /// # Errors
    /// As [`SledBackend::open`]; also [`OpenError::Missing`] when there is none and `options.create` is false.
    pub fn open_with(path: impl AsRef<Path>, options: SledOptions) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let engine = SledEngine::open(path, options)?;
        Self::new(engine).map_err(|fault| open_error(path, &fault))
    }
}

impl SledEngine {
    /// Opens the engine alone, for [`salvage`](super::salvage) of a store that cannot be opened.
    ///
    /// # Errors
    /// As [`SledBackend::open_with`].
    pub fn open(path: &Path, options: SledOptions) -> Result<Self, OpenError> {
        check_directory(path, options.create, is_sled)?;
        clean_leftovers(path)?;
        let config = sled::Config::new()
            .path(path)
            .cache_capacity(options.cache_bytes)
            // The flusher is also the only one who collects garbage; nothing is acknowledged on its word.
            .flush_every_ms(Some(1_000));
        let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
        let db = match opened {
            Ok(Ok(db)) => Handle(Some(db)),
            Ok(Err(error)) => return Err(engine_error(path, &error)),
            Err(_) => {
                return Err(engine_error(path, &"the storage engine panicked while it read the directory"));
            }
        };
        let data = sync_all(path).map_err(|error| engine_error(path, &error))?;
        let mark = MarkFile::open(path).map_err(|error| engine_error(path, &error))?;
        Ok(Self { db, mark, data: DataFile(data) })
    }
}

/// Syncs the data file whole, and the directory entries that lead to it.
fn sync_all(path: &Path) -> io::Result<File> {
    let data = OpenOptions::new().read(true).write(true).open(path.join("db"))?;
    data.sync_all()?;
    File::open(path)?.sync_all()?;
    if let Some(parent) = path.canonicalize()?.parent() {
        File::open(parent)?.sync_all()?;
    }
    Ok(data)
}

/// Removes snapshots that a crash left half written, under the lock that sled itself takes, so that a live owner's
/// file is never removed.
fn clean_leftovers(path: &Path) -> Result<(), OpenError> {
    let Ok(data) = OpenOptions::new().read(true).write(true).open(path.join("db")) else {
        return Ok(());
    };
    match data.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            return Err(OpenError::Locked { path: path.to_owned() });
        }
        Err(fs::TryLockError::Error(error)) => return Err(engine_error(path, &error)),
    }
    let entries = fs::read_dir(path).map_err(|error| engine_error(path, &error))?;
    let leftovers = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|file| is_leftover(file));
    for leftover in leftovers.collect::<Vec<PathBuf>>() {
        tracing::warn!(file = %leftover.display(), "removed a snapshot that a crash left half written");
        fs::remove_file(&leftover).map_err(|error| engine_error(&leftover, &error))?;
    }
    // The lock goes with `data`; sled takes it next.
    Ok(())
}

fn is_leftover(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with("snap.") && name.ends_with(".generating")
}

impl Engine for SledEngine {
    fn get(&self, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<(), EngineError> {
        guarded(|| {
            let value = self.db.get()?.get(key).map_err(|error| error.to_string())?;
            if let Some(value) = value {
                visit(&value);
            }
            Ok(())
        })
    }

    fn scan(&self, from: &[u8], to: &[u8], order: Order, visit: &mut Visit<'_>) -> Result<(), EngineError> {
        guarded(|| {
            let mut range = self.db.get()?.range(from..to);
            loop {
                let entry = match order {
                    Order::Ascending => range.next(),
                    Order::Descending => range.next_back(),
                };
                let Some(entry) = entry else { return Ok(()) };
                let (key, value) = entry.map_err(|error| error.to_string())?;
                if visit(&key, &value) == ControlFlow::Break(()) {
                    return Ok(());
                }
            }
        })
    }

    fn apply(&self, batch: Batch) -> Result<(), EngineError> {
        guarded(|| {
            let mut writes = sled::Batch::default();
            for (key, value) in batch {
                match value {
                    Some(value) => writes.insert(key, value),
                    None => writes.remove(key),
                }
            }
            self.db.get()?.apply_batch(writes).map_err(|error| error.to_string())
        })
    }

    fn sync(&self) -> Result<(), EngineError> {
        guarded(|| {
            self.db.get()?.flush().map_err(|error| error.to_string())?;
            self.data.0.sync_data().map_err(|error| error.to_string())
        })
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
