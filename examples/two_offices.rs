//! Two box offices on one store, as on two machines: each believes that it owns the evening, and the last seat is sold
//! once. Safety is in the store's append-expect, not in the belief.

use std::error::Error;
use std::sync::Arc;

use boxoffice::BoxOffice;
use boxoffice::booking::Seats;
use boxoffice::id::{AttendeeId, OccurrenceId};
use boxoffice::persist::{Backend, MemoryBackend};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    let start = || BoxOffice::builder().shared_store(store.clone()).start();
    let (left, right) = (start()?, start()?);

    let evening: OccurrenceId = "chess@20261207T190000".parse()?;
    println!("{:?}", left.open(&evening, Seats::new(1)).await?);
    // Both have the evening in memory from here on.
    println!("{:?}", right.seats(&evening).await?);

    let (ann, bob) = (AttendeeId::new("ann")?, AttendeeId::new("bob")?);
    let (ann, bob) = tokio::join!(left.book(&evening, &ann), right.book(&evening, &bob));
    println!("ann at the left:  {:?}", ann?);
    println!("bob at the right: {:?}", bob?);

    let conflicts = left.stats().conflicts + right.stats().conflicts;
    println!("{conflicts} conflict met, read up on and decided again");
    assert_eq!(left.seats(&evening).await?.confirmed, 1);
    left.shutdown().await;
    right.shutdown().await;
    Ok(())
}
