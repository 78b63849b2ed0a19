//! How booking events are recorded: the only place that knows both.
//!
//! Names and shapes are constants of the format. Renaming a Rust type changes nothing here, and a new shape gets a
//! new version, never a changed one. Lengths are whole milliseconds.
//!
//! | type | data (JSON) |
//! | --- | --- |
//! | `booking.sale_opened.v1`, `booking.capacity_changed.v1` | `{"capacity":20}` |
//! | `booking.sale_closed.v1`, `booking.sale_reopened.v1` | `{}` |
//! | `booking.seats_blocked.v1` | `{"seats":2}` |
//! | `booking.pool_set.v1` | `{"pool":"balcony","capacity":8}` |
//! | `booking.ticket_set.v1` | `{"ticket":"student","pools":["balcony"]}` |
//! | `booking.settings_changed.v1` | `{"settings":{...}}`, see [`Settings`](super::Settings) |
//! | `booking.seat_booked.v1` | `{"attendee":"ann"}`: one seat of no particular kind |
//! | `booking.seat_booked.v2`, `booking.seat_reacquired.v1`, `booking.refund_due.v1`, `booking.seat_requested.v1`, `booking.wait_joined.v1` | `{"attendee":"ann","party":{"seats":4,"ticket":"student"}}` |
//! | `booking.seat_held.v1` | `{"attendee":"ann","hold_ms":600000}`: one seat of no particular kind |
//! | `booking.seat_held.v2` | `{"attendee":"ann","party":{"seats":4},"hold_ms":600000}` |
//! | `booking.hold_extended.v1`, `booking.seat_offered.v1` | `{"attendee":"ann","hold_ms":600000}` |
//! | `booking.hold_confirmed.v1`, `booking.hold_released.v1`, `booking.hold_lapsed.v1`, `booking.seat_cancelled.v1`, `booking.request_declined.v1`, `booking.wait_left.v1` | `{"attendee":"ann"}` |
//! | `booking.seat_transferred.v1` | `{"from":"ann","to":"bob"}` |
//! | `booking.party_changed.v1` | `{"attendee":"ann","seats":3}` |
//! | `booking.waiter_passed_over.v1` | `{"attendee":"ann","position":1,"free":2}` |

use core::time::Duration;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::event::BookingEvent;
use super::party::{Party, Seats};
use super::settings::Settings;
use crate::id::{AttendeeId, PoolName, TicketType};
use crate::persist::{EventType, Fault, NewEvent, Payload, RecordedEvent};
use crate::time::Timestamp;

/// Each type of event with a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    SaleOpened,
    SaleClosed,
    SaleReopened,
    CapacityChanged,
    SeatsBlocked,
    PoolSet,
    TicketSet,
    SettingsChanged,
    OneBooked,
    SeatBooked,
    OneHeld,
    SeatHeld,
    HoldExtended,
    HoldConfirmed,
    HoldReleased,
    HoldLapsed,
    SeatReacquired,
    RefundDue,
    SeatCancelled,
    SeatTransferred,
    PartyChanged,
    SeatRequested,
    RequestDeclined,
    WaitJoined,
    WaitLeft,
    SeatOffered,
    WaiterPassedOver,
}

