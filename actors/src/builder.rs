//! How a box office is set up.

use core::time::Duration;
use std::sync::Arc;

use boxoffice_core::persist::Backend;

use crate::availability::AvailabilityOptions;
#[cfg(feature = "checkin")]
use crate::checkin::CheckinOptions;
use crate::clock::{Clock, SystemClock};
use crate::error::StartError;
use crate::house::Settings;
use crate::office::BoxOffice;
use crate::registry::RestartBudget;
use crate::system::{self, Plan};

/// Sets up a [`BoxOffice`]. Only the store must be given.
#[derive(Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    backend: Option<Arc<dyn Backend>>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    budget: RestartBudget,
    /// Given by the host: then availability is kept from the start.
    availability: Option<AvailabilityOptions>,
    #[cfg(feature = "checkin")]
    checkin: CheckinOptions,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            backend: None,
            clock: Arc::new(SystemClock),
            settings: Settings {
                idle_after: Duration::from_secs(60),
                waiting_max: 4_096,
                snapshot_every: 1_000,
                beside_others: false,
                owners_max: 100_000,
                activations_max: 64,
            },
            budget: RestartBudget { failures_max: 5, within: Duration::from_secs(10) },
            availability: None,
            #[cfg(feature = "checkin")]
            checkin: CheckinOptions::default(),
        }
    }
}

impl Builder {
    /// Where everything is kept. This box office is the only one that books in it: a refusal that rests on what its owners
    /// know is answered at once, without the store.
    pub fn store(mut self, backend: impl Backend) -> Self {
        self.backend = Some(Arc::new(backend));
        self.settings.beside_others = false;
        self
    }

    /// The same, for a store in which others book too: other box offices, in this process or in others, or the host by
    /// [`booking::run`](boxoffice_core::booking::run). No seat is sold twice either way. What others did is known before
    /// anything is answered: refusals and looks at a ledger ask the store first, and so take as long as it needs.
    pub fn shared_store(mut self, backend: Arc<dyn Backend>) -> Self {
        self.backend = Some(backend);
        self.settings.beside_others = true;
        self
    }

    /// Says of a shared store that nobody else books in it, whoever reads it: refusals are answered at once then. If somebody
    /// does all the same, no seat is sold twice, but a refusal may be outdated.
    pub fn alone(mut self) -> Self {
        self.settings.beside_others = false;
        self
    }

    /// Where the time comes from. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How long an owner stays in memory after the last request. Default: 60 seconds. If it has holds, it is started again
    /// when the first of them is to lapse.
    pub fn idle_after(mut self, idle_after: Duration) -> Self {
        self.settings.idle_after = idle_after;
        self
    }

    /// How many requests may wait for one occurrence before more are answered
    /// [`Busy`](crate::BoxOfficeError::Busy). At least 1. Default: 4,096.
    pub fn waiting_max(mut self, waiting_max: usize) -> Self {
        self.settings.waiting_max = waiting_max.max(1);
        self
    }

    /// How many owners may be in memory before those that were not used for longest are put to rest, idle or not. At least
    /// 1. Default: 100,000. There are more as long as more are at work.
    pub fn owners_max(mut self, owners_max: usize) -> Self {
        self.settings.owners_max = owners_max.max(1);
        self
    }

    /// How many owners are started at the same time; each reads its stream. At least 1. Default: 64. Up to
    /// [`waiting_max`](Self::waiting_max) further occurrences wait for their turn.
    pub fn activations_max(mut self, activations_max: usize) -> Self {
        self.settings.activations_max = activations_max.max(1);
        self
    }

    /// After how many events a ledger is saved when its owner goes to rest, so that the next one starts from there.
    /// A larger roster is saved only after as many events as it has seats. Default: 1,000.
    pub fn snapshot_every(mut self, events: u64) -> Self {
        self.settings.snapshot_every = events.max(1);
        self
    }

    /// How often an owner may fail before requests are answered [`Failing`](crate::BoxOfficeError::Failing) for a while.
    /// Default: 5 times within 10 seconds.
    pub fn restart_budget(mut self, failures_max: usize, within: Duration) -> Self {
        self.budget = RestartBudget { failures_max: failures_max.max(1), within };
        self
    }

    /// Keeps who is free up to date from the start on, with these options. Without it, that begins with the first question,
    /// with the default options, and a host that never asks pays nothing.
    pub fn availability(mut self, options: AvailabilityOptions) -> Self {
        self.availability = Some(options);
        self
    }

    /// Who signs tickets, and whose are accepted at the doors. Default: nobody. Needs the feature `checkin`.
    #[cfg(feature = "checkin")]
    pub fn checkin(mut self, options: CheckinOptions) -> Self {
        self.checkin = options;
        self
    }

    /// Starts the actor system on threads of its own, whatever runtime the host uses, if any.
    ///
    /// # Errors
    /// [`StartError`] when no store was given or there is no thread to be had.
    pub fn start(self) -> Result<BoxOffice, StartError> {
        let backend = self.backend.ok_or(StartError::NoStore)?;
        let at_once = self.availability.is_some();
        let (built, lifetime) = system::start(Plan {
            backend,
            clock: self.clock,
            settings: self.settings,
            budget: self.budget,
            availability: self.availability.unwrap_or_default(),
            #[cfg(feature = "checkin")]
            checkin: self.checkin,
        })?;
        if at_once {
            built.desk.begin();
        }
        Ok(BoxOffice::of(built, lifetime))
    }
}
