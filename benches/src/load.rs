//! Callers that ask again as soon as they are answered, and what they saw.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::{MEASURE, Result};

/// Requests, the time they took together, and each one's latency.
#[derive(Debug, Default)]
pub struct Measured {
    pub requests: u64,
    pub elapsed: Duration,
    /// Ascending.
    pub latencies: Vec<Duration>,
}

impl Measured {
    pub fn new(requests: u64, elapsed: Duration, mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        Self { requests, elapsed, latencies }
    }

    /// Requests a second.
    pub fn rate(&self) -> u64 {
        (self.requests as f64 / self.elapsed.as_secs_f64().max(1e-9)) as u64
    }

    pub fn p50(&self) -> Duration {
        self.quantile(0.5)
    }

    pub fn quantile(&self, part: f64) -> Duration {
        let place = (self.latencies.len() as f64 * part) as usize;
        self.latencies.get(place.min(self.latencies.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// Runs `callers` tasks for the measuring time; each calls `request(n)` with a number of its own, again and again.
pub async fn closed_loop<F, W>(callers: usize, request: F) -> Result<Measured>
where
    F: Fn(usize, u64) -> W + Send + Sync + 'static,
    W: Future<Output = Result<()>> + Send,
{
    closed_loop_for(MEASURE, callers, request).await
}

/// As [`closed_loop`], for another time than the usual.
pub async fn closed_loop_for<F, W>(length: Duration, callers: usize, request: F) -> Result<Measured>
where
    F: Fn(usize, u64) -> W + Send + Sync + 'static,
    W: Future<Output = Result<()>> + Send,
{
    let (request, next) = (Arc::new(request), Arc::new(AtomicU64::new(0)));
    let started = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (request, next) = (Arc::clone(&request), Arc::clone(&next));
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while started.elapsed() < length {
                    let asked = Instant::now();
                    request(caller, next.fetch_add(1, Ordering::Relaxed)).await?;
                    latencies.push(asked.elapsed());
                }
                Result::Ok(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok(Measured::new(latencies.len() as u64, started.elapsed(), latencies))
}

/// Waits as a caller does who comes again later.
#[expect(clippy::disallowed_methods, reason = "callers live in real time")]
pub async fn pause(length: Duration) {
    tokio::time::sleep(length).await;
}

/// The median time of an fdatasync after a small append, on the disk of the temporary directory.
pub fn disk_p50() -> Result<Duration> {
    Ok(disk()?.p50())
}

/// As [`disk_p50`], with the whole of the times.
pub fn disk() -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let mut file = OpenOptions::new().create(true).append(true).open(folder.path().join("disk"))?;
    let mut times = Vec::new();
    for _ in 0..200 {
        file.write_all(&[0; 100])?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed());
    }
    Ok(Measured::new(0, Duration::ZERO, times))
}

/// Bytes of memory that a process has: its number, or `self`.
pub fn resident(process: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
}