/// In the order of [`Kind`].
const NAMES: [(Kind, &str); 27] = [
    (Kind::SaleOpened, "booking.sale_opened.v1"),
    (Kind::SaleClosed, "booking.sale_closed.v1"),
    (Kind::SaleReopened, "booking.sale_reopened.v1"),
    (Kind::CapacityChanged, "booking.capacity_changed.v1"),
    (Kind::SeatsBlocked, "booking.seats_blocked.v1"),
    (Kind::PoolSet, "booking.pool_set.v1"),
    (Kind::TicketSet, "booking.ticket_set.v1"),
    (Kind::SettingsChanged, "booking.settings_changed.v1"),
    (Kind::OneBooked, "booking.seat_booked.v1"),
    (Kind::SeatBooked, "booking.seat_booked.v2"),
    (Kind::OneHeld, "booking.seat_held.v1"),
    (Kind::SeatHeld, "booking.seat_held.v2"),
    (Kind::HoldExtended, "booking.hold_extended.v1"),
    (Kind::HoldConfirmed, "booking.hold_confirmed.v1"),
    (Kind::HoldReleased, "booking.hold_released.v1"),
    (Kind::HoldLapsed, "booking.hold_lapsed.v1"),
    (Kind::SeatReacquired, "booking.seat_reacquired.v1"),
    (Kind::RefundDue, "booking.refund_due.v1"),
    (Kind::SeatCancelled, "booking.seat_cancelled.v1"),
    (Kind::SeatTransferred, "booking.seat_transferred.v1"),
    (Kind::PartyChanged, "booking.party_changed.v1"),
    (Kind::SeatRequested, "booking.seat_requested.v1"),
    (Kind::RequestDeclined, "booking.request_declined.v1"),
    (Kind::WaitJoined, "booking.wait_joined.v1"),
    (Kind::WaitLeft, "booking.wait_left.v1"),
    (Kind::SeatOffered, "booking.seat_offered.v1"),
    (Kind::WaiterPassedOver, "booking.waiter_passed_over.v1"),
];

/// The names as event types, made once: a clone is cheaper than a copy of the text.
static TYPES: LazyLock<[EventType; 27]> = LazyLock::new(|| NAMES.map(|(_, name)| EventType::stored(name)));

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

/// The members of an object, in the order in which they are written. Texts and numbers always have a JSON form, so it is put
/// together here rather than serialised with errors that cannot come.
struct Members(String);

impl Members {
    fn new() -> Self {
        Self(String::from("{"))
    }

