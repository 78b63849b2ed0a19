//! A line of attendees: in the order in which they came, each found by name, each place known.

use std::collections::BTreeMap;

use super::ranks::Ranks;
use crate::id::AttendeeId;

/// Number of a join in the life of a line; its order is that of the line.
pub(super) type Join = usize;

/// Whoever stands in a line.
pub(super) trait Stands {
    /// Who it is.
    fn attendee(&self) -> &AttendeeId;
    /// Places that he takes.
    fn places(&self) -> u32;
}

/// Those who came and did not leave, in order. Every operation takes time logarithmic in their number.
#[derive(Clone, Debug)]
pub(super) struct Joined<V> {
    /// INVARIANT: `joins` and `entries` hold the same attendees, and `ranks` weighs each with its places, others with none.
    joins: BTreeMap<AttendeeId, Join>,
    entries: BTreeMap<Join, V>,
    ranks: Ranks,
}

impl<V> Default for Joined<V> {
    fn default() -> Self {
        Self { joins: BTreeMap::new(), entries: BTreeMap::new(), ranks: Ranks::default() }
    }
}

impl<V: PartialEq> PartialEq for Joined<V> {
    fn eq(&self, other: &Self) -> bool {
        self.entries.values().eq(other.entries.values())
    }
}

impl<V: Stands> Joined<V> {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn find(&self, attendee: &AttendeeId) -> Option<Join> {
        self.joins.get(attendee).copied()
    }

    pub(super) fn get(&self, join: Join) -> Option<&V> {
        self.entries.get(&join)
    }

    pub(super) fn of(&self, attendee: &AttendeeId) -> Option<&V> {
        self.find(attendee).and_then(|join| self.get(join))
    }

    /// The 1-based place of an entry, the first if it takes several.
    pub(super) fn place(&self, join: Join) -> u64 {
        self.ranks.before(join) + 1
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Join, &V)> {
        self.entries.iter().map(|(join, entry)| (*join, entry))
    }

    /// The number of whoever comes next.
    pub(super) fn next(&self) -> Join {
        self.ranks.slots()
    }

    /// Whoever comes stands last.
    pub(super) fn push(&mut self, entry: V) -> Join {
        let join = self.next();
        self.ranks.push(entry.places());
        self.joins.insert(entry.attendee().clone(), join);
        self.entries.insert(join, entry);
        join
    }

    /// Takes the latest [`Joined::push`] back.
    pub(super) fn pop(&mut self) -> Option<(Join, V)> {
        let join = self.ranks.slots().checked_sub(1)?;
        let entry = self.entries.remove(&join)?;
        self.joins.remove(entry.attendee());
        self.ranks.pop();
        Some((join, entry))
    }

    pub(super) fn remove(&mut self, join: Join) -> Option<V> {
        let entry = self.entries.remove(&join)?;
        self.joins.remove(entry.attendee());
        self.ranks.take(join, entry.places());
        Some(entry)
    }

    /// Puts an entry at a place that nobody has: that of one who left.
    pub(super) fn put_back(&mut self, join: Join, entry: V) {
        self.ranks.add(join, entry.places());
        self.joins.insert(entry.attendee().clone(), join);
        self.entries.insert(join, entry);
    }

    /// Puts another entry in the place of one, which it gives; does nothing if nobody stands there.
    pub(super) fn replace(&mut self, join: Join, entry: V) -> Option<V> {
        let before = self.remove(join)?;
        self.put_back(join, entry);
        Some(before)
    }

    /// Drops the places of those who left, once they outnumber those who are here by far.
    pub(super) fn settle(&mut self) {
        if self.is_sparse() {
            let entries = core::mem::take(self).into_entries();
            entries.for_each(|entry| _ = self.push(entry));
        }
    }

    /// Whether those who left outnumber those who are here by far.
    pub(super) fn is_sparse(&self) -> bool {
        self.ranks.slots() > 2 * self.entries.len() + 1_024
    }

    pub(super) fn into_entries(self) -> impl Iterator<Item = V> {
        self.entries.into_values()
    }
}
