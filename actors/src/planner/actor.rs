//! The owner of all series: decides their commands and keeps them in memory.
//!
//! Before it answers anybody it looks at the list of changes, which is empty but for what other box offices wrote since
//! the last look. So an answer never rests on less than what was recorded when it was asked for. Those who ask while it
//! looks share the next look.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use boxoffice_core::id::SeriesId;
use boxoffice_core::persist::{Backend, CommitOutcome, Fault, Seq};
use boxoffice_core::schedule::{
    AsOf, Prepared, Series, SeriesCommand, SeriesReply, changed_since, changes_stream, decide, load_series, orphaned,
    prepare, series_ids,
};
use tokio::sync::oneshot;

use super::{ScheduleReply, Shelf};
use crate::error::BoxOfficeError;
use crate::house::Surroundings;
use crate::reply::ReplyTo;
use crate::stats::Counters;
use crate::store::Commit;

/// Lost commits in a row after which a command is given back: somebody writes this series without pause.
const CONFLICTS_MAX: u32 = 64;

/// Decide a command on a series.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Ask {
    pub(super) series: SeriesId,
    pub(super) command: SeriesCommand,
    pub(super) reply: ReplyTo<ScheduleReply>,
}

type Seen<'s> = Result<&'s Shelf, BoxOfficeError>;

/// Look at all series.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Look(pub(super) Box<dyn FnOnce(Seen<'_>) + Send>);

/// Take no more commands, and say when those that were taken are answered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Drain(pub(super) oneshot::Sender<()>);

enum Request {
    Ask(Ask),
    Look(Look),
}

/// Keeps every series folded, and writes the changes to them: one at a time for each series, those of many at once.
pub(super) struct ScheduleActor {
    house: Surroundings,
    shelf: Shelf,
    /// How far the list of changes was read; none before the first look, and after a fault.
    seen: Option<Seq>,
    looking: bool,
    /// How often everything was forgotten: a look that began before that is of no use.
    forgotten: u64,
    /// Asked since the look under way began.
    waiting: Vec<Request>,
    /// For each series with a commit under way, those who wait for it.
    writing: BTreeMap<SeriesId, VecDeque<Ask>>,
    /// Commands that were taken and not answered.
    open: usize,
    drained: Option<oneshot::Sender<()>>,
}

/// A look at the store that is under way.
struct UnderWay {
    asked: Vec<Request>,
    /// How often everything had been forgotten when it began.
    forgotten: u64,
}

/// What a look at the store found.
enum News {
    /// Everything, read for the first time, and how far the list of changes goes.
    All(Shelf, Seq),
    /// What was changed since.
    Changed(Vec<(SeriesId, Seq)>, Seq),
}

async fn read_news(backend: Arc<dyn Backend>, seen: Option<Seq>) -> Result<News, Fault> {
    if let Some(seen) = seen {
        let (changed, last) = changed_since(&*backend, seen).await?;
        return Ok(News::Changed(changed, last));
    }
    // The end of the list first: what is changed while the series are read is seen again with the next look.
    let last = backend.head(&changes_stream()).await?.last;
    Ok(News::All(read_series(&backend, series_ids(&*backend).await?).await?, last))
}

/// Reads series. One that cannot be read does not keep the others from being there.
async fn read_series(backend: &Arc<dyn Backend>, ids: Vec<SeriesId>) -> Result<Shelf, Fault> {
    let mut shelf = Shelf::new();
    for id in ids {
        let read = match load_series(&**backend, &id, AsOf::Now).await {
            Ok(series) => Ok(Arc::new(series)),
            Err(fault @ Fault::Corrupt { .. }) => Err(fault),
            Err(fault) => return Err(fault),
        };
        shelf.insert(id, read);
    }
    Ok(shelf)
}

impl ScheduleActor {
    pub(super) fn new(house: Surroundings) -> Self {
        Self {
            house,
            shelf: Shelf::new(),
            seen: None,
            looking: false,
            forgotten: 0,
            waiting: Vec::new(),
            writing: BTreeMap::new(),
            open: 0,
            drained: None,
        }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.looking || self.waiting.is_empty() {
            return;
        }
        self.looking = true;
        let look = UnderWay { asked: core::mem::take(&mut self.waiting), forgotten: self.forgotten };
        let news = self.house.reader.run(read_news(Arc::clone(&self.house.backend), self.seen));
        ctx.spawn(news.into_actor(self).map(|news, act, ctx| match news {
            Ok(News::All(shelf, last)) => act.looked(shelf, last, look, ctx),
            Ok(News::Changed(changed, last)) => act.read_again(&changed, last, look, ctx),
            Err(fault) => act.blind(&fault, look, ctx),
        }));
    }

