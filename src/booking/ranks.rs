//! Who is how far up the roster, in logarithmic time.

/// Sums of the weights of slots: a Fenwick tree ("A new data structure for cumulative frequency tables", P. M. Fenwick,
/// 1994). Slots are numbered from 0 and only ever appended; one whose weight is gone stays until the tree is built anew.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranks {
    /// `tree[i]` sums the slots in `(i + 1 - lowest_bit(i + 1), i + 1]`, one-based.
    tree: Vec<u64>,
}

impl Ranks {
    /// Slots there ever were.
    pub(crate) fn slots(&self) -> usize {
        self.tree.len()
    }

    /// Appends a slot.
    pub(crate) fn push(&mut self, weight: u32) {
        let place = self.tree.len() + 1;
        let children = place & place.wrapping_neg();
        // What this node sums beside its own: what is up to the last slot, less what is below.
        let covered = self.up_to(place - 1) - self.up_to(place - children);
        self.tree.push(covered + u64::from(weight));
    }

    /// Forgets the last slot.
    pub(crate) fn pop(&mut self) {
        self.tree.pop();
    }

    /// The slot weighs more from now on.
    pub(crate) fn add(&mut self, slot: usize, weight: u32) {
        self.update(slot, |sum| sum + u64::from(weight));
    }

    /// The slot, which weighs as much, weighs less from now on.
    pub(crate) fn take(&mut self, slot: usize, weight: u32) {
        self.update(slot, |sum| sum.saturating_sub(u64::from(weight)));
    }

    /// The weights of all slots before `slot`.
    pub(crate) fn before(&self, slot: usize) -> u64 {
        self.up_to(slot)
    }

    fn up_to(&self, mut place: usize) -> u64 {
        let mut sum = 0;
        while place > 0 {
            sum += self.tree.get(place - 1).copied().unwrap_or_default();
            place -= place & place.wrapping_neg();
        }
        sum
    }

    fn update(&mut self, slot: usize, change: impl Fn(u64) -> u64) {
        let mut place = slot + 1;
        while let Some(sum) = self.tree.get_mut(place - 1) {
            *sum = change(*sum);
            place += place & place.wrapping_neg();
        }
    }
}
