//! ascent: rules compiled into the program. It takes no facts away, and adding one runs everything again.
#![expect(clippy::all, clippy::pedantic, reason = "what the macro writes is its own")]
#![allow(missing_docs, unused_qualifications, clippy::unwrap_used, reason = "what the macro writes is its own")]

use std::time::Instant;

use ascent::ascent;

use super::line;
use super::world::World;

const WHO: &str = "ascent";

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

pub(super) fn run(world: &World) {
    let mut rules = Overlaps::default();
    rules.occ = (0..).zip(&world.occurrences).map(|(at, (start, end))| (at, *start, *end)).collect();
    rules.book = world.bookings.clone();
    let start = Instant::now();
    rules.run();
    line(&format!("load and all {} overlaps", rules.conflict.len()), WHO, format!("{:?}", start.elapsed()));
}

pub(super) fn closure() {
    let mut rules = Closure::default();
    rules.edge = World::edges();
    let start = Instant::now();
    rules.run();
    line(&format!("closure of {} pairs", rules.path.len()), WHO, format!("{:?}", start.elapsed()));
}
