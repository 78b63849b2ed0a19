//! The actor that owns facts and rules: keeps them at the end of the log and answers from them.
//!
//! A question is answered when enough of the log is in; see [`AtLeast`]. Everybody's reads of the log are the same reads:
//! one page at a time, and between two pages whoever waits for no more is answered.

use core::panic::AssertUnwindSafe;
use std::collections::VecDeque;
use std::panic::catch_unwind;

use actix::{Actor, Context, Handler, Message};
use boxoffice_core::availability::Availability;
use boxoffice_core::persist::Cursor;
use boxoffice_core::time::Timestamp;
use tokio::sync::oneshot;

use super::door::Weight;
use super::watch::Watchers;
use super::{AtLeast, AvailabilityError, AvailabilityOptions};
use crate::error::BoxOfficeError;
use crate::house::Surroundings;
use crate::registry::RestartBudget;
use crate::stats::Counters;

/// What a question sees.
pub(super) struct Seen<'s> {
    pub(super) base: &'s mut Availability,
    pub(super) watchers: &'s mut Watchers,
    pub(super) cursor: Cursor,
}

/// Answers, from what it sees or with why there is nothing to see.
pub(super) type Look = Box<dyn FnOnce(Result<Seen<'_>, AvailabilityError>) + Send>;

/// A question.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Question {
    pub(super) at_least: AtLeast,
    pub(super) look: Look,
}

/// Take no more questions, and say when those that were taken are answered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Drain(pub(super) oneshot::Sender<()>);

/// A question that was taken.
pub(super) struct Waiting {
    question: Question,
    /// Reads of the log that had begun before it.
    reads: u64,
    until: Timestamp,
}

/// How much of the log is in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// Reads of the log begun so far.
    pub(super) reads: u64,
    /// The last one that found nothing more.
    pub(super) empty: u64,
    /// The last one that found less than it asked for.
    pub(super) short: u64,
    /// The end was reached once since the start.
    pub(super) caught_up: bool,
}

pub(super) struct AvailabilityActor {
    pub(super) house: Surroundings,
    pub(super) options: AvailabilityOptions,
    pub(super) budget: RestartBudget,
    pub(super) weight: Weight,
    /// None before the first question, and after a failure until it is built anew.
    pub(super) base: Option<Availability>,
    /// The cursor up to which the log was read, events that say nothing included.
    pub(super) cursor: Cursor,
    /// Where the last snapshot stands.
    pub(super) saved: Cursor,
    pub(super) progress: Progress,
    pub(super) reading: bool,
    /// Something may have been committed since the read under way began.
    pub(super) news: bool,
    failures: VecDeque<Timestamp>,
    pub(super) watchers: Watchers,
    waiting: Vec<Waiting>,
    pub(super) drained: Option<oneshot::Sender<()>>,
    last_asked: Timestamp,
}

impl AvailabilityActor {
    pub(super) fn new(
        house: Surroundings,
        options: AvailabilityOptions,
        budget: RestartBudget,
        weight: Weight,
    ) -> Self {
        let last_asked = house.clock.now();
        let watchers = Watchers::new(options.unread_max, std::sync::Arc::clone(&house.counters));
        Self {
            house,
            options,
            budget,
            weight,
            base: None,
            cursor: Cursor::START,
            saved: Cursor::START,
            progress: Progress::default(),
            reading: false,
            news: false,
            failures: VecDeque::new(),
            watchers,
            waiting: Vec::new(),
            drained: None,
            last_asked,
        }
    }

