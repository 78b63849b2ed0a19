//! How orders are recorded.
//!
//! The stream `order:ID` holds one event `ticket.order.v1` for each thing that happened: its data is an object with one member,
//! the name of what happened, such as `{"line_held":{"line":0,"until":1767225600000}}`. A new shape of one of them gets a new name.

use super::event::OrderEvent;
use super::state::Order;
use crate::persist::{Backend, Fault, Payload, PayloadError, RecordedEvent, Seq, StreamName, TypedEvent};
use crate::schedule::read_from;
use crate::ticket::payment::OrderId;

const PREFIX: &str = "order:";
const EVENT: &str = "ticket.order.v1";

impl TypedEvent for OrderEvent {
    fn event_type(&self) -> &'static str {
        EVENT
    }

    fn payload(&self) -> Result<Payload, PayloadError> {
        Payload::new(self)
    }

    fn from_payload(event_type: &str, data: &Payload) -> Result<Option<Self>, PayloadError> {
        if event_type == EVENT { data.read().map(Some) } else { Ok(None) }
    }
}

/// The stream in which an order is recorded: `order:` and its id.
pub fn order_stream(order: &OrderId) -> StreamName {
    StreamName::stored(&format!("{PREFIX}{order}"))
}

/// The order that `stream` records; none when it is another kind of stream.
pub fn order_of(stream: &StreamName) -> Option<OrderId> {
    stream.as_str().strip_prefix(PREFIX)?.parse().ok()
}

impl Order {
    /// Folds the events of an order's stream, from its first on; none if there are none.
    ///
    /// # Errors
    /// [`Fault::Corrupt`] when an event is missing or cannot be read.
    pub fn fold(events: &[RecordedEvent]) -> Result<Option<Self>, Fault> {
        let mut order: Option<Self> = None;
        for recorded in events {
            let place = || format!("{} of stream {}", recorded.seq, recorded.stream);
            let corrupt = |reason: String| Fault::corrupt(place(), reason);
            let event = OrderEvent::from_payload(recorded.event_type.as_str(), &recorded.data);
            let event = event.map_err(|error| corrupt(error.to_string()))?;
            let event = event.ok_or_else(|| corrupt(format!("{} is no event of an order", recorded.event_type)))?;
            match &mut order {
                None => order = Some(begun(recorded, &event).ok_or_else(|| corrupt("it begins no order".to_owned()))?),
                Some(order) if recorded.seq == order.seq().next() => order.evolve(recorded.seq, recorded.at, &event),
                Some(order) => return Err(corrupt(format!("{} is missing", order.seq().next()))),
            }
        }
        Ok(order)
    }
}

fn begun(recorded: &RecordedEvent, event: &OrderEvent) -> Option<Order> {
    Some(recorded)
        .filter(|recorded| recorded.seq == Seq::FIRST)
        .and_then(|recorded| Order::begin(recorded.seq, recorded.at, event))
}

/// Reads an order; none if it was never placed.
///
/// # Errors
/// [`Fault`] when storage failed or an event cannot be read.
pub async fn load_order(backend: &dyn Backend, id: &OrderId) -> Result<Option<Order>, Fault> {
    Order::fold(&order_events(backend, id).await?)
}

/// All that happened to an order, oldest first.
///
/// # Errors
/// [`Fault`] when storage failed.
pub async fn order_events(backend: &dyn Backend, id: &OrderId) -> Result<Vec<RecordedEvent>, Fault> {
    read_from(backend, &order_stream(id), Seq::FIRST).await
}

/// Orders by id, after one of them.
///
/// # Errors
/// [`Fault`] when storage failed.
pub async fn order_ids(backend: &dyn Backend, after: Option<&OrderId>, limit: usize) -> Result<Vec<OrderId>, Fault> {
    let after = after.map_or_else(|| StreamName::stored(PREFIX), order_stream);
    let page = backend.streams(Some(&after), limit).await?;
    Ok(page.iter().map_while(order_of).collect())
}
