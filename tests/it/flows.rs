//! Flows through the public door.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use boxoffice::clock::ManualClock;
use boxoffice::flows::{FlowCx, FlowError, FlowId, FlowOutcome, FlowStatus, Flows, FlowsBuilder, Program, Stuck};
use boxoffice::persist::{MemoryBackend, Payload};
use boxoffice::time::Timestamp;
use boxoffice::{BoxOffice, StartError};

use crate::backends::{MoodyBackend, until};

fn id(text: &str) -> FlowId {
    text.parse().unwrap()
}

async fn three_steps(cx: FlowCx, from: u64) -> Result<u64, FlowError> {
    let mut sum = from;
    for step in 1..=3 {
        sum = cx.request("add", format!("step {step}"), &sum).await?;
    }
    Ok(sum)
}

fn adding(count: &Arc<AtomicU64>) -> FlowsBuilder {
    let count = Arc::clone(count);
    Flows::builder().program(Program::new("three", 1, three_steps).unwrap()).perform("add", move |request| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { request.body.read::<u64>().map(|sum| sum + 1).map_err(|error| error.to_string()) }
    })
}

fn completed(value: u64) -> FlowStatus {
    FlowStatus::Completed(Payload::new(&value).unwrap())
}

#[tokio::test]
async fn a_flow_runs_to_its_end_and_is_not_run_again() {
    let count = Arc::new(AtomicU64::new(0));
    let office = BoxOffice::builder().store(MemoryBackend::new()).start().unwrap();
    let flows = adding(&count).start(&office).unwrap();
    assert_eq!(flows.run(&id("three/a"), &10).await.unwrap(), Ok(completed(13)));
    assert_eq!(flows.start(&id("three/a"), &10).await.unwrap(), FlowOutcome::Already(completed(13)));
    assert_eq!(flows.start(&id("three/a"), &11).await.unwrap(), FlowOutcome::InputDiffers);
    assert_eq!(count.load(Ordering::SeqCst), 3);
    flows.shutdown().await;
    office.shutdown().await;
}

#[tokio::test]
async fn one_box_office_has_one_set_of_flows_at_a_time() {
    let office = BoxOffice::builder().store(MemoryBackend::new()).start().unwrap();
    let flows = Flows::builder().start(&office).unwrap();
    assert!(matches!(Flows::builder().start(&office), Err(StartError::FlowsRun)));
    flows.shutdown().await;
    let flows = Flows::builder().start(&office).unwrap();
    drop(flows);
    let flows = Flows::builder().start(&office).unwrap();
    assert_eq!(flows.end(&id("three/a")).await.unwrap(), FlowStatus::Unknown);
    flows.shutdown().await;
    office.shutdown().await;
}

#[tokio::test]
async fn a_sleeping_flow_goes_on_after_a_restart_when_its_time_has_come() {
    let count = Arc::new(AtomicU64::new(0));
    let clock = ManualClock::new(Timestamp::from_millis(1_000));
    let store: Arc<dyn boxoffice::persist::Backend> = Arc::new(MemoryBackend::new());
    let nap = |cx: FlowCx, length: u64| async move {
        cx.sleep("nap", Duration::from_secs(length)).await?;
        cx.request::<u64>("add", "once", &1).await
    };
    for (round, expected) in [(0, "waits"), (1, "ends")] {
        let office = BoxOffice::builder().shared_store(store.clone()).clock(clock.clone()).start().unwrap();
        let flows = adding(&count).program(Program::new("nap", 1, nap).unwrap()).start(&office).unwrap();
        if round == 0 {
            assert_eq!(flows.start(&id("nap/a"), &3_600).await.unwrap(), FlowOutcome::Started);
            assert_eq!(flows.inspect(&id("nap/a")).await.unwrap().unwrap().waiting.len(), 1, "{expected}");
        } else {
            clock.advance(Duration::from_secs(3_600));
            assert_eq!(flows.end(&id("nap/a")).await.unwrap(), completed(2), "{expected}");
        }
        flows.shutdown().await;
        office.shutdown().await;
    }
}

