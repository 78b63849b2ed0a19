//! A deterministic shell around shards: a store that can lose its last group, a manual clock, scripted performers, and a scheduler
//! that chooses by a seed what happens next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use futures_util::FutureExt;

use super::super::place::next_timer;
use super::super::run::at_rest;
use super::super::*;
use crate::flow::ask::What;
use crate::flow::event::FlowEvent;
use crate::flow::journal::FlowStatus;
use crate::flow::live::Live;
use crate::flow::program::Programs;
use crate::flow::stuck::Stuck;
use crate::flow::{SHARDS, wire};
use crate::persist::{
    Append, Backend, EventType, Expect, Key, MemoryBackend, NewEvent, RecordedEvent, Seq, StreamName,
};

pub(super) fn ready<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the memory backend is always ready")
}

pub(super) fn payload(json: &str) -> Payload {
    Payload::from_json(json).unwrap()
}

pub(super) fn id(text: &str) -> FlowId {
    text.parse().unwrap()
}

pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from((self.next() >> 32) % (end as u64)).unwrap()
    }

    pub(super) fn signed_below(&mut self, end: usize) -> i64 {
        i64::try_from(self.below(end)).unwrap()
    }

    pub(super) fn percent(&mut self, times: usize) -> bool {
        self.below(100) < times
    }
}

#[derive(Debug)]
enum Op {
    Commit(Transaction),
    Truncate(StreamName, Seq),
}

/// A store that can lose the last group it has written.
#[derive(Debug, Default)]
pub(super) struct Disk {
    pub(super) memory: MemoryBackend,
    ops: Vec<Op>,
    /// Whether to remember what was written, to be able to lose it.
    pub(super) forgetful: bool,
}

impl Disk {
    pub(super) fn commit(&mut self, transaction: Transaction) -> CommitOutcome {
        let outcome = ready(self.memory.commit_one(transaction.clone())).unwrap();
        if outcome.is_done() && self.forgetful {
            self.ops.push(Op::Commit(transaction));
        }
        outcome
    }

    fn truncate(&mut self, stream: StreamName, through: Seq) {
        ready(self.memory.truncate(&stream, through)).unwrap();
        if self.forgetful {
            self.ops.push(Op::Truncate(stream, through));
        }
    }

    /// The last group was never synced.
    fn lose_last(&mut self) {
        let last = self.ops.iter().rposition(|op| matches!(op, Op::Commit(_))).unwrap();
        self.ops.remove(last);
        self.memory = MemoryBackend::new();
        for op in &self.ops {
            match op {
                Op::Commit(transaction) => {
                    assert!(ready(self.memory.commit_one(transaction.clone())).unwrap().is_done());
                }
                Op::Truncate(stream, through) => ready(self.memory.truncate(stream, *through)).unwrap(),
            }
        }
    }

    pub(super) fn journal(&self, flow: &FlowId) -> Journal {
        ready(Journal::load(&self.memory, flow)).unwrap()
    }

    pub(super) fn events(&self, flow: &FlowId) -> Vec<RecordedEvent> {
        ready(self.memory.read(&flow.stream(), Seq::FIRST, usize::MAX)).unwrap()
    }

    pub(super) fn keys(&self, prefix: &str) -> Vec<String> {
        let found = ready(self.memory.scan(prefix, None, usize::MAX)).unwrap();
        found.into_iter().map(|(key, _)| key.as_str().to_owned()).collect()
    }
}

/// What a performer does.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    Outcome(String),
    /// Never answers.
    Hang,
    /// Is not registered.
    Missing,
    /// Wants this written along.
    Writes(Performed),
}

/// The world outside of flows.
pub(super) struct Outside {
    pub(super) script: Box<dyn FnMut(&Performance) -> Verdict>,
    /// How often each request was sent, by idempotency key.
    pub(super) sent: BTreeMap<String, u32>,
    /// Effects by message id, as a transport counts them that knows repetitions.
    pub(super) effects: BTreeMap<String, u32>,
    verdicts: BTreeMap<String, Verdict>,
}

impl Outside {
    fn perform(&mut self, asked: &Performance) -> Verdict {
        let key = asked.idempotency_key();
        *self.sent.entry(key.clone()).or_default() += 1;
        if let Some(verdict) = self.verdicts.get(&key) {
            return verdict.clone();
        }
        let verdict = (self.script)(asked);
        if matches!(verdict, Verdict::Outcome(_)) {
            *self.effects.entry(key.clone()).or_default() += 1;
            self.verdicts.insert(key, verdict.clone());
        }
        verdict
    }
}

