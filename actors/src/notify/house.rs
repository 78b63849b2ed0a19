//! What everything that makes notices shares, and how it asks the others.

use core::future::{Future, pending};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use boxoffice_core::booking::Seat;
use boxoffice_core::calendar::Zone;
use boxoffice_core::flow::shard::FlowOutcome;
use boxoffice_core::flow::{FlowId, RetryPolicy};
use boxoffice_core::id::{AttendeeId, OccurrenceId, SeriesId};
use boxoffice_core::notify::{Happening, Lead, NoticeKind, Profile, UnsubscribeSecret, recipient_key};
use boxoffice_core::persist::{AsOf, Backend, Fault, Payload};
use boxoffice_core::schedule::Series;
use boxoffice_core::time::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::error::BoxOfficeError;
use crate::flows::Flows;
use crate::office::BoxOffice;
use crate::shared_writer::SharedWriter;
use crate::stats::Counters;

/// The first wait before something that is busy or down is asked again, and the longest.
const WAIT_FIRST: Duration = Duration::from_millis(10);
const WAIT_MAX: Duration = Duration::from_secs(30);
/// What is busy is asked again so often before anything is waited for.
const AT_ONCE: u32 = 5;
/// Occurrences and holds that are remembered.
const REMEMBERED_MAX: usize = 10_000;

/// How notices are made.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) leads: Vec<Lead>,
    pub(super) hold_lead: Duration,
    pub(super) policy: RetryPolicy,
    pub(super) kinds: BTreeSet<NoticeKind>,
    pub(super) critical: BTreeSet<NoticeKind>,
    pub(super) channels: BTreeSet<String>,
    pub(super) zone: Zone,
    pub(super) organizer: Option<String>,
    pub(super) stale_after: Duration,
    pub(super) digest_entries_max: usize,
    pub(super) secret: Option<UnsubscribeSecret>,
}

/// A hold as it is remembered: whose, of what.
pub(super) type HoldKey = (OccurrenceId, AttendeeId);

#[derive(Debug)]
pub(super) struct House {
    pub(super) office: BoxOffice,
    pub(super) store: SharedWriter,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) counters: Arc<Counters>,
    pub(super) options: Options,
    flows: watch::Receiver<Option<Flows>>,
    /// Occurrences whose reminders are known to be under way.
    armed: Mutex<BTreeSet<OccurrenceId>>,
    /// The event that gave a hold: its flow is named after it.
    holds: Mutex<BTreeMap<HoldKey, u64>>,
}

