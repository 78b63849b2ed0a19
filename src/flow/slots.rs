//! What a flow and its engine share while the code runs: asks, signals, the time of the turn.

use core::task::Waker;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::ask::{Ask, Fingerprint, TAG_LENGTH_MAX, Tag, What};
use super::id::FlowId;
use super::journal::{Mailbox, Unread};
use super::stuck::Stuck;
use crate::persist::{Payload, Seq};
use crate::time::Timestamp;

/// Names of the signals that a run may read: all of them are recorded when it continues as new.
const SIGNAL_NAMES_MAX: usize = 32;

/// What became of an ask.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Given(Payload),
    Cancelled,
}

#[derive(Debug)]
enum State {
    Open {
        what: What,
        /// Set once the code waits for it.
        waker: Option<Waker>,
    },
    Answered(Answer),
    /// Taken, or no longer wanted.
    Gone,
}

#[derive(Debug)]
struct Slot {
    tag: Tag,
    /// Worked out once: a journal names it more than once.
    fingerprint: Fingerprint,
    /// Not answered by a cancellation.
    shielded: bool,
    state: State,
}

/// The asks of one run, and what else its code can see.
#[derive(Debug)]
pub(super) struct Slots {
    pub(super) id: FlowId,
    pub(super) run: u32,
    asked: Vec<Slot>,
    tags: BTreeMap<Tag, u32>,
    open: BTreeSet<u32>,
    mailbox: Mailbox,
    /// Of those that were answered. Not to be woken while this is borrowed: who knows what a combinator does then.
    pub(super) wakers: Vec<Waker>,
    /// Up to which event signals were read, by name.
    pub(super) read: BTreeMap<Arc<str>, Seq>,
    pub(super) now: Timestamp,
    pub(super) turns: u64,
    pub(super) turns_advised: u64,
    pub(super) cancelled: bool,
    /// Children that were waited for when the flow was cancelled.
    pub(super) unwanted: Vec<Ask>,
    pub(super) stuck: Option<Stuck>,
    pub(super) patches: Patches,
    random: u64,
    pub(super) shown: Option<Payload>,
}

/// What is known of patches.
#[derive(Debug, Default)]
pub(super) struct Patches {
    /// Which way the code has taken.
    taken: BTreeMap<Arc<str>, bool>,
    /// What the journal has for this turn and the code has not asked for.
    pub(super) recorded: BTreeSet<Arc<str>>,
    /// Whether this code takes the turn for the first time.
    pub(super) first_time: bool,
    /// To be recorded with this turn.
    pub(super) new: Vec<Arc<str>>,
}

impl Patches {
    pub(super) fn ask(&mut self, patch: &str) -> bool {
        let recorded = self.recorded.remove(patch);
        if let Some(taken) = self.taken.get(patch) {
            return *taken;
        }
        let patch: Arc<str> = patch.into();
        let new_way = recorded || self.first_time;
        if new_way && !recorded {
            self.new.push(Arc::clone(&patch));
        }
        self.taken.insert(patch, new_way);
        new_way
    }

    /// The new way is the only one that is left.
    pub(super) fn deprecate(&mut self, patch: &str) {
        self.recorded.remove(patch);
        self.taken.insert(patch.into(), true);
    }
}

impl Slots {
    pub(super) fn new(id: FlowId, run: u32, mailbox: Mailbox, turns_advised: u64) -> Self {
        let seed = Sha256::digest(format!("{id}#{run}"));
        let random = seed.iter().take(8).fold(0, |all, byte| (all << 8) | u64::from(*byte));
        Self {
            id,
            run,
            asked: Vec::new(),
            tags: BTreeMap::new(),
            open: BTreeSet::new(),
            mailbox,
            wakers: Vec::new(),
            read: BTreeMap::new(),
            now: Timestamp::EPOCH,
            turns: 0,
            turns_advised,
            cancelled: false,
            unwanted: Vec::new(),
            stuck: None,
            patches: Patches::default(),
            random,
            shown: None,
        }
    }

    /// The first thing that goes wrong is what the flow is stuck on.
    pub(super) fn get_stuck(&mut self, why: Stuck) {
        self.stuck.get_or_insert(why);
    }

    /// `SplitMix64` (Steele, Lea, Flood 2014).
    pub(super) fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Makes an ask. Its place is claimed here and now, not when it is first waited for.
    pub(super) fn ask(&mut self, tag: Tag, what: What, shielded: bool) -> u32 {
        let ordinal = u32::try_from(self.asked.len()).unwrap_or(u32::MAX);
        if tag.is_empty() || tag.len() > TAG_LENGTH_MAX || tag.chars().any(char::is_control) {
            let reason =
                format!("a tag has 1 to {TAG_LENGTH_MAX} bytes and no control characters; this one {}", tag.len());
            self.get_stuck(Stuck::unrecordable(tag.chars().take(40).collect::<String>(), reason));
        }
        if self.tags.insert(Arc::clone(&tag), ordinal).is_some() {
            self.get_stuck(Stuck::DuplicateTag { tag: Arc::clone(&tag) });
        }
        self.open.insert(ordinal);
        let fingerprint = what.fingerprint();
        let state = State::Open { what, waker: None };
        self.asked.push(Slot { tag, fingerprint, shielded, state });
        ordinal
    }