/// Who says something to flows, and says it again as long as nobody answers.
#[derive(Debug, Default)]
pub(super) struct Client {
    next: u64,
    pub(super) asked: BTreeMap<u64, (FlowId, FlowCommand)>,
    pub(super) answers: BTreeMap<u64, FlowAnswer>,
    pub(super) handed_back: BTreeSet<u64>,
    /// Replies that went down with their process.
    pub(super) lost: BTreeSet<u64>,
}

impl Client {
    fn open(&self) -> Vec<u64> {
        let settled = |reply: &u64| {
            self.answers.contains_key(reply) || self.handed_back.contains(reply) || self.lost.contains(reply)
        };
        self.asked.keys().filter(|reply| !settled(reply)).copied().collect()
    }
}

#[derive(Debug)]
pub(super) enum Job {
    Load(u64, Vec<FlowId>),
    Loaded(u64, Vec<Journal>),
    ReadDue(u64, Option<(Timestamp, FlowId)>, usize),
    DuePage(u64, DuePage),
    Commit(u64, Transaction),
    Committed(u64, Result<CommitOutcome, Fault>),
    Send(u64, Performance),
    Sent(u64, Performance, Verdict),
    Say(u64),
    StartChild(FlowId, Payload, Parent),
    CancelChild(FlowId, Parent),
    ChildEnded(Parent, ChildEnd),
    Truncate(FlowId, Seq),
}

impl Job {
    fn owner(&self) -> Option<u64> {
        match self {
            Self::Load(owner, _)
            | Self::Loaded(owner, _)
            | Self::ReadDue(owner, ..)
            | Self::DuePage(owner, _)
            | Self::Commit(owner, _)
            | Self::Committed(owner, _)
            | Self::Send(owner, _)
            | Self::Sent(owner, ..) => Some(*owner),
            Self::Say(_) | Self::StartChild(..) | Self::CancelChild(..) | Self::ChildEnded(..) | Self::Truncate(..) => {
                None
            }
        }
    }

    /// What must stay in its order.
    fn is_word(&self) -> bool {
        matches!(self, Self::StartChild(..) | Self::CancelChild(..) | Self::ChildEnded(..) | Self::Say(_))
    }
}

/// Where a process may be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kill {
    BeforeSend,
    AfterSend,
    BeforeAppend,
    BeforeSync,
    AfterSync,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct World {
    pub(super) dice: Dice,
    /// Oldest job first, instead of any.
    pub(super) fifo: bool,
    pub(super) now: Timestamp,
    pub(super) disk: Disk,
    pub(super) programs: Arc<Programs>,
    pub(super) limits: ShardLimits,
    pub(super) owners: BTreeMap<u64, Shard<u64>>,
    next_owner: u64,
    pub(super) jobs: VecDeque<Job>,
    pub(super) outside: Outside,
    pub(super) client: Client,
    pub(super) shards: Vec<u8>,
    /// At which points from the last start on to kill the process, one after the other.
    pub(super) kills: VecDeque<usize>,
    pub(super) points: usize,
    pub(super) crashes: u32,
    pub(super) fenced: u32,
    /// In a thousand commits so many fail, or are done and their answer is lost.
    pub(super) faulty: usize,
    /// Whether one owner at a time is all there is.
    pub(super) alone: bool,
    /// Whether the code of flows stays as it is.
    pub(super) same_code: bool,
    pub(super) commits: u64,
    /// Whether to let everything out without looking: for measurements.
    pub(super) unchecked: bool,
}

impl World {
    pub(super) fn new(programs: Programs, script: impl FnMut(&Performance) -> Verdict + 'static) -> Self {
        let outside = Outside {
            script: Box::new(script),
            sent: BTreeMap::new(),
            effects: BTreeMap::new(),
            verdicts: BTreeMap::new(),
        };
        Self {
            dice: Dice(0),
            fifo: true,
            now: at(1_000_000),
            disk: Disk::default(),
            programs: Arc::new(programs),
            limits: ShardLimits::default(),
            owners: BTreeMap::new(),
            next_owner: 0,
            jobs: VecDeque::new(),
            outside,
            client: Client::default(),
            shards: (0..SHARDS).collect(),
            kills: VecDeque::new(),
            points: 0,
            crashes: 0,
            fenced: 0,
            faulty: 0,
            alone: true,
            same_code: true,
            commits: 0,
            unchecked: false,
        }
    }

