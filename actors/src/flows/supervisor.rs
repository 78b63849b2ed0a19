//! Starts the shards, and starts them again: with growing pauses, so many times in a while, and then no more.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use actix::{Actor, ActorFutureExt, Arbiter, AsyncContext, Context, Handler, Message, WrapFuture};
use boxoffice_core::flow::SHARDS;
use boxoffice_core::flow::shard::ShardLost;
use boxoffice_core::time::Timestamp;
use tokio::sync::mpsc;

use super::actor::FlowShardActor;
use super::messages::{Ending, FromShard, Lifeline, ShardEnded, Surroundings};
use super::shards::ShardState;
use crate::stats::Counters;

/// The pause before a shard is started again; doubled with each failure that still counts.
const PAUSE_FIRST: Duration = Duration::from_millis(50);

/// How often a shard may fail before it is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartIntensity {
    /// So many failures are answered by a new start.
    pub restarts_max: usize,
    /// Within so long; older ones do not count any more.
    pub within: Duration,
}

impl Default for RestartIntensity {
    /// 5 times within a minute.
    fn default() -> Self {
        Self { restarts_max: 5, within: Duration::from_secs(60) }
    }
}

impl RestartIntensity {
    /// Notes a failure, and forgets those that do not count any more. How many there are now; none if there is to be no new start.
    pub(crate) fn failed(self, failures: &mut VecDeque<Timestamp>, now: Timestamp) -> Option<usize> {
        failures.push_back(now);
        while failures.front().is_some_and(|first| now.saturating_since(*first) > self.within) {
            failures.pop_front();
        }
        Some(failures.len()).filter(|count| *count <= self.restarts_max)
    }
}

/// Start a shard that was left alone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Restart(pub(super) u8);

/// Watches over the shards.
///
/// A shard is always made anew, by its factory, from the store: never with the state that failed. One that was fenced off is not
/// started again: its flows run elsewhere.
#[derive(Debug)]
pub(super) struct FlowSupervisor {
    house: Surroundings,
    intensity: RestartIntensity,
    failures: BTreeMap<u8, VecDeque<Timestamp>>,
    tell: mpsc::UnboundedSender<ShardEnded>,
    ended: Option<mpsc::UnboundedReceiver<ShardEnded>>,
}

impl FlowSupervisor {
    pub(super) fn new(house: Surroundings, intensity: RestartIntensity) -> Self {
        let (tell, ended) = mpsc::unbounded_channel();
        Self { house, intensity, failures: BTreeMap::new(), tell, ended: Some(ended) }
    }

    fn start_shard(&self, shard: u8) {
        let (house, tell) = (self.house.clone(), self.tell.clone());
        let lifeline = Lifeline { shard, tell, why: None };
        let actor =
            FlowShardActor::start_in_arbiter(&Arbiter::current(), move |_| FlowShardActor::new(house, lifeline));
        self.house.shards.set(shard, ShardState::Up, Some(actor));
    }

    fn start_again(&mut self, shard: u8, ctx: &mut Context<Self>) {
        self.start_shard(shard);
        let others = self.house.shards.others(shard);
        let tell = async move {
            for other in others {
                if other.send(FromShard::Reborn(shard)).await.is_err() {
                    tracing::debug!("another shard has ended too");
                }
            }
        };
        ctx.spawn(tell.into_actor(self).map(|(), _, _| ()));
    }

    fn failed(&mut self, shard: u8, reason: String, ctx: &mut Context<Self>) {
        Counters::add(&self.house.counters.flow_shard_failures);
        let now = self.house.clock.now();
        let Some(count) = self.intensity.failed(self.failures.entry(shard).or_default(), now) else {
            tracing::error!(shard, reason, "shard failed too often and is left alone");
            return self.house.shards.set(shard, ShardState::Failed { reason }, None);
        };
        tracing::warn!(shard, reason, count, "shard failed and is started again");
        self.house.shards.set(shard, ShardState::Starting, None);
        let pause = PAUSE_FIRST * 2_u32.saturating_pow(u32::try_from(count - 1).unwrap_or(u32::MAX).min(10));
        let over = self.house.clock.sleep_until(now + pause);
        ctx.spawn(over.into_actor(self).map(move |(), act, ctx| {
            if act.house.shards.seat(shard).0 == ShardState::Starting {
                act.start_again(shard, ctx);
            }
        }));
    }
}

impl Actor for FlowSupervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(mut ended) = self.ended.take() {
            let own = ctx.address();
            let listen = async move {
                while let Some(one) = ended.recv().await {
                    if own.send(one).await.is_err() {
                        return;
                    }
                }
            };
            actix::spawn(listen);
        }
        (0..SHARDS).for_each(|shard| self.start_shard(shard));
    }
}

impl Handler<ShardEnded> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, ShardEnded { shard, why }: ShardEnded, ctx: &mut Self::Context) {
        match why {
            Some(Ending::Drained) => self.house.shards.set(shard, ShardState::Ended, None),
            Some(Ending::Lost(ShardLost::Fenced(_))) => {
                tracing::error!(shard, "somebody else runs the flows of this shard now");
                self.house.shards.set(shard, ShardState::Fenced, None);
            }
            Some(Ending::Lost(ShardLost::Failed { fault, .. })) => self.failed(shard, fault.to_string(), ctx),
            None => self.failed(shard, "it panicked".to_owned(), ctx),
        }
    }
}

impl Handler<Restart> for FlowSupervisor {
    type Result = ();

    fn handle(&mut self, Restart(shard): Restart, ctx: &mut Self::Context) {
        let (state, _) = self.house.shards.seat(shard);
        if matches!(state, ShardState::Failed { .. } | ShardState::Fenced) {
            self.failures.remove(&shard);
            self.start_again(shard, ctx);
        }
    }
}
