//! A sale that is killed in the middle, and what is left of what was told.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use boxoffice::id::OccurrenceId;
use boxoffice::persist::{Location, Seq};
use jiff::civil::Date;
use tokio::sync::mpsc;

use super::{Plan, sale};
use crate::args::OnsaleArgs;
use crate::audit::{Acknowledged, Acknowledgements, audit, lost};
use crate::error::HostError;

/// What the killed process had told.
#[derive(Debug, Default)]
pub(super) struct Crashed {
    told: Acknowledgements,
    count: u64,
    killed: bool,
}

/// What the reopened store says to it.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) told: Acknowledgements,
    pub(super) acknowledged: u64,
    /// False when the sale was over before there was anything to kill.
    pub(super) killed: bool,
    pub(super) lost: Vec<String>,
    pub(super) breaches: Vec<String>,
    pub(super) reopened_in: Duration,
}

/// In the child: sells, and writes a line for each acknowledgement once it was given.
pub(super) async fn sell_and_acknowledge(plan: &Plan, place: &Location) -> Result<(), HostError> {
    let (acks, mut told) = mpsc::unbounded_channel();
    let writer = tokio::task::spawn_blocking(move || {
        let mut out = io::BufWriter::new(io::stdout().lock());
        while let Some((occurrence, ack)) = told.blocking_recv() {
            write_line(&mut out, &occurrence, &ack)?;
            if told.is_empty() {
                out.flush()?;
            }
        }
        out.flush()
    });
    sale::run(plan, place, false, Some(acks)).await?;
    let failed = |error| HostError::System { doing: "write acknowledgements", error };
    writer.await.unwrap_or(Ok(())).map_err(failed)
}

fn write_line(out: &mut impl Write, occurrence: &OccurrenceId, ack: &Acknowledged) -> io::Result<()> {
    // Ids hold no control characters, so tabs separate.
    writeln!(out, "{}\t{}\t{}\t{occurrence}", ack.seq, ack.outcome, ack.attendee)
}

fn read_line(line: &str) -> Option<(OccurrenceId, Acknowledged)> {
    let mut fields = line.splitn(4, '\t');
    let seq = Seq::new(fields.next()?.parse().ok()?);
    let (outcome, attendee) = (fields.next()?.to_owned(), fields.next()?.to_owned());
    Some((fields.next()?.parse().ok()?, Acknowledged { seq, outcome, attendee }))
}

/// In the parent: starts a selling child, kills it after so many acknowledgements, and gives what it had told.
pub(super) fn sell_and_kill(
    args: &OnsaleArgs,
    (from, to): (Date, Date),
    place: &Location,
    after: u64,
) -> Result<Crashed, HostError> {
    let failed = |error| HostError::System { doing: "run the selling process", error };
    let program = std::env::current_exe().map_err(failed)?;
    let mut child = Command::new(program)
        .arg("onsale")
        .arg("--acknowledge")
        .arg("--calendar")
        .arg(&args.calendar)
        .args(["--store", &place.to_string()])
        .args(["--from", &from.to_string(), "--to", &to.to_string()])
        .args(["--capacity", &args.capacity.to_string(), "--buyers", &args.buyers.to_string()])
        .args(["--concurrency", &args.concurrency.to_string()])
        .args(["--hold-percent", &args.hold_percent.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let mut crashed = Crashed::default();
    let stdout = child.stdout.take().ok_or_else(|| failed(io::Error::from(io::ErrorKind::BrokenPipe)))?;
    let mut lines = BufReader::new(stdout);
    let mut line = String::new();
    // After the kill, what it had written before still comes out of the pipe: that was told too.
    while lines.read_line(&mut line).map_err(failed)? > 0 {
        if let Some((occurrence, ack)) = line.strip_suffix('\n').and_then(read_line) {
            crashed.told.entry(occurrence).or_default().push(ack);
            crashed.count += 1;
        }
        if crashed.count == after {
            // std kills with SIGKILL: the child gets no chance to tidy up.
            child.kill().map_err(failed)?;
        }
        line.clear();
    }
    let status = child.wait().map_err(failed)?;
    crashed.killed = status.code().is_none();
    if !crashed.killed && !status.success() {
        return Err(HostError::Usage(format!("the selling process failed by itself: {status}")));
    }
    Ok(crashed)
}

/// Reopens the store and compares.
pub(super) async fn compare(place: &Location, crashed: Crashed) -> Result<Compared, HostError> {
    let Crashed { told, count, killed } = crashed;
    let started = Instant::now();
    let store = place.open(false)?;
    let reopened_in = started.elapsed();
    let lost = lost(&*store, &told).await?;
    let breaches = audit(&*store).await?.breaches;
    Ok(Compared { told, acknowledged: count, killed, lost, breaches, reopened_in })
}
