//! A herd of reminders: all due within one minute, to 100,000 people, by a channel with a ledger; one in ten is refused once.
//! In the middle everything is stopped and started again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use boxoffice::BoxOffice;
use boxoffice::clock::{Clock, SystemClock};
use boxoffice::flows::{FlowCx, FlowError, FlowId, FlowOutcome, FlowStatus, Flows, Jitter, Program, RetryPolicy};
use boxoffice::id::{AttendeeId, NoticeId};
use boxoffice::notify::flows::deliver;
use boxoffice::notify::{
    Blame, Channel, ChannelOptions, Delivery, EventFacts, Letter, Notice, NoticeKind, Profile, Reader, ReminderFacts,
    SendOutcome, Transport, put_profile,
};
use boxoffice::persist::{Backend, FjallBackend, Payload, SledBackend, Transaction};
use boxoffice::time::Timestamp;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::Result;

/// Starts that are on their way at once.
const SENDERS: usize = 1_024;
/// The minute in which they are due.
const MINUTE: Duration = Duration::from_secs(60);

/// Takes letters and counts them; tells repetitions, as most receivers of webhooks and pushes do.
#[derive(Clone, Debug, Default)]
struct Postbox(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    attempts: u32,
    refused: BTreeSet<String>,
    letters: BTreeSet<String>,
}

#[async_trait]
impl Transport for Postbox {
    fn dedupes(&self) -> bool {
        true
    }

    async fn send(&self, letter: &Letter) -> SendOutcome {
        let id = letter.id.as_str().to_owned();
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.attempts += 1;
        if id.ends_with('7') && taken.refused.insert(id.clone()) {
            return SendOutcome::Retry { reason: "busy".into(), after: None, blame: Blame::Letter };
        }
        // A repetition is known by its id, and has no effect.
        taken.letters.insert(id);
        SendOutcome::Ok { info: "taken".into() }
    }
}

impl Postbox {
    /// Letters that are there, and attempts.
    fn count(&self) -> (usize, u32) {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (taken.letters.len(), taken.attempts)
    }
}

async fn remind(cx: FlowCx, (at, notice): (Timestamp, Notice)) -> std::result::Result<Delivery, FlowError> {
    cx.sleep_until("due", at).await?;
    let second = Duration::from_secs(1);
    let policy = RetryPolicy::growing(second / 10, second).map_err(FlowError::failed)?.jitter(Jitter::Full);
    deliver(&cx, &notice, &policy).await
}

struct House {
    office: BoxOffice,
    flows: Flows,
    channel: Channel,
}

fn open(engine: &str, folder: &Path, postbox: &Postbox) -> Result<House> {
    let office = match engine {
        "sled" => BoxOffice::builder().store(SledBackend::open(folder)?).start()?,
        _ => BoxOffice::builder().store(FjallBackend::open(folder)?).start()?,
    };
    let channel =
        Channel::start(ChannelOptions::new("post", postbox.clone())?.window(256).waiting_max(1 << 16), &office)?;
    let flows = Flows::builder()
        .program(Program::new("remind", 1, remind)?)
        .performer(&channel.performer(), channel.clone())
        .start(&office)?;
    Ok(House { office, flows, channel })
}

