//! News in every order, once, twice and thrice, in time and late, with an end of the process anywhere: one effect.

use boxoffice::booking::BookingEvent;
use boxoffice::orders::{DisputeState, News, OrderEnd};

use super::*;

/// What the bank has to tell of one story, and what it may come to: how the order ends, and minor units that are ours then.
struct Story {
    name: &'static str,
    tells: fn(&Bank, &OrderId) -> Vec<News>,
    in_time: &'static [(&'static str, i64)],
    /// The same if it is told after the seats were let go; nobody else has wanted them.
    late: &'static [(&'static str, i64)],
}

/// It has its seats, and is paid for.
const PAID: [(&str, i64); 1] = [("fulfilled", 2_000)];
/// It has no seats, and no money is ours: seats were had and given up, or never had, by the order in which it was told.
const NOTHING: [(&str, i64); 2] = [("cancelled", 0), ("unpaid", 0)];

const STORIES: [Story; 5] = [
    Story { name: "paid", tells: |bank, id| bank.pay(id, eur(2_000)), in_time: &PAID, late: &PAID },
    Story {
        name: "paid twice",
        tells: |bank, id| {
            let mut news = bank.pay(id, eur(2_000));
            news.push(bank.charge(id, "again", eur(2_000)));
            news
        },
        in_time: &PAID,
        late: &PAID,
    },
    Story {
        name: "captured in two parts",
        tells: |bank, id| {
            let part = bank.charge(id, "parts", eur(500));
            vec![part, bank.charge(id, "parts", eur(2_000))]
        },
        in_time: &PAID,
        // The first part, told alone and late, goes back, and then the second does not suffice.
        late: &[("fulfilled", 2_000), ("unpaid", 0)],
    },
    Story {
        name: "paid, and given back at the bank",
        tells: |bank, id| {
            let mut news = bank.pay(id, eur(2_000));
            news.push(bank.refund(id, &format!("ch-{id}"), eur(2_000)));
            news
        },
        in_time: &NOTHING,
        late: &NOTHING,
    },
    Story {
        name: "paid, and charged back",
        tells: |bank, id| {
            let mut news = bank.pay(id, eur(2_000));
            news.push(bank.dispute(id, &format!("ch-{id}"), eur(2_000), DisputeState::Lost));
            news
        },
        in_time: &NOTHING,
        late: &NOTHING,
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
        house.pass(33 * MINUTE);
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
    house.pass(40 * MINUTE);
    let (end, ours) = (house.ended(&id).await, house.bank.balance(&id));
    let expected = if is_late { story.late } else { story.in_time };
    assert!(expected.contains(&(end.name(), ours)), "{row}: {end:?} with {ours}");
    let order = house.orders.order(&id).await.unwrap().unwrap();
    assert_eq!((order.received(), order.owed()), (Some(eur(ours)), eur(ours)), "{row}");
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
