//! Owners that are not alone, and what the store is told of deadlines.

use super::*;

fn evening() -> crate::id::OccurrenceId {
    "chess@20260105".parse().unwrap()
}

fn owner(store: &MemoryBackend) -> Owner<usize> {
    Owner::new(booking_stream(&evening()), ready(observe(store, &evening())).unwrap(), 10_000)
}

fn tell(store: &MemoryBackend, command: &BookingCommand) {
    assert!(ready(run(store, &evening(), command, at(1))).unwrap().outcome.is_accepted());
}

fn due(store: &MemoryBackend) -> Vec<Timestamp> {
    ready(alarms(store, None, 10)).unwrap().into_iter().map(|(_, due)| due).collect()
}

fn settle(store: &MemoryBackend, owner: &mut Owner<usize>, now: Timestamp) -> Answers {
    let mut answers = Answers::new();
    ready(commit(store, owner, now, &mut answers));
    answers
}

#[test]
fn beside_others_a_refusal_rests_on_what_the_store_has_then() {
    let store = MemoryBackend::new();
    tell(&store, &open(1));
    tell(&store, &book("ann"));
    let (mut alone, mut beside) = (owner(&store), owner(&store).beside_others());
    tell(&store, &cancel("ann"));
    assert!(matches!(alone.submit(book("bob"), 0, at(2)), Submitted::Answered(0, reply) if reply.outcome == full(1)));
    assert_eq!(beside.submit(book("bob"), 0, at(2)), Submitted::Waits);
    assert_eq!(settle(&store, &mut beside, at(2))[0].1.outcome, Booked { seat: 1 });
    // And so does one that is as it was.
    assert_eq!(beside.submit(book("cyd"), 1, at(3)), Submitted::Waits);
    let asked = beside.next_transaction().unwrap();
    assert!(asked.appends.iter().all(|append| append.events.is_empty()) && asked.writes.is_empty());
    assert!(ready(store.commit_one(asked)).unwrap().is_done());
    assert_eq!(beside.committed()[0].1.outcome, full(1));
    assert!(beside.is_settled() && beside.next_transaction().is_none());
}

#[test]
fn a_look_is_as_new_as_the_check_before_it() {
    let store = MemoryBackend::new();
    tell(&store, &open(3));
    let mut owner = owner(&store).beside_others();
    tell(&store, &book("ann"));
    assert_eq!(owner.look(SeatLedger::taken), 0);
    owner.check();
    assert!(!owner.is_settled());
    assert!(settle(&store, &mut owner, at(2)).is_empty());
    assert_eq!((owner.look(SeatLedger::taken), owner.count().confirmed), (1, 1));
}

#[test]
fn the_store_knows_the_next_deadline_as_long_as_there_is_one() {
    let store = MemoryBackend::new();
    tell(&store, &open(3));
    let mut owner = owner(&store);
    let mut step = |command: BookingCommand, now, wanted: &[i64]| {
        let _waits = owner.submit(command.clone(), 0, at(now));
        settle(&store, &mut owner, at(now));
        assert_eq!(due(&store), wanted.iter().map(|millis| at(*millis)).collect::<Vec<_>>(), "after {command:?}");
        assert_eq!(owner.count().returns, wanted.first().map(|millis| at(*millis)));
    };
    step(book("ann"), 1, &[]);
    step(hold("bob"), 2, &[102]);
    step(hold("cyd"), 3, &[102]);
    step(release("bob"), 4, &[103]);
    // What lapses goes too.
    step(cancel("ann"), 200, &[]);
}

#[test]
fn an_alarm_that_is_wrong_is_put_right_by_whoever_is_woken_by_it() {
    let store = MemoryBackend::new();
    tell(&store, &open(3));
    let mut first = owner(&store);
    assert_eq!(first.submit(hold("ann"), 0, at(2)), Submitted::Waits);
    settle(&store, &mut first, at(2));
    // Past all owners, and so without a word on alarms.
    tell(&store, &confirm("ann"));
    assert_eq!(due(&store), [at(102)]);
    let mut woken = owner(&store).woken_at(Some(at(102)));
    settle(&store, &mut woken, at(102));
    assert_eq!(due(&store), []);
    assert!(owner(&store).woken_at(None).next_transaction().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn beside_others_no_answer_is_older_than_its_question(history in prop::collection::vec((0..4_u8, any_command()), 1..40)) {
        let store = MemoryBackend::new();
        tell(&store, &open(3));
        let mut owners = [owner(&store).beside_others(), owner(&store).beside_others()];
        let durable = || ready(observe(&store, &evening())).unwrap();
        let (mut asked_at, mut told) = (Vec::new(), Vec::new());
        for ((action, command), millis) in history.into_iter().zip((0..).step_by(10)) {
            let owner = &mut owners[usize::from(action % 2)];
            prop_assert_eq!(owner.submit(command, asked_at.len(), at(millis)), Submitted::Waits);
            asked_at.push(durable().seq());
            if action > 1 {
                told.extend(settle(&store, owner, at(millis)));
                prop_assert_eq!(owner.count(), SeatCount::from(&durable()));
                prop_assert_eq!(due(&store), durable().next_deadline().into_iter().collect::<Vec<_>>());
            }
        }
        for owner in &mut owners {
            told.extend(settle(&store, owner, at(1_000_000)));
        }
        prop_assert_eq!(told.len(), asked_at.len());
        for (token, reply) in &told {
            prop_assert!(reply.seq >= asked_at[*token], "{reply:?} was known to be old");
        }
    }
}
