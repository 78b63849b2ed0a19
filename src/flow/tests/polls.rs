//! One resolution, one turn, one poll: live and in replay.

use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll};
use std::sync::Arc;

use super::*;

/// Counts how often it is polled.
struct Counted<F>(Pin<Box<F>>, Arc<AtomicUsize>);

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.as_mut().poll(cx)
    }
}

/// Waits for the first of two, then for the other. Says which was first.
async fn race(cx: FlowCx, (): ()) -> Ran<(String, u32)> {
    let (mut a, mut b) = (cx.request::<u32>("w", "a", &0), cx.request::<u32>("w", "b", &0));
    let first = match select(&mut a, &mut b).await {
        Either::First(a) => ("a".to_owned(), a? + b.await?),
        Either::Second(b) => ("b".to_owned(), b? + a.await?),
    };
    cx.request::<()>("w", format!("{} was first", first.0), &0).await?;
    Ok(first)
}

fn counted() -> (Program, Arc<AtomicUsize>) {
    let polls = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&polls);
    (program(move |cx, input| Counted(Box::pin(race(cx, input)), Arc::clone(&own))), polls)
}

#[test]
fn that_all_outcomes_are_known_at_replay_does_not_change_who_was_first() {
    for (order, first) in [(["a", "b"], "a was first"), (["b", "a"], "b was first")] {
        let (program, polls) = counted();
        let mut flow = Raw::started(program.clone());
        for tag in order {
            flow.resolve(tag, &1);
        }
        assert_eq!(flow.open(), [first]);
        assert_eq!(polls.swap(0, Ordering::Relaxed), 3, "one for each turn");
        flow.crash();
        assert_eq!(flow.open(), [first], "after {order:?}");
        assert_eq!(polls.load(Ordering::Relaxed), 3, "one for each turn, in replay too");
    }
}

#[test]
fn a_batch_that_is_read_at_once_comes_to_the_same_as_its_events_one_by_one() {
    let (program, polls) = counted();
    let mut single = Raw::started(program.clone());
    for tag in ["b", "a", "b was first"] {
        if tag.len() == 1 { single.resolve(tag, &1) } else { single.resolve(tag, &()) }
    }
    let singly = polls.swap(0, Ordering::Relaxed);
    // The outcomes were appended together, and the process died before any turn was taken.
    let batch = &single.events[..4];
    let id = single.live.journal.id().clone();
    let (live, found) = Live::rebuild(folded(&id, batch), &Programs::new().with(program), at(0));
    assert_eq!(live.status(), single.live.status());
    assert_eq!(found.len(), 1, "the end");
    assert_eq!((singly, polls.load(Ordering::Relaxed)), (4, 4));
}

#[test]
fn an_answer_that_nobody_waits_for_yet_is_kept() {
    let run = async |cx: FlowCx, (): ()| -> Ran<u32> {
        let (early, late) = (cx.request::<u32>("w", "early", &0), cx.request::<u32>("w", "late", &0));
        let late = late.await?;
        Ok(early.await? * 10 + late)
    };
    for order in [["early", "late"], ["late", "early"]] {
        let mut flow = started(program(run));
        flow.resolve(order[0], &if order[0] == "early" { 1 } else { 2 }).unwrap();
        flow.resolve(order[1], &if order[1] == "early" { 1 } else { 2 }).unwrap();
        assert_eq!(flow.output::<u32>().unwrap(), 12);
    }
}

#[test]
fn the_order_of_the_calls_is_the_order_of_the_asks_whatever_is_waited_for_first() {
    let flow = started(program(async |cx: FlowCx, (): ()| -> Ran<()> {
        let first = cx.request::<()>("w", "first", &0);
        let second = cx.sleep_until("second", at(5));
        let third = cx.signal::<()>("third", "go");
        join(third, join(second, first)).await.0
    }));
    assert_eq!(flow.open(), ["first", "second", "third"]);
    assert_eq!(flow.asks().iter().map(|ask| ask.ordinal).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn several_that_are_ready_are_looked_at_in_the_order_in_which_they_are_declared() {
    let run = |swapped: bool| {
        program(move |cx: FlowCx, (): ()| {
            ran::<bool>(async move {
                let (a, b) = (cx.request::<u8>("w", "a", &0), cx.request::<u8>("w", "b", &0));
                cx.request::<()>("w", "gate", &0).await?;
                let (x, y) = if swapped { (b, a) } else { (a, b) };
                Ok(matches!(select(x, y).await, Either::First(Ok(1))))
            })
        })
    };
    for swapped in [false, true] {
        let mut flow = started(run(swapped));
        flow.resolve("b", &2).unwrap();
        flow.resolve("a", &1).unwrap();
        flow.resolve("gate", &()).unwrap();
        assert_eq!(flow.output::<bool>().unwrap(), !swapped, "the one declared first, not the one that came first");
    }
}

#[test]
fn what_loses_a_race_is_no_longer_asked_for() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<usize> {
        let asks = ["a", "b", "c"].map(|tag| cx.request::<()>("w", tag, &0));
        let (at, _) = select_all(asks.into()).await;
        cx.request::<()>("w", "then", &0).await?;
        Ok(at)
    }));
    flow.resolve("b", &()).unwrap();
    assert_eq!(flow.open(), ["then"]);
    let late = flow.resolve("a", &()).unwrap_err();
    assert_eq!(late.to_string(), r#"the flow is running and does not wait for "a"; it waits for ["then"]"#);
    flow.resolve("then", &()).unwrap();
    assert_eq!(flow.output::<usize>().unwrap(), 1);
}
