//! Commands under a key: carried out once, answered the same for ever.

use super::*;
use crate::persist::IdempotencyKey;

fn key(name: &str) -> IdempotencyKey {
    IdempotencyKey::new(name).unwrap()
}

fn under(name: &str, command: BookingCommand) -> Submission {
    Submission { key: Some(key(name)), ..command.into() }
}

fn evening() -> crate::id::OccurrenceId {
    "chess@20260105".parse().unwrap()
}

/// A house of one seat, and its owner.
fn house(store: &MemoryBackend) -> Owner<usize> {
    let _opened = ready(run(store, &evening(), &open(1), at(0))).unwrap();
    another(store)
}

fn another(store: &MemoryBackend) -> Owner<usize> {
    Owner::new(booking_stream(&evening()), ready(observe(store, &evening())).unwrap(), 100)
}

fn recalled(store: &MemoryBackend, name: &str, command: &BookingCommand) -> Option<BookingReply> {
    ready(recall(store, &evening(), &key(name), command)).unwrap()
}

/// What the owner comes to answer, in the order of the tokens.
fn settled(store: &MemoryBackend, owner: &mut Owner<usize>, asked: Vec<Submission>) -> Vec<BookingReply> {
    let mut answers = Answers::new();
    for (token, asked) in asked.into_iter().enumerate() {
        if let Submitted::Answered(token, reply) = owner.submit(asked, token, at(1)) {
            answers.push((token, reply));
        }
    }
    ready(commit(store, owner, at(1), &mut answers));
    answers.sort_unstable_by_key(|(token, _)| *token);
    answers.into_iter().map(|(_, reply)| reply).collect()
}

#[test]
fn an_answer_is_kept_with_what_it_says_refusals_too() {
    let store = MemoryBackend::new();
    let mut owner = house(&store);
    assert_eq!(recalled(&store, "a", &book("ann")), None);
    let replies = settled(&store, &mut owner, vec![under("a", book("ann")), under("b", book("bob"))]);
    assert_eq!((&replies[0].outcome, &replies[1].outcome), (&Booked { seat: 1 }, &full(1)));
    assert_eq!(recalled(&store, "a", &book("ann")).as_ref(), Some(&replies[0]));
    assert_eq!(recalled(&store, "b", &book("bob")).as_ref(), Some(&replies[1]));
    // What happens later does not change it.
    let _cancelled = settled(&store, &mut owner, vec![cancel("ann").into()]);
    assert_eq!(recalled(&store, "b", &book("bob")).as_ref(), Some(&replies[1]));
    let other = recalled(&store, "a", &book("bob")).unwrap();
    assert_eq!(other.outcome, BookingOutcome::KeyReused);
}

#[test]
fn a_refusal_that_came_while_a_batch_was_on_its_way_is_kept_before_it_is_told() {
    let store = MemoryBackend::new();
    let mut owner = house(&store);
    assert_eq!(owner.submit(book("ann"), 0, at(1)), Submitted::Waits);
    let on_its_way = owner.next_transaction().unwrap();
    for (token, asked) in [(1, under("b", book("bob"))), (2, under("b", book("bob"))), (3, book("cyd").into())] {
        assert_eq!(owner.submit(asked, token, at(1)), Submitted::Waits);
    }
    assert!(ready(store.commit_one(on_its_way)).unwrap().is_done());
    // Whoever brought no key is told at once; the others when their answer is stored.
    let tokens = |replies: &[(usize, BookingReply)]| replies.iter().map(|(token, _)| *token).collect::<Vec<_>>();
    assert_eq!(tokens(&owner.committed()), [0, 3]);
    assert_eq!(recalled(&store, "b", &book("bob")), None);
    let mut answers = Answers::new();
    ready(commit(&store, &mut owner, at(1), &mut answers));
    assert_eq!(tokens(&answers), [1, 2]);
    assert_eq!(answers[0].1, answers[1].1);
    assert_eq!(recalled(&store, "b", &book("bob")).as_ref(), Some(&answers[0].1));
    assert!(owner.is_settled());
}