    /// One more owner of a shard.
    pub(super) fn claim(&mut self, shard: u8) -> u64 {
        let before = ready(self.disk.memory.get(&Claim::key(shard))).unwrap();
        let claim = Claim::new(shard, before);
        assert!(self.disk.commit(claim.transaction()).is_done());
        let owner = self.next_owner;
        self.next_owner += 1;
        self.owners.insert(owner, Shard::new(claim.epoch(), Arc::clone(&self.programs), self.limits));
        self.drain(owner);
        owner
    }

    pub(super) fn boot(&mut self) {
        for shard in self.shards.clone() {
            self.claim(shard);
        }
    }

    pub(super) fn say(&mut self, flow: &str, command: FlowCommand) -> u64 {
        let reply = self.client.next;
        self.client.next += 1;
        self.client.asked.insert(reply, (id(flow), command));
        self.jobs.push_back(Job::Say(reply));
        reply
    }

    pub(super) fn start(&mut self, flow: &str, input: &str) -> u64 {
        self.say(flow, FlowCommand::Start { input: payload(input) })
    }

    /// Says something and waits for its answer.
    pub(super) fn ask(&mut self, flow: &str, command: FlowCommand) -> FlowAnswer {
        let reply = self.say(flow, command);
        self.settle();
        self.client.answers.get(&reply).cloned().expect("an answer")
    }

    pub(super) fn outcome(&mut self, flow: &str, command: FlowCommand) -> FlowOutcome {
        match self.ask(flow, command) {
            FlowAnswer::Outcome(outcome) => outcome,
            other @ (FlowAnswer::View(_) | FlowAnswer::Ended(_)) => panic!("{other:?}"),
        }
    }

    pub(super) fn status(&self, flow: &str) -> FlowStatus {
        self.disk.journal(&id(flow)).status()
    }

    /// The newest owner of a shard, or any other one.
    fn owner_of(&mut self, shard: u8) -> Option<u64> {
        let owners: Vec<u64> = self.owners.iter().filter(|(_, own)| own.number() == shard).map(|(at, _)| *at).collect();
        let old = owners.len() > 1 && self.dice.percent(30);
        if old { owners.first().copied() } else { owners.last().copied() }
    }

    pub(super) fn with<T>(&mut self, owner: u64, act: impl FnOnce(&mut Shard<u64>, Timestamp) -> T) -> Option<T> {
        let now = self.now;
        let done = self.owners.get_mut(&owner).map(|shard| act(shard, now));
        self.drain(owner);
        done
    }

    /// Takes what a shard wants done, and checks that it may leave.
    pub(super) fn drain(&mut self, owner: u64) {
        let Some(shard) = self.owners.get_mut(&owner) else { return };
        for effect in shard.take_effects() {
            self.may_leave(&effect);
            let job = match effect {
                Effect::Load(flows) => Job::Load(owner, flows),
                Effect::ReadDue(after, limit) => Job::ReadDue(owner, after, limit),
                Effect::Commit(transaction) => Job::Commit(owner, transaction),
                Effect::Perform(asked) => Job::Send(owner, asked),
                Effect::Answer(reply, answer) => {
                    assert!(self.client.answers.insert(reply, answer).is_none(), "answered twice: {reply}");
                    assert!(!self.client.handed_back.contains(&reply), "answered and handed back: {reply}");
                    continue;
                }
                Effect::StartChild { flow, input, parent } => Job::StartChild(flow, input, parent),
                Effect::ChildEnded { parent, end } => Job::ChildEnded(parent, end),
                Effect::CancelChild { flow, parent } => Job::CancelChild(flow, parent),
                Effect::Truncate(flow, from) => Job::Truncate(flow, from),
            };
            self.jobs.push_back(job);
        }
    }

