//! What the actors of one box office share.

use core::time::Duration;
use std::sync::Arc;

use actix::Addr;
use boxoffice_core::persist::Backend;

use crate::clock::Clock;
use crate::directory::Directory;
use crate::error::BoxOfficeError;
use crate::stats::{Counters, Pace};
use crate::store::StoreActor;
use crate::system::Reader;

/// What an owner needs of the house it lives in.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) store: Addr<StoreActor>,
    pub(crate) reader: Reader,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) pace: Arc<Pace>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) settings: Settings,
    /// Counts group commits.
    pub(crate) committed: tokio::sync::watch::Receiver<u64>,
}

impl Surroundings {
    /// Turns somebody away: counts it, and says when to come again.
    pub(crate) fn busy(&self) -> BoxOfficeError {
        Counters::add(&self.counters.busy);
        BoxOfficeError::Busy { retry_after: self.pace.retry_after() }
    }
}

/// What the builder sets for every owner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) idle_after: Duration,
    pub(crate) waiting_max: usize,
    pub(crate) snapshot_every: u64,
    /// Others write the same store.
    pub(crate) beside_others: bool,
    /// Owners in memory.
    pub(crate) owners_max: usize,
    /// Owners that are started at the same time.
    pub(crate) activations_max: usize,
}
