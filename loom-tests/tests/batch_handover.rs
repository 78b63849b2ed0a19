//! Owners that batch: two of them on one store, commits that fail, and commands that arrive during a commit.

use std::sync::Arc;

use boxoffice_core::booking::{BookingOutcome, BookingReply, Owner, SeatLedger, Submitted};
use boxoffice_core::persist::{Backend, Fault, Seq};
use boxoffice_loom_tests::{Failing, at, audit, book, explore, hold, log, now, owner, settle, store};
use loom::sync::Mutex;
use loom::thread;

type Replies = Vec<(&'static str, BookingReply)>;

/// Submits each command and commits until all are answered.
fn sell(store: &dyn Backend, names: &[&'static str]) -> Replies {
    let mut owner = owner(store);
    let mut replies = Vec::new();
    for name in names {
        match owner.submit(book(name), *name, at(1)) {
            Submitted::Answered(name, reply) => replies.push((name, reply)),
            Submitted::Waits => {}
            Submitted::Busy(_) => panic!("busy below its bound"),
        }
    }
    replies.extend(settle(store, &mut owner, 1, |transaction| transaction));
    assert!(owner.is_settled());
    replies
}

/// Everybody was answered once, that there is a seat or that there is none, and who was given one stands in the log where the reply says.
fn check(store: &dyn Backend, replies: &Replies, expected: &[&str]) {
    let mut names: Vec<&str> = replies.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(names, expected);
    let is_final = |outcome: &BookingOutcome| outcome.is_accepted() || matches!(outcome, BookingOutcome::Full(_));
    assert!(replies.iter().all(|(_, reply)| is_final(&reply.outcome)), "{replies:?}");
    let log = log(store);
    for (name, reply) in replies.iter().filter(|(_, reply)| reply.outcome.is_accepted()) {
        let event = log.iter().find(|event| event.seq == reply.seq).expect("an acknowledged event");
        assert!(event.data.json().contains(name), "{event:?} is not {name}'s");
    }
}

#[test]
fn two_owners_with_batches_sell_two_seats_to_two_of_four() {
    explore("two owners, batches of two", None, || {
        let store = store(2, &[]);
        let other = {
            let store = Arc::clone(&store);
            thread::spawn(move || sell(&*store, &["cyd", "dan"]))
        };
        let mut replies = sell(&*store, &["ann", "bob"]);
        replies.extend(other.join().expect("no panic"));
        assert_eq!(audit(&*store), 2);
        assert_eq!(replies.iter().filter(|(_, reply)| reply.outcome.is_accepted()).count(), 2);
        check(&*store, &replies, &["ann", "bob", "cyd", "dan"]);
    });
}

fn a_failing_commit(fault: &Fault) {
    let store = store(1, &[]);
    let failing = Failing::new(&store, fault);
    let other = {
        let store = Arc::clone(&store);
        thread::spawn(move || sell(&*store, &["cyd"]))
    };
    // The owner whose commit fails gives both callers back, and is thrown away.
    let mut first: Owner<&str> = owner(&failing);
    for name in ["ann", "bob"] {
        let submitted = first.submit(book(name), name, at(1));
        assert!(matches!(submitted, Submitted::Waits | Submitted::Answered(..)));
    }
    let mut told = Vec::new();
    if let Some(transaction) = first.next_transaction() {
        assert_eq!(now(failing.commit_one(transaction)), Err(fault.clone()));
        told = first.abandon();
        assert_eq!(told, ["ann", "bob"]);
        assert!(first.abandon().is_empty());
    }
    // A new one reads the stream; whoever was told "unknown" asks again.
    let mut replies = sell(&failing, if told.is_empty() { &[] } else { &["ann", "bob"] });
    replies.extend(other.join().expect("no panic"));
    assert_eq!(audit(&*store), 1);
    let has_seat =
        |reply: &BookingReply| matches!(reply.outcome, BookingOutcome::Booked { .. } | BookingOutcome::Already { .. });
    assert!(replies.iter().filter(|(_, reply)| has_seat(reply)).count() <= 1, "{replies:?}");
}

#[test]
fn a_commit_that_fails_before_it_writes_sells_nothing_twice() {
    explore("commit fails before writing", None, || {
        a_failing_commit(&Fault::Unavailable { reason: "disk is full".into() });
    });
}

#[test]
fn a_commit_whose_answer_is_lost_sells_nothing_twice() {
    explore("answer of a commit is lost", None, || {
        a_failing_commit(&Fault::Unknown { reason: "connection reset".into() });
    });
}

/// Commands arrive in one thread while another commits: the two halves of the actor. `early`: whoever rests on a batch is
/// answered when it is handed over, and not when it is stored.
fn hand_over(early: bool) {
    let store = store(2, &[]);
    let owner = Arc::new(Mutex::new(owner::<&'static str>(&*store)));
    let replies: Arc<Mutex<Replies>> = Arc::default();
    let taker = {
        let (store, owner, replies) = (Arc::clone(&store), Arc::clone(&owner), Arc::clone(&replies));
        thread::spawn(move || {
            for (name, command) in [("ann", book("ann")), ("bob", hold("bob")), ("cyd", book("cyd"))] {
                let mut owner = owner.lock().expect("no panic");
                if let Submitted::Answered(name, reply) = owner.submit(command, name, at(1)) {
                    replies.lock().expect("no panic").push((name, reply));
                }
                // Nobody who looks sees more than what is stored.
                let seen = owner.look(SeatLedger::seq);
                drop(owner);
                let stored = log(&*store).last().map_or(Seq::UNWRITTEN, |event| event.seq);
                assert!(seen <= stored, "seq {seen} was shown, {stored} is stored");
            }
        })
    };
    let commit = |wait: bool| loop {
        let transaction = owner.lock().expect("no panic").next_transaction();
        let Some(transaction) = transaction else { break };
        let answer = || replies.lock().expect("no panic").extend(owner.lock().expect("no panic").committed());
        if early {
            answer();
        }
        assert!(now(store.commit_one(transaction)).expect("memory does not fail").is_done());
        if !early {
            answer();
        }
        if !wait {
            break;
        }
    };
    commit(false);
    taker.join().expect("no panic");
    commit(true);
    assert!(owner.lock().expect("no panic").is_settled());
    let replies = replies.lock().expect("no panic").clone();
    check(&*store, &replies, &["ann", "bob", "cyd"]);
    assert_eq!(audit(&*store), 2);
}

#[test]
fn what_arrives_during_a_commit_is_answered_once_and_never_before_it_is_stored() {
    explore("hand-over during a commit", None, || hand_over(false));
}

#[test]
#[should_panic(expected = "was shown, 1 is stored")]
fn an_answer_at_the_hand_over_is_caught() {
    explore("broken: answered at the hand-over", None, || hand_over(true));
}
