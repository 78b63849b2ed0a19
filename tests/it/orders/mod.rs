//! Orders through the public door: a box office, its flows, and a bank that tells late, twice, in any order or never.

mod bank;
mod books;
mod checkouts;
mod crashes;
mod many;
mod matrix;
mod stories;

use std::sync::Arc;
use std::time::Duration;

use boxoffice::booking::{Party, Seats};
use boxoffice::clock::{Clock, ManualClock};
use boxoffice::flows::What;
use boxoffice::id::OccurrenceId;
use boxoffice::orders::{NewOrder, Next, Order, OrderEnd, OrderId, OrderLine, Orders, PlaceOutcome, order_flow};
use boxoffice::persist::{Backend, MemoryBackend};
use boxoffice::ticket::Money;
use boxoffice::{BoxOffice, time::Timestamp};

use self::bank::Bank;
use crate::backends::{until, who};

const MINUTE: Duration = Duration::from_secs(60);

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

fn evening(number: u32) -> OccurrenceId {
    format!("evening-{number}@20260105T190000").parse().unwrap()
}

fn order_id(text: &str) -> OrderId {
    OrderId::new(text).unwrap()
}

fn line(number: u32, holder: &str, seats: u32, minor: i64) -> OrderLine {
    OrderLine::new(evening(number), who(holder), Party::of(seats), eur(minor))
}

fn order_of(id: &str, buyer: &str, lines: Vec<OrderLine>) -> NewOrder {
    NewOrder::new(order_id(id), who(buyer), "An evening", lines)
}

/// A box office that sells for money, over a store that outlives it.
struct House {
    store: Arc<dyn Backend>,
    clock: ManualClock,
    bank: Bank,
    office: BoxOffice,
    orders: Orders,
}

impl House {
    fn open() -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
        Self::over(Arc::new(MemoryBackend::new()), clock.clone(), Bank::new(clock))
    }

    fn over(store: Arc<dyn Backend>, clock: ManualClock, bank: Bank) -> Self {
        let office =
            BoxOffice::builder().shared_store(Arc::clone(&store)).alone().clock(clock.clone()).start().unwrap();
        let orders = Orders::start(&office, bank.clone()).unwrap();
        Self { store, clock, bank, office, orders }
    }

    /// Evening `number` is on sale.
    async fn selling(self, number: u32, capacity: u32) -> Self {
        assert!(self.office.open(&evening(number), Seats::new(capacity)).await.unwrap().outcome.is_accepted());
        self
    }

    async fn restart(self) -> Self {
        let Self { store, clock, bank, office, orders } = self;
        orders.shutdown().await;
        office.shutdown().await;
        Self::over(store, clock, bank)
    }

    async fn end(self) {
        self.orders.shutdown().await;
        self.office.shutdown().await;
    }

    async fn place(&self, order: NewOrder) -> OrderId {
        let id = order.id.clone();
        assert_eq!(self.orders.place(order).await.unwrap(), PlaceOutcome::Placed);
        self.rests(&id).await;
        id
    }

    /// Waits until there is nothing to do about an order, for now.
    async fn rests(&self, id: &OrderId) -> Order {
        let now = || self.clock.now();
        let rests = |order: &Order| matches!(order.next(now()), Next::Wait { .. } | Next::Done(_));
        self.patiently(id, rests).await
    }

    async fn ended(&self, id: &OrderId) -> OrderEnd {
        self.patiently(id, |order| order.end().is_some()).await.end().cloned().unwrap()
    }

    /// Waits until an order is so. An owner that was too busy is asked again later: that time comes here, since nobody else lets it.
    async fn patiently(&self, id: &OrderId, is: impl Fn(&Order) -> bool) -> Order {
        for _ in 0..300 {
            if let Ok(order) = tokio::time::timeout(Duration::from_secs(1), self.orders.until(id, &is)).await {
                return order.unwrap().unwrap();
            }
            self.try_again(id).await;
        }
        unreachable!("{id} stays as it is: {:?}", self.orders.order(id).await)
    }

    async fn seats_of(&self, number: u32, holder: &str) -> Option<(u32, bool)> {
        let roster = self.office.roster(&evening(number)).await.unwrap();
        let seat = roster.into_iter().find(|seat| seat.attendee == who(holder))?;
        Some((seat.party.seats.get(), seat.state == boxoffice::booking::SeatState::Confirmed))
    }

    fn pass(&self, length: Duration) {
        self.clock.advance(length);
    }

    async fn until_end(&self, id: &OrderId, end: &OrderEnd) {
        let ended = self.orders.until(id, |order| order.end() == Some(end));
        let is_over = tokio::time::timeout(Duration::from_secs(30), ended).await.is_ok();
        assert!(is_over, "{id} does not end {end:?}: {:?}", self.orders.order(id).await);
    }

    /// Lets the time come for which an order's flow waits since something failed, and no later.
    async fn try_again(&self, id: &OrderId) {
        let Ok(Some(order)) = self.orders.order(id).await else { return };
        let flow = order_flow(id, order.closings()).unwrap();
        let Ok(Some(view)) = self.orders.flows().inspect(&flow).await else { return };
        // Looked at after the flow: what is to be done though the flow waits has failed.
        let Ok(Some(order)) = self.orders.order(id).await else { return };
        let timer = view.waiting.iter().find_map(|ask| match ask.what {
            What::Timer { at } => Some(at),
            _ => None,
        });
        if let (Some(at), Next::Do(_)) = (timer, order.next(self.clock.now())) {
            self.clock.advance(at.saturating_since(self.clock.now()));
        }
    }
}
