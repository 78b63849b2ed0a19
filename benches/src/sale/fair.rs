//! One occurrence that everybody wants, beside many that few ask for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use boxoffice::booking::BookingCommand;

use super::{House, insist, nth, title, who};
use crate::Result;
use crate::load::{Measured, closed_loop};

const TAIL: usize = 1_000;
const TAIL_CALLERS: usize = 16;

/// What sixteen callers of a thousand quiet occurrences notice of a stampede on another one.
pub async fn fair() -> Result<()> {
    title("1,000 quiet occurrences, 16 callers, beside a stampede on one")?;
    println!("| callers of the hot one | quiet bookings/s | p50 | p99 | hot answers/s |");
    println!("| ---: | ---: | ---: | ---: | ---: |");
    for hot_callers in [0, 64, 1_024] {
        let house = Arc::new(House::open(|builder| builder)?);
        let occurrences = (0..=TAIL).map(nth).collect::<Result<Vec<_>>>()?;
        house.on_sale(&occurrences, u32::MAX).await?;
        let over = Arc::new(AtomicBool::new(false));
        let (office, hot, done) = (house.office.clone(), occurrences[TAIL].clone(), Arc::clone(&over));
        let stampede = tokio::spawn(closed_loop(hot_callers, move |_, n| {
            let (office, hot, done) = (office.clone(), hot.clone(), Arc::clone(&done));
            async move {
                if done.load(Ordering::Relaxed) {
                    return Ok(());
                }
                // Of ten requests one takes a seat.
                let command = match n % 10 {
                    0 => BookingCommand::book(who((1 << 40) + n)?),
                    _ => BookingCommand::Confirm { attendee: who(n)? },
                };
                insist(&office, &hot, command).await.map(drop)
            }
        }));
        let (office, quiet) = (house.office.clone(), Arc::new(occurrences));
        let measured = closed_loop(TAIL_CALLERS, move |_, n| {
            let (office, quiet) = (office.clone(), Arc::clone(&quiet));
            async move {
                let occurrence = &quiet[n as usize % TAIL];
                insist(&office, occurrence, BookingCommand::book(who(n)?)).await.map(drop)
            }
        })
        .await?;
        over.store(true, Ordering::Relaxed);
        let hot: Measured = stampede.await??;
        println!(
            "| {hot_callers} | {} | {} us | {} us | {} |",
            measured.rate(),
            measured.p50().as_micros(),
            measured.quantile(0.99).as_micros(),
            hot.rate()
        );
        house.office.clone().shutdown().await;
    }
    Ok(())
}