    /// Reads the series again that others have changed.
    fn read_again(&mut self, changed: &[(SeriesId, Seq)], last: Seq, look: UnderWay, ctx: &mut Context<Self>) {
        let stale = |(id, seq): &&(SeriesId, Seq)| !matches!(self.shelf.get(id), Some(Ok(kept)) if kept.seq() >= *seq);
        let mut stale: Vec<SeriesId> = changed.iter().filter(stale).map(|(id, _)| id.clone()).collect();
        stale.sort_unstable();
        stale.dedup();
        if stale.is_empty() {
            return self.looked(Shelf::new(), last, look, ctx);
        }
        let backend = Arc::clone(&self.house.backend);
        let read = self.house.reader.run(async move { read_series(&backend, stale).await });
        ctx.spawn(read.into_actor(self).map(move |read, act, ctx| match read {
            Ok(read) => act.looked(read, last, look, ctx),
            Err(fault) => act.blind(&fault, look, ctx),
        }));
    }

    fn looked(&mut self, read: Shelf, last: Seq, look: UnderWay, ctx: &mut Context<Self>) {
        self.looking = false;
        if look.forgotten != self.forgotten {
            self.waiting.extend(look.asked);
            return self.look(ctx);
        }
        for (id, read) in read {
            self.keep(id, read);
        }
        self.seen = Some(last);
        for request in look.asked {
            match request {
                Request::Look(Look(look)) => look(Ok(&self.shelf)),
                Request::Ask(ask) => self.begin(ask, ctx),
            }
        }
        self.look(ctx);
    }

    /// The store could not be looked at: nobody is answered from what may be old.
    fn blind(&mut self, fault: &Fault, look: UnderWay, ctx: &mut Context<Self>) {
        tracing::warn!(%fault, "schedule cannot be read");
        self.forget();
        for request in look.asked {
            match request {
                Request::Look(Look(look)) => look(Err(fault.clone().into())),
                Request::Ask(ask) => self.answer(ask, Err(fault.clone().into())),
            }
        }
        self.looking = false;
        self.look(ctx);
    }

    fn forget(&mut self) {
        self.shelf.clear();
        self.seen = None;
        self.forgotten += 1;
    }

    /// Keeps what was read or written, unless something newer is kept.
    fn keep(&mut self, id: SeriesId, read: Result<Arc<Series>, Fault>) {
        let newer = matches!((self.shelf.get(&id), &read), (Some(Ok(kept)), Ok(read)) if kept.seq() > read.seq());
        if !newer {
            self.shelf.insert(id, read);
        }
    }

    fn begin(&mut self, ask: Ask, ctx: &mut Context<Self>) {
        if let Some(waiting) = self.writing.get_mut(&ask.series) {
            waiting.push_back(ask);
        } else {
            self.attempt(ask, 0, ctx);
        }
    }

