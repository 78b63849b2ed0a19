//! Words of one thread go out one at a time, and never an older one after a newer.

use std::collections::{BTreeMap, VecDeque};

use boxoffice_core::notify::{Notice, put_thread};
use boxoffice_core::persist::{Key, KvWrite};
use boxoffice_core::time::Timestamp;

use super::actor::Job;
use super::prepare::thread_of;

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
    pub(super) fn enter(&mut self, channel: &str, job: Job) -> Option<Job> {
        let Some(key) = thread_of(channel, &job.notice) else { return Some(job) };
        if let Some(waiting) = self.busy.get_mut(&key) {
            waiting.push(job);
            return None;
        }
        self.busy.insert(key, Vec::new());
        Some(job)
    }

    /// A word has come to something for now: gives those that waited for it.
    pub(super) fn leave(&mut self, channel: &str, notice: &Notice) -> Vec<Job> {
        thread_of(channel, notice).and_then(|key| self.busy.remove(&key)).unwrap_or_default()
    }

    /// Of when the last word of the notice's thread is that was sent lately.
    pub(super) fn said(&self, channel: &str, notice: &Notice) -> Option<Timestamp> {
        self.said.get(&thread_of(channel, notice)?).copied()
    }

    /// A word was sent: gives what is to be recorded of it.
    pub(super) fn sent(&mut self, channel: &str, notice: &Notice) -> Option<KvWrite> {
        let thread = notice.thread.as_ref().filter(|thread| !thread.passing)?;
        let key = thread_of(channel, notice)?;
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
