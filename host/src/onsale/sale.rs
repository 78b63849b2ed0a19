//! The sale itself: many buyers at the counter of a box office.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use boxoffice::booking::{BookingCommand, BookingReply, Seats};
use boxoffice::id::{AttendeeId, OccurrenceId};
use boxoffice::persist::Location;
use boxoffice::{BoxOffice, BoxOfficeError, Stats};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Plan;
use super::buyers::{HOLD_TO_FORGET, HOLD_TO_PAY, Intent, buyer};
use crate::audit::{Acknowledged, Acknowledgements};
use crate::error::HostError;

/// What was told to whom, as it happens.
pub(super) type Acks = mpsc::UnboundedSender<(OccurrenceId, Acknowledged)>;

/// What came of a sale.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sold {
    pub(crate) outcomes: BTreeMap<&'static str, u64>,
    pub(crate) busy: u64,
    pub(crate) acknowledged: Acknowledgements,
    /// Of each request, in microseconds, ascending.
    pub(crate) latencies_us: Vec<u32>,
    pub(crate) elapsed: Duration,
    pub(crate) stats: Stats,
}

struct Counter {
    office: BoxOffice,
    plan: Plan,
    next: AtomicU64,
    progress: ProgressBar,
    acks: Option<Acks>,
}

/// Puts everything on sale and serves all buyers. The store is closed afterwards.
pub(super) async fn run(plan: &Plan, place: &Location, show: bool, acks: Option<Acks>) -> Result<Sold, HostError> {
    // Both engines lock their directory: there is nobody else.
    let office = BoxOffice::builder().shared_store(place.open(true)?).alone().start()?;
    let buyers = if plan.occurrences.is_empty() { 0 } else { plan.buyers };
    let progress = if show { ProgressBar::new(buyers) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} buyers  {per_sec}  {msg}") {
        progress.set_style(style);
    }
    let plan = Plan { buyers, ..plan.clone() };
    let counter = Arc::new(Counter { office: office.clone(), plan, next: AtomicU64::new(0), progress, acks });
    let mut sold = Sold::default();
    merge(&mut sold, serve(&counter, open_all).await?);
    // Opening is not part of the race.
    sold.latencies_us.clear();
    counter.progress.set_message("");
    counter.next.store(0, Ordering::SeqCst);
    let started = Instant::now();
    merge(&mut sold, serve(&counter, serve_buyers).await?);
    sold.elapsed = started.elapsed();
    counter.progress.finish_and_clear();
    sold.latencies_us.sort_unstable();
    sold.stats = counter.office.stats();
    drop(counter);
    office.shutdown().await;
    Ok(sold)
}

async fn serve<F, W>(counter: &Arc<Counter>, work: F) -> Result<Vec<Sold>, HostError>
where
    F: Fn(Arc<Counter>) -> W,
    W: Future<Output = Result<Sold, HostError>> + Send + 'static,
{
    let mut workers = JoinSet::new();
    for _ in 0..counter.plan.concurrency {
        workers.spawn(work(Arc::clone(counter)));
    }
    let mut all = Vec::new();
    while let Some(worker) = workers.join_next().await {
        let ended = |error: tokio::task::JoinError| HostError::Usage(format!("a worker panicked: {error}"));
        all.push(worker.map_err(ended)??);
    }
    Ok(all)
}

fn merge(sold: &mut Sold, parts: Vec<Sold>) {
    for part in parts {
        for (name, count) in part.outcomes {
            *sold.outcomes.entry(name).or_default() += count;
        }
        for (occurrence, told) in part.acknowledged {
            sold.acknowledged.entry(occurrence).or_default().extend(told);
        }
        sold.busy += part.busy;
        sold.latencies_us.extend(part.latencies_us);
    }
}

async fn open_all(counter: Arc<Counter>) -> Result<Sold, HostError> {
    let mut sold = Sold::default();
    let capacity = Seats::new(counter.plan.capacity);
    while let Some(occurrence) = counter.next_occurrence() {
        let reply = counter.ask(&mut sold, &occurrence, BookingCommand::Open { capacity }, "").await?;
        counter.progress.set_message(reply.outcome.name());
    }
    Ok(sold)
}

async fn serve_buyers(counter: Arc<Counter>) -> Result<Sold, HostError> {
    let mut sold = Sold::default();
    loop {
        let number = counter.next.fetch_add(1, Ordering::SeqCst);
        if number >= counter.plan.buyers {
            return Ok(sold);
        }
        counter.serve_one(&mut sold, number).await?;
        counter.progress.inc(1);
    }
}

impl Counter {
    fn next_occurrence(&self) -> Option<OccurrenceId> {
        let place = usize::try_from(self.next.fetch_add(1, Ordering::SeqCst)).ok()?;
        self.plan.occurrences.get(place).cloned()
    }

    async fn serve_one(&self, sold: &mut Sold, number: u64) -> Result<(), HostError> {
        let who = buyer(number, self.plan.occurrences.len(), self.plan.hold_percent);
        let Some(occurrence) = self.plan.occurrences.get(who.wants) else {
            return Ok(());
        };
        let name = format!("buyer-{number}");
        let attendee = AttendeeId::new(&name).map_err(|error| HostError::Usage(error.to_string()))?;
        let book = || BookingCommand::book(attendee.clone());
        let hold = |hold_for| BookingCommand::hold(attendee.clone(), hold_for);
        let commands = match who.intent {
            Intent::Book => vec![book()],
            Intent::BookTwice => vec![book(), book()],
            Intent::BookAndCancel => vec![book(), BookingCommand::Cancel { attendee: attendee.clone() }],
            Intent::HoldAndConfirm => {
                vec![hold(HOLD_TO_PAY), BookingCommand::Confirm { attendee: attendee.clone() }]
            }
            Intent::HoldAndRelease => {
                vec![hold(HOLD_TO_PAY), BookingCommand::Release { attendee: attendee.clone() }]
            }
            Intent::HoldAndForget => vec![hold(HOLD_TO_FORGET)],
        };
        for command in commands {
            let reply = self.ask(sold, occurrence, command, &name).await?;
            if !reply.outcome.is_accepted() {
                break;
            }
        }
        Ok(())
    }

    async fn ask(
        &self,
        sold: &mut Sold,
        occurrence: &OccurrenceId,
        command: BookingCommand,
        attendee: &str,
    ) -> Result<BookingReply, HostError> {
        let started = Instant::now();
        let reply = loop {
            match self.office.run(occurrence, command.clone()).await {
                Ok(reply) => break reply,
                Err(BoxOfficeError::Busy { .. }) => {
                    sold.busy += 1;
                    tokio::task::yield_now().await;
                }
                Err(error) => return Err(error.into()),
            }
        };
        sold.latencies_us.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
        *sold.outcomes.entry(reply.outcome.name()).or_default() += 1;
        if reply.outcome.is_accepted() {
            let outcome = reply.outcome.name().to_owned();
            let told = Acknowledged { seq: reply.seq, outcome, attendee: attendee.to_owned() };
            if let Some(acks) = &self.acks {
                if acks.send((occurrence.clone(), told)).is_err() {
                    return Err(HostError::Usage("nobody reads the acknowledgements".to_owned()));
                }
            } else {
                sold.acknowledged.entry(occurrence.clone()).or_default().push(told);
            }
        }
        Ok(reply)
    }
}
