//! The store by itself: appends beside raw engines and peers, replay, a view, and what happens as it grows.

mod engines;
mod peers;
mod replay;
mod volume;

use std::path::Path;
use std::time::Instant;

use crate::load::{Measured, disk_p50};
use crate::{MEASURE, Result};

pub use replay::replay;
pub use volume::volume;

/// Events of one durable commit.
const BATCHES: [usize; 4] = [1, 16, 64, 256];
/// Streams that commits go to in turn.
const STREAMS: u64 = 1_000;

/// One durable commit of so many events to one stream.
type Commit = Box<dyn FnMut(u64, usize) -> Result<()>>;
/// Opens an engine in a directory of its own.
type Open = fn(&Path) -> Result<Commit>;

const ENGINES: [(&str, Open); 9] = [
    ("boxoffice, sled", engines::boxoffice_sled),
    ("raw sled", engines::raw_sled),
    ("boxoffice, fjall", engines::boxoffice_fjall),
    ("raw fjall", engines::raw_fjall),
    ("SQLite, WAL, FULL", peers::sqlite),
    ("redb", peers::redb),
    ("UmaDB", peers::umadb),
    ("raw file", engines::raw_file),
    ("boxoffice, memory", engines::boxoffice_memory),
];

/// The payload of an event: 200 bytes of JSON.
pub fn payload(n: u64) -> String {
    format!("{{\"attendee\":\"attendee-{n:012}\",\"note\":\"{}\"}}", "x".repeat(152))
}

fn measure(open: Open, batch: usize) -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let mut commit = open(folder.path())?;
    let (mut latencies, mut commits) = (Vec::new(), 0);
    // The first commits make files and warm caches.
    for _ in 0..20 {
        commit(commits, batch)?;
        commits += 1;
    }
    let started = Instant::now();
    while started.elapsed() < MEASURE {
        let asked = Instant::now();
        commit(commits, batch)?;
        latencies.push(asked.elapsed());
        commits += 1;
    }
    Ok(Measured::new(latencies.len() as u64 * batch as u64, started.elapsed(), latencies))
}

/// Durable appends, one writer, so many events a commit.
pub fn appends() -> Result<()> {
    println!("\nevents/s appended by one writer, 200 bytes each, durable at each commit, to {STREAMS} streams in turn");
    println!("(fdatasync p50 of this disk now: {} us)\n", disk_p50()?.as_micros());
    println!("| events a commit | {} |", ENGINES.map(|(name, _)| name).join(" | "));
    println!("| ---: |{}", " ---: |".repeat(ENGINES.len()));
    let mut ratios = Vec::new();
    for batch in BATCHES {
        let mut rates = Vec::new();
        for (_, open) in ENGINES {
            // Side by side, so that a disk that slows down slows down for all.
            let measured = measure(open, batch)?;
            rates.push((measured.rate(), measured.p50()));
        }
        let cells: Vec<String> = rates.iter().map(|(rate, p50)| format!("{rate} ({} us)", p50.as_micros())).collect();
        println!("| {batch} | {} |", cells.join(" | "));
        let ratio = |ours: usize, theirs: usize| {
            let rate = |place: usize| rates.get(place).map_or(1, |(rate, _)| *rate).max(1) as f64;
            rate(ours) / rate(theirs)
        };
        let columns = [ratio(0, 1), ratio(2, 3), ratio(0, 4), ratio(2, 4), ratio(2, 5), ratio(2, 6)];
        ratios.push((batch, columns));
    }
    println!(
        "\n| events a commit | sled of raw sled | fjall of raw fjall | sled of SQLite | fjall of SQLite | fjall of redb | fjall of UmaDB |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (batch, columns) in ratios {
        println!("| {batch} | {} |", columns.map(|ratio| format!("{ratio:.2}")).join(" | "));
    }
    Ok(())
}