impl House {
    pub(super) fn new(office: BoxOffice, options: Options, flows: watch::Receiver<Option<Flows>>) -> Self {
        Self {
            store: office.shared_writer(),
            clock: office.clock(),
            counters: office.counters(),
            office,
            options,
            flows,
            armed: Mutex::default(),
            holds: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The running flows. Waits for ever once they are shut down: whoever starts them again asks again.
    pub(super) async fn flows(&self) -> Flows {
        let mut flows = self.flows.clone();
        match flows.wait_for(Option::is_some).await.map(|flows| flows.clone()) {
            Ok(Some(flows)) => flows,
            Ok(None) | Err(_) => pending().await,
        }
    }

    /// Asks until there is an answer. What is shut down is waited for, for ever.
    pub(super) async fn patiently<T, F>(&self, mut ask: impl FnMut() -> F) -> Result<T, String>
    where
        F: Future<Output = Result<T, BoxOfficeError>>,
    {
        let mut wait = WAIT_FIRST;
        for n in 0_u32.. {
            match ask().await {
                Ok(answer) => return Ok(answer),
                Err(BoxOfficeError::ShutDown) => return pending().await,
                Err(error) if !error.is_transient() => return Err(error.to_string()),
                Err(error) => tracing::warn!(%error, n, "asked again"),
            }
            if n < AT_ONCE {
                tokio::task::yield_now().await;
                continue;
            }
            self.clock.sleep_until(self.now() + wait).await;
            wait = wait.saturating_mul(2).min(WAIT_MAX);
        }
        Err("asked too often".to_owned())
    }

    /// The same of the store.
    pub(super) async fn stored<T, F>(&self, mut ask: impl FnMut() -> F) -> Result<T, String>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        self.patiently(|| {
            let asked = ask();
            async move { asked.await.map_err(BoxOfficeError::Store) }
        })
        .await
    }

    /// Begins a flow, if nobody has. Says whether it is new.
    pub(super) async fn start(&self, flow: &FlowId, input: &(impl Serialize + Sync)) -> Result<bool, String> {
        let flows = self.flows().await;
        match self.patiently(|| flows.start(flow, input)).await? {
            FlowOutcome::Started => Ok(true),
            FlowOutcome::TooLarge(limit) => Err(limit.to_string()),
            FlowOutcome::Unreadable { reason } => Err(reason),
            // Begun before, perhaps by what was known then: the name says what it is about.
            FlowOutcome::Already(_)
            | FlowOutcome::InputDiffers
            | FlowOutcome::Done
            | FlowOutcome::Unchanged
            | FlowOutcome::Over(_)
            | FlowOutcome::Unknown => Ok(false),
        }
    }

    /// Tells a flow to look again, once for each `id`. Says whether there is such a flow that has not ended.
    pub(super) async fn look_again(&self, flow: &FlowId, id: &str) -> Result<bool, String> {
        let flows = self.flows().await;
        let changed = boxoffice_core::notify::flows::CHANGED;
        let outcome = self.patiently(|| flows.signal(flow, changed, Some(id), &())).await?;
        Ok(matches!(outcome, FlowOutcome::Done | FlowOutcome::Unchanged))
    }

    pub(super) async fn series(&self, series: &SeriesId) -> Result<Option<Arc<Series>>, String> {
        self.patiently(|| self.office.series(series)).await
    }

    pub(super) async fn series_as_of(&self, series: &SeriesId, as_of: AsOf) -> Result<Option<Series>, String> {
        self.patiently(|| self.office.series_as_of(series, as_of)).await
    }

    /// An occurrence in a state of its series; none if there is none, or nobody can say.
    pub(super) fn find(&self, series: Option<&Series>, occurrence: &OccurrenceId) -> Option<Happening> {
        let found = Happening::find(series?, occurrence.recurrence(), &self.options.zone);
        found.unwrap_or_else(|truncated| {
            tracing::warn!(%occurrence, %truncated, "nobody can say when this takes place");
            None
        })
    }

    /// An occurrence as of now.
    pub(super) async fn happening(&self, occurrence: &OccurrenceId) -> Result<Option<Happening>, String> {
        let series = self.series(occurrence.series()).await?;
        Ok(self.find(series.as_deref(), occurrence))
    }

    /// Somebody's seats as of now.
    pub(super) async fn seat(&self, occurrence: &OccurrenceId, who: &AttendeeId) -> Result<Option<Seat>, String> {
        self.patiently(|| {
            let who = who.clone();
            self.office.inspect(occurrence, move |ledger| ledger.seat_of(&who).cloned())
        })
        .await
    }

    /// A recipient's profile, and as it is stored. One that cannot be read is as good as none.
    pub(super) async fn profile(&self, recipient: &AttendeeId) -> Result<Option<(Profile, Payload)>, String> {
        let key = recipient_key(recipient);
        let Some(stored) = self.stored(|| self.store.get(&key)).await? else { return Ok(None) };
        match stored.read() {
            Ok(profile) => Ok(Some((profile, stored))),
            Err(error) => {
                tracing::error!(%error, "a profile cannot be read");
                Ok(None)
            }
        }
    }

    /// Whether the reminders of an occurrence are known to be under way.
    pub(super) fn is_armed(&self, occurrence: &OccurrenceId) -> bool {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner).contains(occurrence)
    }

    pub(super) fn set_armed(&self, occurrence: &OccurrenceId) {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        if armed.len() >= REMEMBERED_MAX {
            armed.clear();
        }
        armed.insert(occurrence.clone());
    }

    pub(super) fn remember_hold(&self, hold: HoldKey, granted: u64) {
        let mut holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        if holds.len() >= REMEMBERED_MAX {
            holds.clear();
        }
        holds.insert(hold, granted);
    }

    pub(super) fn forget_hold(&self, hold: &HoldKey) -> Option<u64> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner).remove(hold)
    }
}
