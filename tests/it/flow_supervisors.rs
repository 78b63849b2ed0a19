//! What happens to flows when something fails: a flow, a performer, a shard, a store, another owner.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use boxoffice::clock::{Clock, ManualClock, Sleep};
use boxoffice::flows::{
    FlowCx, FlowError, FlowId, FlowOutcome, FlowStatus, Flows, FlowsBuilder, Program, RestartIntensity, ShardState,
    Stuck,
};
use boxoffice::persist::Payload;
use boxoffice::time::Timestamp;
use boxoffice::{BoxOffice, BoxOfficeError};

use crate::backends::MoodyBackend;

fn id(text: &str) -> FlowId {
    text.parse().unwrap()
}

fn completed(value: u64) -> FlowStatus {
    FlowStatus::Completed(Payload::new(&value).unwrap())
}

/// A flow of one step.
async fn one(cx: FlowCx, from: u64) -> Result<u64, FlowError> {
    cx.request("add", "add", &from).await
}

/// A flow that panics where it should end, if it is told to.
async fn brittle(cx: FlowCx, from: u64) -> Result<u64, FlowError> {
    let sum: u64 = cx.request("add", "add", &from).await?;
    assert!(sum != 7, "seven is too much");
    Ok(sum)
}

fn adding() -> FlowsBuilder {
    Flows::builder()
        .program(Program::new("one", 1, one).unwrap())
        .program(Program::new("brittle", 1, brittle).unwrap())
        .perform("add", |request| async move {
            request.body.read::<u64>().map(|sum| sum + 1).map_err(|error| error.to_string())
        })
}

/// A clock that panics once, when a shard looks at it.
#[derive(Clone, Debug)]
struct Trap {
    clock: ManualClock,
    set: Arc<AtomicBool>,
}

impl Clock for Trap {
    fn now(&self) -> Timestamp {
        let sprung = std::thread::current().name() == Some("boxoffice-flows") && self.set.swap(false, Ordering::SeqCst);
        assert!(!sprung, "the clock fell off the wall");
        self.clock.now()
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        self.clock.sleep_until(at)
    }
}

fn trap() -> Trap {
    Trap { clock: ManualClock::new(Timestamp::from_millis(1_000_000)), set: Arc::default() }
}

/// Waits until a shard is in a state, moving the clock on for those who pause.
async fn until_shard(flows: &Flows, clock: &ManualClock, shard: u8, wanted: impl Fn(&ShardState) -> bool) -> u64 {
    let mut health = flows.health();
    loop {
        let shown = health.borrow_and_update()[usize::from(shard)].clone();
        if wanted(&shown.state) {
            return shown.restarts;
        }
        if shown.state == ShardState::Starting {
            clock.advance(Duration::from_secs(1));
        }
        health.changed().await.unwrap();
    }
}

#[tokio::test]
async fn a_panic_in_a_flow_parks_that_flow_and_no_other() {
    let office = BoxOffice::builder().store(MoodyBackend::new()).start().unwrap();
    let flows = adding().start(&office).unwrap();
    // Of the same shard: it must go on.
    let shard = id("brittle/a").shard();
    let neighbour = (0..1_000).map(|n| id(&format!("one/{n}"))).find(|flow| flow.shard() == shard).unwrap();
    assert_eq!(flows.start(&id("brittle/a"), &6).await.unwrap(), FlowOutcome::Started);
    assert_eq!(flows.run(&neighbour, &1).await.unwrap(), Ok(completed(2)));
    let view = flows.inspect(&id("brittle/a")).await.unwrap().unwrap();
    let FlowStatus::Stuck(Stuck::Panicked { message }) = view.status else { panic!("it is {:?}", view.status) };
    assert_eq!(message, "seven is too much");
    assert!(flows.health().borrow().iter().all(|shard| shard.state == ShardState::Up && shard.restarts == 0));
    // It is listed, and can be ended.
    let filter = boxoffice::flows::OpenFilter { place: Some("stuck".into()), ..Default::default() };
    assert_eq!(flows.open(&filter).await.unwrap().len(), 1);
    assert_eq!(flows.terminate(&id("brittle/a")).await.unwrap(), FlowOutcome::Done);
    assert_eq!(flows.end(&id("brittle/a")).await.unwrap(), FlowStatus::Cancelled);
    flows.shutdown().await;
}

