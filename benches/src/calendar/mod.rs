//! Recurrence rules: ours beside the libraries that people use, on the same cases, in one run.

mod allocations;
mod cases;
mod crates;
mod merged;
mod ours;
mod peers;
mod programs;
mod tables;
mod timing;
mod vectors;

use crate::Result;
use peers::Peer;
pub(crate) use tables::number;

/// Windows far off, ten years, a curve of distances, COUNT, the vectors beside the project, allocations.
pub(crate) fn recurrence() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let peers = Peer::all(folder.path())?;
    println!("\nrecurrence: {}", ours::ENGINE);
    println!("\npeers: {}", peers.iter().map(Peer::title).collect::<Vec<_>>().join(", "));
    tables::far(folder.path(), &peers)?;
    tables::ten_years(folder.path(), &peers)?;
    tables::curve(folder.path(), &peers)?;
    tables::count(folder.path(), &peers)?;
    vectors::slowest()?;
    allocations::table();
    Ok(())
}

/// Ten thousand series as one sorted list.
pub(crate) fn merge() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let peers = Peer::all(folder.path())?;
    merged::table(folder.path(), &peers)
}
