//! Where orders are carried out: step after step, each recorded before the next.

use core::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_core::flow::shard::{Performance, Performed};
use boxoffice_core::persist::Payload;
use boxoffice_core::ticket::order::{
    Action, Next, ORDER_STEPS, Order, OrderEvent, OrderInput, StepEnd, load_order, order_program,
};
use boxoffice_core::ticket::payment::{OrderId, PaymentGateway};
use tracing::{Instrument, field};

use super::handle::Orders;
use super::lists::Lists;
use super::record::{Recorded, record};
use super::watching::Watching;
use crate::clock::Clock;
use crate::flows::{Flows, FlowsBuilder, Performer};
use crate::office::BoxOffice;
use crate::shared_writer::SharedWriter;

/// Steps of an order that are taken one after the other before others have their turn.
const STEPS_MAX: usize = 500;

/// A step that could not be taken: who could not be asked, and why.
pub(super) type Hindrance = String;

pub(super) struct House {
    pub(super) office: BoxOffice,
    pub(super) store: SharedWriter,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) gateway: Arc<dyn PaymentGateway>,
    pub(super) watching: Watching,
    pub(super) lists: Lists,
}

impl fmt::Debug for House {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("House").field("gateway", &self.gateway.name()).finish_non_exhaustive()
    }
}

/// Orders before their flows are started: for hosts that have other flows too.
///
/// ```no_run
/// # use boxoffice::{BoxOffice, StartError, flows::Flows, orders::{OrderDesk, PaymentGateway}};
/// # fn start(office: &BoxOffice, gateway: impl PaymentGateway) -> Result<(), StartError> {
/// let desk = OrderDesk::new(office, gateway);
/// let flows = desk.set_up(Flows::builder()).start(office)?;
/// let orders = desk.serve(flows);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct OrderDesk {
    pub(super) house: Arc<House>,
}

impl OrderDesk {
    /// Orders whose money `gateway` takes. A host that speaks to it too gives an `Arc` of it.
    pub fn new(office: &BoxOffice, gateway: impl PaymentGateway) -> Self {
        Self::of(office, Arc::new(gateway))
    }

    pub(super) fn of(office: &BoxOffice, gateway: Arc<dyn PaymentGateway>) -> Self {
        let house = House {
            store: office.shared_writer(),
            clock: office.clock(),
            office: office.clone(),
            gateway,
            watching: Watching::default(),
            lists: Lists::default(),
        };
        Self { house: Arc::new(house) }
    }

    /// Gives flows what orders need: the program of kind `order`, and who takes its steps. A
    /// [`Notifier`](crate::notify::Notifier)'s flows are set up the same way.
    pub fn set_up(&self, flows: FlowsBuilder) -> FlowsBuilder {
        flows.program(order_program()).performer(ORDER_STEPS, self.clone())
    }

    /// The orders, once the flows that were [set up](Self::set_up) for them run.
    pub fn serve(self, flows: Flows) -> Orders {
        Orders::of(self.house, flows)
    }
}

#[async_trait]
impl Performer for OrderDesk {
    async fn perform(&self, request: Performance) -> Result<Performed, String> {
        let input: OrderInput = request.body.read().map_err(|error| error.to_string())?;
        let end = self.house.steps(&input.order).await;
        Payload::new(&end).map(Performed::new).map_err(|error| error.to_string())
    }
}

impl House {
    /// Takes an order as far as it goes for now.
    async fn steps(&self, id: &OrderId) -> StepEnd {
        let mut order = None;
        for _ in 0..STEPS_MAX {
            let stands = match order.take() {
                Some(order) => order,
                None => match load_order(&self.store, id).await {
                    Ok(Some(order)) => Box::new(order),
                    Ok(None) => return StepEnd::Failed { reason: "there is no such order".to_owned() },
                    Err(fault) => return StepEnd::Failed { reason: fault.to_string() },
                },
            };
            if stands.gateway() != self.gateway.name() {
                let (theirs, ours) = (stands.gateway(), self.gateway.name());
                return StepEnd::Failed { reason: format!("its money is at {theirs}, and {ours} is asked here") };
            }
            let stepped = match stands.next(self.clock.now()) {
                Next::Done(end) => return StepEnd::Done { end },
                Next::Wait { until } => return StepEnd::Wait { until },
                Next::Close(end) => self.record(&stands, &OrderEvent::Closed { end }).await,
                Next::Do(action) => self.step(&stands, action).await,
            };
            match stepped {
                Ok(after) => order = after,
                Err(reason) => return StepEnd::Failed { reason },
            }
        }
        StepEnd::Wait { until: self.clock.now() }
    }

    /// Takes one step; the order as it is then, or none if it has to be looked at again.
    async fn step(&self, order: &Order, action: Action) -> Result<Option<Box<Order>>, Hindrance> {
        let name = action.name();
        let span = tracing::debug_span!("order_step", order = %order.placed().id, seq = %order.seq(), action = name, outcome = field::Empty);
        let acted = async {
            let event = self.act(order, action).await?;
            self.record(order, &event).await
        };
        let stepped = acted.instrument(span.clone()).await;
        match &stepped {
            Ok(_) => span.record("outcome", "done"),
            Err(reason) => span.record("outcome", reason.as_str()),
        };
        stepped
    }

    async fn record(&self, order: &Order, event: &OrderEvent) -> Result<Option<Box<Order>>, Hindrance> {
        let id = &order.placed().id;
        let recorded = record(&self.store, Some(order), id, event, self.clock.now()).await;
        let mut recorded = recorded.map_err(|error| error.to_string())?;
        if let Recorded::Taken { line, .. } | Recorded::TooMany { line, .. } = recorded {
            // Seats that were let go are somebody else's now, in one way or another.
            let lost = OrderEvent::LineLost { line, noted: false };
            recorded = record(&self.store, Some(order), id, &lost, self.clock.now())
                .await
                .map_err(|error| error.to_string())?;
        }
        match recorded {
            Recorded::Done(after) => {
                self.watching.tell(id);
                if let Some(end) = after.end() {
                    tracing::info!(order = %id, seq = %after.seq(), outcome = end.name(), "an order ended");
                }
                Ok(Some(after))
            }
            Recorded::Moved | Recorded::Taken { .. } | Recorded::TooMany { .. } => Ok(None),
            Recorded::TooLarge(limit) => Err(format!("the store takes no such event: {limit}")),
        }
    }

    /// Does what is to be done, and says what is to be recorded.
    async fn act(&self, order: &Order, action: Action) -> Result<OrderEvent, Hindrance> {
        match action {
            Action::Record(event) => Ok(event),
            Action::Seats { line, change } => self.change_seats(order, line, change).await,
            Action::Open(ask) => self.open(&ask).await,
            Action::Expire(session) => self.expire(order, &session).await,
            Action::Refund(ask) => self.refund(order, ask).await,
        }
    }
}
