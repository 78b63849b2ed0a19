//! A notice, an attempt to deliver it, and what came of it in the end.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::kind::NoticeKind;
use super::names::name_of;
use super::preferences::Why;
use crate::id::{AttendeeId, NoticeId, OccurrenceId};
use crate::persist::Payload;
use crate::time::Timestamp;

/// Something that one person is to be told by one channel. What it says is written when it is sent, from the facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Its name: the same for every attempt, and for every later try to deliver it.
    pub id: NoticeId,
    /// What it is about.
    pub kind: NoticeKind,
    /// Who is told.
    pub to: AttendeeId,
    /// By which channel, such as `email`.
    pub channel: String,
    /// Whether it is sent whatever the recipient prefers and at whatever hour. What is suppressed is not sent even so.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub critical: bool,
    /// What its templates are given. At most about 2,500 bytes of JSON, since it is recorded.
    pub facts: Payload,
    /// Until when it is worth sending, not included: a hold that has lapsed needs no warning. None: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What it is one of several words about. None: it stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Thread>,
}

/// Words to one person about one thing, of which the last must be the one that is so: somebody whose seat is cancelled while the
/// confirmation of it waits for its next attempt is not told afterwards that it is booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thread {
    /// What they are about, such as an occurrence. At most 100 bytes: see [`Thread::of`].
    pub about: String,
    /// When it was so. A notice is not sent once one was that says how things stood later.
    pub at: Timestamp,
    /// Whether it says how things stand. A reminder does not: it takes the place of no other word.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub passing: bool,
}

impl Thread {
    /// Bytes of `about`.
    const ABOUT_MAX: usize = 100;

    /// A word about an occurrence that says how things stood at an instant.
    pub fn of(occurrence: &OccurrenceId, at: Timestamp) -> Self {
        let text = occurrence.to_string();
        let about = if text.len() <= Self::ABOUT_MAX { text } else { name_of(&["", &text], 0) };
        Self { about, at, passing: false }
    }

    /// The same, of a word that says nothing of how things stand.
    #[must_use]
    pub fn passing(self) -> Self {
        Self { passing: true, ..self }
    }
}

impl Notice {
    /// Why it is not to be sent any more, when the last word of its thread that was sent is of `said`.
    pub fn over(&self, said: Option<Timestamp>, now: Timestamp) -> Option<Why> {
        if self.until.is_some_and(|until| now >= until) {
            return Some(Why::TooLate);
        }
        let later = self.thread.as_ref().zip(said).is_some_and(|(thread, said)| said > thread.at);
        later.then_some(Why::Outdated)
    }
}

/// What came of one attempt to deliver a notice, as a flow records it.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "attempt", rename_all = "snake_case")]
pub enum Attempt {
    /// It was taken, now or before.
    Ok {
        /// What the receiver said.
        info: String,
        /// It may have been taken twice or not at all: the answer was lost, and the policy says to take it for sent.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        uncertain: bool,
    },
    /// Not taken; another attempt may succeed.
    Retry {
        /// Why.
        reason: String,
        /// Not before so long from then.
        after: Option<Duration>,
    },
    /// Not taken, and never will be.
    Permanent {
        /// Why.
        reason: String,
    },
    /// It may have been taken or not, and nobody is to try again by himself.
    Uncertain {
        /// What is known.
        reason: String,
    },
    /// It is quiet for the recipient until then. No attempt was made.
    Later {
        /// When it is over.
        at: Timestamp,
    },
    /// The recipient does not want it. No attempt was made.
    Never {
        /// Why.
        why: Why,
    },
}

/// What came of a notice in the end.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "delivery", rename_all = "snake_case")]
pub enum Delivery {
    /// It was delivered, with attempt `n`, from 1.
    Delivered {
        /// Which notice.
        id: NoticeId,
        /// At which attempt.
        n: u32,
        /// Whether it was taken for delivered without an answer.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        uncertain: bool,
    },
    /// It was given up; see the dead letters.
    Failed {
        /// Which notice.
        id: NoticeId,
        /// The last reason.
        reason: String,
    },
    /// The recipient did not want it.
    Skipped {
        /// Which notice.
        id: NoticeId,
        /// Why.
        why: Why,
    },
}
