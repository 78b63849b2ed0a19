//! Which name was meant by one that is unknown.

use crate::datalog::ir::Predicate;

/// Names that are looked at, so that a program with many of them is told quickly what is wrong.
pub(super) const NAMES_MAX: usize = 4_000;

/// Letters of a name that another one is looked for.
const LETTERS_MAX: usize = 64;

/// Edits between a name and the one that was meant; in any case fewer than half of its letters.
const EDITS_MAX: usize = 2;

/// A hint, if one of the names is near: the nearest one, of several the first by name.
pub(super) fn meant<'n>(unknown: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    if unknown.len() > LETTERS_MAX {
        return None;
    }
    let most = EDITS_MAX.min(unknown.len().saturating_sub(1) / 2);
    let near = |name: &'n str| Some((edits(unknown.as_bytes(), name.as_bytes(), most)?, name));
    let (_, name) = names.into_iter().take(NAMES_MAX).filter_map(near).min()?;
    Some(format!("did you mean `{name}`?"))
}

pub(super) fn names_of(predicates: &[Predicate]) -> impl Iterator<Item = &str> {
    predicates.iter().map(|predicate| &*predicate.name)
}

/// How many edits make one the other, unless more than `most`: a letter more, less or another, or two swapped.
///
/// What both start with needs no edit, so that little is left to try.
fn edits(one: &[u8], other: &[u8], most: usize) -> Option<usize> {
    if one.len().abs_diff(other.len()) > most {
        return None;
    }
    let same = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    let (one, other) = (one.get(same..)?, other.get(same..)?);
    let ([first, one_rest @ ..], [second, other_rest @ ..]) = (one, other) else {
        return Some(one.len().max(other.len()));
    };
    let left = most.checked_sub(1)?;
    let swapped = match (one_rest, other_rest) {
        ([a, one_rest @ ..], [b, other_rest @ ..]) if a == second && b == first => edits(one_rest, other_rest, left),
        _ => None,
    };
    let single = [(one_rest, other), (one, other_rest), (one_rest, other_rest)];
    let single = single.into_iter().filter_map(|(one, other)| edits(one, other, left));
    single.chain(swapped).min().map(|edits| edits + 1)
}
