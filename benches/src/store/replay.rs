//! Reading back: a whole store, one stream of it, a projection; and a look at a view.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use boxoffice::persist::{Backend, Cursor, FjallBackend, Hub, MemoryBackend, SledBackend, Store, StreamName, View};
use boxoffice::time::Timestamp;
use futures_util::FutureExt;

use super::engines::transaction;
use crate::Result;

/// Events in the store that is read.
const EVENTS: u64 = 1 << 20;
/// Events of a commit when it was written.
const BATCHES: [usize; 3] = [1, 16, 256];

fn now<T>(ready: impl Future<Output = T>) -> Result<T> {
    ready.now_or_never().ok_or_else(|| "the store did not answer at once".into())
}

fn rate(events: u64, started: Instant) -> u64 {
    (events as f64 / started.elapsed().as_secs_f64().max(1e-9)) as u64
}

/// Commits together what makes a million events, many commits to one sync.
fn fill(store: &dyn Backend, batch: usize) -> Result<()> {
    let commits = EVENTS / batch as u64;
    let mut number = 0;
    while number < commits {
        // As many callers would: a group, but each transaction with its own place in it.
        let group = (commits - number).min(4_096 / batch as u64);
        let transactions = (number..number + group).map(|number| transaction(number, batch)).collect::<Result<_>>()?;
        now(store.commit(transactions))??;
        number += group;
    }
    Ok(())
}

/// Events a second, read in the order of commits; then stream by stream, each folded by a projection.
fn read(store: &Arc<dyn Backend>) -> Result<(u64, u64)> {
    let (started, mut after, mut count) = (Instant::now(), Cursor::START, 0);
    loop {
        let page = now(store.read_all(after, 4_096))??;
        if page.events.is_empty() {
            break;
        }
        count += page.events.len() as u64;
        after = page.next;
        black_box(&page.events);
    }
    let whole = rate(count, started);
    let store = Store::shared(Arc::clone(store));
    let (names, started, mut folded) = (now(store.streams())??, Instant::now(), 0);
    for name in names {
        folded += now(store.stream(&name).project(0_u64, |count, _| *count += 1))??.value;
    }
    if (count, folded) != (EVENTS, EVENTS) {
        return Err(format!("read {count} and folded {folded} of {EVENTS}").into());
    }
    Ok((whole, rate(folded, started)))
}

pub fn replay() -> Result<()> {
    println!("\nevents/s read back, {EVENTS} events of 200 bytes in 1,000 streams\n");
    println!("| events of a transaction | engine | whole store, commit order | stream by stream, projected |");
    println!("| ---: | --- | ---: | ---: |");
    for batch in BATCHES {
        let folder = tempfile::tempdir()?;
        let engines: [(&str, Arc<dyn Backend>); 3] = [
            ("memory", Arc::new(MemoryBackend::new())),
            ("sled", Arc::new(SledBackend::open(folder.path().join("sled"))?)),
            ("fjall", Arc::new(FjallBackend::open(folder.path().join("fjall"))?)),
        ];
        for (name, store) in engines {
            fill(&*store, batch)?;
            let (whole, streams) = read(&store)?;
            println!("| {batch} | {name} | {whole} | {streams} |");
        }
    }
    peek()
}

fn peek() -> Result<()> {
    let store = Store::memory();
    let (hub, name) = (Hub::new(&store), StreamName::new("orders")?);
    let view = now(View::open(&store, "count", &name, 0_u64, |count, _| *count += 1))??;
    now(view.attach(&hub))??;
    for n in 0..1_000 {
        now(hub.publish(&name, "placed", Timestamp::EPOCH, &n))??;
    }
    let looks = 10_000_000_u32;
    let started = Instant::now();
    for _ in 0..looks {
        black_box(view.peek());
    }
    println!("\na look at a view: {:.0} ns", started.elapsed().as_nanos() as f64 / f64::from(looks));
    Ok(())
}
