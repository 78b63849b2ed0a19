//! A copy of a store's files, to look at and to repair without touching the store.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use boxoffice::persist::{Location, OpenError};

use crate::error::HostError;

/// The files of a store in a directory beside it, which is removed with this.
pub(super) struct Copied {
    /// The copy.
    pub(super) location: Location,
    original: PathBuf,
    _folder: tempfile::TempDir,
}

impl Copied {
    /// Copies the files of a store that nobody has open.
    pub(super) fn of(location: &Location) -> Result<Self, HostError> {
        let path = location.path().ok_or_else(|| HostError::Usage("there is no store in memory".to_owned()))?;
        if !path.is_dir() {
            return Err(OpenError::Missing { path: path.to_owned() }.into());
        }
        if in_use(path) {
            return Err(OpenError::Locked { path: path.to_owned() }.into());
        }
        let folder = tempfile::TempDir::with_prefix_in(".boxoffice-copy-", folder_of(path))
            .or_else(|_| tempfile::TempDir::with_prefix("boxoffice-copy-"));
        let doing = "make a directory for a copy of the files";
        let folder = folder.map_err(|error| HostError::System { doing, error })?;
        let files = folder.path().join("store");
        copy_files(path, &files)?;
        let fjall = matches!(location, Location::Fjall(_));
        let copy = if fjall { Location::Fjall(files) } else { Location::Sled(files) };
        Ok(Self { location: copy, original: path.to_owned(), _folder: folder })
    }

    /// The same error about the store itself.
    pub(super) fn blame(&self, error: HostError) -> HostError {
        let HostError::Open(mut error) = error else { return error };
        if let OpenError::Engine { path, .. }
        | OpenError::NotAStore { path, .. }
        | OpenError::Layout { path, .. }
        | OpenError::Missing { path } = &mut error
        {
            path.clone_from(&self.original);
        }
        HostError::Open(error)
    }
}

/// The folder that a path is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether another process holds the lock of either engine.
fn in_use(path: &Path) -> bool {
    ["db", "lock"].iter().any(|name| {
        let file = File::options().read(true).write(true).open(path.join(name));
        file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    })
}

fn copy_files(from: &Path, to: &Path) -> Result<(), HostError> {
    let fail = |error| HostError::Read { path: from.to_owned(), error };
    fs::create_dir_all(to).map_err(fail)?;
    for entry in fs::read_dir(from).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(fail)?.is_dir() {
            copy_files(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target).map_err(fail)?;
        }
    }
    Ok(())
}
