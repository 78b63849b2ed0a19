//! A ledger saved and restored, so that a long stream is not folded again from its first event.

use serde::{Deserialize, Serialize};

use super::ledger::{Seat, SeatLedger, SeatState};
use super::outcome::Seats;
use crate::id::AttendeeId;
use crate::persist::{Payload, PayloadError, Snapshot};
use crate::time::Timestamp;

/// Another version is not read: the stream is folded instead.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    capacity: Option<Seats>,
    latest_at: Timestamp,
}

/// Attendee, and the instant until which the seat is held if it is.
type Item = (AttendeeId, Option<Timestamp>);

impl SeatLedger {
    /// The ledger as a snapshot. Items are `["ann",null]` for a confirmed seat and `["ann",1767225600000]` for one
    /// that is held until then, in join order.
    ///
    /// # Errors
    /// [`PayloadError`] when it has no JSON form, which its types rule out.
    pub fn to_snapshot(&self) -> Result<Snapshot, PayloadError> {
        let header = Header { version: VERSION, capacity: self.capacity(), latest_at: self.latest_at() };
        let item = |seat: &Seat| {
            let until = match seat.state {
                SeatState::Held { until } => Some(until),
                SeatState::Confirmed => None,
            };
            Payload::new::<Item>(&(seat.attendee.clone(), until))
        };
        Ok(Snapshot {
            seq: self.seq(),
            header: Payload::new(&header)?,
            items: self.roster().map(item).collect::<Result<_, _>>()?,
        })
    }

    /// The ledger that `snapshot` holds; none when it was written by another version.
    ///
    /// # Errors
    /// [`PayloadError`] when it is not a ledger's.
    pub fn from_snapshot(snapshot: &Snapshot) -> Result<Option<Self>, PayloadError> {
        let header: Header = snapshot.header.read()?;
        if header.version != VERSION {
            return Ok(None);
        }
        let seat = |item: &Payload| {
            let (attendee, until) = item.read::<Item>()?;
            let state = until.map_or(SeatState::Confirmed, |until| SeatState::Held { until });
            Ok(Seat { attendee, state })
        };
        let seats = snapshot.items.iter().map(seat).collect::<Result<_, PayloadError>>()?;
        Ok(Some(Self::restored(header.capacity, seats, snapshot.seq, header.latest_at)))
    }
}
