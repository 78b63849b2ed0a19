//! What the stores in directories share: whose directory it is, and what a failing engine said.

use core::panic::AssertUnwindSafe;
use std::fs;
use std::io;
use std::panic::catch_unwind;
use std::path::Path;

use super::embedded::EngineError;
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
