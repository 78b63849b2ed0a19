//! The box office under load, through its public handle, on sled.

use boxoffice::BoxOffice;
use boxoffice::booking::Seats;
use boxoffice::id::{AttendeeId, OccurrenceId};
use boxoffice::persist::{FjallBackend, SledBackend};

use crate::Result;
use crate::load::{Measured, closed_loop};

fn occurrences(count: usize) -> Result<Vec<OccurrenceId>> {
    let id = |n: usize| format!("series-{}@20260105T19{:02}{:02}", n / 3_600, n / 60 % 60, n % 60).parse();
    Ok((0..count).map(id).collect::<std::result::Result<_, _>>()?)
}

/// Where bookings are kept.
#[derive(Clone, Copy, Debug)]
pub enum Engine {
    Sled,
    Fjall,
}

async fn on_sale(
    engine: Engine,
    occurrences: &[OccurrenceId],
    capacity: u32,
) -> Result<(BoxOffice, tempfile::TempDir)> {
    let folder = tempfile::tempdir()?;
    let builder = match engine {
        Engine::Sled => BoxOffice::builder().store(SledBackend::open(folder.path())?),
        Engine::Fjall => BoxOffice::builder().store(FjallBackend::open(folder.path())?),
    };
    let office = builder.start()?;
    let opened = occurrences.iter().map(|id| office.open(id, Seats::new(capacity)));
    for reply in futures_util::future::join_all(opened).await {
        assert!(reply?.outcome.is_accepted());
    }
    Ok((office, folder))
}

/// Bookings, every one of them a new attendee's and accepted.
pub async fn bookings(count: usize, callers: usize) -> Result<Measured> {
    bookings_on(Engine::Sled, count, callers).await
}

/// The same on an engine.
pub async fn bookings_on(engine: Engine, count: usize, callers: usize) -> Result<Measured> {
    let occurrences = occurrences(count)?;
    let (office, _folder) = on_sale(engine, &occurrences, u32::MAX).await?;
    let handle = office.clone();
    let measured = closed_loop(callers, move |_, n| {
        let (office, occurrence) = (handle.clone(), occurrences[n as usize % occurrences.len()].clone());
        async move {
            let reply = office.book(&occurrence, &AttendeeId::new(format!("attendee-{n}"))?).await?;
            if reply.outcome.is_accepted() { Ok(()) } else { Err(format!("{reply:?}").into()) }
        }
    })
    .await?;
    office.shutdown().await;
    Ok(measured)
}

/// Requests for a seat in a house that is sold out.
pub async fn refusals(callers: usize) -> Result<Measured> {
    let occurrences = occurrences(1)?;
    let (office, _folder) = on_sale(Engine::Sled, &occurrences, 1).await?;
    assert!(office.book(&occurrences[0], &AttendeeId::new("first")?).await?.outcome.is_accepted());
    let (handle, occurrence) = (office.clone(), occurrences[0].clone());
    let measured = closed_loop(callers, move |_, n| {
        let (office, occurrence) = (handle.clone(), occurrence.clone());
        async move {
            let reply = office.book(&occurrence, &AttendeeId::new(format!("attendee-{n}"))?).await?;
            if reply.outcome.name() == "full" { Ok(()) } else { Err(format!("{reply:?}").into()) }
        }
    })
    .await?;
    office.shutdown().await;
    Ok(measured)
}
