//! Durable bookings a second, beside the raw engine, the raw disk and PostgreSQL, all in one run.
//!
//! `cargo run --release -p boxoffice-benches`, or with the name of one part: `hot`, `spread`, `refused`, `flash`, `last`, `peers`,
//! `festival`, `fair`, `orders`, `federation`, `engines`, `bots`, `tail` (which takes how many occurrences to grow to), `roster`, `append`,
//! `replay`, `volume` (which takes how many events to grow to), `recurrence`, `merge`, `rules` (which takes how many bookings
//! to grow to), `flows` (which takes how many seconds a case).
#![deny(unsafe_code)]

mod calendar;
mod federation;
mod flows;
mod ledger;
mod load;
mod orders;
mod ours;
mod postgres;
mod raw;
mod rules;
mod sale;
mod soak;
mod store;

use std::time::Duration;

use load::{Measured, disk_p50};

/// Callers with a request on its way.
const CALLERS: [usize; 5] = [1, 8, 16, 64, 512];
/// How long each figure is measured.
const MEASURE: Duration = Duration::from_secs(3);

/// Anything that goes wrong ends the run.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let wanted = std::env::args().nth(1);
    let wants = |part: &str| wanted.as_deref().is_none_or(|wanted| wanted == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if wants("hot") {
        runtime.block_on(bookings("one hot occurrence", 1))?;
    }
    if wants("spread") {
        runtime.block_on(bookings("1,000 occurrences", 1_000))?;
    }
    if wants("refused") {
        let refused = runtime.block_on(ours::refusals(512))?;
        println!(
            "\nrefused requests, sold out, 512 callers: {}/s, p50 {} us",
            refused.rate(),
            refused.p50().as_micros()
        );
    }
    if wants("flash") {
        runtime.block_on(sale::flash())?;
    }
    if wants("last") {
        runtime.block_on(sale::last_seat())?;
    }
    if wants("peers") {
        runtime.block_on(sale::peers())?;
    }
    if wants("festival") {
        runtime.block_on(sale::festival())?;
    }
    if wants("fair") {
        runtime.block_on(sale::fair())?;
    }
    if wants("orders") {
        runtime.block_on(orders::orders())?;
    }
    if wants("federation") {
        runtime.block_on(federation::federation())?;
    }
    if wants("engines") {
        runtime.block_on(engines())?;
    }
    if wants("bots") {
        runtime.block_on(sale::bots())?;
    }
    if wants("tail") {
        let count = std::env::args().nth(2).map_or(Ok(100_000), |text| text.parse())?;
        runtime.block_on(sale::tail(count))?;
    }
    // By hand: it takes as long as it is told.
    if let [Some("soak"), seconds] = [wanted.as_deref(), std::env::args().nth(2).as_deref()] {
        let engine = std::env::args().nth(3);
        runtime.block_on(soak::soak(seconds.unwrap_or("1800").parse()?, engine.as_deref().unwrap_or("sled")))?;
    }
    if let (Some("soak-child"), Some(folder), Some(seed)) =
        (wanted.as_deref(), std::env::args().nth(2), std::env::args().nth(3))
    {
        runtime.block_on(soak::child(&folder, seed.parse()?))?;
    }
    if wants("roster") {
        ledger::curve();
    }
    if wants("append") {
        store::appends()?;
    }
    if wants("replay") {
        store::replay()?;
    }
    if wants("volume") {
        let most = std::env::args().nth(2).map_or(Ok(1_000_000), |text| text.parse())?;
        store::volume(most)?;
    }
    if wants("recurrence") {
        calendar::recurrence()?;
    }
    if wants("merge") {
        calendar::merge()?;
    }
    if wants("rules") {
        let bookings = std::env::args().nth(2).map_or(Ok(1_000_000), |text| text.parse())?;
        rules::tables(bookings)?;
    }
    if wants("parked") {
        let most = std::env::args().nth(2).map_or(Ok(1_000_000), |text| text.parse())?;
        runtime.block_on(flows::parked::parked("fjall", most))?;
        runtime.block_on(flows::parked::parked("sled", most))?;
    }
    if wants("reminders") {
        let most = std::env::args().nth(2).map_or(Ok(100_000), |text| text.parse())?;
        runtime.block_on(flows::herd::herds(most))?;
    }
    if wants("flows") {
        let seconds = std::env::args().nth(2).map_or(Ok(5), |text| text.parse())?;
        runtime.block_on(flows::flows(Duration::from_secs(seconds)))?;
    }
    Ok(())
}

async fn bookings(name: &str, occurrences: usize) -> Result<()> {
    println!("\ndurable bookings/s, {name} (fdatasync p50 of this disk now: {} us)\n", disk_p50()?.as_micros());
    println!(
        "| callers | boxoffice | p50 | p99 | raw sled | p50 | of raw | raw file | PostgreSQL | p50 | times PostgreSQL |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let postgres = postgres::Cluster::start()?;
    for callers in CALLERS {
        // Side by side, so that a disk that slows down slows down for all.
        let ours = ours::bookings(occurrences, callers).await?;
        let sled = raw::sled(callers).await?;
        let file = raw::file(callers)?;
        let peer = match &postgres {
            Some(cluster) => Some(cluster.bookings(occurrences, callers).await?),
            None => None,
        };
        row(callers, &ours, &sled, &file, peer.as_ref());
    }
    Ok(())
}

/// The same hot occurrence on each engine: how many syncs an answer takes.
async fn engines() -> Result<()> {
    let sync = disk_p50()?;
    println!("\none hot occurrence, by engine (fdatasync p50 of this disk now: {} us)\n", sync.as_micros());
    println!("| engine | callers | bookings/s | p50 | p99 | p99 in syncs |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (name, engine) in [("sled", ours::Engine::Sled), ("fjall", ours::Engine::Fjall)] {
        for callers in [1, 8, 64] {
            let measured = ours::bookings_on(engine, 1, callers).await?;
            let (p50, p99) = (measured.p50(), measured.quantile(0.99));
            println!(
                "| {name} | {callers} | {} | {} us | {} us | {:.1} |",
                measured.rate(),
                p50.as_micros(),
                p99.as_micros(),
                p99.as_secs_f64() / sync.as_secs_f64().max(1e-9)
            );
        }
    }
    Ok(())
}

fn row(callers: usize, ours: &Measured, sled: &Measured, file: &Measured, peer: Option<&Measured>) {
    let micros = |latency: Duration| format!("{} us", latency.as_micros());
    let ratio = |other: &Measured| ours.rate() as f64 / other.rate().max(1) as f64;
    let (peer_rate, peer_p50, times) = match peer {
        Some(peer) => (peer.rate().to_string(), micros(peer.p50()), format!("{:.1}", ratio(peer))),
        None => ("not here".to_owned(), String::new(), String::new()),
    };
    println!(
        "| {callers} | {} | {} | {} | {} | {} | {:.2} | {} | {peer_rate} | {peer_p50} | {times} |",
        ours.rate(),
        micros(ours.p50()),
        micros(ours.quantile(0.99)),
        sled.rate(),
        micros(sled.p50()),
        ratio(sled),
        file.rate(),
    );
}
