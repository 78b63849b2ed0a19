//! The owner of one occurrence, step by step as in `actors/src/occurrence.rs`. What is handed over there by a message or a
//! future is a task here, and the seed says when it goes on.

use core::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use boxoffice_core::booking::{
    BookingReply, Owner, SeatLedger, Submission, Submitted, Terms, booking_stream, save_ledger,
};
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::persist::{Backend, CommitOutcome, Failed, Fault, RecordedEvent, Seq};
use boxoffice_core::time::Timestamp;
use tokio::sync::oneshot;

use crate::desk::load_terms;
use crate::office::Office;
use crate::reply::ReplyTo;

/// Lost commits in a row after which the requests are given back.
const CONFLICTS_MAX: u32 = 64;
/// Events read at a time when catching up.
const PAGE: usize = 7;

pub(crate) struct Loaded {
    pub(crate) ledger: SeatLedger,
    pub(crate) snapshot_seq: Seq,
    pub(crate) terms: Terms,
    /// When the store has it that the next hold lapses, if that is why it is loaded.
    pub(crate) woken: Option<Timestamp>,
}

type Look = oneshot::Sender<SeatLedger>;

pub(crate) enum Message {
    Decide(Submission, ReplyTo),
    Look(Look),
    Flush,
    Resolved(Result<CommitOutcome, Fault>),
    Tick(u64),
}

/// How an owner ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Rested,
    Failed,
}

pub(crate) struct Actor {
    occurrence: OccurrenceId,
    number: u64,
    office: Rc<Office>,
    state: RefCell<State>,
}

struct State {
    owner: Owner<ReplyTo>,
    /// Those who want to look, once the next batch has shown that nobody else has written; and those whose batch is under way.
    looks: Vec<Look>,
    looking: Vec<Look>,
    flush_scheduled: bool,
    conflicts: u32,
    snapshot_seq: Seq,
    last_used: Timestamp,
    timer: Option<(Timestamp, u64)>,
    /// While it reads what others wrote nothing else happens.
    waits: bool,
    mailbox: VecDeque<Message>,
    ended: bool,
}

