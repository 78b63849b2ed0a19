//! Whether money, seats and orders agree: the books are filled here, and compared in the core.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use boxoffice_core::booking::{Seat, SeatLedger};
use boxoffice_core::datalog::EvalError;
use boxoffice_core::id::{AttendeeId, OccurrenceId};
use boxoffice_core::persist::{Backend, Seq};
use boxoffice_core::ticket::order::{claim_key, load_order, order_ids};
use boxoffice_core::ticket::payment::{ChargeId, GatewayError, News, OrderId};
use boxoffice_core::ticket::reconcile::{Books, Difference};
use boxoffice_core::time::Timestamp;

use super::desk::{House, OrderDesk};
use super::handle::Orders;
use crate::error::BoxOfficeError;

/// Names of orders that are read at a time.
const PAGE: usize = 256;
/// How far the gateway's clock may be from ours: of an order this near to an end of the window nothing is missed there.
const EDGE: Duration = Duration::from_secs(300);
/// Facts that are compared at most.
const FACTS_MAX: usize = 2_000_000;

/// What a reconciliation came to.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reconciled {
    /// All was compared.
    Done {
        /// How many orders.
        orders: u64,
        /// Charges that the gateway says of no order, and that no order was told of: other business of the same account, or money that
        /// is missed.
        unnamed: u64,
        /// Where they differ, sorted; nothing if all is well.
        differences: Vec<Difference>,
    },
    /// The gateway could not be asked.
    NoStatement(GatewayError),
    /// There are more facts than are compared at once.
    TooMany {
        /// The most that are.
        max: usize,
    },
    /// The comparison takes too many steps.
    TooMuch(EvalError),
}

/// The time from which, and before which, sessions are told of.
type Span = (Timestamp, Timestamp);

/// What was read of the store.
#[derive(Default)]
struct Reading {
    books: Books,
    /// Orders, and the event that each stood at.
    orders: BTreeMap<OrderId, Seq>,
    /// Which order was told of a charge.
    charges: BTreeMap<ChargeId, OrderId>,
    /// Charges of which nobody knows the order.
    unnamed: BTreeSet<ChargeId>,
    /// Who should have seats, or should have none any more.
    holders: BTreeMap<OccurrenceId, BTreeSet<AttendeeId>>,
}

impl Reading {
    fn is_full(&self) -> bool {
        self.books.len() + self.unnamed.len() > FACTS_MAX
    }

    /// Takes in a piece of the statement. Where the gateway names no order, its charges may be known by their own names.
    fn enter(&mut self, news: &News) {
        if let Some(order) = &news.order {
            return self.books.gateway(order, &news.facts);
        }
        for fact in &news.facts {
            let Some(charge) = fact.charge() else { continue };
            match self.charges.get(charge) {
                Some(order) => self.books.gateway(order, core::slice::from_ref(fact)),
                None => drop(self.unnamed.insert(charge.clone())),
            }
        }
    }
}

impl Orders {
    /// Compares all orders of the store with the seats that their holders have, and with what the gateway says of all sessions that
    /// were opened from `from` on and before `until`.
    ///
    /// Nothing is changed by it: tell the orders first what the gateway has, by [`Orders::statement`]. What an order is about to do,
    /// or does while this looks, is no difference. Of an order whose whole story lies within the window, five minutes from its
    /// ends, a charge that the gateway does not know is a difference too.
    ///
    /// An order takes three facts, and one for each line, each holder that has seats, each charge, refund and dispute, in both
    /// books; at most 2,000,000 of them are compared, in a few hundred bytes each.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when storage failed or an owner could not be asked.
    pub async fn reconcile(&self, from: Timestamp, until: Timestamp) -> Result<Reconciled, BoxOfficeError> {
        self.house.reconcile(from, until).await
    }
}

impl OrderDesk {
    /// As [`Orders::reconcile`], where no flows run.
    ///
    /// # Errors
    /// As [`Orders::reconcile`].
    pub async fn reconcile(&self, from: Timestamp, until: Timestamp) -> Result<Reconciled, BoxOfficeError> {
        self.house.reconcile(from, until).await
    }
}

