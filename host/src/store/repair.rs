//! `boxoffice store repair`: everything readable of a damaged store, in a new one.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use boxoffice::persist::{
    Backend, Fault, FjallEngine, FjallOptions, Item, Location, Salvage, SledEngine, SledOptions, salvage,
};
use serde_json::json;
use tokio::runtime::Runtime;

use super::args::RepairArgs;
use super::files::Copied;
use super::moving::new_store;
use super::table;
use crate::error::HostError;
use crate::output::{complain, print};

/// Items written with one sync.
const BATCH: usize = 1_024;

pub(super) fn run(args: &RepairArgs, runtime: &Runtime) -> Result<bool, HostError> {
    let lost = lost_file(&args.copy)?;
    let copy = Copied::of(&args.store)?;
    let salvaged = runtime.block_on(new_store(&args.copy, async |store| {
        let mut waiting = Vec::new();
        let mut take = |item: Item| {
            waiting.push(item);
            if waiting.len() == BATCH { flush(store, &mut waiting) } else { Ok(()) }
        };
        let salvaged = read(&copy.location, &mut take).map_err(|error| copy.blame(error))?;
        flush(store, &mut waiting)?;
        Ok(salvaged)
    }))?;
    if !salvaged.behind_gaps.is_empty() {
        write_lost(&lost, &salvaged)?;
        let count = salvaged.behind_gaps.len();
        complain(&format!("{count} events that stand behind a gap in their stream are in {}", lost.display()));
    }
    let found = &salvaged.verification;
    print(&if args.json { format!("{}\n", json!(found)) } else { table(found) })?;
    Ok(found.is_whole())
}

fn flush(store: &dyn Backend, waiting: &mut Vec<Item>) -> Result<(), Fault> {
    let imported = futures_util::FutureExt::now_or_never(store.import(core::mem::take(waiting)));
    imported.unwrap_or_else(|| Err(Fault::Unavailable { reason: "the new store did not answer".into() }))
}

type Take<'a> = dyn FnMut(Item) -> Result<(), Fault> + 'a;

fn read(store: &Location, take: &mut Take<'_>) -> Result<Salvage, HostError> {
    let files = store.path().unwrap_or(Path::new("."));
    if matches!(store, Location::Fjall(_)) {
        let engine = FjallEngine::open(files, FjallOptions { create: false, ..FjallOptions::default() })?;
        return Ok(salvage(&engine, take)?);
    }
    let options = SledOptions { create: false, ..SledOptions::default() };
    let engine = match SledEngine::open(files, options) {
        Ok(engine) => engine,
        Err(error) => {
            // Without its snapshots sled reads its whole log, which may be well where they are not.
            tracing::warn!(%error, "trying without the engine's snapshots");
            for entry in fs::read_dir(files).map_err(|error| HostError::Read { path: files.to_owned(), error })? {
                let file = entry.map_err(|error| HostError::Read { path: files.to_owned(), error })?.path();
                if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap.")) {
                    fs::remove_file(&file).map_err(|error| HostError::Read { path: file, error })?;
                }
            }
            SledEngine::open(files, options)?
        }
    };
    Ok(salvage(&engine, take)?)
}

fn lost_file(copy: &Location) -> Result<PathBuf, HostError> {
    let path = copy.path().ok_or_else(|| HostError::Usage("the new store must be in a directory".to_owned()))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lost.jsonl");
    let lost = path.with_file_name(name);
    if lost.exists() {
        return Err(HostError::Usage(format!("{} is there already", lost.display())));
    }
    Ok(lost)
}

fn write_lost(path: &Path, salvaged: &Salvage) -> Result<(), HostError> {
    let fail = |error: io::Error| HostError::Read { path: path.to_owned(), error };
    let mut file = BufWriter::new(fs::File::create_new(path).map_err(fail)?);
    for event in &salvaged.behind_gaps {
        serde_json::to_writer(&mut file, event).map_err(|error| fail(error.into()))?;
        file.write_all(b"\n").map_err(fail)?;
    }
    file.flush().map_err(fail)?;
    file.get_ref().sync_all().map_err(fail)
}