impl Actor {
    pub(crate) fn start(occurrence: &OccurrenceId, number: u64, loaded: Loaded, office: &Rc<Office>) -> Rc<Self> {
        let stream = booking_stream(occurrence);
        let mut owner = Owner::new(stream, loaded.ledger, office.settings.waiting_max).under(loaded.terms);
        if office.settings.beside_others {
            owner = owner.beside_others();
        }
        if loaded.woken.is_some() {
            owner = owner.woken_at(loaded.woken);
        }
        let state = RefCell::new(State {
            owner,
            looks: Vec::new(),
            looking: Vec::new(),
            flush_scheduled: false,
            conflicts: 0,
            snapshot_seq: loaded.snapshot_seq,
            last_used: office.now(),
            timer: None,
            waits: false,
            mailbox: VecDeque::new(),
            ended: false,
        });
        let actor = Rc::new(Self { occurrence: occurrence.clone(), number, office: Rc::clone(office), state });
        actor.schedule_flush(&mut actor.state.borrow_mut());
        actor
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// A message arrives. Whatever comes to an owner that has ended is dropped, which tells its sender.
    pub(crate) fn enter(self: &Rc<Self>, message: Message) {
        let mut state = self.state.borrow_mut();
        if state.waits {
            state.mailbox.push_back(message);
        } else if !state.ended {
            self.handle(&mut state, message);
        }
    }

    fn handle(self: &Rc<Self>, state: &mut State, message: Message) {
        match message {
            Message::Decide(asked, reply) => self.decide(state, asked, reply),
            Message::Look(look) => self.inspect(state, look),
            Message::Flush => self.flush(state),
            Message::Resolved(outcome) => self.resolve(state, outcome),
            Message::Tick(number) => self.tick(state, number),
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.office.world.spawn(self.office.process, task);
    }

    fn decide(self: &Rc<Self>, state: &mut State, asked: Submission, mut reply: ReplyTo) {
        reply.accept();
        let now = self.office.now();
        state.last_used = now;
        match state.owner.submit(asked, reply, now) {
            Submitted::Answered(reply, answer) => self.answer(vec![(reply, answer)]),
            Submitted::Waits => self.schedule_flush(state),
            Submitted::Busy(reply) => reply.send(Err(crate::reply::Failure::Busy)),
        }
    }

    fn inspect(self: &Rc<Self>, state: &mut State, look: Look) {
        state.last_used = self.office.now();
        if self.office.settings.beside_others {
            state.looks.push(look);
            state.owner.check();
            self.schedule_flush(state);
        } else {
            show(state, look);
        }
    }

    fn schedule_flush(self: &Rc<Self>, state: &mut State) {
        if !core::mem::replace(&mut state.flush_scheduled, true) {
            let (actor, hop) = (Rc::clone(self), self.office.world.hop());
            self.spawn(async move {
                hop.await;
                actor.enter(Message::Flush);
            });
        }
    }

    fn flush(self: &Rc<Self>, state: &mut State) {
        state.flush_scheduled = false;
        if let Some(transaction) = state.owner.next_transaction() {
            let looks = core::mem::take(&mut state.looks);
            state.looking.extend(looks);
            let commit = self.office.writer.send(transaction);
            let actor = Rc::clone(self);
            self.spawn(async move {
                let lost = |_| Err(Fault::Unknown { reason: "the store's writer ended".into() });
                let outcome = commit.await.unwrap_or_else(lost);
                actor.office.world.hop().await;
                actor.enter(Message::Resolved(outcome));
            });
        } else {
            self.rest(state);
        }
        self.arm(state);
    }

    fn resolve(self: &Rc<Self>, state: &mut State, outcome: Result<CommitOutcome, Fault>) {
        match outcome {
            Ok(CommitOutcome::Done(_) | CommitOutcome::Already(_)) => {
                state.conflicts = 0;
                let replies = state.owner.committed();
                self.office.watch.check_count(&self.occurrence, &state.owner.count());
                self.answer(replies);
                for look in core::mem::take(&mut state.looking) {
                    show(state, look);
                }
                self.flush(state);
            }
            Ok(CommitOutcome::Conflict(failed)) => self.catch_up(state, &failed),
            Ok(refused @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused)) => {
                panic!("the store does not take booking events: {refused:?}")
            }
            Err(fault) => self.fail(state, &fault),
        }
    }

    fn catch_up(self: &Rc<Self>, state: &mut State, failed: &[Failed]) {
        state.conflicts += 1;
        for failed in failed {
            self.office.world.saw(match failed {
                Failed::Stream { stream, .. } if *stream == booking_stream(&self.occurrence) => {
                    "another owner was quicker"
                }
                Failed::Stream { .. } => "grounds have moved",
                Failed::Key { .. } => "a key was used meanwhile",
            });
        }
        state.owner.conflicted(failed);
        let looking = core::mem::take(&mut state.looking);
        state.looks.extend(looking);
        // There the requests are given back; here nobody is quicker as often as that.
        assert!(state.conflicts <= CONFLICTS_MAX, "an owner always comes too late");
        state.waits = true;
        let (actor, after) = (Rc::clone(self), state.owner.seq());
        self.spawn(async move {
            actor.office.world.hop().await;
            let news = actor.news(after).await;
            actor.office.world.hop().await;
            actor.caught_up(news);
        });
    }

    async fn news(&self, after: Seq) -> Result<(Vec<RecordedEvent>, Terms), Fault> {
        let (disk, stream) = (&self.office.disk, booking_stream(&self.occurrence));
        let mut tail: Vec<RecordedEvent> = Vec::new();
        loop {
            let page = disk.read(&stream, after.plus(tail.len() as u64).next(), PAGE).await?;
            let last = page.len() < PAGE;
            tail.extend(page);
            if last {
                return Ok((tail, load_terms(disk, &self.office.plan, &self.occurrence).await?));
            }
        }
    }

    fn caught_up(self: &Rc<Self>, news: Result<(Vec<RecordedEvent>, Terms), Fault>) {
        let state = &mut *self.state.borrow_mut();
        state.waits = false;
        let now = self.office.now();
        match news.and_then(|(tail, terms)| state.owner.caught_up(&tail, Some(terms), now)) {
            Ok(replies) => {
                self.office.watch.check_count(&self.occurrence, &state.owner.count());
                self.answer(replies);
                self.flush(state);
            }
            Err(fault) => self.fail(state, &fault),
        }
        while !state.waits
            && !state.ended
            && let Some(message) = state.mailbox.pop_front()
        {
            self.handle(state, message);
        }
    }

    fn answer(&self, replies: Vec<(ReplyTo, BookingReply)>) {
        for (to, reply) in replies {
            self.office.witness(&self.occurrence, &reply);
            to.send(Ok(reply));
        }
    }

    fn fail(self: &Rc<Self>, state: &mut State, fault: &Fault) {
        for to in state.owner.abandon() {
            to.send(Err(fault.clone().into()));
        }
        self.office.world.saw("an owner failed");
        state.looks.clear();
        state.looking.clear();
        self.end(state, How::Failed, None);
    }

    fn end(self: &Rc<Self>, state: &mut State, how: How, due: Option<Timestamp>) {
        state.ended = true;
        state.mailbox.clear();
        self.office.ended(&self.occurrence, self.number, how, due);
    }

    fn arm(self: &Rc<Self>, state: &mut State) {
        let idle = state.owner.is_settled().then_some(state.last_used + self.office.settings.idle_after);
        let idle = idle.filter(|idle| *idle > self.office.now());
        let Some(due) = [state.owner.next_deadline(), idle].into_iter().flatten().min() else { return };
        if state.ended || state.timer.as_ref().is_some_and(|(at, _)| *at <= due) {
            return;
        }
        let number = self.office.world.number();
        state.timer = Some((due, number));
        let millis = due.saturating_since(self.office.now()).as_millis();
        let wait = self.office.world.pass(u64::try_from(millis).unwrap().max(1));
        let actor = Rc::clone(self);
        self.spawn(async move {
            wait.await;
            actor.enter(Message::Tick(number));
        });
    }

    fn tick(self: &Rc<Self>, state: &mut State, number: u64) {
        // A timer that was put off.
        if state.timer.is_none_or(|(_, set)| set != number) {
            return;
        }
        state.timer = None;
        state.owner.lapse(self.office.now());
        self.flush(state);
    }

    fn rest(self: &Rc<Self>, state: &mut State) {
        let (now, idle_after) = (self.office.now(), self.office.settings.idle_after);
        let soon = state.owner.next_deadline().is_some_and(|deadline| deadline < now + idle_after);
        if now >= state.last_used + idle_after && !soon && state.owner.is_settled() {
            self.save_snapshot(state);
            self.office.world.saw("an owner rested");
            self.end(state, How::Rested, state.owner.next_deadline());
        }
    }

    fn save_snapshot(&self, state: &mut State) {
        let written = state.owner.seq().get() - state.snapshot_seq.get();
        if written < self.office.settings.snapshot_every {
            return;
        }
        let ledger = state.owner.look(SeatLedger::clone);
        let (office, occurrence) = (Rc::clone(&self.office), self.occurrence.clone());
        self.spawn(async move {
            office.world.hop().await;
            if save_ledger(&*office.disk, &occurrence, &ledger).await.is_ok() {
                office.world.saw("a snapshot");
            }
        });
    }
}

fn show(state: &mut State, look: Look) {
    // Whoever no longer waits is passed over.
    _ = look.send(state.owner.look(SeatLedger::clone)).is_ok();
}
