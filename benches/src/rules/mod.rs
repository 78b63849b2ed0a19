//! Rules over facts: ours beside compiled ascent, SQLite, PostgreSQL and sorted lists written by hand, in one run.
//!
//! 10,000 attendees, 20,000 occurrences of half an hour to three hours in 90 days, and first 10,000 bookings, then ten times as
//! many again and again, up to 1,000,000 or as many as are asked for. Behind a question is what the answers came to; a peer
//! that comes to anything else ends the run. "Kept" is with the overlaps of all attendees kept up to date by each change,
//! otherwise they are found when they are asked for.
//!
//! All are in memory but PostgreSQL, which is left out where it is not installed. It has a table of spans with a primary key and
//! a GiST index over attendee and span, everything at its default but for `synchronous_commit`, which is off, for nothing
//! else here is durable either; what a durable change takes is below the table.

mod baseline;
mod compiled;
mod ours;
mod postgres;
mod sheet;
mod sqlite;
mod world;

use crate::Result;
use crate::postgres::Cluster;
use sheet::Sheet;
use world::World;

/// A table for each number of bookings up to `most`, and the cost as they grow.
pub(crate) fn tables(most: usize) -> Result<()> {
    println!("\nrules: p50 where there is a p99, x is times ours");
    let cluster = Cluster::start()?;
    // Whoever is first would pay for memory that the process has not had yet, so the first time does not count.
    ours::run(&mut Sheet::new(0), &World::new(10_000), false)?;
    let mut steps: Vec<usize> = core::iter::successors(Some(10_000_usize), |step| step.checked_mul(10))
        .take_while(|step| *step < most)
        .collect();
    steps.push(most);
    let mut sheets = Vec::new();
    for bookings in steps {
        let mut sheet = Sheet::new(bookings);
        measure(&mut sheet, &World::new(bookings), cluster.as_ref())?;
        if bookings == most {
            ours::closure(&mut sheet)?;
            compiled::closure(&mut sheet)?;
        }
        sheet.print();
        sheets.push(sheet);
    }
    sheet::curve(&sheets);
    Ok(())
}

fn measure(sheet: &mut Sheet, world: &World, cluster: Option<&Cluster>) -> Result<()> {
    for kept in [false, true] {
        ours::run(sheet, world, kept)?;
    }
    baseline::run(sheet, world)?;
    sqlite::run(sheet, world)?;
    match cluster {
        Some(cluster) => postgres::run(sheet, world, cluster)?,
        None => sheet.note("PostgreSQL: not here".to_owned()),
    }
    compiled::run(sheet, world)
}
