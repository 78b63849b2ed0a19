//! What code sees of its run: the time, random numbers, its length, its children, the runs before it.

use super::*;

async fn step(cx: &FlowCx, tag: &str) -> Ran<u32> {
    cx.request("w", tag, &0).await
}

#[test]
fn random_numbers_are_fixed_for_each_flow_and_run() {
    let run = async |cx: FlowCx, (): ()| -> Ran<()> {
        cx.show(&[cx.random(), cx.random(), cx.random()]);
        if cx.run() == 1 {
            cx.signal::<()>("go", "go").await?;
            return cx.continue_as_new(&());
        }
        cx.signal("wait", "go").await
    };
    let shown = |flow: &Rehearsal| flow.shown().unwrap().read::<[u64; 3]>().unwrap();
    let mut flow = started(program(run));
    assert_eq!(shown(&flow), FIRST_RUN);
    flow.signal("go", &()).unwrap();
    assert_eq!(shown(&flow), SECOND_RUN);
    let mut other = Rehearsal::named(program(run), "other").unwrap();
    other.start(&()).unwrap();
    assert_eq!(shown(&other), OTHER_FLOW);
}
const FIRST_RUN: [u64; 3] = [0xb160_c060_7def_e7af, 0x5ba5_1a96_0454_23f2, 0xf98f_b114_83de_9984];
const SECOND_RUN: [u64; 3] = [0x776c_849d_d698_04a6, 0xc490_54eb_9350_d20e, 0x5583_6a1c_f1b5_9b2f];
const OTHER_FLOW: [u64; 3] = [0x52f5_b6d6_a98b_1059, 0xef47_786f_bf70_215c, 0xe1bf_bafb_513a_bb15];

#[test]
fn the_time_stands_still_within_a_turn_and_never_goes_back() {
    let mut flow = Rehearsal::new(program(async |cx: FlowCx, (): ()| -> Ran<Vec<Timestamp>> {
        let mut seen = vec![cx.now(), cx.now()];
        for tag in ["a", "b"] {
            step(&cx, tag).await?;
            seen.push(cx.now());
        }
        Ok(seen)
    }));
    flow.set(at(1_000)).unwrap();
    flow.start(&()).unwrap();
    flow.set(at(5_000)).unwrap();
    flow.resolve("a", &0).unwrap();
    // The clock was set back by an hour.
    flow.set(at(-3_595_000)).unwrap();
    flow.resolve("b", &0).unwrap();
    assert_eq!(flow.output::<Vec<Timestamp>>().unwrap(), [1_000, 1_000, 5_000, 5_000].map(at));
}

#[test]
fn a_wait_is_from_the_time_of_the_turn_and_times_are_kept_in_order() {
    let mut flow = Rehearsal::new(program(async |cx: FlowCx, (): ()| -> Ran<Vec<(String, Timestamp)>> {
        let until = |tag: &'static str, seconds| {
            let (cx, ask) = (cx.clone(), cx.sleep_until(tag, cx.now() + Duration::from_secs(seconds)));
            async move { ask.await.map(|()| (tag.to_owned(), cx.now())) }
        };
        let late = until("late", 30);
        let (same, soon, twin) = (until("same", 10), until("soon", 5), until("twin", 10));
        let mut seen = vec![];
        let then = async {
            let soon = soon.await?;
            let relative = until("relative", 4).await?;
            Ok([soon, relative])
        };
        let (then, (same, (twin, late))) = join(then, join(same, join(twin, late))).await;
        let then: Ran<[_; 2]> = then;
        seen.extend(then?);
        seen.extend([same?, twin?, late?]);
        Ok(seen)
    }));
    flow.set(at(100_000)).unwrap();
    flow.start(&()).unwrap();
    assert_eq!(flow.open(), ["late", "same", "soon", "twin"]);
    assert_eq!(flow.pass(Duration::from_secs(29)).unwrap(), 4);
    assert_eq!(flow.pass(Duration::from_secs(1)).unwrap(), 1);
    let order: Vec<_> = flow
        .journal()
        .iter()
        .filter_map(|event| Some(event.data.read::<serde_json::Value>().ok()?["tag"].as_str()?.to_owned()))
        .collect();
    assert_eq!(order, ["soon", "relative", "same", "twin", "late"], "by instant, then by place");
    let seen = flow.output::<Vec<(String, Timestamp)>>().unwrap();
    assert_eq!(
        seen.iter().map(|(_, at)| at.as_millis() - 100_000).collect::<Vec<_>>(),
        [5_000, 9_000, 10_000, 10_000, 30_000]
    );
}

#[test]
fn timers_that_are_late_run_out_in_the_order_of_their_instants_all_at_once() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<Vec<Timestamp>> {
        let mut seen = Vec::new();
        for n in 0..3 {
            cx.sleep_until(n, cx.now() + MINUTE).await?;
            seen.push(cx.now());
        }
        Ok(seen)
    }));
    // An hour in which nothing ran: the next wait begins when it is over.
    assert_eq!(flow.set(at(3_600_000)).unwrap(), 1);
    assert_eq!(flow.pass(2 * MINUTE).unwrap(), 2);
    assert_eq!(flow.output::<Vec<Timestamp>>().unwrap(), [3_600_000, 3_660_000, 3_720_000].map(at));
}

#[test]
fn waits_at_the_edge_of_time() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<()> {
        cx.sleep_until("zero", cx.now() + Duration::ZERO).await?;
        cx.sleep_until("past", at(i64::MIN)).await?;
        cx.sleep_until("never", cx.now() + Duration::MAX).await
    }));
    assert_eq!(flow.pass(Duration::ZERO).unwrap(), 2);
    assert_eq!(flow.open(), ["never"]);
    assert_eq!(flow.pass(Duration::MAX).unwrap(), 1);
}