impl House {
    async fn close(self) {
        self.channel.shutdown().await;
        self.flows.shutdown().await;
        self.office.shutdown().await;
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn flow(n: u64) -> Result<FlowId> {
    Ok(format!("remind/{n}").parse()?)
}

async fn profiles(office: &BoxOffice, count: u64) -> Result<()> {
    for first in (0..count).step_by(1_000) {
        let mut transaction = Transaction::new();
        for n in first..count.min(first + 1_000) {
            let profile = Profile::new("Europe/Berlin").reached("post", format!("{n}@example.org"));
            transaction = transaction.write(put_profile(&AttendeeId::new(format!("a{n}"))?, &profile)?);
        }
        if !office.shared_writer().commit_one(transaction).await?.is_done() {
            return Err("profiles were refused".into());
        }
    }
    Ok(())
}

async fn send(flows: &Flows, n: u64, at: Timestamp) -> Result<()> {
    let facts = Payload::new(&ReminderFacts {
        reader: Reader { name: None, unsubscribe: None },
        event: EventFacts {
            summary: "Chess".into(),
            starts: at,
            ends: at + Duration::from_secs(7_200),
            zone: "Europe/Berlin".into(),
            all_day: false,
            location: None,
            url: None,
        },
        seats: 1,
        places: Vec::new(),
    })?;
    let notice = Notice {
        id: NoticeId::new(format!("reminder-{n}"))?,
        kind: NoticeKind::Reminder,
        to: AttendeeId::new(format!("a{n}"))?,
        channel: "post".into(),
        critical: false,
        facts,
        until: None,
        thread: None,
    };
    match flows.start(&flow(n)?, &(at, notice)).await? {
        FlowOutcome::Started => Ok(()),
        other => Err(format!("a reminder was not started: {}", other.name()).into()),
    }
}

async fn end(flows: &Flows, n: u64) -> Result<()> {
    match flows.end(&flow(n)?).await? {
        FlowStatus::Completed(_) => Ok(()),
        other => Err(format!("reminder {n} ended so: {other:?}").into()),
    }
}

/// Sends so many reminders, lets them fall due over one minute that has passed when the flows are started, and drains them.
pub async fn herd(engine: &str, count: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (path, postbox) = (folder.path().join("store"), Postbox::default());
    let house = open(engine, &path, &postbox)?;
    profiles(&house.office, count).await?;
    // Due from now on for a minute, but not before all are there.
    let lead = Duration::from_micros(250) * u32::try_from(count)? + Duration::from_secs(5);
    let due = now() + lead;
    let began = Instant::now();
    let flows = &house.flows;
    let spread = |n| due + MINUTE * u32::try_from(n % 60_000).unwrap_or_default() / 60_000;
    let at = |n| Timestamp::from_millis(i64::try_from(spread(n).as_millis()).unwrap_or(i64::MAX));
    let sent: Vec<Result<()>> =
        stream::iter(0..count).map(|n| send(flows, n, at(n))).buffer_unordered(SENDERS).collect().await;
    sent.into_iter().collect::<Result<()>>()?;
    let taken_in = began.elapsed();
    house.close().await;
    // The whole minute is over when somebody comes back: that is the herd.
    SystemClock.sleep_until(at(59_999)).await;
    let started = Instant::now();
    let house = open(engine, &path, &postbox)?;
    while u64::try_from(postbox.count().0)? < count / 2 {
        SystemClock.sleep_until(SystemClock.now() + Duration::from_millis(5)).await;
    }
    let half = started.elapsed();
    house.close().await;
    let again = Instant::now();
    let house = open(engine, &path, &postbox)?;
    while u64::try_from(postbox.count().0)? < count {
        SystemClock.sleep_until(SystemClock.now() + Duration::from_millis(5)).await;
    }
    let rest = again.elapsed();
    // Whoever was started again by the restart has its end recorded too; each is looked at.
    let ends = stream::iter(0..count).map(|n| end(&house.flows, n)).buffer_unordered(SENDERS);
    ends.try_collect::<()>().await?;
    let recorded = half + again.elapsed();
    let (letters, attempts) = postbox.count();
    let state = house.channel.state();
    house.close().await;
    let lost = count - u64::try_from(letters)?;
    let drained = half + rest;
    println!(
        "| {engine} | {count} | {} ms | {} ms | {} ms | {} ms | {:.0} | {} ms | {attempts} | {lost} |",
        taken_in.as_millis(),
        half.as_millis(),
        rest.as_millis(),
        drained.as_millis(),
        count as f64 / drained.as_secs_f64(),
        recorded.as_millis(),
    );
    println!("(channel at the end: {state:?})");
    Ok(())
}

/// The curve up to `most` reminders.
pub async fn herds(most: u64) -> Result<()> {
    println!("\nreminders due within one minute that has passed, one in ten refused once, restart when half is sent\n");
    println!(
        "| engine | reminders | taken in within | first half | restart and second half | drained within | reminders/s | \
         every end looked at within | attempts | lost |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for engine in ["fjall", "sled"] {
        let mut count = 1_000;
        while count <= most {
            herd(engine, count).await?;
            count *= 10;
        }
    }
    Ok(())
}
