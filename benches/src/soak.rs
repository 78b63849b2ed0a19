//! A long sale with kills and store faults: what was told is there, nothing is oversold, no hold outlives its deadline, and
//! memory stays as it is.
//!
//! The parent starts a child that sells, kills it after a while, and follows every stream from where it left off with an
//! auditor of its own; then it starts the next child on the same store.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use boxoffice::booking::{
    Auditor, BookingCommand, BookingEvent, ChainHash, Party, Seats, Settings, Waitlist, booking_stream, decode,
};
use boxoffice::id::AttendeeId;
use boxoffice::persist::{
    Backend, CommitOutcome, Committed, Cursor, Durability, Fault, Head, IdempotencyKey, Key, Location, Page, Payload,
    RecordedEvent, Seq, Stats, StreamName, Transaction,
};
use boxoffice::time::Timestamp;
use boxoffice::{BoxOffice, BoxOfficeError};

use crate::Result;
use crate::load::pause;
use crate::sale::{mix, nth, resident, zipf};

const OCCURRENCES: usize = 1_000;
const CAPACITY: u32 = 200;
const CALLERS: u64 = 64;
/// How long a child lives, in seconds, one after the other: short lives find what a kill breaks, the long one what leaks.
const LIVES: [u64; 6] = [5, 8, 13, 21, 34, 180];
/// A hold may be recorded as lapsed this much after its deadline, as long as a child lives.
const LATE: Duration = Duration::from_secs(2);

fn open(place: &str) -> Result<Arc<dyn Backend>> {
    Ok(place.parse::<Location>()?.open(true)?)
}

fn now() -> Timestamp {
    Timestamp::EPOCH + SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// A store of whose commits one in a thousand fails before it writes, and one in a thousand after.
#[derive(Debug)]
struct Faulty(Arc<dyn Backend>, AtomicU64);

#[async_trait]
impl Backend for Faulty {
    fn durability(&self) -> Durability {
        self.0.durability()
    }
    fn stats(&self) -> Stats {
        self.0.stats()
    }
    async fn commit(&self, transactions: Vec<Transaction>) -> std::result::Result<Vec<CommitOutcome>, Fault> {
        match mix(self.1.fetch_add(1, Ordering::Relaxed)) % 1_000 {
            0 => Err(Fault::Unavailable { reason: "injected".into() }),
            1 => self.0.commit(transactions).await.and(Err(Fault::Unknown { reason: "injected".into() })),
            _ => self.0.commit(transactions).await,
        }
    }
    async fn head(&self, stream: &StreamName) -> std::result::Result<Head, Fault> {
        self.0.head(stream).await
    }
    async fn read(&self, at: &StreamName, from: Seq, limit: usize) -> std::result::Result<Vec<RecordedEvent>, Fault> {
        self.0.read(at, from, limit).await
    }
    async fn read_all(&self, after: Cursor, limit: usize) -> std::result::Result<Page, Fault> {
        self.0.read_all(after, limit).await
    }
    async fn streams(&self, after: Option<&StreamName>, limit: usize) -> std::result::Result<Vec<StreamName>, Fault> {
        self.0.streams(after, limit).await
    }
    async fn recall(&self, key: &IdempotencyKey) -> std::result::Result<Option<Committed>, Fault> {
        self.0.recall(key).await
    }
    async fn get(&self, key: &Key) -> std::result::Result<Option<Payload>, Fault> {
        self.0.get(key).await
    }
    async fn scan(
        &self,
        prefix: &str,
        after: Option<&Key>,
        limit: usize,
    ) -> std::result::Result<Vec<(Key, Payload)>, Fault> {
        self.0.scan(prefix, after, limit).await
    }
    async fn truncate(&self, stream: &StreamName, through: Seq) -> std::result::Result<(), Fault> {
        self.0.truncate(stream, through).await
    }
}

/// Sells until it is killed, on a store such as `sled:DIR`; `seed` says to whom. Writes a line for each acknowledgement: occurrence, sequence number, receipt.
pub async fn child(place: &str, seed: u64) -> Result<()> {
    let store = Faulty(open(place)?, AtomicU64::new(seed << 32));
    let builder = BoxOffice::builder().store(store).owners_max(300).idle_after(Duration::from_secs(2));
    let office = builder.restart_budget(1_000_000, Duration::from_secs(1)).start()?;
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let office = office.clone();
        callers.spawn(async move {
            for n in 0_u64.. {
                ask(&office, mix(seed ^ mix(caller << 32 | n))).await?;
            }
            Result::Ok(())
        });
    }
    callers.spawn(async move {
        loop {
            println!("rss {}", resident()? >> 20);
            pause(Duration::from_secs(1)).await;
        }
    });
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    Ok(())
}

