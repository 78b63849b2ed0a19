//! How a federation is set up and started.

use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::Arc;

use actix::Arbiter;
use boxoffice_core::federation::{FeedLimits, MergeOptions, PeerLink, PeerName};
use boxoffice_core::flow::RetryPolicy;
use boxoffice_core::schedule::Series;
use tokio::sync::{mpsc, watch};

use super::handle::{Federation, Inner};
use super::house::{House, Options};
use super::sync::{WORDS_MAX, keep_up};
use crate::error::StartError;
use crate::office::BoxOffice;
use crate::system;

/// Sets up a [`Federation`].
#[must_use = "a builder does nothing until it is started"]
pub struct FederationBuilder {
    us: PeerName,
    link: Arc<dyn PeerLink>,
    options: Options,
}

impl core::fmt::Debug for FederationBuilder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FederationBuilder").field("us", &self.us).finish_non_exhaustive()
    }
}

impl FederationBuilder {
    pub(super) fn new(us: PeerName, link: Arc<dyn PeerLink>) -> Self {
        let (attempts, first) = (const { NonZeroU32::new(4).unwrap() }, Duration::from_millis(200));
        let back_off = RetryPolicy::growing(Duration::from_secs(30), Duration::from_secs(3_600)).unwrap_or_default();
        let retries = RetryPolicy::growing(first, Duration::from_secs(2)).unwrap_or_default();
        let options = Options {
            public: Box::new(|_| false),
            every: Duration::from_secs(900),
            time_limit: Duration::from_secs(10),
            at_once: 8,
            limits: FeedLimits::default(),
            back_off: back_off.attempts(NonZeroU32::MAX),
            retries: retries.attempts(attempts).within(Duration::from_secs(30)),
            merge: MergeOptions::default(),
        };
        Self { us, link, options }
    }

    /// Which series are public: they stand in our feed, and peers may be granted to hold their seats. Asked again each time; be
    /// quick. Default: none.
    pub fn public(mut self, public: impl Fn(&Series) -> bool + Send + Sync + 'static) -> Self {
        self.options.public = Box::new(public);
        self
    }

    /// How often each peer's feed is fetched. At least a second. Default: every 15 minutes.
    pub fn every(mut self, every: Duration) -> Self {
        self.options.every = every.max(Duration::from_secs(1));
        self
    }

    /// How long a peer has to answer a request. Default: 10 seconds.
    pub fn time_limit(mut self, time_limit: Duration) -> Self {
        self.options.time_limit = time_limit;
        self
    }

    /// How many feeds are fetched at the same time. So long as fewer peers than that are slow, they hold up nobody; else others
    /// wait a time limit at most for their turn. At least 1. Default: 8.
    pub fn at_once(mut self, at_once: usize) -> Self {
        self.options.at_once = at_once.max(1);
        self
    }

    /// How much of a feed is read.
    pub fn feed_limits(mut self, limits: FeedLimits) -> Self {
        self.options.limits = limits;
        self
    }

    /// When to fetch a feed again that was not had. Default: after 30 seconds, doubling up to an hour, for ever.
    pub fn back_off(mut self, back_off: RetryPolicy) -> Self {
        self.options.back_off = back_off;
        self
    }

    /// When to send a message again that was not answered. Default: 4 attempts from 200 ms, doubling, within 30 seconds.
    pub fn retries(mut self, retries: RetryPolicy) -> Self {
        self.options.retries = retries;
        self
    }

    /// How agendas are merged.
    pub fn merge_options(mut self, merge: MergeOptions) -> Self {
        self.options.merge = merge;
        self
    }

    /// Starts it beside `office`, in the same store, on a thread of its own.
    ///
    /// # Errors
    /// [`StartError`] when there is no thread to be had.
    pub fn start(self, office: &BoxOffice) -> Result<Federation, StartError> {
        let Self { us, link, options } = self;
        let (words, heard) = mpsc::channel(WORDS_MAX);
        let (loaded, is_loaded) = watch::channel(false);
        let house = Arc::new(House::new(us, office.clone(), link, options));
        let works = Arc::clone(&house);
        let (thread, lifetime) = system::run("boxoffice-federation", move |runner| {
            let thread = runner.block_on(async { Arbiter::current() });
            if !thread.spawn(keep_up(works, heard, loaded)) {
                tracing::error!("the thread of the federation ended before it began");
            }
            (thread, || {})
        })?;
        Ok(Federation::of(Inner { house, words, is_loaded, thread, lifetime }))
    }
}
