//! How the log gets in: snapshot, then page by page, then whatever is committed.

use core::panic::AssertUnwindSafe;
use core::pin::Pin;
use core::time::Duration;
use std::panic::catch_unwind;
use std::sync::Arc;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use boxoffice_core::availability::{Availability, Options, Snapshot};
use boxoffice_core::persist::{Cursor, Page, Projected, Seq, StoreError, load_snapshot, save_snapshot};
use futures_util::future::{Either, select};
use tokio::sync::oneshot;

use super::actor::AvailabilityActor;
use super::door::Weight;
use super::{AvailabilityError, AvailabilityOptions};
use crate::clock::Sleep;
use crate::stats::Counters;

/// Events read at a time: what those wait for who need no more than is there.
const PAGE: usize = 1_024;
/// How often the log is looked at without being told: for what other processes have written.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Where facts and rules are saved.
const SNAPSHOT: &str = "availability";

/// What ended a wait.
enum Woken {
    Committed,
    Tick,
    /// The writer is gone.
    Ended,
}

type Committed = tokio::sync::watch::Receiver<u64>;

/// Waits for the next commit or tick, and gives back what it waited with.
async fn wait(mut committed: Committed, tick: Sleep) -> (Woken, Committed, Option<Sleep>) {
    let changed: Pin<Box<dyn Future<Output = bool> + Send>> = {
        let mut committed = committed.clone();
        Box::pin(async move { committed.changed().await.is_ok() })
    };
    match select(changed, tick).await {
        Either::Left((true, tick)) => {
            committed.mark_unchanged();
            (Woken::Committed, committed, Some(tick))
        }
        Either::Left((false, tick)) => (Woken::Ended, committed, Some(tick)),
        Either::Right(((), _)) => (Woken::Tick, committed, None),
    }
}

impl AvailabilityActor {
    /// Looks at the log whenever something was committed, and every second.
    pub(super) fn listen(&mut self, ctx: &mut Context<Self>) {
        let mut committed = self.house.committed.clone();
        committed.mark_unchanged();
        self.listen_on(committed, None, ctx);
    }

    fn listen_on(&mut self, committed: Committed, tick: Option<Sleep>, ctx: &mut Context<Self>) {
        let clock = &self.house.clock;
        let tick = tick.unwrap_or_else(|| clock.sleep_until(clock.now() + LOOK_EVERY));
        ctx.spawn(wait(committed, tick).into_actor(self).map(|(woken, committed, tick), act, ctx| {
            match woken {
                Woken::Ended => return,
                Woken::Committed => {}
                Woken::Tick => {
                    act.expire();
                    act.save_at_rest();
                    act.let_go();
                }
            }
            act.news = true;
            act.read(ctx);
            act.listen_on(committed, tick, ctx);
        }));
    }

    /// Reads on, if there may be something and no read is under way.
    pub(super) fn read(&mut self, ctx: &mut Context<Self>) {
        if self.reading {
            return;
        }
        if let Some(rest) = self.rest() {
            return self.give_up(&rest, |_| true);
        }
        if self.base.is_none() {
            // The light desk is there before it is asked.
            if self.weight == Weight::Light || self.has_questions() {
                self.load(ctx);
            }
            return;
        }
        if !core::mem::take(&mut self.news) {
            return;
        }
        self.reading = true;
        self.progress.reads += 1;
        let (backend, after) = (Arc::clone(&self.house.backend), self.cursor);
        let page = self.house.reader.run(async move { backend.read_all(after, PAGE).await });
        ctx.spawn(page.into_actor(self).map(|page, act, ctx| {
            act.reading = false;
            match page {
                Ok(page) => act.take_in(&page),
                Err(fault) => act.blind(&fault.into()),
            }
            act.read(ctx);
        }));
    }

    fn take_in(&mut self, page: &Page) {
        let Some(base) = &mut self.base else { return };
        let Ok(applied) = catch_unwind(AssertUnwindSafe(|| base.apply(&page.events))) else {
            self.news = true;
            return self.failed("an event panicked");
        };
        match applied {
            Ok(delta) => self.watchers.tell(&delta, page.next),
            Err(reason) => return self.blind(&AvailabilityError::Log { cursor: self.cursor, reason }),
        }
        self.cursor = page.next;
        Counters::add_many(&self.house.counters.availability_events, page.events.len());
        if page.events.len() < PAGE {
            self.progress.short = self.progress.reads;
            self.progress.caught_up = true;
        }
        if page.events.is_empty() {
            self.progress.empty = self.progress.reads;
        }
        self.news |= page.events.len() == PAGE;
        self.answer_ready();
        // Who is not answered yet wants to know whether there is more.
        self.news |= !page.events.is_empty() && self.has_questions();
    }

