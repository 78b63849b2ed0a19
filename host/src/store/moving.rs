//! Backups, copies, imports: a store and a file, or two stores. What is made is made whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use boxoffice::persist::{Backend, Location, TransferError, backup, copy, import_events, restore};

use super::args::{BackupArgs, CopyArgs, ImportArgs, RestoreArgs};
use super::files::folder_of;
use super::place::Place;
use crate::error::HostError;
use crate::output::print;

/// A path beside `path` for what is not whole yet.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

fn there_already(path: &Path) -> HostError {
    HostError::Usage(format!("{} is there already", path.display()))
}

fn at(path: &Path) -> impl Fn(io::Error) -> HostError {
    move |error| HostError::Read { path: path.to_owned(), error }
}

/// Gives what is whole its name, in a way that a power cut does not undo.
fn rename(from: &Path, to: &Path) -> Result<(), HostError> {
    fs::rename(from, to).map_err(at(to))?;
    let folder = folder_of(to);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
}

/// Makes a new store by `fill`, beside its place, and moves it there when it is whole.
pub(super) async fn new_store<T>(
    to: &Location,
    fill: impl AsyncFnOnce(&dyn Backend) -> Result<T, HostError>,
) -> Result<T, HostError> {
    let path = to.path().ok_or_else(|| HostError::Usage("the new store must be in a directory".to_owned()))?;
    if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) || path.is_file() {
        return Err(there_already(path));
    }
    let partial = beside(path);
    if partial.exists() {
        let there = format!("{} is there: another command makes it now, or one was interrupted", partial.display());
        return Err(HostError::Usage(format!("{there}; remove it if you know that none does")));
    }
    let fjall = matches!(to, Location::Fjall(_));
    let place = if fjall { Location::Fjall(partial.clone()) } else { Location::Sled(partial.clone()) };
    let filled = {
        let store = place.open(true)?;
        fill(&*store).await
    };
    match filled {
        Ok(done) => {
            if path.exists() {
                fs::remove_dir(path).map_err(at(path))?;
            }
            rename(&partial, path)?;
            Ok(done)
        }
        Err(error) => {
            fs::remove_dir_all(&partial).map_err(at(&partial))?;
            Err(error)
        }
    }
}

pub(super) async fn write_backup(args: &BackupArgs) -> Result<bool, HostError> {
    if args.to.exists() {
        return Err(there_already(&args.to));
    }
    let store = args.store.open(false).await?;
    let partial = beside(&args.to);
    let file = OpenOptions::new().write(true).create_new(true).open(&partial).map_err(at(&partial))?;
    let mut writer = BufWriter::new(file);
    let written = backup(&store, &mut writer).await;
    let dumped = match written.and_then(|dumped| writer.flush().map(|()| dumped).map_err(TransferError::from)) {
        Ok(dumped) => dumped,
        Err(error) => {
            fs::remove_file(&partial).map_err(at(&partial))?;
            return Err(HostError::File { path: args.to.clone(), error });
        }
    };
    writer.get_ref().sync_all().map_err(at(&partial))?;
    rename(&partial, &args.to)?;
    print(&format!(
        "{} events, {} keys and {} idempotency keys as of cursor {} are in {}\n",
        dumped.events,
        dumped.values,
        dumped.remembered,
        dumped.through,
        args.to.display()
    ))
}

pub(super) async fn read_backup(args: &RestoreArgs) -> Result<bool, HostError> {
    let file = File::open(&args.from).map_err(at(&args.from))?;
    let mut reader = BufReader::new(file);
    let dumped = new_store(&args.store, async |store| {
        let restored = restore(&mut reader, store).await;
        restored.map_err(|error| HostError::File { path: args.from.clone(), error })
    })
    .await?;
    print(&format!(
        "{} events, {} keys and {} idempotency keys as of cursor {} are in {}\n",
        dumped.events, dumped.values, dumped.remembered, dumped.through, args.store
    ))
}

pub(super) async fn copy_store(args: &CopyArgs) -> Result<bool, HostError> {
    if let (Place::Here(from), Some(to)) = (&args.from, args.to.path())
        && from.path().is_some_and(|from| to.starts_with(from))
    {
        return Err(HostError::Usage(format!("{} is inside of the store to copy", to.display())));
    }
    let from = args.from.open(false).await?;
    let copied = new_store(&args.to, async |store| Ok(copy(&from, store).await?)).await?;
    let behind = if copied.behind { "; the source was written meanwhile, what came later is not there" } else { "" };
    print(&format!(
        "{} events, {} keys and {} idempotency keys are in {}, compared one by one, as of cursor {}{behind}\n",
        copied.events, copied.values, copied.remembered, args.to, copied.through
    ))?;
    Ok(!copied.behind)
}

pub(super) async fn import(args: &ImportArgs) -> Result<bool, HostError> {
    if matches!(args.store, Place::Here(Location::Memory)) {
        return Err(HostError::Usage("what is imported into memory: is gone at once".to_owned()));
    }
    let imported = if args.from == Path::new("-") {
        let store = args.store.open(true).await?;
        import_events(&mut BufReader::new(io::stdin()), &*store).await
    } else {
        let file = File::open(&args.from).map_err(at(&args.from))?;
        let store = args.store.open(true).await?;
        import_events(&mut BufReader::new(file), &*store).await
    };
    let imported = imported.map_err(|error| HostError::File { path: args.from.clone(), error })?;
    print(&format!("{} events appended, {} were there already\n", imported.appended, imported.present))
}