#[tokio::test]
async fn a_panicking_flow_goes_on_with_mended_code_where_it_stood() {
    let store: Arc<dyn boxoffice::persist::Backend> = Arc::new(MoodyBackend::new());
    let office = BoxOffice::builder().shared_store(Arc::clone(&store)).start().unwrap();
    let flows = adding().start(&office).unwrap();
    assert_eq!(flows.start(&id("brittle/a"), &6).await.unwrap(), FlowOutcome::Started);
    while !matches!(flows.inspect(&id("brittle/a")).await.unwrap().unwrap().status, FlowStatus::Stuck(_)) {}
    flows.shutdown().await;
    let mended = async |cx: FlowCx, from: u64| -> Result<u64, FlowError> { cx.request("add", "add", &from).await };
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let flows = Flows::builder()
        .program(Program::new("brittle", 2, mended).unwrap())
        .perform("add", move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            async { Ok(0_u64) }
        })
        .start(&office)
        .unwrap();
    assert_eq!(flows.end(&id("brittle/a")).await.unwrap(), completed(7));
    assert_eq!(asked.load(Ordering::SeqCst), 0, "what is recorded is not asked for again");
    flows.shutdown().await;
}

#[tokio::test]
async fn a_performer_that_panics_or_fails_parks_the_flow_until_it_is_retried() {
    let office = BoxOffice::builder().store(MoodyBackend::new()).start().unwrap();
    let mood = Arc::new(AtomicU64::new(0));
    let moody = Arc::clone(&mood);
    let flows = Flows::builder()
        .program(Program::new("one", 1, one).unwrap())
        .perform("add", move |_| {
            let mood = moody.load(Ordering::SeqCst);
            assert!(mood != 0, "not today");
            async move { if mood == 1 { Err("no line".to_owned()) } else { Ok(mood) } }
        })
        .start(&office)
        .unwrap();
    let flow = id("one/a");
    assert_eq!(flows.start(&flow, &1).await.unwrap(), FlowOutcome::Started);
    for (next, expected) in [(1, "it panicked"), (2, "no line")] {
        let reason = loop {
            if let FlowStatus::Stuck(why) = flows.inspect(&flow).await.unwrap().unwrap().status {
                break why;
            }
        };
        assert!(matches!(&reason, Stuck::Performer { reason, .. } if reason == expected), "{reason:?}");
        mood.store(next, Ordering::SeqCst);
        assert_eq!(flows.retry(&flow).await.unwrap(), FlowOutcome::Done);
    }
    assert_eq!(flows.end(&flow).await.unwrap(), completed(2));
    flows.shutdown().await;
}

#[tokio::test]
async fn a_panic_in_a_shard_makes_it_anew_and_nothing_is_lost() {
    let clock = trap();
    let office = BoxOffice::builder().store(MoodyBackend::new()).clock(clock.clone()).start().unwrap();
    let nap = async |cx: FlowCx, _: u64| -> Result<u64, FlowError> {
        cx.sleep("nap", Duration::from_secs(3_600)).await?;
        cx.request("add", "add", &1).await
    };
    let flows = adding().program(Program::new("nap", 1, nap).unwrap()).start(&office).unwrap();
    let sleeping: Vec<FlowId> = (0..50).map(|n| id(&format!("nap/{n}"))).collect();
    for flow in &sleeping {
        assert_eq!(flows.start(flow, &1).await.unwrap(), FlowOutcome::Started);
    }
    clock.set.store(true, Ordering::SeqCst);
    let shard = sleeping[0].shard();
    // Whoever asks is answered all the same, once the shard is there again.
    let (view, restarts) = tokio::join!(flows.inspect(&sleeping[0]), async {
        until_shard(&flows, &clock.clock, shard, |state| *state == ShardState::Starting).await;
        clock.clock.advance(Duration::from_secs(1));
        until_shard(&flows, &clock.clock, shard, |state| *state == ShardState::Up).await
    });
    assert_eq!(view.unwrap().unwrap().status, FlowStatus::Running);
    assert_eq!(restarts, 1);
    clock.clock.advance(Duration::from_secs(3_600));
    for flow in &sleeping {
        assert_eq!(flows.end(flow).await.unwrap(), completed(2), "{flow}");
    }
    flows.shutdown().await;
}

