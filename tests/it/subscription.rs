//! What a host hears of a running box office, and the store that it shares with it.

use std::sync::Arc;

use boxoffice::booking::Seats;
use boxoffice::persist::{
    Advance, Backend, Consumer, Cursor, Fault, Key, KvWrite, MemoryBackend, Payload, Selection, Store, StoreError,
    StreamName, Transaction, conformance,
};
use boxoffice::{BoxOffice, SharedWriter};
use futures_util::FutureExt;

use crate::backends::{MoodyBackend, at, evening, on_sale, until, who};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

#[test]
fn a_subscription_waits_hears_every_event_once_and_goes_on_after_a_restart() {
    let store: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    runtime().block_on(async {
        let office = on_sale(BoxOffice::builder().shared_store(store.clone()), 100).await;
        let mut news = office.subscribe("mailer", Selection::all().streams("booking:")).await.unwrap();
        let first = news.next(10).await.unwrap().unwrap();
        assert_eq!(first.events.len(), 1);
        // Not dealt with: handed over again, also to the next process.
        drop(news);
        let mut news = office.subscribe("mailer", Selection::all().streams("booking:")).await.unwrap();
        assert_eq!(news.next(10).await.unwrap().unwrap(), first);
        assert!(matches!(news.acknowledge(&first).await.unwrap(), Advance::Done(_)));

        let waiting = tokio::spawn(async move {
            let mut heard = Vec::new();
            while heard.len() < 50 {
                let delivery = news.next(7).await.unwrap().unwrap();
                assert!(delivery.events.len() <= 7);
                heard.extend(delivery.events.iter().map(|event| event.seq.get()));
                assert!(matches!(news.acknowledge(&delivery).await.unwrap(), Advance::Done(_)));
            }
            heard
        });
        for n in 0..50 {
            let _reply = office.book(&evening(), &who(format!("a{n}"))).await.unwrap();
        }
        assert_eq!(waiting.await.unwrap(), (2..=51).collect::<Vec<u64>>());
        office.shutdown().await;
    });
    runtime().block_on(async {
        let office = on_sale(BoxOffice::builder().shared_store(store), 100).await;
        let mut news = office.subscribe("mailer", Selection::all().streams("booking:")).await.unwrap();
        let _reply = office.book(&evening(), &who("late")).await.unwrap();
        let delivery = news.next(100).await.unwrap().unwrap();
        assert_eq!(delivery.events.iter().map(|event| event.seq.get()).collect::<Vec<_>>(), [52]);
        office.shutdown().await;
    });
}

#[test]
fn a_subscriber_that_does_nothing_holds_up_no_sale() {
    runtime().block_on(async {
        let office = on_sale(BoxOffice::builder().store(MemoryBackend::new()), 10_000).await;
        let mut idle = office.subscribe("idle", Selection::all()).await.unwrap();
        let first = idle.next(1).await.unwrap().unwrap();
        for n in 0..2_000 {
            let _reply = office.book(&evening(), &who(format!("a{n}"))).await.unwrap();
        }
        // It is handed the same until it deals with it, and nothing was queued for it.
        assert_eq!(idle.next(1).await.unwrap().unwrap(), first);
        office.shutdown().await;
    });
}

#[test]
fn what_is_handed_over_is_durable() {
    runtime().block_on(async {
        let store = MoodyBackend::new();
        let office = on_sale(BoxOffice::builder().store(store.clone()), 10).await;
        let mut news = office.subscribe("mailer", Selection::all()).await.unwrap();
        let opened = news.next(10).await.unwrap().unwrap();
        assert!(matches!(news.acknowledge(&opened).await.unwrap(), Advance::Done(_)));
        store.close_gate();
        let before = store.commits();
        let booking = tokio::spawn({
            let office = office.clone();
            async move { office.book(&evening(), &who("ann")).await }
        });
        until(async || store.commits() > before).await;
        assert!(news.next(10).now_or_never().is_none(), "the booking is not durable yet");
        store.let_pass(1);
        let _reply = booking.await.unwrap().unwrap();
        assert_eq!(news.next(10).await.unwrap().unwrap().events.len(), 1);
        store.let_pass(100);
        office.shutdown().await;
    });
}

#[test]
fn a_subscription_ends_with_the_box_office() {
    runtime().block_on(async {
        let office = on_sale(BoxOffice::builder().store(MemoryBackend::new()), 10).await;
        let mut news = office.subscribe("mailer", Selection::all().streams("nothing")).await.unwrap();
        let waiting = tokio::spawn(async move { news.next(10).await });
        tokio::task::yield_now().await;
        let store = office.store();
        office.shutdown().await;
        assert_eq!(waiting.await.unwrap().unwrap(), None);
        let late = store.get::<u32>(&Key::new("k").unwrap()).await;
        assert!(matches!(late, Err(StoreError::Fault(Fault::Unavailable { .. }))));
    });
}

#[test]
fn a_consumer_that_loses_the_answer_finds_its_effect_once() {
    runtime().block_on(async {
        let backend = MoodyBackend::new();
        let store = Store::new(backend.clone());
        let sales = store.stream(&StreamName::new("sales").unwrap());
        for amount in [10, 25] {
            sales.append("sale", at(0), &amount).await.unwrap();
        }
        let key = Key::new("sum").unwrap();
        let add = async |consumer: &mut Consumer| {
            let Some(delivery) = consumer.next(1).await.unwrap() else { return Ok(false) };
            let sum: u64 = store.get_or(&key, 0).await.unwrap();
            let sum = sum + delivery.events.iter().map(|sale| sale.data.read::<u64>().unwrap()).sum::<u64>();
            let write = KvWrite::Put(key.clone(), Payload::new(&sum).unwrap());
            consumer.commit(&delivery, Transaction::new().write(write)).await.map(|_| true)
        };
        let mut consumer = Consumer::open(&store, "sums", Selection::all()).await.unwrap();
        backend.lose_answers(1);
        assert!(matches!(add(&mut consumer).await, Err(StoreError::Fault(Fault::Unknown { .. }))));
        // It does not know whether it happened, and asks the store.
        let mut consumer = Consumer::open(&store, "sums", Selection::all()).await.unwrap();
        assert!(consumer.cursor() > Cursor::START);
        while add(&mut consumer).await.unwrap() {}
        assert_eq!(store.get(&key).await.unwrap(), Some(35));
    });
}

#[test]
fn the_store_of_a_box_office_keeps_the_contract() {
    let report = runtime().block_on(conformance::run(async || -> SharedWriter {
        let office = BoxOffice::builder().store(MemoryBackend::new()).start().unwrap();
        let writer = office.shared_writer();
        // The threads of the box office live as long as its last handle.
        core::mem::forget(office);
        writer
    }));
    assert!(report.failures().is_empty(), "{report}");
}

#[test]
fn a_host_books_seats_and_keeps_streams_of_its_own_in_one_store() {
    runtime().block_on(async {
        let office = on_sale(BoxOffice::builder().store(MemoryBackend::new()), 10).await;
        let audit = office.store().stream(&StreamName::new("audit").unwrap());
        audit.append("seen", at(0), &Seats::new(3)).await.unwrap();
        let _reply = office.book(&evening(), &who("ann")).await.unwrap();
        assert_eq!(office.store().streams().await.unwrap().len(), 2);
        office.shutdown().await;
    });
}
