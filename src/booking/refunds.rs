//! What is due back, until it is settled.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::party::Party;
use crate::id::AttendeeId;
use crate::persist::Seq;
use crate::time::Timestamp;

/// What an attendee paid for and could not have: it is due back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// To whom.
    pub attendee: AttendeeId,
    /// For what.
    pub party: Party,
    /// The event by which it became due: no other refund of the occurrence has the same.
    pub seq: Seq,
    /// The instant of that event.
    pub at: Timestamp,
}

/// All of them, the oldest first. Every operation takes time logarithmic in their number.
#[derive(Clone, Debug, Default)]
pub(super) struct Refunds {
    /// INVARIANT: `of` has each of `due` under its attendee, and nothing else.
    due: BTreeMap<Seq, Refund>,
    of: BTreeMap<AttendeeId, BTreeSet<Seq>>,
}

impl PartialEq for Refunds {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Refunds {
    pub(super) fn add(&mut self, refund: Refund) {
        self.of.entry(refund.attendee.clone()).or_default().insert(refund.seq);
        self.due.insert(refund.seq, refund);
    }

    pub(super) fn remove(&mut self, seq: Seq) -> Option<Refund> {
        let refund = self.due.remove(&seq)?;
        if let Some(of) = self.of.get_mut(&refund.attendee) {
            of.remove(&seq);
            if of.is_empty() {
                self.of.remove(&refund.attendee);
            }
        }
        Some(refund)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Refund> {
        self.due.values()
    }

    /// Those of one attendee, the oldest first.
    pub(super) fn of(&self, attendee: &AttendeeId) -> impl Iterator<Item = &Refund> {
        self.of.get(attendee).into_iter().flatten().filter_map(|seq| self.due.get(seq))
    }
}
