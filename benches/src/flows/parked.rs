//! Many flows that wait, as they grow: what each costs in memory, on the disk and at a restart.

use std::path::Path;
use std::time::{Duration, Instant};

use boxoffice::BoxOffice;
use boxoffice::flows::{FlowCx, FlowError, FlowId, FlowOutcome, Flows, Program};
use boxoffice::persist::{FjallBackend, SledBackend};
use futures_util::{StreamExt, stream};

use crate::Result;
use crate::load::resident;

/// Starts that are on their way at once.
const SENDERS: usize = 1_024;

async fn nap(cx: FlowCx, hours: u64) -> std::result::Result<(), FlowError> {
    cx.sleep("nap", Duration::from_secs(hours * 3_600)).await
}

fn open(engine: &str, folder: &Path) -> Result<(BoxOffice, Flows)> {
    let office = match engine {
        "sled" => BoxOffice::builder().store(SledBackend::open(folder)?).start()?,
        _ => BoxOffice::builder().store(FjallBackend::open(folder)?).start()?,
    };
    let flows = Flows::builder().program(Program::new("nap", 1, nap)?).start(&office)?;
    Ok((office, flows))
}

async fn start(flows: &Flows, n: u64) -> Result<()> {
    let flow: FlowId = format!("nap/{n}").parse()?;
    match flows.start(&flow, &(24 + n % 1_000)).await? {
        FlowOutcome::Started => Ok(()),
        other => Err(format!("a flow was not started: {}", other.name()).into()),
    }
}

/// The curve up to `most` flows on one engine, in one store.
pub async fn parked(engine: &str, most: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("store");
    println!("\nflows that wait for a day or more, {engine}\n");
    println!("| flows | started/s | resident | since the start of the process | after a restart | open again in |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    let before = resident("self")?;
    let (mut there, mut count) = (0, 1_000.min(most));
    while there < most {
        let (office, flows) = open(engine, &path)?;
        let began = Instant::now();
        let flows_ref = &flows;
        let started: Vec<Result<()>> =
            stream::iter(there..count).map(|n| start(flows_ref, n)).buffer_unordered(SENDERS).collect().await;
        started.into_iter().collect::<Result<()>>()?;
        let rate = (count - there) as f64 / began.elapsed().as_secs_f64();
        let full = resident("self")?;
        flows.shutdown().await;
        office.shutdown().await;
        let again = Instant::now();
        let (office, flows) = open(engine, &path)?;
        // Answered by a shard that has read what it needs to go on.
        flows.inspect(&"nap/0".parse()?).await?;
        let opened = again.elapsed();
        println!(
            "| {count} | {rate:.0} | {} MiB | {} MiB | {} MiB | {} ms |",
            full >> 20,
            full.saturating_sub(before) >> 20,
            resident("self")? >> 20,
            opened.as_millis()
        );
        flows.shutdown().await;
        office.shutdown().await;
        (there, count) = (count, (count * 10).min(most).max(count + 1));
    }
    Ok(())
}
