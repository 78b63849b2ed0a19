//! Backward: from what it costs to which promotions made it so.

use core::borrow::Borrow;
use std::collections::BTreeSet;

use super::cart::{Cart, PriceError};
use super::promotion::Promotion;
use super::quote::Codes;
use crate::ticket::money::Money;

/// How many times two sets may be compared for each quote that may be made: together they take no longer than the quote.
const COMPARED_PER_QUOTE: u64 = 100;

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Names of promotions that together do what was asked for, the smallest sets first. None is part of another.
    pub sets: Vec<BTreeSet<String>>,
    /// Whether no set was left out. If not, the budget ended first, and there may be more.
    pub complete: bool,
    /// Quotes that were made.
    pub quotes: u64,
}

/// Which sets of `promotions` give exactly the total `wanted`: all minimal ones. Codes of those in a set count as given.
///
/// The sets are tried by size, at most `quotes_max` of them; with `n` promotions there are two to the power of `n`. Those that contain
/// one that was found are passed over without a quote; the search ends when all of a size are. What passing over takes is
/// bounded too: 100 times `quotes_max` comparisons of two sets.
///
/// # Errors
/// As [`Cart::quote`].
///
/// ```
/// use boxoffice_core::ticket::price::{Cart, Effect, Line, Promotion, which_promotions};
/// let cart = Cart::new(vec![Line::new("evening", 1, "10.00 EUR".parse()?)])?;
/// let off = |name: &str, off: &str| Ok::<_, boxoffice_core::ticket::MoneyError>(Promotion::new(name, 1, Effect::Fixed { off: off.parse()? }));
/// let found = which_promotions(&cart, &[off("a", "1.00 EUR")?, off("b", "2.00 EUR")?, off("c", "3.00 EUR")?], "7.00 EUR".parse()?, 100)?;
/// let names: Vec<Vec<&str>> = found.sets.iter().map(|set| set.iter().map(String::as_str).collect()).collect();
/// assert_eq!(names, [vec!["c"], vec!["a", "b"]]);
/// # Ok::<(), boxoffice_core::ticket::price::PriceError>(())
/// ```
pub fn which_promotions<P: Borrow<Promotion>>(
    cart: &Cart,
    promotions: &[P],
    wanted: Money,
    quotes_max: u64,
) -> Result<Found, PriceError> {
    let mut found = Found { sets: Vec::new(), complete: true, quotes: 0 };
    // No promotion makes anything cheaper than nothing, or of another currency.
    if wanted.minor() < 0 || cart.lines().iter().any(|line| line.unit.currency() != wanted.currency()) {
        return Ok(found);
    }
    let mut minimal = Minimal::with_budget(quotes_max.saturating_mul(COMPARED_PER_QUOTE));
    each_set(promotions.len(), &mut |set| {
        match minimal.covers(set) {
            Covered::Yes => return Ok(true),
            Covered::All => return Ok(false),
            Covered::No if found.quotes < quotes_max => {}
            Covered::No | Covered::Unknown => {
                found.complete = false;
                return Ok(false);
            }
        }
        found.quotes += 1;
        if total(cart, promotions, set)? == wanted {
            minimal.sets.push(set.clone());
            found.sets.push(names(promotions, set));
        }
        Ok(true)
    })?;
    Ok(found)
}

/// Whether a set contains one that was found.
enum Covered {
    Yes,
    No,
    /// It does, and so does every set from here on.
    All,
    /// The budget is over.
    Unknown,
}

/// The sets that were found so far, while sets are looked at by size.
struct Minimal {
    sets: Vec<BTreeSet<usize>>,
    /// The size that is being looked at.
    size: usize,
    /// Those that are smaller than that come first.
    smaller: usize,
    /// Whether a set of that size contains none of them.
    is_open: bool,
    /// Comparisons that are left.
    budget: u64,
}

impl Minimal {
    fn with_budget(budget: u64) -> Self {
        Self { sets: Vec::new(), size: 0, smaller: 0, is_open: false, budget }
    }

    fn covers(&mut self, set: &BTreeSet<usize>) -> Covered {
        if set.len() > self.size {
            // Each larger set contains one of this size, and so what that contains.
            if !self.is_open {
                return Covered::All;
            }
            (self.size, self.smaller, self.is_open) = (set.len(), self.sets.len(), false);
        }
        for smaller in self.sets.iter().take(self.smaller) {
            if self.budget == 0 {
                return Covered::Unknown;
            }
            self.budget -= 1;
            if smaller.is_subset(set) {
                return Covered::Yes;
            }
        }
        self.is_open = true;
        Covered::No
    }
}

/// The least that the cart can cost, and the smallest set of `promotions` that does it; of equal ones the first in their order. The
/// search is bounded as that of [`which_promotions`].
///
/// # Errors
/// As [`Cart::quote`].
pub fn cheapest<P: Borrow<Promotion>>(
    cart: &Cart,
    promotions: &[P],
    quotes_max: u64,
) -> Result<(Money, Found), PriceError> {
    let mut found = Found { sets: Vec::new(), complete: true, quotes: 0 };
    let mut best: Option<Money> = None;
    each_set(promotions.len(), &mut |set| {
        // The cart as it is has a price in any case.
        if found.quotes >= quotes_max.max(1) {
            found.complete = false;
            return Ok(false);
        }
        found.quotes += 1;
        let total = total(cart, promotions, set)?;
        if best.is_none_or(|best| total.minor() < best.minor()) {
            best = Some(total);
            found.sets = vec![names(promotions, set)];
        }
        Ok(true)
    })?;
    Ok((best.ok_or(PriceError::Empty)?, found))
}

fn chosen<'p, P: Borrow<Promotion>>(
    promotions: &'p [P],
    set: &'p BTreeSet<usize>,
) -> impl Iterator<Item = &'p Promotion> {
    set.iter().filter_map(|at| promotions.get(*at)).map(P::borrow)
}

fn names<P: Borrow<Promotion>>(promotions: &[P], set: &BTreeSet<usize>) -> BTreeSet<String> {
    chosen(promotions, set).map(|promotion| promotion.name.clone()).collect()
}

fn total<P: Borrow<Promotion>>(cart: &Cart, promotions: &[P], set: &BTreeSet<usize>) -> Result<Money, PriceError> {
    Ok(cart.quote_with(chosen(promotions, set), Codes::All)?.total)
}

/// Calls `visit` with each set of numbers below `n`, the smaller ones first and those of a size in their order, until it says no.
fn each_set(n: usize, visit: &mut dyn FnMut(&BTreeSet<usize>) -> Result<bool, PriceError>) -> Result<(), PriceError> {
    for size in 0..=n {
        let mut places: Vec<usize> = (0..size).collect();
        loop {
            if !visit(&places.iter().copied().collect())? {
                return Ok(());
            }
            // The last place that can still move on; those after it follow it.
            let movable = places.iter().enumerate().rev().find(|(at, place)| **place < n - size + at).map(|(at, _)| at);
            let Some(at) = movable else { break };
            let next = places.get(at).map_or(0, |place| place + 1);
            places.iter_mut().skip(at).zip(next..).for_each(|(place, next)| *place = next);
        }
    }
    Ok(())
}