    fn slot(&mut self, ordinal: u32) -> Option<&mut Slot> {
        self.asked.get_mut(usize::try_from(ordinal).ok()?)
    }

    /// The tag of an ask.
    pub(super) fn tag(&self, ordinal: u32) -> Tag {
        let slot = usize::try_from(ordinal).ok().and_then(|at| self.asked.get(at));
        slot.map_or_else(|| "".into(), |slot| Arc::clone(&slot.tag))
    }

    /// The answer to an ask, if there is one; else `waker` is told of it. A waker that is no longer needed is left in
    /// `waker`: code of the flow may hang on it, so it is to be dropped while nothing is borrowed.
    ///
    /// A signal is read here and not when it comes: so nobody holds one that he never looks at, and those of a name are
    /// read in the order in which they came.
    pub(super) fn take(&mut self, ordinal: u32, waker: &mut Option<Waker>) -> Option<Answer> {
        let slot = self.asked.get_mut(usize::try_from(ordinal).ok()?)?;
        match core::mem::replace(&mut slot.state, State::Gone) {
            State::Answered(answer) => Some(answer),
            State::Gone => None,
            State::Open { what, waker: before } => {
                if let What::Signal { name } = &what
                    && let Some(signal) = self.mailbox.get_mut(name).and_then(VecDeque::pop_front)
                {
                    self.open.remove(&ordinal);
                    self.read.insert(Arc::clone(name), signal.seq);
                    if self.read.len() > SIGNAL_NAMES_MAX {
                        self.get_stuck(Stuck::SignalNames { limit: SIGNAL_NAMES_MAX });
                    }
                    *waker = before;
                    return Some(Answer::Given(signal.body));
                }
                slot.state = State::Open { what, waker: core::mem::replace(waker, before) };
                None
            }
        }
    }

    /// The code no longer wants the answer to an ask. The waker that comes back is to be dropped while nothing is
    /// borrowed.
    pub(super) fn give_up(&mut self, ordinal: u32) -> Option<Waker> {
        self.open.remove(&ordinal);
        match core::mem::replace(&mut self.slot(ordinal)?.state, State::Gone) {
            State::Open { waker, .. } => waker,
            State::Answered(_) | State::Gone => None,
        }
    }

    pub(super) fn answer(&mut self, ordinal: u32, answer: Answer) {
        self.open.remove(&ordinal);
        let Some(slot) = self.slot(ordinal) else { return };
        if let State::Open { waker, .. } = core::mem::replace(&mut slot.state, State::Answered(answer)) {
            self.wakers.extend(waker);
        }
    }

    /// Everything that is open and not shielded is answered so, in the order of the asks.
    pub(super) fn cancel(&mut self) {
        self.cancelled = true;
        for ordinal in self.open.clone() {
            if self.slot(ordinal).is_some_and(|slot| !slot.shielded) {
                let child = self.open(ordinal).filter(Ask::is_child);
                self.unwanted.extend(child);
                self.answer(ordinal, Answer::Cancelled);
            }
        }
    }

    /// Keeps a signal, and wakes all who wait for one of its name: the first that looks reads it.
    pub(super) fn signal(&mut self, name: &Arc<str>, signal: Unread) {
        self.mailbox.entry(Arc::clone(name)).or_default().push_back(signal);
        for ordinal in &self.open {
            let slot = usize::try_from(*ordinal).ok().and_then(|at| self.asked.get_mut(at));
            if let Some(State::Open { what: What::Signal { name: wanted }, waker }) = slot.map(|slot| &mut slot.state)
                && wanted == name
            {
                self.wakers.extend(waker.take());
            }
        }
    }

    /// An open ask.
    pub(super) fn open(&self, ordinal: u32) -> Option<Ask> {
        let slot = self.asked.get(usize::try_from(ordinal).ok()?)?;
        let State::Open { what, .. } = &slot.state else { return None };
        Some(Ask { ordinal, tag: Arc::clone(&slot.tag), what: what.clone(), fingerprint: slot.fingerprint })
    }

    /// All open asks, in the order in which they were made.
    pub(super) fn asks(&self) -> impl Iterator<Item = Ask> + '_ {
        self.open.iter().filter_map(|ordinal| self.open(*ordinal))
    }

    /// The place of an open ask with this tag.
    pub(super) fn by_tag(&self, tag: &str) -> Option<u32> {
        self.tags.get(tag).copied().filter(|ordinal| self.open.contains(ordinal))
    }

    /// Whether the code waits for an open ask.
    pub(super) fn is_awaited(&self) -> bool {
        let waited = |ordinal: &u32| {
            let slot = usize::try_from(*ordinal).ok().and_then(|at| self.asked.get(at));
            matches!(slot.map(|slot| &slot.state), Some(State::Open { waker: Some(_), .. }))
        };
        // The latest first: that is mostly the one.
        self.open.iter().rev().any(waited)
    }
}