fn attendee(n: u64) -> Result<AttendeeId> {
    Ok(AttendeeId::new(format!("p{}", n % 400))?)
}

fn command(n: u64) -> Result<BookingCommand> {
    let attendee = attendee(mix(n))?;
    Ok(match mix(n ^ 1) % 100 {
        0..35 => BookingCommand::book(attendee),
        35..60 => BookingCommand::hold(attendee, Duration::from_millis(20 + mix(n ^ 2) % 5_000)),
        60..72 => BookingCommand::Confirm { attendee },
        72..92 => BookingCommand::Cancel { attendee },
        92..96 => BookingCommand::Transfer { from: attendee, to: self::attendee(mix(n ^ 3))? },
        96..99 => BookingCommand::Wait { attendee, party: Party::of(1 + (mix(n ^ 4) % 3) as u32) },
        _ => BookingCommand::Block { seats: Seats::new((mix(n ^ 5) % 20) as u32) },
    })
}

async fn ask(office: &BoxOffice, n: u64) -> Result<()> {
    let place = zipf(n, OCCURRENCES);
    let occurrence = nth(place)?;
    let command = command(n)?;
    let mut told = office.run(&occurrence, command.clone()).await;
    if matches!(&told, Ok(reply) if reply.outcome.name() == "not_on_sale") {
        tell(place, office.run(&occurrence, BookingCommand::Open { capacity: Seats::new(CAPACITY) }).await)?;
        let waitlist = Some(Waitlist { offer_for: Duration::from_millis(500), pass_over: place.is_multiple_of(2) });
        let settings = Settings { waitlist, ..Settings::default() };
        tell(place, office.run(&occurrence, BookingCommand::Set { settings }).await)?;
        told = office.run(&occurrence, command).await;
    }
    if let Err(BoxOfficeError::Busy { retry_after } | BoxOfficeError::Failing { retry_after }) = &told {
        pause(*retry_after).await;
    }
    tell(place, told)
}

