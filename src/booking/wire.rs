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
//! | `booking.section_set.v1` | `{"section":{...}}`, see [`Section`] |
//! | `booking.section_removed.v1` | `{"name":"stalls"}` |
//! | `booking.places_blocked.v1`, `booking.places_unblocked.v1` | `{"places":["stalls/A/1"]}` |
//! | `booking.seat_booked.v3`, `booking.seat_held.v3`, `booking.seat_reacquired.v2`, `booking.refund_due.v2`, `booking.seat_requested.v2` | as the version before, the party with places: `{"seats":1,"places":["stalls/A/1"]}` |
//! | `booking.seat_offered.v2`, `booking.party_changed.v2` | as the version before, and `"places":["stalls/A/1"]` |
//! | `booking.refund_settled.v1` | `{"attendee":"ann","due":7}`, the sequence number of the refund's event |
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
use crate::persist::{EventType, Fault, NewEvent, Payload, RecordedEvent, Seq};
use crate::seating::{Place, Section};
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
    SectionSet,
    SectionRemoved,
    PlacesBlocked,
    PlacesUnblocked,
    OneBooked,
    SeatBooked,
    NamedBooked,
    OneHeld,
    SeatHeld,
    NamedHeld,
    HoldExtended,
    HoldConfirmed,
    HoldReleased,
    HoldLapsed,
    SeatReacquired,
    NamedReacquired,
    RefundDue,
    NamedRefundDue,
    RefundSettled,
    SeatCancelled,
    SeatTransferred,
    PartyChanged,
    NamedChanged,
    SeatRequested,
    NamedRequested,
    RequestDeclined,
    WaitJoined,
    WaitLeft,
    SeatOffered,
    NamedOffered,
    WaiterPassedOver,
}

/// In the order of [`Kind`].
const NAMES: [(Kind, &str); 39] = [
    (Kind::SaleOpened, "booking.sale_opened.v1"),
    (Kind::SaleClosed, "booking.sale_closed.v1"),
    (Kind::SaleReopened, "booking.sale_reopened.v1"),
    (Kind::CapacityChanged, "booking.capacity_changed.v1"),
    (Kind::SeatsBlocked, "booking.seats_blocked.v1"),
    (Kind::PoolSet, "booking.pool_set.v1"),
    (Kind::TicketSet, "booking.ticket_set.v1"),
    (Kind::SettingsChanged, "booking.settings_changed.v1"),
    (Kind::SectionSet, "booking.section_set.v1"),
    (Kind::SectionRemoved, "booking.section_removed.v1"),
    (Kind::PlacesBlocked, "booking.places_blocked.v1"),
    (Kind::PlacesUnblocked, "booking.places_unblocked.v1"),
    (Kind::OneBooked, "booking.seat_booked.v1"),
    (Kind::SeatBooked, "booking.seat_booked.v2"),
    (Kind::NamedBooked, "booking.seat_booked.v3"),
    (Kind::OneHeld, "booking.seat_held.v1"),
    (Kind::SeatHeld, "booking.seat_held.v2"),
    (Kind::NamedHeld, "booking.seat_held.v3"),
    (Kind::HoldExtended, "booking.hold_extended.v1"),
    (Kind::HoldConfirmed, "booking.hold_confirmed.v1"),
    (Kind::HoldReleased, "booking.hold_released.v1"),
    (Kind::HoldLapsed, "booking.hold_lapsed.v1"),
    (Kind::SeatReacquired, "booking.seat_reacquired.v1"),
    (Kind::NamedReacquired, "booking.seat_reacquired.v2"),
    (Kind::RefundDue, "booking.refund_due.v1"),
    (Kind::NamedRefundDue, "booking.refund_due.v2"),
    (Kind::RefundSettled, "booking.refund_settled.v1"),
    (Kind::SeatCancelled, "booking.seat_cancelled.v1"),
    (Kind::SeatTransferred, "booking.seat_transferred.v1"),
    (Kind::PartyChanged, "booking.party_changed.v1"),
    (Kind::NamedChanged, "booking.party_changed.v2"),
    (Kind::SeatRequested, "booking.seat_requested.v1"),
    (Kind::NamedRequested, "booking.seat_requested.v2"),
    (Kind::RequestDeclined, "booking.request_declined.v1"),
    (Kind::WaitJoined, "booking.wait_joined.v1"),
    (Kind::WaitLeft, "booking.wait_left.v1"),
    (Kind::SeatOffered, "booking.seat_offered.v1"),
    (Kind::NamedOffered, "booking.seat_offered.v2"),
    (Kind::WaiterPassedOver, "booking.waiter_passed_over.v1"),
];

