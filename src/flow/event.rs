//! What a flow's journal records.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ask::{AskName, Tag};
use super::id::FlowId;
use super::stuck::Stuck;
use crate::persist::{Payload, Seq};
use crate::time::Timestamp;

/// The flow that waits for another one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Parent {
    /// Who waits.
    pub flow: FlowId,
    /// In which of its runs.
    pub run: u32,
    /// The ask by which it waits.
    pub ordinal: u32,
    /// Its tag.
    pub tag: Tag,
}

impl Parent {
    /// Whether both are the same ask. Its ordinal may differ, where asks were added before it.
    pub(super) fn is_same_ask(&self, other: &Self) -> bool {
        self.flow == other.flow && self.run == other.run && self.tag == other.tag
    }
}

/// One fact of a flow's journal.
///
/// *Turns* make the flow's code go on, once each: `Started`, `Continued`, `Resolved`, `Signalled`, `CancelRequested`.
/// Each names the version of the code that was there when it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowEvent {
    /// It began. The first event of every journal.
    Started {
        /// Version of the code.
        version: u32,
        /// What it was started with.
        input: Payload,
        /// Who waits for it.
        parent: Option<Parent>,
    },
    /// An ask has its outcome.
    Resolved {
        /// The ask.
        ask: AskName,
        /// Version of the code.
        version: u32,
        /// The outcome; of a timer its deadline, in milliseconds since 1970.
        outcome: Payload,
    },
    /// A signal came.
    Signalled {
        /// Its name.
        name: Arc<str>,
        /// Version of the code.
        version: u32,
        /// The sender's name for it, by which a repetition is known.
        id: Option<Arc<str>>,
        /// What it says.
        body: Payload,
    },
    /// Somebody wants it to end: everything it waits for is answered so, and its code may clean up.
    CancelRequested {
        /// Version of the code.
        version: u32,
    },
    /// The code took the new way at a patch. Belongs to the turn before it.
    Patched {
        /// The patch.
        patch: Arc<str>,
    },
    /// Nothing leaves it any more and no timer of it runs out, until it is resumed.
    Paused,
    /// It goes on.
    Resumed,
    /// It cannot go on.
    Stuck {
        /// Version of the code that could not.
        version: u32,
        /// Why.
        why: Stuck,
    },
    /// It is tried again.
    Retried {
        /// Version of the code that is to try.
        version: u32,
    },
    /// It ended with a result.
    Completed {
        /// The result.
        output: Payload,
    },
    /// It gave up.
    Failed {
        /// Why, in its own words.
        reason: String,
    },
    /// It ended since it was cancelled.
    Cancelled,
    /// It was ended without asking its code.
    Terminated,
    /// It began anew, with an empty journal and another input.
    Continued {
        /// Which run begins; the first is 1.
        run: u32,
        /// Version of the code.
        version: u32,
        /// What it goes on with.
        input: Payload,
        /// Who waits for it.
        parent: Option<Parent>,
        /// Signals that were read, by name: up to this event. Those after it go over to the new run.
        read: BTreeMap<Arc<str>, Seq>,
        /// Whether its end was asked for in an earlier run, which went on all the same.
        cancelled: bool,
        /// When the flow was first started; the epoch if that is not known.
        since: Timestamp,
    },
}

impl FlowEvent {
    /// Whether the flow's code goes on with it.
    pub fn is_turn(&self) -> bool {
        matches!(
            self,
            Self::Started { .. }
                | Self::Continued { .. }
                | Self::Resolved { .. }
                | Self::Signalled { .. }
                | Self::CancelRequested { .. }
        )
    }
}
