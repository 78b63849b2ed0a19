//! How check-in events are recorded: the only place that knows both.
//!
//! Names and shapes are constants of the format. Renaming a Rust type changes nothing here, and a new shape gets a new
//! version, never a changed one. Instants are milliseconds since the Unix epoch.
//!
//! | type | data (JSON) |
//! | --- | --- |
//! | `checkin.gate_set.v1` | `{"settings":{...}}`, see [`GateSettings`] |
//! | `checkin.scanned.v1` | `{"attendee":"ann","seat":1,"receipt":2,"direction":"entry","device":"gate-1","device_at":0,"nonce":"n-1","outcome":"admitted","booking":2}` |
//!
//! A late scan has `"late":true`. The outcome is that of [`ScanOutcome::name`], and brings further members:
//!
//! | outcome | members |
//! | --- | --- |
//! | `other_occurrence` | `"occurrence":"go@20260105T190000"` |
//! | `expired`, `not_open_yet`, `gate_closed` | `"edge":0` |
//! | `revoked` | `"why":"no_seats"`, `"granted_anew"` or `"fewer_seats"` |
//! | `already_in` | `"since":0,"by":3` |

use core::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::event::{GateEvent, Scanned};
use super::outcome::{Revocation, ScanOutcome};
use super::scan::Direction;
use super::settings::GateSettings;
use super::ticket::TicketId;
use crate::id::{AttendeeId, DeviceId, Nonce, OccurrenceId};
use crate::persist::{EventType, Fault, NewEvent, Payload, RecordedEvent, Seq};
use crate::time::Timestamp;

const GATE_SET: &str = "checkin.gate_set.v1";
const SCANNED: &str = "checkin.scanned.v1";

/// Why a recorded event is no check-in event of a version known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} of stream {stream}: {reason}", seq = .event.seq, stream = .event.stream)]
pub struct GateWireError {
    event: Box<RecordedEvent>,
    reason: String,
}

impl From<GateWireError> for Fault {
    fn from(error: GateWireError) -> Self {
        let place = format!("{} of stream {}", error.event.seq, error.event.stream);
        Self::corrupt(place, error.reason)
    }
}

#[derive(Serialize, Deserialize)]
struct GateSetData {
    settings: GateSettings,
}

#[derive(Serialize, Deserialize)]
struct ScannedData {
    attendee: AttendeeId,
    seat: NonZeroU32,
    receipt: Seq,
    direction: Direction,
    device: DeviceId,
    device_at: Timestamp,
    nonce: Nonce,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    late: bool,
    outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    occurrence: Option<OccurrenceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edge: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<Seq>,
    booking: Seq,
}

fn recorded(name: &str, at: Timestamp, data: &impl Serialize) -> NewEvent {
    // Numbers and texts always have a JSON form.
    let data = Payload::new(data).unwrap_or_else(|_| Payload::stored("null"));
    NewEvent { event_type: EventType::stored(name), at, data }
}

/// The recorded form of `event`, which happened `at`.
pub fn encode(at: Timestamp, event: &GateEvent) -> NewEvent {
    match event {
        GateEvent::GateSet { settings } => recorded(GATE_SET, at, &GateSetData { settings: *settings }),
        GateEvent::Scanned(scanned) => recorded(SCANNED, at, &ScannedData::of(scanned)),
    }
}

/// The check-in event that `recorded` holds.
///
/// # Errors
/// [`GateWireError`] when its type is unknown or its data has another shape. An event is never passed over in silence.
pub fn decode(recorded: &RecordedEvent) -> Result<GateEvent, GateWireError> {
    let data = &recorded.data;
    let read = || match recorded.event_type.as_str() {
        GATE_SET => {
            let GateSetData { settings } = data.read().map_err(|error| error.to_string())?;
            Ok(GateEvent::GateSet { settings })
        }
        SCANNED => {
            let data: ScannedData = data.read().map_err(|error| error.to_string())?;
            Ok(GateEvent::Scanned(Box::new(data.scanned()?)))
        }
        name => Err(format!("unknown type {name:?}")),
    };
    read().map_err(|reason| GateWireError { event: Box::new(recorded.clone()), reason })
}

fn need<T>(value: Option<T>, name: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("has no member {name:?}"))
}

impl ScannedData {
    fn of(scanned: &Scanned) -> Self {
        let Scanned { ticket, direction, device, device_at, nonce, late, outcome, booking } = scanned.clone();
        let TicketId { attendee, seat, receipt } = ticket;
        let mut data = Self {
            attendee,
            seat,
            receipt,
            direction,
            device,
            device_at,
            nonce,
            late,
            outcome: outcome.name().to_owned(),
            occurrence: None,
            edge: None,
            why: None,
            since: None,
            by: None,
            booking,
        };
        match outcome {
            ScanOutcome::OtherOccurrence { occurrence } => data.occurrence = Some(occurrence),
            ScanOutcome::Expired { expires: edge }
            | ScanOutcome::NotOpenYet { opens: edge }
            | ScanOutcome::GateClosed { closes: edge } => data.edge = Some(edge),
            ScanOutcome::Revoked { why } => data.why = Some(why.name().to_owned()),
            ScanOutcome::AlreadyIn { since, seq } => (data.since, data.by) = (Some(since), Some(seq)),
            ScanOutcome::Malformed { .. }
            | ScanOutcome::UnknownKey { .. }
            | ScanOutcome::BadSignature
            | ScanOutcome::NonceReused
            | ScanOutcome::NotConfirmed
            | ScanOutcome::NotIn
            | ScanOutcome::NoReentry
            | ScanOutcome::Admitted
            | ScanOutcome::Left => {}
        }
        data
    }

    fn scanned(self) -> Result<Scanned, String> {
        let outcome = self.outcome()?;
        let Self { attendee, seat, receipt, direction, device, device_at, nonce, late, booking, .. } = self;
        let ticket = TicketId { attendee, seat, receipt };
        Ok(Scanned { ticket, direction, device, device_at, nonce, late, outcome, booking })
    }

    fn outcome(&self) -> Result<ScanOutcome, String> {
        let edge = need(self.edge, "edge");
        Ok(match self.outcome.as_str() {
            "other_occurrence" => {
                ScanOutcome::OtherOccurrence { occurrence: need(self.occurrence.clone(), "occurrence")? }
            }
            "expired" => ScanOutcome::Expired { expires: edge? },
            "not_open_yet" => ScanOutcome::NotOpenYet { opens: edge? },
            "gate_closed" => ScanOutcome::GateClosed { closes: edge? },
            "revoked" => ScanOutcome::Revoked { why: revocation(self.why.as_deref())? },
            "not_confirmed" => ScanOutcome::NotConfirmed,
            "already_in" => ScanOutcome::AlreadyIn { since: need(self.since, "since")?, seq: need(self.by, "by")? },
            "not_in" => ScanOutcome::NotIn,
            "no_reentry" => ScanOutcome::NoReentry,
            "admitted" => ScanOutcome::Admitted,
            "left" => ScanOutcome::Left,
            other => return Err(format!("unknown outcome {other:?}")),
        })
    }
}

fn revocation(why: Option<&str>) -> Result<Revocation, String> {
    let known = [Revocation::NoSeats, Revocation::GrantedAnew, Revocation::FewerSeats];
    let why = need(why, "why")?;
    known.into_iter().find(|known| known.name() == why).ok_or_else(|| format!("unknown reason {why:?}"))
}
