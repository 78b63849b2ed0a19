//! Durable flows, power-safe: a caller starts one, waits for its result and starts the next. Each step returns an integer;
//! what costs is that the outcome of each is on the disk before the next step begins.
//!
//! An engine is one file that fills [`Engine`] and one line in [`engines`]; the first engine is the one that the others are
//! compared with.

mod floor;
pub mod herd;
mod ours;
pub mod parked;
#[cfg(feature = "flow-peers")]
mod peers;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::Result;
use crate::load::{Measured, closed_loop_for, disk};

/// What a run of callers does.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Steps of a flow, one after another.
    pub steps: u32,
    /// Callers, each with one flow on its way.
    pub callers: usize,
}

const CASES: [Case; 4] = [
    Case { steps: 1, callers: 1 },
    Case { steps: 3, callers: 1 },
    Case { steps: 1, callers: 64 },
    Case { steps: 3, callers: 64 },
];
/// Before each case, not counted.
const WARM_UP: Duration = Duration::from_secs(2);
/// Flows that are due at the same instant.
const HERD: u64 = 10_000;

/// What came of a case.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Flows from their start to their result.
    pub per_second: u64,
    pub p50: Duration,
    pub p99: Duration,
    /// Flows that were measured.
    pub runs: u64,
}

impl From<&Measured> for Figures {
    fn from(measured: &Measured) -> Self {
        let (p50, p99) = (measured.p50(), measured.quantile(0.99));
        Self { per_second: measured.rate(), p50, p99, runs: measured.requests }
    }
}

/// What came of flows that were sent early and fell due at one instant.
#[derive(Clone, Copy, Debug)]
pub struct Herd {
    /// Until the last of them was taken in.
    pub taken_in: Duration,
    /// From the instant at which they were due until the first, half, 99 of 100 and all of them were done.
    pub first: Duration,
    pub p50: Duration,
    pub p99: Duration,
    pub all: Duration,
}

impl Herd {
    /// `late` is how long after the instant each was done.
    pub fn new(taken_in: Duration, late: Vec<Duration>) -> Self {
        let late = Measured::new(late.len() as u64, Duration::ZERO, late);
        let (first, all) = (late.quantile(0.0), late.quantile(1.0));
        Self { taken_in, first, p50: late.p50(), p99: late.quantile(0.99), all }
    }
}

/// An engine with a store of its own, started.
#[async_trait]
pub trait Engine: Send + Sync {
    fn name(&self) -> &'static str;

    /// Starts flow `n` (no other has this number) and waits for its result, [`expected`]. Its steps, numbered from 0, follow
    /// one another; each returns [`outcome`] and is durable before the next.
    async fn flow(&self, n: u64, steps: u32) -> Result<u64>;

    /// Sends so many flows of one step that are due at one instant, and waits until all are done. None: it has no delayed
    /// start.
    async fn herd(&self, count: u64) -> Result<Option<Herd>> {
        let _ = count;
        Ok(None)
    }

    /// Bytes of memory that a server of its own has. None: it has none.
    fn resident(&self) -> Result<Option<u64>> {
        Ok(None)
    }
}

/// What a step returns.
pub fn outcome(n: u64, step: u32) -> u64 {
    n + u64::from(step)
}

/// What a flow returns: its outcomes, added up.
pub fn expected(n: u64, steps: u32) -> u64 {
    (0..steps).map(|step| outcome(n, step)).sum()
}

/// All engines that are here, in the order of the table.
async fn engines() -> Result<Vec<Arc<dyn Engine>>> {
    let own: [Arc<dyn Engine>; 4] = [
        Arc::new(ours::Ours::fjall()?),
        Arc::new(ours::Ours::sled()?),
        Arc::new(ours::Ours::lookups()?),
        Arc::new(floor::Floor::open()?),
    ];
    #[cfg(feature = "flow-peers")]
    let others = peers::start().await?;
    #[cfg(not(feature = "flow-peers"))]
    let others = {
        println!("\n(Restate and DBOS are left out: build with `--features flow-peers`)");
        Vec::new()
    };
    Ok(own.into_iter().chain(others).collect())
}

