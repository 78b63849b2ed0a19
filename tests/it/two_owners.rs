//! Two box offices on one store: neither knows of the other, and no seat is sold twice.

use std::sync::Arc;

use boxoffice::BoxOffice;
use boxoffice::booking::{Auditor, BookingCommand, BookingOutcome, booking_stream, decode, run};
use boxoffice::persist::{Backend, MemoryBackend, Seq, SledBackend};
use futures_util::{StreamExt, stream};

use crate::backends::{at, evening, on_sale, who};

fn office(store: &Arc<dyn Backend>) -> boxoffice::Builder {
    BoxOffice::builder().shared_store(store.clone())
}

#[tokio::test]
async fn an_owner_whose_stream_was_written_behind_its_back_reads_it_and_decides_again() {
    let store: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    let office = on_sale(office(&store), 1).await;
    let behind = BookingCommand::book(who("mallory"));
    // Later than any wall clock here: a stream must not go back in time.
    let reply = run(&*store, &evening(), &behind, at(4_000_000_000_000)).await.unwrap();
    assert_eq!(reply.outcome, BookingOutcome::Booked { seat: 1 });

    let reply = office.book(&evening(), &who("ann")).await.unwrap();
    assert_eq!(reply.outcome.name(), "full");
    assert_eq!(reply.seq, Seq::new(2));
    assert_eq!(office.stats().conflicts, 1);
}

async fn two_offices_race(store: Arc<dyn Backend>) {
    let (left, right) = (on_sale(office(&store), 50).await, on_sale(office(&store), 50).await);
    let requests = stream::iter(0..2_000).map(|n| {
        let office = if n % 2 == 0 { left.clone() } else { right.clone() };
        tokio::spawn(async move {
            let name = who(format!("p{}", n / 3));
            match n % 5 {
                0 => office.hold(&evening(), &name, core::time::Duration::from_secs(60)).await,
                1 => office.cancel(&evening(), &name).await,
                2 => office.confirm(&evening(), &name).await,
                _ => office.book(&evening(), &name).await,
            }
        })
    });
    let replies: Vec<_> = requests.buffer_unordered(64).collect().await;

    let log = store.read(&booking_stream(&evening()), Seq::FIRST, 100_000).await.unwrap();
    let mut auditor = Auditor::new();
    for event in &log {
        auditor.check(event.seq, event.at, &decode(event).unwrap()).unwrap();
    }
    for reply in replies {
        let reply = reply.unwrap().unwrap();
        assert!(!matches!(reply.outcome, BookingOutcome::Conflict { .. }));
        if reply.outcome.is_accepted() {
            let event = &log[usize::try_from(reply.seq.get()).unwrap() - 1];
            assert!(event.event_type.as_str().contains(reply.outcome.name()), "{event:?} is no {reply:?}");
        }
    }
    left.shutdown().await;
    right.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_offices_on_one_memory_store_never_oversell() {
    two_offices_race(Arc::new(MemoryBackend::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_offices_on_one_sled_store_never_oversell() {
    let folder = tempfile::tempdir().unwrap();
    two_offices_race(Arc::new(SledBackend::open(folder.path()).unwrap())).await;
}
