//! Flows through the public door.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use boxoffice::BoxOffice;
use boxoffice::clock::ManualClock;
use boxoffice::flows::{FlowCx, FlowError, FlowId, FlowOutcome, FlowStatus, Flows, FlowsBuilder, Program};
use boxoffice::persist::{MemoryBackend, Payload};
use boxoffice::time::Timestamp;

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
