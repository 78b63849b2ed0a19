//! The process ends at any commit, before it is written or after, and another goes on.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use boxoffice::booking::Seats;
use boxoffice::orders::{Cut, News, OrderChange, OrderEnd};
use boxoffice::persist::{
    CommitOutcome, Committed, Cursor, Durability, Fault, Head, IdempotencyKey, Key, Page, Payload, RecordedEvent, Seq,
    Stats, StreamName, Transaction,
};
use tokio::sync::Notify;

use super::*;

/// A store as one process sees it, that dies with it: after so many commits nothing is written or read any more.
#[derive(Debug)]
struct Life {
    store: Arc<MemoryBackend>,
    commits_left: AtomicUsize,
    /// Whether the last commit is written, and its answer lost.
    last_is_written: bool,
    died: Notify,
}

impl Life {
    fn check(&self) -> Result<(), Fault> {
        if self.commits_left.load(Ordering::SeqCst) > 0 { Ok(()) } else { Err(dead()) }
    }
}

fn dead() -> Fault {
    Fault::Unknown { reason: "the process has ended".into() }
}

#[async_trait]
impl Backend for Life {
    fn durability(&self) -> Durability {
        self.store.durability()
    }
    fn stats(&self) -> Stats {
        self.store.stats()
    }
    async fn commit(&self, transactions: Vec<Transaction>) -> Result<Vec<CommitOutcome>, Fault> {
        let left = self.commits_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(2..) => self.store.commit(transactions).await,
            Ok(_) => {
                if self.last_is_written {
                    assert!(self.store.commit(transactions).await.is_ok());
                }
                self.died.notify_one();
                Err(dead())
            }
            Err(_) => Err(dead()),
        }
    }
    async fn head(&self, stream: &StreamName) -> Result<Head, Fault> {
        self.check()?;
        self.store.head(stream).await
    }
    async fn read(&self, stream: &StreamName, from: Seq, limit: usize) -> Result<Vec<RecordedEvent>, Fault> {
        self.check()?;
        self.store.read(stream, from, limit).await
    }
    async fn read_all(&self, after: Cursor, limit: usize) -> Result<Page, Fault> {
        self.check()?;
        self.store.read_all(after, limit).await
    }
    async fn streams(&self, after: Option<&StreamName>, limit: usize) -> Result<Vec<StreamName>, Fault> {
        self.check()?;
        self.store.streams(after, limit).await
    }
    async fn recall(&self, key: &IdempotencyKey) -> Result<Option<Committed>, Fault> {
        self.check()?;
        self.store.recall(key).await
    }
    async fn get(&self, key: &Key) -> Result<Option<Payload>, Fault> {
        self.check()?;
        self.store.get(key).await
    }
    async fn scan(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Payload)>, Fault> {
        self.check()?;
        self.store.scan(prefix, after, limit).await
    }
    async fn truncate(&self, stream: &StreamName, through: Seq) -> Result<(), Fault> {
        self.check()?;
        self.store.truncate(stream, through).await
    }
}

/// What somebody does, and does again until it is done.
enum Step {
    Open,
    Place,
    Pay,
    GiveUpOne,
    Rest,
}

/// Does a step, if the process lives.
async fn take(house: &House, step: &Step, paid: &mut Vec<News>) -> bool {
    let id = order_id("o1");
    match step {
        Step::Open => house.office.open(&evening(1), Seats::new(10)).await.is_ok(),
        Step::Place => house.orders.place(order_of("o1", "ann", vec![line(1, "ann", 3, 1_000)])).await.is_ok(),
        Step::Pay => {
            if paid.is_empty() {
                *paid = house.bank.pay(&id, eur(1_000));
                paid.push(house.bank.charge(&id, "again", eur(1_000)));
            }
            for news in paid.iter() {
                if house.orders.tell(news.clone()).await.is_err() {
                    return false;
                }
            }
            true
        }
        Step::GiveUpOne => {
            let Ok(Some(order)) = house.orders.order(&id).await else { return false };
            let is_asked = order.owed() != eur(1_000);
            let change = OrderChange::Cancel {
                cuts: vec![Cut { line: 0, seats: Seats::new(1) }],
                kept: None,
                reason: "ill".to_owned(),
            };
            is_asked || house.orders.change(&id, change).await.is_ok()
        }
        Step::Rest => loop {
            let now = house.clock.now();
            let Ok(Some(order)) = house.orders.order(&id).await else { return false };
            if matches!(order.next(now), Next::Wait { .. } | Next::Done(_)) {
                return true;
            }
            house.try_again(&id).await;
            tokio::task::yield_now().await;
        },
    }
}

/// How many commits the whole story took, if the process did not end in it.
async fn story(dies_at: usize, last_is_written: bool) -> Option<usize> {
    const STEPS: [Step; 7] = [Step::Open, Step::Place, Step::Rest, Step::Pay, Step::Rest, Step::GiveUpOne, Step::Rest];
    let store = Arc::new(MemoryBackend::new());
    let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
    let bank = Bank::new(clock.clone());
    let live = |commits_left: usize| {
        let store = Arc::clone(&store);
        Arc::new(Life { store, commits_left: commits_left.into(), last_is_written, died: Notify::new() })
    };
    let mut life = live(dies_at);
    let mut house = House::over(life.clone(), clock.clone(), bank.clone());
    let (mut paid, mut deaths) = (vec![], 0);
    for step in &STEPS {
        loop {
            let is_done = tokio::select! {
                biased;
                () = life.died.notified() => false,
                is_done = take(&house, step, &mut paid) => is_done,
            };
            if is_done {
                break;
            }
            deaths += 1;
            assert!(deaths < 3, "it died once");
            // The former process is left as it is: it can write nothing any more.
            life = live(usize::MAX);
            house = House::over(life.clone(), clock.clone(), bank.clone());
        }
    }
    let id = order_id("o1");
    let order = house.orders.order(&id).await.unwrap().unwrap();
    let at = format!("dies at commit {dies_at}, written: {last_is_written}: {order:?}");
    assert_eq!(order.end(), Some(&OrderEnd::Fulfilled), "{at}");
    assert_eq!((order.received(), order.owed(), house.bank.balance(&id)), (Some(eur(667)), eur(667), 667), "{at}");
    let mut refunds = house.bank.refunds(&id);
    refunds.sort_unstable();
    assert_eq!(refunds, [333, 1_000], "{at}");
    assert_eq!(house.bank.books().opened, 1, "{at}");
    assert_eq!(house.seats_of(1, "ann").await, Some((2, true)), "{at}");
    assert_eq!(house.bank.facts(&id).len(), 5, "{at}");
    let took = usize::MAX - life.commits_left.load(Ordering::SeqCst);
    house.end().await;
    (deaths == 0).then_some(took)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_at_any_commit_leaves_one_order_one_session_and_each_refund_once() {
    let whole = story(usize::MAX, true).await.unwrap();
    assert!(whole > 10);
    for last_is_written in [false, true] {
        for dies_at in 1..=whole {
            story(dies_at, last_is_written).await;
        }
    }
}
