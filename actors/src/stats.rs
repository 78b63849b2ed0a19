//! Counters and gauges of a running box office, for the host to read and for the `metrics` facade.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use boxoffice_core::persist;

/// One count: kept here for [`Stats`], and told to whatever recorder the host has installed.
#[derive(Debug)]
pub(crate) struct Count {
    total: AtomicU64,
    told: metrics::Counter,
}

/// Lists each counter once: as a field of [`Stats`], as one of [`Counters`] and as a metric.
macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident = $metric:literal,)+) => {
        /// Counters since the start, and what is in memory now.
        ///
        /// Each counter is also told to the recorder of the [`metrics`](https://docs.rs/metrics) facade that was installed when
        /// the box office was started, under the name `boxoffice_NAME_total`. So are these gauges and histograms:
        ///
        /// | metric | what |
        /// | --- | --- |
        /// | `boxoffice_owners` | owners in memory |
        /// | `boxoffice_activations_waiting` | occurrences whose owner is being started |
        /// | `boxoffice_transactions_waiting` | transactions with the store when the last group commit began |
        /// | `boxoffice_commit_seconds` | a group commit, from its beginning until it is durable |
        /// | `boxoffice_group_transactions` | transactions of a group commit |
        /// | `boxoffice_activation_seconds` | the start of an owner, waiting included |
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Stats {
            $($(#[doc = $doc])+ pub $name: u64,)+
            /// Owners in memory now.
            pub owners: u64,
            /// Occurrences whose owner is being started now.
            pub activations_waiting: u64,
            /// Transactions that were with the store when the last group commit began.
            pub transactions_waiting: u64,
            /// The store's own counters.
            pub store: persist::Stats,
        }

        #[derive(Debug)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Count,)+
            pub(crate) owners: Gauge,
            pub(crate) activations_waiting: Gauge,
            pub(crate) transactions_waiting: Gauge,
            pub(crate) commit_seconds: metrics::Histogram,
            pub(crate) group_transactions: metrics::Histogram,
            pub(crate) activation_seconds: metrics::Histogram,
        }

        impl Default for Counters {
            fn default() -> Self {
                $(metrics::describe_counter!($metric, concat!($($doc),+).trim());)+
                Self {
                    $($name: Count { total: AtomicU64::new(0), told: metrics::counter!($metric) },)+
                    owners: Gauge::new(metrics::gauge!("boxoffice_owners")),
                    activations_waiting: Gauge::new(metrics::gauge!("boxoffice_activations_waiting")),
                    transactions_waiting: Gauge::new(metrics::gauge!("boxoffice_transactions_waiting")),
                    commit_seconds: metrics::histogram!("boxoffice_commit_seconds"),
                    group_transactions: metrics::histogram!("boxoffice_group_transactions"),
                    activation_seconds: metrics::histogram!("boxoffice_activation_seconds"),
                }
            }
        }

        impl Counters {
            pub(crate) fn read(&self, store: persist::Stats) -> Stats {
                Stats {
                    $($name: self.$name.total.load(Ordering::Relaxed),)+
                    owners: self.owners.read(),
                    activations_waiting: self.activations_waiting.read(),
                    transactions_waiting: self.transactions_waiting.read(),
                    store,
                }
            }
        }
    };
}