#[tokio::test]
async fn a_flow_that_fell_due_where_its_code_is_not_goes_on_where_it_is() {
    let clock = ManualClock::new(Timestamp::from_millis(1_000));
    let store: Arc<dyn boxoffice::persist::Backend> = Arc::new(MemoryBackend::new());
    let nap = |cx: FlowCx, length: u64| async move {
        cx.sleep("nap", Duration::from_secs(length)).await?;
        Ok::<_, FlowError>(length)
    };
    let start = |builder: FlowsBuilder| {
        let office = BoxOffice::builder().shared_store(store.clone()).clock(clock.clone()).start().unwrap();
        let flows = builder.start(&office).unwrap();
        (office, flows)
    };
    let owner = || Flows::builder().program(Program::new("nap", 1, nap).unwrap());

    let (office, flows) = start(owner());
    assert_eq!(flows.start(&id("nap/a"), &60).await.unwrap(), FlowOutcome::Started);
    flows.shutdown().await;
    office.shutdown().await;

    let (office, flows) = start(Flows::builder());
    clock.advance(Duration::from_secs(61));
    until(async || flows.inspect(&id("nap/a")).await.unwrap().unwrap().status == FlowStatus::Stuck(Stuck::NoProgram))
        .await;
    flows.shutdown().await;
    office.shutdown().await;

    let (office, flows) = start(owner());
    assert_eq!(flows.end(&id("nap/a")).await.unwrap(), completed(60));
    flows.shutdown().await;
    office.shutdown().await;
}

#[tokio::test]
async fn what_has_an_effect_waits_for_the_disk_and_a_look_up_does_not() {
    let store = MoodyBackend::new();
    let office = BoxOffice::builder().store(store.clone()).start().unwrap();
    let (looked, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let counting = |count: &Arc<AtomicU64>| {
        let count = Arc::clone(count);
        move |_| {
            let count = Arc::clone(&count);
            async move { Ok(count.fetch_add(1, Ordering::SeqCst)) }
        }
    };
    let both = async |cx: FlowCx, (): ()| -> Result<u64, FlowError> {
        cx.request::<u64>("look", "look", &()).await?;
        cx.request("do", "do", &()).await
    };
    let flows = Flows::builder()
        .program(Program::new("both", 1, both).unwrap())
        .look_up("look", counting(&looked))
        .perform("do", counting(&done))
        .start(&office)
        .unwrap();
    // The shards are claimed before the gate closes.
    assert_eq!(flows.inspect(&id("both/a")).await.unwrap(), None);
    store.close_gate();
    let flow = id("both/a");
    let (started, ()) = tokio::join!(flows.run(&flow, &()), async {
        until(async || looked.load(Ordering::SeqCst) == 1).await;
        assert_eq!(done.load(Ordering::SeqCst), 0, "an effect of a flow that is not durable");
        store.let_pass(1_000);
    });
    assert_eq!(started.unwrap(), Ok(completed(0)));
    assert_eq!((looked.load(Ordering::SeqCst), done.load(Ordering::SeqCst)), (1, 1));
    flows.shutdown().await;
}

#[tokio::test]
async fn nothing_that_is_answered_is_lost_when_the_answer_of_a_commit_is() {
    let count = Arc::new(AtomicU64::new(0));
    let clock = ManualClock::new(Timestamp::from_millis(1_000));
    let store = MoodyBackend::new();
    let office = BoxOffice::builder().store(store.clone()).clock(clock.clone()).start().unwrap();
    let flows = adding(&count).start(&office).unwrap();
    assert_eq!(flows.run(&id("three/a"), &0).await.unwrap(), Ok(completed(3)));
    store.lose_answers(1);
    let flow = id("three/b");
    let mut health = flows.health();
    let (ended, ()) = tokio::join!(flows.run(&flow, &10), async {
        while health.borrow_and_update().iter().all(|shard| shard.restarts == 0) {
            health.changed().await.unwrap();
        }
        clock.advance(Duration::from_secs(1));
    });
    assert_eq!(ended.unwrap(), Ok(completed(13)));
    flows.shutdown().await;
}
