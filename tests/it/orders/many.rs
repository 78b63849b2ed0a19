//! Ten thousand orders, and a bank that tells everything thrice, in any order, some of it late and some never.

use boxoffice::booking::BookingCommand;
use boxoffice::orders::{News, OrderEnd, StatementRead};
use boxoffice::ticket::reconcile::Books;
use futures_util::StreamExt as _;
use futures_util::stream;

use super::*;

/// Orders at a time.
const AT_ONCE: usize = 256;
const EVENINGS: u32 = 40;

/// Numbers without an end, the same in each run (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            let other = usize::try_from(self.roll(at as u64 + 1)).unwrap();
            all.swap(at, other);
        }
    }
}

/// What a buyer does.
#[derive(Clone, Copy, PartialEq)]
enum Buyer {
    Pays,
    PaysTwice,
    PaysLate,
    /// Pays, and the bank tells nobody.
    PaysUnheard,
    Walks,
}

fn buyers(count: usize, dice: &mut Dice) -> Vec<Buyer> {
    let one = |dice: &mut Dice| match dice.roll(100) {
        0..5 => Buyer::PaysLate,
        5..6 => Buyer::PaysUnheard,
        6..9 => Buyer::PaysTwice,
        9..20 => Buyer::Walks,
        _ => Buyer::Pays,
    };
    (0..count).map(|_| one(dice)).collect()
}

impl House {
    async fn each<T>(&self, all: Vec<T>, what: impl AsyncFn(T)) {
        stream::iter(all).for_each_concurrent(AT_ONCE, |one| what(one)).await;
    }

    /// Each thrice, in any order.
    async fn tell_thrice(&self, news: Vec<News>, dice: &mut Dice) {
        let mut thrice: Vec<News> = news.iter().chain(&news).chain(&news).cloned().collect();
        dice.shuffle(&mut thrice);
        self.each(thrice, async |news| assert_eq!(self.orders.tell(news).await.unwrap().status(), 200)).await;
    }

    async fn all_end(&self, ids: &[OrderId]) {
        self.each(ids.to_vec(), async |id| {
            let _end = self.ended(&id).await;
        })
        .await;
    }

    async fn books(&self, ids: &[OrderId]) -> Books {
        let mut books = Books::new();
        for id in ids {
            books.order(&self.orders.order(id).await.unwrap().unwrap());
            books.gateway(id, &self.bank.facts(id));
            books.asked(id);
        }
        for number in 0..EVENINGS {
            for seat in self.office.roster(&evening(number)).await.unwrap() {
                books.seat(&evening(number), &seat);
            }
        }
        books
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_orders_with_news_thrice_shuffled_late_and_lost_reconcile_to_nothing() {
    let count = 10_000;
    let mut dice = Dice(4_711);
    let mut house = House::open();
    for number in 0..EVENINGS {
        // Some evenings sell out, so that some orders are refused, and some late ones come too late.
        let capacity = if number % 4 == 0 { 40 } else { u32::try_from(count).unwrap() };
        house = house.selling(number, capacity).await;
    }
    let buyers = buyers(count, &mut dice);
    let ids: Vec<OrderId> = (0..count).map(|at| order_id(&format!("o{at:05}"))).collect();
    let orders = ids.iter().enumerate().map(|(at, id)| {
        let (number, seats) =
            (u32::try_from(dice.roll(EVENINGS.into())).unwrap(), u32::try_from(1 + dice.roll(3)).unwrap());
        order_of(id.as_str(), id.as_str(), vec![line(number, &format!("b{at}"), seats, i64::from(seats) * 1_234 + 1)])
    });
    let began = house.clock.now();
    house.each(orders.collect(), async |order| drop(house.place(order).await)).await;

    let mut heard = vec![];
    for (id, buyer) in ids.iter().zip(&buyers) {
        let order = house.orders.order(id).await.unwrap().unwrap();
        if order.session().is_none() || matches!(buyer, Buyer::Walks | Buyer::PaysLate) {
            continue;
        }
        let news = house.bank.pay(id, order.total());
        if *buyer == Buyer::PaysTwice {
            heard.push(house.bank.charge(id, &format!("twice-{id}"), order.total()));
        }
        if *buyer != Buyer::PaysUnheard {
            heard.extend(news);
        }
    }
    house.tell_thrice(heard, &mut dice).await;
    house.pass(31 * MINUTE);
    house.all_end(&ids).await;

    // Somebody has taken what was let go in the evenings that had been full.
    for number in (0..EVENINGS).filter(|number| number % 4 == 0) {
        let free = house.office.seats(&evening(number)).await.unwrap().free;
        let party = Party::of(u32::try_from(free).unwrap());
        let crowd = BookingCommand::Book { attendee: who("crowd"), party };
        assert!(free == 0 || house.office.run(&evening(number), crowd).await.unwrap().outcome.is_accepted());
    }

    let mut late = vec![];
    for (id, _) in ids.iter().zip(&buyers).filter(|(_, buyer)| **buyer == Buyer::PaysLate) {
        let order = house.orders.order(id).await.unwrap().unwrap();
        if order.session().is_some() {
            late.push(house.bank.charge(id, &format!("late-{id}"), order.total()));
        }
    }
    let lates = late.len();
    house.tell_thrice(late, &mut dice).await;
    house.all_end(&ids).await;

    // All that was lost had been asked for when the sessions ended.
    let read = house.orders.statement(began, house.clock.now()).await.unwrap().unwrap();
    assert_eq!((read.new, read.strays), (0, 0), "{read:?}");
    assert!(read != StatementRead::default() && lates > count / 50);
    assert_eq!(house.books(&ids).await.differences().unwrap(), []);

    let mut ends = std::collections::BTreeMap::new();
    for id in &ids {
        *ends.entry(house.ended(id).await.name()).or_insert(0_usize) += 1;
    }
    println!("{ends:?}");
    let expected = ["fulfilled", "refused", "too_late", "unpaid"];
    assert_eq!(ends.keys().copied().collect::<Vec<_>>(), expected, "each of these happened");
    let fulfilled = ids.iter().zip(&buyers).filter(|(_, buyer)| **buyer != Buyer::Walks).count();
    assert!(ends["fulfilled"] + ends["refused"] + ends["too_late"] >= fulfilled);
    house.end().await;
}

#[tokio::test]
async fn a_difference_between_the_books_is_found() {
    let house = House::open().selling(1, 10).await;
    let id = house.place(order_of("o1", "ann", vec![line(1, "ann", 2, 2_000)])).await;
    for news in house.bank.pay(&id, eur(2_000)) {
        assert_eq!(house.orders.tell(news).await.unwrap().status(), 200);
    }
    assert_eq!(house.ended(&id).await, OrderEnd::Fulfilled);
    // Somebody gives the seats up behind the order's back, and somebody gives money back at the bank and the webhook is lost.
    assert!(house.office.cancel(&evening(1), &who("ann")).await.unwrap().outcome.is_accepted());
    drop(house.bank.refund(&id, &format!("ch-{id}"), eur(500)));
    let mut books = house.books(std::slice::from_ref(&id)).await;
    books.gateway(&id, &house.bank.facts(&id));
    let found = books.differences().unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    house.end().await;
}