async fn measure(engine: &Arc<dyn Engine>, case: Case, length: Duration) -> Result<Figures> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let run = |length| {
        let engine = Arc::clone(engine);
        closed_loop_for(length, case.callers, move |_, _| {
            let (engine, n) = (Arc::clone(&engine), NEXT.fetch_add(1, Ordering::Relaxed));
            async move {
                let result = engine.flow(n, case.steps).await?;
                if result == expected(n, case.steps) { Ok(()) } else { Err("a flow came to a wrong result".into()) }
            }
        })
    };
    run(WARM_UP).await?;
    Ok(Figures::from(&run(length).await?))
}

/// The table: each case on each engine in turn, `length` each.
pub async fn flows(length: Duration) -> Result<()> {
    let engines = engines().await?;
    let Some(reference) = engines.first().map(|engine| engine.name()) else { return Ok(()) };
    let before = disk()?;
    // Two hundred syncs are over in a moment, and the neighbours' load comes in bursts: so one of the whole length.
    let floor: Arc<dyn Engine> = Arc::new(floor::Floor::open()?);
    let sync = measure(&floor, CASES[0], length).await?.p50;
    println!("\ndurable flows, power-safe, {} s a case ({})\n", length.as_secs(), syncs("before", &before));
    println!(
        "| steps | callers | engine | flows/s | steps/s | p50 | p99 | p50 in syncs | flows measured | \
         {reference} is so many times as fast |"
    );
    println!("| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for case in CASES {
        let mut first = None;
        for engine in &engines {
            let figures = measure(engine, case, length).await?;
            row(engine.name(), case, &figures, first.get_or_insert(figures), sync);
        }
    }
    println!("\n({})", syncs("after", &disk()?));
    goals(sync);
    herds(&engines).await?;
    for engine in &engines {
        if let Some(bytes) = engine.resident()? {
            println!("\n{}: {} MiB resident at the end", engine.name(), bytes >> 20);
        }
    }
    Ok(())
}

fn row(name: &str, case: Case, figures: &Figures, first: &Figures, sync: Duration) {
    println!(
        "| {} | {} | {name} | {} | {} | {} us | {} us | {:.1} | {} | {:.1} |",
        case.steps,
        case.callers,
        figures.per_second,
        figures.per_second * u64::from(case.steps),
        figures.p50.as_micros(),
        figures.p99.as_micros(),
        figures.p50.as_secs_f64() / sync.as_secs_f64().max(1e-9),
        figures.runs,
        first.per_second as f64 / figures.per_second.max(1) as f64,
    );
}

fn syncs(when: &str, disk: &Measured) -> String {
    let (p50, p99) = (disk.p50().as_micros(), disk.quantile(0.99).as_micros());
    format!("fdatasync of this disk {when}: p50 {p50} us, p99 {p99} us")
}

/// What our own engine is held to, where a lone record is on the disk within `sync`.
fn goals(sync: Duration) {
    let alone = sync * 3 + Duration::from_micros(300);
    println!(
        "\ngoals of boxoffice: 3 steps, 1 caller: p50 at most 3 syncs and 0.3 ms ({} us here); 64 callers: 20000 steps/s",
        alone.as_micros()
    );
}

async fn herds(engines: &[Arc<dyn Engine>]) -> Result<()> {
    println!("\n{HERD} flows of one step, sent early, due at one instant; done so long after it\n");
    println!("| engine | taken in within | first | p50 | p99 | all | flows/s |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for engine in engines {
        let Some(herd) = engine.herd(HERD).await? else { continue };
        let rate = HERD as f64 / herd.all.as_secs_f64().max(1e-9);
        let [taken_in, first, p50, p99, all] =
            [herd.taken_in, herd.first, herd.p50, herd.p99, herd.all].map(|length| length.as_millis());
        println!("| {} | {taken_in} ms | {first} ms | {p50} ms | {p99} ms | {all} ms | {rate:.0} |", engine.name());
    }
    Ok(())
}
