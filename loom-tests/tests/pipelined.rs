//! One batch is on its way to the disk while the next is decided, on the strength of the first. The first fails: what rests
//! on either was told to nobody, a new owner reads the stream, and everybody asks again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use boxoffice_core::booking::{BookingOutcome, BookingReply, Owner, SeatLedger, Submitted};
use boxoffice_core::persist::{Backend, Fault, MemoryBackend};
use boxoffice_loom_tests::{Failing, ask, at, audit, audit_through, book, explore, log, now, owner, settle, store};
use loom::sync::Mutex;
use loom::thread;

/// What the shell around the owner does, and its twins do wrong.
#[derive(Clone, Copy, PartialEq)]
enum Shell {
    /// Answers what is stored, and throws an owner away whose commit failed.
    Sound,
    /// Answers a batch while it syncs.
    AnswersEarly,
    /// Tells callers of the failure, and goes on with the owner and what it believes.
    KeepsTheOwner,
}

/// The two halves of an actor share it.
struct Office {
    store: Arc<MemoryBackend>,
    /// None once it is thrown away.
    owner: Mutex<Option<Owner<&'static str>>>,
    /// Answered, in this order.
    told: Mutex<Vec<(&'static str, BookingReply)>>,
    /// Told that the store failed: they ask again.
    failed: Mutex<Vec<&'static str>>,
}

impl Office {
    fn new(store: &Arc<MemoryBackend>) -> Arc<Self> {
        let (told, failed) = (Mutex::default(), Mutex::default());
        Arc::new(Self { store: Arc::clone(store), owner: Mutex::new(Some(owner(&**store))), told, failed })
    }

    fn tell(&self, replies: impl IntoIterator<Item = (&'static str, BookingReply)>) {
        self.told.lock().expect("no panic").extend(replies);
    }

    /// One command arrives; then somebody looks.
    fn arrive(&self, name: &'static str) {
        let mut owner = self.owner.lock().expect("no panic");
        let Some(here) = owner.as_mut() else {
            return self.failed.lock().expect("no panic").push(name);
        };
        if let Submitted::Answered(name, reply) = here.submit(book(name), name, at(1)) {
            self.tell([(name, reply)]);
        }
        let (seq, taken) = here.look(|ledger: &SeatLedger| (ledger.seq(), ledger.taken()));
        let count = here.count();
        drop(owner);
        assert_eq!((count.seq, count.held + count.confirmed), (seq, taken));
        let log = log(&*self.store);
        assert!(log.iter().any(|event| event.seq == seq), "seq {seq} was shown and is not stored");
        assert_eq!(audit_through(&log, seq), taken, "seats were shown that nobody has");
    }

    /// Sends one batch to the disk, which fails, and says how many were told so at once.
    fn commit(&self, disk: &Failing, shell: Shell) -> usize {
        let transaction = self.owner.lock().expect("no panic").as_mut().and_then(Owner::next_transaction);
        let answer = || self.owner.lock().expect("no panic").as_mut().map(Owner::committed).unwrap_or_default();
        if shell == Shell::AnswersEarly {
            self.tell(answer());
        }
        assert!(now(disk.commit_one(transaction.expect("a batch"))).is_err());
        let failed: Vec<_> = if shell == Shell::KeepsTheOwner {
            answer().into_iter().map(|(name, _)| name).collect()
        } else {
            self.owner.lock().expect("no panic").take().expect("an owner").abandon()
        };
        let count = failed.len();
        self.failed.lock().expect("no panic").extend(failed);
        count
    }

    /// Everybody whose command failed asks again, of a new owner if the old one is gone.
    fn ask_again(&self) {
        let here = self.owner.lock().expect("no panic").take();
        let mut here = here.unwrap_or_else(|| owner(&*self.store));
        let failed = core::mem::take(&mut *self.failed.lock().expect("no panic"));
        for name in failed {
            if let Submitted::Answered(name, reply) = here.submit(book(name), name, at(2)) {
                self.tell([(name, reply)]);
            }
        }
        self.tell(settle(&*self.store, &mut here, 2, |transaction| transaction));
        assert!(here.is_settled());
    }
}

fn has_seat(outcome: &BookingOutcome) -> bool {
    matches!(outcome, BookingOutcome::Booked { .. } | BookingOutcome::Already { .. })
}

/// Two seats; ann's batch fails while bob's and cyd's is decided, and dan books elsewhere. Says how many were in
/// the two batches then.
fn the_first_of_two_batches_fails(fault: &Fault, shell: Shell) -> usize {
    let store = store(2, &[]);
    let office = Office::new(&store);
    office.arrive("ann");
    let arrivals = {
        let office = Arc::clone(&office);
        thread::spawn(move || ["bob", "cyd"].into_iter().for_each(|name| office.arrive(name)))
    };
    let elsewhere = {
        let store = Arc::clone(&store);
        thread::spawn(move || ask(&*store, &book("dan"), 1))
    };
    let in_both = office.commit(&Failing::new(&store, fault), shell);
    arrivals.join().expect("no panic");
    if shell != Shell::AnswersEarly {
        assert!(office.told.lock().expect("no panic").is_empty(), "all answers rest on what was lost");
    }
    let elsewhere = elsewhere.join().expect("no panic");
    office.ask_again();

    let told = office.told.lock().expect("no panic");
    let mut names: Vec<_> = told.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(names, ["ann", "bob", "cyd"], "each is answered once");
    let log = log(&*store);
    let seats = told.iter().filter(|(_, reply)| has_seat(&reply.outcome));
    for (name, reply) in seats.clone() {
        let stored = log.iter().any(|event| event.data.json().contains(name));
        assert!(stored, "{name} was told of a seat that is not stored: {reply:?}");
    }
    let sold = seats.count() + usize::from(has_seat(&elsewhere));
    assert_eq!(u64::try_from(sold), Ok(audit(&*store)));
    assert_eq!(sold, 2);
    in_both
}

/// Tries all interleavings, in some of which the second batch is full when the first fails.
fn explore_batches(name: &'static str, fault: &Fault, shell: Shell) {
    let most = Arc::new(AtomicUsize::new(0));
    let (seen, fault) = (Arc::clone(&most), fault.clone());
    explore(name, None, move || {
        seen.fetch_max(the_first_of_two_batches_fails(&fault, shell), Ordering::Relaxed);
    });
    assert_eq!(most.load(Ordering::Relaxed), 3);
}

fn unavailable() -> Fault {
    Fault::Unavailable { reason: "disk is full".into() }
}

fn unknown() -> Fault {
    Fault::Unknown { reason: "connection reset".into() }
}

#[test]
fn what_rests_on_a_batch_that_was_not_written_is_told_to_nobody() {
    explore_batches("pipelined, the sync fails", &unavailable(), Shell::Sound);
}

#[test]
fn what_rests_on_a_batch_whose_answer_is_lost_is_told_to_nobody() {
    explore_batches("pipelined, the answer is lost", &unknown(), Shell::Sound);
}

#[test]
#[should_panic(expected = "told of a seat that is not stored")]
fn a_batch_that_is_answered_while_it_syncs_is_caught() {
    explore_batches("broken: pipelined, answered early", &unavailable(), Shell::AnswersEarly);
}

#[test]
#[should_panic(expected = "was shown and is not stored")]
fn an_owner_that_outlives_its_failed_commit_is_caught() {
    explore_batches("broken: pipelined, the owner is kept", &unavailable(), Shell::KeepsTheOwner);
}
