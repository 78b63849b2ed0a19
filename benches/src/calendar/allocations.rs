//! How often an expansion asks for memory. An allocator that counts is the only way to know.
#![expect(unsafe_code, reason = "a global allocator is an unsafe trait; this one only counts and passes on")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use super::cases::{self, Case};
use super::ours::Series;
use crate::Result;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Of this thread alone: the other parts of the benches are not slowed down by a shared counter.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

fn counted() {
    // A thread that is going away is not counted any more.
    let _gone = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: everything is passed on to the allocator of the system as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        counted();
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        counted();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Allocations, and starts.
fn expansion(case: &Case) -> Result<(u64, u64)> {
    let series = Series::new(case)?;
    let (before, mut starts) = (COUNT.get(), 0);
    series.each(|start| {
        black_box(start);
        starts += 1;
    })?;
    Ok((COUNT.get() - before, starts))
}

/// Ten years against a hundred: equal if no period, and no start, costs an allocation.
pub(crate) fn table() {
    println!("\nallocations of one expansion, ours\n");
    println!("| rule | 10 years | starts | 100 years | starts | equal |");
    println!("| --- | ---: | ---: | ---: | ---: | --- |");
    for short in cases::ten_years() {
        let mut long = short.clone();
        long.to = cases::century(&short);
        let id = short.id.trim_start_matches("ten/");
        match (expansion(&short), expansion(&long)) {
            (Ok(ten), Ok(hundred)) => {
                let equal = if ten.0 == hundred.0 { "yes" } else { "**no**" };
                println!("| {id} | {} | {} | {} | {} | {equal} |", ten.0, ten.1, hundred.0, hundred.1);
            }
            (Err(error), _) | (_, Err(error)) => println!("| {id} | {error} | | | | |"),
        }
    }
}