#[test]
fn a_run_with_too_many_turns_is_parked_and_goes_on_with_more_of_them() {
    let run = async |cx: FlowCx, (): ()| -> Ran<Vec<(u64, bool)>> {
        let mut seen = vec![];
        for n in 0..4 {
            seen.push((cx.history_len(), cx.should_continue_as_new()));
            step(&cx, &format!("s {n}")).await?;
        }
        Ok(seen)
    };
    let mut flow = started(program(run).turns(3, 3));
    flow.resolve("s 0", &0).unwrap();
    flow.resolve("s 1", &0).unwrap();
    assert_eq!(flow.status(), FlowStatus::Running, "three turns are three");
    flow.resolve("s 2", &0).unwrap();
    assert_eq!(stuck(&flow), Stuck::TooLong { turns: 4, limit: 3 });
    let mut flow = Rehearsal::of_journal(program(run).turns(3, 10), flow.journal()).unwrap();
    flow.resolve("s 3", &0).unwrap();
    assert_eq!(flow.output::<Vec<(u64, bool)>>().unwrap(), [(1, false), (2, false), (3, true), (4, true)]);
}

#[test]
fn a_run_that_continues_counts_from_the_beginning_and_may_use_its_tags_again() {
    let mut flow = started(program(async |cx: FlowCx, input: Option<u32>| -> Ran<(u32, u64)> {
        let sum = input.unwrap_or_default() + step(&cx, "a").await?;
        if cx.run() == 3 { Ok((sum, cx.history_len())) } else { cx.continue_as_new(&Some(sum)) }
    }));
    for n in 1..=3 {
        assert_eq!(flow.asks()[0].ordinal, 0);
        flow.resolve("a", &n).unwrap();
    }
    assert_eq!(flow.output::<(u32, u64)>().unwrap(), (6, 2));
}

#[test]
fn a_child_ends_as_its_parent_hears_of_it() {
    let program = || {
        program(async |cx: FlowCx, (): ()| -> Ran<String> {
            let child = cx.child::<u32>("c", "t/child".parse().unwrap(), &[7]).await?;
            Ok(match child {
                ChildEnd::Completed(output) => format!("completed {output}"),
                ChildEnd::Failed(reason) => format!("failed {reason}"),
                ChildEnd::Cancelled => "cancelled".to_owned(),
                ChildEnd::Taken => "taken".to_owned(),
            })
        })
    };
    for (end, json, wanted) in [
        (ChildEnd::Completed(7), r#"{"completed":7}"#, "completed 7"),
        (ChildEnd::Failed("no".into()), r#"{"failed":"no"}"#, "failed no"),
        (ChildEnd::Cancelled, r#""cancelled""#, "cancelled"),
        (ChildEnd::Taken, r#""taken""#, "taken"),
    ] {
        assert_eq!(Payload::new(&end).unwrap().json(), json);
        let mut flow = started(program());
        let What::Child { flow: child, input } = &flow.asks()[0].what else { panic!("a child") };
        assert_eq!((child.as_str(), input.json()), ("t/child", "[7]"));
        flow.resolve("c", &end).unwrap();
        assert_eq!(flow.output::<String>().unwrap(), wanted);
    }
}

#[test]
fn only_what_a_host_answers_is_answered_by_hand() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<()> {
        join(cx.sleep_until("t", at(5)), cx.signal::<()>("s", "go")).await.0
    }));
    for (tag, words) in [
        ("t", r#""t" is a timer: let time pass, or send a signal"#),
        ("s", r#""s" is a signal: let time pass, or send a signal"#),
        ("x", r#"the flow is running and does not wait for "x"; it waits for ["t", "s"]"#),
    ] {
        assert_eq!(flow.resolve(tag, &()).unwrap_err().to_string(), words);
    }
    assert!(matches!(flow.start(&()), Err(RehearsalError::NotNow { .. })));
    assert!(matches!(flow.retry(), Err(RehearsalError::NotNow { .. })));
    assert!(matches!(flow.output::<()>(), Err(RehearsalError::NotNow { .. })));
    assert!(matches!(flow.signal("go", &"x".repeat(4_000)), Err(RehearsalError::TooLarge { .. })));
}

#[test]
fn a_performer_that_breaks_down_parks_the_flow_until_it_is_tried_again() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<u32> { step(&cx, "a").await }));
    flow.break_down("a", "no such host").unwrap();
    assert_eq!(stuck(&flow), Stuck::Performer { tag: "a".into(), reason: "no such host".into() });
    assert_eq!(flow.open(), Vec::<String>::new());
    flow.retry().unwrap();
    flow.resolve("a", &4).unwrap();
    assert_eq!(flow.output::<u32>().unwrap(), 4);
}

#[test]
fn a_rehearsal_finds_code_that_depends_on_more_than_it_is_given() {
    use core::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    static SHOWN: AtomicU32 = AtomicU32::new(0);
    let mut flow = Rehearsal::new(program(async |cx: FlowCx, (): ()| -> Ran<u32> {
        step(&cx, &format!("a {}", COUNT.fetch_add(1, Ordering::Relaxed))).await
    }));
    let found = flow.start(&()).unwrap_err();
    assert!(matches!(found, RehearsalError::Diverged { what: "open asks", .. }), "{found}");
    let mut flow = Rehearsal::new(program(async |cx: FlowCx, (): ()| -> Ran<u32> {
        cx.show(&SHOWN.fetch_add(1, Ordering::Relaxed));
        step(&cx, "a").await
    }));
    let found = flow.start(&()).unwrap_err().to_string();
    assert_eq!(
        found,
        r#"rebuilt from its journal the flow has another progress: Some(Payload("1")) instead of Some(Payload("0"))"#
    );
}
