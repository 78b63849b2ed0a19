//! The parts of a series as one list, in civil time.

use core::iter::{FusedIterator, Peekable};

use crate::calendar::{Occurrence, Occurrences, Truncated};

/// The occurrences of a series in a window of civil time, ascending by start and id, worked out as they are asked for.
///
/// A part that runs out of steps gives its [`Truncated`] at once, and ends; the others go on.
#[derive(Clone, Debug)]
pub struct Merged<'s> {
    parts: Vec<Peekable<Occurrences<'s>>>,
}

impl<'s> Merged<'s> {
    pub(super) fn new(parts: impl Iterator<Item = Occurrences<'s>>) -> Self {
        Self { parts: parts.map(Iterator::peekable).collect() }
    }
}

impl Iterator for Merged<'_> {
    type Item = Result<Occurrence, Truncated>;

    fn next(&mut self) -> Option<Self::Item> {
        let heads = self.parts.iter_mut().enumerate().filter_map(|(place, part)| {
            let head = part.peek()?;
            Some((head.as_ref().ok().map(|next| (next.start, next.id())), place))
        });
        let (_, least) = heads.min()?;
        self.parts.get_mut(least)?.next()
    }
}

impl FusedIterator for Merged<'_> {}
