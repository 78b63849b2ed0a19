//! Forward: from a cart and promotions to what it costs, and why.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::cart::{Cart, PriceError};
use super::promotion::{Effect, Promotion, Share};
use crate::ticket::money::{Money, MoneyError};

/// What a promotion took from the cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Off {
    /// Its name.
    pub promotion: String,
    /// What it took together; above zero.
    pub off: Money,
    /// What it took from each line, in their order: one amount for each.
    pub lines: Vec<Money>,
}

/// A line as it is sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotedLine {
    /// What it is.
    pub item: String,
    /// How many.
    pub count: u32,
    /// What it costs by the list.
    pub list: Money,
    /// What it costs now; never below zero.
    pub net: Money,
}

/// Why a promotion took nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The buyer is not what it needs.
    Buyer,
    /// Its code was not given.
    Code,
    /// The cart is worth less than it needs.
    AtLeast,
    /// Another of its group counts already.
    Group {
        /// Which one.
        by: String,
    },
    /// There is nothing that it could make cheaper.
    Nothing,
}

/// A promotion that took nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// Its name.
    pub promotion: String,
    /// Why.
    pub why: Refusal,
}

/// What a cart costs, and which promotion gave what. To be kept as it is when the cart is sold: promotions change later, and a refund
/// is of what was paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// What it costs by the list.
    pub list: Money,
    /// What it costs. The list amount less all that was taken, and the sum of the lines.
    pub total: Money,
    /// The lines, in their order.
    pub lines: Vec<QuotedLine>,
    /// Promotions that took something, in the order in which they were looked at.
    pub offs: Vec<Off>,
    /// Those that did not.
    pub refused: Vec<Refused>,
}

impl Cart {
    /// What it costs.
    ///
    /// # Errors
    /// [`PriceError`] when two promotions have one name, one is of another currency, or amounts are too much.
    pub fn quote<'p>(&'p self, promotions: impl IntoIterator<Item = &'p Promotion>) -> Result<Quote, PriceError> {
        self.quote_with(promotions, Codes::Given)
    }

    pub(super) fn quote_with<'p>(
        &'p self,
        promotions: impl IntoIterator<Item = &'p Promotion>,
        codes: Codes,
    ) -> Result<Quote, PriceError> {
        let mut order: Vec<&Promotion> = promotions.into_iter().collect();
        order.sort_by(|a, b| (a.rank, &a.name).cmp(&(b.rank, &b.name)));
        let mut names = BTreeSet::new();
        if let Some(twice) = order.iter().find(|promotion| !names.insert(&promotion.name)) {
            return Err(PriceError::TwoOfAName { name: twice.name.clone() });
        }
        let mut pricing = Pricing::of(self, codes)?;
        for promotion in order {
            pricing.look_at(promotion)?;
        }
        pricing.quote()
    }
}

/// Which codes count as given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codes {
    /// Those that the buyer gave.
    Given,
    /// All.
    All,
}

/// A cart while promotions are looked at.
struct Pricing<'a> {
    cart: &'a Cart,
    codes: Codes,
    list: Money,
    /// What is left of each line.
    left: Vec<Money>,
    /// How many of each line are in no set yet.
    loose: Vec<u32>,
    groups: BTreeMap<&'a str, &'a str>,
    offs: Vec<Off>,
    refused: Vec<Refused>,
}

impl<'a> Pricing<'a> {
    fn of(cart: &'a Cart, codes: Codes) -> Result<Self, PriceError> {
        Ok(Self {
            cart,
            codes,
            list: Money::sum(&cart.list)?.ok_or(PriceError::Empty)?,
            left: cart.list.clone(),
            loose: cart.lines.iter().map(|line| line.count).collect(),
            groups: BTreeMap::new(),
            offs: Vec::new(),
            refused: Vec::new(),
        })
    }

    fn look_at(&mut self, promotion: &'a Promotion) -> Result<(), PriceError> {
        let why = match self.refusal(promotion)? {
            Some(why) => why,
            None => {
                let wanted = self.wanted(promotion)?;
                let lines = self.take(&wanted)?;
                let off = Money::sum(&lines)?.ok_or(PriceError::Empty)?;
                if off.minor() > 0 {
                    if let Some(group) = &promotion.group {
                        self.groups.insert(group.as_str(), promotion.name.as_str());
                    }
                    self.offs.push(Off { promotion: promotion.name.clone(), off, lines });
                    return Ok(());
                }
                Refusal::Nothing
            }
        };
        self.refused.push(Refused { promotion: promotion.name.clone(), why });
        Ok(())
    }

    fn refusal(&self, promotion: &Promotion) -> Result<Option<Refusal>, MoneyError> {
        let (cart, needs) = (self.cart, &promotion.needs);
        let short = match needs.at_least {
            Some(least) => self.list.minus(least)?.minor() < 0,
            None => false,
        };
        let by = promotion.group.as_deref().and_then(|group| self.groups.get(group));
        Ok(if needs.buyer.as_ref().is_some_and(|tag| !cart.buyer.contains(tag)) {
            Some(Refusal::Buyer)
        } else if self.codes == Codes::Given && needs.code.as_ref().is_some_and(|code| !cart.codes.contains(code)) {
            Some(Refusal::Code)
        } else if short {
            Some(Refusal::AtLeast)
        } else {
            by.map(|by| Refusal::Group { by: (*by).to_owned() })
        })
    }