#[tokio::test]
async fn a_storm_of_restarts_ends_at_the_intensity_and_says_so() {
    let clock = ManualClock::new(Timestamp::from_millis(1_000_000));
    let store = Arc::new(MoodyBackend::new());
    let office = BoxOffice::builder().shared_store(store.clone()).clock(clock.clone()).start().unwrap();
    let flow = id("one/a");
    let intensity = RestartIntensity { restarts_max: 3, within: Duration::from_secs(600) };
    let flows = adding().restart_intensity(intensity).start(&office).unwrap();
    assert_eq!(flows.run(&flow, &1).await.unwrap(), Ok(completed(2)));
    store.refuse(1_000);
    let late = id("one/b");
    let refused = flows.start(&late, &1);
    let shard = late.shard();
    let (refused, restarts) =
        tokio::join!(refused, until_shard(&flows, &clock, shard, |state| matches!(state, ShardState::Failed { .. })));
    assert!(matches!(refused, Err(BoxOfficeError::FlowsFailed { .. } | BoxOfficeError::Busy { .. })), "{refused:?}");
    assert_eq!(restarts, 3);
    assert!(office.stats().flow_shard_failures >= 4);
    // Left alone, not given up: whoever has mended the store says so.
    store.refuse(0);
    flows.restart(shard).await.unwrap();
    assert_eq!(flows.run(&id("one/b"), &1).await.unwrap(), Ok(completed(2)));
    flows.shutdown().await;
}

#[tokio::test]
async fn whoever_starts_the_flows_later_has_them_and_the_former_owner_says_so() {
    let store: Arc<dyn boxoffice::persist::Backend> = Arc::new(MoodyBackend::new());
    let office = || BoxOffice::builder().shared_store(Arc::clone(&store)).start().unwrap();
    let (first_office, second_office) = (office(), office());
    let first = adding().start(&first_office).unwrap();
    assert_eq!(first.run(&id("one/a"), &1).await.unwrap(), Ok(completed(2)));
    let second = adding().start(&second_office).unwrap();
    assert_eq!(second.run(&id("one/b"), &1).await.unwrap(), Ok(completed(2)));
    // The first does not know yet, and is told by its next write.
    let flow = id("one/b");
    let same_shard = (0..1_000).map(|n| id(&format!("one/c{n}"))).find(|other| other.shard() == flow.shard()).unwrap();
    let refused = first.start(&same_shard, &1).await;
    assert!(matches!(refused, Err(BoxOfficeError::FlowsElsewhere { .. })), "{refused:?}");
    assert_eq!(first.health().borrow()[usize::from(flow.shard())].state, ShardState::Fenced);
    assert_eq!(second.run(&same_shard, &1).await.unwrap(), Ok(completed(2)));
    first.shutdown().await;
    second.shutdown().await;
}

#[tokio::test]
async fn a_parent_hears_of_its_children_though_their_shard_panicked() {
    let clock = trap();
    let office = BoxOffice::builder().store(MoodyBackend::new()).clock(clock.clone()).start().unwrap();
    let family = async |cx: FlowCx, children: u64| -> Result<u64, FlowError> {
        let ask = |n| cx.child::<u64>(format_args!("child {n}"), id(&format!("one/{n}")), &n);
        let ends = boxoffice::flows::join_all((0..children).map(ask)).await;
        let mut sum = 0;
        for end in ends {
            if let boxoffice::flows::ChildEnd::Completed(one) = end? {
                sum += one;
            }
        }
        Ok(sum)
    };
    let flows = adding().program(Program::new("family", 1, family).unwrap()).start(&office).unwrap();
    clock.set.store(true, Ordering::SeqCst);
    let moving = clock.clock.clone();
    let parent = id("family/a");
    let ended = flows.run(&parent, &40);
    let mut health = flows.health();
    let (ended, ()) = tokio::join!(ended, async {
        while health.borrow_and_update().iter().all(|shard| shard.restarts == 0) {
            health.changed().await.unwrap();
        }
        moving.advance(Duration::from_secs(1));
    });
    assert_eq!(ended.unwrap(), Ok(completed((1..=40).sum())));
    flows.shutdown().await;
}
