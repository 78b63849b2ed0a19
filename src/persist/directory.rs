//! What the stores in directories share: whose directory it is, and what a failing engine said.

use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicBool, Ordering};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::embedded::{EngineError, Mark};
use super::error::{Fault, OpenError};
use super::layout::LAYOUT;

/// Refuses what is not a store, by `is_mine`, before anything is touched.
pub(super) fn check_directory(path: &Path, create: bool, is_mine: fn(&Path) -> bool) -> Result<(), OpenError> {
    let not_a_store = |reason: &str| OpenError::NotAStore { path: path.to_owned(), reason: reason.to_owned() };
    let mut entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound && create => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenError::Missing { path: path.to_owned() });
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(not_a_store("it is a file"));
        }
        Err(error) => return Err(engine_error(path, &error)),
    };
    let empty = entries.next().is_none();
    if is_mine(path) {
        return Ok(());
    }
    match (empty, create) {
        (true, true) => Ok(()),
        (true, false) => Err(OpenError::Missing { path: path.to_owned() }),
        (false, _) => Err(not_a_store("the directory holds other files")),
    }
}

pub(super) fn engine_error(path: &Path, reason: &impl ToString) -> OpenError {
    OpenError::Engine { path: path.to_owned(), reason: reason.to_string() }
}

/// Why a store whose engine is open could not be opened itself.
pub(super) fn open_error(path: &Path, fault: &Fault) -> OpenError {
    match fault {
        Fault::Corrupt { place, reason } if &**place == "store" => {
            OpenError::Layout { path: path.to_owned(), found: reason.to_string(), wanted: LAYOUT }
        }
        Fault::Unavailable { .. } | Fault::Unknown { .. } | Fault::Poisoned { .. } | Fault::Corrupt { .. } => {
            engine_error(path, fault)
        }
    }
}

/// Runs an engine call; its error or panic becomes a message.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, String>) -> Result<T, EngineError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(EngineError),
        Err(_) => Err(EngineError("the storage engine panicked".to_owned())),
    }
}

/// The file beside an engine's own in which the [`Mark`] is kept: two numbers and a CRC-32 of them, little-endian.
#[derive(Debug)]
pub(super) struct MarkFile {
    file: Mutex<File>,
    /// Whether a mark of this process is on the disk: the first one is synced, so that a power cut leaves that or a later
    /// one and not none.
    synced: AtomicBool,
}

impl MarkFile {
    /// Its name in the store's directory.
    const NAME: &str = "boxoffice.mark";

    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(folder.join(Self::NAME))?;
        Ok(Self { file: Mutex::new(file), synced: AtomicBool::new(false) })
    }

    pub(super) fn keep(&self, mark: Mark) -> io::Result<()> {
        let mut bytes = [mark.cursor.to_le_bytes(), mark.silent.to_le_bytes()].concat();
        let sum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.rewind()?;
        file.write_all(&bytes)?;
        if !self.synced.swap(true, Ordering::Relaxed) {
            file.sync_all()?;
        }
        Ok(())
    }

    /// None when there is none, or none that can be read.
    pub(super) fn read(&self) -> io::Result<Option<Mark>> {
        let (mut file, mut bytes) = (self.file.lock().unwrap_or_else(PoisonError::into_inner), Vec::new());
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        let number = |from: usize| Some(u64::from_le_bytes(bytes.get(from..from + 8)?.try_into().ok()?));
        let sum = bytes.get(16..20).and_then(|sum| Some(u32::from_le_bytes(sum.try_into().ok()?)));
        if sum.is_none() || sum != bytes.get(..16).map(crc32fast::hash) {
            return Ok(None);
        }
        Ok(number(0).zip(number(8)).map(|(cursor, silent)| Mark { cursor, silent }))
    }
}
