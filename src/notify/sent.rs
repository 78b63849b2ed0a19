//! What was sent, in the store: under one key for each channel and notice.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::recipients::{hex, key, payload};
use crate::id::{AttendeeId, NoticeId};
use crate::persist::{Key, KvWrite};
use crate::time::Timestamp;

/// What is known of a notice on its way through a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SentState {
    /// An attempt was begun, and nothing is known of its end. Only where the transport does not know a letter again.
    Attempting,
    /// It was taken. For ever.
    Sent,
    /// It was refused for good.
    Failed,
}

/// What the store knows of a notice that was sent, or may have been. Recorded as JSON:
/// `{"state":"sent","at":1767636000000,"notice":"reminder-1"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentMark {
    /// How it stands.
    pub state: SentState,
    /// Since when.
    pub at: Timestamp,
    /// Which notice.
    pub notice: NoticeId,
    /// It was taken for sent without an answer.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub uncertain: bool,
}

impl SentMark {
    /// A mark without doubts.
    pub fn new(state: SentState, notice: &NoticeId, at: Timestamp) -> Self {
        Self { state, at, notice: notice.clone(), uncertain: false }
    }

    /// Keeps it for a channel.
    pub fn put(&self, channel: &str) -> KvWrite {
        KvWrite::Put(sent_key(channel, &self.notice), payload(self))
    }
}

/// The key that holds a [`SentMark`]: `sent/` and the SHA-256 of the channel, a zero byte and the notice's id, as hexadecimal
/// digits.
pub fn sent_key(channel: &str, notice: &NoticeId) -> Key {
    let hash = Sha256::new().chain_update(channel).chain_update([0]).chain_update(notice.as_str()).finalize();
    key(&hex("sent/", &hash))
}

/// The key that holds of when the last word of a thread is that was sent, in milliseconds: `thread/` and the SHA-256 of the channel,
/// the recipient and what the thread is about, with zero bytes between them, as hexadecimal digits.
pub fn thread_key(channel: &str, to: &AttendeeId, about: &str) -> Key {
    let hash = Sha256::new().chain_update(channel).chain_update([0]).chain_update(to.as_str());
    key(&hex("thread/", &hash.chain_update([0]).chain_update(about).finalize()))
}

/// Notes the last word of a thread.
pub fn put_thread(key: Key, at: Timestamp) -> KvWrite {
    KvWrite::Put(key, payload(&at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::Payload;

    #[test]
    fn a_notice_has_another_key_on_each_channel_and_the_same_for_ever() {
        let key = |channel, id: &str| sent_key(channel, &NoticeId::new(id).unwrap());
        assert_ne!(key("email", "a"), key("push", "a"));
        assert_ne!(key("email", "a"), key("email", "b"));
        assert_eq!(key("email", "a").as_str().len(), 5 + 64);
        assert_eq!(key("email", "a"), key("email", "a"));
    }

    #[test]
    fn a_mark_is_recorded_as_it_says() {
        let mark = SentMark::new(SentState::Sent, &NoticeId::new("reminder-1").unwrap(), Timestamp::from_millis(7));
        let json = r#"{"state":"sent","at":7,"notice":"reminder-1"}"#;
        assert_eq!(Payload::new(&mark).unwrap().json(), json);
        assert_eq!(Payload::from_json(json).unwrap().read::<SentMark>().unwrap(), mark);
    }
}