    /// Nothing leaves a shard that rests on what is not durable, and what has an outcome is not asked for again.
    fn may_leave(&self, effect: &Effect<u64>) {
        if self.unchecked {
            return;
        }
        match effect {
            Effect::Perform(asked) => {
                let wanted = |ask: &super::Ask| ask.ordinal == asked.ordinal && ask.tag == asked.tag;
                assert!(self.was_asked(&asked.flow, asked.run, wanted), "not durable yet: {asked:?}");
                if self.alone {
                    assert!(!self.is_logged(asked), "has an outcome: {asked:?}");
                }
            }
            Effect::StartChild { flow, parent, .. } => {
                let wanted = |ask: &super::Ask| matches!(&ask.what, What::Child { flow: child, .. } if child == flow);
                assert!(self.was_asked(&parent.flow, parent.run, wanted), "not durable yet: {effect:?}");
            }
            Effect::Answer(reply, FlowAnswer::Ended(status)) => {
                let flow = &self.client.asked[reply].0;
                assert_eq!(&self.disk.journal(flow).status(), status, "not durable yet: the end of {flow}");
            }
            Effect::Answer(reply, FlowAnswer::Outcome(FlowOutcome::Started | FlowOutcome::Already(_))) => {
                let flow = &self.client.asked[reply].0;
                assert_ne!(self.disk.journal(flow).run(), 0, "not durable yet: the start of {flow}");
            }
            Effect::Answer(..)
            | Effect::Load(_)
            | Effect::ReadDue(..)
            | Effect::Commit(_)
            | Effect::ChildEnded { .. }
            | Effect::CancelChild { .. }
            | Effect::Truncate(..) => {}
        }
    }

    /// Whether the durable journal of a flow, or a beginning of it, has led its code to an ask.
    fn was_asked(&self, flow: &FlowId, run: u32, wanted: impl Fn(&super::Ask) -> bool) -> bool {
        let events = self.disk.events(flow);
        let events = if events.is_empty() {
            let from = ready(self.disk.memory.head(&flow.stream())).unwrap().truncated_through.next();
            ready(self.disk.memory.read(&flow.stream(), from, usize::MAX)).unwrap()
        } else {
            events
        };
        (1..=events.len()).rev().any(|length| {
            let mut journal = Journal::new(flow.clone());
            events[..length].iter().for_each(|event| journal.apply(event).unwrap());
            let (live, _) = Live::rebuild(journal, &self.programs, self.now);
            live.journal.run() == run && live.asks().iter().any(&wanted)
        })
    }

    fn is_logged(&self, asked: &Performance) -> bool {
        let mut journal = Journal::new(asked.flow.clone());
        self.disk.events(&asked.flow).iter().any(|event| {
            journal.apply(event).unwrap();
            let resolved = wire::decode(event).unwrap();
            journal.run() == asked.run && matches!(resolved, FlowEvent::Resolved { ask, .. } if ask.tag == asked.tag)
        })
    }

    /// Somewhere the process may be killed. Says whether it was.
    fn point(&mut self, _kill: Kill) -> bool {
        self.points += 1;
        if self.kills.front() != Some(&self.points) {
            return false;
        }
        self.kills.pop_front();
        self.points = 0;
        true
    }

    /// The whole process is gone, and another one takes over.
    pub(super) fn crash(&mut self) {
        self.crashes += 1;
        self.jobs.clear();
        self.owners.clear();
        let open = self.client.open();
        self.client.lost.extend(&open);
        self.check_places();
        self.boot();
        for reply in open {
            self.repeat(reply);
        }
    }

    fn repeat(&mut self, reply: u64) {
        let (flow, command) = self.client.asked[&reply].clone();
        let again = self.client.next;
        self.client.next += 1;
        self.client.asked.insert(again, (flow, command));
        self.jobs.push_back(Job::Say(again));
    }

    /// One owner is gone. What it has handed out may still be under way.
    pub(super) fn drop_owner(&mut self, owner: u64) -> u8 {
        let shard = self.owners.remove(&owner).unwrap();
        let number = shard.number();
        for reply in shard.into_waiting() {
            assert!(self.client.handed_back.insert(reply), "handed back twice: {reply}");
            assert!(!self.client.answers.contains_key(&reply), "answered and handed back: {reply}");
            self.repeat(reply);
        }
        let sent: Vec<Job> = self.jobs.drain(..).collect();
        self.jobs = sent
            .into_iter()
            .filter(|job| job.owner() != Some(owner) || matches!(job, Job::Send(..)) && self.dice.percent(50))
            .collect();
        number
    }

    pub(super) fn replace(&mut self, owner: u64) {
        let number = self.drop_owner(owner);
        if !self.owners.values().any(|shard| shard.number() == number) {
            self.claim(number);
        }
        self.ask_again(number);
    }

    /// All are told that an owner of a shard is gone, with whatever was said to it: also another owner of that shard.
    fn ask_again(&mut self, number: u8) {
        let others: Vec<u64> = self.owners.keys().copied().collect();
        for other in others {
            self.with(other, |shard, now| shard.neighbour_restarted(now, number));
        }
    }