    fn raw(mut self, name: &str, value: impl core::fmt::Display) -> Self {
        let comma = if self.0.len() > 1 { "," } else { "" };
        // A String takes whatever is written.
        let _written = write!(self.0, r#"{comma}"{name}":{value}"#);
        self
    }

    fn text(self, name: &str, value: &str) -> Self {
        self.raw(name, Value::from(value))
    }

    fn attendee(self, attendee: &AttendeeId) -> Self {
        self.text("attendee", attendee.as_str())
    }

    fn seats(self, name: &str, seats: Seats) -> Self {
        self.raw(name, seats)
    }

    fn party(self, party: &Party) -> Self {
        let members = Self::new().seats("seats", party.seats);
        let members = match &party.ticket {
            Some(ticket) => members.text("ticket", ticket.as_str()),
            None => members,
        };
        self.raw("party", members.end())
    }

    fn millis(self, length: &Duration) -> Self {
        self.raw("hold_ms", u64::try_from(length.as_millis()).unwrap_or(u64::MAX))
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// The recorded form of `event`, which happened `at`.
pub fn encode(at: Timestamp, event: &BookingEvent) -> NewEvent {
    let (kind, members) = members(event);
    let types: &[EventType; 27] = &TYPES;
    let place = NAMES.iter().position(|(named, _)| *named == kind).unwrap_or_default();
    let event_type = types.get(place).cloned().unwrap_or_else(|| EventType::stored("booking"));
    NewEvent { event_type, at, data: Payload::stored(&members.end()) }
}

fn members(event: &BookingEvent) -> (Kind, Members) {
    let new = Members::new;
    let who = |attendee: &AttendeeId| Members::new().attendee(attendee);
    let one = |party: &Party| *party == Party::default();
    match event {
        BookingEvent::SaleOpened { capacity } => (Kind::SaleOpened, new().seats("capacity", *capacity)),
        BookingEvent::SaleClosed => (Kind::SaleClosed, new()),
        BookingEvent::SaleReopened => (Kind::SaleReopened, new()),
        BookingEvent::CapacityChanged { capacity } => (Kind::CapacityChanged, new().seats("capacity", *capacity)),
        BookingEvent::SeatsBlocked { seats } => (Kind::SeatsBlocked, new().seats("seats", *seats)),
        BookingEvent::PoolSet { pool, capacity } => {
            (Kind::PoolSet, new().text("pool", pool.as_str()).seats("capacity", *capacity))
        }
        BookingEvent::TicketSet { ticket, pools } => {
            let pools: Vec<&str> = pools.iter().map(PoolName::as_str).collect();
            (Kind::TicketSet, new().text("ticket", ticket.as_str()).raw("pools", Value::from(pools)))
        }
        BookingEvent::SettingsChanged { settings } => {
            let settings = serde_json::to_value(settings).unwrap_or_default();
            (Kind::SettingsChanged, new().raw("settings", settings))
        }
        BookingEvent::SeatBooked { attendee, party } if one(party) => (Kind::OneBooked, who(attendee)),
        BookingEvent::SeatBooked { attendee, party } => (Kind::SeatBooked, who(attendee).party(party)),
        BookingEvent::SeatHeld { attendee, party, hold_for } if one(party) => {
            (Kind::OneHeld, who(attendee).millis(hold_for))
        }
        BookingEvent::SeatHeld { attendee, party, hold_for } => {
            (Kind::SeatHeld, who(attendee).party(party).millis(hold_for))
        }
        BookingEvent::HoldExtended { attendee, hold_for } => (Kind::HoldExtended, who(attendee).millis(hold_for)),
        BookingEvent::HoldConfirmed { attendee } => (Kind::HoldConfirmed, who(attendee)),
        BookingEvent::HoldReleased { attendee } => (Kind::HoldReleased, who(attendee)),
        BookingEvent::HoldLapsed { attendee } => (Kind::HoldLapsed, who(attendee)),
        BookingEvent::SeatReacquired { attendee, party } => (Kind::SeatReacquired, who(attendee).party(party)),
        BookingEvent::RefundDue { attendee, party } => (Kind::RefundDue, who(attendee).party(party)),
        BookingEvent::SeatCancelled { attendee } => (Kind::SeatCancelled, who(attendee)),
        BookingEvent::SeatTransferred { from, to } => {
            (Kind::SeatTransferred, Members::new().text("from", from.as_str()).text("to", to.as_str()))
        }
        BookingEvent::PartyChanged { attendee, seats } => (Kind::PartyChanged, who(attendee).seats("seats", *seats)),
        BookingEvent::SeatRequested { attendee, party } => (Kind::SeatRequested, who(attendee).party(party)),
        BookingEvent::RequestDeclined { attendee } => (Kind::RequestDeclined, who(attendee)),
        BookingEvent::WaitJoined { attendee, party } => (Kind::WaitJoined, who(attendee).party(party)),
        BookingEvent::WaitLeft { attendee } => (Kind::WaitLeft, who(attendee)),
        BookingEvent::SeatOffered { attendee, hold_for } => (Kind::SeatOffered, who(attendee).millis(hold_for)),
        BookingEvent::WaiterPassedOver { attendee, position, free } => {
            (Kind::WaiterPassedOver, who(attendee).raw("position", position).raw("free", free))
        }
    }
}

/// All members that any event has. Each event says which it needs.
#[derive(Deserialize)]
struct Data {
    attendee: Option<AttendeeId>,
    from: Option<AttendeeId>,
    to: Option<AttendeeId>,
    party: Option<Party>,
    hold_ms: Option<u64>,
    capacity: Option<Seats>,
    seats: Option<Seats>,
    pool: Option<PoolName>,
    ticket: Option<TicketType>,
    pools: Option<BTreeSet<PoolName>>,
    settings: Option<Settings>,
    position: Option<u64>,
    free: Option<u64>,
}

fn need<T>(value: Option<T>, name: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("has no member {name:?}"))
}

/// The booking event that `recorded` holds.
///
/// # Errors
/// [`WireError`] when its type is unknown or its data has another shape. An event is never passed over in silence.
pub fn decode(recorded: &RecordedEvent) -> Result<BookingEvent, WireError> {
    let name = recorded.event_type.as_str();
    let read = || {
        let kind = NAMES.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind);
        let kind = kind.ok_or_else(|| format!("unknown type {name:?}"))?;
        let data: Data = recorded.data.read().map_err(|error| error.to_string())?;
        data.event(kind)
    };
    read().map_err(|reason| WireError { event: Box::new(recorded.clone()), reason })
}

impl Data {
    fn event(self, kind: Kind) -> Result<BookingEvent, String> {
        let attendee = need(self.attendee, "attendee");
        let party = need(self.party, "party");
        let hold_for = need(self.hold_ms, "hold_ms").map(Duration::from_millis);
        let (capacity, seats) = (need(self.capacity, "capacity"), need(self.seats, "seats"));
        Ok(match kind {
            Kind::SaleOpened => BookingEvent::SaleOpened { capacity: capacity? },
            Kind::SaleClosed => BookingEvent::SaleClosed,
            Kind::SaleReopened => BookingEvent::SaleReopened,
            Kind::CapacityChanged => BookingEvent::CapacityChanged { capacity: capacity? },
            Kind::SeatsBlocked => BookingEvent::SeatsBlocked { seats: seats? },
            Kind::PoolSet => BookingEvent::PoolSet { pool: need(self.pool, "pool")?, capacity: capacity? },
            Kind::TicketSet => {
                let pools = need(self.pools, "pools")?;
                BookingEvent::TicketSet { ticket: need(self.ticket, "ticket")?, pools }
            }
            Kind::SettingsChanged => BookingEvent::SettingsChanged { settings: need(self.settings, "settings")? },
            Kind::OneBooked => BookingEvent::SeatBooked { attendee: attendee?, party: Party::default() },
            Kind::SeatBooked => BookingEvent::SeatBooked { attendee: attendee?, party: party? },
            Kind::OneHeld => {
                BookingEvent::SeatHeld { attendee: attendee?, party: Party::default(), hold_for: hold_for? }
            }
            Kind::SeatHeld => BookingEvent::SeatHeld { attendee: attendee?, party: party?, hold_for: hold_for? },
            Kind::HoldExtended => BookingEvent::HoldExtended { attendee: attendee?, hold_for: hold_for? },
            Kind::HoldConfirmed => BookingEvent::HoldConfirmed { attendee: attendee? },
            Kind::HoldReleased => BookingEvent::HoldReleased { attendee: attendee? },
            Kind::HoldLapsed => BookingEvent::HoldLapsed { attendee: attendee? },
            Kind::SeatReacquired => BookingEvent::SeatReacquired { attendee: attendee?, party: party? },
            Kind::RefundDue => BookingEvent::RefundDue { attendee: attendee?, party: party? },
            Kind::SeatCancelled => BookingEvent::SeatCancelled { attendee: attendee? },
            Kind::SeatTransferred => {
                BookingEvent::SeatTransferred { from: need(self.from, "from")?, to: need(self.to, "to")? }
            }
            Kind::PartyChanged => BookingEvent::PartyChanged { attendee: attendee?, seats: seats? },
            Kind::SeatRequested => BookingEvent::SeatRequested { attendee: attendee?, party: party? },
            Kind::RequestDeclined => BookingEvent::RequestDeclined { attendee: attendee? },
            Kind::WaitJoined => BookingEvent::WaitJoined { attendee: attendee?, party: party? },
            Kind::WaitLeft => BookingEvent::WaitLeft { attendee: attendee? },
            Kind::SeatOffered => BookingEvent::SeatOffered { attendee: attendee?, hold_for: hold_for? },
            Kind::WaiterPassedOver => {
                let (position, free) = (need(self.position, "position")?, need(self.free, "free")?);
                BookingEvent::WaiterPassedOver { attendee: attendee?, position, free }
            }
        })
    }
}
