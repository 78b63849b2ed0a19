//! Where the shards are.

use std::sync::{Arc, Mutex, PoisonError};

use actix::Addr;
use boxoffice_core::flow::SHARDS;
use tokio::sync::watch;

use super::actor::FlowShardActor;

/// How a shard is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShardState {
    /// It runs its flows.
    Up,
    /// It is being started: for the first time, or after it failed.
    Starting,
    /// Somebody else runs its flows now. It is not started again.
    Fenced,
    /// It failed too often of late and is not started again until [`Flows::restart`](super::Flows::restart).
    Failed {
        /// How it failed last.
        reason: String,
    },
    /// The flows are shut down.
    Ended,
}

/// One shard, as it is seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardHealth {
    /// Which one, from 0.
    pub shard: u8,
    /// How it is.
    pub state: ShardState,
    /// How often it was started again after a failure.
    pub restarts: u64,
}

#[derive(Debug)]
struct Seat {
    health: ShardHealth,
    actor: Option<Addr<FlowShardActor>>,
}

/// The shards and how they are. Whoever waits for a change is told of it.
#[derive(Debug)]
pub(super) struct Shards {
    seats: Mutex<Vec<Seat>>,
    changed: watch::Sender<Vec<ShardHealth>>,
}

impl Shards {
    pub(super) fn new() -> Arc<Self> {
        let seat =
            |shard| Seat { health: ShardHealth { shard, state: ShardState::Starting, restarts: 0 }, actor: None };
        let seats: Vec<Seat> = (0..SHARDS).map(seat).collect();
        let health = seats.iter().map(|seat| seat.health.clone()).collect();
        Arc::new(Self { seats: Mutex::new(seats), changed: watch::Sender::new(health) })
    }

    pub(super) fn watch(&self) -> watch::Receiver<Vec<ShardHealth>> {
        self.changed.subscribe()
    }

    /// How a shard is, and its actor if it is up.
    pub(super) fn seat(&self, shard: u8) -> (ShardState, Option<Addr<FlowShardActor>>) {
        let seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        seats
            .get(usize::from(shard))
            .map_or((ShardState::Ended, None), |seat| (seat.health.state.clone(), seat.actor.clone()))
    }

    pub(super) fn set(&self, shard: u8, state: ShardState, actor: Option<Addr<FlowShardActor>>) {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seat) = seats.get_mut(usize::from(shard)) {
            let again = state == ShardState::Starting && seat.health.state != ShardState::Starting;
            seat.health.restarts += u64::from(again);
            (seat.health.state, seat.actor) = (state, actor);
        }
        let health = seats.iter().map(|seat| seat.health.clone()).collect();
        drop(seats);
        self.changed.send_replace(health);
    }

    /// The actors that are up, but for one.
    pub(super) fn others(&self, shard: u8) -> Vec<Addr<FlowShardActor>> {
        let seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        seats.iter().filter(|seat| seat.health.shard != shard).filter_map(|seat| seat.actor.clone()).collect()
    }
}
