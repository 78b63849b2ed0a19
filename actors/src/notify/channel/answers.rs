//! Who waits for an answer, and what was answered lately.

use std::collections::{BTreeMap, VecDeque};

use boxoffice_core::flow::shard::Performed;
use boxoffice_core::id::NoticeId;
use boxoffice_core::persist::Payload;

use crate::notify::ledger::sent_before;
use crate::reply::ReplyTo;

/// Answers that are kept. Needed only until the flow's shard has recorded them, or has asked again.
const LATELY_MAX: usize = 8_192;

/// A request for a notice.
#[derive(Debug)]
pub(super) struct Asker {
    /// The same whenever the same request is made again.
    pub(super) key: String,
    pub(super) reply: ReplyTo<Performed>,
}

/// Requests for the notices in the queue and under way, each notice once.
#[derive(Debug, Default)]
pub(super) struct Askers(BTreeMap<NoticeId, Vec<Asker>>);

/// What is left when a notice was answered.
#[derive(Debug)]
pub(super) struct Answered {
    /// The request that the answer is for.
    pub(super) first: Option<String>,
    /// Other requests for the same notice, to be looked at anew.
    pub(super) left: Vec<Asker>,
}

impl Askers {
    /// Adds a request. Says whether it is the first for its notice.
    pub(super) fn join(&mut self, notice: &NoticeId, asker: Asker) -> bool {
        let askers = self.0.entry(notice.clone()).or_default();
        askers.push(asker);
        askers.len() == 1
    }

    /// Whether nobody waits for a notice any more: the flows have ended.
    pub(super) fn are_gone(&self, notice: &NoticeId) -> bool {
        self.0.get(notice).is_none_or(|askers| askers.iter().all(|asker| asker.reply.is_abandoned()))
    }

    /// Answers the first request and those that repeat it; all others only if the notice was taken.
    pub(super) fn answer(&mut self, notice: &NoticeId, performed: &Performed, taken: bool) -> Answered {
        let askers = self.0.remove(notice).unwrap_or_default();
        let first = askers.first().map(|asker| asker.key.clone());
        let mut left = Vec::new();
        for asker in askers {
            if Some(&asker.key) == first.as_ref() {
                asker.reply.send(Ok(performed.clone()));
            } else if taken {
                say_sent(asker);
            } else {
                left.push(asker);
            }
        }
        Answered { first, left }
    }
}

fn say_sent(asker: Asker) {
    match Payload::new(&sent_before(false)) {
        Ok(outcome) => asker.reply.send(Ok(Performed::new(outcome))),
        Err(error) => tracing::error!(%error, "an attempt cannot be recorded"),
    }
}

#[derive(Debug)]
struct Kept {
    key: String,
    performed: Performed,
    taken: bool,
}

/// The last answers. A shard that was lost before it had recorded one asks again, and is told the same.
#[derive(Debug, Default)]
pub(super) struct Lately {
    kept: BTreeMap<NoticeId, Kept>,
    order: VecDeque<NoticeId>,
}

impl Lately {
    pub(super) fn put(&mut self, notice: NoticeId, key: String, performed: Performed, taken: bool) {
        if self.kept.insert(notice.clone(), Kept { key, performed, taken }).is_none() {
            self.order.push_back(notice);
        }
        if self.order.len() > LATELY_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
        }
    }

    /// Answers a request that was answered before; gives back one that was not.
    pub(super) fn answer(&self, notice: &NoticeId, asker: Asker) -> Option<Asker> {
        match self.kept.get(notice) {
            Some(kept) if kept.key == asker.key => asker.reply.send(Ok(kept.performed.clone())),
            Some(kept) if kept.taken => say_sent(asker),
            Some(_) | None => return Some(asker),
        }
        None
    }
}
