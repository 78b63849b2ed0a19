//! What one command costs as the roster grows: the pure core alone.

use std::time::{Duration, Instant};

use boxoffice::booking::{BookingCommand, SeatLedger, Seats, decide};
use boxoffice::id::AttendeeId;
use boxoffice::time::Timestamp;

const ROUNDS: u32 = 20_000;

fn attendee(n: usize) -> AttendeeId {
    AttendeeId::new(format!("attendee-{n}")).unwrap_or_else(|error| unreachable!("{error}"))
}

fn apply(ledger: &mut SeatLedger, command: &BookingCommand) {
    let decision = decide(ledger, command, Timestamp::EPOCH);
    for event in &decision.events {
        ledger.evolve(decision.at, event);
    }
}

/// Prints nanoseconds for each operation on rosters of 1 to 100,000.
pub fn curve() {
    println!("\nnanoseconds for each operation of the pure core, as the roster grows\n");
    println!("| roster | book + cancel | hold + confirm + cancel | already (seat number) | full |");
    println!("| ---: | ---: | ---: | ---: | ---: |");
    for size in [1, 10, 100, 1_000, 10_000, 100_000] {
        let mut ledger = SeatLedger::new();
        apply(&mut ledger, &BookingCommand::Open { capacity: Seats::new(size as u32 + 1) });
        for n in 0..size {
            apply(&mut ledger, &BookingCommand::book(attendee(n)));
        }
        let newcomer = attendee(usize::MAX);
        let book = BookingCommand::book(newcomer.clone());
        let cancel = BookingCommand::Cancel { attendee: newcomer.clone() };
        let hold = BookingCommand::hold(newcomer.clone(), Duration::from_secs(60));
        let confirm = BookingCommand::Confirm { attendee: newcomer };
        let booking = time(&mut ledger, &[book.clone(), cancel.clone()]);
        let holding = time(&mut ledger, &[hold, confirm, cancel]);
        let already: Vec<_> = (0..64).map(|n| BookingCommand::book(attendee(n * 7_919 % size))).collect();
        let already = time(&mut ledger, &already) / 64;
        apply(&mut ledger, &book);
        let full = time(&mut ledger, &[BookingCommand::book(attendee(usize::MAX - 1))]);
        println!("| {size} | {booking} | {holding} | {already} | {full} |");
    }
}

/// Nanoseconds for one round of the commands.
fn time(ledger: &mut SeatLedger, commands: &[BookingCommand]) -> u128 {
    let started = Instant::now();
    for _ in 0..ROUNDS {
        for command in commands {
            apply(ledger, std::hint::black_box(command));
        }
    }
    started.elapsed().as_nanos() / u128::from(ROUNDS)
}
