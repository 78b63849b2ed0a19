//! The slowest inputs of a corpus of the target `expand`, each with all its steps: `cargo run --release --example slow
//! <folder>`.

use std::time::Duration;
use std::{env, fs};

fn main() {
    let mut found = Vec::new();
    for folder in env::args().skip(1) {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let bytes = fs::read(entry.expect("a file").path()).expect("read");
            let Some(case) = boxoffice_fuzz::expand::case(&bytes) else { continue };
            let best = (0..3).map(|_| boxoffice_fuzz::expand::timed(&case)).min().expect("three of them");
            found.push((best, case));
        }
    }
    found.sort_by_key(|(time, _)| core::cmp::Reverse(*time));
    let over = found.iter().filter(|((time, ..), _)| *time > Duration::from_millis(50)).count();
    println!("{} cases, {over} over 50 ms", found.len());
    for ((time, given, cut), case) in found.iter().take(8) {
        let rules = |rules: &[boxoffice_core::calendar::RecurrenceRule]| -> Vec<String> {
            rules.iter().map(ToString::to_string).collect()
        };
        println!("{time:?}, {given} given, cut short {cut}: {:?} less {:?}", rules(&case.event.rules), rules(&case.event.excluded_rules));
        println!("  from {} {} gap {:?} changes {} in {:?}", case.event.start, case.event.frame.name(), case.event.gap, case.event.changes.len(), case.moments);
    }
}
