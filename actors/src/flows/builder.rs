//! How flows are set up, and the threads that they run on.

use core::future::Future;
use std::sync::{Arc, PoisonError};

use actix::{Actor, Addr, Arbiter, ArbiterHandle};
use boxoffice_core::flow::shard::{Performance, ShardLimits};
use boxoffice_core::flow::{Program, Programs};
use boxoffice_core::persist::Backend;
use serde::Serialize;

use super::handle::Flows;
use super::messages::Surroundings;
use super::performer::{Function, Performer, Performers};
use super::shards::Shards;
use super::supervisor::{FlowSupervisor, RestartIntensity};
use crate::error::StartError;
use crate::office::BoxOffice;
use crate::system::{self, Lifetime};

/// Sets up [`Flows`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct FlowsBuilder {
    programs: Programs,
    performers: Performers,
    intensity: RestartIntensity,
    live_max: usize,
    waiting_max: usize,
}

impl Default for FlowsBuilder {
    fn default() -> Self {
        Self {
            programs: Programs::new(),
            performers: Performers::default(),
            intensity: RestartIntensity::default(),
            live_max: 2_000,
            waiting_max: 4_096,
        }
    }
}

/// A running actor system for flows.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) shards: Arc<Shards>,
    pub(super) supervisor: Addr<FlowSupervisor>,
    /// Where requests are carried out.
    pub(super) performing: ArbiterHandle,
    pub(super) lifetime: Lifetime,
}

impl FlowsBuilder {
    /// Adds the code of a kind of flow.
    ///
    /// All flows share one thread: code that blocks it, or goes round without waiting for anything, holds up all of them and their
    /// shutdown. Whatever takes long belongs into a performer, and there onto a thread of its own.
    pub fn program(mut self, program: Program) -> Self {
        self.programs = self.programs.with(program);
        self
    }

    /// Adds who carries out what is asked of `name`.
    pub fn performer(mut self, name: &str, performer: impl Performer) -> Self {
        self.performers.0.insert(name.into(), Arc::new(performer));
        self
    }

    /// The same, by a function. Its `Err` is no outcome: the flow is stuck on it. See [`Performer`].
    pub fn perform<F, R, T>(self, name: &str, function: F) -> Self
    where
        F: Fn(Performance) -> R + Send + Sync + 'static,
        R: Future<Output = Result<T, String>> + Send + 'static,
        T: Serialize + Send + 'static,
    {
        self.performer(name, Function { run: function, has_effect: true })
    }

    /// The same for what has no effect: it looks something up, or works something out. Such steps do not wait for the disk; see
    /// [`Performer::has_effect`].
    pub fn look_up<F, R, T>(self, name: &str, function: F) -> Self
    where
        F: Fn(Performance) -> R + Send + Sync + 'static,
        R: Future<Output = Result<T, String>> + Send + 'static,
        T: Serialize + Send + 'static,
    {
        self.performer(name, Function { run: function, has_effect: false })
    }

    /// How often a shard may fail before it is left alone. Default: 5 times within a minute.
    pub fn restart_intensity(mut self, intensity: RestartIntensity) -> Self {
        self.intensity = intensity;
        self
    }

    /// How many flows each of the eight shards has in memory before those that are due wait for room. At least 1. Default: 2,000.
    pub fn live_max(mut self, live_max: usize) -> Self {
        self.live_max = live_max.max(1);
        self
    }

    /// How many messages may wait for a shard before more are answered [`Busy`](crate::BoxOfficeError::Busy). Default: 4,096.
    pub fn waiting_max(mut self, waiting_max: usize) -> Self {
        self.waiting_max = waiting_max.max(1);
        self
    }

    /// Starts the flows in the store of `office`, on two threads of their own. Another process that ran them before is fenced off.
    ///
    /// # Errors
    /// [`StartError::FlowsRun`] when flows run over `office` already, be it a notifier's; any other [`StartError`] when there is no
    /// thread to be had.
    pub fn start(self, office: &BoxOffice) -> Result<Flows, StartError> {
        let mut seat = office.inner.flows.lock().unwrap_or_else(PoisonError::into_inner);
        if seat.upgrade().is_some_and(|others| !others.is_over()) {
            return Err(StartError::FlowsRun);
        }
        let flows = self.begin(office)?;
        *seat = Arc::downgrade(&flows.lifetime);
        Ok(flows)
    }

    fn begin(self, office: &BoxOffice) -> Result<Flows, StartError> {
        let writer = office.shared_writer();
        let store = writer.limits();
        let limits = ShardLimits { live_max: self.live_max, store, ..ShardLimits::default() };
        let shards = Shards::new();
        let plan = {
            let (programs, performers, shards) = (Arc::new(self.programs), self.performers, Arc::clone(&shards));
            let (clock, counters, backend) = (office.clock(), office.counters(), writer.clone());
            let waiting_max = self.waiting_max;
            move |performing| Surroundings {
                backend,
                clock,
                programs,
                performers,
                performing,
                limits,
                waiting_max,
                shards,
                counters,
            }
        };
        let intensity = self.intensity;
        let ((supervisor, performing), lifetime) = system::run("boxoffice-flows", move |runner| {
            let thread = runner.block_on(async { Arbiter::new() });
            let (house, performing) = (plan(thread.handle()), thread.handle());
            let supervisor = runner.block_on(async { FlowSupervisor::new(house, intensity).start() });
            ((supervisor, performing), move || system::end(thread))
        })?;
        Ok(Flows::of(Running { shards, supervisor, performing, lifetime }, writer))
    }
}
