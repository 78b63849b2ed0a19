//! A stampede on one occurrence, and a last seat.

use std::time::{Duration, Instant};

use boxoffice::booking::{BookingCommand, BookingOutcome, BookingReply};
use boxoffice::id::OccurrenceId;
use tokio::task::JoinSet;

use super::{House, insist, millis, nth, title, who};
use crate::Result;
use crate::load::{Measured, pause};

const HOLD: Duration = Duration::from_secs(6);

struct Wave {
    holders: Vec<u64>,
    turned_away: u64,
    measured: Measured,
}

/// `buyers` ask for a seat at the same moment, each a task of its own, and come again if they are turned away.
async fn wave(house: &House, at: &OccurrenceId, buyers: std::ops::Range<u64>) -> Result<Wave> {
    let (started, mut tasks) = (Instant::now(), JoinSet::new());
    for n in buyers {
        let (office, at, attendee) = (house.office.clone(), at.clone(), who(n)?);
        tasks.spawn(async move {
            let asked = Instant::now();
            let told = insist(&office, &at, BookingCommand::hold(attendee, HOLD)).await?;
            crate::Result::Ok((n, told, asked.elapsed()))
        });
    }
    let (mut holders, mut turned_away, mut latencies) = (Vec::new(), 0, Vec::new());
    while let Some(told) = tasks.join_next().await {
        let (n, (reply, away), latency) = told??;
        turned_away += away;
        latencies.push(latency);
        if reply.outcome.is_accepted() {
            holders.push(n);
        }
    }
    let measured = Measured::new(latencies.len() as u64, started.elapsed(), latencies);
    Ok(Wave { holders, turned_away, measured })
}

/// 10^5 buyers for 10^3 seats; then one in five of those who hold a seat pays, and all others come again when the holds lapse.
pub async fn flash() -> Result<()> {
    const BUYERS: u64 = 100_000;
    title("flash sale: 100,000 buyers at once, 1,000 seats")?;
    println!("| wave | seats given | answered in | answers/s | p50 | p99 | turned away meanwhile | syncs |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let (house, evening) = (House::open(|builder| builder)?, nth(0)?);
    house.on_sale(std::slice::from_ref(&evening), 1_000).await?;
    let mut syncs = house.office.stats().store.syncs;
    let mut row = |name: &str, wave: &Wave| {
        let now = house.office.stats().store.syncs;
        let Wave { holders, turned_away, measured } = wave;
        let (p50, p99) = (millis(measured.p50()), millis(measured.quantile(0.99)));
        let (given, rate, elapsed) = (holders.len(), measured.rate(), millis(measured.elapsed));
        println!("| {name} | {given} | {elapsed} | {rate} | {p50} | {p99} | {turned_away} | {} |", now - syncs);
        syncs = now;
    };
    let began = Instant::now();
    let first = wave(&house, &evening, 0..BUYERS).await?;
    row("all at once", &first);
    let pays = |n: &&u64| n.is_multiple_of(5);
    let mut paid = 0;
    for n in first.holders.iter().filter(pays) {
        paid += u64::from(house.office.confirm(&evening, &who(*n)?).await?.outcome.is_accepted());
    }
    pause((HOLD + Duration::from_millis(50)).saturating_sub(began.elapsed())).await;
    let lapsed = house.office.seats_shown(&evening).map_or(0, |seats| seats.free);
    let second = wave(&house, &evening, BUYERS..2 * BUYERS).await?;
    row("after the lapse", &second);
    let (tally, events) = house.audit(&evening).await?;
    assert_eq!((first.holders.len(), tally.over), (1_000, 0));
    assert_eq!(second.holders.len() as u64, 1_000 - paid);
    println!(
        "\naudited: {events} events, {} confirmed, {} held, 0 oversold; {lapsed} seats had lapsed by then",
        tally.confirmed, tally.held
    );
    house.office.shutdown().await;
    Ok(())
}

/// 10^4 callers for one seat, again and again.
pub async fn last_seat() -> Result<()> {
    const ROUNDS: usize = 100;
    title("last seat: 10,000 callers for one, 100 rounds")?;
    let house = House::open(|builder| builder)?;
    let (mut latencies, mut turned_away, started) = (Vec::new(), 0, Instant::now());
    for round in 0..ROUNDS {
        let evening = nth(round)?;
        house.on_sale(std::slice::from_ref(&evening), 1).await?;
        let (asked, mut tasks) = (Instant::now(), JoinSet::new());
        for n in 0..10_000 {
            let (office, evening, attendee) = (house.office.clone(), evening.clone(), who(n)?);
            tasks.spawn(async move { insist(&office, &evening, BookingCommand::book(attendee)).await });
        }
        let mut told: Vec<BookingReply> = Vec::new();
        while let Some(reply) = tasks.join_next().await {
            let (reply, away) = reply??;
            turned_away += away;
            told.push(reply);
        }
        latencies.push(asked.elapsed());
        let winners: Vec<_> = told.iter().filter(|reply| reply.outcome.is_accepted()).collect();
        assert!(winners.len() == 1 && winners[0].outcome == BookingOutcome::Booked { seat: 1 });
        // Whoever lost was told as of when: not before the winner had it.
        assert!(told.iter().all(|reply| reply.seq >= winners[0].seq));
        assert_eq!(house.audit(&evening).await?.0.confirmed, 1);
    }
    let measured = Measured::new(ROUNDS as u64, started.elapsed(), latencies);
    println!(
        "one winner in each round, every loser told as of the winner's event; a round (10,000 answers): p50 {}, p99 {}; turned \
         away meanwhile {turned_away}",
        millis(measured.p50()),
        millis(measured.quantile(0.99))
    );
    house.office.shutdown().await;
    Ok(())
}
