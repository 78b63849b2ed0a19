//! How events of lists are recorded: the only place that knows both.
//!
//! Names and shapes are constants of the format. Renaming a Rust type changes nothing here, and a new shape gets a new
//! version, never a changed one. Amounts are in minor units, instants in milliseconds since the Unix epoch; what is as by
//! default is left out.
//!
//! | type | data (JSON) |
//! | --- | --- |
//! | `ticket.list_started.v1` | `{"currency":"EUR"}` |
//! | `ticket.offer_set.v1` | `{"offer":{"ticket":"adult","price":{"minor":1200,"currency":"EUR"}}}`, see [`TicketOffer`] |
//! | `ticket.offer_removed.v1` | `{"ticket":"adult"}` |
//! | `ticket.promotion_set.v1` | `{"promotion":{...}}`, see [`Promotion`] |
//! | `ticket.promotion_removed.v1` | `{"promotion":"early"}` |
//! | `ticket.voucher_pool_set.v1` | `{"pool":"press","uses":100}` |
//! | `ticket.voucher_set.v1` | `{"voucher":{"code":"SPRING","promotion":"spring","uses":20}}`, see [`Voucher`] |
//! | `ticket.voucher_withdrawn.v1` | `{"code":"SPRING"}` |

use serde::{Deserialize, Serialize};

use crate::id::{PoolName, TicketType, VoucherCode};
use crate::persist::{EventType, Fault, NewEvent, Payload, RecordedEvent};
use crate::ticket::currency::Currency;
use crate::ticket::list::event::PriceEvent;
use crate::ticket::list::offer::{TicketOffer, Voucher};
use crate::ticket::price::Promotion;
use crate::time::Timestamp;

const STARTED: &str = "ticket.list_started.v1";
const OFFER_SET: &str = "ticket.offer_set.v1";
const OFFER_REMOVED: &str = "ticket.offer_removed.v1";
const PROMOTION_SET: &str = "ticket.promotion_set.v1";
const PROMOTION_REMOVED: &str = "ticket.promotion_removed.v1";
const POOL_SET: &str = "ticket.voucher_pool_set.v1";
const VOUCHER_SET: &str = "ticket.voucher_set.v1";
const VOUCHER_WITHDRAWN: &str = "ticket.voucher_withdrawn.v1";

/// Room for the data of an event. The rest of the 4,000 bytes that any store takes is for the names of its stream and type.
pub(super) const DATA_BYTES_MAX: usize = 3_800;

/// Why a recorded event is no event of a list in a version known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} of stream {stream}: {reason}", seq = .event.seq, stream = .event.stream)]
pub struct PriceWireError {
    event: Box<RecordedEvent>,
    reason: String,
}

impl From<PriceWireError> for Fault {
    fn from(error: PriceWireError) -> Self {
        let place = format!("{} of stream {}", error.event.seq, error.event.stream);
        Self::corrupt(place, error.reason)
    }
}

#[derive(Serialize, Deserialize)]
struct StartedData {
    currency: Currency,
}

#[derive(Serialize, Deserialize)]
struct OfferData<O> {
    offer: O,
}

#[derive(Serialize, Deserialize)]
struct TicketData<T> {
    ticket: T,
}

#[derive(Serialize, Deserialize)]
struct PromotionData<P> {
    promotion: P,
}

#[derive(Serialize, Deserialize)]
struct PoolData<P> {
    pool: P,
    uses: u32,
}

#[derive(Serialize, Deserialize)]
struct VoucherData<V> {
    voucher: V,
}

#[derive(Serialize, Deserialize)]
struct CodeData<C> {
    code: C,
}

fn written(event: &PriceEvent) -> (&'static str, Payload) {
    // Numbers and texts always have a JSON form.
    fn data(data: &impl Serialize) -> Payload {
        Payload::new(data).unwrap_or_else(|_| Payload::stored("null"))
    }
    match event {
        PriceEvent::Started { currency } => (STARTED, data(&StartedData { currency: *currency })),
        PriceEvent::TicketSet { offer } => (OFFER_SET, data(&OfferData { offer })),
        PriceEvent::TicketRemoved { ticket } => (OFFER_REMOVED, data(&TicketData { ticket })),
        PriceEvent::PromotionSet { promotion } => (PROMOTION_SET, data(&PromotionData { promotion })),
        PriceEvent::PromotionRemoved { promotion } => (PROMOTION_REMOVED, data(&PromotionData { promotion })),
        PriceEvent::VoucherPoolSet { pool, uses } => (POOL_SET, data(&PoolData { pool, uses: *uses })),
        PriceEvent::VoucherSet { voucher } => (VOUCHER_SET, data(&VoucherData { voucher })),
        PriceEvent::VoucherWithdrawn { code } => (VOUCHER_WITHDRAWN, data(&CodeData { code })),
    }
}

/// How large the data of `event` is when it is recorded.
pub(super) fn data_bytes(event: &PriceEvent) -> usize {
    written(event).1.json().len()
}

/// The recorded form of `event`, which happened `at`.
pub fn encode(at: Timestamp, event: &PriceEvent) -> NewEvent {
    let (name, data) = written(event);
    NewEvent { event_type: EventType::stored(name), at, data }
}

/// The event that `recorded` holds.
///
/// # Errors
/// [`PriceWireError`] when its type is unknown or its data has another shape. An event is never passed over in silence.
pub fn decode(recorded: &RecordedEvent) -> Result<PriceEvent, PriceWireError> {
    let read = || event(recorded.event_type.as_str(), &recorded.data);
    read().map_err(|reason| PriceWireError { event: Box::new(recorded.clone()), reason })
}

fn event(name: &str, data: &Payload) -> Result<PriceEvent, String> {
    let read = match name {
        STARTED => data.read().map(|StartedData { currency }| PriceEvent::Started { currency }),
        OFFER_SET => {
            data.read::<OfferData<TicketOffer>>().map(|data| PriceEvent::TicketSet { offer: data.offer.into() })
        }
        OFFER_REMOVED => {
            data.read::<TicketData<TicketType>>().map(|data| PriceEvent::TicketRemoved { ticket: data.ticket })
        }
        PROMOTION_SET => data
            .read::<PromotionData<Promotion>>()
            .map(|data| PriceEvent::PromotionSet { promotion: data.promotion.into() }),
        PROMOTION_REMOVED => {
            data.read::<PromotionData<String>>().map(|data| PriceEvent::PromotionRemoved { promotion: data.promotion })
        }
        POOL_SET => data
            .read::<PoolData<PoolName>>()
            .map(|data| PriceEvent::VoucherPoolSet { pool: data.pool, uses: data.uses }),
        VOUCHER_SET => {
            data.read::<VoucherData<Voucher>>().map(|data| PriceEvent::VoucherSet { voucher: data.voucher.into() })
        }
        VOUCHER_WITHDRAWN => {
            data.read::<CodeData<VoucherCode>>().map(|data| PriceEvent::VoucherWithdrawn { code: data.code })
        }
        name => return Err(format!("unknown type {name:?}")),
    };
    read.map_err(|error| error.to_string())
}
