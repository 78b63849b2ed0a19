//! One seat, several takers, no actor: the append-expect contract alone.

use std::sync::Arc;

use boxoffice_core::booking::{BookingCommand, BookingOutcome, attempt, observe};
use boxoffice_loom_tests::{
    Shell, ask, at, audit, book, cancel, check_then_append, confirm, evening, explore, hold, now, one_by_one, store,
    transfer, wait, waitlist,
};
use loom::thread;

/// Runs the commands at the same time, each by a thread of its own, and gives the outcomes' names in their order.
fn race(capacity: u32, given: &[BookingCommand], commands: Vec<(BookingCommand, i64)>) -> (Vec<&'static str>, u64) {
    race_by(ask, capacity, given, commands)
}

/// The same by another shell.
fn race_by(
    shell: Shell,
    capacity: u32,
    given: &[BookingCommand],
    commands: Vec<(BookingCommand, i64)>,
) -> (Vec<&'static str>, u64) {
    let store = store(capacity, given);
    let mut commands = commands.into_iter();
    let (mine, millis) = commands.next().expect("at least one command");
    let others: Vec<_> = commands
        .map(|(command, millis)| {
            let store = Arc::clone(&store);
            thread::spawn(move || shell(&*store, &command, millis).name())
        })
        .collect();
    let mut outcomes = vec![shell(&*store, &mine, millis).name()];
    outcomes.extend(others.into_iter().map(|other| other.join().expect("no panic")));
    (outcomes, audit(&*store))
}

#[test]
fn of_two_bookers_one_gets_the_last_seat() {
    explore("two bookers, one seat", None, || {
        let (mut outcomes, taken) = race(1, &[], vec![(book("ann"), 1), (book("bob"), 1)]);
        outcomes.sort_unstable();
        assert_eq!((outcomes, taken), (vec!["booked", "full"], 1));
    });
}

#[test]
fn of_three_bookers_one_gets_the_last_seat() {
    explore("three bookers, one seat", None, || {
        let commands = vec![(book("ann"), 1), (book("bob"), 1), (book("cyd"), 1)];
        let (mut outcomes, taken) = race(1, &[], commands);
        outcomes.sort_unstable();
        assert_eq!((outcomes, taken), (vec!["booked", "full", "full"], 1));
    });
}

#[test]
fn of_a_booker_and_a_holder_one_gets_the_last_seat() {
    explore("book against hold", None, || {
        let (outcomes, taken) = race(1, &[], vec![(book("ann"), 1), (hold("bob"), 1)]);
        assert!(outcomes == ["booked", "full"] || outcomes == ["full", "held"], "{outcomes:?}");
        assert_eq!(taken, 1);
    });
}

#[test]
fn one_attendee_who_asks_twice_gets_one_seat() {
    explore("the same attendee twice", None, || {
        let (mut outcomes, taken) = race(5, &[], vec![(book("ann"), 1), (book("ann"), 1)]);
        outcomes.sort_unstable();
        assert_eq!((outcomes, taken), (vec!["already", "booked"], 1));
    });
}

#[test]
fn a_cancelled_seat_goes_to_the_booker_or_to_nobody() {
    explore("cancel against book", None, || {
        let (outcomes, taken) = race(1, &[book("ann")], vec![(cancel("ann"), 1), (book("bob"), 1)]);
        assert_eq!(outcomes[0], "cancelled");
        assert_eq!((outcomes[1], taken), if outcomes[1] == "full" { ("full", 0) } else { ("booked", 1) });
    });
}

/// The clocks of two machines: for one the hold still counts, for the other it does not.
fn confirm_against_the_lapse(shell: Shell) {
    let (outcomes, taken) = race_by(shell, 1, &[hold("ann")], vec![(book("bob"), 100), (confirm("ann"), 99)]);
    assert!(outcomes == ["full", "confirmed"] || outcomes == ["booked", "refund_due"], "{outcomes:?}");
    assert_eq!(taken, 1);
}