counters! {
    /// Commands answered by the rules, refusals included.
    answered = "boxoffice_answered_total",
    /// Of these, commands that were carried out.
    accepted = "boxoffice_accepted_total",
    /// Requests turned away because too many waited.
    busy = "boxoffice_busy_total",
    /// Commits that lost to another owner of the same stream and were decided again.
    conflicts = "boxoffice_conflicts_total",
    /// How often policies were asked before a seat was given.
    policies_asked = "boxoffice_policies_asked_total",
    /// Owners started.
    activations = "boxoffice_activations_total",
    /// Owners put to rest because nobody asked for them, or because too many were in memory.
    passivations = "boxoffice_passivations_total",
    /// Owners started because a hold was to lapse, and nobody had asked.
    alarms = "boxoffice_alarms_total",
    /// Owners that ended by a failure.
    failures = "boxoffice_failures_total",
    /// Commands on series answered by the rules, refusals included.
    series_answered = "boxoffice_series_answered_total",
    /// Of these, commands that were carried out.
    series_changed = "boxoffice_series_changed_total",
    /// Agendas worked out.
    agendas = "boxoffice_agendas_total",
    /// Questions about availability that a desk looked at.
    availability_answered = "boxoffice_availability_answered_total",
    /// Questions that were beyond the light limits and went to the heavy desk.
    availability_heavy = "boxoffice_availability_heavy_total",
    /// Committed events that a desk took in, those that say nothing about availability included.
    availability_events = "boxoffice_availability_events_total",
    /// How often facts and rules were built, at the start of a desk and after a failure.
    availability_built = "boxoffice_availability_built_total",
    /// Watchers of relations that left too much unread and had to begin anew.
    availability_lagged = "boxoffice_availability_lagged_total",
    /// Scans of tickets that were answered, refusals and repeated ones included. Only with the feature `checkin`.
    scans_answered = "boxoffice_scans_answered_total",
    /// Of these, scans that let through.
    scans_accepted = "boxoffice_scans_accepted_total",
    /// Of these, scans that happened offline and should not have.
    scan_conflicts = "boxoffice_scan_conflicts_total",
    /// Batches of events that shards of flows had committed.
    flow_batches = "boxoffice_flow_batches_total",
    /// Events of flows in them.
    flow_events = "boxoffice_flow_events_total",
    /// Requests of flows that were handed to performers.
    flow_requests = "boxoffice_flow_requests_total",
    /// Shards of flows that ended by a failure.
    flow_shard_failures = "boxoffice_flow_shard_failures_total",
    /// Notices whose delivery was started. This and the next: only with the feature `notify`.
    notices_started = "boxoffice_notices_started_total",
    /// How often somebody was to be told whom no channel reaches, or who does not want it.
    notices_unreached = "boxoffice_notices_unreached_total",
    /// What was put into somebody's next digest.
    notices_digested = "boxoffice_notices_digested_total",
    /// Events of which nobody was told, since they happened too long ago.
    notices_stale = "boxoffice_notices_stale_total",
    /// Events that the notifier could not make anything of.
    notifier_passed_over = "boxoffice_notifier_passed_over_total",
    /// How often the notifier began again after a failure.
    notifier_failures = "boxoffice_notifier_failures_total",
    /// Notices that were sent, or taken for sent. This and the next: only with the feature `notify`.
    notices_sent = "boxoffice_notices_sent_total",
    /// Attempts to send a notice that failed and are to be made again.
    notices_retried = "boxoffice_notices_retried_total",
    /// Notices that were refused for good.
    notices_failed = "boxoffice_notices_failed_total",
    /// Notices that their recipients do not want.
    notices_skipped = "boxoffice_notices_skipped_total",
    /// Notices that were put off, since it was quiet.
    notices_postponed = "boxoffice_notices_postponed_total",
    /// Attempts whose answer was lost.
    notices_uncertain = "boxoffice_notices_uncertain_total",
    /// Notices that were given up and recorded as dead letters.
    notices_dead = "boxoffice_notices_dead_total",
    /// Channels that ended by a failure.
    channel_failures = "boxoffice_channel_failures_total",
    /// How often a peer's feed was asked for.
    federation_pulls = "boxoffice_federation_pulls_total",
    /// Of these, how often no proven answer came.
    federation_pulls_failed = "boxoffice_federation_pulls_failed_total",
    /// Of these, feeds that were not in order and were not taken.
    federation_feeds_refused = "boxoffice_federation_feeds_refused_total",
    /// Messages of peers that were looked at.
    federation_messages = "boxoffice_federation_messages_total",
    /// Of these, messages that were refused.
    federation_messages_refused = "boxoffice_federation_messages_refused_total",
    /// Messages that were sent to peers, attempts that came to nothing included.
    federation_sent = "boxoffice_federation_sent_total",
    /// Requests to peers whose fate stayed unknown.
    federation_unanswered = "boxoffice_federation_unanswered_total",
}

impl Counters {
    pub(crate) fn add(count: &Count) {
        Self::add_many(count, 1);
    }

    pub(crate) fn add_many(count: &Count, many: usize) {
        count.total.fetch_add(many as u64, Ordering::Relaxed);
        count.told.increment(many as u64);
    }
}

/// How many there are now.
#[derive(Debug)]
pub(crate) struct Gauge {
    now: AtomicU64,
    told: metrics::Gauge,
}

impl Gauge {
    fn new(told: metrics::Gauge) -> Self {
        Self { now: AtomicU64::new(0), told }
    }

    pub(crate) fn set(&self, now: usize) {
        self.now.store(now as u64, Ordering::Relaxed);
        // A gauge is a float; no box office has more than four billion of anything in memory.
        self.told.set(f64::from(u32::try_from(now).unwrap_or(u32::MAX)));
    }

    fn read(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }
}

/// How long commits take of late. Told to those who are turned away; nothing is decided by it.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    micros: AtomicU64,
}

/// Time that passes, whatever any clock shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

impl Pace {
    const LEAST: Duration = Duration::from_millis(1);
    const MOST: Duration = Duration::from_secs(10);

    /// A commit took this long. The latest eight or so count.
    pub(crate) fn took(&self, length: Duration) {
        let new = u64::try_from(length.as_micros()).unwrap_or(u64::MAX).min(1_000_000_000);
        let old = self.micros.load(Ordering::Relaxed);
        self.micros.store(if old == 0 { new } else { old - old / 8 + new / 8 }, Ordering::Relaxed);
    }

    /// When to come again: whoever waits now is answered after the batch on its way and the next one.
    pub(crate) fn retry_after(&self) -> Duration {
        Duration::from_micros(2 * self.micros.load(Ordering::Relaxed)).clamp(Self::LEAST, Self::MOST)
    }
}
