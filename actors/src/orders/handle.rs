//! The handle to orders.

use std::sync::Arc;

use boxoffice_core::flow::shard::FlowOutcome;
use boxoffice_core::persist::{
    Backend, CommitOutcome, Expect, Fault, IdempotencyKey, NewEvent, StreamName, Transaction,
};
use boxoffice_core::ticket::order::{
    Changing, Hearing, NewOrder, ORDER_NEWS, Order, OrderChange, OrderEvent, OrderInput, load_order, open_orders,
    order_flow,
};
use boxoffice_core::ticket::payment::{GatewayError, News, OrderId, PaymentGateway, WebhookDelivery, WebhookError};
use boxoffice_core::time::Timestamp;
use tracing::{Instrument, field};

use super::desk::{House, OrderDesk};
use super::outcome::{ChangeOutcome, PlaceOutcome, StatementRead, WebhookOutcome};
use super::record::{Recorded, record};
use crate::error::{BoxOfficeError, StartError};
use crate::flows::Flows;
use crate::office::BoxOffice;

/// An order that others change at the same time is looked at again so often.
const TRIES_MAX: u32 = 100;
/// Open orders that are read at a time.
const RESUME_PAGE: usize = 256;

/// Orders of a running box office: cheap to clone, and to be used from any thread and any runtime.
///
/// What is answered is durable. See [the module](crate::orders).
#[derive(Clone, Debug)]
pub struct Orders {
    pub(super) house: Arc<House>,
    flows: Flows,
}

impl Orders {
    pub(super) fn of(house: Arc<House>, flows: Flows) -> Self {
        let orders = Self { house, flows };
        let resuming = orders.clone();
        let begun = orders.flows.spawn(async move {
            if let Err(error) = resuming.resume().await {
                tracing::error!(%error, "open orders are not looked after");
            }
        });
        if !begun {
            tracing::debug!("the flows have ended");
        }
        orders
    }

    /// Sees to it that every order that has not ended has a flow that looks after it, and says how many there are. Done by itself at the
    /// start: an order may have been changed by a process that ended before it told the flow.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when storage or the flows failed.
    pub async fn resume(&self) -> Result<u64, BoxOfficeError> {
        let (mut count, mut after) = (0, None);
        loop {
            let page = open_orders(&self.house.store, after.as_ref(), RESUME_PAGE).await?;
            for id in &page {
                match self.order(id).await {
                    Ok(Some(order)) if order.end().is_none() => {
                        self.wake(&order, None).await?;
                        count += 1;
                    }
                    Ok(_) => {}
                    // One that cannot be read keeps no other from being looked after.
                    Err(error @ BoxOfficeError::Store(_)) => tracing::error!(order = %id, %error, "not looked after"),
                    Err(error) => return Err(error),
                }
            }
            match page.last() {
                Some(last) if page.len() == RESUME_PAGE => after = Some(last.clone()),
                Some(_) | None => return Ok(count),
            }
        }
    }

    /// Starts the flows of orders, and no others: see [`OrderDesk`] for hosts that have more.
    ///
    /// # Errors
    /// As [`FlowsBuilder::start`](crate::flows::FlowsBuilder::start).
    pub fn start(office: &BoxOffice, gateway: impl PaymentGateway) -> Result<Self, StartError> {
        let desk = OrderDesk::new(office, gateway);
        let flows = desk.set_up(Flows::builder()).start(office)?;
        Ok(desk.serve(flows))
    }

    /// The flows beneath.
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// Places an order, and begins to carry it out. The same order may be placed again.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when storage or the flows failed. Place it again then: it is placed once.
    pub async fn place(&self, order: NewOrder) -> Result<PlaceOutcome, BoxOfficeError> {
        if let Some(bad) = order.check() {
            return Ok(PlaceOutcome::Bad(bad));
        }
        let id = order.id.clone();
        let gateway = self.house.gateway.name().to_owned();
        let event = OrderEvent::Placed { order: Box::new(order.clone()), gateway };
        for _ in 0..TRIES_MAX {
            if let Some(placed) = load_order(&self.house.store, &id).await? {
                if *placed.placed() != order {
                    return Ok(PlaceOutcome::IdTaken);
                }
                if placed.end().is_none() {
                    self.wake(&placed, None).await?;
                }
                return Ok(PlaceOutcome::Already);
            }
            match record(&self.house.store, None, &id, &event, self.house.clock.now()).await? {
                Recorded::Done(placed) => {
                    tracing::debug!(order = %id, lines = placed.lines().len(), "placed");
                    self.wake(&placed, None).await?;
                    return Ok(PlaceOutcome::Placed);
                }
                // What stands in the way may be this very order, placed at the same time.
                Recorded::Taken { .. } | Recorded::TooMany { .. } if self.order(&id).await?.is_some() => {}
                Recorded::Moved => {}
                Recorded::Taken { line, by } => return Ok(PlaceOutcome::HolderTaken { line, by }),
                Recorded::TooMany { line, max } => return Ok(PlaceOutcome::TooMany { line, max }),
                Recorded::TooLarge(limit) => return Ok(PlaceOutcome::TooLarge(limit)),
            }
        }
        Err(contended())
    }

