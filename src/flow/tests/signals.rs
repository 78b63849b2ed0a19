//! The mailbox: nothing is lost, nothing is read twice, and the order is the one of arrival.

use futures_util::FutureExt;

use super::*;
use crate::persist::{Append, Backend, CommitOutcome, MemoryBackend, Transaction};

#[test]
fn signals_that_come_before_anybody_waits_are_kept_in_their_order() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<Vec<u32>> {
        cx.request::<()>("w", "first", &0).await?;
        let mut all = Vec::new();
        for n in 0..3 {
            all.push(cx.signal(format!("wait {n}"), "paid").await?);
        }
        Ok(all)
    }));
    flow.signal("paid", &1).unwrap();
    flow.signal("other", &9).unwrap();
    flow.signal("paid", &2).unwrap();
    flow.resolve("first", &()).unwrap();
    assert_eq!(flow.open(), ["wait 2"]);
    flow.signal("paid", &3).unwrap();
    assert_eq!(flow.output::<Vec<u32>>().unwrap(), [1, 2, 3]);
}

#[test]
fn of_two_that_wait_the_one_that_is_looked_at_first_reads_first() {
    for swapped in [false, true] {
        let mut flow = started(program(move |cx: FlowCx, (): ()| {
            ran::<(u32, u32)>(async move {
                let (a, b) = (cx.signal::<u32>("a", "paid"), cx.signal::<u32>("b", "paid"));
                let (a, b) = if swapped { (b, a) } else { (a, b) };
                let (a, b) = join(a, b).await;
                Ok((a?, b?))
            })
        }));
        flow.signal("paid", &1).unwrap();
        assert_eq!(flow.open(), [if swapped { "a" } else { "b" }]);
        flow.signal("paid", &2).unwrap();
        assert_eq!(flow.output::<(u32, u32)>().unwrap(), (1, 2));
    }
}

#[test]
fn one_that_never_looks_keeps_no_signal_from_others_and_none_from_the_next_run() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<Vec<u32>> {
        if cx.run() > 1 {
            return Ok(vec![cx.signal("left", "paid").await?]);
        }
        let never = cx.signal::<u32>("never", "paid");
        let first: u32 = cx.signal("first", "paid").await?;
        cx.request::<()>("w", "then", &first).await?;
        drop(never);
        cx.continue_as_new(&())
    }));
    flow.signal("paid", &1).unwrap();
    assert_eq!(flow.open(), ["never", "then"]);
    flow.signal("paid", &2).unwrap();
    flow.resolve("then", &()).unwrap();
    assert_eq!(flow.output::<Vec<u32>>().unwrap(), [2]);
}

#[test]
fn what_loses_a_race_leaves_the_signal_in_the_mailbox() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<u32> {
        let (mut timer, paid) = (cx.sleep_until("timer", at(60_000)), cx.signal::<u32>("early", "paid"));
        (&mut timer).await?;
        // Both are ready now; the one declared first wins, and the other is dropped unread.
        match select(core::future::ready(()), paid).await {
            Either::First(()) => cx.signal("late", "paid").await,
            Either::Second(paid) => paid,
        }
    }));
    flow.signal("paid", &5).unwrap();
    flow.pass(MINUTE).unwrap();
    assert_eq!(flow.output::<u32>().unwrap(), 5);
}

#[test]
fn a_run_reads_signals_of_32_names_and_no_more() {
    let run = async |cx: FlowCx, names: u32| -> Ran<u32> {
        if cx.run() > 1 {
            return Ok(names);
        }
        for n in 0..names {
            cx.signal::<()>(format!("first of {n}"), &format!("name {n}")).await?;
            cx.signal::<()>(format!("second of {n}"), &format!("name {n}")).await?;
        }
        cx.continue_as_new(&names)
    };
    for names in [32, 33] {
        let mut flow = Rehearsal::new(program(run));
        flow.start(&names).unwrap();
        for n in (0..names).flat_map(|n| [n, n]) {
            flow.signal(&format!("name {n}"), &()).unwrap();
        }
        match names {
            32 => assert_eq!(flow.output::<u32>().unwrap(), 32),
            _ => assert_eq!(stuck(&flow), Stuck::SignalNames { limit: 32 }),
        }
    }
}

fn counter(until: usize) -> Program {
    let run = move |cx: FlowCx, read: Option<Vec<usize>>| {
        ran::<Vec<usize>>(async move {
            let mut read = read.unwrap_or_default();
            for n in 0..3 {
                if read.len() == until {
                    return Ok(read);
                }
                read.push(cx.signal(format!("next {n}"), "paid").await?);
            }
            // As little as possible goes over: the event has a bound.
            let last = read.last().copied().unwrap_or_default();
            assert_eq!(read.len(), last + 1, "none is lost, and the order is kept");
            cx.continue_as_new(&Some(read))
        })
    };
    version(1, run)
}

