//! Being asked to end.

use super::*;

fn cancelled(error: &FlowError) -> bool {
    *error == FlowError::Cancelled
}

#[test]
fn everything_that_is_open_is_answered_at_once_and_what_is_shielded_goes_on() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<Vec<bool>> {
        let (a, t) = (cx.request::<u32>("w", "a", &0), cx.sleep_until("t", at(60_000)));
        let (s, c) = (cx.signal::<u32>("s", "paid"), cx.child::<u32>("c", "t/c".parse().unwrap(), &0));
        let kept = cx.shielded().request::<u32>("w", "kept", &0);
        let ends = [a.await.map(drop), t.await, s.await.map(drop), c.await.map(drop)];
        let kept = kept.await;
        Ok(ends
            .iter()
            .map(|end| end.as_ref().is_err_and(cancelled))
            .chain([kept.is_err(), cx.is_cancelled()])
            .collect())
    }));
    flow.cancel().unwrap();
    assert_eq!(flow.open(), ["kept"]);
    assert_eq!(flow.pass(2 * MINUTE).unwrap(), 0, "a timer that was cancelled does not run out");
    flow.resolve("kept", &1).unwrap();
    assert_eq!(flow.output::<Vec<bool>>().unwrap(), [true, true, true, true, false, true]);
}

#[test]
fn a_flow_that_passes_it_on_ends_as_cancelled() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<()> { cx.request("w", "a", &0).await }));
    flow.cancel().unwrap();
    assert_eq!(flow.status(), FlowStatus::Cancelled);
    assert!(matches!(flow.cancel(), Err(RehearsalError::NotNow { .. })));
}

#[test]
fn what_was_done_is_undone_last_first_and_a_second_cancellation_does_not_disturb_it() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<()> {
        let mut rollback = cx.rollback();
        for n in 1..=2 {
            if let Err(cancelled) = cx.request::<()>("w", format!("do {n}"), &n).await {
                return rollback.undo_and(cancelled).await;
            }
            rollback.add("w", format!("undo {n}"), &n);
        }
        match cx.signal::<()>("wait", "go").await {
            Ok(()) => Ok(()),
            Err(cancelled) => rollback.undo_and(cancelled).await,
        }
    }));
    flow.resolve("do 1", &()).unwrap();
    flow.resolve("do 2", &()).unwrap();
    flow.cancel().unwrap();
    assert_eq!(flow.open(), ["undo 2"]);
    flow.cancel().unwrap();
    assert_eq!(flow.open(), ["undo 2"]);
    flow.resolve("undo 2", &"whatever").unwrap();
    assert_eq!(flow.open(), ["undo 1"]);
    flow.resolve("undo 1", &()).unwrap();
    assert_eq!(flow.status(), FlowStatus::Cancelled);
}

#[test]
fn a_flow_that_asks_for_nothing_before_it_is_cancelled_hears_of_it() {
    // Nothing is open but what is shielded.
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<bool> {
        cx.shielded().request::<()>("w", "kept", &0).await?;
        Ok(cx.is_cancelled())
    }));
    flow.cancel().unwrap();
    assert_eq!(flow.open(), ["kept"]);
    flow.resolve("kept", &()).unwrap();
    assert!(flow.output::<bool>().unwrap());
    // Before it was started there is nothing to cancel.
    let mut flow = Rehearsal::new(program(async |_: FlowCx, (): ()| -> Ran<()> { Ok(()) }));
    assert_eq!(
        flow.cancel().unwrap_err().to_string(),
        "the flow is unknown: only what was started and is not over hears of it"
    );
}

#[test]
fn a_flow_that_ignores_it_goes_on_and_remembers_it_in_its_next_run() {
    let run = async |cx: FlowCx, (): ()| -> Ran<bool> {
        if cx.run() == 1 {
            let ignored = cx.request::<()>("w", "a", &0).await;
            assert!(ignored.is_err_and(|error| cancelled(&error)));
            cx.request::<()>("w", "b", &0).await?;
            return cx.continue_as_new(&());
        }
        cx.request::<()>("w", "c", &0).await?;
        Ok(cx.is_cancelled())
    };
    let mut flow = started(program(run));
    flow.cancel().unwrap();
    assert_eq!(flow.open(), ["b"], "what is asked for afterwards is done as ever");
    flow.resolve("b", &()).unwrap();
    assert_eq!(flow.open(), ["c"]);
    flow.cancel().unwrap();
    assert_eq!(flow.open(), ["c"], "it was asked once");
    // As it stands after its first run was truncated.
    let from = flow.journal().iter().position(|event| event.event_type.as_str() == "flow.continued.v1").unwrap();
    let mut short = Rehearsal::of_journal(program(run), &flow.journal()[from..]).unwrap();
    for flow in [&mut flow, &mut short] {
        flow.resolve("c", &()).unwrap();
        assert!(flow.output::<bool>().unwrap());
    }
}

#[test]
fn an_outcome_that_comes_after_the_cancellation_comes_too_late() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<()> {
        drop(cx.request::<()>("w", "a", &0).await);
        cx.request("w", "b", &0).await
    }));
    flow.cancel().unwrap();
    let late = flow.resolve("a", &()).unwrap_err();
    assert!(matches!(late, RehearsalError::NotOpen { .. }), "{late}");
    flow.resolve("b", &()).unwrap();
    assert!(matches!(flow.status(), FlowStatus::Completed(_)));
}

#[test]
fn a_journal_with_an_outcome_after_the_cancellation_is_named() {
    let mut flow = Raw::started(program(async |cx: FlowCx, (): ()| -> Ran<()> {
        drop(cx.request::<()>("w", "a", &0).await);
        cx.request("w", "b", &0).await
    }));
    let ask = flow.live.asks()[0].name();
    flow.record(FlowEvent::CancelRequested { version: 1 });
    flow.record(FlowEvent::Resolved { ask: ask.clone(), version: 1, outcome: Payload::new(&()).unwrap() });
    assert_eq!(flow.stuck(), Stuck::Mismatch { logged: ask, now: None });
}
