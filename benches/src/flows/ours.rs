//! Our own engine, on each of the embedded stores.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use boxoffice::BoxOffice;
use boxoffice::flows::{FlowCx, FlowError, FlowId, FlowOutcome, FlowStatus, Flows, Performance, Program};
use boxoffice::persist::{FjallBackend, SledBackend};
use boxoffice::time::Timestamp;
use futures_util::{StreamExt, stream};

use super::{Engine, Herd, outcome};
use crate::Result;

/// Starts that are on their way at once when a herd is sent.
const SENDERS: usize = 512;
/// From the last start to the instant at which a herd is due.
const LEAD: Duration = Duration::from_secs(5);

pub struct Ours {
    name: &'static str,
    /// Whether steps count as having an effect.
    program: &'static str,
    flows: Flows,
    _office: BoxOffice,
    /// Removed when it is dropped.
    _folder: tempfile::TempDir,
}

async fn steps(cx: FlowCx, (n, steps): (u64, u32)) -> std::result::Result<u64, FlowError> {
    run(cx, "step", n, steps).await
}

/// The same, of steps that have no effect.
async fn lookups(cx: FlowCx, (n, steps): (u64, u32)) -> std::result::Result<u64, FlowError> {
    run(cx, "look", n, steps).await
}

async fn run(cx: FlowCx, to: &str, n: u64, steps: u32) -> std::result::Result<u64, FlowError> {
    let mut sum = 0;
    for step in 0..steps {
        let outcome: u64 = cx.request(to, format_args!("step {step}"), &(n, step)).await?;
        sum += outcome;
    }
    Ok(sum)
}

async fn due(cx: FlowCx, (n, at): (u64, Timestamp)) -> std::result::Result<u64, FlowError> {
    cx.sleep_until("due", at).await?;
    cx.request("step", "step 0", &(n, 0_u32)).await
}

async fn step(request: Performance) -> std::result::Result<u64, String> {
    let (n, step): (u64, u32) = request.body.read().map_err(|error| error.to_string())?;
    Ok(outcome(n, step))
}

impl Ours {
    pub fn sled() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let office = BoxOffice::builder().store(SledBackend::open(folder.path().join("store"))?).start()?;
        Self::on("boxoffice (sled)", "steps", office, folder)
    }

    pub fn fjall() -> Result<Self> {
        Self::on_fjall("boxoffice (fjall)", "steps")
    }

    pub fn lookups() -> Result<Self> {
        Self::on_fjall("boxoffice (fjall), steps without effects", "lookups")
    }

    fn on_fjall(name: &'static str, program: &'static str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let office = BoxOffice::builder().store(FjallBackend::open(folder.path().join("store"))?).start()?;
        Self::on(name, program, office, folder)
    }

    fn on(name: &'static str, program: &'static str, office: BoxOffice, folder: tempfile::TempDir) -> Result<Self> {
        let flows = Flows::builder()
            .program(Program::new("steps", 1, steps)?)
            .program(Program::new("due", 1, due)?)
            .program(Program::new("lookups", 1, lookups)?)
            .perform("step", step)
            .look_up("look", step)
            .start(&office)?;
        Ok(Self { name, program, flows, _office: office, _folder: folder })
    }
}

impl Ours {
    /// How long after `at` a flow has ended.
    async fn late(&self, flow: FlowId, at: Duration) -> Result<Duration> {
        let status = self.flows.end(&flow).await?;
        let late = now().saturating_sub(at);
        if matches!(status, FlowStatus::Completed(_)) { Ok(late) } else { Err("a flow did not complete".into()) }
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[async_trait]
impl Engine for Ours {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn flow(&self, n: u64, steps: u32) -> Result<u64> {
        let flow: FlowId = format!("{}/{n}", self.program).parse()?;
        match self.flows.run(&flow, &(n, steps)).await? {
            Ok(FlowStatus::Completed(sum)) => Ok(sum.read()?),
            other => Err(format!("a flow ended so: {other:?}").into()),
        }
    }

    async fn herd(&self, count: u64) -> Result<Option<Herd>> {
        let began = Instant::now();
        // Long enough for all to be sent before it.
        let at = now() + LEAD + Duration::from_micros(200) * u32::try_from(count)?;
        let due = Timestamp::from_millis(i64::try_from(at.as_millis())?);
        let start = |n| async move {
            let flow: FlowId = format!("due/{n}").parse()?;
            match self.flows.start(&flow, &(n, due)).await? {
                FlowOutcome::Started => Ok(flow),
                other => Err(format!("a flow was not started: {}", other.name()).into()),
            }
        };
        let started: Vec<Result<FlowId>> = stream::iter(0..count).map(start).buffer_unordered(SENDERS).collect().await;
        let taken_in = began.elapsed();
        let started = started.into_iter().collect::<Result<Vec<_>>>()?;
        let late = futures_util::future::join_all(started.into_iter().map(|flow| self.late(flow, at))).await;
        Ok(Some(Herd::new(taken_in, late.into_iter().collect::<Result<_>>()?)))
    }
}