    fn attempt(&mut self, mut ask: Ask, conflicts: u32, ctx: &mut Context<Self>) {
        ask.reply.accept();
        let series = match self.shelf.get(&ask.series) {
            Some(Ok(series)) => Arc::clone(series),
            None => Arc::default(),
            Some(Err(fault)) => {
                let fault = fault.clone();
                return self.done(ask, Err(fault.into()), ctx);
            }
        };
        let decision = decide(&series, &ask.command, self.house.clock.now());
        let SeriesReply { outcome, seq } = decision.reply.clone();
        let Some(prepared) = prepare(&ask.series, &series, decision) else {
            return self.done(ask, Ok(ScheduleReply { outcome, seq, orphaned: Vec::new() }), ctx);
        };
        self.writing.entry(ask.series.clone()).or_default();
        let Prepared { transaction, series: after, reply } = prepared;
        let commit = self.house.store.send(Commit(transaction));
        ctx.spawn(commit.into_actor(self).map(move |outcome, act, ctx| {
            let lost = |_| Err(Fault::Unknown { reason: "the store's writer ended".into() });
            match outcome.unwrap_or_else(lost) {
                Ok(CommitOutcome::Done(_) | CommitOutcome::Already(_)) => {
                    act.committed(ask, &series, Arc::new(after), reply, ctx);
                }
                Ok(CommitOutcome::Conflict(_)) => act.conflicted(ask, conflicts + 1, ctx),
                Ok(refused @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused)) => {
                    let reason = format!("the store does not take series events: {refused:?}").into();
                    act.done(ask, Err(Fault::Unavailable { reason }.into()), ctx);
                }
                Err(fault) => {
                    // Whether it was written is unknown: all is read again.
                    act.forget();
                    act.done(ask, Err(fault.into()), ctx);
                }
            }
        }));
    }

    fn committed(
        &mut self,
        ask: Ask,
        before: &Arc<Series>,
        after: Arc<Series>,
        reply: SeriesReply,
        ctx: &mut Context<Self>,
    ) {
        let id = ask.series.clone();
        self.keep(id.clone(), Ok(Arc::clone(&after)));
        let SeriesReply { outcome, seq } = reply;
        let reply = ScheduleReply { outcome, seq, orphaned: Vec::new() };
        if matches!(ask.command, SeriesCommand::Schedule { .. } | SeriesCommand::Move { .. }) {
            return self.done(ask, Ok(reply), ctx);
        }
        let (backend, before, now) = (Arc::clone(&self.house.backend), Arc::clone(before), self.house.clock.now());
        let orphans = self.house.reader.run(async move { orphaned(&*backend, &before, &after, now).await });
        ctx.spawn(orphans.into_actor(self).map(move |orphaned, act, _ctx| {
            let reply = orphaned.map(|orphaned| ScheduleReply { orphaned, ..reply });
            act.answer(ask, reply.map_err(BoxOfficeError::from));
        }));
        // The series is free meanwhile.
        self.next(&id, ctx);
    }

    /// Another box office was quicker: reads what it wrote and decides again.
    fn conflicted(&mut self, ask: Ask, conflicts: u32, ctx: &mut Context<Self>) {
        Counters::add(&self.house.counters.conflicts);
        tracing::debug!(series = %ask.series, "another owner was quicker");
        if conflicts > CONFLICTS_MAX {
            let reason = "other owners of the series are always quicker".into();
            return self.done(ask, Err(Fault::Unavailable { reason }.into()), ctx);
        }
        let (backend, id) = (Arc::clone(&self.house.backend), ask.series.clone());
        let read = self.house.reader.run(async move { load_series(&*backend, &id, AsOf::Now).await });
        ctx.spawn(read.into_actor(self).map(move |read, act, ctx| match read {
            Ok(series) => {
                act.keep(ask.series.clone(), Ok(Arc::new(series)));
                act.attempt(ask, conflicts, ctx);
            }
            Err(fault) => act.done(ask, Err(fault.into()), ctx),
        }));
    }

    /// Answers, and goes on with whoever waits for this series.
    fn done(&mut self, ask: Ask, answer: Result<ScheduleReply, BoxOfficeError>, ctx: &mut Context<Self>) {
        let id = ask.series.clone();
        self.answer(ask, answer);
        self.next(&id, ctx);
    }

    fn next(&mut self, id: &SeriesId, ctx: &mut Context<Self>) {
        let Some(mut waiting) = self.writing.remove(id) else { return };
        let Some(ask) = waiting.pop_front() else { return };
        if self.seen.is_none() {
            // After a fault nothing is decided before all was read again.
            let again = [ask].into_iter().chain(waiting).map(Request::Ask);
            self.waiting.extend(again);
            return self.look(ctx);
        }
        self.writing.insert(id.clone(), waiting);
        self.attempt(ask, 0, ctx);
    }

    fn answer(&mut self, ask: Ask, answer: Result<ScheduleReply, BoxOfficeError>) {
        if let Ok(reply) = &answer {
            Counters::add(&self.house.counters.series_answered);
            if reply.outcome.is_accepted() {
                Counters::add(&self.house.counters.series_changed);
            }
        }
        ask.reply.send(answer);
        self.open -= 1;
        self.check_drained();
    }

    fn check_drained(&mut self) {
        if self.open > 0 {
            return;
        }
        if let Some(drained) = self.drained.take() {
            // Kept so that nothing is taken any more.
            self.drained = Some(oneshot::channel().0);
            if drained.send(()).is_err() {
                tracing::debug!("nobody waits for the end of the schedule");
            }
        }
    }

    fn is_full(&self) -> bool {
        self.open >= self.house.settings.waiting_max
    }
}

impl Actor for ScheduleActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.house.settings.waiting_max);
    }
}

impl Handler<Ask> for ScheduleActor {
    type Result = ();

    fn handle(&mut self, ask: Ask, ctx: &mut Self::Context) {
        if self.drained.is_some() {
            return ask.reply.send(Err(BoxOfficeError::ShutDown));
        }
        if self.is_full() {
            return ask.reply.send(Err(self.house.busy()));
        }
        self.open += 1;
        self.waiting.push(Request::Ask(ask));
        self.look(ctx);
    }
}

impl Handler<Look> for ScheduleActor {
    type Result = ();

    fn handle(&mut self, look: Look, ctx: &mut Self::Context) {
        if self.waiting.len() >= self.house.settings.waiting_max {
            return look.0(Err(self.house.busy()));
        }
        self.waiting.push(Request::Look(look));
        self.look(ctx);
    }
}

impl Handler<Drain> for ScheduleActor {
    type Result = ();

    fn handle(&mut self, Drain(drained): Drain, _ctx: &mut Self::Context) {
        self.drained = Some(drained);
        self.check_drained();
    }
}
