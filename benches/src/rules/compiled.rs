//! ascent: rules compiled into the program. It takes no facts away, and adding one runs everything again.
#![expect(clippy::all, clippy::pedantic, reason = "what the macro writes is its own")]
#![allow(missing_docs, unused_qualifications, clippy::unwrap_used, reason = "what the macro writes is its own")]

use std::time::Instant;

use ascent::ascent;

use super::sheet::{Figure, Sheet, What, Who};
use super::world::World;
use crate::Result;

ascent! {
    struct Overlaps;
    relation occ(u32, i64, i64);
    relation book(u32, u32);
    relation busy(u32, u32, i64, i64);
    relation conflict(u32, u32, u32);
    busy(a, o, s, e) <-- book(a, o), occ(o, s, e);
    conflict(a, o1, o2) <-- busy(a, o1, s1, e1), busy(a, o2, s2, e2), if o1 < o2 && s1 < e2 && s2 < e1;
}

ascent! {
    struct Closure;
    relation edge(i64, i64);
    relation path(i64, i64);
    path(x, y) <-- edge(x, y);
    path(x, z) <-- path(x, y), edge(y, z);
}

pub(super) fn run(sheet: &mut Sheet, world: &World) -> Result<()> {
    let mut rules = Overlaps::default();
    rules.occ = (0..).zip(&world.occurrences).map(|(at, (start, end))| (at, *start, *end)).collect();
    rules.book = world.bookings.clone();
    let start = Instant::now();
    rules.run();
    let took = Figure::from(start.elapsed());
    sheet.put(What::LoadKept, Who::Ascent, took.counting(rules.conflict.len() as u64))?;
    // It runs everything again for one fact more, so that is what one booking more takes.
    sheet.put(What::MoreKept, Who::Ascent, took)
}

pub(super) fn closure(sheet: &mut Sheet) -> Result<()> {
    let mut rules = Closure::default();
    rules.edge = World::edges();
    let start = Instant::now();
    rules.run();
    let took = Figure::from(start.elapsed());
    sheet.put(What::Closure, Who::Ascent, took.counting(rules.path.len() as u64))
}
