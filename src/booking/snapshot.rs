//! A ledger saved and restored, so that a long stream is not folded again from its first event.

use serde::{Deserialize, Serialize};

use super::ledger::{Seat, SeatLedger, SeatState};
use super::outcome::Seats;
use crate::id::AttendeeId;
use crate::persist::Projected;
use crate::time::Timestamp;

/// Another version is not read: the stream is folded instead.
const VERSION: u32 = 1;

/// A ledger as it is saved. A seat is `["ann",null]` when it is confirmed and `["ann",1767225600000]` when it is held
/// until then; they stand in join order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedLedger {
    version: u32,
    capacity: Option<Seats>,
    latest_at: Timestamp,
    seats: Vec<(AttendeeId, Option<Timestamp>)>,
}

impl SeatLedger {
    /// The ledger as it is saved, and as of which event.
    pub fn to_saved(&self) -> Projected<SavedLedger> {
        let seat = |seat: &Seat| {
            let until = match seat.state {
                SeatState::Held { until } => Some(until),
                SeatState::Confirmed => None,
            };
            (seat.attendee.clone(), until)
        };
        let seats = self.roster().map(seat).collect();
        let value = SavedLedger { version: VERSION, capacity: self.capacity(), latest_at: self.latest_at(), seats };
        Projected { value, seq: self.seq() }
    }

    /// The ledger that was saved; none when it was written by another version.
    pub fn from_saved(saved: Projected<SavedLedger>) -> Option<Self> {
        let Projected { value: SavedLedger { version, capacity, latest_at, seats }, seq } = saved;
        if version != VERSION {
            return None;
        }
        let seat = |(attendee, until): (AttendeeId, Option<Timestamp>)| {
            let state = until.map_or(SeatState::Confirmed, |until| SeatState::Held { until });
            Seat { attendee, state }
        };
        Some(Self::restored(capacity, seats.into_iter().map(seat).collect(), seq, latest_at))
    }
}