#[test]
fn a_command_asked_again_behind_its_own_batch_is_answered_with_it() {
    let store = MemoryBackend::new();
    let mut owner = house(&store);
    assert_eq!(owner.submit(under("a", book("ann")), 0, at(1)), Submitted::Waits);
    let on_its_way = owner.next_transaction().unwrap();
    assert_eq!(owner.submit(under("a", book("ann")), 1, at(1)), Submitted::Waits);
    assert!(ready(store.commit_one(on_its_way)).unwrap().is_done());
    let replies = owner.committed();
    assert_eq!((replies.len(), &replies[0].1), (2, &replies[1].1));
    assert!(owner.is_settled() && owner.next_transaction().is_none());
}

#[test]
fn a_command_asked_again_does_not_bring_forward_what_came_before_it() {
    let store = MemoryBackend::new();
    let mut owner = house(&store);
    assert_eq!(owner.submit(under("a", book("ann")), 0, at(1)), Submitted::Waits);
    let on_its_way = owner.next_transaction().unwrap();
    for (token, asked) in
        [(1, BookingCommand::Close.into()), (2, under("a", book("ann"))), (3, under("a", book("ann")))]
    {
        assert_eq!(owner.submit(asked, token, at(1)), Submitted::Waits);
    }
    assert!(ready(store.commit_one(on_its_way)).unwrap().is_done());
    let tokens: Vec<usize> = owner.committed().into_iter().map(|(token, _)| token).collect();
    assert_eq!(tokens, [0, 2, 3]);
}

#[test]
fn a_command_asked_again_while_it_is_on_its_way_is_carried_out_once() {
    let store = MemoryBackend::new();
    let mut owner = house(&store);
    let thrice = vec![under("a", book("ann")), under("a", book("ann")), under("a", book("bob"))];
    let replies = settled(&store, &mut owner, thrice);
    assert_eq!(replies[0], replies[1]);
    assert_eq!(replies[2].outcome, BookingOutcome::KeyReused);
    assert_eq!(ready(store.head(&booking_stream(&evening()))).unwrap().last, Seq::new(2));
}

#[test]
fn a_key_that_another_owner_used_meanwhile_is_to_be_recalled() {
    let store = MemoryBackend::new();
    let (mut one, mut other) = (house(&store), another(&store));
    let first = settled(&store, &mut one, vec![under("a", cancel("nobody"))]);
    assert_eq!(first[0].outcome, BookingOutcome::NotBooked);
    // The stream has not moved: only the key tells.
    let second = settled(&store, &mut other, vec![under("a", cancel("nobody")), book("bob").into()]);
    assert_eq!((&second[0].outcome, &second[1].outcome), (&BookingOutcome::Recall, &Booked { seat: 1 }));
    assert_eq!(recalled(&store, "a", &cancel("nobody")).as_ref(), Some(&first[0]));
}

#[test]
fn what_is_no_answer_is_not_kept() {
    let store = MemoryBackend::new();
    let mut owner = house(&store).under(terms(0, true));
    let replies = settled(&store, &mut owner, vec![under("a", book("ann"))]);
    assert_eq!(replies[0].outcome, BookingOutcome::Unchecked);
    assert_eq!(recalled(&store, "a", &book("ann")), None);
    let checked = Submission { key: Some(key("a")), ..on_grounds("ann", 0) };
    let replies = settled(&store, &mut owner, vec![checked]);
    assert_eq!(recalled(&store, "a", &book("ann")).as_ref(), Some(&replies[0]));
}

#[test]
fn a_refund_is_settled_once_under_its_key() {
    let store = MemoryBackend::new();
    let mut owner = house(&store);
    let settle = || BookingCommand::SettleRefund { attendee: who("ann") };
    let late = BookingCommand::hold(who("ann"), Duration::ZERO);
    let asked = vec![late.into(), book("bob").into(), confirm("ann").into(), under("r", settle())];
    let replies = settled(&store, &mut owner, asked);
    assert_eq!(replies[2].outcome, BookingOutcome::RefundDue);
    assert_eq!(replies[3].outcome, BookingOutcome::RefundSettled { left: 0 });
    assert_eq!(recalled(&store, "r", &settle()).as_ref(), Some(&replies[3]));
    let again = settled(&store, &mut owner, vec![under("r", settle()), under("s", settle())]);
    assert_eq!((&again[0].outcome, &again[1].outcome), (&BookingOutcome::Recall, &BookingOutcome::NoRefundDue));
}