    /// Builds facts and rules anew, from the snapshot where there is one.
    fn load(&mut self, ctx: &mut Context<Self>) {
        self.reading = true;
        self.progress.reads += 1;
        let backend = Arc::clone(&self.house.backend);
        let saved = self.house.reader.run(async move { load_snapshot::<Snapshot>(&*backend, SNAPSHOT).await });
        ctx.spawn(saved.into_actor(self).map(|saved, act, ctx| {
            act.reading = false;
            match saved {
                Ok(saved) => act.build(saved, ctx),
                Err(fault) => {
                    act.blind(&fault.into());
                    if act.has_questions() {
                        act.read(ctx);
                    }
                }
            }
        }));
    }

    fn build(&mut self, saved: Option<Projected<Snapshot>>, ctx: &mut Context<Self>) {
        let built = catch_unwind(AssertUnwindSafe(|| self.restored(saved)));
        match built {
            Ok(Ok((base, cursor))) => {
                Counters::add(&self.house.counters.availability_built);
                (self.base, self.cursor, self.saved) = (Some(base), cursor, cursor);
                self.news = true;
            }
            Ok(Err(error)) => return self.give_up(&error, |_| true),
            Err(_) => self.failed("a snapshot panicked"),
        }
        self.read(ctx);
    }

    fn core_options(&self) -> Options {
        let AvailabilityOptions { zone, packs, heavy, .. } = &self.options;
        Options { zone: zone.clone(), limits: *heavy, packs: packs.clone(), ..Options::default() }
    }

    fn restored(&self, saved: Option<Projected<Snapshot>>) -> Result<(Availability, Cursor), AvailabilityError> {
        // Only what follows the log is saved, nothing that rules give: so it fits whatever rules this version has.
        match saved.map(|saved| Availability::restore(self.core_options(), saved.value)) {
            Some(Ok(Some(base))) => {
                let cursor = base.cursor();
                return Ok((base, cursor));
            }
            Some(Err(error)) => tracing::warn!(%error, "snapshot of availability is unreadable: reading the log"),
            Some(Ok(None)) | None => {}
        }
        let fresh = Availability::new(self.core_options()).map_err(AvailabilityError::Rules)?;
        Ok((fresh, Cursor::START))
    }

    /// Saves when nobody waits and enough has happened.
    fn save_at_rest(&mut self) {
        let Some(base) = &self.base else { return };
        let events = self.cursor.position().saturating_sub(self.saved.position());
        if !self.has_questions() && events >= self.options.snapshot_every.max(base.facts() as u64) {
            self.save(None);
        }
    }

    /// Saves if enough has happened, and says when that is done.
    pub(super) fn save_and_tell(&mut self, done: oneshot::Sender<()>) {
        let events = self.cursor.position().saturating_sub(self.saved.position());
        if self.base.is_some() && events >= self.options.snapshot_every {
            self.save(Some(done));
        } else if done.send(()).is_err() {
            tracing::debug!("nobody waits for the end of availability");
        }
    }

    fn save(&mut self, done: Option<oneshot::Sender<()>>) {
        let Some(base) = &self.base else { return };
        let value = match base.snapshot() {
            Ok(value) => value,
            Err(error) => return tracing::warn!(%error, "availability is too much to be saved"),
        };
        let state = Projected { value, seq: Seq::new(self.cursor.position()) };
        self.saved = self.cursor;
        let backend = Arc::clone(&self.house.backend);
        self.house.reader.spawn(async move {
            match save_snapshot(&*backend, SNAPSHOT, &state).await {
                Ok(()) => tracing::debug!(cursor = state.seq.get(), "availability saved"),
                Err(StoreError::Fault(fault)) => tracing::warn!(%fault, "availability cannot be saved"),
                Err(error) => tracing::warn!(%error, "the store takes no snapshot of availability"),
            }
            if done.is_some_and(|done| done.send(()).is_err()) {
                tracing::debug!("nobody waits for the end of availability");
            }
        });
    }
}
