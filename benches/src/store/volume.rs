//! What happens as a store grows: rate, bytes on the disk, time to open again, memory.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use boxoffice::persist::{Backend, Location};

use super::engines::{commit, transaction};
use crate::Result;

const BATCH: usize = 256;
/// More resident memory than this is a fault: the cache is 64 MiB, and both engines hold buffers beside it.
const RSS_MAX: u64 = 1 << 30;

/// Grows a store of each engine to `most` events, ten thousand first and ten times as many at each step.
pub fn volume(most: u64) -> Result<()> {
    println!("\nas a store grows: {BATCH} events of 200 bytes a commit, durable at each\n");
    println!("| engine | events | events/s of this step | bytes an event | of the payload | reopened in | resident |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for engine in ["sled", "fjall"] {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(engine);
        let place: Location = format!("{engine}:{}", path.display()).parse()?;
        let (mut events, mut number) = (0, 0);
        let mut store = place.open(true)?;
        let mut target = 10_000;
        while target <= most {
            let (started, before) = (Instant::now(), events);
            while events < target {
                commit(&*store, transaction(number, BATCH)?)?;
                number += 1;
                events += BATCH as u64;
            }
            let rate = ((events - before) as f64 / started.elapsed().as_secs_f64()) as u64;
            let resident = resident()?;
            drop(store);
            let bytes = size(&path)?;
            let (opened, reopened) = reopen(&place)?;
            store = reopened;
            println!(
                "| {engine} | {events} | {rate} | {} | {:.2} | {} ms | {} MiB |",
                bytes / events,
                bytes as f64 / (events * 200) as f64,
                opened.as_millis(),
                resident >> 20
            );
            if resident > RSS_MAX {
                return Err(format!("{engine} holds {resident} bytes of memory, more than {RSS_MAX}").into());
            }
            target *= 10;
        }
    }
    Ok(())
}

fn reopen(place: &Location) -> Result<(Duration, std::sync::Arc<dyn Backend>)> {
    let started = Instant::now();
    let store = place.open(false)?;
    Ok((started.elapsed(), store))
}

/// Blocks on the disk: a journal that was made long before it is full takes few.
fn size(folder: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let (kind, entry) = entry.and_then(|entry| Ok((entry.file_type()?, entry)))?;
        bytes += if kind.is_dir() { size(&entry.path())? } else { entry.metadata()?.blocks() * 512 };
    }
    Ok(bytes)
}

/// Resident memory of this process, in bytes.
fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
}