    fn next_job(&mut self) -> Option<Job> {
        if self.fifo || self.jobs.is_empty() {
            return self.jobs.pop_front();
        }
        let place = self.dice.below(self.jobs.len());
        let word = self.jobs[place].is_word();
        let place = if word { self.jobs.iter().position(Job::is_word).unwrap() } else { place };
        self.jobs.remove(place)
    }

    /// Does one job. Says whether there was one.
    pub(super) fn step(&mut self) -> bool {
        let Some(job) = self.next_job() else { return false };
        match job {
            Job::Load(owner, flows) => {
                let journals = flows.iter().map(|flow| self.disk.journal(flow)).collect();
                self.jobs.push_back(Job::Loaded(owner, journals));
            }
            Job::Loaded(owner, journals) => drop(self.with(owner, |shard, now| shard.loaded(now, journals))),
            Job::ReadDue(owner, after, limit) => {
                let Some(number) = self.owners.get(&owner).map(Shard::number) else { return true };
                let page = ready(read_due_page(&self.disk.memory, number, after.as_ref(), limit)).unwrap();
                self.jobs.push_back(Job::DuePage(owner, page));
            }
            Job::DuePage(owner, page) => drop(self.with(owner, |shard, now| shard.due_read(now, page))),
            Job::Commit(owner, transaction) => self.commit(owner, transaction),
            Job::Committed(owner, result) => self.committed(owner, result),
            Job::Send(owner, asked) => self.send(owner, asked),
            Job::Sent(owner, asked, verdict) => self.sent(owner, &asked, verdict),
            Job::Say(reply) => {
                let (flow, command) = self.client.asked[&reply].clone();
                match self.owner_of(flow.shard()) {
                    Some(owner) => drop(self.with(owner, |shard, now| shard.command(now, flow, command, reply))),
                    None => panic!("nobody owns {flow}"),
                }
            }
            Job::StartChild(flow, input, parent) => {
                let owner = self.owner_of(flow.shard()).unwrap();
                self.with(owner, |shard, now| shard.start_child(now, flow, input, parent));
            }
            Job::CancelChild(flow, parent) => {
                let owner = self.owner_of(flow.shard()).unwrap();
                self.with(owner, |shard, now| shard.cancel_child(now, flow, parent));
            }
            Job::ChildEnded(parent, end) => {
                let owner = self.owner_of(parent.flow.shard()).unwrap();
                self.with(owner, |shard, now| shard.child_ended(now, parent, end));
            }
            Job::Truncate(flow, from) => {
                self.disk.truncate(flow.stream(), Seq::new(from.get() - 1));
            }
        }
        true
    }

    fn commit(&mut self, owner: u64, transaction: Transaction) {
        if self.point(Kill::BeforeAppend) {
            return self.crash();
        }
        let faulty = self.faulty > 0 && self.dice.below(1_000) < self.faulty;
        let done_all_the_same = self.dice.percent(50);
        if faulty && !done_all_the_same {
            let fault = Fault::Unknown { reason: "the disk is gone".into() };
            return self.jobs.push_back(Job::Committed(owner, Err(fault)));
        }
        let outcome = self.disk.commit(transaction);
        self.commits += 1;
        assert!(!matches!(outcome, CommitOutcome::Refused(_)), "{outcome:?}");
        if faulty {
            let fault = Fault::Unknown { reason: "the answer is lost".into() };
            return self.jobs.push_back(Job::Committed(owner, Err(fault)));
        }
        if self.point(Kill::BeforeSync) {
            self.disk.lose_last();
            return self.crash();
        }
        if self.point(Kill::AfterSync) {
            return self.crash();
        }
        self.jobs.push_back(Job::Committed(owner, Ok(outcome)));
    }

    fn committed(&mut self, owner: u64, result: Result<CommitOutcome, Fault>) {
        let lost = self.owners.get_mut(&owner).and_then(|shard| shard.committed(self.now, result).err());
        match lost {
            None => self.drain(owner),
            Some(ShardLost::Fenced(_)) => {
                assert!(!self.alone, "fenced off, and nobody else is there");
                self.fenced += 1;
                self.replace(owner);
            }
            Some(ShardLost::Failed { fault, .. }) => {
                assert!(
                    fault.to_string().contains("the disk is gone") || fault.to_string().contains("is lost"),
                    "{fault}"
                );
                self.replace(owner);
            }
        }
    }

