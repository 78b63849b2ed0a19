//! The part of the audit that is about what was lost by a lapse: given back, or owed until it is settled.

use std::collections::{BTreeMap, BTreeSet};

use super::party::Party;
use crate::id::AttendeeId;
use crate::persist::Seq;

type Checked = Result<(), String>;

#[derive(Clone, Debug, Default)]
pub(super) struct LapsesAudit {
    lost: BTreeMap<AttendeeId, Party>,
    /// The events by which refunds became due, and to whom.
    due: BTreeSet<(AttendeeId, Seq)>,
}

impl LapsesAudit {
    /// Refunds that are due.
    pub(super) fn due(&self) -> u64 {
        self.due.len() as u64
    }

    /// A hold lapsed.
    pub(super) fn lose(&mut self, attendee: &AttendeeId, party: Party) {
        self.lost.insert(attendee.clone(), party);
    }

    /// Whoever has seats loses nothing any more. What is owed to him still is.
    pub(super) fn forget(&mut self, attendee: &AttendeeId) {
        self.lost.remove(attendee);
    }

    /// What was lost is given back, or owed.
    pub(super) fn made_good(&mut self, attendee: &AttendeeId, party: &Party) -> Checked {
        let lost = self.lost.remove(attendee);
        let good = |lost: Party| lost.seats == party.seats && lost.ticket == party.ticket;
        lost.is_some_and(good).then_some(()).ok_or_else(|| "what was made good was not lost".to_owned())
    }

    /// What was lost is owed from event `seq` on.
    pub(super) fn owe(&mut self, attendee: &AttendeeId, party: &Party, seq: Seq) -> Checked {
        self.made_good(attendee, party)?;
        self.due.insert((attendee.clone(), seq));
        Ok(())
    }

    /// What is owed since event `seq` is settled, and nothing was owed longer.
    pub(super) fn settle(&mut self, attendee: &AttendeeId, seq: Seq) -> Checked {
        if !self.due.remove(&(attendee.clone(), seq)) {
            return Err("a refund was settled that was not due".to_owned());
        }
        let longer = self.due.range((attendee.clone(), Seq::UNWRITTEN)..(attendee.clone(), seq)).next();
        longer.map_or(Ok(()), |(_, longer)| {
            Err(format!("a refund was settled before the one that is due since {longer}"))
        })
    }
}
