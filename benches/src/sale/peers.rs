//! The same sale in databases: seats given a second until none is left, then refusals a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior, params};

use super::{House, insist, nth, title, who};
use crate::Result;
use crate::load::{Measured, closed_loop, pause};
use crate::postgres::{Cluster, Way};
use boxoffice::booking::BookingCommand;

const CALLERS: usize = 64;
const SEATS: u32 = 20_000;

/// Answers in the measuring time, and how many of them gave a seat. The sale may end before the time does.
struct Sold {
    seats: u64,
    /// Until the last seat was given, or the time was over.
    within: Duration,
    /// Of whoever came to a house that was sold out.
    refused: Measured,
}

/// Callers that want seats until none is left; `ask` says whether one was given.
async fn sell<F, W>(ask: F) -> Result<(u64, Duration)>
where
    F: Fn(usize, u64) -> W + Send + Sync + 'static,
    W: Future<Output = Result<bool>> + Send,
{
    let (ask, given, started) = (Arc::new(ask), Arc::new(AtomicU64::new(0)), Instant::now());
    let last = Arc::new(AtomicU64::new(0));
    let (count, latest) = (Arc::clone(&given), Arc::clone(&last));
    closed_loop(CALLERS, move |caller, n| {
        let (ask, count, latest) = (Arc::clone(&ask), Arc::clone(&count), Arc::clone(&latest));
        async move {
            if ask(caller, n).await? {
                count.fetch_add(1, Ordering::Relaxed);
                latest.fetch_max(started.elapsed().as_micros() as u64, Ordering::Relaxed);
            } else {
                // Sold out: whoever goes on asking would only slow down those who are served.
                pause(Duration::from_millis(5)).await;
            }
            Ok(())
        }
    })
    .await?;
    Ok((given.load(Ordering::Relaxed), Duration::from_micros(last.load(Ordering::Relaxed))))
}

async fn ours() -> Result<Sold> {
    let (house, evening) = (House::open(|builder| builder)?, nth(0)?);
    house.on_sale(std::slice::from_ref(&evening), SEATS).await?;
    let (office, at) = (house.office.clone(), evening.clone());
    let (seats, within) = sell(move |_, n| {
        let (office, at) = (office.clone(), at.clone());
        async move { Ok(insist(&office, &at, BookingCommand::book(who(n)?)).await?.0.outcome.is_accepted()) }
    })
    .await?;
    // The rest, so that whoever comes now is refused.
    for n in seats..u64::from(SEATS) {
        let _sold = house.office.book(&evening, &who((1 << 40) + n)?).await?;
    }
    let (office, at) = (house.office.clone(), evening.clone());
    let refused = closed_loop(CALLERS, move |_, n| {
        let (office, at) = (office.clone(), at.clone());
        async move {
            let reply = office.book(&at, &who((1 << 41) + n)?).await?;
            if reply.outcome.is_accepted() { Err("oversold".into()) } else { Ok(()) }
        }
    })
    .await?;
    assert_eq!(house.audit(&evening).await?.0.over, 0);
    house.office.shutdown().await;
    Ok(Sold { seats, within, refused })
}

/// One transaction at a time, each with its sync: SQLite has one writer.
async fn sqlite() -> Result<Sold> {
    let folder = tempfile::tempdir()?;
    let connection = Connection::open(folder.path().join("sale.db"))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE occurrence (id INTEGER PRIMARY KEY, sold INTEGER NOT NULL, capacity INTEGER NOT NULL);
         CREATE TABLE booking (occurrence INTEGER, attendee TEXT, PRIMARY KEY (occurrence, attendee)) WITHOUT ROWID;",
    )?;
    connection.execute("INSERT INTO occurrence VALUES (0, 0, ?1)", params![SEATS])?;
    let connection = Arc::new(std::sync::Mutex::new(connection));
    let book = move |n: u64| -> Result<bool> {
        let mut connection = connection.lock().map_err(|_| "a caller panicked")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let take = "UPDATE occurrence SET sold = sold + 1 WHERE id = 0 AND sold < capacity";
        let given = transaction.prepare_cached(take)?.execute([])? == 1;
        if given {
            let insert = "INSERT INTO booking VALUES (0, ?1)";
            transaction.prepare_cached(insert)?.execute(params![format!("buyer-{n}")])?;
        }
        transaction.commit()?;
        Ok(given)
    };
    let book = Arc::new(book);
    let selling = Arc::clone(&book);
    let (seats, within) = sell(move |_, n| {
        let book = Arc::clone(&selling);
        async move { tokio::task::spawn_blocking(move || book(n)).await? }
    })
    .await?;
    for n in seats..u64::from(SEATS) {
        book((1 << 40) + n)?;
    }
    let refused = closed_loop(CALLERS, move |_, n| {
        let book = Arc::clone(&book);
        async move {
            if tokio::task::spawn_blocking(move || book((1 << 41) + n)).await?? {
                Err("oversold".into())
            } else {
                Ok(())
            }
        }
    })
    .await?;
    Ok(Sold { seats, within, refused })
}

async fn postgres(cluster: &Cluster, way: Way) -> Result<Sold> {
    let pool = cluster.sale(way, SEATS).await?;
    let selling = Arc::clone(&pool);
    let (seats, within) = sell(move |caller, n| {
        let pool = Arc::clone(&selling);
        async move { pool.book(caller, n).await }
    })
    .await?;
    pool.sell_out().await?;
    let refused = closed_loop(CALLERS, move |caller, n| {
        let pool = Arc::clone(&pool);
        async move { if pool.book(caller, (1 << 40) + n).await? { Err("oversold".into()) } else { Ok(()) } }
    })
    .await?;
    Ok(Sold { seats, within, refused })
}

/// Side by side: one occurrence, 64 callers.
pub async fn peers() -> Result<()> {
    title("one occurrence of 20,000 seats, 64 callers")?;
    println!(
        "| system | seats/s | times less than ours | refusals/s, sold out | p99 of a refusal | times less than ours |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    let cluster = Cluster::start()?;
    let ours = ours().await?;
    let rate = |sold: &Sold| sold.seats as f64 / sold.within.as_secs_f64().max(1e-9);
    let row = |name: &str, sold: &Sold| {
        println!(
            "| {name} | {:.0} | {:.1} | {} | {} us | {:.1} |",
            rate(sold),
            rate(&ours) / rate(sold).max(1e-9),
            sold.refused.rate(),
            sold.refused.quantile(0.99).as_micros(),
            ours.refused.rate() as f64 / sold.refused.rate().max(1) as f64
        );
    };
    row("boxoffice", &ours);
    if let Some(cluster) = &cluster {
        row("PostgreSQL, row update", &postgres(cluster, Way::Counter).await?);
        row("PostgreSQL, a row for each seat, SKIP LOCKED", &postgres(cluster, Way::SkipLocked).await?);
    }
    row("SQLite, BEGIN IMMEDIATE, WAL, FULL", &sqlite().await?);
    Ok(())
}
