//! A ledger saved and restored, so that a long stream is not folded again from its first event.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::chain::ChainHash;
use super::hall::Hall;
use super::house::{House, Pool};
use super::ledger::{Lapsed, Seat, SeatLedger, SeatState};
use super::line::Waiter;
use super::party::{Party, Seats};
use super::refunds::Refund;
use super::settings::Settings;
use crate::id::{AttendeeId, PoolName, TicketType};
use crate::persist::{Projected, Seq};
use crate::seating::{Place, SeatMap};
use crate::time::Timestamp;

/// Another version is not read: the stream is folded instead.
const VERSION: u32 = 4;

/// A ledger as it is saved: what is as it was before the sale is left out. Seats and those who wait stand in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedLedger {
    version: u32,
    latest_at: Timestamp,
    hash: ChainHash,
    opened: bool,
    capacity: Seats,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    closed: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    blocked: Seats,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pools: BTreeMap<PoolName, Seats>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tickets: BTreeMap<TicketType, BTreeSet<PoolName>>,
    #[serde(default, skip_serializing_if = "is_default")]
    settings: Settings,
    #[serde(default, skip_serializing_if = "is_default")]
    map: SeatMap,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    places_blocked: BTreeSet<Place>,
    seats: Vec<SavedSeat>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    waiters: Vec<(AttendeeId, Party)>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    requests: BTreeMap<AttendeeId, Party>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lapsed: Vec<Lapsed>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refunds: Vec<Refund>,
}

/// Short names: a full house has thousands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SavedSeat {
    #[serde(rename = "a")]
    attendee: AttendeeId,
    #[serde(rename = "s")]
    since: Timestamp,
    #[serde(rename = "g")]
    granted: Seq,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(rename = "p", default, skip_serializing_if = "is_default")]
    party: Party,
    #[serde(rename = "o", default, skip_serializing_if = "core::ops::Not::not")]
    offered: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl From<&Seat> for SavedSeat {
    fn from(seat: &Seat) -> Self {
        let until = match seat.state {
            SeatState::Held { until } => Some(until),
            SeatState::Confirmed => None,
        };
        let Seat { attendee, party, since, granted, offered, .. } = seat.clone();
        Self { attendee, since, granted, until, party, offered }
    }
}

impl From<SavedSeat> for Seat {
    fn from(SavedSeat { attendee, since, granted, until, party, offered }: SavedSeat) -> Self {
        let state = until.map_or(SeatState::Confirmed, |until| SeatState::Held { until });
        Self { attendee, state, party, since, granted, offered }
    }
}

impl SeatLedger {
    /// The ledger as it is saved, and as of which event.
    pub fn to_saved(&self) -> Projected<SavedLedger> {
        let House { opened, closed, all, blocked, pools, tickets, settings, hall } = &self.house;
        let value = SavedLedger {
            version: VERSION,
            latest_at: self.latest_at(),
            hash: self.hash(),
            opened: *opened,
            capacity: all.capacity,
            closed: *closed,
            blocked: *blocked,
            pools: pools.iter().map(|(name, pool)| (name.clone(), pool.capacity)).collect(),
            tickets: tickets.clone(),
            settings: settings.clone(),
            map: hall.map().clone(),
            places_blocked: hall.blocked().clone(),
            seats: self.roster().map(SavedSeat::from).collect(),
            waiters: self.waiters().map(|waiter| (waiter.attendee.clone(), waiter.party.clone())).collect(),
            requests: self.requests.clone(),
            lapsed: self.lapsed.iter().map(|(_, lapsed)| lapsed.clone()).collect(),
            refunds: self.refunds_due().cloned().collect(),
        };
        Projected { value, seq: self.seq() }
    }

    /// The ledger that was saved; none when it was written by another version.
    pub fn from_saved(saved: Projected<SavedLedger>) -> Option<Self> {
        let Projected { value, seq } = saved;
        if value.version != VERSION {
            return None;
        }
        let pool = |capacity| Pool { capacity, ..Pool::default() };
        let house = House {
            opened: value.opened,
            closed: value.closed,
            all: pool(value.capacity),
            blocked: value.blocked,
            pools: value.pools.into_iter().map(|(name, capacity)| (name, pool(capacity))).collect(),
            tickets: value.tickets,
            settings: value.settings,
            hall: Hall::new(value.map, &value.places_blocked),
        };
        let mut ledger = Self::begun(house, (seq, value.latest_at, value.hash));
        value.seats.into_iter().for_each(|seat| ledger.restore(seat.into()));
        for (attendee, party) in value.waiters {
            ledger.line.push(Waiter { attendee, party });
        }
        ledger.requests = value.requests;
        value.lapsed.into_iter().for_each(|lapsed| _ = ledger.lapsed.push(lapsed));
        value.refunds.into_iter().for_each(|refund| ledger.refunds.add(refund));
        Some(ledger)
    }
}