impl House {
    async fn reconcile(&self, from: Timestamp, until: Timestamp) -> Result<Reconciled, BoxOfficeError> {
        let mut reading = self.read_orders((from, until)).await?;
        if let Err(error) = self.read_statement(&mut reading, from, until).await {
            return Ok(Reconciled::NoStatement(error));
        }
        self.read_seats(&mut reading).await?;
        if reading.is_full() {
            return Ok(Reconciled::TooMany { max: FACTS_MAX });
        }
        let found = match reading.books.differences() {
            Ok(found) => found,
            Err(error) => return Ok(Reconciled::TooMuch(error)),
        };
        let mut differences = Vec::new();
        for difference in found {
            if self.stands(&reading, &difference).await? {
                differences.push(difference);
            }
        }
        let orders = reading.orders.len() as u64;
        tracing::debug!(orders, facts = reading.books.len(), differences = differences.len(), "reconciled");
        Ok(Reconciled::Done { orders, unnamed: reading.unnamed.len() as u64, differences })
    }

    async fn read_orders(&self, (from, until): Span) -> Result<Reading, BoxOfficeError> {
        let (mut reading, mut after) = (Reading::default(), None);
        while !reading.is_full() {
            let page = order_ids(&self.store, after.as_ref(), PAGE).await?;
            for id in &page {
                let Some(order) = load_order(&self.store, id).await? else { continue };
                for line in order.lines() {
                    let holders = reading.holders.entry(line.line.occurrence.clone()).or_default();
                    holders.insert(line.line.holder.clone());
                }
                reading.books.order(&order);
                let is_inside = from + EDGE <= order.placed_at() && order.changed_at() + EDGE <= until;
                if is_inside && order.gateway() == self.gateway.name() {
                    reading.books.asked(id);
                }
                reading.orders.insert(id.clone(), order.seq());
                reading.charges.extend(order.purse().charges().keys().map(|charge| (charge.clone(), id.clone())));
            }
            if page.len() < PAGE {
                break;
            }
            after = page.into_iter().last();
        }
        Ok(reading)
    }

    async fn read_statement(
        &self,
        reading: &mut Reading,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<(), GatewayError> {
        let mut page = None;
        while !reading.is_full() {
            let found = self.statement_page(from, until, page.as_deref()).await?;
            for news in &found.news {
                reading.enter(news);
            }
            page = found.next;
            if page.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn read_seats(&self, reading: &mut Reading) -> Result<(), BoxOfficeError> {
        for (occurrence, holders) in core::mem::take(&mut reading.holders) {
            if reading.is_full() {
                break;
            }
            // Not the whole roster: of those who never ordered there may be many.
            let look = move |ledger: &SeatLedger| -> Vec<Seat> {
                holders.iter().filter_map(|holder| ledger.seat_of(holder)).cloned().collect()
            };
            for seat in self.office.inspect(&occurrence, look).await? {
                reading.books.seat(&occurrence, &seat);
            }
        }
        Ok(())
    }

    /// Whether nobody has done anything meanwhile about what differs.
    async fn stands(&self, reading: &Reading, difference: &Difference) -> Result<bool, BoxOfficeError> {
        let Ok(id) = OrderId::new(difference.order()) else { return Ok(true) };
        let seq = load_order(&self.store, &id).await?.map(|order| order.seq());
        if seq != reading.orders.get(&id).copied() {
            return Ok(false);
        }
        if let Difference::SeatsUnpaid { occurrence, holder, .. } = difference
            && let (Ok(occurrence), Ok(holder)) = (occurrence.parse::<OccurrenceId>(), AttendeeId::new(holder))
        {
            // They may be another order's by now.
            return Ok(self.store.get(&claim_key(&occurrence, &holder)).await?.is_none());
        }
        Ok(true)
    }
}