/// The names as event types, made once: a clone is cheaper than a copy of the text.
static TYPES: LazyLock<[EventType; 39]> = LazyLock::new(|| NAMES.map(|(_, name)| EventType::stored(name)));

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
        self.raw("party", members.places(&party.places).end())
    }

    /// Nothing if there are none.
    fn places(self, places: &BTreeSet<Place>) -> Self {
        if places.is_empty() {
            return self;
        }
        let places: Vec<&str> = places.iter().map(Place::as_str).collect();
        self.raw("places", Value::from(places))
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
    let types: &[EventType; 39] = &TYPES;
    let place = NAMES.iter().position(|(named, _)| *named == kind).unwrap_or_default();
    let event_type = types.get(place).cloned().unwrap_or_else(|| EventType::stored("booking"));
    NewEvent { event_type, at, data: Payload::stored(&members.end()) }
}

fn members(event: &BookingEvent) -> (Kind, Members) {
    let new = Members::new;
    let who = |attendee: &AttendeeId| Members::new().attendee(attendee);
    let one = |party: &Party| *party == Party::default();
    let kind = |places: &BTreeSet<Place>, plain, named| if places.is_empty() { plain } else { named };
    let of = |party: &Party, plain, named| kind(&party.places, plain, named);
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
        BookingEvent::SectionSet { section } => {
            (Kind::SectionSet, new().raw("section", serde_json::to_string(section).unwrap_or_default()))
        }
        BookingEvent::SectionRemoved { section } => (Kind::SectionRemoved, new().text("name", section)),
        BookingEvent::PlacesBlocked { places } => (Kind::PlacesBlocked, new().places(places)),
        BookingEvent::PlacesUnblocked { places } => (Kind::PlacesUnblocked, new().places(places)),
        BookingEvent::SeatBooked { attendee, party } if one(party) => (Kind::OneBooked, who(attendee)),
        BookingEvent::SeatBooked { attendee, party } => {
            (of(party, Kind::SeatBooked, Kind::NamedBooked), who(attendee).party(party))
        }
        BookingEvent::SeatHeld { attendee, party, hold_for } if one(party) => {
            (Kind::OneHeld, who(attendee).millis(hold_for))
        }
        BookingEvent::SeatHeld { attendee, party, hold_for } => {
            (of(party, Kind::SeatHeld, Kind::NamedHeld), who(attendee).party(party).millis(hold_for))
        }
        BookingEvent::HoldExtended { attendee, hold_for } => (Kind::HoldExtended, who(attendee).millis(hold_for)),
        BookingEvent::HoldConfirmed { attendee } => (Kind::HoldConfirmed, who(attendee)),
        BookingEvent::HoldReleased { attendee } => (Kind::HoldReleased, who(attendee)),
        BookingEvent::HoldLapsed { attendee } => (Kind::HoldLapsed, who(attendee)),
        BookingEvent::SeatReacquired { attendee, party } => {
            (of(party, Kind::SeatReacquired, Kind::NamedReacquired), who(attendee).party(party))
        }
        BookingEvent::RefundDue { attendee, party } => {
            (of(party, Kind::RefundDue, Kind::NamedRefundDue), who(attendee).party(party))
        }
        BookingEvent::RefundSettled { attendee, due } => (Kind::RefundSettled, who(attendee).raw("due", due)),
        BookingEvent::SeatCancelled { attendee } => (Kind::SeatCancelled, who(attendee)),
        BookingEvent::SeatTransferred { from, to } => {
            (Kind::SeatTransferred, Members::new().text("from", from.as_str()).text("to", to.as_str()))
        }
        BookingEvent::PartyChanged { attendee, seats, places } => {
            let kind = kind(places, Kind::PartyChanged, Kind::NamedChanged);
            (kind, who(attendee).seats("seats", *seats).places(places))
        }
        BookingEvent::SeatRequested { attendee, party } => {
            (of(party, Kind::SeatRequested, Kind::NamedRequested), who(attendee).party(party))
        }
        BookingEvent::RequestDeclined { attendee } => (Kind::RequestDeclined, who(attendee)),
        BookingEvent::WaitJoined { attendee, party } => (Kind::WaitJoined, who(attendee).party(party)),
        BookingEvent::WaitLeft { attendee } => (Kind::WaitLeft, who(attendee)),
        BookingEvent::SeatOffered { attendee, places, hold_for } => {
            (kind(places, Kind::SeatOffered, Kind::NamedOffered), who(attendee).places(places).millis(hold_for))
        }
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
    due: Option<Seq>,
    capacity: Option<Seats>,
    seats: Option<Seats>,
    pool: Option<PoolName>,
    ticket: Option<TicketType>,
    pools: Option<BTreeSet<PoolName>>,
    settings: Option<Settings>,
    position: Option<u64>,
    free: Option<u64>,
    section: Option<Section>,
    name: Option<String>,
    #[serde(default)]
    places: BTreeSet<Place>,
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
            Kind::SectionSet => BookingEvent::SectionSet { section: need(self.section, "section")? },
            Kind::SectionRemoved => BookingEvent::SectionRemoved { section: need(self.name, "name")? },
            Kind::PlacesBlocked => BookingEvent::PlacesBlocked { places: self.places },
            Kind::PlacesUnblocked => BookingEvent::PlacesUnblocked { places: self.places },
            Kind::OneBooked => BookingEvent::SeatBooked { attendee: attendee?, party: Party::default() },
            Kind::SeatBooked | Kind::NamedBooked => BookingEvent::SeatBooked { attendee: attendee?, party: party? },
            Kind::OneHeld => {
                BookingEvent::SeatHeld { attendee: attendee?, party: Party::default(), hold_for: hold_for? }
            }
            Kind::SeatHeld | Kind::NamedHeld => {
                BookingEvent::SeatHeld { attendee: attendee?, party: party?, hold_for: hold_for? }
            }
            Kind::HoldExtended => BookingEvent::HoldExtended { attendee: attendee?, hold_for: hold_for? },
            Kind::HoldConfirmed => BookingEvent::HoldConfirmed { attendee: attendee? },
            Kind::HoldReleased => BookingEvent::HoldReleased { attendee: attendee? },
            Kind::HoldLapsed => BookingEvent::HoldLapsed { attendee: attendee? },
            Kind::SeatReacquired | Kind::NamedReacquired => {
                BookingEvent::SeatReacquired { attendee: attendee?, party: party? }
            }
            Kind::RefundDue | Kind::NamedRefundDue => BookingEvent::RefundDue { attendee: attendee?, party: party? },
            Kind::RefundSettled => BookingEvent::RefundSettled { attendee: attendee?, due: need(self.due, "due")? },
            Kind::SeatCancelled => BookingEvent::SeatCancelled { attendee: attendee? },
            Kind::SeatTransferred => {
                BookingEvent::SeatTransferred { from: need(self.from, "from")?, to: need(self.to, "to")? }
            }
            Kind::PartyChanged | Kind::NamedChanged => {
                BookingEvent::PartyChanged { attendee: attendee?, seats: seats?, places: self.places }
            }
            Kind::SeatRequested | Kind::NamedRequested => {
                BookingEvent::SeatRequested { attendee: attendee?, party: party? }
            }
            Kind::RequestDeclined => BookingEvent::RequestDeclined { attendee: attendee? },
            Kind::WaitJoined => BookingEvent::WaitJoined { attendee: attendee?, party: party? },
            Kind::WaitLeft => BookingEvent::WaitLeft { attendee: attendee? },
            Kind::SeatOffered | Kind::NamedOffered => {
                BookingEvent::SeatOffered { attendee: attendee?, places: self.places, hold_for: hold_for? }
            }
            Kind::WaiterPassedOver => {
                let (position, free) = (need(self.position, "position")?, need(self.free, "free")?);
                BookingEvent::WaiterPassedOver { attendee: attendee?, position, free }
            }
        })
    }
}