    /// What a promotion would take from each line, were there enough.
    fn wanted(&mut self, promotion: &Promotion) -> Result<Vec<Money>, PriceError> {
        let is_of: Vec<bool> = self.cart.lines.iter().map(|line| promotion.is_of(line)).collect();
        let nothing = Money::new(0, self.list.currency());
        let of = |amounts: &[Money]| -> Vec<Money> {
            amounts.iter().zip(&is_of).map(|(amount, is_of)| if *is_of { *amount } else { nothing }).collect()
        };
        match &promotion.effect {
            Effect::Share { per_10_000, of: share } => {
                let base = of(if *share == Share::List { &self.cart.list } else { &self.left });
                let off = self.share(&base, *per_10_000)?;
                dealt(off, &base)
            }
            Effect::Fixed { off } => {
                let base = of(&self.left);
                let most = Money::sum(&base)?.unwrap_or(nothing);
                // Also says so if the two are of different currencies.
                let beyond = off.minus(most)?.minor() > 0;
                dealt(if beyond { most } else { *off }, &base)
            }
            Effect::Rate { unit } => {
                let lines = self.cart.lines.iter().zip(&self.left).zip(&is_of);
                let off = |((line, left), is_of): ((&super::Line, &Money), &bool)| {
                    let rate = unit.times(i64::from(line.count))?;
                    let off = left.minus(rate)?;
                    Ok::<_, MoneyError>(if *is_of && off.minor() > 0 { off } else { nothing })
                };
                Ok(lines.map(off).collect::<Result<_, _>>()?)
            }
            Effect::Bundle { items, price } => self.bundle(items, *price, &is_of),
        }
    }

    fn share(&self, base: &[Money], per_10_000: u32) -> Result<Money, PriceError> {
        let of = Money::sum(base)?.map_or(0, |money| i128::from(money.minor()));
        let off = (of * i128::from(per_10_000.min(10_000)) + 5_000) / 10_000;
        Ok(Money::new(i64::try_from(off).map_err(|_| MoneyError::Overflow)?, self.list.currency()))
    }

    /// As many sets as the cart has loose.
    fn bundle(
        &mut self,
        items: &BTreeMap<String, u32>,
        price: Money,
        is_of: &[bool],
    ) -> Result<Vec<Money>, PriceError> {
        let nothing = Money::new(0, self.list.currency());
        let none = vec![nothing; self.left.len()];
        let mut sets = u32::MAX;
        for (item, wanted) in items.iter().filter(|(_, wanted)| **wanted > 0) {
            let here = self.cart.lines.iter().zip(&self.loose).zip(is_of);
            let here = here.filter(|((line, _), is_of)| **is_of && line.item == *item);
            let loose: u64 = here.map(|((_, loose), _)| u64::from(*loose)).sum();
            sets = sets.min(u32::try_from(loose / u64::from(*wanted)).unwrap_or(u32::MAX));
        }
        if sets == 0 || items.values().all(|wanted| *wanted == 0) {
            return Ok(none);
        }
        let mut used = vec![0_u32; self.loose.len()];
        for (item, wanted) in items {
            let mut open = u64::from(*wanted) * u64::from(sets);
            for (at, line) in self.cart.lines.iter().enumerate() {
                let (Some(used), Some(loose)) = (used.get_mut(at), self.loose.get(at)) else { continue };
                if line.item == *item && is_of.get(at) == Some(&true) {
                    *used = u32::try_from(u64::from(*loose).min(open)).unwrap_or(*loose);
                    open -= u64::from(*used);
                }
            }
        }
        let value = |(line, used): (&super::Line, &u32)| line.unit.times(i64::from(*used));
        let base = self.cart.lines.iter().zip(&used).map(value).collect::<Result<Vec<_>, _>>()?;
        let worth = Money::sum(&base)?.unwrap_or(nothing);
        let off = worth.minus(price.times(i64::from(sets))?)?;
        if off.minor() <= 0 {
            return Ok(none);
        }
        self.loose.iter_mut().zip(&used).for_each(|(loose, used)| *loose -= used);
        dealt(off, &base)
    }

    /// Takes what is wanted, as far as it is there.
    fn take(&mut self, wanted: &[Money]) -> Result<Vec<Money>, PriceError> {
        let mut taken = Vec::with_capacity(wanted.len());
        for (left, wanted) in self.left.iter_mut().zip(wanted) {
            let off = if wanted.minor() > left.minor() { *left } else { *wanted };
            *left = left.minus(off)?;
            taken.push(off);
        }
        Ok(taken)
    }

    fn quote(self) -> Result<Quote, PriceError> {
        let Self { cart, list, left, offs, refused, .. } = self;
        let total = Money::sum(&left)?.ok_or(PriceError::Empty)?;
        let lines = cart.lines.iter().zip(&cart.list).zip(&left).map(|((line, list), net)| QuotedLine {
            item: line.item.clone(),
            count: line.count,
            list: *list,
            net: *net,
        });
        Ok(Quote { list, total, lines: lines.collect(), offs, refused })
    }
}

/// An amount, dealt out by what the lines are worth; nothing if they are worth nothing.
fn dealt(off: Money, base: &[Money]) -> Result<Vec<Money>, PriceError> {
    let weights: Vec<u64> = base.iter().map(|money| u64::try_from(money.minor()).unwrap_or(0)).collect();
    if weights.iter().all(|weight| *weight == 0) || off.minor() <= 0 {
        return Ok(base.iter().map(|money| Money::new(0, money.currency())).collect());
    }
    Ok(off.allocate(&weights)?)
}
