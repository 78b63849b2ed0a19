//! The flows of the tests, and performers that answer by what they are asked.

use core::time::Duration;

use super::super::Performance;
use super::world::{Verdict, id};
use crate::flow::{ChildEnd, Either, FlowCx, FlowError, Program, Programs, join_all, select};

pub(super) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Sends until it is through, after as many failures as the input says.
async fn deliver(cx: FlowCx, fails: u32) -> Result<u32, FlowError> {
    cx.sleep("due", seconds(5)).await?;
    for attempt in 1..=5 {
        let done: bool = cx.request("mail", format!("send {attempt}"), &(attempt > fails)).await?;
        if done {
            return Ok(attempt);
        }
        cx.sleep(format!("backoff {attempt}"), seconds(60 << attempt)).await?;
    }
    Err(FlowError::failed("never through"))
}

async fn parent(cx: FlowCx, name: String) -> Result<Vec<u32>, FlowError> {
    let child =
        |number: u32| cx.child::<u32>(format!("child {number}"), id(&format!("child/{name}-{number}")), &number);
    let ends = join_all([child(1), child(2)]).await;
    let mut sum = Vec::new();
    for end in ends {
        match end? {
            ChildEnd::Completed(number) => sum.push(number),
            other @ (ChildEnd::Failed(_) | ChildEnd::Cancelled | ChildEnd::Taken) => {
                return Err(FlowError::failed(format!("{other:?}")));
            }
        }
    }
    cx.request::<bool>("echo", "told", &true).await?;
    Ok(sum)
}

async fn child(cx: FlowCx, number: u32) -> Result<u32, FlowError> {
    let first: u32 = cx.request("echo", "first", &number).await?;
    cx.sleep("between", seconds(30 * u64::from(number))).await?;
    let second: u32 = cx.request("echo", "second", &10).await?;
    Ok(first + second)
}

async fn join3(cx: FlowCx, (): ()) -> Result<u32, FlowError> {
    let three = join_all((1..=3_u32).map(|number| cx.request::<u32>("echo", format!("part {number}"), &number)));
    let three = three.await.into_iter().collect::<Result<Vec<u32>, FlowError>>()?;
    cx.sleep("rest", seconds(1)).await?;
    cx.request("echo", "sum", &three.iter().sum::<u32>()).await
}

/// One request that never comes back and is timed out, and one that comes back in time.
async fn timeout(cx: FlowCx, (): ()) -> Result<String, FlowError> {
    let hung = select(cx.request::<u32>("hang", "hung", &1), cx.sleep("patience", seconds(10))).await;
    let late = matches!(hung, Either::Second(Ok(())));
    let quick = select(cx.request::<u32>("echo", "quick", &2), cx.sleep("more patience", seconds(3_600))).await;
    let quick = matches!(quick, Either::First(Ok(2)));
    cx.request::<bool>("echo", "told", &true).await?;
    Ok(format!("{late} {quick}"))
}

async fn saga(cx: FlowCx, (): ()) -> Result<(), FlowError> {
    let mut rollback = cx.rollback();
    for step in 1..=3 {
        let done: bool = cx.request("mail", format!("do {step}"), &(step < 3)).await?;
        if !done {
            return rollback.undo_and_fail("step 3").await;
        }
        rollback.add("echo", format!("undo {step}"), &step);
    }
    Ok(())
}

/// Three runs, one signal each.
async fn rounds(cx: FlowCx, round: u32) -> Result<u32, FlowError> {
    let go: u32 = cx.signal("go", "go").await?;
    let echoed: u32 = cx.request("echo", "echo", &go).await?;
    cx.sleep("breath", seconds(1)).await?;
    if round == 3 { Ok(echoed) } else { cx.continue_as_new(&(round + 1)) }
}

/// Sleeps that are over at once, before and after work.
async fn dozy(cx: FlowCx, (): ()) -> Result<(), FlowError> {
    cx.sleep("none", seconds(0)).await?;
    cx.request::<bool>("echo", "work", &true).await?;
    cx.sleep("none again", seconds(0)).await?;
    cx.sleep_until("long ago", crate::time::Timestamp::EPOCH).await?;
    cx.request::<bool>("echo", "more work", &true).await?;
    cx.sleep("and again", seconds(0)).await
}

/// Waits until an instant, and ends.
async fn alarm(cx: FlowCx, at: i64) -> Result<i64, FlowError> {
    cx.sleep_until("alarm", crate::time::Timestamp::from_millis(at)).await?;
    Ok(cx.now().as_millis())
}

/// One request to a performer of any name; cleans up when cancelled.
async fn one(cx: FlowCx, to: String) -> Result<serde_json::Value, FlowError> {
    match cx.request(&to, "work", &true).await {
        Err(FlowError::Cancelled) => {
            cx.shielded().request::<bool>("echo", "clean up", &true).await?;
            Err(FlowError::Cancelled)
        }
        other @ (Ok(_) | Err(FlowError::Failed(_) | FlowError::ContinueAsNew(_))) => other,
    }
}

/// Waits for a child that somebody names.
async fn waits_for(cx: FlowCx, (child, input): (String, u32)) -> Result<ChildEnd<serde_json::Value>, FlowError> {
    cx.child("it", id(&child), &input).await
}

/// Notes signals until one says that it is enough.
async fn listener(cx: FlowCx, (): ()) -> Result<Vec<u32>, FlowError> {
    let mut heard = Vec::new();
    loop {
        let number: u32 = cx.signal(format!("next {}", heard.len()), "number").await?;
        if number == 0 {
            return Ok(heard);
        }
        heard.push(number);
    }
}

/// A request with a patience of so many seconds.
async fn patient(cx: FlowCx, (to, patience): (String, u64)) -> Result<bool, FlowError> {
    let asked = select(cx.request::<bool>(&to, "work", &true), cx.sleep("patience", seconds(patience))).await;
    Ok(matches!(asked, Either::First(_)))
}

pub(super) fn programs() -> Programs {
    Programs::new()
        .with(Program::new("deliver", 1, deliver).unwrap())
        .with(Program::new("parent", 1, parent).unwrap())
        .with(Program::new("child", 1, child).unwrap())
        .with(Program::new("join3", 1, join3).unwrap())
        .with(Program::new("timeout", 1, timeout).unwrap())
        .with(Program::new("saga", 1, saga).unwrap())
        .with(Program::new("rounds", 1, rounds).unwrap())
        .with(Program::new("dozy", 1, dozy).unwrap())
        .with(Program::new("alarm", 1, alarm).unwrap())
        .with(Program::new("one", 1, one).unwrap())
        .with(Program::new("waits_for", 1, waits_for).unwrap())
        .with(Program::new("listener", 1, listener).unwrap())
        .with(Program::new("patient", 1, patient).unwrap())
}

pub(super) fn script(asked: &Performance) -> Verdict {
    match &*asked.to {
        "hang" => Verdict::Hang,
        "nobody" => Verdict::Missing,
        _ => Verdict::Outcome(asked.body.json().to_owned()),
    }
}
