//! News in every order, once, twice and thrice, in time and late, with an end of the process anywhere: one effect.

use boxoffice::booking::BookingEvent;
use boxoffice::orders::{News, OrderEnd};

use super::*;

/// What the bank has to tell of one story, and what it must come to.
struct Story {
    name: &'static str,
    tells: fn(&Bank, &OrderId) -> Vec<News>,
    end: fn(bool) -> OrderEnd,
    /// Minor units that are ours in the end, if it was told in time, and refunds.
    in_time: (i64, usize),
    /// The same if it was told after the seats were let go; nobody else has wanted them.
    late: (i64, usize),
}

fn fulfilled(_: bool) -> OrderEnd {
    OrderEnd::Fulfilled
}

const STORIES: [Story; 5] = [
    Story {
        name: "paid",
        tells: |bank, id| bank.pay(id, eur(2_000)),
        end: fulfilled,
        in_time: (2_000, 0),
        late: (2_000, 0),
    },
    Story {
        name: "paid twice",
        tells: |bank, id| {
            let mut news = bank.pay(id, eur(2_000));
            news.push(bank.charge(id, "again", eur(2_000)));
            news
        },
        end: fulfilled,
        in_time: (2_000, 1),
        late: (2_000, 1),
    },
    Story {
        name: "captured in two parts",
        tells: |bank, id| {
            let part = bank.charge(id, "parts", eur(500));
            vec![part, bank.charge(id, "parts", eur(2_000))]
        },
        end: fulfilled,
        in_time: (2_000, 0),
        late: (2_000, 0),
    },
    Story {
        name: "paid, and given back at the bank",
        tells: |bank, id| {
            let mut news = bank.pay(id, eur(2_000));
            news.push(bank.refund(id, &format!("ch-{id}"), eur(2_000)));
            news
        },
        end: |_| OrderEnd::Cancelled,
        in_time: (0, 1),
        late: (0, 1),
    },
    Story {
        name: "paid, and charged back",
        tells: |bank, id| {
            let mut news = bank.pay(id, eur(2_000));
            news.push(bank.dispute(id, &format!("ch-{id}"), eur(2_000), boxoffice::orders::DisputeState::Lost));
            news
        },
        end: |_| OrderEnd::Cancelled,
        in_time: (0, 0),
        late: (0, 0),
    },
];

/// All orders of so many things.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let shorter = permutations(count - 1);
    let insert = |order: &Vec<usize>| {
        (0..count)
            .map(|at| {
                let mut longer = order.clone();
                longer.insert(at, count - 1);
                longer
            })
            .collect::<Vec<_>>()
    };
    shorter.iter().flat_map(insert).collect()
}

/// Plays one row: how the news come, and after which of them the process ends and begins anew.
async fn play(story: &Story, order: &[usize], times: usize, is_late: bool, crash: Option<usize>) {
    let row = format!("{}: order {order:?}, {times} times, late: {is_late}, crash after {crash:?}", story.name);
    let mut house = House::open().selling(1, 10).await;
    let id = house.place(order_of("o1", "ann", vec![line(1, "ann", 2, 2_000)])).await;
    if is_late {
        // The bank has not seen the payment yet either: it comes by another way, or its clock differs.
        house.pass(33 * MINUTE).await;
        assert_eq!(house.ended(&id).await, OrderEnd::Unpaid, "{row}");
        house.bank.books().reopen(&id);
    }
    let news = (story.tells)(&house.bank, &id);
    let mut told = 0;
    for round in 0..times {
        for at in order {
            let outcome = house.orders.tell(news[*at].clone()).await.unwrap();
            assert_eq!(outcome.status(), 200, "{row}");
            assert!(round == 0 || outcome.name() == "again", "{row}: {outcome:?}");
            told += 1;
            if crash == Some(told) {
                house = house.restart().await;
            }
        }
    }
    // The bank is asked at the end of the session, should it not have told that it is over.
    house.pass(40 * MINUTE).await;
    let end = (story.end)(is_late);
    house.until_end(&id, &end).await;
    let (ours, refunds) = if is_late { story.late } else { story.in_time };
    assert_eq!((house.bank.balance(&id), house.bank.refunds(&id).len()), (ours, refunds), "{row}");
    let order = house.orders.order(&id).await.unwrap().unwrap();
    assert_eq!((order.received(), order.owed()), (eur(ours), eur(ours)), "{row}");
    let seats = if end == OrderEnd::Fulfilled { Some((2, true)) } else { None };
    assert_eq!(house.seats_of(1, "ann").await, seats, "{row}");
    let history = house.office.history(&evening(1), &who("ann")).await.unwrap();
    let had = history.iter().filter(|happened| {
        let event = &happened.event;
        matches!(
            event,
            BookingEvent::HoldConfirmed { .. } | BookingEvent::SeatReacquired { .. } | BookingEvent::SeatBooked { .. }
        )
    });
    assert!(had.count() <= 1, "{row}: seats were had once");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_order_of_news_once_or_thrice_in_time_or_late_has_one_effect() {
    for story in &STORIES {
        let bank = Bank::new(ManualClock::new(Timestamp::EPOCH));
        bank.books().begin(&order_id("o1"));
        let count = (story.tells)(&bank, &order_id("o1")).len();
        for order in permutations(count) {
            for times in [1, 3] {
                for is_late in [false, true] {
                    play(story, &order, times, is_late, None).await;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_after_any_piece_of_news_goes_on_where_it_was() {
    for story in &STORIES {
        let bank = Bank::new(ManualClock::new(Timestamp::EPOCH));
        bank.books().begin(&order_id("o1"));
        let count = (story.tells)(&bank, &order_id("o1")).len();
        let order: Vec<usize> = (0..count).rev().collect();
        for crash in 1..=2 * count {
            for is_late in [false, true] {
                play(story, &order, 2, is_late, Some(crash)).await;
            }
        }
    }
}