#[test]
fn a_hold_whose_time_is_up_is_confirmed_or_sold_again_but_not_both() {
    explore("confirm against the lapse", None, || confirm_against_the_lapse(ask));
}

#[test]
#[should_panic(expected = "a hold was named that is not there")]
fn a_lapse_and_a_confirmation_without_expectation_are_caught() {
    explore("broken: confirm against the lapse", None, || confirm_against_the_lapse(check_then_append));
}

fn transfer_against_cancel(shell: Shell) {
    let (outcomes, taken) = race_by(shell, 1, &[book("ann")], vec![(transfer("ann", "bob"), 1), (cancel("ann"), 1)]);
    let expected = if taken == 1 { ["transferred", "not_booked"] } else { ["not_booked", "cancelled"] };
    assert_eq!(outcomes, expected);
}

#[test]
fn seats_that_are_transferred_and_cancelled_at_once_are_one_of_both() {
    explore("transfer against cancel", None, || transfer_against_cancel(ask));
}

#[test]
#[should_panic(expected = "seats were transferred that nobody had")]
fn a_transfer_and_a_cancellation_without_expectation_are_caught() {
    explore("broken: transfer against cancel", None, || transfer_against_cancel(check_then_append));
}

fn offer_against_book(shell: Shell) {
    let given = [waitlist(), book("ann"), wait("bob")];
    let (outcomes, taken) = race_by(shell, 1, &given, vec![(cancel("ann"), 1), (book("cyd"), 1)]);
    assert_eq!((outcomes, taken), (vec!["cancelled", "full"], 1));
}

#[test]
fn a_freed_seat_is_offered_to_whoever_waits_and_not_sold_to_whoever_comes() {
    explore("waitlist offer against book", None, || offer_against_book(ask));
}

#[test]
#[should_panic(expected = "whoever is named does not wait")]
fn an_offer_that_is_written_after_the_cancellation_is_caught() {
    explore("broken: waitlist offer against book", None, || offer_against_book(one_by_one));
}

fn offer_taken_against_its_lapse(shell: Shell) {
    let given = [waitlist(), book("ann"), wait("bob"), cancel("ann")];
    let (outcomes, taken) = race_by(shell, 1, &given, vec![(book("cyd"), 100), (confirm("bob"), 99)]);
    assert!(outcomes == ["full", "offer_taken"] || outcomes == ["booked", "refund_due"], "{outcomes:?}");
    assert_eq!(taken, 1);
}

#[test]
fn an_offer_whose_time_is_up_is_taken_or_sold_but_not_both() {
    explore("offer taken against its lapse", None, || offer_taken_against_its_lapse(ask));
}

#[test]
#[should_panic(expected = "a hold was named that is not there")]
fn an_offer_taken_and_sold_without_expectation_is_caught() {
    explore("broken: offer taken against its lapse", None, || offer_taken_against_its_lapse(check_then_append));
}

#[test]
fn of_two_attempts_on_one_observation_one_conflicts() {
    explore("two attempts, one observation", None, || {
        let store = store(1, &[]);
        let observed = now(observe(&*store, &evening())).expect("memory does not fail");
        let other = {
            let (store, observed) = (Arc::clone(&store), observed.clone());
            thread::spawn(move || now(attempt(&*store, &evening(), &observed, &book("bob"), at(1))).expect("no fault"))
        };
        let mine = now(attempt(&*store, &evening(), &observed, &book("ann"), at(1))).expect("no fault");
        let other = other.join().expect("no panic");
        let both = [mine, other];
        let booked = both.iter().filter(|reply| reply.outcome.is_accepted()).count();
        let conflicts = both.iter().filter(|reply| matches!(reply.outcome, BookingOutcome::Conflict { .. }));
        assert_eq!((booked, conflicts.count()), (1, 1));
        // The loser looks again, and is told the truth.
        let loser = if both[0].outcome.is_accepted() { book("bob") } else { book("ann") };
        assert_eq!(ask(&*store, &loser, 1).name(), "full");
        assert_eq!(audit(&*store), 1);
    });
}
