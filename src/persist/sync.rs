//! The one file that names locks, so that loom can put its own in their place and try every interleaving.

#[cfg(not(boxoffice_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

#[cfg(boxoffice_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};

use super::error::Fault;

/// Locks, or says that a holder of the lock panicked: what it guards may be half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>, Fault> {
    mutex.lock().map_err(|_| Fault::Poisoned { reason: "a writer panicked".into() })
}