    pub(super) fn has_questions(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn is_ready(&self, waiting: &Waiting) -> bool {
        let Progress { empty, short, caught_up, .. } = self.progress;
        match waiting.question.at_least {
            AtLeast::Now => caught_up,
            // Where less was found than asked for, that may be because of what cannot be read: the next read says so. Not
            // every read is waited to find nothing, since others go on writing.
            AtLeast::Committed => empty > waiting.reads || short > waiting.reads + 1,
            AtLeast::Cursor(cursor) => self.cursor >= cursor,
        }
    }

    /// Answers whoever waits for no more than is there.
    pub(super) fn answer_ready(&mut self) {
        let (ready, waiting): (Vec<_>, Vec<_>) =
            core::mem::take(&mut self.waiting).into_iter().partition(|waiting| self.is_ready(waiting));
        self.waiting = waiting;
        let mut ready = ready.into_iter();
        while self.base.is_some() {
            let Some(waiting) = ready.next() else { break };
            self.answer(waiting.question);
        }
        // After a panic the others wait for a new base.
        self.waiting.splice(0..0, ready);
        self.check_drained();
    }

    fn answer(&mut self, question: Question) {
        let Some(base) = &mut self.base else { return };
        let seen = Seen { base, watchers: &mut self.watchers, cursor: self.cursor };
        Counters::add(&self.house.counters.availability_answered);
        // Whoever asked learns of a panic from its channel.
        if catch_unwind(AssertUnwindSafe(|| (question.look)(Ok(seen)))).is_err() {
            self.failed("a question panicked");
        }
    }

    /// Gives an error to those who wait, or to some of them.
    pub(super) fn give_up(&mut self, error: &AvailabilityError, which: impl Fn(&Waiting) -> bool) {
        let (given_up, waiting): (Vec<_>, Vec<_>) = core::mem::take(&mut self.waiting).into_iter().partition(which);
        self.waiting = waiting;
        for one in given_up {
            let error = if let AvailabilityError::Behind { cursor, .. } = *error {
                AvailabilityError::Behind { wanted: one.question.at_least, cursor }
            } else {
                error.clone()
            };
            (one.question.look)(Err(error));
        }
        self.check_drained();
    }

    /// Those who have waited long enough are told so.
    pub(super) fn expire(&mut self) {
        let now = self.house.clock.now();
        let behind = AvailabilityError::Behind { wanted: AtLeast::Now, cursor: self.cursor };
        self.give_up(&behind, |waiting| waiting.until <= now);
    }

    /// What panicked is not trusted any more: all is built anew, unless that happened too often of late.
    pub(super) fn failed(&mut self, what: &str) {
        tracing::error!(what, "availability is built anew");
        self.base = None;
        self.cursor = Cursor::START;
        self.progress.caught_up = false;
        self.watchers.forget();
        let now = self.house.clock.now();
        self.failures.push_back(now);
        while self.failures.len() > self.budget.failures_max {
            self.failures.pop_front();
        }
    }

    /// The heavy desk lets its facts go when nobody has asked for a while: they are there twice.
    pub(super) fn let_go(&mut self) {
        let idle = self.house.clock.now().saturating_since(self.last_asked);
        if self.weight == Weight::Heavy && !self.has_questions() && idle >= self.house.settings.idle_after {
            self.base = None;
            self.progress.caught_up = false;
        }
    }

    /// How long it is left alone after too many failures.
    pub(super) fn rest(&self) -> Option<AvailabilityError> {
        let first = *self.failures.front().filter(|_| self.failures.len() >= self.budget.failures_max)?;
        let retry_after = (first + self.budget.within).saturating_since(self.house.clock.now());
        (!retry_after.is_zero()).then_some(AvailabilityError::Office(BoxOfficeError::Failing { retry_after }))
    }

    /// The log could not be read, or not be understood: nobody is answered from less than was demanded.
    pub(super) fn blind(&mut self, error: &AvailabilityError) {
        tracing::warn!(%error, "availability cannot follow the log");
        let Progress { caught_up, reads, .. } = self.progress;
        // Who came while it was read waits for the next read, which may find it mended.
        let asked = |waiting: &Waiting| waiting.reads < reads;
        self.give_up(error, |one| asked(one) && !(caught_up && one.question.at_least == AtLeast::Now));
    }

    fn check_drained(&mut self) {
        if !self.waiting.is_empty() {
            return;
        }
        if let Some(drained) = self.drained.take() {
            // Kept so that nothing is taken any more.
            self.drained = Some(oneshot::channel().0);
            self.save_and_tell(drained);
        }
    }
}

impl Actor for AvailabilityActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.house.settings.waiting_max);
        self.listen(ctx);
        self.read(ctx);
    }
}

impl Handler<Question> for AvailabilityActor {
    type Result = ();

    fn handle(&mut self, question: Question, ctx: &mut Self::Context) {
        if self.drained.is_some() {
            return (question.look)(Err(BoxOfficeError::ShutDown.into()));
        }
        if self.waiting.len() >= self.house.settings.waiting_max {
            return (question.look)(Err(self.house.busy().into()));
        }
        self.last_asked = self.house.clock.now();
        let until = self.last_asked + self.options.patience;
        let waiting = Waiting { question, reads: self.progress.reads, until };
        if self.base.is_some() && self.is_ready(&waiting) {
            self.answer(waiting.question);
            // After a panic others wait for a new base.
            return self.read(ctx);
        }
        self.waiting.push(waiting);
        self.news = true;
        self.read(ctx);
    }
}

impl Handler<Drain> for AvailabilityActor {
    type Result = ();

    fn handle(&mut self, Drain(drained): Drain, ctx: &mut Self::Context) {
        if self.drained.is_some() {
            return drop(drained);
        }
        self.drained = Some(drained);
        // Nothing more is waited for than what is committed.
        let shut_down = BoxOfficeError::ShutDown.into();
        let cursor = self.cursor;
        self.give_up(&shut_down, |one| matches!(one.question.at_least, AtLeast::Cursor(wanted) if wanted > cursor));
        self.news |= self.has_questions();
        self.read(ctx);
        self.check_drained();
    }
}