/// As `counter`, but hands only the number on.
fn long_counter(until: u32) -> Program {
    version(1, move |cx: FlowCx, next: Option<u32>| {
        ran::<u32>(async move {
            let mut next = next.unwrap_or_default();
            for n in 0..7 {
                if next == until {
                    return Ok(next);
                }
                let read: u32 = cx.signal(format!("next {n}"), "paid").await?;
                assert_eq!(read, next, "none is lost, and the order is kept");
                next += 1;
            }
            cx.continue_as_new(&Some(next))
        })
    })
}

#[test]
fn a_thousand_signals_over_many_runs_are_read_in_their_order() {
    let mut flow = Raw::started(long_counter(1_000));
    for n in 0..1_000_u32 {
        flow.signal("paid", &n);
        if n % 97 == 0 {
            flow.crash();
        }
    }
    assert_eq!(flow.live.status(), FlowStatus::Completed(Payload::new(&1_000).unwrap()));
    assert!(flow.live.journal.run() > 100);
}

#[test]
fn a_thousand_signals_that_wait_already_are_read_run_after_run_without_a_pause() {
    let run = async |cx: FlowCx, next: Option<u32>| -> Ran<u32> {
        let next = next.unwrap_or_default();
        if next == 0 && cx.run() == 1 {
            cx.request::<()>("w", "gate", &0).await?;
        }
        if next == 1_000 {
            return Ok(next);
        }
        let read: u32 = cx.signal("next", "paid").await?;
        assert_eq!(read, next);
        cx.continue_as_new(&Some(next + 1))
    };
    let mut flow = Raw::started(program(run));
    (0..1_000_u32).for_each(|n| flow.signal("paid", &n));
    flow.resolve("gate", &());
    assert_eq!(flow.live.status(), FlowStatus::Completed(Payload::new(&1_000).unwrap()));
}

#[test]
fn a_flow_that_begins_anew_without_reading_or_waiting_is_restless() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<()> {
        if cx.run() == 1 {
            cx.request::<()>("w", "gate", &0).await?;
        }
        cx.continue_as_new(&())
    }));
    flow.resolve("gate", &()).unwrap();
    assert_eq!(stuck(&flow), Stuck::Restless);
}

#[test]
fn the_journal_keeps_the_names_that_senders_gave() {
    let mut flow = Raw::started(counter(9));
    for id in ["evt-1", "evt-1", "evt-2"] {
        let body = Payload::new(&0).unwrap();
        flow.record(FlowEvent::Signalled { name: "other".into(), version: 1, id: Some(id.into()), body });
    }
    flow.crash();
    let ids: Vec<_> = flow.live.journal.signal_ids.iter().map(|id| &**id).collect();
    assert_eq!(ids, ["evt-1", "evt-2"]);
}

fn store_and_load(events: &[RecordedEvent], through: Seq, id: &FlowId) -> Journal {
    async {
        let store = MemoryBackend::new();
        let new = events.iter().map(|event| NewEvent {
            event_type: event.event_type.clone(),
            at: event.at,
            data: event.data.clone(),
        });
        let append = Append { stream: id.stream(), events: new.collect() };
        let done = store.commit_one(Transaction { appends: vec![append], ..Transaction::default() }).await.unwrap();
        assert!(matches!(done, CommitOutcome::Done(_)), "{done:?}");
        store.truncate(&id.stream(), through).await.unwrap();
        Journal::load(&store, id).await.unwrap()
    }
    .now_or_never()
    .unwrap()
}

#[test]
fn what_is_no_longer_needed_may_be_truncated() {
    let mut flow = Raw::started(counter(20));
    for n in 0..10_u32 {
        flow.signal("unread", &n);
        flow.signal("paid", &n);
        let (journal, id) = (&flow.live.journal, flow.live.journal.id().clone());
        let through = Seq::new(journal.needed_from().get() - 1);
        assert_eq!(flow.live.status(), FlowStatus::Running);
        let loaded = store_and_load(&flow.events, through, &id);
        assert_eq!(loaded.turns, journal.turns, "after {n}");
        assert_eq!((&loaded.carried, loaded.run(), loaded.input()), (&journal.carried, journal.run(), journal.input()));
        let (cold, found) = Live::rebuild(loaded, &flow.programs, at(0));
        assert_eq!((cold.status(), cold.asks(), found), (flow.live.status(), flow.live.asks(), vec![]));
    }
    assert_eq!(flow.live.journal.carried.get("unread").map(std::collections::VecDeque::len), Some(9));
}

#[test]
fn a_long_flow_of_read_signals_needs_only_its_last_run() {
    let mut flow = Raw::started(long_counter(700));
    for n in 0..699_u32 {
        flow.signal("paid", &n);
    }
    let needed = flow.live.journal.needed_from().get();
    assert!(flow.live.journal.seq().get() - needed < 10, "{needed} of {}", flow.live.journal.seq());
    let id = flow.live.journal.id().clone();
    let loaded = store_and_load(&flow.events, Seq::new(needed - 1), &id);
    (flow.live, _) = Live::rebuild(loaded, &flow.programs, at(0));
    flow.signal("paid", &699);
    assert_eq!(flow.live.status(), FlowStatus::Completed(Payload::new(&700).unwrap()));
}
