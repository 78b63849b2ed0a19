//! The floor under us: the same bytes with nothing around them.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use crate::load::{Measured, closed_loop};
use crate::{MEASURE, Result};

/// What a booking leaves in the log: type, instant and payload.
fn event(n: u64) -> Vec<u8> {
    format!("booking.seat_booked.v1 1767225600000 {{\"attendee\":\"attendee-{n}\"}}").into_bytes()
}

/// The engine with a writer thread before it, which commits together whatever waits: group commit and nothing else.
/// One key for each event; one atomic batch, flush and fdatasync for each group.
pub async fn sled(callers: usize) -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let db = sled::Config::new().path(folder.path()).cache_capacity(64 << 20).open()?;
    let data = OpenOptions::new().write(true).open(folder.path().join("db"))?;
    let (sender, mut waiting) = mpsc::unbounded_channel::<(u64, oneshot::Sender<()>)>();
    let writer = std::thread::spawn(move || -> Result<()> {
        while let Some(first) = waiting.blocking_recv() {
            let mut group = vec![first];
            while let Ok(next) = waiting.try_recv() {
                group.push(next);
            }
            let mut batch = sled::Batch::default();
            for (n, _) in &group {
                batch.insert(&n.to_be_bytes(), event(*n));
            }
            db.apply_batch(batch)?;
            db.flush()?;
            data.sync_data()?;
            for (_, done) in group {
                done.send(()).map_err(|()| "caller is gone")?;
            }
        }
        Ok(())
    });
    let sender = Arc::new(sender);
    let measured = closed_loop(callers, move |_, n| {
        let sender = Arc::clone(&sender);
        async move {
            let (done, committed) = oneshot::channel();
            sender.send((n, done))?;
            Ok(committed.await?)
        }
    })
    .await?;
    writer.join().map_err(|_| "the writer panicked")??;
    Ok(measured)
}

/// No callers at all: groups of `callers` events, one write and one fdatasync each. Nothing durable is faster.
pub fn file(callers: usize) -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let mut file = OpenOptions::new().create(true).append(true).open(folder.path().join("log"))?;
    let (started, mut written, mut latencies) = (Instant::now(), 0, Vec::new());
    while started.elapsed() < MEASURE {
        let group = Instant::now();
        let bytes: Vec<u8> = (written..written + callers as u64).flat_map(event).collect();
        file.write_all(&bytes)?;
        file.sync_data()?;
        latencies.push(group.elapsed());
        written += callers as u64;
    }
    Ok(Measured::new(written, started.elapsed(), latencies))
}
