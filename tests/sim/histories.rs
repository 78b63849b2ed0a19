//! Histories of concurrent commands, checked for an order in which they happened.

use std::time::Instant;

use boxoffice_core::booking::{BookingCommand, BookingOutcome};
use boxoffice_core::id::AttendeeId;

use crate::history::{Operation, is_linearizable};
use crate::runs::{named, seeds};
use crate::sim::run;

fn check(operations: &[Operation]) {
    if is_linearizable(operations) {
        return;
    }
    for (place, operation) in operations.iter().enumerate() {
        let mut others = operations.to_vec();
        others.remove(place);
        let doubtful = if is_linearizable(&others) { "without it there is one" } else { "" };
        println!("{operation} {doubtful}");
    }
    panic!("there is no order that explains this history");
}

/// Commands of a history without an answer, at most: each may have happened at any time, and the search tries them all.
const UNKNOWN_MAX: usize = 8;

fn unknown(operations: &[Operation]) -> usize {
    operations.iter().filter(|operation| operation.returned.is_none()).count()
}

/// What was checked.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    histories: u64,
    commands: usize,
    /// Of the commands.
    unknown: usize,
    /// Histories with too many of those.
    skipped: u64,
}

impl Checked {
    pub(crate) fn check(&mut self, operations: &[Operation]) {
        let unknown = unknown(operations);
        if unknown > UNKNOWN_MAX {
            self.skipped += 1;
            return;
        }
        (self.histories, self.commands, self.unknown) =
            (self.histories + 1, self.commands + operations.len(), self.unknown + unknown);
        check(operations);
    }
}

#[test]
fn every_history_has_an_order_that_explains_it() {
    let (started, mut checked, seeds) = (Instant::now(), Checked::default(), seeds("BOXOFFICE_HISTORIES", 550));
    for seed in seeds.clone() {
        named(seed, "every_history", || {
            run(seed, true).record.by_occurrence().values().for_each(|operations| checked.check(operations));
        });
    }
    println!("{checked:?}, {:?}", started.elapsed());
    assert!(checked.skipped * 10 <= seeds.end - seeds.start, "too much is unknown");
}

/// Whether a command gave seats, and its client knows.
fn gave_seats(operation: &Operation) -> bool {
    operation.returned.as_ref().is_some_and(|(_, outcome)| matches!(outcome, BookingOutcome::Booked { .. }))
}

#[test]
fn a_history_that_did_not_happen_has_none() {
    let (mut rejected, mut accepted) = (0, 0);
    for seed in 0..60 {
        // Where much is unknown it takes long to see that no order is left.
        let histories = run(seed, true).record.by_occurrence().into_values();
        for operations in histories.filter(|operations| unknown(operations) < 3) {
            for place in (0..operations.len()).filter(|place| gave_seats(&operations[*place])) {
                // The same seat, given again to somebody else right after.
                let mut again = operations[place].clone();
                again.command = BookingCommand::book(AttendeeId::new("mallory").unwrap());
                again.called = again.returned.as_ref().unwrap().0;
                let twice = [operations.clone(), vec![again]].concat();
                *if is_linearizable(&twice) { &mut accepted } else { &mut rejected } += 1;
            }
        }
    }
    // It is what happened where somebody gave the seat up at the same time.
    println!("{rejected} of {} rejected", rejected + accepted);
    assert!(rejected > 20 && rejected > 9 * accepted, "{rejected} rejected, {accepted} accepted");
}
