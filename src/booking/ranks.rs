//! Who is how far up the roster, in logarithmic time.

/// Counts the live slots at or below a slot: a Fenwick tree ("A new data structure for cumulative frequency tables",
/// P. M. Fenwick, 1994). Slots are numbered from 0 and only ever appended; a dead slot stays until the tree is built
/// anew.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranks {
    /// `tree[i]` counts the live slots in `(i + 1 - lowest_bit(i + 1), i + 1]`, one-based.
    tree: Vec<u32>,
}

impl Ranks {
    /// Slots, live and dead.
    pub(crate) fn slots(&self) -> usize {
        self.tree.len()
    }

    /// Appends a live slot.
    pub(crate) fn push(&mut self) {
        let place = self.tree.len() + 1;
        let children = place & place.wrapping_neg();
        // The live slots that this node covers beside its own: what is up to the last slot, less what is below.
        let covered = self.up_to(place - 1) - self.up_to(place - children);
        self.tree.push(covered + 1);
    }

    /// Forgets the last slot, which must be live.
    pub(crate) fn pop(&mut self) {
        self.tree.pop();
    }

    /// The slot is dead from now on.
    pub(crate) fn kill(&mut self, slot: usize) {
        self.update(slot, |count| count.saturating_sub(1));
    }

    /// The slot, which must be dead, is live again.
    pub(crate) fn revive(&mut self, slot: usize) {
        self.update(slot, |count| count + 1);
    }

    /// Live slots at or below `slot`.
    pub(crate) fn rank(&self, slot: usize) -> u64 {
        u64::from(self.up_to(slot + 1))
    }

    fn up_to(&self, mut place: usize) -> u32 {
        let mut sum = 0;
        while place > 0 {
            sum += self.tree.get(place - 1).copied().unwrap_or_default();
            place -= place & place.wrapping_neg();
        }
        sum
    }

    fn update(&mut self, slot: usize, change: impl Fn(u32) -> u32) {
        let mut place = slot + 1;
        while let Some(count) = self.tree.get_mut(place - 1) {
            *count = change(*count);
            place += place & place.wrapping_neg();
        }
    }
}