    /// An order as it stands; none if it was never placed.
    ///
    /// # Errors
    /// [`BoxOfficeError::Store`] when storage failed.
    pub async fn order(&self, id: &OrderId) -> Result<Option<Order>, BoxOfficeError> {
        Ok(load_order(&self.house.store, id).await?)
    }

    /// Waits until an order is so; none if there is no such order. Notices what is done in this process; whoever cannot wait
    /// for ever puts a limit around it.
    ///
    /// # Errors
    /// As [`Orders::order`].
    pub async fn until(&self, id: &OrderId, is: impl Fn(&Order) -> bool) -> Result<Option<Order>, BoxOfficeError> {
        let mut listener = self.house.watching.listen(id);
        loop {
            listener.is_up_to_date();
            match self.order(id).await? {
                Some(order) if !is(&order) => listener.recorded().await,
                found => return Ok(found),
            }
        }
    }

    /// Changes an order: gives seats up, gives money back, has it looked after again. It is being carried out when this is answered.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when storage or the flows failed; look at the order before you ask again.
    pub async fn change(&self, id: &OrderId, change: OrderChange) -> Result<ChangeOutcome, BoxOfficeError> {
        for _ in 0..TRIES_MAX {
            let Some(order) = self.order(id).await? else { return Ok(ChangeOutcome::Unknown) };
            let asked = order.change_asked(change.clone());
            let Changing::Do(event) = asked else { return Ok(ChangeOutcome::No(asked)) };
            let recorded = record(&self.house.store, Some(&order), id, &event, self.house.clock.now()).await?;
            if let Recorded::Done(after) = recorded {
                self.house.watching.tell(id);
                self.wake(&after, None).await?;
                return Ok(ChangeOutcome::Asked);
            }
        }
        Err(contended())
    }

    /// Takes what the gateway posted. Answer it with [`WebhookOutcome::status`], and an error with 503: it comes again then.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when storage or the flows failed.
    pub async fn webhook(&self, delivery: WebhookDelivery<'_>) -> Result<WebhookOutcome, BoxOfficeError> {
        let gateway = self.house.gateway.name();
        let span =
            tracing::debug_span!("webhook", gateway, order = field::Empty, news = field::Empty, outcome = field::Empty);
        let outcome = async {
            let news = match self.house.gateway.hear(delivery).await {
                Ok(news) => news,
                Err(WebhookError::Unproven { reason }) => return Ok(WebhookOutcome::Unproven { reason }),
                Err(WebhookError::Unreadable { reason }) => return Ok(WebhookOutcome::Unreadable { reason }),
                Err(error) => return Ok(WebhookOutcome::Later { reason: error.to_string() }),
            };
            self.tell(news).await
        };
        let outcome = outcome.instrument(span.clone()).await;
        if let Ok(outcome) = &outcome {
            span.record("outcome", outcome.name());
        }
        outcome
    }

    /// Takes news that are known to be the gateway's, however they came.
    ///
    /// # Errors
    /// As [`Orders::webhook`].
    pub async fn tell(&self, news: News) -> Result<WebhookOutcome, BoxOfficeError> {
        tracing::Span::current().record("news", field::display(&news.id));
        if news.facts.is_empty() {
            return Ok(WebhookOutcome::Nothing);
        }
        let Some(id) = news.order.clone() else { return self.stray(&news).await };
        tracing::Span::current().record("order", field::display(&id));
        for _ in 0..TRIES_MAX {
            let Some(order) = self.order(&id).await? else { return self.stray(&news).await };
            let event = match order.hear(&news) {
                Hearing::New(event) => event,
                Hearing::Again => {
                    // It may have been recorded by whoever ended before the flow was told.
                    if order.end().is_none() {
                        self.wake(&order, Some(&news)).await?;
                    }
                    return Ok(WebhookOutcome::Again { order: id });
                }
                Hearing::Facts { count, limit } => {
                    let reason = format!("{count} facts at once, {limit} are allowed");
                    return Ok(WebhookOutcome::Unreadable { reason });
                }
            };
            match record(&self.house.store, Some(&order), &id, &event, self.house.clock.now()).await? {
                Recorded::Done(after) => {
                    self.house.watching.tell(&id);
                    if after.end().is_none() {
                        self.wake(&after, Some(&news)).await?;
                    }
                    let OrderEvent::Told { came, .. } = event else { return Err(contended()) };
                    return Ok(WebhookOutcome::Told { order: id, came });
                }
                Recorded::TooLarge(limit) => return Ok(WebhookOutcome::Unreadable { reason: limit.to_string() }),
                Recorded::Moved | Recorded::Taken { .. } | Recorded::TooMany { .. } => {}
            }
        }
        Err(contended())
    }