    fn send(&mut self, owner: u64, asked: Performance) {
        if self.point(Kill::BeforeSend) {
            return self.crash();
        }
        let verdict = self.outside.perform(&asked);
        if self.point(Kill::AfterSend) {
            return self.crash();
        }
        self.jobs.push_back(Job::Sent(owner, asked, verdict));
    }

    fn sent(&mut self, owner: u64, asked: &Performance, verdict: Verdict) {
        let performed = match verdict {
            Verdict::Hang => return,
            Verdict::Missing => {
                let to = asked.to.as_ref().to_owned();
                self.with(owner, |shard, now| {
                    let why = |tag| Stuck::NoPerformer { tag, to };
                    shard.unperformed(now, &asked.flow, asked.run, asked.ordinal, why);
                });
                return;
            }
            Verdict::Outcome(json) => Performed::new(payload(&json)),
            Verdict::Writes(performed) => performed,
        };
        self.with(owner, |shard, now| shard.performed(now, &asked.flow, asked.run, asked.ordinal, performed));
    }

    /// Does everything that can be done without time passing.
    pub(super) fn settle(&mut self) {
        for _ in 0..4_000_000 {
            if self.step() {
                continue;
            }
            let now = self.now;
            let due = |(at, own): (&u64, &Shard<u64>)| own.next_tick().filter(|next| *next <= now).map(|_| *at);
            let due: Vec<u64> = self.owners.iter().filter_map(due).collect();
            if due.is_empty() {
                return;
            }
            for owner in due {
                self.with(owner, Shard::tick);
            }
        }
        panic!("no rest to be had");
    }

    pub(super) fn next_tick(&self) -> Option<Timestamp> {
        self.owners.values().filter_map(Shard::next_tick).min()
    }

    /// Runs on until nothing happens any more, whatever the time, or until an instant.
    pub(super) fn run_until(&mut self, end: Timestamp) {
        self.settle();
        while let Some(next) = self.next_tick().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.settle();
        }
        self.now = self.now.max(end);
        self.settle();
    }

    pub(super) fn run(&mut self) {
        self.settle();
        while let Some(next) = self.next_tick() {
            self.now = self.now.max(next);
            self.settle();
        }
        self.check();
    }

    /// The store is as it should be, and so is every shard.
    pub(super) fn check(&self) {
        self.check_places();
        self.check_owners();
        if self.jobs.is_empty() {
            let waits = |reply: &u64| matches!(self.client.asked[reply].1, FlowCommand::Await);
            let open: Vec<u64> = self.client.open().into_iter().filter(|reply| !waits(reply)).collect();
            assert!(open.is_empty(), "never answered: {open:?}");
        }
    }

    fn check_places(&self) {
        if self.same_code {
            let findings = ready(check_places(&self.disk.memory, &self.programs)).unwrap();
            assert_eq!(findings, []);
        }
    }

    /// Every open ask is owned by exactly one: the due flows, what is under way, the mailbox, or a child.
    pub(super) fn check_owners(&self) {
        for shard in self.owners.values() {
            for (flow, slot) in &shard.flows {
                let journal = &slot.live.journal;
                if journal.is_paused() || journal.stuck().is_some() || journal.is_over() {
                    continue;
                }
                let asks = slot.live.asks();
                for ask in &asks {
                    let under_way = slot.in_flight.contains_key(&ask.ordinal);
                    match ask.what {
                        What::Request { .. } | What::Child { .. } => assert!(under_way, "{flow}: nobody has {ask:?}"),
                        What::Signal { .. } | What::Timer { .. } => assert!(!under_way, "{flow}: {ask:?} is under way"),
                    }
                }
                let extra = slot.in_flight.keys().filter(|at| !asks.iter().any(|ask| ask.ordinal == **at));
                assert_eq!(extra.count(), 0, "{flow}: under way and not asked for");
                if let Some(next) = next_timer(&asks) {
                    assert!(shard.knows_timer(flow, next.max(Timestamp::EPOCH), at_rest(&asks)), "{flow}: {next}");
                }
            }
        }
    }
}

/// An event of some other stream.
pub(super) fn note(stream: &str) -> Append {
    let event = NewEvent { event_type: EventType::new("note").unwrap(), at: at(0), data: payload("1") };
    Append { stream: StreamName::stored(stream), events: vec![event] }
}

pub(super) fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

pub(super) fn append(stream: &str, count: usize) -> Transaction {
    let note = note(stream);
    let events = note.events.into_iter().cycle().take(count).collect();
    Transaction::append(&note.stream, Expect::Any, events)
}
