//! Carts over several occurrences, some of which everybody wants.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use boxoffice::CartOutcome;
use boxoffice::booking::{Party, SeatLedger};
use boxoffice::id::OccurrenceId;

use super::{House, mix, nth, title, who, zipf};
use crate::Result;
use crate::load::closed_loop;

const OCCURRENCES: usize = 1_000;

/// 10^3 occurrences of 500 seats, carts of one to four seats in each of up to three of them.
pub async fn festival() -> Result<()> {
    title("festival: 1,000 occurrences of 500 seats, carts over up to three, Zipf demand")?;
    println!("| callers | carts/s | p50 | p99 | held | refused |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for callers in [8, 64] {
        let house = Arc::new(House::open(|builder| builder)?);
        let occurrences: Arc<[OccurrenceId]> = (0..OCCURRENCES).map(nth).collect::<Result<_>>()?;
        house.on_sale(&occurrences, 500).await?;
        let counts: Arc<[AtomicU64; 2]> = Arc::default();
        let (shared, told, evenings) = (Arc::clone(&house), Arc::clone(&counts), Arc::clone(&occurrences));
        let measured = closed_loop(callers, move |_, n| {
            let (house, told, evenings) = (Arc::clone(&shared), Arc::clone(&told), Arc::clone(&evenings));
            async move {
                let wanted = wanted(n, &evenings);
                let outcome = house.office.hold_cart(&who(n)?, wanted, Duration::from_secs(600)).await?;
                let place = usize::from(!matches!(outcome, CartOutcome::Held { .. }));
                told[place].fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        })
        .await?;
        let [held, refused] = [0, 1].map(|place: usize| counts[place].load(Ordering::Relaxed));
        println!(
            "| {callers} | {} | {} us | {} us | {held} | {refused} |",
            measured.rate(),
            measured.p50().as_micros(),
            measured.quantile(0.99).as_micros()
        );
        whole_or_none(&house, &occurrences).await?;
        house.office.clone().shutdown().await;
    }
    println!("\naudited: every stream; each cart has its seats in all of its occurrences or in none");
    Ok(())
}

/// What the `n`-th cart is for: each occurrence once.
fn wanted(n: u64, occurrences: &[OccurrenceId]) -> BTreeMap<OccurrenceId, Party> {
    let seats = |part: u64| Party::of(1 + (mix(n ^ part) % 4) as u32);
    let place = |part: u64| occurrences[zipf(n * 3 + part, OCCURRENCES)].clone();
    (0..1 + mix(n) % 3).map(|part| (place(part), seats(part))).collect()
}

async fn whole_or_none(house: &House, occurrences: &[OccurrenceId]) -> Result<()> {
    let mut has: BTreeMap<String, usize> = BTreeMap::new();
    for occurrence in occurrences {
        house.audit(occurrence).await?;
        let look = |ledger: &SeatLedger| ledger.roster().map(|seat| seat.attendee.to_string()).collect::<Vec<_>>();
        for attendee in house.office.inspect(occurrence, look).await? {
            *has.entry(attendee).or_default() += 1;
        }
    }
    for (attendee, has) in has {
        let n = attendee.trim_start_matches("buyer-").parse()?;
        assert_eq!(has, wanted(n, occurrences).len(), "{attendee} has a part of a cart");
    }
    Ok(())
}