fn tell(place: usize, told: std::result::Result<boxoffice::booking::BookingReply, BoxOfficeError>) -> Result<()> {
    match told {
        Ok(reply) if reply.outcome.is_accepted() => {
            // One line in one write, so that a kill leaves none in halves.
            let line = format!("{place} {} {}\n", reply.seq.get(), reply.hash);
            Ok(std::io::stdout().lock().write_all(line.as_bytes())?)
        }
        Ok(_) | Err(BoxOfficeError::Busy { .. } | BoxOfficeError::Failing { .. } | BoxOfficeError::Store(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A stream as far as it was followed.
#[derive(Default)]
struct Followed {
    auditor: Auditor,
    seq: Seq,
    hash: ChainHash,
}

#[derive(Default)]
struct Report {
    kills: u64,
    acknowledged: u64,
    lost: u64,
    events: u64,
    breaches: u64,
    overdue: u64,
    lapses: u64,
    /// Lapses that came later than they may, of holds whose deadline was in the life of the child that recorded them.
    late: u64,
}

/// What a child told: receipts by occurrence and sequence number, and its memory second by second.
type Told = (BTreeMap<(usize, u64), String>, Vec<u64>);

fn listen(child: &mut Child) -> Result<std::thread::JoinHandle<Told>> {
    let lines = BufReader::new(child.stdout.take().ok_or("a child has an output")?).lines();
    Ok(std::thread::spawn(move || {
        let (mut acknowledged, mut memory) = (BTreeMap::new(), Vec::new());
        for line in lines.map_while(std::io::Result::ok) {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["rss", mib] => memory.extend(mib.parse::<u64>()),
                [place, seq, hash] if hash.len() == 64 => {
                    if let (Ok(place), Ok(seq)) = (place.parse(), seq.parse()) {
                        acknowledged.insert((place, seq), (*hash).to_owned());
                    }
                }
                _ => {}
            }
        }
        (acknowledged, memory)
    }))
}

/// Follows what was written since the last time, and looks for each acknowledgement in it.
async fn follow(
    store: &dyn Backend,
    followed: &mut [Followed],
    mut told: BTreeMap<(usize, u64), String>,
    born: Timestamp,
    report: &mut Report,
) -> Result<()> {
    report.acknowledged += told.len() as u64;
    for (place, known) in followed.iter_mut().enumerate() {
        let stream = booking_stream(&nth(place)?);
        loop {
            let page = store.read(&stream, known.seq.next(), 4_096).await?;
            for recorded in &page {
                let event = decode(recorded)?;
                let deadline = match &event {
                    BookingEvent::HoldLapsed { attendee } => {
                        known.auditor.seats().find(|(name, _)| *name == attendee).and_then(|(_, until)| until)
                    }
                    _ => None,
                };
                if let Some(deadline) = deadline {
                    report.lapses += 1;
                    report.late += u64::from(recorded.at > deadline.max(born) + LATE);
                }
                if let Err(breach) = known.auditor.check(recorded.seq, recorded.at, &event) {
                    report.breaches += 1;
                    eprintln!("{stream}: {breach}");
                }
                (known.seq, known.hash) = (recorded.seq, known.hash.then(recorded.at, &event));
                report.events += 1;
                if let Some(receipt) = told.remove(&(place, recorded.seq.get())) {
                    report.lost += u64::from(receipt != known.hash.to_string());
                }
            }
            if page.len() < 4_096 {
                break;
            }
        }
    }
    // Whatever was told and is not there.
    report.lost += told.len() as u64;
    Ok(())
}

/// Runs for `seconds`, and prints what came of it.
pub async fn soak(seconds: u64, engine: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = format!("{engine}:{}", folder.path().join("store").display());
    let mut followed: Vec<Followed> = (0..OCCURRENCES).map(|_| Followed::default()).collect();
    let (mut report, started, mut longest) = (Report::default(), Instant::now(), Vec::new());
    for (seed, life) in LIVES.iter().cycle().enumerate() {
        if started.elapsed().as_secs() >= seconds {
            break;
        }
        let born = now();
        let mut child = Command::new(std::env::current_exe()?)
            .arg("soak-child")
            .arg(&place)
            .arg(seed.to_string())
            .stdout(Stdio::piped())
            .spawn()?;
        let told = listen(&mut child)?;
        pause(Duration::from_secs(*life)).await;
        child.kill()?;
        child.wait()?;
        report.kills += 1;
        let (acknowledged, memory) = told.join().map_err(|_| "whoever listens panicked")?;
        if memory.len() > longest.len() {
            longest = memory;
        }
        let store = open(&place)?;
        follow(&*store, &mut followed, acknowledged, born, &mut report).await?;
    }
    settle(&place, &mut followed, &mut report).await?;
    let Report { kills, acknowledged, lost, events, breaches, overdue, lapses, late } = report;
    println!(
        "| kills | events | acknowledged | lost | oversold or worse | lapses | of these late | holds past their deadline at the end |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    println!("| {kills} | {events} | {acknowledged} | {lost} | {breaches} | {lapses} | {late} | {overdue} |");
    let at = |part: usize| longest.get(longest.len() * part / 6).copied().unwrap_or_default();
    let curve: Vec<String> = (1..6).map(|part| at(part).to_string()).collect();
    println!(
        "\nmemory of the child that lived longest ({} s), MiB at equal intervals: {}",
        longest.len(),
        curve.join(", ")
    );
    if lost + breaches + overdue == 0 { Ok(()) } else { Err("the soak found something".into()) }
}

/// Starts a box office that nobody asks anything, and looks whether it lets everything lapse that is due.
async fn settle(place: &str, followed: &mut [Followed], report: &mut Report) -> Result<()> {
    let (store, born) = (open(place)?, now());
    let office = BoxOffice::builder().shared_store(Arc::clone(&store)).alone().start()?;
    // The longest hold, offers made of what lapsed, and some.
    pause(Duration::from_secs(12)).await;
    office.shutdown().await;
    follow(&*store, followed, BTreeMap::new(), born, report).await?;
    let due = now();
    let overdue =
        |known: &Followed| known.auditor.seats().filter(|(_, until)| until.is_some_and(|until| until < due)).count();
    report.overdue = followed.iter().map(|known| overdue(known) as u64).sum();
    Ok(())
}
