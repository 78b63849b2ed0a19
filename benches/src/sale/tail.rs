//! Very many occurrences of which each is hardly ever asked for, and requests that come to nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use boxoffice::BoxOffice;
use boxoffice::booking::{BookingCommand, Seats};
use boxoffice::persist::{Backend, SledBackend};

use super::{House, insist, millis, mix, nth, title, who};
use crate::Result;
use crate::load::closed_loop;

const CALLERS: usize = 512;

/// Bytes of memory that this process has.
pub fn resident() -> Result<u64> {
    crate::load::resident("self")
}

/// Each of the numbers below `count` once, by so many callers.
async fn each<F, W>(count: usize, work: F) -> Result<()>
where
    F: Fn(usize) -> W + Send + Sync + 'static,
    W: Future<Output = Result<()>> + Send,
{
    let (work, next) = (Arc::new(work), Arc::new(std::sync::atomic::AtomicUsize::new(0)));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (work, next) = (Arc::clone(&work), Arc::clone(&next));
        callers.spawn(async move {
            loop {
                let n = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if n >= count {
                    return Result::Ok(());
                }
                work(n).await?;
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    Ok(())
}

/// Many occurrences, one booking each: what a start of an owner costs, what an idle one, what a restart.
pub async fn tail(count: usize) -> Result<()> {
    const OWNERS_MAX: usize = 10_000;
    title("long tail: one booking in each of many occurrences, at most 10,000 owners in memory")?;
    println!(
        "| occurrences | opened and booked/s | bytes of memory each | of these in owners at work | bytes on disk each | \
         reopened in | first booking after | cold bookings/s |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for count in [count / 100, count / 10, count] {
        let house = House::open(|builder| builder.owners_max(OWNERS_MAX))?;
        let (before, started) = (resident()?, Instant::now());
        let office = house.office.clone();
        each(count, move |n| {
            let office = office.clone();
            async move {
                let occurrence = nth(n)?;
                let open = BookingCommand::Open { capacity: Seats::new(5) };
                assert!(insist(&office, &occurrence, open).await?.0.outcome.is_accepted());
                let booked = insist(&office, &occurrence, BookingCommand::book(who(n as u64)?)).await?;
                assert!(booked.0.outcome.is_accepted());
                Ok(())
            }
        })
        .await?;
        let (elapsed, busy) = (started.elapsed(), resident()?.saturating_sub(before));
        let owners = house.office.stats().owners;
        let House { folder, store, office } = house;
        office.shutdown().await;
        drop(store);
        let disk = size(folder.path())?;
        // What is left is the allocator's, and not given back: so memory is that of a new process' worth of store.
        let began = Instant::now();
        let store: Arc<dyn Backend> = Arc::new(SledBackend::open(folder.path())?);
        let office = BoxOffice::builder().shared_store(store).alone().owners_max(OWNERS_MAX).start()?;
        let reopened = began.elapsed();
        assert!(office.book(&nth(count / 2)?, &who(1 << 40)?).await?.outcome.is_accepted());
        let first = began.elapsed() - reopened;
        let (cold, sample) = (Instant::now(), count.min(50_000));
        let asked = office.clone();
        each(sample, move |n| {
            let office = asked.clone();
            async move {
                // Each occurrence once, in no order.
                let occurrence = nth((n * 7_919) % count)?;
                let booked = insist(&office, &occurrence, BookingCommand::book(who((1 << 41) + n as u64)?)).await?;
                assert!(booked.0.outcome.is_accepted());
                Ok(())
            }
        })
        .await?;
        let cold = sample as f64 / cold.elapsed().as_secs_f64();
        println!(
            "| {count} | {:.0} | {} | {owners} | {} | {} | {} | {cold:.0} |",
            count as f64 / elapsed.as_secs_f64(),
            busy / count as u64,
            disk / count as u64,
            millis(reopened),
            millis(first)
        );
        office.shutdown().await;
    }
    Ok(())
}

fn size(folder: &std::path::Path) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        sum += if entry.file_type()?.is_dir() { size(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(sum)
}

/// Requests of which one in twenty is good, and looks at the counts.
pub async fn bots() -> Result<()> {
    title("bots: 95 of 100 requests come to nothing")?;
    let house = House::open(|builder| builder)?;
    let evenings = (0..100).map(nth).collect::<Result<Vec<_>>>()?;
    house.on_sale(&evenings, 100_000).await?;
    let before = resident()?;
    let (office, asked) = (house.office.clone(), evenings.clone());
    let measured = closed_loop(CALLERS, move |_, n| {
        let (office, evening) = (office.clone(), asked[(mix(n) % 100) as usize].clone());
        async move {
            let command = match n % 20 {
                0 => BookingCommand::book(who(n)?),
                1..8 => BookingCommand::Cancel { attendee: who(n)? },
                8..14 => BookingCommand::Confirm { attendee: who(n)? },
                _ => BookingCommand::hold(who(n - n % 20)?, Duration::ZERO),
            };
            insist(&office, &evening, command).await.map(drop)
        }
    })
    .await?;
    let (looks, started) = (10_000_000_u64, Instant::now());
    let mut free = 0;
    for n in 0..looks {
        free += house.office.seats_shown(&evenings[(n % 100) as usize]).map_or(0, |seats| seats.free);
    }
    assert!(free > 0);
    println!(
        "{} answers/s ({CALLERS} callers, p99 {} us), memory {} MiB more; a look at the counts: {} ns",
        measured.rate(),
        measured.quantile(0.99).as_micros(),
        resident()?.saturating_sub(before) >> 20,
        started.elapsed().as_nanos() as u64 / looks
    );
    house.office.shutdown().await;
    Ok(())
}
