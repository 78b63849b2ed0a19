//! Words of one thread go out one at a time, and never an older one after a newer.

use std::collections::{BTreeMap, VecDeque};

use boxoffice_core::notify::put_thread;
use boxoffice_core::persist::{Key, KvWrite};
use boxoffice_core::time::Timestamp;

use super::actor::Job;

/// Threads whose last word is remembered. Needed only until the flow's shard has recorded it.
const LATELY_MAX: usize = 8_192;

/// The threads of a channel.
#[derive(Debug, Default)]
pub(super) struct Threads {
    /// Those of which a word is made ready or under way, and the words that wait for it.
    busy: BTreeMap<Key, Vec<Job>>,
    said: BTreeMap<Key, Timestamp>,
    order: VecDeque<Key>,
}

impl Threads {
    /// Gives the word back if it may go on; keeps it otherwise.
    pub(super) fn enter(&mut self, job: Job) -> Option<Job> {
        let Some(key) = &job.thread else { return Some(job) };
        if let Some(waiting) = self.busy.get_mut(key) {
            waiting.push(job);
            return None;
        }
        self.busy.insert(key.clone(), Vec::new());
        Some(job)
    }

    /// A word has come to something for now: gives those that waited for it.
    pub(super) fn leave(&mut self, job: &Job) -> Vec<Job> {
        job.thread.as_ref().and_then(|key| self.busy.remove(key)).unwrap_or_default()
    }

    /// Of when the last word of the thread is that was sent lately.
    pub(super) fn said(&self, job: &Job) -> Option<Timestamp> {
        self.said.get(job.thread.as_ref()?).copied()
    }

    /// A word was sent: gives what is to be recorded of it.
    pub(super) fn sent(&mut self, job: &Job) -> Option<KvWrite> {
        let thread = job.notice.thread.as_ref().filter(|thread| !thread.passing)?;
        let key = job.thread.clone()?;
        if self.said.insert(key.clone(), thread.at).is_none() {
            self.order.push_back(key.clone());
        }
        if self.order.len() > LATELY_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.said.remove(&oldest);
        }
        Some(put_thread(key, thread.at))
    }
}