    /// Records money of no order: it should never come, and must not be lost. A session of which no money came is no matter.
    async fn stray(&self, news: &News) -> Result<WebhookOutcome, BoxOfficeError> {
        if news.facts.iter().all(|fact| fact.charge().is_none()) {
            return Ok(WebhookOutcome::Nothing);
        }
        let event = NewEvent::new(STRAY, self.house.clock.now(), news).map_err(BoxOfficeError::Payload)?;
        let name = |error: boxoffice_core::persist::NameError| Fault::Unavailable { reason: error.to_string().into() };
        let key = IdempotencyKey::new(format!("order-stray/{}", news.id)).map_err(name)?;
        let stream = StreamName::new(STRAYS).map_err(name)?;
        let transaction = Transaction::append(&stream, Expect::Any, vec![event]).once(key);
        let outcome = self.house.store.commit_one(transaction).await?;
        if let CommitOutcome::Refused(limit) = outcome {
            return Ok(WebhookOutcome::Unreadable { reason: limit.to_string() });
        }
        if outcome.is_done() {
            tracing::warn!(news = %news.id, "money of no order");
        }
        Ok(WebhookOutcome::Stray)
    }

    /// Reads what the gateway has of all sessions that were opened from `from` on and before `until`, and tells the orders. What
    /// webhooks that were lost would have told is known then.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when storage or the flows failed. Inside, [`GatewayError`] when the gateway could not be asked. What was
    /// told before is.
    pub async fn statement(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Result<StatementRead, GatewayError>, BoxOfficeError> {
        let (mut read, mut page) = (StatementRead::default(), None);
        loop {
            let found = match self.house.statement_page(from, until, page.as_deref()).await {
                Ok(found) => found,
                Err(error) => return Ok(Err(error)),
            };
            for news in found.news {
                read.read += 1;
                match self.tell_what_is_new(news).await? {
                    Some(WebhookOutcome::Told { .. }) => read.new += 1,
                    Some(WebhookOutcome::Stray) => read.strays += 1,
                    Some(_) | None => {}
                }
            }
            match found.next {
                Some(next) => page = Some(next),
                None => return Ok(Ok(read)),
            }
        }
    }

    /// Tells an order only what it does not know: statements repeat most of it.
    async fn tell_what_is_new(&self, news: News) -> Result<Option<WebhookOutcome>, BoxOfficeError> {
        if let Some(id) = &news.order
            && let Some(order) = self.order(id).await?
        {
            let mut purse = order.purse().clone();
            if !news.facts.iter().any(|fact| purse.put(fact)) {
                return Ok(None);
            }
        }
        self.tell(news).await.map(Some)
    }

    /// Lets an order's flow look at it, and starts one if there is none.
    async fn wake(&self, order: &Order, news: Option<&News>) -> Result<(), BoxOfficeError> {
        let id = &order.placed().id;
        let mut closings = order.closings();
        let signal = format!("{} {}", order.seq(), news.map_or("", |news| news.id.as_str()));
        for _ in 0..TRIES_MAX {
            let flow = order_flow(id, closings);
            let flow = flow.map_err(|error| Fault::Unavailable { reason: error.to_string().into() })?;
            let began = self.flows.start(&flow, &OrderInput { order: id.clone() }).await?;
            if began == FlowOutcome::Started {
                return Ok(());
            }
            let FlowOutcome::Already(status) = &began else { return Err(unflown(id, &began)) };
            if !status.is_over() {
                let told = self.flows.signal(&flow, ORDER_NEWS, Some(&signal), &()).await?;
                if matches!(told, FlowOutcome::Done | FlowOutcome::Unchanged) {
                    return Ok(());
                }
                if !matches!(told, FlowOutcome::Over(_) | FlowOutcome::Unknown) {
                    return Err(unflown(id, &told));
                }
            }
            // It ended between: either the order is closed by now, or somebody ended its flow.
            match self.order(id).await? {
                Some(now) if now.end().is_some() => return Ok(()),
                Some(now) if now.closings() != closings => closings = now.closings(),
                _ => closings += 1,
            }
        }
        Err(contended())
    }

    /// Takes no more news, and shuts the flows down. What is not done yet is done by whoever starts orders again.
    pub async fn shutdown(self) {
        self.flows.clone().shutdown().await;
    }
}

const STRAY: &str = "ticket.stray.v1";
const STRAYS: &str = "order-strays";

/// The flow of an order takes no order, or no signal.
fn unflown(order: &OrderId, outcome: &FlowOutcome) -> BoxOfficeError {
    Fault::Unavailable { reason: format!("the flow of order {order}: {}", outcome.name()).into() }.into()
}

fn contended() -> BoxOfficeError {
    BoxOfficeError::Busy { retry_after: core::time::Duration::from_millis(10) }
}
