//! How booking events are recorded: the only place that knows both.
//!
//! Names and shapes are constants of the format. Renaming a Rust type changes nothing here, and a new shape gets a
//! new version, never a changed one.
//!
//! | type | data (JSON) |
//! | --- | --- |
//! | `booking.sale_opened.v1` | `{"capacity":20}` |
//! | `booking.seat_booked.v1` | `{"attendee":"ann"}` |
//! | `booking.seat_held.v1` | `{"attendee":"ann","hold_ms":600000}` |
//! | `booking.hold_confirmed.v1` | `{"attendee":"ann"}` |
//! | `booking.hold_released.v1` | `{"attendee":"ann"}` |
//! | `booking.hold_lapsed.v1` | `{"attendee":"ann"}` |
//! | `booking.seat_cancelled.v1` | `{"attendee":"ann"}` |

use core::time::Duration;
use std::sync::LazyLock;

use serde::Deserialize;

use super::event::BookingEvent;
use super::outcome::Seats;
use crate::id::AttendeeId;
use crate::persist::{EventType, Fault, NewEvent, Payload, RecordedEvent};
use crate::time::Timestamp;

const SALE_OPENED: usize = 0;
const SEAT_BOOKED: usize = 1;
const SEAT_HELD: usize = 2;
const HOLD_CONFIRMED: usize = 3;
const HOLD_RELEASED: usize = 4;
const HOLD_LAPSED: usize = 5;
const SEAT_CANCELLED: usize = 6;

const NAMES: [&str; 7] = [
    "booking.sale_opened.v1",
    "booking.seat_booked.v1",
    "booking.seat_held.v1",
    "booking.hold_confirmed.v1",
    "booking.hold_released.v1",
    "booking.hold_lapsed.v1",
    "booking.seat_cancelled.v1",
];

/// The names as event types, made once: a clone is cheaper than a copy of the text.
static TYPES: LazyLock<[EventType; 7]> = LazyLock::new(|| NAMES.map(EventType::stored));

#[derive(Deserialize)]
struct SaleOpened {
    capacity: Seats,
}

#[derive(Deserialize)]
struct OfAttendee {
    attendee: AttendeeId,
}

#[derive(Deserialize)]
struct SeatHeld {
    attendee: AttendeeId,
    hold_ms: u64,
}

/// Why a recorded event is no booking event of a version known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} of stream {stream}: {reason}", seq = .event.seq, stream = .event.stream)]
pub struct WireError {
    event: Box<RecordedEvent>,
    reason: String,
}

impl From<WireError> for Fault {
    fn from(error: WireError) -> Self {
        let place = format!("{} of stream {}", error.event.seq, error.event.stream);
        Self::corrupt(place, error.reason)
    }
}

/// The recorded form of `event`, which happened `at`.
pub fn encode(at: Timestamp, event: &BookingEvent) -> NewEvent {
    // A text and a number always have a JSON form, so the forms are put together here rather than serialised with
    // errors that cannot come.
    let text = |attendee: &AttendeeId| serde_json::Value::from(attendee.as_str());
    let of = |attendee: &AttendeeId| format!(r#"{{"attendee":{}}}"#, text(attendee));
    let (name, data) = match event {
        BookingEvent::SaleOpened { capacity } => (SALE_OPENED, format!(r#"{{"capacity":{capacity}}}"#)),
        BookingEvent::SeatBooked { attendee } => (SEAT_BOOKED, of(attendee)),
        BookingEvent::SeatHeld { attendee, hold_for } => {
            let hold_ms = u64::try_from(hold_for.as_millis()).unwrap_or(u64::MAX);
            (SEAT_HELD, format!(r#"{{"attendee":{},"hold_ms":{hold_ms}}}"#, text(attendee)))
        }
        BookingEvent::HoldConfirmed { attendee } => (HOLD_CONFIRMED, of(attendee)),
        BookingEvent::HoldReleased { attendee } => (HOLD_RELEASED, of(attendee)),
        BookingEvent::HoldLapsed { attendee } => (HOLD_LAPSED, of(attendee)),
        BookingEvent::SeatCancelled { attendee } => (SEAT_CANCELLED, of(attendee)),
    };
    let types: &[EventType; 7] = &TYPES;
    let event_type = types.get(name).cloned().unwrap_or_else(|| EventType::stored("booking"));
    NewEvent { event_type, at, data: Payload::stored(&data) }
}

/// The booking event that `recorded` holds.
///
/// # Errors
/// [`WireError`] when its type is unknown or its data has another shape. An event is never passed over in silence.
pub fn decode(recorded: &RecordedEvent) -> Result<BookingEvent, WireError> {
    let fail = |reason: String| WireError { event: Box::new(recorded.clone()), reason };
    let data = &recorded.data;
    let attendee = || data.read::<OfAttendee>().map(|data| data.attendee);
    let event = match NAMES.iter().position(|name| *name == recorded.event_type.as_str()) {
        Some(SALE_OPENED) => {
            data.read::<SaleOpened>().map(|SaleOpened { capacity }| BookingEvent::SaleOpened { capacity })
        }
        Some(SEAT_BOOKED) => attendee().map(|attendee| BookingEvent::SeatBooked { attendee }),
        Some(SEAT_HELD) => data.read::<SeatHeld>().map(|SeatHeld { attendee, hold_ms }| {
            let hold_for = Duration::from_millis(hold_ms);
            BookingEvent::SeatHeld { attendee, hold_for }
        }),
        Some(HOLD_CONFIRMED) => attendee().map(|attendee| BookingEvent::HoldConfirmed { attendee }),
        Some(HOLD_RELEASED) => attendee().map(|attendee| BookingEvent::HoldReleased { attendee }),
        Some(HOLD_LAPSED) => attendee().map(|attendee| BookingEvent::HoldLapsed { attendee }),
        Some(SEAT_CANCELLED) => attendee().map(|attendee| BookingEvent::SeatCancelled { attendee }),
        Some(_) | None => return Err(fail(format!("unknown type {:?}", recorded.event_type.as_str()))),
    };
    event.map_err(|error| fail(error.to_string()))
}
