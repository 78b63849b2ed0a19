//! What a flow asks for, and waits for.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::id::FlowId;
use crate::id::IdError;
use crate::persist::Payload;
use crate::time::Timestamp;

/// The name of one ask within a run of a flow. 1 to 400 bytes and no control characters; no two asks of a run have the
/// same.
pub type Tag = Arc<str>;

/// Longest tag allowed, in bytes.
pub const TAG_LENGTH_MAX: usize = 400;

/// Something that a flow waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Its place among the asks of the run, from 0, in the order in which the flow's code made them.
    pub ordinal: u32,
    /// Its name.
    pub tag: Tag,
    /// What it is.
    pub what: What,
    /// The same in eight bytes.
    pub fingerprint: Fingerprint,
}

/// The kinds of asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Work for a performer outside of the flow.
    Request {
        /// The performer's name.
        to: Arc<str>,
        /// What it is to do.
        body: Payload,
    },
    /// An instant.
    Timer {
        /// When it is over.
        at: Timestamp,
    },
    /// A signal from outside.
    Signal {
        /// Its name.
        name: Arc<str>,
    },
    /// Another flow, and how it ends.
    Child {
        /// The flow.
        flow: FlowId,
        /// What it is started with.
        input: Payload,
    },
}

impl What {
    /// The name of the variant, as it is recorded.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Request { .. } => "request",
            Self::Timer { .. } => "timer",
            Self::Signal { .. } => "signal",
            Self::Child { .. } => "child",
        }
    }

    /// What it comes to in eight bytes: everything in it counts.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        feed(&mut hash, self.name().as_bytes());
        match self {
            Self::Request { to, body } => {
                feed(&mut hash, to.as_bytes());
                feed_json(&mut hash, body.json());
            }
            Self::Timer { at } => feed(&mut hash, &at.as_millis().to_le_bytes()),
            Self::Signal { name } => feed(&mut hash, name.as_bytes()),
            Self::Child { flow, input } => {
                feed(&mut hash, flow.as_str().as_bytes());
                feed_json(&mut hash, input.json());
            }
        }
        let digest = hash.finalize();
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(digest).for_each(|(byte, digit)| *byte = digit);
        Fingerprint(u64::from_be_bytes(bytes))
    }
}

fn feed(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_le_bytes());
    hash.update(part);
}

/// A JSON value, whatever the order of the members of its objects. Every digit of a number counts.
fn feed_json(hash: &mut Sha256, json: &str) {
    let members = json.starts_with('{').then(|| serde_json::from_str::<BTreeMap<String, &RawValue>>(json).ok());
    let items = json.starts_with('[').then(|| serde_json::from_str::<Vec<&RawValue>>(json).ok());
    match (members.flatten(), items.flatten()) {
        (Some(members), _) => {
            feed(hash, format!("{{{}", members.len()).as_bytes());
            for (name, value) in members {
                feed(hash, name.as_bytes());
                feed_json(hash, value.get());
            }
        }
        (None, Some(items)) => {
            feed(hash, format!("[{}", items.len()).as_bytes());
            for item in items {
                feed_json(hash, item.get());
            }
        }
        (None, None) => feed(hash, json.as_bytes()),
    }
}

/// An ask's content in eight bytes: the first of the SHA-256 of its parts. The order of the members of an object does
/// not count. Written as sixteen hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        let read = u64::from_str_radix(&text, 16).ok().map(Self);
        // One way to write it only: no sign, no other length, no capitals.
        read.filter(|fingerprint| fingerprint.to_string() == text).ok_or_else(|| IdError::Shape {
            kind: "fingerprint",
            text: text.chars().take(40).collect(),
            wanted: "sixteen hexadecimal digits in lower case",
        })
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

/// An ask as a journal names it: what is compared when a flow is replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskName {
    /// Its place among the asks of the run.
    #[serde(rename = "n")]
    pub ordinal: u32,
    /// Its name.
    pub tag: Tag,
    /// Its kind: `request`, `timer` or `child`.
    pub kind: Arc<str>,
    /// Its content.
    #[serde(rename = "fp")]
    pub fingerprint: Fingerprint,
}

impl fmt::Display for AskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ordinal, tag, kind, fingerprint } = self;
        write!(f, "{kind} {tag:?} (number {ordinal}, content {fingerprint})")
    }
}

impl AskName {
    pub(super) fn is_timer(&self) -> bool {
        &*self.kind == "timer"
    }
}

impl Ask {
    pub(super) fn is_child(&self) -> bool {
        matches!(self.what, What::Child { .. })
    }

    /// How a journal names it.
    pub fn name(&self) -> AskName {
        AskName {
            ordinal: self.ordinal,
            tag: Arc::clone(&self.tag),
            kind: self.what.name().into(),
            fingerprint: self.fingerprint,
        }
    }
}

/// How a child flow ended, as its parent hears of it.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildEnd<T = Payload> {
    /// With a result.
    Completed(T),
    /// It gave up, and says why.
    Failed(String),
    /// It was cancelled or ended by force.
    Cancelled,
    /// There is another flow of that name, started with another input or by somebody else.
    Taken,
}
